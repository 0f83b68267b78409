"""Pictures at twice the size by sub-pixel convolution: orthogonal initialisation, PixelShuffle, PSNR; the whole model saved and read."""
import os
import tempfile
from math import log10

import numpy as np
import torch
import torch.nn as nn
import torch.nn.init as init
import torch.optim as optim
from same import fill, say
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self, upscale_factor):
        super().__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(1, 16, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(16, 8, (3, 3), (1, 1), (1, 1))
        self.conv3 = nn.Conv2d(8, upscale_factor ** 2, (3, 3), (1, 1), (1, 1))
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
        self._initialize_weights()

    def forward(self, x):
        return self.pixel_shuffle(self.conv3(self.relu(self.conv2(self.relu(self.conv1(x))))))

    def _initialize_weights(self):
        init.orthogonal_(self.conv1.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv2.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv3.weight)


def main():
    rng = np.random.RandomState(0)
    grid = np.linspace(0, 3, 16)
    pictures = np.stack([np.sin(a * grid[:, None] + b) * np.cos(c * grid[None] + d) for a, b, c, d in rng.uniform(0.5, 3, (24, 4))])[:, None] / 2 + 0.5
    large = torch.from_numpy(pictures).float()
    small = nn.functional.avg_pool2d(large, 2)
    loader = DataLoader(TensorDataset(small, large), batch_size=8)
    model = Net(2)
    w = model.conv1.weight.data.view(16, -1)
    assert torch.allclose(w @ w.t(), 2 * torch.eye(16), atol=1e-4)          # gain of relu: sqrt(2)
    fill(model)
    criterion, optimizer = nn.MSELoss(), optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(1, 31):
        epoch_loss = 0.0
        for input, target in loader:
            optimizer.zero_grad()
            loss = criterion(model(input), target)
            epoch_loss += loss.item()
            loss.backward()
            optimizer.step()
        if epoch == 3:
            say("loss", epoch_loss / len(loader))
    with torch.no_grad():
        psnr = 10 * log10(1 / criterion(model(small), large).item())
    assert psnr > 20, psnr
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model_epoch.pth")
        torch.save(model, path)
        again = torch.load(path, weights_only=False)
    assert torch.equal(again(small), model(small))


if __name__ == "__main__":
    main()
