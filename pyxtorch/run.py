"""Runs a program written for torch on pyxtorch, as `python` would run it.

    python -m pyxtorch.run program.py arguments ...
    python -m pyxtorch.run -m package arguments ...
    python -m pyxtorch.run --names [v0.1.6] [module ...]     which public names of torch are not there

`import torch` gives pyxtorch in the program and in every process that it starts (docs/run.md).
"""
import importlib.util
import os
import pkgutil
import sys
import types
from importlib.machinery import SourceFileLoader, SourcelessFileLoader

from pyxtorch._alias import as_torch

__all__ = ["main"]


def main(arguments):
    """Run what the command line asks for: `arguments` without the name of this module."""
    first = arguments[0] if arguments else "--help"
    if first in ("-h", "--help"):
        print(__doc__.strip())
        return
    if first == "--names":
        from pyxtorch._names import missing

        print(missing.report(arguments[1:]))
        return
    as_torch()
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _show
    if first == "-m":
        if len(arguments) < 2:
            _refuse("-m needs the name of a module")
        spec = _main_of(arguments[1])
        _run(spec.loader.get_code(spec.name), spec.origin, spec, spec.origin, arguments[2:])
    elif first.startswith("-"):
        _refuse(f"unknown option {first}; options of the program come after its name")
    else:
        _run_path(first, arguments[1:])


def _refuse(message):
    print(f"pyxtorch.run: {message}", file=sys.stderr)
    raise SystemExit(2)


def _main_of(name):
    """The spec of what `python -m name` runs."""
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
            if spec is None:
                _refuse(f"No module named {name}.__main__; {name!r} is a package and cannot be directly executed")
    except (ImportError, ValueError) as error:
        _refuse(f"Error while finding module specification for {name!r} ({type(error).__name__}: {error})")
    if spec is None:
        _refuse(f"No module named {name}")
    return spec


def _run_path(path, arguments):
    """A file, or a folder or archive that holds a `__main__.py`."""
    full = os.path.abspath(path)
    if pkgutil.get_importer(full) is not None:
        _first_on_path(full)
        sys.modules.pop("__main__", None)
        spec = importlib.util.find_spec("__main__")
        if spec is None:
            _refuse(f"can't find '__main__' module in {path!r}")
        _run(spec.loader.get_code("__main__"), spec.origin, spec, path, arguments)
        return
    _first_on_path(os.path.dirname(os.path.realpath(path)))
    try:
        loader = (SourcelessFileLoader if path.endswith(".pyc") else SourceFileLoader)("__main__", full)
        code = loader.get_code("__main__") if path.endswith(".pyc") else loader.source_to_code(loader.get_data(full), full)
    except OSError as error:
        _refuse(f"can't open file {full!r}: [Errno {error.errno}] {error.strerror}")
    _run(code, full, None, path, arguments, loader)


def _first_on_path(folder):
    """The folder of the program stands where Python put the one of this module, unless it was told to put none."""
    if not sys.flags.safe_path:
        sys.path[0] = folder


def _run(code, file, spec, name, arguments, loader=None):
    """Run `code` as the main module: the one that pickle, multiprocessing and an interactive prompt find."""
    module = types.ModuleType("__main__")
    module.__file__, module.__spec__, module.__builtins__ = file, spec, __builtins__
    module.__loader__ = spec.loader if spec else loader
    module.__package__ = spec.parent if spec else None
    module.__cached__ = spec.cached if spec else None
    sys.modules["__main__"] = module
    sys.argv[:] = [name, *arguments]
    exec(code, module.__dict__)


def _show(kind, error, trace):
    """Print an error as if the program had been started by `python`: without the lines that lead from here to it."""
    while trace is not None and (trace.tb_frame.f_code.co_filename == __file__ or trace.tb_frame.f_code.co_filename.startswith("<frozen ")):
        trace = trace.tb_next
    sys.__excepthook__(kind, error.with_traceback(trace), trace)


if __name__ == "__main__":
    main(sys.argv[1:])
