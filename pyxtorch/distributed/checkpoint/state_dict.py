"""States of modules and optimisers, plain, DistributedDataParallel's or `fully_shard`'s, by names of parameters of the plain module.

Whole states have the same bytes on any number of processes, and those of a module in one process: `save` makes files that PyTorch
reads. All processes call these functions.
"""
from dataclasses import dataclass

import pyxtorch
from pyxtorch.distributed import _group, _objects
from pyxtorch.distributed._shard import is_sharded
from pyxtorch.distributed.fsdp import FSDPModule
from pyxtorch.nn.parallel.distributed import DistributedDataParallel

__all__ = [
    "StateDictOptions", "get_model_state_dict", "get_optimizer_state_dict", "get_state_dict", "set_model_state_dict", "set_optimizer_state_dict",
    "set_state_dict",
]  # fmt: skip


@dataclass
class StateDictOptions:
    """What a state is like.

    full_state_dict: whole parameters rather than this process's rows; with `cpu_offload` in rank 0 alone, others get an empty dict.
    ignore_frozen_params: without those that need no gradient. strict: names must be the module's. broadcast_from_rank0: what is
    set is rank 0's, and whole.
    """

    full_state_dict: bool = False
    cpu_offload: bool = False
    ignore_frozen_params: bool = False
    keep_submodule_prefixes: bool = True
    strict: bool = True
    broadcast_from_rank0: bool = False
    flatten_optimizer_state_dict: bool = False
    dsd_fqn_modifiers: str = "_fqn_modifiers"


def _inner(model):
    while isinstance(model, DistributedDataParallel):
        model = model.module
    return model


def _reshard(model):
    for unit in {m._unit: None for m in model.modules() if isinstance(m, FSDPModule)}:
        unit.release()


def _mine(options):
    """Whether this process gets what is gathered."""
    return not (options.full_state_dict and options.cpu_offload) or not _group.is_initialized() or _group.get_rank() == 0


def get_model_state_dict(model, *, submodules=None, options=None):
    """The state of a module: as `model.state_dict()`, without DistributedDataParallel's prefix, and whole if the options say so."""
    options, model = options or StateDictOptions(), _inner(model)
    if submodules:
        raise ValueError("get_model_state_dict: submodules is not taken; call it of the submodule")
    _reshard(model)
    parameters, state = dict(model.named_parameters(remove_duplicate=False)), model.state_dict()
    for name, x in list(state.items()):
        p = parameters.get(name)
        if p is not None and options.ignore_frozen_params and not p.requires_grad:
            del state[name]
        elif p is not None and options.full_state_dict and is_sharded(p):
            state[name] = p._cut.whole(x)
        if name in state and options.cpu_offload and isinstance(x, pyxtorch.Tensor):
            state[name] = state[name].cpu()
    return state if _mine(options) else {}


def _from_first(state, options):
    """The state that is to be set: this process's, or that of rank 0."""
    if not options.broadcast_from_rank0 or not _group.is_initialized() or _group.get_world_size() == 1:
        return state
    said = [state if _group.get_rank() == 0 else None]
    _objects.broadcast_object_list(said, 0)
    return said[0]


def set_model_state_dict(model, model_state_dict, *, options=None):
    """Set the state of a module: of whole parameters each process takes its rows. Gives what `load_state_dict` does."""
    options, model = options or StateDictOptions(), _inner(model)
    _reshard(model)
    parameters, state = dict(model.named_parameters(remove_duplicate=False)), _from_first(dict(model_state_dict), options)
    whole = options.full_state_dict or options.broadcast_from_rank0
    state = {name: _rows(parameters[name], x, whole, name) if name in parameters else x for name, x in state.items()}
    return model.load_state_dict(state, strict=options.strict)


def _rows(p, x, whole, name):
    """This process's rows of a tensor that is whole."""
    if not whole or not is_sharded(p) or not isinstance(x, pyxtorch.Tensor) or x.dim() == 0:
        return x
    if tuple(x.shape) != p._cut.size:
        raise RuntimeError(f"size mismatch for {name}: a tensor of shape {tuple(x.shape)} from the state, where the whole parameter is of {p._cut.size}")
    return p._cut.part(x)


def _names(model):
    return {id(p): name for name, p in model.named_parameters()}


def _optimizers(optimizers):
    return list(optimizers) if isinstance(optimizers, list | tuple) else [optimizers]


def get_optimizer_state_dict(model, optimizers, *, submodules=None, options=None):
    """The state of an optimiser, or several: {"state": {name: {...}}, "param_groups": [...]}, by names of parameters."""
    options, model = options or StateDictOptions(), _inner(model)
    if submodules or options.flatten_optimizer_state_dict:
        raise ValueError("get_optimizer_state_dict: neither submodules nor flatten_optimizer_state_dict is taken")
    _reshard(model)
    names, made = _names(model), {"state": {}, "param_groups": []}
    for optimizer in _optimizers(optimizers):
        for group in optimizer.param_groups:
            made["param_groups"].append({**{k: v for k, v in group.items() if k != "params"}, "params": [names[id(p)] for p in group["params"]]})
            for p in group["params"]:
                state = dict(optimizer.state.get(p, {}))
                if options.full_state_dict and is_sharded(p):
                    state = _whole_state(p, state)
                if options.cpu_offload:
                    state = {k: v.cpu() if isinstance(v, pyxtorch.Tensor) else v for k, v in state.items()}
                if state:
                    made["state"][names[id(p)]] = state
    return made if _mine(options) else {}


def _whole_state(p, state):
    """The state of a parameter, with the rows of all processes. All of its processes have such state, or none."""
    return {k: p._cut.whole(v) if isinstance(v, pyxtorch.Tensor) and v.shape == p.shape and v.dim() else v for k, v in state.items()}


def set_optimizer_state_dict(model, optimizers, optim_state_dict, *, options=None):
    """Set the state of an optimiser, or several, from what `get_optimizer_state_dict` gave."""
    options, model = options or StateDictOptions(), _inner(model)
    _reshard(model)
    whole, given = options.full_state_dict or options.broadcast_from_rank0, _from_first(optim_state_dict, options)
    names, groups = _names(model), {name: g for g in given["param_groups"] for name in g["params"]}
    for optimizer in _optimizers(optimizers):
        state, number, packed = {}, 0, []
        for group in optimizer.param_groups:
            own = [names[id(p)] for p in group["params"]]
            missing = [name for name in own if name not in groups]
            if missing:
                raise RuntimeError(f"set_optimizer_state_dict: the state has no group with the parameter {missing[0]}")
            source = groups[own[0]] if own else group
            packed.append({**{k: v for k, v in source.items() if k != "params"}, "params": list(range(number, number + len(own)))})
            for p, name in zip(group["params"], own):
                if name in given["state"]:
                    state[number] = {k: _rows(p, v, whole, f"{name}: {k}") for k, v in given["state"][name].items()}
                number += 1
        optimizer.load_state_dict({"state": state, "param_groups": packed})


def get_state_dict(model, optimizers, *, submodules=None, options=None):
    """(get_model_state_dict, get_optimizer_state_dict)."""
    return (get_model_state_dict(model, submodules=submodules, options=options),
            get_optimizer_state_dict(model, optimizers, submodules=submodules, options=options))  # fmt: skip


def set_state_dict(model, optimizers, *, model_state_dict, optim_state_dict, options=None):
    """Both at once; gives what `set_model_state_dict` does."""
    set_optimizer_state_dict(model, optimizers, optim_state_dict, options=options)
    return set_model_state_dict(model, model_state_dict, options=options)
