"""Proof that whoever connects belongs to the job: both sides show that they know its token, and neither sends it.

The launcher makes the token and passes it in the environment (PYXTORCH_DIST_TOKEN). Processes that nobody launched use one
that is kept for the user, readable by nobody else.
"""
import hashlib
import hmac
import os
import secrets

__all__ = ["answer", "ask", "token"]

NAME = "PYXTORCH_DIST_TOKEN"


def token():
    """The job's token, bytes."""
    given = os.environ.get(NAME)
    if given:
        return given.encode()
    folder = os.environ.get("PYXTORCH_CACHE") or os.path.join(os.path.expanduser("~"), ".cache", "pyxtorch")
    path = os.path.join(folder, "distributed_token")
    os.makedirs(folder, exist_ok=True)
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    with open(path, "rb") as file:
        about = os.fstat(file.fileno())
        if about.st_uid != os.getuid() or about.st_mode & 0o077:
            raise RuntimeError(f"{path} must belong to this user and be readable by nobody else. Remove it.")
        value = file.read()
    if len(value) != 64:
        raise RuntimeError(f"{path} is not complete. Remove it, or try again.")
    return value


def receive(connection, count):
    """Exactly `count` bytes of a socket; ConnectionError where it ends before."""
    parts = bytearray()
    while len(parts) < count:
        part = connection.recv(count - len(parts))
        if not part:
            raise ConnectionError("the other side closed the connection")
        parts += part
    return bytes(parts)


def _proof(key, side, first, second):
    return hmac.digest(key, side + first + second, hashlib.sha256)


def ask(connection, key):
    """The server's side: whether who connected knows the token, to whom it is proved in turn."""
    nonce = secrets.token_bytes(32)
    connection.sendall(nonce)
    told = receive(connection, 64)
    if not hmac.compare_digest(told[32:], _proof(key, b"client", nonce, told[:32])):
        return False
    connection.sendall(_proof(key, b"server", nonce, told[:32]))
    return True


def answer(connection, key):
    """The client's side.

    Raises:
        ConnectionError: the server does not know the token, or did not accept this side's.
    """
    nonce, own = receive(connection, 32), secrets.token_bytes(32)
    connection.sendall(own + _proof(key, b"client", nonce, own))
    try:
        told = receive(connection, 32)
    except ConnectionError:
        raise ConnectionError(f"the server refused this process: its token ({NAME}) is of another job") from None
    if not hmac.compare_digest(told, _proof(key, b"server", nonce, own)):
        raise ConnectionError(f"whoever listens there does not know the token ({NAME}) of this job")
