"""The GPU kernels. Importing this registers every family's table with pyxtorch._cuda."""
from pyxtorch.kernels.cuda import conv, elementwise, embedding, index, matmul, norm, optim, pool, random, reduce, scan, sort

__all__ = ["conv", "elementwise", "embedding", "index", "matmul", "norm", "optim", "pool", "random", "reduce", "scan", "sort"]
