"""DataLoader: batches of a dataset, made in this process or by workers."""
import itertools
import multiprocessing
import warnings
from collections import deque
from functools import partial

import pyxtorch
from pyxtorch.utils.data.collate import default_collate, default_convert
from pyxtorch.utils.data.dataset import IterableDataset, batch_function
from pyxtorch.utils.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler
from pyxtorch.utils.data.worker import Worker, reraise

_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class _Endless(Sampler):
    """None for ever: an IterableDataset has no numbers."""

    def __iter__(self):
        return itertools.repeat(None)


# -------------------------------------------------------------------------------- one batch

def _iterable_fetch(dataset, grouped, collate, drop_last):
    samples = iter(dataset)

    def fetch(indices):
        if not grouped:
            return collate(next(samples))
        batch = list(itertools.islice(samples, len(indices)))
        if not batch or (drop_last and len(batch) < len(indices)):
            raise StopIteration
        return collate(batch)

    return fetch


def make_fetch(dataset, grouped, collate, drop_last):
    """`fetch(numbers)` gives the batch of these samples, or raises StopIteration at the end of an IterableDataset."""
    if isinstance(dataset, IterableDataset):
        return _iterable_fetch(dataset, grouped, collate, drop_last)
    if not grouped:
        return lambda index: collate(dataset[index])
    at_once = batch_function(dataset) if collate is default_collate else None
    if at_once is not None:
        return at_once
    many = getattr(dataset, "__getitems__", None)
    if callable(many):
        return lambda indices: collate(many(indices))
    return lambda indices: collate([dataset[i] for i in indices])


class _DatasetKind:
    """How a dataset gives samples, and what makes batches of them."""

    Map, Iterable = 0, 1

    @staticmethod
    def create_fetcher(kind, dataset, auto_collation, collate_fn, drop_last):
        """An object whose `fetch(numbers)` gives a batch."""
        from types import SimpleNamespace

        return SimpleNamespace(dataset=dataset, fetch=make_fetch(dataset, auto_collation, collate_fn, drop_last))


# -------------------------------------------------------------------------------- iterators

class _BaseDataLoaderIter:
    """One pass over a DataLoader."""

    def __init__(self, loader):
        self._loader, self._given = loader, 0
        self._announced = loader._announced

    def __iter__(self):
        return self

    def __len__(self):
        return len(self._loader._index_sampler)

    def __next__(self):
        batch = self._next()
        self._given += 1
        if self._announced is not None and self._given > self._announced:
            warnings.warn(
                f"Length of IterableDataset {self._loader.dataset} was reported to be {self._announced} (when accessing len(dataloader)), "
                f"but {self._given} samples have been fetched.",
                stacklevel=2,
            )
        return batch


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    def __init__(self, loader):
        super().__init__(loader)
        loader._draw_seed()
        self._numbers, self._fetch = iter(loader._index_sampler), loader._make_fetch()

    def _next(self):
        return self._fetch(next(self._numbers))


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """Hands out numbers of samples in turn, `prefetch_factor` batches ahead of each worker, and takes the batches back in that order."""

    def __init__(self, loader):
        super().__init__(loader)
        self._workers = []
        seed, context = loader._draw_seed(), loader._context()
        common = (loader.num_workers, seed, loader.dataset, loader._make_fetch, loader.worker_init_fn)
        try:
            for number in range(loader.num_workers):
                self._workers.append(Worker(context, number, *common))
        except BaseException:
            self._shutdown_workers()
            raise
        self._start()

    def _start(self):
        self._numbers, self._order, self._given = iter(self._loader._index_sampler), deque(), 0
        self._announced = self._loader._announced
        for _ in range(self._loader.prefetch_factor):
            for worker in self._workers:
                self._ask(worker)

    def _reset(self, loader, first_iter=False):
        """Begin a new pass with the same workers; what they still make for the last one is thrown away."""
        self._loader._draw_seed()
        for worker in self._workers:
            while worker.waiting:
                worker.receive(self._loader.timeout)
            worker.restart()
        self._start()

    @property
    def alive(self):
        return all(worker.close.alive for worker in self._workers)

    def _ask(self, worker):
        for numbers in itertools.islice(self._numbers, 1):
            worker.send((numbers,))
            self._order.append(worker)

    def _take(self):
        """The worker whose answer comes next."""
        if not self._loader.in_order:
            for worker in self._order:
                if worker.ready():
                    self._order.remove(worker)
                    return worker
        return self._order.popleft()

    def _next(self):
        while self._order:
            worker = self._take()
            try:
                kind, value = worker.receive(self._loader.timeout)
            except BaseException:
                self._order.clear()
                self._shutdown_workers()
                raise
            if kind == "end":
                worker.ended = True
                continue
            if not worker.ended:
                self._ask(worker)
            if kind == "error":
                reraise(*value)
            return value
        if not self._loader.persistent_workers:
            self._shutdown_workers()
        raise StopIteration

    def _shutdown_workers(self):
        for worker in self._workers:  # all at once, then one after the other is waited for
            worker.dismiss()
        for worker in self._workers:
            worker.close()

    def __del__(self):
        for worker in self._workers:
            worker.close()


class DataLoader:
    """Iterates over a dataset in batches.

    Args:
        dataset: a Dataset (or anything with `__getitem__` and `__len__`) or an IterableDataset.
        batch_size: samples in a batch; None gives single samples.
        shuffle: take the samples in another random order each time.
        sampler: which samples to take, in which order, instead of `shuffle`.
        batch_sampler: gives lists of numbers, instead of batch_size, shuffle, sampler and drop_last.
        num_workers: processes that make batches ahead; with 0 they are made when they are asked for.
        collate_fn: makes a batch of a list of samples; by default `default_collate`.
        pin_memory: accepted; it has no effect without a GPU.
        drop_last: leave out a last batch that is smaller.
        timeout: seconds that a worker may take for a batch; 0 waits for ever.
        worker_init_fn: called in each worker with its number, after seeding.
        multiprocessing_context: how workers start: "fork", "spawn", "forkserver" or a context.
        generator: of random numbers for shuffling and for the workers' seeds.
        prefetch_factor: how many batches each worker is ahead; 2 by default.
        persistent_workers: keep the workers for the next iteration.
        in_order: False gives a batch that is ready before one that was asked for earlier.

    The random numbers of worker i start from seed + i, seed being drawn anew at each iteration
    from `generator`; Python's, NumPy's and pyxtorch's generators are all seeded. A worker that dies
    makes iteration raise RuntimeError; an exception in a worker is raised again here.
    """

    def __init__(self, dataset, batch_size=1, shuffle=None, sampler=None, batch_sampler=None, num_workers=0, collate_fn=None,
                 pin_memory=False, drop_last=False, timeout=0, worker_init_fn=None, multiprocessing_context=None, generator=None, *,
                 prefetch_factor=None, persistent_workers=False, pin_memory_device="", in_order=True):
        if num_workers < 0:
            raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError("prefetch_factor option could only be specified in multiprocessing. Let num_workers > 0, or leave it at None.")
        if num_workers > 0 and prefetch_factor is None:
            prefetch_factor = 2
        elif prefetch_factor is not None and prefetch_factor < 1:
            raise ValueError("prefetch_factor option should be positive")
        if persistent_workers and num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")
        if isinstance(dataset, IterableDataset):
            if shuffle is not None and hasattr(dataset, "_shuffle_all"):  # a data pipe has steps that shuffle
                dataset._shuffle_all(shuffle)
                shuffle = None
            for name, value in (("shuffle", shuffle or None), ("sampler", sampler), ("batch_sampler", batch_sampler)):
                if value is not None:
                    raise ValueError(f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}")
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last")
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        if sampler is None:
            if isinstance(dataset, IterableDataset):
                sampler = _Endless()
            else:
                sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        grouped = batch_sampler is not None
        self.dataset, self.batch_size, self.drop_last = dataset, batch_size, drop_last
        self.sampler, self.batch_sampler, self._index_sampler = sampler, batch_sampler, batch_sampler if grouped else sampler
        self.collate_fn = collate_fn if collate_fn is not None else default_collate if grouped else default_convert
        self.num_workers, self.prefetch_factor, self.persistent_workers, self.in_order = num_workers, prefetch_factor, persistent_workers, in_order
        self.timeout, self.worker_init_fn, self.generator = timeout, worker_init_fn, generator
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.multiprocessing_context = multiprocessing_context
        self._announced = None  # what len() said of an IterableDataset
        self._iterator = None  # kept with persistent workers
        self._complete = True

    def __class_getitem__(cls, item):
        return cls

    def __setattr__(self, name, value):
        if name in _FIXED and getattr(self, "_complete", False):
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        if name == "multiprocessing_context" and value is not None:
            if self.num_workers == 0:
                raise ValueError("multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got num_workers=0")
            if isinstance(value, str):
                known = multiprocessing.get_all_start_methods()
                if value not in known:
                    raise ValueError(f"multiprocessing_context option should specify a valid start method in {known!r}, but got {value!r}")
            elif not isinstance(value, multiprocessing.context.BaseContext):
                raise TypeError(f"multiprocessing_context option should be a valid context object or a string, but got {value!r}")
        object.__setattr__(self, name, value)

    def _context(self):
        given = self.multiprocessing_context
        return given if isinstance(given, multiprocessing.context.BaseContext) else multiprocessing.get_context(given)

    @property
    def _make_fetch(self):
        return partial(make_fetch, self.dataset, self.batch_sampler is not None, self.collate_fn, self.drop_last)

    def _draw_seed(self):
        if self.pin_memory and not pyxtorch.cuda.is_available():
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be used.", stacklevel=5
            )
        return int(pyxtorch.empty((), dtype=pyxtorch.int64).random_(generator=self.generator).item())

    def _get_iterator(self):
        """One pass; what subclasses of other packages wrap."""
        return (_MultiProcessingDataLoaderIter if self.num_workers else _SingleProcessDataLoaderIter)(self)

    def __iter__(self):
        if not self.persistent_workers:
            return self._get_iterator()
        if self._iterator is None or not getattr(self._iterator, "alive", True):
            self._iterator = self._get_iterator()
        else:
            self._iterator._reset(self)
        return self._iterator

    def __len__(self):
        if not isinstance(self.dataset, IterableDataset):
            return len(self._index_sampler)
        length = len(self.dataset)
        if self.batch_size is not None:
            length = length // self.batch_size if self.drop_last else -(-length // self.batch_size)
        self._announced = length
        return length
