"""One operation on each tensor of a list, against the operation itself."""
import pytest

import pyxtorch as torch
from pyxtorch import _foreach

a = [torch.tensor([0.25, 0.5]), torch.tensor([[0.75], [0.125]], dtype=torch.float64)]
b = [x + 0.5 for x in a]


def same(found, expected, kind=tuple):
    assert type(found) is kind and len(found) == len(expected)
    for x, y in zip(found, expected):
        assert torch.equal(x, y) and x.dtype == y.dtype


def clones():
    return [x.clone() for x in a]


@pytest.mark.parametrize("name", _foreach.UNARY)
def test_of_one(name):
    expected = [x.new_zeros(x.shape) if name == "zero" else getattr(x, name)() for x in a]
    if name != "zero":
        same(getattr(torch, f"_foreach_{name}")(a), expected)
    if name not in ("clone", "max"):
        given = clones()
        assert getattr(torch, f"_foreach_{name}_")(given) is given
        same(given, expected, list)


@pytest.mark.parametrize("other", [2, b, [2, 3.5], (2, 3.5), torch.tensor(2.0)], ids=["number", "tensors", "numbers", "tuple", "tensor"])
@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "maximum", "minimum", "clamp_max", "clamp_min", "pow"])
def test_of_two(name, other):
    others = other if isinstance(other, (list, tuple)) else [other] * 2
    plain = {"clamp_max": "minimum", "clamp_min": "maximum"}.get(name, name)
    expected = [getattr(torch, plain)(x, y if isinstance(y, torch.Tensor) or plain == "pow" else torch.tensor(y, dtype=x.dtype)) for x, y in zip(a, others)]
    same(getattr(torch, f"_foreach_{name}")(a, other), expected)
    given = clones()
    assert getattr(torch, f"_foreach_{name}_")(given, other) is given
    same(given, expected, list)


def test_more():
    same(torch._foreach_add(a, b, alpha=2), [x.add(y, alpha=2) for x, y in zip(a, b)])
    same(torch._foreach_mul(a, scalar=2.0), [2 * x for x in a])
    same(torch._foreach_pow(2, a), [2**x for x in a])
    same(torch._foreach_norm(a, float("inf")), [x.abs().max() for x in a])
    same(torch._foreach_powsum(a, 2), [x.square().sum() for x in a])
    same(torch._foreach_mm([torch.ones(2, 3)], [torch.ones(3, 1)]), [torch.full((2, 1), 3.0)])
    given = clones()
    torch._foreach_copy_(given, b)
    same(given, b, list)
    for name in ("addcmul", "addcdiv"):
        for value, values in ((3, [3, 3]), ([2, 4], [2, 4]), (torch.tensor([2.0, 4.0]), [2, 4])):
            expected = [getattr(x, name)(y, x, value=v) for x, y, v in zip(a, b, values)]
            same(getattr(torch, f"_foreach_{name}")(a, b, a, value), expected)
            given = clones()
            getattr(torch, f"_foreach_{name}_")(given, b, clones(), value)
            same(given, expected, list)
    for weight in (0.25, [0.25, 0.5], b):
        weights = weight if isinstance(weight, list) else [weight] * 2
        expected = [x.lerp(y, w) for x, y, w in zip(a, b, weights)]
        same(torch._foreach_lerp(a, b, weight), expected)
        given = clones()
        same(torch._foreach_lerp_(given, b, weight), expected, list)
    leaf = torch.ones(2, requires_grad=True)                    # through the tape, as the operations are
    torch._foreach_mul([leaf], 3)[0].sum().backward()
    assert leaf.grad.tolist() == [3, 3]


@pytest.mark.parametrize(("error", "words", "call"), [
    (RuntimeError, "same number of elements as scalar list", lambda: torch._foreach_add(a, [1])),
    (RuntimeError, "same number of tensors, got 2 and 1", lambda: torch._foreach_add(a, b[:1])),
    (RuntimeError, "at least one", lambda: torch._foreach_add([], 1)),
    (TypeError, "not Tensor", lambda: torch._foreach_add(torch.ones(2), 1)),
    (TypeError, "not list", lambda: torch._foreach_abs([1.0])),
    (TypeError, "one alone", lambda: torch._foreach_add(a)),
    (TypeError, "weight", lambda: torch._foreach_lerp(a, b)),
    (RuntimeError, "0 dim but it has 1", lambda: torch._foreach_add(a, torch.ones(2))),
    (AttributeError, "_foreach_nothing", lambda: torch._foreach_nothing),
    (AttributeError, "_foreach_max_", lambda: torch._foreach_max_),
])  # fmt: skip
def test_mistakes(error, words, call):
    with pytest.raises(error, match=words):
        call()
