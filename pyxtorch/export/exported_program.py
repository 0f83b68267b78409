"""A program as a graph with its tensors."""
import copy
import dataclasses

import pyxtorch
from pyxtorch import Tensor
from pyxtorch.export.graph_signature import ExportGraphSignature, InputKind, InputSpec, OutputKind, OutputSpec, TensorArgument
from pyxtorch.fx.graph_module import GraphModule
from pyxtorch.fx.node import Node, map_arg
from pyxtorch.jit._recorder import Program, Recorder
from pyxtorch.nn import Module
from pyxtorch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

__all__ = ["CustomDecompTable", "ExportedProgram", "ModuleCallEntry", "ModuleCallSignature", "default_decompositions"]


@dataclasses.dataclass
class CallSpec:
    """The structure of arguments and result."""

    in_spec: TreeSpec
    out_spec: TreeSpec


@dataclasses.dataclass
class ModuleCallSignature:
    """How a module is called: its inputs and outputs in the graph, and their structure."""

    inputs: list
    outputs: list
    in_spec: TreeSpec
    out_spec: TreeSpec
    forward_arg_names: list | None = None


@dataclasses.dataclass
class ModuleCallEntry:
    """A module of the program by its dotted name; a signature is kept of the whole program alone."""

    fqn: str
    signature: ModuleCallSignature | None = None


class CustomDecompTable(dict):
    """Operations, and the functions of other operations that are to take their places: for `run_decompositions`."""

    def copy(self):
        return CustomDecompTable(self)

    def materialize(self):
        """The same as an ordinary dict."""
        return dict(self)


def default_decompositions():
    """What `run_decompositions` takes apart when it is told nothing: no operation."""
    return CustomDecompTable()


class ExportedProgram:
    """What `export` gives: a graph whose placeholders are the module's tensors and then its arguments, flat.

    `module()` makes a module of it again, which is what runs. constraints: the sizes of inputs that must be those of the example, or
    within a range.
    """

    dialect = "TRAINING"

    def __init__(self, graph_module, graph_signature, state_dict, constants, call_spec, example_inputs, names, constraints, fqns):
        self._graph_module, self.graph_signature, self._state_dict, self.constants = graph_module, graph_signature, state_dict, constants
        self.call_spec, self._example_inputs, self._names, self._constraints, self._fqns = call_spec, example_inputs, names, constraints, fqns

    graph_module = property(lambda self: self._graph_module, doc="The graph as a module, to be called with all tensors as arguments.")
    graph = property(lambda self: self._graph_module.graph, doc="The graph.")
    state_dict = property(lambda self: self._state_dict, doc="Parameters and buffers that are saved, by name.")
    tensor_constants = property(lambda self: self.constants, doc="Other tensors, by name.")
    example_inputs = property(lambda self: self._example_inputs, doc="The arguments that it was exported with.")

    @property
    def range_constraints(self):
        """The ranges of sizes that may differ, by name."""
        return {c.name: (c.min, c.max) for c in self._constraints if c.min != c.max}

    @property
    def module_call_graph(self):
        """An entry for the program and each module in it."""
        spec = self.graph_signature
        whole = ModuleCallSignature(list(spec.user_inputs), list(spec.user_outputs), self.call_spec.in_spec, self.call_spec.out_spec, list(self._names))
        return [ModuleCallEntry("", whole), *(ModuleCallEntry(name) for name in self._fqns)]

    def parameters(self):
        """The parameters."""
        return (p for _, p in self.named_parameters())

    def named_parameters(self):
        """The parameters with their names."""
        return ((name, self._state_dict[name]) for name in self.graph_signature.parameters)

    def buffers(self):
        """The buffers."""
        return (b for _, b in self.named_buffers())

    def named_buffers(self):
        """The buffers with their names."""
        return ((n, self.constants[n] if n in self.constants else self._state_dict[n]) for n in self.graph_signature.buffers)

    def __call__(self, *args, **kwargs):
        raise RuntimeError("Unable to call ExportedProgram directly. You should use `exported_program.module()` instead.")

    def module(self, check_guards=True):
        """A module that does what the program does, with its tensors. It checks the sizes of its arguments (`check_guards`)."""
        return ExportedModule(self, check_guards)

    def run_decompositions(self, decomp_table=None, decompose_custom_triton_ops=False):
        """The program in which operations that the table names are replaced by what its functions do. Other operations stay."""
        table = default_decompositions() if decomp_table is None else decomp_table
        return self if not table else _decomposed(self, table)

    def __str__(self):
        return f"ExportedProgram:\n{self._graph_module.print_readable(print_output=False)}\nGraph signature: {self.graph_signature}\nRange constraints: {self.range_constraints}\n"

    def __deepcopy__(self, memo):
        parts = copy.deepcopy((self._graph_module, self.graph_signature, dict(self._state_dict), dict(self.constants)), memo)
        return ExportedProgram(*parts, self.call_spec, self._example_inputs, self._names, list(self._constraints), list(self._fqns))


class ExportedModule(Module):
    """An exported program as a module."""

    def __init__(self, program, check):
        super().__init__()
        signature = program.graph_signature
        for name, tensor in program._state_dict.items():
            put(self, name, tensor)
        for name, tensor in program.constants.items():
            put(self, name, tensor, persistent=False)
        self._program, self._run, self._check = program, Program(program.graph), check
        self._held = [spec.target for spec in signature.input_specs if spec.kind is not InputKind.USER_INPUT]

    graph = property(lambda self: self._program.graph)
    code = property(lambda self: self._program.graph_module.code)

    def train(self, mode=True):
        """Not to be called: the graph is that of the mode in which the module was.

        Raises:
            NotImplementedError: always, as in PyTorch.
        """
        raise NotImplementedError("Calling train() is not supported yet.")

    def eval(self):
        """As `train`."""
        raise NotImplementedError("Calling eval() is not supported yet.")

    def forward(self, *args, **kwargs):
        program = self._program
        args, kwargs = _in_place(program._names, program._example_inputs, args, kwargs)
        leaves, spec = tree_flatten((args, kwargs))
        if spec != program.call_spec.in_spec:
            raise ValueError(f"The arguments have another structure than those that the program was exported with: {spec} and {program.call_spec.in_spec}.")
        if self._check:
            _check_sizes(program, leaves)
        tensors = [_lookup(self, name) for name in self._held]
        return tree_unflatten(list(self._run.run(self, (*tensors, *leaves))), program.call_spec.out_spec)


def _in_place(names, example, args, kwargs):
    """The arguments by position and by name as the example had them."""
    by_name = dict(zip(names, args)) | kwargs
    count = len(example[0])
    if len(by_name) == len(args) + len(kwargs) and all(name in by_name for name in (*names[:count], *example[1])) and len(by_name) == count + len(example[1]):
        return tuple(by_name[name] for name in names[:count]), {name: by_name[name] for name in example[1]}
    return args, kwargs


def _check_sizes(program, leaves):
    seen = {}
    for c in program._constraints:
        size = leaves[c.input].shape[c.dim]
        name = program.graph_signature.user_inputs[c.input]
        if c.min == c.max != size:
            raise AssertionError(f"Guard failed: {name}.size()[{c.dim}] == {c.min}, but it is {size}. Name sizes that differ by dynamic_shapes when exporting.")
        if not c.min <= size <= c.max:
            raise AssertionError(f"Guard failed: {c.min} <= {name}.size()[{c.dim}] <= {c.max}, but it is {size}.")
        if c.name is not None and seen.setdefault(c.name, size) != size:
            raise AssertionError(f"Guard failed: sizes of {c.name!r} are equal, but they are {seen[c.name]} and {size}.")


def put(module, path, tensor, persistent=True):
    """Put a tensor at a dotted name, with bare modules in between."""
    *above, last = path.split(".")
    for name in above:
        if name not in module._modules:
            module.add_module(name, Module())
        module = module._modules[name]
    if isinstance(tensor, pyxtorch.nn.Parameter):
        module.register_parameter(last, tensor)
    else:
        module.register_buffer(last, tensor, persistent)


def _lookup(module, path):
    for name in path.split("."):
        module = getattr(module, name)
    return module


def lifted(graph, module, constants, leaf_nodes, result):
    """(graph module, signature, state, constants) of a recorded graph: what it reads of the module becomes placeholders.

    Args:
        constants: recorded tensors that the module does not have, by name. leaf_nodes: the placeholders of the arguments.
        result: the graph's output node, whose argument is a flat tuple.
    """
    parameters, buffers = (dict(named(remove_duplicate=False)) for named in (module.named_parameters, module.named_buffers))
    saved = module.state_dict(keep_vars=True)
    specs, state, others, first = [], {}, {}, leaf_nodes[0] if leaf_nodes else None
    reads = {}
    for node in graph.nodes:
        if node.op == "get_attr":
            reads.setdefault(node.target, []).append(node)
    for kind, prefix, tensors in ((InputKind.PARAMETER, "p", parameters), (InputKind.BUFFER, "b", buffers), (InputKind.CONSTANT_TENSOR, "c", constants)):
        for name, tensor in tensors.items():
            if kind is InputKind.CONSTANT_TENSOR and name not in reads:
                continue
            with graph.inserting_before(first):
                node = graph.placeholder(f"{prefix}_{name.replace('.', '_')}")
            for read in reads.get(name, ()):
                read.replace_all_uses_with(node)
                graph.erase_node(read)
            keep = kind is not InputKind.CONSTANT_TENSOR and name in saved
            (state if keep else others)[name] = tensor
            specs.append(InputSpec(kind, TensorArgument(node.name), name, keep if kind is InputKind.BUFFER else None))
    for node in leaf_nodes:
        specs.append(InputSpec(InputKind.USER_INPUT, TensorArgument(node.name)))
    outputs = [OutputSpec(OutputKind.USER_OUTPUT, TensorArgument(a.name if isinstance(a, Node) else repr(a))) for a in result.args[0]]
    return GraphModule(Module(), graph), ExportGraphSignature(specs, outputs), state, others


def _decomposed(program, table):
    """Run the graph on the example with a recorder that sees what the table's functions do."""
    leaves, _ = tree_flatten(program.example_inputs)
    held = ExportedModule(program, False)
    tensors = [_lookup(held, name) for name in held._held]
    recorder, values, nodes = Recorder(), {}, []
    with pyxtorch.no_grad():
        for node in program.graph.nodes:
            if node.op == "placeholder":
                value = (*tensors, *leaves)[len(nodes)]
                value = value.detach().clone() if isinstance(value, Tensor) else value
                nodes.append(recorder.graph.placeholder(node.target))
                recorder.know(value, nodes[-1])
                values[node] = value
            elif node.op == "output":
                recorder.finish(map_arg(node.args[0], values.__getitem__))
            else:
                args, kwargs = map_arg(node.args, values.__getitem__), map_arg(node.kwargs, values.__getitem__)
                with recorder.at_work():
                    values[node] = table.get(node.target, node.target)(*args, **kwargs)
    specs = [dataclasses.replace(spec, arg=TensorArgument(node.name)) for spec, node in zip(program.graph_signature.input_specs, nodes)]
    result = recorder.graph.output_node()
    outputs = [OutputSpec(OutputKind.USER_OUTPUT, TensorArgument(a.name if isinstance(a, Node) else repr(a))) for a in result.args[0]]
    for name, tensor in recorder.constants.items():
        raise RuntimeError(f"run_decompositions: a function of the table makes a constant, {name} of shape {tuple(tensor.shape)}, which a program cannot hold.")
    made = GraphModule(Module(), recorder.graph)
    signature = ExportGraphSignature(specs, outputs)
    return ExportedProgram(made, signature, program.state_dict, program.constants, program.call_spec, program.example_inputs, program._names, program._constraints, program._fqns)
