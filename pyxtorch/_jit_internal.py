"""torch._jit_internal: what modules written for TorchScript take from it."""
import functools
import inspect
from typing import Any, Dict, Final, List, Optional, Tuple, Union  # noqa: F401, UP035  (taken from here)

from pyxtorch.jit import Future, export, ignore, is_scripting, unused  # noqa: F401

__all__ = ["Final", "_copy_to_script_wrapper", "_overload", "_overload_method", "boolean_dispatch", "export", "ignore", "is_scripting", "unused"]


class _BroadcastingList:
    """In annotations: a list, or one number for all of its places."""

    def __getitem__(self, kind):
        return kind


BroadcastingList1 = BroadcastingList2 = BroadcastingList3 = BroadcastingList4 = BroadcastingList5 = BroadcastingList6 = _BroadcastingList()


def boolean_dispatch(arg_name, arg_index, default, if_true, if_false, module_name, func_name):
    """A function that calls one of two, as one of its arguments is true or false."""

    @functools.wraps(if_true)
    def dispatched(*args, **kwargs):
        chosen = kwargs[arg_name] if arg_name in kwargs else args[arg_index] if arg_index < len(args) else default
        return (if_true if chosen else if_false)(*args, **kwargs)

    dispatched.__name__ = dispatched.__qualname__ = func_name or if_true.__name__
    dispatched.__module__ = module_name
    return dispatched


def _copy_to_script_wrapper(fn):
    """Mark a method that a scripted module has as it is; gives back `fn`."""
    return fn


def _overload(func):
    """Mark one of several forms of a function; the last one is what runs. Gives back `func`."""
    return func


_overload_method = _overload


def get_callable_argument_names(fn):
    """The names of a function's arguments by position or name; none where it takes others."""
    parameters = inspect.signature(fn).parameters.values()
    return [p.name for p in parameters] if all(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters) else []
