"""Normalisation on the GPU: results and gradients are the CPU's."""
import pytest
from tape_helpers import with_gradients

import pyxtorch as torch
from pyxtorch.nn import functional as F

SOURCES = ("norm.cuh",)
TOLERANCE = {torch.float64: 1e-11, torch.float32: 2e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2}
DTYPES = list(TOLERANCE)


def layouts(x):
    """The same values in other orders in memory."""
    yield x
    if x.ndim > 1:
        yield x.transpose(0, 1).contiguous().transpose(0, 1)
    if x.ndim == 4:
        yield x.to(memory_format=torch.channels_last)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape,over", [((5, 7), 1), ((2, 3, 4, 5), 2), ((3, 9000), 1), ((270, 3), 1), ((4, 1), 1), ((0, 5), 1)], ids=str)
def test_layer_and_rms_norm(shape, over, dtype, agree):
    torch.manual_seed(0)
    last = shape[-over:]
    w, b = ((torch.randn(last) * 0.1 + 1).to(dtype) for _ in range(2))
    for x in layouts((torch.randn(shape) * 3 + 2).to(dtype)):
        for arguments in ((x, w, b), (x, w, None), (x, None, None)):
            agree(with_gradients(lambda x, w, b: F.layer_norm(x, last, w, b)), *arguments, tolerance=20 * TOLERANCE[dtype])
        agree(with_gradients(lambda x, w: F.rms_norm(x, last, w)), x, w, tolerance=20 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(6, 4), (70, 130), (3, 6, 11), (2, 4, 5, 6), (3, 2, 9000), (5, 2, 3000)], ids=str)
def test_batch_group_and_instance_norm(shape, dtype, agree):
    torch.manual_seed(0)
    C = shape[1]
    w, b, mean = ((torch.randn(C) * 0.1 + 1).to(dtype) for _ in range(3))
    var = (torch.rand(C) + 0.5).to(dtype)
    tolerance = 20 * TOLERANCE[dtype]
    for x in layouts((torch.randn(shape) * 3 + 2).to(dtype)):
        agree(with_gradients(lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True)), x, w, b, tolerance=tolerance)
        for affine in ((w, b), (None, None)):
            agree(with_gradients(lambda x, w, b: F.batch_norm(x, mean.to(x.device), var.to(x.device), w, b)), x, *affine, tolerance=tolerance)
        agree(with_gradients(lambda x, w, b: F.group_norm(x, 2, w, b)), x, w, b, tolerance=tolerance)
        if len(shape) > 2:
            agree(with_gradients(lambda x, w, b: F.instance_norm(x, weight=w, bias=b)), x, w, b, tolerance=tolerance)


def test_running_statistics(agree):
    def run(x):
        mean, var = torch.zeros(5, device=x.device), torch.ones(5, device=x.device)
        F.batch_norm(x, mean, var, training=True, momentum=0.3)
        return mean, var

    agree(run, torch.randn(4, 5, 20) + 100)


def test_far_from_zero(agree):
    """Deviations far smaller than the mean; a constant; one far value first."""
    x = torch.randn(4, 3000) * 1e-2 + 1000
    x[1] = 0.1
    x[2] = torch.randn(3000)
    x[2, 0] = 1e4
    agree(lambda x: F.layer_norm(x, (3000,)), x, tolerance=2e-2)
    agree(lambda x: F.layer_norm(x, (3000,)), x.double(), tolerance=1e-7)


def test_second_derivatives(agree):
    def second(x, w):
        x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
        g = torch.autograd.grad((F.batch_norm(x, None, None, w, training=True) ** 3).sum(), x, create_graph=True)[0]
        return torch.autograd.grad((g**2).sum(), (x, w))

    agree(second, torch.randn(5, 3, 4).double(), torch.rand(3).double() + 0.5, tolerance=1e-9)
