"""torch.autograd.function: helpers for operations that users define."""
import functools

from pyxtorch.autograd import Function, Variable, is_grad_enabled, no_grad

__all__ = ["BackwardCFunction", "Function", "FunctionCtx", "once_differentiable"]

FunctionCtx = BackwardCFunction = Function  # what `forward` and `backward` get as `ctx` is an instance of the Function itself


class _NotTwice(Function):
    """Stands between gradients and what they were made from, and refuses to be differentiated."""

    @staticmethod
    def forward(ctx, count, *tensors):
        return tuple(t.clone() for t in tensors[:count])

    @staticmethod
    def backward(ctx, *grad_outputs):
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable. "
            "Write its backward in tensor operations and take the mark away."
        )


def once_differentiable(fn):
    """Mark the `backward` of a Function as one that cannot be differentiated itself.

    It runs without recording; a second derivative through it raises RuntimeError.
    """

    @functools.wraps(fn)
    def wrapper(ctx, *args):
        with no_grad():
            outputs = fn(ctx, *args)
        sources = [a for a in args if isinstance(a, Variable) and a.requires_grad]
        if not is_grad_enabled() or not sources:
            return outputs
        single = not isinstance(outputs, tuple)
        outputs = [outputs] if single else list(outputs)
        places = [i for i, o in enumerate(outputs) if isinstance(o, Variable)]
        guarded = _NotTwice.apply(len(places), *[outputs[i] for i in places], *sources)
        for i, o in zip(places, guarded):
            outputs[i] = o
        return outputs[0] if single else tuple(outputs)

    return wrapper
