"""A language model with two LSTM layers, tied weights, truncated backpropagation and gradients clipped, learning rate annealed."""
import numpy as np
from same import fill, say

import pyxtorch as torch
from pyxtorch import nn

rng = np.random.RandomState(0)
chain = rng.dirichlet(np.full(12, 0.2), 12)
text = [0]
for _ in range(4000):
    text.append(int(rng.choice(12, p=chain[text[-1]])))
data = torch.tensor(text[:4000]).view(20, -1).t().contiguous()


class Model(nn.Module):
    def __init__(self, words, size):
        super().__init__()
        self.encoder = nn.Embedding(words, size)
        self.rnn = nn.LSTM(size, size, 2)
        self.decoder = nn.Linear(size, words)
        self.decoder.weight = self.encoder.weight

    def forward(self, x, hidden):
        output, hidden = self.rnn(self.encoder(x), hidden)
        return self.decoder(output), hidden

    def init_hidden(self, n):
        weight = next(self.parameters())
        return weight.new_zeros(2, n, 24), weight.new_zeros(2, n, 24)


def repackage(h):
    return h.detach() if isinstance(h, torch.Tensor) else tuple(repackage(v) for v in h)


model = fill(Model(12, 24))
criterion, rate = nn.CrossEntropyLoss(), 8.0
for epoch in range(14):
    hidden, losses = model.init_hidden(20), []
    for i in range(0, len(data) - 1, 20):
        length = min(20, len(data) - 1 - i)
        x, y = data[i : i + length], data[i + 1 : i + 1 + length].reshape(-1)
        hidden = repackage(hidden)
        model.zero_grad()
        output, hidden = model(x, hidden)
        loss = criterion(output.view(-1, 12), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        with torch.no_grad():
            for p in model.parameters():
                p.add_(p.grad, alpha=-rate)
        losses.append(loss.item())
    if epoch == 1:
        say("epoch", sum(losses) / len(losses))
    rate *= 0.95
entropy = -(chain * np.log(chain + 1e-12)).sum(1)[text].mean()
assert np.mean(losses) < entropy + 0.4, (np.mean(losses), entropy)
