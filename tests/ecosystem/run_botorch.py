"""botorch: a Gaussian process fitted by SciPy, acquisition functions and their gradients, the next points by multistart, a loop that finds the maximum."""
import warnings

import torch
from agree import agree, numbers
from botorch.acquisition import LogExpectedImprovement, UpperConfidenceBound, qLogExpectedImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.optim import optimize_acqf
from botorch.sampling import SobolQMCNormalSampler
from gpytorch.mlls import ExactMarginalLogLikelihood

warnings.simplefilter("ignore")
torch.manual_seed(0)


def target(x):
    return -((x - torch.tensor([0.6, 0.3])) ** 2).sum(-1, keepdim=True) + 0.1 * torch.cos(9 * x).sum(-1, keepdim=True)


X = torch.sigmoid(numbers(10, 2)).double()
Y = target(X)
gp = SingleTaskGP(X, Y)
fit_gpytorch_mll(ExactMarginalLogLikelihood(gp.likelihood, gp))
at = torch.sigmoid(numbers(4, 1, 2, seed=1)).double().requires_grad_()
posterior = gp.posterior(at)
agree("mean", posterior.mean.flatten(), rtol=2e-2, atol=2e-3)
for acquisition in (LogExpectedImprovement(gp, best_f=Y.max()), UpperConfidenceBound(gp, beta=0.2)):
    value = acquisition(at)
    slope, = torch.autograd.grad(value.sum(), at)
    step = 1e-6 * torch.nn.functional.normalize(slope, dim=(1, 2))
    with torch.no_grad():
        rise = acquisition(at + step) - acquisition(at - step)
    torch.testing.assert_close(rise / 2e-6, slope.pow(2).sum((1, 2)).sqrt(), rtol=1e-2, atol=1e-4)
sampler = SobolQMCNormalSampler(torch.Size([32]), seed=0)
pair, _ = optimize_acqf(qLogExpectedImprovement(gp, Y.max(), sampler=sampler), torch.tensor([[0.0, 0.0], [1.0, 1.0]]).double(), q=2, num_restarts=2, raw_samples=8)
assert pair.shape == (2, 2) and (pair >= 0).all() and (pair <= 1).all()
for _ in range(5):
    gp = SingleTaskGP(X, Y)
    fit_gpytorch_mll(ExactMarginalLogLikelihood(gp.likelihood, gp))
    new, _ = optimize_acqf(LogExpectedImprovement(gp, best_f=Y.max()), torch.tensor([[0.0, 0.0], [1.0, 1.0]]).double(), q=1, num_restarts=3, raw_samples=16)
    X, Y = torch.cat([X, new]), torch.cat([Y, target(new)])
grid = torch.cartesian_prod(torch.linspace(0, 1, 60), torch.linspace(0, 1, 60)).double()
assert Y.max() > target(grid).max() - 0.03, (Y.max(), target(grid).max())
