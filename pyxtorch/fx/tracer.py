"""Running a module's forward with proxies, and what of it becomes a node."""
import builtins
import functools
import inspect
import math
import sys

from pyxtorch import Tensor
from pyxtorch.fx.graph import Graph
from pyxtorch.fx.graph_module import GraphModule
from pyxtorch.fx.node import has_side_effect, map_aggregate
from pyxtorch.fx.proxy import Proxy, TracerBase
from pyxtorch.nn import Module, Parameter, Sequential

__all__ = ["PH", "ProxyableClassMeta", "Tracer", "symbolic_trace", "wrap"]


class _Placeholder:
    """PH in `concrete_args`: this part stays an argument."""

    def __repr__(self):
        return "PH"


PH = _Placeholder()
_wrapped = {}  # (id of a module's globals, name): the globals


@has_side_effect
def check_specialized(value, expected, name):
    """AssertionError unless an argument is what the program was traced for."""
    if value is not expected and not (type(value) is type(expected) and value == expected):
        raise AssertionError(f"{name} has been specialized to have value {expected!r} but got {value!r}. Trace again with other concrete_args.")


class Tracer(TracerBase):
    """Records a module or a function. Subclasses say by `is_leaf_module` which modules stay calls, and may change every other method."""

    def __init__(self, autowrap_modules=(math,), autowrap_functions=(), param_shapes_constant=False):
        self._autowrap_modules, self._autowrap_functions = autowrap_modules, autowrap_functions
        self.param_shapes_constant = param_shapes_constant
        self.root, self.tensor_attrs = None, {}

    # ------------------------------------------------------------------------ modules

    def is_leaf_module(self, m, module_qualified_name):
        """Whether a call of `m` is one node: by default for the layers of `nn`, except Sequential."""
        return m.__module__.startswith(("pyxtorch.nn", "torch.nn")) and not isinstance(m, Sequential)

    def path_of_module(self, mod):
        """The dotted name of a module below the root; NameError if it is not there."""
        for name, module in self.root.named_modules():
            if module is mod:
                return name
        raise NameError("module is not installed as a submodule")

    def call_module(self, m, forward, args, kwargs):
        """What a call of module `m` becomes; `forward` runs it, which records what is inside."""
        path = self.path_of_module(m)
        if not self.is_leaf_module(m, path):
            return forward(*args, **kwargs)
        return self.create_proxy("call_module", path, args, kwargs)

    def getattr(self, attr, attr_val, parameter_proxy_cache):
        """What reading a parameter gives: the value of a node, one for each parameter."""
        path = self.tensor_attrs.get(id(attr_val))
        if path is None:
            return attr_val
        if path not in parameter_proxy_cache:
            parameter_proxy_cache[path] = self.create_proxy("get_attr", path, (), {})
        return parameter_proxy_cache[path]

    def create_arg(self, a):
        if isinstance(a, Tensor):
            return self.create_node("get_attr", self._attribute_of(a), (), {})
        if isinstance(a, Module):
            return self.create_node("get_attr", self.path_of_module(a), (), {})
        return super().create_arg(a)

    def _attribute_of(self, tensor):
        """The name by which the root holds a tensor; it is given one where it has none."""
        path = self.tensor_attrs.get(id(tensor))
        if path is None:
            if isinstance(tensor, Parameter):
                raise NameError("parameter is not a member of this module")
            number = 0
            while hasattr(self.root, f"_tensor_constant{number}"):
                number += 1
            path = f"_tensor_constant{number}"
            setattr(self.root, path, tensor)
            self.tensor_attrs[id(tensor)] = path
        return path

    def _collect(self, module, prefix, seen):
        """The names of all tensors that are attributes of the root or of modules below it."""
        if id(module) in seen:
            return
        seen.add(id(module))
        for members in (module._parameters, module._buffers, vars(module)):
            for name, value in members.items():
                if isinstance(value, Tensor):
                    self.tensor_attrs.setdefault(id(value), f"{prefix}{name}")
        for name, child in module.named_children():
            self._collect(child, f"{prefix}{name}.", seen)

    # ------------------------------------------------------------------------ the run

    def trace(self, root, concrete_args=None):
        """Run `root`, a module or a function, with proxies for arguments; gives the Graph."""
        is_module = isinstance(root, Module)
        self.root, function = (root, root.forward) if is_module else (Module(), root)
        self.graph = Graph(tracer_cls=type(self))
        self.tensor_attrs = {}
        self._collect(self.root, "", set())
        proxies, named = self.create_args_for_root(function, is_module, concrete_args)
        with _Patches(self, function):
            result = function(*proxies, **named)
        self.create_node("output", "output", (self.create_arg(result),), {}, type_expr=getattr(function, "__annotations__", {}).get("return"))
        return self.graph

    def create_args_for_root(self, root_fn, is_module, concrete_args=None):
        """Placeholders of a function's arguments: proxies for those by position, and by name for keyword-only ones.

        Of `*args` and `**kwargs` nobody knows how many there are: the program is traced without any.
        """
        concrete = concrete_args or {}
        parameters = [p for p in inspect.signature(root_fn).parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        unknown = set(concrete) - {p.name for p in parameters}
        if unknown:
            raise RuntimeError(f"concrete_args names {sorted(unknown)}, but the arguments are {[p.name for p in parameters]}.")
        proxies, named = [], {}
        for p in parameters:
            default = () if p.default is p.empty else (self.create_arg(p.default),)
            proxy = self.create_proxy("placeholder", p.name, default, {}, name=p.name, type_expr=None if p.annotation is p.empty else p.annotation)
            value = self._specialized(proxy, concrete[p.name], p.name) if p.name in concrete else proxy
            if p.kind == p.KEYWORD_ONLY:
                named[p.name] = value
            else:
                proxies.append(value)
        return proxies, named

    def _specialized(self, proxy, value, name):
        """An argument that is known: the value, PH in it replaced by the part of the argument that stands there."""
        if value is PH:
            return proxy
        if isinstance(value, (tuple, list)):
            return type(value)(self._specialized(proxy[i], v, f"{name}[{i}]") for i, v in enumerate(value))
        if isinstance(value, dict):
            return {k: self._specialized(proxy[k], v, f"{name}[{k!r}]") for k, v in value.items()}
        self.create_proxy("call_function", check_specialized, (proxy, value, name), {})
        return value


class _Patches:
    """While a tracer runs: calls of modules, functions of `math`, and what `wrap` named are recorded."""

    def __init__(self, tracer, function):
        self.tracer, self.function, self.undo = tracer, function, []

    def _set(self, space, name, value):
        if isinstance(space, dict):
            self.undo.append((space.__setitem__, name, space[name]))
            space[name] = value
        else:
            self.undo.append((functools.partial(setattr, space), name, getattr(space, name)))
            setattr(space, name, value)

    def __enter__(self):
        tracer, call = self.tracer, Module.__call__

        def traced_call(self, *args, **kwargs):
            return tracer.call_module(self, functools.partial(call, self), args, kwargs)

        def traced_attribute(self, name):
            value = object.__getattribute__(self, name)
            if isinstance(value, Parameter):
                return tracer.getattr(name, value, proxies)
            return value

        proxies = {}
        self._set(Module, "__call__", traced_call)
        Module.__getattribute__ = traced_attribute  # a parameter that is computed with is a node
        self.undo.append((lambda *_: delattr(Module, "__getattribute__"), None, None))
        recorded = {}
        for module in tracer._autowrap_modules:
            for name, function in vars(module).items():
                if callable(function) and not name.startswith("_"):
                    recorded[id(function)] = _recording(function)
                    self._set(module, name, recorded[id(function)])
        for function in tracer._autowrap_functions:
            recorded[id(function)] = _recording(function)
        space = getattr(inspect.unwrap(self.function), "__globals__", {})
        for name, value in list(space.items()):
            if id(value) in recorded and value is not recorded[id(value)]:
                self._set(space, name, recorded[id(value)])
        for (_, name), space in _wrapped.items():
            if name in space:
                self._set(space, name, _recording(space[name]))
            elif hasattr(builtins, name):
                space[name] = _recording(getattr(builtins, name))
                self.undo.append((lambda key, _, space=space: space.pop(key), name, None))
        return self

    def __exit__(self, *exc):
        for put, name, value in reversed(self.undo):
            put(name, value)


def _recording(function):
    """`function`, which becomes a node where an argument is a proxy."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        found = []
        map_aggregate((args, kwargs), lambda a: found.append(a) if isinstance(a, Proxy) else None)
        if not found:
            return function(*args, **kwargs)
        return found[0].tracer.create_proxy("call_function", function, args, kwargs)

    return wrapper


def wrap(fn_or_name):
    """Let calls of a function be nodes, instead of what it does inside: `wrap("name")` at a module's top level, or a decorator."""
    if not callable(fn_or_name) and not isinstance(fn_or_name, str):
        raise RuntimeError("Unsupported type for global function! Must be either a callable or string name")
    name = fn_or_name if isinstance(fn_or_name, str) else fn_or_name.__name__
    frame = sys._getframe(1)
    if frame.f_code.co_name != "<module>":
        raise NotImplementedError("wrap must be called at the top level of a module")
    _wrapped[id(frame.f_globals), name] = frame.f_globals
    return fn_or_name


class ProxyableClassMeta(type):
    """A class whose objects, made from proxies while tracing, become calls of the class in the graph."""

    def __call__(cls, *args, **kwargs):
        found = []
        map_aggregate((args, kwargs), lambda a: found.append(a) if isinstance(a, Proxy) else None)
        instance = cls.__new__(cls)
        if not found:
            instance.__init__(*args, **kwargs)
            return instance
        tracer = found[0].tracer

        class Traced(cls, Proxy):
            def __init__(self, node, tracer):
                Proxy.__init__(self, node, tracer)

        proxy = tracer.create_proxy("call_function", cls, args, kwargs, proxy_factory_fn=lambda node: type.__call__(Traced, node, tracer))
        cls.__init__(proxy, *args, **kwargs)
        return proxy


def symbolic_trace(root, concrete_args=None):
    """The GraphModule of a module or function, run once with proxies; arguments in `concrete_args` are fixed to their values."""
    tracer = Tracer()
    graph = tracer.trace(root, concrete_args)
    return GraphModule(tracer.root, graph, type(root).__name__ if isinstance(root, Module) else root.__name__)
