"""Limiting gradients."""
import math
import types
import warnings

import pyxtorch
from pyxtorch import Tensor, _gate
from pyxtorch.ops.optim import scale_all, total_norm

_gate.operations("pyxtorch.ops.optim", globals(), ("scale_all", "total_norm"))


def _gradients(parameters):
    parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p.grad for p in parameters if p.grad is not None]


def get_total_norm(tensors, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """The norm_type-norm of all elements of all `tensors` together.

    Args:
        tensors: a tensor, or an iterable of them.
        norm_type: which norm; math.inf for the largest absolute value.
        error_if_nonfinite: raise if the norm is nan or inf.
        foreach: accepted; all tensors are taken in one call where they can be.
    Returns:
        0-d tensor, 0 where there is no tensor.
    Raises:
        RuntimeError: a norm that is not finite, with error_if_nonfinite.
    """
    tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    norm_type = float(norm_type)
    if not tensors:
        return pyxtorch.tensor(0.0)
    total = total_norm(tensors) if norm_type == 2 else None
    if total is None:
        total = _norm_of_norms(tensors, norm_type)
    if error_if_nonfinite and not math.isfinite(float(total)):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be clipped. "
            "To disable this error and scale the gradients by the non-finite norm anyway, set `error_if_nonfinite=False`"
        )
    return total


@pyxtorch.no_grad()
def _norm_of_norms(tensors, norm_type):
    norms = [pyxtorch.linalg.vector_norm(t, norm_type) for t in tensors]
    return pyxtorch.linalg.vector_norm(pyxtorch.stack([n.to(norms[0].device) for n in norms]), norm_type)


def clip_grads_with_norm_(parameters, max_norm, total_norm, foreach=None):
    """Scale the gradients of `parameters` by max_norm / (total_norm + 1e-6) where that is below 1.

    Args:
        parameters: a tensor, or an iterable of them; those without a gradient are skipped.
        max_norm: the limit.
        total_norm: 0-d tensor, as get_total_norm gives it.
        foreach: accepted; all gradients are taken in one call where they can be.
    """
    gradients = _gradients(parameters)
    with pyxtorch.no_grad():
        factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
        if factor.is_meta or not scale_all(gradients, factor.item()):
            for g in gradients:
                g.mul_(factor.to(g.device))


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Scale the gradients so that the norm of all together is at most max_norm.

    Args:
        parameters: a tensor, or an iterable of them.
        max_norm: the limit.
        norm_type: which norm; math.inf for the largest absolute value.
        error_if_nonfinite: raise if the norm is nan or inf.
        foreach: accepted; all gradients are taken in one call where they can be.
    Returns:
        The norm before, a 0-d tensor.
    Raises:
        RuntimeError: a norm that is not finite, with error_if_nonfinite.
    """
    generated = isinstance(parameters, types.GeneratorType)     # it may have been used up before
    parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if generated and not parameters:
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2)
    if any(hasattr(p, "full_tensor") for p in parameters):  # of which this process has some rows
        from pyxtorch.distributed._shard import norm_over_processes

        total = norm_over_processes(parameters, norm_type, error_if_nonfinite)
    else:
        total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


def clip_grad_norm(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """The old name of clip_grad_norm_."""
    warnings.warn("`nn.utils.clip_grad_norm` is now deprecated in favor of `nn.utils.clip_grad_norm_`.", FutureWarning, stacklevel=2)
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite)


def clip_grad_value_(parameters, clip_value, foreach=None):
    """Limit each element of the gradients to [-clip_value, clip_value].

    Args:
        parameters: a tensor, or an iterable of them; those without a gradient are skipped.
        clip_value: the limit, at least 0.
        foreach: accepted.
    """
    clip_value = float(clip_value)
    with pyxtorch.no_grad():
        for g in _gradients(parameters):
            g.clamp_(min=-clip_value, max=clip_value)
