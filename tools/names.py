"""Writes the files that say where each public name comes from, from the tables of the operation families.

    python tools/names.py            write them
    python tools/names.py --check    exit with 1 where a checked-in file is not what this would write

An in-place build runs it at its end. A family (a module in pyxtorch/ops) offers its names in tables:

    __all__, exports         pyxtorch.*
    functional               pyxtorch.nn.functional.*
    linalg, special          pyxtorch.linalg.*, pyxtorch.special.*
    transforms               pyxtorch.fft.*
    methods, properties      Tensor.*

`__all__` and `functional` list names, the others map a public name to the function. The files written
here are imports, a line for each family, so that a search, a jump and a reader find the source. Two
families that offer one name for two different things are an error.
"""
import argparse
import ast
import importlib
import pkgutil
import sys
import textwrap
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "pyxtorch"

# Methods that PyTorch has as functions of the same name, too.
METHODS_AS_FUNCTIONS = """
abs_ acos_ acosh_ addmv_ arccos_ arccosh_ arcsin_ arcsinh_ arctan_ arctanh_ as_strided_ asin_ asinh_ atan_ atanh_ ceil_ clamp_
clamp_max_ clamp_min_ clip_ conj_physical_ cos_ cosh_ deg2rad_ detach_ erf_ erfc_ exp2_ exp_ expm1_ fill_ fix_ floor_ frac_ gcd_
get_device i0_ is_conj is_inference is_neg is_nonzero is_same_size is_signed lcm_ ldexp_ log10_ log1p_ log2_ log_ logit_
nan_to_num_ neg_ negative_ rad2deg_ reciprocal_ resize_as_ resolve_conj resolve_neg round_ rsqrt_ sigmoid_ sin_ sinc_ sinh_
sqrt_ square_ tan_ tanh_ trunc_ xlogy_ zero_
"""
# Functions of pyxtorch that PyTorch's `special` has as well: name there to name in pyxtorch.
ALSO_SPECIAL = {
    **{name: name for name in "erf erfc exp2 expm1 log1p log_softmax logit logsumexp round sinc softmax xlogy".split()}, "expit": "sigmoid",
}  # fmt: skip
# The same for nn.functional.
ALSO_FUNCTIONAL = "sigmoid tanh conv_tbc".split()
# Names of nn.functional that are the very functions of the namespace pyxtorch, as in PyTorch; the others are operations of their own.
SHARED_FUNCTIONAL = """
adaptive_avg_pool1d avg_pool1d bilinear celu_ channel_shuffle conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d
conv_transpose3d cosine_similarity hardshrink native_channel_shuffle pairwise_distance pdist pixel_shuffle pixel_unshuffle prelu relu_
rrelu_ selu_ threshold_
""".split()
# Public names of nn that are no modules, by file.
ALSO_MODULES = {"loss": ["LinearCrossEntropyOptions"]}

TORCH, METHODS, PROPERTIES = "_names/torch.py", "_names/methods.py", "_names/properties.py"
FUNCTIONAL, LINALG, SPECIAL, FFT, RETURN_TYPES = "nn/functional.py", "linalg.py", "special.py", "fft.py", "return_types.py"
FILES = {
    TORCH: "The operations in the namespace pyxtorch.",
    METHODS: "The operations that are methods of Tensor; tensor.pyx attaches them.",
    PROPERTIES: "The operations that are properties of Tensor; tensor.pyx attaches them.",
    FUNCTIONAL: "torch.nn.functional: the operations of networks as functions.",
    LINALG: "torch.linalg: linear algebra.",
    SPECIAL: "torch.special: special functions.",
    FFT: "torch.fft: discrete Fourier transforms.",
    RETURN_TYPES: "torch.return_types: the named tuples that operations return.",
}
# What a file has at its end.
BESIDES = {
    FUNCTIONAL: """

def __getattr__(name):
    if name in ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic"):  # as in PyTorch, which imports them here
        return getattr(_gate, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
""",
    RETURN_TYPES: """
all_return_types = [value for name, value in _common.return_types.items() if not name.endswith("_out")]


def pytree_register_structseq(cls):
    \"\"\"Let `utils._pytree` look into a class of named tuples: it does so by itself.\"\"\"
    if not issubclass(cls, tuple) or not hasattr(cls, "_fields"):
        raise TypeError(f"pytree_register_structseq: expected a class of named tuples, got {cls.__name__}.")
""",
}
# Where functions are made operations (pyxtorch/_gate.pyx), by the names that they have for users. Tensor's methods: tensor.pyx.
NAMESPACES = {TORCH: "pyxtorch", FUNCTIONAL: "pyxtorch.nn.functional", LINALG: "pyxtorch.linalg", SPECIAL: "pyxtorch.special", FFT: "pyxtorch.fft"}
TABLES = {"exports": TORCH, "linalg": LINALG, "special": SPECIAL, "transforms": FFT, "methods": METHODS, "properties": PROPERTIES}


def families():
    """The modules of pyxtorch.ops, imported below an empty package: the files written here may be out of date, or missing."""
    package = types.ModuleType("pyxtorch")
    package.__path__ = [str(PACKAGE)]
    sys.modules["pyxtorch"] = package
    importlib.import_module("pyxtorch.kernels.cpu")
    names = [info.name for info in pkgutil.iter_modules([str(PACKAGE / "ops")]) if not info.name.startswith("_")]
    return [importlib.import_module(f"pyxtorch.ops.{name}") for name in sorted(names)]


def collect(modules):
    """For each file, public name to (value, the line that gets it)."""
    found = {file: {} for file in FILES}
    owner = {id(value): (module, name) for module in reversed(modules) for name, value in reversed(vars(module).items()) if is_of(module, value)}

    def add(file, name, value, module, table=None):
        known = found[file].get(name)
        if known is not None and known[0] is not value:
            raise SystemExit(f"{file}: {name} is offered by {known[1]} and by {module.__name__}; one name, one family.")
        if known is None:
            at, attribute = owner.get(id(value), (module, name if table is None else None))
            if getattr(at, name, None) is value:
                attribute = name
            found[file][name] = (value, at.__name__, attribute, table)

    for module in modules:
        for name in getattr(module, "__all__", ()):
            add(TORCH, name, getattr(module, name), module)
        for name in getattr(module, "functional", ()):
            add(FUNCTIONAL, name, getattr(module, name), module)
        for table, file in TABLES.items():
            mapping = getattr(module, table, None)
            if isinstance(mapping, dict):
                for name, value in mapping.items():
                    add(file, name, value, module, table)
    common = importlib.import_module("pyxtorch.ops._common")
    for name, value in common.return_types.items():
        add(RETURN_TYPES, name, value, common, "return_types")
    for name, source in ALSO_SPECIAL.items():
        found[SPECIAL].setdefault(name, found[TORCH][source])
    for name in ALSO_FUNCTIONAL:
        if name in found[TORCH]:
            found[FUNCTIONAL].setdefault(name, found[TORCH][name])
    for name in SHARED_FUNCTIONAL:
        both = found[FUNCTIONAL].get(name), found[TORCH].get(name)
        if None not in both and both[0][0] is both[1][0]:
            found[FUNCTIONAL][name] = (both[0][0], "pyxtorch._names.torch", name, None)
    for name in METHODS_AS_FUNCTIONS.split():
        found[TORCH].setdefault(name, found[METHODS].get(name) or (None, "pyxtorch.tensor", None, None))
    return found


def is_of(module, value):
    """Whether `value` is written in `module`, not imported there."""
    return callable(value) and getattr(value, "__module__", None) == module.__name__


def text_of(file, names):
    """The file: imports, then what only a family's table has, then __all__."""
    imports, tables, taken = {}, {}, []
    for name in sorted(names):
        _, module, attribute, table = names[name]
        if attribute is not None:
            imports.setdefault(module, []).append(attribute if attribute == name else f"{attribute} as {name}")
        elif table is not None:
            tables.setdefault((module, table), []).append(name)
        else:
            taken.append(f"{name} = Tensor.{name}.__wrapped__")
    lines = [f'"""{FILES[file]}\n\nWritten by tools/names.py from the tables of the families; do not edit.\n"""']
    if file in NAMESPACES:
        lines.append("from pyxtorch import _gate")
    if taken:
        lines.append("from pyxtorch.tensor import Tensor")
    for module in sorted({m for m, _ in tables} - {"pyxtorch.ops._common"}):
        lines.append(f"from pyxtorch.ops import {module.rpartition('.')[2]} as _{module.rpartition('.')[2]}")
    if any(module == "pyxtorch.ops._common" for module, _ in tables):
        lines.append("from pyxtorch.ops import _common")
    lines += [import_line(module, imports[module]) for module in sorted(imports)]
    if tables or taken:
        lines.append("")
    for (module, table), members in sorted(tables.items()):
        stem = module.rpartition(".")[2]
        lines += [f'{name} = {stem if stem.startswith("_") else "_" + stem}.{table}["{name}"]' for name in members]
    lines += [*taken, "", "__all__ = [", wrapped(", ".join(f'"{name}"' for name in sorted(names)) + ","), "]"]
    if file in NAMESPACES:
        lines += ["", f'_gate.operations("{NAMESPACES[file]}", globals(), __all__)']
    return "\n".join(lines) + "\n" + BESIDES.get(file, "")


def wrapped(text):
    return textwrap.fill(text, 132, initial_indent="    ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def import_line(module, names):
    line = f"from {module} import {', '.join(names)}"
    return line if len(line) <= 132 else f"from {module} import (\n{wrapped(', '.join(names) + ',')}\n)"


def modules_text():
    """nn/modules/__init__.py: the classes of its files that descend from Module, and what those list in __all__."""
    folder, bases, home = PACKAGE / "nn" / "modules", {}, {}
    files = {stem: list(names) for stem, names in ALSO_MODULES.items()}
    for path in sorted(folder.glob("[a-z]*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                bases[node.name] = [base.id for base in node.bases if isinstance(base, ast.Name)]
                home[node.name] = path.stem
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "__all__":
                files[path.stem] = ast.literal_eval(node.value)

    def is_module(name):
        return name == "Module" or any(is_module(base) for base in bases.get(name, ()))

    for name, stem in home.items():
        if is_module(name) and not name.startswith("_"):
            files.setdefault(stem, []).append(name)
    names = sorted({name for members in files.values() for name in members})
    lines = ['"""All modules, by family.\n\nWritten by tools/names.py; do not edit.\n"""', "from pyxtorch.nn.modules.module import Module  # isort: skip"]
    for stem in sorted(files):
        own = sorted(set(files[stem]) - {"Module"})
        if own:
            lines.append(import_line(f"pyxtorch.nn.modules.{stem}", own))
    lines += ["", "__all__ = [", wrapped(", ".join(f'"{name}"' for name in names) + ","), "]"]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    texts = {file: text_of(file, names) for file, names in collect(families()).items()}
    texts["nn/modules/__init__.py"] = modules_text()
    stale = [file for file, text in texts.items() if not (PACKAGE / file).exists() or (PACKAGE / file).read_text() != text]
    if check and stale:
        sys.exit(f"pyxtorch/{{{', '.join(stale)}}} differ from the families' tables: run `make names`")
    for file in stale:
        (PACKAGE / file).write_text(texts[file])
        print("wrote pyxtorch/" + file)


if __name__ == "__main__":
    main()
