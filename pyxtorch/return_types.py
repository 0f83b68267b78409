"""The named tuples that operations return: `return_types.max`, `return_types.linalg_svd`, ..."""
from pyxtorch.ops._common import return_types as _types

globals().update(_types)
__all__ = sorted(_types)
