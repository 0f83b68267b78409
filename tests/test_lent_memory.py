"""Memory that is lent, read by another thread, or met twice in one call stays what it was."""
import gc
import os
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import _core

WAYS = {
    "set_": lambda x: x.set_(),
    "set_ to another": lambda x: x.set_(torch.zeros(3)),
    "data": lambda x: setattr(x, "data", torch.ones(3)),
    "resize_": lambda x: refused(lambda: x.resize_(2 * x.numel() + 10_000)),
    "resize_ of the storage": lambda x: refused(lambda: x.untyped_storage().resize_(100)),
    "share_memory_": lambda x: x.share_memory_().zero_(),
}


def refused(resize):
    with pytest.raises(RuntimeError, match="Trying to resize storage that is not resizable"):
        resize()


LENDERS = {
    "dlpack": np.from_dlpack,
    "numpy": lambda x: x.numpy(),
    "asarray": np.asarray,
    "memoryview": lambda x: np.frombuffer(memoryview(x), dtype=np.float32),
    "storage": lambda x: np.frombuffer(x.untyped_storage(), dtype=np.float32),
    "capsule": lambda x: torch.utils.dlpack.from_dlpack(torch.utils.dlpack.to_dlpack(x)).numpy(),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lend", LENDERS)
@pytest.mark.parametrize("n", [100, 1_000_000])
def test_lent_memory_stays(lend, way, n):
    x = torch.full((n,), 7.0)
    lent = LENDERS[lend](x)
    WAYS[way](x)
    others = [torch.zeros(n) for _ in range(5)]  # take the block, if it were free
    assert (lent == 7).all() and len(lent) == n and others[0][0] == 0


def test_attributes_do_not_keep_cycles_alive():
    class Sub(torch.Tensor):
        pass

    class Mark:
        pass

    for make in (lambda: torch.ones(2), lambda: torch.nn.Parameter(torch.ones(2)), lambda: torch.ones(2).as_subclass(Sub)):
        x, mark = make(), Mark()
        alive = weakref.ref(mark)
        x.mark, x.me = mark, x
        del x, mark
        gc.collect()
        assert alive() is None


def test_data_has_a_version_of_its_own_and_detach_has_not():
    x = torch.ones(3)
    d = x.data
    d.add_(1)
    assert x._version == 0 and d._version == 1 and x.tolist() == [2, 2, 2]
    x.detach().add_(1)
    assert x._version == 1 and d.tolist() == [3, 3, 3]
    assert d.untyped_storage() == x.untyped_storage() and d.data_ptr() == x.data_ptr()
    w = torch.ones(3, requires_grad=True)
    y = (w * x).sum()
    x.data.mul_(2)
    y.backward()
    z = (w * x).sum()
    x.detach().mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()
    d = torch.ones(3).data
    z = (w * d).sum()
    d.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()


def test_views_of_inference_tensors_are_inference_tensors():
    with torch.inference_mode():
        x = torch.ones(4)
    assert x[1:].is_inference() and x.view(2, 2).is_inference() and not torch.ones(4)[1:].is_inference()


def test_view_that_is_given_other_memory_is_a_view_no_more():
    w = torch.ones(4, requires_grad=True)
    x = w * 1
    v = x[1:]
    v.data = torch.zeros(3)
    v.mul_(2)
    assert v.tolist() == [0, 0, 0] and x.tolist() == [1, 1, 1, 1]


def test_out_of_another_size_is_written_where_it_lies():
    array = np.zeros(5, np.float32)
    out = torch.from_numpy(array)
    with pytest.warns(UserWarning, match="resized"):
        torch.add(torch.ones(3), 1, out=out)
    assert out.shape == (3,) and array.tolist() == [2, 2, 2, 0, 0]


def test_parameter_that_a_group_names_twice():
    def steps(n_threads, optimiser):
        before = torch.get_num_threads()
        torch.set_num_threads(n_threads)
        try:
            p = torch.nn.Parameter(torch.linspace(0, 1, 300_000))
            p.grad = torch.linspace(1, 2, 300_000)
            optimiser = optimiser([p, p])
            for _ in range(3):
                optimiser.step()
            return p.detach(), optimiser.state[p]
        finally:
            torch.set_num_threads(before)

    for make in (lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), lambda p: torch.optim.Adam(p, lr=0.1),
                 lambda p: torch.optim.RMSprop(p, lr=0.1, momentum=0.5)):
        with pytest.warns(UserWarning, match="duplicate"):
            serial, state = steps(1, make)
        for _ in range(10):
            with pytest.warns(UserWarning, match="duplicate"):
                assert torch.equal(steps(2, make)[0], serial)
        if "step" in state:
            assert state["step"] == 6


def test_failed_step_leaves_the_state_as_it_was():
    p, q = (torch.nn.Parameter(torch.ones(4)) for _ in range(2))
    p.grad, q.grad = torch.ones(4), torch.ones(4)
    from pyxtorch.ops.optim import sgd_step

    class Broken(dict):
        def __missing__(self, key):
            if key is q:
                raise KeyError("broken")
            self[key] = {}
            return self[key]

    state = Broken()
    group = {"lr": 0.1, "momentum": 0.9, "dampening": 0, "weight_decay": 0, "nesterov": False, "maximize": False}
    with pytest.raises(KeyError):
        sgd_step([p, q], state, group, None)
    assert state[p] == {} and p.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("nested", [lambda l: torch.tensor(l), lambda l: torch.ones(3)[l], lambda l: torch.ones(3).__setitem__(l, 1),
                                    lambda l: torch.tensor([[1.0], l])])
def test_list_that_holds_itself(nested):
    items = []
    items.append(items)
    with pytest.raises((ValueError, TypeError, IndexError)):
        nested(items)


# ------------------------------------------------------------------------- an index that is written meanwhile

N = 4096


def reversed_places():
    return torch.arange(N - 1, -1, -1)


SELF_INDEXED = {
    "setitem": lambda x, i, v: x.__setitem__(i, v),
    "index_put_": lambda x, i, v: x.index_put_((i,), torch.tensor(v)),
    "index_put_ accumulate": lambda x, i, v: x.index_put_((i,), torch.full((N,), v), accumulate=True),
    "index_add_": lambda x, i, v: x.index_add_(0, i, torch.full((N,), v)),
    "index_copy_": lambda x, i, v: x.index_copy_(0, i, torch.full((N,), v)),
    "index_fill_": lambda x, i, v: x.index_fill_(0, i, v),
    "scatter_": lambda x, i, v: x.scatter_(0, i, v),
    "scatter_ src": lambda x, i, v: x.scatter_(0, i, torch.full((N,), v)),
    "scatter_add_": lambda x, i, v: x.scatter_add_(0, i, torch.full((N,), v)),
    "scatter_ multiply": lambda x, i, v: x.scatter_(0, i, v, reduce="multiply"),
    "scatter_reduce_": lambda x, i, v: x.scatter_reduce_(0, i, torch.full((N,), v), "amax"),
    "index_reduce_": lambda x, i, v: x.index_reduce_(0, i, torch.full((N,), v), "amax"),
    "put_": lambda x, i, v: x.put_(i, torch.full((N,), v)),
    "masked_fill_": lambda x, i, v: x.masked_fill_(x > 100, v),
}


@pytest.mark.parametrize("name", SELF_INDEXED)
def test_index_that_is_the_target(name):
    expected = reversed_places()
    SELF_INDEXED[name](expected, reversed_places(), 10**12)
    x = reversed_places()
    SELF_INDEXED[name](x, x, 10**12)
    assert torch.equal(x, expected)
    base = reversed_places()
    SELF_INDEXED[name](base, base.view(1, N)[0], 10**12)  # another view of the same memory
    assert torch.equal(base, expected)
    array = reversed_places().numpy()
    x = torch.from_numpy(array)
    SELF_INDEXED[name](x, torch.from_numpy(array), 10**12)  # the same memory behind two storages
    assert torch.equal(x, expected)


# ------------------------------------------------------------------------------------------ threads

def run(*functions, seconds=1.5):
    """Each function again and again in a thread of its own; what one raises is raised here."""
    errors, end = [], time.monotonic() + seconds

    def repeat(f):
        try:
            while time.monotonic() < end and not errors:
                f()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=repeat, args=(f,)) for f in functions]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]


def test_memory_swapped_while_kernels_read_it():
    x = torch.ones(1_000_000)

    def swap():
        x.set_(torch.ones(1_000_000))
        x.data = torch.ones(1_000_000)

    def check(f, value):
        return lambda: np.testing.assert_allclose(f(x).sum().item(), value, rtol=1e-5)

    run(swap, check(lambda x: x + 1, 2e6), check(torch.sum, 1e6), check(lambda x: torch.cumsum(x, 0)[-1:], 1e6),
        check(lambda x: torch.softmax(x, 0), 1), check(lambda x: x[torch.arange(100_000)], 1e5), check(lambda x: x.clone(), 1e6),
        lambda: _core.empty_cache())


def test_allocator_maintenance_beside_kernels():
    h = torch.ones(200, 200, dtype=torch.float16)

    def limit():
        _core.set_cache_limit(1 << 20)
        _core.empty_cache()
        _core.set_cache_limit(2 << 30)

    try:
        run(*[lambda: h @ h] * 3, *[lambda: torch.ones(100_000) + 1] * 3, limit, _core.empty_cache)
    finally:
        _core.set_cache_limit(2 << 30)


def test_mask_and_index_written_meanwhile():
    mask = torch.zeros(1_000_000, dtype=torch.bool)
    index = torch.zeros(200_000, dtype=torch.int64)
    x = torch.ones(1_000_000)

    def write():
        mask.fill_(True)
        mask.fill_(False)
        index.fill_(10**15)
        index.fill_(5)

    def attempt(f):
        def once():
            try:
                f()
            except (RuntimeError, IndexError):
                pass
        return once

    run(write, attempt(lambda: x.masked_select(mask)), attempt(lambda: mask.nonzero()), attempt(lambda: x[index]),
        attempt(lambda: x.gather(0, index)), attempt(lambda: x.clone().scatter_(0, index, 1.0)),
        attempt(lambda: x.masked_scatter(mask, torch.ones(1_000_000))))


def test_eight_independent_backwards_and_a_shared_module():
    module = torch.nn.Linear(64, 64)
    x = torch.ones(16, 64)
    expected = torch.autograd.grad(module(x).sum(), module.weight)[0]

    def shared():
        assert torch.equal(torch.autograd.grad(module(x).sum(), module.weight)[0], expected)

    def own():
        w = torch.ones(50, 50, requires_grad=True)
        (w @ w).sum().backward()
        assert (w.grad == 100).all()

    run(*[shared] * 4, *[own] * 4, _core.empty_cache)


# --------------------------------------------------------------------------------- other processes

def in_child(f):
    """Run `f` in a forked process; its exit status."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            f()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_shared_memory_is_shared():
    x = torch.zeros(3, 4)[:, 1:]
    assert not x.is_shared() and x.share_memory_() is x and x.is_shared()
    assert x.shape == (3, 3) and x.stride() == (4, 1) and x.data.is_shared() and x[1:].is_shared()
    assert in_child(lambda: x.add_(5)) == 0
    assert x.tolist() == [[5.0] * 3] * 3
    module = torch.nn.Linear(3, 3)
    before = [p.clone() for p in module.parameters()]
    module.share_memory()
    assert all(p.is_shared() and torch.equal(p, b) for p, b in zip(module.parameters(), before))

    def train():
        module(torch.ones(2, 3)).sum().backward()
        torch.optim.SGD(module.parameters(), lr=1.0).step()

    assert in_child(train) == 0
    assert torch.equal(module.bias, before[1] - 2) and module.bias.grad is None


@pytest.mark.unsanitized("the thread sanitizer ends a child, forked beside running threads, that starts a thread of its own", under=("tsan",))
def test_loaders_in_several_threads():
    data = torch.utils.data.TensorDataset(torch.arange(60.0))

    def epoch():
        assert sum(b.sum().item() for b, in torch.utils.data.DataLoader(data, batch_size=5, num_workers=2)) == 1770

    run(*[epoch] * 4, seconds=3)


def test_fork_in_the_middle_of_an_epoch():
    code = """
import os, sys
import pyxtorch as torch
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.arange(60.0)), batch_size=5, num_workers=2)
total = 0
for i, (b,) in enumerate(loader):
    total += b.sum().item()
    if i == 2:
        pid = os.fork()
        if pid == 0:
            sys.exit(0)
        os.waitpid(pid, 0)
print(total)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "1770.0\n" and done.stderr == ""


class Unshowable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class Raising:
    def __len__(self):
        return 4

    def __getitem__(self, i):
        raise Unshowable("wanted")


def test_an_error_that_cannot_be_shown_keeps_the_loaders_message():
    with pytest.raises(RuntimeError, match="Caught Unshowable in DataLoader worker process 0"):
        list(torch.utils.data.DataLoader(Raising(), num_workers=1))
