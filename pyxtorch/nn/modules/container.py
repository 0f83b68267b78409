"""Containers: Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict."""
import operator
from collections import OrderedDict
from collections.abc import Mapping

import pyxtorch
from pyxtorch import Tensor
from pyxtorch._tape.sites import enter_module, leave_module, when_watched
from pyxtorch.autograd import is_anomaly_enabled
from pyxtorch.nn.modules._hooks import everywhere
from pyxtorch.nn.modules.module import _MISSING, Module, _direct_call, _hooked_call, indent, say_where
from pyxtorch.nn.parameter import Parameter

_plain_call = _direct_call      # None in anomaly mode, in which a call of a module does more


def _noted_call(self, input=_MISSING, /, *args, **kwargs):
    """Module.__call__ in anomaly mode: notes which module the thread is in."""
    entry = enter_module(self)
    try:
        if self._hooks is not None or everywhere:
            return self._call_hooked(*(() if input is _MISSING else (input,)), *args, **kwargs)
        return self.forward(**kwargs) if input is _MISSING else self.forward(input, *args, **kwargs)
    except Exception as error:
        say_where(self, error)
        raise
    finally:
        leave_module(entry)


_codes = _direct_call.__code__, _hooked_call.__code__


def _note_calls(mode):
    global _plain_call
    _plain_call = None if mode else _direct_call
    # Another method would make Python forget what it knows of every class of modules: 30 us where a step may take 200.
    _direct_call.__code__, _hooked_call.__code__ = (_noted_call.__code__,) * 2 if mode else _codes


when_watched(_note_calls)
_note_calls(is_anomaly_enabled())


def _position(index, size, what):
    """`index` as a non-negative int below `size`."""
    index = operator.index(index)
    if not -size <= index < size:
        raise IndexError(f"index {index} is out of range for a {what} of {size}.")
    return index % size


class _List(Module):
    """What Sequential and ModuleList have in common: children "0", "1", ... in order."""

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def __contains__(self, module):
        return any(module is child for child in self._modules.values())

    def _names(self):
        return list(self._modules)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return self._like(list(self._modules.items())[index])
        return list(self._modules.values())[_position(index, len(self), type(self).__name__)]

    def __setitem__(self, index, module):
        setattr(self, self._names()[_position(index, len(self), type(self).__name__)], module)

    def __delitem__(self, index):
        names = self._names()
        for name in names[index] if isinstance(index, slice) else [names[_position(index, len(self), type(self).__name__)]]:
            delattr(self, name)
        self._renumber(list(self))

    def _renumber(self, modules):
        self._modules.clear()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def append(self, module):
        """Add `module` at the end; returns self."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules):
        """Add each of `modules` at the end; returns self."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index, module):
        """Add `module` before position `index`."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        modules = list(self)
        if not -len(modules) <= index <= len(modules):
            raise IndexError(f"Index out of range: {index}")
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def pop(self, key):
        """Take the module at `key` out and return it."""
        module = self[key]
        del self[key]
        return module

    def __add__(self, other):
        if not isinstance(other, (_List, list, tuple)):
            return NotImplemented
        return self._like(list(enumerate([*self, *other])))

    def __iadd__(self, other):
        return self.extend(other)


class Sequential(_List):
    """Modules one after the other: the output of each is the input of the next.

    Args:
        args: modules, or one ordered dict of them, whose keys become their names.
    """

    def __init__(self, *args):
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            items = args[0].items()
        else:
            items = ((str(i), module) for i, module in enumerate(args))
        for name, module in items:
            self.add_module(name, module)

    def _like(self, items):
        return type(self)(OrderedDict((str(name), module) for name, module in items))

    def forward(self, input):
        module = self
        try:
            for module in self._modules.values():
                # Module.__call__ would add nothing but its own cost here.
                if module._hooks is None and type(module).__call__ is _plain_call:
                    input = module.forward(input)
                else:
                    input = module(input)
        except Exception as error:
            say_where(module, error)
            raise
        return input

    def __mul__(self, times):
        if not isinstance(times, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(times)}")
        if times <= 0:
            raise ValueError(f"Non-positive multiplication factor {times} for {type(self)}")
        return self._like(list(enumerate(list(self) * times)))

    __rmul__ = __mul__

    def __imul__(self, times):
        modules = list(self)
        for _ in range(times - 1):
            self.extend(modules)
        return self


class ModuleList(_List):
    """A list of modules, registered with the module that holds it.

    Args:
        modules: iterable of modules.
    """

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _like(self, items):
        return type(self)(module for _, module in items)

    def extend(self, modules):
        """Add each of `modules` at the end; returns self."""
        if not hasattr(modules, "__iter__"):
            raise TypeError(f"ModuleList.extend should be called with an iterable, but got {type(modules).__name__}")
        return super().extend(modules)

    def insert(self, index, module):
        """Add `module` before position `index`."""
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)

    def __repr__(self):
        if not self._modules:
            return f"{self._get_name()}()"
        # Neighbours that look the same are written once: (0-2): 3 x ReLU()
        runs = []
        for i, module in enumerate(self):
            text = repr(module)
            if runs and runs[-1][2] == text:
                runs[-1][1] = i
            else:
                runs.append([i, i, text])
        lines = [f"({a}): {text}" if a == b else f"({a}-{b}): {b - a + 1} x {text}" for a, b, text in runs]
        return f"{self._get_name()}(\n  " + "\n  ".join(map(indent, lines)) + "\n)"


class ModuleDict(Module):
    """A dict of modules, registered with the module that holds it.

    Args:
        modules: mapping of names to modules, or pairs of them.
    """

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key):
        return self._modules[key]

    def __setitem__(self, key, module):
        self.add_module(key, module)

    def __delitem__(self, key):
        del self._modules[key]

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules)

    def __contains__(self, key):
        return key in self._modules

    def clear(self):
        """Remove all."""
        self._modules.clear()

    def pop(self, key):
        """Take the module `key` out and return it."""
        return self._modules.pop(key)

    def keys(self):
        """The names."""
        return self._modules.keys()

    def items(self):
        """(name, module) pairs."""
        return self._modules.items()

    def values(self):
        """The modules."""
        return self._modules.values()

    def update(self, modules):
        """Add or replace modules by name."""
        for key, module in _pairs(modules, "ModuleDict.update"):
            self[key] = module


def _pairs(items, op):
    """(key, value) pairs of a mapping or of an iterable of pairs."""
    if hasattr(items, "keys"):
        return [(key, items[key]) for key in items.keys()]
    if not hasattr(items, "__iter__"):
        raise TypeError(f"{op} should be called with an iterable of key/value pairs, but got {type(items).__name__}")
    pairs = list(items)
    for i, pair in enumerate(pairs):
        if not isinstance(pair, (tuple, list)):
            raise TypeError(f"{op}: element #{i} should be Iterable; is {type(pair).__name__}")
        if len(pair) != 2:
            raise ValueError(f"{op}: element #{i} has length {len(pair)}; 2 is required")
    return pairs


class _Parameters(Module):
    """What ParameterList and ParameterDict have in common. Tensors become Parameters; other values stay."""

    def _put(self, name, value):
        if isinstance(value, Tensor) and not isinstance(value, Parameter):
            value = Parameter(value)
        setattr(self, name, value)

    def _describe(self, size_word):
        lines = []
        for name, value in self.items() if hasattr(self, "items") else enumerate(self):
            if isinstance(value, Tensor):
                size = "x".join(map(str, value.shape))
                kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
                place = "" if value.device.type == "cpu" else f" ({value.device})"
                lines.append(f"  ({name}): {kind} containing: [{size_word(value)} of size {size}{place}]")
            else:
                lines.append(f"  ({name}): Object of type: {type(value).__name__}")
        return "\n".join(lines)

    def extra_repr(self):
        return self._describe(lambda value: str(value.dtype))

    def __call__(self, *args, **kwargs):
        raise RuntimeError(f"{type(self).__name__} should not be called.")


class ParameterList(_Parameters):
    """A list of Parameters (and other values), registered with the module that holds it.

    Args:
        values: iterable; tensors in it become Parameters.
    """

    def __init__(self, values=None):
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def __len__(self):
        return self._size

    def __iter__(self):
        return iter([self[i] for i in range(self._size)])

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)(self[i] for i in range(*index.indices(self._size)))
        return getattr(self, str(_position(index, self._size, "ParameterList")))

    def __setitem__(self, index, value):
        self._put(str(_position(index, self._size, "ParameterList")), value)

    def append(self, value):
        """Add `value` at the end; returns self."""
        self._put(str(self._size), value)
        self._size += 1
        return self

    def extend(self, values):
        """Add each of `values` at the end; returns self."""
        if isinstance(values, Tensor) or not hasattr(values, "__iter__"):
            raise TypeError(f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}")
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self, values):
        return self.extend(values)


class ParameterDict(_Parameters):
    """A dict of Parameters (and other values), registered with the module that holds it.

    Args:
        parameters: mapping or pairs; tensors in it become Parameters.
    """

    def __init__(self, parameters=None):
        super().__init__()
        self._keys = {}
        if parameters is not None:
            self.update(parameters)

    @staticmethod
    def _name(key):
        if not isinstance(key, str):
            raise TypeError(f"Index given to ParameterDict cannot be used as a key as it is not a string (type is '{type(key).__name__}'). Open an issue on github if you need non-string keys.")
        return key

    def __getitem__(self, key):
        if key not in self._keys:
            raise KeyError(key)
        return getattr(self, self._name(key))

    def __setitem__(self, key, value):
        name = self._name(key)
        if name not in self._keys and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")
        self._put(name, value)
        self._keys[key] = None

    def __delitem__(self, key):
        del self._keys[key]
        delattr(self, self._name(key))

    def __len__(self):
        return len(self._keys)

    def __iter__(self):
        return iter(self._keys)

    def __reversed__(self):
        return reversed(list(self._keys))

    def __contains__(self, key):
        return key in self._keys

    def __or__(self, other):
        both = self.copy()
        both.update(other)
        return both

    def __ror__(self, other):
        both = other.copy()
        both.update(self)
        return both

    def __ior__(self, other):
        self.update(other)
        return self

    def copy(self):
        """A new dict with the same Parameters."""
        return type(self)(self)

    def get(self, key, default=None):
        """The value of `key`, or `default`."""
        return self[key] if key in self else default

    def setdefault(self, key, default=None):
        """The value of `key`, which becomes `default` if there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def clear(self):
        """Remove all."""
        for key in list(self._keys):
            del self[key]

    def pop(self, key):
        """Take the value of `key` out and return it."""
        value = self[key]
        del self[key]
        return value

    def popitem(self):
        """Take the last (key, value) out and return it."""
        key = next(reversed(self))
        return key, self.pop(key)

    def fromkeys(self, keys, default=None):
        """A new dict with `keys`, each of value `default`."""
        return type(self)([(key, default) for key in keys])

    def keys(self):
        """The keys in order."""
        return self._keys.keys()

    def items(self):
        """(key, value) pairs in order."""
        return [(key, self[key]) for key in self._keys]

    def values(self):
        """The values in order."""
        return [self[key] for key in self._keys]

    def update(self, parameters):
        """Add or replace values by key: in the order of pairs, of an OrderedDict or a ParameterDict; of other mappings by sorted keys, as in PyTorch."""
        pairs = _pairs(parameters, "ParameterDict.update")
        if isinstance(parameters, Mapping) and not isinstance(parameters, OrderedDict):
            pairs = sorted(pairs, key=lambda pair: pair[0])
        for key, value in pairs:
            self[key] = value

    def extra_repr(self):
        return self._describe(lambda value: pyxtorch.typename(value) if hasattr(pyxtorch, "typename") else str(value.dtype))

