"""Storage, dtypes, devices, shapes: what lies under every operation."""
import functools
import gc
import math
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import _core

DTYPES = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16,
          torch.float32, torch.float64, torch.complex64, torch.complex128]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_tensor_round_trip_through_lists(dtype):
    values = [[0, 1], [1, 0]]
    x = torch.tensor(values, dtype=dtype)
    assert x.dtype is dtype
    assert x.tolist() == values
    assert x.shape == (2, 2) and x.stride() == (2, 1) and x.numel() == 4


def test_inferred_dtypes():
    assert torch.tensor([1, 2]).dtype is torch.int64
    assert torch.tensor([1, 2.0]).dtype is torch.float32
    assert torch.tensor([True]).dtype is torch.bool
    assert torch.tensor([1j]).dtype is torch.complex64
    assert torch.tensor(np.zeros(2)).dtype is torch.float64


def test_promotion_is_symmetric_and_never_loses_kind():
    for a in DTYPES:
        for b in DTYPES:
            c = torch.promote_types(a, b)
            assert c is torch.promote_types(b, a)
            assert torch.can_cast(a, c) and torch.can_cast(b, c)
    assert torch.promote_types(torch.uint8, torch.int8) is torch.int16
    assert torch.promote_types(torch.float16, torch.bfloat16) is torch.float32
    assert torch.promote_types(torch.float64, torch.complex64) is torch.complex128


def test_numbers_are_weak_in_promotion():
    x = torch.ones(2, dtype=torch.float16)
    assert (x + 1).dtype is torch.float16
    assert (x * 2.5).dtype is torch.float16
    assert (torch.ones(2, dtype=torch.int32) + 1.5).dtype is torch.float32
    assert (torch.ones(2, dtype=torch.int8) + torch.tensor(1)).dtype is torch.int8
    assert (torch.ones(2, dtype=torch.bool) + 1).dtype is torch.int64


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int64", "float16", "float32", "float64", "complex64"])
def test_numpy_shares_memory(dtype):
    array = np.zeros((3, 4), dtype)
    x = torch.from_numpy(array)
    array[1, 2] = 1
    assert x.tolist()[1][2] == 1
    back = x.numpy()
    back[0, 0] = 1
    assert array[0, 0] == 1
    assert torch.from_numpy(array.T).shape == (4, 3)
    assert np.asarray(x).dtype == array.dtype


def test_numpy_refusals():
    with pytest.raises(ValueError, match="negative"):
        torch.from_numpy(np.zeros(4)[::-1])
    with pytest.raises(TypeError):
        torch.from_numpy([1, 2])
    with pytest.raises(TypeError, match="object"):
        torch.from_numpy(np.array([None]))
    with pytest.raises(RuntimeError, match="requires grad"):
        torch.ones(2, requires_grad=True).numpy()
    with pytest.raises(TypeError, match="BFloat16"):
        torch.ones(2, dtype=torch.bfloat16).numpy()


def test_dlpack_both_ways():
    x = torch.arange(6).reshape(2, 3).t()
    array = np.from_dlpack(x)
    assert array.tolist() == x.tolist()
    array[0, 0] = 9
    y = torch.from_dlpack(array)
    assert y.tolist()[0][0] == 9 and y.stride() == x.stride()
    del x
    gc.collect()
    assert y.tolist()[0][0] == 9


def test_memory_of_numpy_lives_as_long_as_the_tensor():
    x = torch.from_numpy(np.arange(1000))
    gc.collect()
    assert x.tolist() == list(range(1000))


def test_views_of_many_dimensions():
    x = torch.zeros([1] * 20 + [3])
    assert x.dim() == 21 and (x + 1).shape == x.shape
    with pytest.raises(RuntimeError, match="64"):
        torch.zeros([1] * 65)


def test_impossible_allocation_is_an_error_and_all_goes_on():
    with pytest.raises(torch.OutOfMemoryError, match="bytes"):
        torch.empty(1 << 44)
    with pytest.raises(RuntimeError):
        torch.empty(1 << 40, 1 << 40)
    assert torch.ones(3).tolist() == [1, 1, 1]


def test_negative_and_wrong_sizes():
    with pytest.raises(RuntimeError, match="negative"):
        torch.zeros(2, -1)
    with pytest.raises(TypeError):
        torch.zeros(2.5)
    with pytest.raises(ValueError, match="length"):
        torch.tensor([[1, 2], [3]])


def test_as_strided_never_leaves_the_storage():
    x = torch.arange(10)
    assert x.as_strided((3, 3), (1, 2)).tolist() == [[0, 2, 4], [1, 3, 5], [2, 4, 6]]
    for size, stride, offset in [((11,), (1,), 0), ((2,), (9,), 1), ((1,), (1,), 10), ((2,), (-1,), 5), ((1,), (1,), -1),
                                 ((1 << 62,), (4,), 0), ((2, 2), (1 << 62, 1 << 62), 0), ((2,), (3,), (1 << 63) - 1)]:
        with pytest.raises(RuntimeError):
            x.as_strided(size, stride, offset)


@pytest.mark.skipif(os.environ.get("PYXTORCH_CPU_CACHE_BYTES") == "0", reason="there is no cache")
def test_caching_allocator_reuses_and_gives_back():
    torch.empty(1 << 20)
    before = _core.memory_stats()
    for _ in range(10):
        torch.empty(1 << 20)
    after = _core.memory_stats()
    assert after["misses"] == before["misses"]
    assert after["allocated_bytes.current"] == before["allocated_bytes.current"]
    _core.empty_cache()
    assert _core.memory_stats()["cached_bytes.current"] == 0


def test_cache_limit_holds():
    limit = _core.memory_stats()["cap_bytes"]
    try:
        _core.set_cache_limit(1 << 20)
        del_me = [torch.empty(1 << 18) for _ in range(8)]
        del del_me
        assert _core.memory_stats()["cached_bytes.current"] <= 1 << 20
    finally:
        _core.set_cache_limit(limit)


def test_version_counter_is_shared_by_views():
    x = torch.zeros(4)
    v = x.view(2, 2)
    before = x._version
    v.add_(1)
    assert x._version == before + 1 == v._version


def test_devices():
    assert str(torch.device("cuda", 1)) == "cuda:1" and torch.device("cpu").index is None
    assert torch.device("cuda:1") == torch.device("cuda", 1) != torch.device("cuda")
    for bad in ("gpu", "cuda:x", "cuda:-1", ""):
        with pytest.raises(RuntimeError):
            torch.device(bad)
    for name in ("mps", "xpu:1"):                               # known by name, compared, and nothing can be there
        elsewhere = torch.device(name)
        assert str(elsewhere) == name and elsewhere != torch.device("cpu") and torch.device(elsewhere) == elsewhere
        assert pickle.loads(pickle.dumps(elsewhere)) == elsewhere and not torch.is_autocast_enabled(elsewhere.type)
        for call in (functools.partial(torch.ones, 1, device=elsewhere), functools.partial(torch.ones(1).to, elsewhere),
                     functools.partial(torch.set_default_device, elsewhere)):  # fmt: skip
            with pytest.raises(RuntimeError, match=elsewhere.type):
                call()
        with elsewhere, pytest.raises(RuntimeError, match=elsewhere.type):
            torch.ones(1)
    assert torch.ones(1).device.type == "cpu"
    with torch.device("cpu"):
        assert torch.zeros(1).device.type == "cpu"


def test_set_default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        assert torch.zeros(1).dtype is torch.float64 and torch.tensor(1.5).dtype is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    with pytest.raises(TypeError):
        torch.set_default_dtype(torch.int64)


def test_threads_share_work_and_survive_fork():
    script = """
import os, pyxtorch as torch
torch.set_num_threads(2)
x = torch.ones(1 << 21)
total = (x + x).sum().item()
pid = os.fork()
if pid == 0:
    os._exit(0 if (x + x).sum().item() == total else 1)
assert os.waitpid(pid, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_operations_from_several_threads():
    wrong = []

    def work(k):
        x = torch.full((100_000,), float(k))
        for _ in range(20):
            if (x + x).sum().item() != 2e5 * k:
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_python_attributes_and_subclasses():
    x = torch.ones(2)
    x.note = "kept"
    assert x.note == "kept" and not hasattr(torch.ones(2), "note")

    class Mine(torch.Tensor):
        def twice(self):
            return self * 2

    m = Mine([1.0, 2.0])
    m.tag = 3
    assert isinstance(m, torch.Tensor) and m.tag == 3 and m.twice().tolist() == [2, 4]
    assert type(m + m) is Mine and type(m.sum()) is Mine and type(m[0]) is Mine and type(2 - m) is Mine
    assert type(m.as_subclass(torch.Tensor) + 1) is torch.Tensor


def test_import_touches_no_heavy_module():
    code = "import pyxtorch, sys; print([m for m in ('torch', 'scipy', 'multiprocessing', 'zipfile') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)).stdout
    assert out.strip() == "[]"


def test_lower_instruction_level_is_honoured():
    import platform

    if platform.machine() != "x86_64":
        pytest.skip("instruction levels exist on x86-64 only")
    if "v2" not in os.environ.get("PYXTORCH_LEVELS", "v2"):
        pytest.skip("kernels of this level were not built")
    code = "import pyxtorch; from pyxtorch.kernels import cpu; print(cpu.level)"
    env = dict(os.environ, PYXTORCH_CPU_LEVEL="v2")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env).stdout
    assert out.strip() == "v2"


@pytest.mark.parametrize("n", [33, 64, 130, 300])
def test_large_products_are_as_exact_as_float32(n):
    """Also those that run on a matrix unit: compared with float64, relative to the sum of magnitudes."""
    a, b = torch.randn(n, n + 7), torch.randn(n + 7, n)
    exact = a.double() @ b.double()
    scale = a.double().abs() @ b.double().abs()
    for left, right in ((a, b), (a.t().contiguous().t(), b), (a, b.t().contiguous().t()), (a[:, ::2], b[::2])):
        true = exact if left.shape == a.shape else left.double() @ right.double()
        assert (((left @ right).double() - true).abs() / scale).max().item() < 5e-7


def test_large_products_keep_infinities_nans_and_tiny_numbers():
    a, b = torch.rand(160, 192) + 0.5, torch.rand(192, 160) + 0.5
    a[3, 5], a[7, 9], a[11, 2] = math.inf, math.nan, -math.inf
    y = a @ b
    assert (y[3] == math.inf).all() and y[7].isnan().all() and (y[11] == -math.inf).all()
    assert torch.equal(y[20:].isfinite(), torch.ones(140, 160, dtype=torch.bool))
    huge = torch.full((160, 192), 3e38)
    assert (huge @ (torch.eye(192) * 0.5)[:, :160] == 1.5e38).all()
    tiny = torch.full((160, 192), 1e-40)
    assert torch.equal(tiny @ torch.eye(192), tiny)


def test_a_size_is_of_whole_numbers():
    size = torch.Size((torch.tensor(3), 2, np.int64(4), True))
    assert size == (3, 2, 4, 1) and [type(n) for n in size] == [int] * 4 and type(size) is torch.Size and torch.ones(size).shape == size
    assert torch.Size() == () and torch.Size(n for n in (1, 2)) == (1, 2) and (size[:1] + (torch.tensor(5),)) == (3, 5)
    assert type((size[:1] + (torch.tensor(5),))[1]) is int
    for wrong, name in ((2.5, "float"), ("a", "str"), (torch.tensor(2.5), "Tensor"), (torch.ones(2), "Tensor"), (None, "NoneType")):
        with pytest.raises(TypeError, match=rf"item 1 is '{name}'"):
            torch.Size([1, wrong])


def test_the_address_of_a_tensor_tells_whether_it_is_the_same():
    x = torch.ones(2)
    y = x
    assert x._cdata == y._cdata != x.view(2)._cdata and isinstance(x._cdata, int)
