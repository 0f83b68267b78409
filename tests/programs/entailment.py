"""Two sentences compared: one encoder for both (a bidirectional LSTM over embeddings), Bottle layers over three dimensions, fixed embeddings."""
import numpy as np
import torch
import torch.nn as nn
from same import fill, say


class Bottle(nn.Module):
    def forward(self, input):
        if len(input.size()) <= 2:
            return super().forward(input)
        size = input.size()[:2]
        out = super().forward(input.view(size[0] * size[1], -1))
        return out.view(size[0], size[1], -1)


class Linear(Bottle, nn.Linear):
    pass


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.rnn = nn.LSTM(input_size=config.d_proj, hidden_size=config.d_hidden, num_layers=config.n_layers, dropout=0.0, bidirectional=True)

    def forward(self, inputs):
        batch_size = inputs.size()[1]
        state_shape = self.config.n_layers * 2, batch_size, self.config.d_hidden
        h0 = c0 = inputs.new_zeros(*state_shape)
        outputs, (ht, ct) = self.rnn(inputs, (h0, c0))
        return ht[-2:].transpose(0, 1).contiguous().view(batch_size, -1)


class Classifier(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embed, self.projection, self.encoder = nn.Embedding(config.n_embed, config.d_embed), Linear(config.d_embed, config.d_proj), Encoder(config)
        self.relu = nn.ReLU()
        sizes = [4 * config.d_hidden] * 2
        self.out = nn.Sequential(Linear(*sizes), self.relu, nn.Dropout(p=0.0), Linear(sizes[0], config.d_out))

    def forward(self, premise, hypothesis):
        premise, hypothesis = (self.relu(self.projection(self.embed(s).detach())) for s in (premise, hypothesis))
        return self.out(torch.cat([self.encoder(premise), self.encoder(hypothesis)], 1))


class config:
    n_embed, d_embed, d_proj, d_hidden, n_layers, d_out = 12, 8, 10, 8, 2, 2


rng = np.random.RandomState(0)
premise = rng.randint(0, 12, (5, 64))
label = rng.randint(0, 2, 64)
hypothesis = np.where(label[None], premise, rng.randint(0, 12, (5, 64)))
premise, hypothesis, label = map(torch.from_numpy, (premise, hypothesis, label))
model = fill(Classifier(config))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
criterion = nn.CrossEntropyLoss()
for iterations in range(60):
    model.train()
    opt.zero_grad()
    answer = model(premise, hypothesis)
    loss = criterion(answer, label)
    loss.backward()
    opt.step()
    if iterations in (0, 10):
        say(f"loss_{iterations}", loss)
n_correct = (torch.max(answer, 1)[1].view(label.size()) == label).sum().item()
assert 100.0 * n_correct / 64 > 90 and model.embed.weight.grad is None
