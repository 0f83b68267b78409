"""The loss of detectors, which have few objects and much background."""
import pyxtorch as torch
from pyxtorch.nn import functional as F
from pyxtorch.vision.ops._utils import reduced

__all__ = ["sigmoid_focal_loss"]


def sigmoid_focal_loss(inputs, targets, alpha=0.25, gamma=2, reduction="none"):
    """Binary cross entropy, weighted by (1 - p) ** gamma with p the probability of what is right.

    Args:
        inputs, targets: scores, and 0 or 1, of one shape.
        alpha: weight of the ones, 1 - alpha of the zeros; -1 weights neither.
        reduction: "none", "mean" or "sum".
    Raises:
        ValueError: another `alpha` or `reduction`.
    Source:
        Lin et al., "Focal Loss for Dense Object Detection" (2017).
    """
    if not 0 <= alpha <= 1 and alpha != -1:
        raise ValueError(f"Invalid alpha value: {alpha}. alpha must be in the range [0,1] or -1 for ignore.")
    p = torch.sigmoid(inputs)
    right = p * targets + (1 - p) * (1 - targets)
    loss = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none") * (1 - right) ** gamma
    if alpha >= 0:
        loss = (alpha * targets + (1 - alpha) * (1 - targets)) * loss
    return reduced(loss, reduction)
