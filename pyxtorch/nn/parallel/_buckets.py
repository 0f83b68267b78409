"""Gradients in buckets: parts of one flat tensor each, which processes average while the backward still runs.

A gradient is a view of its bucket, so that there is no second copy of the gradients, and none is copied before it is sent.
"""
import pyxtorch
from pyxtorch.distributed import ReduceOp, _collectives

__all__ = ["Bucket", "GradBucket", "fill_buckets"]


class GradBucket:
    """A bucket as a communication hook sees it."""

    def __init__(self, bucket, index, last):
        self._bucket, self._index, self._last = bucket, index, last

    def index(self):
        """Its number: buckets are sent in this order."""
        return self._index

    def buffer(self):
        """All its gradients, flat."""
        return self._bucket.flat

    def set_buffer(self, tensor):
        """Put other numbers in their place."""
        self._bucket.flat.copy_(tensor)

    def gradients(self):
        """A view of the buffer for each parameter."""
        return list(self._bucket.views)

    def parameters(self):
        """The parameters."""
        return list(self._bucket.parameters)

    def is_last(self):
        """Whether it is the last one of this backward."""
        return self._last


class Bucket:
    """Parameters of one dtype, and the flat tensor of their gradients."""

    def __init__(self, parameters):
        self.parameters = parameters
        self.flat = pyxtorch.zeros(sum(p.numel() for p in parameters), dtype=parameters[0].dtype, device=parameters[0].device)
        self.views, at = [], 0
        for p in parameters:
            self.views.append(self.flat[at : at + p.numel()].view(p.shape))
            at += p.numel()
        self.begin()

    def begin(self):
        """Before a backward: nothing has come yet."""
        self.missing, self.work, self.sent, self.had = len(self.parameters), None, False, [False] * len(self.parameters)

    def attach(self, i):
        """Let the gradient of parameter i be its view, with the number that it has."""
        p, view = self.parameters[i], self.views[i]
        if p.grad is not None and p.grad.data_ptr() != view.data_ptr():
            view.copy_(p.grad)
            p.grad = view
        elif p.grad is None:
            view.zero_()
            p.grad = view

    def reduce(self, group, average):
        """Add over the processes, by the thread where it pays."""
        late = self.flat.numel() * self.flat.element_size() > 1 << 16
        return _collectives.all_reduce(self.flat, ReduceOp.AVG if average else ReduceOp.SUM, group, async_op=late)


def fill_buckets(parameters, first_bytes, cap_bytes):
    """Lists of parameters in the order given, of one dtype each, and no longer than the caps (but for one that is itself)."""
    open_ones, done, cap = {}, [], first_bytes
    for p in parameters:
        have, size = open_ones.setdefault(p.dtype, ([], [0]))
        have.append(p)
        size[0] += p.numel() * p.element_size()
        if size[0] >= cap:
            done.append(have)
            del open_ones[p.dtype]
            cap = cap_bytes
    return done + [have for have, _ in open_ones.values()]
