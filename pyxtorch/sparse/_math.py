"""Arithmetic and reductions of sparse tensors, on their values."""
import pyxtorch as torch
from pyxtorch._compound import parts_of
from pyxtorch.sparse._convert import (
    at_places,
    coalesce,
    coalesced,
    coo_indices,
    empty_like,
    flat_of,
    grouped_sum,
    same_indices,
    to_coo,
    to_dense,
    to_layout,
)
from pyxtorch.sparse._layout import COO, build, expected, refuse, values_of, with_values
from pyxtorch.sparse._shape import finish, replaced, wrapped

# Functions of one tensor that give 0 for 0. Those of the first line may be taken of each part of an element that is there several times.
LINEAR = "neg negative positive conj conj_physical deg2rad rad2deg real imag resolve_conj resolve_neg".split()
ZERO_TO_ZERO = """
abs absolute angle arcsin arcsinh arctan arctanh asin asinh atan atanh ceil erf erfinv expm1 fix floor frac isinf isnan isneginf isposinf
log1p nan_to_num relu round sgn sign signbit sin sinh sqrt square tan tanh trunc
""".split()


def unary(name):
    """The function `name` for sparse tensors: on the values, each element once."""
    whole = name in ZERO_TO_ZERO

    def function(x, *args, out=None, **kwargs):
        x = coalesce(x) if whole and x.layout is COO else x
        result = getattr(torch, name)(values_of(x), *args, **kwargs)
        return finish(with_values(x, result), out)

    function.__name__ = name
    return function


def inplace(function):
    def changed(x, *args, **kwargs):
        return replaced(x, function(x, *args, **kwargs))

    changed.__name__ = function.__name__ + "_"
    return changed


def is_number(x):
    return parts_of(x) is None and (not isinstance(x, torch.Tensor) or x.ndim == 0)


# ------------------------------------------------------------------------------ addition

def add(x, other, *, alpha=1, out=None):
    return finish(_add(x, other, alpha), out)


def sub(x, other, *, alpha=1, out=None):
    return finish(_add(x, other, -alpha), out)


def rsub(x, other, alpha=1):
    """other - alpha x."""
    return _add(other, x, -alpha)


def _add(x, other, alpha):
    if parts_of(x) is None:
        if not isinstance(x, torch.Tensor) or tuple(x.shape) != tuple(other.shape):
            shape = list(x.shape) if isinstance(x, torch.Tensor) else x
            raise RuntimeError(f"add: expected 'self' and 'other' to have same size, but self has size {shape} while other has size {list(other.shape)}")
        return torch.add(x, to_dense(other), alpha=alpha)
    if parts_of(other) is None:
        if x.layout is not COO and isinstance(other, torch.Tensor) and other.ndim:
            return torch.add(to_dense(x), other, alpha=alpha)
        raise RuntimeError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")
    if tuple(x.shape) != tuple(other.shape):
        raise RuntimeError(f"add: expected sizes of 'self' and 'other' to match, but {list(x.shape)} != {list(other.shape)}")
    a, b = parts_of(x), parts_of(other)
    if same_indices(a, b):
        return with_values(x, torch.add(values_of(x), values_of(other), alpha=alpha))
    left, right = to_coo(x), to_coo(other)
    a, b = parts_of(left), parts_of(right)
    if a.indices.shape[0] != b.indices.shape[0]:
        raise RuntimeError(f"add: expected 'self' and 'other' to have same number of sparse dimensions, but {a.indices.shape[0]} != {b.indices.shape[0]}")
    dtype = torch.result_type(a.values, b.values)
    values = torch.cat([values_of(left).to(dtype), torch.mul(values_of(right), alpha).to(dtype)])
    y = build(COO, torch.cat([a.indices, b.indices], 1), values, x.shape)
    if x.layout is not COO:
        return to_layout(y, x.layout, dense_dim=parts_of(x).dense_dim)
    return coalesce(y) if a.coalesced and b.coalesced else y


def add_(x, other, *, alpha=1):
    if parts_of(x) is not None:
        return replaced(x, _add(x, other, alpha))
    if tuple(x.shape) != tuple(other.shape):
        raise RuntimeError(f"add_: expected 'self' and 'other' to have same size, but self has size {list(x.shape)} while other has size {list(other.shape)}")
    parts = parts_of(other)
    values = torch.mul(values_of(other), alpha)
    if not torch.can_cast(torch.result_type(x, values), x.dtype):
        raise RuntimeError(f"result type {values.dtype!r} can't be cast to the desired output type {x.dtype!r}")
    indices = coo_indices(parts)
    if x.ndim and indices.shape[0] == 1:
        return x.index_add_(0, indices[0], values.to(x.dtype))
    if x.ndim:
        return x.index_put_(tuple(indices), values.to(x.dtype), accumulate=True)
    return x.add_(to_dense(other), alpha=alpha)


def sub_(x, other, *, alpha=1):
    return add_(x, other, alpha=-alpha)


# ------------------------------------------------------------------- multiplication and its like

def mul(x, other, *, out=None):
    return finish(_mul(x, other), out)


def _mul(x, other):
    if parts_of(x) is None:
        x, other = other, x
    if is_number(other):
        return with_values(x, torch.mul(values_of(x), other))
    if not isinstance(other, torch.Tensor):
        raise TypeError(f"mul: expected a tensor or a number, not {type(other).__name__}.")
    if parts_of(other) is None:
        return _mul_dense(x, other)
    if tuple(x.shape) != tuple(other.shape) or parts_of(x).dense_dim != parts_of(other).dense_dim:
        raise RuntimeError(
            "mul: expects sparse inputs with equal dimensionality, number of sparse dimensions, and shape of sparse dimensions, but got "
            f"{list(x.shape)} and {list(other.shape)}"
        )
    left, right = coalesce(to_coo(x)), coalesce(to_coo(other))
    a, b = parts_of(left), parts_of(right)
    if same_indices(a, b):
        y = with_values(left, values_of(left) * values_of(right))
    else:
        lead = tuple(x.shape[: a.indices.shape[0]])
        places, others = flat_of(a.indices, lead), flat_of(b.indices, lead)
        keep = torch.isin(places, others).nonzero().reshape(-1)
        factor = at_places(others, values_of(right), places.index_select(0, keep))
        y = build(COO, a.indices.index_select(1, keep), values_of(left).index_select(0, keep) * factor, x.shape, True)
    return to_layout(y, x.layout, a.indices.shape[0], a.dense_dim)


def _mul_dense(x, other):
    """x times a strided tensor that broadcasts to its shape: at the indices of x."""
    try:
        other = other.expand(x.shape)
    except RuntimeError:
        raise RuntimeError(
            f"mul(sparse, dense): the dense tensor, of shape {list(other.shape)}, must broadcast to the shape of the sparse one, {list(x.shape)}."
        ) from None
    indices = coo_indices(parts_of(x))
    factor = other[tuple(indices)] if indices.shape[0] else other
    return with_values(x, values_of(x) * factor)


def mul_(x, other):
    if parts_of(x) is None:
        return x.mul_(to_dense(other))
    return replaced(x, _mul(x, other))


def div(x, other, *, rounding_mode=None, out=None):
    if parts_of(x) is None or not is_number(other):
        shape = list(other.shape) if isinstance(other, torch.Tensor) else other
        raise RuntimeError(f"Sparse division requires a scalar or zero-dim dense tensor divisor (got shape {shape} for divisor)")
    x = _whole(x, rounding_mode)
    return finish(with_values(x, torch.div(values_of(x), other, rounding_mode=rounding_mode)), out)


def _whole(x, wanted=True):
    """x, every element once if that matters."""
    return coalesce(x) if wanted and x.layout is COO else x


def floor_divide(x, other, *, out=None):
    if parts_of(x) is None or not is_number(other):
        shape = list(other.shape) if isinstance(other, torch.Tensor) else other
        raise RuntimeError(f"Sparse floor division requires a scalar or zero-dim dense tensor divisor (got shape {shape} for divisor)")
    x = _whole(x)
    return finish(with_values(x, torch.floor_divide(values_of(x), other)), out)


def pow(x, exponent, *, out=None):
    if parts_of(x) is None or isinstance(exponent, torch.Tensor):
        refuse(torch.pow, parts_of(x) or parts_of(exponent))
    if exponent == 0:
        raise RuntimeError("pow: cannot raise to zeroth power on sparse tensor; it would make the result tensor dense")
    x = _whole(x)
    return finish(with_values(x, values_of(x) ** exponent), out)


# ------------------------------------------------------------------------------- reductions

def _dims(dim, ndim):
    dims = list(range(ndim)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    dims = sorted(wrapped(d, ndim) for d in dims)
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"sum: a dim appears multiple times in the list of dims {dims}")
    return dims


def sum_of(x, dim=None, keepdim=False, dtype=None):
    """The sum over dimensions: strided where no sparse dimension is left, else sparse and coalesced."""
    values = values_of(x)
    if dtype is not None:
        values = values.to(dtype)
    dims = _dims(dim, x.ndim) if dim is not None and dim != () and dim != [] else list(range(x.ndim))
    parts = parts_of(x)
    indices = coo_indices(parts)
    sparse_dim = indices.shape[0]
    gone = [d for d in dims if d < sparse_dim]
    inner = [d - sparse_dim + 1 for d in dims if d >= sparse_dim]
    shape = [1 if d in dims else n for d, n in enumerate(x.shape)] if keepdim else [n for d, n in enumerate(x.shape) if d not in dims]
    if inner:
        values = values.sum(inner, keepdim)
    if len(gone) == sparse_dim:
        total = values.sum(0)
        return total.reshape(shape) if keepdim else total
    if not values.dtype.is_floating_point and not values.dtype.is_complex and dtype is None:
        values = values.to(torch.int64)
    if not gone:
        return build(COO, indices, values, shape, parts.coalesced)
    if keepdim:
        indices = indices.clone()
        indices[gone] = 0
    else:
        indices = indices[[d for d in range(sparse_dim) if d not in gone]]
    return build(COO, *coalesced(indices, values, shape), shape, True)


def sum(x, dim=None, keepdim=False, *, dtype=None, out=None):
    """Tensor.sum of a sparse tensor."""
    if x.layout is COO or dim is None:
        return finish(sum_of(x, dim, keepdim, dtype), out)
    if not keepdim:
        raise RuntimeError("reduction operations on CSR tensors with keepdim=False is unsupported")
    y = sum_of(x, dim, True, dtype)
    return finish(to_layout(y, x.layout, 2, parts_of(x).dense_dim), out)


def norm(x, p="fro", dim=None, keepdim=False, dtype=None, out=None):
    if dim is not None and _dims(dim, x.ndim) != list(range(x.ndim)):
        raise RuntimeError("norm_sparse currently only supports full reductions, so 'dim' must either be empty or contain all dimensions of the input")
    if keepdim:
        raise RuntimeError("norm_sparse currently does not support keepdim=True")
    return torch.norm(values_of(_whole(x)), 2 if p in ("fro", None) else p, dtype=dtype, out=out)


def any_of(x, dim=None, keepdim=False, *, out=None):
    if dim is not None:
        refuse(torch.any, parts_of(x))
    return values_of(_whole(x)).any()


# --------------------------------------------------------------------------------- softmax

def softmax(x, dim, dtype=None, log=False):
    """Softmax (or its logarithm) along a dimension; elements that are not there count as -inf."""
    op = "log_softmax" if log else "softmax"
    expected(x, (COO,), f"sparse.{op}", "sparse coordinate")
    dim = wrapped(dim, x.ndim)
    x = coalesce(x)
    parts, values = parts_of(x), values_of(x)
    if dtype is not None:
        values = values.to(dtype)
    if not values.dtype.is_floating_point:
        raise NotImplementedError(f'"{op}" not implemented for {values.dtype!r}')
    sparse_dim = parts.indices.shape[0]
    if dim >= sparse_dim:
        y = (torch.log_softmax if log else torch.softmax)(values, dim - sparse_dim + 1)
        return build(COO, parts.indices, y, x.shape, True)
    rest = [d for d in range(sparse_dim) if d != dim]
    line = flat_of(parts.indices[rest], [x.shape[d] for d in rest]) if rest else torch.zeros(parts.nnz, dtype=torch.int64)
    lines, group = torch.unique(line, return_inverse=True)
    count = lines.shape[0]
    wide = values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
    at = group.reshape(-1, *(1,) * (values.ndim - 1)).expand(values.shape)
    top = torch.full((count, *values.shape[1:]), -torch.inf, dtype=wide.dtype).scatter_reduce(0, at, wide.detach(), "amax")
    shifted = wide - torch.where(top == -torch.inf, 0, top).index_select(0, group)
    powers = shifted.exp()
    total = grouped_sum(powers, group, count).index_select(0, group)
    y = shifted - total.log() if log else powers / total
    return build(COO, parts.indices, y.to(values.dtype), x.shape, True)


# --------------------------------------------------------------------------- others of its kind

def zeros_like(x, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None):
    if layout not in (None, x.layout) or device is not None:
        return torch.zeros(x.shape, dtype=dtype or x.dtype, layout=layout or x.layout, device=device, requires_grad=requires_grad)
    y = empty_like(x, dtype=dtype)
    return y.requires_grad_() if requires_grad else y


def new_zeros(x, *size, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False):
    size = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size
    if layout not in (None, x.layout) or device is not None:
        return torch.zeros(size, dtype=dtype or x.dtype, layout=layout or x.layout, device=device, requires_grad=requires_grad)
    y = empty_like(x, size, dtype)
    return y.requires_grad_() if requires_grad else y
