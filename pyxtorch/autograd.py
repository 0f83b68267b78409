"""The tape: Variable, Function, and how operations are recorded; `backward` and `grad`.

Reverse-mode differentiation over recorded operations. Compiled by Cython in pure Python mode; the C
side of the declarations is in autograd.pxd. Below it, in `_tape`: the graph and the engine, the history
of views, grad modes and hooks. Nothing here knows a particular operation.

This module is also the package `pyxtorch.autograd`: its parts in plain Python (functional, graph,
grad_mode, gradcheck and the like) are files in `_autograd`.
"""
import importlib
import os

import cython
from cython.cimports.pyxtorch._core import (
    CPU,
    DUAL,
    FOLLOWED,
    INFERENCE,
    REQUIRES_GRAD,
    RETAINS_GRAD,
    TensorBase,
    alias,
    bump,
    device_of,
    dtype_of,
    is_complex_code,
    is_floating,
    shape_of,
)
from cython.cimports.pyxtorch._compound import COMPOUND
from cython.cimports.pyxtorch._gate import hear, set_silent
from cython.cimports.pyxtorch._tape.engine import zeros_of
from cython.cimports.pyxtorch._tape.forward import carry, levels_of, push_user, put_tangent, spread
from cython.cimports.pyxtorch._tape.graph import Node
from cython.cimports.pyxtorch._tape.modes import grad_enabled, recorded_flags, see_levels, set_dual, set_grad
from cython.cimports.pyxtorch._tape.saving import hooked, moved, packed
from cython.cimports.pyxtorch._tape.sites import keep_output
from cython.cimports.pyxtorch._tape.views import Same, check_inplace, made, rebase, set_edge, stale, tracked

from pyxtorch._compound import parts_of as _parts_of
from pyxtorch._tape.backward import backward, grad  # noqa: F401  (the names of torch.autograd)
from pyxtorch._tape.engine import is_anomaly_enabled, set_anomaly  # noqa: F401
from pyxtorch._tape.graph import AccumulateGrad, current_task  # noqa: F401
from pyxtorch._tape.hooks import RemovableHandle  # noqa: F401
from pyxtorch._tape.views import alike as _alike  # noqa: F401
from pyxtorch._tape.modes import (  # noqa: F401
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)

# Parts in plain Python, imported when somebody asks: name to the module it is in (itself, if it is one).
_LATE = {
    **dict.fromkeys(("anomaly_mode", "forward_ad", "function", "functional", "grad_mode", "graph", "profiler", "profiler_util", "variable"), None),
    "blame": "blaming", "Blame": "blaming", "detect_anomaly": "anomaly_mode", "set_detect_anomaly": "anomaly_mode", "enforce_grad_layout_policy": "grad_mode",
    "set_multithreading_enabled": "grad_mode", "NestedIOFunction": "function",
    "_profiler_enabled": "profiler",
}
__path__ = [os.path.join(os.path.dirname(__file__), "_autograd")]


def __getattr__(name):
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"pyxtorch.autograd.{_LATE[name] or name}")
    return module if _LATE[name] is None else getattr(module, name)


# ---------------------------------------------------------------------------- tensors' side


@cython.binding(False)  # methods that check the type of their self, called as Class.method(x)
@cython.cclass
class Variable(TensorBase):
    """A tensor that can be recorded.

    `Variable(data, requires_grad=True)` of early PyTorch still makes one: a Tensor on the same
    memory. Every tensor is an instance of this class.
    """


def recording_any(xs):
    if not recorded_flags():
        return False
    for item in xs:
        if isinstance(item, Variable) and recording(cython.cast(Variable, item)):
            return True
    return False


# ------------------------------------------------------------------------------------ functions


@cython.binding(False)
@cython.cclass
class Function(Node):
    """Base of every differentiable operation.

    A user's operation is a subclass with two static methods:

        class Exp(Function):
            @staticmethod
            def forward(ctx, x):
                y = x.exp()
                ctx.save_for_backward(y)
                return y

            @staticmethod
            def backward(ctx, grad_output):
                (y,) = ctx.saved_tensors
                return grad_output * y

        y = Exp.apply(x)

    `forward` runs unrecorded. `backward` gets one gradient for each output and returns one for
    each input of `forward` (None where there is none); written in tensor operations it can itself
    be differentiated. Alternatively `forward(x, ...)` without ctx and `setup_context(ctx, inputs,
    output)`.
    """

    def __init__(self):
        pass

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def send(self, g) -> cython.int:
        if self.n_outputs > 1:
            return self.vjp_many(g)
        return self.vjp(cython.cast(Variable, g))

    # Saved tensors --------------------------------------------------------------------------

    def save(self, x):
        version: cython.longlong = 0
        n: cython.int = self.n_saved
        if x is not None:
            version = state_of(x)
            if x.flags & INFERENCE:
                raise RuntimeError("Inference tensors cannot be saved for backward. Clone the tensor outside inference_mode.")
            if hooked() and self.save_packed(n, x):
                x = None
        if n == 0:
            self.s0 = x
            self.v0 = version
        elif n == 1:
            self.s1 = x
            self.v1 = version
        elif n == 2:
            self.s2 = x
            self.v2 = version
        else:
            if self.s_more is None:
                self.s_more = []
                self.v_more = []
            self.s_more.append(x)
            self.v_more.append(version)
        self.n_saved = n + 1
        return 0

    def save_output(self, y, number=-1):
        # An alias off the tape, or node and output would keep each other alive.
        off: TensorBase = alias(y)
        off.output_nr = number if number >= 0 else y.output_nr
        if self.n_saved < 64:
            self.output_mask |= cython.cast(cython.ulonglong, 1) << self.n_saved
        else:
            self.notes().setdefault("outputs", set()).add(self.n_saved)
        return self.save(off)

    @cython.cfunc
    @cython.exceptval(check=False)
    def is_output(self, i: cython.int) -> cython.bint:
        if i < 64:
            return (self.output_mask >> i) & 1 != 0
        return self.extra is not None and i in self.extra.get("outputs", ())

    def saved(self, i):
        x: TensorBase
        version: cython.longlong
        if self.released:
            raise RuntimeError(
                f"{self.name()}: Trying to backward through the graph a second time (or directly access saved "
                "tensors after they have already been freed). Saved intermediate values of the graph are freed "
                "when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to "
                "backward through the graph a second time."
            )
        if i == 0:
            x = self.s0
            version = self.v0
        elif i == 1:
            x = self.s1
            version = self.v1
        elif i == 2:
            x = self.s2
            version = self.v2
        else:
            x = self.s_more[i - 3]
            version = self.v_more[i - 3]
        if x is None:
            if self.extra is not None and "packed" in self.extra and i in self.extra["packed"]:
                return self.unpacked(i)
            return None
        if state_of(x) != version:
            raise moved(self.name(), x, self.is_output(i), state_of(x), version)
        if self.n_inputs > 0 and not self.unlinked and self.is_output(i) and (grad_enabled() or self.always):
            # A graph of the gradient is being made, or a user looks: the output must lead back to this node.
            y = lead(alias(x), self, x.output_nr)
            if x.flags & DUAL:
                carry(y, x)
            return y
        return cython.cast(Variable, x)

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def save_packed(self, i: cython.int, x: TensorBase) -> cython.int:
        """Hand `x` to this thread's hooks, if it has any; whether it had."""
        kept = packed(x)
        if kept is None:
            return 0
        target = None
        if tracked(x):
            target = x._grad_fn if x._grad_fn is not None else x
        self.notes().setdefault("packed", {})[i] = (*kept, target, x.output_nr)
        if x.flags & DUAL:
            self.notes().setdefault("packed_tangents", {})[i] = list(x._extra["tangents"])
        return 1

    @cython.cfunc
    def unpacked(self, i: cython.int):
        kept, unpack, target, number = self.extra["packed"][i]
        level: cython.int = hear()
        try:
            x = unpack(kept)
        finally:
            set_silent(level)
        if not isinstance(x, Variable):
            raise TypeError(f"{self.name()}: Output of saved tensor unpack_hook expected to be a Tensor, not {type(x).__name__}.")
        if "packed_tangents" in self.extra and i in self.extra["packed_tangents"]:
            x = _alike(x, True, False)
            for forward_level, t in self.extra["packed_tangents"][i]:
                put_tangent(x, forward_level, t)
        if not grad_enabled() and not self.always:      # a user's Function may ask what it got whether it requires grad
            return x
        if self.is_output(i):
            return with_tangents(lead(alias(x), self, number), x) if self.n_inputs > 0 and not self.unlinked else x
        if target is None:
            return x
        if isinstance(target, Node):
            return with_tangents(lead(alias(x), target, number), x)
        same: Same = Same.__new__(Same)
        same.n_inputs = 1
        same.n_outputs = 1
        set_edge(same, 0, target)
        return with_tangents(lead(alias(x), same, 0), x)

    def release(self):
        self.s0 = None
        self.s1 = None
        self.s2 = None
        self.s_more = None
        if self.extra is not None:
            self.extra.pop("packed", None)
        if self.n_saved > 0:
            self.released = True
        return 0

    # What a ctx offers ----------------------------------------------------------------------

    def save_for_backward(self, *tensors):
        """Keep tensors (inputs, outputs, or others; None allowed) for `backward`."""
        for t in tensors:
            if t is not None and not isinstance(t, Variable):
                raise TypeError(f"save_for_backward can only save variables, but argument is of type {type(t).__name__}.")
        self.notes()["to_save"] = tensors

    def save_for_forward(self, *tensors):
        """Keep tensors for `jvp`, which finds them in `saved_tensors`."""
        for t in tensors:
            if t is not None and not isinstance(t, Variable):
                raise TypeError(f"save_for_forward can only save variables, but argument is of type {type(t).__name__}.")
        self.notes()["for_forward"] = tensors

    def mark_dirty(self, *tensors):
        """Say which inputs `forward` changed in place; they must be returned too."""
        self.notes()["dirty"] = tensors

    def mark_non_differentiable(self, *tensors):
        """Say which outputs have no gradient."""
        self.notes()["non_differentiable"] = tensors

    def mark_shared_storage(self, *pairs):
        """Of early PyTorch: which outputs lie in the memory of which inputs. It is seen without being said."""

    def set_materialize_grads(self, value):
        """Whether a missing gradient reaches `backward` as zeros (True, the default) or None."""
        self.notes()["materialize"] = bool(value)

    @property
    def saved_tensors(self):
        """What `save_for_backward` kept, checked against in-place changes; in `jvp` what `save_for_forward` kept."""
        if self.extra is not None and "now_forward" in self.extra:
            return self.extra["now_forward"]
        return tuple([self.saved(i) for i in range(self.n_saved)])

    def held(self):
        """What is saved and is still what it was: [(tensor, number of the output that it is, or -1)]."""
        found: list = []
        i: cython.int
        x: TensorBase
        for i in range(self.n_saved):
            x = self.s0 if i == 0 else self.s1 if i == 1 else self.s2 if i == 2 else None
            version = self.v0 if i == 0 else self.v1 if i == 1 else self.v2
            if i > 2 and self.s_more is not None:
                x, version = self.s_more[i - 3], self.v_more[i - 3]
            if x is not None and state_of(x) == version:
                found.append((alias(x), x.output_nr if self.is_output(i) else -1))
        return found

    @property
    def saved_variables(self):
        return self.saved_tensors

    @property
    def needs_input_grad(self):
        """For each input of `forward`: whether its gradient is wanted."""
        if self.extra is not None and "needs" in self.extra and not self.n_inputs:
            return self.extra["needs"]
        if self.extra is not None and "places" in self.extra:
            places = self.extra["places"]
            return tuple([p >= 0 and self.needs(p) for p in places])
        return tuple([self.needs(i) for i in range(self.n_inputs)])

    @staticmethod
    def forward(ctx, *args, **kwargs):
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode AD."
        )

    @staticmethod
    def jvp(ctx, *grad_inputs):
        raise NotImplementedError("You must implement the jvp function for custom autograd.Function to use it with forward mode AD.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        raise NotImplementedError("setup_context is not implemented.")

    @classmethod
    def apply(cls, *args):
        """Run the operation on `args` and record it."""
        return run_user(cls, cls.__new__(cls), args)

    def __call__(self, *args):
        """The same in the style of early PyTorch: an object for each call, whose `forward(self, ...)` and `backward(self, ...)` are its methods."""
        node: Function = self
        if not type(self).__flags__ & (1 << 9):  # one that is built in
            raise TypeError(f"{self.name()}: a node of the graph cannot be called.")
        if self.extra is not None and "needs" in self.extra:  # it is in a graph already
            node = type(self).__new__(type(self))
            node.__dict__.update(self.__dict__)
        return run_user(type(self), node, args)

    def vjp(self, g):
        return self.vjp_many([g])

    def vjp_many(self, grads):
        # Built-in operations are static types and have a vjp; a user's class has a `backward`.
        cls = type(self)
        if not cls.__flags__ & (1 << 9):
            g = grads[0]
            if g is not None:
                self.vjp(g)
            return 0
        notes: dict = self.notes()
        i: cython.Py_ssize_t
        shapes: list = notes["shapes"]
        for i in range(len(grads)):
            if grads[i] is None and shapes[i] is not None and notes.get("materialize", True):
                shape, dtype, kind, number = shapes[i]
                grads[i] = zeros_of(shape, dtype_of(dtype), device_of(kind, number))
        if self.released:
            self.saved(0)           # says so
        level: cython.int = hear()
        given = cls.backward(self, *grads)
        set_silent(level)
        if not isinstance(given, tuple):
            given = (given,)
        places: list = notes["places"]
        while len(given) > len(places) and given[-1] is None:
            given = given[:-1]
        if len(given) != len(places):
            raise RuntimeError(
                f"{cls.__name__}.backward returned an incorrect number of gradients (expected {len(places)}, got "
                f"{len(given)}): one for each input of forward; return None where there is none."
            )
        for i in range(len(places)):
            g = given[i]
            if g is None:
                if places[i] >= 0:
                    self.withhold(places[i])
                continue
            if not isinstance(g, Variable):
                raise TypeError(f"{cls.__name__}.backward: expected Variable or None, got {type(g).__name__}.")
            place: cython.int = places[i]
            if place >= 0:
                self.pass_grad(place, fitted(g, notes["expected"][i], cls.__name__, i))
        return 0


@cython.cfunc
def fitted(g: Variable, expected: tuple, name: str, i: cython.Py_ssize_t):
    """A gradient from a user's backward, summed and converted to what input `i` was; RuntimeError if it does not fit."""
    shape: tuple = expected[0]
    if shape_of(g) != shape:
        sizes: tuple = shape_of(g)
        lead: cython.Py_ssize_t = len(sizes) - len(shape)
        if lead < 0 or any([n != 1 and n != m for n, m in zip(shape, sizes[lead:])]):
            raise RuntimeError(
                f"{name}.backward: Function {name}Backward returned an invalid gradient at index {i} - got {list(sizes)} but expected "
                f"shape compatible with {list(shape)}"
            )
        g = cython.cast(object, g).sum_to_size(shape)
    return g if g.dt == expected[1] else cython.cast(object, g).to(dtype_of(expected[1]))


_no_setup = cython.declare(object, Function.setup_context)
_no_jvp = cython.declare(object, Function.jvp)


@cython.cfunc
def run_user(cls, node: Function, args: tuple):
    """A user's operation on `args`, recorded in `node`, which is its ctx."""
    x: Variable
    node.always = True
    i: cython.int = 0
    k: cython.Py_ssize_t
    for a in args:
        if isinstance(a, Variable) and cython.cast(Variable, a).flags & COMPOUND and hasattr(_parts_of(a), "apply"):
            return _parts_of(a).apply(cls, args)
    enabled: cython.bint = grad_enabled()
    needs: tuple = tuple([enabled and isinstance(a, Variable) and tracked(cython.cast(Variable, a)) for a in args])
    notes: dict = node.notes()
    notes["needs"] = needs
    dual: cython.bint = False
    if recorded_flags() & DUAL:
        for a in args:
            if isinstance(a, Variable) and levels_of(cython.cast(Variable, a), []):
                dual = True
    before: cython.bint = set_grad(0)
    dual_before: cython.bint = set_dual(0)
    try:
        if cls.setup_context is _no_setup:
            output = cls.forward(node, *args)
        else:
            output = cls.forward(*args)
            cls.setup_context(node, args, output)
    finally:
        set_grad(before)
        set_dual(dual_before)
    outputs: tuple = output if isinstance(output, tuple) else (output,)
    dirty: tuple = notes.pop("dirty", ())
    for t in dirty:
        x = t
        bump(x)
    saving: tuple = notes.pop("to_save", ())
    linked: cython.bint = True in needs
    if not (linked or dual):
        return output
    for t in dirty:
        check_inplace(t, cls.__name__)
    plain: tuple = notes.get("non_differentiable", ())
    results: list = []
    shapes: list = []
    for o in outputs:
        if not isinstance(o, Variable):
            shapes.append(None)
        else:
            x = o
            shapes.append((shape_of(x), x.dt, CPU if x.flags & COMPOUND else x.dev, x.dev_index))
            # An input that is returned unchanged, or a leaf, must not become this node's output itself.
            if not among(o, dirty) and (x.flags & FOLLOWED or x._grad_fn is not None or among(o, args)):
                o = o.detach()
        results.append(o)
    for t in saving:
        place: cython.Py_ssize_t = -1
        if t is not None and (among(t, dirty) or not among(t, args)):
            for k in range(len(outputs)):
                if t is outputs[k]:
                    place = k
        if place >= 0:
            node.save_output(results[place], place)
        else:
            node.save(t)
    places: list = []
    expected: list = []
    for a in args:
        if isinstance(a, Variable):
            x = a
            places.append(i)
            expected.append((shape_of(x), x.dt))
            set_edge(node, i, x if enabled else None)
            i += 1
        else:
            places.append(-1)
            expected.append(None)
    node.n_inputs = i
    node.n_outputs = len(results)
    notes["places"] = places
    notes["expected"] = expected
    notes["shapes"] = shapes
    node.unlinked = not linked
    bare: list = []
    for k in range(len(results)):
        o = results[k]
        bare.append(not isinstance(o, Variable) or not (is_floating(cython.cast(Variable, o).dt) or is_complex_code(cython.cast(Variable, o).dt))
                    or among(o, plain) or among(outputs[k], plain))
    holders: list = [cython.cast(Variable, alias(o)) if not p and among(o, dirty) else o for o, p in zip(results, bare)]
    if dual:
        push_user(cls, None if cls.jvp is _no_jvp else cls.jvp, node, args, holders, bare)
    for k in range(len(results)):
        if bare[k]:
            continue
        x = results[k]
        if holders[k] is x:
            if linked:
                made(x, node, k)
        elif x._base is not None or not linked:
            if linked:
                made(holders[k], node, k)
            rebase(x, holders[k])
        else:
            made(x, node, k)
            carry(x, holders[k])
    return tuple(results) if isinstance(output, tuple) else results[0]


@cython.cfunc
@cython.exceptval(check=False)
def among(x, things: tuple) -> cython.bint:
    """Whether `things` has `x` itself (tensors compare element by element)."""
    for thing in things:
        if thing is x:
            return True
    return False


# -------------------------------------------------------------------------------- recording


@cython.cfunc
def lead(x: TensorBase, node: Node, number: cython.int):
    """`x` as output `number` of `node`."""
    x._grad_fn = node
    x.output_nr = number
    x.flags |= REQUIRES_GRAD
    return cython.cast(Variable, x)


@cython.cfunc
def with_tangents(y: TensorBase, x: TensorBase):
    """`y` with the tangents of `x`, if it has any."""
    if x.flags & DUAL:
        carry(y, x)
    return y


@cython.cfunc
@cython.inline
@cython.exceptval(-1, check=False)
def output(out: Variable, node: Node, number: cython.int) -> cython.int:
    if out.flags & RETAINS_GRAD:
        return made(out, node, number)
    out._grad_fn = node
    out.output_nr = number
    out.flags |= REQUIRES_GRAD
    if node.extra is not None:
        keep_output(node.extra, out, number)
    return 0


@cython.cfunc
@cython.inline
def fast_target(x: Variable):
    """The edge's target for an input that is no view of a rebased base."""
    if not x.flags & REQUIRES_GRAD:
        return None
    return x._grad_fn if x._grad_fn is not None else x


@cython.cfunc
@cython.exceptval(-1, check=False)
def record_dual(node: Node, outs: list, inputs: list) -> cython.int:
    """The rest of a record where an input carries tangents: compute those of the outputs; a history only where gradients are recorded."""
    i: cython.int
    x: Variable
    linked: cython.bint = False
    recorded: cython.bint = grad_enabled()
    for i in range(node.n_inputs):
        if node.edge(i) is not None:
            if recorded:
                linked = True
            elif i < 3:
                node.put_edge(i, None, 0)
            else:
                node.e_more[i - 3] = None
    node.unlinked = not linked
    if recorded_flags() & DUAL:
        spread(node, outs, inputs)
    if not linked:
        return 0
    i = 0
    for item in outs:
        if item is not None:
            x = item
            if is_floating(x.dt) or is_complex_code(x.dt):
                output(x, node, i)
        i += 1
    return 0


def record1(node, out, a):
    if a._base is not None:
        stale(a)
        node.renumber()             # a view may just have got a new history
    node.e0 = fast_target(a)
    node.nr0 = a.output_nr
    node.n_inputs += 1              # a number that is an input too was counted before
    node.n_outputs = 1
    if a.flags & DUAL:
        return record_dual(node, [out], [a])
    return output(out, node, 0)


def record2(node, out, a, b):
    if a._base is not None:
        stale(a)
        node.renumber()             # a view may just have got a new history
    if b._base is not None:
        stale(b)
        node.renumber()
    node.e0 = fast_target(a)
    node.nr0 = a.output_nr
    node.e1 = fast_target(b)
    node.nr1 = b.output_nr
    node.n_inputs = 2
    node.n_outputs = 1
    if (a.flags | b.flags) & DUAL:
        return record_dual(node, [out], [a, b])
    return output(out, node, 0)


def record3(node, out, a, b, c):
    set_edge(node, 0, a)
    set_edge(node, 1, b)
    set_edge(node, 2, c)
    node.n_inputs = 3
    node.n_outputs = 1
    flags: cython.int = (0 if a is None else a.flags) | (0 if b is None else b.flags) | (0 if c is None else c.flags)
    if flags & DUAL:
        return record_dual(node, [out], [a, b, c])
    return output(out, node, 0)


def record_many(node, outs, inputs):
    i: cython.int = 0
    flags: cython.int = 0
    x: Variable
    for item in inputs:
        set_edge(node, i, item)
        if item is not None:
            flags |= cython.cast(Variable, item).flags
        i += 1
    node.n_inputs = i
    node.n_outputs = len(outs)
    if flags & DUAL:
        i = 0
        for item in outs:
            if item is not None:
                x = item
                x.output_nr = i
            i += 1
        return record_dual(node, list(outs), list(inputs))
    i = 0
    for item in outs:
        if item is not None:
            x = item
            if is_floating(x.dt) or is_complex_code(x.dt):
                output(x, node, i)
            else:
                x.output_nr = i
        i += 1
    return 0
