"""Dispatch modes see PyTorch's internal operations (names recorded from PyTorch 2.13), and selective checkpointing, which is made of them."""
import functools

import numpy as np
import pytest

import pyxtorch as torch
import pyxtorch.nn.functional as F
from pyxtorch import nn
from pyxtorch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes, _get_current_dispatch_mode, _pop_mode_temporarily
from pyxtorch.utils.checkpoint import (
    CheckpointPolicy,
    GraphExecGroup,
    checkpoint,
    create_selective_checkpoint_contexts,
)

aten = torch.ops.aten


class Log(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.names, self.calls = [], []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(str(func).removeprefix("aten.").removesuffix(".default"))
        self.calls.append((func, args, kwargs))
        return func(*args, **(kwargs or {}))


def given():
    torch.manual_seed(0)
    return {
        "F": F, "torch": torch, "x": torch.rand(2, 3, 4), "w": torch.randn(5, 4), "b": torch.randn(5), "X": torch.randn(3, 4), "v": torch.randn(4),
        "img": torch.randn(2, 3, 8, 8), "k": torch.randn(4, 3, 3, 3), "T": torch.tensor([1, 2, 3]), "B": torch.rand(2, 3, 4) > 0.5,
    }  # fmt: skip


NAMES = {
    "F.linear(x, w)": "t view mm _unsafe_view", "F.linear(X, w, b)": "t addmm", "F.linear(X, w)": "t mm", "X @ w.t()": "t mm", "X @ v": "mv", "v @ v": "dot",
    "x @ x.transpose(1, 2)": "transpose.int expand view expand view bmm _unsafe_view", "F.conv2d(img, k)": "convolution", "F.relu(x)": "relu",
    "F.softmax(x, -1)": "_softmax", "x.log_softmax(1)": "_log_softmax", "F.layer_norm(x, (4,))": "native_layer_norm", "F.group_norm(img, 3)": "native_group_norm",
    "F.dropout(x)": "native_dropout", "F.max_pool2d(img, 2)": "max_pool2d_with_indices", "F.avg_pool2d(img, 2)": "avg_pool2d",
    "F.adaptive_avg_pool2d(img, 1)": "mean.dim", "F.embedding(T, w)": "embedding", "F.cross_entropy(X, T)": "_log_softmax nll_loss_forward",
    "F.scaled_dot_product_attention(img, img, img)": "_scaled_dot_product_flash_attention_for_cpu", "x + 1": "add.Tensor", "1 - x": "rsub.Scalar",
    "1 / x": "reciprocal mul.Tensor", "x ** 2": "pow.Tensor_Scalar", "2 ** x": "pow.Scalar", "x ** x": "pow.Tensor_Tensor", "x == 1": "eq.Scalar", "x < x": "lt.Tensor",
    "x.sum()": "sum", "x.sum(1)": "sum.dim_IntList", "x.mean(-1)": "mean.dim", "x.max(1)": "max.dim", "x[0]": "select.int", "x[:, 1:]": "slice.Tensor",
    "x[B]": "index.Tensor", "x.reshape(6, 4)": "view", "x.transpose(0, 1).flatten()": "transpose.int clone _unsafe_view", "x.float()": "", "x.double()": "_to_copy",
    "x.contiguous()": "", "x.add_(1)": "add_.Tensor", "torch.zeros(2)": "zeros", "x.numel() + x.size(0)": "", "X.sum().item()": "sum _local_scalar_dense",
    "F.relu(x, inplace=True)": "relu_", "x.std(1)": "std.correction", "x.masked_fill(B, 0)": "masked_fill.Scalar", "x.split(1)": "split.Tensor",
    "torch.where(B, x, x)": "where.self", "F.pad(x, (1, 1))": "constant_pad_nd", "x.norm()": "linalg_vector_norm", "torch.cat([x, x])": "cat",
}  # fmt: skip


@pytest.mark.parametrize("expression", NAMES)
def test_internal_operations(expression):
    plain, seen = given(), given()
    torch.manual_seed(1)
    expected = eval(expression, plain)
    with Log() as log:
        torch.manual_seed(1)
        got = eval(expression, seen)
    assert log.names == NAMES[expression].split()
    if isinstance(expected, torch.Tensor):
        torch.testing.assert_close(got, expected)


def test_arguments_are_those_of_the_internal_operation():
    x, w, b = torch.randn(3, 4), torch.randn(5, 4), torch.randn(5)
    with Log() as log:
        F.linear(x, w, b)
        F.conv2d(torch.randn(1, 2, 5, 5), torch.randn(3, 2, 3, 3), stride=2)
        aten.mm.default(x, w.t())
    func, args, _ = log.calls[1]
    assert func is aten.addmm.default and args[0] is b and args[1] is x and args[2].shape == (4, 5)
    conv = [args for func, args, _ in log.calls if func is aten.convolution.default][0]
    assert conv[2:] == (None, [2, 2], [0, 0], [1, 1], False, [0, 0], 1)
    assert log.names[-2:] == ["t", "mm"]


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3))


def test_gradients_are_those_without_a_mode():
    x, t = torch.randn(5, 2, 6, 6), torch.tensor([0, 1, 2, 0, 1])
    grads = []
    for mode in (None, Log()):
        net = network()
        if mode is None:
            F.cross_entropy(net(x), t).backward()
        else:
            with mode:
                F.cross_entropy(net(x), t).backward()
        grads.append([p.grad for p in net.parameters()])
    for a, b in zip(*grads):
        torch.testing.assert_close(a, b)


def test_a_modes_value_has_the_operations_gradient():
    class Rounded(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            y = func(*args, **(kwargs or {}))
            assert not y.requires_grad and not torch.is_grad_enabled()
            return y.round() if func is aten.mul.Tensor else y

    x = torch.tensor([1.3, 2.6], requires_grad=True)
    with Rounded():
        y = x * 2
    assert y.tolist() == [3.0, 5.0]
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_what_has_no_gradient_is_an_error():
    class Doubled(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            return func(*[a * 2 if isinstance(a, torch.Tensor) else a for a in args], **(kwargs or {}))

    x = torch.ones(2, requires_grad=True)
    with Doubled():
        with pytest.raises(RuntimeError, match="its gradient cannot be told"):
            x.exp()
        with torch.no_grad():
            y = x.exp()
    assert torch.allclose(y, torch.full((2,), 2.0).exp())


def test_modes_nest_and_leave():
    outer, inner = Log(), Log()
    with outer:
        with inner:
            assert _get_current_dispatch_mode() is inner
            torch.ones(2).add(1)
            with _pop_mode_temporarily():
                torch.ones(2)
            with _disable_current_modes():
                torch.ones(2)
        torch.ones(2)
    torch.ones(2)
    assert inner.names == ["ones", "add.Tensor"] and outer.names == ["ones", "add.Tensor", "ones", "ones"]
    assert _get_current_dispatch_mode() is None
    with pytest.raises(ValueError), outer:
        raise ValueError
    assert _get_current_dispatch_mode() is None


def test_with_functions_of_classes_and_subclasses():
    class Mine(torch.Tensor):
        pass

    with Log() as log:
        y = torch.ones(2).as_subclass(Mine) * 2
    assert type(y) is Mine and log.names == ["ones", "mul.Tensor"]


# ------------------------------------------------------------------------------------------- selective checkpointing


def part(net, x):
    y = net(x).exp()
    return torch.softmax(F.dropout(y, 0.3) @ y.t(), -1) * y.sum()


def run(context, x, retain=False):
    net = network()
    net[2] = nn.ReLU()      # one in place would change what is kept
    x = x.clone().requires_grad_()
    torch.manual_seed(3)
    y = part(net, x) if context is None else checkpoint(part, net, x, use_reentrant=False, context_fn=context)
    (y * y).sum().backward(retain_graph=retain)
    return [y.detach(), x.grad, *(p.grad for p in net.parameters())]


def test_any_choice_gives_the_same():
    x, rng = torch.randn(5, 2, 6, 6), np.random.RandomState(0)
    plain = run(None, x)
    for trial in range(12):
        chosen = {}

        def policy(ctx, op, *args, chosen=chosen, trial=trial, **kwargs):
            assert ctx.op_output is not None and not ctx.is_recompute
            keep = chosen.setdefault(len(chosen), trial == 0 or (trial > 1 and rng.rand() < 0.5))
            return (CheckpointPolicy.MUST_SAVE if rng.rand() < 0.5 else CheckpointPolicy.PREFER_CPU_OFFLOAD) if keep else CheckpointPolicy.PREFER_RECOMPUTE

        again = run(functools.partial(create_selective_checkpoint_contexts, policy), x)
        assert len(chosen) > 15
        for a, b in zip(plain, again):
            torch.testing.assert_close(a, b)


def test_what_is_kept_does_not_run_again():
    counts = []

    class Count(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            counts.append(str(func))
            return func(*args, **(kwargs or {}))

    def f(x, w):
        return torch.sigmoid((x @ w).sin() @ w)

    x, w = torch.randn(4, 4, requires_grad=True), torch.randn(4, 4)
    y = checkpoint(f, x, w, use_reentrant=False, context_fn=functools.partial(create_selective_checkpoint_contexts, [aten.mm.default]))
    with Count():
        y.sum().backward()
    assert "aten.mm.default" not in counts and "aten.sin.default" in counts and "aten.sigmoid.default" in counts


def test_backward_twice_and_in_a_group():
    x = torch.randn(3, 3, requires_grad=True)
    context = functools.partial(create_selective_checkpoint_contexts, [aten.exp.default])
    y = checkpoint(lambda x: (x.exp().sin(), x.cos().exp()), x, use_reentrant=False, context_fn=context)
    first, = torch.autograd.grad(y[0].sum(), x, retain_graph=True)
    again, = torch.autograd.grad(y[0].sum(), x, retain_graph=True)
    assert torch.equal(first, again)
    torch.testing.assert_close(first, x.detach().exp().cos() * x.detach().exp())
    runs = []

    def counted(x):
        runs.append(1)
        return x.exp().sin(), x.cos().exp()

    y = checkpoint(counted, x, use_reentrant=False, early_stop=False)
    with GraphExecGroup():
        torch.autograd.grad(y[0].sum(), x, retain_graph=True)
        torch.autograd.grad(y[1].sum(), x)
        with pytest.raises(RuntimeError, match="cannot be nested"), GraphExecGroup():
            pass
    assert len(runs) == 2


def test_changed_results_and_bad_lists():
    def f(x):
        y = x.exp()
        y.mul_(2)
        return y.sin()

    x = torch.randn(3, requires_grad=True)
    context = functools.partial(create_selective_checkpoint_contexts, [aten.exp.default])
    with pytest.raises(RuntimeError, match="has been mutated"):
        checkpoint(f, x.clone(), use_reentrant=False, context_fn=context).sum().backward()
    with pytest.raises(ValueError, match="overloads"):
        create_selective_checkpoint_contexts([aten.mm])
    with pytest.raises(TypeError, match="function or a list"):
        create_selective_checkpoint_contexts(3)
