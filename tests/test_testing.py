"""pyxtorch.testing itself: what it accepts and what it must reject."""
import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.testing import assert_close, checks, make_tensor
from pyxtorch.testing.operations import Error, Op, S


def test_close_tensors():
    assert_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.000001]))
    assert_close(torch.ones(2, dtype=torch.float16), torch.ones(2, dtype=torch.float16) * 1.0005)
    assert_close(torch.tensor([np.nan]), torch.tensor([np.nan]), equal_nan=True)
    assert_close([torch.ones(1), {"a": 2}], [torch.ones(1), {"a": 2}])
    assert_close(1.0, 1.0 + 1e-9)
    assert_close(np.ones(2), np.ones(2))
    assert_close(torch.ones(2), torch.ones(2, dtype=torch.float64), check_dtype=False)


@pytest.mark.parametrize("actual, expected, match", [
    (torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.1, 3.0]), r"Mismatched elements: 1 / 3 \(33.3%\)(.|\n)*index \(1,\)"),
    (torch.ones(2), torch.ones(3), "'shape' do not match"),
    (torch.ones(2), torch.ones(2, dtype=torch.float64), "'dtype' do not match"),
    (torch.tensor([1, 2]), torch.tensor([1, 3]), "not equal"),
    (torch.tensor([np.nan]), torch.tensor([np.nan]), "not close"),
    (torch.tensor([np.inf]), torch.tensor([1.0]), "not close"),
    ([torch.ones(1)], [torch.ones(1), torch.ones(1)], "length of the sequences mismatch: 1 != 2"),
    ({"a": 1}, {"b": 1}, "keys"), ([{"a": torch.ones(1)}], [{"a": torch.zeros(1)}], r"item \[0\]\['a'\]"), (1.0, 1.1, "Scalars"), (1, 1.0, "types"), (None, 1, "None mismatch"), (True, False, "Booleans")])
def test_what_is_not_close(actual, expected, match):
    with pytest.raises(AssertionError, match=match):
        assert_close(actual, expected)


def test_tolerances_and_messages():
    with pytest.raises(ValueError, match="rtol and atol"):
        assert_close(1.0, 1.0, rtol=0.1)
    assert_close(torch.tensor(1.0), torch.tensor(1.05), rtol=0.1, atol=0)
    with pytest.raises(AssertionError, match="^mine$"):
        assert_close(1.0, 2.0, msg="mine")
    with pytest.raises(AssertionError, match="^seen: Scalars"):
        assert_close(1.0, 2.0, msg=lambda text: f"seen: {text}")
    with pytest.raises(AssertionError, match="'stride'"):
        assert_close(torch.zeros(2, 2).t(), torch.zeros(2, 2), check_stride=True)
    with pytest.raises(TypeError):
        assert_close(torch.ones(2), [1.0, 1.0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int8, torch.uint8, torch.int64, torch.bool, torch.complex64])
def test_make_tensor(dtype):
    x = make_tensor(4, 5, dtype=dtype, device="cpu")
    assert x.shape == (4, 5) and x.dtype is dtype and x.is_contiguous()
    assert not make_tensor((4, 5), dtype=dtype, noncontiguous=True).is_contiguous()
    if not dtype.is_complex and dtype is not torch.bool:
        x = make_tensor(1000, dtype=dtype, low=2, high=5).double()
        assert x.min() >= 2 and x.max() <= 5 and x.max() > x.min()
    assert (make_tensor(1000, dtype=dtype, exclude_zero=True) != 0).all()
    assert make_tensor((), dtype=dtype).shape == () and make_tensor(0, 3, dtype=dtype).shape == (0, 3)


def test_make_tensor_refuses():
    with pytest.raises(ValueError, match="low=3"):
        make_tensor(1, dtype=torch.float32, low=3, high=2)
    with pytest.raises(ValueError, match="nan"):
        make_tensor(1, dtype=torch.float32, low=np.nan)
    assert make_tensor(2, dtype=torch.float64, requires_grad=True).requires_grad


# Operations that are wrong in one way each, and the check that must notice.
class OffByALittle(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.exp()

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0].exp() * 1.001


class NoSecond(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.exp()

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0].detach().exp()


class NanAtZero(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.abs().sqrt()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g / torch.tensor(0.0, dtype=x.dtype) if (x == 0).any() else g * x.sign() / (2 * x.abs().sqrt())


def ignores_strides(x):
    return x.as_strided(x.shape, torch.empty(x.shape).stride()) * 1


def changes_its_input(x):
    x.detach().add_(1)
    return x * 1


def by_thread_count(x):
    return x + torch.get_num_threads()


WRONG = [
    (lambda op: checks.check_values(op, torch.float64), dict(function=lambda x: x.exp() * (1 + 1e-9)), "differ"),
    (lambda op: checks.check_values(op, torch.float64), dict(function=lambda x: x.exp().float()), "expected torch.float64"),
    (lambda op: checks.check_values(op, torch.float64), dict(function=lambda x: x.exp()[None]), "shape"),
    (lambda op: checks.check_values(op, torch.float64), dict(function=changes_its_input), "changed an input"),
    (checks.check_gradients, dict(function=OffByALittle.apply), "Jacobian mismatch"),
    (checks.check_gradients, dict(function=lambda x: x.detach().exp()), "nothing that could be differentiated"),
    (checks.check_second_gradients, dict(function=NoSecond.apply), "second gradient"),
    (checks.check_zero_gradients, dict(function=NanAtZero.apply), "gradient of zero became"),
    (lambda op: checks.check_layouts(op, torch.float64), dict(function=ignores_strides), "inputs"),
    (checks.check_threads, dict(function=by_thread_count), "number of threads"),
    (lambda op: checks.check_inplace(op, torch.float64), dict(inplace="log_"), "log_"),
    (lambda op: checks.check_out(op, torch.float64), dict(function=lambda x, out=None: x.exp()), "out"),
    (checks.check_errors, dict(errors=[Error(ValueError, "no such", (2,))]), "does not raise"),
    (checks.check_errors, dict(function=lambda x: torch.ones(2) + torch.ones(3), errors=[Error(RuntimeError, "no such text", (2,))]), "does not match"),
    (checks.check_aliases, dict(aliases=["log"]), "log"),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_checks_notice(number):
    check, named, match = WRONG[number]
    samples = [S((2, 3)), S((4, 5, 2))]
    right = Op("exp", *samples, reference=np.exp, inplace="exp_", out=True, large=S((131, 1009)), aliases=["exp"])
    check(right)
    wrong = Op("exp", *samples, **{"reference": np.exp, "inplace": "exp_", "out": True, "large": S((131, 1009)), **named})
    with pytest.raises(AssertionError, match=match):
        check(wrong)
