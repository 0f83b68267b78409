"""torch.compiler: `compile(f)` records what calls of `f` do, and replays them without Python (docs/compile.md); hints for a compiler.

What a compiler would have to obey is checked here as PyTorch does, so that a program with a mistake in it fails here too.
"""
import functools
import inspect

import pyxtorch

__all__ = [
    "allow_in_graph", "assume_constant_result", "compile", "cudagraph_mark_step_begin", "disable", "get_default_backend", "is_compiling",
    "is_dynamo_compiling", "is_exporting", "list_backends", "load_cache_artifacts", "nested_compile_region", "reset", "save_cache_artifacts",
    "set_default_backend", "set_stance", "substitute_in_graph", "wrap_numpy", "config", "keep_portable_guards_unsafe", "keep_tensor_guards_unsafe",
    "set_enable_guard_collectives", "skip_all_guards_unsafe", "skip_guard_on_all_nn_modules_unsafe", "skip_guard_on_globals_unsafe",
    "skip_guard_on_inbuilt_nn_modules_unsafe",
]  # fmt: skip

_MODES = ("default", "lite", "reduce-overhead", "max-autotune-no-cudagraphs", "max-autotune")
_STANCES = ("default", "force_eager", "eager_on_recompile", "fail_on_recompile", "eager_then_compile", "aot_eager_then_compile")
_BACKENDS = ("inductor", "eager", "aot_eager", "cudagraphs", "onnxrt", "openxla", "tvm")  # PyTorch's names: any of them asks for speed alone
_state = {"backend": "inductor", "stance": "default", "exporting": False}


def _check_backend(backend):
    if callable(backend):
        raise RuntimeError(
            f"compile: backend={getattr(backend, '__name__', backend)!r} would be given a graph of the program, and none is made: programs run as they are "
            "written. Leave `backend` out, or use backend='eager'."
        )
    if backend not in _BACKENDS:
        raise RuntimeError(f"compile: invalid backend: {backend!r}. The names known are {', '.join(_BACKENDS)}; each of them runs the program as it is.")


def compile(  # noqa: A001
    model=None, *, fullgraph=False, dynamic=None, backend=None, mode=None, options=None, name=None, disable=False, recompile_limit=None,
    isolate_recompiles=False, shapes_spec=None,
):  # fmt: skip
    """A function or module that does what `model` does, with all bits the same, but faster where calls repeat; without `model`, a decorator.

    Two calls with arguments of the same shapes and dtypes are recorded as lists of kernel calls; if they are equal, the next ones run
    the list without Python. What cannot be replayed surely runs as it is, and `explain()` of the result says why: see docs/compile.md.

    Args:
        model: a function, or a module, of which the result is an `OptimizedModule`: another module around it, `_orig_mod`.
        backend: one of PyTorch's names. mode: "default", "reduce-overhead" and the like; not together with `options`.
        disable: give back `model` itself. The others say how to compile and are not needed.
    Returns:
        A function with `explain()`, a text of what was recorded and what was not, and `reset()`, which forgets all recordings.
    Raises:
        RuntimeError: an unknown mode or backend, a backend that is a function, or both `mode` and `options`.
        TypeError: `model` cannot be called.
    """
    if mode is not None and options is not None:
        raise RuntimeError("Either mode or options can be specified, but both can't be specified at the same time.")
    if mode is not None and mode not in _MODES:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(_MODES)}")
    _check_backend(_state["backend"] if backend is None else backend)
    if model is None:
        return functools.partial(compile, fullgraph=fullgraph, dynamic=dynamic, backend=backend, mode=mode, options=options, disable=disable)
    if not callable(model):
        raise TypeError(f"compile: expected a function or a module, not {type(model).__name__}.")
    if disable or isinstance(model, type):
        return model
    from pyxtorch._dynamo.eval_frame import OptimizedModule

    if isinstance(model, pyxtorch.nn.Module):
        return model if isinstance(model, OptimizedModule) else OptimizedModule(model)
    from pyxtorch._compiled import Compiled

    engine = Compiled(model)

    @functools.wraps(model)
    def compiled(*args, **kwargs):
        return model(*args, **kwargs) if _state["stance"] == "force_eager" else engine(*args, **kwargs)

    compiled._torchdynamo_orig_callable = model
    compiled.explain, compiled.reset = engine.explain, engine.reset
    return compiled


def _hint(fn):
    """Give back what is marked: a function, or several."""
    for one in fn if isinstance(fn, list | tuple) else (fn,):
        if not callable(one):
            raise TypeError(f"expected a function, not {type(one).__name__}.")
    return fn


def allow_in_graph(fn):
    """Mark `fn`, or a list of functions, as one that a compiler need not look into; gives back what it got."""
    return _hint(fn)


def assume_constant_result(fn):
    """Mark `fn` as one whose result a compiler may keep; gives back `fn`."""
    return _hint(fn)


def disable(fn=None, recursive=True, *, reason=None):
    """Mark `fn` as one not to compile; gives back `fn`, or a decorator."""
    return _hint if fn is None else _hint(fn)


def nested_compile_region(fn=None, *, options=None, max_reuse_entries=8, reuse_hash_fn=None):
    """Mark `fn` as a region to compile once and use again; gives back `fn`, or a decorator."""
    return _hint if fn is None else _hint(fn)


def substitute_in_graph(original_fn, *, can_constant_fold_through=False, skip_signature_check=False):
    """A decorator for what a compiler is to trace in the place of `original_fn`; gives back the function decorated.

    Raises:
        TypeError: their parameters differ.
    """
    _hint(original_fn)

    def decorator(traceable_fn):
        _hint(traceable_fn)
        if not skip_signature_check:
            try:
                shapes = [[(p.name, p.kind) for p in inspect.signature(f).parameters.values()] for f in (original_fn, traceable_fn)]
            except ValueError:
                return traceable_fn
            if shapes[0] != shapes[1]:
                raise TypeError(f"Signature mismatch between {original_fn} and {traceable_fn}: {shapes[0]} and {shapes[1]}.")
        return traceable_fn

    return decorator


def wrap_numpy(fn):
    """A function of tensors that calls `fn` on their NumPy arrays and makes tensors of the arrays it returns.

    Raises:
        RuntimeError: an argument requires a gradient, which would be lost in NumPy.
    """
    import numpy

    from pyxtorch.utils._pytree import tree_map_only

    def array(x):
        if x.requires_grad:
            raise RuntimeError("wrap_numpy: an argument requires a gradient, and NumPy records none. Use detach() first.")
        return x.numpy()

    @functools.wraps(fn)
    def wrapped(*args, **kwargs):
        args, kwargs = tree_map_only(pyxtorch.Tensor, array, (args, kwargs))
        return tree_map_only((numpy.ndarray, numpy.generic), lambda x: pyxtorch.from_numpy(numpy.asarray(x)), fn(*args, **kwargs))

    return wrapped


def is_compiling():
    """False: what runs is the program itself."""
    return False


def is_dynamo_compiling():
    """False, as `is_compiling`."""
    return False


def is_exporting():
    """Whether a program is being recorded to be written in another form (pyxtorch.onnx.export)."""
    return _state["exporting"]


def list_backends(exclude_tags=("debug", "experimental")):
    """The backends that there are: ["eager"], which runs the program."""
    return ["eager"]


def get_default_backend():
    """What `compile` takes where it is not told."""
    return _state["backend"]


def set_default_backend(backend):
    """Let `compile` take this backend where it is not told; None: PyTorch's own default again."""
    if backend is not None:
        _check_backend(backend)
    _state["backend"] = backend or "inductor"


def reset():
    """Forget what was compiled: nothing."""


def cudagraph_mark_step_begin():
    """A new step begins. No graphs are recorded that could care."""


def save_cache_artifacts():
    """What was compiled, to be kept: None, as nothing was."""


def load_cache_artifacts(serialized_artifacts):
    """What could be taken over from what another process compiled: None, nothing."""
    if not isinstance(serialized_artifacts, bytes):
        raise TypeError(f"load_cache_artifacts: expected bytes, not {type(serialized_artifacts).__name__}.")


class set_stance:  # noqa: N801
    """When to compile: for the process from now on, within a `with` block, or while a function that it decorates runs.

    No stance changes what a program computes.

    Raises:
        RuntimeError: an unknown stance.
    """

    def __init__(self, stance="default", *, skip_guard_eval_unsafe=False, force_backend=None):
        if stance not in _STANCES:
            raise RuntimeError(f"invalid torch.compile stance {stance!r}, expected one of {', '.join(_STANCES)}")
        if force_backend is not None:
            _check_backend(force_backend)
        self.stance, self.before = stance, _state["stance"]
        _state["stance"] = stance

    def __call__(self, fn):
        _state["stance"] = self.before

        @functools.wraps(fn)
        def wrapped(*args, **kwargs):
            with set_stance(self.stance):
                return fn(*args, **kwargs)

        return wrapped

    def __enter__(self):
        _state["stance"] = self.stance

    def __exit__(self, *error):
        _state["stance"] = self.before


# --------------------------------------------------------------------------------------- guards

# For `options={"guard_filter_fn": ...}`: a list of bools, whether to keep each of the guards that a compiler has.

def keep_portable_guards_unsafe(guard_entries):
    """Keep the guards that hold outside of Python as well: of shapes, dtypes and global modes."""
    return [g.guard_type in ("GLOBAL_STATE", "SHAPE_ENV") or (g.guard_type == "TENSOR_MATCH" and not g.is_global) for g in guard_entries]


def keep_tensor_guards_unsafe(guard_entries, keep_parameters=False):
    """Keep the guards of tensors; of parameters only where told so."""
    return [g.guard_type == "TENSOR_MATCH" and (keep_parameters or not isinstance(g.value, pyxtorch.nn.Parameter)) for g in guard_entries]


def skip_guard_on_globals_unsafe(guard_entries):
    """Keep the guards that are not of globals."""
    return [not g.is_global for g in guard_entries]


def skip_all_guards_unsafe(guard_entries):
    """Keep no guard."""
    return [False for _ in guard_entries]


def skip_guard_on_inbuilt_nn_modules_unsafe(guard_entries):
    """Keep the guards that are not of layers of `torch.nn`."""
    return [not g.orig_guard.source.is_unspecialized_builtin_nn_module() for g in guard_entries]


def skip_guard_on_all_nn_modules_unsafe(guard_entries):
    """Keep the guards that are not of modules."""
    return [not g.orig_guard.source.is_unspecialized_nn_module() for g in guard_entries]


def set_enable_guard_collectives(enabled):
    """Whether processes of a group agree before they compile; gives what was set before. Nothing is compiled."""
    before, _state["collectives"] = _state.get("collectives", False), bool(enabled)
    return before


class config:  # noqa: N801
    """Settings of a compiler, which programs read and write: nothing is compiled."""

    job_id = None
    pgo_extra_read_key = pgo_extra_write_key = None
    cache_key_tag = ""
    dynamic_sources = unbacked_sources = ""
    force_disable_caches = False
    enable_cpp_symbolic_shape_guards = True
    wrap_top_frame = False
