"""Indexing, gathering, scattering, masks."""
import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.testing.operations import BOOL, COMPLEX, FLOAT, INT, WIDE, Error, Op, S, given, index, mask, tensor

NUMBERS = FLOAT + COMPLEX + INT + BOOL
LARGE = (131, 1009)


def scattered(combine):
    """NumPy's way: each source element in turn."""
    def reference(x, dim, places, source, **named):
        y = x.copy()
        source = np.broadcast_to(source, places.shape) if np.ndim(source) == 0 else source
        for at in np.ndindex(places.shape):
            to = list(at)
            to[dim] = places[at]
            y[tuple(to)] = combine(y[tuple(to)], source[at])
        return y
    return reference


def rows(combine):
    def reference(x, dim, places, source, **named):
        y = np.moveaxis(x.copy(), dim, 0)
        source = np.moveaxis(source, dim, 0)
        for i, place in enumerate(places):
            y[place] = combine(y[place], source[i], **named)
        return np.moveaxis(y, 0, dim)
    return reference


def reduced(reduce, include_self=True):
    """scatter_reduce of a flat table: collect what arrives at each place, then reduce."""
    def reference(x, dim, places, source, reduce, include_self=True):
        y = x.copy()
        arrived = {}
        for at in np.ndindex(places.shape):
            to = list(at)
            to[dim] = int(places[at])
            arrived.setdefault(tuple(to), []).append(source[at])
        how = {"sum": np.sum, "prod": np.prod, "mean": np.mean, "amax": np.max, "amin": np.min}[reduce]
        for to, values in arrived.items():
            y[to] = how(([x[to]] if include_self else []) + values)
        return y
    return reference


def index_reduce(x, dim, places, source, reduce, include_self=True):
    full = np.broadcast_to(places.reshape([-1 if i == dim else 1 for i in range(x.ndim)]), source.shape)
    return reduced(reduce)(x, dim, full, source, {"prod": "prod", "mean": "mean", "amax": "amax", "amin": "amin"}[reduce], include_self)


def masked_scatter(x, m, source):
    m = np.broadcast_to(m, x.shape)
    y = x.copy()
    y[m] = source.ravel()[:m.sum()]
    return y


def put(x, places, source, accumulate=False):
    y = x.copy().ravel()
    for p, v in zip(places.ravel(), source.ravel()):
        y[p] = y[p] + v if accumulate else v
    return y.reshape(x.shape)


def replaced(region):
    def reference(x, source, *args, **named):
        y = x.copy()
        region(y, *args, **named)[...] = source
        return y
    return reference


def diagonal_of(y, offset=0, dim1=0, dim2=1):
    view = np.diagonal(y, offset, dim1, dim2)
    view.flags.writeable = True
    return view


def repeat(x, repeats, dim=None):
    return np.repeat(x, repeats, dim)


def take_along(x, i, dim=None):
    return np.take_along_axis(x.ravel(), i.ravel(), 0) if dim is None else np.take_along_axis(x, i, dim)


def indexed(*key):
    """x[key] as an operation."""
    return {"function": lambda x, *more: x[key], "reference": lambda x, *more: x[tuple(np.asarray(k) if isinstance(k, torch.Tensor) else k for k in key)]}


DISTINCT = given([[2, 0, 1], [1, 2, 0]])
PLACES = index(2, 3, high=3)
OUT_OF_RANGE = [Error(IndexError, "out of range|out of bounds|index", (2, 3), 1, given([0, 3])), Error(IndexError, "out of range|out of bounds|index", (2, 3), 1, given([-4, 0]))]
KEYS = [(1,), (-1,), (slice(1, 3),), (slice(None), 1), (Ellipsis, 0), (None, slice(None, None, 2)), (torch.tensor([2, 0, 2]),), (slice(None), torch.tensor([1, 1])),
        (torch.tensor([[0, 1], [2, 2]]), torch.tensor([0, 3])), (torch.tensor([0, 2]), slice(1, 3)), (torch.tensor([True, False, True]),), (1, torch.tensor([0, 0])),
        (torch.tensor([0, -1]), None, torch.tensor([1, -2])), ([0, 2], slice(None, None, 3)), (torch.zeros(0, dtype=torch.int64),)]

OPS = [
    *[Op("Tensor.__getitem__", S((3, 4, 2)), dtypes=NUMBERS, **indexed(*key)) for key in KEYS],
    Op("gather", S((2, 3), 1, PLACES), S((3, 4), 0, index(2, 4, high=3)), S((3,), 0, index(0, high=3)), S((), 0, given(0)), dtypes=NUMBERS, out=True,
       reference=lambda x, dim, i: np.take_along_axis(x, i, dim) if x.ndim else x, large=S(LARGE, 1, index(*LARGE, high=1009)),
       errors=[Error(RuntimeError, "out of bounds|range|index", (2, 3), 1, given([[3]])), Error(RuntimeError, "int64|type", (2, 3), 1, given([[0.0]])), Error(RuntimeError, "dimension", (2, 3), 1, given([0]))]),
    Op("index_select", S((3, 4), 0, index(5, high=3)), S((3, 4), -1, index(2, high=4)), S((3, 4), 1, index(0, high=4)), S((3,), 0, given(1)), dtypes=NUMBERS, out=True,
       reference=lambda x, dim, i: np.take(x, np.atleast_1d(i), dim), large=S(LARGE, 0, index(131, high=131)), errors=OUT_OF_RANGE),
    Op("take", S((2, 3), index(4, high=6)), S((2, 3), index(2, 2, high=6)), S((2, 3), given([-1, -6])), dtypes=NUMBERS, out=True, reference=lambda x, i: x.ravel()[i],
       errors=[Error(IndexError, "out of range|index", (2, 3), given([6])), Error(IndexError, "out of range|index", (2, 3), given([-7]))]),
    Op("take_along_dim", S((2, 3), PLACES, 1), S((2, 3), index(4, high=6)), dtypes=NUMBERS, reference=take_along),
    Op("scatter", S((2, 4), 1, DISTINCT, (2, 3)), S((3, 3), 0, DISTINCT, (2, 3)), dtypes=NUMBERS, reference=scattered(lambda old, new: new), inplace="scatter_", out=True,
       errors=[Error(RuntimeError, "out of bounds|range|index", (2, 3), 1, given([[3]]), (1, 1))]),
    Op("scatter", S((2, 4), 1, DISTINCT, 1.5), reference=scattered(lambda old, new: new)),
    Op("scatter", S((2, 4), 1, PLACES, (2, 3), reduce="add"), reference=scattered(lambda old, new: old + new), dtypes=WIDE + INT, grad=False),
    Op("scatter_add", S((2, 4), 1, PLACES, (2, 3)), S((3, 3), 0, PLACES, (2, 3)), S((4,), 0, index(0, high=4), (0,)), dtypes=WIDE + COMPLEX + INT, out=True,
       reference=scattered(lambda old, new: old + new), inplace="scatter_add_", large=S(LARGE, 1, index(*LARGE, high=1009), LARGE)),
    *[Op("scatter_reduce", S((2, 4), 1, PLACES, (2, 3), reduce=how), S((2, 4), 1, PLACES, (2, 3), reduce=how, include_self=False), dtypes=WIDE, inplace="scatter_reduce_", reference=reduced(how),
         singular=()) for how in ("sum", "prod", "mean", "amax", "amin")],
    Op("index_add", S((3, 4), 0, index(2, high=3), (2, 4)), S((3, 4), 1, index(5, high=4), (3, 5), alpha=2), dtypes=WIDE + COMPLEX + INT, inplace="index_add_", out=True,
       reference=rows(lambda old, new, alpha=1: old + alpha * new), large=S(LARGE, 0, index(131, high=131), LARGE), errors=[Error(IndexError, "out of range|bounds|index", (2, 3), 0, given([2]), (1, 3))]),
    Op("index_copy", S((3, 4), 0, given([2, 0]), (2, 4)), S((3, 4), 1, given([1]), (3, 1)), dtypes=NUMBERS, inplace="index_copy_", out=True, reference=rows(lambda old, new: new)),
    Op("index_fill", S((3, 4), 0, index(2, high=3), 2.0), S((3, 4), -1, index(2, high=4), 7), inplace="index_fill_",
       reference=lambda x, dim, i, v: rows(lambda old, new: new)(x, dim, i, np.full([len(i) if d == dim % x.ndim else n for d, n in enumerate(x.shape)], v, x.dtype))),
    *[Op("index_reduce", S((3, 4), 0, index(2, high=3), (2, 4), reduce=how), S((3, 4), 1, given([0, 0, 2]), (3, 3), reduce=how, include_self=False), dtypes=WIDE, inplace="index_reduce_",
         reference=index_reduce, singular=()) for how in ("prod", "mean", "amax", "amin")],
    Op("index_put", S((3, 4), [given([0, 2]), given([1, 3])], (2,)), S((3, 4), [given([1])], (1, 4)), dtypes=NUMBERS, inplace="index_put_", reference=lambda x, i, v: put(
       x, np.ravel_multi_index([np.asarray(k) for k in i], x.shape) if len(i) == 2 else np.arange(4, 8), np.asarray(v))),
    Op("index_put", S((3, 4), [given([0, 0, 2]), given([1, 1, 3])], (3,), True), dtypes=WIDE, reference=lambda x, i, v, acc: put(x, np.ravel_multi_index(i, x.shape), v, True), inplace="index_put_"),
    Op("put", S((2, 3), given([0, 4, -1 + 6]), (3,)), S((2, 3), given([1, 1]), (2,), accumulate=True), reference=put, inplace="put_", dtypes=WIDE + INT),
    Op("masked_fill", S((2, 3), mask(2, 3), 1.5), S((2, 3), mask(3), 0), S((2, 3), mask(2, 1), tensor()), reference=lambda x, m, v: np.where(m, v, x).astype(x.dtype), inplace="masked_fill_",
       large=S(LARGE, mask(*LARGE), 0.0), errors=[Error(RuntimeError, "bool|mask", (2, 3), given([1, 0, 1]), 0.0)]),
    Op("masked_select", S((2, 3), mask(2, 3)), S((2, 3), mask(3)), S((0,), mask(0)), dtypes=NUMBERS, out=True, reference=lambda x, m: x[np.broadcast_to(m, x.shape)], large=S(LARGE, mask(*LARGE))),
    Op("masked_scatter", S((2, 3), mask(2, 3), (6,)), S((2, 3), mask(3), (2, 4)), dtypes=NUMBERS, inplace="masked_scatter_", reference=masked_scatter,
       errors=[Error(RuntimeError, "number of elements|source|fewer", (2, 3), given([[True] * 3] * 2), (2,))]),
    Op("select_scatter", S((2, 3), (3,), dim=0, index=1), S((2, 3), (2,), dim=1, index=-1), dtypes=NUMBERS, reference=replaced(lambda y, dim, index: y[(slice(None),) * dim + (index,)])),
    Op("slice_scatter", S((5, 3), (2, 3), dim=0, start=1, end=4, step=2), S((2, 5), (2, 2), dim=1, start=3), dtypes=NUMBERS,
       reference=replaced(lambda y, dim, start=None, end=None, step=1: y[(slice(None),) * dim + (slice(start, end, step),)])),
    Op("diagonal_scatter", S((3, 3), (3,)), S((3, 4), (3,), 1), dtypes=NUMBERS, reference=replaced(diagonal_of)),
    Op("as_strided_scatter", S((3, 4), (2, 2), size=(2, 2), stride=(4, 1)), reference=replaced(lambda y, size, stride: y[:2, :2]), layouts=False),
    Op("tril", S((3, 4)), S((2, 3, 3), 1), S((3, 4), -1), dtypes=NUMBERS, reference=np.tril, inplace="tril_", out=True, large=S((400, 400)), errors=[Error(RuntimeError, "dimension", (3,))]),
    Op("triu", S((3, 4)), S((2, 3, 3), 1), S((3, 4), -1), dtypes=NUMBERS, reference=np.triu, inplace="triu_", out=True, large=S((400, 400))),
    Op("repeat_interleave", S((2, 3), 2), S((2, 3), 2, 1), S((3, 2), given([1, 0, 2]), 0), dtypes=NUMBERS, reference=repeat, errors=[Error(RuntimeError, "negative|repeats", (2,), -1)]),
    Op("nonzero", S((2, 3)), S((0, 2)), S(()), dtypes=FLOAT + INT + BOOL, reference=lambda x: np.argwhere(x), gives=torch.int64, grad=False, aliases=["argwhere"], large=S(LARGE)),
    Op("nonzero", S((2, 3), as_tuple=True), dtypes=INT, reference=lambda x, as_tuple: np.nonzero(x), gives=torch.int64, grad=False),
    Op("nonzero_static", S(given([0, 3, 0, 4]), size=3), reference=lambda x, size: np.array([[1], [3], [-1]]), gives=torch.int64, grad=False),
    Op("unravel_index", S(given([0, 5, 11]), shape=(3, 4)), S(given([0, 255], dtype=torch.uint8), shape=(300, 4)), S(given([5], dtype=torch.int32), shape=(3, 4)), reference=lambda i, shape: np.unravel_index(i, shape), gives=torch.int64, grad=False),
    Op("tril_indices", S(3, 4), S(3, 4, 1), reference=lambda n, m, k=0: np.array(np.tril_indices(n, k, m)), gives=torch.int64, grad=False),
    Op("triu_indices", S(3, 4), S(3, 4, -1), reference=lambda n, m, k=0: np.array(np.triu_indices(n, k, m)), gives=torch.int64, grad=False),
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_setitem_as_in_numpy(key):
    x = torch.arange(24.0).reshape(3, 4, 2)
    a = x.numpy().copy()
    plain = tuple(np.asarray(k) if isinstance(k, torch.Tensor) else k for k in key)
    x[key] = -1.0
    a[plain] = -1.0
    assert x.tolist() == a.tolist()
    value = torch.arange(float(a[plain].size)).reshape(a[plain].shape)
    if np.unique(np.arange(24).reshape(3, 4, 2)[plain]).size == a[plain].size:
        x[key] = value
        a[plain] = value.numpy()
        assert x.tolist() == a.tolist()


def test_setitem_is_differentiable():
    x, v = torch.zeros(3, requires_grad=True), torch.ones(2, requires_grad=True)
    y = x * 2
    y[torch.tensor([0, 2])] = v * 3
    (y * torch.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [0.0, 20.0, 0.0] and v.grad.tolist() == [3.0, 300.0]


def test_indices_are_checked_before_memory_is_touched():
    x = torch.zeros(3, 4)
    for bad in (3, -4, 2**40, -2**62):
        with pytest.raises(IndexError):
            x[bad]
        with pytest.raises(IndexError):
            x[torch.tensor([0, bad])]
        with pytest.raises(IndexError):
            x[torch.tensor([bad])] = 1.0
    with pytest.raises(IndexError, match="shape"):
        x[torch.tensor([True, False])]
    with pytest.raises(IndexError, match="too many"):
        x[0, 0, 0]
