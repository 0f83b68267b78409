"""The package can be used from Cython directly, against its installed headers and declarations."""
import importlib.util
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import pyxtorch as torch

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def extension(tmp_path_factory):
    pytest.importorskip("Cython")
    if shutil.which("g++") is None:
        pytest.skip("building an extension needs g++")
    folder = tmp_path_factory.mktemp("extension")
    package_root = Path(torch.__file__).parent.parent
    cpp, built = folder / "extension.cpp", folder / ("extension" + sysconfig.get_config_var("EXT_SUFFIX"))
    commands = [
        [sys.executable, "-m", "cython", "--cplus", "-3", "-I", str(package_root), "-o", str(cpp), str(HERE / "extension.pyx")],
        ["g++", "-std=c++17", "-O1", "-w", "-shared", "-fPIC", f"-I{torch.get_include()}", f"-I{sysconfig.get_paths()['include']}",
         str(cpp), "-o", str(built)],
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
    spec = importlib.util.spec_from_file_location("extension", built)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_extension_computes_and_records(extension):
    x = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64, requires_grad=True)
    y = extension.cube(x)
    assert type(y) is torch.Tensor
    assert y.tolist() == [1.0, -8.0, 27.0]
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    assert g.tolist() == [3.0, 12.0, 27.0]
    (h,) = torch.autograd.grad(g.sum(), x)
    assert h.tolist() == [6.0, -12.0, 18.0]


def test_extension_reads_headers_and_structs(extension):
    assert extension.elements(torch.zeros(3, 4)) == 12
    assert extension.dtype_code() == 17


def test_extension_refuses_what_it_does_not_do(extension):
    with pytest.raises(TypeError):
        extension.cube(3)
    with pytest.raises(ValueError, match="float64"):
        extension.cube(torch.zeros(3))
