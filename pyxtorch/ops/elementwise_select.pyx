"""One of several values per element: maximum, where, clamp; and writing one value everywhere."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, check_inplace, rebasing, record1, record3, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops.elementwise cimport (
    SAME, Binary, Unary, binary, formula, formula1, formula3, mul_number, number_operand, operand_error, tensors_only,
)
from pyxtorch.ops.elementwise_slope cimport sloped
from pyxtorch.ops.shape cimport expand_to, to_dtype

from pyxtorch.ops._inplace import inplace
from pyxtorch.ops.elementwise_compare import isnan, logical_and, logical_or

# ----------------------------------------------------------------------- larger and smaller

cdef int MAXIMUM = formula(b"maximum")
cdef int MINIMUM = formula(b"minimum")
cdef int FMAX = formula(b"fmax")
cdef int FMIN = formula(b"fmin")


cdef class Extreme(Binary):
    """The chosen operand gets the gradient; equal ones half of it each."""
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(a)
        self.save(b)

    cdef object chosen(self, Variable a, Variable b):
        return a > b

    cdef int vjp(self, Variable g) except -1:
        a, b = self.saved(0), self.saved(1)
        first = self.chosen(a, b)
        equal = a == b
        half = where(equal, mul_number(g, 0.5), 0)
        if self.needs(0):
            self.pass_grad(0, where(first, g, half))
        if self.needs(1):
            self.pass_grad(1, where(logical_or(first, equal), half, g))


cdef class Maximum(Extreme):
    pass


cdef class Minimum(Extreme):
    cdef object chosen(self, Variable a, Variable b):
        return a < b


cdef class Fmax(Binary):
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(a)
        self.save(b)

    cdef int vjp(self, Variable g) except -1:
        a, b = self.saved(0), self.saved(1)
        first = logical_or(a >= b, isnan(b))
        self.pass_grad(0, where(first, g, 0))
        self.pass_grad(1, where(first, 0, g))


cdef class Fmin(Fmax):
    cdef int vjp(self, Variable g) except -1:
        a, b = self.saved(0), self.saved(1)
        first = logical_or(a <= b, isnan(b))
        self.pass_grad(0, where(first, g, 0))
        self.pass_grad(1, where(first, 0, g))


def maximum(input, other, *, out=None):
    """The larger of two elements; NaN if either is."""
    tensors_only(input, other, "maximum")
    return binary(MAXIMUM, Maximum, input, other, "maximum", SAME, out)


def minimum(input, other, *, out=None):
    """The smaller of two elements; NaN if either is."""
    tensors_only(input, other, "minimum")
    return binary(MINIMUM, Minimum, input, other, "minimum", SAME, out)


def fmax(input, other, *, out=None):
    """The larger of two elements; a number is preferred to NaN."""
    tensors_only(input, other, "fmax")
    return binary(FMAX, Fmax, input, other, "fmax", SAME, out)


def fmin(input, other, *, out=None):
    """The smaller of two elements; a number is preferred to NaN."""
    tensors_only(input, other, "fmin")
    return binary(FMIN, Fmin, input, other, "fmin", SAME, out)


# ---------------------------------------------------------------------------------- where

cdef int WHERE = formula(b"where")


cdef class Where(Function):
    cdef int vjp(self, Variable g) except -1:
        condition = self.saved(0)
        if self.needs(1):
            self.pass_grad(1, where(condition, g, 0))
        if self.needs(2):
            self.pass_grad(2, where(condition, 0, g))


cdef Variable where_t(Variable condition, Variable a, Variable b):
    cdef Variable y
    cdef Where node
    if condition.dt != BOOL:
        if condition.dt != UINT8:
            raise RuntimeError(f"where: expected condition to be a boolean tensor, but got a tensor with dtype {dtype_of(condition.dt)!r}")
        condition = to_dtype(condition, BOOL)
    cdef int dt = result_type_of(a, b)
    a = to_dtype(a, dt)
    b = to_dtype(b, dt)
    if a.dev != condition.dev and a.nd == 0:
        a = a.to(condition.device)
    if b.dev != condition.dev and b.nd == 0:
        b = b.to(condition.device)
    if recording(a) or recording(b):
        y = formula3(WHERE, condition, a, b, NULL, "where")
        a = expand_to(a, y.nd, y.sizes, "where") if recording(a) else a
        b = expand_to(b, y.nd, y.sizes, "where") if recording(b) else b
        node = <Where>Where.__new__(Where)
        node.save(condition)
        record3(node, y, condition, a, b)
        return y
    return formula3(WHERE, condition, a, b, NULL, "where")


def where(condition, input=None, other=None, *, out=None):
    """input where condition, else other; with a condition alone, `nonzero(as_tuple=True)`."""
    cdef Variable c = checked(condition, "where", "condition")
    if input is None and other is None:
        return c.nonzero(as_tuple=True)
    for v in (input, other):
        if not isinstance(v, Variable) and not is_number(v):
            raise operand_error("where", v)
    cdef Variable a, b
    if isinstance(input, Variable):
        a = input
    elif isinstance(other, Variable):
        a = number_operand(input, <Variable>other)
    else:
        a = wrap_number(input, number_dtype(input), c.dev, c.dev_index)
    b = other if isinstance(other, Variable) else number_operand(other, a)
    return finish_out(where_t(c, a, b), out, "where")


# -------------------------------------------------------------------------------- clamp

cdef int CLAMP = formula(b"clamp")
cdef int CLAMP_SCALAR = formula(b"clamp_scalar")
cdef int CLAMP_BACKWARD = formula(b"clamp_backward")


cdef class Clamp(Unary):
    """min(max(x, low), high): the gradient flows where x lies between them, ends included."""
    cdef double s[3]

    cdef int keep(self, Variable x, Variable y) except -1:
        self.save(x)

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, sloped(CLAMP_BACKWARD, None, g, self.saved(0), self.s, "clamp"))


cdef class ClampBetween(Function):
    """The same with tensors for bounds; the one that is taken gets the gradient."""
    cdef int vjp(self, Variable g) except -1:
        x, low, high = self.saved(0), self.saved(1), self.saved(2)
        if self.needs(0):
            self.pass_grad(0, where(logical_and(x >= low, x <= high), g, 0))
        if self.needs(1):
            self.pass_grad(1, where(logical_and(x < low, low <= high), g, 0))
        if self.needs(2):
            self.pass_grad(2, where(logical_or(x > high, low > high), g, 0))


cdef Variable clamp_between(Variable x, Variable low, Variable high):
    """In one pass: tensors of one dtype on one device."""
    cdef Variable y = formula3(CLAMP, x, low, high, NULL, "clamp")
    cdef ClampBetween node
    if recording(x) or recording(low) or recording(high):
        x, low, high = [expand_to(v, y.nd, y.sizes, "clamp") if recording(v) else v for v in (x, low, high)]
        node = <ClampBetween>ClampBetween.__new__(ClampBetween)
        node.save(x)
        node.save(low)
        node.save(high)
        record3(node, y, x, low, high)
    return y


cdef bint alike(Variable x, Variable y) noexcept:
    return x.dt == y.dt and x.dev == y.dev and x.dev_index == y.dev_index


cdef object number_beside(limit, other):
    if isinstance(limit, Variable) and other is not None and (<Variable>limit).ndim == 0 and not recording(<Variable>limit):
        return limit.item()
    return limit


def clamp(input, min=None, max=None, *, out=None):
    """Elements below `min` or above `max` (numbers or tensors) become these.

    Raises:
        RuntimeError: neither is given, or the tensor is complex.
    """
    cdef Variable x = checked(input, "clamp", "input")
    cdef Variable y
    cdef double s[3]
    cdef Clamp node
    cdef int dt = x.dt
    if min is None and max is None:
        raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
    if is_complex_code(x.dt):
        raise RuntimeError("clamp: is not supported for complex types")
    if isinstance(min, Variable) != isinstance(max, Variable):    # a tensor of no dimensions is taken for a number beside a number
        min = number_beside(min, max)
        max = number_beside(max, min)
    if isinstance(min, Variable) or isinstance(max, Variable):
        for limit, other in ((min, max), (max, min)):
            if isinstance(limit, Variable) and other is not None and not isinstance(other, Variable):
                raise TypeError(f"clamp(): min and max must both be tensors or both numbers, not {type(min).__name__} and {type(max).__name__}")
        if isinstance(min, Variable) and isinstance(max, Variable) and alike(x, <Variable>min) and alike(x, <Variable>max):
            return finish_out(clamp_between(x, min, max), out, "clamp")
        r = x
        if min is not None:
            r = _clamp_below(r, min)
        if max is not None:
            r = _clamp_above(r, max)
        return finish_out(r, out, "clamp")
    for limit in (min, max):
        if limit is not None:
            if not is_number(limit):
                raise operand_error("clamp", limit)
            dt = promote_number(dt, limit)
    x = to_dtype(x, dt)
    if is_floating(dt):
        s[0] = float("-inf") if min is None else min
        s[1] = float("inf") if max is None else max
        y = formula1(CLAMP_SCALAR, x, s, "clamp")
    else:
        y = x
        if min is not None:
            y = <Variable>binary(MAXIMUM, None, y, min, "clamp", SAME, None)
        if max is not None:
            y = <Variable>binary(MINIMUM, None, y, max, "clamp", SAME, None)
    if min is not None and min != min or max is not None and max != max:
        fill_raw(y, float("nan"))
    if recording(x):
        node = <Clamp>Clamp.__new__(Clamp)
        for i in range(2):      # as the dtype rounds them, as they were compared
            node.s[i] = item_of(wrap_number(s[i], dt, CPU, 0))
        node.save(x)
        record1(node, y, x)
    return finish_out(y, out, "clamp")


cdef class ClampBelow(Maximum):
    """maximum whose gradient goes to x where x equals the limit."""
    cdef int vjp(self, Variable g) except -1:
        first = self.saved(0) >= self.saved(1)
        self.pass_grad(0, where(first, g, 0))
        self.pass_grad(1, where(first, 0, g))


cdef class ClampAbove(Minimum):
    cdef int vjp(self, Variable g) except -1:
        first = self.saved(0) <= self.saved(1)
        self.pass_grad(0, where(first, g, 0))
        self.pass_grad(1, where(first, 0, g))


cdef object _clamp_below(object x, object limit):
    return binary(MAXIMUM, ClampBelow, x, limit, "clamp", SAME, None)


cdef object _clamp_above(object x, object limit):
    return binary(MINIMUM, ClampAbove, x, limit, "clamp", SAME, None)


def clamp_min(input, min, *, out=None):
    """Elements below `min` become it."""
    return clamp(input, min=min, out=out)


def clamp_max(input, max, *, out=None):
    """Elements above `max` become it."""
    return clamp(input, max=max, out=out)


def clamp_(Variable self not None, min=None, max=None):
    """`clamp` in place."""
    if not recording(self) and self._base is None and not isinstance(min, Variable) and not isinstance(max, Variable):
        check_inplace(self, "clamp_")
        return clamp(self, min, max, out=self)
    return recorded_clamp_(self, min, max)


# --------------------------------------------------------------------------------- fill

def zero_(Variable self not None):
    """Set every element to 0."""
    return fill_(self, 0)


def fill_(Variable self not None, value):
    """Set every element to `value`, a number or a 0-d tensor."""
    cdef Variable v
    check_inplace(self, "fill_")
    if isinstance(value, Variable):
        v = value
        if v.nd != 0:
            raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {v.nd} dimensions.")
        return self.copy_(v)
    if hasattr(type(value), "__torch_function__"):
        raise TypeError(f"fill_: expected a number or a 0-d tensor, not {type(value).__name__}, whose class overrides operations.")
    if rebasing(self, 0):
        return self.copy_(wrap_number(value, self.dt, self.dev, self.dev_index))
    fill_raw(self, value)
    bump(self)
    return self


def fill(Variable input not None, value):
    """A tensor like `input` with every element `value`."""
    if isinstance(value, Variable):
        if (<Variable>value).nd != 0:
            raise RuntimeError(f"fill only supports 0-dimension value tensor but got tensor with {(<Variable>value).nd} dimensions.")
        return to_dtype(<Variable>value, input.dt).expand(shape_of(input)).clone()
    y = full_raw(input.nd, input.sizes, input.dt, input.dev, input.dev_index, value)
    if recording(input) and input.dt > INT64:
        return where(full_raw(0, NULL, BOOL, input.dev, input.dev_index, True), y, input)     # on the tape, with a gradient of 0
    return y


def where_method(self, condition, other):
    """self where condition, else other."""
    return where(condition, self, other)


__all__ = ["maximum", "minimum", "fmax", "fmin", "where", "clamp", "clamp_min", "clamp_max", "clip", "fill"]
clip = clamp
recorded_clamp_ = inplace(clamp, "clamp_")     # of two steps where the bounds are tensors
methods = {name: globals()[name] for name in __all__ if name not in ("where", "fill")}
methods["where"] = where_method
methods.update(clamp_=clamp_, clip_=clamp_, clamp_min_=inplace(clamp_min, "clamp_min_"), clamp_max_=inplace(clamp_max, "clamp_max_"),
               zero_=zero_, fill_=fill_)
