"""autograd.blame and anomaly mode: what they find, what they leave alone, what they cost while off."""
import gc
import threading
import warnings

import pytest

import pyxtorch as torch
from pyxtorch import nn


def test_nothing_is_blamed_where_everything_is_finite():
    with torch.autograd.detect_anomaly():
        x = torch.randn(3, requires_grad=True)
        y = (x.exp() + 1).log().sum()
        assert torch.autograd.blame(y) is None
        y.backward()
    assert x.grad.isfinite().all()


def test_blame_has_fields():
    with torch.autograd.detect_anomaly():
        x = torch.tensor([0.0, 2.0], requires_grad=True)
        y = x.log().sum()
    found = torch.autograd.blame(y)
    assert (found.operation, found.function, found.direction, found.module) == ("log", "LogBackward0", "forward", None)
    assert found.file == __file__ and found.source == "y = x.log().sum()"
    assert found.values == ["input 0: shape [2], float32, from 0 to 2", "output 0: shape [2], float32, from 0.693147 to 0.693147, 0 nan, 1 inf"]


def test_without_anomaly_mode_the_operation_is_named_from_what_is_saved():
    x = torch.tensor([1000.0, 2.0], requires_grad=True)
    found = torch.autograd.blame((x.exp() - 1).sum())
    assert found.operation == "exp" and found.line is None and "no line is known" in str(found)


def test_blame_of_gradients():
    x = torch.tensor([0.0, 2.0], requires_grad=True)
    y = x.sqrt().sum()
    found = torch.autograd.blame(y)
    assert (found.operation, found.direction) == ("sqrt", "backward")
    assert x.grad is None       # nothing is stored
    y.backward()                # and nothing was freed


def test_a_gradient_that_was_given():
    x = torch.ones(2, requires_grad=True)
    found = torch.autograd.blame(x * 2, torch.tensor([1.0, float("nan")]))
    assert found.direction == "input" and "given to backward" in found.operation


def test_gradients_of_other_leaves_are_not_added_twice():
    """The replay that looks for the first bad gradient stores nothing."""
    a, b = torch.ones(2, requires_grad=True), torch.zeros(2, requires_grad=True)
    with torch.autograd.detect_anomaly(check_inf=True), pytest.raises(RuntimeError, match="sqrt"):
        (b.sqrt().sum() + (a * 3).sum()).backward()
    assert a.grad is None or a.grad.tolist() == [3.0, 3.0]


def test_grad_is_looked_at_too():
    x = torch.zeros(2, requires_grad=True)
    with torch.autograd.detect_anomaly():
        y = x * 1
        with pytest.raises(RuntimeError, match="Function 'DivBackward0' returned nan values in its 1th output"):
            torch.autograd.grad((y / y).sum(), y)


def test_infinite_gradients_are_no_errors_unless_asked():
    x = torch.zeros(2, requires_grad=True)
    with torch.autograd.detect_anomaly():
        x.sqrt().sum().backward()
    assert x.grad.isinf().all()


def test_the_state_comes_back():
    with torch.autograd.detect_anomaly():
        with torch.autograd.set_detect_anomaly(False):
            assert (torch.ones(1, requires_grad=True) * 2).grad_fn.site is None
        assert (torch.ones(1, requires_grad=True) * 2).grad_fn.site is not None
    assert (torch.ones(1, requires_grad=True) * 2).grad_fn.site is None


def test_the_graph_is_freed_as_without():
    with torch.autograd.detect_anomaly():
        x = torch.ones(2, requires_grad=True)
        y = x.exp().sum()
        y.backward()
        with pytest.raises(RuntimeError, match="second time"):
            y.backward()
        z = x.exp().sum()
        z.backward(retain_graph=True)
        z.backward()


def test_what_is_kept_goes_with_the_graph():
    torch.ones(1, requires_grad=True).exp()
    gc.collect()
    before = len(gc.get_objects())
    with torch.autograd.detect_anomaly():
        for _ in range(50):
            x = torch.ones(100, requires_grad=True)
            (x.exp() * 2).sum().backward()
    del x
    gc.collect()
    assert len(gc.get_objects()) < before + 500


def test_a_user_function_in_the_old_style_is_called():
    class Twice(torch.autograd.Function):
        def forward(self, x):
            return x * 2

        def backward(self, g):
            return g * 2

    with torch.autograd.detect_anomaly():
        x = torch.ones(2, requires_grad=True)
        Twice()(x).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_second_derivatives():
    with torch.autograd.detect_anomaly():
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        g, = torch.autograd.grad((x**3).sum(), x, create_graph=True)
        g.sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]


def test_hooks_of_modules_and_of_all_modules():
    seen = []
    handle = nn.modules.module.register_module_forward_hook(lambda module, args, output: seen.append(type(module).__name__))
    try:
        with torch.autograd.detect_anomaly():
            net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
            net(torch.ones(1, 2)).sum().backward()
    finally:
        handle.remove()
    assert seen == ["Linear", "ReLU", "Sequential"]
    net(torch.ones(1, 2))
    assert len(seen) == 3


def test_module_paths_survive_an_error_in_forward():
    class Broken(nn.Module):
        def forward(self, x):
            raise KeyError("x")

    with torch.autograd.detect_anomaly():
        with pytest.raises(KeyError):
            Broken()(torch.ones(1))
        assert (torch.ones(1, requires_grad=True) * 2).grad_fn.site.modules is None


def test_other_threads():
    found = []

    def work():
        x = torch.zeros(2, requires_grad=True)
        try:
            (x / x).sum().backward()
        except RuntimeError as error:
            found.append(str(error))

    with torch.autograd.detect_anomaly():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert "div" in found[0] and "(x / x).sum().backward()" in found[0]


def test_random_graphs_have_the_same_gradients():
    """Anomaly mode changes no gradient."""
    def gradients(seed):
        torch.manual_seed(seed)
        x, w = torch.randn(4, 4, requires_grad=True), torch.randn(4, 4, requires_grad=True)
        y = x
        steps = [lambda y: y @ w, lambda y: y.tanh(), lambda y: y * w, lambda y: y.softmax(0), lambda y: (y - y.mean()).relu(), lambda y: y[:, [1, 0, 3, 2]]]
        for k in torch.randint(6, (8,)).tolist():
            y = steps[k](y)
        y.sum().backward()
        return [None if t.grad is None else t.grad.tolist() for t in (x, w)]

    for seed in range(20):
        plain = gradients(seed)
        with torch.autograd.detect_anomaly(), warnings.catch_warnings():
            warnings.simplefilter("error")
            assert gradients(seed) == plain


def test_a_change_in_place_is_named_through_views_and_under_no_grad():
    with torch.autograd.detect_anomaly():
        x, w = torch.ones(3, requires_grad=True), torch.ones(3)
        y = x * w
        view = w[1:]
        with torch.no_grad():
            view.add_(1)  # the change
        with pytest.raises(RuntimeError, match=r"It was changed by add_ at .*test_blame.py:\d+: view.add_\(1\)"):
            y.sum().backward()
