"""Sizes, strides, offsets and indices that point outside, overflow when multiplied, or are negative: an error, or what NumPy reads.

A seed each; `make test-sanitize` runs this where memory is watched. PYXTORCH_HOSTILE_SEEDS=5000 tries more.
"""
import os
import random
import resource

import numpy as np
import pytest

import pyxtorch as torch

SEEDS = int(os.environ.get("PYXTORCH_HOSTILE_SEEDS", "120"))
REFUSED = (RuntimeError, ValueError, IndexError, TypeError, OverflowError, MemoryError, AssertionError)     # the last: padding_idx, as in PyTorch
TOP = (1 << 63) - 1
F = torch.nn.functional


@pytest.fixture(autouse=True)
def little_memory():
    """2 GB more than now: what would fill the machine is refused by the system."""
    with open("/proc/self/statm") as f:
        now = int(f.read().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + (2 << 30), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


class Draw(random.Random):
    def size(self):
        return self.choice((0, 1, 2, 3, 3, 4, 7)) if self.random() < 0.85 else self.choice((-1, -3, TOP, 1 << 31, 1 << 32, 1 << 62, (1 << 61) + 1, -TOP - 1))

    def sizes(self, n=None):
        return tuple(self.size() for _ in range(self.randint(0, 4) if n is None else n))

    def small(self, n=None):
        return tuple(self.randint(0, 4) for _ in range(self.randint(1, 3) if n is None else n))

    def index(self, *shape, dtype=torch.int64):
        """Mostly small numbers, some of them outside."""
        top = {torch.int64: TOP, torch.int32: (1 << 31) - 1}[dtype]
        bad = self.random() < 0.6
        values = [self.choice((-1, -2, 5, 100, top, -top - 1)) if bad and self.random() < 0.3 else self.randint(0, 2) for _ in range(int(np.prod(shape)))]
        return torch.tensor(values, dtype=dtype).reshape(shape)

    def tensor(self, *shape):
        return torch.arange(float(np.prod(shape))).reshape(shape).requires_grad_(self.random() < 0.5)


def read(draw):
    """(call, what NumPy reads of the same memory, if all of it lies inside)"""
    n = draw.randint(1, 30)
    x = torch.arange(float(n))
    lent = x.numpy()  # so that no storage grows
    size = draw.sizes()
    stride, offset = tuple(draw.choice((0, 1, 2, 3, 8, TOP, 1 << 61)) for _ in size), draw.choice((0, 1, 3, n, n + 1, TOP, -1))
    inside = min(size, default=1) >= 0 and offset >= 0 and (0 in size or offset + sum((s - 1) * t for s, t in zip(size, stride)) < n)
    wanted = None
    if inside and 0 in size and max(size) < 100:
        wanted = np.zeros(size)
    elif inside and 0 not in size and int(np.prod([float(s) for s in size])) < 10000 and max(stride, default=0) < 100:
        wanted = np.lib.stride_tricks.as_strided(lent[min(offset, n - 1):], size, [4 * t for t in stride]).copy()
    way = draw.choice((lambda: x.as_strided(size, stride, offset).clone(), lambda: torch.as_strided(x.requires_grad_(), size, stride, offset).detach().clone(),
                       lambda lent=lent: torch.zeros(3).set_(x.untyped_storage(), offset, size, stride).clone()))
    return way, wanted, inside


pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")


@pytest.mark.parametrize("seed", range(SEEDS))
def test_views_of_memory(seed):
    draw = Draw(seed)
    for _ in range(5):
        way, wanted, inside = read(draw)
        try:
            y = way()
        except REFUSED:
            assert wanted is None
            continue
        assert inside or y.numel() > 1 << 20 or y.numel() == 0
        if wanted is not None:
            assert np.array_equal(y.numpy(), wanted)


def calls(draw):
    """Calls that take sizes or indices, each with arguments of its kind drawn."""
    i, d = draw.index, draw.choice((0, 0, 1, -1, -2, 5, TOP))
    x, m = draw.tensor(4, 3), draw.small()
    weight = draw.tensor(5, 3)
    picture = draw.tensor(2, 2, 4, 5)
    lengths = draw.choice((i(2), torch.tensor([4, 3]), [TOP, 2], [3, -1]))
    pick = draw.size
    return (
        lambda: torch.zeros(6).resize_(draw.sizes()).fill_(1), lambda: x.detach().clone().resize_(draw.sizes()), lambda: x[i(3)], lambda: x[i(2, 2), i(2)],
        lambda: x.detach().__setitem__((i(3), i(3)), 1.0), lambda: x.detach().index_put_((i(4),), torch.ones(3), accumulate=draw.random() < 0.5),
        lambda: x.gather(d, i(*m)), lambda: x.gather(0, i(2, 3)), lambda: x.detach().scatter_(d, i(*draw.small(2)), 1.0), lambda: x.detach().scatter_(1, i(4, 2), x.detach()),
        lambda: x.scatter_add(0, i(2, 3), torch.ones(2, 3)), lambda: x.scatter_reduce(1, i(4, 3), torch.ones(4, 3), draw.choice(("sum", "amax", "prod", "mean"))),
        lambda: x.index_select(d, i(4)), lambda: x.index_add(0, i(2), torch.ones(2, 3)), lambda: x.detach().index_copy_(0, i(2), torch.ones(2, 3)),
        lambda: x.detach().index_fill_(d, i(3), 2.0), lambda: x.take(i(3, 2)), lambda: x.detach().put_(i(4), torch.ones(4)), lambda: torch.take_along_dim(x, i(4, 1), 1),
        lambda: F.embedding(i(3, 2), weight, padding_idx=draw.choice((None, 0, -1, 9, TOP))), lambda: F.embedding_bag(i(6), weight, i(3), mode=draw.choice(("sum", "mean", "max"))),
        lambda: F.embedding(i(3, dtype=torch.int32), weight), lambda: F.one_hot(i(4), draw.choice((-1, 3, TOP))), lambda: torch.bincount(i(6), minlength=draw.choice((0, 3, -1, TOP))),
        lambda: x.unfold(d, pick(), pick()), lambda: F.unfold(picture, pick(), pick(), pick(), pick()), lambda: F.fold(draw.tensor(1, 8, 6), (pick(), pick()), (2, 2), pick(), pick(), pick()),
        lambda: F.ctc_loss(draw.tensor(4, 2, 5).log_softmax(2), i(2, 3), torch.tensor([4, 4]), lengths), lambda: F.ctc_loss(draw.tensor(4, 2, 5), i(4), lengths, torch.tensor([2, 2])),
        lambda: F.ctc_loss(draw.tensor(4, 2, 5), i(2, 3), lengths, i(2), blank=draw.choice((0, 4, 5, -1))), lambda: F.nll_loss(weight, i(5), ignore_index=draw.choice((-100, 1, TOP))),
        lambda: F.cross_entropy(picture, i(2, 4, 5)), lambda: F.multi_margin_loss(weight, i(5)), lambda: F.multilabel_margin_loss(weight, i(5, 3)),
        lambda: F.pad(picture, draw.sizes(draw.choice((2, 4, 3))), mode=draw.choice(("constant", "reflect", "replicate", "circular"))),
        lambda: F.max_pool2d(picture, pick(), pick(), pick(), pick(), draw.random() < 0.5), lambda: F.avg_pool2d(picture, pick(), pick(), pick(), draw.random() < 0.5),
        lambda: F.adaptive_avg_pool2d(picture, (pick(), pick())), lambda: F.max_unpool2d(picture, i(2, 2, 4, 5), 2, output_size=draw.choice((None, (8, 10), (3, 3)))),
        lambda: F.conv2d(picture, draw.tensor(2, 2, 2, 2), None, pick(), pick(), pick(), pick()),
        lambda: F.conv_transpose2d(picture, draw.tensor(2, 2, 2, 2), None, pick(), pick(), pick(), 1, pick()), lambda: F.interpolate(picture, size=(pick(), pick())),
        lambda: F.grid_sample(picture, draw.tensor(2, 3, 3, 2) * draw.choice((1, 1e30, float("nan"), -1e9))), lambda: F.pixel_shuffle(draw.tensor(1, 4, 2, 2), pick()),
        lambda: x.narrow(d, pick(), pick()), lambda: x.select(d, pick()), lambda: x[pick():pick():max(pick(), 1)], lambda: x.expand(draw.sizes()), lambda: x.view(draw.sizes()),
        lambda: x.repeat(draw.sizes()), lambda: x.repeat_interleave(i(4), 0), lambda: x.roll(pick(), d), lambda: x.diagonal(pick(), 0, 1), lambda: x.split(draw.sizes(), d),
        lambda: torch.diag_embed(x, pick()), lambda: torch.tril_indices(pick(), pick(), pick()), lambda: torch.empty_strided(draw.sizes(2), draw.sizes(2)).fill_(0),
        lambda: torch.frombuffer(bytearray(12), dtype=torch.float32, count=pick(), offset=pick()), lambda: x.topk(pick(), d), lambda: x.kthvalue(pick(), d),
        lambda: torch.fft.fft(x, pick(), d), lambda: torch.stft(draw.tensor(20), 8, pick(), pick(), return_complex=True), lambda: x.detach().as_strided_scatter(torch.ones(2, 2), (2, 2), draw.sizes(2), pick()),
        lambda: torch.searchsorted(torch.arange(4.0), x, sorter=i(4)), lambda: torch.nn.utils.rnn.pack_padded_sequence(draw.tensor(4, 2, 3), lengths, enforce_sorted=False),
        lambda: torch.block_diag(x, x), lambda: torch.tril(x, pick()), lambda: torch.cdist(x, weight), lambda: x.flip(draw.sizes(2)), lambda: x.permute(draw.sizes(2)),
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(SEEDS))
def test_sizes_and_indices(seed):
    draw = Draw(seed)
    number = len(calls(Draw(0)))
    done = 0
    for k in range(seed % 4, number, 4):        # four seeds make a round
        try:
            y = calls(draw)[k]()
        except REFUSED:
            continue
        done += 1
        results = [t for t in (y if isinstance(y, (tuple, list)) else (y,)) if isinstance(t, torch.Tensor) and t.numel() < 100_000]
        for t in results:
            t.clone()
        recorded = [t for t in results if t.requires_grad]
        if recorded:
            try:
                torch.autograd.backward(recorded, [torch.ones_like(t) for t in recorded])
            except REFUSED:
                pass
    assert done > 0
