"""What is saved for backward: the hooks that pack it, and the error where it is no longer what it was.

Compiled by Cython in pure Python mode; saving.pxd has the C side.
"""
import threading

import cython
from cython.cimports.pyxtorch._core import alias, shape_of
from cython.cimports.pyxtorch._tape.modes import set_grad
from cython.cimports.pyxtorch._tape.sites import changed_by

from pyxtorch._tape.sites import line_of

_active = cython.declare(cython.int, 0)             # how many saved_tensors_hooks are active in all threads
_hooks = cython.declare(object, threading.local())


def push_saved_hooks(pack, unpack):
    """From now on this thread hands what it saves to `pack`, and gets it back from `unpack` (None, message: refuses hooks)."""
    global _active
    stack = _hooks.__dict__.setdefault("stack", [])
    if pack is not None and stack and stack[-1][0] is None:
        raise RuntimeError(stack[-1][1])
    if pack is None and stack and stack[-1][0] is not None:
        raise RuntimeError(unpack)
    stack.append((pack, unpack))
    _active += 1


def pop_saved_hooks():
    """Undo the last `push_saved_hooks` of this thread."""
    global _active
    _hooks.stack.pop()
    _active -= 1


def outer_hooks():
    """(pack, unpack) that this thread hands what it saves to, or None."""
    stack = getattr(_hooks, "stack", None)
    return stack[-1] if stack else None


def hooked():
    return _active != 0


def packed(x):
    stack = getattr(_hooks, "stack", None)
    if not stack or stack[-1][0] is None:
        return None
    pack, unpack = stack[-1]
    before: cython.bint = set_grad(False)
    version: cython.longlong = x.st.version
    try:
        kept = pack(alias(x))
    finally:
        set_grad(before)
    if x.st.version != version:
        raise RuntimeError("A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook can not be modified.")
    return kept, unpack


def moved(name, x, output, now, then):
    kind = "output" if output else "tensor"
    who = ""
    change = changed_by(x, then)
    if change is not None:
        who = f" It was changed by {change[0]}"
        place = line_of(change[1])
        if place is not None:
            who += f" at {place[0]}:{place[1]}: {place[2]}"
        who += "."
    if now >> 40 != then >> 40:
        return RuntimeError(
            f"{name}: one of the variables needed for gradient computation has been modified by an inplace operation: the memory, "
            f"shape or dtype of a saved {kind} was replaced (by .data =, set_, resize_ or the like); it is of shape {list(shape_of(x))} "
            f"now. Do that after backward, or to a clone.{who}"
        )
    return RuntimeError(
        f"{name}: one of the variables needed for gradient computation has been modified by an inplace operation: a saved {kind} of "
        f"shape {list(shape_of(x))} is at version {x.st.version}; expected version {then & ((1 << 40) - 1)} instead. Use the out-of-place "
        f"form of the operation that changed it, or clone it first.{who}"
    )
