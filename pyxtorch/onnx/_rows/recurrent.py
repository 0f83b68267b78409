"""Recurrent layers: one ONNX node for each layer, both directions in it."""
import pyxtorch
from pyxtorch.onnx._graph import Value
from pyxtorch.onnx._rows import row
from pyxtorch.onnx.errors import UnsupportedOperatorError

# The order of gates: i f g o there is i o f g in ONNX, r z n is z r n.
GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}


def _reordered(g, parts, order):
    """The blocks of each matrix or vector in another order, one matrix for each direction on top of the other."""
    if all(p.const is not None for p in parts):
        made = [pyxtorch.cat([p.const.chunk(len(order))[k] for k in order]) for p in parts]
        return g.constant(pyxtorch.stack(made))
    found = []
    for p in parts:
        n = p.fixed(0) // len(order)
        found.append(g.concat([p.slice(0, k * n, (k + 1) * n) for k in order], 0).unsqueeze(0))
    return g.concat(found, 0)


def _biases(g, first, second, order):
    both = [_reordered(g, x, order) for x in (first, second)]
    if all(b.const is not None for b in both):
        return g.constant(pyxtorch.cat([b.const for b in both], 1))
    return g.concat(both, 1)


def _layers(op, activation=None):
    def recurrent(g, input, hx, params, has_biases, num_layers=None, dropout=None, train=None, bidirectional=None, batch_first=None):
        if isinstance(hx, Value) and isinstance(params, (tuple, list)) and batch_first is None:
            raise UnsupportedOperatorError(f"export: {g.at}: packed sequences; give padded ones.")
        if train and dropout:
            raise UnsupportedOperatorError(f"export: {g.at}: dropout in training draws by chance; export in eval mode.")
        states = list(hx) if op == "LSTM" else [hx]
        ways, order = 2 if bidirectional else 1, GATES[op]
        each = len(params) // (num_layers * ways)
        if each not in (2, 4):
            raise UnsupportedOperatorError(f"export: {g.at}: an LSTM with projections (proj_size) has no ONNX operation.")
        hidden = states[0].fixed(-1)
        x = input.swap(0, 1) if batch_first else input
        length, n = x.size(0), x.size(1)
        ends = [[] for _ in states]
        for layer in range(num_layers):
            own = [params[(layer * ways + way) * each : (layer * ways + way + 1) * each] for way in range(ways)]
            inputs = [x, _reordered(g, [p[0] for p in own], order), _reordered(g, [p[1] for p in own], order)]
            inputs.append(_biases(g, [p[2] for p in own], [p[3] for p in own], order) if each == 4 else None)
            inputs.append(None)
            inputs += [s.slice(0, layer * ways, (layer + 1) * ways) for s in states]
            state = (x.dtype, [ways, x.shape[1], hidden])
            attributes = {"hidden_size": hidden, "direction": "bidirectional" if bidirectional else "forward"}
            if op == "GRU":
                attributes["linear_before_reset"] = 1
            if activation:
                attributes["activations"] = [activation] * ways
            y, *last = g.add_many(op, inputs, [(x.dtype, [x.shape[0], ways, x.shape[1], hidden]), *[state] * len(states)], **attributes)
            for end, value in zip(ends, last):
                end.append(value)
            x = y.squeeze(1) if ways == 1 else y.transpose([0, 2, 1, 3]).reshape([length, n, ways * hidden])
        x = x.swap(0, 1) if batch_first else x
        return (x, *[g.concat(end, 0) for end in ends])

    return recurrent


row("lstm")(_layers("LSTM"))
row("gru")(_layers("GRU"))
row("rnn_tanh")(_layers("RNN", "Tanh"))
row("rnn_relu")(_layers("RNN", "Relu"))


@row("lstm_cell")
def lstm_cell(g, input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    h, c = hx
    gates = _gates(input, w_ih, b_ih) + _gates(h, w_hh, b_hh)
    i, f, n, o = _split(gates, 4)
    c = f.unary("Sigmoid") * c + i.unary("Sigmoid") * n.unary("Tanh")
    return o.unary("Sigmoid") * c.unary("Tanh"), c


@row("gru_cell")
def gru_cell(g, input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    (ri, zi, ni), (rh, zh, nh) = (_split(x, 3) for x in (_gates(input, w_ih, b_ih), _gates(hx, w_hh, b_hh)))
    z = (zi + zh).unary("Sigmoid")
    n = (ni + (ri + rh).unary("Sigmoid") * nh).unary("Tanh")
    return (1 - z) * n + z * hx


def _plain_cell(op):
    def cell(g, input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
        return (_gates(input, w_ih, b_ih) + _gates(hx, w_hh, b_hh)).unary(op)

    return cell


row("rnn_tanh_cell")(_plain_cell("Tanh"))
row("rnn_relu_cell")(_plain_cell("Relu"))


def _gates(x, weight, bias):
    product = x.matmul(weight.swap(0, 1))
    return product if bias is None else product + bias


def _split(x, count):
    n = x.fixed(-1) // count
    return [x.slice(-1, i * n, (i + 1) * n) for i in range(count)]
