"""A module whose gradients are averaged over processes, each of which has a part of the batch."""
import itertools
from contextlib import contextmanager

import pyxtorch
from pyxtorch import distributed
from pyxtorch._tape.graph import current_task
from pyxtorch.distributed import _collectives, _objects
from pyxtorch.nn.modules.module import Module
from pyxtorch.nn.parallel._buckets import Bucket, GradBucket, fill_buckets

__all__ = ["DistributedDataParallel"]

_FIRST, _CAP = 1 << 20, 4 << 20  # bytes


class DistributedDataParallel(Module):
    """`module` in each process of a group: alike at first, and after each backward, as gradients are averaged over the processes.

    Names of parameters begin with "module.". In a group of one process the gradients are the average already.

    Args:
        module: alike in all processes; parameters and buffers are those of the group's rank 0 from here on.
        process_group: by default all processes.
        broadcast_buffers: buffers are those of rank 0 before each forward that trains.
        bucket_cap_mb: how much is sent at a time; default 4 MiB, the first bucket 1.
        find_unused_parameters: parameters that a forward does not use count as of gradient zero; without it that is an error.
        shards: cut the batch of all processes into that many, a power of two: parameters have the same bits for 1, 2, 4 ... processes
            with equal parts of the same batch, and a loss that is a mean. Costs a forward and a backward for each shard.
        gradient_as_bucket_view, static_graph: taken; gradients always are views of the buckets.
    Raises:
        ValueError: no process group (`distributed.init_process_group`).
        RuntimeError: the module has no parameter that requires a gradient, or the processes' modules differ.
    """

    def __init__(self, module, device_ids=None, output_device=None, dim=0, broadcast_buffers=True, init_sync=True, process_group=None, bucket_cap_mb=None,
                 find_unused_parameters=False, check_reduction=False, gradient_as_bucket_view=False, static_graph=False,
                 delay_all_reduce_named_params=None, param_to_hook_all_reduce=None, mixed_precision=None, device_mesh=None,
                 skip_all_reduce_unused_params=False, *, shards=None):  # fmt: skip
        super().__init__()
        if device_mesh is not None:
            process_group = device_mesh.get_group()
        self.process_group = distributed._get_default_group() if process_group is None else process_group
        if not any(p.requires_grad for p in module.parameters()):
            raise RuntimeError("DistributedDataParallel is not needed when a module doesn't have any parameter that requires a gradient.")
        self.module, self.dim, self.device_ids, self.output_device = module, dim, device_ids, output_device
        self.find_unused_parameters, self.broadcast_buffers, self.static_graph = find_unused_parameters, broadcast_buffers, static_graph
        self.gradient_as_bucket_view, self.require_backward_grad_sync = gradient_as_bucket_view, True
        ignored = set(getattr(module, "_ddp_params_and_buffers_to_ignore", ()))
        self._kept = [(name, p) for name, p in module.named_parameters() if name not in ignored]
        self._names = {id(p): name for name, p in self._kept}
        self._hook, self._reducing, self._alone = None, False, self.process_group.size() == 1
        self._joining = self._by_active = self._throws = False
        self._shards = None
        if shards is not None:
            from pyxtorch.nn.parallel._shards import Shards

            self._shards = Shards(module, self.process_group, shards)
        if self._alone:
            return
        if init_sync:
            self._check_alike()
            self._broadcast([p for _, p in self._kept] + self._buffers_of())
        if shards is not None:
            return
        trained = [p for _, p in reversed(self._kept) if p.requires_grad]
        first, cap = (_FIRST, _CAP) if bucket_cap_mb is None else (min(_FIRST, int(bucket_cap_mb * 2**20)), int(bucket_cap_mb * 2**20))
        self._buckets = [Bucket(parameters) for parameters in fill_buckets(trained, first, cap)]
        for k, bucket in enumerate(self._buckets):
            for i, p in enumerate(bucket.parameters):
                p.register_post_accumulate_grad_hook(lambda p, k=k, i=i: self._ready(k, i))

    def _check_alike(self):
        mine = [[name, list(p.shape), str(p.dtype), p.requires_grad] for name, p in self._kept]
        theirs = [mine if self.process_group.rank() == 0 else None]
        _objects.broadcast_object_list(theirs, group=self.process_group, group_src=0)
        wrong = [f"{a} and {b}" for a, b in itertools.zip_longest(mine, theirs[0]) if a != b]
        found = [None] * self.process_group.size()
        _objects.all_gather_object(found, wrong[:1], self.process_group)
        for rank, one in enumerate(found):
            if one:
                raise RuntimeError(f"DDP expects the same model across all ranks, but rank {rank} and rank 0 of the group have {one[0]}")

    def _buffers_of(self):
        ignored = set(getattr(self.module, "_ddp_params_and_buffers_to_ignore", ()))
        return [b for name, b in self.module.named_buffers() if name not in ignored]

    def _broadcast(self, tensors, root=0):
        """Give one rank's numbers to all, those of one dtype at a time."""
        with pyxtorch.no_grad():
            by_dtype = {}
            for x in tensors:
                by_dtype.setdefault(x.dtype, []).append(x.detach())
            for xs in by_dtype.values():
                flat = pyxtorch.cat([x.reshape(-1) for x in xs])
                _collectives.broadcast(flat, group=self.process_group, group_src=root)
                if self.process_group.rank() != root:
                    for x, part in zip(xs, flat.split([x.numel() for x in xs])):
                        x.copy_(part.view(x.shape))

    # ------------------------------------------------------------------------ forward

    def forward(self, *inputs, **kwargs):
        if self._shards is not None:
            if not self.require_backward_grad_sync:
                raise RuntimeError("DistributedDataParallel: no_sync is not for shards, whose gradients are added at once")
            return self._shards.forward(inputs, kwargs)
        if self._alone:
            return self.module(*inputs, **kwargs)
        if self._reducing:
            names = [self._names[id(p)] for b in self._buckets for p, had in zip(b.parameters, b.had) if not had]
            raise RuntimeError("Expected to have finished reduction in the prior iteration before starting a new one. Parameters without a gradient on rank "
                               f"{self.process_group.rank()}: {', '.join(names)}. Use them in the loss, or pass find_unused_parameters=True.")  # fmt: skip
        if self._joining:
            self._steps += 1
            if self._meet(True) < self.process_group.size() and self._throws:
                raise RuntimeError("DistributedDataParallel.join: another process has no more batches")
        if self.broadcast_buffers and self.training and self._syncs():
            buffers = self._buffers_of()
            if buffers:
                self._broadcast(buffers)
        return self.module(*inputs, **kwargs)

    @contextmanager
    def no_sync(self):
        """Gradients made within are not averaged yet; the next backward outside averages what they have become."""
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    @contextmanager
    def join(self, divide_by_initial_world_size=True, enable=True, throw_on_early_termination=False):
        """Within, processes may have different numbers of batches: one that has no more sends zeros until all are done.

        At the end all have the module of the last ones. Without `divide_by_initial_world_size`, gradients are averaged over the
        processes that still have batches.

        Raises:
            RuntimeError: with `throw_on_early_termination`, as soon as one has no more.
        """
        if self._alone or not enable:
            yield
            return
        self._joining, self._by_active, self._throws, self._steps = True, not divide_by_initial_world_size, throw_on_early_termination, 0
        try:
            yield
            while self._meet(False):
                if self._throws:
                    raise RuntimeError("DistributedDataParallel.join: this process has no more batches, and others have")
                if self._others_sync:
                    if self.broadcast_buffers and self._others_train and self._buffers_of():
                        self._broadcast(self._buffers_of())
                    self._begin()
                    for bucket in self._buckets:
                        bucket.flat.zero_()
                        bucket.missing = 0
                    self._send()
                    if self.find_unused_parameters or self.static_graph:
                        self._used_somewhere()
            last = pyxtorch.tensor([self._steps * self.process_group.size() + self.process_group.rank()])
            _collectives.all_reduce(last, distributed.ReduceOp.MAX, self.process_group)
            self._broadcast([p for _, p in self._kept] + self._buffers_of(), int(last) % self.process_group.size())
        finally:
            self._joining = self._by_active = False

    def _meet(self, more):
        """How many processes have another batch; what they are about to do with it."""
        said = pyxtorch.tensor([int(more), int(more and self._syncs()), int(more and self.training)])
        _collectives.all_reduce(said, group=self.process_group)
        self._active, self._others_sync, self._others_train = said.tolist()
        return self._active

    def _syncs(self):
        return self.require_backward_grad_sync and pyxtorch.is_grad_enabled()

    def register_comm_hook(self, state, hook):
        """Call `hook(state, bucket)` in the place of averaging: it gives a Future of the flat tensor to use.

        Raises:
            TypeError: it cannot be called. RuntimeError: there is one already.
        """
        if not callable(hook):
            raise TypeError("Communication hook must be callable.")
        if self._hook is not None:
            raise RuntimeError("register_comm_hook can only be called once.")
        self._hook = lambda bucket: hook(state, bucket)

    # ------------------------------------------------------------------------ backward

    def _begin(self):
        """Before the first gradient of a backward."""
        self._reducing, self._next = True, 0
        for bucket in self._buckets:
            bucket.begin()

    def _ready(self, k, i):
        """A parameter has its gradient."""
        if not self.require_backward_grad_sync:
            return
        bucket = self._buckets[k]
        with pyxtorch.no_grad():
            if not self._reducing:
                self._begin()
                if self.find_unused_parameters or self.static_graph:
                    current_task().queue_callback(self._finish)
            if bucket.had[i]:
                raise RuntimeError(f"Expected to mark a variable ready only once: {self._names[id(bucket.parameters[i])]} got a gradient twice before all others had one.")
            bucket.had[i] = True
            bucket.attach(i)
            bucket.missing -= 1
            self._send()

    def _finish(self):
        """At the end of a backward: what nothing came to counts as zero here, and stays as it was where no process used it."""
        without = []
        with pyxtorch.no_grad():
            for bucket in self._buckets:
                for i, had in enumerate(bucket.had):
                    if not had:
                        without.append((bucket, i, bucket.parameters[i].grad is None))
                        bucket.attach(i)
                bucket.missing = 0
            if self._reducing:
                self._send()
            used = self._used_somewhere()
            for bucket, i, empty in without:
                if empty and not used[id(bucket.parameters[i])]:
                    bucket.parameters[i].grad = None

    def _used_somewhere(self):
        """Whether any process had a gradient for a parameter, by its id."""
        had = pyxtorch.tensor([int(one) for bucket in self._buckets for one in bucket.had], dtype=pyxtorch.uint8)
        _collectives.all_reduce(had, distributed.ReduceOp.MAX, self.process_group)
        return dict(zip((id(p) for bucket in self._buckets for p in bucket.parameters), had.tolist()))

    def _send(self):
        """Send what is complete, in order; wait for all after the last."""
        while self._next < len(self._buckets) and self._buckets[self._next].missing == 0:
            bucket, last = self._buckets[self._next], self._next == len(self._buckets) - 1
            if self._hook is None:
                bucket.work = bucket.reduce(self.process_group, not self._by_active)
            else:
                bucket.work = self._hook(GradBucket(bucket, self._next, last))
            bucket.sent = True
            self._next += 1
        if self._next == len(self._buckets):
            with pyxtorch.no_grad():
                for bucket in self._buckets:
                    result = bucket.work.wait() if bucket.work is not None else None
                    if self._hook is not None:
                        result = result[0] if isinstance(result, list | tuple) else result
                        if result.data_ptr() != bucket.flat.data_ptr():
                            bucket.flat.copy_(result.view(-1))
                    elif self._by_active:
                        bucket.flat.div_(self._active)
                    bucket.work = None
            self._reducing = False
