"""From a graph to Python text and back: the source of a forward, and the objects that it names."""
import builtins
import keyword
import linecache
import math
import re

import pyxtorch
from pyxtorch.fx.node import Node, qualified_name

__all__ = ["PythonCode", "compile_forward", "write_forward"]

_INFIX = {
    "add": "+", "sub": "-", "mul": "*", "floordiv": "//", "truediv": "/", "mod": "%", "pow": "**", "lshift": "<<", "rshift": ">>", "and_": "&",
    "or_": "|", "xor": "^", "matmul": "@", "eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=",
}
_IN_PLACE = {f"i{name.strip('_')}": f"{symbol}=" for name, symbol in _INFIX.items() if name not in ("eq", "ne", "lt", "gt", "le", "ge")}
_PREFIX = {"pos": "+", "neg": "-", "invert": "~"}


class PythonCode:
    """src: the text of a function `forward`; globals: what it names besides builtins, by name."""

    def __init__(self, src, globals):
        self.src, self.globals = src, globals


def write_forward(nodes, root="self"):
    """The source of `def forward(self, ...)` that does what `nodes` say."""
    return _Writer(root).forward(list(nodes))


class _Writer:
    def __init__(self, root):
        self.root, self.globals = root, {}

    def name(self, hint, thing):
        """The name by which the text reaches an object."""
        hint = re.sub(r"\W", "_", hint)
        hint = f"_{hint}" if keyword.iskeyword(hint) or hasattr(builtins, hint) or hint[:1].isdigit() else hint
        number, name = 0, hint
        while name in self.taken or self.globals.get(name, thing) is not thing:
            number += 1
            name = f"{hint}_{number}"
        self.globals[name] = thing
        return name

    def function(self, target):
        """The text that a function is called by."""
        if getattr(builtins, getattr(target, "__name__", ""), None) is target and target.__name__ not in self.taken:
            return target.__name__
        path = qualified_name(target)
        if path.startswith("torch.") and self._reaches(path, target):
            self.globals["torch"] = pyxtorch
            return path
        return self.name(path.replace(".", "_") or "function", target)

    def _reaches(self, path, target):
        if "torch" in self.taken:
            return False
        found = pyxtorch
        for part in path.split(".")[1:]:
            found = getattr(found, part, None)
        return found is target

    def value(self, a):
        """The text of an argument."""
        if isinstance(a, Node):
            return a.name
        if isinstance(a, tuple) and hasattr(a, "_fields"):
            return f"{self.name(type(a).__name__, type(a))}({', '.join(map(self.value, a))})"
        if isinstance(a, tuple):
            return f"({', '.join(map(self.value, a))}{',' if len(a) == 1 else ''})"
        if isinstance(a, list):
            return f"[{', '.join(map(self.value, a))}]"
        if isinstance(a, dict):
            return "{" + ", ".join(f"{self.value(k)}: {self.value(v)}" for k, v in a.items()) + "}"
        if isinstance(a, slice):
            return f"slice({self.value(a.start)}, {self.value(a.stop)}, {self.value(a.step)})"
        if a is None or a is ... or isinstance(a, (bool, int, str, bytes)) and type(a) in (bool, int, str, bytes):
            return "..." if a is ... else repr(a)
        if type(a) is float and math.isfinite(a) or type(a) is complex:
            return repr(a)
        if isinstance(a, pyxtorch.dtype) and "torch" not in self.taken:
            self.globals["torch"] = pyxtorch
            return repr(a)
        if callable(a) and hasattr(a, "__name__"):
            return self.function(a)
        return self.name(type(a).__name__.lower(), a)

    def call(self, args, kwargs):
        return ", ".join([*map(self.value, args), *[f"{k} = {self.value(v)}" for k, v in kwargs.items()]])

    def expression(self, node):
        args, kwargs = node.args, node.kwargs
        if node.op == "get_attr":
            return self.member(node.target)
        if node.op == "call_module":
            return f"{self.member(node.target)}({self.call(args, kwargs)})"
        if node.op == "call_method":
            return f"{self.owner(args[0])}.{node.target}({self.call(args[1:], kwargs)})"
        name = getattr(node.target, "__name__", "")
        if getattr(node.target, "__module__", "") == "_operator" and not kwargs:
            if name in _INFIX and len(args) == 2:
                return f"{self.atom(args[0])} {_INFIX[name]} {self.atom(args[1])}"
            if name in _PREFIX:
                return f"{_PREFIX[name]}{self.atom(args[0])}"
            if name == "getitem":
                return f"{self.atom(args[0])}[{self.subscript(args[1])}]"
        if node.target is getattr and len(args) == 2 and isinstance(args[1], str) and args[1].isidentifier():
            return f"{self.owner(args[0])}.{args[1]}"
        return f"{self.function(node.target)}({self.call(args, kwargs)})"

    def subscript(self, a):
        if isinstance(a, tuple) and a and not hasattr(a, "_fields"):
            return ", ".join(map(self.subscript, a)) + ("," if len(a) == 1 else "")
        if isinstance(a, slice):
            start, stop, step = ("" if v is None else self.value(v) for v in (a.start, a.stop, a.step))
            return f"{start}:{stop}" + (f":{step}" if step else "")
        return self.value(a)

    def atom(self, a):
        """An operand: a negative or complex number stands in brackets."""
        text = self.value(a)
        return f"({text})" if isinstance(a, complex) or isinstance(a, (int, float)) and a < 0 else text

    def owner(self, a):
        """What stands before a dot."""
        return self.value(a) if isinstance(a, Node) else f"({self.value(a)})"

    def member(self, target):
        text = self.root
        for part in target.split("."):
            text = f"{text}.{part}" if part.isidentifier() and not keyword.iskeyword(part) else f"getattr({text}, {part!r})"
        return text

    def forward(self, nodes):
        self.taken = {self.root, *[node.name for node in nodes]}
        parameters, body, last = [], [], {}
        for node in nodes:
            for used in node.all_input_nodes:
                last[used] = node
        gone = {}
        for used, node in last.items():
            gone.setdefault(node, []).append(used.name)
        returned = "None"
        for node in nodes:
            if node.op == "placeholder":
                stars = node.target[: len(node.target) - len(node.target.lstrip("*"))]
                default = f" = {self.value(node.args[0])}" if node.args else ""
                parameters.append(f"{stars}{node.target.lstrip('*')}{default}")
                if node.target.lstrip("*") != node.name:
                    body.append(f"{node.name} = {node.target.lstrip('*')}")
                continue
            if node.op == "output":
                returned = self.value(node.args[0])
                break
            line = self.statement(node)
            if node in gone:
                line += ";  " + " = ".join([*gone[node], "None"])
            body.append(line)
        lines = [f"def forward({', '.join([self.root, *parameters])}):", *[f"    {line}" for line in body], f"    return {returned}", "    "]
        return PythonCode("\n\n\n" + "\n".join(lines), self.globals)

    def statement(self, node):
        name = getattr(node.target, "__name__", "")
        if getattr(node.target, "__module__", "") == "_operator" and name in _IN_PLACE and len(node.args) == 2:
            return f"{node.name} = {self.atom(node.args[0])}; {node.name} {_IN_PLACE[name]} {self.atom(node.args[1])}"
        text = f"{node.name} = {self.expression(node)}"
        return text if node.users or node.op == "get_attr" else f"{text};  {node.name} = None"


_serial = 0


def compile_forward(code):
    """The function of a PythonCode; its lines stand in tracebacks."""
    global _serial
    _serial += 1
    file = f"<eval_with_key>.{_serial}"
    linecache.cache[file] = (len(code.src), None, code.src.splitlines(True), file)
    space = dict(code.globals)
    exec(compile(code.src, file, "exec"), space)
    return space["forward"]
