"""One index for whole slices along a dimension: index_select, index_add and their like; take and put."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops._common import strict_out
from pyxtorch.ops._inplace import inplace as inplace_form
from pyxtorch.ops.elementwise_select cimport where_t
from pyxtorch.ops.index_plan cimport *
from pyxtorch.ops.shape cimport to_dtype


def index_select(Variable input not None, dim, Variable index not None, *, out=None):
    """The slices of `input` that a 1-d index (int32, int64) names along `dim`.

    Raises:
        IndexError: an index out of range, or of more than one dimension.
    Gradient:
        added up into the slices that were read.
    """
    cdef int d = wrap_dim(dim, input.nd, "index_select")
    same_device(input, index, "index_select")
    strict_out(out, (input, index), "index_select", (input.dt,))
    cdef Variable i = vector_index(index, "index_select")
    if input.nd == 0:
        if i.n != 1:
            raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {i.n} value(s)")
        return finish_out(plan_get(at_least_1d(input), plan_dim(0, i, "index_select")).reshape(()), out, "index_select")
    return finish_out(plan_get(input, plan_dim(d, i, "index_select")), out, "index_select")


cdef Variable index_write(Variable x, object dim, Variable index, Variable source, bint accumulate, bint inplace, str op,
                          bint wrap=False):
    cdef int d = wrap_dim(dim, x.nd, op)
    cdef int k
    cdef Variable i
    same_device(x, index, op)
    if source.dt != x.dt:
        raise RuntimeError(f"{op}(): self and source expected to have the same dtype, but got (self) {dtype_of(x.dt).name} and (source) {dtype_of(source.dt).name}")
    i = vector_index(index, op)
    if x.nd and source.nd == 0 and i.n == 1 and x.nd == 1:
        source = at_least_1d(source)
    if x.nd == 0:
        if source.n != 1 or i.n != 1:
            raise (IndexError if op == "index_copy_" else RuntimeError)(f"{op}(): a 0-d tensor takes one index and one value, not {i.n} and {source.n}.")
        if not inplace:
            return <Variable?>plan_put(at_least_1d(x), plan_dim(0, i, op, wrap), at_least_1d(source), accumulate, False).reshape(())
        index_write(at_least_1d(x), 0, index, at_least_1d(source), accumulate, True, op, wrap)
        return x
    if source.nd != x.nd:
        raise (IndexError if op == "index_copy_" else RuntimeError)(f"{op}(): source and self must have the same number of dimensions, got {source.nd} and {x.nd}.")
    for k in range(x.nd):
        if source.sizes[k] != (i.n if k == d else x.sizes[k]):
            raise (IndexError if op == "index_copy_" else RuntimeError)(
                f"{op}(): source of shape {list(shape_of(source))} does not fit {i.n} indices along dimension {d} of a tensor "
                f"of shape {list(shape_of(x))}."
            )
    return plan_put(x, plan_dim(d, i, op, wrap), source, accumulate, inplace)


cdef Variable times(Variable source, object alpha, str op):
    if alpha == 1:
        return source
    if source.dt <= INT64 and isinstance(alpha, float):
        raise RuntimeError(f"{op}(): For integral input tensors, argument alpha must not be a floating point number.")
    return source * alpha


def index_add(Variable input not None, dim, Variable index not None, Variable source not None, *, alpha=1, out=None):
    """input with alpha * source added to the slices that `index` names along `dim`, in order."""
    return finish_out(index_write(input, dim, index, times(source, alpha, "index_add"), True, False, "index_add"), out, "index_add")


def index_add_(Variable self not None, dim, Variable index not None, Variable source not None, *, alpha=1):
    """`index_add`, in place."""
    return index_write(self, dim, index, times(source, alpha, "index_add_"), True, True, "index_add_")


def index_copy(Variable input not None, dim, Variable index not None, Variable source not None, *, out=None):
    """input with the slices that `index` names along `dim` replaced by those of source."""
    return finish_out(index_write(input, dim, index, source, False, False, "index_copy_"), out, "index_copy")


def index_copy_(Variable self not None, dim, Variable index not None, Variable source not None):
    """`index_copy`, in place."""
    return index_write(self, dim, index, source, False, True, "index_copy_")


cdef Variable index_fill_by(Variable x, object dim, Variable index, object value, bint inplace):
    cdef int d = wrap_dim(dim, x.nd, "index_fill_")
    cdef Variable v
    cdef Variable i
    if index.dt != INT64:
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    if index.nd > 1:
        raise IndexError("Index has to be a vector/scalar")
    if isinstance(value, Variable):
        v = <Variable>value
        if v.nd:
            raise RuntimeError(f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {v.nd} dimension(s).")
    else:
        if isinstance(value, complex) and not is_complex_code(x.dt):
            raise RuntimeError("index_fill_(): Converting complex Scalar to non-complex type is not supported")
        v = wrap_number(value, x.dt, x.dev, x.dev_index)
    v = to_dtype(v, x.dt)
    i = index_int64(index, "index_fill_")
    i = i if i.nd else <Variable?>i.reshape(1)
    if recording(v) and i.n > 1:    # a slice that is named twice is filled once: so much of the gradient is the value's
        length = x.sizes[d] if x.nd else 1
        i = where_t(<Variable?>(i < 0), <Variable?>(i + length), i).unique()
    if x.nd == 0:
        if not inplace:
            return <Variable?>plan_put(at_least_1d(x), plan_dim(0, i, "index_fill_", True), v, False, False).reshape(())
        plan_put(at_least_1d(x), plan_dim(0, i, "index_fill_", True), v, False, True)
        return x
    return plan_put(x, plan_dim(d, i, "index_fill_", True), v, False, inplace)


def index_fill(Variable input not None, dim, Variable index not None, value):
    """input with the slices that `index` names along `dim` filled with a number or 0-d tensor."""
    return index_fill_by(input, dim, index, value, False)


def index_fill_(Variable self not None, dim, Variable index not None, value):
    """`index_fill`, in place."""
    return index_fill_by(self, dim, index, value, True)


def take(Variable input not None, Variable index not None, *, out=None):
    """The elements of `input`, as if flattened, at the places `index` (int64, any shape)."""
    if index.dt != INT64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {dtype_of(index.dt).name}")
    if input.n == 0 and index.n:
        raise IndexError("take(): tried to take from an empty tensor")
    same_device(input, index, "take")
    strict_out(out, (input, index), "take", (input.dt,))
    flat = <Variable?>input.reshape(-1)
    return finish_out(plan_get(flat, plan_of([0], [dense(index)], "take")), out, "take")


def put(Variable input not None, Variable index not None, Variable source not None, accumulate=False):
    """input with input.flatten()[index] = source (accumulate: += source)."""
    return put_flat(input, index, source, accumulate).reshape(shape_of(input))


cdef Variable put_flat(Variable x, Variable index, Variable source, bint accumulate):
    if index.dt != INT64:
        raise RuntimeError(f"put_(): Expected a long tensor for index, but got {dtype_of(index.dt).name}")
    if source.dt != x.dt:
        raise RuntimeError(f"put_(): self and source expected to have the same dtype, but got self.dtype = {dtype_of(x.dt).name} and source.dtype = {dtype_of(source.dt).name}")
    if source.n != index.n:
        raise RuntimeError(f"put_(): Expected source and index to have the same number of elements, but got source.numel() = {source.n}, index.numel() = {index.n}")
    if x.n == 0 and index.n:
        raise IndexError("put_(): tried to put elements into an empty tensor")
    same_device(x, index, "put_")
    return plan_put(<Variable?>x.reshape(-1), plan_of([0], [dense(<Variable?>index.reshape(-1))], "put_"), <Variable?>source.reshape(-1), accumulate, False)


__all__ = ["index_select", "index_add", "index_copy", "index_fill", "take", "put"]
methods = {name: globals()[name] for name in __all__}
methods.update(
    index_add_=index_add_, index_copy_=index_copy_, index_fill_=index_fill_, put_=inplace_form(put, "put_"),
)
