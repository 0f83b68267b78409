"""utils.checkpoint: the same gradients, less memory, the same random numbers, errors where a part is not the same twice."""
import contextlib
import gc
import threading

import pytest

import pyxtorch as torch
from pyxtorch import _core as core
from pyxtorch.utils.checkpoint import (
    CheckpointError,
    checkpoint,
    checkpoint_sequential,
    set_checkpoint_debug_enabled,
    set_checkpoint_early_stop,
)

FORMS = pytest.mark.parametrize("reentrant", [False, True])


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(*(torch.nn.Sequential(torch.nn.Linear(6, 6), torch.nn.Tanh(), torch.nn.Dropout(0.4)) for _ in range(6)))


def gradients_of(run, net, x):
    net.zero_grad()
    x = x.clone().requires_grad_()
    torch.manual_seed(1)
    y = run(x)
    (y * y).sum().backward()
    return [y.detach(), x.grad, *(p.grad for p in net.parameters())]


def same(a, b):
    assert len(a) == len(b)
    for x, y in zip(a, b):
        assert torch.equal(x, y)


@FORMS
@pytest.mark.parametrize("segments", [1, 2, 4, 6])
def test_sequential_gives_the_same_with_dropout(reentrant, segments):
    net, x = network(), torch.randn(4, 6)
    plain = gradients_of(net, net, x)
    same(gradients_of(lambda x: checkpoint_sequential(net, segments, x, use_reentrant=reentrant), net, x), plain)


@pytest.mark.filterwarnings("ignore:None of the inputs:UserWarning")     # a reentrant part inside of one, without a tape
@pytest.mark.parametrize("forms", [(False, False), (False, True), (True, False), (True, True)])
@pytest.mark.parametrize("early_stop", [False, True])
def test_nested(forms, early_stop):
    net, x = network(), torch.randn(4, 6)

    def inner(x):
        return checkpoint(net[1], net[0](x).sin(), use_reentrant=forms[1]).cos()

    def outer(x):
        for _ in range(2):
            x = checkpoint(inner, x * 2, use_reentrant=forms[1])
        return x * x

    with set_checkpoint_early_stop(early_stop):
        plain = gradients_of(lambda x: [x := net[1](net[0](x * 2).sin()).cos() for _ in range(2)][-1] ** 2, net[:2], x)
        same([g.round(decimals=5) for g in gradients_of(lambda x: checkpoint(outer, x, use_reentrant=forms[0]), net[:2], x)], [g.round(decimals=5) for g in plain])


@FORMS
def test_the_part_runs_once_more_only(reentrant):
    calls = []

    def part(x):
        calls.append(torch.is_grad_enabled())
        return (x * 2).sin()

    x = torch.ones(3, requires_grad=True)
    y = checkpoint(part, x, use_reentrant=reentrant).sum()
    assert calls == [not reentrant]
    y.backward()
    assert calls == [not reentrant, True]
    assert torch.allclose(x.grad, 2 * torch.cos(torch.full((3,), 2.0)))


def test_twice_grad_inputs_keywords_and_double_backward():
    def part(x, *, scale):
        return (x.sin() * x * scale).exp()

    x = torch.tensor([0.3, -0.4], dtype=torch.float64, requires_grad=True)
    expected = part(x, scale=2).sum()
    y = checkpoint(part, x, use_reentrant=False, scale=2).sum()
    (g,) = torch.autograd.grad(y, x, retain_graph=True)
    assert torch.equal(g, torch.autograd.grad(expected, x, create_graph=True)[0])
    y.backward(inputs=[x], retain_graph=True)
    y.backward()
    assert torch.equal(x.grad, 2 * g)
    first = torch.autograd.grad(checkpoint(part, x, use_reentrant=False, scale=2).sum(), x, create_graph=True)[0]
    (second,) = torch.autograd.grad(first.sum(), x)
    right = torch.autograd.grad(torch.autograd.grad(part(x, scale=2).sum(), x, create_graph=True)[0].sum(), x)[0]
    assert torch.allclose(second, right, rtol=1e-12)


@FORMS
def test_what_the_part_saved_takes_no_memory(reentrant):
    parts, x = 8, torch.ones(1 << 16, requires_grad=True)

    def part(x):
        return x.sin().cos().exp().tanh()

    def peak(run):
        """The most bytes in use at once, in tensors of x's size."""
        gc.collect()
        core.reset_peak_memory_stats()
        before = core.memory_stats()["allocated_bytes.current"]
        y = x
        for _ in range(parts):
            y = run(y)
        y.sum().backward()
        x.grad = None
        return (core.memory_stats()["allocated_bytes.peak"] - before) / (4 << 16)

    plain, held = peak(part), peak(lambda y: checkpoint(part, y, use_reentrant=reentrant))
    assert plain > 3.5 * parts
    assert held < parts + 10


@FORMS
def test_no_tape_and_no_gradient(reentrant):
    x = torch.ones(2)
    with torch.no_grad():
        assert torch.equal(checkpoint(torch.sin, x, use_reentrant=False), x.sin())
    y = checkpoint(torch.sin, x, use_reentrant=False)
    assert not y.requires_grad
    with pytest.warns(UserWarning, match="None of the inputs"):
        assert not checkpoint(torch.sin, x, use_reentrant=True).requires_grad


def test_parameters_of_a_closure_get_gradients_without_a_tensor_argument():
    w = torch.ones(3, requires_grad=True)
    checkpoint(lambda: (w * 3).sin().sum(), use_reentrant=False).backward()
    assert torch.allclose(w.grad, 3 * torch.cos(torch.full((3,), 3.0)))


@pytest.mark.parametrize("debug", [False, True])
def test_a_part_that_differs_is_an_error(debug):
    x = torch.ones(3, requires_grad=True)
    state = {"n": 0}

    def fewer(x):
        state["n"] += 1
        y = x.sin().exp()
        return y.tanh() if state["n"] == 1 else x * 1

    def other_shape(x):
        state["n"] += 1
        y = x if state["n"] % 2 else torch.cat([x, x])
        return y.sin().sum()

    block = set_checkpoint_debug_enabled(True) if debug else contextlib.nullcontext()
    with block:
        y = checkpoint(fewer, x, use_reentrant=False).sum()
        with pytest.raises(CheckpointError, match="different number of tensors") as error:
            y.backward()
        assert ("in fewer" in str(error.value)) == debug
        state["n"] = 0
        y = checkpoint(other_shape, x, use_reentrant=False)
        with pytest.raises(CheckpointError, match="different metadata"):
            y.backward()
        state["n"] = 0
        y = checkpoint(other_shape, x, use_reentrant=False, early_stop=False)
        with pytest.raises(CheckpointError, match=r"position 0"):
            y.backward()


def test_arguments_that_changed_are_an_error():
    x = torch.ones(3, requires_grad=True)
    y = x * 1
    z = checkpoint(lambda t: t.sin().exp(), y, use_reentrant=False).sum()
    with torch.no_grad():
        y.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()


def test_reentrant_form_refuses_what_it_cannot_do():
    x = torch.ones(3, requires_grad=True)
    y = checkpoint(torch.sin, x, use_reentrant=True).sum()
    with pytest.raises(RuntimeError, match=r"incompatible with .grad\(\)"):
        torch.autograd.grad(y, x)
    with pytest.raises(ValueError, match="Unexpected keyword"):
        checkpoint(torch.sin, x, use_reentrant=True, scale=2)
    with pytest.raises(ValueError, match="determinism_check"):
        checkpoint(torch.sin, x, use_reentrant=False, determinism_check="shape")
    with pytest.warns(UserWarning, match="use_reentrant"):
        checkpoint(torch.sin, x).sum().backward()


def test_backward_inside_the_part():
    x = torch.tensor([0.5], requires_grad=True)

    def part(x):
        y = x.sin()
        (g,) = torch.autograd.grad(y.sum(), x, retain_graph=True)
        return y * g.exp()

    for early_stop in (True, False):
        x.grad = None
        checkpoint(part, x, use_reentrant=False, early_stop=early_stop).sum().backward()
        assert torch.allclose(x.grad, torch.cos(x.detach()) * torch.exp(torch.cos(x.detach())))


def test_contexts_around_both_runs():
    entered = []

    @contextlib.contextmanager
    def note(name):
        entered.append(name)
        yield

    x = torch.ones(2, requires_grad=True)
    y = checkpoint(torch.sin, x, use_reentrant=False, context_fn=lambda: (note("first"), note("again"))).sum()
    assert entered == ["first"]
    y.backward()
    assert entered == ["first", "again"]


def test_two_threads_through_one_checkpoint():
    x = torch.linspace(-1, 1, 1000, requires_grad=True)
    y = checkpoint(lambda t: t.sin().exp().tanh(), x, use_reentrant=False).sum()
    right = torch.autograd.grad(x.sin().exp().tanh().sum(), x)[0]
    found = []

    def run():
        for _ in range(20):
            found.append(torch.autograd.grad(y, x, retain_graph=True)[0])

    threads = [threading.Thread(target=run) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(found) == 80
    for g in found:
        assert torch.equal(g, right)


def test_a_run_that_failed_keeps_nothing_of_what_was_computed_again():
    w = torch.randn(1000, 100, requires_grad=True)

    def fails(grad):
        raise ValueError("on purpose")

    w.register_hook(fails)
    y = checkpoint(lambda x: (x * x).exp() * 2, w, use_reentrant=False).sum()
    gc.collect()
    before = core.memory_stats()["allocated_bytes.current"]
    for _ in range(3):
        with pytest.raises(ValueError, match="on purpose"):
            y.backward(retain_graph=True)
    gc.collect()
    assert core.memory_stats()["allocated_bytes.current"] - before < w.numel() * 4
