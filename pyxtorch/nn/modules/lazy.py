"""Modules that take the shapes of their parameters from the first input."""
from pyxtorch.nn.parameter import is_lazy


class LazyModuleMixin:
    """To put before a Module class: its parameters start uninitialised.

    The first call runs `initialize_parameters(*args, **kwargs)`, which gives them shapes, and the
    module becomes an instance of `cls_to_become`.
    """

    cls_to_become = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._lazy_handle = self.register_forward_pre_hook(_infer, with_kwargs=True)
        self._register_load_state_dict_pre_hook(_take_shapes, with_module=True)

    def has_uninitialized_params(self):
        """Whether a parameter or buffer still waits for its shape."""
        return any(is_lazy(x) for x in (*self._parameters.values(), *self._buffers.values()))

    def initialize_parameters(self, *args, **kwargs):
        """To override: give the parameters their shapes, knowing the input."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def _become(self):
        self.__dict__.pop("_lazy_handle").remove()
        if self.cls_to_become is not None:
            self.__class__ = self.cls_to_become


def _infer(module, args, kwargs):
    module.initialize_parameters(*args, **kwargs)
    if module.has_uninitialized_params():
        raise RuntimeError(f"module {type(module).__name__} has not been fully initialized")
    module._become()


def _take_shapes(module, state_dict, prefix, *rest):
    """Before loading: a stored tensor knows the shape that a lazy one waits for."""
    for name, x in (*module._parameters.items(), *module._buffers.items()):
        stored = state_dict.get(prefix + name)
        if is_lazy(x) and stored is not None and not is_lazy(stored):
            x.materialize(tuple(stored.shape))


