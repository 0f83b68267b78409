"""What a function does with its example inputs, as a graph: every operation that passes the gate becomes a node.

The function runs on real tensors. Sizes that it reads are ints of a class of their own, whose arithmetic is recorded too, so that
`x.view(x.size(0), -1)` is right for other sizes. What Python decides by a number (`if`, `range`, `int(x)`) is decided once.
"""
import operator
import threading
import warnings
from contextlib import contextmanager

import pyxtorch
from pyxtorch import Size, Tensor
from pyxtorch.fx.graph import Graph
from pyxtorch.fx.node import Node, map_aggregate
from pyxtorch.overrides import TorchFunctionMode, resolve_name

_thread = threading.local()


class TracerWarning(Warning):
    """A trace holds for the example inputs, and maybe not for others."""


def active():
    """The recorder of this thread that is at work, or None."""
    return getattr(_thread, "recorder", None)


# ------------------------------------------------------------------------------------ numbers

_BINARY = "add sub mul floordiv truediv mod pow".split()


def _decided(value, how):
    warnings.warn(
        f"Converting a tensor's {how} to a Python value might cause the trace to be incorrect: it is a constant in the trace, {value!r}.", TracerWarning, stacklevel=3
    )


class _Traced:
    """A number that a node gives."""

    def __index__(self):
        return self.plain()

    def __hash__(self):
        return hash(self.plain())

    def __reduce__(self):
        return type(self.plain()), (self.plain(),)


def _recorded(name, reverse):
    function = getattr(operator, name)

    def method(self, other):
        if not isinstance(other, (int, float)):
            return NotImplemented
        a, b = (other, self) if reverse else (self, other)
        value = function(_plain(a), _plain(b))
        recorder = active()
        return value if recorder is None else recorder.number(value, recorder.graph.call_function(function, (recorder.argument(a), recorder.argument(b))))

    return method


def _negated(self):
    recorder = active()
    return -self.plain() if recorder is None else recorder.number(-self.plain(), recorder.graph.call_function(operator.neg, (recorder.argument(self),)))


_methods = {f"__{name}__": _recorded(name, False) for name in _BINARY} | {f"__r{name}__": _recorded(name, True) for name in _BINARY} | {"__neg__": _negated}
TracedInt = type("TracedInt", (_Traced, int), {**_methods, "plain": int.__int__, "__int__": int.__int__})
TracedFloat = type("TracedFloat", (_Traced, float), {**_methods, "plain": float.__float__})


def _plain(x):
    return x.plain() if isinstance(x, _Traced) else x


# ---------------------------------------------------------------------------------- recording

_SIZES = ("torch.Tensor.shape.__get__", "torch.Tensor.size", "torch.Tensor.numel", "torch.Tensor.nelement", "torch.numel")
_LEAVE = ("item", "tolist", "numpy", "__bool__", "__int__", "__float__", "__index__", "__array__", "__contains__")
_SETTINGS = ("torch.manual_seed", "torch.seed", "torch.initial_seed", "torch.get_rng_state")


class Recorder(TorchFunctionMode):
    """Records into `graph`, for a program whose tensors are the arguments given to `input` and the named tensors of `root`."""

    def __init__(self, root=None):
        self.graph, self.constants = Graph(), {}
        self.nodes, self.kept, self.sizes = {}, [], []
        self.names = {}
        if root is not None:
            for name, tensor in [*root.named_parameters(remove_duplicate=False), *root.named_buffers(remove_duplicate=False)]:
                self.names.setdefault(id(tensor), name)

    # ---------------------------------------------------------------------------- what is known

    def know(self, value, node):
        """`value` is what `node` gives; containers are taken apart. Gives what the program is to see of it."""
        if isinstance(value, Tensor):
            self.nodes[id(value)] = node
            self.kept.append(value)
            return value
        if type(value) in (int, float):
            return self.number(value, node)
        if isinstance(value, (tuple, list)):
            parts = [self.know(part, self._part(node, i)) for i, part in enumerate(value)]
            if type(value) in (tuple, list, Size):
                return type(value)(parts)
        elif isinstance(value, dict):
            parts = {key: self.know(part, self._part(node, key)) for key, part in value.items()}
            if type(value) is dict:
                return parts
        return value

    def _part(self, node, place):
        part = self.graph.call_function(operator.getitem, (node, place))
        self.sizes.append(part)
        return part

    def number(self, value, node):
        """A number that the program may go on computing with."""
        traced = (TracedInt if isinstance(value, int) else TracedFloat)(value)
        traced.node = node
        return traced

    def input(self, name, value):
        """A placeholder for an argument. Numbers in it are those of the example."""
        node = self.graph.placeholder(name)
        self._tensors_of(value, node)

    def _tensors_of(self, value, node):
        if isinstance(value, Tensor):
            self.know(value, node)
        elif isinstance(value, (tuple, list)):
            for i, part in enumerate(value):
                self._tensors_of(part, self._part(node, i))
        elif isinstance(value, dict):
            for key, part in value.items():
                self._tensors_of(part, self._part(node, key))

    def argument(self, value):
        """What stands for a value in the graph."""
        if isinstance(value, Tensor):
            return self.nodes.get(id(value)) or self._named(value) or self._alias(value) or self._constant(value)
        return value.node if isinstance(value, _Traced) else value

    def _named(self, tensor):
        name = self.names.get(id(tensor))
        if name is None:
            return None
        return self._held(name, tensor)

    def _held(self, name, tensor):
        node = self.nodes[id(tensor)] = self.graph.get_attr(name)
        self.kept.append(tensor)
        return node

    def _alias(self, tensor):
        """A function of the user's (autograd.Function) may give another object for the same elements."""
        if tensor.is_sparse or tensor.is_nested or not tensor.numel():
            return None
        place = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        for known in self.kept:
            if not known.is_sparse and not known.is_nested and known.numel() and (known.data_ptr(), known.shape, known.stride(), known.dtype) == place:
                return self.nodes[id(known)]
        return None

    def _constant(self, tensor):
        if tensor.requires_grad:
            raise RuntimeError(
                "trace: a tensor that requires grad, and is neither an input nor a parameter, cannot be a constant of the trace. Make it a parameter or an "
                "input of what is traced, or detach it."
            )
        name = f"_constant{len(self.constants)}"
        self.constants[name] = tensor
        return self._held(name, tensor)

    # ---------------------------------------------------------------------------- what happens

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        plain_args, plain_kwargs = map_aggregate(tuple(args), _plain), map_aggregate(dict(kwargs), _plain)
        name = resolve_name(func) or ""
        last = name.rpartition(".")[2]
        if last in _LEAVE:
            value = func(*plain_args, **plain_kwargs)
            if last != "__contains__":
                _decided(value if isinstance(value, (bool, int, float)) else "...", "elements")
            return value
        given = map_aggregate(tuple(args), self.argument), map_aggregate(dict(kwargs), self.argument)
        result = func(*plain_args, **plain_kwargs)
        if name in _SETTINGS:
            return result
        if last == "__get__" and (isinstance(result, Tensor) or name in _SIZES):
            return self._result(result, getattr, (given[0][0], name.split(".")[-2]), {}, name in _SIZES)
        if name in _SIZES or last in ("__setitem__", "__delitem__") or _has_tensor(result):
            return self._result(result, func, *given, name in _SIZES)
        return result

    def _result(self, result, func, args, kwargs, is_size):
        node = self.graph.call_function(func, args, kwargs)
        if is_size:
            self.sizes.append(node)
        if is_size or not isinstance(result, (int, float)):
            return self.know(result, node)
        return result

    def opaque(self, function, args, kwargs):
        """A call that stays one node, whatever it does inside."""
        given = map_aggregate(tuple(args), self.argument), map_aggregate(dict(kwargs), self.argument)
        before, _thread.recorder = active(), None
        try:
            with pyxtorch.overrides.DisableTorchFunction():
                result = function(*map_aggregate(tuple(args), _plain), **map_aggregate(dict(kwargs), _plain))
        finally:
            _thread.recorder = before
        return self.know(result, self.graph.call_function(function, *given))

    @contextmanager
    def at_work(self):
        """Records what this thread does meanwhile."""
        before = active()
        _thread.recorder = self
        try:
            with self:
                yield self
        finally:
            _thread.recorder = before

    def finish(self, result):
        """Ends the graph with what the program returned."""
        self.graph.output(map_aggregate(result, self.argument))
        for node in reversed(self.sizes):
            if not node.users and not node._erased:
                self.graph.erase_node(node)
        return self.graph


def _has_tensor(value):
    if isinstance(value, (tuple, list)):
        return any(map(_has_tensor, value))
    return isinstance(value, Tensor)


# -------------------------------------------------------------------------------- running again

class Program:
    """A graph that runs: no text is made of it."""

    def __init__(self, graph):
        self.graph = graph
        self.placeholders = [node for node in graph.nodes if node.op == "placeholder"]
        last = {used: node for node in graph.nodes for used in node.all_input_nodes}
        self.done = {}
        for used, node in last.items():
            self.done.setdefault(node, []).append(used)

    def bind(self, args, kwargs, name):
        """The values of the placeholders.

        Raises:
            TypeError: an argument is missing, or there are too many.
        """
        if len(args) > len(self.placeholders):
            raise TypeError(f"{name}: expected {len(self.placeholders)} arguments, got {len(args)}.")
        values, kwargs = dict(zip(self.placeholders, args)), dict(kwargs)
        for node in self.placeholders[len(args) :]:
            if node.target in kwargs:
                values[node] = kwargs.pop(node.target)
            elif node.args:
                values[node] = node.args[0]
            else:
                raise TypeError(f"{name}: missing argument {node.target!r}.")
        if kwargs:
            raise TypeError(f"{name}: unexpected arguments {sorted(kwargs)}; expected are {[node.target for node in self.placeholders]}.")
        return values

    def run(self, root, args, kwargs=None, name="forward"):
        """Run with the tensors and modules of `root`."""
        values = self.bind(args, kwargs or {}, name)
        for node in self.graph.nodes:
            if node.op == "output":
                return _filled(node.args[0], values)
            if node.op != "placeholder":
                values[node] = _RUN[node.op](root, node.target, _filled(node.args, values), _filled(node.kwargs, values))
            for used in self.done.get(node, ()):
                del values[used]
        return None


def _filled(given, values):
    return map_aggregate(given, lambda x: values[x] if isinstance(x, Node) else x)


def _member(root, target):
    for name in target.split("."):
        root = getattr(root, name)
    return root


_RUN = {
    "get_attr": lambda root, target, args, kwargs: _member(root, target),
    "call_function": lambda root, target, args, kwargs: target(*args, **kwargs),
    "call_method": lambda root, target, args, kwargs: getattr(args[0], target)(*args[1:], **kwargs),
    "call_module": lambda root, target, args, kwargs: _member(root, target)(*args, **kwargs),
}
