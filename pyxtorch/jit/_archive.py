"""jit.save and jit.load. A file is a checkpoint of plain values, tensors and layers, with the graph as data; loading runs nothing of it.

A module whose forward is a graph is written as that. Another one is written as an object of its class, which whoever loads it
must know: it was handed to `script` in the same program, or is allowed by `serialization.add_safe_globals`.
"""
import copy
import io
import os
from pickle import UnpicklingError

from pyxtorch import fx, serialization
from pyxtorch.jit._modules import (
    RecursiveScriptModule,
    ScriptFunction,
    ScriptModule,
    TopLevelTracedModule,
    known_classes,
    script_module,
    skeleton,
)
from pyxtorch.jit._program import NotPlain, decode, encode
from pyxtorch.nn import Module

MARK = "pyxtorch.jit"


def save(m, f, _extra_files=None):
    """Write a scripted or traced module or function, which `jit.load` reads, here or in another process.

    Args:
        f: a path, or an object with `write(bytes)`.
        _extra_files: dict from names to bytes or strings that go with it.
    Raises:
        RuntimeError: `m` is none, or its forward is no graph and its class cannot be named.
    """
    if not isinstance(m, (ScriptModule, ScriptFunction)):
        raise RuntimeError(f"save: expected what jit.script or jit.trace gave, not {type(m).__name__}. Ordinary modules: torch.save(module.state_dict(), path).")
    extra = {name: data.encode() if isinstance(data, str) else bytes(data) for name, data in (_extra_files or {}).items()}
    contents = _graphs_of(m) or {"kind": "object", "object": _named(m)}
    serialization.save({MARK: 1, "extra_files": extra, **contents}, f)


def _named(m):
    thing = m._function if isinstance(m, ScriptFunction) else m._original() if isinstance(m, RecursiveScriptModule) else m
    called = thing if isinstance(m, ScriptFunction) else type(thing)
    if "<locals>" in called.__qualname__:
        raise RuntimeError(
            f"save: {called.__qualname__} decides by the values of tensors, so that it is no graph, and was defined within a function, so that a file cannot "
            "name it. Define it in a module, or use jit.trace."
        )
    return f"{thing.__module__}.{thing.__qualname__}" if isinstance(m, ScriptFunction) else thing  # a decorated function is not found under its name


def _graphs_of(m):
    """The contents of the file, as far as `m` is a matter of graphs; None where it is more than that."""
    try:
        if isinstance(m, ScriptFunction):
            held = m._held if m._program is not None else Module()
            graphs = {"forward": m.graph} if m._program is not None else {"forward": _function_graph(m._function, held)}
            return {"kind": "function", "name": m.name, "root": held, "train": {k: encode(g) for k, g in graphs.items()}, "eval": None}
        programs = m._saved_programs()
        if programs is not None:
            train, evaluated = ({k: encode(g) for k, g in part.items()} if part else None for part in programs)
            return {"kind": "traced", "name": m.original_name, "root": skeleton(m), "train": train, "eval": evaluated}
        module = m._original() if isinstance(m, RecursiveScriptModule) else m
        if any(child._hooks for child in module.modules()):
            return None
        root, graphs = None, {}
        for mode in (True, False):
            traced = _in_mode(module, mode)
            graphs[mode] = {name: encode(graph) for name, graph in _method_graphs(traced).items()}
            root = root or traced
        _restore_modes(module, root)
        return {
            "kind": "module", "name": m.original_name, "root": skeleton(root), "train": graphs[True], "eval": None if graphs[False] == graphs[True] else graphs[False],
        }
    except (NotPlain, fx.proxy.TraceError, TypeError, RuntimeError, AttributeError, NameError, ValueError, NotImplementedError, LookupError):
        return None


def _in_mode(module, mode):
    """A copy that shares the tensors, in training or evaluation."""
    memo = {id(t): t for t in [*module.parameters(), *module.buffers()]}
    return copy.deepcopy(module, memo).train(mode)


def _restore_modes(module, copied):
    for one, other in zip(copied.modules(), module.modules()):
        one.training = other.training


def _method_graphs(module):
    names = ["forward", *(name for name in dir(type(module)) if getattr(getattr(type(module), name), "_exported", False))]
    return {name: _method_graph(module, name) for name in names}


def _method_graph(module, name):
    tracer = fx.Tracer()
    if name == "forward":
        return tracer.trace(module)
    forward = type(module).forward
    kind = type(type(module).__name__, (type(module),), {"forward": getattr(type(module), name), "__module__": type(module).__module__, "_forward": forward})
    before = module.__class__
    module.__class__ = kind
    try:
        return tracer.trace(module)
    finally:
        module.__class__ = before


def _function_graph(function, held):
    tracer = fx.Tracer()
    graph = tracer.trace(function)
    for node in graph.nodes:
        if node.op == "get_attr":
            held.register_buffer(node.target, getattr(tracer.root, node.target))
    return graph


# ------------------------------------------------------------------------------------ loading

def load(f, map_location=None, _extra_files=None, _restore_shapes=False):
    """Read what `jit.save` wrote. Nothing of the file is executed; its graph is data, and calls operations alone.

    Args:
        f: a path, or a seekable file object.
        map_location: as `torch.load` takes it.
        _extra_files: dict whose values are set to what was saved under its keys.
    Raises:
        RuntimeError: the file is an archive of PyTorch's TorchScript, or no file of `jit.save`.
        UnpicklingError: it holds an object of a class that is not known here, and says which.
    """
    if isinstance(f, (str, os.PathLike)) and not os.path.exists(f):
        raise ValueError(f"The provided filename {os.fspath(f)} does not exist")
    entries = [*serialization.get_safe_globals(), *((thing, name) for name, thing in known_classes.items())]
    with serialization.safe_globals(entries):
        contents = serialization.load_layers(f, map_location)
    if not isinstance(contents, dict) or contents.get(MARK) != 1:
        raise RuntimeError("load: the file was not written by jit.save. A checkpoint is read by torch.load.")
    for name in _extra_files or ():
        _extra_files[name] = contents["extra_files"].get(name, b"")
    kind = contents.get("kind")
    if kind == "object":
        return _from_object(contents["object"])
    if kind not in ("function", "traced", "module") or not isinstance(contents.get("root"), Module):
        raise RuntimeError(f"load: the file is damaged: it holds a {kind!r}.")
    train, evaluated = _decoded(contents["train"]), _decoded(contents["eval"])
    return TopLevelTracedModule(contents["root"], train, str(contents["name"]), evaluated)


def _from_object(thing):
    if isinstance(thing, Module):
        return thing if isinstance(thing, ScriptModule) else script_module(thing)
    allowed = {**dict(serialization._user_globals()), **known_classes}
    if not isinstance(thing, str) or not callable(allowed.get(thing)):
        raise UnpicklingError(f"load: the file names the function {thing}, which is not allowed. If it is to be trusted: serialization.add_safe_globals([{thing}]).")
    return ScriptFunction(allowed[thing])


def _decoded(graphs):
    if graphs is None:
        return None
    if not isinstance(graphs, dict) or not all(isinstance(name, str) and name.isidentifier() and not name.startswith("__") for name in graphs):
        raise RuntimeError("load: the file is damaged: its methods have no names.")
    return {name: decode(nodes) for name, nodes in graphs.items()}


def load_bytes(data):
    """`load` of what `save_to_buffer` gave."""
    return load(io.BytesIO(data))

