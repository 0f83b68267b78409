"""torch.distributed.nn: collectives that gradients pass."""
import pyxtorch
from pyxtorch.autograd import Function
from pyxtorch.distributed import _collectives, _group
from pyxtorch.distributed._group import ReduceOp

__all__ = ["all_gather", "all_reduce", "all_to_all", "broadcast", "gather", "reduce", "reduce_scatter", "scatter"]


def _place(group, rank):
    if rank not in group._ranks:
        raise ValueError(f"torch.distributed.nn: there is no process {rank} in the group of {list(group._ranks)}.")
    return rank


class _AllReduce(Function):
    @staticmethod
    def forward(ctx, op, group, x):
        ctx.op, ctx.group = op, group
        y = x.clone()
        _collectives.all_reduce(y, op, group)
        return y

    @staticmethod
    def backward(ctx, g):
        return None, None, _AllReduce.apply(ctx.op, ctx.group, g)


class _Broadcast(Function):
    @staticmethod
    def forward(ctx, src, group, x):
        ctx.src, ctx.group = src, group
        y = x.clone()
        _collectives.broadcast(y, src, group)
        return y

    @staticmethod
    def backward(ctx, g):
        g = _Reduce.apply(ctx.src, ReduceOp.SUM, ctx.group, g)
        return None, None, g if ctx.group._ranks[ctx.group.rank()] == ctx.src else pyxtorch.zeros_like(g)


class _Reduce(Function):
    @staticmethod
    def forward(ctx, dst, op, group, x):
        ctx.dst, ctx.group = dst, group
        y = x.clone()
        _collectives.reduce(y, dst, op, group)
        return y

    @staticmethod
    def backward(ctx, g):
        return None, None, None, _Broadcast.apply(ctx.dst, ctx.group, g)


class _AllToAll(Function):
    """Entry r of the list of a rank goes to rank r. `sizes` are those of what comes."""

    @staticmethod
    def forward(ctx, group, sizes, *xs):
        ctx.group, ctx.sizes = group, [x.shape for x in xs]
        outs = [pyxtorch.empty(size, dtype=xs[0].dtype) for size in sizes]
        _collectives.all_to_all(outs, [x.contiguous() for x in xs], group)
        return tuple(outs)

    @staticmethod
    def backward(ctx, *gs):
        return (None, None, *_AllToAll.apply(ctx.group, ctx.sizes, *gs))


def all_reduce(tensor, op=ReduceOp.SUM, group=None):
    """The sum, or what `op` says, over the processes; gradients are reduced in the same way."""
    return _AllReduce.apply(op, _group._member(group), tensor)


def reduce(tensor, dst, op=ReduceOp.SUM, group=None):
    """The same, for process `dst`; others get their own tensor."""
    group = _group._member(group)
    return _Reduce.apply(_place(group, dst), op, group, tensor)


def broadcast(tensor, src, group=None):
    """The tensor of process `src`, whose gradient is the sum of all."""
    group = _group._member(group)
    return _Broadcast.apply(_place(group, src), group, tensor)


def all_gather(tensor, group=None):
    """The tensors of all processes, a tuple; their sizes are equal."""
    group = _group._member(group)
    return _AllToAll.apply(group, [tensor.shape] * group.size(), *[tensor] * group.size())


def gather(tensor, dst=0, group=None):
    """The same, for process `dst`; others get zeros."""
    group = _group._member(group)
    to = group._ranks.index(_place(group, dst))
    return _AllToAll.apply(group, [tensor.shape] * group.size(), *[tensor if r == to else pyxtorch.zeros_like(tensor) for r in range(group.size())])


def scatter(tensors, src=0, group=None):
    """This process's one of the tensors of process `src`; all processes give a list of tensors of equal sizes."""
    group = _group._member(group)
    tensors = list(tensors)
    return _AllToAll.apply(group, [tensors[0].shape] * group.size(), *tensors)[group._ranks.index(_place(group, src))]


def reduce_scatter(output, input_list, op=ReduceOp.SUM, group=None):
    """This process's one of the sums of the processes' lists; also written into `output`."""
    group = _group._member(group)
    if op not in (ReduceOp.SUM, ReduceOp.AVG):
        raise RuntimeError(f"reduce_scatter: gradients pass SUM and AVG, not {op}.")
    parts = _AllToAll.apply(group, [output.shape] * group.size(), *input_list)
    made = pyxtorch.stack(parts).sum(0) if len(parts) > 1 else parts[0].clone()
    made = made / group.size() if op is ReduceOp.AVG else made
    output.data.copy_(made)
    return made


def all_to_all(output_tensor_list, input_tensor_list, group=None):
    """The tensors that the processes have for this one, a tuple; also written into the list."""
    outs = _AllToAll.apply(_group._member(group), [x.shape for x in output_tensor_list], *input_tensor_list)
    for target, x in zip(output_tensor_list, outs):
        target.data.copy_(x)
    return outs
