"""How the memory of a result is asked for: layout=, pin_memory=, memory_format=."""
from pyxtorch._core cimport *
from pyxtorch._dtype cimport load_cuda, only_strided
from pyxtorch.autograd cimport Function, Variable, record1, recording
from pyxtorch.ops._common cimport *

from pyxtorch._dtype import channels_last, channels_last_3d, memory_format, preserve_format


cdef int check_plain(object layout, object pin_memory, str op) except -1:
    only_strided(layout, op)
    if pin_memory is None or pin_memory is False:
        return 0
    if pin_memory is not True:
        raise TypeError(f"{op}(): argument 'pin_memory' must be bool, not {type(pin_memory).__name__}")
    try:
        load_cuda()
    except Exception as error:
        raise RuntimeError(f"{op}: pinned memory is for transfers to a GPU, and there is none: {error} Leave pin_memory out.") from None
    return 0


cdef int64_t format_strides(object format, int nd, const int64_t* sizes, int64_t* strides, str op) except -1:
    cdef int64_t n = 1
    cdef int i, d, last = nd
    if format is not None and type(format) is not memory_format:
        raise TypeError(f"{op}(): argument 'memory_format' must be torch.memory_format, not {type(format).__name__}")
    if format is preserve_format:
        raise RuntimeError(f"{op}: unsupported memory format {format!r}: there is nothing to preserve. Name an order.")
    if format is channels_last or format is channels_last_3d:
        last = 4 if format is channels_last else 5
        if nd != last:
            raise RuntimeError(f"{op}: required rank {last} tensor to use {format!r}, but there are {nd} dimensions.")
        strides[1] = n      # dimension 1 varies fastest, the others keep their order
        n = mul_sizes(n, sizes[1])
    for i in range(nd):
        d = nd - 1 - i
        if not (d == 1 and (format is channels_last or format is channels_last_3d)):
            strides[d] = n
            n = mul_sizes(n, sizes[d])
    return n


cdef bint is_format(Variable x, object format, str op) except -1:
    cdef int64_t strides[64]
    cdef int i
    if (format is channels_last and x.nd != 4) or (format is channels_last_3d and x.nd != 5):
        return False
    format_strides(format, x.nd, x.sizes, strides, op)
    for i in range(x.nd):
        if x.sizes[i] != 1 and x.strides[i] != strides[i] and x.n:
            return False
    return True


cdef class Reordered(Function):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, g)


cdef Variable in_format(Variable x, object format, bint copy, str op):
    cdef int64_t strides[64]
    cdef Variable y
    if format is preserve_format:
        format = None
    if not copy and (format is None or is_format(x, format, op)):
        return x
    format_strides(format, x.nd, x.sizes, strides, op)
    y = <Variable>new_like(x, x.dt)
    y = <Variable>new_view(y, x.nd, x.sizes, strides, y.ptr)
    copy_raw(y, x)
    if recording(x):
        record1(Reordered.__new__(Reordered), y, x)
    return y


cdef Variable laid_out(Variable y, object format, bint like, object requires_grad, str op):
    cdef int64_t strides[64]
    if format is not None:
        if not like:
            format_strides(format, y.nd, y.sizes, strides, op)
        y = in_format(y, format, False, op)
    return y.requires_grad_(True) if requires_grad else y
