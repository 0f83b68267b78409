"""Random numbers of the gamma distribution and of what is made of them, with gradients by the parameters.

The gradient of a number follows its law: it moves so that the probability below it stays (Figurnov, Mohamed and Mnih,
"Implicit reparameterization gradients", 2018). The formulas are in include/pyxtorch/math_special.h.
"""
from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record1, record3, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops.elementwise cimport SAME, Binary, binary, formula, formula3, zero_mul
from pyxtorch.ops.random cimport sampled
from pyxtorch.ops.shape cimport to_dtype

from pyxtorch._numbers import finfo
from pyxtorch.ops.random import rand_like
from pyxtorch.ops.softmax import softmax

cdef int STANDARD_GAMMA_GRAD = formula(b"standard_gamma_grad")
cdef int DIRICHLET_GRAD = formula(b"dirichlet_grad")


cdef object no_further(str op):
    return NotImplementedError(f"the derivative for '{op}' is not implemented: random numbers are differentiated once.")


cdef class StandardGammaGrad(Binary):
    cdef int vjp(self, Variable g) except -1:
        raise no_further("_standard_gamma_grad")


cdef class DirichletGrad(Function):
    cdef int vjp(self, Variable g) except -1:
        raise no_further("_dirichlet_grad")


cdef class StandardGamma(Function):
    cdef int vjp(self, Variable g) except -1:
        self.pass_grad(0, zero_mul(g, <Variable>_standard_gamma_grad(self.saved(0), self.saved(1))))


cdef class SampleDirichlet(Function):
    """Where concentration j grows, x[j] moves by its beta law, and the others shrink by one factor."""
    cdef int vjp(self, Variable g) except -1:
        a, x = self.saved(0), self.saved(1)
        slope = _dirichlet_grad(x, a, a.sum(-1, True).expand_as(a))
        self.pass_grad(0, slope * (g - (g * x).sum(-1, True)))


def _standard_gamma_grad(self, output):
    """How numbers `output` of gamma distributions of rate 1 move with the concentrations `self`: -(dF/da) / density.

    Floating-point tensors that broadcast. Not differentiable again.
    """
    checked(self, "_standard_gamma_grad", "self")
    checked(output, "_standard_gamma_grad", "output")
    return binary(STANDARD_GAMMA_GRAD, StandardGammaGrad, self, output, "_standard_gamma_grad", SAME, None)


def _dirichlet_grad(Variable x not None, Variable alpha not None, Variable total not None):
    """How parts `x` of Dirichlet samples move with their concentrations `alpha`, divided by 1 - x; total: the sums of these.

    Tensors of one shape and floating-point dtype. Not differentiable again.
    """
    cdef Variable y
    if x.dt != alpha.dt or x.dt != total.dt:
        raise RuntimeError(f"_dirichlet_grad: expected one dtype, got {dtype_of(x.dt).name}, {dtype_of(alpha.dt).name} and {dtype_of(total.dt).name}. Convert them.")
    if shape_of(x) != shape_of(alpha) or shape_of(x) != shape_of(total):
        raise RuntimeError(f"_dirichlet_grad: expected one shape, got {shape_of(x)}, {shape_of(alpha)} and {shape_of(total)}. Expand them.")
    same_device(x, alpha, "_dirichlet_grad")
    same_device(x, total, "_dirichlet_grad")
    y = formula3(DIRICHLET_GRAD, x, alpha, total, NULL, "_dirichlet_grad")
    if recording(x) or recording(alpha) or recording(total):
        record3(DirichletGrad.__new__(DirichletGrad), y, x, alpha, total)
    return y


def _standard_gamma(Variable input not None, generator=None):
    """Numbers from gamma distributions of rate 1 and the concentrations in `input`.

    Gradient: `_standard_gamma_grad`.
    Source: Marsaglia and Tsang, "A simple method for generating gamma variables" (2000).
    """
    cdef Variable y = sampled(input, None, 2, generator, "_standard_gamma")
    cdef StandardGamma node
    if recording(input):
        node = <StandardGamma>StandardGamma.__new__(StandardGamma)
        node.save(input)
        node.save_output(y)
        record1(node, y, input)
    return y


def _sample_dirichlet(Variable input not None, generator=None):
    """Points of the simplex from Dirichlet distributions, whose concentrations lie along the last dimension of `input`.

    Shares of gamma numbers, by their logarithms: log G(a) = log G(a + 1) + log(U) / a, which no small concentration
    underflows. Every share is inside (0, 1). Gradient: by `_dirichlet_grad`.
    Source: Devroye, "Non-uniform random variate generation" (1986), chapters IX.3 and XI.4.
    """
    cdef SampleDirichlet node
    cdef Variable y
    if input.dt <= INT64 or is_complex_code(input.dt) or not input.nd:
        raise RuntimeError(f"_sample_dirichlet: expected concentrations of a floating-point dtype along a last dimension, got {dtype_of(input.dt).name} of shape {shape_of(input)}.")
    a = input.detach()
    if input.dt < FLOAT32:
        a = a.float()
    log_share = sampled(a + 1, None, 2, generator, "_sample_dirichlet").log() + (1 - rand_like(a, generator=generator)).log() / a
    limits = finfo(dtype_of(input.dt))
    y = to_dtype(<Variable>softmax(log_share, -1), input.dt).clamp(limits.tiny, 1 - limits.eps / 2)
    if recording(input):
        node = <SampleDirichlet>SampleDirichlet.__new__(SampleDirichlet)
        node.save(input)
        node.save_output(y)
        record1(node, y, input)
    return y


__all__ = ["_standard_gamma", "_standard_gamma_grad", "_sample_dirichlet", "_dirichlet_grad"]
