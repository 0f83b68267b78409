"""Ordering, selecting, searching and counting."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record1, record_many, recording
from pyxtorch.kernels.sort cimport *
from pyxtorch.ops._common cimport *
from pyxtorch.ops.shape cimport to_dtype

from pyxtorch.ops._common import return_type, strict_out

cdef pyx_sort_kernels** tables = <pyx_sort_kernels**>kernel_tables(b"sort", sizeof(pyx_sort_kernels))

cdef pyx_sort_kernels* kernels(TensorBase x, str op) except NULL:
    return <pyx_sort_kernels*>table_for(<void**>tables, x, op)


return_types = {name: return_type(name, "values indices") for name in ("sort", "topk", "kthvalue", "median", "nanmedian", "mode")}


cdef int undefined(int code, Variable x, str op) except -1:
    if code == -1:
        raise NotImplementedError(f'"{op}" not implemented for {dtype_of(x.dt).name!r}: its elements have no order.')
    if code:
        raise MemoryError(f"{op}: no memory for {x.n} elements.")
    return 0


cdef int split(Variable x, int d, int64_t* outer, int64_t* n, int64_t* inner) except -1:
    """Sizes before, along and after dimension d."""
    cdef int i
    outer[0] = inner[0] = n[0] = 1
    for i in range(x.nd):
        if i < d:
            outer[0] *= x.sizes[i]
        elif i == d:
            n[0] = x.sizes[i]
        else:
            inner[0] *= x.sizes[i]
    return 0


cdef class Chosen(Function):
    """Values chosen along a dimension, by indices (saved) of the same shape, or with that dimension left out."""
    cdef int dim
    cdef bint left_out
    cdef tuple shape

    cdef int vjp_many(self, list grads) except -1:
        g = grads[0]
        if g is None:
            return 0
        index = self.saved(0)
        if self.left_out:
            g = g.unsqueeze(self.dim)
            index = index.unsqueeze(self.dim)
        self.pass_grad(0, g.new_zeros(self.shape).scatter_add(self.dim, index, g))


cdef int remember(Variable values, Variable indices, Variable x, int d, bint left_out) except -1:
    cdef Chosen node
    if recording(x):
        node = <Chosen>Chosen.__new__(Chosen)
        node.dim = d
        node.left_out = left_out
        node.shape = shape_of(x)
        node.save(indices)
        record_many(node, [values, None], [x])
    return 0


# ------------------------------------------------------------------------------------- sorting

def sort(Variable input not None, dim=-1, descending=False, stable=False, *, out=None):
    """Values in order along `dim`, and the positions they come from; NaN counts as the largest. Always stable.

    Source: counting by digits of order-preserving keys (radix sort) for long lines.
    Gradient:
        moved back to the positions.
    """
    if isinstance(dim, bool):
        dim, descending = -1, dim
    cdef int d = wrap_dim(dim, input.nd, "sort")
    cdef int64_t outer, n, inner
    cdef Variable x = dense(input)
    cdef Variable values = <Variable>new_like(x, x.dt)
    cdef Variable indices = <Variable>new_like(x, INT64)
    cdef pyx_sort_kernels* k = kernels(x, "sort")
    cdef int code, down = 1 if descending else 0
    split(x, d, &outer, &n, &inner)
    x_dt, x_ptr, values_ptr, indices_ptr = x.dt, x.ptr, values.ptr, indices.ptr
    with nogil:
        code = k.sort(x_dt, x_ptr, values_ptr, <int64_t*>indices_ptr, outer, n, inner, down)
    undefined(code, x, "sort")
    remember(values, indices, input, d, False)
    return finish_out(return_types["sort"](values, indices), out, "sort")


def argsort(Variable input not None, dim=-1, descending=False, *, stable=False):
    """The positions that sort `input` along `dim`."""
    return sort(input.detach(), dim, descending)[1]


def msort(Variable input not None, *, out=None):
    """`input` sorted along its first dimension."""
    return finish_out(sort(input, 0)[0], out, "msort")


def topk(Variable input not None, k, dim=-1, largest=True, sorted=True, *, out=None):
    """The k largest (or smallest) values along `dim`, and their positions; NaN counts as the largest.

    Raises:
        RuntimeError: k is larger than the dimension.
    Gradient:
        moved back to the positions.
    """
    cdef int d = wrap_dim(dim, input.nd, "topk")
    cdef int64_t outer, n, inner
    cdef int64_t count = as_index(k, "topk")
    cdef int64_t sizes[64]
    cdef int i
    cdef Variable x = dense(input)
    cdef Variable values
    cdef Variable indices
    cdef pyx_sort_kernels* kernel = kernels(x, "topk")
    cdef int code, most = 1 if largest else 0, order = 1 if sorted else 0
    undefined(-1 if is_complex_code(x.dt) else 0, x, "topk")
    split(x, d, &outer, &n, &inner)
    if count < 0 or count > n:
        raise RuntimeError(f"topk: selected index k out of range: k is {count}, dimension {d} has size {n}.")
    for i in range(x.nd):
        sizes[i] = x.sizes[i]
    if x.nd:
        sizes[d] = count
    elif count == 0:
        raise RuntimeError("topk: k must be 1 for a 0-d tensor.")
    values = <Variable>new_empty(x.nd, sizes, x.dt, x.dev, x.dev_index)
    indices = <Variable>new_empty(x.nd, sizes, INT64, x.dev, x.dev_index)
    x_dt, x_ptr, values_ptr, indices_ptr = x.dt, x.ptr, values.ptr, indices.ptr
    with nogil:
        code = kernel.topk(x_dt, x_ptr, values_ptr, <int64_t*>indices_ptr, outer, n, inner, count, most, order)
    undefined(code, x, "topk")
    remember(values, indices, input, d, False)
    return finish_out(return_types["topk"](values, indices), out, "topk")


cdef object select_one(Variable input, int64_t kth, object dim, bint keepdim, object out, str op, str name):
    """kth: from 1; 0: the median, -1: of what is not NaN, -2: the mode."""
    cdef int d = wrap_dim(dim, input.nd, op)
    cdef int64_t outer, n, inner
    cdef int64_t sizes[64]
    cdef int i, nd = 0, code
    cdef Variable x = dense(input)
    cdef Variable values
    cdef Variable indices
    cdef pyx_sort_kernels* k = kernels(x, op)
    split(x, d, &outer, &n, &inner)
    if n == 0 and (outer * inner > 0 or op != "kthvalue" or True):
        raise IndexError(f"{op}(): Expected reduction dim {d} to have non-zero size.")
    if kth > n:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {d}: k is {kth}, the size {n}.")
    for i in range(x.nd):
        if i != d:
            sizes[nd] = x.sizes[i]
            nd += 1
    values = <Variable>new_empty(nd, sizes, x.dt, x.dev, x.dev_index)
    indices = <Variable>new_empty(nd, sizes, INT64, x.dev, x.dev_index)
    x_dt, x_ptr, values_ptr, indices_ptr = x.dt, x.ptr, values.ptr, indices.ptr
    with nogil:
        if kth == -2:
            code = k.mode(x_dt, x_ptr, values_ptr, <int64_t*>indices_ptr, outer, n, inner)
        else:
            code = k.kthvalue(x_dt, x_ptr, values_ptr, <int64_t*>indices_ptr, outer, n, inner, kth)
    undefined(code, x, op)
    remember(values, indices, input, d, input.nd > 0)
    if keepdim and input.nd:
        return finish_out(return_types[name](values.unsqueeze(d), indices.unsqueeze(d)), out, op)
    return finish_out(return_types[name](values, indices), out, op)


def kthvalue(Variable input not None, k, dim=-1, keepdim=False, *, out=None):
    """The k-th smallest value along `dim` (k from 1), and where it is."""
    cdef int64_t kth = as_index(k, "kthvalue")
    if kth < 1:
        raise RuntimeError(f"kthvalue(): selected number k out of range: k is {kth}, but counts from 1.")
    strict_out(out, (input,), "kthvalue", (input.dt, INT64))
    return select_one(input, kth, dim, keepdim, out, "kthvalue", "kthvalue")


cdef class Median(Function):
    """One value of the input's: those equal to it share the gradient."""
    cdef int vjp(self, Variable g) except -1:
        x, y = self.saved(0), self.saved(1)
        hit = ((x == y) | (x.isnan() & y.isnan())).to(g.dtype)
        self.pass_grad(0, g * (hit / hit.sum()))


cdef object median_by(Variable input, object dim, bint keepdim, object out, int64_t kth, str op):
    if dim is not None:
        return select_one(input, kth, dim, keepdim, out, op, op)
    if is_complex_code(input.dt):
        undefined(-1, input, op)
    if input.n == 0:
        if input.dt <= INT64:
            return finish_out(full_raw(0, NULL, input.dt, input.dev, input.dev_index, integer_range(input.dt)[0]), out, op)
        return finish_out(input.sum() + float("nan"), out, op)
    cdef Median node
    y = select_one(input.detach().reshape(-1), kth, 0, False, None, op, op)[0]
    if recording(input):
        node = <Median>Median.__new__(Median)
        node.save(input)
        node.save_output(<Variable>y)
        record1(node, <Variable>y, input)
    return finish_out(y, out, op)


def median(Variable input not None, dim=None, keepdim=False, *, out=None):
    """The lower median of all elements, or along `dim` with its position; NaN where there is one."""
    return median_by(input, dim, keepdim, out, 0, "median")


def nanmedian(Variable input not None, dim=None, keepdim=False, *, out=None):
    """`median` of the elements that are not NaN."""
    return median_by(input, dim, keepdim, out, -1, "nanmedian")


def mode(Variable input not None, dim=-1, keepdim=False, *, out=None):
    """The most frequent value along `dim` (the smallest of equals), and its last position."""
    return select_one(input, -2, dim, keepdim, out, "mode", "mode")


# ----------------------------------------------------------------------------------- quantiles

cdef object quantile_by(Variable input, object q, object dim, bint keepdim, str interpolation, bint ignore_nan, str op):
    cdef Variable x = input
    cdef Variable w
    if input.dt != FLOAT32 and input.dt != FLOAT64:
        raise RuntimeError(f"{op}() input tensor must be either float or double dtype, not {dtype_of(input.dt).name}")
    if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise RuntimeError(f"{op}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}")
    if isinstance(q, Variable):
        w = <Variable>q
        if w.dt != input.dt:
            raise RuntimeError(f"{op}() q tensor must be same dtype as the input tensor")
        if w.nd > 1:
            raise RuntimeError(f"{op}() q must be a scalar or 1D tensor")
        same_device(input, w, op)
        if w.n and w.dev != META and not bool(((w >= 0) & (w <= 1)).all()):
            raise RuntimeError(f"{op}() q values must be in the range [0, 1]")
    else:
        if not 0 <= q <= 1:
            raise RuntimeError(f"{op}() q must be in the range [0, 1] but got {q}")
        w = full_raw(0, NULL, input.dt, input.dev, input.dev_index, q)
    if input.n == 0:
        raise RuntimeError(f"{op}() input tensor must be non-empty")
    if dim is None:
        d = 0
        x = <Variable?>input.reshape(-1)
    else:
        d = wrap_dim(dim, input.nd, op)
        x = input if input.nd else <Variable?>input.reshape(1)
    x = <Variable>sort(x.movedim(d, -1), -1)[0]
    n = x.sizes[x.nd - 1]
    nan = x != x
    # ranks have the shape of x with the last dimension replaced by the values of q
    flat = w.reshape(-1)
    if ignore_nan:
        ranks = flat * ((n - nan.sum(-1, keepdim=True)) - 1).clamp_min(0).to(x.dtype)
    else:
        broken = nan.any(-1, keepdim=True)
        ranks = (flat * (n - 1)).expand(shape_of(x)[:x.nd - 1] + (w.n,))
        ranks = ranks.masked_fill(broken, n - 1)
    below = ranks.floor()
    if interpolation == "lower":
        y = x.gather(-1, below.long())
    elif interpolation == "higher":
        y = x.gather(-1, ranks.ceil().long())
    elif interpolation == "nearest":
        y = x.gather(-1, ranks.round().long())
    else:
        weight = ranks - below if interpolation == "linear" else ranks.new_full((), 0.5).expand(shape_of(<Variable>ranks))
        if interpolation == "midpoint":
            weight = weight * (ranks != below).to(x.dtype)
        y = x.gather(-1, below.long()).lerp(x.gather(-1, ranks.ceil().long()), weight)
    if keepdim:
        full = [1] * input.nd if dim is None else list(shape_of(input))
        if dim is not None and input.nd:
            full[d] = 1
        y = y.movedim(-1, 0)
        y = y.reshape([w.n] + full) if w.nd else y.reshape(full)
        return y
    y = y.movedim(-1, 0)
    if input.nd == 0 and dim is not None:
        y = y.reshape(shape_of(w))
    return y if w.nd else y.squeeze(0)


def quantile(Variable input not None, q, dim=None, keepdim=False, *, interpolation="linear", out=None):
    """The q-th quantiles (q from 0 to 1, a number or 1-d tensor) of all elements or along `dim`; NaN where there is one.

    Args:
        interpolation: between the two nearest elements: linear, lower, higher, midpoint or nearest.
    """
    return finish_out(quantile_by(input, q, dim, keepdim, interpolation, False, "quantile"), out, "quantile")


def nanquantile(Variable input not None, q, dim=None, keepdim=False, *, interpolation="linear", out=None):
    """`quantile` of the elements that are not NaN."""
    return finish_out(quantile_by(input, q, dim, keepdim, interpolation, True, "nanquantile"), out, "nanquantile")


# ----------------------------------------------------------------------------------- searching

def searchsorted(Variable sorted_sequence not None, input, *, out_int32=False, right=False, side=None, sorter=None, out=None):
    """Where each value would go in a sorted sequence to keep it sorted: before equal ones, or after them (right).

    Args:
        sorted_sequence: (n), or with the same leading dimensions as input.
        sorter: int64, of the shape of sorted_sequence: its order, if it is not sorted.
    """
    cdef Variable s = sorted_sequence
    cdef Variable v
    cdef Variable y
    cdef Variable order = None
    cdef int64_t n, m, batch, top
    cdef int code, one, after
    cdef pyx_sort_kernels* k = kernels(s, "searchsorted")
    if side is not None:
        if side not in ("left", "right"):
            raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
        if side == "left" and right:
            raise RuntimeError("torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True")
        right = side == "right"
    if not isinstance(input, Variable):
        if not is_number(input):
            raise TypeError(f"searchsorted(): argument 'input' must be Tensor or a number, not {type(input).__name__}")
        v = wrap_number(input, s.dt if s.dt > INT64 or not isinstance(input, float) else default_dtype(), s.dev, s.dev_index)
    else:
        v = <Variable>input
    if s.nd == 0 or (s.nd > 1 and (s.nd != v.nd or shape_of(s)[:s.nd - 1] != shape_of(v)[:v.nd - 1])):
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input "
            f"value tensor must match, but we got boundaries tensor {list(shape_of(s))} and input value tensor {list(shape_of(v))}"
        )
    if s.dt != v.dt:
        # an integer without dimensions keeps all its bits: rounded to the sequence's dtype it would belong elsewhere
        at = result_type_of(s, v) if v.dt > INT64 else promote(s.dt, v.dt)
        s = to_dtype(s, at)
        v = to_dtype(v, at)
    same_device(s, v, "searchsorted")
    if sorter is not None:
        order = checked(sorter, "searchsorted", "sorter")
        if not same_shape(order, s):
            raise RuntimeError(f"torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor {list(shape_of(s))}and got sorter tensor {list(shape_of(order))}")
        same_device(s, order, "searchsorted")
        if order.dt != INT64:
            raise RuntimeError(f"torch.searchsorted(): sorter must be a tensor of long dtype but got dtype {dtype_of(order.dt).name}")
        top = s.sizes[s.nd - 1]
        if order.n and any_true((order < 0) | (order >= top)):
            raise RuntimeError("torch.searchsorted(): sorter index out of range")
        order = dense(order)
    s = dense(s)
    v = dense(v)
    y = <Variable>new_like(v, INT64)
    n = s.sizes[s.nd - 1]
    one = 1 if s.nd == 1 else 0
    m = v.n if s.nd == 1 else v.sizes[v.nd - 1]
    batch = 0 if m == 0 else v.n // m
    after = 1 if right else 0
    s_dt, s_ptr, v_ptr, y_ptr = s.dt, s.ptr, v.ptr, y.ptr
    order_ptr = <const int64_t*>(order.ptr if order is not None else NULL)
    with nogil:
        code = k.search(s_dt, s_ptr, order_ptr, batch, n, v_ptr, m, one, after, <int64_t*>y_ptr)
    undefined(code, s, "searchsorted")
    if out_int32:
        y = cast_raw(y, INT32)
    return finish_out(y, out, "searchsorted")


def bucketize(input, Variable boundaries not None, *, out_int32=False, right=False, out=None):
    """Which bucket of sorted 1-d `boundaries` each value falls in: `searchsorted` with the arguments changed over."""
    if boundaries.nd != 1:
        raise RuntimeError(f"bucketize: boundaries tensor must be 1 dimension, but got dim({boundaries.nd})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)


def isin(elements, test_elements, *, assume_unique=False, invert=False, out=None):
    """Whether each element is among test_elements (tensors or numbers, not both numbers)."""
    cdef Variable e
    cdef Variable t
    if not isinstance(elements, Variable) and not isinstance(test_elements, Variable):
        raise TypeError("isin(): at least one argument must be a Tensor")
    for given in (elements, test_elements):
        if not isinstance(given, Variable) and not is_number(given):
            raise TypeError(f"isin(): expected a tensor or a number, not {type(given).__name__}")
    e = elements if isinstance(elements, Variable) else wrap_number(elements, number_dtype(elements), (<Variable>test_elements).dev, (<Variable>test_elements).dev_index)
    t = test_elements if isinstance(test_elements, Variable) else wrap_number(test_elements, number_dtype(test_elements), e.dev, e.dev_index)
    if is_complex_code(e.dt) or is_complex_code(t.dt):
        raise RuntimeError("Unsupported input type encountered for isin(): ComplexFloat")
    cdef int dt = result_type_of(e, t)
    e = to_dtype(<Variable?>e.detach(), dt)
    t = to_dtype(<Variable?>t.detach(), dt)
    if t.n == 0:
        found = e.new_zeros(shape_of(e), dtype=dtype_of(BOOL))
    else:
        ordered = sort(t.reshape(-1))[0]
        at = searchsorted(ordered, dense(e)).clamp_max(t.n - 1)
        found = ordered.index_select(0, at.reshape(-1)).reshape(shape_of(e)) == e
    return finish_out(~found if invert else found, out, "isin")


# -------------------------------------------------------------------------------------- unique

cdef tuple runs_of(Variable x, int64_t n, int64_t width, str op):
    """Starts (int64) of runs of equal items in x, and the run of each item."""
    cdef Variable starts = <Variable>new_empty(1, &n, INT64, x.dev, x.dev_index)
    cdef Variable run_of = <Variable>new_empty(1, &n, INT64, x.dev, x.dev_index)
    cdef pyx_sort_kernels* k = kernels(x, op)
    cdef int64_t count
    need_values(x, op)
    x_dt, x_ptr, starts_ptr, run_of_ptr = x.dt, x.ptr, starts.ptr, run_of.ptr
    with nogil:
        count = k.runs(x_dt, x_ptr, n, width, <int64_t*>starts_ptr, <int64_t*>run_of_ptr)
    return starts[:count], run_of


cdef object counts_of(object starts, int64_t n):
    """Lengths of runs."""
    import pyxtorch
    ends = pyxtorch.cat([starts[1:], starts.new_full((1,), n)]) if starts.shape[0] else starts
    return ends - starts


def unique(Variable input not None, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The distinct elements in order (or the distinct slices along `dim`); on demand, for each element the position
    of its value, and how often each value occurs."""
    values, inverse, counts = unique_parts(input, dim)
    out = (values,)
    if return_inverse:
        out += (inverse,)
    if return_counts:
        out += (counts,)
    return out if len(out) > 1 else values


cdef tuple unique_parts(Variable input, object dim):
    cdef Variable x = <Variable?>input.detach()
    cdef Variable flat
    cdef Variable order
    cdef pyx_sort_kernels* k = kernels(x, "unique")
    cdef int code
    cdef int64_t n, width
    if is_complex_code(x.dt):
        undefined(-1, x, "unique")
    if dim is None:
        flat = dense(<Variable?>x.reshape(-1))
        ordered, order = sort(flat)
        starts, run_of = runs_of(ordered, flat.n, 1, "unique")
        inverse = run_of.new_empty(flat.n)
        inverse.scatter_(0, order, run_of)
        return ordered.index_select(0, starts), inverse.reshape(shape_of(input)), counts_of(starts, flat.n)
    d = wrap_dim(dim, x.nd, "unique")
    if x.nd == 0:
        x = <Variable?>x.reshape(1)
    n = x.sizes[d]
    if x.n == 0 and n:
        for s in shape_of(x)[:d] + shape_of(x)[d + 1:]:
            if s == 0:
                raise RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")
    moved = x.movedim(d, 0)
    shape = shape_of(<Variable>moved)
    width = x.n // n if n else 0
    flat = dense(<Variable?>moved.reshape((n, width)))
    order = <Variable>new_empty(1, &n, INT64, x.dev, x.dev_index)
    flat_dt, flat_ptr, order_ptr = flat.dt, flat.ptr, order.ptr
    with nogil:
        code = k.sort_rows(flat_dt, flat_ptr, n, width, <int64_t*>order_ptr)
    undefined(code, x, "unique")
    ordered = flat.index_select(0, order)
    starts, run_of = runs_of(ordered, n, width, "unique")
    inverse = run_of.new_empty(n)
    inverse.scatter_(0, order, run_of)
    values = ordered.index_select(0, starts).reshape((starts.shape[0],) + shape[1:]).movedim(0, d).contiguous()
    return values, inverse, counts_of(starts, n)


def unique_consecutive(Variable input not None, return_inverse=False, return_counts=False, dim=None):
    """The elements (or slices along `dim`) without repetitions of their predecessor; on demand as `unique`."""
    cdef Variable x = <Variable?>input.detach()
    cdef Variable flat
    cdef int64_t n, width
    if dim is None:
        flat = dense(<Variable?>x.reshape(-1))
        starts, inverse = runs_of(flat, flat.n, 1, "unique_consecutive")
        values, inverse, n = flat.index_select(0, starts), inverse.reshape(shape_of(input)), flat.n
    else:
        d = wrap_dim(dim, x.nd, "unique_consecutive")
        if x.nd == 0:
            x = <Variable?>x.reshape(1)
        n = x.sizes[d]
        moved = x.movedim(d, 0)
        shape = shape_of(<Variable>moved)
        width = x.n // n if n else 0
        flat = dense(<Variable?>moved.reshape((n, width)))
        starts, inverse = runs_of(flat, n, width, "unique_consecutive")
        values = flat.index_select(0, starts).reshape((starts.shape[0],) + shape[1:]).movedim(0, d).contiguous()
    out = (values,)
    if return_inverse:
        out += (inverse,)
    if return_counts:
        out += (counts_of(starts, n),)
    return out if len(out) > 1 else values


# ------------------------------------------------------------------------------------ counting

def bincount(Variable input not None, weights=None, minlength=0):
    """How often each number 0, 1, ... occurs in a 1-d integer tensor; with weights, the sums of these."""
    cdef Variable x
    cdef Variable y
    cdef int64_t bins
    cdef int code
    cdef pyx_sort_kernels* k = kernels(input, "bincount")
    if input.dt > INT64 or input.dt == BOOL or input.dt == UINT64:
        raise NotImplementedError(f'"bincount" not implemented for {dtype_of(input.dt).name!r}: integers are counted.')
    if weights is not None:
        checked(weights, "bincount", "weights")
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if input.nd == 1 and input.n == 0:
        return input.new_zeros(minlength, dtype=dtype_of(INT64))
    need_values(input, "bincount")
    if input.nd != 1 or bool((input < 0).any()):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    x = cast_raw(input, INT64)
    bins = max(x.max().item() + 1, minlength)
    if weights is not None:
        if not isinstance(weights, Variable) or not same_shape(weights, input):
            raise RuntimeError("weights should be 1-d and have the same length as input")
        w = (<Variable>weights).detach()
        w = to_dtype(<Variable>w, FLOAT32 if (<Variable>w).dt == FLOAT32 else FLOAT64)
        return w.new_zeros(bins).index_add(0, x, w)
    y = zeros_raw(1, &bins, INT64, x.dev, x.dev_index)
    x_ptr, x_n, y_ptr = x.ptr, x.n, y.ptr
    with nogil:
        code = k.count(<const int64_t*>x_ptr, x_n, <int64_t*>y_ptr, bins)
    if code:
        raise RuntimeError("bincount: an element changed while it was counted.")
    return y


def histc(Variable input not None, bins=100, min=0, max=0, *, out=None):
    """How many elements fall in each of `bins` equal parts of [min, max] (by default of the elements' range)."""
    cdef Variable x = dense(<Variable?>input.detach())
    cdef Variable y
    cdef double low = min, high = max
    cdef int64_t n = bins
    cdef int code
    cdef pyx_sort_kernels* k = kernels(x, "histc")
    if x.dt <= INT64 or is_complex_code(x.dt):
        undefined(-1, x, "histogram_cpu")
    if n <= 0:
        raise RuntimeError(f"torch.histc(): bins must be > 0, but got {bins}")
    if low > high:
        raise RuntimeError(f"torch.histc(): max must be larger than min, but got min {min} and max {max}")
    if low == high and x.n and x.dev != META:
        low, high = x.min().item(), x.max().item()
    if not low - low == 0 or not high - high == 0:
        raise RuntimeError(f"torch.histc(): range of [{low}, {high}] is not finite")
    if low == high:
        low -= 1
        high += 1
    y = <Variable>new_empty(1, &n, x.dt, x.dev, x.dev_index)
    x_dt, x_ptr, x_n, y_ptr = x.dt, x.ptr, x.n, y.ptr
    with nogil:
        code = k.histogram(x_dt, x_ptr, x_n, low, high, n, y_ptr)
    undefined(code, x, "histc")
    return finish_out(y, out, "histc")


histogram_type = return_type("histogram", "hist bin_edges")
histogramdd_type = return_type("histogramdd", "hist bin_edges")


cdef object edges_of(Variable x, object bins, object low, object high, str op):
    """Bin edges for the values x (1-d): given, or equal parts of the range."""
    import pyxtorch
    if isinstance(bins, Variable):
        if (<Variable>bins).nd != 1:
            raise RuntimeError(f"{op}(): bins tensor should have one dimension, but got {(<Variable>bins).nd} dimensions in the bins tensor")
        if (<Variable>bins).n == 0:
            raise RuntimeError(f"{op}(): bins tensor should have at least 1 element, but got 0")
        if (<Variable>bins).dt != x.dt:
            raise RuntimeError(f"{op}(): input tensor and bins tensor should have the same dtype, but got input {dtype_of(x.dt).name} and bins {dtype_of((<Variable>bins).dt).name}")
        return bins
    if bins <= 0:
        raise RuntimeError(f"{op}(): bins must be > 0, but got {bins}")
    if low is None:
        low, high = (x.min().item(), x.max().item()) if x.n and x.dev != META else (0.0, 1.0)
    if not (low - low == 0 and high - high == 0):
        raise RuntimeError(f"{op}(): range [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError(f"{op}(): min should not exceed max, but got min {low} max {high}")
    if low == high:
        low, high = low - 0.5, high + 0.5
    return pyxtorch.linspace(low, high, bins + 1, dtype=dtype_of(x.dt), device=device_of(x.dev, x.dev_index))


cdef object places_in(Variable x, object edges):
    """The bin of each value, -1 for none; the last bin includes its upper edge."""
    n = (<Variable>edges).n - 1
    at = searchsorted(edges, dense(x), right=True) - 1
    at = at.masked_fill(x == edges[n], n - 1)
    return at.masked_fill((x < edges[0]) | (x > edges[n]) | (x != x), -1)


cdef object binned(Variable points, list edges, object weight, bint density, str op):
    """points (n, d): the histogram (bins of each dimension)."""
    d = points.sizes[1]
    flat = None
    valid = None
    shape = [(<Variable>e).n - 1 for e in edges]
    for i in range(d):
        at = places_in(dense(<Variable>points[:, i]), edges[i])
        ok = at >= 0
        at = at.clamp_min(0)
        flat = at if flat is None else flat * shape[i] + at
        valid = ok if valid is None else valid & ok
    if weight is None:
        weight = points.new_ones(points.sizes[0])
    else:
        if checked(weight, op, "weight").dt != points.dt:
            raise RuntimeError(f"{op}(): if weight tensor is provided, input tensor and weight tensor should have the same dtype")
        weight = weight.reshape(-1)
        if (<Variable>weight).n != points.sizes[0]:
            raise RuntimeError(f"{op}(): if weight tensor is provided it should have the same shape as the input tensor excluding its innermost dimension")
    total = 1
    for s in shape:
        total *= s
    weight = weight.to(dtype_of(FLOAT64)) * valid
    y = weight.new_zeros(total).index_add(0, flat, weight).to(points.dtype).reshape(shape)
    if density:
        y = y / y.sum()
        for i in range(d):
            widths = edges[i][1:] - edges[i][:shape[i]]
            y = y / widths.reshape([-1 if k == i else 1 for k in range(d)])
    return y


def histogram(Variable input not None, bins=100, *, range=None, weight=None, density=False, out=None):
    """Counts (or sums of weights) of elements in bins, and the bins' edges.

    Args:
        bins: a number of equal bins, or a 1-d tensor of increasing edges.
        range: (low, high) of equal bins; elements outside count nowhere.
        density: divide by the total and the bins' widths.
    """
    if input.dt != FLOAT32 and input.dt != FLOAT64:
        undefined(-1, input, "histogram_cpu")
    x = dense(<Variable?>input.detach().reshape(-1))
    low, high = range if range is not None else (None, None)
    edges = edges_of(x, bins, low, high, "histogram")
    y = binned(<Variable?>x.unsqueeze(1), [edges], weight, density, "histogram")
    return finish_out(histogram_type(y, edges), out, "histogram")


def histogramdd(Variable input not None, bins=10, *, range=None, weight=None, density=False):
    """`histogram` in d dimensions: input (..., d), bins a number, or numbers or edges for each dimension."""
    if input.dt != FLOAT32 and input.dt != FLOAT64:
        undefined(-1, input, "histogramdd")
    if input.nd < 2:
        raise RuntimeError(f"torch.histogramdd: input tensor should have at least 2 dimensions, but got {input.nd}")
    d = input.sizes[input.nd - 1]
    points = <Variable?>input.detach().reshape(-1, d)
    bins = [bins] * d if isinstance(bins, (int, Variable)) else list(bins)
    if len(bins) != d:
        raise RuntimeError(f"histogramdd: expected {d} sequences of bin edges or bin counts, but got {len(bins)}")
    if range is not None and len(range) != 2 * d:
        raise RuntimeError(f"histogramdd: for a {d}-dimensional histogram range should have {2 * d} elements, but got {len(range)}")
    edges = []
    for i in _range(d):
        low, high = (None, None) if range is None else (range[2 * i], range[2 * i + 1])
        edges.append(edges_of(dense(<Variable>points[:, i]), bins[i], low, high, "histogramdd"))
    y = binned(points, edges, weight, density, "histogramdd")
    return histogramdd_type(y, tuple(edges))


def _range(n):
    i = 0
    while i < n:
        yield i
        i += 1


__all__ = [
    "sort", "argsort", "msort", "topk", "kthvalue", "median", "nanmedian", "mode", "quantile", "nanquantile", "searchsorted",
    "bucketize", "isin", "unique", "unique_consecutive", "bincount", "histc", "histogram", "histogramdd",
]
methods = {name: globals()[name] for name in __all__ if name not in ("searchsorted", "bucketize", "histogramdd")}
