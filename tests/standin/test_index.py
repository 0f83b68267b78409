"""Indexing, masks, embedding on the GPU, against the CPU's."""
import pytest

import pyxtorch as torch
from pyxtorch.nn import functional as F

DTYPES = [torch.bool, torch.uint8, torch.int64, torch.float16, torch.float32, torch.complex128]


@pytest.fixture(params=DTYPES, ids=str)
def x(request):
    torch.manual_seed(0)
    return (torch.randn(6, 5, 4) * 3).to(request.param)


@pytest.fixture
def i():
    return torch.tensor([0, 3, -1, 3])


@pytest.fixture
def j():
    return torch.tensor([[1], [2]])


def test_get(x, i, j, agree):
    agree(lambda x, i: x[i], x, i, tolerance=0)
    agree(lambda x, i: x[:, :, i], x, i, tolerance=0)
    agree(lambda x, i, j: x[i, j], x, i, j, tolerance=0)
    agree(lambda x, i, j: x[j, :, i], x, i, j, tolerance=0)
    agree(lambda x, i: x.transpose(0, 2)[:, i % 5, ::2], x, i, tolerance=0)
    agree(lambda x, i: x.index_select(1, i % 5), x, i, tolerance=0)
    agree(lambda x: x[torch.tensor([2, 1])], x, tolerance=0)    # indices on the CPU are sent
    agree(lambda x, i: x[i[:0]], x, i, tolerance=0)


def put(x, where, values, accumulate=False):
    x = x.clone()
    x.index_put_(where, values, accumulate=accumulate)
    return x


def test_put(x, i, j, agree):
    one = torch.ones((), dtype=x.dtype)
    agree(lambda x, i: put(x, (i[:3],), x[:3] * x[3:]), x, i, tolerance=0)
    agree(lambda x, i, one: put(x, (i,), one), x, i, one, tolerance=0)
    if x.dtype != torch.bool:
        agree(lambda x, i: put(x, (i,), x[:4], True), x, i, tolerance=0)
        agree(lambda x, i, j, one: put(x, (i, j), one, True), x, i, j, one, tolerance=0)
        agree(lambda x, i: x.index_add(1, i % 5, x[:, :4]), x, i, tolerance=0)


def test_many_to_few_places(agree):
    """Several threads share out the indices of one place; the order of additions stays."""
    i, values = torch.randint(0, 7, (5000,)), torch.rand(5000)
    agree(lambda i, v: torch.zeros(7, device=v.device).index_add(0, i, v), i, values, tolerance=0)
    agree(lambda i, v: torch.zeros(7, device=v.device).scatter_add(0, i, v), i, values, tolerance=0)


def test_gather_and_scatter(x, agree):
    i = torch.randint(0, 5, (3, 5, 2))
    for dim in range(3):
        k = i % x.shape[dim]
        agree(lambda x, k, dim: x.gather(dim, k), x, k, dim, tolerance=0)
        agree(lambda x, k, dim: x.transpose(0, 1).gather(dim, k.transpose(0, 1)), x, k, (1, 0, 2)[dim], tolerance=0)
    unique = torch.arange(3).reshape(3, 1, 1).expand(3, 5, 2)
    agree(lambda x, k: x.scatter(0, k, x[3:]), x, unique, tolerance=0)
    agree(lambda x, k: x.scatter(0, k, 1), x, unique, tolerance=0)
    if x.dtype != torch.bool:
        agree(lambda x, k: x.scatter_add(1, k, x), x, i, tolerance=0)
    if x.dtype in (torch.int64, torch.float32):
        for how in ("sum", "prod", "amax", "amin", "mean"):
            agree(lambda x, k, how: x.scatter_reduce(1, k, x, how), x, i, how, tolerance=1e-6)


def test_masks(x, agree):
    mask = torch.rand(6, 5, 4) > 0.4
    agree(lambda x, m: x[m], x, mask, tolerance=0)
    agree(lambda x, m: x.masked_fill(m, 1), x, mask, tolerance=0)
    agree(lambda x, m: x.masked_scatter(m, x), x, mask, tolerance=0)
    agree(lambda x, m: x[m[:, 0, 0]], x, mask, tolerance=0)
    agree(lambda m: m.nonzero(), mask, tolerance=0)


def test_long_masks(agree):
    x = torch.rand(9999)
    agree(lambda x: x[x > 0.3], x, tolerance=0)
    agree(lambda x: (x > 0.7).nonzero(), x, tolerance=0)
    agree(lambda x: torch.where(x > 0.9), x, tolerance=0)
    agree(lambda x: x[x > 2], x, tolerance=0)


def test_triangles_and_repeats(x, agree):
    for k in (-2, 0, 1, 9, -9):
        agree(torch.triu, x, k, tolerance=0)
        agree(torch.tril, x, k, tolerance=0)
    agree(lambda r: torch.repeat_interleave(r), torch.tensor([2, 0, 3]), tolerance=0)


def test_embedding(agree):
    table, ids = torch.randn(10, 6), torch.randint(0, 10, (4, 3))
    agree(lambda t, i: F.embedding(i, t), table, ids, tolerance=0)
    for mode in ("sum", "mean", "max"):
        agree(lambda t, i, mode: F.embedding_bag(i, t, mode=mode), table, ids, mode)
    agree(lambda t, i: F.embedding_bag(i.reshape(-1), t, torch.tensor([0, 2, 7], device=t.device), padding_idx=1, mode="sum"), table, ids)
    agree(lambda t, i: F.embedding(i, t.clone(), max_norm=1.5), table, ids)

    def gradient(t, i, **options):
        t = t.detach().requires_grad_()
        return torch.autograd.grad((F.embedding(i, t, **options) ** 2).sum(), t)[0]

    agree(gradient, table, ids)
    agree(lambda t, i: gradient(t, i, scale_grad_by_freq=True, padding_idx=2), table, ids)


def test_indices_out_of_range():
    x = torch.ones(6, 5, device="cuda")
    for bad in (6, -7, 2**40):
        with pytest.raises(IndexError, match=f"index {bad} is out of bounds for dimension 0 with size 6"):
            x[torch.tensor([0, bad], device="cuda")]
    with pytest.raises(IndexError, match="index 5 is out of bounds for dimension 1"):
        x[torch.tensor([0, 1]), torch.tensor([0, 5])]
    with pytest.raises((IndexError, RuntimeError), match="index -1 is out of bounds"):
        x.gather(1, torch.full((6, 1), -1, device="cuda"))
    with pytest.raises((IndexError, RuntimeError), match="out of bounds"):
        x.scatter_(0, torch.full((1, 5), 6, device="cuda"), 0.0)
    with pytest.raises((IndexError, RuntimeError), match="12"):
        F.embedding(torch.tensor([12], device="cuda"), x)
    with pytest.raises(IndexError, match="Target 5 is out of bounds"):
        F.cross_entropy(x, torch.full((6,), 5, device="cuda"))
    assert x.sum().item() == 30
