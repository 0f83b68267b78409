"""Stores: keys and bytes that the processes of a job share, in one process, over TCP, or in a file."""
import fcntl
import os
import socket
import struct
import threading
import time
from datetime import timedelta

from pyxtorch.distributed import _token

__all__ = ["FileStore", "HashStore", "PrefixStore", "QueueEmptyError", "Store", "TCPStore"]

_PATIENCE = timedelta(seconds=300)
_LONGEST = 1 << 28  # bytes of one request


class QueueEmptyError(RuntimeError):
    """`queue_pop` found nothing."""


def _bytes(value):
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else str(value).encode()


def _store_error(message):
    from pyxtorch.distributed._group import DistStoreError

    return DistStoreError(message)


class Store:
    """Keys and values that processes share. What is set is a string or bytes; what is read are bytes.

    A subclass says how to `_do(name, arguments)` one of the operations of `_Table`; those that wait ask again until the time is over.
    """

    def __init__(self):
        self._timeout = _PATIENCE

    @property
    def timeout(self):
        """How long `get` and `wait` wait."""
        return self._timeout

    def set_timeout(self, timeout):
        """Set it, a timedelta."""
        self._timeout = timeout

    def _do(self, name, *arguments):
        raise NotImplementedError(f"{type(self).__name__} does not say how it does {name}")

    def _key(self, key):
        return str(key)

    def set(self, key, value):
        """Keep a string, or bytes."""
        self._do("set", self._key(key), _bytes(value))

    def get(self, key):
        """The bytes of a key, when it has been set.

        Raises:
            DistStoreError: it was not in time.
        """
        self.wait([key])
        return self._do("get", self._key(key))

    def add(self, key, amount):
        """Count: the number under a key, by `amount` greater."""
        return int(self._do("add", self._key(key), str(int(amount)).encode()))

    def compare_set(self, key, expected_value, desired_value):
        """Set `desired_value` if the key has `expected_value`, or is not there and that is empty; what it has then."""
        return self._do("compare_set", self._key(key), _bytes(expected_value), _bytes(desired_value))

    def append(self, key, value):
        """Add bytes to the end of those that a key has."""
        self._do("append", self._key(key), _bytes(value))

    def check(self, keys):
        """Whether all of the keys are set."""
        return self._do("check", *[self._key(key) for key in keys]) == b"1"

    def wait(self, keys, timeout=None):
        """Wait until keys are set, `timeout` (a timedelta) at most."""
        patience = (timeout or self._timeout).total_seconds()
        end, pause = time.monotonic() + patience, 0.001
        while not self.check(keys):
            if time.monotonic() > end:
                missing = [key for key in keys if not self.check([key])]
                raise _store_error(f"{type(self).__name__}: wait timeout after {patience:g} s, keys: {', '.join(map(str, missing))}")
            time.sleep(pause)
            pause = min(0.05, 1.5 * pause)

    def delete_key(self, key):
        """Forget a key: whether it was there."""
        return self._do("delete", self._key(key)) == b"1"

    def num_keys(self):
        """How many keys there are."""
        return len([key for key in self.list_keys() if not key.startswith("\1")])

    def list_keys(self):
        """The keys."""
        return [key for key in self._do("keys").decode().split("\0") if key]

    def multi_get(self, keys):
        """`get` of several."""
        return [self.get(key) for key in keys]

    def multi_set(self, keys, values):
        """`set` of several."""
        for key, value in zip(keys, values, strict=True):
            self.set(key, value)

    def has_extended_api(self):
        """True: append, multi_get and multi_set are there."""
        return True

    def queue_push(self, key, value):
        """Put a value at the end of the queue of a key."""
        number = self.add(f"{key}/pushed", 1)
        self.set(f"{key}/{number}", value)

    def queue_pop(self, key, block=True):
        """Take the first value of a queue, and wait for one if `block`.

        Raises:
            QueueEmptyError: there is none, and it is not to be waited for.
        """
        if not block and self.queue_len(key) <= 0:
            raise QueueEmptyError(f"queue {key} is empty")
        number = self.add(f"{key}/popped", 1)
        value = self.get(f"{key}/{number}")
        self.delete_key(f"{key}/{number}")
        return value

    def queue_len(self, key):
        """How many values a queue has."""
        return self.add(f"{key}/pushed", 0) - self.add(f"{key}/popped", 0)


class _Table:
    """The operations on a dict of bytes; each gives bytes."""

    def __init__(self, values=None):
        self.values, self.lock = {} if values is None else values, threading.Lock()

    def do(self, name, *arguments):
        with self.lock:
            return getattr(self, "do_" + name)(*arguments)

    def do_set(self, key, value):
        self.values[key] = value
        return b""

    def do_get(self, key):
        return self.values.get(key, b"")

    def do_add(self, key, amount):
        self.values[key] = str(int(self.values.get(key, b"0")) + int(amount)).encode()
        return self.values[key]

    def do_compare_set(self, key, expected, desired):
        if self.values.get(key, b"") == expected:
            self.values[key] = desired
        return self.values.get(key, expected)

    def do_append(self, key, value):
        self.values[key] = self.values.get(key, b"") + value
        return b""

    def do_check(self, *keys):
        return b"1" if all(key in self.values for key in keys) else b"0"

    def do_delete(self, key):
        return b"0" if self.values.pop(key, None) is None else b"1"

    def do_keys(self):
        return "\0".join(self.values).encode()


class HashStore(Store):
    """A store of this process's threads."""

    def __init__(self):
        super().__init__()
        self._table = _Table()

    def _do(self, name, *arguments):
        return self._table.do(name, *arguments)


class PrefixStore(Store):
    """A store's keys that begin with a prefix, under what follows it."""

    def __init__(self, prefix, store):
        super().__init__()
        self.prefix, self.underlying_store = prefix, store

    @property
    def timeout(self):
        """That of the store."""
        return self.underlying_store.timeout

    def set_timeout(self, timeout):
        """Set that of the store."""
        self.underlying_store.set_timeout(timeout)

    def wait(self, keys, timeout=None):
        """Wait until keys are set, `timeout` (a timedelta) at most."""
        super().wait(keys, timeout or self.timeout)

    def _key(self, key):
        return self.underlying_store._key(f"{self.prefix}/{key}")

    def _do(self, name, *arguments):
        return self.underlying_store._do(name, *arguments)


class FileStore(Store):
    """A store in a file of a file system that all processes see. Whoever is the last of `world_size` to let go removes it.

    The file holds numbers, lengths and bytes; nothing in it is executed.
    """

    def __init__(self, file_name, world_size=-1):
        super().__init__()
        self.path, self._world_size, self._open = os.path.abspath(file_name), world_size, True
        if world_size > 0:
            self.add("\1users", 1)

    def __del__(self):
        if getattr(self, "_open", False) and self._world_size > 0 and os.path.exists(self.path):
            self._open = False
            try:
                if self.add("\1gone", 1) >= self._world_size:
                    os.unlink(self.path)
            except (OSError, ValueError):
                pass

    def _do(self, name, *arguments):
        number = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(number, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            before = file.read()
            fields = unpack(before) if before else []
            table = _Table({k.decode(): v for k, v in zip(fields[::2], fields[1::2])})
            result = table.do(name, *arguments)
            after = pack([x for k, v in table.values.items() for x in (k.encode(), v)])
            if after != before:
                file.seek(0)
                file.write(after)
                file.truncate()
            return result


def pack(fields):
    """Byte strings as one: how many, and each after its length."""
    return struct.pack("<I", len(fields)) + b"".join(struct.pack("<I", len(f)) + f for f in fields)


def unpack(data):
    """The byte strings of `pack`; ValueError for anything else."""
    if len(data) < 4:
        raise ValueError("too short")
    (count,), at, fields = struct.unpack_from("<I", data), 4, []
    for _ in range(count):
        if at + 4 > len(data):
            raise ValueError("too short")
        (length,) = struct.unpack_from("<I", data, at)
        at += 4 + length
        if at > len(data):
            raise ValueError("too short")
        fields.append(data[at - length : at])
    if at != len(data):
        raise ValueError("too long")
    return fields


def send_fields(connection, fields):
    """Send byte strings."""
    data = pack(fields)
    connection.sendall(struct.pack("<Q", len(data)) + data)


def receive_fields(connection):
    """Receive them."""
    (length,) = struct.unpack("<Q", _token.receive(connection, 8))
    if length > _LONGEST:
        raise ValueError(f"a message of {length} bytes; the longest has {_LONGEST}")
    return unpack(_token.receive(connection, length))


class _Server:
    """Serves a table to whoever proves the token: a thread that accepts, and one for each connection."""

    _OPERATIONS = ("set", "get", "add", "compare_set", "append", "check", "delete", "keys")

    def __init__(self, listener):
        self.table, self.listener, self.key = _Table(), listener, _token.token()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            try:
                connection.settimeout(10)
                if not _token.ask(connection, self.key):
                    return
                connection.settimeout(None)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while True:
                    name, *fields = receive_fields(connection)
                    name = name.decode()
                    if name not in self._OPERATIONS:
                        return
                    texts = len(fields) if name in ("check", "delete", "get") else 1
                    arguments = [f.decode() if i < texts else f for i, f in enumerate(fields)]
                    try:
                        send_fields(connection, [b"+", self.table.do(name, *arguments)])
                    except (TypeError, ValueError) as error:
                        send_fields(connection, [b"-", str(error).encode()])
            except (OSError, ValueError, UnicodeDecodeError):
                return


class TCPStore(Store):
    """A store that one process keeps for all, over TCP. Who connects proves the job's token.

    Args:
        host_name, port: where it is; port 0 lets the server choose one, which is `port` then.
        world_size: how many processes there are, if `wait_for_workers`. is_master: this process keeps it.
        timeout: how long to wait for it, and for keys.
    Raises:
        DistNetworkError: it cannot listen there, or nobody answered in time. DistStoreError: others did not come.
    """

    def __init__(self, host_name, port=0, world_size=None, is_master=False, timeout=_PATIENCE, wait_for_workers=True, multi_tenant=False,
                 master_listen_fd=None, use_libuv=True):  # fmt: skip
        from pyxtorch.distributed._group import DistNetworkError

        super().__init__()
        self.host, self.port, self._timeout, self._lock, self._server = host_name, port, timeout, threading.Lock(), None
        if is_master:
            try:
                if master_listen_fd is not None:
                    listener = socket.socket(fileno=master_listen_fd)
                else:
                    listener = socket.create_server((host_name, port), backlog=1024)
            except OSError as error:
                raise DistNetworkError(f"TCPStore: cannot listen at {host_name}:{port}: {error.strerror or error}") from None
            self.port = listener.getsockname()[1]
            self._server = _Server(listener)
        end = time.monotonic() + timeout.total_seconds()
        while True:
            try:
                self._connection = socket.create_connection((host_name, self.port), timeout=max(1, timeout.total_seconds()))
                break
            except OSError as error:
                if time.monotonic() > end:
                    raise DistNetworkError(f"TCPStore: nobody answered at {host_name}:{self.port} within {timeout.total_seconds():g} s: {error}") from None
                time.sleep(0.05)
        try:
            _token.answer(self._connection, _token.token())
        except (ConnectionError, TimeoutError) as error:
            self._connection.close()
            raise DistNetworkError(f"TCPStore: {host_name}:{self.port}: {error}") from None
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if world_size and wait_for_workers:
            self.add("\1workers", 1)
            if is_master:
                while self.add("\1workers", 0) < world_size:
                    if time.monotonic() > end:
                        raise _store_error(f"TCPStore: {self.add(chr(1) + 'workers', 0)} of {world_size} processes came within {timeout.total_seconds():g} s")
                    time.sleep(0.005)

    def __del__(self):
        if getattr(self, "_connection", None) is not None:
            self._connection.close()
        if getattr(self, "_server", None) is not None:
            self._server.listener.close()

    def _do(self, name, *arguments):
        with self._lock:
            try:
                send_fields(self._connection, [name.encode(), *[a.encode() if isinstance(a, str) else a for a in arguments]])
                state, value = receive_fields(self._connection)
            except OSError as error:
                raise _store_error(f"TCPStore: the process that keeps it, at {self.host}:{self.port}, is gone: {error}") from None
        if state != b"+":
            raise _store_error(f"TCPStore.{name}: {value.decode()}")
        return value
