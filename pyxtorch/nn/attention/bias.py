"""torch.nn.attention.bias: causal masks for attention between sequences of two lengths."""
import enum

import pyxtorch
from pyxtorch import Tensor
from pyxtorch._C import _disabled_torch_function_impl

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(enum.IntEnum):
    """Which corner of the mask the diagonal goes through."""

    UPPER_LEFT = 1
    LOWER_RIGHT = 2


class CausalBias(Tensor):
    """A bool mask (L, S), True where a query may look: the `attn_mask` of `scaled_dot_product_attention`, on the device of the queries."""

    __torch_function__ = _disabled_torch_function_impl  # a mask like others: operations need not look for it

    def __new__(cls, variant, seq_len_q, seq_len_kv):
        if not isinstance(variant, CausalVariant):
            raise TypeError(f"CausalBias: expected a CausalVariant, not {type(variant).__name__}.")
        shift = 0 if variant == CausalVariant.UPPER_LEFT else seq_len_kv - seq_len_q
        return Tensor._make_subclass(cls, pyxtorch.ones(seq_len_q, seq_len_kv, dtype=pyxtorch.bool).tril(shift), False)

    def __init__(self, variant, seq_len_q, seq_len_kv):
        self.variant, self.seq_len_q, self.seq_len_kv = variant, seq_len_q, seq_len_kv

    def _materialize(self, device=None):
        """The mask as an ordinary tensor."""
        return self.as_subclass(Tensor).to(device=device or self.device)


def causal_upper_left(*size):
    """The mask (L, S) in which query i sees the keys 0..i."""
    return _made(CausalVariant.UPPER_LEFT, size)


def causal_lower_right(*size):
    """The mask (L, S) in which the last query sees all keys, the one before it all but one, and so on."""
    return _made(CausalVariant.LOWER_RIGHT, size)


def _made(variant, size):
    if len(size) != 2:
        raise RuntimeError(f"causal_{variant.name.lower()} only supports 2D tensors, got {len(size)} sizes.")
    return CausalBias(variant, *size)
