"""The tables: an operation's name to a function that makes ONNX nodes of it.

A row is a function of the graph and the operation's own arguments, tensors among them as `graph.Value`, sizes as ints or values. It has
the operation's parameter names, and gives a value for each tensor that the operation gives. `graph.out` says dtype and shape of these.
Rows stand for the function, the method, and the form in place alike. To add one: write it in the file of its kind.
"""
import importlib

__all__ = ["ROWS", "covered", "find", "row"]

ROWS = {}
PARTS = ("elementwise", "activation", "reduce", "shape", "index", "create", "product", "layer", "pool", "resample", "recurrent", "loss")
# The names of operators and of attributes, where they are not those of the operation.
ALIASES = {
    "__getitem__": "getitem", "__setitem__": "setitem", "__invert__": "bitwise_not", "__eq__": "eq", "__floordiv__": "floor_divide",
    "__rsub__": "rsub", "__rdiv__": "rdiv", "__rpow__": "rpow", "__rfloordiv__": "rfloordiv", "__rmod__": "rmod", "__rmatmul__": "rmatmul",
    "__and__": "bitwise_and", "__or__": "bitwise_or", "__xor__": "bitwise_xor", "__lshift__": "bitwise_left_shift",
    "__rshift__": "bitwise_right_shift", "__iand__": "bitwise_and", "__ior__": "bitwise_or", "__ixor__": "bitwise_xor",
    "__ilshift__": "bitwise_left_shift", "__irshift__": "bitwise_right_shift", "__iadd__": "add", "__isub__": "sub", "__imul__": "mul",
    "__itruediv__": "div", "__add__": "add", "__sub__": "sub", "__mul__": "mul", "__truediv__": "div", "__pow__": "pow", "__neg__": "neg",
    "__abs__": "abs", "__mod__": "remainder", "__matmul__": "matmul", "__lt__": "lt", "__le__": "le", "__gt__": "gt", "__ge__": "ge", "__ne__": "ne",
    "__rlshift__": "rlshift", "__rrshift__": "rrshift", "__pos__": "positive", "__round__": "round", "__radd__": "add", "__rmul__": "mul",
    "__rand__": "bitwise_and", "__ror__": "bitwise_or", "__rxor__": "bitwise_xor", "__rtruediv__": "rdiv", "__ifloordiv__": "floor_divide",
    "__imod__": "remainder", "__ipow__": "pow", "cmax": "maximum", "cmin": "minimum", "cinv": "reciprocal",
}  # fmt: skip
SPACES = {"torch.linalg.": "linalg_", "torch.special.": "special_", "torch.fft.": "fft_"}


def row(names):
    """Decorator: the row of these operations, separated by blanks."""

    def enter(function):
        for name in names.split():
            if name in ROWS:
                raise AssertionError(f"two rows for {name}")
            ROWS[name] = function
        return function

    return enter


def _load():
    for part in PARTS:
        importlib.import_module(f"pyxtorch.onnx._rows.{part}")


def named(full):
    """The name under which the row of an operation stands: by its public name, 'torch.nn.functional.relu_'."""
    full = full.replace("pyxtorch.", "torch.", 1) if full.startswith("pyxtorch.") else full
    if full in ROWS:
        return full
    prefix = next((short for space, short in SPACES.items() if full.startswith(space)), "")
    name = full.rpartition(".")[2]
    name = ALIASES.get(name, name)
    candidates = [prefix + name, *([prefix + name[:-1]] if name.endswith("_") and not name.endswith("__") else [])]
    if prefix == "special_":
        candidates.append(name)
    return next((c for c in candidates if c in ROWS), name)


def find(record):
    """(name, row) of a record; None where there is no row."""
    _load()
    name = named(record.full)
    return name, ROWS.get(name)


def covered(full):
    """Whether there is a row for the operation of this public name."""
    _load()
    return named(full) in ROWS
