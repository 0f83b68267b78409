"""Graphs as plain values and back. What a file names is looked up among the operations, and never imported or evaluated."""
import builtins
import functools
import math
import operator

from pyxtorch import Tensor, _dtype
from pyxtorch._core import Size, device, dtype
from pyxtorch._gate import Operation
from pyxtorch.fx.graph import Graph
from pyxtorch.fx.node import Node
from pyxtorch.overrides import _known, resolve_name

_OPERATORS = """
abs add and_ concat contains eq floordiv ge getitem gt iadd iand ifloordiv ilshift imatmul imod imul index inv invert ior ipow irshift isub itruediv ixor
is_ is_not le lshift lt matmul mod mul ne neg not_ or_ pos pow rshift setitem delitem sub truediv truth xor
""".split()  # fmt: skip
_BUILTINS = "abs bool float getattr int isinstance len max min round slice sum tuple list".split()
_REFUSED = ("torch.from_file", "torch.load", "torch.save")  # operations that touch files
_PLAIN = (type(None), bool, int, float, complex, str)
_FORMATS = {repr(f): f for f in (_dtype.channels_last, _dtype.channels_last_3d, _dtype.contiguous_format, _dtype.preserve_format)}


@functools.lru_cache(1)
def _functions():
    """Name to function, of all that a graph may call."""
    found = {}
    for function, name in _known()[2].items():
        if name.startswith("torch.Tensor.") or type(function) is Operation:
            found[name] = function
    for name in _REFUSED:
        found.pop(name, None)
    found |= {f"operator.{name}": getattr(operator, name) for name in _OPERATORS}
    found |= {f"builtins.{name}": getattr(builtins, name) for name in _BUILTINS}
    return found | {f"math.{name}": getattr(math, name) for name in dir(math) if callable(getattr(math, name)) and not name.startswith("_")}


@functools.lru_cache(1)
def _names():
    return {function: name for name, function in _functions().items()}


class NotPlain(RuntimeError):
    """A graph holds something that has no name in a file."""


def encode(graph):
    """A graph as nested lists of strings and numbers.

    Raises:
        NotPlain: it calls something else than operations, or holds something else than numbers, dtypes and the like.
    """
    places = {node: i for i, node in enumerate(graph.nodes)}

    def value(a):
        if isinstance(a, Node):
            return ["node", places[a]]
        if type(a) in (tuple, list) or isinstance(a, Size):
            return ["list" if type(a) is list else "size" if isinstance(a, Size) else "tuple", [value(x) for x in a]]
        if type(a) is dict:
            return ["dict", [[value(k), value(v)] for k, v in a.items()]]
        if type(a) is slice:
            return ["slice", [value(a.start), value(a.stop), value(a.step)]]
        if a is ...:
            return ["ellipsis", None]
        if repr(a) in _FORMATS and a is _FORMATS[repr(a)]:
            return ["format", repr(a)]
        if type(a) in _PLAIN or isinstance(a, (dtype, device, _dtype.layout)):
            return ["value", a]
        if isinstance(a, type) and a in (Tensor, int, float, bool, str, tuple, list):
            return ["type", a.__name__]
        raise NotPlain(f"save: the program holds a {type(a).__name__}, which has no name in a file.")

    def target(node):
        if node.op != "call_function":
            return node.target
        name = _names().get(node.target) or (resolve_name(node.target) if type(node.target) is Operation else None)
        if name not in _functions():
            raise NotPlain(f"save: the program calls {getattr(node.target, '__qualname__', node.target)!r}, which is no operation.")
        return name

    return [[node.name, node.op, target(node), value(node.args), value(node.kwargs)] for node in graph.nodes]


def decode(nodes):
    """The graph of `encode`.

    Raises:
        RuntimeError: it names what is no operation, or is damaged.
    """
    graph, made = Graph(), []
    makers = {"list": list, "tuple": tuple, "size": Size, "slice": lambda parts: slice(*parts)}
    types = {t.__name__: t for t in (Tensor, int, float, bool, str, tuple, list)}

    def value(a):
        kind, x = a
        if kind == "node":
            return made[x]
        if kind in makers:
            return makers[kind]([value(part) for part in x])
        if kind == "dict":
            return {value(k): value(v) for k, v in x}
        if kind == "ellipsis":
            return ...
        if kind == "value" and (type(x) in _PLAIN or isinstance(x, (dtype, device, _dtype.layout))):
            return x
        return {"format": _FORMATS, "type": types}[kind][x]

    try:
        for name, op, target, args, kwargs in nodes:
            if not isinstance(name, str) or not isinstance(target, str):
                raise TypeError("names are strings")
            args, kwargs = value(args), value(kwargs)
            if not all(isinstance(key, str) and key.isidentifier() for key in kwargs) or op == "placeholder" and not target.lstrip("*").isidentifier():
                raise TypeError("arguments have no names")
            if op == "call_function":
                if target not in _functions():
                    raise RuntimeError(f"load: the program calls {target!r}, which is no operation that there is.")
                function = _functions()[target]
                if function is getattr:
                    _check_attribute(args[1])
                target = function
            elif op == "call_method":
                _check_method(target)
            elif op in ("get_attr", "call_module"):
                for part in target.split("."):
                    _check_attribute(part)
            made.append(graph.create_node(op, target, args, kwargs, name))
    except (ValueError, TypeError, LookupError, AttributeError, AssertionError) as error:
        raise RuntimeError(f"load: the program in the file is damaged: {error}") from error
    return graph


def _check_attribute(name):
    if not isinstance(name, str) or not name.isidentifier() and not name.isdigit() or name.startswith("__"):
        raise RuntimeError(f"load: the program reads an attribute {name!r}, which no saved program does.")


def _check_method(name):
    if name.startswith("_") or resolve_name(getattr(Tensor, name, None)) is None:
        raise RuntimeError(f"load: the program calls a method {name!r}, which is no operation of tensors.")


def text(graph, name="forward"):
    """The graph as the text of a function, for reading."""
    return graph.python_code("self").src.replace("def forward(", f"def {name}(").lstrip("\n")


def mentions(graph):
    """The names of the operations in a graph, sorted."""
    found = set()
    for node in graph.nodes:
        if node.op == "call_function":
            found.add(_names().get(node.target) or getattr(node.target, "__qualname__", str(node.target)))
        elif node.op == "call_method":
            found.add(f"torch.Tensor.{node.target}")
    return sorted(found)

