"""Nested tensors of layout torch.jagged, against loops over their components."""
import copy
import pickle

import pytest

import pyxtorch as torch
import pyxtorch.nn.functional as F
from pyxtorch.nested import masked_select, narrow, nested_tensor, nested_tensor_from_jagged


def rows(*lengths, width=2, seed=0):
    torch.manual_seed(seed)
    return [torch.randn(n, width, dtype=torch.float64) for n in lengths]


def same(x, expected):
    assert x.layout is torch.jagged
    for a, b in zip(x.unbind(), expected, strict=True):
        torch.testing.assert_close(a, b)


def test_what_it_is():
    items = rows(3, 1, 4)
    n = nested_tensor(items, layout=torch.jagged)
    assert n.layout is torch.jagged and n.is_nested and n.dim() == 3 and n.size(0) == 3 and n.size(-1) == 2 and n.numel() == 16
    assert n.offsets().tolist() == [0, 3, 4, 8] and n.lengths() is None and not hasattr(torch.ones(2), "offsets")
    assert torch.equal(n.values(), torch.cat(items))
    assert repr(n.shape) .startswith("(3, j") and n.shape[1] == (n * 2).shape[1]
    assert repr(n).startswith("NestedTensor(size=(3, j") and "offsets=tensor([0, 3, 4, 8])" in repr(n)
    assert n.to_padded_tensor(-1.0).shape == (3, 4, 2) and n.to_padded_tensor(-1.0)[1, 1].tolist() == [-1, -1]
    for again in (pickle.loads(pickle.dumps(n)), copy.deepcopy(n), n.clone(), n.detach(), torch.nested.as_nested_tensor(items, layout=torch.jagged)):
        same(again, items)


EACH = {
    "n * 2": lambda c: c * 2, "1 - n": lambda c: 1 - c, "n + n": lambda c: c + c, "n + b": lambda c: c + torch.tensor([10.0, 20.0]), "n.exp()": torch.exp, "F.relu(n)": F.relu,
    "n.softmax(-1)": lambda c: c.softmax(-1), "F.linear(n, w)": lambda c: c @ torch.ones(2, 3, dtype=torch.float64), "F.layer_norm(n, (2,))": lambda c: F.layer_norm(c, (2,)),
    "n.transpose(1, 2)": lambda c: c.t(), "n.unsqueeze(-1)": lambda c: c.unsqueeze(-1), "n.sum(-1)": lambda c: c.sum(-1), "n.mean(-1, keepdim=True)": lambda c: c.mean(-1, keepdim=True),
    "n.view(3, -1, 1, 2)": lambda c: c.view(-1, 1, 2), "n.view(3, -1, 1, 2).transpose(1, 2)": lambda c: c.view(1, -1, 2), "n > 0": lambda c: c > 0,
}  # fmt: skip


@pytest.mark.parametrize("expression", EACH)
def test_each_component(expression):
    items = rows(3, 1, 4)
    names = {"n": nested_tensor(items, layout=torch.jagged), "F": F, "b": torch.tensor([10.0, 20.0]), "w": torch.ones(3, 2, dtype=torch.float64)}
    same(eval(expression, names), [EACH[expression](c) for c in items])


def test_a_strided_tensor_of_one_row_for_each():
    items, other = rows(3, 1, 4), torch.arange(6.0, dtype=torch.float64).view(3, 1, 2)
    same(nested_tensor(items, layout=torch.jagged) * other, [c * o for c, o in zip(items, other)])


def test_reductions():
    items = rows(3, 1, 4)
    n = nested_tensor(items, layout=torch.jagged)
    for name in ("sum", "mean", "amax", "amin"):
        torch.testing.assert_close(getattr(n, name)(1), torch.stack([getattr(c, name)(0) for c in items]))
        torch.testing.assert_close(getattr(n, name)(), getattr(torch.cat(items), name)())
    torch.testing.assert_close(n.sum((0, 1)), torch.cat(items).sum(0))


def test_attention_of_rows_of_different_lengths():
    q, k = rows(3, 1, 4, width=8), rows(2, 5, 1, width=8, seed=1)
    heads = lambda c: c.view(-1, 2, 4).transpose(0, 1)
    wide = lambda items: nested_tensor(items, layout=torch.jagged).view(3, -1, 2, 4).transpose(1, 2)
    y = F.scaled_dot_product_attention(wide(q), wide(k), wide(k))
    same(y.transpose(1, 2), [F.scaled_dot_product_attention(heads(a), heads(b), heads(b)).transpose(0, 1) for a, b in zip(q, k)])


def test_gradients():
    items = [c.requires_grad_() for c in rows(3, 1, 4)]
    n = torch.nested.as_nested_tensor(items, layout=torch.jagged)
    (F.linear(n, torch.eye(2, dtype=torch.float64) * 3).softmax(-1).values()[:, 0].sum() + n.to_padded_tensor(0.0).sin().sum() + (n * n).mean(1).sum()).backward()
    for c in items:
        x = c.detach().requires_grad_()
        ((x * 3).softmax(-1)[:, 0].sum() + x.sin().sum() + (x * x).mean(0).sum()).backward()
        torch.testing.assert_close(c.grad, x.grad)
    leaf = nested_tensor(rows(2, 3), layout=torch.jagged, requires_grad=True)
    (leaf * leaf).sum().backward()
    same(leaf.grad, [2 * c for c in rows(2, 3)])


def test_from_values():
    v = torch.arange(10.0).view(5, 2)
    same(nested_tensor_from_jagged(v, torch.tensor([0, 3, 5])), [v[:3], v[3:]])
    same(nested_tensor_from_jagged(v, torch.tensor([0, 3, 5]), torch.tensor([2, 1])), [v[:2], v[3:4]])
    same(nested_tensor_from_jagged(v, lengths=torch.tensor([1, 4])), [v[:1], v[1:]])
    x, keep = torch.arange(6.0).view(2, 3), torch.tensor([[True, False, True], [False, True, True]])
    same(masked_select(x, keep), [torch.tensor([0.0, 2.0]), torch.tensor([4.0, 5.0])])
    y = torch.arange(12.0).view(2, 3, 2)
    same(narrow(y, 1, torch.tensor([0, 1]), torch.tensor([2, 1]), layout=torch.jagged), [y[0, :2], y[1, 1:2]])
    for arguments in ((v, torch.tensor([0, 9])), (v,), (v, torch.tensor([0, 3]), torch.tensor([7]))):
        with pytest.raises(RuntimeError, match="nested_tensor_from_jagged"):
            nested_tensor_from_jagged(*arguments)


def test_errors():
    n = nested_tensor(rows(3, 1, 4), layout=torch.jagged)
    for call, error, message in [
        (lambda: nested_tensor([torch.ones(2, 3), torch.ones(2, 2)], layout=torch.jagged), RuntimeError, "ragged dimension"),
        (lambda: n + nested_tensor(rows(1, 2, 3), layout=torch.jagged), RuntimeError, "cannot call"), (lambda: n.view(3, 8), RuntimeError, "keeps its first"),
        (lambda: n + torch.ones(3, 4, 2), RuntimeError, "broadcast"), (lambda: n.sum(0), RuntimeError, "batch dimension"), (lambda: n.numpy(), NotImplementedError, "Could not run"),
    ]:  # fmt: skip
        with pytest.raises(error, match=message):
            call()
