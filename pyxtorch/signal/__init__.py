"""Signal processing: `pyxtorch.signal.windows`."""
from pyxtorch.signal import windows

__all__ = ["windows"]
