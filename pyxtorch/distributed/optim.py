"""torch.distributed.optim: an optimiser whose state is spread over the processes."""
import sys

import pyxtorch
from pyxtorch.distributed import _collectives, _objects
from pyxtorch.distributed.distributed_c10d import _get_default_group
from pyxtorch.optim.optimizer import Optimizer

__all__ = ["ZeroRedundancyOptimizer"]


class ZeroRedundancyOptimizer(Optimizer):
    """`optimizer_class(params, **defaults)`, each of whose parameters one process steps, which alone keeps the state of it.

    After its step a process gives the others what its parameters have become. Gradients are those of DistributedDataParallel, alike
    in all processes. `optim` is this process's own optimiser.

    Args:
        params: alike in all processes. process_group: by default all processes.
        parameters_as_bucket_view, overlap_with_ddp: taken; `step` sends always.
    Raises:
        ValueError: `init_process_group` has not been called.
    """

    def __init__(self, params, optimizer_class, process_group=None, parameters_as_bucket_view=False, overlap_with_ddp=False, **defaults):
        self.process_group = process_group if process_group is not None else _get_default_group()
        self.optim, self._loads, self._owner, self._consolidated = None, [0] * self.process_group.size(), {}, None
        super().__init__(params, defaults)
        for group in self.param_groups:
            self._spread(group)
        self.optim = optimizer_class([self._own(group) for group in self.param_groups], **defaults)
        self.state = self.optim.state
        for group, own in zip(self.param_groups, self.optim.param_groups):
            group.update((k, v) for k, v in own.items() if k not in ("params", "param_names"))

    def _spread(self, group):
        """Give each parameter of a group to the process that has least so far, the longest first."""
        for p in sorted(group["params"], key=lambda p: -p.numel()):
            rank = min(range(len(self._loads)), key=self._loads.__getitem__)
            self._owner[p] = rank
            self._loads[rank] += p.numel()

    def _own(self, group):
        """This process's part of a group."""
        mine = [i for i, p in enumerate(group["params"]) if self._owner[p] == self.process_group.rank()]
        lists = {k: [group[k][i] for i in mine] for k in ("params", "param_names") if k in group}
        return {**group, **lists}

    def _copy_options(self, sources, targets):
        for source, target in zip(sources, targets):
            target.update((k, v) for k, v in source.items() if k not in ("params", "param_names"))

    def step(self, closure=None, **kwargs):
        """A step of this process's part, and those of the others."""
        self._consolidated = None
        self._copy_options(self.param_groups, self.optim.param_groups)
        loss = self.optim.step(closure, **kwargs) if closure is not None else self.optim.step(**kwargs)
        self._copy_options(self.optim.param_groups, self.param_groups)
        self._send()
        return loss

    @pyxtorch.no_grad()
    def _send(self):
        """Give the others this process's parameters, in one message for each dtype."""
        if self.process_group.size() == 1:
            return
        by_dtype = {}
        for group in self.param_groups:
            for p in group["params"]:
                by_dtype.setdefault(p.dtype, [[] for _ in self._loads])[self._owner[p]].append(p)
        for dtype, owned in by_dtype.items():
            flats = [pyxtorch.empty(sum(p.numel() for p in ps), dtype=dtype) for ps in owned]
            rank = self.process_group.rank()
            if owned[rank]:
                flats[rank] = pyxtorch.cat([p.detach().reshape(-1) for p in owned[rank]])
            _collectives.all_gather(flats, flats[rank].clone(), self.process_group)
            for r, ps in enumerate(owned):
                if r != rank and ps:
                    for p, part in zip(ps, flats[r].split([p.numel() for p in ps])):
                        p.copy_(part.view(p.shape))

    def add_param_group(self, param_group):
        """More parameters, with options of their own."""
        super().add_param_group(param_group)
        if self.optim is not None:
            self._spread(self.param_groups[-1])
            self.optim.add_param_group(self._own(self.param_groups[-1]))
            self._copy_options(self.optim.param_groups, self.param_groups)

    def _numbers(self):
        return {p: i for i, p in enumerate(p for group in self.param_groups for p in group["params"])}

    def consolidate_state_dict(self, to=0):
        """Bring all parts of the state to process `to` of the group, for `state_dict` there. All processes call it."""
        if not 0 <= to < self.process_group.size():
            raise ValueError(f"consolidate_state_dict: there is no process {to} in a group of {self.process_group.size()}.")
        numbers = self._numbers()
        mine = {numbers[p]: dict(state) for p, state in self.state.items()}
        found = [None] * self.process_group.size() if self.process_group.rank() == to else None
        if self.process_group.size() == 1:
            found = [mine]
        else:
            _objects.gather_object(mine, found, group=self.process_group, group_dst=to)
        self._consolidated = None
        if found is not None:
            merged = {i: {sys.intern(k): v for k, v in state.items()} for part in found for i, state in part.items()}  # one object for a name, as where it was made
            self._consolidated = dict(sorted(merged.items()))

    def state_dict(self):
        """The whole state, as an optimiser in one process has it, on the process that it was brought to since the last step.

        Raises:
            RuntimeError: it was not brought to this process.
        """
        if self._consolidated is None:
            raise RuntimeError("Optimizer state has not been consolidated on this rank. Please call `consolidate_state_dict(to="
                               f"{self.process_group.rank()})` on all ranks beforehand if you meant to save the global state.")  # fmt: skip
        self._copy_options(self.optim.param_groups, self.param_groups)
        whole = super().state_dict()
        whole["state"] = self._consolidated
        return whole

    def load_state_dict(self, state_dict):
        """Go on from a whole state, as `state_dict` or an optimiser in one process gives it: each process keeps its part."""
        self._consolidated = None
        owners = [self._owner[p] for p in self._numbers()]
        kept = {i: s for i, s in state_dict["state"].items() if not isinstance(i, int) or owners[i] == self.process_group.rank()}
        super().load_state_dict({**state_dict, "state": kept})
        self.optim.state = self.state
        self._copy_options(self.param_groups, self.optim.param_groups)
