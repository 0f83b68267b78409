"""What a module with hooks does around its forward; a module without any never comes here."""
import warnings

from pyxtorch import Tensor
from pyxtorch._tape.hooks import hang
from pyxtorch.autograd import Function


class Hooks:
    """The hooks of one module, or those of all (`everywhere`); each dict is number to hook."""

    kinds = ("forward_pre", "forward", "backward_pre", "backward", "backward_partial")
    __slots__ = kinds + ("marks",)

    def __init__(self):
        for kind in self.kinds:
            setattr(self, kind, {})
        self.marks = {}  # number of a forward or forward_pre hook to (with_kwargs, always_call)

    def __bool__(self):
        return any(getattr(self, kind) for kind in self.kinds)

    def __getstate__(self):
        return {kind: getattr(self, kind) for kind in self.__slots__}

    def __setstate__(self, state):
        for kind, hooks in state.items():
            setattr(self, kind, hooks)

    def add(self, kind, hook, prepend=False, with_kwargs=False, always_call=False):
        handle = hang(getattr(self, kind), hook, prepend)
        if with_kwargs or always_call:
            self.marks[handle.id] = with_kwargs, always_call
        return handle


everywhere = Hooks()
_plain = (False, False)


def call_with_hooks(module, hooks, args, kwargs):
    """Pre-hooks, forward and hooks of `module`, and those registered for all modules."""
    groups = (everywhere, hooks) if hooks is not None else (everywhere,)
    called = set()
    try:
        for group in groups:
            for key, hook in list(group.forward_pre.items()):
                args, kwargs = _before(module, hook, group.marks.get(key, _plain)[0], args, kwargs)
        backward = [hook for group in groups for hook in group.backward.values()]
        backward_pre = [hook for group in groups for hook in group.backward_pre.values()]
        point = BackwardPoint(module, backward, backward_pre) if backward or backward_pre else None
        if point is not None:
            args = point.enter(args)
        result = module.forward(*args, **kwargs)
        for group in groups:
            for key, hook in list(group.forward.items()):
                called.add(key)
                changed = _after(module, hook, group.marks.get(key, _plain)[0], args, kwargs, result)
                if changed is not None:
                    result = changed
        if point is not None:
            result = point.leave(result)
        for group in groups:
            for hook in group.backward_partial.values():
                _watch_last_node(module, hook, result)
        return result
    except Exception:
        _call_always(module, groups, called, args, kwargs)
        raise


def _before(module, hook, with_kwargs, args, kwargs):
    if not with_kwargs:
        changed = hook(module, args)
        if changed is None:
            return args, kwargs
        return (changed if isinstance(changed, tuple) else (changed,)), kwargs
    changed = hook(module, args, kwargs)
    if changed is None:
        return args, kwargs
    if isinstance(changed, tuple) and len(changed) == 2:
        return changed
    raise RuntimeError(f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}.")


def _after(module, hook, with_kwargs, args, kwargs, result):
    return hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)


def _call_always(module, groups, called, args, kwargs):
    """After an error: the hooks registered with always_call that have not run yet."""
    for group in groups:
        for key, hook in list(group.forward.items()):
            with_kwargs, always = group.marks.get(key, _plain)
            if always and key not in called:
                try:
                    _after(module, hook, with_kwargs, args, kwargs, None)
                except Exception as error:
                    warnings.warn(f"module forward hook with always_call=True raised an exception that was silenced, as another one was raised in forward: {error}", stacklevel=3)


def _watch_last_node(module, hook, result):
    while not isinstance(result, Tensor) and isinstance(result, (tuple, list, dict)) and result:
        result = next(iter(result.values() if isinstance(result, dict) else result))
    if isinstance(result, Tensor) and result.grad_fn is not None:
        result.grad_fn.register_hook(lambda grad_input, grad_output: hook(module, grad_input, grad_output))


class _Through(Function):
    """Identity whose backward hands the gradients to a function."""

    @staticmethod
    def forward(ctx, seen, *tensors):
        ctx.seen = seen
        ctx.set_materialize_grads(False)
        return tuple([x.view_as(x) for x in tensors])

    @staticmethod
    def backward(ctx, *grads):
        return (None, *ctx.seen(grads))


class BackwardPoint:
    """Brackets a module's forward between two identities, whose gradients its hooks get to see.

    The outer one sees grad_output first (pre-hooks may replace it); the inner one sees grad_input
    last (hooks may replace it). Without an input that requires grad, hooks run at the outer one.
    """

    def __init__(self, module, hooks, pre_hooks):
        self.module, self.hooks, self.pre_hooks = module, hooks, pre_hooks
        self.grad_output = None
        self.places = ()

    def enter(self, args):
        self.size = len(args)
        self.places = [i for i, x in enumerate(args) if isinstance(x, Tensor) and x.requires_grad]
        return self._through(args, self.places, self._saw_grad_input)

    def leave(self, result):
        alone = isinstance(result, Tensor)
        values = (result,) if alone else result
        if not isinstance(values, (tuple, list)):
            return result
        self.out_size = len(values)
        self.out_places = [i for i, x in enumerate(values) if isinstance(x, Tensor) and x.requires_grad]
        values = self._through(values, self.out_places, self._saw_grad_output)
        return values[0] if alone else values

    @staticmethod
    def _through(values, places, seen):
        if not places:
            return values
        passed = dict(zip(places, _Through.apply(seen, *[values[i] for i in places])))
        items = [passed.get(i, x) for i, x in enumerate(values)]
        if hasattr(values, "_fields"):
            return type(values)(*items)
        return type(values)(items)

    def _saw_grad_output(self, grads):
        full = _spread(grads, self.out_places, self.out_size)
        for hook in self.pre_hooks:
            changed = hook(self.module, full)
            if changed is not None:
                full = _replaced(changed, full, "backward pre-hook", "grad_output")
        self.grad_output = full
        if not self.places:
            for hook in self.hooks:
                changed = hook(self.module, (None,) * self.size, full)
                if changed is not None and not (isinstance(changed, tuple) and all(g is None for g in changed)):
                    raise RuntimeError("Backward hook for Modules where no input requires gradient should always return None or None for all gradients.")
        return tuple([full[i] for i in self.out_places])

    def _saw_grad_input(self, grads):
        full = _spread(grads, self.places, self.size)
        for hook in self.hooks:
            changed = hook(self.module, full, self.grad_output)
            if changed is not None:
                full = _replaced(changed, full, "backward hook", "grad_input")
        self.grad_output = None
        return tuple([full[i] for i in self.places])


def _spread(grads, places, size):
    full = [None] * size
    for i, g in zip(places, grads):
        full[i] = g
    return tuple(full)


def _replaced(changed, old, hook, what):
    changed = changed if isinstance(changed, tuple) else (changed,)
    if len(changed) != len(old):
        raise RuntimeError(f"{hook}: returned {len(changed)} gradients for {len(old)} entries of {what}. Return as many, or None.")
    return changed
