"""The history of views and of tensors changed in place.

A view remembers its base. Where a view is changed in place, the base gets a node that parts the
gradient between what the base was and what was written; its other views find out that they are stale
when somebody asks for their history, and lead back to the base from then on.
"""
import cython
from cython.cimports.pyxtorch._core import (
    CONTIGUOUS,
    DUAL,
    FOLLOWED,
    HAS_VIEWS,
    INFERENCE,
    REQUIRES_GRAD,
    RETAINS_GRAD,
    TensorBase,
    alias,
    dtype_of,
    overlaps_itself,
    shape_of,
)
from cython.cimports.pyxtorch._tape.forward import carry, drop_tangents, replace_tangents, spread
from cython.cimports.pyxtorch._tape.graph import Node
from cython.cimports.pyxtorch._tape.modes import grad_enabled, inference_enabled, levels_open, see_levels
from cython.cimports.pyxtorch._tape.sites import keep_output

from pyxtorch._tape.forward import provide_views


@cython.binding(False)
@cython.cclass
class Overwritten(Node):
    """The history of a tensor that was overwritten by a constant: zeros flow back."""

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def send(self, g) -> cython.int:
        return 0


@cython.binding(False)
@cython.cclass
class AsStridedView(Node):
    """The history of a view whose base was changed in place."""

    geometry: object
    base_shape: object

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def send(self, g) -> cython.int:
        size, stride, offset, base_stride = self.geometry
        self.pass_grad(0, g.new_zeros(()).expand(self.base_shape).as_strided_scatter_like(g, size, stride, offset, base_stride))
        return 0

    @cython.cfunc
    def pushforward(self, tangents: list, outs: list) -> list:
        size, stride, offset, base_stride = self.geometry
        return [tangents[0].as_strided_gather_like(size, stride, offset, base_stride)]


@cython.binding(False)
@cython.cclass
class CopySlices(Node):
    """A base after one of its views was overwritten: gradients part between old base and value."""

    geometry: object
    base_shape: object

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def send(self, g) -> cython.int:
        size, stride, offset, base_stride = self.geometry
        if self.needs(0):
            zero = g.new_zeros(()).expand(size)
            self.pass_grad(0, g.as_strided_scatter_like(zero, size, stride, offset, base_stride))
        if self.needs(1):
            self.pass_grad(1, g.as_strided_gather_like(size, stride, offset, base_stride))
        return 0

    @cython.cfunc
    def pushforward(self, tangents: list, outs: list) -> list:
        size, stride, offset, base_stride = self.geometry
        base, value = tangents[0], tangents[1]
        if base is None:
            base = value.new_zeros(()).expand(self.base_shape)
        if value is None:
            value = base.new_zeros(()).expand(size)
        return [base.as_strided_scatter_like(value, size, stride, offset, base_stride)]


@cython.binding(False)
@cython.cclass
class Same(Node):
    """Stands between a tensor and another one of the same elements."""

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def send(self, g) -> cython.int:
        return self.pass_grad(0, g)

    @cython.cfunc
    def pushforward(self, tangents: list, outs: list) -> list:
        return tangents


def alike(x: TensorBase, tape: cython.bint = True, tangents: cython.bint = True):
    """Another tensor on the memory of `x`: with its history (`tape`, where something is recorded), and with its tangents."""
    y: TensorBase = alias(x)
    if tape and tracked(x) and grad_enabled():
        node: Same = Same.__new__(Same)
        node.n_inputs = 1
        node.n_outputs = 1
        set_edge(node, 0, x)
        made(y, node, 0)
    if tangents:
        carry(y, x)
    return y


def stale(x):
    """Whether `x` is followed although its flags did not say so: its base has got a history, or a tangent, since."""
    base: TensorBase = cython.cast(TensorBase, x._base)
    if base._extra is None:
        return False
    generation = base._extra.get("generation")
    if generation is None:
        return False
    if x._extra is not None and x._extra.get("seen") == generation:
        return False
    refresh(x, base, generation)
    return (x.flags & FOLLOWED) != 0


@cython.cfunc
@cython.exceptval(check=False)
def refresh(x: TensorBase, base: TensorBase, generation) -> cython.void:
    """Give view `x` the history that its base has now."""
    if x._extra is None:
        x._extra = {}
    x._extra["seen"] = generation
    node: AsStridedView = AsStridedView.__new__(AsStridedView)
    node.geometry = geometry_of(x, base)
    node.base_shape = shape_of(base)
    node.n_inputs = 1
    node.n_outputs = 1
    set_edge(node, 0, base)
    node.unlinked = not base.flags & REQUIRES_GRAD
    if x.flags & DUAL:
        drop_tangents(x)
    if base.flags & DUAL:
        seen: cython.int = see_levels(levels_open())    # in all levels, whatever rule asks
        spread(node, [x], [base])
        see_levels(seen)
    if not node.unlinked:
        made(x, node, 0)


@cython.cfunc
def geometry_of(x: TensorBase, base: TensorBase):
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


def grad_fn_of(x):
    """The node that made `x`, brought up to date where `x` is a view."""
    if x._base is not None:
        stale(x)
    return x._grad_fn


def made(out, node, number):
    """`out` is output `number` of `node` from now on; a gradient that it retains is the one of what it holds now."""
    if out.flags & RETAINS_GRAD and out._grad_fn is not None:
        before: Node = out._grad_fn
        retained: dict = before.notes().get("retained", {})
        if out.output_nr in retained and retained[out.output_nr]() is out:
            node.notes().setdefault("retained", {})[number] = retained.pop(out.output_nr)
    out._grad_fn = node
    out.output_nr = number
    out.flags |= REQUIRES_GRAD
    if node.extra is not None:
        keep_output(node.extra, out, number)
    return 0


def set_edge(node, i, x):
    """Input `i` of `node` came from `x`: from the node that made it, or from the leaf itself."""
    if x is None:
        return node.put_edge(i, None, 0)
    if x._base is not None:
        stale(x)
        node.renumber()             # a view may just have got a new history
    if not x.flags & REQUIRES_GRAD:
        return node.put_edge(i, None, 0)
    if x._grad_fn is None:
        return node.put_edge(i, x, 0)
    return node.put_edge(i, x._grad_fn, x.output_nr)


def check_inplace(x, op):
    if x.flags & REQUIRES_GRAD and grad_enabled():
        if grad_fn_of(x) is None:
            raise RuntimeError(
                f"{op}: a leaf Variable that requires grad is being used in an in-place operation. "
                "Do it under no_grad(), or out of place."
            )
    base: TensorBase
    if x._base is not None and grad_enabled():
        base = x._base
        if base.flags & REQUIRES_GRAD and base._grad_fn is None:
            raise RuntimeError(
                f"{op}: a view of a leaf Variable that requires grad is being used in an in-place operation. "
                "Do it under no_grad(), or out of place."
            )
    if x.flags & INFERENCE and not inference_enabled():
        raise RuntimeError(f"{op}: Inplace update to inference tensor outside InferenceMode is not allowed. Clone it first.")
    if not x.flags & CONTIGUOUS and overlaps_itself(x):
        raise RuntimeError(
            f"{op}: unsupported operation: more than one element of the written-to tensor refers to a single "
            f"memory location (shape {list(shape_of(x))}, strides {[x.strides[i] for i in range(x.nd)]}). "
            "Please clone() the tensor before performing the operation."
        )
    return 0


def rebase(x, result):
    base: TensorBase
    node: CopySlices
    stop: Overwritten
    recorded: cython.bint = grad_enabled()
    if x._base is None:
        if (x.flags | result.flags) & DUAL:
            replace_tangents(x, result)
        if recorded and result.flags & REQUIRES_GRAD:
            made(x, result._grad_fn, result.output_nr)
        elif recorded and x.flags & REQUIRES_GRAD:
            stop = Overwritten.__new__(Overwritten)     # on the tape still, with a gradient of zero
            stop.n_inputs = 1
            stop.n_outputs = 1
            set_edge(stop, 0, x)
            made(x, stop, 0)
        if x.flags & HAS_VIEWS:
            new_generation(x)
        return 0
    base = x._base
    if not (result.flags | base.flags) & (FOLLOWED if recorded else DUAL):
        return 0
    node = CopySlices.__new__(CopySlices)
    node.geometry = geometry_of(x, base)
    node.base_shape = shape_of(base)
    node.n_inputs = 2
    node.n_outputs = 1
    set_edge(node, 0, base)
    set_edge(node, 1, result)
    node.unlinked = not (recorded and (result.flags | base.flags) & REQUIRES_GRAD)
    if (result.flags | base.flags) & DUAL:
        spread(node, [base], [base, result])
    if not node.unlinked:
        made(base, node, 0)
    refresh(x, base, new_generation(base))
    return 0


@cython.cfunc
def new_generation(base: TensorBase):
    """Note that views of `base` made so far have an outdated history."""
    if base._extra is None:
        base._extra = {}
    generation = base._extra.get("generation", 0) + 1
    base._extra["generation"] = generation
    return generation


def _up_to_date(x: TensorBase):
    stale(x)


provide_views(_up_to_date)
