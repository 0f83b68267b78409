"""Sequence to sequence with attention: a GRU reads digits, another writes them backwards, packed sequences, teacher forcing."""
import numpy as np
import torch
from same import fill, say
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

rng = np.random.RandomState(0)
PAD, START, END, WORDS = 0, 1, 2, 9


class Encoder(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, size, padding_idx=PAD)
        self.gru = nn.GRU(size, size, bidirectional=True, batch_first=True)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.embedding(x), lengths, batch_first=True, enforce_sorted=False)
        states, last = self.gru(packed)
        return pad_packed_sequence(states, batch_first=True)[0], last.transpose(0, 1).flatten(1)


class Decoder(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, size)
        self.cell = nn.GRUCell(3 * size, 2 * size)
        self.score = nn.Linear(2 * size, 2 * size, bias=False)
        self.out = nn.Linear(2 * size, WORDS)

    def forward(self, word, hidden, states, mask):
        scores = torch.einsum("bsh,bh->bs", states, self.score(hidden)).masked_fill(~mask, float("-inf"))
        context = torch.bmm(scores.softmax(-1).unsqueeze(1), states).squeeze(1)
        hidden = self.cell(torch.cat((self.embedding(word), context), -1), hidden)
        return self.out(hidden), hidden


def batch(n):
    rows = [torch.from_numpy(rng.randint(3, WORDS, rng.randint(2, 5))) for _ in range(n)]
    source = pad_sequence(rows, batch_first=True)
    target = pad_sequence([torch.cat((r.flip(0), torch.tensor([END]))) for r in rows], batch_first=True)
    return source, torch.tensor([len(r) for r in rows]), target


encoder, decoder = fill(Encoder(16), 1), fill(Decoder(16), 2)
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=0.01)
criterion = nn.CrossEntropyLoss(ignore_index=PAD)
for step in range(200):
    source, lengths, target = batch(32)
    states, hidden = encoder(source, lengths)
    word, loss = torch.full((32,), START), 0
    for t in range(target.size(1)):
        logits, hidden = decoder(word, hidden, states, source != PAD)
        if (target[:, t] != PAD).any():
            loss = loss + criterion(logits, target[:, t])
        word = target[:, t]
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_([*encoder.parameters(), *decoder.parameters()], 1.0)
    optimizer.step()
    if step in (0, 20):
        say(f"loss{step}", loss)
with torch.no_grad():
    source, lengths, target = batch(64)
    states, hidden = encoder(source, lengths)
    word, right = torch.full((64,), START), torch.ones(64, dtype=torch.bool)
    for t in range(target.size(1)):
        logits, hidden = decoder(word, hidden, states, source != PAD)
        word = logits.argmax(-1)
        right &= (word == target[:, t]) | (target[:, t] == PAD)
assert right.float().mean() > 0.7, right.float().mean()
