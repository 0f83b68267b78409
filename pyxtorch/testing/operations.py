"""One record per operation; the checks that every record goes through are in checks.py.

A record says how an operation is called, what NumPy or SciPy gives for it, and where it is defined:

    Op("softsign", S((2, 3)), S(()), reference=lambda x: x / (1 + np.abs(x)), avoid=[0])

`S` is one call. Among its arguments a tuple of sizes stands for a tensor of random numbers, a list
for a list of such, and `tensor`, `index`, `mask`, `given` describe particular ones; anything else is
passed as it is. Values are spread evenly over the domain, so no two of a tensor are close together
(no ties for sort or max), the same in every run.
"""
import zlib

import numpy as np

import pyxtorch as torch

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
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))     # of its own for each operation, the same in every run
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
