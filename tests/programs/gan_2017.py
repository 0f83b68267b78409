"""A generative adversarial network of 2017: FloatTensors resized in place, noise by normal_, one label tensor filled again and again."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.parallel
import torch.optim as optim
from same import fill, say
from torch.autograd import Variable

rng = np.random.RandomState(0)


def weights_init(m):
    name = m.__class__.__name__
    if name.find("Linear") != -1:
        m.weight.data.mul_(1.5)
        m.bias.data.fill_(0)


netG = fill(nn.Sequential(nn.Linear(2, 16), nn.ReLU(True), nn.Linear(16, 2)), 1)
netD = fill(nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2, inplace=True), nn.Linear(16, 1), nn.Sigmoid()), 2)
netG.apply(weights_init)
netD.apply(weights_init)
criterion = nn.BCELoss()
input, noise, label = torch.FloatTensor(32, 2), torch.FloatTensor(32, 2), torch.FloatTensor(32)
optimizerD = optim.Adam(netD.parameters(), lr=0.01, betas=(0.5, 0.999))
optimizerG = optim.Adam(netG.parameters(), lr=0.01, betas=(0.5, 0.999))
for i in range(150):
    netD.zero_grad()
    real = torch.from_numpy(rng.randn(32, 2) * 0.3 + np.array([1.0, -1.0])).float()
    input.resize_as_(real).copy_(real)
    label.resize_(32).fill_(1)
    errD_real = criterion(netD(Variable(input)).squeeze(1), Variable(label))
    errD_real.backward()
    noise.copy_(torch.from_numpy(rng.randn(32, 2)))
    fake = netG(Variable(noise))
    errD_fake = criterion(netD(fake.detach()).view(-1), Variable(label.fill_(0)))
    errD_fake.backward()
    optimizerD.step()
    netG.zero_grad()
    errG = criterion(netD(fake).view(-1), Variable(label.fill_(1)))
    errG.backward()
    optimizerG.step()
    if i == 9:
        say("discriminator", errD_real.data + errD_fake.data)
        say("generator", errG.data)
centre = netG(Variable(torch.from_numpy(rng.randn(256, 2)).float(), volatile=True)).mean(0).data
assert (centre - torch.tensor([1.0, -1.0])).abs().max() < 0.5, centre
