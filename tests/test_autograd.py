"""The tape: recording, backward, hooks, views and in-place changes, users' own functions."""
import gc
import subprocess
import sys
import threading
import traceback
import weakref

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.autograd import Function, Variable, backward, functional, grad, gradcheck, gradgradcheck
from pyxtorch.autograd.function import once_differentiable
from pyxtorch.autograd.gradcheck import GradcheckError


def leaf(*values):
    return torch.tensor(values if len(values) != 1 else values[0], dtype=torch.float64, requires_grad=True)


class Scale(Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x * factor

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * ctx.factor, None


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x ** 3

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * 3 * x * x


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


# --------------------------------------------------------------------------- in place, views


def test_changing_a_saved_tensor_is_noticed():
    x = leaf(1.0, 2.0)
    y = x.exp()
    z = y * 1
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"ExpBackward0.*inplace.*\[2\] is at version 1; expected version 0"):
        z.sum().backward()
    a = x * 1
    b = a * a
    a.detach().zero_()
    with pytest.raises(RuntimeError, match="MulBackward0.*modified by an inplace operation"):
        b.sum().backward()


def test_leaves_cannot_change_in_place():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        x.add_(1)
    with pytest.raises(RuntimeError, match="view of a leaf"):
        x[0].add_(1)
    with pytest.raises(RuntimeError, match="leaf"):
        x[0] = 1.0
    with torch.no_grad():
        x.add_(1)
    assert x.tolist() == [2.0, 3.0] and x.requires_grad


def test_in_place_changes_go_on_the_tape():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.mul_(y)
    y += 1
    y.sum().backward()
    assert x.grad.tolist() == [8.0, 16.0]


def test_in_place_forms_keep_the_values_they_need():
    x = leaf(0.5, 1.5)
    y = x * 1
    y.sin_().log_().mul_(x).div_(y.detach() + 2)
    expected = leaf(0.5, 1.5)
    e = (expected * 1).sin().log() * expected
    e = e / (e.detach() + 2)
    y.sum().backward()
    e.sum().backward()
    assert y.tolist() == e.tolist() and np.allclose(x.grad.tolist(), expected.grad.tolist())


def test_writing_to_a_view_reaches_its_base():
    x, v = leaf([1.0, 2.0, 3.0]), leaf(5.0)
    base = x * 2
    base[1].mul_(v)
    assert base.tolist() == [2.0, 20.0, 6.0]
    (base * torch.tensor([1.0, 10.0, 100.0], dtype=torch.float64)).sum().backward()
    assert x.grad.tolist() == [2.0, 100.0, 200.0] and v.grad.item() == 40.0


def test_writing_to_a_base_reaches_its_views():
    x = leaf([1.0, 2.0])
    base = x * 1
    view = base[1:]
    base.mul_(3)
    assert view.requires_grad
    view.sum().backward()
    assert x.grad.tolist() == [0.0, 3.0]


def test_views_of_views_and_transposes():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    base = x * 1
    base.t()[0].mul_(10)        # the first column
    base.view(4)[3:].add_(x[0, 0])
    base.sum().backward()
    assert base.tolist() == [[10.0, 2.0], [30.0, 5.0]]
    assert x.grad.tolist() == [[11.0, 1.0], [10.0, 1.0]]


def test_a_constant_written_over_a_recorded_tensor():
    x = leaf([1.0, 2.0])
    y = x * 2
    y[0] = 7.0
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 2.0]
    z = x * 2
    z.zero_()
    z.sum().backward()
    assert x.grad.tolist() == [0.0, 2.0]


def test_a_recorded_value_written_into_a_plain_tensor():
    x = leaf([1.0, 2.0])
    buffer = torch.zeros(4, dtype=torch.float64)
    buffer[1:3] = x * 3
    assert buffer.requires_grad
    (buffer * torch.arange(4, dtype=torch.float64)).sum().backward()
    assert x.grad.tolist() == [3.0, 6.0]


def test_expanded_tensors_cannot_be_written():
    with pytest.raises(RuntimeError, match="single memory location|single\\s+memory"):
        torch.zeros(1).expand(3).add_(1)


def test_versions_count():
    x = torch.zeros(3)
    before = x._version
    x.add_(1)
    x[0] = 5
    view = x[1:]
    view.mul_(2)
    assert x._version == before + 3 == view._version


def test_gradients_of_views_and_in_place_against_differences():
    def program(x, v):
        y = x * 1
        y[:, 1] = v
        y[0].mul_(v[0])
        z = y.t().contiguous()
        z[1:].sub_(x.sum())
        return z.sin()

    x = torch.rand(2, 3, dtype=torch.float64, requires_grad=True)
    v = torch.rand(2, dtype=torch.float64, requires_grad=True)
    assert gradcheck(program, (x, v)) and gradgradcheck(program, (x, v))


# -------------------------------------------------------------------------- users' functions


def test_function_with_a_constant_argument():
    x = leaf(1.0, 2.0)
    y = Scale.apply(x, 3.0)
    assert y.grad_fn.name() == "ScaleBackward"
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    assert not Scale.apply(torch.ones(2), 3.0).requires_grad


def test_function_differentiates_again():
    x = leaf(2.0)
    y = Cube.apply(x)
    (g,) = grad(y, x, create_graph=True)
    (h,) = grad(g, x, create_graph=True)
    (k,) = grad(h, x)
    assert (g.item(), h.item(), k.item()) == (12.0, 12.0, 6.0)
    assert gradgradcheck(Cube.apply, leaf(1.0, 2.0))


def test_setup_context():
    class Square(Function):
        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            (x,) = inputs
            ctx.save_for_backward(x)

        @staticmethod
        def backward(ctx, g):
            return 2 * g * ctx.saved_tensors[0]

    assert gradcheck(Square.apply, leaf(1.0, 2.0))


def test_saved_outputs_and_several_results():
    class Both(Function):
        @staticmethod
        def forward(ctx, x):
            e, s = x.exp(), x.sin()
            ctx.save_for_backward(x, e, None)
            return e, s

        @staticmethod
        def backward(ctx, ge, gs):
            x, e, nothing = ctx.saved_tensors
            assert nothing is None
            return ge * e + gs * x.cos()

    x = leaf(0.3, 0.6)
    assert gradcheck(Both.apply, x) and gradgradcheck(Both.apply, x)
    e, s = Both.apply(x)
    s.sum().backward()
    assert np.allclose(x.grad.tolist(), np.cos([0.3, 0.6]))


def test_saved_tensors_are_checked_too():
    x = leaf(2.0)
    h = x * 1
    y = Cube.apply(h)
    h.add_(1)
    with pytest.raises(RuntimeError, match="CubeBackward.*inplace"):
        y.backward()
    z = Cube.apply(x)
    z.backward()
    with pytest.raises(RuntimeError, match="second time"):
        z.backward()
    with pytest.raises(TypeError, match="save_for_backward"):
        class Wrong(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(3)
                return x * 1
        Wrong.apply(x)


def test_needs_input_grad():
    seen = []

    class Product(Function):
        @staticmethod
        def forward(ctx, a, b):
            seen.append(ctx.needs_input_grad)
            ctx.save_for_backward(a, b)
            return a * b

        @staticmethod
        def backward(ctx, g):
            seen.append(ctx.needs_input_grad)
            a, b = ctx.saved_tensors
            return g * b if ctx.needs_input_grad[0] else None, g * a if ctx.needs_input_grad[1] else None

    Product.apply(leaf(1.0), torch.ones(())).backward()
    assert seen == [(True, False), (True, False)]


def test_mark_dirty():
    class Doubled(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf(1.0, 2.0)
    y = x * 1
    z = Doubled.apply(y)
    assert z is y and y.tolist() == [2.0, 4.0] and y._version == 1 or y._version >= 1
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]
    base = x * 1
    Doubled.apply(base[0])
    base.sum().backward()
    assert x.grad.tolist() == [4.0, 3.0]
    with pytest.raises(RuntimeError, match="leaf"):
        Doubled.apply(x)


def test_mark_non_differentiable_and_integers():
    class Largest(Function):
        @staticmethod
        def forward(ctx, x):
            value, place = x.max(0)
            mask = x == value
            ctx.save_for_backward(mask)
            ctx.mark_non_differentiable(mask)
            return value, place, mask

        @staticmethod
        def backward(ctx, g, gp, gm):
            (mask,) = ctx.saved_tensors
            return g * mask

    x = leaf(1.0, 3.0)
    value, place, mask = Largest.apply(x)
    assert value.requires_grad and not mask.requires_grad and not place.requires_grad
    value.backward()
    assert x.grad.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("materialize", [True, False])
def test_materialize_grads(materialize):
    seen = []

    class Two(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(materialize)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            seen.append(b)
            return a * 2 if b is None else a * 2 + b * 3

    x = leaf(1.0)
    Two.apply(x)[0].backward()
    assert x.grad.item() == 2.0
    assert seen[0].item() == 0.0 if materialize else seen == [None]


def test_once_differentiable():
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            assert not torch.is_grad_enabled()
            return 2 * g * ctx.saved_tensors[0]

    x = leaf(3.0)
    Square.apply(x).backward()
    assert x.grad.item() == 6.0
    v = leaf(1.0)
    (g,) = grad(Square.apply(x), x, v, create_graph=True)
    assert g.item() == 6.0
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.backward()


def test_wrong_backwards_are_named():
    class TooFew(Function):
        @staticmethod
        def forward(ctx, a, b):
            return a * b

        @staticmethod
        def backward(ctx, g):
            return g

    class NoTensor(Function):
        @staticmethod
        def forward(ctx, a):
            return a * 2

        @staticmethod
        def backward(ctx, g):
            return 3.0

    class WrongShape(Function):
        @staticmethod
        def forward(ctx, a):
            return a * 2

        @staticmethod
        def backward(ctx, g):
            return torch.ones(5, dtype=torch.float64)

    class NoBackward(Function):
        @staticmethod
        def forward(ctx, a):
            return a * 2

    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="TooFew.*expected 2, got 1"):
        TooFew.apply(x, x).sum().backward()
    with pytest.raises(TypeError, match="NoTensor.*float"):
        NoTensor.apply(x).sum().backward()
    with pytest.raises(RuntimeError, match=r"WrongShape.*got \[5\].*compatible with \[2\]"):
        WrongShape.apply(x).sum().backward()
    with pytest.raises(NotImplementedError, match="backward"):
        NoBackward.apply(x).sum().backward()


def test_gradients_of_broadcast_inputs_are_summed():
    class Plus(Function):
        @staticmethod
        def forward(ctx, a, b):
            return a + b

        @staticmethod
        def backward(ctx, g):
            return g, g.double()

    a, b = torch.ones(2, 3, requires_grad=True), torch.ones(3, requires_grad=True)
    Plus.apply(a * 1, b * 1).sum().backward()
    assert b.grad.tolist() == [2.0] * 3 and b.grad.dtype is torch.float32


def test_errors_in_backward_lead_to_the_users_line():
    class Faulty(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return undefined_name  # noqa: F821

    x = leaf(1.0)
    try:
        (Faulty.apply(x * 2) * 3).backward()
    except NameError as error:
        frames = traceback.extract_tb(error.__traceback__)
        assert any(f.name == "backward" and f.filename == __file__ and "undefined_name" in f.line for f in frames)
    else:
        raise AssertionError("no error")
    (x * 2).backward()          # and the engine goes on
    assert x.grad.item() == 2.0


def test_backward_inside_backward():
    class Inner(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            with torch.enable_grad():
                inside = x.detach().requires_grad_()
                (inside * inside).sum().backward()
            return g * inside.grad

    x = leaf(3.0)
    (Inner.apply(x) * 2).backward()
    assert x.grad.item() == 12.0
    assert grad(Inner.apply(x) * 2, x)[0].item() == 12.0


def test_input_returned_unchanged():
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 5

    x = leaf(1.0)
    y = Same.apply(x)
    assert y is not x
    y.backward()
    assert x.grad.item() == 5.0


# ---------------------------------------------------------------------------------- gradcheck


def wrong_by(part):
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0].cos() * (1 + part)

    return Wrong.apply


@pytest.mark.parametrize("fast", [False, True])
def test_gradcheck_rejects_a_derivative_that_is_slightly_wrong(fast):
    x = leaf(0.1, 0.7, -1.1)
    assert gradcheck(wrong_by(0.0), x, fast_mode=fast)
    for part in (0.001, -0.001):
        with pytest.raises(GradcheckError, match="Jacobian mismatch"):
            gradcheck(wrong_by(part), x, fast_mode=fast)
        assert gradcheck(wrong_by(part), x, fast_mode=fast, raise_exception=False) is False


def test_gradgradcheck_rejects_a_wrong_second_derivative():
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            return g * 2 * ctx.saved_tensors[0].detach()

    x = leaf(0.5, 1.5)
    assert gradcheck(Wrong.apply, x)
    with pytest.raises(GradcheckError):
        gradgradcheck(Wrong.apply, x)


@pytest.mark.parametrize("fast", [False, True])
def test_gradcheck_of_complex_functions(fast):
    z = torch.tensor([0.3 + 0.4j, -1.0 + 0.2j], dtype=torch.complex128, requires_grad=True)
    assert gradcheck(lambda z: z * z.conj() + z.exp(), z, fast_mode=fast)
    assert gradcheck(lambda z: z.abs(), z, fast_mode=fast)
    assert gradgradcheck(lambda z: z.sin() * z.real, z, fast_mode=fast)


def test_gradcheck_complains_of_unusable_inputs():
    with pytest.raises(ValueError, match="require gradient"):
        gradcheck(torch.sin, torch.ones(2, dtype=torch.float64))
    with pytest.warns(UserWarning, match="float64"):
        gradcheck(torch.sin, torch.ones(2, requires_grad=True), atol=0.1, rtol=0.1)
    with pytest.raises(RuntimeError, match="stride 0"):
        gradcheck(torch.sin, torch.ones(1, dtype=torch.float64).expand(3).requires_grad_())
    with pytest.raises(GradcheckError, match="expected to be zero"):
        gradcheck(lambda x: x.detach() * 2, leaf(1.0))


# ------------------------------------------------------------------------------- functional


def test_jacobian_and_hessian():
    a, b = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    assert functional.jacobian(lambda x: x ** 2, a).tolist() == [[2.0, 0.0], [0.0, 4.0]]
    rows = functional.jacobian(lambda x, y: (x * y, x.sum()), (a, b))
    assert rows[0][0].tolist() == [[3.0, 0.0], [0.0, 4.0]] and rows[0][1].tolist() == [[1.0, 0.0], [0.0, 2.0]]
    assert rows[1][0].tolist() == [1.0, 1.0] and rows[1][1].tolist() == [0.0, 0.0]
    h = functional.hessian(lambda x, y: (x ** 2 * y).sum(), (a, b))
    assert h[0][0].tolist() == [[6.0, 0.0], [0.0, 8.0]] and h[0][1].tolist() == [[2.0, 0.0], [0.0, 4.0]] and h[1][1].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    with pytest.raises(RuntimeError, match="strict"):
        functional.jacobian(lambda x, y: x * 2, (a, b), strict=True)
    with pytest.raises(TypeError, match="tensor"):
        functional.jacobian(lambda x: 3, a)


def test_products_with_jacobians_and_hessians():
    a, v = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0])
    value, product = functional.vjp(lambda x: x ** 2, a, v)
    assert value.tolist() == [1.0, 4.0] and product.tolist() == [6.0, 20.0]
    assert functional.jvp(lambda x: x ** 2, a, v)[1].tolist() == [6.0, 20.0]
    assert functional.vhp(lambda x: (x ** 3).sum(), a, v)[1].tolist() == [18.0, 60.0]
    assert functional.hvp(lambda x: (x ** 3).sum(), a, v)[1].tolist() == [18.0, 60.0]
    with pytest.raises(RuntimeError, match="single element"):
        functional.hvp(lambda x: x, a, v)
    with pytest.raises(RuntimeError, match="shape"):
        functional.vjp(lambda x: x ** 2, a, torch.ones(3))


def test_functional_results_can_be_differentiated():
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    functional.jacobian(lambda x: x ** 3, a, create_graph=True).sum().backward()
    assert a.grad.tolist() == [6.0, 12.0]


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
