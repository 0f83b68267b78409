"""Subclasses of Tensor that PyTorch's compiler runs programs with. There is no compiler here, and no such tensor."""
from pyxtorch._subclasses.fake_tensor import FakeTensor

__all__ = ["FakeTensor"]
