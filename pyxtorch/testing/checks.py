"""The checks that every operation must pass: functions `check_...(op)` of a record, which raise AssertionError."""
import numpy as np

import pyxtorch as torch
from pyxtorch.autograd import gradcheck, gradgradcheck
from pyxtorch.autograd.forward_ad import _dual, _Level, _unpacked
from pyxtorch.testing.operations import (
    Op,
    array_of,
    assert_near,
    expected_dtype,
    find,
    forward_and_gradients,
    leaves,
    replaced,
    results_of,
    tensors_of,
)


def check_values(op, dtype):
    """Values, shapes and dtypes are the reference's; inputs are left as they were."""
    rtol, atol = op.tolerance(dtype)
    rules = op.gives
    integral = not dtype.is_floating_point and not dtype.is_complex
    for call in op.samples:
        args, kwargs = op.make(call, dtype)
        before = [t.clone() for t in tensors_of(args, kwargs)]
        strides = [t.stride() for t in tensors_of(args, kwargs)]
        results = results_of(op.function(*args, **kwargs))
        for t, b, stride in zip(tensors_of(args, kwargs), before, strides):
            assert t.stride() == stride and same_bits(t, b), f"{op}: {call} changed an input"
        for y, rule in zip(results, rules if isinstance(rules, tuple) else (rules,) * len(results)):
            if rule is not None:
                want = expected_dtype(rule, dtype)
                assert y.dtype == want, f"{op}: {call} on {dtype} gives {y.dtype}, expected {want}"
        arrays = [array_of(t, widen=op.gives == "float" and t.dtype == dtype) for t in before]
        args, kwargs = replaced(args, kwargs, arrays)
        with np.errstate(all="ignore"):
            expected = results_of(op.reference(*args, **kwargs))
        assert len(expected) == len(results), f"{op}: {len(results)} results, the reference has {len(expected)}"
        for i, (y, e) in enumerate(zip(results, expected)):
            if e is None:
                continue
            if isinstance(y, torch.Tensor):
                y_rtol, y_atol = (0, 0) if integral and not y.dtype.is_floating_point and not y.dtype.is_complex else (rtol, atol)
                assert_near(array_of(y), e, y_rtol, y_atol, f"{op}: result {i} of {call} on {dtype}")
            else:
                assert y == e, f"{op}: result {i} of {call}: {y}, expected {e}"


def same_values(a, b):
    """Equal element by element, of one dtype and shape; NaN only where the other has NaN."""
    return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(array_of(a), array_of(b), equal_nan=a.dtype.is_floating_point or a.dtype.is_complex)


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and bytes_of(a) == bytes_of(b)


def bytes_of(x):
    x = x.detach().contiguous()
    if x.dtype == torch.bfloat16:
        x = x.view(torch.int16)
    return x.resolve_conj().numpy().tobytes()


def derivative_dtypes(op):
    return [d for d in (torch.float64, torch.complex128) if d in op.dtypes]


def differentiable_function(op, call, dtype):
    args, kwargs, chosen = leaves(op, call, dtype)

    def function(*inputs):
        places = {id(t): x for t, x in zip(chosen, inputs)}
        a, k = replaced(args, kwargs, [places.get(id(t), t) for t in tensors_of(args, kwargs)])
        results = [y for y in results_of(op.function(*a, **k)) if isinstance(y, torch.Tensor)]
        return tuple(y for y in results if y.dtype.is_floating_point or y.dtype.is_complex)

    return function, chosen


def differentiable_calls(op, dtype):
    """(sample, function of its differentiable inputs, these) of each sample whose result is on the tape."""
    for call in op.samples:
        function, chosen = differentiable_function(op, call, dtype)
        if chosen and any(y.requires_grad for y in function(*chosen)):
            yield call, function, chosen


def check_gradients(op):
    """First derivatives agree with finite differences; gradients have their inputs' dtypes."""
    for dtype in derivative_dtypes(op):
        tried = 0
        for call, function, chosen in differentiable_calls(op, dtype):
            tried += 1
            try:
                gradcheck(function, chosen, fast_mode=True, check_grad_dtypes=True)
            except Exception as error:
                raise AssertionError(f"{op}: gradient of {call}, {dtype}: {error}") from error
        assert tried, f"{op}: nothing that could be differentiated"


def check_second_gradients(op):
    """Second derivatives agree with finite differences of the first."""
    for dtype in derivative_dtypes(op):
        tried = 0
        for call, function, chosen in differentiable_calls(op, dtype):
            recorded = [y for y in function(*chosen) if y.requires_grad]
            first = torch.autograd.grad(recorded, chosen, [torch.ones_like(y) for y in recorded], create_graph=True, allow_unused=True)
            if all(g is None for g in first):
                continue
            tried += 1
            try:
                gradgradcheck(function, chosen, fast_mode=True, gen_non_contig_grad_outputs=True)
            except Exception as error:
                raise AssertionError(f"{op}: second gradient of {call}, {dtype}: {error}") from error
        assert tried, f"{op}: nothing that could be differentiated twice"


def _apart(x):
    """The same values with gaps between the elements."""
    wide = torch.zeros(*x.shape, 2, dtype=x.dtype)
    wide[..., 0] = x.detach()
    return wide[..., 0]


def _turned(x):
    """The same values with the dimensions the other way round in memory, starting inside a block."""
    n = x.numel()
    block = torch.zeros(n + 3, dtype=x.dtype)
    order = tuple(reversed(range(x.ndim)))
    view = block[3:].view(tuple(x.shape[i] for i in order)).permute(order)
    view.copy_(x.detach())
    return view


def _fortran_pairs(x):
    """The same values with the last two dimensions swapped in memory."""
    return x.detach().transpose(-1, -2).clone().transpose(-1, -2) if x.ndim >= 2 else x.detach().clone()


LAYOUTS = {"strided": _apart, "reversed": _turned, "transposed": _fortran_pairs}


def check_layouts(op, dtype):
    """Results and gradients do not depend on how the inputs lie in memory."""
    rtol, atol = op.tolerance(dtype)
    for call in op.samples:
        args, kwargs, chosen = leaves(op, call, dtype)
        results, gradients = forward_and_gradients(op, args, kwargs, chosen)
        wanted = {id(t) for t in chosen}
        for name, lay in LAYOUTS.items():
            others = [lay(t).requires_grad_(id(t) in wanted) for t in tensors_of(args, kwargs)]
            for a, b in zip(others, tensors_of(args, kwargs)):
                assert same_bits(a, b)
            a, k = replaced(args, kwargs, others)
            got, got_gradients = forward_and_gradients(op, a, k, [t for t in others if t.requires_grad])
            compare(results, got, rtol, atol, f"{op}: {call} on {name} inputs")
            compare(gradients, got_gradients, 4 * rtol, 4 * atol, f"{op}: gradient of {call} for {name} inputs")


def check_expanded(op, dtype):
    """Inputs that repeat themselves by a stride of 0 give what their copies give."""
    rtol, atol = op.tolerance(dtype)
    for call in op.samples:
        args, kwargs = op.make(call, dtype)
        copies, expanded = [], []
        for t, fixed in zip(tensors_of(args, kwargs), op.fixed(call)):
            free = not fixed and (t.dtype.is_floating_point or t.dtype.is_complex)
            if free and t.ndim and t.shape[0] > 1:
                t = t[:1].expand(t.shape)
            copies.append(t.clone().requires_grad_(free))
            expanded.append(t.requires_grad_(free))
        wanted = [[t for t in tensors if t.requires_grad] for tensors in (copies, expanded)]
        try:
            results, gradients = forward_and_gradients(op, *replaced(args, kwargs, copies), wanted[0])
        except torch.linalg.LinAlgError:
            continue        # equal rows make a matrix singular
        got, got_gradients = forward_and_gradients(op, *replaced(args, kwargs, expanded), wanted[1])
        compare(results, got, rtol, atol, f"{op}: {call} on expanded inputs")
        compare(gradients, got_gradients, 4 * rtol, 4 * atol, f"{op}: gradient of {call} for expanded inputs")


def compare(expected, got, rtol, atol, what):
    assert len(expected) == len(got), what
    for i, (a, b) in enumerate(zip(expected, got)):
        if a is None or b is None:
            assert a is b, f"{what}: result {i}: {b}, expected {a}"     # no gradient is not one of 0
        elif isinstance(a, torch.Tensor):
            assert a.dtype == b.dtype, f"{what}: result {i}: {b.dtype}, expected {a.dtype}"
            assert_near(array_of(b), array_of(a), rtol, atol, f"{what}: result {i}")
        else:
            assert a == b, f"{what}: result {i}: {b}, expected {a}"


def check_inplace(op, dtype):
    """The in-place form writes into self, counts a version, gives the same and the same gradients."""
    rtol, atol = op.tolerance(dtype)
    method = getattr(torch.Tensor, op.inplace)
    tried = 0
    for call in op.samples:
        args, kwargs, chosen = leaves(op, call, dtype)
        if not isinstance(args[0], torch.Tensor):
            continue
        results, gradients = forward_and_gradients(op, args, kwargs, chosen)
        if results[0].shape != args[0].shape or results[0].dtype != args[0].dtype:
            continue
        tried += 1

        def written(x, *rest, **named):
            y = x.clone()
            version = y._version
            assert method(y, *rest, **named) is y, f"{op}: {op.inplace} does not return self"
            assert y._version > version, f"{op}: {op.inplace} does not count a version"
            return y

        form = Op.__new__(Op)
        form.function = written
        got, got_gradients = forward_and_gradients(form, args, kwargs, chosen)
        compare(results, got, rtol, atol, f"{op}: {op.inplace} of {call}")
        if op.grad:
            compare(gradients, got_gradients, rtol, atol, f"{op}: gradient of {op.inplace} of {call}")
        with torch.no_grad():
            apart = _apart(args[0])
            method(apart, *args[1:], **kwargs)
            compare(results, [apart], rtol, atol, f"{op}: {op.inplace} of {call} into strided memory")
    assert tried, f"{op}: no sample fits its in-place form"


def check_out(op, dtype):
    """out= is filled, resized where it is empty, returned, and refuses to be recorded."""
    for call in op.samples:
        args, kwargs = op.make(call, dtype)
        plain = op.function(*args, **kwargs)
        results = results_of(plain)
        for make in (lambda t: torch.empty_like(t), lambda t: torch.empty(0, dtype=t.dtype), lambda t: _apart(torch.zeros_like(t))):
            outs = tuple(make(t) for t in results)
            got = op.function(*args, **kwargs, out=outs if isinstance(plain, tuple) else outs[0])
            for o, g, y in zip(outs, results_of(got), results):
                assert g is o, f"{op}: does not return the tensor given as out"
                assert same_values(o, y), f"{op}: {call} with out= gives {o}, expected {y}"
    recorded = tuple(torch.empty_like(t).requires_grad_() for t in results if t.dtype.is_floating_point)
    if len(recorded) == len(results):
        refuses(RuntimeError, lambda: op.function(*args, **kwargs, out=recorded if isinstance(plain, tuple) else recorded[0]),
                f"{op}: out= that requires grad")


def _same_or_refused(op, expected, function, what):
    """`function()` gives what `expected()` gives with copies of everything, or says that it will not."""
    expected = results_of(expected())
    try:
        got = results_of(function())
    except (RuntimeError, IndexError, ValueError) as error:
        assert str(error), what
        return
    for y, g in zip(expected, got):
        if isinstance(y, torch.Tensor):
            assert same_values(y, g), f"{op}: {what}: {g}, expected {y}"


def _overlapping(a, b):
    """a and b, of one dtype, laid into one memory, the second an element after the first."""
    memory = torch.cat([a.reshape(-1), b.reshape(-1), torch.zeros(1, dtype=a.dtype)])
    return memory[: a.numel()].view(a.shape), memory[1 : b.numel() + 1].view(b.shape)


def check_shared_arguments(op, dtype):
    """Arguments that are one tensor, or overlap, also what is written: as with copies, or an error."""
    for call in op.samples:
        args, kwargs = op.make(call, dtype)
        tensors = tensors_of(args, kwargs)

        def run(given, method=None, copies=False):
            given = [t.clone() for t in given] if copies else given
            some, named = replaced(args, kwargs, given)
            if method is None:
                return op.function(*some, **named)
            method(*some, **named)
            return given[0]

        method = getattr(torch.Tensor, op.inplace) if op.inplace and tensors and args and args[0] is tensors[0] else None
        for j in range(1, len(tensors)):
            for i in range(j):
                a, b = tensors[i], tensors[j]
                if a.dtype != b.dtype:
                    continue
                for first, second in ([(a, a)] if a.shape == b.shape else []) + [_overlapping(a, b)]:
                    for form in (None, method) if i == 0 else (None,):
                        def fresh():    # the pair keeps its overlap, but each call gets it unwritten
                            if first is second:
                                pair = (first.clone(),) * 2
                            else:
                                pair = _overlapping(first, second)
                            return [pair[0] if k == i else pair[1] if k == j else t for k, t in enumerate(tensors)]
                        try:
                            run(fresh(), form, copies=True)
                        except Exception:
                            continue    # such values it does not take
                        _same_or_refused(op, lambda: run(fresh(), form, copies=True), lambda: run(fresh(), form),
                                         f"{call}, arguments {i} and {j} share memory{' in place' if form else ''}")
        if not op.out:
            continue
        plain = op.function(*args, **kwargs)
        if isinstance(plain, tuple):
            continue
        for i, t in enumerate(tensors):
            if t.dtype != plain.dtype:
                continue
            for overlap in ([False] if t.shape == plain.shape else []) + [True]:
                first, out = _overlapping(t, plain) if overlap else (t.clone(),) * 2
                given = [first if k == i else u for k, u in enumerate(tensors)]

                def expected():
                    some, named = replaced(args, kwargs, [u.clone() for u in given])
                    return op.function(*some, **named)

                def written():
                    some, named = replaced(args, kwargs, given)
                    return op.function(*some, **named, out=out)

                try:
                    expected()
                except Exception:
                    continue
                _same_or_refused(op, expected, written, f"{call}, out= shares memory with argument {i}{' (overlapping)' if overlap else ''}")


def check_shared_gradients(op):
    """Gradients through arguments that are one tensor, or views of one, and of in-place forms: as with copies, or an error."""
    for dtype in derivative_dtypes(op):
        for call in op.samples:
            args, kwargs = op.make(call, dtype)
            tensors, fixed = tensors_of(args, kwargs), op.fixed(call)
            method = getattr(torch.Tensor, op.inplace) if op.inplace and args and tensors and args[0] is tensors[0] else None
            free = [i for i, t in enumerate(tensors) if not fixed[i] and t.dtype == dtype]
            for i, j in [(i, j) for j in free for i in free if i < j]:
                a, b = tensors[i], tensors[j]
                for overlap in ([False] if a.shape == b.shape else []) + [True]:
                    for form in (None, method) if i == 0 else (None,):
                        _compare_shared(op, call, (args, kwargs, tensors), (i, j), overlap, form)


def _compare_shared(op, call, arguments, places, overlap, form):
    args, kwargs, tensors = arguments
    a, b = (tensors[k] for k in places)
    memory = torch.cat([a.reshape(-1), b.reshape(-1), torch.zeros(1, dtype=a.dtype)])

    def gradient(copies):
        base = memory.clone().requires_grad_()
        work = base * 1                 # no leaf: it may be changed
        first = work[: a.numel()].view(a.shape)
        second = work[1 : b.numel() + 1].view(b.shape) if overlap else first
        pair = (first.clone(), second.clone()) if copies else (first, second)
        given = [pair[places.index(k)] if k in places else t for k, t in enumerate(tensors)]
        some, named = replaced(args, kwargs, given)
        if form:
            form(*some, **named)
        results = [given[0]] if form else results_of(op.function(*some, **named))
        results = [y for y in results if isinstance(y, torch.Tensor) and y.requires_grad]
        incoming = [torch.linspace(0.5, 1.5, y.numel(), dtype=torch.float64).to(y.dtype).reshape(y.shape) for y in results]
        return torch.autograd.grad(results, base, incoming)[0] if results else None

    try:
        expected = gradient(copies=True)
    except Exception:
        return          # such values it does not take
    what = f"{op}: gradient of {call} where arguments {places} {'overlap' if overlap else 'are one tensor'}{' in place' if form else ''}"
    try:
        got = gradient(copies=False)
    except RuntimeError as error:
        assert str(error), what
        return
    assert (expected is None) == (got is None), what
    if expected is not None:
        assert_near(array_of(got), array_of(expected), 1e-9, 1e-9, what)


def refuses(kind, function, what):
    try:
        function()
    except kind:
        return
    raise AssertionError(f"{what} does not raise {kind.__name__}")


def check_threads(op):
    """The same bits with 1, 2 and 4 threads, forward and backward."""
    dtype = torch.float32 if torch.float32 in op.dtypes else op.dtypes[0]
    args, kwargs, chosen = leaves(op, op.large, dtype) if op.grad else (*op.make(op.large, dtype), [])
    assert max(t.numel() for t in tensors_of(args, kwargs)) > 100_000, f"{op}: the large sample is not large"
    threads = torch.get_num_threads()
    try:
        seen = []
        for n in (1, 2, 4):
            torch.set_num_threads(n)
            results, gradients = forward_and_gradients(op, args, kwargs, chosen)
            seen.append([bytes_of(t) for t in (*results, *gradients) if isinstance(t, torch.Tensor)])
    finally:
        torch.set_num_threads(threads)
    assert seen[0] == seen[1] == seen[2], f"{op}: {op.large} depends on the number of threads"


def check_zero_gradients(op):
    """A gradient of exactly 0 stays 0, also where the formula is singular."""
    for dtype in derivative_dtypes(op):
        for call in op.samples:
            for value in (None, *op.singular):
                args, kwargs, chosen = leaves(op, call, dtype)
                if value is not None:
                    for t in chosen:
                        t.detach().fill_(value)
                try:
                    results = [y for y in results_of(op.function(*args, **kwargs)) if isinstance(y, torch.Tensor) and y.requires_grad]
                except torch.linalg.LinAlgError:
                    continue        # there is no result whose gradient could be zero
                if not results:
                    continue
                gradients = torch.autograd.grad(results, chosen, [torch.zeros_like(y) for y in results], allow_unused=True)
                for g in gradients:
                    assert g is not None and not array_of(g).any(), f"{op}: {call} at {value}: a gradient of zero became {g}"


def check_errors(op):
    """Wrong calls raise PyTorch's exception, with a message that says what is wrong."""
    import re

    for error in op.errors:
        args, kwargs = op.make(error.call, error.dtype)
        try:
            op.function(*args, **kwargs)
        except error.kind as raised:
            assert re.search(error.match, str(raised)), f"{op}: {error.call}: {raised!s} does not match {error.match!r}"
        else:
            raise AssertionError(f"{op}: {error.call} does not raise {error.kind.__name__}")


# Huge and negative numbers, nothing, wrong types; then tensors of other shapes, dtypes and values.
FOREIGN = (None, "text", 3, 0, -1, 1 << 62, -(1 << 63), 0.5, float("nan"), 1j, True, [], (), [None], ["text"], object(), torch, torch.int8, torch.float64)


def foreign_tensors():
    yield from (torch.zeros(0), torch.tensor(2.5), torch.ones(1, 2, 1, 2, 1, 2), torch.ones(3, dtype=torch.complex64), torch.ones(2, dtype=torch.bool))
    yield torch.tensor([[1 << 62, -(1 << 63)], [-1, 7]])


def raised_in_python(error):
    """Whether the exception comes from a function written in Python, not from compiled code."""
    trace = error.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    return trace.tb_frame.f_code.co_filename.endswith(".py")


def check_foreign_arguments(op):
    """Each argument in turn is something else: an exception, or a result, but no crash and no accident on the way.

    An AttributeError is PyTorch's answer too where a function is written in Python, not in compiled code.
    """
    dtype = next((d for d in op.dtypes if d.is_floating_point), op.dtypes[0])
    for call in op.samples[:4]:
        for place in (*range(len(call.args)), *call.kwargs):
            for wrong in (*FOREIGN, *foreign_tensors()):
                args, kwargs = op.make(call, dtype)
                (args if isinstance(place, int) else kwargs)[place] = wrong
                try:
                    op.function(*args, **kwargs)
                except (TypeError, ValueError, RuntimeError, IndexError, ArithmeticError, MemoryError):
                    pass
                except Exception as error:
                    if not (isinstance(error, AttributeError) and raised_in_python(error)):
                        raise AssertionError(f"{op}: {call} with {wrong!r} for {place}: {error!r}") from error


def check_aliases(op):
    """Other names of the operation are the same operation."""
    dtype = op.dtypes[0]
    for name in op.aliases:
        for call in op.samples:
            args, kwargs = op.make(call, dtype)
            for a, b in zip(results_of(op.function(*args, **kwargs)), results_of(find(name)(*args, **kwargs))):
                assert same_bits(a, b) if isinstance(a, torch.Tensor) else a == b, f"{op}: {name}{call} differs"


# ------------------------------------------------------------------- forward mode, and any order


def _random_like(x, generator):
    draw = torch.randn(x.shape, generator=generator, dtype=torch.float64)
    return (torch.complex(draw, torch.randn(x.shape, generator=generator, dtype=torch.float64)) if x.is_complex() else draw).to(x.dtype)


def _dot(a, b):
    """The sum of the products of what is in two lists of tensors, complex numbers counting as pairs; differentiable."""
    total = torch.zeros((), dtype=torch.float64)
    for x, y in zip(a, b):
        if x is not None and y is not None and x.numel():
            product = (torch.view_as_real(x.resolve_conj()) * torch.view_as_real(y.resolve_conj())) if x.is_complex() else x * y
            total = total + product.sum()
    return total


def _pushed(function, chosen, directions):
    """The tangents of what `function` gives."""
    with _Level() as level:
        found = function(*[_dual(x, v, level) for x, v in zip(chosen, directions)])
        return [None if y is None else _unpacked(y, level).tangent for y in found]


def _slopes(function, chosen, weights):
    """The gradients of <function, weights>, recorded; None where it does not depend on an input."""
    found = [(y, w) for y, w in zip(function(*chosen), weights) if y is not None and y.requires_grad]
    if not found:
        return [None] * len(chosen)
    return torch.autograd.grad([y for y, _ in found], chosen, [w for _, w in found], create_graph=True, allow_unused=True)


def _close(a, b, scale, what):
    a, b = float(a), float(b)
    assert abs(a - b) <= 1e-9 * (1 + scale + abs(a) + abs(b)), f"{what}: {a} by tangents, {b} by gradients"


def check_tangents(op, order=1):
    """Derivatives of this order are the same forward, with tangents, and backward, along random directions; so are those under no_grad.

    The second is forward over reverse against reverse over reverse, the third the same once more; which also agrees with differences.
    """
    generator = torch.Generator()
    generator.manual_seed(order)
    for dtype in derivative_dtypes(op):
        for call, function, chosen in differentiable_calls(op, dtype):
            level, what = function, f"{op}: derivative {order} of {call}, {dtype}"
            for _ in range(order - 1):
                weights = [None if y is None else _random_like(y, generator) for y in level(*chosen)]
                level = lambda *x, f=level, w=weights: _slopes(f, x, w)  # noqa: E731
            outputs = level(*chosen)
            if not any(y is not None and y.requires_grad for y in outputs):
                continue
            u = [None if y is None else _random_like(y, generator) for y in outputs]
            v = [_random_like(x, generator) for x in chosen]
            tangents = _pushed(level, chosen, v)
            gradients = [None if g is None else g.detach() for g in _slopes(level, chosen, u)]
            scale = sum(float((a.abs() * b.abs()).sum()) for a, b in zip(gradients, v) if a is not None)
            backward = _dot(gradients, v)
            _close(_dot([None if t is None else t.detach() for t in tangents], u), backward, scale, what)
            if order == 1:
                with torch.no_grad():
                    plain = _pushed(function, [x.detach() for x in chosen], v)
                assert not any(t is not None and t.requires_grad for t in plain), f"{what}: requires grad under no_grad"
                _close(_dot(plain, u), backward, scale, f"{what}, under no_grad")
            if order == 2:
                # Reverse over forward: the gradient of <J v, weights> along `more` is that of <J more, weights> along v.
                more = [_random_like(x, generator) for x in chosen]
                carried = _dot(_pushed(function, chosen, v), weights)
                if carried.requires_grad:
                    found = torch.autograd.grad(carried, chosen, allow_unused=True)
                    expected = _dot([None if t is None else t.detach() for t in _pushed(level, chosen, more)], v)
                    _close(_dot(found, more), expected, scale, f"{what}, reverse over forward")
            if order == 3:
                moved = [[None if y is None else y.detach() for y in level(*[(x + s * 1e-5 * d).detach().requires_grad_() for x, d in zip(chosen, v)])] for s in (1, -1)]
                difference = (_dot(moved[0], u) - _dot(moved[1], u)) / 2e-5
                size = sum(float((y.detach().abs() * w.abs()).sum()) for y, w in zip(outputs, u) if y is not None)
                assert abs(float(difference) - float(backward)) <= 1e-4 * (1 + scale + abs(float(backward)) + 1e-2 * size), f"{what}: {float(difference)} by differences, {float(backward)} by gradients"
