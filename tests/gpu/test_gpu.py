"""What only a real GPU can show. tools/gpu/run.sh runs these, and the tests of tests/standin, wherever there is one."""
import math
import subprocess
import sys
import threading

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import _cuda_device

REAL = torch.cuda.is_available() and "stand-in" not in torch.cuda.get_device_name()
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not REAL, reason="needs an NVIDIA GPU: tools/gpu/run.sh")]


def test_device():
    assert torch.cuda.get_device_capability() >= (7, 5) and torch.cuda.mem_get_info()[0] > 1 << 30
    assert _cuda_device.driver_version() >= 12000


def test_functions_are_accurate():
    """Against double precision of the CPU; contraction to FMA and the GPU's own functions are allowed 4 ULP."""
    x = torch.linspace(-20, 20, 100001)
    for f in (torch.exp, torch.sin, torch.cos, torch.tanh, torch.erf, torch.sigmoid, torch.nn.functional.gelu, torch.expm1, torch.atan):
        found, expected = f(x.cuda()).cpu().numpy().astype(np.float64), f(x.double()).numpy()
        unit = np.spacing(np.abs(expected).astype(np.float32)).astype(np.float64)
        assert np.max(np.abs(found - expected) / np.maximum(unit, 1e-7)) < 8, f


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_conversion_of_all_half_numbers(dtype):
    bits = torch.arange(65536, dtype=torch.int32).to(torch.int16).view(dtype)
    np.testing.assert_array_equal(bits.cuda().float().cpu().numpy(), bits.float().numpy())
    back = bits.float().cuda().to(dtype).cpu().float().numpy()
    np.testing.assert_array_equal(back, bits.float().numpy())


def test_more_elements_than_32_bits_count():
    if torch.cuda.mem_get_info()[0] < 12 << 30:
        pytest.skip("needs 12 GiB of GPU memory")
    n = (1 << 31) + 5
    x = torch.ones(n, dtype=torch.int8, device="cuda")
    x[-1] = 7
    y = x + x
    assert y[-1].item() == 14 and y[n // 2].item() == 2 and (x == 1).all().item() is False
    assert (x == 1).sum().item() == n - 1 and x.argmax().item() == n - 1
    del y
    assert x.reshape(-1, 1)[::2].contiguous()[-1].item() == 7


@pytest.mark.parametrize("dtype,tolerance", [(torch.float32, 1e-5), (torch.float64, 1e-13), (torch.float16, 1e-2), (torch.bfloat16, 6e-2),
                                             (torch.complex64, 1e-5)], ids=str)
def test_products(dtype, tolerance):
    torch.manual_seed(0)
    a, b = (torch.randn(3, 130, 257, dtype=torch.float64) / 16).to(dtype), (torch.randn(257, 65, dtype=torch.float64)).to(dtype)
    exact = (a.to(torch.complex128) @ b.to(torch.complex128)).numpy()
    found = (a.cuda() @ b.cuda()).cpu().to(torch.complex128).numpy()
    np.testing.assert_allclose(found, exact, rtol=tolerance, atol=tolerance * 16)
    assert (a.cuda()[:, :, :0] @ b.cuda()[:0]).abs().sum().item() == 0


def test_tf32_is_off_unless_allowed():
    torch.manual_seed(0)
    a, b = torch.randn(512, 512, device="cuda"), torch.randn(512, 512, device="cuda")
    exact = a.double() @ b.double()
    error = ((a @ b).double() - exact).abs().max().item()
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        coarse = ((a @ b).double() - exact).abs().max().item()
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False
    assert error < 1e-3
    assert coarse > 2 * error or torch.cuda.get_device_capability() < (8, 0)


def test_sums_have_the_same_bits_each_time():
    x = torch.randn(5_000_000, device="cuda")
    i = torch.randint(0, 100, (200_000,), device="cuda")
    first = x.sum().item(), torch.zeros(100, device="cuda").index_add(0, i, x[:200_000])
    for _ in range(5):
        assert x.sum().item() == first[0] and torch.equal(torch.zeros(100, device="cuda").index_add(0, i, x[:200_000]), first[1])


def test_streams_run_beside_each_other_and_wait():
    s = torch.cuda.Stream()
    x = torch.zeros(1 << 24, device="cuda")
    for k in range(50):
        x += 1
        s.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(s):
            y = x * 2
        torch.cuda.current_stream().wait_stream(s)
        assert y[-1].item() == 2 * (k + 1)
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(100):
        x += 1
    end.record()
    end.synchronize()
    assert 0 < start.elapsed_time(end) < 10_000


def test_memory_of_another_stream_is_not_used_again_too_early():
    s = torch.cuda.Stream()
    for _ in range(20):
        x = torch.full((1 << 22,), 3.0, device="cuda")
        s.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(s):
            y = x
            for _ in range(20):
                y = y + 1
        _cuda_device.record_stream(x, s)
        del x
        torch.full((1 << 22,), math.nan, device="cuda")
        torch.cuda.current_stream().wait_stream(s)
        assert y[0].item() == 23.0 and y[-1].item() == 23.0


def test_out_of_memory():
    with pytest.raises(torch.cuda.OutOfMemoryError, match="CUDA out of memory"):
        torch.empty(1 << 50, dtype=torch.uint8, device="cuda")
    assert torch.ones(3, device="cuda").sum().item() == 3


def test_threads_have_streams_and_handles_of_their_own():
    errors = []

    def work(k):
        try:
            with torch.cuda.stream(torch.cuda.Stream()):
                a = torch.full((256, 256), float(k), device="cuda")
                for _ in range(20):
                    assert (a @ torch.eye(256, device="cuda"))[0, 0].item() == k
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors


def test_a_process_ends_quietly():
    code = "import pyxtorch as t\nx = t.ones(3, device='cuda') @ t.ones(3, 2, device='cuda')\ns = t.cuda.Stream()\nprint(x.tolist())"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.strip() == "[3.0, 3.0]" and not done.stderr


def test_beside_torch():
    """The same primary context: another library's kernels see our memory, and ours theirs."""
    torch_ = pytest.importorskip("torch")
    if not torch_.cuda.is_available():
        pytest.skip("this torch sees no GPU")
    theirs = torch_.arange(6.0, device="cuda")
    x = torch.arange(6.0, device="cuda")
    assert (theirs + 1).sum().item() == 21 and (x + 1).sum().item() == 21
    assert torch.from_dlpack(theirs).tolist() == theirs.tolist() and torch_.from_dlpack(x).tolist() == x.tolist()


def test_beside_pycuda():
    cuda = pytest.importorskip("pycuda.driver")
    x = torch.ones(4, device="cuda")
    memory = cuda.mem_alloc(16)
    cuda.memcpy_dtod(memory, x.data_ptr(), 16)
    back = np.zeros(4, np.float32)
    cuda.memcpy_dtoh(back, memory)
    assert back.tolist() == [1.0] * 4
