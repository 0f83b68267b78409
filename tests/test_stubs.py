"""What the stubs claim is so: every public name is in them, and every record gives what its operation's stub says."""
import ast
import importlib
import importlib.util
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import pyxtorch as torch
from pyxtorch.testing import operations as checks

PACKAGE = Path(torch.__file__).resolve().parent
TOOL = Path(__file__).resolve().parent.parent / "tools" / "stubs.py"
SPACES = ("", "nn.functional", "linalg", "special", "fft")


def records():
    spec = importlib.util.spec_from_file_location("_every_op", Path(__file__).with_name("test_every_op.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.OPS


@cache
def stub_of(space):
    base = PACKAGE / space.replace(".", "/")
    return ast.parse((base / "__init__.pyi" if (base / "__init__.pyi").exists() else base.with_suffix(".pyi")).read_text())


@cache
def claims(space, name, owner=None):
    """The result types that a stub says the function may have, as text."""
    body = stub_of(space).body
    if owner:
        body = next(node for node in body if isinstance(node, ast.ClassDef) and node.name == owner).body
    return [ast.unparse(node.returns) for node in body if isinstance(node, ast.FunctionDef) and node.name == name]


def is_a(value, claim):
    """Whether a result is what a stub says."""
    if "Any" in claim or claim == "_t.Self":
        return True
    if claim == "_Tensor":
        return isinstance(value, torch.Tensor)
    if claim.startswith("_return_types."):
        return type(value) is getattr(importlib.import_module("pyxtorch.return_types"), claim.partition(".")[2])
    if claim.startswith("_b.tuple["):
        parts = claim[len("_b.tuple["):-1].split(", ")
        fits = len(parts) == 2 and parts[1] == "..." or (isinstance(value, tuple) and len(parts) == len(value))
        return isinstance(value, tuple) and fits and all(is_a(v, parts[0]) for v in value)
    return type(value).__name__ == claim.removeprefix("_b.").removeprefix("_")


def test_every_record_gives_what_its_stub_says():
    wrong, seen = [], 0
    for op in records():
        if op.function is not checks.find(op.name):
            continue  # a call of the operation in some other form
        space, _, name = op.name.rpartition(".")
        claimed = [c for s in ([space] if space else SPACES) for c in (claims(s, name) if s in SPACES else ())]
        claimed += claims("tensor", name, "Tensor") if not space else []
        if not claimed:
            continue
        for call in op.samples:
            args, kwargs = op.make(call, op.dtypes[0])
            try:
                result = op.function(*args, **kwargs)
            except RuntimeError:
                continue  # a dtype that this sample does not do
            seen += 1
            if not any(is_a(result, c) for c in claimed):
                wrong.append(f"{op.name}: {type(result).__name__}, but the stub says {sorted(set(claimed))}")
    assert seen > 1000
    assert not wrong, "\n".join(sorted(set(wrong)))


def public_modules():
    """Those that have a stub, by their name below pyxtorch; `autograd`'s parts lie elsewhere when they run, but are found by name."""
    for path in sorted(PACKAGE.rglob("*.pyi")):
        parts = [part for part in path.relative_to(PACKAGE).with_suffix("").parts if part != "__init__"]
        if not any(part.startswith("_") for part in parts):
            yield ".".join(parts)


@pytest.mark.parametrize("space", list(public_modules()))
def test_every_public_name_is_in_the_stub(space):
    """Those reached by `__getattr__` included."""
    module = importlib.import_module(f"pyxtorch.{space}".rstrip("."))
    listed = getattr(module, "__all__", None) or [n for n in (*dir(module), *getattr(module, "_LATE", ())) if not n.startswith("_")]
    shown = set()
    for node in stub_of(space).body:
        if isinstance(node, ast.ImportFrom):
            shown |= {a.asname or a.name for a in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            shown.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            shown.add(node.target.id)
        elif isinstance(node, ast.Assign):
            shown |= {target.id for target in node.targets}
    missing = {n for n in listed if n not in shown and is_own(getattr(module, n), module)}
    assert not missing, sorted(missing)


def is_own(value, module):
    """Whether a module offers the value, rather than having imported it for its own use. `ops` and `kernels` are no interface."""
    if type(value).__name__ == "module":
        return hasattr(module, "__path__") and value.__name__.startswith("pyxtorch.") and value.__name__ not in ("pyxtorch.ops", "pyxtorch.kernels")
    home = getattr(value, "__module__", None) or "pyxtorch"
    return home.startswith("pyxtorch") and (hasattr(module, "__path__") or home == module.__name__ or not callable(value))


def test_every_method_of_tensor_is_in_the_stub():
    stub = {node.name for c in stub_of("tensor").body if isinstance(c, ast.ClassDef) and c.name == "Tensor" for node in c.body if isinstance(node, ast.FunctionDef)}
    missing = [n for n in vars(torch.Tensor) if not n.startswith("_") and n not in stub]
    assert not missing, missing


@pytest.mark.skipif(not TOOL.exists(), reason="the sources are not beside the tests")
def test_the_stubs_are_what_the_tool_writes():
    done = subprocess.run([sys.executable, str(TOOL), "--check"], capture_output=True, text=True, timeout=300, cwd=TOOL.parent.parent)
    assert done.returncode == 0, done.stdout + done.stderr
