"""torch.autograd.function: helpers for operations that users define."""
import functools

from pyxtorch.autograd import Function, Variable, is_grad_enabled, no_grad
from pyxtorch.utils._pytree import tree_flatten, tree_unflatten

__all__ = ["BackwardCFunction", "Function", "FunctionCtx", "FunctionMeta", "InplaceFunction", "NestedIOFunction", "once_differentiable"]

FunctionMeta = type(Function)
FunctionCtx = BackwardCFunction = Function  # what `forward` and `backward` get as `ctx` is an instance of the Function itself


class InplaceFunction(Function):
    """An operation that may write into its input, for classes that look at `self.inplace`."""

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace


class NestedIOFunction(Function):
    """An object for each call (see `Function.__call__`) whose arguments and results may be containers of tensors.

    A subclass has `forward_extended(self, *input)` and `backward_extended(self, *grad_output)`, which see them as they are.
    """

    def __call__(self, *input):
        leaves, self._in = tree_flatten(input)
        return tree_unflatten(list(super().__call__(*leaves)), self._out)

    @staticmethod
    def forward(ctx, *leaves):
        found, ctx._out = tree_flatten(ctx.forward_extended(*tree_unflatten(list(leaves), ctx._in)))
        return tuple(found)

    @staticmethod
    def backward(ctx, *gradients):
        nested = tree_unflatten(list(gradients), ctx._out)
        found = ctx.backward_extended(*(nested if isinstance(nested, tuple) else (nested,)))
        return tuple(tree_flatten(found if isinstance(found, tuple) else (found,))[0])

    def forward_extended(self, *input):
        """The operation."""
        raise NotImplementedError(f"{type(self).__name__}: a NestedIOFunction needs forward_extended(self, *input).")

    def backward_extended(self, *grad_output):
        """Its gradient: for each argument what it is of, None where there is none."""
        raise NotImplementedError(f"{type(self).__name__}: a NestedIOFunction needs backward_extended(self, *grad_output).")


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

    wrapper.once_differentiable = True
    return wrapper
