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
