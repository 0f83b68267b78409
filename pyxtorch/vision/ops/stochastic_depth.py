"""Residual branches that are left out at random."""
import pyxtorch as torch
from pyxtorch import fx, nn

__all__ = ["StochasticDepth", "stochastic_depth"]


def stochastic_depth(input, p, mode, training=True):
    """Set whole samples, or the whole batch, to zero with probability `p`, and divide what stays by 1 - p.

    Args:
        input: shape (N, *).
        p: probability, 0 <= p <= 1.
        mode: "row" draws for each sample, "batch" once.
        training: False gives the input back.
    Raises:
        ValueError: another `p` or `mode`.
    Source:
        Huang et al., "Deep Networks with Stochastic Depth" (2016).
    """
    if not 0 <= p <= 1:
        raise ValueError(f"stochastic_depth: p is {p}. Give a probability, 0 to 1.")
    if mode not in ("batch", "row"):
        raise ValueError(f"stochastic_depth: mode is {mode!r}. Give 'batch' or 'row'.")
    if not training or p == 0:
        return input
    size = [input.shape[0] if mode == "row" else 1] + [1] * (input.ndim - 1)
    kept = torch.empty(size, dtype=input.dtype, device=input.device).bernoulli_(1 - p)
    if p < 1:
        kept.div_(1 - p)
    return input * kept


fx.wrap("stochastic_depth")


class StochasticDepth(nn.Module):
    """`stochastic_depth` while the module trains."""

    def __init__(self, p, mode):
        super().__init__()
        self.p, self.mode = p, mode

    def forward(self, input):
        return stochastic_depth(input, self.p, self.mode, self.training)

    def __repr__(self):
        return f"{type(self).__name__}(p={self.p}, mode={self.mode})"
