"""Making modules without filling their parameters."""
import inspect


def skip_init(module_cls, *args, **kwargs):
    """An instance of module_cls whose parameters are uninitialised memory on `device`.

    The default generator stays as it is.

    Raises:
        RuntimeError: module_cls is no Module, or takes no `device`.
    """
    from pyxtorch.nn.modules.module import Module

    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    device = kwargs.pop("device", "cpu")
    return module_cls(*args, **kwargs, device="meta").to_empty(device=device)
