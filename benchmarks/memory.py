"""Whether memory stays flat over a long run: training steps, then single operations.

    python benchmarks/memory.py [--steps 100000] [--operations 1000000]

Prints the allocator's statistics and the resident size at eleven points of each run, and ends with 1
if either grew after the first tenth.
"""
import argparse
import sys
import time

import pyxtorch as torch
from pyxtorch import _core


def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096


def training(steps):
    """An MLP with momentum, as a generator that yields after every step."""
    torch.manual_seed(0)
    shapes = [(32, 64), (64,), (64, 64), (64,), (64, 10), (10,)]
    parameters = [(torch.randn(*s) * 0.1).requires_grad_() for s in shapes]
    momenta = [torch.zeros(*s) for s in shapes]
    x = torch.randn(64, 32)
    labels = torch.randint(0, 10, (64,))
    for _ in range(steps):
        h = x
        for i in range(0, 6, 2):
            h = h @ parameters[i] + parameters[i + 1]
            h = h.relu() if i < 4 else h
        torch.nn.functional.cross_entropy(h, labels).backward()
        with torch.no_grad():
            for p, m in zip(parameters, momenta):
                m.mul_(0.9).add_(p.grad)
                p.sub_(m, alpha=0.001)
                p.grad = None
        yield


def operations(count):
    """Small operations of many kinds, recorded and not, on sizes that vary."""
    x = torch.ones(64, requires_grad=True)
    y = torch.rand(64)
    kinds = [
        lambda n: x[:n] * y[:n], lambda n: y[:n].sum(), lambda n: y[:n].sort(), lambda n: torch.cat([y[:n], y]), lambda n: y.view(8, 8)[: n % 8].t().contiguous(),
        lambda n: (x[:n].exp() + 1).sum().backward(), lambda n: torch.tensor([1.0, n]), lambda n: y[y > 0.5], lambda n: torch.zeros(n, n), lambda n: y[:n].softmax(0),
    ]
    for i in range(count):
        kinds[i % len(kinds)](i % 63 + 1)
        if i % 1000 == 0:
            x.grad = None
        yield


def watch(name, run, total):
    print(f"{name}: {total:,}\n{'done':>10} {'allocated':>12} {'peak':>12} {'cached':>12} {'misses':>8} {'resident MB':>12} {'us each':>8}")
    rows, start = [], time.perf_counter()
    for i, _ in enumerate(run):
        if i % max(total // 10, 1) == 0 or i == total - 1:
            s = _core.memory_stats()
            spent = time.perf_counter() - start
            rows.append((s["allocated_bytes.current"], s["reserved_bytes.current"], resident()))
            print(f"{i + 1:>10} {s['allocated_bytes.current']:>12} {s['allocated_bytes.peak']:>12} {s['cached_bytes.current']:>12} {s['misses']:>8} {resident() / 1e6:>12.2f} {spent / (i + 1) * 1e6:>8.2f}")
    settled, last = rows[1], rows[-1]
    # The counters are exact up to what is alive at that moment; pages come in blocks.
    return last[0] <= settled[0] + 65536 and last[1] <= settled[1] + 65536 and last[2] <= settled[2] + 2_000_000


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--operations", type=int, default=1_000_000)
    options = parser.parse_args()
    flat = [watch("training steps", training(options.steps), options.steps), watch("operations", operations(options.operations), options.operations)]
    print("flat" if all(flat) else "memory grew")
    sys.exit(not all(flat))
