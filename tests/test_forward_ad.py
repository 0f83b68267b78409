"""Dual tensors: tangents against derivatives that are known, connected to what else is differentiated."""
import pytest

import pyxtorch as torch
from pyxtorch.autograd import forward_ad

x, v = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64), torch.tensor([1.0, 3.0, -0.5], dtype=torch.float64)


def test_tangents():
    with forward_ad.dual_level() as level:
        assert level == 0
        dual = forward_ad.make_dual(x, v)
        primal, tangent = forward_ad.unpack_dual(dual.sin() * dual)
        torch.testing.assert_close(primal, x.sin() * x)
        torch.testing.assert_close(tangent, (x.cos() * x + x.sin()) * v)
        assert not primal.requires_grad and not tangent.requires_grad
        torch.testing.assert_close(forward_ad.unpack_dual(2 * dual).tangent, 2 * v)             # linear: no second derivative
        second = forward_ad.make_dual(x, 10 * v)
        torch.testing.assert_close(forward_ad.unpack_dual(dual * second).tangent, 11 * x * v)
        for without in (x + 1, dual.detach(), torch.arange(3), 3):
            assert forward_ad.unpack_dual(without).tangent is None
        changed = x.clone()
        changed.mul_(dual)
        torch.testing.assert_close(forward_ad.unpack_dual(changed).tangent, x * v)
        dual = forward_ad.make_dual(x.clone(), v)
        dual.mul_(2)
        torch.testing.assert_close(forward_ad.unpack_dual(dual).tangent, 2 * v)
    assert forward_ad.unpack_dual(dual * dual).tangent is None


def test_tangents_have_gradients():
    w = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64, requires_grad=True)
    with forward_ad.dual_level():
        primal, tangent = forward_ad.unpack_dual((w * forward_ad.make_dual(x, v)).exp())
        assert primal.requires_grad and tangent.requires_grad
        (g,) = torch.autograd.grad(tangent.sum(), w, retain_graph=True)
        torch.testing.assert_close(g, v * (w * x).exp() * (1 + w * x))
        (g,) = torch.autograd.grad(primal.sum(), w)
        torch.testing.assert_close(g, x * (w * x).exp())
        primal, tangent = forward_ad.unpack_dual(forward_ad.make_dual(w, v).square())           # of what is a leaf itself
        torch.testing.assert_close(torch.autograd.grad(primal.sum(), w)[0], 2 * w.detach())
        torch.testing.assert_close(tangent, 2 * w * v)


@pytest.mark.parametrize(("error", "words", "call"), [
    (RuntimeError, "size", lambda: forward_ad.make_dual(x, v[:2])),
    (ValueError, "int64", lambda: forward_ad.make_dual(x.long(), v)),
    (TypeError, "tangent is int", lambda: forward_ad.make_dual(x, 2)),
    (RuntimeError, "already has a forward gradient", lambda: forward_ad.make_dual(forward_ad.make_dual(x, v), v)),
    (RuntimeError, "Nested", forward_ad.enter_dual_level),
    (RuntimeError, "meta", lambda: forward_ad.make_dual(x, v.to("meta"))),
    (RuntimeError, "complex128", lambda: forward_ad.make_dual(x, v.to(torch.complex128))),
])  # fmt: skip
def test_mistakes(error, words, call):
    with forward_ad.dual_level(), pytest.raises(error, match=words):
        call()


def test_mistakes_without_a_level():
    with pytest.raises(RuntimeError, match="no level"):
        forward_ad.make_dual(x, v)
    with pytest.raises(RuntimeError, match="no level"):
        forward_ad.exit_dual_level()
