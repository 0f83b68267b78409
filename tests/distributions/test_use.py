"""How distributions are used: errors, subclasses, mixtures, copies, programs that train."""
import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import pyxtorch as torch
import pyxtorch.distributions as D
from pyxtorch import nn
from pyxtorch.distributions import constraints
from pyxtorch.distributions.utils import broadcast_all, lazy_property, tril_matrix_to_vec, vec_to_tril_matrix

T = torch.tensor


# ------------------------------------------------------------------------------------------------ errors

@pytest.mark.parametrize("call, error, message", [
    (lambda: D.Normal(0.0, -1.0), ValueError, r"Expected parameter scale \(Tensor of shape \(\)\) of distribution Normal\(loc: 0.0, scale: -1.0\) "
                                              r"to satisfy the constraint GreaterThan\(lower_bound=0.0\), but found invalid values:\n-1.0"),
    (lambda: D.Uniform(T([1.0, 2.0]), 1.5), ValueError, "parameter low"),
    (lambda: D.Categorical(T([-0.5, 0.2])), ValueError, "Simplex"),
    (lambda: D.Categorical(T(0.5)), ValueError, "at least one-dimensional"),
    (lambda: D.Bernoulli(), ValueError, "Either `probs` or `logits` must be specified, but not both."),
    (lambda: D.Bernoulli(0.5, logits=0.0), ValueError, "not both"),
    (lambda: D.Geometric(T([0.0, 0.5])), ValueError, "to be positive"),
    (lambda: D.NegativeBinomial(3, T(1.0)), ValueError, "HalfOpenInterval"),
    (lambda: D.ContinuousBernoulli(T(1.5)), ValueError, "invalid values"),
    (lambda: D.Dirichlet(T(1.0)), ValueError, "at least one-dimensional"),
    (lambda: D.MultivariateNormal(T([0.0, 0.0])), ValueError, "Exactly one of"),
    (lambda: D.MultivariateNormal(torch.zeros(2), -torch.eye(2)), ValueError, "PositiveDefinite"),
    (lambda: D.MultivariateNormal(torch.zeros(2), T(1.0)), ValueError, "covariance_matrix must be at least two-dimensional"),
    (lambda: D.LowRankMultivariateNormal(torch.zeros(2), torch.ones(3, 1), torch.ones(2)), ValueError, "2 x m"),
    (lambda: D.Wishart(T(1.0), torch.eye(3)), ValueError, "greater than ndim - 1 = 2"),
    (lambda: D.LKJCholesky(1), ValueError, "greater than or equal to 2"),
    (lambda: D.Multinomial(T(3), torch.ones(2)), NotImplementedError, "inhomogeneous"),
    (lambda: D.Binomial(T([3.0, 2.0]), T(0.5)).enumerate_support(), NotImplementedError, "Inhomogeneous"),
    (lambda: D.Independent(D.Normal(0.0, 1.0), 1), ValueError, "actual 1 vs 0"),
    (lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), 3), ValueError, "Transform or list, but was 3"),
    (lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), [3]), ValueError, "list of Transforms"),
    (lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), [D.StickBreakingTransform()]), ValueError, "size at least 1"),
    (lambda: D.MixtureSameFamily(D.Normal(0.0, 1.0), D.Normal(0.0, 1.0)), ValueError, "Categorical"),
    (lambda: D.MixtureSameFamily(D.Categorical(torch.ones(3)), D.Normal(torch.zeros(2), 1.0)), ValueError, r"\(3\) does not equal .* \(2\)"),
    (lambda: D.Normal("a", 1.0), ValueError, "Number, torch.Tensor"),
    (lambda: D.Normal(0.0, 1.0).log_prob(T(torch.nan)), ValueError, r"within the support \(Real\(\)\)"),
    (lambda: D.Normal(0.0, 1.0).log_prob(1.0), ValueError, "must be a Tensor"),
    (lambda: D.Normal(torch.zeros(3), 1.0).log_prob(torch.zeros(2)), ValueError, "not broadcastable"),
    (lambda: D.Dirichlet(torch.ones(3)).log_prob(torch.ones(2)), ValueError, "right-most size"),
    (lambda: D.Bernoulli(0.5).log_prob(T(0.5)), ValueError, "Boolean"),
    (lambda: D.Normal(0.0, 1.0).enumerate_support(), NotImplementedError, None),
    (lambda: D.Poisson(1.0).rsample(), NotImplementedError, None),
    (lambda: D.Beta(1.0, 1.0).cdf(T(0.5)), NotImplementedError, None),
    (lambda: D.Multinomial(2, torch.ones(2)).mode, NotImplementedError, "does not implement mode"),
    (lambda: D.Distribution.set_default_validate_args("yes"), ValueError, "True or False"),
    (lambda: vec_to_tril_matrix(torch.ones(5)), ValueError, "cannot be expressed"),
    (lambda: tril_matrix_to_vec(torch.ones(2, 2), 5), ValueError, "outside"),
])
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_validation_can_be_left_out():
    law = D.Normal(T(0.0), T(-1.0), validate_args=False)
    assert law.log_prob(T(1.0)).isnan() and law.expand((2,))._validate_args is False
    assert D.Bernoulli(0.5, validate_args=False).log_prob(T(0.5)).isfinite()
    try:
        D.Distribution.set_default_validate_args(False)
        D.Normal(T(0.0), T(-1.0))
        with pytest.raises(ValueError):
            D.Normal(T(0.0), T(-1.0), validate_args=True)
    finally:
        D.Distribution.set_default_validate_args(True)


def test_numbers_and_dtypes():
    assert D.Normal(0, 1).loc.dtype == torch.float32 and repr(D.Normal(0, 1)) == "Normal(loc: 0.0, scale: 1.0)"
    assert D.Normal(torch.zeros(2, dtype=torch.float64), 1).sample().dtype == torch.float64
    assert repr(D.Normal(torch.zeros(3), 1.0)) == "Normal(loc: torch.Size([3]), scale: torch.Size([3]))"
    assert D.Binomial(T(3), 0.5).probs.item() == 0.5        # a float among whole numbers keeps its digits
    a, b = broadcast_all(T([1.0, 2.0]), 3)
    assert a.shape == b.shape == (2,)
    loc = torch.zeros(2, requires_grad=True)
    assert D.Normal(loc, torch.ones(2)).loc is loc
    for dtype in (torch.float16, torch.bfloat16):
        for law in (D.Normal(torch.zeros(3, dtype=dtype), 1.0), D.Gamma(torch.ones(3, dtype=dtype), 1.0), D.Categorical(torch.ones(3, dtype=dtype))):
            assert law.sample((2,)).dtype in (dtype, torch.int64)
            assert law.log_prob(law.sample((2,))).dtype == dtype


def test_where_pytorch_gives_something_else():
    """What docs/where_pytorch_differs.md says of distributions, each against its definition."""
    law = D.Kumaraswamy(T([2.0, 3.0], dtype=torch.float64), T([4.0, 1.5], dtype=torch.float64))
    grid = torch.linspace(0.001, 0.999, 9_981, dtype=torch.float64)
    dense = law.log_prob(grid.unsqueeze(-1).expand(-1, 2)).argmax(0)
    assert torch.allclose(law.mode, grid[dense], atol=2e-4)
    assert D.Weibull(1.0, T([0.5, 1.0, 2.0])).mode.tolist() == pytest.approx([0.0, 0.0, 0.5 ** 0.5])
    at = T(0.3, dtype=torch.float64)
    law, near = (D.ContinuousBernoulli(T(p, dtype=torch.float64)) for p in (0.5005, 0.5015))
    assert 0 < at - law.cdf(at) < at - near.cdf(at) and abs(law.icdf(law.cdf(at)) - at) < 1e-12
    q = T(0.5, dtype=torch.float64, requires_grad=True)
    slope, = torch.autograd.grad(D.ContinuousBernoulli(q).icdf(at), q)
    h = 2e-2
    wanted = (D.ContinuousBernoulli(q + h).icdf(at) - D.ContinuousBernoulli(q - h).icdf(at)) / (2 * h)
    assert slope.item() == pytest.approx(wanted.item(), rel=1e-2)
    c = T(0.0, dtype=torch.float64, requires_grad=True)
    slope, = torch.autograd.grad(D.GeneralizedPareto(T(0.0, dtype=torch.float64), 1.0, c).log_prob(T(2.0, dtype=torch.float64)), c)
    assert slope.item() == pytest.approx(0.0, abs=1e-12)        # z^2 / 2 - z at z = 2
    slope, = torch.autograd.grad(D.GeneralizedPareto(T(0.0, dtype=torch.float64), 1.0, c).log_prob(T(3.0, dtype=torch.float64)), c)
    assert slope.item() == pytest.approx(1.5)
    rate = torch.ones(2, requires_grad=True)
    slope, = torch.autograd.grad(D.ExponentialFamily.entropy(D.Exponential(rate)).sum(), rate)
    assert slope.tolist() == pytest.approx([-1.0, -1.0])


def test_same_seed_same_numbers():
    for law in (D.Gamma(T([1.0, 2.0]), 1.0), D.Categorical(torch.ones(2, 4)), D.VonMises(T(0.0), T(2.0)), D.LKJCholesky(3)):
        torch.manual_seed(5)
        first = law.sample((3,))
        torch.manual_seed(5)
        assert torch.equal(first, law.sample((3,)))


# --------------------------------------------------------------------------------------------- of one's own

class Delta(D.Distribution):
    """As other packages write one."""

    arg_constraints = {"v": constraints.real}
    has_rsample = True

    def __init__(self, v, validate_args=None):
        self.v = v
        super().__init__(v.shape, torch.Size(), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        return constraints.interval(self.v, self.v)

    def expand(self, batch_shape, _instance=None):
        new = self._get_checked_instance(Delta, _instance)
        new.v = self.v.expand(batch_shape)
        super(Delta, new).__init__(torch.Size(batch_shape), torch.Size(), validate_args=False)
        new._validate_args = self._validate_args
        return new

    def rsample(self, sample_shape=()):
        return self.v.expand(self._extended_shape(sample_shape))

    def log_prob(self, value):
        return torch.where(self._checked(value) == self.v, 0.0, -torch.inf)


def test_a_distribution_of_ones_own():
    law = Delta(T([1.0, 2.0]))
    assert law.expand((3, 2)).sample((4,)).shape == (4, 3, 2)
    assert D.Independent(law, 1).log_prob(T([1.0, 2.0])) == 0
    with pytest.raises(ValueError, match="within the support"):
        law.log_prob(T([1.0, 3.0]))
    assert repr(law) == "Delta(v: torch.Size([2]))"

    class Bare(D.Distribution):
        pass

    with pytest.warns(UserWarning, match="does not define `arg_constraints`"):
        bare = Bare()
    for call in (bare.rsample, bare.sample, bare.entropy, bare.perplexity, lambda: bare.mean, lambda: bare.stddev, lambda: bare.support,
                 lambda: bare.expand((2,)), lambda: bare.log_prob(T(1.0)), lambda: bare.cdf(T(1.0)), lambda: bare.icdf(T(1.0))):
        with pytest.raises(NotImplementedError):
            call()
    with pytest.warns(UserWarning, match="does not define `support`"):
        bare._validate_sample(T(1.0))


def test_subclasses_of_ours():
    class Unit(D.Normal):
        def __init__(self, loc):
            super().__init__(loc, 1.0)

    with pytest.raises(NotImplementedError, match="must also define a custom .expand"):
        Unit(0.0).expand((2,))

    class Mixin:
        def __call__(self, *args):
            return self.rsample(*args)

    class Named(D.Gamma, Mixin):        # a constructor of the base is kept: it expands
        pass

    wide = Named(T(1.0), T(2.0)).expand((3,))
    assert type(wide) is Named and wide().shape == (3,)

    class Shifted(D.Normal):
        def __init__(self, loc, scale, by):
            self.by = by
            super().__init__(loc, scale)

        def expand(self, batch_shape, _instance=None):
            new = self._get_checked_instance(Shifted, _instance)
            new.by = self.by * 1
            return super().expand(batch_shape, _instance=new)

    assert Shifted(T(0.0), T(1.0), 3).expand((2,)).by == 3
    assert isinstance(D.Chi2(T(2.0)).expand((2,)), D.Chi2) and D.Chi2(T(2.0)).expand((2,)).rate.shape == (2,)


def test_lazy_property():
    class Counted:
        calls = 0

        @lazy_property
        def value(self):
            """What it is."""
            self.calls += 1
            return torch.is_grad_enabled()

    with torch.no_grad():
        c = Counted()
        assert c.value is True and c.value is True and c.calls == 1
    assert isinstance(Counted.value, lazy_property) and Counted.value.__doc__ == "What it is."
    law = D.Bernoulli(T([0.2, 0.5], requires_grad=True))
    with torch.no_grad():
        law.logits
    assert law.logits.requires_grad
    assert "logits" not in D.Bernoulli(T([0.2])).__dict__


def test_copies_and_pickles():
    for law in (D.Normal(T([0.0, 1.0]), 1.0), D.Categorical(torch.ones(3)), D.LogNormal(T(0.0), T(1.0)), D.Independent(D.Gamma(torch.ones(3), 1.0), 1),
                D.MultivariateNormal(torch.zeros(2), torch.eye(2)), D.MixtureSameFamily(D.Categorical(torch.ones(2)), D.Normal(torch.zeros(2), 1.0))):
        value = law.sample((2,))
        for other in (copy.copy(law), copy.deepcopy(law), pickle.loads(pickle.dumps(law))):
            assert type(other) is type(law) and torch.equal(other.log_prob(value), law.log_prob(value))


def test_tril():
    for n in range(1, 5):
        for diag in range(-n + 1, n):
            matrix = torch.arange(1.0, n * n + 1).reshape(n, n).expand(2, n, n)
            vec = tril_matrix_to_vec(matrix, diag)
            assert torch.equal(vec_to_tril_matrix(vec, diag), matrix.tril(diag))


# ------------------------------------------------------------------------------------------ made of others

def test_mixture():
    mixture = D.MixtureSameFamily(D.Categorical(T([0.3, 0.7])), D.Normal(T([-2.0, 1.0]), T([0.5, 1.5])))
    x = torch.linspace(-4, 4, 7)
    parts = [D.Normal(-2.0, 0.5), D.Normal(1.0, 1.5)]
    weights = [0.3, 0.7]
    assert torch.allclose(mixture.log_prob(x).exp(), sum(w * p.log_prob(x).exp() for w, p in zip(weights, parts)))
    assert torch.allclose(mixture.cdf(x), sum(w * p.cdf(x) for w, p in zip(weights, parts)), atol=1e-6)
    mean = sum(w * p.mean for w, p in zip(weights, parts))
    assert torch.allclose(mixture.mean, mean)
    assert torch.allclose(mixture.variance, sum(w * (p.variance + p.mean ** 2) for w, p in zip(weights, parts)) - mean ** 2)
    torch.manual_seed(1)
    sample = mixture.sample((40_000,))
    assert abs(sample.mean() - mixture.mean) < 0.04 and abs(sample.var() - mixture.variance) < 0.08
    wide = D.MixtureSameFamily(D.Categorical(torch.ones(5, 3)), D.MultivariateNormal(torch.randn(5, 3, 2), torch.eye(2)))
    assert (wide.batch_shape, wide.event_shape) == ((5,), (2,))
    assert wide.sample((4,)).shape == (4, 5, 2) and wide.log_prob(wide.sample((4,))).shape == (4, 5)
    assert wide.mean.shape == wide.variance.shape == (5, 2)
    larger = wide.expand((6, 5))
    assert larger.sample((4,)).shape == (4, 6, 5, 2) and larger.mean.shape == (6, 5, 2)
    shared = D.MixtureSameFamily(D.Categorical(torch.ones(3)), D.Poisson(torch.rand(5, 3)))     # one mixture for all of the batch
    assert shared.sample((4,)).shape == (4, 5) and shared.log_prob(shared.sample()).shape == (5,)
    oracle = pytest.importorskip("torch")
    theirs = oracle.distributions.MixtureSameFamily(oracle.distributions.Categorical(oracle.tensor([0.3, 0.7])), oracle.distributions.Normal(
        oracle.tensor([-2.0, 1.0]), oracle.tensor([0.5, 1.5])))
    np.testing.assert_allclose(mixture.log_prob(x), theirs.log_prob(oracle.tensor(x.numpy())), rtol=1e-5)
    assert repr(D.MixtureSameFamily(D.Categorical(torch.ones(2)), D.Normal(torch.zeros(2), 1.0))).startswith("MixtureSameFamily(\n  Categorical(probs")


def test_independent():
    base = D.Normal(torch.zeros(4, 3, 2), torch.rand(4, 3, 2) + 0.1)
    law = D.Independent(base, 2)
    assert (law.batch_shape, law.event_shape) == ((4,), (3, 2))
    x = law.rsample((5,))
    assert torch.allclose(law.log_prob(x), base.log_prob(x).sum((-1, -2)))
    assert torch.allclose(law.entropy(), base.entropy().sum((-1, -2)))
    assert law.support.event_dim == 2 and law.has_rsample and not law.has_enumerate_support
    assert law.expand((7, 4)).log_prob(x[0]).shape == (7, 4)
    assert torch.equal(law.mean, base.mean) and torch.equal(law.mode, base.mode) and torch.equal(law.variance, base.variance)
    assert repr(law) == f"Independent({base}, 2)"
    with pytest.raises(NotImplementedError, match="cartesian"):
        D.Independent(D.Bernoulli(torch.rand(2)), 1).enumerate_support()


def test_transformed_shapes():
    exp, affine = D.ExpTransform(), D.AffineTransform(torch.zeros(4, 3), 1.0)
    law = D.TransformedDistribution(D.Normal(0.0, 1.0), [exp, affine])       # the transform's parameters make the batch
    assert law.batch_shape == (4, 3) and law.rsample((2,)).shape == (2, 4, 3) and law.log_prob(law.rsample()).shape == (4, 3)
    assert law.expand((5, 4, 3)).rsample().shape == (5, 4, 3)
    law = D.TransformedDistribution(D.Normal(torch.zeros(4, 3), 1.0), D.StickBreakingTransform())
    assert (law.batch_shape, law.event_shape) == ((4,), (4,)) and law.support is constraints.simplex
    law = D.TransformedDistribution(D.MultivariateNormal(torch.zeros(3), torch.eye(3)), [exp])
    assert law.event_shape == (3,) and law.log_prob(law.rsample((2,))).shape == (2,) and law.support.event_dim == 1
    law = D.TransformedDistribution(D.Uniform(0.0, 1.0), [D.SigmoidTransform().inv, D.AffineTransform(1.0, -2.0)])     # falls
    x = torch.linspace(-5, 5, 11)
    assert torch.allclose(law.cdf(x), torch.sigmoid((x - 1) / 2), atol=1e-6)
    u = torch.linspace(0.05, 0.95, 5)
    assert torch.allclose(law.cdf(law.icdf(u)), u, atol=1e-6)
    law = D.TransformedDistribution(D.Normal(0.0, 1.0), [])
    assert law.log_prob(T(0.3)) == D.Normal(0.0, 1.0).log_prob(T(0.3)) and law.support is constraints.real
    with pytest.raises(NotImplementedError):
        D.TransformedDistribution(D.Normal(0.0, 1.0), D.AbsTransform()).log_prob(T(0.3))


def test_low_degrees_of_freedom_are_said():
    with pytest.warns(UserWarning, match="Low df"):
        law = D.Wishart(T(2.5), torch.eye(3))
    assert law.log_prob(torch.eye(3)).isfinite() and law.mode.isnan().all()


# ------------------------------------------------------------------------------------------ programs

def test_import_is_light():
    """Nothing of it comes with `import pyxtorch`, and it comes in a moment."""
    code = ("import sys, time, pyxtorch.nn; assert 'pyxtorch.distributions' not in sys.modules; t = time.perf_counter(); "
            "import pyxtorch.distributions; print(time.perf_counter() - t)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 5
    assert "distributions" in dir(torch)


def test_under_the_name_of_torch(tmp_path):
    """Each name of torch.distributions, with PyTorch's modules, and a program that subclasses as other packages do."""
    program = tmp_path / "program.py"
    program.write_text("""
import pickle
import torch
import torch.distributions as dist
from torch.distributions import constraints, transforms
from torch.distributions.kl import _KL_REGISTRY, register_kl
from torch.distributions.transforms import _InverseTransform
from torch.distributions.utils import _standard_normal, _sum_rightmost, broadcast_all, lazy_property

class Mixin:
    def __call__(self, sample_shape=torch.Size()):
        return self.rsample(sample_shape)

class Meta(type(dist.Normal)):
    def __instancecheck__(cls, x):
        return super().__instancecheck__(x)

class Normal(dist.Normal, Mixin, metaclass=Meta):
    pass

d = Normal(torch.zeros(2), 1.0).expand((3, 2))
assert isinstance(d, Normal) and isinstance(d, dist.Distribution) and d((4,)).shape == (4, 3, 2)
assert dist.Normal.__module__ == "torch.distributions.normal" and dist.ComposeTransform.__module__ == "torch.distributions.transforms"
assert dist.StudentT.__module__ == "torch.distributions.studentT"
for law in (dist.Normal(0.0, 1.0), dist.Bernoulli(logits=torch.zeros(2)), dist.LogNormal(torch.zeros(2), 1.0)):
    again = pickle.loads(pickle.dumps(law))
    assert torch.equal(again.mean, law.mean)
t = pickle.loads(pickle.dumps(dist.ComposeTransform([dist.ExpTransform()])))
assert t(torch.zeros(1)) == 1 and (dist.Normal, dist.Normal) in _KL_REGISTRY
""")
    done = subprocess.run([sys.executable, "-m", "pyxtorch.run", str(program)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_variational_autoencoder_learns():
    torch.manual_seed(0)
    data = torch.cat([D.Normal(T([2.0, -1.0, 0.5, 1.0]), 0.1).sample((64,)), D.Normal(T([-1.0, 1.0, 2.0, -2.0]), 0.1).sample((64,))])
    encoder, decoder = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 4)), nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 4))
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=0.02)
    losses = []
    for _ in range(200):
        loc, log_scale = encoder(data).chunk(2, -1)
        posterior = D.Independent(D.Normal(loc, log_scale.exp()), 1)
        likelihood = D.Independent(D.Normal(decoder(posterior.rsample()), 0.3), 1)
        loss = (D.kl_divergence(posterior, D.Independent(D.Normal(torch.zeros(2), torch.ones(2)), 1)) - likelihood.log_prob(data)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 3 < losses[0] / 5


def test_a_policy_learns():
    torch.manual_seed(0)
    policy = nn.Linear(3, 3)
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.1)
    for _ in range(150):
        state = torch.nn.functional.one_hot(torch.randint(3, (32,)), 3).float()
        law = D.Categorical(logits=policy(state))
        action = law.sample()
        reward = (action == state.argmax(-1)).float()
        loss = -(law.log_prob(action) * (reward - reward.mean())).mean() - 0.001 * law.entropy().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (D.Categorical(logits=policy(torch.eye(3))).mode == torch.arange(3)).all()


def test_a_flow_learns():
    torch.manual_seed(0)
    target = D.LogNormal(0.5, 0.25)
    data = target.sample((512,))
    loc, log_scale = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.Adam([loc, log_scale], lr=0.05)
    for _ in range(200):
        flow = D.TransformedDistribution(D.Normal(torch.zeros(1), torch.ones(1)), [D.AffineTransform(loc, log_scale.exp()), D.ExpTransform()])
        loss = -flow.log_prob(data.unsqueeze(-1)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert abs(loc.item() - data.log().mean()) < 0.02 and abs(log_scale.exp().item() - data.log().std()) < 0.02


def test_gamma_parameters_learn_through_samples():
    """The gradient of a gamma number by its concentration leads to the moments asked for."""
    torch.manual_seed(0)
    raw = torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.Adam([raw], lr=0.05)
    for _ in range(300):
        x = D.Gamma(*raw.exp()).rsample((256,))
        loss = (x.mean() - 3) ** 2 + (x.std() - 1.5) ** 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    law = D.Gamma(*raw.detach().exp())
    assert abs(law.mean - 3) < 0.3 and abs(law.stddev - 1.5) < 0.3
