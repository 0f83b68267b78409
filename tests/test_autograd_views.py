"""In-place changes and views on the tape."""

import numpy as np
import pytest
from tape_helpers import leaf

import pyxtorch as torch
from pyxtorch.autograd import gradcheck, gradgradcheck


def test_changing_a_saved_tensor_is_noticed():
    x = leaf(1.0, 2.0)
    y = x.exp()
    z = y * 1
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"ExpBackward0.*inplace.*\[2\] is at version 1; expected version 0"):
        z.sum().backward()
    a = x * 1
    b = a * a
    a.detach().zero_()
    with pytest.raises(RuntimeError, match="MulBackward0.*modified by an inplace operation"):
        b.sum().backward()


def test_leaves_cannot_change_in_place():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        x.add_(1)
    with pytest.raises(RuntimeError, match="view of a leaf"):
        x[0].add_(1)
    with pytest.raises(RuntimeError, match="leaf"):
        x[0] = 1.0
    with torch.no_grad():
        x.add_(1)
    assert x.tolist() == [2.0, 3.0] and x.requires_grad


def test_in_place_changes_go_on_the_tape():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.mul_(y)
    y += 1
    y.sum().backward()
    assert x.grad.tolist() == [8.0, 16.0]


def test_in_place_forms_keep_the_values_they_need():
    x = leaf(0.5, 1.5)
    y = x * 1
    y.sin_().log_().mul_(x).div_(y.detach() + 2)
    expected = leaf(0.5, 1.5)
    e = (expected * 1).sin().log() * expected
    e = e / (e.detach() + 2)
    y.sum().backward()
    e.sum().backward()
    assert y.tolist() == e.tolist() and np.allclose(x.grad.tolist(), expected.grad.tolist())


def test_writing_to_a_view_reaches_its_base():
    x, v = leaf([1.0, 2.0, 3.0]), leaf(5.0)
    base = x * 2
    base[1].mul_(v)
    assert base.tolist() == [2.0, 20.0, 6.0]
    (base * torch.tensor([1.0, 10.0, 100.0], dtype=torch.float64)).sum().backward()
    assert x.grad.tolist() == [2.0, 100.0, 200.0] and v.grad.item() == 40.0


def test_writing_to_a_base_reaches_its_views():
    x = leaf([1.0, 2.0])
    base = x * 1
    view = base[1:]
    base.mul_(3)
    assert view.requires_grad
    view.sum().backward()
    assert x.grad.tolist() == [0.0, 3.0]


def test_views_of_views_and_transposes():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    base = x * 1
    base.t()[0].mul_(10)        # the first column
    base.view(4)[3:].add_(x[0, 0])
    base.sum().backward()
    assert base.tolist() == [[10.0, 2.0], [30.0, 5.0]]
    assert x.grad.tolist() == [[11.0, 1.0], [10.0, 1.0]]


def test_a_constant_written_over_a_recorded_tensor():
    x = leaf([1.0, 2.0])
    y = x * 2
    y[0] = 7.0
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 2.0]
    z = x * 2
    z.zero_()
    z.sum().backward()
    assert x.grad.tolist() == [0.0, 2.0]


def test_a_recorded_value_written_into_a_plain_tensor():
    x = leaf([1.0, 2.0])
    buffer = torch.zeros(4, dtype=torch.float64)
    buffer[1:3] = x * 3
    assert buffer.requires_grad
    (buffer * torch.arange(4, dtype=torch.float64)).sum().backward()
    assert x.grad.tolist() == [3.0, 6.0]


def test_expanded_tensors_cannot_be_written():
    with pytest.raises(RuntimeError, match="single memory location|single\\s+memory"):
        torch.zeros(1).expand(3).add_(1)


def test_versions_count():
    x = torch.zeros(3)
    before = x._version
    x.add_(1)
    x[0] = 5
    view = x[1:]
    view.mul_(2)
    assert x._version == before + 3 == view._version


def test_gradients_of_views_and_in_place_against_differences():
    def program(x, v):
        y = x * 1
        y[:, 1] = v
        y[0].mul_(v[0])
        z = y.t().contiguous()
        z[1:].sub_(x.sum())
        return z.sin()

    x = torch.rand(2, 3, dtype=torch.float64, requires_grad=True)
    v = torch.rand(2, dtype=torch.float64, requires_grad=True)
    assert gradcheck(program, (x, v)) and gradgradcheck(program, (x, v))


def test_in_place_after_a_view_of_a_view_changed():
    # The view's history is out of date when it is changed in place: what its own view had written into it was lost.
    for change in (lambda v: v.sin_(), lambda v: v.clamp_(-9, 9), lambda v: v.pow_(2), lambda v: v.add_(1), lambda v: v.masked_fill_(v > 9, 0)):
        a, b = (torch.full(shape, 0.5, dtype=torch.float64, requires_grad=True) for shape in ((2, 3), (2,)))
        y = a * 1
        v = y.view(3, 2)
        v[1].copy_(b)
        change(v)
        y.sum().backward()
        assert torch.equal(a.grad.flatten()[2:4], torch.zeros(2, dtype=torch.float64))
        assert torch.equal(b.grad, a.grad.flatten()[:2]) and bool((b.grad != 0).all())


def test_out_into_a_view_whose_base_got_a_history():
    y = torch.zeros(2, 3)
    v = y[0]
    y.mul_(torch.ones(2, 3, requires_grad=True))
    for write in (lambda: torch.add(torch.ones(3), 1, out=v), lambda: torch.sin(torch.ones(3), out=v), lambda: torch.sum(torch.ones(2, 3), 0, out=v)):
        with pytest.raises(RuntimeError, match="out="):
            write()
    with pytest.raises(RuntimeError, match="requires grad"):
        v.numpy()
    with pytest.raises(RuntimeError, match="leaf"):
        v.requires_grad_(False)
