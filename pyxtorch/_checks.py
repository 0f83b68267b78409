"""Checks that programs write in place of `if not ...: raise ...`: torch._assert, torch._check and their like."""
import builtins

import pyxtorch
from pyxtorch import Tensor
from pyxtorch._gate import handle_torch_function, has_torch_function_variadic

__all__ = [
    "_assert", "_assert_async", "_check", "_check_index", "_check_is_size", "_check_not_implemented", "_check_tensor_all", "_check_tensor_all_with",
    "_check_type", "_check_value", "_check_with",
]  # fmt: skip


def _assert(condition, message):
    """`assert condition, message` that a trace sees."""
    if type(condition) is not bool and not isinstance(condition, Tensor) and has_torch_function_variadic(condition):      # such as a value that fx traces
        handle_torch_function(_assert, (condition,), condition, message)
    else:
        assert condition, message


def _assert_async(input, assert_msg="Expected Tensor with single nonzero value, but got zero"):
    """RuntimeError with the message unless the tensor's only element is nonzero."""
    if not isinstance(input, Tensor):
        raise TypeError(f"_assert_async(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    if input.numel() != 1:
        raise RuntimeError(f"Boolean value of Tensor with {'no values' if input.numel() == 0 else 'more than one value'} is ambiguous")
    if not input.item():
        raise RuntimeError(assert_msg)


def _check_with(error_type, cond, message=None):
    """`error_type` with the result of `message()` unless `cond`, a bool, is True.

    Raises:
        TypeError: `cond` is no bool, or `message` no function.
    """
    if isinstance(cond, Tensor):
        raise TypeError("cond must be a bool, but got a Tensor. For tensor conditions, use torch._check_tensor_all() to assert that all elements are true.")
    if not isinstance(cond, builtins.bool):
        raise TypeError(f"cond must be a bool, but got {type(cond)}")
    if cond:
        return
    if message is None:
        raise error_type("Expected cond to be True, but got False.")
    if not callable(message):
        raise TypeError("message must be a callable")
    raise error_type(str(message()))


def _check(cond, message=None):
    """RuntimeError unless `cond`; see `_check_with`."""
    _check_with(RuntimeError, cond, message)


def _check_index(cond, message=None):
    """IndexError unless `cond`."""
    _check_with(IndexError, cond, message)


def _check_value(cond, message=None):
    """ValueError unless `cond`."""
    _check_with(ValueError, cond, message)


def _check_type(cond, message=None):
    """TypeError unless `cond`."""
    _check_with(TypeError, cond, message)


def _check_not_implemented(cond, message=None):
    """NotImplementedError unless `cond`."""
    _check_with(NotImplementedError, cond, message)


def _check_is_size(i, message=None, *, max=None):
    """RuntimeError unless `i` is a size: not negative, and not above `max`."""
    _check(i >= 0, message)
    if max is not None:
        _check(i <= max, message)


def _check_tensor_all_with(error_type, cond, message=None):
    """`error_type` with the result of `message()` unless all elements of `cond`, a tensor of bools, are True."""
    if not isinstance(cond, Tensor):
        raise TypeError(f"cond must be a tensor, but got {type(cond)}")
    if cond.dtype is not pyxtorch.bool:
        raise TypeError(f"cond tensor must have dtype torch.bool, but got {cond.dtype}")
    _check_with(error_type, cond.all().item(), message)


def _check_tensor_all(cond, message=None):
    """RuntimeError unless all elements of `cond` are True."""
    _check_tensor_all_with(RuntimeError, cond, message)
