"""nn.init: what is drawn has the stated distribution or the stated form."""
import math

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.nn import init


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def filled(function, *args, shape=(200, 300), **options):
    x = torch.empty(*shape)
    assert function(x, *args, **options) is x
    return x.numpy().astype(float)


def test_constants():
    assert filled(init.constant_, 3.5).std() == 0 and filled(init.ones_).mean() == 1 and filled(init.zeros_).mean() == 0
    np.testing.assert_array_equal(filled(init.eye_, shape=(3, 4)), np.eye(3, 4))
    np.testing.assert_array_equal(filled(init.dirac_, shape=(2, 2, 3)), [[[0, 1, 0], [0, 0, 0]], [[0, 0, 0], [0, 1, 0]]])
    x = torch.randn(1, 2, 5, 5)
    w = torch.empty(2, 2, 3, 3)
    init.dirac_(w)
    assert torch.equal(torch.nn.functional.conv2d(x, w, padding=1), x)


@pytest.mark.parametrize(
    "function, bound",
    [
        (lambda x: init.uniform_(x, -2, 2), 2),
        (init.xavier_uniform_, math.sqrt(6 / 500)),
        (lambda x: init.xavier_uniform_(x, gain=2), 2 * math.sqrt(6 / 500)),
        (lambda x: init.kaiming_uniform_(x, nonlinearity="relu"), math.sqrt(6 / 300)),
        (lambda x: init.kaiming_uniform_(x, a=2, mode="fan_out"), math.sqrt(2 / 5) * math.sqrt(3 / 200)),
    ],
)
def test_uniform(function, bound):
    x = filled(function)
    assert -bound <= x.min() < -0.99 * bound and 0.99 * bound < x.max() <= bound
    assert abs(x.mean()) < 0.02 * bound and abs(x.std() - bound / math.sqrt(3)) < 0.01 * bound


@pytest.mark.parametrize(
    "function, mean, std",
    [
        (lambda x: init.normal_(x, 3, 2), 3, 2),
        (init.xavier_normal_, 0, math.sqrt(2 / 500)),
        (lambda x: init.kaiming_normal_(x, nonlinearity="relu"), 0, math.sqrt(2 / 300)),
        (lambda x: init.kaiming_normal_(x, mode="fan_out", nonlinearity="tanh"), 0, 5 / 3 / math.sqrt(200)),
        (lambda x: init.trunc_normal_(x, 0, 1, -9, 9), 0, 1),
    ],
)
def test_normal(function, mean, std):
    x = (filled(function) - mean) / std
    assert abs(x.mean()) < 0.02 and abs(x.std() - 1) < 0.02 and abs((x**4).mean() - 3) < 0.15


def test_truncated_normal_stays_inside():
    x = filled(init.trunc_normal_, 1.0, 2.0, 0.0, 1.5)
    assert 0 <= x.min() < 0.01 and 1.49 < x.max() <= 1.5


def test_fans_of_convolutions():
    bound = math.sqrt(6 / (3 * 25 + 8 * 25))
    assert abs(abs(filled(init.xavier_uniform_, shape=(8, 3, 5, 5))).max() - bound) < 0.02 * bound


@pytest.mark.parametrize("shape", [(4, 4), (3, 6), (6, 3), (4, 2, 3)])
def test_orthogonal(shape):
    x = filled(init.orthogonal_, gain=2.0, shape=shape).reshape(shape[0], -1)
    small = x @ x.T if x.shape[0] <= x.shape[1] else x.T @ x
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-5)


def test_sparse():
    x = filled(init.sparse_, 0.3, 0.5, shape=(100, 50))
    np.testing.assert_array_equal((x == 0).sum(0), 30)
    assert abs(x[x != 0].std() - 0.5) < 0.03


@pytest.mark.parametrize(
    "name, param, gain",
    [("linear", None, 1), ("conv2d", None, 1), ("sigmoid", None, 1), ("tanh", None, 5 / 3), ("relu", None, math.sqrt(2)), ("leaky_relu", 0.2, math.sqrt(2 / 1.04)), ("selu", None, 0.75)],
)
def test_gain(name, param, gain):
    assert init.calculate_gain(name, param) == pytest.approx(gain)


def test_a_generator_repeats():
    draws = [filled(init.normal_, generator=torch.Generator().manual_seed(5)) for _ in range(2)]
    np.testing.assert_array_equal(*draws)


def test_nothing_is_recorded():
    p = torch.nn.Parameter(torch.empty(3, 3))
    init.xavier_normal_(p)
    assert p.is_leaf and p.requires_grad and p.grad_fn is None


@pytest.mark.parametrize(
    "call, error, match",
    [
        (lambda: init.xavier_normal_(torch.empty(3)), ValueError, "fewer than 2 dimensions"),
        (lambda: init.eye_(torch.empty(3)), ValueError, "2 dimensions"),
        (lambda: init.dirac_(torch.empty(3, 3)), ValueError, "3, 4, or 5"),
        (lambda: init.orthogonal_(torch.empty(3)), ValueError, "2 or more dimensions"),
        (lambda: init.sparse_(torch.empty(3), 0.1), ValueError, "2 dimensions"),
        (lambda: init.calculate_gain("nothing"), ValueError, "nothing"),
        (lambda: init.kaiming_normal_(torch.empty(2, 2), mode="fan"), ValueError, "fan"),
    ],
)
def test_wrong_arguments_are_refused(call, error, match):
    with pytest.raises(error, match=match):
        call()
