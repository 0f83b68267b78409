"""What NumPy, and programs written for any array library, ask tensors for."""
from pyxtorch.autograd import Variable

_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")
# NumPy hands these to the method of the same name, with arguments that are its own: they are computed by NumPy, as ufuncs are.
_METHODS_OF_NUMPY = frozenset("all amax amin any max mean min prod std sum var".split())


def array_namespace(self, /, *, api_version=None):
    """The namespace of the Array API standard for tensors, `pyxtorch.array_api`.

    Args:
        api_version: the version of the standard that the caller was written for, such as "2024.12".
    Raises:
        ValueError: a version that there is not, or a later one.
    """
    if not isinstance(self, Variable):
        raise TypeError(f"__array_namespace__: expected a tensor, got {type(self).__name__}.")
    if api_version is not None and api_version not in _VERSIONS:
        raise ValueError(f"__array_namespace__: version {api_version!r} of the Array API standard is not known; there are {', '.join(_VERSIONS)}.")
    from pyxtorch import array_api

    return array_api


def to_device(self, device, /, *, stream=None):
    """The tensor on another device, itself if it is there: the standard's name of `to(device)`.

    Raises:
        ValueError: a stream is given; copies are ordered by the current one.
    """
    if stream is not None:
        raise ValueError(f"to_device: stream={stream!r}, but copies run on the current stream. Leave stream out.")
    return self.to(device)


def array_function(self, func, types, args, kwargs):
    """A function of NumPy called on tensors.

    As in PyTorch it sees their memory as arrays, and gives what it gives for arrays. What it would hand to a tensor's method, as
    `np.mean`, with arguments that the method does not have, is computed by NumPy and given as a tensor, as ufuncs such as `np.sin` are.
    """
    if not all(issubclass(kind, Variable) or kind.__module__.partition(".")[0] == "numpy" for kind in types):
        return NotImplemented
    if func.__name__ not in _METHODS_OF_NUMPY:
        return func._implementation(*args, **kwargs)
    found = func(*map(_plain, args), **{key: _plain(value) for key, value in kwargs.items()})
    return tuple(self.__array_wrap__(part) for part in found) if isinstance(found, tuple) else self.__array_wrap__(found)


def _plain(value):
    return value.numpy() if isinstance(value, Variable) else type(value)(map(_plain, value)) if type(value) in (list, tuple) else value


methods = {"__array_namespace__": array_namespace, "__array_function__": array_function, "to_device": to_device}
