"""Numerical kernels, by device; and the formulas that the elementwise ones come from, as data."""
from typing import NamedTuple

__all__ = ["Formula", "formulas"]


class Formula(NamedTuple):
    """A line of include/pyxtorch/unary.h, binary.h or ternary.h; C reads the same in pyxtorch/formulas.h."""

    name: str
    text: str  # in C++, over the operands, the scalars s[0], s[1] ... and T, the type computed in
    operands: tuple[str, ...]  # ("x",), ("x", "y"), ("x", "y", "z"), or ("m", "x", "y") of which m is bool
    scalars: int  # how many it reads
    result: str  # of T: "same", "bool", "real" or "complex"
    dtypes: tuple  # that it is computed in
    complex_form: bool  # written for complex numbers apart; the same name occurs without


def formulas():
    """Every formula that elementwise kernels are made of, as a list of Formula."""
    from pyxtorch import _core

    results = ("same", "bool", "real", "complex")
    return [
        Formula(name, text, tuple(operands), scalars, results[result], tuple(d for i, d in enumerate(dict.fromkeys(_core.dtypes().values())) if mask >> i & 1), form)
        for name, text, operands, scalars, result, mask, form in _core.formulas()
    ]
