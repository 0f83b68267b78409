"""What the processes of a group do together with tensors. Every rank of the group calls it, with tensors of equal sizes and dtypes.

Results are written into tensors that the caller gives, of any strides. With `async_op` a Work is returned, else the call returns
when the rank's own part is done.
"""
import math

import pyxtorch
from pyxtorch import Tensor
from pyxtorch.distributed._group import (
    DebugLevel,
    DistBackendError,
    ReduceOp,
    _member,
    _Premultiplied,
    _World,
    get_debug_level,
    supports_complex,
)
from pyxtorch.distributed._work import Work

__all__ = [
    "all_gather", "all_gather_coalesced", "all_gather_into_tensor", "all_gather_single", "all_reduce", "all_reduce_coalesced", "all_to_all",
    "all_to_all_single", "barrier", "broadcast", "gather", "monitored_barrier", "reduce", "reduce_scatter", "reduce_scatter_single",
    "reduce_scatter_tensor", "scatter",
]  # fmt: skip

# _mpi's numbers: kinds of calls, and labels for those that are exchanges.
_BARRIER, _BROADCAST, _ALL_GATHER, _ALL_REDUCE, _REDUCE, _REDUCE_SCATTER, _EXCHANGE = range(7)
_GATHER, _SCATTER, _ALL_TO_ALL = 10, 11, 12


# ---------------------------------------------------------------------------- checks


def _tensor(x, name):
    if not isinstance(x, Tensor):
        raise TypeError(f"Invalid function argument. Expected parameter `{name}` of type torch.Tensor but got {type(x)} instead.")
    return x


def _tensors(xs, name, op=None, size=None):
    """A list of tensors; for an operation, as many as there are processes."""
    if not isinstance(xs, list | tuple) or not all(isinstance(x, Tensor) for x in xs):
        raise TypeError(f"Invalid function argument. Expected parameter `{name}` of type List[torch.Tensor].")
    if op is not None and len(xs) != size:
        raise RuntimeError(f"{op}: invalid {name} (expected length {size}, got {len(xs)})")
    return xs


def _dense_of_one_device(op, *tensors):
    """Check where tensors are: all on the CPU, or all on one GPU."""
    for x in tensors:
        if x.device.type not in ("cpu", "cuda") or x.layout is not pyxtorch.strided:
            raise RuntimeError(f"{op}: a tensor on {x.device} with layout {x.layout} cannot be sent; dense tensors of the CPU or a GPU can. Use x.cpu(), or x.to_dense().")
        if x.device != tensors[0].device:
            raise RuntimeError(f"{op}: Tensor found on {x.device}, and another on {tensors[0].device}; all have to be on one device")


def _place(root, in_group, group, op, name):
    """The place in the group that an operation starts from or goes to, given as a rank of all or of the group."""
    if root is not None and in_group is not None:
        raise ValueError(f"Can't specify both group_{name} and {name}")
    if in_group is None:
        in_group = 0 if root is None else group._ranks.index(root) if root in group._ranks else None
    if in_group is None or not 0 <= in_group < group.size():
        raise RuntimeError(f"{op}: invalid {name} rank: {root if in_group is None else in_group}; the group has the ranks {list(group._ranks)}")
    return in_group


def _same(op, *tensors, sizes=True):
    first = tensors[0]
    for x in tensors[1:]:
        if x.dtype != first.dtype:
            raise ValueError(f"{op}: Invalid usage of tensors with different dtypes. Found {first.dtype} and {x.dtype}")
        if sizes and x.shape != first.shape:
            raise RuntimeError(f"{op}: invalid tensor size (expected {tuple(first.shape)}, got {tuple(x.shape)})")


def _op(op, tensor, name):
    """(code, factor) of a reduction, where the tensor's dtype has it."""
    if not isinstance(op, ReduceOp | _Premultiplied):
        raise TypeError(f"expected a ReduceOp, not {type(op).__name__}.")
    if tensor.is_complex() and not supports_complex(op):
        raise ValueError(f"{name} does not support {op} on complex tensors")
    code, dtype = op.value, tensor.dtype
    if (dtype.is_floating_point and 5 <= code <= 7) or (dtype is pyxtorch.bool and code in (1, 8)) or (dtype.is_floating_point and dtype.itemsize == 1):
        raise RuntimeError(f"{name}: {op} of {dtype} is not defined")
    return code, getattr(op, "factor", 1.0)


# ---------------------------------------------------------------------------- running


def _detail(group, name, tensors, *about):
    """With DebugLevel.DETAIL: compare what all ranks are about to call, before anything else is sent."""
    mine = f"{name} {[(tuple(x.shape), str(x.dtype)) for x in tensors]} {about}".encode()[:256].ljust(256)
    said, told = pyxtorch.frombuffer(bytearray(mine), dtype=pyxtorch.uint8), pyxtorch.empty(group.size(), 256, dtype=pyxtorch.uint8)
    _call(group, "all_gather", _ALL_GATHER, said, told, 256)
    rows = [bytes(row.tolist()).decode(errors="replace").strip() for row in told]
    for i, row in enumerate(rows):
        if row != rows[group.rank()]:
            raise DistBackendError(f"rank {group._ranks[group.rank()]} calls {rows[group.rank()]}, but rank {group._ranks[i]} calls {row}")


def _call(group, name, kind, source, target, count, **more):
    """Run a call of the engine, whose errors become those of PyTorch's class."""
    some = target if target is not None else source if source is not None else next((x for parts in (more.get("sends"), more.get("recvs")) for x, _ in parts or ()), None)
    try:
        if some is not None and some.is_cuda:
            return group._engine.nccl().call(name, kind, source, target, count, **more)
        return group._engine.call(name, kind, source, target, count, **more)
    except RuntimeError as error:
        raise _of_class(error) from None


def _of_class(error):
    """An error of the engine, as PyTorch's class."""
    return error if isinstance(error, DistBackendError) else DistBackendError(str(error))


class _Late:
    """A call of the thread, for Work: its errors are of PyTorch's class, too."""

    def __init__(self, call):
        self.call, self.name, self.is_done = call, call.name, call.is_done

    def wait(self, seconds):
        try:
            return self.call.wait(seconds)
        except RuntimeError as error:
            raise _of_class(error) from None


def _changed(tensors):
    from pyxtorch.distributed._mpi import changed

    for x in tensors:
        changed(x)


def _put(pairs):
    """Copy results into the tensors that they are for."""
    with pyxtorch.no_grad():
        for target, result in pairs:
            if target is not result:
                target.detach().copy_(result.view(target.shape))


def _run(group, name, kind, source, target, count, async_op, result, written=(), pairs=(), **more):
    """A call, then what is to be done with its results, at once or when the Work is waited for."""
    if group._engine is None:
        _put(pairs)
        return Work(result) if async_op else None
    if get_debug_level() is DebugLevel.DETAIL:
        _detail(group, name, [x for x in (source,) if x is not None], kind, more.get("op"), more.get("root"))
    made = _call(group, name, kind, source, target, count, background=async_op, **more)

    def finish():
        _changed(written)
        _put(pairs)

    if async_op:
        return Work(result, [_Late(made)], finish)
    finish()
    return None


def _dense(x):
    """x, or a copy of it that is contiguous; a view of its parts where it is complex and lazily conjugated."""
    x = x.detach()
    return x if x.is_contiguous() else x.contiguous()


# ---------------------------------------------------------------------------- reductions


def all_reduce(tensor, op=ReduceOp.SUM, group=None, async_op=False):
    """Make the tensors of all ranks one by `op`, in place: all ranks have the same bits then.

    They are added in the order of the ranks, so that the bits depend on the tensors and on how many ranks there are, on
    nothing else.
    """
    if _World._quick is not None and not async_op and (group is None or group is _World.WORLD):
        try:
            if _World._quick(tensor, op):
                return None
        except RuntimeError as error:
            raise _of_class(error) from None
    group = _member(group)
    code, factor = _op(op, _tensor(tensor, "tensor"), "all_reduce")
    _dense_of_one_device("all_reduce", tensor)
    if group._engine is None:
        if factor != 1.0:
            with pyxtorch.no_grad():
                tensor.mul_(factor)
        return Work(tensor) if async_op else None
    work = _dense(tensor)
    pairs = () if work is tensor or work.data_ptr() == tensor.data_ptr() else ((tensor, work),)
    return _run(group, "all_reduce", _ALL_REDUCE, None, work, work.numel(), async_op, tensor, (tensor,), pairs, op=code, factor=factor)


def all_reduce_coalesced(tensors, op=ReduceOp.SUM, group=None, async_op=False):
    """`all_reduce` of several tensors."""
    works = [all_reduce(tensor, op, group, async_op) for tensor in _tensors(tensors, "tensors")]
    return _joined(works, tensors, async_op)


def _joined(works, result, async_op):
    if not async_op:
        return None
    return Work(result, [_Waited(work) for work in works])


class _Waited:
    """A Work as one of several that another waits for."""

    name = "coalesced"

    def __init__(self, work):
        self.work, self.is_done = work, work.is_completed

    def wait(self, seconds):
        return self.work.wait()


def reduce(tensor, dst=None, op=ReduceOp.SUM, group=None, async_op=False, group_dst=None):
    """As `all_reduce`, with the result in rank `dst` alone; the others' tensors stay as they are."""
    group = _member(group)
    root = _place(dst, group_dst, group, "reduce", "dst")
    code, factor = _op(op, _tensor(tensor, "tensor"), "reduce")
    _dense_of_one_device("reduce", tensor)
    if group._engine is None:
        return all_reduce(tensor, op, group, async_op)
    work, mine = _dense(tensor), group.rank() == root
    pairs = ((tensor, work),) if mine and work.data_ptr() != tensor.data_ptr() else ()
    return _run(group, "reduce", _REDUCE, None, work, work.numel(), async_op, tensor, (tensor,) if mine else (), pairs, op=code, factor=factor, root=root)


def reduce_scatter(output, input_list, op=ReduceOp.SUM, group=None, async_op=False):
    """Reduce the lists of all ranks, and write the entry that is for this one into `output`."""
    group = _member(group)
    _dense_of_one_device("reduce_scatter", _tensor(output, "output"), *_tensors(input_list, "input_list", "reduce_scatter", group.size()))
    _same("reduce_scatter", output, *input_list)
    return _reduce_scatter("reduce_scatter", output, pyxtorch.stack([x.detach() for x in input_list]), op, group, async_op)


def reduce_scatter_tensor(output, input, op=ReduceOp.SUM, group=None, async_op=False):
    """The same of one tensor that holds the parts, joined or stacked."""
    group = _member(group)
    _dense_of_one_device("reduce_scatter_tensor", _tensor(output, "output"), _tensor(input, "input"))
    _same("reduce_scatter_tensor", output, input, sizes=False)
    if input.numel() != output.numel() * group.size():
        raise RuntimeError(f"reduce_scatter_tensor: invalid tensor size (expected {output.numel() * group.size()} elements of input, got {tuple(input.shape)})")
    return _reduce_scatter("reduce_scatter_tensor", output, input, op, group, async_op)


def _reduce_scatter(name, output, whole, op, group, async_op):
    code, factor = _op(op, whole, name)
    if group._engine is None:
        return _run(group, name, 0, None, None, 0, async_op, output, pairs=((output, whole.detach() * factor if factor != 1.0 else whole.detach()),))
    source = _dense(whole)
    target = output.detach() if output.is_contiguous() else pyxtorch.empty(output.shape, dtype=output.dtype, device=output.device)
    pairs = () if output.is_contiguous() else ((output, target),)
    return _run(group, name, _REDUCE_SCATTER, source, target, target.numel(), async_op, output, (output,), pairs, op=code, factor=factor)


_reduce_scatter_base = reduce_scatter_single = reduce_scatter_tensor


# ---------------------------------------------------------------------------- moving


def broadcast(tensor, src=None, group=None, async_op=False, group_src=None):
    """Give the tensor of rank `src` to all, in place."""
    group = _member(group)
    root = _place(src, group_src, group, "broadcast", "root")
    _dense_of_one_device("broadcast", _tensor(tensor, "tensor"))
    work, mine = _dense(tensor), group.rank() == root
    pairs = ((tensor, work),) if not mine and work.data_ptr() != tensor.data_ptr() else ()
    return _run(group, "broadcast", _BROADCAST, None, work, _bytes(work), async_op, tensor, () if mine else (tensor,), pairs, root=root, told=work.numel())


def _bytes(x):
    return x.numel() * x.element_size()


def all_gather(tensor_list, tensor, group=None, async_op=False):
    """Write the tensors of all ranks into a list of tensors, whose sizes may differ from rank to rank where all know them."""
    group = _member(group)
    _dense_of_one_device("all_gather", _tensor(tensor, "tensor"), *_tensors(tensor_list, "tensor_list", "all_gather", group.size()))
    _same("all_gather", tensor, *tensor_list, sizes=False)
    _same("all_gather", tensor, tensor_list[group.rank()])
    if any(x.shape != tensor.shape for x in tensor_list):  # uneven
        return _exchange("all_gather", group, tensor, [tensor] * group.size(), tensor_list, async_op, _ALL_GATHER)
    if group._engine is None:
        return _run(group, "all_gather", 0, None, None, 0, async_op, tensor_list, pairs=((tensor_list[0], tensor.detach()),))
    whole = pyxtorch.empty(group.size(), *tensor.shape, dtype=tensor.dtype, device=tensor.device)
    return _run(group, "all_gather", _ALL_GATHER, _dense(tensor), whole, _bytes(tensor), async_op, tensor_list, (), list(zip(tensor_list, whole)), told=tensor.numel())


def all_gather_coalesced(output_tensor_lists, input_tensor_list, group=None, async_op=False):
    """`all_gather` of several tensors."""
    works = [all_gather(targets, tensor, group, async_op) for targets, tensor in zip(output_tensor_lists, _tensors(input_tensor_list, "input_tensor_list"), strict=True)]
    return _joined(works, output_tensor_lists, async_op)


def all_gather_into_tensor(output_tensor, input_tensor, group=None, async_op=False):
    """Write the tensors of all ranks into one, joined or stacked."""
    group = _member(group)
    _dense_of_one_device("all_gather_into_tensor", _tensor(output_tensor, "output_tensor"), _tensor(input_tensor, "input_tensor"))
    _same("all_gather_into_tensor", input_tensor, output_tensor, sizes=False)
    if output_tensor.numel() != input_tensor.numel() * group.size():
        raise RuntimeError(f"all_gather_into_tensor: invalid tensor size (expected {input_tensor.numel() * group.size()} elements, got {tuple(output_tensor.shape)})")
    if group._engine is None:
        return _run(group, "all_gather_into_tensor", 0, None, None, 0, async_op, output_tensor, pairs=((output_tensor, _dense(input_tensor)),))
    direct = output_tensor.is_contiguous()
    whole = output_tensor.detach() if direct else pyxtorch.empty(output_tensor.shape, dtype=output_tensor.dtype, device=output_tensor.device)
    return _run(group, "all_gather_into_tensor", _ALL_GATHER, _dense(input_tensor), whole, _bytes(input_tensor), async_op, output_tensor,
                (output_tensor,) if direct else (), () if direct else ((output_tensor, whole),), told=input_tensor.numel())  # fmt: skip


_all_gather_base = all_gather_single = all_gather_into_tensor


def _exchange(name, group, of, sends, targets, async_op, label, root=0, told=0):
    """Send sends[r] to each rank r, None: nothing, and receive targets[r] from each."""
    mine = group.rank()
    dense = [None if x is None else _dense(x) for x in sends]
    places = [None if x is None else x.detach() if x.is_contiguous() else pyxtorch.empty(x.shape, dtype=x.dtype, device=x.device) for x in targets]
    pairs = [(x, place) for x, place in zip(targets, places) if x is not None and not x.is_contiguous()]
    if dense[mine] is not None and places[mine] is not None:
        if group._engine is None or places[mine].data_ptr() != dense[mine].data_ptr():
            _put(((places[mine], dense[mine].clone()),))
    out = [(x, r) for r, x in enumerate(dense) if x is not None and r != mine]
    back = [(x, r) for r, x in enumerate(places) if x is not None and r != mine]
    return _run(group, name, _EXCHANGE, of.detach(), None, 0, async_op, targets, [x for x in targets if x is not None], pairs, sends=out, recvs=back, label=label,
                root=root, told=told)  # fmt: skip


def gather(tensor, gather_list=None, dst=None, group=None, async_op=False, group_dst=None):
    """`all_gather` to rank `dst` alone, which gives the list."""
    group = _member(group)
    root = _place(dst, group_dst, group, "gather", "dst")
    _dense_of_one_device("gather", _tensor(tensor, "tensor"))
    sends, targets = [None] * group.size(), [None] * group.size()
    sends[root] = tensor
    if group.rank() == root:
        if not gather_list:
            raise ValueError("Argument ``gather_list`` must be specified on destination rank.")
        _dense_of_one_device("gather", *_tensors(gather_list, "gather_list", "gather", group.size()))
        _same("gather", tensor, *gather_list)
        targets = list(gather_list)
    elif gather_list:
        raise ValueError("Argument ``gather_list`` must NOT be specified on non-destination ranks.")
    return _exchange("gather", group, tensor, sends, targets, async_op, _GATHER, root, tensor.numel())


def scatter(tensor, scatter_list=None, src=None, group=None, async_op=False, group_src=None):
    """Write into `tensor` the part of the list of rank `src` that is for this one."""
    group = _member(group)
    root = _place(src, group_src, group, "scatter", "src")
    _dense_of_one_device("scatter", _tensor(tensor, "tensor"))
    sends, targets = [None] * group.size(), [None] * group.size()
    targets[root] = tensor
    if group.rank() == root:
        if not scatter_list:
            raise ValueError("Argument ``scatter_list`` must be specified on source rank.")
        _dense_of_one_device("scatter", *_tensors(scatter_list, "scatter_list", "scatter", group.size()))
        _same("scatter", tensor, *scatter_list)
        sends = list(scatter_list)
    elif scatter_list:
        raise ValueError("Argument ``scatter_list`` must NOT be specified on non-source ranks.")
    return _exchange("scatter", group, tensor, sends, targets, async_op, _SCATTER, root, tensor.numel())


def all_to_all(output_tensor_list, input_tensor_list, group=None, async_op=False):
    """Each rank gives a tensor to each; sizes may differ."""
    group = _member(group)
    _tensors(output_tensor_list, "output_tensor_list", "all_to_all", group.size())
    _tensors(input_tensor_list, "input_tensor_list", "all_to_all", group.size())
    _dense_of_one_device("all_to_all", *output_tensor_list, *input_tensor_list)
    _same("all_to_all", *input_tensor_list, *output_tensor_list, sizes=False)
    _same("all_to_all", input_tensor_list[group.rank()], output_tensor_list[group.rank()])
    return _exchange("all_to_all", group, input_tensor_list[0], input_tensor_list, output_tensor_list, async_op, _ALL_TO_ALL)


def all_to_all_single(output, input, output_split_sizes=None, input_split_sizes=None, group=None, async_op=False):
    """The same of tensors that hold the parts, cut along the first dimension, evenly or as the sizes say."""
    group = _member(group)
    parts = []
    for sizes, x, name in ((output_split_sizes, output, "output"), (input_split_sizes, input, "input")):
        _dense_of_one_device("all_to_all_single", _tensor(x, name))
        rows = x.shape[0] if x.dim() else 0
        if not sizes:
            if rows % group.size():
                raise RuntimeError(f"all_to_all_single: {rows} rows of {name} do not divide evenly among {group.size()} processes")
            sizes = [rows // group.size()] * group.size()
        if len(sizes) != group.size() or sum(sizes) != rows:
            raise RuntimeError(f"all_to_all_single: {name}_split_sizes={list(sizes)} do not divide {rows} rows among "
                               f"{group.size() if group.size() > 1 else 'one'} process{'es' if group.size() > 1 else ''}")  # fmt: skip
        parts.append(list(x.detach().split(list(sizes))))
    _same("all_to_all_single", input, output, sizes=False)
    if group._engine is None:
        _same("all_to_all_single", input, output)
    work = all_to_all(*parts, group, async_op)
    if group._engine is not None and not async_op:
        _changed([output])
    return work


# ---------------------------------------------------------------------------- meeting


def barrier(group=None, async_op=False, device_ids=None, timeout=None):
    """Wait until all ranks are here."""
    group = _member(group)
    return _run(group, "barrier", _BARRIER, None, None, 0, async_op, None)


def monitored_barrier(group=None, timeout=None, wait_all_ranks=False):
    """The same; a rank that does not come within `timeout` is named in the error, with where it is.

    Raises:
        RuntimeError: ranks are missing.
    """
    group = _member(group)
    if group._engine is None:
        return
    watch = group._engine.group.watch
    before, watch.timeout = watch.timeout, timeout.total_seconds() if timeout else watch.timeout
    if not math.isfinite(watch.timeout) or watch.timeout <= 0:
        watch.timeout = before
        raise ValueError(f"monitored_barrier: timeout must be positive, got {timeout}")
    try:
        barrier(group)
    finally:
        watch.timeout = before
