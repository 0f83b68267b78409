"""Saving and loading a module's state: the part of Module behind `state_dict()`."""
import typing
from collections import OrderedDict, namedtuple

import pyxtorch
from pyxtorch import Tensor
from pyxtorch.__future__ import _state as conversions
from pyxtorch._tape.hooks import hang
from pyxtorch.nn.modules._mistakes import instead_of, what_does_not_fit
from pyxtorch.nn.parameter import Parameter, is_lazy

_EXTRA_STATE_KEY_SUFFIX = "_extra_state"


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    __slots__ = ()

    def __repr__(self):
        return "<All keys matched successfully>" if not self.missing_keys and not self.unexpected_keys else super().__repr__()

    __str__ = __repr__


class _WithModule:
    """A load pre-hook that wants its module as first argument."""

    def __init__(self, hook, module):
        self.hook, self.module = hook, module

    def __call__(self, *args):
        return self.hook(self.module, *args)


def in_one_place(a, b):
    """Whether two tensors begin at one address; a sparse tensor has none."""
    return a.layout is b.layout is pyxtorch.strided and a.data_ptr() == b.data_ptr()


def convert(module, name, parameter, fn):
    """Let a parameter of `module` be what `fn` makes of it: the object stays unless `__future__` says otherwise. Its gradient goes along."""
    changed, gradient = fn(parameter.detach()), parameter.grad
    if conversions["overwrite"] or conversions["swap"]:
        made = Parameter(changed, requires_grad=parameter.requires_grad)
        if gradient is not None:
            made.grad = fn(gradient.detach()).requires_grad_(gradient.requires_grad)
        if conversions["swap"]:
            pyxtorch.utils.swap_tensors(parameter, made)
        else:
            module._parameters[name] = made
    elif not in_one_place(changed, parameter) or changed.dtype != parameter.dtype or changed.device != parameter.device:
        if gradient is not None:
            parameter.grad = None  # it would not fit meanwhile
        parameter.data = changed
        if gradient is not None:
            parameter.grad = fn(gradient.detach()).requires_grad_(gradient.requires_grad)
    elif gradient is not None:
        changed = fn(gradient.detach())
        if not in_one_place(changed, gradient):
            parameter.grad = changed.requires_grad_(gradient.requires_grad)


class StateDict:
    """Mixin of Module: state_dict, load_state_dict and their hooks, and what concerns a module as a whole."""

    T_destination = typing.TypeVar("T_destination", bound=dict)  # for annotations of state_dict
    _state_hooks = None  # kind to {number: hook}; made when the first is registered

    def compile(self, *args, **kwargs):
        """Ask for this module to be compiled in place, with the arguments of `pyxtorch.compile`: calls stay what they are."""
        pyxtorch.compile(type(self).__call__, *args, **kwargs)

    def _add_state_hook(self, kind, hook):
        if self._state_hooks is None:
            self._state_hooks = {}
        return hang(self._state_hooks.setdefault(kind, {}), hook)

    def _hooks_of_state(self, kind):
        return list(self._state_hooks.get(kind, {}).values()) if self._state_hooks else ()

    def register_state_dict_pre_hook(self, hook):
        """Call `hook(module, prefix, keep_vars)` before each state_dict()."""
        return self._add_state_hook("save_pre", hook)

    def register_state_dict_post_hook(self, hook):
        """Call `hook(module, state_dict, prefix, local_metadata)` after each state_dict(); it may change it in place."""
        def post(*args):
            if hook(*args) is not None:
                raise RuntimeError("state_dict post-hook must return None")

        return self._add_state_hook("save", post)

    def _register_state_dict_hook(self, hook):
        return self._add_state_hook("save", hook)

    def register_load_state_dict_pre_hook(self, hook):
        """Call `hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)` before loading."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(self, hook, with_module=False):
        return self._add_state_hook("load_pre", _WithModule(hook, self) if with_module else hook)

    def register_load_state_dict_post_hook(self, hook):
        """Call `hook(module, incompatible_keys)` after loading; it may change the lists in place."""
        return self._add_state_hook("load", hook)

    def get_extra_state(self):
        """To override: what else state_dict() should hold, under `_extra_state`."""
        raise RuntimeError("Reached a code path in Module.get_extra_state() that should never be called.")

    def set_extra_state(self, state):
        """To override together with get_extra_state: take `state` back."""
        raise RuntimeError("Reached a code path in Module.set_extra_state() that should never be called.")

    # ------------------------------------------------------------------------------ saving

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        for name, parameter in self._parameters.items():
            if parameter is not None:
                destination[prefix + name] = parameter if keep_vars or is_lazy(parameter) else parameter.detach()
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = buffer if keep_vars or is_lazy(buffer) else buffer.detach()
        if type(self).get_extra_state is not StateDict.get_extra_state:
            destination[prefix + _EXTRA_STATE_KEY_SUFFIX] = self.get_extra_state()

    def state_dict(self, *args, destination=None, prefix="", keep_vars=False):
        """Parameters and persistent buffers by name, sharing memory with the module.

        Args:
            destination: dict to fill; a new one by default.
            prefix: put before each name.
            keep_vars: keep Parameters as they are instead of detached.
        """
        if args:  # the old positional form: destination, prefix, keep_vars
            destination = args[0]
            prefix = args[1] if len(args) > 1 else prefix
            keep_vars = args[2] if len(args) > 2 else keep_vars
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in self._hooks_of_state("save_pre"):
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=prefix + name + ".", keep_vars=keep_vars)
        for hook in self._hooks_of_state("save"):
            changed = hook(self, destination, prefix, metadata)
            if changed is not None:
                destination = changed
        return destination

    # ------------------------------------------------------------------------------ loading

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs):
        """Load what is this module's own, not its children's; collects problems in the lists."""
        for hook in self._hooks_of_state("load_pre"):
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own = {**self._parameters}
        own.update((n, b) for n, b in self._buffers.items() if n not in self._non_persistent_buffers_set)
        assign = local_metadata.get("assign_to_params_buffers", False)
        own = {name: x for name, x in own.items() if x is not None}
        for name, current in own.items():
            key = prefix + name
            if key not in state_dict:
                if strict:
                    missing_keys.append(key)
                continue
            value = state_dict[key]
            if not isinstance(value, Tensor):
                error_msgs.append(f'While copying the parameter named "{key}", expected a Tensor from checkpoint but received {type(value)}')
                continue
            lazy = is_lazy(current)
            if not lazy and current.dim() == 0 and value.dim() == 1 and value.numel() == 1:
                value = value[0]
            if not lazy and tuple(value.shape) != tuple(current.shape):
                error_msgs.append(f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, the shape in current model is {current.shape}.")
                continue
            try:
                self._load_one(name, current, value, assign)
            except Exception as error:
                error_msgs.append(
                    f'While copying the parameter named "{key}", whose dimensions in the model are {current.shape} and whose '
                    f"dimensions in the checkpoint are {value.shape}, an exception occurred : {error.args}."
                )
        extra = prefix + _EXTRA_STATE_KEY_SUFFIX
        if type(self).set_extra_state is not StateDict.set_extra_state:
            if extra in state_dict:
                self.set_extra_state(state_dict[extra])
            elif strict:
                missing_keys.append(extra)
        elif strict and extra in state_dict:
            unexpected_keys.append(extra)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != extra:
                    head, _, tail = key[len(prefix):].partition(".")
                    if head not in self._modules if tail else head not in own:
                        unexpected_keys.append(key)

    def _load_one(self, name, current, value, assign):
        with pyxtorch.no_grad():
            if conversions["swap"]:
                made = current.module_load(value, assign=assign)
                if isinstance(current, Parameter):
                    made = made if isinstance(made, Parameter) else Parameter(made, requires_grad=current.requires_grad)
                pyxtorch.utils.swap_tensors(current, made)
            elif not assign:
                current.copy_(value)
            elif name in self._parameters:
                if not isinstance(value, Parameter):
                    value = Parameter(value, requires_grad=current.requires_grad)
                self._parameters[name] = value
            else:
                self._buffers[name] = value

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copy parameters and buffers out of `state_dict` into this module and its children.

        Args:
            state_dict: mapping of names to tensors.
            strict: whether names missing or too many are errors.
            assign: take the given tensors themselves instead of copying their values.
        Returns:
            (missing_keys, unexpected_keys), lists of names.
        Raises:
            TypeError: `state_dict` is no mapping.
            RuntimeError: names or shapes do not fit; the message lists all of them.
        """
        if not hasattr(state_dict, "items"):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.{instead_of(state_dict)}")
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = OrderedDict(state_dict)
        if metadata is not None:
            state_dict._metadata = metadata
        missing, unexpected, errors = [], [], []

        def load(module, local, prefix):
            local_metadata = {} if metadata is None else metadata.get(prefix[:-1], {})
            if assign:
                local_metadata["assign_to_params_buffers"] = True
            module._load_from_state_dict(local, prefix, local_metadata, True, missing, unexpected, errors)
            for name, child in module._modules.items():
                if child is not None:
                    inner = prefix + name + "."
                    load(child, {k: v for k, v in local.items() if k.startswith(inner)}, inner)
            keys = _IncompatibleKeys(missing, unexpected)
            for hook in module._hooks_of_state("load"):
                if hook(module, keys) is not None:
                    raise AssertionError("Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new values, if incompatible_keys need to be modified, it should be done inplace.")

        load(self, state_dict, "")
        if strict:
            for kind, keys in (("Unexpected", unexpected), ("Missing", missing)):
                if keys:
                    names = ", ".join([f'"{key}"' for key in keys])
                    errors.insert(0, f"{kind} key(s) in state_dict: {names}. ")
            advice = what_does_not_fit(missing, unexpected)
            if advice is not None:
                errors.append(advice)
        if errors:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(errors))
        return _IncompatibleKeys(missing, unexpected)

