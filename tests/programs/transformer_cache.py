"""A transformer with rotary places and grouped heads; what it writes with a cache of keys and values is what it writes without one."""
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from same import fill, say


@dataclass
class Config:
    words: int = 11
    size: int = 32
    heads: int = 4
    groups: int = 2
    layers: int = 2


class RMSNorm(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x):
        return x * torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + 1e-5).type_as(x) * self.weight


def rotate(x, start):
    half = x.size(-1) // 2
    turns = torch.arange(start, start + x.size(2))[:, None] / 100 ** (torch.arange(half) / half)
    turns = torch.polar(torch.ones_like(turns), turns)
    pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], half, 2))
    return torch.view_as_real(pairs * turns).flatten(-2).type_as(x)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c, self.head = c, c.size // c.heads
        self.norm1, self.norm2 = RMSNorm(c.size), RMSNorm(c.size)
        self.qkv = nn.Linear(c.size, (c.heads + 2 * c.groups) * self.head, bias=False)
        self.out = nn.Linear(c.size, c.size, bias=False)
        self.up, self.gate, self.down = (nn.Linear(*s, bias=False) for s in ((c.size, 64), (c.size, 64), (64, c.size)))

    def forward(self, x, cache=None):
        b, t, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, -1, self.head).transpose(1, 2).split([self.c.heads, self.c.groups, self.c.groups], dim=1)
        start = 0 if cache is None or not cache else cache[0].size(2)
        q, k = rotate(q, start), rotate(k, start)
        if cache is not None:
            if cache:
                k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
            cache[:] = [k, v]
        y = F.scaled_dot_product_attention(q, k, v, is_causal=start == 0 and t > 1, enable_gqa=True)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, -1))
        h = self.norm2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Transformer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embedding = nn.Embedding(c.words, c.size)
        self.blocks = nn.ModuleList([Block(c) for _ in range(c.layers)])
        self.norm, self.head = RMSNorm(c.size), nn.Linear(c.size, c.words, bias=False)

    def forward(self, x, caches=None):
        x = self.embedding(x)
        for i, block in enumerate(self.blocks):
            x = block(x, None if caches is None else caches[i])
        return self.head(self.norm(x))


model = fill(Transformer(Config()))
for block in model.blocks:
    nn.init.ones_(block.norm1.weight), nn.init.ones_(block.norm2.weight)
nn.init.ones_(model.norm.weight)
data = (torch.arange(12)[None] * torch.arange(1, 11)[:, None]) % 11  # rows that count by 1, 2, ... modulo 11
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for step in range(80):
    loss = F.cross_entropy(model(data[:, :-1]).flatten(0, 1)[10::1], data[:, 1:].flatten()[10::1])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step in (0, 10):
        say(f"loss{step}", loss)
model.eval()
with torch.inference_mode():
    plain = data[:, :3]
    for _ in range(9):
        plain = torch.cat([plain, model(plain)[:, -1:].argmax(-1)], 1)
    caches = [[] for _ in model.blocks]
    cached, step = data[:, :3], data[:, :3]
    for _ in range(9):
        step = model(step, caches)[:, -1:].argmax(-1)
        cached = torch.cat([cached, step], 1)
assert torch.equal(plain, cached)
assert (cached[:, 4:] == data[:, 4:]).float().mean() > 0.9
