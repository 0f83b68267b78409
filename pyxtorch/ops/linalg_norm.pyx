# cython: wraparound=True, boundscheck=True
"""Norms, condition numbers, and products and inverses that follow from other operations."""
import math

from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable
from pyxtorch.ops._common cimport *
from pyxtorch.ops.shape cimport conj_of

from pyxtorch.ops import create, linalg as factors, linalg_eigen as eigen, matmul as products, matmul_contract as contractions, reduce_norm
from pyxtorch.ops._common import same_dtype
from pyxtorch.ops._inplace import inplace
from pyxtorch.ops._precision import rounds_once


cdef object vector_norm_t(Variable x, object ord, object dim, bint keepdim, object dtype, str op):
    if isinstance(ord, Variable):
        ord = ord.item()
    return reduce_norm.vector_norm(x, ord, dim, keepdim, dtype=dtype)


# ------------------------------------------------------------------------------ of matrices

cdef object matrix_norm_t(object A, object ord, object dim, bint keepdim, object dtype, str op):
    cdef Variable a = checked(A, op, "A")
    if a.nd < 2:
        raise RuntimeError(f"{op}: The input tensor A must have at least 2 dimensions, but it has shape {list(shape_of(a))}.")
    if a.dt <= INT64:
        raise RuntimeError(f"{op}: Expected a floating point or complex tensor as input. Got {dtype_of(a.dt).name}; convert with .float().")
    if not isinstance(dim, (tuple, list)) or len(dim) != 2:
        raise RuntimeError(f"{op}: dim must be a 2-tuple. Got {dim}")
    rows, columns = wrap_dim(dim[0], a.nd, op), wrap_dim(dim[1], a.nd, op)
    if rows == columns:
        raise RuntimeError(f"{op}: dims must be different. Got ({dim[0]}, {dim[1]})")
    if ord == "fro":
        return vector_norm_t(a, 2, (rows, columns), keepdim, dtype, op)
    if isinstance(ord, str) and ord != "nuc":
        raise RuntimeError(f"{op}: Order {ord} not supported.")
    if isinstance(ord, Variable):
        ord = ord.item()
    if ord != "nuc" and abs(ord) not in (1, 2, math.inf):
        raise RuntimeError(f"{op}: Order {ord} not supported.")
    if ord == "nuc" or abs(ord) == 2:
        x = a if dtype is None else a.to(dtype)
        factors_input = x.movedim((rows, columns), (-2, -1))
        s = eigen.svdvals(factors_input)
        if ord == "nuc":
            y = s.sum(-1)
        else:
            if s.shape[-1] == 0:
                if ord < 0:
                    raise RuntimeError(f"{op}: cannot compute the {ord} norm of an empty matrix, shape {list(shape_of(a))}.")
                y = s.sum(-1)
            else:
                y = s.amax(-1) if ord > 0 else s.amin(-1)
        if keepdim:
            for d in sorted([rows, columns]):
                y = y.unsqueeze(d)
        return y
    along, over = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = vector_norm_t(a, 1, along, True, dtype, op)
    if a.sizes[over] == 0:
        if ord < 0:
            raise RuntimeError(f"{op}: cannot compute the {ord} norm of an empty matrix, shape {list(shape_of(a))}.")
        y = sums.sum(over, keepdim=True)
    else:
        y = sums.amax(over, keepdim=True) if ord > 0 else sums.amin(over, keepdim=True)
    return y if keepdim else y.squeeze((rows, columns))


def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None, out=None):
    """A norm of matrices.

    Args:
        A: (*, m, n) floating point or complex.
        ord: "fro" (root of the sum of squares), "nuc" (sum of singular values), 2, -2 (largest,
            smallest singular value), 1, -1 (column sums), inf, -inf (row sums).
        dim: the two dimensions of the matrices.
    """
    return finish_out(matrix_norm_t(A, ord, dim, keepdim, dtype, "linalg.matrix_norm"), out, "linalg.matrix_norm")


def norm(A, ord=None, dim=None, keepdim=False, *, out=None, dtype=None):
    """`vector_norm` or `matrix_norm`, by the number of dimensions.

    With ord=None: of all elements (or those along dim) as a vector, ord 2. Otherwise one dimension
    in `dim` (or a 1-d A) means vectors, two mean matrices.
    """
    op = "linalg.norm"
    cdef Variable a = checked(A, op, "A")
    if hasattr(type(dim), "__index__"):
        dim = (dim,)
    if ord is not None:
        if dim is not None and len(dim) not in (1, 2):
            raise RuntimeError(f"{op}: If dim is specified, it must be of length 1 or 2. Got {dim}")
        if dim is None and a.nd not in (1, 2):
            raise RuntimeError(f"{op}: If dim is not specified but ord is, the input must be 1D or 2D. Got {a.nd}D.")
        if dim is None and a.nd == 2 or dim is not None and len(dim) == 2:
            y = matrix_norm_t(a, ord, dim if dim is not None else (0, 1), keepdim, dtype, op)
        else:
            if isinstance(ord, str):
                raise RuntimeError(f"{op}: Order {ord} not supported for vectors.")
            y = vector_norm_t(a, ord, dim, keepdim, dtype, op)
    else:
        y = vector_norm_t(a, 2, dim, keepdim, dtype, op)
    return finish_out(y, out, op)


def frobenius_norm(input, dim=None, keepdim=False, *, out=None):
    """The root of the sum of squares."""
    return finish_out(vector_norm_t(checked(input, "frobenius_norm", "input"), 2, dim, keepdim, None, "frobenius_norm"), out, "frobenius_norm")


def nuclear_norm(input, dim=(-2, -1), keepdim=False, *, out=None):
    """The sum of singular values."""
    return finish_out(matrix_norm_t(input, "nuc", tuple(dim), keepdim, None, "nuclear_norm"), out, "nuclear_norm")


def cond(A, p=None, *, out=None):
    """The condition number ||A|| ||A^-1|| in a norm of `matrix_norm` (default 2: of singular values)."""
    op = "linalg.cond"
    cdef Variable a = checked(A, op, "A")
    if a.nd < 2:
        raise RuntimeError(f"{op}: The input tensor A must have at least 2 dimensions, but it has shape {list(shape_of(a))}.")
    if p is None or p == 2 or p == -2:
        s = eigen.svdvals(a)
        if s.shape[-1] == 0:
            y = s.new_zeros(tuple(s.shape[:-1]))
        else:
            largest, smallest = s.select(-1, 0), s.select(-1, s.shape[-1] - 1)
            y = largest / smallest if p != -2 else smallest / largest
    else:
        if a.sizes[a.nd - 1] != a.sizes[a.nd - 2]:
            raise RuntimeError(f"{op}: A must be batches of square matrices for p={p}, but they are {a.sizes[a.nd - 2]} by {a.sizes[a.nd - 1]} matrices.")
        if a.sizes[a.nd - 1] == 0:
            y = a.new_zeros(tuple(a.shape[:-2])).abs()
        else:
            try:
                inverse = factors.inv(a)
                y = matrix_norm_t(a, p, (-2, -1), False, None, op) * matrix_norm_t(inverse, p, (-2, -1), False, None, op)
            except factors.LinAlgError:
                # singular ones are infinitely ill-conditioned
                inverse, info = factors.inv_ex(a)
                y = matrix_norm_t(a, p, (-2, -1), False, None, op) * matrix_norm_t(inverse, p, (-2, -1), False, None, op)
                y = y.masked_fill(info > 0, math.inf)
    return finish_out(y, out, op)


# ---------------------------------------------------------------------------- of products

def matrix_power(A, n, *, out=None):
    """A multiplied n times by itself; the inverse's power for negative n; the identity for 0."""
    op = "linalg.matrix_power"
    cdef Variable a = checked(A, op, "A")
    k = int(as_index(n, op))            # of Python, whose -(-2**63) is positive
    if a.nd < 2 or a.sizes[a.nd - 1] != a.sizes[a.nd - 2]:
        raise RuntimeError(f"{op}: A must be batches of square matrices, but it has shape {list(shape_of(a))}.")
    if k == 0:
        # On the tape, with a gradient of zero.
        y = a.masked_fill(create.eye(1, dtype=dtype_of(BOOL), device=a.device), 0) + create.eye(a.sizes[a.nd - 1], dtype=dtype_of(a.dt), device=a.device)
        return finish_out(y, out, op)
    base = a
    if k < 0:
        base, k = factors.inv(a), -k
    y = None
    while k:                            # binary powers
        if k & 1:
            y = base if y is None else products.matmul(y, base)
        k >>= 1
        if k:
            base = products.matmul(base, base)
    return finish_out(y.clone() if y is a else y, out, op)


def multi_dot(tensors, *, out=None):
    """The product of several matrices, in the order of fewest multiplications.

    The first and the last may be vectors.
    """
    op = "linalg.multi_dot"
    xs = list(tensors)
    if len(xs) < 2:
        raise RuntimeError(f"{op}: expected at least 2 tensors but got {len(xs)}.")
    for x in xs:
        checked(x, op, "tensors")
    row, column = xs[0].ndim == 1, xs[-1].ndim == 1
    if row:
        xs[0] = xs[0].unsqueeze(0)
    if column:
        xs[-1] = xs[-1].unsqueeze(1)
    y = contractions.best_chain(xs, op)
    if column:
        y = y.squeeze(-1)
    if row:
        y = y.squeeze(0)
    return finish_out(y, out, op)


cdef object cross_t(object input, object other, object dim, str op):
    cdef Variable a = checked(input, op, "input")
    cdef Variable b = checked(other, op, "other")
    same_dtype(a, b, op, "other")
    if a.nd != b.nd:
        raise RuntimeError(f"{op}: inputs must have the same number of dimensions, but they have shapes {list(shape_of(a))} and {list(shape_of(b))}.")
    d = wrap_dim(dim, a.nd, op)
    if a.sizes[d] != 3 or b.sizes[d] != 3:
        raise RuntimeError(f"{op}: inputs dimension {dim} must have length 3. Got {a.sizes[d]} and {b.sizes[d]}")
    x, y = a, b
    return x.roll(-1, d) * y.roll(-2, d) - x.roll(-2, d) * y.roll(-1, d)


@rounds_once
def cross(input, other, *, dim=-1, out=None):
    """The cross product of vectors of 3 elements along `dim`; other dimensions broadcast."""
    return finish_out(cross_t(input, other, dim, "linalg.cross"), out, "linalg.cross")


@rounds_once
def cross_old(input, other, dim=None, *, out=None):
    """`linalg.cross`; without `dim` along the first dimension of size 3."""
    if dim is None:
        checked(input, "cross", "input")
        sizes = [d for d in range(input.ndim) if input.shape[d] == 3]
        if not sizes:
            raise RuntimeError(f"cross: no dimension of size 3 in input {list(input.shape)}")
        dim = sizes[0]
    return finish_out(cross_t(input, other, dim, "cross"), out, "cross")


@rounds_once
def vecdot(x, y, *, dim=-1, out=None):
    """sum(conj(x) * y) along one dimension; the others broadcast."""
    cdef Variable a = checked(x, "linalg.vecdot", "x")
    cdef Variable b = checked(y, "linalg.vecdot", "y")
    if a.dt != b.dt:
        raise RuntimeError(f"linalg.vecdot: Expected vectors of same type, but got {dtype_of(a.dt).name} and {dtype_of(b.dt).name}.")
    return finish_out((conj_of(a) * b).sum(dim).to(dtype_of(a.dt)), out, "linalg.vecdot")


def tensorinv(A, ind=2, *, out=None):
    """The inverse with respect to tensordot(., ., ind): dimensions ind... come first."""
    op = "linalg.tensorinv"
    cdef Variable a = checked(A, op, "A")
    if ind <= 0:
        raise RuntimeError(f"{op}: Expected a strictly positive integer for 'ind', but got {ind}.")
    front, back = tuple(a.shape[:ind]), tuple(a.shape[ind:])
    if math.prod(front) != math.prod(back):
        raise RuntimeError(
            f"{op}: Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got {math.prod(back)} != {math.prod(front)}.")
    return finish_out(factors.inv(a.reshape(math.prod(front), math.prod(back))).reshape(back + front), out, op)


def tensorsolve(A, B, dims=None, *, out=None):
    """The X with tensordot(A, X, X.ndim) = B; `dims` of A are moved to its end first."""
    op = "linalg.tensorsolve"
    cdef Variable a = checked(A, op, "A")
    cdef Variable b = checked(B, op, "B")
    x = a
    if dims is not None:
        dims = [wrap_dim(d, a.nd, op) for d in dims]
        x = x.movedim(dims, list(range(a.nd - len(dims), a.nd)))
    shape = tuple(x.shape[b.nd:])
    if math.prod(shape) != math.prod(tuple(x.shape[:b.nd])) or math.prod(shape) != b.n:
        raise RuntimeError(
            f"{op}: Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), "
            f"but got {math.prod(shape)} != {math.prod(tuple(x.shape[:b.nd]))} with B of shape {list(shape_of(b))}.")
    return finish_out(factors.solve(x.reshape(-1 if b.n else 0, math.prod(shape)), b.reshape(-1 if b.n else 0)).reshape(shape), out, op)


cdef object powers(Variable x, int64_t n):
    from pyxtorch.ops.shape_join import cat
    y = x.new_ones(shape_of(x) + (min(n, 1),))
    return y if n <= 1 else cat((y, x.unsqueeze(-1).expand(shape_of(x) + (n - 1,)).cumprod(-1)), -1)


def vander(x, N=None):
    """Rows 1, x, x^2 ... x^(N-1) of each element: (*, n) to (*, n, N)."""
    cdef Variable a = checked(x, "linalg.vander", "x")
    k = (a.sizes[a.nd - 1] if a.nd else 1) if N is None else as_index(N, "linalg.vander")
    if k <= 1 and N is not None:
        raise RuntimeError(f"linalg.vander: N must be greater than 1, not {N}.")
    y = x
    if a.dt < INT64:
        y = x.to(dtype_of(INT64))
    if a.nd == 0:
        y = y.unsqueeze(0)
    return powers(y, k)


def vander_old(x, N=None, increasing=False):
    """Powers of a vector's elements, descending from x^(N-1) unless `increasing`."""
    cdef Variable a = checked(x, "vander", "x")
    if a.nd != 1:
        raise RuntimeError(f"vander: x must be a one-dimensional tensor, not of shape {list(shape_of(a))}.")
    k = a.n if N is None else as_index(N, "vander")
    if k < 0:
        raise RuntimeError(f"vander: N must be non-negative, not {N}.")
    v = powers(a.to(dtype_of(INT64)) if a.dt < INT64 else a, k)
    return v if increasing or v.shape[-1] == 0 else v.flip(-1)


def diagonal(A, *, offset=0, dim1=-2, dim2=-1):
    """The diagonals of matrices, as a view."""
    return checked(A, "linalg.diagonal", "A").diagonal(offset, dim1, dim2)


def matmul(input, other, *, out=None):
    """`torch.matmul`"""
    return products.matmul(input, other, out=out)


@rounds_once
def renorm(input, p, dim, maxnorm, *, out=None):
    """Slices along `dim` whose p-norm is above `maxnorm` scaled down to it (nearly: by maxnorm / (norm + 1e-7)).

    Args:
        input: at least two dimensions, floating point or complex.
        p: positive; which norm.
    """
    cdef Variable x = checked(input, "renorm", "input")
    cdef int d
    if isinstance(p, complex) or isinstance(maxnorm, complex):
        raise RuntimeError("renorm: p and maxnorm must be real-valued")
    if x.nd < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {x.nd} dimensions")
    if p <= 0:
        raise RuntimeError(f"renorm: non-positive-norm not supported: p is {p}")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    if x.dt <= INT64:
        raise RuntimeError(f"renorm: Expected a floating point or complex tensor as input. Got {dtype_of(x.dt).name}; convert with .float().")
    d = wrap_dim(dim, x.nd, "renorm")
    others = [i for i in range(x.nd) if i != d]
    size = vector_norm_t(x, p, others, True, None, "renorm")
    above = size > maxnorm
    factor = (maxnorm / (size + 1e-7)).masked_fill(above.logical_not(), 1)
    return finish_out(x * factor, out, "renorm")


linalg = {name: globals()[name] for name in (
    "matrix_norm", "norm", "cond", "matrix_power", "multi_dot", "cross", "vecdot", "tensorinv", "tensorsolve", "vander",
    "diagonal", "matmul",
)}

__all__ = ["matrix_power", "frobenius_norm", "nuclear_norm", "renorm"]
exports = {"cross": cross_old, "vander": vander_old}
methods = {"matrix_power": matrix_power, "cross": cross_old, "renorm": renorm, "renorm_": inplace(renorm)}
