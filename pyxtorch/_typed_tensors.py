"""`FloatTensor` and its like: types that construct tensors of a dtype, and whose instances are told by dtype and device."""
from pyxtorch import cuda, set_default_device, set_default_dtype
from pyxtorch._dtype import layouts
from pyxtorch.ops import create_legacy
from pyxtorch.ops.create_legacy import DTYPES
from pyxtorch.tensor import Tensor


class tensortype(type):
    """The class of FloatTensor and its like."""

    layout = layouts()["strided"]
    is_sparse = False

    def __instancecheck__(cls, instance):
        return isinstance(instance, Tensor) and instance.dtype == cls.dtype and instance.is_cuda == cls.is_cuda

    def __call__(cls, *args, **kwargs):
        if cls.is_cuda and not cuda.is_available():
            raise TypeError(f"type {cls.__module__}.{cls.__name__} not available: no GPU is.")
        return create_legacy.legacy(cls.dtype, "cuda" if cls.is_cuda else "cpu", args, kwargs)

    def __repr__(cls):
        return f"<class '{cls.__module__}.{cls.__name__}'>"


def tensor_type(kind, on_gpu=False):
    """The type of tensors of one dtype: `tensor_type("Float")` is FloatTensor."""
    if (kind, on_gpu) not in _types:
        body = {
            "dtype": DTYPES[kind], "is_cuda": on_gpu, "__module__": "torch.cuda" if on_gpu else "torch",
            "__doc__": f"Tensors of {DTYPES[kind]!r}. Called, it makes one: of sizes, of a sequence, of a storage.",
        }
        _types[kind, on_gpu] = tensortype(f"{kind}Tensor", (), body)
    return _types[kind, on_gpu]


_types = {}


def typed(name, on_gpu=False):
    """FloatTensor, FloatStorage or their like, by name; None where there is no such type."""
    for suffix in ("Tensor", "Storage"):
        if name.endswith(suffix) and name.removesuffix(suffix) in DTYPES:
            if suffix == "Tensor":
                if name.startswith("Complex"):  # PyTorch has no such type
                    return None
                return tensor_type(name.removesuffix(suffix), on_gpu)
            from pyxtorch.storage import legacy_class

            return legacy_class(name, "torch.cuda" if on_gpu else "torch")
    return None


def set_default_tensor_type(t):
    """Make tensors of this type, FloatTensor or its like or its name, where nothing else is said.

    Raises:
        TypeError: it is no type of tensors, or not one of a floating-point dtype, or of a device that is not here.
    """
    if isinstance(t, str):
        import pyxtorch

        module, _, name = t.rpartition(".")
        if module not in ("torch", "torch.cuda"):
            raise TypeError(f"set_default_tensor_type: invalid type name {t!r}; expected one such as 'torch.FloatTensor'.")
        t = getattr(cuda if module == "torch.cuda" else pyxtorch, name)
    if not isinstance(t, tensortype):
        raise TypeError("set_default_tensor_type: invalid type object: only floating-point types are supported as the default type")
    if t.is_cuda and not cuda.is_available():
        raise TypeError(f"type {t.__module__}.{t.__name__} not available: no GPU is.")
    set_default_dtype(t.dtype)
    set_default_device("cuda" if t.is_cuda else "cpu")
