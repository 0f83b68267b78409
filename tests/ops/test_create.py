"""Making tensors."""
import numpy as np
import pytest
import scipy.signal.windows as windows

import pyxtorch as torch
from pyxtorch.testing.operations import COMPLEX, FLOAT, INT, WIDE, Error, Op, S


def op(name, *samples, **named):
    return Op(name, *samples, **{"dtypes": WIDE[1:], "grad": False, "layouts": False, "gives": None, **named})


ZERO = {"grad": False, "dtypes": FLOAT + INT + COMPLEX}
OPS = [
    op("arange", S(5), S(1, 7), S(1.0, 2.0, 0.25), S(5, 1, -2), S(0), reference=np.arange, errors=[Error(RuntimeError, "step|nonzero", 0, 5, 0), Error(RuntimeError, "bound|step", 0, 5, -1)]),
    op("linspace", S(0, 1, 5), S(3, -2, 4), S(1, 2, 1), S(1, 2, 0), reference=np.linspace, errors=[Error(RuntimeError, "steps|non-negative", 0, 1, -1)]),
    op("logspace", S(0, 2, 5), S(0, 3, 4, 2.0), reference=lambda a, b, n, base=10.0: np.logspace(a, b, n, base=base)),
    op("eye", S(3), S(2, 4), S(0), reference=np.eye, errors=[Error(RuntimeError, "negative|>= 0|greater", -1)]),
    op("zeros", S(2, 3), S(0), S([2, 1]), reference=lambda *n: np.zeros(n[0] if isinstance(n[0], list) else n), errors=[Error(RuntimeError, "negative", 2, -1)]),
    op("ones", S(2, 3), S([2, 1]), reference=lambda *n: np.ones(n[0] if isinstance(n[0], list) else n)),
    op("full", S([2, 3], 2.5), S([], 7.0), reference=np.full),
    op("scalar_tensor", S(2.5), reference=np.array),
    *[op(f"{name}_window", S(6), S(7), S(5, False), S(1), reference=lambda n, periodic=True, name=name: windows.get_window(name, n, fftbins=periodic)) for name in ("bartlett", "blackman", "hamming", "hann")],
    op("kaiser_window", S(6), S(7, False, 4.0), reference=lambda n, periodic=True, beta=12.0: windows.get_window(("kaiser", beta), n, fftbins=periodic)),
    op("zeros_like", S((2, 3)), S(()), reference=np.zeros_like, **ZERO), op("ones_like", S((2, 3)), S((0,)), reference=np.ones_like, **ZERO),
    op("full_like", S((2, 3), 2), reference=np.full_like, **ZERO), op("asarray", S((2, 3)), reference=np.asarray, **ZERO),
]


def test_empty_has_the_shape_and_layout_asked_for():
    assert torch.empty(2, 3).shape == (2, 3) and torch.empty((0,)).shape == (0,)
    assert torch.empty_strided((2, 3), (1, 2)).stride() == (1, 2)
    assert torch.empty_permuted((2, 3, 4), (2, 0, 1)).stride() == (3, 1, 6)
    assert torch.empty(2, dtype=torch.int8).dtype is torch.int8
    x = torch.empty_like(torch.zeros(3, 2, dtype=torch.int16))
    assert x.shape == (3, 2) and x.dtype is torch.int16


def test_tensor_from_nested_data():
    assert torch.tensor([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert torch.tensor([]).shape == (0,) and torch.tensor([[], []]).shape == (2, 0)
    assert torch.tensor([torch.tensor(1.5), 2]).tolist() == [1.5, 2.0]
    for ragged in ([[1, 2], [3]], [[1], 2], [1, [2]]):
        with pytest.raises((ValueError, TypeError)):
            torch.tensor(ragged)


def test_frombuffer_shares_memory_and_checks_bounds():
    data = bytearray(np.arange(4, dtype=np.int32).tobytes())
    x = torch.frombuffer(data, dtype=torch.int32, offset=4, count=2)
    assert x.tolist() == [1, 2]
    data[4] = 9
    assert x.tolist() == [9, 2]
    for wrong in ({"offset": 16}, {"count": 5}, {"offset": 3, "count": 4}, {"count": 0}, {"offset": -1}):
        with pytest.raises(ValueError):
            torch.frombuffer(data, dtype=torch.int32, **wrong)


def test_as_tensor_shares_where_it_can():
    a = np.zeros(3)
    assert torch.from_numpy(a).data_ptr() == a.__array_interface__["data"][0]
    assert torch.as_tensor(a).data_ptr() == a.__array_interface__["data"][0]
    assert torch.as_tensor(a, dtype=torch.float32).dtype is torch.float32
    x = torch.zeros(2)
    assert torch.as_tensor(x) is x


def test_linspace_ends_exactly():
    for dtype in (torch.float32, torch.float64):
        x = torch.linspace(-0.3, 0.7, 11, dtype=dtype)
        assert x[0].item() == torch.tensor(-0.3, dtype=dtype).item() and x[-1].item() == torch.tensor(0.7, dtype=dtype).item()


def test_too_large_sizes_are_refused():
    for sizes in ((2**62, 4), (2**40, 2**40), (2**63 - 1,)):
        with pytest.raises(RuntimeError):
            torch.zeros(sizes)
