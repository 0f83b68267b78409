"""Stores that processes share, and what stands between them and strangers."""
import os
import socket
import subprocess
import sys
import threading
from datetime import timedelta

import pytest

from pyxtorch import distributed as dist
from pyxtorch.distributed import _stores, _token

SECOND = timedelta(seconds=1)


@pytest.fixture(params=["hash", "file", "tcp", "prefix"])
def store(request, tmp_path, monkeypatch):
    monkeypatch.setenv(_token.NAME, "a" * 64)
    if request.param == "hash":
        return dist.HashStore()
    if request.param == "file":
        return dist.FileStore(tmp_path / "store", 1)
    tcp = dist.TCPStore("127.0.0.1", 0, 1, True)
    return tcp if request.param == "tcp" else dist.PrefixStore("a", dist.PrefixStore("b", tcp))


def test_operations(store):
    store.set("a", "1")
    store.set("bytes", b"\0\xff")
    assert store.get("a") == b"1" and store.get("bytes") == b"\0\xff" and store.add("n", 2) == 2 and store.add("n", -5) == -3
    assert store.check(["a", "n"]) and not store.check(["a", "b"])
    assert store.compare_set("a", "0", "9") == b"1" and store.compare_set("a", "1", "2") == b"2" and store.get("a") == b"2"
    assert store.compare_set("new", "", "x") == b"x"
    store.append("a", "34")
    assert store.get("a") == b"234" and store.num_keys() == 4
    store.multi_set(["u", "v"], ["1", "2"])
    assert store.multi_get(["u", "v"]) == [b"1", b"2"]
    assert store.delete_key("a") and not store.delete_key("a") and not store.check(["a"])
    store.queue_push("q", "1")
    store.queue_push("q", "2")
    assert store.queue_len("q") == 2 and store.queue_pop("q") == b"1" and store.queue_pop("q") == b"2"
    with pytest.raises(dist.QueueEmptyError):
        store.queue_pop("q", block=False)
    with pytest.raises(dist.DistStoreError, match="nothing"):
        store.wait(["nothing"], timedelta(seconds=0.05))
    threading.Timer(0.05, lambda: store.set("late", "x")).start()
    assert store.get("late") == b"x"


def test_a_file_of_several(tmp_path):
    first, second = dist.FileStore(tmp_path / "store", 2), dist.FileStore(tmp_path / "store", 2)
    first.set("a", b"x" * 10_000)
    assert second.get("a") == b"x" * 10_000 and second.num_keys() == 1
    del first
    assert (tmp_path / "store").exists()
    del second
    assert not (tmp_path / "store").exists()
    (tmp_path / "broken").write_bytes(b"\xff" * 10)
    with pytest.raises(ValueError):
        dist.FileStore(tmp_path / "broken")._do("keys")


def test_processes_share_one(monkeypatch):
    monkeypatch.setenv(_token.NAME, "b" * 64)
    store = dist.TCPStore("127.0.0.1", 0, 2, True, wait_for_workers=False)
    program = f"from pyxtorch import distributed as d; s = d.TCPStore('127.0.0.1', {store.port}); s.add('n', 5); s.set('k', 'v')"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert store.get("k") == b"v" and store.add("n", 0) == 5


def test_strangers(monkeypatch):
    monkeypatch.setenv(_token.NAME, "c" * 64)
    store = dist.TCPStore("127.0.0.1", 0, 1, True)
    store.set("secret", "1")
    monkeypatch.setenv(_token.NAME, "d" * 64)
    with pytest.raises(dist.DistNetworkError, match="another job"):
        dist.TCPStore("127.0.0.1", store.port, timeout=SECOND)
    for sent in (b"", b"x" * 64, os.urandom(200)):
        with socket.create_connection(("127.0.0.1", store.port), timeout=5) as raw:
            assert len(_token.receive(raw, 32)) == 32
            try:
                raw.sendall(sent)
                raw.shutdown(socket.SHUT_WR)
                assert raw.recv(100) == b""
            except OSError:  # closed already
                pass
    assert store.get("secret") == b"1"
    with socket.create_server(("127.0.0.1", 0)) as fake:  # one that listens without the token
        def serve():
            connection, _ = fake.accept()
            with connection:
                connection.sendall(b"n" * 32)
                _token.receive(connection, 64)
                connection.sendall(b"p" * 32)
        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(dist.DistNetworkError, match="does not know the token"):
            dist.TCPStore("127.0.0.1", fake.getsockname()[1], timeout=SECOND)


def test_messages_are_checked():
    assert _stores.unpack(_stores.pack([b"", b"abc"])) == [b"", b"abc"]
    for bad in (b"", b"\1\0\0\0", b"\1\0\0\0\xff\xff\xff\xff", _stores.pack([b"a"]) + b"x", b"\xff" * 40):
        with pytest.raises(ValueError):
            _stores.unpack(bad)


def test_the_users_token(tmp_path, monkeypatch):
    monkeypatch.delenv(_token.NAME, raising=False)
    monkeypatch.setenv("PYXTORCH_CACHE", str(tmp_path))
    first = _token.token()
    assert first == _token.token() and len(first) == 64 and (tmp_path / "distributed_token").stat().st_mode & 0o777 == 0o600
    (tmp_path / "distributed_token").chmod(0o644)
    with pytest.raises(RuntimeError, match="readable by nobody else"):
        _token.token()


def test_nobody_answers(monkeypatch):
    monkeypatch.setenv(_token.NAME, "e" * 64)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(dist.DistNetworkError, match="cannot listen"):
            dist.TCPStore("127.0.0.1", port, 1, True)
    with pytest.raises(dist.DistNetworkError, match="nobody answered"):
        dist.TCPStore("127.0.0.1", port, timeout=timedelta(seconds=0.1))


def test_rendezvous(tmp_path):
    store, rank, size = next(dist.rendezvous(f"file://{tmp_path}/meet?rank=0&world_size=1"))
    assert (rank, size) == (0, 1) and store.num_keys() == 0
    with pytest.raises(RuntimeError, match="No rendezvous handler for nope"):
        next(dist.rendezvous("nope://x"))
    with pytest.raises(RuntimeError, match="already registered"):
        dist.register_rendezvous_handler("env", None)
