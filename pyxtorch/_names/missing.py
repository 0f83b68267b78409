"""Which documented names of torch pyxtorch has: `python -m pyxtorch.run --names`, of 2.13, and `--names v0.1.6`, of early 2017.

They are listed in files beside this one. torch-2.13.txt is written by tools/torch_names.py, which says how it counts; torch-0.1.6.txt
is the index of the documentation of those days.
"""
import importlib
import textwrap
from pathlib import Path

VERSIONS = ("2.13", "0.1.6")


def documented(version="2.13"):
    """Module or class of torch to its documented names."""
    text = Path(__file__).with_name(f"torch-{version}.txt").read_text()
    lines = (line.partition(":") for line in text.splitlines() if not line.startswith("#"))
    return {path: names.split() for path, _, names in lines}


# Of what a class makes in the place of what it is there.
MADE = {"torch.autograd.Variable": "torch.Tensor", "torch.sparse.FloatTensor": "torch.Tensor"}


def _owner(path):
    """What pyxtorch has in the place of a module or class of torch, or None."""
    path = MADE.get(path, path)
    ours = "pyxtorch" + path.removeprefix("torch")
    try:
        return importlib.import_module(ours)
    except ModuleNotFoundError as error:
        if not ours.startswith(error.name):
            raise
    above, _, name = ours.rpartition(".")
    try:
        return getattr(importlib.import_module(above), name, None)
    except ModuleNotFoundError:
        return None


def missing(version="2.13"):
    """Module or class of torch to the names of it that are not there, if any."""
    found = {}
    for path, names in documented(version).items():
        owner = _owner(path)
        found[path] = [name for name in names if not hasattr(owner, name)]
    return {path: names for path, names in found.items() if names}


def report(modules=()):
    """The table as text: for each module (those given, or all) how many of its names are there, and those that are not.

    The first of `modules` may be a version, "2.13" or "v0.1.6".
    """
    version = modules[0].removeprefix("v") if modules else ""
    version, modules = (version, modules[1:]) if version in VERSIONS else (VERSIONS[0], modules)
    listed, gone = documented(version), missing(version)
    unknown = [path for path in modules if path not in listed]
    if unknown:
        raise SystemExit(f"pyxtorch.run: no names are listed for {', '.join(unknown)}; listed are {', '.join(listed)}")
    lines = []
    for path in modules or listed:
        lost = gone.get(path, [])
        lines.append(f"{path}: {len(listed[path]) - len(lost)} of {len(listed[path])}")
        if lost:
            lines.append(textwrap.fill(", ".join(lost), 120, initial_indent="    missing: ", subsequent_indent="    ", break_on_hyphens=False))
    count, all_names = sum(len(gone.get(path, ())) for path in modules or listed), sum(len(listed[path]) for path in modules or listed)
    lines.append(f"{all_names - count} of {all_names} documented names of torch {version} ({100 - 100 * count / max(all_names, 1):.1f} %)")
    return "\n".join(lines)
