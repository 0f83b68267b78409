"""Every optimiser against its formula in NumPy; LBFGS is in test_lbfgs.py, what all share in test_optimizer.py."""
import math

import numpy as np
import pytest

import pyxtorch as torch

# Each formula takes the parameter, a list of the gradients of all steps (None where there is none) and the
# options, and gives the parameter after the last step.


def each_step(gradients):
    t = 0
    for g in gradients:
        if g is not None:
            t += 1
            yield t, g


def sgd(p, gradients, lr=1e-3, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
    m = 0
    for t, g in each_step(gradients):
        g = g + weight_decay * p
        if momentum:
            m = g if t == 1 else momentum * m + (1 - dampening) * g
            g = g + momentum * m if nesterov else m
        p = p - lr * g
    return p


def adam(p, gradients, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False, decoupled_weight_decay=False):
    m = v = top = 0
    for t, g in each_step(gradients):
        if decoupled_weight_decay:
            p = p * (1 - lr * weight_decay)
        else:
            g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        top = np.maximum(top, v) if amsgrad else v
        p = p - lr * m / (1 - betas[0] ** t) / (np.sqrt(top / (1 - betas[1] ** t)) + eps)
    return p


def adamw(p, gradients, weight_decay=1e-2, **options):
    return adam(p, gradients, weight_decay=weight_decay, decoupled_weight_decay=True, **options)


def rmsprop(p, gradients, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False):
    v = mean = m = 0
    for _, g in each_step(gradients):
        g = g + weight_decay * p
        v = alpha * v + (1 - alpha) * g * g
        mean = alpha * mean + (1 - alpha) * g
        m = momentum * m + g / (np.sqrt(v - mean**2 if centered else v) + eps)
        p = p - lr * m
    return p


def adagrad(p, gradients, lr=1e-2, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10):
    total = initial_accumulator_value
    for t, g in each_step(gradients):
        g = g + weight_decay * p
        total = total + g * g
        p = p - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(total) + eps)
    return p


def adadelta(p, gradients, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0.0):
    v = u = 0
    for _, g in each_step(gradients):
        g = g + weight_decay * p
        v = rho * v + (1 - rho) * g * g
        step = np.sqrt(u + eps) / np.sqrt(v + eps) * g
        u = rho * u + (1 - rho) * step * step
        p = p - lr * step
    return p


def adamax(p, gradients, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    m = u = 0
    for t, g in each_step(gradients):
        g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        u = np.maximum(betas[1] * u, abs(g) + eps)
        p = p - lr / (1 - betas[0] ** t) * m / u
    return p


def nadam(p, gradients, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, momentum_decay=4e-3, decoupled_weight_decay=False):
    m, v, product = 0, 0, 1
    for t, g in each_step(gradients):
        if decoupled_weight_decay:
            p = p * (1 - lr * weight_decay)
        else:
            g = g + weight_decay * p
        mu, following = (betas[0] * (1 - 0.5 * 0.96 ** (k * momentum_decay)) for k in (t, t + 1))
        product *= mu
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        direction = following * m / (1 - product * following) + (1 - mu) * g / (1 - product)
        p = p - lr * direction / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    return p


def radam(p, gradients, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled_weight_decay=False):
    m = v = 0
    for t, g in each_step(gradients):
        if decoupled_weight_decay:
            p = p * (1 - lr * weight_decay)
        else:
            g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        longest = 2 / (1 - betas[1]) - 1
        length = longest - 2 * t * betas[1] ** t / (1 - betas[1] ** t)
        step = m / (1 - betas[0] ** t)
        if length > 5:
            rectify = math.sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))
            step = step * rectify * math.sqrt(1 - betas[1] ** t) / (np.sqrt(v) + eps)
        p = p - lr * step
    return p


def rms(x):
    return np.sqrt((x * x).mean())


def adafactor(p, gradients, lr=1e-2, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0):
    tiny = np.finfo(p.dtype).eps if eps[0] is None else eps[0]
    rows = columns = v = 0
    for t, g in each_step(gradients):
        keep = 1 - t**beta2_decay
        rate = max(eps[1], rms(p)) * min(lr, 1 / math.sqrt(t))
        p = p * (1 - lr * weight_decay)
        if p.ndim > 1:
            rows = keep * rows + (1 - keep) * (g * g).mean(-1, keepdims=True)
            columns = keep * columns + (1 - keep) * (g * g).mean(-2, keepdims=True)
            v = rows @ columns / np.maximum(rows.mean(-2, keepdims=True), tiny)
        else:
            v = keep * v + (1 - keep) * g * g
        update = g / np.sqrt(np.maximum(v, tiny**2))
        p = p - rate * update / max(1, rms(update) / d)
    return p


def rprop(p, gradients, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50)):
    before, size = np.zeros_like(p), np.full_like(p, lr)
    for _, g in each_step(gradients):
        agree = np.sign(g * before)
        size = np.clip(size * np.choose(agree.astype(int) + 1, (etas[0], 1.0, etas[1])), *step_sizes)
        before = np.where(agree < 0, 0.0, g)
        p = p - np.sign(before) * size
    return p


def asgd(p, gradients, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0.0):
    eta = lr
    for t, g in each_step(gradients):
        g = g + weight_decay * p
        p = p * (1 - lambd * eta) - eta * g
        eta = lr / (1 + lambd * lr * t) ** alpha
    return p


FORMULAS = {
    "SGD": (sgd, [{"lr": 0.1}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}, {"momentum": 0.5, "dampening": 0.3}]),
    "Adam": (adam, [{}, {"amsgrad": True, "betas": (0.5, 0.3)}, {"weight_decay": 0.1, "eps": 1e-3},
                    {"weight_decay": 0.1, "decoupled_weight_decay": True}]),
    "AdamW": (adamw, [{}, {"weight_decay": 0.5, "amsgrad": True}]),
    "RMSprop": (rmsprop, [{}, {"momentum": 0.9}, {"centered": True, "alpha": 0.7}, {"centered": True, "momentum": 0.5, "weight_decay": 0.1}]),
    "Adagrad": (adagrad, [{}, {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.2}]),
    "Adadelta": (adadelta, [{}, {"rho": 0.5, "weight_decay": 0.1, "eps": 1e-3}]),
    "Adamax": (adamax, [{}, {"weight_decay": 0.1, "betas": (0.5, 0.8)}]),
    "NAdam": (nadam, [{}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True, "momentum_decay": 0.1}]),
    "RAdam": (radam, [{}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True, "betas": (0.8, 0.9)}]),
    "Adafactor": (adafactor, [{}, {"d": 2.0, "weight_decay": 0.1, "beta2_decay": -0.5, "eps": (1e-10, 1e-2)}]),
    "Rprop": (rprop, [{}, {"etas": (0.3, 1.5), "step_sizes": (1e-3, 0.02)}]),
    "ASGD": (asgd, [{}, {"lambd": 0.1, "alpha": 0.5, "weight_decay": 0.1}]),
}
CASES = [pytest.param(name, options, id=f"{name}-{i}") for name, (_, all_options) in FORMULAS.items() for i, options in enumerate(all_options)]
SHAPES = [(4, 3), (5,), (2, 3, 2)]


def data(seed=0, steps=6, shapes=SHAPES):
    """Parameters, and for each a list of gradients, one of them None."""
    rng = np.random.default_rng(seed)
    parameters = [rng.normal(size=shape) for shape in shapes]
    gradients = [[rng.normal(size=shape) for _ in range(steps)] for shape in shapes]
    gradients[0][2] = None
    return parameters, gradients


def walk(optimizer, parameters, gradients, place=torch.tensor):
    """Step through the gradients; place(array, dtype=) makes tensors of them."""
    for step in range(len(gradients[0])):
        for p, g in zip(parameters, gradients):
            p.grad = None if g[step] is None else place(g[step], dtype=p.dtype)
        optimizer.step()


@pytest.fixture
def double():
    """Counts of steps, and what NAdam and ASGD keep beside them, have the default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("name, options", CASES)
def test_follows_formula(name, options):
    arrays, gradients = data()
    formula = FORMULAS[name][0]
    parameters = [torch.tensor(a, requires_grad=True) for a in arrays]
    walk(getattr(torch.optim, name)(parameters, **options), parameters, gradients)
    for p, a, g in zip(parameters, arrays, gradients):
        np.testing.assert_allclose(p.detach().numpy(), formula(a, g, **options), rtol=1e-10, atol=1e-12)


def not_contiguous(array, dtype):
    """The same values, columns first, and every other element of its memory."""
    wide = np.zeros((*reversed(array.shape), 2))
    wide[..., 0] = array.T
    return torch.tensor(wide, dtype=dtype)[..., 0].permute(*reversed(range(array.ndim)))


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("name, options", CASES)
def test_other_layouts(name, options):
    arrays, gradients = data()
    formula = FORMULAS[name][0]
    for place_parameter, place_gradient in ((torch.tensor, not_contiguous), (not_contiguous, torch.tensor), (not_contiguous, not_contiguous)):
        parameters = [place_parameter(a, dtype=torch.float64).requires_grad_() for a in arrays]
        walk(getattr(torch.optim, name)(parameters, **options), parameters, gradients, place_gradient)
        for p, a, g in zip(parameters, arrays, gradients):
            np.testing.assert_allclose(p.detach().numpy(), formula(a, g, **options), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name, options", CASES)
def test_precisions(name, options):
    """Four steps in lower precision stay near those in double; half precision computes in single, but keeps its state in half."""
    arrays, gradients = data(steps=4)
    formula = FORMULAS[name][0]
    # A formula whose eps is not representable in half (1e-8) still must not divide by zero.
    for dtype, tolerance in ((torch.float32, 2e-5), (torch.float16, 2e-2), (torch.bfloat16, 1.5e-1)):
        parameters = [torch.tensor(a, dtype=dtype, requires_grad=True) for a in arrays]
        walk(getattr(torch.optim, name)(parameters, **options), parameters, gradients)
        for p, a, g in zip(parameters, arrays, gradients):
            assert p.dtype is dtype
            if name == "Adafactor" and options == {}:   # eps depends on the dtype
                continue
            np.testing.assert_allclose(p.detach().double().numpy(), formula(a, g, **options), rtol=tolerance, atol=tolerance)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("name, options", [case for case in CASES if case.values[0] != "Adafactor"])
def test_complex_is_two_reals(name, options):
    rng = np.random.default_rng(3)
    a, steps = rng.normal(size=(4, 2)), [rng.normal(size=(4, 2)) for _ in range(5)]
    p = torch.view_as_complex(torch.tensor(a)).clone().requires_grad_()
    optimizer = getattr(torch.optim, name)([p], **options)
    for g in steps:
        p.grad = torch.view_as_complex(torch.tensor(g))
        optimizer.step()
    np.testing.assert_allclose(torch.view_as_real(p.detach()).numpy(), FORMULAS[name][0](a, steps, **options), rtol=1e-10, atol=1e-12)
    state = optimizer.state[p]
    assert all(v.is_complex() for k, v in state.items() if isinstance(v, torch.Tensor) and v.ndim)


@pytest.mark.parametrize("name", FORMULAS)
def test_maximize_is_minus_the_gradient(name):
    arrays, gradients = data()
    ends = []
    for maximize, sign in ((True, 1), (False, -1)):
        parameters = [torch.tensor(a, requires_grad=True) for a in arrays]
        flipped = [[None if x is None else sign * x for x in g] for g in gradients]
        walk(getattr(torch.optim, name)(parameters, maximize=maximize), parameters, flipped)
        ends.append([p.detach().numpy() for p in parameters])
    for up, down in zip(*ends):
        np.testing.assert_array_equal(up, down)


@pytest.mark.parametrize("name", sorted(set(FORMULAS) - {"Adafactor"}))
def test_differentiable_gives_the_same(name):
    arrays, gradients = data()
    ends = []
    for differentiable in (False, True):
        parameters = [torch.tensor(a, requires_grad=True) for a in arrays]
        optimizer = getattr(torch.optim, name)([p.clone() for p in parameters] if differentiable else parameters, differentiable=differentiable)
        parameters = optimizer.param_groups[0]["params"]
        for p in parameters:
            p.retain_grad() if differentiable else None
        walk(optimizer, parameters, gradients)
        ends.append([p.detach().numpy() for p in parameters])
    for plain, recorded in zip(*ends):
        np.testing.assert_allclose(recorded, plain, rtol=1e-10, atol=1e-13)


def test_differentiable_records_the_step():
    start = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    p = start.clone()
    p.retain_grad()
    (p * p).sum().backward(inputs=[p])
    torch.optim.SGD([p], lr=0.25, differentiable=True).step()
    (slope,) = torch.autograd.grad(p.sum(), start)
    assert slope.tolist() == [1.0, 1.0]     # the gradient itself was not recorded


def test_asgd_averages_from_t0_on():
    p = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.ASGD([p], lr=0.1, t0=2)
    seen = []
    for _ in range(6):
        p.grad = p.detach().clone()
        optimizer.step()
        seen.append(p.detach().numpy().copy())
        if len(seen) <= 4:
            np.testing.assert_array_equal(optimizer.state[p]["ax"].numpy(), seen[-1])
    np.testing.assert_allclose(optimizer.state[p]["ax"].numpy(), np.mean(seen[3:], 0), rtol=1e-6)     # the share is kept in float32


def muon(p, gradients, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True, ns_steps=5):
    """In double, where Muon itself iterates in bfloat16."""
    a, b, c = 3.4445, -4.775, 2.0315
    m = 0
    for g in gradients:
        m = momentum * m + (1 - momentum) * g
        x = (1 - momentum) * g + momentum * m if nesterov else m
        tall = x.shape[0] > x.shape[1]
        x = x.T if tall else x
        x = x / np.linalg.norm(x)
        for _ in range(ns_steps):
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
        x = x.T if tall else x
        p = p * (1 - lr * weight_decay) - lr * math.sqrt(max(1, p.shape[0] / p.shape[1])) * x
    return p


@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
@pytest.mark.parametrize("nesterov", [True, False])
def test_muon_follows_formula(shape, nesterov):
    rng = np.random.default_rng(1)
    a, steps = rng.normal(size=shape), [rng.normal(size=shape) for _ in range(4)]
    p = torch.tensor(a, requires_grad=True)
    walk(torch.optim.Muon([p], lr=0.1, nesterov=nesterov), [p], [steps])
    np.testing.assert_allclose(p.detach().numpy(), muon(a, steps, lr=0.1, nesterov=nesterov), atol=0.02)   # eight bits of 0.4


def test_muon_takes_matrices_only():
    with pytest.raises(ValueError, match="only supports 2D"):
        torch.optim.Muon([torch.zeros(3, requires_grad=True)])


@pytest.mark.parametrize("name, options", [("SGD", {"momentum": 0.9, "nesterov": True}), ("Adam", {"amsgrad": True}), ("AdamW", {}),
                                           ("RMSprop", {"centered": True, "momentum": 0.5}), ("NAdam", {}), ("Adafactor", {})])
def test_bits_do_not_depend_on_threads(name, options):
    rng = np.random.default_rng(5)
    arrays = [rng.normal(size=n).astype(np.float32) for n in (100_003, 7, 40_000)]
    steps = [[rng.normal(size=a.size).astype(np.float32) for _ in range(2)] for a in arrays]
    before, ends = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            parameters = [torch.tensor(a, requires_grad=True) for a in arrays]
            walk(getattr(torch.optim, name)(parameters, **options), parameters, steps)
            ends.append([p.detach().numpy().tobytes() for p in parameters])
    finally:
        torch.set_num_threads(before)
    assert ends[0] == ends[1] == ends[2]
