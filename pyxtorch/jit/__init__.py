"""torch.jit: programs that call, save and load. Python runs them: nothing is compiled, and nothing needs to be.

`script` gives a function or module that does what it did, and can be saved. `trace` gives the operations that ran on example inputs.
Files are pyxtorch's own (`jit.save`, `jit.load`); PyTorch's TorchScript archives hold a program in a language of PyTorch's, and are refused.
"""
import contextlib
import functools
import inspect
import typing
import warnings

import pyxtorch
from pyxtorch import Tensor
from pyxtorch.futures import Future
from pyxtorch.jit import _recorder
from pyxtorch.jit._archive import load, save
from pyxtorch.jit._modules import (
    CompilationUnit,
    RecursiveScriptModule,
    ScriptFunction,
    ScriptModule,
    TopLevelTracedModule,
    TracedModule,
    export_opnames,
    know,
    script_module,
    skeleton,
)
from pyxtorch.jit._recorder import Recorder, TracerWarning
from pyxtorch.nn import Module

__all__ = [
    "Attribute", "CompilationUnit", "Error", "Final", "Future", "RecursiveScriptModule", "ScriptFunction", "ScriptModule", "ScriptWarning",
    "TopLevelTracedModule", "TracedModule", "TracerWarning", "TracingCheckError", "annotate", "enable_onednn_fusion", "export", "export_opnames", "fork",
    "freeze", "fuser", "ignore", "interface", "is_scripting", "is_tracing", "isinstance", "last_executed_optimized_graph", "load", "onednn_fusion_enabled",
    "optimize_for_inference", "optimized_execution", "run_frozen_optimizations", "save", "script", "script_if_tracing", "script_method",
    "set_fusion_strategy", "strict_fusion", "trace", "trace_module", "unused", "wait",
]  # fmt: skip

_isinstance = isinstance  # `isinstance` is a name of this module
Final = typing.Final


class Error(RuntimeError):
    """What an exception raised inside a compiled program becomes in PyTorch. Here exceptions stay what they are."""


class TracingCheckError(Exception):
    """A traced program does not do what the function did."""


class ScriptWarning(Warning):
    """A warning about a scripted program."""


# ----------------------------------------------------------------------------- making programs

def script(obj, optimize=None, _frames_up=0, _rcb=None, example_inputs=None):
    """A function or module that does what `obj` does, and that `jit.save` writes; usable as a decorator.

    Args:
        obj: a function, a module, or a class, which is given back.
    Raises:
        RuntimeError: it is none of these.
    """
    if _isinstance(obj, (ScriptModule, ScriptFunction)):
        return obj
    if _isinstance(obj, Module):
        return script_module(obj)
    if _isinstance(obj, type):
        if issubclass(obj, Module):
            raise RuntimeError(f"Type '{obj}' cannot be compiled since it inherits from nn.Module, consider passing an instance instead")
        return know(obj)
    if not callable(obj):
        raise RuntimeError(f"script: expected a function, a module or a class, not {type(obj).__name__}.")
    if inspect.ismethod(obj) or not hasattr(obj, "__qualname__"):
        raise RuntimeError(f"script: {obj!r} is a method or an object with __call__. Script the module that it is of, or a function.")
    return ScriptFunction(obj)


def script_method(fn):
    """Mark a method of a ScriptModule; gives back `fn`."""
    return fn


def script_if_tracing(fn):
    """A function that stays one call in a trace, so that what it decides by its arguments is decided when the trace runs."""
    scripted = ScriptFunction(fn)

    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        return scripted(*args, **kwargs)

    wrapper.__original_fn = fn
    wrapper.__script_if_tracing_wrapper = True
    return wrapper


def trace(
    func, example_inputs=None, optimize=None, check_trace=True, check_inputs=None, check_tolerance=1e-5, strict=True, _force_outplace=False, _module_class=None,
    _compilation_unit=None, example_kwarg_inputs=None, _store_inputs=True,
):  # fmt: skip
    """The operations that `func` runs on example inputs, as a module or function.

    Sizes of the inputs stay open as far as the function computes with them; what it decides by them, or by elements, is decided as in
    the example. Afterwards the trace runs once and is compared (`check_trace`).

    Args:
        func: a module or a function. example_inputs: a tuple of its arguments, or one tensor. example_kwarg_inputs: a dict, instead.
        check_inputs: tuples of other arguments to compare with.
    Raises:
        RuntimeError: the function uses a tensor that requires grad and is neither an argument nor a parameter.
    Warns:
        TracerWarning: it reads elements as Python numbers, or the trace gives something else.
    """
    if _isinstance(func, (TracedModule,)) or _isinstance(func, ScriptFunction) and func._program is not None:
        return func
    args, kwargs = _examples(example_inputs, example_kwarg_inputs)
    if _isinstance(func, Module):
        return trace_module(func, {"forward": (args, kwargs)}, check_trace=check_trace, check_inputs=[{"forward": i} for i in check_inputs or ()],
                            check_tolerance=check_tolerance)  # fmt: skip
    if not callable(func):
        raise TypeError(f"trace: expected a module or a function, not {type(func).__name__}.")
    owner = getattr(func, "__self__", None)
    if _isinstance(owner, Module) and func.__name__ == "forward":
        return trace(owner, args, check_trace=check_trace, check_tolerance=check_tolerance, example_kwarg_inputs=kwargs or None)
    held = Module()
    graph, expected, before = _record(func, held, args, kwargs)
    traced = ScriptFunction(func, graph, held)
    if check_trace:
        _check(traced, [(args, kwargs, expected, before), *((_examples(i, None) + (None, None)) for i in check_inputs or ())], func, check_tolerance)
    return traced


def trace_module(
    mod, inputs, optimize=None, check_trace=True, check_inputs=None, check_tolerance=1e-5, strict=True, _force_outplace=False, _module_class=None,
    _compilation_unit=None, example_inputs_is_kwarg=False, _store_inputs=True,
):  # fmt: skip
    """The same for several methods of a module: `inputs` is a dict from their names to example arguments."""
    if not _isinstance(mod, Module):
        raise AttributeError(f"trace_module: expected torch.nn.Module as the first argument, not {type(mod).__name__}.")
    if not _isinstance(inputs, dict):
        raise AttributeError("expected a dictionary of (method_name, input) pairs")
    held, graphs, checks = skeleton(mod), {}, []
    for name, given in inputs.items():
        paired = _isinstance(given, tuple) and len(given) == 2 and _isinstance(given[0], tuple) and _isinstance(given[1], dict)
        args, kwargs = given if paired else _examples(given, None)
        method = mod if name == "forward" else getattr(mod, name)
        state = _state(mod) if check_trace else None
        graphs[name], expected, before = _record(method, held, args, kwargs, mod, state)
        checks.append((name, args, kwargs, expected, before, state))
    traced = TopLevelTracedModule(held, graphs, type(mod).__name__)
    if check_trace:
        for name, args, kwargs, expected, before, state in checks:
            _check_module(traced, name, args, kwargs, expected, before, state, check_tolerance)
        for others in check_inputs or ():
            for name, given in others.items():
                args, kwargs = _examples(given, None)
                _check(_method(traced, name), None, mod if name == "forward" else getattr(mod, name), check_tolerance, args, kwargs)
    return traced


def _examples(example_inputs, example_kwarg_inputs):
    if example_kwarg_inputs is not None:
        if not _isinstance(example_kwarg_inputs, dict):
            raise RuntimeError("example_kwarg_inputs should be a dict")
        return (), example_kwarg_inputs
    if example_inputs is None:
        raise RuntimeError("trace: example_inputs is missing: the arguments to run it with.")
    if _isinstance(example_inputs, (Tensor, dict)) or not _isinstance(example_inputs, (tuple, list)):
        return (example_inputs,), {}
    return tuple(example_inputs), {}


def _record(func, held, args, kwargs, module=None, state=None):
    """(graph, result, state of the random generator before): what `func` does; constants go to `held`."""
    recorder = Recorder(module)
    names = _parameter_names(func, args)
    for name, value in [*zip(names, args), *kwargs.items()]:
        recorder.input(name, value)
    before = pyxtorch.get_rng_state()
    with recorder.at_work():
        result = func(*args, **kwargs)
    graph = recorder.finish(result)
    for name, tensor in recorder.constants.items():
        free = name
        while hasattr(held, free):
            free = f"_{free}"
        if free != name:
            for node in graph.find_nodes(op="get_attr", target=name):
                node.target = free
        held.register_buffer(free, tensor, persistent=False)
    return graph, result, before


def _parameter_names(func, args):
    try:
        parameters = inspect.signature(func.forward if _isinstance(func, Module) else func).parameters.values()
    except (TypeError, ValueError):
        parameters = ()
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [names[i] if i < len(names) else f"arg{i}" for i in range(len(args))]


def _state(module):
    """Copies of all tensors of a module, which a run may change."""
    return [t.detach().clone() for t in [*module.parameters(), *module.buffers()]]


def _put_back(module, state):
    with pyxtorch.no_grad():
        for tensor, value in zip([*module.parameters(), *module.buffers()], state):
            if not pyxtorch.equal(tensor, value):
                tensor.copy_(value)


def _check_module(traced, name, args, kwargs, expected, before, state, tolerance):
    after = _state(traced)
    _put_back(traced, state)
    _compare(_method(traced, name), args, kwargs, expected, before, tolerance)
    _put_back(traced, after)


def _method(traced, name):
    return lambda *args, **kwargs: traced._run(name, args, kwargs)


def _check(traced, cases, func, tolerance, *given):
    if cases is None:
        cases = [(*given, None, None)]
    for args, kwargs, expected, before in cases:
        if before is None:
            before = pyxtorch.get_rng_state()
            expected = func(*args, **kwargs)
        _compare(traced, args, kwargs, expected, before, tolerance)


def _compare(traced, args, kwargs, expected, before, tolerance):
    """Run the trace with the random numbers that the function had, and warn where it gives something else."""
    after = pyxtorch.get_rng_state()
    pyxtorch.set_rng_state(before)
    try:
        with pyxtorch.no_grad():
            result = traced(*args, **kwargs)
    finally:
        pyxtorch.set_rng_state(after)
    for number, (a, b) in enumerate(zip(_tensors(expected), _tensors(result)), 1):
        if a.shape != b.shape or a.dtype != b.dtype or not pyxtorch.allclose(a.detach(), b.detach(), tolerance, tolerance, equal_nan=True):
            warnings.warn(f"Output nr {number}. of the traced function does not match the corresponding output of the Python function.", TracerWarning, stacklevel=5)


def _tensors(value):
    from pyxtorch.utils._pytree import tree_leaves

    return [leaf for leaf in tree_leaves(value) if _isinstance(leaf, Tensor)]


# --------------------------------------------------------------------------------- hints

def is_scripting():
    """False: what runs is Python."""
    return False


def is_tracing():
    """Whether `trace` is recording in this thread."""
    return _recorder.active() is not None


def ignore(drop=False, **kwargs):
    """Mark a method that a saved program leaves to Python; usable as a decorator with or without arguments."""
    if callable(drop):
        return drop
    if not _isinstance(drop, bool):
        raise RuntimeError(f"Argument to @torch.jit.ignore must be a bool or a function but got {drop}")
    return lambda fn: fn


def unused(fn):
    """Mark a method that a saved program does not need; gives back `fn`."""
    return fn


_overload = _overload_method = unused  # what is marked is a signature for the compiler; the definition that follows it is called


def export(fn):
    """Mark a method that is saved along with forward; gives back `fn`."""
    fn._exported = True
    return fn


def interface(obj):
    """Mark a class that says what methods others have; gives it back."""
    if not inspect.isclass(obj):
        raise RuntimeError("interface must be applied to a class")
    return obj


def annotate(the_type, the_value):
    """`the_value`, of which a reader is told the type."""
    return the_value


class Attribute(typing.NamedTuple):
    """A value together with its type."""

    value: typing.Any
    type: typing.Any


def isinstance(obj, target_type):  # noqa: A001
    """Whether `obj` is of a type, containers with their elements: `jit.isinstance(x, List[Tensor])`."""
    if _isinstance(target_type, tuple):
        return any(isinstance(obj, t) for t in target_type)
    origin, inner = typing.get_origin(target_type), typing.get_args(target_type)
    if target_type is typing.Any:
        return True
    if origin is typing.Union or type(target_type).__name__ == "UnionType":
        return any(obj is None if t is type(None) else isinstance(obj, t) for t in inner)
    if target_type is typing.Optional or origin in (list, dict, tuple) and not inner:
        raise RuntimeError(f"Attempted to use {target_type} without a contained type. Please add a contained type, e.g. List[int]")
    if origin is None:
        return _isinstance(obj, target_type)
    if not _isinstance(obj, origin):
        return False
    if origin is dict:
        return all(isinstance(k, inner[0]) and isinstance(v, inner[1]) for k, v in obj.items())
    if origin is tuple and not (len(inner) == 2 and inner[1] is ...):
        return len(obj) == len(inner) and all(map(isinstance, obj, inner))
    return all(isinstance(item, inner[0]) for item in obj)


# -------------------------------------------------------------------------- running and speed

def fork(func, *args, **kwargs):
    """A Future of `func(*args, **kwargs)`, which runs at once: operations use all threads by themselves."""
    future = Future()
    try:
        result = func(*args, **kwargs)
    except Exception as error:
        future.set_exception(error)
    else:
        future.set_result(result)
    return future


def wait(future):
    """The result of a Future; its error is raised."""
    return future.wait()


def freeze(mod, preserved_attrs=None, optimize_numerics=True):
    """A copy of a scripted or traced module, in evaluation, whose parameters and buffers are constants: it has none to train or load.

    Args:
        preserved_attrs: names of the module's own tensors that stay what they are.
    Raises:
        RuntimeError: it is no ScriptModule, or it trains.
    """
    if not _isinstance(mod, ScriptModule):
        raise RuntimeError("Freezing expects a ScriptModule as input. Please use torch.jit.script or torch.jit.trace to script your 'nn.Module'.")
    if mod.training:
        raise RuntimeError("Freezing is currently only implemented for modules in eval mode. Please call .eval() on your module before freezing.")
    import copy

    frozen, kept = copy.deepcopy(mod), set(preserved_attrs or ())
    for module in frozen.modules():
        for members in (module._parameters, module._buffers):
            for name, tensor in list(members.items()):
                if tensor is not None and not (module is frozen and name in kept):
                    del members[name]
                    module.__dict__[name] = tensor.detach()
    return frozen


def optimize_for_inference(mod, other_methods=None):
    """`freeze` of a module in evaluation; one that is frozen already stays as it is."""
    if not _isinstance(mod, ScriptModule):
        raise RuntimeError("optimize_for_inference expects ScriptModule as input. Please use torch.jit.script or torch.jit.trace to script your 'nn.Module'.")
    return freeze(mod.eval(), other_methods) if next(mod.parameters(), None) is not None or next(mod.buffers(), None) is not None else mod


def run_frozen_optimizations(mod, optimize_numerics=True, preserved_methods=None):
    """Make a frozen module faster: it is what it is."""
    if not _isinstance(mod, ScriptModule):
        raise RuntimeError("run_frozen_optimizations expects ScriptModule as input. Please use torch.jit.script or torch.jit.trace to script your 'nn.Module'.")


_settings = {"onednn": False, "strategy": [("STATIC", 2), ("DYNAMIC", 10)]}


def enable_onednn_fusion(enabled):
    """Ask for kernels of oneDNN, which there are none of; `onednn_fusion_enabled` tells what was asked."""
    _settings["onednn"] = bool(enabled)


def onednn_fusion_enabled():
    """What `enable_onednn_fusion` was told."""
    return _settings["onednn"]


def set_fusion_strategy(strategy):
    """How often a compiler may specialise; gives back what it was before. Nothing is compiled.

    Raises:
        RuntimeError: not a list of ("STATIC" or "DYNAMIC", number).
    """
    for kind, depth in strategy:
        if kind not in ("STATIC", "DYNAMIC"):
            raise RuntimeError(f"FusionBehavior only supported 'STATIC' or 'DYNAMIC', got: {kind}")
        int(depth)
    before, _settings["strategy"] = _settings["strategy"], [(kind, depth) for kind, depth in strategy]
    return before


class strict_fusion:  # noqa: N801
    """A `with` block that a compiler must fuse whole. Outside of compiled programs it says so, as in PyTorch, and does no more."""

    def __enter__(self):
        warnings.warn("Only works in script mode", stacklevel=2)

    def __exit__(self, *error):
        pass


@contextlib.contextmanager
def optimized_execution(should_optimize):
    """A `with` block in which a compiler may optimise, or not: nothing is compiled."""
    yield


@contextlib.contextmanager
def fuser(name):
    """A `with` block with one of PyTorch's fusers, "fuser0" to "fuser3": nothing is compiled.

    Raises:
        Exception: an unknown name.
    """
    if name not in ("fuser0", "fuser1", "fuser2", "fuser3"):
        raise Exception(f"unrecognized fuser option (name: {name})")
    yield


def last_executed_optimized_graph():
    """The graph that a compiler ran last: None, as none did."""

