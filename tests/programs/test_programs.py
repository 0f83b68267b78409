"""Programs as people write them, of 2017 and of today, each run as it is. Each asserts what it has learned, and says figures that PyTorch 2.13
gives, too (figures.json, written by record.py): weights and noise are NumPy's, so that the figures depend on nothing else.

Those that `import torch` run by `python -m pyxtorch.run`, the others by `python`.
"""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pyxtorch

HERE = Path(__file__).resolve().parent
PROGRAMS = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in ("record", "same", "test_programs"))
FIGURES = json.loads((HERE / "figures.json").read_text())


@pytest.mark.exhaustive
@pytest.mark.unsanitized("each runs for a second or more; what they call is watched by the other tests")
@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name, tmp_path):
    path = HERE / f"{name}.py"
    how = [] if "import pyxtorch as torch" in path.read_text() else ["-m", "pyxtorch.run"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", "PYTHONDONTWRITEBYTECODE": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(pyxtorch.__file__).parents[1]), environment.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    done = subprocess.run([sys.executable, *how, str(path)], capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    said = {figure: float(value) for figure, value in (line.split() for line in done.stdout.splitlines())}
    assert said.keys() == FIGURES.get(name, {}).keys()
    for figure, value in said.items():
        assert value == pytest.approx(FIGURES[name][figure], rel=2e-3), figure


def test_every_program_is_recorded():
    assert len(PROGRAMS) >= 32
    assert FIGURES.keys() <= set(PROGRAMS)
