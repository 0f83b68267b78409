"""nn.parallel on devices that are the same one, and SyncBatchNorm in one process."""
from collections import namedtuple

import pytest

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn.parallel import DataParallel, data_parallel, gather, parallel_apply, replicate, scatter

TWO = ["cpu", "cpu"]
Pair = namedtuple("Pair", "a b")


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.BatchNorm1d(4), nn.Linear(4, 2)).eval()


def test_parts_give_what_the_whole_gives():
    x, one = torch.randn(7, 3), net()
    wrapped = DataParallel(one, device_ids=TWO)
    assert torch.allclose(wrapped(x), one(x)) and list(wrapped.state_dict())[0] == "module.0.weight"
    wrapped(x).square().sum().backward()
    got = [p.grad.clone() for p in one.parameters()]
    one.zero_grad()
    one(x).square().sum().backward()
    assert all(torch.allclose(a, p.grad, rtol=1e-4, atol=1e-6) for a, p in zip(got, one.parameters()))
    assert torch.equal(data_parallel(one, x), one(x)) and torch.equal(DataParallel(one)(x), one(x))       # no GPU: as it is
    assert torch.allclose(data_parallel(one, x[:1], TWO), one(x[:1]))       # too small to be cut


def test_scatter_and_gather_follow_containers():
    x = torch.arange(6.0).reshape(3, 2)
    first, second = scatter({"x": x, "k": [Pair(x, "s"), 3]}, TWO)
    assert first["x"].shape == (2, 2) and second["x"].tolist() == [[4, 5]] and second["k"][0].b == "s" and second["k"][1] == 3
    whole = gather([{"x": first["x"], "p": Pair(first["x"], None)}, {"x": second["x"], "p": Pair(second["x"], None)}], "cpu")
    assert torch.equal(whole["x"], x) and torch.equal(whole["p"].a, x) and whole["p"].b is None
    assert gather([torch.tensor(1.0), torch.tensor(2.0)], "cpu").tolist() == [1, 2]
    with pytest.raises(ValueError, match="same number of keys"):
        gather([{"a": x}, {"a": x, "b": x}], "cpu")


def test_replicas_and_errors():
    one = net()
    copies = replicate(one, TWO)
    assert copies[0] is not copies[1] and copies[0][0].in_features == 3 and copies[0][0].weight.requires_grad
    assert not replicate(one, TWO, detach=True)[0][0].weight.requires_grad
    with torch.no_grad():
        assert not any(y.requires_grad for y in parallel_apply(copies, [torch.ones(2, 3)] * 2))
    with pytest.raises(RuntimeError) as error:
        parallel_apply(copies, [(torch.ones(2, 3),), (torch.ones(2, 5),)], devices=TWO)
    assert "in replica 1 on device cpu" in error.value.__notes__
    with pytest.raises(AssertionError, match="not equal"):
        parallel_apply(copies, [torch.ones(2, 3)])
    with pytest.raises(RuntimeError, match="found one of them on device: cpu"):
        data_parallel(one, torch.ones(2, 3), ["meta"])


def test_sync_batch_norm_of_one_process():
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Sequential(nn.BatchNorm1d(3)))
    weight = plain[1].weight
    synced = nn.SyncBatchNorm.convert_sync_batchnorm(plain)
    assert type(synced[1]) is type(synced[2][0]) is nn.SyncBatchNorm and synced[1].weight is weight and list(synced.state_dict()) == list(plain.state_dict())
    x = torch.randn(4, 2, 5)
    ours, theirs = nn.SyncBatchNorm(2), nn.BatchNorm1d(2)
    assert torch.equal(ours(x), theirs(x)) and torch.equal(ours.running_var, theirs.running_var)
    with pytest.raises(ValueError, match="at least 2D"):
        ours(torch.ones(3))
