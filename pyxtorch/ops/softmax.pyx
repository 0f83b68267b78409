"""softmax and log_softmax."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record1, record2, recording
from pyxtorch.kernels.softmax cimport *
from pyxtorch.ops._common cimport *
from pyxtorch.ops.shape cimport to_dtype

cdef pyx_softmax_kernels** tables = <pyx_softmax_kernels**>kernel_tables(b"softmax", sizeof(pyx_softmax_kernels))


cdef int split_sizes(Variable x, int dim, int64_t* outer, int64_t* inner) noexcept:
    cdef int i
    outer[0] = inner[0] = 1
    for i in range(x.nd):
        if i < dim:
            outer[0] *= x.sizes[i]
        elif i > dim:
            inner[0] *= x.sizes[i]
    return 0


cdef class Softmax(Function):
    """grad_input = y * (grad_output - sum(grad_output * y)), or grad_output - exp(y) * sum(grad_output) of the log."""
    cdef int dim
    cdef bint log

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, softmax_backward(g, self.saved(0), self.dim, self.log))

    cdef list pushforward(self, list tangents, list outs):
        cdef Variable y = self.saved(0)
        t = tangents[0]
        if self.log:
            return [t - (t * y.exp()).sum(self.dim, True)]
        return [softmax_backward(t, y, self.dim, False)]        # its Jacobian is symmetric


cdef class SoftmaxBackward(Function):
    cdef int dim
    cdef bint log

    cdef int vjp(self, Variable gg) except -1:
        g, y = self.saved(0), self.saved(1)
        if self.log:
            if self.needs(0):
                self.pass_grad(0, gg - (gg * y.exp()).sum(self.dim, True))
            if self.needs(1):
                self.pass_grad(1, -gg * y.exp() * g.sum(self.dim, True))
            return 0
        total = (gg * y).sum(self.dim, True)
        if self.needs(0):
            self.pass_grad(0, (gg - total) * y)
        if self.needs(1):
            self.pass_grad(1, gg * (g - (g * y).sum(self.dim, True)) - g * total)


cdef Variable softmax_backward(Variable grad_output, Variable y, int dim, bint log):
    cdef int64_t outer, inner
    cdef int failed = 0
    cdef Variable g = dense(grad_output)
    cdef Variable out = dense(y)
    cdef Variable gx = <Variable>new_like(y, y.dt)
    cdef int64_t n
    cdef SoftmaxBackward node
    cdef pyx_softmax_kernels* k
    split_sizes(y, dim, &outer, &inner)
    if y.n:
        k = <pyx_softmax_kernels*>table_for(<void**>tables, y, "softmax")
        n = y.sizes[dim] if y.nd else 1
        y_dt, g_ptr, out_ptr, gx_ptr = y.dt, g.ptr, out.ptr, gx.ptr
        with nogil:
            failed = k.backward(y_dt, g_ptr, out_ptr, gx_ptr, outer, n, inner, log)
    if failed:
        raise NotImplementedError(f"softmax backward: not implemented for {dtype_of(y.dt)!r}.")
    if recording(grad_output) or recording(y):
        node = <SoftmaxBackward>SoftmaxBackward.__new__(SoftmaxBackward)
        node.dim = dim
        node.log = log
        node.save(grad_output)
        node.save(y)
        record2(node, gx, grad_output, y)
    return gx


cdef Variable run(object value, object dim, object dtype, bint log, str op):
    cdef Variable x = checked(value, op, "input")
    cdef Variable a, y
    cdef int64_t outer, inner, n
    cdef int d, failed = 0
    cdef Softmax node
    cdef pyx_softmax_kernels* k
    if dtype is not None:
        x = to_dtype(x, dtype_code(dtype))
    if not is_floating(x.dt):
        raise NotImplementedError(f'"{op}" not implemented for {dtype_of(x.dt).name!r}: it needs a floating-point tensor; give dtype= or convert.')
    if dim is None:
        import warnings
        warnings.warn(f"Implicit dimension choice for {op} has been deprecated. Change the call to include dim=X as an argument.", stacklevel=1)
        dim = 0 if x.nd in (0, 1, 3) else 1
    d = wrap_dim(dim, x.nd, op)
    if not native(tables, x):
        return to_dtype(run(to_dtype(x, FLOAT32), d, None, log, op), x.dt)
    a = dense(x)
    y = <Variable>new_like(a, a.dt)
    split_sizes(a, d, &outer, &inner)
    n = a.sizes[d] if a.nd else 1
    if a.n:
        k = <pyx_softmax_kernels*>table_for(<void**>tables, a, op)
        if a.n > 16384:
            a_dt, a_ptr, y_ptr = a.dt, a.ptr, y.ptr
            with nogil:
                failed = k.forward(a_dt, a_ptr, y_ptr, outer, n, inner, log)
        else:
            failed = k.forward(a.dt, a.ptr, y.ptr, outer, n, inner, log)
    if failed:
        raise NotImplementedError(f"{op}: not implemented for {dtype_of(x.dt)!r}.")
    if recording(x):
        node = <Softmax>Softmax.__new__(Softmax)
        node.dim = d
        node.log = log
        node.save_output(y)
        record1(node, y, x)
    return y


def softmax(input, dim=None, dtype=None, *, _stacklevel=3, out=None):
    """Turn scores into probabilities along one dimension.

    y[i] = exp(x[i] - max(x)) / sum_j exp(x[j] - max(x)),  x being a slice of `input` along `dim`.

    Args:
        input: floating-point tensor, shape (*).
        dim: dimension to normalise, -ndim <= dim < ndim.
        dtype: if given, `input` is converted first; float32 sums float16 safely.
    Returns:
        Tensor, shape (*); each slice along `dim` sums to 1.
    Raises:
        IndexError: `dim` is out of range.
        RuntimeError: `input` is not floating point and `dtype` is not given.
    Gradient:
        grad_input = y * (grad_output - sum(grad_output * y, dim)); saves `y` only.
    Source:
        Goodfellow, Bengio and Courville, "Deep Learning" (2016), section 4.1: why max(x) is subtracted.
    """
    return finish_out(run(input, dim, dtype, False, "softmax"), out, "softmax")


def log_softmax(input, dim=None, dtype=None, *, _stacklevel=3, out=None):
    """log(softmax(input, dim)) without overflow or underflow."""
    return finish_out(run(input, dim, dtype, True, "log_softmax"), out, "log_softmax")


def softmin(input, dim=None, dtype=None, *, _stacklevel=3):
    """softmax(-input, dim)"""
    return run(-checked(input, "softmin", "input"), dim, dtype, False, "softmin")


__all__ = ["softmax", "log_softmax"]
functional = ["softmax", "log_softmax", "softmin"]
methods = {"softmax": softmax, "log_softmax": log_softmax}
