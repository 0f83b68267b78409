"""torchdiffeq: solvers of fixed and adaptive steps against the exact solution, gradients plain and adjoint, events."""

import math

import torch
from agree import agree, fill
from torchdiffeq import odeint, odeint_adjoint, odeint_event

torch.set_default_dtype(torch.float64)


class Decay(torch.nn.Module):
    """A damped oscillator, y'' = -k y - c y', as a system of two."""

    def __init__(self):
        super().__init__()
        self.k = torch.nn.Parameter(torch.tensor(4.0))
        self.c = torch.nn.Parameter(torch.tensor(0.2))

    def forward(self, t, y):
        return torch.stack([y[..., 1], -self.k * y[..., 0] - self.c * y[..., 1]], -1)


def exact(t):
    w = math.sqrt(4.0 - 0.01)
    return torch.exp(-0.1 * t) * (torch.cos(w * t) + 0.1 / w * torch.sin(w * t))


times, start = torch.linspace(0, 3, 7), torch.tensor([1.0, 0.0])
system = Decay()
tolerances = {"dopri8": 1e-4, "dopri5": 1e-5, "bosh3": 1e-4, "fehlberg2": 2e-3, "adaptive_heun": 1e-4,
              "rk4": 1e-3, "midpoint": 2e-2, "heun2": 2e-2, "heun3": 1e-3, "implicit_adams": 1e-3, "euler": 0.5,
              "scipy_solver": 1e-5}
for method, bound in tolerances.items():
    fixed = method in ("rk4", "midpoint", "heun2", "heun3", "implicit_adams", "euler")
    options = {"step_size": 0.05} if fixed else {"solver": "LSODA"} if method == "scipy_solver" else {}
    with torch.no_grad():
        y = odeint(system, start, times, method=method, options=options, rtol=1e-7, atol=1e-8)
    error = (y[:, 0] - exact(times)).abs().max().item()
    agree(method, y[:, 0], rtol=1e-6, atol=1e-7)
    assert error < bound, (method, error)

gradients = []
for solve in (odeint, odeint_adjoint):
    system.zero_grad()
    y0 = start.clone().requires_grad_()
    solve(system, y0, times, rtol=1e-9, atol=1e-10)[-1, 0].backward()
    gradients.append(torch.stack([system.k.grad, system.c.grad, *y0.grad]))
assert torch.allclose(*gradients, atol=1e-6), gradients
agree("gradients", gradients[0], rtol=1e-6)
w = math.sqrt(3.99)                                     # dy/dy0 is the solution itself
assert abs(gradients[0][2].item() - exact(times[-1]).item()) < 1e-6
assert abs(gradients[0][3].item() - math.exp(-0.3) * math.sin(w * 3) / w) < 1e-6

when, _ = odeint_event(system, start, torch.tensor(0.0), event_fn=lambda t, y: y[0], atol=1e-9, rtol=1e-9)
assert abs(exact(when).item()) < 1e-6

torch.set_default_dtype(torch.float32)                  # a network learns the spiral of the package's own example
matrix = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
t = torch.linspace(0, 2, 20)
with torch.no_grad():
    target = odeint(lambda _, y: y**3 @ matrix, torch.tensor([[2.0, 0.0]]), t)


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(2, 20), torch.nn.Tanh(), torch.nn.Linear(20, 2))

    def forward(self, t, y):
        return self.net(y**3)


for solve in (odeint, odeint_adjoint):
    network = fill(Network())
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        loss = (solve(network, torch.tensor([[2.0, 0.0]]), t, rtol=1e-4, atol=1e-5) - target).abs().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert min(losses[-3:]) < losses[0], losses
    agree(f"losses with {solve.__name__}", losses, rtol=2e-3)
