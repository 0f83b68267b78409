"""The part of a dataset that is for one of several processes."""
import math

import pyxtorch
from pyxtorch.utils.data.sampler import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler):
    """Indices for process `rank` of `num_replicas`: every num_replicas-th of all, which are shuffled alike in all processes.

    Call `set_epoch` before each epoch, or the order stays the same.

    Args:
        num_replicas, rank: by default those of `pyxtorch.distributed`.
        shuffle: by `seed` + epoch. drop_last: leave out what does not go into equal parts, instead of repeating some.
    Raises:
        ValueError: there is no process `rank`, or no process group to ask for it.
    """

    def __init__(self, dataset, num_replicas=None, rank=None, shuffle=True, seed=0, drop_last=False):
        from pyxtorch import distributed

        num_replicas = distributed.get_world_size() if num_replicas is None else num_replicas
        rank = distributed.get_rank() if rank is None else rank
        if not 0 <= rank < num_replicas:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset, self.num_replicas, self.rank, self.epoch = dataset, num_replicas, rank, 0
        self.shuffle, self.seed, self.drop_last = shuffle, seed, drop_last

    @property
    def num_samples(self):
        """How many indices each process gets."""
        count = len(self.dataset)
        if self.drop_last and count % self.num_replicas:
            return math.ceil((count - self.num_replicas) / self.num_replicas)
        return math.ceil(count / self.num_replicas)

    @property
    def total_size(self):
        """How many all get together."""
        return self.num_samples * self.num_replicas

    def __iter__(self):
        count, total = len(self.dataset), self.total_size
        if self.shuffle:
            indices = pyxtorch.randperm(count, generator=pyxtorch.Generator().manual_seed(self.seed + self.epoch)).tolist()
        else:
            indices = list(range(count))
        if not self.drop_last and indices:
            indices = (indices * math.ceil(total / count))[:total]
        return iter(indices[self.rank : total : self.num_replicas])

    def __len__(self):
        return self.num_samples

    def set_epoch(self, epoch):
        """Shuffle by another seed from now on."""
        self.epoch = epoch
