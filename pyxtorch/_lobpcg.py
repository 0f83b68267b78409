"""torch.lobpcg: some of the eigenvalues of a symmetric matrix."""
import pyxtorch

__all__ = ["lobpcg"]


def lobpcg(A, k=None, B=None, X=None, n=None, iK=None, niter=None, tol=None, largest=None, method=None, tracker=None, ortho_iparams=None,
           ortho_fparams=None, ortho_bparams=None):  # fmt: skip
    """The `k` largest (or smallest) eigenvalues of A x = e B x, and their eigenvectors, for a symmetric A and a positive definite B.

    Computed directly, by `linalg.eigh` (with B by its Cholesky factor), not by iterations: the result is exact to rounding, so that
    `niter`, `tol`, `iK`, `method` and the `ortho_` parameters, which steer iterations, and `X`, where they would start, are of no account.
    It differentiates like `eigh`.

    Args:
        A, B: (*, m, m). k: how many; default the number of columns of X, or 1. X: (*, m, n).
        largest: whether the largest ones are wanted; default True.
    Returns:
        (e, x): (*, k), from the largest on (or from the smallest on), and (*, m, k) with x^T B x = I; signs of columns are arbitrary.
    Raises:
        ValueError: m is smaller than 3 k, or a tracker is given, which iterations would call.
    Source:
        Golub and Van Loan, "Matrix Computations" (2013), section 8.7: the reduction by Cholesky's factor.
    """
    if tracker is not None:
        raise ValueError("lobpcg: a tracker was given, but there are no iterations that would call it. Leave it out.")
    count = (1 if X is None else X.shape[-1]) if k is None else k
    m = A.shape[-1]
    if m < 3 * (count if n is None else n):
        raise ValueError(f"LPBPCG algorithm is not applicable when the number of A rows (={m}) is smaller than 3 x the number of requested eigenpairs (={count})")
    symmetric = (A + A.mT) / 2
    if B is None:
        values, vectors = pyxtorch.linalg.eigh(symmetric)
    else:
        factor = pyxtorch.linalg.cholesky(B)
        half = pyxtorch.linalg.solve_triangular(factor, symmetric, upper=False)
        values, vectors = pyxtorch.linalg.eigh(pyxtorch.linalg.solve_triangular(factor, half.mT, upper=False))
        vectors = pyxtorch.linalg.solve_triangular(factor.mT, vectors, upper=True)
    if largest is False:
        return values[..., :count], vectors[..., :count]
    return values.flip(-1)[..., :count], vectors.flip(-1)[..., :count]
