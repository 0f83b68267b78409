"""Joining, splitting, repeating, and moving elements round."""
from libc.string cimport memcpy
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record1, record_many, recording, recording_any
from pyxtorch.ops._common cimport *
from pyxtorch.ops.shape cimport cloned, selected, to_dtype, unsqueezed
from pyxtorch.ops.shape_part cimport SLICE, part, raw_part

from pyxtorch._core import OutOfMemoryError
from pyxtorch.ops._common import strict_out
from pyxtorch.ops.shape_part import slice_dim


# --------------------------------------------------------------------------- joining, splitting

cdef class Cat(Function):
    cdef int dim
    cdef list lengths

    cdef int vjp(self, Variable g) except -1:
        cdef int i
        cdef int64_t start = 0
        for i in range(len(self.lengths)):      # the empty vectors behind get nothing
            if self.needs(i):
                self.pass_grad(i, part(g, SLICE, self.dim, start, self.lengths[i], 1))
            start += self.lengths[i]


def cat(tensors, dim=0, *, out=None):
    """Join tensors along an existing dimension.

    Args:
        tensors: sequence of tensors, equal shapes but for `dim`; 1-d empty ones are skipped.
    Raises:
        RuntimeError: shapes do not match.
        IndexError: dim is out of range.
    Gradient: each input gets its slice.
    """
    cdef Variable x, first = None, y
    cdef int64_t sizes[64]
    cdef int64_t start = 0
    cdef int d, i, dt = -1
    cdef Cat node
    if isinstance(tensors, Variable):
        raise TypeError("cat(): argument 'tensors' must be tuple of Tensors, not Tensor")
    parts, empty = [], []       # empty vectors fit anything
    if not tensors:
        raise ValueError("cat: expected a non-empty list of Tensors")
    for i, item in enumerate(tensors):
        if not isinstance(item, Variable):
            raise TypeError(f"cat(): expected Tensor as element {i} in argument 0, but got {type(item).__name__}")
        x = item
        dt = x.dt if dt < 0 else promote(dt, x.dt)
        if first is None:
            first = x
        if x.nd == 0:
            raise RuntimeError(f"cat: zero-dimensional tensor (at position {i}) cannot be concatenated")
        same_device(first, x, "cat")
        if x.nd == 1 and x.sizes[0] == 0 and len(tensors) > 1:
            empty.append(x)
            continue
        parts.append(x)
    if not parts:
        parts, empty = [tensors[0]], empty[1:]
    strict_out(out, parts, "cat")
    first = parts[0]
    d = wrap_dim(dim, first.nd, "cat")
    memcpy(sizes, first.sizes, first.nd * sizeof(int64_t))
    sizes[d] = 0
    lengths = []
    for k, item in enumerate(parts):
        x = item
        if x.nd != first.nd:
            raise RuntimeError(f"cat: Tensors must have same number of dimensions: got {first.nd} and {x.nd}")
        for i in range(x.nd):
            if i != d and x.sizes[i] != first.sizes[i]:
                raise RuntimeError(
                    f"cat: Sizes of tensors must match except in dimension {d}. Expected size {first.sizes[i]} but got "
                    f"size {x.sizes[i]} in dimension {i} for tensor number {k} in the list."
                )
        sizes[d] += x.sizes[d]
        lengths.append(x.sizes[d])
    y = <Variable>new_empty(first.nd, sizes, dt, first.dev, first.dev_index)
    for item in parts:
        x = item
        if x.n:
            copy_raw(raw_part(y, SLICE, d, start, x.sizes[d], 1), x)
        start += x.sizes[d]
    if (is_floating(dt) or is_complex_code(dt)) and recording_any((*parts, *empty)):
        parts = [to_dtype(<Variable>x, dt) for x in (*parts, *empty)]
        node = <Cat>Cat.__new__(Cat)
        node.dim = d
        node.lengths = lengths
        record_many(node, (y,), parts)
    return finish_out(y, out, "cat")


def stack(tensors, dim=0, *, out=None):
    """Join tensors of one shape along a new dimension."""
    if isinstance(tensors, Variable):
        tensors = unbind(tensors)
    if isinstance(dim, Variable):
        raise TypeError("stack(): argument 'tensors' must be tuple of Tensors, not Tensor: write stack([a, b])")
    if not tensors:
        raise RuntimeError("stack: expects a non-empty TensorList")
    cdef int d = wrap_dim(dim, checked(tensors[0], "stack", "tensors").nd + 1, "stack")
    cdef int i
    for i, x in enumerate(tensors):
        if not isinstance(x, Variable):
            raise TypeError(f"stack(): expected Tensor as element {i} in argument 0, but got {type(x).__name__}")
        if not same_shape(<Variable>x, <Variable>tensors[0]):
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape_of(<Variable>tensors[0]))} at entry 0 and "
                f"{list(shape_of(<Variable>x))} at entry {i}"
            )
    return cat([unsqueezed(<Variable>x, d) for x in tensors], d, out=out)


def split(Variable tensor not None, split_size_or_sections=None, dim=0, *, split_size=None):
    """Views of parts along a dimension: all of one size but the last, or of the sizes given.

    `split_size` is the name that the size has as a method's argument.
    """
    if (split_size_or_sections is None) == (split_size is None):
        raise TypeError("split(): give one of split_size_or_sections and split_size.")
    if split_size is not None:
        split_size_or_sections = split_size
    cdef int d
    cdef int64_t start = 0, n
    cdef list out = []
    if tensor.nd == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    d = wrap_dim(dim, tensor.nd, "split")
    n = tensor.sizes[d]
    if isinstance(split_size_or_sections, (tuple, list)):
        sections = [as_index(s, "split") for s in split_size_or_sections]
        if sum(sections) != n or any([s < 0 for s in sections]):
            raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension {d}), but got split_sizes={sections}")
    else:
        size = as_index(split_size_or_sections, "split")
        if size < 0:
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
        if size == 0:
            if n:
                raise RuntimeError(f"split: split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
            sections = [0]
        else:
            sections = [min(size, n - s) for s in range(0, n, size)] or [0]
    for s in sections:
        out.append(part(tensor, SLICE, d, start, s, 1))
        start += s
    return tuple(out)


def split_with_sizes(Variable input not None, split_sizes, dim=0):
    """`split` with a list of sizes."""
    return split(input, list(split_sizes), dim)


def chunk(Variable input not None, chunks, dim=0):
    """At most `chunks` views of equal size (the last may be smaller)."""
    cdef int d
    chunks = as_index(chunks, "chunk")
    if input.nd == 0:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    d = wrap_dim(dim, input.nd, "chunk")
    n = input.sizes[d]
    size = (n + chunks - 1) // chunks
    if size == 0:
        return split(input, [0] * chunks, d)
    return split(input, size, d)


def tensor_split(Variable input not None, indices_or_sections, dim=0):
    """Views split at indices, or into a number of nearly equal sections."""
    cdef int d
    if input.nd == 0:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    d = wrap_dim(dim, input.nd, "tensor_split")
    n = input.sizes[d]
    if isinstance(indices_or_sections, Variable):
        if indices_or_sections.dtype != dtype_of(INT64) or indices_or_sections.dim() > 1:
            raise RuntimeError("tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional long tensor")
        indices_or_sections = indices_or_sections.tolist()
    if isinstance(indices_or_sections, int):
        k = indices_or_sections
        if k <= 0:
            raise RuntimeError(f"tensor_split: number of sections must be larger than 0, got {k}")
        if k > 1 << 32:
            raise OutOfMemoryError(f"tensor_split: {k} sections are more than any memory holds.")
        cuts = [i * (n // k) + min(i, n % k) for i in range(1, k)]
    else:
        cuts = list(indices_or_sections)
    ends = [0] + cuts + [n]
    return tuple([slice_dim(input, d, a, b, 1) for a, b in zip(ends, cuts + [n])])


def unbind(Variable input not None, dim=0):
    """All slices along a dimension, as views without it."""
    cdef int d
    cdef int64_t i
    if input.nd == 0:
        raise IndexError("unbind: Dimension specified as 0 but tensor has no dimensions")
    d = wrap_dim(dim, input.nd, "unbind")
    return tuple([selected(input, d, i) for i in range(input.sizes[d])])


# --------------------------------------------------------------------------- repeat, flip, roll

def repeat(Variable input not None, *sizes, repeats=None):
    """The tensor repeated along each dimension, in new memory."""
    cdef int64_t r[64]
    cdef int nd = parse_star(sizes if repeats is None else (repeats,), r, "repeat")
    cdef int i
    cdef Variable x
    if nd < input.nd:
        raise RuntimeError("repeat: Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    for i in range(nd):
        if r[i] < 0:
            raise RuntimeError(f"repeat: Trying to create tensor with negative dimension {r[i]}")
    shape = (1,) * (nd - input.nd) + shape_of(input)
    if 2 * nd > 64:
        raise RuntimeError(f"repeat: {nd} dimensions are too many; at most 32.")
    x = input.reshape([k for s in shape for k in (1, s)]).expand([k for i, s in enumerate(shape) for k in (r[i], s)])
    return cloned(x).reshape([s * r[i] for i, s in enumerate(shape)])


def tile(Variable input not None, *sizes, dims=None):
    """`repeat`, with missing leading repeats taken as 1."""
    if dims is None:
        dims = sizes[0] if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes
    dims = (dims,) if hasattr(type(dims), "__index__") else tuple(dims)
    return repeat(input, (1,) * (input.nd - len(dims)) + tuple(dims))


cdef class Flip(Function):
    cdef object dims

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, flip(g, self.dims))


def flip(Variable input not None, *star, dims=None):
    """Reverse the order of elements along dimensions (flip(0, 1) or flip((0, 1))), in new memory."""
    cdef Variable x, y
    cdef uint64_dims mask
    cdef int i
    cdef Flip node
    if dims is None:
        if not star:
            raise TypeError("flip() missing 1 required positional arguments: \"dims\"")
        dims = star[0] if len(star) == 1 and isinstance(star[0], (tuple, list)) else star
    elif star:
        raise TypeError("flip() got dims twice: by position and by name")
    dims = (dims,) if hasattr(type(dims), "__index__") else tuple(dims)
    mask = dims_mask(dims, input.nd, "flip") if dims else 0
    y = <Variable>new_like(input, input.dt)
    if input.n and input.nd == 0:
        copy_raw(y, input)
    elif input.n:
        # A view with negative strides exists for the length of this copy only.
        x = <Variable>alias(input)
        for i in range(x.nd):
            if mask >> i & 1 and x.sizes[i] > 1:
                x.ptr += (x.sizes[i] - 1) * x.strides[i] * itemsize_of(x.dt)
                x.strides[i] = -x.strides[i]
        x.flags &= ~CONTIGUOUS
        copy_raw(y, x)
    if recording(input):
        node = <Flip>Flip.__new__(Flip)
        node.dims = dims
        record1(node, y, input)
    return y


def roll(Variable input not None, shifts, dims=None):
    """Shift elements along dimensions; what falls off one end comes back at the other."""
    if dims is None or (isinstance(dims, (tuple, list)) and not dims):
        several = () if hasattr(type(shifts), "__index__") else shifts
        if several is shifts and not len(shifts):
            raise RuntimeError("roll: `shifts` required, but got none.")
        if several is shifts and len(shifts) != 1:
            raise RuntimeError(f"roll: shifts and dimensions must align. shifts: {len(shifts)}, dims:0")
        return roll(input.reshape(-1), shifts, 0).reshape(shape_of(input))
    shifts = (shifts,) if hasattr(type(shifts), "__index__") else tuple(shifts)
    dims = (dims,) if hasattr(type(dims), "__index__") else tuple(dims)
    if len(shifts) != len(dims):
        raise RuntimeError(f"roll: shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    out = input
    if dims and input.nd == 0:
        raise IndexError(f"roll: Dimension specified as {dims[0]} but tensor has no dimensions")
    for s, d in zip(shifts, dims):
        d = wrap_dim(d, input.nd, "roll")
        n = input.sizes[d]
        s = s % n if n else 0
        if s:
            out = cat([slice_dim(out, d, n - s, n, 1), slice_dim(out, d, 0, n - s, 1)], d)
    return cloned(input) if out is input else out


concat = cat
concatenate = cat

__all__ = ["cat", "concat", "concatenate", "stack", "split", "split_with_sizes", "chunk", "tensor_split", "unbind", "tile", "flip", "roll"]
methods = {
    "split": split, "split_with_sizes": split_with_sizes, "chunk": chunk, "tensor_split": tensor_split, "unbind": unbind,
    "repeat": repeat, "tile": tile, "flip": flip, "roll": roll,
}
