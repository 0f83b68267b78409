"""DistributedDataParallel and what goes with it: as one process with the whole batch."""
import io

import pyxtorch as torch
from pyxtorch import distributed as dist
from pyxtorch import nn
from pyxtorch.distributed import nn as collectives

DDP = nn.parallel.DistributedDataParallel


def network(seed=0, norm=None):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(10, 32), *([norm] if norm else []), nn.ReLU(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 3))


def batches(n, steps):
    torch.manual_seed(5)
    return [(torch.randn(4 * n, 10), torch.randint(0, 3, (4 * n,))) for _ in range(steps)]


def part(x, rank, n):
    return x[rank * len(x) // n : (rank + 1) * len(x) // n]


def train(net, data, rank, n, steps=5, optimizer=None):
    optimizer = optimizer or torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for x, y in data[:steps]:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(part(x, rank, n)), part(y, rank, n))
        loss.backward()
        optimizer.step()
        loss = loss.detach()
        dist.all_reduce(loss, dist.ReduceOp.AVG)
        losses.append(loss.item())
    return losses


def close(a, b, tolerance=1e-5):
    for x, y in zip(a, b, strict=True):
        assert torch.allclose(x, y, atol=tolerance, rtol=tolerance), (x - y).abs().max()


def case_as_one_process(rank, n):
    data = batches(n, 8)
    for more in ({}, {"bucket_cap_mb": 0.001}, {"find_unused_parameters": True}, {"static_graph": True, "gradient_as_bucket_view": True}):
        alone = network(0)
        want = train(alone, data, 0, 1)
        net = DDP(network(rank), **more)  # of rank 0 from here on
        got = train(net, data, rank, n)
        assert all(abs(a - b) < 1e-5 for a, b in zip(got, want)), (got, want)
        close(net.parameters(), alone.parameters())
        assert all(name.startswith("module.") for name in net.state_dict())
        flat = torch.cat([p.detach().reshape(-1) for p in net.parameters()])
        whole = [torch.zeros_like(flat) for _ in range(n)]
        dist.all_gather(whole, flat)
        assert all(torch.equal(flat, one) for one in whole)


def case_gradients_are_views_of_buckets(rank, n):
    net = DDP(network())
    x, y = batches(n, 1)[0]
    nn.functional.cross_entropy(net(part(x, rank, n)), part(y, rank, n)).backward()
    inside = [b.flat.data_ptr() <= p.grad.data_ptr() < b.flat.data_ptr() + 4 * b.flat.numel() for p in net.parameters() for b in net._buckets]
    assert sum(inside) == len(list(net.parameters()))


def case_no_sync(rank, n):
    net, alone = DDP(network()), network()
    data = batches(n, 3)
    with net.no_sync():
        for x, y in data[:2]:
            nn.functional.cross_entropy(net(part(x, rank, n)), part(y, rank, n)).backward()
    nn.functional.cross_entropy(net(part(data[2][0], rank, n)), part(data[2][1], rank, n)).backward()
    for x, y in data:
        nn.functional.cross_entropy(alone(x), y).backward()
    close([p.grad for p in net.parameters()], [p.grad for p in alone.parameters()])


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.never = nn.Linear(3, 2), nn.Linear(3, 2), nn.Linear(3, 2)

    def forward(self, x, which):
        return (self.a if which == 0 else self.b)(x)


def case_unused_parameters(rank, n):
    torch.manual_seed(1)
    net = DDP(Branches(), find_unused_parameters=True)
    x = torch.ones(2, 3) * (rank + 1)
    for _ in range(2):
        net.zero_grad()
        net(x, rank % 2).sum().backward()
        mine = [sum(2.0 * (r + 1) for r in range(n) if r % 2 == which) / n for which in (0, 1)]
        assert net.module.a.weight.grad.tolist() == [[mine[0]] * 3] * 2 and net.module.b.weight.grad.tolist() == [[mine[1]] * 3] * 2
        assert net.module.never.weight.grad is None
    net = DDP(Branches())
    net(x, 0).sum().backward()
    try:
        net(x, 0)
        raise AssertionError("unused parameters were not seen")
    except RuntimeError as error:
        assert "b.weight" in str(error) and "never.bias" in str(error)


def case_hooks_and_buffers(rank, n):
    net = DDP(network(norm=nn.BatchNorm1d(32)))
    seen = []

    def halve(state, bucket):
        seen.append((bucket.index(), bucket.is_last(), len(bucket.parameters()), len(bucket.gradients())))
        state.all_reduce(bucket.buffer())
        future = torch.futures.Future()
        future.set_result(bucket.buffer() / 2)
        return future

    net.register_comm_hook(dist, halve)
    plain = DDP(network(norm=nn.BatchNorm1d(32)))
    x, y = batches(n, 1)[0]
    for one in (net, plain):
        nn.functional.cross_entropy(one(part(x, rank, n)), part(y, rank, n)).backward()
    close([p.grad for p in net.parameters()], [p.grad * n / 2 for p in plain.parameters()])
    assert seen and seen[-1][1]
    plain(part(x, rank, n))  # buffers come from rank 0 before each forward
    mean = plain.module[1].running_mean.clone()
    plain(part(x, rank, n) * 0)
    dist.broadcast(mean, 0)
    assert torch.allclose(plain.module[1].running_mean, mean * 0.9 + 0.1 * plain.module[0].bias.detach(), atol=1e-5)


def case_join(rank, n):
    data = batches(n, 6)
    net = DDP(network())
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with net.join():
        for x, y in data[: 2 + rank]:
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(part(x, rank, n)), part(y, rank, n)).backward()
            optimizer.step()
    alone = network()
    optimizer = torch.optim.SGD(alone.parameters(), lr=0.1)
    for step in range(1 + n):
        optimizer.zero_grad()
        x, y = data[step]
        for r in range(n):
            if step < 2 + r:
                (nn.functional.cross_entropy(alone(part(x, r, n)), part(y, r, n)) / n).backward()
        optimizer.step()
    close(net.parameters(), alone.parameters())


def case_sync_batch_norm(rank, n):
    alone = network(norm=nn.BatchNorm1d(32))
    net = DDP(nn.SyncBatchNorm.convert_sync_batchnorm(network(norm=nn.BatchNorm1d(32))))
    data = batches(n, 4)
    want, got = train(alone, data, 0, 1, 4), train(net, data, rank, n, 4)
    assert all(abs(a - b) < 1e-4 for a, b in zip(got, want)), (got, want)
    close(net.parameters(), alone.parameters(), 1e-4)
    close(net.buffers(), alone.buffers(), 1e-4)


def case_checkpoints(rank, n):
    net = DDP(network(rank))
    file = io.BytesIO()
    torch.save(net.state_dict(), file)
    file.seek(0)
    state = torch.load(file)
    network(9).load_state_dict({name.removeprefix("module."): x for name, x in state.items()})
    again = DDP(network(9))
    again.load_state_dict(state)
    close(again.parameters(), net.parameters(), 0)


def case_gradients_pass_collectives(rank, n):
    x = torch.tensor([float(rank + 1)], requires_grad=True)
    (collectives.all_reduce(x * x) * (rank + 1)).sum().backward()
    assert x.grad.item() == 2 * (rank + 1) * sum(r + 1 for r in range(n))
    x.grad = None
    sum((r + 1) * y.sum() for r, y in enumerate(collectives.all_gather(x))).backward()
    assert x.grad.item() == n * (rank + 1)
    x.grad = None
    (collectives.broadcast(x, n - 1) * (rank + 1)).sum().backward()
    assert x.grad.item() == (sum(r + 1 for r in range(n)) if rank == n - 1 else 0)


def case_different_modules_are_refused(rank, n):
    try:
        DDP(nn.Linear(3 + rank, 2))
        raise AssertionError("modules of different shapes")
    except RuntimeError as error:
        assert "rank 1" in str(error) and "weight" in str(error)


def case_sampler(rank, n):
    sampler = torch.utils.data.DistributedSampler(range(10 * n), shuffle=True)
    mine = torch.tensor(list(sampler))
    whole = torch.zeros(n * len(mine), dtype=torch.int64)
    dist.all_gather_into_tensor(whole, mine)
    assert sorted(whole.tolist()) == list(range(10 * n))


def case_shards_give_the_same_bits(rank, n):
    """One process with the whole batch, computed by every rank for itself, against all of them together."""
    data = batches(8, 4)
    states = []
    for group, place, size in ((dist.new_subgroups(1)[0], 0, 1), (None, rank, n)):
        torch.manual_seed(3)
        net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 3))
        net = DDP(net, process_group=group, shards=8)
        optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
        for x, y in data:
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(part(x, place, size)), part(y, place, size)).backward()
            optimizer.step()
        states.append(torch.cat([p.detach().reshape(-1) for p in net.parameters()]))
    assert torch.equal(*states), (states[0] - states[1]).abs().max()
    for wrong in (3, 1):
        try:
            DDP(nn.Linear(2, 2), shards=wrong)
            raise AssertionError(wrong)
        except ValueError:
            pass
