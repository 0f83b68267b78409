"""PyTorchFileReader: the records of a checkpoint, one by one."""
import os
import weakref

import pyxtorch
from pyxtorch._core import view_storage
from pyxtorch.serialization.archive import ArchiveError, Reader
from pyxtorch.storage import UntypedStorage

__all__ = ["PyTorchFileReader"]


class PyTorchFileReader:
    """Reads records of a file that `save` wrote, by their names within it (`data.pkl`, `data/0`, `byteorder` ...).

    Args:
        file: a path, or a seekable object with `read`.
    Raises:
        RuntimeError: the file is no intact checkpoint.
    """

    def __init__(self, file):
        if isinstance(file, (str, os.PathLike)):
            file = open(file, "rb")
            weakref.finalize(self, file.close)
        self._archive = Reader(file)
        roots = {name.partition("/")[0] for name in self._archive}
        if len(roots) != 1:
            raise ArchiveError(f"PyTorchFileReader: the records of a checkpoint lie in one folder, those of this archive in {len(roots)}.")
        self._root = f"{roots.pop()}/"

    def get_all_records(self):
        """The names of all records, in the file's order."""
        return [name.removeprefix(self._root) for name in self._archive]

    def has_record(self, name):
        """Whether there is a record of that name."""
        return self._root + name in self._archive

    def get_record(self, name):
        """The bytes of a record.

        Raises:
            RuntimeError: there is no such record, or its checksum is wrong.
        """
        return self._archive.read(self._root + name)

    def get_record_size(self, name):
        """How many bytes a record has."""
        return self._archive.size(self._root + name)

    def get_record_offset(self, name):
        """At which byte of the file the data of a record begins."""
        return self._archive.place(self._root + name)

    def get_storage_from_record(self, name, numel, dtype):
        """A tensor of no elements whose storage is a record's memory.

        Args:
            numel: how many elements of `dtype`, or bytes where that is `UntypedStorage`, the record has.
        Raises:
            RuntimeError: it has another size.
        """
        dtype = pyxtorch.uint8 if dtype is UntypedStorage else dtype
        size = self.get_record_size(name)
        if size != numel * dtype.itemsize:
            raise RuntimeError(f"get_storage_from_record: record {name!r} has {size} bytes, not those of {numel} elements of {dtype}.")
        storage = UntypedStorage(size)
        self._archive.read_into(self._root + name, storage)
        return view_storage(storage, dtype, 0, (0,), (1,))

    def serialization_id(self):
        """The number by which PyTorch tells files apart, as text; empty in a file that has none."""
        return self.get_record(".data/serialization_id").decode() if self.has_record(".data/serialization_id") else ""
