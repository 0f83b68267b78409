"""Rules of networks' operations: convolution, pooling, normalisation, losses, embedding, attention, cells, and random numbers.

Where an operation has a batch of its own, N, the batch of vmap is folded into it: (B, N, *) becomes (B * N, *).
"""
import pyxtorch as torch
from pyxtorch._batching._calls import Plain, bound, loop, parameters
from pyxtorch._batching._rules import _each, _operands, along, at, composed, elementwise_, natural, of_rank
from pyxtorch._batching._values import batched, wrap

F = torch.nn.functional


def _fold(physical):
    return physical.reshape(-1, *physical.shape[2:]) if physical.shape[0] and physical.shape[1] else physical.flatten(0, 1)


def _unfold(y, size, n):
    return y.reshape(size, n, *y.shape[1:])


def folded(space, first=1):
    """For operations of (N, C, *) or, if they take it, (C, *), with `space` dimensions in *; other tensors must not be batched."""
    def rule(c, x, *args, **kwargs):
        if not c.is_batched(x) or any(batched(a) for a in [*args, *kwargs.values()] if isinstance(a, torch.Tensor)):
            return loop(c, x, *args, **kwargs)
        y = c.raw(x)
        if x.dim() == space + first:
            return c.func(y, *args, **kwargs)
        if x.dim() != space + first + 1:
            return loop(c, x, *args, **kwargs)
        n = y.shape[1]
        return _each(c.func(_fold(y), *args, **kwargs), lambda r: _unfold(r, c.size, n))

    return rule


def resized(c, x, *args, **kwargs):
    """`interpolate`: always (N, C, *)."""
    return folded(x.dim() - 2)(c, x, *args, **kwargs) if x.dim() > 2 else loop(c, x, *args, **kwargs)


def pad(c, x, pad, mode="constant", value=None):
    if len(pad) > 2 * x.dim():
        raise RuntimeError(f"pad: {len(pad)} numbers are for {len(pad) // 2} dimensions, the tensor has {x.dim()}.")
    if mode == "constant":
        return F.pad(c.raw(x), pad, mode, value)
    return folded(len(pad) // 2)(c, x, pad, mode, value)


# --------------------------------------------------------------------------------- convolution

def _convolution(transposed):
    def rule(c, input, weight, bias=None, *args, **kwargs):
        rank = weight.dim() - 2
        if isinstance(kwargs.get("padding", args[1] if len(args) > 1 else 0), str) and not transposed and c.is_batched(weight) and rank == 0:
            return loop(c, input, weight, bias, *args, **kwargs)
        single = input.dim() == rank + 1
        if not single and input.dim() != rank + 2:
            raise RuntimeError(f"Expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input to {c.name}, but got input of size: {list(input.shape)}")
        if c.is_batched(bias):
            y = c.func(input, weight, None, *args, **kwargs)
            return Plain(y + bias.reshape(-1, *[1] * rank))
        if not c.is_batched(weight):
            y = c.raw(input)
            if single:
                return c.func(y, weight, bias, *args, **kwargs)
            return _unfold(c.func(_fold(y), weight, bias, *args, **kwargs), c.size, y.shape[1])
        if bias is not None:
            return Plain(c.func(input, weight, None, *args, **kwargs) + bias.reshape(-1, *[1] * rank))
        given = bound(c.func, (input, weight, bias, *args), kwargs)
        groups = given.pop("groups", 1)
        for name in ("input", "weight", "bias"):
            given.pop(name, None)
        w, x = c.raw(weight), c.lead(input)
        x = x.unsqueeze(1) if single else x
        if c.size == 0:
            empty = c.func(x.new_zeros(1, *x.shape[2:]), w.new_zeros(w.shape[1:]), None, *args, **kwargs)
            y = x.sum() * 0 + w.sum() * 0 + empty.new_zeros(0, x.shape[1], *empty.shape[1:])
            return y.squeeze(1) if single else y
        n = x.shape[1]
        y = c.func(x.transpose(0, 1).flatten(1, 2), w.flatten(0, 1), None, groups=groups * c.size, **given)
        y = y.reshape(n, c.size, w.shape[2] * groups if transposed else w.shape[1], *y.shape[2:]).transpose(0, 1)
        return y.squeeze(1) if single else y

    return rule


# ------------------------------------------------------------------------------- normalisation

def _check_normalized(c, input, normalized_shape):
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if len(shape) > input.dim() or tuple(input.shape)[input.dim() - len(shape):] != shape:
        raise RuntimeError(f"{c.name}: given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], but got input of size{list(input.shape)}")


def layer_norm(c, input, normalized_shape, weight=None, bias=None, *args, **kwargs):
    _check_normalized(c, input, normalized_shape)
    y = c.func(c.raw(input), normalized_shape, None if c.is_batched(weight) else weight, None if c.is_batched(weight) or c.is_batched(bias) else bias, *args, **kwargs) \
        if c.is_batched(input) else None
    if y is None or c.is_batched(weight) or c.is_batched(bias):
        plain = c.func(c.lead(input), normalized_shape, None, None, *args, **kwargs)
        z = wrap(plain, c.level)
        z = z if weight is None else z * weight
        return Plain(z if bias is None else z + bias)
    return y


def rms_norm(c, input, normalized_shape, weight=None, eps=None):
    _check_normalized(c, input, normalized_shape)
    if not c.is_batched(weight):
        return c.func(c.raw(input), normalized_shape, weight, eps)
    return Plain(wrap(c.func(c.lead(input), normalized_shape, None, eps), c.level) * weight)


def _channels(x, v):
    return v.reshape(-1, *[1] * (x.dim() - 2))


def group_norm(c, input, num_groups, weight=None, bias=None, *args, **kwargs):
    y = c.lead(input)
    if input.dim() < 2:
        return loop(c, input, num_groups, weight, bias, *args, **kwargs)
    plain = c.is_batched(weight) or c.is_batched(bias)
    z = wrap(_unfold(c.func(_fold(y), num_groups, *((None, None) if plain else (weight, bias)), *args, **kwargs), c.size, y.shape[1]), c.level)
    if plain:
        z = z if weight is None else z * _channels(input, weight)
        z = z if bias is None else z + _channels(input, bias)
    return Plain(z)


def batch_norm(c, input, running_mean=None, running_var=None, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5, **kwargs):
    return _by_channels(c, input, running_mean, running_var, weight, bias, training, lambda *five: c.func(*five, training, momentum, eps))


def instance_norm(c, input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5, **kwargs):
    return _by_channels(c, input, running_mean, running_var, weight, bias, use_input_stats, lambda *five: c.func(*five, use_input_stats, momentum, eps))


def _by_channels(c, input, mean, var, weight, bias, training, call):
    """Slices become channels: (B, N, C, *) -> (N, B * C, *)."""
    if input.dim() < 2 or c.size == 0:
        raise RuntimeError(f"{c.name}: expected (N, C, *), got {list(input.shape)}.")
    if training and any(t is not None and not c.is_batched(t) for t in (mean, var)):
        raise RuntimeError(
            "Batch norm got a batched tensor as input while the running_mean or running_var, which will be updated in place, were not batched. If you are using a module and do not "
            "need eval mode, please set `track_running_stats` to be False. Or use func.replace_all_batch_norm_modules_."
        )
    x = c.lead(input)
    stats = [None if t is None else c.lead(t) for t in (mean, var)]
    flat = [None if t is None else t.reshape(-1) for t in stats]
    y = call(x.transpose(0, 1).flatten(1, 2), *flat, None, None)
    if training:
        for before, after in zip(stats, flat):
            if before is not None and after.data_ptr() != before.data_ptr():
                before.copy_(after.reshape(before.shape))
    z = wrap(y.reshape(y.shape[0], c.size, x.shape[2], *y.shape[2:]).transpose(0, 1), c.level)
    z = z if weight is None else z * _channels(input, weight)
    return Plain(z if bias is None else z + _channels(input, bias))


# -------------------------------------------------------------------------------------- losses

def _reduction(given):
    """What `reduction`, and the older `size_average` and `reduce`, say."""
    average, reduce = given.pop("size_average", None), given.pop("reduce", None)
    if average is not None or reduce is not None:
        given["reduction"] = "none" if reduce is False else "sum" if average is False else "mean"
    reduction = given.pop("reduction", "mean")
    return reduction


def loss(c, *args, **kwargs):
    """Losses that are elementwise until they are reduced."""
    given = bound(c.func, args, kwargs)
    reduction = _reduction(given)
    if reduction not in ("none", "sum", "mean", "batchmean") or given.get("weight") is not None and c.name in ("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss"):
        return loop(c, *args, **kwargs)
    first = next(iter(given.values()))
    names = list(given)
    rank = max(v.dim() for v in given.values() if isinstance(v, torch.Tensor))
    values = [v if not isinstance(v, torch.Tensor) else c.lead(v) if v.shape == first.shape else c.aligned(v, rank) for v in given.values()]
    y = c.func(**dict(zip(names, values)), reduction="none")
    if reduction == "none":
        return y
    total = y.reshape(c.size, -1).sum(1) if reduction != "mean" and c.size else y.reshape(c.size, -1).mean(1) if c.size else y.flatten(1).sum(1) if y.dim() > 1 else y
    return total / (first.shape[0] if first.dim() else 1) if reduction == "batchmean" else total


def rows(c, *args, **kwargs):
    """Losses of (N, C) tensors and targets that have one number for each row until they are reduced."""
    given = bound(c.func, args, kwargs)
    plain = dict(given)
    reduction = _reduction(given)
    first = next(iter(given.values()))
    if first.dim() != 2 or reduction not in ("none", "sum", "mean") or c.is_batched(given.get("weight")) or not c.size:
        return loop(c, **plain)
    folded_ones = {k: _fold(c.lead(v)) if isinstance(v, torch.Tensor) and k != "weight" else v for k, v in given.items()}
    y = c.func(**folded_ones, reduction="none")
    y = y.reshape(c.size, first.shape[0], *y.shape[1:])
    return y if reduction == "none" else y.flatten(1).sum(1) if reduction == "sum" else y.flatten(1).mean(1)


def prelu(x, weight):
    w = weight.reshape(-1, *[1] * (x.dim() - 2)) if x.dim() > 1 and weight.numel() > 1 else weight.reshape(-1) if x.dim() else weight.reshape(())
    return torch.where(x > 0, x, w * x)


def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    return torch.linalg.vector_norm(x1 - x2 + eps, p, -1, keepdim)


def classes(c, input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0):
    given = {"size_average": size_average, "reduce": reduce, "reduction": reduction}
    reduction = _reduction(given)
    if reduction in ("none", "sum", "mean") and weight is not None and (c.is_batched(weight) or label_smoothing):
        from pyxtorch._batching._rules_rare import weighted_classes

        return Plain(weighted_classes(input, target, weight, ignore_index, reduction, label_smoothing if c.name == "cross_entropy" else None))
    if reduction not in ("none", "sum", "mean"):
        return loop(c, input, target, weight, ignore_index=ignore_index, reduction=reduction, **({"label_smoothing": label_smoothing} if label_smoothing else {}))
    more = {"label_smoothing": label_smoothing} if label_smoothing else {}
    x, t = c.lead(input), c.lead(target)
    single = input.dim() == 1
    n = x.shape[1]
    if input.dim() == 2 and n == 1 and reduction != "none":      # samples one by one
        single, x, t = True, x.squeeze(1), t.squeeze(1)
    x, t = (x, t) if single else (_fold(x), _fold(t))
    y = c.func(x, t, weight, ignore_index=ignore_index, reduction="none", **more)
    if reduction == "none":
        return y if single else _unfold(y, c.size, n)
    total = y if single else y.reshape(c.size, -1).sum(1) if c.size else y[:0]
    if reduction == "sum":
        return total
    if target.is_floating_point():
        return total / (1 if single else y.numel() // max(c.size, 1))
    kept = t != ignore_index
    counted = kept.to(y.dtype) if weight is None else torch.where(kept, weight[torch.where(kept, t, 0)], 0)
    return total / (counted if single else counted.reshape(c.size, -1).sum(1))


# ----------------------------------------------------------------------------- embedding, attention

def embedding(c, *args, **kwargs):
    given = bound(c.func, args, kwargs)
    names = list(given)
    indices = given.pop("indices" if "indices" in given else "input")
    weight = given.pop("weight")
    if c.is_batched(weight):
        if given.get("padding_idx") not in (None, -1) or given.get("max_norm") is not None or given.get("scale_grad_by_freq"):
            return loop(c, *args, **kwargs)
        rows = weight.shape[0]
        i = c.lead(indices)
        if i.numel() and (i.amin() < 0 or i.amax() >= rows):
            raise IndexError("index out of range in self")
        offset = torch.arange(c.size, device=i.device).reshape(-1, *[1] * indices.dim()) * rows
        return torch.embedding(c.raw(weight).flatten(0, 1), i + offset)
    return c.func(**{n: c.raw(indices) if n in ("indices", "input") else weight if n == "weight" else given[n] for n in names})


def attention(c, query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    if dropout_p:
        _may_draw(c)
        if c.level.randomness == "same":
            return loop(c, query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa)
    rank = max(query.dim(), key.dim(), value.dim())
    q, k, v = (c.lead(x) for x in (query, key, value))
    q, k, v = (x.reshape(c.size, *[1] * (rank + 1 - x.dim()), *x.shape[1:]) for x in (q, k, v))
    mask = attn_mask
    if c.is_batched(mask):
        mask = c.aligned(mask, rank)
    return c.func(q, k, v, mask, dropout_p, is_causal, scale, **({"enable_gqa": True} if enable_gqa else {}))


def _cell(step):
    def rule(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
        return step(input, hx, w_ih, w_hh, b_ih, b_hh)

    return composed(rule)


def _lstm(x, hx, w_ih, w_hh, b_ih, b_hh):
    h, cell = hx
    i, f, g, o = (F.linear(x, w_ih, b_ih) + F.linear(h, w_hh, b_hh)).chunk(4, -1)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


def _gru(x, h, w_ih, w_hh, b_ih, b_hh):
    a, b = F.linear(x, w_ih, b_ih).chunk(3, -1), F.linear(h, w_hh, b_hh).chunk(3, -1)
    r, z = (a[0] + b[0]).sigmoid(), (a[1] + b[1]).sigmoid()
    n = (a[2] + r * b[2]).tanh()
    return n + z * (h - n)


# -------------------------------------------------------------------------------- random numbers

def _may_draw(c):
    if c.level.randomness == "error":
        raise RuntimeError(
            "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' randomness flags on vmap or perform the "
            "randomness operation out of vmap"
        )


def random(c, *args, **kwargs):
    """Of one tensor, whose elements are drawn for each of its own: `dropout`, `bernoulli`, `randn_like` ..."""
    given = bound(c.func, args, kwargs)
    training = given.get("training", given.get("train", parameters(c.func)[1].get("training", True)))
    if c.func.__name__.endswith("dropout") and (not training or given.get("p", 0.5) == 0):
        return natural(c, *args, **kwargs)
    _may_draw(c)
    if any(c.is_batched(x) for x in [*args[1:], *kwargs.values()] if isinstance(x, torch.Tensor)):
        return loop(c, *args, **kwargs)
    if c.level.randomness == "different":
        return natural(c, *args, **kwargs)
    if c.name in ("dropout", "dropout1d", "dropout2d", "dropout3d") and not given.get("inplace"):
        x, rest = args[0], args[1:]
        mask = c.func(torch.ones(x.shape, dtype=x.dtype, device=x.device), *rest, **{k: v for k, v in kwargs.items() if k != "inplace"})
        return c.raw(x) * mask
    if c.name in ("rand_like", "randn_like", "randint_like"):
        one = c.func(torch.empty(args[0].shape, dtype=args[0].dtype, device=args[0].device), *args[1:], **kwargs)
        return one.unsqueeze(0).expand(c.size, *one.shape)
    return loop(c, *args, **kwargs)      # each slice from the same state of the generator


def random_(c, *args, **kwargs):
    """In place."""
    _may_draw(c)
    if not c.is_batched(args[0]):
        if c.level.randomness == "different":
            raise RuntimeError(f"vmap: {c.name} would give each slice other numbers, but the tensor is not being vmapped over. Make it from one that is, by new_empty.")
        return loop(c, *args, **kwargs)
    if c.level.randomness == "same":
        before = torch.get_rng_state()
        for i in range(c.size):
            torch.set_rng_state(before)
            c.func(c.raw(args[0])[i], *args[1:], **kwargs)
    elif any(isinstance(x, torch.Tensor) for x in args[1:]):
        return elementwise_(c, *args, **kwargs)
    else:
        c.func(c.raw(args[0]), *args[1:], **kwargs)
    return Plain(args[0])


def by_channel(space):
    """dropout2d and its like, which drop whole channels."""
    def rule(c, x, *args, **kwargs):
        given = bound(c.func, (x, *args), kwargs)
        if not given.get("training", True):
            return natural(c, x, *args, **kwargs)
        _may_draw(c)
        if c.level.randomness == "same":
            return random(c, x, *args, **kwargs)
        return folded(space)(c, x, *args, **kwargs)

    return rule


def cosine_similarity(c, x1, x2, dim=1, eps=1e-8):
    rank = max(x1.dim(), x2.dim())
    if rank == 0:
        return loop(c, x1, x2, dim, eps)
    (x1, x2), _ = _operands(c, (x1, x2), {})
    return c.func(x1, x2, at(dim, rank), eps)


def functional_softmax(c, input, dim=None, _stacklevel=3, dtype=None, *, out=None):
    if dim is None:
        dim = 0 if input.dim() in (0, 1, 3) else 1
    if not isinstance(dim, int):
        raise TypeError(f"{c.name}: dim must be int, got {dim!r}.")
    x = c.raw(input)
    y = c.func(x if x.dim() > 1 else x.unsqueeze(1), at(dim, input.dim()), dtype=dtype)
    return y if x.dim() > 1 else y.squeeze(1)


CALLS = {
    **{f"conv{d}d": _convolution(False) for d in (1, 2, 3)}, **{f"conv_transpose{d}d": _convolution(True) for d in (1, 2, 3)},
    **{f"{name}{d}d": folded(d) for d in (1, 2, 3) for name in ("max_pool", "avg_pool", "adaptive_avg_pool", "adaptive_max_pool", "lp_pool")},
    **{f"{name}{d}d_with_indices": folded(d) for d in (1, 2, 3) for name in ("max_pool", "adaptive_max_pool")},
    "interpolate": resized, "upsample": resized, "upsample_nearest": resized, "upsample_bilinear": resized, "pad": pad, "constant_pad_nd": lambda c, x, widths, value=0: pad(c, x, widths, "constant", value),
    "pixel_shuffle": of_rank(3, natural), "pixel_unshuffle": of_rank(3, natural),
    "layer_norm": layer_norm, "group_norm": group_norm, "batch_norm": batch_norm, "instance_norm": instance_norm,
    **dict.fromkeys("mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy binary_cross_entropy_with_logits kl_div poisson_nll_loss soft_margin_loss margin_ranking_loss hinge_embedding_loss".split(), loss),
    **dict.fromkeys("multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss triplet_margin_loss cosine_embedding_loss".split(), rows),
    "prelu": composed(prelu), "pairwise_distance": composed(pairwise_distance), "local_response_norm": resized, "gaussian_nll_loss": loss,
    "cross_entropy": of_rank(1, classes), "nll_loss": of_rank(1, classes), "embedding": embedding, "scaled_dot_product_attention": of_rank(2, attention),
    "lstm_cell": _cell(_lstm), "gru_cell": _cell(_gru), "rnn_tanh_cell": _cell(lambda x, h, wi, wh, bi, bh: (F.linear(x, wi, bi) + F.linear(h, wh, bh)).tanh()),
    "rnn_relu_cell": _cell(lambda x, h, wi, wh, bi, bh: (F.linear(x, wi, bi) + F.linear(h, wh, bh)).relu()),
    **dict.fromkeys("dropout native_dropout alpha_dropout bernoulli rand_like randn_like randint_like poisson".split(), random),
    **dict.fromkeys("bernoulli_ cauchy_ exponential_ geometric_ log_normal_ normal_ random_ uniform_ dropout_ alpha_dropout_".split(), random_),
    "dropout1d": by_channel(1), "dropout2d": by_channel(2), "dropout3d": by_channel(3),
    "normalize": along(dim=1), "cosine_similarity": cosine_similarity, "rms_norm": rms_norm,
}  # fmt: skip
# What nn.functional means by a name that means something else elsewhere.
FUNCTIONAL = {
    "softmax": functional_softmax, "log_softmax": functional_softmax, "softmin": functional_softmax, "glu": along(dim=-1), "embedding": embedding,
    "relu_": elementwise_, "unfold": folded(2), "fold": folded(1),
}  # fmt: skip
