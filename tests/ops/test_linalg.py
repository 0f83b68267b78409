"""Linear algebra. Factorisations are compared through what they multiply to, for their signs are free."""
import numpy as np
import pytest
import scipy.linalg
import scipy.spatial.distance as spatial

import pyxtorch as torch
from pyxtorch.testing.operations import COMPLEX, WIDE, Error, Op, S, find

DTYPES = WIDE + COMPLEX
TOL = {torch.float32: (2e-4, 2e-4), torch.complex64: (2e-4, 2e-4), torch.float64: (1e-9, 1e-9), torch.complex128: (1e-9, 1e-9)}
SQUARE = (S((3, 3)), S((2, 3, 3)), S((1, 1)), S((0, 3, 3)))
NOT_SQUARE = [Error(RuntimeError, "square", (2, 3)), Error(RuntimeError, "dimension|dim|batches of", (3,))]
eye = torch.eye


def op(name, *samples, reference, **named):
    return Op(name, *samples, reference=reference, **{"dtypes": DTYPES, "tol": TOL, "zero": False, **named})


def through(name, make):
    """Test `name` on what `make` turns a random matrix into."""
    function = find(name)
    return lambda x, *args, **kwargs: function(make(x), *args, **kwargs)


def regular(x):
    """A matrix well away from singular ones."""
    return x + 4 * (eye(x.shape[-1], dtype=x.dtype) if isinstance(x, torch.Tensor) else np.eye(x.shape[-1]))


def positive(x):
    t = x.mH if isinstance(x, torch.Tensor) else np.swapaxes(x, -1, -2).conj()
    return x @ t + (eye(x.shape[-1], dtype=x.dtype) if isinstance(x, torch.Tensor) else np.eye(x.shape[-1]))


def symmetric(x):
    t = x.mH if isinstance(x, torch.Tensor) else np.swapaxes(x, -1, -2).conj()
    return x + t


def lower(x):
    return torch.linalg.cholesky(positive(x)) if isinstance(x, torch.Tensor) else np.linalg.cholesky(positive(x))


def by_matrix(function):
    """A SciPy function of one matrix, for each of a batch."""
    def reference(x, *args):
        out = [function(m, *args) for m in x.reshape(-1, *x.shape[-2:])]
        return np.array(out).reshape(*x.shape[:-2], *np.shape(out[0])) if out else np.zeros(x.shape)
    return reference


def svd_product(x, full_matrices=True):
    u, s, vh = torch.linalg.svd(x, full_matrices=False)
    return (u * s.unsqueeze(-2).to(u.dtype)) @ vh, s


def eigh_product(x):
    values, vectors = torch.linalg.eigh(symmetric(x))
    return (vectors * values.unsqueeze(-2).to(vectors.dtype)) @ vectors.mH, values


def solved(a, b):
    return np.linalg.solve(regular(a), b[..., None])[..., 0] if b.ndim == 1 else np.linalg.solve(regular(a), b)


def norm_of(x, ord=None, dim=None, keepdim=False):
    if dim is None and ord is None:
        return np.linalg.norm(x.ravel())
    return np.linalg.norm(x, ord, dim if isinstance(dim, int) else tuple(dim) if dim is not None else None, keepdim)


OPS = [
    op("linalg.inv", *SQUARE, function=through("linalg.inv", regular), reference=lambda x: np.linalg.inv(regular(x))),
    op("linalg.solve", S((3, 3), (3,)), S((2, 3, 3), (2, 3, 4)), S((3, 3), (3, 2)), function=lambda a, b: torch.linalg.solve(regular(a), b), reference=solved),
    op("linalg.solve_triangular", S((3, 3), (3, 2), upper=True), S((2, 3, 3), (2, 3, 2), upper=False), function=lambda a, b, upper: torch.linalg.solve_triangular(regular(a), b, upper=upper),
       reference=lambda a, b, upper: np.linalg.solve((np.triu if upper else np.tril)(regular(a)), b)),
    op("linalg.det", *SQUARE[:3], function=through("linalg.det", regular), reference=lambda x: np.linalg.det(regular(x))),
    op("linalg.slogdet", *SQUARE[:3], function=through("linalg.slogdet", regular), reference=lambda x: np.linalg.slogdet(regular(x)), gives=None, dtypes=WIDE),
    op("logdet", *SQUARE[:3], function=through("logdet", positive), reference=lambda x: np.linalg.slogdet(positive(x))[1], dtypes=WIDE),
    op("linalg.cholesky", *SQUARE, function=through("linalg.cholesky", positive), reference=lambda x: np.linalg.cholesky(positive(x))),
    op("cholesky_solve", S((3, 2), (3, 3)), function=lambda b, x: torch.cholesky_solve(b, lower(x)), reference=lambda b, x: np.linalg.solve(positive(x), b)),
    op("cholesky_inverse", S((3, 3)), S((2, 3, 3)), function=through("cholesky_inverse", lower), reference=lambda x: np.linalg.inv(positive(x))),
    op("linalg.eigvalsh", *SQUARE[:3], function=through("linalg.eigvalsh", symmetric), reference=lambda x: np.linalg.eigvalsh(symmetric(x)), gives="real"),
    op("linalg.eigh", *SQUARE[:3], function=eigh_product, reference=lambda x: (symmetric(x), np.linalg.eigvalsh(symmetric(x))), gives=("same", "real")),
    op("linalg.eigvals", S((3, 3)), S((2, 3, 3)), function=lambda x: torch.linalg.eigvals(x).abs().sum(-1), reference=lambda x: np.abs(np.linalg.eigvals(x)).sum(-1), gives=None, grad=False),
    op("linalg.eig", S((3, 3)), reference=lambda x: x, gives=None, grad=False,
       function=lambda x: (lambda w, v: (v * w) @ torch.linalg.inv(v))(*torch.linalg.eig(x.to(torch.complex128 if x.dtype in (torch.float64, torch.complex128) else torch.complex64)))),
    op("linalg.svd", S((3, 3)), S((2, 3, 4)), S((4, 2)), function=svd_product, reference=lambda x: (x, np.linalg.svd(x, compute_uv=False)), gives=("same", "real")),
    op("linalg.svdvals", S((3, 3)), S((2, 3, 4)), reference=lambda x: np.linalg.svd(x, compute_uv=False), gives="real"),
    op("linalg.pinv", S((3, 2)), S((2, 2, 4)), reference=np.linalg.pinv),
    op("pinverse", S((3, 2)), reference=np.linalg.pinv),
    op("linalg.qr", S((3, 3)), S((2, 4, 3)), function=lambda x: (lambda q, r: (q @ r, (q.mH @ q), r.abs()))(*torch.linalg.qr(x)), gives=None,
       reference=lambda x: (x, np.broadcast_to(np.eye(x.shape[-1]), (*x.shape[:-2], x.shape[-1], x.shape[-1])), np.abs(np.linalg.qr(x)[1]))),
    op("linalg.lu", S((3, 3)), S((2, 4, 3)), S((2, 4)), function=lambda x: (lambda p, l, u: p @ l @ u)(*torch.linalg.lu(x)), reference=lambda x: x),
    op("linalg.lu_factor", S((3, 3)), function=lambda x: torch.linalg.lu_factor(x)[0], reference=lambda x: scipy.linalg.lu_factor(x)[0]),
    op("linalg.lu_solve", S((3, 3), (3, 2)), function=lambda a, b: torch.linalg.lu_solve(*torch.linalg.lu_factor(regular(a)), b), reference=lambda a, b: np.linalg.solve(regular(a), b)),
    op("lu_unpack", S((3, 3)), function=lambda x: (lambda p, l, u: p @ l @ u)(*torch.lu_unpack(*torch.linalg.lu_factor(x))), reference=lambda x: x),
    op("linalg.ldl_factor", S((3, 3)), function=lambda x: torch.linalg.ldl_factor(symmetric(x))[0].abs().sum() * 0, reference=lambda x: 0.0, gives=None, grad=False),
    op("linalg.ldl_solve", S((3, 3), (3, 2)), function=lambda a, b: torch.linalg.ldl_solve(*torch.linalg.ldl_factor(positive(a)), b), reference=lambda a, b: np.linalg.solve(positive(a), b),
       dtypes=WIDE, grad=False),
    op("linalg.lstsq", S((4, 2), (4, 3)), function=lambda a, b: torch.linalg.lstsq(a, b).solution, reference=lambda a, b: np.linalg.lstsq(a, b)[0]),
    op("linalg.matrix_rank", S((3, 4)), S((3, 3)), reference=np.linalg.matrix_rank, gives=torch.int64, grad=False),
    op("linalg.matrix_power", S((3, 3), 3), S((3, 3), 0), S((2, 3, 3), 2), reference=np.linalg.matrix_power, errors=[Error(RuntimeError, "square", (2, 3), 2)]),
    op("linalg.matrix_power", S((3, 3), -2), function=lambda x, n: torch.linalg.matrix_power(regular(x), n), reference=lambda x, n: np.linalg.matrix_power(regular(x), n)),
    op("linalg.matrix_exp", S((3, 3)), S((2, 2, 2)), reference=by_matrix(scipy.linalg.expm), aliases=["matrix_exp"]),
    op("linalg.multi_dot", S([(2, 3), (3, 4), (4, 2)]), S([(3,), (3, 4), (4,)]), reference=np.linalg.multi_dot),
    op("linalg.householder_product", S((4, 2), (2,)), function=lambda a, t: torch.linalg.householder_product(*torch.geqrf(a)).abs(), gives=None, grad=False,
       reference=lambda a, t: np.abs(np.linalg.qr(a)[0])),
    op("linalg.vecdot", S((2, 3), (2, 3)), S((2, 3), (3,), dim=-1), reference=lambda a, b, dim=-1: (np.conj(a) * b).sum(dim)),
    op("linalg.cross", S((2, 3), (2, 3)), S((3, 2), (3, 2), dim=0), reference=lambda a, b, dim=-1: np.cross(a, b, axis=dim), errors=[Error(RuntimeError, "size 3|length 3|3", (2, 4), (2, 4))]),
    op("linalg.norm", S((3, 4)), S((3, 4), dim=1), S((3, 4), "fro"), S((3, 4), "nuc"), S((3, 3), 2), S((3, 4), 1), S((3, 4), -np.inf), S((5,), 3), reference=norm_of, gives="real"),
    op("linalg.matrix_norm", S((3, 4)), S((3, 4), "nuc"), S((3, 4), 2), S((3, 4), -1), reference=lambda x, ord="fro": np.linalg.norm(x, ord), gives="real"),
    op("linalg.cond", S((3, 3)), S((3, 3), 1), reference=np.linalg.cond, gives="real", dtypes=WIDE, tol={torch.float32: (1e-3, 1e-3), torch.float64: (1e-9, 1e-9)}),
    op("nuclear_norm", S((3, 4)), reference=lambda x: np.linalg.norm(x, "nuc"), dtypes=WIDE), op("frobenius_norm", S((3, 4)), reference=np.linalg.norm, dtypes=WIDE),
    op("linalg.vander", S((4,)), S((4,), N=3), reference=lambda x, N=None: np.vander(x, N, increasing=True)),
    op("linalg.diagonal", S((3, 4)), S((2, 3, 3), offset=1), reference=lambda x, offset=0: np.diagonal(x, offset, -2, -1)),
    op("linalg.tensorinv", S((2, 3, 6), ind=2), S((6, 2, 3), ind=1), reference=np.linalg.tensorinv),
    op("linalg.tensorsolve", S((2, 3, 6), (2, 3)), reference=np.linalg.tensorsolve),
    op("triangular_solve", S((3, 2), (3, 3)), function=lambda b, a: torch.triangular_solve(b, regular(a))[0], reference=lambda b, a: np.linalg.solve(np.triu(regular(a)), b)),
    *[op("cdist", S((3, 4), (2, 4), p=p), S((2, 3, 4), (2, 5, 4), p=p), reference=lambda a, b, p: np.stack([spatial.cdist(m, n, "minkowski", p=p) if p != np.inf else spatial.cdist(m, n, "chebyshev")
         for m, n in zip(a.reshape(-1, *a.shape[-2:]), b.reshape(-1, *b.shape[-2:]))]).reshape(*a.shape[:-1], b.shape[-2]), dtypes=WIDE, zero=True) for p in (2.0, 1.0, 3.0, np.inf)],
    op("renorm", S((3, 4), 2, 0, 1.0), S((3, 4), 1, 1, 0.5), reference=lambda x, p, dim, most: x * np.minimum(1, most / (np.abs(x) ** p).sum(1 - dim, keepdims=True) ** (1 / p)), dtypes=WIDE,
       tol={torch.float32: (1e-5, 1e-5), torch.float64: (1e-6, 1e-6)}, gradgrad=False, grad=False),
    op("linalg.vector_norm", S((3, 4)), S((3, 4), 3, 1), S((3, 4), np.inf, dim=(0, 1)), S((3, 4), 0), reference=lambda x, p=2, dim=None: np.linalg.norm(x.ravel(), p) if dim in (None, (0, 1)) else np.linalg.norm(x, p, dim),
       gives="real", zero=True),
    op("linalg.lu_factor_ex", S((3, 3)), function=lambda x: torch.linalg.lu_factor_ex(x)[0], reference=lambda x: scipy.linalg.lu_factor(x)[0]),
    op("linalg.ldl_factor_ex", S((3, 3)), function=lambda x: torch.linalg.ldl_factor_ex(symmetric(x)).info, reference=lambda x: 0, gives=None, grad=False),
    op("linalg.matmul", S((2, 3), (3, 4)), reference=np.matmul),
    *[Op(f"linalg.{name}", grad=False, layouts=False, errors=NOT_SQUARE) for name in ("inv", "det", "slogdet", "cholesky", "eigvalsh", "eigh", "eig", "eigvals", "matrix_exp")],
    Op("linalg.solve", grad=False, layouts=False, errors=[Error(RuntimeError, "square", (2, 3), (2,)), Error(RuntimeError, "shape|size|match", (3, 3), (4,))]),
]


def test_singular_matrices():
    zero = torch.zeros(3, 3)
    with np.testing.assert_raises_regex(torch.linalg.LinAlgError, "singular"):
        torch.linalg.inv(zero)
    with np.testing.assert_raises_regex(torch.linalg.LinAlgError, "singular"):
        torch.linalg.solve(zero, torch.ones(3))
    with np.testing.assert_raises_regex(torch.linalg.LinAlgError, "positive"):
        torch.linalg.cholesky(-torch.eye(2))
    assert torch.linalg.inv_ex(zero).info.item() > 0 and torch.linalg.solve_ex(zero, torch.ones(3)).info.item() > 0
    assert torch.linalg.cholesky_ex(-torch.eye(2)).info.item() == 1
    assert torch.linalg.det(zero).item() == 0.0


def test_gradient_of_det_of_a_singular_matrix():
    a = torch.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=torch.float64, requires_grad=True)
    torch.linalg.det(a).backward()
    assert np.allclose(a.grad.tolist(), [[4.0, -2.0], [-2.0, 1.0]])


def test_low_rank_factors():
    torch.manual_seed(0)
    a = torch.randn(20, 3, dtype=torch.float64) @ torch.randn(3, 15, dtype=torch.float64)
    u, s, v = torch.svd_lowrank(a, q=4)
    assert np.allclose(((u * s) @ v.mT).numpy(), a.numpy())
    u, s, v = torch.pca_lowrank(a, q=4)
    assert np.allclose(((u * s) @ v.mT).numpy(), (a - a.mean(0)).numpy())


def test_qr_by_reflections():
    a = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype=torch.float64)
    packed, tau = torch.geqrf(a)
    c = torch.ones(3, 2, dtype=torch.float64)
    q = torch.linalg.householder_product(torch.cat([packed, torch.zeros(3, 1, dtype=torch.float64)], 1), torch.cat([tau, torch.zeros(1, dtype=torch.float64)]))
    assert np.allclose(torch.ormqr(packed, tau, c).numpy(), (q @ c).numpy())
    assert np.allclose((q[:, :2] @ packed[:2].triu()).numpy(), a.numpy())


def test_a_pivot_that_is_nan_is_not_positive():
    nan = np.nan
    bad = torch.tensor([[1.0, nan], [nan, 1.0]])
    factor, info = torch.linalg.cholesky_ex(torch.stack([bad, torch.eye(2), -torch.eye(2), torch.full((2, 2), nan)]))
    assert info.tolist() == [2, 0, 1, 1] and torch.equal(factor[1], torch.eye(2))
    for function in (torch.linalg.cholesky, torch.cholesky):
        with pytest.raises(torch.linalg.LinAlgError, match="order 2"):
            function(bad)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("solve", [lambda f, upper: torch.cholesky_solve(torch.tensor([[1.0, 2.0], [3.0, 1.0], [0.0, 1.0]], dtype=f.dtype), f, upper=upper),
                                   lambda f, upper: torch.cholesky_inverse(f, upper=upper)])  # fmt: skip
def test_what_a_cholesky_factor_does_not_hold_has_no_slope(solve, upper):
    """The other triangle is not read, whatever stands there: its gradient is 0."""
    f = torch.tensor([[3.0, 5, 7], [-1, 2, 6], [1, 4, 1]], dtype=torch.float64)
    f = (f.T if upper else f).contiguous().requires_grad_()
    (grad,) = torch.autograd.grad(solve(f, upper).square().sum(), f)
    step = 1e-6
    for i in range(3):
        for j in range(3):
            ends = []
            for side in (step, -step):
                moved = f.detach().clone()
                moved[i, j] += side
                ends.append(solve(moved, upper).square().sum())
            numeric = ((ends[0] - ends[1]) / (2 * step)).item()
            assert abs(grad[i, j].item() - numeric) <= 1e-5 * max(1, abs(numeric)), (i, j)
    assert not (grad.tril(-1) if upper else grad.triu(1)).any()
