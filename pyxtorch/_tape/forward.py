"""Forward mode: tangents that travel with tensors.

A tensor may carry one tangent for each open level: the flag DUAL and an entry in `_extra`. When an operation with such an input is
recorded, the tangents of its outputs are computed at once, a level at a time, the outermost first; meanwhile only the levels further
out are looked at, so that their tangents flow through what is computed for this one. A node needs no rule of its own: its `send` is
linear in the gradient, and is transposed by differentiating it. Where that costs too much the node has a `pushforward`.

Compiled by Cython in pure Python mode; forward.pxd has the C side.
"""
import cython
from cython.cimports.cpython.object import PyObject
from cython.cimports.pyxtorch._core import (
    DUAL,
    REQUIRES_GRAD,
    TensorBase,
    device_of,
    dtype_of,
    is_complex_code,
    is_floating,
    same_shape,
    shape_of,
)
from cython.cimports.pyxtorch._gate import hear, hush, set_silent, unhush
from cython.cimports.pyxtorch._tape.engine import added, converted, run, zeros_like, zeros_of
from cython.cimports.pyxtorch._tape.graph import Node, Run, swap_running
from cython.cimports.pyxtorch._tape.modes import grad_enabled, levels_open, levels_seen, open_levels, see_levels, set_dual, set_grad

_stale = cython.declare(object, None)                # views.stale, which stands above this module


_blank = cython.declare(object, None)
_probe = cython.declare(object, None)
_any_nonzero = cython.declare(object, None)


def provide_operations(blank, probe, any_nonzero):
    """Take what the floors above hand over: zeros like a tensor in no memory, numbers of no pattern like it, and whether it has any but 0."""
    global _blank, _probe, _any_nonzero
    _blank, _probe, _any_nonzero = blank, probe, any_nonzero


def provide_views(stale):
    """Take the function that brings the history and the tangents of a view up to date."""
    global _stale
    _stale = stale


@cython.cfunc
@cython.inline
@cython.exceptval(-1, check=False)
def stale(x: TensorBase) -> cython.int:
    if cython.cast(TensorBase, x._base)._extra is not None:
        _stale(x)
    return 0


# ------------------------------------------------------------------------------------ levels


@cython.final
@cython.binding(False)
@cython.cclass
class Level:
    """One open level of forward mode."""


def open_level():
    """Open a level of forward mode within those that this thread has open."""
    level: Level = Level.__new__(Level)
    level.depth = levels_open()
    level.open = True
    open_levels(level.depth + 1)
    return level


def close_level(level: Level):
    """Close a level, and those within it: tangents of it are none any more."""
    level.open = False
    if levels_open() > level.depth:
        open_levels(level.depth)


def level_count():
    """How many levels this thread has open."""
    return levels_open()


def switch(mode):
    """Whether this thread computes tangents from now on; returns whether it did."""
    return set_dual(mode)


def make_dual(x: TensorBase, t, level: Level):
    """Give `x`, which nobody else has, the tangent `t` in `level`."""
    put_tangent(x, level, t)
    return x


def tangent_of(x: TensorBase, level: Level):
    """The tangent of `x` in `level`, or None."""
    return tangent_at(x, level)


def tangents_of(x: TensorBase):
    """(level, tangent) for each open level in which `x` has one."""
    if x._base is not None:
        stale(x)
    return [pair for pair in x._extra["tangents"] if cython.cast(Level, pair[0]).open] if x.flags & DUAL else []


def without_tangent(y: TensorBase, x: TensorBase, level: Level):
    """`y`, which has the elements of `x`, with the tangents of `x` but for that of `level`."""
    carry(y, x)
    if y.flags & DUAL:
        y._extra["tangents"] = [(other, t) for other, t in y._extra["tangents"] if other is not level]
    return y


# ---------------------------------------------------------------------------------- tangents


def tangent_at(x, level):
    if x._base is not None:
        stale(x)
    if not x.flags & DUAL or not level.open:
        return None
    for other, t in x._extra["tangents"]:
        if other is level:
            return t
    return None


def put_tangent(x, level, t):
    if x._extra is None:
        x._extra = {}
    others = [(other, u) for other, u in x._extra.get("tangents", ()) if other is not level and cython.cast(Level, other).open]
    others.append((level, t))
    x._extra["tangents"] = others
    x.flags |= DUAL
    return 0


def levels_of(x, found):
    if x._base is not None:
        stale(x)
    if x.flags & DUAL:
        seen: cython.int = levels_seen()
        for level, _ in x._extra["tangents"]:
            if cython.cast(Level, level).open and cython.cast(Level, level).depth < seen and level not in found:
                found.append(level)
    return found


def drop_tangents(x):
    if x.flags & DUAL:
        del x._extra["tangents"]
        x.flags &= ~DUAL
    return 0


def carry(y, x):
    drop_tangents(y)
    if x._base is not None:
        stale(x)
    if x.flags & DUAL:
        if y._extra is None:
            y._extra = {}
        y._extra["tangents"] = list(x._extra["tangents"])
        y.flags |= DUAL
    return 0


def replace_tangents(x, y):
    before: list = levels_of(x, [])
    carry(x, y)
    for level in before:
        if tangent_at(x, level) is None:
            put_tangent(x, level, zeros_like(y))
    return 0


# ---------------------------------------------------------------------------- one operation


@cython.final
@cython.binding(False)
@cython.cclass
class Collector(Run):
    """Stands for a run where one node alone is asked for its gradients."""

    caught: list

    @cython.cfunc
    @cython.exceptval(check=False)
    def wants(self, node: Node, target) -> cython.bint:
        return True

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def deliver(self, node: Node, i: cython.int, target, g) -> cython.int:
        have = self.caught[i]
        self.caught[i] = g if have is None else added(have, g)
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def withhold(self, i: cython.int) -> cython.int:
        return 0


@cython.final
@cython.binding(False)
@cython.cclass
class Symbol(Node):
    """Made the gradient that a node is transposed by. No leaf, so that what depends on it depends on nothing."""

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def send(self, g) -> cython.int:
        return 0


@cython.cfunc
@cython.exceptval(-1, check=False)
def put_edges(node: Node, edges: list) -> cython.int:
    n: cython.Py_ssize_t = len(edges)
    node.e0 = edges[0] if n > 0 else None
    node.e1 = edges[1] if n > 1 else None
    node.e2 = edges[2] if n > 2 else None
    if n > 3:
        node.e_more = edges[3:]
    return 0


@cython.cfunc
def sent(node: Node, g):
    """What `node` sends for the gradient `g` (a list, of several outputs), one for each input."""
    collector: Collector = Collector.__new__(Collector)
    collector.caught = [None] * node.n_inputs
    outer: cython.pointer(PyObject) = swap_running(cython.cast(cython.pointer(PyObject), collector))
    try:
        node.send(g)
    finally:
        swap_running(outer)
    return collector.caught


def adjoint(node, tangents, outs):
    x: TensorBase = outs[0]
    t: TensorBase
    total = None
    i: cython.Py_ssize_t
    if node.n_outputs != 1 or not is_floating(x.dt):
        return None
    for item in tangents:
        if item is not None:
            t = item
            if t.dt != x.dt or not same_shape(t, x):
                return None
    n: cython.Py_ssize_t = node.n_inputs
    for i in range(len(tangents)):
        if tangents[i] is not None:
            edges: list = [None] * n
            edges[i] = tangents[i]
            put_edges(node, edges)
            found = sent(node, tangents[i])[i]
            if found is not None:
                total = found if total is None else added(total, found)
    return [total]


@cython.cfunc
def transposed(node: Node, tangents: list, outs: list):
    """The tangents of `outs`: what the node sends is linear in the gradients u; its derivative by u, along the tangents."""
    x: TensorBase
    y: TensorBase
    symbol: Symbol
    linked: cython.bint = grad_enabled() and not node.unlinked
    create: cython.bint = linked
    floor: cython.ulonglong = 0
    us: list = []
    wanted: list = []
    for out in outs:
        u = None
        if out is not None:
            x = out
            if is_floating(x.dt) or is_complex_code(x.dt):
                u = _probe(x) if node.always else _blank(x)
                y = u
                symbol = Symbol.__new__(Symbol)
                symbol.n_outputs = 1
                y._grad_fn = symbol
                y.output_nr = 0
                y.flags |= REQUIRES_GRAD
                if floor == 0:
                    floor = symbol.sequence
                wanted.append((symbol, 0))
        us.append(u)
    if not wanted:
        return [None] * len(outs)
    if not create and grad_enabled():
        for t in tangents:
            if t is not None and cython.cast(TensorBase, t).flags & REQUIRES_GRAD:
                create = True
    before: cython.bint = set_grad(1)
    try:
        caught: list = sent(node, list(us) if node.n_outputs > 1 else us[0])     # a list of its own: `send` may fill it in
    finally:
        set_grad(before)
    roots: list = []
    numbers: list = []
    firsts: list = []
    i: cython.Py_ssize_t
    for i in range(len(tangents)):
        if tangents[i] is None or caught[i] is None:
            continue
        x = caught[i]
        if x._base is not None:
            stale(x)
        if x._grad_fn is None or cython.cast(Node, x._grad_fn).sequence < floor:
            if node.always and _any_nonzero(x):
                raise RuntimeError(
                    f"{node.name()}: the tangent of its output cannot be derived from its backward, which is not written in recorded tensor "
                    "operations. Write it as a static method jvp(ctx, *grad_inputs)."
                )
            continue
        y = tangents[i]
        if not same_shape(x, y):
            raise RuntimeError(f"{node.name()}: a tangent of shape {list(shape_of(y))} meets a gradient of shape {list(shape_of(x))} for input {i}.")
        roots.append(x._grad_fn)
        numbers.append(x.output_nr)
        firsts.append(y if y.dt == x.dt else converted(y, x.dt))
    caught = None
    results: list = [None] * len(wanted)
    if roots:
        run(roots, numbers, firsts, False, create, wanted, results, None, floor)
    found: list = []
    place: cython.Py_ssize_t = 0
    for u in us:
        if u is None:
            found.append(None)
            continue
        t = results[place]
        found.append(t if isinstance(t, TensorBase) else None)
        place += 1
    return found


def spread(node, outs, inputs):
    levels: list = []
    level: Level
    y: TensorBase
    i: cython.Py_ssize_t
    for item in inputs:
        if item is not None:
            levels_of(cython.cast(TensorBase, item), levels)
    if not levels:
        return 0
    if len(levels) > 1:
        levels.sort(key=depth_of)
    n: cython.Py_ssize_t = node.n_inputs
    real: list = [node.edge(i) for i in range(n)]
    whole: cython.int = levels_seen()
    heard: cython.int = hush()
    made: list = []
    try:
        for item in levels:
            level = item
            tangents: list = [None if item is None else tangent_at(cython.cast(TensorBase, item), level) for item in inputs]
            tangents.extend([None] * (n - len(tangents)))
            see_levels(level.depth)
            put_edges(node, tangents)
            found: list = node.pushforward(tangents, outs)
            if found is None:
                put_edges(node, tangents)
                found = transposed(node, tangents, outs)
            for i in range(len(outs)):
                if outs[i] is None:
                    continue
                y = outs[i]
                if is_floating(y.dt) or is_complex_code(y.dt):
                    found[i] = fitted(node, y, found[i])
                    made.append((y, level, found[i]))
            # What is saved of the outputs has their tangents too: further levels, and gradients, are computed from it.
            for i in range(node.n_saved):
                y = saved_output(node, i)
                if y is not None and y.output_nr < len(found) and (is_floating(y.dt) or is_complex_code(y.dt)):
                    put_tangent(y, level, fitted(node, y, found[y.output_nr]))
            if node.extra is not None and "packed" in node.extra:
                for place, entry in node.extra["packed"].items():
                    if place < 64 and (node.output_mask >> cython.cast(cython.int, place)) & 1 and found[entry[3]] is not None:
                        node.extra.setdefault("packed_tangents", {}).setdefault(place, []).append((level, found[entry[3]]))
            see_levels(whole)
    finally:
        see_levels(whole)
        unhush(heard)
        put_edges(node, real)
    for y, level, t in made:
        put_tangent(y, level, t)
    return 0


@cython.cfunc
def fitted(node: Node, y: TensorBase, t):
    """The tangent `t` of output `y`; None is zero."""
    if t is None:
        return zeros_like(y)
    x: TensorBase = t
    if not same_shape(x, y):
        raise RuntimeError(f"{node.name()}: its output has shape {list(shape_of(y))}, but the tangent of it {list(shape_of(x))}.")
    return t if x.dt == y.dt else converted(x, y.dt)


def push_user(cls, jvp, node, args, results, plain):
    x: TensorBase
    notes: dict = node.extra
    inputs: list = [a for a in args if isinstance(a, TensorBase)]
    outs: list = [None if p else r for p, r in zip(plain, results)]
    levels: list = []
    for x in inputs:
        levels_of(x, levels)
    if jvp is None:
        if getattr(cls.backward, "once_differentiable", False):
            raise RuntimeError(
                f"{cls.__name__}: its backward is marked with @once_differentiable, so that no tangent can be derived from it. "
                "Write it as a static method jvp(ctx, *grad_inputs)."
            )
        return spread(node, outs, inputs)
    for level in sorted(levels, key=lambda level: level.depth):
        given: list = []
        for a in args:
            t = tangent_at(a, level) if isinstance(a, TensorBase) else None
            if t is None and isinstance(a, TensorBase) and notes.get("materialize", True) and (is_floating(cython.cast(TensorBase, a).dt) or is_complex_code(cython.cast(TensorBase, a).dt)):
                x = a
                t = zeros_of(shape_of(x), dtype_of(x.dt), device_of(x.dev, x.dev_index))
            given.append(t)
        if "for_forward" in notes:
            notes["now_forward"] = notes["for_forward"]
        seen: cython.int = see_levels(level.depth)
        heard: cython.int = hear()
        try:
            found = jvp(node, *given)
        finally:
            set_silent(heard)
            see_levels(seen)
            notes.pop("now_forward", None)
        if not isinstance(found, tuple):
            found = (found,)
        if len(found) != len(results):
            raise RuntimeError(f"{cls.__name__}.jvp returned {len(found)} tangents, but forward gave {len(results)} results: one for each; None where there is none.")
        for r, t, p in zip(results, found, plain):
            if p or not isinstance(r, TensorBase):
                continue
            x = r
            if t is None:
                t = zeros_of(shape_of(x), dtype_of(x.dt), device_of(x.dev, x.dev_index))
            elif not isinstance(t, TensorBase) or shape_of(t) != shape_of(x) or cython.cast(TensorBase, t).dt != x.dt:
                raise RuntimeError(f"{cls.__name__}.jvp: a tangent must be a tensor like its output, of shape {list(shape_of(x))} and {dtype_of(x.dt)!r}.")
            put_tangent(x, level, t)
    notes.pop("for_forward", None)
    return 0


def depth_of(level: Level):
    return level.depth


@cython.cfunc
def saved_output(node: Node, i: cython.Py_ssize_t):
    """What is saved at place `i` if it is an output of `node` (one of the first 64)."""
    if i >= 64 or not (node.output_mask >> i) & 1:
        return None
    if i == 0:
        return node.s0
    if i == 1:
        return node.s1
    if i == 2:
        return node.s2
    return node.s_more[i - 3]
