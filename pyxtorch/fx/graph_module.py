"""A module whose forward is written from a graph."""
import copy
import itertools

from pyxtorch import Tensor
from pyxtorch.fx.code import compile_forward
from pyxtorch.fx.graph import Graph
from pyxtorch.fx.node import Node, map_aggregate
from pyxtorch.nn import Module, Parameter

__all__ = ["GraphModule"]


class GraphModule(Module):
    """A module that does what `graph` says, with the parameters and submodules of `root` that the graph names.

    root: a Module, or a dict from dotted names to modules and tensors. After a change of `graph` call `recompile()`.
    """

    def __new__(cls, *args, **kwargs):
        # A class for each: forward belongs to it, as of every module.
        base = next(c for c in cls.__mro__ if "_own" not in vars(c))
        return super().__new__(type(base.__name__, (base,), {"_own": True, "__module__": base.__module__, "__doc__": base.__doc__}))

    def __init__(self, root, graph, class_name="GraphModule"):
        super().__init__()
        type(self).__name__ = class_name
        self._class_name = class_name
        if isinstance(root, Module):
            self.training = root.training
            held = {node.target: _lookup(root, node.target) for node in graph.nodes if node.op in ("call_module", "get_attr")}
        else:
            held = {node.target: root[node.target] for node in graph.nodes if node.op in ("call_module", "get_attr") if _has(root, node)}
        self.meta = dict(getattr(root, "meta", {}))
        for target in sorted(held, key=lambda t: t.count(".")):
            _assign(self, target, held[target])
        self.graph = graph

    @property
    def graph(self):
        """What the module does."""
        return self._graph

    @graph.setter
    def graph(self, graph):
        if not isinstance(graph, Graph):
            raise AssertionError(f"Expected a Graph instance, but got {type(graph)}")
        self.__dict__["_graph"] = graph
        graph.owning_module = self
        self.recompile()

    @property
    def code(self):
        """The source of forward."""
        return self._code

    def recompile(self):
        """Write forward anew from the graph."""
        code = self._graph.python_code("self")
        self.__dict__["_code"] = code.src
        type(self).forward = compile_forward(code)
        return code

    # ------------------------------------------------------------------------ submodules

    def add_submodule(self, target, m):
        """Put a module at a dotted name, with modules in between where there are none; whether it could be."""
        *path, last = target.split(".")
        module = self
        for name in path:
            if not hasattr(module, name):
                module.add_module(name, Module())
            module = getattr(module, name)
            if not isinstance(module, Module):
                return False
        module.add_module(last, m)
        return True

    def delete_submodule(self, target):
        """Take away the module at a dotted name; whether there was one."""
        *path, last = target.split(".")
        module = self
        for name in path:
            module = getattr(module, name, None)
            if not isinstance(module, Module):
                return False
        if not isinstance(getattr(module, last, None), Module):
            return False
        delattr(module, last)
        return True

    def delete_all_unused_submodules(self):
        """Take away all modules that the graph does not call, nor reads from."""
        used = set()
        for node in self._graph.nodes:
            if node.op in ("call_module", "get_attr"):
                parts = node.target.split(".")
                used.update(".".join(parts[:i]) for i in range(1, len(parts) + 1))
                if node.op == "call_module":
                    used.update(f"{node.target}.{name}" for name, _ in self.get_submodule(node.target).named_modules())
        for name in [name for name, _ in self.named_modules() if name and name not in used]:
            self.delete_submodule(name)

    # ---------------------------------------------------------------------------- copies

    def __deepcopy__(self, memo):
        held = Module()
        held.__dict__ = copy.deepcopy({k: v for k, v in self.__dict__.items() if k not in ("_graph", "_code")}, memo)
        result = GraphModule(held, copy.deepcopy(self._graph), self._class_name)
        memo[id(self)] = result
        return result

    def __copy__(self):
        return GraphModule(self, self._graph, self._class_name)

    def __reduce__(self):
        state = {k: v for k, v in self.__dict__.items() if k not in ("_graph", "_code")}
        held = Module()
        held.__dict__.update(state)
        return _rebuild, (held, _flat(self._graph), self._class_name)

    # ----------------------------------------------------------------------------- text

    def __str__(self):
        return f"{super().__str__()}\n\n{self._code}\n# To see more debug info, please use `graph_module.print_readable()`"

    def print_readable(self, print_output=True, **options):
        """The module as the text of a class; printed unless told otherwise."""
        body = "\n".join(f"    {line}" if line else "" for line in self._code.splitlines())
        text = f"class {self._class_name}(torch.nn.Module):{body}\n"
        if print_output:
            print(text)
        return text


def _lookup(root, target):
    found = root
    for name in target.split("."):
        if not hasattr(found, name):
            raise RuntimeError(f"GraphModule: the graph names {target!r}, but {type(found).__name__} has no attribute {name!r}.")
        found = getattr(found, name)
    return found


def _has(root, node):
    if node.target not in root:
        raise RuntimeError(f"Node {node} referenced target {node.target} but that target was not provided in `root`!")
    return True


def _assign(module, target, value):
    """Put a module, parameter, buffer or other value at a dotted name."""
    *path, last = target.split(".")
    for name in path:
        child = getattr(module, name, None)
        if child is None:
            child = Module()
            module.add_module(name, child)
        module = child
    if getattr(module, last, None) is value:
        return
    if isinstance(value, Tensor) and not isinstance(value, Parameter):
        module.register_buffer(last, value)
    else:
        setattr(module, last, value)


class _Reference:
    """A node in the arguments of a graph that is being pickled, by its place."""

    def __init__(self, place):
        self.place = place


def _flat(graph):
    """A graph as a list of tuples."""
    places = dict(zip(graph.nodes, itertools.count()))
    swap = lambda a: map_aggregate(a, lambda x: _Reference(places[x]) if isinstance(x, Node) else x)  # noqa: E731
    return [(n.name, n.op, n.target, swap(n.args), swap(n.kwargs), n.type) for n in graph.nodes]


def _rebuild(root, flat, class_name):
    graph, nodes = Graph(), []
    swap = lambda a: map_aggregate(a, lambda x: nodes[x.place] if isinstance(x, _Reference) else x)  # noqa: E731
    for name, op, target, args, kwargs, type_expr in flat:
        nodes.append(graph.create_node(op, target, swap(args), swap(kwargs), name, type_expr))
    return GraphModule(root, graph, class_name)
