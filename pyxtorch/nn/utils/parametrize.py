"""Parametrisations: an attribute of a module computed from other parameters whenever it is read."""
from contextlib import contextmanager

import pyxtorch
from pyxtorch import Tensor
from pyxtorch.nn.modules.container import ModuleDict, ModuleList
from pyxtorch.nn.parameter import Parameter

_cache_depth = 0
_cache = {}


@contextmanager
def cached():
    """Inside, each parametrised attribute is computed once."""
    global _cache_depth
    _cache_depth += 1
    try:
        yield
    finally:
        _cache_depth -= 1
        if not _cache_depth:
            _cache.clear()


class ParametrizationList(ModuleList):
    """The parametrisations of one attribute, and what they compute it from: original, or
    original0, original1, ... if the first one's right_inverse gives several tensors."""

    def __init__(self, modules, original, unsafe=False):
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        value = original
        with pyxtorch.no_grad():
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    try:
                        value = module.right_inverse(value)
                    except NotImplementedError:
                        pass
        self.is_tensor = isinstance(value, Tensor)
        self.ntensors = 1 if self.is_tensor else len(value)
        if self.is_tensor:
            if value.dtype != original.dtype and not unsafe:
                raise ValueError(f"When `right_inverse` outputs one tensor, it may not change the dtype: {original.dtype} to {value.dtype}.")
            if isinstance(original, Parameter):
                with pyxtorch.no_grad():
                    original.data = value.detach()
                self.original = original
            else:
                self.register_buffer("original", value)
        else:
            if not isinstance(value, (tuple, list)):
                raise ValueError(f"'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got {type(value).__name__}")
            for i, part in enumerate(value):
                if not isinstance(part, Tensor):
                    raise ValueError(f"internal error in 'right_inverse': part {i} is {type(part).__name__}, not a Tensor.")
                if isinstance(original, Parameter):
                    setattr(self, f"original{i}", Parameter(part.detach(), requires_grad=original.requires_grad))
                else:
                    self.register_buffer(f"original{i}", part)

    def right_inverse(self, value):
        """Choose the originals so that the attribute becomes `value`."""
        with pyxtorch.no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                value = module.right_inverse(value)
            if self.is_tensor:
                self.original.data = value.detach()
            else:
                for i, part in enumerate(value):
                    getattr(self, f"original{i}").data = part.detach()

    def forward(self):
        first = self[0]
        if self.is_tensor:
            value = first(self.original)
        else:
            value = first(*[getattr(self, f"original{i}") for i in range(self.ntensors)])
        for module in list(self)[1:]:
            value = module(value)
        return value


def _attribute(name):
    """The property that computes a parametrised attribute."""

    def get(self):
        parametrization = self.__dict__["parametrizations"][name]
        if not _cache_depth:
            return parametrization()
        key = id(self), name
        if key not in _cache:
            _cache[key] = parametrization()
        return _cache[key]

    def set(self, value):
        self.__dict__["parametrizations"][name].right_inverse(value)

    return property(get, set)


def _own_class(module):
    """Give the module a class of its own, which may hold properties."""
    base = type(module)

    def deepcopy(self, memo):
        import copy

        replica = type(self).__new__(type(self))
        memo[id(self)] = replica
        replica.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return replica

    def getstate(self):
        raise RuntimeError("Serialization of parametrized modules is only supported through state_dict().")

    body = {"__module__": base.__module__, "__doc__": base.__doc__, "parametrized_base": base, "__reduce_ex__": lambda self, protocol: getstate(self)}
    body["__deepcopy__"] = deepcopy
    module.__class__ = type(f"Parametrized{base.__name__}", (base,), body)


def is_parametrized(module, tensor_name=None):
    """Whether a module has parametrisations, or one of this attribute."""
    parametrizations = module.__dict__.get("parametrizations")
    if not isinstance(parametrizations, ModuleDict) or not len(parametrizations):
        return False
    return tensor_name is None or tensor_name in parametrizations


def register_parametrization(module, tensor_name, parametrization, *, unsafe=False):
    """Compute `module.<tensor_name>` by `parametrization` from now on.

    Args:
        module: whose parameter or buffer it is.
        tensor_name: the attribute.
        parametrization: Module with forward(original), perhaps right_inverse(value); several
            registered for one attribute follow one another.
        unsafe: allow dtype and shape to change.
    Returns:
        module.
    """
    if is_parametrized(module, tensor_name):
        lst = module.parametrizations[tensor_name]
        if not unsafe:
            value = getattr(module, tensor_name)
            changed = parametrization(value)
            if changed.shape != value.shape or changed.dtype != value.dtype:
                raise ValueError(f"A parametrization may not change the shape or dtype of the tensor: {tuple(value.shape)}, {value.dtype} to {tuple(changed.shape)}, {changed.dtype}.")
        if hasattr(parametrization, "right_inverse") and lst.is_tensor:
            with pyxtorch.no_grad():
                value = getattr(module, tensor_name)
                lst.append(parametrization)
                lst.right_inverse(value)
        else:
            lst.append(parametrization)
        return module
    if tensor_name not in module._parameters and tensor_name not in module._buffers:
        raise ValueError(f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name '{tensor_name}'")
    original = getattr(module, tensor_name)
    shape, dtype = tuple(original.shape), original.dtype
    parametrizations = ParametrizationList([parametrization], original, unsafe=unsafe)
    with pyxtorch.no_grad():
        value = parametrizations()
    if not unsafe and (not isinstance(value, Tensor) or tuple(value.shape) != shape or value.dtype != dtype):
        raise ValueError(f"A parametrization may not change the shape or dtype of the tensor: {shape}, {dtype} to {value}.")
    delattr(module, tensor_name)
    if "parametrizations" not in module._modules:
        _own_class(module)
        module.parametrizations = ModuleDict()
    setattr(type(module), tensor_name, _attribute(tensor_name))
    module.parametrizations[tensor_name] = parametrizations
    return module


def remove_parametrizations(module, tensor_name, leave_parametrized=True):
    """Make the attribute an ordinary parameter again: its computed value, or the original."""
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    lst = module.parametrizations[tensor_name]
    if lst.is_tensor:
        original = lst.original
        if leave_parametrized:
            with pyxtorch.no_grad():
                original.data = getattr(module, tensor_name).detach()
    else:
        if not leave_parametrized:
            raise ValueError("Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a sequence of tensors.")
        original = getattr(module, tensor_name).detach()
        if isinstance(lst.original0, Parameter):
            original = Parameter(original, requires_grad=lst.original0.requires_grad)
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    if isinstance(original, Parameter):
        module.register_parameter(tensor_name, original)
    else:
        module.register_buffer(tensor_name, original)
    if not len(module.parametrizations):
        del module.parametrizations
        module.__class__ = type(module).parametrized_base
    return module


def type_before_parametrizations(module):
    """The class of the module as it was written."""
    return type(module).parametrized_base if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module, to_module, tensor_name=None):
    """Give `to_module` the parametrisations of `from_module`, sharing their tensors' values."""
    if not is_parametrized(from_module):
        return to_module
    for name in [tensor_name] if tensor_name else list(from_module.parametrizations):
        for module in from_module.parametrizations[name]:
            register_parametrization(to_module, name, module)
        source, target = from_module.parametrizations[name], to_module.parametrizations[name]
        for (_, a), (_, b) in zip(source.named_parameters(), target.named_parameters()):
            b.data = a.detach().clone()
    return to_module
