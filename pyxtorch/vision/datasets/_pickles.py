"""Pickles of plain values and NumPy arrays, as CIFAR's files are. Nothing that they name is called."""
import numpy as np

from pyxtorch.serialization.unpickler import Call, Unpickler, UnpicklingError

_KINDS = "?biufSU"  # numbers and strings, whose elements are bytes and nothing else


class _Type:
    """A dtype that is being read."""

    def __init__(self, name, *options):
        self.dtype = np.dtype(name if isinstance(name, str) else "")
        if self.dtype.kind not in _KINDS and self.dtype.char != "?":
            raise UnpicklingError(f"load: the pickle has an array of {self.dtype}.")


class _Array:
    """An array that is being read."""

    array = None


def _from_bytes(shape, kind, data):
    data = data.encode("latin1") if isinstance(data, str) else bytes(data)
    array = np.frombuffer(data, kind.dtype)
    return array.reshape(shape).copy() if isinstance(shape, tuple) else array.copy()


def _frombuffer(data, kind, shape, order, *rest):
    array = _from_bytes(None, kind, data)
    return array.reshape(shape, order=order)


_ARRAY = object()
_NAMES = {
    "_reconstruct": Call(lambda kind, shape, code: _Array()), "_frombuffer": Call(_frombuffer), "ndarray": _ARRAY, "dtype": Call(_Type),
    "scalar": Call(lambda kind, data: _from_bytes((1,), kind, data)[0]),
}  # fmt: skip


def _find(module, name):
    if module == "_codecs" and name == "encode":
        return Call(lambda text, encoding: text.encode("latin1"))
    if (module == "numpy" or module.startswith(("numpy.core.", "numpy._core."))) and name in _NAMES:
        return _NAMES[name]
    raise UnpicklingError(f"load: the pickle names {module}.{name}, which no data set needs.")


def _no_storage(name):
    raise UnpicklingError("load: the pickle refers to something outside of it.")


class _Reader(Unpickler):
    strings = "latin1"  # those of Python 2, which may be bytes

    def build(self):
        state, target = self.stack[-1], self.stack[-2]
        if isinstance(target, _Type):
            self.stack.pop()
            if isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">", "=", "|"):
                target.dtype = target.dtype.newbyteorder(state[1])
            return
        if isinstance(target, _Array):
            self.stack.pop()
            _, shape, kind, fortran, data = state
            array = _from_bytes(None, kind, data).reshape(shape, order="F" if fortran else "C")
            target.array = array
            return
        super().build()


def _resolve(value, depth=0):
    """The value with finished arrays in the places of those that were read."""
    if isinstance(value, _Array):
        return value.array
    if depth > 20:
        raise UnpicklingError("load: the pickle is nested more than 20 deep.")
    if isinstance(value, dict):
        return {(k.decode("latin1") if isinstance(k, bytes) else k): _resolve(v, depth + 1) for k, v in value.items()}
    return [_resolve(v, depth + 1) for v in value] if isinstance(value, list) else value


def load(data):
    """What is in the pickle `data`; keys that are bytes are given as strings.

    Raises:
        UnpicklingError: it is damaged, or has other things than numbers, strings, lists, dicts and arrays of numbers.
    """
    return _resolve(_Reader(data, _find, (), _no_storage).load())
