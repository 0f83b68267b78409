"""A polynomial of degree 4 fitted by hand-written steps: gradients read and zeroed by hand, a new batch each time."""
from itertools import count

import numpy as np
import torch
import torch.nn.functional as F
from same import fill, say

rng = np.random.RandomState(0)
DEGREE = 4
W_target = torch.from_numpy(rng.standard_normal((DEGREE, 1)) * 5).float()
b_target = torch.from_numpy(rng.standard_normal(1) * 5).float()


def make_features(x):
    x = x.unsqueeze(1)
    return torch.cat([x ** i for i in range(1, DEGREE + 1)], 1)


def get_batch(size=32):
    x = make_features(torch.from_numpy(rng.standard_normal(size)).float())
    return x, x.mm(W_target) + b_target.item()


def poly_desc(W, b):
    return "y = " + "".join(f"{w:+.2f} x^{i + 1} " for i, w in enumerate(W)) + f"{b[0]:+.2f}"


fc = fill(torch.nn.Linear(W_target.size(0), 1))
for batch_idx in count(1):
    batch_x, batch_y = get_batch()
    fc.zero_grad()
    output = F.smooth_l1_loss(fc(batch_x), batch_y)
    loss = output.item()
    output.backward()
    for param in fc.parameters():
        param.data.add_(-0.1 * param.grad)
    if batch_idx == 20:
        say("loss", loss)
    if loss < 1e-1 or batch_idx == 3000:
        break
assert loss < 1e-1
assert poly_desc(W_target.view(-1), b_target).startswith("y = +8.82 x^1 ")
