"""torch.func against PyTorch's, in one run: microseconds of the best of several repetitions, and the ratio.

    python benchmarks/func.py
"""
import time

import numpy as np
import torch

import pyxtorch
import pyxtorch.func


def programs(torch):
    """name -> a function without arguments."""
    func, F = torch.func, torch.nn.functional
    rng = np.random.default_rng(0)

    def numbers(*shape, scale=0.3):
        return torch.tensor((scale * rng.standard_normal(shape)).astype(np.float32))

    mlp = {"w1": numbers(64, 32), "b1": numbers(64), "w2": numbers(10, 64), "b2": numbers(10)}
    cnn = {"k1": numbers(8, 1, 3, 3), "k2": numbers(16, 8, 3, 3), "w": numbers(10, 16 * 49)}
    x, y = numbers(64, 32, scale=1), torch.tensor(rng.integers(0, 10, 64))
    images, labels = numbers(64, 1, 28, 28, scale=1), torch.tensor(rng.integers(0, 10, 64))

    def perceptron(p, x):
        return F.linear(torch.tanh(F.linear(x, p["w1"], p["b1"])), p["w2"], p["b2"])

    def network(p, x):
        x = F.max_pool2d(F.relu(F.conv2d(x, p["k1"], padding=1)), 2)
        x = F.max_pool2d(F.relu(F.conv2d(x, p["k2"], padding=1)), 2)
        return F.linear(x.flatten(1), p["w"])

    def loss_of(model):
        return lambda p, x, y: F.cross_entropy(model(p, x.unsqueeze(0)), y.unsqueeze(0))

    v = numbers(50)
    a = numbers(50, 50)
    models = [torch.nn.Sequential(torch.nn.Linear(32, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10)) for _ in range(16)]
    parameters, buffers = func.stack_module_state(models)
    gradients = func.vmap(func.grad(loss_of(perceptron)), (None, 0, 0))
    image_gradients = func.vmap(func.grad(loss_of(network)), (None, 0, 0))
    hessian = func.hessian(lambda v: torch.sin(a @ v).square().sum())
    jacobian = func.jacrev(lambda x: perceptron(mlp, x))
    ensemble = func.vmap(lambda p, b: func.functional_call(models[0], (p, b), (x,)))
    small = func.vmap(lambda x: (x * 2).sin().sum())
    return {
        "gradients per sample, MLP, batch 64": lambda: gradients(mlp, x, y),
        "gradients per sample, CNN, batch 64": lambda: image_gradients(cnn, images, labels),
        "Hessian, 50 variables": lambda: hessian(v),
        "Jacobian of an MLP, 10 by 32": lambda: jacobian(x[0]),
        "ensemble of 16 MLPs, batch 64": lambda: ensemble(parameters, buffers),
        "vmap of 3 small operations": lambda: small(x),
    }


def best(call, seconds=1.0):
    call()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times) * 1e6


if __name__ == "__main__":
    torch.set_num_threads(1)
    pyxtorch.set_num_threads(1)
    theirs, ours = programs(torch), programs(pyxtorch)
    print(f"{'':40} {'pyxtorch':>10} {'torch':>10} {'ratio':>7}")
    for name in ours:
        a, b = best(ours[name]), best(theirs[name])
        print(f"{name:40} {a:10.0f} {b:10.0f} {b / a:7.2f}")
