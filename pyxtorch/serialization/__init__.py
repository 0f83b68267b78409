"""save and load: nested Python values with tensors among them, in PyTorch's own file format.

A file is a zip archive (archive.py) of a pickle, `data.pkl`, and of the memory behind the tensors,
`data/0`, `data/1` and so on; PyTorch reads what is written here, and the other way round. Files of PyTorch before
1.6, of another format, are read, too (legacy.py). Loading never executes what a file says: see unpickler.py for the machine and `_CALLS` for all that it may call.
"""
import io
import itertools
import os
import pickle
import stat
import sys
from collections import Counter, OrderedDict
from collections.abc import Callable
from pickle import UnpicklingError
from typing import IO

import numpy

import pyxtorch
from pyxtorch._core import Size, device, storage_of, view_storage
from pyxtorch.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter
from pyxtorch.serialization import legacy, options
from pyxtorch.serialization.archive import ArchiveError, Reader, Writer
from pyxtorch.serialization.names import DTYPES, LAYOUTS, NAMED, STORAGES
from pyxtorch.serialization.options import *  # noqa: F403
from pyxtorch.serialization.unpickler import Call, Unpickler, check_key, is_in
from pyxtorch.storage import TypedStorage, UntypedStorage
from pyxtorch.tensor import Tensor

__all__ = [
    "add_safe_globals", "clear_safe_globals", "get_safe_globals", "get_unsafe_globals_in_checkpoint", "load", "safe_globals", "save", *options.__all__,
]  # fmt: skip

DEFAULT_PROTOCOL = 2
FILE_LIKE = str | os.PathLike | IO[bytes]  # what `f` may be, and `map_location`: for annotations
MAP_LOCATION = Callable[[UntypedStorage, str], UntypedStorage | None] | device | str | dict[str, str] | None
_numbers = itertools.count()


# ------------------------------------------------------------------------------------- saving

def save(obj, f, pickle_module=None, pickle_protocol=DEFAULT_PROTOCOL, _use_new_zipfile_serialization=True, _disable_byteorder_record=False):
    """Write an object to a file that `load` of pyxtorch and of PyTorch read.

    A path is written under a temporary name beside it first and put in place when it is complete and
    on the disk: whatever goes wrong, a file that was there before stays as it was. Tensors that share
    memory share it after loading; strides, `requires_grad` and Parameters are kept.

    Args:
        obj: tensors, numbers, strings, containers of them and, as far as pickle can, anything else.
        f: a path, or an object with `write(bytes)`.
        pickle_protocol: 2 to 5; PyTorch's own `load` wants 2.
        _use_new_zipfile_serialization: False writes the format of PyTorch before 1.6.
    Raises:
        RuntimeError: the file cannot be written.
        AttributeError: `f` is neither.
    """
    if pickle_module not in (None, pickle):
        raise ValueError("save: only Python's own pickle is written. Leave pickle_module at its default.")
    legacy = not _use_new_zipfile_serialization
    if not 2 <= pickle_protocol <= pickle.HIGHEST_PROTOCOL:
        raise ValueError(f"save: pickle_protocol is {pickle_protocol}, not 2 to {pickle.HIGHEST_PROTOCOL}.")
    if not isinstance(f, (str, os.PathLike)):
        if not hasattr(f, "write"):
            raise AttributeError(f"save: expected a path or a file-like object with a 'write' attribute, not {type(f).__name__}.")
        _write(obj, f.write, pickle_protocol, legacy)
        if hasattr(f, "flush"):
            f.flush()
        return
    path = os.path.realpath(os.fspath(f))  # through links, as open() would go
    try:
        _write_path(obj, path, pickle_protocol, legacy)
    except OSError as error:
        folder = os.path.dirname(path)
        reason = f"Parent directory {folder} does not exist" if not os.path.isdir(folder) else error.strerror or str(error)
        raise RuntimeError(f"save: cannot write {path}: {reason}.") from error


def _write(obj, write, protocol, legacy):
    from pyxtorch.serialization.pickler import Pickler

    limit = sys.getrecursionlimit()
    try:
        pickled = io.BytesIO()
        pickler = Pickler(pickled, protocol, legacy)
        pickler.dump(obj)
    except RecursionError:  # the pickler takes three calls a level: with its limit eight times higher, once more
        pickled = io.BytesIO()
        pickler = Pickler(pickled, protocol, legacy)
        sys.setrecursionlimit(8 * limit)
        try:
            pickler.dump(obj)
        finally:
            sys.setrecursionlimit(limit)
    if legacy:
        from pyxtorch.serialization.legacy import write_file

        write_file(write, pickled.getbuffer(), {key: (s if s.device.type == "cpu" else storage_of(_bytes_of(s).cpu())) for key, s in pickler.storages.items()}, pickler.types())
        return
    archive = Writer(write)
    archive.add("archive/data.pkl", pickled.getbuffer())
    for name, text in ((".format_version", "1"), (".storage_alignment", "64"), ("byteorder", sys.byteorder)):
        archive.add(f"archive/{name}", text.encode())
    for key, storage in pickler.storages.items():
        if options.skipping():
            archive.add(f"archive/data/{key}", numpy.zeros(storage.nbytes(), "u1"), checksum=False)
            continue
        if storage.device.type != "cpu":
            storage = storage_of(_bytes_of(storage).cpu())
        archive.add(f"archive/data/{key}", storage, options.get_crc32_options())
    archive.add("archive/version", b"3\n")
    archive.finish()


def _bytes_of(storage):
    """A storage as a tensor of uint8."""
    return view_storage(storage, pyxtorch.uint8, 0, (storage.nbytes(),), (1,))


def _write_path(obj, path, protocol, legacy):
    mode = None
    if os.path.lexists(path):
        mode = os.stat(path).st_mode
        if not os.access(path, os.W_OK):
            raise PermissionError(13, "Permission denied")
        if not stat.S_ISREG(mode):  # a device or a pipe has no earlier content, and cannot be replaced
            with open(path, "wb") as file:
                _write(obj, file.write, protocol, legacy)
            return
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name[:100]}.{os.getpid()}.{next(_numbers)}.tmp")
    file = os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666), "wb")
    try:
        with file:
            if mode is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(mode))
            _write(obj, file.write, protocol, legacy)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


# ------------------------------------------------------------------------------------- loading

def load(f, map_location=None, pickle_module=None, *, weights_only=None, mmap=None, **pickle_load_args):
    """Read what `save` of pyxtorch or of PyTorch wrote.

    No code of the file's choosing runs, whatever the file is: tensors, numbers, strings and containers
    are rebuilt, and classes only if they were allowed by `add_safe_globals` or `safe_globals`. Only where
    `weights_only=False` says that the file is trusted is everything loaded that pickle can load.

    Args:
        f: a path, or a seekable file object with `read`.
        map_location: where tensors go: a device, a dict from device names to device names, or
            `function(storage, location)`, which returns a storage or None. By default where they were.
        pickle_module: with `weights_only=False`, the module whose `Unpickler` reads the file.
        weights_only: False imports and calls what the file names, as pickle does: whole modules and objects of
            classes of your own. A file by somebody else may then do whatever its author likes.
        mmap: map the file (a path) instead of reading it: memory is read when it is used, and
            changes stay in memory.
    Raises:
        FileNotFoundError: there is no such file.
        RuntimeError: the file is damaged, or its tensors lie on a device that is not here.
        UnpicklingError: the file is no checkpoint, or asks for something that may not be loaded.
    """
    trusted = None if weights_only is not False else (pickle_module or pickle, {"encoding": "utf-8", **pickle_load_args})
    if trusted is None and pickle_module not in (None, pickle):
        raise ValueError("load: only with weights_only=False, for a file that you trust, is it read by another pickle_module.")
    if trusted is None and pickle_load_args.keys() - {"encoding"}:
        raise TypeError(f"load: unexpected arguments {sorted(pickle_load_args.keys() - {'encoding'})}.")
    if isinstance(f, (str, os.PathLike)):
        shared = mmap and options.get_default_mmap_options() == options.MAP_SHARED
        with open(f, "r+b" if shared else "rb") as file:
            return _load(file, _mapped(file) if mmap else None, map_location, trusted)
    if mmap:
        raise ValueError("load: f must be a file path in order to use the mmap argument.")
    if not hasattr(f, "read") or not hasattr(f, "seek"):
        raise AttributeError(
            f"load: {type(f).__name__} has no 'read' or no 'seek'. You can only torch.load from a file that is seekable; "
            "pre-load the data into a buffer like io.BytesIO."
        )
    return _load(f, None, map_location, trusted)


def _mapped(file):
    """A map of a file, private unless `set_default_mmap_options` says otherwise: then what is written to it stays in memory."""
    import mmap

    return mmap.mmap(file.fileno(), 0, flags=options.get_default_mmap_options(), prot=mmap.PROT_READ | mmap.PROT_WRITE)


def load_layers(f, map_location=None):
    """`load`, which takes the layers of `pyxtorch.nn` as well, and what `add_safe_globals` allowed: for files of `jit.save`."""
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return load_layers(file, map_location)
    return _load(f, None, map_location, None, _layers())


def _load(file, mapped, map_location, trusted, layers=None):
    start = file.tell()
    magic = file.read(4)
    file.seek(start)
    if magic != b"PK\3\4":
        if not magic:
            raise EOFError("load: Ran out of input: the file is empty.")
        if magic == legacy.HEAD:
            unpickle = _unpickler(trusted, layers)
            return legacy.read(file.read(), unpickle, lambda kind: kind.dtype if type(kind) is _StorageType else None, _restorer(map_location), _swap_bytes)
        raise UnpicklingError(f"load: the file is no checkpoint: it starts with {magic!r}, neither as a zip archive does nor as files before PyTorch 1.6.")
    archive = Reader(file)
    roots = [name[: -len("data.pkl")] for name in archive if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(roots) != 1:
        raise ArchiveError(f"load: a checkpoint holds one data.pkl, the zip archive {len(roots)}.")
    root = roots[0]
    if f"{root}constants.pkl" in archive:
        raise ArchiveError(
            "load: the file is a TorchScript archive of PyTorch's, a program in a language that is not run here. Save its tensors in PyTorch, "
            "torch.save(module.state_dict(), path), and load them into the module here; or script or trace the module here, and use jit.save."
        )
    order = archive.read(f"{root}byteorder") if f"{root}byteorder" in archive else options.byte_order().encode()
    if order not in (b"little", b"big"):
        raise ArchiveError(f"load: Unknown endianness type: {order[:20]!r}.")
    storages = _Storages(archive, root, mapped, order.decode() != sys.byteorder, map_location)
    return _unpickler(trusted, layers)(archive.read(f"{root}data.pkl"), 0, storages)[0]


def _unpickler(trusted, layers):
    """`unpickle(data, place, load_storage)`, which gives the object in the pickle that starts there, and the place where it ends."""
    if trusted is not None:
        return _trusting(*trusted)
    user = _user_globals()
    layers = layers or {}
    allowed = _Allowed([*user.values(), *(thing for thing in layers.values() if isinstance(thing, type))])

    def find(module, name):
        known = _known(module, name)
        if known is not None:
            return known
        full = f"{module}.{name}"
        if full in user:
            return user[full]
        if name in layers and module.startswith(("pyxtorch.nn.", "torch.nn.")):
            return layers[name]
        raise UnpicklingError(
            f"load: Weights only load failed: Unsupported global: GLOBAL {full} was not an allowed global by default. If you trust "
            f"the class, allow it: serialization.add_safe_globals([{name}]); if you trust the whole file, load(..., weights_only=False)."
        )

    def unpickle(data, place, storages):
        machine = Unpickler(data, find, allowed, storages)
        machine.at = place
        try:
            return machine.load(), machine.at
        except UnpicklingError:
            if storages.error is not None:  # it is the user's function that failed, not the pickle
                raise storages.error from None
            raise

    return unpickle


def _known(module, name):
    return _CALLS.get((module, name)) or NAMED.get((module, name)) or _TYPES.get((module, name))


def _trusting(pickle_module, options):
    from pyxtorch.serialization.trusting import ours, unpickle

    layers = _layers()

    def find(module, name):
        known = _known(module, name) if module.startswith("torch") else None  # Python's containers are made as Python makes them
        return ours(module, name, layers) if known is None else known

    return lambda data, place, storages: unpickle(data, place, find, storages, pickle_module, options)


def get_unsafe_globals_in_checkpoint(f):
    """The classes and functions that a file names and `load` would refuse, as "module.name", sorted. Nothing of the file is run.

    Raises:
        RuntimeError: the file is damaged. UnpicklingError: it is no checkpoint.
    """
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return get_unsafe_globals_in_checkpoint(file)
    archive = Reader(f)
    roots = [name for name in archive if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(roots) != 1:
        raise ArchiveError(f"get_unsafe_globals_in_checkpoint: a checkpoint holds one data.pkl, the zip archive {len(roots)}.")
    allowed = _user_globals()
    return sorted(f"{module}.{name}" for module, name in _globals_of(archive.read(roots[0])) if not _known(module, name) and f"{module}.{name}" not in allowed)


def _globals_of(data):
    """(module, name) of all globals that a pickle names."""
    import pickletools

    found, strings = set(), []
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name in ("GLOBAL", "INST"):
            found.add(tuple(argument.split(" ", 1)))
        elif opcode.name == "STACK_GLOBAL":
            found.add(tuple(strings[-2:]))
        elif isinstance(argument, str) and "UNICODE" in opcode.name:
            strings.append(argument)
    return found


class _Allowed:
    """The user's classes and functions, looked up by identity: a file cannot make something equal to them."""

    def __init__(self, things):
        self.things = {id(thing): thing for thing in things}

    def __contains__(self, thing):
        return id(thing) in self.things


class _StorageType:
    """The name of a storage class in a file."""

    __slots__ = ("dtype",)

    def __init__(self, dtype):
        self.dtype = dtype


_TYPES = {("torch", name): _StorageType(DTYPES[dtype]) for name, dtype in STORAGES.items()}


class _Storages:
    """Loads the record of a persistent id, each once."""

    def __init__(self, archive, root, mapped, swap, map_location):
        self.archive, self.root, self.mapped, self.swap = archive, root, mapped, swap
        self.restore = _restorer(map_location)
        self.loaded, self.error = {}, None

    def __call__(self, identity):
        if type(identity) is not tuple or len(identity) != 5 or identity[0] != "storage":
            raise UnpicklingError("load: the pickle names a storage in a way that no checkpoint does.")
        _, kind, key, location, count = identity
        if kind is UntypedStorage:
            kind = _StorageType(None)
        if type(kind) is not _StorageType or type(key) is not str or type(location) is not str or type(count) is not int:
            raise UnpicklingError("load: the pickle names a storage in a way that no checkpoint does.")
        if key not in self.loaded:
            itemsize = kind.dtype.itemsize if kind.dtype else 1
            name = f"{self.root}data/{key}"
            size = self.archive.size(name)
            if count < 0 or count * itemsize > size:
                raise ArchiveError(f"load: storage {key} should have {count} elements of {itemsize} bytes, but its record has {size} bytes.")
            storage = self._read(name, size, itemsize)
            if self.swap and itemsize > 1:
                _swap_bytes(storage, kind.dtype)
            try:
                storage = self.restore(storage, location)
            except Exception as error:
                self.error = error
                raise
            self.loaded[key] = storage
        return TypedStorage(wrap_storage=self.loaded[key], dtype=kind.dtype) if kind.dtype else self.loaded[key]

    def _read(self, name, size, itemsize):
        if self.mapped is not None and size:
            place = self.archive.place(name)
            if place % itemsize == 0:
                return storage_of(pyxtorch.frombuffer(self.mapped, dtype=pyxtorch.uint8, count=size, offset=place))
        storage = UntypedStorage(size)
        if not options.skipping():
            self.archive.read_into(name, storage)
        return storage


def _swap_bytes(storage, dtype):
    """Between little and big endian, in place."""
    part = dtype.to_real().itemsize
    numpy.frombuffer(storage, f"u{part}", storage.nbytes() // part).byteswap(inplace=True)


def _restorer(map_location):
    """`restore(storage on the CPU, location in the file)` gives the storage where it is wanted."""
    if map_location is None:
        return _to_location
    if isinstance(map_location, (str, device, int)):
        target = str(device(map_location))
        return lambda storage, location: _to_location(storage, target)
    if isinstance(map_location, dict):
        return lambda storage, location: _to_location(storage, str(map_location.get(location, location)))
    if not callable(map_location):
        raise TypeError(f"load: map_location is {type(map_location).__name__}, not a device, a dict or a function.")

    def restore(storage, location):
        moved = map_location(storage, location)
        if moved is None:
            return _to_location(storage, location)
        if not isinstance(moved, UntypedStorage) or moved.nbytes() < storage.nbytes():
            raise TypeError(f"load: map_location returned {type(moved).__name__}; expected a storage of at least {storage.nbytes()} bytes, or None.")
        return moved

    return restore


def _to_location(storage, location):
    found = options.elsewhere(storage, location)
    if found is not None:
        return found
    target = device(location)
    if target.type == "cpu":
        return storage
    if target.type == "meta":
        return UntypedStorage(storage.nbytes(), device=target)
    if not pyxtorch.cuda.is_available():
        raise RuntimeError(
            "load: Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are running on a "
            "CPU-only machine, use torch.load with map_location=torch.device('cpu') to map your storages to the CPU."
        )
    return storage_of(_bytes_of(storage).to(target))


# ---------------------------------------------------------------------- what a file may call

def _tensor(storage, offset, size, stride, requires_grad, dtype):
    """A view of an UntypedStorage, which checks that it stays inside."""
    for numbers in (size, stride, (offset,)):
        if not isinstance(numbers, tuple) or not all(type(n) is int for n in numbers):
            raise UnpicklingError("load: size, strides and offset of a tensor must be integers.")
    x = view_storage(storage, dtype, offset, size, stride)
    return x.requires_grad_(True) if requires_grad is True else x


def _rebuild_tensor(storage, offset, size, stride):
    return _rebuild_tensor_v2(storage, offset, size, stride, False, None)


def _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks, metadata=None):
    if type(storage) is not TypedStorage:
        raise UnpicklingError(f"load: a tensor is to be made from a {type(storage).__name__} instead of a storage with a dtype.")
    x = _tensor(storage.untyped(), offset, size, stride, False, storage.dtype)
    if isinstance(metadata, dict):  # what PyTorch notes instead of computing it
        x = x.conj() if metadata.get("conj") else x
        x = -x if metadata.get("neg") else x
    return x.requires_grad_(True) if requires_grad is True else x


def _rebuild_tensor_v3(storage, offset, size, stride, requires_grad, hooks, dtype, metadata=None):
    if not isinstance(dtype, pyxtorch.dtype):
        raise UnpicklingError(f"load: a tensor's dtype is a {type(dtype).__name__}.")
    storage = storage.untyped() if type(storage) is TypedStorage else storage
    if type(storage) is not UntypedStorage:
        raise UnpicklingError(f"load: a tensor is to be made from a {type(storage).__name__} instead of a storage.")
    return _tensor(storage, offset, size, stride, requires_grad, dtype)


def _rebuild_meta_tensor_no_storage(dtype, size, stride, requires_grad):
    if not isinstance(dtype, pyxtorch.dtype) or not all(isinstance(n, tuple) and all(type(i) is int for i in n) for n in (size, stride)):
        raise UnpicklingError("load: a meta tensor is to be made from something else than a dtype, a size and strides.")
    return pyxtorch.empty_strided(size, stride, dtype=dtype, device="meta", requires_grad=requires_grad is True)


def _rebuild_sparse_tensor(layout, parts):
    if layout not in LAYOUTS.values() or not isinstance(parts, tuple) or len(parts) not in (3, 4) or not isinstance(parts[0], Tensor):
        raise UnpicklingError("load: a sparse tensor is to be made from something else than a layout, indices, values and a size.")
    if not all(isinstance(part, (Tensor, tuple, bool)) for part in parts):
        raise UnpicklingError("load: a sparse tensor is to be made from something else than indices, values and a size.")
    from pyxtorch.serialization.legacy import check_later
    from pyxtorch.sparse._table import rebuild, unchecked

    if check_later(lambda: rebuild(layout, parts)):
        return unchecked(layout, parts)
    return rebuild(layout, parts)


def _rebuild_parameter(data, requires_grad, hooks):
    if not isinstance(data, Tensor):
        raise UnpicklingError(f"load: a Parameter is to be made from a {type(data).__name__} instead of a tensor.")
    return Parameter(data, requires_grad is True)


def _attributes(state):
    """Attributes that a file gives to a tensor: values under names, and none that it has already."""
    if isinstance(state, tuple) and len(state) == 2:
        state = state[0]
    if not isinstance(state, dict) or not all(isinstance(name, str) and not hasattr(Tensor, name) for name in state):
        raise UnpicklingError("load: the attributes of a tensor must be a dict, and may not replace what a tensor has.")
    return state


def _rebuild_parameter_with_state(data, requires_grad, hooks, state):
    parameter = _rebuild_parameter(data, requires_grad, hooks)
    parameter.__dict__.update(_attributes(state))
    return parameter


def _rebuild_from_type_v2(function, kind, arguments, state):
    if type(function) is not Call or function.function not in _MAKERS:
        raise UnpicklingError("load: a tensor is to be made by something that makes no tensors.")
    x, state = function.function(*arguments), dict(_attributes(state))
    if not isinstance(kind, type) or not issubclass(kind, Tensor):
        raise UnpicklingError(f"load: a tensor is to become a {getattr(kind, '__name__', type(kind).__name__)}.")
    if state.pop("_is_buffer", False):
        x = Buffer(x)
    elif kind is not Tensor:
        x = Tensor._make_subclass(kind, x.detach(), x.requires_grad)
    x.__dict__.update(state)
    return x


def _lazy(cls):
    def make(requires_grad=True, device=None, dtype=None):
        return cls(requires_grad is True, device, dtype)

    return make


def _keys_checked(kind):
    """A container of hashed elements, from an iterable of them or of pairs."""

    def make(items=()):
        if not isinstance(items, (list, tuple, dict, set, frozenset)):
            raise UnpicklingError(f"load: a {kind.__name__} is to be made from a {type(items).__name__}.")
        for item in items:
            check_key(item[0] if issubclass(kind, OrderedDict) and isinstance(item, (list, tuple)) and item else item)
        return kind(items)

    return make


def _encode(text, encoding="latin1"):
    if type(text) is not str or encoding not in ("latin1", "latin-1", "utf-8", "utf8"):
        raise UnpicklingError("load: bytes are to be made from something that is no string.")
    return text.encode(encoding)


def _no_bytes():
    return b""


def _bytearray(text=b"", encoding="latin-1"):
    return bytearray(text if type(text) is bytes else _encode(text, encoding))


def _complex(real, imag):
    if type(real) is not float or type(imag) is not float:
        raise UnpicklingError("load: a complex number has two floats.")
    return complex(real, imag)


def _device(*arguments):
    if not 1 <= len(arguments) <= 2 or not all(type(a) in (str, int) for a in arguments):
        raise UnpicklingError("load: a device is named by a string and a number.")
    return device(*arguments)


def _size(lengths):
    if type(lengths) is not tuple or not all(type(n) is int for n in lengths):
        raise UnpicklingError("load: a Size is a tuple of integers.")
    return Size(lengths)


def _get_layout(name):
    return LAYOUTS[name]


_MAKERS = (_rebuild_tensor, _rebuild_tensor_v2, _rebuild_tensor_v3, _rebuild_meta_tensor_no_storage, _rebuild_sparse_tensor)
_CALLS = {
    **{("torch._utils", f.__name__): f for f in (
        *_MAKERS, _rebuild_parameter, _rebuild_parameter_with_state)},
    ("torch._tensor", "_rebuild_from_type_v2"): _rebuild_from_type_v2,
    ("torch.serialization", "_get_layout"): _get_layout,
    ("torch", "Size"): _size,
    ("torch", "device"): _device,
    ("torch.nn.parameter", "UninitializedParameter"): _lazy(UninitializedParameter),
    ("torch.nn.parameter", "UninitializedBuffer"): _lazy(UninitializedBuffer),
    ("collections", "OrderedDict"): _keys_checked(OrderedDict),
    ("collections", "Counter"): _keys_checked(Counter),
    ("builtins", "set"): _keys_checked(set),
    ("builtins", "frozenset"): _keys_checked(frozenset),
    ("builtins", "bytes"): _no_bytes,  # protocol 2 has a literal for all others
    ("builtins", "bytearray"): _bytearray,
    ("builtins", "complex"): _complex,
    ("_codecs", "encode"): _encode,
}
_CALLS = {name: Call(function) for name, function in _CALLS.items()}


# ---------------------------------------------------------------------- what the user allows

_BLOCKED = ("sys", "os", "posix", "nt", "subprocess", "builtins")
_DATA = {bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, slice, range}     # builtins that do nothing but hold
_safe = []


def add_safe_globals(safe_globals):
    """Let `load` make and call these classes and functions, wherever a file asks for them.

    Args:
        safe_globals: list of classes or functions, or of (class, "module.name in the file").
    Raises:
        ValueError: one of them comes from a module such as `os`, whose functions no checkpoint needs.
    """
    for entry in safe_globals:
        _entry_name(entry)
        if not is_in(entry, _safe):
            _safe.append(entry)


def get_safe_globals():
    """What `add_safe_globals` was given so far."""
    return list(_safe)


def clear_safe_globals():
    """Allow nothing any more beyond what is built in."""
    _safe.clear()


class safe_globals:
    """`add_safe_globals` for the length of a `with`."""

    def __init__(self, safe_globals):
        self.safe_globals = safe_globals

    def __enter__(self):
        self._before = get_safe_globals()
        add_safe_globals(self.safe_globals)

    def __exit__(self, *exc):
        _safe[:] = self._before


def _entry_name(entry):
    thing, name = entry, None
    if isinstance(entry, tuple):
        if len(entry) != 2 or not isinstance(entry[1], str):
            raise ValueError("add_safe_globals: a tuple must be (class or function, its full name in the file).")
        thing, name = entry
    if not callable(thing):
        raise TypeError(f"add_safe_globals: expected classes and functions, not {type(thing).__name__}.")
    module, own = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if module in _BLOCKED and not (isinstance(thing, type) and thing in _DATA):
        raise ValueError(f"add_safe_globals: {module}.{own} can never be allowed.")
    return name or f"{module}.{own}", thing


def _user_globals():
    return dict(_entry_name(entry) for entry in _safe)


def _layers():
    """The modules and functions of pyxtorch.nn by their own names: files of theirs are divided otherwise in PyTorch."""
    from pyxtorch import nn
    from pyxtorch.nn import functional

    things = [c for c in vars(nn).values() if isinstance(c, type) and issubclass(c, nn.Module)]
    things += [getattr(functional, name) for name in dir(functional) if not name.startswith("_")]
    return {c.__qualname__: c for c in things if hasattr(c, "__qualname__")}
