"""Which documented names of torch 2.13 pyxtorch has: `python -m pyxtorch.run --names`.

They are listed in torch-2.13.txt beside this file, which tools/torch_names.py writes and says how it counts.
"""
import importlib
import textwrap
from pathlib import Path

LIST = Path(__file__).with_name("torch-2.13.txt")


def documented():
    """Module or class of torch to its documented names."""
    lines = (line.partition(":") for line in LIST.read_text().splitlines() if not line.startswith("#"))
    return {path: names.split() for path, _, names in lines}


def _owner(path):
    """What pyxtorch has in the place of a module or class of torch, or None."""
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


def missing():
    """Module or class of torch to the names of it that are not there, if any."""
    found = {}
    for path, names in documented().items():
        owner = _owner(path)
        found[path] = [name for name in names if not hasattr(owner, name)]
    return {path: names for path, names in found.items() if names}


def report(modules=()):
    """The table as text: for each module (those given, or all) how many of its names are there, and those that are not."""
    listed, gone = documented(), missing()
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
    lines.append(f"{all_names - count} of {all_names} documented names of torch 2.13 ({100 - 100 * count / max(all_names, 1):.1f} %)")
    return "\n".join(lines)
