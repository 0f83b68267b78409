"""Views of some elements: select, slice, diagonal, unfold, as_strided; and what goes back through them."""
from libc.string cimport memcpy
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, mark_view, record1, record2, recording
from pyxtorch.ops._common cimport *


cdef class Part(Function):
    """A view of some elements: select, slice, diagonal or unfold, told apart by `kind`."""
    cdef int kind
    cdef int64_t a, b, c, d
    cdef tuple shape

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, put_part(g, self.shape, self.kind, self.a, self.b, self.c, self.d))


cdef class PutPart(Function):
    """Zeros with a tensor at the place of the part: the derivative of `Part`."""
    cdef int kind
    cdef int64_t a, b, c, d

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, part(g, self.kind, self.a, self.b, self.c, self.d))


cdef Variable raw_part(Variable x, int kind, int64_t a, int64_t b, int64_t c, int64_t d):
    cdef int64_t sizes[65]
    cdef int64_t strides[65]
    cdef int i, nd = 0
    cdef int64_t skip, n
    memcpy(sizes, x.sizes, x.nd * sizeof(int64_t))
    memcpy(strides, x.strides, x.nd * sizeof(int64_t))
    if kind == SLICE:
        sizes[a] = c
        skip = b * x.strides[a] if c > 0 else 0
        strides[a] = x.strides[a] * d
        return <Variable>new_view(x, x.nd, sizes, strides, x.ptr + skip * itemsize_of(x.dt))
    if kind == SELECT:
        for i in range(x.nd):
            if i != a:
                sizes[nd] = x.sizes[i]
                strides[nd] = x.strides[i]
                nd += 1
        return <Variable>new_view(x, nd, sizes, strides, x.ptr + b * x.strides[a] * itemsize_of(x.dt))
    if kind == DIAGONAL:
        for i in range(x.nd):
            if i != b and i != c:
                sizes[nd] = x.sizes[i]
                strides[nd] = x.strides[i]
                nd += 1
        n = min(x.sizes[b], x.sizes[c] - a) if a >= 0 else min(x.sizes[b] + a, x.sizes[c])
        skip = a * x.strides[c] if a >= 0 else -a * x.strides[b]
        if n <= 0:
            n = 0
            skip = 0
        sizes[nd] = n
        strides[nd] = x.strides[b] + x.strides[c]
        return <Variable>new_view(x, nd + 1, sizes, strides, x.ptr + skip * itemsize_of(x.dt))
    if x.nd == 0:
        sizes[0] = c
        strides[0] = 1
        return <Variable>new_view(x, 1, sizes, strides, x.ptr)
    sizes[a] = b
    strides[a] = x.strides[a] * d
    sizes[x.nd] = c
    strides[x.nd] = x.strides[a]
    return <Variable>new_view(x, x.nd + 1, sizes, strides, x.ptr)


cdef Variable part(Variable x, int kind, int64_t a, int64_t b, int64_t c, int64_t d):
    cdef Variable y = raw_part(x, kind, a, b, c, d)
    cdef Part node
    mark_view(y, x)
    if recording(x):
        node = <Part>Part.__new__(Part)
        node.kind, node.a, node.b, node.c, node.d = kind, a, b, c, d
        node.shape = shape_of(x)
        record1(node, y, x)
    return y


cdef Variable put_part(Variable g, tuple shape, int kind, int64_t a, int64_t b, int64_t c, int64_t d):
    cdef int64_t sizes[64]
    cdef int nd = parse_sizes(shape, sizes, "slice")
    cdef bint half = g.dt == FLOAT16 or g.dt == BFLOAT16
    cdef Variable y
    cdef Variable place
    cdef Variable source
    cdef PutPart node
    cdef int64_t k
    if kind == UNFOLD and nd > 0:       # half precision adds up in float32 and is rounded once
        source = cast_raw(g, FLOAT32) if half else g
        y = zeros_raw(nd, sizes, source.dt, g.dev, g.dev_index)
        for k in range(c):      # windows may overlap, but their k-th elements never do
            place = raw_part(y, SLICE, a, k, b, d)
            add_raw(place, raw_part(source, SELECT, nd, k, 0, 0))
        y = cast_raw(y, g.dt) if half else y
    else:
        y = zeros_raw(nd, sizes, g.dt, g.dev, g.dev_index)
        copy_raw(raw_part(y, kind, a, b, c, d), g)
    if recording(g):
        node = <PutPart>PutPart.__new__(PutPart)
        node.kind, node.a, node.b, node.c, node.d = kind, a, b, c, d
        record1(node, y, g)
    return y


cdef int ADD = elementwise_tables[CPU].formula(b"add")


cdef int add_raw(Variable x, Variable y) except -1:
    """x += y, off the tape, any strides."""
    cdef pyx_strided walk
    cdef PyObject* operands[3]
    operands[0] = <PyObject*>x
    operands[1] = <PyObject*>x
    operands[2] = <PyObject*>y
    walk_init(&walk, x.nd, x.sizes, 3, operands)
    (<pyx_elementwise_kernels*>table_for(<void**>elementwise_tables, x, "add")).run(ADD, x.dt, &walk, NULL)
    return 0


def select(Variable input not None, dim, index):
    """A view without dimension `dim`, at position `index` of it."""
    cdef int d
    cdef int64_t i = as_index(index, "select")
    if input.nd == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    d = wrap_dim(dim, input.nd, "select")
    if i < -input.sizes[d] or i >= input.sizes[d]:
        raise IndexError(f"select(): index {i} out of range for tensor of size {list(shape_of(input))} at dimension {d}")
    return part(input, SELECT, d, i + input.sizes[d] if i < 0 else i, 0, 0)


def narrow(Variable input not None, dim, start, length):
    """A view of `length` elements of dimension `dim` from `start` on."""
    cdef int d
    if isinstance(start, Variable) and ((<Variable>start).nd or not is_integral((<Variable>start).dt)):
        raise RuntimeError(f"narrow: start must be an 0-dim integral Tensor, not {start.dtype} of shape {list(start.shape)}.")
    cdef int64_t s = as_index(start, "narrow")
    cdef int64_t n = as_index(length, "narrow")
    if input.nd == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    d = wrap_dim(dim, input.nd, "narrow")
    if n < 0:
        raise RuntimeError(f"narrow(): length must be non-negative, not {n}.")
    if s < -input.sizes[d] or s > input.sizes[d]:
        raise IndexError(f"narrow: start out of range (expected to be in range of [{-input.sizes[d]}, {input.sizes[d]}], but got {s})")
    if s < 0:
        s += input.sizes[d]
    if n > input.sizes[d] - s:
        raise RuntimeError(f"narrow: start ({s}) + length ({n}) exceeds dimension size ({input.sizes[d]}).")
    return part(input, SLICE, d, s, n, 1)


def slice_dim(Variable input not None, int dim, start, stop, step):
    """input[..., start:stop:step, ...] along `dim`, as Python slices clip."""
    cdef int d = wrap_dim(dim, input.nd, "slice")
    a, b, c = slice(start, stop, step).indices(input.sizes[d])
    return part(input, SLICE, d, a, max(0, (b - a + c - 1) // c), c)


def diagonal(Variable input not None, offset=0, dim1=0, dim2=1):
    """A view of the diagonal of two dimensions, as the last dimension."""
    cdef int a = wrap_dim(dim1, input.nd, "diagonal")
    cdef int b = wrap_dim(dim2, input.nd, "diagonal")
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    offset = max(-input.sizes[a], min(as_index(offset, "diagonal"), input.sizes[b]))
    return part(input, DIAGONAL, offset, a, b, 0)


def unfold(Variable input not None, dimension, size, step):
    """A view of all windows of `size` elements, `step` apart, along a dimension; the last dimension holds the window."""
    cdef int d = wrap_dim(dimension, input.nd, "unfold")
    cdef int64_t length = input.sizes[d] if input.nd else 1
    if size < 0 or size > length:
        raise RuntimeError(f"unfold: maximum size for tensor at dimension {d} is {length} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"unfold: step is {step} but must be > 0")
    step = min(step, max(length, 1 << 31))      # one window only; a huge step would overflow
    return part(input, UNFOLD, d, (length - size) // step + 1, size, step)


# ------------------------------------------------------------------------------- as_strided

def as_strided(Variable input not None, size, stride, storage_offset=None):
    """A view of the storage with any geometry (elements), checked against the storage's bounds.

    Gradient: through flat positions; elements seen twice add up.
    """
    cdef int64_t sizes[64]
    cdef int64_t strides[64]
    cdef int nd = parse_sizes(size, sizes, "as_strided")
    cdef int item = itemsize_of(input.dt)
    cdef int64_t offset = (input.ptr - input.st.data) // item if storage_offset is None else storage_offset
    if parse_sizes(stride, strides, "as_strided") != nd:
        raise RuntimeError(f"as_strided: mismatch in length of strides and shape: {size} and {stride}")
    cdef int64_t first = check_bounds(nd, sizes, strides, offset, input.st.nbytes // item, "as_strided")
    cdef Variable y = <Variable>new_view(input, nd, sizes, strides, input.st.data + first * item)
    mark_view(y, input)
    cdef AsStrided node
    if recording(input):
        node = <AsStrided>AsStrided.__new__(AsStrided)
        node.size = tuple([sizes[i] for i in range(nd)])
        node.stride = tuple([strides[i] for i in range(nd)])
        node.offset = offset
        node.input_size = shape_of(input)
        node.input_stride = tuple([input.strides[i] for i in range(input.nd)])
        node.input_offset = (input.ptr - input.st.data) // item
        record1(node, y, input)
    return y


cdef class AsStrided(Function):
    cdef tuple size, stride, input_size, input_stride
    cdef int64_t offset, input_offset

    cdef int vjp(self, Variable g) except -1:
        # Both geometries as flat positions in the storage, from the lower of the two starts.
        from pyxtorch.ops import create
        low = min(self.offset, self.input_offset)
        extent = 1
        for size, stride, offset in ((self.size, self.stride, self.offset), (self.input_size, self.input_stride, self.input_offset)):
            if 0 not in size:
                extent = max(extent, offset - low + 1 + sum([(n - 1) * s for n, s in zip(size, stride)]))
        places = create.arange(extent, device=g.device)
        seen = as_strided(places, self.size, self.stride, self.offset - low)
        mine = as_strided(places, self.input_size, self.input_stride, self.input_offset - low)
        flat = g.new_zeros(extent).index_add(0, seen.reshape(-1), g.reshape(-1))
        count = create.zeros(extent, dtype=g.dtype, device=g.device).index_add(
            0, mine.reshape(-1), create.ones(mine.numel(), dtype=g.dtype, device=g.device))
        flat = flat / count.clamp(min=1) if overlapping(self.input_size, self.input_stride) else flat
        self.pass_grad(0, flat.index_select(0, mine.reshape(-1)).reshape(self.input_size))


cdef bint overlapping(tuple size, tuple stride):
    reach = 0
    for s, n in sorted([(s, n) for s, n in zip(stride, size) if n > 1]):
        if s <= reach:
            return True
        reach += s * (n - 1)
    return False


cdef class Gather(Function):
    """What a view of given geometry sees of `g`, which has its base's shape and layout."""
    cdef tuple geometry, base_shape

    cdef int vjp(self, Variable g) except -1:
        zero = g.new_zeros(()).expand(self.base_shape)
        self.pass_grad(0, as_strided_scatter_like(zero, g, *self.geometry))


cdef class Scatter(Function):
    """`g` with the view of given geometry overwritten by `value`."""
    cdef tuple geometry

    cdef int vjp(self, Variable g) except -1:
        if self.needs(0):
            self.pass_grad(0, as_strided_scatter_like(g, g.new_zeros(()).expand(self.geometry[0]), *self.geometry))
        if self.needs(1):
            self.pass_grad(1, as_strided_gather_like(g, *self.geometry))


cdef tuple laid_out(Variable g, tuple size, tuple stride, int64_t offset, tuple base_stride):
    """g copied into memory laid out like the base; that memory's view of the geometry."""
    cdef int64_t high = 0
    cdef int64_t n
    cdef Variable memory, base
    for k in range(g.nd):
        if base_stride[k] > 0:
            high += max(g.sizes[k] - 1, 0) * base_stride[k]
    n = high + 1
    memory = zeros_raw(1, &n, g.dt, g.dev, g.dev_index)
    base = raw_strided(memory, shape_of(g), base_stride, 0)
    copy_raw(base, g)
    return base, raw_strided(memory, size, stride, offset)


cdef Variable raw_strided(Variable memory, tuple size, tuple stride, int64_t offset):
    cdef int64_t sizes[64]
    cdef int64_t strides[64]
    cdef int nd = parse_sizes(size, sizes, "as_strided")
    parse_sizes(stride, strides, "as_strided")
    cdef int64_t first = check_bounds(nd, sizes, strides, offset, memory.n, "as_strided")
    return <Variable>new_view(memory, nd, sizes, strides, memory.ptr + first * itemsize_of(memory.dt))


def as_strided_gather_like(Variable g, size, stride, offset, base_stride):
    """The elements of `g` that a view of its base would see (for in-place changes of views)."""
    cdef Gather node
    _, place = laid_out(g, size, stride, offset, base_stride)
    cdef Variable y = clone_raw(place)
    if recording(g):
        node = <Gather>Gather.__new__(Gather)
        node.geometry = (size, stride, offset, base_stride)
        node.base_shape = shape_of(g)
        record1(node, y, g)
    return y


def as_strided_scatter_like(Variable g, Variable value, size, stride, offset, base_stride):
    """`g` with what a view of its base would see replaced by `value`."""
    cdef Scatter node
    base, place = laid_out(g, size, stride, offset, base_stride)
    copy_raw(place, value)
    cdef Variable y = clone_raw(base)
    if recording(g) or recording(value):
        node = <Scatter>Scatter.__new__(Scatter)
        node.geometry = (size, stride, offset, base_stride)
        record2(node, y, g, value)
    return y


__all__ = ["select", "narrow", "diagonal", "as_strided"]
methods = {
    "select": select, "narrow": narrow, "diagonal": diagonal, "unfold": unfold, "as_strided": as_strided,
    "as_strided_gather_like": as_strided_gather_like, "as_strided_scatter_like": as_strided_scatter_like,
}
