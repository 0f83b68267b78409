"""The GPU kernels. Importing this registers every family's table with pyxtorch._cuda."""
from pyxtorch.kernels.cuda import elementwise, reduce

__all__ = ["elementwise", "reduce"]
