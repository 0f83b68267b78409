"""Values in the middle of a model, by recording it (`pyxtorch.fx`) once in training and once in evaluation.

A node is called by the module that makes its value, "layer1.0.conv2", with the operation's name behind it where that is no module,
"layer1.0.add", and a number where the same comes again, "layer1.0.relu_1".
"""
import inspect
import math
import operator
import re
import warnings
from collections import OrderedDict

from pyxtorch import fx, nn
from pyxtorch.vision import ops

__all__ = ["create_feature_extractor", "get_graph_node_names"]


class LeafModuleAwareTracer(fx.Tracer):
    """A tracer to which modules of the classes `leaf_modules` are one node each."""

    def __init__(self, *args, leaf_modules=(), **kwargs):
        super().__init__(*args, **kwargs)
        self.leaf_modules = tuple(leaf_modules)

    def is_leaf_module(self, m, module_qualified_name):
        return isinstance(m, self.leaf_modules) or super().is_leaf_module(m, module_qualified_name)


class NodePathTracer(LeafModuleAwareTracer):
    """A tracer that gives each node a name by its module: `node_to_qualname`."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.current_module_qualname = ""
        self.node_to_qualname = OrderedDict()

    def call_module(self, m, forward, args, kwargs):
        before, self.current_module_qualname = self.current_module_qualname, self.path_of_module(m)
        try:
            if self.is_leaf_module(m, self.current_module_qualname):
                return self.create_proxy("call_module", self.current_module_qualname, args, kwargs)
            return forward(*args, **kwargs)
        finally:
            self.current_module_qualname = before

    def create_proxy(self, kind, target, args, kwargs, *rest, **more):
        proxy = super().create_proxy(kind, target, args, kwargs, *rest, **more)
        self.node_to_qualname[proxy.node] = self._name(proxy.node)
        return proxy

    def _name(self, node):
        name = self.current_module_qualname
        if node.op != "call_module":
            own = re.sub(r"^iadd", "add", str(node))
            name = f"{name}.{own}" if name else own
        name = re.sub(r"(?<=.)_[0-9]+$", "", name)  # the graph's own number
        numbers = [found for known in self.node_to_qualname.values() if (found := re.fullmatch(re.escape(name) + r"(?:_([0-9]+))?", known))]
        return f"{name}_{int(numbers[-1][1] or 0) + 1}" if numbers else name


def _tracer(options):
    """A tracer to which the modules and functions of `vision.ops` are one node each."""
    options = dict(options or {})
    leaves = [value for value in vars(ops).values() if inspect.isclass(value) and issubclass(value, nn.Module)]
    options["leaf_modules"] = [*options.get("leaf_modules", ()), *leaves]
    options["autowrap_modules"] = tuple({*options.get("autowrap_modules", ()), math, ops})
    return NodePathTracer(**options)


def _trace(model, tracer_kwargs, concrete_args):
    """(tracer, graph) in training and in evaluation; the model is left as it was."""
    training = model.training
    found = {}
    try:
        for mode in ("train", "eval"):
            model.train(mode == "train")
            tracer = _tracer(tracer_kwargs)
            found[mode] = tracer, tracer.trace(model, concrete_args=concrete_args)
    finally:
        model.train(training)
    return found


def _names(tracer):
    return list(tracer.node_to_qualname.values())


def _warn_of_differences(traces):
    if _names(traces["train"][0]) != _names(traces["eval"][0]):
        warnings.warn("The nodes of the model in training are not those in evaluation: name them separately, train_return_nodes and eval_return_nodes.", UserWarning, stacklevel=3)


def get_graph_node_names(model, tracer_kwargs=None, suppress_diff_warning=False, concrete_args=None):
    """(names of the nodes in training, those in evaluation), which `create_feature_extractor` takes.

    Args:
        tracer_kwargs: for the tracer: `leaf_modules`, `autowrap_modules`, `autowrap_functions`.
        suppress_diff_warning: do not warn where the two differ.
        concrete_args: arguments of forward that are fixed.
    """
    traces = _trace(model, tracer_kwargs, concrete_args)
    if not suppress_diff_warning:
        _warn_of_differences(traces)
    return _names(traces["train"][0]), _names(traces["eval"][0])


def _cut(tracer, graph, wanted):
    """Let the graph give the values of the nodes `wanted`, {name: name in the result}, and compute nothing else."""
    names = _names(tracer)
    for query in wanted:
        if not any(name == query or name.startswith(f"{query}.") for name in names):
            raise ValueError(f"node: '{query}' is not present in model. get_graph_node_names lists what is; in training and evaluation there may be others.")
    left, outputs = dict(wanted), []
    nodes = [node for node in graph.nodes if node.op != "output"]
    for node in reversed(nodes):  # of a module that is no node the last one
        name = tracer.node_to_qualname.get(node)
        found = name and next((query for query in left if name == query or name.startswith(f"{query}.")), None)
        if found:
            outputs.append((left.pop(found), node))
    for node in [node for node in graph.nodes if node.op == "output"]:
        graph.erase_node(node)
    with graph.inserting_after(nodes[-1]):
        graph.output(dict(reversed(outputs)))
    for node in graph.nodes:  # what a result is added to may be wanted as well
        if node.target is operator.iadd:
            node.target = operator.add
    graph.eliminate_dead_code(lambda node: node.op in ("placeholder", "output"))


class DualGraphModule(fx.GraphModule):
    """A module with a graph for training and one for evaluation; `train()` and `eval()` choose."""

    def __init__(self, root, train_graph, eval_graph, class_name="GraphModule"):
        both = fx.Graph()
        for graph in (train_graph, eval_graph):  # the parts that either needs
            for node in graph.nodes:
                if node.op in ("get_attr", "call_module"):
                    both.create_node(node.op, node.target, (), {})
        both.output(None)
        super().__init__(root, both, class_name)
        self.train_graph, self.eval_graph = train_graph, eval_graph
        self.train(root.training)

    def train(self, mode=True):
        """Set the mode, and take its graph."""
        self.graph = self.train_graph if mode else self.eval_graph
        self.recompile()
        return super().train(mode)


def create_feature_extractor(model, return_nodes=None, train_return_nodes=None, eval_return_nodes=None, tracer_kwargs=None, suppress_diff_warning=False,
                             concrete_args=None):  # fmt: skip
    """A module that gives values in the middle of a model, as a dict, and computes nothing beyond them.

    Args:
        return_nodes: names of nodes, or of modules (whose last node is meant); a list, or a dict to the names in the result.
        train_return_nodes, eval_return_nodes: instead of it, those in training and in evaluation.
        tracer_kwargs, suppress_diff_warning, concrete_args: as in `get_graph_node_names`.
    Returns:
        An `fx.GraphModule` with the model's parameters.
    Raises:
        ValueError: no such node, or both kinds of names, or neither.
    """
    if return_nodes is None and train_return_nodes is None and eval_return_nodes is None:
        raise ValueError("Either `return_nodes` or `train_return_nodes` and `eval_return_nodes` together, should be specified")
    if (train_return_nodes is None) != (eval_return_nodes is None):
        raise ValueError("If any of `train_return_nodes` and `eval_return_nodes` are specified, then both should be specified")
    if (return_nodes is None) == (train_return_nodes is None):
        raise ValueError("Give either `return_nodes`, or `train_return_nodes` and `eval_return_nodes`.")
    wanted = {"train": train_return_nodes or return_nodes, "eval": eval_return_nodes or return_nodes}
    traces = _trace(model, tracer_kwargs, concrete_args)
    for mode, (tracer, graph) in traces.items():
        nodes = wanted[mode]
        _cut(tracer, graph, {str(k): str(v) for k, v in (nodes if isinstance(nodes, dict) else {n: n for n in nodes}).items()})
    if not suppress_diff_warning:
        _warn_of_differences(traces)
    return DualGraphModule(model, traces["train"][1], traces["eval"][1], class_name=type(model).__name__)
