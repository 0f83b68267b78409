"""Hooks: functions of the user's that see gradients on their way, and may change them."""
import cython
from cython.cimports.pyxtorch._core import TensorBase, device_of, dtype_of, same_shape, shape_of
from cython.cimports.pyxtorch._gate import hear, set_silent


class RemovableHandle:
    """Takes a hook away again with `remove()`, or at the end of a `with` block."""

    next_id = 0

    def __init__(self, hooks_dict, *, extra_dict=None):
        self.hooks = hooks_dict
        self.extra = () if extra_dict is None else extra_dict if isinstance(extra_dict, (list, tuple)) else (extra_dict,)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1

    def remove(self):
        """Take the hook away; nothing happens if it is gone already."""
        for hooks in (self.hooks, *self.extra):
            if hooks is not None:
                hooks.pop(self.id, None)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.remove()

    def __getstate__(self):
        return self.hooks, self.id, self.extra

    def __setstate__(self, state):
        self.hooks, self.id, self.extra = state
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)


def hang(hooks, hook, prepend=False):
    """Put `hook` into the dict `hooks` (`prepend`: before the others); returns the handle that takes it out again."""
    if not callable(hook):
        raise TypeError(f"register_hook: expected a function, not {type(hook).__name__}.")
    handle = RemovableHandle(hooks)
    others = dict(hooks) if prepend else {}
    for key in others:
        del hooks[key]
    hooks[handle.id] = hook
    hooks.update(others)
    return handle


def add_hook(notes, kind, hook):
    """Put `hook` under `kind` into a dict of notes; its handle."""
    return hang(notes.setdefault(kind, {}), hook)


def same_kind(changed, before, hook):
    """What a hook returned, if it can stand for `before`: kernels rely on shape, dtype and device."""
    if changed is None:
        return None
    if not isinstance(changed, TensorBase):
        raise TypeError(f"hook {hook!r}: must return a Tensor or None, not {type(changed).__name__}.")
    if before is None:
        raise RuntimeError(f"hook {hook!r}: returned a gradient where there was none.")
    c: TensorBase = changed
    b: TensorBase = before
    if not same_shape(c, b) or c.dt != b.dt or c.dev != b.dev or c.dev_index != b.dev_index:
        raise RuntimeError(
            f"hook {hook!r}: has changed the gradient from {list(shape_of(b))} of {dtype_of(b.dt)!r} on {device_of(b.dev, b.dev_index)} to "
            f"{list(shape_of(c))} of {dtype_of(c.dt)!r} on {device_of(c.dev, c.dev_index)}; these must stay."
        )
    return changed


def call_hooks(hooks, g):
    """`g` after each of `hooks` (or None) has seen it."""
    if hooks:
        level: cython.int = hear()
        for hook in tuple(hooks.values()):
            changed = hook(g)
            if changed is not None:
                g = same_kind(changed, g, hook)
        set_silent(level)
    return g


def call_many(hooks, grads, others, name, what):
    """`grads` after hooks that take all of them (and `others`, unless it is None) have seen them."""
    level: cython.int = hear()
    for hook in tuple(hooks.values()):
        changed = hook(tuple(grads)) if others is None else hook(tuple(grads), tuple(others))
        if changed is not None:
            if not isinstance(changed, tuple):
                changed = (changed,)
            if len(changed) != len(grads):
                raise RuntimeError(f"{what} of {name}: returned {len(changed)} gradients for {len(grads)}.")
            grads = [same_kind(c, g, hook) for c, g in zip(changed, grads)]
    set_silent(level)
    return grads


def call_output_hooks(extra, grads, reached):
    """The hooks on a node's output tensors. A zero becomes a tensor where somebody looks at it."""
    for number, hooks in extra["tensor_hooks"].items():
        if hooks:
            if grads[number] is None and reached:
                grads[number] = extra["zeros"][number]()
            if grads[number] is not None:
                grads[number] = call_hooks(hooks, grads[number])
    return 0
