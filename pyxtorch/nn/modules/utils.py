"""Small helpers of the layers."""


def tuple_of(value, n, op):
    """`value` as a tuple of n: an int is repeated."""
    if hasattr(value, "__iter__") and not isinstance(value, str):
        value = tuple(value)
        if len(value) == 1:
            return value * n
        if len(value) != n:
            raise ValueError(f"{op}: expected {n} numbers but got {value}. Give one number or {n}.")
        return value
    return (value,) * n


def _ntuple(n):
    return lambda value: tuple_of(value, n, "layer")


_single, _pair, _triple, _quadruple = map(_ntuple, (1, 2, 3, 4))


def options(module, names):
    """"name=value, ..." for the given attributes of a module."""
    return ", ".join([f"{name}={getattr(module, name)!r}" for name in names])
