"""A Siamese network: one embedding for three inputs, the triplet loss, then a contrastive one with hard pairs; nearest neighbours tell the class."""
import numpy as np
from same import fill, say

import pyxtorch as torch
import pyxtorch.nn.functional as F
from pyxtorch import nn
from pyxtorch.utils.data import DataLoader, TensorDataset, random_split

rng = np.random.RandomState(0)
centres = rng.randn(3, 10)
labels = rng.randint(0, 3, 150)
x = torch.from_numpy(centres[labels] + rng.randn(150, 10) * 0.6).float()
y = torch.from_numpy(labels)


class Embedding(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(10, 16), nn.PReLU(), nn.Linear(16, 2))

    def forward(self, *inputs):
        out = [F.normalize(self.net(x), dim=1) for x in inputs]
        return out[0] if len(out) == 1 else out


model = fill(Embedding())
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
triplet = nn.TripletMarginLoss(margin=0.5, swap=True)
other = [[np.flatnonzero(labels != k) for k in range(3)], [np.flatnonzero(labels == k) for k in range(3)]]
for step in range(60):
    anchors = rng.randint(0, 150, 32)
    positive = [rng.choice(other[1][k]) for k in labels[anchors]]
    negative = [rng.choice(other[0][k]) for k in labels[anchors]]
    loss = triplet(*model(x[anchors], x[positive], x[negative]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step == 10:
        say("triplet", loss)
train, test = random_split(TensorDataset(x, y), [120, 30], generator=torch.Generator().manual_seed(0))
for batch, target in DataLoader(train, batch_size=40):
    e = model(batch)
    distance = torch.cdist(e, e)
    same = target[:, None] == target
    loss = distance[same].pow(2).mean() + F.relu(1 - distance[~same]).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
with torch.no_grad():
    known, asked = (torch.stack([s[0] for s in part]) for part in (train, test))
    known_y, asked_y = (torch.stack([s[1] for s in part]) for part in (train, test))
    nearest = torch.cdist(model(asked), model(known)).topk(5, largest=False).indices
    guess = known_y[nearest].mode(1).values
assert (guess == asked_y).float().mean() > 0.9
