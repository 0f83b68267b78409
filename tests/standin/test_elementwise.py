"""Every formula of the headers, casts, copies and fills: the GPU's kernels against the CPU's."""
import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import _cuda, _cuda_program
from pyxtorch.kernels.cuda import elementwise

DTYPES = (
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16,
    torch.float32, torch.float64, torch.complex64, torch.complex128,
)
TOLERANCE = {torch.float16: 2e-3, torch.bfloat16: 2e-2, torch.float32: 2e-5, torch.complex64: 2e-5}


def sample(dtype, shape, seed):
    random = np.random.default_rng(seed)
    if dtype == torch.bool:
        return torch.from_numpy(np.asarray(random.integers(0, 2, shape), dtype=bool))
    if dtype.is_complex:
        return torch.from_numpy(np.asarray(random.normal(size=shape) + 1j * random.normal(size=shape))).to(dtype)
    if dtype.is_floating_point:
        return torch.from_numpy(np.asarray(random.uniform(-3, 3, shape))).to(dtype)
    return torch.from_numpy(np.asarray(random.integers(-5 if dtype.is_signed else 0, 7, shape))).to(dtype)


def assert_same(found, expected, tolerance=0.0, name=""):
    assert found.is_cuda and found.shape == expected.shape and found.dtype == expected.dtype, name
    wide = torch.complex128 if expected.dtype.is_complex else torch.float64
    np.testing.assert_allclose(found.cpu().to(wide).numpy(), expected.to(wide).numpy(), rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_formula(dtype):
    code = DTYPES.index(dtype)
    torch.cuda.init()
    _cuda.prepare(elementwise.SOURCE, elementwise.kernel_names(dtypes=(code,), variants=(0,)))
    defined = 0
    for name, (letters, _, scalars) in elementwise.FORMULAS_BY_NAME.items():
        operands = [sample(dtype, 67, k) for k in range(len(letters))]  # 67: the last thread has less than a vector
        if letters[0] == "m":
            operands[0] = sample(torch.bool, 67, 9)
        values = [0.75, 0.5, 2.0][:scalars] if dtype.is_floating_point or dtype.is_complex else [2.0, 1.0, 3.0][:scalars]
        expected = elementwise.evaluate(name, operands, values)
        if expected is None:
            continue
        defined += 1
        found = elementwise.evaluate(name, [x.cuda() for x in operands], values)
        assert_same(found, expected, TOLERANCE.get(dtype, 1e-9), f"{name} of {dtype}")
    assert defined >= 30
    assert {torch.float32: defined >= 180, torch.complex64: defined >= 60}.get(dtype, True)


@pytest.mark.parametrize("source", DTYPES, ids=str)
def test_every_cast(source):
    torch.cuda.init()
    types = _cuda_program.C_TYPES
    _cuda.prepare(elementwise.SOURCE, [f"pyx_gpu::contiguous<pyx_gpu::Cast<{to}, {types[DTYPES.index(source)]}> >"
                                       for to in types if to != types[DTYPES.index(source)]])
    x = sample(source, 131, 5)
    for to in DTYPES:
        if source.is_complex and not to.is_complex:
            continue  # warns; see below
        assert_same(x.cuda().to(to), x.to(to), name=f"{source} to {to}")


def test_cast_of_complex_takes_the_real_part():
    x = sample(torch.complex64, 33, 1).cuda()
    assert_same(x.real.float(), x.cpu().real.float())


SHAPES = [(), (1,), (0,), (7,), (3, 0, 2), (4, 5), (2, 3, 4, 5), (1, 2, 1, 2, 1, 2, 1, 2, 1, 2)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_there_and_back(shape):
    for dtype in DTYPES:
        x = sample(dtype, shape, 2)
        y = x.cuda()
        assert y.device == torch.device("cuda:0") and y.is_cuda
        assert_same(y, x)
        assert_same(y.clone(), x)


LAYOUTS = {
    "transposed": lambda x: x.transpose(0, 2),
    "every second": lambda x: x[::2, :, 1::2],
    "expanded": lambda x: x[:, :1].expand(6, 8, 10),
    "permuted part": lambda x: x.permute(1, 2, 0)[2:, 3:7],
    "diagonal": lambda x: x.diagonal(0, 0, 1),
    "more dimensions": lambda x: x.reshape(3, 2, 4, 2, 5, 2)[:, ::2, 1:, :, ::2].transpose(0, 4),
    "ten dimensions": lambda x: x.reshape(3, 2, 2, 2, 2, 5, 2)[None, :, None, :, None].transpose(1, 9),
}


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.float32, torch.complex64, torch.complex128], ids=str)
@pytest.mark.parametrize("name", LAYOUTS)
def test_strided_copies(name, dtype):
    view = LAYOUTS[name]
    x = sample(dtype, (6, 8, 10), 3)
    y = x.cuda()
    assert_same(view(y).contiguous(), view(x).contiguous())
    if dtype != torch.complex128:
        assert_same(view(y).to(torch.complex128), view(x).to(torch.complex128))
    # From the host into a strided view, and back out of one.
    if name != "expanded":
        source = sample(dtype, tuple(view(x).shape), 4)
        view(x).copy_(source)
        view(y).copy_(source)
        assert_same(y, x)
        back = torch.zeros_like(view(x))
        back.copy_(view(y))
        np.testing.assert_array_equal(back.numpy(), view(x).numpy())


def test_broadcasting():
    a, b = sample(torch.float32, (5, 1, 7), 0), sample(torch.float32, (3, 1), 1)
    for f in (torch.add, torch.mul, torch.maximum, torch.atan2, torch.lt):
        assert_same(f(a.cuda(), b.cuda()), f(a, b), 1e-6)
    assert_same(torch.where((a > 0).cuda(), a.cuda(), b.cuda()), torch.where(a > 0, a, b))
    assert_same(a.cuda() + 1, a + 1)
    assert_same(a.cuda() * torch.tensor(2.0), a * 2)


def test_strided_operands():
    a, b = sample(torch.float64, (6, 9), 0), sample(torch.float64, (9, 6), 1)
    assert_same(a.cuda() * b.cuda().T, a * b.T)
    assert_same(torch.exp(a.cuda()[::2, 1::3]), torch.exp(a[::2, 1::3]), 1e-12)
    x, y = a.clone(), a.cuda()
    x[1:, ::2].add_(b.T[1:, ::2])
    y[1:, ::2].add_(b.cuda().T[1:, ::2])
    assert_same(y, x)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_fill(dtype):
    for value in (0, 1, 3):
        assert_same(torch.full((1001,), value, dtype=dtype, device="cuda"), torch.full((1001,), value, dtype=dtype))
        x, y = torch.zeros(8, 9, dtype=dtype), torch.zeros(8, 9, dtype=dtype, device="cuda")
        x[:, 2:5].fill_(value)
        y[:, 2:5].fill_(value)
        assert_same(y, x)


def test_promotion_and_numbers():
    x = torch.arange(5, device="cuda")
    assert_same(x / 2, torch.arange(5) / 2)
    assert_same(x + torch.ones(5, dtype=torch.float16, device="cuda"), torch.arange(5) + torch.ones(5, dtype=torch.float16))
    assert (x + 0.5).sum().item() == 12.5
    assert x[2].item() == 2 and x.tolist() == [0, 1, 2, 3, 4]
