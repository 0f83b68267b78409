"""Kernels of a program's own, formulas as one kernel, memory of other libraries: CuPy, Numba and PyCUDA are played by objects that do what they do."""
import ctypes
import gc
import os
import random
import re
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

import pyxtorch as torch
from pyxtorch import _cuda_launch, cuda

ROOT = Path(__file__).resolve().parent.parent.parent
ADD = """
extern "C" __global__ void add(const float* __restrict__ x, const float y[], float *z, int n) { /* (a, b) */
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) z[i] = x[i] + y[i];   // z, x
}
template <class T> __global__ void __launch_bounds__(64) scale(T* x, T by, bool twice, pyx_i64 n) {
    for (pyx_i64 i = threadIdx.x; i < n; i += blockDim.x) x[i] *= twice ? by * 2 : by;
}
"""


@pytest.fixture(scope="module")
def add():
    return cuda.RawKernel('#include "pyxtorch/dtype.h"\n' + ADD, "add")


def vectors(n=10):
    return torch.arange(float(n), device="cuda"), torch.ones(n, device="cuda"), torch.empty(n, device="cuda")


def test_raw_kernel(add):
    assert repr(add) == "<RawKernel add(const float* x, const float* y, float* z, int n)>"
    x, y, z = vectors(100)
    add((4,), (32, 1, 1), (x, y, z, 100))
    assert torch.equal(z, x + 1)
    add(1, 10, [x.data_ptr(), y, z, 10])
    scale = cuda.RawKernel('#include "pyxtorch/dtype.h"\n' + ADD, "scale<double>", signature="double*, double, bool, pyx_i64")
    d = torch.ones(70, dtype=torch.float64, device="cuda")
    scale(1, 64, (d, 1.5, True, 70))
    assert torch.equal(d, torch.full_like(d, 3))


def test_arguments_that_do_not_fit(add):
    x, y, z = vectors()
    for grid, block, args, error, words in (
        (1, 32, (x, y, z), TypeError, r"expected 4 arguments \(const float\* x, const float\* y, float\* z, int n\), got 3"),
        (1, 32, x, TypeError, "got a Tensor instead of a tuple"),
        (1, 32, (x, y, z, 1.5), TypeError, r"argument 3 \(int n\) takes an integer, got 1.5"),
        (1, 32, (x, y, z, 1 << 40), ValueError, r"argument 3 \(int n\) cannot hold 1099511627776"),
        (1, 32, (x, y, z, z), TypeError, "takes a number, got Tensor"),
        (1, 32, (x, y, z.double(), 10), TypeError, "argument 2 .* takes a tensor of torch.float32, got torch.float64"),
        (1, 32, (x, y, z.cpu(), 10), RuntimeError, "argument 2 .* takes a tensor on a GPU, got one on cpu"),
        (1, 32, (x, y, z[::2], 5), ValueError, r"argument 2 .* contiguous tensor, got shape \(5,\) with strides \(2,\)"),
        (1, 32, (x, "y", z, 10), TypeError, "takes a tensor on a GPU, an address or None, got str"),
        (1, 32, (x, 4096, z, 10), ValueError, "address 0x1000 is not in a GPU's memory"),
        (1, 32, (x, -1, z, 10), ValueError, "is not in a GPU's memory"),
        (0, 32, (x, y, z, 10), ValueError, "grid should be one to three positive numbers, got 0"),
        (1, (1, 2, 3, 4), (x, y, z, 10), ValueError, "block should be one to three positive numbers"),
        (1, 2048, (x, y, z, 10), ValueError, r"block \(2048, 1, 1\) is larger than"),
        (1, (64, 32), (x, y, z, 10), ValueError, "has 2048 threads; cuda:0 allows 1024"),
        ((1, 70000), 32, (x, y, z, 10), ValueError, "grid .* is larger than"),
        (1, 32, (x.clone().requires_grad_(), y, z, 10), RuntimeError, "requires grad, but a kernel has no derivative"),
    ):
        with pytest.raises(error, match=words):
            add(grid, block, args)
    with pytest.raises(ValueError, match="shared_mem should be 0 to 49152"):
        add(1, 32, (x, y, z, 10), shared_mem=1 << 20)


def test_sources_that_do_not_fit():
    with pytest.raises(ValueError, match="no kernel '__global__ void sub.*there are add, scale"):
        cuda.RawKernel(ADD, "sub")
    with pytest.raises(ValueError, match=r"'T\* x'|'T by'"):
        cuda.RawKernel(ADD, "scale<float>")
    with pytest.raises(ValueError, match="'struct Big b' in its declaration"):
        cuda.RawKernel("__global__ void f(struct Big b) {}", "f")
    with pytest.raises(TypeError, match="a kernel's name"):
        cuda.RawKernel(ADD, "add(")
    with pytest.raises(TypeError, match="options should be at most 14 strings"):
        cuda.RawKernel(ADD, "add", options=["-DA"] * 15)
    x = torch.ones(3, device="cuda")
    with pytest.raises(RuntimeError, match=r"RawKernel f does not compile: line 2: 'x\[0\] = nothere;'"):
        cuda.RawKernel("__global__ void f(float* x) {\n  x[0] = nothere;\n}", "f")(1, 1, (x,))
    with pytest.raises(TypeError, match=r"the kernel's parameters are not \(double\*, int\)"):
        cuda.RawKernel("__global__ void f(float* x, int n) {}", "f", signature="double*, int")(1, 1, (x.double(), 1))


def test_what_a_kernel_writes_is_noticed(add):
    x, y, z = vectors()
    w = torch.ones(10, device="cuda", requires_grad=True)
    loss = (w * z).sum()
    add(1, 32, (x, y, z, 10))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
    loss = (w * x).sum()
    add(1, 32, (x, y, z, 10))       # only reads x
    loss.backward()


def test_elementwise_kernels_against_the_operations():
    """One kernel, operands of every kind of geometry: contiguous, strided, broadcast, numbers, more than eight dimensions, empty."""
    kernel = cuda.elementwise_kernel("T x, T y", "T z, bool less", "z = x * y + 1; less = x < y", "both")
    generator = torch.Generator().manual_seed(3)
    many = (2,) * 10
    cases = [
        (torch.randn(7, 5, generator=generator), torch.randn(7, 5, generator=generator)),
        (torch.randn(5, 7, generator=generator).t(), torch.randn(5, generator=generator)),
        (torch.randn(3, 1, 6, generator=generator)[:, :, ::2], torch.randn(4, 1, generator=generator)),
        (torch.randn(many, generator=generator).permute(*range(9, -1, -2), *range(0, 10, 2)), torch.randn(many, generator=generator)[:1]),
        (torch.randn((), generator=generator), torch.randn(2, 0, 3, generator=generator)),
        (torch.randn(1500, generator=generator), 0.25),
        (torch.randn(1, 1, generator=generator), torch.randn(1, generator=generator)),
    ]
    for x, y in cases:
        z, less = kernel(x.cuda(), y.cuda() if isinstance(y, torch.Tensor) else y)
        assert less.dtype is torch.bool and torch.equal(less.cpu(), torch.as_tensor(x < y))
        torch.testing.assert_close(z.cpu(), x * y + 1)
    out = torch.zeros(many, device="cuda").permute(*range(9, -1, -2), *range(0, 10, 2)), torch.zeros(many, dtype=torch.bool, device="cuda")
    x, y = (t.cuda() for t in cases[3])
    assert kernel(x, y, *out)[0] is out[0]
    torch.testing.assert_close(out[0].cpu(), (x * y + 1).cpu())
    h = torch.randn(9, generator=generator).to(torch.bfloat16).cuda()
    assert torch.equal(kernel(h, h)[0], (h.float() * h.float() + 1).to(torch.bfloat16))


def test_elementwise_kernels_in_place_and_across():
    shift = cuda.elementwise_kernel("T x, int64 by", "T z", "z = x + by + i", "shift")
    x = torch.arange(8, device="cuda")
    assert shift(x, 1, x) is x and x.tolist() == list(range(1, 17, 2))
    whole = torch.arange(8, device="cuda")
    shift(whole[:-1], 0, whole[1:])         # as if the input had been copied before
    assert whole.tolist() == [0, 0, 2, 4, 6, 8, 10, 12]
    count = cuda.elementwise_kernel("", "int32 z", "z = n - i", "count")
    assert count(torch.empty(4, dtype=torch.int32, device="cuda")).tolist() == [4, 3, 2, 1]


def test_elementwise_kernels_refuse():
    kernel = cuda.elementwise_kernel("T x, float32 y", "T z", "z = x", "first")
    x, y = torch.ones(2, 3, device="cuda"), torch.ones(3, device="cuda")
    for args, error, words in (
        ((x,), TypeError, r"expected 2 inputs \(x, y\), or with the outputs 3 arguments, got 1"),
        ((x, y.double()), TypeError, "y should be of float32, got float64"),
        ((x, y, x.double()), TypeError, "z should be of float32 as the operands of type T before it, got float64"),
        ((x, y.cpu()), RuntimeError, "y should be on a GPU, got a tensor on cpu"),
        ((1.0, 2.0), TypeError, "expected a tensor on a GPU"),
        ((1.0, y), TypeError, "the type T of x is that of no tensor given"),
        ((x, "y"), TypeError, "y should be a tensor or a number, got str"),
        ((x, y, 3.0), TypeError, "z should be a tensor, got float"),
        ((x, 1e300), ValueError, "y of float32 cannot hold 1e\\+300"),
        ((x, 1j), TypeError, "y of float32 cannot be 1j"),
        ((x, torch.ones(2, device="cuda")), RuntimeError, "cannot be broadcast to a single shape"),
        ((x, y, torch.ones(3, device="cuda")), ValueError, r"output z should have the shape \(2, 3\) of the inputs, got \(3,\)"),
        ((x, y, y.expand(2, 3)), RuntimeError, "elements that share memory"),
        ((x, y.clone().requires_grad_()), RuntimeError, "y requires grad"),
    ):
        with pytest.raises(error, match=words):
            kernel(*args)
    for args, words in ((("T x", "", "")), "at least one output"), (("T x, T x", "T z", ""), "different names"), (("T", "T z", ""), "a type and a name"), \
            (("what x", "T z", ""), "'what' is no type"), (("T i", "T z", ""), "the kernel's own names"):
        with pytest.raises(ValueError, match=words):
            cuda.elementwise_kernel(*args)
    with pytest.raises(RuntimeError, match="elementwise_kernel bad does not compile: line 2: 'z = q [+] nothere'"):
        cuda.elementwise_kernel("T x", "T z", "T q = x;\nz = q + nothere", "bad")(x)


def test_a_formula_is_one_kernel_each_way(monkeypatch):
    text = "where(x > y, x * exp(y), min(x, y)) + sigmoid(x) * tanh(y) + (abs(x) + 1) ** y + 3 * relu(x) - erf(x) / 1e300"
    f = torch.library.register_formula("one_kernel", text)
    calls, real = [], _cuda_launch.launch_kernel
    monkeypatch.setattr(_cuda_launch, "launch_kernel", lambda *a: calls.append(a) or real(*a))
    generator = torch.Generator().manual_seed(0)
    cpu = [torch.randn(s, generator=generator, dtype=torch.float64, requires_grad=True) for s in ((4, 5), (5,))]
    gpu = [x.detach().cuda().requires_grad_() for x in cpu]
    outs = [f(*xs) for xs in (cpu, gpu)]
    assert len(calls) == 1
    firsts = [torch.autograd.grad(y.sum(), xs, create_graph=xs is cpu) for y, xs in zip(outs, (cpu, gpu))]
    assert len(calls) == 2
    again = torch.autograd.grad(f(*gpu).sum(), gpu, create_graph=True)
    seconds = [torch.autograd.grad(sum((g * g).sum() for g in gs), xs) for gs, xs in ((firsts[0], cpu), (again, gpu))]
    for a, b in zip((outs[0], *firsts[0], *firsts[0], *seconds[0]), (outs[1], *firsts[1], *again, *seconds[1])):
        torch.testing.assert_close(a.detach(), b.detach().cpu(), rtol=1e-9, atol=1e-9)


# --------------------------------------------------------------------------- other libraries

class Array:
    """What an array of CuPy, Numba or PyCUDA shows."""

    def __init__(self, about, **others):
        self.__cuda_array_interface__ = {**about, **others}


def test_the_interface_of_tensors():
    x = torch.arange(6.0, device="cuda").view(2, 3)
    assert x.__cuda_array_interface__ == {"shape": (2, 3), "typestr": "<f4", "data": (x.data_ptr(), False), "strides": None, "version": 3, "stream": 1}
    assert x.t().__cuda_array_interface__["strides"] == (4, 12)
    assert x[:0].__cuda_array_interface__["data"] == (0, False)
    s = cuda.Stream()
    with cuda.stream(s):
        assert x.__cuda_array_interface__["stream"] == s.cuda_stream
    assert not hasattr(torch.ones(2), "__cuda_array_interface__")
    with pytest.raises(AttributeError, match="on non-CUDA tensor type"):
        torch.ones(2).__cuda_array_interface__
    with pytest.raises(RuntimeError, match="requires grad"):
        x.clone().requires_grad_().__cuda_array_interface__
    with pytest.raises(TypeError, match="has no name for torch.float8_e5m2"):
        torch.empty(1, dtype=torch.float8_e5m2, device="cuda").__cuda_array_interface__
    for name in "bool uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 bfloat16 float32 float64 complex64 complex128".split():
        t = torch.empty(3, dtype=getattr(torch, name), device="cuda")
        assert torch.as_tensor(Array(t.__cuda_array_interface__)).dtype is t.dtype


def test_arrays_of_others():
    x = torch.arange(12.0, device="cuda").view(3, 4)
    about = x.__cuda_array_interface__
    array = Array(x.t()[::2].__cuda_array_interface__)
    gone = weakref.ref(array)
    y = torch.as_tensor(array)
    assert y.data_ptr() == x.data_ptr() and torch.equal(y, x.t()[::2]) and y.is_cuda
    y[0, 1] = -1.0
    assert x[1, 0] == -1
    del array
    view = y[1:]
    del y
    gc.collect()
    assert gone() is not None
    del view
    gc.collect()
    assert gone() is None
    assert torch.tensor(Array(about)).data_ptr() != x.data_ptr()
    assert torch.as_tensor(Array(about, data=(x.data_ptr(), True))).data_ptr() != x.data_ptr()     # read-only
    assert torch.asarray(Array(about), copy=False).data_ptr() == x.data_ptr()
    assert torch.as_tensor(Array(about), device="cpu").tolist() == x.tolist()
    assert torch.as_tensor(Array(about), dtype=torch.float64).dtype is torch.float64
    assert torch.as_tensor(Array(about, shape=(0, 4), data=(0, False))).shape == (0, 4)
    host = torch.ones(12)
    for wrong, error, words in (
        ({"typestr": ">f4"}, TypeError, "no dtype for elements '>f4'"),
        ({"typestr": None}, TypeError, "no dtype for elements None"),
        ({"data": 3}, TypeError, "should be a dict with shape, typestr, data"),
        ({"mask": x}, ValueError, "has a mask"),
        ({"strides": (16,)}, ValueError, "has 2 dimensions, but 1 strides"),
        ({"strides": (16, -4)}, ValueError, "stride -4 of dimension 1 .* is negative"),
        ({"strides": (16, 3)}, ValueError, "stride 3 of dimension 1 .* is no multiple of 4"),
        ({"shape": (3, -4)}, ValueError, "negative size -4"),
        ({"shape": (1 << 40, 1 << 40)}, ValueError, "too large"),
        ({"strides": (1 << 61, 4)}, ValueError, "reach too far"),
        ({"shape": (1 << 20, 1 << 20)}, ValueError, "is not in a GPU's memory"),
        ({"data": (host.data_ptr(), False)}, ValueError, "is not in a GPU's memory"),
        ({"data": (0, False)}, ValueError, "is not in a GPU's memory"),
        ({"data": (x.data_ptr() + 2, False)}, ValueError, "not aligned"),
        ({"stream": 0}, ValueError, "stream 0 is ambiguous"),
        ({"stream": "1"}, TypeError, "a stream is given as its handle"),
    ):
        with pytest.raises(error, match=words):
            torch.as_tensor(Array(about, **wrong))


def test_streams_wait_for_each_other():
    """On the stand-in a stream runs only when something waits for it: a value that is there shows that we did."""
    s = cuda.Stream()
    x = torch.zeros(5, device="cuda")
    cuda.synchronize()
    with cuda.stream(s):
        x.fill_(7.0)
        about = x.__cuda_array_interface__
    assert about["stream"] == s.cuda_stream
    assert torch.as_tensor(Array(about)).tolist() == [7.0] * 5
    outer = cuda.ExternalStream(s.cuda_stream)
    assert outer == s and outer.device.index == 0
    with cuda.stream(outer):
        y = x + 1
    outer.synchronize()
    assert y.tolist() == [8.0] * 5
    del outer
    gc.collect()
    s.synchronize()                         # it was not destroyed
    with pytest.raises(TypeError, match="a stream's handle as an int"):
        cuda.ExternalStream(s)


def test_dlpack_asks_for_our_stream():
    x = torch.arange(3.0, device="cuda")
    asked = []

    class Lender:
        def __dlpack_device__(self):
            return 2, 0

        def __dlpack__(self, *, stream=None, max_version=None):
            asked.append(stream)
            return x.__dlpack__(stream=stream, max_version=max_version)

    assert torch.from_dlpack(Lender()).tolist() == [0, 1, 2]
    s = cuda.Stream()
    with cuda.stream(s):
        x.add_(1)
        assert torch.from_dlpack(Lender()).tolist() == [1, 2, 3]
    assert asked == [1, s.cuda_stream]
    for stream in (None, -1, 1, 2, s.cuda_stream):
        assert torch.from_dlpack(x.__dlpack__(stream=stream)).data_ptr() == x.data_ptr()


def test_functions_of_pycuda_and_numba(add):
    """Both take a tensor's address from its interface, and launch by the driver on a stream's handle."""
    driver = ctypes.CDLL("libcuda.so.1")
    x, y, z = vectors()
    add(1, 32, (x, y, z, 10))
    z.zero_()
    function = add._kernel(0)
    values = [ctypes.c_void_p(t.__cuda_array_interface__["data"][0]) for t in (x, y, z)] + [ctypes.c_int(10)]
    pointers = (ctypes.c_void_p * 4)(*(ctypes.cast(ctypes.pointer(v), ctypes.c_void_p) for v in values))
    stream = cuda.current_stream().cuda_stream
    assert driver.cuLaunchKernel(ctypes.c_void_p(function), 1, 1, 1, 32, 1, 1, 0, ctypes.c_void_p(stream), pointers, None) == 0
    assert torch.equal(z, x + 1)


def test_the_guide_runs(tmp_path):
    guide = ROOT / "docs" / "extending" / "cuda.md"
    if not guide.exists():
        pytest.skip("the guides are not beside the tests")
    program = "\n".join(re.findall(r"^```python\n(.*?)^```$", guide.read_text(), re.M | re.S))
    build = Path(__file__).with_name("build.py")
    (tmp_path / "guide.py").write_text(f"import runpy\n_libraries = runpy.run_path({str(build)!r})['load']()\n{program}")
    environment = {**os.environ, "PYTHONPATH": str(Path(torch.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "guide.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


def test_random_geometries():
    """Seeded: any shapes that broadcast, permuted, sliced, expanded, over one another, into given outputs; against the CPU's operations."""
    kernel = cuda.elementwise_kernel("T x, T y", "T z", "z = x * 2 - y", "random_walk")
    generator = random.Random(7)
    for _ in range(80):
        shape = [generator.choice((1, 2, 3, 5)) for _ in range(generator.randint(0, 4))]

        def operand(shape=shape):
            whole = torch.arange(3000.0)[generator.randint(0, 5) :]
            steps = [generator.choice((0, 1, 2, 3, 7, 15, 40)) for _ in shape]
            sizes = [n if generator.random() < 0.8 else 1 for n in shape]
            drop = generator.randint(0, len(shape)) if generator.random() < 0.3 else 0
            return whole, sizes[drop:], steps[drop:]

        (a, size_a, step_a), (b, size_b, step_b) = operand(), operand()
        x, y = a.as_strided(size_a, step_a), b.as_strided(size_b, step_b)
        gx, gy = a.cuda().as_strided(size_a, step_a), b.cuda().as_strided(size_b, step_b)
        expected = x * 2 - y
        assert torch.equal(kernel(gx, gy).cpu(), expected), (size_a, step_a, size_b, step_b)
        order = list(range(expected.dim()))
        generator.shuffle(order)
        out = torch.empty([expected.shape[i] for i in order], device="cuda").permute([order.index(i) for i in range(len(order))])
        assert kernel(gx, gy, out) is out and torch.equal(out.cpu(), expected)
        memory = torch.arange(3000.0)           # input and output in one memory, at another place
        first = generator.randint(0, 9)
        n = expected.numel()
        there = memory.cuda()
        kernel(there[first : first + n].view(expected.shape), gy.expand(expected.shape), there[5 : 5 + n].view(expected.shape))
        memory[5 : 5 + n] = (memory[first : first + n].view(expected.shape) * 2 - y).reshape(-1)
        assert torch.equal(there.cpu(), memory)
