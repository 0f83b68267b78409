"""Divergences: against PyTorch, against the mean of log p - log q over samples, and which rule is taken."""
import itertools
import warnings

import numpy as np
import pytest

import pyxtorch as torch
import pyxtorch.distributions as D
from pyxtorch.distributions import kl, kl_divergence, register_kl

A, B = [0.4, 1.0, 2.5], [1.7, 0.6, 3.0]
LAWS = {
    "Bernoulli": [dict(probs=[0.2, 0.5, 0.9]), dict(probs=[0.7, 0.5, 0.1])],
    "Binomial": [dict(total_count=6, probs=[0.2, 0.5, 0.9]), dict(total_count=6, probs=[0.7, 0.5, 0.1])],
    "Categorical": [dict(probs=[[0.2, 0.8], [0.5, 0.5], [0.1, 0.9]]), dict(logits=[[0.2, 0.8], [0.5, 1.5], [0.1, -2.0]])],
    "OneHotCategorical": [dict(probs=[[0.2, 0.8], [0.5, 0.5], [0.1, 0.9]]), dict(logits=[[0.2, 0.8], [0.5, 1.5], [0.1, -2.0]])],
    "Geometric": [dict(probs=[0.2, 0.5, 0.9]), dict(probs=[0.7, 0.5, 0.1])],
    "Poisson": [dict(rate=A), dict(rate=B)],
    "Beta": [dict(concentration1=A, concentration0=B), dict(concentration1=B, concentration0=A)],
    "Cauchy": [dict(loc=A, scale=B), dict(loc=B, scale=A)],
    "ContinuousBernoulli": [dict(probs=[0.2, 0.45, 0.9]), dict(probs=[0.7, 0.55, 0.1])],
    "Dirichlet": [dict(concentration=[A, B, A]), dict(concentration=[B, A, A])],
    "Exponential": [dict(rate=A), dict(rate=B)],
    "Gamma": [dict(concentration=A, rate=B), dict(concentration=B, rate=A)],
    "Gumbel": [dict(loc=A, scale=[0.5, 0.8, 1.2]), dict(loc=B, scale=[1.5, 1.1, 1.9])],
    "HalfNormal": [dict(scale=A), dict(scale=B)],
    "HalfCauchy": [dict(scale=A), dict(scale=B)],
    "Laplace": [dict(loc=A, scale=B), dict(loc=B, scale=A)],
    "LogNormal": [dict(loc=A, scale=B), dict(loc=B, scale=A)],
    "Normal": [dict(loc=A, scale=B), dict(loc=B, scale=[1.4, 2.0, 1.5])],
    "Pareto": [dict(scale=[1.0, 2.0, 3.0], alpha=[2.5, 3.0, 4.0]), dict(scale=[0.7, 1.5, 2.0], alpha=[3.5, 2.2, 5.0])],
    "Uniform": [dict(low=[0.1, 0.2, 0.3], high=[0.8, 0.9, 0.7]), dict(low=[0.05, -1.0, 0.0], high=[0.85, 2.0, 1.0])],
    "MultivariateNormal": [dict(loc=[A, B], covariance_matrix=[[2.0, 0.3, 0.1], [0.3, 1.0, 0.2], [0.1, 0.2, 1.5]]), dict(loc=[B], scale_tril=[[1.0, 0, 0], [0.3, 1.2, 0], [0.1, 0.2, 0.8]])],
    "LowRankMultivariateNormal": [dict(loc=[A, B], cov_factor=[[1.0], [0.2], [-0.4]], cov_diag=A), dict(loc=[B], cov_factor=[[0.3, 0.1], [0.5, 0.2], [-0.4, 0.6]], cov_diag=B)],
    "Wishart": [dict(df=[4.0, 5.5], covariance_matrix=[[2.0, 0.3], [0.3, 1.0]]), dict(df=[6.0, 3.0], covariance_matrix=[[1.0, 0.1], [0.1, 1.5]])],
}


def made(name, which, space=torch, grad=False):
    given = {k: space.tensor(v, dtype=space.float64, requires_grad=grad) if isinstance(v, list) else v for k, v in LAWS[name][which].items()}
    return getattr(space.distributions, name)(**given), [v for v in given.values() if not isinstance(v, int)]


PAIRS = sorted({(p.__name__, q.__name__) for p, q in kl._KL_REGISTRY if p.__name__ in LAWS and q.__name__ in LAWS}
               | {(n, n) for n in ("LogNormal", "HalfCauchy")})


@pytest.mark.parametrize("p, q", [pair for pair in PAIRS if pair != ("ContinuousBernoulli", "Uniform")])     # infinite there
def test_as_in_pytorch(p, q):
    oracle = pytest.importorskip("torch")
    (ours_p, mine_p), (ours_q, mine_q) = made(p, 0, grad=True), made(q, 1, grad=True)
    (theirs_p, other_p), (theirs_q, other_q) = made(p, 0, oracle, True), made(q, 1, oracle, True)
    got, wanted = kl_divergence(ours_p, ours_q), oracle.distributions.kl_divergence(theirs_p, theirs_q)
    assert got.shape == tuple(wanted.shape)
    np.testing.assert_allclose(got.detach().numpy(), wanted.detach().numpy(), rtol=1e-6, atol=1e-9)
    if not got.requires_grad or got.isinf().any() or p == "Wishart":     # of families in general PyTorch's divergence has no gradient by p
        return
    options = dict(allow_unused=True)
    ours = torch.autograd.grad(got.sum(), mine_p + mine_q, **options)
    theirs = oracle.autograd.grad(wanted.sum(), other_p + other_q, **options)
    for a, b, parameter in zip(ours, theirs, mine_p + mine_q):
        a, b = (np.zeros(parameter.shape) if g is None else g.numpy() for g in (a, b))
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-8)


@pytest.fixture
def unchecked():
    D.Distribution.set_default_validate_args(False)
    yield
    D.Distribution.set_default_validate_args(True)


def estimate(p, q, n=40_000):
    """The mean of log p - log q over samples of p, and its standard error."""
    torch.manual_seed(1)
    x = p.sample((n,))
    terms = p.log_prob(x) - q.log_prob(x)
    return terms.mean(0), terms.std(0) / n ** 0.5


@pytest.mark.parametrize("p, q", [(p, q) for p, q in PAIRS if "Cauchy" not in p])
def test_mean_over_samples(p, q, unchecked):
    p, q = made(p, 0)[0], made(q, 1)[0]
    got = kl_divergence(p, q)
    wanted, error = estimate(p, q, 3000 if isinstance(p, D.Wishart) else 40_000)
    finite = ~got.isinf()       # where p has values that q has not is looked at in test_infinite
    assert ((got - wanted).abs() < 5 * error + 1e-9)[finite].all(), (got, wanted, error)


@pytest.mark.parametrize("p, q", [(p, q) for p, q in PAIRS])
def test_infinite(p, q):
    """Infinite where p has values that q has not, and nowhere else."""
    beyond = [t.__name__ for t in kl._REACHES_BEYOND.get(getattr(D, p), ())]
    infinite = kl_divergence(made(p, 0)[0], made(q, 1)[0]).isinf()
    if q in beyond:
        assert infinite.all()
        return
    p, q = made(p, 0)[0], made(q, 1)[0]
    torch.manual_seed(1)
    assert (infinite == ~q.support.check(p.sample((4000,))).all(0)).all()


def test_equal_is_zero():
    for name in LAWS:
        p = made(name, 0)[0]
        if name in ("ContinuousBernoulli", "Geometric", "Wishart"):
            assert kl_divergence(p, p).abs().max() < 1e-12
        else:
            assert kl_divergence(p, p).abs().max() < 1e-15 * (10 if "Normal" in name else 1), name


def test_edges():
    p = D.Bernoulli(torch.tensor([0.0, 1.0, 0.3, 0.3, 0.0]))
    q = D.Bernoulli(torch.tensor([0.4, 0.4, 0.0, 1.0, 0.0]))
    got = kl_divergence(p, q)
    assert got[:2].tolist() == pytest.approx([-np.log(0.6), -np.log(0.4)], rel=1e-5)
    assert got[2:4].isinf().all() and got[4] == 0
    p, q = D.Categorical(torch.tensor([0.5, 0.5, 0.0])), D.Categorical(torch.tensor([0.5, 0.0, 0.5]))
    assert kl_divergence(p, q).isinf()
    assert kl_divergence(D.Categorical(torch.tensor([1.0, 0.0, 0.0])), D.Categorical(torch.tensor([0.5, 0.0, 0.5]))).item() == pytest.approx(np.log(2), rel=1e-5)
    n, m = torch.tensor([2.0, 3.0, 0.0]), torch.tensor([3.0, 2.0, 0.0])
    got = kl_divergence(D.Binomial(n, torch.tensor(0.5)), D.Binomial(m, torch.tensor(0.5)))
    k = np.arange(3)
    ways = np.array([1, 2, 1]) / 4, np.array([1, 3, 3]) / 8
    assert got[0].item() == pytest.approx((ways[0] * np.log(ways[0] / ways[1]))[k].sum(), rel=1e-5)
    assert got[1].isinf() and got[2] == 0
    assert kl_divergence(D.Uniform(-1.0, 1.0), D.Exponential(1.0)).isinf()
    p = D.ContinuousBernoulli(0.3)
    assert kl_divergence(p, D.Uniform(0.0, 1.0)) == -p.entropy()
    assert kl_divergence(D.Uniform(0.5, 1.5), D.Beta(1.0, 1.0)).isinf()


def test_of_others():
    p, q = D.Normal(torch.zeros(2, 3), 1.0), D.Normal(torch.ones(3), 2.0)
    each = kl_divergence(p, q)
    assert each.shape == (2, 3)
    assert torch.equal(kl_divergence(D.Independent(p, 1), D.Independent(q, 1)), each.sum(-1))
    with pytest.raises(NotImplementedError):
        kl_divergence(D.Independent(p, 1), D.Independent(p, 2))
    chain = [D.ExpTransform(), D.AffineTransform(1.0, 2.0)]
    assert torch.equal(kl_divergence(D.TransformedDistribution(p, chain), D.TransformedDistribution(q, chain)), each)
    with pytest.raises(NotImplementedError, match="same bijective"):
        kl_divergence(D.TransformedDistribution(p, chain), D.TransformedDistribution(q, chain[:1]))
    with pytest.raises(NotImplementedError, match="same bijective"):       # |X| tells less than X
        kl_divergence(D.TransformedDistribution(p, [D.AbsTransform()]), D.TransformedDistribution(q, [D.AbsTransform()]))
    with pytest.raises(NotImplementedError, match="p type Gamma and q type Cauchy"):
        kl_divergence(D.Gamma(1.0, 1.0), D.Cauchy(0.0, 1.0))
    with pytest.raises(NotImplementedError, match="different exponential families"):
        kl_divergence(D.Dirichlet(torch.ones(2)), D.Poisson(1.0))
    with pytest.raises(ValueError, match="different event shapes"):
        kl_divergence(D.MultivariateNormal(torch.zeros(2), torch.eye(2)), D.MultivariateNormal(torch.zeros(3), torch.eye(3)))
    a, b = made("Gamma", 0)[0], made("Gamma", 1)[0]
    np.testing.assert_allclose(kl.kl_exponential_family(a, b).detach(), kl_divergence(a, b), rtol=1e-9)


def test_pairs_of_gaussians():
    full, low = made("MultivariateNormal", 0)[0], made("LowRankMultivariateNormal", 1)[0]
    dense = D.MultivariateNormal(low.loc, low.covariance_matrix)
    for p, q in itertools.permutations([full, low, dense], 2):
        as_full = [D.MultivariateNormal(d.loc, d.covariance_matrix) for d in (p, q)]
        np.testing.assert_allclose(kl_divergence(p, q), kl_divergence(*as_full), rtol=1e-9)


def test_a_rule_for_a_class_of_another_package():
    class Foreign:
        pass

    class Mine(D.Normal, Foreign):
        pass

    try:
        register_kl(D.Normal, Foreign)(lambda p, q: "foreign")
        assert kl_divergence(D.Normal(0.0, 1.0), Mine(0.0, 1.0)) == 0      # Normal comes before Foreign
        assert kl_divergence(Mine(0.0, 1.0), D.Gumbel(0.0, 1.0)).isfinite()
    finally:
        del kl._KL_REGISTRY[D.Normal, Foreign]
        kl._KL_MEMOIZE.clear()


def test_registering():
    class Base(D.Normal):
        pass

    class Left(Base):
        pass

    class Right(Base):
        pass

    p, q = Left(0.0, 1.0), Right(0.0, 2.0)
    assert torch.equal(kl_divergence(p, q), kl_divergence(D.Normal(0.0, 1.0), D.Normal(0.0, 2.0)))     # inherited
    try:
        register_kl(Base, Base)(lambda p, q: "base")
        assert kl_divergence(p, q) == "base"        # what was remembered is forgotten
        register_kl(Left, Base)(lambda p, q: "left")
        assert kl_divergence(p, q) == "left"
        register_kl(Base, Right)(lambda p, q: "right")
        with pytest.warns(RuntimeWarning, match=r"Ambiguous kl_divergence\(Left, Right\). Please register_kl\(Left, Right\)"):
            assert kl_divergence(p, q) == "left"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert kl_divergence(p, q) == "left"    # said once
        register_kl(Left, Right)(lambda p, q: "both")
        assert kl_divergence(p, q) == "both"
    finally:
        for key in [k for k in kl._KL_REGISTRY if issubclass(k[0], Base) or issubclass(k[1], Base)]:
            del kl._KL_REGISTRY[key]
        kl._KL_MEMOIZE.clear()
    for bad in (("Normal", D.Normal), (D.Normal, 3)):
        with pytest.raises(TypeError, match="Distribution subclass"):
            register_kl(*bad)
