"""Recurrent networks."""
import math
import warnings

import pyxtorch
from pyxtorch.nn import init
from pyxtorch.nn.modules.module import Module
from pyxtorch.nn.parameter import Parameter
from pyxtorch.nn.utils.rnn import PackedSequence

_GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}


def apply_permutation(tensor, permutation, dim=1):
    """The entries of `tensor` along `dim` in another order."""
    return tensor.index_select(dim, permutation)


class RNNBase(Module):
    """What RNN, LSTM and GRU have in common.

    Parameters of layer k, of the reverse direction with the suffix _reverse: weight_ih_l[k]
    (gates * hidden_size, input), weight_hh_l[k] (gates * hidden_size, output), bias_ih_l[k],
    bias_hh_l[k] (gates * hidden_size), weight_hr_l[k] (proj_size, hidden_size) if projected; all
    U(-b, b) with b = 1 / sqrt(hidden_size).
    """

    __constants__ = ["mode", "input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size"]

    def __init__(
        self, mode, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0,
        bidirectional=False, proj_size=0, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__()
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout <= 1:
            raise ValueError("dropout should be a number in range [0, 1] representing the probability of an element being zeroed")
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={num_layers}",
                stacklevel=3,
            )
        for name, value, kind in (
            ("bias", bias, bool), ("batch_first", batch_first, bool), ("input_size", input_size, int), ("hidden_size", hidden_size, int),
        ):  # fmt: skip
            if not isinstance(value, kind):
                raise TypeError(f"{mode}: {name} should be of type {kind.__name__}, got: {type(value).__name__}")
        for name, value in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
            if value <= 0:
                raise ValueError(f"{mode}: {name} must be greater than zero, got {value}")
        if proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if proj_size >= hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + mode)
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self._flat_weights_names, self._all_weights = [], []
        gates = _GATES[mode] * hidden_size
        size = proj_size or hidden_size
        directions = 2 if bidirectional else 1
        for layer in range(num_layers):
            features = input_size if layer == 0 else size * directions
            for way in range(directions):
                shapes = {"weight_ih": (gates, features), "weight_hh": (gates, size)}
                if bias:
                    shapes.update(bias_ih=(gates,), bias_hh=(gates,))
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                names = []
                for kind, shape in shapes.items():
                    name = f"{kind}_l{layer}" + ("_reverse" if way else "")
                    setattr(self, name, Parameter(pyxtorch.empty(shape, device=device, dtype=dtype)))
                    names.append(name)
                self._all_weights.append(names)
                self._flat_weights_names += names
        self.reset_parameters()

    def reset_parameters(self):
        """Draw all parameters anew."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self):
        """Nothing to do here: kept because programs call it."""

    @property
    def all_weights(self):
        """The parameters, in a list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights(self):
        return [getattr(self, name) for name in self._flat_weights_names]

    def _check(self, input, states, batch):
        features, dtype = input.shape[-1], next(self.parameters()).dtype
        if input.dtype != dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({dtype}). "
                f"Convert input: input.to({dtype}), or convert model: model.to({input.dtype})"
            )
        if features != self.input_size:
            raise RuntimeError(f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {features}")
        count = self.num_layers * (2 if self.bidirectional else 1)
        sizes = [self.proj_size or self.hidden_size, self.hidden_size]
        names = ["hidden[0]", "hidden[1]"] if len(states) == 2 else ["hidden"]
        for name, state, size in zip(names, states, sizes):
            wanted = (count, batch, size)
            if tuple(state.shape) != wanted:
                raise RuntimeError(f"Expected {name} size {wanted}, got {list(state.shape)}")

    def _zero_states(self, input, batch):
        count = self.num_layers * (2 if self.bidirectional else 1)
        sizes = [self.proj_size or self.hidden_size] + [self.hidden_size] * (self.mode == "LSTM")
        return [pyxtorch.zeros(count, batch, size, dtype=input.dtype, device=input.device) for size in sizes]

    def forward(self, input, hx=None):
        lstm = self.mode == "LSTM"
        packed = isinstance(input, PackedSequence)
        if packed:
            data, batch_sizes, sorted_indices, unsorted_indices = input
            batched, batch = True, int(batch_sizes[0])
        else:
            if input.dim() not in (2, 3):
                raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {input.dim()}D instead")
            batched = input.dim() == 3
            x = input if batched else input.unsqueeze(0 if self.batch_first else 1)
            batch, length = x.shape[0 if self.batch_first else 1], x.shape[1 if self.batch_first else 0]
            sorted_indices = unsorted_indices = None
            if length == 0:
                raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        if hx is None:
            states = self._zero_states(data if packed else x, batch)
        else:
            states = list(hx) if lstm else [hx]
            if not batched:
                if any(s.dim() != 2 for s in states):
                    raise RuntimeError(f"For unbatched 2-D input, hx should also be 2-D but got {states[0].dim()}-D tensor")
                states = [s.unsqueeze(1) for s in states]
            elif any(s.dim() != 3 for s in states):
                raise RuntimeError(f"For batched 3-D input, hx should also be 3-D but got {states[0].dim()}-D tensor")
            if sorted_indices is not None:
                states = [apply_permutation(s, sorted_indices) for s in states]
        self._check(data if packed else x, states, batch)
        if packed:
            output, *ends = self._run(data, batch_sizes, states)
            output = PackedSequence(output, batch_sizes, sorted_indices, unsorted_indices)
            if unsorted_indices is not None:
                ends = [apply_permutation(s, unsorted_indices) for s in ends]
            return output, tuple(ends) if lstm else ends[0]
        output, *ends = self._run(x, None, states)
        if not batched:
            output, ends = output.squeeze(0 if self.batch_first else 1), [s.squeeze(1) for s in ends]
        return output, tuple(ends) if lstm else ends[0]

    def _run(self, input, batch_sizes, states):
        """The layers by the operation of this mode."""
        run = getattr(pyxtorch, self.mode.lower())
        hx = states if self.mode == "LSTM" else states[0]
        more = self._flat_weights, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional
        return run(input, hx, *more, self.batch_first) if batch_sizes is None else run(input, batch_sizes, hx, *more)

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        defaults = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False}
        for name, default in defaults.items():
            value = getattr(self, name)
            if value != default:
                text += f", {name}={value}"
        return text


class RNN(RNNBase):
    """h = tanh(W_ih x + b_ih + W_hh h + b_hh), or with relu, over a sequence.

    Args:
        input_size, hidden_size: features of input and state.
        num_layers: how many, each on the outputs of the one before.
        nonlinearity: "tanh" or "relu".
        bias: whether there are b_ih and b_hh.
        batch_first: (N, L, features) instead of (L, N, features).
        dropout: of the outputs of all layers but the last.
        bidirectional: also run backwards, outputs side by side.
    Call with input (L, N, input_size), (L, input_size) or a PackedSequence, and the first state
    (layers * directions, N, hidden_size), by default 0; gives (outputs, last state).
    """

    def __init__(self, input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False, dropout=0.0, bidirectional=False, device=None, dtype=None):
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        mode = f"RNN_{nonlinearity.upper()}"
        super().__init__(mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory: Hochreiter and Schmidhuber (1997), with forget gates.

    i, f, g, o = W_ih x + b_ih + W_hh h + b_hh;  c = sigmoid(f) c + sigmoid(i) tanh(g);
    h = sigmoid(o) tanh(c), times W_hr if proj_size is not 0.

    Arguments of RNN, without nonlinearity, and proj_size. The state is (h, c).
    """

    def __init__(self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False, proj_size=0, device=None, dtype=None):
        super().__init__("LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, device, dtype)


class GRU(RNNBase):
    """Gated recurrent unit: Cho et al. (2014).

    r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh);  n = tanh(W_in x + b_in + r (W_hn h + b_hn));
    h = (1 - z) n + z h.

    Arguments of RNN, without nonlinearity.
    """

    def __init__(self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False, device=None, dtype=None):
        super().__init__("GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype)


# ----------------------------------------------------------------------------------- cells


class RNNCellBase(Module):
    """What the cells have in common: weight_ih, weight_hh, bias_ih, bias_hh of num_chunks gates."""

    __constants__ = ["input_size", "hidden_size", "bias"]

    def __init__(self, input_size, hidden_size, bias, num_chunks, device=None, dtype=None):
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        shapes = {"weight_ih": (input_size,), "weight_hh": (hidden_size,), "bias_ih": (), "bias_hh": ()}
        for name, rest in shapes.items():
            wanted = bias or rest
            self.register_parameter(name, Parameter(pyxtorch.empty(num_chunks * hidden_size, *rest, device=device, dtype=dtype)) if wanted else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw all parameters anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _begin(self, input, states, count):
        """Input and states with a batch dimension, and whether they had one."""
        ndim = input.ndim
        if ndim != 1 and ndim != 2:
            raise ValueError(f"{type(self).__name__}: Expected input to be 1D or 2D, got {ndim}D instead")
        batched = ndim == 2
        x = input if batched else input.unsqueeze(0)
        if states is None:
            zeros = pyxtorch.zeros(x.shape[0], self.hidden_size, dtype=x.dtype, device=x.device)
            return x, (zeros,) * count, batched
        for s in states:
            if s.ndim != 1 and s.ndim != 2:
                name = f"hx[{next(i for i, t in enumerate(states) if t is s)}]" if count > 1 else "hx"
                raise ValueError(f"{type(self).__name__}: Expected {name} to be 1D or 2D, got {s.ndim}D instead")
        return x, states if batched else tuple([s.unsqueeze(0) for s in states]), batched

    def _step(self, cell, input, hx):
        x, (h,), batched = self._begin(input, None if hx is None else [hx], 1)
        h = cell(x, h, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return h if batched else h.squeeze(0)

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        if not self.bias:
            text += ", bias=False"
        if self.__dict__.get("nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text


class RNNCell(RNNCellBase):
    """One step of RNN: (N, input_size) and state (N, hidden_size) to the next state."""

    __constants__ = ["input_size", "hidden_size", "bias", "nonlinearity"]

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step(pyxtorch.rnn_tanh_cell if self.nonlinearity == "tanh" else pyxtorch.rnn_relu_cell, input, hx)


class LSTMCell(RNNCellBase):
    """One step of LSTM: (N, input_size) and state (h, c) to the next (h, c)."""

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input, hx=None):
        x, (h, c), batched = self._begin(input, hx, 2)
        h, c = pyxtorch.lstm_cell(x, (h, c), self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return (h, c) if batched else (h.squeeze(0), c.squeeze(0))


class GRUCell(RNNCellBase):
    """One step of GRU: (N, input_size) and state (N, hidden_size) to the next state."""

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input, hx=None):
        return self._step(pyxtorch.gru_cell, input, hx)
