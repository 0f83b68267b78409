"""Losses."""
from pyxtorch.onnx._graph import INT, Value
from pyxtorch.onnx._rows import row
from pyxtorch.onnx._rows.activation import log_softmax, logsigmoid
from pyxtorch.onnx._rows.elementwise import xlogy
from pyxtorch.onnx._rows.reduce import cosine_similarity, pairwise_distance
from pyxtorch.onnx.errors import UnsupportedOperatorError


def reduced(x, reduction):
    """Its mean, sum, or itself."""
    every = list(range(x.ndim))
    return x.mean(every) if reduction == "mean" and every else x.sum(every) if reduction == "sum" and every else x


@row("mse_loss")
def mse_loss(g, input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    d = input - target
    return _weighted(d * d, weight, reduction)


@row("l1_loss")
def l1_loss(g, input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    return _weighted(abs(input - target), weight, reduction)


def _weighted(x, weight, reduction):
    if weight is None:
        return reduced(x, reduction)
    x = x * weight
    return x.sum() / weight.expand(x.sizes()).sum() if reduction == "mean" else reduced(x, reduction)


@row("smooth_l1_loss")
def smooth_l1_loss(g, input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    d = abs(input - target)
    return reduced(g.where(d < beta, d * d * (0.5 / beta), d - 0.5 * beta) if beta > 0 else d, reduction)


@row("huber_loss")
def huber_loss(g, input, target, reduction="mean", delta=1.0, weight=None):
    d = abs(input - target)
    return _weighted(g.where(d <= delta, d * d * 0.5, (d - 0.5 * delta) * delta), weight, reduction)


@row("binary_cross_entropy")
def binary_cross_entropy(g, input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    loss = (target - 1) * (1 - input).log().maximum(-100) - target * input.log().maximum(-100)
    return reduced(loss if weight is None else loss * weight, reduction)


@row("binary_cross_entropy_with_logits")
def binary_cross_entropy_with_logits(g, input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None):
    positive = target if pos_weight is None else target * pos_weight
    loss = -(positive * logsigmoid(g, input) + (1 - target) * logsigmoid(g, -input))
    return reduced(loss if weight is None else loss * weight, reduction)


@row("kl_div")
def kl_div(g, input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    loss = target.exp() * (target - input) if log_target else xlogy(g, target, target) - target * input
    if reduction == "batchmean":
        return loss.sum() / g.number(input.size(0), loss.dtype)
    return reduced(loss, reduction)


@row("nll_loss")
def nll_loss(g, input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    axis = 1 if input.ndim > 1 else 0
    counted = target != ignore_index
    safe = g.where(counted, target, 0, dtype=INT)
    place = safe.unsqueeze(axis)
    picked = g.add("GatherElements", [input, place], input.dtype, place.shape, axis=axis).squeeze(axis)
    share = counted.cast(input.dtype) if weight is None else weight.gather(safe) * counted.cast(input.dtype)
    loss = -picked * share
    if reduction == "mean":
        return loss.sum() / share.sum()
    return reduced(loss, reduction)


@row("cross_entropy")
def cross_entropy(g, input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0):
    axis = 1 if input.ndim > 1 else 0
    if target.dtype.is_floating_point or label_smoothing:
        raise UnsupportedOperatorError(f"export: {g.at}: cross_entropy takes classes by number, without label smoothing, here.")
    return nll_loss(g, log_softmax(g, input, axis), target, weight, None, ignore_index, None, reduction)


@row("margin_ranking_loss")
def margin_ranking_loss(g, input1, input2, target, margin=0.0, size_average=None, reduce=None, reduction="mean"):
    return reduced((-target * (input1 - input2) + margin).maximum(0), reduction)


@row("hinge_embedding_loss")
def hinge_embedding_loss(g, input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
    return reduced(g.where(target == 1, input, 0) + g.where(target == -1, (margin - input).maximum(0), 0), reduction)


@row("soft_margin_loss")
def soft_margin_loss(g, input, target, size_average=None, reduce=None, reduction="mean"):
    return reduced(-logsigmoid(g, target * input), reduction)


@row("multilabel_soft_margin_loss")
def multilabel_soft_margin_loss(g, input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    loss = -(target * logsigmoid(g, input) + (1 - target) * logsigmoid(g, -input))
    return reduced((loss if weight is None else loss * weight).mean([-1]), reduction)


@row("cosine_embedding_loss")
def cosine_embedding_loss(g, input1, input2, target, margin=0.0, size_average=None, reduce=None, reduction="mean"):
    likeness = cosine_similarity(g, input1, input2, -1)
    return reduced(g.where(target == 1, 1 - likeness, (likeness - margin).maximum(0)), reduction)


@row("triplet_margin_loss")
def triplet_margin_loss(g, anchor, positive, negative, margin=1.0, p=2.0, eps=1e-6, swap=False, size_average=None, reduce=None, reduction="mean"):
    near, far = (pairwise_distance(g, anchor, x, p, eps) for x in (positive, negative))
    if swap:
        far = far.minimum(pairwise_distance(g, positive, negative, p, eps))
    return reduced((near - far + margin).maximum(0), reduction)


@row("poisson_nll_loss")
def poisson_nll_loss(g, input, target, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None, reduction="mean"):
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        safe = target.maximum(1)
        stirling = safe * safe.log() - safe + (safe * 6.283185307179586).log() * 0.5
        loss = loss + g.where(target > 1, stirling, 0)
    return reduced(loss, reduction)


@row("gaussian_nll_loss")
def gaussian_nll_loss(g, input, target, var, full=False, eps=1e-6, reduction="mean"):
    var = g.number(var, input.dtype) if not isinstance(var, Value) else var
    if var.ndim and var.ndim == input.ndim - 1:
        var = var.unsqueeze(-1)
    var = var.maximum(eps)
    d = input - target
    loss = (var.log() + d * d / var) * 0.5
    return reduced(loss + 0.9189385332046727 if full else loss, reduction)


@row("multi_margin_loss")
def multi_margin_loss(g, input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"):
    x = input.unsqueeze(0) if input.ndim == 1 else input
    place = target.reshape([-1, 1])
    own = g.add("GatherElements", [x, place], x.dtype, [x.shape[0], 1], axis=1)
    loss = (margin - own + x).maximum(0)
    loss = loss if p == 1 else loss * loss
    loss = loss if weight is None else loss * weight.gather(place)
    others = g.arange(x.size(1)).unsqueeze(0) != place
    loss = g.where(others, loss, 0).sum([1]) / g.number(x.size(1), x.dtype)
    return reduced(loss if input.ndim > 1 else loss.squeeze(0), reduction)
