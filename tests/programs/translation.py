"""nn.Transformer that turns a sequence round: padding and causal masks, batch_first=False, greedy decoding."""
import math

import numpy as np
import torch
import torch.nn as nn
from same import fill, say
from torch.nn.utils.rnn import pad_sequence

PAD, BOS, EOS, WORDS = 0, 1, 2, 8


class PositionalEncoding(nn.Module):
    def __init__(self, emb_size, dropout, maxlen=64):
        super().__init__()
        den = torch.exp(-torch.arange(0, emb_size, 2) * math.log(10000) / emb_size)
        pos = torch.arange(0, maxlen).reshape(maxlen, 1)
        table = torch.zeros((maxlen, emb_size))
        table[:, 0::2], table[:, 1::2] = torch.sin(pos * den), torch.cos(pos * den)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("pos_embedding", table.unsqueeze(-2))

    def forward(self, embedding):
        return self.dropout(embedding + self.pos_embedding[:embedding.size(0), :])


class Seq2SeqTransformer(nn.Module):
    def __init__(self, emb=32, heads=4, hidden=64):
        super().__init__()
        self.transformer = nn.Transformer(emb, heads, 1, 1, dim_feedforward=hidden, dropout=0.0)
        self.src_tok, self.tgt_tok = nn.Embedding(WORDS + 3, emb), nn.Embedding(WORDS + 3, emb)
        self.positional, self.generator, self.emb = PositionalEncoding(emb, 0.0), nn.Linear(emb, WORDS + 3), emb

    def embed(self, table, tokens):
        return self.positional(table(tokens.long()) * math.sqrt(self.emb))

    def forward(self, src, tgt):
        mask = self.transformer.generate_square_subsequent_mask(tgt.shape[0])
        src_pad, tgt_pad = (src == PAD).transpose(0, 1), (tgt == PAD).transpose(0, 1)
        tgt_pad = torch.zeros(tgt_pad.shape).masked_fill(tgt_pad, float("-inf"))     # of the mask's type
        src_pad = torch.zeros(src_pad.shape).masked_fill(src_pad, float("-inf"))
        outs = self.transformer(self.embed(self.src_tok, src), self.embed(self.tgt_tok, tgt), None, mask, None, src_pad, tgt_pad, src_pad)
        return self.generator(outs)

    def encode(self, src):
        return self.transformer.encoder(self.embed(self.src_tok, src))

    def decode(self, tgt, memory):
        return self.transformer.decoder(self.embed(self.tgt_tok, tgt), memory, self.transformer.generate_square_subsequent_mask(tgt.size(0)))


def batch(rng, size=32):
    rows = [rng.randint(3, WORDS + 3, rng.randint(3, 6)) for _ in range(size)]
    source = pad_sequence([torch.tensor([BOS, *row, EOS]) for row in rows], padding_value=PAD)
    return source, pad_sequence([torch.tensor([BOS, *row[::-1], EOS]) for row in rows], padding_value=PAD)


def greedy(model, src, longest):
    memory, ys = model.encode(src), torch.full((1, 1), BOS, dtype=torch.long)
    for _ in range(longest):
        out = model.decode(ys, memory).transpose(0, 1)
        word = model.generator(out[:, -1]).argmax(1)
        ys = torch.cat([ys, word.view(1, 1)], dim=0)
        if word.item() == EOS:
            break
    return ys.flatten().tolist()


rng = np.random.RandomState(0)
model = Seq2SeqTransformer()
fill(model)
for p in model.modules():
    if isinstance(p, nn.LayerNorm):
        nn.init.ones_(p.weight)
        nn.init.zeros_(p.bias)
for p in model.parameters():
    if p.dim() > 1:
        p.data.mul_(2.0)
loss_fn = nn.CrossEntropyLoss(ignore_index=PAD)
optimizer = torch.optim.Adam(model.parameters(), lr=0.004, betas=(0.9, 0.98), eps=1e-9)
model.train()
for step in range(260):
    src, tgt = batch(rng)
    logits = model(src, tgt[:-1, :])
    optimizer.zero_grad()
    loss = loss_fn(logits.reshape(-1, logits.shape[-1]), tgt[1:, :].reshape(-1))
    loss.backward()
    optimizer.step()
    if step in (0, 4):
        say(f"loss_{step}", loss)
assert loss.item() < 0.4, loss.item()
model.eval()
with torch.no_grad():
    right = sum(greedy(model, torch.tensor([BOS, *row, EOS]).view(-1, 1), 8) == [BOS, *row[::-1], EOS] for row in ([3, 5, 7], [4, 4, 9, 10], [8, 6, 3], [10, 9, 8, 7]))
assert right >= 2, right
