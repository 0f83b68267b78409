"""Plain C functions as operations: by library, by address, by text, and as torch.utils.ffi made them."""
import importlib
import math
import struct
import sys
from pathlib import Path

import pytest

import pyxtorch as torch
from pyxtorch.utils import cpp_extension
from pyxtorch.utils.ffi import create_extension

cffi = pytest.importorskip("cffi")
from pyxtorch import ffi  # noqa: E402

pytestmark = pytest.mark.skipif(cpp_extension.compiler() is None, reason="needs g++")
SOURCE = """
#include <stdint.h>
#include <math.h>
extern "C" {
void add(const float* x, const float* y, float* out, int64_t n) { for (int64_t i = 0; i < n; i++) out[i] = x[i] + y[i]; }
void axpy(double a, const double* x, const double* y, double* out, int64_t n) { for (int64_t i = 0; i < n; i++) out[i] = a * x[i] + y[i]; }
void axpy_backward(double a, const double* g, const double* x, const double* y, double* gx, double* gy, int64_t n) {
    for (int64_t i = 0; i < n; i++) { gx[i] = a * g[i]; gy[i] = g[i]; } }
int product(const double* a, const double* b, double* c, int m, int k, int n) {
    for (int i = 0; i < m; i++) for (int j = 0; j < n; j++) {
        double s = 0; for (int l = 0; l < k; l++) s += a[i * k + l] * b[l * n + j]; c[i * n + j] = s; }
    return m == 5 ? 3 : 0; }
void both(const int32_t* x, int32_t* lower, uint8_t* odd, int64_t n) { for (int64_t i = 0; i < n; i++) { lower[i] = x[i] - 1; odd[i] = x[i] & 1; } }
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return cpp_extension.load_inline("plain", SOURCE, build_directory=tmp_path_factory.mktemp("plain"), is_python_module=False)


ADD = "void add(const float* x, const float* y, float* out, int64_t n)"
PRODUCT = "int product(const double* a, const double* b, double* c, int m, int k, int n)"


def test_elementwise(library):
    add = ffi.load(library, ADD)
    for shape in ((), (0,), (7,), (3, 5)):
        x, y = torch.randn(shape), torch.randn(shape)
        assert torch.equal(add(x, y), x + y)
    x = torch.randn(4, 3)
    assert torch.equal(add(x.t(), x.t()), 2 * x.t())
    out = torch.empty(4, 3)
    assert add(x, x, out) is out and torch.equal(out, 2 * x)
    assert ffi.load(library, "void add(const float*, const float*, float*, int64_t)")(x, x).shape == (4, 3)
    lower, odd = ffi.load(library, "void both(const int32_t* x, int32_t* lower, uint8_t* odd, int64_t n)")(torch.tensor([4, 5], dtype=torch.int32))
    assert lower.tolist() == [3, 4] and odd.tolist() == [0, 1] and odd.dtype == torch.uint8


def test_shapes_by_name(library):
    matmul = ffi.load(library, PRODUCT, shapes="(m,k), (k,n) -> (m,n)", backward=lambda g, a, b: (g @ b.t(), a.t() @ g))
    a, b = torch.randn(3, 4, dtype=torch.float64, requires_grad=True), torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.allclose(matmul(a, b), a @ b)
    assert torch.autograd.gradcheck(matmul, (a, b)) and torch.autograd.gradgradcheck(matmul, (a, b))
    assert torch.func.vmap(matmul, (0, None))(torch.stack([a, a]), b).shape == (2, 3, 2)
    with pytest.raises(ValueError, match=r"expected a of 2 dimensions \(m,k\), got shape \(3,\)"):
        matmul(a[:, 0], b)
    with pytest.raises(ValueError, match=r"b of shape \(3, 4\) has 3 where .* say k = 4"):
        matmul(a, a)
    with pytest.raises(RuntimeError, match="product: it returned 3"):
        matmul(torch.zeros(5, 4, dtype=torch.float64), b)


def test_backward_in_c(library):
    slope = ffi.load(library, "void axpy_backward(double a, const double* g, const double* x, const double* y, double* gx, double* gy, int64_t n)")
    axpy = ffi.load(library, "void axpy(double a, const double* x, const double* y, double* out, int64_t n)", backward=lambda g, x, y, a: slope(a, g, x, y))
    x, y = torch.randn(5, dtype=torch.float64, requires_grad=True), torch.randn(5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, y: axpy(2.5, x, y), (x, y))


@pytest.mark.parametrize(("backward", "words"), [
    (None, "no gradient"),
    (lambda g, x, y: g, "gave 1 gradients for 2 inputs"),
    (lambda g, x, y: (g, g.double()), "for input 1 .*float64.*expected .*float32"),
    (lambda g, x, y: (g[:1], g), r"for input 0 \(1,\).*expected \(3,\)"),
    (lambda g, x, y: (g, 3.0), "for input 1 float; expected"),
    (lambda g, x, y: (g.to("meta"), g), "for input 0 .*meta; expected .*cpu"),
])  # fmt: skip
def test_a_backward_that_does_not_fit_is_refused(library, backward, words):
    x = torch.ones(3, requires_grad=True)
    y = ffi.load(library, ADD, backward=backward)(x, x)
    with pytest.raises(RuntimeError, match=words):
        y.sum().backward()


def test_arguments_that_do_not_fit_are_refused(library):
    add, x = ffi.load(library, ADD), torch.ones(4)
    for args, words in (
        ((x,), "expected 2 arguments"),
        ((x, 3), "expected a Tensor as y, got int"),
        ((x, x.double()), "y to be a tensor of torch.float32 on the CPU, got one of torch.float64"),
        ((x, x.to("meta")), "on meta"),
        ((x, x[:2]), r"one shape, got \(4,\), \(2,\)"),
        ((x, x, torch.ones(3)), r"out of shape \(4,\), got \(3,\)"),
        ((x, x, torch.ones(8)[::2]), "contiguous"),
        ((x, x, x), "shares memory"),
        ((x, x.to_sparse()), "tensor of"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            add(*args)
    small = ffi.load(library, PRODUCT, shapes="(m,k),(k,n)->(m,n)")
    with pytest.raises(ValueError, match="too large for int"):
        small(torch.empty(2**31, 0, dtype=torch.float64), torch.empty(0, 0, dtype=torch.float64))


@pytest.mark.parametrize("signature", ["add", "float add(const float* x, float* y, int64_t n)", "void add(const float* x, int64_t n)", "void add(float* x, int64_t n)",
                                       "void add(const char* x, float* y, int64_t n)", "void add(const float** x, float* y, int64_t n)", "void add(struct s x)",
                                       "void add(const float* x, float* y)", "void add(const float* x, float* x, int64_t n)",
                                       "void add(const float* x, float* y, int64_t n, int64_t m)"])  # fmt: skip
def test_signatures_that_are_none(library, signature):
    with pytest.raises(ValueError, match="ffi"):
        ffi.load(library, signature)


@pytest.mark.parametrize("shapes", ["(m,k)->(m)", "(m,k),(k,n)", "m,k->n", "(m,k),(k,n)->(m,q)", "(m,k),(k,q)->(m,q)", "(m,k),(k,n)->(m,n),(m)", "(m,,k),(k,n)->(m,n)"])
def test_shapes_that_are_none(library, shapes):
    with pytest.raises(ValueError, match="product"):
        ffi.load(library, PRODUCT, shapes=shapes)


def test_libraries_that_are_none(library, tmp_path):
    with pytest.raises(FileNotFoundError, match="no library"):
        ffi.load(tmp_path / "nope.so", ADD)
    with pytest.raises(OSError, match="libnope_of_nobody.so"):
        ffi.load("libnope_of_nobody.so", ADD)
    with pytest.raises(AttributeError, match="no function 'subtract'"):
        ffi.load(library, ADD.replace("add", "subtract"))
    text = tmp_path / "text.so"
    text.write_text("hello, I am no library")
    with pytest.raises(OSError, match="no shared library"):
        ffi.load(text, ADD)
    other = bytearray(Path(library).read_bytes())
    struct.pack_into("<H", other, 18, 183 if struct.unpack_from("<H", other, 18)[0] != 183 else 62)
    foreign = tmp_path / "foreign.so"
    foreign.write_bytes(other)
    with pytest.raises(OSError, match="is for (aarch64|x86_64) .* expected"):
        ffi.load(foreign, ADD)
    cut = tmp_path / "cut.so"
    cut.write_bytes(Path(library).read_bytes()[:2000])
    with pytest.raises(OSError, match="cut off: expected at least"):
        ffi.load(cut, ADD)


def test_without_cffi_the_extra_is_named(monkeypatch, library):
    monkeypatch.setitem(sys.modules, "cffi", None)
    with pytest.raises(ImportError, match=r"pyxtorch\[ffi\]"):
        ffi.load(library, ADD)


def test_load_inline(tmp_path):
    module = cpp_extension.load_inline("twice", "void twice(const float* x, float* y, int64_t n) { while (n--) y[n] = 2 * x[n]; }", functions=["twice"], build_directory=tmp_path)
    assert module.twice(torch.ones(3)).tolist() == [2, 2, 2]
    before = (tmp_path / "twice.key").stat().st_mtime_ns
    cpp_extension.load_inline("twice", "void twice(const float* x, float* y, int64_t n) { while (n--) y[n] = 2 * x[n]; }", functions=["twice"], build_directory=tmp_path)
    assert (tmp_path / "twice.key").stat().st_mtime_ns == before
    for source, functions, words in (
        ("void f(int)", ["g"], "no function 'g'"),
        ("void f(const float* x, float* y, int64_t n) { what }", ["f"], "Error building extension"),
        ("#include <torch/extension.h>\nvoid f(const float* x, float* y, int64_t n) { }", ["f"], "a header of torch"),
    ):
        with pytest.raises(RuntimeError, match=words):
            cpp_extension.load_inline("bad", source, functions=functions, build_directory=tmp_path)
    with pytest.raises(RuntimeError, match="kernels for CUDA cannot be added"):
        cpp_extension.load_inline("bad", "", "__global__ void f() {}", build_directory=tmp_path)


def test_a_module_of_2017(tmp_path, monkeypatch):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "my_lib.h").write_text("/* adds */\nint my_add(const float* x, const float* y, float* out, int64_t n);\n")
    (tmp_path / "src" / "my_lib.c").write_text('#include <stdint.h>\n#include "src/my_lib.h"\nint my_add(const float* x, const float* y, float* out, int64_t n) '
                                               "{ for (int64_t i = 0; i < n; i++) out[i] = x[i] + y[i] + SHIFT; return 0; }\n")  # fmt: skip
    create_extension(name="_ext_2017.my_lib", headers=["src/my_lib.h"], sources=["src/my_lib.c"], define_macros=[("SHIFT", "1")],
                     relative_to=tmp_path / "build.py", with_cuda=False).build()  # fmt: skip
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("_ext_2017.my_lib")
    out = torch.empty(2)
    module.my_add(torch.ones(2), torch.ones(2), out)
    assert out.tolist() == [3, 3]
    with pytest.raises(ImportError, match="kernels for CUDA cannot be added"):
        create_extension("x", ["src/my_lib.h"], [], with_cuda=True, relative_to=tmp_path)
    (tmp_path / "empty.h").write_text("struct s;")
    with pytest.raises(ValueError, match="declares a function such as"):
        create_extension("x", ["empty.h"], [], relative_to=tmp_path)


def test_functions_by_address(library):
    own = cffi.FFI()
    own.cdef(ADD + ";")
    add = ffi.from_address(int(own.cast("intptr_t", own.dlopen(library).add)), ADD)
    assert add(torch.ones(2), torch.ones(2)).tolist() == [2, 2]
    for bad in (0, -1, True, "x", None):
        with pytest.raises(ValueError, match="expected an address"):
            ffi.from_address(bad, ADD)


def test_functions_of_numba():
    numba = pytest.importorskip("numba")

    @numba.cfunc("void(CPointer(float64), CPointer(float64), int64)")
    def cosines(x, out, n):
        for i in range(n):
            out[i] = math.cos(x[i])

    signature = "void cosines(const double* x, double* out, int64_t n)"
    cos = ffi.from_address(cosines, signature, backward=lambda g, x: -g * x.sin())
    x = torch.randn(5, dtype=torch.float64, requires_grad=True)
    assert torch.allclose(cos(x), x.cos()) and torch.autograd.gradcheck(cos, (x,)) and torch.autograd.gradgradcheck(cos, (x,))
    with pytest.raises(ValueError, match=r"takes \(float64\*, float64\*, int64\).*says \(float32\*"):
        ffi.from_address(cosines, signature.replace("const double", "const float"))
