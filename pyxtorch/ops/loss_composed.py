"""Losses written in tensor operations; their gradients follow from those."""
import math
import operator

from pyxtorch._core import dtypes
from pyxtorch.autograd import Variable
from pyxtorch.ops._precision import rounds_once
from pyxtorch.ops.create import arange, full, full_like, ones_like, tensor, zeros_like
from pyxtorch.ops.elementwise_activation import logsigmoid
from pyxtorch.ops.elementwise_select import minimum, where
from pyxtorch.ops.loss import cross_entropy, legacy_reduction, reduced
from pyxtorch.ops.matmul import linear
from pyxtorch.ops.norm_composed import pairwise_distance
from pyxtorch.ops.shape_join import cat, stack

__all__ = [
    "cosine_embedding_loss", "ctc_loss", "hinge_embedding_loss", "margin_ranking_loss", "poisson_nll_loss", "triplet_margin_loss",
]  # fmt: skip

functional = [
    "hinge_embedding_loss", "cosine_embedding_loss", "margin_ranking_loss", "soft_margin_loss", "multi_margin_loss",
    "multilabel_margin_loss", "multilabel_soft_margin_loss", "poisson_nll_loss", "gaussian_nll_loss",
    "triplet_margin_loss", "triplet_margin_with_distance_loss", "ctc_loss", "linear_cross_entropy",
]  # fmt: skip

int64 = dtypes()["int64"]


def _relu(x):
    return x.clamp(min=0)


@rounds_once
def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
    """input where target is 1, max(margin - input, 0) where it is -1; shapes broadcast.

    Args:
        input, target: (*), target of 1 and -1.
        reduction: "mean", "sum", or "none" for all losses.
    """
    reduction = legacy_reduction(size_average, reduce, reduction, "hinge_embedding_loss")
    far = where(target != 1, _relu(margin - input), 0)
    near = where(target != -1, input, 0)
    return reduced(far + near, reduction, "hinge_embedding_loss")


@rounds_once
def cosine_embedding_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    """1 - cos where target is 1, max(cos - margin, 0) where it is -1.

    Args:
        input1, input2: (N, D) or (D).
        target: (N) or (), of 1 and -1.
    """
    reduction = legacy_reduction(size_average, reduce, reduction, "cosine_embedding_loss")
    if not (input1.dim() == input2.dim() and target.dim() + 1 == input1.dim() and target.dim() in (0, 1)):
        if target.dim() not in (0, 1):
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        shapes = f"{tuple(input1.shape)}, {tuple(input2.shape)} and target {tuple(target.shape)}"
        raise RuntimeError(f"cosine_embedding_loss: inputs must have one dimension more than the target, not {shapes}.")
    eps = 1e-12
    dot = (input1 * input2).sum(-1)
    cosine = dot / (((input1 * input1).sum(-1) + eps) * ((input2 * input2).sum(-1) + eps)).sqrt()
    near = where(target == 1, 1 - cosine, 0)
    far = where(target == -1, _relu(cosine - margin), 0)
    return reduced(near + far, reduction, "cosine_embedding_loss")


@rounds_once
def margin_ranking_loss(input1, input2, target, margin=0.0, size_average=None, reduce=None, reduction="mean"):
    """max(-target * (input1 - input2) + margin, 0).

    Args:
        input1, input2, target: the same number of dimensions, broadcast; target of 1 and -1.
        reduction: "mean", "sum", or "none" for all losses.
    Raises:
        RuntimeError: different numbers of dimensions.
    """
    reduction = legacy_reduction(size_average, reduce, reduction, "margin_ranking_loss")
    if not input1.dim() == input2.dim() == target.dim():
        sizes = ", ".join(f"{name} size: {tuple(x.shape)}" for name, x in (("input1", input1), ("input2", input2), ("target", target)))
        raise RuntimeError(f"margin_ranking_loss : All input tensors should have same dimension but got sizes: {sizes} ")
    return reduced(_relu(-target * (input1 - input2) + float(margin)), reduction, "margin_ranking_loss")


@rounds_once
def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """log(1 + exp(-target * input)).

    Args:
        input, target: (*), target of 1 and -1.
        reduction: "mean", "sum", or "none" for all losses.
    """
    reduction = legacy_reduction(size_average, reduce, reduction, "soft_margin_loss")
    z = -target * input
    # log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|)) does not overflow
    return reduced(_relu(z) + (-z.abs()).exp().log1p(), reduction, "soft_margin_loss")


def _rows(input, target, op, same_shape):
    """`input` as (N, C) and `target` beside it, and the shape of an unreduced loss."""
    if input.dim() > 2 or 0 in tuple(input.shape)[-1:]:
        raise RuntimeError(f"{op}: Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}.")
    classes = input.shape[-1] if input.dim() else 1
    rows = input.reshape(-1, classes) if input.dim() < 2 else input
    wanted = tuple(rows.shape) if same_shape else tuple(rows.shape[:1])
    if target.numel() != math.prod(wanted) or target.dim() > max(input.dim(), 1) or not same_shape and target.dim() > 1 or input.dim() == 2 and tuple(target.shape) != wanted:
        raise RuntimeError(f"{op}: inconsistent target size {list(target.shape)} for an input of shape {list(input.shape)}.")
    batch = tuple(input.shape[:1]) if input.dim() == 2 else () if same_shape and input.dim() else tuple(target.shape)
    return rows, target.reshape(wanted), batch


@rounds_once
def multi_margin_loss(input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"):
    """Mean over classes of max(margin - input[target] + input[class], 0)**p.

    Args:
        input: (N, C) or (C).
        target: int64, (N) or ().
        p: 1 or 2.
        weight: of each class, (C); that of the target counts.
    """
    reduction = legacy_reduction(size_average, reduce, reduction, "multi_margin_loss")
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: p is {p}. Only 1 and 2 are supported.")
    if weight is not None and weight.dim() != 1:
        raise ValueError(f"multi_margin_loss: weight must be one-dimensional, not of shape {list(weight.shape)}.")
    _check_long(target, "multi_margin_loss")
    input, target, batch = _rows(input, target, "multi_margin_loss", same_shape=False)
    if weight is not None and tuple(weight.shape) != tuple(input.shape[1:]):
        raise RuntimeError(f"multi_margin_loss: inconsistent weight size, expected {input.shape[1]} but got {list(weight.shape)}.")
    _check_classes(target, input.shape[1], "multi_margin_loss")
    place = target.unsqueeze(1)
    hinge = _relu(margin - input.gather(1, place) + input)
    if p == 2:
        hinge = hinge * hinge
    if weight is not None:
        hinge = hinge * weight[target].unsqueeze(1)
    others = ones_like(input).scatter(1, place, 0)
    loss = (hinge * others).sum(1) / input.shape[1]
    return reduced(loss.reshape(batch), reduction, "multi_margin_loss")


def _check_long(target, op):
    if target.dtype != int64:
        raise RuntimeError(f"{op}: expected scalar type Long but found {target.dtype} for target; convert it with .long().")


def _check_classes(target, classes, op):
    if target.numel() and not target.is_meta and not 0 <= int(target.min()) <= int(target.max()) < classes:
        raise IndexError(f"{op}: target out of range: classes {int(target.min())} to {int(target.max())}, but there are {classes}.")


@rounds_once
def multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """Sum over targets j and other classes k of max(1 - input[j] + input[k], 0), divided by C.

    Args:
        input: (N, C) or (C).
        target: int64 of the same shape; each row lists classes, up to the first -1.
    """
    reduction = legacy_reduction(size_average, reduce, reduction, "multilabel_margin_loss")
    _check_long(target, "multilabel_margin_loss")
    input, target, batch = _rows(input, target, "multilabel_margin_loss", same_shape=True)
    classes = input.shape[1]
    listed = (target >= 0).long().cumprod(1)
    if target.numel() and not target.is_meta and not -1 <= int(target.min()) <= int(target.max()) < classes:
        raise RuntimeError(f"multilabel_margin_loss: target out of range: {int(target.min())} to {int(target.max())}, but there are {classes} classes.")
    place = target * listed
    is_target = zeros_like(target).scatter_add(1, place, listed) > 0
    pairs = _relu(1 - input.gather(1, place).unsqueeze(2) + input.unsqueeze(1))
    counts = listed.unsqueeze(2) * (~is_target).long().unsqueeze(1)
    loss = (pairs * counts.to(input.dtype)).sum((1, 2)) / classes
    return reduced(loss.reshape(batch), reduction, "multilabel_margin_loss")


@rounds_once
def multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """Mean over classes (last dimension) of the binary cross entropy of sigmoid(input).

    Args:
        input, target: (N, C) or (C), target of 0 and 1; weight: of each class, (C).
        reduction: "mean", "sum", or "none" for all losses.
    """
    reduction = legacy_reduction(size_average, reduce, reduction, "multilabel_soft_margin_loss")
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return reduced(loss.sum(-1) / input.shape[-1], reduction, "multilabel_soft_margin_loss")


@rounds_once
def poisson_nll_loss(input, target, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None, reduction="mean"):
    """exp(input) - target * input, or input - target * log(input + eps) unless log_input.

    With `full`, Stirling's target * log(target) - target + log(2 pi target) / 2 where target > 1.
    """
    reduction = legacy_reduction(size_average, reduce, reduction, "poisson_nll_loss")
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + where(target > 1, stirling, 0)
    return reduced(loss, reduction, "poisson_nll_loss")


@rounds_once
def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    """(log(var) + (input - target)**2 / var) / 2, var being at least eps and not differentiated there.

    Args:
        input, target: (*).
        var: a number, or (*), with the last dimension 1 or missing if it is common to it.
        full: add log(2 pi) / 2.
    """
    if not isinstance(var, Variable):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = full_like(input, var)
    else:
        negative = var < 0
        if not var.is_meta and bool(negative.any()):
            raise ValueError("var has negative entry/entries")
    shape, size = tuple(var.shape), tuple(input.shape)
    if shape != size:
        if shape == size[:-1]:
            var = var.unsqueeze(-1)
        elif len(shape) != len(size) or [b for a, b in zip(size, shape) if a != b] != [1]:
            raise ValueError(f"gaussian_nll_loss: var is of incorrect size: {list(shape)} for an input of shape {list(size)}")
    # below eps the value is eps but the gradient passes, as if nothing had been clamped
    var = var + (var.detach().clamp(min=eps) - var.detach())
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduced(loss, reduction, "gaussian_nll_loss")


@rounds_once
def triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, size_average=None, reduce=None, reduction="mean"):
    """max(|anchor - positive| - |anchor - negative| + margin, 0), distances in the p-norm of the last dimension.

    Args:
        anchor, positive, negative: (N, D) or (D).
        swap: take the smaller of the distances of negative to anchor and to positive (Balntas et al., 2016).
        reduction: "mean", "sum", or "none" for all losses.
    Raises:
        ValueError: margin is not positive; RuntimeError: different numbers of dimensions.
    """
    reduction = legacy_reduction(size_average, reduce, reduction, "triplet_margin_loss")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")

    def distance(a, b):
        return pairwise_distance(a, b, p, eps)

    loss = _triplet(anchor, positive, negative, distance, margin, swap)
    return reduced(loss, reduction, "triplet_margin_loss")


def _triplet(anchor, positive, negative, distance, margin, swap):
    if not anchor.dim() == positive.dim() == negative.dim():
        shapes = f"anchor {anchor.dim()}D, positive {positive.dim()}D, and negative {negative.dim()}D."
        raise RuntimeError(f"The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: {shapes}")
    far = distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return _relu(margin + distance(anchor, positive) - far)


@rounds_once
def triplet_margin_with_distance_loss(anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"):
    """triplet_margin_loss with a distance of one's own.

    Args:
        anchor, positive, negative: (N, D) or (D); distance_function(x1, x2): pairwise_distance if None.
        swap: take the smaller of the distances of negative to anchor and to positive.
        reduction: "mean", "sum", or "none" for all losses.
    Raises:
        ValueError: margin is not positive; RuntimeError: different numbers of dimensions.
    """
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    distance = pairwise_distance if distance_function is None else distance_function
    return reduced(_triplet(anchor, positive, negative, distance, margin, swap), reduction, "triplet_margin_with_distance_loss")


def _lengths(values, count, op):
    values = values.tolist() if isinstance(values, Variable) else list(values)
    values = [operator.index(v) for v in (values if isinstance(values, list) else [values])]
    if len(values) != count:
        raise RuntimeError(f"ctc_loss: {op} must have one entry for each of {count} sequences, not {len(values)}.")
    if any(v < 0 for v in values):
        raise RuntimeError(f"ctc_loss: {op} must not be negative: {values}.")
    return values


@rounds_once
def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False):
    """Minus the log-probability of all alignments of the targets: Graves et al. (2006).

    Args:
        log_probs: (T, N, C) or (T, C), log-probabilities (of log_softmax).
        targets: classes, (N, S), or all in a row (sum of target_lengths).
        input_lengths, target_lengths: N ints each.
        blank: the class that stands for nothing.
        reduction: "mean" divides by the target's length first.
        zero_infinity: 0 instead of infinity where no alignment exists.
    Gradient: that for log_probs of log_softmax, as if normalised: exp(log_probs) less the
        probability of being at each class; the same after log_softmax as the exact one.
    """
    single = log_probs.dim() == 2
    if single:
        log_probs = log_probs.unsqueeze(1)
        if targets.dim() == 0:
            targets = targets.unsqueeze(0)
    if log_probs.dim() != 3:
        raise RuntimeError(f"ctc_loss: log_probs must be (T, N, C) or (T, C), not {tuple(log_probs.shape)}.")
    steps, batch, classes = log_probs.shape
    if targets.dim() > 2 or targets.dim() == 2 and targets.shape[0] != batch:
        raise RuntimeError(f"ctc_loss: Expected targets of shape ({batch}, S), or all in a row, but got {tuple(targets.shape)}.")
    if log_probs.is_meta and any(isinstance(x, Variable) and x.is_meta for x in (targets, input_lengths, target_lengths)):
        loss = log_probs.sum((0, 2))  # nothing is known but the shape
        return reduced(loss.squeeze(0) if single and reduction == "none" else loss, reduction, "ctc_loss")
    inputs, lengths = _lengths(input_lengths, batch, "input_lengths"), _lengths(target_lengths, batch, "target_lengths")
    if not 0 <= blank < classes:
        raise RuntimeError(f"blank must be in label range: {blank} of {classes} classes")
    if max(inputs, default=0) > steps:
        raise RuntimeError(f"Expected input_lengths to have value at most {steps}, but got value {max(inputs)} (while checking arguments for ctc_loss)")
    rows, start = [], 0
    flat = targets.tolist()
    for i, length in enumerate(lengths):
        if targets.dim() == 1 and not single:
            row, start = flat[start : start + length], start + length
        else:
            row = (flat if single and targets.dim() == 1 else flat[i])[:length]
        if len(row) < length:
            raise RuntimeError(f"Expected tensor targets to have size at least {length} at dimension 1, but got {len(row)} (while checking arguments for ctc_loss)")
        if any(not 0 <= int(c) < classes for c in row):
            raise RuntimeError(f"ctc_loss: targets must be classes from 0 to {classes - 1}, not {row}.")
        rows.append([int(c) for c in row])
    if targets.dim() == 1 and not single and start != len(flat):
        raise RuntimeError(f"Expected tensor targets to have size {start} at dimension 0, but got size {len(flat)} (while checking arguments for ctc_loss)")
    loss = _alignments(log_probs, rows, inputs, blank)
    if zero_infinity:
        loss = where(loss == math.inf, 0, loss)
    if reduction == "mean":
        loss = loss / tensor([max(n, 1) for n in lengths], dtype=loss.dtype, device=loss.device)
    return reduced(loss.squeeze(0) if single and reduction == "none" else loss, reduction, "ctc_loss")


def _alignments(log_probs, rows, inputs, blank):
    """Minus the log of the summed probability of all alignments, (N): the forward recursion."""
    steps, batch, _ = log_probs.shape
    place = {"device": log_probs.device}
    width = 2 * max(map(len, rows), default=0) + 1
    states = [[blank] * width for _ in rows]  # blank, first, blank, second, ... blank
    skips = [[False] * width for _ in rows]  # whether the blank before may be left out
    for state, skip, row in zip(states, skips, rows):
        for i, label in enumerate(row):
            state[2 * i + 1] = label
            skip[2 * i + 1] = i > 0 and label != blank and label != row[i - 1]
    states, skips = tensor(states, **place).reshape(batch, width), tensor(skips, **place).reshape(batch, width)
    never = -1e30  # stands for log(0); finite, so that differences of two are no NaN
    emitted = log_probs.gather(2, states.unsqueeze(0).expand(steps, batch, width))
    ends = tensor([2 * len(row) for row in rows], **place).unsqueeze(1)
    column = arange(width, **place).unsqueeze(0)
    lost = full((batch, 2), never, dtype=log_probs.dtype, **place)
    length = tensor(inputs, **place).unsqueeze(1)
    alpha = None
    for t in range(max(inputs, default=0)):
        if alpha is None:
            alpha = where(column < 2, emitted[0], never)
            continue
        padded = cat([lost, alpha], 1)
        two_back = where(skips, padded[:, :width], never)
        moved = stack([alpha, padded[:, 1 : width + 1], two_back]).logsumexp(0) + emitted[t]
        alpha = where(length > t, moved.clamp(min=never), alpha)
    if alpha is None:
        return tensor([0.0 if not row else math.inf for row in rows], dtype=log_probs.dtype, **place)
    last = alpha.gather(1, ends).squeeze(1)
    before = where(ends.squeeze(1) > 0, alpha.gather(1, (ends - 1).clamp(min=0)).squeeze(1), never)
    total = stack([last, before]).logsumexp(0)
    possible = total > never / 2
    nothing_in = length.squeeze(1) == 0
    loss = where(possible, -total, math.inf)
    loss = where(nothing_in, where(ends.squeeze(1) == 0, 0.0, math.inf), loss).to(log_probs.dtype)
    # Adds nothing but exp(log_probs) to the gradient, over the steps that count.
    used = arange(steps, **place).unsqueeze(1) < length.squeeze(1).unsqueeze(0)
    mass = where(used.unsqueeze(2), log_probs.exp(), 0).sum((0, 2))
    return loss + (mass - mass.detach())


@rounds_once
def linear_cross_entropy(
    input, linear_weight, target, *, linear_bias=None, weight=None, reduction="mean", ignore_index=None, label_smoothing=0.0, options=None
):
    """cross_entropy of linear(input, linear_weight, linear_bias).

    Args:
        input: (in_features) or (N, in_features).
        linear_weight: (C, *, in_features); linear_bias: (C, *).
        target, weight, reduction, label_smoothing: of cross_entropy.
        ignore_index: None means -100.
        options: accepted; there is one way of computing this.
    """
    if input.dim() not in (1, 2):
        raise RuntimeError(f"linear_cross_entropy: expected input with dimensionality 1 or 2, got {input.dim()}")
    for name, given in (("input", input), ("linear_weight", linear_weight), ("target", target)):
        if not isinstance(given, Variable):
            raise TypeError(f"linear_cross_entropy(): argument '{name}' must be Tensor, not {type(given).__name__}")
    if linear_weight.dim() < 2:
        raise RuntimeError(f"linear_cross_entropy: expected linear_weight with dimensionality at least 2, got {linear_weight.dim()}")
    outputs = tuple(linear_weight.shape[:-1])
    features = input.shape[-1], linear_weight.shape[-1]
    if features[0] != features[1]:
        raise RuntimeError(
            f"linear_cross_entropy: expected equal input and linear_weight last dimensions (in_features), got {features[0]} and {features[1]}, respectively"
        )
    if linear_bias is not None and tuple(linear_bias.shape) != outputs:
        raise RuntimeError(f"linear_cross_entropy: expected linear_bias shape {outputs}, got {tuple(linear_bias.shape)}")
    if len(outputs) > 1 and input.dim() != 2:
        raise RuntimeError(f"linear_cross_entropy: a weight of shape {tuple(linear_weight.shape)} needs input (N, in_features), not {tuple(input.shape)}.")
    bias = None if linear_bias is None else linear_bias.reshape(-1)
    logits = linear(input, linear_weight.reshape(math.prod(outputs), linear_weight.shape[-1]), bias).reshape(tuple(input.shape[:-1]) + outputs)
    if target.is_floating_point() and ignore_index is not None:
        raise RuntimeError(f"linear_cross_entropy: ignore_index cannot be specified when target contains probabilities, but is {ignore_index}. Leave it out.")
    return cross_entropy(
        logits, target, weight=weight, reduction=reduction, ignore_index=-100 if ignore_index is None else ignore_index, label_smoothing=label_smoothing
    )
