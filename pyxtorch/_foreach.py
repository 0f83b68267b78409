"""torch._foreach_add and its like: one operation on each tensor of a list. `_foreach_x` gives a tuple, `_foreach_x_` changes the tensors.

The second operand is a number or a tensor of one element for all, or a list of numbers or tensors, one for each.
"""
import pyxtorch
from pyxtorch import Tensor

UNARY = """
    abs acos asin atan ceil clone cos cosh erf erfc exp expm1 floor frac lgamma log log10 log1p log2 max neg reciprocal round rsqrt sigmoid sign
    sin sinh sqrt tan tanh trunc zero
""".split()  # fmt: skip
BINARY = "add clamp_max clamp_min copy div maximum minimum mm mul pow sub".split()
_NUMBERS = {"clamp_max": "minimum", "clamp_min": "maximum", "maximum": "clamp_min", "minimum": "clamp_max"}  # of tensors, of numbers: one has another name
_ONLY_IN_PLACE, _NEVER_IN_PLACE = ("copy", "zero"), ("clone", "max", "mm")


def _tensors(what, given):
    if isinstance(given, Tensor) or not isinstance(given, (list, tuple)) or not all(isinstance(x, Tensor) for x in given):
        raise TypeError(f"{what}: expected a list or tuple of tensors, not {type(given).__name__}.")
    if not given:
        raise RuntimeError("Tensor list must have at least one tensor.")
    return given


def _others(what, given, count):
    """The second operand as a list of `count`."""
    if isinstance(given, (list, tuple)):
        if len(given) != count:
            if given and isinstance(given[0], Tensor):
                raise RuntimeError(f"Tensor lists must have the same number of tensors, got {count} and {len(given)}")
            raise RuntimeError(f"Tensor list must have same number of elements as scalar list, got {count} and {len(given)}.")
        return given
    if isinstance(given, Tensor) and given.dim():
        raise RuntimeError(f"scalar tensor expected to be 0 dim but it has {given.dim()} dimensions and {given.numel()} elements.")
    return [given] * count


def _method(name, other, inplace):
    """The method of tensors that is `name` with this operand."""
    tensors = isinstance(other, Tensor)
    if name in ("clamp_max", "clamp_min") and tensors or name in ("maximum", "minimum") and not tensors:
        name = _NUMBERS[name]
    if not inplace:
        return getattr(Tensor, name)
    if name in ("maximum", "minimum"):
        return lambda x, other: x.copy_(getattr(x, name)(other))
    return getattr(Tensor, f"{name}_")


def _results(given, found, inplace):
    return given if inplace else tuple(found)


def _unary(name, inplace):
    what, method = f"_foreach_{name}{'_' * inplace}", getattr(Tensor, f"{name}_" if inplace else name)

    def foreach(self):
        return _results(self, [method(x) for x in _tensors(what, self)], inplace)

    return what, foreach


_MISSING = object()


def _binary(name, inplace):
    what = f"_foreach_{name}{'_' * inplace}"

    def foreach(self, other=_MISSING, *, alpha=1, **named):
        for word in ("scalar", "scalars", "exponent", "src"):  # what it is called, by its kind
            other = named.pop(word, other)
        named.pop("non_blocking", None)
        if other is _MISSING or named or (alpha != 1 and name not in ("add", "sub")):
            raise TypeError(f"{what}: expected a list of tensors and another operand, got {sorted(named) or 'one alone'}.")
        if name == "pow" and not isinstance(self, (list, tuple)):  # a number to the power of each
            return tuple(pyxtorch.pow(self, x) for x in _tensors(what, other))
        others = _others(what, other, len(_tensors(what, self)))
        more = {} if alpha == 1 else {"alpha": alpha}
        return _results(self, [_method(name, y, inplace)(x, y, **more) for x, y in zip(self, others)], inplace)

    return what, foreach


def _ternary(name, inplace):
    what, method = f"_foreach_{name}{'_' * inplace}", getattr(Tensor, f"{name}_" if inplace else name)

    def foreach(self, tensor1, tensor2, value=1, *, scalars=None):
        count = len(_tensors(what, self))
        value = value if scalars is None else scalars
        values = value.tolist() if isinstance(value, Tensor) and value.dim() == 1 else value
        rows = zip(self, _others(what, _tensors(what, tensor1), count), _others(what, _tensors(what, tensor2), count), _others(what, values, count))
        return _results(self, [method(x, a, b, value=v) for x, a, b, v in rows], inplace)

    return what, foreach


def _lerp(inplace):
    what, method = f"_foreach_lerp{'_' * inplace}", Tensor.lerp_ if inplace else Tensor.lerp

    def foreach(self, tensors1, weight=_MISSING, *, weights=_MISSING):
        weight = weight if weights is _MISSING else weights
        if weight is _MISSING:
            raise TypeError(f"{what}: expected two lists of tensors and a weight.")
        count = len(_tensors(what, self))
        rows = zip(self, _others(what, _tensors(what, tensors1), count), _others(what, weight, count))
        return _results(self, [method(x, y, w) for x, y, w in rows], inplace)

    return what, foreach


def _foreach_norm(self, ord=2, dtype=None):  # noqa: A002
    return tuple(pyxtorch.linalg.vector_norm(x, ord, dtype=dtype) for x in _tensors("_foreach_norm", self))


def _foreach_powsum(self, ord=2, dtype=None):  # noqa: A002
    return tuple(x.abs().pow(ord).sum(dtype=dtype) for x in _tensors("_foreach_powsum", self))


def _all():
    for inplace in (False, True):
        never = _NEVER_IN_PLACE if inplace else _ONLY_IN_PLACE
        yield from (_unary(name, inplace) for name in UNARY if name not in never)
        yield from (_binary(name, inplace) for name in BINARY if name not in never)
        yield from (_ternary(name, inplace) for name in ("addcdiv", "addcmul"))
        yield _lerp(inplace)
    yield "_foreach_norm", _foreach_norm
    yield "_foreach_powsum", _foreach_powsum


FUNCTIONS = dict(_all())
for _name, _function in FUNCTIONS.items():
    _function.__name__ = _function.__qualname__ = _name


def __getattr__(name):
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
