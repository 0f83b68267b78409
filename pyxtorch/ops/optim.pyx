"""Optimiser steps fused over all parameters of a group. Nothing here is recorded.

Each function calls `start(parameter, state, group)` for the parameters that have no state yet, then
walks through the group again and hands all that the kernel can do to it in one call; between taking
the first address and that call, no code of the user's runs. It returns the parameters that it left
alone (another device, dtype or layout), for the optimiser's plain path.
"""
from libc.math cimport sqrt, pow as c_pow
from libcpp.algorithm cimport sort
from libcpp.vector cimport vector
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Variable
from pyxtorch.ops._common cimport *

cdef extern from "pyxtorch/kernels/optim.h" nogil:
    ctypedef struct pyx_optim_list:
        int64_t count
        const int64_t* starts
        char** lists[5]
        const double* each
    ctypedef struct pyx_optim_options:
        double lr, weight_decay, eps, momentum, dampening, beta1, beta2
        int nesterov, maximize, decoupled
    ctypedef struct pyx_optim_kernels:
        int (*sgd)(int dtype, const pyx_optim_list* list, const pyx_optim_options* options) noexcept nogil
        int (*adam)(int dtype, const pyx_optim_list* list, const pyx_optim_options* options) noexcept nogil
        int (*rmsprop)(int dtype, const pyx_optim_list* list, const pyx_optim_options* options) noexcept nogil
        int (*sum_of_squares)(int dtype, const pyx_optim_list* list, double* total) noexcept nogil
        int (*scale)(int dtype, const pyx_optim_list* list, double factor) noexcept nogil

cdef pyx_optim_kernels** tables = <pyx_optim_kernels**>kernel_tables(b"optim")

cdef enum:
    SGD, ADAM, RMSPROP


cdef struct Batch:
    vector[int64_t] starts
    vector[char*] lists[5]
    vector[double] each


cdef inline bint fits(object x, Variable p) noexcept:
    """Whether `x` is a tensor that the kernel can walk along with `p`."""
    if not isinstance(x, Variable):
        return False
    cdef Variable v = <Variable>x
    return v.dt == p.dt and v.dev == p.dev and v.dev_index == p.dev_index and v.flags & CONTIGUOUS != 0 and same_shape(v, p)


cdef inline bint eligible(Variable p, Variable first) noexcept:
    """Whether a kernel can take p along with `first`: one call is for one device."""
    return (p.dev == first.dev and p.dev_index == first.dev_index and tables[p.dev] != NULL and is_floating(p.dt)
            and p.flags & CONTIGUOUS != 0)


cdef inline Variable gradient(Variable p):
    """p.grad, contiguous; None where the kernel cannot use it."""
    cdef Variable g
    if not isinstance(p._grad, Variable):
        return None
    g = <Variable?>p._grad
    if g.dt != p.dt or g.dev != p.dev or g.dev_index != p.dev_index or not same_shape(g, p):
        return None
    return g if g.flags & CONTIGUOUS else clone_raw(g)


cdef inline bint is_step(object x) noexcept:
    """Whether `x` counts steps: a 0-d float tensor on the CPU."""
    return isinstance(x, Variable) and (<Variable>x).n == 1 and (<Variable>x).dev == CPU and ((<Variable>x).dt == FLOAT32 or (<Variable>x).dt == FLOAT64)


cdef inline double advance(Variable step) noexcept:
    bump(step)
    if step.dt == FLOAT32:
        (<float*>step.ptr)[0] += 1
        return (<float*>step.ptr)[0]
    (<double*>step.ptr)[0] += 1
    return (<double*>step.ptr)[0]


cdef int run(int kind, int dt, int dev, Batch* batch, int used, pyx_optim_options* options) except -1:
    """`used` bit k: list k is not NULL."""
    cdef pyx_optim_list l
    cdef int k, failed
    cdef pyx_optim_kernels* table = tables[dev]
    l.count = <int64_t>batch.starts.size() - 1
    if l.count == 0:
        return 0
    l.starts = batch.starts.data()
    l.each = batch.each.data()
    for k in range(5):
        l.lists[k] = batch.lists[k].data() if used >> k & 1 else NULL
    cdef int64_t total = l.starts[l.count]
    function = table.sgd if kind == SGD else table.adam if kind == ADAM else table.rmsprop
    if total > 32768:
        with nogil:
            failed = function(dt, &l, options)
    else:
        failed = function(dt, &l, options)
    if failed:
        raise RuntimeError(f"optim: not implemented for {dtype_of(dt)!r}.")
    return 0


cdef inline int put(Batch* batch, int k, Variable x, bint write) except -1:
    if write:
        bump(x)
    batch.lists[k].push_back(x.ptr)
    return 0


cdef double number(object x) except? -1e300:
    return x if isinstance(x, float) else float(x)


def sgd_step(list params not None, state, dict group not None, start):
    """One step of stochastic gradient descent; see `optim.SGD`."""
    cdef pyx_optim_options o
    cdef Batch batch
    cdef int seen = 0, code, only = -1
    cdef list held = [], rest = []
    cdef Variable p, g, first = None
    cdef double momentum = number(group["momentum"])
    cdef dict own
    cdef bint fresh
    o.lr = number(group["lr"])
    o.momentum = momentum
    o.dampening = number(group["dampening"])
    o.weight_decay = number(group["weight_decay"])
    o.nesterov = bool(group["nesterov"])
    o.maximize = bool(group["maximize"])
    for item in params:
        p = <Variable?>item
        if p._grad is not None:
            if first is None:
                first = p
            if eligible(p, first):
                seen |= 1 << p.dt
            else:
                rest.append(p)
    for code in range(FLOAT16, FLOAT64 + 1):
        if not seen >> code & 1:
            continue
        batch.starts.clear()
        batch.each.clear()
        for only in range(3):
            batch.lists[only].clear()
        batch.starts.push_back(0)
        for item in params:
            p = <Variable?>item
            if p.dt != code or p._grad is None or not eligible(p, first):
                continue
            g = gradient(p)
            if g is None:
                rest.append(p)
                continue
            if momentum != 0:
                own = state[p]
                buffer = own.get("momentum_buffer")
                fresh = buffer is None
                if fresh:
                    buffer = new_like(p, p.dt)
                    own["momentum_buffer"] = buffer
                elif not fits(buffer, p):
                    rest.append(p)
                    continue
                put(&batch, 2, <Variable>buffer, True)
                batch.each.push_back(fresh)
            held.append(g)
            put(&batch, 0, p, True)
            put(&batch, 1, g, False)
            batch.starts.push_back(batch.starts.back() + p.n)
        run(SGD, code, first.dev, &batch, 7 if momentum != 0 else 3, &o)
    return rest


def adam_step(list params not None, state, dict group not None, start):
    """One step of Adam or AdamW; see `optim.Adam`."""
    cdef pyx_optim_options o
    cdef Batch batch
    cdef int seen = 0, code, k
    cdef list held = [], rest = []
    cdef Variable p, g, first = None
    cdef dict own
    cdef bint amsgrad = bool(group["amsgrad"])
    cdef double t, last = -1, factor = 0, root = 0
    beta1, beta2 = group["betas"]
    o.lr = number(group["lr"])
    o.beta1 = number(beta1)
    o.beta2 = number(beta2)
    o.eps = number(group["eps"])
    o.weight_decay = number(group["weight_decay"])
    o.maximize = bool(group["maximize"])
    o.decoupled = bool(group["decoupled_weight_decay"])
    for item in params:
        p = <Variable?>item
        if p._grad is not None:
            if first is None:
                first = p
            if eligible(p, first):
                seen |= 1 << p.dt
                own = state[p]
                if not own:
                    start(p, own, group)
            else:
                rest.append(p)
    for code in range(FLOAT16, FLOAT64 + 1):
        if not seen >> code & 1:
            continue
        batch.starts.clear()
        batch.each.clear()
        for k in range(5):
            batch.lists[k].clear()
        batch.starts.push_back(0)
        for item in params:
            p = <Variable?>item
            if p.dt != code or p._grad is None or not eligible(p, first):
                continue
            g = gradient(p)
            own = state[p]
            mean, square, step = own.get("exp_avg"), own.get("exp_avg_sq"), own.get("step")
            top = own.get("max_exp_avg_sq") if amsgrad else None
            if g is None or not is_step(step) or not fits(mean, p) or not fits(square, p) or (amsgrad and not fits(top, p)):
                rest.append(p)
                continue
            t = advance(<Variable>step)
            if t != last:
                last = t
                factor = o.lr / (1 - c_pow(o.beta1, t))
                root = sqrt(1 - c_pow(o.beta2, t))
            batch.each.push_back(factor)
            batch.each.push_back(root)
            held.append(g)
            put(&batch, 0, p, True)
            put(&batch, 1, g, False)
            put(&batch, 2, <Variable>mean, True)
            put(&batch, 3, <Variable>square, True)
            if amsgrad:
                put(&batch, 4, <Variable>top, True)
            batch.starts.push_back(batch.starts.back() + p.n)
        run(ADAM, code, first.dev, &batch, 31 if amsgrad else 15, &o)
    return rest


def rmsprop_step(list params not None, state, dict group not None, start):
    """One step of RMSprop; see `optim.RMSprop`."""
    cdef pyx_optim_options o
    cdef Batch batch
    cdef int seen = 0, code, k
    cdef list held = [], rest = []
    cdef Variable p, g, first = None
    cdef dict own
    cdef bint centered = bool(group["centered"]), heavy = group["momentum"] > 0
    o.lr = number(group["lr"])
    o.beta2 = number(group["alpha"])
    o.eps = number(group["eps"])
    o.weight_decay = number(group["weight_decay"])
    o.momentum = number(group["momentum"])
    o.maximize = bool(group["maximize"])
    for item in params:
        p = <Variable?>item
        if p._grad is not None:
            if first is None:
                first = p
            if eligible(p, first):
                seen |= 1 << p.dt
                own = state[p]
                if not own:
                    start(p, own, group)
            else:
                rest.append(p)
    for code in range(FLOAT16, FLOAT64 + 1):
        if not seen >> code & 1:
            continue
        batch.starts.clear()
        for k in range(5):
            batch.lists[k].clear()
        batch.starts.push_back(0)
        for item in params:
            p = <Variable?>item
            if p.dt != code or p._grad is None or not eligible(p, first):
                continue
            g = gradient(p)
            own = state[p]
            square, step = own.get("square_avg"), own.get("step")
            buffer = own.get("momentum_buffer") if heavy else None
            mean = own.get("grad_avg") if centered else None
            if (g is None or not is_step(step) or not fits(square, p) or (heavy and not fits(buffer, p))
                    or (centered and not fits(mean, p))):
                rest.append(p)
                continue
            advance(<Variable>step)
            held.append(g)
            put(&batch, 0, p, True)
            put(&batch, 1, g, False)
            put(&batch, 2, <Variable>square, True)
            if heavy:
                put(&batch, 3, <Variable>buffer, True)
            if centered:
                put(&batch, 4, <Variable>mean, True)
            batch.starts.push_back(batch.starts.back() + p.n)
        run(RMSPROP, code, first.dev, &batch, 7 | heavy << 3 | centered << 4, &o)
    return rest


def zero_grads(list params not None, bint set_to_none):
    """Forget the gradients of `params`, or make them zero."""
    cdef Variable p, g
    for item in params:
        p = <Variable?>item
        if p._grad is None:
            continue
        if set_to_none:
            p._grad = None
            continue
        g = <Variable?>p._grad
        if g._grad_fn is not None:
            g.detach_()
        else:
            g.requires_grad_(False)
        fill_raw(g, 0)
        bump(g)


cdef int gather(list tensors, Batch* batch) except -2:
    """Put all tensors into list 0; returns their dtype, or -1 where the kernels cannot take them together."""
    cdef Variable x
    cdef int dt = -1
    batch.starts.push_back(0)
    for item in tensors:
        if not isinstance(item, Variable):
            return -1
        x = <Variable>item
        if not eligible(x, <Variable>tensors[0]) or (dt >= 0 and x.dt != dt):
            return -1
        dt = x.dt
        batch.lists[0].push_back(x.ptr)
        batch.starts.push_back(batch.starts.back() + x.n)
    return dt


cdef pyx_optim_list first_list(Batch* batch) noexcept:
    cdef pyx_optim_list l
    cdef int k
    l.count = <int64_t>batch.starts.size() - 1
    l.starts = batch.starts.data()
    l.each = NULL
    l.lists[0] = batch.lists[0].data()
    for k in range(1, 5):
        l.lists[k] = NULL
    return l


def total_norm(list tensors not None):
    """The 2-norm of all elements of all `tensors`, a 0-d tensor of their dtype, summed in double.

    None where the kernel cannot do it: several devices, other layouts, mixed dtypes, or no tensor.
    """
    cdef Batch batch
    cdef int dt = gather(tensors, &batch), failed
    cdef double total = 0
    cdef Variable first, y
    if dt < 0:
        return None
    first = <Variable>tensors[0]
    cdef pyx_optim_kernels* table = tables[first.dev]
    cdef pyx_optim_list l = first_list(&batch)
    with nogil:
        failed = table.sum_of_squares(dt, &l, &total)
    if failed:
        return None
    y = <Variable>new_empty(0, NULL, dt, CPU, 0)
    write_number(sqrt(total), dt, y.ptr)
    return y if first.dev == CPU else y.to(device_of(first.dev, first.dev_index))


def scale_all(list tensors not None, double factor):
    """Multiply all `tensors` by a number, in place and unrecorded; False, with nothing done, where the kernel cannot."""
    cdef Batch batch
    cdef int dt = gather(tensors, &batch), failed
    cdef int64_t i
    if dt < 0:
        return False
    cdef pyx_optim_list l = first_list(&batch)
    # One memory twice would be scaled by two threads at once.
    cdef vector[char*] sorted_pointers = batch.lists[0]
    sort(sorted_pointers.begin(), sorted_pointers.end())
    for i in range(1, l.count):
        if sorted_pointers[i] == sorted_pointers[i - 1]:
            return False
    cdef pyx_optim_kernels* table = tables[(<Variable>tensors[0]).dev]
    with nogil:
        failed = table.scale(dt, &l, factor)
    if failed:
        return False
    for item in tensors:
        bump(<Variable?>item)
    return True
