"""torch.utils.checkpoint: memory for time: what a part of the forward pass saved is computed again when backward asks for it.

Two forms. `use_reentrant=False` packs saved tensors as numbers (autograd.graph.saved_tensors_hooks); the first one that backward asks
for runs the part again and keeps what that run saves. `use_reentrant=True` is one Function that runs the part without a tape, and in
backward runs it once more and differentiates that inside. Method: Chen et al., 2016, "Training Deep Nets with Sublinear Memory Cost".
"""
import contextlib
import threading
import traceback
import warnings
import weakref

import pyxtorch
from pyxtorch._tape.graph import current_task
from pyxtorch.amp.autocast_mode import regions_here
from pyxtorch.autograd import Function, Variable, backward, enable_grad, no_grad
from pyxtorch.autograd.graph import saved_tensors_hooks
from pyxtorch.random import get_rng_state, set_rng_state
from pyxtorch.utils import _pytree as _tree
from pyxtorch.utils._selective_checkpoint import (
    CheckpointPolicy,
    SelectiveCheckpointContext,
    _Selected,
    _Selecting,
    create_selective_checkpoint_contexts,
    ignored,
)

__all__ = [
    "CheckpointError", "CheckpointFunction", "CheckpointPolicy", "DefaultDeviceType", "GraphExecGroup", "SelectiveCheckpointContext",
    "check_backward_validity", "checkpoint", "checkpoint_sequential", "create_selective_checkpoint_contexts", "detach_variable",
    "get_device_states", "noop_context_fn", "set_checkpoint_debug_enabled", "set_checkpoint_early_stop", "set_device_states",
]


class CheckpointError(RuntimeError):
    """Running the checkpointed part again did not save what the forward pass saved."""


_settings = threading.local()       # early_stop, debug: what the blocks below say in this thread


@contextlib.contextmanager
def _setting(name, value):
    before = getattr(_settings, name, None)
    setattr(_settings, name, value)
    try:
        yield
    finally:
        setattr(_settings, name, before)


def set_checkpoint_early_stop(enable):
    """In the block, whether a part that runs again stops once it has saved what is needed (True by default)."""
    return _setting("early_stop", bool(enable))


def set_checkpoint_debug_enabled(enabled):
    """In the block, whether CheckpointError shows where tensors were saved; None leaves it to `checkpoint(debug=)`."""
    return _setting("debug", enabled)


def noop_context_fn():
    """Two contexts that do nothing: the default of `checkpoint(context_fn=)`."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def detach_variable(inputs):
    """A tuple of the inputs with each tensor off the tape, as a leaf that requires grad where the tensor did."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}")
    return tuple(x.detach().requires_grad_(x.requires_grad) if isinstance(x, Variable) else x for x in inputs)


def check_backward_validity(inputs):
    """Warn where none of the inputs requires grad: then nothing of the checkpointed part gets a gradient."""
    if not any(isinstance(x, Variable) and x.requires_grad for x in inputs):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)


@contextlib.contextmanager
def _random_state(state):
    """In the block the generator is in `state` (None: leaves it alone); afterwards it goes on where it was."""
    if state is None:
        yield
        return
    now = get_rng_state()
    set_rng_state(state)
    try:
        yield
    finally:
        set_rng_state(now)


# ------------------------------------------------------------------------------------ a Function that differentiates inside


class CheckpointFunction(Function):
    """The part as one operation. Its backward is a run of gradients of its own."""

    @staticmethod
    def forward(ctx, run_function, preserve_rng_state, *args):
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.state = get_rng_state() if preserve_rng_state else None
        ctx.regions = regions_here()
        ctx.others = [None if isinstance(a, Variable) else a for a in args]
        ctx.places = [i for i, a in enumerate(args) if isinstance(a, Variable)]
        ctx.save_for_backward(*(args[i] for i in ctx.places))
        with no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx, *grads):
        if current_task().is_restricted():
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` parameter to "
                ".backward(): the part's own leaves could not be left out. Use checkpoint(..., use_reentrant=False)."
            )
        args = list(ctx.others)
        for i, x in zip(ctx.places, ctx.saved_tensors):
            args[i] = x
        args = detach_variable(tuple(args))
        with _random_state(ctx.state), ctx.regions(), enable_grad():
            outputs = ctx.run_function(*args)
        if isinstance(outputs, Variable):
            outputs = (outputs,)
        sent = [(y, g) for y, g in zip(outputs, grads) if isinstance(y, Variable) and y.requires_grad]
        if not sent:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        backward([y for y, _ in sent], [g for _, g in sent])
        return (None, None, *(a.grad if isinstance(a, Variable) else None for a in args))


# ------------------------------------------------------------------------------------------ saved tensors, computed again


class _Inputs(Function):
    """Holds the tensors among a part's arguments as saved tensors: checked, and packed by a checkpoint around this one."""

    @staticmethod
    def forward(ctx, dummy, *tensors):
        ctx.save_for_backward(*tensors)
        return dummy.new_empty(0)


class _Stop(Exception):
    """Everything that is needed has been saved again."""


class _Held:
    """What the graph holds in place of a saved tensor: one number of a part."""

    __slots__ = ("__weakref__", "number", "part")

    def __init__(self, part, number):
        self.part, self.number = part, number


def _looks(tensor):
    return {"shape": tensor.shape, "dtype": tensor.dtype, "device": tensor.device}


class GraphExecGroup:
    """A block in which several calls of backward, of parts of a graph that do not overlap, run each checkpointed part again at most once."""

    def __enter__(self):
        if getattr(_settings, "group", None) is not None:
            raise RuntimeError("GraphExecGroup contexts cannot be nested. Already in group.")
        self.found, _settings.group = [], self
        return self

    def __exit__(self, *error):
        _settings.group, self.found = None, []


def __getattr__(name):
    if name == "SAC_IGNORED_OPS":
        return ignored()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Found(weakref.WeakKeyDictionary):
    """{_Held: tensor}: what was saved again, until the graph lets go of what it held. A run of gradients holds it, as one of its
    callbacks; so it is gone when the run is over, or has failed."""

    __call__ = weakref.WeakKeyDictionary.clear


class _Part:
    """One call of `checkpoint`: how to run it again, what it saved, and what was saved again for each run of gradients."""

    def __init__(self, again, early_stop, compare, debug):
        self.again, self.early_stop, self.compare = again, early_stop, compare
        self.held = []                              # weak references: what nobody asks for any more is not kept again
        self.looks = []                             # of each saved tensor: what the determinism check compares
        self.traces = [] if debug else None
        self.complete = False                       # whether the first run is over
        self.found = weakref.WeakValueDictionary()  # id of a run of gradients: _Found
        self.lock = threading.RLock()               # two runs of gradients in two threads

    def pack(self, tensor):
        held = _Held(self, len(self.held))
        self.held.append(weakref.ref(held))
        self.looks.append(self.compare(tensor))
        if self.traces is not None:
            self.traces.append(traceback.format_stack()[:-1])
        return held

    def unpack(self, held):
        task = getattr(_settings, "group", None) or current_task()
        with self.lock:
            found = self.found.get(id(task))
            if found is None or held not in found:
                found = self.run_again(task)
            return found[held]

    def run_again(self, task):
        found, looks, traces = _Found(), [], []

        def keep(tensor):
            number = len(looks)
            if number == len(self.held) and not self.complete:
                return tensor               # backward inside the part, during its first run, which has not come further yet
            looks.append(self.compare(tensor))
            if self.traces is not None:
                traces.append(traceback.format_stack()[:-1])
            if number >= len(self.held):
                raise CheckpointError(self.explained(
                    f"checkpoint: trying to save more tensors during recomputation than during the original forward pass, which saved "
                    f"{len(self.held)}.", traces))
            held = self.held[number]()
            if held is not None:
                found[held] = tensor
            if self.early_stop and len(looks) == len(self.held):
                raise _Stop
            return tensor

        with contextlib.suppress(_Stop), saved_tensors_hooks(keep, lambda tensor: tensor), enable_grad():
            self.again(keep)
        if len(looks) != len(self.held):
            raise CheckpointError(self.explained(
                f"checkpoint: A different number of tensors was saved during the original forward and recomputation: {len(self.held)} "
                f"and {len(looks)}. The part must do the same each time.", traces))
        wrong = [n for n in range(len(looks)) if self.held[n]() is not None and looks[n] != self.looks[n]]
        if wrong:
            lines = "".join(f"\ntensor at position {n}: saved {self.looks[n]}, recomputed {looks[n]}" for n in wrong)
            raise CheckpointError(self.explained(
                f"checkpoint: Recomputed values for the following tensors have different metadata than during the forward pass.{lines}", traces, wrong[0]))
        if isinstance(task, GraphExecGroup):
            task.found.append(found)
            self.found[id(task)] = found
        elif task is not None:              # outside of backward nothing is kept
            task.queue_callback(found)
            self.found[id(task)] = found
        return found

    def explained(self, message, traces, number=None):
        if self.traces is None:
            return f"{message}\ncheckpoint(..., debug=True) or set_checkpoint_debug_enabled(True) shows where they were saved."
        if number is None:
            number = min(len(self.traces), len(traces))

        def at(stacks):
            return "".join(stacks[number]) if number < len(stacks) else "  (none)\n"

        return f"{message}\nThe first that differs was saved in the forward pass at:\n{at(self.traces)}and in the recomputation at:\n{at(traces)}"


_COMPARED = {"default": _looks, "none": lambda tensor: None}


def _without_reentry(function, preserve_rng_state, context_fn, determinism_check, debug, early_stop, args, kwargs):
    if determinism_check not in _COMPARED:
        raise ValueError(f"checkpoint: determinism_check should be one of {list(_COMPARED)}, but got {determinism_check!r}.")
    if getattr(_settings, "early_stop", None) is not None:
        early_stop = _settings.early_stop
    if getattr(_settings, "debug", None) is not None:
        debug = _settings.debug
    forward_context, again_context = context_fn()
    state = get_rng_state() if preserve_rng_state else None
    regions = regions_here()
    places = [i for i, a in enumerate(args) if isinstance(a, Variable)]
    holder = _Inputs.apply(pyxtorch.empty(0, requires_grad=True), *(args[i] for i in places)).grad_fn
    others = [None if isinstance(a, Variable) else a for a in args]

    def again(keep):
        if isinstance(again_context, _Selected):
            again_context.keep = keep
        given = list(others)
        if holder is not None:
            for i, x in zip(places, holder.saved_tensors):
                given[i] = x
        with _random_state(state), regions(), again_context:
            function(*given, **kwargs)

    if holder is None:          # nothing is recorded
        with contextlib.nullcontext() if isinstance(forward_context, _Selecting) else forward_context:
            return function(*args, **kwargs)
    part = _Part(again, early_stop, _COMPARED[determinism_check], debug)
    if isinstance(forward_context, _Selecting):
        forward_context.part = part
    try:
        with saved_tensors_hooks(part.pack, part.unpack), forward_context:
            return function(*args, **kwargs)
    finally:
        part.complete = True
        if isinstance(forward_context, _Selecting):
            forward_context.part = None


# ----------------------------------------------------------------------------------------------------------- for the user


def checkpoint(
    function, *args, use_reentrant=None, context_fn=noop_context_fn, determinism_check="default", debug=False, early_stop=True,
    preserve_rng_state=True, **kwargs,
):
    """`function(*args, **kwargs)`, of which backward keeps only the arguments: the rest is computed again when it is asked for.

    Args:
        function: a part of the forward pass; must do the same each time it is called.
        use_reentrant: False (recommended) or True: which of the two forms. Without it PyTorch's old default, True, and a warning.
        context_fn: returns two context managers, around the first run and around those again (use_reentrant=False only).
        determinism_check: "default" compares shape, dtype and device of what is saved; "none" does not (use_reentrant=False only).
        debug: whether an error shows where the tensors were saved (use_reentrant=False only).
        early_stop: whether running again ends once what is needed has been saved (use_reentrant=False only).
        preserve_rng_state: whether random numbers are the same when it runs again.
    Returns:
        What `function` returns.
    Raises:
        CheckpointError: (in backward) running it again saved other tensors than the forward pass.
        ValueError: an argument that the form does not take.
    """
    if use_reentrant is None:
        warnings.warn(
            "checkpoint: the use_reentrant parameter should be passed explicitly; use_reentrant=False is recommended. True is assumed.",
            stacklevel=2,
        )
        use_reentrant = True
    if not use_reentrant:
        return _without_reentry(function, preserve_rng_state, context_fn, determinism_check, debug, early_stop, args, kwargs)
    if kwargs:
        raise ValueError(f"checkpoint: Unexpected keyword arguments: {', '.join(kwargs)}. use_reentrant=False takes those of the function.")
    if context_fn is not noop_context_fn or debug:
        raise ValueError("checkpoint: passing `context_fn` or `debug` is only supported when use_reentrant=False.")
    return CheckpointFunction.apply(function, preserve_rng_state, *args)


def checkpoint_sequential(functions, segments, input, use_reentrant=None, preserve_rng_state=True):
    """The functions (or modules of a Sequential) one after the other on `input`, in `segments` checkpointed parts; the last part is not.

    Args:
        functions: a Sequential, or a list of functions of one argument.
        segments: how many parts.
        input: what the first function takes.
        use_reentrant, preserve_rng_state: as in `checkpoint`.
    """
    if use_reentrant is None:
        warnings.warn(
            "checkpoint_sequential: the use_reentrant parameter should be passed explicitly; use_reentrant=False is recommended. True is assumed.",
            stacklevel=2,
        )
        use_reentrant = True
    functions = list(functions.children()) if isinstance(functions, pyxtorch.nn.Sequential) else list(functions)
    if not 1 <= segments <= len(functions):
        raise ValueError(f"checkpoint_sequential: segments must be from 1 to {len(functions)} (the number of functions), but is {segments}.")

    def part(start, end):
        def run(x):
            for function in functions[start:end]:
                x = function(x)
            return x

        return run

    size = len(functions) // segments
    for start in range(0, size * (segments - 1), size):
        input = checkpoint(part(start, start + size), input, use_reentrant=use_reentrant, preserve_rng_state=preserve_rng_state)
    return part(size * (segments - 1), len(functions))(input)


def get_device_states(*args):
    """(numbers, generator states) of the GPUs that hold tensors among `args`, to be given back by `set_device_states`."""
    found = []
    _tree.tree_map(lambda a: found.append(a.device.index or 0) if isinstance(a, Variable) and a.device.type == "cuda" else None, args)
    devices = sorted(set(found))
    return devices, [pyxtorch.cuda.get_rng_state(i) for i in devices]


def set_device_states(devices, states, *, device_type=None):
    """Give the generators of these GPUs their states back."""
    if device_type not in (None, "cuda") and devices:
        raise RuntimeError(f"set_device_states: there are no generators of device_type={device_type!r}; states are kept of 'cuda' alone.")
    for device, state in zip(devices, states):
        pyxtorch.cuda.set_rng_state(state, device)


class DefaultDeviceType:
    """The kind of device whose random numbers `set_device_states` means where it is not told."""

    _kind = None

    @staticmethod
    def set_device_type(device="cuda"):
        """Take this kind."""
        DefaultDeviceType._kind = device

    @staticmethod
    def get_device_type():
        """The one that was set; else that of the GPU, if there is one, or "cpu"."""
        return DefaultDeviceType._kind or ("cuda" if pyxtorch.cuda.is_available() else "cpu")
