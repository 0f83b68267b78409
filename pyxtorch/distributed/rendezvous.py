"""How processes that nobody launched together find each other: a store, from an address."""
import os
from datetime import timedelta
from urllib.parse import parse_qs, urlparse

from pyxtorch.distributed._stores import FileStore, TCPStore

__all__ = ["register_rendezvous_handler", "rendezvous"]

_PATIENCE = timedelta(minutes=30)
_handlers = {}


def register_rendezvous_handler(scheme, handler):
    """Let `handler(url, timeout=..., **kwargs)`, which yields (store, rank, world size), serve addresses of a scheme."""
    if scheme in _handlers:
        raise RuntimeError(f"Rendezvous handler for {scheme}:// already registered")
    _handlers[scheme] = handler


def rendezvous(url, rank=-1, world_size=-1, **kwargs):
    """Yields (store, rank, world size) for "env://", "tcp://host:port", "file:///path", or a scheme that was registered.

    Rank and world size may also stand in the address, as in "tcp://host:port?rank=0&world_size=2".

    Raises:
        RuntimeError: there is no such scheme. ValueError: something is missing.
    """
    parts = urlparse(url)
    if parts.scheme not in _handlers:
        raise RuntimeError(f"No rendezvous handler for {parts.scheme}://")
    said = parse_qs(parts.query)
    rank = int(said["rank"][0]) if rank == -1 and "rank" in said else rank
    world_size = int(said["world_size"][0]) if world_size == -1 and "world_size" in said else world_size
    yield from _handlers[parts.scheme](parts._replace(query=f"rank={rank}&world_size={world_size}").geturl(), **kwargs)


def _who(parts):
    said = parse_qs(parts.query)
    rank, size = int(said["rank"][0]), int(said["world_size"][0])
    if rank < 0 or size < 1:
        raise ValueError(f"Error initializing torch.distributed using {parts.scheme}:// rendezvous: rank and world_size are needed")
    return rank, size


def _tcp(url, timeout=_PATIENCE, **kwargs):
    parts = urlparse(url)
    rank, size = _who(parts)
    if not parts.port:
        raise ValueError("Error initializing torch.distributed using tcp:// rendezvous: port number missing")
    yield TCPStore(parts.hostname, parts.port, size, rank == 0, timeout, wait_for_workers=False), rank, size


def _file(url, **kwargs):
    parts = urlparse(url)
    rank, size = _who(parts)
    if not parts.path:
        raise ValueError("Error initializing torch.distributed using file:// rendezvous: path missing")
    yield FileStore(parts.path, size), rank, size


def _env(url, timeout=_PATIENCE, **kwargs):
    said = parse_qs(urlparse(url).query)
    values = {}
    for name, given in (("RANK", said.get("rank", ["-1"])[0]), ("WORLD_SIZE", said.get("world_size", ["-1"])[0]), ("MASTER_ADDR", "-1"), ("MASTER_PORT", "-1")):
        if given == "-1" and name not in os.environ:
            raise ValueError(f"Error initializing torch.distributed using env:// rendezvous: environment variable {name} expected, but not set")
        values[name] = os.environ[name] if given == "-1" else given
    rank, size = int(values["RANK"]), int(values["WORLD_SIZE"])
    yield TCPStore(values["MASTER_ADDR"], int(values["MASTER_PORT"]), size, rank == 0, timeout, wait_for_workers=False), rank, size


for _scheme, _handler in (("tcp", _tcp), ("file", _file), ("env", _env)):
    register_rendezvous_handler(_scheme, _handler)
