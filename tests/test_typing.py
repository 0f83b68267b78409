"""What type checkers see through the stubs: nothing in an ordinary program, each of ten planted mistakes."""
import ast
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
SAMPLE, MISTAKES = HERE / "typing_sample.py", HERE / "typing_mistakes.py"
EXAMPLES = sorted((HERE.parent / "examples").glob("*.py"))


def mypy(*paths, cache):
    """(file, line, message) of each error."""
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--config-file", str(HERE.parent / "pyproject.toml"), "--cache-dir", str(cache)]
    done = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, timeout=600, cwd=HERE.parent)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return [(Path(m[1]).name, int(m[2]), m[3]) for m in re.finditer(r"^(\S+?):(\d+): error: (.*)$", done.stdout, re.M)]


def pyright(*paths, cache):
    done = subprocess.run(["pyright", "--outputjson", "--pythonpath", sys.executable, *map(str, paths)], capture_output=True, text=True, timeout=600,
                          cwd=HERE.parent)
    found = json.loads(done.stdout)["generalDiagnostics"]
    return [(Path(d["file"]).name, d["range"]["start"]["line"] + 1, d["message"]) for d in found if d["severity"] == "error"]


CHECKERS = [
    pytest.param(mypy, marks=pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed")),
    pytest.param(pyright, marks=pytest.mark.skipif(shutil.which("pyright") is None, reason="pyright is not installed")),
]


@pytest.mark.parametrize("checker", CHECKERS)
def test_checkers_find_the_mistakes_and_nothing_else(checker, tmp_path):
    lines = MISTAKES.read_text().splitlines()
    planted = {number for number, line in enumerate(lines, 1) if "# mistake" in line}
    assert len(planted) == 10
    found = checker(SAMPLE, MISTAKES, *EXAMPLES, cache=tmp_path)
    assert [f for f in found if f[0] != MISTAKES.name] == []
    assert {line for _, line, _ in found} == planted, found


def test_the_sample_is_long_enough_and_runs():
    """150 lines of statements, and what it says about types is so."""
    code = [line for line in SAMPLE.read_text().splitlines() if line.strip() and not line.strip().startswith(("#", '"""'))]
    assert len(code) >= 150
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent) if (HERE.parent / "pyxtorch").exists() else ""}
    done = subprocess.run([sys.executable, str(SAMPLE)], capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr


def test_nothing_is_any_by_default():
    """Neither Tensor nor a namespace takes any name; only a Module does, for what it registers by name."""
    import pyxtorch

    wild = []
    for path in sorted(Path(pyxtorch.__file__).parent.rglob("*.pyi")):
        tree = ast.parse(path.read_text())
        owners = [(node.name, node) for node in ast.walk(tree) if isinstance(node, ast.ClassDef)] + [("", tree)]
        wild += [f"{path.name}:{owner}" for owner, node in owners for f in node.body if isinstance(f, ast.FunctionDef) and f.name == "__getattr__"]
    assert wild == ["module.pyi:Module"], wild
