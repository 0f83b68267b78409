"""Pooling."""
import itertools

import numpy as np

import pyxtorch as torch
import pyxtorch.nn.functional as F
from pyxtorch.testing.operations import FLOAT, WIDE, Error, Op, S, given


def each(value, n):
    return (value,) * n if isinstance(value, int) else tuple(value)


def places(size, kernel, stride, padding, dilation, ceil_mode):
    """(start, places inside) of each window along one dimension; starts may lie in the padding."""
    span = dilation * (kernel - 1) + 1
    count = (size + 2 * padding - span + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1
    return [i * stride - padding for i in range(count)]


def pool(reduce):
    def reference(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, **named):
        n = named.pop("n")
        kernel = each(kernel_size, n)
        stride, padding, dilation = each(kernel if stride is None else stride, n), each(padding, n), each(dilation, n)
        sizes = x.shape[-n:]
        starts = [places(*a, ceil_mode) for a in zip(sizes, kernel, stride, padding, dilation)]
        out = np.zeros((*x.shape[:-n], *map(len, starts)), x.dtype)
        where = np.zeros(out.shape, np.int64)
        numbers = np.arange(int(np.prod(sizes))).reshape(sizes)
        for at in itertools.product(*[range(len(s)) for s in starts]):
            inside = [[p for p in range(s[i], s[i] + k * d, d) if 0 <= p < size] for s, i, k, d, size in zip(starts, at, kernel, dilation, sizes)]
            padded = [min(s[i] + k, size + p) - s[i] for s, i, k, size, p in zip(starts, at, kernel, sizes, padding)]
            window = x[(Ellipsis, *np.ix_(*inside))].reshape(*x.shape[:-n], -1)
            value, place = reduce(window, int(np.prod(padded)), **named)
            out[(Ellipsis, *at)] = value
            if place is not None:
                where[(Ellipsis, *at)] = numbers[np.ix_(*inside)].ravel()[place]
        return out, where
    return reference


def largest(window, count):
    return window.max(-1), window.argmax(-1)


def mean(window, count, count_include_pad=True, divisor_override=None):
    return window.sum(-1) / (divisor_override or (count if count_include_pad else window.shape[-1])), None


def max_pool(n):
    return lambda x, *args, **named: pool(largest)(x, *args, n=n, **named)[0]


def max_pool_places(n):
    return lambda x, *args, **named: pool(largest)(x, *args, n=n, **named)


def avg_pool(n):
    return lambda x, k, stride=None, padding=0, ceil_mode=False, **named: pool(mean)(x, k, stride, padding, 1, ceil_mode, n=n, **named)[0]


def adaptive(reduce, n):
    def reference(x, output_size):
        sizes = [s if o is None else o for s, o in zip(x.shape[-n:], each(output_size, n))]
        out = np.zeros((*x.shape[:-n], *sizes), x.dtype)
        for at in itertools.product(*map(range, sizes)):
            window = tuple(slice(i * s // o, -(-(i + 1) * s // o)) for i, s, o in zip(at, x.shape[-n:], sizes))
            out[(Ellipsis, *at)] = reduce(x[(Ellipsis, *window)].reshape(*x.shape[:-n], -1), -1)
        return out
    return reference


def op(name, *samples, **named):
    return Op("nn.functional." + name, *samples, **{"dtypes": FLOAT, **named})


SHAPES = {1: ((2, 3, 7), (3, 7)), 2: ((2, 3, 6, 7), (3, 5, 4)), 3: ((1, 2, 4, 5, 4), (2, 4, 4, 4))}
LARGE = {1: (16, 16, 512), 2: (8, 16, 32, 32), 3: (4, 8, 16, 16, 16)}
BAD = [Error(RuntimeError, "pad", (1, 1, 5, 5), 2, padding=2), Error(RuntimeError, "stride", (1, 1, 5, 5), 2, stride=0), Error(RuntimeError, "kernel", (1, 1, 5, 5), 0),
       Error(RuntimeError, "output|too small|size", (1, 1, 2, 2), 3), Error(RuntimeError, "dim|3D|4D", (5,), 2)]

OPS = [
    *[op(f"max_pool{n}d", S(SHAPES[n][0], 2), S(SHAPES[n][1], 3, 1, 1), S(SHAPES[n][0], 2, 3, 1, ceil_mode=True), S(SHAPES[n][0], 2, 1, 0, 2), reference=max_pool(n), large=S(LARGE[n], 3, 2, 1),
         errors=BAD if n == 2 else ()) for n in (1, 2, 3)],
    op("max_pool2d", S((2, 3, 6, 7), [2, 3], [2, 1], [1, 0]), reference=max_pool(2)),
    *[op(f"max_pool{n}d_with_indices", S(SHAPES[n][0], 2), S(SHAPES[n][1], 3, 1, 1), reference=max_pool_places(n), gives=("same", torch.int64)) for n in (1, 2, 3)],
    *[op(f"avg_pool{n}d", S(SHAPES[n][0], 2), S(SHAPES[n][1], 3, 1, 1), S(SHAPES[n][0], 2, 3, 1, ceil_mode=True), S(SHAPES[n][0], 3, 1, 1, count_include_pad=False), reference=avg_pool(n), large=S(LARGE[n], 3, 2, 1),
         errors=BAD if n == 2 else ()) for n in (1, 2, 3)],
    op("avg_pool2d", S((2, 3, 6, 7), [2, 3], [2, 1], [1, 0], divisor_override=5), reference=avg_pool(2)),
    *[op(f"adaptive_avg_pool{n}d", S(SHAPES[n][0], 3), S(SHAPES[n][1], 1), reference=adaptive(np.mean, n), large=S(LARGE[n], 5), tol={torch.float16: (1e-3, 2e-3)}) for n in (1, 2, 3)],
    op("adaptive_avg_pool2d", S((2, 3, 6, 7), [3, None]), S((2, 3, 6, 7), [4, 2]), reference=adaptive(np.mean, 2), errors=[Error(RuntimeError, "output", (1, 2, 3, 3), [-1, 2])]),
    *[op(f"adaptive_max_pool{n}d", S(SHAPES[n][0], 3), S(SHAPES[n][1], 1), reference=adaptive(np.max, n), large=S(LARGE[n], 5)) for n in (1, 2, 3)],
    *[op(f"adaptive_max_pool{n}d_with_indices", S(SHAPES[n][0], 3), reference=lambda x, size, n=n: (adaptive(np.max, n)(x, size), None), gives=("same", torch.int64)) for n in (1, 2, 3)],
    op("lp_pool1d", S((2, 3, 8), 2.0, 2), domain=(0.2, 2), singular=(), reference=lambda x, p, k: (x ** p).reshape(2, 3, 4, 2).sum(-1) ** (1 / p), tol={torch.bfloat16: (2e-2, 2e-2), torch.float16: (2e-3, 2e-3)}),
    *[op(f"lp_pool{n}d", S((2, 3, *[4] * n), 3.0, 2), domain=(0.2, 2), singular=(), dtypes=WIDE, reference=lambda x, p, k, n=n: (avg_pool(n)(x ** p, k) * k ** n) ** (1 / p)) for n in (2, 3)],
    op("max_unpool1d", S((2, 3, 3), given([[[0, 3, 5]] * 3] * 2), 2), reference=lambda x, i, k: np.stack([np.stack([np.bincount(i[b, c], x[b, c], 6) for c in range(3)]) for b in range(2)]), dtypes=WIDE,
       errors=[Error(RuntimeError, "index|range|invalid", (1, 1, 3), given([[[0, 3, 6]]]), 2)]),
]


def test_unpooling_undoes_pooling():
    for n, name, unpool in ((1, "1d", F.max_unpool1d), (2, "2d", F.max_unpool2d), (3, "3d", F.max_unpool3d)):
        x = torch.arange(float(2 * 4 ** n)).reshape(1, 2, *[4] * n)
        y, places = getattr(torch.nn.functional, f"max_pool{name}")(x, 2, return_indices=True)
        back = unpool(y, places, 2)
        assert back.shape == x.shape and back.sum() == y.sum() and (back[back > 0] == x[back > 0]).all()


def test_fractional_pooling_takes_the_largest_of_its_regions():
    for n, f, both in ((2, F.fractional_max_pool2d, F.fractional_max_pool2d_with_indices), (3, F.fractional_max_pool3d, F.fractional_max_pool3d_with_indices)):
        x = torch.rand(1, 2, *[9] * n)
        y, places = f(x, 2, output_size=4, return_indices=True)
        assert y.shape == (1, 2, *[4] * n)
        assert (x.flatten(2).gather(2, places.flatten(2)) == y.flatten(2)).all()
        assert f(x, 2, output_ratio=0.5).shape == y.shape
        y, places = both(x, 2, output_size=4)
        assert (x.flatten(2).gather(2, places.flatten(2)) == y.flatten(2)).all()


def test_max_pooling_passes_nan_on():
    x = torch.tensor([[1.0, np.nan, 3.0, 4.0]])
    y = torch.nn.functional.max_pool1d(x, 2)
    assert np.isnan(y[0, 0].item()) and y[0, 1].item() == 4.0
