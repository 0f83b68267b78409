"""torch.autograd.gradcheck: compare derivatives with finite differences.

Complex tensors count as pairs of real ones: with grad = dL/d(real) + i dL/d(imag), the derivative of
L along a direction v is Re(sum(conj(grad) * v)).
"""
import pyxtorch
from pyxtorch.autograd import Variable, grad
from pyxtorch.autograd.forward_ad import _dual, _Level, _unpacked

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """Raised by gradcheck and gradgradcheck when a derivative is wrong."""


def _tuple(x):
    return tuple(x) if isinstance(x, (list, tuple)) else (x,)


def _differentiable(tensors):
    return [t for t in tensors if isinstance(t, Variable) and t.requires_grad]


def _as_real(x):
    """The numbers of `x` as a flat real float64 tensor; of a complex one 2 n of them."""
    x = x.detach()
    if x.is_complex():
        x = pyxtorch.view_as_real(x.resolve_conj())
    return x.reshape(-1).to(pyxtorch.float64)


def _direction(x, generator):
    """Random numbers like `x`, of length 1 each, away from 0."""
    def draw():
        sign = pyxtorch.randint(0, 2, x.shape, generator=generator, device=x.device) * 2 - 1
        return sign * (0.5 + pyxtorch.rand(x.shape, generator=generator, device=x.device, dtype=pyxtorch.float64))

    return (pyxtorch.complex(draw(), draw()) if x.is_complex() else draw()).to(x.dtype)


def _moved(function, inputs, x, direction, eps):
    """(function at x + eps direction - function at x - eps direction) / 2 eps, for each output, as real numbers."""
    inside, before = x.detach(), x.detach().clone()
    ends = []
    try:
        for step in (eps, -eps):
            inside.copy_(before + step * direction)
            ends.append([_as_real(y).clone() for y in _differentiable(_tuple(function(*inputs)))])
    finally:
        inside.copy_(before)
    return [(a - b) / (2 * eps) for a, b in zip(*ends)]


def _backward(y, inputs, g, create_graph=False):
    found = grad(y, inputs, g, retain_graph=True, create_graph=create_graph, allow_unused=True)
    for x, d in zip(inputs, found):
        if d is not None and d.shape != x.shape:
            raise GradcheckError(f"gradcheck: the gradient has shape {list(d.shape)} but its input has shape {list(x.shape)}.")
    return [pyxtorch.zeros_like(x) if d is None else d for x, d in zip(inputs, found)]


def _check_fast(function, inputs, chosen, outputs, eps, close):
    """Compare one random projection of each Jacobian: u' J v."""
    generator = pyxtorch.Generator()
    generator.manual_seed(20240229)
    u = [_direction(y, generator) for y in outputs]
    gradients = [_backward(y, chosen, g) for y, g in zip(outputs, u)]
    for i, x in enumerate(chosen):
        v = _direction(x, generator)
        numerical = [(_as_real(g) * d).sum().item() for g, d in zip(u, _moved(function, inputs, x, v, eps))]
        for j, value in enumerate(numerical):
            analytical = (_as_real(gradients[j][i]) * _as_real(v)).sum().item()
            close(pyxtorch.tensor(analytical, dtype=pyxtorch.float64), pyxtorch.tensor(value, dtype=pyxtorch.float64), i, j)


def _units(x):
    """The directions of one element each; of a complex tensor also along the imaginary axis."""
    for k in range(x.numel()):
        for unit in (1, 1j) if x.is_complex() else (1,):
            e = pyxtorch.zeros(x.shape, dtype=x.dtype, device=x.device)
            e.view(-1)[k] = unit
            yield e


def _check_slow(function, inputs, chosen, outputs, eps, close):
    """Compare whole Jacobians."""
    analytical = [[[_as_real(d) for d in _backward(y, chosen, e)] for e in _units(y)] for y in outputs]
    for i, x in enumerate(chosen):
        columns = [_moved(function, inputs, x, e, eps) for e in _units(x)]
        for j, y in enumerate(outputs):
            if y.numel() == 0 or x.numel() == 0:
                continue
            numerical = pyxtorch.stack([column[j] for column in columns], 1)
            close(pyxtorch.stack([row[i] for row in analytical[j]]), numerical, i, j)


def _check_forward(function, inputs, chosen, outputs, eps, close, batched):
    """Compare random columns of the Jacobians, J v, with tangents; `batched`: several tangents at once, too."""
    generator = pyxtorch.Generator()
    generator.manual_seed(20240301)
    for i, x in enumerate(chosen):
        v = _direction(x, generator)

        def run(v, x=x):
            with _Level() as level:
                duals = [_dual(a, v, level) if a is x else a for a in inputs]
                found = [_unpacked(y, level).tangent for y in _differentiable(_tuple(function(*duals)))]
            return tuple(pyxtorch.zeros_like(y) if t is None else t for y, t in zip(outputs, found))

        tangents = run(v)
        for j, (y, t) in enumerate(zip(outputs, tangents)):
            if t.shape != y.shape or t.dtype != y.dtype:
                raise GradcheckError(f"gradcheck: the tangent of output {j} has shape {list(t.shape)} and {t.dtype}, the output {list(y.shape)} and {y.dtype}.")
        if batched:
            from pyxtorch.func import vmap

            for j, (t, both) in enumerate(zip(tangents, vmap(run, randomness="same")(pyxtorch.stack([v, -v])))):
                close(_as_real(both), _as_real(pyxtorch.stack([t, -t])), i, j)
        for j, numerical in enumerate(_moved(function, inputs, x, v, eps)):
            close(_as_real(tangents[j]), numerical, i, j)


def _check(function, inputs, eps, atol, rtol, nondet_tol, check_undefined_grad, check_grad_dtypes, check_batched_grad, fast_mode, forward, batched_forward, reverse):
    chosen = _differentiable(inputs)
    if not chosen:
        raise ValueError("gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True.")
    for i, x in enumerate(inputs):
        if isinstance(x, Variable) and x.requires_grad:
            if x.dtype not in (pyxtorch.float64, pyxtorch.complex128) and eps < 1e-4:
                import warnings

                warnings.warn(
                    f"gradcheck: input {i} has dtype {x.dtype}; finite differences with eps={eps} need float64 or complex128.",
                    stacklevel=3,
                )
            if any(st == 0 and n > 1 for st, n in zip(x.stride(), x.shape)):
                raise RuntimeError(f"gradcheck: input {i} has a dimension with stride 0: its elements share memory. Pass x.clone().")
    outputs = _differentiable(_tuple(function(*inputs)))

    def close(analytical, numerical, i, j):
        if not pyxtorch.allclose(analytical, numerical, rtol, atol):
            raise GradcheckError(
                f"Jacobian mismatch for output {j} with respect to input {i}: numerical {numerical.tolist()}, "
                f"analytical {analytical.tolist()}{' (a random projection)' if fast_mode else ''}."
            )

    if not outputs:
        # Nothing depends on the inputs as far as the tape knows: then the values must not either.
        generator = pyxtorch.Generator()
        before = [_as_real(y).clone() for y in _tuple(function(*inputs)) if isinstance(y, Variable)]
        for x in chosen:
            inside, held = x.detach(), x.detach().clone()
            try:
                inside.copy_(held + eps * _direction(x, generator))
                after = [_as_real(y) for y in _tuple(function(*inputs)) if isinstance(y, Variable)]
            finally:
                inside.copy_(held)
            for a, b in zip(before, after):
                if not pyxtorch.allclose(a, b, rtol=0, atol=atol * eps, equal_nan=True):
                    raise GradcheckError("Numerical gradient for function expected to be zero: no output requires grad, yet one changes with its input.")
        return True
    for y in outputs:
        if not y.dtype.is_floating_point and not y.dtype.is_complex:
            raise GradcheckError(f"gradcheck: an output of dtype {y.dtype} requires grad.")
    if forward:
        _check_forward(function, inputs, chosen, outputs, eps, close, batched_forward)
        outputs = _differentiable(_tuple(function(*inputs)))  # the differences have changed what was saved
    if not reverse:
        return True
    ones = [pyxtorch.ones_like(y) for y in outputs]
    first = [_backward(y, chosen, g) for y, g in zip(outputs, ones)]
    for j, y in enumerate(outputs):
        for i, (x, a, b) in enumerate(zip(chosen, first[j], _backward(y, chosen, ones[j]))):
            if a.numel() and not (_as_real(a) - _as_real(b)).abs().max().item() <= nondet_tol:
                raise GradcheckError(f"Backward is not reentrant: two runs for output {j} gave input {i} different gradients.")
            if check_grad_dtypes and a.dtype != x.dtype:
                raise GradcheckError(f"gradcheck: the gradient of input {i} has dtype {a.dtype}, the input {x.dtype}.")
    if check_undefined_grad:
        # Gradients of zero for all outputs but one mean the same as none at all.
        for j in range(len(outputs) if len(outputs) > 1 else 0):
            filled = [g if k == j else pyxtorch.zeros_like(g) for k, g in enumerate(ones)]
            together = grad(outputs, chosen, filled, retain_graph=True, allow_unused=True)
            for a, b in zip(first[j], together):
                if b is not None and not pyxtorch.allclose(_as_real(a), _as_real(b), rtol, atol):
                    raise GradcheckError(f"Backward of output {j} alone differs from its backward with zeros for the other outputs.")
    if check_batched_grad:
        for j, y in enumerate(outputs):
            two = pyxtorch.stack([ones[j], 2 * ones[j]])
            batched = grad(y, chosen, two, retain_graph=True, allow_unused=True, is_grads_batched=True)
            for a, b in zip(first[j], batched):
                if b is not None and not pyxtorch.allclose(_as_real(pyxtorch.stack([a, 2 * a])), _as_real(b), rtol, atol):
                    raise GradcheckError(f"gradcheck: batched gradients of output {j} differ from single ones.")
    # At the end: the differences change the inputs in place, and with them what was saved.
    (_check_fast if fast_mode else _check_slow)(function, inputs, chosen, outputs, eps, close)
    return True


def gradcheck(
    func,
    inputs,
    *,
    eps=1e-6,
    atol=1e-6,
    rtol=1e-4,
    raise_exception=True,
    nondet_tol=0.0,
    check_undefined_grad=True,
    check_grad_dtypes=False,
    check_batched_grad=False,
    check_batched_forward_grad=False,
    check_forward_ad=False,
    check_backward_ad=True,
    fast_mode=False,
    masked=None,
):
    """Compare the gradients of `func` with central finite differences.

    The tolerances are tighter than PyTorch's defaults (atol=1e-5, rtol=1e-3), so that a derivative
    that is wrong by 0.1 % is rejected.

    Args:
        func: takes `inputs`, returns a tensor or a tuple of tensors.
        inputs: tensor or tuple; those with requires_grad are checked. They should be float64 or
            complex128, away from kinks, and must not share memory within themselves.
        eps: step of the differences.
        atol, rtol: absolute and relative tolerance.
        raise_exception: False: return False instead of raising.
        nondet_tol: how far two runs of the same backward may differ.
        check_undefined_grad: whether outputs without a gradient must act like zero gradients.
        check_grad_dtypes: whether a gradient must have the dtype of its input.
        check_batched_grad: whether `grad(..., is_grads_batched=True)` must agree.
        check_batched_forward_grad: whether `vmap` over tangents must agree (with check_forward_ad).
        check_forward_ad: compare tangents with the differences. check_backward_ad: compare gradients.
        fast_mode: compare one random projection of each Jacobian rather than all of it.
        masked: accepted; there are no sparse tensors.
    Returns:
        True where everything agrees.
    Raises:
        GradcheckError (a RuntimeError): a derivative is wrong.
        ValueError: no input requires grad.
    """
    if not (check_backward_ad or check_forward_ad):
        return True
    if check_batched_forward_grad and not check_forward_ad:
        raise ValueError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    try:
        return _check(
            func, _tuple(inputs), eps, atol, rtol, nondet_tol, check_undefined_grad, check_grad_dtypes, check_batched_grad, fast_mode,
            check_forward_ad, check_batched_forward_grad, check_backward_ad,
        )  # fmt: skip
    except GradcheckError:
        if raise_exception:
            raise
        return False


def gradgradcheck(
    func,
    inputs,
    grad_outputs=None,
    *,
    eps=1e-6,
    atol=1e-6,
    rtol=1e-4,
    gen_non_contig_grad_outputs=False,
    raise_exception=True,
    nondet_tol=0.0,
    check_undefined_grad=True,
    check_grad_dtypes=False,
    check_batched_grad=False,
    check_fwd_over_rev=False,
    check_rev_over_rev=True,
    fast_mode=False,
    masked=False,
):
    """Compare second derivatives of `func` with finite differences of its gradients.

    Args: as of `gradcheck`; `grad_outputs` are the gradients from which the first backward starts
        (random ones by default, non-contiguous with gen_non_contig_grad_outputs). They are
        checked as inputs as well.
    Raises: as gradcheck.
    """
    if not (check_rev_over_rev or check_fwd_over_rev):
        return True
    inputs = _tuple(inputs)
    if grad_outputs is None:
        generator = pyxtorch.Generator()
        generator.manual_seed(1907)
        grad_outputs = []
        for y in _differentiable(_tuple(func(*inputs))):
            g = _direction(y, generator)
            if gen_non_contig_grad_outputs:
                g = pyxtorch.stack([g, g], -1)[..., 0]
            grad_outputs.append(g.detach().requires_grad_())
    grad_outputs = _tuple(grad_outputs)
    count = len(inputs)

    def first_gradients(*both):
        args, given = both[:count], both[count:]
        chosen = _differentiable(args)
        outputs = _differentiable(_tuple(func(*args)))
        found = grad(outputs, chosen, given, create_graph=True, allow_unused=True)
        return tuple(pyxtorch.zeros_like(x) if g is None else g for x, g in zip(chosen, found))

    return gradcheck(
        first_gradients,
        inputs + grad_outputs,
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
    )


# ----------------------------------------------------------------- Jacobians, by names of earlier versions

def get_numerical_jacobian(fn, inputs, target=None, eps=1e-3, grad_out=1.0):
    """The Jacobians of the first result of `fn(inputs)` by differences: a list with a matrix (elements of the input, of the result) for each of `target`.

    Args:
        fn: takes `inputs` as one argument. target: the tensors to move; those in `inputs` by default.
    Raises:
        ValueError: grad_out is not 1.
    """
    if grad_out != 1.0:
        raise ValueError("Expected grad_out to be 1.0. get_numerical_jacobian no longer supports values of grad_out != 1.0.")
    targets = _differentiable(_tuple(inputs if target is None else target))
    return [get_numerical_jacobian_wrt_specific_input(lambda: _tuple(fn(inputs)), x, eps) for x in targets]


def get_numerical_jacobian_wrt_specific_input(fn, x, eps=1e-3):
    """The same for one tensor `x`, of the first result of `fn()`: central differences of real numbers."""
    rows, flat = [], x.detach().view(-1)
    for i in range(flat.numel()):
        before = flat[i].clone()
        flat[i] = before + eps
        above = fn()[0].detach().clone()
        flat[i] = before - eps
        below = fn()[0].detach().clone()
        flat[i] = before
        rows.append(((above - below) / (2 * eps)).reshape(-1))
    return pyxtorch.stack(rows) if rows else x.new_zeros(0, 0)


def get_analytical_jacobian(inputs, output, nondet_tol=0.0, grad_out=1.0):
    """The same by backward.

    Returns:
        (list of matrices, whether two runs agree to `nondet_tol`, whether gradients have their inputs' shapes, whether they have their dtypes)
    Raises:
        ValueError: grad_out is not 1, or the result has complex elements.
    """
    if grad_out != 1.0:
        raise ValueError("Expected grad_out to be 1.0. get_analytical_jacobian no longer supports values of grad_out != 1.0.")
    if output.is_complex():
        raise ValueError("Expected output to be non-complex. get_analytical_jacobian no longer supports functions that return complex outputs.")
    chosen = _differentiable(_tuple(inputs))
    found, again = (_matrices(chosen, output) for _ in range(2))
    steady = all(pyxtorch.allclose(a, b, 0, max(nondet_tol, 0)) for a, b in zip(found, again))
    return found, steady, True, True


def _matrices(inputs, output):
    columns = []
    for i in range(output.numel()):
        direction = pyxtorch.zeros_like(output, memory_format=pyxtorch.contiguous_format)
        direction.view(-1)[i] = 1
        gradients = pyxtorch.autograd.grad(output, inputs, direction, retain_graph=True, allow_unused=True)
        columns.append([pyxtorch.zeros_like(x) if g is None else g for x, g in zip(inputs, gradients)])
    return [pyxtorch.stack([c[k].reshape(-1) for c in columns], 1) if columns else x.new_zeros(x.numel(), 0) for k, x in enumerate(inputs)]
