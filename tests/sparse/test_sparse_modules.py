"""Modules with sparse buffers and parameters, and programs in the style of graph networks."""
import copy
import io

import pytest

import pyxtorch as torch
from pyxtorch import nn


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("adjacency", torch.tensor([[0.0, 1, 1], [1, 0, 0], [1, 0, 0]]).to_sparse())
        self.weight = nn.Parameter(torch.ones(3, 2))
        self.own = nn.Parameter(torch.eye(3).to_sparse())

    def forward(self, x):
        return torch.spmm(self.adjacency, x @ self.weight.t() @ self.weight) + self.own @ x


def test_modules():
    m, x = Layer(), torch.arange(6.0).reshape(3, 2)
    wanted = m.adjacency.to_dense() @ (x @ torch.ones(2, 3) @ torch.ones(3, 2)) + x
    assert torch.allclose(m(x), wanted)
    m.double()
    assert m.adjacency.dtype is torch.float64 and m.own.dtype is torch.float64 and m.own.is_sparse and isinstance(m.own, nn.Parameter) and m.own.requires_grad
    file = io.BytesIO()
    torch.save(m.state_dict(), file)
    file.seek(0)
    n = Layer().double()
    n.load_state_dict({k: v * 2 for k, v in torch.load(file).items()})
    assert n.own.to_dense()[0, 0] == 2.0 and n.adjacency.to_dense()[0, 1] == 2.0
    n(x.double()).sum().backward()
    assert n.own.grad.is_sparse
    before = n.own.detach().clone()
    torch.optim.SGD(n.parameters(), lr=0.1).step()
    assert torch.allclose(n.own.to_dense(), (before - 0.1 * n.own.grad).to_dense())
    with pytest.raises(RuntimeError, match="does not support sparse gradients"):
        torch.optim.Adam(n.parameters()).step()
    n.float()
    assert n.own.grad.dtype is torch.float32
    assert copy.deepcopy(n).own.is_sparse
    assert "layout=torch.sparse_coo" in repr(n.own) and repr(n.own).startswith("Parameter containing")


def test_autocast_and_gradient_scaling():
    a, x = torch.tensor([[0.0, 2], [1, 0]]).to_sparse(), torch.ones(2, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = torch.sparse.mm(a, nn.functional.linear(x, torch.ones(3, 3)))
        assert y.dtype is torch.bfloat16 and y.tolist() == [[6.0] * 3, [3.0] * 3]
        assert (a.double() @ x.double()).dtype is torch.float64 and (a.to_sparse_csr() @ x).dtype is torch.bfloat16
    assert (a @ x).dtype is torch.float32
    embedding = nn.Embedding(4, 2, sparse=True)
    optimizer, scaler, before = torch.optim.SGD(embedding.parameters(), lr=1.0), torch.amp.GradScaler("cpu", init_scale=4.0), embedding.weight.detach().clone()
    scaler.scale(embedding(torch.tensor([1, 1, 3])).sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    assert torch.allclose(before - embedding.weight, torch.tensor([[0.0] * 2, [2.0] * 2, [0.0] * 2, [1.0] * 2]))
    before = embedding.weight.detach().clone()
    optimizer.zero_grad()
    scaler.scale((embedding(torch.tensor([1])) * float("inf")).sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    assert torch.equal(before, embedding.weight) and scaler.get_scale() == 2.0


def test_old_names_construct():
    i, v = torch.tensor([[0, 1], [1, 0]]), torch.tensor([1.0, 2.0])
    x = torch.sparse.FloatTensor(i, v, torch.Size([2, 2]))
    assert x.is_sparse and x.to_dense().tolist() == [[0.0, 1.0], [2.0, 0.0]] and isinstance(x, torch.sparse.FloatTensor)
    assert torch.sparse.DoubleTensor(i, v.double()).dtype is torch.float64 and torch.sparse.LongTensor(2, 3).shape == (2, 3)
    assert not isinstance(x, torch.sparse.DoubleTensor) and not isinstance(v, torch.sparse.FloatTensor)
    assert torch.sparse.FloatTensor().shape == (0,) and x.type() == "torch.sparse.FloatTensor" and repr(torch.sparse.FloatTensor) == "<class 'torch.sparse.FloatTensor'>"
    with pytest.raises(RuntimeError, match="expected"):
        torch.sparse.FloatTensor(i, v.double(), torch.Size([2, 2]))
    with pytest.raises(TypeError, match="invalid combination"):
        torch.sparse.FloatTensor("text")


def test_a_graph_network_learns():
    """Two layers of sparse products, as the well-known example of graph convolutions has them."""
    torch.manual_seed(0)
    n = 40
    sides = torch.randint(0, 2, (n,))
    edges = torch.stack([torch.randint(0, n, (400,)), torch.randint(0, n, (400,))])
    edges = edges[:, sides[edges[0]] == sides[edges[1]]]
    loops = torch.arange(n).repeat(2, 1)
    index = torch.cat([edges, edges.flip(0), loops], 1)
    a = torch.sparse_coo_tensor(index, torch.ones(index.shape[1]), (n, n)).coalesce()
    degree = torch.sparse.sum(a, 1).to_dense()
    a = torch.sparse_coo_tensor(a.indices(), a.values() / degree[a.indices()[0]], a.shape)
    first, second = nn.Linear(n, 16), nn.Linear(16, 2)
    optimizer = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=0.05)
    x, losses = torch.eye(n), []
    for _ in range(40):
        optimizer.zero_grad()
        y = torch.spmm(a, second(torch.relu(torch.sparse.mm(a, first(x)))))
        loss = nn.functional.cross_entropy(y[:8], sides[:8])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0] and (y.argmax(1) == sides).float().mean() > 0.9
