"""Losses."""
import numpy as np
import scipy.special as sp

import pyxtorch as torch
from pyxtorch.testing.operations import FLOAT, WIDE, Error, Op, S, given, index, tensor

LARGE = (131, 1009)


def reduce(loss, reduction="mean"):
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss


def by_element(loss):
    """A loss of each element, averaged."""
    def reference(x, y, *args, reduction="mean", **named):
        return reduce(loss(*np.broadcast_arrays(x, y), *args, **named), reduction)
    return reference


def nll_loss(x, target, weight=None, ignore_index=-100, reduction="mean"):
    classes = np.moveaxis(x, 1, -1) if x.ndim > 1 else x
    w = np.ones(classes.shape[-1]) if weight is None else weight
    kept = target != ignore_index
    safe = np.where(kept, target, 0)
    factor = w[safe] * kept
    loss = -np.take_along_axis(classes, safe[..., None], -1)[..., 0] * factor
    return loss.sum() / factor.sum() if reduction == "mean" else reduce(loss, reduction)


def cross_entropy(x, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    logs = sp.log_softmax(x, 1 if x.ndim > 1 else 0)
    if target.dtype.kind == "f":
        c = x.shape[1]
        target = target * (1 - label_smoothing) + label_smoothing / c
        w = 1 if weight is None else weight.reshape(1, -1, *[1] * (x.ndim - 2))
        loss = -(logs * target * w).sum(1)
        return loss.sum() / (loss.size) if reduction == "mean" else reduce(loss, reduction)
    plain = nll_loss(logs, target, weight, ignore_index, reduction)
    if not label_smoothing:
        return plain
    c = x.shape[1]
    w = np.ones(c) if weight is None else weight
    kept = target != ignore_index
    smooth = -(np.moveaxis(logs, 1, -1) * w).sum(-1) * kept
    smooth = smooth.sum() / (w[np.where(kept, target, 0)] * kept).sum() if reduction == "mean" else reduce(smooth, reduction)
    return (1 - label_smoothing) * plain + label_smoothing / c * smooth


def smooth_l1(x, y, beta=1.0):
    d = np.abs(x - y)
    return np.where(d < beta, 0.5 * d * d / beta, d - 0.5 * beta)


def huber(x, y, delta=1.0):
    d = np.abs(x - y)
    return np.where(d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta))


def bce(x, y, weight=1):
    return -weight * (sp.xlogy(y, x) + sp.xlogy(1 - y, 1 - x))


def bce_logits(x, y, weight=1, pos_weight=1):
    return weight * (pos_weight * y * np.logaddexp(0, -x) + (1 - y) * np.logaddexp(0, x))


def kl_div(x, y, log_target=False):
    return np.exp(y) * (y - x) if log_target else sp.xlogy(y, y) - y * x


def distance(a, b, p=2.0, eps=1e-6):
    return (np.abs(a - b + eps) ** p).sum(-1) ** (1 / p)


def op(name, *samples, reference, **named):
    return Op("nn.functional." + name, *samples, reference=reference, **{"dtypes": FLOAT, **named})


def pairs(name, loss, *more, mean=True, **named):
    samples = [S((2, 3), (2, 3)), S((), ())] if mean else []
    samples += [S((2, 3), (2, 3), reduction="none"), S((2, 3, 2), (2, 3, 2), reduction="sum"), S((), (), reduction="sum")]
    errors = [Error(ValueError, "reduction|is not a valid value", (2,), (2,), reduction="average")]
    return op(name, *samples, *more, reference=by_element(loss), **{"large": S(LARGE, LARGE), "errors": errors, **named})


CLASSES = index(4, high=3)
UNIT = [(0.1, 0.9), (0.1, 0.9)]
# Means and sums over a few elements, each rounded before: a little wider in half precision.
HALF = {torch.float16: (2e-3, 2e-3), torch.bfloat16: (1.6e-2, 1.6e-2)}
OPS = [
    pairs("mse_loss", lambda x, y: (x - y) ** 2, tol=HALF), pairs("l1_loss", lambda x, y: np.abs(x - y), tol=HALF),
    pairs("smooth_l1_loss", smooth_l1, S((2, 3), (2, 3), beta=0.3), tol=HALF, errors=[Error(RuntimeError, "beta", (2,), (2,), beta=-1.0)]),
    pairs("huber_loss", huber, S((2, 3), (2, 3), delta=0.3), tol=HALF, errors=[Error(RuntimeError, "delta", (2,), (2,), delta=-1.0)]),
    pairs("binary_cross_entropy", bce, S((2, 3), (2, 3), tensor(3, low=0.1, high=2, grad=False)), domain=UNIT, singular=(0.0, 1.0), tol=HALF, errors=[Error(RuntimeError, "0 and 1|between", given([2.0, 0.5]), given([1.0, 0.0])),
          Error(ValueError, "size|shape", (2,), (3,))]),
    pairs("binary_cross_entropy_with_logits", bce_logits, S((2, 3), (2, 3), pos_weight=tensor(3, low=0.5, high=2, grad=False)), domain=[(-3, 3), (0, 1)], tol=HALF, errors=[Error(ValueError, "size|shape", (2,), (3,))]),
    pairs("kl_div", kl_div, S((2, 3), (2, 3), log_target=True, reduction="sum"), mean=False, large=S(LARGE, LARGE, reduction="sum"), domain=[(-2, 2), (0.1, 1)], singular=(0.0, 1.0), tol=HALF),
    op("kl_div", S((2, 3), (2, 3), reduction="batchmean"), domain=[(-2, 2), (0.1, 1)], reference=lambda x, y, reduction: kl_div(x, y).sum() / len(x), singular=(0.0, 1.0), tol=HALF),
    op("nll_loss", S((4, 3), CLASSES), S((4, 3), CLASSES, tensor(3, low=0.1, high=2, grad=False)), S((4, 3), given([0, 2, 1, 2]), ignore_index=2), S((2, 3, 5), index(2, 5, high=3), reduction="none"),
       S((2, 3, 2, 2), index(2, 2, 2, high=3), reduction="sum"), S((3,), given(1)), reference=nll_loss, large=S(LARGE, index(131, high=1009)), tol=HALF,
       errors=[Error(IndexError, "out of|range|bounds", (2, 3), given([0, 3])), Error(IndexError, "out of|range|bounds", (2, 3), given([0, -1])), Error(ValueError, "batch_size|batch", (2, 3), given([0, 1, 2]))]),
    op("cross_entropy", S((4, 3), CLASSES), S((4, 3), CLASSES, tensor(3, low=0.1, high=2, grad=False)), S((4, 3), given([0, 2, 1, 2]), ignore_index=2, label_smoothing=0.1), S((2, 3, 5), index(2, 5, high=3), reduction="none"),
       S((4, 3), tensor(4, 3, low=0.1, high=0.9)), S((4, 3), CLASSES, tensor(3, low=0.1, high=2, grad=False), label_smoothing=0.2), reference=cross_entropy, large=S(LARGE, index(131, high=1009)), tol=HALF,
       errors=[Error(IndexError, "out of|range|bounds", (2, 3), given([0, 3])), Error((ValueError, RuntimeError), "batch|size", (2, 3), given([0, 1, 2]))]),
    op("poisson_nll_loss", S((2, 3), (2, 3)), S((2, 3), (2, 3), log_input=False, reduction="none"), domain=[(0.2, 2), (0.2, 2)], singular=(0.0, 1.0), tol=HALF,
       reference=by_element(lambda x, y, log_input=True: np.exp(x) - y * x if log_input else x - y * np.log(x + 1e-8))),
    op("gaussian_nll_loss", S((2, 3), (2, 3), tensor(2, 3, low=0.5, high=2)), S((2, 3), (2, 3), tensor(2, 3, low=0.5, high=2), full=True, reduction="sum"), singular=(0.0, 1.0), tol=HALF,
       reference=by_element(lambda x, y, var, full=False: 0.5 * (np.log(var) + (x - y) ** 2 / var) + (0.5 * np.log(2 * np.pi) if full else 0))),
    op("hinge_embedding_loss", S((2, 3), given([[1.0, -1.0, 1.0]] * 2)), tol=HALF, avoid=[1], reference=by_element(lambda x, y, margin=1.0: np.where(y == 1, x, np.maximum(0, margin - x))), dtypes=WIDE),
    op("margin_ranking_loss", S((5,), (5,), given([1.0, -1, 1, 1, -1]), margin=0.3), reference=lambda a, b, y, margin: np.maximum(0, -y * (a - b) + margin).mean(), dtypes=(torch.float64,)),
    op("soft_margin_loss", S((2, 3), given([[1.0, -1.0, 1.0]] * 2)), reference=by_element(lambda x, y: np.log1p(np.exp(-y * x))), dtypes=(torch.float64,)),
    op("multilabel_soft_margin_loss", S((2, 3), given([[1.0, 0.0, 1.0]] * 2)), reference=lambda x, y: bce_logits(x, y).mean(-1).mean(), dtypes=(torch.float64,)),
    op("multi_margin_loss", S((3, 4), given([0, 2, 3])), reference=lambda x, y: np.mean([sum(max(0, 1 - x[i, y[i]] + x[i, j]) for j in range(4) if j != y[i]) / 4 for i in range(3)]), tol=HALF,
       errors=[Error((RuntimeError, IndexError), "range|target|index", (2, 3), given([0, 3]))]),
    op("multilabel_margin_loss", S((2, 3), given([[1, -1, 0], [0, 2, -1]])), reference=lambda x, y: ((max(0, 1 - x[0, 1] + x[0, 0]) + max(0, 1 - x[0, 1] + x[0, 2])) / 3
       + sum(max(0, 1 - x[1, t] + x[1, 1]) for t in (0, 2)) / 3) / 2, tol=HALF),
    op("cosine_embedding_loss", S((3, 4), (3, 4), given([1, -1, 1]), margin=0.1), dtypes=WIDE, tol={torch.float32: (1e-5, 1e-5)}, reference=lambda a, b, y, margin: (lambda c: np.where(y == 1, 1 - c, np.maximum(0, c - margin)).mean())(
       (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1)))),
    op("triplet_margin_loss", S((3, 4), (3, 4), (3, 4)), S((3, 4), (3, 4), (3, 4), margin=2.0, swap=True), dtypes=WIDE, reference=lambda a, p, n, margin=1.0, swap=False: np.maximum(0, distance(a, p) - (
       np.minimum(distance(a, n), distance(p, n)) if swap else distance(a, n)) + margin).mean()),
    op("pairwise_distance", S((3, 4), (3, 4)), S((3, 4), (4,), p=3.0, keepdim=True), dtypes=WIDE, reference=lambda a, b, p=2.0, keepdim=False: distance(a, b, p)[..., None] if keepdim else distance(a, b, p)),
    op("cosine_similarity", S((3, 4), (3, 4)), S((3, 4), (3, 4), dim=0), dtypes=WIDE, reference=lambda a, b, dim=1: (a * b).sum(dim) / np.sqrt((a * a).sum(dim) * (b * b).sum(dim))),
    op("pdist", S((4, 3)), S((4, 3), 1.0), dtypes=WIDE, reference=lambda x, p=2.0: np.array([(np.abs(x[i] - x[j]) ** p).sum() ** (1 / p) for i in range(len(x)) for j in range(i + 1, len(x))])),
    op("ctc_loss", S(tensor(6, 2, 4), given([[1, 2, 1], [3, 1, 0]]), given([6, 5]), given([3, 2]), reduction="none"), dtypes=(torch.float64,), gradgrad=False, layouts=False,
       reference=lambda x, t, n, m, reduction: np.array([ctc(x[:n[i], i], t[i, :m[i]]) for i in range(2)]), function=lambda x, *args, **named: torch.nn.functional.ctc_loss(x.log_softmax(2), *args, **named)),
]


def ctc(x, target):
    """-log of the summed probability of all alignments, found by trying every one."""
    import itertools

    logs = sp.log_softmax(x, 1)
    total = -np.inf
    for path in itertools.product(range(x.shape[1]), repeat=len(x)):
        merged = [c for i, c in enumerate(path) if c and (i == 0 or path[i - 1] != c)]
        if merged == list(target):
            total = np.logaddexp(total, sum(logs[i, c] for i, c in enumerate(path)))
    return -total


def test_cross_entropy_of_certain_predictions():
    x = torch.tensor([[1e4, 0.0]], requires_grad=True)
    loss = torch.nn.functional.cross_entropy(x, torch.tensor([1]))
    loss.backward()
    assert loss.item() == 1e4 and x.grad.tolist() == [[1.0, -1.0]]


def test_mean_over_nothing_that_counts_is_nan():
    x = torch.zeros(2, 3)
    assert np.isnan(torch.nn.functional.cross_entropy(x, torch.tensor([-100, -100])).item())
