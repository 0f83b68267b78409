"""Optimiser steps fused over all parameters of a group. Nothing here is recorded.

Each function calls `start(parameter, state, group)` for the parameters that have no state yet, then
walks through the group again and hands all that the kernel can do to it in one call; between taking
the first address and that call, no code of the user's runs. It returns the parameters that it left
alone (another device, dtype or layout), for the optimiser's plain path.
"""
from libc.math cimport sqrt, pow as c_pow
from cpython.object cimport PyObject
from libcpp.algorithm cimport sort
from libcpp.utility cimport pair
from libcpp.vector cimport vector
from pyxtorch._core cimport *
from pyxtorch._compound cimport COMPOUND
from pyxtorch._listen cimport listener, step_scalars
from pyxtorch.autograd cimport Variable
from pyxtorch.kernels.optim cimport *
from pyxtorch.ops._common cimport *

cdef extern from "Python.h":
    PyObject* PyDict_GetItemWithError(object d, object key) except? NULL
    PyObject* PyTuple_GET_ITEM(object t, Py_ssize_t i)

cdef pyx_optim_kernels** tables = <pyx_optim_kernels**>kernel_tables(b"optim", sizeof(pyx_optim_kernels))

cdef enum:
    SERIAL = 16384      # up to so many elements a kernel works in one thread


# What each parameter has of its own after t steps: Recipe.scalars numbers.
ctypedef void (*own_scalars)(double t, const pyx_optim_options* o, double* each) noexcept

cdef struct Recipe:
    int optimizer           # its number in the kernels' table
    int scalars
    own_scalars fill        # NULL: none that depend on t
    bint lazy               # there is no `step`; buffers are made when they are first needed, and `each` says that they are new


cdef Recipe recipe(const char* name, own_scalars fill, bint lazy=False):
    cdef Recipe r
    r.optimizer = tables[CPU].find(name)
    if r.optimizer < 0:
        raise KeyError(f"no optimiser named {name.decode()!r} in include/pyxtorch/optim_steps.h")
    r.scalars = tables[CPU].scalars(r.optimizer)
    r.fill = fill
    r.lazy = lazy
    return r


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


cdef inline double advance(Variable step, int by) noexcept:
    bump(step)
    if step.dt == FLOAT32:
        (<float*>step.ptr)[0] += by
        return (<float*>step.ptr)[0]
    (<double*>step.ptr)[0] += by
    return (<double*>step.ptr)[0]


ctypedef pair[char*, int64_t] span      # an address and how many bytes lie there


cdef bint meets_itself(Batch* batch, int itemsize):
    """Whether two parameters of the batch have memory in common."""
    cdef size_t i, count = batch.lists[0].size()
    cdef vector[span] spans
    spans.reserve(count)
    for i in range(count):
        spans.push_back(span(batch.lists[0][i], (batch.starts[i + 1] - batch.starts[i]) * itemsize))
    sort(spans.begin(), spans.end())
    for i in range(1, count):
        if spans[i].first < spans[i - 1].first + spans[i - 1].second:
            return True
    return False


cdef int run(const Recipe* recipe, int dt, Variable like, Batch* batch, int used, pyx_optim_options* options) except -1:
    """`used` bit k: list k is not NULL."""
    cdef pyx_optim_list l
    cdef int k, failed = 0
    cdef pyx_optim_kernels* table = <pyx_optim_kernels*>table_for(<void**>tables, like, "optim")
    cdef int64_t count = <int64_t>batch.starts.size() - 1, i
    cdef int64_t ends[2]
    if count == 0:
        return 0
    l.starts = batch.starts.data()
    l.each = batch.each.data() if batch.each.size() else NULL
    for k in range(5):
        l.lists[k] = batch.lists[k].data() if used >> k & 1 else NULL
    cdef int64_t total = l.starts[count]
    l.count = count
    if total <= SERIAL:
        failed = table.step(recipe.optimizer, dt, &l, options)
    elif not meets_itself(batch, itemsize_of(dt)):
        with nogil:
            failed = table.step(recipe.optimizer, dt, &l, options)
    else:       # a parameter that is there twice: one after the other, as no two threads may write one memory
        l.count = 1
        l.starts = ends
        ends[0] = 0
        for i in range(count):
            ends[1] = batch.starts[i + 1] - batch.starts[i]
            failed |= table.step(recipe.optimizer, dt, &l, options)
            for k in range(5):
                if l.lists[k] != NULL:
                    l.lists[k] += 1
            if batch.each.size():
                l.each += recipe.scalars
    if failed:
        raise NotImplementedError(f"optim: not implemented for {dtype_of(dt)!r}.")
    return 0


cdef inline int put(Batch* batch, int k, Variable x, bint write) except -1:
    if write:
        bump(x)
    batch.lists[k].push_back(x.ptr)
    return 0


cdef double number(object x) except? -1e300:
    return x if isinstance(x, float) else float(x)


cdef int tell(const Recipe* recipe, vector[PyObject*]* steps, dict group, bint others, bint work) except -1:
    """Say to who records what the host did before the kernel runs."""
    cdef vector[char*] places
    cdef vector[unsigned char] narrow
    cdef size_t i
    if not work:
        return 0
    if others or type(group["lr"]) is not float:
        listener.refuse(b"an optimiser updates parameters one by one, or its learning rate is no float")
    for i in range(steps.size()):
        places.push_back((<Variable>steps[0][i]).ptr)
        narrow.push_back((<Variable>steps[0][i]).dt == FLOAT32)
    listener.stepped(<step_scalars>recipe.fill, places.size(), places.data(), narrow.data(), <void*>group)
    return 0


cdef list fused_step(const Recipe* recipe, list params, state, dict group, start, pyx_optim_options* o, tuple names):
    """The walk that all fused optimisers share. `names`: the state's tensors that go to lists 2, 3, 4; None: not used.

    Whatever fails, the state is as it was: steps are counted back, buffers that the kernel had still to
    fill are taken out again.
    """
    cdef Batch batch
    cdef int seen = 0, code, k, used = 3
    cdef double each[8]
    cdef list held = [], rest = [], made = []
    cdef vector[PyObject*] steps
    cdef Variable p, g, first = None
    cdef dict own = None
    cdef object step, buffer
    cdef PyObject* buffers[3]
    cdef PyObject* keys[3]
    cdef bint fresh, stateful = not recipe.lazy or names[0] is not None, fit
    cdef double t, last = -1
    cdef size_t i
    o.lr = number(group["lr"])
    o.weight_decay = number(group["weight_decay"])
    o.maximize = bool(group["maximize"])
    for k in range(3):
        keys[k] = PyTuple_GET_ITEM(names, k)
        used |= (keys[k] != <PyObject*>None) << (2 + k)
    for item in params:
        p = <Variable?>item
        if p._grad is not None:
            if first is None:
                first = p
            if eligible(p, first):
                seen |= 1 << p.dt
                if not recipe.lazy:
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
        try:
            for item in params:
                p = <Variable>item
                if p.dt != code or p._grad is None or not eligible(p, first):
                    continue
                g = gradient(p)
                fit = g is not None
                fresh = False
                step = None
                if stateful and fit:
                    own = state[p]
                    if not recipe.lazy:
                        step = own.get("step")
                        fit = is_step(step)
                    for k in range(3):
                        if used >> (2 + k) & 1:
                            buffers[k] = PyDict_GetItemWithError(own, <object>keys[k])     # `own` holds it
                            if recipe.lazy and (buffers[k] == NULL or buffers[k] == <PyObject*>None):
                                fresh = True
                                made.append((own, <object>keys[k]))
                                own[<object>keys[k]] = buffer = new_like(p, p.dt)
                                buffers[k] = <PyObject*>buffer
                            fit = fit and buffers[k] != NULL and fits(<object>buffers[k], p)
                if not fit:
                    rest.append(p)
                    continue
                if recipe.lazy:
                    batch.each.push_back(fresh)
                else:
                    t = advance(<Variable>step, 1)
                    steps.push_back(<PyObject*>step)
                    if recipe.fill != NULL and t != last:
                        last = t
                        recipe.fill(t, o, each)
                    for k in range(recipe.scalars):
                        batch.each.push_back(each[k])
                held.append(g)
                put(&batch, 0, p, True)
                put(&batch, 1, g, False)
                for k in range(3):
                    if used >> (2 + k) & 1:
                        put(&batch, 2 + k, <Variable>buffers[k], True)
                batch.starts.push_back(batch.starts.back() + p.n)
            if listener.on:
                tell(recipe, &steps, group, bool(rest), batch.starts.size() > 1)
            run(recipe, code, first, &batch, used, o)
        except BaseException:
            for i in range(steps.size()):
                advance(<Variable>steps[i], -1)
            for own, name in made:
                own.pop(name, None)
            raise
        steps.clear()
        made.clear()
    return rest


cdef Recipe SGD = recipe(b"sgd", NULL, True)
cdef Recipe ADAM = recipe(b"adam", adam_scalars)
cdef Recipe RMSPROP = recipe(b"rmsprop", NULL)


def sgd_step(list params not None, state, dict group not None, start):
    """One step of stochastic gradient descent; see `optim.SGD`."""
    cdef pyx_optim_options o
    o.momentum = number(group["momentum"])
    o.dampening = number(group["dampening"])
    o.nesterov = bool(group["nesterov"])
    return fused_step(&SGD, params, state, group, start, &o, ("momentum_buffer" if o.momentum != 0 else None, None, None))


cdef void adam_scalars(double t, const pyx_optim_options* o, double* each) noexcept:
    each[0] = o.lr / (1 - c_pow(o.beta1, t))
    each[1] = 1 / sqrt(1 - c_pow(o.beta2, t))


def adam_step(list params not None, state, dict group not None, start):
    """One step of Adam or AdamW; see `optim.Adam`."""
    cdef pyx_optim_options o
    beta1, beta2 = group["betas"]
    o.beta1 = number(beta1)
    o.beta2 = number(beta2)
    o.eps = number(group["eps"])
    o.decoupled = bool(group["decoupled_weight_decay"])
    return fused_step(&ADAM, params, state, group, start, &o, ("exp_avg", "exp_avg_sq", "max_exp_avg_sq" if group["amsgrad"] else None))


def rmsprop_step(list params not None, state, dict group not None, start):
    """One step of RMSprop; see `optim.RMSprop`."""
    cdef pyx_optim_options o
    o.beta2 = number(group["alpha"])
    o.eps = number(group["eps"])
    o.momentum = number(group["momentum"])
    return fused_step(&RMSPROP, params, state, group, start, &o,
                      ("square_avg", "momentum_buffer" if o.momentum > 0 else None, "grad_avg" if group["centered"] else None))


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
        if g.flags & COMPOUND:
            p._grad = g.detach().zero_()
            continue
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
    cdef pyx_optim_kernels* table = <pyx_optim_kernels*>table_for(<void**>tables, first, "clip_grad_norm_")
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
    if dt < 0 or meets_itself(&batch, itemsize_of(dt)):     # one memory twice would be scaled by two threads at once
        return False
    cdef pyx_optim_list l = first_list(&batch)
    cdef pyx_optim_kernels* table = <pyx_optim_kernels*>table_for(<void**>tables, <Variable>tensors[0], "clip_grad_norm_")
    with nogil:
        failed = table.scale(dt, &l, factor)
    if failed:
        return False
    for item in tensors:
        bump(<Variable?>item)
    return True
