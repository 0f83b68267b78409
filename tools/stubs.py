"""Writes the type stubs (.pyi) of the built package, by looking at it.

    python tools/stubs.py            write them
    python tools/stubs.py --check    exit with 1 where a checked-in stub is not what this would write

Each public module gets one, and each compiled module whose names others show. Names, parameters and defaults come from
`inspect`, attributes of classes from the assignments in their source, types from the tables of tools/stub_types.py.
`pyxtorch/autograd/` holds nothing but stubs: it is where a type checker looks for `pyxtorch.autograd.functional`, which
a program finds in `pyxtorch/_autograd/` (`autograd.__path__`).
"""
import argparse
import ast
import difflib
import functools
import importlib
import inspect
import keyword
import pkgutil
import re
import sys
import textwrap
import types
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]
import stub_types as known  # noqa: E402

import pyxtorch  # noqa: E402
from pyxtorch._names import properties  # noqa: E402  (made by functions, which only read)

HEADER = "# Written by tools/stubs.py; do not edit."
PRIVATE = {"pyxtorch._core", "pyxtorch._dtype", "pyxtorch._size", "pyxtorch._storage"}  # private modules that have a stub
DUNDERS = set("__init__ __enter__ __exit__ __call__ __len__ __iter__ __getitem__ __setitem__ __delitem__ __contains__ __add__".split())
SPACES = {  # prefixes in the tables
    "pyxtorch.linalg": "linalg", "pyxtorch.special": "special", "pyxtorch.fft": "fft", "pyxtorch.array_api": "array_api",
    "pyxtorch.array_api.linalg": "array_api.linalg", "pyxtorch.array_api.fft": "array_api.fft",
}  # fmt: skip
Parameter = inspect.Parameter


AS_WRITTEN = "pyxtorch.legacy."  # modules below it have no stubs: their arguments are of any kind


@functools.cache
def stubbed_modules():
    """The modules that get a stub, each with the stub's path."""
    found = {"pyxtorch": "pyxtorch/__init__.pyi"}
    for info in pkgutil.walk_packages([str(ROOT / "pyxtorch")], "pyxtorch."):
        name = info.name
        if name.startswith(("pyxtorch.ops", "pyxtorch.kernels", "pyxtorch._names", AS_WRITTEN, "pyxtorch.onnx._rows")) or name == "pyxtorch._autograd":
            continue
        if name.rpartition(".")[2].startswith("_") and name not in PRIVATE:
            continue
        if name.startswith("pyxtorch.autograd."):  # walked through autograd.__path__, which leads to _autograd
            continue
        path = name.replace(".", "/").replace("pyxtorch/_autograd/", "pyxtorch/autograd/")
        package = info.ispkg or name == "pyxtorch.autograd"
        found[name.replace("pyxtorch._autograd.", "pyxtorch.autograd.")] = path + ("/__init__.pyi" if package else ".pyi")
    return found


def home_of(value):
    """The module whose stub has `value`, or the module of an operation."""
    function = value.__wrapped__ if type(value).__name__ == "Operation" else value
    home = getattr(function, "__module__", None)
    return home.replace("pyxtorch._autograd.", "pyxtorch.autograd.") if isinstance(home, str) else ""


def is_operation(value):
    return callable(value) and (type(value).__name__ == "Operation" or home_of(value).startswith("pyxtorch.ops."))


# ------------------------------------------------------------------------------- functions


def default_text(value):
    return repr(value) if value is None or type(value) in (bool, int, str) or (type(value) is float and abs(value) < 1e300) else "..."


def annotation(key, parameter):
    """The type of a parameter of the function `key` ("relu", "Linear.__init__")."""
    name, default = parameter.name, parameter.default
    kind = known.ELSEWHERE.get(f"{key}.{name}") or known.ELSEWHERE.get(f"{key.rpartition('.')[2]}.{name}" if key.startswith("Tensor.") else "")
    if kind is None and key.startswith("array_api."):
        kind = known.STANDARD.get(name)
    if kind is None:
        if parameter.kind == Parameter.VAR_KEYWORD:
            return "Any"
        if name == "tensors" and parameter.kind == Parameter.VAR_POSITIONAL:
            return "Tensor | Sequence[Tensor]"
        if type(default) is bool:
            return "bool"
        kind = known.PARAMETERS.get(name)
        if "." in key and not key.startswith("Tensor.") and not key.endswith((".forward", ".__init__")) and kind in ("Tensor", "Other"):
            kind = None  # a method of another class: `key`, `index`, `value` and the like are other things there
        if name == "dim":
            kind = "int" if type(default) is int else "Dims" if default is None else "Ints"
        if type(default) in (int, float) and (kind is None or kind == "Tensor" or (kind == "int" and type(default) is float)):
            kind = "float"
        if type(default) is str and (kind is None or "str" not in kind):
            kind = "str" if kind is None else f"{kind} | str"
        if kind is None:
            return "Any"
    if default is None and not {"None", "Any", "Out", "Dims", "Device", "Groups"} & set(kind.split(" | ")):
        kind += " | None"
    return kind


def parameters_of(function):
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None


def signature_text(key, parameters, bound=None):
    """The parameters as text; `bound` is what the first one is called, if it is not to be given."""
    parts, star, last = [], False, None
    for i, p in enumerate(parameters):
        if last == p.POSITIONAL_ONLY != p.kind:
            parts.append("/")
        last = p.kind
        name = p.name + "_" * keyword.iskeyword(p.name)
        if bound and i == 0 and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            parts.append(bound)
            continue
        kind = annotation(key, p)
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            star = star or p.kind == p.VAR_POSITIONAL
            parts.append(("*" if p.kind == p.VAR_POSITIONAL else "**") + name + f": {kind}")
            continue
        if p.kind == p.KEYWORD_ONLY and not star:
            parts.append("*")
            star = True
        parts.append(f"{name}: {kind}" + (f" = {default_text(p.default)}" if p.default is not p.empty else ""))
    if last == Parameter.POSITIONAL_ONLY:
        parts.append("/")
    if bound and (not parts or parts[0] != bound):
        parts.insert(0, bound)
    return ", ".join(parts)


def written(name, signatures, indent="", owner=None):
    """Definitions of `name` for whole signatures, `(x: int) -> Tensor` each; more than one are overloads."""
    lines, code = [], known.IGNORED.get(f"{owner}.{name}")
    for i, text in enumerate(signatures):
        decorator, _, rest = text.rpartition("@")[2].partition("(") if text.startswith("@") else ("", "", text[1:])
        if len(signatures) > 1:
            lines.append(f"{indent}@_t.overload" + (f"  # type: ignore[{code}]" if code == "override" and i == 0 else ""))
        lines += [f"{indent}@{decorator}"] if decorator else []
        ignore = f"  # type: ignore[{code}]" if code and i == 0 and (code != "override" or len(signatures) == 1) else ""
        lines.append(f"{indent}def {name}({known.spell(rest).replace('return_types.', '_return_types.')}: ...{ignore}")
    return lines


def without_out(parameters):
    return [p for p in parameters if p.name not in ("out", "dtype", "requires_grad")]


def function_lines(name, function, module):
    """An operation or another function of a namespace."""
    key = f"{SPACES[module]}.{name}" if module in SPACES else name
    standard = key.startswith("array_api.")
    whole = (None if standard else known.MEMBERS.get(name)) or known.OVERLOADS.get(key)
    if whole:
        return written(name, [w.format(self="input: Tensor", condition="condition: Tensor", name=name) for w in whole])
    parameters = parameters_of(function)
    if is_hidden(parameters) and (base := getattr(sys.modules[module], name.removesuffix("_copy").rstrip("_"), None)):
        parameters = without_out(parameters_of(base)) if name.endswith("_") else parameters_of(base)
    if parameters and parameters[0].name == "self":
        parameters[0] = parameters[0].replace(name="input")
    text = "*args: Any, **kwargs: Any" if parameters is None else signature_text(key if standard else name, parameters)
    result = known.RESULTS.get(key) or ("Tensor" if standard or is_operation(function) else known.python_result(module, "", name))
    return written(name, [f"({text}) -> {result.format(name=name)}"])


def is_hidden(parameters):
    """Whether the parameters say nothing, as those of in-place forms, which pass everything on."""
    kinds = [p.kind for p in parameters or () if p.name != "out"]
    return kinds[1:] == [Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD]


# ------------------------------------------------------------------------------- classes


@functools.cache
def assigned(cls):
    """Attributes that methods of the class assign, each with its type or None: `self.x = Linear(...)` is a Linear."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):
        return {}
    found = {}
    space = vars(sys.modules[cls.__module__])

    def note(name, value):
        kind = None
        if isinstance(value, ast.Call):
            maker = space.get(value.func.id) if isinstance(value.func, ast.Name) else None
            if isinstance(maker, type) and issubclass(maker, pyxtorch.nn.Module | pyxtorch.Tensor):
                kind = maker.__name__ if maker.__module__ == cls.__module__ or maker.__name__ in known.ALIASES else f"_base.{maker.__module__}.{maker.__name__}"
        if not name.startswith("_"):
            found[name] = found.get(name) or known.ATTRIBUTES.get(f"{cls.__name__}.{name}", known.ATTRIBUTES.get(name, kind))

    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                pairs = zip(target.elts, node.value.elts) if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple) else [(target, node.value)]
                for one, value in pairs:
                    for part in one.elts if isinstance(one, ast.Tuple) else [one]:
                        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "self":
                            note(part.attr, value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr.startswith("register_") and node.args:
            if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str) and node.func.attr in ("register_parameter", "register_buffer"):
                found.setdefault(node.args[0].value, known.ATTRIBUTES.get(node.args[0].value, "Parameter" if "param" in node.func.attr else "Tensor"))
    return found


def shown_bases(cls):
    """The bases that have a stub, and the private ones whose members the class takes over."""
    shown, merged = [], []
    for base in cls.__bases__:
        if base is object:
            continue
        if base.__module__ in stubbed_modules() or base.__module__ == "builtins":
            shown.append(base)
        elif base.__module__.startswith("pyxtorch"):
            merged.append(base)
            for b in shown_bases(base)[0]:
                shown.append(b)
    shown = [b for b in dict.fromkeys(shown) if not any(other is not b and issubclass(other, b) for other in shown)]  # as an order of bases must be
    return shown, merged


def class_lines(name, cls, module):
    shown, merged = shown_bases(cls)
    bases = [b.__name__ if b.__module__ == module else f"_b.{b.__name__}" if b.__module__ == "builtins" else f"_base.{b.__module__}.{b.__name__}" for b in shown]
    text = known.spell(known.BASES[name]) if name in known.BASES else ", ".join(bases)
    if issubclass(cls, tuple) and hasattr(cls, "_fields") and cls.__module__ not in ("pyxtorch.nn.utils.rnn",):
        return [f"class {name}(_t.NamedTuple):", *[f"    {field}: _Tensor" for field in cls._fields]]
    space = {}
    for source in (*reversed(merged), cls):
        space.update(vars(source))
    fixed = {k.rpartition(".")[2]: v for k, v in known.MEMBERS.items() if k.startswith(f"{name}.")}
    body = []
    for key in sorted({*space, *fixed} - {*known.FIELDS.get(name, ())}):
        body += written(key, fixed[key], "    ", name) if key in fixed else member_lines(name, cls, key, space[key])
    attributes = dict(known.FIELDS.get(name, {}))
    for source in (*reversed(merged), cls):
        attributes.update(assigned(source))
    inherited = {a for base in shown for b in base.__mro__ for a in (*vars(b), *(assigned(b) if b.__module__.startswith("pyxtorch") else ()))}
    given = {p.name: annotation(f"{name}.__init__", p) for p in parameters_of(cls.__init__) or ()}
    for key, kind in sorted(attributes.items()):
        if key in known.FIELDS.get(name, ()) or (key not in space and key not in inherited and key not in fixed):
            kind = kind or given.get(key) or "Any"
            body.append(f"    {key}: {known.spell(kind)}")
    if "__init__" not in space and "__init__" not in fixed and "__new__" not in fixed and not shown and name != "Tensor" and not text:
        body.append("    def __init__(self, *args: _t.Any, **kwargs: _t.Any) -> None: ...")
    return [f"class {name}({text}):" if text else f"class {name}:", *(body or ["    ..."])]


def member_lines(owner, cls, key, member):
    kind, tensor = type(member).__name__, owner == "Tensor"
    if tensor and key in known.SLOTS:
        parameters, result = known.SLOTS[key]
        return written(key, [f"({', '.join(filter(None, ['self', parameters]))}) -> {result}"], "    ", owner)
    hidden = key.startswith("_") and key not in DUNDERS and f"{owner}.{key}" not in known.OVERLOADS
    if owner == "Size" or hidden and not (tensor and key in known.PROPERTIES):
        return []
    if kind in ("property", "getset_descriptor", "member_descriptor", "cached_property"):
        result = known.spell(known.PROPERTIES.get(key, "Any") if owner in ("Tensor", "dtype", "device") else "Any")
        lines = [f"    @property\n    def {key}(self) -> {result}: ..."]
        if member.fset if kind == "property" else not (tensor and key in properties.__all__):
            lines.append(f"    @{key}.setter\n    def {key}(self, value: {'_b.bool' if result == '_b.bool' else '_t.Any'}) -> None: ...")
        return lines
    decorator = kind if kind in ("staticmethod", "classmethod") else ""
    function = member.__func__ if decorator else member
    if not callable(function) or isinstance(function, type):
        return [f"    {key}: _t.Any"]
    full = f"{owner}.{key}"
    whole = known.OVERLOADS.get(full) or (known.OVERLOADS.get(key) if tensor else None)
    if whole:
        return written(key, [w.format(self="self", condition="self", name=key) for w in whole], "    ")
    parameters = parameters_of(function)
    if tensor and is_hidden(parameters) and key.endswith("_") and callable(vars(cls).get(key[:-1])):
        parameters = without_out(parameters_of(vars(cls)[key[:-1]]))
    bound = None if decorator == "staticmethod" else "cls" if decorator else "self"
    text = signature_text(full if not tensor else f"Tensor.{key}", parameters, bound) if parameters is not None else f"{bound}, *args: Any, **kwargs: Any"
    return written(key, [(f"@{decorator}" if decorator else "") + f"({text}) -> {method_result(cls, key, tensor)}"], "    ", owner)


def method_result(cls, key, tensor):
    if tensor:
        return known.RESULTS.get(key, "Self" if key.endswith("_") else "Tensor").format(name=key)
    if key == "forward" and issubclass(cls, pyxtorch.nn.Module):
        return "Tensor"
    return "None" if key == "reset_parameters" else known.python_result(cls.__module__, cls.__name__, key)


# ------------------------------------------------------------------------------- modules


def public_names(space, module):
    """The names that a stub shows, in order."""
    listed = getattr(space, "__all__", None)
    package = hasattr(space, "__path__")
    shown = [v for n, v in vars(space).items() if isinstance(v, type) and home_of(v) == module and not n.startswith("_")]
    ancestors = {b.__name__ for v in shown for b in v.__mro__ if home_of(b) == module} | known.SHOWN
    for name in sorted({*vars(space), *(listed or ())}):
        if keyword.iskeyword(name) or (name.startswith("_") and name not in ancestors and name not in (listed or ()) and name != "__version__"):
            continue
        value = getattr(space, name)
        own = home_of(value) == module
        if own or package or module in PRIVATE or name in (listed or ()) or module == "pyxtorch.tensor":
            yield name, value
        elif not callable(value) and not isinstance(value, types.ModuleType):
            yield name, value  # a constant


def value_lines(name, value, module):
    """How a stub shows `value` under `name`: an import where it has a stub, or written out."""
    home, stubs = home_of(value), stubbed_modules()
    if isinstance(value, types.ModuleType):
        at = value.__name__.replace("pyxtorch._autograd.", "pyxtorch.autograd.")
        return [f"from {at.rpartition('.')[0]} import {at.rpartition('.')[2]} as {name}"] if (at in stubs or at.startswith(AS_WRITTEN)) and at not in (module, "pyxtorch") else []
    if name == "__version__":
        return ["__version__: _b.str"]
    if isinstance(value, pyxtorch.dtype):
        return [f"{name}: _dtype"]
    if isinstance(value, type) or callable(value):
        original = getattr(value, "__name__", name)
        if home in stubs and home != module and original.isidentifier() and getattr(sys.modules.get(home), original, None) is value:
            if original != name:  # an import under another name is not passed on
                return [f"from {home} import {original} as _{original}", f"{name} = _{original}"]
            return [f"from {home} import {original} as {name}"]
        if isinstance(value, type):
            return class_lines(name, value, module) if home.startswith("pyxtorch") or not home else []
        if isinstance(value, functools.partial):
            return [f"{name}: _t.Any"]
        return function_lines(name, value, module) if home.startswith("pyxtorch") or not home else []
    kind = type(value)
    if value is None:
        return [f"{name}: None"]
    for plain in (pyxtorch.memory_format, pyxtorch.layout):
        if kind is plain:
            return [f"{name}: _{plain.__name__}"]
    return [f"{name}: _b.{kind.__name__}" if kind in (bool, int, float, complex, str) else f"{name}: _t.Any"]


def lazy_names(space, module):
    """Names that a module's `__getattr__` imports when they are first used: (name, value)."""
    shown = {name for name, _ in public_names(space, module)}
    for name in (*dir(space), *getattr(space, "_LATE", ())):
        if name not in shown and not name.startswith("_") and name not in vars(space):
            yield name, getattr(space, name)


def stub(module):
    space = importlib.import_module(module)
    late = [] if getattr(space, "__all__", None) and module != "pyxtorch" else list(lazy_names(space, module))
    body = known.spell(known.PREAMBLES.get(module, "")).splitlines()
    entries = [(name, value) for name, value in {**dict(public_names(space, module)), **dict(late)}.items()]
    classes = [e for e in entries if isinstance(e[1], type) and home_of(e[1]) == module]
    classes.sort(key=lambda e: len(e[1].__mro__))  # a base stands before what descends from it
    for name, value in [e for e in sorted(entries) if e not in classes] + classes:
        body += value_lines(name, value, module)
    text = "\n".join(body)
    return "\n".join([HEADER, *imports(text, module), "", re.sub(r"_base\.([\w.]+)\.(\w+)", r"_\2", text), ""])


def imports(text, module):
    """The lines that `text` needs above it."""
    lines = []
    used = set(re.findall(r"\b_\w+", text))
    if "_b" in used:
        lines.append("import builtins as _b")
    if re.search(r"\b_t\.", text) or set(known.VARIABLES) & used:
        lines.append("import typing as _t")
    abstract = [w for w in known.ABSTRACT if f"_{w}" in used]
    if abstract:
        lines.append("from collections.abc import " + ", ".join(f"{w} as _{w}" for w in abstract))
    bases = sorted(set(re.findall(r"_base\.([\w.]+)\.(\w+)", text)))
    aliases = [w for w in known.ALIASES if f"_{w}" in used and w not in dict(map(reversed, bases))]
    if aliases:
        lines.append("from pyxtorch._types import " + ", ".join(f"{w} as _{w}" for w in aliases))
    if "_return_types" in used:
        lines.append("from pyxtorch import return_types as _return_types")
    for home, name in bases:
        lines.append(f"from {home} import {name} as _{name}")
    lines += known.IMPORTS.get(module, [])
    return lines + [known.VARIABLES[v] for v in known.VARIABLES if v in used]


def main():
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--check", action="store_true", help="compare with the checked-in stubs instead of writing")
    check = options.parse_args().check
    warnings.simplefilter("ignore")
    stale = []
    for module in stubbed_modules():
        importlib.import_module(module)
    texts = {path: stub(module) for module, path in stubbed_modules().items()}
    present = {str(p.relative_to(ROOT)) for p in (ROOT / "pyxtorch").rglob("*.pyi")} - {"pyxtorch/_types.pyi"}
    for path in sorted({*texts, *present}):
        text, target = texts.get(path), ROOT / path
        old = target.read_text() if target.exists() else ""
        if text == old:
            continue
        stale.append(path)
        if check:
            sys.stdout.writelines(list(difflib.unified_diff(old.splitlines(True), (text or "").splitlines(True), path, "as built", n=0))[:20])
        elif text is None:
            target.unlink()
        else:
            target.parent.mkdir(exist_ok=True)
            target.write_text(text)
            print("wrote", path)
    if check and stale:
        sys.exit(f"stubs differ from the built package: {', '.join(stale)}. Run: python tools/stubs.py")


if __name__ == "__main__":
    main()
