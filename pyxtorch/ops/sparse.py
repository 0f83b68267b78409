"""Sparse tensors: what makes them, and what looks at their parts. All the rest is in pyxtorch/sparse, imported when the first is made.

Methods of tensors stand here for strided ones; what they do with sparse ones is in the table of pyxtorch/sparse/_table.py.
"""
from pyxtorch.autograd import Variable
from pyxtorch.ops.matmul import addmm, mm


def _tensor(x, op):
    if not isinstance(x, Variable):
        raise TypeError(f"{op}(): argument 'self' must be Tensor, not {type(x).__name__}")
    return x


def sparse_coo_tensor(indices=None, values=None, size=None, *, dtype=None, device=None, requires_grad=False, check_invariants=None,
                      is_coalesced=None, pin_memory=False, layout=None):
    """A sparse tensor of layout COO: `values` at `indices`; values at an index that is there several times are added up.

    Args:
        indices: (sparse_dim, nnz), any integers; each column is the index of one element.
        values: (nnz, *dense dims); further dimensions make a hybrid tensor. Its memory is shared.
        size: the shape; None: the smallest that the indices fit in. `sparse_coo_tensor(size)` alone has no elements.
        is_coalesced: whether no index is there twice, and they are in order.
        check_invariants: whether `is_coalesced` is checked (see torch.sparse.check_sparse_tensor_invariants).
    Gradient: of the values.
    Raises:
        RuntimeError: an index lies outside the size, or shapes do not fit.
    """
    from pyxtorch.sparse._layout import coo_tensor

    if indices is None and size is None:
        raise TypeError("sparse_coo_tensor() received an invalid combination of arguments: give indices and values, or a size.")
    if layout is not None and str(layout) != "torch.sparse_coo":
        raise TypeError(f"sparse_coo_tensor(): layout must be sparse_coo, not {layout!r}")
    return coo_tensor(indices, values, size, dtype, device, requires_grad, check_invariants, is_coalesced)


def sparse_compressed_tensor(compressed_indices, plain_indices, values, size=None, *, dtype=None, layout=None, device=None, pin_memory=False,
                             requires_grad=False, check_invariants=None):
    """A sparse matrix of layout CSR or CSC.

    Args:
        compressed_indices: (rows + 1,), or (columns + 1,) for CSC: where each row (column) begins among the elements; int32 or int64.
        plain_indices: (nnz,) the column (row) of each element.
        values: (nnz, *dense dims).
        size: (rows, columns, *dense dims); None: as large as the indices say.
        layout: sparse_csr or sparse_csc.
    Gradient: of the values.
    Raises:
        RuntimeError: indices that do not make a matrix of this size.
    """
    from pyxtorch.sparse._layout import compressed_tensor

    return compressed_tensor(
        compressed_indices, plain_indices, values, size, layout, "sparse_compressed_tensor", dtype, device, requires_grad, check_invariants
    )


def sparse_csr_tensor(crow_indices, col_indices, values, size=None, *, dtype=None, layout=None, device=None, pin_memory=False,
                      requires_grad=False, check_invariants=None):
    """A sparse matrix by compressed rows: `sparse_compressed_tensor` of layout sparse_csr."""
    return _compressed("sparse_csr", layout, (crow_indices, col_indices, values, size), dtype, device, requires_grad, check_invariants)


def sparse_csc_tensor(ccol_indices, row_indices, values, size=None, *, dtype=None, layout=None, device=None, pin_memory=False,
                      requires_grad=False, check_invariants=None):
    """A sparse matrix by compressed columns: `sparse_compressed_tensor` of layout sparse_csc."""
    return _compressed("sparse_csc", layout, (ccol_indices, row_indices, values, size), dtype, device, requires_grad, check_invariants)


def _compressed(name, layout, parts, dtype, device, requires_grad, check_invariants):
    from pyxtorch.sparse._layout import CSC, CSR, NAMES, compressed_tensor

    own = CSR if name == "sparse_csr" else CSC
    if layout not in (None, own):
        if layout not in NAMES:
            raise TypeError(f"{name}_tensor: argument 'layout' must be {own}, not {layout!r}.")
        raise RuntimeError(f"{name}_tensor: layout must be {NAMES[own]} but got {NAMES[layout]}")
    return compressed_tensor(*parts, own, f"{name}_tensor", dtype, device, requires_grad, check_invariants)


# ------------------------------------------------------------------ methods, as strided tensors have them

def to_dense(self, dtype=None, *, masked_grad=None):
    """The strided tensor of the same elements: itself, if it is one.

    Args:
        dtype: of the result.
        masked_grad: accepted; the gradient of a sparse tensor is of its own indices.
    """
    return _tensor(self, "to_dense") if dtype is None else self.to(dtype)


def to_sparse(self, sparse_dim=None, *, layout=None, blocksize=None, dense_dim=None):
    """The sparse tensor of the elements that are not zero.

    Args:
        sparse_dim: how many dimensions, from the first on, have indices (layout COO); None: all.
        layout: sparse_coo (None), sparse_csr or sparse_csc.
        dense_dim: how many dimensions of a CSR or CSC tensor are in the values.
    """
    from pyxtorch.sparse import _table

    return _table.to_sparse(self, sparse_dim, layout=layout, blocksize=blocksize, dense_dim=dense_dim)


def to_sparse_coo(self):
    """`to_sparse()`: layout COO."""
    return to_sparse(self)


def to_sparse_csr(self, dense_dim=None):
    """A matrix in layout CSR, the elements that are not zero."""
    from pyxtorch.sparse import _table

    return _table.to_csr(self, dense_dim)


def to_sparse_csc(self, dense_dim=None):
    """A matrix in layout CSC, the elements that are not zero."""
    from pyxtorch.sparse import _table

    return _table.to_csc(self, dense_dim)


def sparse_mask(self, mask):
    """The elements of a strided (or sparse) tensor at the indices of a sparse `mask` of the same shape."""
    raise RuntimeError(f"sparse_mask: the mask must be a sparse tensor, but is of layout {mask.layout!r}.")


def sparse_dim(self):
    """How many dimensions have indices: 0 of a strided tensor."""
    _tensor(self, "sparse_dim")
    return 0


def dense_dim(self):
    """How many dimensions have none: all of a strided tensor."""
    return _tensor(self, "dense_dim").ndim


def to_padded_tensor(self, padding, output_size=None):
    """A strided tensor with the components of a nested one, and `padding` where they have no elements: see pyxtorch.nested."""
    raise RuntimeError(f"to_padded_tensor: expected a nested tensor, not one of shape {list(_tensor(self, 'to_padded_tensor').shape)}.")


def is_sparse_csr(self):
    """Whether the layout is sparse_csr."""
    return False


_KINDS = {"coordinate": "indices coalesce is_coalesced _coalesced_", "row compressed": "crow_indices col_indices", "column compressed": "ccol_indices row_indices"}
_TEXTS = {
    "indices": "The indices, (sparse_dim, nnz), of a coalesced COO tensor.",
    "values": "The values, (nnz, *dense dims), of a sparse tensor (coalesced, if COO). Gradient: sparse, of the same indices.",
    "_indices": "The indices of a COO tensor as they are.",
    "_values": "The values of a sparse tensor as they are, without a gradient.",
    "_nnz": "How many elements a sparse tensor keeps.",
    "coalesce": "The COO tensor in which every index is there once, and in order.",
    "is_coalesced": "Whether every index of a COO tensor is there once, and in order.",
    "_coalesced_": "Say of a COO tensor that it is coalesced, or not.",
    "crow_indices": "Where each row of a CSR tensor begins, (rows + 1,).",
    "col_indices": "The column of each element of a CSR tensor, (nnz,).",
    "ccol_indices": "Where each column of a CSC tensor begins, (columns + 1,).",
    "row_indices": "The row of each element of a CSC tensor, (nnz,).",
    "sparse_resize_": "Another shape for a COO tensor in place: (size, sparse_dim, dense_dim). Where it has elements, only a larger one.",
    "sparse_resize_and_clear_": "Another shape for a COO tensor in place, without elements: (size, sparse_dim, dense_dim).",
    "resize_as_sparse_": "The shape of another sparse tensor, in place.",
    "smm": "self @ mat of a COO matrix and a strided one, as a sparse matrix.",
    "sspaddmm": "beta self + alpha mat1 @ mat2, with self and mat1 sparse and mat2 strided, as a sparse matrix.",
    "hspmm": "mat1 @ mat2 of a COO matrix and a strided one, as a COO tensor with one sparse dimension.",
}


def _of_sparse(name):
    """The method `name`, which strided tensors do not have."""
    what = next((f"sparse {kind}" for kind, names in _KINDS.items() if name in names.split()), "sparse")
    error = NotImplementedError if name in ("_indices", "_values", "_nnz") else RuntimeError

    def method(self, *args, **kwargs):
        raise error(f"{name} expected {what} tensor layout but got {'Strided' if str(self.layout) == 'torch.strided' else self.layout}")

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"{_TEXTS[name]}\n\n    Raises:\n        {error.__name__}: the tensor is strided.\n    "
    return method


methods = {
    "to_dense": to_dense, "to_sparse": to_sparse, "to_sparse_coo": to_sparse_coo, "to_sparse_csr": to_sparse_csr, "to_sparse_csc": to_sparse_csc,
    "to_padded_tensor": to_padded_tensor, "sparse_mask": sparse_mask, "sparse_dim": sparse_dim, "dense_dim": dense_dim, "_dimI": sparse_dim, "_dimV": dense_dim,
    **{name: _of_sparse(name) for name in _TEXTS if name != "hspmm"},
}
properties = {"is_sparse_csr": is_sparse_csr}
smm, sspaddmm, hspmm, resize_as_sparse_ = methods["smm"], methods["sspaddmm"], _of_sparse("hspmm"), methods["resize_as_sparse_"]
exports = {"spmm": mm, "dsmm": mm, "hsmm": hspmm, "saddmm": addmm}      # old names
__all__ = [
    "hspmm", "resize_as_sparse_", "smm", "sparse_coo_tensor", "sparse_compressed_tensor", "sparse_csc_tensor", "sparse_csr_tensor", "sspaddmm",
]
