"""How tensors are made and named by type: `Tensor(2, 3)`, `FloatTensor([1, 2])`, `x.new(2, 3)`, `x.type()`; and `x.storage()`."""
from pyxtorch import _dtype
from pyxtorch._core import Size, UntypedStorage, dtype, storage_of
from pyxtorch._dtype import device as _device
from pyxtorch.autograd import Variable
from pyxtorch.ops import create

# What the types of tensors and storages of a dtype begin with: FloatTensor, FloatStorage. Later dtypes have a name and no type.
KIND_OF = dict(zip(dict.fromkeys(_dtype.dtypes().values()), _dtype.SCALAR_TYPES))
DTYPES = {kind: dtype for dtype, kind in KIND_OF.items() if not kind.startswith(("UInt", "Float8", "ComplexHalf"))}


def legacy(dtype, device_type, args, kwargs):
    """What a type of tensors makes of its arguments.

    Nothing: an empty tensor; sizes: an uninitialised one; a sequence or an array: its elements; a storage: a tensor on it; a
    tensor: another tensor on the same memory.
    """
    kwargs = dict(kwargs)
    device = kwargs.pop("device", None)
    if device is not None and _device(device).type != device_type:
        raise RuntimeError(f"legacy constructor expects device type: {device_type} but device type: {_device(device).type} was passed")
    given = args
    for name in ("size", "data", "other", "storage"):
        if name in kwargs and not args:
            given = (kwargs.pop(name),)
            if name == "size":
                given = (Size(given[0]),)
    if kwargs:
        raise TypeError(f"new() received an invalid combination of arguments: {', '.join(map(repr, kwargs))} beside {len(args)} others. Only 'device' can be named.")
    device = device_type if device is None else device
    first = given[0] if given else None
    if not given:
        return create.empty(0, dtype=dtype, device=device)
    if len(given) == 1:
        if isinstance(first, UntypedStorage) or hasattr(first, "untyped"):
            return create.empty(0, dtype=dtype, device=first.device).set_(first)
        if isinstance(first, Variable):
            if first.dtype != dtype or first.device.type != device_type:
                raise TypeError(
                    f"new(): expected a tensor of {dtype} on {device_type} (got {first.dtype} on {first.device.type}). Convert it with .to()."
                )
            return first.detach()
        if isinstance(first, float | complex):
            raise TypeError(f"new(): data must be a sequence (got {type(first).__name__})")
        if isinstance(first, str | bytes):
            raise TypeError(f"new(): invalid data type '{type(first).__name__}'")
    if isinstance(first, Size) or hasattr(type(first), "__index__") and not hasattr(first, "__len__"):
        return create.empty(*given, dtype=dtype, device=device)
    if len(given) > 1:
        raise TypeError(f"new(): expected sizes, or one sequence, storage or tensor, not {len(given)} arguments of which the first is {type(first).__name__}.")
    return create.tensor(first, dtype=dtype, device=device)


def new(self, *args, **kwargs):
    """A tensor of this one's dtype on its device, made as `Tensor(...)` does."""
    return legacy(self.dtype, self.device.type, args, kwargs)


def type_(self, dtype=None, non_blocking=False, **kwargs):
    """The name of the tensor's type; or the tensor converted to a dtype, a type such as FloatTensor, or one that is named."""
    if dtype is None:
        return f"torch.{'' if self.device.type == 'cpu' else self.device.type + '.'}{KIND_OF[self.dtype]}Tensor"
    wanted, device = resolve(dtype)
    return self.to(device=self.device if device is None else device, dtype=wanted)


def resolve(kind):
    """The (dtype, type of device or None) that a dtype, a type of tensors or its name stands for."""
    if isinstance(kind, dtype):
        return kind, None
    if isinstance(kind, str):
        module, _, name = kind.rpartition(".")
        known = DTYPES.get(name.removesuffix("Tensor")) if name.endswith("Tensor") else None
        if kind == "torch.Tensor":
            known = _dtype.get_default_dtype()
        if known is None or module not in ("torch", "torch.cuda"):
            raise ValueError(f"type: invalid type: {kind!r}")
        return known, "cuda" if module == "torch.cuda" else "cpu"
    if isinstance(kind, type):
        if issubclass(kind, Variable):
            return _dtype.get_default_dtype(), None
        if isinstance(getattr(kind, "dtype", None), dtype):
            return kind.dtype, "cuda" if kind.is_cuda else "cpu"
    raise TypeError(f"type: dtype must be a type, str, or dtype object, not {type(kind).__name__}")


def from_file(filename, shared=False, size=0, *, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False):
    """A tensor of `size` elements on a file, mapped: read when they are used.

    Shared, what is written to it is written to the file, which is made where it is missing and longer where it is too short.
    Otherwise changes stay in memory.

    Raises:
        RuntimeError: the file cannot be opened, or is too short and not shared.
    """
    from pyxtorch.ops import _memory

    dtype = _dtype.get_default_dtype() if dtype is None else dtype
    if _device(device or "cpu").type != "cpu":
        raise RuntimeError(f"from_file: a file can only be mapped into memory of the CPU, not of {device}.")
    x = create.empty(0, dtype=dtype, device="cpu").set_(_memory.map_file(filename, bool(shared), size * dtype.itemsize))
    return x.requires_grad_(requires_grad)


def storage(self):
    """The memory behind the tensor as elements of its dtype, a TypedStorage."""
    from pyxtorch import storage

    return storage.TypedStorage(wrap_storage=storage_of(self), dtype=self.dtype)


def storage_type(self):
    """The type of `storage()`: FloatStorage or its like."""
    from pyxtorch import storage

    return storage.class_of(self.dtype, self.device.type)


__all__ = ["from_file"]
methods = {"new": new, "type": type_, "storage": storage, "_typed_storage": storage, "storage_type": storage_type}
