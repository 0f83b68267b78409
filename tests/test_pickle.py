"""Tensors, storages and modules through Python's pickle and copy."""
import copy
import pickle
import struct

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import nn

DTYPES = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16,
          torch.float32, torch.float64, torch.complex64, torch.complex128]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 2), nn.ReLU())

    def forward(self, x):
        return self.layers(x)


def numbers(dtype):
    x = torch.arange(24).reshape(2, 3, 4)
    return (x % 2 if dtype is torch.bool else x).to(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_pickle_of_tensors(dtype):
    x = numbers(dtype)
    for y in (x, x.transpose(0, 2), x[:, 1], x[0, 0, 0], x[:0], x[0, 0, :1].expand(5)):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            z = pickle.loads(pickle.dumps(y, protocol))
            assert z.dtype == dtype and z.shape == y.shape and torch.equal(z, y)
    assert pickle.loads(pickle.dumps(x.transpose(0, 2))).stride() == x.transpose(0, 2).stride()


def test_pickle_out_of_band():
    x = torch.arange(10.0)
    buffers = []
    data = pickle.dumps(x, 5, buffer_callback=buffers.append)
    assert len(data) < 500 and buffers[0].raw().nbytes == 40
    assert torch.equal(pickle.loads(data, buffers=buffers), x)
    constant = bytes(buffers[0])
    loaded = pickle.loads(data, buffers=[constant])
    loaded.zero_()
    assert constant == np.arange(10, dtype=np.float32).tobytes()
    with pytest.raises(RuntimeError, match="outside the storage"):
        pickle.loads(data, buffers=[constant[:36]])


def test_pickle_of_storages_modules_and_parameters():
    assert bytes(pickle.loads(pickle.dumps(torch.ones(1).untyped_storage()))) == struct.pack("<f", 1.0)
    net, x = Net(), torch.ones(1, 2)
    assert torch.equal(pickle.loads(pickle.dumps(net))(x), net(x))
    p = nn.Parameter(torch.ones(2))
    p.note, q = 3, None
    q = pickle.loads(pickle.dumps(p))
    assert type(q) is nn.Parameter and q.requires_grad and q.note == 3
    t = torch.zeros(1, requires_grad=True)
    t.note = 4
    assert pickle.loads(pickle.dumps(t)).note == 4 and pickle.loads(pickle.dumps(t)).requires_grad


def test_deepcopy():
    x = torch.arange(6.0)
    a, b, c = copy.deepcopy([x, x[2:], x.view(2, 3).t()])
    a.zero_()
    assert b.tolist() == [0] * 4 and c.stride() == (1, 3) and c.sum() == 0 and x.sum() == 15
    net = Net()
    net.tied = net.layers[0].weight
    twin = copy.deepcopy(net)
    assert twin.tied is twin.layers[0].weight and twin.tied is not net.tied and torch.equal(twin.tied, net.tied)
    y = torch.ones(2, requires_grad=True)
    (y * 3).sum().backward()
    z = copy.deepcopy(y)
    assert z.requires_grad and z.grad.tolist() == [3, 3] and z.grad is not y.grad
    with pytest.raises(RuntimeError, match="leaves"):
        copy.deepcopy(y * 2)


def test_untyped_storage():
    storage = torch.UntypedStorage(12)
    assert len(storage) == storage.nbytes() == 12 and storage.device == torch.device("cpu")
    assert bytes(torch.UntypedStorage.__new__(torch.UntypedStorage)) == b""
    with pytest.raises(RuntimeError, match="already"):
        storage.__init__(3)
    with pytest.raises(RuntimeError, match="0 or more"):
        torch.UntypedStorage(-1)
    x = torch.ones(1000)
    lent = memoryview(x)
    x.set_(torch.zeros(1))
    assert lent[999] == 1.0
