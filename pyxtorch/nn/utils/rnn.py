"""Sequences of different lengths: packing, padding."""
from collections import namedtuple

import pyxtorch
from pyxtorch import Tensor

_Fields = namedtuple("PackedSequence", ["data", "batch_sizes", "sorted_indices", "unsorted_indices"])


def invert_permutation(permutation):
    """Where each entry of a permutation went; None for None."""
    if permutation is None:
        return None
    output = pyxtorch.empty_like(permutation)
    output[permutation] = pyxtorch.arange(permutation.numel(), device=permutation.device)
    return output


class PackedSequence(_Fields):
    """Sequences step by step: the rows of all that have a step 0, then step 1, and so on.

    Fields: data (sum of lengths, *); batch_sizes, rows of each step (int64, CPU); sorted_indices
    and unsorted_indices, the order by length and back, None if it was given sorted.
    Made by pack_padded_sequence and pack_sequence.
    """

    def __new__(cls, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        if batch_sizes is None:
            if not isinstance(data, (list, tuple)) or len(data) != 2:
                raise ValueError("PackedSequence: batch_sizes is missing.")
            data, batch_sizes = data
        if batch_sizes.device.type != "cpu":
            raise ValueError(f"batch_sizes should always be on CPU. Instances of PackedSequence should never be created manually. They should be instantiated by functions like pack_sequence and pack_padded_sequences in nn.utils.rnn. Got {batch_sizes.device}.")
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _with(self, data, move):
        if data is self.data:
            return self
        indices = [None if i is None else move(i) for i in (self.sorted_indices, self.unsorted_indices)]
        return type(self)(data, self.batch_sizes, *indices)

    def to(self, *args, **kwargs):
        """The same with `data.to(...)`."""
        data = self.data.to(*args, **kwargs)
        return self._with(data, lambda i: i.to(data.device))

    def cuda(self, *args, **kwargs):
        """The same on the GPU."""
        return self.to("cuda")

    def cpu(self, *args, **kwargs):
        """The same on the CPU."""
        return self.to("cpu")

    def double(self):
        """The same in float64."""
        return self.to(pyxtorch.float64)

    def float(self):
        """The same in float32."""
        return self.to(pyxtorch.float32)

    def half(self):
        """The same in float16."""
        return self.to(pyxtorch.float16)

    def pin_memory(self):
        """The same in pinned memory."""
        return self._with(self.data.pin_memory(), lambda i: i.pin_memory())

    @property
    def is_cuda(self):
        return self.data.is_cuda

    def is_pinned(self):
        """Whether the data are in pinned memory."""
        return self.data.is_pinned()


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    """Pack padded sequences.

    Args:
        input: (T, N, *), or (N, T, *) if batch_first.
        lengths: N ints from 1 to T.
        enforce_sorted: complain unless they descend; otherwise they are sorted first.
    """
    sizes = [int(n) for n in (lengths.tolist() if isinstance(lengths, Tensor) else lengths)]
    order = None
    if not enforce_sorted:
        places = sorted(range(len(sizes)), key=lambda i: -sizes[i])
        sizes = [sizes[i] for i in places]
        order = pyxtorch.tensor(places, dtype=pyxtorch.int64, device=input.device)
        input = input.index_select(0 if batch_first else 1, order)
    if batch_first:
        input = input.transpose(0, 1)
    if len(sizes) != input.shape[1]:
        raise RuntimeError(f"Expected `len(lengths)` to be equal to batch_size, but got {len(sizes)} (batch_size={input.shape[1]})")
    if not sizes:
        raise RuntimeError("Cannot pack empty tensors.")
    if any(a < b for a, b in zip(sizes, sizes[1:])):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass `enforce_sorted=False` to "
            "pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do not need ONNX exportability."
        )
    if sizes[-1] <= 0:
        raise RuntimeError("Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0")
    if sizes[0] > input.shape[0]:
        raise RuntimeError(f"pack_padded_sequence: a length of {sizes[0]} exceeds the {input.shape[0]} steps of the input.")
    batch_sizes = [sum(n > t for n in sizes) for t in range(sizes[0])]
    data = pyxtorch.cat([input[t, :size] for t, size in enumerate(batch_sizes)])
    return PackedSequence(data, pyxtorch.tensor(batch_sizes, dtype=pyxtorch.int64, device="cpu"), order)


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """The inverse of pack_padded_sequence: (padded (T, N, *), lengths (N))."""
    sizes = sequence.batch_sizes.tolist()
    steps, batch = len(sizes), sizes[0]
    if total_length is not None:
        if total_length < steps:
            raise ValueError(f"Expected total_length to be at least the length of the longest sequence in input, but got total_length={total_length} and max sequence length being {steps}")
    full = total_length or steps
    parts, start, data = [], 0, sequence.data
    for size in sizes + [0] * (full - steps):
        row = data[start : start + size]
        start += size
        if size < batch:
            rest = pyxtorch.full((batch - size, *data.shape[1:]), padding_value, dtype=data.dtype, device=data.device)
            row = pyxtorch.cat([row, rest]) if size else rest
        parts.append(row)
    padded = pyxtorch.stack(parts)
    lengths = pyxtorch.tensor([sum(size > i for size in sizes) for i in range(batch)], dtype=pyxtorch.int64, device="cpu")
    if sequence.unsorted_indices is not None:
        padded = padded.index_select(1, sequence.unsorted_indices)
        lengths = lengths[sequence.unsorted_indices.cpu()]
    return padded.transpose(0, 1) if batch_first else padded, lengths


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Stack sequences (L_i, *) of different lengths into (T, N, *), filled up with padding_value."""
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"padding_side must be 'left' or 'right', not {padding_side!r}")
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    for i, s in enumerate(sequences):
        if not isinstance(s, pyxtorch.Tensor):
            raise TypeError(f"pad_sequence: expected Tensor as element {i}, but got {type(s).__name__}. Use torch.tensor(numbers) for each sequence.")
    longest = max(s.shape[0] for s in sequences)
    rows = []
    for s in sequences:
        if s.shape[0] < longest:
            rest = pyxtorch.full((longest - s.shape[0], *s.shape[1:]), padding_value, dtype=s.dtype, device=s.device)
            s = pyxtorch.cat([s, rest] if padding_side == "right" else [rest, s])
        rows.append(s)
    return pyxtorch.stack(rows, 0 if batch_first else 1)


def unpad_sequence(padded_sequences, lengths, batch_first=False):
    """The sequences that pad_sequence stacked, as a list."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [row[: int(n)] for row, n in zip(padded_sequences, lengths)]


def pack_sequence(sequences, enforce_sorted=True):
    """Pack a list of sequences (L_i, *)."""
    lengths = [s.shape[0] for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences):
    """The sequences of a PackedSequence, as a list."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
