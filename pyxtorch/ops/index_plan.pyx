"""Index plans: which dimensions of a tensor are indexed, by what; and positions and masks.

A `Plan` has index tensors for some dimensions of a tensor, and three operations, each other's
derivatives: get (read), spread (add into zeros) and put (overwrite or add).
"""
from libc.string cimport memcpy
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, check_inplace, rebase, record1, record2, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops._precision cimport is_low
from pyxtorch.ops.shape cimport expand_to, reshape_sizes

cdef pyx_index_kernels** tables = <pyx_index_kernels**>kernel_tables(b"index", sizeof(pyx_index_kernels))


cdef pyx_index_kernels* index_kernels(TensorBase x, str op) except NULL:
    return <pyx_index_kernels*>table_for(<void**>tables, x, op)


# ---------------------------------------------------------------------------------------- plans

cdef Variable on_device_of(Variable x, Variable index, str op):
    """Indices on the CPU are sent to where x is."""
    if index.dev == x.dev and index.dev_index == x.dev_index:
        return index
    if index.dev != CPU:
        raise RuntimeError(f"{op}: indices should be either on cpu or on the same device as the indexed tensor ({device_of(x.dev, x.dev_index)})")
    return <Variable?>index.to(device_of(x.dev, x.dev_index))


cdef class Plan:
    cdef int shape(self, Variable x, int64_t* out) except -1:
        """The shape of x[plan]; returns its number of dimensions."""
        cdef int i, k = 0, nd = 0
        for i in range(self.front):     # these are not indexed
            out[nd] = x.sizes[i]
            nd += 1
        for i in range(self.ind):
            out[nd] = self.ishape[i]
            nd += 1
        for i in range(self.front, x.nd):
            if k < self.count and self.dims[k] == i:
                k += 1
            else:
                out[nd] = x.sizes[i]
                nd += 1
        return nd

    cdef int fill(self, Variable x, pyx_indexing* at) except -1:
        cdef int i, k = 0, kept = 0
        cdef Variable v
        cdef int size = itemsize_of(x.dt)
        at.count = self.n
        at.nindex = self.count
        at.wrap = self.wrap
        at.nbefore = self.front
        for i in range(x.nd):
            if k < self.count and self.dims[k] == i:
                v = self.index[k] = on_device_of(x, <Variable>self.index[k], self.op)
                at.index[k] = <const int64_t*>v.ptr
                at.size[k] = x.sizes[i]
                at.stride[k] = x.strides[i] * size
                k += 1
            else:
                at.rest_size[kept] = x.sizes[i]
                at.rest_stride[kept] = x.strides[i] * size
                kept += 1
        at.nafter = kept - self.front
        return 0

    cdef int failed(self, int code, Variable x, const int64_t* bad) except -1:
        if code == -2:
            dim = self.dims[bad[1]]
            raise self.error(f"{self.op}: index {bad[0]} is out of bounds for dimension {dim} with size {x.sizes[dim]}")
        if code == -1:
            raise NotImplementedError(f'"{self.op}" not implemented for {dtype_of(x.dt).name!r}. Convert with .to(dtype).')
        raise MemoryError(f"{self.op}: no memory for {self.n} indices.")


cdef Plan plan_of(list dims, list index, str op, bint wrap=True, object error=IndexError):
    cdef Plan p = Plan.__new__(Plan)
    cdef Variable v
    cdef int i, k, nd = 0
    cdef int64_t size
    p.op = op
    p.error = error
    p.wrap = wrap
    p.count = len(dims)
    for v in index:
        nd = v.nd if v.nd > nd else nd
    for i in range(nd):
        p.ishape[i] = 1
    for v in index:
        for i in range(v.nd):
            size = v.sizes[v.nd - 1 - i]
            k = nd - 1 - i
            if size != 1 and p.ishape[k] != 1 and size != p.ishape[k]:
                raise IndexError(
                    "shape mismatch: indexing tensors could not be broadcast together with shapes "
                    + ", ".join([str(list(shape_of(w))) for w in index])
                )
            if size != 1:
                p.ishape[k] = size
    p.ind = nd
    p.n = 1
    for i in range(nd):
        p.n *= p.ishape[i]
    p.index = []
    p.front = 0
    for i in range(p.count):
        p.dims[i] = dims[i]
        v = <Variable>index[i]
        p.index.append(dense(expand_to(v, nd, p.ishape, op)))
    # Index dimensions take the place of the first indexed one, if those are neighbours.
    if p.count and p.dims[p.count - 1] - p.dims[0] == p.count - 1:
        p.front = p.dims[0]
    return p


cdef Plan plan_dim(int dim, Variable index, str op, bint wrap=False, object error=IndexError):
    cdef Plan p = Plan.__new__(Plan)
    p.op = op
    p.error = error
    p.wrap = wrap
    p.count = 1
    p.dims[0] = dim
    p.ind = 1
    p.n = index.n
    p.ishape[0] = index.n
    p.index = [index]
    p.front = dim
    return p


cdef Variable get_raw(Variable x, Plan plan):
    cdef int64_t sizes[128]
    cdef int64_t bad[2]
    cdef pyx_indexing at
    cdef int code, nd = plan.shape(x, sizes)
    cdef pyx_index_kernels* k = index_kernels(x, plan.op)
    cdef int size = itemsize_of(x.dt)
    if nd > 64:
        raise RuntimeError(f"{plan.op}: the result would have {nd} dimensions; a tensor can have at most 64.")
    cdef Variable y = <Variable>new_empty(nd, sizes, x.dt, x.dev, x.dev_index)
    if y.n == 0 and plan.n == 0:
        return y
    plan.fill(x, &at)
    cdef char* from_ = x.ptr
    cdef char* to = y.ptr
    if y.n > 16384:
        with nogil:
            code = k.get(size, &at, from_, to, bad)
    else:
        code = k.get(size, &at, from_, to, bad)
    if code:
        plan.failed(code, x, bad)
    return y


cdef int put_raw(Variable x, Plan plan, Variable values, int how, bint scalar) except -1:
    """values: contiguous, of the shape of x[plan] and the dtype of x; or a single element."""
    cdef int64_t bad[2]
    cdef pyx_indexing at
    cdef int code, i
    cdef pyx_index_kernels* k = index_kernels(x, plan.op)
    cdef Variable wide
    if plan.n == 0:
        return 0
    if (how == PUT_ADD or how == PUT_MUL) and is_low(x.dt):     # many terms for one place are rounded once
        wide = cast_raw(x, FLOAT32)
        put_raw(wide, plan, cast_raw(values, FLOAT32), how, scalar)
        return copy_raw(x, wide)
    for i in range(plan.count):     # an index that is written meanwhile: read from a copy
        plan.index[i] = apart(<Variable>plan.index[i], x)
    plan.fill(x, &at)
    cdef int dt = x.dt
    cdef char* to = x.ptr
    cdef char* from_ = values.ptr
    if plan.n > 4096:
        with nogil:
            code = k.put(how, dt, &at, to, from_, scalar, bad)
    else:
        code = k.put(how, dt, &at, to, from_, scalar, bad)
    if code:
        plan.failed(code, x, bad)
    return 0


cdef class Indexed(Function):
    """What goes by a plan; its index tensors are saved, so that a change of them is noticed."""
    cdef Plan _plan

    cdef int keep(self, Plan plan) except -1:
        self._plan = plan
        for index in plan.index:
            self.save(<Variable>index)
        return 0

    cdef Plan plan(self):
        for i in range(self.n_saved):
            self.saved(i)
        return self._plan


cdef class IndexGet(Indexed):
    cdef tuple shape

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, plan_spread(g, self.plan(), self.shape))


cdef class IndexSpread(Indexed):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, plan_get(g, self.plan()))


cdef class IndexPut(Indexed):
    """x with values written (accumulate: added) at the places of a plan."""
    cdef bint accumulate

    cdef int vjp(self, Variable g) except -1:
        if self.needs(0):
            self.pass_grad(0, g if self.accumulate else plan_put(g, self.plan(), zero_of(g), False, False))
        if self.needs(1):
            self.pass_grad(1, plan_get(g, self.plan()))


cdef Variable zero_of(Variable g):
    return zeros_raw(0, NULL, g.dt, g.dev, g.dev_index)


cdef Variable plan_get(Variable x, Plan plan):
    cdef Variable y = get_raw(x, plan)
    cdef IndexGet node
    if recording(x):
        node = <IndexGet>IndexGet.__new__(IndexGet)
        node.keep(plan)
        node.shape = shape_of(x)
        record1(node, y, x)
    return y


cdef Variable plan_spread(Variable g, Plan plan, tuple shape):
    cdef int64_t sizes[64]
    cdef int nd = parse_sizes(shape, sizes, plan.op)
    cdef Variable y = zeros_raw(nd, sizes, g.dt, g.dev, g.dev_index)
    cdef IndexSpread node
    put_raw(y, plan, dense(g), PUT_ADD, False)
    if recording(g):
        node = <IndexSpread>IndexSpread.__new__(IndexSpread)
        node.keep(plan)
        record1(node, y, g)
    return y


cdef Variable off_tape_self(Variable x):
    return <Variable>alias(x)


cdef Variable plan_put(Variable x, Plan plan, Variable values, bint accumulate, bint inplace):
    """x[plan] = values, into a copy or (inplace) into x, whose history moves on."""
    cdef int64_t sizes[128]
    cdef int nd = plan.shape(x, sizes)
    cdef Variable y
    cdef IndexPut node
    cdef bint on_tape = recording(x) or recording(values)
    cdef bint scalar = values.n == 1 and values.nd == 0
    if inplace:
        check_inplace(x, plan.op)
    if values.dev != x.dev and values.nd == 0:
        values = values.to(x.device)
    same_device(x, values, plan.op)
    if not scalar or on_tape:
        fits_values(values, nd, sizes, plan.op)
        while values.nd > nd:
            values = <Variable?>values.squeeze(0)
        values = expand_to(values, nd, sizes, plan.op)
        scalar = False
    if inplace:
        put_raw(x, plan, values if scalar else dense(apart(values, x)), PUT_ADD if accumulate else PUT_SET, scalar)
        y = off_tape_self(x)
        bump(x)
    else:
        y = clone_raw(x)
        put_raw(y, plan, values if scalar else dense(values), PUT_ADD if accumulate else PUT_SET, scalar)
    if on_tape:
        node = <IndexPut>IndexPut.__new__(IndexPut)
        node.keep(plan)
        node.accumulate = accumulate
        record2(node, y, x, values)
        if inplace:
            rebase(x, y)
    return x if inplace else y


cdef Variable apart(Variable values, Variable x):
    """values, copied if it shares memory with x."""
    return clone_raw(values) if same_memory(values, x) else values


cdef int fits_values(Variable v, int nd, const int64_t* sizes, str op) except -1:
    """Do values broadcast to the places they go to? Leading dimensions of size 1 do not count."""
    cdef int i, extra = v.nd - nd
    cdef bint ok = True
    for i in range(v.nd):
        if i < extra:
            ok = ok and v.sizes[i] == 1
        else:
            ok = ok and (v.sizes[i] == 1 or v.sizes[i] == sizes[i - extra])
    if not ok:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(shape_of(v))} cannot be broadcast to indexing result of shape "
            f"{[sizes[i] for i in range(nd)]}"
        )
    return 0


# ----------------------------------------------------------------------------- masks, positions

cdef Variable mask_of(Variable x):
    if x.dt == BOOL or x.dt == UINT8:
        return dense(x)
    return dense(<Variable?>(x.detach() != 0))


cdef int64_t count_true(Variable mask, str op):
    cdef pyx_index_kernels* k = index_kernels(mask, op)
    cdef int64_t n
    cdef char* ptr = mask.ptr
    cdef int64_t size = mask.n
    need_values(mask, op)
    if size > 4096:
        with nogil:
            n = k.count_true(<const uint8_t*>ptr, size)
        return n
    return k.count_true(<const uint8_t*>ptr, size)


cdef int by_mask_failed(int code, str op) except -1:
    if code == -3:
        raise RuntimeError(f"{op}: the mask changed while it was read. Do not write it in another thread meanwhile.")
    raise MemoryError(f"{op}: no memory.")


cdef Variable nonzero_raw(Variable mask):
    cdef pyx_index_kernels* k = index_kernels(mask, "nonzero")
    cdef int64_t sizes[2]
    cdef int64_t shape[64]
    cdef Variable y
    cdef int code, nd = mask.nd
    cdef char* ptr = mask.ptr
    cdef char* out
    sizes[0] = count_true(mask, "nonzero")
    sizes[1] = mask.nd
    y = <Variable>new_empty(2, sizes, INT64, mask.dev, mask.dev_index)
    memcpy(shape, mask.sizes, nd * sizeof(int64_t))
    out = y.ptr
    with nogil:
        code = k.nonzero(<const uint8_t*>ptr, nd, shape, sizes[0], <int64_t*>out)
    if code:
        by_mask_failed(code, "nonzero")
    return y


cdef class MaskedSelect(Function):
    cdef tuple shape

    cdef int vjp(self, Variable g) except -1:
        mask = <Variable>self.saved(0)
        zeros = zeros_raw(mask.nd, mask.sizes, g.dt, g.dev, g.dev_index)
        self.pass_grad(0, zeros.masked_scatter(mask, g))


cdef Variable masked_select_t(Variable x, Variable mask):
    """The elements of x where mask (bool, the same shape) is true."""
    cdef pyx_index_kernels* k = index_kernels(x, "masked_select")
    cdef Variable from_ = dense(x)
    cdef Variable m = dense(mask)
    cdef int64_t n = count_true(m, "masked_select")
    cdef Variable y = <Variable>new_empty(1, &n, x.dt, x.dev, x.dev_index)
    cdef int code, size = itemsize_of(x.dt)
    cdef MaskedSelect node
    cdef char* read = from_.ptr
    cdef char* where = m.ptr
    cdef char* out = y.ptr
    cdef int64_t length = min(m.n, from_.n)
    if length > 4096:
        with nogil:
            code = k.masked_select(size, read, <const uint8_t*>where, length, n, out)
    else:
        code = k.masked_select(size, read, <const uint8_t*>where, length, n, out)
    if code:
        by_mask_failed(code, "masked_select")
    if recording(x):
        node = <MaskedSelect>MaskedSelect.__new__(MaskedSelect)
        node.save(m)
        record1(node, y, x)
    return y


cdef Variable index_int64(Variable x, str op):
    if x.dt == INT64:
        return dense(x)
    if x.dt != INT32:
        raise IndexError(f"{op}: expected an index tensor of dtype int32 or int64, not {dtype_of(x.dt)!r}. Convert with .long().")
    return cast_raw(x, INT64)


cdef Variable vector_index(Variable index, str op):
    if index.dt != INT64 and index.dt != INT32:
        raise RuntimeError(f"{op}(): Expected dtype int32 or int64 for index, but got {dtype_of(index.dt).name}. Convert with .long().")
    if index.nd > 1:
        raise IndexError(f"{op}(): Index is supposed to be a vector, but got dim: {index.nd}. Flatten it.")
    index = index_int64(index, op)
    return index if index.nd else <Variable?>index.reshape(1)


cdef Variable at_least_1d(Variable x):
    cdef int64_t one = 1
    return x if x.nd else reshape_sizes(x, 1, &one, "reshape")
