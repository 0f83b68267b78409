"""torch.storage: the memory behind tensors, as bytes (UntypedStorage) and as elements of a dtype (TypedStorage)."""
import collections.abc

import pyxtorch
from pyxtorch import _core, _storage
from pyxtorch._dtype import device as _device
from pyxtorch.ops import _memory
from pyxtorch.ops.create_legacy import DTYPES

__all__ = ["TypedStorage", "UntypedStorage"]

_DTYPES = {f"{kind}Storage": dtype for kind, dtype in DTYPES.items()}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
# Conversions: name of a method to the dtype.
_CASTS = {
    "bool": "bool", "byte": "uint8", "char": "int8", "short": "int16", "int": "int32", "long": "int64", "half": "float16",
    "bfloat16": "bfloat16", "float": "float32", "double": "float64", "complex_float": "complex64", "complex_double": "complex128",
    **{name: name for name in ("float8_e5m2", "float8_e4m3fn", "float8_e5m2fnuz", "float8_e4m3fnuz")},
}


def _with_casts(cls):
    """Give a class of storages its conversions: `float()`, `long()` ..."""
    def caster(name, dtype):
        def cast(self):
            return self._to(dtype)

        cast.__name__, cast.__qualname__ = name, f"{cls.__name__}.{name}"
        cast.__doc__ = f"The elements converted to {dtype!r}, as a TypedStorage with memory of its own."
        return cast

    for name, dtype in _CASTS.items():
        setattr(cls, name, caster(name, getattr(pyxtorch, dtype)))
    return cls


def _not_on_meta(storage):
    if storage.device.type == "meta":
        raise NotImplementedError("storage: Not available for 'meta' device type; it has no data.")


def _place(index, length):
    """An index from 0 on."""
    if not -length <= index < length:
        raise IndexError(f"index {index} out of range for storage of size {length}")
    return index % length


def _text(storage, description):
    if storage.device.type == "meta":
        return f"...\n[{description}]"
    return "\n".join(f" {value}" for value in storage) + f"\n[{description}]"


def _converted(elements, dtype):
    """A tensor's elements, converted, as a typed storage that shares nothing."""
    return TypedStorage(wrap_storage=elements.to(dtype, copy=True).untyped_storage(), dtype=dtype)


def _to_type(storage, dtype):
    """What `storage.type(dtype)` gives: names, classes of storages, dtypes."""
    if isinstance(dtype, str):
        kind = dtype.rpartition(".")[2]
        if kind not in _DTYPES:
            raise ValueError(f"storage.type: {dtype!r} is no class of storages.")
        target = "cuda" if ".cuda." in dtype else "cpu"
        dtype = _DTYPES[kind]
    else:
        target = "cuda" if getattr(dtype, "is_cuda", None) is True else "cpu"
        dtype = getattr(dtype, "dtype", dtype)
    if not isinstance(dtype, pyxtorch.dtype):
        raise TypeError(f"storage.type: expected a class of storages or its name, not {dtype!r}.")
    moved = storage._to(dtype)
    return moved.cuda() if target == "cuda" else moved


@_with_casts
class UntypedStorage(_core.UntypedStorage):
    """The bytes behind one or more tensors (`Tensor.untyped_storage()`).

    `UntypedStorage(nbytes)` are uninitialised bytes, `UntypedStorage([1, 2])` these bytes. For each storage there is one object.
    """

    is_sparse = is_sparse_csr = False

    def __init__(self, *args, allocator=None, device=None):
        if len(args) > 1:
            raise TypeError(f"UntypedStorage(): expected a size in bytes or a sequence of integers, not {len(args)} arguments.")
        given = args[0] if args else 0
        values = None
        if not isinstance(given, int) or isinstance(given, bool):
            if not isinstance(given, collections.abc.Sequence):
                raise RuntimeError(f"UntypedStorage(): Expected a sequence type, but got {type(given).__name__}")
            values = []
            for item in given:
                if not isinstance(item, int):
                    raise RuntimeError(
                        f"UntypedStorage(): tried to construct a storage from a sequence ({type(given).__name__}), but one of the items "
                        f"was of type {type(item).__name__} instead of int"
                    )
                values.append(item & 255)
        super().__init__(given if values is None else len(values), device=device)
        _storage.wrappers[self._cdata] = self
        if values:
            self.copy_(UntypedStorage.from_buffer(bytes(values), dtype=pyxtorch.uint8))

    @classmethod
    def from_buffer(cls, buffer, byte_order=None, count=-1, offset=0, *, dtype=None):
        """A copy of what an object with the buffer protocol holds: `count` elements of `dtype` (all by default) from byte `offset` on.

        Their bytes are put from `byte_order` ("little", "big" or "native") into this machine's order.
        """
        import sys

        dtype = pyxtorch.uint8 if dtype is None else dtype
        if dtype.itemsize > 1 and byte_order not in ("little", "big", "native"):
            if byte_order is None:
                raise TypeError("from_buffer: missing required argument 'byte_order' (pos 2)")
            raise ValueError(f"from_buffer: invalid byte_order {byte_order!r} (expected 'big', 'little', or 'native')")
        data = memoryview(buffer).cast("B")
        size = len(data) - offset
        if offset < 0 or size < 0 or (size == 0 and count > 0):
            raise ValueError(f"from_buffer: offset must be non-negative and no greater than buffer length ({len(data)}), but got {offset}")
        if count < 0:
            if size % dtype.itemsize:
                raise ValueError(f"from_buffer: buffer size ({size}) must be a multiple of element size ({dtype.itemsize})")
            count = size // dtype.itemsize
        if count * dtype.itemsize > size:
            raise ValueError(f"from_buffer: buffer has only {size // dtype.itemsize} elements after offset {offset}, but specified a size of {count}")
        storage = cls(count * dtype.itemsize)
        if len(storage):
            memoryview(storage)[:] = data[offset : offset + len(storage)]
        if byte_order not in (None, "native", sys.byteorder):
            storage.byteswap(dtype)
        return storage

    @staticmethod
    def from_file(filename, shared=False, nbytes=0):
        """The first `nbytes` bytes of a file, mapped: read when they are used.

        Shared, what is written to them is written to the file, which is made where it is missing and longer where it is too short.
        Otherwise changes stay in memory. Such a storage cannot be resized.
        """
        return _memory.map_file(filename, shared, nbytes)

    @classmethod
    def _new_shared(cls, size, *, device="cpu"):
        """A storage in memory that other processes can map."""
        return _memory.new_shared(size)

    # -------------------------------------------------------------------- the bytes

    def _bytes(self):
        """The storage as a tensor of uint8."""
        return _core.view_storage(self, pyxtorch.uint8, 0, (self.nbytes(),), (1,))

    def __getitem__(self, index):
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step != 1:
                raise RuntimeError(f"Trying to slice with a step of {step}, but only a step of 1 is supported")
            return _memory.slice_of(self, start, stop)
        if not isinstance(index, int):
            raise TypeError(f"can't index a {type(self).__name__} with {type(index).__name__}")
        _not_on_meta(self)
        return self._bytes()[_place(index, len(self))].item()

    def __setitem__(self, index, value):
        if not isinstance(value, int):
            raise RuntimeError(f"can only set storage content with a int types, but got {type(value).__name__} instead")
        if isinstance(index, slice):
            if index.step not in (None, 1):
                raise RuntimeError(f"Trying to slice with a step of {index.step}, but only a step of 1 is supported")
        elif not isinstance(index, int):
            raise TypeError(f"can't index a {type(self).__name__} with {type(index).__name__}")
        elif not -len(self) <= index < len(self):
            raise RuntimeError(f"storage: index {index} is out of bounds for {len(self)} bytes")
        _not_on_meta(self)
        self._bytes()[index] = value & 255

    def __iter__(self):
        return iter(self.tolist())

    def tolist(self):
        """The bytes as a list of numbers."""
        _not_on_meta(self)
        return self._bytes().tolist()

    def fill_(self, value):
        """Make every byte `value` (its lowest eight bits)."""
        if not isinstance(value, int):
            raise RuntimeError(f"fill_ expects int, but got {type(value).__name__}")
        self._bytes().fill_(value & 255)
        return self

    def copy_(self, source, non_blocking=None):
        """Copy the bytes of a storage of the same size."""
        source = source.untyped() if isinstance(source, TypedStorage) else source
        if source.nbytes() != self.nbytes():
            raise RuntimeError(f"copy_: size does not match, self was {self.nbytes()} bytes but src was {source.nbytes()} bytes")
        self._bytes().copy_(source._bytes())
        return self

    def byteswap(self, dtype):
        """Turn the order of the bytes of each element of `dtype` round, in place."""
        parts = {pyxtorch.complex64: 4, pyxtorch.complex128: 8}
        item = parts.get(dtype, dtype.itemsize)
        if self.nbytes() % item:
            raise RuntimeError(f"byteswap: {self.nbytes()} bytes are no whole number of elements of {item} bytes.")
        if item > 1:
            rows = self._bytes().view(-1, item)
            rows.copy_(rows.flip(1))

    # ---------------------------------------------------------------- its size and place

    def resize_(self, size):
        """Change the size in bytes; tensors on the storage follow where it moves.

        Raises:
            RuntimeError: the memory is shared, lent or not its own, or a tensor looks at bytes beyond the new size (other than 0).
        """
        if not isinstance(size, int):
            raise RuntimeError(f"resize_ expects an int, but got {type(size).__name__}")
        _memory.resize(self, size)
        return self

    def resizable(self):
        """Whether `resize_` is possible at all."""
        return _memory.is_resizable(self)

    def share_memory_(self):
        """Move to memory that other processes can map; tensors on the storage follow."""
        _memory.share(self)
        return self

    def is_shared(self):
        """Whether other processes can map the memory."""
        return self.is_cuda or _memory.place_of(self) is not None

    @property
    def filename(self):
        return _memory.filename_of(self)

    @property
    def is_cuda(self):
        return self.device.type == "cuda"

    def element_size(self):
        """Bytes an element: 1."""
        return 1

    def get_device(self):
        """The number of the GPU; -1 for the CPU."""
        return self.device.index if self.is_cuda else -1

    def is_pinned(self, device="cuda"):
        """Whether the memory is pinned for transfers to a GPU: never, transfers need no such memory here."""
        return False

    def pin_memory(self, device="cuda"):
        """The storage itself: transfers need no pinned memory here."""
        return self

    # ------------------------------------------------------------------------- copies

    def untyped(self):
        """The storage itself."""
        return self

    def new(self):
        """An empty storage on the same device."""
        return UntypedStorage(device=self.device)

    def clone(self):
        """A copy."""
        return self._bytes().clone().untyped_storage()

    def to(self, *, device, non_blocking=False):
        """The storage on a device: itself, where it lies there."""
        device = _device(device)
        return self if device == self.device else self._bytes().to(device).untyped_storage()

    def cpu(self):
        """The storage on the CPU: itself, where it lies there."""
        return self.to(device="cpu")

    def cuda(self, device=None, non_blocking=False):
        """The storage on a GPU."""
        return self._bytes().cuda(device).untyped_storage()

    def _to(self, dtype):
        return _converted(self._bytes(), dtype)

    def type(self, dtype=None, non_blocking=False):
        """The name of the class; or the bytes converted, as a TypedStorage."""
        if dtype is None:
            return f"torch.storage.{type(self).__name__}"
        return _to_type(self, dtype)

    def __copy__(self):
        return self.clone()

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = self.clone()
        return memo[id(self)]

    def __reduce__(self):
        if self.device.type == "meta":
            return _empty_on_meta, (self.nbytes(),)
        return _from_bytes, (bytes(self)[: self.nbytes()],)

    def __sizeof__(self):
        return object.__sizeof__(self) + self.nbytes()

    def __repr__(self):
        return _text(self, f"torch.storage.UntypedStorage(device={self.device}) of size {len(self)}")


_storage.set_storage_class(UntypedStorage)


def _from_bytes(data):
    """A storage from what pickle kept of it."""
    return UntypedStorage.from_buffer(data)


def _empty_on_meta(nbytes):
    return UntypedStorage(nbytes, device="meta")


@_with_casts
class TypedStorage:
    """The memory behind tensors as elements of a dtype.

    `TypedStorage(n)` are n uninitialised elements, `TypedStorage([1, 2])` these; `wrap_storage` gives it an UntypedStorage.
    """

    is_sparse = False

    def __init__(self, *args, wrap_storage=None, dtype=None, device=None):
        if wrap_storage is not None:
            if args or device is not None or dtype is None:
                raise RuntimeError("TypedStorage.__init__ received an invalid combination of arguments: wrap_storage goes with dtype, and nothing else.")
            if not isinstance(wrap_storage, _core.UntypedStorage):
                raise TypeError(f"TypedStorage.__init__: Argument 'wrap_storage' must be UntypedStorage, but got {type(wrap_storage).__name__}")
            self._untyped_storage, self.dtype = wrap_storage, dtype
            return
        if len(args) > 1:
            raise RuntimeError(f"TypedStorage.__init__: Too many positional arguments: {len(args)}")
        self.dtype = pyxtorch.get_default_dtype() if dtype is None else dtype
        given = args[0] if args else 0
        if isinstance(given, str) or not isinstance(given, (int, collections.abc.Sequence)):
            raise TypeError(f"new(): invalid data type '{type(given).__name__}'")
        if isinstance(given, int):
            self._untyped_storage = UntypedStorage(given * self.dtype.itemsize, device=device)
        else:
            self._untyped_storage = pyxtorch.tensor(given, dtype=self.dtype, device=device).untyped_storage()

    @classmethod
    def from_buffer(cls, buffer, *args, dtype=None, device=None, **kwargs):
        """See UntypedStorage.from_buffer."""
        dtype = pyxtorch.get_default_dtype() if dtype is None else dtype
        if not args and "byte_order" not in kwargs:
            raise RuntimeError("from_buffer: function missing required argument 'byte_order' (pos 2)")
        return TypedStorage(wrap_storage=UntypedStorage.from_buffer(buffer, *args, dtype=dtype, **kwargs), dtype=dtype)

    @classmethod
    def from_file(cls, filename, shared=False, size=0):
        """The first `size` elements of a file, mapped: see UntypedStorage.from_file."""
        if cls is TypedStorage:
            raise RuntimeError("from_file can only be called on derived classes, such as FloatStorage")
        return TypedStorage(wrap_storage=UntypedStorage.from_file(filename, shared, size * cls.dtype.itemsize), dtype=cls.dtype)

    @classmethod
    def _new_shared(cls, size, device=None):
        dtype = getattr(cls, "dtype", None) or pyxtorch.get_default_dtype()
        return TypedStorage(wrap_storage=UntypedStorage._new_shared(size * dtype.itemsize), dtype=dtype)

    # ----------------------------------------------------------------- the elements

    def _elements(self):
        """The storage as a tensor."""
        return _core.view_storage(self._untyped_storage, self.dtype, 0, (self.size(),), (1,))

    def __getitem__(self, index):
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        if not isinstance(index, int):
            raise RuntimeError(f"can't index a {type(self)} with {type(index)}")
        _not_on_meta(self)
        return self._elements()[_place(index, len(self))].item()

    def __setitem__(self, index, value):
        if not isinstance(index, (int, slice)):
            raise RuntimeError(f"can't index a {type(self)} with {type(index)}")
        _not_on_meta(self)
        self._elements()[index if isinstance(index, slice) else _place(index, len(self))] = value

    def __iter__(self):
        return iter(self.tolist())

    def tolist(self):
        """The elements as a list of numbers."""
        _not_on_meta(self)
        return self._elements().tolist()

    def fill_(self, value):
        """Make every element `value`."""
        self._elements().fill_(value)
        return self

    def copy_(self, source, non_blocking=None):
        """Copy the bytes of a storage of the same size in bytes."""
        self._untyped_storage.copy_(source.untyped())
        return self

    # ---------------------------------------------------------- its size, place and type

    def size(self):
        """How many elements there are."""
        return self._untyped_storage.nbytes() // self.dtype.itemsize

    __len__ = size

    def nbytes(self):
        """Size in bytes."""
        return self._untyped_storage.nbytes()

    def element_size(self):
        """Bytes an element."""
        return self.dtype.itemsize

    def resize_(self, size):
        """Change the number of elements: see UntypedStorage.resize_. Returns nothing."""
        self._untyped_storage.resize_(size * self.dtype.itemsize)

    def share_memory_(self):
        """Move to memory that other processes can map; tensors on the storage follow."""
        self._untyped_storage.share_memory_()
        return self

    def new(self, *args, **kwargs):
        """Another storage of this dtype on this device, from a size or a sequence."""
        return TypedStorage(*args, dtype=self.dtype, device=self.device, **kwargs)

    def pickle_storage_type(self):
        """The name of the class of typed storages of this dtype."""
        return _NAMES[self.dtype]

    def type(self, dtype=None, non_blocking=False):
        """The name of the class of this dtype; or the elements converted."""
        if dtype is None:
            return f"torch.{'' if self.device.type == 'cpu' else self.device.type + '.'}{_NAMES[self.dtype]}"
        return _to_type(self, dtype)

    def untyped(self):
        """The bytes."""
        return self._untyped_storage

    def data_ptr(self):
        """Address of the first element; 0 on the device meta."""
        return self._untyped_storage.data_ptr()

    def _wrapped(self, untyped):
        return TypedStorage(wrap_storage=untyped, dtype=self.dtype)

    def clone(self):
        """A copy."""
        return self._wrapped(self._untyped_storage.clone())

    def cpu(self):
        """The storage on the CPU."""
        return self._wrapped(self._untyped_storage.cpu())

    def cuda(self, device=None, non_blocking=False):
        """The storage on a GPU."""
        return self._wrapped(self._untyped_storage.cuda(device))

    def to(self, *, device, non_blocking=False):
        """The storage on a device."""
        return self._wrapped(self._untyped_storage.to(device=device))

    def pin_memory(self, device="cuda"):
        """The storage itself: transfers need no pinned memory here."""
        return self

    def _to(self, dtype):
        return _converted(self._elements(), dtype)

    @property
    def device(self):
        return self._untyped_storage.device

    @property
    def is_cuda(self):
        return self._untyped_storage.is_cuda

    @property
    def filename(self):
        return self._untyped_storage.filename

    @property
    def _cdata(self):
        return self._untyped_storage._cdata

    def is_shared(self):
        """Whether other processes can map the memory."""
        return self._untyped_storage.is_shared()

    def is_pinned(self, device="cuda"):
        """Whether the memory is pinned for transfers to a GPU: never, transfers need no such memory here."""
        return False

    def resizable(self):
        """Whether `resize_` is possible at all."""
        return self._untyped_storage.resizable()

    def get_device(self):
        """The number of the GPU; -1 for the CPU."""
        return self._untyped_storage.get_device()

    def __eq__(self, other):
        return isinstance(other, TypedStorage) and self._untyped_storage is other._untyped_storage and self.dtype == other.dtype

    def __hash__(self):
        return hash(self._untyped_storage)

    def __copy__(self):
        return self.clone()

    def __deepcopy__(self, memo):
        return self._wrapped(self._untyped_storage.__deepcopy__(memo))

    def __reduce__(self):
        return _typed, (self._untyped_storage, self.dtype)

    def __sizeof__(self):
        return object.__sizeof__(self) + self.nbytes()

    def __repr__(self):
        return _text(self, f"torch.storage.TypedStorage(dtype={self.dtype}, device={self.device}) of size {len(self)}")


def _typed(untyped, dtype):
    return TypedStorage(wrap_storage=untyped, dtype=dtype)


class _LegacyStorageMeta(type):
    """The class of FloatStorage and its like: what is an instance is told by the dtype and the device."""

    def __instancecheck__(cls, instance):
        if cls.__dict__.get("dtype") is None:
            return type.__instancecheck__(cls, instance)
        return isinstance(instance, TypedStorage) and instance.dtype == cls.dtype and instance.is_cuda == cls._on_gpu


class _LegacyStorage(TypedStorage, metaclass=_LegacyStorageMeta):
    """A TypedStorage of one dtype: calling the class gives a TypedStorage."""

    dtype = None
    _on_gpu = False

    def __new__(cls, *args, wrap_storage=None, device=None):
        if cls._on_gpu and not pyxtorch.cuda.is_available():
            raise RuntimeError(f"{cls.__name__}: no GPU is available.")
        if wrap_storage is not None:
            return TypedStorage(*args, wrap_storage=wrap_storage, dtype=cls.dtype, device=device)
        return TypedStorage(*args, dtype=cls.dtype, device="cuda" if cls._on_gpu else device)

    @classmethod
    def from_buffer(cls, buffer, *args, **kwargs):
        """See UntypedStorage.from_buffer."""
        return TypedStorage.from_buffer(buffer, *args, dtype=cls.dtype, **kwargs)


def legacy_class(name, module="torch"):
    """FloatStorage and its like, by name; in the module "torch.cuda" those on a GPU."""
    if (module, name) not in _classes:
        body = {"dtype": _DTYPES[name], "_on_gpu": module == "torch.cuda", "__module__": module, "__doc__": _LegacyStorage.__doc__}
        _classes[module, name] = _LegacyStorageMeta(name, (_LegacyStorage,), body)
    return _classes[module, name]


_classes = {}


def class_of(dtype, device_type):
    """FloatStorage or its like, for a dtype on a device."""
    return legacy_class(_NAMES[dtype], "torch.cuda" if device_type == "cuda" else "torch")
