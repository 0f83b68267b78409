"""torch.backends.cpu: the kernels in use."""
from pyxtorch.kernels import cpu as _kernels

__all__ = ["get_cpu_capability"]


def get_cpu_capability():
    """The instruction level of the kernels in use, in PyTorch's words: "DEFAULT", "AVX2" or "AVX512"."""
    return {"v4": "AVX512", "v3": "AVX2"}.get(_kernels.level, "DEFAULT")
