"""The networks of fast style transfer: reflection padding, instance norm with weights, residual blocks, nearest upsampling; Gram matrices as the loss."""
import re

import numpy as np
import torch
from same import fill, say
from torch.optim import Adam


class ConvLayer(torch.nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride, upsample=None):
        super().__init__()
        self.upsample, self.reflection_pad = upsample, torch.nn.ReflectionPad2d(kernel_size // 2)
        self.conv2d = torch.nn.Conv2d(in_channels, out_channels, kernel_size, stride)

    def forward(self, x):
        if self.upsample:
            x = torch.nn.functional.interpolate(x, mode="nearest", scale_factor=self.upsample)
        return self.conv2d(self.reflection_pad(x))


class ResidualBlock(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.in1 = ConvLayer(channels, channels, 3, 1), torch.nn.InstanceNorm2d(channels, affine=True)
        self.conv2, self.in2 = ConvLayer(channels, channels, 3, 1), torch.nn.InstanceNorm2d(channels, affine=True)
        self.relu = torch.nn.ReLU()

    def forward(self, x):
        return self.in2(self.conv2(self.relu(self.in1(self.conv1(x))))) + x


class TransformerNet(torch.nn.Module):
    def __init__(self, width=6):
        super().__init__()
        self.conv1, self.in1 = ConvLayer(3, width, 9, 1), torch.nn.InstanceNorm2d(width, affine=True)
        self.conv2, self.in2 = ConvLayer(width, 2 * width, 3, 2), torch.nn.InstanceNorm2d(2 * width, affine=True)
        self.res = ResidualBlock(2 * width)
        self.deconv1, self.in4 = ConvLayer(2 * width, width, 3, 1, upsample=2), torch.nn.InstanceNorm2d(width, affine=True)
        self.deconv2, self.relu = ConvLayer(width, 3, 9, 1), torch.nn.ReLU()

    def forward(self, X):
        y = self.relu(self.in2(self.conv2(self.relu(self.in1(self.conv1(X))))))
        return self.deconv2(self.relu(self.in4(self.deconv1(self.res(y)))))


def gram_matrix(y):
    b, ch, h, w = y.size()
    features = y.view(b, ch, w * h)
    return features.bmm(features.transpose(1, 2)) / (ch * h * w)


def normalize_batch(batch):
    mean, std = batch.new_tensor([0.485, 0.456, 0.406]).view(-1, 1, 1), batch.new_tensor([0.229, 0.224, 0.225]).view(-1, 1, 1)
    return (batch.div_(255.0) - mean) / std


rng = np.random.RandomState(0)
content = torch.from_numpy(rng.uniform(0, 255, (4, 3, 12, 12))).float()
style = torch.from_numpy(np.tile(rng.uniform(0, 255, (1, 3, 3, 3)), (4, 1, 4, 4))).float()
features = fill(torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(8, 8, 3, padding=1))).requires_grad_(False)
transformer = fill(TransformerNet(), 1)
for name, p in transformer.named_parameters():
    if re.search(r"in\d\.weight$", name):
        torch.nn.init.ones_(p)
optimizer, mse_loss = Adam(transformer.parameters(), 5e-3), torch.nn.MSELoss()
gram_style = gram_matrix(features(normalize_batch(style.clone())))
wanted = features(normalize_batch(content.clone()))
losses = []
for step in range(25):
    optimizer.zero_grad()
    y = features(normalize_batch(transformer(content / 255) * 100 + 127))
    loss = mse_loss(y, wanted) + 1e2 * mse_loss(gram_matrix(y), gram_style[:len(y), :, :])
    loss.backward()
    optimizer.step()
    if step in (0, 3):
        say(f"loss_{step}", loss)
    losses.append(loss.item())
assert losses[-1] < 0.7 * losses[0], losses
state = transformer.state_dict()
for k in list(state.keys()):       # as old files of it are read
    if re.search(r"in\d+\.running_(mean|var)$", k):
        del state[k]
TransformerNet().load_state_dict(state)
