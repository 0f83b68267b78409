"""torch.sparse: sparse tensors, of layouts COO, CSR and CSC.

A sparse tensor keeps indices and values instead of all its elements. It is made by `torch.sparse_coo_tensor` and its like, or by
`Tensor.to_sparse`; docs/architecture.md, "Sparse tensors", says how it works. Products are computed by scipy.sparse.
"""
import pyxtorch as torch
from pyxtorch import _gate
from pyxtorch._compound import parts_of
from pyxtorch.sparse import _math, _matmul
from pyxtorch.sparse._layout import COO, check_sparse_tensor_invariants


def mm(mat1, mat2, reduce=None):
    """The product of two matrices of which one, or both, are sparse; sparse only if both are.

    Args:
        mat1, mat2: (n, m) and (m, p), of one dtype, on the CPU.
        reduce: "sum", "mean", "amax" or "amin" of each row's products (mat1 of layout CSR, mat2 strided).
    Gradient: to strided operands a strided tensor, to sparse ones a sparse tensor of their indices.
    Raises:
        RuntimeError: shapes or dtypes do not fit.
    """
    return _matmul.mm(mat1, mat2) if reduce is None else _matmul.mm_reduced(mat1, mat2, reduce)


def addmm(mat, mat1, mat2, *, beta=1.0, alpha=1.0):
    """beta mat + alpha (mat1 @ mat2), with a sparse mat1 (n, m) and a strided mat2 (m, p); mat is (n, p)."""
    return _matmul.addmm(mat, mat1, mat2, beta=beta, alpha=alpha)


def sum(input, dim=None, dtype=None):
    """The sum of a COO tensor over dimensions (all: None): strided where no sparse dimension is left, else sparse.

    Gradient: a sparse tensor of the input's indices.
    """
    if parts_of(input) is None or input.layout is not COO:
        raise RuntimeError(f"sparse.sum: expected a tensor of layout sparse_coo, not {input.layout!r}.")
    return _math.sum_of(input, dim, False, dtype)


def softmax(input, dim, *, dtype=None):
    """Softmax of a COO tensor along a dimension; elements that are not there count as -inf. Gives a coalesced COO tensor."""
    return _math.softmax(input, dim, dtype)


def log_softmax(input, dim, *, dtype=None):
    """The logarithm of `softmax`."""
    return _math.softmax(input, dim, dtype, True)


def sampled_addmm(input, mat1, mat2, *, beta=1.0, alpha=1.0, out=None):
    """alpha (mat1 @ mat2) at the elements of `input`, a matrix of layout CSR or CSC, plus beta input; in that pattern."""
    return _matmul.sampled_addmm(input, mat1, mat2, beta=beta, alpha=alpha, out=out)


def spdiags(diagonals, offsets, shape, layout=None):
    """A sparse matrix with the rows of `diagonals` on the diagonals `offsets` (int64; 0: the main one, above: positive).

    Element j of a row stands in column j. `layout`: sparse_coo (None), sparse_csr or sparse_csc.
    """
    return _matmul.spdiags(diagonals, offsets, shape, layout)


def spsolve(input, other, *, left=True):
    """Solve input @ x = other, with a square matrix of layout CSR, by SciPy's direct solver. x has the shape of `other`, (n,) or (n, k).

    Raises:
        RuntimeError: the matrix is singular, or shapes do not fit.
    """
    if not left:
        raise RuntimeError("spsolve: left=False (x @ input = other) is not there: solve with the transposed matrix.")
    return _matmul.spsolve(input, other)


def as_sparse_gradcheck(gradcheck):
    """`gradcheck` for functions of sparse tensors: their values are what is changed a little.

        gradcheck = torch.sparse.as_sparse_gradcheck(torch.autograd.gradcheck)
    """

    def checked(func, inputs, **kwargs):
        kwargs.pop("masked", None)
        inputs = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
        wanted = [parts_of(x) is not None and x.requires_grad for x in inputs]

        def of_values(*args):
            given = [with_values(x.detach(), a) if w else a for x, a, w in zip(inputs, args, wanted)]
            result = func(*given)
            return tuple(strided(y) for y in result) if isinstance(result, (tuple, list)) else strided(result)

        def strided(y):
            return y.to_dense() if parts_of(y) is not None else y

        plain = [values_of(x.detach()).clone().requires_grad_() if w else x for x, w in zip(inputs, wanted)]
        return gradcheck(of_values, plain, **kwargs)

    from pyxtorch.sparse._layout import values_of, with_values

    return checked


class _Kind(type):
    """`torch.sparse.FloatTensor` and its like: old names that make COO tensors of a dtype, and that these are instances of."""

    def __new__(cls, name, dtype):
        return super().__new__(cls, name, (), {"dtype": dtype, "__module__": "torch.sparse", "__doc__": f"A COO tensor of {dtype}: (indices, values, size), (size) or nothing."})

    def __init__(cls, name, dtype):
        super().__init__(name, (), {})

    def __call__(cls, *args, device=None):
        if not args or isinstance(args[0], int):
            return torch.sparse_coo_tensor(args or (0,), dtype=cls.dtype, device=device)
        if len(args) == 1 and isinstance(args[0], torch.Size):
            return torch.sparse_coo_tensor(args[0], dtype=cls.dtype, device=device)
        if not all(isinstance(a, torch.Tensor) for a in args[:2]) or len(args) not in (2, 3):
            given = ", ".join(type(a).__name__ for a in args)
            raise TypeError(f"torch.sparse.{cls.__name__}() received an invalid combination of arguments - got ({given}); give indices, values and a size.")
        if args[1].dtype is not cls.dtype:
            raise RuntimeError(f"torch.sparse.{cls.__name__}: expected values of {cls.dtype!r}, but got {args[1].dtype!r}")
        return torch.sparse_coo_tensor(*args, device=device)

    def __instancecheck__(cls, x):
        return parts_of(x) is not None and x.layout is COO and x.dtype is cls.dtype


FloatTensor, DoubleTensor, HalfTensor, BFloat16Tensor, ByteTensor, CharTensor, ShortTensor, IntTensor, LongTensor = (
    _Kind(name, dtype) for name, dtype in {
        "FloatTensor": torch.float32, "DoubleTensor": torch.float64, "HalfTensor": torch.float16, "BFloat16Tensor": torch.bfloat16, "ByteTensor": torch.uint8,
        "CharTensor": torch.int8, "ShortTensor": torch.int16, "IntTensor": torch.int32, "LongTensor": torch.int64,
    }.items()
)  # fmt: skip

__all__ = [
    "addmm", "as_sparse_gradcheck", "check_sparse_tensor_invariants", "log_softmax", "mm", "sampled_addmm", "softmax", "spdiags", "spsolve", "sum",
]
_gate.operations("pyxtorch.sparse", globals(), [name for name in __all__ if name != "as_sparse_gradcheck"])
