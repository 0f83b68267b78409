"""Short-time Fourier transforms: of overlapping, windowed frames of a signal."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable
from pyxtorch.ops._common cimport *
from pyxtorch.ops.shape cimport to_dtype

import warnings

from pyxtorch.ops import create, shape_copy, shape_pad
from pyxtorch.ops.fft import transforms


cdef object fail(str op, Variable x, str what):
    return RuntimeError(f"{op}: input {list(shape_of(x))}, {dtype_of(x.dt).name}: {what}")


cdef object centered_window(object window, Variable x, int64_t n_fft, int64_t win_length, str op):
    """The window (1-d, win_length elements, or None: ones) with zeros on both sides up to n_fft."""
    cdef int64_t left = (n_fft - win_length) // 2
    if window is None:
        if win_length == n_fft:
            return None
        window = create.ones(win_length, dtype=dtype_of(real_code(x.dt)), device=x.device)
    elif window.ndim != 1 or window.shape[0] != win_length:
        raise fail(op, x, f"expected a 1D window tensor of size equal to win_length={win_length}, but got window with size {list(window.shape)}")
    return shape_pad.constant_pad_nd(window, (left, n_fft - win_length - left))


def stft(input, n_fft, hop_length=None, win_length=None, window=None, center=True, pad_mode="reflect", normalized=False, onesided=None,
         return_complex=None, align_to_window=None):
    """The short-time Fourier transform: transforms of frames `hop_length` apart.

    Args:
        input: signals, shape (L) or (B, L), real or complex.
        n_fft: the length of a frame. hop_length: default n_fft // 4.
        window: shape (win_length); default ones. win_length: default n_fft; a shorter window stands
            in the middle of the frame.
        center: frame t is centred at t * hop_length; the signal is continued by n_fft // 2 on both
            sides as `nn.functional.pad` does in mode `pad_mode`.
        normalized: divide by sqrt(n_fft).
        onesided: only the n_fft // 2 + 1 frequencies that are not redundant; default: where input
            and window are real.
        return_complex: must be given for real signals; False gives real and imaginary parts in a
            last dimension of 2.
        align_to_window: with center=False, start the frames so that the window, not the zeros
            beside it, begins with the signal.
    Returns:
        Shape (B?, frequencies, frames).
    Raises:
        RuntimeError: sizes that do not fit each other.
    """
    cdef Variable x = checked(input, "stft", "input")
    cdef str op = "stft"
    if align_to_window is not None and center:
        raise RuntimeError("stft: align_to_window should only be set when center = False")
    if window is not None:
        checked(window, op, "window")
    hop_length = n_fft // 4 if hop_length is None else hop_length
    win_length = n_fft if win_length is None else win_length
    is_complex = is_complex_code(x.dt) or window is not None and window.is_complex()
    if return_complex is None:
        if not is_complex:
            raise RuntimeError("stft requires the return_complex parameter be given for real inputs. Give return_complex=True.")
        return_complex = True
    if x.dt <= INT64:
        raise fail(op, x, "expected a tensor of floating point or complex values")
    if x.nd != 1 and x.nd != 2:
        raise fail(op, x, "expected a 1D or 2D tensor")
    if center:
        padded = shape_pad.pad(input.reshape((1,) * (3 - x.nd) + tuple(input.shape)), (n_fft // 2, n_fft // 2), pad_mode)
        x = <Variable?>padded.reshape(tuple(padded.shape)[3 - x.nd:])
    if not 0 < n_fft <= x.sizes[x.nd - 1]:
        raise fail(op, x, f"expected 0 < n_fft <= {x.sizes[x.nd - 1]}, but got n_fft={n_fft}")
    if hop_length <= 0:
        raise fail(op, x, f"expected hop_length > 0, but got hop_length={hop_length}")
    if not 0 < win_length <= n_fft:
        raise fail(op, x, f"expected 0 < win_length <= n_fft, but got win_length={win_length}, n_fft={n_fft}")
    if window is None:
        warnings.warn("stft: no window was given. A rectangular window is applied, which is known to cause spectral leakage. "
                      "Give one, such as hann_window(win_length).", stacklevel=2)
    shift = (n_fft - win_length) // 2
    window = centered_window(window, x, n_fft, win_length, op)
    if align_to_window and shift:
        x = <Variable?>shape_pad.constant_pad_nd(x, (shift, shift))
    frames = x.unfold(-1, n_fft, hop_length)
    if window is not None:
        frames = frames * window
    if onesided is None:
        onesided = not is_complex
    if onesided and is_complex:
        raise fail(op, x, "Cannot have onesided output if window or input is complex")
    y = transforms["rfft" if onesided else "fft"](frames, norm="ortho" if normalized else None).transpose(-1, -2)
    return y if return_complex else shape_copy.view_as_real(y)


def istft(input, n_fft, hop_length=None, win_length=None, window=None, center=True, normalized=False, onesided=None, length=None,
          return_complex=False):
    """The inverse of `stft`: frames transformed back, added where they overlap, divided by the
    windows' sum of squares.

    Args:
        input: (B?, frequencies, frames), complex.
        length: of the signal; default as long as the frames reach.
        return_complex: for complex signals, whose transforms have all n_fft frequencies.
        The others as they were in `stft`.
    Returns:
        Shape (B?, length).
    Raises:
        RuntimeError: sizes that do not fit each other, or windows that leave gaps.
    """
    cdef Variable x = checked(input, "istft", "input")
    cdef str op = "istft"
    if window is not None:
        checked(window, op, "window")
    else:
        warnings.warn("istft: no window was given. A rectangular window is applied, which is known to cause spectral leakage. "
                      "Give the one that was given to stft.", stacklevel=2)
    hop_length = n_fft // 4 if hop_length is None else hop_length
    win_length = n_fft if win_length is None else win_length
    if not is_complex_code(x.dt):
        raise fail(op, x, "istft requires a complex-valued input tensor matching the output from stft with return_complex=True.")
    if x.n == 0:
        raise fail(op, x, "input tensor cannot be empty.")
    if x.nd != 2 and x.nd != 3:
        raise fail(op, x, f"expected a tensor with 2 or 3 dimensions, but got {x.nd}")
    cdef int64_t frequencies = x.sizes[x.nd - 2]
    cdef int64_t count = x.sizes[x.nd - 1]
    if onesided is None:
        onesided = frequencies != n_fft
    expected = n_fft // 2 + 1 if onesided else n_fft
    if frequencies != expected:
        raise fail(op, x, f"expected the frequency dimension (2nd to the last) to be {expected} for n_fft={n_fft}, onesided={bool(onesided)}, but got {frequencies}")
    if not 0 < hop_length <= win_length:
        raise fail(op, x, f"expected 0 < hop_length <= win_length, but got hop_length={hop_length}, win_length={win_length}")
    if not 0 < win_length <= n_fft:
        raise fail(op, x, f"expected 0 < win_length <= n_fft, but got win_length={win_length}, n_fft={n_fft}")
    if not return_complex and window is not None and window.is_complex():
        raise fail(op, x, "Cannot have a complex window when return_complex is False")
    if return_complex and onesided:
        raise fail(op, x, "Cannot have onesided output if window or input is complex")
    window = centered_window(window, x, n_fft, win_length, op)
    if window is None:
        window = create.ones(n_fft, dtype=dtype_of(real_code(x.dt)), device=x.device)
    elif not is_complex_code((<Variable>window).dt):
        window = to_dtype(<Variable>window, real_code(x.dt))    # the squares of a bool window add up
    norm = "ortho" if normalized else None
    frames = x.transpose(-1, -2)
    if return_complex:
        frames = transforms["ifft"](frames, norm=norm)
    else:
        frames = transforms["irfft"](frames.narrow(-1, 0, n_fft // 2 + 1), n=n_fft, norm=norm)
    cdef int64_t reach = n_fft + hop_length * (count - 1)
    places = (create.arange(count, device=x.device).unsqueeze(1) * hop_length + create.arange(n_fft, device=x.device)).reshape(-1)

    def overlapped(frames):
        y = create.zeros((*frames.shape[:-2], reach), dtype=frames.dtype, device=frames.device)
        return y.index_add(-1, places, frames.reshape(*frames.shape[:-2], -1))

    signal = overlapped(frames * window)
    weight = overlapped((window * window).expand(count, n_fft))
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else reach - n_fft // 2 if center else reach
    signal, weight = signal[..., start:end], weight[start:end]
    lowest = weight.abs().min().item() if weight.numel() and not weight.is_meta else 1.0
    if lowest <= 1e-11:
        raise fail(op, x, f"window overlap add min: {lowest}: the windows leave gaps. Use a window without zeros, or a smaller hop_length.")
    signal = signal / weight
    if end > reach:
        warnings.warn(f"istft: the signal reaches to {reach - start} only, less than length={length}; zeros follow. Check center and hop_length.",
                      stacklevel=2)
        signal = shape_pad.constant_pad_nd(signal, (0, end - reach))
    return signal


__all__ = ["stft", "istft"]
methods = {"stft": stft, "istft": istft}
