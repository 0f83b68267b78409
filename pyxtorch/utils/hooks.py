"""torch.utils.hooks: the handle that takes a hook away, and a mark on hooks."""
from pyxtorch.autograd import RemovableHandle

__all__ = ["RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]


def warn_if_has_hooks(tensor):
    """Warn of hooks on a tensor that a file will not have, but for those that `unserializable_hook` marks."""
    import warnings

    for hook in (getattr(tensor, "_backward_hooks", None) or {}).values():
        if not hasattr(hook, "__torch_unserializable__"):
            warnings.warn(f"backward hook {hook!r} on tensor will not be serialized. If this is expected, mark it with torch.utils.hooks.unserializable_hook.", stacklevel=2)


def unserializable_hook(f):
    """Mark the function `f` as a hook that need not be saved with a tensor. Hooks never are here, and nothing warns of it."""
    f.__torch_unserializable__ = True
    return f
