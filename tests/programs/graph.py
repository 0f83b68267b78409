"""A graph convolutional network over a sparse adjacency, and an attention layer over edges by scatter: two clubs of a graph are told apart."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from same import fill, say

rng = np.random.RandomState(0)
n = 40
club = torch.arange(n) // (n // 2)
chance = np.where((np.arange(n)[:, None] // (n // 2)) == (np.arange(n) // (n // 2)), 0.3, 0.03)
edges = np.argwhere(rng.random_sample((n, n)) < chance)
row, col = torch.from_numpy(edges.T.copy())
adjacency = torch.sparse_coo_tensor(torch.stack([row, col]), torch.ones(len(row)), (n, n)).coalesce()
adjacency = (torch.eye(n) + adjacency.to_dense()).clamp(max=1)
degree = adjacency.sum(1).rsqrt()
normal = (degree[:, None] * adjacency * degree).to_sparse()


class Conv(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(i, o))
        self.bias = nn.Parameter(torch.empty(o))

    def forward(self, x, a):
        return torch.sparse.mm(a, x @ self.weight) + self.bias


class Attention(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.lin, self.att = nn.Linear(i, o, bias=False), nn.Linear(2 * o, 1, bias=False)

    def forward(self, x, row, col):
        h = self.lin(x)
        score = F.leaky_relu(self.att(torch.cat([h[row], h[col]], 1)), 0.2).squeeze(1)
        score = (score - score.max()).exp()
        total = torch.zeros(len(x)).scatter_add(0, row, score)
        return torch.zeros_like(h).index_add(0, row, (score / total[row].clamp(min=1e-9))[:, None] * h[col]) + h


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = Conv(n, 8), Attention(8, 8), Conv(8, 2)

    def forward(self, x):
        x = F.elu(self.second(F.relu(self.first(x, normal)), row, col))
        return F.log_softmax(self.third(x, normal), 1)


model, features = fill(Network()), torch.eye(n)
known = torch.tensor([0, 1, 2, n - 1, n - 2, n - 3])
optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=5e-4)
for epoch in range(80):
    optimizer.zero_grad()
    loss = F.nll_loss(model(features)[known], club[known])
    loss.backward()
    optimizer.step()
    if epoch == 20:
        say("loss", loss)
right = (model(features).argmax(1) == club).float().mean()
assert right > 0.9, right
