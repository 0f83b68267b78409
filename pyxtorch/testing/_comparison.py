"""assert_close: whether two tensors, numbers, or nests of them are equal up to rounding."""
from collections.abc import Mapping, Sequence
from numbers import Number

import pyxtorch

# (rtol, atol) by dtype; everything else must be equal.
_TOLERANCES = {
    pyxtorch.float16: (1e-3, 1e-5),
    pyxtorch.bfloat16: (1.6e-2, 1e-5),
    pyxtorch.float32: (1.3e-6, 1e-5),
    pyxtorch.float64: (1e-7, 1e-7),
    pyxtorch.complex64: (1.3e-6, 1e-5),
    pyxtorch.complex128: (1e-7, 1e-7),
}


def _default_tolerances(*dtypes):
    known = [_TOLERANCES.get(d, (0.0, 0.0)) for d in dtypes]
    return max(r for r, _ in known), max(a for _, a in known)


class _Comparison:
    """The settings of one call; `at` is the path to the pair being compared."""

    def __init__(self, rtol, atol, equal_nan, check_device, check_dtype, check_layout, check_stride, allow_subclasses, msg):
        if (rtol is None) != (atol is None):
            raise ValueError(f"assert_close: rtol and atol must both be given or both be left out, but got rtol={rtol} and atol={atol}.")
        self.rtol, self.atol, self.equal_nan, self.msg = rtol, atol, equal_nan, msg
        self.checks = {"device": check_device, "dtype": check_dtype, "layout": check_layout, "stride": check_stride}
        self.allow_subclasses = allow_subclasses

    def fail(self, text, at, error=AssertionError):
        if at:
            text += f"\n\nThe failure occurred for item {''.join(f'[{key!r}]' for key in at)}"
        if self.msg is not None:
            text = self.msg(text) if callable(self.msg) else self.msg
        raise error(text)

    def compare(self, actual, expected, at=()):
        if isinstance(actual, Mapping) and isinstance(expected, Mapping):
            if actual.keys() != expected.keys():
                missing = sorted(map(str, expected.keys() - actual.keys()))
                extra = sorted(map(str, actual.keys() - expected.keys()))
                self.fail(
                    "The keys of the mappings do not match:\n"
                    f"Missing keys in the actual mapping: {missing}\nAdditional keys in the actual mapping: {extra}", at)
            for key in expected:
                self.compare(actual[key], expected[key], (*at, key))
        elif _is_sequence(actual) and _is_sequence(expected):
            if len(actual) != len(expected):
                self.fail(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", at)
            for i, (a, b) in enumerate(zip(actual, expected)):
                self.compare(a, b, (*at, i))
        elif actual is None or expected is None:
            if actual is not expected:
                self.fail(f"None mismatch: {actual!r} is not {expected!r}", at)
        elif isinstance(actual, bool) and isinstance(expected, bool):
            if actual is not expected:
                self.fail(f"Booleans mismatch: {actual} is not {expected}", at)
        elif isinstance(actual, Number) and isinstance(expected, Number):
            self.compare_numbers(actual, expected, at)
        else:
            self.compare_tensors(self.tensor(actual, expected, at), self.tensor(expected, actual, at), at)

    def tensor(self, x, other, at):
        kind = type(x)
        if isinstance(x, pyxtorch.Tensor):
            related = isinstance(other, pyxtorch.Tensor)
        else:
            related = isinstance(other, kind) or isinstance(x, type(other))
        if not related:
            self.fail(
                f"Except for tensors and numbers, the types must be related, but got {kind} and {type(other)} instead.", at, TypeError)
        if isinstance(x, pyxtorch.Tensor):
            if not self.allow_subclasses and type(x) is not type(other):
                self.fail(f"allow_subclasses=False, but the types are {kind} and {type(other)}.", at, TypeError)
            return x.detach()
        try:
            return pyxtorch.as_tensor(x)
        except Exception:
            self.fail(f"No comparison pair was able to handle inputs of type {kind} and {type(other)}.", at, TypeError)

    def compare_numbers(self, actual, expected, at):
        kinds = [type(x) if type(x) in (int, float, complex, bool) else float for x in (actual, expected)]
        if self.checks["dtype"] and kinds[0] is not kinds[1]:
            self.fail(f"The (d)types do not match: {type(actual)} != {type(expected)}.", at)
        dtypes = {int: pyxtorch.int64, float: pyxtorch.float64, complex: pyxtorch.complex128, bool: pyxtorch.bool}
        rtol, atol = (self.rtol, self.atol) if self.rtol is not None else _default_tolerances(*[dtypes[k] for k in kinds])
        if actual == expected or (self.equal_nan and actual != actual and expected != expected):
            return
        off = abs(actual - expected)
        if off == off and off != float("inf") and off <= atol + rtol * abs(expected):
            return
        relative = off / abs(expected) if expected else float("inf")
        allowed = f" (up to {atol} allowed)" if atol or rtol else ""
        allowed_relative = f" (up to {rtol} allowed)" if atol or rtol else ""
        self.fail(
            f"Scalars are not {'close' if atol or rtol else 'equal'}!\n\nExpected {expected} but got {actual}.\n"
            f"Absolute difference: {off}{allowed}\nRelative difference: {relative}{allowed_relative}", at)

    def compare_tensors(self, actual, expected, at):
        if actual.shape != expected.shape:
            self.fail(f"The values for attribute 'shape' do not match: {actual.shape} != {expected.shape}.", at)
        for name, read in (("layout", lambda t: t.layout), ("device", lambda t: t.device), ("dtype", lambda t: t.dtype), ("stride", lambda t: t.stride())):
            if self.checks[name] and read(actual) != read(expected):
                self.fail(f"The values for attribute '{name}' do not match: {read(actual)} != {read(expected)}.", at)
        rtol, atol = (self.rtol, self.atol) if self.rtol is not None else _default_tolerances(actual.dtype, expected.dtype)
        if actual.device != expected.device:
            actual, expected = actual.cpu(), expected.cpu()
        common = _common_dtype(actual, expected)
        actual, expected = actual.to(common), expected.to(common)
        matches = pyxtorch.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=self.equal_nan)
        if bool(matches.all()):
            return
        self.fail(_report(actual, expected, matches, rtol, atol), at)


def _common_dtype(a, b):
    """A dtype to compare two tensors in. No integer one holds all of uint64 and negative numbers: int64, or float64 where uint64 needs its top bit."""
    signed = next((x for x in (a, b) if x.dtype.is_signed), None)
    unsigned = next((x for x in (a, b) if x.dtype == pyxtorch.uint64), None)
    if signed is None or unsigned is None or signed.is_floating_point() or signed.is_complex():
        return pyxtorch.promote_types(a.dtype, b.dtype)
    return pyxtorch.float64 if bool((unsigned.contiguous().view(pyxtorch.int64) < 0).any()) else pyxtorch.int64


def _is_sequence(x):
    return isinstance(x, Sequence) and not isinstance(x, (str, bytes))


def _report(actual, expected, matches, rtol, atol):
    """What differs, where most, and by how much."""
    exact = rtol == 0 and atol == 0
    title = f"{'Scalars' if actual.ndim == 0 else 'Tensor-likes'} are not {'equal' if exact else 'close'}!"
    if actual.is_complex():
        wide = pyxtorch.complex128
    else:
        wide = pyxtorch.float64 if actual.dtype.is_floating_point or actual.dtype == pyxtorch.bool else pyxtorch.int64
    a, b = actual.to(wide), expected.to(wide)
    off = (a - b).abs().to(pyxtorch.float64)
    relative = off / b.abs().to(pyxtorch.float64)
    lines = [title, ""]
    if actual.ndim == 0:
        lines.append(f"Expected {expected.item()} but got {actual.item()}.")
    else:
        wrong, total = int((~matches).sum()), actual.numel()
        lines.append(f"Mismatched elements: {wrong} / {total} ({100 * wrong / total:.1f}%)")
    for word, values, allowed in (("absolute", off, atol), ("relative", relative, rtol)):
        values = values.clone()
        values[matches] = 0
        values[values.isnan()] = float("inf")
        flat = int(values.argmax())
        place = tuple(int(i) for i in pyxtorch.unravel_index(pyxtorch.tensor(flat), tuple(values.shape))) if actual.ndim else ()
        greatest = values.reshape(-1)[flat].item()
        where = f" at index {place}" if actual.ndim else ""
        up_to = "" if exact else f" (up to {allowed} allowed)"
        if actual.ndim == 0:
            lines.append(f"{word.capitalize()} difference: {greatest}{up_to}")
        else:
            lines.append(f"Greatest {word} difference: {greatest}{where}{up_to}")
    return "\n".join(lines)


def assert_close(
    actual,
    expected,
    *,
    allow_subclasses=True,
    rtol=None,
    atol=None,
    equal_nan=False,
    check_device=True,
    check_dtype=True,
    check_layout=True,
    check_stride=False,
    msg=None,
):
    """Raise unless |actual - expected| <= atol + rtol * |expected| for every element.

    Args:
        actual, expected: tensors, numbers, what can be made a tensor (of related types), or
            sequences and mappings of these, which are compared item by item.
        allow_subclasses: whether an instance of a tensor subclass may be compared with a tensor.
        rtol, atol: both or neither; by default they follow the dtype (float32: 1.3e-6 and 1e-5,
            float64: 1e-7 and 1e-7, integers: 0 and 0), the looser one where dtypes differ.
        equal_nan: whether nan equals nan.
        check_device, check_dtype, check_layout, check_stride: whether these must agree too.
        msg: the text of the error, or a function that makes it of the default one.
    Raises:
        AssertionError: they are not close; the message names the greatest differences.
        TypeError: the two cannot be compared. ValueError: only one tolerance is given.
    """
    _Comparison(rtol, atol, equal_nan, check_device, check_dtype, check_layout, check_stride, allow_subclasses, msg).compare(actual, expected)


def assert_allclose(actual, expected, rtol=None, atol=None, equal_nan=True, msg=""):
    """The former `assert_close`: dtypes and devices may differ, numbers and arrays are taken, NaNs are equal."""
    import pyxtorch

    actual, expected = (x if isinstance(x, pyxtorch.Tensor) else pyxtorch.as_tensor(x) for x in (actual, expected))
    if rtol is None and atol is None:
        table = {pyxtorch.float16: (1e-3, 1e-3), pyxtorch.float32: (1e-4, 1e-5), pyxtorch.float64: (1e-5, 1e-8)}
        pairs = [table.get(x.dtype, (0.0, 0.0)) for x in (actual, expected)]
        rtol, atol = max(p[0] for p in pairs), max(p[1] for p in pairs)
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_device=False, check_dtype=False, check_stride=False, msg=msg or None)
