"""torch.overrides: seeing and changing what operations do, by a class (`__torch_function__`) or by a mode.

A class with a class method `__torch_function__(cls, func, types, args=(), kwargs=None)` is asked instead of an operation that has
one of its instances among its arguments, or in a list among them. `func` is the operation, and `types` the classes that
override it; NotImplemented leaves it to the next of them. Subclasses of Tensor have one already, by which their operations
give instances of the subclass. A `TorchFunctionMode` sees all operations inside its `with` block. The mechanism is
pyxtorch/_gate.pyx; docs/architecture.md describes it.
"""
import contextlib
import functools
import inspect

import pyxtorch
from pyxtorch import Tensor, _gate
from pyxtorch._gate import (
    DisableTorchFunction,
    DisableTorchFunctionSubclass,
    EnableTorchFunction,
    Mode,
    Operation,
    handle_torch_function,
    has_torch_function,
    has_torch_function_unary,
    has_torch_function_variadic,
)

__all__ = [
    "BaseTorchFunctionMode", "TorchFunctionMode", "enable_reentrant_dispatch", "get_default_nowrap_functions", "get_ignored_functions",
    "get_overridable_functions", "get_testing_overrides", "handle_torch_function", "has_torch_function", "has_torch_function_unary",
    "has_torch_function_variadic", "is_tensor_like", "is_tensor_method_or_property", "redispatch_function", "resolve_name",
    "wrap_torch_function",
]  # fmt: skip

_get_overloaded_args = _gate.overloaded_args
_disable_torch_function = DisableTorchFunction
_disable_torch_function_subclass = DisableTorchFunctionSubclass
_enable_torch_function = EnableTorchFunction

# Names of the namespaces whose functions take no tensor that could override them: makers of tensors, and settings. Modes see those
# that are operations.
_MAKERS = frozenset("""
arange as_strided as_tensor asarray bartlett_window blackman_window empty empty_permuted empty_strided eye fftfreq fill from_dlpack
from_numpy frombuffer full hamming_window hann_window kaiser_window linspace logspace normal ones rand rand_like randint randint_like
randn randn_like randperm range result_type rfftfreq scalar_tensor tensor tril_indices triu_indices vander zeros
""".split())  # fmt: skip
_TENSOR_MAKERS = frozenset("new new_empty new_empty_strided new_full new_ones new_tensor new_zeros".split())


# ------------------------------------------------------------------------------------------ modes

class TorchFunctionMode(Mode):
    """Sees every operation of this thread while its `with` block runs.

    A subclass has a method `__torch_function__(self, func, types, args=(), kwargs=None)`; what that returns is the operation's
    result. While it runs the mode is out of force, so that `func(*args, **(kwargs or {}))` goes on to the mode outside it, to
    overriding arguments, and to the operation. `with self:` inside it makes the mode see what it does itself.
    """

    inner = None

    def __init__(self):
        pass

    def __torch_function__(self, func, types, args=(), kwargs=None):
        raise NotImplementedError(f"{type(self).__name__}: a mode needs a method __torch_function__(self, func, types, args, kwargs).")

    @classmethod
    def push(cls, *args, **kwargs):
        """A mode of this class, to be entered by `with`."""
        return cls(*args, **kwargs)


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that changes nothing: every operation runs."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


# By their names in PyTorch, which programs use.
_get_current_function_mode = _gate.entered_mode
_get_current_function_mode_stack = _gate.entered_modes
_push_mode = _gate.push_mode
_pop_mode = _gate.pop_mode


@contextlib.contextmanager
def enable_reentrant_dispatch():
    """Overrides are heard again inside a handler that had switched them off."""
    with EnableTorchFunction():
        yield


def redispatch_function(func, types, args=(), kwargs=None):
    """Call an operation anew from a handler: with the overrides of its arguments, whatever the surroundings say."""
    with EnableTorchFunction():
        return func(*args, **(kwargs or {}))


def wrap_torch_function(dispatcher):
    """Make a function of one's own one that arguments can override.

    Args:
        dispatcher: function of the same parameters that gives the arguments to be asked.
    """

    def decorate(function):
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            relevant = dispatcher(*args, **kwargs)
            if has_torch_function(relevant):
                return handle_torch_function(wrapped, relevant, *args, **kwargs)
            return function(*args, **kwargs)

        return wrapped

    return decorate


# --------------------------------------------------------------------------------- what there is to override

def _namespaces():
    import importlib

    yield "torch", pyxtorch
    for name in ("nn.functional", "linalg", "fft", "special"):
        yield "torch." + name, importlib.import_module("pyxtorch." + name)


@functools.lru_cache(None)
def _known():
    """(namespace to its overridable functions, functions that cannot be overridden, function to its public name)."""
    overridable, ignored, names = {}, set(), {}
    for title, space in _namespaces():
        found = overridable.setdefault(space, [])
        for name in getattr(space, "__all__", None) or dir(space):
            value = getattr(space, name)
            if name.startswith("_") or isinstance(value, type) or not callable(value):
                continue
            names.setdefault(value, f"{title}.{name}")
            if type(value) is Operation and name not in _MAKERS:
                found.append(value)
            else:
                ignored.add(value)
    methods = overridable.setdefault(Tensor, [])
    for name, value in vars(Tensor).items():
        kind = type(value).__name__
        if kind == "getset_descriptor":
            found = overridable.setdefault(value, [])
            names[value.__get__], names[value.__set__] = f"torch.Tensor.{name}.__get__", f"torch.Tensor.{name}.__set__"
            found.append(value.__get__)
        elif kind in ("Operation", "wrapper_descriptor", "method_descriptor"):
            names.setdefault(value, f"torch.Tensor.{name}")
            if kind == "method_descriptor" or name in _TENSOR_MAKERS or name in _gate.NO_METHODS:
                ignored.add(value)
            else:
                methods.append(value)
    return overridable, ignored, names


def get_overridable_functions():
    """All functions that `__torch_function__` can override, by the namespace or class they are in.

    Attributes stand under their descriptor, as the function that reads them (`Tensor.shape.__get__`).
    """
    return {space: list(functions) for space, functions in _known()[0].items()}


def get_ignored_functions():
    """Public functions that `__torch_function__` cannot override, as they take no tensor or return nothing of one."""
    return set(_known()[1])


def resolve_name(f):
    """The public name of what `__torch_function__` is given, such as 'torch.nn.functional.relu'; None for other functions."""
    known = _known()[2].get(f)
    return known if known is not None or not isinstance(f, Operation) else _gate.name_of(f)


def get_testing_overrides():
    """For each overridable function a function of the same parameters that returns -1: something to override it with."""
    overrides = {}
    for functions in get_overridable_functions().values():
        for function in functions:
            overrides[function] = _stand_in(function)
    return overrides


def _stand_in(function):
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # an attribute's reader, a slot without a written signature
        parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in _unwritten(function)]

    def stand_in(*args, **kwargs):
        return -1

    stand_in.__name__ = function.__name__
    stand_in.__signature__ = inspect.Signature(parameters)
    return stand_in


def _unwritten(function):
    counts = {"__setitem__": 3, "__get__": 1, "__pow__": 2, "__rpow__": 2}
    binary = ("__getitem__", "__delitem__", "__contains__", "__eq__")
    return ("self", "other", "value")[: counts.get(function.__name__, 2 if function.__name__ in binary else 1)]


def get_default_nowrap_functions():
    """Attributes whose tensors Tensor.__torch_function__ gives as they are, not as instances of the subclass."""
    return set(_gate.never_converted)


def is_tensor_like(inp):
    """Whether `inp` is a tensor, or of a class with `__torch_function__`."""
    return type(inp) is Tensor or hasattr(inp, "__torch_function__")


def is_tensor_method_or_property(func):
    """Whether `func`, as `__torch_function__` is given it, is a method or an attribute of Tensor."""
    return func in _tensor_functions() or getattr(func, "__name__", None) == "__get__"


@functools.lru_cache(None)
def _tensor_functions():
    overridable, ignored, _ = _known()
    return {*overridable[Tensor], *(f for f in ignored if resolve_name(f) and resolve_name(f).startswith("torch.Tensor."))}
