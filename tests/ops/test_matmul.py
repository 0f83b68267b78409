"""Products of matrices."""
import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.testing.operations import COMPLEX, FLOAT, INT, WIDE, Error, Op, S, tensor

NUMBERS = FLOAT + COMPLEX + INT
# The sum of k products is rounded once in half precision; float32 sums in another order than float64.
TOL = {torch.float32: (3e-6, 2e-5), torch.complex64: (3e-6, 3e-5), torch.float16: (1e-3, 2e-3), torch.bfloat16: (8e-3, 2e-2)}
SIZES = [Error(RuntimeError, "size|shape|columns|match", (2, 3), (4, 5)), Error(RuntimeError, "dtype|type|expected", (2, 3), tensor(3, 2, dtype=torch.float64))]


def product(name, *samples, reference, **named):
    return Op(name, *samples, reference=reference, **{"dtypes": NUMBERS, "tol": TOL, "out": True, **named})


def plus(multiply):
    return lambda x, a, b, beta=1, alpha=1: beta * x + alpha * multiply(a, b)


def batch_sum(a, b):
    return (a @ b).sum(0)


OPS = [
    product("matmul", S((2, 3), (3, 4)), S((3,), (3,)), S((2, 3), (3,)), S((3,), (3, 2)), S((5, 2, 3), (3, 4)), S((4, 1, 2, 3), (5, 3, 2)), S((3,), (2, 3, 4)),
            S((2, 0), (0, 3)), S((0, 3), (3, 2)), S((2, 5, 3), (3,)), S((33, 17), (17, 40)), reference=np.matmul, large=S((400, 300), (300, 500)),
            errors=[*SIZES, Error(RuntimeError, "1D|dimension", (), (2,))]),
    product("matmul", S((3, 70, 65), (3, 65, 80)), S((1, 300), (300, 64)), S((200, 129), (129,)), reference=np.matmul, dtypes=WIDE, gradgrad=False,
            large=S((64, 50, 60), (64, 60, 50)), tol={torch.float32: (3e-6, 5e-5)}),
    product("mm", S((2, 3), (3, 4)), S((2, 0), (0, 3)), S((9, 8), (8, 33)), reference=np.matmul, errors=[*SIZES, Error(RuntimeError, "matrix|2D|matrices|dim", (3,), (3, 2))]),
    product("bmm", S((2, 3, 4), (2, 4, 5)), S((0, 3, 4), (0, 4, 5)), S((2, 3, 0), (2, 0, 5)), reference=np.matmul,
            errors=[Error(RuntimeError, "batch|size|shape", (2, 3, 4), (3, 4, 5)), Error(RuntimeError, "3D|dim", (3, 4), (4, 5))]),
    product("mv", S((2, 3), (3,)), S((2, 0), (0,)), S((300, 40), (40,)), reference=np.matmul, large=S((400, 300), (300,)), errors=[Error(RuntimeError, "size|shape|match", (2, 3), (2,))]),
    product("dot", S((5,), (5,)), S((0,), (0,)), reference=np.dot, large=S((130_000,), (130_000,)), errors=[Error(RuntimeError, "1D|size|same", (5,), (4,))]),
    product("vdot", S((5,), (5,)), reference=np.vdot),
    product("inner", S((2, 3), (4, 3)), S((3,), (3,)), S((2, 3), ()), reference=np.inner, errors=[Error(RuntimeError, "last dimension|size|shape", (2, 3), (2,))]),
    product("outer", S((3,), (4,)), S((0,), (4,)), reference=np.outer, aliases=["ger"], errors=[Error(RuntimeError, "1-?D|vector|dim", (2, 3), (3,))]),
    product("addmm", S((2, 4), (2, 3), (3, 4)), S((4,), (2, 3), (3, 4)), S((), (2, 3), (3, 4), beta=2, alpha=3), S((2, 4), (2, 0), (0, 4)), reference=plus(np.matmul), inplace="addmm_",
            large=S((500,), (400, 300), (300, 500)), errors=[Error(RuntimeError, "size|shape|match|expand", (2, 4), (2, 3), (4, 4))]),
    product("addmv", S((2,), (2, 3), (3,)), S((1,), (2, 3), (3,), beta=2, alpha=3), reference=plus(np.matmul), inplace="addmv_"),
    product("addr", S((2, 3), (2,), (3,)), S((3,), (2,), (3,), beta=2, alpha=3), reference=plus(np.outer), inplace="addr_"),
    product("baddbmm", S((2, 3, 5), (2, 3, 4), (2, 4, 5)), S((5,), (2, 3, 4), (2, 4, 5), beta=2, alpha=3), reference=plus(np.matmul), inplace="baddbmm_"),
    product("addbmm", S((3, 5), (2, 3, 4), (2, 4, 5)), S((5,), (2, 3, 4), (2, 4, 5), beta=2, alpha=3), reference=plus(batch_sum), inplace="addbmm_"),
    product("kron", S((2, 3), (3, 2)), S((2,), (2, 2)), S((), (3,)), reference=np.kron, out=False),
    product("tensordot", S((2, 3, 4), (3, 4, 5)), S((2, 3), (4, 5), dims=0), S((2, 3, 4), (4, 2, 3), dims=[[0, 2], [1, 0]]), dtypes=WIDE + COMPLEX, out=False,
            reference=lambda a, b, dims=2: np.tensordot(a, b, dims)),
    product("einsum", S("ij,jk->ik", (2, 3), (3, 4)), S("bij,bjk->bik", (2, 3, 4), (2, 4, 2)), S("ii->i", (3, 3)), S("ij->ji", (2, 3)), S("i,i", (4,), (4,)), S("...ij->...", (2, 3, 4)),
            S("ij,kj,lj->ikl", (2, 3), (2, 3), (4, 3)), reference=np.einsum, dtypes=WIDE + COMPLEX, out=False, errors=[Error(RuntimeError, "size|subscript|match", "ij,jk", (2, 3), (4, 5)),
            Error(RuntimeError, "subscript|operand|number", "ij,jk->ik", (2, 3))]),
    product("chain_matmul", S((2, 3), (3, 4), (4, 2)), S((3, 2), (2, 5)), reference=lambda *m: np.linalg.multi_dot(m), dtypes=WIDE, out=False),
    product("nn.functional.linear", S((2, 3), (4, 3), (4,)), S((5, 2, 3), (4, 3)), S((3,), (4, 3), (4,)), S((0, 3), (4, 3), (4,)), S((3,), (3,)),
            reference=lambda x, w, b=0: np.matmul(x, np.swapaxes(w, -1, -2) if w.ndim > 1 else w) + b, dtypes=FLOAT + COMPLEX, out=False,
            large=S((400, 300), (500, 300), (500,)), errors=[Error(RuntimeError, "size|shape|match", (2, 3), (4, 5))]),
    product("nn.functional.bilinear", S((2, 3), (2, 4), (5, 3, 4), (5,)), S((3,), (4,), (5, 3, 4)), reference=lambda a, b, w, bias=0: np.einsum("...i,oij,...j->...o", a, w, b) + bias,
            dtypes=WIDE, out=False),
]


def test_matmul_of_every_small_size():
    """All edges of the register tiles: sizes 1 to 20 in each direction."""
    rng = np.random.default_rng(0)
    for m in (1, 2, 3, 5, 8, 13, 17):
        for n in (1, 2, 4, 7, 9, 16, 20):
            for k in (1, 3, 8, 15):
                a, b = rng.standard_normal((m, k)), rng.standard_normal((k, n))
                for dtype in (torch.float32, torch.float64):
                    y = torch.tensor(a, dtype=dtype) @ torch.tensor(b, dtype=dtype)
                    assert np.allclose(y.numpy(), a @ b, rtol=1e-5, atol=1e-5)
                    y = torch.tensor(a.T.copy(), dtype=dtype).T @ torch.tensor(b.T.copy(), dtype=dtype).T
                    assert np.allclose(y.numpy(), a @ b, rtol=1e-5, atol=1e-5)


def test_nan_and_inf_pass_through_products():
    a = torch.tensor([[np.inf, 1.0], [np.nan, 0.0]])
    y = a @ torch.tensor([[1.0], [1.0]])
    assert y[0].item() == np.inf and np.isnan(y[1].item())
    assert torch.addmm(torch.full((2, 2), np.nan), torch.eye(2), torch.eye(2), beta=0).tolist() == [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize("dtype", INT)
def test_sums_over_a_dimension_of_one_factor_alone(dtype):
    """einsum adds integers up in int64, as sum does, and goes on in it; tensordot, and einsum's products, stay in the dtype."""
    one, x, v = torch.ones(1, 1, 1, dtype=dtype), torch.arange(4).reshape(2, 1, 2).to(dtype), torch.tensor([1, 2, 3], dtype=dtype)
    y = torch.tensordot(one, x, dims=([0, 1], [2, 0]))
    assert y.dtype == dtype and y.tolist() == [[6]]
    m = torch.arange(6).reshape(2, 3).to(dtype)
    for equation, operands, want, expected in (
        ("...ik, ...j -> ij", (m[None], v), torch.int64, [[3, 6, 9], [12, 24, 36]]),
        ("ij->i", (m,), torch.int64, [3, 12]), ("ij,j->i", (m, v), dtype, [8, 26]),
    ):
        y = torch.einsum(equation, *operands)
        assert y.dtype == want and y.tolist() == expected


def test_what_is_multiplied_by_zero_is_not_read():
    """As BLAS has it: NaN in the matrices does not count where alpha is 0, nor that in input where beta is 0; gradients likewise."""
    ones, nans = torch.ones(1, 2, 2), torch.full((1, 2, 2), np.nan)
    forms = {
        torch.addmm: lambda x: x[0], torch.baddbmm: lambda x: x, torch.addbmm: None, torch.addmv: None,
    }
    for function in forms:
        pick = {torch.addbmm: [lambda x: x[0], lambda x: x, lambda x: x], torch.addmv: [lambda x: x[0, 0], lambda x: x[0], lambda x: x[0, 0]],
                torch.addr: [lambda x: x[0], lambda x: x[0, 0], lambda x: x[0, 0]]}.get(function, [forms[function]] * 3)
        for a, b in ((nans, ones), (ones, nans)):
            d, left, right = (p(x).clone().requires_grad_() for p, x in zip(pick, (ones, a, b)))
            for beta in (1, 2.0, 0):
                y = function(d, left, right, alpha=0, beta=beta)
                assert (y == beta).all(), (function, beta)
                y.sum().backward()
                assert not left.grad.any() and not right.grad.any() and (d.grad == beta).all()
                d.grad = left.grad = right.grad = None
        d, left, right = (p(x) for p, x in zip(pick, (nans, ones, ones)))
        assert not function(d, left, right, beta=0).isnan().any()
    x = torch.ones(2, 2)
    assert (x.addmm_(nans[0], x, alpha=0) == 1).all()
