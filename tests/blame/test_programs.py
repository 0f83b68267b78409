"""Programs that are broken, and what their errors must name: the operation, the module's path, and the line."""
import inspect
import sys
import traceback
import warnings
from pathlib import Path

import pytest

import pyxtorch as torch

sys.path.insert(0, str(Path(__file__).parent))
from programs import PROGRAMS  # noqa: E402

HERE = Path(__file__).parent
CLASSES = {"RelativeLoss": "RelativeLoss", "Recurrent": "Recurrent", "Items": "Items", "Net": "Head"}  # where a program that has no mark fails


def fault_of(program, file, operation):
    """(name of the file, line) of the fault."""
    if file is not None:
        source = (HERE / f"{file}.py").read_text().splitlines()
        function = {"in_another_file": "def root", "normalised_elsewhere": "def normalised"}[program.__name__]
        return f"{file}.py", next(i for i, line in enumerate(source, 1) if line.startswith(function)) + 1
    lines, start = inspect.getsourcelines(program)
    found = [start + i for i, line in enumerate(lines) if line.rstrip().endswith("# fault")]
    if not found:  # it lies in a class at the top of the file that the program uses
        source = (HERE / "programs.py").read_text().splitlines()
        name = next(c for used, c in CLASSES.items() if used + "(" in "".join(lines))
        first = next(i for i, line in enumerate(source) if line.startswith(f"class {name}("))
        found = [next(i for i in range(first, len(source)) if source[i].rstrip().endswith("# fault")) + 1]
    return "programs.py", found[0]


def error_of(program, inf=False):
    """The error of a program, or the warning that its loss is not finite."""
    with warnings.catch_warnings(record=True) as told, torch.autograd.detect_anomaly(check_inf=inf):
        warnings.simplefilter("always")
        try:
            program()
        except Exception as error:
            return error
    return next((w.message for w in told if "not finite" in str(w.message)), None)


@pytest.mark.parametrize("program, operation, module, file, inf", PROGRAMS, ids=[p.__name__ for p, *_ in PROGRAMS])
def test_the_fault_is_named(program, operation, module, file, inf):
    error = error_of(program, inf)
    assert error is not None, "no error"
    message = "\n".join([str(error), *getattr(error, "__notes__", [])])
    assert operation.lower() in message.lower(), message
    assert module is None or module in message, message
    if program.__name__ == "hook_of_a_leaf":      # no operation made a leaf
        return
    name, line = fault_of(program, file, operation)
    frames = traceback.extract_tb(error.__traceback__)
    raised_there = any(f.filename.endswith(name) and f.lineno == line for f in frames) or f'{name}", line {line}' in message
    if hasattr(error, "blame") or "not finite" in message or "It was changed by" in message:
        assert f"{name}:{line}" in message, message
    else:
        assert raised_there, message


def test_there_are_forty():
    assert len(PROGRAMS) >= 40
