"""torch.distributed.fsdp: modules whose parameters, gradients and optimiser state are spread over the processes.

Each process keeps some rows of every parameter. A module that `fully_shard` was called of has its whole parameters while its forward
runs; backward gathers them again, and leaves each process the rows of the gradients' mean. Optimisers train the rows.
"""
import functools
from dataclasses import dataclass

import pyxtorch
from pyxtorch.distributed import _group
from pyxtorch.distributed._shard import ShardedParameter, Unit
from pyxtorch.distributed.device_mesh import DeviceMesh, init_device_mesh
from pyxtorch.nn.modules.module import Module

__all__ = ["CPUOffloadPolicy", "FSDPModule", "MixedPrecisionPolicy", "OffloadPolicy", "UnshardHandle", "fully_shard", "register_fsdp_forward_method"]


@dataclass(frozen=True)
class MixedPrecisionPolicy:
    """dtypes of whole parameters, of what gradients are added in, of outputs; whether inputs are cast to `param_dtype`. None: as they are."""

    param_dtype: pyxtorch.dtype | None = None
    reduce_dtype: pyxtorch.dtype | None = None
    output_dtype: pyxtorch.dtype | None = None
    cast_forward_inputs: bool = True


@dataclass
class OffloadPolicy:
    """Where rows are kept between uses: where they are."""


@dataclass
class CPUOffloadPolicy(OffloadPolicy):
    """In memory of the CPU, where those of the CPU are already."""

    pin_memory: bool = True


class UnshardHandle:
    """What `FSDPModule.unshard(async_op=True)` gives."""

    def wait(self):
        """Wait until the parameters are whole: they are."""


def _cast(x, dtype):
    """Floating tensors in containers, in a dtype."""
    if isinstance(x, pyxtorch.Tensor):
        return x.to(dtype) if x.is_floating_point() else x
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*(_cast(y, dtype) for y in x))
    if isinstance(x, list | tuple):
        return type(x)(_cast(y, dtype) for y in x)
    return {k: _cast(y, dtype) for k, y in x.items()} if isinstance(x, dict) else x


def _sharding(method):
    """A forward of an FSDPModule: with its unit's whole parameters."""

    @functools.wraps(method)
    def run(self, *args, **kwargs):
        unit = self._unit
        policy = unit.policy
        if policy.param_dtype is not None and policy.cast_forward_inputs:
            args, kwargs = _cast(args, policy.param_dtype), _cast(kwargs, policy.param_dtype)
        with unit.whole():
            outputs = method(self, *args, **kwargs)
        return outputs if policy.output_dtype is None else _cast(outputs, policy.output_dtype)

    return run


class FSDPModule:
    """The base that `fully_shard` gives to a module's class."""

    _unit = None

    def _units(self, recurse=True):
        found = dict.fromkeys(m._unit for m in (self.modules() if recurse else [self]) if isinstance(m, FSDPModule))
        return list(found)

    def unshard(self, async_op=False):
        """Put whole parameters in place until `reshard`. All processes call it."""
        self._unit.hold()
        return UnshardHandle() if async_op else None

    def reshard(self):
        """Put the rows back in place."""
        self._unit.release()

    def set_requires_gradient_sync(self, requires_gradient_sync, *, recurse=True):
        """Whether backward spreads gradients, or only adds them up here until one does."""
        for unit in self._units(recurse):
            unit.syncs = bool(requires_gradient_sync)

    def set_reshard_after_forward(self, reshard_after_forward, recurse=True):
        """Whether whole parameters are gathered again for backward, or kept."""
        for unit in self._units(recurse):
            unit.reshard = bool(reshard_after_forward)

    def set_gradient_divide_factor(self, factor):
        """Divide sums of gradients by this in the place of the number of processes."""
        self._unit.divisor = float(factor)

    set_reduce_scatter_divide_factor = set_gradient_divide_factor

    def set_reshard_after_backward(self, reshard_after_backward, *, recurse=True):
        """Taken: what backward gathered is let go after it always."""

    def set_is_last_backward(self, is_last_backward):
        """Taken: each backward is complete in itself."""

    def set_modules_to_forward_prefetch(self, modules):
        """Taken: modules are gathered when they are run."""

    set_modules_to_backward_prefetch = set_modules_to_forward_prefetch

    def set_requires_all_reduce(self, requires_all_reduce, *, recurse=True):
        """Taken where it says True, as always.

        Raises:
            ValueError: it is False.
        """
        if not requires_all_reduce:
            raise ValueError("set_requires_all_reduce(False): gradients of copies are always averaged. Use set_requires_gradient_sync(False).")


def _mesh_of(mesh):
    if mesh is None:
        return init_device_mesh("cpu", (_group._get_default_group().size(),))
    if not isinstance(mesh, DeviceMesh) or mesh.ndim not in (1, 2):
        raise ValueError(f"fully_shard expects a 1D or 2D DeviceMesh but got {mesh!r}")
    return mesh


def _owned(roots, ignored):
    """(parameter, [(module, name), ...]) of all that no unit below has, and the modules that have them."""
    places, owners, seen = {}, [], set()

    def walk(module, top):
        if id(module) in seen or (isinstance(module, FSDPModule) and not top):
            return
        seen.add(id(module))
        for name, p in module._parameters.items():
            if p is None or p in ignored:
                continue
            if isinstance(p, ShardedParameter) or getattr(p, "_in_unit", None) is not None:
                raise ValueError(f"fully_shard: parameter {name!r} of {type(module).__name__} is shared with a module that was sharded before. Shard both in one call.")
            if p.dim() == 0:
                raise ValueError(f"fully_shard doesn't support scalar parameters. Change {name} to a 1D tensor with numel equal to 1.")
            if p.device.type != "cpu":
                raise RuntimeError(f"fully_shard: parameter {name!r} is on {p.device}; parameters of the CPU can be sharded")
            places.setdefault(id(p), (p, []))[1].append((module, name))
            if module not in owners:
                owners.append(module)
        for child in module._modules.values():
            if child is not None:
                walk(child, False)

    for root in roots:
        walk(root, True)
    return list(places.values()), owners


def fully_shard(module, *, mesh=None, reshard_after_forward=None, shard_placement_fn=None, mp_policy=None, offload_policy=None, ignored_params=None,
                dp_mesh_dims=None):  # fmt: skip
    """Spread a module's parameters over the processes, each of which keeps some rows. Called of inner modules first, then of outer ones.

    Modules have to be alike in all processes: rank 0's numbers are taken. An optimiser is made afterwards, of the parameters that
    there are then.

    Args:
        module: a Module, or a list of some that are gathered together. What was sharded before is left as it is.
        mesh: processes of one dimension, by default all; of two dimensions: the first has copies, the second parts.
        reshard_after_forward: gather again for backward; False: keep whole parameters until then. None: False for the outermost.
        mp_policy: a MixedPrecisionPolicy. offload_policy: taken. ignored_params: a set of parameters that stay whole.
    Returns:
        `module`, whose class is a subclass of its own and of FSDPModule now.
    Raises:
        ValueError: it was sharded before, has a parameter of dimension 0, or shares one with a module that was.
        RuntimeError: a parameter is not on the CPU.
    """
    roots = list(module) if isinstance(module, list | tuple) else [module]
    if not roots or not all(isinstance(m, Module) for m in roots):
        raise TypeError(f"fully_shard: expected a Module or a list of Modules, not {type(module).__name__}")
    for root in roots:
        if isinstance(root, FSDPModule):
            raise ValueError(f"fully_shard has already been applied to this module of class {type(root).__name__}")
        if type(root).forward is Module.forward:
            raise ValueError(f"fully_shard does not support containers that do not implement forward: {type(root).__name__}")
    if shard_placement_fn is not None:
        raise ValueError("fully_shard: parameters are cut along their first dimension; shard_placement_fn cannot say otherwise")
    if isinstance(reshard_after_forward, int) and not isinstance(reshard_after_forward, bool):
        raise ValueError(f"fully_shard: reshard_after_forward={reshard_after_forward}: parts among fewer processes are not made. Say True, False or None.")
    mesh = _mesh_of(mesh)
    places, owners = _owned(roots, ignored_params or set())
    _same_numbers([p for p, _ in places], mesh)
    unit = Unit(roots, places, mesh, mp_policy or MixedPrecisionPolicy(), reshard_after_forward)
    for root in roots:
        base = type(root)
        root.__class__ = type(f"FSDP{base.__name__}", (FSDPModule, base), {"forward": _sharding(base.forward), "__module__": base.__module__})
        root._unit = unit
    for owner in owners:
        if owner not in roots:
            _guard(owner, unit)
    return module


def _guard(owner, unit):
    """Let a module whose parameters a unit has gather them where it is called by itself: by checkpointing in a backward, for example."""
    opened = []

    def before(module, args):
        opened.append(unit.whole())
        opened[-1].__enter__()

    def after(module, args, outputs):
        opened.pop().__exit__(None, None, None)

    owner.register_forward_pre_hook(before)
    owner.register_forward_hook(after, always_call=True)


def _same_numbers(parameters, mesh):
    """Check that parameters are alike in all processes, and take those of the first."""
    from pyxtorch.distributed import _collectives, _objects

    for group in mesh.get_all_groups():
        if group.size() == 1:
            continue
        mine, found = [[list(p.shape), str(p.dtype), p.requires_grad] for p in parameters], [None] * group.size()
        _objects.all_gather_object(found, mine, group)
        for rank, one in enumerate(found):
            if one != found[0]:
                raise RuntimeError(f"fully_shard expects the same module in all processes, but processes 0 and {rank} of the group have {found[0]} and {one}")
        for p in parameters:
            _collectives.broadcast(p.detach(), group=group, group_src=0)


def register_fsdp_forward_method(module, method_name):
    """Let another method of a module that was sharded have its whole parameters, too; of other modules, do nothing."""
    if not isinstance(module, FSDPModule):
        return
    if not hasattr(module, method_name):
        raise ValueError(f"{type(module).__name__} does not have a method {method_name}")
    setattr(module, method_name, _sharding(getattr(type(module), method_name)).__get__(module))
