"""MaskedTensor: texts and values as PyTorch 2.13 gives them."""
import pytest

import pyxtorch as torch
from pyxtorch.masked import MaskedTensor, as_masked_tensor, is_masked_tensor, masked_tensor

D = torch.arange(6.0).reshape(2, 3)
M = torch.tensor([[True, False, True], [False, True, True]])


def nested(x):
    """Lists, with None where an element does not count."""
    data, mask = x.get_data(), x.get_mask()
    if data.dim() == 0:
        return data.item() if mask else None
    return [nested(MaskedTensor(d, m)) for d, m in zip(data, mask)]


def test_text():
    a = masked_tensor(D, M)
    assert repr(a) == "MaskedTensor(\n  [\n    [  0.0000,       --,   2.0000],\n    [      --,   4.0000,   5.0000]\n  ]\n)"
    assert repr(a.sum()) == "MaskedTensor( 11.0000, True)" and repr(a[0]) == "MaskedTensor(\n  [  0.0000,       --,   2.0000]\n)"
    assert repr(a > 1).count("--") == 2 and "[False,       --, True]" in repr(a > 1)


VALUES = {
    "a * 2": [[0, None, 4], [None, 8, 10]], "a + a": [[0, None, 4], [None, 8, 10]], "2 - a": [[2, None, 0], [None, -2, -3]], "-a": [[0, None, -2], [None, -4, -5]],
    "a ** 2": [[0, None, 4], [None, 16, 25]], "a.sqrt()": [[0, None, 2 ** 0.5], [None, 2, 5 ** 0.5]], "a + D": [[0, None, 4], [None, 8, 10]],
    "a.sum(1)": [2, 9], "a.mean()": 2.75, "a.amax(0)": [0, 4, 5], "a.prod(1)": [0, 20], "a.argmax(1)": [2, 2], "a.sum(0, keepdim=True)": [[0, 4, 7]],
    "a.reshape(3, 2)": [[0, None], [2, None], [4, 5]], "a.t()": [[0, None], [None, 4], [2, 5]], "torch.cat([a, a])[2]": [0, None, 2],
    "torch.where(M, a, a)": [[0, None, 2], [None, 4, 5]], "torch.stack([a, a])[1, 0]": [0, None, 2], "a.var()": 59 / 12, "a.std(1)": [2 ** 0.5, 0.5 ** 0.5],
    "a.unsqueeze(0)": [[[0, None, 2], [None, 4, 5]]], "a.expand(2, 2, 3)[1]": [[0, None, 2], [None, 4, 5]],
    "torch.masked.masked_tensor(D[:, :2], ~M[:, :2] & M[:, 1:]).sum(1)": [1, 3],
}  # fmt: skip


@pytest.mark.parametrize("expression", VALUES)
def test_values(expression):
    y = eval(expression, {"a": masked_tensor(D, M), "D": D, "M": M, "torch": torch})
    assert is_masked_tensor(y)

    def close(x, expected):
        if isinstance(expected, list):
            return len(x) == len(expected) and all(map(close, x, expected))
        return x == expected if expected is None else x == pytest.approx(expected)

    assert close(nested(y), VALUES[expression]), nested(y)


def test_a_slice_without_elements():
    a = masked_tensor(D, torch.tensor([[False] * 3, [True] * 3]))
    assert nested(a.amax(1)) == [None, 5] and nested(a.sum(1)) == [None, 12]


def test_gradients():
    a = masked_tensor(D, M, requires_grad=True)
    (a * a).sum().backward()
    assert nested(a.grad) == [[0, None, 4], [None, 8, 10]] and D.grad is None
    x = D.clone().requires_grad_()
    weights = torch.tensor([[1.0, 7.0, 2.0], [7.0, 3.0, 4.0]])
    (as_masked_tensor(x, M).softmax(1) * weights).sum().backward()
    y = D.clone().requires_grad_()
    (torch.softmax(y.masked_fill(~M, float("-inf")), 1) * weights * M).sum().backward()
    torch.testing.assert_close(x.grad, y.grad)


def test_what_is_refused():
    a = masked_tensor(D, M)
    with pytest.raises(ValueError, match="masks must match"):
        a + masked_tensor(D, ~M)
    with pytest.raises(TypeError, match="dtype bool"):
        masked_tensor(D, M.int())
    with pytest.raises(ValueError, match="dim"):
        masked_tensor(D, M[0])
    for call in (lambda: a.sort(), lambda: torch.matmul(a, a.t()), lambda: a.numpy()):
        with pytest.raises(TypeError, match="is not there for MaskedTensor"):
            call()
    assert a.to_tensor(9).tolist() == [[0, 9, 2], [9, 4, 5]] and type(a.to_tensor(9)) is torch.Tensor
    a.mul_(2)
    assert nested(a) == [[0, None, 4], [None, 8, 10]] and D[0, 2] == 2
