"""A variational autoencoder with the reparameterised sample, its loss summed as in the first paper."""
import numpy as np
from same import fill, say

import pyxtorch as torch
import pyxtorch.nn.functional as F
from pyxtorch import nn, optim

rng = np.random.RandomState(0)
grid = np.linspace(-1, 1, 16)
data = torch.from_numpy(np.stack([1 / (1 + np.exp(-8 * np.sin(2 * grid + p))) for p in rng.uniform(0, 6, 64)])).float()


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(16, 24), nn.Linear(24, 2), nn.Linear(24, 2)
        self.fc3, self.fc4 = nn.Linear(2, 24), nn.Linear(24, 16)

    def encode(self, x):
        h = F.relu(self.fc1(x))
        return self.fc21(h), self.fc22(h)

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 16))
        eps = torch.from_numpy(rng.standard_normal(mu.shape)).to(mu)
        return self.decode(mu + eps * torch.exp(0.5 * logvar)), mu, logvar


def loss_function(recon, x, mu, logvar):
    bce = F.binary_cross_entropy(recon, x, reduction="sum")
    return bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


model = fill(VAE())
optimizer = optim.Adam(model.parameters(), lr=5e-3)
first = None
for step in range(150):
    optimizer.zero_grad()
    loss = loss_function(*(lambda r: (r[0], data, *r[1:]))(model(data)))
    loss.backward()
    optimizer.step()
    first = first or loss.item()
    if step == 20:
        say("loss", loss)
assert loss.item() < 0.8 * first, (first, loss.item())
with torch.no_grad():
    assert model.decode(torch.randn(5, 2)).shape == (5, 16)
