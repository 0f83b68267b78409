"""The package from Cython: `cimport pyxtorch` in a module outside of it, built against the installed headers and declarations."""
import ctypes
import re
from pathlib import Path

import pytest

import pyxtorch as torch
from pyxtorch import api
from pyxtorch.utils import cpp_extension

HERE = Path(__file__).resolve().parent
PACKAGE = Path(torch.__file__).parent


@pytest.fixture(scope="module")
def extension(tmp_path_factory):
    pytest.importorskip("Cython")
    if cpp_extension.compiler() is None:
        pytest.skip("building an extension needs g++")
    return cpp_extension.load("extension", [HERE / "extension.pyx"], build_directory=tmp_path_factory.mktemp("extension"))


def doubles(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_extension_computes_and_records(extension):
    x = doubles(1.0, -2.0, 3.0)
    y = extension.cube(x)
    assert type(y) is torch.Tensor
    assert y.tolist() == [1.0, -8.0, 27.0]
    assert torch.autograd.gradcheck(extension.cube, (x,)) and torch.autograd.gradgradcheck(extension.cube, (x,))
    with torch.no_grad():
        assert not extension.cube(x).requires_grad
    with pytest.warns(UserWarning, match="cube"):
        assert torch.func.vmap(extension.cube)(torch.eye(2, dtype=torch.float64)).tolist() == [[1, 0], [0, 1]]
    assert torch.func.grad(lambda x: extension.cube(x).sum())(doubles(2.0)).tolist() == [12]


def test_extension_sees_what_a_tensor_is(extension):
    assert extension.facts(torch.zeros(3, 4).t()) == (16, 0, 0, [4, 3], [1, 4], 12, False, 4)
    assert extension.facts(torch.zeros((), dtype=torch.int64)) == (8, 0, 0, [], [], 1, True, 8)
    assert extension.facts(torch.zeros(2, 0, device="meta"))[1:4] == (2, 0, [2, 0])


def test_memoryviews_share_memory(extension):
    x = torch.ones(2, 3, dtype=torch.float64)
    assert extension.total(x) == 6 and x[0, 0] == 2
    assert extension.total(x.t()) == 7 and x[0, 0] == 3
    with pytest.raises(ValueError, match="dimensions"):
        extension.total(torch.ones(2, dtype=torch.float64))
    with pytest.raises(ValueError, match="dtype"):
        extension.total(torch.ones(2, 2))


@pytest.mark.parametrize("grain", [-1, 0, 1, 7, 1000, 2**62])
def test_threads_do_each_element_once(extension, grain):
    for n in (0, 1, 6, 999, 20_001):
        x = torch.randn(n)
        assert torch.equal(extension.negate(x, grain), -x)


def test_products_and_kernels(extension):
    for m, k, n in ((1, 1, 1), (3, 0, 2), (17, 5, 9), (64, 300, 33)):
        a, b = torch.randn(m, k), torch.randn(k, n)
        assert torch.allclose(extension.product(a, b), a @ b, atol=1e-4)
    assert extension.family(b"softmax")
    with pytest.raises(ImportError, match="Build all of it again"):
        extension.family(b"softmax", 8)
    with pytest.raises(ImportError, match="no family"):
        extension.family(b"soft")


def test_saved_tensors_notice_what_is_written(extension):
    x = doubles(2.0)
    y = extension.cube(x)
    extension.write(x.detach(), 3.0)
    with pytest.raises(RuntimeError, match="changed|modified"):
        y.backward()


def test_extension_refuses_what_it_does_not_do(extension):
    with pytest.raises(TypeError):
        extension.cube(3)
    with pytest.raises(ValueError, match=r"cube: expected a contiguous tensor of float64 on the CPU, got one of shape \(3,\), float32"):
        extension.cube(torch.zeros(3))
    with pytest.raises(ValueError, match="not contiguous"):
        extension.cube(torch.zeros(3, 2, dtype=torch.float64).t())
    with pytest.raises(ValueError, match="on meta"):
        extension.cube(torch.zeros(3, dtype=torch.float64, device="meta"))
    with pytest.raises(RuntimeError, match=r"gradient 0 should be of shape \(1,\), float64, on cpu; got one of shape \(1,\), float32"):
        extension.wrong(doubles(1.0)).sum().backward()
    with pytest.raises(RuntimeError, match=r"should be of shape \(\).*got one of shape \(1,\)"):
        extension.wrong(doubles(1.0)[0]).backward()


@pytest.mark.parametrize("number", [1, 3, 1000, -1])
def test_a_gradient_for_no_input_is_refused(extension, number):
    with pytest.raises(RuntimeError, match=f"Beyond: a gradient for input {number} was given, but the operation was recorded with 1 input"):
        extension.beyond(doubles(1.0), number).backward()


def test_a_module_of_another_version_is_told_to_be_built_again(tmp_path):
    if cpp_extension.compiler() is None:
        pytest.skip("building an extension needs g++")
    source = tmp_path / "older.cpp"
    text = '''#include <Python.h>
        #define PYX_API_VERSION 99
        #include "copy.h"
        static PyModuleDef d = {PyModuleDef_HEAD_INIT, "older"};
        PyMODINIT_FUNC PyInit_older() { return pyx_import_api() ? PyModule_Create(&d) : NULL; }'''
    header = (Path(torch.get_include()) / "pyxtorch" / "capi.h").read_text()
    (tmp_path / "copy.h").write_text(re.sub(r'#include "', '#include "pyxtorch/', header).replace("#define PYX_API_VERSION 1\n", ""))
    source.write_text(text)
    with pytest.raises(ImportError, match="built for version 99 .* has version 1 .* Build the module again"):
        cpp_extension.load("older", [source], build_directory=tmp_path, extra_include_paths=[tmp_path])
    with pytest.raises(ImportError, match="built for version 7 of pyxtorch's Cython interface.* has version 1. Build the module again"):
        from pyxtorch._interface import Interface_7  # noqa: F401


def test_the_interface_is_what_was_promised():
    """interface.txt: a line for each function that others call, and the sizes of what they derive from and read.

    A change of a line breaks modules that are built: then PYX_API_VERSION and `Interface_N` go up with it. New lines do not.
    """
    assert "\n".join(interface()) + "\n" == (HERE / "interface.txt").read_text()


def interface():
    from pyxtorch import _core, _storage, autograd
    from pyxtorch._tape import graph, modes, views

    name_of = ctypes.pythonapi.PyCapsule_GetName
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    yield f"version {api.version}"
    for module, names in (
        (api, None),
        (_core, ("bump", "new_empty", "new_like")),
        (_storage, ("kernel_tables",)),
        (modes, ("grad_enabled",)),
        (views, ("stale", "tracked")),
        (autograd, ("record1", "record2", "record3", "record_many", "recording_any")),
    ):
        promised = module.__pyx_capi__
        for name in sorted(promised if names is None else set(names) & set(promised)):
            yield f"{module.__name__}.{name}: {name_of(promised[name]).decode()}"
    for kind in (_core.TensorBase, autograd.Variable, graph.Node, autograd.Function):
        yield f"sizeof {kind.__name__}: {kind.__basicsize__}"


def test_declarations_and_headers_are_installed():
    for name in ("__init__.pxd", "api.pxd", "_interface.pxd", "_core.pxd", "autograd.pxd", "_tape/graph.pxd", "kernels/softmax.pxd"):
        assert (PACKAGE / name).is_file(), name
    assert (Path(torch.get_include()) / "pyxtorch" / "capi.h").is_file()
