"""Indexing beside NumPy on many random keys, and indices that lie."""
import numpy as np
import pytest

import pyxtorch as torch

SHAPE = (3, 4, 5)


def random_key(rng):
    """A key for a tensor of SHAPE, as NumPy takes it."""
    key, rank = [], 0
    advanced = int(rng.integers(2, 4))      # arrays of one key broadcast: equal lengths
    while rank < len(SHAPE) and rng.random() < 0.85:
        n, kind = SHAPE[rank], rng.integers(0, 8)
        if kind == 0:
            key.append(int(rng.integers(-n, n)))
        elif kind == 1:
            key.append(slice(*(None if rng.random() < 0.3 else int(rng.integers(-n - 1, n + 2)) for _ in range(2)), int(rng.integers(1, 3))))
        elif kind == 2:
            key.append(None)
            continue
        elif kind == 3 and Ellipsis not in [k for k in key if k is Ellipsis]:
            key.append(Ellipsis)
            rank = len(SHAPE)       # all that is left
            continue
        elif kind == 4:
            key.append(rng.integers(-n, n, advanced))
        elif kind == 5:
            key.append(rng.integers(-n, n, (2, 1)))
        elif kind == 6:
            mask = np.zeros(n, bool)
            mask[rng.choice(n, advanced, replace=False)] = True
            key.append(mask)
        else:
            key.append(slice(None))
        rank += 1
    if any(isinstance(k, np.ndarray) for k in key):     # beside arrays, NumPy takes integers for arrays too; PyTorch does not
        key = [slice(k, k + 1 or None) if isinstance(k, int) else k for k in key]
    return tuple(key)


def translated(key):
    return tuple(torch.tensor(k) if isinstance(k, np.ndarray) else k for k in key)


@pytest.mark.parametrize("layout", ["contiguous", "transposed", "strided"])
def test_random_keys_read_and_write_as_numpy(layout):
    rng = np.random.default_rng(0)
    written = 0
    for _ in range(400):
        a = np.arange(60.0).reshape(SHAPE)
        x = torch.tensor(a)
        if layout == "transposed":
            x = torch.tensor(a.transpose(2, 1, 0).copy()).permute(2, 1, 0)
        elif layout == "strided":
            x = torch.zeros(3, 4, 10, dtype=torch.float64)[:, :, ::2].copy_(x)
        key = random_key(rng)
        try:
            expected = a[key]
        except IndexError:      # arrays that do not broadcast: refused by both
            with pytest.raises(IndexError):
                x[translated(key)]
            continue
        got = x[translated(key)]
        assert tuple(got.shape) == np.shape(expected), key
        assert got.tolist() == expected.tolist(), key
        values = rng.standard_normal(np.shape(expected))
        if np.unique(expected).size == np.size(expected):       # else the last of several writes wins, whichever that is
            a[key] = values
            x[translated(key)] = torch.tensor(values)
            assert x.tolist() == a.tolist(), key
            written += 1
    assert written > 100


def test_gradients_of_random_keys():
    """Reading and writing are linear: the gradient of one is the other."""
    rng = np.random.default_rng(1)
    tried = 0
    for _ in range(100):
        key = random_key(rng)
        try:
            places = np.arange(60).reshape(SHAPE)[key]
        except IndexError:
            continue
        tried += 1
        weight = rng.standard_normal(np.shape(places))
        x = torch.zeros(SHAPE, dtype=torch.float64, requires_grad=True)
        (x[translated(key)] * torch.tensor(weight)).sum().backward()
        expected = np.bincount(np.ravel(places), np.ravel(weight), 60).reshape(SHAPE)
        np.testing.assert_allclose(x.grad.numpy(), expected, atol=1e-12, err_msg=str(key))
        if np.unique(places).size != np.size(places):
            continue
        base = torch.zeros(SHAPE, dtype=torch.float64, requires_grad=True)
        value = torch.zeros(np.shape(places), dtype=torch.float64, requires_grad=True)
        y = base * 1
        y[translated(key)] = value
        outer = rng.standard_normal(SHAPE)
        (y * torch.tensor(outer)).sum().backward()
        kept = outer.copy()
        kept[key] = 0
        left = np.zeros(SHAPE) if base.grad is None else base.grad.numpy()      # None: all was overwritten
        assert left.tolist() == kept.tolist() and value.grad.tolist() == outer[key].tolist(), key
    assert tried > 60


def test_what_is_a_view_and_what_a_copy():
    x = torch.arange(12.0).reshape(3, 4)
    for key in (0, (0, 1), slice(1), (Ellipsis, 0), None, (slice(None), None, 2), ()):
        assert x[key].untyped_storage().data_ptr() == x.untyped_storage().data_ptr(), key
    for key in ([0, 1], torch.tensor([0]), x > 3, True, (0, [1, 2])):
        assert x[key].untyped_storage().data_ptr() != x.untyped_storage().data_ptr(), key


def test_kinds_of_indices():
    x = torch.arange(12).reshape(3, 4)
    assert x[torch.tensor(1)].tolist() == x[1].tolist() == x[np.int64(1)].tolist() == x[np.array(1)].tolist()
    assert x[torch.tensor([1, 0], dtype=torch.int16)].tolist() == x[[1, 0]].tolist() == x[np.array([1, 0])].tolist()
    assert x[torch.tensor([1, 0, 1], dtype=torch.uint8)].tolist() == x[[True, False, True]].tolist() == [[0, 1, 2, 3], [8, 9, 10, 11]]
    assert x[[[0, 1], [2, 3]]].tolist() == x[[0, 1], [2, 3]].tolist() == [2, 7]     # a short nested list is a tuple, as in PyTorch
    assert x[True].shape == (1, 3, 4) and x[False].shape == (0, 3, 4)
    assert x[[]].shape == (0, 4)
    assert x[2**62:2**63].shape == (0, 4) and x[:2**70].shape == (3, 4)
    assert torch.tensor(5)[None].tolist() == [5] and torch.tensor(5)[...].item() == 5


@pytest.mark.parametrize("key, error", [
    (3, IndexError), (-4, IndexError), (2**62, IndexError), (2**70, IndexError), ((0, 4), IndexError), ((0, 0, 0), IndexError),
    (1.5, (IndexError, TypeError)), ("a", IndexError), (1j, IndexError), pytest.param(object(), IndexError, id="object"), (slice(None, None, -1), ValueError),
    (slice(None, None, 0), ValueError), ([3], IndexError), ([0, -4], IndexError), ([[0, 1], [0, 1, 2]], IndexError), ([True, False], IndexError),
], ids=repr)
def test_wrong_keys_are_refused(key, error):
    x = torch.zeros(3, 4)
    with pytest.raises(error):
        x[key]
    with pytest.raises(error):
        x[key] = 1.0
    assert not x.any()


@pytest.mark.parametrize("bad", [4, -5, 2**31, 2**62, -2**63])
def test_no_operation_trusts_an_index(bad):
    x, one, at = torch.zeros(4), torch.ones(1), torch.tensor([bad])
    calls = {
        "x[i]": lambda: x[at],
        "x[i] = v": lambda: x.__setitem__(at, 1.0),
        "index_put_": lambda: x.index_put_((at,), one),
        "index_select": lambda: x.index_select(0, at),
        "index_add_": lambda: x.index_add_(0, at, one),
        "index_copy_": lambda: x.index_copy_(0, at, one),
        "index_fill_": lambda: x.index_fill_(0, at, 1.0),
        "index_reduce_": lambda: x.index_reduce_(0, at, one, "prod"),
        "gather": lambda: x.gather(0, at),
        "take_along_dim": lambda: x.take_along_dim(at, 0),
        "scatter_": lambda: x.scatter_(0, at, one),
        "scatter_add_": lambda: x.scatter_add_(0, at, one),
        "scatter_reduce_": lambda: x.scatter_reduce_(0, at, one, "amax"),
        "take": lambda: x.take(at),
        "put_": lambda: x.put_(at, one),
        "embedding": lambda: torch.nn.functional.embedding(at, x.reshape(4, 1)),
        "searchsorted": lambda: torch.searchsorted(x, one, sorter=torch.tensor([0, 1, 2, bad])),
    }
    for name, call in calls.items():
        with pytest.raises((IndexError, RuntimeError, ValueError)):
            pytest.fail(f"{name} accepted index {bad}: {call()}")
    assert not x.any()


def test_writes_that_do_not_fit_are_refused():
    x = torch.zeros(4)
    for key, value in ((slice(0, 2), torch.ones(3)), (torch.tensor([0, 1]), torch.ones(3)), (0, torch.ones(2)), (0, "a"), (x == 0, torch.ones(3))):
        with pytest.raises((RuntimeError, TypeError, ValueError, IndexError)):
            x[key] = value
    with pytest.raises((RuntimeError, TypeError)):
        x[0] = 1j
    with pytest.raises(RuntimeError, match="single memory location"):
        x.expand(3, 4).add_(1)
    with pytest.raises(RuntimeError, match="overflow"):
        torch.zeros(2, dtype=torch.int32)[0] = 2**40
    assert not x.any()


def test_index_fill_counts_a_slice_once():
    x, v = torch.zeros(3, 2, requires_grad=True), torch.tensor(2.0, requires_grad=True)
    x.index_fill(0, torch.tensor([1, 1, -2, 0]), v).sum().backward()
    assert v.grad.item() == 4.0 and x.grad.tolist() == [[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]]


def test_take_along_dim_wraps_and_gather_does_not():
    x = torch.arange(6.0).reshape(2, 3)
    assert x.take_along_dim(torch.tensor([[-1], [0]]), 1).tolist() == [[2.0], [3.0]]
    with pytest.raises(RuntimeError, match="-1 is out of bounds"):
        x.gather(1, torch.tensor([[-1]]))


def test_out_may_not_share_memory_with_what_is_read():
    x, at = torch.arange(4.0), torch.tensor([3, 2, 1, 0])
    for call in (lambda: torch.gather(x, 0, at, out=x), lambda: torch.take(x, at, out=x), lambda: torch.index_select(x, 0, at, out=x),
                 lambda: torch.cat([x[:2], x[2:]], out=x), lambda: torch.kthvalue(x, 2, out=(x[0], torch.tensor(0)))):
        with pytest.raises(RuntimeError, match="single memory location"):
            call()
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_what_as_strided_scatter_overwrites_has_no_gradient():
    """PyTorch 2.13 passes the gradient on as if nothing had been replaced where input has one element."""
    x, y = torch.ones(1, requires_grad=True), torch.tensor(2.0, requires_grad=True)
    torch.as_strided_scatter(x, y, (), (), 0).mul(3).sum().backward()
    assert x.grad.item() == 0 and y.grad.item() == 3


# ------------------------------------------------------------------------------- masks on the device meta

M = {"device": "meta"}


@pytest.mark.parametrize("write, shape", [
    (lambda x, m: x.__setitem__(m, torch.ones(2, **M)), (4,)), (lambda x, m: x.__setitem__(m, torch.ones(2, 3, **M)), (4, 3)),
    (lambda x, m: x.__setitem__((m, 1), torch.ones(2, **M)), (4, 3)), (lambda x, m: x.__setitem__((slice(None), m), torch.ones(5, 2, **M)), (5, 4)),
    (lambda x, m: x.__setitem__(m, torch.ones(2)), (4,)), (lambda x, m: x.index_put_((m,), torch.ones(2, **M), accumulate=True), (4,)),
    (lambda x, m: x.__setitem__(m, 1.0), (4,)), (lambda x, m: x.__setitem__((m, m[:3]), torch.ones(2, **M)), (4, 3)),
])  # fmt: skip
def test_several_values_by_a_mask(write, shape):
    """How many places a mask names nobody knows on meta; as in PyTorch what is written is let through."""
    x, m = torch.empty(shape, **M), torch.empty(4, dtype=torch.bool, **M)
    version = x._version
    write(x, m)
    assert x.shape == shape and x._version > version
    with pytest.raises(NotImplementedError):
        x[m if len(shape) == 1 or shape[0] == 4 else (slice(None), m)]


def test_gradients_of_several_values_by_a_mask():
    x, v, m = torch.empty(4, 3, requires_grad=True, **M), torch.empty(2, 3, requires_grad=True, **M), torch.empty(4, dtype=torch.bool, **M)
    y = x * 1
    y[m] = v
    z = y.index_put((m,), v)
    assert y.requires_grad and z.shape == y.shape and z is not y
    z.sum().backward()
    assert x.grad.shape == (4, 3) and v.grad.shape == (2, 3) and x.grad.is_meta
    with pytest.raises(RuntimeError, match="leaf"):
        x[m] = v
    with pytest.raises(IndexError):
        y[m, m] = v
    with pytest.raises(RuntimeError, match="dtypes match"):
        y[m] = v.double()


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8, torch.int64, torch.bool])
def test_masked_fill_cuts_a_number_as_a_cast_does(dtype):
    x, mask = torch.zeros(2, dtype=dtype), torch.tensor([True, False])
    assert torch.equal(x.masked_fill(mask, 2.5), torch.tensor([2.5, 0]).to(dtype))
    if dtype != torch.bool:
        with pytest.raises(RuntimeError, match="without overflow"):
            x.masked_fill(mask, float("nan"))
