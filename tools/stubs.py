"""Writes the type stubs (.pyi) of the built package, by looking at it.

    python tools/stubs.py            write them
    python tools/stubs.py --check    exit with 1 where a checked-in stub is not what this would write

A module gets a stub where a type checker cannot read its names from its source: compiled modules
with public names, and namespaces that gather the operation families' tables. Signatures come from
`inspect`. Types of parameters come from their names (the package uses one name for one thing) and
defaults; types of results from calling the operation on small tensors: one that always gives a
Tensor is written `-> Tensor`; where it depends on the arguments, nothing is claimed.
"""
import argparse
import difflib
import importlib
import inspect
import keyword
import pkgutil
import re
import sys
import types
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
import pyxtorch  # noqa: E402
from pyxtorch._names import properties  # noqa: E402

HEADER = """# Written by tools/stubs.py; do not edit.
import builtins as _b
from collections.abc import Iterator as _Iterator
from types import ModuleType as _ModuleType
from typing import Any as _Any
"""
NUMBER = "_b.complex"  # int and float are accepted where complex is
ANNOTATIONS = {  # by the parameter's name
    "dtype": "_dtype | None",
    "device": "_device | _b.str | _b.int | None",
    "out": "_Any",
    "keepdim": "_b.bool",
    "requires_grad": "_b.bool",
    "inplace": "_b.bool",
    "training": "_b.bool",
    "generator": "_Any",
    "p": None,
    "alpha": NUMBER,
    "beta": NUMBER,
    "eps": "_b.float",
    "other": f"_Tensor | {NUMBER}",
    "memory_format": "_Any",
}
SPECIAL = {  # methods that C slots hide from inspect: name to (parameters, result)
    **{f"__{r}{n}__": (f"other: _Tensor | {NUMBER}", "_Tensor")
       for n in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift")
       for r in ("", "r", "i") if (r, n) != ("i", "matmul")},
    **{f"__{n}__": (f"other: _Tensor | {NUMBER}", "_Tensor") for n in ("lt", "le", "gt", "ge")},
    "__eq__": ("other: _Any", "_Tensor"), "__ne__": ("other: _Any", "_Tensor"),
    **{f"__{n}__": ("", "_Tensor") for n in ("neg", "pos", "abs", "invert")},
    "__len__": ("", "_b.int"), "__bool__": ("", "_b.bool"), "__int__": ("", "_b.int"), "__float__": ("", "_b.float"),
    "__complex__": ("", "_b.complex"), "__index__": ("", "_b.int"), "__hash__": ("", "_b.int"), "__iter__": ("", "_Iterator[_Tensor]"),
    "__getitem__": ("index: _Any", "_Tensor"), "__setitem__": ("index: _Any, value: _Any", "None"),
    "__contains__": ("item: _Any", "_b.bool"),
}  # fmt: skip


def stubbed_modules():
    """The public modules whose names a type checker cannot read, each with its stub's path."""
    yield "pyxtorch", "pyxtorch/__init__.pyi"
    for info in pkgutil.walk_packages([str(ROOT / "pyxtorch")], "pyxtorch."):
        if info.name.startswith(("pyxtorch.ops", "pyxtorch.kernels", "pyxtorch._names")):
            continue
        base = ROOT / info.name.replace(".", "/")
        source = base / "__init__.py" if info.ispkg else base.with_suffix(".py")
        compiled = not info.ispkg and (base.with_suffix(".pyx").exists() or base.with_suffix(".pxd").exists())
        hidden = info.name.rpartition(".")[2].startswith("_") and info.name not in ("pyxtorch._core", "pyxtorch._dtype", "pyxtorch._size", "pyxtorch._storage")
        gathers = not compiled and re.search(r"globals\(\)(\.update|\.setdefault|\[)|Written by tools/names\.py", source.read_text())
        if not hidden and (compiled or gathers):
            stub = (base / "__init__.pyi") if info.ispkg else base.with_suffix(".pyi")
            yield info.name, str(stub.relative_to(ROOT))


def type_name(value):
    kind = type(value)
    if isinstance(value, pyxtorch.Tensor):
        return "_Tensor"
    if kind in (bool, int, float, complex, str):
        return f"_b.{kind.__name__}"
    if isinstance(value, tuple | list) and value and all(isinstance(v, pyxtorch.Tensor) for v in value):
        return "_b.tuple[_Tensor, ...]" if isinstance(value, tuple) else "_b.list[_Tensor]"
    return None


def home_of(value):
    """The module that a function or class is written in: an operation wraps a function of a family."""
    return getattr(inspect.unwrap(value) if callable(value) else value, "__module__", None)


def result_type(function, name):
    """What `function` returned, where that was of one type however it was called."""
    if not (home_of(function) or "").startswith("pyxtorch.ops") or "seed" in name or name.startswith("set_"):
        return None
    def fresh():
        return pyxtorch.eye(3) * 2 + 0.25
    index = pyxtorch.zeros(3, 3, dtype=pyxtorch.int64)
    calls = [(), (0,), ("x",), ("x", "x"), ("x", 0), ("x", 1, 1), ("x", 0, "i"), ("x", "x", "x"), ("x", 0, "i", "x"), (3,), (["x"],), (2, 3)]
    found = set()
    for call in calls:
        arguments = [[fresh()] if a == ["x"] else fresh() if a == "x" else index.clone() if a == "i" else a for a in call]
        try:
            result = function(*arguments)
        except Exception:  # a call that does not suit this operation says nothing
            continue
        found.add(type_name(result))
    return found.pop() if len(found) == 1 else None


def default_text(value):
    return repr(value) if value is None or type(value) in (bool, int, str) or (type(value) is float and abs(value) < 1e300) else "..."


def annotation(parameter, owner):
    default = parameter.default
    if parameter.name in ANNOTATIONS:
        return ANNOTATIONS[parameter.name]
    if parameter.name == "input" and owner is None:
        return "_Tensor"
    if type(default) is bool:
        return "_b.bool"
    if type(default) is str:
        return "_b.str"
    return None


def signature_text(function, owner=None, bound=None):
    """The parameters as text, or None where they cannot be known."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
    parts, star, last = [], False, None
    for i, p in enumerate(parameters):
        if last == p.POSITIONAL_ONLY != p.kind:
            parts.append("/")
        last = p.kind
        name = p.name if not keyword.iskeyword(p.name) else p.name + "_"
        if bound and i == 0 and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            parts.append(bound)
            continue
        if p.kind == p.VAR_POSITIONAL:
            parts.append("*" + name)
            star = True
            continue
        if p.kind == p.VAR_KEYWORD:
            parts.append("**" + name)
            continue
        if p.kind == p.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        kind = annotation(p, owner)
        text = name if kind is None else f"{name}: {kind}"
        if p.default is not p.empty:
            if kind and p.default is None and not kind.endswith(("None", "_Any")):
                text += " | None"
            text += f" = {default_text(p.default)}" if kind else f"={default_text(p.default)}"
        parts.append(text)
    if last == inspect.Parameter.POSITIONAL_ONLY:
        parts.append("/")
    return ", ".join(parts)


def function_text(name, function, indent="", owner=None, static=None):
    bound = None if owner is None or static == "staticmethod" else "cls" if static == "classmethod" else "self"
    text = signature_text(function, owner, bound)
    if text is None:
        text = "*args, **kwargs" if bound is None else f"{bound}, *args, **kwargs"
    elif bound and (not text or text.startswith("*")):
        text = f"{bound}, {text}" if text else bound
    result = result_type(function, name)
    decorator = f"{indent}@{static}\n" if static else ""
    return f"{decorator}{indent}def {name}({text}){f' -> {result}' if result else ''}: ..."


PROPERTIES = {"shape": "_Size", "dtype": "_dtype", "device": "_device", "grad": "_Tensor | None", "requires_grad": "_b.bool",
              "is_leaf": "_b.bool", "ndim": "_b.int", "itemsize": "_b.int", "nbytes": "_b.int", "data": "_Tensor", "T": "_Tensor",
              "mT": "_Tensor", "H": "_Tensor", "mH": "_Tensor", "real": "_Tensor", "imag": "_Tensor"}  # fmt: skip


def class_text(name, cls):
    bases = ", ".join(b.__name__ for b in cls.__bases__ if b is not object and b.__module__ == cls.__module__)
    base_names = {
        "TensorBase": "_core.TensorBase", "Variable": "_autograd.Variable",
    }  # fmt: skip
    if not bases:
        foreign = [b for b in cls.__bases__ if b is not object]
        bases = ", ".join(base_names.get(b.__name__, f"_b.{b.__name__}" if b.__module__ == "builtins" else "") for b in foreign).strip(", ")
    lines = [f"class {name}({bases}):" if bases else f"class {name}:"]
    for key, member in sorted(vars(cls).items()):
        member_kind = type(member).__name__
        if key in SPECIAL and cls.__name__ == "Tensor":
            parameters, result = SPECIAL[key]
            ignore = "  # type: ignore[override]" if key in ("__eq__", "__ne__") else ""
            lines.append(f"    def {key}({', '.join(filter(None, ['self', parameters]))}) -> {result}: ...{ignore}")
        elif key.startswith("_") and key not in ("__init__", "__enter__", "__exit__", "__call__"):
            continue
        elif member_kind in ("property", "getset_descriptor", "member_descriptor"):
            kind = PROPERTIES.get(key, "_Any") if cls.__name__ == "Tensor" else "_Any"
            lines.append(f"    @property\n    def {key}(self) -> {kind}: ...")
            if (member_kind == "getset_descriptor" and key not in properties.__all__) or getattr(member, "fset", None):
                lines.append(f"    @{key}.setter\n    def {key}(self, value: _Any) -> None: ...")
        elif isinstance(member, staticmethod | classmethod):
            lines.append(function_text(key, member.__func__, "    ", cls, member_kind))
        elif callable(member) and not isinstance(member, type):
            lines.append(function_text(key, member, "    ", cls))
        else:
            lines.append(f"    {key}: _Any")
    if cls.__name__ in ("Tensor",):
        lines.append("    def __getattr__(self, name: _b.str) -> _Any: ...")
    if cls.__name__ not in ("Tensor",) and "__init__" not in vars(cls):
        lines.append("    def __init__(self, *args: _Any, **kwargs: _Any) -> None: ...")
    if len(lines) == 1:
        lines.append("    ...")
    return "\n".join(lines)


def aliases(module):
    """The names that annotations use."""
    here = {"pyxtorch._core": ("dtype", "device", "Size"), "pyxtorch._size": ("Size",), "pyxtorch._dtype": ("dtype", "device"), "pyxtorch.tensor": ("Tensor",)}.get(module, ())
    lines = []
    if module != "pyxtorch._core":
        lines.append("from pyxtorch import _core, autograd as _autograd" if module == "pyxtorch.tensor" else "from pyxtorch import _core")
    for name, home in (("Size", "_core"), ("device", "_core"), ("dtype", "_core"), ("Tensor", "tensor")):
        lines.append(f"_{name} = {name}" if name in here else f"from pyxtorch.{home} import {name} as _{name}")
    return lines


def stub(module):
    space = importlib.import_module(module)
    body = []
    homes = {"pyxtorch._core", "pyxtorch.autograd", "pyxtorch.tensor"}
    ancestors = {b.__name__ for v in vars(space).values() if isinstance(v, type) for b in v.__mro__ if b.__module__ == module}
    for name, value in sorted(vars(space).items()):
        if (name.startswith("_") and name != "__version__" and name not in ancestors) or keyword.iskeyword(name):
            continue
        home = home_of(value)
        plain = isinstance(value, type | types.FunctionType) or callable(value)
        if isinstance(value, types.ModuleType):
            if value.__name__.startswith("pyxtorch.") and module == "pyxtorch":
                body.append(f"from pyxtorch import {value.__name__.rpartition('.')[2]} as {name}")
            elif module == "pyxtorch":
                body.append(f"{name}: _ModuleType")
        elif name == "__version__":
            body.append(f"{name}: _b.str")
        elif plain and isinstance(home, str) and home in homes and home != module and getattr(sys.modules[home], getattr(value, "__name__", ""), None) is value:
            body.append(f"from {home} import {value.__name__} as {name}")
        elif isinstance(value, pyxtorch.dtype):
            body.append(f"{name}: _dtype")
        elif isinstance(value, type):
            source = f"from {home} import {value.__name__} as {name}" if home and home.startswith("pyxtorch.") and home != module else None
            if source and home.startswith("pyxtorch.ops"):  # no stubs there: written out where it is public
                source = None
            if source is None and (home == module or (home or "").startswith("pyxtorch.ops")):
                source = class_text(name, value)
            if source:
                body.append(source)
        elif callable(value):
            if module != "pyxtorch" and not (home or "").startswith("pyxtorch"):
                continue
            if (home or "").startswith("pyxtorch._tape") and home != module:
                body.append(f"from {home} import {value.__name__} as {name}")
                continue
            if module in homes and home != module:
                continue
            body.append(function_text(name, value))
        elif module == "pyxtorch":
            kind = type_name(value)
            body.append(f"{name}: {kind or '_Any'}" if value is not None else f"{name}: None")
    for name, home in getattr(space, "_LATE", {}).items() if module == "pyxtorch.autograd" else ():
        body.append(f"from pyxtorch._autograd.{home} import {name} as {name}" if home else f"from pyxtorch._autograd import {name} as {name}")
    return "\n".join([HEADER.rstrip(), *aliases(module), "", *body, ""])


def main():
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--check", action="store_true", help="compare with the checked-in stubs instead of writing")
    check = options.parse_args().check
    warnings.simplefilter("ignore")
    stale = []
    for module, path in stubbed_modules():
        text, target = stub(module), ROOT / path
        old = target.read_text() if target.exists() else ""
        if text == old:
            continue
        stale.append(path)
        if check:
            sys.stdout.writelines(list(difflib.unified_diff(old.splitlines(True), text.splitlines(True), path, "as built", n=0))[:20])
        else:
            target.write_text(text)
            print("wrote", path)
    if check and stale:
        sys.exit(f"stubs differ from the built package: {', '.join(stale)}. Run: python tools/stubs.py")


if __name__ == "__main__":
    main()
