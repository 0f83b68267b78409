"""Sizes as symbols: what a program reads of a shape while it is recorded is an int that remembers where it comes from.

`Int` and `Float` are Python's int and float with the value of the example, so that a program goes on with them as ever, and an
expression: ("dim", tensor, axis), a number, or (name of an operation, operands ...). A comparison is decided by the example's value
and noted as a guard: the exported program holds where it comes out alike. What leaves for an ordinary number (`int(n)`) is noted
as well, so that it can be found again where it is used.
"""
import contextlib
import math
import operator

from pyxtorch import Size

__all__ = ["Float", "Int", "Sizes", "evaluate", "expression", "leaves", "patched_math", "plain"]


def _round(x):
    return round(x)


OPERATIONS = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "floordiv": operator.floordiv, "truediv": operator.truediv,
    "mod": operator.mod, "pow": operator.pow, "neg": operator.neg, "abs": abs, "floor": math.floor, "ceil": math.ceil, "trunc": math.trunc,
    "round": _round, "float": float, "sqrt": math.sqrt, "log": math.log, "log2": math.log2, "exp": math.exp,
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
}  # fmt: skip


def evaluate(expr, dim):
    """The value of an expression; `dim(tensor, axis)` says how long a tensor is."""
    if not isinstance(expr, tuple):
        return expr
    if expr[0] == "dim":
        return dim(expr[1], expr[2])
    return OPERATIONS[expr[0]](*[evaluate(e, dim) for e in expr[1:]])


def leaves(expr):
    """All (tensor, axis) that an expression reads."""
    if isinstance(expr, tuple):
        if expr[0] == "dim":
            yield expr[1:]
        else:
            for e in expr[1:]:
                yield from leaves(e)


def expression(value):
    """The expression of a symbol; other numbers stand for themselves."""
    return value.expr if isinstance(value, (Int, Float)) else value


def plain(value):
    """A symbol as the ordinary number of the example."""
    if isinstance(value, Int):
        return int.__index__(value)
    return float.__float__(value) if isinstance(value, Float) else value


def _made(notes, name, *operands):
    numbers = [plain(x) for x in operands]
    value = OPERATIONS[name](*numbers)
    kind = Int if isinstance(value, int) else Float
    return kind.made(value, (name, *map(expression, operands)), notes)


def _arithmetic(name, reflected=False):
    def method(self, other):
        if not isinstance(other, (int, float)) or isinstance(other, bool):
            return NotImplemented
        return _made(self.notes, name, *((other, self) if reflected else (self, other)))

    return method


def _comparison(name):
    def method(self, other):
        if not isinstance(other, (int, float)):
            return NotImplemented
        return self.notes.guard((name, self.expr, expression(other)), OPERATIONS[name](plain(self), plain(other)))

    return method


def _unary(name):
    def method(self):
        return _made(self.notes, name, self)

    return method


class _Symbol:
    """What Int and Float share; `notes` is the recorder, which has `guard(expr, truth)` and `escape(expr, value)`."""

    @classmethod
    def made(cls, value, expr, notes):
        self = cls(value)
        self.expr, self.notes = expr, notes
        return self

    def __bool__(self):
        return self.notes.guard(("ne", self.expr, 0), plain(self) != 0)

    def __int__(self):
        return self.notes.escape(("trunc", self.expr), math.trunc(plain(self)))

    def __float__(self):
        return self.notes.escape(("float", self.expr), float(plain(self)))

    def __pow__(self, other, modulo=None):
        return NotImplemented if modulo is not None else _power(self, other)

    def __round__(self, digits=None):
        if digits is not None:
            return round(self.__float__(), digits)
        return _made(self.notes, "round", self)

    def __divmod__(self, other):
        return self // other, self % other

    def __pos__(self):
        return self

    def __repr__(self):
        return repr(plain(self))

    __str__ = __repr__

    def __format__(self, spec):
        return format(plain(self), spec)

    def __reduce__(self):
        return type(plain(self)), (plain(self),)

    def __deepcopy__(self, memo):
        return self


_power = _arithmetic("pow")
for _name in ("add", "sub", "mul", "floordiv", "truediv", "mod"):
    setattr(_Symbol, f"__{_name}__", _arithmetic(_name))
    setattr(_Symbol, f"__r{_name}__", _arithmetic(_name, True))
_Symbol.__rpow__ = _arithmetic("pow", True)
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(_Symbol, f"__{_name}__", _comparison(_name))
for _name in ("neg", "abs", "floor", "ceil", "trunc"):
    setattr(_Symbol, f"__{_name}__", _unary(_name))


class Int(_Symbol, int):
    """A size."""

    __hash__ = int.__hash__


class Float(_Symbol, float):
    """A number computed from sizes."""

    __hash__ = float.__hash__


class Sizes(Size):
    """The shape of a tensor whose items are symbols."""

    __slots__ = ()

    def __eq__(self, other):
        if not isinstance(other, tuple) or len(self) != len(other):
            return False
        return [a == b for a, b in zip(self, other)].count(False) == 0  # all are compared: each is noted

    def __ne__(self, other):
        return not self == other

    __hash__ = Size.__hash__


def _through(name, function):
    def wrapped(x, *more):
        if isinstance(x, _Symbol) and not more:
            return _made(x.notes, name, x)
        return function(x, *more)

    return wrapped


@contextlib.contextmanager
def patched_math():
    """Within it, functions of `math` give symbols of symbols."""
    before = {name: getattr(math, name) for name in ("sqrt", "log", "log2", "exp")}
    for name, function in before.items():
        setattr(math, name, _through(name, function))
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(math, name, function)
