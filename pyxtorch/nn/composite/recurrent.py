"""Recurrent layers, step by step: any cell, packed sequences, both directions, projections."""
import pyxtorch
from pyxtorch.nn import functional as F
from pyxtorch.ops import rnn


def lstm_step(gates_x, h, c, w_hh, b_hh, w_hr=None):
    """One step of an LSTM: the next (h, c)."""
    h, c = rnn.lstm_step(gates_x, h, c, w_hh, b_hh)
    return (h if w_hr is None else F.linear(h, w_hr)), c


STEPS = {"RNN_TANH": rnn.tanh_step, "RNN_RELU": rnn.relu_step, "GRU": rnn.gru_step}


def _direction(mode, x, states, weights, sizes, backwards):
    """One layer in one direction over rows x, `sizes[t]` of them for step t (never growing).

    Returns the outputs in the order of x and the last states of all sequences.
    """
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    gates_x = F.linear(x, w_ih, b_ih)
    if mode in ("LSTM", "GRU") and w_hr is None and sizes[0] == sizes[-1]:
        whole = rnn.layer(gates_x, states[0], states[1] if mode == "LSTM" else None, w_hh, b_hh, len(sizes), backwards)
        if whole is not None:
            output, *last = whole
            return output, last if mode == "LSTM" else last[:1]
    steps_x = gates_x.split(sizes)
    step = STEPS.get(mode)
    now = [s[: sizes[-1]] for s in states] if backwards else list(states)
    outputs, ended = [None] * len(sizes), []
    for t in reversed(range(len(sizes))) if backwards else range(len(sizes)):
        size, have = sizes[t], now[0].shape[0]
        if size > have:  # sequences that begin here, seen from the end
            now = [pyxtorch.cat([s, first[have:size]]) for s, first in zip(now, states)]
        elif size < have:  # sequences that have ended
            ended.append([s[size:] for s in now])
            now = [s[:size] for s in now]
        if step is None:
            now = list(lstm_step(steps_x[t], *now, w_hh, b_hh, w_hr))
        else:
            now = [step(steps_x[t], now[0], w_hh, b_hh)]
        outputs[t] = now[0]
    ended.append(now)
    last = [pyxtorch.cat(parts[::-1]) if len(parts) > 1 else parts[0] for parts in map(list, zip(*ended))]
    return pyxtorch.cat(outputs), last


def run(mode, x, states, layers, sizes, dropout, training):
    """Several layers of one or two directions.

    Args:
        mode: "RNN_TANH", "RNN_RELU", "GRU" or "LSTM".
        x: rows of all steps one after the other, (sum of sizes, features).
        states: [h] or [h, c], each (layers * directions, batch, size).
        layers: for each layer the weights (w_ih, w_hh, b_ih, b_hh, w_hr) of its directions.
        sizes: how many rows each step has.
        dropout: of the outputs of all layers but the last, when training.
    Returns:
        (outputs like x, [h] or [h, c] after the last step of each sequence).
    """
    ends = []
    for number, directions in enumerate(layers):
        outputs = []
        for way, weights in enumerate(directions):
            begin = [s[number * len(directions) + way] for s in states]
            output, last = _direction(mode, x, begin, weights, sizes, backwards=way == 1)
            outputs.append(output)
            ends.append(last)
        x = outputs[0] if len(outputs) == 1 else pyxtorch.cat(outputs, -1)
        if dropout and training and number < len(layers) - 1:
            x = F.dropout(x, dropout, True)
    return x, [pyxtorch.stack(parts) for parts in zip(*ends)]
