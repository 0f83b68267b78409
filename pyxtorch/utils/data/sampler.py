"""Samplers: in which order a DataLoader takes samples, and how it groups them."""
import itertools

import pyxtorch
from pyxtorch.ops.random import Generator


class Sampler:
    """Iterates over numbers of samples (or lists of them); subclasses have `__iter__`, most `__len__`."""

    def __class_getitem__(cls, item):
        return cls

    def __init__(self, data_source=None):
        pass

    def __iter__(self):
        raise NotImplementedError("Subclasses of Sampler should implement __iter__.")


class SequentialSampler(Sampler):
    """0, 1, 2, ... to the end of `data_source`."""

    def __init__(self, data_source):
        self.data_source = data_source

    def __iter__(self):
        return iter(range(len(self.data_source)))

    def __len__(self):
        return len(self.data_source)


def own_generator(generator):
    """`generator`, or a new one whose seed the global one gives."""
    if generator is not None:
        return generator
    return Generator().manual_seed(int(pyxtorch.empty((), dtype=pyxtorch.int64).random_().item()))


class RandomSampler(Sampler):
    """The numbers of `data_source` in random order, or drawn with replacement.

    Args:
        replacement: whether a number may come more than once.
        num_samples: how many to draw; by default as many as there are.
        generator: by default a new one at each iteration, seeded by the global one.
    """

    def __init__(self, data_source, replacement=False, num_samples=None, generator=None):
        self.data_source, self.replacement, self._num_samples, self.generator = data_source, replacement, num_samples, generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        count = self.num_samples
        if not isinstance(count, int) or count < (0 if num_samples is None else 1):
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={count}")

    @property
    def num_samples(self):
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self):
        n, generator, left = len(self.data_source), own_generator(self.generator), self.num_samples
        while left > 0 and n > 0:
            if self.replacement:
                numbers = pyxtorch.randint(n, (min(left, 4096),), generator=generator).tolist()
            else:
                numbers = pyxtorch.randperm(n, generator=generator).tolist()[:left]
            left -= len(numbers)
            yield from numbers

    def __len__(self):
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The given numbers in random order."""

    def __init__(self, indices, generator=None):
        self.indices, self.generator = indices, generator

    def __iter__(self):
        for i in pyxtorch.randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self):
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Numbers drawn with probabilities in proportion to `weights`, which need not add up to 1.

    Args:
        weights: sequence of numbers that are 0 or more.
        num_samples: how many to draw.
        replacement: False draws each number at most once.
    """

    def __init__(self, weights, num_samples, replacement=True, generator=None):
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.weights = pyxtorch.as_tensor(weights, dtype=pyxtorch.float64)
        if self.weights.dim() != 1:
            raise ValueError(f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}")
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self):
        return iter(pyxtorch.multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator).tolist())

    def __len__(self):
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of `batch_size` numbers from another sampler.

    Args:
        drop_last: whether a last list that is shorter is left out.
    """

    def __init__(self, sampler, batch_size, drop_last):
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self):
        numbers, least = iter(self.sampler), self.batch_size if self.drop_last else 1
        while len(batch := list(itertools.islice(numbers, self.batch_size))) >= least:
            yield batch

    def __len__(self):
        n = len(self.sampler)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
