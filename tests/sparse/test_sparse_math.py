"""What is computed with sparse tensors, and its gradients: against dense computation, finite differences, and PyTorch."""
import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.autograd import gradcheck, gradgradcheck

pytestmark = pytest.mark.filterwarnings("ignore:Sparse:UserWarning")  # of torch
LAYOUTS = ["coo", "csr", "csc"]
UNARY = """
neg abs sin sinh tan tanh asin asinh atan atanh arcsin arctan ceil floor trunc round frac erf erfinv expm1 log1p relu sign sgn sqrt square positive
deg2rad rad2deg isnan isinf isposinf isneginf signbit nan_to_num angle
""".split()  # fmt: skip


def indices_of(shape, nnz, seed):
    generator = np.random.default_rng(seed)
    return torch.tensor(np.stack([generator.integers(0, n, nnz) for n in shape]))


def sparse(shape, layout="coo", nnz=10, seed=0, dense_dim=0, low=-1.0, high=1.0, dtype=torch.float64, coalesced=False):
    generator = np.random.default_rng(seed + 100)
    lead = shape[: len(shape) - dense_dim]
    values = torch.tensor(generator.uniform(low, high, (nnz, *shape[len(lead) :]))).to(dtype)
    x = torch.sparse_coo_tensor(indices_of(lead, nnz, seed), values, shape)
    return x.to_sparse(layout=getattr(torch, "sparse_" + layout)) if layout != "coo" else x.coalesce() if coalesced else x


def dense(shape, seed=7):
    return torch.tensor(np.random.default_rng(seed).standard_normal(shape))


def close(x, wanted, **kwargs):
    x = x.to_dense()
    assert x.shape == wanted.shape and x.dtype is wanted.dtype and torch.allclose(x.detach(), wanted.detach(), equal_nan=True, **kwargs)


# --------------------------------------------------------------------------------- elementwise

@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", UNARY)
def test_unary(name, layout):
    x = sparse((4, 5), layout, low=0.01 if name in ("sqrt",) else -0.4, high=0.4)
    y = getattr(torch, name)(x)
    assert y.layout is x.layout
    close(y, getattr(torch, name)(x.to_dense()))
    close(getattr(x, name)(), getattr(torch, name)(x.to_dense()))
    if y.dtype is x.dtype and name not in ("angle", "positive"):
        z = x.clone()
        assert getattr(z, name + "_")() is z
        close(z, y.to_dense())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dense_dim", [0, 1])
def test_sums_and_products(layout, dense_dim):
    shape = (4, 5, 2)[: 2 + dense_dim]
    a, b = sparse(shape, layout, 10, 1, dense_dim), sparse(shape, layout, 7, 2, dense_dim)
    A, B, D = a.to_dense(), b.to_dense(), dense(shape)
    for ours, wanted in [
        (a + b, A + B), (a - b, A - B), (a + a, A + A), (a.add(b, alpha=3), A + 3 * B), (torch.sub(a, b, alpha=2), A - 2 * B), (D + a, D + A), (D - a, D - A),
        (torch.add(D, a, alpha=2), D + 2 * A), (a * b, A * B), (a * a, A * A), (a * D, A * D), (D * a, D * A), (a * 3, A * 3), (3 * a, 3 * A), (a / 4, A / 4),
        (a * torch.tensor(2.0), A * 2), (a * D[:1], A * D[:1]), (a**2, A**2), (a.pow(3), A.pow(3)), (-a, -A), (abs(a), abs(A)), (+a, A),
        (torch.div(a, 0.3, rounding_mode="floor"), torch.div(A, 0.3, rounding_mode="floor")), (a // 0.3, A // 0.3), (a.float() * 2, A.float() * 2),
    ]:  # fmt: skip
        close(ours, wanted)
    assert (a + b).layout is a.layout and (a * b).layout is a.layout and (a * D).layout is a.layout and (D + a).layout is torch.strided
    for name, other in ("add_", b), ("sub_", b), ("mul_", b), ("mul_", 3.0), ("div_", 2.0), ("mul_", D):
        x, X = a.clone(), A.clone()
        assert getattr(x, name)(other) is x
        close(x, getattr(X, name)(other.to_dense() if isinstance(other, torch.Tensor) else other))
    x, X = D.clone(), D.clone()
    x += a
    close(x, X + A)
    x.sub_(b, alpha=2)
    close(x, X + A - 2 * B)
    x *= a
    close(x, (X + A - 2 * B) * A)
    view = torch.zeros(*shape[::-1], dtype=torch.float64).permute(*range(len(shape))[::-1])
    view.add_(a)
    close(view, A)


def test_dtypes_promote():
    a, b = sparse((4, 5), seed=1).float(), sparse((4, 5), seed=2)
    close(a + b, a.to_dense() + b.to_dense())
    close(a * b, a.to_dense() * b.to_dense())
    close((b * 10).int() + (a * 10).long(), (b * 10).coalesce().to_dense().int() * 0 + (b * 10).int().to_dense() + (a * 10).long().to_dense())
    with pytest.raises(RuntimeError, match="can't be cast"):
        (a * 10).int().add_(b)
    with pytest.raises(RuntimeError, match="can't be cast"):
        torch.zeros(4, 5, dtype=torch.int32).add_(b)


def test_errors():
    a = sparse((4, 5))
    for call, error, message in [
        (lambda: a + 1, RuntimeError, "add.sparse, dense"), (lambda: a + dense((4, 5)), RuntimeError, "add.sparse, dense"), (lambda: a + sparse((5, 4)), RuntimeError, "expected sizes"),
        (lambda: dense((5,)) + a, RuntimeError, "same size"), (lambda: a * sparse((5, 4)), RuntimeError, "equal dimensionality"), (lambda: a * dense((3,)), RuntimeError, "broadcast"),
        (lambda: a / a, RuntimeError, "Sparse division"), (lambda: 2 / a, NotImplementedError, "Could not run"), (lambda: a**0, RuntimeError, "zeroth power"),
        (lambda: a @ dense((4, 2)), RuntimeError, "inner sizes"), (lambda: a @ dense((4,)), RuntimeError, "size"), (lambda: a @ dense((5, 2)).float(), RuntimeError, "dtype"),
        (lambda: torch.sparse.mm(a, dense((5,))), RuntimeError, "2-D"), (lambda: torch.sparse.softmax(a, 2), IndexError, "out of range"), (lambda: a.sum(2), IndexError, "out of range"),
        (lambda: a.transpose(0, 2), IndexError, "out of range"), (lambda: a[4], IndexError, "out of bounds"), (lambda: a[0, 0, 0], IndexError, "too many"),
        (lambda: a[[0]], NotImplementedError, "Could not run"), (lambda: a.index_select(0, torch.tensor([4])), IndexError, "out of range"), (lambda: a.index_select(0, torch.tensor([-5])), IndexError, "out of range"),
        (lambda: torch.cat([a, dense((4, 5))]), RuntimeError, "dense tensor was found at position 1"), (lambda: torch.cat([a, sparse((4, 6))]), RuntimeError, "match except"),
        (lambda: a.sparse_mask(dense((4, 5))), RuntimeError, "sparse"), (lambda: dense((5, 4)).sparse_mask(a), RuntimeError, "incompatible sizes"), (lambda: a.norm(dim=0), RuntimeError, "full reductions"),
        (lambda: torch.sparse.sum(dense((2, 2))), RuntimeError, "sparse_coo"), (lambda: sparse((4, 5), "csr").sum(1), RuntimeError, "keepdim"), (lambda: a.mean(), NotImplementedError, "Could not run"),
        (lambda: a.add_(dense((4, 5))), RuntimeError, "add.sparse, dense"), (lambda: sparse((2, 3, 2), dense_dim=1).t(), RuntimeError, "sparse and 1 dense"),
        (lambda: torch.ones(2, 2, 2).to_sparse(2).transpose(0, 2), RuntimeError, "must be sparse"), (lambda: torch.bmm(a, a), NotImplementedError, "Could not run"),
        (lambda: dense((4, 5)).sparse_mask(dense((4, 5))), RuntimeError, "must be a sparse tensor"),
    ]:  # fmt: skip
        with pytest.raises(error, match=message):
            call()


# ----------------------------------------------------------------------------- shapes and places

@pytest.mark.parametrize("coalesced", [False, True])
def test_shapes(coalesced):
    x = sparse((3, 4, 5, 2), nnz=30, dense_dim=1, coalesced=coalesced)
    X = x.to_dense()
    for f in [
        lambda t: t.transpose(0, 2), lambda t: t.permute(2, 0, 1, 3), lambda t: t.permute(-2, 0, 1, 3), lambda t: t[1], lambda t: t[-1], lambda t: t[:, 2], lambda t: t[..., 1],
        lambda t: t[0, 1, 2], lambda t: t[0, 1, 2, 1], lambda t: t[0, :, 2], lambda t: t[None], lambda t: t[:, None], lambda t: t[1:], lambda t: t[:, 0:4:2], lambda t: t[..., 1:], lambda t: t[..., 0, 1],
        lambda t: t.select(1, 3), lambda t: t.select(3, 1), lambda t: t.unsqueeze(0), lambda t: t.unsqueeze(4), lambda t: t.unsqueeze(3), lambda t: torch.narrow_copy(t, 1, 1, 2),
        lambda t: t.index_select(1, torch.tensor([3, 0, 0, 2])), lambda t: t.index_select(3, torch.tensor([1, 1, 0])), lambda t: t.index_select(0, torch.tensor([], dtype=torch.int64)),
        lambda t: torch.cat([t, t * 2], 0), lambda t: torch.cat([t, t * 2], 2), lambda t: torch.cat([t, t * 2], 3), lambda t: torch.stack([t, t * 2], 1), lambda t: torch.stack([t, t], -1),
        lambda t: t.unbind(1)[2], lambda t: list(t)[1], lambda t: t.clone(), lambda t: t.detach(), lambda t: t[0][0],
    ]:  # fmt: skip
        ours = f(x)
        close(ours, f(X))
        if ours.is_sparse and ours.is_coalesced() and ours._nnz():
            again = torch.sparse_coo_tensor(ours.indices(), ours.values(), ours.shape, is_coalesced=True, check_invariants=True)
            assert again.is_coalesced()
    y = sparse((4, 5), coalesced=coalesced)
    close(y.t(), y.to_dense().t())
    close(y.T, y.to_dense().T)
    close(y.mT, y.to_dense().mT)
    for layout in "csr", "csc":
        z = sparse((4, 5), layout)
        assert z.t().layout is getattr(torch, "sparse_csc" if layout == "csr" else "sparse_csr")
        close(z.t(), z.to_dense().t())
        close(z[1], z.to_dense()[1])
        assert z[0, 0].item() == z.to_dense()[0, 0].item()


def test_sparse_mask():
    x, mask = sparse((4, 5), seed=3), sparse((4, 5), seed=4, nnz=6)
    there = (mask.coalesce() * 0 + torch.sparse_coo_tensor(mask._indices(), torch.ones(6, dtype=torch.float64), (4, 5))).to_dense() != 0
    close(dense((4, 5)).sparse_mask(mask.coalesce()), torch.where(there, dense((4, 5)), torch.zeros((), dtype=torch.float64)))
    close(x.sparse_mask(mask.coalesce()), torch.where(there, x.to_dense(), torch.zeros((), dtype=torch.float64)))
    close(dense((4, 5)).sparse_mask(mask.to_sparse_csr()), torch.where(there, dense((4, 5)), torch.zeros((), dtype=torch.float64)))


def test_resize():
    x = sparse((2, 3))
    X = x.to_dense()
    assert x.sparse_resize_((4, 5), 2, 0) is x and x.shape == (4, 5)
    close(x, torch.cat([torch.cat([X, torch.zeros(2, 2, dtype=torch.float64)], 1), torch.zeros(2, 5, dtype=torch.float64)]))
    with pytest.raises(RuntimeError, match="shrinking the size of sparse"):
        x.sparse_resize_((2, 5), 2, 0)
    with pytest.raises(RuntimeError, match="changing the number of sparse"):
        x.sparse_resize_((4, 5), 1, 1)
    with pytest.raises(RuntimeError, match="sparse_dim"):
        x.sparse_resize_((4, 5), 1, 0)
    assert x.sparse_resize_and_clear_((2, 2), 1, 1)._nnz() == 0 and x.shape == (2, 2) and x.dense_dim() == 1
    assert x.resize_as_sparse_(sparse((3, 3))).sparse_dim() == 2
    y = sparse((2, 2), dense_dim=1)
    Y = y.to_dense()
    close(y.sparse_resize_((2, 3), 1, 1), torch.cat([Y, torch.zeros(2, 1, dtype=torch.float64)], 1))


# --------------------------------------------------------------------------- reductions, softmax

@pytest.mark.parametrize("dim", [None, 0, 1, 2, -1, (0, 1), (0, 2), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("dense_dim", [0, 1, 2])
def test_sum(dim, dense_dim):
    x = sparse((3, 4, 2), nnz=14, dense_dim=dense_dim)
    X = x.to_dense()
    ours = torch.sparse.sum(x, dim)
    close(ours, X.sum() if dim is None else X.sum(dim))
    close(x.sum() if dim is None else x.sum(dim), X.sum() if dim is None else X.sum(dim))
    if dim is not None:
        close(x.sum(dim, keepdim=True), X.sum(dim, keepdim=True))
    close(torch.sparse.sum(x.float(), dim, dtype=torch.float64), X.float().double().sum() if dim is None else x.float().double().to_dense().sum(dim), rtol=1e-6, atol=1e-6)


def test_other_reductions():
    x = sparse((4, 5))
    close(x.norm(), x.to_dense().norm())
    close(torch.norm(x, 1), torch.norm(x.to_dense(), 1))
    assert x.any() and not torch.sparse_coo_tensor(size=(2,)).any()
    close(sparse((4, 5), "csr").sum(1, keepdim=True), sparse((4, 5), "csr").to_dense().sum(1, keepdim=True))
    assert (x * 0).coalesce()._nnz() > 0 and not (x * 0).any()


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("dim", [0, 1, 2, -1])
@pytest.mark.parametrize("dense_dim", [0, 1])
def test_softmax(log, dim, dense_dim):
    x = sparse((3, 4, 2), nnz=9, dense_dim=dense_dim, low=-3, high=3)
    there = torch.sparse_coo_tensor(x._indices(), torch.ones_like(x._values()), x.shape).to_dense() > 0
    X = torch.where(there, x.to_dense(), torch.tensor(-torch.inf, dtype=torch.float64))
    wanted = torch.where(there, (torch.log_softmax if log else torch.softmax)(X, dim), torch.zeros((), dtype=torch.float64))
    function = torch.sparse.log_softmax if log else torch.sparse.softmax
    close(function(x, dim), wanted)
    assert function(x.float(), dim, dtype=torch.float64).dtype is torch.float64
    values = x.coalesce().values().detach().requires_grad_()
    build = lambda v: function(torch.sparse_coo_tensor(x.coalesce().indices(), v, x.shape, is_coalesced=True), dim).to_dense()  # noqa: E731
    assert gradcheck(build, values)


# ------------------------------------------------------------------------------------ products

@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128", "int64", "float16", "bfloat16"])
def test_products(layout, dtype):
    dtype = getattr(torch, dtype)
    a = (sparse((4, 5), layout) * 8).to(dtype)
    D, E, v = ((dense(shape) * 4).to(dtype) for shape in ((5, 3), (2, 4), (5,)))
    A = a.to_dense()
    wide = torch.float32 if dtype in (torch.float16, torch.bfloat16) else dtype
    tolerance = {"rtol": 1e-2, "atol": 1e-1} if wide is not dtype else {"rtol": 1e-4, "atol": 1e-4} if dtype is torch.float32 else {}

    def wanted(x, y):
        return (x.to(wide) @ y.to(wide)).to(dtype)

    for ours, right in [
        (a @ D, wanted(A, D)), (torch.mm(a, D), wanted(A, D)), (a.matmul(D), wanted(A, D)), (torch.sparse.mm(a, D), wanted(A, D)), (E @ a, wanted(E, A)), (torch.mm(E, a), wanted(E, A)),
        (a @ v, wanted(A, v)), (a.mv(v), wanted(A, v)), (v[:4] @ a, wanted(v[:4], A)), (a @ D.expand(2, 3, 5, 3), wanted(A, D.expand(2, 3, 5, 3))), (E.expand(3, 2, 4) @ a, wanted(E.expand(3, 2, 4), A)),
        (a @ a.t(), wanted(A, A.t())), (torch.sparse.mm(a.t(), a), wanted(A.t(), A)), (torch.nn.functional.linear(D.t(), a), wanted(D.t(), A.t())),
        (torch.addmm(wanted(A, D), a, D, beta=2, alpha=3), 2 * wanted(A, D) + 3 * wanted(A, D)), (torch.sparse.addmm(wanted(A, D), a, D), 2 * wanted(A, D)),
    ]:  # fmt: skip
        close(ours, right, **tolerance)
    assert (a @ a.t()).layout is (torch.sparse_coo if layout == "coo" else a.layout) and (a @ D).layout is torch.strided


def test_products_of_torch_names():
    a, D = sparse((4, 5), coalesced=True), dense((5, 3))
    A = a.to_dense()
    for function in torch.hspmm, torch.smm, torch.spmm, torch.dsmm, torch.hsmm:
        close(function(a, D), A @ D)
    assert torch.smm(a, D).sparse_dim() == 2 and torch.hspmm(a, D).dense_dim() == 1
    s = sparse((4, 3), seed=9)
    close(torch.sspaddmm(s, a, D, beta=2, alpha=3), 2 * s.to_dense() + 3 * A @ D)
    b = sparse((3, 4, 5), nnz=20)
    close(torch.bmm(b, dense((3, 5, 2))), torch.bmm(b.to_dense(), dense((3, 5, 2))))
    c = sparse((4, 4), "csr", nnz=5) + torch.eye(4, dtype=torch.float64).to_sparse_csr() * 3
    close(torch.sparse.spsolve(c, dense((4,))), torch.linalg.solve(c.to_dense(), dense((4,))))
    with pytest.raises(RuntimeError, match="singular"):
        torch.sparse.spsolve(torch.zeros(2, 2, dtype=torch.float64, layout=torch.sparse_csr), torch.ones(2, dtype=torch.float64))


@pytest.mark.parametrize("reduce", ["sum", "mean", "amax", "amin"])
def test_reduced_product(reduce):
    torch_ = pytest.importorskip("torch")
    a, D = sparse((6, 5), "csr"), dense((5, 3))
    theirs = torch_.sparse_csr_tensor(a.crow_indices().numpy(), a.col_indices().numpy(), a.values().numpy(), (6, 5))
    assert np.allclose(torch.sparse.mm(a, D, reduce).numpy(), torch_.sparse.mm(theirs, torch_.tensor(D.numpy()), reduce).numpy())


def test_spdiags_and_sampled():
    import scipy.sparse as sp

    d = dense((3, 4))
    for offsets, shape in ([0, 1, -1], (4, 4)), ([2, -3, 0], (5, 3)), ([7, 0, -7], (3, 4)):
        for layout in None, torch.sparse_csr, torch.sparse_csc:
            y = torch.sparse.spdiags(d, torch.tensor(offsets), shape, layout)
            assert np.allclose(y.to_dense().numpy(), sp.spdiags(d.numpy(), offsets, *shape).toarray()) and y.layout is (layout or torch.sparse_coo)
    for arguments, message in [
        ((d, torch.tensor([0, 0, 1]), (4, 4)), "duplicate"), ((d, torch.tensor([0.0, 1, 2]), (4, 4)), "dtype Long"), ((d, torch.tensor([0, 1]), (4, 4)), "does not match"), ((d, torch.tensor([0, 1, 2]), (4,)), "2d"),
    ]:  # fmt: skip
        with pytest.raises(RuntimeError, match=message):
            torch.sparse.spdiags(*arguments)
    pattern = sparse((4, 5), "csr")
    there = torch.sparse_csr_tensor(pattern.crow_indices(), pattern.col_indices(), torch.ones_like(pattern.values()), (4, 5)).to_dense()
    m1, m2 = dense((4, 3)), dense((3, 5), 8)
    close(torch.sparse.sampled_addmm(pattern, m1, m2, beta=2, alpha=3), 3 * (m1 @ m2) * there + 2 * pattern.to_dense())
    with pytest.raises(RuntimeError, match="csr"):
        torch.sparse.sampled_addmm(sparse((4, 5)), m1, m2)


# ----------------------------------------------------------------------------------- gradients

def pair(layout, shape=(4, 5), seed=0, nnz=8, dense_dim=0):
    """(values, function of values that gives the sparse tensor)"""
    x = sparse(shape, layout, nnz, seed, dense_dim)
    values = x._values().clone().requires_grad_()
    if layout == "coo":
        return values, lambda v: torch.sparse_coo_tensor(x._indices(), v, shape)
    first, second = ("crow_indices", "col_indices") if layout == "csr" else ("ccol_indices", "row_indices")
    return values, lambda v: torch.sparse_compressed_tensor(getattr(x, first)(), getattr(x, second)(), v, shape, layout=x.layout)


FUNCTIONS = {
    "to_dense": lambda s: s.to_dense(), "mul": lambda s: (s * 3).to_dense(), "square": lambda s: (s * s).to_dense(), "sin": lambda s: s.sin().to_dense(), "pow": lambda s: (s**3).to_dense(),
    "mm": lambda s: s @ dense((5, 2)), "rmm": lambda s: dense((2, 4)) @ s, "mv": lambda s: s @ dense((5,)), "spmm": lambda s: (s @ s.t()).to_dense(), "add": lambda s: dense((4, 5)) + s, "sum": lambda s: s.sum(),
    "sparse add": lambda s: (s + s.sin()).to_dense(), "mul dense": lambda s: (s * dense((4, 5))).to_dense(), "csr": lambda s: s.to_sparse_csr().to_dense(), "csc": lambda s: (s.to_sparse_csc() * 2).to_dense(),
    "select": lambda s: s[1].to_dense(), "cat": lambda s: torch.cat([s.to_sparse_coo(), s.to_sparse_coo()], 1).to_dense(), "t": lambda s: s.t().to_dense(), "norm": lambda s: s.norm(),
    "index_select": lambda s: s.index_select(1, torch.tensor([2, 0, 2])).to_dense(), "to": lambda s: s.to(torch.complex128).to_dense().real, "clone": lambda s: s.clone().to_dense(),
    "mask": lambda s: s.sparse_mask(sparse((4, 5), seed=5)).to_dense(), "sum 0": lambda s: torch.sparse.sum(s.to_sparse_coo(), 0).to_dense(),
    "values": lambda s: (s.to_sparse_coo().coalesce().values() * torch.arange(s.to_sparse_coo().coalesce()._nnz())),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name, layout):
    values, build = pair(layout)
    function = FUNCTIONS[name]
    assert gradcheck(lambda v: function(build(v)), values)
    if name not in ("norm",):
        assert gradgradcheck(lambda v: function(build(v)), values)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradient_of_a_sparse_leaf(name, layout):
    """The leaf's gradient is sparse, of its own indices; there it is the dense leaf's."""
    x = sparse((4, 5), layout, 8)
    if layout == "coo":
        x = x.coalesce()
    leaf = x.detach().requires_grad_()
    FUNCTIONS[name](leaf).sum().backward()
    assert leaf.is_leaf and leaf.grad.layout is leaf.layout and leaf.grad._nnz() == leaf._nnz()
    values = x.values().detach().requires_grad_()
    torch_like = pair(layout)[1] if layout != "coo" else lambda v: torch.sparse_coo_tensor(x.indices(), v, x.shape, is_coalesced=True)
    FUNCTIONS[name](torch_like(values)).sum().backward()
    assert torch.allclose(leaf.grad._values(), values.grad)
    FUNCTIONS[name](leaf).sum().backward()      # accumulates
    assert torch.allclose(leaf.grad._values(), 2 * values.grad)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gradients_to_dense_operands(layout):
    s = sparse((4, 5), layout)
    values, build = pair(layout)
    for function, shape in [
        (lambda d: s @ d, (5, 2)), (lambda d: d @ s, (2, 4)), (lambda d: s @ d, (5,)), (lambda d: d + s, (4, 5)), (lambda d: (s * d).to_dense(), (4, 5)), (lambda d: d.sparse_mask(s).to_dense(), (4, 5)),
        (lambda d: torch.sparse.addmm(d, s, dense((5, 2))), (4, 2)), (lambda d: d.to_sparse().to_dense(), (3, 4)), (lambda d: torch.nn.functional.linear(d, s), (2, 5)),
    ]:  # fmt: skip
        d = dense(shape).requires_grad_()
        assert gradcheck(function, d) and gradgradcheck(function, d)
    d = dense((5, 2)).requires_grad_()
    assert gradcheck(lambda v, d: build(v) @ d, (values, d)) and gradgradcheck(lambda v, d: build(v) @ d, (values, d))
    if layout != "coo":
        m1, m2 = dense((4, 3)).requires_grad_(), dense((3, 5), 8).requires_grad_()
        assert gradcheck(lambda v, a, b: torch.sparse.sampled_addmm(build(v), a, b, beta=2, alpha=3).to_dense(), (values, m1, m2))


def test_more_gradients():
    c = sparse((4, 4), "csr", nnz=5) + torch.eye(4, dtype=torch.float64).to_sparse_csr() * 3
    make = lambda v: torch.sparse_csr_tensor(c.crow_indices(), c.col_indices(), v, (4, 4))  # noqa: E731
    assert gradcheck(lambda v, b: torch.sparse.spsolve(make(v), b), (c.values().requires_grad_(), dense((4, 2)).requires_grad_()))
    b = sparse((3, 4, 5), nnz=20)
    assert gradcheck(lambda v, d: torch.bmm(torch.sparse_coo_tensor(b._indices(), v, b.shape), d), (b._values().requires_grad_(), dense((3, 5, 2)).requires_grad_()))
    h = sparse((4, 3), dense_dim=1)
    assert gradcheck(lambda v: (torch.sparse_coo_tensor(h._indices(), v, h.shape).coalesce() ** 2).to_dense(), h._values().requires_grad_())
    checked = torch.sparse.as_sparse_gradcheck(gradcheck)
    assert checked(lambda s: torch.sparse.mm(s, dense((5, 2))), (sparse((4, 5)).requires_grad_(),))
    z = sparse((3, 3)).to(torch.complex128)
    z = torch.sparse_coo_tensor(z._indices(), z._values() * (1 + 2j), z.shape)
    d = (dense((3, 2)) + 1j * dense((3, 2), 9)).requires_grad_()
    assert gradcheck(lambda v, d: torch.sparse_coo_tensor(z._indices(), v, z.shape) @ d, (z._values().requires_grad_(), d))


def test_the_tape():
    x = sparse((4, 5), coalesced=True).requires_grad_()
    assert x.is_leaf and x.grad_fn is None and (x * 2).requires_grad and not (x * 2).is_leaf and not x.detach().requires_grad and not x.data.requires_grad
    y = x * 2
    y.retain_grad()
    seen = []
    x.register_hook(lambda g: seen.append(g.layout))
    y.to_dense().sum().backward()
    assert y.grad.is_sparse and seen == [torch.sparse_coo] and x.grad.is_sparse
    first = x.grad
    (x * 2).to_dense().sum().backward()
    assert x.grad is first      # added in place
    (g,) = torch.autograd.grad((x * x).to_dense().sum(), x)
    assert g.is_sparse and torch.allclose(g.to_dense(), 2 * x.detach().to_dense())
    (g,) = torch.autograd.grad((x * x).to_dense().sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.to_dense().sum(), x)
    assert torch.allclose(h.values(), torch.full((x._nnz(),), 2.0, dtype=torch.float64))
    z = x * 2
    z.backward(sparse((4, 5), seed=3))
    x.grad = None
    z = x * 2
    z.backward(torch.ones(4, 5, dtype=torch.float64))
    assert torch.allclose(x.grad.values(), torch.full((x._nnz(),), 2.0, dtype=torch.float64))
    with pytest.raises(RuntimeError, match="leaf"):
        x.mul_(2)
    with torch.no_grad():
        x.mul_(2)
    w = x.detach().clone().requires_grad_()
    v = w * 1
    v.mul_(3)
    v.to_dense().sum().backward()
    assert torch.allclose(w.grad.values(), torch.full((w._nnz(),), 3.0, dtype=torch.float64))
    x.grad = sparse((4, 5), seed=3)
    with pytest.raises(RuntimeError, match="different size"):
        x.grad = sparse((5, 4))
    with pytest.raises(RuntimeError, match="different type"):
        x.grad = sparse((4, 5)).float()
    x.grad = None
    with torch.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="nan"):
        (x * float("nan")).to_dense().sum().backward()


def test_a_gradient_through_operations_that_know_no_sparse_ones():
    """Built-in operations get sparse gradients as strided ones."""
    w = dense((6, 3)).requires_grad_()
    y = torch.nn.functional.embedding(torch.tensor([1, 1, 4]), w.exp() * 2, sparse=True)
    y.sum().backward()
    wanted = torch.zeros(6, 3, dtype=torch.float64)
    wanted[1], wanted[4] = 4 * w.detach()[1].exp(), 2 * w.detach()[4].exp()
    assert w.grad.layout is torch.strided and torch.allclose(w.grad, wanted)

    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            assert g.is_sparse
            return g * 5

    w.grad = None
    torch.nn.functional.embedding(torch.tensor([1, 1, 4]), Own.apply(w), sparse=True).sum().backward()
    assert w.grad.is_sparse and w.grad.to_dense()[1, 0] == 10.0


# --------------------------------------------------------------------------- against PyTorch

def test_against_torch():
    torch_ = pytest.importorskip("torch")

    def run(t):
        i = t.tensor([[0, 2, 1, 0, 2], [1, 0, 3, 1, 2]])
        v = t.tensor([1.0, -2.0, 3.0, 0.5, 4.0], dtype=t.float64)
        D = t.arange(12.0, dtype=t.float64).reshape(4, 3) - 5
        s = t.sparse_coo_tensor(i, v, (3, 4))
        c = s.coalesce()
        yield from (s, c, s + s, c + c.sin(), c * c, s * 2, s.t(), c.t(), s.unsqueeze(1), s[0], s.select(1, 1), c.index_select(0, t.tensor([2, 0, 0])))
        yield from (t.cat([s, s]), t.cat([c, c], 1), t.stack([c, c]), t.sparse.sum(s, 0), t.sparse.sum(s), s @ D, s @ s.t(), D.t() @ s.t(), s.abs(), s.sqrt().isnan())
        yield from (s.to_sparse_csr(), s.to_sparse_csc(), s.to_sparse_csr().to_sparse_csc(), s.to_sparse_csr() @ D, t.sparse.softmax(s, 1), t.sparse.log_softmax(s, 0), s.to_dense())
        yield from (s.int(), s.to(t.float32), D.sparse_mask(t.eye(4, 3, dtype=t.float64).to_sparse()), t.zeros_like(s), s.clone(), c.pow(2), s / 3, s.neg())
        yield from (D.to_sparse(), D.to_sparse(1), (D > 0).to_sparse(), t.sparse.addmm(t.ones(3, 3, dtype=t.float64), s, D, beta=2.0, alpha=0.5), t.hspmm(c, D), t.sparse_coo_tensor((2, 3)))
        leaf = c.detach().clone().requires_grad_()
        (t.sparse.mm(leaf, D) ** 2).sum().backward()
        yield leaf.grad
        w = t.arange(15.0).reshape(5, 3).requires_grad_()
        t.nn.functional.embedding(t.tensor([[0, 2], [2, 4]]), w, sparse=True).mul(t.arange(12.0).reshape(2, 2, 3)).sum().backward()
        yield w.grad
        t.nn.functional.embedding(t.tensor([1]), w).sum().backward()        # strided to sparse: strided
        yield w.grad

    for ours, theirs in zip(run(torch), run(torch_), strict=True):
        assert str(ours.layout) == str(theirs.layout) and str(ours.dtype) == str(theirs.dtype) and tuple(ours.shape) == tuple(theirs.shape)
        if str(ours.layout) != "torch.strided":
            assert ours._nnz() == theirs._nnz()
        if str(ours.layout) == "torch.sparse_coo":
            assert ours.is_coalesced() or not theirs.is_coalesced()
            assert ours._indices().tolist() == theirs._indices().tolist()
        assert np.allclose(ours.detach().to_dense().numpy(), theirs.detach().to_dense().numpy(), equal_nan=True)
