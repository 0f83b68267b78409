"""The namespace torch.cuda, memory, events, threads, errors."""
import gc
import multiprocessing
import threading
import warnings

import pytest

import pyxtorch as torch


def test_devices():
    x = torch.ones(2, device="cuda")
    assert str(x.device) == "cuda:0" and torch.cuda.current_device() == 0
    with torch.cuda.device(0), torch.cuda.device_of(x), torch.cuda.device(None):
        assert torch.ones(1, device="cuda").device.index == 0
    with torch.device("cuda"):
        assert torch.zeros(3).is_cuda
    for call in (lambda: torch.ones(1, device="cuda:77"), lambda: torch.cuda.set_device(77), lambda: torch.cuda.get_device_name(77),
                 lambda: torch.cuda.memory_stats(77), lambda: torch.cuda.current_stream(77), lambda: x.to("cuda:77")):
        with pytest.raises(RuntimeError, match=r"invalid device ordinal 77: there are \d+ device"):
            call()
    with pytest.raises(ValueError, match="Expected a cuda device, but got: cpu"):
        torch.cuda.synchronize("cpu")


def test_looking_at_tensors():
    x = torch.tensor([[1.5, -2.0], [0.0, 4.0]], device="cuda")
    assert repr(x) == "tensor([[ 1.5000, -2.0000],\n        [ 0.0000,  4.0000]], device='cuda:0')"
    assert x.tolist() == [[1.5, -2.0], [0.0, 4.0]] and float(x[0, 0]) == 1.5 and bool(x[1, 1] > 3)
    with pytest.raises(TypeError, match="cuda:0 device type tensor to numpy"):
        x.numpy()
    assert torch.equal(x, x.clone()) and not torch.equal(x, x + 1) and torch.allclose(x, x + 1e-9)


def test_memory_is_counted_and_used_again():
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    x = torch.empty(1000, device="cuda")            # 4000 bytes: 8 blocks of 512
    assert torch.cuda.memory_allocated() == before + 4096
    place = x.data_ptr()
    del x
    assert torch.cuda.memory_allocated() == before and torch.cuda.max_memory_allocated() == before + 4096
    y = torch.empty(999, device="cuda")
    assert y.data_ptr() == place
    large = torch.empty(3 << 20, dtype=torch.uint8, device="cuda")
    assert torch.cuda.memory_reserved() >= torch.cuda.memory_allocated() >= before + 4096 + (3 << 20)
    del large, y
    torch.cuda.empty_cache()
    assert torch.cuda.memory_allocated() == before
    stats = torch.cuda.memory_stats()
    assert stats["allocation.all.allocated"] - stats["allocation.all.freed"] == stats["allocation.all.current"]
    assert "allocated" in torch.cuda.memory_summary()


def test_events_take_times():
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    torch.ones(1000, device="cuda").exp()
    end.record()
    torch.cuda.synchronize()
    assert 0 <= start.elapsed_time(end) < 60000
    with pytest.raises(ValueError, match="enable_timing"):
        torch.cuda.Event().elapsed_time(end)


def test_dlpack():
    x = torch.arange(6.0, device="cuda").reshape(2, 3)
    assert x.__dlpack_device__() == (2, 0)
    y = torch.from_dlpack(x)
    assert y.data_ptr() == x.data_ptr() and y.is_cuda and y.tolist() == x.tolist()
    s = torch.cuda.Stream()
    with torch.cuda.stream(s):
        z = torch.full((4,), 7.0, device="cuda")
        capsule = z.__dlpack__(stream=1)            # the default stream waits for s
    assert torch.from_dlpack(capsule).tolist() == [7.0] * 4
    with pytest.raises(ValueError, match="stream 0 is ambiguous"):
        x.__dlpack__(stream=0)


def test_threads():
    results = [None] * 4

    def work(k):
        x = torch.full((100,), float(k), device="cuda")
        for _ in range(5):
            x = x @ torch.eye(100, device="cuda") + 1
        results[k] = x.sum().item()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [100.0 * (k + 5) for k in range(4)]


def test_without_kernels_an_operation_says_so():
    x = torch.randn(3, 3, device="cuda")
    with pytest.raises(RuntimeError, match="linalg: is not available on cuda tensors"):
        torch.linalg.inv(x)
    assert x.isfinite().all().item()


def test_a_forked_child_is_told():
    torch.ones(1, device="cuda")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)     # Python 3.12 warns of forks with threads
        pool = multiprocessing.get_context("fork").Pool(1)
    with pool:
        message = pool.apply(child)
    assert "forked subprocess" in message and "spawn" in message


def child():
    try:
        torch.ones(1, device="cuda")
    except RuntimeError as error:
        return str(error)
    return "nothing raised"
