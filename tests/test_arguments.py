"""Arguments that operations cannot use: the class of the error is PyTorch's, and nothing is taken for something else."""
import numpy as np
import pytest

import pyxtorch as torch

F = torch.nn.functional
X = torch.arange(6.0).reshape(2, 3)
IMAGE = torch.arange(16.0).reshape(1, 1, 4, 4)
HUGE = 1 << 70


@pytest.mark.parametrize("wrong", [1, 0, "no", [], None, 1.5, np.ones(3), torch.tensor(1)], ids=repr)
@pytest.mark.parametrize("call", [
    lambda flag: X.sum(0, keepdim=flag), lambda flag: X.sum(0, flag), lambda flag: torch.sort(X, 0, flag), lambda flag: torch.zeros(2, requires_grad=flag),
    lambda flag: F.avg_pool2d(IMAGE, 2, ceil_mode=flag), lambda flag: torch.linalg.cholesky(torch.eye(2), upper=flag),
    lambda flag: torch.nn.functional.dropout(X, 0.5, flag), lambda flag: torch.isclose(X, X, equal_nan=flag),
])  # fmt: skip
def test_flags_are_true_or_false(call, wrong):
    """keepdim="no" would count as True."""
    with pytest.raises(TypeError, match="must be bool, not"):
        call(wrong)
    call(True)
    call(np.bool_(False))


def test_flags_that_python_code_tests_take_what_counts_as_true():
    assert F.relu(-X.clone(), inplace=1).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert len(F.max_pool2d(IMAGE, 2, return_indices=1)) == 2


def test_flags_are_looked_at_before_anybody_who_overrides():
    class Sub(torch.Tensor):
        pass

    with pytest.raises(TypeError, match="'keepdim' must be bool, not str"):
        X.as_subclass(Sub).sum(0, keepdim="no")
    assert type(X.as_subclass(Sub).sum(0, keepdim=True)) is Sub


@pytest.mark.parametrize("call", [
    lambda: X.sum(HUGE), lambda: torch.kthvalue(X, HUGE), lambda: X.reshape(HUGE), lambda: X.unsqueeze(HUGE), lambda: torch.tensor(HUGE),
    lambda: torch.tensor([1 << 63]),
])
def test_integers_beyond_64_bits(call):
    with pytest.raises(ValueError, match="64 bits|without overflow"):
        call()


@pytest.mark.parametrize("call", [
    lambda: X + HUGE, lambda: HUGE * X, lambda: HUGE - X, lambda: torch.where(X > 0, HUGE, X),
    lambda: X.clamp(HUGE), lambda: X.clone().fill_(HUGE), lambda: X.masked_fill(X > 0, -HUGE), lambda: torch.full((2,), HUGE), lambda: X.long() + HUGE,
])
def test_numbers_beyond_64_bits(call):
    with pytest.raises(OverflowError, match="64 bits"):
        call()


def test_numbers_within_64_bits():
    assert (torch.zeros(1) + ((1 << 64) - 1)).item() == 2.0 ** 64 and (torch.zeros(1) - (1 << 63)).item() == -(2.0 ** 63)
    assert torch.tensor(HUGE, dtype=torch.float64).item() == 2.0 ** 70


@pytest.mark.parametrize("error, call", [
    (TypeError, lambda: torch.add(X, X, alpha=np.ones(3))), (RuntimeError, lambda: torch.add(X, X, alpha=True)),
    (TypeError, lambda: torch.div(X, X, rounding_mode=1.5)), (TypeError, lambda: torch.meshgrid(X[0], indexing=3)),
    (TypeError, lambda: torch.clamp(X, torch.zeros(3), 1.5)), (TypeError, lambda: torch.logspace(0, 1, 3, base=None)),
    (TypeError, lambda: torch.logspace(0, 1, 3, base=[1.0])), (TypeError, lambda: torch.cov(X, correction=1.5)),
    (TypeError, lambda: torch.diag_embed(X, offset=True)), (RuntimeError, lambda: torch.addcmul(X, X, X, value=1j)),
    (RuntimeError, lambda: torch.ones(2).uniform_(0, float("nan"))), (RuntimeError, lambda: torch.ones(2).normal_(0, float("nan"))),
    (RuntimeError, lambda: torch.isclose(X, X, atol=float("nan"))), (RuntimeError, lambda: torch.cdist(X, X, float("nan"))),
    (TypeError, lambda: F.linear_cross_entropy(X, torch.ones(4, 3), np.int64(1))), (NotImplementedError, lambda: torch.atan2(X.to(torch.complex64), X)),
    (NotImplementedError, lambda: X.bitwise_not()), (NotImplementedError, lambda: F.softmax(X.long(), 0)),
])  # fmt: skip
def test_class_of_the_error(error, call):
    with pytest.raises(error):
        call()


def test_numpys_integers_and_tensors_of_one_are_sizes():
    two = np.int64(2)
    for n in (2, two, torch.tensor(2)):
        assert F.avg_pool2d(IMAGE, n).shape == F.max_pool2d(IMAGE, n).shape == F.adaptive_avg_pool2d(IMAGE, n).shape == (1, 1, 2, 2)
        assert F.unfold(IMAGE, n).shape == (1, 4, 9) and torch.roll(X, n).tolist() == [[4, 5, 0], [1, 2, 3]]
    assert torch.fft.fft(X, dim=np.int64(1)).shape == (2, 3) and torch.roll(X, two, np.int64(0)).equal(X)


def test_ranges_by_numpys_numbers():
    assert torch.arange(np.float32(1.5)).tolist() == [0, 1] and torch.arange(np.float64(0.5), np.float32(2.6)).tolist() == [0.5, 1.5, 2.5]
    assert torch.arange(np.int64(3)).dtype == torch.int64


def test_a_bool_window_is_a_window_of_ones():
    frames = torch.stft(torch.ones(20), 4, 2, window=torch.ones(4), return_complex=True)
    assert (torch.istft(frames, 4, 2, window=torch.ones(4, dtype=torch.bool)) - 1).abs().max().item() < 1e-6


def test_cosine_similarity_of_two_dtypes():
    assert torch.cosine_similarity(X, torch.ones(2, 3, dtype=torch.int64)).sub(torch.cosine_similarity(X, torch.ones(2, 3))).abs().max().item() == 0


def test_numbers_for_self_of_reflected_operators():
    x, i = torch.tensor([1.0, 2.0, 7.0]), torch.tensor([1, 2, 7])
    T = torch.Tensor
    assert T.__rmod__(2.5, x).equal(x % 2.5) and T.__rpow__(2.5, x).equal(x ** 2.5) and T.__rfloordiv__(2.5, x).equal(x // 2.5)
    assert T.__rlshift__(2, i).tolist() == [4, 8, 28] and T.__rrshift__(1, i).tolist() == [0, 1, 3]
    assert T.__rmod__(x, 2.5).equal(2.5 % x) and T.__rmod__(2.5, 3) is NotImplemented and T.__rpow__("a", x) is NotImplemented

    class Sub(T):
        pass

    assert type(2.5 % x.as_subclass(Sub)) is Sub and (2.5 % torch.nn.Parameter(x)).equal(2.5 % x) and "__rmod__" in dir(T)
    with pytest.raises(TypeError):
        T.__rsub__(2.5, "a")


# ------------------------------------------------------------------------------ memory_format=

CHANNELS_LAST = (48, 1, 12, 3)
MADE = {
    "empty": lambda f: torch.empty(2, 3, 4, 4, memory_format=f), "zeros_like": lambda f: torch.zeros_like(torch.ones(2, 3, 4, 4), memory_format=f),
    "rand_like": lambda f: torch.rand_like(torch.ones(2, 3, 4, 4), memory_format=f), "clone": lambda f: torch.ones(2, 3, 4, 4).clone(memory_format=f),
    "full_like": lambda f: torch.full_like(torch.ones(2, 3, 4, 4), 1.5, memory_format=f),
    "randint_like": lambda f: torch.randint_like(torch.ones(2, 3, 4, 4), 3, memory_format=f),
    "contiguous": lambda f: torch.ones(2, 3, 4, 4).contiguous(memory_format=f), "to": lambda f: torch.ones(2, 3, 4, 4).to(memory_format=f),
    "to dtype": lambda f: torch.ones(2, 3, 4, 4).to(torch.float64, memory_format=f), "float": lambda f: torch.ones(2, 3, 4, 4).float(memory_format=f),
    "double": lambda f: torch.ones(2, 3, 4, 4).double(memory_format=f), "cpu": lambda f: torch.ones(2, 3, 4, 4).cpu(memory_format=f),
    "resize_": lambda f: torch.empty(0).resize_(2, 3, 4, 4, memory_format=f),
    "resize_as_": lambda f: torch.empty(7).resize_as_(torch.empty(2, 3, 4, 4), memory_format=f),
    "meta": lambda f: torch.ones(2, 3, 4, 4, device="meta").to(memory_format=f),
}


@pytest.mark.parametrize("name", MADE)
def test_memory_format(name):
    make = MADE[name]
    y = make(torch.channels_last)
    assert y.stride() == CHANNELS_LAST and y.is_contiguous(memory_format=torch.channels_last) and not y.is_contiguous() and y.detach_() is y    # a view cannot
    assert make(torch.contiguous_format).stride() == (48, 16, 4, 1)
    with pytest.raises(TypeError, match="memory_format"):
        make(3)
    with pytest.raises(RuntimeError, match="required rank 5"):
        make(torch.channels_last_3d)


def test_memory_format_keeps_values_and_gradients():
    x = torch.arange(96.0).reshape(2, 3, 4, 4).requires_grad_()
    y = x.contiguous(memory_format=torch.channels_last)
    assert y.equal(x) and y.contiguous(memory_format=torch.channels_last) is y
    (y * y).sum().backward()
    assert x.grad.equal(2 * x)
    z = x.detach().expand(2, 3, 4, 4).clone(memory_format=torch.channels_last)
    assert z.equal(x) and z.clone(memory_format=torch.contiguous_format).stride() == (48, 16, 4, 1) and z.is_leaf
    assert torch.nn.Conv2d(3, 5, 3).to(memory_format=torch.channels_last).weight.stride() == (27, 1, 9, 3)
    assert torch.ones(1, 3, 2, 2, 2).clone(memory_format=torch.channels_last_3d).stride() == (24, 1, 12, 6, 3)
    conv, image = torch.nn.Conv2d(3, 5, 3), torch.rand(2, 3, 8, 8)
    before = conv(image)
    assert (conv.to(memory_format=torch.channels_last)(image.to(memory_format=torch.channels_last)) - before).abs().max().item() < 1e-5
    with pytest.raises(RuntimeError, match="nothing to preserve"):
        torch.empty(2, memory_format=torch.preserve_format)


# ------------------------------------------------------------------------------- names of NumPy

ROWS = torch.tensor([[3.0, 1.0, 2.0], [4.0, 6.0, 5.0]])


@pytest.mark.parametrize("call", [
    lambda x, axis: x.sum(**axis), lambda x, axis: torch.mean(x, **axis), lambda x, axis: x.softmax(**axis), lambda x, axis: torch.max(x, **axis)[0],
    lambda x, axis: torch.cat([x, x], **axis), lambda x, axis: torch.stack([x, x], **axis), lambda x, axis: x.argmax(**axis), lambda x, axis: x.cumsum(**axis),
    lambda x, axis: torch.sort(x, **axis)[1], lambda x, axis: x.unbind(**axis)[0], lambda x, axis: x.unsqueeze(**axis), lambda x, axis: F.normalize(x, **axis),
    lambda x, axis: torch.linalg.vector_norm(x, **axis), lambda x, axis: torch.fft.fft(x, **axis), lambda x, axis: x.logsumexp(**axis), lambda x, axis: x.std(**axis),
    lambda x, axis: x.amin(**axis), lambda x, axis: torch.all(x, **axis), lambda x, axis: x.select(index=0, **axis), lambda x, axis: x.prod(**axis),
])
def test_axis_is_dim(call):
    for axis in (0, 1, -1):
        assert torch.equal(call(ROWS, {"axis": axis}), call(ROWS, {"dim": axis}))
    for both in ({"dim": 0, "axis": 0}, {"axis": 0, "dim": 0}):
        with pytest.raises(TypeError, match=f"{' and '.join(both)} are both given"):
            call(ROWS, both)


def test_keepdims_is_keepdim():
    assert ROWS.sum(axis=1, keepdims=True).tolist() == [[6.0], [15.0]] and torch.amax(ROWS, 0, keepdims=True).shape == (1, 3)
    assert torch.median(ROWS, axis=1, keepdims=True).values.shape == (2, 1) and ROWS.mean(axis=(0, 1)).item() == 3.5
    for wrong, words in (({"keepdims": True, "keepdim": True}, "keepdims and keepdim are both given"), ({"keepdims": "no"}, "'keepdim' must be bool, not str"), ({"axes": 1}, "axes")):
        with pytest.raises(TypeError, match=words):
            ROWS.sum(0, **wrong)
    with pytest.raises(TypeError):
        ROWS.sum(0, axis=0)
    with pytest.raises(TypeError, match="axis"):        # as in PyTorch: what has no dim has no axis
        ROWS.flip(axis=0)
    with pytest.raises(IndexError):
        ROWS.sum(axis=2)


def test_operands_have_numpy_s_names_too():
    assert torch.sum(a=ROWS, axis=0).tolist() == torch.sum(x=ROWS, dim=0).tolist() == [7, 7, 7] and torch.add(x1=ROWS, x2=1)[0, 0].item() == 4
    assert torch.cdist(x1=ROWS, x2=ROWS).shape == (2, 2)        # these are its own
    name = "".join(["a", "xis"])        # not the string that stands in the table
    assert torch.equal(ROWS.sum(**{name: 1}), ROWS.sum(1))


def test_overrides_see_the_own_names():
    seen = []

    class Sub(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            seen.append(kwargs)
            return super().__torch_function__(func, types, args, kwargs)

    assert ROWS.as_subclass(Sub).sum(axis=1, keepdims=True).shape == (2, 1) and {"dim": 1, "keepdim": True} in seen
