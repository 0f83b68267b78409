"""Dropout in its forms. The plain one is one kernel: numbers, mask and scaled output in one pass."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record1, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops._inplace cimport write_inplace
from pyxtorch.ops._inplace import inplace as inplace_form
from pyxtorch.ops.random cimport *


cdef class Dropout(Function):
    """y = x * keep * scale; the mask (one byte an element) is saved."""
    cdef double scale

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, masked_scale(g, <Variable>self.saved(0), self.scale))


cdef Variable masked_scale(Variable g, Variable keep, double scale):
    cdef Variable x = dense(g)
    cdef Variable y = <Variable>new_like(x, x.dt)
    cdef pyx_random_kernels* k = random_kernels(x, "dropout")
    cdef Dropout node
    x_dt, x_ptr, keep_ptr, y_ptr, x_n = x.dt, x.ptr, keep.ptr, y.ptr, x.n
    with nogil:
        k.masked_scale(x_dt, x_ptr, <const uint8_t*>keep_ptr, y_ptr, x_n, scale)
    if recording(g):
        node = <Dropout>Dropout.__new__(Dropout)
        node.scale = scale
        node.save(keep)
        record1(node, y, g)
    return y


cdef object check(object p, str op, bint torch_level=False):
    if not 0 <= p <= 1:
        error = RuntimeError if torch_level else ValueError
        raise error(f"{op}: dropout probability has to be between 0 and 1, but got {p}")


cdef tuple dropped(Variable input, double p, bint keep_mask):
    """(output, mask or None)"""
    cdef Generator g = generator_of(None)
    cdef Variable x = dense(input)
    cdef Variable y = <Variable>new_like(x, x.dt)
    cdef Variable keep = None
    cdef pyx_random_kernels* k = random_kernels(x, "dropout")
    cdef uint8_t* mask = NULL
    cdef double scale = 1 / (1 - p) if p < 1 else 0
    cdef uint64_t seed = g._seed
    cdef uint64_t place = g.advance(k.blocks(x.n, 1))
    cdef int code
    cdef Dropout node
    cdef bint on_tape = recording(input)
    if on_tape or keep_mask:
        keep = <Variable>new_like(x, BOOL)
        mask = <uint8_t*>keep.ptr
    if x.n > 2048:
        x_dt, x_ptr, y_ptr, x_n = x.dt, x.ptr, y.ptr, x.n
        with nogil:
            code = k.dropout(x_dt, x_ptr, y_ptr, mask, x_n, p, scale, seed, place)
    else:
        code = k.dropout(x.dt, x.ptr, y.ptr, mask, x.n, p, scale, seed, place)
    if code:
        raise RuntimeError(f"dropout: result type Float can't be cast to the desired output type {dtype_of(x.dt).name}. Convert with .float().")
    if on_tape:
        node = <Dropout>Dropout.__new__(Dropout)
        node.scale = scale
        node.save(keep)
        record1(node, y, input)
    return y, keep


def dropout(Variable input not None, p=0.5, training=True, inplace=False):
    """Each element is 0 by probability p, else divided by 1 - p; unchanged when not training.

    Gradient:
        masked and scaled alike.
    """
    check(p, "dropout")
    if not training or p == 0 or input.n == 0:
        return input
    y = dropped(input, p, False)[0]
    return write_inplace(input, y, "dropout_") if inplace else y


def native_dropout(Variable input not None, p, train):
    """(dropout of input, the mask of what was kept)"""
    check(p, "native_dropout", True)
    if train is False or input.n == 0:
        return input.clone(), input.new_ones(shape_of(input), dtype=dtype_of(BOOL))
    return dropped(input, p, True)


def native_dropout_backward(Variable grad_output not None, Variable mask not None, scale):
    """The gradient of `native_dropout`: grad_output * mask * scale."""
    return grad_output * mask * scale


cdef object dropout_t(Variable input, object p, bint train, str op):
    check(p, op, True)
    if not train or p == 0 or input.n == 0:
        return input
    return dropped(input, p, False)[0]


def torch_dropout(Variable input not None, p, train):
    """`nn.functional.dropout`, with its arguments given."""
    return dropout_t(input, p, train, "dropout")


# ------------------------------------------------------------------- whole features, and SELU's kind

cdef Variable feature_noise(Variable x, double p):
    """1 by probability 1 - p for each (batch, channel), of a shape that broadcasts to x."""
    if x.nd < 2:
        raise RuntimeError(f"Feature dropout requires at least 2 dimensions in the input, not {x.nd}")
    shape = list(shape_of(x)[:2]) + [1] * (x.nd - 2)
    return <Variable?>x.new_empty(shape).bernoulli_(1 - p)


cdef object feature_dropout_of(Variable x, object p, bint training, str op, bint torch_level=False):
    check(p, op, torch_level)
    if not training or p == 0 or x.n == 0:
        return x
    noise = feature_noise(x, p)
    return x * (noise / (1 - p) if p < 1 else noise)


cdef double ALPHA = -1.7580993408473766     # what SELU tends to for large negative arguments


cdef object alpha_dropout_of(Variable x, object p, bint training, bint features, str op, bint torch_level=False):
    """Dropped elements become ALPHA; then a and b bring mean and variance back to 0 and 1."""
    check(p, op, torch_level)
    if not training or p == 0 or x.n == 0:
        return x
    if p == 1:
        return x * 0
    a = ((ALPHA * ALPHA * p + 1) * (1 - p)) ** -0.5
    noise = feature_noise(x, p) if features else <Variable?>x.new_empty(shape_of(x)).bernoulli_(1 - p)
    return x * (noise * a) + ((noise - 1) * (ALPHA * a) + ALPHA * a * p)


cdef object done(Variable x, object y, bint inplace, str op):
    return write_inplace(x, <Variable>y, op) if inplace and y is not x else y


def feature_dropout(Variable input not None, p, train):
    """Whole channels (dimension 1) are 0 by probability p, the others divided by 1 - p."""
    return feature_dropout_of(input, p, train, "feature_dropout", True)


def torch_alpha_dropout(Variable input not None, p, train):
    """`nn.functional.alpha_dropout`, with its arguments given."""
    return alpha_dropout_of(input, p, train, False, "alpha_dropout", True)


def torch_feature_alpha_dropout(Variable input not None, p, train):
    """`nn.functional.feature_alpha_dropout`, with its arguments given."""
    return alpha_dropout_of(input, p, train, True, "feature_alpha_dropout", True)


def alpha_dropout(Variable input not None, p=0.5, training=False, inplace=False):
    """Dropout that keeps mean 0 and variance 1 of SELU's outputs (Klambauer et al. 2017)."""
    return done(input, alpha_dropout_of(input, p, training, False, "alpha_dropout"), inplace, "alpha_dropout_")


def feature_alpha_dropout(Variable input not None, p=0.5, training=False, inplace=False):
    """`alpha_dropout` of whole channels."""
    return done(input, alpha_dropout_of(input, p, training, True, "feature_alpha_dropout"), inplace, "feature_alpha_dropout_")


cdef object channels(Variable x, object p, bint training, bint inplace, int nd, str op):
    """nd: the number of dimensions without a batch."""
    check(p, op)
    if x.nd == nd and nd != 3:      # no batch
        y = feature_dropout_of(<Variable?>x.unsqueeze(0), p, training, op)
        y = y.squeeze(0)
    else:
        y = feature_dropout_of(x, p, training, op)
    return done(x, y, inplace, op + "_")


def dropout1d(Variable input not None, p=0.5, training=True, inplace=False):
    """Dropout of whole channels of (N, C, L) or (C, L)."""
    if input.nd not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {input.nd}D input.")
    return channels(input, p, training, inplace, 2, "dropout1d")


def dropout2d(Variable input not None, p=0.5, training=True, inplace=False):
    """Dropout of whole channels of (N, C, H, W); of (N, C, L) too."""
    check(p, "dropout2d")
    if input.nd not in (3, 4):
        import warnings
        warnings.warn(f"dropout2d: Received a {input.nd}-D input to dropout2d, which is deprecated and will result in an error in a future release.", stacklevel=2)
    if input.nd == 3:
        import warnings
        warnings.warn("dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired: it is interpreted as "
                      "(N, C, L), not as (C, H, W). This behavior will change in a future release; F.dropout1d says so.", stacklevel=1)
    return channels(input, p, training, inplace, 3, "dropout2d")


def dropout3d(Variable input not None, p=0.5, training=True, inplace=False):
    """Dropout of whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    check(p, "dropout3d")
    if input.nd not in (4, 5):
        import warnings
        warnings.warn(f"dropout3d: Received a {input.nd}-D input to dropout3d, which is deprecated and will result in an error in a future release.", stacklevel=2)
    return channels(input, p, training, inplace, 4, "dropout3d")


functional = ["dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"]
__all__ = ["native_dropout", "native_dropout_backward", "feature_dropout"]
exports = {"dropout": torch_dropout, "alpha_dropout": torch_alpha_dropout, "feature_alpha_dropout": torch_feature_alpha_dropout}
for _name, _function in exports.items():
    _function.__name__ = _function.__qualname__ = _name
exports.update({_name + "_": inplace_form(_function, _name + "_") for _name, _function in list(exports.items()) + [("feature_dropout", feature_dropout)]})
methods = {}
