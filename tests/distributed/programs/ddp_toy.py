"""A toy model trained by DistributedDataParallel, with a checkpoint that rank 0 writes and all read: as programs for torchrun are written."""
import os
import sys

import torch
import torch.distributed as dist
import torch.nn as nn
import torch.optim as optim
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler


class ToyModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.net1 = nn.Linear(10, 10)
        self.relu = nn.ReLU()
        self.net2 = nn.Linear(10, 5)

    def forward(self, x):
        return self.net2(self.relu(self.net1(x)))


def main(folder):
    dist.init_process_group(backend="gloo")
    rank, local_rank, world_size = dist.get_rank(), int(os.environ["LOCAL_RANK"]), int(os.environ["WORLD_SIZE"])
    assert local_rank == rank and dist.get_world_size() == world_size and dist.get_backend() == "gloo"
    torch.manual_seed(0)
    data = TensorDataset(torch.randn(64, 10), torch.randn(64, 5))
    sampler = DistributedSampler(data, num_replicas=world_size, rank=rank, shuffle=True)
    loader = DataLoader(data, batch_size=8, sampler=sampler, num_workers=0)
    model = DDP(ToyModel())
    criterion, optimizer = nn.MSELoss(), optim.SGD(model.parameters(), lr=0.05)
    losses = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    path = os.path.join(folder, "toy.pt")
    if rank == 0:
        torch.save(model.state_dict(), path)
    dist.barrier()
    other = DDP(ToyModel())
    other.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    for p, q in zip(model.parameters(), other.parameters()):
        assert torch.equal(p, q)
    mean = torch.tensor(losses[-4:]).mean()
    dist.all_reduce(mean, op=dist.ReduceOp.AVG)
    if rank == 0:
        print(f"trained: {losses[0]:.2f} to {mean.item():.2f}", flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1])
