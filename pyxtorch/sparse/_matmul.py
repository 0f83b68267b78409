"""Products with sparse matrices, by the compiled kernels of scipy.sparse.

A `Pattern` is where a matrix has elements; its values are a recorded tensor beside it. SciPy's kernels believe the indices that
they are given: `Pattern.scipy` looks at them each time, as a program may have written into them since the tensor was made.
"""
import pyxtorch as torch
from pyxtorch._compound import parts_of
from pyxtorch.autograd import Function
from pyxtorch.sparse._convert import at_places, coo_indices, flat_of, to_layout
from pyxtorch.sparse._layout import COO, CSC, CSR, build, refuse, values_of, with_values
from pyxtorch.sparse._shape import finish, t

_CHUNK = 1 << 22        # elements of a product of rows and columns that are computed at a time


class Pattern:
    """Where a matrix has elements: indices in one of the three layouts, and a shape."""

    def __init__(self, layout, indices, shape):
        self.layout, self.indices, self.shape, self._pairs = layout, indices, tuple(shape), None

    def pairs(self):
        """(rows, columns) of the elements, int64."""
        if self._pairs is None:
            self._pairs = coo_indices(self)
        return self._pairs

    def transposed(self):
        shape = self.shape[::-1]
        if self.layout is COO:
            return Pattern(COO, self.indices.flip(0), shape)
        return Pattern(CSC if self.layout is CSR else CSR, self.indices, shape)

    def scipy(self, values):
        """The SciPy matrix of these values; RuntimeError if an index lies outside."""
        import scipy.sparse as sp

        values = values.detach()
        values = (values.float() if values.dtype in (torch.float16, torch.bfloat16) else values).contiguous().numpy()
        if self.layout is COO:
            rows, columns = (i.contiguous().numpy() for i in self.indices)
            for index, length, what in (rows, self.shape[0], "row"), (columns, self.shape[1], "column"):
                if index.size and (index.min() < 0 or index.max() >= length):
                    raise RuntimeError(f"sparse matrix: a {what} index lies outside 0..{length - 1}: the indices were changed since the tensor was made.")
            return sp.coo_array((values, (rows, columns)), shape=self.shape)
        compressed, plain = (i.contiguous().numpy() for i in self.indices)
        width = self.shape[1 if self.layout is CSR else 0]
        if plain.size and (plain.min() < 0 or plain.max() >= width):
            raise RuntimeError(f"sparse matrix: an index lies outside 0..{width - 1}: the indices were changed since the tensor was made.")
        if compressed[0] != 0 or compressed[-1] != plain.size or (compressed[1:] < compressed[:-1]).any():
            raise RuntimeError(f"sparse matrix: the compressed indices do not go up from 0 to {plain.size}: they were changed since the tensor was made.")
        return (sp.csr_array if self.layout is CSR else sp.csc_array)((values, plain, compressed), shape=self.shape)


def pattern_of(x):
    parts = parts_of(x)
    return Pattern(parts.layout, parts.indices, x.shape)


# -------------------------------------------------------------------------- sparse times dense

class Product(Function):
    """values, dense (k, n) -> the product of the matrix (m, k) that has the values with `dense`."""

    @staticmethod
    def forward(ctx, values, dense, pattern):
        ctx.save_for_backward(values, dense)
        ctx.pattern = pattern
        wide = dense.detach()
        wide = (wide.float() if wide.dtype in (torch.float16, torch.bfloat16) else wide).contiguous().numpy()
        matrix = pattern.scipy(values)
        return torch.from_numpy((matrix.tocsr() if pattern.layout is COO else matrix) @ wide).to(dense.dtype)

    @staticmethod
    def backward(ctx, g):
        values, dense = ctx.saved_tensors
        pattern = ctx.pattern
        to_values = to_dense_ = None
        if ctx.needs_input_grad[0]:
            to_values = at_pairs(g, dense.conj().resolve_conj(), pattern)
        if ctx.needs_input_grad[1]:
            to_dense_ = product(values.conj().resolve_conj(), g, pattern.transposed())
        return to_values, to_dense_, None


def product(values, dense, pattern):
    return Product.apply(values, dense, pattern)


def at_pairs(a, b, pattern):
    """The elements of a (m, n) @ b.T (n, k) where the pattern (m, k) has some."""
    rows, columns = pattern.pairs()
    step = max(1, _CHUNK // max(1, a.shape[1]))
    pieces = [
        (a.index_select(0, rows[i : i + step]) * b.index_select(0, columns[i : i + step])).sum(1) for i in range(0, rows.shape[0], step)
    ]
    return torch.cat(pieces) if pieces else torch.zeros(0, dtype=a.dtype)


# ------------------------------------------------------------------------- sparse times sparse

class SparseProduct(Function):
    """The values of a product of two sparse matrices, in the pattern that SciPy finds for it."""

    @staticmethod
    def forward(ctx, a, b, left, right, found):
        ctx.save_for_backward(a, b)
        c = left.scipy(a).tocsr() @ right.scipy(b).tocsr()
        c.sum_duplicates()
        indices = tuple(torch.from_numpy(i).to(torch.int64) for i in (c.indptr, c.indices))
        ctx.patterns = left, right, Pattern(CSR, indices, (left.shape[0], right.shape[1]))
        found.append(ctx.patterns[2])
        return torch.from_numpy(c.data).to(a.dtype)

    @staticmethod
    def backward(ctx, g):
        a, b = ctx.saved_tensors
        left, right, made = ctx.patterns
        to_a = to_b = None
        if ctx.needs_input_grad[0]:
            to_a = picked(*sparse_product(g, b.conj().resolve_conj(), made, right.transposed()), left)
        if ctx.needs_input_grad[1]:
            to_b = picked(*sparse_product(a.conj().resolve_conj(), g, left.transposed(), made), right)
        return to_a, to_b, None, None, None


def sparse_product(a, b, left, right):
    """(values, pattern) of the product of two sparse matrices."""
    found = []
    return SparseProduct.apply(a, b, left, right, found), found[0]


def picked(values, pattern, wanted):
    """The elements of a matrix of layout CSR, its columns in order, where another pattern has some."""
    return at_places(flat_of(pattern.pairs(), pattern.shape), values, flat_of(wanted.pairs(), wanted.shape))


# ------------------------------------------------------------------------------- operations

def _check(a, b, op):
    for x, place in (a, 1), (b, 2):
        if not isinstance(x, torch.Tensor):
            raise TypeError(f"{op}(): argument {place} must be Tensor, not {type(x).__name__}")
        if x.is_nested:
            raise RuntimeError(f"{op}: argument {place} is a nested tensor; sparse and nested ones cannot be multiplied.")
        if x.ndim != 2:
            raise RuntimeError(f"{op}: expected 2-D tensors, but argument {place} has shape {list(x.shape)}.")
        parts = parts_of(x)
        if parts is not None and parts.dense_dim:
            raise RuntimeError(f"{op}: expected a matrix of 2 sparse dimensions, but argument {place} has {parts.dense_dim} dense ones.")
        if x.device.type != "cpu":
            raise RuntimeError(f"{op}: sparse products are computed on the CPU, but argument {place} is on {x.device}.")
    if a.shape[1] != b.shape[0]:
        raise RuntimeError(f"{op}: the inner sizes must be the same: {list(a.shape)} times {list(b.shape)}; Expected dim 0 size {a.shape[1]}, got {b.shape[0]}")
    if a.dtype is not b.dtype:
        raise RuntimeError(f"{op}: expected both to have the same dtype, but found {a.dtype!r} and {b.dtype!r}")


def mm(a, b, *, out=None):
    """The product of two matrices of which one, or both, are sparse; sparse only if both are."""
    return finish(_mm(a, b, "mm"), out)


def _autocast(x):
    """An operand as autocast has it: products are on its list of the lower precision."""
    lower = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else None
    return x if lower is None or not isinstance(x, torch.Tensor) or not x.is_floating_point() or x.dtype is torch.float64 else x.to(lower)


def _mm(a, b, op):
    a, b = _autocast(a), _autocast(b)
    _check(a, b, op)
    if parts_of(a) is None and parts_of(b) is None:
        return torch.mm(a, b)
    if parts_of(a) is None:
        return product(values_of(b), a.t(), pattern_of(b).transposed()).t()
    if parts_of(b) is None:
        return product(values_of(a), b, pattern_of(a))
    values, pattern = sparse_product(values_of(a), values_of(b), pattern_of(a), pattern_of(b))
    if a.layout is COO:
        return build(COO, pattern.pairs(), values, pattern.shape, True)
    return to_layout(build(CSR, pattern.indices, values, pattern.shape), a.layout)


def mv(x, vec, *, out=None):
    if parts_of(x) is None or vec.ndim != 1 or x.ndim != 2:
        raise RuntimeError(f"mv: expected a sparse matrix and a strided vector, got shapes {list(x.shape)} and {list(vec.shape)}.")
    if x.shape[1] != vec.shape[0]:
        raise RuntimeError(f"mv: expected self.size(-1) == vec.size(-1), but got {list(x.shape)} and {list(vec.shape)}")
    return finish(_mm(x, vec.unsqueeze(1), "mv").squeeze(1), out)


def matmul(a, b, *, out=None):
    """As torch.matmul, for a sparse matrix and matrices, vectors, or batches of them on the other side."""
    if a.ndim == 2 and b.ndim == 2:
        return mm(a, b, out=out)
    if parts_of(a) is not None and parts_of(b) is None and a.ndim == 2:
        if b.ndim == 1:
            return mv(a, b, out=out)
        if b.ndim > 2:          # all batches side by side
            columns = b.movedim(-2, 0)
            return finish(_mm(a, columns.reshape(b.shape[-2], -1), "matmul").reshape(a.shape[0], *columns.shape[1:]).movedim(0, -2), out)
    if parts_of(a) is None and parts_of(b) is not None and b.ndim == 2:
        if a.ndim == 1:
            return finish(_mm(a.unsqueeze(0), b, "matmul").squeeze(0), out)
        if a.ndim > 2:
            return finish(_mm(a.reshape(-1, a.shape[-1]), b, "matmul").reshape(*a.shape[:-1], b.shape[1]), out)
    if parts_of(a) is not None and a.ndim == 3 and b.ndim == 3:
        return bmm(a, b, out=out)
    raise RuntimeError(
        f"matmul: sparse tensors are multiplied as matrices, or bmm of a batch of them with a strided one; the shapes are {list(a.shape)} and {list(b.shape)}."
    )


def rmatmul(x, other):
    return matmul(other, x)


def bmm(a, b, *, out=None, out_dtype=None):
    """A batch of sparse matrices, (n, m, k) in layout COO, times a strided batch."""
    parts = parts_of(a)
    if parts is None or parts.layout is not COO or parts_of(b) is not None:
        refuse(torch.bmm, parts or parts_of(b))
    if parts.indices.shape[0] != 3:
        raise RuntimeError(f"bmm_sparse: Tensor 'self' must have 3 sparse dims, but has {parts.indices.shape[0]}")
    if b.ndim != 3 or b.shape[0] != a.shape[0] or b.shape[1] != a.shape[2]:
        raise RuntimeError(f"bmm_sparse: sizes do not fit: {list(a.shape)} and {list(b.shape)}")
    if a.dtype is not b.dtype:
        raise RuntimeError(f"bmm: expected both to have the same dtype, but found {a.dtype!r} and {b.dtype!r}")
    n, m, k = a.shape           # one matrix with the batch along its diagonal
    batch, row, column = parts.indices
    pattern = Pattern(COO, torch.stack((batch * m + row, batch * k + column)), (n * m, n * k))
    return finish(product(values_of(a), b.reshape(n * k, -1), pattern).reshape(n, m, -1), out)


def addmm(x, a, b, *, beta=1, alpha=1, out=None):
    """beta x + alpha a @ b."""
    y = _mm(a, b, "addmm")
    if parts_of(y) is None and parts_of(x) is None:
        return finish((beta * x + alpha * y if beta else alpha * y).to(y.dtype), out)
    if parts_of(x) is None or parts_of(y) is None:
        raise RuntimeError(f"addmm: expected self and result of the layout of the product, {y.layout!r}, but got {x.layout!r}.")
    return finish(torch.add(x * beta, y * alpha), out)


def addmm_(x, a, b, *, beta=1, alpha=1):
    y = addmm(x, a, b, beta=beta, alpha=alpha)
    return x.copy_(y)


def addmv(x, matrix, vec, *, beta=1, alpha=1, out=None):
    return finish(beta * x + alpha * mv(matrix, vec), out)


def linear(input, weight, bias=None):
    """input @ weight.T + bias with a sparse weight."""
    if parts_of(weight) is None or parts_of(input) is not None:
        refuse(torch.nn.functional.linear, parts_of(weight) or parts_of(input))
    y = matmul(input, t(weight))
    return y if bias is None else y + bias


def sampled_addmm(input, mat1, mat2, *, beta=1.0, alpha=1.0, out=None):
    """alpha (mat1 @ mat2) at the elements of `input`, a sparse matrix of layout CSR or CSC, plus beta input."""
    parts = parts_of(input)
    if parts is None or parts.layout is COO:
        raise RuntimeError(f"sampled_addmm: Expected input to have sparse csr layout, but got {input.layout!r}")
    for x, name in (mat1, "mat1"), (mat2, "mat2"):
        if parts_of(x) is not None or x.ndim != 2:
            raise RuntimeError(f"sampled_addmm: Expected {name} to be a strided matrix, but got {x.layout!r} of shape {list(x.shape)}")
        if x.dtype is not input.dtype:
            raise RuntimeError(f"sampled_addmm: Expected {name} and input to have the same dtype, but got {x.dtype!r} and {input.dtype!r}")
    if mat1.shape[1] != mat2.shape[0] or (mat1.shape[0], mat2.shape[1]) != tuple(input.shape):
        raise RuntimeError(f"sampled_addmm: shapes do not fit: {list(mat1.shape)} times {list(mat2.shape)} at {list(input.shape)}")
    values = alpha * at_pairs(mat1, mat2.t(), pattern_of(input))
    return finish(with_values(input, values + beta * values_of(input) if beta else values), out)


# How a product of CSR with a strided matrix can be reduced: `sparse.mm(a, b, reduce)`.
def mm_reduced(a, b, reduce):
    """For each row of `a` (CSR) the sum, mean, amax or amin of its elements' products with the rows of `b`."""
    if reduce not in ("sum", "mean", "amax", "amin"):
        raise RuntimeError(f"sparse.mm: reduce must be 'sum', 'mean', 'amax' or 'amin', not {reduce!r}.")
    _check(a, b, "sparse.mm")
    if parts_of(a) is None or a.layout is not CSR or parts_of(b) is not None:
        raise NotImplementedError(f"sparse.mm: reduce needs a first argument of layout sparse_csr and a strided second one, not {a.layout!r} and {b.layout!r}.")
    if reduce == "sum":
        return _mm(a, b, "sparse.mm")
    rows, columns = pattern_of(a).pairs()
    terms = values_of(a).unsqueeze(1) * b.index_select(0, columns)
    start = torch.zeros((a.shape[0], b.shape[1]), dtype=terms.dtype)
    return start.scatter_reduce(0, rows.unsqueeze(1).expand(terms.shape), terms, reduce, include_self=False)


def spdiags(diagonals, offsets, shape, layout=None):
    """A sparse matrix with the rows of `diagonals` on the diagonals `offsets`."""
    rows = diagonals.unsqueeze(0) if diagonals.ndim < 2 else diagonals
    places = offsets.reshape(1) if offsets.ndim == 0 else offsets
    if rows.ndim != 2:
        raise RuntimeError(f"Diagonals must be vector or matrix, not of shape {list(diagonals.shape)}")
    if len(shape) != 2:
        raise RuntimeError("Output shape must be 2d")
    if layout not in (None, COO, CSR, CSC):
        raise RuntimeError(f"Only output layouts (sparse_coo, sparse_csc and sparse_csr) are supported, got {layout!r}")
    if places.ndim != 1:
        raise RuntimeError("Offsets must be scalar or vector")
    if places.dtype is not torch.int64:
        raise RuntimeError(f"Offset Tensor must have dtype Long but got {places.dtype!r}")
    if rows.shape[0] != places.shape[0]:
        raise RuntimeError(f"Number of diagonals ({rows.shape[0]}) does not match the number of offsets ({places.shape[0]})")
    if torch.unique(places).shape[0] != places.shape[0]:
        raise RuntimeError("Offset tensor contains duplicate values")
    height, width = shape
    column = torch.arange(rows.shape[1]).expand(rows.shape)
    row = column - places.unsqueeze(1)
    keep = ((row >= 0) & (row < height) & (column < width)).reshape(-1).nonzero().reshape(-1)
    indices = torch.stack((row.reshape(-1), column.reshape(-1))).index_select(1, keep)
    y = build(COO, indices, rows.reshape(-1).index_select(0, keep), (height, width))
    return y if layout is None else to_layout(y, layout)


def hspmm(a, b, *, out=None):
    """a @ b of a COO matrix and a strided one, as a hybrid tensor: the rows that `a` has elements in."""
    _check(a, b, "hspmm")
    if parts_of(a) is None or parts_of(b) is not None:
        raise RuntimeError("hspmm: Argument #2: expected a sparse tensor and a strided one.")
    rows, columns = pattern_of(a).pairs()
    present, place = torch.unique(rows, return_inverse=True)
    pattern = Pattern(COO, torch.stack((place, columns)), (present.shape[0], a.shape[1]))
    return finish(build(COO, present.unsqueeze(0), product(values_of(a), b, pattern), (a.shape[0], b.shape[1]), True), out)


def smm(a, b):
    """a @ b of a COO matrix and a strided one, as a sparse matrix."""
    y = hspmm(a, b)
    parts = parts_of(y)
    count, width = parts.values.shape
    row = torch.repeat_interleave(parts.indices[0], width)
    column = torch.arange(width).repeat(count)
    return build(COO, torch.stack((row, column)), values_of(y).reshape(-1), y.shape, True)


def sspaddmm(x, a, b, *, beta=1, alpha=1, out=None):
    """beta x + alpha a @ b, with x and a sparse and b strided, as a sparse matrix."""
    if parts_of(x) is None:
        raise RuntimeError("sspaddmm: Argument #1: Expected sparse input")
    return finish(torch.add(x * beta, smm(a, b) * alpha), out)


class Solved(Function):
    """values, right side (n, k) -> the solution of the matrix that has the values."""

    @staticmethod
    def forward(ctx, values, other, pattern):
        from scipy.sparse.linalg import splu

        try:
            x = torch.from_numpy(splu(pattern.scipy(values).tocsc()).solve(other.detach().contiguous().numpy()))
        except RuntimeError as error:
            raise RuntimeError(f"spsolve: the matrix is singular ({error}).") from None
        ctx.save_for_backward(values, x)
        ctx.pattern = pattern
        return x

    @staticmethod
    def backward(ctx, g):
        values, x = ctx.saved_tensors
        to_other = Solved.apply(values.conj().resolve_conj(), g, ctx.pattern.transposed())
        to_values = -at_pairs(to_other, x.conj().resolve_conj(), ctx.pattern) if ctx.needs_input_grad[0] else None
        return to_values, to_other if ctx.needs_input_grad[1] else None, None


def spsolve(input, other):
    parts = parts_of(input)
    if parts is None or parts.layout is COO or input.ndim != 2 or input.shape[0] != input.shape[1]:
        raise RuntimeError(f"spsolve: expected a square matrix of layout sparse_csr, but got {input.layout!r} of shape {list(input.shape)}")
    if parts_of(other) is not None or other.ndim not in (1, 2) or other.shape[0] != input.shape[0] or other.dtype is not input.dtype:
        raise RuntimeError(f"spsolve: the right side must be strided, of {input.shape[0]} rows and {input.dtype!r}, but is {list(other.shape)} of {other.dtype!r}")
    if input.dtype not in (torch.float32, torch.float64, torch.complex64, torch.complex128):
        raise RuntimeError(f"spsolve: not implemented for {input.dtype!r}.")
    x = Solved.apply(values_of(input), other.reshape(other.shape[0], -1), pattern_of(input))
    return x.reshape(other.shape)
