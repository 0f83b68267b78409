"""An exported program as a tree of modules again."""
from abc import ABC, abstractmethod

from pyxtorch.export.exported_program import ExportedModule
from pyxtorch.utils._pytree import tree_flatten, tree_unflatten

__all__ = ["FlatArgsAdapter", "UnflattenedModule", "unflatten"]


class FlatArgsAdapter(ABC):
    """Brings arguments of another structure into that of the program. A subclass has the method `adapt`."""

    @abstractmethod
    def adapt(self, target_spec, input_spec, input_args, metadata=None, obj=None):
        """The flat arguments for `target_spec` from those of `input_spec`."""

    def get_flat_arg_paths(self):
        """Paths of arguments that are needed; none are asked for."""
        return []


class UnflattenedModule(ExportedModule):
    """An exported program whose tensors lie in modules of the names that they had; the graph is that of the whole."""

    def __init__(self, export_module, flat_args_adapter=None):
        super().__init__(export_module, True)
        self._adapter = flat_args_adapter

    def train(self, mode=True):
        """Mark the modules; the graph stays that of the mode in which the module was exported."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self):
        """As `train(False)`."""
        return self.train(False)

    def forward(self, *args, **kwargs):
        leaves, spec = tree_flatten((args, kwargs))
        wanted = self._program.call_spec.in_spec
        if spec != wanted and self._adapter is not None:
            args, kwargs = tree_unflatten(self._adapter.adapt(target_spec=wanted, input_spec=spec, input_args=leaves), wanted)
        return super().forward(*args, **kwargs)


def unflatten(module, flat_args_adapter=None):
    """An exported program as a module whose parameters are found where those of the original were.

    Args:
        module: an ExportedProgram. flat_args_adapter: a FlatArgsAdapter for arguments of another structure.
    """
    return UnflattenedModule(module, flat_args_adapter)
