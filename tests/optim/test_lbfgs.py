"""LBFGS: minima it must find, and its limits."""
import numpy as np
import pytest

import pyxtorch as torch


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def closure_of(optimizer, loss):
    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    return closure


def test_lbfgs_rosenbrock():
    x = torch.tensor([-1.2, 1.0] * 3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([x], max_iter=200, tolerance_change=0, line_search_fn="strong_wolfe")
    closure = closure_of(optimizer, lambda: rosenbrock(x))
    first = optimizer.step(closure)
    assert first.item() == pytest.approx(float(rosenbrock(torch.tensor([-1.2, 1.0] * 3, dtype=torch.float64))))
    np.testing.assert_allclose(x.detach().numpy(), np.ones(6), atol=1e-6)


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_quadratic(search):
    """Two parameters, one complex and one that is not contiguous: min |A z - b|^2."""
    rng = np.random.default_rng(2)
    A, b = rng.normal(size=(12, 8)), rng.normal(size=12)
    best = np.linalg.lstsq(A, b, rcond=None)[0]
    z = torch.zeros(1, dtype=torch.complex128, requires_grad=True)
    wide = torch.zeros(3, 2, dtype=torch.float64).t().requires_grad_()
    optimizer = torch.optim.LBFGS([z, wide], max_iter=60, tolerance_change=0, line_search_fn=search, history_size=12)
    A, b = torch.tensor(A), torch.tensor(b)
    joined = lambda: torch.cat([torch.view_as_real(z).reshape(-1), wide.reshape(-1)])
    closure = closure_of(optimizer, lambda: ((A @ joined() - b) ** 2).sum())
    for _ in range(2):
        optimizer.step(closure)
    np.testing.assert_allclose(joined().detach().numpy(), best, atol=1e-6)


def test_lbfgs_counts_and_limits():
    x = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([x], lr=0.01, max_iter=5, history_size=2)
    calls = []

    def closure():
        calls.append(1)
        return closure_of(optimizer, lambda: rosenbrock(x))()

    optimizer.step(closure)
    state = optimizer.state[x]
    assert state["n_iter"] == 5 and state["func_evals"] == len(calls) == 5
    assert len(state["old_dirs"]) <= 2


def test_lbfgs_wrong_input():
    p = torch.zeros(2, requires_grad=True)
    with pytest.raises(ValueError, match="parameter groups"):
        torch.optim.LBFGS([{"params": [p]}, {"params": [torch.zeros(2, requires_grad=True)]}])
    optimizer = torch.optim.LBFGS([p], line_search_fn="golden")
    with pytest.raises(RuntimeError, match="strong_wolfe"):
        optimizer.step(closure_of(optimizer, lambda: (p * p).sum()))
