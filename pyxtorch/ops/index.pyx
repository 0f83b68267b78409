"""Index expressions: x[...], x[...] = y and index_put.

An index expression is split into a view (integers, slices, None, Ellipsis) and a `Plan`
(index_plan.pyx): index tensors for some dimensions of that view.
"""
from cpython.bool cimport PyBool_Check
from cpython.long cimport PyLong_Check, PyLong_CheckExact
from cpython.slice cimport PySlice_AdjustIndices, PySlice_Check, PySlice_Unpack
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, check_inplace, mark_view, rebase, record2, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops._inplace cimport write_inplace
from pyxtorch.ops.elementwise_select cimport where_t
from pyxtorch.ops.index_plan cimport *
from pyxtorch.ops.shape cimport expand_to, selected, sliced, to_dtype, unsqueezed

# ------------------------------------------------------------------------------- index expressions

cdef object _ndarray = None


cdef bint is_array(object x):
    global _ndarray
    if _ndarray is None:
        import numpy
        _ndarray = (numpy.ndarray, numpy.generic)
    return isinstance(x, _ndarray)


cdef object standard(object item, Variable x):
    """An item of an index expression as int, slice, None, Ellipsis, bool or tensor."""
    cdef int64_t none = 0
    if PyBool_Check(item) or item is None or item is Ellipsis or PyLong_Check(item) or PySlice_Check(item):
        return item
    if isinstance(item, Variable):
        return item
    if isinstance(item, (list, tuple, range)) or is_array(item):
        if isinstance(item, (list, tuple, range)) and len(item) == 0:
            return <Variable>new_empty(1, &none, INT64, x.dev, x.dev_index)
        try:
            if is_array(item):
                if item.ndim == 0 and item.dtype.kind in "iu":
                    return int(item)
                item = item.copy() if not item.flags.c_contiguous else item
            else:
                item = whole_numbers(list(item))
            tensor = as_tensor(item, x.dev, x.dev_index)
        except (TypeError, ValueError) as error:
            raise TypeError(f"x[...]: cannot index with {type(item).__name__}: {error}. Use a tuple for several dimensions.") from None
        return tensor
    if hasattr(item, "__index__"):
        return item.__index__()
    if isinstance(item, float):
        raise IndexError("only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got float)")
    raise IndexError(
        f"only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got {type(item).__name__})"
    )


cdef object whole_numbers(object item, int depth=0):
    """Nested sequences with tensors and arrays in them as nested lists."""
    if isinstance(item, (list, tuple, range)):
        if depth == 64:     # a list may hold itself
            raise ValueError("too many dimensions; a tensor can have at most 64")
        return [whole_numbers(i, depth + 1) for i in item]
    if isinstance(item, Variable) or is_array(item):
        return item.tolist()
    if PySlice_Check(item) or item is None or item is Ellipsis:
        raise TypeError(f"a sequence holds {item!r}")
    return item


cdef class Parsed:
    """An index expression over x: the view, and index tensors for dimensions of it."""
    cdef Variable view
    cdef bint is_view           # differs from x
    cdef list dims
    cdef list index
    cdef Variable mask          # the only index, a mask of all dimensions
    cdef bint unknown           # a mask on meta: nobody knows how many places it names

    cdef int name_places(self, Variable mask, int dim) except -1:
        """Index tensors for the dimensions from `dim` on, in place of a mask of them."""
        cdef int64_t none = 0
        cdef int k
        self.unknown = mask.dev == META
        places = None if self.unknown else nonzero_raw(dense(mask))
        for k in range(mask.nd):
            self.dims.append(dim + k)
            self.index.append(<Variable>new_empty(1, &none, INT64, META, 0) if self.unknown else raw_column(places, k))
        return 0


cdef object out_of_range(int64_t i, int dim, int64_t size):
    return IndexError(f"index {i} is out of bounds for dimension {dim} with size {size}")


cdef bint is_short_nested_list(object index):
    """A short list that holds more than numbers stands for a tuple, as in PyTorch: x[[[0, 1], [2, 3]]] is x[[0, 1], [2, 3]]."""
    if not isinstance(index, list) or len(index) >= 32:
        return False
    for item in index:
        if item is None or item is Ellipsis or PySlice_Check(item) or isinstance(item, (Variable, list, tuple)):
            return True
    return False


cdef Parsed parse(Variable x, object index, bint tape):
    """tape: record the view's making, else it is only marked as a view of x."""
    cdef Parsed p = Parsed.__new__(Parsed)
    cdef int64_t sizes[130]
    cdef int64_t strides[130]
    cdef int64_t i, start, stop, step
    cdef int64_t offset = 0
    cdef int src = 0, dim = 0, named = 0, k, skip
    cdef bint changed = False, seen = False, over = False
    cdef Py_ssize_t begin, end, stride
    cdef Variable cur = x
    cdef Variable v
    cdef tuple items = index if isinstance(index, tuple) else tuple(index) if is_short_nested_list(index) else (index,)
    cdef list parts = []
    p.dims = []
    p.index = []
    for item in items:
        item = standard(item, x)
        if isinstance(item, Variable):
            v = <Variable>item
            if v.dt == BOOL or v.dt == UINT8:
                named += v.nd
            elif v.dt > INT64 or v.dt == UINT64:      # a large one would become negative
                raise IndexError(f"tensors used as indices must be long, int, byte or bool tensors, not {dtype_of(v.dt)!r}")
            else:
                if v.nd == 0:
                    item = item_of(v)
                named += 1
        elif item is Ellipsis:
            pass
        elif item is not None and not PyBool_Check(item):
            named += 1
        parts.append(item)
    if named > x.nd:
        if x.nd == 0 and len(items) == 1 and PyLong_Check(parts[0]):
            raise IndexError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number"
            )
        raise IndexError(f"too many indices for tensor of dimension {x.nd}: {named} were given for shape {list(shape_of(x))}")
    for item in parts:
        if over and item is not Ellipsis:
            raise IndexError("x[...]: no dimension is left for an index after a second ellipsis ('...').")
        if PyLong_Check(item) and not PyBool_Check(item):
            try:
                i = item
            except OverflowError:
                raise IndexError(f"index {item} is out of bounds for dimension {src} with size {x.sizes[src]}") from None
            if i < -x.sizes[src] or i >= x.sizes[src]:
                raise out_of_range(i, src, x.sizes[src])
            if i < 0:
                i += x.sizes[src]
            if tape:
                cur = selected(cur, dim, i)
            else:
                offset += i * x.strides[src]
            changed = True
            src += 1
        elif PySlice_Check(item):
            PySlice_Unpack(item, &begin, &end, &stride)
            if stride <= 0:
                raise ValueError("step must be greater than zero")
            PySlice_AdjustIndices(x.sizes[src], &begin, &end, stride)
            # A step beyond the end only ever takes the first element; a huge one would overflow.
            start, stop, step = begin, end, min(stride, max(x.sizes[src], <int64_t>1 << 31))
            if start != 0 or stop != x.sizes[src] or step != 1:
                changed = True
                if tape:
                    cur = sliced(cur, dim, start, stop, step)
                if stop <= start:
                    sizes[dim] = 0
                else:
                    sizes[dim] = (stop - start + step - 1) // step
                    offset += start * x.strides[src]
                strides[dim] = x.strides[src] * step
            else:
                sizes[dim] = x.sizes[src]
                strides[dim] = x.strides[src]
            dim += 1
            src += 1
        elif item is Ellipsis:
            skip = x.nd - named
            if seen and skip:       # the first one has taken all
                over = True
                continue
            seen = True
            for _ in range(skip):
                sizes[dim] = x.sizes[src]
                strides[dim] = x.strides[src]
                dim += 1
                src += 1
        elif isinstance(item, Variable) and not ((<Variable>item).nd == 0):
            v = <Variable>item
            if v.dt == BOOL or v.dt == UINT8:
                for k in range(v.nd):
                    if v.sizes[k] != x.sizes[src + k]:
                        raise IndexError(
                            f"The shape of the mask {list(shape_of(v))} at index {k} does not match the shape of the indexed "
                            f"tensor {list(shape_of(x))} at index {src + k}"
                        )
                if v.dev != x.dev:
                    v = <Variable?>v.to(x.device)
                if v.nd == x.nd and len(parts) == 1:
                    p.mask = v
                    p.view = x
                    return p
                p.name_places(v, dim)
                for _ in range(v.nd):
                    sizes[dim] = x.sizes[src]
                    strides[dim] = x.strides[src]
                    dim += 1
                    src += 1
            else:
                if v.dev != x.dev:
                    v = <Variable?>v.to(x.device)
                p.dims.append(dim)
                p.index.append(v if v.dt == INT64 else cast_raw(v, INT64))
                sizes[dim] = x.sizes[src]
                strides[dim] = x.strides[src]
                dim += 1
                src += 1
        else:       # None, a bool, or a 0-d mask: a new dimension of size 1
            if tape:
                cur = unsqueezed(cur, dim)
            changed = True
            sizes[dim] = 1
            strides[dim] = 0
            if item is not None:
                if isinstance(item, Variable):
                    need_values(<Variable>item, "x[...]")
                truth = bool(item_of(<Variable>item)) if isinstance(item, Variable) else item
                p.dims.append(dim)
                start = 1 if truth else 0
                p.index.append(zeros_raw(1, &start, INT64, x.dev, x.dev_index))
            dim += 1
        if dim > 64:
            raise RuntimeError("x[...]: the result would have more than 64 dimensions.")
    for k in range(src, x.nd):
        sizes[dim] = x.sizes[k]
        strides[dim] = x.strides[k]
        dim += 1
    if dim > 64:
        raise RuntimeError(f"x[...]: the result would have {dim} dimensions; a tensor can have at most 64.")
    p.is_view = changed
    if not changed:
        p.view = x
    elif tape:
        p.view = cur
    else:
        for k in range(dim):    # a stride for dimensions of size 1 that keeps the tensor contiguous if it is
            if sizes[k] == 1 and strides[k] == 0:
                strides[k] = sizes[k + 1] * strides[k + 1] if k + 1 < dim else 1
        p.view = <Variable>new_view(x, dim, sizes, strides, x.ptr + offset * itemsize_of(x.dt))
        mark_view(p.view, x)
    return p


cdef Variable raw_column(Variable x, int k):
    """Column k of a contiguous (n, m) tensor."""
    cdef int64_t sizes[1]
    cdef int64_t strides[1]
    sizes[0] = x.sizes[0]
    strides[0] = x.sizes[1]
    return <Variable>new_view(x, 1, sizes, strides, x.ptr + k * itemsize_of(x.dt) if x.sizes[0] else x.ptr)


def getitem(Variable self not None, index):
    """x[index]: a view where the index has only integers, slices, None and Ellipsis, else a copy.

    Tensors, lists and arrays of integers, and masks (bool), index as NumPy's do: several broadcast
    together; their dimensions take the place of the indexed ones, or come first where these are
    not neighbours.

    Raises:
        IndexError: an index out of range, too many indices, or shapes that do not broadcast.
    Gradient:
        g at the places read, added up where a place was read more than once.
    """
    cdef Py_ssize_t i
    cdef int64_t size
    cdef Parsed p
    if PyLong_CheckExact(index) and self.nd:
        try:
            i = index
        except OverflowError:
            raise out_of_range(0, 0, self.sizes[0]) from None
        size = self.sizes[0]
        if i < -size or i >= size:
            raise out_of_range(i, 0, size)
        return first_selected(self, i + size if i < 0 else i)
    p = parse(self, index, recording(self))
    if p.mask is not None:
        return masked_select_t(self, p.mask if p.mask.dt == BOOL else cast_raw(p.mask, BOOL))
    if p.unknown:
        need_values(self, "x[mask]")
    if p.dims:
        return plan_get(p.view, plan_of(p.dims, p.index, "index"))
    if p.is_view:
        return p.view
    return self.view(shape_of(self)) if self.flags & CONTIGUOUS else sliced(self, 0, 0, self.sizes[0], 1)


cdef inline Variable first_selected(Variable x, int64_t i):
    cdef Variable y
    if recording(x):
        return selected(x, 0, i)
    y = <Variable>new_view(x, x.nd - 1, x.sizes + 1, x.strides + 1, x.ptr + i * x.strides[0] * itemsize_of(x.dt))
    mark_view(y, x)
    return y


def setitem(Variable self not None, index, value):
    """x[index] = value: in place, with the values broadcast to the places.

    Raises:
        IndexError: as reading does. RuntimeError: the shapes do not fit, or x is a leaf that
        requires grad (or a view of one).
    Gradient:
        of the values: g at the places; of the old x: g elsewhere, 0 at the places.
    """
    cdef Parsed p
    cdef Variable v
    cdef bint tape = recording(self) or (isinstance(value, Variable) and recording(<Variable>value))
    if isinstance(value, Variable):
        v = <Variable>value
    elif is_number(value):
        v = wrap_number(value, self.dt, self.dev, self.dev_index)
    else:
        v = as_tensor(value, self.dev, self.dev_index)
        v = to_dtype(v, self.dt)
    p = parse(self, index, tape)
    if p.mask is not None:
        if v.n == 1:
            write_masked(self, p.mask, <Variable?>v.reshape(()))
            return
        p.name_places(p.mask, 0)
    if p.dims:
        if v.dt != self.dt:
            if not (v.flags & WRAPPED or (v.nd == 0 and v.n == 1 and False)):
                raise RuntimeError(
                    f"Index put requires the source and destination dtypes match, got {dtype_of(self.dt).name} for the "
                    f"destination and {dtype_of(v.dt).name} for the source."
                )
            v = to_dtype(v, self.dt)
        if p.unknown:
            put_somewhere(p.view, v, True)
        else:
            plan_put(p.view, plan_of(p.dims, p.index, "index_put_"), v, False, True)
        return
    assign(p.view, v, tape)


cdef int assign(Variable view, Variable v, bint tape) except -1:
    """view[...] = v, v broadcast and converted."""
    while v.nd > view.nd and v.sizes[0] == 1:
        v = selected(v, 0, 0)
    if tape:
        view.copy_(v)
        return 0
    check_inplace(view, "copy_")
    if not same_shape(v, view):
        if v.n != 1 or v.nd > view.nd:
            v = expand_to(<Variable?>v.detach(), view.nd, view.sizes, "copy_")
    if is_complex_code(v.dt) and not is_complex_code(view.dt):
        view.copy_(v)
        return 0
    copy_raw(view, v)
    bump(view)
    return 0


cdef int write_masked(Variable x, Variable mask, Variable value) except -1:
    """x[mask] = value, a 0-d tensor."""
    if mask.dt != BOOL:
        mask = cast_raw(mask, BOOL)
    value = to_dtype(value, x.dt)
    if value.dev != x.dev:
        value = <Variable?>value.to(x.device)
    write_inplace(x, where_t(mask, value, x), "masked_fill_")
    return 0


cdef class PutSomewhere(Function):
    cdef tuple shape

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g)
        self.pass_grad(1, g.new_empty(self.shape))


cdef Variable put_somewhere(Variable x, Variable values, bint inplace):
    """x[mask] = values on meta: it has no elements that could change, so there is only the history to write."""
    cdef Variable y = off_tape_self(x) if inplace else <Variable>new_like(x, x.dt)
    cdef PutSomewhere node
    if inplace:
        check_inplace(x, "index_put_")
        bump(x)
    if recording(x) or recording(values):
        node = <PutSomewhere>PutSomewhere.__new__(PutSomewhere)
        node.shape = shape_of(values)
        record2(node, y, x, values)
        if inplace:
            rebase(x, y)
    return x if inplace else y


def index_put(Variable input not None, indices, Variable values not None, accumulate=False):
    """A copy of input with input[indices] = values (accumulate: += values, in the order given).

    Args:
        indices: tuple of index tensors (int64, or masks), None for a dimension that is not indexed.
    """
    return put_by(input, indices, values, accumulate, False)


def index_put_(Variable self not None, indices, Variable values not None, accumulate=False):
    """`index_put`, in place."""
    return put_by(self, indices, values, accumulate, True)


cdef Variable put_by(Variable x, object indices, Variable values, bint accumulate, bint inplace):
    cdef Parsed p
    if len(indices) > x.nd:
        raise IndexError(f"too many indices for tensor of dimension {x.nd} (got {len(indices)})")
    for i in indices:
        if i is not None and not isinstance(i, Variable):
            raise TypeError(f"index_put(): indices must be tensors or None, not {type(i).__name__}")
    p = parse(x, tuple([slice(None) if i is None else i.unsqueeze(0) if i.ndim == 0 and i.dtype not in _masks else i for i in indices]), False)
    if values.dt != x.dt and not (p.mask is not None and values.n == 1 and not accumulate):
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {dtype_of(x.dt).name} for the destination and "
            f"{dtype_of(values.dt).name} for the source."
        )
    values = to_dtype(values, x.dt)
    if p.mask is not None:
        p.name_places(p.mask, 0)
    if p.unknown:
        return put_somewhere(x, values, inplace)
    if p.is_view:       # a 0-d mask adds a dimension
        y = x if inplace else <Variable?>x.clone()
        view = parse(y, tuple(indices), recording(y) or recording(values))
        plan_put(view.view, plan_of(view.dims, view.index, "index_put_"), values, accumulate, True)
        return y
    return plan_put(x, plan_of(p.dims, p.index, "index_put_"), values, accumulate, inplace)


_masks = (dtype_of(BOOL), dtype_of(UINT8))

__all__ = ["index_put"]
exports = {"index_put_": index_put_}
methods = {"index_put": index_put, "index_put_": index_put_}
