"""What anomaly mode costs: steps with it by steps without, of pyxtorch and of PyTorch in turn.

    python benchmarks/blame.py [--seconds 1] [--threads 1]
"""
import argparse
import importlib
import statistics
import time
import warnings


def mlp(torch):
    nn = torch.nn
    net = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
    return net, torch.randn(64, 784), torch.randint(10, (64,))


def small(torch):
    nn = torch.nn
    net = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    return net, torch.randn(32, 4), torch.randint(2, (32,))


def convolutions(torch):
    nn = torch.nn
    net = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    return net, torch.randn(32, 3, 32, 32), torch.randint(10, (32,))


def transformer(torch):
    nn = torch.nn

    class Pooled(nn.Module):
        def __init__(self):
            super().__init__()
            layer = nn.TransformerEncoderLayer(128, 4, 256, dropout=0.0, batch_first=True)
            self.body, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(128, 10)

        def forward(self, x):
            return self.head(self.body(x).mean(1))

    return Pooled(), torch.randn(8, 64, 128), torch.randint(10, (8,))


def ratio(torch, build, seconds):
    """(milliseconds of a step, the median ratio of steps in anomaly mode to steps without, taken in turns)"""
    net, x, target = build(torch)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)

    def step():
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x), target).backward()
        optimizer.step()

    def watched():
        with torch.autograd.detect_anomaly():
            step()

    def timed(f):
        start = time.perf_counter()
        f()
        return time.perf_counter() - start

    for f in (step, watched, step, watched):
        f()
    ratios, plain, end = [], [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(ratios) < 5:
        plain.append(timed(step))
        ratios.append(timed(watched) / plain[-1])
    return min(plain) * 1e3, statistics.median(ratios)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"{'':14}{'pyxtorch ms':>12}{'anomaly':>10}{'torch ms':>12}{'anomaly':>10}")
    for build in (small, mlp, convolutions, transformer):
        figures = []
        for name in ("pyxtorch", "torch"):
            torch = importlib.import_module(name)
            torch.set_num_threads(arguments.threads)
            figures += ratio(torch, build, arguments.seconds)
        print(f"{build.__name__:14}{figures[0]:12.2f}{figures[1]:9.2f}x{figures[2]:12.2f}{figures[3]:9.2f}x", flush=True)


if __name__ == "__main__":
    main()
