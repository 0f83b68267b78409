"""A group of one process: what collectives check, and that they leave the numbers that there are."""
from datetime import timedelta

import pytest

import pyxtorch as torch
from pyxtorch import distributed as dist
from pyxtorch import nn


@pytest.fixture
def world():
    dist.init_process_group("gloo", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def test_before_there_is_a_group(monkeypatch):
    for call in (dist.get_rank, dist.get_world_size, dist.barrier, dist.destroy_process_group, lambda: dist.all_reduce(torch.ones(1)), lambda: nn.parallel.DistributedDataParallel(nn.Linear(1, 1))):
        with pytest.raises(ValueError, match="not been initialized"):
            call()
    assert not dist.is_initialized() and not dist.is_available()
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match="RANK"):
        dist.init_process_group("gloo")
    with pytest.raises(ValueError, match="MASTER_ADDR"):
        dist.init_process_group("gloo", rank=0, world_size=4)
    with pytest.raises(ValueError, match="rank=4"):
        dist.init_process_group("gloo", rank=4, world_size=4)
    with pytest.raises(AssertionError, match="nope"):
        dist.init_process_group("nope", rank=0, world_size=1)
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    dist.init_process_group("NCCL")
    assert dist.get_backend() == "nccl" and dist.get_rank() == 0 and dist.get_world_size() == 1 and dist.is_initialized() and dist.group.WORLD is not None
    with pytest.raises(ValueError, match="twice"):
        dist.init_process_group("gloo")
    dist.destroy_process_group()
    assert not dist.is_initialized()


def test_collectives(world):
    x, y = torch.arange(3.0), torch.zeros(3)
    for op in list(dist.ReduceOp)[:5]:
        assert dist.all_reduce(x, op) is None and x.tolist() == [0, 1, 2]
    work = dist.all_reduce(x, async_op=True)
    assert work.wait() and work.is_completed() and work.get_future().wait() == [x]
    dist.broadcast(x, src=0)
    dist.reduce(x, dst=0)
    for call in (lambda t: dist.all_gather([t], x), lambda t: dist.gather(x, [t]), lambda t: dist.scatter(t, [x]), lambda t: dist.reduce_scatter(t, [x]),
                 lambda t: dist.all_to_all([t], [x]), lambda t: dist.all_to_all_single(t, x), lambda t: dist.all_gather_into_tensor(t, x),
                 lambda t: dist.reduce_scatter_tensor(t, x)):  # fmt: skip
        y.zero_()
        call(y)
        assert y.tolist() == [0, 1, 2]
    stacked = torch.zeros(1, 3)
    dist.all_gather_into_tensor(stacked, x)
    assert stacked.tolist() == [[0, 1, 2]]
    found, mine = [None], {"a": [1]}
    dist.all_gather_object(found, mine)
    assert found == [mine] and found[0] is not mine
    dist.broadcast_object_list(found)
    dist.scatter_object_list(found, ["b"])
    assert found == ["b"]
    dist.barrier()
    group = dist.new_group([0])
    assert dist.get_world_size(group) == 1 and dist.get_process_group_ranks(group) == [0] and dist.get_rank(dist.new_group([])) == -1


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda x: dist.all_reduce(3), TypeError, "tensor"),
    (lambda x: dist.all_reduce(x, op="sum"), TypeError, "ReduceOp"),
    (lambda x: dist.all_reduce(x, op=dist.ReduceOp.BAND), RuntimeError, "BAND of torch.float32"),
    (lambda x: dist.all_gather([x, x], x), RuntimeError, "got 2"),
    (lambda x: dist.all_gather([torch.zeros(2)], x), RuntimeError, r"\(3,\), got \(2,\)"),
    (lambda x: dist.all_gather([torch.zeros(3, dtype=torch.int32)], x), ValueError, "dtypes"),
    (lambda x: dist.broadcast(x, src=1), RuntimeError, "1"),
    (lambda x: dist.gather(x), ValueError, "gather_list"),
    (lambda x: dist.send(x, 0), ValueError, "destination rank"),
    (lambda x: dist.recv(x, 0), ValueError, "source rank"),
    (lambda x: dist.new_group([0, 1]), ValueError, "world size"),
    (lambda x: dist.new_group([3]), ValueError, "rank"),
    (lambda x: dist.all_to_all_single(x, x, [1, 2]), RuntimeError, "split_sizes"),
    (lambda x: dist.barrier(3), TypeError, "int"),
])  # fmt: skip
def test_what_is_refused(world, call, error, words):
    with pytest.raises(error, match=words):
        call(torch.ones(3))


def test_distributed_data_parallel(world):
    net = nn.Linear(2, 1)
    wrapped = nn.parallel.DistributedDataParallel(net)
    wrapped(torch.ones(1, 2)).sum().backward()
    assert list(wrapped.state_dict()) == ["module.weight", "module.bias"] and net.weight.grad.tolist() == [[1, 1]]
    with wrapped.no_sync():
        assert not wrapped.require_backward_grad_sync
    with pytest.raises(RuntimeError, match="requires a gradient"):
        nn.parallel.DistributedDataParallel(nn.ReLU())


def test_distributed_sampler():
    make = torch.utils.data.DistributedSampler
    assert [list(make(range(10), 3, rank, shuffle=False)) for rank in range(3)] == [[0, 3, 6, 9], [1, 4, 7, 0], [2, 5, 8, 1]]
    assert [list(make(range(10), 3, rank, shuffle=False, drop_last=True)) for rank in range(3)] == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    assert list(make(range(2), 5, 4, shuffle=False)) == [0] and len(make(range(2), 5, 4)) == 1
    first = make(range(100), 2, 0, seed=3)
    second = make(range(100), 2, 1, seed=3)
    order = list(first)
    assert sorted(order + list(second)) == list(range(100)) and list(first) == order
    first.set_epoch(1)
    assert list(first) != order
    with pytest.raises(ValueError, match="rank 3"):
        make(range(10), 3, 3)


def test_the_store_of_one_process():
    store = dist.HashStore()
    store.set("a", "1")
    assert store.get("a") == b"1" and store.add("n", 2) == 2 and store.add("n", 3) == 5 and store.check(["a", "n"]) and store.num_keys() == 2
    assert store.delete_key("a") and not store.check(["a"])
    store.set_timeout(timedelta(seconds=0.01))
    with pytest.raises(RuntimeError, match="keys: a"):
        store.get("a")


def test_backends_by_device():
    assert dist.Backend.default_device_backend_map["cpu"] == dist.Backend("GLOO") == "gloo" and "nccl" in dist.Backend.backend_list


def test_futures():
    from pyxtorch.futures import Future, collect_all, wait_all

    assert Future[int].__origin__ is Future is torch.Future
    first, second, seen = Future(), Future(), []
    after = first.then(lambda f: f.value() + 1)
    first.add_done_callback(lambda f: seen.append(f.value()))
    both = collect_all([first, second])
    with pytest.raises(RuntimeError, match="no result yet"):
        first.value()
    first.set_result(1)
    assert after.wait() == 2 and seen == [1] and not both.done()
    second.set_exception(KeyError("x"))
    assert both.done() and both.wait() == [first, second]
    with pytest.raises(KeyError):
        wait_all([first, second])
    with pytest.raises(RuntimeError, match="completed"):
        first.set_result(2)


def test_states_of_sharded_modules_and_optimisers_are_pytorchs(world, tmp_path):
    theirs = pytest.importorskip("torch")
    from pyxtorch.distributed.checkpoint import state_dict as states
    from pyxtorch.distributed.fsdp import fully_shard
    from pyxtorch.distributed.optim import ZeroRedundancyOptimizer

    def train(T, net, optimizer, steps=2):
        for i in range(steps):
            optimizer.zero_grad()
            net(T.arange(6.0).reshape(2, 3) - i).pow(2).sum().backward()
            optimizer.step()

    full = states.StateDictOptions(full_state_dict=True)
    ours, other = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)), theirs.nn.Sequential(theirs.nn.Linear(3, 4), theirs.nn.Linear(4, 2))
    fully_shard(ours[0])
    fully_shard(ours)
    opts = torch.optim.Adam(ours.parameters(), lr=0.01), theirs.optim.Adam(other.parameters(), lr=0.01)
    train(theirs, other, opts[1])
    theirs.save([other.state_dict(), opts[1].state_dict()], tmp_path / "theirs.pt")
    state, steps = torch.load(tmp_path / "theirs.pt")
    states.set_model_state_dict(ours, state, options=full)
    opts[0].load_state_dict(steps)
    for T, net, optimizer in ((torch, ours, opts[0]), (theirs, other, opts[1])):
        train(T, net, optimizer)
    spread = ZeroRedundancyOptimizer(ours.parameters(), torch.optim.Adam, lr=0.5)
    spread.load_state_dict(opts[0].state_dict())
    spread.consolidate_state_dict()
    torch.save([states.get_model_state_dict(ours, options=full), spread.state_dict()], tmp_path / "ours.pt")
    state, steps = theirs.load(tmp_path / "ours.pt")
    for name, x in other.state_dict().items():
        assert theirs.allclose(state[name], x, atol=1e-6)
    for i, kept in opts[1].state_dict()["state"].items():
        assert all(theirs.allclose(steps["state"][i][k], x, atol=1e-5) for k, x in kept.items())
    other.load_state_dict(state)
    opts[1].load_state_dict(steps)
    train(theirs, other, opts[1])
