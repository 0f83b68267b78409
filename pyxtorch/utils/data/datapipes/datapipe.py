"""IterDataPipe and MapDataPipe, the classes of all steps, and how a step becomes a method of them."""
import functools
import inspect
import typing
from contextlib import contextmanager

from pyxtorch.utils.data.dataset import Dataset, IterableDataset

__all__ = [
    "DFIterDataPipe", "DataChunk", "IterDataPipe", "MapDataPipe", "argument_validation", "functional_datapipe", "guaranteed_datapipes_determinism",
    "non_deterministic", "runtime_validation", "runtime_validation_disabled",
]  # fmt: skip


class _Steps:
    """Functions by name, which pipes have as methods."""

    functions: dict

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)

    def __getattr__(self, name):
        if name in type(self).functions:
            return functools.partial(type(self).functions[name], self)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    @classmethod
    def register_function(cls, function_name, function):
        """Let pipes have `function` as a method."""
        cls.functions[function_name] = function

    @classmethod
    def register_datapipe_as_function(cls, function_name, cls_to_register, enable_df_api_tracing=False):
        """Let pipes have a method that makes a `cls_to_register` of them.

        Raises:
            Exception: there is one of this name already.
        """
        if function_name in cls.functions:
            raise Exception(f"Unable to add DataPipe function name {function_name} as it is already taken")
        cls.functions[function_name] = cls_to_register

    def __repr__(self):
        return type(self).__name__

    def __reduce_ex__(self, protocol):
        return object.__reduce_ex__(self, protocol)


class IterDataPipe(_Steps, IterableDataset):
    """A pipe that gives samples one after the other; subclasses have `__iter__()`. Steps are methods: `pipe.map(f).batch(2)`."""

    functions: dict = {}

    def _shuffle_all(self, on):
        """Switch the steps that shuffle on or off: here and in the pipes that this one stands on."""
        waiting, seen = [self], set()
        while waiting:
            pipe = waiting.pop()
            if id(pipe) in seen:
                continue
            seen.add(id(pipe))
            if "set_shuffle" in dir(type(pipe)):
                pipe.set_shuffle(on)
            for value in vars(pipe).values():
                parts = value if isinstance(value, (list, tuple)) else (value,)
                waiting += [part for part in parts if isinstance(part, (IterDataPipe, MapDataPipe)) or hasattr(part, "_is_shared_pipe")]

    def reset(self):
        """Called where something has to be forgotten before another pass; nothing by default."""


class DFIterDataPipe(IterDataPipe):
    """A pipe of data frames."""

    def _is_dfpipe(self):
        return True


class MapDataPipe(_Steps, Dataset):
    """A pipe that gives samples by number or key; subclasses have `__getitem__(key)` and mostly `__len__()`."""

    functions: dict = {}


class DataChunk(list):
    """The samples of a batch."""

    def __init__(self, items):
        items = list(items)
        super().__init__(items)
        self.items = items

    def raw_iterator(self):
        """The samples."""
        yield from self.items

    def as_str(self, indent=""):
        """Them as text."""
        return indent + "[" + ", ".join(map(str, self.items)) + "]"


# --------------------------------------------------------------------------------- decorators

class functional_datapipe:  # noqa: N801
    """Decorates a class of pipes that all pipes are to have as a method of this name."""

    def __init__(self, name, enable_df_api_tracing=False):
        self.name = name

    def __call__(self, cls):
        if not isinstance(cls, type) or not issubclass(cls, (IterDataPipe, MapDataPipe)):
            raise TypeError("`functional_datapipe` can only decorate IterDataPipe or MapDataPipe")
        (IterDataPipe if issubclass(cls, IterDataPipe) else MapDataPipe).register_datapipe_as_function(self.name, cls)
        return cls


_determinism = False


class guaranteed_datapipes_determinism:  # noqa: N801
    """Within a `with` block, or from now on as a call with a bool, pipes that are marked `non_deterministic` are errors."""

    def __init__(self):
        global _determinism
        self.before, _determinism = _determinism, True

    def __enter__(self):
        pass

    def __exit__(self, *error):
        global _determinism
        _determinism = self.before


class non_deterministic:  # noqa: N801
    """Marks a class of pipes whose order is not always the same; with a function, only where that is true of its arguments."""

    def __init__(self, arg):
        self.cls = arg if isinstance(arg, type) else None
        if self.cls is not None and not issubclass(self.cls, IterDataPipe):
            raise TypeError(f"Only `IterDataPipe` can be decorated with `non_deterministic`, but {self.cls.__name__} is found")
        self.is_so = None if self.cls is not None else arg

    def __call__(self, *args, **kwargs):
        if self.cls is not None:
            return self._made(self.cls, args, kwargs)
        cls = args[0]
        if not isinstance(cls, type) or not issubclass(cls, IterDataPipe):
            raise TypeError(f"Only `IterDataPipe` can be decorated, but {cls.__name__} is found")
        return lambda *args, **kwargs: self._made(cls, args, kwargs)

    def _made(self, cls, args, kwargs):
        if _determinism and (self.is_so is None or self.is_so(*args, **kwargs)):
            raise TypeError(f"{cls.__name__} is non-deterministic with the arguments {args}, {kwargs}. You can turn off 'guaranteed_datapipes_determinism'.")
        return cls(*args, **kwargs)


def _fits(value, kind):
    """Whether a value is of an annotation; True where that is more than can be seen."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is typing.Any or isinstance(kind, (str, typing.TypeVar)):
        return True
    if origin is typing.Union or type(kind).__name__ == "UnionType":
        return any(value is None if k is type(None) else _fits(value, k) for k in inner)
    if origin is None:
        return not isinstance(kind, type) or isinstance(value, kind)
    return not isinstance(origin, type) or isinstance(value, origin)


def argument_validation(f):
    """Decorates a pipe's `__init__`: arguments are compared with their annotations.

    Raises:
        TypeError: by the function that it gives, where one does not fit.
    """
    signature, hints = inspect.signature(f), typing.get_type_hints(f)

    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            if name in hints and not _fits(value, hints[name]):
                raise TypeError(f"Expected argument '{name}' as a type of {hints[name]}, but found {type(value)}.")
        return f(*args, **kwargs)

    return wrapper


_validating = True


@contextmanager
def runtime_validation_disabled():
    """Within this `with` block `runtime_validation` looks at nothing."""
    global _validating
    before, _validating = _validating, False
    try:
        yield
    finally:
        _validating = before


def runtime_validation(f):
    """Decorates a pipe's `__iter__`: each sample is compared with the annotation, `-> Iterator[int]`.

    Raises:
        RuntimeError: by the iterator, where one does not fit.
    """
    if f.__name__ != "__iter__":
        raise TypeError(f"Can not decorate function {f.__name__} with 'runtime_validation'")
    inner = typing.get_args(typing.get_type_hints(f).get("return"))
    kind = inner[0] if inner else typing.Any

    @functools.wraps(f)
    def wrapper(self):
        for sample in f(self):
            if _validating and not _fits(sample, kind):
                raise RuntimeError(f"Expected an instance as subtype of {kind}, but found {sample}({type(sample)})")
            yield sample

    return wrapper
