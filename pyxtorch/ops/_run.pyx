"""What a backward run needs of the operations: raw, so that nobody's overrides see the engine's own work."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops.elementwise cimport add_op, iadd_op

from pyxtorch._tape.engine import provide_operations
from pyxtorch.ops import create, elementwise_compare, shape_copy, shape_join


def _add(Variable a, Variable b):
    return add_op(a, b)


def _add_into(Variable a, Variable b):
    return iadd_op(a, b)


def _clone_of(Variable x):
    return shape_copy.clone(x) if recording(x) else clone_raw(x)


def _ones_like(Variable x):
    return full_raw(x.nd, x.sizes, x.dt, x.dev, x.dev_index, 1)


def _zeros_like(Variable x):
    return zeros_of(x)


def _has_nan(x):
    return any_true(elementwise_compare.isnan(x))


provide_operations(
    add=_add, add_=_add_into, clone=_clone_of, to=shape_copy.to, ones_like=_ones_like, zeros_like=_zeros_like, has_nan=_has_nan,
    zeros=create.zeros, stack=shape_join.stack,
)
