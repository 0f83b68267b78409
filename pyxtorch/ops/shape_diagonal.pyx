"""Diagonals read and written, and matrices turned."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable
from pyxtorch.ops._common cimport *
from pyxtorch.ops.shape cimport cloned
from pyxtorch.ops.shape_part cimport DIAGONAL, put_part

from pyxtorch.ops import shape_part
from pyxtorch.ops.shape_join import flip


def diag_embed(Variable input not None, offset=0, dim1=-2, dim2=-1):
    """Zeros with the last dimension of `input` along the diagonal of two new dimensions.

    Args:
        input: (*, n).
        offset: which diagonal; positive ones lie above the main one.
        dim1, dim2: the places of the new dimensions, of size n + |offset|, in the result.
    Raises:
        IndexError: a dimension is out of range. RuntimeError: both are the same.
    Gradient: the diagonal.
    """
    cdef int nd = input.nd + 1
    cdef int a = wrap_dim(dim1, nd, "diag_embed")
    cdef int b = wrap_dim(dim2, nd, "diag_embed")
    if a == b:
        raise RuntimeError(f"diag_embed: diagonal dimensions cannot be identical {dim1}, {dim2}")
    if input.nd == 0:
        raise RuntimeError("diag_embed: expected at least one dimension; use .reshape(1).")
    offset = as_index(offset, "diag_embed")
    sizes = list(shape_of(input))
    side = sizes.pop() + abs(offset)
    for d in sorted((a, b)):
        sizes.insert(d, side)
    return put_part(input, tuple(sizes), DIAGONAL, offset, a, b, 0)


def diag(Variable input not None, diagonal=0, *, out=None):
    """A copy of a diagonal of a matrix; of a vector, the matrix with it on a diagonal."""
    if input.nd == 1:
        return finish_out(diag_embed(input, diagonal), out, "diag")
    if input.nd != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.nd}D")
    return finish_out(cloned(<Variable?>shape_part.diagonal(input, diagonal)), out, "diag")


def diagflat(Variable input not None, offset=0):
    """The matrix with all elements of `input` on a diagonal."""
    return diag_embed(<Variable?>input.reshape(-1), offset)


def trace(Variable input not None, *, out=None):
    """The sum of the diagonal of a matrix; int64 of integers."""
    if input.nd != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.nd}")
    return finish_out(shape_part.diagonal(input).sum(), out, "trace")


def fill_diagonal_(Variable self not None, fill_value, wrap=False):
    """Fill the main diagonal in place: of a matrix, or of a tensor whose dimensions are all of one length.

    Args:
        wrap: in a matrix with more rows than columns, begin again below, one row left out.
    """
    sizes = shape_of(self)
    if self.nd < 2:
        raise RuntimeError(f"fill_diagonal_: dimensions must larger than 1, but the tensor has {self.nd}.")
    if self.nd > 2:
        if len(set(sizes)) != 1:
            raise RuntimeError(f"fill_diagonal_: all dimensions of input must be of equal length, but they are {list(sizes)}.")
        if self.n:
            self.as_strided(sizes[:1], (sum(self.stride()),), self.storage_offset()).fill_(fill_value)
        return self
    rows, columns = sizes
    for start in range(0, rows if wrap else min(rows, 1), columns + 1):
        shape_part.diagonal(self[start:]).fill_(fill_value)
    return self


def fliplr(Variable input not None):
    """Columns (dimension 1) in reverse order, in new memory."""
    if input.nd < 2:
        raise RuntimeError(f"fliplr: Input must be >= 2-d, not {input.nd}-d.")
    return flip(input, 1)


def flipud(Variable input not None):
    """Rows (dimension 0) in reverse order, in new memory."""
    if input.nd < 1:
        raise RuntimeError("flipud: Input must be >= 1-d, not 0-d.")
    return flip(input, 0)


def rot90(Variable input not None, k=1, dims=(0, 1)):
    """Turn by k quarters in the plane of two dimensions, from the first towards the second, in new memory."""
    dims = tuple(dims)
    if len(dims) != 2:
        raise RuntimeError(f"rot90: expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.nd < 2:
        raise RuntimeError(f"rot90: expected total dims >= 2, but got total dims = {input.nd}")
    a, b = wrap_dim(dims[0], input.nd, "rot90"), wrap_dim(dims[1], input.nd, "rot90")
    if a == b:
        raise RuntimeError(f"rot90: expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    k %= 4
    if k == 0:
        return cloned(input)
    if k == 2:
        return flip(input, a, b)
    return flip(input, b if k == 1 else a).transpose(a, b)


__all__ = ["diag_embed", "diag", "diagflat", "trace", "fliplr", "flipud", "rot90"]
methods = {name: globals()[name] for name in __all__}
methods["fill_diagonal_"] = fill_diagonal_
