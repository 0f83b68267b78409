"""gpytorch: exact and variational Gaussian processes; kernels, likelihoods and predictions against the closed form in NumPy."""

import math

import gpytorch
import numpy as np
import torch
from agree import agree, fill, numbers
from gpytorch.distributions import MultitaskMultivariateNormal, MultivariateNormal

train_x = torch.linspace(0, 1, 50)
train_y = torch.sin(2 * math.pi * train_x) + 0.1 * numbers(50)
test_x = torch.linspace(0, 1, 21)


class Exact(gpytorch.models.ExactGP):
    def __init__(self, x, y, likelihood, kernel):
        super().__init__(x, y, likelihood)
        self.mean_module = gpytorch.means.ConstantMean()
        self.covar_module = gpytorch.kernels.ScaleKernel(kernel)

    def forward(self, x):
        return MultivariateNormal(self.mean_module(x), self.covar_module(x))


def fit(model, likelihood, objective, x, y, steps=40):
    model.train(), likelihood.train()
    both = torch.nn.ModuleList([model, likelihood])
    optimizer = torch.optim.Adam(both.parameters(), lr=0.1)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = -objective(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval(), likelihood.eval()
    return losses


likelihood = gpytorch.likelihoods.GaussianLikelihood()
model = Exact(train_x, train_y, likelihood, gpytorch.kernels.RBFKernel())
losses = fit(model, likelihood, gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model), train_x, train_y)
assert losses[-1] < losses[0] - 0.5, losses
with torch.no_grad(), gpytorch.settings.fast_pred_var():
    prediction = likelihood(model(test_x))
agree("losses", losses)
agree("mean", prediction.mean, rtol=2e-3, atol=1e-3)
lower, upper = prediction.confidence_region()
assert (prediction.mean - torch.sin(2 * math.pi * test_x)).abs().max() < 0.25
assert ((lower < prediction.mean) & (prediction.mean < upper)).all()

# the same by hand
scale, length = model.covar_module.outputscale.item(), model.covar_module.base_kernel.lengthscale.item()
noise, constant = likelihood.noise.item(), model.mean_module.constant.item()


def kernel(a, b):
    return scale * np.exp(-((a[:, None] - b[None]) ** 2) / (2 * length**2))


a, b, y = train_x.double().numpy(), test_x.double().numpy(), train_y.double().numpy()
inverse = np.linalg.inv(kernel(a, a) + noise * np.eye(50))
mean = constant + kernel(b, a) @ inverse @ (y - constant)
variance = (kernel(b, b) - kernel(b, a) @ inverse @ kernel(a, b)).diagonal() + noise
assert np.allclose(prediction.mean, mean, atol=2e-3), np.abs(prediction.mean.numpy() - mean).max()
assert np.allclose(prediction.variance, variance, atol=2e-3)
residual = y - constant
by_hand = 0.5 * (residual @ inverse @ residual - np.linalg.slogdet(inverse)[1] + 50 * math.log(2 * math.pi)) / 50
model.train(), likelihood.train()
value = -gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model)(model(train_x), train_y).item()
assert abs(value - by_hand) < 1e-3, (value, by_hand)
model.eval()

state = model.state_dict()
again = Exact(train_x, train_y, gpytorch.likelihoods.GaussianLikelihood(), gpytorch.kernels.RBFKernel())
again.load_state_dict(state)
again.eval()
assert torch.allclose(again(test_x).mean, model(test_x).mean, atol=1e-4)

kernels = gpytorch.kernels
for i, k in enumerate((kernels.MaternKernel(2.5), kernels.MaternKernel(0.5), kernels.RQKernel(), kernels.PeriodicKernel(), kernels.LinearKernel(),
          kernels.CosineKernel(), kernels.PolynomialKernel(2), kernels.RBFKernel() + kernels.LinearKernel(),
          kernels.RBFKernel() * kernels.PeriodicKernel(), kernels.SpectralMixtureKernel(num_mixtures=3))):
    likelihood = gpytorch.likelihoods.GaussianLikelihood()
    model = Exact(train_x, train_y, likelihood, k)
    losses = fit(model, likelihood, gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model), train_x, train_y, 5)
    assert losses[-1] < losses[0], (k, losses)
    agree(f"losses, kernel {i}, {type(k).__name__}", losses, rtol=1e-3)
    with torch.no_grad():
        assert model(test_x).mean.isfinite().all()

# conjugate gradients, Lanczos and preconditioning instead of Cholesky
with gpytorch.settings.max_cholesky_size(1), gpytorch.settings.cg_tolerance(1e-4), gpytorch.settings.max_preconditioner_size(15):
    likelihood = gpytorch.likelihoods.GaussianLikelihood()
    model = Exact(train_x, train_y, likelihood, kernels.RBFKernel())
    model.covar_module.base_kernel.lengthscale, likelihood.noise = 0.3, 0.05
    torch.manual_seed(0)
    losses = fit(model, likelihood, gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model), train_x, train_y, 10)
    assert losses[-1] < losses[0], losses
    with torch.no_grad():
        iterated = model(test_x).mean
with torch.no_grad():
    model.train(), model.eval()
    assert torch.allclose(model(test_x).mean, iterated, atol=5e-3)


class Multitask(gpytorch.models.ExactGP):
    def __init__(self, x, y, likelihood):
        super().__init__(x, y, likelihood)
        self.mean_module = gpytorch.means.MultitaskMean(gpytorch.means.ConstantMean(), num_tasks=2)
        self.covar_module = kernels.MultitaskKernel(kernels.RBFKernel(), num_tasks=2, rank=1)

    def forward(self, x):
        return MultitaskMultivariateNormal(self.mean_module(x), self.covar_module(x))


both = torch.stack([train_y, torch.cos(2 * math.pi * train_x)], -1)
likelihood = gpytorch.likelihoods.MultitaskGaussianLikelihood(num_tasks=2)
model = Multitask(train_x, both, likelihood)
fill(model.covar_module.task_covar_module)              # otherwise random
losses = fit(model, likelihood, gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model), train_x, both, 40)
assert losses[-1] < losses[0]
agree("losses of two tasks", losses[::5], rtol=2e-3)
with torch.no_grad():
    found = likelihood(model(test_x)).mean
assert (found - torch.stack([torch.sin(2 * math.pi * test_x), torch.cos(2 * math.pi * test_x)], -1)).abs().mean() < 0.15


class Variational(gpytorch.models.ApproximateGP):
    def __init__(self, points):
        distribution = gpytorch.variational.CholeskyVariationalDistribution(len(points))
        super().__init__(gpytorch.variational.VariationalStrategy(self, points, distribution))
        self.mean_module = gpytorch.means.ConstantMean()
        self.covar_module = kernels.ScaleKernel(kernels.RBFKernel())

    def forward(self, x):
        return MultivariateNormal(self.mean_module(x), self.covar_module(x))


labels = (train_y > 0).float()
for likelihood, y in ((gpytorch.likelihoods.BernoulliLikelihood(), labels), (gpytorch.likelihoods.GaussianLikelihood(), train_y)):
    model = Variational(train_x[::4].clone())
    model.covar_module.base_kernel.lengthscale = 0.2
    losses = fit(model, likelihood, gpytorch.mlls.VariationalELBO(likelihood, model, 50), train_x, y, 100)
    assert losses[-1] < losses[0], losses
    with torch.no_grad():
        answer = likelihood(model(train_x)).mean
    assert ((answer > 0.5).float() == labels).float().mean() > 0.9 if y is labels else (answer - y).abs().mean() < 0.3
