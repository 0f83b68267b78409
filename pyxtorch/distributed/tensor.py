"""Tensors split over processes: the class that programs ask for by `isinstance`. Parameters of `fully_shard` are of it."""

__all__ = ["DTensor", "Placement", "Replicate", "Shard"]


class DTensor:
    """A tensor of which each process holds a part: a parameter of a module that `fsdp.fully_shard` has cut.

    Raises:
        RuntimeError: where one is to be made otherwise.
    """

    def __new__(cls, *args, **kwargs):
        raise RuntimeError("DTensor: pyxtorch splits only parameters over processes, by distributed.fsdp.fully_shard; use the tensor itself.")

    from_local = classmethod(__new__)


class Placement:
    """How a DTensor lies along one dimension of a DeviceMesh."""

    def is_shard(self, dim=None):
        """Whether each process has a part, cut along `dim` if that is given."""
        return isinstance(self, Shard) and dim in (None, self.dim)

    def is_replicate(self):
        """Whether each process has all of it."""
        return isinstance(self, Replicate)

    def is_partial(self, reduce_op=None):
        """Whether the processes' tensors are to be added: never here."""
        return False


class Shard(Placement):
    """Cut along a dimension, in parts of equal length but for the last."""

    def __init__(self, dim):
        self.dim = dim

    def __eq__(self, other):
        return isinstance(other, Shard) and other.dim == self.dim

    def __hash__(self):
        return hash((Shard, self.dim))

    def __repr__(self):
        return f"Shard(dim={self.dim})"


class Replicate(Placement):
    """Each process has all of it."""

    def __eq__(self, other):
        return isinstance(other, Replicate)

    def __hash__(self):
        return hash(Replicate)

    def __repr__(self):
        return "Replicate()"
