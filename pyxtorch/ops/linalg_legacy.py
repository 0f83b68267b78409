"""Names of early PyTorch (0.1) over those of today: linear algebra by LAPACK's names, and a few beside it."""
from pyxtorch.ops._results import return_type


def _torch():
    """The public namespace: operations of families that come later."""
    import pyxtorch

    return pyxtorch



_gesv, _gels, _pstrf = return_type("gesv", "solution LU"), return_type("gels", "solution QR"), return_type("pstrf", "u pivot")
_eig, _symeig = return_type("eig", "eigenvalues eigenvectors"), return_type("symeig", "eigenvalues eigenvectors")


# ------------------------------------------------------------------------------- equations

def gesv(B, A):
    """(X with A X = B, the compact LU factors of A): `linalg.solve` with the arguments the other way round."""
    if B.dim() < 2 or A.dim() < 2:
        raise RuntimeError(f"gesv: B and A should have at least 2 dimensions, but have {B.dim()} and {A.dim()}.")
    return _gesv(_torch().linalg.solve(A, B), _torch().linalg.lu_factor(A).LU)


def gels(B, A):
    """Least squares: (X, a factorisation of A). The first n rows of X, (max(m, n), k), have the smallest |A X - B|, or the smallest |X| with A X = B.

    Args:
        B: (m, k). A: (m, n) of full rank.
    """
    m, n = A.shape
    if B.dim() != 2 or B.shape[0] != m:
        raise RuntimeError(f"gels: expected A and b to have same size at dim 0, but they have {m} and {B.shape[0]}.")
    if m >= n:
        q, r = _torch().linalg.qr(A, mode="complete")
        turned = q.mH @ B  # below the n-th row: what no X reaches
        solution = _torch().cat([_torch().linalg.solve_triangular(r[:n], turned[:n], upper=True), turned[n:]])
    else:
        q, r = _torch().linalg.qr(A.mH)
        solution = q @ _torch().linalg.solve_triangular(r.mH, B, upper=False)
    return _gels(solution, _torch().geqrf(A).a)


def trtrs(b, A, upper=True, transpose=False, unitriangular=False):
    """(X with A X = b for a triangular A, A): `triangular_solve`."""
    return _torch().triangular_solve(b, A, upper, transpose, unitriangular)


def btrifact(A, info=None, pivot=True):
    """(compact LU factors of each matrix of a batch, pivots): `linalg.lu_factor`.

    Args:
        info: an int32 tensor that takes 0 for each matrix, or the place where a factor is zero.
    """
    factors, pivots, found = _torch().linalg.lu_factor_ex(A, pivot=pivot)
    if info is not None:
        info.resize_(found.shape).copy_(found)
    elif bool(found.any()):
        raise RuntimeError(f"btrifact: a factor of the matrices {found.nonzero().flatten().tolist()} is zero: they are singular.")
    return factors, pivots


def btrisolve(b, LU_data, LU_pivots):
    """The solutions of a batch of equations from `btrifact`'s factors: b (batch, n), or (batch, n, k)."""
    vectors = b.dim() == LU_data.dim() - 1
    x = _torch().linalg.lu_solve(LU_data, LU_pivots, b.unsqueeze(-1) if vectors else b)
    return x.squeeze(-1) if vectors else x


# --------------------------------------------------------------------------------- factors

def potrf(a, upper=True):
    """The Cholesky factor u of a = u' u, or with `upper=False` l of a = l l'."""
    return _torch().linalg.cholesky(a, upper=upper)


def potri(u, upper=True):
    """The inverse of the matrix whose factor `potrf` gave."""
    return _torch().cholesky_inverse(u, upper)


def potrs(b, u, upper=True):
    """The solution of equations with the matrix whose factor `potrf` gave."""
    return _torch().cholesky_solve(b, u, upper)


def pstrf(a, upper=True, tol=-1):
    """(u, pivots): the Cholesky factor of a positive semidefinite matrix with its rows and columns in another order, p' a p = u' u. LAPACK's pstrf.

    Args:
        tol: where a pivot counts as 0; below 0: by the size of the matrix. Rows of `u` beyond the rank are 0.
    Returns:
        u, and pivots, int32 from 0: column i of p has its 1 in row pivots[i].
    """
    from scipy.linalg import lapack

    if a.dim() != 2 or a.size(0) != a.size(1):
        raise RuntimeError(f"pstrf: expected a square matrix, got shape {list(a.shape)}.")
    x = a.detach().cpu().numpy()
    routine, = lapack.get_lapack_funcs(("pstrf",), (x,))
    factor, pivots, rank, info = routine(x, lower=not upper, tol=tol)
    if info < 0:
        raise RuntimeError(f"pstrf: LAPACK refuses argument {-info}.")
    made = _torch().from_numpy(factor).to(a.device)
    made = made.triu() if upper else made.tril()
    if upper:
        made[rank:] = 0
    else:
        made[:, rank:] = 0
    return _pstrf(made, _torch().from_numpy(pivots.astype("int32") - 1).to(a.device))


def eig(a, eigenvectors=False):
    """(eigenvalues (n, 2): real and imaginary parts, eigenvectors (n, n) or none) of a real matrix.

    Of a pair of conjugate eigenvalues one column has the real, the next the imaginary part of the first one's vector, as LAPACK does.
    """
    if a.dim() != 2 or a.shape[0] != a.shape[1]:
        raise RuntimeError(f"eig: expected a square matrix, got shape {list(a.shape)}.")
    values, vectors = _torch().linalg.eig(a)
    pairs = _torch().view_as_real(values).clone()
    if not eigenvectors:
        return _eig(pairs, a.new_empty(0))
    real, columns, j = vectors.real, [], 0
    while j < len(values):
        columns.append(real[:, j])
        if float(pairs[j, 1].detach()) != 0 and j + 1 < len(values):
            columns.append(vectors.imag[:, j])
            j += 1
        j += 1
    return _eig(pairs, _torch().stack(columns, 1) if columns else a.new_empty(0, 0))


def symeig(a, eigenvectors=False, upper=True):
    """(eigenvalues in rising order, eigenvectors or none) of a symmetric matrix, of which one half is looked at: `linalg.eigh`."""
    half = "U" if upper else "L"
    if not eigenvectors:
        return _symeig(_torch().linalg.eigvalsh(a, half), a.new_empty(0))
    return _symeig(*_torch().linalg.eigh(a, half))


# ------------------------------------------------------------------------------ elementwise

def cinv(input):
    """One over each element: `reciprocal`."""
    return input.reciprocal()


def cmax(input, other):
    """The greater of two elements, or of an element and a number: `maximum`, `clamp_min`."""
    return _torch().maximum(input, other) if isinstance(other, _torch().Tensor) else input.clamp_min(other)


def cmin(input, other):
    """The smaller of two elements, or of an element and a number: `minimum`, `clamp_max`."""
    return _torch().minimum(input, other) if isinstance(other, _torch().Tensor) else input.clamp_max(other)


def cinv_(self):
    """`reciprocal_`, in place."""
    return self.reciprocal_()


def cmax_(self, other):
    """`cmax` in place."""
    return self.copy_(cmax(self, other))


def cmin_(self, other):
    """`cmin` in place."""
    return self.copy_(cmin(self, other))


def masked_copy_(self, mask, source):
    """`masked_scatter_` under its first name."""
    return self.masked_scatter_(mask.bool(), source)


def unfold(input, dim, size, step):
    """`Tensor.unfold` as a function."""
    return input.unfold(dim, size, step)


def spadd(self, value, other=None):
    """self + value * other: the name of sparse tensors for `add`."""
    return self.add(value) if other is None else self.add(other, alpha=value)


def nnz(self):
    """How many elements a sparse tensor keeps: `_nnz()`.

    Raises:
        RuntimeError: the tensor is strided.
    """
    return self._nnz()


def reinforce(self, reward):
    """Of early PyTorch, whose samples remembered what they were drawn from.

    Raises:
        RuntimeError: always, as since 0.2: `distributions` say what to differentiate.
    """
    raise RuntimeError(
        "reinforce() was removed from PyTorch with 0.2: samples do not know what they were drawn from. Write\n"
        "    m = torch.distributions.Categorical(probs)\n    action = m.sample()\n    loss = -m.log_prob(action) * reward\n    loss.backward()"
    )


_FUNCTIONS = (gesv, gels, trtrs, potrf, potri, potrs, pstrf, eig, symeig, btrifact, cinv, cmax, cmin)
__all__ = [*(f.__name__ for f in _FUNCTIONS), "btrisolve", "unfold"]
methods = {f.__name__: f for f in (*_FUNCTIONS, cinv_, cmax_, cmin_, masked_copy_, nnz, spadd, reinforce)}
properties = {
    "creator": lambda self: self.grad_fn,
    "volatile": lambda self: False,
}
properties["creator"].__doc__ = "`grad_fn`: the name of early PyTorch for it."
properties["volatile"].__doc__ = "Whether the tensor was made by `Variable(data, volatile=True)`, or computed from one: then nothing is recorded."
