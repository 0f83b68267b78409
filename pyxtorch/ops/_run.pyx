"""What a backward run needs of the operations: raw, so that nobody's overrides see the engine's own work."""
from pyxtorch._core cimport *
from pyxtorch._compound cimport COMPOUND
from pyxtorch.autograd cimport Variable, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops.elementwise cimport add_op, iadd_op
from pyxtorch.ops.shape cimport contiguous, expand_to

from cmath import isfinite

from pyxtorch._tape import forward, sites
from pyxtorch._tape.engine import provide_operations
from pyxtorch.ops import create, elementwise_compare, reduce, shape_copy, shape_join


# Of a compound tensor (a sparse one) the gate knows how each of these is done: by calling the public methods.

def _add(Variable a, Variable b):
    if not (a.flags | b.flags) & COMPOUND:
        return add_op(a, b)
    return a.add(b) if b.flags & COMPOUND else b.add(a)     # strided and sparse: the strided one first


def _add_into(Variable a, Variable b):
    return a.add_(b) if (a.flags | b.flags) & COMPOUND else iadd_op(a, b)


def _clone_of(Variable x):
    if x.flags & COMPOUND:
        return x.clone()
    return shape_copy.clone(x) if recording(x) else clone_raw(x)


def _to(Variable x, dtype):
    return x.to(dtype) if x.flags & COMPOUND else shape_copy.to(x, dtype)


def _ones_like(Variable x):
    if x.flags & COMPOUND:
        return create.ones(shape_of(x), dtype=dtype_of(x.dt))
    return full_raw(x.nd, x.sizes, x.dt, x.dev, x.dev_index, 1)


def _zeros_like(Variable x):
    return x.new_zeros(shape_of(x)) if x.flags & COMPOUND else zeros_of(x)


def look_at(Variable x):
    """0: all is finite; 1: there is inf; 2: there is nan. One sum tells that all is finite, and overflows at worst."""
    cdef Variable values = <Variable?>(x._values() if x.flags & COMPOUND else x)
    if values.flags & REQUIRES_GRAD:
        values = <Variable?>values.detach()
    if values.dt <= INT64 or values.n == 0 or values.dev == META:
        return 0
    if isfinite(item_of(<Variable?>reduce.sum(values))):
        return 0
    if any_true(elementwise_compare.isnan(values)):
        return 2
    return 1 if any_true((<object>values).isinf()) else 0


def _blank(Variable x):
    """Zeros like x that take no memory, for what is differentiated by them alone."""
    if x.flags & COMPOUND or not x.n:
        return _zeros_like(x)
    return expand_to(full_raw(0, NULL, x.dt, x.dev, x.dev_index, 0), x.nd, x.sizes, "zeros")


def _probe(Variable x):
    if not x.n:
        return zeros_of(x)
    return shape_copy.to(create.linspace(0.7, 1.9, x.n, dtype=dtype_of(FLOAT64)).sin().reshape(shape_of(x)), device_of(x.dev, x.dev_index), dtype_of(x.dt))


def _any_nonzero(Variable x):
    return any_true(contiguous(x) != 0)


def _dense(Variable x):
    return x.to_dense()


provide_operations(
    add=_add, add_=_add_into, clone=_clone_of, to=_to, ones_like=_ones_like, zeros_like=_zeros_like,
    zeros=create.zeros, stack=shape_join.stack, dense=_dense,
)
forward.provide_operations(_blank, _probe, _any_nonzero)
sites.provide_look(look_at)
