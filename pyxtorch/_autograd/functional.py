"""torch.autograd.functional: Jacobians, Hessians and products with them."""
import warnings

import pyxtorch
from pyxtorch.autograd import Variable, enable_grad, grad
from pyxtorch.autograd.forward_ad import _dual, _Level, _unpacked

__all__ = [
    "_as_tuple", "_construct_standard_basis_for", "_grad_postprocess", "_tuple_postprocess", "hessian", "hvp", "jacobian", "jvp", "vhp", "vjp",
]  # the first four are asked for by packages


def _tensors(x, op, what):
    """(was it a tuple, the tensors), checked."""
    several = isinstance(x, tuple)
    x = x if several else tuple(x) if isinstance(x, list) else (x,)
    for i, t in enumerate(x):
        if not isinstance(t, Variable):
            raise TypeError(f"{op}: {what} must be a tensor or a tuple of tensors, but element {i} is {type(t).__name__}.")
    return several or len(x) > 1, x


def _fresh(inputs, create_graph):
    """Inputs to differentiate by: views that lead back to the given ones, or leaves of their own."""
    return tuple(x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_() for x in inputs)


def _directions(v, like, op):
    """`v` as a tuple of the shapes of `like`; None stands for a single 1."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"{op}: the vector v can only be None for a single element, but there are {[list(t.shape) for t in like]}.")
        return (pyxtorch.ones_like(like[0]),)
    _, v = _tensors(v, op, "v")
    if len(v) != len(like):
        raise RuntimeError(f"{op}: v has {len(v)} tensors, expected {len(like)}.")
    for i, (a, b) in enumerate(zip(v, like)):
        if a.shape != b.shape:
            raise RuntimeError(f"{op}: entry {i} of v has shape {list(a.shape)}, expected {list(b.shape)}.")
    return v


def _outputs(func, inputs, op):
    several, outputs = _tensors(func(*inputs), op, "the result of func")
    return several, outputs


def _gradients(outputs, inputs, v, op, strict, create_graph, retain_graph=None):
    """v' J for each input; zeros where an output does not depend on an input (strict: an error)."""
    recorded = [(y, g) for y, g in zip(outputs, v) if y.requires_grad]
    if strict and len(recorded) < len(outputs):
        raise RuntimeError(f"{op}: an output of the user-provided function does not depend on its input. This is not allowed in strict mode.")
    if not recorded:
        return tuple(pyxtorch.zeros_like(x) for x in inputs)
    ys, gs = zip(*recorded)
    found = grad(ys, inputs, gs, create_graph=create_graph, retain_graph=retain_graph, allow_unused=True)
    if strict and any(g is None for g in found):
        raise RuntimeError(f"{op}: the outputs of the user-provided function are independent of an input. This is not allowed in strict mode.")
    return tuple(pyxtorch.zeros_like(x) if g is None else g for x, g in zip(inputs, found))


def _finish(tensors, several, create_graph):
    tensors = tuple(t if create_graph else t.detach() for t in tensors)
    return tensors if several else tensors[0]


def _scalar(outputs, op):
    if len(outputs) != 1 or outputs[0].numel() != 1:
        raise RuntimeError(f"{op}: func must return a single element, not {[list(t.shape) for t in outputs]}.")


def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), v' J): a vector times the Jacobian.

    Args:
        func: takes and returns a tensor or several.
        inputs: tensor or tuple of tensors.
        v: shaped like the outputs; None where there is one single-element output.
        create_graph: make the result differentiable.
        strict: raise where an output does not depend on an input, rather than give zeros.
    """
    with enable_grad():
        several, given = _tensors(inputs, "vjp", "inputs")
        inputs = _fresh(given, create_graph)
        many, outputs = _outputs(func, inputs, "vjp")
        v = _directions(v, outputs, "vjp")
        found = _gradients(outputs, inputs, v, "vjp", strict, create_graph)
    return _finish(outputs, many, create_graph), _finish(found, several, create_graph)


def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), J v): the Jacobian times a vector, which travels through func as a tangent.

    Args: as of `vjp`; v is shaped like the inputs.
    """
    with enable_grad(), _Level() as level:
        several, given = _tensors(inputs, "jvp", "inputs")
        inputs = _fresh(given, create_graph)
        v = _directions(v, inputs, "jvp")
        many, outputs = _outputs(func, tuple(_dual(x, d, level) for x, d in zip(inputs, v)), "jvp")
        found = _tangents(outputs, level, "jvp", strict)
        outputs = [_unpacked(y, level).primal for y in outputs]
    return _finish(outputs, many, create_graph), _finish(found, many, create_graph)


def _tangents(outputs, level, op, strict):
    """What the outputs carry in `level`; zeros where they do not depend on an input (strict: an error)."""
    found = [_unpacked(y, level).tangent for y in outputs]
    if strict and any(t is None for t in found):
        raise RuntimeError(f"{op}: an output of the user-provided function does not depend on its input. This is not allowed in strict mode.")
    return [pyxtorch.zeros_like(y) if t is None else t for y, t in zip(outputs, found)]


def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), v' H): a vector times the Hessian of a func with one single-element output.

    Args: as of `vjp`; v is shaped like the inputs.
    """
    with enable_grad():
        several, given = _tensors(inputs, "vhp", "inputs")
        inputs = _fresh(given, create_graph)
        v = _directions(v, inputs, "vhp")
        many, outputs = _outputs(func, inputs, "vhp")
        _scalar(outputs, "vhp")
        slope = _gradients(outputs, inputs, (pyxtorch.ones_like(outputs[0]),), "vhp", strict, True)
        found = _gradients(slope, inputs, v, "vhp", strict, create_graph)
    return _finish(outputs, many, create_graph), _finish(found, several, create_graph)


def hvp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), H v): the Hessian of a func with one single-element output times a vector.

    The Hessian is symmetric where second derivatives are continuous, and then this is `vhp`; here v travels as a tangent through func
    and through its backward, which holds in any case. Args: as of `vhp`.
    """
    with enable_grad(), _Level() as level:
        several, given = _tensors(inputs, "hvp", "inputs")
        inputs = _fresh(given, create_graph)
        v = _directions(v, inputs, "hvp")
        duals = tuple(_dual(x, d, level) for x, d in zip(inputs, v))
        many, outputs = _outputs(func, duals, "hvp")
        _scalar(outputs, "hvp")
        slope = _gradients(outputs, duals, (pyxtorch.ones_like(outputs[0]),), "hvp", strict, True)
        found = _tangents(slope, level, "hvp", strict)
        outputs = [_unpacked(y, level).primal for y in outputs]
    return _finish(outputs, many, create_graph), _finish(found, several, create_graph)


def jacobian(func, inputs, create_graph=False, strict=False, vectorize=False, strategy="reverse-mode"):
    """The Jacobian of func: for output of shape A and input of shape B a tensor of shape A + B.

    Args:
        func, inputs, create_graph, strict: as of `vjp`.
        vectorize: run func once more, on a batch of as many copies of the inputs as there are rows (docs/func.md), instead of one gradient
            after the other; where that cannot be done a UserWarning says why, once.
        strategy: "reverse-mode" differentiates each output, "forward-mode" (with vectorize) each input.
    Returns:
        A tensor; a tuple where func returns or takes several; of several both, a tuple (by
        output) of tuples (by input).
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError(f'jacobian: strategy must be either "reverse-mode" or "forward-mode", not {strategy!r}.')
    if strategy == "forward-mode" and not vectorize:
        raise RuntimeError('jacobian: strategy="forward-mode" needs vectorize=True.')
    with enable_grad():
        several, given = _tensors(inputs, "jacobian", "inputs")
        inputs = _fresh(given, create_graph)
        if strategy == "forward-mode":
            return _forward_jacobian(func, inputs, several, create_graph, strict)
        state = pyxtorch.get_rng_state() if vectorize else None
        many, outputs = _outputs(func, inputs, "jacobian")
        table = []
        whole = _at_once(func, inputs, outputs, state, create_graph) if vectorize and not strict else None
        for parts in whole or ():
            table.append(_finish(parts, several, create_graph))
        for y in outputs if whole is None else ():
            rows = []
            for k in range(y.numel()):
                unit = pyxtorch.zeros_like(y)
                unit.view(-1)[k] = 1
                rows.append(_gradients((y,), inputs, (unit,), "jacobian", strict, create_graph, True))
            parts = []
            for i, x in enumerate(inputs):
                whole = pyxtorch.stack([row[i] for row in rows]) if rows else x.new_zeros((0, *x.shape))
                parts.append(whole.reshape(*y.shape, *x.shape))
            table.append(_finish(parts, several, create_graph))
    return tuple(table) if many else table[0]


def _at_once(func, inputs, outputs, state, create_graph):
    """The parts of the Jacobian, by output and by input, by the rules of vmap; None where that gains nothing or cannot be done."""
    from pyxtorch.func import _rows_at_once

    return _rows_at_once(lambda xs: func(*xs), list(inputs), outputs, None, state, create_graph, _say_refused)


_said = set()


def _say_refused(error):
    reason = str(error)
    if reason not in _said:
        _said.add(reason)
        warnings.warn(f"jacobian: vectorize=True computes one row after the other here. {reason}", stacklevel=5)


def _columns_at_once(func, inputs):
    """([the tangents of each output, stacked by the elements of all inputs], whether there are several outputs); None where that cannot be done."""
    from pyxtorch._batching._values import Level, Refused, batched, expanded, wrap
    from pyxtorch.func import _unit_tangents

    directions = _unit_tangents(inputs)
    count, state = len(directions[0]), pyxtorch.get_rng_state()
    if count < 2:
        return None
    try:
        with Level(count, "same", strict=True) as slices, _Level() as level:
            many, outputs = _outputs(func, tuple(_dual(x, wrap(d, slices), level) for x, d in zip(inputs, directions)), "jacobian")
            return [batched(expanded(t, [slices])).physical for t in _tangents(outputs, level, "jacobian", False)], many
    except Refused as error:
        _say_refused(error)
        pyxtorch.set_rng_state(state)
        return None


def _forward_jacobian(func, inputs, several, create_graph, strict):
    """The Jacobian by tangents for all elements of the inputs at once, or by one run of func for each."""
    if strict:
        raise RuntimeError('jacobian: strict=True is not there with strategy="forward-mode".')
    found = _columns_at_once(func, inputs)
    if found is not None:
        stacked, many = found
        table = []
        for t in stacked:
            parts = t.split([x.numel() for x in inputs])
            table.append(_finish([p.movedim(0, -1).reshape(*t.shape[1:], *x.shape) for p, x in zip(parts, inputs)], several, create_graph))
        return tuple(table) if many else table[0]
    columns, many, shapes = [], False, None
    for i, x in enumerate(inputs):
        for k in range(x.numel()):
            directions = [pyxtorch.zeros_like(z) for z in inputs]
            directions[i].view(-1)[k] = 1
            with _Level() as level:
                many, outputs = _outputs(func, tuple(_dual(z, d, level) for z, d in zip(inputs, directions)), "jacobian")
                columns.append(_tangents(outputs, level, "jacobian", False))
                shapes = [y.shape for y in outputs]
    if not columns:
        many, outputs = _outputs(func, inputs, "jacobian")
        table = [_finish([y.new_zeros((*y.shape, *x.shape)) for x in inputs], several, create_graph) for y in outputs]
        return tuple(table) if many else table[0]
    table = []
    for j, shape in enumerate(shapes):
        parts, at = [], 0
        for x in inputs:
            n = x.numel()
            part = pyxtorch.stack([c[j] for c in columns[at : at + n]], -1) if n else columns[0][j].new_zeros((*shape, 0))
            parts.append(part.reshape(*shape, *x.shape))
            at += n
        table.append(_finish(parts, several, create_graph))
    return tuple(table) if many else table[0]


def hessian(func, inputs, create_graph=False, strict=False, vectorize=False, outer_jacobian_strategy="reverse-mode"):
    """The Hessian of a func with one single-element output: for inputs of shape A and B of shape A + B.

    Args: as of `jacobian`. Returns a tensor, or a tuple of tuples for several inputs.
    """
    several, given = _tensors(inputs, "hessian", "inputs")

    def slope(*inside):
        _, outputs = _outputs(func, inside, "hessian")
        _scalar(outputs, "hessian")
        found = _gradients(outputs, inside, (pyxtorch.ones_like(outputs[0]),), "hessian", strict, True)
        return found if several else found[0]

    return jacobian(slope, given if several else given[0], create_graph, strict, vectorize, outer_jacobian_strategy)


# ------------------------------------------------------------------- parts of PyTorch's that packages take

def _as_tuple(inp, arg_name=None, fn_name=None):
    """(whether `inp` is a tuple, its tensors)."""
    return isinstance(inp, tuple), _tensors(inp, fn_name or "as_tuple", arg_name or "inputs")[1]


def _tuple_postprocess(res, to_unpack):
    """`res` itself, or the only tensor of it where `to_unpack`, a flag or one for each level, is false."""
    if isinstance(to_unpack, tuple):
        inner, outer = to_unpack[1], to_unpack[0]
        res = tuple(r if inner else r[0] for r in res)
        return res if outer else res[0]
    return res if to_unpack else res[0]


def _grad_postprocess(inputs, create_graph):
    """The tensors, off the tape unless `create_graph`."""
    if isinstance(inputs, tuple):
        return tuple(_grad_postprocess(x, create_graph) for x in inputs)
    return inputs if create_graph else inputs.detach()


def _construct_standard_basis_for(tensors, tensor_numels):
    """For tensors of so many elements, the parts of an identity matrix that stand for each: (all elements, its own)."""
    total, parts, start = sum(tensor_numels), [], 0
    for tensor, numel in zip(tensors, tensor_numels):
        part = tensor.new_zeros(total, numel)
        part.diagonal(-start).fill_(1)
        parts.append(part)
        start += numel
    return tuple(parts)
