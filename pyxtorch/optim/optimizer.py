"""Optimizer: parameter groups, state, hooks and checkpoints, shared by all optimisers."""
from collections import OrderedDict, defaultdict

import pyxtorch
from pyxtorch import Tensor, _gate, no_grad
from pyxtorch._tape.hooks import hang
from pyxtorch.ops.optim import zero_grads


class _Required:
    """Marks an option that every group must be given."""

    def __repr__(self):
        return "<required parameter>"


required = _Required()
INF = float("inf")
COUNTS = {"step", "mu_product", "eta", "mu"}     # entries of the state that go with the step, not with an element
_global_pre_hooks, _global_post_hooks = OrderedDict(), OrderedDict()


def register_optimizer_step_pre_hook(hook):
    """Call `hook(optimizer, args, kwargs)` before every step of every optimiser."""
    return hang(_global_pre_hooks, hook)


def register_optimizer_step_post_hook(hook):
    """Call `hook(optimizer, args, kwargs)` after every step of every optimiser."""
    return hang(_global_post_hooks, hook)


def _hooked(step):
    """A user's own step() with the hooks around it."""
    import functools

    @functools.wraps(step)
    def wrapped(self, *args, **kwargs):
        args, kwargs = self._before_step(args, kwargs)
        result = step(self, *args, **kwargs)
        self._after_step(args, kwargs)
        return result

    return wrapped


def check_option(name, value, low=0.0, high=INF, below=False):
    """Raise ValueError unless low <= value <= high (value < high if `below`). A tensor must have one element."""
    if isinstance(value, Tensor):
        if value.numel() != 1:
            raise ValueError(f"Tensor {'lr' if name == 'learning rate' else name} must be 1-element, not of shape {tuple(value.shape)}.")
        value = value.item()
    if not hasattr(value, "__float__"):
        raise TypeError(f"Invalid {name}: {value!r} is {type(value).__name__}; a number is expected.")
    if not low <= value <= high or (below and value == high):
        relation = "below" if below else "at most"
        raise ValueError(f"Invalid {name}: {value}. It must be at least {low}" + (f" and {relation} {high}." if high < INF else "."))


def check_options(*limits):
    """check_option(*limit) for each."""
    for limit in limits:
        check_option(*limit)


def check_betas(betas):
    """Both betas in [0, 1), and both numbers or both tensors."""
    for i, beta in enumerate(betas):
        check_option(f"beta parameter at index {i}", beta, 0.0, 1.0, below=True)
    if isinstance(betas[0], Tensor) != isinstance(betas[1], Tensor):
        raise ValueError(f"betas must be either both floats or both Tensors, not a {type(betas[0]).__name__} and a {type(betas[1]).__name__}.")


def check_switches(options):
    """Switches that exclude each other, in the defaults of an optimiser that has `fused`."""
    for name in ("differentiable", "foreach") if options["fused"] else ():
        if options[name]:
            raise RuntimeError(f"`fused` and `{name}` cannot be `True` together: `fused` does not support `{name}`.")


def step_count(value=0.0):
    """A counter of steps, as the state keeps it: a 0-d tensor."""
    double = pyxtorch.get_default_dtype() is pyxtorch.float64
    return pyxtorch.tensor(float(value), dtype=pyxtorch.float64 if double else pyxtorch.float32, device="cpu")


def sparse_like(grad, values):
    """A sparse tensor of the indices of a coalesced gradient with other values."""
    return pyxtorch.sparse_coo_tensor(grad.indices(), values, grad.shape, is_coalesced=True, check_invariants=False)


class Optimizer:
    """Base of all optimisers.

    Args:
        params: iterable of tensors, of (name, tensor) pairs, or of dicts that hold "params" and
            options of their own (groups).
        defaults: dict of options for groups that do not give them.

    A subclass either overrides `step`, or gives `_start(p, state, group)`, which fills the state of
    a parameter, and `_update(p, grad, state, group)`, which changes it; and perhaps `_fused`, a
    function that steps through a whole group at once and returns the parameters it left alone.
    """

    _fused = None
    _sparse = False     # whether `_update` takes sparse gradients
    _needs_whole = False    # whether a step depends on more than an element and what belongs to it

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _hooked(cls.__dict__["step"])

    def __init__(self, params, defaults):
        self.defaults = defaults
        if isinstance(params, Tensor):
            raise TypeError(f"params argument given to the optimizer should be an iterable of Tensors or dicts, but got {type(params).__name__}. Use [tensor].")
        if not hasattr(params, "__iter__") and not hasattr(params, "__getitem__"):
            raise TypeError(f"{type(self).__name__}: params should be an iterable of Tensors or dicts, but got {_mistaken(params, '')}.")
        self.state = defaultdict(dict)
        self.param_groups = []
        groups = list(params)
        if not groups:
            raise ValueError(
                "optimizer got an empty parameter list: a module without parameters, or a generator that is used up already. Layers kept in a plain list "
                "are not found: use nn.ModuleList."
            )
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(dict(group) if isinstance(group, dict) else group)

    def __getattr__(self, name):
        """What is made when it is first asked for: a subclass may do without `super().__init__()`."""
        if name in ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks"):
            value = OrderedDict()
        elif name == "_state_dict_hooks":
            value = {when: OrderedDict() for when in ("save_before", "save_after", "load_before", "load_after")}
        elif name in ("defaults", "state"):
            value = {} if name == "defaults" else defaultdict(dict)
        else:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self.__dict__[name] = value
        return value

    def __getstate__(self):
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state):
        self.__dict__.update(state)
        for group in self.param_groups:
            for name, value in self.defaults.items():
                group.setdefault(name, value)

    def __repr__(self):
        text = type(self).__name__ + " ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n" + "".join(f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")
        return text + ")"

    # ------------------------------------------------------------------------------- groups

    def add_param_group(self, param_group):
        """Train further parameters: a dict with "params" and options that differ from the defaults.

        Raises:
            TypeError: no dict, a set, or something that is not a tensor.
            ValueError: not a leaf, a required option missing, or a parameter that is trained already.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group).__name__}")
        if "params" not in param_group:
            raise KeyError(f"params: a parameter group needs the tensors it is for, but has {list(param_group)}. Write dict(params=model.parameters(), ...).")
        params = param_group["params"]
        if isinstance(params, Tensor):
            params = [params]
        elif isinstance(params, set):
            raise TypeError("optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets will change between runs. Please use a list instead.")
        params = list(params)
        names = []
        for i, p in enumerate(params):
            if isinstance(p, tuple):
                names.append(p[0])
                params[i] = p[1]
        if names and len(names) != len(params):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        for group in self.param_groups[:1]:
            if ("param_names" in group) != bool(names):
                which = "with names to the optimizer, whose groups have none" if names else "without names to the optimizer, whose groups have them"
                raise ValueError(f"all optimizer param groups should be with/without names. cannot add param group {which}.")
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {_mistaken(p, ' of each module')}")
            if self._needs_whole and hasattr(p, "full_tensor"):
                raise RuntimeError(f"{type(self).__name__}: a step needs whole parameters, and this process has some rows of them (fully_shard). "
                                   "Use an optimizer that treats elements alike, such as AdamW.")  # fmt: skip
            if not self.defaults.get("differentiable") and not (p.is_leaf or p.retains_grad):
                raise ValueError(
                    f"can't optimize a non-leaf Tensor: one of shape {list(p.shape)} is the result of {type(p.grad_fn).__name__}. Train what it is computed from, or "
                    "start from it with .detach().requires_grad_()."
                )
        param_group["params"] = params
        if names:
            param_group["param_names"] = names
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        if len(set(map(id, params))) != len(params):
            import warnings

            warnings.warn("optimizer contains a parameter group with duplicate parameters; in future, this will cause an error", stacklevel=3)
        known = {id(p) for group in self.param_groups for p in group["params"]}
        if not known.isdisjoint(map(id, params)):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)

    def zero_grad(self, set_to_none=True):
        """Forget all gradients, or make them zero."""
        for group in self.param_groups:
            zero_grads(group["params"], set_to_none)

    # --------------------------------------------------------------------------------- step

    def _before_step(self, args, kwargs):
        self._opt_called = True
        for hook in (*_global_pre_hooks.values(), *self._optimizer_step_pre_hooks.values()):
            result = hook(self, args, kwargs)
            if result is not None:
                if not (isinstance(result, tuple) and len(result) == 2):
                    raise RuntimeError(f"step pre hook: must return None or a tuple of (new_args, new_kwargs), but got {result}.")
                args, kwargs = result
        return args, kwargs

    def _after_step(self, args, kwargs):
        for hook in (*self._optimizer_step_post_hooks.values(), *_global_post_hooks.values()):
            hook(self, args, kwargs)

    def step(self, closure=None):
        """Change all parameters by their gradients.

        Args:
            closure: computes the loss and its gradients anew; called first, with recording on.
        Returns:
            What the closure returned, or None.
        """
        hooked = self._optimizer_step_pre_hooks or self._optimizer_step_post_hooks or _global_pre_hooks or _global_post_hooks
        if hooked:
            args, kwargs = self._before_step((closure,) if closure is not None else (), {})
            closure = args[0] if args else kwargs.get("closure")
        else:
            self._opt_called = True
        loss = None
        if closure is not None:
            with pyxtorch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            params = group["params"]
            if self._fused is not None and not group.get("differentiable") and not (_gate.watching() and _gate.overloaded_args(params)):
                params = self._fused(params, self.state, group, self._start)
            if params:
                self._plain_step(params, group)
        if hooked:
            self._after_step((closure,) if closure is not None else (), {})
        return loss

    def _plain_step(self, params, group):
        """One step by operations on tensors, parameter by parameter."""
        with pyxtorch.set_grad_enabled(bool(group.get("differentiable"))):
            for p in params:
                grad = p.grad
                if grad is None:
                    continue
                if grad.layout is not pyxtorch.strided and not self._sparse:
                    raise RuntimeError(self._no_sparse())
                state = self.state.get(p) or {}
                if not state:
                    self._start(p, state, group)
                if group.get("maximize"):
                    grad = -grad
                if p.is_complex():
                    self._complex_update(p, grad, state, group)
                else:
                    self._update(p, grad, state, group)
                if state:
                    self.state[p] = state

    def _complex_update(self, p, grad, state, group):
        """A complex parameter is two real ones, and so is its complex state."""
        pairs = {k: pyxtorch.view_as_real(v) if isinstance(v, Tensor) and v.is_complex() else v for k, v in state.items()}
        self._update(pyxtorch.view_as_real(p), pyxtorch.view_as_real(grad), pairs, group)
        for k, v in pairs.items():  # what is in the state already has changed in place; the rest is new
            if state.get(k) is None:
                state[k] = pyxtorch.view_as_complex(v) if isinstance(v, Tensor) and v.shape == (*p.shape, 2) else v

    def _no_sparse(self):
        """What the error says where a gradient is sparse."""
        return f"{type(self).__name__} does not support sparse gradients"

    def _start(self, p, state, group):
        """Fill the state of a parameter before its first step."""

    def _update(self, p, grad, state, group):
        raise RuntimeError(f"{type(self).__name__}: defines neither step() nor _update().")

    # -------------------------------------------------------------------------------- hooks

    def register_step_pre_hook(self, hook):
        """Call `hook(optimizer, args, kwargs)` before each step; it may return changed (args, kwargs)."""
        return hang(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook):
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return hang(self._optimizer_step_post_hooks, hook)

    def _add_hook(self, when, hook, prepend):
        handle = hang(self._state_dict_hooks[when], hook)
        if prepend:
            self._state_dict_hooks[when].move_to_end(handle.id, last=False)
        return handle

    def register_state_dict_pre_hook(self, hook, prepend=False):
        """Call `hook(optimizer)` before `state_dict`."""
        return self._add_hook("save_before", hook, prepend)

    def register_state_dict_post_hook(self, hook, prepend=False):
        """Call `hook(optimizer, state_dict)` after `state_dict`; what it returns replaces the result."""
        return self._add_hook("save_after", hook, prepend)

    def register_load_state_dict_pre_hook(self, hook, prepend=False):
        """Call `hook(optimizer, state_dict)` before `load_state_dict`; what it returns is loaded instead."""
        return self._add_hook("load_before", hook, prepend)

    def register_load_state_dict_post_hook(self, hook, prepend=False):
        """Call `hook(optimizer)` after `load_state_dict`."""
        return self._add_hook("load_after", hook, prepend)

    # -------------------------------------------------------------------------- checkpoints

    def state_dict(self):
        """Everything that a later run needs: {"state": by parameter number, "param_groups": [...]}."""
        for hook in self._state_dict_hooks["save_before"].values():
            hook(self)
        numbers, groups = {}, []
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
            packed = {k: v for k, v in group.items() if k != "params"}
            packed["params"] = [numbers[id(p)] for p in group["params"]]
            groups.append(packed)
        state = {numbers[id(k)] if isinstance(k, Tensor) else k: v for k, v in self.state.items()}
        result = {"state": state, "param_groups": groups}
        for hook in self._state_dict_hooks["save_after"].values():
            changed = hook(self, result)
            result = result if changed is None else changed
        return result

    def load_state_dict(self, state_dict):
        """Continue from what `state_dict` gave. Floating state takes the parameter's dtype and device.

        Raises:
            ValueError: groups or their sizes differ.
        """
        state_dict = dict(state_dict)
        for hook in self._state_dict_hooks["load_before"].values():
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        saved = state_dict["param_groups"]
        if len(saved) != len(self.param_groups):
            raise ValueError(f"loaded state dict has a different number of parameter groups: {len(saved)}, the optimizer has {len(self.param_groups)}.")
        for i, (old, new) in enumerate(zip(saved, self.param_groups)):
            if len(old["params"]) != len(new["params"]):
                raise ValueError(
                    f"loaded state dict contains a parameter group that doesn't match the size of optimizer's group: group {i} has "
                    f"{len(old['params'])} parameters, the optimizer's has {len(new['params'])}."
                )
        by_number = {n: p for old, new in zip(saved, self.param_groups) for n, p in zip(old["params"], new["params"])}
        state = defaultdict(dict)
        for key, value in state_dict["state"].items():
            p = by_number.get(key)
            if p is None:
                state[key] = value
            else:
                state[p] = {name: _matched(item, p, name) for name, item in value.items()} if isinstance(value, dict) else _matched(value, p, None)
        groups = []
        for old, new in zip(saved, self.param_groups):
            group = {k: _copied(v) for k, v in old.items() if k != "params"}
            group["params"] = new["params"]
            if "param_names" in new:
                group.setdefault("param_names", new["param_names"])
            groups.append(group)
        self.__setstate__({"state": state, "param_groups": groups})
        for hook in self._state_dict_hooks["load_after"].values():
            hook(self)


def _mistaken(given, whose):
    """What stands in the place of parameters, and what to write instead."""
    kind = type(given).__name__
    if hasattr(given, "parameters"):
        if isinstance(given, type):
            return f"the class {given.__name__}. Make a module of it, and give module.parameters()"
        return f"{kind}, a module. Give its parameters: .parameters(){whose}"
    if callable(given) and getattr(given, "__name__", "") == "parameters":
        return "the method parameters itself. Call it: .parameters()"
    if isinstance(given, str):
        return f"str ({given!r}), a name. Give tensors: model.parameters() rather than a state dict"
    return kind


def _matched(value, p, name):
    """Loaded state in the dtype and on the device of its parameter; numbers that count steps stay as they are."""
    if isinstance(value, Tensor):
        if name in COUNTS:
            return value.clone()
        if p.is_floating_point() or p.is_complex():
            return value.to(dtype=p.dtype if value.is_floating_point() or value.is_complex() else value.dtype, device=p.device, copy=True)
        return value.to(device=p.device, copy=True)
    if name == "step" and isinstance(value, (int, float)):
        return step_count(value)
    return _copied(value)


def _copied(value):
    if isinstance(value, dict):
        return {k: _copied(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_copied(v) for v in value]
    if isinstance(value, tuple):
        return tuple(_copied(v) for v in value)
    return value.clone() if isinstance(value, Tensor) else value


__all__ = [
    "Optimizer", "check_betas", "check_option", "check_options", "check_switches", "no_grad", "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook", "required", "sparse_like", "step_count",
]
