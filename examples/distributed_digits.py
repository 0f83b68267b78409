"""Trains on handwritten digits in several processes: the same bits for any number of them.

    python -m pyxtorch.distributed.run --nproc-per-node 4 examples/distributed_digits.py
"""
import hashlib
import os

from sklearn.datasets import load_digits

import pyxtorch as torch
from pyxtorch import distributed as dist
from pyxtorch import nn

EPOCHS, BATCH = 15, 64


def main():
    if "RANK" in os.environ or "PMI_RANK" in os.environ:
        dist.init_process_group("gloo")
    else:
        dist.init_process_group("gloo", rank=0, world_size=1)
    rank, size = dist.get_rank(), dist.get_world_size()
    digits = load_digits()
    x, y = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    net = nn.parallel.DistributedDataParallel(net, shards=8)
    optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
    for epoch in range(EPOCHS):
        order = torch.randperm(1500, generator=torch.Generator().manual_seed(epoch))
        total = torch.zeros(())
        for batch in order[: 1500 // BATCH * BATCH].split(BATCH):
            mine = batch[rank * BATCH // size : (rank + 1) * BATCH // size]
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x[mine]), y[mine])
            loss.backward()
            optimizer.step()
            total += loss.detach()
        dist.all_reduce(total, dist.ReduceOp.AVG)
        if rank == 0:
            print(f"epoch {epoch}: loss {total / (1500 // BATCH):.4f}", flush=True)
    if rank == 0:
        with torch.no_grad():
            right = (net.module(x[1500:]).argmax(1) == y[1500:]).float().mean().item()
        state = b"".join(p.detach().numpy().tobytes() for p in net.parameters())
        print(f"{size} processes: {right:.1%} right; parameters {hashlib.sha256(state).hexdigest()[:16]}", flush=True)
        assert right > 0.9
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
