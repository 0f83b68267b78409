"""Selective checkpointing: of a checkpointed part, results of chosen operations are kept and the others are computed again.

Both contexts are dispatch modes. In the first run an operation that the policy keeps leaves its result, and a note of each tensor that
its node saved: which argument or result it is a view of, or the tensor itself where it is neither (statistics of a normalisation). When
the part runs again, that operation does not: what it saved is put together by the notes, and its result is the one kept.
"""
import enum

import pyxtorch
from pyxtorch._dispatch import TorchDispatchMode, on_tape, tensors_in, unseen
from pyxtorch.autograd import Function
from pyxtorch.autograd.graph import saved_tensors_hooks
from pyxtorch.random import get_rng_state, set_rng_state
from pyxtorch.utils import _pytree as _tree

_IGNORED = "device.default is_strides_like_format.default numel.default size.default stride.default dim.default is_contiguous.default detach.default storage_offset.default"


class CheckpointPolicy(enum.Enum):
    """What is done with an operation's result. PREFER and MUST are the same without a compiler, and offloading is keeping: it is in the CPU's memory."""

    MUST_SAVE = 0
    PREFER_SAVE = 1
    MUST_RECOMPUTE = 2
    PREFER_RECOMPUTE = 3
    MUST_CPU_OFFLOAD = 4
    PREFER_CPU_OFFLOAD = 5


_RECOMPUTED = (CheckpointPolicy.MUST_RECOMPUTE, CheckpointPolicy.PREFER_RECOMPUTE)


class SelectiveCheckpointContext:
    """What a policy is told besides the operation and its arguments: `op_output`, its result. `is_recompute` is False always."""

    def __init__(self, *, is_recompute, op_output=None):
        self.is_recompute, self.op_output = is_recompute, op_output


class _Again(Function):
    """Results that were kept, as something that a tape continues from."""

    @staticmethod
    def forward(ctx, dummy, *kept):
        return tuple(y.detach() for y in kept)


class _Kept:
    """One operation of the first run whose result is kept."""

    def __init__(self, args, result, saved, state):
        self.outputs, self.spec = _tree.tree_flatten(result)
        self.outputs = [y.detach() if isinstance(y, pyxtorch.Tensor) else y for y in self.outputs]
        self.versions = [y._version if isinstance(y, pyxtorch.Tensor) else None for y in self.outputs]
        self.wanted = [isinstance(y, pyxtorch.Tensor) and y.requires_grad for y in _tree.tree_leaves(result)]
        self.notes = [self.note(t, args) for t in saved]
        self.state = state

    def note(self, t, args):
        if t.numel() and not t.is_conj() and not t.is_neg():
            memory = t.untyped_storage().data_ptr()
            for source in (args, self.outputs):
                for i, x in enumerate(source):
                    if isinstance(x, pyxtorch.Tensor) and x.dtype == t.dtype and not (x.is_conj() or x.is_neg()) and x.untyped_storage().data_ptr() == memory:
                        return source is args, i, t.size(), t.stride(), t.storage_offset() - x.storage_offset()
        return t

    def again(self, args, keep, may_change):
        for note in self.notes:
            if isinstance(note, tuple):
                from_args, i, size, stride, offset = note
                x = (args if from_args else self.outputs)[i].detach()
                note = x.as_strided(size, stride, x.storage_offset() + offset)
            keep(note)
        for y, version in zip(self.outputs, self.versions):
            if version is not None and y._version != version and not may_change:
                raise RuntimeError("Tensor cached during selective activation checkpoint has been mutated")
        if self.state is not None:
            set_rng_state(self.state)
        outputs = list(self.outputs)
        places = [i for i, wanted in enumerate(self.wanted) if wanted]
        if places:
            with pyxtorch.enable_grad():
                fresh = _Again.apply(pyxtorch.empty(0, requires_grad=True), *(outputs[i] for i in places))
            for i, y in zip(places, fresh):
                outputs[i] = y
        return _tree.tree_unflatten(outputs, self.spec)


class _Selecting(TorchDispatchMode):
    """Around the first run: `part` is what is checkpointed."""

    def __init__(self, policy, entries):
        super().__init__()
        self.policy, self.entries, self.part = policy, entries, None

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in ignored():
            return func(*args, **kwargs)
        saved, before = [], get_rng_state()
        part = self.part

        def pack(t):
            saved.append(t)
            return part.pack(t)

        with saved_tensors_hooks(pack, part.unpack):
            result = func(*args, **kwargs)
        policy = self.policy(SelectiveCheckpointContext(is_recompute=False, op_output=result), func, *args, **kwargs)
        if isinstance(policy, bool):
            policy = CheckpointPolicy.MUST_SAVE if policy else CheckpointPolicy.PREFER_RECOMPUTE
        given = tensors_in((args, kwargs))
        kept = None
        if policy not in _RECOMPUTED and not any(y is x for y in tensors_in(result) for x in given):    # what changes its argument runs again
            after = get_rng_state()
            kept = _Kept(given, on_tape(result), saved, None if pyxtorch.equal(before, after) else after)
        self.entries.append((func, kept))
        return result


class _Selected(TorchDispatchMode):
    """Around the runs again: `keep` takes what is saved."""

    keeps_history = True

    def __init__(self, entries, may_change):
        super().__init__()
        self.entries, self.may_change, self.at, self.keep = entries, may_change, 0, None

    def __enter__(self):
        self.at = 0
        return super().__enter__()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in ignored():
            return func(*args, **kwargs)
        at, self.at = self.at, self.at + 1
        if at >= len(self.entries) or self.entries[at][0] is not func:
            was = self.entries[at][0] if at < len(self.entries) else "nothing more"
            raise RuntimeError(f"{func} encountered during backward where the forward pass had {was}: a checkpointed part must do the same each time.")
        kept = self.entries[at][1]
        if kept is None:
            return func(*args, **kwargs)
        return unseen(kept.again, tensors_in((args, kwargs)), self.keep, self.may_change)


_found_ignored = []


def ignored():
    """The operations that no policy is asked about."""
    if not _found_ignored:
        from pyxtorch._aten import aten, packet

        names = [name.split(".") for name in _IGNORED.split()]
        _found_ignored.append({getattr(getattr(aten, name), overload) for name, overload in names if packet(name) is not None})
    return _found_ignored[0]


def create_selective_checkpoint_contexts(policy_fn_or_list, allow_cache_entry_mutation=False):
    """The two contexts of a checkpoint that keeps the results of some operations: for `checkpoint(context_fn=)`.

    >>> saved = [torch.ops.aten.mm.default]
    >>> checkpoint(f, x, use_reentrant=False, context_fn=functools.partial(create_selective_checkpoint_contexts, saved))

    Args:
        policy_fn_or_list: function `(ctx, op, *args, **kwargs)` that returns a CheckpointPolicy (or whether to keep), or a list of
            operations whose results are kept. Operations are overloads, `torch.ops.aten.mm.default`.
        allow_cache_entry_mutation: whether kept results may have been changed in place since.
    Raises:
        TypeError: it is neither.
        ValueError: an item of the list is no overload.
    """
    from pyxtorch._aten import OpOverload, OpOverloadPacket

    policy = policy_fn_or_list
    if isinstance(policy_fn_or_list, list):
        for op in policy_fn_or_list:
            if not isinstance(op, OpOverload):
                more = f" Take one of its overloads, such as torch.ops.{op}.default." if isinstance(op, OpOverloadPacket) else ""
                raise ValueError(f"Expected op in `op_list` to be an OpOverload but got: {op} of type {type(op)}.{more}")
        kept = frozenset(policy_fn_or_list)

        def policy(ctx, op, *args, **kwargs):
            return op in kept
    elif not callable(policy_fn_or_list):
        raise TypeError("policy_fn_or_list must be either a function or a list of ops.")
    entries = []
    return _Selecting(policy, entries), _Selected(entries, allow_cache_entry_mutation)
