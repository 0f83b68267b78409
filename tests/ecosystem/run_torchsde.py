"""torchsde: stochastic equations: the mean and variance of an Ornstein-Uhlenbeck process, gradients plain and adjoint, methods of both calculi."""
import math

import torch
import torchsde
from agree import agree, fill


class OU(torch.nn.Module):
    noise_type, sde_type = "diagonal", "ito"

    def __init__(self):
        super().__init__()
        self.rate, self.noise = torch.nn.Parameter(torch.tensor(1.5)), torch.nn.Parameter(torch.tensor(0.6))

    def f(self, t, y):
        return -self.rate * y

    def g(self, t, y):
        return self.noise * torch.ones_like(y)


torch.manual_seed(0)
system, start, times = OU(), torch.full((3000, 1), 2.0), torch.linspace(0, 1, 3)
with torch.no_grad():
    for method in ("euler", "milstein", "srk"):
        y = torchsde.sdeint(system, start, times, method=method, dt=0.02)
        assert abs(y[-1].mean().item() - 2 * math.exp(-1.5)) < 0.04 and abs(y[-1].var().item() - 0.12 * (1 - math.exp(-3))) < 0.02, method
still = OU()
still.noise.data.zero_()                                  # no noise: the equation's own solution
agree("without noise", torchsde.sdeint(still, start[:2], times, dt=0.01)[:, :, 0])
gradients = []
for solve in (torchsde.sdeint, torchsde.sdeint_adjoint):
    still.zero_grad()
    solve(still, start[:2], times, dt=0.005)[-1].sum().backward()
    gradients.append(still.rate.grad.item())
assert abs(gradients[0] - gradients[1]) < 0.05 and abs(gradients[0] + 4 * math.exp(-1.5)) < 0.05, gradients


class Net(torch.nn.Module):
    noise_type, sde_type = "general", "stratonovich"

    def __init__(self):
        super().__init__()
        self.drift, self.diffusion = fill(torch.nn.Linear(2, 2)), fill(torch.nn.Linear(2, 6))

    def f(self, t, y):
        return self.drift(y)

    def g(self, t, y):
        return 0.1 * self.diffusion(y).tanh().view(-1, 2, 3)


net = Net()
motion = torchsde.BrownianInterval(0.0, 1.0, size=(4, 3), entropy=7)
a, b = (torchsde.sdeint(net, torch.ones(4, 2), times, bm=motion, method="midpoint", dt=0.1) for _ in range(2))
assert torch.equal(a, b)                                  # one path of the noise, one solution
a[-1].pow(2).sum().backward()
assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
