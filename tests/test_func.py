"""torch.func: transforms against formulas, each other, and autograd."""
import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import func, nn

X = torch.arange(6.0).reshape(2, 3) + 1


def test_grad_and_its_arguments():
    assert torch.equal(func.grad(lambda x: (x**3).sum())(X), 3 * X**2)
    assert func.grad(func.grad(func.grad(lambda x: x**4)))(torch.tensor(2.0)).item() == 48
    a, b = func.grad(lambda x, y, k: (x * y * k).sum(), argnums=(0, 1))(X, X + 1, k=2)
    assert torch.equal(a, 2 * (X + 1)) and torch.equal(b, 2 * X)
    tree = func.grad(lambda p, x: (p["w"] * x + p["b"][0]).sum())({"w": X, "b": (torch.ones(3),)}, X)
    assert torch.equal(tree["w"], X) and torch.equal(tree["b"][0], torch.full((3,), 2.0))
    gradient, (value, aux) = func.grad_and_value(lambda x: (x.sum(), {"x2": 2 * x}), has_aux=True)(X)
    assert value.item() == 21 and torch.equal(aux["x2"], 2 * X) and torch.equal(gradient, torch.ones(2, 3))
    assert not any(t.requires_grad for t in (gradient, value, aux["x2"], tree["w"]))
    assert torch.equal(func.grad(lambda x: torch.tensor(1.0))(X), torch.zeros(2, 3))


def test_what_is_outside_stays_connected():
    w = torch.full((3,), 2.0, requires_grad=True)
    g = func.grad(lambda x: (x**2 * w).sum())(X)
    assert g.requires_grad
    g.sum().backward()
    assert torch.equal(w.grad, (2 * X).sum(0)) and X.grad is None
    with torch.no_grad():
        g = func.grad(lambda x: (x**2).sum())(X)
    assert torch.equal(g, 2 * X) and not g.requires_grad
    x = torch.tensor(3.0, requires_grad=True)
    func.grad(lambda y: y**3)(x).backward()
    assert x.grad.item() == 18


def test_products_with_jacobians():
    rng = np.random.default_rng(0)
    A = torch.from_numpy(rng.standard_normal((4, 3)))
    x, v, u = (torch.from_numpy(rng.standard_normal(n)) for n in (3, 3, 4))

    def f(x):
        return (A @ x).sin()

    J = (A @ x).cos()[:, None] * A
    out, back = func.vjp(f, x)
    assert torch.allclose(out, f(x)) and torch.allclose(back(u)[0], u @ J) and not out.requires_grad
    out, forward = func.jvp(f, (x,), (v,))
    assert torch.allclose(forward, J @ v) and torch.allclose(func.linearize(f, x)[1](v), J @ v)
    assert torch.allclose(func.jacrev(f)(x), J) and torch.allclose(func.jacfwd(f)(x), J)
    both = func.jacrev(lambda x, y: {"a": x * y.sum(), "b": y[0]}, argnums=(0, 1))(x, v)
    assert torch.allclose(both["a"][0], v.sum() * torch.eye(3, dtype=torch.float64)) and both["b"][0].abs().sum() == 0 and both["b"][1].tolist() == [1, 0, 0]
    assert torch.allclose(func.hessian(lambda x: (x**3).sum())(x), torch.diag(6 * x))
    assert torch.allclose(func.jvp(lambda x: func.grad(lambda y: (y**3).sum())(x), (x,), (v,))[1], 6 * x * v)
    assert torch.equal(func.jvp(lambda x: torch.ones(2), (x,), (v,))[1], torch.zeros(2))


def test_vmap_is_a_loop_over_slices():
    assert torch.equal(torch.vmap(lambda x: x.sum())(X), X.sum(1))
    out, more = torch.vmap(lambda x, y: (x * y, {"s": x.sum()}), in_dims=(1, None), out_dims=(1, 0))(X, torch.ones(2))
    assert torch.equal(out, X) and torch.equal(more["s"], X.sum(0))
    assert torch.equal(torch.vmap(lambda p: p["x"] @ p["y"], in_dims=({"x": 0, "y": None},))({"x": X, "y": torch.ones(3)}), X.sum(1))
    assert torch.equal(torch.vmap(torch.vmap(lambda x: x * 2))(X), 2 * X)
    per_sample = torch.vmap(func.grad(lambda w, x: (w * x).sum() ** 2), in_dims=(None, 0))(torch.ones(3), X)
    assert torch.equal(per_sample, 2 * X.sum(1, keepdim=True) * X)
    w = torch.ones(3, requires_grad=True)
    torch.vmap(lambda x: x @ w)(X).sum().backward()
    assert torch.equal(w.grad, X.sum(0))


def test_vmap_and_random_numbers():
    torch.manual_seed(0)
    same = torch.vmap(lambda x: x * 0 + torch.rand(3), randomness="same")(X)
    different = torch.vmap(lambda x: x * 0 + torch.rand(3), randomness="different")(X)
    assert torch.equal(same[0], same[1]) and not torch.equal(different[0], different[1])
    with pytest.raises(RuntimeError, match="randomness error mode"):
        torch.vmap(lambda x: x * torch.rand(3))(X)


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: func.grad(lambda x: x * 2)(X), RuntimeError, "scalar"),
    (lambda: func.grad(lambda x: 3)(X), RuntimeError, "to return a tensor"),
    (lambda: func.grad(lambda x: x.sum())(X.long()), RuntimeError, "floating point"),
    (lambda: func.grad(lambda x: x.sum(), argnums=1)(X), RuntimeError, "argnums=1"),
    (lambda: func.grad(lambda x: x.sum(), has_aux=True)(X), RuntimeError, "tuple"),
    (lambda: func.vjp(lambda x: x, X)[1](torch.ones(3)), RuntimeError, r"\[3\]"),
    (lambda: func.jvp(lambda x: x, (X,), (torch.ones(3),)), RuntimeError, r"\[2, 3\]"),
    (lambda: torch.vmap(lambda x: x, in_dims=5)(X), ValueError, "in_dim=5"),
    (lambda: torch.vmap(lambda x, y: x)(X, torch.ones(3)), ValueError, r"\[2, 3\]"),
    (lambda: torch.vmap(lambda x: 1)(X), ValueError, "must only return Tensors"),
    (lambda: torch.vmap(lambda x: x)(), ValueError, "no inputs"),
    (lambda: func.stack_module_state([]), RuntimeError, "got 0"),
    (lambda: func.stack_module_state([nn.Linear(1, 1), nn.Linear(1, 1).eval()]), RuntimeError, "training/eval"),
    (lambda: func.functionalize(len, remove="x"), RuntimeError, "remove=x"),
])  # fmt: skip
def test_errors(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_an_ensemble():
    torch.manual_seed(0)
    models = [nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).eval() for _ in range(4)]
    parameters, buffers = func.stack_module_state(models)
    assert parameters["0.weight"].shape == (4, 2, 3) and parameters["0.weight"].requires_grad and parameters["0.weight"].is_leaf

    def call(p, b, x):
        return func.functional_call(models[0], (p, b), (x,))

    out = torch.vmap(call, in_dims=(0, 0, None))(parameters, buffers, X)
    assert torch.allclose(out, torch.stack([m(X) for m in models]))
    net = func.replace_all_batch_norm_modules_(nn.Sequential(nn.BatchNorm1d(3)))
    assert net[0].running_mean is None and net.eval()(X).mean(0).abs().max() < 1e-5
