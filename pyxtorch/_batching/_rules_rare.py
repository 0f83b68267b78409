"""Rules of operations that are mapped rarely, most of them written in operations on the batched values themselves.
"""
import itertools
import math

import pyxtorch as torch
from pyxtorch._batching._calls import Plain, loop
from pyxtorch._batching._rules import _length, along, composed, natural
from pyxtorch._batching._rules_index import _for_batched_self, _spread
from pyxtorch._batching._rules_nn import _fold, _may_draw, _unfold
from pyxtorch._batching._values import wrap

F = torch.nn.functional


# -------------------------------------------------------------------------------------- shapes

def block_diag(*tensors):
    blocks = [x.reshape(1, -1) if x.dim() < 2 else x for x in tensors]
    width, start, rows = sum(x.shape[1] for x in blocks), 0, []
    for x in blocks:
        rows.append(F.pad(x, (start, width - start - x.shape[1])))
        start += x.shape[1]
    return torch.cat(rows)


def cartesian_prod(*tensors):
    if len(tensors) == 1:
        return tensors[0]
    shape = [x.shape[0] for x in tensors]
    return torch.stack([x.reshape([-1 if i == j else 1 for j in range(len(shape))]).expand(shape).reshape(-1) for i, x in enumerate(tensors)], 1)


def combinations(input, r=2, with_replacement=False):
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    chosen = list(choose(range(_length(input)), r))
    return input[torch.tensor(chosen, dtype=torch.int64).reshape(len(chosen), r)] if r and chosen else input.new_empty((0, r) if r else 0)


# ---------------------------------------------------------------------------------- statistics

def cov(input, *, correction=1, fweights=None, aweights=None):
    x = input.reshape(1, -1) if input.dim() < 2 else input
    x = x if x.is_floating_point() or x.is_complex() else x.to(torch.get_default_dtype())
    w = fweights if aweights is None else aweights if fweights is None else aweights * fweights
    total = x.shape[1] if w is None else w.sum()
    mean = x.mean(1, keepdim=True) if w is None else (x * w).sum(1, keepdim=True) / total
    # What is subtracted for the estimate: with weights of importance it is their average, weighted by themselves.
    by = total - correction if aweights is None else total - correction * (w * aweights).sum() / total if correction else total
    centred = x - mean
    c = (centred if w is None else centred * w) @ centred.mH
    c = c / (max(by, 0) if not isinstance(by, torch.Tensor) else by.clamp(min=0))
    return c.squeeze() if input.dim() < 2 else c


def corrcoef(input):
    c = cov(input)
    if c.dim() == 0:
        return c / c
    deviation = c.diagonal().real.sqrt()
    c = c / deviation.unsqueeze(1) / deviation
    return torch.complex(c.real.clamp(-1, 1), c.imag.clamp(-1, 1)) if c.is_complex() else c.clamp(-1, 1)


def _areas(y, x, dx, dim):
    dim %= max(y.dim(), 1)
    n = y.shape[dim]
    both = y.narrow(dim, 1, max(n - 1, 0)) + y.narrow(dim, 0, max(n - 1, 0))
    if x is None:
        return both * ((1 if dx is None else dx) / 2)
    if x.dim() == 1:
        x = x.reshape([-1 if d == dim else 1 for d in range(y.dim())])
    axis = dim - y.dim()
    return both * x.diff(dim=axis) / 2


def trapezoid(y, x=None, *, dx=None, dim=-1):
    return _areas(y, x, dx, dim).sum(dim)


def cumulative_trapezoid(y, x=None, *, dx=None, dim=-1):
    return _areas(y, x, dx, dim).cumsum(dim)


def renorm(input, p, dim, maxnorm, *, out=None):
    others = [d for d in range(input.dim()) if d != dim % input.dim()]
    norm = torch.linalg.vector_norm(input, p, others, keepdim=True)
    return input * torch.where(norm > maxnorm, maxnorm / (norm + 1e-7), 1).to(input.dtype)


def frobenius_norm(input, dim=None, keepdim=False, *, out=None):
    return torch.linalg.vector_norm(input, 2, None if dim is None or dim == () else dim, keepdim)


def nuclear_norm(input, dim=(-2, -1), keepdim=False, *, out=None):
    y = torch.linalg.svdvals(input.movedim(tuple(dim), (-2, -1))).sum(-1)
    for d in sorted(d % input.dim() for d in dim) if keepdim else ():
        y = y.unsqueeze(d)
    return y


def pdist(input, p=2.0):
    n = input.shape[0]
    i, j = torch.triu_indices(n, n, 1, device=input.device).unbind(0)
    return torch.linalg.vector_norm(input[i] - input[j], p, -1)


# ------------------------------------------------------------------------------------ indexing

def index_reduce(x, dim, index, source, reduce, *, include_self=True, out=None):
    i = _spread(x, dim, index.reshape(-1)) if x.dim() else index.reshape(())
    return torch.scatter_reduce(x, dim, i, source.expand(i.shape) if x.dim() else source.reshape(()), reduce, include_self=include_self)


def masked_scatter(c, input, mask, source):
    if source.numel() == 0:
        return loop(c, input, mask, source)
    shape = torch.broadcast_shapes(input.shape, mask.shape)
    m = mask.expand(shape).reshape(-1)
    place = (m.cumsum(0) - 1).clamp(min=0)
    m_or_0 = torch.where(m, place, 0)
    taken = torch.gather(source.reshape(-1), 0, m_or_0).reshape(shape)
    return Plain(torch.where(m.reshape(shape), taken, input))


def put(input, index, source, accumulate=False):
    return torch.index_put(input.reshape(-1), (index.reshape(-1),), source.reshape(-1), accumulate).reshape(input.shape)


# ------------------------------------------------------------------------------ linear algebra

def of_ranks(*ranks):
    """Operations on tensors whose last dimensions, so many of each, are those of one problem; those before are batches."""
    def rule(c, *args, **kwargs):
        tensors = [x for x in args if isinstance(x, torch.Tensor)]
        more = [x.dim() - rank for x, rank in zip(tensors, ranks)]
        if len(tensors) != len(ranks) or min(more) < 0 or any(isinstance(x, torch.Tensor) for x in kwargs.values()):
            return loop(c, *args, **kwargs)
        extra = max(more)
        given = iter([c.lead(x).reshape(c.size, *[1] * (extra - m), *x.shape) for x, m in zip(tensors, more)])
        return c.func(*[next(given) if isinstance(x, torch.Tensor) else x for x in args], **kwargs)

    return rule


def tensorinv(A, ind=2, *, out=None):
    if ind <= 0:
        raise RuntimeError(f"tensorinv: expected a strictly positive integer for 'ind', got {ind}.")
    n = math.prod(A.shape[ind:])
    if math.prod(A.shape[:ind]) != n:
        raise RuntimeError(f"tensorinv: expected prod(input.shape[:{ind}]) to be prod(input.shape[{ind}:]), got {list(A.shape)}.")
    return torch.linalg.inv(A.reshape(n, n)).reshape([*A.shape[ind:], *A.shape[:ind]])


def tensorsolve(A, B, dims=None, *, out=None):
    if dims is not None:
        A = A.movedim(list(dims), [A.dim() - len(dims) + i for i in range(len(dims))])
    shape = A.shape[B.dim():]
    if math.prod(shape) != B.numel():
        raise RuntimeError(f"tensorsolve: expected prod of the last dimensions {list(shape)} to be the number of elements of B, {B.numel()}.")
    return torch.linalg.solve(A.reshape(B.numel(), B.numel()), B.reshape(-1)).reshape(shape)


# ------------------------------------------------------------------------------------ networks

def convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    rank = weight.dim() - 2
    if transposed:
        return getattr(F, f"conv_transpose{rank}d")(input, weight, bias, stride, padding, output_padding, groups, dilation)
    return getattr(F, f"conv{rank}d")(input, weight, bias, stride, padding, dilation, groups)


def _scaled_norm(c, found, weight, bias, shape=lambda v: v):
    y, *rest = found
    y = wrap(y, c.level)
    y = y if weight is None else y * shape(weight)
    y = y if bias is None else y + shape(bias)
    return Plain((y, *[wrap(r, c.level) for r in rest]))


def native_layer_norm(c, input, normalized_shape, weight, bias, eps):
    if input.dim() < len(normalized_shape):
        raise RuntimeError(f"native_layer_norm: normalized_shape={list(normalized_shape)} does not fit an input of shape {list(input.shape)}.")
    return _scaled_norm(c, c.func(c.lead(input), normalized_shape, None, None, eps), weight, bias)


def native_group_norm(c, input, weight, bias, N, C, HxW, group, eps):
    found = c.func(_fold(c.lead(input)), None, None, N * c.size, C, HxW, group, eps)
    return _scaled_norm(c, [_unfold(y, c.size, N) for y in found], weight, bias, lambda v: v.reshape(-1, *[1] * (input.dim() - 2)))


def unpooled(space):
    def rule(c, input, indices, kernel_size, stride=None, padding=0, output_size=None):
        if output_size is not None and len(output_size) > space or input.dim() not in (space + 1, space + 2):
            return loop(c, input, indices, kernel_size, stride, padding, output_size)
        x, i = c.lead(input), c.lead(indices)
        if input.dim() == space + 1:
            return c.func(x, i, kernel_size, stride, padding, output_size)
        return _unfold(c.func(_fold(x), _fold(i), kernel_size, stride, padding, output_size), c.size, input.shape[0])

    return rule


def embedding_bag(c, input, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, mode="mean", sparse=False, per_sample_weights=None,
                  include_last_offset=False, padding_idx=None):  # fmt: skip
    if max_norm is not None or scale_grad_by_freq or sparse or padding_idx is not None or input.dim() != 2 or not c.size:
        return loop(c, input, weight, offsets, max_norm, norm_type, scale_grad_by_freq, mode, sparse, per_sample_weights, include_last_offset, padding_idx)
    i = c.lead(input)
    rows = weight.shape[0]
    if c.is_batched(weight):
        if i.numel() and (i.amin() < 0 or i.amax() >= rows):
            raise IndexError("index out of range in self")
        i = i + torch.arange(c.size, device=i.device).reshape(-1, 1, 1) * rows
    w = c.raw(weight).flatten(0, 1) if c.is_batched(weight) else weight
    each = None if per_sample_weights is None else _fold(c.lead(per_sample_weights))
    return _unfold(c.func(_fold(i), w, mode=mode, per_sample_weights=each), c.size, input.shape[0])


def ctc_loss(c, log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False):
    if log_probs.dim() != 3 or targets.dim() != 2 or not c.size:
        return loop(c, log_probs, targets, input_lengths, target_lengths, blank, reduction, zero_infinity)
    n = log_probs.shape[1]
    lengths = [c.lead(torch.as_tensor(v) if not isinstance(v, torch.Tensor) else v).reshape(-1) for v in (input_lengths, target_lengths)]
    y = c.func(c.lead(log_probs).movedim(0, 1).flatten(1, 2), _fold(c.lead(targets)), *lengths, blank, "none", zero_infinity).reshape(c.size, n)
    if reduction == "mean":
        return (y / lengths[1].reshape(c.size, n).clamp(min=1).to(y.dtype)).mean(1)
    return y if reduction == "none" else y.sum(1)


def weighted_classes(input, target, weight, ignore_index, reduction, smoothing=None):
    """Cross entropy (of logits; with `smoothing` None: `nll_loss`, of logarithms), with weights that are batched."""
    dim = 1 if input.dim() > 1 else 0
    x = input if smoothing is None else input.log_softmax(dim)
    classes, smoothing = x.shape[dim], smoothing or 0
    w = weight.reshape(-1, *[1] * (x.dim() - dim - 1))
    if target.is_floating_point():
        y = -(x * w * (target * (1 - smoothing) + smoothing / classes)).sum(dim)
        return y if reduction == "none" else y.sum() if reduction == "sum" else y.sum() / max(1, x.numel() // classes)
    kept = target != ignore_index
    t = torch.where(kept, target, 0)
    each = torch.where(kept, weight[t], 0)
    y = -x.gather(dim, t.unsqueeze(dim)).squeeze(dim) * each
    if smoothing:
        y = y * (1 - smoothing) - torch.where(kept, (x * w).sum(dim), 0) * (smoothing / classes)
    return y if reduction == "none" else y.sum() if reduction == "sum" else y.sum() / each.sum()


def drawn(rule):
    """Of one tensor, with random numbers."""
    def checked(c, *args, **kwargs):
        _may_draw(c)
        return loop(c, *args, **kwargs) if c.level.randomness == "same" else rule(c, *args, **kwargs)

    return checked


def rrelu(c, input, lower=1 / 8, upper=1 / 3, training=False, inplace=False):
    return drawn(natural)(c, input, lower, upper, training, inplace) if training else natural(c, input, lower, upper, training, inplace)


CALLS = {
    **{f.__name__: composed(f) for f in (block_diag, cartesian_prod, combinations, cov, corrcoef, trapezoid, cumulative_trapezoid, renorm, frobenius_norm,
                                         nuclear_norm, pdist, index_reduce, convolution)},
    "trapz": composed(trapezoid), "linalg_tensorinv": composed(tensorinv), "linalg_tensorsolve": composed(tensorsolve), "masked_scatter": masked_scatter,
    "put": _for_batched_self(put), "native_layer_norm": native_layer_norm, "native_group_norm": native_group_norm,
    **{f"max_unpool{d}d": unpooled(d) for d in (1, 2, 3)}, "embedding_bag": embedding_bag, "ctc_loss": ctc_loss,
    **dict.fromkeys(("linalg_householder_product", "orgqr", "lu_unpack"), of_ranks(2, 1)), "geqrf": of_ranks(2),
    **dict.fromkeys(("linalg_lu_solve", "linalg_ldl_solve"), of_ranks(2, 1, 2)),
    "gumbel_softmax": drawn(along(dim=-1)), "rrelu": rrelu,
}  # fmt: skip
