"""How tensors are printed: PyTorch's notation."""
from math import inf, nan

import pytest

import pyxtorch as torch


@pytest.fixture(autouse=True)
def default_options():
    torch.set_printoptions(profile="default")
    yield
    torch.set_printoptions(profile="default")


@pytest.mark.parametrize("make, text", [
    (lambda: torch.tensor(1.5), "tensor(1.5000)"),
    (lambda: torch.tensor([1.0, 2.0]), "tensor([1., 2.])"),
    (lambda: torch.tensor([1.0, 2.5, -3.25]), "tensor([ 1.0000,  2.5000, -3.2500])"),
    (lambda: torch.tensor([]), "tensor([])"),
    (lambda: torch.zeros(0, 3), "tensor([], size=(0, 3))"),
    (lambda: torch.zeros(2, 0, dtype=torch.int64), "tensor([], size=(2, 0), dtype=torch.int64)"),
    (lambda: torch.tensor([True, False]), "tensor([ True, False])"),
    (lambda: torch.tensor([[1, -20], [300, 4]]), (
        "tensor([[  1, -20],\n"
        "        [300,   4]])"
    )),
    (lambda: torch.tensor([1e-5, 1.0]), "tensor([1.0000e-05, 1.0000e+00])"),
    (lambda: torch.tensor([0.1, 1e5]), "tensor([1.0000e-01, 1.0000e+05])"),
    (lambda: torch.tensor([nan, inf, -inf]), "tensor([nan, inf, -inf])"),
    (lambda: torch.tensor([inf, 1.5, -0.0]), "tensor([   inf, 1.5000, -0.0000])"),
    (lambda: torch.tensor([1 + 2j, -0.5 - 1.25j]), "tensor([ 1.0000+2.0000j, -0.5000-1.2500j])"),
    (lambda: torch.zeros(2, dtype=torch.complex128), "tensor([0.+0.j, 0.+0.j], dtype=torch.complex128)"),
    (lambda: torch.tensor([1.0, 2.0], dtype=torch.float64), "tensor([1., 2.], dtype=torch.float64)"),
    (lambda: torch.tensor([1.0], dtype=torch.bfloat16), "tensor([1.], dtype=torch.bfloat16)"),
    (lambda: torch.arange(3, dtype=torch.int32), "tensor([0, 1, 2], dtype=torch.int32)"),
    (lambda: torch.tensor(True), "tensor(True)"),
    (lambda: torch.ones(2, 2, requires_grad=True), (
        "tensor([[1., 1.],\n"
        "        [1., 1.]], requires_grad=True)"
    )),
    (lambda: torch.ones(2, 2, requires_grad=True) * 2, (
        "tensor([[2., 2.],\n"
        "        [2., 2.]], grad_fn=<MulBackward0>)"
    )),
    (lambda: torch.arange(8).reshape(2, 2, 2), (
        "tensor([[[0, 1],\n"
        "         [2, 3]],\n"
        "\n"
        "        [[4, 5],\n"
        "         [6, 7]]])"
    )),
    (lambda: torch.arange(30.0), (
        "tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,\n"
        "        14., 15., 16., 17., 18., 19., 20., 21., 22., 23., 24., 25., 26., 27.,\n"
        "        28., 29.])"
    )),
    (lambda: torch.arange(2000), "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"),
    (lambda: torch.zeros(20, 200), (
        "tensor([[0., 0., 0.,  ..., 0., 0., 0.],\n"
        "        [0., 0., 0.,  ..., 0., 0., 0.],\n"
        "        [0., 0., 0.,  ..., 0., 0., 0.],\n"
        "        ...,\n"
        "        [0., 0., 0.,  ..., 0., 0., 0.],\n"
        "        [0., 0., 0.,  ..., 0., 0., 0.],\n"
        "        [0., 0., 0.,  ..., 0., 0., 0.]])"
    )),
    (lambda: torch.tensor([123456789.0]), "tensor([1.2346e+08])"),
    (lambda: torch.tensor([0.0, 0.0]), "tensor([0., 0.])"),
    (lambda: torch.tensor([99999.0, 0.5]), "tensor([9.9999e+04, 5.0000e-01])"),
    (lambda: torch.arange(6.0).reshape(2, 3).t()[1:], (
        "tensor([[1., 4.],\n"
        "        [2., 5.]])"
    )),
    (lambda: torch.ones(1).expand(2, 3), (
        "tensor([[1., 1., 1.],\n"
        "        [1., 1., 1.]])"
    )),
    (lambda: torch.arange(3.0).max(0), (
        "torch.return_types.max(\n"
        "values=tensor(2.),\n"
        "indices=tensor(2))"
    )),
    (lambda: torch.nn.Parameter(torch.ones(2)), (
        "Parameter containing:\n"
        "tensor([1., 1.], requires_grad=True)"
    )),
    (lambda: torch.Size([2, 3]), "torch.Size([2, 3])"),
    (lambda: torch.float32, "torch.float32"),
    (lambda: torch.device("cuda", 1), "device(type='cuda', index=1)"),
    (lambda: torch.eye(3, dtype=torch.float64, requires_grad=True), (
        "tensor([[1., 0., 0.],\n"
        "        [0., 1., 0.],\n"
        "        [0., 0., 1.]], dtype=torch.float64, requires_grad=True)"
    )),
])
def test_text(make, text):
    assert repr(make()) == text


def test_options():
    x = torch.tensor([0.123456, 123.0])
    torch.set_printoptions(precision=2)
    assert repr(x) == "tensor([  0.12, 123.00])"
    torch.set_printoptions(precision=4, sci_mode=True)
    assert repr(x) == "tensor([1.2346e-01, 1.2300e+02])"
    torch.set_printoptions(sci_mode=False)
    assert repr(torch.tensor([1e-5, 1.0])) == "tensor([0.0000, 1.0000])"
    torch.set_printoptions(profile="default", threshold=3, edgeitems=1)
    assert repr(torch.arange(5)) == "tensor([0,  ..., 4])"
    torch.set_printoptions(profile="full")
    assert repr(torch.zeros(2000)).count("0.") == 2000
    with pytest.raises(ValueError, match="profile"):
        torch.set_printoptions(profile="tiny")


def test_str_and_format():
    x = torch.tensor(2.567)
    assert str(x) == repr(x) == "tensor(2.5670)"
    assert f"{x:.1f}" == "2.6" and f"{torch.tensor(7):03d}" == "007"
    assert f"{torch.ones(2)}" == "tensor([1., 1.])"


def test_subclasses_show_their_name():
    class Mine(torch.Tensor):
        pass

    assert repr(torch.ones(2).as_subclass(Mine)) == "Mine([1., 1.])"
