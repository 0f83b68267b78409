"""Whole networks train on the GPU with the CPU's losses: a residual net, a GPT, a recurrent language model, a VAE, a GAN."""
import pytest

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import functional as F

STEPS = 4


class Residual(nn.Module):
    def __init__(self, n, m, stride):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(n, m, 3, stride, 1, bias=False), nn.BatchNorm2d(m), nn.ReLU(), nn.Conv2d(m, m, 3, 1, 1, bias=False), nn.BatchNorm2d(m))
        self.short = nn.Sequential(nn.Conv2d(n, m, 1, stride, bias=False), nn.BatchNorm2d(m)) if stride > 1 else nn.Identity()

    def forward(self, x):
        return F.relu(self.body(x) + self.short(x))


class GPT(nn.Module):
    def __init__(self, words=17, width=16, length=8):
        super().__init__()
        self.words, self.places = nn.Embedding(words, width), nn.Embedding(length, width)
        self.blocks = nn.TransformerEncoder(nn.TransformerEncoderLayer(width, 2, 32, 0.0, "gelu", batch_first=True, norm_first=True), 2, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, words))

    def forward(self, x):
        mask = torch.triu(torch.full((x.shape[1], x.shape[1]), -float("inf"), device=x.device), 1)
        return self.head(self.blocks(self.words(x) + self.places(torch.arange(x.shape[1], device=x.device)), mask=mask))


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.words, self.rnn, self.head = nn.Embedding(17, 8), getattr(nn, kind)(8, 12, 2, batch_first=True), nn.Linear(12, 17)

    def forward(self, x):
        return self.head(self.rnn(self.words(x))[0])


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.coder = nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 6))
        self.decoder = nn.Sequential(nn.Linear(3, 64), nn.Unflatten(1, (4, 4, 4)), nn.ConvTranspose2d(4, 1, 4, 2, 1))

    def forward(self, x, noise):
        mean, spread = self.coder(x).chunk(2, 1)
        return self.decoder(mean + noise * torch.exp(spread / 2)), mean, spread


def words():
    return torch.randint(0, 17, (3, 9))


def following(model, x):
    return F.cross_entropy(model(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten())


def resnet():
    body = nn.Sequential(nn.Conv2d(3, 6, 3, 1, 1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(3, 2, 1), Residual(6, 6, 1), Residual(6, 8, 2),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    return body, (torch.randn(4, 3, 12, 12), torch.arange(4)), lambda model, x, y: F.cross_entropy(model(x), y)


def vae():
    def loss(model, x, noise):
        y, mean, spread = model(x, noise)
        return F.mse_loss(y, x) + 0.1 * (mean**2 + spread.exp() - spread - 1).mean()

    return VAE(), (torch.rand(3, 1, 8, 8), torch.randn(3, 3)), loss


NETWORKS = {"resnet": resnet, "gpt": lambda: (GPT(), (words(),), following), "vae": vae,
            **{kind: lambda kind=kind: (Recurrent(kind), (words(),), following) for kind in ("LSTM", "GRU", "RNN")}}


def losses(name, device):
    torch.manual_seed(0)
    model, data, loss_of = NETWORKS[name]()
    model, data = model.to(device), [x.to(device) for x in data]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    found = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(model, *data)
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


@pytest.mark.parametrize("name", list(NETWORKS))
def test_learns_alike(name):
    expected = losses(name, "cpu")
    assert losses(name, "cuda") == pytest.approx(expected, rel=2e-3) and expected[-1] < expected[0]


def gan(device):
    torch.manual_seed(0)
    maker = nn.Sequential(nn.Linear(4, 32), nn.Unflatten(1, (2, 4, 4)), nn.BatchNorm2d(2), nn.ReLU(), nn.ConvTranspose2d(2, 1, 4, 2, 1), nn.Tanh()).to(device)
    judge = nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(64, 1)).to(device)
    real, noise = torch.randn(3, 1, 8, 8).to(device), torch.randn(3, 4).to(device)
    one, two = torch.optim.Adam(maker.parameters(), 1e-2), torch.optim.Adam(judge.parameters(), 1e-2)
    found = []
    for _ in range(STEPS):
        two.zero_grad()
        fake = maker(noise)
        loss = F.softplus(-judge(real)).mean() + F.softplus(judge(fake.detach())).mean()
        loss.backward()
        two.step()
        one.zero_grad()
        other = F.softplus(-judge(fake)).mean()
        other.backward()
        one.step()
        found += [loss.item(), other.item()]
    return found


def test_a_gan_learns_alike():
    assert gan("cuda") == pytest.approx(gan("cpu"), rel=2e-3)
