"""Recurrent layers: lstm, gru, rnn_tanh, rnn_relu over a whole sequence, padded or packed.

Layers of one size of step are one operation (ops/rnn.pyx, `layer`); the others go step by step.
"""
from pyxtorch.ops import rnn
from pyxtorch.ops.matmul import linear
from pyxtorch.ops.random_dropout import dropout as drop
from pyxtorch.ops.shape_join import cat, stack

__all__ = ["lstm", "gru", "rnn_tanh", "rnn_relu"]

# The two calls of PyTorch, by their arguments: a padded input, or the rows of a packed one.
_PADDED = ("input", "hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional", "batch_first")
_PACKED = ("data", "batch_sizes", "hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional")


def _lstm_step(gates_x, h, c, w_hh, b_hh, w_hr=None):
    """One step of an LSTM: the next (h, c)."""
    h, c = rnn.lstm_step(gates_x, h, c, w_hh, b_hh)
    return (h if w_hr is None else linear(h, w_hr)), c


_STEPS = {"rnn_tanh": rnn.tanh_step, "rnn_relu": rnn.relu_step, "gru": rnn.gru_step}


def _direction(mode, x, states, weights, sizes, backwards):
    """One layer in one direction over rows x, `sizes[t]` of them for step t (never growing).

    Returns the outputs in the order of x and the last states of all sequences.
    """
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    gates_x = linear(x, w_ih, b_ih)
    if mode in ("lstm", "gru") and w_hr is None and sizes[0] == sizes[-1]:
        whole = rnn.layer(gates_x, states[0], states[1] if mode == "lstm" else None, w_hh, b_hh, len(sizes), backwards)
        if whole is not None:
            output, *last = whole
            return output, last if mode == "lstm" else last[:1]
    steps_x = gates_x.split(sizes)
    step = _STEPS.get(mode)
    now = [s[: sizes[-1]] for s in states] if backwards else list(states)
    outputs, ended = [None] * len(sizes), []
    for t in reversed(range(len(sizes))) if backwards else range(len(sizes)):
        size, have = sizes[t], now[0].shape[0]
        if size > have:  # sequences that begin here, seen from the end
            now = [cat([s, first[have:size]]) for s, first in zip(now, states)]
        elif size < have:  # sequences that have ended
            ended.append([s[size:] for s in now])
            now = [s[:size] for s in now]
        if step is None:
            now = list(_lstm_step(steps_x[t], *now, w_hh, b_hh, w_hr))
        else:
            now = [step(steps_x[t], now[0], w_hh, b_hh)]
        outputs[t] = now[0]
    ended.append(now)
    last = [cat(parts[::-1]) if len(parts) > 1 else parts[0] for parts in map(list, zip(*ended))]
    return cat(outputs), last


def _layers(mode, x, states, layers, sizes, dropout, training):
    """Several layers of one or two directions.

    Args:
        mode: "rnn_tanh", "rnn_relu", "gru" or "lstm".
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
        x = outputs[0] if len(outputs) == 1 else cat(outputs, -1)
        if dropout and training and number < len(layers) - 1:
            x = drop(x, dropout, True)
    return x, [stack(parts) for parts in zip(*ends)]


def _by_layer(mode, states, params, has_biases, num_layers, directions):
    """The flat list of parameters as a list for each layer of (w_ih, w_hh, b_ih, b_hh, w_hr) for each direction."""
    projected = mode == "lstm" and states[0].shape[-1] != states[1].shape[-1]
    count = 2 + 2 * bool(has_biases) + projected
    if len(params) != count * num_layers * directions:
        raise RuntimeError(
            f"{mode}: got {len(params)} parameters; {num_layers} layers in {directions} directions have "
            f"{count * num_layers * directions}, {count} each."
        )
    every = []
    for at in range(0, len(params), count):
        own = tuple(params[at : at + count])
        every.append((*own[:2], *(own[2:4] if has_biases else (None, None)), own[-1] if projected else None))
    return [every[at : at + directions] for at in range(0, len(every), directions)]


def _arguments(mode, args, named):
    """The arguments by name, and whether they are those of the packed call: there the fourth is the list of parameters."""
    packed = "batch_sizes" in named or "data" in named or len(args) > 3 and isinstance(args[3], (list, tuple))
    names = _PACKED if packed else _PADDED
    given = dict(zip(names, args))
    wrong = [name for name in named if name not in names or name in given]
    given.update(named)
    if len(args) > len(names) or wrong or len(given) < len(names):
        raise TypeError(f"{mode}: expected ({', '.join(names)}), got {len(args)} arguments and {sorted(named)}.")
    return given, packed


def _check_batch(mode, states, batch):
    for state in states:
        if state.shape[1] != batch:
            raise RuntimeError(f"{mode}: a batch of {batch} sequences needs hx of as many, got shape {list(state.shape)}.")


def _sequence(mode, args, named):
    given, packed = _arguments(mode, args, named)
    states = list(given["hx"]) if mode == "lstm" else [given["hx"]]
    if mode == "lstm" and len(states) != 2:
        raise RuntimeError(f"lstm expects two hidden states, got {len(states)}.")
    num_layers, directions = given["num_layers"], 2 if given["bidirectional"] else 1
    for state in states:
        if state.dim() != 3 or state.shape[0] != num_layers * directions:
            raise RuntimeError(f"{mode}: expected hx of shape ({num_layers * directions}, batch, features), got {list(state.shape)}.")
    layers = _by_layer(mode, states, given["params"], given["has_biases"], num_layers, directions)
    more = given["dropout"], given["train"]
    if packed:
        sizes = given["batch_sizes"].tolist()
        if not sizes or sizes[-1] < 1 or any(a < b for a, b in zip(sizes, sizes[1:])):
            raise ValueError(f"{mode}: batch_sizes should be a decreasing, positive array, got {sizes}.")
        _check_batch(mode, states, sizes[0])
        output, ends = _layers(mode, given["data"], states, layers, sizes, *more)
        return output, *ends
    x, batch_first = given["input"], given["batch_first"]
    if x.dim() != 3:
        raise RuntimeError(f"{mode}: input must have 3 dimensions, but has {x.dim()}: {list(x.shape)}.")
    x = x.transpose(0, 1) if batch_first else x
    length, batch = x.shape[:2]
    if length == 0:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    _check_batch(mode, states, batch)
    output, ends = _layers(mode, x.reshape(length * batch, x.shape[2]), states, layers, [batch] * length, *more)
    output = output.reshape(length, batch, output.shape[1])
    return output.transpose(0, 1) if batch_first else output, *ends


def lstm(*args, **named):
    """Layers of long short-term memory over a sequence: nn.LSTM as a function.

        lstm(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)
        lstm(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional)

    Args:
        input: (L, N, features), or (N, L, features) if batch_first; data, batch_sizes: of a PackedSequence.
        hx: (h, c), h (layers * directions, N, size of the output), c (layers * directions, N, hidden).
        params: for each layer and direction w_ih, w_hh, with has_biases b_ih and b_hh, and w_hr where h is projected.
        dropout: of the outputs of all layers but the last, with train.
    Returns:
        (outputs like the input, the last h, the last c).
    Raises:
        RuntimeError: shapes or the number of parameters do not fit.
    """
    return _sequence("lstm", args, named)


def gru(*args, **named):
    """Layers of gated recurrent units over a sequence: nn.GRU as a function.

        gru(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)
        gru(data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional)

    Arguments of lstm, with one state hx (layers * directions, N, hidden).
    Returns:
        (outputs like the input, the last state).
    """
    return _sequence("gru", args, named)


def rnn_tanh(*args, **named):
    """Plain recurrent layers with tanh over a sequence: nn.RNN as a function; arguments and result of gru."""
    return _sequence("rnn_tanh", args, named)


def rnn_relu(*args, **named):
    """Plain recurrent layers with relu over a sequence: nn.RNN as a function; arguments and result of gru."""
    return _sequence("rnn_relu", args, named)
