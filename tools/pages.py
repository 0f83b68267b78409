"""Writes the reference pages, docs/api/*.md, from the docstrings of the built package.

    python tools/pages.py            write them
    python tools/pages.py --check    exit with 1 where a page is not what this would write

A page for each family of operations (its functions and methods, with the names they are found
under), for each namespace of classes, for Tensor's own methods, and for what is left of the package.
"""
import argparse
import importlib
import inspect
import pkgutil
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
import pyxtorch  # noqa: E402
from pyxtorch import ops  # noqa: E402

PAGES = ROOT / "docs" / "api"
FAMILIES = (
    "create", "elementwise", "shape", "reduce", "scan", "softmax", "matmul", "linalg", "fft", "sort", "index", "conv", "pool", "norm", "loss",
    "embedding", "attention", "resample", "rnn", "random", "special", "optim", "sparse",
)  # fmt: skip
NAMESPACES = {  # page: (modules whose public classes and functions it shows, summary)
    "autograd": (("pyxtorch.autograd",), "The tape: recording, gradients, functions of one's own"),
    "nn": (("pyxtorch.nn.modules", "pyxtorch.nn.parameter", "pyxtorch.nn.init", "pyxtorch.nn.utils"), "Modules, initialisation and helpers of networks"),
    "optimizers": (("pyxtorch.optim", "pyxtorch.optim.lr_scheduler", "pyxtorch.optim.swa_utils"), "Optimisers and learning rate schedules"),
    "data": (("pyxtorch.utils.data", "pyxtorch.utils.data.datapipes.iter", "pyxtorch.utils.data.datapipes.map"), "Datasets, samplers and loaders"),
    "sparse_tensors": (("pyxtorch.sparse",), "Operations of the namespace `sparse`"),
    "nested": (("pyxtorch.nested",), "Tensors of tensors of different shapes"),
    "serialization": (("pyxtorch.serialization",), "Saving and loading"),
    "storage": (("pyxtorch.storage",), "The memory behind tensors"),
    "multiprocessing": (
        ("pyxtorch.multiprocessing", "pyxtorch.multiprocessing.spawn", "pyxtorch.multiprocessing.queue", "pyxtorch.multiprocessing.pool", "pyxtorch.multiprocessing.connection"),
        "Tensors in several processes",
    ),
    "cuda": (("pyxtorch.cuda",), "The GPU"),
    "distributions": (("pyxtorch.distributions", "pyxtorch.distributions.constraints", "pyxtorch.distributions.utils"), "Distributions, transforms and constraints"),
    "fx": (
        ("pyxtorch.fx.graph", "pyxtorch.fx.graph_module", "pyxtorch.fx.interpreter", "pyxtorch.fx.node", "pyxtorch.fx.proxy", "pyxtorch.fx.tracer",
         "pyxtorch.fx.subgraph_rewriter", "pyxtorch.fx.passes.shape_prop"),
        "Programs as data: recorded, edited, run",
    ),
    "jit": (("pyxtorch.jit", "pyxtorch.export", "pyxtorch.export.dynamic_shapes", "pyxtorch.export.exported_program"), "Programs that are traced, saved and loaded"),
    "amp": (("pyxtorch.amp.autocast_mode", "pyxtorch.amp.grad_scaler"), "Lower precision where it is enough"),
    "profiler": (("pyxtorch.profiler", "pyxtorch.autograd.profiler"), "What takes how long"),
    "array_api": (("pyxtorch.array_api", "pyxtorch.array_api.linalg", "pyxtorch.array_api.fft"), "The namespace of the Array API standard"),
    "func": (("pyxtorch.func", "pyxtorch.compiler"), "Functions of functions, and hints for a compiler"),
    "flex_attention": (("pyxtorch.nn.attention", "pyxtorch.nn.attention.bias", "pyxtorch.nn.attention.flex_attention"), "Attention with functions of scores"),
    "parallel": (("pyxtorch.nn.parallel", "pyxtorch.distributed", "pyxtorch.futures"), "Several devices, and several processes"),
    "prune": (("pyxtorch.nn.utils.prune",), "Pruning of parameters"),
    "monitor": (("pyxtorch.monitor", "pyxtorch.utils.flop_counter", "pyxtorch.utils.tensorboard"), "Events and figures of a running program"),
    "extending": (("pyxtorch.ffi", "pyxtorch.utils.cpp_extension", "pyxtorch.utils.ffi"), "Operations in C, C++ and Cython"),
    "library": (("pyxtorch.library", "pyxtorch.hub", "pyxtorch.quasirandom", "pyxtorch.utils.benchmark"), "Operations of one's own, models of others, measuring"),
}


OPERATIONS = ("linalg", "special", "fft", "nn.functional")  # the namespaces of operations besides pyxtorch itself


def plain(value):
    """The function that an operation of the gate wraps."""
    return value.__wrapped__ if type(value).__name__ == "Operation" else value


def home_of(value):
    return getattr(plain(value), "__module__", None) or ""


def family_of(module):
    """The family of an operation module: `elementwise_math` belongs to `elementwise`."""
    return next((f for f in FAMILIES if module == f or module.startswith(f + "_")), None)


def public_path(module, name, function):
    """The name to call a function by: pyxtorch.x, pyxtorch.nn.functional.x, ..., or Tensor.x."""
    if plain(getattr(pyxtorch, name, None)) is function:
        return f"pyxtorch.{name}"
    for space in OPERATIONS:
        owner = importlib.import_module(f"pyxtorch.{space}")
        if plain(getattr(owner, name, None)) is function:
            return f"pyxtorch.{space}.{name}"
    if name in getattr(module, "methods", {}):
        return f"Tensor.{name}"
    return None


def operations(module):
    """(path, function) of what a family module offers, in the order of the source."""
    found = {}
    tables = [{n: getattr(module, n, None) for n in getattr(module, "__all__", ())}, {n: getattr(module, n) for n in getattr(module, "functional", ())}]
    tables += [getattr(module, t) for t in ("exports", "linalg", "special", "transforms", "methods", "properties") if isinstance(getattr(module, t, None), dict)]
    for table in tables:
        for name, function in table.items():
            function = plain(function)
            path = public_path(module, name, function)
            if path and callable(function) and inspect.getdoc(function) and not (name.endswith("_") and not name.startswith("_")):
                found.setdefault(id(function), (path, function))
    return [item for item in found.values() if not item[0].rpartition(".")[2].startswith("_")]


def signature(path, value):
    try:
        text = str(inspect.signature(value))
    except (TypeError, ValueError):
        text = "(...)"
    return path + re.sub(r" at 0x[0-9a-f]+", "", text)


def entry(path, value):
    return f"### {path}\n\n```python\n{signature(path, value)}\n```\n\n{inspect.getdoc(value)}\n"


def source(module):
    """Where a module of a family is written: compiled, or plain Python where it is composed of other operations."""
    path = f"pyxtorch/ops/{module}"
    return path + (".pyx" if (ROOT / (path + ".pyx")).exists() else ".py")


def family_page(family, modules):
    title = f"# {family}\n\nOperations of the family `{family}`. Sources: " + ", ".join(f"`{source(m)}`" for m in sorted(modules)) + ".\n"
    entries = {}
    for name in sorted(modules):
        for path, function in operations(importlib.import_module(f"pyxtorch.ops.{name}")):
            entries.setdefault(path, entry(path, function))
    if not entries:
        return None
    return "\n".join([title, *(entries[p] for p in sorted(entries))])


def tensor_page():
    """What Tensor has of its own: methods and attributes that are no family's."""
    members = {}
    for name, value in vars(pyxtorch.Tensor).items():
        if name.startswith("_") or not inspect.getdoc(value) or home_of(value).startswith("pyxtorch.ops."):
            continue
        if callable(value):
            members[name] = entry(f"Tensor.{name}", value)
        elif not isinstance(value, property):
            members[name] = f"### Tensor.{name}\n\n{inspect.getdoc(value)}\n"
    return "\n".join(["# tensor\n\nMethods and attributes of Tensor that belong to no family.\n", *(members[n] for n in sorted(members))])


def package_page():
    """Functions and classes of `pyxtorch` itself that are no family's."""
    entries = {}
    for name in dir(pyxtorch):
        value = getattr(pyxtorch, name)
        home = home_of(value)
        if name.startswith("_") or not callable(value) or home.startswith("pyxtorch.ops.") and name != "result_type" or not home.startswith("pyxtorch"):
            continue
        if inspect.getdoc(value) and not (inspect.isclass(value) and home == "pyxtorch.autograd") and not (name.endswith("_") and hasattr(pyxtorch.Tensor, name)):
            entries[name] = entry(f"pyxtorch.{name}", value)
    return "\n".join(["# package\n\nSettings, types and what else is found in `pyxtorch` itself.\n", *(entries[n] for n in sorted(entries))])


def namespace_page(page, modules, summary):
    parts = [f"# {page}\n\n{summary}.\n"]
    for name in modules:
        module = importlib.import_module(name)
        names = getattr(module, "__all__", None) or [n for n in vars(module) if not n.startswith("_")]
        shown = []
        for n in sorted(set(names)):
            value = getattr(module, n)
            own = getattr(value, "__module__", "") or ""
            if own.startswith("pyxtorch") and (inspect.isclass(value) or callable(value)) and inspect.getdoc(value):
                shown.append(entry(f"{name}.{n}", value))
        parts += [f"## {name}\n", *shown]
    return "\n".join(parts)


def pages():
    modules = {}
    for info in pkgutil.iter_modules(ops.__path__):
        family = family_of(info.name)
        if family:
            modules.setdefault(family, []).append(info.name)
        elif not info.name.startswith("_"):
            raise SystemExit(f"pyxtorch/ops/{info.name}: of no family; add it to FAMILIES here")
    for family in FAMILIES:
        text = family_page(family, modules[family]) if family in modules else None
        if text:
            yield PAGES / f"{family}.md", text
    yield PAGES / "tensor.md", tensor_page()
    yield PAGES / "package.md", package_page()
    for page, (names, summary) in NAMESPACES.items():
        yield PAGES / f"{page}.md", namespace_page(page, names, summary)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    PAGES.mkdir(parents=True, exist_ok=True)
    written, stale = set(), []
    for path, text in pages():
        text = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
        written.add(path)
        if not path.exists() or path.read_text() != text:
            stale.append(path.name)
            if not check:
                path.write_text(text)
    for path in PAGES.glob("*.md"):
        if path not in written:
            stale.append(path.name)
            if not check:
                path.unlink()
    if check and stale:
        sys.exit(f"docs/api is not up to date ({', '.join(sorted(stale))}): run `make docs`")


if __name__ == "__main__":
    main()
