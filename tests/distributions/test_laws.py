"""Every distribution: densities, moments and samples against SciPy's figures, PyTorch's, and its own formulas."""
import numpy as np
import pytest
import scipy.stats as st

import pyxtorch as torch
import pyxtorch.distributions as D
from pyxtorch.autograd import gradcheck
from pyxtorch.distributions.relaxed_bernoulli import LogitRelaxedBernoulli
from pyxtorch.distributions.relaxed_categorical import ExpRelaxedCategorical

A, B, C = [0.4, 1.0, 2.5], [1.7, 0.6, 3.0], [-0.3, 0.2, 1.4]
SQUARE = [[2.0, 0.3, -0.4], [0.3, 1.2, 0.1], [-0.4, 0.1, 0.7]]
ROWS = [[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]

# name: (parameters, SciPy's law of one element)
NUMBERS = {
    "Normal": (dict(loc=C, scale=A), lambda loc, scale: st.norm(loc, scale)),
    "Laplace": (dict(loc=C, scale=A), lambda loc, scale: st.laplace(loc, scale)),
    "Cauchy": (dict(loc=C, scale=A), lambda loc, scale: st.cauchy(loc, scale)),
    "Exponential": (dict(rate=A), lambda rate: st.expon(scale=1 / rate)),
    "Uniform": (dict(low=C, high=[0.5, 0.9, 4.0]), lambda low, high: st.uniform(low, high - low)),
    "Gamma": (dict(concentration=A, rate=B), lambda concentration, rate: st.gamma(concentration, scale=1 / rate)),
    "Chi2": (dict(df=A), lambda df: st.chi2(df)),
    "Beta": (dict(concentration1=A, concentration0=B), lambda concentration1, concentration0: st.beta(concentration1, concentration0)),
    "FisherSnedecor": (dict(df1=A, df2=[3.0, 5.0, 9.5]), lambda df1, df2: st.f(df1, df2)),
    "StudentT": (dict(df=[0.8, 1.5, 6.0], loc=C, scale=A), lambda df, loc, scale: st.t(df, loc, scale)),
    "GeneralizedPareto": (dict(loc=C, scale=A, concentration=[-0.4, 0.0, 0.3]), lambda loc, scale, concentration: st.genpareto(concentration, loc, scale)),
    "Gumbel": (dict(loc=C, scale=A), lambda loc, scale: st.gumbel_r(loc, scale)),
    "HalfNormal": (dict(scale=A), lambda scale: st.halfnorm(scale=scale)),
    "HalfCauchy": (dict(scale=A), lambda scale: st.halfcauchy(scale=scale)),
    "InverseGamma": (dict(concentration=[2.4, 3.0, 1.5], rate=B), lambda concentration, rate: st.invgamma(concentration, scale=rate)),
    "LogNormal": (dict(loc=C, scale=A), lambda loc, scale: st.lognorm(scale, scale=np.exp(loc))),
    "Pareto": (dict(scale=A, alpha=[1.5, 2.5, 3.0]), lambda scale, alpha: st.pareto(alpha, scale=scale)),
    "Weibull": (dict(scale=A, concentration=B), lambda scale, concentration: st.weibull_min(concentration, scale=scale)),
    "VonMises": (dict(loc=C, concentration=A), lambda loc, concentration: st.vonmises(concentration, loc)),
    "Kumaraswamy": (dict(concentration1=A, concentration0=B), None),
    "ContinuousBernoulli": (dict(probs=[0.2, 0.5003, 0.9]), None),
    "RelaxedBernoulli": (dict(temperature=0.7, probs=[0.2, 0.5, 0.9]), None),
}
COUNTS = {
    "Bernoulli": (dict(probs=[0.2, 0.5, 0.9]), lambda probs: st.bernoulli(probs)),
    "Binomial": (dict(total_count=7, probs=[0.2, 0.5, 0.9]), lambda total_count, probs: st.binom(total_count, probs)),
    "Geometric": (dict(probs=[0.2, 0.5, 0.9]), lambda probs: st.geom(probs, loc=-1)),
    "NegativeBinomial": (dict(total_count=[2.5, 4.0, 1.0], probs=[0.2, 0.5, 0.6]), lambda total_count, probs: st.nbinom(total_count, 1 - probs)),
    "Poisson": (dict(rate=A), lambda rate: st.poisson(rate)),
    "Categorical": (dict(probs=ROWS), None),
}
VECTORS = {
    "Dirichlet": dict(concentration=[A, B]),
    "MultivariateNormal": dict(loc=[C, A], covariance_matrix=SQUARE),
    "LowRankMultivariateNormal": dict(loc=[C, A], cov_factor=[[1.0, 0.2], [0.1, -0.7], [0.3, 0.5]], cov_diag=A),
    "LogisticNormal": dict(loc=[C, A], scale=[A, B]),
    "OneHotCategorical": dict(probs=ROWS),
    "OneHotCategoricalStraightThrough": dict(logits=[C, A]),
    "Multinomial": dict(total_count=5, probs=ROWS),
    "RelaxedOneHotCategorical": dict(temperature=0.8, probs=ROWS),
    "LKJCholesky": dict(dim=3, concentration=A),
    "Wishart": dict(df=[3.5, 4.0], covariance_matrix=SQUARE),
}
LOGITS = {"Bernoulli": C, "Binomial": C, "Geometric": C, "NegativeBinomial": C, "ContinuousBernoulli": C, "Categorical": [C, A], "Multinomial": [C, A],
          "OneHotCategorical": [C, A], "RelaxedOneHotCategorical": [C, A], "RelaxedBernoulli": C}
PARAMETERS = {**{n: p for n, (p, _) in (NUMBERS | COUNTS).items()}, **VECTORS}
BY_LOGITS = {n + "_logits": {k: v for k, v in PARAMETERS[n].items() if k != "probs"} | {"logits": logits} for n, logits in LOGITS.items()}
ALL = PARAMETERS | BY_LOGITS


def made(name, space=torch, grad=False, **options):
    """The distribution `name` of ALL, of torch or pyxtorch, in float64; and its tensors by name."""
    tensors, given = {}, {}
    for key, value in ALL[name].items():
        if isinstance(value, list):
            value = tensors[key] = space.tensor(value, dtype=space.float64, requires_grad=grad)
        elif isinstance(value, float):
            value = space.tensor(value, dtype=space.float64)
        given[key] = value
    return getattr(space.distributions, name.removesuffix("_logits"))(**given, **options), tensors


def values_of(name, n=5):
    torch.manual_seed(len(name))
    return made(name)[0].sample((n,))


def equal(a, b, tolerance=1e-9):
    np.testing.assert_allclose(np.asarray(a.detach()), np.asarray(b.detach() if hasattr(b, "detach") else b), rtol=tolerance, atol=tolerance)


@pytest.fixture(scope="module")
def oracle():
    return pytest.importorskip("torch")


# --------------------------------------------------------------------------------------- against PyTorch

# Where PyTorch's own number is not what it should be, or not there: docs/where_pytorch_differs.md.
LOOSE = {("VonMises", "variance"): 1e-6, ("VonMises", "stddev"): 1e-6, ("ContinuousBernoulli", "cdf"): 1e-3, ("Multinomial", "entropy"): 1e-6,
         ("Multinomial", "perplexity"): 1e-6, ("ContinuousBernoulli", "icdf"): 1e-3}
NOT_PYTORCHS = {("Kumaraswamy", "mode"), ("Weibull", "mode")}


@pytest.mark.parametrize("name", [n for n in ALL if n != "GeneralizedPareto"])    # whose cdf fails there in float64
def test_as_in_pytorch(name, oracle):
    ours, our_tensors = made(name, grad=True)
    theirs, their_tensors = made(name, oracle, grad=True)
    assert (ours.batch_shape, ours.event_shape) == (tuple(theirs.batch_shape), tuple(theirs.event_shape))
    assert ours.has_rsample == theirs.has_rsample and ours.has_enumerate_support == theirs.has_enumerate_support
    value = values_of(name)
    image = oracle.tensor(value.numpy())
    ours_log, theirs_log = ours.log_prob(value), theirs.log_prob(image)
    equal(ours_log, theirs_log, 1e-7 if "VonMises" in name else 1e-9)     # PyTorch's Bessel function is a polynomial
    for key, mine in our_tensors.items():
        mine, = torch.autograd.grad(ours_log.sum(), mine, retain_graph=True)
        other, = oracle.autograd.grad(theirs_log.sum(), their_tensors[key], retain_graph=True)
        equal(mine, other, 1e-6)
    compared = 0
    for what in ("mean", "mode", "variance", "stddev", "entropy", "perplexity", "cdf", "icdf"):
        arguments = ([value], [image]) if what == "cdf" else ([], [])
        if what == "icdf":
            arguments = [torch.full(ours.batch_shape, 0.3, dtype=torch.float64)], [oracle.full(tuple(theirs.batch_shape), 0.3, dtype=oracle.float64)]
        try:
            expected = getattr(theirs, what)
            expected = expected(*arguments[1]) if callable(expected) else expected
        except NotImplementedError:
            continue    # tested by itself where we have it
        got = getattr(ours, what)
        got = got(*arguments[0]) if callable(got) else got
        assert got.shape == tuple(expected.shape), what
        if (name, what) not in NOT_PYTORCHS:
            equal(got, expected, LOOSE.get((name.removesuffix("_logits"), what), 1e-9))
        compared += 1
    assert compared >= 2 or name in ("LKJCholesky", "LogisticNormal") or name.startswith("Relaxed")
    assert repr(made(name)[0].support) == repr(made(name, oracle)[0].support)


@pytest.mark.parametrize("name", ALL)
def test_shapes_and_expand(name):
    d, _ = made(name)
    wide = d.expand((4, *d.batch_shape))
    assert type(wide) is type(d)
    assert wide.batch_shape == (4, *d.batch_shape) and wide.event_shape == d.event_shape
    assert wide.expand(wide.batch_shape).batch_shape == wide.batch_shape
    for law in (d, wide):
        sample = law.sample((2, 3))
        assert sample.shape == (2, 3) + law.batch_shape + law.event_shape
        assert not sample.requires_grad
        assert law.log_prob(sample).shape == (2, 3) + law.batch_shape
        assert law.sample().shape == law.batch_shape + law.event_shape
    sample = wide.sample((2,))
    equal(wide.log_prob(sample), d.log_prob(sample))
    for what in ("mean", "variance", "entropy"):
        try:
            mine, theirs = (getattr(law, what) for law in (wide, d))
            mine, theirs = (x() if callable(x) else x for x in (mine, theirs))
        except NotImplementedError:
            continue
        equal(mine, theirs.expand(mine.shape))
        assert mine.shape == wide.batch_shape + (d.event_shape if what != "entropy" else ())


# Values that a finite difference may move: of these laws they are whole numbers, or lie on a manifold.
@pytest.mark.parametrize("name", [n for n in ALL if n != "StudentT"])
def test_gradients_of_log_prob(name):
    law, tensors = made(name, grad=True, validate_args=False)
    value, keys = values_of(name, 2), list(tensors)
    fixed = {k: v if isinstance(v, int) else torch.tensor(v, dtype=torch.float64) for k, v in ALL[name].items() if k not in tensors}

    def log_prob(*parameters):
        parameters = [(p + p.mT) / 2 if k == "covariance_matrix" else p for k, p in zip(keys, parameters)]
        return type(law)(**fixed, **dict(zip(keys, parameters)), validate_args=False).log_prob(value)

    assert gradcheck(log_prob, tuple(tensors.values()))
    if not law.support.is_discrete and not law.event_shape and name != "Uniform":
        if not law.support.check(value - 1e9).any() and law.support.check(value + 1e9).any():
            value = value + 0.2     # off the end, where slopes are steep
        assert gradcheck(law.log_prob, (value.requires_grad_(True),))


# ----------------------------------------------------------------------------------------- against SciPy

@pytest.mark.parametrize("name", [n for n, (_, law) in NUMBERS.items() if law])
def test_figures_of_scipy(name):
    d, tensors = made(name)
    law = NUMBERS[name][1](**{k: t.numpy() for k, t in tensors.items()})
    value = values_of(name)
    equal(d.log_prob(value), law.logpdf(value.numpy()))
    heavy = name in ("Cauchy", "HalfCauchy")
    if name != "VonMises":      # its mean and variance are those of angles
        if not heavy:
            wanted = law.mean()
            if name == "FisherSnedecor" or name == "StudentT":
                wanted = np.where(np.isinf(wanted), np.nan, wanted)
            equal(d.mean, wanted, 1e-7)
            variance = law.var()
            if name == "FisherSnedecor":
                variance = np.where(np.isinf(variance), np.nan, variance)
            equal(d.variance, variance, 1e-7)
            equal(d.stddev, np.sqrt(variance), 1e-7)
    for what, argument, wanted in (("cdf", value, law.cdf(value.numpy())), ("icdf", torch.full((3,), 0.37), law.ppf(np.full(3, 0.37)))):
        try:
            got = getattr(d, what)(argument.double())
        except NotImplementedError:
            continue
        equal(got, wanted, 1e-7)
    if name != "FisherSnedecor":
        equal(d.entropy() if name != "VonMises" else torch.as_tensor(law.entropy()), law.entropy(), 1e-6)


@pytest.mark.parametrize("name", [n for n, (_, law) in COUNTS.items() if law])
def test_counts_of_scipy(name):
    d, tensors = made(name)
    given = {k: tensors[k].numpy() if k in tensors else v for k, v in PARAMETERS[name].items()}
    law, value = COUNTS[name][1](**given), values_of(name)
    equal(d.log_prob(value), law.logpmf(value.numpy()))
    equal(d.mean, law.mean())
    equal(d.variance, law.var())
    if name in ("Bernoulli", "Binomial", "Geometric"):
        equal(d.entropy(), law.entropy(), 1e-6)


def test_matrices_of_scipy():
    square = np.array(SQUARE)
    for given in (dict(covariance_matrix=square), dict(precision_matrix=np.linalg.inv(square)), dict(scale_tril=np.linalg.cholesky(square))):
        given = {k: torch.tensor(v) for k, v in given.items()}
        normal = D.MultivariateNormal(torch.tensor(C, dtype=torch.float64), **given)
        x = normal.sample((4,))
        law = st.multivariate_normal(C, square)
        equal(normal.log_prob(x), law.logpdf(x.numpy()))
        equal(normal.entropy(), law.entropy())
        for what, wanted in (("covariance_matrix", square), ("precision_matrix", np.linalg.inv(square)), ("scale_tril", np.linalg.cholesky(square)),
                             ("variance", np.diag(square))):
            equal(getattr(normal, what), wanted)
        wishart = D.Wishart(torch.tensor(4.5, dtype=torch.float64), **given)
        x, law = wishart.sample(), st.wishart(4.5, square)
        equal(wishart.log_prob(x), law.logpdf(x.numpy()))
        equal(wishart.entropy(), law.entropy())
        equal(wishart.mean, law.mean())
        equal(wishart.variance, law.var())
        equal(wishart.mode, law.mode() if law.mode() is not None else 0)
    low, _ = made("LowRankMultivariateNormal")
    full = D.MultivariateNormal(low.loc, low.covariance_matrix)
    x = low.sample((3,))
    equal(low.log_prob(x), full.log_prob(x))
    equal(low.entropy(), full.entropy())
    equal(low.variance, full.variance)
    equal(low.precision_matrix, full.precision_matrix)
    equal(low.scale_tril, full.scale_tril)


def test_tails():
    """Far out numbers keep their digits."""
    normal = D.Normal(torch.tensor(0.0, dtype=torch.float64), 1.0)
    equal(normal.cdf(torch.tensor(-20.0, dtype=torch.float64)).log(), st.norm.logcdf(-20.0), 1e-12)
    equal(normal.icdf(torch.tensor(1e-40, dtype=torch.float64)), st.norm.ppf(1e-40), 1e-12)
    laplace = D.Laplace(torch.tensor(0.0, dtype=torch.float64), 1.0)
    equal(laplace.cdf(torch.tensor(-60.0, dtype=torch.float64)).log(), st.laplace.logcdf(-60.0), 1e-12)
    equal(laplace.icdf(torch.tensor(1e-40, dtype=torch.float64)), st.laplace.ppf(1e-40), 1e-12)
    equal(D.HalfNormal(torch.tensor(1.0, dtype=torch.float64)).cdf(torch.tensor(1e-20, dtype=torch.float64)).log(), st.halfnorm.logcdf(1e-20), 1e-12)
    x = torch.tensor(0.3, dtype=torch.float64)
    equal(D.VonMises(x * 0, torch.tensor(1e4, dtype=torch.float64)).log_prob(x), st.vonmises(1e4).logpdf(0.3), 1e-12)


# ------------------------------------------------------------------------------------------------ samples

N = 30_000


def ks_distance(x, cdf):
    x = np.sort(x)
    steps = cdf(x)
    return max(np.abs(steps - np.arange(len(x)) / len(x)).max(), np.abs(steps - np.arange(1, len(x) + 1) / len(x)).max())


@pytest.mark.parametrize("name", NUMBERS)
def test_samples_have_their_law(name):
    """Kolmogorov and Smirnov's distance, in each element of the batch; the seed is fixed."""
    d, tensors = made(name)
    torch.manual_seed(3)
    samples = d.sample((N,)).numpy()
    assert np.isfinite(samples).all()
    law = NUMBERS[name][1]
    for i in range(3):
        if name == "RelaxedBernoulli":
            cdf = (lambda x, i=i: st.logistic.cdf(0.7 * np.log(x / (1 - x)) - d.logits.numpy()[i]))
        elif name == "VonMises":
            angle = law(loc=d.loc[i].item(), concentration=d.concentration[i].item())
            cdf = (lambda x, angle=angle: angle.cdf(x) - angle.cdf(-np.pi))
        elif law:
            cdf = law(**{k: t.numpy()[i] for k, t in tensors.items()}).cdf
        else:
            cdf = (lambda x, i=i: d.cdf(torch.tensor(x).unsqueeze(-1).expand(-1, 3)).numpy()[:, i])
        assert ks_distance(samples[:, i], cdf) < 2.0 / np.sqrt(N), i


@pytest.mark.parametrize("name", [*COUNTS, "Categorical_logits", "Geometric_logits"])
def test_counts_have_their_law(name):
    """Chi-square over the values that are not too rare; the seed is fixed."""
    d, _ = made(name)
    torch.manual_seed(3)
    samples = d.sample((N,)).numpy()
    values = np.arange(samples.max() + 1)
    expected = d.log_prob(torch.tensor(values).double().reshape(-1, *[1] * len(d.batch_shape)).expand(-1, *d.batch_shape)).exp().numpy() * N
    for i in range(samples.shape[1]):
        seen = np.array([(samples[:, i] == v).sum() for v in values])
        often = expected[:, i] > 20
        statistic = ((seen - expected[:, i])[often] ** 2 / expected[often, i]).sum()
        assert statistic < st.chi2(max(often.sum() - 1, 1)).ppf(0.999), (i, statistic)


@pytest.mark.parametrize("name", [n for n in VECTORS if n not in ("LKJCholesky", "RelaxedOneHotCategorical", "LogisticNormal")])
def test_vectors_have_their_moments(name):
    d, _ = made(name)
    torch.manual_seed(4)
    x = d.sample((N,))
    deviation = d.variance.clamp(min=1e-12).sqrt()
    assert ((x.mean(0) - d.mean).abs() < 4.5 * deviation / N ** 0.5 + 1e-12).all()
    assert ((x.var(0) / d.variance - 1).abs() < 0.12).all()
    assert d.support.check(x).all()


def test_relaxed_samples():
    """Which element is the largest has the probabilities given; at low temperature the sample is nearly one-hot."""
    probs = torch.tensor(ROWS, dtype=torch.float64)
    torch.manual_seed(5)
    x = D.RelaxedOneHotCategorical(torch.tensor(0.05), probs).sample((N,))
    largest = torch.nn.functional.one_hot(x.argmax(-1), 3).double().mean(0)
    assert ((largest - probs).abs() < 0.015).all()
    assert (x.max(-1).values > 0.99).double().mean() > 0.85
    logit = LogitRelaxedBernoulli(torch.tensor(0.5, dtype=torch.float64), torch.tensor([0.2, 0.7], dtype=torch.float64))
    assert (((logit.sample((N,)) > 0).double().mean(0) - torch.tensor([0.2, 0.7])).abs() < 0.015).all()
    exp = ExpRelaxedCategorical(torch.tensor(0.7, dtype=torch.float64), probs)
    equal(exp.sample((4,)).exp().sum(-1), np.ones((4, 2)))


@pytest.mark.parametrize("n", [2, 3, 6])
def test_lkj_correlations(n):
    """Each correlation has the law of 2 B - 1, B of Beta(a, a), a = concentration + (n - 2) / 2."""
    torch.manual_seed(6)
    for concentration in (0.5, 1.0, 3.0):
        d = D.LKJCholesky(n, torch.tensor(concentration, dtype=torch.float64))
        L = d.sample((5000,))
        assert d.support.check(L).all()
        correlation = (L @ L.mT).numpy()
        a = concentration + (n - 2) / 2
        for i, j in {(1, 0), (n - 1, 0), (n - 1, n - 2)}:
            assert ks_distance((correlation[:, i, j] + 1) / 2, st.beta(a, a).cdf) < 2.0 / np.sqrt(5000), (i, j)


# ------------------------------------------------------------------------------- gradients through samples

def slope_of_quantile(law, x, given, key):
    """How x moves with a parameter while the probability below it stays: -(dF/d key) / density."""
    h = 1e-5
    up, down = (law(**given | {key: given[key] + s}).cdf(x) for s in (h, -h))
    return -(up - down) / (2 * h) / law(**given).pdf(x)


TWO_NOISES = {"FisherSnedecor", "StudentT"}


@pytest.mark.parametrize("name", [n for n, (_, law) in NUMBERS.items() if law and n not in TWO_NOISES | {"VonMises"}])
def test_rsample_moves_as_its_quantile(name):
    d, tensors = made(name, grad=True)
    torch.manual_seed(7)
    x = d.rsample((6,))
    assert x.requires_grad
    given = {k: t.detach().numpy() for k, t in tensors.items()}
    for i in range(6):
        slopes = torch.autograd.grad(x[i].sum(), list(tensors.values()), retain_graph=True)
        for key, slope in zip(tensors, slopes):
            wanted = slope_of_quantile(NUMBERS[name][1], x[i].detach().numpy(), given, key)
            np.testing.assert_allclose(slope.numpy(), wanted, rtol=2e-5, atol=1e-8)


@pytest.mark.parametrize("name, test", [
    ("StudentT", lambda x: torch.tanh(x)), ("FisherSnedecor", lambda x: x / (1 + x)), ("ContinuousBernoulli", lambda x: x ** 2), ("Kumaraswamy", lambda x: x ** 2),
    ("RelaxedBernoulli", lambda x: x), ("Dirichlet", lambda x: x[..., 0] * x[..., 1] + x[..., 2] ** 2),
    ("MultivariateNormal", lambda x: torch.tanh(x).prod(-1)), ("LowRankMultivariateNormal", lambda x: torch.tanh(x).prod(-1)),
    ("LogisticNormal", lambda x: x[..., 0] * x[..., 1]), ("RelaxedOneHotCategorical", lambda x: x[..., 0] * x[..., 1]),
    ("Wishart", lambda x: torch.tanh(x[..., 0, 1]) + torch.log1p(x[..., 0, 0]))])
def test_two_estimates_of_a_gradient_agree(name, test):
    """d E[f(x)]: through the sample, and by the score function E[f(x) d log p(x)]; equal within their standard errors."""
    d, tensors = made(name, grad=True)
    torch.manual_seed(8)
    n = 20_000 if not d.arg_constraints.keys() & {"scale_tril", "cov_factor"} else 1_500
    leaves = {}
    for k, t in tensors.items():
        event = t.shape[t.dim() - d.arg_constraints[k].event_dim:]
        shape = t.shape if name == "LogisticNormal" else d.batch_shape + event
        leaves[k] = t.detach().expand((n, *shape)).clone().requires_grad_(True)
    given = {k: leaves.get(k, torch.tensor(v, dtype=torch.float64) if isinstance(v, float) else v) for k, v in ALL[name].items()}
    wide = type(d)(**given)
    x = wide.rsample()
    f = test(x)
    path = torch.autograd.grad(f.sum(), list(leaves.values()), retain_graph=True)
    x = wide.sample()
    f = test(x)
    score = torch.autograd.grad(((f - f.mean(0)) * wide.log_prob(x)).sum(), list(leaves.values()))
    for key, a, b in zip(leaves, path, score):
        error = (a.var(0) / n + b.var(0) / n).sqrt()
        assert ((a.mean(0) - b.mean(0)).abs() < 4.5 * error + 1e-12).all(), key


def test_straight_through():
    logits = torch.tensor([C, A], dtype=torch.float64, requires_grad=True)
    weights = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    x = D.OneHotCategoricalStraightThrough(logits=logits).rsample()
    assert D.constraints.one_hot.check(x.round()).all()
    got, = torch.autograd.grad((x * weights).sum(), logits)
    wanted, = torch.autograd.grad((logits.softmax(-1) * weights).sum(), logits)
    equal(got, wanted)


@pytest.mark.parametrize("name", ["Bernoulli", "Binomial", "Categorical", "OneHotCategorical"])
def test_enumerate_support(name):
    d, _ = made(name)
    values = d.enumerate_support()
    flat = d.enumerate_support(expand=False)
    assert values.shape[1:] == d.batch_shape + d.event_shape
    assert flat.shape[1:] == (1,) * len(d.batch_shape) + d.event_shape
    equal(d.log_prob(values).exp().sum(0), np.ones(d.batch_shape))
    assert (values == flat).all()
    entropy = -(d.log_prob(values) * d.log_prob(values).exp()).sum(0)
    equal(d.entropy(), entropy)


@pytest.mark.parametrize("name", ["Normal", "Gamma", "Beta", "Dirichlet", "Bernoulli", "Exponential", "ContinuousBernoulli", "Wishart"])
def test_entropy_of_the_family(name):
    """The formula by the normaliser gives each member's own entropy, with its gradient."""
    d, tensors = made(name, grad=True)
    if name in ("Beta", "Dirichlet"):       # whose carrier measure has a mean that is not 0: the rest is compared
        theta = d._natural_params
        assert all(t.requires_grad for t in theta)
        return
    general = D.ExponentialFamily.entropy(d)
    equal(general, d.entropy(), 1e-6)
    for mine, own in zip(*(torch.autograd.grad(e.sum(), list(tensors.values()), retain_graph=True, allow_unused=True) for e in (general, d.entropy()))):
        assert mine.abs().max() < 1e-9 if own is None else torch.allclose(mine, own, rtol=1e-4)
