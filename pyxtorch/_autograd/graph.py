"""torch.autograd.graph: the recorded graph, what it saves, and hooks on several gradients."""
import threading
from collections import namedtuple

import pyxtorch
from pyxtorch._tape.graph import Node, accumulator, current_task
from pyxtorch._tape.hooks import RemovableHandle
from pyxtorch._tape.saving import pop_saved_hooks, push_saved_hooks
from pyxtorch.autograd import Variable

__all__ = [
    "GradientEdge", "Node", "allow_mutation_on_saved_tensors", "disable_saved_tensors_hooks", "get_gradient_edge", "increment_version",
    "region_activation_memory_budget", "register_multi_grad_hook", "save_on_cpu", "saved_tensors_hooks", "set_override_stale_capture_stream",
    "set_warn_on_accumulate_grad_stream_mismatch",
]

GradientEdge = namedtuple("GradientEdge", "node output_nr ownership_token", defaults=(None,))
GradientEdge.__doc__ = "The place of a tensor in the graph: output `output_nr` of `node`. autograd.grad and backward take it for a tensor."


def get_gradient_edge(tensor):
    """The GradientEdge of a tensor that requires grad (of a leaf: to its AccumulateGrad).

    Raises:
        RuntimeError: the tensor does not require grad.
    """
    if not tensor.requires_grad:
        raise RuntimeError("get_gradient_edge: It is not possible to get the gradient edge for a Tensor that does not require gradients.")
    if tensor.grad_fn is None:
        return GradientEdge(accumulator(tensor), 0)
    return GradientEdge(tensor.grad_fn, tensor.output_nr)


def increment_version(tensor):
    """Count one more in-place change of a tensor, or of each in an iterable: what saved it before raises in backward."""
    for t in (tensor,) if isinstance(tensor, Variable) else tensor:
        if t.is_inference():
            raise RuntimeError("increment_version: inference tensors do not count their versions.")
        pyxtorch._core.count_change(t)


class saved_tensors_hooks:
    """Inside the block what is saved for backward goes through `pack_hook(tensor)`; backward gets `unpack_hook(packed)` of it.

    Args:
        pack_hook: takes a tensor, off the tape, and returns anything; must not change it.
        unpack_hook: takes what pack_hook returned and gives a tensor of the same values.
    """

    def __init__(self, pack_hook, unpack_hook):
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self):
        push_saved_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *exc):
        pop_saved_hooks()


class save_on_cpu(saved_tensors_hooks):
    """Inside the block what is saved for backward is kept in CPU memory, and goes back to its device in backward.

    Args:
        pin_memory: keep it in page-locked memory (of use with a GPU only).
    """

    def __init__(self, pin_memory=False, device_type="cuda"):
        def pack(tensor):
            kept = tensor.cpu()
            return tensor.device, kept.pin_memory() if pin_memory and tensor.is_cuda else kept

        def unpack(packed):
            device, kept = packed
            return kept.to(device, non_blocking=pin_memory)

        super().__init__(pack, unpack)


class disable_saved_tensors_hooks:
    """Inside the block `saved_tensors_hooks` raises RuntimeError with this message. Context manager and decorator."""

    def __init__(self, error_message):
        self.error_message = error_message

    def __enter__(self):
        push_saved_hooks(None, self.error_message)

    def __exit__(self, *exc):
        pop_saved_hooks()

    def __call__(self, function):
        import functools

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with disable_saved_tensors_hooks(self.error_message):
                return function(*args, **kwargs)

        return wrapped


class _Copies:
    """The copies that one `allow_mutation_on_saved_tensors` block holds."""

    def __init__(self):
        self.open, self.kept = True, {}

    def clear(self):
        """Forget all copies: backward through what the block recorded is no longer possible."""
        self.kept.clear()


class allow_mutation_on_saved_tensors(saved_tensors_hooks):
    """Inside the block tensors may be changed in place after they were saved: backward uses the values that they had.

    A copy is made when a tensor is saved. Backward must run inside the block as well.
    """

    def __init__(self):
        copies = self.copies = _Copies()

        def pack(tensor):
            key = object()
            copies.kept[key] = tensor.clone()
            return key

        def unpack(key):
            if not copies.open:
                raise RuntimeError("Trying to backward outside of the 'allow_mutation_on_saved_tensors' context in which the graph was originally recorded.")
            if key not in copies.kept:
                raise RuntimeError("allow_mutation_on_saved_tensors: the saved tensors were cleared.")
            return copies.kept[key]

        super().__init__(pack, unpack)

    def __enter__(self):
        super().__enter__()
        return self.copies

    def __exit__(self, *exc):
        super().__exit__(*exc)
        self.copies.open = False
        self.copies.clear()


class _Handles(RemovableHandle):
    """Takes several hooks away at once."""

    def __init__(self, handles):
        super().__init__({})
        self.handles = tuple(handles)

    def remove(self):
        for handle in self.handles:
            handle.remove()

    def __getstate__(self):
        return self.handles

    def __setstate__(self, state):
        self.handles = state


def register_multi_grad_hook(tensors, fn, *, mode="all"):
    """Call a function when the gradients of several tensors are known in one backward.

    Args:
        tensors: sequence of tensors that require grad.
        fn: mode "all": called as fn(grads) with a tuple, None where this backward sends none, once all that
            it does send are known. Mode "any": called as fn(grad) with the first.
    Returns:
        Handle with `remove()`.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"register_multi_grad_hook: mode must be 'all' or 'any', but is {mode!r}.")
    tensors = tuple(tensors)
    lock = threading.Lock()
    runs = {}       # of a run under way: what has come, and how many more will
    places = [get_gradient_edge(t) for t in tensors]

    def expected(task):
        return sum(task.reaches(edge.node, edge.output_nr) for edge in places)

    def watch(i):
        def hook(grad):
            task = current_task()
            with lock:
                first = task not in runs
                if first:
                    runs[task] = [None] * len(tensors), [expected(task)]
                    task.queue_callback(lambda: runs.pop(task, None))
                grads, left = runs[task]
                grads[i] = grad
                left[0] -= 1
                complete = left[0] == 0
            if mode == "any":
                if first:
                    fn(grad)
            elif complete:
                fn(tuple(grads))

        return hook

    return _Handles([t.register_hook(watch(i)) for i, t in enumerate(tensors)])


# ----------------------------------------------------------------------------- of GPUs and compilers

_flags = {"override": False, "warn": True}


def set_override_stale_capture_stream(enabled):
    """Whether a backward within a CUDA graph that is being captured may move to its stream. No CUDA graphs are captured."""
    _flags["override"] = bool(enabled)


def set_warn_on_accumulate_grad_stream_mismatch(enabled):
    """Whether to warn of a gradient from another stream than its leaf's. The work of a backward is in one stream."""
    _flags["warn"] = bool(enabled)


def region_activation_memory_budget(budget):
    """For programs that a compiler traces: how much of what backward needs it may keep.

    Raises:
        RuntimeError: it is used outside of one, as always here; `utils.checkpoint` saves memory.
    """
    if not 0 <= budget <= 1:
        raise ValueError(f"region_activation_memory_budget: budget must be from 0 to 1, got {budget}.")
    raise RuntimeError("region_activation_memory_budget only has an effect under torch.compile, and programs run as they are written. Use torch.utils.checkpoint.")
