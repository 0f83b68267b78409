"""A language model of words, its two kinds: LSTM with tied weights whose state is carried on, and a transformer encoder with a mask."""
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from same import fill, say


class RNNModel(nn.Module):
    def __init__(self, rnn_type, ntoken, ninp, nhid, nlayers, tie_weights=False):
        super().__init__()
        self.drop, self.encoder = nn.Dropout(0.0), nn.Embedding(ntoken, ninp)
        self.rnn = getattr(nn, rnn_type)(ninp, nhid, nlayers)
        self.decoder = nn.Linear(nhid, ntoken)
        if tie_weights:
            if nhid != ninp:
                raise ValueError("When using the tied flag, nhid must be equal to emsize")
            self.decoder.weight = self.encoder.weight
        self.nhid, self.nlayers, self.ntoken = nhid, nlayers, ntoken

    def forward(self, input, hidden):
        output, hidden = self.rnn(self.drop(self.encoder(input)), hidden)
        return F.log_softmax(self.decoder(self.drop(output)).view(-1, self.ntoken), dim=1), hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        return weight.new_zeros(self.nlayers, bsz, self.nhid), weight.new_zeros(self.nlayers, bsz, self.nhid)


class TransformerModel(nn.Transformer):
    def __init__(self, ntoken, ninp, nhead, nhid, nlayers):
        super().__init__(d_model=ninp, nhead=nhead, dim_feedforward=nhid, num_encoder_layers=nlayers, dropout=0.0)
        self.src_mask, self.ninp = None, ninp
        self.input_emb, self.decoder = nn.Embedding(ntoken, ninp), nn.Linear(ninp, ntoken)
        position, div = torch.arange(0, 64, dtype=torch.float).unsqueeze(1), torch.exp(torch.arange(0, ninp, 2).float() * (-math.log(10000.0) / ninp))
        pe = torch.zeros(64, ninp)
        pe[:, 0::2], pe[:, 1::2] = torch.sin(position * div), torch.cos(position * div)
        self.register_buffer("pe", pe.unsqueeze(0).transpose(0, 1))

    def forward(self, src):
        if self.src_mask is None or self.src_mask.size(0) != len(src):
            self.src_mask = torch.log(torch.tril(torch.ones(len(src), len(src))))
        src = self.input_emb(src) * math.sqrt(self.ninp) + self.pe[:len(src)]
        return F.log_softmax(self.decoder(self.encoder(src, mask=self.src_mask)), dim=-1)


def batchify(data, bsz):
    nbatch = data.size(0) // bsz
    return data.narrow(0, 0, nbatch * bsz).view(bsz, -1).t().contiguous()


def repackage_hidden(h):
    return h.detach() if isinstance(h, torch.Tensor) else tuple(repackage_hidden(v) for v in h)


rng = np.random.RandomState(0)
words = [0]
for _ in range(799):       # a chain in which most words are followed by one
    words.append((3 * words[-1] + 1) % 17 if rng.rand() < 0.85 else int(rng.randint(17)))
data, bptt = batchify(torch.tensor(words), 8), 12
criterion = nn.NLLLoss()
for name in ("LSTM", "Transformer"):
    model = fill(RNNModel("LSTM", 17, 24, 24, 2, tie_weights=True) if name == "LSTM" else TransformerModel(17, 24, 4, 48, 1))
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
    lr = 2.0 if name == "LSTM" else 0.3
    model.train()
    for epoch in range(25):
        total, hidden = 0.0, model.init_hidden(8) if name == "LSTM" else None
        steps = range(0, data.size(0) - 1, bptt)
        for i in steps:
            seq_len = min(bptt, len(data) - 1 - i)
            source, target = data[i:i + seq_len], data[i + 1:i + 1 + seq_len].view(-1)
            model.zero_grad()
            if name == "LSTM":
                output, hidden = model(source, repackage_hidden(hidden))
            else:
                output = model(source).view(-1, 17)
            loss = criterion(output, target)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
            for p in model.parameters():
                if p.grad is not None:
                    p.data.add_(p.grad, alpha=-lr)
            total += loss.item()
        if epoch == 0:
            say(f"{name}_loss", total / len(steps))
    assert math.exp(total / len(steps)) < 6, (name, math.exp(total / len(steps)))
with torch.no_grad():
    input, model_ = torch.full((1, 1), 4), model
    for _ in range(5):
        weights = model_(input)[-1].squeeze().exp()
        input = torch.cat([input, torch.multinomial(weights, 1).view(1, 1)], 0)
assert input.shape == (6, 1)
