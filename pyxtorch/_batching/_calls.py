"""How an operation on batched values runs: its rule, or a loop over the slices.

A rule is called as the operation is, with a `Call` before the arguments, and returns physical results, whose tensors become batched
values again; `Plain` is returned as it is. It runs operations on physical tensors, which pass the gate: those of outer levels find
their own rules there.
"""
import inspect
import warnings

import pyxtorch as torch
from pyxtorch._batching._values import Refused
from pyxtorch._compound import Plain, Runner
from pyxtorch._gate import name_of

# ----------------------------------------------------------------------------------- arguments

_NAMES = {"axis": "dim", "keepdims": "keepdim", "self": "input"}
_signatures = {}


def parameters(func):
    """(names of the parameters, defaults by name, the name of *args)."""
    known = _signatures.get(func)
    if known is None:
        names, defaults, several = [], {}, None
        for p in inspect.signature(func).parameters.values():
            if p.kind is p.VAR_POSITIONAL:
                several = p.name
            elif p.kind is not p.VAR_KEYWORD:
                if p.kind is not p.KEYWORD_ONLY:
                    names.append(p.name)
                if p.default is not p.empty:
                    defaults[p.name] = p.default
        known = _signatures[func] = names, defaults, several
    return known


def bound(func, args, kwargs):
    """Arguments by name; only those that are given."""
    names, defaults, several = parameters(func)
    if len(args) > len(names) and several is None:
        raise TypeError(f"{name_of(func)}: takes {len(names)} positional arguments, got {len(args)}.")
    given = dict(zip(names, args))
    if len(args) > len(names):
        given[several] = args[len(names):]
    for key, value in kwargs.items():
        given[key if key in names or key in defaults else _NAMES.get(key, key)] = value
    return given


def call_bound(func, given):
    """Call with arguments by name, those in front by their places."""
    given, front = dict(given), []
    for name in parameters(func)[0]:
        if name not in given:
            break
        front.append(given.pop(name))
    return func(*front, **given)


def tensors_among(values, depth=2):
    for x in values:
        if isinstance(x, torch.Tensor):
            yield x
        elif depth and isinstance(x, list | tuple):
            yield from tensors_among(x, depth - 1)


def replaced(values, function, depth=2):
    """The same values with `function` of each tensor."""
    return [
        function(x) if isinstance(x, torch.Tensor) else type(x)(replaced(x, function, depth - 1)) if depth and type(x) in (list, tuple) else x
        for x in values
    ]  # fmt: skip


# ------------------------------------------------------------------------------------ the loop

looped = {}             # operations that were looped over -> how often
_said = set()


def loop(c, *args, **kwargs):
    """Call the operation once for each slice, and stack what it gives."""
    name = name_of(c.func)
    if c.level.strict:
        raise Refused(f"vmap: there is no rule for {name}.")
    if c.size == 0:
        raise RuntimeError(f"vmap: there is no rule for {name}, which cannot be called on a batch of size 0.")
    looped[name] = looped.get(name, 0) + 1
    if name not in _said:
        _said.add(name)
        warnings.warn(f"vmap: there is a performance drop because there is no batching rule for {name}: it is called once for each slice.", stacklevel=3)
    in_place = name.endswith("_") and not name.endswith("__") and c.name not in ("requires_grad_",)
    if in_place and not c.is_batched(args[0]):
        _refuse_in_place(c)
    results = []
    before = torch.get_rng_state() if c.level.randomness == "same" else None
    for i in range(c.size):
        if before is not None:
            torch.set_rng_state(before)

        def one(x, i=i):
            return c.raw(x).select(0, i) if c.is_batched(x) else x
        results.append(c.func(*replaced(args, one), **dict(zip(kwargs, replaced(kwargs.values(), one)))))
    return Plain(args[0]) if in_place else _stacked(results, name)


def _stacked(results, name):
    first = results[0]
    if isinstance(first, torch.Tensor):
        if any(y.shape != first.shape for y in results):
            raise Refused(f"vmap: {name} gives results of different shapes for different slices, which vmap cannot hold. Use torch.where or a mask.")
        return torch.stack(results)
    if isinstance(first, list | tuple):
        if any(len(y) != len(first) for y in results):
            raise Refused(f"vmap: {name} gives different numbers of results for different slices.")
        columns = [_stacked(list(column), name) for column in zip(*results)]
        return type(first)._make(columns) if hasattr(first, "_make") else type(first)(columns)
    if any(y != first for y in results):
        raise Refused(f"vmap: {name} gives no tensor, and different values for different slices. Use operations on tensors, such as torch.where.")
    return first


def _refuse_in_place(c):
    raise RuntimeError(
        f"vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` in extra_args that has more elements than "
        f"`self`: {name_of(c.func)} of a tensor that is not being vmapped over, with one that is. Use the operation without _ instead."
    )


# ------------------------------------------------------------------------------- finding a rule

def find(func):
    """What runs instead of `func` on batched values; None: it is right on the shell itself."""
    from pyxtorch._batching import _rules

    rule, name = _rules.rule_of(func)
    return None if rule is None else Runner(func, name, rule, name_of(func), getattr(rule, "composed", False), rule is _rules.elementwise)


def called(name, *args, **kwargs):
    """The operation `name` of torch, Tensor or nn.functional."""
    for space in (torch, torch.nn.functional, torch.Tensor):
        operation = getattr(space, name, None)
        if operation is not None:
            return operation(*args, **kwargs)
    raise AttributeError(name)


