"""Normalisation: layer, group, batch, instance and root-mean-square.

The fused kernels serve the first derivative. Where a graph of the gradient is wanted, the same
gradient is written in tensor operations instead, so it differentiates to any order.
"""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record_many, recorded_flags, recording_any
from pyxtorch.kernels.norm cimport *
from pyxtorch.ops._common cimport *
from pyxtorch.ops.shape cimport to_dtype

cdef pyx_norm_kernels** tables = <pyx_norm_kernels**>kernel_tables(b"norm", sizeof(pyx_norm_kernels))


cdef inline int unmixed(Variable x, Variable v, str op, str name) except -1:
    """Parameters and statistics have the input's dtype, or are float32 beside an input of 16 bits."""
    if v.dt != x.dt and not (v.dt == FLOAT32 and (x.dt == FLOAT16 or x.dt == BFLOAT16)):
        raise RuntimeError(
            f"{op}: mixed dtype: expected {name} to have scalar type {dtype_of(x.dt).name}, like the input, but found {dtype_of(v.dt).name}. "
            "Convert one with .to()."
        )
    return 0


cdef int unmixed_channels(Variable x, object weight, object bias, object running_mean, object running_var, str op) except -1:
    for v, name in ((running_mean, "running_mean"), (running_var, "running_var"), (weight, "weight"), (bias, "bias")):
        if v is not None:
            unmixed(x, checked(v, op, name), op, name)
    return 0


cdef inline char* pointer(Variable x) noexcept nogil:
    if x is None:
        return NULL
    return x.ptr


cdef Variable optional(object x, str op, str name, int dt):
    """A parameter as a contiguous tensor of dtype dt, or None."""
    if x is None:
        return None
    return cast_raw(checked(x, op, name), dt)


cdef int kernel_dtype(Variable x) noexcept:
    return native_dtype(<void**>tables, x.dev, x.dt) if is_floating(x.dt) else FLOAT32


# ------------------------------------------------------------------------------ layer norm

cdef list pushed(list tangents, list outs, object xhat, object rstd, tuple dims, object w, tuple form, bint own):
    """The tangent of w * xhat + b, xhat being x normalised over `dims`, by its `own` statistics or given ones; the other outputs have none."""
    cdef Variable y = outs[0]
    t, total = tangents[0], None
    if t is not None:
        t = t.reshape(xhat.shape)
        if own:
            t = t - t.mean(dims, True) - xhat * (t * xhat).mean(dims, True)
        total = t * (rstd if w is None else rstd * w)
    if tangents[1] is not None:
        more = xhat * tangents[1].reshape(form)
        total = more if total is None else total + more
    if tangents[2] is not None:
        more = tangents[2].reshape(form).expand(xhat.shape)
        total = more if total is None else total + more
    return [total.reshape(shape_of(y)), *[None] * (len(outs) - 1)]


cdef class LayerNorm(Function):
    """Inputs x, weight, bias; rows of n elements. Saves x, weight, mean, 1 / deviation."""
    cdef int64_t rows, n
    cdef double eps

    cdef int vjp_many(self, list grads) except -1:
        cdef Variable g = grads[0], x = self.saved(0), w = self.saved(1), mean = self.saved(2), rstd = self.saved(3)
        cdef Variable gx = None, gw = None, gb = None
        cdef pyx_norm_kernels* k
        cdef int failed
        if g is None:
            return 0
        if recorded_flags():
            self.by_operations(g, x, w)
            return 0
        g = dense(g)
        x = dense(x)
        w = dense(w) if w is not None else None
        if self.needs(0):
            gx = <Variable>new_like(x, x.dt)
        cdef int64_t n = self.n
        if self.needs(1):
            gw = <Variable>new_like(w, w.dt)
        if self.needs(2):
            gb = <Variable>new_empty(1, &n, x.dt, x.dev, x.dev_index)
        if x.n:
            k = <pyx_norm_kernels*>table_for(<void**>tables, x, "layer_norm")
            x_dt, g_ptr, x_ptr, w_ptr, mean_ptr, rstd_ptr, gx_ptr = x.dt, g.ptr, x.ptr, pointer(w), mean.ptr, rstd.ptr, pointer(gx)
            gw_ptr, gb_ptr = pointer(gw), pointer(gb)
            with nogil:
                failed = k.layer_backward(x_dt, g_ptr, x_ptr, w_ptr, mean_ptr, rstd_ptr, gx_ptr, gw_ptr, gb_ptr, self.rows, self.n)
            if failed:
                raise RuntimeError(f"layer_norm backward: failed for {dtype_of(x.dt)!r}.")
        else:
            for part in (gx, gw, gb):
                if part is not None:
                    fill_raw(part, 0)
        self.pass_grad(0, gx)
        self.pass_grad(1, gw)
        if gb is not None:
            self.pass_grad(2, gb.view(shape_of(w)) if w is not None else gb.view(self.bias_shape))

    cdef tuple bias_shape

    cdef Variable of_input(self, Variable t, Variable x):
        """The tangent of what is normalised, before weight and bias, along `t`: its Jacobian by x is symmetric, so that the gradient's kernel does it."""
        cdef Variable mean = self.saved(2), rstd = self.saved(3), y = <Variable>new_like(x, x.dt)
        cdef pyx_norm_kernels* k = <pyx_norm_kernels*>table_for(<void**>tables, x, "layer_norm")
        cdef int failed
        t, x = dense(t), dense(x)
        x_dt, t_ptr, x_ptr, mean_ptr, rstd_ptr, y_ptr = x.dt, t.ptr, x.ptr, mean.ptr, rstd.ptr, y.ptr
        with nogil:
            failed = k.layer_backward(x_dt, t_ptr, x_ptr, NULL, mean_ptr, rstd_ptr, y_ptr, NULL, NULL, self.rows, self.n)
        if failed:
            raise RuntimeError(f"layer_norm: the tangent failed for {dtype_of(x.dt)!r}.")
        return y

    cdef list pushforward(self, list tangents, list outs):
        cdef Variable x = self.saved(0), w = self.saved(1)
        rows = x.reshape((self.rows, self.n))
        if recording_any((x, w, *tangents)):
            centred = rows - rows.mean(1, True)
            rstd = ((centred * centred).mean(1, True) + self.eps).rsqrt()
        elif tangents[0] is not None and (<Variable>tangents[0]).dt == x.dt and x.n:
            t = self.of_input(tangents[0], x)
            t = t if w is None else t * w
            if tangents[1] is not None:
                t = t + ((rows - self.saved(2).reshape((-1, 1))) * self.saved(3).reshape((-1, 1))).reshape(shape_of(x)) * tangents[1]
            return [t if tangents[2] is None else t + tangents[2], *[None] * (len(outs) - 1)]
        else:
            centred, rstd = rows - self.saved(2).reshape((-1, 1)), self.saved(3).reshape((-1, 1))
        return pushed(tangents, outs, centred * rstd, rstd, (1,), None if w is None else w.reshape(-1), (-1,), True)

    cdef int by_operations(self, Variable g, Variable x, Variable w) except -1:
        rows = x.reshape((self.rows, self.n))
        flat = g.reshape((self.rows, self.n))
        centred = rows - rows.mean(1, True)
        rstd = ((centred * centred).mean(1, True) + self.eps).rsqrt()
        xhat = centred * rstd
        if self.needs(0):
            h = flat * w.reshape(-1) if w is not None else flat
            gx = rstd * (h - h.mean(1, True) - xhat * (h * xhat).mean(1, True))
            self.pass_grad(0, gx.reshape(shape_of(x)))
        if self.needs(1):
            self.pass_grad(1, (flat * xhat).sum(0).reshape(shape_of(w)))
        if self.needs(2):
            self.pass_grad(2, flat.sum(0).reshape(self.bias_shape))


cdef tuple layer_norm_full(Variable x, tuple shape, object weight, object bias, double eps, str op):
    """(y, mean, rstd), recorded; shape is the normalised one."""
    cdef int64_t n = 1
    cdef int k = len(shape), i, failed
    cdef int dt = kernel_dtype(x)
    cdef Variable a, w, b, y, mean, rstd
    cdef LayerNorm node
    cdef int64_t sizes[64]
    if k == 0:
        raise RuntimeError(f"{op}: Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = []")
    if k > x.nd or shape_of(x)[x.nd - k:] != shape:
        raise RuntimeError(
            f"{op}: Given normalized_shape={list(shape)}, expected input with shape [*, {', '.join([str(s) for s in shape])}], "
            f"but got input of size {list(shape_of(x))}"
        )
    for v, name in ((weight, "weight"), (bias, "bias")):
        if v is not None and shape_of(checked(v, op, name)) != shape:
            raise RuntimeError(f"{op}: Expected {name} to be of same shape as normalized_shape, but got {name} of shape {list(shape_of(v))} and normalized_shape = {list(shape)}")
        if v is not None:
            same_device(x, <Variable>v, op)
    if not is_floating(x.dt):
        raise NotImplementedError(f'"{op}" not implemented for {dtype_of(x.dt).name!r}')
    if weight is not None:
        unmixed(x, weight, op, "weight")
    if bias is not None:
        unmixed(x, bias, op, "bias")
    if x.dt != dt:
        y, mean, rstd = layer_norm_full(to_dtype(x, dt), shape, None if weight is None else to_dtype(weight, dt), None if bias is None else to_dtype(bias, dt), eps, op)
        return to_dtype(y, x.dt), mean, rstd
    for s in shape:
        n *= s
    a = dense(x)
    w = optional(weight, op, "weight", dt)
    b = optional(bias, op, "bias", dt)
    y = <Variable>new_like(a, dt)
    for i in range(x.nd):
        sizes[i] = x.sizes[i] if i < x.nd - k else 1
    mean = <Variable>new_empty(x.nd, sizes, dt, x.dev, x.dev_index)
    rstd = <Variable>new_like(mean, dt)
    cdef int64_t rows = mean.n
    if x.n:
        table = <pyx_norm_kernels*>table_for(<void**>tables, x, op)
        a_ptr, w_ptr, b_ptr, y_ptr, mean_ptr, rstd_ptr = a.ptr, pointer(w), pointer(b), y.ptr, mean.ptr, rstd.ptr
        with nogil:
            failed = table.layer_forward(dt, a_ptr, w_ptr, b_ptr, y_ptr, mean_ptr, rstd_ptr, rows, n, eps)
        if failed:
            raise RuntimeError(f"{op}: failed for {dtype_of(dt)!r}.")
    if recording_any((x, weight, bias)):
        node = <LayerNorm>LayerNorm.__new__(LayerNorm)
        node.rows = rows
        node.n = n
        node.eps = eps
        node.bias_shape = shape
        node.save(x)
        node.save(w if weight is None or w is weight else weight)
        node.save(mean)
        node.save(rstd)
        record_many(node, (y,), (x, weight, bias))
    return y, mean, rstd


cdef tuple as_shape(object shape):
    return (shape,) if hasattr(type(shape), "__index__") else tuple([as_index(s, "normalized_shape") for s in shape])


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05, cudnn_enable=True):
    """Normalise over the last dimensions to mean 0 and variance 1, then scale and shift.

    y = (x - mean) / sqrt(var + eps) * weight + bias, var without correction.

    Args:
        input: (*, normalized_shape); weight, bias: normalized_shape or None.
    Raises:
        RuntimeError: shapes do not match, or the dtype is not floating-point.
    Source:
        Ba, Kiros and Hinton, "Layer Normalization" (2016).
    """
    return layer_norm_full(checked(input, "layer_norm", "input"), as_shape(normalized_shape), weight, bias, eps, "layer_norm")[0]


def native_layer_norm(input, normalized_shape, weight, bias, eps):
    """(layer_norm, mean, 1 / deviation), the last two in the dtype of the weight, or else of input"""
    cdef Variable x = checked(input, "native_layer_norm", "input")
    y, mean, rstd = layer_norm_full(x, as_shape(normalized_shape), weight, bias, eps, "native_layer_norm")
    dtype = dtype_of(x.dt if weight is None else (<Variable>weight).dt)
    return y, mean.to(dtype), rstd.to(dtype)


def rms_norm(input, normalized_shape, weight=None, eps=None):
    """x / sqrt(mean(x^2) + eps) * weight over the last dimensions (Zhang and Sennrich, 2019).

    Args:
        input: (*, normalized_shape); weight: normalized_shape or None; eps: None for that of the dtype.
    Raises:
        RuntimeError: shapes do not match.
    """
    cdef Variable x = checked(input, "rms_norm", "input")
    if weight is not None:
        checked(weight, "rms_norm", "weight")
    shape = as_shape(normalized_shape)
    if not shape:
        raise RuntimeError("rms_norm: Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = []")
    if shape_of(x)[x.nd - len(shape):] != shape:
        raise RuntimeError(f"rms_norm: Given normalized_shape={list(shape)}, expected input with shape [*, {', '.join([str(s) for s in shape])}], but got input of size {list(shape_of(x))}")
    if weight is not None and shape_of(checked(weight, "rms_norm", "weight")) != shape:
        raise RuntimeError(f"rms_norm: Expected weight to be of same shape as normalized_shape, but got weight of shape {list(shape_of(weight))} and normalized_shape = {list(shape)}")
    if eps is None:
        from pyxtorch._numbers import finfo
        eps = finfo(dtype_of(x.dt).to_real()).eps
    wide = x.float() if x.dt == FLOAT16 or x.dt == BFLOAT16 else x
    dims = tuple([x.nd - len(shape) + i for i in range(len(shape))])
    y = wide * ((wide * wide).mean(dims, True) + eps).rsqrt()
    if weight is not None and weight.dtype == dtype_of(x.dt):   # scaled before it is rounded
        return to_dtype(y * to_dtype(weight, (<Variable>y).dt), x.dt)
    y = to_dtype(y, x.dt)
    return y if weight is None else to_dtype(y * weight, x.dt)


# ------------------------------------------------------------------------------- group norm

cdef tuple group_norm_full(Variable x, int64_t groups, object weight, object bias, double eps, str op):
    if x.nd < 2:
        raise RuntimeError(f"{op}: Expected at least 2 dimensions for input tensor but received {x.nd}")
    channels = x.sizes[1]
    if groups <= 0 or channels % groups:
        raise RuntimeError(f"{op}: Expected number of channels in input to be divisible by num_groups, but got input of shape {list(shape_of(x))} and num_groups={groups}")
    for v, name in ((weight, "weight"), (bias, "bias")):
        if v is not None and (checked(v, op, name).nd != 1 or (<Variable>v).n != channels):
            raise RuntimeError(f"{op}: Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of shape {list(shape_of(v))} and input of shape {list(shape_of(x))}")
        if v is not None:
            unmixed(x, v, op, name)
    if not native(tables, x):      # the affine step in float32 too
        weight, bias = [None if v is None else to_dtype(v, FLOAT32) for v in (weight, bias)]
        y, mean, rstd = group_norm_full(to_dtype(x, FLOAT32), groups, weight, bias, eps, op)
        return to_dtype(y, x.dt), mean, rstd
    rows = mul_sizes(x.sizes[0], groups)
    n = x.n // rows if rows else 0
    if not x.n:
        y, mean, rstd = x * 1, x.new_zeros((x.sizes[0], groups)), x.new_zeros((x.sizes[0], groups))
    else:
        y, mean, rstd = layer_norm_full(x.reshape((rows, n)), (n,), None, None, eps, op)
        y = y.reshape(shape_of(x))
    form = (1, channels) + (1,) * (x.nd - 2)
    if weight is not None:
        y = y * weight.reshape(form)
    if bias is not None:
        y = y + bias.reshape(form)
    return y, mean.reshape((x.sizes[0], groups)), rstd.reshape((x.sizes[0], groups))


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-05, cudnn_enabled=True):
    """Normalise each sample over groups of channels, then scale and shift each channel.

    Args:
        input: (N, C, *), C divisible by num_groups; weight, bias: (C) or None.
    Source:
        Wu and He, "Group Normalization" (2018).
    """
    cdef Variable x = checked(input, "group_norm", "input")
    if x.n and x.n == num_groups:
        raise ValueError(f"group_norm: Expected more than 1 value per channel when training, got input size {list(shape_of(x))} in {num_groups} groups")
    return group_norm_full(x, num_groups, weight, bias, eps, "group_norm")[0]


def native_group_norm(input, weight, bias, N, C, HxW, group, eps):
    """(group_norm, mean, 1 / deviation)"""
    cdef Variable x = checked(input, "native_group_norm", "input")
    if x.nd < 2 or x.sizes[0] != N or x.sizes[1] != C or x.n != N * C * HxW:
        raise RuntimeError(f"native_group_norm: Expected an input of N * C * HxW elements, {N} * {C} * {HxW}, but got shape {list(shape_of(x))}.")
    y, mean, rstd = group_norm_full(x, group, weight, bias, eps, "native_group_norm")
    n = 1
    for size in shape_of(x)[1:]:
        n *= size
    if n and recording_any((x,)):       # the statistics differentiate too
        rows = x.reshape((x.sizes[0], group, n // group))
        mean = rows.mean(-1)
        rstd = (rows.var(-1, correction=0) + eps).rsqrt()
    dt = x.dt if weight is None else checked(weight, "native_group_norm", "weight").dt
    return y, to_dtype(mean, dt), to_dtype(rstd, dt)


# ------------------------------------------------------------------------------- batch norm

cdef class BatchNorm(Function):
    """Inputs x (N, C, S), weight, bias. Saves x, weight, mean, 1 / deviation."""
    cdef bint training
    cdef double eps

    cdef int vjp_many(self, list grads) except -1:
        cdef Variable g = grads[0], x = self.saved(0), w = self.saved(1), mean = self.saved(2), rstd = self.saved(3)
        cdef Variable gx, gw, gb
        if g is None:
            return 0
        if recorded_flags():
            self.by_operations(g, x, w, mean, rstd)
            return 0
        gx, gw, gb = self.fused(g, x, w, mean, rstd, self.needs(0))
        self.pass_grad(0, gx)
        if self.needs(1):
            self.pass_grad(1, gw)
        if self.needs(2):
            self.pass_grad(2, gb)

    cdef tuple fused(self, Variable g, Variable x, Variable w, Variable mean, Variable rstd, bint of_x):
        """(gradient of x or None, of weight, of bias)"""
        cdef pyx_norm_kernels* k
        cdef int failed
        cdef int64_t N, C, S
        cdef Variable gx = None, gw, gb
        g = dense(g)
        x = dense(x)
        N, C = x.sizes[0], x.sizes[1]
        S = x.n // (N * C) if x.n else 0
        if of_x:
            gx = <Variable>new_like(x, x.dt)
        gw = <Variable>new_like(mean, x.dt)
        gb = <Variable>new_like(mean, x.dt)
        cdef Variable wide = cast_raw(w, x.dt) if w is not None else None
        k = <pyx_norm_kernels*>table_for(<void**>tables, x, "batch_norm")
        x_dt, g_ptr, x_ptr, wide_ptr, mean_ptr, rstd_ptr, gx_ptr = x.dt, g.ptr, x.ptr, pointer(wide), mean.ptr, rstd.ptr, pointer(gx)
        gw_ptr, gb_ptr = gw.ptr, gb.ptr
        with nogil:
            failed = k.channel_backward(x_dt, g_ptr, x_ptr, wide_ptr, mean_ptr, rstd_ptr, gx_ptr, gw_ptr, gb_ptr, N, C, S, self.training)
        if failed:
            raise RuntimeError(f"batch_norm backward: failed for {dtype_of(x.dt)!r}.")
        return gx, gw, gb

    cdef int by_operations(self, Variable g, Variable x, Variable w, Variable mean, Variable rstd) except -1:
        dims = (0,) + tuple(range(2, x.nd))
        form = (1, x.sizes[1]) + (1,) * (x.nd - 2)
        if self.training:
            centred = x - x.mean(dims, True)
            scale = ((centred * centred).mean(dims, True) + self.eps).rsqrt()
        else:
            centred = x - mean.reshape(form)
            scale = rstd.reshape(form)
        xhat = centred * scale
        if self.needs(0):
            h = g * w.reshape(form) if w is not None else g
            if self.training:
                h = h - h.mean(dims, True) - xhat * (h * xhat).mean(dims, True)
            self.pass_grad(0, scale * h)
        if self.needs(1):
            self.pass_grad(1, (g * xhat).sum(dims))
        if self.needs(2):
            self.pass_grad(2, g.sum(dims))

    cdef list pushforward(self, list tangents, list outs):
        cdef Variable x = self.saved(0), w = self.saved(1)
        dims = (0,) + tuple(range(2, x.nd))
        form = (1, x.sizes[1]) + (1,) * (x.nd - 2)
        if self.training and recording_any((x, w, *tangents)):
            centred = x - x.mean(dims, True)
            rstd = ((centred * centred).mean(dims, True) + self.eps).rsqrt()
        elif tangents[0] is not None and (<Variable>tangents[0]).dt == x.dt and x.n and not recording_any((x, w, *tangents)):
            # The Jacobian by x is symmetric within a channel, so that the gradient's kernel does it.
            t = self.fused(tangents[0], x, w, self.saved(2), self.saved(3), True)[0]
            if tangents[1] is not None:
                t = t + (x - self.saved(2).reshape(form)) * (self.saved(3) * tangents[1]).reshape(form)
            return [t if tangents[2] is None else t + tangents[2].reshape(form), *[None] * (len(outs) - 1)]
        else:
            centred, rstd = x - self.saved(2).reshape(form), self.saved(3).reshape(form)
        return pushed(tangents, outs, centred * rstd, rstd, dims, None if w is None else w.reshape(form), form, self.training)


cdef tuple batch_norm_full(Variable x, object weight, object bias, object running_mean, object running_var, bint training, double momentum, double eps, str op):
    """(y, mean, rstd), recorded; the running statistics are updated in training."""
    cdef int dt = kernel_dtype(x), failed
    cdef int64_t N, C, S
    cdef Variable a, y, mean, var, rstd = None, scale, shift
    cdef BatchNorm node
    cdef pyx_norm_kernels* k
    if x.nd < 2:
        raise RuntimeError(f"{op}: expected at least 2 dimensions (N, C, *), but got an input of shape {list(shape_of(x))}")
    if not is_floating(x.dt):
        raise NotImplementedError(f'"{op}" not implemented for {dtype_of(x.dt).name!r}')
    if x.dt != dt:
        y, mean, rstd = batch_norm_full(to_dtype(x, dt), None if weight is None else to_dtype(weight, dt), None if bias is None else to_dtype(bias, dt), running_mean, running_var, training, momentum, eps, op)
        return to_dtype(y, x.dt), mean, rstd
    N, C = x.sizes[0], x.sizes[1]
    S = 1
    for i in range(2, x.nd):
        S *= x.sizes[i]
    for v, name in ((running_mean, "running_mean"), (running_var, "running_var"), (weight, "weight"), (bias, "bias")):
        if v is not None and (<Variable>checked(v, op, name)).n != C:
            raise RuntimeError(f"{op}: {name} should contain {C} elements not {(<Variable>v).n}")
        if v is not None:
            same_device(x, <Variable>v, op)
    if not training and (running_mean is None or running_var is None):
        raise RuntimeError(f"{op}: running_mean and running_var must be defined in evaluation mode")
    a = dense(x)
    y = <Variable>new_like(a, dt)
    mean = <Variable>new_empty(1, &C, dt, x.dev, x.dev_index)
    var = <Variable>new_empty(1, &C, dt, x.dev, x.dev_index)
    k = <pyx_norm_kernels*>table_for(<void**>tables, x, op)
    if training and x.n:
        rstd = <Variable>new_like(mean, dt)
        a_ptr, mean_ptr, var_ptr, rstd_ptr = a.ptr, mean.ptr, var.ptr, rstd.ptr
        with nogil:
            failed = k.channel_stats(dt, a_ptr, mean_ptr, var_ptr, rstd_ptr, N, C, S, eps)
        if failed:
            raise RuntimeError(f"{op}: failed for {dtype_of(dt)!r}.")
    elif training:
        fill_raw(mean, 0)
        fill_raw(var, 0)
    else:
        copy_raw(mean, running_mean)
        copy_raw(var, running_var)
    if rstd is None:
        rstd = (var + eps).rsqrt()
    if training:
        if running_mean is not None and x.n:
            (<Variable>running_mean).copy_(running_mean.detach() * (1 - momentum) + mean * momentum)
        if running_var is not None and x.n:
            unbiased = var * (<double>(N * S) / (N * S - 1) if N * S > 1 else float("nan"))
            (<Variable>running_var).copy_(running_var.detach() * (1 - momentum) + unbiased * momentum)
    scale = rstd if weight is None else rstd * weight.detach()
    scale = cast_raw(scale, dt)
    shift = None if bias is None else cast_raw(bias, dt)
    if x.n:
        a_ptr, mean_ptr, scale_ptr, shift_ptr, y_ptr = a.ptr, mean.ptr, scale.ptr, pointer(shift), y.ptr
        with nogil:
            failed = k.channel_affine(dt, a_ptr, mean_ptr, scale_ptr, shift_ptr, y_ptr, N, C, S)
        if failed:
            raise RuntimeError(f"{op}: failed for {dtype_of(dt)!r}.")
    if recording_any((x, weight, bias)):
        node = <BatchNorm>BatchNorm.__new__(BatchNorm)
        node.training = training
        node.eps = eps
        node.save(x)
        node.save(weight)
        node.save(mean)
        node.save(rstd)
        record_many(node, (y,), (x, weight, bias))
    return y, mean, rstd


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-05):
    """Normalise each channel over the batch (training) or by running statistics, then scale and shift.

    Args:
        input: (N, C, *); running_mean, running_var: (C), updated in place in training; weight, bias: (C) or None.
    Raises:
        ValueError: training with a single value a channel.
    Source:
        Ioffe and Szegedy, "Batch Normalization" (2015).
    """
    cdef Variable x = checked(input, "batch_norm", "input")
    if eps < 0 or training and eps == 0:
        raise ValueError(f"batch_norm eps must be {'positive during training' if training else 'non-negative'}, but got {eps}")
    if x.nd == 1 and not x.n:
        y = x if weight is None else x * weight
        return y.clone() if bias is None else y + bias
    if training and x.nd >= 2 and x.sizes[1] and x.n // x.sizes[1] == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size_of(x)}")
    unmixed_channels(x, weight, bias, running_mean, running_var, "batch_norm")
    return batch_norm_full(x, weight, bias, running_mean, running_var, training, 0.0 if momentum is None else momentum, eps, "batch_norm")[0]


def native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, *, out=None):
    """(batch_norm, mean, 1 / deviation); the last two are in the dtype of the weight, or else of input, and empty in evaluation mode."""
    cdef Variable x = checked(input, "native_batch_norm", "input")
    unmixed_channels(x, weight, bias, running_mean, running_var, "native_batch_norm")
    y, mean, rstd = batch_norm_full(x, weight, bias, running_mean, running_var, training, momentum, eps, "native_batch_norm")
    dtype = dtype_of(x.dt if weight is None else (<Variable>weight).dt)
    if not training:
        mean, rstd = x.new_empty((0,), dtype=dtype), x.new_empty((0,), dtype=dtype)
    mean, rstd = mean.to(dtype), rstd.to(dtype)
    return finish_out((y, mean, rstd), out, "native_batch_norm")


def instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-05):
    """Normalise each channel of each sample, (N, C, *), then scale and shift each channel.

    Args:
        input: (N, C, *); weight, bias: (C) or None.
        running_mean, running_var: (C), updated where use_input_stats, used instead otherwise.
    Raises:
        ValueError: one element a channel and use_input_stats.
    Source:
        Ulyanov, Vedaldi and Lempitsky, "Instance Normalization" (2016).
    """
    cdef Variable x = checked(input, "instance_norm", "input")
    wrap_dim(1, x.nd, "instance_norm")
    unmixed_channels(x, weight, bias, running_mean, running_var, "instance_norm")
    if (running_mean is None) != (running_var is None):
        raise RuntimeError("instance_norm: Expected running_mean and running_var to be both given or both None.")
    if use_input_stats and x.nd > 1:
        spatial = x.n // (x.sizes[0] * x.sizes[1]) if x.n else 0
        if spatial == 1:
            raise ValueError(f"Expected more than 1 spatial element when training, got input size {size_of(x)}")
    N, C = x.sizes[0], x.sizes[1]
    if not use_input_stats:
        return batch_norm_full(x, weight, bias, running_mean, running_var, False, 0.0, eps, "instance_norm")[0]
    folded = x.reshape((1, N * C) + shape_of(x)[2:])
    y, mean, rstd = batch_norm_full(folded, None, None, None, None, True, 0.0, eps, "instance_norm")
    if running_mean is not None:
        n = x.n // (N * C) if x.n else 0
        running_mean.copy_(running_mean.detach() * (1 - momentum) + mean.reshape((N, C)).mean(0) * momentum)
        var = (1 / (rstd * rstd) - eps) * (n / max(n - 1, 1))
        running_var.copy_(running_var.detach() * (1 - momentum) + var.reshape((N, C)).mean(0) * momentum)
    y = y.reshape(shape_of(x))
    form = (1, C) + (1,) * (x.nd - 2)
    if weight is not None:
        y = y * weight.reshape(form)
    if bias is not None:
        y = y + bias.reshape(form)
    return to_dtype(y, x.dt)


__all__ = ["layer_norm", "native_layer_norm", "rms_norm", "group_norm", "native_group_norm", "batch_norm", "native_batch_norm", "instance_norm"]
functional = ["layer_norm", "rms_norm", "group_norm", "batch_norm", "instance_norm"]
methods = {}
