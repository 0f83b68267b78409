"""Tables of vectors looked up by int64 ids."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record1, record2, recording
from pyxtorch.kernels.embedding cimport *
from pyxtorch.ops._common cimport *
from pyxtorch.ops._precision cimport rounded, widened
from pyxtorch.ops.index cimport *

cdef pyx_embedding_kernels** tables = <pyx_embedding_kernels**>kernel_tables(b"embedding", sizeof(pyx_embedding_kernels))


cdef pyx_embedding_kernels* kernels(TensorBase x, str op) except NULL:
    return <pyx_embedding_kernels*>table_for(<void**>tables, x, op)


cdef int failed(int code, Variable table, int64_t bad, str op) except -1:
    if code == -2:
        raise IndexError(f"{op}: index out of range in self: id {bad} in a table of {table.sizes[0]} rows")
    if code == -1:
        raise NotImplementedError(f'"{op}" not implemented for {dtype_of(table.dt).name!r}')
    if code:
        raise MemoryError(f"{op}: no memory.")
    return 0


cdef class Embedding(Function):
    """Saved: ids."""
    cdef int64_t rows, padding
    cdef bint by_frequency, sparse

    cdef int vjp(self, Variable g) except -1:
        ids = <Variable>self.saved(0)
        if self.sparse and g.dev == CPU:
            self.pass_grad(0, rows_gradient(g, ids, self.rows, self.padding, self.by_frequency))
        else:
            self.pass_grad(0, table_gradient(g, ids, self.rows, self.padding, self.by_frequency))


cdef class TableGradient(Function):
    """The gradient of `Embedding` as an operation: rows of g added up by id. Saved: ids."""
    cdef int64_t padding
    cdef bint by_frequency

    cdef int vjp(self, Variable g) except -1:
        ids = <Variable>self.saved(0)
        y = plan_get(g, plan_of([0], [ids], "embedding", False))
        if self.by_frequency:
            y = y / frequency(ids, g.sizes[0]).to(g.dtype).unsqueeze(-1)
        if self.padding >= 0:
            y = y.masked_fill((ids == self.padding).unsqueeze(-1), 0)
        self.pass_grad(0, y)


cdef object frequency(Variable ids, int64_t rows):
    """How often each id of ids occurs, in the shape of ids."""
    flat = ids.reshape(-1)
    return flat.bincount(minlength=rows).index_select(0, flat).reshape(shape_of(ids))


cdef object rows_gradient(Variable g, Variable ids, int64_t rows, int64_t padding, bint by_frequency):
    """The gradient of a table as a sparse tensor: the rows of g at their ids."""
    from pyxtorch.sparse import _layout
    if by_frequency:
        raise RuntimeError("embedding_backward: scale_grad_by_freq not supported with sparse gradients")
    return _layout.rows(ids, g, rows, padding)


cdef Variable table_gradient(Variable g, Variable ids, int64_t rows, int64_t padding, bint by_frequency):
    cdef int64_t sizes[2]
    cdef int64_t bad = 0
    cdef int64_t width = g.sizes[g.nd - 1]
    cdef Variable x = dense(g)
    cdef Variable y
    cdef TableGradient node
    cdef pyx_embedding_kernels* k = kernels(g, "embedding_dense_backward")
    cdef int code
    sizes[0], sizes[1] = rows, width
    y = <Variable>new_empty(2, sizes, g.dt, g.dev, g.dev_index)
    x_dt, ids_ptr, ids_n, x_ptr, y_ptr = x.dt, ids.ptr, ids.n, x.ptr, y.ptr
    with nogil:
        code = k.backward(x_dt, <const int64_t*>ids_ptr, ids_n, x_ptr, y_ptr, rows, width, padding, by_frequency, &bad)
    failed(code, y, bad, "embedding_dense_backward")
    if recording(g):
        node = <TableGradient>TableGradient.__new__(TableGradient)
        node.padding = padding
        node.by_frequency = by_frequency
        node.save(ids)
        record1(node, y, g)
    return y


cdef Variable ids_of(Variable x, str op):
    if x.dt != INT64 and x.dt != INT32:
        raise RuntimeError(
            f"Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got {dtype_of(x.dt).name} "
            f"instead (while checking arguments for {op})"
        )
    return cast_raw(x, INT64)


cdef int64_t padding_of(object padding_idx, Variable table, str op) except? -2:
    cdef int64_t p
    if padding_idx is None:
        return -1
    p = padding_idx
    if p < -table.sizes[0] or p >= table.sizes[0]:
        raise AssertionError(f"{op}: Padding_idx must be within num_embeddings: {p}, but the table has {table.sizes[0]} rows")
    return p + table.sizes[0] if p < 0 else p


cdef int renorm_rows(Variable table, Variable ids, double max_norm, double norm_type) except -1:
    cdef int64_t bad = 0
    cdef int code
    if table.nd != 2:
        raise RuntimeError(f"embedding_renorm_: 'weight' must be 2-D, not {table.nd}-D")
    same_device(table, ids, "embedding_renorm_")
    if not table.flags & CONTIGUOUS:
        fresh = clone_raw(table)
        renorm_rows(fresh, ids, max_norm, norm_type)
        copy_raw(table, fresh)
        bump(table)
        return 0
    code = kernels(table, "embedding_renorm_").renorm(table.dt, table.ptr, table.sizes[0], table.sizes[1], <const int64_t*>ids.ptr, ids.n, max_norm, norm_type, &bad)
    failed(code, table, bad, "embedding_renorm_")
    bump(table)
    return 0


def embedding(Variable input not None, Variable weight not None, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """Rows of `weight` (rows, width), named by ids (int32 or int64, any shape): shape of input + (width,).

    Args:
        padding_idx: an id whose row gets no gradient.
        max_norm: rows that are looked up and whose norm is larger are first scaled down to it, in place.
        scale_grad_by_freq: divide gradients by how often the id occurs in input.
        sparse: the gradient of `weight` is a sparse COO tensor of the rows that were named, one for each id (on the CPU).
    Raises:
        IndexError: an id outside the table.
    """
    cdef Variable ids = ids_of(input, "embedding")
    cdef int64_t padding
    cdef Variable y
    cdef Embedding node
    if weight.nd != 2:
        raise RuntimeError(f"embedding: 'weight' must be 2-D, not {weight.nd}-D")
    same_device(input, weight, "embedding")
    padding = padding_of(padding_idx, weight, "embedding")
    if max_norm is not None:
        renorm_rows(weight, ids, max_norm, norm_type)
    y = get_raw(weight, plan_of([0], [ids], "embedding", False))
    if recording(weight):
        node = <Embedding>Embedding.__new__(Embedding)
        node.rows = weight.sizes[0]
        node.padding = padding
        node.by_frequency = scale_grad_by_freq
        node.sparse = sparse
        node.save(ids)
        record1(node, y, weight)
    return y


def torch_embedding(Variable weight not None, Variable indices not None, padding_idx=-1, scale_grad_by_freq=False, sparse=False):
    """`nn.functional.embedding` with the table first; padding_idx -1 means none."""
    return embedding(indices, weight, None if padding_idx < 0 else padding_idx, None, 2.0, scale_grad_by_freq, sparse)


def embedding_renorm_(Variable weight not None, Variable indices not None, max_norm, norm_type):
    """Scale the rows that are named down to the norm `max_norm`, in place."""
    renorm_rows(weight, ids_of(indices, "embedding_renorm_"), max_norm, norm_type)
    return weight


# ------------------------------------------------------------------------------------------- bags

cdef class EmbeddingBag(Function):
    """Inputs: table, per-sample weights. Saved: ids, bag of each id, bag sizes or max's choices, table, weights."""
    cdef int mode
    cdef int64_t padding
    cdef bint by_frequency, sparse

    cdef int vjp_many(self, list grads) except -1:
        g = grads[0]
        if g is None:
            return 0
        ids, bag_of, extra, table, weights = self.saved(0), self.saved(1), self.saved(2), self.saved(3), self.saved(4)
        rows = (<Variable>table).sizes[0]
        dtype = g.dtype
        g, weights = widened(g), widened(weights)
        if self.mode == BAG_MAX:
            zero = g.new_zeros(rows, (<Variable>g).sizes[1])
            chosen = extra >= 0
            self.pass_grad(0, rounded(zero.scatter_add(0, extra.clamp_min(0), g.masked_fill(~chosen, 0)), dtype))
            return 0
        if self.mode == BAG_MEAN:
            g = g / extra.clamp_min(1).to(g.dtype).unsqueeze(1)
        each = g.index_select(0, bag_of)
        if self.needs(0):
            scaled = each if weights is None else each * weights.unsqueeze(1)
            if self.sparse and (<Variable>g).dev == CPU:
                self.pass_grad(0, rows_gradient(rounded(scaled, dtype), ids, rows, self.padding, self.by_frequency))
            else:
                self.pass_grad(0, rounded(table_gradient(scaled, ids, rows, self.padding, self.by_frequency), dtype))
        if self.needs(1):
            to_w = (each * widened(table.index_select(0, ids))).sum(1)
            if self.padding >= 0:
                to_w = to_w.masked_fill(ids == self.padding, 0)
            self.pass_grad(1, rounded(to_w, dtype))


cdef tuple bag_parts(Variable table, Variable input, object offsets, object mode, bint by_frequency, object per_sample_weights,
                     bint include_last_offset, object padding_idx, str op, bint sparse=False):
    """(output, bag of each id, bag sizes, max's choices)"""
    cdef Variable ids = ids_of(input, op)
    cdef Variable starts
    cdef Variable w = None
    cdef Variable y
    cdef Variable sizes
    cdef Variable taken = None
    cdef int64_t shape[2]
    cdef int64_t bad = 0
    cdef int64_t bags
    cdef int64_t padding
    cdef EmbeddingBag node
    cdef int code, how = {"sum": BAG_SUM, "mean": BAG_MEAN, "max": BAG_MAX}[mode]
    cdef Variable x = dense(table)
    cdef pyx_embedding_kernels* k = kernels(table, op)
    import pyxtorch
    if table.nd != 2:
        raise RuntimeError(f"{op}: 'weight' must be 2-D, not {table.nd}-D")
    same_device(input, table, op)
    padding = padding_of(padding_idx, table, op)
    if input.nd == 2:
        if offsets is not None:
            raise ValueError(f"if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length sequences. However, found offsets of type {type(offsets)}")
        starts = <Variable?>pyxtorch.arange(0, input.sizes[0] + 1, device=input.device) * input.sizes[1]
        ids = <Variable?>ids.reshape(-1)
        if per_sample_weights is not None:
            if shape_of(per_sample_weights) != shape_of(input):
                raise ValueError(f"embedding_bag: If per_sample_weights ({list(per_sample_weights.shape)}) is not None, then it must have the same shape as the input ({list(shape_of(input))})")
            per_sample_weights = per_sample_weights.reshape(-1)
    elif input.nd == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        starts = checked(offsets, op, "offsets")
        if starts.nd != 1:
            raise ValueError("offsets has to be a 1D Tensor")
        starts = ids_of(starts, op)
        if include_last_offset and starts.n < 1:
            raise RuntimeError("include_last_offset: number of offset should be at least 1")
        if starts.n and starts.dev != META:
            first, last = starts[0].item(), starts[starts.n - 1].item()
            if first != 0:
                raise RuntimeError(f"offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got {first}")
            if last > ids.n:
                raise RuntimeError(f"offsets[-1] can not be greater than input's length: {ids.n}, got offsets[-1] of {last}")
            if bool((starts[1:] < starts[:starts.n - 1]).any()) or bool((starts < 0).any()):
                raise RuntimeError("embedding_bag: offsets must not decrease.")
        if include_last_offset:
            starts = <Variable?>pyxtorch.cat([starts[:starts.n - 1], starts.new_full((1,), ids.n)])
        else:
            starts = <Variable?>pyxtorch.cat([starts, starts.new_full((1,), ids.n)])
        if per_sample_weights is not None and shape_of(checked(per_sample_weights, op, "per_sample_weights")) != shape_of(input):
            raise ValueError(f"embedding_bag: If per_sample_weights ({list(per_sample_weights.shape)}) is not None, then it must have the same shape as the input ({list(shape_of(input))})")
    else:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.nd}")
    if per_sample_weights is not None:
        if how != BAG_SUM:
            raise NotImplementedError(f"embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got mode='{mode}').")
        if checked(per_sample_weights, op, "per_sample_weights").dt != table.dt:
            raise RuntimeError(f"embedding_bag: expected per_sample_weights of dtype {dtype_of(table.dt).name}, but got {dtype_of((<Variable>per_sample_weights).dt).name}")
        same_device(<Variable>per_sample_weights, table, op)
        w = dense(<Variable>per_sample_weights)
    if starts.dev != table.dev or starts.dev_index != table.dev_index:
        starts = <Variable?>starts.to(device_of(table.dev, table.dev_index))
    starts = dense(starts)
    bags = starts.n - 1
    shape[0], shape[1] = bags, table.sizes[1]
    y = <Variable>new_empty(2, shape, table.dt, table.dev, table.dev_index)
    sizes = <Variable>new_empty(1, shape, INT64, table.dev, table.dev_index)
    if how == BAG_MAX:
        taken = <Variable>new_empty(2, shape, INT64, table.dev, table.dev_index)
    code = k.bag(x.dt, how, x.ptr, table.sizes[0], table.sizes[1], <const int64_t*>ids.ptr, ids.n, <const int64_t*>starts.ptr, bags,
                 w.ptr if w is not None else NULL, padding, y.ptr, <int64_t*>taken.ptr if taken is not None else NULL, <int64_t*>sizes.ptr, &bad)
    failed(code, table, bad, op)
    bag_of = None
    if recording(table) or (w is not None and recording(<Variable>per_sample_weights)) or op == "torch":
        bag_of = (starts[1:] - starts[:bags]).repeat_interleave(output_size=ids.n) if ids.n else ids
        node = <EmbeddingBag>EmbeddingBag.__new__(EmbeddingBag)
        node.mode = how
        node.padding = padding
        node.by_frequency = by_frequency
        node.sparse = sparse
        node.save(ids)
        node.save(bag_of)
        node.save(taken if how == BAG_MAX else sizes)
        node.save(table)
        node.save(<Variable>per_sample_weights if w is not None else None)
        if w is not None:
            record2(node, y, table, <Variable>per_sample_weights)
        else:
            record1(node, y, table)
    return y, bag_of, sizes, taken, starts


def embedding_bag(Variable input not None, Variable weight not None, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False,
                  mode="mean", sparse=False, per_sample_weights=None, include_last_offset=False, padding_idx=None):
    """Sums, means or maxima of rows of `weight` by bags of ids, without making the rows.

    Args:
        input: ids (bags, length), or (n) with `offsets`, where each bag starts.
        per_sample_weights: factors of the rows, for mode "sum".
        padding_idx: an id that does not count.
        sparse: the gradient of `weight` is a sparse COO tensor (on the CPU; not for mode "max").
    """
    if (<Variable>weight).nd == 1 and input.dt > INT64:
        raise RuntimeError("embedding_bag: arguments are in the order (input, weight): ids first, the table second.")
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum or mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if max_norm is not None:
        renorm_rows(weight, ids_of(input, "embedding_bag"), max_norm, norm_type)
    return bag_parts(weight, input, offsets, mode, scale_grad_by_freq, per_sample_weights, include_last_offset, padding_idx, "embedding_bag",
                     sparse)[0]


def one_hot(Variable tensor not None, num_classes=-1):
    """int64 (*, num_classes) with 1 where the last index equals the element, else 0."""
    if tensor.dt != INT64:
        raise RuntimeError(f"one_hot is only applicable to index tensor of type LongTensor, but got {dtype_of(tensor.dt).name}; convert with .long().")
    if num_classes < -1 or num_classes == 0 and tensor.n:
        raise RuntimeError("Class values must be smaller than num_classes." if num_classes == 0 else f"one_hot: num_classes must be positive, got {num_classes}")
    if tensor.n == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return tensor.new_zeros(shape_of(tensor) + (num_classes,))
    if any_true(tensor < 0):
        raise RuntimeError("Class values must be non-negative.")
    most = tensor.max().item() if num_classes == -1 or tensor.dev != META else 0
    if num_classes == -1:
        num_classes = most + 1
    elif most >= num_classes:
        raise RuntimeError(f"Class values must be smaller than num_classes: got the value {most} for num_classes={num_classes}.")
    return tensor.new_zeros(shape_of(tensor) + (num_classes,)).scatter_(-1, tensor.unsqueeze(-1), 1)


functional = ["embedding", "embedding_bag", "one_hot"]
__all__ = ["embedding_renorm_"]
exports = {"embedding": torch_embedding, "embedding_bag": embedding_bag}
torch_embedding.__name__ = torch_embedding.__qualname__ = "embedding"
methods = {}
