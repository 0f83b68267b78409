"""Recurrent cells: one step of an LSTM, a GRU or a plain network.

What follows the two products of a step is one operation, with a kernel for its gradient too. Where
a graph of the gradient is wanted, the same gradient is written in tensor operations instead, so it
differentiates to any order.
"""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, grad_enabled, record3, record_many, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops.elementwise cimport add_t
from pyxtorch.ops.matmul cimport linear_t

cdef extern from "pyxtorch/kernels/rnn.h" nogil:
    ctypedef struct pyx_rnn_kernels:
        int (*lstm)(int dtype, const void* a, const void* b, const void* c, void* next_h, void* next_c, void* gates, int64_t rows, int64_t n) noexcept nogil
        int (*lstm_backward)(int dtype, const void* grad_h, const void* grad_c, const void* gates, const void* c, const void* next_c, void* grad_gates, void* grad_old_c, int64_t rows, int64_t n) noexcept nogil
        int (*gru)(int dtype, const void* a, const void* b, const void* h, void* next_h, void* gates, int64_t rows, int64_t n) noexcept nogil
        int (*gru_backward)(int dtype, const void* grad, const void* gates, const void* b, const void* h, void* grad_a, void* grad_b, void* grad_h, int64_t rows, int64_t n) noexcept nogil

cdef pyx_rnn_kernels** tables = <pyx_rnn_kernels**>kernel_tables(b"rnn")


cdef bint has_kernel(Variable a, Variable b, Variable state) noexcept:
    """Whether the kernels do these operands; others are left to tensor operations."""
    return tables[a.dev] != NULL and (a.dt == FLOAT32 or a.dt == FLOAT64) and a.dt == b.dt == state.dt and a.dev == b.dev == state.dev


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


cdef class LstmStep(Function):
    """Inputs a, b, c; outputs h, c. Saves the inputs, the new c and the four activations."""

    cdef int vjp_many(self, list grads) except -1:
        cdef Variable dh, dc, gates, c, next_c, da, old
        cdef int failed
        cdef int64_t rows, n
        if grads[0] is None and grads[1] is None:
            return 0
        if grad_enabled():
            self.by_operations(grads[0], grads[1])
            return 0
        dh, dc = dense_or_none(grads[0]), dense_or_none(grads[1])
        c, next_c, gates = dense(self.saved(2)), self.saved(3), self.saved(4)
        da = <Variable>new_like(gates, gates.dt)
        old = <Variable>new_like(c, c.dt)
        rows, n = c.sizes[0], c.sizes[1]
        with nogil:
            failed = tables[c.dev].lstm_backward(c.dt, pointer(dh), pointer(dc), gates.ptr, c.ptr, next_c.ptr, da.ptr, old.ptr, rows, n)
        if failed:
            raise RuntimeError(f"lstm_cell backward: failed for {dtype_of(c.dt)!r}.")
        self.pass_grad(0, da)
        self.pass_grad(1, da)
        self.pass_grad(2, old)
        return 0

    cdef int by_operations(self, object dh, object dc) except -1:
        import pyxtorch
        c = self.saved(2)
        i, f, g, o, next_c = lstm_parts(self.saved(0), self.saved(1), c)
        t = next_c.tanh()
        if dh is None:
            dh = zeros_of(<Variable>dc)
        d = dh * o * (1 - t * t)
        if dc is not None:
            d = d + dc
        da = pyxtorch.cat((d * g * i * (1 - i), d * c * f * (1 - f), d * i * (1 - g * g), dh * t * o * (1 - o)), 1)
        self.pass_grad(0, da)
        self.pass_grad(1, da)
        self.pass_grad(2, d * f)
        return 0


cdef tuple lstm_step_t(Variable a, Variable b, Variable c):
    cdef Variable x, y, z, h, next_c, gates
    cdef LstmStep node
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
    with nogil:
        failed = tables[x.dev].lstm(x.dt, x.ptr, y.ptr, z.ptr, h.ptr, next_c.ptr, gates.ptr, rows, n)
    if failed:
        raise RuntimeError(f"lstm_cell: failed for {dtype_of(x.dt)!r}.")
    outputs = (h, next_c)
    if recording(a) or recording(b) or recording(c):
        node = <LstmStep>LstmStep.__new__(LstmStep)
        record_many(node, outputs, (a, b, c))
        node.save(a)
        node.save(b)
        node.save(c)
        node.save_output(next_c)
        node.save(gates)
    return outputs


# ------------------------------------------------------------------------------------- GRU

cdef tuple gru_parts(object a, object b):
    """(r, z, m, the part of b that r multiplies) in tensor operations."""
    ar, az, am = a.chunk(3, 1)
    br, bz, bm = b.chunk(3, 1)
    r = (ar + br).sigmoid()
    # The reset gate multiplies the product, not the state: the form that cuDNN computes.
    return r, (az + bz).sigmoid(), (am + r * bm).tanh(), bm


cdef class GruStep(Function):
    """Inputs a, b, h; saves them and the three activations."""

    cdef int vjp(self, Variable g) except -1:
        cdef Variable b, h, gates, da, db, dh
        cdef int failed
        cdef int64_t rows, n
        if grad_enabled():
            return self.by_operations(g)
        g, b, h, gates = dense(g), dense(self.saved(1)), dense(self.saved(2)), self.saved(3)
        da = <Variable>new_like(gates, gates.dt)
        db = <Variable>new_like(gates, gates.dt)
        dh = <Variable>new_like(h, h.dt)
        rows, n = h.sizes[0], h.sizes[1]
        with nogil:
            failed = tables[h.dev].gru_backward(h.dt, g.ptr, gates.ptr, b.ptr, h.ptr, da.ptr, db.ptr, dh.ptr, rows, n)
        if failed:
            raise RuntimeError(f"gru_cell backward: failed for {dtype_of(h.dt)!r}.")
        self.pass_grad(0, da)
        self.pass_grad(1, db)
        self.pass_grad(2, dh)
        return 0

    cdef int by_operations(self, object g) except -1:
        import pyxtorch
        h = self.saved(2)
        r, z, m, bm = gru_parts(self.saved(0), self.saved(1))
        dm = g * (1 - z) * (1 - m * m)
        dz = g * (h - m) * z * (1 - z)
        dr = dm * bm * r * (1 - r)
        self.pass_grad(0, pyxtorch.cat((dr, dz, dm), 1))
        self.pass_grad(1, pyxtorch.cat((dr, dz, dm * r), 1))
        self.pass_grad(2, g * z)
        return 0


cdef Variable gru_step_t(Variable a, Variable b, Variable h):
    cdef Variable x, y, z, next_h, gates
    cdef GruStep node
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
    with nogil:
        failed = tables[x.dev].gru(x.dt, x.ptr, y.ptr, z.ptr, next_h.ptr, gates.ptr, rows, n)
    if failed:
        raise RuntimeError(f"gru_cell: failed for {dtype_of(x.dt)!r}.")
    if recording(a) or recording(b) or recording(h):
        node = <GruStep>GruStep.__new__(GruStep)
        record3(node, next_h, a, b, h)
        node.save(a)
        node.save(b)
        node.save(h)
        node.save(gates)
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
