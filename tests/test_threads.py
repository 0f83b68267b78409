"""Threads: how many compute, Python threads at once, fork."""
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import pyxtorch as torch

BIG = 400_000


@pytest.fixture(autouse=True)
def same_threads_afterwards():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def work():
    """Operations that the pool splits: elementwise, reduction, product, sort, random."""
    x = torch.linspace(0, 1, BIG)
    torch.manual_seed(3)
    parts = [x.exp().sum(), (x * 2).softmax(0).max(), x.reshape(400, 1000) @ x.reshape(1000, 400), x.sin().sort().values[::1000], torch.rand(BIG).mean(), x.cumsum(0)[-1]]
    return b"".join(p.contiguous().numpy().tobytes() for p in parts)


def test_number_of_threads():
    for n in (1, 2, 5):
        torch.set_num_threads(n)
        assert torch.get_num_threads() == n
    for wrong in (0, -1):
        with pytest.raises(RuntimeError, match="positive"):
            torch.set_num_threads(wrong)
    with pytest.raises(TypeError):
        torch.set_num_threads("two")


def test_omp_num_threads_is_honoured():
    for value, expected in (("1", 1), ("3", 3)):
        done = subprocess.run([sys.executable, "-c", "import pyxtorch; print(pyxtorch.get_num_threads())"], env={**os.environ, "OMP_NUM_THREADS": value}, capture_output=True, text=True)
        assert int(done.stdout) == expected, done.stderr


def test_the_number_can_change_between_operations():
    seen = set()
    for n in (1, 4, 2, 8, 1, 3):
        torch.set_num_threads(n)
        seen.add(work())
    assert len(seen) == 1


def test_many_python_threads_compute_at_once():
    torch.set_num_threads(2)
    expected, errors, results = work_without_random(), [], []

    def run():
        try:
            results.extend(work_without_random() for _ in range(4))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(120)
        assert not t.is_alive()
    assert not errors and len(results) == 24 and set(results) == {expected}


def work_without_random():
    x = torch.linspace(0, 1, BIG, requires_grad=True)
    y = (x.exp() * x).reshape(400, 1000)
    (y @ y.t()).sum().backward()
    return x.grad.numpy().tobytes() + y.detach().sort(1).values.sum(0).numpy().tobytes()


def test_other_python_threads_run_meanwhile():
    """The interpreter is free during a long operation."""
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(1)
            time.sleep(0.001)

    t = threading.Thread(target=tick)
    t.start()
    x = torch.rand(700, 700)
    ticks.clear()
    start = time.monotonic()
    while time.monotonic() - start < 0.3:
        x @ x
    count = len(ticks)
    stop.set()
    t.join()
    assert count > 10


def test_one_random_stream_is_shared_without_repeating():
    torch.manual_seed(0)
    drawn, lock = [], threading.Lock()

    def draw():
        for _ in range(20):
            x = torch.rand(100, dtype=torch.float64).tolist()
            with lock:
                drawn.extend(x)

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(set(drawn)) == len(drawn) == 8000


def in_child(function, timeout=60):
    """Run `function` in a fork; its result's repr."""
    import warnings

    r, w = os.pipe()
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):     # forks of processes with threads
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(timeout)
            os.write(w, repr(function()).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(w)
    chunks = []
    while chunk := os.read(r, 65536):
        chunks.append(chunk)
    os.close(r)
    assert os.waitpid(pid, 0)[1] == 0
    return b"".join(chunks).decode()


def checksum():
    import hashlib
    return hashlib.sha1(work()).hexdigest()


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_fork_after_the_pool_has_worked(threads):
    torch.set_num_threads(threads)
    expected = checksum()
    assert in_child(checksum) == repr(expected)
    assert in_child(lambda: (torch.set_num_threads(3), checksum())[1]) == repr(expected)
    assert checksum() == expected           # and the parent goes on


def test_fork_while_the_pool_works():
    torch.set_num_threads(2)
    expected, stop = checksum(), threading.Event()

    def busy():
        x = torch.rand(300, 300)
        while not stop.is_set():
            (x @ x).sum()

    threads = [threading.Thread(target=busy) for _ in range(2)]
    for t in threads:
        t.start()
    try:
        for _ in range(20):     # the allocator's lock or the pool may be another thread's at that moment
            assert in_child(checksum) == repr(expected)
    finally:
        stop.set()
        for t in threads:
            t.join()


def test_child_of_a_child():
    torch.set_num_threads(2)
    expected = checksum()
    assert in_child(lambda: (checksum(), in_child(checksum))[1]) == repr(repr(expected))


def test_backward_in_a_child():
    def train():
        x = torch.ones(BIG, requires_grad=True)
        (x * 2).sum().backward()
        return x.grad.sum().item()

    assert train() == 2.0 * BIG
    assert in_child(train) == repr(2.0 * BIG)


def test_numpy_and_pool_side_by_side():
    x = np.random.default_rng(0).random((300, 300))
    expected = x @ x
    t = torch.from_numpy(x)
    for _ in range(5):
        assert np.allclose((t @ t).numpy(), x @ x) and np.allclose(x @ x, expected)
