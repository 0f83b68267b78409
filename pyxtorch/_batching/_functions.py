"""A user's `Function` with `generate_vmap_rule = True`: its methods run once, on batched values, within one node of the physical tensors' graph.

What they do without a rule, or with single elements, makes `forward` a loop over the slices, and `backward` likewise.
"""
import functools
import warnings

import pyxtorch
from pyxtorch._batching._values import Level, Refused, batched, expanded, wrap
from pyxtorch.autograd import Function

_mapped = {}        # class -> the class of its mapped node
_no_jvp, _no_setup = Function.jvp, Function.setup_context


def generated(cls, level, args):
    """What `cls.apply` gives for these arguments, of which some are batched at `level`, as values batched at it."""
    here = tuple(batched(x) is not None and batched(x).level is level for x in args)
    physical = [batched(x).physical if h else x for x, h in zip(args, here)]
    if cls.jvp is _no_jvp:                  # whose own tangents could not be told from a batch
        state = pyxtorch.get_rng_state()
        try:
            return _wrapped(_class_of(cls).apply(level.size, level.randomness, here, *physical), level)
        except Refused as error:
            if level.strict:
                raise
            pyxtorch.set_rng_state(state)
            _say(cls, error)
    elif level.strict:
        raise Refused(f"vmap: {cls.__name__} has a jvp of its own, so that it is called for each slice.")
    found = [cls.apply(*[x.select(0, i) if h else x for x, h in zip(physical, here)]) for i in range(level.size)]
    if isinstance(found[0], tuple):
        return tuple(wrap(pyxtorch.stack(list(column)), level) if isinstance(column[0], pyxtorch.Tensor) else column[0] for column in zip(*found))
    return wrap(pyxtorch.stack(found), level)


def _wrapped(output, level):
    if isinstance(output, tuple):
        return tuple(wrap(y, level) if isinstance(y, pyxtorch.Tensor) else y for y in output)
    return wrap(output, level) if isinstance(output, pyxtorch.Tensor) else output


def _say(cls, error):
    if cls not in _said:
        _said.add(cls)
        warnings.warn(f"vmap: there is a performance drop because {cls.__name__} is called once for each slice. {error}", stacklevel=5)


_said = set()


def _class_of(cls):
    found = _mapped.get(cls)
    if found is None:
        methods = {"forward": staticmethod(functools.partial(_forward, cls)), "backward": staticmethod(functools.partial(_backward, cls))}
        found = _mapped[cls] = type(cls.__name__, (Function,), {**methods, "generate_vmap_rule": True})      # the rule: for the levels further out
    return found


class _Context:
    """The ctx that the user's methods see: what they keep is kept in the real one, as physical tensors.

    With `place`, it is the ctx of one slice.
    """

    def __init__(self, ctx, level, kept, place=None):
        self.__dict__.update(_ctx=ctx, _level=level, _kept=kept, _place=place)

    def __setattr__(self, name, value):
        self._kept[name] = value

    def __getattr__(self, name):
        kept = self._kept
        if name in kept:
            return _slice_of(kept[name], self._level, self._place)
        return getattr(self._ctx, name)

    def save_for_backward(self, *tensors):
        self._kept["-saved"] = [_is_of(t, self._level) for t in tensors]
        self._ctx.save_for_backward(*[batched(t).physical if _is_of(t, self._level) else t for t in tensors])

    def save_for_forward(self, *tensors):
        pass                # for a jvp, which it has not

    def mark_dirty(self, *tensors):
        raise Refused("It changes its arguments in place.")

    def mark_non_differentiable(self, *tensors):
        self._kept["-plain"] = tensors

    @property
    def needs_input_grad(self):
        return self._ctx.needs_input_grad[3:]

    @property
    def saved_tensors(self):
        tensors = self._ctx.saved_tensors
        return tuple(_slice_of(wrap(t, self._level), self._level, self._place) if b else t for t, b in zip(tensors, self._kept.get("-saved", ())))


def _is_of(x, level):
    parts = batched(x)
    return parts is not None and parts.level is level


def _slice_of(value, level, place):
    if place is None:
        return value
    if isinstance(value, tuple | list):
        return type(value)(_slice_of(x, level, place) for x in value)
    return batched(value).physical.select(0, place) if _is_of(value, level) else value


def _forward(cls, ctx, size, randomness, here, *args):
    level = Level(size, randomness, strict=True)
    ctx.level, ctx.here, ctx.kept = level, here, {}
    inside = _Context(ctx, level, ctx.kept)
    with level:
        given = [wrap(x, level) if h else x for x, h in zip(args, here)]
        if cls.setup_context is _no_setup:
            output = cls.forward(inside, *given)
        else:
            output = cls.forward(*given)
            cls.setup_context(inside, tuple(given), output)
        several = isinstance(output, tuple)
        found = [expanded(y, [level]) if isinstance(y, pyxtorch.Tensor) else y for y in (output if several else (output,))]
        physical = [batched(y).physical if isinstance(y, pyxtorch.Tensor) else y for y in found]
    plain = ctx.kept.pop("-plain", ())
    if plain:
        ctx.mark_non_differentiable(*[p for p, y in zip(physical, output if several else (output,)) if any(y is t for t in plain)])
    return tuple(physical) if several else physical[0]


def _backward(cls, ctx, *grads):
    level = ctx.level
    try:
        if getattr(cls.backward, "once_differentiable", False):
            raise Refused("Its backward is marked with @once_differentiable.")
        with level:
            given = cls.backward(_Context(ctx, level, ctx.kept), *[wrap(g, level) if isinstance(g, pyxtorch.Tensor) else g for g in grads])
            found = [g if g is None else batched(expanded(g, [level])).physical for g in (given if isinstance(given, tuple) else (given,))]
    except Refused as error:
        _say(cls, error)
        rows = []
        for i in range(level.size):
            given = cls.backward(_Context(ctx, level, ctx.kept, i), *[g.select(0, i) if isinstance(g, pyxtorch.Tensor) else g for g in grads])
            rows.append(given if isinstance(given, tuple) else (given,))
        found = [None if column[0] is None else pyxtorch.stack(list(column)) for column in zip(*rows)]
    return (None, None, None, *[g if g is None or h else g.sum(0) for g, h in zip(found, (*ctx.here, *[True] * (len(found) - len(ctx.here))))])
