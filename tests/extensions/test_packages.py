"""examples/extension_cython and extension_c: built by pip, out of tree, against the installed package, and used.

Needs an installed pyxtorch: `make test-extensions` makes an environment with the wheel for it.
"""
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pyxtorch as torch

ROOT = Path(__file__).resolve().parent.parent.parent
INSTALLED = "site-packages" in torch.__file__ and (ROOT / "examples").is_dir()
pytestmark = [pytest.mark.skipif(not INSTALLED, reason="is for an installed package: make test-extensions"),
              pytest.mark.skipif(shutil.which("gcc") is None or shutil.which("g++") is None, reason="needs gcc and g++")]  # fmt: skip
PROGRAMS = {
    "cython": """
import smooth, pyxtorch as torch
x = torch.randn(10_000, requires_grad=True)
y = smooth.smooth_relu(x)
assert torch.allclose(y, torch.nn.functional.softplus(x), atol=1e-5)
y.sum().backward()
assert torch.allclose(x.grad, x.sigmoid())
""",
    "c": """
import square, pyxtorch as torch
x = torch.randn(10_000, requires_grad=True)
y = square.square(x)
assert torch.equal(y, x * x)
y.sum().backward()
assert torch.equal(x.grad, 2 * x)
""",
}


def run(*command, cwd):
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


@pytest.mark.parametrize("kind", sorted(PROGRAMS))
def test_the_package_is_built_and_used(kind, tmp_path):
    pytest.importorskip("Cython")
    package, target = tmp_path / "package", tmp_path / "installed"
    shutil.copytree(ROOT / "examples" / f"extension_{kind}", package)
    run(sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-build-isolation", "--no-deps", "--target", target, package, cwd=tmp_path)
    (target / "program.py").write_text(PROGRAMS[kind])
    run(sys.executable, "program.py", cwd=target)
    shutil.copy(package / "benchmark.py", target)
    printed = run(sys.executable, "benchmark.py", cwd=target)
    assert printed.count("ns forward") >= 6
    print(printed)
