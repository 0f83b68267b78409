"""Convolutions."""
import itertools

import numpy as np

import pyxtorch as torch
from pyxtorch.testing.operations import COMPLEX, FLOAT, WIDE, Error, Op, S

TOL = {torch.float32: (1e-5, 3e-5), torch.complex64: (1e-5, 5e-5), torch.float16: (2e-3, 1e-2), torch.bfloat16: (2e-2, 6e-2)}


def each(value, n):
    return (value,) * n if isinstance(value, int) else tuple(value)


def conv(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Straight from the definition: a sum over the places of the kernel."""
    n = weight.ndim - 2
    single = x.ndim == n + 1
    x = x[None] if single else x
    stride, dilation = each(stride, n), each(dilation, n)
    kernel = weight.shape[2:]
    if padding == "same":
        around = [((d * (k - 1)) // 2, d * (k - 1) - (d * (k - 1)) // 2) for d, k in zip(dilation, kernel)]
    else:
        around = [(p, p) for p in each(0 if padding == "valid" else padding, n)]
    x = np.pad(x, [(0, 0), (0, 0), *around])
    out = [(s - d * (k - 1) - 1) // t + 1 for s, d, k, t in zip(x.shape[2:], dilation, kernel, stride)]
    y = np.zeros((x.shape[0], weight.shape[0], *out), np.result_type(x, weight))
    cin, cout = weight.shape[1], weight.shape[0] // groups
    for place in itertools.product(*map(range, kernel)):
        window = x[(slice(None), slice(None), *[slice(p * d, p * d + (o - 1) * t + 1, t) for p, d, o, t in zip(place, dilation, out, stride)])]
        for g in range(groups):
            w = weight[(slice(g * cout, (g + 1) * cout), slice(None), *place)]
            y[:, g * cout:(g + 1) * cout] += np.einsum("ni...,oi->no...", window[:, g * cin:(g + 1) * cin], w)
    if bias is not None:
        y += bias.reshape(-1, *[1] * n)
    return y[0] if single else y


def conv_transpose(x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Every input element adds its multiple of the kernel to the output."""
    n = weight.ndim - 2
    single = x.ndim == n + 1
    x = x[None] if single else x
    stride, padding, dilation, extra = (each(v, n) for v in (stride, padding, dilation, output_padding))
    kernel = weight.shape[2:]
    full = [(s - 1) * t + d * (k - 1) + 1 + e for s, t, d, k, e in zip(x.shape[2:], stride, dilation, kernel, extra)]
    cout, cin = weight.shape[1], x.shape[1] // groups
    y = np.zeros((x.shape[0], cout * groups, *full), np.result_type(x, weight))
    for place in itertools.product(*map(range, kernel)):
        at = tuple(slice(p * d, p * d + (s - 1) * t + 1, t) for p, d, s, t in zip(place, dilation, x.shape[2:], stride))
        for g in range(groups):
            w = weight[(slice(g * cin, (g + 1) * cin), slice(None), *place)]
            y[(slice(None), slice(g * cout, (g + 1) * cout), *at)] += np.einsum("ni...,io->no...", x[:, g * cin:(g + 1) * cin], w)
    y = y[(slice(None), slice(None), *[slice(p, f - p) for p, f in zip(padding, full)])]
    if bias is not None:
        y = y + bias.reshape(-1, *[1] * n)
    return y[0] if single else y


def op(name, *samples, reference=conv, **named):
    return Op("nn.functional." + name, *samples, reference=reference, **{"tol": TOL, "dtypes": FLOAT, **named})


BAD = [Error(RuntimeError, "channel", (1, 3, 5, 5), (2, 4, 3, 3)), Error(RuntimeError, "kernel|size", (1, 2, 2, 2), (2, 2, 3, 3)), Error(RuntimeError, "dim|input", (5,), (2, 2, 3, 3)),
       Error(RuntimeError, "stride", (1, 2, 5, 5), (2, 2, 3, 3), stride=0), Error(RuntimeError, "padding|negative", (1, 2, 5, 5), (2, 2, 3, 3), padding=-1),
       Error(RuntimeError, "bias", (1, 2, 5, 5), (2, 2, 3, 3), (3,)), Error(RuntimeError, "groups|divisible", (1, 3, 5, 5), (2, 1, 3, 3), groups=2)]
OPS = [
    op("conv1d", S((2, 3, 7), (4, 3, 3), (4,)), S((3, 7), (4, 3, 2)), S((2, 4, 9), (6, 2, 3), (6,), stride=2, padding=1, dilation=2, groups=2), S((2, 3, 7), (4, 3, 4), padding="same"),
       S((0, 3, 7), (4, 3, 3)), errors=[Error(RuntimeError, "channel", (1, 3, 5), (2, 4, 3))]),
    op("conv2d", S((2, 3, 6, 5), (4, 3, 3, 2), (4,)), S((3, 6, 5), (4, 3, 1, 1)), S((2, 4, 7, 6), (4, 2, 3, 3), (4,), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2),
       S((1, 4, 6, 6), (4, 1, 3, 3), (4,), padding=1, groups=4), S((1, 2, 5, 5), (3, 2, 3, 3), padding="same"), S((1, 2, 5, 5), (3, 2, 3, 3), padding="valid"),
       large=S((8, 16, 32, 32), (32, 16, 3, 3), (32,), padding=1), errors=BAD),
    op("conv2d", S((1, 2, 4, 4), (3, 2, 3, 3), padding=1), dtypes=COMPLEX),
    op("conv2d", S((2, 16, 20, 20), (24, 16, 3, 3), (24,), padding=1), S((1, 8, 19, 23), (8, 8, 5, 5), stride=2, padding=2), S((2, 32, 9, 9), (16, 32, 1, 1)), S((2, 16, 15, 15), (16, 1, 3, 3), padding=1, groups=16),
       dtypes=WIDE, gradgrad=False, layouts=False, large=S((4, 32, 32, 32), (32, 1, 3, 3), padding=1, groups=32), tol={torch.float32: (1e-5, 2e-4)}),
    op("conv3d", S((1, 2, 4, 5, 3), (3, 2, 2, 3, 2), (3,)), S((2, 4, 4, 4), (2, 2, 2, 2, 2), stride=2, padding=1),
       dtypes=WIDE),
    op("conv_transpose1d", S((2, 3, 5), (3, 4, 3), (4,)), S((3, 5), (3, 2, 2), stride=2, padding=1), S((2, 4, 5), (4, 2, 3), stride=3, output_padding=2, groups=2, dilation=2), reference=conv_transpose),
    op("conv_transpose2d", S((2, 3, 4, 5), (3, 2, 3, 2), (2,)), S((1, 4, 4, 3), (4, 2, 3, 3), (4,), stride=2, padding=1, output_padding=1, groups=2), reference=conv_transpose,
       large=S((8, 32, 24, 24), (32, 8, 3, 3), stride=2), errors=[Error(RuntimeError, "output.padding", (1, 2, 4, 4), (2, 2, 3, 3), output_padding=2), Error(RuntimeError, "channel|weight", (1, 3, 4, 4), (2, 2, 3, 3))]),
    op("conv_transpose3d", S((1, 2, 3, 2, 3), (2, 3, 2, 2, 2), (3,), stride=2), reference=conv_transpose, dtypes=WIDE),
    Op("convolution", S((1, 2, 5, 5), (3, 2, 3, 3), (3,), stride=[1, 1], padding=[1, 1], dilation=[1, 1], transposed=False, output_padding=[0, 0], groups=1), dtypes=WIDE, tol=TOL,
       reference=lambda x, w, b, stride, padding, dilation, transposed, output_padding, groups: conv(x, w, b, stride, padding, dilation, groups)),
]
