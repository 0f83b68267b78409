"""Collectives and training steps of several processes, against PyTorch's Gloo and its DistributedDataParallel in the same processes.

    python -m pyxtorch.distributed.run --nproc-per-node 2 benchmarks/distributed.py

Rounds alternate, and the least time of each is told: MPI waits by spinning, and times rise where others want its cores.
"""
import os
import time

import torch
import torch.distributed as gloo

import pyxtorch
from pyxtorch import distributed as dist

SIZES = (4, 1 << 16, 4 << 20, 64 << 20)


def least(runs, rounds=5):
    """The least time of each of several functions, a call: [(function, calls in a round)]."""
    times = [float("inf")] * len(runs)
    for _ in range(rounds):
        for i, (f, count) in enumerate(runs):
            f()
            dist.barrier()
            start = time.perf_counter()
            for _ in range(count):
                f()
            times[i] = min(times[i], (time.perf_counter() - start) / count)
    return times


def step_of(T, net, width, rows):
    """A training step of a module wrapped by T's own class."""
    net = T.nn.parallel.DistributedDataParallel(net)
    optimizer = T.optim.SGD(net.parameters(), lr=0.01)
    x, y = T.randn(rows, width), T.randint(0, 10, (rows,))

    def step():
        optimizer.zero_grad()
        T.nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()

    return step


def mlp(T, *widths):
    layers = []
    for a, b in zip(widths, widths[1:]):
        layers += [T.nn.Linear(a, b), T.nn.ReLU()]
    return T.nn.Sequential(*layers[:-1])


def main():
    torch.set_num_threads(1)
    pyxtorch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    port = [29500 + os.getpid() % 5000]
    dist.broadcast_object_list(port, 0)
    gloo.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port[0]}", rank=rank, world_size=size)

    def show(*row):
        if rank == 0:
            print(*row, flush=True)

    for n in SIZES:
        a, b = pyxtorch.ones(n // 4), torch.ones(n // 4)
        count = max(1, min(50, (1 << 20) // n))
        ours, theirs = least([(lambda a=a: dist.all_reduce(a), count), (lambda b=b: gloo.all_reduce(b), count)], 60 if n < 1 << 24 else 5)
        show(f"| all_reduce, {n} bytes | {ours * 1e6:.1f} us | {theirs * 1e6:.1f} us | {theirs / ours:.1f} |")
    for name, widths, rows in (("64-64-10", (64, 64, 10), 32), ("784-512-512-10", (784, 512, 512, 10), 64), ("6 x 1280", (1280,) * 6 + (10,), 32)):
        steps = [step_of(T, mlp(T, *widths), widths[0], rows) for T in (pyxtorch, torch)]
        ours, theirs = least([(step, 10) for step in steps], 4)
        show(f"| DistributedDataParallel, MLP {name} | {ours * 1e3:.2f} ms | {theirs * 1e3:.2f} ms | {theirs / ours:.2f} |")
    dist.destroy_process_group()
    gloo.destroy_process_group()


if __name__ == "__main__":
    main()
