"""What programs write so that a compiler may see sizes as symbols. They are ordinary numbers here."""
import math

import pyxtorch

__all__ = ["SymBool", "SymFloat", "SymInt", "cond", "sym_float", "sym_int", "sym_ite", "sym_max", "sym_min", "sym_not", "sym_sum", "while_loop"]


class _Symbol:
    """A number that a compiler does not know yet: there is none, sizes are of the types int, float and bool."""

    def __new__(cls, *args):
        raise TypeError(f"{cls.__name__}: no symbols are made; sizes are ordinary numbers.")


class SymInt(_Symbol):
    """An int that a compiler does not know yet, of which there are none: `isinstance(x, SymInt)` is False for every x."""


class SymFloat(_Symbol):
    """The same of floats."""


class SymBool(_Symbol):
    """The same of bools."""


def sym_int(a):
    """A number as an int, towards zero."""
    return math.trunc(a)


def sym_float(a):
    """A number as a float."""
    return float(a)


def sym_not(a):
    """The opposite of a bool."""
    return not a


def sym_ite(b, t, f):
    """t if b else f, of one type.

    Raises:
        AssertionError: `b` is no bool, or `t` and `f` are of different types.
    """
    if not isinstance(b, bool) or type(t) is not type(f):
        raise AssertionError(f"sym_ite: expected a bool and two values of one type, got {type(b)}, {type(t)} and {type(f)}")
    return t if b else f


def _promoted(pick, a, b):
    return float(pick(a, b)) if isinstance(a, float) or isinstance(b, float) else pick(a, b)


def sym_max(a, b):
    """The greater of two numbers, a float if one of them is."""
    return _promoted(max, a, b)


def sym_min(a, b):
    """The smaller of two numbers, a float if one of them is."""
    return _promoted(min, a, b)


def sym_sum(args):
    """The sum of the numbers."""
    return sum(args)


def cond(pred, true_fn, false_fn, operands=()):
    """true_fn(*operands) or false_fn(*operands), as `pred` says.

    Args:
        pred: a bool, or a tensor of one element.
        operands: tuple or list of tensors, which may lie in containers.
    Raises:
        RuntimeError: `pred` has several elements, or something cannot be called.
    """
    if not callable(true_fn) or not callable(false_fn):
        raise RuntimeError("Expect both branches to be callable.")
    if not isinstance(operands, tuple | list):
        raise RuntimeError(f"Expect operands to be a tuple of possibly nested dict/list/tuple that only consists of tensor leaves, but got {operands}.")
    if isinstance(pred, pyxtorch.Tensor):
        if pred.numel() != 1:
            raise RuntimeError(f"Expected pred to be bool or single-element tensor, but got {pred}.")
        pred = bool(pred)
    elif not isinstance(pred, bool):
        raise RuntimeError(f"Expected pred to be bool or tensor, but got {pred}.")
    return (true_fn if pred else false_fn)(*operands)


def while_loop(cond_fn, body_fn, carried_inputs):
    """carried = body_fn(*carried) for as long as cond_fn(*carried) is true; what is carried at last, a tuple.

    Args:
        cond_fn: gives a bool or a tensor of one element. body_fn: gives a tuple of as many things as it takes.
    Raises:
        RuntimeError: something cannot be called, or `body_fn` gives another number of things.
    """
    if not callable(cond_fn) or not callable(body_fn):
        raise RuntimeError("Expect cond_fn and body_fn to be callable.")
    if not isinstance(carried_inputs, tuple | list):
        raise RuntimeError(f"Expect carried_inputs to be a tuple or list, but got {type(carried_inputs).__name__}.")
    carried = tuple(carried_inputs)
    while bool(cond_fn(*carried)):
        found = body_fn(*carried)
        found = tuple(found) if isinstance(found, tuple | list) else (found,)
        if len(found) != len(carried):
            raise RuntimeError(f"body_fn should return the same number of elements as it takes, {len(carried)}, but gave {len(found)}.")
        carried = found
    return carried
