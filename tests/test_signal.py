"""Windows: top-level functions and pyxtorch.signal.windows, against SciPy's."""
import numpy as np
import pytest
import scipy.signal.windows as reference

import pyxtorch as torch
from pyxtorch.signal import windows

TOP_LEVEL = {
    "hann_window": reference.hann, "hamming_window": reference.hamming, "blackman_window": reference.blackman, "bartlett_window": reference.bartlett,
    "kaiser_window": lambda M, sym: reference.kaiser(M, 12.0, sym),
}
NAMED = {
    "hann": ({}, reference.hann), "hamming": ({}, reference.hamming), "blackman": ({}, reference.blackman), "bartlett": ({}, reference.bartlett),
    "nuttall": ({}, reference.nuttall), "cosine": ({}, reference.cosine),
    "kaiser": ({"beta": 5.0}, lambda M, sym: reference.kaiser(M, 5.0, sym)),
    "gaussian": ({"std": 2.5}, lambda M, sym: reference.gaussian(M, 2.5, sym)),
    "exponential": ({"tau": 1.5}, lambda M, sym: reference.exponential(M, None, 1.5, sym)),
    "general_cosine": ({"a": [0.4, 0.3, 0.2, 0.1]}, lambda M, sym: reference.general_cosine(M, [0.4, 0.3, 0.2, 0.1], sym)),
    "general_hamming": ({"alpha": 0.7}, lambda M, sym: reference.general_hamming(M, 0.7, sym)),
}
SIZES = (0, 1, 2, 3, 8, 51)


@pytest.mark.parametrize("name", TOP_LEVEL)
def test_top_level_windows(name):
    for size in SIZES:
        for periodic in (True, False):
            y = getattr(torch, name)(size, periodic, dtype=torch.float64)
            np.testing.assert_allclose(y.numpy(), TOP_LEVEL[name](size, not periodic), rtol=1e-12, atol=1e-15)
    assert getattr(torch, name)(4).dtype == torch.get_default_dtype()
    assert getattr(torch, name)(4, dtype=torch.float16).dtype == torch.float16
    assert getattr(torch, name)(4, requires_grad=True).is_leaf and getattr(torch, name)(4, requires_grad=True).requires_grad
    with pytest.raises(RuntimeError, match="non-negative window_length, got window_length=-2"):
        getattr(torch, name)(-2)
    with pytest.raises(RuntimeError, match="floating point dtypes"):
        getattr(torch, name)(3, dtype=torch.int64)
    with pytest.raises(TypeError, match="window_length"):
        getattr(torch, name)(2.5)


def test_parameters_of_top_level_windows():
    near = np.testing.assert_allclose
    near(torch.hamming_window(9, False, 0.7, 0.3, dtype=torch.float64).numpy(), reference.general_hamming(9, 0.7), rtol=1e-13)
    near(torch.kaiser_window(9, False, 3.0, dtype=torch.float64).numpy(), reference.kaiser(9, 3.0), rtol=1e-13)
    # I0(1000) is more than a double holds.
    near(torch.kaiser_window(5, False, 1000.0, dtype=torch.float64).numpy()[2], 1.0)


@pytest.mark.parametrize("name", NAMED)
def test_signal_windows(name):
    named, expected = NAMED[name]
    function = getattr(windows, name)
    for size in SIZES:
        for sym in (True, False):
            y = function(size, sym=sym, dtype=torch.float64, **named)
            np.testing.assert_allclose(y.numpy(), expected(size, sym), rtol=1e-12, atol=1e-15)
    assert function(4, **named).dtype == torch.get_default_dtype()
    assert function(4, requires_grad=True, **named).is_leaf
    with pytest.raises(ValueError, match="non-negative window length, got M=-1"):
        function(-1, **named)
    with pytest.raises(ValueError, match="float32 or float64"):
        function(3, dtype=torch.float16, **named)


def test_center_of_the_exponential_window():
    for size in (1, 6):
        y = windows.exponential(size, center=2.0, tau=1.5, sym=False, dtype=torch.float64)
        np.testing.assert_allclose(y.numpy(), np.exp(-np.abs(np.arange(size) - 2.0) / 1.5), rtol=1e-13)


@pytest.mark.parametrize("call, match", [
    (lambda: windows.exponential(3, tau=0), "Tau"), (lambda: windows.exponential(3, center=1), "Center"),
    (lambda: windows.gaussian(3, std=0), "Standard deviation"), (lambda: windows.kaiser(3, beta=-1), "beta"),
    (lambda: windows.general_cosine(3, a=[]), "empty"),
])
def test_parameters_out_of_range(call, match):
    with pytest.raises(ValueError, match=match):
        call()
