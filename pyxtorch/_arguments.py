"""What arguments of operations must be, where the operations themselves do not look: flags, and numbers that fit."""
import inspect
import re

# Flags that PyTorch tests in Python, where whatever counts as true or false will do.
LOOSE_FLAGS = frozenset(("inplace", "return_indices", "hard", "antialias", "full", "center", "return_inverse", "return_counts"))
NOT_AMONG_THE_FIRST = 1 << 30
# What NumPy and the Array API standard call these parameters. PyTorch takes those names, too, wherever it takes its own.
OTHER_NAMES = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"}


def parameters_of(function):
    """Of the parameters that are flags, those whose default is True or False, the places by name, and the first place; and other names.

    -1 is the place of one that can be given by name only. The other names are those of NumPy for what the function has, and has
    no parameter of that name for.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):     # a C function without a signature
        parameters = ()
    names = {p.name for p in parameters}
    flags = {p.name: place if p.kind == p.POSITIONAL_OR_KEYWORD else -1 for place, p in enumerate(parameters)
             if type(p.default) is bool and p.name not in LOOSE_FLAGS}
    others = {theirs: ours for theirs, ours in OTHER_NAMES.items() if ours in names and theirs not in names}
    return flags, min((place for place in flags.values() if place >= 0), default=NOT_AMONG_THE_FIRST), others

# What Cython, and the operations themselves, say of something else in a tensor's place; and how a tensor is made of it.
_NO_TENSOR = re.compile(r"^Argument '(\w+)' has incorrect type \(expected pyxtorch\.[\w.]+, got ([\w.]+)\)$|argument '(\w+)' must be Tensor, not (\w+)$")
_SEQUENCE = " Use torch.tensor(numbers), or torch.stack(tensors)."
_TENSORS_OF = {
    "ndarray": " Use torch.from_numpy(array).", "list": _SEQUENCE, "tuple": _SEQUENCE,
    **dict.fromkeys(("int", "float", "bool", "complex"), " Use torch.tensor(number)."),
    "NoneType": " Does the function that made it return its result?",
}  # fmt: skip


def refuse_twice(operation, one, other):
    """TypeError: one argument is given by two of its names."""
    raise TypeError(f"{operation}(): {one} and {other} are both given, but are one argument. Leave one out.")


def in_other_words(operation, error):
    """What Python says of a number that does not fit, or of an array in place of one, as the error that PyTorch raises; else None."""
    text = str(error)
    if text.startswith(("Python int too large to convert", "value too large to convert")):
        return ValueError(f"{operation}: an integer among the arguments does not fit in 64 bits: {text}.")
    if text.startswith("The truth value of an array"):
        return TypeError(f"{operation}(): an array of several elements among the arguments is in the place of a number.")
    found = _NO_TENSOR.search(text)
    if found is not None:
        name, kind = found[1] or found[3], (found[2] or found[4]).rpartition(".")[2]
        return TypeError(f"{operation}(): argument '{name}' must be Tensor, not {kind}.{_TENSORS_OF.get(kind, '')}")
    return None
