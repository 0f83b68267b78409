"""Normalisation."""
import numpy as np
import pytest

import pyxtorch as torch
import pyxtorch.nn.functional as F
from pyxtorch.testing.operations import FLOAT, WIDE, Error, Op, S, tensor

TOL = {torch.float32: (1e-5, 1e-5), torch.float16: (2e-3, 4e-3), torch.bfloat16: (1.6e-2, 3e-2)}


def normalised(x, axes, eps):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def by_channel(v, x):
    return v.reshape(1, -1, *[1] * (x.ndim - 2))


def scaled(y, weight, bias):
    y = y if weight is None else y * by_channel(weight, y)
    return y if bias is None else y + by_channel(bias, y)


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    axes = tuple(range(x.ndim - len(normalized_shape), x.ndim))
    y = normalised(x, axes, eps) * (1 if weight is None else weight)
    return y + (0 if bias is None else bias)


def rms_norm(x, normalized_shape, weight=None, eps=None):
    axes = tuple(range(x.ndim - len(normalized_shape), x.ndim))
    return x / np.sqrt((x * x).mean(axes, keepdims=True) + (np.finfo(np.float64).eps if eps is None else eps)) * (1 if weight is None else weight)


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    grouped = x.reshape(x.shape[0], num_groups, -1)
    return scaled(normalised(grouped, (2,), eps).reshape(x.shape), weight, bias)


def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    axes = (0, *range(2, x.ndim))
    if training:
        y = normalised(x, axes, eps)
    else:
        y = (x - by_channel(running_mean, x)) / np.sqrt(by_channel(running_var, x) + eps)
    return scaled(y, weight, bias)


def instance_norm(x, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5):
    if use_input_stats:
        return scaled(normalised(x, tuple(range(2, x.ndim)), eps), weight, bias)
    return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)


def op(name, *samples, reference, **named):
    return Op("nn.functional." + name, *samples, reference=reference, **{"tol": TOL, "dtypes": FLOAT, **named})


MEAN, VAR = tensor(3, grad=False), tensor(3, low=0.5, high=2, grad=False)
OPS = [
    op("layer_norm", S((2, 3, 4), normalized_shape=(4,)), S((2, 3, 4), normalized_shape=(3, 4), weight=tensor(3, 4), bias=tensor(3, 4)), S((2, 5), normalized_shape=(5,), weight=tensor(5), eps=0.1),
       S((0, 4), normalized_shape=(4,)), reference=layer_norm, large=S((131, 1009), normalized_shape=(1009,), weight=tensor(1009), bias=tensor(1009)),
       errors=[Error(RuntimeError, "normalized_shape|shape", (2, 3), normalized_shape=(4,)), Error(RuntimeError, "weight", (2, 3), normalized_shape=(3,), weight=tensor(4))]),
    op("rms_norm", S((2, 3, 4), normalized_shape=(4,), eps=1e-5), S((2, 3, 4), normalized_shape=(3, 4), weight=tensor(3, 4), eps=1e-3), reference=rms_norm, large=S((131, 1009), normalized_shape=(1009,), weight=tensor(1009)),
       errors=[Error(RuntimeError, "normalized_shape|shape", (2, 3), normalized_shape=(4,))]),
    op("group_norm", S((2, 6, 4), 3), S((2, 4, 3, 2), 2, (4,), (4,)), S((3, 4), 1, eps=0.1), reference=group_norm, large=S((16, 16, 512), 4, (16,), (16,)),
       errors=[Error(RuntimeError, "divisible|groups", (2, 5, 3), 2)]),
    op("batch_norm", S((4, 3), None, None, training=True), S((4, 3, 5), None, None, (3,), (3,), True), S((2, 3, 4, 5), MEAN, VAR, (3,), (3,)), S((2, 3, 4), MEAN, VAR), reference=batch_norm,
       large=S((64, 32, 64), None, None, (32,), (32,), True), errors=[Error(RuntimeError, "running", (4, 3), None, None), Error(ValueError, "more than 1 value|Expected more", (1, 3), None, None, training=True)]),
    op("instance_norm", S((2, 3, 5)), S((2, 3, 4, 5), weight=tensor(3), bias=tensor(3)), S((2, 3, 4), MEAN, VAR, use_input_stats=False), reference=instance_norm, large=S((16, 16, 512), weight=tensor(16), bias=tensor(16))),
    Op("native_layer_norm", S((2, 3, 4), [4], (4,), (4,), 1e-5), dtypes=WIDE, tol=TOL, reference=lambda x, shape, w, b, eps: (layer_norm(x, shape, w, b, eps), x.mean(-1, keepdims=True), 1 / np.sqrt(x.var(-1, keepdims=True) + eps))),
    Op("native_group_norm", S((2, 4, 3), (4,), (4,), 2, 4, 3, 2, 1e-5), dtypes=WIDE, tol=TOL, reference=lambda x, w, b, N, C, HxW, g, eps: (
       group_norm(x, g, w, b, eps), x.reshape(2, 2, -1).mean(-1), 1 / np.sqrt(x.reshape(2, 2, -1).var(-1) + eps))),
    Op("native_batch_norm", S((4, 3, 2), (3,), (3,), None, None, True, 0.1, 1e-5), dtypes=WIDE, tol=TOL, reference=lambda x, w, b, m, v, t, mom, eps: (
       batch_norm(x, m, v, w, b, True, mom, eps), x.mean((0, 2)), 1 / np.sqrt(x.var((0, 2)) + eps))),
    op("normalize", S((2, 3)), S((2, 3), p=1, dim=0), reference=lambda x, p=2, dim=1: x / np.maximum((np.abs(x) ** p).sum(dim, keepdims=True) ** (1 / p), 1e-12), avoid=[0]),
    op("local_response_norm", S((2, 5, 4), 3, 0.1, 0.75, 2.0), reference=lambda x, size, alpha, beta, k: x / (k + alpha * np.stack(
       [(x[:, max(i - size // 2, 0):i + (size - 1) // 2 + 1] ** 2).sum(1) / size for i in range(x.shape[1])], 1)) ** beta),
]


def test_running_statistics():
    x = torch.tensor([[1.0, 10.0], [3.0, 30.0]])
    mean, var = torch.zeros(2), torch.ones(2)
    torch.nn.functional.batch_norm(x, mean, var, training=True, momentum=0.5)
    assert mean.tolist() == [1.0, 10.0]
    assert var.tolist() == [1.5, 100.5]      # half of 1, half of the unbiased variance


def test_norms_of_constant_inputs_stay_finite():
    x = torch.full((2, 4), 3.0, requires_grad=True)
    y = torch.nn.functional.layer_norm(x, (4,))
    y.sum().backward()
    assert y.tolist() == [[0.0] * 4] * 2 and x.grad.tolist() == [[0.0] * 4] * 2


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_statistics_of_half_precision_are_in_the_dtype_of_the_weight(dtype):
    x, w, wide = torch.randn(2, 3, 4, dtype=dtype), torch.ones(4, dtype=dtype), torch.ones(4)
    for weight, want in ((None, dtype), (w, dtype), (wide, torch.float32)):
        assert [t.dtype for t in torch.native_layer_norm(x, (4,), weight, weight, 1e-5)] == [dtype, want, want]
    w = torch.ones(3, dtype=dtype)
    for training in (True, False):
        assert [t.dtype for t in torch.native_batch_norm(x, w, w, w.clone(), w.clone(), training, 0.1, 1e-5)] == [dtype] * 3


NORMS = {
    "layer": lambda x: F.layer_norm(x, x.shape[1:]), "group": lambda x: F.group_norm(x, 1), "batch": lambda x: F.batch_norm(x.transpose(0, 1), None, None, training=True),
    "instance": lambda x: F.instance_norm(x), "weighted": lambda x: F.batch_norm(x.transpose(0, 1), None, None, torch.ones(1).to(x.dtype), torch.zeros(1).to(x.dtype), training=True),
}


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("value", [2e7, 16777217.0, 1 / 3, 1e30, -7e5, 0.0])
def test_what_is_constant_is_normalised_to_zero(name, value):
    """(x - mean) / deviation, not x / deviation - mean / deviation, whose roundings are as large as the quotients."""
    for size in (8, 100, 4096):
        for dtype in (torch.float32, torch.float64):
            assert not NORMS[name](torch.full((1, 1, size), value, dtype=dtype)).any()


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("dtype, scale", [(torch.float32, 1e25), (torch.float32, 1e38), (torch.float64, 1e200), (torch.float64, 1e307)])
def test_squares_out_of_range_are_normalised_all_the_same(name, dtype, scale):
    x = torch.tensor([[[1.0, -1.0, 3.0, 0.5] * 20]], dtype=torch.float64)
    expected = (x - x.mean()) / x.std(correction=0)
    big = (x * scale).to(dtype).requires_grad_()
    y = NORMS[name](big)
    assert torch.allclose(y.reshape(x.shape).double(), expected, atol=2e-6)
    weights = torch.linspace(0, 1, x.numel()).to(dtype).reshape(y.shape)
    g, = torch.autograd.grad((y * weights).sum(), big)
    small = x.clone().requires_grad_()
    g0, = torch.autograd.grad((NORMS[name](small) * weights).sum(), small)
    if scale < 1e38:    # beyond, the gradient vanishes
        assert torch.allclose(g.double() * scale, g0, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("training", [False, True])
def test_gradients_of_one_image_in_any_order_of_memory(training):
    """One image is channels-last and contiguous at once as far as strides tell; the gradient's memory may be either."""
    generator = torch.Generator().manual_seed(0)
    x, g = (torch.randn(1, 8, 3, 4, dtype=torch.float64, generator=generator) for _ in range(2))
    mean, var = torch.zeros(8, dtype=torch.float64), torch.full((8,), 2.0, dtype=torch.float64)
    found = []
    for gradient in (g, g.contiguous(memory_format=torch.channels_last), g.flatten(2).transpose(1, 2).contiguous().transpose(1, 2).unflatten(2, (3, 4))):
        assert torch.equal(gradient, g)
        leaves = [x.clone().requires_grad_(), torch.ones(8, dtype=torch.float64, requires_grad=True), torch.zeros(8, dtype=torch.float64, requires_grad=True)]
        y = torch.nn.functional.batch_norm(leaves[0], mean.clone(), var.clone(), *leaves[1:], training)
        found.append(torch.autograd.grad(y, leaves, gradient))
        torch.testing.assert_close(found[-1][2], g.sum((0, 2, 3)))
    for other in found[1:]:
        for a, b in zip(found[0], other):
            torch.testing.assert_close(a, b)
