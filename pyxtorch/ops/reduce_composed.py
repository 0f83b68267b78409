"""Reductions composed of other operations."""
import math

from pyxtorch.ops.shape_copy import exports as copies


def _torch():
    """The public namespace: operations of families that come later."""
    import pyxtorch

    return pyxtorch


def hash_tensor(input, dim=(), *, keepdim=False, mode=0, out=None):
    """A hash of the elements: their 64 bits (floating-point numbers as float64, others as int64), put together by xor.

    Args:
        input: real tensor. dim: one or several dimensions to reduce; none: all.
    Returns:
        tensor of uint64.
    Raises:
        RuntimeError: another mode than 0, or complex elements.
    """
    if mode != 0:
        raise RuntimeError(f"hash_tensor: mode is {mode}; only 0, xor, is known.")
    if input.is_complex():
        raise RuntimeError("hash_tensor: not defined for complex elements.")
    bits = input.detach().double().view(_torch().int64) if input.is_floating_point() else input.detach().to(_torch().int64)
    dims = [d % max(input.dim(), 1) for d in ((dim,) if isinstance(dim, int) else tuple(dim))] or list(range(input.dim()))
    kept = [d for d in range(input.dim()) if d not in dims]
    shape = [input.shape[d] for d in kept]
    rows = bits.permute(*kept, *dims).reshape(*shape, math.prod(input.shape[d] for d in dims)) if input.dim() else bits.reshape(1)
    while rows.shape[-1] > 1:
        half = rows.shape[-1] // 2
        folded = rows[..., :half] ^ rows[..., half : 2 * half]
        rows = _torch().cat([folded, rows[..., 2 * half :]], -1) if rows.shape[-1] % 2 else folded
    result = rows[..., 0] if rows.shape[-1] else rows.new_zeros(shape)
    if keepdim:
        result = result.reshape([1 if d in dims else n for d, n in enumerate(input.shape)])
    result = result.view(_torch().uint64)
    return result if out is None else copies["alias_copy"](result, out=out)


__all__ = ["hash_tensor"]
methods = {"hash_tensor": hash_tensor}
