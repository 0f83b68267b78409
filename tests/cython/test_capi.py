"""The package from C, by the table of pyxtorch/capi.h. The module is compiled as C11, not as C++."""
import gc
from pathlib import Path

import pytest

import pyxtorch as torch
from pyxtorch.utils import cpp_extension


@pytest.fixture(scope="module")
def capi(tmp_path_factory):
    if cpp_extension.compiler() is None:
        pytest.skip("building an extension needs g++")
    return cpp_extension.load("capi_module", [Path(__file__).with_name("capi_module.c")], extra_cflags=["-Wall", "-Werror", "-Wno-missing-field-initializers"],
                              build_directory=tmp_path_factory.mktemp("capi"))  # fmt: skip


@pytest.mark.parametrize("shape", [(), (0,), (3,), (7, 50), (1000,)])
def test_an_operation_with_threads_and_a_gradient(capi, shape):
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert torch.allclose(capi.exp2x(x), (2 * x).exp())
    if x.numel() < 10:
        assert torch.autograd.gradcheck(capi.exp2x, (x,)) and torch.autograd.gradgradcheck(capi.exp2x, (x,))
    assert not capi.exp2x(x.detach()).requires_grad


def test_a_gradient_that_does_not_fit(capi):
    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"input 0 a gradient .*float32.*expected .*float64"):
        capi.exp2x(x, 1).sum().backward()
    y = capi.exp2x(x)
    y.detach().zero_()
    with pytest.raises(RuntimeError, match="changed|modified"):
        y.sum().backward()


def test_memory_that_is_lent(capi):
    before = capi.count()
    x = capi.lend()
    view = x[1]
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]] and (x + 1).sum() == 21
    del x
    gc.collect()
    assert capi.count() == before and view.tolist() == [3, 4, 5]
    del view
    gc.collect()
    assert capi.count() == before + 1


def test_views_and_products(capi):
    x = torch.arange(12.0).view(3, 4)
    assert capi.column(x, 1, 3, 4).tolist() == [1, 5, 9]
    for i, n, step in ((1, 4, 4), (-1, 1, 1), (0, 1, -1), (0, -1, 1), (2**62, 1, 1), (0, 2, 2**62)):
        with pytest.raises((RuntimeError, ValueError)):
            capi.column(x, i, n, step)
    assert torch.allclose(capi.product(x, x.t()), x @ x.t())
    with pytest.raises(ValueError, match="-1"):
        capi.product(x.bool(), x.t().bool())


def test_what_is_refused(capi):
    for x, words in ((3, "expected a Tensor, got int"), (torch.zeros(2), "exp2x: expected a contiguous tensor of float64"), (torch.zeros(2, 3).double().t(), "not contiguous")):
        with pytest.raises((TypeError, ValueError), match=words):
            capi.exp2x(x)
    for which, error, words in ((0, ValueError, "size -1 of dimension 0"), (1, ValueError, "1234 is no dtype"), (2, ValueError, "77 is no device"), (3, ValueError, "0 to 64 dimensions"),
                                (4, RuntimeError, "larger than any memory"), (5, ValueError, "NULL"), (6, ValueError, "too many|address"), (7, ImportError, "Build all"), (8, ImportError, "no family")):  # fmt: skip
        with pytest.raises(error, match=words):
            capi.bad(which)
