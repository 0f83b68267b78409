"""A residual network today: a Dataset with transforms, workers, AdamW, a schedule, label smoothing, channels_last, compile."""
import numpy as np
from same import fill, say

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.utils.data import DataLoader, Dataset


class Bars(Dataset):
    def __init__(self, n, seed):
        rng = np.random.RandomState(seed)
        self.labels = rng.randint(0, 4, n)
        self.pictures = (rng.randn(n, 1, 12, 12) * 0.3).astype(np.float32)
        for i, k in enumerate(self.labels):
            self.pictures[i, 0, :, 3 * k : 3 * k + 2] += 1.5

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return torch.from_numpy(self.pictures[i]), self.labels[i]


class Block(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(cin, cout, 3, stride, 1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True), nn.Conv2d(cout, cout, 3, 1, 1, bias=False), nn.BatchNorm2d(cout)
        )
        self.skip = nn.Conv2d(cin, cout, 1, stride, bias=False) if stride > 1 or cin != cout else nn.Identity()

    def forward(self, x):
        return (self.body(x) + self.skip(x)).relu_()


def main():
    torch.manual_seed(0)
    network = nn.Sequential(Block(1, 8, 1), Block(8, 16, 2), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 4))
    model = torch.compile(fill(network).to(memory_format=torch.channels_last))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    loader = DataLoader(Bars(96, 1), batch_size=24, num_workers=2, drop_last=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=10 * len(loader))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    for _epoch in range(10):
        for x, y in loader:
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(model(x.to(memory_format=torch.channels_last)), y)
            loss.backward()
            optimizer.step()
            schedule.step()
    say("loss", loss)
    say("rate", schedule.get_last_lr()[0])
    model.eval()
    with torch.inference_mode():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in DataLoader(Bars(48, 2), batch_size=48))
    assert right > 40, right


if __name__ == "__main__":
    main()
