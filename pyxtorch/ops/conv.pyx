"""Convolutions in one to three dimensions, plain and transposed.

Three bilinear operations that are each other's gradients: the convolution of x and w, the gradient
of x (a transposed convolution), and the gradient of w. So every order of derivative is there.
"""
from cpython.long cimport PyLong_Check
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record2, record3, recording
from pyxtorch.kernels.conv cimport *
from pyxtorch.ops._common cimport *
from pyxtorch.ops._precision cimport is_low
from pyxtorch.ops.elementwise cimport add_t
from pyxtorch.ops.shape cimport conj_of, reshape_sizes, squeezed, to_dtype, unsqueezed

cdef pyx_conv_kernels** tables = <pyx_conv_kernels**>kernel_tables(b"conv", sizeof(pyx_conv_kernels))
cdef bint precise = False


def set_precise(bint mode):
    """Whether 3x3 convolutions of float32 avoid Winograd's method, which is faster and whose
    rounding error is some ten times larger. Returns the mode before."""
    global precise
    before = precise
    precise = mode
    return before


cdef Variable shaped(const pyx_conv* c, int nd, int64_t first, int64_t second, const int64_t* space, Variable like):
    cdef int64_t sizes[5]
    cdef int i
    sizes[0] = first
    sizes[1] = second
    for i in range(nd):
        sizes[2 + i] = space[3 - nd + i]
    return <Variable>new_empty(nd + 2, sizes, like.dt, like.dev, like.dev_index)


cdef int check_code(int failed, Variable x, str op) except -1:
    if failed == -1:
        raise NotImplementedError(f'{op}: not implemented for {dtype_of(x.dt).name!r}. Convert with .to(dtype).')
    if failed:
        raise RuntimeError(f"{op}: no memory for scratch space beside an input of shape {list(shape_of(x))}.")
    return 0


cdef class Conv(Function):
    """The three operations share their geometry."""
    cdef pyx_conv c
    cdef int dims


cdef class ConvForward(Conv):
    """y = conv(x, w) + bias"""
    cdef int vjp(self, Variable g) except -1:
        cdef Variable x = self.saved(0), w = self.saved(1)
        if self.needs(0):
            self.pass_grad(0, conv_data(&self.c, self.dims, g, conj_of(w)))
        if self.needs(1):
            self.pass_grad(1, conv_weight(&self.c, self.dims, conj_of(x), g))
        if self.needs(2):
            self.pass_grad(2, g.sum([0] + list(range(2, g.nd))))

    cdef list pushforward(self, list tangents, list outs):
        cdef Variable x = self.saved(0), w = self.saved(1), y = outs[0]
        cdef Variable t = None, bias = tangents[2] if len(tangents) > 2 else None
        if tangents[0] is not None:
            t = conv_forward(&self.c, self.dims, tangents[0], w, bias)
        elif tangents[1] is None:
            return [bias.reshape((-1,) + (1,) * (y.nd - 2)).expand(shape_of(y))]
        if tangents[1] is not None:
            more = conv_forward(&self.c, self.dims, x, tangents[1], bias if t is None else None)
            t = more if t is None else t + more
        return [t]


cdef class ConvData(Conv):
    """gx from gy and w"""
    cdef int vjp(self, Variable g) except -1:
        cdef Variable gy = self.saved(0), w = self.saved(1)
        if self.needs(0):
            self.pass_grad(0, conv_forward(&self.c, self.dims, g, conj_of(w), None))
        if self.needs(1):
            self.pass_grad(1, conv_weight(&self.c, self.dims, g, conj_of(gy)))

    cdef list pushforward(self, list tangents, list outs):
        cdef Variable gy = self.saved(0), w = self.saved(1)
        t = None if tangents[0] is None else conv_data(&self.c, self.dims, tangents[0], w)
        more = None if tangents[1] is None else conv_data(&self.c, self.dims, gy, tangents[1])
        return [t if more is None else more if t is None else t + more]


cdef class ConvWeight(Conv):
    """gw from x and gy"""
    cdef int vjp(self, Variable g) except -1:
        cdef Variable x = self.saved(0), gy = self.saved(1)
        if self.needs(0):
            self.pass_grad(0, conv_data(&self.c, self.dims, conj_of(gy), g))
        if self.needs(1):
            self.pass_grad(1, conv_forward(&self.c, self.dims, conj_of(x), g, None))

    cdef list pushforward(self, list tangents, list outs):
        cdef Variable x = self.saved(0), gy = self.saved(1)
        t = None if tangents[0] is None else conv_weight(&self.c, self.dims, tangents[0], gy)
        more = None if tangents[1] is None else conv_weight(&self.c, self.dims, x, tangents[1])
        return [t if more is None else more if t is None else t + more]


cdef Variable conv_forward(const pyx_conv* c, int nd, Variable x, Variable w, Variable bias):
    cdef Variable y = shaped(c, nd, c.batch, c.filters, c.out, x)
    cdef Variable xs = dense(x), ws = dense(w), bs = None if bias is None else dense(bias)
    cdef pyx_conv_kernels* k = <pyx_conv_kernels*>table_for(<void**>tables, x, "conv")
    cdef const void* b = NULL if bias is None else bs.ptr
    cdef int failed
    cdef ConvForward node
    x_dt, xs_ptr, ws_ptr, y_ptr = x.dt, xs.ptr, ws.ptr, y.ptr
    with nogil:
        failed = k.forward(x_dt, c, xs_ptr, ws_ptr, b, y_ptr)
    check_code(failed, x, "conv")
    if recording(x) or recording(w) or (bias is not None and recording(bias)):
        node = <ConvForward>ConvForward.__new__(ConvForward)
        node.c = c[0]
        node.dims = nd
        node.save(x)
        node.save(w)
        if bias is None:
            record2(node, y, x, w)
        else:
            record3(node, y, x, w, bias)
    return y


cdef Variable conv_data(const pyx_conv* c, int nd, Variable gy, Variable w):
    cdef Variable gx = shaped(c, nd, c.batch, c.channels, c.in_, gy)
    cdef Variable gs = dense(gy), ws = dense(w)
    cdef pyx_conv_kernels* k = <pyx_conv_kernels*>table_for(<void**>tables, gy, "conv")
    cdef int failed
    cdef ConvData node
    gy_dt, gs_ptr, ws_ptr, gx_ptr = gy.dt, gs.ptr, ws.ptr, gx.ptr
    with nogil:
        failed = k.backward_data(gy_dt, c, gs_ptr, ws_ptr, gx_ptr)
    check_code(failed, gy, "conv")
    if recording(gy) or recording(w):
        node = <ConvData>ConvData.__new__(ConvData)
        node.c = c[0]
        node.dims = nd
        node.save(gy)
        node.save(w)
        record2(node, gx, gy, w)
    return gx


cdef Variable conv_weight(const pyx_conv* c, int nd, Variable x, Variable gy):
    cdef Variable gw = shaped(c, nd, c.filters, c.channels // c.groups, c.kernel, x)
    cdef Variable xs = dense(x), gs = dense(gy)
    cdef pyx_conv_kernels* k = <pyx_conv_kernels*>table_for(<void**>tables, x, "conv")
    cdef int failed
    cdef ConvWeight node
    x_dt, xs_ptr, gs_ptr, gw_ptr = x.dt, xs.ptr, gs.ptr, gw.ptr
    with nogil:
        failed = k.backward_weight(x_dt, c, xs_ptr, gs_ptr, gw_ptr)
    check_code(failed, x, "conv")
    if recording(x) or recording(gy):
        node = <ConvWeight>ConvWeight.__new__(ConvWeight)
        node.c = c[0]
        node.dims = nd
        node.save(x)
        node.save(gy)
        record2(node, gw, x, gy)
    return gw


# ------------------------------------------------------------------------------- arguments

cdef int fill_dims(object value, int nd, int64_t* out, int64_t missing, int64_t least, str op, str name) except -1:
    """A number, or one for each of the last nd dimensions."""
    cdef int i
    for i in range(3 - nd):
        out[i] = missing
    if PyLong_Check(value):
        for i in range(nd):
            out[3 - nd + i] = value
    else:
        if not isinstance(value, (tuple, list)):
            value = (as_index(value, op),) if hasattr(value, "__index__") else tuple(value)
        if len(value) != nd and len(value) != 1:
            raise RuntimeError(
                f"{op}: expected {name} to be a single integer value or a list of {nd} values to match the convolution "
                f"dimensions, but got {name}={list(value)}")
        for i in range(nd):
            out[3 - nd + i] = as_index(value[i if len(value) == nd else 0], op)
    for i in range(3 - nd, 3):
        if out[i] < least:
            kind = "negative" if least == 0 else "non-positive"
            raise RuntimeError(f"{op}: {kind} {name} is not supported: {[out[j] for j in range(3 - nd, 3)]}.")
        if out[i] > 0x7fffffff:
            raise RuntimeError(f"{op}: {name} is too large: {[out[j] for j in range(3 - nd, 3)]}; the most is 2**31 - 1.")
    return 0


cdef int check_inputs(Variable x, Variable w, Variable bias, int nd, int64_t groups, bint transposed, str op) except -1:
    cdef int64_t bias_size
    if x.nd != nd + 1 and x.nd != nd + 2:
        raise RuntimeError(
            f"{op}: Expected {nd + 1}D (unbatched) or {nd + 2}D (batched) input to {op}, but got input of size: {list(shape_of(x))}")
    if w.nd != nd + 2:
        raise RuntimeError(
            f"{op}: expected a weight of {nd + 2} dimensions for a {nd}-dimensional convolution, but got weight of size {list(shape_of(w))}")
    if groups <= 0:
        raise RuntimeError(f"{op}: non-positive groups is not supported: {groups}.")
    if x.dt != w.dt:
        raise RuntimeError(
            f"{op}: Input type ({dtype_of(x.dt).name}) and weight type ({dtype_of(w.dt).name}) should be the same. Convert one with .to(dtype).")
    if bias is not None and bias.dt != x.dt:
        raise RuntimeError(
            f"{op}: Input type ({dtype_of(x.dt).name}) and bias type ({dtype_of(bias.dt).name}) should be the same. Convert one with .to(dtype).")
    same_device(x, w, op)
    if bias is not None:
        same_device(x, bias, op)
    channels = x.sizes[x.nd - nd - 1]
    if w.sizes[0] < groups and not transposed or w.sizes[0] % groups:
        raise RuntimeError(
            f"{op}: Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of size "
            f"{list(shape_of(w))} instead")
    expected = w.sizes[0] if transposed else w.sizes[1] * groups
    if channels != expected:
        raise RuntimeError(
            f"{op}: Given groups={groups}, weight of size {list(shape_of(w))}, expected input{list(shape_of(x))} to have "
            f"{expected} channels, but got {channels} channels instead")
    bias_size = w.sizes[1] * groups if transposed else w.sizes[0]
    if bias is not None and (bias.nd != 1 or bias.sizes[0] != bias_size):
        raise RuntimeError(
            f"{op}: Given weight of size {list(shape_of(w))}, expected bias to be 1-dimensional with {bias_size} elements, "
            f"but got bias of size {list(shape_of(bias))} instead")
    return 0


cdef Variable convolve(Variable x, Variable w, Variable bias, object stride, object padding, object dilation, object groups, int nd, str op):
    cdef pyx_conv c
    cdef int i
    cdef int64_t span, total
    cdef bint same = False, batched = x.nd == nd + 2
    cdef Variable y
    groups = as_index(groups, op)
    check_inputs(x, w, bias, nd, groups, False, op)
    if not native(tables, x):
        y = convolve(to_dtype(x, FLOAT32), to_dtype(w, FLOAT32), None if bias is None else to_dtype(bias, FLOAT32), stride, padding, dilation, groups, nd, op)
        return to_dtype(y, x.dt)
    fill_dims(stride, nd, c.stride, 1, 1, op, "stride")
    fill_dims(dilation, nd, c.dilation, 1, 1, op, "dilation")
    if isinstance(padding, str):
        if padding == "same":
            same = True
            for i in range(3):
                if c.stride[i] != 1:
                    raise RuntimeError(f"{op}: padding='same' is not supported for strided convolutions, but stride={stride}.")
        elif padding != "valid":
            raise RuntimeError(f"{op}: Invalid padding string: {padding!r}; use 'valid', 'same' or numbers.")
        padding = 0
    fill_dims(padding, nd, c.padding, 0, 0, op, "padding")
    if not batched:
        x = unsqueezed(x, 0)
    c.batch = x.sizes[0]
    c.groups = groups
    c.channels = x.sizes[1]
    c.filters = w.sizes[0]
    c.precise = precise
    for i in range(3):
        c.in_[i] = x.sizes[i + nd - 1] if i >= 3 - nd else 1
        c.kernel[i] = w.sizes[i + nd - 1] if i >= 3 - nd else 1
        if c.kernel[i] < 1:
            raise RuntimeError(f"{op}: kernel size should be greater than zero, but weight has size {list(shape_of(w))}.")
        span = c.dilation[i] * (c.kernel[i] - 1)
        if same:
            # One more zero on the right where the total is odd; the kernel knows the output's size.
            c.padding[i] = span // 2
            c.out[i] = c.in_[i]
        else:
            total = c.in_[i] + 2 * c.padding[i]
            if span + 1 > total:
                raise RuntimeError(
                    f"{op}: Calculated padded input size per channel: "
                    f"({' x '.join([str(c.in_[j] + 2 * c.padding[j]) for j in range(3 - nd, i + 1)])}). Kernel size: ({' x '.join([str(c.dilation[j] * (w.sizes[j + nd - 1] - 1) + 1) for j in range(3 - nd, i + 1)])}). "
                    "Kernel size can't be greater than actual input size")
            c.out[i] = (total - span - 1) // c.stride[i] + 1
    y = conv_forward(&c, nd, x, w, bias)
    return y if batched else squeezed(y, 0)


cdef Variable convolve_transposed(Variable x, Variable w, Variable bias, object stride, object padding, object output_padding, object groups,
                                  object dilation, int nd, str op):
    cdef pyx_conv c
    cdef int64_t extra[3]
    cdef int64_t sizes[5]
    cdef int i
    cdef bint batched = x.nd == nd + 2
    cdef Variable y
    groups = as_index(groups, op)
    check_inputs(x, w, bias, nd, groups, True, op)
    if not native(tables, x) or bias is not None and is_low(x.dt):      # the sum with the bias is rounded, not its terms
        y = convolve_transposed(to_dtype(x, FLOAT32), to_dtype(w, FLOAT32), None if bias is None else to_dtype(bias, FLOAT32), stride,
                                padding, output_padding, groups, dilation, nd, op)
        return to_dtype(y, x.dt)
    fill_dims(stride, nd, c.stride, 1, 1, op, "stride")
    fill_dims(dilation, nd, c.dilation, 1, 1, op, "dilation")
    fill_dims(padding, nd, c.padding, 0, 0, op, "padding")
    fill_dims(output_padding, nd, extra, 0, 0, op, "output_padding")
    if not batched:
        x = unsqueezed(x, 0)
    c.batch = x.sizes[0]
    c.groups = groups
    c.filters = x.sizes[1]
    c.channels = w.sizes[1] * c.groups
    c.precise = precise
    for i in range(3):
        c.out[i] = x.sizes[i + nd - 1] if i >= 3 - nd else 1
        c.kernel[i] = w.sizes[i + nd - 1] if i >= 3 - nd else 1
        if extra[i] >= c.stride[i] and extra[i] >= c.dilation[i] and i >= 3 - nd:
            raise RuntimeError(
                f"{op}: output padding must be smaller than either stride or dilation, but got output_padding={extra[i]}, "
                f"stride={c.stride[i]}, dilation={c.dilation[i]}.")
        if c.kernel[i] < 1:
            raise RuntimeError(f"{op}: kernel size should be greater than zero, but weight has size {list(shape_of(w))}.")
        c.in_[i] = (c.out[i] - 1) * c.stride[i] - 2 * c.padding[i] + c.dilation[i] * (c.kernel[i] - 1) + extra[i] + 1
        if c.in_[i] < 1:
            raise RuntimeError(
                f"{op}: Given input size per channel: {[c.out[j] for j in range(3 - nd, 3)]}. Calculated output size of dimension "
                f"{i - 3 + nd} is {c.in_[i]}. Output size is too small")
    y = conv_data(&c, nd, x, w)
    if bias is not None:
        for i in range(nd + 1):
            sizes[i] = 1
        sizes[0] = bias.sizes[0]
        y = add_t(y, reshape_sizes(bias, nd + 1, sizes, op))
    return y if batched else squeezed(y, 0)


def conv1d(Variable input not None, Variable weight not None, Variable bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Cross-correlation over one dimension: see `conv2d`."""
    return convolve(input, weight, bias, stride, padding, dilation, groups, 1, "conv1d")


def conv2d(Variable input not None, Variable weight not None, Variable bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Cross-correlation over two dimensions.

    y[n, k, i, j] = bias[k] + sum over c, u, v of x[n, c, i * stride + u * dilation - padding, ...] * w[k, c, u, v]

    Args:
        input: (N, C, H, W) or (C, H, W).
        weight: (K, C / groups, kH, kW); bias: (K,) or None.
        stride, dilation: a number or one per dimension.
        padding: zeros on both sides, a number or one per dimension, or "valid" or "same".
        groups: input and output channels fall into as many groups.
    Returns:
        (N, K, H', W') or (K, H', W'), H' = (H + 2 padding - dilation (kH - 1) - 1) // stride + 1.
    Raises:
        RuntimeError: channels, dimensions or dtypes do not fit, or the kernel exceeds the input.
    Gradient:
        input: a transposed convolution; weight: a correlation of input and grad; any order.
    Source:
        product with shifted copies (Chellapilla, Puri and Simard 2006); 3x3 float32 kernels by minimal
        filtering (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016).
    """
    return convolve(input, weight, bias, stride, padding, dilation, groups, 2, "conv2d")


def conv3d(Variable input not None, Variable weight not None, Variable bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Cross-correlation over three dimensions: see `conv2d`."""
    return convolve(input, weight, bias, stride, padding, dilation, groups, 3, "conv3d")


def conv_transpose1d(Variable input not None, Variable weight not None, Variable bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The gradient of `conv1d` with respect to its input: see `conv_transpose2d`."""
    return convolve_transposed(input, weight, bias, stride, padding, output_padding, groups, dilation, 1, "conv_transpose1d")


def conv_transpose2d(Variable input not None, Variable weight not None, Variable bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The gradient of `conv2d` with respect to its input, as an operation of its own.

    Args:
        input: (N, C, H, W) or (C, H, W).
        weight: (C, K / groups, kH, kW); bias: (K,) or None.
        output_padding: added to one side of the result, less than stride or dilation.
    Returns:
        (N, K, H', W'), H' = (H - 1) stride - 2 padding + dilation (kH - 1) + output_padding + 1.
    """
    return convolve_transposed(input, weight, bias, stride, padding, output_padding, groups, dilation, 2, "conv_transpose2d")


def conv_transpose3d(Variable input not None, Variable weight not None, Variable bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The gradient of `conv3d` with respect to its input: see `conv_transpose2d`."""
    return convolve_transposed(input, weight, bias, stride, padding, output_padding, groups, dilation, 3, "conv_transpose3d")


def convolution(Variable input not None, Variable weight not None, Variable bias, stride, padding, dilation, transposed, output_padding, groups):
    """conv1d to conv3d and their transposes by the number of dimensions of `weight`."""
    cdef int nd = weight.nd - 2
    if nd < 1 or nd > 3:
        raise RuntimeError(f"convolution: weight must have 3 to 5 dimensions, not {weight.nd}.")
    if transposed:
        return convolve_transposed(input, weight, bias, stride, padding, output_padding, groups, dilation, nd, "convolution")
    return convolve(input, weight, bias, stride, padding, dilation, groups, nd, "convolution")


__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolution"]
functional = __all__[:6]
