"""A tensor changed between forward and backward, in every way there is, in every differentiable record: an error, or
the gradient of the values that forward saw. Only writing through `.data`, or through an array, is not seen, as in PyTorch.
"""
import gc
import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.testing import checks, operations

spec = importlib.util.spec_from_file_location("_every_op", Path(__file__).parent / "test_every_op.py")
every_op = importlib.util.module_from_spec(spec)
spec.loader.exec_module(every_op)

CALLS = int(os.environ.get("PYXTORCH_SAVED_CALLS", "1"))    # samples of a record that are tried; 9: all, some minutes


def other(x):
    """Values of the same shape and dtype, far from those of x and still valid as an index."""
    if x.dtype == torch.bool:
        return ~x.detach()
    if not x.is_floating_point() and not x.is_complex():
        return torch.zeros_like(x.detach())
    return x.detach() * 0.5 + 0.75


def write_out(x):
    values = other(x)
    torch.add(values, torch.zeros_like(values), out=x) if x.dtype != torch.bool else torch.logical_not(x.clone(), out=x)


def smaller_dtype(x):
    return {torch.float64: torch.float16, torch.complex128: torch.complex64, torch.int64: torch.int32}.get(x.dtype, torch.float64)


def same_storage_turned(x):
    """The elements in the opposite order of dimensions, in the same memory."""
    x.set_(x.untyped_storage(), x.storage_offset(), tuple(reversed(x.shape)), tuple(reversed(x.stride())))


WAYS = {
    "copy_": lambda x: x.copy_(other(x)),
    "fill_": lambda x: x.fill_(1),
    "zero_": lambda x: x.zero_(),
    "out=": write_out,
    "setitem": lambda x: x.__setitem__(..., other(x)),
    "view": lambda x: x[None].copy_(other(x)[None]),
    "view of a view": lambda x: x.unsqueeze(0).squeeze(0).view_as(x)[None][0].copy_(other(x)),
    "element": lambda x: x.as_strided((min(x.numel(), 1),), (1,)).fill_(0),
    "detach": lambda x: x.detach().copy_(other(x)),
    "view of detach": lambda x: x.detach()[None].copy_(other(x)),
    "set data": lambda x: setattr(x, "data", other(x)),
    "set data of another shape": lambda x: setattr(x, "data", torch.ones(2, dtype=x.dtype)),
    "set data of another dtype": lambda x: setattr(x, "data", x.data.to(smaller_dtype(x))),
    "set data to a view of its own": lambda x: setattr(x, "data", x.data[None].clone()[0]),
    "set_": lambda x: x.set_(),
    "set_ to another": lambda x: x.set_(other(x)),
    "set_ in its storage": same_storage_turned,
    "resize_ to nothing": lambda x: x.resize_(0),
    "resize_ to more": lambda x: x.resize_(2 * x.numel() + 1000),
    "detach, then resize_": lambda x: x.detach().resize_(2 * x.numel() + 1000).fill_(1),
    "detach, then set_": lambda x: x.detach().set_(),
    "unsqueeze_": lambda x: x.unsqueeze_(0),
    "transpose_": lambda x: x.transpose_(0, -1) if x.ndim else x.unsqueeze_(0),
    "transpose_ and write": lambda x: x.detach().transpose_(0, -1).fill_(1) if x.ndim else x.fill_(1),
}
RESHAPING = [WAYS[name] for name in WAYS if "squeeze_" in name or name == "transpose_"]     # of a result: they are followed
UNSEEN = {
    "data": lambda x: x.data.copy_(other(x)),
    "data, add_": lambda x: x.data.add_(1) if x.dtype not in (torch.bool, torch.int64) else x.data.zero_(),
    "array": lambda x: np.copyto(x.detach().numpy(), other(x).numpy()) if not x.is_conj() else None,
}


class Case:
    """One call of a record, run afresh each time: the same inputs, the same random numbers."""

    def __init__(self, op, call, dtype):
        self.op, self.call, self.dtype = op, call, dtype
        self.rtol, self.atol = op.tolerance(dtype)

    def forward(self, leaf):
        """(results, leaves, what the operation was given); leaf: whether it gets the leaves themselves."""
        args, kwargs, leaves = operations.leaves(self.op, self.call, self.dtype)
        chosen = {id(t) for t in leaves}
        given = [t if leaf or id(t) not in chosen else t * 1 for t in operations.tensors_of(args, kwargs)]
        torch.manual_seed(0)
        results = operations.results_of(self.op.function(*operations.replaced(args, kwargs, given)[0], **operations.replaced(args, kwargs, given)[1]))
        return [y for y in results if isinstance(y, torch.Tensor) and y.requires_grad], leaves, given

    @staticmethod
    def gradients(results, leaves, create_graph=False):
        incoming = [torch.linspace(0.5, 1.5, y.numel(), dtype=torch.float64).to(y.dtype).reshape(y.shape) for y in results]
        return torch.autograd.grad(results, leaves, incoming, allow_unused=True, create_graph=create_graph)

    def attempt(self, what, expected, change, seen=True, leaf=True, second=False):
        """Forward, `change` (tensor's number, way, whether it is recorded), backward: whether that raises; None: nothing was changed."""
        results, leaves, given = self.forward(leaf)
        shapes = [(y.shape, y.dtype) for y in results]
        number, way, recorded = change
        if second:
            first = [g for g in self.gradients(results, leaves, True) if g is not None and g.requires_grad]
        everything = given + results
        if number >= len(given) and way in RESHAPING:
            return None
        if recorded and any(y.untyped_storage() == everything[number].untyped_storage() for y in results):
            return None         # the change of a result, recorded, is part of what is differentiated
        try:
            with torch.set_grad_enabled(recorded):
                way(everything[number])
        except (RuntimeError, TypeError, ValueError, IndexError):
            return None         # it is refused: nothing has changed
        if not second and [(y.shape, y.dtype) for y in results] != shapes:
            return None         # what comes back has another shape: no gradient fits
        taken = [torch.zeros(t.shape, dtype=t.dtype) for t in given]        # the memory, were it free
        try:
            got = self.gradients(first, leaves) if second else self.gradients(results, leaves)
        except RuntimeError as error:
            assert seen or "modified by an inplace operation" not in str(error), f"{what}: {error}"
            return True
        del taken
        if seen:
            # Zeros that nothing sent are of the shape and dtype that the leaf has now.
            got = [e if e is not None and g is not None and not g.any() and not e.any() else g for e, g in zip(expected, got)]
            checks.compare(expected, got, 8 * self.rtol, 8 * self.atol, what)
        return False


def cases_of(op):
    for dtype in checks.derivative_dtypes(op)[:1 if CALLS == 1 else 2]:
        left = CALLS
        for call in op.samples:
            case = Case(op, call, dtype)
            results, leaves, given = case.forward(True)
            if results and leaves:
                yield case, len(given), len(results)
                left -= 1
            if not left:
                break


@pytest.mark.exhaustive
@pytest.mark.parametrize("op", every_op.cases(lambda op: op.grad))
def test_changed_between_forward_and_backward(op):
    tried = 0
    for case, inputs, outputs in cases_of(op):
        results, leaves, _ = case.forward(True)
        expected = case.gradients(results, leaves)
        for number in range(inputs + outputs):
            for name, way in WAYS.items():
                for leaf, recorded in ((True, False), (False, True)):
                    what = f"{op}: {case.call} {case.dtype}: tensor {number}, {name}, {leaf=} {recorded=}"
                    tried += case.attempt(what, expected, (number, way, recorded), leaf=leaf) is not None
    assert tried


@pytest.mark.exhaustive
@pytest.mark.parametrize("op", every_op.cases(lambda op: op.gradgrad))
def test_changed_between_two_backwards(op):
    for case, inputs, outputs in cases_of(op):
        results, leaves, _ = case.forward(True)
        first = [g for g in case.gradients(results, leaves, True) if g is not None and g.requires_grad]
        if not first:
            continue
        expected = case.gradients(first, leaves)
        for number in range(inputs + outputs):
            for name in ("copy_", "view", "detach", "set data", "set_ to another", "resize_ to nothing", "set data of another dtype"):
                what = f"{op}: {case.call} {case.dtype}: second gradient, tensor {number}, {name}"
                case.attempt(what, expected, (number, WAYS[name], False), second=True)


@pytest.mark.parametrize("op", every_op.cases(lambda op: op.grad))
def test_writing_through_data_is_not_seen(op):
    for case, inputs, _ in cases_of(op):
        for number in range(inputs):
            for name, way in UNSEEN.items():
                case.attempt(f"{op}: {case.call} {case.dtype}: tensor {number}, {name}", None, (number, way, False), seen=False)


def test_what_is_not_seen_gives_the_gradient_of_the_values_that_are_there():
    x, w = torch.full((3,), 2.0), torch.full((3,), 5.0, requires_grad=True)
    y = (x * w).sum()
    x.data.add_(1)
    y.backward()
    assert w.grad.tolist() == [3, 3, 3]


@pytest.mark.parametrize("name", WAYS)
def test_an_error_says_what_happened(name):
    x, w = torch.ones(2, 3), torch.ones(2, 3, requires_grad=True)
    y = (x * w).sum()
    WAYS[name](x)
    try:
        y.backward()
    except RuntimeError as error:
        assert "modified by an inplace operation" in str(error) and "clone" in str(error)
    else:
        assert (w.grad == 1).all() and w.grad.shape == (2, 3)


@pytest.mark.parametrize("way", [lambda y: y.t_(), lambda y: y.transpose_(0, 1), lambda y: y.unsqueeze_(0), lambda y: y.as_strided_((3, 2), (1, 3))])
def test_result_that_is_reshaped_in_place_keeps_its_history(way):
    for recorded in (True, False):
        w = torch.ones(2, 3, requires_grad=True)
        y = w * torch.arange(6.0).view(2, 3)
        with torch.set_grad_enabled(recorded):
            way(y)
        assert y.requires_grad and y.grad_fn is not None
        (y * torch.arange(6.0).view(y.shape)).sum().backward()
        flat = torch.arange(6.0).view(2, 3).clone() if y.ndim == 3 else torch.arange(6.0).view(3, 2).t()
        assert torch.equal(w.grad, torch.arange(6.0).view(2, 3) * flat)


def test_saved_memory_is_held():
    """The saved tensor goes, its memory stays."""
    x = torch.full((1000,), 3.0)
    w = torch.ones(1000, requires_grad=True)
    y = (x * w).sum()
    del x
    gc.collect()
    others = [torch.zeros(1000) for _ in range(20)]
    y.backward()
    assert (w.grad == 3).all() and others[0][0] == 0


def test_own_functions_are_checked_too():
    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            y = a * b
            ctx.save_for_backward(a, b, y)
            return y

        @staticmethod
        def backward(ctx, g):
            a, b, _ = ctx.saved_tensors
            return g * b, g * a

    for number in range(3):
        for name, way in WAYS.items():
            a, b = torch.full((2, 3), 2.0, requires_grad=True), torch.full((2, 3), 3.0, requires_grad=True)
            given = [a * 1, b * 1]
            given.append(Product.apply(*given))
            y = given[2].sum()
            try:
                with torch.no_grad():
                    way(given[number])
            except RuntimeError as error:
                assert "cannot resize variables that require grad" in str(error)
                continue
            try:
                y.backward()
            except RuntimeError as error:
                assert "modified by an inplace operation" in str(error), name
            else:
                assert (a.grad == 3).all() and (b.grad == 2).all(), name
