"""Batched values: a tensor that stands for one slice, and holds the tensor of all of them, the batch as dimension 0.

The tensor in the user's hands, the shell, has the shape and the dtype of one slice and no memory (pyxtorch/_compound.pyx). What it holds,
its physical tensor, is an ordinary tensor, or the shell of an outer level. The graph is the physical tensors' alone.
"""
import threading

import pyxtorch as torch
from pyxtorch._compound import Slices, batches_are, slices_of, wrap


class Refused(RuntimeError):
    """What cannot be done with all slices at once; a loop over them can do it."""


class Level:
    """One run of vmap: how many slices it has, and what random operations do in it.

    With `strict`, an operation without a rule raises `Refused` instead of being looped over.
    """

    __slots__ = ("number", "randomness", "size", "strict")

    def __init__(self, size, randomness="error", strict=False):
        self.size, self.randomness, self.strict, self.number = size, randomness, strict, 0

    def __enter__(self):
        levels = running()
        self.number = levels[-1].number + 1 if levels else 1
        levels.append(self)
        return self

    def __exit__(self, kind, error, trace):
        running().pop()


_thread = threading.local()


def running():
    """The levels that run in this thread, the outermost first."""
    try:
        return _thread.levels
    except AttributeError:
        _thread.levels = []
        return _thread.levels


class Batched(Slices):
    """The physical tensor, (batch, *shape of the shell), and the level that it is batched at."""

    def handler(self, func):
        return handlers[func]

    def gradients(self, outputs, inputs, grad_outputs, keep, create_graph, allow_unused, materialize):
        """`autograd.grad` where batched values are among its arguments."""
        found = gradients(outputs, inputs, grad_outputs, keep, create_graph, allow_unused)
        return tuple(torch.zeros_like(x) if g is None and materialize else g for x, g in zip(inputs, found))

    def apply(self, cls, args):
        """`Function.apply` with batched values among the arguments."""
        from pyxtorch._batching import _vmap

        return _vmap.apply(cls, args)


class _Handlers(dict):
    """Operation -> what runs instead of it, found when it is first met."""

    def __missing__(self, func):
        from pyxtorch._batching import _calls

        self[func] = found = _calls.find(func)
        return found


handlers = _Handlers()
batches_are(Batched)
batched = slices_of     # the `Batched` of a shell, None of anything else


def at_base(x, function):
    """A batched value like `x`, with `function` of the tensor that lies innermost; of others `function` itself."""
    parts = batched(x)
    return function(x) if parts is None else wrap(at_base(parts.physical, function), parts.level)


def base(x):
    """The tensor that lies innermost."""
    parts = batched(x)
    while parts is not None:
        x = parts.physical
        parts = batched(x)
    return x


def levels_of(x):
    """The levels that a value is batched at, the outermost first."""
    levels = []
    parts = batched(x)
    while parts is not None:
        levels.append(parts.level)
        parts = batched(parts.physical)
    return levels[::-1]


def expanded(x, levels):
    """`x` batched at all of `levels`, the outermost first; where it was not, by expanding, without a copy."""
    if not levels:
        return x
    parts = batched(x)
    level = levels[-1]
    physical = parts.physical if parts is not None and parts.level is level else x.unsqueeze(0).expand(level.size, *x.shape)
    return wrap(expanded(physical, levels[:-1]), level)


def gradients(outputs, inputs, directions, keep, create_graph, allow_unused):
    """directions' J for each input, None where nothing depends on it: the physical tensors' gradients, batched as the inputs are.

    Raises:
        Refused: a direction is batched at a level that its output is not batched at: there is one graph for all slices.
    """
    given, of_inputs = [], [levels_of(x) for x in inputs]
    for i, y in enumerate(outputs):
        levels = levels_of(y)
        if any(level not in known for known in of_inputs for level in levels):
            raise RuntimeError(
                "grad: a tensor to differentiate by is not being vmapped over, but the output is: its gradient would be the sum over all slices. Use func.grad within "
                "vmap, whose gradients are those of each slice, or sum the output outside."
            )
        v = None if directions is None else directions[i]
        if v is None:
            if y.numel() != 1:
                raise RuntimeError("grad can be implicitly created only for scalar outputs")
            v = torch.ones_like(base(y))
        else:
            if any(level not in levels for level in levels_of(v)):
                raise Refused("grad: a direction is batched where the output is not. Call the function to differentiate within vmap.")
            v = base(expanded(v, levels))
        given.append(v)
    found = torch.autograd.grad([base(y) for y in outputs], [base(x) for x in inputs], given, keep, create_graph, allow_unused=allow_unused)
    return tuple(None if g is None else at_base(x, lambda _, g=g: g) for x, g in zip(inputs, found))
