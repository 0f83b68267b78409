"""A value that is not known yet: what is done to it becomes nodes of a graph."""
import dis
import operator
import sys
import types

from pyxtorch import Size, device, dtype
from pyxtorch.fx.node import Node, map_aggregate

__all__ = ["Attribute", "GraphAppendingTracer", "Proxy", "TraceError", "TracerBase"]

_CONSTANTS = (str, int, float, bool, complex, bytes, dtype, device, type(None), type(...), types.BuiltinFunctionType, types.FunctionType, type)


class TraceError(ValueError):
    """What the program does depends on values that tracing does not know."""


class Proxy:
    """The result of `node` while `tracer` records: operations on it add nodes to the graph."""

    def __init__(self, node, tracer=None):
        self.tracer, self.node = tracer if tracer is not None else GraphAppendingTracer(node.graph), node

    def __repr__(self):
        return f"Proxy({self.node.name})"

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__") and name not in ("__len__",):
            raise AttributeError(f"a traced value has no attribute {name!r}.")
        return Attribute(self, name)

    def __deepcopy__(self, memo):
        return Proxy(self.node, self.tracer)

    def __call__(self, *args, **kwargs):
        return self.tracer.create_proxy("call_method", "__call__", (self, *args), kwargs)

    def __iter__(self):
        # `a, b = proxy` says how many there are: the instruction that asks is read.
        frame = sys._getframe(1)
        for instruction in dis.get_instructions(frame.f_code):
            if instruction.offset == frame.f_lasti:
                if instruction.opname == "UNPACK_SEQUENCE":
                    return (self[i] for i in range(instruction.argval))
                break
        return self.tracer.iter(self)

    def __bool__(self):
        return self.tracer.to_bool(self)

    def __len__(self):
        raise RuntimeError("'len' is not supported in symbolic tracing by default. If you want this call to be recorded, please call torch.fx.wrap('len') at module scope")

    def __abs__(self):
        return self.tracer.create_proxy("call_function", abs, (self,), {})

    def __contains__(self, item):
        raise TraceError("`in` with a traced value is not known while tracing: it depends on its elements.")

    def __index__(self):
        raise TraceError("a traced value is used as an index or a size, but which it is is not known while tracing. Give it in concrete_args, or wrap the function with torch.fx.wrap.")

    __int__ = __index__

    def __float__(self):
        raise TraceError("a traced value is made a Python number, but which it is is not known while tracing. Wrap the function with torch.fx.wrap.")

    def __setitem__(self, key, value):
        self.tracer.create_proxy("call_function", operator.setitem, (self, key, value), {})

    def keys(self):
        return self.tracer.keys(self)

    @classmethod
    def __torch_function__(cls, orig_method, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tracers = {}
        map_aggregate((args, kwargs), lambda a: tracers.setdefault(a.tracer) if isinstance(a, Proxy) else None)
        if len(tracers) != 1:
            raise RuntimeError(f"Found multiple different tracers {list(tracers)} while trying to trace operations {orig_method}")
        tracer = next(iter(tracers))
        name = getattr(orig_method, "__name__", "")
        if name == "__get__":  # a property
            return tracer.create_proxy("call_function", getattr, (args[0], orig_method.__self__.__name__), {})
        if getattr(orig_method, "__qualname__", "").startswith(("Tensor.", "Variable.", "TensorBase.")):
            return tracer.create_proxy("call_method", name, args, kwargs)
        if name == "einsum" and len(args) == 2 and isinstance(args[1], (list, tuple)):      # its operands one by one, as in PyTorch's graphs
            args = (args[0], *args[1])
        return tracer.create_proxy("call_function", orig_method, args, kwargs)


class Attribute(Proxy):
    """An attribute of a proxy: a method where it is called, a value where it is used."""

    def __init__(self, root, attr):
        self.root, self.attr, self.tracer, self._node = root, attr, root.tracer, None

    @property
    def node(self):
        if self._node is None:
            self._node = self.tracer.create_proxy("call_function", getattr, (self.root, self.attr), {}).node
        return self._node

    def __call__(self, *args, **kwargs):
        return self.tracer.create_proxy("call_method", self.attr, (self.root, *args), kwargs)


def _operator_method(function, reflected=False):
    def method(self, *others):
        args = (*others, self) if reflected else (self, *others)
        return self.tracer.create_proxy("call_function", function, args, {})

    return method


for _name in ("add", "sub", "mul", "floordiv", "truediv", "mod", "pow", "lshift", "rshift", "matmul"):
    setattr(Proxy, f"__{_name}__", _operator_method(getattr(operator, _name)))
    setattr(Proxy, f"__r{_name}__", _operator_method(getattr(operator, _name), True))
    setattr(Proxy, f"__i{_name}__", _operator_method(getattr(operator, f"i{_name}")))
for _name in ("and", "or", "xor"):
    setattr(Proxy, f"__{_name}__", _operator_method(getattr(operator, f"__{_name}__")))
    setattr(Proxy, f"__r{_name}__", _operator_method(getattr(operator, f"__{_name}__"), True))
for _name in ("eq", "ne", "lt", "gt", "le", "ge", "pos", "neg", "invert", "getitem"):
    setattr(Proxy, f"__{_name}__", _operator_method(getattr(operator, _name)))
Proxy.__hash__ = object.__hash__


class TracerBase:
    """Turns calls into nodes of `graph`."""

    graph = None

    def create_node(self, kind, target, args, kwargs, name=None, type_expr=None):
        """Add the node of a call whose arguments are nodes and constants."""
        return self.graph.create_node(kind, target, args, kwargs, name, type_expr)

    def proxy(self, node):
        """The value that stands for a node's result."""
        return Proxy(node, self)

    def create_proxy(self, kind, target, args, kwargs, name=None, type_expr=None, proxy_factory_fn=None):
        """Add the node of a call and give its result."""
        args, kwargs = self.create_arg(tuple(args)), self.create_arg(dict(kwargs))
        node = self.create_node(kind, target, args, kwargs, name, type_expr)
        return (proxy_factory_fn or self.proxy)(node)

    def create_arg(self, a):
        """An argument as nodes and constants; NotImplementedError for what a graph cannot hold."""
        if isinstance(a, Proxy):
            return a.node
        if isinstance(a, Node) or hasattr(a, "__fx_create_arg__"):
            return a if isinstance(a, Node) else a.__fx_create_arg__(self)
        if isinstance(a, Size):
            return tuple(map(int, a))
        if isinstance(a, tuple) and hasattr(a, "_fields"):
            return type(a)(*map(self.create_arg, a))
        if isinstance(a, (tuple, list)):
            return type(a)(map(self.create_arg, a)) if type(a) in (tuple, list) else [self.create_arg(x) for x in a]
        if isinstance(a, dict):
            for key in a:
                map_aggregate(key, self._no_proxy)
            return {key: self.create_arg(value) for key, value in a.items()}
        if isinstance(a, slice):
            return slice(self.create_arg(a.start), self.create_arg(a.stop), self.create_arg(a.step))
        if isinstance(a, range):
            return range(self.create_arg(a.start), self.create_arg(a.stop), self.create_arg(a.step))
        if isinstance(a, _CONSTANTS) or callable(a) and hasattr(a, "__name__"):
            return a
        raise NotImplementedError(f"argument of type: {type(a)}")

    @staticmethod
    def _no_proxy(a):
        if isinstance(a, Proxy):
            raise RuntimeError("Keys for dictionaries used as an argument cannot contain a Node. Got key that does.")

    def to_bool(self, obj):
        """Asked for the truth of a proxy."""
        raise TraceError(
            "symbolically traced variables cannot be used as inputs to control flow: an if, while, and, or, assert needs a value that is not known "
            "while tracing. Give the argument in concrete_args, or move the branch into a function under torch.fx.wrap."
        )

    def iter(self, obj):
        """Asked for an iterator of a proxy."""
        raise TraceError(
            "Proxy object cannot be iterated. This can be attempted when the Proxy is used in a loop or as a *args or **kwargs function argument. "
            "How often it would run is not known while tracing."
        )

    def keys(self, obj):
        """Asked for the keys of a proxy, for `**proxy`."""
        return obj.tracer.create_proxy("call_method", "keys", (obj,), {})


class GraphAppendingTracer(TracerBase):
    """Adds to a graph that exists already."""

    def __init__(self, graph):
        self.graph = graph
