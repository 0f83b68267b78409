"""The device meta: every record and every module has on it the shapes, dtypes, strides and errors of the CPU."""
import copy
import importlib.util
import io
import pickle
import random
import re
from pathlib import Path

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.testing import checks, operations

_spec = importlib.util.spec_from_file_location("_records", Path(__file__).with_name("test_every_op.py"))
_records = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_records)
cases = _records.cases

DTYPES = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float32,
          torch.float64, torch.complex64, torch.complex128)

# The result is values, or has a shape that depends on values: what PyTorch raises for meta tensors.
DEPENDS_ON_VALUES = {
    "nonzero": NotImplementedError, "argwhere": NotImplementedError, "masked_select": NotImplementedError, "equal": NotImplementedError,
    "unique": NotImplementedError, "unique_consecutive": NotImplementedError, "bincount": NotImplementedError,
    "allclose": RuntimeError, "item": RuntimeError, "tolist": NotImplementedError, "repeat_interleave": RuntimeError,
    "nn.functional.one_hot": RuntimeError, "Tensor.__getitem__": NotImplementedError,
}


def needs_values(op, error):
    return isinstance(error, DEPENDS_ON_VALUES.get(op.name, ()))


def hollow(t):
    """A meta tensor that lies as t does."""
    memory = torch.empty(t.untyped_storage().nbytes() // t.element_size(), dtype=t.dtype, device="meta")
    return memory.as_strided(t.shape, t.stride(), t.storage_offset()).detach().requires_grad_(t.requires_grad)


def hollowed(args, kwargs):
    return operations.replaced(args, kwargs, [hollow(t) for t in operations.tensors_of(args, kwargs)])


def on_meta(op, args, kwargs):
    """A record's function may make tensors of its own: those are on meta too."""
    with torch.device("meta"):
        return op.function(*args, **kwargs)


def geometry(x):
    """What must be equal on both devices, of results of any kind."""
    if isinstance(x, torch.Tensor):
        return tuple(x.shape), x.dtype, x.stride(), x.requires_grad
    if isinstance(x, (tuple, list)):
        return [geometry(y) for y in x]
    return x


def all_tensors(x):
    if isinstance(x, torch.Tensor):
        yield x
    elif isinstance(x, (tuple, list)):
        for y in x:
            yield from all_tensors(y)


def check_same(what, cpu, meta):
    assert all(not t.is_meta for t in all_tensors(cpu))
    assert all(t.is_meta and t.data_ptr() == 0 for t in all_tensors(meta)), f"{what}: a result is not on meta"
    assert geometry(meta) == geometry(cpu), f"{what}: {geometry(meta)} on meta, {geometry(cpu)} on the CPU"


def outcome(function, *args, **kwargs):
    """(result, None) or (None, the error)."""
    try:
        return function(*args, **kwargs), None
    except Exception as error:
        return None, error


def gradients_of(function, args, kwargs, chosen):
    """First and second gradients, None where there are none."""
    outputs = [y for y in all_tensors(function(*args, **kwargs)) if y.requires_grad]
    if not outputs:
        return []
    first = torch.autograd.grad(outputs, chosen, [torch.ones_like(y) for y in outputs], allow_unused=True, create_graph=True)
    again = [g for g in first if g is not None and g.requires_grad]
    second = torch.autograd.grad(again, chosen, [torch.ones_like(g) for g in again], allow_unused=True) if again else []
    return [*first, *second]


# ------------------------------------------------------------------------------------- records


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", cases(lambda op: True))
def test_records(op):
    """Results, or errors, of every sample in every dtype, also those that the operation does not take."""
    ran = 0
    for dtype in DTYPES:
        for call in op.samples:
            made = outcome(op.make, call, dtype)
            if made[1] is not None:
                continue        # there are no such values
            args, kwargs = made[0]
            meta = hollowed(args, kwargs)
            what = f"{op}: {call} on {dtype}"
            expected, error = outcome(op.function, *args, **kwargs)
            got, got_error = outcome(on_meta, op, *meta)
            if error is None and needs_values(op, got_error):
                ran += 1
                continue
            if error is not None:
                assert type(got_error) is type(error), f"{what}: {error!r} on the CPU, {got_error!r} on meta"
                continue
            if got_error is not None:
                raise AssertionError(f"{what}: runs on the CPU only") from got_error
            if operations.tensors_of(args, kwargs):
                check_same(what, expected, got)
            ran += 1
    assert ran or not op.samples


@pytest.mark.parametrize("op", cases(lambda op: op.grad))
def test_gradients(op):
    for dtype in checks.derivative_dtypes(op):
        for call in op.samples:
            args, kwargs, chosen = operations.leaves(op, call, dtype)
            meta_args, meta_kwargs = hollowed(args, kwargs)
            wanted = {id(t) for t in chosen}
            meta_chosen = [m for t, m in zip(operations.tensors_of(args, kwargs), operations.tensors_of(meta_args, meta_kwargs)) if id(t) in wanted]
            if not chosen:
                continue
            expected = outcome(gradients_of, op.function, args, kwargs, chosen)
            got = outcome(gradients_of, lambda *a, op=op, **k: on_meta(op, a, k), meta_args, meta_kwargs, meta_chosen)
            if expected[1] is not None:
                assert type(got[1]) is type(expected[1]), f"{op}: {call}: {expected[1]!r} on the CPU, {got[1]!r} on meta"
                continue
            if needs_values(op, got[1]):
                continue
            if got[1] is not None:
                raise AssertionError(f"{op}: {call} on {dtype}: differentiates on the CPU only") from got[1]
            check_same(f"{op}: gradients of {call} on {dtype}", expected[0], got[0])


@pytest.mark.parametrize("op", cases(lambda op: op.layouts))
def test_layouts(op):
    """Strides follow those of the inputs as on the CPU."""
    dtype = next((d for d in operations.WIDE if d in op.dtypes), op.dtypes[0])
    for call in op.samples:
        args, kwargs = op.make(call, dtype)
        for name, lay in checks.LAYOUTS.items():
            others = [lay(t) for t in operations.tensors_of(args, kwargs)]
            if not others:
                continue
            a, k = operations.replaced(args, kwargs, others)
            meta = hollowed(a, k)
            got, error = outcome(on_meta, op, *meta)
            if not needs_values(op, error):
                assert error is None, f"{op}: {call} on {name} inputs: {error!r}"
                check_same(f"{op}: {call} on {name} inputs", op.function(*a, **k), got)


@pytest.mark.parametrize("op", cases(lambda op: op.inplace))
def test_inplace(op):
    method = getattr(torch.Tensor, op.inplace)
    for dtype in (d for d in (torch.float64, torch.complex128, torch.int64) if d in op.dtypes):
        for call in op.samples:
            args, kwargs = op.make(call, dtype)
            if not args or not isinstance(args[0], torch.Tensor):
                continue
            meta = hollowed(args, kwargs)
            before = meta[0][0]._version
            expected, error = outcome(method, *args, **kwargs)
            got, got_error = outcome(method, *meta[0], **meta[1])
            if needs_values(op, got_error):
                continue
            assert type(error) is type(got_error), f"{op.inplace}: {call} on {dtype}: {error!r} on the CPU, {got_error!r} on meta"
            if error is None:
                assert got is meta[0][0]
                assert (got._version > before) == (expected._version > 0), f"{op.inplace}: {call}: the change does not show"
                check_same(f"{op.inplace}: {call}", expected, got)


@pytest.mark.parametrize("op", cases(lambda op: op.out))
def test_out(op):
    dtype = next((d for d in operations.WIDE if d in op.dtypes), op.dtypes[0])
    for call in op.samples:
        args, kwargs = op.make(call, dtype)
        if not operations.tensors_of(args, kwargs):
            continue
        plain = op.function(*args, **kwargs)
        meta = hollowed(args, kwargs)
        outs = [[t.new_empty(0, device=device) for t in all_tensors(plain)] for device in ("cpu", "meta")]
        single = isinstance(plain, torch.Tensor)
        plain = op.function(*args, **kwargs, out=outs[0][0] if single else tuple(outs[0]))
        out = outs[1]
        got, error = outcome(op.function, *meta[0], **meta[1], out=out[0] if single else tuple(out))
        if needs_values(op, error):
            continue
        assert error is None, f"{op}: {call}, out=: {error!r}"
        check_same(f"{op}: {call}, out=", plain, got)
        assert all(a is b for a, b in zip(all_tensors(got), out))
        if single:      # devices are not mixed, in either direction
            with pytest.raises((RuntimeError, NotImplementedError)):
                op.function(*meta[0], **meta[1], out=torch.empty(0, dtype=plain.dtype))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", cases(lambda op: True))
def test_mixed_devices(op):
    """One argument elsewhere than the others: refused, unless it needs no values or may be sent there."""
    dtype = next((d for d in (*operations.WIDE, torch.int64) if d in op.dtypes), op.dtypes[0])
    for call in op.samples:
        args, kwargs = op.make(call, dtype)
        tensors = operations.tensors_of(args, kwargs)
        if len(tensors) < 2:
            continue
        for i in range(len(tensors)):
            for alone in (True, False):     # on meta: this one, or all but this one
                given = [hollow(t) if (k == i) is alone else t.clone() for k, t in enumerate(tensors)]
                some, named = operations.replaced(args, kwargs, given)
                got, error = outcome(op.function, *some, **named)
                what = f"{op}: {call} with argument {i} {'on meta' if alone else 'on the CPU'}"
                if error is not None:
                    assert isinstance(error, (RuntimeError, TypeError, IndexError, ValueError)), f"{what}: {error!r}"
                    continue
                expected = op.function(*args, **kwargs)
                for a, b in zip(all_tensors(expected), all_tensors(got), strict=True):
                    assert b.is_meta or torch.equal(a, b), f"{what}: a result on the CPU that cannot be right"


# Errors about what an index or a probability is: on meta nobody can know.
ABOUT_VALUES = "enough elements|invalid max index|Class values|out of bounds|out of range|singular|positive-definite|between 0 and 1|negative|must be in|zero|converge|finite|increas|sum"


@pytest.mark.parametrize("op", cases(lambda op: op.errors))
def test_errors(op):
    for error in op.errors:
        args, kwargs = op.make(error.call, error.dtype)
        expected = outcome(op.function, *args, **kwargs)[1]
        meta = hollowed(args, kwargs)
        got = outcome(on_meta, op, *meta)[1]
        if got is None:
            assert re.search(ABOUT_VALUES, str(expected)), f"{op}: {error.call}: {expected!r} on the CPU, nothing on meta"
        elif not needs_values(op, got):
            assert type(got) is type(expected), f"{op}: {error.call}: {expected!r} on the CPU, {got!r} on meta"
            if operations.tensors_of(args, kwargs):
                assert str(got).replace("meta", "cpu") == str(expected), f"{op}: {error.call}: {expected} on the CPU, {got} on meta"


# Operations that have no record: calls of `torch` (T), with tensors for tuples of sizes.
ELSEWHERE = {
    "bernoulli": lambda T, d: T.bernoulli(T.rand(3, 4, device=d)), "binomial": lambda T, d: T.binomial(T.ones(3, device=d), T.rand(3, device=d)),
    "multinomial": lambda T, d: T.multinomial(T.ones(2, 5, device=d), 3), "poisson": lambda T, d: T.poisson(T.ones(3, 2, device=d)),
    "gamma": lambda T, d: T._standard_gamma(T.ones(3, 2, device=d)), "normal": lambda T, d: T.normal(T.zeros(3, device=d), T.ones(3, device=d)),
    "like": lambda T, d: (T.rand_like(T.ones(2, device=d)), T.randint_like(T.ones(2, 2, device=d), 5), T.randn_like(T.ones(3, device=d))),
    "filling": lambda T, d: [getattr(T.empty(3, device=d), f)() for f in ("uniform_", "normal_", "exponential_", "cauchy_", "log_normal_", "bernoulli_", "random_")],
    "geometric": lambda T, d: T.empty(3, device=d).geometric_(0.5), "zero": lambda T, d: T.empty(3, device=d).zero_().fill_(2),
    "dropout": lambda T, d: [f(T.ones(2, 3, 4, device=d), 0.5, True) for f in (T.dropout, T.alpha_dropout, T.feature_dropout, T.feature_alpha_dropout)],
    "native_dropout": lambda T, d: T.native_dropout(T.ones(3, device=d), 0.5, True), "rrelu": lambda T, d: T.nn.functional.rrelu(T.ones(3, device=d), training=True),
    "gumbel": lambda T, d: T.nn.functional.gumbel_softmax(T.ones(2, 3, device=d), hard=True),
    "stft": lambda T, d: T.stft(T.ones(2, 40, device=d), 16, window=T.ones(16, device=d), return_complex=True),
    "istft": lambda T, d: T.istft(T.ones(2, 9, 11, dtype=T.complex64, device=d), 16, window=T.ones(16, device=d)),
    "lowrank": lambda T, d: (T.svd_lowrank(T.ones(5, 4, device=d), 2), T.pca_lowrank(T.ones(5, 4, device=d), 2)),
    "geqrf": lambda T, d: T.geqrf(T.eye(4, 3, device=d)), "ormqr": lambda T, d: T.ormqr(*T.geqrf(T.eye(4, 3, device=d)), T.ones(4, 2, device=d)),
    "ex": lambda T, d: (T.linalg.inv_ex(T.eye(3, device=d)), T.linalg.solve_ex(T.eye(3, device=d), T.ones(3, 2, device=d)), T.linalg.cholesky_ex(T.eye(3, device=d))),
    "lstsq": lambda T, d: [T.linalg.lstsq(T.eye(4, 3, device=d), T.ones(4, 2, device=d), driver=r) for r in ("gelsy", "gels", "gelsd")],
    "embedding_renorm_": lambda T, d: T.embedding_renorm_(T.ones(4, 3, device=d), T.zeros(2, dtype=T.int64, device=d), 1.0, 2.0),
    "cells": lambda T, d: (T.gru_cell(T.ones(2, 3, device=d), T.ones(2, 4, device=d), T.ones(12, 3, device=d), T.ones(12, 4, device=d)),
                           T.lstm_cell(T.ones(2, 3, device=d), (T.ones(2, 4, device=d),) * 2, T.ones(16, 3, device=d), T.ones(16, 4, device=d))),
    "grid": lambda T, d: T.nn.functional.grid_sample(T.ones(1, 2, 4, 4, device=d), T.nn.functional.affine_grid(T.ones(1, 2, 3, device=d), (1, 2, 3, 5))),
    "interpolate": lambda T, d: [T.nn.functional.interpolate(T.ones(1, 2, 4, 4, device=d), size=(3, 7), mode=m) for m in ("nearest", "bilinear", "bicubic", "area")],
    "cdist": lambda T, d: (T.cdist(T.ones(3, 4, device=d), T.ones(2, 4, device=d)), T.nn.functional.pdist(T.ones(3, 4, device=d))),
    "attention": lambda T, d: T.nn.functional.scaled_dot_product_attention(*[T.ones(2, 3, 4, 5, device=d)] * 3, attn_mask=T.ones(4, 4, dtype=T.bool, device=d)),
    "splits": lambda T, d: (T.ones(7, device=d).split([3, 4]), T.ones(7, device=d).tensor_split(3), T.ones(4, 4, device=d).hsplit(2)),
    "where": lambda T, d: T.where(T.ones(3, dtype=T.bool, device=d), 1.0, T.ones(3, device=d)), "numbers": lambda T, d: (2 ** T.ones(3, device=d), 1 - T.ones(2, device=d)),
    "windows": lambda T, d: (T.hann_window(5, device=d), T.signal.windows.gaussian(6, device=d)), "histc": lambda T, d: T.histc(T.ones(5, device=d), 4),
    "combinations": lambda T, d: T.combinations(T.ones(4, device=d)), "products": lambda T, d: T.cartesian_prod(T.ones(2, device=d), T.ones(3, device=d)),
    "init": lambda T, d: [getattr(T.nn.init, f)(T.empty(4, 3, device=d)) for f in (
        "xavier_uniform_", "kaiming_normal_", "orthogonal_", "trunc_normal_", "eye_", "ones_", "uniform_")] + [T.nn.init.sparse_(T.empty(4, 3, device=d), 0.5)],
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ELSEWHERE)
def test_operations_without_records(name):
    expected = ELSEWHERE[name](torch, "cpu")
    state = torch.get_rng_state()
    check_same(name, expected, ELSEWHERE[name](torch, "meta"))
    assert torch.equal(torch.get_rng_state(), state), "the generator went on"


# ------------------------------------------------------------------------------------- modules


def whole(*shape, high):
    return torch.randint(0, high, shape)


def f(*shape):
    return torch.rand(shape) * 0.8 + 0.1


N1, N2, N3 = (2, 4, 9), (2, 4, 8, 9), (2, 4, 6, 7, 8)
PLAIN = {name: ((), [f(3, 4)]) for name in """AlphaDropout CELU Dropout ELU Flatten GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh Identity LeakyReLU
    LogSigmoid Mish PReLU RReLU ReLU ReLU6 SELU SiLU Sigmoid Softplus Softshrink Softsign Tanh Tanhshrink""".split()}
PAIRS = {name: ((), [f(3, 4), f(3, 4)]) for name in """BCELoss BCEWithLogitsLoss CosineSimilarity HingeEmbeddingLoss HuberLoss KLDivLoss L1Loss MSELoss
    MultiLabelSoftMarginLoss PairwiseDistance PoissonNLLLoss SmoothL1Loss SoftMarginLoss""".split()}
SHAPED = {f"{name}{n}d": (args, [(f(2, 4, 8), f(2, 4, 8, 8), f(2, 4, 8, 8, 8))[n - 1]]) for n in (1, 2, 3) for name, args in {
    "AdaptiveAvgPool": (3,), "AdaptiveMaxPool": (3, True), "AvgPool": (3, 2, 1), "MaxPool": (3, 2, 1, 1, True), "LPPool": (2.0, 3), "BatchNorm": (4,),
    "InstanceNorm": (4,), "CircularPad": (1,), "ConstantPad": (1, 2.0), "ReflectionPad": (2,), "ReplicationPad": (1,), "ZeroPad": (1,),
    "Conv": (4, 6, 3, 2, 1), "ConvTranspose": (4, 6, 3, 2, 1), "Dropout": (0.5,), "LazyBatchNorm": (), "LazyInstanceNorm": (),
    "LazyConv": (6, 3), "LazyConvTranspose": (6, 3)}.items()}
MODULES = {
    **PLAIN, **PAIRS, **SHAPED,
    "AdaptiveLogSoftmaxWithLoss": ((5, 10, [3, 7]), [f(4, 5), whole(4, high=10)]),
    "Bilinear": ((3, 4, 2), [f(5, 3), f(5, 4)]),
    "CTCLoss": ((), [f(7, 2, 5).log_softmax(-1), whole(2, 3, high=4) + 1, (7, 6), (3, 2)]),
    "ChannelShuffle": ((2,), [f(*N2)]),
    "CosineEmbeddingLoss": ((), [f(3, 4), f(3, 4), torch.tensor([1, -1, 1])]),
    "CrossEntropyLoss": ((), [f(3, 4), whole(3, high=4)]),
    "CrossMapLRN2d": ((3,), [f(*N2)]),
    "Embedding": ((5, 3, 1), [whole(2, 4, high=5)]),
    "EmbeddingBag": ((5, 3), [whole(2, 4, high=5)]),
    "FeatureAlphaDropout": ((), [f(*N2)]),
    "Fold": (((4, 5), 2), [f(2, 12, 12)]),
    "FractionalMaxPool2d": ((2, 3), [f(*N2)]),
    "FractionalMaxPool3d": ((2, 3), [f(*N3)]),
    "GRU": ((3, 4, 2), [f(5, 2, 3)]), "LSTM": ((3, 4, 2, True, False, 0.3, True), [f(5, 2, 3)]), "RNN": ((3, 4), [f(5, 2, 3)]),
    "GRUCell": ((3, 4), [f(2, 3)]), "LSTMCell": ((3, 4), [f(2, 3)]), "RNNCell": ((3, 4), [f(2, 3)]),
    "GaussianNLLLoss": ((), [f(3, 4), f(3, 4), f(3, 4)]),
    "GroupNorm": ((2, 4), [f(*N2)]), "LayerNorm": ((4,), [f(3, 4)]), "RMSNorm": ((4,), [f(3, 4)]), "LocalResponseNorm": ((2,), [f(*N2)]),
    "LazyLinear": ((3,), [f(2, 4)]), "Linear": ((4, 3), [f(2, 4)]), "NonDynamicallyQuantizableLinear": ((4, 3), [f(2, 4)]),
    "LinearCrossEntropyLoss": ((4, 5), [f(3, 4), whole(3, high=5)]),
    "LogSoftmax": ((1,), [f(3, 4)]), "Softmax": ((1,), [f(3, 4)]), "Softmin": ((1,), [f(3, 4)]), "Softmax2d": ((), [f(*N2)]),
    "MarginRankingLoss": ((), [f(3), f(3), torch.tensor([1.0, -1.0, 1.0])]),
    "MaxUnpool1d": ((2,), [f(2, 4, 3), whole(2, 4, 3, high=6)]),
    "MaxUnpool2d": ((2,), [f(2, 4, 3, 3), whole(2, 4, 3, 3, high=36)]),
    "MaxUnpool3d": ((2,), [f(2, 4, 3, 3, 3), whole(2, 4, 3, 3, 3, high=216)]),
    "MultiLabelMarginLoss": ((), [f(3, 4), whole(3, 4, high=4)]), "MultiMarginLoss": ((), [f(3, 4), whole(3, high=4)]),
    "MultiheadAttention": ((4, 2), [f(5, 2, 4), f(6, 2, 4), f(6, 2, 4)]),
    "NLLLoss": ((), [f(3, 4), whole(3, high=4)]), "NLLLoss2d": ((), [f(2, 4, 3, 3), whole(2, 3, 3, high=4)]),
    "PixelShuffle": ((2,), [f(*N2)]), "PixelUnshuffle": ((2,), [f(2, 4, 8, 8)]),
    "Sequential": ((nn.Linear(4, 3), nn.ReLU()), [f(2, 4)]), "SyncBatchNorm": ((4,), [f(*N2)]),
    "Threshold": ((0.1, 20.0), [f(3, 4)]),
    "Transformer": ((4, 2, 1, 1, 8), [f(5, 2, 4), f(6, 2, 4)]),
    "TransformerDecoder": ((nn.TransformerDecoderLayer(4, 2, 8), 2), [f(5, 2, 4), f(6, 2, 4)]),
    "TransformerDecoderLayer": ((4, 2, 8), [f(5, 2, 4), f(6, 2, 4)]),
    "TransformerEncoder": ((nn.TransformerEncoderLayer(4, 2, 8), 2), [f(5, 2, 4)]),
    "TransformerEncoderLayer": ((4, 2, 8), [f(5, 2, 4)]),
    "TripletMarginLoss": ((), [f(3, 4), f(3, 4), f(3, 4)]), "TripletMarginWithDistanceLoss": ((), [f(3, 4), f(3, 4), f(3, 4)]),
    "Unflatten": ((1, (2, 2)), [f(3, 4)]), "Unfold": ((2,), [f(*N2)]),
    "Upsample": ((None, 2, "bilinear"), [f(*N2)]), "UpsamplingBilinear2d": ((None, 2), [f(*N2)]), "UpsamplingNearest2d": ((None, 2), [f(*N2)]),
}
CONTAINERS = {"Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "RNNBase", "RNNCellBase"}


def test_every_module_is_tried():
    names = {name for name in dir(nn) if isinstance(getattr(nn, name), type) and issubclass(getattr(nn, name), nn.Module)}
    assert names - CONTAINERS == set(MODULES)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("name", MODULES)
def test_modules(name, training):
    args, inputs = MODULES[name]
    module = getattr(nn, name)(*args).train(training)
    inputs = [x.clone() if isinstance(x, torch.Tensor) else x for x in inputs]
    meta_inputs = [hollow(x) if isinstance(x, torch.Tensor) else x for x in inputs]
    for x in (*inputs, *meta_inputs):
        if isinstance(x, torch.Tensor) and x.is_floating_point() and (x is inputs[0] or x is meta_inputs[0]):
            x.requires_grad_()
    meta = copy.deepcopy(module)
    if "Lazy" in name:
        with torch.device("meta"):
            meta = getattr(nn, name)(*args).train(training)
    assert meta.to("meta") is meta and all(p.is_meta for p in (*meta.parameters(), *meta.buffers()))
    state = torch.get_rng_state()
    got = meta(*meta_inputs)
    assert torch.equal(torch.get_rng_state(), state), "the generator went on"
    expected = module(*inputs)
    check_same(name, expected, got)
    results = [[y for y in all_tensors(x) if y.requires_grad] for x in (expected, got)]
    if results[0]:
        for ys in results:
            torch.autograd.backward(ys, [torch.ones_like(y) for y in ys])
        pairs = [(p.grad, q.grad) for p, q in zip((*module.parameters(), inputs[0]), (*meta.parameters(), meta_inputs[0]))]
        check_same(f"{name}: gradients", [p for p, _ in pairs], [q for _, q in pairs])
    # Under the device as a context the parameters are made there, and look the same.
    if "Lazy" not in name and not any(isinstance(a, nn.Module) for a in args):
        with torch.device("meta"):
            born = getattr(nn, name)(*args)
        check_same(name, [*module.parameters(), *module.buffers()], [*born.parameters(), *born.buffers()])
        filled = born.to_empty(device="cpu")
        assert filled is born and geometry([*born.parameters()]) == geometry([*module.parameters()])
        born.load_state_dict(module.state_dict())
        for a, b in zip(module.state_dict().values(), born.state_dict().values()):
            assert torch.equal(a, b) and b.device.type == "cpu"


def test_moving_modules_out():
    module = nn.Linear(3, 2, device="meta")
    for move in (lambda: module.to("cpu"), lambda: module.cpu(), lambda: module.to(device="cpu", dtype=torch.float64)):
        with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor; no data!"):
            move()
    with pytest.raises(NotImplementedError, match="to_empty"):
        module.to("cpu")
    values = nn.Linear(3, 2).state_dict()
    module.load_state_dict(values)      # as in PyTorch: copies to nowhere
    assert module.weight.is_meta
    module.load_state_dict(values, assign=True)
    assert module.weight.device.type == "cpu" and isinstance(module.weight, nn.Parameter) and module.weight.requires_grad
    assert module(torch.ones(1, 3)).shape == (1, 2)
    skipped = nn.utils.skip_init(nn.Linear, 3, 2)
    assert skipped.weight.device.type == "cpu" and skipped.weight.shape == (2, 3)
    big = nn.Linear(1 << 20, 1 << 20, device="meta")        # 4 TB
    assert big(torch.empty(5, 1 << 20, device="meta")).shape == (5, 1 << 20)


# ------------------------------------------------------------------------- views and factories


def view_of(x, rng):
    """One view of x: (name, function)."""
    d, e = (rng.randrange(x.ndim), rng.randrange(x.ndim)) if x.ndim else (0, 0)
    n = x.shape[d] if x.ndim else 1
    i, j, step = rng.randrange(max(n, 1)), rng.randrange(n + 1), rng.randrange(1, 3)
    permutation = rng.sample(range(x.ndim), x.ndim)
    return rng.choice([
        lambda t: t.transpose(d, e), lambda t: t.permute(permutation), lambda t: t.unsqueeze(e), lambda t: t.squeeze(),
        lambda t: t.narrow(d, i, n - i), lambda t: t.select(d, i), lambda t: t[None], lambda t: t[..., i:j:step], lambda t: t.flatten(),
        lambda t: t.movedim(d, e), lambda t: t.unfold(d, 1 + i % max(n, 1), step), lambda t: t.diagonal(0, d, e), lambda t: t.expand(2, *t.shape),
        lambda t: t.reshape(-1), lambda t: t.view(-1), lambda t: t.chunk(2, d)[0], lambda t: t.unbind(d)[i], lambda t: t.mT, lambda t: t.swapdims(d, e),
        lambda t: t.view(torch.int32), lambda t: t.split(1 + i, d)[-1], lambda t: t.t(), lambda t: t[i], lambda t: t.detach(), lambda t: t.data,
        lambda t: t.as_strided(t.shape, t.stride(), t.storage_offset()), lambda t: t.contiguous(), lambda t: t.clone(), lambda t: t * 2,
    ])


@pytest.mark.parametrize("seed", range(40))
def test_chains_of_views(seed):
    rng = random.Random(seed)
    for _ in range(25):
        x = torch.zeros([rng.randrange(5) for _ in range(rng.randrange(4))], dtype=rng.choice((torch.float32, torch.float64, torch.int64)))
        y = hollow(x)
        for _ in range(rng.randrange(1, 12)):
            function = view_of(x, rng)
            (a, error), (b, meta_error) = outcome(function, x), outcome(function, y)
            assert type(error) is type(meta_error) and str(error) == str(meta_error)
            if error is None:
                x, y = a, b
                check_same("view", x, y)
                assert x.storage_offset() == y.storage_offset()
                assert x.untyped_storage().nbytes() == y.untyped_storage().nbytes()
                assert (x._is_view_of is None) == (y._is_view_of is None)
                assert x.is_contiguous() == y.is_contiguous()
        version = y._version
        assert type(outcome(y.add_, 1)[1]) is type(outcome(x.add_, 1)[1])
        assert y._version > version or x.numel() == 0 or x._version == version


def test_factories():
    calls = [
        lambda **k: torch.empty(2, 3, **k), lambda **k: torch.zeros(2, 3, **k), lambda **k: torch.ones(2, dtype=torch.int64, **k), lambda **k: torch.full((2,), 3, **k),
        lambda **k: torch.arange(5, **k), lambda **k: torch.arange(0, 1, 0.25, **k), lambda **k: torch.linspace(0, 1, 4, **k), lambda **k: torch.logspace(0, 1, 4, **k),
        lambda **k: torch.eye(3, 4, **k), lambda **k: torch.tensor([[1, 2], [3, 4]], **k), lambda **k: torch.as_tensor(np.ones((2, 3)), **k), lambda **k: torch.rand(2, 3, **k),
        lambda **k: torch.randn(2, 3, **k), lambda **k: torch.randint(5, (2,), **k), lambda **k: torch.randperm(6, **k), lambda **k: torch.empty_strided((2, 3), (1, 2), **k),
        lambda **k: torch.tril_indices(3, 4, -1, **k), lambda **k: torch.triu_indices(4, 3, 1, **k), lambda **k: torch.triu_indices(4, 3, -2, **k), lambda **k: torch.hann_window(5, **k), lambda **k: torch.kaiser_window(5, **k),
        lambda **k: torch.scalar_tensor(3.0, **k), lambda **k: torch.empty_permuted((2, 3), (1, 0), **k), lambda **k: torch.normal(0.0, 1.0, (2, 3), **k),
        lambda **k: torch.empty(2, 3, requires_grad=True, **k), lambda **k: torch.range(0, 4, **k), lambda **k: torch.fft.fftfreq(5, **k),
    ]
    state = torch.get_rng_state()
    for call in calls:
        got = call(device="meta")
        with torch.device("meta"):
            inside = call()
            outside = call(device="cpu")
        torch.set_default_device("meta")
        try:
            default = call()
        finally:
            torch.set_default_device(None)
        assert torch.equal(torch.get_rng_state(), state) or not outside.is_meta
        torch.set_rng_state(state)
        for y in (got, inside, default):
            check_same("factory", outside, y)
    like = torch.empty(2, 3)
    for name in ("empty_like", "zeros_like", "ones_like", "rand_like", "randn_like"):
        check_same(name, getattr(torch, name)(like), getattr(torch, name)(like, device="meta"))
    check_same("full_like", torch.full_like(like, 2), torch.full_like(like, 2, device="meta"))
    hollow_like = torch.empty(2, 3, device="meta")
    for name in ("new_empty", "new_zeros", "new_ones"):
        check_same(name, getattr(like, name)(4), getattr(hollow_like, name)(4))
    assert not hollow_like.new_tensor([1.0], device="cpu").is_meta and hollow_like.new_tensor([1.0]).is_meta


def test_no_memory_is_used():
    before = torch._core.memory_stats()["allocations"] if hasattr(torch, "_core") else None
    x = torch.empty(1 << 30, 1 << 20, device="meta")        # 4 PB
    y = (x[1:] * 2 + torch.arange(1 << 20, device="meta")).sum(0)
    assert y.shape == (1 << 20,) and x.untyped_storage().nbytes() == 1 << 52
    assert torch.arange(1 << 40, device="meta").shape == (1 << 40,) and torch.linspace(0, 1, 1 << 40, device="meta").shape == (1 << 40,)
    assert torch.linalg.svd(torch.empty(1 << 16, 1 << 16, device="meta"))[0].shape == (1 << 16, 1 << 16)
    assert torch.fft.rfft(torch.empty(3, 1 << 40, device="meta")).shape == (3, (1 << 39) + 1)
    assert before is None or torch._core.memory_stats()["allocated_bytes.peak"] < 1 << 50


# ---------------------------------------------------------------------------------- the device


def test_device():
    d = torch.device("meta")
    assert (d.type, d.index, str(d), repr(d)) == ("meta", None, "meta", "device(type='meta')")
    assert d == torch.device("meta") != torch.device("cpu") and hash(d) == hash(torch.device("meta")) and pickle.loads(pickle.dumps(d)) == d
    x = torch.empty(2, 3, device=d)
    assert x.is_meta and not x.is_cpu and not x.is_cuda and x.device == d and x.get_device() == -1 and x.type() == "torch.meta.FloatTensor"
    assert x.data_ptr() == 0 == x.untyped_storage().data_ptr() and x.untyped_storage().device == d and x.untyped_storage().nbytes() == 24
    assert not torch.empty(2).is_meta and not x.is_shared()
    assert torch.ones(3).to("meta").is_meta and torch.ones(3).to(device="meta", dtype=torch.int8).dtype == torch.int8


@pytest.mark.parametrize("x, text", [
    (lambda: torch.empty(2, 3, device="meta"), "tensor(..., device='meta', size=(2, 3))"),
    (lambda: torch.empty((), device="meta"), "tensor(..., device='meta', size=())"),
    (lambda: torch.empty(0, device="meta"), "tensor(..., device='meta', size=(0,))"),
    (lambda: torch.empty(2, 3, device="meta", dtype=torch.int64), "tensor(..., device='meta', size=(2, 3), dtype=torch.int64)"),
    (lambda: torch.empty(2, device="meta", requires_grad=True) * 2, "tensor(..., device='meta', size=(2,), grad_fn=<MulBackward0>)"),
    (lambda: nn.Parameter(torch.empty(2, 3, device="meta")), "Parameter containing:\ntensor(..., device='meta', size=(2, 3), requires_grad=True)"),
])
def test_text(x, text):
    assert repr(x()) == text and f"{x()}" == text


M = {"device": "meta"}


@pytest.mark.parametrize("error, match, call", [
    (RuntimeError, r"Tensor.item\(\) cannot be called on meta tensors", lambda x: x[0].item()),
    (RuntimeError, "item", lambda x: bool(x[0])),
    (RuntimeError, "item", lambda x: float(x[0])),
    (RuntimeError, "item", lambda x: int(x[0])),
    (RuntimeError, "item", lambda x: complex(x[0])),
    (RuntimeError, "item", lambda x: range(x[0].long())),
    (RuntimeError, "item", lambda x: 1.0 in x),
    (RuntimeError, "item", lambda x: torch.ones(5)[x[0].long() :]),
    (RuntimeError, "item", lambda x: torch.add(x, x, alpha=x[0])),
    (RuntimeError, "item", lambda x: torch.full((2,), x[0])),
    (RuntimeError, "item", lambda x: x.allclose(x)),
    (RuntimeError, "item", lambda x: torch.nn.functional.one_hot(x.long())),
    (NotImplementedError, "no data", lambda x: x.tolist()),
    (NotImplementedError, "no data", lambda x: x.cpu()),
    (NotImplementedError, "no data", lambda x: x.to("cpu")),
    (NotImplementedError, "no data", lambda x: torch.zeros(3).copy_(x)),
    (NotImplementedError, "no data", lambda x: x.numpy(force=True)),
    (NotImplementedError, "no data", lambda x: bytes(x.untyped_storage())),
    (TypeError, "meta", lambda x: x.numpy()),
    (TypeError, "meta", lambda x: np.asarray(x)),
    ((BufferError, TypeError), None, lambda x: memoryview(x)),
    ((BufferError, TypeError), None, lambda x: memoryview(x.untyped_storage())),
    (TypeError, "CPU", lambda x: x.apply_(abs)),
    (BufferError, "Cannot pack tensors on meta", lambda x: x.__dlpack__()),
    (ValueError, "meta", lambda x: x.__dlpack_device__()),
    (RuntimeError, "CPU", lambda x: x.share_memory_()),
    (NotImplementedError, None, lambda x: x.nonzero()),
    (NotImplementedError, None, lambda x: torch.where(x > 0)),
    (NotImplementedError, None, lambda x: x[x > 0]),
    (NotImplementedError, None, lambda x: x.masked_select(x > 0)),
    (NotImplementedError, None, lambda x: x.unique()),
    (NotImplementedError, None, lambda x: x.unique_consecutive()),
    (NotImplementedError, None, lambda x: x.long().bincount()),
    (NotImplementedError, None, lambda x: torch.equal(x, x.clone())),
    (RuntimeError, "cannot repeat_interleave a meta tensor without output_size", lambda x: x.repeat_interleave(x.long())),
    (RuntimeError, None, lambda x: x + torch.ones(3)),
    (RuntimeError, None, lambda x: torch.ones(3) * x),
    (RuntimeError, None, lambda x: torch.ones(2, 3) @ x),
    (RuntimeError, None, lambda x: torch.cat([x, torch.ones(3)])),
    (RuntimeError, None, lambda x: torch.ones(()).expand(3).add_(x)),
    (RuntimeError, None, lambda x: torch.ones(3) + x[0]),
    ((RuntimeError, NotImplementedError), None, lambda x: torch.ones(3)[torch.zeros(1, dtype=torch.int64, **M)]),
    ((RuntimeError, NotImplementedError), None, lambda x: torch.ones(3).index_select(0, torch.zeros(1, dtype=torch.int64, **M))),
    ((RuntimeError, NotImplementedError), None, lambda x: torch.ones(3).__setitem__(0, x[0])),
])
def test_what_needs_values_is_refused(error, match, call):
    x = torch.empty(3, device="meta")
    with pytest.raises(error, match=match):
        call(x)


def test_what_does_not_need_values_runs():
    x = torch.empty(3, device="meta")
    assert (x + torch.tensor(1.0)).is_meta and (x * 2).is_meta      # a 0-d tensor of the CPU is a number
    version = x._version
    assert x.copy_(torch.ones(3)) is x and x._version > version
    x[0] = 5
    x[x > 0] = 1.0
    x[torch.tensor([0, 1])] = torch.ones(2, device="meta")
    x[1:] = torch.ones(2)
    assert x[torch.tensor([2, 0])].shape == (2,)
    assert x.repeat_interleave(torch.empty(3, dtype=torch.int64, device="meta"), output_size=7).shape == (7,)
    assert torch.nonzero_static(x, size=4).shape == (4, 1) and torch.isclose(x, x).dtype == torch.bool
    assert x.resize_(5).shape == (5,) and x.set_(torch.empty(7, device="meta")).shape == (7,)


def test_gradients_do_not_come_back():
    x = torch.ones(3, requires_grad=True)
    with pytest.raises(NotImplementedError, match="no data"):
        (x.to("meta") * 2).sum().backward()
    assert x.grad is None


def test_autograd_on_meta():
    x = torch.empty(3, 4, device="meta", requires_grad=True)
    seen = []
    x.register_hook(lambda g: seen.append(g.shape))
    y = (x.t() @ x).relu()
    y.sum().backward()
    y = (x * 2).sum()
    y.backward()        # added to the first
    assert x.grad.is_meta and x.grad.shape == (3, 4) and x.grad.stride() == (4, 1) and seen == [(3, 4), (3, 4)]

    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            assert ctx.saved_tensors[0].is_meta
            return g * 2

    (g,) = torch.autograd.grad(Double.apply(x).sum(), x)
    assert g.is_meta and g.shape == x.shape
    z = x * 1
    saved = z.exp()
    saved.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        saved.sum().backward()


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "ASGD", "Rprop"])
def test_optimizers(name):
    module = nn.Linear(3, 2, device="meta")
    optimizer = getattr(torch.optim, name)(module.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        module(torch.empty(4, 3, device="meta")).sum().backward()
        version = module.weight._version
        assert nn.utils.clip_grad_norm_(module.parameters(), 1.0).is_meta
        optimizer.step()
        assert module.weight._version > version
    kept = [t for state in optimizer.state.values() for t in state.values() if isinstance(t, torch.Tensor) and t.ndim]
    assert all(t.is_meta for t in kept)


def test_copies_and_files():
    x = torch.empty(4, 3, device="meta")[1:].t().requires_grad_()
    parameter = nn.Parameter(torch.empty(2, 3, device="meta", dtype=torch.float64))
    for y in (copy.deepcopy(x), pickle.loads(pickle.dumps(x)), pickle.loads(pickle.dumps(x, 5))):
        assert y.is_meta and geometry(y) == geometry(x)
    file = io.BytesIO()
    torch.save({"x": x, "p": parameter, "module": nn.Linear(3, 2, device="meta").state_dict()}, file)
    assert file.tell() < 4000
    file.seek(0)
    back = torch.load(file)
    assert geometry(back["x"]) == geometry(x) and back["x"].is_meta and isinstance(back["p"], nn.Parameter)
    assert geometry(back["p"]) == geometry(parameter) and back["module"]["weight"].is_meta
    file = io.BytesIO()
    torch.save({"w": torch.ones(2, 3)}, file)
    file.seek(0)
    assert torch.load(file, map_location="meta")["w"].is_meta
    twins = [torch.empty(3, device="meta")] * 2
    one, two = copy.deepcopy(twins)
    assert one is two


def test_memory_is_told_apart():
    """Overlaps are seen as on the CPU though no byte exists."""
    a = torch.empty(6, device="meta")
    with pytest.raises(RuntimeError):
        torch.mul(a[:3], 2, out=a[:1].expand(3))
    b = a.view(2, 3)
    assert b._is_view_of is a and b.untyped_storage()._cdata == a.untyped_storage()._cdata
    assert torch.empty(3, device="meta").untyped_storage()._cdata != a.untyped_storage()._cdata
    version = a._version
    b.add_(1)
    assert a._version > version
