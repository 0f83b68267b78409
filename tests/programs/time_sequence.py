"""Sine waves continued by two LSTM cells, trained by LBFGS with a closure over the whole set."""
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from same import fill, say

rng = np.random.RandomState(2)
shift = np.arange(40)[None] + rng.randint(-80, 80, (8, 1))
data = np.sin(shift / 6.0).astype("float64")
source, target = torch.from_numpy(data[2:, :-1]), torch.from_numpy(data[2:, 1:])
test_source, test_target = torch.from_numpy(data[:2, :-1]), torch.from_numpy(data[:2, 1:])


class Sequence(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.width = width
        self.lstm1 = nn.LSTMCell(1, width)
        self.lstm2 = nn.LSTMCell(width, width)
        self.linear = nn.Linear(width, 1)

    def forward(self, input, future=0):
        outputs = []
        h1, c1, h2, c2 = (torch.zeros(input.size(0), self.width, dtype=torch.double) for _ in range(4))
        for step in input.split(1, dim=1):
            h1, c1 = self.lstm1(step, (h1, c1))
            h2, c2 = self.lstm2(h1, (h2, c2))
            output = self.linear(h2)
            outputs += [output]
        for _ in range(future):
            h1, c1 = self.lstm1(output, (h1, c1))
            h2, c2 = self.lstm2(h1, (h2, c2))
            output = self.linear(h2)
            outputs += [output]
        return torch.cat(outputs, dim=1)


seq = fill(Sequence().double())
criterion = nn.MSELoss()
optimizer = optim.LBFGS(seq.parameters(), lr=0.8)
losses = []
for _step in range(6):

    def closure():
        optimizer.zero_grad()
        loss = criterion(seq(source), target)
        losses.append(loss.item())
        loss.backward()
        return loss

    optimizer.step(closure)
    if _step == 0:
        say("calls", len(losses))
with torch.no_grad():
    pred = seq(test_source, future=20)
    loss = criterion(pred[:, :-20], test_target)
say("first", losses[0])
say("fifth", losses[4])
assert pred.shape == (2, 59) and loss.item() < 0.05 * losses[0], (losses[0], loss.item())
