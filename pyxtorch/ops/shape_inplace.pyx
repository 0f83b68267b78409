"""Changes of a tensor's own shape and strides: t_, transpose_, squeeze_ and their kin. No element moves."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport DUAL, REQUIRES_GRAD, Variable, carry, grad_enabled, set_grad
from pyxtorch.ops._common cimport *

from pyxtorch.ops import shape, shape_part


cdef object reshaping(object view, str op):
    """The in-place form of a view: the tensor becomes what `view` makes of it, history included."""

    def method(Variable self not None, *args, **kwargs):
        if self.flags & REQUIRES_GRAD and self.grad_fn is None and grad_enabled():
            raise RuntimeError(
                f"{op}: a leaf Variable that requires grad is being used in an in-place operation. Do it under no_grad(), or out of place."
            )
        # No element changes, so the history goes on where nothing is recorded too: without it the gradient would be lost.
        cdef bint before = set_grad(self.grad_fn is not None or grad_enabled())
        cdef Variable y
        try:
            y = <Variable?>view(self, *args, **kwargs)
        finally:
            set_grad(before)
        if y is not self:
            adopt(self, y)
            self._grad_fn = y._grad_fn
            self.output_nr = y.output_nr
            if y.flags & DUAL or self.flags & DUAL:
                carry(self, y)
        bump(self)
        return self

    method.__name__ = method.__qualname__ = op
    method.__doc__ = f"The tensor itself becomes `{op[:-1]}` of it: other sizes and strides on the same memory."
    return method


methods = {
    f"{name}_": reshaping(view, f"{name}_") for name, view in (
        ("t", shape.t), ("transpose", shape.transpose), ("swapaxes", shape.transpose), ("swapdims", shape.transpose),
        ("squeeze", shape.squeeze), ("unsqueeze", shape.unsqueeze), ("as_strided", shape_part.as_strided),
    )
}
__all__ = []
