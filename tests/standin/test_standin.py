"""What only the stand-in shows: its own checks, work that waits in queues, limits of memory, no driver at all."""
import os
import subprocess
import sys

import pytest

import pyxtorch as torch
from pyxtorch import _cuda_program


def test_it_says_what_it_is():
    assert torch.cuda.is_available() and torch.cuda.device_count() == 1
    assert "stand-in" in torch.cuda.get_device_name() and "no GPU" in torch.cuda.get_device_name(0)
    assert torch.cuda.get_device_capability() == (9, 0)
    properties = torch.cuda.get_device_properties("cuda:0")
    assert properties.total_memory == torch.cuda.mem_get_info()[1] and properties.multi_processor_count == 4
    assert "sm_90" in torch.cuda.get_arch_list()


def test_work_waits_in_its_stream():
    s = torch.cuda.Stream()
    assert s != torch.cuda.default_stream() and torch.cuda.current_stream() == torch.cuda.default_stream()
    x = torch.arange(4.0, device="cuda")
    s.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(s):
        assert torch.cuda.current_stream() == s
        y = x * 2
        event = s.record_event()
    assert not s.query() and not event.query()      # the stand-in's queue: nothing has waited yet
    event.synchronize()
    assert event.query()
    torch.cuda.current_stream().wait_stream(s)
    assert y.tolist() == [0.0, 2.0, 4.0, 6.0] and s.query()
    s.synchronize()
    torch.cuda.synchronize()


def test_a_stream_that_does_not_wait_sees_old_data():
    """What the stand-in is for: a missing wait is a wrong result, each time."""
    x = torch.zeros(4, device="cuda")
    torch.cuda.synchronize()
    s = torch.cuda.Stream()
    x.fill_(7)                                      # on the default stream, not done yet
    with torch.cuda.stream(s):
        y = x + 0
        early = y.tolist()
    assert early == [0.0] * 4 and x.tolist() == [7.0] * 4


def test_out_of_memory_names_the_sizes_and_leaves_things_usable():
    before = torch.cuda.memory_allocated()
    with pytest.raises(torch.cuda.OutOfMemoryError, match=r"CUDA out of memory. Tried to allocate 4.00 GiB"):
        torch.empty(1 << 30, device="cuda")
    with pytest.raises(torch.OutOfMemoryError):
        torch.empty(1 << 60, dtype=torch.uint8, device="cuda")
    assert torch.cuda.memory_allocated() == before and torch.ones(3, device="cuda").sum().item() == 3


def test_a_limit_of_memory():
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(0.25)
    try:
        with pytest.raises(torch.cuda.OutOfMemoryError):
            torch.empty(200 << 20, dtype=torch.uint8, device="cuda")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    torch.empty(200 << 20, dtype=torch.uint8, device="cuda")
    with pytest.raises(ValueError, match="Invalid fraction"):
        torch.cuda.set_per_process_memory_fraction(1.5)


def run(code, **environment):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment})


def test_without_a_driver():
    """In a process of its own, where no stand-in is loaded."""
    found = run(
        "import pyxtorch as torch\n"
        "print(torch.cuda.is_available(), torch.cuda.device_count(), torch.cuda.is_initialized(), torch.cuda.get_arch_list())\n"
        "for call in (lambda: torch.ones(2, device='cuda'), lambda: torch.ones(2).cuda(), torch.cuda.current_device, torch.cuda.init):\n"
        "    try:\n"
        "        call()\n"
        "    except RuntimeError as error:\n"
        "        print(error)\n"
    )
    first, *errors = found.stdout.splitlines()
    assert first == "False 0 False []", found.stderr
    assert len(errors) == 4 and all("cuda: no GPU can be used: the NVIDIA driver" in e for e in errors)


PROGRAM = """
{prelude}
__global__ void sum(const float* x, float* y) {{
    __shared__ float part[64];
    int t = threadIdx.x;
    part[t] = x[t];
    {barrier}
    for (int half = 32; half; half /= 2) {{
        if (t < half) part[t] += part[t + half];
        {barrier}
    }}
    if (t == 0) *y = part[0];
}}
"""


def launch_sum(barrier, prelude="", reverse="0"):
    """In a process of its own: the sum of 64 ones by a kernel with this barrier."""
    code = f"""
import sys
sys.path.insert(0, {os.path.dirname(__file__)!r})
import build; build.load()
import ctypes, pyxtorch as torch
from pyxtorch import _cuda_program
torch.cuda.init()
cubin, names, log = _cuda_program.compile_program({PROGRAM.format(barrier=barrier, prelude=prelude)!r}, {{}}, ["sum"], 90)
cuda = ctypes.CDLL("libcuda.so.1")
module, function = ctypes.c_void_p(), ctypes.c_void_p()
assert cuda.cuModuleLoadData(ctypes.byref(module), cubin) == 0
assert cuda.cuModuleGetFunction(ctypes.byref(function), module, names["sum"].encode()) == 0
x, y = torch.ones(64, device="cuda"), torch.zeros(1, device="cuda")
a, b = ctypes.c_void_p(x.data_ptr()), ctypes.c_void_p(y.data_ptr())
p = (ctypes.c_void_p * 2)(ctypes.addressof(a), ctypes.addressof(b))
assert cuda.cuLaunchKernel(function, 1, 1, 1, 64, 1, 1, 0, None, p, None) == 0
print(y.item())
"""
    return run(code, PYXEMU_REVERSE=reverse)


def test_a_sound_kernel_is_right_in_both_orders_of_threads():
    assert [launch_sum("__syncthreads();", reverse=r).stdout.strip() for r in "01"] == ["64.0", "64.0"]


def test_a_missing_barrier_is_seen():
    """In one of the two orders: that is why the tests run in both."""
    found = {launch_sum("", reverse=r).stdout.strip() for r in "01"}
    assert "nan" in found


def test_a_barrier_that_some_threads_skip_is_an_error():
    found = launch_sum("if (threadIdx.x < 32) __syncthreads();")
    assert "a barrier (__syncthreads) that not all threads of the block reach" in found.stderr and found.returncode != 0


def test_a_kernel_that_does_not_compile_says_why():
    with pytest.raises(RuntimeError, match="NVRTC failed(.|\\n)*nonsense"):
        _cuda_program.compile_program("__global__ void f() { nonsense; }", {}, ["f"], 90)
    with pytest.raises(RuntimeError, match="no code for compute capability 3.0"):
        _cuda_program.target_arch(30)


def test_an_address_of_the_host_is_refused():
    """A GPU would fault; the stand-in says so when the kernel is launched."""
    import ctypes

    torch.cuda.init()
    cubin, names, _ = _cuda_program.compile_program("__global__ void f(float* x) { *x = 1; }", {}, ["f"], 90)
    cuda = ctypes.CDLL("libcuda.so.1")
    module, function, host = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p(ctypes.addressof(ctypes.c_float()))
    assert cuda.cuModuleLoadData(ctypes.byref(module), cubin) == 0
    assert cuda.cuModuleGetFunction(ctypes.byref(function), module, names["f"].encode()) == 0
    parameters = (ctypes.c_void_p * 1)(ctypes.addressof(host))
    assert cuda.cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, None, parameters, None) == 700


def test_a_kernel_that_a_device_lacks_is_an_error():
    """With a table of softmax in which both entries are NULL."""
    found = run("""
import ctypes, pathlib, re
import pyxtorch as torch
from pyxtorch import _core

class Table(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("abi", "size", "dtypes", "layouts")] + [("kernels", ctypes.c_void_p)]

header = (pathlib.Path(torch.get_include()) / "pyxtorch" / "kernel_table.h").read_text()
x = torch.ones(3, 4, device="cuda", requires_grad=True)
large = torch.ones(300, 400, device="cuda")
good = torch.softmax(x, 1)
entries = (ctypes.c_void_p * 2)()
table = Table(int(re.search(r"PYX_KERNELS_ABI (\\d+)", header)[1]), ctypes.sizeof(entries), 0xffff, 1, ctypes.addressof(entries))
find = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_char_p)(lambda name: ctypes.addressof(table) if name == b"softmax" else None)
enter = ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda index: None)
module = (ctypes.c_void_p * 2)(ctypes.cast(find, ctypes.c_void_p), ctypes.cast(enter, ctypes.c_void_p))
new = ctypes.pythonapi.PyCapsule_New
new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_core.register_cuda_kernels(new(ctypes.addressof(module), b"pyxtorch.cuda_kernels", None))
for call in (lambda: torch.softmax(x, 1), lambda: torch.log_softmax(large, 1), lambda: good.sum().backward()):
    try:
        call()
    except RuntimeError as error:
        print(error)
print((x + 1).sum().item(), torch.softmax(x.cpu(), 1)[0, 0].item())
""".replace("import ctypes", f"import sys\nsys.path.insert(0, {os.path.dirname(__file__)!r})\nimport build; build.load()\nimport ctypes", 1))
    assert found.stdout.splitlines() == [
        "softmax: is not available on cuda tensors. Move them with .cpu().",
        "log_softmax: is not available on cuda tensors. Move them with .cpu().",
        "softmax: is not available on cuda tensors. Move them with .cpu().",
        "24.0 0.25",
    ], found.stderr
