"""make_tensor: random tensors of any dtype for tests."""
import pyxtorch

# Bounds used where none are given: small, so that sums and products stay exact or finite.
_INTEGER_BOUNDS = (-9, 10)
_UINT8_BOUNDS = (0, 10)
_FLOATING_BOUNDS = (-9, 9)


def make_tensor(
    *shape,
    dtype,
    device=None,
    low=None,
    high=None,
    requires_grad=False,
    noncontiguous=False,
    exclude_zero=False,
    memory_format=None,
):
    """A tensor of random numbers, uniform in [low, high).

    Args:
        shape: sizes, or one sequence of them.
        dtype, device, requires_grad: of the result.
        low, high: bounds; by default -9 to 9 (0 to 9 for uint8). Clipped to what the dtype holds.
        noncontiguous: make its elements lie apart in memory (where there are at least two).
        exclude_zero: replace zeros by the smallest positive number (1 for integers).
        memory_format: of the result; not together with noncontiguous.
    Raises:
        ValueError: low is not below high, a bound is nan, or noncontiguous with memory_format.
    """
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        (shape,) = shape
    shape = tuple(shape)
    if noncontiguous and memory_format is not None:
        raise ValueError(f"make_tensor: noncontiguous=True and memory_format={memory_format} exclude each other. Pass one of them.")
    bounds = _UINT8_BOUNDS if dtype == pyxtorch.uint8 else _INTEGER_BOUNDS
    if dtype.is_floating_point or dtype.is_complex:
        bounds = _FLOATING_BOUNDS
        most = pyxtorch.finfo(dtype).max
        limits = (-most, most)
    elif dtype == pyxtorch.bool:
        bounds = limits = (0, 2)
    else:
        info = pyxtorch.iinfo(dtype)
        limits = (info.min, info.max + 1)
    low = bounds[0] if low is None else low
    high = bounds[1] if high is None else high
    if low != low or high != high:
        raise ValueError(f"make_tensor: low and high cannot be nan, but low={low} and high={high}.")
    if low > high or (low == high and low != bounds[0]):
        raise ValueError(f"make_tensor: low must be less than high, but low={low} and high={high}.")
    low, high = max(low, limits[0]), min(high, limits[1])

    count = 1
    for n in shape:
        count *= n
    apart = noncontiguous and count > 1
    made = (*shape[:-1], 2 * shape[-1]) if apart else shape
    if dtype.is_complex:
        real = pyxtorch.float32 if dtype == pyxtorch.complex64 else pyxtorch.float64
        parts = [pyxtorch.rand(made, dtype=real, device=device) * (high - low) + low for _ in range(2)]
        x = pyxtorch.complex(*parts)
    elif dtype.is_floating_point:
        wide = pyxtorch.float64 if dtype == pyxtorch.float64 else pyxtorch.float32
        u = pyxtorch.rand(made, dtype=wide, device=device)
        x = (low * (1 - u) + high * u).clamp(low, high).to(dtype)
    else:
        import math

        first, last = math.ceil(low), math.ceil(high)
        if dtype == pyxtorch.bool:
            first, last = 0, 2
        x = pyxtorch.randint(first, min(last, 2**63 - 1), made, dtype=pyxtorch.int64, device=device).to(dtype)
    if apart:
        x = x[..., ::2]
    if exclude_zero:
        smallest = pyxtorch.finfo(dtype).tiny if dtype.is_floating_point or dtype.is_complex else 1
        x[x == 0] = smallest
    if memory_format is not None:
        x = x.contiguous(memory_format=memory_format)
    return x.requires_grad_() if requires_grad else x
