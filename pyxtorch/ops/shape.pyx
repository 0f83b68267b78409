"""The same elements in another shape: expanded, viewed, in another order of dimensions."""
from libc.string cimport memcpy
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, mark_view, record1, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops.shape_part cimport SELECT, SLICE, part

from pyxtorch._core import dtype as dtype_class

cdef int CONJ = elementwise_tables[CPU].formula(b"conj_physical")

ctypedef unsigned long long Mask


# ----------------------------------------------------------------------- expand and its inverse

cdef class Expand(Function):
    cdef tuple shape

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, sum_to_tuple(g, self.shape))


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


cdef tuple starred(tuple star, object named, str op, str name):
    """Sizes or dimensions, given one by one, as one sequence, or by name."""
    if named is None:
        return star
    if star:
        raise TypeError(f"{op}() got multiple values for argument '{name}'")
    return (named,)


def expand(Variable input not None, *sizes, size=None, implicit=False):
    """A view in which dimensions of size 1 repeat, without copying.

    Args:
        sizes: the new shape; -1 keeps a dimension; new dimensions may be added in front.
    Raises:
        RuntimeError: a size differs from one that is not 1.
    Gradient:
        summed over the repeated dimensions.
    """
    cdef int64_t s[64]
    cdef int nd = parse_star(starred(sizes, size, "expand", "size"), s, "expand")
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
    if nd == 0:
        return input.sum()
    for i in range(nd):
        if nd > input.nd or (s[i] != 1 and s[i] != input.sizes[i + input.nd - nd]):
            raise RuntimeError(f"sum_to_size: size {[s[k] for k in range(nd)]} is not expandable to size {list(shape_of(input))}.")
    return sum_to(input, nd, s)


def broadcast_shapes(*shapes):
    """The shape that tensors of the given shapes broadcast to."""
    from pyxtorch._core import Size
    out = []
    for shape in shapes:
        shape = (shape,) if hasattr(type(shape), "__index__") else tuple(shape)
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
    shape = broadcast_shapes(*[shape_of(checked(t, "broadcast_tensors", "tensors")) for t in tensors])
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
            n = mul_sizes(n, sizes[i])
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
            step = mul_sizes(step, sizes[i] if sizes[i] > 0 else 1)
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


def view(Variable input not None, *shape, size=None, dtype=None):
    """The same memory with another shape, or seen as another dtype.

    Raises:
        RuntimeError: the strides do not allow it (use reshape), or the sizes do not fit.
    """
    cdef int64_t sizes[64]
    cdef int nd
    if size is not None or dtype is not None:
        shape = starred(shape, dtype if size is None else size, "view", "size")
    if len(shape) == 1 and (type(shape[0]) is dtype_class or isinstance(shape[0], type)):       # float and its like are dtypes, too
        return view_dtype(input, dtype_code(shape[0]))
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


def reshape(Variable input not None, *sizes, shape=None):
    """The same elements in another shape: a view where possible, else a copy."""
    cdef int64_t s[64]
    cdef int nd = parse_star(starred(sizes, shape, "reshape", "shape"), s, "reshape")
    return reshape_sizes(input, nd, s, "reshape")


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
            sizes[nd - 1] = mul_sizes(sizes[nd - 1], input.sizes[i])
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
        if not known:
            raise RuntimeError(f"unflatten: cannot infer -1 in {list(sizes)}: beside a size of 0 it could be anything.")
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


def permute(Variable input not None, *order, dims=None):
    """A view with the dimensions in the order `dims`."""
    cdef int places[64]
    cdef int i
    cdef Mask seen = 0
    dims = starred(order, dims, "permute", "dims")
    if len(dims) == 1 and isinstance(dims[0], (tuple, list)):
        dims = tuple(dims[0])
    if len(dims) != input.nd:
        raise RuntimeError(
            f"permute: number of dimensions in the tensor input does not match the length of the desired ordering of "
            f"dimensions i.e. input.dim() = {input.nd} is not equal to len(dims) = {len(dims)}"
        )
    for i in range(input.nd):
        places[i] = wrap_dim(dims[i], input.nd, "permute")
        if seen >> places[i] & 1:
            raise RuntimeError(f"permute: duplicate dims are not allowed: {list(dims)}.")
        seen |= <Mask>1 << places[i]
    return permuted(input, places)


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
    src = (source,) if hasattr(type(source), "__index__") else tuple(source)
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


# ---------------------------------------------------------------------- parts, for other families

cdef Variable selected(Variable x, int dim, int64_t index):
    return part(x, SELECT, dim, index, 0, 0)


cdef Variable sliced(Variable x, int dim, int64_t start, int64_t stop, int64_t step):
    cdef int64_t n = 0 if stop <= start else (stop - start + step - 1) // step
    return part(x, SLICE, dim, start, n, step)


# ------------------------------------------------------------- copies, conversions, for other families

cdef class Clone(Function):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g)


cdef class Cast(Function):
    cdef int source

    cdef int vjp(self, Variable g) except -1:
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
        (<pyx_elementwise_kernels*>table_for(<void**>elementwise_tables, x, "conj")).run(CONJ, x.dt, &walk, NULL)
    if recording(x):
        record1(Conj.__new__(Conj), y, x)
    return y


moveaxis = movedim
swapaxes = transpose
swapdims = transpose

__all__ = [
    "broadcast_to", "broadcast_shapes", "broadcast_tensors", "reshape", "flatten", "ravel", "unflatten", "permute", "transpose",
    "t", "movedim", "adjoint", "unsqueeze", "squeeze", "moveaxis", "swapaxes", "swapdims",
]
methods = {
    "expand": expand, "expand_as": expand_as, "broadcast_to": broadcast_to, "sum_to_size": sum_to_size, "view": view,
    "reshape": reshape, "view_as": view_as, "reshape_as": reshape_as_, "flatten": flatten, "ravel": ravel,
    "unflatten": unflatten, "permute": permute, "transpose": transpose, "t": t, "movedim": movedim, "moveaxis": movedim,
    "swapaxes": transpose, "swapdims": transpose, "adjoint": adjoint, "unsqueeze": unsqueeze, "squeeze": squeeze,
}
properties = {"T": T, "mT": mT, "H": H, "mH": adjoint}
