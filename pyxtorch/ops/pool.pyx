"""Pooling over windows in one, two or three dimensions: maximum, average, adaptive, and unpooling."""
from libc.math cimport INFINITY
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record1, record_many, recording
from pyxtorch.kernels.pool cimport *
from pyxtorch.ops._common cimport *
from pyxtorch.ops.shape cimport to_dtype

from pyxtorch.ops.elementwise_select import where

cdef pyx_pool_kernels** tables = <pyx_pool_kernels**>kernel_tables(b"pool", sizeof(pyx_pool_kernels))


# ---------------------------------------------------------------------------------- geometry

cdef int spread(object value, int n, int64_t* out, int64_t missing, str op, str name) except -1:
    """One number for all dimensions, or one for each, into the last n of three."""
    cdef int i
    for i in range(3):
        out[i] = missing
    values = (value,) * n if hasattr(type(value), "__index__") else tuple([as_index(v, op) for v in value])
    if len(values) == 1:
        values = values * n
    if len(values) != n:
        raise RuntimeError(f"{op}: {name} must either be a single int, or a tuple of {n} ints, not {value!r}")
    for i in range(n):
        out[3 - n + i] = values[i]
        if not -0x7fffffff <= out[3 - n + i] <= 0x7fffffff:
            raise RuntimeError(f"{op}: {name} is out of range: {value!r}; the most is 2**31 - 1.")
    return 0


cdef int take_shape(Variable x, int n, pyx_window* w, str op) except -1:
    """Planes and their sizes of (N, C, ...) or (C, ...)."""
    cdef int i
    if x.nd != n + 1 and x.nd != n + 2:
        raise RuntimeError(f"{op}: Expected {n + 1}D or {n + 2}D input (C, ...) or (N, C, ...), but got shape {list(shape_of(x))}")
    w.planes = w.channels = 1
    w.layout = LAYOUT_ROWS
    for i in range(3):
        w.inside[i] = 1
    for i in range(x.nd - n):
        w.planes *= x.sizes[i]
    for i in range(n):
        w.inside[3 - n + i] = x.sizes[x.nd - n + i]
        if x.sizes[x.nd - n + i] == 0:
            raise RuntimeError(f"{op}: Expected non-zero size for the dimensions that are pooled, but got shape {list(shape_of(x))}")
    if x.nd == n + 2 and x.sizes[1] == 0 or x.nd == n + 1 and x.sizes[0] == 0 and not op.startswith("adaptive"):
        raise RuntimeError(f"{op}: Expected a non-zero number of channels, but got shape {list(shape_of(x))}")
    return 0


cdef int take_window(Variable x, int n, pyx_window* w, object kernel_size, object stride, object padding, object dilation, bint ceil_mode, str op) except -1:
    cdef int i
    cdef int64_t span, o
    take_shape(x, n, w, op)
    spread(kernel_size, n, w.kernel, 1, op, "kernel_size")
    if stride is None or (isinstance(stride, (tuple, list)) and not stride):
        spread(kernel_size, n, w.stride, 1, op, "stride")
    else:
        spread(stride, n, w.stride, 1, op, "stride")
    spread(padding, n, w.padding, 0, op, "padding")
    spread(dilation, n, w.dilation, 1, op, "dilation")
    for i in range(3):
        if w.kernel[i] <= 0:
            raise RuntimeError(f"{op}: kernel size should be greater than zero, but got {kernel_size}")
        if w.stride[i] <= 0:
            raise RuntimeError(f"{op}: stride must not be zero or negative, but got {stride}")
        if w.dilation[i] <= 0:
            raise RuntimeError(f"{op}: dilation should be greater than zero, but got {dilation}")
        if w.padding[i] < 0 or w.padding[i] > ((w.kernel[i] - 1) * w.dilation[i] + 1) // 2:
            raise RuntimeError(f"{op}: pad should be at most half of effective kernel size and not negative, but got pad={padding}, kernel_size={kernel_size} and dilation={dilation}")
        span = w.inside[i] + 2 * w.padding[i] - w.dilation[i] * (w.kernel[i] - 1) - 1
        if span < 0 and not (ceil_mode and span + w.stride[i] > 0):
            o = 0
        elif ceil_mode:
            o = (span + w.stride[i] - 1) // w.stride[i] + 1
            if (o - 1) * w.stride[i] >= w.inside[i] + w.padding[i]:
                o -= 1      # the last window must begin inside the input or its left padding
        else:
            o = span // w.stride[i] + 1
        if o <= 0:
            raise RuntimeError(f"{op}: Given input size {list(shape_of(x))}, the output size would be too small for kernel_size={kernel_size}, stride={stride}, padding={padding}.")
        w.out[i] = o
    return 0


cdef Variable output_like(Variable x, int n, const pyx_window* w, int dt):
    cdef int64_t sizes[64]
    cdef int i
    cdef int64_t strides[64]
    cdef int64_t step
    cdef Variable y
    for i in range(x.nd):
        sizes[i] = x.sizes[i] if i < x.nd - n else w.out[3 - x.nd + i]
    y = <Variable>new_empty(x.nd, sizes, dt, x.dev, x.dev_index)
    if w.layout != LAYOUT_CHANNELS_LAST:
        return y
    step = sizes[1]
    strides[1] = 1
    for i in range(x.nd - 1, 1, -1):
        strides[i] = step
        step *= sizes[i]
    strides[0] = step
    return <Variable>new_view(y, x.nd, sizes, strides, y.ptr)


cdef inline pyx_pool_kernels* kernels(Variable x, str op) except NULL:
    return <pyx_pool_kernels*>table_for(<void**>tables, x, op)


cdef int verdict(int failed, Variable x, str op) except -1:
    if failed == -2:
        raise RuntimeError(f"{op}: found an invalid max index: an index lies outside the plane.")
    if failed:
        raise NotImplementedError(f'"{op}" not implemented for {dtype_of(x.dt).name!r}')
    return 0


# ----------------------------------------------------------------------------------- maximum

cdef class MaxPool(Function):
    """The gradient goes to where each maximum was."""
    cdef tuple shape
    cdef int n

    cdef int vjp_many(self, list grads) except -1:
        if grads[0] is not None:
            self.pass_grad(0, unpooled(grads[0], self.saved(0), self.shape, self.n, "max_pool"))

    cdef list pushforward(self, list tangents, list outs):
        return [picked(tangents[0], self.saved(0), self.n), None]


cdef class Unpool(Function):
    cdef int n

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, picked(g, self.saved(0), self.n))


cdef object picked(Variable x, Variable index, int n):
    """The elements of x at the flat positions `index` of each plane, whose dimensions are the last n."""
    flat = x.flatten(-n)
    return flat.gather(flat.dim() - 1, index.flatten(-n)).reshape(shape_of(index))


cdef Variable unpooled(Variable g, Variable index, tuple shape, int n, str op):
    """Zeros of `shape` with g added at the flat positions `index` of each plane."""
    cdef int64_t sizes[64]
    cdef int nd = parse_sizes(shape, sizes, op), i, failed
    cdef int64_t planes = 1, inside = 1, outside = 1
    cdef Variable a = dense(g), y
    cdef Variable at = dense(index)
    cdef Unpool node
    for i in range(nd):
        if i < nd - n:
            planes *= sizes[i]
        else:
            inside *= sizes[i]
            outside *= g.sizes[i]
    y = <Variable>new_empty(nd, sizes, g.dt, g.dev, g.dev_index)
    if not native(tables, g):
        return to_dtype(unpooled(to_dtype(g, FLOAT32), index, shape, n, op), g.dt)
    k = kernels(g, op)
    a_dt, a_ptr, at_ptr, y_ptr = a.dt, a.ptr, at.ptr, y.ptr
    with nogil:
        failed = k.scatter(a_dt, a_ptr, <int64_t*>at_ptr, y_ptr, planes, outside, inside)
    verdict(failed, g, op)
    if recording(g):
        node = <Unpool>Unpool.__new__(Unpool)
        node.n = n
        node.save(index)
        record1(node, y, g)
    return y


cdef tuple max_pool(object input, int n, object kernel_size, object stride, object padding, object dilation, bint ceil_mode, object adaptive, str op):
    cdef Variable x = checked(input, op, "input")
    cdef pyx_window w
    cdef Variable a, y, index
    cdef MaxPool node
    cdef int failed
    if not native(tables, x):
        y, index = max_pool(to_dtype(x, FLOAT32), n, kernel_size, stride, padding, dilation, ceil_mode, adaptive, op)
        return to_dtype(y, x.dt), index
    if adaptive is None:
        take_window(x, n, &w, kernel_size, stride, padding, dilation, ceil_mode, op)
    else:
        adaptive_window(x, n, &w, adaptive, op)
    a = dense(x)
    y = output_like(x, n, &w, x.dt)
    index = output_like(x, n, &w, INT64)
    k = kernels(x, op)
    a_dt, a_ptr, y_ptr, index_ptr = a.dt, a.ptr, y.ptr, index.ptr
    with nogil:
        failed = k.max_forward(a_dt, a_ptr, y_ptr, <int64_t*>index_ptr, &w) if adaptive is None else k.adaptive_max_forward(a_dt, a_ptr, y_ptr, <int64_t*>index_ptr, &w)
    verdict(failed, x, op)
    if recording(x):
        node = <MaxPool>MaxPool.__new__(MaxPool)
        node.shape = shape_of(x)
        node.n = n
        node.save(index)
        record_many(node, (y, index), (x,))
    return y, index


def _max_pools(n):
    def with_indices(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=True):
        return max_pool(input, n, kernel_size, stride, padding, dilation, ceil_mode, None, f"max_pool{n}d")

    def plain(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        both = max_pool(input, n, kernel_size, stride, padding, dilation, ceil_mode, None, f"max_pool{n}d")
        return both if return_indices else both[0]

    def adaptive(input, output_size, return_indices=False):
        both = max_pool(input, n, None, None, 0, 1, False, output_size, f"adaptive_max_pool{n}d")
        return both if return_indices else both[0]

    def adaptive_with_indices(input, output_size, return_indices=True):
        return max_pool(input, n, None, None, 0, 1, False, output_size, f"adaptive_max_pool{n}d")

    plain.__name__ = f"max_pool{n}d"
    plain.__doc__ = f"""The maximum of each window of {n} dimension(s).

    Args:
        input: (N, C, ...) or (C, ...); kernel_size, stride (default: kernel_size), padding, dilation: int or {n} ints.
        ceil_mode: windows may begin before the end of the input and stick out.
        return_indices: also give the flat index in its plane of each maximum.
    Gradient: to the element that was the maximum (the first of equal ones).
    """
    adaptive.__name__ = f"adaptive_max_pool{n}d"
    adaptive.__doc__ = f"""The maximum of each of `output_size` nearly equal windows of {n} dimension(s).

    Args:
        input: (N, C, ...) or (C, ...); output_size: int or {n} ints, None keeps a dimension.
        return_indices: also give the flat index in its plane of each maximum.
    Gradient: to the element that was the maximum (the first of equal ones).
    """
    with_indices.__name__ = f"max_pool{n}d_with_indices"
    with_indices.__doc__ = f"(max_pool{n}d, indices)"
    adaptive_with_indices.__name__ = f"adaptive_max_pool{n}d_with_indices"
    adaptive_with_indices.__doc__ = f"(adaptive_max_pool{n}d, indices)"
    return plain, with_indices, adaptive, adaptive_with_indices


def _unpool(n):
    def function(input, indices, kernel_size, stride=None, padding=0, output_size=None):
        cdef Variable x = checked(input, f"max_unpool{n}d", "input")
        cdef Variable index = checked(indices, f"max_unpool{n}d", "indices")
        op = f"max_unpool{n}d"
        if index.dt != INT64:
            raise RuntimeError(f"{op}: elements in indices should be type int64 but got: {dtype_of(index.dt).name}")
        if not same_shape(x, index):
            raise RuntimeError(f"{op}: Expected shape of indices to be: {list(shape_of(x))} but got: {list(shape_of(index))}")
        if x.nd not in (n + 1, n + 2):
            raise RuntimeError(f"{op}: Input to {op} should be a {n + 1}d or {n + 2}d Tensor, but got shape {list(shape_of(x))}")
        cdef int64_t[3] k
        cdef int64_t[3] s
        cdef int64_t[3] p
        spread(kernel_size, n, k, 1, op, "kernel_size")
        spread(kernel_size if stride is None else stride, n, s, 1, op, "stride")
        spread(padding, n, p, 0, op, "padding")
        shape = shape_of(x)
        default = tuple([(shape[x.nd - n + i] - 1) * s[3 - n + i] + k[3 - n + i] - 2 * p[3 - n + i] for i in range(n)])
        if output_size is None:
            size = default
        else:
            size = tuple([as_index(v, op) for v in output_size])[-n:]
            if len(size) != n:
                raise ValueError(f"{op}: output_size should be a sequence containing {n} or {n + 2} elements, but it has a length of '{len(output_size)}'")
            for d in range(n):
                if not default[d] - s[3 - n + d] < size[d] < default[d] + s[3 - n + d]:
                    raise ValueError(f'invalid output_size "{list(size)}" (dim {d} must be between {default[d] - s[3 - n + d]} and {default[d] + s[3 - n + d]})')
        lead = shape[:x.nd - n]
        return unpooled_once(x, index, lead + size, n, op)

    function.__name__ = f"max_unpool{n}d"
    function.__doc__ = f"""Zeros with each input element at the position that max_pool{n}d gave it.

    Args:
        input, indices: (N, C, ...) or (C, ...), the two results of max_pool{n}d; its kernel_size, stride and padding.
        output_size: where several sizes give the same pooled size, which one; the last {n} numbers count.
    Raises:
        RuntimeError: shapes differ, or an index lies outside; ValueError: output_size does not fit the windows.
    Gradient: that of the elements put; of several put at one position the last stays.
    """
    return function


cdef Variable unpooled_once(Variable x, Variable index, tuple shape, int n, str op):
    """Like `unpooled`, but of elements with the same position the last one stays."""
    lead = shape[:len(shape) - n]
    plane = 1
    for s in shape[len(shape) - n:]:
        plane *= s
    flat_x, flat_i = x.flatten(-n), index.flatten(-n)
    if index.n and (any_true(index < 0) or any_true(index >= plane)):
        raise RuntimeError(f"{op}: found an invalid max index: an index lies outside the output plane of {plane} elements.")
    return x.new_zeros(lead + (plane,)).scatter(len(lead), flat_i, flat_x).reshape(shape)


# ----------------------------------------------------------------------------------- average

cdef int adaptive_window(Variable x, int n, pyx_window* w, object output_size, str op) except -1:
    cdef int i
    if n > 1 and x.nd <= n and isinstance(output_size, (tuple, list)):
        raise ValueError(f"{op}: Input dimension should be at least {n + 1}, but got shape {list(shape_of(x))}.")
    take_shape(x, n, w, op)
    sizes = (output_size,) * n if hasattr(type(output_size), "__index__") or output_size is None else tuple(output_size)
    if len(sizes) == 1:
        sizes = sizes * n
    if len(sizes) != n:
        raise RuntimeError(f"{op}: output_size must be 1 or {n} numbers, not {output_size!r}")
    for i in range(3):
        w.out[i] = 1
        w.kernel[i] = w.stride[i] = w.dilation[i] = 1
        w.padding[i] = 0
    for i in range(n):
        w.out[3 - n + i] = w.inside[3 - n + i] if sizes[i] is None else sizes[i]
        if w.out[3 - n + i] < 0:
            raise RuntimeError(f"{op}: elements of output_size must be greater than or equal to 0 but received {output_size}")
    return 0


cdef class AvgPool(Function):
    cdef pyx_window w
    cdef int n
    cdef bint count_pad, adaptive
    cdef int64_t divisor
    cdef tuple shape

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, avg_backward(g, self))


cdef class AvgPoolBackward(Function):
    cdef AvgPool of

    cdef int vjp(self, Variable gg) except -1:
        self.pass_grad(0, avg_forward(gg, self.of))


cdef Variable avg_forward(Variable x, AvgPool p):
    cdef pyx_window w = p.w
    cdef Variable a = as_native(tables, x, &w.layout) if x.nd == p.n + 2 else dense(x)
    cdef Variable y = output_like(x, p.n, &w, x.dt)
    cdef int failed
    cdef AvgPool node
    if x.nd == p.n + 2:
        w.channels = x.sizes[1]
    k = kernels(x, "avg_pool")
    a_dt, a_ptr, y_ptr = a.dt, a.ptr, y.ptr
    with nogil:
        if p.adaptive:
            failed = k.adaptive_avg_forward(a_dt, a_ptr, y_ptr, &w)
        else:
            failed = k.avg_forward(a_dt, a_ptr, y_ptr, &w, p.count_pad, p.divisor)
    verdict(failed, x, "avg_pool")
    if recording(x):
        node = <AvgPool>AvgPool.__new__(AvgPool)
        node.w, node.n, node.count_pad, node.adaptive, node.divisor, node.shape = p.w, p.n, p.count_pad, p.adaptive, p.divisor, p.shape
        record1(node, y, x)
    return y


cdef Variable avg_backward(Variable g, AvgPool p):
    cdef int64_t sizes[64]
    cdef int nd = parse_sizes(p.shape, sizes, "avg_pool")
    cdef Variable a = dense(g)
    cdef Variable gx = <Variable>new_empty(nd, sizes, g.dt, g.dev, g.dev_index)
    cdef int failed
    cdef AvgPoolBackward node
    k = kernels(g, "avg_pool")
    a_dt, a_ptr, gx_ptr = a.dt, a.ptr, gx.ptr
    with nogil:
        if p.adaptive:
            failed = k.adaptive_avg_backward(a_dt, a_ptr, gx_ptr, &p.w)
        else:
            failed = k.avg_backward(a_dt, a_ptr, gx_ptr, &p.w, p.count_pad, p.divisor)
    verdict(failed, g, "avg_pool")
    if recording(g):
        node = <AvgPoolBackward>AvgPoolBackward.__new__(AvgPoolBackward)
        node.of = p
        record1(node, gx, g)
    return gx


cdef Variable avg_pool(object input, int n, object kernel_size, object stride, object padding, bint ceil_mode, bint count_pad, object divisor, object adaptive, str op):
    cdef Variable x = checked(input, op, "input")
    cdef AvgPool p = <AvgPool>AvgPool.__new__(AvgPool)
    if not native(tables, x):
        return to_dtype(avg_pool(to_dtype(x, FLOAT32), n, kernel_size, stride, padding, ceil_mode, count_pad, divisor, adaptive, op), x.dt)
    if adaptive is None:
        take_window(x, n, &p.w, kernel_size, stride, padding, 1, ceil_mode, op)
    else:
        adaptive_window(x, n, &p.w, adaptive, op)
        p.adaptive = True
    if divisor is not None and divisor == 0:
        raise RuntimeError(f"{op}: divisor must be not zero")
    p.n = n
    p.count_pad = count_pad
    p.divisor = 0 if divisor is None else divisor
    p.shape = shape_of(x)
    return avg_forward(x, p)


def _avg_pools(n):
    def plain(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None, *, out=None):
        y = avg_pool(input, n, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, None, f"avg_pool{n}d")
        return finish_out(y, out, f"avg_pool{n}d")

    def adaptive(input, output_size):
        return avg_pool(input, n, None, None, 0, False, False, None, output_size, f"adaptive_avg_pool{n}d")

    plain.__name__ = f"avg_pool{n}d"
    plain.__doc__ = f"""The mean of each window of {n} dimension(s).

    Args:
        input: (N, C, ...) or (C, ...); kernel_size, stride (default: kernel_size), padding: int or {n} ints.
        count_include_pad: whether padding counts in the mean; divisor_override: divide by this instead.
    """
    adaptive.__name__ = f"adaptive_avg_pool{n}d"
    adaptive.__doc__ = f"""The mean of each of `output_size` nearly equal windows of {n} dimension(s).

    Args:
        input: (N, C, ...) or (C, ...); output_size: int or {n} ints, None keeps a dimension.
    """
    return plain, adaptive


max_pool1d, max_pool1d_with_indices, adaptive_max_pool1d, adaptive_max_pool1d_with_indices = _max_pools(1)
max_pool2d, max_pool2d_with_indices, adaptive_max_pool2d, adaptive_max_pool2d_with_indices = _max_pools(2)
max_pool3d, max_pool3d_with_indices, adaptive_max_pool3d, adaptive_max_pool3d_with_indices = _max_pools(3)
avg_pool1d, adaptive_avg_pool1d = _avg_pools(1)
avg_pool2d, adaptive_avg_pool2d = _avg_pools(2)
avg_pool3d, adaptive_avg_pool3d = _avg_pools(3)
max_unpool1d, max_unpool2d, max_unpool3d = _unpool(1), _unpool(2), _unpool(3)


def _fractional(n):
    def with_indices(input, kernel_size, output_size=None, output_ratio=None, return_indices=True, _random_samples=None):
        return fractional_max_pool(input, n, kernel_size, output_size, output_ratio, _random_samples)

    def plain(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
        both = fractional_max_pool(input, n, kernel_size, output_size, output_ratio, _random_samples)
        return both if return_indices else both[0]

    plain.__name__ = f"fractional_max_pool{n}d"
    plain.__doc__ = f"""The maximum of windows whose places are drawn at random.

    Args:
        input: (N, C, ...) or (C, ...); kernel_size: int or {n} ints.
        output_size, output_ratio: one of both says how many windows there are.
        return_indices: also give the flat index in its plane of each maximum.
        _random_samples: (N, C, {n}) numbers from 0 to 1 that decide the places, instead of random ones.
    Raises:
        RuntimeError: the windows do not fit in; ValueError: none or both of output_size and output_ratio.
    Source: Graham, "Fractional Max-Pooling" (2014).
    """
    with_indices.__name__ = plain.__name__ + "_with_indices"
    with_indices.__doc__ = f"({plain.__name__}, indices)"
    return plain, with_indices


cdef object fractional_max_pool(object input, int n, object kernel_size, object output_size, object output_ratio, object samples):
    import pyxtorch
    op = f"fractional_max_pool{n}d"
    cdef Variable x = checked(input, op, "input")
    if x.nd not in (n + 1, n + 2):
        raise RuntimeError(f"{op}: Expected {n + 1}D or {n + 2}D input, but got shape {list(shape_of(x))}")
    if (output_size is None) == (output_ratio is None):
        raise ValueError(f"{op} requires specifying either an output_size or an output_ratio")
    kernel = (kernel_size,) * n if hasattr(type(kernel_size), "__index__") else tuple(kernel_size)
    inside = shape_of(x)[x.nd - n:]
    if output_size is None:
        ratio = (output_ratio,) * n if isinstance(output_ratio, float) else tuple(output_ratio)
        out = tuple([int(s * r) for s, r in zip(inside, ratio)])
    else:
        out = (output_size,) * n if hasattr(type(output_size), "__index__") else tuple(output_size)
    for s, o, k in zip(inside, out, kernel):
        if o < 1 or o + k - 1 > s:
            raise RuntimeError(f"{op}: kernel size {k} and output size {o} are too large for an input of size {s}")
    batched = x if x.nd == n + 2 else x.unsqueeze(0)
    N, C = batched.shape[0], batched.shape[1]
    if samples is None:
        samples = pyxtorch.rand(N, C, n, dtype=batched.dtype, device=x.device)
    elif checked(samples, op, "_random_samples").dim() != 3 or samples.shape[0] < N or samples.shape[1] != C or samples.shape[2] != n:
        raise RuntimeError(f"{op}: Expect _random_samples of shape ({N}, {C}, {n}) (batch, channels, dimensions), but got {list(samples.shape)}")
    samples = samples[:N]
    index = None
    for d in range(n):      # starts of the windows along each dimension, by the pseudo-random sequence
        s, o, k = inside[d], out[d], kernel[d]
        alpha = (s - k) / (o - 1) if o > 1 else 0.0
        # PyTorch's order of the samples: (x, y) in two dimensions, but (z, y, x) in three
        u = samples[:, :, 1 - d if n == 2 else d].detach().unsqueeze(-1)
        steps = pyxtorch.arange(o - 1, dtype=u.dtype, device=x.device)
        starts = ((steps + u) * alpha).floor().long() - (u * alpha).floor().long()
        starts = pyxtorch.cat([starts, starts.new_full((N, C, 1), s - k)], -1)
        places = (starts.unsqueeze(-1) + pyxtorch.arange(k, device=x.device)).reshape(N, C, o * k)
        form = [N, C] + [1] * n
        form[2 + d] = o * k
        step = 1
        for later in inside[d + 1:]:
            step *= later
        index = places.reshape(form) * step if index is None else index + places.reshape(form) * step
    flat = batched.flatten(2)
    taken = flat.gather(2, index.expand([N, C] + [o * k for o, k in zip(out, kernel)]).flatten(2))
    full = [N, C] + [v for o, k in zip(out, kernel) for v in (o, k)]
    order = [0, 1] + [2 + 2 * d for d in range(n)] + [3 + 2 * d for d in range(n)]
    windows = taken.reshape(full).permute(order).flatten(2 + n)
    values, at = windows.max(-1)
    spots = index.expand([N, C] + [o * k for o, k in zip(out, kernel)]).reshape(full).permute(order).flatten(2 + n)
    found = spots.gather(-1, at.unsqueeze(-1)).squeeze(-1)
    if x.nd == n + 1:
        values, found = values.squeeze(0), found.squeeze(0)
    return values, found


# ----------------------------------------------------------------------------- power means

cdef class LpPool(Function):
    """y = (sum of x^p)^(1/p) over windows, the sum being a mean times the number of cells."""
    cdef AvgPool window
    cdef double p, cells

    cdef int vjp(self, Variable g) except -1:
        x, y = self.saved(0), self.saved(1)
        share = where(y == 0, 0, g * y ** (1 - self.p))
        self.pass_grad(0, x ** (self.p - 1) * avg_backward(share, self.window) * self.cells)


cdef object lp_pool(object input, int n, double p, object kernel_size, object stride, bint ceil_mode):
    op = f"lp_pool{n}d"
    cdef Variable x = checked(input, op, "input"), y
    cdef AvgPool window = <AvgPool>AvgPool.__new__(AvgPool)
    cdef LpPool node
    if not is_floating(x.dt) or x.dt == FLOAT16 or x.dt == BFLOAT16:
        y = lp_pool(to_dtype(x, FLOAT32), n, p, kernel_size, stride, ceil_mode)
        return to_dtype(y, x.dt) if is_floating(x.dt) else y
    if p == INFINITY or p == -INFINITY:
        sign = 1 if p > 0 else -1
        return sign * max_pool(x.abs() * sign, n, kernel_size, stride, 0, 1, ceil_mode, None, op)[0]
    take_window(x, n, &window.w, kernel_size, stride, 0, 1, ceil_mode, op)
    window.n, window.count_pad, window.shape = n, True, shape_of(x)
    cells = window.w.kernel[0] * window.w.kernel[1] * window.w.kernel[2]
    y = (avg_forward(x.detach() ** p, window) * cells) ** (1 / p)
    if recording(x):
        node = <LpPool>LpPool.__new__(LpPool)
        node.window, node.p, node.cells = window, p, cells
        node.save(x)
        node.save_output(y)
        record1(node, y, x)
    return y


def _lp_pools(n):
    def function(input, norm_type, kernel_size, stride=None, ceil_mode=False):
        return lp_pool(input, n, norm_type, kernel_size, stride, ceil_mode)

    function.__name__ = f"lp_pool{n}d"
    function.__doc__ = f"""The power mean (sum of x**p) ** (1/p), p = norm_type, of each window of {n} dimension(s).

    Args:
        input: (N, C, ...) or (C, ...); norm_type: infinity for the largest |x|, -infinity for the smallest.
        kernel_size, stride (default: kernel_size): int or {n} ints; ceil_mode: windows may stick out at the end.
    Gradient: 0 where the sum is 0.
    """
    return function


lp_pool1d, lp_pool2d, lp_pool3d = _lp_pools(1), _lp_pools(2), _lp_pools(3)
fractional_max_pool2d, fractional_max_pool2d_with_indices = _fractional(2)
fractional_max_pool3d, fractional_max_pool3d_with_indices = _fractional(3)

functional = [
    "max_pool1d", "max_pool2d", "max_pool3d", "max_pool1d_with_indices", "max_pool2d_with_indices", "max_pool3d_with_indices",
    "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d", "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d_with_indices", "adaptive_max_pool3d_with_indices", "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "max_unpool1d", "max_unpool2d", "max_unpool3d",
    "lp_pool1d", "lp_pool2d", "lp_pool3d", "fractional_max_pool2d", "fractional_max_pool2d_with_indices", "fractional_max_pool3d", "fractional_max_pool3d_with_indices",
]
__all__ = ["max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "adaptive_avg_pool1d", "adaptive_max_pool1d", "max_pool1d_with_indices"]
methods = {}
