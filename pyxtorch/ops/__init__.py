"""The operations by family; and, as `ops.namespace.name`, those that programs make by `library.custom_op`, and PyTorch's `ops.aten.name`."""


def __getattr__(name):
    import sys

    if name == "aten":
        from pyxtorch import _aten

        return _aten.aten
    made = sys.modules.get("pyxtorch.library")  # before it is imported there are none
    found = made.namespace(name) if made is not None and hasattr(made, "namespace") else None
    if found is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return found
