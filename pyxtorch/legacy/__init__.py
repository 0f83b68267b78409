"""torch.legacy: networks in the style of Lua Torch, as PyTorch carried them in 2017: `forward`, `backward`, `updateParameters`."""

__all__ = ["nn", "optim"]


def __getattr__(name):
    if name in __all__:
        import importlib

        return importlib.import_module(f"pyxtorch.legacy.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
