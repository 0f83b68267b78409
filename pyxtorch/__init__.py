"""pyxtorch: PyTorch's way of working, as a small Cython package.

`import pyxtorch as torch` runs programs written for PyTorch.
"""
import math as _math

from pyxtorch import _core, _dtype
from pyxtorch.kernels import cpu as _cpu_kernels  # noqa: F401  (before any operation)
from pyxtorch._core import (
    OutOfMemoryError,
    Size,
    device,
    dtype,
    get_default_device,
    get_default_dtype,
    get_num_threads,
    promote_types,
    set_default_device,
    set_default_dtype,
    set_num_threads,
)
from pyxtorch._dtype import layout
from pyxtorch._core import py_can_cast as can_cast
from pyxtorch import autograd
from pyxtorch.autograd import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from pyxtorch._dtype import channels_last, channels_last_3d, contiguous_format, memory_format, preserve_format
from pyxtorch.tensor import Tensor
from pyxtorch._dtype import contiguous_format as legacy_contiguous_format
from pyxtorch._dlpack import from_dlpack, to_dlpack
from pyxtorch._numbers import finfo, iinfo
from pyxtorch.ops import create_legacy as _create_legacy
from pyxtorch.ops._common import result_type

__version__ = "0.1.0"

globals().update(_core.dtypes())
strided, sparse_coo, sparse_csr, sparse_csc, sparse_bsr, sparse_bsc, jagged = _dtype.layouts().values()
from pyxtorch._names.torch import *  # noqa: E402, F403

from pyxtorch import linalg  # noqa: E402
from pyxtorch.autograd import gradcheck as _gradcheck  # noqa: E402

# As in PyTorch the function stands in front of the module of its name.
autograd.gradcheck, autograd.gradgradcheck = _gradcheck.gradcheck, _gradcheck.gradgradcheck

pi, e, inf, nan, newaxis = _math.pi, _math.e, _math.inf, _math.nan, None


def is_tensor(obj):
    """Whether `obj` is a tensor."""
    return isinstance(obj, Tensor)


def is_storage(obj):
    """Whether `obj` is a storage."""
    from pyxtorch.storage import TypedStorage, UntypedStorage

    return isinstance(obj, (TypedStorage, UntypedStorage))


def is_floating_point(input):
    """Whether the tensor's dtype is a floating-point one."""
    return input.is_floating_point()


def is_complex(input):
    """Whether the tensor's dtype is complex."""
    return input.is_complex()


def numel(input):
    """How many elements a tensor has."""
    return input.numel()


def get_include():
    """The folder of the C headers, for extensions that are built against pyxtorch."""
    from pathlib import Path

    here = Path(__file__).parent
    installed = here / "include"
    return str(installed if installed.is_dir() else here.parent / "include")


# Namespaces that are imported when they are first named: `import pyxtorch` stays light.
_NAMESPACES = (
    "_C", "__config__", "__future__", "_dynamo", "_higher_order_ops", "_inductor", "_six", "_subclasses", "_vmap_internals", "accelerator", "amp", "api", "array_api", "backends", "compiler", "cpu", "cuda",
    "distributed", "distributions", "export", "ffi", "fft", "func", "functional", "futures", "fx", "hub", "jit", "legacy", "library", "masked", "monitor", "mps",
    "mtia", "multiprocessing", "nested", "nn", "onnx", "optim", "overrides", "profiler", "quasirandom", "random", "return_types", "serialization", "signal",
    "sparse", "special", "storage", "testing", "torch_version", "types", "utils", "version", "vision", "xpu",
)
# Functions and classes that come with their namespace.
_LATER = {
    "save": "serialization", "load": "serialization", "set_printoptions": "_tensor_str", "as_torch": "_alias", "compile": "compiler",
    "vmap": "func", "fork": "jit", "wait": "jit", "ScriptFunction": "jit", "ScriptModule": "jit", "GradScaler": "amp.grad_scaler", "TypedStorage": "storage", "UntypedStorage": "storage", "set_default_tensor_type": "_typed_tensors",
}
_LATER.update(dict.fromkeys((
    "are_deterministic_algorithms_enabled", "get_deterministic_debug_mode", "get_float32_matmul_precision", "get_num_interop_threads",
    "is_deterministic_algorithms_warn_only_enabled", "set_deterministic_debug_mode", "set_float32_matmul_precision", "set_flush_denormal",
    "get_device_module", "has_lapack", "has_mkl", "has_openmp", "has_spectral", "init_num_threads", "is_warn_always_enabled", "set_num_interop_threads",
    "set_warn_always", "typename", "use_deterministic_algorithms",
), "_settings"))
_LATER.update(dict.fromkeys((
    "autocast_decrement_nesting", "autocast_increment_nesting", "clear_autocast_cache", "get_autocast_dtype", "is_autocast_cache_enabled",
    "is_autocast_enabled", "set_autocast_cache_enabled", "set_autocast_dtype", "set_autocast_enabled",
), "amp._cast"))
_LATER.update(dict.fromkeys((
    "autocast", "get_autocast_cpu_dtype", "get_autocast_gpu_dtype", "is_autocast_cpu_enabled", "set_autocast_cpu_dtype",
    "set_autocast_cpu_enabled", "set_autocast_gpu_dtype",
), "amp.autocast_mode"))
_LATER.update(dict.fromkeys((
    "SymBool", "SymFloat", "SymInt", "cond", "sym_float", "sym_int", "sym_ite", "sym_max", "sym_min", "sym_not", "sym_sum", "while_loop",
), "_symbols"))
_LATER.update(dict.fromkeys(("_convert_indices_from_coo_to_csr", "_convert_indices_from_csr_to_coo"), "sparse._compressed"))
_LATER.update(TensorType="_C", lobpcg="_lobpcg", Future="futures", PyTorchFileReader="serialization.reader")
_LATER.update(dict.fromkeys((
    "_assert", "_assert_async", "_check", "_check_index", "_check_is_size", "_check_not_implemented", "_check_tensor_all", "_check_tensor_all_with",
    "_check_type", "_check_value", "_check_with",
), "_checks"))
_LATER.update({"Event": "_streams", "Stream": "_streams", "AcceleratorError": "accelerator", "thread_safe_generator": "random"})
_LATER.update(dict.fromkeys(("AVG", "AggregationType", "DispatchKey", "SUM", "Tag", "parse_schema"), "_schema"))


_TYPES = [f"{kind}{what}" for what in ("Tensor", "Storage") for kind in _create_legacy.DTYPES if not (what == "Tensor" and "Complex" in kind)]


def __getattr__(name):
    if name in _NAMESPACES:
        import importlib

        return importlib.import_module(f"pyxtorch.{name}")
    if name in _LATER:
        import importlib

        found = globals()[name] = getattr(importlib.import_module(f"pyxtorch.{_LATER[name]}"), name)
        return found
    if name in _TYPES:
        from pyxtorch._typed_tensors import typed

        found = globals()[name] = typed(name)
        return found
    if name in _dtype.shells():
        return _dtype.shells()[name]
    if name.startswith("_foreach_"):
        from pyxtorch import _foreach

        if name in _foreach.FUNCTIONS:
            return _foreach.FUNCTIONS[name]
    if name == "torch":  # `torch.torch` is torch, which programs have come to rely on
        import sys

        return sys.modules[__name__]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_NAMESPACES, *_LATER, *_TYPES, *_dtype.shells()})


from pyxtorch import _neighbours  # noqa: E402

_neighbours.install()
