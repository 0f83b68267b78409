"""Networks learn on the GPU exactly as on the CPU: forward, losses, backward, optimisers."""
import pytest

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import functional as F

OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
    "SGD, Nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "Adam": lambda p: torch.optim.Adam(p, lr=3e-3, weight_decay=1e-2),
    "Adam, amsgrad": lambda p: torch.optim.Adam(p, lr=3e-3, amsgrad=True, maximize=False),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=3e-3),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=1e-3, centered=True, momentum=0.5),
}


def data():
    torch.manual_seed(0)
    centres = torch.randn(4, 20)
    labels = torch.arange(128) % 4
    return centres[labels] + 0.8 * torch.randn(128, 20), labels


def train(device, optimizer, loss_of=F.cross_entropy):
    x, y = (t.to(device) for t in data())
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 4)).to(device)
    optimizer = OPTIMIZERS[optimizer](model.parameters())
    losses = []
    for step in range(12):
        batch = torch.arange(step * 32, step * 32 + 32, device=device) % 128
        optimizer.zero_grad()
        loss = loss_of(model(x[batch]), y[batch])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        accuracy = (model(x).argmax(1) == y).float().mean().item()
    return losses, accuracy, [p.detach().cpu() for p in model.parameters()]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_mlp_learns_alike(optimizer):
    losses, accuracy, parameters = train("cuda", optimizer)
    expected_losses, expected_accuracy, expected_parameters = train("cpu", optimizer)
    assert losses == pytest.approx(expected_losses, rel=1e-4) and losses[-1] < losses[0]
    assert accuracy == pytest.approx(expected_accuracy)
    for p, q in zip(parameters, expected_parameters):
        assert (p - q).abs().max().item() < 2e-4


def test_double_precision_parameters_and_more_than_one_launch():
    """More parameters than one launch takes."""
    results = []
    for device in ("cpu", "cuda"):
        parameters = [torch.full((3,), 1.0 + i, dtype=torch.float64, device=device).requires_grad_() for i in range(70)]
        optimizer = torch.optim.Adam(parameters, lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            sum((p**2).sum() for p in parameters).backward()
            norm = nn.utils.clip_grad_norm_(parameters, 10.0)
            optimizer.step()
        assert norm.device.type == device
        results.append([norm.item(), *(v for p in parameters for v in p.tolist())])
    assert results[1] == pytest.approx(results[0], rel=1e-12)


@pytest.mark.parametrize("loss", [
    F.mse_loss, F.l1_loss, F.smooth_l1_loss, lambda x, t: F.huber_loss(x, t, delta=0.5),
    lambda x, t: F.binary_cross_entropy_with_logits(x, t.sigmoid()), lambda x, t: F.kl_div(F.log_softmax(x, 1), F.softmax(t, 1), reduction="batchmean"),
    lambda x, t: F.cross_entropy(x, F.softmax(t, 1), label_smoothing=0.1),
    lambda x, t: F.nll_loss(F.log_softmax(x, 1), t.argmax(1), weight=torch.arange(1.0, 6.0).to(x.device), ignore_index=2),
    lambda x, t: F.cross_entropy(x, t.argmax(1), reduction="sum"),
])
def test_losses_and_their_gradients(loss, agree):
    def both(x, t):
        x = x.detach().requires_grad_()
        value = loss(x, t)
        return value, torch.autograd.grad(value, x)[0]

    agree(both, torch.randn(9, 5), torch.randn(9, 5), tolerance=1e-5)


def test_second_derivatives(agree):
    def second(x):
        x = x.detach().requires_grad_()
        g = torch.autograd.grad((torch.tanh(x) @ x.T).logsumexp(1).sum(), x, create_graph=True)[0]
        return torch.autograd.grad((g**2).sum(), x)[0]

    agree(second, torch.randn(4, 6), tolerance=1e-4)


def test_a_model_goes_to_the_gpu_and_back():
    model = nn.Linear(3, 2)
    weight = model.weight.detach().clone()
    model.cuda()
    assert all(p.is_cuda and p.is_leaf for p in model.parameters())
    assert {k: v.device.type for k, v in model.state_dict().items()} == {"weight": "cuda", "bias": "cuda"}
    fresh = nn.Linear(3, 2)
    fresh.load_state_dict(model.state_dict())
    assert torch.equal(fresh.weight, weight) and torch.equal(model.cpu().weight, weight)
