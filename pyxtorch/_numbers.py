"""Limits of the dtypes: finfo and iinfo."""
from pyxtorch._core import dtype, get_default_dtype

# bits, largest, smallest normal, resolution (decimal digits), epsilon, smallest subnormal
_FLOATS = {
    "float8_e5m2": (8, 57344.0, 2.0**-14, 1.0, 0.25, 2.0**-16),
    "float8_e4m3fn": (8, 448.0, 2.0**-6, 1.0, 0.125, 2.0**-9),
    "float8_e5m2fnuz": (8, 57344.0, 2.0**-15, 1.0, 0.125, 2.0**-17),
    "float8_e4m3fnuz": (8, 240.0, 2.0**-7, 1.0, 0.125, 2.0**-10),
    "float8_e8m0fnu": (8, 2.0**127, 2.0**-127, 1.0, 1.0, 2.0**-127),
    "float16": (16, 65504.0, 2.0**-14, 1e-3, 2.0**-10, 2.0**-24),
    "bfloat16": (16, (2 - 2.0**-7) * 2.0**127, 2.0**-126, 1e-2, 2.0**-7, 2.0**-133),
    "float32": (32, (2 - 2.0**-23) * 2.0**127, 2.0**-126, 1e-6, 2.0**-23, 2.0**-149),
    "float64": (64, (2 - 2.0**-52) * 2.0**1023, 2.0**-1022, 1e-15, 2.0**-52, 5e-324),
}


class finfo:
    """Limits of a floating-point (or complex) dtype: bits, eps, max, min, tiny, resolution."""

    def __init__(self, type=None):
        d = get_default_dtype() if type is None else type
        if not isinstance(d, dtype) or not (d.is_floating_point or d.is_complex):
            raise TypeError(f"finfo() requires a floating point input type, not {d!r}. Use iinfo to handle integers.")
        self.dtype = d.to_real().name
        self.bits, self.max, self.tiny, self.resolution, self.eps, self.smallest_subnormal = _FLOATS[self.dtype]
        self.min, self.smallest_normal = -self.max if d.is_signed else self.tiny, self.tiny

    def __repr__(self):
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.tiny:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """Limits of an integer dtype: bits, max, min."""

    def __init__(self, type):
        if not isinstance(type, dtype) or type.is_floating_point or type.is_complex or type.name == "bool":
            raise TypeError(f"iinfo() requires an integer input type, not {type!r}. Use finfo to handle floating point.")
        self.dtype, self.bits = type.name, 8 * type.itemsize
        self.max = 2 ** (self.bits - type.is_signed) - 1
        self.min = -self.max - 1 if type.is_signed else 0

    def __repr__(self):
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
