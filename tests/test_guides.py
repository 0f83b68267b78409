"""docs/extending: the code of each guide runs as it stands there, in a folder of its own, in a process that sees the installed package alone."""
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pyxtorch as torch
from pyxtorch.utils import cpp_extension

GUIDES = Path(__file__).resolve().parent.parent / "docs" / "extending"
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.M | re.S)
NEEDS = {"cython": ("Cython",), "c": ("cffi",), "python": (), "cuda": ()}
pytestmark = pytest.mark.skipif(not GUIDES.is_dir(), reason="the guides are not beside the tests")


def blocks(guide):
    """Its files by name, and its Python as one program."""
    files, program = {}, []
    for language, options, text in BLOCK.findall((GUIDES / f"{guide}.md").read_text()):
        options = dict(o.split("=") for o in options.split())
        if "file" in options:
            files[options["file"]] = text
        elif language == "python" and all(importlib.util.find_spec(m) for m in options.get("needs", "").split(",") if m):
            program.append(text)
    return files, program


@pytest.mark.parametrize("guide", ["python", "cython", "c"])
def test_the_guide_runs(guide, tmp_path):
    for module in NEEDS[guide]:
        pytest.importorskip(module)
    if guide != "python" and cpp_extension.compiler() is None:
        pytest.skip("needs g++")
    files, program = blocks(guide)
    assert len(program) >= 5
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "guide.py").write_text("\n".join(program))
    environment = {**os.environ, "PYTHONPATH": str(Path(torch.__file__).parent.parent), "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "guide.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


def test_an_operation_in_twenty_lines():
    text = blocks("cython")[0]["smooth.pyx"]
    begin = text.index("cdef class")
    assert len([line for line in text[begin:].splitlines() if line.strip()]) <= 20
