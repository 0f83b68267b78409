"""Products by cuBLAS (its stand-in checks what cuBLAS demands of sizes and strides), against the CPU's."""
import pytest

import pyxtorch as torch


@pytest.fixture(params=[torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128], ids=str)
def dtype(request):
    torch.manual_seed(0)
    return request.param


@pytest.fixture
def matrices(dtype):
    return [torch.randn(*shape, dtype=torch.complex128 if dtype.is_complex else torch.float64).to(dtype)
            for shape in ((5, 7), (7, 3), (5, 3), (4, 2, 5, 7), (2, 7, 3))]


@pytest.fixture
def check(dtype, agree):
    tolerance = {torch.float16: 1e-2, torch.bfloat16: 6e-2, torch.float32: 1e-5, torch.complex64: 1e-5}.get(dtype, 1e-12)
    return lambda f, *x: agree(f, *x, tolerance=tolerance)


def test_layouts(matrices, check):
    a, b = matrices[:2]
    check(lambda a, b: a @ b, a, b)
    check(lambda a, b: b.T @ a.T, a, b)
    check(lambda a, b: a.T.contiguous().T @ b.T.contiguous().T, a, b)
    check(lambda a, b: a[::2, ::2] @ b[::2], a, b)       # both strides above 1: copied first
    check(lambda a, b: a[:, 1:4] @ b[2:5, ::2], a, b)
    check(lambda a: a[0].expand(4, 7) @ a.T, a)          # rows repeated by stride 0
    check(lambda a: a[:, :1].expand(5, 7) @ a.T, a)      # columns repeated


def test_thin_and_empty(matrices, check):
    a, b = matrices[:2]
    check(lambda a: a[:, :1] @ a[:1], a)
    check(lambda a, b: a[:1] @ b, a, b)
    check(lambda a, b: a @ b[:, :1], a, b)
    check(lambda a: a[0] @ a[1], a)
    check(lambda a, b: a @ b[:, 1], a, b)
    check(lambda a: a[:, :0] @ a[:0], a)
    check(lambda a: a[:0] @ a.T, a)


def test_batches(matrices, check):
    a, b, _, x, y = matrices
    check(lambda x, y: x @ y, x, y)
    check(lambda x, b: x @ b, x, b)
    check(lambda a, y: a @ y, a, y)
    check(lambda x, y: torch.bmm(x[0], y), x, y)
    check(lambda x, y: x.transpose(0, 1) @ y[:, None], x, y)
    check(lambda x, y: torch.einsum("abij,bjk->aik", x, y), x, y)


def test_with_addition(matrices, check):
    a, b, c, x, y = matrices
    check(lambda a, b, c: torch.addmm(c, a, b, beta=0.5, alpha=2), a, b, c)
    check(lambda a, b, c: torch.addmm(c[0], a, b), a, b, c)
    check(lambda a, b, c: torch.addmm(c[:, :1], a, b, beta=3), a, b, c)
    check(lambda x, y, c: torch.baddbmm(c, x[0], y, alpha=0.5), x, y, c)
    check(lambda a, b, c: torch.nn.functional.linear(a, b.T, c[0]), a, b, c)


def test_gradients(agree):
    def gradients(a, b):
        a, b = a.detach().requires_grad_(), b.detach().requires_grad_()
        return torch.autograd.grad(((a @ b) ** 2).sum(), (a, b))

    agree(gradients, torch.randn(4, 5, 7), torch.randn(7, 3), tolerance=1e-4)


def test_integers_are_refused():
    x = torch.ones(2, 2, dtype=torch.int64, device="cuda")
    with pytest.raises(RuntimeError, match="not implemented for 'int64'"):
        x @ x


def test_devices_are_not_mixed():
    with pytest.raises(RuntimeError, match="same device.*cuda:0 and cpu"):
        torch.ones(2, 2, device="cuda") @ torch.ones(2, 2)


def test_tf32_is_asked_for():
    switch = torch.backends.cuda.matmul
    assert switch.allow_tf32 is False
    switch.allow_tf32 = True
    try:
        assert (torch.ones(2, 3, device="cuda") @ torch.ones(3, 2, device="cuda")).tolist() == [[3.0, 3.0], [3.0, 3.0]]
    finally:
        switch.allow_tf32 = False
