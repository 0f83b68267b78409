"""Losses of the elementwise kind, and those of classification."""
import warnings

from pyxtorch._core cimport *
from pyxtorch.autograd cimport Function, Variable, record2, record3, recording
from pyxtorch.ops._common cimport *
from pyxtorch.ops.elementwise cimport SAME, Binary, binary, formula, formula2, formula3, mul_number
from pyxtorch.ops.shape cimport to_dtype

from pyxtorch.ops._common import same_dtype
from pyxtorch.ops.elementwise_compare import logical_not
from pyxtorch.ops.elementwise_select import where
from pyxtorch.ops import elementwise_activation as activation
from pyxtorch.ops import softmax as softmaxes
from pyxtorch.ops._precision import rounds_once


cdef object valid_reduction(object reduction, str op):
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{op}: {reduction} is not a valid value for reduction; use 'none', 'mean' or 'sum'.")
    return reduction


def legacy_reduction(size_average, reduce, reduction, op):
    """The reduction, checked, or the one that the two old arguments meant."""
    if size_average is None and reduce is None:
        return valid_reduction(reduction, op)
    meant = "none" if reduce is False else "mean" if size_average is None or size_average else "sum"
    warnings.warn(f"size_average and reduce args will be deprecated, please use reduction='{meant}' instead.", stacklevel=1)
    return meant


cpdef object reduced(object loss, object reduction, str op):
    """The mean, the sum, or all of `loss`."""
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    valid_reduction(reduction, op)
    return loss


cdef int same_sizes(Variable a, Variable b, str op) except -1:
    """Warn as PyTorch does where broadcasting is probably a mistake."""
    if not same_shape(a, b):
        warnings.warn(
            f"Using a target size ({size_of(b)}) that is different to the input size ({size_of(a)}). This will likely lead to "
            "incorrect results due to broadcasting. Please ensure they have the same size.", stacklevel=3)
    return 0


# ------------------------------------------------------------------------------ differences

cdef int SQUARED_DIFFERENCE = formula(b"squared_difference")
cdef int SMOOTH_L1 = formula(b"smooth_l1")
cdef int SMOOTH_L1_BACKWARD = formula(b"smooth_l1_backward")
cdef int HUBER = formula(b"huber")
cdef int HUBER_BACKWARD = formula(b"huber_backward")


cdef class SquaredDifference(Binary):
    cdef int keep(self, Variable a, Variable b, Variable y) except -1:
        self.save(a)
        self.save(b)

    cdef int vjp(self, Variable g) except -1:
        slope = g * mul_number(self.saved(0) - self.saved(1), 2)
        self.pass_grad(0, slope)
        if self.needs(1):
            self.pass_grad(1, -slope)


cdef object weighted(object loss, object weight, object reduction, str op):
    """`reduced`, with each element counted `weight` times; None: once."""
    if weight is None:
        return reduced(loss, reduction, op)
    loss = loss * checked(weight, op, "weight")
    if reduction == "mean":
        return loss.sum() / weight.expand(loss.shape).sum()
    return reduced(loss, reduction, op)


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """(input - target)^2, its mean, or its sum.

    Args:
        input, target: (*), shapes that broadcast (with a warning where they differ).
        reduction: "mean", "sum", or "none" for all losses; weight: of each element, which the mean divides by.
    """
    cdef Variable x = checked(input, "mse_loss", "input")
    cdef Variable t = checked(target, "mse_loss", "target")
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, reduction, "mse_loss")
    same_sizes(x, t, "mse_loss")
    if is_floating(x.dt) and is_floating(t.dt):
        loss = binary(SQUARED_DIFFERENCE, SquaredDifference, x, t, "mse_loss", SAME, None)
    else:
        gap = x - t
        loss = gap * gap
    return weighted(loss, weight, reduction, "mse_loss")


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """|input - target|, its mean, or its sum.

    Args:
        input, target: (*), shapes that broadcast (with a warning where they differ).
        reduction: "mean", "sum", or "none" for all losses; weight: of each element, which the mean divides by.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, reduction, "l1_loss")
    same_sizes(checked(input, "l1_loss", "input"), checked(target, "l1_loss", "target"), "l1_loss")
    loss = (input - target).abs()
    return weighted(loss, weight, reduction, "l1_loss")


cdef class Difference(Binary):
    """f(a - b; s) whose slope is a formula; `curved`: where |a - b| is below s the slope rises by 1 / rise."""
    cdef int slope
    cdef double s, rise

    cdef int vjp(self, Variable g) except -1:
        slope = difference_slope(g, self.saved(0), self.saved(1), self.slope, self.s, self.rise)
        self.pass_grad(0, slope)
        if self.needs(1):
            self.pass_grad(1, -slope)


cdef class DifferenceSlope(Function):
    """g * f'(a - b; s)"""
    cdef int slope
    cdef double s, rise

    cdef int vjp(self, Variable gg) except -1:
        g, a, b = self.saved(0), self.saved(1), self.saved(2)
        if self.needs(0):
            self.pass_grad(0, difference_slope(gg, a, b, self.slope, self.s, self.rise))
        if self.needs(1) or self.needs(2):
            curvature = where((a - b).abs() < self.s, gg * g * self.rise, 0)
            self.pass_grad(1, curvature)
            self.pass_grad(2, -curvature)


cdef Variable difference_slope(Variable g, Variable a, Variable b, int f, double s, double rise):
    cdef double p[1]
    cdef DifferenceSlope node
    p[0] = s
    cdef Variable y = formula3(f, g, a, b, p, "loss")
    if recording(g) or recording(a) or recording(b):
        node = <DifferenceSlope>DifferenceSlope.__new__(DifferenceSlope)
        node.slope = f
        node.s = s
        node.rise = rise
        node.save(g)
        node.save(a)
        node.save(b)
        record3(node, y, g, a, b)
    return y


cdef Variable difference(int f, int slope, object x, object t, double s, double rise, str op):
    cdef Variable a, b
    cdef double p[1]
    cdef Difference node
    a, b = arithmetic_operands(x, t, op)
    p[0] = s
    cdef Variable y = formula2(f, a, b, p, op)
    if recording(a) or recording(b):
        node = <Difference>Difference.__new__(Difference)
        node.slope = slope
        node.s = s
        node.rise = rise
        node.save(a)
        node.save(b)
        record2(node, y, a, b)
    return y


cdef tuple arithmetic_operands(object x, object t, str op):
    """Both as tensors of one floating dtype and shape."""
    cdef Variable a = checked(x, op, "input")
    cdef Variable b = checked(t, op, "target")
    from pyxtorch.ops import shape
    cdef int dt = result_type_of(a, b)
    a, b = shape.broadcast_tensors(to_dtype(a, dt), to_dtype(b, dt))
    return a, b


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """0.5 d^2 / beta where |d| < beta, else |d| - 0.5 beta, for d = input - target.

    Args:
        input, target: (*), shapes that broadcast (with a warning where they differ); beta: not negative, 0 gives l1_loss.
        reduction: "mean", "sum", or "none" for all losses.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, reduction, "smooth_l1_loss")
    same_sizes(checked(input, "smooth_l1_loss", "input"), checked(target, "smooth_l1_loss", "target"), "smooth_l1_loss")
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, here {beta}.")
    if beta == 0 or not is_floating((<Variable>input).dt):
        return l1_loss(input, target, reduction=reduction)
    return reduced(difference(SMOOTH_L1, SMOOTH_L1_BACKWARD, input, target, beta, 1 / beta, "smooth_l1_loss"), reduction, "smooth_l1_loss")


def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """0.5 d^2 where |d| <= delta, else delta (|d| - 0.5 delta), for d = input - target.

    Args:
        input, target: (*), shapes that broadcast (with a warning where they differ); delta: positive.
        reduction: "mean", "sum", or "none" for all losses.
    """
    if isinstance(delta, complex):
        raise TypeError(f"huber_loss: delta must be a float or int, got: {delta!r}")
    if not delta > 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, here {delta}.")
    same_sizes(checked(input, "huber_loss", "input"), checked(target, "huber_loss", "target"), "huber_loss")
    loss = difference(HUBER, HUBER_BACKWARD, input, target, delta, 1, "huber_loss")
    return weighted(loss, weight, reduction, "huber_loss")


# ------------------------------------------------------------------------- binary, divergence

@rounds_once
def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """-(t log x + (1 - t) log(1 - x)); logarithms are cut at -100, so that 0 and 1 have a loss.

    Args:
        input: (*), from 0 to 1; target: (*); weight: broadcastable to (*).
        reduction: "mean", "sum", or "none" for all losses.
    Raises:
        ValueError: shapes differ; RuntimeError: an input outside 0 to 1.
    """
    cdef Variable x = checked(input, "binary_cross_entropy", "input")
    cdef Variable t = checked(target, "binary_cross_entropy", "target")
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, reduction, "binary_cross_entropy")
    if not same_shape(x, t):
        raise ValueError(
            f"Using a target size ({size_of(t)}) that is different to the input size ({size_of(x)}) is deprecated. Please ensure they have the same size."
        )
    if x.dt <= INT64:
        raise NotImplementedError(f"binary_cross_entropy: not implemented for {dtype_of(x.dt)!r} input; convert it with .float().")
    same_dtype(x, t, "binary_cross_entropy", "target")
    if weight is not None:
        checked(weight, "binary_cross_entropy", "weight")
    d = x.detach()
    inside = (d >= 0) & (d <= 1)
    if x.n and x.dev != META and not bool(inside.all()):
        raise RuntimeError("binary_cross_entropy: all elements of input should be between 0 and 1")
    d = t.detach()
    inside = (d >= 0) & (d <= 1)
    if t.n and t.dev != META and not bool(inside.all()):
        raise RuntimeError("binary_cross_entropy: all elements of target should be between 0 and 1")
    loss = BinaryCrossEntropy.apply(x, t)
    if weight is not None:
        loss = loss * weight
    return reduced(loss, reduction, "binary_cross_entropy")


class BinaryCrossEntropySlope(Function):
    """(x - t) / max(x (1 - x), 1e-12), which is -t / x + (1 - t) / (1 - x): in this form it has a derivative at 0 and 1, too."""

    @staticmethod
    def forward(ctx, x, t):
        ctx.save_for_backward(x, t)
        return (x - t) / ((1 - x) * x).clamp(min=1e-12)

    @staticmethod
    def backward(ctx, g):
        x, t = ctx.saved_tensors
        gx = g * (t / (x * x).clamp(min=1e-24) + (1 - t) / ((1 - x) * (1 - x)).clamp(min=1e-24)) if ctx.needs_input_grad[0] else None
        gt = -g / ((1 - x) * x).clamp(min=1e-12) if ctx.needs_input_grad[1] else None
        return gx, gt


class BinaryCrossEntropy(Function):
    """The elementwise loss; its slope (x - t) / max(x (1 - x), 1e-12)."""

    @staticmethod
    def forward(ctx, x, t):
        ctx.save_for_backward(x, t)
        return (t - 1) * (-x).log1p().clamp(min=-100) - t * x.log().clamp(min=-100)

    @staticmethod
    def backward(ctx, g):
        x, t = ctx.saved_tensors
        gx = g * BinaryCrossEntropySlope.apply(x, t) if ctx.needs_input_grad[0] else None
        gt = g * ((-x).log1p().clamp(min=-100) - x.log().clamp(min=-100)) if ctx.needs_input_grad[1] else None
        return gx, gt


@rounds_once
def binary_cross_entropy_with_logits(input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None):
    """Binary cross-entropy of sigmoid(input), computed without overflow; `pos_weight` multiplies the positive term.

    Args:
        input, target: (*); weight, pos_weight: broadcastable to (*).
        reduction: "mean", "sum", or "none" for all losses.
    Raises:
        ValueError: shapes differ.
    """
    cdef Variable x = checked(input, "binary_cross_entropy_with_logits", "input")
    cdef Variable t = checked(target, "binary_cross_entropy_with_logits", "target")
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, reduction, "binary_cross_entropy_with_logits")
    if not same_shape(x, t):
        raise ValueError(f"Target size ({size_of(t)}) must be the same as input size ({size_of(x)})")
    if is_floating(x.dt) and not is_floating(t.dt):
        raise RuntimeError(
            f"result type {dtype_of(x.dt).name} can't be cast to the desired output type {dtype_of(t.dt).name}: binary_cross_entropy_with_logits: "
            "the target is to have the dtype of the input. Convert it with target.float().")
    lower = activation.logsigmoid(x)
    if pos_weight is None:
        loss = (1 - t) * x - lower
    else:
        loss = (1 - t) * x - ((pos_weight - 1) * t + 1) * lower
    if weight is not None:
        loss = loss * weight
    return reduced(loss, reduction, "binary_cross_entropy_with_logits")


@rounds_once
def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """target * (log target - input), `input` holding log-probabilities; "batchmean" divides by the batch size.

    Args:
        input: (*); target: (*), probabilities, or their logarithms with log_target.
        reduction: "batchmean", "mean" (over all elements), "sum", or "none".
    Gradient: by the target too.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, reduction, "kl_div")
    for given, name in ((input, "input"), (target, "target")):
        if not is_floating(checked(given, "kl_div", name).dt):
            raise RuntimeError(f"kl_div: {'Complex' if is_complex_code((<Variable>given).dt) else 'Integral'} inputs not supported, but {name} is {given.dtype}.")
    if log_target:
        loss = target.exp() * (target - input)
    else:
        loss = target.xlogy(target) - target * input
    if reduction == "batchmean":
        return loss.sum() / input.shape[0] if input.dim() else loss.sum()
    if reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. 'batchmean' divides only by the "
            "batch size, and aligns with the KL math definition.", stacklevel=2)
    return reduced(loss, reduction, "kl_div")


# ------------------------------------------------------------------------------ classification

cdef tuple classes_last(Variable x, Variable t, str op):
    """Scores (rows, C) and targets (rows) of (C), (N, C) or (N, C, d1, ...); the shape of an unreduced loss."""
    if x.nd == 0:
        raise ValueError(f"{op}: Expected an input of 1 or more dimensions, (C, ...), but got a 0-d tensor.")
    if x.nd > 1 and t.nd and x.sizes[0] != t.sizes[0]:
        raise ValueError(f"{op}: Expected input batch_size ({x.sizes[0]}) to match target batch_size ({t.sizes[0]}).")
    if x.nd == 1 and t.nd == 1 and t.n != 1:
        raise ValueError(f"{op}: For 1D input, 1D target must have size 1, but got target size: {t.n}")
    if t.nd != x.nd - 1 and not x.nd == t.nd == 1:
        raise RuntimeError(f"{op}: Expected target with {x.nd - 1} dimensions for an input of shape {list(shape_of(x))}, got target of shape {list(shape_of(t))}")
    if x.nd == 1:
        return x.unsqueeze(0), t.reshape((1,)), ()
    for i in range(2, x.nd):
        if x.sizes[i] != t.sizes[i - 1]:
            raise RuntimeError(f"{op}: Expected target size {[x.sizes[0]] + list(shape_of(x)[2:])}, got {list(shape_of(t))}")
    if x.nd == 2:
        return x, t, shape_of(t)
    flat = x.movedim(1, -1)
    return flat.reshape((-1, x.sizes[1])), t.reshape((-1,)), shape_of(t)


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """-input[target], `input` holding log-probabilities of classes.

    Args:
        input: (C), (N, C) or (N, C, d1, ...); target: int64, the shape of input without C, from 0 to C - 1.
        weight: (C), of each class; ignore_index: this target counts for nothing.
    Returns:
        the weighted mean, the sum, or with "none" the losses in the shape of target.
    Raises:
        IndexError: a target outside 0..C-1 that is not ignore_index.
    """
    cdef Variable x = checked(input, "nll_loss", "input")
    cdef Variable t = checked(target, "nll_loss", "target")
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, reduction, "nll_loss")
    valid_reduction(reduction, "nll_loss")
    need_floating(x, "nll_loss")
    rows, flat, shape = classes_last(x, t, "nll_loss")
    if t.dt != INT64 and t.dt != UINT8:
        raise RuntimeError(f"nll_loss: expected target dtype to be Long or Byte, but got {dtype_of(t.dt).name}; convert it with .long().")
    flat = to_dtype(flat, INT64)
    C = rows.shape[1]
    if weight is not None and (checked(weight, "nll_loss", "weight").nd != 1 or (<Variable>weight).n != C):
        raise RuntimeError(f"nll_loss: weight tensor should be defined either for all {C} classes or no classes but got weight tensor of shape: {list(shape_of(weight))}")
    if weight is not None and (<Variable>weight).dt != x.dt:
        raise RuntimeError(f"nll_loss: expected scalar type {dtype_of(x.dt).name} but found {dtype_of((<Variable>weight).dt).name} for the weight.")
    ignored = flat == as_index(ignore_index, "nll_loss")
    any_ignored = any_true(ignored)
    if any_ignored:
        flat = where(ignored, 0, flat)
    if flat.numel() and (any_true(flat < 0) or any_true(flat >= C)):
        worst = [v for v in flat.tolist() if not 0 <= v < C][0]
        raise IndexError(f"nll_loss: Target {worst} is out of bounds for {C} classes (0 to {C - 1}).")
    picked = -rows.gather(1, flat.unsqueeze(1)).squeeze(1)
    if weight is not None or any_ignored:
        w = weight.index_select(0, flat) if weight is not None else rows.new_ones(flat.shape)
        if any_ignored:
            w = where(ignored, 0, w)
            picked = where(ignored, 0, picked)
        picked = picked * w
        if reduction == "mean":
            return picked.sum() / w.sum()
    if reduction == "none":
        return picked.reshape(shape)
    return picked.mean() if reduction == "mean" else picked.sum()


def cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0):
    """Cross-entropy of scores (logits) with class indices, or with probabilities of classes.

    Args:
        input: (C), (N, C) or (N, C, d1, ...), scores.
        target: int64 without the class dimension, or probabilities in the shape of input.
        label_smoothing: share of the target spread evenly over all classes, 0 to 1.
    Returns, Raises: as nll_loss.
    """
    cdef Variable x = checked(input, "cross_entropy", "input")
    cdef Variable t = checked(target, "cross_entropy", "target")
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce, reduction, "cross_entropy")
    ignore_index = as_index(ignore_index, "cross_entropy")
    if weight is not None:
        checked(weight, "cross_entropy", "weight")
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    dim = 0 if x.nd == 1 else 1
    scores = softmaxes.log_softmax(x, dim)
    C = x.sizes[dim] if x.nd else 1
    form = (C,) if x.nd == 1 else (1, C) + (1,) * (x.nd - 2)
    if x.nd and same_shape(x, t):
        if not is_floating(t.dt):
            raise RuntimeError(
                f"cross_entropy: Expected floating point type for target with class probabilities, got {dtype_of(t.dt).name} in the input's shape "
                f"{list(shape_of(x))}. Class indices lack the dimension of the classes."
            )
        if ignore_index >= 0:
            raise RuntimeError(f"cross_entropy: ignore_index is not supported for floating point target, but is {ignore_index}. Leave it out.")
        if label_smoothing:
            t = t * (1 - label_smoothing) + label_smoothing / max(C, 1)
        loss = scores * t
        if weight is not None:
            loss = loss * weight.reshape(form)
        loss = -loss.sum(dim)
        if reduction == "mean":
            return loss.sum() / (x.n // C if C else 0) if x.nd > 1 else loss
        return reduced(loss, reduction, "cross_entropy")
    if not label_smoothing:
        return nll_loss(scores, t, weight, ignore_index=ignore_index, reduction=reduction)
    hard = nll_loss(scores, t, weight, ignore_index=ignore_index, reduction=reduction)
    ignored = t == ignore_index
    each = -(scores * weight.reshape(form) if weight is not None else scores).sum(dim)
    each = where(ignored, 0, each)
    if reduction == "mean":
        if weight is not None:
            count = where(ignored, 0, weight.index_select(0, where(ignored, 0, t).reshape((-1,))).reshape(t.shape)).sum()
        else:
            count = logical_not(ignored).sum()
        each = each.sum() / count
    elif reduction == "sum":
        each = each.sum()
    return (1 - label_smoothing) * hard + label_smoothing / max(C, 1) * each


__all__ = ["binary_cross_entropy_with_logits", "kl_div"]
functional = [
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div", "nll_loss",
    "cross_entropy",
]
methods = {}
