"""nn.utils.prune: which elements go, that they stay zero, and that the rest is trained."""
import copy

import pytest

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn.utils import prune


def linear():
    net = nn.Linear(3, 2)
    net.weight.data = torch.tensor([[1.0, -5.0, 2.0], [4.0, 3.0, -0.5]])
    return net


def test_three_of_one_and_back():
    net = linear()
    assert prune.l1_unstructured(net, "weight", 2) is net and prune.is_pruned(net)
    assert [n for n, _ in net.named_parameters()] == ["bias", "weight_orig"] and [n for n, _ in net.named_buffers()] == ["weight_mask"]
    assert net.weight.tolist() == [[0, -5, 2], [4, 3, 0]] and net.weight_orig.data[0, 0] == 1
    net(torch.ones(1, 3)).sum().backward()
    assert net.weight_orig.grad.tolist() == [[0, 1, 1], [1, 1, 0]]
    net.weight_orig.data += 1
    assert torch.equal(net(torch.ones(1, 3)) - net.bias, torch.tensor([[0.0 - 4 + 3, 5 + 4 + 0]]))       # the hook makes it anew
    twin = linear()
    prune.identity(twin, "weight")
    twin.load_state_dict(net.state_dict())
    assert torch.equal(twin(torch.ones(1, 3)), net(torch.ones(1, 3)))
    original = net.weight_orig
    prune.remove(net, "weight")
    assert net.weight is original and net.weight.tolist() == [[0, -4, 3], [5, 4, 0]] and [n for n, _ in net.named_parameters()] == ["bias", "weight"]
    assert not list(net.named_buffers()) and not prune.is_pruned(net)
    with pytest.raises(ValueError, match="has to be pruned"):
        prune.remove(net, "weight")


def test_which_elements():
    def mask(method, *args, **kwargs):
        return method(linear(), "weight", *args, **kwargs).weight_mask.tolist()

    assert mask(prune.l1_unstructured, 0.5) == [[0, 1, 0], [1, 1, 0]]
    assert mask(prune.l1_unstructured, 1, importance_scores=torch.tensor([[9.0, 9, 9], [9, 1, 9]])) == [[1, 1, 1], [1, 0, 1]]
    assert mask(prune.ln_structured, 1, 2, 0) == [[1, 1, 1], [0, 0, 0]]
    assert mask(prune.ln_structured, 1, float("inf"), -1) == [[1, 1, 0], [1, 1, 0]]
    assert mask(prune.custom_from_mask, torch.tensor([[1, 0, 1], [0, 1, 1]])) == [[1, 0, 1], [0, 1, 1]]
    assert sum(map(sum, mask(prune.random_unstructured, 4))) == 2
    assert sorted(map(sum, mask(prune.random_structured, 1, 0))) == [0, 3]


def test_several_times():
    net = linear()
    prune.ln_structured(net, "weight", 1, 2, 1)         # the last column
    prune.l1_unstructured(net, "weight", 0.5)           # of the four that are left, two
    assert net.weight.tolist() == [[0, -5, 0], [4, 0, 0]]
    (hook,) = net._forward_pre_hooks.values()
    assert isinstance(hook, prune.PruningContainer) and [type(m).__name__ for m in hook] == ["LnStructured", "L1Unstructured"] and len(hook) == 2
    copied = copy.deepcopy(nn.Sequential(linear()))
    prune.global_unstructured([(copied[0], "weight"), (copied[0], "bias")], prune.L1Unstructured, amount=6)
    assert int(copied[0].weight_mask.sum() + copied[0].bias_mask.sum()) == 2 and copied[0].weight_mask[0, 1] == 1
    assert torch.equal(prune.L1Unstructured(1).prune(torch.tensor([1.0, -3])), torch.tensor([0.0, -3]))


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda n: prune.l1_unstructured(n, "weight", 1.5), ValueError, "1.5"),
    (lambda n: prune.l1_unstructured(n, "weight", 7), ValueError, "amount=7"),
    (lambda n: prune.l1_unstructured(n, "weight", "x"), TypeError, "x"),
    (lambda n: prune.ln_structured(n, "bias", 1, 2, 0), ValueError, "multidimensional"),
    (lambda n: prune.ln_structured(n, "weight", 1, 2, 5), IndexError, "5"),
    (lambda n: prune.global_unstructured([(n, "weight")], prune.LnStructured, amount=1, n=2), TypeError, "unstructured"),
    (lambda n: prune.custom_from_mask(n, "weight", torch.ones(2)), AssertionError, "mask"),
])  # fmt: skip
def test_errors(call, error, words):
    with pytest.raises(error, match=words):
        call(linear())
