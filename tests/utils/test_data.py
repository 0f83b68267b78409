"""Datasets, samplers, collating, and the DataLoader with and without workers."""
import collections
import os
import random
import signal
import time

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.utils import data
from pyxtorch.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    get_worker_info,
    random_split,
)

pytestmark = pytest.mark.timeout(60)


class Squares(Dataset):
    """Sample i is (i * i as a tensor, i)."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if not 0 <= i < self.n:
            raise IndexError(i)
        return torch.tensor(float(i * i)), i


class Stream(IterableDataset):
    """Numbers from start to stop; with workers, each gives its share."""

    def __init__(self, stop, start=0):
        self.start, self.stop = start, stop

    def __iter__(self):
        info = get_worker_info()
        first, step = (self.start, 1) if info is None else (self.start + info.id, info.num_workers)
        return iter(range(first, self.stop, step))

    def __len__(self):
        return self.stop - self.start


# ----------------------------------------------------------------------------------- datasets

def test_tensor_dataset():
    x, y = torch.arange(12.0).reshape(6, 2), torch.arange(6)
    d = TensorDataset(x, y)
    assert len(d) == 6 and d[2][0].tolist() == [4, 5] and d[-1][1].item() == 5 and d[1:3][1].tolist() == [1, 2]
    with pytest.raises(AssertionError, match="Size mismatch"):
        TensorDataset(x, y[:3])


def test_subset_and_random_split():
    d = Subset(Squares(10), [7, 2, 5])
    assert len(d) == 3 and d[1][1] == 2 and [s[1] for s in d.__getitems__([0, 2])] == [7, 5]
    whole = TensorDataset(torch.arange(10))
    assert Subset(whole, [3, 1, 4])[[0, 2]][0].tolist() == [3, 4] and Subset(whole, [3, 1, 4])[:][0].tolist() == [3, 1, 4]
    parts = random_split(whole, [7, 3], generator=torch.Generator().manual_seed(1))
    again = random_split(whole, [7, 3], generator=torch.Generator().manual_seed(1))
    assert [p.indices for p in parts] == [p.indices for p in again]
    assert sorted(parts[0].indices + parts[1].indices) == list(range(10)) and len(parts[1]) == 3
    assert [len(p) for p in random_split(range(10), [0.5, 0.3, 0.2])] == [5, 3, 2]
    assert [len(p) for p in random_split(range(11), [0.5, 0.25, 0.25])] == [6, 3, 2]
    with pytest.raises(ValueError, match="Sum of input lengths"):
        random_split(whole, [5, 6])
    with pytest.raises(ValueError, match="not between 0 and 1"):
        random_split(whole, [1.5, -0.5])
    with pytest.warns(UserWarning, match="index 2 is 0"):
        random_split(range(10), [0.9, 0.1, 0.0])


def test_concat_chain_stack():
    d = Squares(3) + Squares(2)
    assert type(d) is ConcatDataset and len(d) == 5 and [d[i][1] for i in range(5)] == [0, 1, 2, 0, 1] and d[-1][1] == 1
    for wrong, error in ((5, IndexError), (-6, ValueError)):
        with pytest.raises(error):
            d[wrong]
    with pytest.raises(AssertionError):
        ConcatDataset([])
    with pytest.raises(AssertionError):
        ConcatDataset([Stream(3)])
    chain = Stream(3) + Stream(7, 5)
    assert type(chain) is ChainDataset and list(chain) == [0, 1, 2, 5, 6] and len(chain) == 5
    stack = StackDataset(Squares(3), Subset(Squares(9), [8, 7, 6]))
    assert stack[1][1][1] == 7 and [row[1][1] for row in stack.__getitems__([2, 0])] == [6, 8] and len(stack) == 3
    named = StackDataset(a=Squares(3), b=Squares(3))
    assert named[2]["b"][1] == 2 and named.__getitems__([1])[0]["a"][1] == 1
    for arguments in ((Squares(1), Squares(2)), ()):
        with pytest.raises(ValueError):
            StackDataset(*arguments)
    assert Dataset[int] is Dataset and DataLoader[int] is DataLoader


# ----------------------------------------------------------------------------------- samplers

def test_samplers():
    assert list(SequentialSampler("abc")) == [0, 1, 2]
    seeded = lambda: torch.Generator().manual_seed(3)
    order = list(RandomSampler(range(100), generator=seeded()))
    assert sorted(order) == list(range(100)) and order != sorted(order) and order == list(RandomSampler(range(100), generator=seeded()))
    assert sorted(RandomSampler(range(4), num_samples=8)) == [0, 0, 1, 1, 2, 2, 3, 3] and len(RandomSampler(range(4), num_samples=3)) == 3
    drawn = list(RandomSampler(range(10), replacement=True, num_samples=5000))
    assert len(drawn) == 5000 and set(drawn) == set(range(10))
    assert sorted(SubsetRandomSampler([5, 9, 2])) == [2, 5, 9]
    assert [list(b) for b in BatchSampler(range(7), 3, False)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(BatchSampler(range(7), 3, True)) == [[0, 1, 2], [3, 4, 5]]
    assert [len(BatchSampler(range(7), 3, drop)) for drop in (False, True)] == [3, 2]


def test_weighted_sampler():
    weights = [0.0, 1.0, 3.0]
    counts = collections.Counter(WeightedRandomSampler(weights, 8000, generator=torch.Generator().manual_seed(0)))
    assert counts[0] == 0 and abs(counts[2] / 8000 - 0.75) < 0.03
    assert sorted(WeightedRandomSampler(weights, 2, replacement=False)) == [1, 2]
    for arguments in ((weights, 0), (weights, True), (weights, 1, 1), ([weights], 1)):
        with pytest.raises(ValueError):
            WeightedRandomSampler(*arguments)


@pytest.mark.parametrize("make", [
    lambda: RandomSampler([1], replacement=1), lambda: RandomSampler([1], num_samples=0), lambda: BatchSampler([1], 0, False),
    lambda: BatchSampler([1], True, False), lambda: BatchSampler([1], 1, 0)])
def test_samplers_refuse(make):
    with pytest.raises((TypeError, ValueError)):
        make()


# ------------------------------------------------------------------------------------ collating

Pair = collections.namedtuple("Pair", "a b")


def test_default_collate():
    assert default_collate([torch.ones(2), torch.zeros(2)]).tolist() == [[1, 1], [0, 0]]
    assert default_collate([1, 2]).dtype == torch.int64 and default_collate([0.5]).dtype == torch.float64
    assert default_collate([True, False]).dtype == torch.bool
    assert default_collate([np.ones(3, np.float32)] * 2).shape == (2, 3) and default_collate([np.float32(1)] * 2).dtype == torch.float32
    assert default_collate(["a", "b"]) == ["a", "b"] and default_collate([b"a"]) == [b"a"]
    batch = default_collate([(1, "a"), (2, "b")])
    assert type(batch) is list and batch[0].tolist() == [1, 2] and batch[1] == ("a", "b")
    batch = default_collate([{"x": 1, "y": [1, 2]}, {"x": 3, "y": [3, 4]}])
    assert batch["x"].tolist() == [1, 3] and [y.tolist() for y in batch["y"]] == [[1, 3], [2, 4]]
    ordered = default_collate([collections.OrderedDict(b=1, a=2)] * 2)
    assert type(ordered) is collections.OrderedDict and list(ordered) == ["b", "a"] and ordered["a"].tolist() == [2, 2]
    pair = default_collate([Pair(1, 2.0), Pair(3, 4.0)])
    assert type(pair) is Pair and pair.a.tolist() == [1, 3]
    with pytest.raises(TypeError, match="found <class 'object'>"):
        default_collate([object()])
    with pytest.raises(TypeError, match="found"):
        default_collate([np.array(["a"])])
    with pytest.raises(RuntimeError, match="equal size"):
        default_collate([[1], [1, 2]])
    with pytest.raises(RuntimeError):
        default_collate([torch.ones(2), torch.ones(3)])


def test_default_convert():
    converted = default_convert({"a": np.ones(2), "b": [np.float64(3), "text", None], "c": Pair(np.zeros(1), 1), "d": (np.ones(1),)})
    assert type(converted["a"]) is torch.Tensor and converted["b"][1:] == ["text", None] and type(converted["c"].a) is torch.Tensor
    assert type(converted["d"]) is list and default_convert(5) == 5


# ---------------------------------------------------------------------------- in this process

def column(loader, k=1):
    return [batch[k].tolist() for batch in loader]


def test_loader_in_order():
    loader = DataLoader(Squares(7), batch_size=3)
    assert column(loader) == [[0, 1, 2], [3, 4, 5], [6]] and column(loader, 0)[1] == [9, 16, 25] and len(loader) == 3 == len(iter(loader))
    assert column(DataLoader(Squares(7), batch_size=3, drop_last=True)) == [[0, 1, 2], [3, 4, 5]]
    assert [y for _, y in DataLoader(Squares(3), batch_size=None)] == [0, 1, 2]
    assert column(DataLoader(Squares(5), batch_size=2, sampler=[4, 0, 1])) == [[4, 0], [1]]
    assert column(DataLoader(Squares(5), batch_sampler=[[4], [0, 1]])) == [[4], [0, 1]]
    assert list(DataLoader([1, 2, 3], batch_size=2, collate_fn=sum)) == [3, 3]


@pytest.mark.parametrize("dataset", [
    TensorDataset(torch.arange(40).reshape(20, 2), torch.arange(20)), Subset(TensorDataset(torch.arange(60).reshape(30, 2), torch.arange(30)), range(20, 0, -1))])
def test_whole_batches_equal_single_samples(dataset):
    """The short cut for tensors gives what collating samples gives."""
    slow = DataLoader(dataset, 6, collate_fn=lambda samples: default_collate(samples))
    for a, b in zip(DataLoader(dataset, 6), slow, strict=True):
        assert type(a) is list and all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_a_subclass_of_tensor_dataset_keeps_its_own_samples():
    class Doubled(TensorDataset):
        def __getitem__(self, i):
            return tuple(2 * x for x in super().__getitem__(i))

    assert [b[0].tolist() for b in DataLoader(Doubled(torch.arange(4)), 2)] == [[0, 2], [4, 6]]


def test_shuffling_follows_the_seed():
    d = TensorDataset(torch.arange(50))
    def epoch(generator=None):
        return torch.cat([b[0] for b in DataLoader(d, 8, shuffle=True, generator=generator)]).tolist()

    torch.manual_seed(0)
    first, second = epoch(), epoch()
    torch.manual_seed(0)
    assert epoch() == first != second and sorted(first) == list(range(50))
    g = torch.Generator().manual_seed(5)
    own = epoch(g)
    assert epoch(g) != own == epoch(torch.Generator().manual_seed(5))


def test_iterable_datasets():
    loader = DataLoader(Stream(7), batch_size=3)
    assert [b.tolist() for b in loader] == [[0, 1, 2], [3, 4, 5], [6]] and len(loader) == 3
    assert [b.tolist() for b in DataLoader(Stream(7), batch_size=3, drop_last=True)] == [[0, 1, 2], [3, 4, 5]]
    assert list(DataLoader(Stream(3), batch_size=None)) == [0, 1, 2]

    class Longer(Stream):
        def __len__(self):
            return 2

    loader = DataLoader(Longer(6), batch_size=2)
    assert len(loader) == 1
    with pytest.warns(UserWarning, match="was reported to be 1"):
        list(loader)


def test_many_samples_at_once():
    class Many(Squares):
        def __getitems__(self, indices):
            return [(torch.zeros(1), 100 + i) for i in indices]

    assert column(DataLoader(Many(4), 2)) == [[100, 101], [102, 103]]


@pytest.mark.parametrize("options", [
    dict(num_workers=-1), dict(timeout=-1), dict(prefetch_factor=2), dict(persistent_workers=True), dict(sampler=[0], shuffle=True),
    dict(batch_sampler=[[0]], batch_size=2), dict(batch_sampler=[[0]], shuffle=True), dict(batch_size=None, drop_last=True),
    dict(batch_size=0), dict(multiprocessing_context="fork"), dict(multiprocessing_context="none", num_workers=1), dict(num_workers=1, prefetch_factor=0)])
def test_options_that_do_not_go_together(options):
    with pytest.raises(ValueError):
        DataLoader(Squares(3), **options)


@pytest.mark.parametrize("options", [dict(shuffle=True), dict(sampler=[0]), dict(batch_sampler=[[0]])])
def test_options_that_streams_do_not_take(options):
    with pytest.raises(ValueError, match="IterableDataset"):
        DataLoader(Stream(3), **options)


def test_attributes_are_fixed():
    loader = DataLoader(Squares(3))
    with pytest.raises(ValueError, match="should not be set"):
        loader.batch_size = 3
    with pytest.raises(TypeError):
        DataLoader(Squares(3), num_workers=1, multiprocessing_context=3)


def test_pin_memory():
    if torch.cuda.is_available():
        assert column(DataLoader(Squares(2), pin_memory=True)) == [[0], [1]]
    else:
        with pytest.warns(UserWarning, match="pin_memory"):
            assert column(DataLoader(Squares(2), pin_memory=True)) == [[0], [1]]


# -------------------------------------------------------------------------------- with workers

@pytest.mark.parametrize("workers", [1, 3])
def test_workers_give_the_same(workers):
    for options in (dict(batch_size=3), dict(batch_size=4, drop_last=True), dict(batch_sampler=[[5], [1, 2], [0]])):
        expected = list(DataLoader(Squares(20), **options))
        loader = DataLoader(Squares(20), num_workers=workers, **options)
        for _ in range(2):
            for a, b in zip(loader, expected, strict=True):
                assert all(torch.equal(x, y) for x, y in zip(a, b))
    d = TensorDataset(torch.randn(100, 3000), torch.arange(100))  # more than a pipe holds
    shuffled = torch.cat([y for x, y in DataLoader(d, 50, shuffle=True, num_workers=workers) if torch.equal(x, d.tensors[0][y])])
    assert sorted(shuffled.tolist()) == list(range(100))


class Kinds(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        return {"array": np.full(3, i, np.int16), "text": "x" * i, "none": None, "bool": torch.tensor(True), "half": torch.ones(2).bfloat16(), "empty": torch.zeros(0, 2)}


def identity(x):
    return x


def test_all_kinds_of_values_travel():
    for i, batch in enumerate(DataLoader(Kinds(), batch_size=None, num_workers=2, collate_fn=identity)):
        assert type(batch["array"]) is np.ndarray and (batch["array"] == i).all() and batch["array"].dtype == np.int16
        assert batch["text"] == "x" * i and batch["none"] is None and batch["bool"].item() is True
        assert batch["half"].dtype == torch.bfloat16 and batch["empty"].shape == (0, 2)
        batch["half"].add_(1)
        batch["array"] += 1


def test_slow_samples_keep_their_order():
    class Slow(Squares):
        def __getitem__(self, i):
            time.sleep(0.05 if i % 3 == 0 else 0)
            return torch.tensor(0.0), i

    assert column(DataLoader(Slow(9), num_workers=3)) == [[i] for i in range(9)]
    free = column(DataLoader(Slow(9), num_workers=3, in_order=False))
    assert sorted(free) == [[i] for i in range(9)]


def test_streams_with_workers():
    for workers in (1, 2, 3):
        for batch_size in (None, 1, 4):
            batches = list(DataLoader(Stream(10), batch_size=batch_size, num_workers=workers))
            values = batches if batch_size is None else torch.cat(batches).tolist()
            assert sorted(values) == list(range(10))
    assert [b.tolist() for b in DataLoader(Stream(7), 2, num_workers=2, drop_last=True)] == [[0, 2], [1, 3], [4, 6]]


class Seeds(Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, i):
        info = get_worker_info()
        return info.id, info.num_workers, info.seed, torch.initial_seed(), random.random(), np.random.rand(), torch.rand(1).item(), os.getpid()


def test_seeds_of_workers():
    assert get_worker_info() is None
    def epoch(seed):
        return list(DataLoader(Seeds(), batch_size=None, num_workers=2, generator=torch.Generator().manual_seed(seed), collate_fn=identity))

    a, b, c = epoch(1), epoch(1), epoch(2)
    assert [r[:7] for r in a] == [r[:7] for r in b] and all(x[4:7] != y[4:7] for x, y in zip(a, c))
    assert [r[0] for r in a] == [0, 1] * 3 and a[0][1] == 2 and a[1][2] - a[0][2] == 1
    assert all(r[2] == r[3] for r in a) and len({r[4] for r in a}) == len({r[5] for r in a}) == len({r[6] for r in a}) == 6
    assert os.getpid() not in {r[7] for r in a} and len({r[7] for r in a}) == 2


def offset(worker):
    get_worker_info().dataset.start = 100 * worker
    get_worker_info().dataset.stop = 100 * worker + 2


class Range(IterableDataset):
    start, stop = 0, 1

    def __iter__(self):
        return iter(range(self.start, self.stop))


def test_worker_init_fn():
    assert sorted(DataLoader(Range(), batch_size=None, num_workers=2, worker_init_fn=offset)) == [0, 1, 100, 101]

    def fails(worker):
        raise ValueError("no such drive")

    with pytest.raises(ValueError, match="no such drive"):
        list(DataLoader(Squares(3), num_workers=1, worker_init_fn=fails))


def test_worker_info_is_fixed():
    info = data.worker.WorkerInfo(id=1, seed=2)
    with pytest.raises(RuntimeError, match="Cannot assign"):
        info.id = 3
    assert repr(info) == "WorkerInfo(id=1, seed=2)"


class Pids(Squares):
    def __getitem__(self, i):
        return torch.tensor(float(os.getpid())), i


def test_persistent_workers():
    loader = DataLoader(Pids(8), batch_size=2, num_workers=2, persistent_workers=True)
    def pids():
        return {p for batch in loader for p in batch[0].tolist()}

    first = pids()
    assert pids() == first and len(first) == 2
    half = iter(loader)
    next(half)  # left in the middle
    assert column(loader) == [[0, 1], [2, 3], [4, 5], [6, 7]] and pids() == first
    assert pids() != {p for batch in DataLoader(Pids(8), 2, num_workers=2) for p in batch[0].tolist()}
    stream = DataLoader(Stream(5), num_workers=2, persistent_workers=True)
    assert [sorted(torch.cat(list(stream)).tolist()) for _ in range(2)] == [list(range(5))] * 2


class Fragile(Squares):
    def __init__(self, n, what):
        super().__init__(n)
        self.what = what

    def __getitem__(self, i):
        if i == 3:
            self.what()
        return super().__getitem__(i)


class Odd(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


def key_error():
    raise KeyError("wanted")


def odd_error():
    raise Odd(1, 2)


def unpicklable():
    raise type("Local", (Exception,), {})("local")


@pytest.mark.parametrize("what, error, text", [(key_error, KeyError, "wanted"), (odd_error, RuntimeError, "Odd"), (unpicklable, RuntimeError, "Local")])
def test_exceptions_in_workers(what, error, text):
    iterator = iter(DataLoader(Fragile(6, what), num_workers=2))
    assert [next(iterator)[1].item() for _ in range(3)] == [0, 1, 2]
    with pytest.raises(error, match=f"(?s)Caught .* in DataLoader worker process 1.*Original Traceback.*{text}"):
        next(iterator)
    assert [batch[1].item() for batch in iterator] == [4, 5]  # the others come all the same


def test_a_batch_that_cannot_travel():
    loader = DataLoader([lambda: 0], num_workers=1, batch_size=None)
    with pytest.raises(Exception, match="(?s)Caught .*pickle"):
        list(loader)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def leave():
    os._exit(7)


@pytest.mark.parametrize("how, text", [(die, "killed by signal 9"), (leave, "exit code 7")])
@pytest.mark.parametrize("persistent", [False, True])
def test_a_dead_worker_is_an_error(how, text, persistent):
    loader = DataLoader(Fragile(20, how), num_workers=2, persistent_workers=persistent)
    start = time.monotonic()
    for _ in range(2):
        with pytest.raises(RuntimeError, match=f"exited unexpectedly .{text}"):
            list(loader)
    assert time.monotonic() - start < 20


def test_a_worker_killed_from_outside():
    loader = DataLoader(Pids(1000), num_workers=2)
    iterator = iter(loader)
    os.kill(int(next(iterator)[0].item()), signal.SIGKILL)
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        for _ in iterator:
            pass


def sleep():
    time.sleep(30)


def test_timeout():
    loader = DataLoader(Fragile(6, sleep), num_workers=1, timeout=0.5)
    start, seen = time.monotonic(), []
    with pytest.raises(RuntimeError, match="timed out after 0.5 seconds"):
        for batch in loader:
            seen.append(batch[1].item())
    assert seen == [0, 1, 2] and time.monotonic() - start < 15


def children():
    return {int(p) for p in os.listdir("/proc") if p.isdigit() and _parent(p) == os.getpid()}


def _parent(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return int(f.read().rpartition(")")[2].split()[1])
    except OSError:
        return None


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
def test_nothing_is_left_over():
    before, files = children(), len(os.listdir("/proc/self/fd"))
    for _ in range(2):
        list(DataLoader(Squares(9), num_workers=3))
        iterator = iter(DataLoader(TensorDataset(torch.zeros(100, 100_000)), 10, num_workers=2))
        next(iterator)
        del iterator  # its workers are in the middle of writing
    # What an earlier test's loader left to be reaped may have gone meanwhile.
    assert children() <= before and len(os.listdir("/proc/self/fd")) <= files


def test_two_loaders_with_living_workers():
    """Workers of one do not keep those of the other alive."""
    a = iter(DataLoader(Squares(50), num_workers=2))
    next(a)
    b = iter(DataLoader(Squares(50), num_workers=2))
    next(b)
    start = time.monotonic()
    del a
    assert time.monotonic() - start < 4
    assert sum(1 for _ in b) == 49


def test_large_tasks_do_not_block():
    """Numbers of samples and batches that both are more than a pipe holds."""
    loader = DataLoader(TensorDataset(torch.arange(300_000)), batch_size=100_000, num_workers=1, prefetch_factor=3, shuffle=True)
    assert sum(len(b[0]) for b in loader) == 300_000


def test_spawned_workers():
    loader = DataLoader(Squares(6), batch_size=2, num_workers=2, multiprocessing_context="spawn")
    assert column(loader) == [[0, 1], [2, 3], [4, 5]]
