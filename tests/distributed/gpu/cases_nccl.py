"""Collectives of GPU tensors by NCCL, on the stand-in GPU and the stand-in library: as those of the CPU by MPI.

Few kernels are run, which the stand-in compiles: most dtypes are only copied.
"""
import importlib.util
import os
from pathlib import Path

spec = importlib.util.spec_from_file_location("standin_build", Path(__file__).resolve().parents[2] / "standin" / "build.py")
build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build)
build.load()

from cases_collectives import laid_out, ops_of, same, sample  # noqa: E402
from cases_training import DDP, batches, part  # noqa: E402

import pyxtorch as torch  # noqa: E402
from pyxtorch import distributed as dist  # noqa: E402
from pyxtorch import nn  # noqa: E402

Op = dist.ReduceOp
DTYPES = (torch.bool, torch.uint8, torch.int8, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64)


def empty(*size, dtype, device):
    return torch.zeros(*size, dtype=dtype).to(device)


def both(call, x):
    """A call with a tensor of the CPU, and with the same on the GPU; what they leave in it."""
    here, there = x.clone(), x.cuda()
    call(here)
    call(there)
    same(there.cpu(), here)


def case_reductions(rank, n):
    assert dist.is_nccl_available() and dist.is_backend_available("nccl")
    for dtype in DTYPES:
        for op in ops_of(dtype):
            for i, size in enumerate(((), (7,), (40, 41))):
                x = sample(rank, size, dtype, 2 * i)
                if (op in (Op.BAND, Op.BOR, Op.BXOR) and not (dtype is torch.bool and op is not Op.BXOR)) or (op is Op.AVG and not dtype.is_floating_point and dtype is not torch.int64):
                    continue
                if i < 2 or dtype is torch.float32:
                    both(lambda t, op=op: dist.all_reduce(t, op), x)
                both(lambda t, op=op: dist.reduce(t, n - 1, op), x)
    for bad, dtype in ((Op.BXOR, torch.int32), (Op.SUM, torch.int16)):
        try:
            dist.all_reduce(torch.ones(2, dtype=dtype, device="cuda"), bad)
            raise AssertionError(bad)
        except dist.DistBackendError as error:
            assert "NCCL" in str(error)
    both(lambda t: dist.all_reduce(t, dist.distributed_c10d._make_nccl_premul_sum(0.25)), sample(rank, (9,), torch.float32))
    both(dist.all_reduce, sample(rank, (100_003,), torch.float32))
    for dtype in (torch.float32, torch.bool):
        xs = [sample(rank * n + r, (5,), dtype) for r in range(n)]
        here, there = torch.zeros(5, dtype=dtype), empty(5, dtype=dtype, device="cuda")
        dist.reduce_scatter(here, xs)
        dist.reduce_scatter(there, [x.cuda() for x in xs])
        same(there.cpu(), here)


def case_moves(rank, n):
    for dtype in (*DTYPES, torch.int16):
        x = sample(rank, (3, 5), dtype)
        both(lambda t: dist.broadcast(t, n - 1), x)
        how = "transposed" if dtype is torch.float32 else "plain"
        both(lambda t, how=how: dist.broadcast(laid_out(t, how), 0), x)
        for device in ("cpu", "cuda"):
            mine = laid_out(x.to(device), how)
            outs = [empty(3, 5, dtype=dtype, device=device) for _ in range(n)]
            work = dist.all_gather(outs, mine, async_op=True)
            assert work.wait() and all(same(o.cpu(), sample(r, (3, 5), dtype)) is None for r, o in enumerate(outs))
            whole = empty(n, 3, 5, dtype=dtype, device=device)
            dist.all_gather_into_tensor(whole, mine)
            same(whole.cpu(), torch.stack([sample(r, (3, 5), dtype) for r in range(n)]))
            outs = [empty(3, 5, dtype=dtype, device=device) for _ in range(n)] if rank == 0 else None
            dist.gather(mine, outs, 0)
            if rank == 0:
                same(outs[n - 1].cpu(), sample(n - 1, (3, 5), dtype))
            out = empty(3, 5, dtype=dtype, device=device)
            dist.scatter(out, [sample(r, (3, 5), dtype).to(device) for r in range(n)] if rank == n - 1 else None, n - 1)
            same(out.cpu(), x)
            outs = [empty(r + 1, dtype=dtype, device=device) for r in range(n)]
            dist.all_to_all(outs, [sample(rank, (rank + 1,), dtype).to(device) for _ in range(n)])
            for r, out in enumerate(outs):
                same(out.cpu(), sample(r, (r + 1,), dtype))


def case_messages_and_order(rank, n):
    right, left = (rank + 1) % n, (rank - 1) % n
    x, y = torch.full((70_000,), float(rank)).cuda(), torch.zeros(70_000).cuda()
    for work in dist.batch_isend_irecv([dist.P2POp(dist.isend, x, right), dist.P2POp(dist.irecv, y, left)]):
        work.wait()
    assert (y.cpu() == left).all()
    if rank == 0:
        dist.send(torch.arange(5.0).cuda(), n - 1)
    elif rank == n - 1:
        z = torch.zeros(5, 2).cuda()[:, 0]
        assert dist.recv(z, 0) == 0 and z.tolist() == [0, 1, 2, 3, 4]
    torch.cuda.synchronize()  # the stand-in works only then, and rank 0 has to before it waits for others by MPI
    works, group = [], dist.new_group()
    xs = [torch.full((1000 * (i + 1),), float(rank)).cuda() for i in range(8)]
    for i, x in enumerate(xs):
        x.mul_(i)  # under way on the current stream when the call is made
        works.append(dist.all_reduce(x, group=group if i % 2 else None, async_op=True))
        if i % 3 == 0:
            works[-1].wait()
            x.add_(1)  # after it, on the current stream
    torch.cuda.synchronize()
    for i, (x, work) in enumerate(zip(xs, works)):
        assert work.wait() and work.is_completed() and (x.cpu() == i * n * (n - 1) / 2 + (i % 3 == 0)).all(), (i, x[0])
    for wrong in (lambda: dist.recv(torch.zeros(2, device="cuda")), lambda: dist.all_gather([torch.zeros(2)] * n, torch.zeros(2, device="cuda"))):
        try:
            wrong()
            raise AssertionError("NCCL took it")
        except (ValueError, RuntimeError) as error:
            assert "named" in str(error) or "one device" in str(error)


def case_errors(rank, n):
    """A group that NCCL has given up cannot go on; others can."""
    group, x = dist.new_group(), torch.ones(3).cuda()
    dist.all_reduce(x, group=group)
    torch.cuda.synchronize()
    os.environ["PYXEMU_NCCL_FAIL"] = "1"
    for words in ("remote process exited", "cannot go on"):
        try:
            dist.all_reduce(x, group=group)
            raise AssertionError(words)
        except dist.DistBackendError as error:
            assert words in str(error), error
    del os.environ["PYXEMU_NCCL_FAIL"]
    dist.all_reduce(x)
    assert x.tolist() == [n * n] * 3


def case_training(rank, n):
    data, nets = batches(n, 2), []
    for device in ("cpu", "cuda"):
        torch.manual_seed(rank)
        net = DDP(nn.Sequential(nn.Linear(10, 32, bias=False), nn.Linear(32, 3, bias=False)).to(device), bucket_cap_mb=0.001)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for x, _ in data:
            optimizer.zero_grad()
            net(part(x, rank, n).to(device)).sum().backward()
            optimizer.step()
        nets.append(net)
    for p, q in zip(*(net.parameters() for net in nets)):
        assert torch.allclose(p, q.cpu(), atol=1e-5)
