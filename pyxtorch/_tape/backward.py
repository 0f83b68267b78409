"""`backward` and `grad`: where a run starts, and what it is asked for."""
import weakref

import cython
from cython.cimports.pyxtorch._compound import COMPOUND
from cython.cimports.pyxtorch._core import (
    REQUIRES_GRAD,
    RETAINS_GRAD,
    TensorBase,
    device_of,
    dtype_of,
    is_complex_code,
    same_shape,
    shape_of,
)
from cython.cimports.pyxtorch._tape.engine import converted, ones_like, run, stacked, zeros_like, zeros_of
from cython.cimports.pyxtorch._tape.graph import AccumulateGrad, Node
from cython.cimports.pyxtorch._tape.hooks import add_hook
from cython.cimports.pyxtorch._tape.views import grad_fn_of, stale

from pyxtorch._compound import parts_of as _parts_of


@cython.cfunc
def first_gradient(x: TensorBase, g, i: cython.int, op: str):
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
        return ones_like(x)
    if not isinstance(g, TensorBase):
        raise TypeError(f"{op}: gradients can be either Tensors or None, but got {type(g).__name__}.")
    given: TensorBase = g
    if not same_shape(given, x):
        raise RuntimeError(
            f"{op}: Mismatch in shape: grad_output[{i}] has a shape of {list(shape_of(given))} and output[{i}] has a "
            f"shape of {list(shape_of(x))}."
        )
    if given.dev != x.dev and not (given.flags | x.flags) & COMPOUND:
        raise RuntimeError(f"{op}: the gradient is on {device_of(given.dev, given.dev_index)} but the output is on {device_of(x.dev, x.dev_index)}.")
    if is_complex_code(given.dt) and not is_complex_code(x.dt):
        raise RuntimeError(f"{op}: a complex gradient was given for a real output of dtype {dtype_of(x.dt)!r}.")
    if given.dt != x.dt:
        return converted(given, x.dt)
    return g


@cython.cfunc
def place_of(t, op: str, what: str, i: cython.int):
    """(node or leaf, number of its output) of a tensor or a GradientEdge."""
    if isinstance(t, TensorBase):
        x: TensorBase = t
        if x._base is not None:
            stale(x)
        if not x.flags & REQUIRES_GRAD:
            if what == "inputs":
                raise RuntimeError(f"{op}: One of the differentiated Tensors does not require grad (input {i}, shape {list(shape_of(x))}).")
            raise RuntimeError(f"{op}: element {i} of tensors does not require grad and does not have a grad_fn: nothing that it was computed from requires grad, or it was computed under no_grad(), or detached.")
        if x._grad_fn is None:
            return x, 0
        return x._grad_fn, x.output_nr
    node = getattr(t, "node", None)
    if not isinstance(node, Node):
        raise TypeError(f"{op}: element {i} of {what} must be a Tensor or a GradientEdge, not {type(t).__name__}.")
    if isinstance(node, AccumulateGrad):
        return cython.cast(AccumulateGrad, node).variable, 0
    return node, t.output_nr


@cython.cfunc
@cython.exceptval(-1, check=False)
def start(tensors: tuple, gradients, keep: cython.bint, create: cython.bint, wanted, results, accumulates, op: str) -> cython.int:
    roots: list = []
    numbers: list = []
    firsts: list = []
    i: cython.int = 0
    for t in tensors:
        root, number = place_of(t, op, "tensors", i)
        g = None if gradients is None else gradients[i]
        if isinstance(t, TensorBase):
            g = first_gradient(t, g, i, op)
        elif g is None:
            raise RuntimeError(f"{op}: element {i} of tensors is a GradientEdge, which does not tell its shape: give its gradient.")
        roots.append(root)
        numbers.append(number)
        firsts.append(g)
        i += 1
    g = None
    return run(roots, numbers, firsts, keep, create, wanted, results, accumulates)


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None, inputs=None):
    """Add the gradients of `tensors` to `.grad` of the leaves they were made from.

    Args:
        tensors: tensor or sequence of tensors to start from (or GradientEdges).
        grad_tensors: their gradients, same shapes; None for scalars.
        retain_graph: keep what was saved, so that backward can run again (default: create_graph).
        create_graph: record the gradients' own operations, for higher derivatives.
        grad_variables: an old name of `grad_tensors`.
        inputs: accumulate only into these tensors.
    Raises:
        RuntimeError: no gradient is recorded, shapes differ, a saved tensor was changed in place,
            or the graph was freed by an earlier backward.
    """
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError("backward: got both grad_tensors and grad_variables (its old name). Give grad_tensors only.")
        grad_tensors = grad_variables
    if isinstance(tensors, TensorBase) or hasattr(tensors, "node"):
        tensors = (tensors,)
    if isinstance(grad_tensors, TensorBase) or (grad_tensors is not None and not isinstance(grad_tensors, (list, tuple))):
        grad_tensors = (grad_tensors,)
    tensors = tuple(tensors)
    if grad_tensors is not None and len(grad_tensors) != len(tensors):
        raise RuntimeError(f"backward: got {len(tensors)} tensors and {len(grad_tensors)} gradients.")
    keep: cython.bint = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        start(tensors, grad_tensors, keep, create_graph, None, None, None, "backward")
        return
    if isinstance(inputs, TensorBase) or hasattr(inputs, "node"):
        inputs = (inputs,)
    inputs = tuple(inputs)
    if not inputs:
        raise RuntimeError("backward: the inputs argument cannot be empty.")
    wanted: list = []
    leaves: set = set()
    i: cython.int = 0
    for t in inputs:
        target, number = place_of(t, "backward", "inputs", i)
        if not isinstance(target, Node):
            leaves.add(id(target))
        elif isinstance(t, TensorBase):
            tensor_retain_grad(t)
        wanted.append((target, number))
        i += 1
    start(tensors, grad_tensors, keep, create_graph, wanted, None, leaves, "backward")


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
    if isinstance(outputs, TensorBase) or hasattr(outputs, "node"):
        outputs = (outputs,)
    if isinstance(inputs, TensorBase) or hasattr(inputs, "node"):
        inputs = (inputs,)
    if isinstance(grad_outputs, TensorBase):
        grad_outputs = (grad_outputs,)
    outputs, inputs = tuple(outputs), tuple(inputs)
    if grad_outputs is not None and len(grad_outputs) != len(outputs):
        raise RuntimeError(f"grad: got {len(outputs)} outputs and {len(grad_outputs)} grad_outputs.")
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: allow_unused must be True or not given where materialize_grads=True.")
    if allow_unused is None:
        allow_unused = materialize_grads
    keep: cython.bint = create_graph if retain_graph is None else retain_graph
    for t in outputs + inputs + tuple(grad_outputs or ()):
        if isinstance(t, TensorBase) and cython.cast(TensorBase, t).flags & COMPOUND and hasattr(_parts_of(t), "gradients") and not is_grads_batched:
            return _parts_of(t).gradients(outputs, inputs, grad_outputs, keep, create_graph, allow_unused, materialize_grads)
    if is_grads_batched:
        steps = [
            grad(outputs, inputs, [g[i] for g in grad_outputs], True, create_graph, True, allow_unused, False, materialize_grads)
            for i in range(len(grad_outputs[0]))
        ]
        return tuple([None if column[0] is None else stacked(column) for column in zip(*steps)])
    wanted: list = []
    first: dict = {}
    same: list = []
    place: cython.int = 0
    for t in inputs:
        target, number = place_of(t, "grad", "inputs", place)
        wanted.append((target, number))
        same.append(first.setdefault((id(target), number), place))      # an input that is named twice
        place += 1
    results: list = [None] * place
    start(outputs, grad_outputs, keep, create_graph, wanted, results, None, "grad")
    found: list = []
    for place in range(len(inputs)):
        g = results[same[place]]
        t = inputs[place]
        if not isinstance(g, TensorBase):
            if not g and not allow_unused:
                raise RuntimeError(
                    f"grad: One of the differentiated Tensors appears to not have been used in the graph (input {place}). "
                    "Set allow_unused=True if this is the desired behavior."
                )
            g = zeros_like(t) if (g or materialize_grads) and isinstance(t, TensorBase) else None
        found.append(g)
    return tuple(found)


def replay(firsts, create, wanted, accumulates, watcher):
    """Run once more what a run in anomaly mode has run, storing nothing: `watcher(node, i, g)` sees each gradient that a node sends.

    Args: firsts: [(root, number of its output, gradient)]; the others as of `engine.run`.
        `i` is -1 for what hooks gave: of the node's output, or of a leaf in its place.
    """
    roots, numbers, gradients = [list(part) for part in zip(*firsts)]
    results = None if wanted is None else [None] * len(wanted)
    run(roots, numbers, gradients, True, create, wanted, results, accumulates, 0, watcher)


# --------------------------------------------------------------- what tensors offer (methods)


def tensor_register_hook(x: TensorBase, hook):
    """Call `hook(grad)` when the gradient of this tensor is known; it may return another one."""
    node: Node = grad_fn_of(x)
    if not x.flags & REQUIRES_GRAD:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if node is None:
        if x._extra is None:
            x._extra = {}
        return add_hook(x._extra, "hooks", hook)
    notes: dict = node.notes()
    # A gradient of zero has no tensor until somebody looks at it.
    notes.setdefault("zeros", {}).setdefault(x.output_nr, zeros_maker(x))
    return add_hook(notes.setdefault("tensor_hooks", {}), x.output_nr, hook)


@cython.cfunc
def zeros_maker(x: TensorBase):
    if x.flags & COMPOUND:
        zero = zeros_like(x)
        return lambda: zero
    shape, dtype, device = shape_of(x), dtype_of(x.dt), device_of(x.dev, x.dev_index)
    return lambda: zeros_of(shape, dtype, device)


def tensor_post_accumulate(x: TensorBase, hook):
    """Call `hook(tensor)` after a gradient has been added to this leaf's `.grad`."""
    if grad_fn_of(x) is not None:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    if not x.flags & REQUIRES_GRAD:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if x._extra is None:
        x._extra = {}
    return add_hook(x._extra, "post_accumulate", hook)


def tensor_retain_grad(x: TensorBase):
    """Keep `.grad` of this tensor in backward although it is no leaf."""
    node: Node = grad_fn_of(x)
    if not x.flags & REQUIRES_GRAD:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    if node is None or x.flags & RETAINS_GRAD:
        return
    x.flags |= RETAINS_GRAD
    node.notes().setdefault("retained", {})[x.output_nr] = weakref.ref(x)


def grad_fn(x: TensorBase):
    """The node that made `x`, brought up to date where `x` is a view."""
    return grad_fn_of(x)


def reaches_others(x: TensorBase, own: set, clean: set):
    """Whether `x` depends on a leaf, or is one, whose id is not in `own`. `clean`: ids of nodes of which it is known that they do not; more are added."""
    root = grad_fn_of(x)
    node: Node
    i: cython.int
    if root is None:
        return id(x) not in own
    seen: set = {id(root)}
    waiting: list = [root]
    if id(root) in clean:
        return False
    while waiting:
        node = waiting.pop()
        for i in range(node.n_inputs):
            target = node.edge(i)
            if target is None:
                continue
            if not isinstance(target, Node):
                if id(target) not in own:
                    return True
            elif id(target) not in seen and id(target) not in clean:
                seen.add(id(target))
                waiting.append(target)
    clean |= seen
    return False
