"""Hogwild: processes train one model in shared memory, without a lock."""
import torch
import torch.multiprocessing as mp
import torch.nn as nn


def data(seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(256, 4, generator=generator)
    return x, x @ torch.tensor([[1.0], [-2.0], [0.5], [3.0]])


def train(rank, model):
    torch.manual_seed(rank)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    x, y = data(rank)
    for i in range(200):
        rows = torch.randint(256, (16,))
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        optimizer.step()


if __name__ == "__main__":
    mp.set_start_method("spawn", force=True)
    model = nn.Linear(4, 1)
    model.share_memory()
    x, y = data(9)
    before = nn.functional.mse_loss(model(x), y).item()
    processes = [mp.Process(target=train, args=(rank, model)) for rank in range(2)]
    for p in processes:
        p.start()
    for p in processes:
        p.join()
    assert [p.exitcode for p in processes] == [0, 0]
    after = nn.functional.mse_loss(model(x), y).item()
    assert after < 1e-3 < before, (before, after)
    assert model.weight.is_shared()
