"""From a list of samples to one batch."""
import copy
import re
import sys
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence

import pyxtorch
from pyxtorch import Tensor

np_str_obj_array_pattern = re.compile(r"[SaUO]")  # kinds of NumPy dtypes that no tensor has


def _is_numpy(x):
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(x, (numpy.ndarray, numpy.generic)) and not isinstance(x, (numpy.str_, numpy.bytes_))


def _is_namedtuple(x):
    return isinstance(x, tuple) and hasattr(x, "_fields")


def _mapping(like, values):
    """A mapping of the kind of `like`, or a dict where that cannot be made."""
    try:
        if isinstance(like, MutableMapping):
            made = copy.copy(like)
            made.update(values)
            return made
        return type(like)(values)
    except TypeError:
        return values


def _sequence(like, values):
    try:
        if isinstance(like, MutableSequence):
            made = copy.copy(like)
            made[:] = values
            return made
        return type(like)(values)
    except TypeError:
        return values


def default_convert(data):
    """NumPy arrays within nested containers become tensors; what is no array, number or container stays as it is."""
    if isinstance(data, Tensor):
        return data
    if _is_numpy(data):
        return data if data.dtype.kind in "SUO" else pyxtorch.as_tensor(data)
    if isinstance(data, Mapping):
        return _mapping(data, {key: default_convert(value) for key, value in data.items()})
    if _is_namedtuple(data):
        return type(data)(*(default_convert(value) for value in data))
    if isinstance(data, tuple):
        return [default_convert(value) for value in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _sequence(data, [default_convert(value) for value in data])
    return data


def default_collate(batch):
    """Stack samples along a new first dimension.

    Tensors and arrays are stacked, numbers become a tensor, strings a list; mappings, named tuples
    and sequences of these are collated element by element (a tuple becomes a list).

    Raises:
        TypeError: samples of another type.
        RuntimeError: the samples have different sizes.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return pyxtorch.stack(list(batch))
    if _is_numpy(first):
        if np_str_obj_array_pattern.search(first.dtype.str):
            raise TypeError(_WRONG.format(first.dtype))
        return pyxtorch.stack([pyxtorch.as_tensor(x) for x in batch])
    if isinstance(first, float):
        return pyxtorch.tensor(batch, dtype=pyxtorch.float64)
    if isinstance(first, int):
        return pyxtorch.tensor(batch)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return _mapping(first, {key: default_collate([sample[key] for sample in batch]) for key in first})
    if _is_namedtuple(first):
        return type(first)(*(default_collate(column) for column in zip(*batch)))
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError(f"each element in list of batch should be of equal size: the lengths are {[len(sample) for sample in batch]}.")
        columns = [default_collate(column) for column in zip(*batch)]
        return columns if isinstance(first, tuple) else _sequence(first, columns)
    raise TypeError(_WRONG.format(type(first)))


_WRONG = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
