"""torch.nn: networks."""
from pyxtorch.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter
from pyxtorch.nn import functional, init, modules, utils  # isort: skip
from pyxtorch.nn.modules import *  # noqa: F403

__all__ = [
    "Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter",
    "functional", "init", "modules", "utils", *modules.__all__,
]  # fmt: skip


def __getattr__(name):
    if name in ("attention", "parallel", "DataParallel", "grad"):
        import importlib

        return importlib.import_module("pyxtorch.nn.parallel").DataParallel if name == "DataParallel" else importlib.import_module(f"pyxtorch.nn.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def factory_kwargs(kwargs):
    """device, dtype and memory_format out of keyword arguments that hold nothing else."""
    if kwargs is None:
        return {}
    known = {"device", "dtype", "memory_format"}
    wrong = set(kwargs) - known - {"factory_kwargs"}
    if wrong:
        raise TypeError(f"unexpected kwargs {wrong}")
    result = dict(kwargs.get("factory_kwargs", {}))
    for key in known & set(kwargs):
        if key in result:
            raise TypeError(f"{key} specified twice, in **kwargs and in factory_kwargs")
        result[key] = kwargs[key]
    return result
