"""safetensors: files of its torch, its NumPy and its streaming interface, each read by the others; modules; what is refused."""
import os
import tempfile

import numpy as np
import safetensors
import safetensors.numpy
import safetensors.torch
import torch
from agree import fill, numbers, whole
from torch import nn

folder = tempfile.TemporaryDirectory()
path = os.path.join(folder.name, "x.safetensors")
DTYPES = """float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool uint16 uint32 uint64 complex64 float8_e4m3fn float8_e5m2""".split()
tensors = {name: (8 * numbers(3, 4)).to(getattr(torch, name)) for name in DTYPES if name[0] != "u"}
tensors |= {name: whole(200, 3, 4).to(getattr(torch, name)) for name in DTYPES if name[0] == "u"}
tensors |= {"empty": torch.zeros(0, 3), "scalar": torch.tensor(1.5)}


def same(a, b):
    """Equal in shape, dtype and every bit."""
    assert a.dtype == b.dtype and a.shape == b.shape, (a, b)
    assert a.contiguous().reshape(-1).view(torch.uint8).tolist() == b.contiguous().reshape(-1).view(torch.uint8).tolist(), (a, b)


safetensors.torch.save_file(tensors, path, metadata={"format": "pt", "by": "hand"})
loaded = safetensors.torch.load_file(path)
assert set(loaded) == set(tensors)
for name, tensor in tensors.items():
    same(loaded[name], tensor)
data = safetensors.torch.save(tensors)
for name, tensor in safetensors.torch.load(data).items():
    same(tensor, tensors[name])
assert data == open(path, "rb").read() or len(safetensors.torch.load(data)) == len(tensors)

# In pieces, from the mapped file.
big = numbers(256, 64)
safetensors.torch.save_file({"big": big, "transposed": big.t().contiguous()}, path)
def lies_in(tensor, path):
    """Whether the tensor's memory is the mapped file."""
    ranges = [line.split()[0].split("-") for line in open("/proc/self/maps") if path in line]
    return any(int(begin, 16) <= tensor.data_ptr() < int(end, 16) for begin, end in ranges)


with safetensors.safe_open(path, framework="pt", device="cpu") as f:
    assert lies_in(f.get_tensor("big"), path)
    assert sorted(f.keys()) == ["big", "transposed"] and not f.metadata()
    part = f.get_slice("big")
    assert part.get_shape() == [256, 64] and part.get_dtype() == "F32"
    same(part[10:20], big[10:20])
    same(part[:, 5:9], big[:, 5:9].contiguous())
    same(part[3], big[3])
    same(f.get_tensor("transposed"), big.t().contiguous())
got = safetensors.torch.load_file(path)["big"]
got += 1                                                        # the memory is one's own: the file does not change
same(safetensors.torch.load_file(path)["big"], big)

# NumPy's interface reads what torch's wrote, and the reverse.
arrays = safetensors.numpy.load_file(path)
assert arrays["big"].dtype == np.float32 and np.array_equal(arrays["big"], big.numpy())
safetensors.numpy.save_file({"a": arrays["big"][:2].copy(), "n": np.arange(6).reshape(2, 3)}, path)
back = safetensors.torch.load_file(path)
same(back["a"], big[:2])
same(back["n"], torch.arange(6).reshape(2, 3))

# Modules, whose tied weights are written once.

class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.table.weight
        self.norm = nn.BatchNorm1d(10)

    def forward(self, x):
        return self.norm(self.head(self.table(x)).mean(1))


model, other = fill(Tied()), Tied()
safetensors.torch.save_model(model, path)
missing, unexpected = safetensors.torch.load_model(other, path)
assert not missing and not unexpected
x = whole(10, 5, 3)
assert torch.equal(model.eval()(x), other.eval()(x)) and other.head.weight is other.table.weight

# What it refuses: shared memory, gaps between elements, other devices' and damaged files.
for bad, words in (({"a": big, "b": big[:2]}, "share memory"), ({"a": big[:, ::2]}, "contiguous"), ({"a": [1.0]}, "torch.Tensor")):
    try:
        safetensors.torch.save_file(bad, path)
    except (RuntimeError, ValueError) as error:
        assert words in str(error), error
    else:
        raise AssertionError(f"{words}: accepted")
for damaged in (data[:100], b"\xff" * 64, data[:-1]):
    try:
        safetensors.torch.load(damaged)
    except safetensors.SafetensorError as error:
        print("refused:", error)
    else:
        raise AssertionError("a damaged file was read")
print(f"{len(tensors)} tensors of {len(DTYPES)} dtypes went there and back")
