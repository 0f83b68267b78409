"""Random numbers: distributions against their moments and quantiles, streams, dropout."""
import numpy as np
import pytest
import scipy.stats as st

import pyxtorch as torch
import pyxtorch.nn.functional as F

N = 200_000

LAWS = {
    "rand": (lambda: torch.rand(N), st.uniform()),
    "rand_like": (lambda: torch.rand_like(torch.empty(N)), st.uniform()),
    "randn": (lambda: torch.randn(N), st.norm()),
    "randn_float64": (lambda: torch.randn(N, dtype=torch.float64), st.norm()),
    "randn_like": (lambda: torch.randn_like(torch.empty(N)), st.norm()),
    "normal": (lambda: torch.normal(1.0, 2.0, (N,)), st.norm(1, 2)),
    "normal_of_tensors": (lambda: torch.normal(torch.ones(N), torch.full((N,), 2.0)), st.norm(1, 2)),
    "uniform_": (lambda: torch.empty(N).uniform_(-1, 3), st.uniform(-1, 4)),
    "normal_": (lambda: torch.empty(N).normal_(2, 0.5), st.norm(2, 0.5)),
    "exponential_": (lambda: torch.empty(N).exponential_(2.0), st.expon(scale=0.5)),
    "log_normal_": (lambda: torch.empty(N, dtype=torch.float64).log_normal_(0.2, 0.5), st.lognorm(0.5, scale=np.exp(0.2))),
    "cauchy_": (lambda: torch.empty(N, dtype=torch.float64).cauchy_(1.0, 2.0), st.cauchy(1, 2)),
    "_standard_gamma": (lambda: torch._standard_gamma(torch.full((N,), 2.5)), st.gamma(2.5)),
    "small_gamma": (lambda: torch._standard_gamma(torch.full((N,), 0.3, dtype=torch.float64)), st.gamma(0.3)),
}
_SHARES = torch.tensor([0.4, 1.5, 3.0], dtype=torch.float64)
LAWS["_sample_dirichlet"] = (lambda: torch._sample_dirichlet(_SHARES.expand(N, 3))[:, 0], st.beta(0.4, 4.5))
COUNTS = {
    "bernoulli": (lambda: torch.bernoulli(torch.full((N,), 0.3)), st.bernoulli(0.3)),
    "bernoulli_": (lambda: torch.empty(N).bernoulli_(0.3), st.bernoulli(0.3)),
    "poisson": (lambda: torch.poisson(torch.full((N,), 3.5)), st.poisson(3.5)),
    "large_poisson": (lambda: torch.poisson(torch.full((N,), 40.0)), st.poisson(40)),
    "binomial": (lambda: torch.binomial(torch.full((N,), 9.0), torch.full((N,), 0.3)), st.binom(9, 0.3)),
    "large_binomial": (lambda: torch.binomial(torch.full((N,), 90.0), torch.full((N,), 0.7)), st.binom(90, 0.7)),
    "geometric_": (lambda: torch.empty(N).geometric_(0.3), st.geom(0.3)),
    "randint": (lambda: torch.randint(2, 9, (N,)), st.randint(2, 9)),
    "randint_like": (lambda: torch.randint_like(torch.empty(N), 5), st.randint(0, 5)),
    "random_": (lambda: torch.empty(N, dtype=torch.int64).random_(3, 20), st.randint(3, 20)),
    "multinomial": (lambda: torch.multinomial(torch.tensor([0.2, 0.5, 0.3]), N, replacement=True), st.rv_discrete(values=([0, 1, 2], [0.2, 0.5, 0.3]))),
}


@pytest.mark.parametrize("name", LAWS)
def test_law(name):
    """Kolmogorov-Smirnov: the largest distance between distribution functions; the seed is fixed."""
    make, law = LAWS[name]
    torch.manual_seed(1)
    x = np.sort(make().double().numpy())
    steps = law.cdf(x)
    distance = max(np.abs(steps - np.arange(N) / N).max(), np.abs(steps - np.arange(1, N + 1) / N).max())
    assert distance < 2.0 / np.sqrt(N)      # exceeded once in 1,500 seeds


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name):
    """Chi-square over the values that are not too rare; the seed is fixed."""
    make, law = COUNTS[name]
    torch.manual_seed(1)
    x = make().double().numpy()
    assert (x == np.round(x)).all()
    values = np.arange(x.min(), x.max() + 1)
    expected = law.pmf(values) * N
    kept = expected >= 10
    assert (law.pmf(np.unique(x)) > 0).all()
    observed = np.array([(x == v).sum() for v in values[kept]])
    assert st.chi2.sf(((observed - expected[kept]) ** 2 / expected[kept]).sum(), kept.sum()) > 1e-3


def test_seed_decides_the_stream():
    torch.manual_seed(7)
    a = torch.rand(5)
    torch.manual_seed(7)
    assert (torch.rand(5) == a).all()
    assert (torch.rand(5) != a).any()
    assert torch.initial_seed() == 7


def test_state_can_be_saved_and_restored():
    state = torch.get_rng_state()
    a = torch.randn(10)
    torch.set_rng_state(state)
    assert (torch.randn(10) == a).all()
    with pytest.raises((RuntimeError, TypeError)):
        torch.set_rng_state(torch.zeros(3, dtype=torch.uint8))


def test_generators_are_independent():
    g, h = torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)
    a = torch.rand(4, generator=g)
    torch.rand(100)
    assert (torch.rand(4, generator=h) == a).all()
    assert g.initial_seed() == 3
    assert torch.default_generator.initial_seed() == torch.initial_seed()


@pytest.mark.parametrize("make", [lambda: torch.rand(150_001), lambda: torch.randn(150_001), lambda: torch.randint(0, 1000, (150_001,)), lambda: torch.randperm(150_001),
                                  lambda: F.dropout(torch.ones(150_001)), lambda: torch.poisson(torch.full((150_001,), 2.0)), lambda: torch._standard_gamma(torch.full((150_001,), 0.7))])
def test_same_stream_on_any_number_of_threads(make):
    before, seen = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 4):
            torch.set_num_threads(threads)
            torch.manual_seed(5)
            seen.append(make().numpy().tobytes())
    finally:
        torch.set_num_threads(before)
    assert seen[0] == seen[1] == seen[2]


def test_randperm_is_a_permutation():
    for n in (0, 1, 2, 1000):
        assert sorted(torch.randperm(n).tolist()) == list(range(n))
    torch.manual_seed(0)
    firsts = [torch.randperm(4).tolist()[0] for _ in range(4000)]
    assert all(850 < firsts.count(i) < 1150 for i in range(4))


def test_multinomial_without_replacement():
    torch.manual_seed(0)
    rows = torch.multinomial(torch.tensor([[0.1, 0.0, 0.9, 0.5]]).expand(500, 4), 3)
    assert all(sorted(r) == [0, 2, 3] for r in rows.tolist())
    for wrong in (torch.tensor([0.5, -0.1]), torch.tensor([np.nan, 1.0]), torch.tensor([0.0, 0.0])):
        with pytest.raises(RuntimeError):
            torch.multinomial(wrong, 1)
    with pytest.raises(RuntimeError):
        torch.multinomial(torch.ones(3), 4)


@pytest.mark.parametrize("name", ["dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"])
def test_dropout(name):
    f = getattr(F, name)
    shape = {"dropout1d": (200, 30, 4), "dropout3d": (100, 30, 2, 2, 2)}.get(name, (100, 30, 3, 3))
    torch.manual_seed(0)
    x = torch.ones(shape, requires_grad=True)
    y = f(x, 0.25, True)
    y.sum().backward()
    if "alpha" in name:
        assert abs(y.mean().item() - 1) < 0.5 and len(set(y.flatten().tolist())) == 2
    else:
        assert set(y.flatten().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
        assert (x.grad == y).all()      # the same mask and scale
        assert abs((y == 0).float().mean().item() - 0.25) < 0.02
    if name[-1] == "d" or "feature" in name:
        channels = y.flatten(2)
        assert (channels == channels[..., :1]).all()
    assert (f(x, 0.25, False) == x).all()
    with pytest.raises(ValueError, match="between 0 and 1|probability"):
        f(x, 1.5, True)
    if name == "dropout":
        assert (f(x, 1.0, True) == 0).all() and (f(x, 0.0, True) == x).all()


def test_feature_dropout():
    torch.manual_seed(0)
    y = torch.feature_dropout(torch.ones(100, 20, 3), 0.5, True)
    assert set(y.flatten().tolist()) == {0.0, 2.0} and (y == y[..., :1]).all()


def test_native_dropout():
    torch.manual_seed(0)
    x = torch.ones(1000)
    y, mask = torch.native_dropout(x, 0.5, True)
    assert mask.dtype is torch.bool and ((y != 0) == mask).all()
    assert (torch.native_dropout_backward(x, mask, 2.0) == y).all()


def test_impossible_parameters_are_refused():
    for call in (lambda: torch.empty(2).uniform_(2, 1), lambda: torch.empty(2).normal_(0, -1), lambda: torch.empty(2).exponential_(0), lambda: torch.randint(3, 3, (2,)), lambda: torch.randint(5, 2, (2,)),
                 lambda: torch.bernoulli(torch.tensor([1.5])), lambda: torch.poisson(torch.tensor([-1.0])), lambda: torch.empty(2).geometric_(0), lambda: torch.normal(torch.zeros(2), torch.tensor([1.0, -1.0])),
                 lambda: torch.randperm(-1)):
        with pytest.raises((RuntimeError, ValueError)):
            call()


# ------------------------------------------------------------------- gradients of gamma and Dirichlet numbers

# (a, z, dz/da) and (x, a, a + b, slope / (1 - x)) by mpmath with 40 digits: -(dF/da) / density, F the (regularised) incomplete gamma
# and beta functions. Each branch of the formulas, and both tails.
GAMMA_SLOPES = [
    (0.001, 1.298107605469913e-196, 5.84758791072821e-191), (0.001, 5.003, 854.2974029664645), (0.02, 0.001, 0.3185084572431963),
    (0.3, 0.8008102640999938, 2.484961279655451), (0.9, 0.01905890768917248, 0.09244260476285351),
    (1.0, 1.7376785100406522, 1.5317710379160183), (1.0, 8.0, 2.768936845834868), (1.5, 0.07500000000000001, 0.17034151001604075),
    (3.0, 5.924420348615781, 1.4568032338417016), (7.0, 8.894328077915478, 1.1516464213399626),
    (15.0, 23.527602150716763, 1.2557031544013413), (15.0, 50.0, 1.7383693784946177), (19.9, 0.995, 0.15868885399496271),
    (25.0, 22.284765193986114, 0.9499261047348726), (80.0, 92.04237450646242, 1.0739835146048244),
    (500.0, 515.1055963360538, 1.0152941111728433), (500.0, 1505.0, 1.6506978457155002),
    (3000.0, 2780.9109769979336, 0.9626157881732702), (100000.0, 100199.1524540332, 1.0009967702258948),
]
DIRICHLET_SLOPES = [
    (2.8723480343585635e-105, 0.001, 0.002, 2.127590308021199e-99), (1.1179287964755423e-12, 0.001, 0.501, 3.231099866232611e-08),
    (1e-200, 0.001, 2.501, 4.592377997866622e-195), (1e-200, 0.001, 100.001, 4.5534127476414456e-195),
    (0.10470400326730318, 0.05, 0.55, 7.644760456045194), (0.00040017310994581307, 0.05, 2.55, 0.052865641262443135),
    (1.5759093850089296e-17, 0.05, 100.05, 1.0587149889961369e-14), (0.7729691479621281, 0.5, 1.0, 2.3862005543018068),
    (0.22390947380939474, 0.5, 3.0, 0.5800821776989168), (0.004590866674224471, 0.5, 100.5, 0.012790277791402396),
    (0.8513592201339213, 1.0, 1.5, 1.1235557696493979), (0.2110196567491539, 1.0, 3.5, 0.3118769598987795),
    (0.021772142470604227, 1.0, 101.0, 0.0169078034681638), (0.9528004397906404, 2.5, 3.0, 0.4283554236117225),
    (0.28325663238612203, 2.5, 5.0, 0.1678827750958459), (0.025923958626279445, 2.5, 102.5, 0.01078327784893164),
    (0.9156880902957257, 10.0, 10.5, 0.09801243692334302), (0.7099995276324421, 10.0, 12.5, 0.07860972248958069),
    (0.05996795030677484, 10.0, 110.0, 0.007473154698610828), (0.9995783853071194, 100.0, 100.5, 0.010022884281376886),
    (0.9629263132575574, 100.0, 102.5, 0.009740129283753646), (0.5691822228823986, 100.0, 200.0, 0.005349070000533022),
    (0.9996863639072235, 10000.0, 10000.5, 9.998681603286658e-05), (0.9997599615327099, 10000.0, 10002.5, 9.99804993161712e-05),
    (0.9906014950975929, 10000.0, 10100.0, 9.903994064421006e-05),
]


def test_slopes_of_gamma_numbers():
    a, z, slope = torch.tensor(GAMMA_SLOPES, dtype=torch.float64).T
    assert torch.allclose(torch._standard_gamma_grad(a, z), slope, rtol=1e-10, atol=0)
    assert torch.allclose(torch._standard_gamma_grad(a.float(), z.float()).double(), slope, rtol=1e-4, atol=1e-30)
    z = torch.tensor(2e10, dtype=torch.float64) + 1.4e5 * torch.tensor([-2.0, 0.0, 2.0])
    assert torch.allclose(torch._standard_gamma_grad(torch.tensor(2e10, dtype=torch.float64), z), (z / 2e10 + 1) / 2)
    odd = torch._standard_gamma_grad(torch.tensor([1.0, -1.0, torch.nan, 1.0]), torch.tensor([0.0, 1.0, 1.0, -1.0]))
    assert odd[0] == 0 and odd[1:].isnan().all()
    assert torch._standard_gamma_grad(torch.ones(3, 1), torch.ones(2)).shape == (3, 2)


def test_slopes_of_dirichlet_numbers():
    x, a, total, slope = torch.tensor(DIRICHLET_SLOPES, dtype=torch.float64).T
    assert torch.allclose(torch._dirichlet_grad(x, a, total), slope, rtol=1e-7, atol=0)
    ends = torch._dirichlet_grad(torch.tensor([0.0, 1.0, 0.5, 2.0]), torch.tensor([1.0, 1.0, 3.0, 1.0]), torch.tensor([2.0, 2.0, 3.0, 2.0]))
    assert ends[0] == 0 and ends[1].item() == pytest.approx(1.0) and ends[2].item() == pytest.approx(0.3949340668) and ends[3].isnan()
    with pytest.raises(RuntimeError, match="one shape"):
        torch._dirichlet_grad(torch.ones(2), torch.ones(3), torch.ones(3))
    with pytest.raises(RuntimeError, match="one dtype"):
        torch._dirichlet_grad(torch.ones(2), torch.ones(2).double(), torch.ones(2))


@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 0.02), (torch.float16, 0.005)])
def test_gamma_and_dirichlet_have_gradients(dtype, tolerance):
    torch.manual_seed(2)
    a = torch.tensor([[0.7, 2.0, 5.0], [0.3, 30.0, 1.0]], dtype=dtype, requires_grad=True)
    z = torch._standard_gamma(a)
    got, = torch.autograd.grad((z * 3).sum(), a, create_graph=True)
    assert torch.allclose(got, 3 * torch._standard_gamma_grad(a, z), rtol=tolerance)
    with pytest.raises(NotImplementedError, match="differentiated once"):
        got.sum().backward()
    x, weights = torch._sample_dirichlet(a), torch.tensor([1.0, -2.0, 0.5], dtype=dtype)
    assert x.dtype == dtype and torch.allclose(x.sum(-1).double(), torch.ones(2).double(), rtol=max(tolerance, 1e-6))
    got, = torch.autograd.grad((x * weights).sum(), a)
    slopes = torch._dirichlet_grad(x.double(), a.double(), a.double().sum(-1, True).expand(2, 3))
    wanted = slopes * (weights.double() - (x.double() * weights.double()).sum(-1, True))
    assert torch.allclose(got.double(), wanted, rtol=20 * tolerance, atol=20 * tolerance)


def test_tiny_concentrations_of_a_dirichlet():
    """Gamma numbers themselves would all be 0; every share stays inside (0, 1)."""
    torch.manual_seed(2)
    x = torch._sample_dirichlet(torch.full((2000, 3), 1e-4))
    assert ((x > 0) & (x < 1)).all() and (x.max(-1).values > 0.99).float().mean() > 0.95
    assert abs((x[:, 0] > 0.5).float().mean() - 1 / 3) < 0.05
    with pytest.raises(RuntimeError, match="invalid parameters"):
        torch._sample_dirichlet(torch.tensor([-2.0, 1.0]))
    with pytest.raises(RuntimeError, match="last dimension"):
        torch._sample_dirichlet(torch.tensor(1.0))


def test_bounds_of_randint_by_name():
    x = torch.zeros(3, 4)
    for made in (torch.randint(high=3, size=(3, 4)), torch.randint(3, size=(3, 4)), torch.randint(low=1, high=3, size=(3, 4)),
                 torch.randint_like(x, high=3), torch.randint_like(x, 3), torch.randint_like(x, low=1, high=3)):
        assert made.shape == (3, 4) and 0 <= made.min() and made.max() < 3
    for call in (lambda: torch.randint(size=(3,)), lambda: torch.randint_like(x)):
        with pytest.raises(TypeError, match="missing argument: high"):
            call()
