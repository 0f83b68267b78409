"""fully_shard and ZeroRedundancyOptimizer: the numbers of DistributedDataParallel, and states that one process reads."""
import io
import math
import weakref

from cases_training import DDP, batches, close, network, part

import pyxtorch as torch
from pyxtorch import distributed as dist
from pyxtorch import nn
from pyxtorch.distributed.checkpoint import state_dict as states
from pyxtorch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard, register_fsdp_forward_method
from pyxtorch.distributed.optim import ZeroRedundancyOptimizer
from pyxtorch.utils.checkpoint import checkpoint

FULL = states.StateDictOptions(full_state_dict=True)


class Deep(nn.Module):
    """Layers of sizes that processes do not divide evenly, one of them shared, one frozen, and a head that may be called by itself."""

    def __init__(self, again=False):
        super().__init__()
        self.a, self.blocks = nn.Linear(10, 13), nn.ModuleList([nn.Sequential(nn.Linear(13, 13), nn.LayerNorm(13), nn.GELU()) for _ in range(3)])
        self.blocks[1][0].weight = self.blocks[1][0].weight
        self.frozen, self.head, self.again = nn.Linear(13, 13).requires_grad_(False), nn.Linear(13, 3), again

    def features(self, x):
        x = self.a(x)
        for block in self.blocks:
            x = x + (checkpoint(block, x, use_reentrant=False) if self.again else block(x))
        return self.frozen(x)

    def forward(self, x):
        return self.head(self.features(x))


def deep(seed=0, **more):
    torch.manual_seed(seed)
    return Deep(**more)


def sharded(net, blocks=True, **more):
    if blocks:
        for block in net.blocks:
            fully_shard(block, **more)
    return fully_shard(net, **more)


def steps(net, optimizer, data, rank, n, clip=None):
    losses = []
    for x, y in data:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(part(x, rank, n)), part(y, rank, n))
        loss.backward()
        norm = nn.utils.clip_grad_norm_(net.parameters(), clip) if clip else 0.0
        optimizer.step()
        losses.append((loss.item(), float(norm)))
    return losses


def adam(net, **more):
    return torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=0.01, **more)


def case_fully_shard_has_the_bits_of_ddp(rank, n):
    data = batches(n, 3)
    whole = DDP(deep())
    want = steps(whole, adam(whole), data, rank, n)
    alone = deep()
    losses = steps(alone, adam(alone), data, 0, 1)
    close(whole.module.parameters(), alone.parameters())
    for blocks, again, reshard in ((True, False, None), (True, True, True), (True, False, False), (False, True, True), (False, False, True)):
        net = sharded(deep(again=again), blocks, reshard_after_forward=reshard)
        assert isinstance(net, FSDPModule) and isinstance(net, Deep) and list(net.state_dict()) == list(deep().state_dict())
        optimizer = adam(net)
        got = steps(net, optimizer, data, rank, n)
        assert got == want, (blocks, again, reshard, got, want)
        for p, q in zip(net.parameters(), whole.module.parameters(), strict=True):
            rows = -(-q.shape[0] // n)
            assert torch.equal(p.full_tensor(), q) and torch.equal(p.detach(), q.detach()[rank * rows : (rank + 1) * rows])
            assert all(x.shape == p.shape for x in optimizer.state.get(p, {}).values() if x.dim())
    total = torch.tensor([want[0][0]])
    dist.all_reduce(total, dist.ReduceOp.AVG)
    assert abs(total.item() - losses[0][0]) < 1e-5


def case_fully_shard_keeps_little(rank, n):
    """Nothing whole is kept between the forward of an inner unit and its backward."""
    net = sharded(deep())
    seen = []
    layer = net.blocks[0][0]
    net.blocks[0][0].register_forward_hook(lambda m, args, out: seen.append(m.weight))
    loss = net(batches(n, 1)[0][0]).sum()
    whole, seen[:] = weakref.ref(seen[0]), []
    assert (whole() is None or n == 1) and layer.weight.shape[0] == min(13, (rank + 1) * -(-13 // n)) - min(13, rank * -(-13 // n))
    loss.backward()
    assert layer.weight.grad.shape == layer.weight.shape


def case_fully_shard_accumulates_and_clips(rank, n):
    data = batches(n, 4)
    whole, net = DDP(deep()), sharded(deep())
    for one in (whole, net):
        for i, (x, y) in enumerate(data):
            last = i == len(data) - 1
            if one is net:
                net.set_requires_gradient_sync(last)
                nn.functional.cross_entropy(net(part(x, rank, n)), part(y, rank, n)).backward()
            elif last:
                nn.functional.cross_entropy(one(part(x, rank, n)), part(y, rank, n)).backward()
            else:
                with whole.no_sync():
                    nn.functional.cross_entropy(one(part(x, rank, n)), part(y, rank, n)).backward()
    for norm_type in (1.0, 2.0, 3.0, math.inf):
        a, b = (nn.utils.clip_grad_norm_(one.parameters(), 0.5, norm_type) for one in (whole, net))
        assert torch.allclose(a, b, rtol=1e-5), (norm_type, a, b)
    for p, q in zip(net.parameters(), whole.module.parameters()):
        if q.grad is not None:
            close([p._cut.whole(p.grad)], [q.grad])
    a, b = (steps(one, adam(one), data, rank, n, clip=0.1) for one in (whole, net))
    assert all(math.isclose(x, y, rel_tol=1e-4) for one, other in zip(a, b) for x, y in zip(one, other)), (a, b)


def case_fully_shard_by_other_ways(rank, n):
    x = batches(n, 1)[0][0]
    net, plain = sharded(deep()), deep()
    close([net.head(x[:, [0] * 13])], [plain.head(x[:, [0] * 13])], 0)  # a module called by itself
    register_fsdp_forward_method(net, "features")
    close([net.features(x)], [plain.features(x)], 0)
    with torch.no_grad():
        close([net(x)], [plain(x)], 0)
    net.unshard()
    assert net.a.weight.shape == (13, 10)
    close([net(x)], [plain(x)], 0)
    net.reshard()
    assert net.a.weight.shape != (13, 10) or n == 1
    half = deep()
    for block in half.blocks:
        fully_shard(block, mp_policy=MixedPrecisionPolicy(torch.bfloat16, torch.float32))
    fully_shard(half, mp_policy=MixedPrecisionPolicy(torch.bfloat16, torch.float32, torch.float32))
    out = half(x)
    assert out.dtype is torch.float32 and not torch.equal(out, plain(x)) and torch.allclose(out, plain(x), atol=0.1)
    out.sum().backward()
    assert half.a.weight.grad.dtype is torch.float32 and half.a.weight.dtype is torch.float32
    if n == 4:
        mesh = dist.init_device_mesh("cpu", (2, 2), mesh_dim_names=("copies", "parts"))
        data = batches(n, 3)
        copied, whole = sharded(deep(), mesh=mesh), DDP(deep())
        for one in (copied, whole):
            steps(one, adam(one), data, rank, n)
        close([p.full_tensor() for p in copied.parameters()], whole.parameters())
        assert copied.a.weight.shape == (7 - rank % 2, 10)


def case_fully_shard_refuses(rank, n):
    net = sharded(deep())
    loss = net(batches(n, 1)[0][0]).sum()
    with torch.no_grad():
        for p in net.parameters():
            p.add_(1)
    for wrong, kind, word in ((lambda: fully_shard(net), ValueError, "already"), (lambda: torch.optim.LBFGS(net.parameters()), RuntimeError, "whole parameters"),
                              (lambda: fully_shard(nn.ModuleList([nn.Linear(2, 2)])), ValueError, "forward"), (lambda: fully_shard(3), TypeError, "int"),
                              (loss.backward, RuntimeError, "modified by an inplace"), (lambda: fully_shard(nn.Linear(3 + rank, 2)), RuntimeError, "same module")):  # fmt: skip
        try:
            wrong()
        except kind as error:
            assert word in str(error), error
        else:
            raise AssertionError(word)
    tied = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    tied[1].weight = tied[0].weight
    fully_shard(tied[0])
    try:
        fully_shard(tied)
        raise AssertionError("a parameter of two units")
    except ValueError as error:
        assert "shared" in str(error)
    tied = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    tied[1].weight = tied[0].weight
    fully_shard(tied)
    x, copy = torch.ones(2, 4), nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    copy[1].weight = copy[0].weight
    copy.load_state_dict(states.get_model_state_dict(tied, options=FULL))
    for one in (tied, copy):
        one(x).pow(2).sum().backward()
    close([tied[0].weight._cut.whole(tied[0].weight.grad)], [copy[0].weight.grad])


def saved(state):
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def case_states_have_the_bytes_of_one_process(rank, n):
    """The same training in one process, done by each for itself, whose gradients do not depend on the number of processes."""
    data, files = batches(8, 3), []
    for group, place, size in ((dist.new_subgroups(1)[0], 0, 1), (None, rank, n)):
        net = DDP(deep(), process_group=group, shards=8)
        optimizer = ZeroRedundancyOptimizer([p for p in net.parameters() if p.requires_grad], torch.optim.Adam, process_group=group, lr=0.01)
        for x, y in data:
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(part(x, place, size)), part(y, place, size)).backward()
            optimizer.step()
        optimizer.consolidate_state_dict(0)
        files.append((saved(states.get_model_state_dict(net)), saved(optimizer.state_dict()) if group is not None or rank == 0 else files[0][1]))
    assert [a == b for a, b in zip(*files)] == [True, True]
    if n > 1 and rank:
        try:
            optimizer.state_dict()
            raise AssertionError("a state that is elsewhere")
        except RuntimeError as error:
            assert "consolidate" in str(error)
    load = lambda data: torch.load(io.BytesIO(data))  # noqa: E731
    cut = sharded(deep(9))
    states.set_model_state_dict(cut, load(files[0][0]), options=FULL)
    assert saved(states.get_model_state_dict(cut, options=FULL)) == files[0][0]
    first = states.StateDictOptions(full_state_dict=True, cpu_offload=True)
    got = states.get_model_state_dict(cut, options=first)
    assert (saved(got) == files[0][0]) if rank == 0 else got == {}
    again = sharded(deep(8))
    states.set_model_state_dict(again, got, options=states.StateDictOptions(full_state_dict=True, broadcast_from_rank0=True))
    assert saved(states.get_model_state_dict(again, options=FULL)) == files[0][0]
    # An optimiser's state: of one process, to rows, and back.
    one = deep()
    plain = adam(one)
    steps(one, plain, batches(1, 2), 0, 1)
    whole = states.get_optimizer_state_dict(one, plain, options=FULL)
    states.set_model_state_dict(again, one.state_dict(), options=FULL)
    optimizer = adam(again)
    states.set_optimizer_state_dict(again, optimizer, whole, options=FULL)
    assert all(s["exp_avg"].shape == p.shape for p, s in optimizer.state.items()) and optimizer.state
    assert saved(states.get_optimizer_state_dict(again, optimizer, options=FULL)) == saved(whole)
    x, y = batches(1, 1)[0]
    for net, opt in ((one, plain), (again, optimizer)):
        steps(net, opt, [(x, y)], 0, 1)
    close([p.full_tensor() for p in again.parameters()], one.parameters(), 1e-6)


def case_zero_splits_its_state(rank, n):
    data = batches(n, 4)
    for kind, more in ((torch.optim.Adam, {"lr": 0.01}), (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9})):
        nets = [DDP(network()) for _ in range(3)]
        optimizers = [kind(nets[0].parameters(), **more), *(ZeroRedundancyOptimizer(net.parameters(), kind, **more) for net in nets[1:])]
        optimizers[1].param_groups[0]["lr"] = optimizers[0].param_groups[0]["lr"] = 0.02
        for net, optimizer in zip(nets[:2], optimizers):
            steps(net, optimizer, data[:2], rank, n)
        assert all(torch.equal(a, b) for a, b in zip(nets[0].parameters(), nets[1].parameters()))
        have = torch.tensor([len(optimizers[1].state)])
        dist.all_reduce(have)
        assert have.item() == 6 and 0 < len(optimizers[1].state) <= 6 - n + 1
        optimizers[1].consolidate_state_dict(n - 1)
        if rank == n - 1:
            assert saved(optimizers[1].state_dict()) == saved(optimizers[0].state_dict())
        # Of a whole state, as one process has it, each takes its part.
        nets[2].load_state_dict(nets[0].state_dict())
        optimizers[2].load_state_dict(optimizers[0].state_dict())
        for net, optimizer in zip(nets, optimizers):
            steps(net, optimizer, data[2:], rank, n)
        for net in nets[1:]:
            assert all(torch.equal(a, b) for a, b in zip(nets[0].parameters(), net.parameters()))
    net = nn.Linear(3, 2)  # fewer parameters than processes may be
    optimizer = ZeroRedundancyOptimizer(net.parameters(), torch.optim.AdamW, lr=0.1)
    more = nn.Parameter(torch.ones(5))
    optimizer.add_param_group({"params": [more], "lr": 0.5})
    (net(torch.ones(1, 3)).sum() + more.sum()).backward()
    optimizer.step()
    assert abs(more[0].item() - (1 - 0.5 * 0.01 - 0.5)) < 1e-5
