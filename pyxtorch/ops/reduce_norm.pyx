"""Variances and deviations, norms, logarithms of sums of exponentials: sums whose terms overflow or vanish before their result does."""
from libc.math cimport ilogb, isfinite, ldexp, pow as cpow
from pyxtorch._core cimport *
from pyxtorch._listen cimport listener
from pyxtorch.autograd cimport Variable, record1, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops.elementwise cimport zero_mul
from pyxtorch.ops.reduce cimport Layout, Mask, Reduction, arrange, pyx_reduce_kernels, reduced, reduction, tables, unsupported
from pyxtorch.ops.shape cimport conj_of, to_dtype

from pyxtorch.ops._precision import rounds_once
from pyxtorch.ops.elementwise_compare import logical_and
from pyxtorch.ops.elementwise_select import where
from pyxtorch.ops.reduce import amax, amin, mean

cdef int NORM0 = reduction(b"norm0")
cdef int NORM1 = reduction(b"norm1")
cdef int NORM2 = reduction(b"norm2")
cdef int NORM_MAX = reduction(b"norm_max")
cdef int NORM_MIN = reduction(b"norm_min")
cdef int NORM_P = reduction(b"norm_p")


# ------------------------------------------------------------------------ out of range inside

cdef bint doubtful(Variable y, double p, int64_t n):
    """Whether sums of p-th powers whose p-th root is y may have overflowed, or lost digits below the smallest normal number.

    Only on the CPU: elsewhere looking at values would wait for them.
    """
    cdef double tiny = (1e-30 if y.dt == FLOAT32 else 1e-290) * n, least, v
    cdef int64_t i
    if y.dev != CPU:
        return False
    if listener.on:
        listener.refuse(b"a norm looks whether its sums have overflowed")
    least = cpow(tiny, 1 / p)
    for i in range(y.n):
        v = (<float*>y.ptr)[i] if y.dt == FLOAT32 else (<double*>y.ptr)[i]
        if not (isfinite(v) and v >= least if p > 0 else isfinite(v) and 0 < v <= least):
            return True
    return False


cdef tuple scaled(Variable x, Mask mask, bint smallest):
    """(x / s, s) with powers of two s, one for each slice, that bring its largest (or smallest nonzero) size to about 1."""
    cdef Variable s
    cdef int64_t i
    cdef double v
    dims = tuple([d for d in range(x.nd) if mask >> d & 1])
    size = abs(x)
    if smallest:
        s = <Variable>amin(where(size == 0, float("inf"), size), dims, True)
    else:
        s = <Variable>amax(size, dims, True)
    s = dense(s)
    for i in range(s.n):
        v = (<double*>s.ptr)[i]
        (<double*>s.ptr)[i] = ldexp(1, max(ilogb(v), -1022)) if isfinite(v) and v else 1
    return x / s, s


cdef Variable times_scale(Variable y, Variable s, Mask mask, bint keepdim):
    return y * (s if keepdim else s.reshape(shape_of(y)))


# -------------------------------------------------------------------------- variance, deviation

cdef class Variance(Reduction):
    cdef double divisor

    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        g = self.spread(g)
        self.pass_grad(0, divided(g, 2.0, self.divisor) * centred(x, self.dims()))


cdef class Deviation(Variance):
    """(x - mean) / (y divisor), and the subgradient 0 where y is 0."""
    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        y = self.spread(or_infinity(self.saved(1)))
        g = self.spread(divided(g, 1.0, self.divisor))
        self.pass_grad(0, zero_mul(<Variable?>g, <Variable?>(centred(x, self.dims()) / y)))


cdef object divided(object g, double factor, double divisor):
    """g factor / divisor; without degrees of freedom NaN, but 0 where g is 0."""
    return g * (factor / divisor) if divisor else where(g == 0, 0, float("nan"))


cdef object centred(object x, tuple dims):
    return x - x.mean(dims, True)


cdef object or_infinity(object y):
    """y, but infinity where it is 0: dividing by it gives 0 there."""
    return where(y == 0, float("inf"), y)


cdef Variable vary(Variable x, Mask mask, double c, bint keepdim, str op, int64_t* n):
    """Variances, unrecorded, of x in float32 or float64; how many elements each is of."""
    cdef Layout l
    cdef Variable y, a = arrange(x, mask, keepdim, &l)
    cdef int failed
    cdef pyx_reduce_kernels* k = <pyx_reduce_kernels*>table_for(<void**>tables, x, op)
    y = <Variable>new_empty(l.nd, l.sizes, x.dt, x.dev, x.dev_index)
    a_dt, a_ptr, y_ptr = a.dt, a.ptr, y.ptr
    with nogil:
        failed = k.variance(a_dt, a_ptr, y_ptr, NULL, l.outer, l.dim, l.inner, c)
    if failed:
        raise unsupported(op, x.dt)
    n[0] = l.dim
    return y


cdef Variable varied(Variable x, object dim, object correction, bint keepdim, str op, bint root):
    """The variance, or the standard deviation, recorded."""
    cdef Mask mask = dims_mask(dim, x.nd, op)
    cdef Variable y, s, wide
    cdef Variance node
    cdef double c = 1 if correction is None else correction
    cdef int64_t n = 0
    if x.dt <= INT64:
        raise RuntimeError(f"{op}: only support floating point and complex dtypes, not {dtype_of(x.dt)!r}")
    if is_complex_code(x.dt):
        real, imag = varied(x.real, dim, correction, keepdim, op, root), varied(x.imag, dim, correction, keepdim, op, root)
        return real.hypot(imag) if root else real + imag
    if x.dt == FLOAT16 or x.dt == BFLOAT16:
        return to_dtype(varied(to_dtype(x, FLOAT32), dim, correction, keepdim, op, root), x.dt)
    y = vary(x, mask, c, keepdim, op, &n)
    if root:
        y = <Variable?>y.sqrt()
        if x.n and doubtful(y, 2, n):       # squares of float32 are safe in double; those of double are scaled
            wide = cast_raw(x, FLOAT64)
            wide, s = (wide, None) if x.dt == FLOAT32 else scaled(wide, mask, False)
            y = <Variable?>vary(wide, mask, c, keepdim, op, &n).sqrt()
            y = cast_raw(y if s is None else times_scale(y, s, mask, keepdim), x.dt)
    if recording(x):
        node = <Variance>(Deviation.__new__(Deviation) if root else Variance.__new__(Variance))
        node.describe(x, mask, keepdim)
        node.divisor = n - c if n > c else 0
        node.save(x)
        if root:
            node.save_output(y)
        record1(node, y, x)
    return y


cdef tuple spread_arguments(object dim, object unbiased, object correction):
    """var(dim, unbiased), var(unbiased), var(dim, correction=...)"""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    return dim, correction


def var(input, dim=None, unbiased=None, keepdim=False, *, correction=None, out=None):
    """The variance: mean squared deviation, with divisor n - correction (1 unless given)."""
    dim, correction = spread_arguments(dim, unbiased, correction)
    return finish_out(varied(checked(input, "var", "input"), dim, correction, keepdim, "var", False), out, "var")


def std(input, dim=None, unbiased=None, keepdim=False, *, correction=None, out=None):
    """The square root of the variance, also where the variance itself is out of range; its gradient at 0 is 0."""
    dim, correction = spread_arguments(dim, unbiased, correction)
    return finish_out(varied(checked(input, "std", "input"), dim, correction, keepdim, "std", True), out, "std")


def var_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """(variance, mean)"""
    dim, correction = spread_arguments(dim, unbiased, correction)
    return varied(checked(input, "var_mean", "input"), dim, correction, keepdim, "var_mean", False), mean(input, dim, keepdim)


def std_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """(standard deviation, mean)"""
    dim, correction = spread_arguments(dim, unbiased, correction)
    return varied(checked(input, "std_mean", "input"), dim, correction, keepdim, "std_mean", True), mean(input, dim, keepdim)


# -------------------------------------------------------------------------------------- norms

cdef class Norm(Reduction):
    cdef double p

    cdef int vjp(self, Variable g) except -1:
        x, y = self.saved(0), self.saved(1)
        if self.p == 0:
            return 0
        g = self.spread(g)
        if self.p == 1:
            self.pass_grad(0, g * x.sgn())
        elif self.p == float("inf") or self.p == float("-inf"):
            y = self.spread(y)
            hit = x.abs() == y
            share = to_dtype(hit, y.dt) / hit.sum(self.dims(), True)
            self.pass_grad(0, g * share * x.sgn())
        else:           # the subgradient at 0 is 0
            y = self.spread(or_infinity(y))
            if self.p == 2:
                self.pass_grad(0, x / y * g)
                return 0
            ratio = x.abs() / y
            if self.p < 2:
                nothing = ratio == 0
                slope = where(nothing, 0, where(nothing, 1, ratio) ** (self.p - 1))
            else:
                slope = ratio ** (self.p - 1)
            self.pass_grad(0, x.sgn() * slope * g)


cdef Variable norm_of(Variable x, double p, Mask mask, bint keepdim, str op):
    cdef Variable y, s, real = x
    cdef Norm node
    cdef int kind, i
    cdef int64_t n = 1
    if x.dt <= INT64:
        raise RuntimeError(f"{op}: Expected a floating point or complex tensor as input. Got {dtype_of(x.dt).name}")
    if is_complex_code(x.dt):
        real = <Variable>abs(x.detach())
    if p == 2:
        kind = NORM2
    elif p == 1:
        kind = NORM1
    elif p == 0:
        kind = NORM0
    elif p == float("inf"):
        kind = NORM_MAX
    elif p == float("-inf"):
        kind = NORM_MIN
    else:
        kind = NORM_P
    y = reduced(kind, real, mask, keepdim, op, p)
    if kind == NORM2 or kind == NORM_P:
        for i in range(x.nd):
            if mask >> i & 1:
                n *= x.sizes[i]
        if real.n and y.dt >= FLOAT32 and doubtful(y, p, n):
            real, s = scaled(cast_raw(real.detach(), FLOAT64), mask, p < 0)
            y = cast_raw(times_scale(reduced(kind, real, mask, keepdim, op, p), s, mask, keepdim), y.dt)
    if recording(x):
        node = <Norm>Norm.__new__(Norm)
        node.describe(x, mask, keepdim)
        node.p = p
        node.save(x)
        node.save_output(y)
        record1(node, y, x)
    return y


def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None, out=None):
    """The p-norm (sum |x|^p)^(1/p) of all elements, or over dimensions; p may be 0, inf and -inf."""
    cdef Variable v = checked(x, "linalg.vector_norm", "x")
    cdef Mask mask
    cdef int i
    if dtype is not None:
        if is_complex_code(v.dt) and not is_complex_code(dtype_code(dtype)):
            raise RuntimeError(f"linalg.vector_norm: dtype should be complex for complex inputs, but got {dtype.name}")
        v = to_dtype(v, dtype_code(dtype))
    mask = dims_mask(dim, v.nd, "linalg.vector_norm")
    if ord < 0 or ord == float("inf"):
        for i in range(v.nd):
            if mask >> i & 1 and v.sizes[i] == 0:
                raise RuntimeError(f"linalg.vector_norm cannot compute the {ord} norm on an empty dimension because the operation does not have an identity")
    return finish_out(norm_of(v, ord, mask, keepdim, "linalg.vector_norm"), out, "linalg.vector_norm")


def norm(input, p="fro", dim=None, keepdim=False, out=None, dtype=None):
    """The norm of all elements, or over dimensions: a number p, "fro" (2) or "nuc" (of matrices)."""
    cdef Variable x = checked(input, "norm", "input")
    if dtype is not None:
        x = to_dtype(x, dtype_code(dtype))
    if p == "nuc":
        from pyxtorch import linalg
        dims = tuple(range(x.nd)) if dim is None else dim
        return finish_out(linalg.matrix_norm(x, "nuc", dims, keepdim), out, "norm")
    if p == "fro" or p is None:
        p = 2
    return finish_out(norm_of(x, p, dims_mask(dim, x.nd, "norm"), keepdim, "norm"), out, "norm")


cdef class Logsumexp(Reduction):
    """exp(x - y); where y is infinite, the elements that are equal to it share."""
    cdef int vjp(self, Variable g) except -1:
        cdef Variable x = self.saved(0), y = self.spread(self.saved(1))
        infinite = y.isinf()
        hit = to_dtype(logical_and(infinite, x == y), x.dt)
        share = hit / hit.sum(self.dims(), True)
        weight = where(infinite, share, (x - where(infinite, 0, y)).exp())
        self.pass_grad(0, self.spread(g) * conj_of(weight))


def logsumexp(input, dim, keepdim=False, *, out=None):
    """log(sum(exp(input))) over dimensions, without overflow."""
    cdef Variable x = checked(input, "logsumexp", "input")
    if x.dt <= INT64:
        x = to_dtype(x, default_dtype())
    cdef Mask mask = dims_mask(dim, x.nd, "logsumexp")
    cdef Variable y, plain
    cdef Logsumexp node
    cdef int i
    dims = tuple([i for i in range(x.nd) if mask >> i & 1])
    plain = x.detach()
    if x.n == 0:
        y = plain.exp().sum(dims, True).log()
    else:
        top = amax(plain.real if is_complex_code(x.dt) else plain, dims, True)
        top = where(top.abs() == float("inf"), 0, top)
        y = (plain - top).exp().sum(dims, True).log() + top
    if not keepdim:
        y = y.reshape([n for i, n in enumerate(shape_of(x)) if not mask >> i & 1])
    if recording(x):
        node = <Logsumexp>Logsumexp.__new__(Logsumexp)
        node.describe(x, mask, keepdim)
        node.save(x)
        node.save_output(y)
        record1(node, y, x)
    return finish_out(y, out, "logsumexp")


@rounds_once
def dist(input, other, p=2):
    """The p-norm of input - other."""
    return norm(input - other, p)


__all__ = ["var", "std", "var_mean", "std_mean", "norm", "logsumexp", "dist"]
methods = {name: globals()[name] for name in ("var", "std", "norm", "logsumexp", "dist")}
linalg = {"vector_norm": vector_norm}
