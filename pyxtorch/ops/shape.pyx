"""Views, copies, conversions, joining and splitting: everything that moves elements unchanged."""
from libc.string cimport memcpy
from pyxtorch._core cimport *
from pyxtorch.autograd cimport (
    Function, Variable, check_inplace, grad_enabled, mark_view, rebase, record1, record2,
    record_many, recording, recording_any,
)
from pyxtorch.ops._common cimport *

from pyxtorch._core import dtype as dtype_class, device as device_class

cdef int CONJ = elementwise_tables[CPU].formula(b"conj_physical")

ctypedef unsigned long long Mask


cdef inline tuple dims_tuple(Variable x):
    return shape_of(x)


# ----------------------------------------------------------------------- expand and its inverse

cdef class Expand(Function):
    cdef tuple shape

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, sum_to_tuple(g, self.shape))


cdef class SumTo(Function):
    cdef tuple shape

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g.expand(self.shape))


cdef Variable expand_to(Variable x, int nd, const int64_t* sizes, str op):
    cdef int64_t s[64]
    cdef int64_t t[64]
    cdef int i, shift = nd - x.nd
    cdef bint same = shift == 0
    cdef Expand node
    if shift < 0:
        raise RuntimeError(
            f"{op}: the number of sizes provided ({nd}) must be greater or equal to the number of dimensions in "
            f"the tensor ({x.nd})"
        )
    for i in range(nd):
        if i < shift:
            if sizes[i] < 0:
                raise RuntimeError(f"{op}: the expanded size {sizes[i]} isn't allowed in a leading, non-existing dimension {i}")
            s[i] = sizes[i]
            t[i] = 0
        elif sizes[i] == -1 or sizes[i] == x.sizes[i - shift]:
            s[i] = x.sizes[i - shift]
            t[i] = x.strides[i - shift]
        elif x.sizes[i - shift] == 1 and sizes[i] >= 0:
            s[i] = sizes[i]
            t[i] = 0
            same = False
        else:
            raise RuntimeError(
                f"{op}: The expanded size of the tensor ({sizes[i]}) must match the existing size "
                f"({x.sizes[i - shift]}) at non-singleton dimension {i}. Target sizes: "
                f"{[sizes[k] for k in range(nd)]}. Tensor sizes: {list(shape_of(x))}"
            )
    if same:
        return x
    cdef Variable y = <Variable>new_view(x, nd, s, t, x.ptr)
    mark_view(y, x)
    if recording(x):
        node = <Expand>Expand.__new__(Expand)
        node.shape = shape_of(x)
        record1(node, y, x)
    return y


cdef Variable sum_to_tuple(Variable g, tuple shape):
    cdef int64_t sizes[64]
    cdef int nd = parse_sizes(shape, sizes, "sum_to_size")
    return sum_to(g, nd, sizes)


cdef Variable sum_to(Variable g, int nd, const int64_t* sizes):
    cdef int i, shift = g.nd - nd
    dims = list(range(shift))
    for i in range(nd):
        if sizes[i] == 1 and g.sizes[i + shift] != 1:
            dims.append(i + shift)
    if not dims:
        return g
    cdef Variable y = g.sum(dims, keepdim=True)
    return y.view(tuple([sizes[i] for i in range(nd)])) if shift else y


def expand(Variable input not None, *sizes, implicit=False):
    """A view in which dimensions of size 1 repeat, without copying.

    Args:
        sizes: the new shape; -1 keeps a dimension; new dimensions may be added in front.
    Raises:
        RuntimeError: a size differs from one that is not 1.
    Gradient:
        summed over the repeated dimensions.
    """
    cdef int64_t s[64]
    cdef int nd = parse_star(sizes, s, "expand")
    cdef Variable y = expand_to(input, nd, s, "expand")
    return aliased(input) if y is input else y


def expand_as(Variable input not None, Variable other not None):
    """`expand` to the shape of `other`."""
    return expand_to(input, other.nd, other.sizes, "expand_as")


def broadcast_to(Variable input not None, size):
    """`expand` to the shape `size`."""
    return expand(input, tuple(size))


def sum_to_size(Variable input not None, *size):
    """The inverse of `expand`: sum so that the result has shape `size`."""
    cdef int64_t s[64]
    cdef int i
    cdef int nd = parse_star(size, s, "sum_to_size")
    for i in range(nd):
        if nd > input.nd or (s[i] != 1 and s[i] != input.sizes[i + input.nd - nd]):
            raise RuntimeError(f"sum_to_size: size {[s[k] for k in range(nd)]} is not expandable to size {list(shape_of(input))}.")
    return sum_to(input, nd, s)


def broadcast_shapes(*shapes):
    """The shape that tensors of the given shapes broadcast to."""
    from pyxtorch._core import Size
    out = []
    for shape in shapes:
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        out = [1] * (len(shape) - len(out)) + out
        for i in range(1, len(shape) + 1):
            if shape[-i] < 0:
                raise RuntimeError(f"broadcast_shapes: negative size {shape[-i]} in {shape}.")
            if shape[-i] != 1 and shape[-i] != out[-i]:
                if out[-i] != 1:
                    raise RuntimeError(f"broadcast_shapes: Shape mismatch: objects cannot be broadcast to a single shape: {shapes}")
                out[-i] = shape[-i]
    return Size(out)


def broadcast_tensors(*tensors):
    """The tensors expanded to their common shape."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    shape = broadcast_shapes(*[shape_of(t) for t in tensors])
    return tuple([expand(t, shape) for t in tensors])


# -------------------------------------------------------------------------------- view, reshape

cdef class View(Function):
    cdef tuple shape

    cdef int vjp(self, Variable g) except -1:
        cdef int64_t sizes[64]
        cdef int nd = parse_sizes(self.shape, sizes, "view")
        self.pass_grad(0, reshape_sizes(g, nd, sizes, "view"))


cdef class Alias(Function):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g)


cdef Variable aliased(Variable x):
    """x again: another tensor object, the same memory and history."""
    cdef Variable y = <Variable>alias(x)
    mark_view(y, x)
    if recording(x):
        record1(Alias.__new__(Alias), y, x)
    return y


cdef int infer_sizes(Variable x, int nd, int64_t* sizes, str op) except -1:
    """Replace a -1 among `sizes`; RuntimeError unless they hold the elements of x."""
    cdef int i, free = -1
    cdef int64_t n = 1
    for i in range(nd):
        if sizes[i] == -1:
            if free >= 0:
                raise RuntimeError(f"{op}: only one dimension can be inferred, in {[sizes[k] for k in range(nd)]}")
            free = i
        elif sizes[i] < 0:
            raise RuntimeError(f"{op}: invalid shape dimension {sizes[i]}")
        else:
            n *= sizes[i]
    if free >= 0:
        if n == 0:
            raise RuntimeError(
                f"{op}: cannot reshape tensor of {x.n} elements into shape {[sizes[k] for k in range(nd)]} because "
                "the unspecified dimension size -1 can be any value and is ambiguous"
            )
        if x.n % n == 0:
            sizes[free] = x.n // n
            return 0
    elif n == x.n:
        return 0
    raise RuntimeError(f"{op}: shape '{[sizes[k] for k in range(nd)]}' is invalid for input of size {x.n}")


cdef bint view_strides(Variable x, int nd, const int64_t* sizes, int64_t* strides) noexcept:
    """Strides with which the same memory has another shape; False if there are none."""
    cdef int d = x.nd - 1, i = nd - 1
    cdef int64_t step, wanted, have
    if x.flags & CONTIGUOUS or x.n == 0:
        step = 1
        for i in range(nd - 1, -1, -1):
            strides[i] = step
            step *= sizes[i] if sizes[i] > 0 else 1
        return True
    if x.nd == 0:
        for i in range(nd):
            strides[i] = 1
        return True
    step = x.strides[x.nd - 1]
    have = 1
    wanted = 1
    for d in range(x.nd - 1, -1, -1):
        have *= x.sizes[d]
        # end of a run that lies evenly in memory?
        if d == 0 or (x.sizes[d - 1] != 1 and x.strides[d - 1] != have * step):
            while i >= 0 and (wanted < have or sizes[i] == 1):
                strides[i] = wanted * step
                wanted *= sizes[i]
                i -= 1
            if wanted != have:
                return False
            if d > 0:
                step = x.strides[d - 1]
                have = 1
                wanted = 1
    return i == -1


cdef Variable viewed(Variable x, int nd, const int64_t* sizes, const int64_t* strides):
    cdef Variable y = <Variable>new_view(x, nd, sizes, strides, x.ptr)
    cdef View node
    mark_view(y, x)
    if recording(x):
        node = <View>View.__new__(View)
        node.shape = shape_of(x)
        record1(node, y, x)
    return y


cdef Variable view_sizes(Variable x, int nd, const int64_t* given, str op):
    cdef int64_t sizes[64]
    cdef int64_t strides[64]
    memcpy(sizes, given, nd * sizeof(int64_t))
    infer_sizes(x, nd, sizes, op)
    if not view_strides(x, nd, sizes, strides):
        raise RuntimeError(
            f"{op}: view size is not compatible with input tensor's size and stride (at least one dimension spans "
            f"across two contiguous subspaces): shape {list(shape_of(x))}, strides {[x.strides[k] for k in range(x.nd)]}. "
            "Use .reshape(...) instead."
        )
    return viewed(x, nd, sizes, strides)


cdef Variable reshape_sizes(Variable x, int nd, const int64_t* given, str op):
    cdef int64_t sizes[64]
    cdef int64_t strides[64]
    memcpy(sizes, given, nd * sizeof(int64_t))
    infer_sizes(x, nd, sizes, op)
    if not view_strides(x, nd, sizes, strides):
        x = contiguous(x)
        view_strides(x, nd, sizes, strides)
    return viewed(x, nd, sizes, strides)


cdef Variable reshape_as(Variable x, Variable like):
    return reshape_sizes(x, like.nd, like.sizes, "reshape_as")


def view(Variable input not None, *shape):
    """The same memory with another shape, or seen as another dtype.

    Raises:
        RuntimeError: the strides do not allow it (use reshape), or the sizes do not fit.
    """
    cdef int64_t sizes[64]
    cdef int nd
    if len(shape) == 1 and type(shape[0]) is dtype_class:
        return view_dtype(input, (<dtype>shape[0]).code)
    nd = parse_star(shape, sizes, "view")
    return view_sizes(input, nd, sizes, "view")


cdef Variable view_dtype(Variable x, int dt):
    cdef int64_t sizes[64]
    cdef int64_t strides[64]
    cdef int a = itemsize_of(x.dt), b = itemsize_of(dt), i
    cdef Variable y
    if dt == x.dt:
        return aliased(x)
    memcpy(sizes, x.sizes, x.nd * sizeof(int64_t))
    memcpy(strides, x.strides, x.nd * sizeof(int64_t))
    if a != b:
        if x.nd == 0:
            raise RuntimeError(f"view: self.dim() cannot be 0 to view {dtype_of(x.dt)!r} as {dtype_of(dt)!r} (different element sizes)")
        if x.strides[x.nd - 1] != 1 and x.sizes[x.nd - 1] != 1:
            raise RuntimeError(f"view: the last stride must be 1, not {x.strides[x.nd - 1]}, to view {dtype_of(x.dt)!r} as {dtype_of(dt)!r}")
        if a > b:
            for i in range(x.nd - 1):
                strides[i] *= a // b
            sizes[x.nd - 1] *= a // b
        else:
            for i in range(x.nd - 1):
                if strides[i] % (b // a):
                    raise RuntimeError(f"view: stride {strides[i]} of dimension {i} is not divisible by {b // a}")
                strides[i] //= b // a
            if sizes[x.nd - 1] % (b // a) or (x.ptr - x.st.data) % b:
                raise RuntimeError(f"view: the last size {sizes[x.nd - 1]} and the offset must be divisible by {b // a}")
            sizes[x.nd - 1] //= b // a
    y = <Variable>new_view(x, x.nd, sizes, strides, x.ptr)
    y.dt = dt
    return y


def reshape(Variable input not None, *shape):
    """The same elements in another shape: a view where possible, else a copy."""
    cdef int64_t sizes[64]
    cdef int nd
    nd = parse_star(shape, sizes, "reshape")
    return reshape_sizes(input, nd, sizes, "reshape")


def view_as(Variable input not None, Variable other not None):
    """`view` with the shape of `other`."""
    return view_sizes(input, other.nd, other.sizes, "view_as")


def reshape_as_(Variable input not None, Variable other not None):
    """`reshape` to the shape of `other`."""
    return reshape_sizes(input, other.nd, other.sizes, "reshape_as")


def flatten(Variable input not None, start_dim=0, end_dim=-1):
    """Dimensions start_dim to end_dim as one."""
    cdef int64_t sizes[64]
    cdef int a = wrap_dim(start_dim, input.nd, "flatten")
    cdef int b = wrap_dim(end_dim, input.nd, "flatten")
    cdef int i, nd = 0
    if input.nd == 0:
        sizes[0] = 1
        return reshape_sizes(input, 1, sizes, "flatten")
    if a > b:
        raise RuntimeError(f"flatten() has invalid args: start_dim {start_dim} cannot come after end_dim {end_dim}")
    if a == b:
        return input
    for i in range(input.nd):
        if a < i <= b:
            sizes[nd - 1] *= input.sizes[i]
        else:
            sizes[nd] = input.sizes[i]
            nd += 1
    return reshape_sizes(input, nd, sizes, "flatten")


def ravel(Variable input not None):
    """All elements in one dimension."""
    cdef int64_t n = input.n
    return reshape_sizes(input, 1, &n, "ravel")


def unflatten(Variable input not None, dim, sizes):
    """One dimension as several; one of `sizes` may be -1."""
    cdef int d = wrap_dim(dim, input.nd, "unflatten")
    shape = shape_of(input)
    sizes = tuple(sizes)
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    known = 1
    for s in sizes:
        known *= s if s != -1 else 1
    if -1 in sizes:
        sizes = tuple([shape[d] // known if s == -1 else s for s in sizes])
    total = 1
    for s in sizes:
        total *= s
    if total != shape[d]:
        raise RuntimeError(f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {d} ({shape[d]}) in the input tensor")
    return view(input, shape[:d] + sizes + shape[d + 1:])


# --------------------------------------------------------------------------- order of dimensions

cdef class Permute(Function):
    cdef int order[64]

    cdef int vjp(self, Variable g) except -1:
        cdef int inverse[64]
        cdef int i
        for i in range(g.nd):
            inverse[self.order[i]] = i
        self.pass_grad(0, permuted(g, inverse))


cdef Variable permuted(Variable x, const int* order):
    cdef int64_t sizes[64]
    cdef int64_t strides[64]
    cdef int i
    cdef Permute node
    for i in range(x.nd):
        sizes[i] = x.sizes[order[i]]
        strides[i] = x.strides[order[i]]
    cdef Variable y = <Variable>new_view(x, x.nd, sizes, strides, x.ptr)
    mark_view(y, x)
    if recording(x):
        node = <Permute>Permute.__new__(Permute)
        memcpy(node.order, order, x.nd * sizeof(int))
        record1(node, y, x)
    return y


cdef Variable transposed(Variable x, int a, int b):
    cdef int order[64]
    cdef int i
    for i in range(x.nd):
        order[i] = i
    order[a] = b
    order[b] = a
    return permuted(x, order)


def permute(Variable input not None, *dims):
    """A view with the dimensions in the order `dims`."""
    cdef int order[64]
    cdef int i
    cdef Mask seen = 0
    if len(dims) == 1 and isinstance(dims[0], (tuple, list)):
        dims = tuple(dims[0])
    if len(dims) != input.nd:
        raise RuntimeError(
            f"permute: permute(sparse_coo): number of dimensions in the tensor input does not match the length of the "
            f"desired ordering of dimensions i.e. input.dim() = {input.nd} is not equal to len(dims) = {len(dims)}"
        )
    for i in range(input.nd):
        order[i] = wrap_dim(as_index(dims[i], "permute"), input.nd, "permute")
        if seen >> order[i] & 1:
            raise RuntimeError(f"permute: duplicate dims are not allowed: {list(dims)}.")
        seen |= <Mask>1 << order[i]
    return permuted(input, order)


def transpose(Variable input not None, dim0, dim1):
    """A view with two dimensions swapped."""
    cdef int a = wrap_dim(dim0, input.nd, "transpose")
    cdef int b = wrap_dim(dim1, input.nd, "transpose")
    return transposed(input, a, b)


def t(Variable input not None):
    """The transpose of a tensor of at most two dimensions."""
    if input.nd > 2:
        raise RuntimeError(f"t: t() expects a tensor with <= 2 dimensions, but self is {input.nd}D")
    return transposed(input, 0, 1) if input.nd == 2 else aliased(input)


def movedim(Variable input not None, source, destination):
    """A view with dimensions moved from `source` to `destination`, the others in order."""
    src = (source,) if isinstance(source, int) else tuple(source)
    dst = (destination,) if isinstance(destination, int) else tuple(destination)
    if len(src) != len(dst):
        raise RuntimeError(f"movedim: Invalid source or destination dims: source ({list(src)}) should have the same number of elements as destination ({list(dst)})")
    src = [wrap_dim(d, input.nd, "movedim") for d in src]
    dst = [wrap_dim(d, input.nd, "movedim") for d in dst]
    if len(set(src)) != len(src) or len(set(dst)) != len(dst):
        raise RuntimeError(f"movedim: repeated dim in `source` ({list(src)}) or `destination` ({list(dst)})")
    order = [None] * input.nd
    for s, d in zip(src, dst):
        order[d] = s
    rest = iter([d for d in range(input.nd) if d not in src])
    return permute(input, [next(rest) if d is None else d for d in order])


def adjoint(Variable input not None):
    """The conjugate transpose of the last two dimensions."""
    if input.nd < 2:
        raise RuntimeError(f"adjoint: tensor.adjoint() is only supported on matrices or batches of matrices. Got {input.nd}-D tensor.")
    return conj_of(transposed(input, input.nd - 2, input.nd - 1))


def mT(Variable input not None):
    """The transpose of the last two dimensions (property)."""
    if input.nd < 2:
        raise RuntimeError(f"mT: tensor.mT is only supported on matrices or batches of matrices. Got {input.nd}-D tensor.")
    return transposed(input, input.nd - 2, input.nd - 1)


def T(Variable input not None):
    """All dimensions in reverse order (property)."""
    cdef int order[64]
    cdef int i
    for i in range(input.nd):
        order[i] = input.nd - 1 - i
    return permuted(input, order)


def H(Variable input not None):
    """The conjugate transpose of a matrix (property)."""
    if input.nd == 0:
        return conj_of(input)
    if input.nd != 2:
        raise RuntimeError(f"H: tensor.H is only supported on matrices (2-D tensors). Got {input.nd}-D tensor.")
    return adjoint(input)


# -------------------------------------------------------------------------- size-1 dimensions

cdef Variable unsqueezed(Variable x, int dim):
    cdef int64_t sizes[65]
    cdef int64_t strides[65]
    cdef int i
    if x.nd >= 64:
        raise RuntimeError("unsqueeze: a tensor can have at most 64 dimensions.")
    for i in range(dim):
        sizes[i] = x.sizes[i]
        strides[i] = x.strides[i]
    sizes[dim] = 1
    strides[dim] = x.sizes[dim] * x.strides[dim] if dim < x.nd else 1
    for i in range(dim, x.nd):
        sizes[i + 1] = x.sizes[i]
        strides[i + 1] = x.strides[i]
    return viewed(x, x.nd + 1, sizes, strides)


cdef Variable squeezed(Variable x, int dim):
    cdef int64_t sizes[64]
    cdef int64_t strides[64]
    cdef int i, nd = 0
    for i in range(x.nd):
        if i != dim or x.sizes[i] != 1:
            sizes[nd] = x.sizes[i]
            strides[nd] = x.strides[i]
            nd += 1
    return viewed(x, nd, sizes, strides)


def unsqueeze(Variable input not None, dim):
    """A view with a dimension of size 1 put in at `dim`."""
    return unsqueezed(input, wrap_dim(dim, input.nd + 1, "unsqueeze"))


def squeeze(Variable input not None, dim=None):
    """A view without dimensions of size 1: all of them, or those named."""
    cdef int64_t sizes[64]
    cdef int64_t strides[64]
    cdef int i, nd = 0
    cdef Mask mask = dims_mask(dim, input.nd, "squeeze")
    if isinstance(dim, (tuple, list)) and not dim:
        mask = 0
    for i in range(input.nd):
        if not (mask >> i & 1) or input.sizes[i] != 1:
            sizes[nd] = input.sizes[i]
            strides[nd] = input.strides[i]
            nd += 1
    return viewed(input, nd, sizes, strides)


# ---------------------------------------------------------------------------- parts of a tensor

cdef enum:
    SELECT = 0
    SLICE = 1
    DIAGONAL = 2
    UNFOLD = 3


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
    """select(dim a, index b); slice(dim a, start b, length c, step d); diagonal(offset a, dims b, c);
    unfold(dim a, length b, size c, step d)."""
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
    cdef Variable y = zeros_raw(nd, sizes, g.dt, g.dev, g.dev_index)
    cdef Variable place
    cdef PutPart node
    cdef int64_t k
    if kind == UNFOLD and nd > 0:
        for k in range(c):      # windows may overlap, but their k-th elements never do
            place = raw_part(y, SLICE, a, k, b, d)
            add_raw(place, raw_part(g, SELECT, nd, k, 0, 0))
    else:
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
    (<pyx_elementwise_kernels*>table_for(<void**>elementwise_tables, x.dev, "add")).run(ADD, x.dt, &walk, NULL)
    return 0


cdef Variable selected(Variable x, int dim, int64_t index):
    return part(x, SELECT, dim, index, 0, 0)


cdef Variable sliced(Variable x, int dim, int64_t start, int64_t stop, int64_t step):
    cdef int64_t n = 0 if stop <= start else (stop - start + step - 1) // step
    return part(x, SLICE, dim, start, n, step)


def select(Variable input not None, dim, index):
    """A view without dimension `dim`, at position `index` of it."""
    cdef int d
    cdef int64_t i = as_index(index, "select")
    if input.nd == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    d = wrap_dim(dim, input.nd, "select")
    if i < -input.sizes[d] or i >= input.sizes[d]:
        raise IndexError(f"select(): index {i} out of range for tensor of size {list(shape_of(input))} at dimension {d}")
    return selected(input, d, i + input.sizes[d] if i < 0 else i)


def narrow(Variable input not None, dim, start, length):
    """A view of `length` elements of dimension `dim` from `start` on."""
    cdef int d
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
    if s + n > input.sizes[d]:
        raise RuntimeError(f"narrow: start ({s}) + length ({n}) exceeds dimension size ({input.sizes[d]}).")
    return part(input, SLICE, d, s, n, 1)


def slice_dim(Variable input not None, int dim, start, stop, step):
    """input[..., start:stop:step, ...] along `dim`, as Python slices clip."""
    cdef int d = wrap_dim(dim, input.nd, "slice")
    a, b, c = slice(start, stop, step).indices(input.sizes[d])
    return sliced(input, d, a, b, c)


def diagonal(Variable input not None, offset=0, dim1=0, dim2=1):
    """A view of the diagonal of two dimensions, as the last dimension."""
    cdef int a = wrap_dim(dim1, input.nd, "diagonal")
    cdef int b = wrap_dim(dim2, input.nd, "diagonal")
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return part(input, DIAGONAL, offset, a, b, 0)


def unfold(Variable input not None, dimension, size, step):
    """A view of all windows of `size` elements, `step` apart, along a dimension; the last dimension holds the window."""
    cdef int d = wrap_dim(dimension, input.nd, "unfold")
    cdef int64_t length = input.sizes[d] if input.nd else 1
    if size < 0 or size > length:
        raise RuntimeError(f"unfold: maximum size for tensor at dimension {d} is {length} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"unfold: step is {step} but must be > 0")
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
    check_bounds(nd, sizes, strides, offset, input.st.nbytes // item, "as_strided")
    cdef Variable y = <Variable>new_view(input, nd, sizes, strides, input.st.data + offset * item)
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
    check_bounds(nd, sizes, strides, offset, memory.n, "as_strided")
    return <Variable>new_view(memory, nd, sizes, strides, memory.ptr + offset * itemsize_of(memory.dt))


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


# ------------------------------------------------------------------------ copies, conversions

cdef class Clone(Function):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g)


cdef class Cast(Function):
    cdef int source
    cdef object device

    cdef int vjp(self, Variable g) except -1:
        if self.device is not None:
            g = to(g, self.device)
        if is_complex_code(g.dt) and not is_complex_code(self.source):
            g = g.real
        self.pass_grad(0, to_dtype(g, self.source))


cdef Variable cloned(Variable x):
    cdef Variable y = clone_raw(x)
    if recording(x):
        record1(Clone.__new__(Clone), y, x)
    return y


cdef Variable contiguous(Variable x):
    return x if x.flags & CONTIGUOUS else cloned(x)


cdef Variable detached(Variable x):
    return <Variable>alias(x)


cdef Variable to_dtype(Variable x, int dt):
    cdef Variable y
    cdef Cast node
    if x.dt == dt:
        return x
    y = cast_raw(x, dt)
    y.flags |= x.flags & WRAPPED
    if recording(x) and (is_floating(dt) or is_complex_code(dt)):
        node = <Cast>Cast.__new__(Cast)
        node.source = x.dt
        record1(node, y, x)
    return y


cdef class Conj(Function):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, conj_of(g))


cdef Variable conj_of(Variable x):
    cdef Variable y
    cdef pyx_strided walk
    cdef PyObject* operands[2]
    if not is_complex_code(x.dt):
        return x
    y = <Variable>new_like(x, x.dt)
    operands[0] = <PyObject*>y
    operands[1] = <PyObject*>x
    if x.n:
        walk_init(&walk, x.nd, x.sizes, 2, operands)
        (<pyx_elementwise_kernels*>table_for(<void**>elementwise_tables, x.dev, "conj")).run(CONJ, x.dt, &walk, NULL)
    if recording(x):
        record1(Conj.__new__(Conj), y, x)
    return y


def conj(Variable input not None):
    """Complex conjugate; a real tensor is returned as it is."""
    return conj_of(input)


def conj_physical(Variable input not None, *, out=None):
    """Complex conjugate, always in new memory."""
    return finish_out(conj_of(input) if is_complex_code(input.dt) else cloned(input), out, "conj_physical")


def clone(Variable input not None, *, memory_format=None):
    """A copy of the elements, recorded on the tape."""
    return cloned(input)


def contiguous_(Variable input not None, memory_format=None):
    """The tensor itself if it is contiguous, else a contiguous copy."""
    return contiguous(input)


def detach(Variable input not None):
    """The same memory off the tape."""
    return detached(input)


def to(Variable input not None, *args, dtype=None, device=None, non_blocking=False, copy=False, memory_format=None):
    """The tensor with another dtype and/or on another device; itself if it is so already.

    to(dtype), to(device), to(device, dtype) and to(other) are understood.
    """
    cdef int dt, dev, index = 0
    cdef Cast node
    cdef Variable y, z
    for i, a in enumerate(args):
        if type(a) is dtype_class or a is float or a is int or a is bool or a is complex:
            dtype = a
        elif isinstance(a, Variable):
            dtype, device = a.dtype, a.device
        elif isinstance(a, (str, device_class)) or (i == 0 and isinstance(a, int) and not isinstance(a, bool)):
            device = a
        elif isinstance(a, bool):
            if i == 2 or (i == 1 and dtype is None) or (i == 1 and device is None):
                non_blocking = a
            else:
                copy = a
        elif a is not None:
            raise TypeError(f"to() received an invalid argument: {a!r}; expected a dtype, a device or a tensor.")
    dt = input.dt if dtype is None else dtype_code(dtype)
    if device is None:
        dev, index = input.dev, input.dev_index
    else:
        dev = parse_device(device, &index)
        if dev == CUDA and (device if isinstance(device, device_class) else device_class(device)).index is None and input.dev == CUDA:
            index = input.dev_index
    if dev == input.dev and index == input.dev_index:
        if dt == input.dt:
            return cloned(input) if copy else input
        y = to_dtype(input, dt)
        return y
    z = cast_raw(input, dt)
    y = <Variable>new_empty(z.nd, z.sizes, dt, dev, index)
    copy_raw(y, z)
    if recording(input):
        node = <Cast>Cast.__new__(Cast)
        node.source = input.dt
        node.device = device_of(input.dev, input.dev_index)
        record1(node, y, input)
    return y


def _converter(name, code):
    def convert(self, memory_format=None):
        return to_dtype(self, code)

    convert.__name__ = convert.__qualname__ = name
    convert.__doc__ = f"The tensor as {dtype_of(code)!r}."
    return convert


def type_as(Variable input not None, Variable other not None):
    """The tensor with the dtype of `other`."""
    return to(input, other)


def cpu(Variable input not None, memory_format=None):
    """The tensor on the CPU."""
    return to(input, "cpu")


def cuda(Variable input not None, device=None, non_blocking=False, memory_format=None):
    """The tensor on a GPU."""
    return to(input, "cuda" if device is None else device)


def copy_(Variable self not None, src, non_blocking=False):
    """Overwrite with the elements of `src`: broadcast, and converted in dtype and device."""
    cdef Variable source = as_tensor(src, self.dev, self.dev_index)
    cdef Variable value
    check_inplace(self, "copy_")
    value = source
    if recording(source) or (grad_enabled() and (self.flags & REQUIRES_GRAD or self._base is not None)):
        value = to(value, self.device, self.dtype)
        value = expand_to(value, self.nd, self.sizes, "copy_")
        if value is source or not (value.flags & REQUIRES_GRAD):
            value = recorded_alias(value)
        copy_raw(self, value)
        bump(self)
        rebase(self, value)
        return self
    if not same_shape(self, source):
        value = expand_to(detached(source), self.nd, self.sizes, "copy_")
    copy_raw(self, value)
    bump(self)
    return self


cdef Variable recorded_alias(Variable x):
    cdef Variable y = <Variable>alias(x)
    if recording(x):
        record1(Alias.__new__(Alias), y, x)
    return y


def data_of(Variable input not None):
    """`.data`: the same memory off the tape."""
    return detached(input)


def real(Variable input not None):
    """A view of the real parts; a real tensor is returned as it is."""
    return complex_part(input, 0) if is_complex_code(input.dt) else input


def imag(Variable input not None):
    """A view of the imaginary parts."""
    if not is_complex_code(input.dt):
        raise RuntimeError(f"imag: imag is not implemented for tensors with non-complex dtypes, here {dtype_of(input.dt)!r}.")
    return complex_part(input, 1)


cdef Variable complex_part(Variable x, int which):
    return selected(<Variable>view_as_real(x), x.nd, which)


cdef class ViewAsReal(Function):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, view_as_complex(contiguous(g)))


cdef class ViewAsComplex(Function):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, view_as_real(g))


def view_as_real(Variable input not None):
    """A complex tensor as a real one with a last dimension of 2 (real, imaginary); a view."""
    cdef int64_t sizes[65]
    cdef int64_t strides[65]
    cdef int i
    if not is_complex_code(input.dt):
        raise RuntimeError(f"view_as_real is only supported for complex tensors, not {dtype_of(input.dt)!r}")
    for i in range(input.nd):
        sizes[i] = input.sizes[i]
        strides[i] = 2 * input.strides[i]
    sizes[input.nd] = 2
    strides[input.nd] = 1
    cdef Variable y = <Variable>new_view(input, input.nd + 1, sizes, strides, input.ptr)
    y.dt = real_code(input.dt)
    mark_view(y, input)
    if recording(input):
        record1(ViewAsReal.__new__(ViewAsReal), y, input)
    return y


def view_as_complex(Variable input not None):
    """A real tensor whose last dimension has size 2 as a complex one; a view."""
    cdef int64_t sizes[64]
    cdef int64_t strides[64]
    cdef int i
    if input.dt != FLOAT32 and input.dt != FLOAT64:
        raise RuntimeError(f"view_as_complex is only supported for floating point tensors of 32 or 64 bits, not {dtype_of(input.dt)!r}")
    if input.nd == 0 or input.sizes[input.nd - 1] != 2:
        raise RuntimeError(f"view_as_complex: Tensor must have a last dimension of size 2, its shape is {list(shape_of(input))}")
    if input.strides[input.nd - 1] != 1:
        raise RuntimeError(f"view_as_complex: Tensor must have a last dimension with stride 1, not {input.strides[input.nd - 1]}")
    for i in range(input.nd - 1):
        if input.strides[i] % 2 and input.sizes[i] > 1:
            raise RuntimeError(f"view_as_complex: Tensor must have a stride divisible by 2 for all but last dimension, dim {i} has {input.strides[i]}")
        sizes[i] = input.sizes[i]
        strides[i] = input.strides[i] // 2
    if ((input.ptr - input.st.data) // itemsize_of(input.dt)) % 2:
        raise RuntimeError("view_as_complex: Tensor must have a storage_offset divisible by 2")
    cdef Variable y = <Variable>new_view(input, input.nd - 1, sizes, strides, input.ptr)
    y.dt = complex_code(input.dt)
    mark_view(y, input)
    if recording(input):
        record1(ViewAsComplex.__new__(ViewAsComplex), y, input)
    return y


# --------------------------------------------------------------------------- joining, splitting

cdef class Cat(Function):
    cdef int dim
    cdef list lengths

    cdef int vjp(self, Variable g) except -1:
        cdef int i
        cdef int64_t start = 0
        for i in range(self.n_inputs):
            if self.needs(i):
                self.pass_grad(i, part(g, SLICE, self.dim, start, self.lengths[i], 1))
            start += self.lengths[i]


def cat(tensors, dim=0, *, out=None, axis=None):
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
    if axis is not None:
        dim = axis
    if isinstance(tensors, Variable):
        raise TypeError("cat(): argument 'tensors' must be tuple of Tensors, not Tensor")
    parts = []
    if not tensors:
        raise RuntimeError("cat: expected a non-empty list of Tensors")
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
            continue
        parts.append(x)
    if not parts:
        parts = [tensors[0]]
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
    if (is_floating(dt) or is_complex_code(dt)) and recording_any(parts):
        parts = [to_dtype(<Variable>x, dt) for x in parts]
        node = <Cat>Cat.__new__(Cat)
        node.dim = d
        node.lengths = lengths
        record_many(node, (y,), parts)
    return finish_out(y, out, "cat")


def stack(tensors, dim=0, *, out=None):
    """Join tensors of one shape along a new dimension."""
    if isinstance(tensors, Variable):
        tensors = unbind(tensors)
    if not tensors:
        raise RuntimeError("stack: expects a non-empty TensorList")
    cdef int d = wrap_dim(dim, (<Variable>tensors[0]).nd + 1, "stack")
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


def split(Variable tensor not None, split_size_or_sections, dim=0):
    """Views of parts along a dimension: all of one size but the last, or of the sizes given."""
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


def chunk(Variable input not None, int chunks, dim=0):
    """At most `chunks` views of equal size (the last may be smaller)."""
    cdef int d
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
        raise RuntimeError("unbind: Dimension specified as 0 but tensor has no dimensions")
    d = wrap_dim(dim, input.nd, "unbind")
    return tuple([selected(input, d, i) for i in range(input.sizes[d])])


# --------------------------------------------------------------------------- repeat, flip, roll

def repeat(Variable input not None, *repeats):
    """The tensor repeated along each dimension, in new memory."""
    cdef int64_t r[64]
    cdef int nd = parse_star(repeats, r, "repeat")
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


def tile(Variable input not None, *dims):
    """`repeat`, with missing leading repeats taken as 1."""
    if len(dims) == 1 and not isinstance(dims[0], int):
        dims = tuple(dims[0])
    return repeat(input, (1,) * (input.nd - len(dims)) + tuple(dims))


cdef class Flip(Function):
    cdef object dims

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, flip(g, self.dims))


def flip(Variable input not None, *dims):
    """Reverse the order of elements along dimensions, in new memory."""
    cdef Variable x, y
    cdef Mask mask
    cdef int i
    cdef Flip node
    if len(dims) == 1 and isinstance(dims[0], (tuple, list)):
        dims = tuple(dims[0])
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
        if not isinstance(shifts, int) and len(shifts) != 1:
            raise RuntimeError(f"roll: shifts and dimensions must align. shifts: {len(shifts)}, dims:0")
        return roll(input.reshape(-1), shifts, 0).reshape(shape_of(input))
    shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    dims = (dims,) if isinstance(dims, int) else tuple(dims)
    if len(shifts) != len(dims):
        raise RuntimeError(f"roll: shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    out = input
    for s, d in zip(shifts, dims):
        d = wrap_dim(d, input.nd, "roll")
        n = input.sizes[d] if input.nd else 1
        s = s % n if n else 0
        if input.nd and s:
            out = cat([slice_dim(out, d, n - s, n, 1), slice_dim(out, d, 0, n - s, 1)], d)
    return cloned(input) if out is input else out


__all__ = [
    "expand_copy", "broadcast_to", "broadcast_shapes", "broadcast_tensors", "reshape", "flatten", "ravel",
    "unflatten", "permute", "transpose", "t", "movedim", "adjoint", "unsqueeze", "squeeze", "select", "narrow",
    "diagonal", "as_strided", "conj", "conj_physical", "clone", "detach", "real", "imag", "view_as_real",
    "view_as_complex", "cat", "stack", "split", "split_with_sizes", "chunk", "tensor_split", "unbind", "tile",
    "flip", "roll", "moveaxis", "swapaxes", "swapdims", "concat", "concatenate",
]


def expand_copy(Variable input not None, size, *, implicit=False, out=None):
    """`expand`, in new memory."""
    return finish_out(cloned(expand(input, tuple(size))), out, "expand_copy")


moveaxis = movedim
swapaxes = transpose
swapdims = transpose
concat = cat
concatenate = cat

methods = {
    "expand": expand, "expand_as": expand_as, "broadcast_to": broadcast_to, "sum_to_size": sum_to_size, "view": view,
    "reshape": reshape, "view_as": view_as, "reshape_as": reshape_as_, "flatten": flatten, "ravel": ravel,
    "unflatten": unflatten, "permute": permute, "transpose": transpose, "t": t, "movedim": movedim, "moveaxis": movedim,
    "swapaxes": transpose, "swapdims": transpose, "adjoint": adjoint, "unsqueeze": unsqueeze, "squeeze": squeeze,
    "select": select, "narrow": narrow, "diagonal": diagonal, "unfold": unfold, "as_strided": as_strided,
    "as_strided_gather_like": as_strided_gather_like, "as_strided_scatter_like": as_strided_scatter_like,
    "conj": conj, "conj_physical": conj_physical, "clone": clone, "contiguous": contiguous_, "detach": detach, "to": to,
    "type_as": type_as, "cpu": cpu, "cuda": cuda, "copy_": copy_, "split": split, "split_with_sizes": split_with_sizes,
    "chunk": chunk, "tensor_split": tensor_split, "unbind": unbind, "repeat": repeat, "tile": tile, "flip": flip, "roll": roll,
    "resolve_conj": lambda self: self, "resolve_neg": lambda self: self,
}
for _name, _code in (("bool", BOOL), ("byte", UINT8), ("char", INT8), ("short", INT16), ("int", INT32), ("long", INT64),
                     ("half", FLOAT16), ("bfloat16", BFLOAT16), ("float", FLOAT32), ("double", FLOAT64),
                     ("cfloat", COMPLEX64), ("cdouble", COMPLEX128)):
    methods[_name] = _converter(_name, _code)
properties = {"T": T, "mT": mT, "H": H, "mH": adjoint, "real": real, "imag": imag}
