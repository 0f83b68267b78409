"""The tape: recording, backward, grad modes, hooks, the shapes of graphs. Views and in-place changes, and users' own functions, have
files of their own (test_autograd_views.py, test_autograd_functions.py)."""
import gc
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest
from tape_helpers import Scale, leaf

import pyxtorch as torch
from pyxtorch.autograd import Function, Variable, backward, grad

# ------------------------------------------------------------------------- the oldest programs


def test_variable_of_early_pytorch():
    data = torch.ones(2)
    v = Variable(data, requires_grad=True)
    assert isinstance(v, torch.Tensor) and v.data_ptr() == data.data_ptr() and not data.requires_grad
    (v * 3).sum().backward()
    assert v.grad.tolist() == [3.0, 3.0]
    assert isinstance(data, Variable) and isinstance(v * 2, Variable)
    assert v.data.requires_grad is False and v.data.data_ptr() == data.data_ptr()


def test_attributes():
    x = leaf(1.0, 2.0)
    y = x * 2
    assert x.is_leaf and x.grad_fn is None and x.grad is None and not y.is_leaf and y.requires_grad
    assert y.grad_fn.name().startswith("Mul")
    (node, number), = [n for n in y.grad_fn.next_functions if n[0] is not None]
    assert node.variable is x and number == 0
    assert not torch.ones(2).requires_grad and torch.ones(2).grad_fn is None


def test_requires_grad_only_of_floating_tensors():
    with pytest.raises(RuntimeError, match="floating"):
        torch.ones(2, dtype=torch.int64).requires_grad_()
    with pytest.raises(RuntimeError, match="leaf|leaves"):
        (leaf(1.0) * 2).requires_grad = False


# ---------------------------------------------------------------------------- backward, grad


def test_gradients_accumulate():
    x = leaf(1.0, 2.0)
    (x * 2).sum().backward()
    (x * 3).sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]
    x.grad = None
    (x + x + x).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_stored_gradient_is_nobody_elses():
    x = leaf(1.0, 2.0)
    g = torch.ones(2, dtype=torch.float64)
    (x + 0).backward(g)
    g.zero_()
    assert x.grad.tolist() == [1.0, 1.0]
    y, z = leaf(1.0), leaf(1.0)
    (y + z).backward()
    y.grad += 1
    assert z.grad.item() == 1.0


def test_second_backward_is_an_error_that_says_what_to_do():
    x = leaf(2.0)
    y = x * x
    y.backward()
    with pytest.raises(RuntimeError, match="second time.*retain_graph=True"):
        y.backward()
    z = x * x
    z.backward(retain_graph=True)
    z.backward()
    assert x.grad.item() == 12.0


def test_backward_needs_a_gradient_for_more_than_one_element():
    with pytest.raises(RuntimeError, match="scalar outputs"):
        (leaf(1.0, 2.0) * 2).backward()
    with pytest.raises(RuntimeError, match="shape"):
        (leaf(1.0, 2.0) * 2).backward(torch.ones(3))
    with pytest.raises(RuntimeError, match="does not require grad"):
        torch.ones(()).backward()
    with pytest.raises(TypeError, match="Tensors or None"):
        (leaf(1.0, 2.0) * 2).backward([1.0, 1.0])


def test_gradient_of_another_dtype_is_converted():
    x = torch.ones(2, requires_grad=True)
    (x * 2).backward(torch.ones(2, dtype=torch.float64))
    assert x.grad.dtype is torch.float32
    w = torch.ones(2, dtype=torch.float16, requires_grad=True)
    (w * torch.ones(2, dtype=torch.float32)).sum().backward()
    assert w.grad.dtype is torch.float16


def test_several_roots():
    x = leaf(1.0)
    a, b = x * 2, x * 3
    backward([a, b])
    assert x.grad.item() == 5.0
    backward([x * 2, x * 3], [torch.tensor(10.0, dtype=torch.float64), None])
    assert x.grad.item() == 28.0
    with pytest.raises(RuntimeError, match="2 tensors and 1 gradients"):
        backward([a, b], [None])


def test_inputs_of_backward():
    x, w = leaf(2.0), leaf(3.0)
    h = x * w
    (h * h).backward(inputs=[w])
    assert w.grad.item() == 24.0 and x.grad is None
    with pytest.raises(RuntimeError, match="empty"):
        (x * w).backward(inputs=[])


def test_grad_touches_no_leaf():
    x, w = leaf(2.0), leaf(3.0)
    h = x * w
    y = h * h
    gx, gh = grad(y, [x, h])
    assert gx.item() == 36.0 and gh.item() == 12.0
    assert x.grad is None and w.grad is None


def test_grad_of_unused_inputs():
    x, other = leaf(1.0), leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="allow_unused=True"):
        grad(x * 2, [x, other])
    assert grad(x * 2, [x, other], allow_unused=True)[1] is None
    assert grad(x * 2, [x, other], materialize_grads=True)[1].tolist() == [0.0, 0.0]
    with pytest.raises(RuntimeError, match="does not require grad"):
        grad(x * 2, torch.ones(1))
    assert [g.item() for g in grad(x * 2, [x, x])] == [2.0, 2.0]


def test_batched_gradients():
    x = leaf(1.0, 2.0, 3.0)
    y = x * x
    (rows,) = grad(y, x, torch.eye(3, dtype=torch.float64), is_grads_batched=True)
    assert rows.tolist() == [[2.0, 0, 0], [0, 4.0, 0], [0, 0, 6.0]]


def test_create_graph_to_the_fourth_derivative():
    x = leaf(2.0)
    y = x ** 5
    for value in (80.0, 160.0, 240.0, 240.0):
        (y,) = grad(y, x, create_graph=True)
        assert y.item() == value
    assert not grad(x * x, x)[0].requires_grad


def test_backward_with_create_graph_records_grad():
    x = leaf(3.0)
    (x ** 3).backward(create_graph=True)
    assert x.grad.requires_grad and x.grad.item() == 27.0
    g, x.grad = x.grad, None
    g.backward()
    assert x.grad.item() == 18.0


def test_only_the_nodes_that_lead_somewhere_run():
    ran = []

    class Spy(Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, g):
            ran.append(1)
            return g

    x, w = leaf(1.0), leaf(1.0)
    y = Spy.apply(x) * w
    grad(y, w)
    assert ran == []


def test_diamonds_run_each_node_once():
    count = []

    class Spy(Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, g):
            count.append(g.item())
            return g

    x = leaf(1.0)
    h = Spy.apply(x)
    for _ in range(3):
        h = h + h
    h.backward()
    assert count == [8.0] and x.grad.item() == 8.0


# ------------------------------------------------------------------------------- grad modes


def test_no_grad_as_context_and_decorator():
    x = leaf(1.0)
    with torch.no_grad():
        assert not torch.is_grad_enabled() and not (x * 2).requires_grad
        with torch.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad

    @torch.no_grad()
    def called(a):
        """its own docstring"""
        return a * 2

    @torch.no_grad
    def bare(a):
        return a * 2

    assert not called(x).requires_grad and not bare(x).requires_grad and called.__doc__ == "its own docstring"
    with pytest.raises(ZeroDivisionError):
        with torch.no_grad():
            1 / 0
    assert torch.is_grad_enabled()


def test_generators_keep_their_mode_to_themselves():
    @torch.no_grad()
    def numbers():
        yield torch.is_grad_enabled()
        yield torch.is_grad_enabled()

    assert [(inside, torch.is_grad_enabled()) for inside in numbers()] == [(False, True)] * 2


def test_set_grad_enabled():
    torch.set_grad_enabled(False)
    try:
        assert not torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)
    with torch.set_grad_enabled(False):
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()

    @torch.set_grad_enabled(False)
    def off():
        return torch.is_grad_enabled()

    assert torch.is_grad_enabled() and off() is False and torch.is_grad_enabled()


def test_grad_mode_belongs_to_the_thread():
    seen = []
    with torch.no_grad():
        t = threading.Thread(target=lambda: seen.append(torch.is_grad_enabled()))
        t.start()
        t.join()
    assert seen == [True]


def test_inference_mode():
    x = leaf(1.0)
    with torch.inference_mode():
        y = x * 2
        assert y.is_inference() and not y.requires_grad and torch.is_inference_mode_enabled()
        y.add_(1)
    with pytest.raises(RuntimeError, match="[Ii]nference"):
        x * y
    with pytest.raises(RuntimeError, match="[Ii]nference"):
        y.add_(1)
    (x * y.clone()).backward()
    with torch.inference_mode(False):
        assert not torch.is_inference_mode_enabled()

    @torch.inference_mode()
    def f(a):
        return a * 2

    assert f(x).is_inference() and not torch.is_inference_mode_enabled()


def test_detach():
    x = leaf(1.0, 2.0)
    y = (x * 2).detach()
    assert not y.requires_grad and y.is_leaf
    z = x.detach()
    z[0] = 9.0
    assert x[0].item() == 9.0      # the same memory
    y = x * 2
    y.detach_()
    assert y.is_leaf and not y.requires_grad


# -------------------------------------------------------------------------------------- hooks


def test_tensor_hooks_run_in_order_and_can_change_the_gradient():
    x = leaf(1.0)
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(("first", g.item())))
    second = y.register_hook(lambda g: g * 10)
    y.register_hook(lambda g: seen.append(("third", g.item())))
    x.register_hook(lambda g: seen.append(("leaf", g.item())))
    (y * 3).backward(retain_graph=True)
    assert seen == [("first", 3.0), ("third", 30.0), ("leaf", 60.0)] and x.grad.item() == 60.0
    second.remove()
    second.remove()
    x.grad = None
    (y * 3).backward()
    assert x.grad.item() == 6.0


def test_hooks_see_the_summed_gradient_once():
    x = leaf(1.0)
    y = x * 1
    seen = []
    y.register_hook(lambda g: seen.append(g.item()))
    (y + y * 2).backward()
    assert seen == [3.0]


def test_node_hooks():
    x, w = leaf(2.0), leaf(3.0)
    y = x * w
    seen = []
    y.grad_fn.register_prehook(lambda gs: (gs[0] * 2,))
    handle = y.grad_fn.register_hook(lambda inputs, outputs: seen.append(([i.item() for i in inputs], outputs[0].item())))
    y.backward(retain_graph=True)
    assert seen == [([6.0, 4.0], 2.0)] and x.grad.item() == 6.0
    handle.remove()
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 100, None))
    x.grad = w.grad = None
    y.backward()
    assert x.grad.item() == 600.0 and w.grad is None


def test_post_accumulate_hooks():
    x = leaf(1.0)
    seen = []
    x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.item()))
    (x * 2).backward()
    (x * 2).backward()
    assert seen == [2.0, 4.0]
    with pytest.raises(RuntimeError, match="non-leaf"):
        (x * 2).register_post_accumulate_grad_hook(print)


def test_hooks_need_something_to_hook():
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        torch.ones(1).register_hook(print)
    with pytest.raises(TypeError, match="function"):
        leaf(1.0).register_hook(3)


def test_gradients_that_a_hook_changes_must_fit():
    def kernel_in_backward(make):
        x = torch.ones(4, 8, requires_grad=True)
        y = torch.nn.functional.layer_norm(x, (8,))
        make(y)
        y.sum().backward()

    for changed in (lambda g: g[:1], lambda g: g.double(), lambda g: g.reshape(8, 4)):
        with pytest.raises(RuntimeError, match="hook.*has changed"):
            kernel_in_backward(lambda y, f=changed: y.register_hook(f))
        with pytest.raises(RuntimeError, match="hook.*has changed"):
            kernel_in_backward(lambda y, f=changed: y.grad_fn.register_prehook(lambda gs: (f(gs[0]),)))
        with pytest.raises(RuntimeError, match="hook.*has changed"):
            kernel_in_backward(lambda y, f=changed: y.grad_fn.register_hook(lambda i, o: (f(o[0]), *i[1:])))
    with pytest.raises(TypeError, match="Tensor or None"):
        kernel_in_backward(lambda y: y.register_hook(lambda g: 3))
    x = leaf(1.0, 2.0)
    x.register_hook(lambda g: g[:1])
    with pytest.raises(RuntimeError, match="hook.*has changed"):
        x.sum().backward()


def test_errors_in_hooks_propagate():
    x = leaf(1.0)
    y = x * 2
    y.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        y.backward()


def test_anomaly_mode_names_the_operation():
    def program():
        x = leaf(0.0, 1.0)
        (x / x.detach()).log().sum().backward()

    program()
    with torch.autograd.detect_anomaly():
        with pytest.raises(RuntimeError, match="Function 'LogBackward0' returned nan values in its 0th output|Function 'DivBackward0' returned nan"):
            program()
        with torch.autograd.set_detect_anomaly(False):
            program()
    program()


def test_retain_grad():
    x = leaf(1.0)
    y = x * 2
    y.retain_grad()
    y.retain_grad()
    assert y.retains_grad
    (y * 3).backward()
    assert y.grad.item() == 3.0
    with pytest.raises(RuntimeError, match="requires_grad=False"):
        torch.ones(1).retain_grad()


def test_grad_of_a_leaf_can_be_assigned():
    x = leaf(1.0, 2.0)
    x.grad = torch.zeros(2, dtype=torch.float64)
    with pytest.raises((RuntimeError, TypeError)):
        x.grad = 3
    with pytest.raises(RuntimeError, match="size|shape"):
        x.grad = torch.zeros(3, dtype=torch.float64)
    with pytest.raises(RuntimeError, match="dtype|type"):
        x.grad = torch.zeros(2, dtype=torch.int64)


# -------------------------------------------------------------------------- shapes of graphs


DEEP = """
import resource, threading
resource.setrlimit(resource.RLIMIT_STACK, (256 * 1024, 256 * 1024))
import pyxtorch as torch
{program}
print("done")
"""
PROGRAMS = {
    "backward": "x = torch.ones(1, requires_grad=True)\ny = x\nfor _ in range(1_000_000): y = y + 1\ny.backward()\nassert x.grad.item() == 1.0\ndel y",
    "freed without backward": "x = torch.ones(1, requires_grad=True)\ny = x\nfor _ in range(200_000): y = y * x\ndel y",
    "two inputs": "x = torch.ones(1, requires_grad=True)\na = b = x\nfor _ in range(50_000): a, b = b + 0, a * 0.5 + b * 0.5\n(a + b).backward()\ndel a, b\nassert x.grad is not None",
    "grad": "x = torch.ones(1, requires_grad=True)\ny = x\nfor _ in range(100_000): y = y.neg()\n(g,) = torch.autograd.grad(y, x)\nassert g.item() == 1.0\ndel y",
    "in place": "x = torch.ones(3, requires_grad=True)\ny = x * 1\nfor _ in range(30_000): y[0].mul_(1.0)\ny.sum().backward()\nassert x.grad.tolist() == [1.0] * 3\ndel y",
    "double backward": "x = torch.ones(1, requires_grad=True)\ny = x\nfor _ in range(40_000): y = y.sin()\n(g,) = torch.autograd.grad(y, x, create_graph=True)\ng.backward()\ndel y, g",
    "collected": "import gc\nx = torch.ones(1, requires_grad=True)\ny = x\nfor _ in range(50_000): y = y.exp().log()\nbox = [y]\nbox.append(box)\ndel y, box\ngc.collect()",
    "user functions": ("class F(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x): return x * 1\n    @staticmethod\n    def backward(ctx, g): return g\n"
                       "x = torch.ones(1, requires_grad=True)\ny = x\nfor _ in range(40_000): y = F.apply(y)\ny.backward()\nassert x.grad.item() == 1.0\ndel y"),
    "many outputs": "x = torch.ones(2, requires_grad=True)\ny = x\nfor _ in range(30_000): y = torch.stack(y.unbind())\ny.sum().backward()\nassert x.grad.tolist() == [1.0, 1.0]\ndel y",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_deep_graphs_use_no_c_stack(name):
    """With a stack of 256 KB, in a process of its own: recursion would end it."""
    done = subprocess.run([sys.executable, "-c", DEEP.format(program=PROGRAMS[name])], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and done.stdout == "done\n", done.stderr[-2000:]


def test_wide_graphs():
    xs = [leaf(float(i)) for i in range(3000)]
    y = torch.stack(xs).sum() + sum(x * x for x in xs)
    y.backward()
    assert [x.grad.item() for x in xs] == [1 + 2.0 * i for i in range(3000)]
    z = leaf(1.0)
    sum(z * i for i in range(3000)).backward()
    assert z.grad.item() == 3000 * 2999 / 2


def test_cycles_are_collected():
    class Keeper(Function):
        @staticmethod
        def forward(ctx, x):
            y = x * 2
            ctx.everything = (ctx, x, y)
            ctx.save_for_backward(x, y)
            return y

        @staticmethod
        def backward(ctx, g):
            return g * 2

    gc.collect()
    before = torch._core.memory_stats()["allocated_bytes.current"]
    gone = []
    for _ in range(5):
        x = torch.ones(100_000, requires_grad=True)
        y = Keeper.apply(x)
        y.register_hook(lambda g, y=y: None)        # a cycle through the hook
        gone += [weakref.ref(x), weakref.ref(y)]
    del x, y
    gc.collect()
    assert all(r() is None for r in gone)
    assert torch._core.memory_stats()["allocated_bytes.current"] == before


def test_a_graph_is_freed_at_once_after_backward():
    gc.collect()
    gc.disable()
    try:
        before = torch._core.memory_stats()["allocated_bytes.current"]
        x = torch.ones(100_000, requires_grad=True)
        y = (x.exp() * x.sin()).tanh().softmax(0).sum()
        y.backward()
        x.grad = None
        del x, y
        assert torch._core.memory_stats()["allocated_bytes.current"] == before
    finally:
        gc.enable()


def test_threads_run_backward_on_graphs_of_their_own():
    errors = []

    def work(seed):
        try:
            for k in range(30):
                x = torch.full((50,), float(seed), requires_grad=True)
                y = x
                for _ in range(20):
                    y = y * 1.01 + Scale.apply(x, 0.0)
                y.sum().backward()
                assert np.allclose(x.grad.tolist(), 1.01 ** 20), (seed, k)
                (g,) = grad((x * x).sum(), x, create_graph=True)
                (h,) = grad(g.sum(), x)
                assert h.tolist() == [2.0] * 50
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i + 1,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors, errors


def test_threads_share_leaves():
    w = torch.zeros(10, requires_grad=True)

    def work():
        for _ in range(50):
            (w * 1.0).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert w.grad.tolist() == [200.0] * 10
