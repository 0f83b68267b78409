"""torch.legacy: networks that keep their output and gradients themselves."""
import pytest

import pyxtorch as torch
import pyxtorch.nn.functional as F
from pyxtorch.legacy import nn, optim


def small():
    torch.manual_seed(0)
    return nn.Sequential().add(nn.Linear(3, 5)).add(nn.Tanh()).add(nn.Linear(5, 2)).add(nn.LogSoftMax())


def test_forward_and_backward():
    model, criterion = small(), nn.ClassNLLCriterion()
    x, target = torch.randn(4, 3), torch.tensor([0, 1, 1, 0])
    output = model.forward(x)
    loss = criterion.forward(output, target)
    model.zeroGradParameters()
    grad_input = model.backward(x, criterion.backward(output, target))
    leaf = x.clone().requires_grad_()
    weights = [p.clone().requires_grad_() for p in model.parameters()[0]]
    expected = F.nll_loss(F.log_softmax(F.linear(F.linear(leaf, *weights[:2]).tanh(), *weights[2:]), 1), target)
    expected.backward()
    assert loss == pytest.approx(expected.item()) and torch.allclose(grad_input, leaf.grad) and model.gradInput is grad_input
    assert all(torch.allclose(g, w.grad) for g, w in zip(model.parameters()[1], weights)) and torch.equal(model.get(3).output, model.output)
    model.backward(x, criterion.gradInput, 2)
    assert torch.allclose(model.get(0).gradWeight, 3 * weights[0].grad)
    before = model.get(0).weight.detach().clone()
    model.updateParameters(0.1)
    assert torch.allclose(model.get(0).weight, before - 0.1 * model.get(0).gradWeight) and model.size() == 4 and "nn.Tanh" in repr(model)


def test_training_by_a_vector_of_parameters():
    model, criterion = small(), nn.ClassNLLCriterion()
    x = torch.randn(40, 3)
    target = (x[:, 0] > 0).long()
    for method, config in ((optim.sgd, {"learningRate": 0.5, "momentum": 0.9}), (optim.adam, {"learningRate": 0.05}), (optim.rmsprop, {"learningRateDecay": 0.1})):
        flat, gradient = model.flattenParameters()

        def step(_, gradient=gradient):
            gradient.zero_()
            loss = criterion.forward(model.forward(x), target)
            model.backward(x, criterion.backward(model.output, target))
            return loss, gradient

        state = {}
        losses = [method(step, flat, config, state)[1] for _ in range(25)]
        assert losses[-1] < losses[0] and state["evalCounter"] == 25
    assert (model.forward(x).argmax(1) == target).float().mean() > 0.95


def test_layers_and_tables():
    x = torch.randn(2, 3, 8, 8)
    net = nn.Sequential(nn.SpatialConvolution(3, 4, 3, 3, 1, 1, 1), nn.SpatialBatchNormalization(4), nn.ReLU(), nn.SpatialMaxPooling(2, 2), nn.SpatialAveragePooling(2, 2),
                        nn.Reshape(16), nn.Dropout(0.5), nn.Linear(16, 2))  # fmt: skip
    assert net.forward(x).shape == (2, 2) and net.backward(x, torch.ones(2, 2)).shape == x.shape
    net.evaluate()
    assert torch.equal(net.forward(x), net.forward(x)) and not net.get(6).train and len(net.findModules("Linear")) == 1
    parts = nn.Sequential(nn.ConcatTable(nn.Identity(), nn.MulConstant(2)), nn.ParallelTable(nn.Identity(), nn.AddConstant(1)), nn.CAddTable())
    assert parts.forward(torch.ones(3)).tolist() == [4, 4, 4] and parts.backward(torch.ones(3), torch.ones(3)).tolist() == [3, 3, 3]
    two = [torch.full((2,), 6.0), torch.full((2,), 3.0)]
    assert nn.CDivTable().forward(two).tolist() == [2, 2] and nn.CSubTable().forward(two).tolist() == [3, 3] and nn.CMulTable().forward(two).tolist() == [18, 18]
    divide = nn.CDivTable()
    divide.forward(two)
    one, other = divide.backward(two, torch.ones(2))
    assert torch.allclose(one, torch.full((2,), 1 / 3)) and torch.allclose(other, torch.full((2,), -2 / 3))
    assert nn.JoinTable(0).forward(two).shape == (4,) and nn.SelectTable(1).forward(two)[0] == 3 and nn.LookupTable(5, 2).forward(torch.tensor([1, 4])).shape == (2, 2)
    joined = nn.Concat(1).add(nn.Linear(3, 1)).add(nn.Linear(3, 2))
    assert joined.forward(torch.ones(4, 3)).shape == (4, 3)
    for name, function in (("ReLU6", F.relu6), ("Sigmoid", torch.sigmoid), ("ELU", F.elu), ("SoftPlus", F.softplus), ("HardTanh", F.hardtanh), ("LogSigmoid", F.logsigmoid), ("Abs", torch.abs),
                           ("Exp", torch.exp), ("Square", torch.square), ("LeakyReLU", F.leaky_relu)):  # fmt: skip
        layer = getattr(nn, name)()
        leaf = x.clone().requires_grad_()
        function(leaf).sum().backward()
        assert torch.equal(layer.forward(x), function(x)) and torch.allclose(layer.backward(x, torch.ones_like(x)), leaf.grad)


def test_types_and_copies():
    model = small()
    other = model.clone()
    other.get(0).weight.detach().zero_()
    assert model.get(0).weight.abs().sum() > 0 and model.double().forward(torch.ones(1, 3).double()).dtype == torch.float64 and model.type() == "torch.DoubleTensor"
    assert model.float().parameters()[0][0].dtype == torch.float32


@pytest.mark.parametrize("name, function", [
    ("MSECriterion", F.mse_loss), ("AbsCriterion", F.l1_loss), ("SmoothL1Criterion", F.smooth_l1_loss), ("BCECriterion", F.binary_cross_entropy),
])  # fmt: skip
def test_criterions(name, function):
    x, y = torch.rand(5, 2), torch.rand(5, 2)
    criterion, leaf = getattr(nn, name)(), x.clone().requires_grad_()
    function(leaf, y).backward()
    assert criterion.forward(x, y) == pytest.approx(function(x, y).item()) and torch.allclose(criterion.backward(x, y), leaf.grad)
    criterion.sizeAverage = False
    assert criterion.forward(x, y) == pytest.approx(function(x, y, reduction="sum").item(), rel=1e-5)
    target = torch.tensor([0, 1, 1, 0, 1])
    assert nn.CrossEntropyCriterion(torch.tensor([1.0, 2.0])).forward(x, target) == pytest.approx(F.cross_entropy(x, target, torch.tensor([1.0, 2.0])).item())
