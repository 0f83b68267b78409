"""Comparison, logic and bits, one result per element; none has a gradient."""
from cpython.long cimport PyLong_Check
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable
from pyxtorch.ops._common cimport *
from pyxtorch.ops.elementwise cimport SAME, binary, formula, tensors_only, unary
from pyxtorch.ops.shape cimport to_dtype

from pyxtorch.ops._inplace import inplace

# ------------------------------------------------------------------------------- comparison

cdef int EQ = formula(b"eq")
cdef int NE = formula(b"ne")
cdef int LT = formula(b"lt")
cdef int LE = formula(b"le")
cdef int GT = formula(b"gt")
cdef int GE = formula(b"ge")
cdef int ISNAN = formula(b"isnan")


cdef object compare(int f, object input, object other, str op, object out):
    """Compare after promotion; a number beyond an integer dtype's range still compares rightly."""
    cdef Variable x = checked(input, op, "input")
    if PyLong_Check(other) and x.dt <= INT64:
        low, high = integer_range(x.dt if x.dt != BOOL else INT64)
        if not low <= other <= high:
            x = to_dtype(x, FLOAT64)
            other = float("inf") if other > 0 else float("-inf")
            return binary(f, None, x, other, op, SAME, out)
    return binary(f, None, input, other, op, SAME, out)


def eq(input, other, *, out=None):
    """input == other, elementwise, as bool."""
    return compare(EQ, input, other, "eq", out)


def ne(input, other, *, out=None):
    """input != other, elementwise, as bool."""
    return compare(NE, input, other, "ne", out)


def lt(input, other, *, out=None):
    """input < other, elementwise, as bool."""
    return compare(LT, input, other, "lt", out)


def le(input, other, *, out=None):
    """input <= other, elementwise, as bool."""
    return compare(LE, input, other, "le", out)


def gt(input, other, *, out=None):
    """input > other, elementwise, as bool."""
    return compare(GT, input, other, "gt", out)


def ge(input, other, *, out=None):
    """input >= other, elementwise, as bool."""
    return compare(GE, input, other, "ge", out)


def isnan(input, *, out=None):
    """Whether each element is NaN."""
    return unary(ISNAN, None, input, "isnan", SAME, out)


# ------------------------------------------------------------------------------ logic, bits

cdef int LOGICAL_AND = formula(b"logical_and")
cdef int LOGICAL_OR = formula(b"logical_or")
cdef int LOGICAL_XOR = formula(b"logical_xor")
cdef int LOGICAL_NOT = formula(b"logical_not")
cdef int BITWISE_AND = formula(b"bitwise_and")
cdef int BITWISE_OR = formula(b"bitwise_or")
cdef int BITWISE_XOR = formula(b"bitwise_xor")
cdef int BITWISE_NOT = formula(b"bitwise_not")
cdef int LEFT_SHIFT = formula(b"bitwise_left_shift")
cdef int RIGHT_SHIFT = formula(b"bitwise_right_shift")


def logical_and(input, other, *, out=None):
    """Whether both elements are nonzero."""
    tensors_only(input, other, "logical_and")
    return binary(LOGICAL_AND, None, input, other, "logical_and", SAME, out)


def logical_or(input, other, *, out=None):
    """Whether one of two elements is nonzero."""
    tensors_only(input, other, "logical_or")
    return binary(LOGICAL_OR, None, input, other, "logical_or", SAME, out)


def logical_xor(input, other, *, out=None):
    """Whether exactly one of two elements is nonzero."""
    tensors_only(input, other, "logical_xor")
    return binary(LOGICAL_XOR, None, input, other, "logical_xor", SAME, out)


def logical_not(input, *, out=None):
    """Whether each element is zero."""
    return unary(LOGICAL_NOT, None, input, "logical_not", SAME, out)


def bitwise_and(input, other, *, out=None):
    """input & other of integers or bools."""
    return binary(BITWISE_AND, None, input, other, "bitwise_and", SAME, out)


def bitwise_or(input, other, *, out=None):
    """input | other of integers or bools."""
    return binary(BITWISE_OR, None, input, other, "bitwise_or", SAME, out)


def bitwise_xor(input, other, *, out=None):
    """input ^ other of integers or bools."""
    return binary(BITWISE_XOR, None, input, other, "bitwise_xor", SAME, out)


def bitwise_not(input, *, out=None):
    """~input of integers or bools."""
    if isinstance(input, Variable) and (<Variable>input).dt == BOOL:
        return unary(LOGICAL_NOT, None, input, "bitwise_not", SAME, out)
    return unary(BITWISE_NOT, None, input, "bitwise_not", SAME, out)


def bitwise_left_shift(input, other, *, out=None):
    """input << other of integers."""
    return binary(LEFT_SHIFT, None, input, other, "bitwise_left_shift", SAME, out)


def bitwise_right_shift(input, other, *, out=None):
    """input >> other of integers."""
    return binary(RIGHT_SHIFT, None, input, other, "bitwise_right_shift", SAME, out)


# ----------------------------------------------------------------------------------- closeness

def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """|input - other| <= atol + rtol * |other|, elementwise."""
    cdef Variable a = checked(input, "isclose", "input")
    cdef Variable b = checked(other, "isclose", "other")
    if a.dt != b.dt:
        raise RuntimeError(f"isclose: {dtype_of(a.dt).name} did not match {dtype_of(b.dt).name}")
    if not (rtol >= 0 and atol >= 0):
        raise RuntimeError(f"isclose: rtol and atol must be 0 or more, but got rtol={rtol}, atol={atol}")
    close = eq(a, b)
    if equal_nan and a.dt > INT64:
        close = logical_or(close, logical_and(isnan(a), isnan(b)))
    if a.dt <= INT64:
        if rtol == 0 and atol == 0:
            return close
        a = to_dtype(a, FLOAT64)
        b = to_dtype(b, FLOAT64)
    a, b = a.detach(), b.detach()
    gap = (a - b).abs()
    within = gap <= (b.abs() * rtol + atol)
    return logical_or(close, logical_and(within, gap != float("inf")))


def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether all elements of two tensors are close (see isclose)."""
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


def equal(Variable input not None, Variable other not None):
    """Whether two tensors have the same shape and the same elements."""
    same_device(input, other, "equal")
    if not same_shape(input, other):
        return False
    need_values(input, "equal")
    return bool(eq(input, other).all())


__all__ = [
    "eq", "ne", "lt", "le", "gt", "ge", "isnan", "logical_and", "logical_or", "logical_xor", "logical_not", "bitwise_and",
    "bitwise_or", "bitwise_xor", "bitwise_not", "bitwise_left_shift", "bitwise_right_shift", "isclose", "allclose", "equal",
    "greater", "greater_equal", "less", "less_equal", "not_equal",
]
greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne
methods = {name: globals()[name] for name in __all__}
methods.update({name + "_": inplace(globals()[name], name + "_") for name in __all__ if name not in ("isnan", "isclose", "allclose", "equal")})
