"""pyro: SVI with hand-written and automatic guides, HMC, NUTS, enumeration and a module in a model, against exact posteriors."""

import tempfile

import pyro
import pyro.distributions as dist
import torch
from agree import agree, numbers
from pyro.infer import HMC, MCMC, NUTS, SVI, Predictive, Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO, config_enumerate, infer_discrete
from pyro.infer.autoguide import AutoDelta, AutoDiagonalNormal, AutoLowRankMultivariateNormal, AutoMultivariateNormal, AutoNormal
from pyro.infer.autoguide.initialization import init_to_value
from pyro.nn import PyroModule, PyroSample
from pyro.optim import Adam, ClippedAdam
from torch.distributions import constraints

pyro.set_rng_seed(0)
pyro.enable_validation(True)
data = torch.tensor([1.0] * 6 + [0.0] * 4)


def coin(data):
    fairness = pyro.sample("fairness", dist.Beta(10.0, 10.0))
    with pyro.plate("data", len(data)):
        pyro.sample("obs", dist.Bernoulli(fairness), obs=data)


def coin_guide(data):
    alpha = pyro.param("alpha", torch.tensor(15.0), constraint=constraints.positive)
    beta = pyro.param("beta", torch.tensor(15.0), constraint=constraints.positive)
    pyro.sample("fairness", dist.Beta(alpha, beta))


svi = SVI(coin, coin_guide, Adam({"lr": 0.01, "betas": (0.9, 0.999)}), loss=TraceMeanField_ELBO())
for _ in range(400):
    svi.step(data)
alpha, beta = pyro.param("alpha").item(), pyro.param("beta").item()
assert abs(alpha / (alpha + beta) - 16 / 30) < 0.03, (alpha, beta)         # exact: Beta(16, 14)
with tempfile.TemporaryDirectory() as folder:
    pyro.get_param_store().save(f"{folder}/parameters.pt")
    pyro.clear_param_store()
    pyro.get_param_store().load(f"{folder}/parameters.pt")
assert abs(pyro.param("alpha").item() - alpha) < 1e-5


def linear(x, y=None):
    weight = pyro.sample("weight", dist.Normal(torch.zeros(2), 2.0).to_event(1))
    bias = pyro.sample("bias", dist.Normal(0.0, 2.0))
    with pyro.plate("data", len(x)):
        return pyro.sample("obs", dist.Normal(x @ weight + bias, 0.5), obs=y)


x = numbers(60, 2)
y = x @ torch.tensor([1.5, -0.7]) + 0.3 + 0.5 * numbers(60, seed=1)
design = torch.cat([x, torch.ones(60, 1)], 1)
precision = design.T @ design / 0.25 + torch.eye(3) / 4
mean, spread = torch.linalg.solve(precision, design.T @ y / 0.25), precision.inverse().diagonal().sqrt()
for Guide in (AutoDelta, AutoNormal, AutoDiagonalNormal, AutoMultivariateNormal, AutoLowRankMultivariateNormal):
    pyro.clear_param_store()
    guide = Guide(linear, init_loc_fn=init_to_value(values={"weight": torch.zeros(2), "bias": torch.tensor(0.0)}))
    svi = SVI(linear, guide, ClippedAdam({"lr": 0.03, "lrd": 0.997}), loss=Trace_ELBO())
    losses = [svi.step(x, y) for _ in range(400)]
    assert sum(losses[-20:]) < sum(losses[:20]) / 2, Guide
    found = guide.median()
    if Guide is AutoDelta:                               # no random numbers in it
        agree("losses of the most probable line", losses[::40], rtol=1e-3)
        agree("the most probable line", torch.cat([found["weight"], found["bias"][None]]), rtol=1e-3)
    assert (found["weight"] - mean[:2]).abs().max() < 0.1 and abs(found["bias"] - mean[2]) < 0.1, (Guide, found, mean)
draws = Predictive(linear, guide=guide, num_samples=200)(x[:5])["obs"]
assert draws.shape == (200, 5) and (draws.mean(0) - design[:5] @ mean).abs().max() < 0.4

for kernel in (NUTS(linear), HMC(linear, step_size=0.05, num_steps=10)):
    chain = MCMC(kernel, num_samples=200, warmup_steps=100, disable_progbar=True)
    chain.run(x, y)
    samples = chain.get_samples()
    assert samples["weight"].shape == (200, 2)
    values = torch.cat([samples["weight"], samples["bias"][:, None]], 1)
    assert (values.mean(0) - mean).abs().max() < 0.05, (kernel, values.mean(0), mean)
    assert (values.std(0) / spread - 1).abs().max() < 0.4, (kernel, values.std(0), spread)


@config_enumerate
def mixture(data):
    weights = pyro.param("weights", torch.tensor([0.5, 0.5]), constraint=constraints.simplex)
    places = pyro.param("places", torch.tensor([-1.0, 1.0]))
    with pyro.plate("data", len(data)):
        which = pyro.sample("which", dist.Categorical(weights))
        pyro.sample("obs", dist.Normal(places[which], 1.0), obs=data)


pyro.clear_param_store()
points = torch.cat([numbers(60, seed=2) - 3, numbers(30, seed=3) + 3])
svi = SVI(mixture, lambda data: None, Adam({"lr": 0.05}), loss=TraceEnum_ELBO(max_plate_nesting=1))
losses = [svi.step(points) for _ in range(200)]
agree("losses of the mixture", losses[::20])
agree("weights and places of the mixture", torch.cat([pyro.param("weights"), pyro.param("places")]), rtol=1e-3)
assert abs(pyro.param("weights")[0].item() - 2 / 3) < 0.06 and (pyro.param("places") - torch.tensor([-3.0, 3.0])).abs().max() < 0.4
labels = infer_discrete(mixture, first_available_dim=-2)
trace = pyro.poutine.trace(labels).get_trace(points)
assert (trace.nodes["which"]["value"] == (points > 0).long()).float().mean() > 0.95


class Bayesian(PyroModule):
    def __init__(self):
        super().__init__()
        self.linear = PyroModule[torch.nn.Linear](2, 1)
        self.linear.weight = PyroSample(dist.Normal(0.0, 1.0).expand([1, 2]).to_event(2))
        self.linear.bias = PyroSample(dist.Normal(0.0, 1.0).expand([1]).to_event(1))

    def forward(self, x, y=None):
        place = self.linear(x).squeeze(-1)
        with pyro.plate("data", len(x)):
            return pyro.sample("obs", dist.Normal(place, 0.5), obs=y)


pyro.clear_param_store()
model = Bayesian()
guide = AutoDiagonalNormal(model)
svi = SVI(model, guide, Adam({"lr": 0.03}), loss=Trace_ELBO(num_particles=2))
for _ in range(200):
    svi.step(x, y)
weight = Predictive(model, guide=guide, num_samples=300, return_sites=("linear.weight",))(x)["linear.weight"].mean(0).flatten()
assert (weight - mean[:2]).abs().max() < 0.12, (weight, mean)
print("pyro: coin", round(alpha / (alpha + beta), 3), "line", [round(float(v), 3) for v in mean])
