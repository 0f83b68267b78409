"""A normalising flow: affine coupling layers with a change of variables, trained by likelihood, inverted exactly."""
import numpy as np
from same import fill, say

import pyxtorch as torch
from pyxtorch import distributions as D
from pyxtorch import nn

rng = np.random.RandomState(0)
angle = rng.uniform(0, np.pi, 256)
moon = np.stack([np.cos(angle), np.sin(angle)], 1) + rng.randn(256, 2) * 0.05
data = torch.from_numpy(moon).float()


class Coupling(nn.Module):
    def __init__(self, flip):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 2))

    def forward(self, x):
        a, b = x.flip(1).chunk(2, 1) if self.flip else x.chunk(2, 1)
        scale, shift = self.net(a).chunk(2, 1)
        scale = 2 * torch.tanh(scale)
        y = torch.cat([a, b * scale.exp() + shift], 1)
        return (y.flip(1) if self.flip else y), scale.sum(1)

    def inverse(self, y):
        a, b = y.flip(1).chunk(2, 1) if self.flip else y.chunk(2, 1)
        scale, shift = self.net(a).chunk(2, 1)
        x = torch.cat([a, (b - shift) * (-2 * torch.tanh(scale)).exp()], 1)
        return x.flip(1) if self.flip else x


layers = fill(nn.ModuleList(Coupling(i % 2 == 1) for i in range(6)))
base = D.Independent(D.Normal(torch.zeros(2), torch.ones(2)), 1)


def log_prob(x):
    total = torch.zeros(len(x))
    for layer in layers:
        x, logdet = layer(x)
        total = total + logdet
    return base.log_prob(x) + total


optimizer = torch.optim.Adam(layers.parameters(), lr=5e-3)
for step in range(200):
    loss = -log_prob(data).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step in (0, 15):
        say(f"nll{step}", loss)
assert loss.item() < 1.2, loss.item()
with torch.no_grad():
    z = data
    for layer in layers:
        z, _ = layer(z)
    for layer in reversed(layers):
        z = layer.inverse(z)
    assert torch.allclose(z, data, atol=1e-4)
    jacobian = torch.func.vmap(torch.func.jacrev(lambda x: layers[0](x[None])[0][0]))(data[:4])
    assert torch.allclose(torch.linalg.slogdet(jacobian)[1], layers[0](data[:4])[1], atol=1e-5)
