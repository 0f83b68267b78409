"""torch.utils._contextlib: context managers that decorate functions, too."""
import functools
import inspect

__all__ = ["context_decorator"]


def context_decorator(ctx, func):
    """A function that runs within a context: `ctx` is a context manager, or makes one for each call. Generators run within it from yield to yield."""
    make = ctx if callable(ctx) and not hasattr(ctx, "__enter__") else lambda: ctx.clone() if hasattr(ctx, "clone") else ctx
    if inspect.isclass(func):
        raise RuntimeError(f"Cannot decorate classes; it is ambiguous whether or not only the constructor or all methods should have the context manager applied: {func}")
    if inspect.isgeneratorfunction(func):

        @functools.wraps(func)
        def wrapped(*args, **kwargs):
            running, sent = func(*args, **kwargs), None
            while True:
                with make():
                    try:
                        value = running.send(sent)
                    except StopIteration as stop:
                        return stop.value
                sent = yield value

        return wrapped

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        with make():
            return func(*args, **kwargs)

    return wrapped


class _DecoratorContextManager:
    """Base of context managers that are decorators as well: each call of the function has one of its own, by `clone()`."""

    def __call__(self, orig_func):
        return context_decorator(self.clone, orig_func)

    def __enter__(self):
        raise NotImplementedError(f"{type(self).__name__}: a context manager needs __enter__.")

    def __exit__(self, *error):
        raise NotImplementedError(f"{type(self).__name__}: a context manager needs __exit__.")

    def clone(self):
        """Another one."""
        return type(self)()


class _NoParamDecoratorContextManager(_DecoratorContextManager):
    """The same without arguments, so that `@manager` decorates."""

    def __new__(cls, orig_func=None):
        return super().__new__(cls) if orig_func is None else cls()(orig_func)
