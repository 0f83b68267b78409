"""Softmax and its like."""
import numpy as np
import scipy.special as sp

import pyxtorch as torch
from pyxtorch.testing.operations import FLOAT, WIDE, Error, Op, S

LARGE = (131, 1009)
SAMPLES = (S((2, 3, 4), 1), S((2, 3, 4), -1), S((5,), 0), S((), 0), S((0, 3), 1), S((2, 0), 1))
ERRORS = [Error(IndexError, "dim|Dimension", (2, 3), 2), Error(RuntimeError, "not implemented|floating|dtype", (2, 3), 1, dtype=torch.int64)]


def softmax(x, dim, dtype=None):
    return sp.softmax(x, axis=dim) if x.size and x.ndim else np.ones_like(x)


def log_softmax(x, dim, dtype=None):
    return sp.log_softmax(x, axis=dim) if x.size and x.ndim else np.zeros_like(x)


OPS = [
    Op("softmax", *SAMPLES, reference=softmax, large=S(LARGE, 1), errors=ERRORS),
    Op("softmax", S((200, 700), 0), reference=softmax, dtypes=WIDE, large=S((200, 700), 0), gradgrad=False),
    Op("log_softmax", *SAMPLES, reference=log_softmax, large=S(LARGE, 1), errors=ERRORS),
    Op("log_softmax", S((200, 700), 0), reference=log_softmax, dtypes=WIDE, large=S((200, 700), 0), gradgrad=False),
    Op("nn.functional.softmin", *SAMPLES, reference=lambda x, dim: softmax(-x, dim), dtypes=FLOAT),
]


def test_softmax_of_large_numbers():
    x = torch.tensor([1000.0, 1000.0, -1000.0], requires_grad=True)
    y = x.softmax(0)
    assert y.tolist() == [0.5, 0.5, 0.0]
    y[0].backward()
    assert x.grad.tolist() == [0.25, -0.25, 0.0]
    assert torch.log_softmax(torch.tensor([0.0, -1e4]), 0).tolist() == [0.0, -1e4]


def test_softmax_of_minus_infinity():
    assert torch.tensor([0.0, -np.inf]).softmax(0).tolist() == [1.0, 0.0]
    assert all(np.isnan(torch.full((2,), -np.inf).softmax(0).tolist()))


def test_softmax_converts_first():
    x = torch.tensor([1, 2, 3])
    assert x.softmax(0, dtype=torch.float64).dtype is torch.float64
    half = torch.zeros(70_000, dtype=torch.float16)
    assert abs(half.softmax(0, dtype=torch.float32).sum().item() - 1) < 1e-5


def test_dims_of_torch_softmax_and_functional():
    assert torch.nn.functional.softmax(torch.zeros(2, 4), dim=1).tolist() == [[0.25] * 4] * 2
