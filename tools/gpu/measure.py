"""Times of a real GPU: launches, copies, elementwise, reductions, softmax, products, a training step.

    python tools/gpu/measure.py [--json FILE] [--against torch]

Medians of several runs by events, after a warm-up; inputs larger than the cache where bandwidth is meant.
With --against torch the same program runs on it for comparison.
"""
import argparse
import importlib
import json
import statistics


def milliseconds(torch, f, runs=20, times=1):
    """Median time of one call of f: each run makes `times` calls between two events."""
    for _ in range(3):
        f()
    taken = []
    for _ in range(runs):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        for _ in range(times):
            f()
        end.record()
        torch.cuda.synchronize()
        taken.append(start.elapsed_time(end) / times)
    return statistics.median(taken)


def training_step(torch):
    nn = torch.nn
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    x, y = torch.randn(256, 784, device="cuda"), torch.randint(0, 10, (256,), device="cuda")

    def step():
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


def cases(torch):
    """(name, function, calls in a run, bytes moved or None, floating-point operations or None)"""
    n = 1 << 26
    small, large = torch.randn(64, device="cuda"), torch.randn(n, device="cuda")
    other = torch.randn(n, device="cuda")
    rows = large.reshape(-1, 1024)
    host = torch.randn(n)
    yield "add, 64 elements", lambda: small + small, 1000, None, None
    yield "add, 64 Mi elements", lambda: large + other, 1, 12 * n, None
    yield "gelu, 64 Mi elements", lambda: torch.nn.functional.gelu(large), 1, 8 * n, None
    yield "transposed copy", lambda: rows.t().contiguous(), 1, 8 * n, None
    yield "sum of all", lambda: large.sum(), 1, 4 * n, None
    yield "sum of rows", lambda: rows.sum(1), 1, 4 * n, None
    yield "sum of columns", lambda: rows.sum(0), 1, 4 * n, None
    yield "softmax of rows", lambda: torch.softmax(rows, 1), 1, 8 * n, None
    yield "host to device, pageable", lambda: host.cuda(), 1, 4 * n, None
    for dtype in (torch.float32, torch.float16, torch.bfloat16, torch.float64):
        a, b = torch.randn(4096, 4096, device="cuda").to(dtype), torch.randn(4096, 4096, device="cuda").to(dtype)
        yield f"product 4096, {dtype}", lambda a=a, b=b: a @ b, 1, None, 2 * 4096**3
    yield "training step, MLP 784-512-512-10, batch 256", training_step(torch), 20, None, None


def measure(name):
    torch = importlib.import_module(name)
    results = {}
    for case, f, times, moved, operations in cases(torch):
        ms = milliseconds(torch, f, times=times)
        results[case] = {"ms": ms}
        if moved:
            results[case]["GB/s"] = moved / ms / 1e6
        if operations:
            results[case]["TFLOP/s"] = operations / ms / 1e9
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", help="also write the figures to this file")
    parser.add_argument("--against", help="another module with torch's API")
    args = parser.parse_args()
    import pyxtorch

    device = pyxtorch.cuda.get_device_name()
    if "stand-in" in device:
        raise SystemExit("measure.py: the stand-in's times mean nothing; run it on a GPU.")
    results = {name: measure(name) for name in ("pyxtorch", args.against) if name}
    print(device)
    for case in results["pyxtorch"]:
        for name, figures in results.items():
            print(f"{case:48} {name:10} " + "  ".join(f"{v:10.3f} {unit}" for unit, v in figures[case].items()))
    if args.json:
        with open(args.json, "w") as file:
            json.dump({"device": device, **results}, file, indent=1)


if __name__ == "__main__":
    main()
