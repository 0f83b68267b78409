"""What tangents cost: the forward pass of several models with tangents against the same pass without, measured in turns.

    python benchmarks/forward_mode.py [--rounds 7] [--only gpt]

Two ratios for each model: with a tangent of its input (of the embedded input where that is text), and with tangents of all
parameters as well. The second cannot be below 3 where products take all the time: three products take the place of one.
"""
import argparse
import time

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.func import functional_call, jvp


def mlp(*sizes):
    layers = [layer for m, n in zip(sizes, sizes[1:]) for layer in (nn.Linear(m, n), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def lenet():
    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), mlp(400, 120, 84, 10))


class Residual(nn.Module):
    def __init__(self, c, d, stride):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(c, d, 3, stride, 1, bias=False), nn.BatchNorm2d(d), nn.ReLU(), nn.Conv2d(d, d, 3, 1, 1, bias=False), nn.BatchNorm2d(d))
        self.shortcut = nn.Identity() if (c, stride) == (d, 1) else nn.Sequential(nn.Conv2d(c, d, 1, stride, bias=False), nn.BatchNorm2d(d))

    def forward(self, x):
        return (self.body(x) + self.shortcut(x)).relu()


def resnet():
    widths = [64, 64, 64, 128, 128, 256, 256, 512, 512]
    blocks = [Residual(c, d, 1 if c == d else 2) for c, d in zip(widths, widths[1:])]
    return nn.Sequential(nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(200, 200, 2), nn.Linear(200, 10000)

    def forward(self, x):
        return self.head(self.lstm(x)[0]).flatten(0, 1)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(self.first(x)).view(batch, length, 3 * self.heads, -1).transpose(1, 2).chunk(3, dim=1)
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(batch, length, width))
        return x + self.mlp(self.second(x))


def gpt():
    return nn.Sequential(*(Block(256, 8) for _ in range(4)), nn.LayerNorm(256), nn.Linear(256, 5000), nn.Flatten(0, 1))


MODELS = {
    "mlp 784-512-256-10, batch 64": (lambda: mlp(784, 512, 256, 10), (64, 784)),
    "lenet, batch 64": (lenet, (64, 1, 28, 28)),
    "resnet18, batch 8 of 32x32": (resnet, (8, 3, 32, 32)),
    "lstm 2 layers of 200, batch 20, length 35": (Recurrent, (35, 20, 200)),
    "gpt 4 layers of 256, batch 8 of 128": (gpt, (8, 128, 256)),
}


def best(call, seconds=0.05):
    """The least time of one call, in seconds."""
    least, end = float("inf"), time.perf_counter() + seconds
    while True:
        start = time.perf_counter()
        call()
        now = time.perf_counter()
        least = min(least, now - start)
        if now > end:
            return least


def measured(make, shape, rounds):
    """(seconds of a pass, its ratio with a tangent of the input, and with those of the parameters): medians."""
    torch.manual_seed(0)
    model = make()
    x, v = torch.randn(*shape), torch.randn(*shape)
    target = torch.randint(0, 10, (len(model(x)),))
    parameters = {n: p.detach() for n, p in model.named_parameters()}
    directions = {n: torch.randn_like(p) for n, p in parameters.items()}

    def loss(x, parameters=parameters):
        return nn.functional.cross_entropy(functional_call(model, parameters, (x,)), target)

    calls = [lambda: loss(x), lambda: jvp(loss, (x,), (v,)), lambda: jvp(loss, (x, parameters), (v, directions))]
    with torch.no_grad():
        for call in calls:
            call()
        times = [[best(call) for call in calls] for _ in range(rounds)]
    return [sorted(column)[rounds // 2] for column in zip(*[[t[0], t[1] / t[0], t[2] / t[0]] for t in times])]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--only", default="")
    given = arguments.parse_args()
    print(f"{'':46}{'forward':>10}{'input':>8}{'and parameters':>16}")
    for name, (make, shape) in MODELS.items():
        if given.only in name:
            plain, first, both = measured(make, shape, given.rounds)
            print(f"{name:46}{plain * 1e3:7.2f} ms{first:8.2f}{both:16.2f}")


if __name__ == "__main__":
    main()
