"""Steps for pipes that give samples one after the other."""
import copy
import itertools
import os
import random
from collections import deque

import pyxtorch
from pyxtorch.utils.data.collate import default_collate
from pyxtorch.utils.data.datapipes.datapipe import DataChunk, IterDataPipe, functional_datapipe
from pyxtorch.utils.data.sampler import SequentialSampler
from pyxtorch.utils.data.worker import get_worker_info

__all__ = [
    "Batcher", "Collator", "Concater", "Demultiplexer", "FileLister", "FileOpener", "Filter", "Forker", "Grouper", "IterableWrapper", "Mapper",
    "Multiplexer", "Sampler", "ShardingFilter", "Shuffler", "StreamReader", "UnBatcher", "Zipper",
]  # fmt: skip


class IterableWrapper(IterDataPipe):
    """The samples of an iterable, of which each pass takes a copy (`deepcopy`)."""

    def __init__(self, iterable, deepcopy=True):
        self.iterable, self.deepcopy = iterable, deepcopy

    def __iter__(self):
        source = self.iterable
        if self.deepcopy:
            try:
                source = copy.deepcopy(source)
            except TypeError:  # generators and the like can be gone through once
                pass
        yield from source

    def __len__(self):
        return len(self.iterable)


class _Step(IterDataPipe):
    """A step on one pipe, as long as it unless it says otherwise."""

    def __init__(self, datapipe):
        self.datapipe = datapipe

    def __len__(self):
        return len(self.datapipe)


def applied(fn, data, input_col, output_col):
    """`fn` of the parts of a sample that `input_col` names, put where `output_col` says."""
    if input_col is None and output_col is None:
        return fn(data)
    many = isinstance(input_col, (list, tuple))
    result = fn(data) if input_col is None else fn(*(data[c] for c in input_col)) if many else fn(data[input_col])
    is_tuple = isinstance(data, tuple)
    changed = list(data) if is_tuple else copy.copy(data)
    if output_col is None:
        if many:
            for column in sorted(input_col[1:], reverse=True):
                del changed[column]
            changed[input_col[0]] = result
        else:
            changed[input_col] = result
    elif output_col == -1:
        changed.append(result)
    else:
        changed[output_col[0] if isinstance(output_col, (list, tuple)) else output_col] = result
    return tuple(changed) if is_tuple else changed


@functional_datapipe("map")
class Mapper(_Step):
    """`fn` of each sample, or of parts of it."""

    def __init__(self, datapipe, fn, input_col=None, output_col=None):
        if input_col is None and output_col is not None:
            raise ValueError("`output_col` must be None when `input_col` is None.")
        super().__init__(datapipe)
        self.fn, self.input_col, self.output_col = fn, input_col, output_col

    def __iter__(self):
        for data in self.datapipe:
            yield applied(self.fn, data, self.input_col, self.output_col)


@functional_datapipe("collate")
class Collator(_Step):
    """Each batch of samples as one sample of batches (`default_collate`, or a function of one's own)."""

    def __init__(self, datapipe, conversion=default_collate, collate_fn=None):
        super().__init__(datapipe)
        self.collate_fn = collate_fn or conversion

    def __iter__(self):
        return map(self.collate_fn, self.datapipe)


@functional_datapipe("filter")
class Filter(_Step):
    """The samples of which a function is true."""

    def __init__(self, datapipe, filter_fn, input_col=None):
        super().__init__(datapipe)
        self.filter_fn, self.input_col = filter_fn, input_col

    def __iter__(self):
        for data in self.datapipe:
            many = isinstance(self.input_col, (list, tuple))
            keep = self.filter_fn(data) if self.input_col is None else self.filter_fn(*(data[c] for c in self.input_col)) if many else self.filter_fn(data[self.input_col])
            if not isinstance(keep, (bool, pyxtorch.Tensor)) and type(keep).__name__ != "bool_":
                raise ValueError(f"Boolean output is required for `filter_fn` of Filter, got {type(keep)}")
            if keep:
                yield data

    def __len__(self):
        raise TypeError(f"{type(self).__name__} instance doesn't have valid length")


@functional_datapipe("batch")
class Batcher(_Step):
    """Batches of `batch_size` samples, each a `wrapper_class`."""

    def __init__(self, datapipe, batch_size, drop_last=False, wrapper_class=DataChunk):
        if batch_size <= 0:
            raise AssertionError("Batch size is required to be larger than 0!")
        super().__init__(datapipe)
        self.batch_size, self.drop_last, self.wrapper_class = batch_size, drop_last, wrapper_class

    def __iter__(self):
        samples = iter(self.datapipe)
        while batch := list(itertools.islice(samples, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield self.wrapper_class(batch)

    def __len__(self):
        return len(self.datapipe) // self.batch_size if self.drop_last else -(-len(self.datapipe) // self.batch_size)


@functional_datapipe("unbatch")
class UnBatcher(_Step):
    """The samples of batches, `unbatch_level` levels of lists taken apart (-1: all)."""

    def __init__(self, datapipe, unbatch_level=1):
        if unbatch_level < -1:
            raise ValueError("unbatch_level must be -1 or >= 0")
        super().__init__(datapipe)
        self.unbatch_level = unbatch_level

    def __iter__(self):
        for element in self.datapipe:
            yield from self._parts(element, self.unbatch_level)

    def _parts(self, element, level):
        if level == 0 or level == -1 and not isinstance(element, (list, DataChunk)):
            yield element
        elif isinstance(element, (list, DataChunk)):
            for item in element:
                yield from self._parts(item, level if level == -1 else level - 1)
        else:
            raise IndexError(f"unbatch_level {self.unbatch_level} exceeds the depth of the DataPipe")

    def __len__(self):
        raise TypeError(f"{type(self).__name__} instance doesn't have valid length")


@functional_datapipe("shuffle")
class Shuffler(_Step):
    """The samples in random order, drawn from a buffer. All workers of a DataLoader draw the same order."""

    def __init__(self, datapipe, *, buffer_size=10000, unbatch_level=0):
        if buffer_size <= 0:
            raise ValueError("buffer_size should be larger than 0")
        super().__init__(datapipe if unbatch_level == 0 else datapipe.unbatch(unbatch_level))
        self.buffer_size, self._seed, self._enabled = buffer_size, None, True

    def set_shuffle(self, shuffle=True):
        """Shuffle, or do not."""
        self._enabled = shuffle
        return self

    def set_seed(self, seed):
        """The seed of the next pass."""
        self._seed = seed
        return self

    def _next_seed(self):
        seed, self._seed = self._seed, None
        if seed is not None:
            return seed
        info = get_worker_info()
        return info.seed - info.id if info is not None else int(pyxtorch.empty((), dtype=pyxtorch.int64).random_())

    def __iter__(self):
        if not self._enabled:
            yield from self.datapipe
            return
        draw, buffer = random.Random(self._next_seed()), []
        for x in self.datapipe:
            if len(buffer) == self.buffer_size:
                place = draw.randint(0, len(buffer) - 1)
                value, buffer[place] = buffer[place], x
                yield value
            else:
                buffer.append(x)
        draw.shuffle(buffer)
        yield from buffer


class Sampler(_Step):
    """Numbers of samples, or samples by number, as a sampler says."""

    def __init__(self, datapipe, sampler=SequentialSampler, sampler_args=None, sampler_kwargs=None):
        super().__init__(datapipe)
        self.sampler = sampler(*(sampler_args or ()), data_source=datapipe, **(sampler_kwargs or {}))

    def __iter__(self):
        return iter(self.sampler)

    def __len__(self):
        return len(self.sampler)


@functional_datapipe("sharding_filter")
class ShardingFilter(_Step):
    """Every n-th sample: this process's share, of `apply_sharding`, or in a DataLoader's worker that worker's."""

    def __init__(self, source_datapipe):
        super().__init__(source_datapipe)
        self.num_of_instances, self.instance_id = None, 0

    def apply_sharding(self, num_of_instances, instance_id, sharding_group=None):
        """How many shares there are, and which is this one's."""
        if instance_id >= num_of_instances:
            raise ValueError(f"instance_id({instance_id}) should be smaller than num_of_instances({num_of_instances})")
        self.num_of_instances, self.instance_id = num_of_instances, instance_id

    def _share(self):
        if self.num_of_instances is not None:
            return self.num_of_instances, self.instance_id
        info = get_worker_info()
        return (1, 0) if info is None else (info.num_workers, info.id)

    def __iter__(self):
        count, mine = self._share()
        return itertools.islice(self.datapipe, mine, None, count)

    def __len__(self):
        count, mine = self._share()
        return len(range(mine, len(self.datapipe), count))


class _Several(IterDataPipe):
    """A step on several pipes."""

    def __init__(self, *datapipes):
        if not datapipes:
            raise ValueError(f"Expected at least one DataPipe for {type(self).__name__}, but got nothing")
        if not all(isinstance(d, IterDataPipe) for d in datapipes):
            raise TypeError(f"Expected all inputs of {type(self).__name__} to be `IterDataPipe`")
        self.datapipes = datapipes


@functional_datapipe("concat")
class Concater(_Several):
    """One pipe after the other."""

    def __iter__(self):
        return itertools.chain.from_iterable(self.datapipes)

    def __len__(self):
        return sum(map(len, self.datapipes))


@functional_datapipe("mux")
class Multiplexer(_Several):
    """A sample of each pipe in turn, until one of them ends."""

    def __iter__(self):
        for row in zip(*self.datapipes):
            yield from row

    def __len__(self):
        return min(map(len, self.datapipes)) * len(self.datapipes)


@functional_datapipe("zip")
class Zipper(_Several):
    """Tuples of a sample of each pipe, until one of them ends."""

    def __iter__(self):
        return zip(*self.datapipes)

    def __len__(self):
        return min(map(len, self.datapipes))


@functional_datapipe("groupby")
class Grouper(_Step):
    """Batches of samples of one group, of which a function gives the key.

    Args:
        buffer_size: how many samples are kept; beyond that the largest group is given out. group_size: how many make a batch.
        guaranteed_group_size: smaller groups are errors, or dropped (`drop_remaining`).
    """

    def __init__(self, datapipe, group_key_fn, *, keep_key=False, buffer_size=10000, group_size=None, guaranteed_group_size=None, drop_remaining=False):
        super().__init__(datapipe)
        self.group_key_fn, self.keep_key, self.buffer_size, self.group_size = group_key_fn, keep_key, buffer_size, group_size
        self.smallest, self.drop_remaining = group_size if guaranteed_group_size is None else guaranteed_group_size, drop_remaining

    def _out(self, key, group):
        return (key, DataChunk(group)) if self.keep_key else DataChunk(group)

    def __iter__(self):
        groups, held = {}, 0
        for x in self.datapipe:
            key = self.group_key_fn(x)
            groups.setdefault(key, []).append(x)
            held += 1
            if self.group_size is not None and len(groups[key]) == self.group_size:
                held -= self.group_size
                yield self._out(key, groups.pop(key))
            if held == self.buffer_size:
                largest = max(groups, key=lambda k: len(groups[k]))
                if self.smallest is not None and len(groups[largest]) < self.smallest and not self.drop_remaining:
                    raise RuntimeError(f"Failed to group items: the largest of the groups has {len(groups[largest])} items, fewer than {self.smallest}")
                held -= len(groups[largest])
                if self.smallest is None or len(groups[largest]) >= self.smallest:
                    yield self._out(largest, groups[largest])
                del groups[largest]
        for key, group in groups.items():
            if not self.drop_remaining or self.smallest is None or len(group) >= self.smallest:
                yield self._out(key, group)

    def __len__(self):
        raise TypeError(f"{type(self).__name__} instance doesn't have valid length")


# ------------------------------------------------------------------------- one pipe for several

class _Shared:
    """A pipe that several read, each sample kept until all that want it have it."""

    _is_shared_pipe = True

    def __init__(self, datapipe, count, buffer_size, choose):
        self.datapipe, self.buffer_size, self.choose = datapipe, buffer_size, choose
        self.queues, self.source = [deque() for _ in range(count)], None
        self.fresh = [True] * count

    def begin(self, number):
        """A pass of one reader begins: the first of a round starts the source anew."""
        if self.source is None or not self.fresh[number]:
            self.source = iter(self.datapipe)
            for queue in self.queues:
                queue.clear()
            self.fresh = [True] * len(self.queues)
        self.fresh[number] = False
        source = self.source
        while source is self.source:
            while not self.queues[number]:
                try:
                    x = next(source)
                except StopIteration:
                    return
                for target in self.choose(x):
                    self.queues[target].append(x)
                    if self.buffer_size >= 0 and sum(map(len, self.queues)) > self.buffer_size * max(1, len(self.queues)):
                        raise BufferError(f"DataPipe buffer overflow, buffer size {self.buffer_size} is insufficient.")
            yield self.queues[number].popleft()
        raise RuntimeError("This child DataPipe is not at the start of a pass any more: another one has begun the next.")


class _Child(IterDataPipe):
    """One of the pipes that `fork` or `demux` gives."""

    def __init__(self, shared, number, has_length):
        self.shared, self.number, self.has_length = shared, number, has_length

    def __iter__(self):
        return self.shared.begin(self.number)

    def __len__(self):
        if not self.has_length:
            raise TypeError("a pipe of demux has no length")
        return len(self.shared.datapipe)


@functional_datapipe("fork")
class Forker(IterDataPipe):
    """Several pipes of the samples of one: a list of them. `copy` may be "shallow" or "deep"."""

    def __new__(cls, datapipe, num_instances, buffer_size=1000, copy=None):
        if num_instances < 1:
            raise ValueError(f"Expected `num_instances` larger than 0, but {num_instances} is found")
        if copy not in (None, "shallow", "deep"):
            raise ValueError(f"Unknown copy method `{copy}`, choose one of None, `shallow` or `deep`.")
        if num_instances == 1:
            return [datapipe]
        shared = _Shared(datapipe, num_instances, buffer_size, lambda x: range(num_instances))
        children = [_Child(shared, i, True) for i in range(num_instances)]
        if copy is None:
            return children
        import copy as copying

        return [child.map(copying.copy if copy == "shallow" else copying.deepcopy) for child in children]


@functional_datapipe("demux")
class Demultiplexer(IterDataPipe):
    """Several pipes, a list, among which a function divides the samples of one by numbers; None is dropped with `drop_none`."""

    def __new__(cls, datapipe, num_instances, classifier_fn, drop_none=False, buffer_size=1000):
        if num_instances < 1:
            raise ValueError(f"Expected `num_instances` larger than 0, but {num_instances} is found")

        def choose(x):
            number = classifier_fn(x)
            if number is None and drop_none:
                return ()
            if number is None or not 0 <= number < num_instances:
                raise ValueError(f"Output of the classification fn should be between 0 and {num_instances - 1}. {number} is returned.")
            return (number,)

        shared = _Shared(datapipe, num_instances, buffer_size, choose)
        return [_Child(shared, i, False) for i in range(num_instances)]


# --------------------------------------------------------------------------------------- files

@functional_datapipe("list_files")
class FileLister(IterDataPipe):
    """The paths of files in folders, sorted; `masks` are patterns of names."""

    def __init__(self, root=".", masks="", *, recursive=False, abspath=False, non_deterministic=False, length=-1):
        self.roots = [root] if isinstance(root, str) else root
        self.masks, self.recursive, self.abspath, self.length = [masks] if isinstance(masks, str) else masks, recursive, abspath, length

    def __iter__(self):
        from fnmatch import fnmatch

        for root in self.roots:
            for folder, folders, names in os.walk(root):
                folders[:] = sorted(folders) if self.recursive else []
                for name in sorted(names):
                    if any(not mask or fnmatch(name, mask) for mask in self.masks):
                        path = os.path.join(folder, name)
                        yield os.path.abspath(path) if self.abspath else path

    def __len__(self):
        if self.length == -1:
            raise TypeError(f"{type(self).__name__} instance doesn't have valid length")
        return self.length


@functional_datapipe("open_files")
class FileOpener(_Step):
    """Pairs of a path and the file, opened."""

    def __init__(self, datapipe, mode="r", encoding=None, length=-1):
        if mode not in ("b", "t", "rb", "rt", "r"):
            raise ValueError(f"Invalid mode {mode}")
        super().__init__(datapipe)
        self.mode, self.encoding = mode if mode.startswith("r") else f"r{mode}", encoding

    def __iter__(self):
        for path in self.datapipe:
            yield path, open(path, self.mode, encoding=self.encoding)


@functional_datapipe("read_from_stream")
class StreamReader(_Step):
    """Pairs of a name and what was read of its file, whole or in pieces of `chunk` bytes; the file is closed."""

    def __init__(self, datapipe, chunk=None):
        super().__init__(datapipe)
        self.chunk = chunk

    def __iter__(self):
        for name, stream in self.datapipe:
            while piece := stream.read(self.chunk):
                yield name, piece
            stream.close()
