"""Rules by families: elementwise operations, those along dimensions, products and linear algebra, attributes. And the table of all.
"""
import functools

import pyxtorch as torch
from pyxtorch._batching._calls import Plain, _refuse_in_place, bound, call_bound, called, loop, tensors_among
from pyxtorch._batching._values import Refused, base, batched, wrap
from pyxtorch._gate import Operation, name_of

# ------------------------------------------------------------------------------- elementwise

def _operands(c, args, kwargs, rank=None):
    """Arguments of an elementwise operation, such that physical tensors broadcast and promote as the slices do."""
    tensors = [*tensors_among(args), *tensors_among(kwargs.values())]
    ranks = [x.dim() for x in tensors]
    rank = max(ranks) if rank is None else rank
    mixed = 0 in ranks and any(x.dtype is not tensors[0].dtype for x in tensors)
    common = _promoted([x for x in tensors if x.dtype is not torch.bool]) if mixed and rank else None

    def fix(x):
        if not isinstance(x, torch.Tensor):
            return x
        if not c.is_batched(x):
            return x.reshape(1) if mixed and rank == 0 else x
        y = c.aligned(x, rank)
        return y.to(common) if common is not None and x.dim() == 0 and x.dtype is not torch.bool and x.dtype is not common else y

    return [fix(x) for x in args], {k: fix(v) for k, v in kwargs.items()}


def _promoted(tensors):
    """The dtype of an elementwise operation of these: numbers in no dimension count only where they are of a higher kind."""
    kinds = []
    for scalars in (False, True):
        dtype = None
        for x in tensors:
            if (x.dim() == 0) is scalars:
                dtype = x.dtype if dtype is None else torch.promote_types(dtype, x.dtype)
        kinds.append(dtype)
    wide, narrow = kinds
    if wide is None or narrow is None:
        return narrow if wide is None else wide
    return torch.result_type(torch.empty(1, dtype=wide, device="meta"), torch.empty((), dtype=narrow, device="meta"))


def elementwise(c, *args, **kwargs):
    args, kwargs = _operands(c, args, kwargs)
    return c.func(*args, **kwargs)


def elementwise_(c, *args, **kwargs):
    """In place: the physical tensor changes."""
    if not c.is_batched(args[0]):
        _refuse_in_place(c)
    given, kwargs = _operands(c, args, kwargs, args[0].dim())
    c.func(*given, **kwargs)
    return Plain(args[0])


def natural(c, *args, **kwargs):
    """Right on the physical tensor, whatever is in front."""
    return c.func(*[c.raw(x) for x in args], **{k: c.raw(v) for k, v in kwargs.items()})


def in_place(c, *args, **kwargs):
    """The operation without _, copied into the physical tensor."""
    if not c.is_batched(args[0]):
        _refuse_in_place(c)
    result = called(c.name[:-1], *args, **kwargs)
    if result.shape != args[0].shape:
        raise RuntimeError(f"{c.name}: the result of shape {list(result.shape)} does not fit into the tensor of shape {list(args[0].shape)}.")
    args[0].copy_(result)
    return Plain(args[0])


def of_rank(least, rule):
    """The rule where a slice has at least so many dimensions: with fewer the batch would be taken for one of them."""
    def checked(c, *args, **kwargs):
        x = args[0] if args else next(iter(kwargs.values()))
        if isinstance(x, torch.Tensor) and x.dim() < least:
            raise RuntimeError(f"{c.name}: expected a tensor of at least {least} dimensions, got {x.dim()}.")
        return rule(c, *args, **kwargs)

    return checked


def composed(function):
    """A rule written in operations on the batched values themselves."""
    def rule(*args, **kwargs):
        return function(*args, **kwargs)

    rule.composed = True
    return rule


# --------------------------------------------------------------------------- along dimensions

def at(dim, rank, op="vmap"):
    """A dimension of a slice, as one of the physical tensor."""
    least = max(rank, 1)
    if not -least <= dim < least:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-least}, {least - 1}], but got {dim})")
    return dim % least + 1


def _at_all(dim, rank):
    if isinstance(dim, int):
        return at(dim, rank)
    found = [at(d, rank) for d in dim]
    if len(set(found)) < len(found):
        raise RuntimeError(f"dim {list(dim)}: a dimension appears multiple times in the list of dims")
    return found


def _each(result, function):
    if isinstance(result, torch.Tensor):
        return function(result)
    return type(result)._make([function(y) for y in result]) if hasattr(result, "_make") else type(result)([function(y) for y in result])


def along(**defaults):
    """For operations of one tensor with parameters that name its dimensions, and their defaults."""
    def rule(c, *args, **kwargs):
        given = bound(c.func, args, kwargs)
        first = next(iter(given))
        if not c.is_batched(given[first]) or any(batched(v) for k, v in given.items() if k != first and isinstance(v, torch.Tensor)):
            return loop(c, *args, **kwargs)
        x = c.raw(given[first])
        rank = x.dim() - 1
        given[first] = x = x if rank else x.unsqueeze(-1)
        for name, default in defaults.items():
            dim = given.get(name, default)
            given[name] = list(range(1, x.dim())) if dim is None else _at_all(dim, rank)
        result = call_bound(c.func, given)
        return result if rank else _each(result, lambda y: y.squeeze(1) if y.dim() == 2 else y)

    return rule


def reduced(one=False):
    """Reductions: over one dimension, or several, or, without dim, over all. With `one` the result is then the first of (values, indices)."""
    def rule(c, *args, **kwargs):
        if len(args) == 1 and not kwargs:
            given, x = {}, args[0]
        else:
            given = bound(c.func, args, kwargs)
            x = given.pop(next(iter(given)))
        if not c.is_batched(x) or any(isinstance(v, torch.Tensor) for v in given.values()):
            if not given or all(isinstance(v, torch.Tensor) for v in given.values()):
                return elementwise(c, *args, **kwargs)          # max(x, other)
            return loop(c, *args, **kwargs)
        x = c.raw(x)
        rank = x.dim() - 1
        dim = given.pop("dim", None)
        if isinstance(dim, bool):                               # std(x, unbiased)
            given["unbiased"], dim = dim, None
        keep = given.pop("keepdim", False)
        kept = {"keepdim": keep} if "keepdim" in _names(c.func) else {}
        if dim is None or (not isinstance(dim, int) and len(dim) == 0):
            result = c.func(x.reshape(c.size, -1) if c.size and rank != 1 else x.flatten(1) if rank > 1 else x.reshape(c.size, 1) if rank == 0 else x, dim=1, **given)
            result = result[0] if one and not isinstance(result, torch.Tensor) else result
            return _each(result, lambda y: y.reshape(c.size, *[1] * rank)) if keep else result
        dims = _at_all(dim, rank)
        if rank:
            return c.func(x, dim=dims, **kept, **given)
        return c.func(x.unsqueeze(-1), dim=dims, **given)

    return rule


@functools.cache
def _names(func):
    from pyxtorch._batching._calls import parameters

    names, defaults, _ = parameters(func)
    return {*names, *defaults}


def norm_rule(c, input, p="fro", dim=None, keepdim=False, out=None, dtype=None):
    x = c.raw(input)
    rank = x.dim() - 1
    if dim is None and p in ("fro", None, 2) or dim is None and isinstance(p, int | float):
        y = c.func(x.reshape(c.size, -1) if c.size and rank != 1 else x.flatten(1) if rank else x.unsqueeze(1), 2 if p in ("fro", None) else p, 1, dtype=dtype)
        return y.reshape(c.size, *[1] * rank) if keepdim else y
    if dim is None or rank == 0:
        return loop(c, input, p, dim, keepdim, dtype=dtype)
    return c.func(x, p, _at_all(dim, rank), keepdim, dtype=dtype)


def linalg_norm_rule(c, A, ord=None, dim=None, keepdim=False, *, out=None, dtype=None):
    x = c.raw(A)
    rank = x.dim() - 1
    if dim is None and ord is not None and rank == 2:
        dim = (0, 1)
    if dim is None and rank and (ord is None or rank == 1):
        y = c.func(x.flatten(1), ord, 1, dtype=dtype)
        return y.reshape(c.size, *[1] * rank) if keepdim else y
    if dim is None or rank == 0:
        return loop(c, A, ord, dim, keepdim, dtype=dtype)
    return c.func(x, ord, _at_all(dim, rank), keepdim, dtype=dtype)


def vector_norm_rule(c, x, ord=2, dim=None, keepdim=False, *, dtype=None, out=None):
    y = c.raw(x)
    rank = y.dim() - 1
    if rank == 0:
        return c.func(y.unsqueeze(1), ord, 1, dtype=dtype)
    return c.func(y, ord, list(range(1, rank + 1)) if dim is None else _at_all(dim, rank), keepdim, dtype=dtype)


def along_last(c, input, s=None, dim=None, norm=None, *, out=None):
    """Transforms of several dimensions: the last ones, where only sizes are given."""
    rank = input.dim()
    if rank == 0:
        return loop(c, input, s, dim, norm)
    dims = range(rank) if dim is None and s is None else range(rank - len(s), rank) if dim is None else dim
    return c.func(c.raw(input), s, _at_all(dims, rank), norm)


def diff(c, input, n=1, dim=-1, prepend=None, append=None, *, out=None):
    if input.dim() == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    return c.func(c.lead(input), n, at(dim, input.dim()), c.lead(prepend), c.lead(append))


def quantile(c, input, q, dim=None, keepdim=False, *, interpolation="linear", out=None):
    if c.is_batched(q) or input.dim() == 0:
        return loop(c, input, q, dim, keepdim, interpolation=interpolation)
    x, rank = c.raw(input), input.dim()
    if dim is None:
        y = c.func(x.flatten(1), q, 1, interpolation=interpolation)
        y = y.reshape(*y.shape, *[1] * rank) if keepdim else y
    else:
        y = c.func(x, q, at(dim, rank), keepdim, interpolation=interpolation)
    return y.movedim(1, 0) if isinstance(q, torch.Tensor) and q.dim() else y


def repeat_interleave(c, input, repeats=None, dim=None, *, output_size=None):
    if repeats is None or c.is_batched(repeats):
        return loop(c, input, repeats, dim, output_size=output_size)
    x = c.raw(input)
    x = x.reshape(c.size, input.numel()) if dim is None or input.dim() == 0 else x
    return c.func(x, repeats, 1 if dim is None or input.dim() == 0 else at(dim, input.dim()), output_size=output_size)


def isin(c, elements, test_elements, *, assume_unique=False, invert=False):
    if not c.is_batched(test_elements):
        return c.func(c.raw(elements), test_elements, assume_unique=assume_unique, invert=invert)
    if not all(isinstance(x, torch.Tensor) for x in (elements, test_elements)):
        return loop(c, elements, test_elements, assume_unique=assume_unique, invert=invert)
    y = (elements.unsqueeze(-1) == test_elements.reshape(-1)).any(-1)
    return Plain(~y if invert else y)


def searchsorted(c, sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None, out=None):
    more = {"out_int32": out_int32, "right": right, **({} if side is None else {"side": side})}
    if sorter is not None or not isinstance(input, torch.Tensor) or not isinstance(sorted_sequence, torch.Tensor):
        return loop(c, sorted_sequence, input, **more, **({} if sorter is None else {"sorter": sorter}))
    if not c.is_batched(sorted_sequence) and sorted_sequence.dim() == 1:
        return torch.searchsorted(sorted_sequence, c.raw(input), **more)
    s, x = c.lead(sorted_sequence), c.lead(input)
    if sorted_sequence.dim() == 1:
        return torch.searchsorted(s.contiguous(), x.reshape(c.size, input.numel()), **more).reshape(x.shape)
    return torch.searchsorted(s.contiguous(), x, **more)


def masked_fill(c, input, mask, value):
    if c.is_batched(value):
        return Plain(torch.where(mask, value.to(input.dtype), input))
    rank = max(input.dim(), mask.dim())
    x, m = (c.aligned(t, rank) for t in (input, mask))
    return c.func(x, m, value)


# ------------------------------------------------------------------------------------ products

def matmul(c, a, b, *, out=None):
    left, right = a.dim(), b.dim()
    if left == 0 or right == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {left}D and {right}D")
    if left == 1 and right == 1:
        if a.shape != b.shape:
            raise RuntimeError(f"inconsistent tensor size, expected tensor {list(a.shape)} and src {list(b.shape)} to have the same number of elements, but got {a.numel()} and {b.numel()} elements respectively")
        return torch.matmul(_row(c, a), _column(c, b)).squeeze(-1).squeeze(-1)
    if not c.is_batched(b) and right == 2:
        return torch.matmul(c.raw(a), b)
    p, q = (_row(c, a) if left == 1 else c.raw(a)), (_column(c, b) if right == 1 else c.raw(b))
    rank = max(p.dim() - c.is_batched(a), q.dim() - c.is_batched(b))
    p, q = (_padded(c, y, rank) if c.is_batched(x) else y for x, y in ((a, p), (b, q)))
    y = torch.matmul(p, q)
    return y.squeeze(-2) if left == 1 else y.squeeze(-1) if right == 1 else y


def _row(c, x):
    return c.raw(x).unsqueeze(-2)


def _column(c, x):
    return c.raw(x).unsqueeze(-1)


def _padded(c, physical, rank):
    missing = rank + 1 - physical.dim()
    return physical.reshape(c.size, *[1] * missing, *physical.shape[1:]) if missing > 0 else physical


def linear(c, input, weight, bias=None):
    if not c.is_batched(weight):
        if not c.is_batched(bias):
            return c.func(c.raw(input), weight, bias)
        y = c.func(c.raw(input), weight) if c.is_batched(input) else c.func(input, weight).unsqueeze(0)
        return y + c.aligned(bias, max(y.dim() - 1, 0))
    w = c.raw(weight)
    if w.dim() == 2:
        y = (input * weight).sum(-1)
        return Plain(y if bias is None else y + bias)
    if input.dim() == 2 and c.is_batched(bias) and bias.dim() == 1 and bias.dtype is weight.dtype:
        return torch.baddbmm(c.raw(bias).unsqueeze(1), c.lead(input), w.mT)
    y = torch.matmul(input, weight.mT)
    return Plain(y if bias is None else y + bias)


def _checked_ranks(name, function, *ranks):
    def product(*args, **kwargs):
        for x, rank in zip(args, ranks):
            if x.dim() != rank:
                raise RuntimeError(f"{name}: expected tensors of {ranks} dimensions, got {[y.dim() for y in args[:len(ranks)]]}.")
        kwargs.pop("out", None)
        return function(*args, **kwargs)

    return composed(product)


def _scaled(function):
    """beta * input + alpha * the product."""
    def product(input, a, b, *, beta=1, alpha=1, out=None):
        y = function(a, b)
        y = y if alpha == 1 else y * alpha
        return y.clone() if beta == 0 else y + (input if beta == 1 else input * beta)

    return composed(product)


def einsum(c, *args):
    equation, operands = args[0], args[1:]
    if not isinstance(equation, str):
        return loop(c, *args)
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = operands[0]
    equation = equation.replace(" ", "")
    free = next(letter for letter in "ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrqponmlkjihgfedcba" if letter not in equation)
    before, arrow, after = equation.partition("->")
    terms = before.split(",")
    if not arrow:
        letters = before.replace(",", "").replace(".", "")
        after = ("..." if "." in before else "") + "".join(sorted(x for x in set(letters) if letters.count(x) == 1))
    terms = [free + t if c.is_batched(x) else t for t, x in zip(terms, operands)]
    return torch.einsum(",".join(terms) + "->" + free + after, *[c.raw(x) for x in operands])


def tensordot(a, b, dims=2, out=None):
    if isinstance(dims, int):
        left, right = list(range(a.dim() - dims, a.dim())), list(range(dims))
    else:
        left, right = ([d % x.dim() for d in ([side] if isinstance(side, int) else list(side))] for side, x in zip(dims, (a, b)))
    others, rest = [d for d in range(a.dim()) if d not in left], [d for d in range(b.dim()) if d not in right]
    n = 1
    for d in left:
        n *= a.shape[d]
    shape = [a.shape[d] for d in others] + [b.shape[d] for d in rest]
    return (a.permute(*others, *left).reshape(-1, n) @ b.permute(*right, *rest).reshape(n, -1)).reshape(shape)


# ------------------------------------------------------------------------------ linear algebra

def matrices(c, *args, **kwargs):
    """Operations on the last dimensions of one tensor or several, whose leading dimensions are batches."""
    if any(c.is_batched(x) for x in [*args[1:], *kwargs.values()] if isinstance(x, torch.Tensor)) or sum(isinstance(x, torch.Tensor) for x in args) > 1:
        rank = max(x.dim() for x in args if isinstance(x, torch.Tensor))
        if any(isinstance(x, torch.Tensor) and x.dim() != rank for x in args):
            return loop(c, *args, **kwargs)
        return c.func(*[c.lead(x) if isinstance(x, torch.Tensor) else x for x in args], **{k: c.raw(v) for k, v in kwargs.items()})
    return natural(c, *args, **kwargs)


def solve(c, A, B, **kwargs):
    vector = B.dim() == 1 or (B.dim() == A.dim() - 1 and B.shape == A.shape[:-1])
    rank = max(A.dim(), B.dim() + vector)
    a = c.aligned(A, rank) if c.is_batched(A) else A
    if not vector:
        return c.func(a, c.aligned(B, rank) if c.is_batched(B) else B, **kwargs)
    if kwargs.get("left", True) is not True:
        return loop(c, A, B, **kwargs)
    b = c.lead(B) if B.dim() > 1 else c.raw(B)
    b = b.unsqueeze(-1)
    if c.is_batched(B) or B.dim() > 1:
        b = _padded(c, b, rank)
    elif not c.is_batched(A):
        b = b.unsqueeze(0)
    return _each(c.func(a, b, **kwargs), lambda y: y.squeeze(-1) if y.dim() > rank - 1 and y.is_floating_point() or y.is_complex() else y)


# -------------------------------------------------------------------- what tells of the elements

def _refuse(what):
    def rule(c, *args, **kwargs):
        raise Refused(what)

    return rule


_item = _refuse(
    "vmap: It looks like you're either (1) calling .item() on a Tensor or (2) attempting to use a Tensor in some data-dependent control flow or (3) encountering "
    "this error in PyTorch internals: a batched value has one number for each slice. For (1): do without .item(). For (2): use torch.where or a mask instead of `if`."
)  # fmt: skip
_dynamic = _refuse(
    "vmap: the shape of the result depends on the elements, so that slices would have results of different shapes. Use torch.where, a mask with masked_fill, or the form of "
    "the operation with a fixed size."
)
_numpy = _refuse("vmap: a batched value has no array and no memory of its own. Convert what vmap returns, or use operations of torch.")


def text(c, x, *args):
    return Plain(f"BatchedTensor(lvl={c.level.number}, bdim=0, value=\n    " + repr(c.raw(x)).replace("\n", "\n    ") + "\n)")


# ---------------------------------------------------------------------------------- attributes

def _physical(name):
    return lambda x: getattr(base(x), name)


def _like(function):
    def attribute(x):
        parts = batched(x)
        y = function(parts.physical)
        return y if y is None else wrap(y, parts.level)

    return attribute


def _set_grad(x, g):
    parts = batched(x)
    if g is not None and (batched(g) is None or batched(g).level is not parts.level):
        raise RuntimeError("grad: the gradient of a batched value is a batched value of the same level.")
    parts.physical.grad = None if g is None else batched(g).physical


def _set_requires_grad(x, flag):
    base(x).requires_grad = flag


def _set_data(x, value):
    raise RuntimeError("data: a batched value's data cannot be replaced within vmap. Use copy_.")


ATTRIBUTES = {
    **dict.fromkeys(("shape", "dtype", "ndim", "itemsize", "is_quantized", "is_nested", "names", "is_sparse", "is_sparse_csr", "is_mkldnn", "layout")),
    **{n: _physical(n) for n in ("requires_grad", "grad_fn", "is_leaf", "device", "is_cpu", "is_cuda", "is_meta", "_version", "output_nr", "retains_grad")},
    "grad": _like(lambda x: x.grad), "data": _like(lambda x: x.detach()), "real": _like(lambda x: x.real), "imag": _like(lambda x: x.imag),
    "mT": lambda x: x.transpose(-2, -1), "T": lambda x: x.permute(*reversed(range(x.dim()))), "H": lambda x: x.transpose(-2, -1).conj() if x.dim() else x,
    "mH": lambda x: x.transpose(-2, -1).conj(), "nbytes": lambda x: x.numel() * x.itemsize, "_base": lambda x: None, "_is_view_of": None,
}  # fmt: skip
SETTERS = {"requires_grad": _set_requires_grad, "grad": _set_grad, "data": _set_data, "names": None}


# ---------------------------------------------------------------------------------- the table

FFT = "fft ifft rfft irfft hfft ihfft".split()
REDUCED = "sum mean amax amin std var std_mean var_mean all any nansum nanmean logsumexp count_nonzero prod argmax argmin aminmax".split()
MATRIX = """cholesky cholesky_ex det eig eigh eigvals eigvalsh inv inv_ex ldl_factor ldl_factor_ex lu lu_factor lu_factor_ex matrix_exp matrix_power pinv qr slogdet
svd svdvals logdet inverse pinverse cholesky_inverse matrix_rank cond householder_product solve_triangular cholesky_solve lu_solve triangular_solve orgqr
lu_unpack bmm_ cdist""".split()  # fmt: skip
NATURAL = """to clone contiguous detach conj conj_physical resolve_conj resolve_neg real imag float double half bfloat16 int long short char byte bool cfloat cdouble chalf type_as
view_as_real cpu cuda zeros_like ones_like empty_like full_like alias_copy detach_copy view_as_real_copy angle
pin_memory to_dense __deepcopy__ retain_grad""".split()  # fmt: skip
ITSELF = """size dim ndimension numel nelement is_floating_point is_complex is_signed element_size result_type is_same_size is_conj is_neg is_inference
is_distributed broadcast_shapes can_cast __dir__ get_device""".split()  # fmt: skip
ELEMENTWISE_ELSEWHERE = """where isreal __and__ __or__ __xor__ __lshift__ __rshift__ __invert__ __rsub__ __rdiv__ __rpow__ __rlshift__ __rrshift__ __rmod__ __eq__ __ne__ __pow__
__rand__ __ror__ __rxor__ __rtruediv__ __rfloordiv__ __floordiv__ __round__ relu6 hardtanh digamma erfinv i0 igamma igammac lgamma polygamma mvlgamma polar complex""".split()  # fmt: skip
NOT_ELEMENTWISE = "allclose equal glu gumbel_softmax prelu fill fill_ zero_ rrelu rrelu_ celu_ frexp where".split()
IN_PLACE_SLOTS = "__iand__ __ior__ __ixor__ __ilshift__ __irshift__ __iadd__ __isub__ __imul__ __itruediv__ __ipow__ __imod__ __ifloordiv__".split()

def one_hot(c, tensor, num_classes=-1):
    if num_classes == -1:
        _dynamic(c)
    return c.func(c.raw(tensor), num_classes)


def register_hook(c, x, hook):
    """The hook sees the gradient of each slice."""
    def seen(g):
        changed = hook(wrap(g, c.level))
        return c.lead(changed)

    return Plain(c.raw(x).register_hook(seen))


def _length(x):
    if x.dim() == 0:
        raise TypeError("len() of a 0-d tensor")
    return x.shape[0]


CALLS = {
    **{n: reduced(one=n in ("max", "min", "median", "nanmedian")) for n in (*REDUCED, "max", "min", "median", "nanmedian")},
    **{n: along(dim=-1) for n in ("softmin", "sort", "argsort", "topk", "kthvalue", "mode", "glu")},
    **{n: along(dim=0) for n in ("log_softmax", "softmax", "cumsum", "cumprod", "cummax", "cummin", "logcumsumexp")},
    "fft_fftn": along_last, "fft_ifftn": along_last, "fft_rfftn": along_last, "fft_irfftn": along_last, "fft_hfftn": along_last, "fft_ihfftn": along_last,
    "diff": diff, "quantile": quantile, "nanquantile": quantile, "repeat_interleave": repeat_interleave, "isin": isin,
    "searchsorted": searchsorted, "bucketize": lambda c, x, boundaries, **kwargs: searchsorted(c, boundaries, x, **kwargs) if c.is_batched(boundaries) else natural(c, x, boundaries, **kwargs),
    "dist": composed(lambda x, other, p=2: torch.linalg.vector_norm(x - other, p)), "unravel_index": natural, "masked_fill": masked_fill,
    **dict.fromkeys(("as_tensor", "asarray"), composed(lambda x, dtype=None, device=None, **kwargs: x if dtype is None else x.to(dtype))),
    "msort": composed(lambda x, out=None: x.sort(0)[0]),
    **{"fft_" + n: along(dim=-1) for n in FFT}, **{f"fft_{n}2": along(dim=(-2, -1)) for n in FFT},
    "fft_fftshift": along(dim=None), "fft_ifftshift": along(dim=None),
    "norm": norm_rule, "linalg_norm": linalg_norm_rule, "linalg_vector_norm": vector_norm_rule, "linalg_matrix_norm": along(dim=(-2, -1)),
    "matmul": matmul, "linalg_matmul": matmul, "__matmul__": matmul, "__rmatmul__": composed(lambda a, b: torch.matmul(b, a)), "linear": of_rank(1, linear), "einsum": einsum,
    "mm": _checked_ranks("mm", torch.matmul, 2, 2), "bmm": _checked_ranks("bmm", torch.matmul, 3, 3), "mv": _checked_ranks("mv", torch.matmul, 2, 1),
    "dot": _checked_ranks("dot", torch.matmul, 1, 1), "vdot": _checked_ranks("vdot", lambda a, b: torch.matmul(a.conj(), b), 1, 1),
    "outer": _checked_ranks("outer", lambda a, b: a.unsqueeze(1) * b.unsqueeze(0), 1, 1), "ger": _checked_ranks("ger", lambda a, b: a.unsqueeze(1) * b.unsqueeze(0), 1, 1),
    "addmm": _scaled(torch.mm), "addmv": _scaled(torch.mv), "baddbmm": _scaled(torch.bmm), "addr": _scaled(torch.outer),
    "addbmm": _scaled(lambda a, b: torch.bmm(a, b).sum(0)), "tensordot": composed(tensordot),
    "inner": composed(lambda a, b, out=None: a * b if a.dim() == 0 or b.dim() == 0 else tensordot(a, b, ([-1], [-1]))),
    "linalg_vecdot": composed(lambda x, y, *, dim=-1, out=None: (x.conj() * y).sum(dim)),
    "linalg_multi_dot": composed(lambda tensors, *, out=None: _chained(tensors)), "chain_matmul": composed(lambda *tensors, out=None: _chained(tensors)),
    "bilinear": composed(lambda a, b, weight, bias=None: _with(torch.einsum("...i,kij,...j->...k", a, weight, b), bias)),
    **dict.fromkeys((*MATRIX, *["linalg_" + n for n in MATRIX]), of_rank(2, matrices)), "linalg_solve": of_rank(2, solve), "linalg_solve_ex": of_rank(2, solve),
    **dict.fromkeys(("vander", "linalg_vander", "view_as_complex", "view_as_complex_copy"), of_rank(1, natural)), "one_hot": one_hot, "register_hook": register_hook,
    "linalg_diagonal": composed(lambda A, *, offset=0, dim1=-2, dim2=-1: torch.diagonal(A, offset, dim1, dim2)),
    **dict.fromkeys(("pow", "remainder", "__rsub__"), elementwise),
    **dict.fromkeys(ELEMENTWISE_ELSEWHERE, elementwise), **dict.fromkeys(IN_PLACE_SLOTS, elementwise_),
    **dict.fromkeys(NATURAL, natural), "fill_": elementwise_, "copy_": elementwise_, "zero_": elementwise_, "masked_fill_": in_place, "frexp": natural,
    "fill": composed(lambda x, value: x.clone().fill_(value)), "prelu": None,
    # What depends on elements, or has no memory.
    **dict.fromkeys(("item", "__bool__", "__float__", "__int__", "__index__", "__complex__", "is_nonzero", "tolist", "equal", "allclose", "__contains__"), _item),
    **dict.fromkeys(("nonzero", "masked_select", "unique", "unique_consecutive", "argwhere", "bincount"), _dynamic),
    **dict.fromkeys(("numpy", "__array__", "__dlpack__", "__dlpack_device__", "data_ptr", "storage", "untyped_storage", "_typed_storage", "__reduce_ex__", "set_", "share_memory_", "apply_", "map_"), _numpy),
    "__repr__": text, "__format__": lambda c, x, spec: text(c, x),
    "stride": lambda c, x, dim=None: Plain(c.raw(x).stride()[1:] if dim is None else c.raw(x).stride()[1:][dim]),
    "is_contiguous": lambda c, x, memory_format=None: Plain(c.raw(x).is_contiguous()), "storage_offset": lambda c, x: Plain(c.raw(x).storage_offset()),
    "requires_grad_": lambda c, x, requires_grad=True: Plain(_required(x, requires_grad)), "backward": lambda c, *args, **kwargs: Plain(_backward(*args, **kwargs)),
    "__len__": composed(_length), "detach_": lambda c, x: Plain((base(x).detach_(), x)[1]),
}  # fmt: skip


def _required(x, flag):
    base(x).requires_grad_(flag)
    return x


def _backward(x, gradient=None, retain_graph=None, create_graph=False, inputs=None):
    y = base(x)
    if gradient is None and x.numel() != 1:
        raise RuntimeError("grad can be implicitly created only for scalar outputs")
    g = torch.ones_like(y) if gradient is None else base(gradient)
    torch.autograd.backward(y, g, retain_graph, create_graph, inputs=None if inputs is None else [base(t) for t in ([inputs] if isinstance(inputs, torch.Tensor) else inputs)])


def _chained(tensors):
    y = tensors[0]
    for x in tensors[1:]:
        y = y @ x
    return y


def _with(y, bias):
    return y if bias is None else y + bias


def rule_of(func):
    """(the rule of an operation, slot or attribute; None where it is right on the shell itself, name)."""
    from pyxtorch._batching import _rules_index, _rules_nn, _rules_rare, _rules_shape

    descriptor = getattr(func, "__self__", None)
    if not isinstance(func, Operation) and type(descriptor).__name__ == "getset_descriptor":
        name = descriptor.__name__
        table = ATTRIBUTES if func.__name__ == "__get__" else SETTERS
        if name not in table:
            raise RuntimeError(f"{name_of(func)}: is not there for values that are batched by vmap.")
        rule = table[name]
        return None if rule is None else _attribute(rule), name
    name = func.key if type(func) is Operation else name_of(func).rpartition(".")[2]
    functional = type(func) is Operation and func.__module__.endswith("functional")
    if name in ITSELF:
        return None, name
    for table in (*((_rules_nn.FUNCTIONAL,) if functional else ()), _rules_rare.CALLS, _rules_shape.CALLS, _rules_index.CALLS, _rules_nn.CALLS, CALLS):
        rule = table.get(name)
        if rule is not None:
            return rule, name
    if type(func) is Operation:
        ends = name.endswith("_") and not name.endswith("__")
        if name not in NOT_ELEMENTWISE and (func.family in ("elementwise", "special")) and "window" not in name:
            return elementwise_ if ends else elementwise, name
        if ends and name[:-1] and (func.family == "" or find_rule(name[:-1])):
            plain = getattr(torch.Tensor, name[:-1], None) or getattr(torch.nn.functional, name[:-1], None)
            if type(plain) is Operation and plain.family in ("elementwise", "special"):
                return elementwise_, name
            return in_place, name
    return loop, name


def find_rule(name):
    from pyxtorch._batching import _rules_index, _rules_nn, _rules_rare, _rules_shape

    return any(table.get(name) is not None for table in (_rules_rare.CALLS, _rules_shape.CALLS, _rules_index.CALLS, _rules_nn.CALLS, CALLS))


class _attribute:
    """What an attribute gives is no operation's result."""

    composed = True

    def __init__(self, rule):
        self.rule = rule

    def __call__(self, *args):
        return self.rule(*args)


