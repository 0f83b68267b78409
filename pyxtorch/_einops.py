"""einops on tensors: it takes the backend from among the subclasses of its AbstractBackend (_neighbours.py calls `tell`)."""
import functools

import pyxtorch as torch

_REDUCTIONS = {"min": torch.amin, "max": torch.amax, "sum": torch.sum, "mean": torch.mean, "all": torch.all, "any": torch.any}
_MADE = []  # a base knows its subclasses, but does not keep them


def tell(einops_backends):
    """Make the backend, a class of which the module `einops._backends` has the base."""

    class PyxtorchBackend(_Backend, einops_backends.AbstractBackend):
        pass

    _MADE.append(PyxtorchBackend)


class _Backend:
    """What einops asks of a library of arrays."""

    framework_name = "pyxtorch"

    def is_appropriate_type(self, tensor):
        """Whether it is a tensor."""
        return isinstance(tensor, torch.Tensor)

    def from_numpy(self, x):
        """A tensor on the memory of an array."""
        return torch.from_numpy(x)

    def to_numpy(self, x):
        """The elements as an array."""
        return x.detach().cpu().numpy()

    def arange(self, start, stop):
        """The integers from `start` up to `stop`."""
        return torch.arange(start, stop)

    def reduce(self, x, operation, axes):
        """The reduction of that name over several dimensions."""
        if operation == "prod":
            return functools.reduce(torch.prod, sorted(axes, reverse=True), x)
        return _REDUCTIONS[operation](x, tuple(axes))

    def transpose(self, x, axes):
        """The dimensions in another order."""
        return x.permute(axes)

    def stack_on_zeroth_dimension(self, tensors):
        """The tensors side by side along a new first dimension."""
        return torch.stack(tensors)

    def add_axis(self, x, new_position):
        """A new dimension of size 1."""
        return torch.unsqueeze(x, new_position)

    def add_axes(self, x, n_axes, pos2len):
        """New dimensions of these sizes, along which the elements repeat without a copy."""
        sizes = [-1] * n_axes
        for place, size in pos2len.items():
            x, sizes[place] = torch.unsqueeze(x, place), size
        return x.expand(sizes)

    def tile(self, x, repeats):
        """The tensor repeated along each dimension."""
        return x.repeat(repeats)

    def concat(self, tensors, axis):
        """The tensors one after the other."""
        return torch.cat(tensors, axis)

    def is_float_type(self, x):
        """Whether means are defined."""
        return x.is_floating_point()

    def einsum(self, pattern, *x):
        """Sums of products by a pattern."""
        return torch.einsum(pattern, *x)
