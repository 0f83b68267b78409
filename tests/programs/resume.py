"""A run that is broken off and goes on from its checkpoint ends with the same bits as one that is not: model, optimiser, schedule, generators, averages."""
import os
import random
import tempfile

import numpy as np
import torch
import torch.nn as nn
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


class State:
    def __init__(self):
        torch.manual_seed(3)
        random.seed(3)
        np.random.seed(3)
        self.model = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
        decay = [p for p in self.model.parameters() if p.dim() > 1]
        rest = [p for p in self.model.parameters() if p.dim() <= 1]
        self.optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}], lr=0.01, amsgrad=True)
        self.schedule = CosineAnnealingLR(self.optimizer, T_max=20)
        self.epoch = 0

    def train(self, until):
        self.model.train()
        while self.epoch < until:
            x = torch.randn(32, 4) + random.random()
            y = x.sum(1, keepdim=True) + torch.from_numpy(np.random.randn(32, 1) * 0.1).float()
            self.optimizer.zero_grad()
            loss = nn.functional.smooth_l1_loss(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            self.average.update_parameters(self.model)
            self.epoch += 1
        return loss.item()

    def save(self, path):
        parts = {name: getattr(self, name).state_dict() for name in ("model", "average", "optimizer", "schedule")}
        torch.save({**parts, "epoch": self.epoch, "torch": torch.get_rng_state(), "python": random.getstate(), "numpy": np.random.get_state()}, path)

    def load(self, path):
        parts = torch.load(path, weights_only=False)
        for name in ("model", "average", "optimizer", "schedule"):
            getattr(self, name).load_state_dict(parts[name])
        self.epoch = parts["epoch"]
        torch.set_rng_state(parts["torch"])
        random.setstate(parts["python"])
        np.random.set_state(parts["numpy"])


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "checkpoint.pt")
    whole = State()
    whole.train(8)
    whole.save(path)
    end = whole.train(20)
    again = State()
    again.train(2)
    again.load(path)
    assert again.train(20) == end
    for a, b in zip(whole.average.state_dict().values(), again.average.state_dict().values()):
        assert torch.equal(a, b)
    weights = torch.load(path, weights_only=False)["model"]
    torch.save(weights, path)
    assert all(torch.equal(v, weights[k]) for k, v in torch.load(path).items())  # weights alone need no trust
