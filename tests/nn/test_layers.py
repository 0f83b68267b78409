"""Layers against NumPy, SciPy and written-out formulas, in float64."""
import itertools

import numpy as np
import pytest
import scipy.signal
import scipy.special

import pyxtorch as torch
from pyxtorch import nn

RNG = np.random.default_rng


def t(array):
    return torch.from_numpy(np.ascontiguousarray(array))


def close(actual, expected, rtol=1e-9, atol=1e-10):
    actual = actual.detach().numpy() if isinstance(actual, torch.Tensor) else actual
    assert actual.shape == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


@pytest.fixture(autouse=True)
def double():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def arrays(module):
    return {name: p.detach().numpy() for name, p in module.named_parameters()}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# ------------------------------------------------------------------------- linear, conv


def test_linear_and_bilinear():
    m, b = nn.Linear(3, 2), nn.Bilinear(3, 4, 2)
    x, y = torch.randn(5, 6, 3), torch.randn(5, 6, 4)
    close(m(x), x.numpy() @ arrays(m)["weight"].T + arrays(m)["bias"])
    close(b(x, y), np.einsum("abi,oij,abj->abo", x.numpy(), arrays(b)["weight"], y.numpy()) + arrays(b)["bias"])
    assert nn.Linear(3, 2, bias=False).bias is None
    close(nn.Identity()(x), x.numpy())
    close(nn.Flatten()(x), x.numpy().reshape(5, 18))
    close(nn.Unflatten(1, (2, 3))(x), x.numpy().reshape(5, 2, 3, 3))


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("stride, padding, dilation, groups", [(1, 0, 1, 1), (2, 1, 1, 1), (1, 2, 2, 2), (2, 1, 1, 4)])
def test_convolution_is_correlation(n, stride, padding, dilation, groups):
    m = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[n - 1](4, 8, 3, stride, padding, dilation, groups)
    x = torch.randn(2, 4, *(7, 6, 5)[:n])
    w, bias = arrays(m)["weight"], arrays(m)["bias"]
    spread = np.zeros((*w.shape[:2], *[(k - 1) * dilation + 1 for k in w.shape[2:]]))
    spread[(..., *[slice(None, None, dilation)] * n)] = w
    padded = np.pad(x.numpy(), [(0, 0)] * 2 + [(padding, padding)] * n)
    expected = []
    for sample, o in itertools.product(range(2), range(8)):
        first = o // (8 // groups) * (4 // groups)
        full = sum(scipy.signal.correlate(padded[sample, first + i], spread[o, i], "valid", "direct") for i in range(4 // groups))
        expected.append(full[(slice(None, None, stride),) * n] + bias[o])
    close(m(x), np.stack(expected).reshape(2, 8, *expected[0].shape))
    close(m(x[0]), m(x)[0].detach().numpy())


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("stride, padding, output_padding, groups", [(1, 0, 0, 1), (2, 1, 1, 2)])
def test_transposed_convolution_is_the_transpose(n, stride, padding, output_padding, groups):
    """<conv(x), y> = <x, conv_transpose(y)> with the same weight."""
    up = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[n - 1](4, 2, 3, stride, padding, output_padding, groups, bias=False)
    down = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[n - 1](2, 4, 3, stride, padding, groups=groups, bias=False)
    down.load_state_dict(up.state_dict())
    y = torch.randn(2, 4, *(5, 4, 3)[:n])
    x = torch.randn(*up(y).shape)
    close((down(x) * y).sum(), (x * up(y)).sum().detach().numpy())


@pytest.mark.parametrize("mode, name", [("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap"), ("zeros", "constant")])
def test_padding_modes_of_convolutions(mode, name):
    m = nn.Conv2d(1, 1, 3, padding=(2, 1), padding_mode=mode)
    x = torch.randn(1, 1, 5, 6)
    padded = np.pad(x.numpy()[0, 0], [(2, 2), (1, 1)], name)
    expected = scipy.signal.correlate(padded, arrays(m)["weight"][0, 0], "valid") + arrays(m)["bias"]
    close(m(x)[0, 0], expected)
    same = nn.Conv2d(1, 1, (4, 3), padding="same", padding_mode=mode)
    assert same(x).shape == x.shape


# ---------------------------------------------------------------------------- recurrent


def lstm_step(p, x, h, c, layer="l0", suffix=""):
    z = x @ p[f"weight_ih_{layer}{suffix}"].T + p[f"bias_ih_{layer}{suffix}"] + h @ p[f"weight_hh_{layer}{suffix}"].T + p[f"bias_hh_{layer}{suffix}"]
    i, f, g, o = np.split(z, 4, -1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_step(p, x, h, layer="l0", suffix=""):
    a = np.split(x @ p[f"weight_ih_{layer}{suffix}"].T + p[f"bias_ih_{layer}{suffix}"], 3, -1)
    b = np.split(h @ p[f"weight_hh_{layer}{suffix}"].T + p[f"bias_hh_{layer}{suffix}"], 3, -1)
    r, z = sigmoid(a[0] + b[0]), sigmoid(a[1] + b[1])
    return (1 - z) * np.tanh(a[2] + r * b[2]) + z * h


def rnn_step(p, x, h, layer="l0", suffix=""):
    return np.tanh(x @ p[f"weight_ih_{layer}{suffix}"].T + p[f"bias_ih_{layer}{suffix}"] + h @ p[f"weight_hh_{layer}{suffix}"].T + p[f"bias_hh_{layer}{suffix}"])


def unrolled(step, p, x, h, layers, directions):
    """All outputs (L, N, D * H) and the last states (layers * D, N, H)."""
    last = []
    for layer in range(layers):
        sides = []
        for d in range(directions):
            state, outs = h[layer * directions + d], []
            for k in range(len(x)) if d == 0 else reversed(range(len(x))):
                state = step(p, x[k], state, f"l{layer}", "_reverse" if d else "")
                outs.append(state)
            last.append(state)
            sides.append(np.stack(outs if d == 0 else outs[::-1]))
        x = np.concatenate(sides, -1)
    return x, np.stack(last)


@pytest.mark.parametrize("layers, directions", [(1, 1), (2, 1), (2, 2)])
@pytest.mark.parametrize("cls, step", [(nn.GRU, gru_step), (nn.RNN, rnn_step)])
def test_gru_and_rnn(cls, step, layers, directions):
    m = cls(3, 4, layers, bidirectional=directions == 2)
    x, h = torch.randn(6, 2, 3), torch.randn(layers * directions, 2, 4)
    y, last = m(x, h)
    expected = unrolled(step, arrays(m), x.numpy(), h.numpy(), layers, directions)
    close(y, expected[0])
    close(last, expected[1])
    first = cls(3, 4, layers, bidirectional=directions == 2, batch_first=True)
    first.load_state_dict(m.state_dict())
    close(first(x.transpose(0, 1), h)[0], expected[0].swapaxes(0, 1))
    close(m(x)[0], unrolled(step, arrays(m), x.numpy(), 0 * h.numpy(), layers, directions)[0])
    close(m(x[:, 0], h[:, 0])[0], expected[0][:, 0])


@pytest.mark.parametrize("layers", [1, 2])
def test_lstm(layers):
    m = nn.LSTM(3, 4, layers)
    x, h, c = torch.randn(5, 2, 3), torch.randn(layers, 2, 4), torch.randn(layers, 2, 4)
    y, (hn, cn) = m(x, (h, c))
    p, inputs = arrays(m), x.numpy()
    for layer in range(layers):
        hs, cs, outs = h[layer].numpy(), c[layer].numpy(), []
        for step in inputs:
            hs, cs = lstm_step(p, step, hs, cs, f"l{layer}")
            outs.append(hs)
        inputs = np.stack(outs)
        close(hn[layer], hs)
        close(cn[layer], cs)
    close(y, inputs)


def test_cells_are_steps():
    x, h, c = torch.randn(2, 3), torch.randn(2, 4), torch.randn(2, 4)

    def named(m):
        return {k + "_l0": v for k, v in arrays(m).items()}

    lstm, gru, rnn = nn.LSTMCell(3, 4), nn.GRUCell(3, 4), nn.RNNCell(3, 4)
    for actual, expected in zip(lstm(x, (h, c)), lstm_step(named(lstm), x.numpy(), h.numpy(), c.numpy())):
        close(actual, expected)
    close(gru(x, h), gru_step(named(gru), x.numpy(), h.numpy()))
    close(rnn(x, h), rnn_step(named(rnn), x.numpy(), h.numpy()))
    close(gru(x), gru_step(named(gru), x.numpy(), 0 * h.numpy()))


def test_lstm_projection_and_packed_input():
    m = nn.LSTM(3, 5, proj_size=2)
    y, (h, c) = m(torch.randn(4, 2, 3))
    assert y.shape == (4, 2, 2) and h.shape == (1, 2, 2) and c.shape == (1, 2, 5)
    g = nn.GRU(3, 4, bidirectional=True)
    long, short = torch.randn(5, 3), torch.randn(2, 3)
    packed = nn.utils.rnn.pack_sequence([long, short])
    y, h = g(packed)
    y, lengths = nn.utils.rnn.pad_packed_sequence(y)
    assert lengths.tolist() == [5, 2]
    for i, x in enumerate((long, short)):
        alone, last = g(x.unsqueeze(1))
        close(y[: len(x), i], alone[:, 0].detach().numpy())
        close(h[:, i], last[:, 0].detach().numpy())


@pytest.mark.parametrize("bad", [(4, 2, 5), (3,)])
def test_recurrent_layers_refuse_wrong_inputs(bad):
    with pytest.raises((RuntimeError, ValueError), match=r"(?s)\(in LSTM\)$"):
        nn.LSTM(3, 4)(torch.randn(*bad))


# -------------------------------------------------------------------------------- norms


def normalised(x, axes, eps):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def test_layer_norm_and_rms_norm():
    m = nn.LayerNorm((4, 5), eps=1e-3)
    x = torch.randn(2, 3, 4, 5) * 3 + 1
    with torch.no_grad():
        m.weight.normal_()
        m.bias.normal_()
    close(m(x), normalised(x.numpy(), (-2, -1), 1e-3) * arrays(m)["weight"] + arrays(m)["bias"])
    close(nn.RMSNorm(5, eps=1e-2)(x), x.numpy() / np.sqrt((x.numpy() ** 2).mean(-1, keepdims=True) + 1e-2))
    with pytest.raises(RuntimeError, match=r"normalized_shape.*\(in LayerNorm\)"):
        m(torch.randn(2, 4))


def test_group_norm_and_instance_norm():
    x = torch.randn(2, 6, 3, 4)
    m = nn.GroupNorm(3, 6)
    with torch.no_grad():
        m.weight.normal_()
    grouped = normalised(x.numpy().reshape(2, 3, -1), (-1,), 1e-5).reshape(x.shape)
    close(m(x), grouped * arrays(m)["weight"].reshape(6, 1, 1))
    close(nn.InstanceNorm2d(6)(x), normalised(x.numpy(), (2, 3), 1e-5))
    with pytest.raises(ValueError, match="divisible"):
        nn.GroupNorm(4, 6)


@pytest.mark.parametrize("n, cls", [(1, nn.BatchNorm1d), (2, nn.BatchNorm2d), (3, nn.BatchNorm3d)])
def test_batch_norm(n, cls):
    m = cls(3, momentum=0.2)
    x = torch.randn(4, 3, *(5, 2, 2)[:n]) * 2 + 1
    axes = (0, *range(2, n + 2))
    close(m(x), normalised(x.numpy(), axes, 1e-5))
    close(m.running_mean, 0.2 * x.numpy().mean(axes))
    close(m.running_var, 0.8 + 0.2 * x.numpy().var(axes, ddof=1))
    assert m.num_batches_tracked.item() == 1
    m.eval()
    shape = (3,) + (1,) * n
    close(m(x), (x.numpy() - m.running_mean.numpy().reshape(shape)) / np.sqrt(m.running_var.numpy().reshape(shape) + 1e-5))
    assert m.num_batches_tracked.item() == 1


def test_batch_norm_of_nothing_and_of_one():
    m = nn.BatchNorm1d(3)
    before = m.running_var.clone()
    assert m(torch.zeros(0, 3, 4)).shape == (0, 3, 4) and torch.equal(m.running_var, before)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        m(torch.zeros(1, 3))
    with pytest.raises(ValueError, match="expected 2D or 3D input"):
        m(torch.zeros(3))
    average = nn.BatchNorm1d(2, momentum=None)
    xs = [torch.randn(8, 2) for _ in range(3)]
    for x in xs:
        average(x)
    close(average.running_mean, np.mean([x.numpy().mean(0) for x in xs], 0))


def test_local_response_norm():
    x = torch.randn(2, 7, 3)
    square = np.pad(x.numpy() ** 2, [(0, 0), (2, 2), (0, 0)])
    mean = sum(square[:, i : i + 7] for i in range(5)) / 5
    close(nn.LocalResponseNorm(5, 0.1, 0.6, 2.0)(x), x.numpy() / (2 + 0.1 * mean) ** 0.6)


# ---------------------------------------------------------------------------- attention


def attention(q, k, v, mask=None):
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    weights = softmax(scores if mask is None else scores + mask)
    return weights @ v, weights


@pytest.mark.parametrize("mask", ["none", "causal", "padding", "float"])
def test_multihead_attention(mask):
    heads, width, length, batch = 2, 6, 4, 3
    m = nn.MultiheadAttention(width, heads, batch_first=True)
    x = torch.randn(batch, length, width)
    added, options = np.zeros((batch, 1, length, length)), {}
    if mask == "causal":
        options["attn_mask"] = nn.Transformer.generate_square_subsequent_mask(length)
        added = added + np.triu(np.full((length, length), -np.inf), 1)
    if mask == "float":
        options["attn_mask"] = torch.randn(length, length)
        added = added + options["attn_mask"].numpy()
    if mask == "padding":
        hidden = np.arange(length) >= np.array([[4], [3], [1]])
        options["key_padding_mask"] = t(hidden)
        added = np.where(hidden[:, None, None, :], -np.inf, added)
    p = arrays(m)
    z = x.numpy() @ p["in_proj_weight"].T + p["in_proj_bias"]
    q, k, v = (part.reshape(batch, length, heads, -1).swapaxes(1, 2) for part in np.split(z, 3, -1))
    out, weights = attention(q, k, v, added)
    out = out.swapaxes(1, 2).reshape(batch, length, width) @ p["out_proj.weight"].T + p["out_proj.bias"]
    y, w = m(x, x, x, **options)
    close(y, out)
    close(w, weights.mean(1))
    close(m(x, x, x, need_weights=False, **options)[0], out)
    close(m(x, x, x, average_attn_weights=False, **options)[1], weights)


def test_multihead_attention_refuses_wrong_shapes():
    m = nn.MultiheadAttention(6, 2)
    with pytest.raises(AssertionError, match="embedding dimension"):
        m(*[torch.randn(4, 3, 5)] * 3)
    with pytest.raises(AssertionError, match="divisible"):
        nn.MultiheadAttention(5, 2)


def test_encoder_layer_is_its_formula():
    m = nn.TransformerEncoderLayer(6, 2, 8, dropout=0.0, batch_first=True)
    x = torch.randn(2, 4, 6)
    y = m.norm1(x + m.self_attn(x, x, x)[0])
    y = m.norm2(y + m.linear2(m.linear1(y).relu()))
    close(m(x), y.detach().numpy())
    pre = nn.TransformerEncoderLayer(6, 2, 8, dropout=0.0, batch_first=True, norm_first=True, activation="gelu")
    z = pre.norm1(x)
    y = x + pre.self_attn(z, z, z)[0]
    y = y + pre.linear2(nn.functional.gelu(pre.linear1(pre.norm2(y))))
    close(pre(x), y.detach().numpy())


def test_transformer_shapes_and_masks():
    m = nn.Transformer(8, 2, 2, 2, 16, dropout=0.0, batch_first=True).eval()
    src, tgt = torch.randn(3, 5, 8), torch.randn(3, 4, 8)
    causal = m.generate_square_subsequent_mask(4)
    y = m(src, tgt, tgt_mask=causal)
    assert y.shape == (3, 4, 8)
    changed = tgt.clone()
    changed[:, 2:] += 1
    z = m(src, changed, tgt_mask=causal)
    close(z[:, :2], y[:, :2].detach().numpy())
    assert not torch.allclose(z[:, 2:], y[:, 2:])
    padding = torch.tensor([[False] * 3 + [True] * 2] * 3)
    masked = m(src, tgt, src_key_padding_mask=padding, memory_key_padding_mask=padding)
    close(masked, m(src[:, :3], tgt).detach().numpy())
    assert m(src[0], tgt[0]).shape == (4, 8)
    with pytest.raises(RuntimeError, match="feature"):
        m(torch.randn(3, 5, 7), tgt)


# ------------------------------------------------------------------------------- losses


def reduce(loss, reduction):
    return {"none": loss, "mean": loss.mean(), "sum": loss.sum()}[reduction]


X, Y = RNG(1).normal(size=(6, 5)), RNG(2).normal(size=(6, 5))
SIGN, CLASS = np.where(RNG(3).normal(size=(6, 5)) > 0, 1.0, -1.0), RNG(4).integers(0, 5, 6)
P = scipy.special.softmax(Y, -1)
LOG = np.log(softmax(X))
GAP = X - Y
LOSSES = [
    (nn.MSELoss, {}, (X, Y), GAP**2),
    (nn.L1Loss, {}, (X, Y), abs(GAP)),
    (nn.SmoothL1Loss, {"beta": 0.7}, (X, Y), np.where(abs(GAP) < 0.7, GAP**2 / 1.4, abs(GAP) - 0.35)),
    (nn.HuberLoss, {"delta": 0.7}, (X, Y), np.where(abs(GAP) < 0.7, GAP**2 / 2, 0.7 * (abs(GAP) - 0.35))),
    (nn.CrossEntropyLoss, {}, (X, CLASS), -LOG[np.arange(6), CLASS]),
    (nn.CrossEntropyLoss, {"label_smoothing": 0.2}, (X, CLASS), -0.8 * LOG[np.arange(6), CLASS] - 0.2 * LOG.mean(-1)),
    (nn.CrossEntropyLoss, {}, (X, P), -(LOG * P).sum(-1)),
    (nn.NLLLoss, {}, (LOG, CLASS), -LOG[np.arange(6), CLASS]),
    (nn.KLDivLoss, {}, (LOG, P), P * (np.log(P) - LOG)),
    (nn.BCELoss, {}, (sigmoid(X), P), -P * np.log(sigmoid(X)) - (1 - P) * np.log(1 - sigmoid(X))),
    (nn.BCEWithLogitsLoss, {}, (X, P), -P * np.log(sigmoid(X)) - (1 - P) * np.log(sigmoid(-X))),
    (nn.BCEWithLogitsLoss, {"pos_weight": 3.0}, (X, P), -3 * P * np.log(sigmoid(X)) - (1 - P) * np.log(sigmoid(-X))),
    (nn.SoftMarginLoss, {}, (X, SIGN), np.log1p(np.exp(-SIGN * X))),
    (nn.HingeEmbeddingLoss, {"margin": 1.5}, (X, SIGN), np.where(SIGN == 1, X, np.maximum(0, 1.5 - X))),
    (nn.MarginRankingLoss, {"margin": 0.3}, (X, Y, SIGN), np.maximum(0, -SIGN * GAP + 0.3)),
    (nn.PoissonNLLLoss, {}, (X, abs(Y)), np.exp(X) - abs(Y) * X),
    (nn.GaussianNLLLoss, {}, (X, Y, P), 0.5 * (np.log(P) + GAP**2 / P)),
    (nn.MultiLabelSoftMarginLoss, {}, (X, P), (-P * np.log(sigmoid(X)) - (1 - P) * np.log(sigmoid(-X))).mean(-1)),
    (nn.TripletMarginLoss, {"eps": 0.0}, (X, Y, P), np.maximum(0, 1 + np.linalg.norm(GAP, axis=-1) - np.linalg.norm(X - P, axis=-1))),
]


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")  # of KLDivLoss
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("cls, options, inputs, loss", LOSSES, ids=[f"{row[0].__name__}{i}" for i, row in enumerate(LOSSES)])
def test_losses(cls, options, inputs, loss, reduction):
    options = {k: torch.tensor(v) if k == "pos_weight" else v for k, v in options.items()}
    close(cls(reduction=reduction, **options)(*map(t, inputs)), reduce(loss, reduction))


def test_losses_of_rows():
    hinge = np.maximum(0, 1 - X[np.arange(6), CLASS][:, None] + X)
    hinge[np.arange(6), CLASS] = 0
    close(nn.MultiMarginLoss(reduction="none")(t(X), t(CLASS)), hinge.mean(-1))
    labels = np.array([[1, 3, -1, 2, 2]] * 6)
    pairs = sum(np.maximum(0, 1 - X[:, j] + X[:, k]) for j in (1, 3) for k in (0, 2, 4))
    close(nn.MultiLabelMarginLoss(reduction="none")(t(X), t(labels)), pairs / 5)
    cosine = (X * Y).sum(-1) / np.linalg.norm(X, axis=-1) / np.linalg.norm(Y, axis=-1)
    expected = np.where(SIGN[:, 0] == 1, 1 - cosine, np.maximum(0, cosine - 0.1))
    close(nn.CosineEmbeddingLoss(0.1, reduction="none")(t(X), t(Y), t(SIGN[:, 0])), expected)


def test_class_weights_and_ignored_targets():
    weight = np.array([0.5, 1, 2, 3, 4.0])
    target = CLASS.copy()
    target[2] = -100
    kept = [i for i in range(6) if i != 2]
    each = -LOG[kept, target[kept]] * weight[target[kept]]
    close(nn.CrossEntropyLoss(t(weight))(t(X), t(target)), each.sum() / weight[target[kept]].sum())
    with pytest.raises(IndexError, match="out of bounds"):
        nn.CrossEntropyLoss()(t(X), t(CLASS + 5))
    with pytest.raises(ValueError, match="batch_size"):
        nn.CrossEntropyLoss()(t(X), t(CLASS[:4]))


def test_ctc_sums_over_alignments():
    steps, classes, target = 4, 3, (1, 2)
    logp = np.log(softmax(RNG(0).normal(size=(steps, 1, classes))))

    def collapsed(path):
        return tuple(k for i, k in enumerate(path) if k and (i == 0 or path[i - 1] != k))

    total = sum(np.exp(sum(logp[i, 0, k] for i, k in enumerate(path))) for path in itertools.product(range(classes), repeat=steps) if collapsed(path) == target)
    loss = nn.CTCLoss(reduction="sum")(t(logp), torch.tensor([target]), torch.tensor([steps]), torch.tensor([2]))
    close(loss, -np.log(total))
    close(nn.CTCLoss()(t(logp), torch.tensor([target]), torch.tensor([steps]), torch.tensor([2])), -np.log(total) / 2)


# ------------------------------------------------------------- activations, the simple ones

Z = RNG(5).normal(size=(4, 6)) * 3
ACTIVATIONS = [
    (nn.ReLU(), np.maximum(Z, 0)),
    (nn.ReLU6(), np.clip(Z, 0, 6)),
    (nn.LeakyReLU(0.2), np.where(Z > 0, Z, 0.2 * Z)),
    (nn.ELU(0.5), np.where(Z > 0, Z, 0.5 * np.expm1(Z))),
    (nn.CELU(0.5), np.where(Z > 0, Z, 0.5 * np.expm1(Z / 0.5))),
    (nn.SELU(), 1.0507009873554805 * np.where(Z > 0, Z, 1.6732632423543772 * np.expm1(Z))),
    (nn.GELU(), Z * scipy.special.ndtr(Z)),
    (nn.GELU("tanh"), 0.5 * Z * (1 + np.tanh(np.sqrt(2 / np.pi) * (Z + 0.044715 * Z**3)))),
    (nn.SiLU(), Z * sigmoid(Z)),
    (nn.Mish(), Z * np.tanh(np.log1p(np.exp(Z)))),
    (nn.Softplus(2), np.log1p(np.exp(2 * Z)) / 2),
    (nn.Softsign(), Z / (1 + abs(Z))),
    (nn.Sigmoid(), sigmoid(Z)),
    (nn.LogSigmoid(), np.log(sigmoid(Z))),
    (nn.Tanh(), np.tanh(Z)),
    (nn.Tanhshrink(), Z - np.tanh(Z)),
    (nn.Hardtanh(-2, 1), np.clip(Z, -2, 1)),
    (nn.Hardsigmoid(), np.clip(Z / 6 + 0.5, 0, 1)),
    (nn.Hardswish(), Z * np.clip(Z / 6 + 0.5, 0, 1)),
    (nn.Hardshrink(0.7), np.where(abs(Z) > 0.7, Z, 0)),
    (nn.Softshrink(0.7), np.sign(Z) * np.maximum(abs(Z) - 0.7, 0)),
    (nn.Threshold(0.5, 9), np.where(Z > 0.5, Z, 9)),
    (nn.GLU(), Z[:, :3] * sigmoid(Z[:, 3:])),
    (nn.Softmax(-1), softmax(Z)),
    (nn.Softmin(-1), softmax(-Z)),
    (nn.LogSoftmax(-1), np.log(softmax(Z))),
    (nn.PReLU(), np.where(Z > 0, Z, 0.25 * Z)),
]


@pytest.mark.parametrize("module, expected", ACTIVATIONS, ids=[type(m).__name__ for m, _ in ACTIVATIONS])
def test_activations(module, expected):
    close(module.double()(t(Z)), expected, rtol=1e-7)


def test_dropout_scales_what_it_keeps():
    x = torch.ones(100, 100)
    for m, zeros in ((nn.Dropout(0.25), 0.25), (nn.Dropout(0.0), 0), (nn.Dropout(1.0), 1)):
        y = m(x).numpy()
        assert abs((y == 0).mean() - zeros) < 0.02
        np.testing.assert_allclose(y[y != 0], 1 / (1 - zeros) if zeros < 1 else 0)
        close(m.eval()(x), x.numpy())
    channels = nn.Dropout2d(0.5)(torch.ones(20, 30, 4, 4)).numpy().reshape(20, 30, -1)
    assert set(np.unique(channels.std(-1))) == {0} and abs((channels[..., 0] == 0).mean() - 0.5) < 0.1
    with pytest.raises(ValueError, match="probability"):
        nn.Dropout(1.5)


def test_embeddings():
    m = nn.Embedding(7, 3, padding_idx=0)
    index = torch.tensor([[1, 0, 6], [2, 2, 5]])
    w = arrays(m)["weight"]
    assert (w[0] == 0).all()
    close(m(index), w[index.numpy()])
    m(index).sum().backward()
    close(m.weight.grad[:, 0], np.array([0, 1, 2, 0, 0, 1, 1.0]))
    bag = nn.EmbeddingBag(7, 3, mode="mean")
    close(bag(index), arrays(bag)["weight"][index.numpy()].mean(1))
    close(bag(index.reshape(-1), torch.tensor([0, 2])), np.stack([arrays(bag)["weight"][part].mean(0) for part in ([1, 0], [6, 2, 2, 5])]))
    close(nn.Embedding.from_pretrained(torch.ones(2, 2))(torch.tensor([1])), np.ones((1, 2)))


# -------------------------------------------------------------------- pooling, rearranging


def test_pooling_of_windows():
    x = torch.randn(2, 3, 6, 8)
    blocks = x.numpy().reshape(2, 3, 3, 2, 4, 2).swapaxes(3, 4).reshape(2, 3, 3, 4, 4)
    close(nn.MaxPool2d(2)(x), blocks.max(-1))
    close(nn.AvgPool2d(2)(x), blocks.mean(-1))
    close(nn.LPPool2d(2, 2)(x), np.sqrt((blocks**2).sum(-1)))
    close(nn.LPPool2d(float("inf"), 2)(x), abs(blocks).max(-1))
    close(nn.AdaptiveAvgPool2d((3, 4))(x), blocks.mean(-1))
    close(nn.AdaptiveMaxPool2d((3, 4))(x), blocks.max(-1))
    close(nn.AdaptiveAvgPool2d(1)(x), x.numpy().mean((2, 3), keepdims=True))
    y, at = nn.MaxPool2d(2, return_indices=True)(x)
    back = nn.MaxUnpool2d(2)(y, at).numpy()
    close(back[back != 0], x.numpy()[back != 0])
    assert (back != 0).sum() == y.numel()


@pytest.mark.parametrize("n, order", [(2, [1, 0]), (3, [0, 1, 2])])
def test_fractional_pooling_follows_its_samples(n, order):
    size, out, k = 7, 3, 2
    samples = torch.rand(1, 1, n)
    x = torch.randn(1, 1, *[size] * n)
    alpha = (size - k) / (out - 1)

    def starts(u):
        return [int((i + u) * alpha) - int(u * alpha) for i in range(out - 1)] + [size - k]

    lines = [starts(samples[0, 0, i].item()) for i in order]
    expected = np.empty([out] * n)
    for at in np.ndindex(*expected.shape):
        expected[at] = x.numpy()[0, 0][tuple(slice(line[i], line[i] + k) for line, i in zip(lines, at))].max()
    m = (nn.FractionalMaxPool2d, nn.FractionalMaxPool3d)[n - 2](k, output_size=out, _random_samples=samples)
    close(m(x)[0, 0], expected)


PADS = [("Zero", "constant"), ("Constant", "constant"), ("Reflection", "reflect"), ("Replication", "edge"), ("Circular", "wrap")]


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("name, mode", PADS)
def test_padding_layers(name, mode, n):
    cls = getattr(nn, f"{name}Pad{n}d")
    x = torch.randn(2, 3, *(4, 5, 6)[:n])
    pads = (1, 2, 3, 0, 2, 1)[: 2 * n]
    sides = [pads[2 * i : 2 * i + 2] for i in reversed(range(n))]
    options = {"constant_values": 1.5} if name == "Constant" else {}
    m = cls(pads, 1.5) if name == "Constant" else cls(pads)
    close(m(x), np.pad(x.numpy(), [(0, 0)] * 2 + sides, mode, **options))
    close(m(x[0]), np.pad(x.numpy()[0], [(0, 0)] + sides, mode, **options))


def test_pixel_and_channel_shuffles():
    x = torch.randn(2, 8, 3, 4)
    up = nn.PixelShuffle(2)(x)
    close(up, x.numpy().reshape(2, 2, 2, 2, 3, 4).transpose(0, 1, 4, 2, 5, 3).reshape(2, 2, 6, 8))
    close(nn.PixelUnshuffle(2)(up), x.numpy())
    close(nn.ChannelShuffle(2)(x), x.numpy().reshape(2, 2, 4, 3, 4).swapaxes(1, 2).reshape(x.shape))
    columns = nn.Unfold((2, 2), stride=2)(torch.randn(1, 1, 4, 4))
    assert columns.shape == (1, 4, 4)
    ones = nn.Fold((4, 4), (2, 2), stride=1)(torch.ones(1, 4, 9))
    assert ones[0, 0].tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]


def test_upsampling():
    x = torch.randn(1, 2, 3, 4)
    close(nn.Upsample(scale_factor=2)(x), x.numpy().repeat(2, 2).repeat(2, 3))
    line = torch.tensor([[[0.0, 1.0, 2.0]]])
    close(nn.Upsample(size=5, mode="linear", align_corners=True)(line)[0, 0], np.linspace(0, 2, 5))
    close(nn.Upsample(scale_factor=2, mode="linear")(line)[0, 0], np.clip((np.arange(6) + 0.5) / 2 - 0.5, 0, 2))


def test_lazy_layers_take_the_shape_of_the_first_input():
    m = nn.Sequential(nn.LazyConv1d(4, 3), nn.LazyBatchNorm1d(), nn.Flatten(), nn.LazyLinear(2))
    assert m(torch.randn(5, 3, 8)).shape == (5, 2)
    assert type(m[0]) is nn.Conv1d and m[0].weight.shape == (4, 3, 3)
    assert type(m[3]) is nn.Linear and m[3].weight.shape == (2, 24)
