"""Parameter and Buffer: tensors that a Module registers when they are assigned to it."""
import pyxtorch
from pyxtorch import Tensor, _gate


def _same_memory(data, cls, requires_grad):
    """`data` seen by a new leaf of class `cls`."""
    if not isinstance(data, Tensor):
        raise TypeError(f"{cls.__name__}: data is {type(data).__name__}, not a Tensor. Use pyxtorch.tensor(data).")
    return Tensor._make_subclass(cls, data.detach(), requires_grad)


class _MarkedClass(type):
    """The class of a class whose instances are also tensors of other subclasses that bear its mark."""

    def __instancecheck__(cls, instance):
        mark = vars(cls).get("_mark")  # not that of a subclass's base
        return type.__instancecheck__(cls, instance) or (mark is not None and isinstance(instance, Tensor) and hasattr(instance, mark))


def _marked(data, mark, requires_grad):
    """`data`, of a subclass that overrides operations, as a leaf of its own class that bears a mark; None for other tensors."""
    if type(data) is Tensor or not isinstance(data, Tensor) or type(data).__torch_function__ is _gate.disabled_torch_function:
        return None
    leaf = data.detach()
    if type(leaf) is not type(data):
        raise RuntimeError(
            f"Creating a Parameter from an instance of type {type(data).__name__} requires that detach() returns an instance of the "
            f"same type, but it returned {type(leaf).__name__}."
        )
    leaf.requires_grad_(requires_grad)
    setattr(leaf, mark, True)
    return leaf


def _rebuild(cls, data, requires_grad, state):
    """What unpickling calls."""
    self = _same_memory(data, cls, requires_grad)
    if state:
        self.__dict__.update(state)
    return self


class Parameter(Tensor, metaclass=_MarkedClass):
    """A tensor that a Module trains: `self.weight = Parameter(x)` registers it.

    Args:
        data: tensor whose memory is shared; an empty one by default.
        requires_grad: whether gradients are wanted.

    Operations on a Parameter return plain tensors. Made of an instance of another subclass of Tensor, which has operations of its
    own, it stays of that class; `isinstance(p, Parameter)` is true of it all the same.
    """

    _mark = "_is_param"

    __torch_function__ = _gate.disabled_torch_function

    def __new__(cls, data=None, requires_grad=True):
        marked = _marked(data, "_is_param", requires_grad)
        return _same_memory(pyxtorch.empty(0) if data is None else data, cls, requires_grad) if marked is None else marked

    def __init__(self, data=None, requires_grad=True):
        pass

    def __repr__(self):
        return "Parameter containing:\n" + Tensor.__repr__(self)

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = _rebuild(type(self), self.detach().clone(), self.requires_grad, dict(self.__dict__))
        return memo[id(self)]

    def __reduce_ex__(self, protocol):
        return _rebuild, (type(self), self.detach(), self.requires_grad, dict(self.__dict__))


class Buffer(Tensor, metaclass=_MarkedClass):
    """A tensor that belongs to a Module but is not trained.

    Args:
        data: tensor whose memory is shared; an empty one by default.
        persistent: whether it is part of the module's state_dict.
    """

    _mark = "_is_buffer"

    __torch_function__ = _gate.disabled_torch_function

    def __new__(cls, data=None, *, persistent=True):
        self = _marked(data, "_is_buffer", False)
        if self is None:
            self = _same_memory(pyxtorch.empty(0) if data is None else data, cls, False)
        self.persistent = persistent
        return self

    def __init__(self, data=None, *, persistent=True):
        pass

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = _rebuild(type(self), self.detach().clone(), self.requires_grad, dict(self.__dict__))
        return memo[id(self)]

    def __reduce_ex__(self, protocol):
        return _rebuild, (type(self), self.detach(), self.requires_grad, dict(self.__dict__))


class UninitializedTensorMixin:
    """Memory that is asked for later, when a lazy module sees its first input."""

    _becomes = None

    def materialize(self, shape, device=None, dtype=None):
        """Give it memory of `shape` and turn it into an ordinary Parameter or Buffer."""
        self.data = pyxtorch.empty(shape, device=device or self.device, dtype=dtype or self.dtype)
        self.__class__ = self._becomes

    def __repr__(self):
        return f"<{type(self).__name__}>"


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A Parameter whose shape is not known yet."""

    _becomes = Parameter

    def __new__(cls, requires_grad=True, device=None, dtype=None):
        return _same_memory(pyxtorch.empty(0, device=device, dtype=dtype), cls, requires_grad)

    def __init__(self, requires_grad=True, device=None, dtype=None):
        pass


class UninitializedBuffer(UninitializedTensorMixin, Buffer):
    """A Buffer whose shape is not known yet."""

    _becomes = Buffer

    def __new__(cls, requires_grad=False, device=None, dtype=None, persistent=True):
        self = _same_memory(pyxtorch.empty(0, device=device, dtype=dtype), cls, requires_grad)
        self.persistent = persistent
        return self

    def __init__(self, requires_grad=False, device=None, dtype=None, persistent=True):
        pass


def is_lazy(x):
    """Whether `x` still waits for its shape."""
    return isinstance(x, UninitializedTensorMixin)
