"""What programs take from torch._C: switches of `__torch_function__`, the class above Tensor, Generator, and what libraries ask at import."""
import sys

from pyxtorch._C import _nn
from pyxtorch._gate import DisableTorchFunction, DisableTorchFunctionSubclass
from pyxtorch._gate import EnableTorchFunction as _EnableTorchFunction
from pyxtorch._gate import disabled_torch_function as _disabled_torch_function_impl
from pyxtorch._gate import torch_function_enabled as _is_torch_function_enabled
from pyxtorch.autograd import Variable as TensorBase
from pyxtorch.ops.random import Generator

_TensorBase = TensorBase


class _ClassesOfTensors(type):
    def __instancecheck__(cls, thing):
        if cls is not _TensorMeta:
            return type.__instancecheck__(cls, thing)
        return issubclass(type(thing), type) and issubclass(thing, TensorBase)


class _TensorMeta(type, metaclass=_ClassesOfTensors):
    """What PyTorch calls the class of Tensor's class: Tensor and its subclasses are its instances. Usable as a metaclass of theirs."""


class TensorType:
    """What PyTorch's compiler calls the type of tensors. Programs write it as an annotation; there are no instances."""


__all__ = [
    "DisableTorchFunction", "DisableTorchFunctionSubclass", "Generator", "TensorBase", "TensorType", "Value", "_EnableTorchFunction", "_TensorBase", "_TensorMeta",
    "_are_functorch_transforms_active", "_disabled_torch_function_impl",
    "_get_tracing_state", "_has_mps", "_has_xpu", "_is_torch_function_enabled", "_log_api_usage_once", "_nn",
]  # fmt: skip

_has_mps = _has_xpu = False  # kinds of devices that there are not here


def _get_tracing_state():
    """What records the `jit.trace` that this thread is in; None outside of one."""
    recorder = sys.modules.get("pyxtorch.jit._recorder")
    return None if recorder is None else recorder.active()


def _log_api_usage_once(event):
    """Tell PyTorch's usage log of `event`, once. Nobody listens to it here, as with PyTorch unless its builder has hung a logger in."""


def _are_functorch_transforms_active():
    """Whether this thread is within `vmap`, whose values are batched; the other transforms of `torch.func` call functions with plain tensors."""
    values = sys.modules.get("pyxtorch._batching._values")
    return values is not None and bool(values.running())


class Value:
    """A value in a program of TorchScript, as annotations name it. Programs recorded here are of `fx`: there is none of these."""

    def __init__(self):
        raise RuntimeError("torch._C.Value: values of TorchScript's programs are not made. Use torch.fx.Node.")


Value.__module__ = "torch._C"


def __getattr__(name):
    if name in ("_AutoDispatchBelowAutograd", "_AutoDispatchBelowADInplaceOrView"):
        from pyxtorch.library import AutoDispatchBelowAutograd

        return AutoDispatchBelowAutograd
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
