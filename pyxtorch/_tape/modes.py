"""Grad modes: whether this thread records, and whether what it makes can ever be recorded.

Compiled by Cython in pure Python mode; modes.pxd has the C side. `pyxtorch.autograd.grad_mode` is the
public module of these classes.
"""
import cython
from cython.cimports.pyxtorch._core import DUAL, REQUIRES_GRAD
from cython.cimports.pyxtorch._tape._thread import (
    pyx_dual_mode,
    pyx_dual_open,
    pyx_dual_seen,
    pyx_grad_mode,
    pyx_inference_mode,
    pyx_recorded,
)

from pyxtorch._core import mark_new_tensors


def grad_enabled():
    return pyx_grad_mode != 0


def set_grad(mode):
    global pyx_grad_mode
    before: cython.bint = pyx_grad_mode
    pyx_grad_mode = mode
    summed()
    return before


def recorded_flags():
    return pyx_recorded


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def summed() -> cython.void:
    """A mode has changed."""
    global pyx_recorded
    pyx_recorded = (REQUIRES_GRAD if pyx_grad_mode else 0) | (DUAL if pyx_dual_seen and pyx_dual_mode else 0)


def set_dual(mode):
    global pyx_dual_mode
    before: cython.bint = pyx_dual_mode
    pyx_dual_mode = mode
    summed()
    return before


def levels_seen():
    return pyx_dual_seen


def see_levels(count):
    global pyx_dual_seen
    before: cython.int = pyx_dual_seen
    pyx_dual_seen = count
    summed()
    return before


def levels_open():
    return pyx_dual_open


def open_levels(count):
    global pyx_dual_open, pyx_dual_seen
    pyx_dual_open = count
    pyx_dual_seen = count
    summed()
    return count


def inference_enabled():
    return pyx_inference_mode != 0


def set_inference(mode):
    global pyx_inference_mode
    before: cython.bint = pyx_inference_mode
    pyx_inference_mode = mode
    return before


def is_grad_enabled():
    """Whether operations of this thread are being recorded."""
    return pyx_grad_mode != 0


def is_inference_mode_enabled():
    """Whether this thread is in inference mode."""
    return pyx_inference_mode != 0


class _GradMode:
    """A context manager and decorator that switches recording for this thread."""

    mode = True

    def __init__(self):
        self.before = []

    def __enter__(self):
        self.before.append(bool(set_grad(self.mode)))
        return self

    def __exit__(self, kind, error, trace):
        set_grad(self.before.pop())

    def __call__(self, function):
        return _decorate(self.__class__, (), function)


def _decorate(manager, arguments, function):
    import functools
    import inspect

    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def generator(*args, **kwargs):
            # The mode holds while the generator's own code runs, not its caller's.
            steps = function(*args, **kwargs)
            sent, thrown = None, None
            while True:
                with manager(*arguments):
                    try:
                        value = steps.throw(thrown) if thrown is not None else steps.send(sent)
                    except StopIteration as stop:
                        return stop.value
                try:
                    sent, thrown = (yield value), None
                except BaseException as error:
                    sent, thrown = None, error

        return generator

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        with manager(*arguments):
            return function(*args, **kwargs)

    return wrapped


class no_grad(_GradMode):
    """Operations inside are not recorded. Context manager or decorator."""

    mode = False

    def __new__(cls, function=None):
        self = object.__new__(cls)
        if function is None:
            return self
        self.__init__()
        return self(function)

    def __init__(self, function=None):
        self.before = []


class enable_grad(_GradMode):
    """Operations inside are recorded, also within no_grad. Context manager or decorator."""

    mode = True

    def __new__(cls, function=None):
        self = object.__new__(cls)
        if function is None:
            return self
        self.__init__()
        return self(function)

    def __init__(self, function=None):
        self.before = []


class set_grad_enabled(_GradMode):
    """Switch recording on or off: at once, and back at the end of a `with` block."""

    def __init__(self, mode):
        self.mode = bool(mode)
        self.before = [bool(set_grad(self.mode))]
        self.entered = False

    def __enter__(self):
        if self.entered:
            self.before.append(bool(set_grad(self.mode)))
        self.entered = True
        return self

    def __call__(self, function):
        set_grad(self.before.pop())
        return _decorate(set_grad_enabled, (self.mode,), function)


class inference_mode(_GradMode):
    """As no_grad, and tensors made inside can never be recorded later."""

    def __new__(cls, mode=True):
        self = object.__new__(cls)
        if callable(mode):
            self.__init__(True)
            return self(mode)
        return self

    def __init__(self, mode=True):
        self.mode = bool(mode)
        self.before = []

    def __enter__(self):
        self.before.append((set_grad(not self.mode), set_inference(self.mode), set_dual(not self.mode)))
        mark_new_tensors(inference_enabled())
        return self

    def __exit__(self, kind, error, trace):
        grad, inference, dual = self.before.pop()
        set_grad(grad)
        set_dual(dual)
        set_inference(inference)
        mark_new_tensors(inference)

    def __call__(self, function):
        return _decorate(inference_mode, (self.mode,), function)
