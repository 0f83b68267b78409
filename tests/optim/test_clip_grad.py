"""Limiting gradients: nn.utils.clip_grad_norm_ and its relatives."""
import math

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.nn.utils import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-6, torch.float16: 2e-3, torch.bfloat16: 2e-2}


def parameters_of(dtype=torch.float64, contiguous=True, seed=0):
    """Parameters with gradients, one without, and the gradients' values."""
    rng = np.random.default_rng(seed)
    parameters, values = [], []
    for shape in ((3, 4), (5,), (), (0, 2)):
        g = torch.tensor(rng.normal(size=shape), dtype=dtype)
        if not contiguous and len(shape) == 2:
            g = g.t().contiguous().t()
        p = torch.zeros(shape, dtype=dtype, requires_grad=True)
        p.grad = g
        parameters.append(p)
        values.append(g.double().numpy().copy())
    return [*parameters, torch.zeros(2, requires_grad=True)], values


def norm_of(values, order):
    return np.linalg.norm(np.concatenate([v.reshape(-1) for v in values]), order)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("order", [2, 2.0, 1, 3])
@pytest.mark.parametrize("contiguous", [True, False])
@pytest.mark.parametrize("limit", [0.5, 100.0])
def test_clip_grad_norm(dtype, order, contiguous, limit):
    parameters, values = parameters_of(dtype, contiguous)
    kept = [p.grad for p in parameters]
    total = clip_grad_norm_(parameters, limit, order)
    expected = norm_of(values, order)
    assert total.shape == () and total.dtype is dtype
    np.testing.assert_allclose(total.item(), expected, rtol=4 * TOLERANCE[dtype])
    for p, old, value in zip(parameters, kept, values):
        assert p.grad is old
        np.testing.assert_allclose(old.double().numpy(), value * min(1, limit / (expected + 1e-6)), rtol=8 * TOLERANCE[dtype], atol=1e-7)
    assert parameters[-1].grad is None


def test_largest_value():
    p = torch.zeros(3, requires_grad=True)
    p.grad = torch.tensor([1.0, -8.0, 2.0])
    assert clip_grad_norm_(p, 4.0, math.inf).item() == 8
    np.testing.assert_allclose(p.grad.numpy(), [0.5, -4.0, 1.0], rtol=1e-6)


def test_mixed_dtypes():
    p, q = torch.zeros(1, dtype=torch.float64, requires_grad=True), torch.zeros(1, requires_grad=True)
    p.grad, q.grad = torch.full((1,), 3.0, dtype=torch.float64), torch.full((1,), 4.0)
    assert clip_grad_norm_([p, q], 1.0).item() == 5
    np.testing.assert_allclose([p.grad.item(), q.grad.item()], [0.6, 0.8], rtol=1e-6)


def test_one_gradient_of_two_parameters_is_scaled_twice():
    p, q = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    p.grad = q.grad = torch.tensor([1.0])
    assert clip_grad_norm_([p, q], 0.5).item() == pytest.approx(2**0.5)
    assert p.grad.item() == pytest.approx(0.125, rel=1e-5)


def test_not_finite():
    p = torch.zeros(2, requires_grad=True)
    p.grad = torch.tensor([1.0, math.nan])
    with pytest.raises(RuntimeError, match="non-finite"):
        clip_grad_norm_(p, 1.0, error_if_nonfinite=True)
    assert p.grad[0] == 1.0
    assert math.isnan(clip_grad_norm_(p, 1.0)) and math.isnan(p.grad[0])
    p.grad = torch.tensor([1.0, math.inf])
    assert clip_grad_norm_(p, 1.0) == math.inf
    assert p.grad[0] == 0 and math.isnan(p.grad[1])


def test_large_values_do_not_overflow():
    p = torch.zeros(2, requires_grad=True)
    p.grad = torch.tensor([3e30, 4e30])
    assert clip_grad_norm_(p, 1.0).item() == pytest.approx(5e30, rel=1e-6)
    np.testing.assert_allclose(p.grad.numpy(), [0.6, 0.8], rtol=1e-6)


def test_nothing_to_clip():
    assert clip_grad_norm_([], 1.0).item() == 0
    assert clip_grad_norm_(torch.zeros(2, requires_grad=True), 1.0).item() == 0
    with pytest.warns(UserWarning, match="empty generator"):
        clip_grad_norm_((p for p in []), 1.0)


def test_norm_and_scaling_apart():
    parameters, values = parameters_of()
    gradients = [p.grad for p in parameters if p.grad is not None]
    total = get_total_norm(gradients)
    assert total.item() == pytest.approx(norm_of(values, 2), rel=1e-12)
    assert get_total_norm(gradients[0], 1.0).item() == pytest.approx(norm_of(values[:1], 1), rel=1e-12)
    clip_grads_with_norm_(parameters, 1.0, total * 2)
    np.testing.assert_allclose(gradients[0].numpy(), values[0] / (2 * norm_of(values, 2) + 1e-6), rtol=1e-12)


def test_clip_grad_value():
    parameters, values = parameters_of()
    clip_grad_value_(parameters, 0.5)
    for p, value in zip(parameters, values):
        np.testing.assert_array_equal(p.grad.numpy(), np.clip(value, -0.5, 0.5))


def test_scaling_raises_the_version():
    p = torch.zeros(2, requires_grad=True)
    p.grad = torch.tensor([3.0, 4.0])
    before = p.grad._version
    clip_grad_norm_(p, 1.0)
    assert p.grad._version > before


def test_bits_do_not_depend_on_threads():
    rng = np.random.default_rng(3)
    arrays = [rng.normal(size=n).astype(np.float32) for n in (100_003, 7, 40_000)]
    before, ends = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            parameters = [torch.zeros(a.size, requires_grad=True) for a in arrays]
            for p, a in zip(parameters, arrays):
                p.grad = torch.tensor(a)
            total = clip_grad_norm_(parameters, 0.7)
            ends.append((total.item(), [p.grad.numpy().tobytes() for p in parameters]))
    finally:
        torch.set_num_threads(before)
    assert ends[0] == ends[1] == ends[2]
