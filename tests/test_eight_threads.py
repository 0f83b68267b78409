"""Eight threads at once: backwards, a shared module, a shared graph, the allocator looked after meanwhile, forks.

Every result is known, so a gradient lost or met twice shows.
"""
import os
import threading
import time
import warnings

import pytest

import pyxtorch as torch
from pyxtorch import _core

THREADS = 8
SECONDS = float(os.environ.get("PYXTORCH_THREADS_SECONDS", "0.8"))


def together(*functions, rounds=None):
    """Each function again and again in a thread of its own, all from one moment on; what one raises is raised here."""
    start, errors, done = threading.Barrier(len(functions)), [], [0] * len(functions)

    def repeat(number, function):
        try:
            start.wait(60)
            end = time.monotonic() + SECONDS
            while not errors and (done[number] < rounds if rounds else time.monotonic() < end):
                function()
                done[number] += 1
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=repeat, args=pair) for pair in enumerate(functions)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(300)
        assert not t.is_alive(), "a thread hangs"
    if errors:
        raise errors[0]
    assert all(done), f"some thread did nothing: {done}"


@pytest.fixture(autouse=True)
def settings_afterwards():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    _core.set_cache_limit(2 << 30)


def network(x, weights):
    for w in weights:
        x = torch.tanh(x @ w) + 0.1 * x
    return x.logsumexp(1).sum()


def test_independent_backwards():
    torch.manual_seed(0)
    x = torch.rand(20, 30, dtype=torch.float64)
    weights = [torch.rand(30, 30, dtype=torch.float64) for _ in range(4)]
    wanted = [w.clone().requires_grad_() for w in weights]
    network(x, wanted).backward()

    def own():
        mine = [w.clone().requires_grad_() for w in weights]
        network(x, mine).backward()
        for a, b in zip(mine, wanted):
            assert torch.equal(a.grad, b.grad)

    together(*[own] * THREADS)


def test_large_backwards_on_the_pool():
    x = torch.linspace(0, 1, 300_000)
    w = x.clone().requires_grad_()
    ((w * x).exp() * w).sum().backward()
    wanted = w.grad

    def own():
        w = x.clone().requires_grad_()
        ((w * x).exp() * w).sum().backward()
        assert torch.equal(w.grad, wanted)

    torch.set_num_threads(2)
    together(*[own] * THREADS)


def test_shared_module():
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.LayerNorm(32), torch.nn.Linear(32, 4))
    x = torch.rand(8, 16)
    parameters = list(module.parameters())
    wanted = torch.autograd.grad(module(x).square().sum(), parameters)
    twice = torch.autograd.grad(torch.autograd.grad(module(x).square().sum(), parameters[0], create_graph=True)[0].square().sum(), parameters[0])[0]

    def first():
        for a, b in zip(torch.autograd.grad(module(x).square().sum(), parameters), wanted):
            assert torch.equal(a, b)

    def second():
        g, = torch.autograd.grad(module(x).square().sum(), parameters[0], create_graph=True)
        assert torch.equal(torch.autograd.grad(g.square().sum(), parameters[0])[0], twice)

    together(*[first] * (THREADS // 2), *[second] * (THREADS // 2))


@pytest.mark.parametrize("views", [False, True])
def test_gradients_of_all_threads_add_up(views):
    """Whole numbers, so that the order does not matter: not one is lost."""
    rounds, w = 60, torch.ones(300, requires_grad=True)
    halves = (w[:150], w[150:]) if views else (w,)

    def add():
        sum((h * 2).sum() for h in halves).backward(retain_graph=views)

    together(*[add] * THREADS, rounds=rounds)
    assert (w.grad == 2 * THREADS * rounds).all()


def test_shared_graph():
    """One graph, differentiated by all threads at once."""
    w = torch.linspace(0, 1, 200, dtype=torch.float64).requires_grad_()
    v = torch.linspace(1, 2, 200, dtype=torch.float64).requires_grad_()
    y = ((w * v).exp() * w.sin() + (v[None] * w[:, None]).sum(0)).sum()
    wanted = torch.autograd.grad(y, (w, v), retain_graph=True)

    def all_of_it():
        for a, b in zip(torch.autograd.grad(y, (w, v), retain_graph=True), wanted):
            assert torch.equal(a, b)

    def part():
        assert torch.equal(torch.autograd.grad(y, v, retain_graph=True)[0], wanted[1])

    def with_graph():
        g, = torch.autograd.grad(y, w, create_graph=True)
        assert torch.equal(g, wanted[0]) and g.requires_grad

    together(*[all_of_it] * 3, *[part] * 3, *[with_graph] * 2)


def test_one_leaf_whose_gradient_is_dropped_meanwhile():
    w = torch.ones(100, 100, requires_grad=True)
    y = (w * w).sum()

    def drop():
        w.grad = None

    def ask():
        g = w.grad
        assert g is None or g[0, 0].item() % 2 == 0

    together(lambda: y.backward(retain_graph=True), lambda: (w * w).sum().backward(), lambda: torch.autograd.grad(y, w, retain_graph=True), drop,
             lambda: y.backward(retain_graph=True), ask, ask, lambda: setattr(w, "grad", torch.full((100, 100), 2.0)))


def test_allocator_is_looked_after_meanwhile():
    wanted = torch.linspace(0, 1, 50_000).exp().sum().item()

    def use():
        assert torch.linspace(0, 1, 50_000).exp().sum().item() == wanted

    def train():
        w = torch.ones(64, 64, requires_grad=True)
        (w @ w).sum().backward()
        assert (w.grad == 128).all()

    def look():
        stats = _core.memory_stats()
        assert stats["allocated_bytes.current"] >= 0 and stats["cached_bytes.current"] >= 0
        _core.reset_peak_memory_stats()

    def limit():
        _core.set_cache_limit(1 << 20)
        _core.set_cache_limit(2 << 30)

    def threads():
        for n in (1, 2, 3):
            torch.set_num_threads(n)

    together(use, use, train, train, _core.empty_cache, look, limit, threads)


def test_tensors_are_made_to_look_elsewhere_meanwhile():
    """Kernels without the lock read what the tensor was, or what it is."""
    x = torch.ones(200_000)
    index = torch.arange(200_000)

    def swap():
        x.set_(torch.ones(200_000))
        x.data = torch.ones(200_000)
        index.set_(torch.arange(200_000))

    def whole(f, value):
        def check():
            assert abs(f().sum().item() - value) <= 1e-4 * value
        return check

    together(swap, swap, whole(lambda: x + 1, 4e5), whole(lambda: x.cumsum(0)[-1:], 2e5), whole(lambda: x.sort().values, 2e5), whole(lambda: x[index], 2e5),
             whole(lambda: x.view(1000, 200) @ torch.ones(200, 2), 4e5), _core.empty_cache)


def test_smaller_and_larger_memory_meanwhile():
    """The tensor's size changes too: any result or an error, but no foreign memory."""
    x = torch.ones(200_000)

    def swap():
        for n in (10, 200_000, 1000):
            x.set_(torch.ones(n))

    def attempt(f):
        def once():
            try:
                y = f()
            except (RuntimeError, IndexError):
                return
            assert bool((y > 0).all())
        return once

    together(swap, swap, *map(attempt, (lambda: x + 1, lambda: x.exp(), lambda: x.softmax(0), lambda: x.sort().values, lambda: x.flip(0) * 2, lambda: x.clone())))


def in_child(function, timeout=60):
    """Whether `function` ends well in a fork."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):     # forks of processes with threads
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            import signal
            signal.alarm(timeout)
            function()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.unsanitized("the thread sanitizer cannot follow forks beside running threads", under=("tsan",))
def test_fork_after_threads_and_beside_them():
    def train():
        w = torch.ones(120, 120, requires_grad=True)
        (w @ w).log().exp().sum().backward()
        assert torch.allclose(w.grad, torch.full((120, 120), 240.0))
        torch.set_num_threads(2)
        assert torch.ones(300_000).sum().item() == 300_000

    together(*[train] * THREADS, rounds=3)
    assert in_child(train)
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            train()

    threads = [threading.Thread(target=busy) for _ in range(3)]
    for t in threads:
        t.start()
    try:
        for _ in range(6):
            assert in_child(train)
            assert in_child(_core.empty_cache)
    finally:
        stop.set()
        for t in threads:
            t.join()
