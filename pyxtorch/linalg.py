"""Linear algebra: `pyxtorch.linalg`, gathered from the families' `linalg` tables."""
from pyxtorch.tensor import families as _families

__all__ = []
for _family in _families:
    _table = getattr(_family, "linalg", None)
    if isinstance(_table, dict):
        globals().update(_table)
        __all__ += _table
