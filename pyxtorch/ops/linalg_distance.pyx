"""Distances between the rows of two matrices."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record2, recording
from pyxtorch.ops._common cimport *

from pyxtorch.ops.shape_join import cat

cdef enum:
    BLOCK = 1 << 22         # elements of the differences that are held at once


cdef class Euclidean(Function):
    """Euclidean distances of all rows; equal batch shapes. Equal rows have a gradient of zero."""
    cdef int vjp(self, Variable g) except -1:
        x1, x2, y = self.saved(0), self.saved(1), self.saved(2)
        equal = y == 0
        w = (g / y.masked_fill(equal, 1)).masked_fill(equal, 0)
        if self.needs(0):
            self.pass_grad(0, x1 * w.sum(-1, True) - w @ x2)
        if self.needs(1):
            self.pass_grad(1, x2 * w.sum(-2).unsqueeze(-1) - w.mT @ x1)


cdef object by_differences(object x1, object x2, object p):
    """Norms of all differences, some rows of x1 at a time."""
    rows = max(1, BLOCK // max(1, x2.numel()))
    parts = [(a.unsqueeze(-2) - x2.unsqueeze(-3)).norm(p, -1) for a in x1.split(rows, -2)]
    return parts[0] if len(parts) == 1 else cat(parts, -2)


cdef object by_products(object x1, object x2):
    """|a - b|^2 = |a|^2 + |b|^2 - 2 ab, as one product of matrices; loses digits where rows are close."""
    squares = (x1 * x1).sum(-1, True) + (x2 * x2).sum(-1).unsqueeze(-2)
    return (squares - 2 * (x1 @ x2.mT)).clamp_min(0).sqrt()


cdef Variable euclidean(Variable x1, Variable x2, bint products):
    a, b = x1.detach(), x2.detach()
    cdef Variable y = by_products(a, b) if products else by_differences(a, b, 2)
    cdef Euclidean node
    if recording(x1) or recording(x2):
        node = <Euclidean>Euclidean.__new__(Euclidean)
        node.save(x1)
        node.save(x2)
        node.save_output(y)
        record2(node, y, x1, x2)
    return y


_MODES = {None: 0, 0: 0, "use_mm_for_euclid_dist_if_necessary": 0, 1: 1, "use_mm_for_euclid_dist": 1, 2: 2, "donot_use_mm_for_euclid_dist": 2}


def cdist(x1, x2, p=2.0, compute_mode="use_mm_for_euclid_dist_if_necessary"):
    """The p-norm of the difference of every row of x1 and every row of x2.

    Args:
        x1: (*, P, M), float32 or float64.
        x2: (*, R, M), of the same dtype; batch dimensions broadcast.
        p: 0 (how many elements differ) to inf (the largest difference).
        compute_mode: for p = 2, whether to use a product of matrices, which is faster and loses digits
            where rows are close: "use_mm_for_euclid_dist_if_necessary" (beyond 25 rows),
            "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist".
    Returns: (*, P, R).
    Gradient: zero for equal rows.
    """
    cdef Variable a = checked(x1, "cdist", "x1")
    cdef Variable b = checked(x2, "cdist", "x2")
    for name, x in (("X1", a), ("X2", b)):
        if (<Variable>x).dt != FLOAT32 and (<Variable>x).dt != FLOAT64:
            raise RuntimeError(f"cdist only supports floating-point dtypes (float32, float64), {name} got: {dtype_of((<Variable>x).dt).name}")
        if (<Variable>x).nd < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {name} got: {(<Variable>x).nd}D")
    if a.dt != b.dt:
        raise RuntimeError(f"cdist: expected one dtype, but x1 is {dtype_of(a.dt).name} and x2 {dtype_of(b.dt).name}. Convert with .to(dtype).")
    same_device(a, b, "cdist")
    if a.sizes[a.nd - 1] != b.sizes[b.nd - 1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {a.sizes[a.nd - 1]} X2: {b.sizes[b.nd - 1]}")
    if not p >= 0:
        raise RuntimeError(f"cdist only supports non-negative p values, not {p}")
    if compute_mode not in _MODES:
        raise ValueError(f"cdist: {compute_mode} is not a valid value for compute_mode; use one of {[m for m in _MODES if isinstance(m, str)]}.")
    mode = _MODES[compute_mode]
    p_rows, r_rows, columns = a.sizes[a.nd - 2], b.sizes[b.nd - 2], a.sizes[a.nd - 1]
    from pyxtorch.ops.shape import broadcast_shapes
    batch = tuple(broadcast_shapes(shape_of(a)[:-2], shape_of(b)[:-2]))
    first = a.expand(batch + (p_rows, columns))
    second = b.expand(batch + (r_rows, columns))
    if first.numel() == 0 or second.numel() == 0:
        # No rows, or rows without elements, which are all equal: zeros that stay on the tape.
        return (first.sum(-1).unsqueeze(-1) + second.sum(-1).unsqueeze(-2)) * 0
    if p == 2:
        return euclidean(<Variable>first, <Variable>second, mode == 1 or (mode == 0 and (p_rows > 25 or r_rows > 25)))
    return by_differences(first, second, p)


__all__ = ["cdist"]
methods = {}
