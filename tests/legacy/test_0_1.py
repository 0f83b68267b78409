"""PyTorch of early 2017: its names, and what they did; in one process with those of today."""
import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg

import pyxtorch as torch
import pyxtorch.nn.functional as F
from pyxtorch import nn, optim
from pyxtorch._names import missing
from pyxtorch.autograd import Function, Variable


def test_every_name_of_the_documentation_is_there():
    assert missing.missing("0.1.6") == {} and sum(map(len, missing.documented("0.1.6").values())) == 674


def test_the_table_is_printed():
    done = subprocess.run([sys.executable, "-m", "pyxtorch.run", "--names", "v0.1.6", "torch.optim"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.splitlines() == ["torch.optim: 10 of 10", "10 of 10 documented names of torch 0.1.6 (100.0 %)"]
    assert missing.report(["2.13", "torch.version"]).endswith("torch 2.13 (100.0 %)")
    with pytest.raises(SystemExit, match="no names are listed for torch.x"):
        missing.report(["v0.1.6", "torch.x"])


# ------------------------------------------------------------------------------- Variable

def test_volatile_means_that_nothing_is_recorded():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    x = Variable(torch.ones(2, 3), volatile=True)
    y = F.log_softmax(net(x), 1)
    assert y.volatile and not y.requires_grad and y.creator is None and isinstance(y, torch.Tensor) and torch.equal(y, F.log_softmax(net(torch.ones(2, 3)), 1))
    assert (y + net(torch.ones(2, 3))).volatile and torch.cat([y, y]).volatile and y.data.volatile and y[0].volatile
    assert not net(torch.ones(2, 3)).volatile and net(torch.ones(2, 3)).requires_grad
    assert F.nll_loss(y, torch.tensor([0, 1])).item() > 0
    with pytest.raises(RuntimeError, match="does not require grad"):
        y.sum().backward()
    with pytest.raises(RuntimeError, match="volatile and require_grad"):
        Variable(torch.ones(1), requires_grad=True, volatile=True)
    with pytest.raises(AttributeError):
        torch.ones(1).volatile = True


def test_variables():
    x = Variable(torch.ones(2), requires_grad=True)
    y = x * 3
    assert x.creator is None and y.creator is y.grad_fn and not x.volatile and isinstance(x, Variable) and y.creator.next_functions[0][0].variable is x
    y.backward(torch.ones(2))
    assert x.grad.data.tolist() == [3, 3] and Variable(torch.ones(2)).requires_grad is False
    with pytest.raises(RuntimeError, match="log_prob"):
        y.reinforce(1.0)


# ------------------------------------------------------------------------------- Function

class Scale(Function):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, input):
        self.save_for_backward(input)
        return input * self.factor

    def backward(self, grad_output):
        (input,) = self.saved_tensors
        self.seen = input.shape, self.needs_input_grad
        return grad_output * self.factor


class AddMul(Function):
    def forward(self, a, b):
        self.save_for_backward(a, b)
        self.mark_shared_storage((a, a))
        total = a + b
        self.mark_non_differentiable(total)
        return a * b, total

    def backward(self, grad_output, unused):
        a, b = self.saved_tensors
        return grad_output * b, (grad_output * a if self.needs_input_grad[1] else None)


def test_functions_that_are_objects():
    x = Variable(torch.tensor([1.0, 2.0]), requires_grad=True)
    f = Scale(3)
    y = f(x)
    assert y.creator is f and y.grad_fn.factor == 3
    z = f(y)                                                     # once more: another node
    assert z.creator is not f and z.creator.factor == 3
    z.sum().backward()
    assert x.grad.tolist() == [9, 9] and f.seen == ((2,), (True,))
    b = Variable(torch.tensor([4.0, 5.0]))
    product, total = AddMul()(x, b)
    assert product.requires_grad and not total.requires_grad and total.tolist() == [5, 7]
    x.grad = None
    product.sum().backward()
    assert x.grad.tolist() == [4, 5] and b.grad is None
    assert not Scale(2)(torch.ones(1)).requires_grad
    assert not Scale(2)(Variable(x.data, volatile=True)).requires_grad
    assert torch.autograd.gradcheck(Scale(2), torch.ones(3, dtype=torch.float64, requires_grad=True))


def test_functions_that_change_their_input():
    class Negate(Function):
        def forward(self, x):
            self.mark_dirty(x)
            return x.neg_()

        def backward(self, g):
            return -g

    x = Variable(torch.ones(2), requires_grad=True)
    y = x * 1
    assert Negate()(y) is y and y.tolist() == [-1, -1]
    y.sum().backward()
    assert x.grad.tolist() == [-1, -1]
    with pytest.raises(TypeError, match="cannot be called"):
        (x * 2).grad_fn(torch.ones(2))


def test_functions_of_containers():
    class Twist(torch.autograd.NestedIOFunction):
        def forward_extended(self, pair, factor):
            return {"a": pair[0] * factor, "b": (pair[1] * pair[0],)}

        def backward_extended(self, gradients):
            return (gradients["a"] * 2, gradients["b"][0]), None

    x, y = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    result = Twist()((x, y), 2)
    assert result["a"].tolist() == [2, 2]
    (result["a"].sum() + 5 * result["b"][0].sum()).backward()
    assert x.grad.tolist() == [2, 2] and y.grad.tolist() == [5, 5]
    assert torch.autograd.function.InplaceFunction(True).inplace and torch.autograd.function.FunctionMeta is type


def test_functions_of_both_styles_in_one_graph():
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 2 * g * x

    x = torch.tensor(3.0, requires_grad=True)
    Square.apply(Scale(2)(Square.apply(x))).backward()
    assert x.grad.item() == 4 * 4 * 27


# ------------------------------------------------------------------------ linear algebra

@pytest.fixture
def matrices():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((4, 4))
    return torch.from_numpy(a), torch.from_numpy(a @ a.T + 4 * np.eye(4)), torch.from_numpy(rng.standard_normal((4, 2)))


def test_equations(matrices):
    a, s, b = matrices
    x, lu = torch.gesv(b, a)
    assert torch.allclose(a @ x, b) and lu.shape == (4, 4) and torch.allclose(b.gesv(a)[0], x)
    u = torch.potrf(s)
    assert torch.allclose(u.t() @ u, s) and torch.equal(u, u.triu()) and torch.allclose(s.potrf(upper=False), u.t())
    assert torch.allclose(torch.potri(u), s.inverse()) and torch.allclose(u.potri(), s.inverse()) and torch.allclose(s @ torch.potrs(b, u), b) and torch.allclose(s @ b.potrs(u), b)
    assert torch.allclose(u @ torch.trtrs(b, u)[0], b) and torch.allclose(u.t() @ b.trtrs(u, transpose=True)[0], b)
    batch, vectors = torch.stack([a, s]), torch.stack([b[:, 0], b[:, 1]])
    info = torch.empty(0, dtype=torch.int32)
    factors, pivots = torch.btrifact(batch, info=info)
    solved = torch.btrisolve(vectors, factors, pivots)
    assert info.tolist() == [0, 0] and torch.allclose((batch @ solved.unsqueeze(-1)).squeeze(-1), vectors)
    with pytest.raises(RuntimeError, match="singular"):
        torch.btrifact(torch.zeros(1, 2, 2))
    (torch.gesv(b, a.requires_grad_())[0].sum()).backward()
    assert a.grad is not None


def test_least_squares(matrices):
    a, _, b = matrices
    tall, wide = torch.cat([a, 2 * a[:2]])[:, :3], a[:2]
    right = torch.cat([b, b[:2]])
    x, qr = torch.gels(right, tall)
    expected, residuals, *_ = np.linalg.lstsq(tall.numpy(), right.numpy(), rcond=None)
    assert x.shape == (6, 2) and np.allclose(x[:3], expected) and np.allclose((x[3:] ** 2).sum(0), residuals) and qr.shape == tall.shape
    x, _ = b[:2].gels(wide)
    assert torch.allclose(wide @ x, b[:2]) and np.allclose(x, np.linalg.pinv(wide.numpy()) @ b[:2].numpy())
    with pytest.raises(RuntimeError, match="same size"):
        torch.gels(b, tall)


def test_eigenvalues(matrices):
    a, s, _ = matrices
    values, vectors = torch.eig(a, eigenvectors=True)
    expected = np.linalg.eigvals(a.numpy())
    assert np.allclose(np.sort_complex(values.numpy() @ np.array([1, 1j])), np.sort_complex(expected)) and vectors.dtype == a.dtype
    j = 0
    while j < 4:
        real, imaginary = values[j].tolist()
        v = vectors[:, j] + (0 if imaginary == 0 else 1j * vectors[:, j + 1])
        assert torch.allclose(a.to(v.dtype) @ v, (real + 1j * imaginary if imaginary else real) * v)
        j += 1 if imaginary == 0 else 2
    assert a.eig()[1].numel() == 0
    values, vectors = torch.symeig(s, eigenvectors=True)
    assert torch.allclose(vectors * values @ vectors.t(), s) and torch.allclose(s.symeig()[0], values) and s.symeig()[1].numel() == 0
    half = s.triu() + torch.ones(4, 4, dtype=s.dtype).tril(-1)
    assert torch.allclose(torch.symeig(half)[0], values) and not torch.allclose(torch.symeig(half, upper=False)[0], values)


def test_a_pivoted_factor(matrices):
    _, s, _ = matrices
    low_rank = s[:, :2] @ s[:, :2].t()
    for upper in (True, False):
        u, pivots = torch.pstrf(low_rank, upper=upper)
        turned = low_rank[pivots.long()][:, pivots.long()]
        assert torch.allclose(u.t() @ u if upper else u @ u.t(), turned, atol=1e-8) and int((u.abs().sum(1 if upper else 0) > 1e-6).sum()) == 2 and pivots.dtype == torch.int32
    u, pivots = s.pstrf()
    assert np.allclose(np.abs(np.diag(u)), np.abs(np.diag(scipy.linalg.cholesky(s.numpy()[np.ix_(pivots, pivots)]))))


# -------------------------------------------------------------------------- other old names

def test_elementwise_names():
    x = torch.tensor([1.0, -2.0, 4.0])
    assert torch.cinv(x).tolist() == [1, -0.5, 0.25] and torch.cmax(x, 0).tolist() == [1, 0, 4] and x.cmin(torch.tensor([0.0, 5.0, 5.0])).tolist() == [0, -2, 4]
    y = x.clone()
    assert y.cmax_(0) is y and y.tolist() == [1, 0, 4] and y.cmin_(2).tolist() == [1, 0, 2] and torch.tensor([2.0]).cinv_().item() == 0.5
    assert y.masked_copy_(torch.ByteTensor([1, 0, 1]), torch.tensor([7.0, 8.0])).tolist() == [7, 0, 8]
    assert torch.unfold(torch.arange(4), 0, 2, 1).tolist() == [[0, 1], [1, 2], [2, 3]] and torch.range(1, 3).tolist() == [1, 2, 3]
    s = torch.sparse.FloatTensor(torch.LongTensor([[0, 1]]), torch.FloatTensor([3, 4]), torch.Size([3]))
    assert s.spadd(2, s).to_dense().tolist() == [9, 12, 0] and s.nnz() == 2
    assert torch.FloatStorage(2).new([5, 6]).tolist() == [5, 6]


def test_devices():
    from pyxtorch.cuda import comm

    x = torch.arange(6.0).view(6, 1)
    parts = comm.scatter(x, ["cpu", "cpu"], chunk_sizes=[2, 4])
    assert [len(p) for p in parts] == [2, 4] and torch.equal(comm.gather(parts, destination=-1), x) and comm.reduce_add([x, x, x]).tolist() == (3 * x).tolist()
    assert [c.tolist() for c in comm.broadcast(torch.ones(1), ["cpu", "cpu"])] == [[1], [1]] and comm.broadcast_coalesced([x], ["cpu"])[0][0] is not None
    assert comm.reduce_add_coalesced([[x, x], [x, x]])[1].sum() == 30
    out = [torch.empty(2, 1), torch.empty(4, 1)]
    assert comm.scatter(x, out=out)[1] is out[1] and out[1].flatten().tolist() == [2, 3, 4, 5]
    with pytest.raises(RuntimeError, match="Exactly one"):
        comm.broadcast(x)
    with pytest.raises(ValueError, match="one shape"):
        comm.reduce_add([x, x[:2]])
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError):
            torch.cuda.current_blas_handle()


def test_extensions_that_take_thtensors_are_refused(tmp_path):
    from pyxtorch.utils.ffi import create_extension

    (tmp_path / "my.h").write_text("int my_add(THFloatTensor *a, THFloatTensor *b);")
    with pytest.raises(ImportError, match="THTensor.*Cython"):
        create_extension("_ext.my", ["my.h"], ["my.c"], relative_to=tmp_path)


# ------------------------------------------------------------------------------- programs

def test_a_program_of_2017_and_one_of_today():
    torch.manual_seed(0)
    data, target = torch.randn(64, 2), torch.LongTensor(64)
    target.copy_((data[:, 0] * data[:, 1] > 0).long())

    class Net(nn.Module):
        def __init__(self):
            super(Net, self).__init__()  # noqa: UP008
            self.fc1 = nn.Linear(2, 16)
            self.fc2 = nn.Linear(16, 2)

        def forward(self, x):
            return F.log_softmax(self.fc2(F.tanh(self.fc1(x))), -1)

    model = Net()
    for m in model.modules():
        if isinstance(m, nn.Linear):
            nn.init.xavier_uniform_(m.weight)
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    model.train()
    for _ in range(60):
        inputs, labels = Variable(data), Variable(target)
        optimizer.zero_grad()
        loss = F.nll_loss(model(inputs), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimizer.step()
    model.eval()
    output = model(Variable(data, volatile=True))
    pred = output.data.max(1)[1]
    assert pred.eq(target).cpu().sum() > 58 and output.volatile
    with torch.no_grad():                                       # and so today
        assert (model(data).argmax(1) == target).float().mean().item() > 0.9
        assert torch.allclose(torch.vmap(model)(data), output, atol=1e-6)


def test_operations_look_for_volatile_variables_while_there_are_any():
    code = ("import gc; import pyxtorch as torch; from pyxtorch.autograd import Variable; x = Variable(torch.ones(1), volatile=True); y = Variable(x) + x; "
            "assert y.volatile and torch._gate.watching(); import pickle; assert pickle.loads(pickle.dumps(y)).volatile; del x, y; gc.collect(); assert not torch._gate.watching()")  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
