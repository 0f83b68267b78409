"""Programs that try to make a compiled function stale. Each is run eagerly and compiled, with the same changes between calls."""
import random
import threading
import time
import types

import pytest

import pyxtorch as torch
from pyxtorch import nn

scale = 2.0
table = {"a": 1.0, "list": [1.0, 2.0]}
helper_bias = 0.0


def helper(x):
    return x * table["a"] + helper_bias


class Holder:
    """State in an object."""

    rate = 1.0

    def __init__(self):
        self.k, self.parts, self.w, self.calls = 1.0, [1.0], torch.ones(3), 0

    @property
    def twice(self):
        return 2 * self.k

    def step(self, x):
        return sum(p * x for p in self.parts) * self.twice * self.rate + self.w

    def counting(self, x):
        self.calls += 1
        return x * self.calls


def closure_number(change):
    k = 1.0

    def f(x):
        return x * k

    def g(i):
        nonlocal k
        k = 1.0 + i // 4

    return f, g


def global_number(change):
    def g(i):
        global scale
        scale = 1.0 + i // 5
    return (lambda x: x * scale), g


def nested_global(change):
    def g(i):
        global helper_bias
        helper_bias = float(i // 5)
        table["a"] = float(i // 7)
    return (lambda x: helper(x) + 1), g


def list_that_grows(change):
    return (lambda x: sum(x * v for v in table["list"])), lambda i: table["list"].append(1.0) if i % 5 == 0 and i < 20 else None


def attribute(change):
    h = Holder()

    def g(i):
        h.k = 1.0 + i // 6
        if i == 9:
            h.parts.append(3.0)
        if i == 15:
            h.w = torch.zeros(3)
        if i == 18:
            h.w.fill_(7.0)
        if i == 21:
            Holder.rate = 0.5
        if i == 26:
            Holder.rate = 1.0
    return h.step, g


def counts_calls(change):
    return Holder().counting, None


def nonlocal_counter(change):
    n = 0

    def f(x):
        nonlocal n
        n += 1
        return x * n
    return f, None


def function_attribute(change):
    def f(x):
        f.calls = getattr(f, "calls", 0) + 1
        return x * f.calls
    return f, None


def function_replaced(change):
    space = types.SimpleNamespace(act=torch.relu)
    return (lambda x: space.act(x)), lambda i: setattr(space, "act", torch.sin if i > 8 else torch.relu)


def package_patched(change):
    real = torch.relu

    def g(i):
        torch.relu = real if i < 8 or i > 14 else torch.sin
    return (lambda x: torch.relu(x) + 1), g


def branch_on_truth(change):
    def f(x):
        if (x.sum() > 0).all():
            return x * 2
        return x - 5
    return f, None


def branch_on_number(change):
    def f(x):
        if x.sum().item() > 0:
            return x * 2
        return x - 5
    return f, None


def branch_on_float_truth(change):
    def f(x):
        return x * 2 if x.clamp(min=0).sum() else x - 5
    return f, None


def shape_by_content(change):
    return (lambda x: x[x > 0]), None


def through_numpy(change):
    return (lambda x: x + float(x.numpy().sum())), None


def numpy_inside(change):
    import numpy as np
    return (lambda x: torch.from_numpy(np.sin(x.numpy()))), None


def python_random(change):
    def f(x):
        return x * 2 if random.random() < 0.5 else x
    return f, lambda i: random.seed(i)


def clock(change):
    start = time.perf_counter()

    def f(x):
        return x * (1.0 if time.perf_counter() - start >= 0 else 2.0)
    return f, None


def version_read(change):
    w = torch.ones(3)

    def f(x):
        return x * (1.0 if w._version < 8 else 2.0)
    return f, lambda i: w.fill_(1.0)


def seed_inside(change):
    def f(x):
        torch.manual_seed(3)
        return x + torch.rand(3)
    return f, None


def own_generator(change):
    g = torch.Generator().manual_seed(0)
    return (lambda x: x + torch.rand(3, generator=g)), lambda i: g.manual_seed(i)


def drawn_outside(change):
    return (lambda x: x + torch.rand(3)), lambda i: torch.rand(i)


def hook_later(change):
    m = nn.Linear(3, 3)
    m.weight.data.fill_(0.5)
    m.bias.data.fill_(0.1)

    def f(x):
        with torch.no_grad():
            return m(x)

    def g(i):
        if i == 8:
            m.register_forward_hook(lambda m, a, y: y * 3)
    return f, g


def parameter_replaced(change):
    m = nn.Linear(3, 3)
    m.weight.data.fill_(0.5)
    m.bias.data.fill_(0.1)

    def f(x):
        with torch.no_grad():
            return m(x)

    def g(i):
        if i == 6:
            m.weight = nn.Parameter(torch.full((3, 3), 0.25))
        if i == 12:
            m.bias.data = torch.full((3,), 2.0)
        if i == 18:
            m.double().float()
        if i == 20:
            with torch.no_grad():
                m.weight[0] = 9.0
    return f, g


def grad_mode(change):
    w = torch.ones(3, requires_grad=True)
    return (lambda x: x * w), lambda i: torch.set_grad_enabled(i % 3 == 0)


def default_dtype(change):
    return (lambda x: x + torch.ones(3)), lambda i: torch.set_default_dtype(torch.float64 if i > 8 else torch.float32)


def in_place_argument(change):
    return (lambda x: x.mul_(2).add_(1)), None


def result_is_argument(change):
    return (lambda x: (x, x + 1)), None


def view_of_argument(change):
    return (lambda x: x[1:]), None


def attribute_of_tensor(change):
    w = torch.ones(3)
    w.k = 1.0

    def f(x):
        return x * w.k
    return f, lambda i: setattr(w, "k", 1.0 + i)


def iterator(change):
    it = iter(range(1000))
    return (lambda x: x * next(it)), None


def generator_state(change):
    def numbers():
        k = 0
        while True:
            k += 1
            yield k
    it = numbers()
    return (lambda x: x * next(it)), None


def buffer_filled(change):
    h = torch.zeros(3)

    def f(x):
        h.mul_(0.5).add_(x)
        return h.clone()
    return f, lambda i: h.zero_() if i % 7 == 0 else None


def constant_tensor(change):
    return (lambda x: x + torch.arange(3) * 2 + torch.tensor([1.0, 2.0, scale])), lambda i: globals().__setitem__("scale", float(i // 6))


def printing(change):
    def f(x):
        print("called")
        return x + 1
    return f, None


def norm_of_large(change):
    return (lambda x: torch.norm(x * 1e25, p=3)), None


def python_container_result(change):
    return (lambda x: {"a": [x + 1, (x * 2, 3)], "b": None}), None


PROGRAMS = [v for k, v in list(globals().items()) if isinstance(v, types.FunctionType) and v.__code__.co_varnames[:1] == ("change",)]


def flat(r):
    if isinstance(r, torch.Tensor):
        return [(tuple(r.shape), r.dtype, r.requires_grad, r.detach().tolist())]
    if isinstance(r, dict):
        return [x for k, v in r.items() for x in [k, *flat(v)]]
    if isinstance(r, list | tuple):
        return [type(r).__name__, *(x for v in r for x in flat(v))]
    return [r]


@pytest.mark.parametrize("program", PROGRAMS, ids=[p.__name__ for p in PROGRAMS])
def test_never_stale(program):
    seen = []
    try:
        for compiled in (False, True):
            globals()["scale"], globals()["helper_bias"], Holder.rate = 2.0, 0.0, 1.0
            table.update(a=1.0, list=[1.0, 2.0])
            random.seed(0)
            torch.manual_seed(0)
            f, change = program(None)
            f = torch.compile(f) if compiled else f
            rows = []
            for i in range(30):
                if change:
                    change(i)
                x = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float32) * (-1 if i % 4 == 3 else 1) + i
                x = x - 20 if i % 3 == 1 else x
                rows.append((flat(f(x)), x.tolist()))
            seen.append(rows)
            if compiled:
                assert "replayed" in f.explain()
    finally:
        torch.set_grad_enabled(True)
        torch.set_default_dtype(torch.float32)
    assert seen[0] == seen[1], f.explain()


def test_reasons_name_the_line():
    def f(x):
        return x * x.sum().item()

    f = torch.compile(f)
    for _ in range(5):
        f(torch.ones(2))
    assert "test_compile_fooled.py:" in f.explain() and "return the tensor instead" in f.explain()


def test_truth_values_are_replayed_while_they_stay():
    f = torch.compile(branch_on_truth(None)[0])
    for _ in range(10):
        assert torch.equal(f(torch.ones(2)), torch.ones(2) * 2)
    assert "8 calls replayed" in f.explain()
    assert torch.equal(f(-torch.ones(2)), -torch.ones(2) - 5)


def test_exceptions_midway():
    bad = False

    def f(x):
        y = x + 1
        if bad:
            raise ValueError("midway")
        return y * 2

    f = torch.compile(f)
    for _ in range(4):
        f(torch.ones(2))
    bad = True
    with pytest.raises(ValueError, match="midway"):
        f(torch.ones(2))
    bad = False
    assert f(torch.ones(2)).tolist() == [4.0, 4.0]
    with pytest.raises(RuntimeError):
        torch.compile(lambda a, b: a @ b)(torch.ones(2, 3), torch.ones(2, 3))
    assert torch.equal(torch.ones(2) + 1, torch.full((2,), 2.0))


def test_index_out_of_range_at_replay():
    w = torch.arange(6.0).reshape(3, 2)
    f = torch.compile(lambda i: w[i] + 1)
    for _ in range(4):
        f(torch.tensor([0, 2]))
    assert "2 calls replayed" in f.explain()
    with pytest.raises(IndexError):
        f(torch.tensor([0, 3]))
    assert f(torch.tensor([1, 1])).tolist() == [[3.0, 4.0], [3.0, 4.0]]


def test_arguments_that_overlap():
    f = torch.compile(lambda a, b: a.add_(1).mul_(b))
    for _ in range(4):
        f(torch.ones(4), torch.ones(4))
    x = torch.arange(5.0)
    y = torch.arange(5.0)
    f(x[1:], x[:4])
    y[1:].add_(1).mul_(y[:4])
    assert torch.equal(x, y)


def test_threads_and_nesting():
    inner = torch.compile(lambda x: torch.tanh(x) * 2)
    outer = torch.compile(lambda x: inner(x) + inner(x * 3))
    wrong = []

    def work(k):
        for i in range(60):
            x = torch.full((4,), float(k + i))
            if not torch.equal(outer(x), torch.tanh(x) * 2 + torch.tanh(x * 3) * 2):
                wrong.append((k, i))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_modules():
    m = torch.compile(nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5)))
    with torch.no_grad():
        for i in range(12):
            x = torch.randn(2, 3)
            m.train(i % 5 > 2)
            torch.manual_seed(i)
            a = m(x)
            torch.manual_seed(i)
            assert torch.equal(a, m._orig_mod(x))
    m(torch.randn(2, 3)).sum().backward()
    assert m._orig_mod[0].weight.grad is not None
