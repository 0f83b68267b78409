"""torch._six: what programs for Python 2 and 3 took from PyTorch until 1.13."""
import builtins
import collections.abc as container_abcs
from math import inf, nan

__all__ = ["PY37", "container_abcs", "inf", "int_classes", "istuple", "nan", "string_classes", "with_metaclass"]

PY2, PY3, PY37 = False, True, True
string_classes = (str, bytes)
int_classes = int
FileNotFoundError = builtins.FileNotFoundError  # noqa: A001
StringIO = __import__("io").StringIO


def istuple(obj):
    """Whether it is a tuple."""
    return isinstance(obj, tuple)


def with_metaclass(meta, *bases):
    """A base that makes the class which follows one of `meta`, over `bases`."""
    return meta("base", bases, {})
