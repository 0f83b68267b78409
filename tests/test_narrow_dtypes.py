"""uint16, uint32, uint64, float8 and complex32: what other dtypes' tests, which take their dtypes from lists, do not come to."""
import itertools
import pickle

import numpy as np
import pytest

import pyxtorch as torch

UNSIGNED = [torch.uint16, torch.uint32, torch.uint64]
FLOAT8 = [torch.float8_e5m2, torch.float8_e4m3fn, torch.float8_e5m2fnuz, torch.float8_e4m3fnuz, torch.float8_e8m0fnu]
INTEGERS = [torch.uint8, *UNSIGNED, torch.int8, torch.int16, torch.int32, torch.int64]


def numbers(dtype, n=37, seed=0):
    """Integers of all sizes, the greatest among them, as an array."""
    info = np.iinfo(dtype.name if isinstance(dtype, torch.dtype) else dtype)
    r = np.random.default_rng(seed)
    bits = r.integers(0, info.bits, n)
    values = [int(r.integers(0, 2**63)) % 2 ** int(b + 1) for b in bits]
    return np.array([info.max, info.min, 0, 1, *[v % (info.max + 1) for v in values[4:]]], dtype=object).astype(info.dtype)


BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "bitwise_and": np.bitwise_and, "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor, "maximum": np.maximum, "minimum": np.minimum, "eq": np.equal, "ne": np.not_equal, "lt": np.less,
    "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "gcd": np.gcd,
}
DIVIDING = {"floor_divide": np.floor_divide, "remainder": np.remainder, "fmod": np.fmod}


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_arithmetic_is_numpys(dtype):
    a, b = numbers(dtype), numbers(dtype, seed=1)[::-1].copy()
    x, y = torch.from_numpy(a), torch.from_numpy(b)
    assert x.dtype == dtype and not dtype.is_signed
    with np.errstate(all="ignore"):
        for name, reference in BINARY.items():
            got = getattr(torch, name)(x, y).numpy()
            assert got.dtype == reference(a, b).dtype and (got == reference(a, b)).all(), name
        b[b == 0] = 3
        y = torch.from_numpy(b)
        for name, reference in DIVIDING.items():
            assert (getattr(torch, name)(x, y).numpy() == reference(a, b)).all(), name
        assert ((~x).numpy() == ~a).all() and ((-x).numpy() == -a).all() and (x.abs().numpy() == a).all()
        few = np.array([0, 1, 5, 8 * dtype.itemsize - 1], dtype=a.dtype)
        for s in few:
            assert ((x << int(s)).numpy() == np.left_shift(a, s)).all() and ((x >> int(s)).numpy() == np.right_shift(a, s)).all()
        assert (x**2).dtype == dtype and ((x**2).numpy() == a * a).all()
        assert ((x / y).numpy() == (a.astype(np.float32) / b.astype(np.float32))).all() and (x / y).dtype == torch.float32
        assert (x + 1).dtype == dtype and (x + 1.5).dtype == torch.float32


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_reductions_orders_and_places(dtype):
    a = numbers(dtype)
    x = torch.from_numpy(a)
    assert x.max().item() == a.max() and x.min().item() == 0 and x.argmax().item() == a.argmax() and x.argmin().item() == a.argmin()
    assert (x.sort()[0].numpy() == np.sort(a)).all() and (x.unique().numpy() == np.unique(a)).all()
    assert (torch.argsort(x, stable=True).numpy() == np.argsort(a, kind="stable")).all() and (x.topk(3)[0].numpy() == np.sort(a)[:-4:-1]).all()
    assert x.median().item() == np.sort(a)[(a.size - 1) // 2]
    wrapped = a.astype(np.int64)  # sums are of int64
    assert x.sum().item() == wrapped.sum() and (x.cumsum(0).numpy() == wrapped.cumsum()).all() and x.prod().dtype == torch.int64
    assert x.any().item() is True and x.count_nonzero().item() == np.count_nonzero(a) and (x.nonzero()[:, 0].numpy() == np.nonzero(a)[0]).all()
    where = torch.where(x > 5, x, torch.zeros_like(x))
    assert where.dtype == dtype and (where.numpy() == np.where(a > 5, a, 0)).all()
    assert (x.clamp(2, 9).numpy() == np.clip(a, 2, 9)).all()
    assert (torch.cat([x, x]).flip(0).numpy() == np.concatenate([a, a])[::-1]).all() and (x[torch.tensor([3, 0])].numpy() == a[[3, 0]]).all()
    places = torch.tensor([0, 1, 0, 2] * 9 + [1])
    expected = np.zeros(3, a.dtype)
    np.add.at(expected, places.numpy(), a)
    assert (torch.zeros(3, dtype=dtype).index_add_(0, places, x).numpy() == expected).all()
    assert (torch.zeros(3, dtype=dtype).scatter_add_(0, places, x).numpy() == expected).all()
    assert torch.zeros(3, dtype=dtype).scatter_reduce(0, places, x, "amax").tolist() == [int(a[places.numpy() == i].max()) for i in range(3)]
    with pytest.raises(IndexError):
        torch.arange(5)[x]


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_numbers_in_and_out(dtype):
    greatest = torch.iinfo(dtype).max
    assert greatest == 2 ** (8 * dtype.itemsize) - 1 and torch.iinfo(dtype).min == 0
    x = torch.tensor([greatest, 0, 7], dtype=dtype)
    assert x.tolist() == [greatest, 0, 7] and x[0].item() == greatest and f"{greatest}" in repr(x) and f"dtype=torch.{dtype.name}" in repr(x)
    assert torch.tensor([-1], dtype=dtype).tolist() == [greatest]
    with pytest.raises((RuntimeError, OverflowError), match="overflow|64 bits"):
        torch.zeros(2, dtype=dtype).fill_(greatest + 1)
    assert torch.full((2,), greatest, dtype=dtype).tolist() == [greatest] * 2 and torch.arange(4, dtype=dtype).tolist() == [0, 1, 2, 3]
    drawn = torch.randint(0, 200, (1000,), dtype=dtype)
    assert drawn.dtype == dtype and drawn.max() < 200 and len(set(drawn.tolist())) > 100
    assert pickle.loads(pickle.dumps(x)).tolist() == x.tolist() and torch.from_dlpack(x).dtype == dtype
    assert x.type() == f"torch.UInt{8 * dtype.itemsize}Tensor" and np.from_dlpack(x).dtype == dtype.name


def test_casts_between_all_integers_are_numpys():
    for source, to in itertools.product(INTEGERS, INTEGERS):
        a = numbers(source)
        assert (torch.from_numpy(a).to(to).numpy() == a.astype(to.name)).all(), (source, to)
        assert (torch.from_numpy(a)[::3].to(to).numpy() == a[::3].astype(to.name)).all()
    for to in UNSIGNED:
        x = torch.tensor([0.0, 1.9, 200.5, 60000.0, -0.5])
        assert x.to(to).tolist() == [0, 1, 200, 60000, 0] and x.double().to(to).tolist() == [0, 1, 200, 60000, 0]
        assert torch.tensor([True, False]).to(to).tolist() == [1, 0] and torch.tensor([3, 0], dtype=to).bool().tolist() == [True, False]
        assert torch.tensor([2**16 - 1], dtype=to).to(torch.complex64).item() == 2**16 - 1
    assert torch.tensor([2**63 + 2**40], dtype=torch.uint64).double().item() == 2**63 + 2**40
    assert torch.tensor([2.0**63 + 2.0**40], dtype=torch.float64).to(torch.uint64).item() == 2**63 + 2**40


def test_promotion_is_numpys_among_integers():
    for a, b in itertools.product([torch.bool, *INTEGERS], repeat=2):
        if {a, b} & {torch.uint64} and {a, b} & {torch.int8, torch.int16, torch.int32, torch.int64}:
            with pytest.raises(RuntimeError, match="uint64"):
                torch.promote_types(a, b)
        else:
            assert torch.promote_types(a, b).name == np.promote_types(a.name, b.name).name, (a, b)
    for a in UNSIGNED:
        assert torch.promote_types(a, torch.float16) == torch.float16 and torch.promote_types(a, torch.complex64) == torch.complex64


def test_promotion_is_pytorchs_where_it_has_one():
    real = pytest.importorskip("torch")
    names = ["bool", *[d.name for d in INTEGERS + FLOAT8], "float16", "bfloat16", "float32", "float64", "complex32", "complex64", "complex128"]
    for a, b in itertools.product(names, repeat=2):
        try:
            expected = str(real.promote_types(getattr(real, a), getattr(real, b)))
        except RuntimeError:
            if "float8" in a + b:
                with pytest.raises(RuntimeError, match="Float8"):
                    torch.promote_types(getattr(torch, a), getattr(torch, b))
            continue
        assert str(torch.promote_types(getattr(torch, a), getattr(torch, b))) == expected, (a, b)


def test_uint64_with_signed_integers_says_so():
    with pytest.raises(RuntimeError, match="uint64 and int64"):
        torch.ones(2, dtype=torch.uint64) + torch.ones(2, dtype=torch.int64)


# ------------------------------------------------------------------------------------ float8

@pytest.mark.parametrize("dtype", FLOAT8)
def test_every_code_of_float8_is_its_number(dtype):
    codes = torch.arange(256, dtype=torch.uint8)
    values = codes.view(dtype).float()
    again = values.to(dtype).view(torch.uint8)
    known = ~values.isnan()
    assert torch.equal(again[known], codes[known]) and again[~known].view(dtype).float().isnan().all()
    info = torch.finfo(dtype)
    finite = values[known & values.isfinite()]
    assert info.bits == 8 and finite.max() == info.max and finite.min() == info.min and finite[finite > 0].min() == info.smallest_subnormal


@pytest.mark.parametrize("dtype", FLOAT8[:4])
def test_float8_rounds_to_the_nearest(dtype):
    values = torch.arange(256, dtype=torch.uint8).view(dtype).double()
    grid = values[values.isfinite()].unique()
    x = torch.linspace(-float(grid[-1]), float(grid[-1]), 20001, dtype=torch.float64).float()
    x = torch.cat([x, x / 500, x / 30000])
    distance = (x.double()[:, None] - grid).abs().amin(1)
    assert torch.equal((x.to(dtype).double() - x.double()).abs(), distance)


@pytest.mark.parametrize("dtype", FLOAT8)
def test_float8_is_pytorchs(dtype):
    real = pytest.importorskip("torch")
    theirs = getattr(real, dtype.name)
    codes = np.arange(256, dtype=np.uint8)
    assert np.array_equal(torch.from_numpy(codes).view(dtype).float().numpy(), real.from_numpy(codes).view(theirs).float().numpy(), equal_nan=True)
    halves = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
    words = np.random.default_rng(0).integers(0, 2**32, 300_000, dtype=np.uint32).view(np.float32)
    x = np.concatenate([halves, words, halves[np.isfinite(halves)] * np.float32(2.0**-20)])
    ours = torch.from_numpy(x).to(dtype).view(torch.uint8).numpy()
    expected = real.from_numpy(x).to(theirs).view(real.uint8).numpy()
    differ = ours != expected
    assert np.isnan(x[differ]).all(), (x[differ][:5], ours[differ][:5], expected[differ][:5])
    assert torch.from_numpy(x[differ]).to(dtype).float().isnan().all()


@pytest.mark.parametrize("dtype", FLOAT8)
def test_float8_is_kept_moved_and_converted(dtype):
    x = torch.tensor([1.0, 2.0, 0.5, 4.0], dtype=dtype)
    assert x.tolist() == [1, 2, 0.5, 4] and x[1].item() == 2 and f"torch.{dtype.name}" in repr(x) and x.itemsize == 1
    assert x.reshape(2, 2).t().contiguous().double().tolist() == [[1, 0.5], [2, 4]]
    assert torch.cat([x, x[:1]]).float().tolist() == [1, 2, 0.5, 4, 1] and x[torch.tensor([3, 0])].float().tolist() == [4, 1]
    assert x.clone().fill_(2).tolist() == [2] * 4 and torch.zeros(2, dtype=torch.float8_e5m2).tolist() == [0, 0]
    assert torch.where(torch.tensor([True, False, True, False]), x, x.flip(0)).tolist() == [1, 0.5, 0.5, 1]
    assert x.half().tolist() == x.to(torch.int32).to(torch.float64).clamp(0.5).tolist() and x.to(torch.complex64).real.tolist() == x.tolist()
    assert pickle.loads(pickle.dumps(x)).tolist() == x.tolist()
    with pytest.raises(RuntimeError, match="implemented|Float8"):
        x + x
    with pytest.raises(RuntimeError, match="Float8"):
        x + torch.ones(4)
    with pytest.raises(TypeError, match="Float8"):
        x.numpy()
    w = torch.tensor([1.0, 3.0], requires_grad=True)
    (w.to(dtype).float() * torch.tensor([2.0, 5.0])).sum().backward()
    assert w.grad is not None and w.grad.dtype == torch.float32


# ------------------------------------------------------------------------------------ complex32

def test_complex32_is_complex64_rounded():
    g = np.random.default_rng(0)
    a, b = (g.normal(size=(5, 7)) + 1j * g.normal(size=(5, 7)) for _ in range(2))
    x, y = (torch.from_numpy(z).to(torch.complex32) for z in (a, b))
    assert x.itemsize == 4 and x.dtype == torch.chalf and torch.complex32.to_real() == torch.float16
    u, v = x.to(torch.complex64), y.to(torch.complex64)
    for name in ("add", "sub", "mul", "div"):
        f = getattr(torch, name)
        assert torch.equal(f(x, y).to(torch.complex64), f(u, v).to(torch.complex32).to(torch.complex64)), name
        assert torch.equal(f(x.t(), y.t()).to(torch.complex64), f(u, v).t().to(torch.complex32).to(torch.complex64)), name
    for name in ("exp", "sqrt", "neg", "sin", "conj_physical"):
        assert torch.equal(getattr(torch, name)(x).to(torch.complex64), getattr(torch, name)(u).to(torch.complex32).to(torch.complex64)), name
    assert x.abs().dtype == torch.float16 and torch.equal(x.abs(), u.abs().half()) and torch.equal(x.angle(), u.angle().half())
    assert torch.equal(x == y, u == v) and (x == x).all()
    assert torch.equal(x.sum(0).to(torch.complex64), u.sum(0).to(torch.complex32).to(torch.complex64))
    assert torch.equal(x.real, u.real.half()) and torch.equal(torch.view_as_real(x), torch.view_as_real(u).half())
    assert torch.equal(torch.complex(x.real, x.imag).to(torch.complex64), u) and torch.view_as_complex(torch.view_as_real(x)).dtype == torch.complex32
    assert (torch.ones(2, dtype=torch.float16) * 1j).dtype == torch.complex32 and torch.ones(2).chalf().dtype == torch.complex32
    assert torch.tensor([1 + 2j], dtype=torch.complex32).item() == 1 + 2j and "complex32" in repr(x)
    assert torch.where(x.real > 0, x, y).to(torch.complex64).equal(torch.where(u.real > 0, u, v))
    assert pickle.loads(pickle.dumps(x)).to(torch.complex64).equal(u)


def test_gradients_of_complex32():
    x = torch.tensor([1 + 2j, 0.5 - 1j], dtype=torch.complex32, requires_grad=True)
    (x * x.conj()).real.sum().backward()
    assert x.grad.dtype == torch.complex32 and x.grad.tolist() == [2 + 4j, 1 - 2j]


@pytest.mark.filterwarnings("ignore:ComplexHalf")
@pytest.mark.parametrize("name", ["uint16", "uint32", "uint64", "complex32", "float8_e4m3fn", "float8_e5m2"])
def test_files_are_exchanged_with_pytorch(name, tmp_path):
    real = pytest.importorskip("torch")
    ours, theirs = getattr(torch, name), getattr(real, name)
    x, y = torch.tensor([1, 2, 3]).to(ours), real.tensor([1, 2, 3]).to(theirs)
    torch.save({"x": x}, tmp_path / "ours")
    real.save({"x": y}, tmp_path / "theirs")
    loaded, other = real.load(tmp_path / "ours")["x"], torch.load(tmp_path / "theirs")["x"]
    assert loaded.dtype == theirs and other.dtype == ours
    assert loaded.to(real.complex64).tolist() == other.to(torch.complex64).tolist() == [1, 2, 3]
