"""Files of PyTorch before 1.6: pickles one after the other, then the memory of the tensors.

In this order: a magic number, the number of the format, what the machine was like, the object, and the keys of the storages, each a
pickle; then for each key the number of elements, eight bytes, and the elements. Nothing of it is trusted: storages are made while the
object is read, and may be no larger than the file.
"""
import pickle
import sys
import threading
from pickle import UnpicklingError

from pyxtorch.serialization.archive import ArchiveError
from pyxtorch.serialization.names import STORAGE_OF
from pyxtorch.storage import TypedStorage, UntypedStorage

MAGIC, FORMAT = 0x1950A86A20F9469CFC6C, 1001
HEAD = b"\x80\x02\x8a\n"  # of a pickle of that number


def read(data, unpickle, dtype_of, restore, swap):
    """The object in the bytes `data`.

    Args:
        unpickle: `unpickle(data, place, load_storage)` gives the object in a pickle, and the place where it ends.
        dtype_of: `dtype_of(what a file names as the class of a storage)`; None if it is none.
        restore: `restore(storage, location)` gives the storage where it is wanted.
        swap: `swap(storage, dtype)` exchanges the bytes of its elements.
    Raises:
        RuntimeError: the file is damaged.
        UnpicklingError: it is none, or asks for something that may not be loaded.
    """
    storages, place, parts = _Storages(len(data), dtype_of, restore), 0, []
    before, _unfilled.checks = getattr(_unfilled, "checks", None), []
    try:
        for _ in range(5):
            part, place = unpickle(data, place, storages)
            parts.append(part)
            if len(parts) == 2 and parts != [MAGIC, FORMAT]:
                raise UnpicklingError(f"load: the file is no checkpoint: it starts with {str(parts)[:60]}, not with the numbers of PyTorch's old format.")
        checks = _unfilled.checks
    finally:
        _unfilled.checks = before
    _, _, machine, found, keys = parts
    little = machine.get("little_endian", True) if isinstance(machine, dict) else True
    if not isinstance(keys, list) or {str(key) for key in keys} != set(storages.made) or len(keys) != len(storages.made):
        raise ArchiveError("load: the file is damaged: its storages are not those that its object names.")
    for key in keys:
        storage, restored, dtype = storages.made[str(key)]
        size, start = storage.nbytes(), place + 8
        count = int.from_bytes(data[place:start], "little" if little else "big", signed=True)
        place = start + size
        if count * dtype.itemsize != size or place > len(data):
            raise ArchiveError(f"load: the file is damaged: storage {str(key)[:20]} should have {size} bytes from byte {start} of {len(data)}.")
        memoryview(storage).cast("B")[:] = data[start:place]
        if little != (sys.byteorder == "little") and dtype.itemsize > 1:
            swap(storage, dtype)
        if restored is not storage and restored.device.type != "meta":
            restored.copy_(storage)
    for check in checks:
        check()
    return found


_unfilled = threading.local()       # checks: of what was made of storages that are not filled yet


def check_later(check):
    """Whether storages are being read that are not filled yet; then `check` is called when they are."""
    checks = getattr(_unfilled, "checks", None)
    if checks is not None:
        checks.append(check)
    return checks is not None


def write_file(write, pickled, storages, types):
    """Write such a file by `write(bytes)`: a pickled object, its storages by key, and how they are typed (FloatStorage; None: as bytes)."""
    machine = {"protocol_version": FORMAT, "little_endian": sys.byteorder == "little", "type_sizes": {"short": 2, "int": 4, "long": 4}}
    keys = sorted(storages)
    for part in (MAGIC, FORMAT, machine):
        write(pickle.dumps(part, 2))
    write(pickled)
    write(pickle.dumps(keys, 2))
    sizes = {name: dtype.itemsize for dtype, name in STORAGE_OF.items()}
    for key in keys:
        write((storages[key].nbytes() // sizes.get(types[key], 1)).to_bytes(8, sys.byteorder, signed=True))
        write(memoryview(storages[key]).cast("B"))


class _Storages:
    """Gives storages for what the object names, to be filled when it has been read."""

    def __init__(self, limit, dtype_of, restore):
        self.left, self.dtype_of, self.restore = limit, dtype_of, restore
        self.made, self.error = {}, None

    def __call__(self, identity):
        if type(identity) is tuple and len(identity) == 4 and identity[0] == "module":
            return identity[1]  # a class, with its source, which nobody reads
        if type(identity) is not tuple or len(identity) not in (5, 6) or identity[0] != "storage":
            raise UnpicklingError("load: the pickle names a storage in a way that no checkpoint does.")
        _, kind, key, location, count = identity[:5]
        dtype = self.dtype_of(kind)
        if dtype is None or type(key) not in (str, int) or type(location) is not str or type(count) is not int or count < 0:
            raise UnpicklingError("load: the pickle names a storage in a way that no checkpoint does.")
        if identity[5:] not in ((), (None,)):
            raise UnpicklingError("load: the file has storages that are parts of others, as PyTorch stopped to write. Save it again by PyTorch 1.0 or later.")
        if str(key) not in self.made:
            size = count * dtype.itemsize
            self.left -= size
            if self.left < 0:
                raise ArchiveError(f"load: the file is damaged: its storages have more bytes than the file, from {count} elements of {dtype} on.")
            storage = UntypedStorage(size)
            try:
                restored = self.restore(storage, location)
            except Exception as error:
                self.error = error
                raise
            self.made[str(key)] = storage, restored, dtype
        return TypedStorage(wrap_storage=self.made[str(key)][1], dtype=dtype)
