"""Data pipes: datasets put together of small steps."""
import io
import pickle
from collections.abc import Iterator

import pytest

import pyxtorch as torch
from pyxtorch.utils.data import (
    DataChunk,
    DataLoader,
    IterDataPipe,
    MapDataPipe,
    argument_validation,
    functional_datapipe,
    guaranteed_datapipes_determinism,
    non_deterministic,
    runtime_validation,
    runtime_validation_disabled,
)
from pyxtorch.utils.data.datapipes.iter import FileLister, FileOpener, IterableWrapper, Sampler
from pyxtorch.utils.data.datapipes.map import SequenceWrapper


def numbers(n=10):
    return IterableWrapper(range(n))


def double(x):
    return 2 * x


def test_steps():
    assert list(numbers().map(double)) == list(range(0, 20, 2)) and list(numbers().filter(lambda x: x % 3 == 0)) == [0, 3, 6, 9]
    batches = list(numbers().batch(4))
    assert batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]] and type(batches[0]) is DataChunk and len(numbers().batch(4)) == 3
    assert list(numbers().batch(4, drop_last=True)) == batches[:2] and len(numbers().batch(4, drop_last=True)) == 2
    assert list(numbers().batch(2).batch(2).unbatch(2)) == list(range(10)) == list(numbers().batch(2).batch(2).unbatch(-1))
    assert list(numbers(4).batch(2).unbatch(0)) == [[0, 1], [2, 3]]
    assert list(numbers(2).concat(numbers(3))) == [0, 1, 0, 1, 2] and list(numbers(2).mux(numbers(3).map(double))) == [0, 0, 1, 2]
    assert list(numbers(2).zip(numbers(3).map(double))) == [(0, 0), (1, 2)] and len(numbers(2).zip(numbers(3))) == 2
    assert [b.tolist() for b in numbers(4).batch(2).collate()] == [[0, 1], [2, 3]]
    assert list(Sampler(SequenceWrapper([5, 6, 7]))) == [0, 1, 2]
    pipe = numbers().map(double).batch(3)
    assert list(pickle.loads(pickle.dumps(pipe))) == list(pipe) and repr(pipe) == "Batcher"
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        pipe.nope
    with pytest.raises(IndexError, match="exceeds the depth"):
        list(numbers().unbatch())
    with pytest.raises(TypeError, match="valid length"):
        len(numbers().filter(bool))


def test_columns():
    rows = IterableWrapper([(1, 2, 3), (4, 5, 6)])
    assert list(rows.map(double, 1)) == [(1, 4, 3), (4, 10, 6)] and list(rows.map(double, 0, -1)) == [(1, 2, 3, 2), (4, 5, 6, 8)]
    assert list(rows.map(lambda a, c: a + c, [0, 2])) == [(4, 2), (10, 5)] and list(rows.map(double, 0, 2)) == [(1, 2, 2), (4, 5, 8)]
    assert list(IterableWrapper([{"a": 1}]).map(double, "a", "b")) == [{"a": 1, "b": 2}] and list(rows.filter(lambda a: a > 1, 0)) == [(4, 5, 6)]
    with pytest.raises(ValueError, match="output_col"):
        rows.map(double, None, 1)
    with pytest.raises(ValueError, match="Boolean"):
        list(rows.filter(lambda row: row[0]))


def test_shuffling():
    torch.manual_seed(0)
    pipe = numbers(50).shuffle()
    one, other = list(pipe), list(pipe)
    assert sorted(one) == sorted(other) == list(range(50)) and one != other
    assert list(pipe.set_seed(3)) == list(numbers(50).shuffle().set_seed(3)) and list(pipe.set_shuffle(False)) == list(range(50))
    small = list(numbers(50).shuffle(buffer_size=2))
    assert sorted(small) == list(range(50)) and max(abs(x - i) for i, x in enumerate(small)) < 25
    assert sorted(SequenceWrapper([3, 4, 5]).shuffle()) == [3, 4, 5]


def test_groups():
    words = IterableWrapper(["a.x", "b.x", "b.y", "a.y", "b.z"])
    assert list(words.groupby(lambda w: w[0], group_size=2, keep_key=True)) == [("b", ["b.x", "b.y"]), ("a", ["a.x", "a.y"]), ("b", ["b.z"])]
    assert list(words.groupby(lambda w: w[0], group_size=2, drop_remaining=True)) == [["b.x", "b.y"], ["a.x", "a.y"]]
    assert list(words.groupby(lambda w: w[0], buffer_size=3)) == [["b.x", "b.y"], ["a.x", "a.y"], ["b.z"]]
    with pytest.raises(RuntimeError, match="Failed to group"):
        list(numbers(5).groupby(lambda x: x, buffer_size=3, group_size=2))


def test_one_pipe_for_several():
    a, b = numbers(5).fork(2)
    assert list(a) == list(b) == list(range(5)) and list(zip(a, b)) == [(i, i) for i in range(5)]
    even, odd = numbers(6).demux(2, lambda x: x % 2)
    assert list(odd) == [1, 3, 5] and list(even) == [0, 2, 4]
    (kept,) = numbers(6).demux(1, lambda x: 0 if x > 3 else None, drop_none=True)
    assert list(kept) == [4, 5]
    with pytest.raises(ValueError, match="between 0 and 0"):
        list(numbers(2).demux(1, lambda x: 5)[0])
    with pytest.raises(BufferError, match="overflow"):
        list(numbers(100).fork(2, buffer_size=3)[0])
    first, _ = numbers(3).fork(2)
    old = iter(first)
    next(old)
    list(first)
    with pytest.raises(RuntimeError, match="another one has begun"):
        next(old)


def test_shares():
    pipe = numbers().shuffle().sharding_filter()
    assert len(pipe) == 10
    torch.manual_seed(4)
    with_workers = [int(x) for x in DataLoader(pipe, batch_size=None, num_workers=2)]
    assert sorted(with_workers) == list(range(10)) and with_workers != sorted(with_workers)          # one order, each sample once
    shuffled = numbers().map(double).shuffle().fork(2)[0]
    assert [int(x) for x in DataLoader(shuffled, batch_size=None, shuffle=False)] == list(range(0, 20, 2))
    torch.manual_seed(1)
    assert [int(x) for x in DataLoader(shuffled, batch_size=None, shuffle=True)] != list(range(0, 20, 2))
    pipe = numbers().sharding_filter()
    pipe.apply_sharding(3, 1)
    assert list(pipe) == [1, 4, 7] and len(pipe) == 3
    assert [b.tolist() for b in DataLoader(numbers(4), batch_size=2)] == [[0, 1], [2, 3]]


def test_pipes_by_number():
    pipe = SequenceWrapper([1, 2, 3, 4, 5])
    assert [pipe.map(double)[i] for i in range(5)] == [2, 4, 6, 8, 10] and pipe.batch(2)[2] == [5] and len(pipe.batch(2)) == 3
    assert pipe.concat(SequenceWrapper([9]))[5] == 9 and pipe.zip(pipe.map(double))[1] == (2, 4) and len(pipe.zip(SequenceWrapper([9]))) == 1
    assert SequenceWrapper({"a": 1}).map(double)["a"] == 2 and isinstance(pipe, MapDataPipe)
    for wrong in (lambda: pipe.batch(2)[3], lambda: pipe.concat(pipe)[10]):
        with pytest.raises(IndexError):
            wrong()


def test_files(tmp_path):
    for name, text in (("b.txt", "two"), ("a.txt", "one"), ("c.bin", "x")):
        (tmp_path / name).write_text(text)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "d.txt").write_text("three")
    paths = FileLister(str(tmp_path), masks="*.txt")
    assert [p[-5:] for p in paths] == ["a.txt", "b.txt"] and len(list(FileLister(str(tmp_path), recursive=True))) == 4
    assert [text for _, text in FileOpener(paths, mode="r").read_from_stream()] == ["one", "two"]
    assert [text for _, text in IterableWrapper([("x", io.BytesIO(b"abcde"))], deepcopy=False).read_from_stream(chunk=2)] == [b"ab", b"cd", b"e"]


def test_steps_of_ones_own():
    @functional_datapipe("plus_for_test")
    class Plus(IterDataPipe):
        def __init__(self, source, n):
            self.source, self.n = source, n

        def __iter__(self):
            for x in self.source:
                yield x + self.n

    try:
        assert list(numbers(3).plus_for_test(10)) == [10, 11, 12]
        with pytest.raises(Exception, match="already taken"):
            functional_datapipe("plus_for_test")(Plus)
    finally:
        del IterDataPipe.functions["plus_for_test"]
    with pytest.raises(TypeError, match="can only decorate"):
        functional_datapipe("x")(int)


def test_checks_of_types():
    class Checked(IterDataPipe):
        @argument_validation
        def __init__(self, n: int, name: str | None = None):
            self.n = n

        @runtime_validation
        def __iter__(self) -> Iterator[int]:
            yield from (1, "a")

    with pytest.raises(TypeError, match="'n' as a type of"):
        Checked("x")
    with pytest.raises(RuntimeError, match="a.*str"):
        list(Checked(1, "b"))
    with runtime_validation_disabled():
        assert list(Checked(1)) == [1, "a"]


def test_pipes_without_an_order():
    @non_deterministic
    class Any(IterDataPipe):
        def __iter__(self):
            yield 1

    assert list(Any()) == [1]
    with guaranteed_datapipes_determinism(), pytest.raises(TypeError, match="non-deterministic"):
        Any()
    assert list(Any()) == [1]


def test_fetchers():
    from pyxtorch.utils.data import _DatasetKind, default_collate

    fetcher = _DatasetKind.create_fetcher(_DatasetKind.Map, [1, 2, 3], True, default_collate, False)
    assert fetcher.fetch([0, 2]).tolist() == [1, 3]
