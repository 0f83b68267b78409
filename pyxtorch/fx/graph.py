"""A list of nodes, in the order in which they run."""
import re

from pyxtorch.fx.code import write_forward
from pyxtorch.fx.node import Node, map_arg, qualified_name

__all__ = ["Graph"]


class _NodeList:
    """The nodes as a sequence that follows their links, also while they change."""

    def __init__(self, graph, backwards=False):
        self.graph, self.backwards = graph, backwards

    def __len__(self):
        return self.graph._count

    def __iter__(self):
        root = self.graph._root
        node = root._previous if self.backwards else root._next
        while node is not root:
            following = node._previous if self.backwards else node._next
            if not node._erased:
                yield node
                following = node._previous if self.backwards else node._next
            node = following

    def __reversed__(self):
        return _NodeList(self.graph, not self.backwards)

    def __getitem__(self, i):
        return list(self)[i]

    def __repr__(self):
        return repr(list(self))


class _Place:
    """Where new nodes go; as a context manager, for a while."""

    def __init__(self, graph, insert):
        self.graph, self.before = graph, graph._insert
        graph._insert = insert

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.graph._insert = self.before


class Graph:
    """A program: nodes that call functions, methods and modules on the results of earlier ones.

    >>> g = Graph()
    >>> x = g.placeholder("x")
    >>> g.output(g.call_function(torch.relu, (x,)))
    """

    def __init__(self, owning_module=None, tracer_cls=None, tracer_extras=None):
        self._root = Node(self, "", "output", "output", (None,), {})
        self._insert = self._root.prepend
        self._count = 0
        self._names = {}
        self.owning_module, self._tracer_cls, self._tracer_extras = owning_module, tracer_cls, tracer_extras

    @property
    def nodes(self):
        """The nodes in the order in which they run; `reversed` goes back."""
        return _NodeList(self)

    # ------------------------------------------------------------------------ new nodes

    def _name(self, hint):
        hint = re.sub(r"\W", "_", hint) or "node"
        hint = f"_{hint}" if hint[0].isdigit() else hint
        base, number = re.fullmatch(r"(.*?)(?:_(\d+))?", hint).groups()
        name, n = hint, int(number or 0)
        while name in self._names or _reserved(name):
            n = max(n, self._names.get(base, 0)) + 1
            name = f"{base}_{n}"
            self._names[base] = n
        self._names.setdefault(name, 0)
        return name

    def create_node(self, op, target, args=None, kwargs=None, name=None, type_expr=None):
        """Add a node where nodes are added now: at the end, or where `inserting_before` or `inserting_after` said."""
        args, kwargs = args or (), kwargs or {}
        for node in _nodes_in((args, kwargs)):
            if node.graph is not self:
                raise RuntimeError(f"create_node: the argument {node.name} is a node of another graph.")
        node = Node(self, self._name(name or _hint(target)), op, target, args, kwargs, type_expr)
        if self.owning_module is not None and op == "get_attr":
            _check_attribute(self.owning_module, target)
        self._insert(node)
        self._count += 1
        return node

    def placeholder(self, name, type_expr=None, default_value=...):
        """An argument of the program; "*name" and "**name" as in a definition."""
        return self.create_node("placeholder", name, () if default_value is ... else (default_value,), type_expr=type_expr, name=name.lstrip("*"))

    def get_attr(self, qualified_name, type_expr=None):
        """A parameter, buffer or other attribute of the module by its dotted name."""
        return self.create_node("get_attr", qualified_name, type_expr=type_expr)

    def call_module(self, module_name, args=None, kwargs=None, type_expr=None):
        """A call of a submodule by its dotted name."""
        if self.owning_module is not None:
            _check_attribute(self.owning_module, module_name)
        return self.create_node("call_module", module_name, args, kwargs, type_expr=type_expr)

    def call_method(self, method_name, args=None, kwargs=None, type_expr=None):
        """A call of a method of the first argument."""
        return self.create_node("call_method", method_name, args, kwargs, type_expr=type_expr)

    def call_function(self, the_function, args=None, kwargs=None, type_expr=None, name=None):
        """A call of a function."""
        return self.create_node("call_function", the_function, args, kwargs, name, type_expr)

    def output(self, result, type_expr=None):
        """What the program gives."""
        return self.create_node("output", "output", (result,), type_expr=type_expr)

    def node_copy(self, node, arg_transform=lambda x: x):
        """A copy of another graph's node, its inputs changed by `arg_transform`."""
        args, kwargs = map_arg(node.args, arg_transform), map_arg(node.kwargs, arg_transform)
        copied = self.create_node(node.op, node.target, args, kwargs, node.name, node.type)
        copied.meta = dict(node.meta)
        return copied

    def graph_copy(self, g, val_map, return_output_node=False):
        """Copy all nodes of `g` here, noting them in `val_map`; gives the value that `g` returns, in nodes of this graph."""
        for node in g.nodes:
            if node in val_map:
                continue
            if node.op == "output":
                result = map_arg(node.args[0], val_map.__getitem__)
                return (result, node) if return_output_node else result
            val_map[node] = self.node_copy(node, val_map.__getitem__)
        return None

    def __deepcopy__(self, memo=None):
        g = Graph(tracer_cls=self._tracer_cls)
        values = {}
        result = g.graph_copy(self, values, return_output_node=True)
        if result is not None:
            g.output(result[0], result[1].type).meta = dict(result[1].meta)
        if memo is not None:
            memo[id(self)] = g
        return g

    # ------------------------------------------------------------------------ changes

    def inserting_before(self, n=None):
        """New nodes go before `n` (None: before all)."""
        if n is not None and n.graph is not self:
            raise AssertionError("inserting_before: the node is not of this graph.")
        return _Place(self, (n or self._root._next).prepend)

    def inserting_after(self, n=None):
        """New nodes go after `n` (None: after all), one after the other."""
        if n is not None and n.graph is not self:
            raise AssertionError("inserting_after: the node is not of this graph.")
        if n is None:
            return _Place(self, self._root.prepend)
        last = [n]

        def insert(node):
            last[0].append(node)
            last[0] = node

        return _Place(self, insert)

    def erase_node(self, to_erase):
        """Take away a node that has no users."""
        if to_erase.users:
            raise RuntimeError(f"Tried to erase Node {to_erase} but it still had {len(to_erase.users)} users in the graph: {dict.fromkeys(to_erase.users)}!")
        if to_erase.graph is not self:
            raise RuntimeError(f"erase_node: {to_erase} is not a node of this graph.")
        if to_erase._erased:
            return
        to_erase._set((), {})
        # its own links stay, so that a loop that stands on it goes on
        to_erase._previous._next, to_erase._next._previous = to_erase._next, to_erase._previous
        to_erase._erased = True
        self._count -= 1

    def eliminate_dead_code(self, is_impure_node=None):
        """Erase what nobody uses, from the end; True if anything was."""
        impure = is_impure_node or Node.is_impure
        before = self._count
        for node in reversed(self.nodes):
            if not node.users and not impure(node):
                self.erase_node(node)
        return self._count < before

    def find_nodes(self, *, op, target=None, sort=True):
        """The nodes of an op (and a target)."""
        return [node for node in self.nodes if node.op == op and (target is None or node.target == target)]

    def output_node(self):
        """The node that returns."""
        return next(iter(reversed(self.nodes)))

    def lint(self):
        """RuntimeError unless nodes are used after they are made, in this graph, and modules and attributes exist."""
        seen, names = set(), set()
        for node in self.nodes:
            if node.graph is not self:
                raise RuntimeError(f"Node '{node}' does not belong to this Graph!")
            for used in node.all_input_nodes:
                if used not in seen:
                    raise RuntimeError(f"Argument '{used}' of Node '{node}' was used before it has been defined! Please check that Nodes in the graph are topologically ordered\n{self}")
                if node not in used.users:
                    raise RuntimeError(f"Node '{node}' takes '{used}', which does not know it as a user.")
            if node.name in names:
                raise RuntimeError(f"Node redefined name {node.name}!")
            names.add(node.name)
            seen.add(node)
            if node.op == "output" and node.next is not self._root:
                raise RuntimeError(f"Node '{node.next}' stands after the output.")
            if self.owning_module is not None and node.op in ("call_module", "get_attr"):
                _check_attribute(self.owning_module, node.target, RuntimeError)

    # ----------------------------------------------------------------------------- text

    def python_code(self, root_module="self", *, verbose=False):
        """The program as the source of a function `forward`, and the objects that it names."""
        return write_forward(self.nodes, root_module)

    def __str__(self):
        return "\n".join(["graph():", *[f"    {node.format_node()}" for node in self.nodes]])

    def print_tabular(self):
        """Print a line for each node."""
        rows = [("opcode", "name", "target", "args", "kwargs")]
        rows += [(n.op, n.name, qualified_name(n.target), str(n.args), str(n.kwargs)) for n in self.nodes]
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        for i, row in enumerate(rows):
            print("  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip())
            if i == 0:
                print("  ".join("-" * w for w in widths))


def _reserved(name):
    import builtins
    import keyword

    return keyword.iskeyword(name) or hasattr(builtins, name) or name in ("self", "torch", "forward")


def _hint(target):
    if isinstance(target, str):
        return target.lstrip("*")
    name = getattr(target, "__name__", type(target).__name__)
    return name.strip("_") or name


def _nodes_in(a):
    found = []
    map_arg(a, lambda node: found.append(node) or node)
    return found


def _check_attribute(module, target, error=None):
    """Whether the module has what a node names: a warning, or `error`, where it has not."""
    found = module
    for part in target.split("."):
        if not hasattr(found, part):
            text = f"the graph names {target!r}, but {type(found).__name__} has no attribute {part!r}."
            if error is not None:
                raise error(text)
            import warnings

            warnings.warn(text + " Add it to the module before the graph is run.", stacklevel=4)
            return
        found = getattr(found, part)
