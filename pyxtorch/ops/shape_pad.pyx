"""Padding: by a constant, by reflection, by the edge, periodically."""
from libc.string cimport memcpy
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record1, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops._precision cimport is_low
from pyxtorch.ops.elementwise cimport formula, formula2
from pyxtorch.ops.shape cimport sliced

cdef int ADD = formula(b"add")

cdef enum:
    REFLECT = 0
    REPLICATE = 1
    CIRCULAR = 2

cdef dict edge_modes = {"reflect": REFLECT, "replicate": REPLICATE, "circular": CIRCULAR}


cdef tuple pairs_of(Variable x, object pad, str op):
    """(left, right) of each padded dimension, the last dimension first."""
    if not isinstance(pad, (tuple, list)):
        raise TypeError(f"{op}(): argument 'pad' must be tuple of ints, not {type(pad).__name__}")
    p = [as_index(v, op) for v in pad]
    if len(p) % 2:
        raise RuntimeError(f"{op}: Length of pad must be even but instead it equals {len(p)}")
    if len(p) > 2 * x.nd:
        raise RuntimeError(f"{op}: Length of pad should be no more than twice the number of dimensions of the input. Pad length is {len(p)} while the input has {x.nd} dimensions.")
    return tuple([(p[i], p[i + 1]) for i in range(0, len(p), 2)])


cdef tuple negative(tuple pairs):
    return tuple([(-left, -right) for left, right in pairs])


cdef Variable box(Variable x, int dim, int64_t start, int64_t length, int64_t step):
    """Elements start, start + step, ... of one dimension, off the tape; the step may be 0 or negative."""
    cdef int64_t sizes[64]
    cdef int64_t strides[64]
    cdef char* first = x.ptr + start * x.strides[dim] * itemsize_of(x.dt) if length > 0 and x.n else x.ptr
    memcpy(sizes, x.sizes, x.nd * sizeof(int64_t))
    memcpy(strides, x.strides, x.nd * sizeof(int64_t))
    sizes[dim] = length
    strides[dim] *= step
    return <Variable>new_view(x, x.nd, sizes, strides, first)


# ---------------------------------------------------------------------------------- constant

cdef class ConstantPad(Function):
    """What was added is cropped, what was cropped is filled with zeros."""
    cdef tuple pairs

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, constant_padded(g, negative(self.pairs), 0, "pad"))


cdef Variable constant_padded(Variable x, tuple pairs, object value, str op):
    cdef int64_t sizes[64]
    cdef int64_t left, right, kept
    cdef int dim
    cdef bint grows = False
    cdef Variable y, inner = x, place
    cdef ConstantPad node
    memcpy(sizes, x.sizes, x.nd * sizeof(int64_t))
    dim = x.nd
    for left, right in pairs:
        dim -= 1
        if max(left, right) > (<int64_t>1 << 58) or min(left, right) < -(<int64_t>1 << 58):
            raise RuntimeError(f"{op}: padding of {left} and {right} is more than any memory holds.")
        sizes[dim] += left + right
        if sizes[dim] < 0 or x.sizes[dim] + min(left, 0) + min(right, 0) < 0:
            raise RuntimeError(f"{op}: The input size {x.sizes[dim]}, plus negative padding {left} and {right}, resulted in a negative output size, which is invalid. Crop at most what there is: check dimension {dim} of your input.")
        grows = grows or left > 0 or right > 0
    y = <Variable>new_empty(x.nd, sizes, x.dt, x.dev, x.dev_index)
    if grows:
        fill_raw(y, value)
    place = y
    dim = x.nd
    for left, right in pairs:
        dim -= 1
        kept = x.sizes[dim] + min(left, 0) + min(right, 0)
        inner = box(inner, dim, max(-left, 0), kept, 1)
        place = box(place, dim, max(left, 0), kept, 1)
    copy_raw(place, inner)
    if recording(x):
        node = <ConstantPad>ConstantPad.__new__(ConstantPad)
        node.pairs = pairs
        record1(node, y, x)
    return y


def constant_pad_nd(input, pad, value=0):
    """Surround a tensor of any shape by `value`: see nn.functional.pad.

    Args:
        pad: (left, right) of the last dimension, then of the one before, ...; negative numbers crop.
    Raises:
        RuntimeError: pad has odd length or too many entries, or crops more than there is.
    Gradient: that of the elements that remained; no gradient by `value`.
    """
    cdef Variable x = checked(input, "constant_pad_nd", "input")
    return constant_padded(x, pairs_of(x, pad, "constant_pad_nd"), value, "constant_pad_nd")


# ------------------------------------------------------------- continued from the tensor itself

cdef class EdgePad(Function):
    cdef int mode
    cdef tuple pairs

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, edge_folded(g, self.pairs, self.mode))


cdef class EdgeFold(Function):
    cdef int mode
    cdef tuple pairs

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, edge_padded(g, self.pairs, self.mode))


cdef tuple borders(Variable y, int dim, int mode, int64_t left, int64_t right):
    """The borders of one dimension of y, each with the elements of y that it repeats.

    Reflection starts beside the edge and goes back, replication stays on the edge, circular
    padding goes on at the other end.
    """
    cdef int64_t n = y.sizes[dim] - left - right
    cdef int64_t step = -1 if mode == REFLECT else 0 if mode == REPLICATE else 1
    cdef int64_t before = 2 * left if mode == REFLECT else left if mode == REPLICATE else n
    cdef int64_t after = left + n - 2 if mode == REFLECT else left + n - 1 if mode == REPLICATE else left
    return ((box(y, dim, 0, left, 1), box(y, dim, before, left, step)),
            (box(y, dim, left + n, right, 1), box(y, dim, after, right, step)))


cdef Variable edge_padded(Variable x, tuple pairs, int mode):
    """Pads are not negative and fit the mode. The inner part is copied, then one dimension after the other."""
    cdef int64_t sizes[64]
    cdef int64_t left, right
    cdef int dim = x.nd
    cdef Variable y, place
    cdef EdgePad node
    memcpy(sizes, x.sizes, x.nd * sizeof(int64_t))
    for left, right in pairs:
        dim -= 1
        sizes[dim] += left + right
    y = <Variable>new_empty(x.nd, sizes, x.dt, x.dev, x.dev_index)
    copy_raw(inner_box(y, pairs, 0), x)
    dim = x.nd
    for i, (left, right) in enumerate(pairs):
        dim -= 1
        place = inner_box(y, pairs, i + 1)
        for border, source in borders(place, dim, mode, left, right):
            copy_raw(border, source)
    if recording(x):
        node = <EdgePad>EdgePad.__new__(EdgePad)
        node.mode, node.pairs = mode, pairs
        record1(node, y, x)
    return y


cdef Variable edge_folded(Variable g, tuple pairs, int mode):
    """The transpose of `edge_padded`: the borders are added to the elements that they repeat, then cut off."""
    cdef Variable rest = cast_raw(g, FLOAT32) if is_low(g.dt) else clone_raw(g), place, y, source
    cdef EdgeFold node
    cdef int64_t left, right
    for i in range(len(pairs) - 1, -1, -1):
        left, right = pairs[i]
        place = inner_box(rest, pairs, i + 1)
        for border, source in borders(place, g.nd - 1 - i, mode, left, right):
            if border.numel() == 0:
                continue
            if mode == REPLICATE:   # all of a border go to one element
                border = border.sum(g.nd - 1 - i, True)
                source = box(source, g.nd - 1 - i, 0, 1, 1)
            formula2(ADD, source, border, NULL, "pad", source)
    place = inner_box(rest, pairs, 0)
    y = cast_raw(place, g.dt) if is_low(g.dt) else clone_raw(place)
    if recording(g):
        node = <EdgeFold>EdgeFold.__new__(EdgeFold)
        node.mode, node.pairs = mode, pairs
        record1(node, y, g)
    return y


cdef Variable inner_box(Variable y, tuple pairs, int done):
    """y without the borders of all dimensions but the first `done` of `pairs`."""
    cdef int64_t left, right
    cdef int i
    for i in range(done, len(pairs)):
        left, right = pairs[i]
        y = box(y, y.nd - 1 - i, left, y.sizes[y.nd - 1 - i] - left - right, 1)
    return y


cdef Variable cropped(Variable x, tuple pairs):
    """x without what negative pads take away: a recorded view."""
    cdef int64_t left, right
    cdef int dim = x.nd
    for left, right in pairs:
        dim -= 1
        if left < 0 or right < 0:
            x = sliced(x, dim, max(-left, 0), x.sizes[dim] + min(right, 0), 1)
    return x


cdef Variable pad_by_edges(Variable x, tuple pairs, int mode, str name):
    cdef int64_t left, right, n, kept
    cdef int dim, k = len(pairs)
    if k < 1 or k > 3 or x.nd not in (k + 1, k + 2):
        raise NotImplementedError(
            f"pad: Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now: mode '{name}' takes (N, C, *) or (C, *) with "
            f"as many dimensions in * as pad has pairs, 1 to 3, but got an input of shape {list(shape_of(x))} and {2 * k} numbers in pad."
        )
    for dim in range(x.nd - k - 1 if mode != CIRCULAR else x.nd, x.nd):
        if x.sizes[dim] == 0:
            raise RuntimeError(f"pad: Expected {k + 1}D or {k + 2}D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: {list(shape_of(x))}")
    dim = x.nd
    for left, right in pairs:
        dim -= 1
        n = x.sizes[dim]
        if mode == REFLECT and (left >= n or right >= n):
            raise RuntimeError(f"pad: Padding size should be less than the corresponding input dimension, but got: padding ({left}, {right}) at dimension {dim} of input {list(shape_of(x))}")
        kept = n + min(left, 0) + min(right, 0)
        if mode == CIRCULAR and (left > kept or right > kept):
            raise RuntimeError(f"pad: Padding value causes wrapping around more than once: padding ({left}, {right}) at dimension {dim} of input {list(shape_of(x))}")
        if n + left + right < (0 if mode == CIRCULAR else 1):
            raise RuntimeError(f"pad: Negative padding value is resulting in an empty dimension: padding ({left}, {right}) at dimension {dim} of input {list(shape_of(x))}")
    added = tuple([(max(left, 0), max(right, 0)) for left, right in pairs])
    if mode == CIRCULAR:    # what was cropped does not come back at the other end
        return edge_padded(cropped(x, pairs), added, mode)
    return edge_padded(x, added, mode) if added == pairs else cropped(edge_padded(x, added, mode), pairs).clone()


def pad(input, pad, mode="constant", value=None):
    """Add elements around a tensor, or with negative numbers take some away.

    Args:
        input: any shape for "constant"; (C, *) or (N, C, *) with 1 to 3 dimensions in * for the other modes. Any dtype.
        pad: (left, right) of the last dimension, then (top, bottom) of the one before, ...; for the other modes as many pairs as *.
        mode: "constant": `value` (0 if None); "reflect": mirrored at the edge elements, less than the size;
            "replicate": the edge elements; "circular": periodic, at most the size.
    Returns:
        a new tensor; size of each padded dimension: size + left + right.
    Raises:
        RuntimeError: pad does not fit the input, or a `value` is given with another mode than "constant".
        NotImplementedError: unknown mode, or a shape that the mode does not take.
    Gradient: added up from everywhere that an element was copied to; to any order.
    Example:
        >>> pad(pyxtorch.tensor([[1, 2, 3]]), (2, 1), "reflect").tolist()
        [[3, 2, 1, 2, 3, 2]]
    """
    cdef Variable x = checked(input, "pad", "input")
    pairs = pairs_of(x, pad, "pad")
    if mode == "constant":
        return constant_padded(x, pairs, 0 if value is None else value, "pad")
    if mode not in edge_modes:
        raise NotImplementedError(f"pad: Unrecognised padding mode {mode!r}; use 'constant', 'reflect', 'replicate' or 'circular'.")
    if value is not None and value != 0:
        raise RuntimeError(f'pad: Padding mode "{mode}" doesn\'t take in value argument, but got {value}.')
    return pad_by_edges(x, pairs, edge_modes[mode], mode)


__all__ = ["constant_pad_nd"]
functional = ["pad"]
methods = {}
