"""Gradients whose bits do not depend on how many processes there are.

The batch of all processes is cut into a fixed number of shards, each of which has a forward and a backward of its own, so that
every product has the same shape on any number of processes. Gradients are added along one binary tree over the shards: its
lower part in each process, the upper part between them.
"""
import pyxtorch
from pyxtorch._tape.graph import current_task
from pyxtorch.distributed import _collectives, _group
from pyxtorch.func import functional_call

__all__ = ["Shards"]


def _is_power(n):
    return n > 0 and n & (n - 1) == 0


def tree_sum(xs):
    """The sum of 2**k tensors, neighbours first."""
    while len(xs) > 1:
        xs = [a + b for a, b in zip(xs[::2], xs[1::2])]
    return xs[0]


class Shards:
    """Runs a module on `count` shards of the batch of all processes of a group.

    Args:
        module: without buffers that a forward changes, such as those of BatchNorm: these would be of some shards only.
        count: a power of two, of which the number of processes is a divisor.
    """

    def __init__(self, module, group, count):
        size = group.size()
        if not _is_power(count) or count % size:
            raise ValueError(f"DistributedDataParallel: shards={count} must be a power of two that {size} processes divide evenly")
        changing = [name for name, b in module.named_buffers() if name.rpartition(".")[2] in ("running_mean", "running_var", "num_batches_tracked")]
        if changing:
            raise ValueError(f"DistributedDataParallel: with shards, buffers such as {changing[0]} would depend on the number of processes. Use a norm without running statistics.")
        self.module, self.group, self.count, self.own, self.step = module, group, count, count // size, 0
        self.seed = pyxtorch.initial_seed()
        self.pairs, bit = [], 1
        while bit < size:
            ranks = [group._ranks[r] for r in sorted((group.rank(), group.rank() ^ bit))]
            self.pairs.append(_group.new_group(ranks, group._timeout, use_local_synchronization=True))
            bit *= 2

    def _cut(self, x):
        if not isinstance(x, pyxtorch.Tensor) or x.dim() == 0:
            return [x] * self.own
        if x.shape[0] % self.own:
            raise RuntimeError(f"DistributedDataParallel: {x.shape[0]} samples of this process do not divide into {self.own} of {self.count} shards")
        return x.split(x.shape[0] // self.own)

    def forward(self, inputs, kwargs):
        """module(*inputs, **kwargs) of each of this process's shards, joined."""
        if not pyxtorch.is_grad_enabled():
            return self.module(*inputs, **kwargs)
        args = [self._cut(x) for x in inputs]
        named = {name: self._cut(x) for name, x in kwargs.items()}
        self.step += 1
        outputs, shards = [], []
        started = []

        def got(p):
            if not started:
                started.append(True)
                current_task().queue_callback(lambda: self._add(shards))

        for j in range(self.own):
            shard = self.group.rank() * self.own + j
            own = {}
            for name, p in self.module.named_parameters():
                if p.requires_grad:
                    own[name] = p.detach().requires_grad_()
                    own[name].register_post_accumulate_grad_hook(got)
            with pyxtorch.random.fork_rng():
                pyxtorch.manual_seed((self.seed * 1_000_003 + self.step * 8191 + shard) % (1 << 63))
                outputs.append(functional_call(self.module, own, tuple(a[j] for a in args), {name: x[j] for name, x in named.items()}))
            shards.append(own)
        if not all(isinstance(x, pyxtorch.Tensor) and x.dim() for x in outputs):
            raise TypeError("DistributedDataParallel: with shards the module has to return one tensor with a batch dimension")
        return pyxtorch.cat(outputs)

    def _add(self, shards):
        """Add the gradients of the shards of all processes to those of the parameters."""
        parameters = {name: p for name, p in self.module.named_parameters() if name in shards[0]}
        by_dtype = {}
        for name, p in parameters.items():
            by_dtype.setdefault(p.dtype, []).append(name)
        with pyxtorch.no_grad():
            for names in by_dtype.values():
                flats = [pyxtorch.cat([(pyxtorch.zeros_like(own[name]) if own[name].grad is None else own[name].grad).reshape(-1) for name in names]) for own in shards]
                flat = tree_sum(flats)
                for pair in self.pairs:
                    _collectives.all_reduce(flat, group=pair)
                flat /= self.group.size()
                at = 0
                for name in names:
                    p = parameters[name]
                    part = flat[at : at + p.numel()].view(p.shape)
                    at += p.numel()
                    p.grad = part if p.grad is None else p.grad + part
