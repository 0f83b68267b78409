"""The tape: Variable, Node, Function, the engine, grad modes and hooks.

Reverse-mode differentiation over recorded operations. Compiled by Cython in pure Python mode; the
C side of the declarations is in autograd.pxd. Nothing here knows a particular operation: gradients
are added and views are taken through the operators and methods of the tensors themselves.
"""
import threading

import cython
from cython.cimports.cpython.object import PyObject
from cython.cimports.pyxtorch._core import (
    CONTIGUOUS,
    HAS_VIEWS,
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
    overlaps_itself,
    same_shape,
    shape_of,
)
from cython.cimports.pyxtorch._grad_mode import (
    pyx_grad_mode,
    pyx_inference_mode,
    pyx_swap_grad,
    pyx_swap_inference,
    references,
)

from pyxtorch._core import mark_new_tensors

# -------------------------------------------------------------------------------- grad modes


def grad_enabled():
    return pyx_grad_mode != 0


def set_grad(mode):
    return pyx_swap_grad(mode)


def is_grad_enabled():
    """Whether operations of this thread are being recorded."""
    return pyx_grad_mode != 0


def is_inference_mode_enabled():
    """Whether this thread is in inference mode."""
    return pyx_inference_mode != 0


class _GradMode:
    """A context manager and decorator that switches recording for this thread."""

    mode = True

    def __init__(self):
        self.before = []

    def __enter__(self):
        self.before.append(bool(pyx_swap_grad(self.mode)))
        return self

    def __exit__(self, kind, error, trace):
        pyx_swap_grad(self.before.pop())

    def __call__(self, function):
        return _decorate(self.__class__, (), function)


def _decorate(manager, arguments, function):
    import functools
    import inspect

    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def generator(*args, **kwargs):
            # The mode holds while the generator's own code runs, not its caller's.
            steps = function(*args, **kwargs)
            sent, thrown = None, None
            while True:
                with manager(*arguments):
                    try:
                        value = steps.throw(thrown) if thrown is not None else steps.send(sent)
                    except StopIteration as stop:
                        return stop.value
                try:
                    sent, thrown = (yield value), None
                except BaseException as error:
                    sent, thrown = None, error

        return generator

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        with manager(*arguments):
            return function(*args, **kwargs)

    return wrapped


class no_grad(_GradMode):
    """Operations inside are not recorded. Context manager or decorator."""

    mode = False

    def __new__(cls, function=None):
        self = object.__new__(cls)
        if function is None:
            return self
        self.__init__()
        return self(function)

    def __init__(self, function=None):
        self.before = []


class enable_grad(_GradMode):
    """Operations inside are recorded, also within no_grad. Context manager or decorator."""

    mode = True

    def __new__(cls, function=None):
        self = object.__new__(cls)
        if function is None:
            return self
        self.__init__()
        return self(function)

    def __init__(self, function=None):
        self.before = []


class set_grad_enabled(_GradMode):
    """Switch recording on or off: at once, and back at the end of a `with` block."""

    def __init__(self, mode):
        self.mode = bool(mode)
        self.before = [bool(pyx_swap_grad(self.mode))]
        self.entered = False

    def __enter__(self):
        if self.entered:
            self.before.append(bool(pyx_swap_grad(self.mode)))
        self.entered = True
        return self

    def __call__(self, function):
        pyx_swap_grad(self.before.pop())
        return _decorate(set_grad_enabled, (self.mode,), function)


class inference_mode(_GradMode):
    """As no_grad, and tensors made inside can never be recorded later."""

    def __new__(cls, mode=True):
        self = object.__new__(cls)
        if callable(mode):
            self.__init__(True)
            return self(mode)
        return self

    def __init__(self, mode=True):
        self.mode = bool(mode)
        self.before = []

    def __enter__(self):
        self.before.append((pyx_swap_grad(not self.mode), pyx_swap_inference(self.mode)))
        mark_new_tensors(pyx_inference_mode)
        return self

    def __exit__(self, kind, error, trace):
        grad, inference = self.before.pop()
        pyx_swap_grad(grad)
        pyx_swap_inference(inference)
        mark_new_tensors(inference)

    def __call__(self, function):
        return _decorate(inference_mode, (self.mode,), function)


# ---------------------------------------------------------------------------- tensors' side


@cython.binding(False)  # methods that check the type of their self, called as Class.method(x)
@cython.cclass
class Variable(TensorBase):
    """A tensor that can be recorded.

    `Variable(data, requires_grad=True)` of early PyTorch still makes one: a Tensor on the same
    memory. Every tensor is an instance of this class.
    """


def stale(x):
    """Whether the base of view `x` has got a new history since `x` got its own."""
    base: Variable = cython.cast(Variable, x._base)
    if base._extra is None:
        return False
    generation = base._extra.get("generation")
    if generation is None:
        return False
    if x._extra is not None and x._extra.get("seen") == generation:
        return False
    refresh(x, base, generation)
    return (x.flags & REQUIRES_GRAD) != 0


@cython.cfunc
@cython.exceptval(check=False)
def refresh(x: Variable, base: Variable, generation) -> cython.void:
    """Give view `x` the history that its base has now."""
    if x._extra is None:
        x._extra = {}
    x._extra["seen"] = generation
    node: AsStridedView = AsStridedView.__new__(AsStridedView)
    node.geometry = geometry_of(x, base)
    node.n_inputs = 1
    node.n_outputs = 1
    node.base_shape = shape_of(base)
    node.set_edge(0, base)
    x._grad_fn = node
    x.output_nr = 0
    x.flags |= REQUIRES_GRAD


@cython.cfunc
def geometry_of(x: Variable, base: Variable):
    """(size, stride, offset) of a view in elements, as if its base were laid out contiguously."""
    item: cython.longlong = dtype_of(base.dt).itemsize
    return (
        shape_of(x),
        tuple([x.strides[i] for i in range(x.nd)]),
        (cython.cast(cython.longlong, x.ptr) - cython.cast(cython.longlong, base.ptr)) // item,
        tuple([base.strides[i] for i in range(base.nd)]),
    )


def mark_later_view(view, base):
    """A view made after in-place changes of its base knows these: its history follows theirs."""
    generation = base._extra.get("generation")
    if generation is not None:
        if view._extra is None:
            view._extra = {}
        view._extra["seen"] = generation
    return 0


def _grad_fn_of(x: Variable):
    """The node that made `x`, brought up to date where `x` is a view."""
    if x._base is not None:
        stale(x)
    return x._grad_fn


def recording_any(xs):
    if not pyx_grad_mode:
        return False
    x: Variable
    for item in xs:
        if isinstance(item, Variable):
            x = item
            if x.flags & REQUIRES_GRAD or (x._base is not None and stale(x)):
                return True
    return False


# ------------------------------------------------------------------------------------- nodes

_anomaly: cython.bint = False        # look for nan in every gradient


def is_anomaly_enabled():
    return _anomaly


def set_anomaly(mode):
    global _anomaly
    _anomaly = mode


@cython.cfunc
@cython.exceptval(-1, check=False)
def refuse_nan(node: Node, i: cython.int, g) -> cython.int:
    if bool(g.isnan().any()):
        raise RuntimeError(
            f"Function '{node.name()}' returned nan values in its {i}th output: its gradient for input {i}, of shape {list(shape_of(g))}, has nan."
        )
    return 0


_graveyard: list = []
_burying: cython.bint = False


@cython.binding(False)
@cython.freelist(256)
@cython.cclass
class Node:
    """One recorded operation; `next_functions` leads to those that made its inputs."""

    def __dealloc__(self):
        # A long chain of nodes would free itself recursively: hand the next ones to a list.
        global _burying
        if self.n_inputs == 0:
            return
        if self.e0 is not None and isinstance(self.e0, Node):
            _graveyard.append(self.e0)
        if self.n_inputs > 1:
            if self.e1 is not None and isinstance(self.e1, Node):
                _graveyard.append(self.e1)
            if self.e2 is not None and isinstance(self.e2, Node):
                _graveyard.append(self.e2)
            if self.e_more is not None:
                _graveyard.append(self.e_more)
                self.e_more = None
        self.e0 = None
        self.e1 = None
        self.e2 = None
        # What was saved holds nodes too; it goes while the graveyard keeps those.
        self.s0 = None
        self.s1 = None
        self.s2 = None
        self.s_more = None
        self.extra = None
        if not _burying and _graveyard:
            _burying = True
            try:
                while _graveyard:
                    last = _graveyard.pop()
                    if isinstance(last, list):
                        _graveyard.extend([e for e in last if isinstance(e, Node)])
                    last = None
            finally:
                _burying = False

    def vjp(self, g):
        raise RuntimeError(f"{self.name()}: has no gradient.")

    def vjp_many(self, grads):
        g = grads[0]
        if g is not None:
            self.vjp(g)
        return 0

    def edge(self, i):
        if i == 0:
            return self.e0
        if i == 1:
            return self.e1
        if i == 2:
            return self.e2
        return self.e_more[i - 3]

    def edge_nr(self, i):
        if i == 0:
            return self.nr0
        if i == 1:
            return self.nr1
        if i == 2:
            return self.nr2
        return self.nr_more[i - 3]

    def set_edge(self, i, x):
        """Input `i` came from `x`: from the node that made it, or from the leaf itself."""
        target: object = None
        number: cython.int = 0
        if x is not None:
            if x._base is not None:
                stale(x)
            if x.flags & REQUIRES_GRAD:
                if x._grad_fn is not None:
                    target = x._grad_fn
                    number = x.output_nr
                else:
                    target = x
        if i == 0:
            self.e0 = target
            self.nr0 = number
        elif i == 1:
            self.e1 = target
            self.nr1 = number
        elif i == 2:
            self.e2 = target
            self.nr2 = number
        else:
            if self.e_more is None:
                self.e_more = []
                self.nr_more = []
            self.e_more.append(target)
            self.nr_more.append(number)
        return 0

    def needs(self, i):
        target = self.edge(i)
        if target is None:
            return False
        if _restricted:
            return wanted(target, self.edge_nr(i))
        return True

    def pass_grad(self, i, g):
        target = self.edge(i)
        if target is None or g is None:
            return 0
        if _restricted and not wanted(target, self.edge_nr(i)):
            return 0
        if _anomaly:
            refuse_nan(self, i, g)
        if isinstance(target, Node):
            receive(cython.cast(Node, target), self.edge_nr(i), g)
        else:
            accumulate_leaf(cython.cast(Variable, target), g)
        return 0

    def save(self, x):
        version: cython.longlong = 0
        if x is not None:
            version = x.st.version
            if x.flags & INFERENCE:
                raise RuntimeError("Inference tensors cannot be saved for backward. Clone the tensor outside inference_mode.")
        n: cython.int = self.n_saved
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

    def save_output(self, y):
        # An alias off the tape, or node and output would keep each other alive.
        off: Variable = cython.cast(Variable, alias(y))
        off.output_nr = y.output_nr
        self.output_mask |= 1 << self.n_saved
        return self.save(off)

    def saved(self, i):
        x: Variable
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
            return None
        if x.st.version != version:
            raise RuntimeError(
                f"{self.name()}: one of the variables needed for gradient computation has been modified by an "
                f"inplace operation: a saved {'output' if self.output_mask >> i & 1 else 'tensor'} of shape "
                f"{list(shape_of(x))} is at version {x.st.version}; expected version {version} instead. "
                "Use the out-of-place form of the operation that changed it, or clone it first."
            )
        if self.output_mask >> i & 1 and pyx_grad_mode and self.n_inputs > 0:
            # A graph of the gradient is being made: the output must lead back to this node.
            on: Variable = cython.cast(Variable, alias(x))
            on._grad_fn = self
            on.output_nr = x.output_nr
            on.flags |= REQUIRES_GRAD
            return on
        return x

    def release(self):
        self.s0 = None
        self.s1 = None
        self.s2 = None
        self.s_more = None
        if self.n_saved > 0:
            self.released = True
        return 0

    # ------------------------------------------------------------------------- for Python

    def name(self):
        """The operation's name with Backward, as in `MulBackward0`."""
        kind = type(self).__name__
        return f"{kind}Backward0" if type(self).__flags__ & (1 << 9) == 0 else f"{kind}Backward"

    def __repr__(self):
        return f"<{self.name()} object at {hex(id(self))}>"

    @property
    def next_functions(self):
        """((node, number of its output), ...) for each input; (None, 0) where none is needed."""
        out = []
        for i in range(self.n_inputs):
            target = self.edge(i)
            if target is not None and not isinstance(target, Node):
                target = AccumulateGrad(target)
            out.append((target, self.edge_nr(i)))
        return tuple(out)

    @property
    def metadata(self):
        """A dict for the user's own notes on this node."""
        return self._notes().setdefault("metadata", {})

    def _notes(self):
        if self.extra is None:
            self.extra = {}
        return self.extra

    def register_hook(self, hook):
        """Call `hook(grad_inputs, grad_outputs)` after this node's backward.

        It may return new gradients for the inputs. Returns a handle with `remove()`.
        """
        return _add_hook(self._notes(), "hooks", hook)

    def register_prehook(self, hook):
        """Call `hook(grad_outputs)` before this node's backward; it may return new gradients."""
        return _add_hook(self._notes(), "prehooks", hook)


class AccumulateGrad:
    """Stands at the end of `next_functions` for a leaf: `variable` is the leaf."""

    def __init__(self, variable):
        self.variable = variable
        self.next_functions = ()

    def name(self):
        return "torch::autograd::AccumulateGrad"

    def __repr__(self):
        return f"<AccumulateGrad object at {hex(id(self.variable))}>"

    def __eq__(self, other):
        return isinstance(other, AccumulateGrad) and other.variable is self.variable

    def __hash__(self):
        return id(self.variable)


class RemovableHandle:
    """Takes a hook away again with `remove()`, or at the end of a `with` block."""

    def __init__(self, hooks, key):
        self.hooks = hooks
        self.id = key

    def remove(self):
        self.hooks.pop(self.id, None)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()


_hook_numbers = iter(range(1 << 62))


def _add_hook(notes, kind, hook):
    if not callable(hook):
        raise TypeError(f"register_hook: expected a function, not {type(hook).__name__}.")
    hooks = notes.setdefault(kind, {})
    key = next(_hook_numbers)
    hooks[key] = hook
    return RemovableHandle(hooks, key)


# -------------------------------------------------------------------------------- recording


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def made(out: Variable, node: Node, number: cython.int) -> cython.void:
    out._grad_fn = node
    out.output_nr = number
    out.flags |= REQUIRES_GRAD


@cython.cfunc
@cython.inline
def fast_target(x: Variable):
    """The edge's target for an input that is no view of a rebased base."""
    if not x.flags & REQUIRES_GRAD:
        return None
    return x._grad_fn if x._grad_fn is not None else x


def record1(node, out, a):
    if a._base is not None:
        stale(a)
    node.e0 = fast_target(a)
    node.nr0 = a.output_nr
    node.n_inputs = 1
    node.n_outputs = 1
    made(out, node, 0)
    return 0


def record2(node, out, a, b):
    if a._base is not None:
        stale(a)
    if b._base is not None:
        stale(b)
    node.e0 = fast_target(a)
    node.nr0 = a.output_nr
    node.e1 = fast_target(b)
    node.nr1 = b.output_nr
    node.n_inputs = 2
    node.n_outputs = 1
    made(out, node, 0)
    return 0


def record3(node, out, a, b, c):
    node.set_edge(0, a)
    node.set_edge(1, b)
    node.set_edge(2, c)
    node.n_inputs = 3
    node.n_outputs = 1
    made(out, node, 0)
    return 0


def record_many(node, outs, inputs):
    i: cython.int = 0
    x: Variable
    for item in inputs:
        node.set_edge(i, item)
        i += 1
    node.n_inputs = i
    i = 0
    for item in outs:
        if item is not None:
            x = item
            if is_floating(x.dt) or is_complex_code(x.dt):
                made(x, node, i)
            else:
                x.output_nr = i
        i += 1
    node.n_outputs = i
    return 0


# --------------------------------------------------------------------------------- in place


def check_inplace(x, op):
    if x.flags & REQUIRES_GRAD and pyx_grad_mode:
        if _grad_fn_of(x) is None:
            raise RuntimeError(
                f"{op}: a leaf Variable that requires grad is being used in an in-place operation. "
                "Do it under no_grad(), or out of place."
            )
    base: Variable
    if x._base is not None and pyx_grad_mode:
        base = x._base
        if base.flags & REQUIRES_GRAD and base._grad_fn is None:
            raise RuntimeError(
                f"{op}: a view of a leaf Variable that requires grad is being used in an in-place operation. "
                "Do it under no_grad(), or out of place."
            )
    if x.flags & INFERENCE and not pyx_inference_mode:
        raise RuntimeError(f"{op}: Inplace update to inference tensor outside InferenceMode is not allowed. Clone it first.")
    if not x.flags & CONTIGUOUS and overlaps_itself(x):
        raise RuntimeError(
            f"{op}: unsupported operation: more than one element of the written-to tensor refers to a single "
            f"memory location (shape {list(shape_of(x))}, strides {[x.strides[i] for i in range(x.nd)]}). "
            "Please clone() the tensor before performing the operation."
        )
    return 0


def rebase(x, result):
    base: Variable
    node: CopySlices
    if x._base is None:
        if result.flags & REQUIRES_GRAD:
            made(x, result._grad_fn, result.output_nr)
        elif x.flags & REQUIRES_GRAD:
            made(x, Stop.__new__(Stop), 0)      # on the tape still, with a gradient of zero
        if x.flags & HAS_VIEWS:
            new_generation(x)
        return 0
    base = x._base
    if not (result.flags | base.flags) & REQUIRES_GRAD:
        return 0
    node = CopySlices.__new__(CopySlices)
    node.geometry = geometry_of(x, base)
    node.base_shape = shape_of(base)
    node.set_edge(0, base)
    node.set_edge(1, result)
    node.n_inputs = 2
    node.n_outputs = 1
    made(base, node, 0)
    refresh(x, base, new_generation(base))
    return 0


@cython.cfunc
def new_generation(base: Variable):
    """Note that views of `base` made so far have an outdated history."""
    if base._extra is None:
        base._extra = {}
    generation = base._extra.get("generation", 0) + 1
    base._extra["generation"] = generation
    return generation


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

    # What a ctx offers ----------------------------------------------------------------------

    def save_for_backward(self, *tensors):
        """Keep tensors (inputs, outputs, or others; None allowed) for `backward`."""
        for t in tensors:
            if t is not None and not isinstance(t, Variable):
                raise TypeError(f"save_for_backward can only save variables, but argument is of type {type(t).__name__}.")
        self._notes()["to_save"] = tensors

    def save_for_forward(self, *tensors):
        """Accepted for compatibility: forward-mode differentiation does not exist."""

    def mark_dirty(self, *tensors):
        """Say which inputs `forward` changed in place; they must be returned too."""
        self._notes()["dirty"] = tensors

    def mark_non_differentiable(self, *tensors):
        """Say which outputs have no gradient."""
        self._notes()["non_differentiable"] = tensors

    def set_materialize_grads(self, value):
        """Whether a missing gradient reaches `backward` as zeros (True, the default) or None."""
        self._notes()["materialize"] = bool(value)

    @property
    def saved_tensors(self):
        """What `save_for_backward` kept, checked against in-place changes."""
        return tuple([self.saved(i) for i in range(self.n_saved)])

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
    def setup_context(ctx, inputs, output):
        raise NotImplementedError("setup_context is not implemented.")

    @classmethod
    def apply(cls, *args):
        """Run the operation on `args` and record it."""
        x: Variable
        node: Function = cls.__new__(cls)
        recorded: cython.bint = recording_any(args)
        given: cython.Py_ssize_t = len(args)
        i: cython.int = 0
        k: cython.Py_ssize_t
        if pyx_grad_mode:
            needs = tuple([isinstance(a, Variable) and cython.cast(Variable, a).flags & REQUIRES_GRAD != 0 for a in args])
        else:
            needs = (False,) * given
        notes: dict = {"needs": needs}
        node.extra = notes
        before: cython.bint = pyx_swap_grad(0)
        try:
            if cls.setup_context is _no_setup:
                output = cls.forward(node, *args)
            else:
                output = cls.forward(*args)
                cls.setup_context(node, args, output)
        finally:
            pyx_swap_grad(before)
        outputs: tuple = output if isinstance(output, tuple) else (output,)
        dirty: tuple = notes.pop("dirty", ())
        for t in dirty:
            x = t
            bump(x)
        saving: tuple = notes.pop("to_save", ())
        if not recorded:
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
                shapes.append((shape_of(x), x.dt, x.dev, x.dev_index))
                # An input that is returned unchanged, or a leaf, must not become this node's output itself.
                if not among(o, dirty) and (x.flags & REQUIRES_GRAD or x._grad_fn is not None or among(o, args)):
                    o = o.detach()
            results.append(o)
        places: list = []
        expected: list = []
        for a in args:
            if isinstance(a, Variable):
                x = a
                places.append(i)
                expected.append((shape_of(x), x.dt))
                node.set_edge(i, x)
                i += 1
            else:
                places.append(-1)
                expected.append(None)
        node.n_inputs = i
        node.n_outputs = len(results)
        notes["places"] = places
        notes["expected"] = expected
        notes["shapes"] = shapes
        for k in range(len(results)):
            o = results[k]
            if not isinstance(o, Variable):
                continue
            x = o
            if not (is_floating(x.dt) or is_complex_code(x.dt)) or among(o, plain) or among(outputs[k], plain):
                continue
            if x._base is not None and among(o, dirty):
                holder: Variable = cython.cast(Variable, alias(x))
                made(holder, node, k)
                rebase(x, holder)
            else:
                made(x, node, k)
        for t in saving:
            place: cython.Py_ssize_t = -1
            if t is not None and not among(t, args):
                for k in range(len(outputs)):
                    if t is outputs[k]:
                        place = k
            if place >= 0:
                node.save_output(results[place])
            elif t is not None and among(t, dirty):
                node.save_output(t)
            else:
                node.save(t)
        return tuple(results) if isinstance(output, tuple) else results[0]

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
        notes: dict = self._notes()
        i: cython.Py_ssize_t
        shapes: list = notes["shapes"]
        for i in range(len(grads)):
            if grads[i] is None and shapes[i] is not None and notes.get("materialize", True):
                shape, dtype, kind, number = shapes[i]
                grads[i] = _zeros(shape, dtype_of(dtype), device_of(kind, number))
        if self.released:
            self.saved(0)
        given = cls.backward(self, *grads)
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


_no_setup: object = Function.setup_context


@cython.cfunc
@cython.exceptval(check=False)
def among(x, things: tuple) -> cython.bint:
    """Whether `things` has `x` itself (tensors compare element by element)."""
    for thing in things:
        if thing is x:
            return True
    return False


def _zeros(shape, dtype, device):
    import pyxtorch

    return pyxtorch.zeros(shape, dtype=dtype, device=device)


@cython.binding(False)
@cython.cclass
class Stop(Function):
    """The history of a tensor that was overwritten by a constant: nothing flows back."""

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def vjp(self, g: Variable) -> cython.int:
        return 0


@cython.binding(False)
@cython.cclass
class AsStridedView(Function):
    """The history of a view whose base was changed in place."""

    geometry: object
    base_shape: object

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def vjp(self, g: Variable) -> cython.int:
        size, stride, offset, base_stride = self.geometry
        self.pass_grad(0, g.new_zeros(()).expand(self.base_shape).as_strided_scatter_like(g, size, stride, offset, base_stride))
        return 0


@cython.binding(False)
@cython.cclass
class CopySlices(Function):
    """A base after one of its views was overwritten: gradients part between old base and value."""

    geometry: object
    base_shape: object

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def vjp(self, g: Variable) -> cython.int:
        size, stride, offset, base_stride = self.geometry
        if self.needs(0):
            zero = g.new_zeros(()).expand(size)
            self.pass_grad(0, g.as_strided_scatter_like(zero, size, stride, offset, base_stride))
        if self.needs(1):
            self.pass_grad(1, g.as_strided_gather_like(size, stride, offset, base_stride))
        return 0


# ----------------------------------------------------------------------------------- engine

_lock: object = threading.RLock()     # one backward at a time; its own operations may start another
_lock_up: object = _lock.acquire
_unlock: object = _lock.release
_mark: cython.ulonglong = 0
_restricted: cython.bint = False     # only some inputs' gradients are asked for
_wanted: dict = {}                   # id(leaf) -> place, id(node) -> {output number: place}
_captured: list = []
_runs: set = set()                   # nodes from which something wanted can be reached
_stack: list = []


@cython.cfunc
@cython.exceptval(check=False)
def wanted(target, number: cython.int) -> cython.bint:
    if isinstance(target, Node):
        return target in _runs or id(target) in _wanted
    return id(target) in _wanted


@cython.cfunc
@cython.exceptval(-1, check=False)
def receive(node: Node, number: cython.int, g) -> cython.int:
    """Gradient `g` arrives for output `number`: the first is kept as it is, later ones are added."""
    if node.n_outputs <= 1:
        node.g0 = g if node.g0 is None else node.g0 + g
        return 0
    if node.g_more is None:
        node.g_more = [None] * node.n_outputs
    have = node.g_more[number]
    node.g_more[number] = g if have is None else have + g
    return 0


@cython.cfunc
@cython.exceptval(-1, check=False)
def accumulate_leaf(leaf: Variable, g: Variable) -> cython.int:
    """Gradient `g` arrives at a leaf: into .grad, or to the caller of grad()."""
    if leaf._extra is None and not _restricted:
        return store_leaf(leaf, g)
    return accumulate_watched(leaf, g)


@cython.cfunc
@cython.exceptval(-1, check=False)
def accumulate_watched(leaf: Variable, g: Variable) -> cython.int:
    """As above, for a leaf with hooks or one that grad() was asked for."""
    if leaf._extra is not None:
        hooks = leaf._extra.get("hooks")
        if hooks:
            for hook in tuple(hooks.values()):
                changed = hook(g)
                if changed is not None:
                    g = same_kind(changed, g, hook)
    if _restricted and id(leaf) in _wanted and _capturing:
        place = _wanted[id(leaf)]
        have = _captured[place]
        _captured[place] = g if have is None else have + g
        return 0
    store_leaf(leaf, g)
    if leaf._extra is not None:
        hooks = leaf._extra.get("post_accumulate")
        if hooks:
            for hook in tuple(hooks.values()):
                hook(leaf)
    return 0


@cython.cfunc
@cython.exceptval(-1, check=False)
def store_leaf(leaf: Variable, g: Variable) -> cython.int:
    """Add `g` to .grad; keep `g` itself where nobody else holds it.

    `g` must stay a borrowed argument here (never assigned), so that its reference count tells.
    """
    if g.dt != leaf.dt:
        return store_leaf(leaf, g.to(dtype_of(leaf.dt)))
    if not same_shape(g, leaf):
        raise RuntimeError(
            f"backward: the gradient of a leaf has shape {list(shape_of(g))}, but the leaf has shape {list(shape_of(leaf))}."
        )
    if leaf._grad is None:
        if pyx_grad_mode:
            leaf._grad = g
        elif (
            references(cython.cast(cython.pointer(PyObject), g)) <= 1
            and g.st.refcount == 1
            and g.flags & CONTIGUOUS
            and not g.flags & REQUIRES_GRAD
            and g._extra is None
        ):
            g._base = None
            leaf._grad = g
        else:
            leaf._grad = g.detach().clone()
    elif pyx_grad_mode:
        leaf._grad = leaf._grad + g
    else:
        leaf._grad += g
    return 0


_capturing: cython.bint = False


@cython.cfunc
@cython.exceptval(-1, check=False)
def explore(roots: list) -> cython.int:
    """Count for every node reachable from `roots` how many gradients it will be sent."""
    global _mark
    node: Node
    child: Node
    _mark += 1
    pending: list = []
    i: cython.int
    for root in roots:
        node = root
        if node.mark != _mark:
            node.mark = _mark
            node.awaited = 0
            node.g0 = None
            node.g_more = None
            pending.append(node)
    while pending:
        node = pending.pop()
        for i in range(node.n_inputs):
            target = node.edge(i)
            if target is not None and isinstance(target, Node):
                child = cython.cast(Node, target)
                if child.mark != _mark:
                    child.mark = _mark
                    child.awaited = 0
                    child.g0 = None
                    child.g_more = None
                    pending.append(child)
                child.awaited += 1
    return 0


@cython.cfunc
@cython.exceptval(-1, check=False)
def find_runs(roots: list) -> cython.int:
    """Fill `_runs` with the nodes that lead to something wanted (postorder, no recursion)."""
    node: Node
    seen = set()
    pending: list = [(root, False) for root in roots]
    i: cython.int
    while pending:
        node, done = pending.pop()
        if done:
            for i in range(node.n_inputs):
                target = node.edge(i)
                if target is not None and wanted(target, 0):
                    _runs.add(node)
                    break
            continue
        if node in seen:
            continue
        seen.add(node)
        pending.append((node, True))
        for i in range(node.n_inputs):
            target = node.edge(i)
            if target is not None and isinstance(target, Node) and target not in seen:
                pending.append((target, False))
    return 0


@cython.cfunc
@cython.exceptval(-1, check=False)
def run_node(node: Node, keep: cython.bint) -> cython.int:
    """Let a node whose gradients have all arrived send its own, then free what it saved."""
    g = node.g0
    many: list = node.g_more
    node.g0 = None
    node.g_more = None
    extra: dict = node.extra
    if many is None and node.n_outputs > 1:
        return 0
    if many is None and g is None:
        return 0
    if extra is not None or _restricted:
        if many is None:
            many = [g]
        if extra is not None:
            before_node(node, extra, many)
        if _restricted:
            places = _wanted.get(id(node))
            if places is not None and _capturing:
                for number, place in places.items():
                    _captured[place] = many[number]
            if node not in _runs:
                return 0
        if extra is not None and ("hooks" in extra):
            return run_hooked(node, extra, many, keep)
        g = None
        node.vjp_many(many)
    elif many is not None:
        node.vjp_many(many)
    else:
        node.vjp(cython.cast(Variable, g))
    if not keep:
        node.release()
    return 0


@cython.cfunc
@cython.exceptval(-1, check=False)
def before_node(node: Node, extra: dict, grads: list) -> cython.int:
    """Hooks on the node's output tensors, retained gradients, and hooks before the node."""
    by_output = extra.get("tensor_hooks")
    if by_output is not None:
        for number, hooks in by_output.items():
            for hook in tuple(hooks.values()):
                if grads[number] is not None:
                    changed = hook(grads[number])
                    if changed is not None:
                        grads[number] = same_kind(changed, grads[number], hook)
    retained = extra.get("retained")
    if retained is not None:
        x: Variable
        for number, reference in retained.items():
            t = reference()
            if t is not None and grads[number] is not None:
                x = t
                x._grad = grads[number] if x._grad is None else x._grad + grads[number]
    hooks = extra.get("prehooks")
    if hooks:
        for hook in tuple(hooks.values()):
            changed = hook(tuple(grads))
            if changed is not None:
                if not isinstance(changed, tuple):
                    changed = (changed,)
                if len(changed) != len(grads):
                    raise RuntimeError(f"prehook of {node.name()}: returned {len(changed)} gradients for {len(grads)} outputs.")
                grads[:] = [same_kind(c, g, hook) for c, g in zip(changed, grads)]
    return 0


@cython.cfunc
def same_kind(changed, before, hook):
    """What a hook returned, if it can stand for `before`: kernels rely on shape, dtype and device."""
    if changed is None:
        return None
    if not isinstance(changed, Variable):
        raise TypeError(f"hook {hook!r}: must return a Tensor or None, not {type(changed).__name__}.")
    if before is None:
        raise RuntimeError(f"hook {hook!r}: returned a gradient where there was none.")
    c: Variable = changed
    b: Variable = before
    if not same_shape(c, b) or c.dt != b.dt or c.dev != b.dev or c.dev_index != b.dev_index:
        raise RuntimeError(
            f"hook {hook!r}: has changed the gradient from {list(shape_of(b))} of {dtype_of(b.dt)!r} on {before.device} to "
            f"{list(shape_of(c))} of {dtype_of(c.dt)!r} on {changed.device}; these must stay."
        )
    return changed


@cython.cfunc
@cython.exceptval(-1, check=False)
def run_hooked(node: Node, extra: dict, grads: list, keep: cython.bint) -> cython.int:
    """Run a node whose hooks want to see (and may change) the gradients it sends."""
    i: cython.int
    targets = [(node.edge(i), node.edge_nr(i)) for i in range(node.n_inputs)]
    catchers = [Node.__new__(Node) if t is not None else None for t, _ in targets]
    catcher: Node
    stand_ins = []
    for c in catchers:
        if c is not None:
            catcher = c
            catcher.n_outputs = 1
    swap_edges(node, [(c, 0) for c in catchers])
    if _restricted:
        for k in range(len(catchers)):
            if catchers[k] is not None and wanted(targets[k][0], 0):
                _runs.add(catchers[k])
    try:
        node.vjp_many(list(grads))
    finally:
        swap_edges(node, targets)
    for c in catchers:
        if c is None:
            stand_ins.append(None)
        else:
            catcher = c
            stand_ins.append(catcher.g0)
            _runs.discard(c)
    for hook in tuple(extra["hooks"].values()):
        changed = hook(tuple(stand_ins), tuple(grads))
        if changed is not None:
            if not isinstance(changed, tuple):
                changed = (changed,)
            if len(changed) != len(stand_ins):
                raise RuntimeError(f"hook of {node.name()}: returned {len(changed)} gradients for {len(stand_ins)} inputs.")
            stand_ins = [same_kind(c, g, hook) for c, g in zip(changed, stand_ins)]
    for i in range(node.n_inputs):
        node.pass_grad(i, stand_ins[i])
    if not keep:
        node.release()
    return 0


@cython.cfunc
@cython.exceptval(-1, check=False)
def swap_edges(node: Node, edges: list) -> cython.int:
    i: cython.int
    for i in range(len(edges)):
        target, number = edges[i]
        if i == 0:
            node.e0 = target
            node.nr0 = number
        elif i == 1:
            node.e1 = target
            node.nr1 = number
        elif i == 2:
            node.e2 = target
            node.nr2 = number
        else:
            node.e_more[i - 3] = target
            node.nr_more[i - 3] = number
    return 0


@cython.cfunc
@cython.exceptval(-1, check=False)
def run(roots: list, keep: cython.bint) -> cython.int:
    """Run all nodes of the graph, each when its last gradient has arrived."""
    node: Node
    child: Node
    i: cython.int
    ready: list = roots
    if len(roots) > 1:
        ready = []
        for root in roots:
            node = root
            if node.awaited == 0:
                node.awaited = -1       # so that a root that is named twice runs once
                ready.append(node)
    while ready:
        node = ready.pop()
        run_node(node, keep)
        for i in range(node.n_inputs):
            target = node.edge(i)
            if target is not None and isinstance(target, Node):
                child = cython.cast(Node, target)
                child.awaited -= 1
                if child.awaited == 0:
                    ready.append(child)
    return 0


@cython.cfunc
def first_gradient(x: Variable, g, i: cython.int, op: str):
    """The gradient to start from: what the user gave, or 1 for a scalar."""
    if g is None:
        if x.n != 1:
            raise RuntimeError(
                f"{op}: grad can be implicitly created only for scalar outputs, but output {i} has shape "
                f"{list(shape_of(x))}. Reduce it, or pass its gradient."
            )
        if is_complex_code(x.dt):
            raise RuntimeError(
                f"{op}: grad can be implicitly created only for real scalar outputs but got {dtype_of(x.dt)!r}."
            )
        return _one_like(x)
    if not isinstance(g, Variable):
        raise TypeError(f"{op}: gradients can be either Tensors or None, but got {type(g).__name__}.")
    given: Variable = g
    if not same_shape(given, x):
        raise RuntimeError(
            f"{op}: Mismatch in shape: grad_output[{i}] has a shape of {list(shape_of(given))} and output[{i}] has a "
            f"shape of {list(shape_of(x))}."
        )
    if given.dev != x.dev:
        raise RuntimeError(f"{op}: the gradient is on {given.device} but the output is on {x.device}.")
    if is_complex_code(given.dt) and not is_complex_code(x.dt):
        raise RuntimeError(f"{op}: a complex gradient was given for a real output of dtype {dtype_of(x.dt)!r}.")
    if given.dt != x.dt:
        return g.to(dtype_of(x.dt))
    return g


_one_like: object = None


def _set_one_like(function):
    """The operation that makes a tensor of ones; handed over by the floor above."""
    global _one_like
    _one_like = function


@cython.cfunc
def execute(tensors, gradients, keep: cython.bint, create: cython.bint, op: str):
    """Send gradients back from `tensors` through everything recorded."""
    x: Variable
    g: Variable
    roots: list = []
    firsts: list = []
    i: cython.int = 0
    before: cython.bint = pyx_swap_grad(create)
    try:
        for t in tensors:
            if not isinstance(t, Variable):
                raise TypeError(f"{op}: element {i} of tensors must be a Tensor, not {type(t).__name__}.")
            x = t
            if x._base is not None:
                stale(x)
            if not x.flags & REQUIRES_GRAD:
                raise RuntimeError(f"{op}: element {i} of tensors does not require grad and does not have a grad_fn.")
            firsts.append(first_gradient(x, None if gradients is None else gradients[i], i, op))
            if x._grad_fn is not None:
                roots.append(x._grad_fn)
            i += 1
        if _restricted:
            find_runs(roots)
        explore(roots)
        i = 0
        for t in tensors:
            x = t
            g = firsts[i]
            firsts[i] = None
            if x._grad_fn is not None:
                receive(cython.cast(Node, x._grad_fn), x.output_nr, g)
            elif not _restricted or id(x) in _wanted:
                accumulate_leaf(x, g)
            g = None
            i += 1
        run(roots, keep)
    finally:
        pyx_swap_grad(before)


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, inputs=None):
    """Add the gradients of `tensors` to `.grad` of the leaves they were made from.

    Args:
        tensors: tensor or sequence of tensors to start from.
        grad_tensors: their gradients, same shapes; None for scalars.
        retain_graph: keep what was saved, so that backward can run again (default: create_graph).
        create_graph: record the gradients' own operations, for higher derivatives.
        inputs: accumulate only into these tensors.
    Raises:
        RuntimeError: no gradient is recorded, shapes differ, a saved tensor was changed in place,
            or the graph was freed by an earlier backward.
    """
    if isinstance(tensors, Variable):
        tensors = (tensors,)
    if isinstance(grad_tensors, Variable) or (grad_tensors is not None and not isinstance(grad_tensors, (list, tuple))):
        grad_tensors = (grad_tensors,)
    tensors = tuple(tensors)
    if grad_tensors is not None and len(grad_tensors) != len(tensors):
        raise RuntimeError(f"backward: got {len(tensors)} tensors and {len(grad_tensors)} gradients.")
    keep = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        _lock_up()
        try:
            _full(tensors, grad_tensors, keep, create_graph)
        finally:
            _unlock()
        return
    if isinstance(inputs, Variable):
        inputs = (inputs,)
    inputs = tuple(inputs)
    if not inputs:
        raise RuntimeError("backward: the inputs argument cannot be empty.")
    x: Variable
    for t in inputs:
        if not isinstance(t, Variable):
            raise TypeError(f"backward: inputs must be tensors, not {type(t).__name__}.")
        x = t
        if x._grad_fn is not None:
            x.retain_grad()
    gradients = grad(tensors, inputs, grad_tensors, keep, create_graph, allow_unused=True)
    for t, g in zip(inputs, gradients):
        x = t
        if g is not None and x._grad_fn is None:
            x._grad = g if x._grad is None else x._grad + g


@cython.cfunc
def _full(tensors, gradients, keep: cython.bint, create: cython.bint):
    """A backward into all leaves, whatever restricted run it may be nested in."""
    global _restricted
    before: cython.bint = _restricted
    _restricted = False
    try:
        execute(tensors, gradients, keep, create, "backward")
    finally:
        _restricted = before


def grad(
    outputs,
    inputs,
    grad_outputs=None,
    retain_graph=None,
    create_graph=False,
    only_inputs=True,
    allow_unused=None,
    is_grads_batched=False,
    materialize_grads=False,
):
    """The gradients of `outputs` with respect to `inputs`, as a tuple; `.grad` is not touched.

    Args: as of `backward`; `allow_unused` gives None for an input that the outputs do not depend
        on instead of an error; `materialize_grads` gives zeros for it.
    """
    global _restricted, _wanted, _captured, _runs, _capturing
    if isinstance(outputs, Variable):
        outputs = (outputs,)
    if isinstance(inputs, Variable):
        inputs = (inputs,)
    if isinstance(grad_outputs, Variable):
        grad_outputs = (grad_outputs,)
    outputs, inputs = tuple(outputs), tuple(inputs)
    if grad_outputs is not None and len(grad_outputs) != len(outputs):
        raise RuntimeError(f"grad: got {len(outputs)} outputs and {len(grad_outputs)} grad_outputs.")
    if allow_unused is None:
        allow_unused = materialize_grads
    keep = create_graph if retain_graph is None else retain_graph
    if is_grads_batched:
        steps = [
            grad(outputs, inputs, [g[i] for g in grad_outputs], True, create_graph, True, True)
            for i in range(len(grad_outputs[0]))
        ]
        return tuple([None if column[0] is None else _stack_of(column) for column in zip(*steps)])
    chosen: dict = {}
    x: Variable
    place: cython.int = 0
    same: list = []
    for t in inputs:
        if not isinstance(t, Variable):
            raise TypeError(f"grad: inputs must be tensors, not {type(t).__name__}.")
        x = t
        if x._base is not None:
            stale(x)
        if not x.flags & REQUIRES_GRAD:
            raise RuntimeError("grad: One of the differentiated Tensors does not require grad.")
        if x._grad_fn is None:
            same.append(chosen.setdefault(id(x), place))
        else:
            same.append(chosen.setdefault(id(x._grad_fn), {}).setdefault(x.output_nr, place))
        place += 1
    with _lock:
        held = (_restricted, _wanted, _captured, _runs, _capturing)
        _restricted, _wanted, _captured, _runs, _capturing = True, chosen, [None] * place, set(), True
        try:
            execute(outputs, grad_outputs, keep, create_graph, "grad")
            results = _captured
        finally:
            _restricted, _wanted, _captured, _runs, _capturing = held
    found = []
    place = 0
    for t in inputs:
        g = results[same[place]]
        if g is None:
            if not allow_unused:
                raise RuntimeError(
                    f"grad: One of the differentiated Tensors appears to not have been used in the graph (input "
                    f"{place}, shape {list(shape_of(t))}). Set allow_unused=True if this is the desired behavior."
                )
            if materialize_grads:
                g = _zeros(shape_of(t), t.dtype, t.device)
        found.append(g)
        place += 1
    return tuple(found)


def _stack_of(tensors):
    import pyxtorch

    return pyxtorch.stack(tensors)


# --------------------------------------------------------------- what tensors offer (methods)


def tensor_register_hook(x: Variable, hook):
    """Call `hook(grad)` when the gradient of this tensor is known; it may return another one."""
    if not x.flags & REQUIRES_GRAD:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    node = _grad_fn_of(x)
    if node is None:
        if x._extra is None:
            x._extra = {}
        return _add_hook(x._extra, "hooks", hook)
    hooks = node._notes().setdefault("tensor_hooks", {})
    return _add_hook(hooks, x.output_nr, hook)


def tensor_post_accumulate(x: Variable, hook):
    """Call `hook(tensor)` after a gradient has been added to this leaf's `.grad`."""
    if x._grad_fn is not None:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    if not x.flags & REQUIRES_GRAD:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if x._extra is None:
        x._extra = {}
    return _add_hook(x._extra, "post_accumulate", hook)


def tensor_retain_grad(x: Variable):
    """Keep `.grad` of this tensor in backward although it is no leaf."""
    if not x.flags & REQUIRES_GRAD:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    node = _grad_fn_of(x)
    if node is None or x.flags & RETAINS_GRAD:
        return
    import weakref

    x.flags |= RETAINS_GRAD
    node._notes().setdefault("retained", {})[x.output_nr] = weakref.ref(x)
