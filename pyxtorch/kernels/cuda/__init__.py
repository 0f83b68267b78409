"""The GPU kernels. Importing this registers every family's table with pyxtorch._cuda."""
from pyxtorch.kernels.cuda import elementwise, embedding, index, matmul, optim, random, reduce

__all__ = ["elementwise", "embedding", "index", "matmul", "optim", "random", "reduce"]
