"""torch.utils.module_tracker: which module's forward is running."""
from pyxtorch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

__all__ = ["ModuleTracker"]


class ModuleTracker:
    """Within a `with` block `parents` holds the names of the modules whose forward is running, "Global" and the outermost first.

    A module's name is that of its class, with the name that it has in the module that called it behind a dot.
    """

    def __init__(self):
        self.parents, self._stack, self._names = {"Global"}, [], {}

    def __enter__(self):
        self._hooks = [register_module_forward_pre_hook(self._before), register_module_forward_hook(self._after, always_call=True)]
        return self

    def __exit__(self, *error):
        for hook in self._hooks:
            hook.remove()

    def _name(self, module):
        if module not in self._names:  # the outermost one names all below it
            self._names.update({below: f"{type(module).__name__}.{path}" if path else type(module).__name__ for path, below in module.named_modules()})
        return self._names[module]

    def _before(self, module, inputs):
        name = self._name(module)
        self._stack.append((name, name in self.parents))
        self.parents.add(name)

    def _after(self, module, inputs, output):
        name, before = self._stack.pop()
        if not before:
            self.parents.discard(name)

    @property
    def is_bw(self):
        """Whether a backward is running: False, forwards are what is followed."""
        return False
