"""Recurrent cells: one step of an LSTM, a GRU or a plain network, and layers of many steps.

What follows the two products of a step is one operation, with a kernel for its gradient too; all
steps of a layer are one operation as well, in whose backward the weights' gradient is one product
over all steps. Where a graph of the gradient is wanted, the same gradient is written in tensor
operations instead, so it differentiates to any order.
"""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record3, record_many, recorded_flags, recording
from pyxtorch.kernels.rnn cimport *
from pyxtorch.ops._common cimport *
from pyxtorch.ops.elementwise cimport add_t
from pyxtorch.ops.matmul cimport linear_t, product_raw

cdef pyx_rnn_kernels** tables = <pyx_rnn_kernels**>kernel_tables(b"rnn", sizeof(pyx_rnn_kernels))


cdef bint has_kernel(Variable a, Variable b, Variable state) noexcept:
    """Whether the kernels do these operands; others are left to tensor operations."""
    return tables[a.dev] != NULL and is_floating(a.dt) and native(tables, a) and a.dt == b.dt == state.dt and a.dev == b.dev == state.dev


cdef inline pyx_rnn_kernels* kernels(Variable x, str op) except NULL:
    return <pyx_rnn_kernels*>table_for(<void**>tables, x, op)


cdef int check_gates(Variable a, Variable b, Variable state, int gates, str op) except -1:
    """a and b: (rows, gates * n), state: (rows, n)."""
    if state.nd != 2 or a.nd != 2 or not same_shape(a, b) or a.sizes[0] != state.sizes[0] or a.sizes[1] != gates * state.sizes[1]:
        raise RuntimeError(
            f"{op}: gates of shapes {list(shape_of(a))} and {list(shape_of(b))} do not fit a state of shape {list(shape_of(state))}: "
            f"expected (rows, {gates} * n) and (rows, n)."
        )
    return 0


cdef Variable dense_or_none(object g):
    """A gradient as the kernels want it: contiguous, or None."""
    return None if g is None else dense(<Variable>g)


cdef inline char* pointer(Variable x) noexcept nogil:
    if x is None:
        return NULL
    return x.ptr


# ------------------------------------------------------------------------------------ LSTM

cdef tuple lstm_parts(object a, object b, object c):
    """(i, f, g, o, next c) in tensor operations."""
    i, f, g, o = (a + b).chunk(4, 1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    return i, f, g, o, f * c + i * g


cdef tuple lstm_slopes(tuple parts, object c, object dh, object dc):
    """The gradients of the gates and of c in tensor operations, from lstm_parts and those of h and c, of which one may be None."""
    import pyxtorch
    i, f, g, o, next_c = parts
    t = next_c.tanh()
    if dh is None:
        dh = zeros_of(<Variable>dc)
    d = dh * o * (1 - t * t)
    if dc is not None:
        d = d + dc
    return pyxtorch.cat((d * g * i * (1 - i), d * c * f * (1 - f), d * i * (1 - g * g), dh * t * o * (1 - o)), 1), d * f


cdef class LstmStep(Function):
    """Inputs a, b, c; outputs h, c. Saves the inputs, the new c and the four activations."""

    cdef int vjp_many(self, list grads) except -1:
        cdef Variable dh, dc, gates, c, next_c, da, old
        cdef pyx_rnn_kernels* k
        cdef int failed
        cdef int64_t rows, n
        if grads[0] is None and grads[1] is None:
            return 0
        if recorded_flags():
            self.by_operations(grads[0], grads[1])
            return 0
        dh, dc = dense_or_none(grads[0]), dense_or_none(grads[1])
        c, next_c, gates = dense(self.saved(2)), self.saved(3), self.saved(4)
        da = <Variable>new_like(gates, gates.dt)
        old = <Variable>new_like(c, c.dt)
        rows, n = c.sizes[0], c.sizes[1]
        c_dt, dh_ptr, dc_ptr, gates_ptr, c_ptr, next_c_ptr, da_ptr = c.dt, pointer(dh), pointer(dc), gates.ptr, c.ptr, next_c.ptr, da.ptr
        old_ptr = old.ptr
        k = kernels(c, "lstm_cell")
        with nogil:
            failed = k.lstm_backward(c_dt, dh_ptr, dc_ptr, gates_ptr, c_ptr, next_c_ptr, da_ptr, old_ptr, rows, n)
        if failed:
            raise RuntimeError(f"lstm_cell backward: failed for {dtype_of(c.dt)!r}.")
        self.pass_grad(0, da)
        self.pass_grad(1, da)
        self.pass_grad(2, old)
        return 0

    cdef int by_operations(self, object dh, object dc) except -1:
        c = self.saved(2)
        da, old = lstm_slopes(lstm_parts(self.saved(0), self.saved(1), c), c, dh, dc)
        self.pass_grad(0, da)
        self.pass_grad(1, da)
        self.pass_grad(2, old)
        return 0


cdef tuple lstm_step_t(Variable a, Variable b, Variable c):
    cdef Variable x, y, z, h, next_c, gates
    cdef LstmStep node
    cdef pyx_rnn_kernels* k
    cdef int failed
    cdef int64_t rows, n
    check_gates(a, b, c, 4, "lstm_cell")
    if not has_kernel(a, b, c):
        _, _, _, o, next_ = lstm_parts(a, b, c)
        return o * next_.tanh(), next_
    x, y, z = dense(a), dense(b), dense(c)
    h = <Variable>new_like(z, z.dt)
    next_c = <Variable>new_like(z, z.dt)
    gates = <Variable>new_like(x, x.dt)
    rows, n = z.sizes[0], z.sizes[1]
    x_dt, x_ptr, y_ptr, z_ptr, h_ptr, next_c_ptr, gates_ptr = x.dt, x.ptr, y.ptr, z.ptr, h.ptr, next_c.ptr, gates.ptr
    k = kernels(x, "lstm_cell")
    with nogil:
        failed = k.lstm(x_dt, x_ptr, y_ptr, z_ptr, h_ptr, next_c_ptr, gates_ptr, rows, n)
    if failed:
        raise RuntimeError(f"lstm_cell: failed for {dtype_of(x.dt)!r}.")
    outputs = (h, next_c)
    if recording(a) or recording(b) or recording(c):
        node = <LstmStep>LstmStep.__new__(LstmStep)
        node.save(a)
        node.save(b)
        node.save(c)
        node.save_output(next_c, 1)
        node.save(gates)
        record_many(node, outputs, (a, b, c))
    return outputs


# ------------------------------------------------------------------------------------- GRU

cdef tuple gru_parts(object a, object b):
    """(r, z, m, the part of b that r multiplies) in tensor operations."""
    ar, az, am = a.chunk(3, 1)
    br, bz, bm = b.chunk(3, 1)
    r = (ar + br).sigmoid()
    # The reset gate multiplies the product, not the state: the form that cuDNN computes.
    return r, (az + bz).sigmoid(), (am + r * bm).tanh(), bm


cdef tuple gru_slopes(tuple parts, object h, object g):
    """The gradients of a, b and h in tensor operations, from gru_parts and that of the new h."""
    import pyxtorch
    r, z, m, bm = parts
    dm = g * (1 - z) * (1 - m * m)
    dz = g * (h - m) * z * (1 - z)
    dr = dm * bm * r * (1 - r)
    return pyxtorch.cat((dr, dz, dm), 1), pyxtorch.cat((dr, dz, dm * r), 1), g * z


cdef class GruStep(Function):
    """Inputs a, b, h; saves them and the three activations."""

    cdef int vjp(self, Variable g) except -1:
        cdef Variable b, h, gates, da, db, dh
        cdef pyx_rnn_kernels* k
        cdef int failed
        cdef int64_t rows, n
        if recorded_flags():
            return self.by_operations(g)
        g, b, h, gates = dense(g), dense(self.saved(1)), dense(self.saved(2)), self.saved(3)
        da = <Variable>new_like(gates, gates.dt)
        db = <Variable>new_like(gates, gates.dt)
        dh = <Variable>new_like(h, h.dt)
        rows, n = h.sizes[0], h.sizes[1]
        h_dt, g_ptr, gates_ptr, b_ptr, h_ptr, da_ptr, db_ptr, dh_ptr = h.dt, g.ptr, gates.ptr, b.ptr, h.ptr, da.ptr, db.ptr, dh.ptr
        k = kernels(h, "gru_cell")
        with nogil:
            failed = k.gru_backward(h_dt, g_ptr, gates_ptr, b_ptr, h_ptr, da_ptr, db_ptr, dh_ptr, rows, n)
        if failed:
            raise RuntimeError(f"gru_cell backward: failed for {dtype_of(h.dt)!r}.")
        self.pass_grad(0, da)
        self.pass_grad(1, db)
        self.pass_grad(2, dh)
        return 0

    cdef int by_operations(self, object g) except -1:
        h = self.saved(2)
        da, db, dh = gru_slopes(gru_parts(self.saved(0), self.saved(1)), h, g)
        self.pass_grad(0, da)
        self.pass_grad(1, db)
        self.pass_grad(2, dh)
        return 0


cdef Variable gru_step_t(Variable a, Variable b, Variable h):
    cdef Variable x, y, z, next_h, gates
    cdef GruStep node
    cdef pyx_rnn_kernels* k
    cdef int failed
    cdef int64_t rows, n
    check_gates(a, b, h, 3, "gru_cell")
    if not has_kernel(a, b, h):
        _, update, new, _ = gru_parts(a, b)
        return new + update * (h - new)
    x, y, z = dense(a), dense(b), dense(h)
    next_h = <Variable>new_like(z, z.dt)
    gates = <Variable>new_like(x, x.dt)
    rows, n = z.sizes[0], z.sizes[1]
    x_dt, x_ptr, y_ptr, z_ptr, next_h_ptr, gates_ptr = x.dt, x.ptr, y.ptr, z.ptr, next_h.ptr, gates.ptr
    k = kernels(x, "gru_cell")
    with nogil:
        failed = k.gru(x_dt, x_ptr, y_ptr, z_ptr, next_h_ptr, gates_ptr, rows, n)
    if failed:
        raise RuntimeError(f"gru_cell: failed for {dtype_of(x.dt)!r}.")
    if recording(a) or recording(b) or recording(h):
        node = <GruStep>GruStep.__new__(GruStep)
        node.save(a)
        node.save(b)
        node.save(h)
        node.save(gates)
        record3(node, next_h, a, b, h)
    return next_h


# ----------------------------------------------------------------------- steps of sequences

def lstm_step(Variable gates_x not None, Variable h not None, Variable c not None, Variable w_hh not None, Variable b_hh=None):
    """One step of an LSTM whose product with the input, `gates_x`, is there already: the next (h, c)."""
    return lstm_step_t(gates_x, linear_t(h, w_hh, b_hh), c)


def gru_step(Variable gates_x not None, Variable h not None, Variable w_hh not None, Variable b_hh=None):
    """One step of a GRU whose product with the input is there already: the next h."""
    return gru_step_t(gates_x, linear_t(h, w_hh, b_hh), h)


def tanh_step(Variable gates_x not None, Variable h not None, Variable w_hh not None, Variable b_hh=None):
    """One step of a plain network with tanh: the next h."""
    return add_t(gates_x, linear_t(h, w_hh, b_hh)).tanh()


def relu_step(Variable gates_x not None, Variable h not None, Variable w_hh not None, Variable b_hh=None):
    """One step of a plain network with relu: the next h."""
    return add_t(gates_x, linear_t(h, w_hh, b_hh)).relu()


# ---------------------------------------------------------------------------------- layers

cdef Variable rows_of(Variable x, int64_t first, int64_t count):
    """Some rows of a contiguous matrix, off the tape."""
    cdef int64_t sizes[2]
    sizes[0], sizes[1] = count, x.sizes[1]
    return <Variable>new_view(x, 2, sizes, x.strides, x.ptr + first * x.strides[0] * itemsize_of(x.dt))


cdef Variable turned(Variable x):
    """The transpose of a matrix, off the tape."""
    cdef int64_t sizes[2]
    cdef int64_t strides[2]
    sizes[0], sizes[1] = x.sizes[1], x.sizes[0]
    strides[0], strides[1] = x.strides[1], x.strides[0]
    return <Variable>new_view(x, 2, sizes, strides, x.ptr)


cdef class Layer(Function):
    """All steps of an LSTM (which has a c) or a GRU. Inputs: the product with the input, h, c or None, w, b or None.

    Outputs: h after each step, and the last c. Saves the inputs, the outputs h, the activations and,
    of an LSTM, each c and of a GRU each product with h. Rows of step t are t * rows onwards.
    """
    cdef int64_t steps, rows
    cdef bint backwards, lstm

    cdef int64_t at(self, int64_t number) noexcept:
        """The first row of the step that comes as `number`."""
        return (self.steps - 1 - number if self.backwards else number) * self.rows

    cdef Variable run(self, Variable a, Variable h, Variable c, Variable w, Variable b, Variable y, Variable gates, Variable more):
        """Fill y, gates and more; returns the last c."""
        cdef Variable product, back = turned(w), d = None
        cdef int64_t t, at, n = h.sizes[1]
        cdef int item = itemsize_of(a.dt), failed
        cdef pyx_rnn_kernels* k = kernels(a, "rnn")
        cdef char* x
        cdef char* g
        cdef int64_t sizes[2]
        cdef int64_t strides[2]
        if b is not None:
            sizes[0], sizes[1] = self.rows, b.n
            strides[0], strides[1] = 0, 1
            d = <Variable>new_view(b, 2, sizes, strides, b.ptr)
        for t in range(self.steps):
            at = self.at(t)
            product = product_raw(h, back, d, 1, 0 if d is None else 1, "rnn")
            x = a.ptr + at * a.sizes[1] * item
            g = gates.ptr + at * gates.sizes[1] * item
            if self.lstm:
                next_c = rows_of(more, at, self.rows)
                a_dt, product_ptr, c_ptr, y_ptr, more_ptr = a.dt, product.ptr, c.ptr, y.ptr, more.ptr
                with nogil:
                    failed = k.lstm(a_dt, x, product_ptr, c_ptr, y_ptr + at * n * item, more_ptr + at * n * item, g, self.rows, n)
                c = next_c
            else:
                copy_raw(rows_of(more, at, self.rows), product)
                a_dt, product_ptr, h_ptr, y_ptr = a.dt, product.ptr, h.ptr, y.ptr
                with nogil:
                    failed = k.gru(a_dt, x, product_ptr, h_ptr, y_ptr + at * n * item, g, self.rows, n)
            if failed:
                raise RuntimeError(f"rnn: failed for {dtype_of(a.dt)!r}.")
            h = rows_of(y, at, self.rows)
        return c

    cdef int vjp_many(self, list grads) except -1:
        cdef Variable gy = dense_or_none(grads[0]), dc = dense_or_none(grads[1]) if self.lstm else None
        cdef Variable first_h, first_c, h, w, gates, y, more, da, db, dh, direct, previous, gw = None
        cdef int64_t t, at, n, width
        cdef int item, failed
        cdef pyx_rnn_kernels* k
        cdef char* g
        if gy is None and dc is None:
            return 0
        if recorded_flags():
            return self.by_operations(grads[0], grads[1] if self.lstm else None)
        first_h, first_c, w = dense(self.saved(1)), self.saved(2), self.saved(3)
        y, gates, more = self.saved(5), self.saved(6), self.saved(7)
        if gy is None:
            gy = zeros_of(y)
        n, width, item, k = y.sizes[1], gates.sizes[1], itemsize_of(y.dt), kernels(y, "rnn")
        if first_c is not None:
            first_c = dense(first_c)
        da = <Variable>new_like(gates, gates.dt)
        db = da if self.lstm else <Variable>new_like(gates, gates.dt)
        dh = rows_of(gy, self.at(self.steps - 1), self.rows)
        for t in range(self.steps - 1, -1, -1):
            at = self.at(t)
            direct = <Variable>new_like(first_h, first_h.dt)
            g = gates.ptr + at * width * item
            if self.lstm:
                previous = rows_of(more, self.at(t - 1), self.rows) if t else first_c
                y_dt, dh_ptr, dc_ptr, previous_ptr, more_ptr, da_ptr = y.dt, dh.ptr, pointer(dc), previous.ptr, more.ptr, da.ptr
                direct_ptr = direct.ptr
                with nogil:
                    failed = k.lstm_backward(y_dt, dh_ptr, dc_ptr, g, previous_ptr, more_ptr + at * n * item, da_ptr + at * width * item,
                                             direct_ptr, self.rows, n)
                dc = direct
                direct = None
            else:
                previous = rows_of(y, self.at(t - 1), self.rows) if t else first_h
                y_dt, dh_ptr, more_ptr, previous_ptr, da_ptr, db_ptr = y.dt, dh.ptr, more.ptr, previous.ptr, da.ptr, db.ptr
                direct_ptr = direct.ptr
                with nogil:
                    failed = k.gru_backward(y_dt, dh_ptr, g, more_ptr + at * width * item, previous_ptr, da_ptr + at * width * item,
                                            db_ptr + at * width * item, direct_ptr, self.rows, n)
            if failed:
                raise RuntimeError(f"rnn backward: failed for {dtype_of(y.dt)!r}.")
            if t:
                h = rows_of(gy, self.at(t - 1), self.rows)
                direct = h if direct is None else add_t(direct, h)
            elif not self.needs(1):
                break
            dh = product_raw(rows_of(db, at, self.rows), w, direct, 1, 0 if direct is None else 1, "rnn backward")
        self.pass_grad(0, da)
        self.pass_grad(1, dh)
        self.pass_grad(2, dc)
        if self.needs(3):
            # The step at `first` follows the given state, every other one the outputs beside it.
            at, t = self.at(0), (self.steps - 1) * self.rows
            gw = product_raw(turned(rows_of(db, at, self.rows)), first_h, None, 1, 0, "rnn backward")
            if t:
                gw = product_raw(turned(rows_of(db, 0 if self.backwards else self.rows, t)), rows_of(y, self.rows if self.backwards else 0, t), gw, 1, 1, "rnn backward")
            self.pass_grad(3, gw)
        if self.needs(4):
            self.pass_grad(4, db.sum(0))
        return 0

    cdef int by_operations(self, object gy, object dc) except -1:
        import pyxtorch
        cdef int64_t t
        a, h, c, w, b = [self.saved(t) for t in range(5)]
        states, parts, das, dbs = [], [], [None] * self.steps, []
        for t in range(self.steps):
            x, product = a.narrow(0, self.at(t), self.rows), linear_t(h, w, b)
            states.append((h, c))
            if self.lstm:
                part = lstm_parts(x, product, c)
                c = part[4]
                h = part[3] * c.tanh()
            else:
                part = gru_parts(x, product)
                h = part[2] + part[1] * (h - part[2])
            parts.append(part)
        dh = None
        for t in range(self.steps - 1, -1, -1):
            h, c = states[t]
            if gy is not None:
                g = gy.narrow(0, self.at(t), self.rows)
                dh = g if dh is None else dh + g
            if self.lstm:
                da, dc = lstm_slopes(parts[t], c, dh, dc)
                db, direct = da, None
            else:
                da, db, direct = gru_slopes(parts[t], h, dh)
            dh = db.mm(w)
            if direct is not None:
                dh = dh + direct
            das[self.at(t) // self.rows] = da
            dbs.append((db, h))
        self.pass_grad(0, pyxtorch.cat(das))
        self.pass_grad(1, dh)
        self.pass_grad(2, dc)
        if self.needs(3):
            self.pass_grad(3, pyxtorch.cat([db for db, _ in dbs]).t().mm(pyxtorch.cat([h for _, h in dbs])))
        if self.needs(4):
            self.pass_grad(4, pyxtorch.cat([db for db, _ in dbs]).sum(0))
        return 0


def layer(Variable gates_x not None, Variable h not None, Variable c, Variable w_hh not None, Variable b_hh, steps, bint backwards):
    """All steps of an LSTM layer (c given) or a GRU layer (c None), in one direction.

    Args:
        gates_x: the product with the input, (steps * rows, gates), step after step. h, c: (rows, n).
        w_hh: (gates, n); b_hh: (gates,) or None. backwards: begin with the last step.
    Returns:
        (h after each step, the last h, the last c or None); None where no kernel does these operands.
    Raises:
        RuntimeError: shapes do not fit.
    """
    cdef Layer node = <Layer>Layer.__new__(Layer)
    cdef Variable a, x, z, w, b, y, gates, more, last
    cdef int64_t sizes[2]
    node.steps, node.rows, node.backwards, node.lstm = steps, h.sizes[0] if h.nd else 0, backwards, c is not None
    width = 4 if c is not None else 3
    if not has_kernel(gates_x, w_hh, h) or node.steps < 1 or not gates_x.n:
        return None
    if h.nd != 2 or gates_x.nd != 2 or w_hh.nd != 2 or gates_x.sizes[0] != node.steps * node.rows or gates_x.sizes[1] != width * h.sizes[1] \
            or w_hh.sizes[0] != gates_x.sizes[1] or w_hh.sizes[1] != h.sizes[1]:
        raise RuntimeError(
            f"rnn: {steps} steps of gates {list(shape_of(gates_x))}, a state {list(shape_of(h))} and weights {list(shape_of(w_hh))} do not fit together.")
    for other, shape in ((c, shape_of(h)), (b_hh, (w_hh.sizes[0],))):
        if other is not None and (shape_of(<Variable?>other) != shape or (<Variable>other).dt != h.dt or (<Variable>other).dev != h.dev):
            raise RuntimeError(f"rnn: expected shape {list(shape)} and dtype {dtype_of(h.dt)!r}, got {list(shape_of(other))} and {dtype_of((<Variable>other).dt)!r}.")
    a, x, w = dense(gates_x), dense(h), w_hh
    z = None if c is None else dense(c)
    b = None if b_hh is None else dense(b_hh)
    sizes[0], sizes[1] = a.sizes[0], x.sizes[1]
    y = <Variable>new_empty(2, sizes, a.dt, a.dev, a.dev_index)
    gates = <Variable>new_like(a, a.dt)
    more = <Variable>new_like(y if c is not None else a, a.dt)
    last = node.run(a, x, z, w, b, y, gates, more)
    if last is not None:
        last = clone_raw(last)
    if recording(gates_x) or recording(h) or (c is not None and recording(c)) or recording(w_hh) or (b_hh is not None and recording(b_hh)):
        for t in (gates_x, h, c, w_hh, b_hh):
            node.save(t)
        node.save_output(y)
        node.save(gates)
        node.save(more)
        record_many(node, (y,) if c is None else (y, last), (gates_x, h, c, w_hh, b_hh))
    return y, y.narrow(0, node.at(node.steps - 1), node.rows), last


# ----------------------------------------------------------------------------------- cells

cdef int check_cell(Variable x, Variable h, Variable w_ih, Variable w_hh, int gates, str op, str name) except -1:
    if x.nd != 2 or h.nd != 2:
        raise RuntimeError(f"{op}: input and {name} must have 2 dimensions (rows, features), not {list(shape_of(x))} and {list(shape_of(h))}.")
    if w_ih.nd != 2 or w_hh.nd != 2 or w_ih.sizes[0] != w_hh.sizes[0] or w_hh.sizes[0] != gates * w_hh.sizes[1]:
        raise RuntimeError(
            f"{op}: weights of shapes {list(shape_of(w_ih))} and {list(shape_of(w_hh))} are not ({gates} * n, features) and ({gates} * n, n).")
    if x.sizes[1] != w_ih.sizes[1]:
        raise RuntimeError(f"{op}: input has inconsistent input_size: got {x.sizes[1]} expected {w_ih.sizes[1]}")
    if x.sizes[0] != h.sizes[0]:
        raise RuntimeError(f"{op}: Input batch size {x.sizes[0]} doesn't match {name} batch size {h.sizes[0]}")
    if h.sizes[1] != w_hh.sizes[1]:
        raise RuntimeError(f"{op}: {name} has inconsistent hidden_size: got {h.sizes[1]}, expected {w_hh.sizes[1]}")
    return 0


def lstm_cell(Variable input not None, hx, Variable w_ih not None, Variable w_hh not None, Variable b_ih=None, Variable b_hh=None):
    """One step of an LSTM.

    i, f, g, o = W_ih x + b_ih + W_hh h + b_hh;  c' = sigmoid(f) c + sigmoid(i) tanh(g);
    h' = sigmoid(o) tanh(c').

    Args:
        input: (rows, features). hx: (h, c), each (rows, n).
        w_ih: (4 n, features); w_hh: (4 n, n); b_ih, b_hh: (4 n,) or None.
    Returns:
        (h', c'), each (rows, n).
    Raises:
        RuntimeError: shapes or dtypes do not fit.
    Source:
        Hochreiter and Schmidhuber, "Long Short-Term Memory" (1997), with forget gates.
    """
    if not isinstance(hx, (tuple, list)) or len(hx) != 2:
        raise TypeError(f"lstm_cell: hx must be two tensors, h and c, not {type(hx).__name__}.")
    cdef Variable h = checked(hx[0], "lstm_cell", "h")
    cdef Variable c = checked(hx[1], "lstm_cell", "c")
    check_cell(input, h, w_ih, w_hh, 4, "lstm_cell", "hidden0")
    check_cell(input, c, w_ih, w_hh, 4, "lstm_cell", "hidden1")
    return lstm_step_t(linear_t(input, w_ih, b_ih), linear_t(h, w_hh, b_hh), c)


def gru_cell(Variable input not None, Variable hx not None, Variable w_ih not None, Variable w_hh not None, Variable b_ih=None, Variable b_hh=None):
    """One step of a GRU.

    r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh);  m = tanh(W_im x + b_im + r (W_hm h + b_hm));
    h' = (1 - z) m + z h.

    Args:
        input: (rows, features). hx: (rows, n).
        w_ih: (3 n, features); w_hh: (3 n, n); b_ih, b_hh: (3 n,) or None.
    Returns:
        h' (rows, n).
    Raises:
        RuntimeError: shapes or dtypes do not fit.
    Source:
        Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder" (2014).
    """
    check_cell(input, hx, w_ih, w_hh, 3, "gru_cell", "hidden0")
    return gru_step_t(linear_t(input, w_ih, b_ih), linear_t(hx, w_hh, b_hh), hx)


def rnn_tanh_cell(Variable input not None, Variable hx not None, Variable w_ih not None, Variable w_hh not None, Variable b_ih=None, Variable b_hh=None):
    """tanh(W_ih x + b_ih + W_hh h + b_hh) of input (rows, features) and hx (rows, n)."""
    check_cell(input, hx, w_ih, w_hh, 1, "rnn_tanh_cell", "hidden0")
    return tanh_step(linear_t(input, w_ih, b_ih), hx, w_hh, b_hh)


def rnn_relu_cell(Variable input not None, Variable hx not None, Variable w_ih not None, Variable w_hh not None, Variable b_ih=None, Variable b_hh=None):
    """relu(W_ih x + b_ih + W_hh h + b_hh) of input (rows, features) and hx (rows, n)."""
    check_cell(input, hx, w_ih, w_hh, 1, "rnn_relu_cell", "hidden0")
    return relu_step(linear_t(input, w_ih, b_ih), hx, w_hh, b_hh)


__all__ = ["lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"]
