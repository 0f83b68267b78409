"""torch.backends: what computes underneath, and its switches. Switches of libraries that are not used here are kept, without effect."""
from pyxtorch.backends import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]
