"""torch.version: the version, and that nothing of a vendor's toolkit was compiled in."""
__all__ = ["cuda", "debug", "git_version", "hip", "rocm", "xpu"]

torch = "2.13.0"  # the PyTorch whose names and behaviour these are
cuda = hip = rocm = xpu = None
debug = False
git_version = "Unknown"


def __getattr__(name):
    if name == "__version__":
        import pyxtorch

        return str(pyxtorch.__version__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
