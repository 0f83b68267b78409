"""torch.backends.cuda: products on the GPU, and which ways of computing attention may be taken.

`enable_flash_sdp(False)` and its like are kept: attention is computed in one way.
"""
__all__ = ["is_built", "matmul", *(form.format(way) for way in ("flash", "mem_efficient", "math", "cudnn") for form in ("{}_sdp_enabled", "enable_{}_sdp"))]


def is_built():
    """Whether the package can use a GPU here: the NVIDIA driver is there."""
    from pyxtorch import cuda

    return cuda.is_available()


class _Products:
    """`allow_tf32`: whether products of float32 on the GPU may round to the 10 bits of TF32 first (not unless set)."""

    @property
    def allow_tf32(self):
        from pyxtorch import _cuda

        return _cuda.allow_tf32()

    @allow_tf32.setter
    def allow_tf32(self, allow):
        from pyxtorch import _cuda

        _cuda.allow_tf32(allow)


matmul = _Products()


def _switch(way):
    """(a function that says whether a way may be taken, one that sets it)."""
    allowed = [True]

    def says():
        return allowed[0]

    def sets(enabled):
        allowed[0] = bool(enabled)

    says.__doc__, sets.__doc__ = f"What `enable_{way}_sdp` set.", f"Whether attention may be computed in the way that PyTorch calls {way}."
    return says, sets


flash_sdp_enabled, enable_flash_sdp = _switch("flash")
mem_efficient_sdp_enabled, enable_mem_efficient_sdp = _switch("mem_efficient")
math_sdp_enabled, enable_math_sdp = _switch("math")
cudnn_sdp_enabled, enable_cudnn_sdp = _switch("cudnn")
