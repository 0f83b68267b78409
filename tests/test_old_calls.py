"""Calls as they were written years ago, and functions on lists of tensors. The values are what the formulas say."""
import pytest

import pyxtorch as torch

x, o, m, b = torch.ones(3), torch.arange(3.0), torch.eye(3), torch.ones(1, 3, 3)

# (the call of then, the call of today)
CALLS = [
    (lambda: x.clone().add_(0.5, o), lambda: x + 0.5 * o),
    (lambda: x.add(0.5, o), lambda: x + 0.5 * o),
    (lambda: torch.add(x, 0.5, o), lambda: x + 0.5 * o),
    (lambda: torch.add(x, 2, 3), lambda: x + 6),
    (lambda: x.clone().sub_(2, o), lambda: x - 2 * o),
    (lambda: x.clone().addcmul_(0.5, o, o), lambda: x + 0.5 * o * o),
    (lambda: torch.addcdiv(x, 2, o, x), lambda: x + 2 * o),
    (lambda: torch.addmm(0.5, m, m, m), lambda: 1.5 * m),
    (lambda: torch.addmm(0.5, m, 2, m, m), lambda: 2.5 * m),
    (lambda: m.clone().addmm_(0.5, 2, m, m), lambda: 2.5 * m),
    (lambda: o.addmv(0.5, m, o), lambda: 1.5 * o),
    (lambda: m.addr(0.5, o, o), lambda: 0.5 * m + torch.outer(o, o)),
    (lambda: torch.addr(0.5, m, 3, o, o), lambda: 0.5 * m + 3 * torch.outer(o, o)),
    (lambda: torch.baddbmm(0.5, b, b, b), lambda: 3.5 * b),
    (lambda: torch.addbmm(0.5, m, b, b), lambda: 0.5 * m + 3),
]


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_numbers_before_tensors(number):
    then, today = CALLS[number]
    with pytest.warns(UserWarning, match="deprecated: numbers stood before tensors. Write"):
        result = then()
    assert torch.equal(result, today())


def test_it_writes_in_place_and_is_recorded():
    parameter = torch.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match=r"Write add_\(tensor, tensor, alpha=-0.1\)"):
        parameter.data.add_(-0.1, torch.ones(2))
    assert torch.allclose(parameter, torch.full((2,), 0.9))
    with pytest.warns(UserWarning):
        torch.add(parameter, 3, parameter).sum().backward()
    assert parameter.grad.tolist() == [4.0, 4.0]


def test_what_never_meant_anything_is_refused():
    for call in (lambda: o.add(1, 2, 3), lambda: o.add_("a", o), lambda: torch.add(o, o, o), lambda: torch.mul(o, 2, o), lambda: torch.addmm(m, m)):
        with pytest.raises(TypeError):
            call()
    with pytest.warns(UserWarning), pytest.raises(RuntimeError, match="3.*4|4.*3"):
        x.clone().add_(1, torch.ones(4))


def two():
    return [torch.tensor([0.25, 0.75]), torch.tensor([[0.5], [1.0]])]


@pytest.mark.parametrize("name", ["abs", "cos", "exp", "log", "neg", "reciprocal", "sqrt", "sigmoid", "sign", "trunc", "tanh"])
def test_one_list(name):
    wanted = [getattr(t, name)() for t in two()]
    result = getattr(torch, f"_foreach_{name}")(two())
    assert isinstance(result, tuple) and all(map(torch.equal, result, wanted))
    given = two()
    result = getattr(torch, f"_foreach_{name}_")(given)
    assert result is given and all(map(torch.equal, given, wanted))


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow", "maximum", "minimum"])
def test_two_lists(name):
    others = [torch.tensor([2.0, 0.5]), torch.tensor([[0.25], [3.0]])]
    operation = getattr(torch, name)
    for given, each in ((0.5, (torch.tensor(0.5),) * 2), ([2.0, 3.0], (torch.tensor(2.0), torch.tensor(3.0))), (others, others)):
        wanted = [operation(t, e) for t, e in zip(two(), each)]
        assert all(map(torch.allclose, getattr(torch, f"_foreach_{name}")(two(), given), wanted))
        changed = two()
        getattr(torch, f"_foreach_{name}_")(changed, given)
        assert all(map(torch.allclose, changed, wanted))


def test_lists_as_optimisers_call_them():
    g = [torch.tensor([1.0, 2.0]), torch.tensor([[3.0], [4.0]])]
    t = two()
    torch._foreach_add_(t, g, alpha=-0.5)
    assert t[0].tolist() == [-0.25, -0.25] and t[1].tolist() == [[-1.0], [-1.0]]
    t = two()
    torch._foreach_lerp_(t, g, 0.5)
    assert t[0].tolist() == [0.625, 1.375]
    assert [v.tolist() for v in torch._foreach_addcmul(two(), g, g, value=2)] == [[2.25, 8.75], [[18.5], [33.0]]]
    assert [v.tolist() for v in torch._foreach_addcdiv(two(), g, g, [1.0, 2.0])] == [[1.25, 1.75], [[2.5], [3.0]]]
    assert [v.item() for v in torch._foreach_norm(g)] == pytest.approx([5.0**0.5, 5.0])
    assert [v.item() for v in torch._foreach_norm(g, float("inf"))] == [2.0, 4.0]
    torch._foreach_copy_(t, g)
    assert torch.equal(t[1], g[1]) and t[1] is not g[1]
    torch._foreach_zero_(t)
    assert t[0].tolist() == [0.0, 0.0]
    assert [v.tolist() for v in torch._foreach_pow(2.0, [torch.tensor([1.0, 3.0])])] == [[2.0, 8.0]]


def test_lists_that_do_not_fit():
    with pytest.raises(RuntimeError, match="at least one tensor"):
        torch._foreach_add([], 1)
    with pytest.raises(RuntimeError, match="2 and 1"):
        torch._foreach_add(two(), two()[:1])
    with pytest.raises(RuntimeError, match="2 and 3"):
        torch._foreach_mul_(two(), [1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="list or tuple of tensors, not int"):
        torch._foreach_add(1, 1)
    with pytest.raises(AttributeError, match="_foreach_nothing"):
        torch._foreach_nothing


def test_groups():
    from pyxtorch.utils._foreach_utils import _group_tensors_by_device_and_dtype

    a, d = torch.ones(1), torch.ones(1, dtype=torch.float64)
    groups = _group_tensors_by_device_and_dtype([[a, d, a], [1, None, 3]], with_indices=True)
    assert groups[torch.device("cpu"), torch.float64] == ([[d], [None]], [1])
    assert groups[torch.device("cpu"), torch.float32][1] == [0, 2] and groups[torch.device("cpu"), torch.float32][0][1] == [1, 3]
