"""Errors: PyTorch's classes, messages with both values, nothing broken afterwards, no access out of bounds."""
import copy
import pickle

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
    (lambda: torch.zeros(2, layout=torch.sparse_bsr), RuntimeError, ["sparse", "torch.sparse_bsr", "sparse_coo"]),
    (lambda: torch.zeros(2, layout="coo"), TypeError, ["layout", "'coo'"]),
    (lambda: torch.hann_window(3, layout=torch.sparse_csr), RuntimeError, ["hann_window", "torch.sparse_csr"]),
    (lambda: torch.signal.windows.hann(3, layout=torch.sparse_coo), ValueError, ["strided", "torch.sparse_coo"]),
    (lambda: torch.layout(), TypeError, ["layout"]),
    (lambda: torch.complex(torch.ones(2), torch.ones(2), out=torch.empty(2, dtype=torch.complex128)), RuntimeError, ["complex", "complex64", "complex128"]),
    (lambda: torch.polar(t([1]), 2.0), TypeError, ["polar", "angle", "float"]),
    (lambda: torch.complex(torch.ones(2), torch.ones(2, dtype=torch.float64)), RuntimeError, ["complex", "float32", "float64"]),
    (lambda: torch.cat([]), ValueError, ["cat", "non-empty"]),
    (lambda: torch.ones(()).unbind(0), IndexError, ["unbind"]),
    (lambda: torch.ones(3).roll(()), RuntimeError, ["roll", "shifts"]),
    (lambda: torch.ones(2, 0).amax(), RuntimeError, ["amax", "dim"]),
    (lambda: torch.ones(2, 0).amin(1), IndexError, ["amin", "1", "[2, 0]"]),
    (lambda: torch.ones(2, 0).max(), RuntimeError, ["max", "dim"]),
    (lambda: torch.aminmax(torch.ones(0)), RuntimeError, ["aminmax", "empty"]),
    (lambda: torch.ones(5).narrow(0, t([1]), 1), RuntimeError, ["narrow", "0-dim", "int64", "[1]"]),
    (lambda: torch.ones(5).narrow(0, t(True), 1), RuntimeError, ["narrow", "integral", "bool"]),
    (lambda: F.adaptive_avg_pool2d(torch.ones(2, 2), (2, 2)), ValueError, ["adaptive_avg_pool2d", "3", "[2, 2]"]),
    (lambda: F.adaptive_max_pool3d(torch.ones(2, 2, 2), (1, 1, 1)), ValueError, ["adaptive_max_pool3d", "4"]),
    (lambda: F.multi_margin_loss(torch.ones(2, 3), torch.ones(2)), RuntimeError, ["multi_margin_loss", "Long", "float32"]),
    (lambda: F.multi_margin_loss(torch.ones(2, 3), t([0, 1]), weight=torch.ones(1, 3)), ValueError, ["weight", "[1, 3]"]),
    (lambda: F.multilabel_margin_loss(torch.ones(2, 3), torch.ones(2, 3)), RuntimeError, ["Long", "float32"]),
    (lambda: F.multi_margin_loss(torch.ones(2, 3), t([0, 9]), reduction="abc"), ValueError, ["multi_margin_loss", "abc", "mean"]),
    (lambda: F.mse_loss(torch.ones(2), torch.ones(2), reduction=None), ValueError, ["mse_loss", "None", "mean"]),
    (lambda: F.linear_cross_entropy(torch.ones(2, 3, 3), torch.ones(2, 3), t([0, 1])), RuntimeError, ["linear_cross_entropy", "1 or 2", "3"]),
    (lambda: F.linear_cross_entropy(torch.ones(2, 3), torch.ones(2, 4), t([0, 1])), RuntimeError, ["in_features", "3", "4"]),
    (lambda: F.linear_cross_entropy(torch.ones(2, 3), torch.ones(2, 3), t([0, 1]), linear_bias=torch.ones(3)), RuntimeError, ["linear_bias", "(2,)", "(3,)"]),
    (lambda: torch.gradient(torch.ones(3, 3), dim=(1, 1)), RuntimeError, ["gradient", "dim 1", "multiple"]),
    (lambda: torch.ones(4).split(split_size=-1), RuntimeError, ["split", "-1"]),
    # what is no integer
    (lambda: torch.ones(2, 3).sum(1.5), TypeError, ["sum", "dim", "float"]),
    (lambda: torch.ones(2, 3).cumsum(True), TypeError, ["cumsum", "dim", "bool"]),
    (lambda: torch.cat([torch.ones(2, 3)] * 2, 1.0), TypeError, ["cat", "dim", "float"]),
    (lambda: torch.ones(2, 3).transpose(0, None), TypeError, ["transpose", "dim", "NoneType"]),
    (lambda: torch.ones(2, 3).max(dim="a"), TypeError, ["max", "dim", "str"]),
    (lambda: torch.ones(2, 3).sum((0, 1.0)), TypeError, ["sum", "dim", "float"]),
    (lambda: torch.ones(2, 3).sum(2**70), ValueError, ["sum", str(2**70)]),
    (lambda: torch.zeros(2, True), TypeError, ["zeros", "bool"]),
    (lambda: torch.ones(4).chunk(1.5), TypeError, ["chunk", "1.5"]),
    (lambda: F.avg_pool1d(torch.ones(1, 1, 8), (1.5,)), TypeError, ["avg_pool1d", "1.5"]),
    (lambda: F.max_pool2d(torch.ones(1, 1, 8, 8), "ab"), TypeError, ["max_pool2d", "str"]),
    (lambda: F.layer_norm(torch.ones(2, 3), (3.0,)), TypeError, ["normalized_shape", "3.0"]),
    (lambda: F.conv1d(torch.ones(1, 1, 8), torch.ones(1, 1, 3), groups=1.5), TypeError, ["conv1d", "1.5"]),
    (lambda: F.interpolate(torch.ones(1, 1, 8), (3.5,)), TypeError, ["float"]),
    # sizes and names of factories
    (lambda: torch.zeros(2, dtyp=torch.int64), TypeError, ["zeros", "dtyp"]),
    (lambda: torch.empty(), TypeError, ["empty", "size"]),
    (lambda: torch.ones(2).new_ones(), TypeError, ["new_ones", "size"]),
    (lambda: torch.ones(2, out=torch.empty(2), dtype=torch.float64), RuntimeError, ["ones", "float64", "float32"]),
    # dtypes that do not go together
    (lambda: F.layer_norm(torch.ones(2, 3, dtype=torch.float64), (3,), torch.ones(3)), RuntimeError, ["layer_norm", "mixed dtype", "weight", "float64", "float32"]),
    (lambda: F.batch_norm(torch.ones(2, 3), torch.ones(3).double(), torch.ones(3).double()), RuntimeError, ["batch_norm", "running_mean", "float32", "float64"]),
    (lambda: F.group_norm(torch.ones(2, 4), 2, torch.ones(4).double()), RuntimeError, ["group_norm", "mixed dtype"]),
    (lambda: F.instance_norm(torch.ones(2, 4, 3), weight=torch.ones(4).double()), RuntimeError, ["instance_norm", "mixed dtype"]),
    (lambda: F.binary_cross_entropy(torch.ones(2), torch.ones(2).double()), RuntimeError, ["binary_cross_entropy", "target", "float32", "float64"]),
    (lambda: F.binary_cross_entropy(torch.ones(2), t([1, 0])), RuntimeError, ["binary_cross_entropy", "target", "int64"]),
    (lambda: F.nll_loss(torch.ones(2, 3), t([0, 1]), weight=torch.ones(3).double()), RuntimeError, ["nll_loss", "weight", "float32", "float64"]),
    (lambda: torch.cross(torch.ones(3), torch.ones(3).double()), RuntimeError, ["cross", "other", "float32", "float64"]),
    (lambda: F.grid_sample(torch.ones(1, 1, 2, 2), torch.zeros(1, 2, 2, 2).double(), align_corners=True), RuntimeError, ["grid_sampler", "grid", "float64"]),
    (lambda: F.kl_div(torch.ones(2), t([1, 0])), RuntimeError, ["kl_div", "Integral", "int64"]),
    (lambda: F.cosine_similarity(torch.ones(2, 2), torch.ones(2, 2) * 1j), RuntimeError, ["cosine_similarity", "complex64"]),
    (lambda: torch.nanmean(torch.ones(2) * 1j), RuntimeError, ["nanmean", "complex"]),
    (lambda: torch.ones(2, 2).cumsum_(0, dtype=torch.float64), RuntimeError, ["cumsum_", "float32", "float64"]),
    # classes and their targets
    (lambda: F.cross_entropy(torch.ones(2, 3), torch.ones(2, 3, dtype=torch.int64)), RuntimeError, ["cross_entropy", "floating point", "int64", "[2, 3]"]),
    (lambda: F.cross_entropy(torch.ones(2, 3), torch.ones(2, 3), ignore_index=1), RuntimeError, ["cross_entropy", "ignore_index", "1"]),
    (lambda: F.cross_entropy(torch.ones(2, 3), torch.ones(2)), RuntimeError, ["Long", "float32"]),
    (lambda: F.cross_entropy(torch.ones(2, 3), t([0, 1, 2])), ValueError, ["batch_size", "2", "3"]),
    (lambda: F.nll_loss(torch.ones(2, 3), t([[0], [1]])), RuntimeError, ["nll_loss", "1 dim", "[2, 1]"]),
    (lambda: F.nll_loss(torch.ones(3), t([0, 1])), ValueError, ["nll_loss", "size 1", "2"]),
    (lambda: F.ctc_loss(torch.zeros(4, 2, 3), torch.ones(3, 2, dtype=torch.int64), (4, 4), (2, 2)), RuntimeError, ["ctc_loss", "(2, S)", "(3, 2)"]),
    (lambda: F.ctc_loss(torch.zeros(4, 2, 3), torch.ones(2, 2, dtype=torch.int64), (4, 1.5), (2, 2)), TypeError, ["float"]),
    (lambda: F.gaussian_nll_loss(torch.ones(5, 5), torch.ones(5, 5), torch.ones(())), ValueError, ["var", "[5, 5]"]),
    (lambda: F.huber_loss(torch.ones(2), torch.ones(2), delta=float("nan")), RuntimeError, ["huber_loss", "nan"]),
    (lambda: F.huber_loss(torch.ones(2), torch.ones(2), delta=1j), TypeError, ["delta", "1j"]),
    (lambda: torch.nn.LinearCrossEntropyLoss(3, 2, weight=torch.ones(3)), RuntimeError, ["weight", "(2,)", "(3,)"]),
    (lambda: torch.nn.LinearCrossEntropyLoss(3, 2, label_smoothing=2.0), RuntimeError, ["label_smoothing", "2.0"]),
    # one value has no spread
    (lambda: F.group_norm(torch.ones(1, 2), 2), ValueError, ["group_norm", "more than 1 value", "[1, 2]"]),
    (lambda: F.instance_norm(torch.ones(5, 5)), ValueError, ["more than 1 spatial element", "[5, 5]"]),
    (lambda: F.batch_norm(torch.ones(2, 3), None, None, training=True, eps=0.0), ValueError, ["batch_norm", "eps", "0.0"]),
    (lambda: F.batch_norm(torch.ones(2, 3), torch.ones(3), torch.ones(3), eps=-1.0), ValueError, ["batch_norm", "eps", "-1.0"]),
    # modules
    (lambda: torch.nn.RNN(3, 2)(torch.ones(1, 1, 3).double()), ValueError, ["RNN", "float64", "float32"]),
    (lambda: torch.nn.LSTM(0, 2), ValueError, ["LSTM", "input_size", "0"]),
    (lambda: torch.nn.GRU(2, 2, bias=1), TypeError, ["GRU", "bias", "bool", "int"]),
    (lambda: torch.nn.GRU(2, 2, batch_first="yes"), TypeError, ["GRU", "batch_first", "str"]),
    # shapes of factors
    (lambda: torch.ormqr(torch.ones(5, 5), torch.ones(1, 5), torch.ones(5, 5)), RuntimeError, ["ormqr", "tau", "[1, 5]", "[5, 5]"]),
    (lambda: torch.ormqr(torch.ones(5, 5), torch.ones(5), torch.ones(5, 5).double()), RuntimeError, ["ormqr", "other", "float64"]),
    (lambda: torch.native_group_norm(torch.ones(2, 6, 3), None, None, 1, 6, 3, 2, 0.5), RuntimeError, ["native_group_norm", "1 * 6 * 3", "[2, 6, 3]"]),
    (lambda: F.rms_norm(torch.ones(2, 3), (3,), torch.ones(1, 3)), RuntimeError, ["rms_norm", "weight", "[1, 3]"]),
    (lambda: torch.ones(4).repeat_interleave(2, output_size=6), RuntimeError, ["repeat_interleave", "8", "6"]),
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


# (operation into `out`, the only dtype that it writes)
EXACT_OUT = [
    (lambda out: torch.abs(torch.ones(2), out=out), "float32"), (lambda out: torch.floor(torch.ones(2), out=out), "float32"),
    (lambda out: torch.neg(torch.ones(2), out=out), "float32"), (lambda out: torch.bitwise_not(t([1, 2]), out=out), "int64"),
    (lambda out: torch.isposinf(torch.ones(2), out=out), "bool"), (lambda out: torch.argmax(torch.ones(2), out=out), "int64"),
    (lambda out: torch.amax(torch.ones(2), out=out), "float32"), (lambda out: torch.nonzero(torch.ones(2), out=out), "int64"),
    (lambda out: torch.tril(torch.ones(2, 2), out=out), "float32"), (lambda out: torch.msort(torch.ones(2), out=out), "float32"),
    (lambda out: torch.arange(3, out=out, dtype=torch.float32), "float32"), (lambda out: torch.cumsum(torch.ones(2), 0, dtype=torch.float32, out=out), "float32"),
    (lambda out: torch.matmul(torch.ones(2, 2), torch.ones(2, 2), out=out), "float32"), (lambda out: torch.dot(torch.ones(2), torch.ones(2), out=out), "float32"),
    (lambda out: torch.softmax(torch.ones(2), 0, out=out), "float32"), (lambda out: torch.scatter_add(torch.ones(2), 0, t([0]), torch.ones(1), out=out), "float32"),
    (lambda out: torch.view_copy(torch.ones(2), (2, 1), out=out), "float32"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(EXACT_OUT)))
def test_out_of_another_dtype_is_refused_and_left_alone(number):
    call, kind = EXACT_OUT[number]
    out = torch.full((7,), 5, dtype=torch.float64)
    with pytest.raises(RuntimeError, match=f"{kind}.*float64|float64.*{kind}"):
        call(out)
    assert out.tolist() == [5.0] * 7
    fitting = torch.empty(0, dtype=getattr(torch, kind))
    assert call(fitting) is fitting and fitting.numel()


def test_python_types_as_dtypes():
    """Python's floats have 64 bits, whatever the default dtype is."""
    assert [torch.zeros(1, dtype=kind).dtype for kind in (bool, int, float, complex)] == [torch.bool, torch.int64, torch.float64, torch.complex128]
    assert torch.ones(2).to(float).dtype is torch.float64


def test_an_empty_tuple_of_dims():
    x = t([[1, 0, 2]])
    assert torch.any(x, dim=()).tolist() == torch.all(x, dim=[]).tolist() == [[True, False, True]]
    assert x.sum(dim=()).item() == 3


def test_methods_refuse_none():
    """Nothing reads None as if it were a tensor."""
    tried = 0
    for name in dir(torch.Tensor):
        method = getattr(torch.Tensor, name)
        if name.startswith("__") or not callable(method) or isinstance(getattr(torch.Tensor, name), type):
            continue
        if type(vars(torch.Tensor).get(name)) in (classmethod, staticmethod):
            continue
        for more in ((), (None,), (0,), (torch.ones(2),)):
            tried += 1
            with pytest.raises((TypeError, AttributeError, ValueError, RuntimeError)):
                method(None, *more)
    assert tried > 1000


def test_layouts_are_named_and_travel():
    assert torch.ones(2).layout is torch.strided and repr(torch.sparse_bsr) == "torch.sparse_bsr"
    assert pickle.loads(pickle.dumps(torch.jagged)) is torch.jagged and copy.deepcopy(torch.strided) is torch.strided
    assert torch.zeros(2, layout=torch.strided).shape == (2,)


def test_class_of_memory_errors():
    assert issubclass(torch.OutOfMemoryError, RuntimeError)
    assert issubclass(torch.linalg.LinAlgError, RuntimeError)
