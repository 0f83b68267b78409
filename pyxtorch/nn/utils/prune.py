"""torch.nn.utils.prune: some elements of a parameter are set to zero and stay so.

A pruned parameter `weight` becomes three: the parameter `weight_orig`, which is trained, the buffer `weight_mask`, and `weight`, their
product, which a hook makes anew before each forward. `remove` makes a plain parameter of it again.
"""
from abc import ABC, abstractmethod
from collections.abc import Iterable

import pyxtorch

__all__ = [
    "BasePruningMethod", "Identity", "L1Unstructured", "LnStructured", "PruningContainer", "RandomStructured", "RandomUnstructured", "custom_from_mask",
    "global_unstructured", "identity", "is_pruned", "l1_unstructured", "ln_structured", "random_structured", "random_unstructured", "remove",
]  # fmt: skip


def _check_amount(amount):
    """Raises where an amount is neither a fraction from 0 to 1 nor a count."""
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if amount < 0 or (isinstance(amount, float) and amount > 1.0):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")


def _count(amount, size, what="parameters to prune"):
    """How many of `size` an amount is."""
    if isinstance(amount, int) and amount > size:
        raise ValueError(f"amount={amount} should be smaller than the number of {what}={size}")
    return amount if isinstance(amount, int) else round(amount * size)


def _check_structured(t):
    if t.dim() <= 1:
        raise ValueError(f"Structured pruning can only be applied to multidimensional tensors. Found tensor of shape {tuple(t.shape)} with {t.dim()} dims")


def _check_dim(t, dim):
    if not -t.dim() <= dim < t.dim():
        raise IndexError(f"Invalid index {dim} for tensor of size {tuple(t.shape)}")


def _only(t, dim, kept):
    """A mask that is 1 in the slices `kept` along `dim`."""
    shape = [1] * t.dim()
    shape[dim] = t.shape[dim]
    mask = t.new_zeros(t.shape[dim])
    mask[kept] = 1
    return mask.view(shape).expand_as(t).clone()


class BasePruningMethod(ABC):
    """How to choose what is pruned: a subclass says it in `compute_mask(t, default_mask)`.

    `PRUNING_TYPE` is "unstructured" (single elements), "structured" (slices) or "global" (several parameters as one vector).
    """

    _tensor_name: str

    def __call__(self, module, inputs):
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t, default_mask):
        """The mask for `t`, of which `default_mask` has zeros already."""

    def apply_mask(self, module):
        """The product of the original parameter and the mask."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        return getattr(module, self._tensor_name + "_mask") * getattr(module, self._tensor_name + "_orig")

    @classmethod
    def apply(cls, module, name, *args, importance_scores=None, **kwargs):
        """Prune the parameter `name` of `module`; a second time, what is left of it. Gives the method, made with the other arguments.

        `importance_scores`, of the parameter's shape, decide in its place.
        """
        before = [(key, hook) for key, hook in module._forward_pre_hooks.items() if isinstance(hook, BasePruningMethod) and hook._tensor_name == name]
        method = cls(*args, **kwargs)
        method._tensor_name = name
        original = getattr(module, name)
        if importance_scores is not None and importance_scores.shape != original.shape:
            raise AssertionError(f"importance_scores should have the same shape as parameter {name} of {module}")
        scores = original if importance_scores is None else importance_scores
        if not before:
            default = pyxtorch.ones_like(original)
            kept = method.compute_mask(scores.detach(), default_mask=default)
            original = module._parameters[name]
            del module._parameters[name]
            module.__dict__.pop(name, None)
            module.register_parameter(name + "_orig", original)
            module.register_buffer(name + "_mask", kept.to(original.dtype))
        else:
            key, hook = before[0]
            container = PruningContainer(hook) if not isinstance(hook, PruningContainer) else hook
            container._tensor_name = name
            default = getattr(module, name + "_mask").detach().clone(memory_format=pyxtorch.contiguous_format)
            container.add_pruning_method(method)
            module._forward_pre_hooks.pop(key)
            setattr(module, name + "_mask", container.compute_mask(scores.detach(), default_mask=default).to(default.dtype))
            method = container
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t, default_mask=None, importance_scores=None):
        """`t` with zeros where this method would prune it; nothing is kept."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        default = pyxtorch.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=default)

    def remove(self, module):
        """Make a plain parameter of what is pruned, zeros and all."""
        weight = self.apply_mask(module)
        name = self._tensor_name
        if hasattr(module, name):
            delattr(module, name)
        original = module._parameters[name + "_orig"]
        original.data = weight.data
        for kind, suffix in (("_parameters", "_orig"), ("_buffers", "_mask")):
            del getattr(module, kind)[name + suffix]
            module.__dict__.pop(name + suffix, None)
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Several methods on one parameter, one after the other: each prunes of what the ones before it left."""

    def __init__(self, *args):
        self._pruning_methods = ()
        self._tensor_name = args[0]._tensor_name if args and isinstance(args[0], BasePruningMethod) else None
        for method in args[0] if len(args) == 1 and isinstance(args[0], Iterable) else args:
            self._tensor_name = method._tensor_name if self._tensor_name is None else self._tensor_name
            self.add_pruning_method(method)

    def add_pruning_method(self, method):
        """Add one that is for the same parameter."""
        if not isinstance(method, BasePruningMethod) and method is not None:
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and self._tensor_name != method._tensor_name:
            raise ValueError(f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to PruningContainer {self}. "
                             f"Found '{method._tensor_name}'")  # fmt: skip
        self._pruning_methods += (method,)

    def __len__(self):
        return len(self._pruning_methods)

    def __iter__(self):
        return iter(self._pruning_methods)

    def __getitem__(self, index):
        return self._pruning_methods[index]

    def compute_mask(self, t, default_mask):
        """The mask by the last method, on the part that is not pruned yet."""
        method, mask = self._pruning_methods[-1], default_mask.to(t.dtype)
        if method.PRUNING_TYPE == "unstructured":
            part = mask == 1
        elif method.PRUNING_TYPE == "structured":
            others = [d for d in range(t.dim()) if d != method.dim % t.dim()]
            kept = mask.sum(others) != 0
            part = (slice(None),) * (method.dim % t.dim()) + (kept,)
        elif method.PRUNING_TYPE == "global":
            part = (slice(None),) * t.dim()
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        combined = mask.clone()
        combined[part] = method.compute_mask(t[part], default_mask=mask[part]).to(t.dtype)
        return combined


class Identity(BasePruningMethod):
    """Prunes nothing, but makes the three of one."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t, default_mask):
        return default_mask


class _Unstructured(BasePruningMethod):
    PRUNING_TYPE = "unstructured"

    def __init__(self, amount):
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t, default_mask):
        count = _count(self.amount, t.numel())
        mask = default_mask.clone(memory_format=pyxtorch.contiguous_format)
        if count:
            mask.view(-1)[self._importance(t).reshape(-1).topk(count, largest=False).indices] = 0
        return mask


class RandomUnstructured(_Unstructured):
    """Prunes an amount (a fraction, or a count) of elements by chance."""

    def _importance(self, t):
        return pyxtorch.rand(t.shape, device=t.device)


class L1Unstructured(_Unstructured):
    """Prunes the elements of the least absolute value."""

    def _importance(self, t):
        return t.abs()


class _Structured(BasePruningMethod):
    PRUNING_TYPE = "structured"

    def __init__(self, amount, dim=-1):
        _check_amount(amount)
        self.amount, self.dim = amount, dim

    def compute_mask(self, t, default_mask):
        _check_structured(t)
        _check_dim(t, self.dim)
        size = t.shape[self.dim]
        count = _count(self.amount, size)
        if count == 0:
            return default_mask
        kept = self._importance(t).topk(size - count, largest=True).indices
        return default_mask * _only(t, self.dim, kept).to(default_mask.dtype)


class RandomStructured(_Structured):
    """Prunes slices along `dim` by chance."""

    def _importance(self, t):
        return pyxtorch.rand(t.shape[self.dim], device=t.device)


class LnStructured(_Structured):
    """Prunes the slices along `dim` of the least norm `n`."""

    def __init__(self, amount, n, dim=-1):
        super().__init__(amount, dim)
        self.n = n

    def _importance(self, t):
        return pyxtorch.norm(t, p=self.n, dim=[d for d in range(t.dim()) if d != self.dim % t.dim()])


class CustomFromMask(BasePruningMethod):
    """Prunes where the mask given is 0."""

    PRUNING_TYPE = "global"

    def __init__(self, mask):
        self.mask = mask

    def compute_mask(self, t, default_mask):
        if default_mask.shape != self.mask.shape:
            raise AssertionError(f"the mask has shape {list(self.mask.shape)}, the parameter {list(default_mask.shape)}")
        return default_mask * self.mask.to(dtype=default_mask.dtype)


def identity(module, name):
    """Prune nothing of `module.name`, but prepare it. Returns the module, as all of these."""
    Identity.apply(module, name)
    return module


def random_unstructured(module, name, amount):
    """Prune an amount of single elements by chance."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module, name, amount, importance_scores=None):
    """Prune the amount of single elements that have the least absolute value, or score."""
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module, name, amount, dim):
    """Prune an amount of slices along `dim` by chance."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module, name, amount, n, dim, importance_scores=None):
    """Prune the amount of slices along `dim` that have the least norm `n`."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module, name, mask):
    """Prune where `mask` is 0."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(parameters, pruning_method, importance_scores=None, **kwargs):
    """Prune several parameters as if they were one.

    Args:
        parameters: (module, name) pairs. pruning_method: a class of unstructured methods, made with the other arguments.
        importance_scores: (module, name) to scores that decide in the place of the parameters.
    Raises:
        TypeError: `parameters` can't be iterated over, or the method isn't unstructured.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    parameters, importance_scores = list(parameters), importance_scores or {}
    if not isinstance(importance_scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    scores = [importance_scores.get((m, n), getattr(m, n)) for m, n in parameters]
    masks = [getattr(m, n + "_mask", pyxtorch.ones_like(getattr(m, n))) for m, n in parameters]
    method = pruning_method(**kwargs)
    method._tensor_name = "temp"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(f'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method {pruning_method} of type {method.PRUNING_TYPE}')
    container = PruningContainer(method)
    container._tensor_name = "temp"
    flat = [pyxtorch.cat([x.detach().reshape(-1) for x in xs]) for xs in (scores, masks)]
    final, at = container.compute_mask(*flat), 0
    for module, name in parameters:
        x = getattr(module, name)
        custom_from_mask(module, name, mask=final[at : at + x.numel()].view_as(x))
        at += x.numel()


def remove(module, name):
    """Make `module.name` a plain parameter again, zeros and all; it isn't undone. Returns the module.

    Raises:
        ValueError: it is not pruned.
    """
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module):
    """Whether a parameter of the module, or of one below it, is pruned."""
    return any(isinstance(hook, BasePruningMethod) for _, below in module.named_modules() for hook in below._forward_pre_hooks.values())
