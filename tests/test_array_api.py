"""The namespace of the Array API standard against NumPy's, which has the same names: dtypes, shapes and values."""
import inspect
import itertools
import math

import numpy as np
import pytest

import pyxtorch as torch
import pyxtorch.array_api as xp

INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float32", "float64"]
COMPLEX = ["complex64", "complex128"]
ALL = ["bool", *INTEGERS, *FLOATS, *COMPLEX]
SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, -3.0, 7.25, 1e-30, -1e30]
SIGNATURES = """
abs(x, /) acos(x, /) acosh(x, /) add(x1, x2, /) all(x, /, *, axis=None, keepdims=False) any(x, /, *, axis=None, keepdims=False)
arange(start, /, stop=None, step=1, *, dtype=None, device=None) argmax(x, /, *, axis=None, keepdims=False)
argmin(x, /, *, axis=None, keepdims=False) argsort(x, /, *, axis=-1, descending=False, stable=True)
asarray(obj, /, *, dtype=None, device=None, copy=None) asin(x, /) asinh(x, /) astype(x, dtype, /, *, copy=True, device=None) atan(x, /)
atan2(x1, x2, /) atanh(x, /) bitwise_and(x1, x2, /) bitwise_invert(x, /) bitwise_left_shift(x1, x2, /) bitwise_or(x1, x2, /)
bitwise_right_shift(x1, x2, /) bitwise_xor(x1, x2, /) broadcast_arrays(*arrays) broadcast_to(x, /, shape) can_cast(from_, to, /) ceil(x, /)
clip(x, /, min=None, max=None) concat(arrays, /, *, axis=0) conj(x, /) copysign(x1, x2, /) cos(x, /) cosh(x, /)
count_nonzero(x, /, *, axis=None, keepdims=False) cumulative_prod(x, /, *, axis=None, dtype=None, include_initial=False)
cumulative_sum(x, /, *, axis=None, dtype=None, include_initial=False) diff(x, /, *, axis=-1, n=1, prepend=None, append=None)
divide(x1, x2, /) empty(shape, *, dtype=None, device=None) empty_like(x, /, *, dtype=None, device=None) equal(x1, x2, /) exp(x, /)
expand_dims(x, /, axis=0) expm1(x, /) eye(n_rows, n_cols=None, /, *, k=0, dtype=None, device=None) finfo(type, /)
flip(x, /, *, axis=None) floor(x, /) floor_divide(x1, x2, /) from_dlpack(x, /, *, device=None, copy=None)
full(shape, fill_value, *, dtype=None, device=None) full_like(x, /, fill_value, *, dtype=None, device=None) greater(x1, x2, /)
greater_equal(x1, x2, /) hypot(x1, x2, /) iinfo(type, /) imag(x, /) isdtype(dtype, kind) isfinite(x, /) isinf(x, /) isnan(x, /)
less(x1, x2, /) less_equal(x1, x2, /) linspace(start, stop, /, num, *, dtype=None, device=None, endpoint=True) log(x, /) log10(x, /)
log1p(x, /) log2(x, /) logaddexp(x1, x2, /) logical_and(x1, x2, /) logical_not(x, /) logical_or(x1, x2, /) logical_xor(x1, x2, /)
matmul(x1, x2, /) matrix_transpose(x, /) max(x, /, *, axis=None, keepdims=False) maximum(x1, x2, /) mean(x, /, *, axis=None, keepdims=False)
meshgrid(*arrays, indexing='xy') min(x, /, *, axis=None, keepdims=False) minimum(x1, x2, /) moveaxis(x, source, destination, /)
multiply(x1, x2, /) negative(x, /) nextafter(x1, x2, /) nonzero(x, /) not_equal(x1, x2, /) ones(shape, *, dtype=None, device=None)
ones_like(x, /, *, dtype=None, device=None) permute_dims(x, /, axes) positive(x, /) pow(x1, x2, /)
prod(x, /, *, axis=None, dtype=None, keepdims=False) real(x, /) reciprocal(x, /) remainder(x1, x2, /) repeat(x, repeats, /, *, axis=None)
reshape(x, /, shape, *, copy=None) result_type(*arrays_and_dtypes) roll(x, /, shift, *, axis=None) round(x, /)
searchsorted(x1, x2, /, *, side='left', sorter=None) sign(x, /) signbit(x, /) sin(x, /) sinh(x, /)
sort(x, /, *, axis=-1, descending=False, stable=True) sqrt(x, /) square(x, /) squeeze(x, /, axis) stack(arrays, /, *, axis=0)
std(x, /, *, axis=None, correction=0.0, keepdims=False) subtract(x1, x2, /) sum(x, /, *, axis=None, dtype=None, keepdims=False)
take(x, indices, /, *, axis=None) take_along_axis(x, indices, /, *, axis=-1) tan(x, /) tanh(x, /) tensordot(x1, x2, /, *, axes=2)
tile(x, repetitions, /) tril(x, /, *, k=0) triu(x, /, *, k=0) trunc(x, /) unique_all(x, /) unique_counts(x, /) unique_inverse(x, /)
unique_values(x, /) unstack(x, /, *, axis=0) var(x, /, *, axis=None, correction=0.0, keepdims=False) vecdot(x1, x2, /, *, axis=-1)
where(condition, x1, x2, /) zeros(shape, *, dtype=None, device=None) zeros_like(x, /, *, dtype=None, device=None)
linalg.cholesky(x, /, *, upper=False) linalg.cross(x1, x2, /, *, axis=-1) linalg.det(x, /) linalg.diagonal(x, /, *, offset=0)
linalg.eigh(x, /) linalg.eigvalsh(x, /) linalg.inv(x, /) linalg.matmul(x1, x2, /) linalg.matrix_norm(x, /, *, keepdims=False, ord='fro')
linalg.matrix_power(x, n, /) linalg.matrix_rank(x, /, *, rtol=None) linalg.matrix_transpose(x, /) linalg.outer(x1, x2, /)
linalg.pinv(x, /, *, rtol=None) linalg.qr(x, /, *, mode='reduced') linalg.slogdet(x, /) linalg.solve(x1, x2, /)
linalg.svd(x, /, *, full_matrices=True) linalg.svdvals(x, /) linalg.tensordot(x1, x2, /, *, axes=2)
linalg.trace(x, /, *, offset=0, dtype=None) linalg.vecdot(x1, x2, /, *, axis=-1)
linalg.vector_norm(x, /, *, axis=None, keepdims=False, ord=2) fft.fft(x, /, *, n=None, axis=-1, norm='backward')
fft.ifft(x, /, *, n=None, axis=-1, norm='backward') fft.rfft(x, /, *, n=None, axis=-1, norm='backward')
fft.irfft(x, /, *, n=None, axis=-1, norm='backward') fft.hfft(x, /, *, n=None, axis=-1, norm='backward')
fft.ihfft(x, /, *, n=None, axis=-1, norm='backward') fft.fftn(x, /, *, s=None, axes=None, norm='backward')
fft.ifftn(x, /, *, s=None, axes=None, norm='backward') fft.rfftn(x, /, *, s=None, axes=None, norm='backward')
fft.irfftn(x, /, *, s=None, axes=None, norm='backward') fft.fftfreq(n, /, *, d=1.0, dtype=None, device=None)
fft.rfftfreq(n, /, *, d=1.0, dtype=None, device=None) fft.fftshift(x, /, *, axes=None) fft.ifftshift(x, /, *, axes=None)
__array_namespace_info__()
"""


def data(dtype, shape=(), seed=0, special=True):
    """An array of any dtype; floats with what is special among them."""
    rng = np.random.default_rng([seed, *dtype.encode(), *shape])
    if dtype == "bool":
        return np.asarray(rng.integers(0, 2, shape), bool)
    if "int" in dtype:
        limits = np.iinfo(dtype)
        whole = rng.integers(0 if dtype[0] == "u" else -9, 9, shape)
        extreme = rng.choice(np.array([limits.min, limits.max], dtype), shape)
        return np.where(rng.random(shape) < (0.2 if special else 0), extreme, np.asarray(whole, dtype))
    if dtype in COMPLEX:
        return np.asarray(rng.standard_normal(shape) * 2 + 1j * rng.standard_normal(shape), dtype)
    normal = rng.standard_normal(shape) * 3
    return np.where(rng.random(shape) < (0.3 if special else 0), rng.choice(SPECIAL, shape), normal).astype(dtype)


def tensors(value):
    """The same arguments with tensors for arrays and our dtypes for NumPy's."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    if isinstance(value, np.dtype):
        return getattr(torch, value.name)
    if isinstance(value, (tuple, list)) and any(isinstance(one, np.ndarray) for one in value):
        return type(value)(tensors(one) for one in value)
    return value


def same(got, expected, tolerance=0.0, what=""):
    """One tensor and one array: dtype, shape, values, signs of zeros."""
    if isinstance(expected, (tuple, list)):
        assert isinstance(got, (tuple, list)) and len(got) == len(expected), what
        for one, other in zip(got, expected):
            same(one, other, tolerance, what)
        return
    expected = np.asarray(expected)
    assert type(got) is torch.Tensor, what
    assert got.dtype is getattr(torch, expected.dtype.name), (what, got.dtype, expected.dtype)
    assert tuple(got.shape) == expected.shape, (what, got.shape, expected.shape)
    got = got.detach().resolve_conj().numpy()
    if tolerance:
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance, err_msg=str(what))
    else:
        np.testing.assert_array_equal(got, expected, err_msg=str(what))
    if expected.dtype.kind == "f":
        zero = expected == 0
        np.testing.assert_array_equal(np.signbit(got[zero]), np.signbit(expected[zero]), err_msg=f"signs of zeros: {what}")


def find(namespace, name):
    for part in name.split("."):
        namespace = getattr(namespace, part)
    return namespace


def check(name, *args, tolerance=0.0, oracle=None, **kwargs):
    """A call of both namespaces."""
    with np.errstate(all="ignore"):
        expected = (oracle or find(np, name))(*args, **kwargs)
    got = find(xp, name)(*map(tensors, args), **{key: tensors(value) for key, value in kwargs.items()})
    same(got, expected, tolerance, (name, args, kwargs))


def error_of(dtype, places=4):
    return places * float(np.finfo(dtype).eps) if dtype in FLOATS + COMPLEX else 0.0


def test_all_names_are_there_with_the_standard_s_parameters():
    found = {}
    for name in {line[:line.index("(")] for line in SIGNATURES.replace(") ", ")\n").split("\n") if line}:
        found[name] = f"{name}{inspect.signature(find(xp, name))}"
    wanted = set(SIGNATURES.replace(") ", ")\n").strip().split("\n"))
    assert set(found.values()) == wanted and len(wanted) == 171
    for name in {*ALL, "e", "pi", "inf", "nan", "newaxis", "linalg", "fft"}:
        assert hasattr(xp, name)
    assert set(xp.__all__) <= set(dir(xp)) and xp.__array_api_version__ == "2024.12"
    assert all((inspect.getdoc(find(xp, name)) or "").strip() for name in found)


def test_a_tensor_names_its_namespace():
    x = torch.ones(2)
    assert x.__array_namespace__() is xp is x.__array_namespace__(api_version="2024.12") is x.__array_namespace__(api_version="2022.12")
    for version in ("2025.12", "1", 2024):
        with pytest.raises(ValueError, match=str(version)):
            x.__array_namespace__(api_version=version)
    info = xp.__array_namespace_info__()
    assert info.default_device() == torch.device("cpu") and torch.device("cpu") in info.devices()
    assert info.capabilities() == {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}
    assert info.default_dtypes() == {"real floating": torch.float32, "complex floating": torch.complex64, "integral": torch.int64, "indexing": torch.int64}
    assert set(info.dtypes()) == set(ALL) and list(info.dtypes(kind="unsigned integer")) == INTEGERS[4:]
    assert set(info.dtypes(kind=("real floating", "bool"))) == {"bool", *FLOATS}
    with pytest.raises(ValueError, match="'integer'"):
        info.dtypes(kind="integer")


UNARY = {
    "numeric": "negative positive square abs sign",
    "real": "ceil floor trunc round",
    "integral": "bitwise_invert",
    "floating": "acos acosh asin asinh atan atanh cos cosh exp expm1 log log10 log1p log2 reciprocal sin sinh sqrt tan tanh",
    "float": "signbit",
    "complex": "conj imag real",
    "any": "isfinite isinf isnan",
    "bool": "logical_not",
}
DTYPES = {
    "numeric": ALL[1:], "real": INTEGERS + FLOATS, "integral": ["bool", *INTEGERS], "floating": FLOATS + COMPLEX, "float": FLOATS,
    "complex": COMPLEX, "any": ALL[1:], "bool": ["bool"],
}  # fmt: skip
EXACT = {"negative", "positive", "ceil", "floor", "trunc", "round", "signbit", "conj", "imag", "real", "isfinite", "isinf", "isnan", "bitwise_invert", "logical_not"}


@pytest.mark.parametrize("kind, name", [(kind, name) for kind, names in UNARY.items() for name in names.split()])
def test_unary_functions(kind, name):
    for dtype in DTYPES[kind]:
        for shape in ((), (0,), (60,), (2, 3)):
            check(name, data(dtype, shape), tolerance=0 if name in EXACT or "int" in dtype else error_of(dtype, 8))
        if dtype in FLOATS:
            check(name, np.array(SPECIAL, dtype), tolerance=0 if name in EXACT else error_of(dtype, 8))
    with pytest.raises(TypeError, match=f"{name}.*list"):
        getattr(xp, name)([1.0])


def pairs(dtypes):
    """All pairs that the standard promotes."""
    for one, other in itertools.product(dtypes, repeat=2):
        if not ("uint64" in (one, other) and one[0] + other[0] in ("iu", "ui")) and np.dtype(one).kind.replace("u", "i") == np.dtype(other).kind.replace("u", "i"):
            yield one, other
        elif np.dtype(one).kind + np.dtype(other).kind in ("fc", "cf"):
            yield one, other


BINARY = {
    "numeric": "add subtract multiply equal not_equal",
    "floating": "divide",
    "real": "greater greater_equal less less_equal maximum minimum",
    "integral": "bitwise_and bitwise_or bitwise_xor",
    "float": "atan2 copysign hypot logaddexp nextafter",
    "bool": "logical_and logical_or logical_xor",
}
SHAPES = [((), ()), ((), (5,)), ((5,), ()), ((3, 1), (4,)), ((0,), (1,)), ((40,), (40,))]


@pytest.mark.parametrize("kind, name", [(kind, name) for kind, names in BINARY.items() for name in names.split()])
def test_binary_functions_promote_by_dtype_alone(kind, name):
    close = 0 if name not in ("atan2", "hypot", "logaddexp", "divide", "multiply") else 8
    for one, other in pairs(DTYPES[kind]):
        for a, b in SHAPES:
            x, y = data(one, a), data(other, b, 1)
            both = np.result_type(x.dtype, y.dtype)
            check(name, x, y, oracle=lambda x, y, both=both: getattr(np, name)(x.astype(both), y.astype(both)), tolerance=close and error_of(both.name, close))
    for dtype in DTYPES[kind]:
        number = {"b": True, "i": 2, "u": 2, "f": 0.5, "c": 1.5}[np.dtype(dtype).kind]
        x = data(dtype, (7,))
        check(name, x, number, oracle=lambda x, n: getattr(np, name)(x, np.asarray(n, x.dtype)), tolerance=close and error_of(dtype, close))
        check(name, number, x, oracle=lambda n, x: getattr(np, name)(np.asarray(n, x.dtype), x), tolerance=close and error_of(dtype, close))
    for wrong in ((1, 2), ([1.0], torch.ones(1))):
        with pytest.raises(TypeError, match=name):
            getattr(xp, name)(*wrong)


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "pow", "remainder", "floor_divide", "atan2", "copysign", "hypot", "logaddexp", "maximum", "minimum", "nextafter", "equal", "less"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_binary_functions_of_special_values(name, dtype):
    x, y = (np.array(v, dtype).reshape(-1) for v in zip(*itertools.product(SPECIAL, repeat=2)))
    if name in ("maximum", "minimum"):     # of two zeros NumPy takes the first
        x, y = x[(x != 0) | (y != 0)], y[(x != 0) | (y != 0)]
    check(name, x, y, tolerance=0 if name not in ("atan2", "hypot", "logaddexp", "pow", "remainder") else error_of(dtype, 8))


def test_powers_quotients_and_shifts_of_integers():
    for one, other in pairs(INTEGERS):
        x, y = data(one, (50,)), np.abs(data(other, (50,), 1, special=False)) % 6 + 1
        both = np.result_type(x.dtype, y.dtype)
        for name in ("remainder", "floor_divide", "pow"):
            check(name, x, y, oracle=lambda x, y, both=both, name=name: getattr(np, name)(x.astype(both), y.astype(both)))
        for name in ("bitwise_left_shift", "bitwise_right_shift"):
            check(name, x, y, oracle=lambda x, y, both=both, name=name: getattr(np, name)(x.astype(both), y.astype(both)))
        if one[0] == "i" == other[0]:
            check("remainder", x, -y)
            check("floor_divide", x, -y)
    for one, other in pairs(FLOATS + COMPLEX):
        x, y = np.abs(data(one, (20,), special=False)).astype(one), data(other, (20,), 1, special=False)
        check("pow", x, y, tolerance=100 * error_of(np.result_type(x.dtype, y.dtype).name))


def test_dtypes():
    for one, other in itertools.product(ALL, repeat=2):
        ours = getattr(torch, one), getattr(torch, other)
        kinds = {np.dtype(one).kind.replace("u", "i"), np.dtype(other).kind.replace("u", "i")}
        if len(kinds) == 1 or kinds == {"f", "c"}:
            expected = np.result_type(one, other)
            if "uint64" in (one, other) and expected.kind == "f":
                with pytest.raises(TypeError, match="uint64"):
                    xp.result_type(*ours)
                assert not xp.can_cast(*ours)
                continue
            assert xp.result_type(*ours) is getattr(torch, expected.name)
            assert xp.can_cast(*ours) == (expected.name == other) == xp.can_cast(torch.ones(2, dtype=ours[0]), ours[1])
    assert xp.result_type(torch.ones((), dtype=torch.float64), torch.ones(3)) is torch.float64      # where PyTorch's is float32
    assert xp.result_type(torch.int8, 1) is xp.int8 and xp.result_type(xp.float32, 1.0, 2) is xp.float32 and xp.result_type(1j, xp.float64) is xp.complex128
    for wrong, error in (((), ValueError), ((1, 2.0), ValueError), (("f4",), TypeError)):
        with pytest.raises(error, match="result_type"):
            xp.result_type(*wrong)
    for dtype in FLOATS + COMPLEX:
        ours, numpys = xp.finfo(getattr(torch, dtype)), np.finfo(dtype)
        assert all(getattr(ours, k) == getattr(numpys, k) and type(getattr(ours, k)) is float for k in ("eps", "max", "min", "smallest_normal"))
        assert ours.bits == numpys.bits and ours.dtype is getattr(torch, numpys.dtype.name) and xp.finfo(torch.ones(1, dtype=getattr(torch, dtype))).eps == ours.eps
    for dtype in INTEGERS:
        ours, numpys = xp.iinfo(getattr(torch, dtype)), np.iinfo(dtype)
        assert (ours.bits, ours.max, ours.min, ours.dtype) == (numpys.bits, numpys.max, numpys.min, getattr(torch, dtype))
    for dtype in ALL:
        for kind in ("bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric", ("bool", "integral")):
            assert xp.isdtype(getattr(torch, dtype), kind) == np.isdtype(np.dtype(dtype), kind)
    assert xp.isdtype(torch.float16, "real floating") and xp.isdtype(xp.int8, (xp.bool, xp.int8)) and not xp.isdtype(xp.int8, xp.int16)
    for wrong, error in (("float", ValueError), (3, ValueError)):
        with pytest.raises(error, match="kind"):
            xp.isdtype(xp.float32, wrong)


def test_astype():
    for one, other in itertools.product(ALL, repeat=2):
        x = data(one, (2, 5), special=False)
        if one in COMPLEX and other not in (*COMPLEX, "bool"):
            with pytest.raises(TypeError, match="imaginary"):
                xp.astype(tensors(x), getattr(torch, other))
        elif not (other[0] == "u" and (x < 0).any() if one not in COMPLEX + ["bool"] else False):
            same(xp.astype(tensors(x), getattr(torch, other)), x.astype(other), what=(one, other))
    x = torch.ones(3)
    assert xp.astype(x, xp.float32, copy=False) is x and xp.astype(x, xp.float32) is not x and xp.astype(x, xp.int8, device="cpu").device == torch.device("cpu")


def test_clip():
    for dtype in INTEGERS + FLOATS:
        x = data(dtype, (30,))
        low, high = (2, 5) if "int" in dtype else (-0.5, 2.0)
        for args in ((), (low,), (None, high), (low, high), (np.full((4, 1), low, dtype), high), (np.array(low, dtype), np.full(30, high, dtype))):
            check("clip", x, *args, oracle=lambda x, low=None, high=None: np.clip(x, low, high).astype(x.dtype))
    check("clip", np.array([-5, 300], "int16"), -100000, 2**40, oracle=lambda x, *_: x)
    check("clip", np.array([0, 9], "uint8"), 0.5, 7.5, oracle=lambda *_: np.array([1, 7], "uint8"))
    x = torch.ones(3)
    assert xp.clip(x) is not x and xp.isnan(xp.clip(torch.tensor(math.nan), 0.0, 1.0))


def test_gradients_flow():
    x = torch.tensor([0.5, 2.0], requires_grad=True)
    y = xp.sum(xp.multiply(xp.astype(x, xp.float64), torch.tensor([3.0, 4.0], dtype=xp.float64)) + xp.clip(xp.concat([x, x])[:2], min=1.0))
    y.backward()
    assert x.grad.tolist() == [3.0, 5.0]
    assert xp.asarray(x) is x and xp.asarray(x, copy=True).requires_grad and xp.sign(x).requires_grad


def test_making_tensors():
    for dtype in (None, *ALL):
        kwargs = {} if dtype is None else {"dtype": np.dtype(dtype)}
        ours = {key: getattr(torch, value.name) for key, value in kwargs.items()}
        default = np.dtype(dtype or "float32")
        for shape in ((), 3, (2, 0), (2, 3), [4, 1]):
            same(xp.zeros(shape, **ours), np.zeros(shape, default))
            same(xp.ones(shape, **ours), np.ones(shape, default))
            same(xp.full(shape, True, **ours), np.full(shape, True, dtype or bool))
            empty = xp.empty(shape, **ours)
            assert empty.shape == np.empty(shape).shape and empty.dtype is getattr(torch, default.name)
        x = data("int16", (2, 3))
        for name in ("zeros_like", "ones_like"):
            check(name, x, **kwargs)
        check("full_like", x, 1, **kwargs)
        assert xp.empty_like(tensors(x), **ours).shape == (2, 3)
        if dtype != "bool":
            for n, m, k in ((3, None, 0), (2, 4, 1), (4, 2, -1), (2, 3, 5), (2, 2, -9), (0, 3, 0)):
                check("eye", n, m, k=k, oracle=lambda n, m, k, default=default, **_: np.eye(n, m, k=k, dtype=default), **kwargs)
    same(xp.full(2, 7), np.full(2, 7, "int64"))
    same(xp.full(2, 7.5), np.full(2, 7.5, "float32"))
    same(xp.full(2, 7j), np.full(2, 7j, "complex64"))
    for args in ((5,), (0,), (-3,), (2, 7), (7, 2), (0, 10, 3), (10, 0, -3), (0, 10, -1), (3, 3), (1, 2, 5)):
        check("arange", *args)
    for args in ((2.5,), (0, 1, 0.25), (1.0, 0.0), (1, 0, -0.5)):
        check("arange", *args, oracle=lambda *a: np.arange(*a).astype("float32"))
    check("arange", 5, dtype=np.dtype("float64"))
    for args in ((0, 1, 5), (1.5, -2, 4), (3, 3, 2), (0, 1, 1), (0, 1, 0)):
        for endpoint in (True, False):
            check("linspace", *args, dtype=np.dtype("float64"), endpoint=endpoint, tolerance=1e-15)
            check("linspace", *args, endpoint=endpoint, oracle=lambda *a, endpoint: np.linspace(*a, endpoint=endpoint, dtype="float32"), tolerance=1e-6)
    check("linspace", 0, 1 + 2j, 3, oracle=lambda *a: np.linspace(*a).astype("complex64"), tolerance=1e-6)
    x, y = data("int8", (3,)), data("int8", (2,), 1)
    for indexing in ("xy", "ij"):
        check("meshgrid", x, y, indexing=indexing)
        check("meshgrid", x, indexing=indexing)
    check("meshgrid", x, y, x)
    assert xp.meshgrid() == []
    for dtype in ALL:
        for shape in ((3, 3), (2, 2, 4), (0, 3)):
            for k in (0, 1, -2, 9):
                check("tril", data(dtype, shape), k=k)
                check("triu", data(dtype, shape), k=k)


def test_asarray():
    for value, dtype in ((True, "bool"), (3, "int64"), (2.5, "float32"), (1j, "complex64"), ([[1, 2], [3, 4]], "int64"), ([], "float32"),
                         ([1, 2.5], "float32"), ([True, False], "bool"), (((1.0,), (2j,)), "complex64"), ([2**63], "uint64")):
        if dtype == "uint64":
            same(xp.asarray(value, dtype=xp.uint64), np.asarray(value, dtype))
        else:
            same(xp.asarray(value), np.asarray(value, dtype))
    for dtype in ALL:
        x = data(dtype, (2, 3))
        same(xp.asarray(x), x)
        assert xp.asarray(x).data_ptr() == x.ctypes.data != xp.asarray(x, copy=True).data_ptr()
        same(xp.asarray(x.tolist(), dtype=getattr(torch, dtype)), x)
    x = torch.ones(2)
    assert xp.asarray(x, copy=False) is x and xp.asarray(x, copy=True) is not x and xp.asarray([x[0], x[1]]).tolist() == [1, 1]
    for call in (lambda: xp.asarray(x, dtype=xp.int8, copy=False), lambda: xp.asarray([1, 2], copy=False), lambda: xp.reshape(xp.matrix_transpose(torch.ones(2, 3)), (6,), copy=False)):
        with pytest.raises(ValueError, match="copy"):
            call()


def test_rearranging():
    for dtype in ("int8", "complex64", "bool"):
        x = data(dtype, (2, 3, 4))
        v, point = data(dtype, (5,)), data(dtype, ())
        for shape in ((6, 4), (-1,), (2, 3, 2, 2), (24, 1)):
            check("reshape", x, shape)
            check("reshape", x, shape, copy=True, oracle=lambda x, shape, copy: x.reshape(shape))
        check("reshape", point, (1, 1))
        check("broadcast_to", v, (2, 5))
        check("broadcast_arrays", v, point, x[0, 0, :1])
        for axis in (0, 2, -1, -3):
            check("flip", x, axis=axis)
            check("expand_dims", x, axis=axis)
            check("concat", [x, x[:, ::-1].copy()], axis=axis)
            check("stack", [x, x], axis=axis)
            check("unstack", x, axis=axis, oracle=lambda x, axis: tuple(np.moveaxis(x, axis, 0)))
            check("repeat", x, 2, axis=axis)
            check("repeat", x, np.array([3]), axis=axis)
            check("roll", x, 2, axis=axis)
            check("roll", x, -1, axis=axis)
        check("repeat", x, np.array([1, 0, 2]), axis=1)
        check("repeat", x, 3)
        check("repeat", point, 2)
        check("repeat", v, np.arange(5))
        check("concat", [x, v.reshape(1, 5)], axis=None)
        check("flip", x)
        check("flip", x, axis=(0, -1))
        check("flip", point)
        check("roll", x, 5)
        check("roll", point, 1)
        check("roll", x, (1, 2), axis=(0, 1))
        check("roll", x, 1, axis=(0, 2))
        check("squeeze", x[:, :1, :1], (1, 2))
        check("squeeze", x[:1], 0)
        check("squeeze", x[:1], -3)
        check("permute_dims", x, (2, 0, 1))
        check("permute_dims", point, ())
        check("matrix_transpose", x)
        check("moveaxis", x, 0, -1)
        check("moveaxis", x, (0, 1), (2, 0))
        for repetitions in ((2,), (2, 1), (1, 2, 3), (2, 1, 1, 2), (0, 1, 1), ()):
            check("tile", x, repetitions)
        check("tile", point, (2, 2))
    for one, other in pairs(ALL):
        check("concat", [data(one, (2,)), data(other, (3,))])
        check("stack", [data(one, (2,)), data(other, (2,))])
        check("where", data("bool", (4,)), data(one, ()), data(other, (3, 4)))
    check("where", data("bool", (4,)), data("float32", (4,)), 2.5)
    check("where", data("bool", (4,)), 1, 2)
    check("where", data("bool", (4,)), 1, 0.5, oracle=lambda c, a, b: np.where(c, a, b).astype("float32"))
    check("where", data("bool", (4,)), 1, data("uint8", (4,)), oracle=lambda c, a, b: np.where(c, np.uint8(a), b))
    for wrong, error in ((lambda: xp.squeeze(torch.ones(2, 1), 0), ValueError), (lambda: xp.squeeze(torch.ones(2, 1), (1, 0)), ValueError), (lambda: xp.squeeze(torch.ones(2), 5), IndexError),
                         (lambda: xp.expand_dims(torch.ones(2), axis=3), IndexError), (lambda: xp.matrix_transpose(torch.ones(2)), ValueError), (lambda: xp.concat([1, 2]), TypeError)):
        with pytest.raises(error):
            wrong()


AXES = (None, 0, -1, 1, (0, 2), (-1, 0), (0, 1, 2), ())


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "all", "any", "count_nonzero", "mean", "var", "std"])
def test_reductions(name):
    for dtype in ALL:
        if (dtype in COMPLEX and name in ("max", "min", "var", "std")) or (dtype not in FLOATS + COMPLEX and name in ("mean", "var", "std")) or (dtype == "bool" and name in ("max", "min", "sum", "prod")):
            continue
        x = data(dtype, (2, 3, 2), special=name not in ("sum", "mean", "var", "std"))
        for axis in AXES:
            for keepdims in (False, True):
                more = {"correction": 0.5} if name in ("var", "std") and axis != () else {}
                call = {"correction" if key == "correction" else key: value for key, value in more.items()}
                check(name, x, axis=axis, keepdims=keepdims, tolerance=error_of(dtype, 20), **call,
                      oracle=(lambda x, **k: (x.astype(bool)) if k["axis"] == () else getattr(np, name)(x, **k)) if name in ("all", "any") else None)
        if name in ("sum", "prod"):
            for other in ("float64", "complex128") if dtype in COMPLEX else ("int64", "float32", "uint64", "float64") if "int" in dtype else ("float64",):
                if not (other[0] == "u" and dtype[0] != "u") and not (dtype in COMPLEX and other not in COMPLEX):
                    x = data(dtype, (2, 3, 2), special=False)
                    check(name, x, axis=1, dtype=np.dtype(other), tolerance=1e-6)
                    check(name, x, axis=(), dtype=np.dtype(other), tolerance=1e-6)
        check(name, data(dtype, ()), tolerance=error_of(dtype))
        if name in ("sum", "prod", "all", "any", "count_nonzero"):
            check(name, data(dtype, (0, 3)), axis=0)
            check(name, data(dtype, (0,)))
    for axis, error in ((3, IndexError), ((0, 0), ValueError), ((0, -3), ValueError)):
        with pytest.raises(error, match=name):
            getattr(xp, name)(torch.ones(1, 2, 3), axis=axis)


def test_running_sums_and_differences():
    for dtype in ALL[1:]:
        x = data(dtype, (3, 4), special=False)
        for name in ("cumulative_sum", "cumulative_prod"):
            for axis in (0, 1, -1, -2):
                for more in ({}, {"include_initial": True}):
                    check(name, x, axis=axis, tolerance=error_of(dtype, 20), **more)
            check(name, x[0], tolerance=error_of(dtype, 20))
            check(name, x[0, :0], include_initial=True)
            check(name, x[0], dtype=np.dtype("complex128"), tolerance=1e-6)
            with pytest.raises(ValueError, match="axis"):
                getattr(xp, name)(tensors(x))
        for axis in (0, -1):
            for n in (0, 1, 2, 5):
                check("diff", x, axis=axis, n=n, tolerance=error_of(dtype, 40))
        check("diff", x, prepend=x[:, :2], append=x[:, :1], tolerance=error_of(dtype, 20))


def test_finding():
    for dtype in INTEGERS + FLOATS:
        x = data(dtype, (3, 4, 2), special="int" in dtype)
        for name in ("argmax", "argmin"):
            for axis in (None, 0, 1, -1):
                for keepdims in (False, True):
                    check(name, x, axis=axis, keepdims=keepdims)
            check(name, data(dtype, ()))
        for axis in (0, -1):
            for descending in (False, True):
                sign = -1 if descending else 1
                expected = np.sort(x, axis=axis)
                check("sort", x, axis=axis, descending=descending, oracle=lambda *_, expected=expected, sign=sign, axis=axis, **__: np.flip(expected, axis) if sign < 0 else expected)
                places = xp.argsort(tensors(x), axis=axis, descending=descending)
                same(xp.take_along_axis(tensors(x), places, axis=axis), np.take_along_axis(x, places.numpy(), axis))
                same(xp.take_along_axis(tensors(x), places, axis=axis), np.flip(expected, axis) if descending else expected)
        vector, values = np.sort(data(dtype, (9,), special="int" in dtype)), data(dtype, (3, 4), 1, special="int" in dtype)
        for side in ("left", "right"):
            check("searchsorted", vector, values, side=side)
            check("searchsorted", vector, values[0, 0], side=side)
            check("searchsorted", vector[::-1].copy(), values, side=side, sorter=np.arange(8, -1, -1), oracle=lambda v, x, side, sorter: np.searchsorted(v, x, side, sorter))
    x = np.array([3, 1, 3, 1, 2, 3])
    assert xp.argsort(torch.from_numpy(x), descending=True).tolist() == [0, 2, 5, 4, 1, 3] and xp.argsort(torch.from_numpy(x)).tolist() == [1, 3, 4, 0, 2, 5]
    for dtype in ALL:
        x = data(dtype, (3, 4))
        check("nonzero", x)
        check("nonzero", x[0])
        for axis in (0, 1, -1, -2):
            for indices in (np.array([0, 2, 1, 0]), np.array([-1, 0], "int8"), np.array([], "int64"), np.array([1, 2], "uint8")):
                check("take", x, indices, axis=axis)
            check("take_along_axis", x, np.array([[0, -1], [1, 2], [2, 0]])[:, : 2 if axis in (1, -1) else 1].repeat(1 if axis in (1, -1) else 4, 1), axis=axis)
        check("take", x[0], np.array([3, 3]))
        check("take", x, np.array([[0, 1], [2, 0]]), axis=0)
    for wrong, error in ((lambda: xp.nonzero(torch.ones(())), ValueError), (lambda: xp.take(torch.ones(2, 2), torch.tensor([0])), ValueError), (lambda: xp.take(torch.ones(2), torch.tensor([2])), IndexError),
                         (lambda: xp.searchsorted(torch.ones(2), torch.ones(2), side="up"), ValueError), (lambda: xp.searchsorted(torch.ones(2, 2), torch.ones(2)), ValueError)):
        with pytest.raises(error):
            wrong()


def test_sets():
    for dtype in ALL:
        for shape in ((), (0,), (40,), (3, 4, 2)):
            x = data(dtype, shape, special=True)
            if dtype in COMPLEX:
                x = np.round(x.real) + 1j * np.round(x.imag / 2)
                x = np.asarray(x, dtype)
            found = xp.unique_all(tensors(x))
            assert found._fields == ("values", "indices", "inverse_indices", "counts")
            expected = np.unique_all(x)
            same(xp.astype(xp.abs(found.values), xp.float64) if dtype != "bool" else found.values, np.abs(expected.values).astype("float64") if dtype != "bool" else expected.values)
            same(found.counts, expected.counts)
            assert found.inverse_indices.shape == x.shape and found.inverse_indices.dtype is found.indices.dtype is xp.int64
            flat = tensors(x).reshape(-1)
            assert np.array_equal(found.values[found.inverse_indices].numpy(), x, equal_nan=True) and np.array_equal(flat[found.indices].numpy(), found.values.numpy(), equal_nan=True)
            assert all(place == min(i for i, value in enumerate(x.reshape(-1).tolist()) if value == x.reshape(-1)[place]) for place in found.indices.tolist() if x.reshape(-1)[place] == x.reshape(-1)[place])
            for name in ("unique_counts", "unique_inverse"):
                part = getattr(xp, name)(tensors(x))
                assert all(np.array_equal(getattr(part, key).numpy(), getattr(found, key).numpy(), equal_nan=True) for key in part._fields)
            assert np.array_equal(xp.unique_values(tensors(x)).numpy(), found.values.numpy(), equal_nan=True)


def test_products():
    for one, other in pairs(ALL[1:]):
        x, y = data(one, (3, 4), special=False), data(other, (4, 2), 1, special=False)
        close = 100 * error_of(np.result_type(x.dtype, y.dtype).name)
        check("matmul", x, y, tolerance=close)
        check("matmul", x[0], y, tolerance=close)
        check("matmul", x[0], y[:, 0].copy(), tolerance=close)
        check("vecdot", x, y[:, 0].copy(), tolerance=close)
        check("vecdot", x.T.copy(), y, axis=0, tolerance=close) if False else check("vecdot", x, data(other, (3, 4), 2, special=False), axis=0, tolerance=close)
        check("tensordot", x, y, axes=1, tolerance=close)
        check("tensordot", x, y, axes=((1,), (0,)), tolerance=close)
        check("tensordot", x, y, axes=0, tolerance=close)
        check("tensordot", x, data(other, (3, 4), 3, special=False), tolerance=close)
        check("linalg.outer", x[0], y[:, 0].copy(), oracle=np.linalg.outer, tolerance=close)
        check("linalg.cross", x[:, :3].copy(), data(other, (3, 3), 4, special=False), tolerance=close)
        check("linalg.cross", x, data(other, (3, 4), 4, special=False), axis=0, tolerance=close)
    for wrong in (lambda: xp.vecdot(torch.ones(3), torch.ones(1)), lambda: xp.matmul(torch.ones(2, 3), torch.ones(2, 3)), lambda: xp.matmul(torch.ones(()), torch.ones(2)), lambda: xp.linalg.cross(torch.ones(2), torch.ones(2))):
        with pytest.raises((ValueError, RuntimeError)):
            wrong()


@pytest.mark.parametrize("dtype", FLOATS + COMPLEX)
def test_linear_algebra(dtype):
    close = 2000 * error_of(dtype)
    real = np.dtype(dtype).type(0).real.dtype
    for batch in ((), (2,), (0,)):
        x = data(dtype, (*batch, 3, 3), special=False) + (3 * np.eye(3)).astype(dtype)
        tall = data(dtype, (*batch, 4, 2), special=False)
        symmetric = x + x.conj().swapaxes(-1, -2)
        positive = (x @ x.conj().swapaxes(-1, -2) + np.eye(3)).astype(dtype)
        for name in ("det", "inv"):
            check(f"linalg.{name}", x, tolerance=close)
        check("linalg.eigvalsh", symmetric, tolerance=close)
        for a in (x, tall):
            check("linalg.svdvals", a, tolerance=close)
            check("linalg.pinv", a, tolerance=close)
            check("linalg.pinv", a, rtol=0.1, tolerance=close)
            check("linalg.matrix_rank", a)
            check("linalg.diagonal", a, offset=1)
            check("linalg.diagonal", a)
            check("linalg.trace", a, tolerance=close)
            check("linalg.trace", a, offset=-1, tolerance=close)
            for order in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf):
                check("linalg.matrix_norm", a, ord=order, tolerance=close)
            check("linalg.matrix_norm", a, keepdims=True, tolerance=close)
            for mode in ("reduced", "complete"):
                q, r = xp.linalg.qr(tensors(a), mode=mode)
                same(xp.matmul(q, r), a, close)
                assert q.shape[-1] == (a.shape[-2] if mode == "complete" else min(a.shape[-2:])) and r.shape[-1] == a.shape[-1]
            for full in (True, False):
                found, expected = xp.linalg.svd(tensors(a), full_matrices=full), np.linalg.svd(a, full_matrices=full)
                assert [tuple(part.shape) for part in found] == [part.shape for part in expected] and found.S.dtype is getattr(torch, real.name)
                k = min(a.shape[-2:])
                same(xp.matmul(found.U[..., :k] * found.S[..., None, :], found.Vh[..., :k, :]), a, close)
        same(found.S, expected.S, close)
        values, vectors = xp.linalg.eigh(tensors(symmetric))
        same(xp.matmul(tensors(symmetric), vectors), (vectors * values[..., None, :]).numpy(), close)
        for upper in (False, True):
            check("linalg.cholesky", positive, upper=upper, tolerance=close)
        check("linalg.slogdet", x, tolerance=close)
        for n in (0, 1, 3, -2):
            check("linalg.matrix_power", x, n, tolerance=close)
        vector = data(dtype, (3,), 5, special=False)
        check("linalg.solve", x, vector, oracle=lambda a, b: np.linalg.solve(a, b), tolerance=close)
        for b in (data(dtype, (3, 2), 6, special=False), data(dtype, (*batch, 3, 1), 7, special=False), data(dtype, (3, 3), 8, special=False)):
            check("linalg.solve", x, b, tolerance=close)
    check("linalg.solve", data(dtype, (3, 3), special=False) + np.eye(3).astype(dtype), data(dtype, (3, 3, 3), 1, special=False), tolerance=close)
    check("linalg.solve", np.full((1, 1, 1), 2, dtype), np.full(1, 3, dtype), tolerance=close)
    check("linalg.matrix_rank", np.stack([np.diag([1, 1e-3, 0]), np.eye(3)]).astype(dtype), rtol=np.array([0.1, 0.1], real))
    x = data(dtype, (2, 3, 4), special=False)
    for axis in (None, 0, -1, (0, 2), (0, 1, 2)):
        for order in (2, 1, 0, 3, 0.5, -1, math.inf, -math.inf):
            for keepdims in (False, True):
                check("linalg.vector_norm", x, axis=axis, ord=order, keepdims=keepdims, tolerance=close)
    same(xp.linalg.vector_norm(tensors(x), axis=()), np.abs(x), close)


@pytest.mark.parametrize("dtype", FLOATS + COMPLEX)
def test_fourier_transforms(dtype):
    close = 100 * error_of(dtype)
    x = data(dtype, (4, 6), special=False)
    for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
        if (name in ("rfft", "ihfft")) == (dtype in COMPLEX):
            continue
        for more in ({}, {"n": 5}, {"n": 9, "axis": 0}, {"axis": -2, "norm": "ortho"}, {"norm": "forward"}):
            check(f"fft.{name}", x, tolerance=close, **more)
    for name in ("fftn", "ifftn", "rfftn", "irfftn"):
        if (name == "rfftn") == (dtype in COMPLEX):
            continue
        for more in ({}, {"axes": (0,)}, {"s": (3, 8), "axes": (0, 1)}, {"axes": (1, 0), "norm": "ortho"}):
            check(f"fft.{name}", x, tolerance=close, **more)
    for name in ("fftshift", "ifftshift"):
        for axes in (None, 0, (0, 1), (-1,)):
            check(f"fft.{name}", x, axes=axes)
    if dtype in FLOATS:
        for name in ("fftfreq", "rfftfreq"):
            for n in (1, 5, 8):
                same(getattr(xp.fft, name)(n, d=0.1, dtype=getattr(torch, dtype)), getattr(np.fft, name)(n, 0.1).astype(dtype), close)
        assert xp.fft.fftfreq(4).dtype is torch.float32
