"""Errors: PyTorch's classes, messages with both values, nothing broken afterwards, no access out of bounds."""
import numpy as np
import pytest

import pyxtorch as torch
import pyxtorch.nn.functional as F

t = torch.tensor

# (what fails, exception, everything that the message must say)
MESSAGES = [
    (lambda: torch.ones(2, 3) @ torch.ones(4, 5), RuntimeError, ["matmul", "3", "4"]),
    (lambda: torch.ones(2, 3) + torch.ones(2, 4), RuntimeError, ["add", "3", "4"]),
    (lambda: torch.ones(2, 3).softmax(2), IndexError, ["-2", "1", "2"]),
    (lambda: torch.ones(2, 3).sum(5), IndexError, ["-2", "1", "5"]),
    (lambda: torch.cat([torch.ones(2, 3), torch.ones(2, 4)]), RuntimeError, ["cat", "3", "4"]),
    (lambda: torch.stack([torch.ones(2), torch.ones(3)]), RuntimeError, ["stack", "2", "3"]),
    (lambda: torch.ones(6).view(4, 2), RuntimeError, ["4, 2", "6"]),
    (lambda: torch.ones(6).reshape(-1, 4), RuntimeError, ["-1, 4", "6"]),
    (lambda: torch.ones(3).expand(4), RuntimeError, ["3", "4"]),
    (lambda: torch.ones(2, 3).permute(0, 0), RuntimeError, ["permute"]),
    (lambda: torch.ones(2, 3)[2], IndexError, ["2", "size"]),
    (lambda: torch.ones(2, 3)[0, 0, 0], IndexError, ["too many", "2"]),
    (lambda: torch.ones(3)[t([5])], IndexError, ["5", "3"]),
    (lambda: torch.ones(3)["a"], (TypeError, IndexError), ["str"]),
    (lambda: torch.ones(3).item(), RuntimeError, ["3 elements"]),
    (lambda: bool(torch.ones(3)), RuntimeError, ["ambiguous"]),
    (lambda: int(torch.ones(2)), (RuntimeError, ValueError, TypeError), ["2", "one element"]),
    (lambda: len(torch.ones(())), TypeError, ["0-d"]),
    (lambda: iter(torch.ones(())), TypeError, ["0-d"]),
    (lambda: torch.zeros(2, dtype="float"), TypeError, ["dtype", "float"]),
    (lambda: torch.zeros(2, device="tpu"), RuntimeError, ["tpu"]),
    (lambda: torch.zeros(-1), RuntimeError, ["negative", "-1"]),
    (lambda: torch.tensor("abc"), (TypeError, ValueError), ["str"]),
    (lambda: torch.tensor([[1, 2], [3]]), ValueError, ["2", "1"]),
    (lambda: torch.tensor(300, dtype=torch.int8), RuntimeError, ["300", "overflow"]),
    (lambda: torch.ones(2, dtype=torch.int64).mean(), RuntimeError, ["mean", "int64"]),
    (lambda: torch.ones(2, dtype=torch.float32).bitwise_not(), RuntimeError, ["float32"]),
    (lambda: t([1, 2]).div_(2), RuntimeError, ["float", "int64"]),
    (lambda: torch.ones(1, 2).add_(torch.ones(3, 2)), RuntimeError, ["[1, 2]", "[3, 2]"]),
    (lambda: F.conv2d(torch.ones(1, 3, 4, 4), torch.ones(2, 4, 3, 3)), RuntimeError, ["conv2d", "3", "4", "channels"]),
    (lambda: F.cross_entropy(torch.ones(2, 3), t([0, 3])), IndexError, ["3"]),
    (lambda: F.linear(torch.ones(2, 3), torch.ones(4, 5)), RuntimeError, ["linear", "3", "5"]),
    (lambda: F.embedding(t([5]), torch.ones(3, 2)), IndexError, ["5", "3"]),
    (lambda: F.max_pool2d(torch.ones(1, 1, 4, 4), 2, padding=2), RuntimeError, ["pad", "2"]),
    (lambda: F.layer_norm(torch.ones(2, 3), (4,)), RuntimeError, ["layer_norm", "4", "[2, 3]"]),
    (lambda: F.dropout(torch.ones(2), 1.5), ValueError, ["1.5", "0 and 1|between"]),
    (lambda: torch.linalg.inv(torch.ones(2, 3)), RuntimeError, ["square", "2, 3|3"]),
    (lambda: torch.linalg.inv(torch.zeros(2, 2)), torch.linalg.LinAlgError, ["singular"]),
    (lambda: torch.topk(torch.ones(3), 4), RuntimeError, ["topk", "4|k"]),
    (lambda: torch.einsum("ij,jk", torch.ones(2, 3), torch.ones(4, 5)), RuntimeError, ["einsum", "j", "3", "4"]),
    (lambda: torch.ones(3).as_strided((4,), (1,)), RuntimeError, ["storage|bounds"]),
    (lambda: torch.ones(2).squeeze_(0).foo, AttributeError, ["Tensor", "foo"]),
    (lambda: torch.does_not_exist, AttributeError, ["pyxtorch", "does_not_exist"]),
    (lambda: torch.add(torch.ones(1), torch.ones(1), out=torch.empty(1, dtype=torch.int64)), RuntimeError, ["float32|Float", "int64|Long"]),
    (lambda: torch.sin(torch.ones(1), out=torch.ones(1, requires_grad=True)), RuntimeError, ["out"]),
    (lambda: torch.add(torch.ones(1, requires_grad=True), 1, out=torch.empty(1)), RuntimeError, ["out"]),
    (lambda: torch.ones(2).backward(), RuntimeError, ["does not require grad"]),
]


@pytest.mark.parametrize("number", range(len(MESSAGES)))
def test_message(number):
    call, kind, parts = MESSAGES[number]
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    for part in parts:
        assert any(p in text for p in part.split("|")), f"{part!r} is not in {text!r}"


def test_the_tensor_is_as_before_after_a_failed_in_place_operation():
    x = torch.arange(6.0).reshape(2, 3)
    version = x._version
    for call in (lambda: x.add_(torch.ones(4)), lambda: x.copy_(torch.ones(5)), lambda: x.index_add_(0, t([0, 9]), torch.ones(2, 3)), lambda: x.scatter_(0, t([[7]]), 1.0),
                 lambda: x.index_copy_(0, t([3]), torch.ones(1, 3)), lambda: x.masked_scatter_(torch.ones(2, 3, dtype=torch.bool), torch.ones(2))):
        with pytest.raises((RuntimeError, IndexError)):
            call()
    assert x.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]] and x._version == version


@pytest.mark.parametrize("size, stride, offset", [((4,), (1,), 0), ((2,), (3,), 0), ((1,), (1,), 3), ((2, 2), (2, 1), 0), ((2**40,), (1,), 0), ((2,), (2**62,), 0), ((2,), (-1,), 1), ((1,), (1,), -1), ((2, 2**62), (2**62, 2), 0)])
def test_strided_views_stay_within_their_storage(size, stride, offset):
    x = torch.zeros(3)
    with pytest.raises(RuntimeError):
        x.as_strided(size, stride, offset)
    with pytest.raises(RuntimeError):
        x.as_strided_scatter(torch.zeros(()).expand(size), size, stride, offset)


HUGE = [2**44, 2**62, -2**63, 2**63 - 1]


@pytest.mark.parametrize("n", HUGE)
def test_huge_arguments_are_refused_or_harmless(n):
    x = torch.arange(12.0).reshape(3, 4)
    index = t([n])
    calls = [lambda: x[n], lambda: x[index], lambda: x.index_select(0, index), lambda: x.gather(0, t([[n]])), lambda: x.take(index), lambda: x.narrow(0, n, 1), lambda: x.narrow(0, 0, n), lambda: x.select(0, n),
             lambda: x.unfold(0, n, 1), lambda: x.unfold(0, 1, n), lambda: x.roll(n), lambda: x.diagonal(n), lambda: x.tril(n), lambda: x.triu(n), lambda: x.repeat(n, 1), lambda: x.split(n), lambda: x.chunk(n),
             lambda: x.sum(n), lambda: x.topk(n), lambda: x.kthvalue(n), lambda: torch.zeros(n), lambda: torch.arange(n), lambda: torch.eye(n), lambda: x.reshape(n, -1), lambda: x.view(n), lambda: x.expand(n, 3, 4),
             lambda: x[n:], lambda: x[:, :n], lambda: x[::n], lambda: torch.tril_indices(3, 3, n), lambda: torch.randperm(n), lambda: torch.full((n,), 1.0), lambda: F.one_hot(index, 3), lambda: F.pad(x, (n, 0)), lambda: F.pad(x, (0, n)),
             lambda: F.embedding(index, x), lambda: F.max_pool1d(x, n), lambda: F.max_pool1d(x, 1, n), lambda: F.avg_pool1d(x, 2, 1, n), lambda: F.conv1d(x[None], torch.ones(1, 3, 1), padding=n),
             lambda: F.conv1d(x[None], torch.ones(1, 3, 1), stride=n), lambda: F.conv1d(x[None], torch.ones(1, 3, 2), dilation=n), lambda: F.cross_entropy(x, t([n, 0, 0])), lambda: torch.bincount(index),
             lambda: torch.repeat_interleave(x, n), lambda: torch.repeat_interleave(x, index.expand(3), 0), lambda: F.fold(torch.ones(1, 4, 1), n, 2), lambda: torch.combinations(torch.ones(3), n), lambda: x.movedim(n, 0),
             lambda: torch.histc(x, n), lambda: torch.nn.functional.adaptive_avg_pool1d(x, n), lambda: torch.scatter(x, 0, t([[n]]), 1.0), lambda: torch.put(x, index, t([1.0])), lambda: x.bernoulli(n), lambda: torch.unravel_index(index, (n, 2))]
    for call in calls:
        try:
            result = call()
        except (RuntimeError, IndexError, ValueError, TypeError, OverflowError):
            continue
        assert all(size >= 0 for size in getattr(result, "shape", ()))
    assert x.tolist() == [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]]


def test_an_index_tensor_that_changes_between_forward_and_backward():
    index = t([0, 1])
    x = torch.ones(3, requires_grad=True)
    for make in (lambda: x[index], lambda: x.index_select(0, index), lambda: x.gather(0, index), lambda: x.take(index), lambda: F.embedding(index, x[:, None] * 1)):
        index.copy_(t([0, 1]))
        y = make()
        index.fill_(2**40)
        with pytest.raises(RuntimeError, match="inplace"):
            y.sum().backward()


def test_numpy_errors_do_not_leak_through():
    with np.errstate(all="raise"):
        assert np.isinf((torch.ones(1) / 0).item())
        assert np.isnan(torch.tensor([-1.0]).log().item())


def test_class_of_memory_errors():
    assert issubclass(torch.OutOfMemoryError, RuntimeError)
    assert issubclass(torch.linalg.LinAlgError, RuntimeError)
