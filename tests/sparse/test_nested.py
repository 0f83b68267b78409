"""Nested tensors: against their components, finite differences, and PyTorch."""
import copy
import io
import pickle

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.autograd import gradcheck

F = torch.nn.functional
pytestmark = pytest.mark.filterwarnings("ignore:The PyTorch API of nested:UserWarning")


def components(seed=0, dtype=torch.float64):
    generator = np.random.default_rng(seed)
    return [torch.tensor(generator.standard_normal(shape)).to(dtype) for shape in ((2, 3), (4, 3), (0, 3))]


def nested(seed=0, **kwargs):
    return torch.nested.nested_tensor(components(seed), **kwargs)


def same(x, wanted):
    parts = x.unbind()
    assert x.is_nested and len(parts) == len(wanted)
    for a, b in zip(parts, wanted):
        assert a.shape == b.shape and a.dtype is b.dtype and torch.allclose(a.detach(), b.detach(), equal_nan=True)


def test_what_it_is():
    x = nested()
    assert type(x) is torch.Tensor and x.is_nested and not torch.ones(2).is_nested and x.layout is torch.strided and x.device.type == "cpu" and not x.is_meta
    assert (x.dim(), x.size(0), x.size(2), x.size(-1), x.numel(), len(x), x.dtype) == (3, 3, 3, 3, 18, 3, torch.float64)
    with pytest.raises(RuntimeError, match="irregular"):
        x.size(1)
    for call in (lambda: x.shape, lambda: x.size()):
        with pytest.raises(RuntimeError, match="no shape"):
            call()
    same(x, components())
    assert torch.equal(x[1], components()[1]) and torch.equal(x[1, 0], components()[1][0]) and torch.equal(x.select(0, 0), components()[0])
    assert [c.shape[0] for c in x] == [2, 4, 0] and x.equal(nested()) and not x.equal(nested(1))
    with pytest.raises(IndexError):
        x[3]
    assert torch.nested.nested_tensor([[1, 2.0], [3.0]]).unbind()[1].tolist() == [3.0] and torch.nested.nested_tensor([]).size(0) == 0
    components_ = components()
    y = torch.nested.nested_tensor(components_)
    components_[0].zero_()
    same(y, components())           # a copy


def test_errors():
    x, a = nested(), torch.ones(2, 3, dtype=torch.float64)
    for call, error, message in [
        (lambda: torch.nested.nested_tensor(a), TypeError, "Only lists"), (lambda: torch.nested.nested_tensor([a, a[0]]), RuntimeError, "same dimension"), (lambda: torch.nested.as_nested_tensor(5), TypeError, "Expected first"),
        (lambda: torch.nested.nested_tensor([a], layout=torch.sparse_coo), RuntimeError, "layout"), (lambda: x + a, RuntimeError, "non-nested other"), (lambda: a * x, RuntimeError, "non-nested self"),
        (lambda: x + torch.nested.nested_tensor(components()[::-1]), RuntimeError, "broadcasting"), (lambda: x @ a, RuntimeError, "non-nested other"), (lambda: x.sum(), NotImplementedError, "last dimension"),
        (lambda: x.sum(-1), RuntimeError, "keepdim"), (lambda: x.transpose(0, 1), RuntimeError, "dimension 0"), (lambda: x.unbind(1), RuntimeError, "dimension 0"), (lambda: x.to_padded_tensor(0.0, (3, 1, 3)), RuntimeError, "Truncation"),
        (lambda: x.numpy(), NotImplementedError, "Could not run"), (lambda: torch.linalg.norm(x), NotImplementedError, "Could not run"), (lambda: memoryview(x), (BufferError, TypeError), "tensor|buffer"), (lambda: torch.cat([x, a]), RuntimeError, "nested"),
        (lambda: F.conv1d(x, a), NotImplementedError, "Could not run"), (lambda: a.to_padded_tensor(0.0), RuntimeError, "nested"), (lambda: torch.save(x, io.BytesIO()), RuntimeError, "components"), (lambda: x.softmax(0), RuntimeError, "dimension 0"),
        (lambda: x[:, 0], NotImplementedError, "index"), (lambda: a.copy_(x), NotImplementedError, "Could not run"), (lambda: torch.nested.nested_tensor([x]), RuntimeError, "strided"),
    ]:  # fmt: skip
        with pytest.raises(error, match=message):
            call()


def test_operations_run_on_each():
    x, y, cs, ds = nested(), nested(1), components(), components(1)
    w, b = torch.tensor(np.random.default_rng(5).standard_normal((5, 3))), torch.arange(5.0, dtype=torch.float64)
    for ours, wanted in [
        (x + y, [c + d for c, d in zip(cs, ds)]), (x - y, [c - d for c, d in zip(cs, ds)]), (x * y, [c * d for c, d in zip(cs, ds)]), (x / y, [c / d for c, d in zip(cs, ds)]), (x + 1, [c + 1 for c in cs]),
        (2 * x, [2 * c for c in cs]), (1 - x, [1 - c for c in cs]), (1 / x, [1 / c for c in cs]), (-x, [-c for c in cs]), (x > 0, [c > 0 for c in cs]), (x == x, [c == c for c in cs]), (torch.add(x, y, alpha=3), [c + 3 * d for c, d in zip(cs, ds)]),
        (x.relu(), [c.relu() for c in cs]), (F.relu(x), [c.relu() for c in cs]), (torch.sin(x), [c.sin() for c in cs]), (F.gelu(x), [F.gelu(c) for c in cs]), (F.silu(x), [F.silu(c) for c in cs]), (abs(x), [c.abs() for c in cs]),
        (F.linear(x, w, b), [F.linear(c, w, b) for c in cs]), (x.transpose(1, 2), [c.t() for c in cs]), (x @ y.transpose(-1, -2), [c @ d.t() for c, d in zip(cs, ds)]), (torch.bmm(x, y.transpose(1, 2)), [c @ d.t() for c, d in zip(cs, ds)]),
        (x.softmax(-1), [c.softmax(-1) for c in cs]), (F.log_softmax(x, 2), [c.log_softmax(1) for c in cs]), (x.sum(-1, keepdim=True), [c.sum(-1, keepdim=True) for c in cs]), (F.layer_norm(x, (3,), w[0], w[1]), [F.layer_norm(c, (3,), w[0], w[1]) for c in cs]),
        (torch.cat([x, y]), cs + ds), (x.chunk(3, -1)[1], [c[:, 1:2] for c in cs]), (x.float(), [c.float() for c in cs]), (x.to(torch.int64), [c.long() for c in cs]), (x.clone(), cs), (x.detach(), cs), (x.contiguous(), cs), (F.dropout(x, 0.0), cs),
        (torch.zeros_like(x), [torch.zeros_like(c) for c in cs]), (torch.ones_like(x), [torch.ones_like(c) for c in cs]), (copy.deepcopy(x), cs), (pickle.loads(pickle.dumps(x)), cs), (x.to("cpu"), cs),
    ]:  # fmt: skip
        same(ours, wanted)
    ids = torch.nested.nested_tensor([torch.tensor([1, 2]), torch.tensor([0])])
    same(F.embedding(ids, w), [w[[1, 2]], w[[0]]])
    x += 1
    x.mul_(2)
    same(x, [(c + 1) * 2 for c in cs])
    same(x.zero_(), [c * 0 for c in cs])
    same(x.fill_(3.0), [c * 0 + 3 for c in cs])


def test_padding():
    x, cs = nested(), components()
    for size in None, (3, 5, 4), (4, 4, 3):
        y = x.to_padded_tensor(-1.0, size)
        wanted = torch.full(size or (3, 4, 3), -1.0, dtype=torch.float64)
        for i, c in enumerate(cs):
            wanted[i, : c.shape[0], : c.shape[1]] = c
        assert torch.equal(y, wanted) and torch.equal(torch.nested.to_padded_tensor(x, -1.0, size), wanted)


def test_gradients():
    cs = [c.requires_grad_() for c in components()[:2]]
    w = torch.tensor(np.random.default_rng(5).standard_normal((5, 3))).requires_grad_()
    assert gradcheck(lambda a, b, w: F.linear(torch.nested.as_nested_tensor([a, b]).sin(), w).softmax(-1).to_padded_tensor(0.0), (*cs, w))
    assert gradcheck(lambda a, b: (lambda n: (n @ n.transpose(1, 2)).to_padded_tensor(0.0))(torch.nested.as_nested_tensor([a, b])), cs)
    x = nested(requires_grad=True)
    assert x.is_leaf and x.requires_grad
    (x * x).to_padded_tensor(0.0).sum().backward()
    same(x.grad, [2 * c for c in components()])
    (x * 3).to_padded_tensor(0.0).sum().backward()
    same(x.grad, [2 * c + 3 for c in components()])
    (g,) = torch.autograd.grad((x * x * x).to_padded_tensor(0.0).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.to_padded_tensor(0.0).sum(), x)
    same(h, [6 * c for c in components()])
    with pytest.raises(RuntimeError, match="requires grad"):
        x.mul_(2)
    x[0].sum().backward()       # of one component: zeros for the others
    same(x.grad, [2 * c + 3 + (i == 0) for i, c in enumerate(components())])


def test_against_torch():
    torch_ = pytest.importorskip("torch")

    def run(t):
        a, b = t.arange(6.0).reshape(2, 3), t.ones(4, 3)
        n = t.nested.nested_tensor([a, b])
        yield from (n, n.clone().requires_grad_(), n.double(), n * 2, n + n, n.relu(), n.transpose(1, 2), n > 0, t.nested.nested_tensor([1, 2]), n.softmax(-1), t.nested.as_nested_tensor(t.ones(2, 3)))

    for ours, theirs in zip(run(torch), run(torch_), strict=True):
        assert repr(ours) == repr(theirs)
