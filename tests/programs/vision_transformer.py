"""A vision transformer from its parts: patches by a convolution, a class token, attention by einsum, learning rate by cosine."""
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from same import fill, say


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.scale = heads, (dim // heads) ** -0.5
        self.to_qkv, self.proj = nn.Linear(dim, dim * 3, bias=False), nn.Linear(dim, dim)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.to_qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        attn = torch.einsum("bhid,bhjd->bhij", q, k).mul(self.scale).softmax(dim=-1)
        return self.proj(torch.einsum("bhij,bhjd->bhid", attn, v).transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.norm1, self.attn, self.norm2 = nn.LayerNorm(dim), Attention(dim, heads), nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Dropout(0.0), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, size=12, patch=4, dim=16, depth=2, heads=4, classes=3):
        super().__init__()
        self.embed = nn.Conv2d(1, dim, patch, stride=patch)
        self.cls = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos = nn.Parameter(torch.zeros(1, (size // patch) ** 2 + 1, dim))
        self.blocks = nn.Sequential(*[Block(dim, heads) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, classes)
        nn.init.trunc_normal_(self.pos, std=0.02)

    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.cls.expand(x.shape[0], -1, -1), x), dim=1) + self.pos
        return self.head(self.norm(self.blocks(x))[:, 0])


rng = np.random.RandomState(0)
y = torch.from_numpy(rng.randint(0, 3, 60))
stripes = np.stack([np.tile(np.sin(np.arange(12)), (12, 1)), np.tile(np.sin(np.arange(12)), (12, 1)).T, np.add.outer(np.arange(12), np.arange(12)) % 3 - 1.0])
x = torch.from_numpy(stripes[y.numpy()][:, None] + 0.4 * rng.standard_normal((60, 1, 12, 12))).float()
model = fill(ViT())
for module in model.modules():
    if isinstance(module, nn.LayerNorm):
        nn.init.ones_(module.weight)
        nn.init.zeros_(module.bias)
optimizer = optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
for step in range(40):
    loss = criterion(model(x), y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    if step in (0, 5):
        say(f"loss_{step}", loss)
model.eval()
accuracy = (model(x).argmax(1) == y).float().mean().item()
assert accuracy > 0.9, accuracy
