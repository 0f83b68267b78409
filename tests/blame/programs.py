"""Forty broken programs. The line that is at fault ends in `# fault`; each says which operation and which module must be named."""
import elsewhere

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import functional as F
from pyxtorch.utils.checkpoint import checkpoint
from pyxtorch.utils.data import DataLoader, Dataset

PROGRAMS = []


def broken(operation, module=None, file=None, inf=False):
    """`operation` and `module` must be in the error; `file`: where the fault is, if not here; inf: infinite gradients are errors."""
    def add(program):
        PROGRAMS.append((program, operation, module, file, inf))
        return program

    return add


def leaf(*values):
    return torch.tensor(values, requires_grad=True)


# ------------------------------------------------------------------------------------- forward


@broken("log")
def log_of_zero():
    x = leaf(0.0, 1.0)
    y = x.log()  # fault
    (y * y - y * y).sum().backward()


@broken("sqrt", inf=True)
def slope_of_sqrt():
    x = leaf(0.0, 1.0)
    y = (x * 2).sqrt()  # fault
    y.sum().backward()


@broken("div")
def zero_by_zero():
    x = leaf(0.0, 1.0)
    y = x / x  # fault
    y.sum().backward()


@broken("exp")
def exp_overflows():
    x = leaf(100.0, 1.0)
    y = x.exp()  # fault
    (y - y.max()).exp().sum().log().backward()


@broken("exp", inf=True)
def exp_overflows_to_an_infinite_loss():
    x = leaf(100.0, 1.0)
    y = x.exp()  # fault
    y.sum().backward()


@broken("mul")
def fp16_overflows():
    x = torch.tensor([300.0, 1.0], dtype=torch.float16, requires_grad=True)
    y = x * x  # fault
    (y / y.sum()).sum().backward()


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.fc2(self.fc1(x).relu())  # fault


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(3, 4), Head()

    def forward(self, x):
        return self.head(self.body(x).tanh())


@broken("Net.head.fc2.weight", "Net.head.fc2")
def bad_initialisation():
    net = Net()
    nn.init.constant_(net.head.fc2.weight, float("inf"))
    F.mse_loss(net(torch.randn(5, 3)), torch.zeros(5, 2)).backward()


@broken("bias", "Sequential.2")
def learning_rate_explodes():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=1e9)
    for _ in range(20):
        optimizer.zero_grad()
        y = net(torch.ones(5, 3))  # fault
        (y - 1).mean().square().sub(y.mean()).backward()
        optimizer.step()


class RelativeLoss(nn.Module):
    def forward(self, y, target):
        return ((y - target) / target).square().mean()  # fault


@broken("div", "RelativeLoss")
def division_in_a_loss():
    y = leaf(0.0, 1.0)
    RelativeLoss()(y * 2, torch.tensor([0.0, 1.0])).backward()


@broken("sub")
def softmax_of_a_masked_row():
    scores = torch.zeros(2, 3, requires_grad=True)
    mask = torch.tensor([[True, True, True], [False, False, True]])
    masked = scores.masked_fill(mask, float("-inf"))
    weights = masked - masked.logsumexp(1, keepdim=True)  # fault
    weights.exp().sum().backward()


@broken("softmax", "Attention")
def attention_without_a_key():
    class Attention(nn.Module):
        def forward(self, q, mask):
            scores = (q @ q.T).masked_fill(mask, float("-inf"))
            return scores.softmax(-1) @ q  # fault

    Attention()(torch.ones(2, 3, requires_grad=True), torch.ones(2, 2, dtype=torch.bool)).sum().backward()


@broken("rsqrt", "Norm")
def own_norm_without_eps():
    class Norm(nn.Module):
        def forward(self, x):
            centred = x - x.mean(0)
            return centred * centred.square().mean(0).rsqrt()  # fault

    Norm()(torch.ones(4, 2, requires_grad=True)).sum().backward()


@broken("var")
def variance_of_one_sample():
    x = torch.ones(1, 3, requires_grad=True)
    y = (x - x.mean(0)) * x.var(0)  # fault
    y.sum().backward()


@broken("pow", inf=True)
def recurrence_explodes():
    x = leaf(10.0)
    for _ in range(10):
        x = x.pow(2)  # fault
    x.sum().backward()


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(4, 4)
        nn.init.constant_(self.cell.weight, 1e10)

    def forward(self, h):
        for _ in range(6):
            h = self.cell(h)  # fault
        return h


@broken("linear", "Recurrent.cell")
def rnn_explodes():
    h = Recurrent()(torch.ones(1, 4))
    (h - h).sum().backward()


@broken("sqrt", file="elsewhere")
def in_another_file():
    x = leaf(-1.0, 4.0)
    elsewhere.root(x).sum().backward()


@broken("div", file="elsewhere")
def normalised_elsewhere():
    x = leaf(0.0, 0.0)
    elsewhere.normalised(x).sum().backward()


@broken("log")
def in_a_lambda():
    f = lambda x: x.log()  # noqa: E731  # fault
    f(leaf(-1.0, 1.0)).sum().backward()


@broken("log")
def in_a_comprehension():
    x = leaf(1.0, 2.0)
    sum([(x - i).log().sum() for i in range(3)]).backward()  # fault


@broken("mul")
def partly_under_no_grad():
    x = leaf(1.0, 2.0)
    with torch.no_grad():
        scale = 1 / (x - x)
    y = x * scale  # fault
    (y - y).sum().backward()


@broken("acos")
def acos_out_of_range():
    x = leaf(1.0000001, 0.5)
    y = (x * 1.001).acos()  # fault
    y.sum().backward()


@broken("logit")
def logit_out_of_range():
    x = leaf(1.5, 0.5)
    torch.logit(x).sum().backward()  # fault


@broken("pow")
def root_of_a_negative():
    x = leaf(-8.0, 8.0)
    y = x ** (1 / 3)  # fault
    y.sum().backward()


@broken("log", "Mixture.parts.1")
def in_a_module_list():
    class Part(nn.Module):
        def __init__(self, shift):
            super().__init__()
            self.shift = shift

        def forward(self, x):
            return (x - self.shift).log()  # fault

    class Mixture(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleList([Part(0.0), Part(1.5)])

        def forward(self, x):
            return sum(part(x) for part in self.parts)

    Mixture()(leaf(1.0, 2.0)).sum().backward()


@broken("log", "Outer.inner")
def recomputed_in_a_checkpoint():
    class Inner(nn.Module):
        def forward(self, x):
            return (x * 0).log() * x  # fault

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Inner()

        def forward(self, x):
            return checkpoint(self.inner, x, use_reentrant=False)

    y = Outer()(leaf(1.0, 2.0))
    (y - y).sum().backward()


@broken("reciprocal")
def complex_numbers():
    z = torch.tensor([0j, 1 + 1j], requires_grad=True)
    w = z.reciprocal()  # fault
    (w - w).abs().sum().backward()


@broken("cross_entropy")
def a_label_that_is_masked():
    x = torch.zeros(1, 3, requires_grad=True)
    logits = x.masked_fill(torch.tensor([[True, True, True]]), float("-inf"))
    loss = F.cross_entropy(logits, torch.tensor([0]))  # fault
    (loss * x.sum()).backward()


# ------------------------------------------------------------------------------------ backward


@broken("sqrt")
def only_the_gradient_is_not_finite():
    x = leaf(0.0, 1.0)
    y = x * 0
    z = y.sqrt()  # fault
    z.sum().backward()


@broken("Cube")
def function_whose_backward_gives_nan():
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0] * float("nan")

    x = leaf(1.0, 2.0)
    y = Cube.apply(x * 1)  # fault
    y.sum().backward()


@broken("hook")
def hook_that_gives_nan():
    x = leaf(1.0, 2.0)
    y = x * 3  # fault
    y.register_hook(lambda g: g / 0 - g / 0)
    y.sum().backward()


@broken("hook")
def hook_of_a_leaf():
    x = leaf(1.0, 2.0)
    x.register_hook(lambda g: g * float("nan"))
    (x * 3).sum().backward()


@broken("acos", inf=True)
def slope_of_acos():
    x = leaf(0.0, 1.0)
    y = x.acos()  # fault
    y.sum().backward()


# ----------------------------------------------------------------------------- changes in place


@broken("mul_")
def changed_before_backward():
    x = leaf(1.0, 2.0)
    y = x.exp()
    y.mul_(2)  # fault
    y.sum().backward()


@broken("__setitem__")
def an_element_is_assigned():
    x = leaf(1.0, 2.0)
    w = torch.ones(2)
    y = x * w
    w[0] = 3.0  # fault
    y.sum().backward()


@broken("add_")
def a_parameter_is_changed():
    net = Net()
    y = net(torch.randn(5, 3))
    with torch.no_grad():
        net.head.fc2.weight.add_(1.0)  # fault
    y.sum().backward()


# --------------------------------------------------------------------------------------- shapes


@broken("linear", "Net.head.fc2")
def shapes_in_own_modules():
    net = Net()
    net.head.fc2 = nn.Linear(5, 2)
    net(torch.randn(5, 3))  # fault


@broken("linear", "Sequential.1.0")
def shapes_in_a_nested_sequential():
    net = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.Linear(5, 2)))
    net(torch.randn(5, 3))  # fault


@broken("conv2d", "Stack.layers.1")
def shapes_in_a_module_list():
    class Stack(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Conv2d(3, 8, 3), nn.Conv2d(4, 8, 3)])

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)  # fault
            return x

    Stack()(torch.randn(1, 3, 8, 8))


@broken("embedding", "Words.table")
def index_out_of_range():
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(10, 4)

        def forward(self, ids):
            return self.table(ids).mean(0)  # fault

    Words()(torch.tensor([1, 12]))


@broken("value per channel", "Sequential.1")
def batch_norm_of_one_sample():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    net(torch.randn(1, 3))  # fault


@broken("linear", "Net.body")
def dtypes_mixed():
    Net()(torch.randn(5, 3, dtype=torch.float64))  # fault


class Items(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        return torch.ones(3) @ torch.ones(2 + i)  # fault


@broken("matmul")
def in_a_data_loader_worker():
    for _ in DataLoader(Items(), num_workers=1):
        pass
