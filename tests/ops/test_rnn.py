"""Recurrent cells against their formulas, and their gradients against finite differences."""
import itertools

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.ops import rnn

ROWS, FEATURES, N = 3, 5, 4


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, h, c, w, v, b, d):
    i, f, g, o = np.split(x @ w.T + b + h @ v.T + d, 4, 1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru(x, h, c, w, v, b, d):
    (r, z, m), (s, y, k) = np.split(x @ w.T + b, 3, 1), np.split(h @ v.T + d, 3, 1)
    z, m = sigmoid(z + y), np.tanh(m + sigmoid(r + s) * k)
    return ((1 - z) * m + z * h,)


def tanh(x, h, c, w, v, b, d):
    return (np.tanh(x @ w.T + b + h @ v.T + d),)


def relu(x, h, c, w, v, b, d):
    return (np.maximum(x @ w.T + b + h @ v.T + d, 0),)


CELLS = {
    "lstm_cell": (4, lstm, lambda x, h, c, *rest: torch.lstm_cell(x, (h, c), *rest)),
    "gru_cell": (3, gru, lambda x, h, c, *rest: (torch.gru_cell(x, h, *rest),)),
    "rnn_tanh_cell": (1, tanh, lambda x, h, c, *rest: (torch.rnn_tanh_cell(x, h, *rest),)),
    "rnn_relu_cell": (1, relu, lambda x, h, c, *rest: (torch.rnn_relu_cell(x, h, *rest),)),
}


def operands(gates, n=N, rows=ROWS, features=FEATURES):
    generator = np.random.default_rng(1)
    shapes = (rows, features), (rows, n), (rows, n), (gates * n, features), (gates * n, n), (gates * n,), (gates * n,)
    return [generator.standard_normal(shape) for shape in shapes]


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("n", [1, 4, 33, 300])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-5), ("bfloat16", 0.2)])
def test_values(name, n, dtype, tolerance):
    gates, formula, cell = CELLS[name]
    arrays = [a / np.sqrt(n) for a in operands(gates, n)]
    results = cell(*[torch.tensor(a, dtype=getattr(torch, dtype)) for a in arrays])
    for ours, theirs in zip(results, formula(*arrays), strict=True):
        assert ours.dtype is getattr(torch, dtype)
        np.testing.assert_allclose(ours.double().numpy(), theirs, atol=tolerance, rtol=tolerance)


def numerical(f, x, step):
    gradient = np.empty_like(x)
    for index in itertools.product(*map(range, x.shape)):
        at = x[index]
        x[index] = at + step
        above = f()
        x[index] = at - step
        gradient[index] = (above - f()) / (2 * step)
        x[index] = at
    return gradient


@pytest.mark.parametrize("name", ["lstm_cell", "gru_cell", "rnn_tanh_cell"])
@pytest.mark.parametrize("output", [0, 1, None])
def test_gradients(name, output):
    """Of one output or of both, to the second order; the second is the derivative of the first."""
    gates, formula, cell = CELLS[name]
    arrays = operands(gates)
    count = len(formula(*arrays))
    if output is not None and output >= count:
        return
    chosen = range(count) if output is None else [output]
    weights = [np.random.default_rng(2 + k).standard_normal((ROWS, N)) for k in range(2)]

    def loss():
        results = formula(*arrays)
        return sum((results[k] * weights[k]).sum() for k in chosen)

    leaves = [torch.tensor(a, requires_grad=True) for a in arrays]

    def first(create_graph):
        results = cell(*leaves)
        total = sum((results[k] * torch.tensor(weights[k])).sum() for k in chosen)
        return torch.autograd.grad(total, leaves, create_graph=create_graph, allow_unused=True)

    fused, composed = first(False), first(True)
    for leaf, a, g, same in zip(leaves, arrays, fused, composed, strict=True):
        if g is None:
            assert leaf is leaves[2]
            continue
        np.testing.assert_allclose(g.numpy(), numerical(loss, a, 1e-6), atol=1e-8, rtol=1e-6)
        np.testing.assert_allclose(same.detach().numpy(), g.numpy(), atol=1e-13)

    directions = [None if g is None else np.random.default_rng(9).standard_normal(a.shape) for a, g in zip(arrays, fused, strict=True)]
    along = sum((g * torch.tensor(d)).sum() for g, d in zip(composed, directions, strict=True) if g is not None)
    second = torch.autograd.grad(along, leaves, allow_unused=True)
    step = 1e-6
    for leaf, s in zip(leaves, second, strict=True):
        if s is None:
            continue
        direction = torch.tensor(np.random.default_rng(11).standard_normal(leaf.shape))
        at = leaf.detach().clone()
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                leaf.copy_(at + sign * step * direction)
            gradients = first(False)
            values.append(sum((g.numpy() * d).sum() for g, d in zip(gradients, directions, strict=True) if g is not None))
        with torch.no_grad():
            leaf.copy_(at)
        np.testing.assert_allclose((s * direction).sum().item(), (values[0] - values[1]) / (2 * step), rtol=1e-5, atol=1e-7)


def test_strided_operands():
    arrays = [torch.tensor(a) for a in operands(4)]
    turned = [a.t().contiguous().t() if a.ndim == 2 else a for a in arrays]
    for one, other in zip(CELLS["lstm_cell"][2](*arrays), CELLS["lstm_cell"][2](*turned), strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-14)


def test_empty_batch():
    h, c = CELLS["lstm_cell"][2](*[torch.tensor(a) for a in operands(4, rows=0)])
    assert h.shape == c.shape == (0, N)


def test_same_bits_for_any_number_of_threads():
    arrays = [torch.tensor(a) for a in operands(4, n=200, rows=64)]
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            results.append([t.numpy() for t in CELLS["lstm_cell"][2](*arrays)])
    finally:
        torch.set_num_threads(before)
    assert all(np.array_equal(a, b) for other in results[1:] for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("place", range(5))
def test_errors_name_the_shapes(place):
    arrays = [torch.tensor(a) for a in operands(4)]
    arrays[place] = arrays[place][:, :-1]
    with pytest.raises(RuntimeError, match="lstm_cell"):
        CELLS["lstm_cell"][2](*arrays)


def test_saved_state_must_not_change():
    arrays = [torch.tensor(a, requires_grad=True) for a in operands(4)]
    h, c = CELLS["lstm_cell"][2](*arrays)
    with torch.no_grad():
        c.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        h.sum().backward()


# ---------------------------------------------------------------------------------- layers

STEPS = 5


def layer_operands(mode, bias=True, dtype="float64"):
    generator = np.random.default_rng(3)
    gates = 4 if mode == "LSTM" else 3
    shapes = [(STEPS * ROWS, gates * N), (ROWS, N), (ROWS, N), (gates * N, N), (gates * N,)]
    arrays = [torch.tensor(generator.standard_normal(s), dtype=getattr(torch, dtype), requires_grad=True) for s in shapes]
    if mode == "GRU":
        arrays[2] = None
    if not bias:
        arrays[4] = None
    return arrays


def step_by_step(a, h, c, w, b, backwards):
    outputs = [None] * STEPS
    for t in range(STEPS)[:: -1 if backwards else 1]:
        x = a[t * ROWS : (t + 1) * ROWS]
        if c is None:
            h = rnn.gru_step(x, h, w, b)
        else:
            h, c = rnn.lstm_step(x, h, c, w, b)
        outputs[t] = h
    return torch.cat(outputs), h, c


@pytest.mark.parametrize("mode", ["LSTM", "GRU"])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("used", ["y", "h", "c", "all"])
def test_a_layer_is_its_steps(mode, backwards, bias, used):
    """Values, gradients and the gradients of these."""
    if used == "c" and mode == "GRU":
        return
    operands = layer_operands(mode, bias)
    leaves = [t for t in operands if t is not None]
    generator = np.random.default_rng(4)
    weights = [torch.tensor(generator.standard_normal(s)) for s in ((STEPS * ROWS, N), (ROWS, N), (ROWS, N))]
    directions = [torch.tensor(generator.standard_normal(t.shape)) for t in leaves]
    found = []
    for run in (lambda *x: rnn.layer(*x[:-1], STEPS, x[-1]), step_by_step):
        results = run(*operands, backwards)
        chosen = [(r, w) for name, r, w in zip("yhc", results, weights, strict=True) if r is not None and used in (name, "all")]
        total = sum((r * w).sum() for r, w in chosen)
        fused = torch.autograd.grad(total, leaves, retain_graph=True, allow_unused=True)
        first = torch.autograd.grad(total, leaves, create_graph=True, allow_unused=True)
        along = sum((g * d).sum() for g, d in zip(first, directions, strict=True) if g is not None)
        second = torch.autograd.grad(along, leaves, allow_unused=True)
        found.append([*results[: 3 if mode == "LSTM" else 2], *fused, *first, *second])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), atol=1e-12)


def test_a_layer_with_a_state_that_is_not_differentiated():
    a, h, c, w, b = layer_operands("LSTM")
    y, _, _ = rnn.layer(a, h.detach(), c.detach(), w, b, STEPS, False)
    (given,) = torch.autograd.grad((y * y).sum(), w)
    y, _, _ = step_by_step(a, h, c, w, b, False)
    np.testing.assert_allclose(given.numpy(), torch.autograd.grad((y * y).sum(), w)[0].numpy(), atol=1e-12)


def test_a_layer_checks_its_operands():
    a, h, c, w, b = layer_operands("LSTM")
    for wrong in ((a[:-1], h, c, w, b), (a, h[:-1], c, w, b), (a, h, c[:, :-1], w, b), (a, h, c, w[:-1], b), (a, h, c, w, b[:-1])):
        with pytest.raises(RuntimeError, match="rnn"):
            rnn.layer(*wrong, STEPS, False)


@pytest.mark.parametrize("mode", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_layers_as_functions(mode, bidirectional):
    """The functions lstm, gru and so on, padded and packed, are what the modules compute; all sequences of one length give the same both ways."""
    options = {"nonlinearity": mode[4:]} if mode.startswith("rnn") else {}
    kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}.get(mode, torch.nn.RNN)
    net = kind(3, 4, num_layers=2, bidirectional=bidirectional, **options)
    x, directions = torch.randn(5, 2, 3), 2 if bidirectional else 1
    h = [torch.randn(2 * directions, 2, 4) for _ in range(2 if mode == "lstm" else 1)]
    hx = tuple(h) if mode == "lstm" else h[0]
    output, last = net(x, hx)
    last = last if mode == "lstm" else (last,)
    run = getattr(torch, mode)
    params = list(net.parameters())
    padded = run(x, hx, params, True, 2, 0.0, False, bidirectional, False)
    packed = run(x.reshape(10, 3), torch.tensor([2] * 5), hx, params, True, 2, 0.0, False, bidirectional)
    named = run(x.transpose(0, 1), hx, params, has_biases=True, num_layers=2, dropout=0.0, train=False, bidirectional=bidirectional, batch_first=True)
    for result in (padded, (packed[0].reshape(5, 2, -1), *packed[1:]), (named[0].transpose(0, 1), *named[1:])):
        assert len(result) == 1 + len(last)
        for got, expected in zip(result, (output, *last)):
            assert torch.equal(got, expected)
    with pytest.raises(RuntimeError, match="parameters"):
        run(x, hx, params[:-1], True, 2, 0.0, False, bidirectional, False)
    with pytest.raises(TypeError, match=mode):
        run(x, hx, params)
    with pytest.raises(ValueError, match="batch_sizes"):
        run(x.reshape(10, 3), torch.tensor([1, 2, 7]), hx, params, True, 2, 0.0, False, bidirectional)
    with pytest.raises(RuntimeError, match="hx"):
        run(x[:, :1], hx, params, True, 2, 0.0, False, bidirectional, False)
