"""Parameters of which each process of a group keeps some rows: how they are cut, gathered, and their gradients spread again.

What one call of `fully_shard` manages is a Unit. Its parameters are gathered for a forward, in one message for each dtype, by a
function of the tape whose backward adds the gradients over the processes and keeps this one's rows. What a forward saves of whole
parameters is not kept but gathered again when the backward asks for it.
"""
import math
from contextlib import contextmanager

import pyxtorch
from pyxtorch._tape.saving import outer_hooks, pop_saved_hooks, push_saved_hooks
from pyxtorch.autograd import Function
from pyxtorch.distributed import _collectives
from pyxtorch.distributed._group import ReduceOp
from pyxtorch.distributed.tensor import DTensor, Shard
from pyxtorch.nn.parameter import Parameter

__all__ = ["ShardedParameter", "Unit", "is_sharded", "norm_over_processes"]

_inside = []  # the units whose forward runs


class ShardedParameter(Parameter, DTensor):
    """This process's rows of a parameter, which is what an optimiser trains. Operations see these rows: `full_tensor()` is the whole."""

    def to_local(self):
        """These rows, as a plain tensor of the same memory."""
        return self.detach()

    def full_tensor(self):
        """All rows. Every process of the group calls it."""
        return self._cut.whole(self.detach())

    @property
    def placements(self):
        """How it is cut: along its first dimension."""
        return (Shard(0),)

    @property
    def device_mesh(self):
        """The processes that have parts."""
        return self._cut.unit.mesh


def is_sharded(p):
    """Whether it is some rows of a parameter only."""
    return isinstance(p, ShardedParameter)


class Cut:
    """How one tensor is cut: rows in equal numbers, but for the last processes, which have fewer where they do not divide evenly."""

    def __init__(self, unit, size):
        n, rank = unit.group.size(), unit.group.rank()
        self.unit, self.size, self.rest, self.rows = unit, tuple(size), tuple(size[1:]), -(-size[0] // n)
        self.first = min(size[0], rank * self.rows)
        self.own = min(size[0], self.first + self.rows) - self.first
        self.padded = self.rows * math.prod(self.rest)  # elements of each process, in messages

    def part(self, whole):
        """This process's rows of a tensor, in memory of their own."""
        return whole.detach()[self.first : self.first + self.own].clone()

    def whole(self, rows):
        """All rows, of every process's own, and no memory beside them."""
        return _gathered(self.unit.group, [self], [rows.detach()], rows.dtype)[0].clone()


def _gathered(group, cuts, parts, dtype):
    """Whole tensors of these cuts, each at the start of its memory; one message for all."""
    if group.size() == 1:
        return [x.to(dtype, copy=True) for x in parts]
    mine = pyxtorch.zeros(sum(c.padded for c in cuts), dtype=dtype)
    at = 0
    for cut, x in zip(cuts, parts):
        mine[at : at + x.numel()] = x.reshape(-1)
        at += cut.padded
    everything = pyxtorch.empty(group.size(), mine.numel(), dtype=dtype)
    _collectives.all_gather_into_tensor(everything, mine, group)
    made, at = [], 0
    for cut in cuts:
        made.append(everything[:, at : at + cut.padded].reshape(group.size() * cut.rows, *cut.rest)[: cut.size[0]].contiguous())
        at += cut.padded
    return made


class _Gather(Function):
    """Whole parameters of a Unit's rows."""

    @staticmethod
    def forward(ctx, record, *parts):
        ctx.record = record
        wholes = record.gather([x.detach() for x in parts])
        frozen = [w for w, p in zip(wholes, parts) if not p.requires_grad]
        if frozen:
            ctx.mark_non_differentiable(*frozen)
        return tuple(wholes)

    @staticmethod
    def backward(ctx, *grads):
        record, ctx.record.wholes = ctx.record, None
        return (None, *record.unit.spread(grads, ctx.needs_input_grad[1:]))


class _Record:
    """One forward of a Unit: what its rows were, and its whole parameters, for as long as somebody needs them."""

    def __init__(self, unit):
        self.unit, self.parts, self.wholes, self.versions = unit, unit.parts(), None, None

    def gather(self, parts):
        """Whole parameters of rows."""
        self.versions = [x._version for x in self.parts]
        return self.unit.gather(parts)

    def again(self, i):
        """Whole parameter i in the backward."""
        if [x._version for x in self.parts] != self.versions:
            raise RuntimeError("one of the variables needed for gradient computation has been modified by an inplace operation: a parameter of fully_shard "
                               f"of shape {self.unit.cuts[i].size} was changed between its forward and its backward. Step the optimizer after backward.")  # fmt: skip
        if self.wholes is None:
            with pyxtorch.no_grad():
                self.wholes = self.unit.gather([x.detach() for x in self.parts])
        return self.wholes[i]


@pyxtorch.no_grad()
def norm_over_processes(parameters, norm_type, error_if_nonfinite):
    """The norm of the gradients of parameters, some of which are rows: those of all processes count."""
    from pyxtorch.nn.utils.clip_grad import get_total_norm

    by_group, norm_type = {}, float(norm_type)
    if norm_type <= 0:
        raise ValueError(f"clip_grad_norm_: norm_type={norm_type} of parameters that are spread over processes; say a positive number")
    for p in parameters:
        if is_sharded(p) or p.grad is not None:  # a process without rows takes part
            by_group.setdefault(p._cut.unit.group if is_sharded(p) else None, []).append(p)
    norms = []
    for group, members in by_group.items():
        norm = get_total_norm([p.grad for p in members if p.grad is not None and p.grad.numel()], norm_type)
        if group is not None:
            power = 1.0 if norm_type == math.inf else norm_type
            norm = norm.float() ** power
            _collectives.all_reduce(norm, ReduceOp.MAX if norm_type == math.inf else ReduceOp.SUM, group)
            norm = norm ** (1 / power)
        norms.append(norm)
    return get_total_norm(norms, norm_type, error_if_nonfinite)


class Unit:
    """What one call of `fully_shard` manages: parameters of `modules` that no unit below has.

    Args:
        places: (module, name) of each place a parameter stands at, by parameter. mesh: of one dimension; or of two, whose first
            has copies and whose second has parts.
    """

    def __init__(self, modules, places, mesh, policy, reshard):
        self.modules, self.mesh, self.policy, self.reshard = modules, mesh, policy, reshard
        self.group, self.copies = mesh.get_group(mesh.ndim - 1), mesh.get_group(0) if mesh.ndim == 2 else None
        self.places = [where for _, where in places]
        self.cuts, self.syncs, self.divisor, self.pending, self.held, self.depth = [], True, None, {}, None, 0
        for p, where in places:
            cut = Cut(self, p.shape)
            rows = Parameter._make_subclass(ShardedParameter, cut.part(p), p.requires_grad)
            rows._cut = cut
            self.cuts.append(cut)
            p._in_unit = self  # who meets it at another place learns that it is sharded
            for module, name in where:
                module._parameters[name] = rows

    def parts(self):
        """The rows of this process, by parameter."""
        return [where[0][0]._parameters[where[0][1]] for where in self.places] if not self.depth and self.held is None else self.rows

    def _dtype(self, x):
        return self.policy.param_dtype or x.dtype

    def gather(self, parts):
        """Whole parameters, a message for each dtype."""
        if self.held is not None:
            return [x.detach() for x in self.held]
        made = [None] * len(parts)
        for dtype in dict.fromkeys(map(self._dtype, parts)):
            which = [i for i, x in enumerate(parts) if self._dtype(x) is dtype]
            for i, x in zip(which, _gathered(self.group, [self.cuts[i] for i in which], [parts[i] for i in which], dtype)):
                made[i] = x
        return made

    def spread(self, grads, wanted):
        """This process's rows of the gradients' mean over the processes; None for all while they are only added up."""
        made, n = [None] * len(grads), self.group.size()
        which = [i for i, want in enumerate(wanted) if want]
        for dtype in dict.fromkeys(grads[i].dtype for i in which):
            chosen = [i for i in which if grads[i].dtype is dtype]
            sent = pyxtorch.zeros(n, sum(self.cuts[i].padded for i in chosen), dtype=self.policy.reduce_dtype or dtype)
            at = 0
            for i in chosen:
                cut, width = self.cuts[i], math.prod(self.cuts[i].rest)
                for r in range(n):
                    rows = grads[i][r * cut.rows : (r + 1) * cut.rows]
                    sent[r, at : at + rows.shape[0] * width] = rows.reshape(-1)
                at += cut.padded
            key = (dtype, tuple(chosen))
            if key in self.pending:
                sent += self.pending.pop(key)
            if not self.syncs:
                self.pending[key] = sent
                continue
            mine = pyxtorch.empty(sent.shape[1], dtype=sent.dtype)
            op = ReduceOp.AVG if self.divisor is None else ReduceOp.SUM
            _collectives.reduce_scatter_tensor(mine, sent, op, self.group)
            if self.copies is not None:
                _collectives.all_reduce(mine, op, self.copies)
            if self.divisor is not None:
                mine /= self.divisor
            at = 0
            for i in chosen:
                cut = self.cuts[i]
                made[i] = mine[at : at + cut.own * math.prod(cut.rest)].view(cut.own, *cut.rest).to(self.rows_dtype(i))
                at += cut.padded
        return made

    def rows_dtype(self, i):
        """The dtype of parameter i as it is kept."""
        return self.parts()[i].dtype

    # ------------------------------------------------------------------------ forward

    def _put(self, tensors):
        for where, x in zip(self.places, tensors):
            for module, name in where:
                module._parameters[name] = x

    @contextmanager
    def whole(self):
        """Within, modules have their whole parameters."""
        if self.depth:
            self.depth += 1
            try:
                yield
            finally:
                self.depth -= 1
            return
        rows, found = self.parts(), None
        record = _Record(self)
        wholes = _Gather.apply(record, *rows)
        if self.reshard is None:
            self.reshard = bool(_inside)
        before, hooks = outer_hooks(), None
        # Under hooks of others, such as those of checkpoint, which count what is saved, all goes to them.
        if pyxtorch.is_grad_enabled() and self.reshard and self.group.size() > 1 and self.held is None and (before is None or hasattr(before[0], "of_unit")):
            found = {x.untyped_storage().data_ptr(): i for i, x in enumerate(wholes) if x.numel()}
            hooks = _saver(record, found, before)
        self.rows, self.depth = rows, 1
        self._put(wholes)
        _inside.append(self)
        if hooks is not None:
            push_saved_hooks(*hooks)
        try:
            yield
        finally:
            if hooks is not None:
                pop_saved_hooks()
            _inside.pop()
            self.depth = 0
            self._put(rows if self.held is None else self.held)

    def hold(self):
        """Keep whole parameters in place until `release`."""
        if self.held is None and not self.depth:
            rows = self.parts()
            with pyxtorch.no_grad():
                held = self.gather([x.detach() for x in rows])
            self.rows, self.held = rows, held
            self._put(held)

    def release(self):
        """Put the rows back."""
        if self.held is not None and not self.depth:
            self.held = None
            self._put(self.rows)


def _saver(record, found, before):
    """(pack, unpack) for what a forward saves: whole parameters are not kept; others go to the hooks of the unit around, if there is one."""

    def pack(x):
        i = found.get(x.untyped_storage().data_ptr())
        if i is not None and x.element_size() * x.numel() and x.dtype is record.unit._dtype(record.parts[i]):
            return i, tuple(x.shape), x.stride(), x.storage_offset()
        return x if before is None else (before[0](x),)

    def unpack(kept):
        if isinstance(kept, pyxtorch.Tensor):
            return kept
        if len(kept) == 1:
            return before[1](kept[0])
        i, size, stride, offset = kept
        return record.again(i).as_strided(size, stride, offset)

    pack.of_unit = True
    return pack, unpack
