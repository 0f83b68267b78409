"""One record per operation, and the checks that every operation must pass.

A record says how an operation is called, what NumPy or SciPy gives for it, and where it is defined:

    Op("softsign", S((2, 3)), S(()), reference=lambda x: x / (1 + np.abs(x)), avoid=[0])

`S` is one call. Among its arguments a tuple of sizes stands for a tensor of random numbers, a list
for a list of such, and `tensor`, `index`, `mask`, `given` describe particular ones; anything else is
passed as it is. Values are spread evenly over the domain, so no two of a tensor are close together
(no ties for sort or max), the same in every run.

The checks are the functions `check_...(op)`; they raise AssertionError.
"""
import numpy as np

import pyxtorch as torch
from pyxtorch.autograd import gradcheck, gradgradcheck

FLOAT = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
WIDE = (torch.float64, torch.float32)
COMPLEX = (torch.complex128, torch.complex64)
INT = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
BOOL = (torch.bool,)

# (rtol, atol) against a float64 reference on the same inputs: a few roundings of the result.
TOLERANCES = {
    torch.float64: (1e-11, 1e-12),
    torch.complex128: (1e-11, 1e-12),
    torch.float32: (3e-6, 3e-6),
    torch.complex64: (3e-6, 3e-6),
    torch.float16: (1e-3, 1e-3),
    torch.bfloat16: (8e-3, 8e-3),
}


# --------------------------------------------------------------------------------- records


class Spec:
    """A tensor to be made: its shape, and what its values are like."""

    def __init__(self, shape=(), kind="value", low=None, high=None, values=None, dtype=None, grad=True):
        self.shape, self.kind, self.low, self.high = shape, kind, low, high
        self.values, self.dtype, self.grad = values, dtype, grad

    def make(self, op, dtype, rng, place):
        if self.kind == "given":
            return torch.tensor(np.asarray(self.values), dtype=self.dtype)
        if self.kind == "index":
            return torch.tensor(rng.integers(self.low or 0, self.high, self.shape), dtype=self.dtype or torch.int64)
        if self.kind == "mask":
            return torch.tensor(rng.random(self.shape) < 0.5)
        dtype = self.dtype or dtype
        low, high = op.bounds(place)
        low, high = low if self.low is None else self.low, high if self.high is None else self.high
        return torch.tensor(spread(rng, self.shape, dtype, low, high, op.avoid), dtype=dtype)


def spread(rng, shape, dtype, low, high, avoid):
    """Numbers all over [low, high], none of them close to another or to one of `avoid`."""
    n = int(np.prod(shape, dtype=np.int64))
    if dtype == torch.bool:
        return rng.random(shape) < 0.5
    if not dtype.is_floating_point and not dtype.is_complex:
        info = torch.iinfo(dtype)
        x = rng.integers(max(int(np.ceil(low)), info.min), min(int(np.floor(high)), info.max) + 1, shape)
        for point in avoid:
            x = np.where(x == point, x + 1, x)
        return x

    def one():
        u = (rng.permutation(n) + 0.5 + 0.6 * (rng.random(n) - 0.5)) / max(n, 1)
        x = low + (high - low) * u
        for point in avoid:
            x = np.where(np.abs(x - point) < 0.05, x + np.where(x < point, -0.1, 0.1), x)
        return x.reshape(shape)

    return one() + 1j * one() if dtype.is_complex else one()


def tensor(*shape, low=None, high=None, dtype=None, grad=True):
    """Random numbers in [low, high]; grad=False: not differentiated by."""
    return Spec(shape, "value", low, high, dtype=dtype, grad=grad)


def index(*shape, high, low=0, dtype=None):
    """Random integers, low <= i < high."""
    return Spec(shape, "index", low, high, dtype=dtype, grad=False)


def mask(*shape):
    """Random booleans."""
    return Spec(shape, "mask", grad=False)


def given(values, dtype=None):
    """A tensor of just these values, whatever dtype is under test."""
    return Spec((), "given", values=values, dtype=dtype, grad=False)


class S:
    """One call of an operation."""

    def __init__(self, *args, **kwargs):
        self.args, self.kwargs = args, kwargs

    def __repr__(self):
        return f"S{self.args}{self.kwargs or ''}"


class Error:
    """A call that must raise `kind` with a message that contains `match` (a regular expression)."""

    def __init__(self, kind, match, *args, dtype=torch.float32, **kwargs):
        self.kind, self.match, self.dtype, self.call = kind, match, dtype, S(*args, **kwargs)


class Op:
    """What is known of an operation.

    Args:
        name: where it is found: in pyxtorch, pyxtorch.nn.functional, or as a method of Tensor;
            with dots from pyxtorch on ("linalg.inv").
        samples: calls.
        reference: takes what the operation takes, arrays for tensors (float16, bfloat16 and float32
            as float64); returns an array or a tuple, with None for results that are not compared.
            None: the operation is not compared by the generic check.
        dtypes: those that it takes. gives: the result's dtype: "same" as the first tensor, "float"
            (integers give the default dtype; the reference gets float64), "real", "sum" (integers
            give int64), a dtype, None for not checked, or a tuple of these.
        domain: (low, high) of the inputs, or a list of these by argument. avoid: points near which
            no input may be (kinks, poles).
        grad, gradgrad: whether it has (second) derivatives.
        large: a call large enough to be split among threads; None: it does not run in parallel.
        inplace: the name of the in-place form; False: none. out: whether it takes out=.
        tol: {dtype: (rtol, atol)} in place of TOLERANCES. errors: a list of Error.
        layouts: whether inputs may be laid out in any way. zero: whether a zero gradient must stay
            zero at singular points. function: what to call, instead of `name`.
        singular: values all inputs are set to in that check. aliases: other names of the operation.
    """

    def __init__(self, name, *samples, reference=None, dtypes=FLOAT, gives="same", domain=(-2.0, 2.0), avoid=(), grad=True,
                 gradgrad=True, large=None, inplace=False, out=False, tol=None, errors=(), layouts=True, zero=True, function=None,
                 singular=(0.0, 1.0, -1.0), aliases=()):
        self.name, self.samples, self.reference, self.dtypes, self.gives = name, samples, reference, dtypes, gives
        self.domain, self.avoid, self.large, self.out, self.errors = domain, tuple(avoid), large, out, errors
        self.grad = grad and any(d.is_floating_point or d.is_complex for d in dtypes)
        self.gradgrad = self.grad and gradgrad
        self.inplace, self.layouts, self.zero, self.singular = inplace, layouts, zero, singular
        self.tol, self.aliases = tol or {}, aliases
        self.function = function or find(name)

    def __repr__(self):
        return self.name

    def bounds(self, place):
        domain = self.domain
        return domain[min(place, len(domain) - 1)] if isinstance(domain, list) else domain

    def tolerance(self, dtype):
        return self.tol.get(dtype) or TOLERANCES.get(dtype) or TOLERANCES[torch.float32]

    def make(self, call, dtype):
        """(args, kwargs) with tensors in place of their descriptions."""
        rng = np.random.default_rng(len(self.name))
        places = iter(range(1000))

        def build(x):
            if isinstance(x, tuple):
                x = Spec(x)
            if isinstance(x, Spec):
                return x.make(self, dtype, rng, next(places))
            return [build(i) for i in x] if isinstance(x, list) else x

        args = [build(a) for a in call.args]
        return args, {k: build(v) if isinstance(v, Spec) else v for k, v in call.kwargs.items()}

    def fixed(self, call):
        """Which tensors, in the order of `tensors_of`, are not differentiated by."""
        out = []

        def visit(x):
            if isinstance(x, tuple):
                out.append(False)
            elif isinstance(x, Spec):
                out.append(not x.grad)
            elif isinstance(x, list):
                for i in x:
                    visit(i)

        for a in call.args:
            visit(a)
        for v in call.kwargs.values():
            if isinstance(v, Spec):
                visit(v)
        return out


def find(name):
    if "." in name:
        value = torch
        for part in name.split("."):
            value = getattr(value, part)
        return value
    for place in (torch, torch.nn.functional, torch.Tensor):
        if hasattr(place, name):
            return getattr(place, name)
    raise AttributeError(f"no operation {name!r} in pyxtorch, pyxtorch.nn.functional or Tensor")


# ------------------------------------------------------------------------------ small tools


def tensors_of(args, kwargs):
    """All tensors among arguments, those in lists included."""
    out = []
    for a in (*args, *kwargs.values()):
        if isinstance(a, torch.Tensor):
            out.append(a)
        elif isinstance(a, list):
            out += [t for t in a if isinstance(t, torch.Tensor)]
    return out


def replaced(args, kwargs, tensors):
    """The same arguments with other tensors, in order."""
    rest = iter(tensors)

    def swap(a):
        if isinstance(a, torch.Tensor):
            return next(rest)
        return [swap(x) for x in a] if isinstance(a, list) else a

    args = [swap(a) for a in args]
    return args, {k: swap(v) for k, v in kwargs.items()}


def results_of(y):
    return tuple(y) if isinstance(y, (tuple, list)) else (y,)


def array_of(x, widen=False):
    """A tensor as an array; floating ones in double precision."""
    x = x.detach()
    if x.dtype.is_complex:
        x = x.resolve_conj().to(torch.complex128)
    elif x.dtype.is_floating_point or widen:
        x = x.to(torch.float64)
    return x.numpy().copy()


def assert_near(actual, expected, rtol, atol, what):
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    same = (actual == expected) | ((actual != actual) & (expected != expected))
    with np.errstate(all="ignore"):
        off = np.abs(actual.astype(np.result_type(actual, np.float64)) - expected)
        close = same | (off <= atol + rtol * np.abs(expected))
    if not close.all():
        worst = np.unravel_index(np.argmax(np.where(close, 0, np.nan_to_num(off, nan=np.inf))), actual.shape)
        raise AssertionError(f"{what}: {(~close).sum()} of {close.size} differ; at {worst}: {actual[worst]}, expected {expected[worst]}")


def expected_dtype(rule, dtype):
    if rule == "same":
        return dtype
    if rule == "float":
        return dtype if dtype.is_floating_point or dtype.is_complex else torch.get_default_dtype()
    if rule == "real":
        return {torch.complex64: torch.float32, torch.complex128: torch.float64}.get(dtype, dtype)
    if rule == "sum":
        return dtype if dtype.is_floating_point or dtype.is_complex else torch.int64
    return rule


def leaves(op, call, dtype):
    """(args, kwargs, those to differentiate by) with requires_grad set."""
    args, kwargs = op.make(call, dtype)
    chosen = []
    for t, fixed in zip(tensors_of(args, kwargs), op.fixed(call)):
        if not fixed and (t.dtype.is_floating_point or t.dtype.is_complex):
            chosen.append(t.requires_grad_())
    return args, kwargs, chosen


def forward_and_gradients(op, args, kwargs, chosen):
    """Results, and gradients for fixed incoming ones."""
    results = results_of(op.function(*args, **kwargs))
    recorded = [y for y in results if isinstance(y, torch.Tensor) and y.requires_grad]
    if not recorded or not chosen:
        return results, []
    incoming = [torch.linspace(0.5, 1.5, y.numel(), dtype=torch.float64).to(y.dtype).reshape(y.shape) for y in recorded]
    return results, torch.autograd.grad(recorded, chosen, incoming, allow_unused=True)


# ---------------------------------------------------------------------------------- checks


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


def check_gradients(op):
    """First derivatives agree with finite differences; gradients have their inputs' dtypes."""
    for dtype in derivative_dtypes(op):
        tried = 0
        for call in op.samples:
            function, chosen = differentiable_function(op, call, dtype)
            if not chosen or not any(y.requires_grad for y in function(*chosen)):
                continue
            tried += 1
            try:
                gradcheck(function, chosen, fast_mode=True, check_grad_dtypes=True)
            except Exception as error:
                raise AssertionError(f"{op}: gradient of {call}, {dtype}: {error}") from error
        assert tried, f"{op}: nothing that could be differentiated"


def check_second_gradients(op):
    """Second derivatives agree with finite differences of the first."""
    for dtype in derivative_dtypes(op):
        for call in op.samples:
            function, chosen = differentiable_function(op, call, dtype)
            if not chosen or not any(y.requires_grad for y in function(*chosen)):
                continue
            recorded = [y for y in function(*chosen) if y.requires_grad]
            first = torch.autograd.grad(recorded, chosen, [torch.ones_like(y) for y in recorded], create_graph=True, allow_unused=True)
            if all(g is None for g in first):
                continue
            try:
                gradgradcheck(function, chosen, fast_mode=True, gen_non_contig_grad_outputs=True)
            except Exception as error:
                raise AssertionError(f"{op}: second gradient of {call}, {dtype}: {error}") from error


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
            given = [array_of(t) for t in (a, b) if t is not None]
            assert not any(g.any() for g in given), f"{what}: result {i}: {b}, expected {a}"     # no gradient is a gradient of 0
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
                assert same_bits(o, y) or array_of(o).tolist() == array_of(y).tolist() or (y != y).any(), f"{op}: {call} with out="
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
            assert same_bits(y, g) or array_of(y).tolist() == array_of(g).tolist() or bool((y != y).any()), f"{op}: {what}"


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
                    assert g is None or not array_of(g).any(), f"{op}: {call} at {value}: a gradient of zero became {g}"


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
