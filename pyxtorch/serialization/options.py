"""Settings of save and load, and where storages go: by the names that PyTorch has for them."""
import contextlib
import enum
import mmap
import shutil
import sys
import tempfile
import warnings

from pyxtorch.storage import TypedStorage, UntypedStorage

__all__ = [
    "LoadEndianness", "SourceChangeWarning", "StorageType", "check_module_version_greater_or_equal", "default_restore_location", "get_crc32_options",
    "get_default_load_endianness", "get_default_mmap_options", "location_tag", "mkdtemp", "normalize_storage_type", "register_package", "set_crc32_options",
    "set_default_load_endianness", "set_default_mmap_options", "skip_data", "storage_to_tensor_type", "validate_cuda_device",
]  # fmt: skip

StorageType = TypedStorage | UntypedStorage
MAP_SHARED, MAP_PRIVATE = mmap.MAP_SHARED, mmap.MAP_PRIVATE
_state = {"endianness": None, "mmap": MAP_PRIVATE, "crc32": True, "skip": False}


class SourceChangeWarning(Warning):
    """The source of a class is not what it was when an object was saved. Files hold no source here, so that it is never given."""


class LoadEndianness(enum.Enum):
    """Byte orders of files that do not say theirs."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


def get_default_load_endianness():
    """What `set_default_load_endianness` set; None: little."""
    return _state["endianness"]


def set_default_load_endianness(endianness):
    """The byte order of files that do not say theirs, a LoadEndianness or None.

    Raises:
        TypeError: it is something else.
    """
    if endianness is not None and not isinstance(endianness, LoadEndianness):
        raise TypeError("Invalid argument type in function set_default_load_endianness")
    _state["endianness"] = endianness


def byte_order():
    """"little" or "big", of files that do not say theirs."""
    set_to = _state["endianness"]
    return sys.byteorder if set_to is LoadEndianness.NATIVE else "big" if set_to is LoadEndianness.BIG else "little"


def get_default_mmap_options():
    """How `load(mmap=True)` maps files: `mmap.MAP_PRIVATE` or `mmap.MAP_SHARED`."""
    return _state["mmap"]


class set_default_mmap_options:  # noqa: N801
    """Map files privately (MAP_PRIVATE, what is written stays in memory) or write to them (MAP_SHARED); from now on, or in a `with` block.

    Raises:
        ValueError: neither.
    """

    def __init__(self, flags):
        if flags not in (MAP_PRIVATE, MAP_SHARED):
            raise ValueError(f"Invalid argument in function set_default_mmap_options, expected mmap.MAP_PRIVATE or mmap.MAP_SHARED, but got {flags}")
        self.before, _state["mmap"] = _state["mmap"], flags

    def __enter__(self):
        pass

    def __exit__(self, *error):
        _state["mmap"] = self.before


def get_crc32_options():
    """Whether `save` writes checksums of tensors' memory."""
    return _state["crc32"]


def set_crc32_options(compute_crc32):
    """Write checksums of tensors' memory, or zeros, which is faster; the pickle's checksum is always written. `load` reads both."""
    _state["crc32"] = bool(compute_crc32)


class skip_data:  # noqa: N801
    """Within this `with` block `save` leaves room for tensors' memory and does not write it, and `load` makes tensors and does not read it.

    Args:
        materialize_fake_tensors: of no meaning: there are no fake tensors.
    """

    def __init__(self, materialize_fake_tensors=False):
        self.before = None

    def __enter__(self):
        self.before, _state["skip"] = _state["skip"], True

    def __exit__(self, *error):
        _state["skip"] = self.before


def skipping():
    """Whether a `skip_data` is in force."""
    return _state["skip"]


@contextlib.contextmanager
def mkdtemp():
    """A new folder within a `with` block."""
    path = tempfile.mkdtemp()
    try:
        yield path
    finally:
        shutil.rmtree(path)


def check_module_version_greater_or_equal(module, req_version_tuple, error_if_malformed=True):
    """Whether `module.__version__` is at least the tuple of numbers.

    Raises:
        RuntimeError: the version is no text of numbers; a warning, and True, unless `error_if_malformed`.
    """
    try:
        version = tuple(type(want)(part) for want, part in zip(req_version_tuple, module.__version__.split(".")))
        return version >= tuple(req_version_tuple)
    except Exception as error:
        message = f"'{module.__name__}' module version string is malformed '{getattr(module, '__version__', None)}' and cannot be compared with tuple {req_version_tuple}"
        if error_if_malformed:
            raise RuntimeError(message) from error
        warnings.warn(message + ", but continuing assuming that requirement is met", stacklevel=2)
        return True


# ------------------------------------------------------------------------------------ places

_packages = []  # (priority, tagger, deserializer), sorted


def register_package(priority, tagger, deserializer):
    """Let files name places of one's own.

    Args:
        priority: lower ones are asked first; the CPU's is 10, the GPU's 20.
        tagger: gives the name of a storage's place, or None. deserializer: `f(storage, name)` puts it there, or gives None.
    """
    _packages.append((priority, tagger, deserializer))
    _packages.sort(key=lambda entry: entry[0])


def location_tag(storage):
    """How a file names the place of a storage."""
    for _, tagger, _ in _packages:
        found = tagger(storage)
        if found:
            return found
    return str(storage.device)


def elsewhere(storage, location):
    """The storage where a package of `register_package` puts it; None where none knows the place."""
    for _, _, deserializer in _packages:
        found = deserializer(storage, location)
        if found is not None:
            return found
    return None


def default_restore_location(storage, location):
    """The storage at the place that a file names.

    Raises:
        RuntimeError: nobody knows the place, or its device is not here.
    """
    from pyxtorch.serialization import _to_location

    return _to_location(storage, location)


def normalize_storage_type(storage_type):
    """The class of storages of this name in the namespace `torch`."""
    import pyxtorch

    return getattr(pyxtorch, storage_type.__name__)


def storage_to_tensor_type(storage):
    """The type of tensors on a storage with a dtype: FloatTensor for a FloatStorage."""
    import pyxtorch

    kind = type(storage).__name__
    if isinstance(storage, TypedStorage):
        kind = storage.pickle_storage_type()
    return getattr(pyxtorch, kind.replace("Storage", "Tensor"))


def validate_cuda_device(location):
    """The number of the GPU that a place such as "cuda:0" names.

    Raises:
        RuntimeError: there is no such GPU here.
    """
    from pyxtorch import cuda, device

    number = device(location).index or 0
    if not cuda.is_available():
        raise RuntimeError("Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. Use map_location=torch.device('cpu').")
    if number >= cuda.device_count():
        raise RuntimeError(f"Attempting to deserialize object on CUDA device {number} but torch.cuda.device_count() is {cuda.device_count()}. Use map_location.")
    return number
