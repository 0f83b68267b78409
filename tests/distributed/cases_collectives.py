"""Collectives of several processes against NumPy: every dtype, operation and layout, at once and later, in all groups."""
import random
import time

import numpy as np

import pyxtorch as torch
from pyxtorch import distributed as dist

Op = dist.ReduceOp
INTS = (torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.int8, torch.int16, torch.int32, torch.int64)
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
COMPLEX = (torch.complex64, torch.complex128)
SIZES = ((), (0,), (7,), (40, 41), (131, 129))


def ops_of(dtype):
    if dtype is torch.bool:
        return (Op.SUM, Op.PRODUCT, Op.MIN, Op.MAX, Op.BAND, Op.BOR, Op.BXOR)
    if dtype in COMPLEX:
        return (Op.SUM, Op.AVG)
    return (Op.SUM, Op.AVG, Op.PRODUCT, Op.MIN, Op.MAX) + ((Op.BAND, Op.BOR, Op.BXOR) if dtype in INTS else ())


def sample(rank, size, dtype, seed=0):
    """What a rank has: small numbers, so that a product of them fits; some infinite or NaN among the floats."""
    rng = np.random.default_rng([rank, seed, *size])
    if dtype is torch.bool:
        return torch.tensor(rng.integers(0, 2, size).astype(bool))
    if dtype in INTS:
        low = 0 if not dtype.is_signed else -20
        return torch.tensor(rng.integers(low, 60, size)).to(dtype)
    x = rng.standard_normal(size)
    if dtype in COMPLEX:
        return torch.tensor(x + 1j * rng.standard_normal(size)).to(dtype)
    if x.size > 100 and seed % 2:
        flat = x.reshape(-1)
        flat[rank], flat[10], flat[20 + rank] = np.nan, np.inf, -np.inf
    return torch.tensor(x).to(dtype)


def wide(x):
    """As NumPy computes it: half precision in float32."""
    return (x.float() if x.dtype in (torch.float16, torch.bfloat16) else x).numpy()


def expected(xs, op, factor=1.0):
    """The reduction in the order of the ranks."""
    rows = [wide(x) for x in xs]
    if op is Op.PREMUL_SUM:
        rows = [r * np.asarray(factor, r.dtype) for r in rows]
    acc = rows[0].copy()
    with np.errstate(all="ignore"):
        for r in rows[1:]:
            if acc.dtype == bool and op is not Op.BXOR:
                acc = acc | r if op in (Op.SUM, Op.MAX, Op.BOR) else acc & r
            else:
                acc = {Op.SUM: np.add, Op.AVG: np.add, Op.PREMUL_SUM: np.add, Op.PRODUCT: np.multiply, Op.MIN: np.minimum, Op.MAX: np.maximum,
                       Op.BAND: np.bitwise_and, Op.BOR: np.bitwise_or, Op.BXOR: np.bitwise_xor}[op](acc, r)
        if op is Op.AVG:
            acc = (np.trunc(acc / len(rows)) if acc.dtype.kind in "iu" else acc / np.asarray(len(rows), acc.real.dtype)).astype(acc.dtype)
    return torch.tensor(np.asarray(acc)).to(xs[0].dtype)


def laid_out(x, how):
    """x in memory of another layout."""
    if how == "strided":
        room = torch.zeros(*x.shape, 2, dtype=x.dtype)
        room[..., 1] = x
        return room[..., 1]
    if how == "transposed" and x.dim() == 2:
        return x.t().contiguous().t()
    return x.clone()


def same(a, b):
    """Bit for bit, NaNs alike."""
    assert a.dtype == b.dtype and a.shape == b.shape, (a.dtype, b.dtype, a.shape, b.shape)
    x, y = (wide(t) for t in (a, b))
    assert np.array_equal(x, y, equal_nan=x.dtype.kind in "fc"), (a, b)


def case_all_reduce(rank, n):
    for dtype in (torch.bool, *INTS, *FLOATS, *COMPLEX):
        for op in ops_of(dtype):
            for i, size in enumerate(SIZES):
                xs = [sample(r, size, dtype, i) for r in range(n)]
                want = expected(xs, op)
                for how in ("plain", "strided" if i % 2 else "transposed"):
                    x = laid_out(xs[rank], how)
                    work = dist.all_reduce(x, op, async_op=i % 2 == 1)
                    if work is not None:
                        assert work.wait()
                    same(x, want)


def case_reduce_and_premultiplied(rank, n):
    for dtype in (torch.int32, torch.bfloat16, torch.float32, torch.complex64):
        for i, size in enumerate(SIZES):
            xs = [sample(r, size, dtype, 2 * i) for r in range(n)]
            for root in range(n):
                x = laid_out(xs[rank], "strided")
                dist.reduce(x, root, Op.SUM)
                same(x, expected(xs, Op.SUM) if rank == root else xs[rank])
            if dtype.is_floating_point:
                x = xs[rank].clone()
                dist.all_reduce(x, dist.distributed_c10d._make_nccl_premul_sum(0.25))
                same(x, expected(xs, Op.PREMUL_SUM, 0.25))


def case_large(rank, n):
    for count in (1_000_003, 3_000_001):
        xs = [sample(r, (count,), torch.float32) for r in range(n)]
        x = xs[rank].clone()
        version = x._version
        dist.all_reduce(x)
        same(x, expected(xs, Op.SUM))
        assert x._version > version
    for level in (dist.DebugLevel.DETAIL, dist.DebugLevel.OFF):
        dist.set_debug_level(level)
        x = torch.ones(3)
        dist.all_reduce(x)
        assert x.tolist() == [n] * 3
    x = torch.arange(2_500_000) * (rank == n - 1)
    dist.broadcast(x, n - 1)
    same(x, torch.arange(2_500_000))


def case_reduce_scatter(rank, n):
    for dtype in (torch.bool, torch.int64, torch.float16, torch.float64, torch.complex128):
        for op in ops_of(dtype):
            for i, size in enumerate(SIZES):
                parts = [[sample(r * n + p, size, dtype, i) for p in range(n)] for r in range(n)]
                want = expected([parts[r][rank] for r in range(n)], op)
                for how in ("plain", "strided"):
                    out = laid_out(torch.zeros(size, dtype=dtype), how)
                    work = dist.reduce_scatter(out, [laid_out(x, how) for x in parts[rank]], op, async_op=how == "strided")
                    assert work is None or work.wait()
                    same(out, want)
                out = torch.zeros(size, dtype=dtype)
                dist.reduce_scatter_tensor(out, torch.stack(parts[rank]), op)
                same(out, want)
    parts = [sample(r, (n, 700_001), torch.float32) for r in range(n)]
    out = torch.zeros(700_001)
    dist.reduce_scatter_tensor(out, parts[rank])
    same(out, expected([p[rank] for p in parts], Op.SUM))


def case_moves(rank, n):
    for dtype in (torch.bool, *INTS, *FLOATS, *COMPLEX, torch.float8_e4m3fn, torch.complex32):
        for i, size in enumerate(SIZES):
            xs = [sample(r, size, torch.float32 if dtype.itemsize == 1 and dtype.is_floating_point or dtype is torch.complex32 else dtype, 2 * i).to(dtype) for r in range(n)]
            seen = (lambda t: t.view(torch.uint8)) if dtype is torch.float8_e4m3fn else (lambda t: torch.view_as_real(t)) if dtype is torch.complex32 else (lambda t: t)
            for how in ("plain", "strided"):
                late = i % 2 == 0
                mine = laid_out(xs[rank], how)

                def done(work, late=late):
                    assert (work is not None and work.wait()) if late else work is None

                for root in (0, n - 1):
                    x = laid_out(xs[rank], how)
                    done(dist.broadcast(x, root, async_op=late))
                    same(seen(x), seen(xs[root]))
                    outs = [laid_out(torch.zeros(size, dtype=dtype), how) for _ in range(n)] if rank == root else None
                    done(dist.gather(mine, outs, root, async_op=late))
                    if rank == root:
                        for out, x in zip(outs, xs):
                            same(seen(out), seen(x))
                    out = laid_out(torch.zeros(size, dtype=dtype), how)
                    done(dist.scatter(out, [laid_out(x, how) for x in xs] if rank == root else None, root, async_op=late))
                    same(seen(out), seen(xs[rank]))
                outs = [laid_out(torch.zeros(size, dtype=dtype), how) for _ in range(n)]
                done(dist.all_gather(outs, mine, async_op=late))
                for out, x in zip(outs, xs):
                    same(seen(out), seen(x))
                whole = torch.zeros(n, *size, dtype=dtype)
                done(dist.all_gather_into_tensor(whole, mine, async_op=late))
                same(seen(whole), seen(torch.stack(xs)))
                outs = [laid_out(torch.zeros(size, dtype=dtype), how) for _ in range(n)]
                done(dist.all_to_all(outs, [laid_out(xs[(rank + p) % n], how) for p in range(n)], async_op=late))
                for r, out in enumerate(outs):
                    same(seen(out), seen(xs[(r + rank) % n]))


def case_uneven(rank, n):
    outs = [torch.zeros(r + 1) for r in range(n)]
    dist.all_gather(outs, torch.full((rank + 1,), float(rank)))
    assert [x.tolist() for x in outs] == [[r] * (r + 1) for r in range(n)]
    sends = [r + rank for r in range(n)]
    x = torch.cat([torch.full((count, 2), 10.0 * rank + r) for r, count in enumerate(sends)])
    out = torch.zeros(sum(sends), 2)
    dist.all_to_all_single(out, x, sends, sends)
    same(out, torch.cat([torch.full((count, 2), 10.0 * r + rank) for r, count in enumerate(sends)]))
    out, x = torch.zeros(n, 3), torch.arange(n * 3.0).reshape(n, 3) + 100 * rank
    dist.all_to_all_single(out, x)
    same(out, torch.stack([torch.arange(3.0) + 3 * rank + 100 * r for r in range(n)]))
    xs = [torch.ones(3) * (rank + 1), torch.ones(2, 2) * rank]
    dist.all_reduce_coalesced(xs)
    assert xs[0].tolist() == [n * (n + 1) / 2] * 3 and xs[1].sum() == 2 * n * (n - 1)


def case_messages(rank, n):
    right, left = (rank + 1) % n, (rank - 1) % n
    for size in ((), (5,), (300_000,)):
        x, y = torch.full(size, float(rank)), torch.zeros(size)
        works = dist.batch_isend_irecv([dist.P2POp(dist.isend, x, right), dist.P2POp(dist.irecv, y, left)])
        for work in works:
            work.wait()
        assert (y == left).all()
    if rank == 0:
        for _ in range(n - 1):
            x = torch.zeros(2, dtype=torch.int64)
            sender = dist.recv(x, tag=3)
            assert x.tolist() == [sender, sender * sender]
    else:
        dist.send(torch.tensor([rank, rank * rank]), 0, tag=3)
    x = torch.zeros(4, 2).t()
    if rank == 0:
        dist.send(torch.arange(8.0).reshape(2, 4).t().contiguous().t(), n - 1, tag=1)
        dist.send_object_list([{"a": torch.ones(2)}, "b", 3], n - 1)
    elif rank == n - 1:
        work = dist.irecv(x, 0, tag=1)
        while not work.is_completed():
            time.sleep(0.001)
        assert x.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
        objects = [None] * 3
        assert dist.recv_object_list(objects, 0) == 0 and objects[0]["a"].tolist() == [1, 1] and objects[1:] == ["b", 3]
    for wrong in (rank, n, -1):
        try:
            dist.send(x, wrong)
            raise AssertionError(wrong)
        except ValueError:
            pass


class Odd:
    """Nothing that may be sent."""


def case_objects(rank, n):
    mine = {"rank": rank, "list": [1, 2.5, "x", None, True, (3,)], "tensor": torch.arange(rank + 2), "long": 1 << 100}
    found = [None] * n
    dist.all_gather_object(found, mine)
    for r, one in enumerate(found):
        assert one["rank"] == r and one["list"] == mine["list"] and one["tensor"].tolist() == list(range(r + 2)) and one["long"] == 1 << 100
    found = [None] * n if rank == n - 1 else None
    dist.gather_object(("r", rank), found, n - 1)
    assert rank != n - 1 or found == [("r", r) for r in range(n)]
    objects = ["a", [1], {"b": torch.ones(3)}] if rank == 0 else [None] * 3
    dist.broadcast_object_list(objects, 0)
    assert objects[:2] == ["a", [1]] and objects[2]["b"].tolist() == [1, 1, 1]
    out = [None]
    dist.scatter_object_list(out, [{"for": r} for r in range(n)] if rank == 0 else None, 0)
    assert out == [{"for": rank}]
    try:
        dist.all_gather_object([None] * n, Odd())
        raise AssertionError("an object of any class was sent")
    except TypeError as error:
        assert "PYXTORCH_DIST_PICKLE" in str(error)


def case_groups(rank, n):
    evens = dist.new_group(range(0, n, 2))
    if rank % 2 == 0:
        x = torch.tensor([rank + 1.0])
        dist.all_reduce(x, group=evens)
        assert x.item() == sum(r + 1 for r in range(0, n, 2)) and dist.get_world_size(evens) == len(range(0, n, 2))
        assert dist.get_group_rank(evens, rank) == rank // 2 and dist.get_global_rank(evens, rank // 2) == rank
        if dist.get_world_size(evens) > 1:
            dist.broadcast(x, rank - rank % 4 if n > 4 else 0, group=evens)
    else:
        assert evens == dist.GroupMember.NON_GROUP_MEMBER and dist.get_rank(evens) == -1
    mine, groups = dist.new_subgroups(2)
    assert len(groups) == n // 2 and dist.get_process_group_ranks(mine) == [rank // 2 * 2, rank // 2 * 2 + 1]
    x = torch.tensor([float(rank)])
    dist.all_reduce(x, group=mine)
    assert x.item() == rank // 2 * 4 + 1
    turned = dist.new_group(list(reversed(range(n))), sort_ranks=False)
    assert dist.get_rank(turned) == n - 1 - rank
    outs = [torch.zeros(1) for _ in range(n)]
    dist.all_gather(outs, torch.tensor([float(rank)]), group=turned)
    assert [int(o) for o in outs] == list(reversed(range(n)))
    part = dist.split_group(split_ranks=[[0], list(range(1, n))])
    assert dist.get_world_size(part) == (1 if rank == 0 else n - 1)
    dist.destroy_process_group(turned)
    try:
        dist.barrier(turned)
        raise AssertionError("a group that was destroyed")
    except ValueError:
        pass
    mesh = dist.init_device_mesh("cpu", (n // 2, 2), mesh_dim_names=("dp", "tp"))
    x = torch.tensor([float(rank)])
    dist.all_reduce(x, group=mesh.get_group("tp"))
    assert x.item() == rank // 2 * 4 + 1 and mesh["tp"].mesh.tolist() == [rank // 2 * 2, rank // 2 * 2 + 1]
    x = torch.tensor([float(rank)])
    dist.all_reduce(x, group=mesh["dp"].get_group())
    assert x.item() == sum(range(rank % 2, n, 2)) and mesh.get_local_rank("dp") == rank // 2 and mesh.get_coordinate() == [rank // 2, rank % 2]


def case_works_and_order(rank, n):
    """Many calls of the thread, of two groups and sizes, waited for in another order; calls that wait between them."""
    other = dist.new_group()
    works, xs = [], [torch.full((size,), float(rank + i)) for i, size in enumerate((1, 100_000, 7, 3000, 1_000_000, 2))]
    for i, x in enumerate(xs):
        works.append(dist.all_reduce(x, group=other if i % 2 else None, async_op=True))
    y = torch.ones(3)
    dist.all_reduce(y)
    for i in (3, 0, 5, 1, 2, 4):
        future = works[i].get_future().then(lambda f: f.value()[0] * 2)
        assert future.wait()[0].item() == 2 * sum(r + i for r in range(n)) and works[i].is_completed() and works[i].is_success()
    assert y.tolist() == [n] * 3


def case_random_programs(rank, n):
    """The same random calls on all ranks, each with pauses of its own; results against what one process computes."""
    for seed in range(30):
        rng, own = random.Random(seed), random.Random(seed * 100 + rank)
        states = [sample(r, (50,), torch.float32, 2 * seed) for r in range(n)]
        x = states[rank].clone()
        for _ in range(5):
            if own.random() < 0.2:
                time.sleep(own.random() * 0.002)
            what, root = rng.choice(("sum", "max", "broadcast", "gather", "shift")), rng.randrange(n)
            if what in ("sum", "max"):
                work = dist.all_reduce(x, Op.SUM if what == "sum" else Op.MAX, async_op=rng.random() < 0.5)
                states = [expected(states, Op.SUM if what == "sum" else Op.MAX)] * n
                if work:
                    work.wait()
            elif what == "broadcast":
                dist.broadcast(x, root)
                states = [states[root]] * n
            elif what == "gather":
                outs = [torch.zeros(50) for _ in range(n)]
                dist.all_gather(outs, x)
                x = torch.stack(outs).mean(0)
                states = [torch.stack(states).mean(0)] * n
            else:
                y = torch.zeros(50)
                for work in dist.batch_isend_irecv([dist.P2POp(dist.isend, x, (rank + 1) % n), dist.P2POp(dist.irecv, y, (rank - 1) % n)]):
                    work.wait()
                x, states = y, [states[(r - 1) % n] for r in range(n)]
        same(x, states[rank])


def case_refused(rank, n):
    x = torch.ones(3)
    for call in (
        lambda: dist.all_reduce(torch.ones(3, device="meta")), lambda: dist.all_reduce(x.to_sparse()), lambda: dist.broadcast(x, n), lambda: dist.gather(x, [x] * n if rank else None, 0),
        lambda: dist.all_gather([x], x), lambda: dist.all_reduce(x, Op.BAND), lambda: dist.reduce_scatter_tensor(x, x), lambda: dist.new_group([0, n]),
        lambda: dist.new_group([0, 0]), lambda: dist.init_process_group("gloo"), lambda: dist.all_reduce(torch.ones(3, dtype=torch.float8_e5m2)),
        lambda: dist.all_reduce(torch.ones(3, dtype=torch.complex64), Op.MAX),
    ):
        try:
            call()
        except (RuntimeError, ValueError):
            continue
        raise AssertionError(call)


def case_detail(rank, n):
    dist.set_debug_level(dist.DebugLevel.DETAIL)
    x = torch.ones(4)
    dist.all_reduce(x)
    dist.barrier()
    dist.monitored_barrier()
    dist.set_debug_level(dist.DebugLevel.OFF)
    assert x.tolist() == [n] * 4
