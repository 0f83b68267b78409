"""Running results along a dimension (cumulative sums, products, extremes), and differences and integrals."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record1, record2, record_many, recording
from pyxtorch.kernels.scan cimport *
from pyxtorch.ops._common cimport *
from pyxtorch.ops.shape cimport conj_of, to_dtype

from pyxtorch.ops.elementwise_compare import isnan, logical_and, logical_not, logical_or, logical_xor
from pyxtorch.ops.elementwise_select import where
from pyxtorch.ops import shape_join as shapes
from pyxtorch.ops._common import return_type
from pyxtorch.ops._inplace import inplace

cdef pyx_scan_kernels** tables = <pyx_scan_kernels**>kernel_tables(b"scan", sizeof(pyx_scan_kernels))


cdef int64_t lines_of(Variable x, int dim, int64_t* outer, int64_t* inner) noexcept:
    """The size of `dim`, and how many slices there are before and within it."""
    cdef int i
    outer[0] = inner[0] = 1
    for i in range(x.nd):
        if i < dim:
            outer[0] *= x.sizes[i]
        elif i > dim:
            inner[0] *= x.sizes[i]
    return x.sizes[dim] if x.nd else 1


cdef Variable scanned(int kind, Variable x, int dim, bint reverse, str op):
    """One scan, unrecorded."""
    cdef int64_t outer, inner, n = lines_of(x, dim, &outer, &inner)
    cdef int failed
    cdef Variable a, y
    cdef pyx_scan_kernels* k = <pyx_scan_kernels*>table_for(<void**>tables, x, op)
    if not native(tables, x):
        return cast_raw(scanned(kind, cast_raw(x, FLOAT32), dim, reverse, op), x.dt)
    if x.dt == BOOL:
        return scanned(kind, cast_raw(x, UINT8), dim, reverse, op)
    a = dense(x)
    y = <Variable>new_like(a, a.dt)
    a_dt, a_ptr, y_ptr = a.dt, a.ptr, y.ptr
    with nogil:
        failed = k.scan(kind, a_dt, a_ptr, y_ptr, outer, n, inner, reverse)
    if failed:
        raise NotImplementedError(f'"{op}" not implemented for {dtype_of(x.dt).name!r}')
    return y


# ------------------------------------------------------------------------- sums and products

cdef class Cumsum(Function):
    """Linear: the gradient is the running sum from the other end."""
    cdef int dim
    cdef bint reverse

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, running_sum(g, self.dim, not self.reverse))


cdef Variable running_sum(Variable x, int dim, bint reverse):
    cdef Variable y = scanned(CUMSUM, x, dim, reverse, "cumsum")
    cdef Cumsum node
    if recording(x):
        node = <Cumsum>Cumsum.__new__(Cumsum)
        node.dim = dim
        node.reverse = reverse
        record1(node, y, x)
    return y


cdef object absorbing(object a, object b):
    """a * b, where 0 times infinity is 0: a factor of 0 stays one whatever the others grow to."""
    neither = logical_or(isnan(a), isnan(b))
    lost = logical_and(isnan(a.detach() * b.detach()), logical_not(neither))
    return where(lost, 0, a) * where(lost, 0, b)


def products_of_others(Variable x not None):
    """For each element of the last dimension the product of the others, without division, to any derivative."""
    cdef int last = x.nd - 1
    one = x.new_zeros(x.shape[last:])
    end = one.clone()
    one[:1], end[-1:] = 1, 1
    before = recurrence(shifted(x, last, 1), <Variable?>one.expand(x.shape), last, False)
    return absorbing(before, recurrence(x, <Variable?>end.expand(x.shape), last, True))


cdef class Recurrence(Function):
    """y[i] = b[i] + a[i] y[i-1]; reverse: its transpose. Each is the other's gradient by b."""
    cdef int dim
    cdef bint reverse

    cdef int vjp(self, Variable g) except -1:
        a, y = self.saved(0), self.saved(1)
        gb = recurrence(conj_of(a), g, self.dim, not self.reverse)
        if self.needs(0):
            if self.reverse:
                self.pass_grad(0, absorbing(shifted(gb, self.dim, 0), conj_of(y)))
            else:
                self.pass_grad(0, absorbing(gb, conj_of(shifted(y, self.dim, 0))))
        self.pass_grad(1, gb)


cdef Variable recurrence(Variable a, Variable b, int dim, bint reverse):
    cdef int64_t outer, inner, n = lines_of(b, dim, &outer, &inner)
    cdef int failed
    cdef Variable x = dense(a), u = cast_raw(b, a.dt)
    cdef Variable y = <Variable>new_like(u, u.dt)
    cdef pyx_scan_kernels* k = <pyx_scan_kernels*>table_for(<void**>tables, b, "cumprod")
    cdef Recurrence node
    x_dt, x_ptr, u_ptr, y_ptr = x.dt, x.ptr, u.ptr, y.ptr
    with nogil:
        failed = k.recurrence(x_dt, x_ptr, u_ptr, y_ptr, outer, n, inner, reverse)
    if failed:
        raise NotImplementedError(f'"cumprod" backward not implemented for {dtype_of(a.dt).name!r}')
    if recording(a) or recording(b):
        node = <Recurrence>Recurrence.__new__(Recurrence)
        node.dim = dim
        node.reverse = reverse
        node.save(a)
        node.save_output(y)
        record2(node, y, a, b)
    return y


cdef Variable shifted(Variable x, int dim, object first):
    """x moved one step along dim; `first` comes in."""
    if not x.nd:
        return x.new_full((), first)
    if not x.sizes[dim]:
        return x
    sizes = list(shape_of(x))
    sizes[dim] = 1
    return shapes.cat([x.new_full(sizes, first), x.narrow(dim, 0, x.sizes[dim] - 1)], dim)


cdef class Cumprod(Function):
    """The gradient by x[i] is the product before i times sum_k>=i g[k] prod(x[i+1..k]): no division, right with zeros."""
    cdef int dim

    cdef int vjp(self, Variable g) except -1:
        cdef Variable x = self.saved(0), y = self.saved(1)
        cdef Variable before = shifted(y, self.dim, 1)
        cdef int half = x.dt
        cdef int wide = FLOAT32 if half == FLOAT16 or half == BFLOAT16 else half
        x = conj_of(to_dtype(x, wide))
        later = recurrence(x, to_dtype(g, wide), self.dim, True)
        self.pass_grad(0, to_dtype(absorbing(conj_of(to_dtype(before, wide)), later), half))


cdef class Logcumsumexp(Function):
    """The gradient by x[i] is exp(x[i] - y[i]) t[i], t[i] = g[i] + exp(y[i] - y[i+1]) t[i+1]."""
    cdef int dim

    cdef int vjp(self, Variable g) except -1:
        cdef Variable x = self.saved(0), y = self.saved(1)
        cdef int half = x.dt
        if half == FLOAT16 or half == BFLOAT16:
            x, y, g = to_dtype(x, FLOAT32), to_dtype(y, FLOAT32), to_dtype(g, FLOAT32)
        # Where y is infinite, the elements that are equal to it share; a finite y is never equal to the next infinite one.
        real, terms = (y.real, x.real) if is_complex_code(y.dt) else (y, x)
        infinite = real.isinf()
        hits = logical_and(infinite, real == terms)
        # -inf counts from the start on, inf from where it comes first.
        count = to_dtype(where(real > 0, logical_and(hits, real > 0).cumsum(self.dim), hits.cumsum(self.dim)), y.dt)
        before_count, before_real = shifted(count, self.dim, 1), shifted(real, self.dim, float("-inf"))
        y = where(infinite, 0, y)
        same = logical_and(infinite, before_real == real)
        ratio = where(before_real == float("-inf"), 0, where(infinite, 0, (shifted(y, self.dim, 0) - y).exp()))
        t = recurrence(conj_of(where(same, before_count / count, ratio)), g, self.dim, True)
        own = where(infinite, to_dtype(hits, y.dt) / count, (x - y).exp())
        self.pass_grad(0, to_dtype(conj_of(own) * t, half))


cdef Variable prepared(object input, object dim, object dtype, object out, str op, int* d):
    cdef Variable x = checked(input, op, "input")
    d[0] = wrap_dim(dim, x.nd, op)
    if dtype is not None:
        return to_dtype(x, dtype_code(dtype))
    if out is not None and not isinstance(out, tuple):
        return to_dtype(x, checked(out, op, "out").dt)
    return to_dtype(x, INT64) if x.dt < INT64 else x


def cumsum(input, dim, *, dtype=None, out=None):
    """The running sum along a dimension; bools and integers add up in int64.

    Gradient: the running sum of the gradient from the end.
    """
    cdef int d
    cdef Variable x = prepared(input, dim, dtype, out, "cumsum", &d)
    return finish_out(running_sum(x, d, False), out, "cumsum")


def cumprod(input, dim, *, dtype=None, out=None):
    """The running product along a dimension; bools and integers multiply in int64. Its gradient is right with zeros."""
    cdef int d
    cdef Variable x = prepared(input, dim, dtype, out, "cumprod", &d)
    cdef Variable y = scanned(CUMPROD, x, d, False, "cumprod")
    cdef Cumprod node
    if recording(x):
        node = <Cumprod>Cumprod.__new__(Cumprod)
        node.dim = d
        node.save(x)
        node.save_output(y)
        record1(node, y, x)
    return finish_out(y, out, "cumprod")


def logcumsumexp(input, dim, *, out=None):
    """log(cumsum(exp(input), dim)) without overflow, for floating-point and complex tensors."""
    cdef Variable x = checked(input, "logcumsumexp", "input")
    cdef int d = wrap_dim(dim, x.nd, "logcumsumexp")
    cdef Logcumsumexp node
    if x.dt <= INT64:
        raise NotImplementedError(f"\"logcumsumexp_out_cpu\" not implemented for {dtype_of(x.dt).name!r}: it needs a floating-point or complex tensor.")
    cdef Variable y = scanned(LOGCUMSUMEXP, x, d, False, "logcumsumexp")
    if recording(x):
        node = <Logcumsumexp>Logcumsumexp.__new__(Logcumsumexp)
        node.dim = d
        node.save(x)
        node.save_output(y)
        record1(node, y, x)
    return finish_out(y, out, "logcumsumexp")


# ---------------------------------------------------------------------------------- extremes

cdef class RunningExtreme(Function):
    """The gradients of all results that one element gave are added up for it."""
    cdef int dim
    cdef tuple shape

    cdef int vjp_many(self, list grads) except -1:
        g = grads[0]
        if g is not None:
            self.pass_grad(0, g.new_zeros(self.shape).scatter_add(self.dim, self.saved(0), g) if self.shape else g)


Cummax = return_type("cummax", ["values", "indices"])
Cummin = return_type("cummin", ["values", "indices"])


cdef object running_extreme(object input, object dim, bint minimum, str op, object kinds, object out):
    cdef Variable x = checked(input, op, "input")
    cdef int d = wrap_dim(dim, x.nd, op), failed
    cdef int64_t outer, inner, n = lines_of(x, d, &outer, &inner)
    cdef Variable a = dense(x), v, i
    cdef RunningExtreme node
    cdef pyx_scan_kernels* k = <pyx_scan_kernels*>table_for(<void**>tables, x, op)
    if not native(tables, x):
        a = cast_raw(x, FLOAT32)
    v = <Variable>new_like(a, a.dt)
    i = <Variable>new_like(a, INT64)
    a_dt, a_ptr, v_ptr, i_ptr = a.dt, a.ptr, v.ptr, i.ptr
    with nogil:
        failed = k.extreme(minimum, a_dt, a_ptr, v_ptr, <int64_t*>i_ptr, outer, n, inner)
    if failed:
        raise NotImplementedError(f'"{op}_cpu" not implemented for {dtype_of(x.dt).name!r}')
    v = cast_raw(v, x.dt)
    if recording(x):
        node = <RunningExtreme>RunningExtreme.__new__(RunningExtreme)
        node.dim = d
        node.shape = shape_of(x)
        node.save(i)
        record_many(node, (v, i), (x,))
    return finish_out(kinds(v, i), out, op)


def cummax(input, dim, *, out=None):
    """(values, indices): the running maximum along a dimension and where it last was; NaN stays."""
    return running_extreme(input, dim, False, "cummax", Cummax, out)


def cummin(input, dim, *, out=None):
    """(values, indices): the running minimum along a dimension and where it last was; NaN stays."""
    return running_extreme(input, dim, True, "cummin", Cummin, out)


# -------------------------------------------------------------------- differences, integrals

cdef object between(object x, int dim, object start, object stop):
    """x[start:stop] along dim, both counted from 0 or, negative, from the end."""
    n = x.shape[dim]
    start = max(0, min(n, start + n if start < 0 else start))
    stop = n if stop is None else max(0, min(n, stop + n if stop < 0 else stop))
    return x.narrow(dim, start, max(0, stop - start))


def diff(input, n=1, dim=-1, prepend=None, append=None, *, out=None):
    """The n-th difference x[i+1] - x[i] along a dimension (of bools: whether they differ).

    Args:
        prepend, append: tensors put before and behind input along dim first.
    """
    cdef Variable x = checked(input, "diff", "input")
    if x.nd < 1:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    cdef int d = wrap_dim(dim, x.nd, "diff")
    for part, name in ((prepend, "prepend"), (append, "append")):
        if part is not None and (<Variable>checked(part, "diff", name)).nd != x.nd:
            raise RuntimeError(f"diff expects prepend or append to be the same dimension as input, but got {part.dim()} and {x.nd} dimensions")
    parts = [part for part in (prepend, x, append) if part is not None]
    if n == 0:
        return finish_out(x.clone(), out, "diff")
    y = shapes.cat(parts, d) if len(parts) > 1 else x
    for _ in range(min(n, y.shape[d])):
        ahead, behind = between(y, d, 1, None), between(y, d, 0, -1)
        y = logical_xor(ahead, behind) if (<Variable>y).dt == BOOL else ahead - behind
    return finish_out(y, out, "diff")


cdef object widths(Variable y, Variable x, int dim, str op):
    """The distances of sample points x, broadcastable to y."""
    if x.nd == 1:
        if x.sizes[0] != y.sizes[dim]:
            raise RuntimeError(f"{op}: There must be one `x` value for each sample point, but got {x.sizes[0]} for {y.sizes[dim]} points")
        x = x.reshape([-1 if i == dim else 1 for i in range(y.nd)])
    elif x.nd < y.nd:
        x = x.reshape((1,) * (y.nd - x.nd) + shape_of(x))
    return between(x, dim, 1, None) - between(x, dim, 0, -1)


cdef object areas(object y_, object x, object dx, object dim, str op, bint running):
    cdef Variable y = checked(y_, op, "y")
    cdef int d = wrap_dim(dim, y.nd, op)
    if y.dt == BOOL or (isinstance(x, Variable) and (<Variable>x).dt == BOOL):
        raise RuntimeError(f"{op}: received a bool input for `x` or `y`, but bool is not supported")
    if x is not None and dx is not None:
        raise RuntimeError(f"{op}: give the sample points `x` or their distance `dx`, not both.")
    if y.nd == 0 or y.sizes[d] == 0:
        if running:
            return y
        sizes = [n for i, n in enumerate(shape_of(y)) if i != d]
        return y.new_zeros(sizes)
    pairs = between(y, d, 1, None) + between(y, d, 0, -1)
    if x is not None:
        pairs = pairs * widths(y, checked(x, op, "x"), d, op)
        return running_half(pairs, d, running, 0.5)
    return running_half(pairs, d, running, 0.5 * (1 if dx is None else dx))


cdef object running_half(object pairs, int d, bint running, object scale):
    return (pairs.cumsum(d) if running else pairs.sum(d)) * scale


def trapezoid(y, x=None, *, dx=None, dim=-1):
    """The integral along a dimension by the trapezoidal rule, over sample points x or at distance dx (1)."""
    return areas(y, x, dx, dim, "trapezoid", False)


def cumulative_trapezoid(y, x=None, *, dx=None, dim=-1):
    """The running integral along a dimension by the trapezoidal rule."""
    return areas(y, x, dx, dim, "cumulative_trapezoid", True)


def gradient(input, *, spacing=None, dim=None, edge_order=1):
    """The derivative along dimensions by second-order differences, one-sided at both ends.

    Args:
        spacing: the distance of samples (1 unless given), one for each dimension, or tensors of their coordinates.
        edge_order: 1 or 2, the order of the differences at the ends.
    Returns: a tuple of tensors, one for each dimension.
    """
    cdef Variable f = checked(input, "gradient", "input")
    dims = list(range(f.nd)) if dim is None else [dim] if hasattr(type(dim), "__index__") else list(dim)
    dims = [wrap_dim(d, f.nd, "gradient") for d in dims]
    if edge_order not in (1, 2):
        raise RuntimeError(f"torch.gradient only supports edge_order=1 and edge_order=2, not {edge_order}.")
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"gradient: dim {max(dims, key=dims.count)} appears multiple times in the list of dims {dims}.")
    if spacing is None:
        spacing = 1
    if isinstance(spacing, (tuple, list)):
        steps = list(spacing)
    elif isinstance(spacing, Variable) and spacing.dim() == 1:
        steps = [spacing]
    else:
        steps = [spacing] * len(dims)
    if len(steps) != len(dims):
        raise RuntimeError(f"torch.gradient expected spacing to be unspecified, a scalar or a list of length equal to 'dim': {len(dims)}, but got {len(steps)}")
    return tuple([slope(f, d, h, edge_order) for d, h in zip(dims, steps)])


cdef object slope(Variable f, int d, object h, int order):
    n = f.sizes[d]
    if n < order + 1:
        raise RuntimeError(f"torch.gradient expected each dimension size to be at least edge_order+1, but dimension {d} has size {n}")

    def part(start, stop=None):
        return between(f, d, start, stop)

    if isinstance(h, Variable) and h.dim() == 1:
        if h.shape[0] != n:
            raise RuntimeError(f"gradient: expected as many coordinates as samples, but got {h.shape[0]} for {n} in dimension {d}")
        w = (h[1:] - h[:-1]).reshape([-1 if i == d else 1 for i in range(f.nd)])
        low, high = between(w, d, 0, -1), between(w, d, 1, None)
        middle = (-high / (low * (low + high)) * part(0, -2) + (high - low) / (low * high) * part(1, -1)
                  + low / (high * (low + high)) * part(2)) if n > 2 else None
        p, q, r, s = between(w, d, 0, 1), between(w, d, 1, 2), between(w, d, -1, None), between(w, d, -2, -1)
        if order == 1:
            first, last = (part(1, 2) - part(0, 1)) / p, (part(-1) - part(-2, -1)) / r
        else:
            first = -(2 * p + q) / (p * (p + q)) * part(0, 1) + (p + q) / (p * q) * part(1, 2) - p / (q * (p + q)) * part(2, 3)
            last = r / (s * (r + s)) * part(-3, -2) - (r + s) / (r * s) * part(-2, -1) + (2 * r + s) / (r * (r + s)) * part(-1)
    else:
        middle = (part(2) - part(0, -2)) / (2 * h) if n > 2 else None
        if order == 1:
            first, last = (part(1, 2) - part(0, 1)) / h, (part(-1) - part(-2, -1)) / h
        else:
            first = (-1.5 * part(0, 1) + 2 * part(1, 2) - 0.5 * part(2, 3)) / h
            last = (0.5 * part(-3, -2) - 2 * part(-2, -1) + 1.5 * part(-1)) / h
    return shapes.cat([first, last] if middle is None else [first, middle, last], d)


trapz = trapezoid
__all__ = ["cumsum", "cumprod", "logcumsumexp", "cummax", "cummin", "diff", "trapezoid", "trapz", "cumulative_trapezoid", "gradient"]
methods = {name: globals()[name] for name in ("cumsum", "cumprod", "logcumsumexp", "cummax", "cummin", "diff")}
methods.update({"cumsum_": inplace(cumsum), "cumprod_": inplace(cumprod)})
