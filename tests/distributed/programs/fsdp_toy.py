"""A small transformer whose layers are sharded, trained, saved whole by rank 0, and loaded into another one: as a minimal FSDP2 program is."""
import os
import sys

import torch
import torch.distributed as dist
import torch.nn as nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict, set_model_state_dict
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, Shard


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.attention_norm, self.ffn_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.ffn = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x):
        h = self.attention_norm(x)
        x = x + self.attention(h, h, h, need_weights=False)[0]
        return x + self.ffn(self.ffn_norm(x))


class Transformer(nn.Module):
    def __init__(self, vocabulary=31, dim=16, heads=2, layers=2):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dim)
        self.layers = nn.ModuleList(Block(dim, heads) for _ in range(layers))
        self.norm, self.output = nn.LayerNorm(dim), nn.Linear(dim, vocabulary, bias=False)
        self.output.weight = self.embedding.weight

    def forward(self, tokens):
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.output(self.norm(x))


def shard(model, **more):
    for layer in model.layers:
        fully_shard(layer, **more)
    fully_shard(model, **more)
    assert isinstance(model, Transformer) and isinstance(model, FSDPModule)
    for p in model.parameters():
        assert isinstance(p, DTensor) and p.placements == (Shard(0),) and p.dtype == torch.float32
    return model


def main(folder):
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    torch.manual_seed(0)
    model = shard(Transformer())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    torch.manual_seed(rank)
    tokens, losses = torch.randint(0, 31, (4, 8)), []
    for _ in range(8):
        loss = nn.functional.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    path = os.path.join(folder, "model.pt")
    state = get_model_state_dict(model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
    if rank == 0:
        torch.save(state, path)
    dist.barrier()
    other = shard(Transformer(), mp_policy=MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32))
    whole = torch.load(path, mmap=True, weights_only=True, map_location="cpu")
    set_model_state_dict(other, whole, options=StateDictOptions(full_state_dict=True))
    for p, q in zip(model.parameters(), other.parameters()):
        assert torch.equal(p.to_local(), q.to_local())
    assert torch.allclose(other(tokens).float(), model(tokens), atol=0.3)
    if rank == 0:
        print(f"sharded: {losses[0]:.2f} to {losses[-1]:.2f}", flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1])
