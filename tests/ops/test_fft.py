"""Fourier transforms, against NumPy's and SciPy's, and by what defines them."""
import numpy as np
import pytest
import scipy.fft
import scipy.signal

import pyxtorch as torch
from pyxtorch.testing.operations import COMPLEX, INT, WIDE, Error, Op, S

PLACE = {torch.float32: (2e-5, 2e-5), torch.complex64: (2e-5, 2e-5)}
PLACE.update(dict.fromkeys(INT, (2e-5, 2e-5)))
LARGE = (131, 1009)


def reference(name):
    function = getattr(scipy.fft, name)

    def call(x, n=None, dim=None, norm=None, s=None):
        named = {"norm": norm}
        if n is not None:
            named["n"] = n
        if s is not None:
            named["s"] = [x.shape[d] if k == -1 else k for k, d in zip(s, dim or range(-len(s), 0))]
        if dim is not None:
            named["axes" if name[-1] in "2n" else "axis"] = dim
        return function(x, **named)

    return call


def samples(name, least):
    """Calls with sizes that cut, that pad, even and odd; `least` is the smallest size in the input."""
    if name[-1] not in "2n":
        return (S((2, 5)), S((2, 6)), S((3, 4), n=3), S((3, 4), n=7), S((4, 3), dim=0), S((2, 3, 4), dim=1, n=4, norm="ortho"), S((6,), norm="forward"),
                S((least,)), S((0, 4)))
    calls = (S((3, 5)), S((2, 4, 3)), S((4, 5), s=(3, 7)), S((4, 5), s=(-1, 4)), S((4, 3), dim=(1, 0), norm="ortho"),
             S((2, 3, 4), dim=(0, 2), s=(4, 3), norm="forward"))
    return calls if name[-1] == "2" else (*calls, S((2, 3, 4), dim=(1,)), S((2, 4), s=(5,)))


def transform(name):
    kind = name.rstrip("2n")
    real = kind in ("rfft", "ihfft")
    gives = {"fft": "complex", "ifft": "complex", "rfft": "complex", "ihfft": "complex"}.get(kind, "real")
    least = 1 if gives == "complex" else 2
    errors = [Error(RuntimeError, "half|float16", (2, 3), dtype=torch.float16), Error(RuntimeError, "normalization", (2, 3), norm="x"),
              Error(RuntimeError, r"data points \(0\)", (2, 3), **({"s": (2, 0)} if name[-1] in "2n" else {"n": 0})),
              Error(IndexError, "out of range", (2, 3), dim=(0, 5) if name[-1] in "2n" else 5), Error(TypeError, "Tensor", [1.0])]
    if real:
        errors.append(Error(RuntimeError, "real", (2, 3), dtype=torch.complex64))
    if name[-1] in "2n":
        errors += [Error(RuntimeError, "unique", (2, 3), dim=(0, 0)), Error(RuntimeError, "same length", (2, 3), s=(2,), dim=(0, 1)),
                   Error(RuntimeError, "3 values", (2, 3), s=(2, 2, 2), dim=None)]
    op = Op("fft." + name, *samples(name, least), reference=reference(name), dtypes=WIDE + INT[:2] if real else WIDE + COMPLEX + INT[:2],
            gives=None, tol=PLACE, out=True, large=S(LARGE), errors=errors)
    op.result = gives
    return op


NAMES = [kind + end for kind in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft") for end in ("", "2", "n")]
OPS = [transform(name) for name in NAMES]
OPS += [
    Op("fft.fftshift", S((4, 5)), S((5,)), S((2, 3, 4), dim=1), S((2, 3, 4), dim=(0, 2)), reference=lambda x, dim=None: np.fft.fftshift(x, dim),
       dtypes=WIDE + COMPLEX + INT, gives="same"),
    Op("fft.ifftshift", S((4, 5)), S((5,)), S((2, 3, 4), dim=1), S((2, 3, 4), dim=(0, 2)), reference=lambda x, dim=None: np.fft.ifftshift(x, dim),
       dtypes=WIDE + COMPLEX + INT, gives="same"),
]


@pytest.mark.parametrize("op", OPS[:18], ids=lambda op: op.name)
def test_precision_is_kept(op):
    expected = {torch.float32: (torch.float32, torch.complex64), torch.float64: (torch.float64, torch.complex128)}
    for dtype, (real, complex_) in expected.items():
        y = op.function(torch.ones(2, 4, dtype=dtype))
        assert y.dtype == (complex_ if op.result == "complex" else real)


def test_definition():
    """The sum over the samples times exp(-2 pi i j k / n), for a length that is prime."""
    x = np.random.default_rng(0).normal(size=7) + 1j * np.random.default_rng(1).normal(size=7)
    k = np.arange(7)
    expected = np.exp(-2j * np.pi * np.outer(k, k) / 7) @ x
    np.testing.assert_allclose(torch.fft.fft(torch.tensor(x)).numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
def test_inverses(norm):
    x = torch.tensor(np.random.default_rng(0).normal(size=(3, 4, 5)))
    z = torch.complex(x, x.flip(0))
    for a, b in (("fft", "ifft"), ("fft2", "ifft2"), ("fftn", "ifftn"), ("ifftn", "fftn")):
        back = getattr(torch.fft, b)(getattr(torch.fft, a)(z, norm=norm), norm=norm)
        np.testing.assert_allclose(back.numpy(), z.numpy(), atol=1e-14)
    for a, b in (("rfft", "irfft"), ("ihfft", "hfft")):
        back = getattr(torch.fft, b)(getattr(torch.fft, a)(x, norm=norm), n=5, norm=norm)
        np.testing.assert_allclose(back.numpy(), x.numpy(), atol=1e-14)
    for a, b in (("rfftn", "irfftn"), ("ihfftn", "hfftn")):
        back = getattr(torch.fft, b)(getattr(torch.fft, a)(x, norm=norm), s=(3, 4, 5), norm=norm)
        np.testing.assert_allclose(back.numpy(), x.numpy(), atol=1e-14)


def test_result_kind_of_out():
    x = torch.ones(4)
    with pytest.raises(RuntimeError, match="complex output"):
        torch.fft.fft(x, out=torch.empty(0))
    with pytest.raises(RuntimeError, match="floating point output"):
        torch.fft.irfft(x, out=torch.empty(0, dtype=torch.complex64))


def test_no_dimensions():
    assert torch.fft.fftn(torch.tensor(2.0)).item() == 2
    assert torch.fft.fftn(torch.ones(2), dim=()).dtype == torch.complex64
    for name in ("rfftn", "irfftn", "hfftn", "ihfftn"):
        with pytest.raises(RuntimeError, match="at least one"):
            getattr(torch.fft, name)(torch.ones(2), dim=())
    with pytest.raises(IndexError, match="no dimensions"):
        torch.fft.fft(torch.tensor(2.0))
    assert torch.fft.fftshift(torch.tensor(2.0)).item() == 2


def test_frequencies():
    for n in (0, 1, 4, 5):
        for d in (1.0, 0.5):
            np.testing.assert_allclose(torch.fft.fftfreq(n, d, dtype=torch.float64).numpy(), np.fft.fftfreq(n, d) if n else [], rtol=1e-15)
            if n:
                np.testing.assert_allclose(torch.fft.rfftfreq(n, d, dtype=torch.float64).numpy(), np.fft.rfftfreq(n, d), rtol=1e-15)
    assert torch.fft.fftfreq(3).dtype == torch.get_default_dtype()
    assert torch.fft.fftfreq(3, requires_grad=True).requires_grad
    with pytest.raises(RuntimeError, match="floating point or complex"):
        torch.fft.fftfreq(3, dtype=torch.int64)


# ----------------------------------------------------------------------------- short-time

def signal(*shape):
    return torch.tensor(np.random.default_rng(3).normal(size=shape))


def frames_of(x, n_fft, hop, window, onesided=True):
    """Frame by frame."""
    count = 1 + (len(x) - n_fft) // hop
    transform = np.fft.rfft if onesided else np.fft.fft
    return np.stack([transform(x[t * hop:t * hop + n_fft] * window) for t in range(count)], -1)


def test_stft_frame_by_frame():
    x, window = signal(50), torch.hann_window(12, dtype=torch.float64)
    wide = np.pad(window.numpy(), 2)
    y = torch.stft(x, 16, 5, 12, window, center=False, return_complex=True)
    np.testing.assert_allclose(y.numpy(), frames_of(x.numpy(), 16, 5, wide), atol=1e-13)
    y = torch.stft(x, 16, 5, 12, window, return_complex=True)
    np.testing.assert_allclose(y.numpy(), frames_of(np.pad(x.numpy(), 8, "reflect"), 16, 5, wide), atol=1e-13)
    y = torch.stft(x, 16, 5, 12, window, center=False, onesided=False, normalized=True, return_complex=False)
    expected = frames_of(x.numpy(), 16, 5, wide, False) / 4
    np.testing.assert_allclose(y.numpy(), np.stack([expected.real, expected.imag], -1), atol=1e-13)
    y = torch.stft(x, 16, 5, 12, window, center=False, align_to_window=True, return_complex=True)
    np.testing.assert_allclose(y.numpy(), frames_of(np.pad(x.numpy(), 2), 16, 5, wide), atol=1e-13)
    batch = torch.stack([x, x + 1])
    assert torch.stft(batch, 16, 5, 12, window, return_complex=True).shape == (2, 9, 11)
    z = torch.complex(x, x.flip(0))
    np.testing.assert_allclose(z.stft(16, 5, 12, window, center=False).numpy(), frames_of(z.numpy(), 16, 5, wide, False), atol=1e-13)


@pytest.mark.parametrize("named", [{}, {"normalized": True}, {"onesided": False}, {"center": False}])
def test_istft_inverts(named):
    window = torch.hann_window(16, dtype=torch.float64) + 0.1
    for x in (signal(64), signal(2, 64)):
        y = torch.istft(torch.stft(x, 16, 4, window=window, return_complex=True, **named), 16, 4, window=window, length=64, **named)
        np.testing.assert_allclose(y.numpy(), x.numpy(), atol=1e-12)
    z = torch.complex(x, x.flip(0))
    y = torch.istft(torch.stft(z, 16, 4, window=window), 16, 4, window=window, return_complex=True)
    np.testing.assert_allclose(y.numpy(), z.numpy(), atol=1e-12)


def test_istft_lengths():
    window = torch.ones(8, dtype=torch.float64)
    y = torch.stft(signal(40), 8, 2, window=window, return_complex=True)
    assert torch.istft(y, 8, 2, window=window).shape == (40,)
    assert torch.istft(y, 8, 2, window=window, length=10).shape == (10,)
    with pytest.warns(UserWarning, match="zeros follow"):
        long = torch.istft(y, 8, 2, window=window, length=60)
    assert long.shape == (60,) and not long[44:].any()


def test_short_time_gradients():
    window = (torch.hann_window(8, dtype=torch.float64) + 0.1).requires_grad_()
    x = signal(2, 20).requires_grad_()

    def there(x, window):
        return torch.stft(x, 8, 3, window=window, return_complex=True)

    assert torch.autograd.gradcheck(there, (x, window)) and torch.autograd.gradgradcheck(there, (x, window))

    def back(y, window):
        return torch.istft(y, 8, 3, window=window)

    y = there(x, window).detach().requires_grad_()
    assert torch.autograd.gradcheck(back, (y, window)) and torch.autograd.gradgradcheck(back, (y, window))


def test_short_time_errors():
    x, window = torch.ones(20), torch.ones(8)
    for match, named in {
        "return_complex": {}, "n_fft": {"n_fft": 30, "center": False, "return_complex": True}, "hop_length": {"hop_length": 0, "return_complex": True},
        "win_length <= n_fft": {"win_length": 9, "return_complex": True}, "size equal to win_length": {"win_length": 7, "return_complex": True},
        "onesided": {"window": window + 0j, "onesided": True}, "align_to_window": {"align_to_window": True, "return_complex": True},
    }.items():
        with pytest.raises(RuntimeError, match=match):
            torch.stft(x, **{"n_fft": 8, "window": window, **named})
    with pytest.raises(RuntimeError, match="1D or 2D"):
        torch.stft(torch.ones(2, 2, 20), 8, window=window, center=False, return_complex=True)
    with pytest.warns(UserWarning, match="rectangular"):
        torch.stft(x, 8, return_complex=True)
    y = torch.stft(x, 8, window=window, return_complex=True)
    for match, argument, named in (
        ("complex-valued", x, {}), ("empty", y[..., :0], {}), ("2 or 3", y[0], {}), ("frequency dimension", y, {"n_fft": 10, "window": torch.ones(10)}),
        ("hop_length <= win_length", y, {"hop_length": 9}), ("leave gaps", y, {"window": torch.zeros(8)}), ("onesided", y, {"return_complex": True}),
        ("complex window", y, {"window": window + 0j}),
    ):
        with pytest.raises(RuntimeError, match=match):
            torch.istft(argument, **{"n_fft": 8, "window": window, **named})


def test_out_of_the_inverse_hermitian_transforms_is_their_result():
    """Over one dimension only. PyTorch 2.13 writes something else into out than it returns without it."""
    x = torch.randn(5, 6, 7, dtype=torch.float64)
    for op, kwargs in ((torch.fft.ihfft2, {"dim": 0}), (torch.fft.ihfftn, {"s": 8})):
        y = op(x, **kwargs)
        out = torch.zeros_like(y)
        assert op(x, **kwargs, out=out) is out and torch.equal(out, y)
        assert torch.equal(y, torch.fft.ihfft(x, n=kwargs.get("s"), dim=kwargs.get("dim", -1)))
