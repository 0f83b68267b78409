"""Activation functions of networks, with a fused kernel for each gradient (`sloped`)."""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, check_inplace, record1, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops._inplace cimport write_inplace
from pyxtorch.ops.elementwise cimport FLOAT, SAME, Binary, Unary, binary, formula, formula1, unary, zero_mul
from pyxtorch.ops.elementwise_slope cimport sloped
from pyxtorch.ops.shape cimport conj_of

from pyxtorch.ops.elementwise_arithmetic import square
from pyxtorch.ops.elementwise_compare import logical_and
from pyxtorch.ops.elementwise_math import tanh
from pyxtorch.ops.elementwise_select import where


cdef class Activation(Function):
    """y = f(x; s), and how its gradient is computed: the formula `slope`, and by name its own derivative."""
    cdef int slope
    cdef str name_
    cdef double s[3]

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, sloped(self.slope, CURVATURES.get(self.name_), g, self.saved(0), self.s, self.name_))


cdef object activate(int f, int slope, object input, str name, bint inplace_, double a=0, double b=0, double c=0):
    cdef Variable x = checked(input, name, "input")
    cdef Variable y
    cdef Activation node
    cdef double s[3]
    s[0], s[1], s[2] = a, b, c
    if inplace_ and not recording(x) and x._base is None:
        check_inplace(x, name + "_")
        formula1(f, x, s, name, x)
        bump(x)
        return x
    y = formula1(f, x, s, name)
    if recording(x):
        node = <Activation>Activation.__new__(Activation)
        node.slope = slope
        node.name_ = name
        node.s[0], node.s[1], node.s[2] = a, b, c
        if inplace_:
            x_kept = <Variable>clone_raw(x)     # the input is about to be overwritten
            node.save(x_kept)
        else:
            node.save(x)
        record1(node, y, x)
    return write_inplace(x, y, name + "_") if inplace_ else y


# ------------------------------------------------- second derivatives, where they are not zero

def _normal_pdf(x):
    return (x * x * -0.5).exp() * 0.3989422804014327


def _gelu_curvature(x, s):
    return _normal_pdf(x) * (2 - x * x)


def _gelu_tanh_curvature(x, s):
    k, c = 0.7978845608028654, 0.044715
    t = (k * (x + c * x * x * x)).tanh()
    inner = k * (1 + 3 * c * x * x)
    u = 1 - t * t
    return u * inner + 0.5 * x * u * (k * 6 * c * x - 2 * t * inner * inner)


def _silu_curvature(x, s):
    y = x.sigmoid()
    return y * (1 - y) * (2 + x * (1 - 2 * y))


def _softplus_curvature(x, s):
    y = (x * s[0]).sigmoid()
    return where(x * s[0] > s[1], 0, y * (1 - y) * s[0])


def _mish_curvature(x, s):
    e = x.sigmoid()
    t = softplus(x).tanh()
    u = 1 - t * t
    first = e * u
    return 2 * first + x * u * (e * (1 - e) - 2 * t * e * e)


def _elu_curvature(x, s):
    return where(x > 0, 0, (x * s[2]).exp() * (s[0] * s[1] * s[2] * s[2]))


def _celu_curvature(x, s):
    return where(x > 0, 0, (x / s[0]).exp() / s[0])


def _logsigmoid_curvature(x, s):
    y = x.sigmoid()
    return y * (y - 1)


def _softsign_curvature(x, s):
    return x.sign() * -2 / (1 + x.abs()) ** 3


def _hardswish_curvature(x, s):
    return where(logical_and(x > -3, x < 3), 1.0 / 3, 0.0).to(x.dtype)


CURVATURES = {
    "gelu": _gelu_curvature, "gelu_tanh": _gelu_tanh_curvature, "silu": _silu_curvature, "softplus": _softplus_curvature,
    "mish": _mish_curvature, "elu": _elu_curvature, "celu": _celu_curvature, "logsigmoid": _logsigmoid_curvature,
    "softsign": _softsign_curvature, "hardswish": _hardswish_curvature,
}

# ------------------------------------------------------------------------------- functions

cdef int RELU = formula(b"relu"), RELU_BACKWARD = formula(b"relu_backward")
cdef int LEAKY_RELU = formula(b"leaky_relu"), LEAKY_RELU_BACKWARD = formula(b"leaky_relu_backward")
cdef int HARDTANH = formula(b"hardtanh"), HARDTANH_BACKWARD = formula(b"hardtanh_backward")
cdef int THRESHOLD = formula(b"threshold"), THRESHOLD_BACKWARD = formula(b"threshold_backward")
cdef int GELU = formula(b"gelu"), GELU_BACKWARD = formula(b"gelu_backward")
cdef int GELU_TANH = formula(b"gelu_tanh"), GELU_TANH_BACKWARD = formula(b"gelu_tanh_backward")
cdef int SILU = formula(b"silu"), SILU_BACKWARD = formula(b"silu_backward")
cdef int MISH = formula(b"mish"), MISH_BACKWARD = formula(b"mish_backward")
cdef int SOFTPLUS = formula(b"softplus"), SOFTPLUS_BACKWARD = formula(b"softplus_backward")
cdef int ELU = formula(b"elu"), ELU_BACKWARD = formula(b"elu_backward")
cdef int CELU = formula(b"celu"), CELU_BACKWARD = formula(b"celu_backward")
cdef int LOGSIGMOID = formula(b"logsigmoid"), LOGSIGMOID_BACKWARD = formula(b"logsigmoid_backward")
cdef int SOFTSIGN = formula(b"softsign"), SOFTSIGN_BACKWARD = formula(b"softsign_backward")
cdef int HARDSWISH = formula(b"hardswish"), HARDSWISH_BACKWARD = formula(b"hardswish_backward")
cdef int HARDSIGMOID = formula(b"hardsigmoid"), HARDSIGMOID_BACKWARD = formula(b"hardsigmoid_backward")
cdef int HARDSHRINK = formula(b"hardshrink"), HARDSHRINK_BACKWARD = formula(b"hardshrink_backward")
cdef int SOFTSHRINK = formula(b"softshrink")
cdef int TANHSHRINK = formula(b"tanhshrink")
cdef int PRELU = formula(b"prelu")


cdef class Relu(Unary):
    """max(x, 0); the gradient flows where the output is positive."""
    cdef int keep(self, Variable x, Variable y) except -1:
        self.save_output(y)

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, sloped(RELU_BACKWARD, None, g, self.saved(0), NULL, "relu"))


def relu(input, inplace=False):
    """max(input, 0)"""
    cdef Variable x
    if inplace:
        return relu_(input)
    x = checked(input, "relu", "input")
    if x.dt == BOOL:
        raise RuntimeError("relu: Boolean inputs not supported for relu")
    return unary(RELU, Relu, x, "relu", SAME, None)


def relu_(input):
    """`relu` in place."""
    cdef Variable x = checked(input, "relu_", "input")
    if not recording(x) and x._base is None:
        check_inplace(x, "relu_")
        formula1(RELU, x, NULL, "relu", x)
        bump(x)
        return x
    return write_inplace(x, relu(x), "relu_")


def leaky_relu(input, negative_slope=0.01, inplace=False):
    """x for positive x, negative_slope * x else."""
    return activate(LEAKY_RELU, LEAKY_RELU_BACKWARD, input, "leaky_relu", inplace, negative_slope)


def hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False):
    """x clamped to min_val..max_val."""
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val {min_val} cannot be greater than max_val {max_val}")
    return activate(HARDTANH, HARDTANH_BACKWARD, input, "hardtanh", inplace, min_val, max_val)


def relu6(input, inplace=False):
    """min(max(x, 0), 6)"""
    return activate(HARDTANH, HARDTANH_BACKWARD, input, "relu6", inplace, 0, 6)


def threshold(input, threshold, value, inplace=False):
    """x where x > threshold, else `value`."""
    return activate(THRESHOLD, THRESHOLD_BACKWARD, input, "threshold", inplace, threshold, value)


def gelu(input, approximate="none", *, out=None):
    """x times the normal distribution function of x; approximate="tanh" for the tanh form."""
    if approximate == "none":
        return finish_out(activate(GELU, GELU_BACKWARD, input, "gelu", False), out, "gelu")
    if approximate == "tanh":
        return finish_out(activate(GELU_TANH, GELU_TANH_BACKWARD, input, "gelu_tanh", False), out, "gelu")
    raise RuntimeError(f"gelu: approximate argument must be either none or tanh, not {approximate!r}.")


def silu(input, inplace=False):
    """x * sigmoid(x)"""
    if is_complex_code((<Variable>checked(input, "silu", "input")).dt):
        return write_inplace(input, input * input.sigmoid(), "silu_") if inplace else input * input.sigmoid()
    return activate(SILU, SILU_BACKWARD, input, "silu", inplace)


def mish(input, inplace=False):
    """x * tanh(softplus(x))"""
    return activate(MISH, MISH_BACKWARD, input, "mish", inplace)


def softplus(input, beta=1.0, threshold=20.0, *, out=None):
    """log(1 + exp(beta x)) / beta, and x itself where beta x > threshold."""
    return finish_out(activate(SOFTPLUS, SOFTPLUS_BACKWARD, input, "softplus", False, beta, threshold), out, "softplus")


def elu(input, alpha=1.0, inplace=False):
    """x for positive x, alpha * (exp(x) - 1) else."""
    return activate(ELU, ELU_BACKWARD, input, "elu", inplace, alpha, 1, 1)


def selu(input, inplace=False):
    """scale * elu(x, alpha) with the constants of Klambauer et al. (2017)."""
    return activate(ELU, ELU_BACKWARD, input, "elu", inplace, 1.6732632423543772848, 1.0507009873554804934, 1)


def celu(input, alpha=1.0, inplace=False):
    """x for positive x, alpha * (exp(x / alpha) - 1) else."""
    if alpha == 0:
        raise RuntimeError("celu: ZeroDivisionError: alpha cannot be 0 for CELU")
    return activate(CELU, CELU_BACKWARD, input, "celu", inplace, alpha)


def logsigmoid(input, *, out=None):
    """log(sigmoid(x)) without underflow."""
    return finish_out(activate(LOGSIGMOID, LOGSIGMOID_BACKWARD, input, "logsigmoid", False), out, "logsigmoid")


def softsign(input):
    """x / (1 + |x|)"""
    cdef Variable x = checked(input, "softsign", "input")
    if not is_floating(x.dt):
        return x / (1 + x.abs())
    return activate(SOFTSIGN, SOFTSIGN_BACKWARD, input, "softsign", False)


def hardswish(input, inplace=False):
    """x * relu6(x + 3) / 6"""
    return activate(HARDSWISH, HARDSWISH_BACKWARD, input, "hardswish", inplace)


def hardsigmoid(input, inplace=False):
    """relu6(x + 3) / 6"""
    return activate(HARDSIGMOID, HARDSIGMOID_BACKWARD, input, "hardsigmoid", inplace)


def hardshrink(input, lambd=0.5, *, out=None):
    """x where |x| > lambd, else 0."""
    return finish_out(activate(HARDSHRINK, HARDSHRINK_BACKWARD, input, "hardshrink", False, lambd), out, "hardshrink")


def softshrink(input, lambd=0.5, *, out=None):
    """x moved by lambd towards 0."""
    if lambd < 0:
        raise RuntimeError(f"softshrink: lambda must be greater or equal to 0, but found to be {lambd}.")
    return finish_out(activate(SOFTSHRINK, HARDSHRINK_BACKWARD, input, "softshrink", False, lambd), out, "softshrink")


cdef class Tanhshrink(Unary):
    cdef int keep(self, Variable x, Variable y) except -1:
        self.save(x)

    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, conj_of(square(tanh(self.saved(0))))))


def tanhshrink(input):
    """x - tanh(x)"""
    return unary(TANHSHRINK, Tanhshrink, input, "tanhshrink", FLOAT, None)


cdef class Prelu(Binary):
    cdef int keep(self, Variable x, Variable w, Variable y) except -1:
        self.save(x)
        self.save(w)

    cdef int vjp(self, Variable g) except -1:
        x = self.saved(0)
        if self.needs(0):
            self.pass_grad(0, where(x > 0, g, g * self.saved(1)))
        if self.needs(1):
            self.pass_grad(1, where(x > 0, 0, g * x))


def prelu(input, weight):
    """x for positive x, weight * x else; `weight` has one element or one for each channel (dimension 1)."""
    cdef Variable x = checked(input, "prelu", "input")
    cdef Variable w = checked(weight, "prelu", "weight")
    if w.dt != x.dt:
        raise RuntimeError(f"prelu: Type promoting not supported. Got {dtype_of(x.dt)!r} and {dtype_of(w.dt)!r}")
    if w.n != 1:
        if x.nd == 0:
            raise RuntimeError("prelu: Not allow zero-dim input tensor.")
        channels = x.sizes[1] if x.nd > 1 else 1
        if w.nd > 1 or channels != w.n:
            raise RuntimeError(f"prelu: Mismatch of parameter numbers and input channel size. Found parameter numbers = {w.n} and channel size = {channels}.")
        w = w.reshape((1, w.n) + (1,) * (x.nd - 2)) if x.nd > 1 else w
    else:
        w = w.reshape(()) if x.nd == 0 else w.reshape((1,) * x.nd)
    return binary(PRELU, Prelu, x, w, "prelu", SAME, None)


def _inplace_of(function):
    def method(input, *args, **kwargs):
        return function(input, *args, inplace=True, **kwargs)

    method.__name__ = method.__qualname__ = function.__name__ + "_"
    method.__doc__ = f"In-place form of `{function.__name__}`."
    return method


leaky_relu_ = _inplace_of(leaky_relu)
hardtanh_ = _inplace_of(hardtanh)
threshold_ = _inplace_of(threshold)
elu_ = _inplace_of(elu)
selu_ = _inplace_of(selu)
celu_ = _inplace_of(celu)
relu6_ = _inplace_of(relu6)

__all__ = ["relu", "relu_", "prelu", "selu", "selu_", "celu", "celu_", "threshold", "threshold_", "hardshrink"]
functional = [
    "relu", "relu_", "leaky_relu", "leaky_relu_", "hardtanh", "hardtanh_", "relu6", "threshold", "threshold_", "gelu", "silu", "mish",
    "softplus", "elu", "elu_", "selu", "selu_", "celu", "celu_", "logsigmoid", "softsign", "hardswish", "hardsigmoid", "hardshrink",
    "softshrink", "tanhshrink", "prelu",
]
methods = {"relu": relu, "relu_": relu_, "prelu": prelu, "hardshrink": hardshrink}
