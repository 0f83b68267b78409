"""Nodes of a graph: one call each, linked in the order in which they run."""
import builtins
import operator
import types
from collections.abc import Callable
from typing import Any

import pyxtorch
from pyxtorch import Tensor

__all__ = ["Argument", "BaseArgumentTypes", "Node", "Target", "has_side_effect", "map_aggregate", "map_arg"]

Target = Callable[..., Any] | str
BaseArgumentTypes = str | int | float | bool | complex | pyxtorch.dtype | Tensor | pyxtorch.device | pyxtorch.memory_format | pyxtorch.layout
Argument = Any  # a Node, one of these, or tuples, lists, dicts, slices and ranges of them

OPS = ("placeholder", "get_attr", "call_function", "call_method", "call_module", "output")
# Functions whose result is not all that they do: `has_side_effect` adds others. `operator.iadd` and its like write into their first operand.
_impure = {getattr(operator, name) for name in dir(operator) if name[0] == "i" and (hasattr(operator, name[1:]) or hasattr(operator, f"{name[1:]}_"))}
_impure |= {operator.setitem, operator.delitem, setattr, delattr}


def has_side_effect(fn):
    """Keep calls of `fn` in a graph even where nobody uses their result; usable as a decorator."""
    _impure.add(fn)
    return fn


def map_aggregate(a, fn):
    """`fn` of each leaf of nested tuples, lists, dicts and slices, in the same nest."""
    if isinstance(a, tuple):
        mapped = [map_aggregate(item, fn) for item in a]
        return type(a)(*mapped) if hasattr(a, "_fields") else tuple(mapped)
    if isinstance(a, list):
        return [map_aggregate(item, fn) for item in a]
    if isinstance(a, dict):
        return {key: map_aggregate(item, fn) for key, item in a.items()}
    if isinstance(a, slice):
        return slice(map_aggregate(a.start, fn), map_aggregate(a.stop, fn), map_aggregate(a.step, fn))
    return fn(a)


def map_arg(a, fn):
    """`fn` of each Node in nested arguments; everything else stays."""
    return map_aggregate(a, lambda x: fn(x) if isinstance(x, Node) else x)


def qualified_name(target):
    """How a function is called in text, such as `torch.nn.functional.relu` or `operator.add`."""
    if isinstance(target, str):
        return target
    if getattr(builtins, getattr(target, "__name__", ""), None) is target:
        return target.__name__
    if isinstance(target, (types.MethodDescriptorType, types.WrapperDescriptorType)):
        return f"{_public(target.__objclass__.__module__)}.{target.__objclass__.__qualname__}.{target.__name__}"
    name = getattr(target, "__qualname__", None) or getattr(target, "__name__", None) or type(target).__qualname__
    module = getattr(target, "__module__", None) or type(target).__module__
    return f"{_public(module)}.{name}"


def _public(module):
    module = "torch" + module[8:] if module == "pyxtorch" or module.startswith("pyxtorch.") else module
    return {"_operator": "operator", "torch.tensor": "torch"}.get(module, module)


class Node:
    """A call in a graph.

    op: "placeholder", "get_attr", "call_function", "call_method", "call_module" or "output". target: what is called: a
    function, or the name of a method, of a module or of an attribute. args, kwargs: may hold nodes in tuples, lists,
    dicts and slices. users: a dict whose keys are the nodes that take this one's result. meta: for passes to write to.
    """

    def __init__(self, graph, name, op, target, args, kwargs, return_type=None):
        if op not in OPS:
            raise AssertionError(f"Node: op is one of {', '.join(OPS)}, not {op!r}.")
        if op == "call_function" and not callable(target):
            raise ValueError(f"Node [graph = {graph}, name = '{name}'] target {target!r} has type {type(target).__name__} but a Callable is expected")
        if op != "call_function" and not isinstance(target, str):
            raise ValueError(f"Node [graph = {graph}, name = '{name}'] target {target!r} has type {type(target).__name__} but a str is expected")
        self.graph, self.name, self.op, self.target, self.type = graph, name, op, target, return_type
        self.users, self._inputs = {}, {}
        self.meta = {}
        self._args, self._kwargs = (), {}
        self._previous = self._next = self
        self._erased = False
        self._set(args, kwargs)

    # ------------------------------------------------------------------------ arguments

    def _set(self, args, kwargs):
        for node in self._inputs:
            node.users.pop(self, None)
        self._inputs = {}
        keep = lambda node: self._inputs.setdefault(node)  # noqa: E731
        self._args = map_arg(tuple(args), lambda node: (keep(node), node)[1])
        self._kwargs = map_arg(dict(kwargs), lambda node: (keep(node), node)[1])
        for node in self._inputs:
            node.users[self] = None

    @property
    def args(self):
        return self._args

    @args.setter
    def args(self, args):
        self._set(args, self._kwargs)

    @property
    def kwargs(self):
        return self._kwargs

    @kwargs.setter
    def kwargs(self, kwargs):
        self._set(self._args, kwargs)

    @property
    def all_input_nodes(self):
        """The nodes whose results this one takes, each once, in the order of the arguments."""
        return list(self._inputs)

    def update_arg(self, idx, arg):
        """Put another argument in the place of number `idx`."""
        args = list(self._args)
        args[idx] = arg
        self.args = tuple(args)

    def insert_arg(self, idx, arg):
        """Put an argument before number `idx`."""
        if not 0 <= idx <= len(self._args):
            raise AssertionError(f"insert_arg: index {idx} is not between 0 and {len(self._args)}.")
        self.args = (*self._args[:idx], arg, *self._args[idx:])

    def update_kwarg(self, key, arg):
        """Give a keyword argument."""
        self.kwargs = {**self._kwargs, key: arg}

    def replace_input_with(self, old_input, new_input):
        """Take `new_input` wherever `old_input` was taken."""
        swap = lambda node: new_input if node is old_input else node  # noqa: E731
        self._set(map_arg(self._args, swap), map_arg(self._kwargs, swap))

    def replace_all_uses_with(self, replace_with, delete_user_cb=lambda user: True, *, propagate_meta=False):
        """Let every user of this node (of which `delete_user_cb` is true) take `replace_with` instead; the list of these users."""
        if propagate_meta:
            if replace_with.meta:
                raise AssertionError("replace_all_uses_with: propagate_meta=True, but the new node has meta data already.")
            replace_with.meta.update(self.meta)
        changed = [user for user in self.users if user is not replace_with and delete_user_cb(user)]
        for user in changed:
            user.replace_input_with(self, replace_with)
        return changed

    # ---------------------------------------------------------------------------- place

    @property
    def next(self):
        """The node that runs after this one."""
        return self._next

    @property
    def prev(self):
        """The node that runs before this one."""
        return self._previous

    def prepend(self, x):
        """Move node `x` to right before this one."""
        if x.graph is not self.graph:
            raise AssertionError("prepend: the nodes are of different graphs.")
        if x is self:
            return
        x._unlink()
        x._previous, x._next = self._previous, self
        self._previous._next = x
        self._previous = x

    def append(self, x):
        """Move node `x` to right after this one."""
        if x is not self._next:
            self._next.prepend(x)

    def _unlink(self):
        self._previous._next, self._next._previous = self._next, self._previous
        self._previous = self._next = self

    # ----------------------------------------------------------------------------- text

    @property
    def stack_trace(self):
        """Where the call stood in the program that was traced; None where it is not known."""
        return self.meta.get("stack_trace")

    @stack_trace.setter
    def stack_trace(self, trace):
        self.meta["stack_trace"] = trace

    def is_impure(self, impure_random=True):
        """Whether it does something besides giving its result, so that it must stay; drawing random numbers counts unless told otherwise."""
        if self.op in ("placeholder", "output"):
            return True
        if self.op in ("call_function", "call_method"):
            called = getattr(Tensor, self.target, None) if self.op == "call_method" else self.target
            source = getattr(getattr(called, "__wrapped__", None), "__module__", None) or ""
            return (called in _impure or "out" in self._kwargs or _in_place(getattr(called, "__name__", ""))
                    or impure_random and source.startswith("pyxtorch.ops.random"))  # fmt: skip
        module = self._module()  # one that trains may count batches, or draw random numbers
        return self.op == "call_module" and (module is None or module.training)

    def _module(self):
        root = self.graph.owning_module
        try:
            return None if root is None or self.op != "call_module" else root.get_submodule(self.target)
        except AttributeError:
            return None

    def format_node(self, placeholder_names=None, maybe_return_typename=None, *, include_tensor_metadata=False):
        """The node as a line of the graph's text."""
        uses = f"[num_users={len(self.users)}]"
        if self.op == "placeholder":
            text = f"%{self.name} : {uses} = placeholder[target={self.target}]"
            return text + (f"(default={self._args[0]})" if self._args else "")
        if self.op == "get_attr":
            return f"%{self.name} : {uses} = get_attr[target={self.target}]"
        if self.op == "output":
            return f"return {_text(self._args[0])}"
        kwargs = "{" + ", ".join(f"{k}: {_text(v)}" for k, v in self._kwargs.items()) + "}"
        return f"%{self.name} : {uses} = {self.op}[target={qualified_name(self.target)}](args = {_text(self._args)}, kwargs = {kwargs})"

    def __repr__(self):
        return self.name


def _in_place(name):
    return name.endswith("_") and not name.endswith("__")


def _text(a):
    """Arguments in which a node is %name."""
    if isinstance(a, Node):
        return f"%{a.name}"
    if isinstance(a, tuple):
        return f"({', '.join(map(_text, a))}{',' if len(a) == 1 else ''})"
    if isinstance(a, list):
        return f"[{', '.join(map(_text, a))}]"
    if isinstance(a, dict):
        return "{" + ", ".join(f"{k}: {_text(v)}" for k, v in a.items()) + "}"
    if isinstance(a, slice):
        return f"slice({_text(a.start)}, {_text(a.stop)}, {_text(a.step)})"
    return qualified_name(a) if callable(a) and hasattr(a, "__name__") else str(a)
