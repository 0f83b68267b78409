"""torch.backends: what computes underneath, and its switches. Switches of libraries that are not used here are kept, without effect."""
from types import SimpleNamespace

from pyxtorch.kernels import cpu as _kernels


def _no():
    """False: this library is not used."""
    return False


def get_cpu_capability():
    """The instruction level of the kernels in use, in PyTorch's words: "DEFAULT", "AVX2" or "AVX512"."""
    return {"v4": "AVX512", "v3": "AVX2"}.get(_kernels.level, "DEFAULT")


cpu = SimpleNamespace(get_cpu_capability=get_cpu_capability)
cudnn = SimpleNamespace(enabled=True, benchmark=False, deterministic=False, allow_tf32=False, is_available=_no, version=lambda: None)


class _CudaProducts:
    """`allow_tf32`: whether products of float32 on the GPU may round to the 10 bits of TF32 first (not unless set)."""

    @property
    def allow_tf32(self):
        from pyxtorch import _cuda

        return _cuda.allows_tf32()

    @allow_tf32.setter
    def allow_tf32(self, allow):
        from pyxtorch import _cuda

        _cuda.allow_tf32(allow)


class _Cuda(SimpleNamespace):
    """torch.backends.cuda. `enable_flash_sdp(False)` and its like are kept: attention is computed in one way."""

    def __init__(self):
        super().__init__(is_built=lambda: True, matmul=_CudaProducts())
        for name in ("flash", "mem_efficient", "math", "cudnn"):
            self._add(name)

    def _add(self, name):
        enabled = [True]
        setattr(self, f"{name}_sdp_enabled", lambda: enabled[0])
        setattr(self, f"enable_{name}_sdp", lambda allow: enabled.__setitem__(0, bool(allow)))


cuda = _Cuda()
mps = SimpleNamespace(is_available=_no, is_built=_no)
mkl = SimpleNamespace(is_available=_no)
mkldnn = SimpleNamespace(is_available=_no, enabled=False)
openmp = SimpleNamespace(is_available=_no)

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]
