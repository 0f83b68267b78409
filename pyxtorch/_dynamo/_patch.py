"""Settings that hold for a while."""
import contextlib


@contextlib.contextmanager
def _held(space, changes):
    absent = object()
    before = {}
    try:
        for name, value in changes.items():
            *groups, last = name.split(".")
            owner = space if not groups else vars(space[groups[0]])     # "triton.cudagraphs"
            before[name] = owner, last, owner.get(last, absent)
            owner[last] = value
        yield
    finally:
        for owner, last, value in before.values():
            if value is absent:
                del owner[last]
            else:
                owner[last] = value


def patched(space, arg1, arg2, changes):
    """A context manager, and decorator, within which the names in `space` have other values."""
    if isinstance(arg1, dict):
        changes = {**arg1, **changes}
    elif arg1 is not None:
        changes = {arg1: arg2, **changes}
    return _held(space, changes)
