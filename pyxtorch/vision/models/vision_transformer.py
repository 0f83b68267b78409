"""Vision Transformer."""
import math
from collections import OrderedDict
from functools import partial
from typing import Any, NamedTuple

import pyxtorch as torch
from pyxtorch import fx, nn
from pyxtorch.vision.models._api import family
from pyxtorch.vision.ops.misc import MLP, Conv2dNormActivation


def _assert(condition, message):
    """An AssertionError unless the condition holds; a node of its own in a recorded graph, where shapes are not known yet."""
    if not condition:
        raise AssertionError(message)


fx.wrap("_assert")


class ConvStemConfig(NamedTuple):
    """A convolution before the transformer."""

    out_channels: int
    kernel_size: int
    stride: int
    norm_layer: Any = nn.BatchNorm2d
    activation_layer: Any = nn.ReLU


class MLPBlock(MLP):
    """Two linear layers with GELU between them."""

    _version = 2  # version 1 called them linear_1 and linear_2

    def __init__(self, in_dim, mlp_dim, dropout):
        super().__init__(in_dim, [mlp_dim, in_dim], activation_layer=nn.GELU, inplace=None, dropout=dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.normal_(module.bias, std=1e-6)

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, *rest):
        if (local_metadata.get("version") or 1) < 2:
            for old, new in (("linear_1", "0"), ("linear_2", "3")):
                for kind in ("weight", "bias"):
                    if f"{prefix}{old}.{kind}" in state_dict:
                        state_dict[f"{prefix}{new}.{kind}"] = state_dict.pop(f"{prefix}{old}.{kind}")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class EncoderBlock(nn.Module):
    """Attention and two linear layers, each normalised before and added to its input: (N, L, hidden_dim) to the same."""

    def __init__(self, num_heads, hidden_dim, mlp_dim, dropout, attention_dropout, norm_layer=partial(nn.LayerNorm, eps=1e-6)):
        super().__init__()
        self.num_heads = num_heads
        self.ln_1 = norm_layer(hidden_dim)
        self.self_attention = nn.MultiheadAttention(hidden_dim, num_heads, dropout=attention_dropout, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.ln_2 = norm_layer(hidden_dim)
        self.mlp = MLPBlock(hidden_dim, mlp_dim, dropout)

    def forward(self, input):
        _assert(input.dim() == 3, f"Expected (batch_size, seq_length, hidden_dim) got {input.shape}")
        x = self.ln_1(input)
        x, _ = self.self_attention(x, x, x, need_weights=False)
        x = self.dropout(x) + input
        return x + self.mlp(self.ln_2(x))


class Encoder(nn.Module):
    """Positions are added, then the blocks run: (N, seq_length, hidden_dim) to the same."""

    def __init__(self, seq_length, num_layers, num_heads, hidden_dim, mlp_dim, dropout, attention_dropout, norm_layer=partial(nn.LayerNorm, eps=1e-6)):
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.empty(1, seq_length, hidden_dim).normal_(std=0.02))
        self.dropout = nn.Dropout(dropout)
        blocks = OrderedDict()
        for i in range(num_layers):
            blocks[f"encoder_layer_{i}"] = EncoderBlock(num_heads, hidden_dim, mlp_dim, dropout, attention_dropout, norm_layer)
        self.layers = nn.Sequential(blocks)
        self.ln = norm_layer(hidden_dim)

    def forward(self, input):
        _assert(input.dim() == 3, f"Expected (batch_size, seq_length, hidden_dim) got {input.shape}")
        return self.ln(self.layers(self.dropout(input + self.pos_embedding)))


class VisionTransformer(nn.Module):
    """Images (N, 3, image_size, image_size) to (N, num_classes).

    Args:
        image_size, patch_size: in pixels; the first is a multiple of the second.
        num_layers, num_heads, hidden_dim, mlp_dim: of the encoder.
        representation_size: width of a layer before the last one; None has none.
        conv_stem_configs: convolutions in the place of the one that cuts patches out, a list of `ConvStemConfig`.
    """

    def __init__(self, image_size, patch_size, num_layers, num_heads, hidden_dim, mlp_dim, dropout=0.0, attention_dropout=0.0, num_classes=1000,
                 representation_size=None, norm_layer=partial(nn.LayerNorm, eps=1e-6), conv_stem_configs=None):  # fmt: skip
        super().__init__()
        _assert(image_size % patch_size == 0, f"VisionTransformer: image_size={image_size} is no multiple of patch_size={patch_size}.")
        self.image_size, self.patch_size, self.hidden_dim, self.mlp_dim = image_size, patch_size, hidden_dim, mlp_dim
        self.attention_dropout, self.dropout, self.num_classes = attention_dropout, dropout, num_classes
        self.representation_size, self.norm_layer = representation_size, norm_layer
        if conv_stem_configs is None:
            self.conv_proj = nn.Conv2d(3, hidden_dim, kernel_size=patch_size, stride=patch_size)
        else:
            self.conv_proj, before = nn.Sequential(), 3
            for i, row in enumerate(conv_stem_configs):
                layer = Conv2dNormActivation(before, row.out_channels, row.kernel_size, row.stride, norm_layer=row.norm_layer, activation_layer=row.activation_layer)
                self.conv_proj.add_module(f"conv_bn_relu_{i}", layer)
                before = row.out_channels
            self.conv_proj.add_module("conv_last", nn.Conv2d(before, hidden_dim, kernel_size=1))
        self.class_token = nn.Parameter(torch.zeros(1, 1, hidden_dim))
        self.seq_length = (image_size // patch_size) ** 2 + 1
        self.encoder = Encoder(self.seq_length, num_layers, num_heads, hidden_dim, mlp_dim, dropout, attention_dropout, norm_layer)
        heads = OrderedDict()
        if representation_size is not None:
            heads["pre_logits"] = nn.Linear(hidden_dim, representation_size)
            heads["act"] = nn.Tanh()
        heads["head"] = nn.Linear(representation_size or hidden_dim, num_classes)
        self.heads = nn.Sequential(heads)
        self._draw()

    def _draw(self):
        if isinstance(self.conv_proj, nn.Conv2d):
            conv = self.conv_proj
            nn.init.trunc_normal_(conv.weight, std=math.sqrt(1 / (conv.in_channels * math.prod(conv.kernel_size))))
        else:
            conv = self.conv_proj.conv_last
            nn.init.normal_(conv.weight, mean=0.0, std=math.sqrt(2.0 / conv.out_channels))
        nn.init.zeros_(conv.bias)
        if hasattr(self.heads, "pre_logits"):
            nn.init.trunc_normal_(self.heads.pre_logits.weight, std=math.sqrt(1 / self.hidden_dim))
            nn.init.zeros_(self.heads.pre_logits.bias)
        nn.init.zeros_(self.heads.head.weight)
        nn.init.zeros_(self.heads.head.bias)

    def _process_input(self, x):
        n, _, h, w = x.shape
        _assert(h == self.image_size, f"Wrong image height! Expected {self.image_size} but got {h}!")
        _assert(w == self.image_size, f"Wrong image width! Expected {self.image_size} but got {w}!")
        rows, columns = h // self.patch_size, w // self.patch_size
        return self.conv_proj(x).reshape(n, self.hidden_dim, rows * columns).permute(0, 2, 1)

    def forward(self, x):
        x = self._process_input(x)
        x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], dim=1)
        return self.heads(self.encoder(x)[:, 0])


def interpolate_embeddings(image_size, patch_size, model_state, interpolation_mode="bicubic", reset_heads=False):
    """A state dict for images of another size: the learned positions, a square grid and one more, are resampled.

    Args:
        model_state: state dict of a `VisionTransformer`; it is changed.
        reset_heads: leave out the last layers.
    Raises:
        ValueError: positions that are not (1, 1 + a square number, hidden_dim).
    """
    positions = model_state["encoder.pos_embedding"]
    n, length, width = positions.shape
    if n != 1:
        raise ValueError(f"Unexpected position embedding shape: {positions.shape}")
    side, new = math.isqrt(length - 1), image_size // patch_size
    if new**2 != length - 1:
        if side * side != length - 1:
            raise ValueError(f"interpolate_embeddings: {length - 1} positions are no square grid.")
        grid = positions[:, 1:].permute(0, 2, 1).reshape(1, width, side, side)
        grid = nn.functional.interpolate(grid, size=new, mode=interpolation_mode, align_corners=True)
        model_state["encoder.pos_embedding"] = torch.cat([positions[:, :1], grid.reshape(1, width, new**2).permute(0, 2, 1)], dim=1)
        if reset_heads:
            model_state = OrderedDict((key, value) for key, value in model_state.items() if not key.startswith("heads"))
    return model_state


def _vit(patch_size, num_layers, num_heads, hidden_dim, mlp_dim):
    return lambda image_size=224, **kwargs: VisionTransformer(image_size, patch_size, num_layers, num_heads, hidden_dim, mlp_dim, **kwargs)


__all__ = ["VisionTransformer", *family(globals(), 'Dosovitskiy et al., "An Image is Worth 16x16 Words" (2021).', {
    "vit_b_16": ("ViT_B_16_Weights", _vit(16, 12, 12, 768, 3072)),
    "vit_b_32": ("ViT_B_32_Weights", _vit(32, 12, 12, 768, 3072)),
    "vit_l_16": ("ViT_L_16_Weights", _vit(16, 24, 16, 1024, 4096)),
    "vit_l_32": ("ViT_L_32_Weights", _vit(32, 24, 16, 1024, 4096)),
    "vit_h_14": ("ViT_H_14_Weights", _vit(14, 32, 16, 1280, 5120)),
}, forced=lambda member, given: {"image_size": member.meta["min_size"][0]})]  # fmt: skip
