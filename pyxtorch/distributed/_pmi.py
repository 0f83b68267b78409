"""A server that makes processes which nobody launched together one MPI job: of MPICH, Intel's MPI, or another that speaks PMI-1.

It carries addresses only. Ranks connect, prove the job's token, and hand the connection to their MPI as PMI_FD. It runs in a
process of its own, which the first rank starts, and which ends when all connections have.
"""
import hashlib
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

from pyxtorch.distributed import _token

_VARIABLES = ("PMI_FD", "PMI_RANK", "PMI_SIZE")


@contextmanager
def joined(store, rank, size):
    """Within, an import of mpi4py's MPI makes this process `rank` of `size`: all of them meet at `store`."""
    from pyxtorch.distributed._engine import _library

    if _library() == "openmpi":
        raise RuntimeError("init_process_group: Open MPI joins only processes that its own mpiexec has started. Start the program with "
                           f"python -m pyxtorch.distributed.run --nproc-per-node {size} program.py, or install MPICH in the place of Open MPI.")  # fmt: skip
    if rank == 0:
        host = getattr(getattr(store, "underlying_store", None), "host", None) or "127.0.0.1"
        address = _start(host, size)
        store.set("pmi", f"{address[0]}\n{address[1]}\n{address[2]}")
    host, port, key = store.get("pmi").decode().split("\n")
    store.add("pmi_read", 1)
    if rank == 0:  # afterwards nobody serves the store: MPI waits for the others with the interpreter's lock
        _wait_for(store, size)
    connection = socket.create_connection((host, int(port)), timeout=60)
    _token.answer(connection, key.encode())
    connection.settimeout(None)
    connection.sendall(rank.to_bytes(4, "little") + machine())
    os.set_inheritable(connection.fileno(), False)
    os.environ.update(zip(_VARIABLES, (str(connection.fileno()), str(rank), str(size))))
    try:
        yield
    finally:
        connection.detach()  # MPI's own now
        for name in _VARIABLES:
            os.environ.pop(name, None)


def _wait_for(store, size):
    end = time.monotonic() + store.timeout.total_seconds()
    while store.add("pmi_read", 0) < size:
        if time.monotonic() > end:
            raise RuntimeError(f"init_process_group: {store.add('pmi_read', 0)} of {size} processes came within {timedelta(seconds=int(store.timeout.total_seconds()))}")
        time.sleep(0.002)


def _start(host, size):
    """Start the server: (host, port, key)."""
    key = secrets.token_hex(32)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PMI_", "OMPI_", "PMIX_"))}
    clean["PYTHONPATH"] = os.pathsep.join(p for p in (os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), clean.get("PYTHONPATH")) if p)
    command = [sys.executable, "-m", __name__, host, str(size)]
    reader, writer = os.pipe()  # open as long as this process is, MPI's end included: the server ends with it
    server = subprocess.Popen(command, stdin=reader, stdout=subprocess.PIPE, text=True, env=clean)
    os.close(reader)
    os.write(writer, key.encode() + b"\n")
    port = server.stdout.readline().strip()
    server.stdout.close()
    if not port:
        raise RuntimeError(f"init_process_group: the server for {size} processes cannot listen at {host}.")
    _servers.append(server)
    return host, int(port), key


_servers = []  # kept, or Python would wait for them


def machine():
    """16 bytes that tell machines apart, and containers that share no memory."""
    with open("/proc/sys/kernel/random/boot_id", "rb") as file:
        return hashlib.sha256(file.read() + socket.gethostname().encode()).digest()[:16]


class Server:
    """Speaks PMI-1 with `size` ranks: a line a command, `cmd=name key=value ...`."""

    def __init__(self, listener, size, key):
        self.listener, self.size, self.key = listener, size, key
        self.values, self.lock, self.barrier, self.machines = {}, threading.Lock(), [], {}
        self.name = f"pyxtorch_{os.getpid()}_{secrets.token_hex(8)}"  # MPICH names shared memory after it

    def serve(self):
        """Until all ranks have come and gone."""
        threads = []
        while len(threads) < self.size:
            connection, _ = self.listener.accept()
            connection.settimeout(10)
            try:
                if not _token.ask(connection, self.key):
                    connection.close()
                    continue
                told = _token.receive(connection, 20)
            except OSError:
                connection.close()
                continue
            connection.settimeout(None)
            self.machines[int.from_bytes(told[:4], "little")] = told[4:]
            threads.append(threading.Thread(target=self.talk, args=(connection,)))
        self.listener.close()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def talk(self, connection):
        """With one rank."""
        for line in connection.makefile("r"):
            said = dict(word.split("=", 1) for word in line.split() if "=" in word)
            answer = self.answer(said, connection)
            if answer:
                connection.sendall(answer.encode() + b"\n")
            if said.get("cmd") in ("finalize", "abort"):
                break
        connection.close()

    def mapping(self):
        """Which rank is on which machine: blocks of (first machine, machines, ranks on each)."""
        numbers = {}
        of = [numbers.setdefault(self.machines.get(r), len(numbers)) for r in range(self.size)]
        return "(vector," + ",".join(f"({n},1,1)" for n in of) + ")" if len(numbers) > 1 else f"(vector,(0,1,{self.size}))"

    def answer(self, said, connection):
        """To one command."""
        name = said.get("cmd")
        if name == "barrier_in":
            with self.lock:
                self.barrier.append(connection)
                if len(self.barrier) == self.size:
                    for one in self.barrier:
                        one.sendall(b"cmd=barrier_out\n")
                    self.barrier = []
            return ""
        if name == "put":
            with self.lock:
                self.values[said["key"]] = said["value"]
            return "cmd=put_result rc=0 msg=success"
        if name == "get":
            if said["key"] == "PMI_process_mapping":
                return f"cmd=get_result rc=0 msg=success value={self.mapping()}"
            with self.lock:
                value = self.values.get(said["key"])
            return "cmd=get_result rc=-1 msg=key_not_found value=unknown" if value is None else f"cmd=get_result rc=0 msg=success value={value}"
        return {
            "initack": f"cmd=initack rc=0 size={self.size} rank=0 debug=0",
            "init": "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0",
            "get_maxes": "cmd=maxes kvsname_max=256 keylen_max=64 vallen_max=1024",
            "get_appnum": "cmd=appnum appnum=0",
            "get_my_kvsname": f"cmd=my_kvsname kvsname={self.name}",
            "get_universe_size": f"cmd=universe_size size={self.size}",
            "finalize": "cmd=finalize_ack",
        }.get(name, "")


def main(arguments):
    """host and size as arguments, the key on stdin; the port goes to stdout. It ends with whoever holds stdin."""
    host, size = arguments
    listener = socket.create_server((host, 0), backlog=1024)
    key = sys.stdin.readline().strip()
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    Server(listener, int(size), key.encode()).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
