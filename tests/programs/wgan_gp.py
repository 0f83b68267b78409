"""A Wasserstein critic with the penalty on its gradient's norm: gradients of gradients."""
import numpy as np
import torch
from same import fill, say
from torch import autograd, nn

rng = np.random.RandomState(0)
critic = fill(nn.Sequential(nn.Linear(2, 32), nn.Softplus(), nn.Linear(32, 32), nn.Softplus(), nn.Linear(32, 1)))
optimizer = torch.optim.RMSprop(critic.parameters(), lr=2e-3)


def calc_gradient_penalty(real, fake):
    alpha = torch.from_numpy(rng.random_sample((len(real), 1))).float().expand_as(real)
    between = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    scores = critic(between)
    (gradients,) = autograd.grad(outputs=scores, inputs=between, grad_outputs=torch.ones_like(scores), create_graph=True, retain_graph=True, only_inputs=True)
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean() * 10, gradients


for step in range(150):
    real = torch.from_numpy(rng.randn(64, 2) * 0.1 + 1).float()
    fake = torch.from_numpy(rng.randn(64, 2) * 0.1 - 1).float()
    penalty, gradients = calc_gradient_penalty(real, fake)
    loss = critic(fake).mean() - critic(real).mean() + penalty
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step in (0, 20):
        say(f"loss{step}", loss)
distance = critic(real).mean() - critic(fake).mean()
assert abs(distance.item() - 2 * 2**0.5) < 0.6, distance  # the clouds are that far apart
assert abs(gradients.norm(2, dim=1).mean().item() - 1) < 0.3
