"""Style transfer in small: the picture itself is optimised, by LBFGS with a closure, against Gram matrices of a fixed network; hooks gather features."""
import numpy as np
from same import fill, say

import pyxtorch as torch
import pyxtorch.nn as nn
import pyxtorch.nn.functional as F
import pyxtorch.optim as optim

rng = np.random.RandomState(0)
cnn = fill(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU())).eval().requires_grad_(False)
content = torch.from_numpy(rng.uniform(0, 1, (1, 3, 12, 12))).float()
style = torch.from_numpy(np.tile(rng.uniform(0, 1, (1, 3, 4, 4)), (1, 1, 3, 3))).float()
features = {}
handles = [cnn[i].register_forward_hook(lambda m, x, y, i=i: features.__setitem__(i, y)) for i in (0, 3)]


def gram(y):
    b, c, h, w = y.size()
    f = y.view(b * c, h * w)
    return torch.mm(f, f.t()).div(b * c * h * w)


cnn(style)
wanted = {i: gram(y).detach() for i, y in features.items()}
cnn(content)
kept = features[3].detach()
picture = content.clone().requires_grad_(True)
optimizer = optim.LBFGS([picture], max_iter=8)
losses = []
for _run in range(6):

    def closure():
        with torch.no_grad():
            picture.clamp_(0, 1)
        optimizer.zero_grad()
        cnn(picture)
        loss = 1e4 * sum(F.mse_loss(gram(y), wanted[i]) for i, y in features.items()) + F.mse_loss(features[3], kept)
        loss.backward()
        losses.append(loss.item())
        return loss

    optimizer.step(closure)
for handle in handles:
    handle.remove()
say("first", losses[0])
say("fifth", losses[4])
assert losses[-1] < 0.05 * losses[0], (losses[0], losses[-1])
