"""Train a small GPT on the project's own documentation, character by character, and let it write.

    python examples/char_lm.py --steps 1200 --out examples/out
"""
import argparse
import math
import os
import sys
import time
from pathlib import Path

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import functional as F

ROOT = Path(__file__).resolve().parent.parent
PEAK = 3e-3  # of the learning rate


class Attention(nn.Module):
    """Causal self-attention: (N, T, width) in and out."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        n, t, width = x.shape
        q, k, v = self.qkv(x).view(n, t, 3 * self.heads, width // self.heads).transpose(1, 2).chunk(3, dim=1)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(n, t, width))


class Block(nn.Module):
    """Attention and a two-layer network, each added to its input."""

    def __init__(self, width, heads):
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(width), Attention(width, heads))
        self.mlp = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(x)
        return x + self.mlp(x)


class GPT(nn.Module):
    """Scores of the next character for each position: (N, T) of int64 -> (N, T, vocabulary)."""

    def __init__(self, vocabulary, length, width=96, heads=4, layers=3):
        super().__init__()
        self.length = length
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.randn(length, width) * 0.02)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, ids):
        x = self.tokens(ids) + self.positions[: ids.shape[1]]
        return self.head(self.norm(self.blocks(x)))

    @torch.no_grad()
    def write(self, ids, count, temperature=0.5):
        """Continue `ids`, shape (1, T), by `count` characters drawn from the scores."""
        self.eval()
        for _ in range(count):
            scores = self(ids[:, -self.length :])[:, -1] / temperature
            ids = torch.cat([ids, torch.multinomial(F.softmax(scores, dim=-1), 1)], dim=1)
        return ids


def load_text():
    """README, docs and changelog, one after the other."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    return "\n".join(page.read_text(encoding="utf-8") for page in pages if page.exists())


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--prompt", default="pyxtorch ")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "out")
    args = parser.parse_args()
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        if not os.access(args.out, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        sys.exit(f"char_lm.py: cannot write to --out {args.out}: {error.strerror}")
    torch.manual_seed(args.seed)
    text = load_text()
    if len(text) <= args.length + 1:
        sys.exit(f"char_lm.py: there is no text to learn from: README.md and docs/ were not found in {ROOT}")
    characters = sorted(set(text))
    number = {c: i for i, c in enumerate(characters)}
    data = torch.tensor([number[c] for c in text])
    model = GPT(len(characters), args.length)
    print(f"{len(text):,} characters, {len(characters)} different ones; {sum(p.numel() for p in model.parameters()):,} parameters")
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK, weight_decay=0.01)
    window = torch.arange(args.length)
    start, recent = time.perf_counter(), []
    for step in range(1, args.steps + 1):
        for group in optimizer.param_groups:  # a warm-up, then a half cosine
            group["lr"] = PEAK * min(1.0, step / 20) * (0.55 + 0.45 * math.cos(math.pi * step / args.steps))
        places = torch.randint(len(data) - args.length - 1, (args.batch, 1)) + window
        loss = F.cross_entropy(model(data[places]).flatten(0, 1), data[places + 1].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        recent.append(loss.detach())
        if step % 20 == 0 or step == args.steps:
            print(f"\rstep {step:4d}/{args.steps}  loss {torch.stack(recent).mean().item():.3f}  {time.perf_counter() - start:5.1f} s", end="", flush=True)
            recent.clear()
    print()
    prompt = torch.tensor([[number[c] for c in args.prompt if c in number] or [number["\n"]]])
    written = "".join(characters[i] for i in model.write(prompt, 300)[0].tolist())
    torch.save(model.state_dict(), args.out / "char_lm.pt")
    print(written)


if __name__ == "__main__":
    main()
