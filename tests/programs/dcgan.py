"""DCGAN in small: transposed convolutions and batch norm, weights set by `apply` on class names, BCE on sigmoids, two optimisers."""
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from same import fill, say


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Conv") != -1:
        torch.nn.init.normal_(m.weight, 0.0, 0.02)
    elif classname.find("BatchNorm") != -1:
        torch.nn.init.normal_(m.weight, 1.0, 0.02)
        torch.nn.init.zeros_(m.bias)


class Generator(nn.Module):
    def __init__(self, nz=6, ngf=8):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, ngf * 2, 4, 1, 0, bias=False), nn.BatchNorm2d(ngf * 2), nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False), nn.BatchNorm2d(ngf), nn.ReLU(True),
            nn.ConvTranspose2d(ngf, 1, 4, 2, 1, bias=False), nn.Tanh())

    def forward(self, input):
        return self.main(input)


class Discriminator(nn.Module):
    def __init__(self, ndf=8):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(1, ndf, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False), nn.BatchNorm2d(ndf * 2), nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf * 2, 1, 4, 1, 0, bias=False), nn.Sigmoid())

    def forward(self, input):
        return self.main(input).view(-1, 1).squeeze(1)


rng = np.random.RandomState(0)
netG, netD = Generator().apply(weights_init), Discriminator().apply(weights_init)
assert 0.01 < netG.main[0].weight.std().item() < 0.03 and netG.main[1].bias.abs().sum().item() == 0
for net in (fill(netG), fill(netD, 1)):
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.ones_(m.weight)
criterion = nn.BCELoss()
optimizerD, optimizerG = (optim.Adam(net.parameters(), lr=0.002, betas=(0.5, 0.999)) for net in (netD, netG))
grid = np.linspace(-1, 1, 16)
for step in range(40):
    phase = rng.uniform(0, 6, 16)
    real = torch.from_numpy(np.stack([np.sin(4 * grid[None] + p) * np.cos(4 * grid[:, None]) for p in phase])[:, None]).float()
    noise = torch.from_numpy(rng.standard_normal((16, 6, 1, 1))).float()
    netD.zero_grad()
    label = torch.full((16,), 1, dtype=real.dtype)
    errD_real = criterion(netD(real), label)
    errD_real.backward()
    fake = netG(noise)
    label.fill_(0)
    errD_fake = criterion(netD(fake.detach()), label)
    errD_fake.backward()
    optimizerD.step()
    netG.zero_grad()
    label.fill_(1)
    errG = criterion(netD(fake), label)
    errG.backward()
    optimizerG.step()
    if step in (0, 3):
        say(f"D_{step}", errD_real + errD_fake)
        say(f"G_{step}", errG)
assert fake.shape == (16, 1, 16, 16) and (errD_real + errD_fake).item() < 1.5
