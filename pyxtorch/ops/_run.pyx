"""What a backward run needs of the operations: raw, so that nobody's overrides see the engine's own work."""
from pyxtorch._core cimport *
from pyxtorch._compound cimport COMPOUND
from pyxtorch.autograd cimport Variable, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops.elementwise cimport add_op, iadd_op

from cmath import isfinite

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


def _dense(Variable x):
    return x.to_dense()


provide_operations(
    add=_add, add_=_add_into, clone=_clone_of, to=_to, ones_like=_ones_like, zeros_like=_zeros_like, look=look_at,
    zeros=create.zeros, stack=shape_join.stack, dense=_dense,
)
