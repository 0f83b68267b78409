"""Swin Transformer, versions 1 and 2."""
import math
from functools import partial

import pyxtorch as torch
from pyxtorch import fx, nn
from pyxtorch.nn import functional as F
from pyxtorch.vision.models._api import family
from pyxtorch.vision.ops.misc import MLP, Permute
from pyxtorch.vision.ops.stochastic_depth import StochasticDepth


def _patch_merging_pad(x):
    """Squares of 2x2 beside each other in the last dimension: (..., H, W, C) to (..., ceil(H/2), ceil(W/2), 4 C)."""
    height, width = x.shape[-3:-1]
    x = F.pad(x, (0, 0, 0, width % 2, 0, height % 2))
    return torch.cat([x[..., i::2, j::2, :] for j in (0, 1) for i in (0, 1)], -1)


def _get_relative_position_bias(table, index, window_size):
    n = window_size[0] * window_size[1]
    return table[index].view(n, n, -1).permute(2, 0, 1).contiguous().unsqueeze(0)


fx.wrap("_patch_merging_pad")
fx.wrap("_get_relative_position_bias")


class PatchMerging(nn.Module):
    """Halves the size and doubles the channels: (..., H, W, C) to (..., H/2, W/2, 2 C)."""

    def __init__(self, dim, norm_layer=nn.LayerNorm):
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(4 * dim)

    def forward(self, x):
        return self.reduction(self.norm(_patch_merging_pad(x)))


class PatchMergingV2(nn.Module):
    """`PatchMerging` that normalises after the product."""

    def __init__(self, dim, norm_layer=nn.LayerNorm):
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(2 * dim)

    def forward(self, x):
        return self.norm(self.reduction(_patch_merging_pad(x)))


def _windows(x, window, grid):
    """(B, H, W, C) to (B * windows, positions, C)."""
    n, c = x.shape[0], x.shape[-1]
    x = x.view(n, grid[0], window[0], grid[1], window[1], c).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(n * grid[0] * grid[1], window[0] * window[1], c)


def _separate(x, window, grid, shift):
    """0 where two positions of a shifted window were neighbours before, -100 where the shift has brought them together."""
    zones = x.new_zeros((1, grid[0] * window[0], grid[1] * window[1], 1))
    count = 0
    rows, columns = (((0, -w), (-w, -s), (-s, None)) for w, s in zip(window, shift))
    for top, bottom in rows:
        for left, right in columns:
            zones[:, top:bottom, left:right] = count
            count += 1
    zones = _windows(zones, window, grid).squeeze(-1)
    different = zones.unsqueeze(1) != zones.unsqueeze(2)
    return x.new_zeros(different.shape).masked_fill(different, -100.0)


def shifted_window_attention(input, qkv_weight, proj_weight, relative_position_bias, window_size, num_heads, shift_size, attention_dropout=0.0,
                             dropout=0.0, qkv_bias=None, proj_bias=None, logit_scale=None, training=True):  # fmt: skip
    """Attention within windows of an image, which may be shifted.

    Args:
        input: (N, H, W, C); padded where H or W are no multiples of the window's.
        qkv_weight, qkv_bias: queries, keys and values one below the other, (3 C, C) and (3 C).
        relative_position_bias: added to the scores, (1, num_heads, positions, positions).
        logit_scale: with it the scores are cosines times exp of it, as in version 2, and keys have no bias.
    Returns:
        (N, H, W, C).
    """
    n, height, width, c = input.shape
    x = F.pad(input, (0, 0, 0, -width % window_size[1], 0, -height % window_size[0]))
    padded = x.shape[1:3]
    grid = [size // window for size, window in zip(padded, window_size)]
    shift = [0 if window >= size else step for step, window, size in zip(shift_size, window_size, padded)]
    if sum(shift) > 0:
        x = torch.roll(x, shifts=(-shift[0], -shift[1]), dims=(1, 2))
    x = _windows(x, window_size, grid)
    if logit_scale is not None and qkv_bias is not None:
        qkv_bias = qkv_bias.clone()
        qkv_bias[c : 2 * c].zero_()
    q, k, v = F.linear(x, qkv_weight, qkv_bias).reshape(x.shape[0], x.shape[1], 3, num_heads, c // num_heads).permute(2, 0, 3, 1, 4)
    if logit_scale is not None:
        scores = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1) * torch.clamp(logit_scale, max=math.log(100.0)).exp()
    else:
        scores = (q * (c // num_heads) ** -0.5).matmul(k.transpose(-2, -1))
    scores = scores + relative_position_bias
    if sum(shift) > 0:
        scores = scores.view(n, grid[0] * grid[1], *scores.shape[1:]) + _separate(x, window_size, grid, shift).unsqueeze(1)
        scores = scores.view(-1, *scores.shape[2:])
    attention = F.dropout(F.softmax(scores, dim=-1), p=attention_dropout, training=training)
    x = attention.matmul(v).transpose(1, 2).reshape(x.shape)
    x = F.dropout(F.linear(x, proj_weight, proj_bias), p=dropout, training=training)
    x = x.view(n, grid[0], grid[1], window_size[0], window_size[1], c).permute(0, 1, 3, 2, 4, 5).reshape(n, *padded, c)
    if sum(shift) > 0:
        x = torch.roll(x, shifts=tuple(shift), dims=(1, 2))
    return x[:, :height, :width].contiguous()


fx.wrap("shifted_window_attention")


class ShiftedWindowAttention(nn.Module):
    """`shifted_window_attention` with its parameters: (N, H, W, dim) to the same."""

    def __init__(self, dim, window_size, shift_size, num_heads, qkv_bias=True, proj_bias=True, attention_dropout=0.0, dropout=0.0):
        super().__init__()
        if len(window_size) != 2 or len(shift_size) != 2:
            raise ValueError("window_size and shift_size must be of length 2")
        self.window_size, self.shift_size, self.num_heads = window_size, shift_size, num_heads
        self.attention_dropout, self.dropout = attention_dropout, dropout
        self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim, bias=proj_bias)
        self.define_relative_position_bias_table()
        self.define_relative_position_index()

    def define_relative_position_bias_table(self):
        """A learned number for each difference of positions and each head."""
        rows, columns = self.window_size
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * rows - 1) * (2 * columns - 1), self.num_heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def define_relative_position_index(self):
        """Where in the table each pair of positions is."""
        rows, columns = self.window_size
        places = torch.stack(torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")).flatten(1)
        apart = places[:, :, None] - places[:, None, :]
        self.register_buffer("relative_position_index", ((apart[0] + rows - 1) * (2 * columns - 1) + apart[1] + columns - 1).flatten())

    def get_relative_position_bias(self):
        """(1, num_heads, positions, positions)."""
        return _get_relative_position_bias(self.relative_position_bias_table, self.relative_position_index, self.window_size)

    def forward(self, x):
        return shifted_window_attention(
            x, self.qkv.weight, self.proj.weight, self.get_relative_position_bias(), self.window_size, self.num_heads, shift_size=self.shift_size,
            attention_dropout=self.attention_dropout, dropout=self.dropout, qkv_bias=self.qkv.bias, proj_bias=self.proj.bias,
            logit_scale=getattr(self, "logit_scale", None), training=self.training,
        )  # fmt: skip


class ShiftedWindowAttentionV2(ShiftedWindowAttention):
    """The same with cosines, and biases from a small network."""

    def __init__(self, dim, window_size, shift_size, num_heads, qkv_bias=True, proj_bias=True, attention_dropout=0.0, dropout=0.0):
        super().__init__(dim, window_size, shift_size, num_heads, qkv_bias, proj_bias, attention_dropout, dropout)
        self.logit_scale = nn.Parameter(torch.log(10 * torch.ones((num_heads, 1, 1))))
        self.cpb_mlp = nn.Sequential(nn.Linear(2, 512), nn.ReLU(inplace=True), nn.Linear(512, num_heads, bias=False))
        if qkv_bias:
            with torch.no_grad():
                self.qkv.bias[dim : 2 * dim].zero_()

    def define_relative_position_bias_table(self):
        """Differences of positions, on a logarithmic scale."""
        rows, columns = (torch.arange(1 - size, size, dtype=torch.float32) / (size - 1) for size in self.window_size)
        table = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), dim=-1).unsqueeze(0) * 8
        self.register_buffer("relative_coords_table", torch.sign(table) * torch.log2(table.abs() + 1.0) / 3.0)

    def get_relative_position_bias(self):
        """(1, num_heads, positions, positions)."""
        table = self.cpb_mlp(self.relative_coords_table).view(-1, self.num_heads)
        return 16 * torch.sigmoid(_get_relative_position_bias(table, self.relative_position_index, self.window_size))


class SwinTransformerBlock(nn.Module):
    """Attention in windows and two linear layers: (N, H, W, dim) to the same."""

    def __init__(self, dim, num_heads, window_size, shift_size, mlp_ratio=4.0, dropout=0.0, attention_dropout=0.0, stochastic_depth_prob=0.0,
                 norm_layer=nn.LayerNorm, attn_layer=ShiftedWindowAttention):  # fmt: skip
        super().__init__()
        self.norm1 = norm_layer(dim)
        self.attn = attn_layer(dim, window_size, shift_size, num_heads, attention_dropout=attention_dropout, dropout=dropout)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.norm2 = norm_layer(dim)
        self.mlp = MLP(dim, [int(dim * mlp_ratio), dim], activation_layer=nn.GELU, inplace=None, dropout=dropout)
        for module in self.mlp.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.normal_(module.bias, std=1e-6)

    def forward(self, x):
        x = x + self.stochastic_depth(self.attn(self.norm1(x)))
        return x + self.stochastic_depth(self.mlp(self.norm2(x)))


class SwinTransformerBlockV2(SwinTransformerBlock):
    """The same, normalised after the layers instead of before them."""

    def __init__(self, *args, attn_layer=ShiftedWindowAttentionV2, **kwargs):
        super().__init__(*args, attn_layer=attn_layer, **kwargs)

    def forward(self, x):
        x = x + self.stochastic_depth(self.norm1(self.attn(x)))
        return x + self.stochastic_depth(self.norm2(self.mlp(x)))


class SwinTransformer(nn.Module):
    """Images (N, 3, H, W) to (N, num_classes).

    Args:
        patch_size, window_size: heights and widths, lists of two.
        embed_dim: channels of the first stage; each next one has twice as many.
        depths, num_heads: of each stage.
        stochastic_depth_prob: that of the last block; it grows from 0.
    """

    def __init__(self, patch_size, embed_dim, depths, num_heads, window_size, mlp_ratio=4.0, dropout=0.0, attention_dropout=0.0,
                 stochastic_depth_prob=0.1, num_classes=1000, norm_layer=None, block=None, downsample_layer=PatchMerging):  # fmt: skip
        super().__init__()
        self.num_classes = num_classes
        block, norm_layer = block or SwinTransformerBlock, norm_layer or partial(nn.LayerNorm, eps=1e-5)
        patch, width, done = tuple(patch_size), embed_dim, 0
        layers = [nn.Sequential(nn.Conv2d(3, width, kernel_size=patch, stride=patch), Permute([0, 2, 3, 1]), norm_layer(width))]
        for stage, (depth, heads) in enumerate(zip(depths, num_heads)):
            blocks = []
            for i in range(depth):
                shift = [0 if i % 2 == 0 else size // 2 for size in window_size]
                probability = stochastic_depth_prob * float(done) / (sum(depths) - 1)
                blocks.append(block(width, heads, window_size=window_size, shift_size=shift, mlp_ratio=mlp_ratio, dropout=dropout,
                                    attention_dropout=attention_dropout, stochastic_depth_prob=probability, norm_layer=norm_layer))  # fmt: skip
                done += 1
            layers.append(nn.Sequential(*blocks))
            if stage < len(depths) - 1:
                layers.append(downsample_layer(width, norm_layer))
                width *= 2
        self.features = nn.Sequential(*layers)
        self.norm = norm_layer(width)
        self.permute = Permute([0, 3, 1, 2])
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten(1)
        self.head = nn.Linear(width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x):
        x = self.permute(self.norm(self.features(x)))
        return self.head(self.flatten(self.avgpool(x)))


def _swin(width, depth, heads, window, probability, **parts):
    return lambda **kwargs: SwinTransformer(
        [4, 4], width, [2, 2, depth, 2], [heads * 2**i for i in range(4)], [window, window], **{"stochastic_depth_prob": probability, **parts, **kwargs}
    )


_SECOND = {"block": SwinTransformerBlockV2, "downsample_layer": PatchMergingV2}
__all__ = ["SwinTransformer", *family(globals(), 'Liu et al., "Swin Transformer" (2021); "Swin Transformer V2" (2022).', {
    "swin_t": ("Swin_T_Weights", _swin(96, 6, 3, 7, 0.2)),
    "swin_s": ("Swin_S_Weights", _swin(96, 18, 3, 7, 0.3)),
    "swin_b": ("Swin_B_Weights", _swin(128, 18, 4, 7, 0.5)),
    "swin_v2_t": ("Swin_V2_T_Weights", _swin(96, 6, 3, 8, 0.2, **_SECOND)),
    "swin_v2_s": ("Swin_V2_S_Weights", _swin(96, 18, 3, 8, 0.3, **_SECOND)),
    "swin_v2_b": ("Swin_V2_B_Weights", _swin(128, 18, 4, 8, 0.5, **_SECOND)),
})]  # fmt: skip
