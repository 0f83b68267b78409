"""Weight and spectral normalisation in their old form: by a hook before forward."""
import pyxtorch
from pyxtorch.nn.parameter import Parameter
from pyxtorch.nn.utils.parametrizations import _norm_except, _SpectralNorm


class WeightNorm:
    """Before forward: weight = weight_g * weight_v / |weight_v|."""

    def __init__(self, name, dim):
        self.name, self.dim = name, -1 if dim is None else dim

    def compute_weight(self, module):
        """The weight from its length and direction."""
        v = getattr(module, self.name + "_v")
        return v * (getattr(module, self.name + "_g") / _norm_except(v, self.dim))

    def __call__(self, module, inputs):
        setattr(module, self.name, self.compute_weight(module))


def _swap(module, hook, new):
    """Remove parameter hook.name and register `new` ones instead, then compute it."""
    for other in module._forward_pre_hooks.values():
        if type(other) is type(hook) and other.name == hook.name:
            raise RuntimeError(f"Cannot register two {type(hook).__name__} hooks on the same parameter {hook.name}")
    delattr(module, hook.name)
    for name, value in new.items():
        if isinstance(value, Parameter):
            module.register_parameter(name, value)
        else:
            module.register_buffer(name, value)
    setattr(module, hook.name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def _take_out(module, kind, name):
    for key, hook in list(module._forward_pre_hooks.items()):
        if type(hook) is kind and hook.name == name:
            del module._forward_pre_hooks[key]
            return hook
    raise ValueError(f"{kind.__name__} of '{name}' not found in {module}")


def weight_norm(module, name="weight", dim=0):
    """Split a weight into length <name>_g and direction <name>_v (of slices along `dim`)."""
    hook = WeightNorm(name, dim)
    weight = getattr(module, name)
    g = Parameter(_norm_except(weight.detach(), hook.dim))
    return _swap(module, hook, {name + "_g": g, name + "_v": Parameter(weight.detach())})


def remove_weight_norm(module, name="weight"):
    """Undo weight_norm."""
    hook = _take_out(module, WeightNorm, name)
    weight = hook.compute_weight(module).detach()
    for key in (name, name + "_g", name + "_v"):
        delattr(module, key)
    module.register_parameter(name, Parameter(weight))
    return module


class SpectralNorm:
    """Before forward: weight = weight_orig / its largest singular value."""

    def __init__(self, name, n_power_iterations, dim, eps):
        self.name, self.n_power_iterations, self.dim, self.eps = name, n_power_iterations, dim, eps

    def compute_weight(self, module, training=False):
        """The weight; in training after further power iterations."""
        weight = getattr(module, self.name + "_orig")
        matrix = weight.movedim(self.dim, 0).flatten(1)
        u, v = getattr(module, self.name + "_u"), getattr(module, self.name + "_v")
        if training:
            with pyxtorch.no_grad():
                for _ in range(self.n_power_iterations):
                    for to in (v, u):
                        x = matrix.detach().t() @ u if to is v else matrix.detach() @ v
                        to.copy_(x / pyxtorch.linalg.vector_norm(x).clamp(min=self.eps))
        return weight / (u.clone() * (matrix @ v.clone())).sum()

    def __call__(self, module, inputs):
        setattr(module, self.name, self.compute_weight(module, module.training))


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """Divide a weight, kept as <name>_orig, by its largest singular value before each forward."""
    if n_power_iterations <= 0:
        raise ValueError(f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}")
    if dim is None:
        dim = 1 if getattr(module, "transposed", False) else 0
    weight = getattr(module, name)
    start = _SpectralNorm(weight, n_power_iterations, dim, eps)
    new = {name + "_orig": Parameter(weight.detach()), name + "_u": start._u, name + "_v": start._v}
    return _swap(module, SpectralNorm(name, n_power_iterations, dim, eps), new)


def remove_spectral_norm(module, name="weight"):
    """Undo spectral_norm."""
    hook = _take_out(module, SpectralNorm, name)
    weight = hook.compute_weight(module).detach()
    for key in (name, name + "_orig", name + "_u", name + "_v"):
        delattr(module, key)
    module.register_parameter(name, Parameter(weight))
    return module
