"""torch.func: functions of functions. Gradients, products with Jacobians, Jacobians, and a function mapped over a batch.

They are made of the tape (`autograd.grad` and its like), so all of them nest, and go through whatever differentiates.
"""
import contextlib
import functools
import itertools
import math
import re

import pyxtorch
from pyxtorch import autograd
from pyxtorch._batching._values import Level, Refused, at_base, base, batched, expanded, levels_of, running, wrap
from pyxtorch._batching._vmap import vmap
from pyxtorch._tape.backward import reaches_others
from pyxtorch._tape.forward import level_count, make_dual, tangents_of
from pyxtorch.autograd import _alike
from pyxtorch.nn.utils.stateless import functional_call
from pyxtorch.utils._pytree import tree_flatten, tree_map, tree_unflatten

__all__ = [
    "debug_unwrap", "functional_call", "functionalize", "rearrange", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize",
    "replace_all_batch_norm_modules_", "stack_module_state", "vjp", "vmap",
]  # fmt: skip


# ---------------------------------------------------------------------------- levels


def _opened(tensors, op):
    """Tensors to differentiate by, one for each: what comes from an outer transform stays connected to it."""
    for x in tensors:
        if not isinstance(x, pyxtorch.Tensor):
            raise RuntimeError(f"{op}: expected tensors to differentiate by, got {type(x).__name__}.")
        if not (x.is_floating_point() or x.is_complex()):
            raise RuntimeError(f"{op}: only tensors of floating point or complex dtype have gradients, got {x.dtype}.")
    levels = running()
    tensors = [expanded(x, levels) for x in tensors] if levels else tensors     # each slice has gradients of its own
    return [at_base(x, lambda t: _alike(t) if t.requires_grad else _alike(t).requires_grad_()) for x in tensors]    # with the tangents of outer levels


def _linked(tensors, opened):
    """Whether what was tracked outside may count for some of these, or for their derivatives."""
    if level_count():       # tangents may be tracked where what they belong to is not
        return True
    own, clean = {id(x) for x in map(base, opened) if x.is_leaf}, set()
    return any(t.requires_grad and reaches_others(t, own, clean) for t in map(base, tensors))


def _in_place_of(x, physical):
    """A value batched as `x` is, of this physical tensor."""
    parts = batched(x)
    return physical if parts is None else wrap(_in_place_of(parts.physical, physical), parts.level)


def _untracked(t):
    return t.detach() if t.requires_grad else t


def _closed(tensors, opened, recording):
    """Results as they are outside: connected to what was tracked there, and not to the leaves of this transform; so are their tangents."""
    own = {id(x) for x in map(base, opened) if x.is_leaf}
    clean = set()
    return [at_base(t, lambda t: _outside(t, own, recording, clean)) for t in tensors]


def _outside(t, own, recording, clean):
    linked = recording and t.requires_grad and reaches_others(t, own, clean)
    tangents = tangents_of(t)
    if not tangents:
        return t if linked else t.detach()
    y = _alike(t, linked, False)
    for level, tangent in tangents:
        make_dual(y, _outside(tangent, own, recording, clean), level)
    return y


def _chosen(args, argnums, op):
    """(the arguments to differentiate by as one tree, a function that gives all arguments with others in their place)."""
    several = isinstance(argnums, tuple)
    numbers = argnums if several else (argnums,)
    if any(not isinstance(n, int) or isinstance(n, bool) for n in numbers):
        raise RuntimeError(f"{op}: argnums must be int or a tuple of ints, got {argnums!r}.")
    if any(not -len(args) <= n < len(args) for n in numbers):
        raise RuntimeError(f"{op}: got argnums={argnums}, but only {len(args)} positional inputs.")
    places = [n % len(args) for n in numbers]
    if len(set(places)) < len(places):
        raise RuntimeError(f"{op}: argnums elements must be unique, got {argnums}.")
    tree = tuple(args[n] for n in places) if several else args[places[0]]

    def with_these(tree):
        changed = list(args)
        for n, value in zip(places, tree if several else (tree,)):
            changed[n] = value
        return changed

    return tree, with_these


def _result(func, args, kwargs, has_aux, op):
    found = func(*args, **kwargs)
    if not has_aux:
        return found, None
    if not isinstance(found, tuple) or len(found) != 2:
        raise RuntimeError(f"{op}: output of function f should be a tuple (output, aux) if has_aux is True")
    return found


def _gradients(outputs, inputs, directions, create_graph=True, retain_graph=None):
    """directions' J for each input; zeros where nothing depends on it."""
    pairs = [(y, v) for y, v in zip(outputs, directions) if y.requires_grad]
    found = autograd.grad([y for y, _ in pairs], inputs, [v for _, v in pairs], retain_graph, create_graph, allow_unused=True) if pairs else [None] * len(inputs)
    return [pyxtorch.zeros_like(x) if g is None else g for x, g in zip(inputs, found)]


def _tensor_outputs(out, op):
    leaves, spec = tree_flatten(out)
    for y in leaves:
        if not isinstance(y, pyxtorch.Tensor):
            raise RuntimeError(f"{op}: expected f to return only tensors, got {type(y).__name__}.")
    return leaves, spec


def _aux_outside(aux, opened, recording):
    leaves, spec = tree_flatten(aux)
    return tree_unflatten([_closed([x], opened, recording)[0] if isinstance(x, pyxtorch.Tensor) else x for x in leaves], spec)


# ---------------------------------------------------------------------------- gradients


def grad_and_value(func, argnums=0, has_aux=False):
    """A function that gives (gradient, value) of `func`, which returns one number.

    Args:
        argnums: which positional argument to differentiate by, or a tuple of several; each may hold tensors in containers.
        has_aux: `func` returns (number, something else), and the result is (gradient, (number, something else)).
    Raises:
        RuntimeError: `func` returns no tensor or not a single number, or an argument is no floating-point tensor.
    """

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        recording = pyxtorch.is_grad_enabled()
        tree, with_these = _chosen(args, argnums, "grad")
        leaves, spec = tree_flatten(tree)
        with pyxtorch.enable_grad():
            opened = _opened(leaves, "grad")
            output, aux = _result(func, with_these(tree_unflatten(opened, spec)), kwargs, has_aux, "grad_and_value")
            if not isinstance(output, pyxtorch.Tensor):
                raise RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a tensor, got {type(output).__name__}")
            if output.dim() != 0:
                raise RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with {output.dim()} dims.")
            outer = recording and _linked([output], opened)
            y = base(output)
            found = autograd.grad([y], [base(x) for x in opened], [pyxtorch.ones_like(y)], outer or has_aux, outer, allow_unused=True) if y.requires_grad else [None] * len(opened)
            found = [pyxtorch.zeros_like(x) if g is None else _in_place_of(x, g) for x, g in zip(opened, found)]
        if outer or level_count():
            found, (output,) = _closed(found, opened, recording), _closed([output], opened, recording)
        else:
            output, *found = [at_base(t, _untracked) for t in (output, *found)]
        gradient = tree_unflatten(found, spec)
        return gradient, (output, _aux_outside(aux, opened, recording)) if has_aux else output

    return wrapper


def grad(func, argnums=0, has_aux=False):
    """A function that gives the gradient of `func`, which returns one number; see `grad_and_value`.

    With `has_aux` it gives (gradient, something else).
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapper


def vjp(func, *primals, has_aux=False):
    """(func(*primals), a function of v that gives v' J), J being the Jacobian of `func` at `primals`.

    v has the structure of the result; v' J is a tuple with one entry for each of `primals`. With `has_aux`, `func` returns (result, something else), which stands third.
    """
    recording = pyxtorch.is_grad_enabled()
    leaves, spec = tree_flatten(primals)
    with pyxtorch.enable_grad():
        opened = _opened(leaves, "vjp")
        out, aux = _result(func, tree_unflatten(opened, spec), {}, has_aux, "vjp")
    outputs, out_spec = _tensor_outputs(out, "vjp")

    def vjp_fn(cotangents, retain_graph=True, create_graph=None):
        given, given_spec = tree_flatten(cotangents)
        if given_spec != out_spec:
            raise RuntimeError(f"vjp: expected the structure of the cotangents to be that of the output, {out_spec}, got {given_spec}.")
        for y, v in zip(outputs, given):
            if y.shape != v.shape:
                raise RuntimeError(f"vjp: a cotangent of shape {list(v.shape)} was given for an output of shape {list(y.shape)}.")
        now = pyxtorch.is_grad_enabled()
        with pyxtorch.enable_grad():
            known = [level for y in outputs for level in levels_of(y)]
            if any(level not in known for v in given for level in levels_of(v)):
                found, by = _batched_vjp(func, leaves, spec, given, has_aux, outputs, opened)
            else:
                found, by = _gradients(outputs, opened, given), opened
        return tree_unflatten(_closed(found, by, now), spec)

    result = tree_unflatten(_closed(outputs, opened, recording), out_spec)
    return (result, vjp_fn, _aux_outside(aux, opened, recording)) if has_aux else (result, vjp_fn)


def _batched_vjp(func, leaves, spec, given, has_aux, outputs, opened):
    """(v' J, what was differentiated by) for cotangents that a vmap has batched since `func` ran: it runs once more, on as many copies of its arguments."""
    try:
        with _strict(running()):
            copies = _opened(leaves, "vjp")
            again, _ = _tensor_outputs(_result(func, tree_unflatten(copies, spec), {}, has_aux, "vjp")[0], "vjp")
            return _gradients(again, copies, given), copies
    except Refused:         # one graph for all slices: one gradient after the other
        level = running()[-1]
        rows = [_gradients(outputs, opened, [_slice(v, level, i) for v in given]) for i in range(level.size)]
        return [wrap(pyxtorch.stack(list(column)), level) for column in zip(*rows)], opened


def _slice(v, level, i):
    parts = batched(v)
    return parts.physical.select(0, i) if parts is not None and parts.level is level else v


@contextlib.contextmanager
def _strict(levels):
    """While it lasts, operations without a rule raise Refused."""
    before = [level.strict for level in levels]
    for level in levels:
        level.strict = True
    try:
        yield
    finally:
        for level, strict in zip(levels, before):
            level.strict = strict


def jvp(func, primals, tangents, *, strict=False, has_aux=False):
    """(func(*primals), J v): the Jacobian times the tangents v, which have the structure of `primals`, a tuple.

    One run of `func`, through which the tangents travel (docs/forward_mode.md); nests, and works where nothing is recorded.

    Args:
        strict: a result that does not depend on `primals` is an error instead of zeros. has_aux: as in `vjp`.
    """
    from pyxtorch.autograd.forward_ad import _dual, _Level, _unpacked

    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise RuntimeError(f"jvp: expected primals and tangents to be tuples, got {type(primals).__name__} and {type(tangents).__name__}.")
    leaves, spec = tree_flatten(primals)
    directions, direction_spec = tree_flatten(tangents)
    if spec != direction_spec:
        raise RuntimeError(f"jvp: expected primals and tangents to have the same structure, got {spec} and {direction_spec}.")
    for x, v in zip(leaves, directions):
        if not isinstance(x, pyxtorch.Tensor) or not isinstance(v, pyxtorch.Tensor) or x.shape != v.shape:
            raise RuntimeError(f"jvp: a tangent of shape {list(getattr(v, 'shape', ()))} was given for a primal of shape {list(getattr(x, 'shape', ()))}.")

    with _Level() as level:
        duals = [_dual(x, v, level) for x, v in zip(leaves, directions)]
        out, aux = _result(func, tree_unflatten(duals, spec), {}, has_aux, "jvp")
        outputs, out_spec = _tensor_outputs(out, "jvp")
        pairs = [_unpacked(y, level) for y in outputs]
        if strict and any(t is None for _, t in pairs):
            raise RuntimeError("jvp: an output of f does not depend on its inputs. This is not allowed in strict mode.")
        if has_aux:
            aux = tree_map(lambda x: _unpacked(x, level).primal if isinstance(x, pyxtorch.Tensor) else x, aux)
    result = tree_unflatten([y for y, _ in pairs], out_spec)
    found = tree_unflatten([pyxtorch.zeros_like(y) if t is None else t for y, t in pairs], out_spec)
    return (result, found, aux) if has_aux else (result, found)


def _transposed(outputs, opened):
    """(u, u' J), recorded: it is linear in u, so that its derivative by u along v is J v, whatever u is."""
    u = [pyxtorch.zeros_like(y).requires_grad_() for y in outputs]
    return u, _gradients(outputs, opened, u)


def linearize(func, *primals):
    """(func(*primals), a function of tangents that gives J times them): `func` runs once, each product after that does not run it.

    The first product also records u' J for a symbolic u; a product is then one run through that record, by u.
    """
    leaves, spec = tree_flatten(primals)
    with pyxtorch.enable_grad():
        opened = _opened(leaves, "linearize")
        outputs, out_spec = _tensor_outputs(func(*tree_unflatten(opened, spec)), "linearize")
    transposed = []

    def jvp_fn(*tangents):
        directions, direction_spec = tree_flatten(tangents)
        if direction_spec != spec:
            raise RuntimeError(f"linearize: expected the tangents to have the structure of the primals, {spec}, got {direction_spec}.")
        known = [level for y in outputs for level in levels_of(y)]
        if any(level not in known for v in directions for level in levels_of(v)):      # batched since `func` ran
            return jvp(func, primals, tree_unflatten(directions, spec))[1]
        now = pyxtorch.is_grad_enabled()
        with pyxtorch.enable_grad():
            u, back = transposed or _transposed(outputs, opened)
            if not transposed and not level_count():
                transposed.extend((u, back))
            pairs = [(g, v) for g, v in zip(back, directions) if g.requires_grad]
            found = autograd.grad([g for g, _ in pairs], u, [v for _, v in pairs], True, now or level_count() > 0, allow_unused=True) if pairs else [None] * len(u)
            products = [pyxtorch.zeros_like(y) if p is None else p for y, p in zip(outputs, found)]
        return tree_unflatten(_closed(products, [*opened, *u], now), out_spec)

    return tree_unflatten(_closed(outputs, opened, pyxtorch.is_grad_enabled()), out_spec), jvp_fn


def jacrev(func, argnums=0, *, has_aux=False, chunk_size=None, _preallocate_and_copy=False):
    """A function that gives the Jacobian of `func`: for a result of shape A and an argument of shape B a tensor of shape A + B.

    `func` runs once to see how large the result is, and then on one copy of the arguments for each of its elements, all at once; where that
    cannot be (control flow that depends on elements, operations without a rule), there is one gradient after the other. Where results or arguments are containers, so is the Jacobian: the structure of
    the result, with that of the arguments in each place.
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        recording = pyxtorch.is_grad_enabled()
        tree, with_these = _chosen(args, argnums, "jacrev")
        leaves, spec = tree_flatten(tree)
        state = pyxtorch.get_rng_state()
        with pyxtorch.enable_grad():
            opened = _opened(leaves, "jacrev")
            out, aux = _result(func, with_these(tree_unflatten(opened, spec)), kwargs, has_aux, "jacrev")
            outputs, out_spec = _tensor_outputs(out, "jacrev")
            rows = _rows_at_once(lambda xs: _result(func, with_these(tree_unflatten(xs, spec)), kwargs, has_aux, "jacrev")[0], leaves, outputs, chunk_size, state, recording)
            if rows is None:
                rows = [_closed(_rows(y, opened), opened, recording) for y in outputs]
            parts = [tree_unflatten(row, spec) for row in rows]
        found = tree_unflatten(parts, out_spec)
        return (found, _aux_outside(aux, opened, recording)) if has_aux else found

    return wrapper


def _rows_at_once(run, leaves, outputs, chunk_size, state, recording, refused=None):
    """The Jacobian of each output by each of `leaves`, of copies of them run as one batch; None where that gains nothing or cannot be done.

    `refused` is called with the error that says why it cannot.
    """
    count = sum(y.numel() for y in outputs)
    if count < 4 or chunk_size == 1 or not leaves:
        return None
    size = min(chunk_size or count, count)
    after = pyxtorch.get_rng_state()
    blocks = []
    try:
        for start in range(0, count, size):
            pyxtorch.set_rng_state(state)
            n = min(size, count - start)
            with Level(n, "same", strict=True) as level, _strict(running()):
                copies = _opened(leaves, "jacrev")
                ys, _ = _tensor_outputs(run(copies), "jacrev")
                directions, place = [], 0
                for y in ys:
                    if len(ys) == 1 and n == y.numel():
                        directions.append(wrap(pyxtorch.eye(n, dtype=y.dtype, device=base(y).device).reshape(n, *y.shape), level))
                        break
                    one = pyxtorch.zeros(n, y.numel(), dtype=y.dtype, device=base(y).device)
                    first, last = max(start, place), min(start + n, place + y.numel())
                    if first < last:
                        one[first - start:last - start, first - place:last - place] = pyxtorch.eye(last - first, dtype=y.dtype, device=one.device)
                    directions.append(wrap(one.reshape(n, *y.shape), level))
                    place += y.numel()
                outer = recording and _linked(ys, copies)
                found = [g if level in levels_of(g) else expanded(g, [level]) for g in _gradients(ys, copies, directions, outer)]
                blocks.append([batched(g).physical for g in _closed(found, copies, recording)])
    except Refused as error:
        if refused is not None:
            refused(error)
        return None
    finally:
        pyxtorch.set_rng_state(after)
    whole = [pyxtorch.cat(column) if len(column) > 1 else column[0] for column in zip(*blocks)]
    rows, place = [], 0
    for y in outputs:
        rows.append([g.narrow(0, place, y.numel()).reshape(*y.shape, *x.shape) for g, x in zip(whole, leaves)])
        place += y.numel()
    return rows


def _rows(y, opened):
    """The Jacobian of one output by each of `opened`."""
    if y.numel() == 1:
        return [g.reshape(*y.shape, *x.shape) for g, x in zip(_gradients([y], opened, [pyxtorch.ones_like(y)]), opened)]
    rows = []
    for i in range(y.numel()):
        direction = pyxtorch.zeros_like(y, memory_format=pyxtorch.contiguous_format)
        direction.view(-1)[i] = 1
        rows.append(_gradients([y], opened, [direction]))
    columns = zip(*rows) if rows else [()] * len(opened)
    return [pyxtorch.stack(c).reshape(*y.shape, *x.shape) if c else x.new_zeros((*y.shape, *x.shape)) for c, x in zip(columns, opened)]


def jacfwd(func, argnums=0, has_aux=False, *, randomness="error"):
    """The Jacobian as `jacrev` gives it, from one tangent for each element of the arguments: it pays where these are few."""

    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        tree, with_these = _chosen(args, argnums, "jacfwd")
        leaves, spec = tree_flatten(tree)
        for x in leaves:
            if not isinstance(x, pyxtorch.Tensor) or not (x.is_floating_point() or x.is_complex()):
                raise RuntimeError(f"jacfwd: only tensors of floating point or complex dtype have gradients, got {getattr(x, 'dtype', type(x).__name__)}.")
        aux, out_spec = None, None

        def column(*tangents):
            nonlocal aux, out_spec
            found = jvp(lambda *given: _result(func, with_these(tree_unflatten(list(given), spec)), kwargs, has_aux, "jacfwd") if has_aux
                        else func(*with_these(tree_unflatten(list(given), spec)), **kwargs), tuple(leaves), tangents, has_aux=has_aux)  # fmt: skip
            if has_aux:
                aux = found[2]
            outputs, out_spec = tree_flatten(found[1])
            return tuple(outputs)

        directions = _unit_tangents(leaves)
        if not len(directions[0]):
            return jacrev(func, argnums, has_aux=has_aux)(*args, **kwargs)
        columns = vmap(column, randomness=randomness)(*directions)
        parts = []
        for stacked in columns:  # (elements of all arguments, *shape of the result)
            split = stacked.split([x.numel() for x in leaves])
            parts.append(tree_unflatten([c.movedim(0, -1).reshape(*c.shape[1:], *x.shape) for c, x in zip(split, leaves)], spec))
        found = tree_unflatten(parts, out_spec)
        return (found, aux) if has_aux else found

    return wrapper


def _unit_tangents(leaves):
    """For each tensor its part of an identity matrix over the elements of all: (all elements, *its shape)."""
    total, parts, start = sum(x.numel() for x in leaves), [], 0
    for x in leaves:
        part = x.new_zeros(total, x.numel())
        part.diagonal(-start).fill_(1)
        parts.append(part.reshape(total, *x.shape))
        start += x.numel()
    return parts


def hessian(func, argnums=0):
    """A function that gives the matrix of second derivatives: `jacfwd(jacrev(func))`."""
    return jacfwd(jacrev(func, argnums), argnums)


# ---------------------------------------------------------------------------- axes by name


def rearrange(tensor, pattern, **axes_lengths):
    """The elements in another order and shape, axes by name: `rearrange(x, "b (h w) c -> b c h w", h=4)`.

    Args:
        tensor: a tensor, or a list of tensors, which are stacked first. pattern: axes before and after; in brackets several that make one,
            `1` an axis of length 1, `...` all others. axes_lengths: what cannot be told from the shape.
    Raises:
        ValueError: the pattern and the tensor do not fit. The notation is that of einops.
    """
    x = pyxtorch.stack(list(tensor)) if isinstance(tensor, list | tuple) else tensor
    before, after = (_axes(side, pattern) for side in _sides(pattern))
    rest = x.dim() - sum(group is not _OTHERS for group in before)
    if _OTHERS not in before and rest or rest < 0:
        raise ValueError(f"rearrange: {pattern!r} is for {len(before)} dimensions, the tensor has {x.dim()}.")
    others = [f"...{i}" for i in range(rest)]
    before, after = ([g for group in side for g in ([[o] for o in others] if group is _OTHERS else [[*_spread(group, others)]])] for side in (before, after))
    lengths, shape = dict(axes_lengths), []
    for group, size in zip(before, x.shape):
        lengths.update({name: 1 for name in group if name.startswith("1")})
        unknown = [name for name in group if name not in lengths]
        known = math.prod(lengths[name] for name in group if name in lengths)
        if len(unknown) == 1 and known and size % known == 0:
            lengths[unknown[0]] = size // known
        elif unknown or known != size:
            raise ValueError(f"rearrange: ({' '.join(group)}) in {pattern!r} does not fit a dimension of {size}, with {axes_lengths}.")
        shape += [lengths[name] for name in group]
    names, wanted = [n for g in before for n in g if not n.startswith("1")], [n for g in after for n in g if not n.startswith("1")]
    if sorted(names) != sorted(wanted) or len(set(names)) != len(names):
        raise ValueError(f"rearrange: both sides of {pattern!r} must name the same axes, each once.")
    x = x.reshape([lengths[name] for name in names]).permute([names.index(name) for name in wanted])
    return x.reshape([math.prod(lengths.get(name, 1) for name in group) for group in after])


_OTHERS = ("...",)  # dimensions that stay apart


def _sides(pattern):
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ValueError(f"rearrange: expected a pattern such as 'a b -> b a', got {pattern!r}.")
    return sides


def _axes(side, pattern):
    """The axes of a side, a list for each dimension."""
    groups, ones = [], 0
    for token in re.findall(r"\([^()]*\)|\S+", side):
        names = token.strip("()").split()
        for i, name in enumerate(names):
            if name == "1":
                names[i], ones = f"1_{ones}", ones + 1
            elif name != "..." and not name.isidentifier():
                raise ValueError(f"rearrange: {name!r} in {pattern!r} is no name of an axis.")
        groups.append(_OTHERS if token == "..." else names)
    return groups


def _spread(group, others):
    for name in group:
        yield from others if name == "..." else [name]


# ---------------------------------------------------------------------------- modules


def stack_module_state(models):
    """(parameters, buffers) of several modules of one class, stacked along a new first dimension, by name: for `vmap` over an ensemble.

    Raises:
        RuntimeError: no models, of different classes, or some in training and some not.
    """
    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if not (all(m.training for m in models) or all(not m.training for m in models)):
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if len({type(m) for m in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")

    def stacked(tensors):
        wanted = {t.requires_grad for t in tensors}
        if len(wanted) > 1:
            raise RuntimeError("Expected tensors to be stacked to have the same requires_grad, but got some with and some without.")
        return pyxtorch.stack([t.detach() for t in tensors]).requires_grad_(wanted.pop())

    parameters, buffers = ([dict(getattr(m, kind)()) for m in models] for kind in ("named_parameters", "named_buffers"))
    return tuple({name: stacked([one[name] for one in each]) for name in each[0]} for each in (parameters, buffers))


def replace_all_batch_norm_modules_(root):
    """Let all batch normalisations below `root`, which is changed and returned, use the batch alone: they keep no running statistics."""
    for module in itertools.chain([root], root.modules()):
        if isinstance(module, pyxtorch.nn.modules.batchnorm._BatchNorm):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root


def functionalize(func, *, remove="mutations"):
    """A function that gives what `func` gives. What it changes in place, it changes: there is no graph to keep free of that.

    Raises:
        RuntimeError: `remove` is neither "mutations" nor "mutations_and_views".
    """
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}. Valid options are: remove='mutations' or "
                           "remove='mutations_and_views'")  # fmt: skip
    return functools.wraps(func)(lambda *args, **kwargs: func(*args, **kwargs))


def debug_unwrap(tensor, *, recurse=True):
    """What lies within a tensor that a transform has wrapped: the tensor itself, since none is."""
    return tree_map(lambda x: x, tensor)
