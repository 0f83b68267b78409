"""torch.export: a module as a graph of operations with its tensors, which can be looked at, edited, run, saved and loaded.

The graph is what the module ran on the example (`jit.trace`). Sizes are those of the example unless `dynamic_shapes` names them; then
the program is compared with the module at other sizes before it is given out.
"""
import inspect
import os

import pyxtorch
from pyxtorch import Tensor, serialization
from pyxtorch.export.dynamic_shapes import AdditionalInputs, Constraint, Dim, ShapesCollection, constraints_of, dims, numbered
from pyxtorch.export.exported_program import (
    CallSpec,
    CustomDecompTable,
    ExportedProgram,
    ModuleCallEntry,
    ModuleCallSignature,
    default_decompositions,
    lifted,
)
from pyxtorch.export.graph_signature import ExportBackwardSignature, ExportGraphSignature, InputKind, InputSpec, OutputKind, OutputSpec, TensorArgument
from pyxtorch.export.unflatten import FlatArgsAdapter, UnflattenedModule, unflatten
from pyxtorch.fx.graph_module import GraphModule
from pyxtorch.jit._program import decode, encode
from pyxtorch.jit._recorder import Recorder
from pyxtorch.nn import Module
from pyxtorch.utils import _pytree
from pyxtorch.utils._pytree import tree_flatten, tree_unflatten, treespec_dumps, treespec_loads

__all__ = [
    "AdditionalInputs", "Constraint", "CustomDecompTable", "Dim", "ExportBackwardSignature", "ExportGraphSignature", "ExportedProgram", "FlatArgsAdapter",
    "ModuleCallEntry", "ModuleCallSignature", "ShapesCollection", "UnflattenedModule", "default_decompositions", "dims", "draft_export", "export", "load",
    "register_dataclass", "save", "unflatten",
]  # fmt: skip

_MARK = "pyxtorch.export"


def export(
    mod, args, kwargs=None, *, dynamic_shapes=None, strict=False, preserve_module_call_signature=(), prefer_deferred_runtime_asserts_over_guards=False,
):  # fmt: skip
    """The module as an ExportedProgram.

    Args:
        mod: a module. args, kwargs: a tuple and a dict of example arguments: tensors, numbers, and containers of them.
        dynamic_shapes: for each argument a dict or list of what its sizes may be: a Dim, Dim.AUTO, Dim.DYNAMIC, or None: that of the
            example. Also a ShapesCollection or AdditionalInputs.
    Raises:
        ValueError: an argument is of the wrong kind, or dynamic_shapes does not fit the arguments.
        RuntimeError: a size is to be open, but the module decides by it, or runs at no other.
    """
    if not isinstance(mod, Module):
        raise ValueError(f"Expected `mod` to be an instance of `torch.nn.Module`, got {type(mod)}.")
    if not isinstance(args, tuple):
        raise TypeError(f"Expecting `args` to be a tuple of example positional inputs, got {type(args)}")
    kwargs = dict(kwargs or {})
    if isinstance(dynamic_shapes, (ShapesCollection, AdditionalInputs)):
        dynamic_shapes = dynamic_shapes.dynamic_shapes(mod, args, kwargs)
    names = [p.name for p in inspect.signature(mod.forward).parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names += [f"args_{i}" for i in range(len(names), len(args))]
    leaves, in_spec = tree_flatten((args, kwargs))
    numbers = numbered({**dict(zip(names, args)), **kwargs})
    open_sizes = constraints_of(dynamic_shapes, names, numbers)
    recorder, nodes = Recorder(mod), []
    labels = [f"{label}_{i}" if n > 1 else label for label, value in {**dict(zip(names, args)), **kwargs}.items()
              for n in [len(tree_flatten(value)[0])] for i in range(n)]  # fmt: skip
    for label, leaf in zip(labels, leaves):
        nodes.append(recorder.graph.placeholder(label))
        recorder.know(leaf, nodes[-1])
    state = [t.detach().clone() for t in mod.buffers()]
    random = pyxtorch.get_rng_state()
    with recorder.at_work():
        result = mod(*args, **kwargs)
    outputs, out_spec = tree_flatten(result)
    recorder.finish(tuple(outputs))
    _put_back(mod, state)
    graph_module, signature, saved, constants = lifted(recorder.graph, mod, recorder.constants, nodes, recorder.graph.output_node())
    fqns = [name for name, _ in mod.named_modules() if name]
    example = (args, kwargs)
    program = ExportedProgram(graph_module, signature, saved, constants, CallSpec(in_spec, out_spec), example, names, [], fqns)
    wanted = {(number, dim): what for number, dim, what in open_sizes if what is not Dim.STATIC and getattr(what, "name", "") != "STATIC"}
    wanted = _checked(mod, program, leaves, in_spec, wanted, random)
    program._constraints = _constraints(leaves, wanted)
    return program


def _constraints(leaves, wanted):
    found = []
    for number, leaf in enumerate(leaves):
        for dim, size in enumerate(leaf.shape if isinstance(leaf, Tensor) else ()):
            what = wanted.get((number, dim))
            if what is None:
                found.append(Constraint(number, dim, size, size))
            elif isinstance(what, Dim):
                found.append(Constraint(number, dim, what.min, what.max, what.__name__))
            else:
                found.append(Constraint(number, dim, what.min or 0, float("inf") if what.max is None else what.max, f"s{number}_{dim}"))
    return found


def _checked(mod, program, leaves, in_spec, wanted, random):
    """The sizes that are open indeed: the program gives what the module gives at others. An error where it must be open and is not."""
    groups = {}
    for place, what in wanted.items():
        groups.setdefault(what.__name__ if isinstance(what, Dim) else place, []).append(place)
    kept = dict(wanted)
    for group, places in groups.items():
        problem = _compared(mod, program, leaves, in_spec, places, wanted[places[0]], random)
        if problem is None:
            continue
        if getattr(wanted[places[0]], "name", "") == "AUTO":
            for place in places:
                del kept[place]
            continue
        shown = group if isinstance(group, str) else f"{program.graph_signature.user_inputs[group[0]]}.size()[{group[1]}]"
        raise RuntimeError(f"export: the size {shown!r} is to be open, but {problem}. Leave it out of dynamic_shapes, or change the module.")
    return kept


def _compared(mod, program, leaves, in_spec, places, what, random):
    size = leaves[places[0][0]].shape[places[0][1]]
    low, high = what.min or 0, float("inf") if what.max is None else what.max
    error, runner = None, program.module(check_guards=False)
    for other in (2 * size, size + 1, 3 * size, size - 1, size // 2):
        if other == size or other < 1 or not low <= other <= high:
            continue
        changed = list(leaves)
        for number, dim in places:
            index = pyxtorch.arange(other) % size
            changed[number] = changed[number].detach().index_select(dim, index)
        args, kwargs = tree_unflatten(changed, in_spec)
        state, before = [t.detach().clone() for t in mod.buffers()], pyxtorch.get_rng_state()
        try:
            with pyxtorch.no_grad():
                pyxtorch.set_rng_state(random)
                expected = mod(*args, **kwargs)
                _put_back(mod, state)
                pyxtorch.set_rng_state(random)
                result = runner(*args, **kwargs)
        except Exception as problem:
            error = problem
            continue
        finally:
            _put_back(mod, state)
            pyxtorch.set_rng_state(before)
        return None if _same(expected, result) else f"the module decides by it: at {other} instead of {size} the program gives something else"
    return f"the module runs at no other that was tried ({error})" if error else f"nothing but {size} lies between {low} and {high}"


def _put_back(mod, state):
    with pyxtorch.no_grad():
        for tensor, value in zip(mod.buffers(), state):
            if not pyxtorch.equal(tensor, value):
                tensor.copy_(value)


def _same(a, b):
    a, b = tree_flatten(a)[0], tree_flatten(b)[0]
    for x, y in zip(a, b):
        if isinstance(x, Tensor):
            if not isinstance(y, Tensor) or x.shape != y.shape or not pyxtorch.allclose(x, y, 1e-4, 1e-5, equal_nan=True):
                return False
        elif x != y:
            return False
    return len(a) == len(b)


def draft_export(mod, args, kwargs=None, *, dynamic_shapes=None, preserve_module_call_signature=(), strict=False, prefer_deferred_runtime_asserts_over_guards=False):
    """`export`, in which a size that cannot be open stays that of the example; `_report` of the program says which did."""
    try:
        program = export(mod, args, kwargs, dynamic_shapes=dynamic_shapes)
        program._report = []
    except RuntimeError as error:
        program = export(mod, args, kwargs)
        program._report = [str(error)]
    return program


# --------------------------------------------------------------------------------------- files

def save(ep, f, *, extra_files=None, opset_version=None, pickle_protocol=2):
    """Write an exported program to a path or file, for `export.load`. The file is pyxtorch's own.

    Raises:
        TypeError: `ep` is no ExportedProgram.
        RuntimeError: the graph calls something else than operations.
    """
    if not isinstance(ep, ExportedProgram):
        raise TypeError(f"The 'ep' parameter must be an instance of 'ExportedProgram', got '{type(ep).__name__}' instead.")
    specs = [(s.kind.name, s.arg.name, s.target, s.persistent) for s in ep.graph_signature.input_specs]
    serialization.save({
        _MARK: 1, "graph": encode(ep.graph), "inputs": specs, "outputs": [s.arg.name for s in ep.graph_signature.output_specs],
        "state": dict(ep.state_dict), "constants": dict(ep.constants), "in_spec": treespec_dumps(ep.call_spec.in_spec), "out_spec": treespec_dumps(ep.call_spec.out_spec),
        "example": tree_flatten(ep.example_inputs)[0], "names": list(ep._names), "fqns": list(ep._fqns),
        "constraints": [(c.input, c.dim, c.min, c.max, c.name) for c in ep._constraints],
        "extra_files": {k: v.encode() if isinstance(v, str) else v for k, v in (extra_files or {}).items()},
    }, f, pickle_protocol=pickle_protocol)  # fmt: skip


def load(f, *, extra_files=None, expected_opset_version=None):
    """Read what `export.save` wrote; nothing of it is executed.

    Raises:
        RuntimeError: the file is of PyTorch's own `export.save`, or something else, or names what is no operation.
    """
    if isinstance(f, (str, os.PathLike)) and not os.path.exists(f):
        raise FileNotFoundError(f"load: there is no file {os.fspath(f)}.")
    try:
        contents = serialization.load(f)
    except Exception as error:
        raise RuntimeError(f"load: the file was not written by export.save of pyxtorch: {error} Export the module here, or exchange its state_dict.") from error
    if not isinstance(contents, dict) or contents.get(_MARK) != 1:
        raise RuntimeError("load: the file was not written by export.save. A checkpoint is read by torch.load.")
    graph = decode(contents["graph"])
    inputs = [InputSpec(InputKind[kind], TensorArgument(name), target, persistent) for kind, name, target, persistent in contents["inputs"]]
    signature = ExportGraphSignature(inputs, [OutputSpec(OutputKind.USER_OUTPUT, TensorArgument(name)) for name in contents["outputs"]])
    specs = CallSpec(treespec_loads(contents["in_spec"]), treespec_loads(contents["out_spec"]))
    for name in extra_files or ():
        extra_files[name] = contents["extra_files"].get(name, b"").decode()
    example = tree_unflatten(contents["example"], specs.in_spec)
    constraints = [Constraint(*c) for c in contents["constraints"]]
    return ExportedProgram(GraphModule(Module(), graph), signature, contents["state"], contents["constants"], specs, example, contents["names"], constraints, contents["fqns"])


def register_dataclass(cls, *, serialized_type_name=None):
    """Let arguments and results of exported modules be of a dataclass: its fields are looked into."""
    import dataclasses

    if not dataclasses.is_dataclass(cls):
        raise AssertionError(f"Only dataclasses can be registered with this function: {cls}")
    names = [field.name for field in dataclasses.fields(cls) if field.init]
    _pytree.register_pytree_node(
        cls, lambda x: ([getattr(x, name) for name in names], None), lambda values, context: cls(**dict(zip(names, values))), serialized_type_name=serialized_type_name
    )
