"""Helpers around training: loading data, checkpoints that save memory, exchange with other libraries."""
_NAMESPACES = ("_contextlib", "_python_dispatch", "_pytree", "benchmark", "checkpoint", "cpp_extension", "data", "dlpack", "ffi", "flop_counter", "hooks", "mobile_optimizer", "model_zoo", "module_tracker", "tensorboard", "throughput_benchmark", "weak")


def set_module(obj, mod):
    """Let a class or function say that it is of the module `mod`.

    Raises:
        TypeError: `mod` is no string.
    """
    if not isinstance(mod, str):
        raise TypeError("The mod argument should be a string")
    obj.__module__ = mod


def swap_tensors(t1, t2):
    """Exchange what two tensors hold, memory, gradient, attributes and class, while each stays the object that it is.

    Raises:
        RuntimeError: one of them is a result that is recorded, whose place in the graph cannot be exchanged, or is referred to weakly;
            or their dtypes differ and are not both of floating point.
    """
    import weakref

    import pyxtorch

    for t in (t1, t2):
        if not isinstance(t, pyxtorch.Tensor):
            raise TypeError(f"swap_tensors: expected two tensors, got {type(t).__name__}.")
        if t.grad_fn is not None:
            raise RuntimeError("swap_tensors: one of the tensors is the result of a recorded operation. Use detach() first.")
        if weakref.getweakrefs(t):
            raise RuntimeError("Cannot swap t1 because it has weakref associated with it" if t is t1 else "Cannot swap t2 because it has weakref associated with it")
    if t1.dtype != t2.dtype and not (t1.is_floating_point() and t2.is_floating_point()):
        raise RuntimeError(f"swap_tensors: tensors of {t1.dtype} and {t2.dtype} cannot take each other's place.")
    states = [(t.data, t.grad, t.requires_grad, dict(t.__dict__), type(t)) for t in (t1, t2)]
    for t, (data, grad, requires_grad, attributes, cls) in zip((t1, t2), states[::-1]):
        if type(t) is not cls:
            t.__class__ = cls
        t.requires_grad_(False)
        t.grad = None
        t.data = data
        t.requires_grad_(requires_grad)
        t.grad = grad
        t.__dict__.clear()
        t.__dict__.update(attributes)


def __getattr__(name):
    if name == "ThroughputBenchmark":
        from pyxtorch.utils.throughput_benchmark import ThroughputBenchmark

        return ThroughputBenchmark
    if name in _NAMESPACES:
        import importlib

        return importlib.import_module(f"pyxtorch.utils.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_NAMESPACES})
