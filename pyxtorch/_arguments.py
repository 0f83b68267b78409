"""What arguments of operations must be, where the operations themselves do not look: flags, and numbers that fit."""
import inspect

# Flags that PyTorch tests in Python, where whatever counts as true or false will do.
LOOSE_FLAGS = frozenset(("inplace", "return_indices", "hard", "antialias", "full", "center", "return_inverse", "return_counts"))
NOT_AMONG_THE_FIRST = 1 << 30


def flags_of(function):
    """The parameters that are flags, those whose default is True or False: their places by name, and the first place.

    -1 is the place of one that can be given by name only.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):     # a C function without a signature
        parameters = ()
    flags = {p.name: place if p.kind == p.POSITIONAL_OR_KEYWORD else -1 for place, p in enumerate(parameters)
             if type(p.default) is bool and p.name not in LOOSE_FLAGS}
    return flags, min((place for place in flags.values() if place >= 0), default=NOT_AMONG_THE_FIRST)


def in_other_words(operation, error):
    """What Python says of a number that does not fit, or of an array in place of one, as the error that PyTorch raises; else None."""
    text = str(error)
    if text.startswith(("Python int too large to convert", "value too large to convert")):
        return ValueError(f"{operation}: an integer among the arguments does not fit in 64 bits: {text}.")
    if text.startswith("The truth value of an array"):
        return TypeError(f"{operation}(): an array of several elements among the arguments is in the place of a number.")
    return None
