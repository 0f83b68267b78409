"""Training steps eager, compiled, and in PyTorch where it is installed: microseconds a step.

    python benchmarks/compile.py [--torch]
"""
import sys
import time

import pyxtorch


def steps(torch):
    """name: (function, arguments)"""
    nn, F = torch.nn, torch.nn.functional

    def supervised(model, loss_of, batch, adam):
        opt = torch.optim.Adam(model.parameters(), lr=1e-3) if adam else torch.optim.SGD(model.parameters(), lr=1e-2)

        def step(x, y):
            opt.zero_grad()
            loss = loss_of(model(x), y)
            loss.backward()
            opt.step()
            return loss
        return step, batch

    def mlp(*sizes):
        layers = []
        for a, b in zip(sizes, sizes[1:], strict=False):
            layers += [nn.Linear(a, b), nn.ReLU()]
        return nn.Sequential(*layers[:-1])

    class Block(nn.Module):
        def __init__(self, width, heads):
            super().__init__()
            self.heads = heads
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
            self.up, self.down, self.drop = nn.Linear(width, 4 * width), nn.Linear(4 * width, width), nn.Dropout(0.1)

        def forward(self, x):
            b, t, w = x.shape
            q, k, v = (y.view(b, t, self.heads, w // self.heads).transpose(1, 2) for y in self.qkv(self.first(x)).chunk(3, -1))
            y = torch.softmax(q @ k.transpose(-2, -1) / (w // self.heads) ** 0.5, -1) @ v
            x = x + self.drop(self.out(y.transpose(1, 2).reshape(b, t, w)))
            return x + self.down(F.gelu(self.up(self.second(x))))

    class Cell(nn.Module):
        def __init__(self, n):
            super().__init__()
            self.n, self.x, self.h = n, nn.Linear(n, 4 * n), nn.Linear(n, 4 * n)

        def forward(self, x):
            h = c = torch.zeros(x.shape[1], self.n)
            for t in range(x.shape[0]):
                i, f, g, o = (self.x(x[t]) + self.h(h)).chunk(4, 1)
                c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
                h = torch.sigmoid(o) * torch.tanh(c)
            return h

    r = torch.randn
    return {
        "MLP 16-16-16-1, batch 1, SGD": supervised(mlp(16, 16, 16, 1), F.mse_loss, (r(1, 16), r(1, 1)), False),
        "MLP 16-16-16-1, batch 16, SGD": supervised(mlp(16, 16, 16, 1), F.mse_loss, (r(16, 16), r(16, 1)), False),
        "MLP 4-64-64-2, batch 1, Adam": supervised(mlp(4, 64, 64, 2), F.mse_loss, (r(1, 4), r(1, 2)), True),
        "policy gradient 4-64-64-2, batch 32": supervised(
            mlp(4, 64, 64, 2), lambda y, a: -(torch.log_softmax(y, -1).gather(1, a) * 0.5).mean(), (r(32, 4), torch.zeros(32, 1, dtype=torch.int64)), True),
        "transformer block B1 T8 D32": supervised(Block(32, 2), F.mse_loss, (r(1, 8, 32), r(1, 8, 32)), True),
        "transformer block B8 T64 D128": supervised(Block(128, 4), F.mse_loss, (r(8, 64, 128), r(8, 64, 128)), True),
        "LSTM cell by hand, w64 T20 B16": supervised(Cell(64), F.mse_loss, (r(20, 16, 64), r(16, 64)), True),
        "MLP 784-256-256-10, batch 64, Adam": supervised(mlp(784, 256, 256, 10), F.mse_loss, (r(64, 784), r(64, 10)), True),
    }


def best(f, args, seconds=0.3):
    """The fastest of 7 rounds, in microseconds."""
    for _ in range(6):
        f(*args)
    t = time.perf_counter()
    f(*args)
    count = max(1, int(seconds / 7 / max(time.perf_counter() - t, 1e-7)))
    rounds = []
    for _ in range(7):
        t = time.perf_counter()
        for _ in range(count):
            f(*args)
        rounds.append((time.perf_counter() - t) / count)
    return 1e6 * min(rounds)


def main():
    pyxtorch.set_num_threads(1)
    theirs = None
    if "--torch" in sys.argv:
        import torch as theirs
        theirs.set_num_threads(1)
    print(f"{'step':40} {'eager':>10} {'compiled':>10} {'ratio':>7}" + ("      torch" if theirs else ""))
    others = steps(theirs) if theirs else {}
    for name, (f, args) in steps(pyxtorch).items():
        compiled = pyxtorch.compile(f)
        a, b = best(f, args), best(compiled, args)
        row = f"{name:40} {a:10.1f} {b:10.1f} {a / b:7.2f}"
        if theirs:
            g, given = others[name]
            row += f" {best(g, given):10.1f}"
        print(row, "" if "as it is:" not in compiled.explain() else compiled.explain())


if __name__ == "__main__":
    main()
