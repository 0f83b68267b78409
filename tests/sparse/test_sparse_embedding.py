"""Embeddings with sparse gradients, and the optimisers that take them: against dense gradients, formulas, and PyTorch."""
import copy

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import functional as F

pytestmark = pytest.mark.filterwarnings("ignore:Sparse:UserWarning")  # of torch
IDS = [[1, 1, 3], [0, 3, 3]]


def table(rows=5, width=2, dtype=torch.float64):
    return torch.tensor(np.random.default_rng(0).standard_normal((rows, width))).to(dtype).requires_grad_()


def loss(y):
    return (y * torch.arange(y.numel(), dtype=y.dtype).reshape(y.shape)).sum()


@pytest.mark.parametrize("padding_idx", [None, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_gradient(padding_idx, dtype):
    a, b, ids = table(dtype=dtype), table(dtype=dtype), torch.tensor(IDS)
    for step in range(3):       # accumulates
        loss(F.embedding(ids, a, padding_idx, sparse=True)).backward()
        loss(F.embedding(ids, b, padding_idx)).backward()
        assert a.grad.is_sparse and a.grad.dtype is dtype and a.grad.sparse_dim() == 1 and a.grad.dense_dim() == 1
        assert torch.allclose(a.grad.to_dense(), b.grad, rtol=2e-2 if dtype is torch.bfloat16 else 1e-6)
    assert a.grad._indices().shape[1] <= 3 * ids.numel() and not a.grad.is_coalesced()
    loss(F.embedding(ids, a, padding_idx)).backward()       # a strided one makes it strided, as in PyTorch
    assert a.grad.layout is torch.strided
    loss(F.embedding(ids, a, padding_idx, sparse=True)).backward()
    assert a.grad.layout is torch.strided and torch.allclose(a.grad, b.grad * 5 / 3, rtol=5e-2 if dtype is torch.bfloat16 else 1e-5)


def test_frequency_is_refused():
    with pytest.raises(RuntimeError, match="scale_grad_by_freq not supported with sparse"):
        loss(F.embedding(torch.tensor(IDS), table(), scale_grad_by_freq=True, sparse=True)).backward()
    with pytest.raises(ValueError, match="max mode"):
        F.embedding_bag(torch.tensor(IDS), table(), mode="max", sparse=True)


@pytest.mark.parametrize("mode", ["sum", "mean"])
@pytest.mark.parametrize("weighted", [False, True])
def test_bags(mode, weighted):
    if weighted and mode == "mean":
        with pytest.raises(NotImplementedError):
            F.embedding_bag(torch.tensor(IDS), table(), mode=mode, sparse=True, per_sample_weights=torch.ones(2, 3, dtype=torch.float64))
        return
    a, b = table(), table()
    weights = torch.tensor([[1.0, 2, 3], [4, 5, 6]], dtype=torch.float64).requires_grad_() if weighted else None
    loss(F.embedding_bag(torch.tensor(IDS), a, mode=mode, sparse=True, per_sample_weights=weights, padding_idx=0)).backward()
    loss(F.embedding_bag(torch.tensor(IDS), b, mode=mode, per_sample_weights=weights, padding_idx=0)).backward()
    assert a.grad.is_sparse and torch.allclose(a.grad.to_dense(), b.grad)


def test_modules():
    m = nn.Embedding(10, 3, sparse=True)
    m(torch.tensor([1, 2])).sum().backward()
    assert m.weight.grad.is_sparse
    leaf = m.weight.detach().requires_grad_()
    leaf.grad = m.weight.grad
    copied = copy.deepcopy(leaf)
    assert copied.grad.is_sparse and copied.grad is not leaf.grad and torch.equal(copied.grad.to_dense(), leaf.grad.to_dense())
    m.zero_grad(set_to_none=False)
    assert m.weight.grad.is_sparse and m.weight.grad._nnz() == 0
    m.zero_grad()
    assert m.weight.grad is None
    bag = nn.EmbeddingBag(10, 3, sparse=True)
    bag(torch.tensor([[1, 2]])).sum().backward()
    assert bag.weight.grad.is_sparse


def test_double_backward():
    w = table()
    (g,) = torch.autograd.grad((F.embedding(torch.tensor(IDS), w, sparse=True) ** 3).sum(), w, create_graph=True)
    assert g.is_sparse
    (h,) = torch.autograd.grad((g.to_dense() ** 2).sum(), w)
    v = table()
    (g,) = torch.autograd.grad((F.embedding(torch.tensor(IDS), v) ** 3).sum(), v, create_graph=True)
    (wanted,) = torch.autograd.grad((g**2).sum(), v)
    assert torch.allclose(h.to_dense(), wanted)


# ----------------------------------------------------------------------------------- optimisers

OPTIONS = [
    ("SGD", {"lr": 0.1}), ("SGD", {"lr": 0.1, "maximize": True}), ("SGD", {"lr": 0.1, "momentum": 0.9}), ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}), ("Adagrad", {"lr": 0.1}), ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.5, "maximize": True}),
    ("SparseAdam", {"lr": 0.1}), ("SparseAdam", {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-3, "maximize": True}),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(OPTIONS)))
def test_optimisers_are_torchs(case):
    torch_ = pytest.importorskip("torch")
    name, options = OPTIONS[case]

    def train(t):
        w = t.tensor(table().detach().numpy()).requires_grad_()
        optimizer = getattr(t.optim, name)([w], **options)
        for step in range(6):
            optimizer.zero_grad()
            ids = t.tensor([IDS[0], [2, 2, step % 5], [0, 4, 1]][step % 3])
            (t.nn.functional.embedding(ids, w, sparse=True) * (1.0 + step)).pow(2).sum().backward()
            optimizer.step()
            yield w.detach().numpy().copy()

    for ours, theirs in zip(train(torch), train(torch_), strict=True):
        assert np.allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name, options", [("SGD", {"lr": 0.1}), ("SGD", {"lr": 0.1, "momentum": 0.9}), ("Adagrad", {"lr": 0.1})])
def test_sparse_is_dense(name, options):
    """These do with a sparse gradient what they do with the same strided one."""
    a, b = table(), table()
    first, second = getattr(torch.optim, name)([a], **options), getattr(torch.optim, name)([b], **options)
    for _ in range(4):
        for w, optimizer, sparse in (a, first, True), (b, second, False):
            optimizer.zero_grad()
            loss(F.embedding(torch.tensor(IDS), w, sparse=sparse)).backward()
            optimizer.step()
        assert torch.allclose(a, b)


@pytest.mark.parametrize("name", ["Adadelta", "Adafactor", "Adam", "AdamW", "Adamax", "ASGD", "NAdam", "RAdam", "RMSprop", "Rprop"])
def test_other_optimisers_refuse(name):
    w = table()
    F.embedding(torch.tensor(IDS), w, sparse=True).sum().backward()
    before = w.detach().clone()
    with pytest.raises(RuntimeError, match="please consider SparseAdam instead" if name in ("Adam", "AdamW") else f"{name} does not support sparse gradients"):
        getattr(torch.optim, name)([w]).step()
    assert torch.equal(w, before)


def test_refusals():
    w = table()
    F.embedding(torch.tensor(IDS), w).sum().backward()
    with pytest.raises(RuntimeError, match="SparseAdam does not support dense gradients"):
        torch.optim.SparseAdam([w]).step()
    with pytest.raises(ValueError, match="requires dense parameter"):
        torch.optim.SparseAdam([torch.eye(2).to_sparse().requires_grad_()])
    for options in {"lr": -1}, {"lr": 0.0}, {"eps": 0.0}, {"betas": (1.0, 0.5)}, {"betas": (0.5, -0.1)}:
        with pytest.raises(ValueError, match="Invalid"):
            torch.optim.SparseAdam([w], **options)
    w.grad = None
    F.embedding(torch.tensor(IDS), w, sparse=True).sum().backward()
    with pytest.raises(RuntimeError, match="weight_decay option is not compatible"):
        torch.optim.Adagrad([w], weight_decay=0.1).step()
    with pytest.raises(RuntimeError, match="add.sparse, dense"):
        torch.optim.SGD([w], lr=0.1, weight_decay=0.1).step()


def test_state_and_checkpoints():
    w = table()
    optimizer = torch.optim.SparseAdam([w], lr=0.1)

    def step(w, optimizer, ids=IDS):
        optimizer.zero_grad()
        F.embedding(torch.tensor(ids), w, sparse=True).pow(2).sum().backward()
        optimizer.step()

    step(w, optimizer)
    untouched = w.detach()[2].clone()
    assert optimizer.state[w]["exp_avg"][2].tolist() == [0.0, 0.0] and torch.equal(w[2], untouched)
    other = w.detach().clone().requires_grad_()
    again = torch.optim.SparseAdam([other], lr=0.1)
    again.load_state_dict(optimizer.state_dict())
    for ids in IDS, [[2]], [[4, 0]]:
        step(w, optimizer, ids)
        step(other, again, ids)
    assert torch.equal(w, other)
    w.grad = torch.sparse_coo_tensor(size=(5, 2), dtype=torch.float64).sparse_resize_and_clear_((5, 2), 1, 1)
    before = w.detach().clone()
    optimizer.step()            # nothing to do
    assert torch.equal(w, before)


def test_two_kinds_of_parameters():
    """A model with a sparse and with strided gradients, each with its optimiser, learns."""
    torch.manual_seed(0)
    embedding, head = nn.Embedding(50, 8, sparse=True), nn.Linear(8, 2)
    optimizers = torch.optim.SparseAdam(embedding.parameters(), lr=0.05), torch.optim.Adam(head.parameters(), lr=0.05)
    ids = torch.randint(0, 50, (64,))
    target = (ids % 2).long()
    losses = []
    for _ in range(30):
        value = F.cross_entropy(head(embedding(ids)), target)
        for optimizer in optimizers:
            optimizer.zero_grad()
        value.backward()
        for optimizer in optimizers:
            optimizer.step()
        losses.append(value.item())
    assert losses[-1] < 0.1 * losses[0]
