"""The operation beside the same in Python, and in torch where that is installed: nanoseconds a call, forward and with backward."""
import importlib.util
import timeit

import smooth

import pyxtorch


def in_python(torch):
    class SmoothRelu(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.log1p(torch.exp(x))

        @staticmethod
        def backward(ctx, g):
            return g * torch.sigmoid(ctx.saved_tensors[0])

    return SmoothRelu.apply


def nanoseconds(f):
    count = max(1, int(0.02 / max(timeit.timeit(f, number=3) / 3, 1e-7)))
    return min(timeit.repeat(f, number=count, repeat=5)) / count * 1e9


def main():
    rows = [("pyxtorch, Cython", pyxtorch, smooth.smooth_relu), ("pyxtorch, Python", pyxtorch, in_python(pyxtorch))]
    if importlib.util.find_spec("torch"):
        import torch

        rows += [("torch, Python", torch, in_python(torch)), ("torch, softplus", torch, torch.nn.functional.softplus)]
    for n in (1, 1000, 1_000_000):
        for name, package, f in rows:
            x = package.ones(n)
            z = package.ones(n, requires_grad=True)
            print(f"{n:>9,} elements  {name:18} {nanoseconds(lambda f=f, x=x: f(x)):>14,.0f} ns forward {nanoseconds(lambda f=f, z=z: f(z).sum().backward()):>14,.0f} ns with backward")


if __name__ == "__main__":
    main()
