"""x-transformers: language models of several kinds learn to count; generation with and without a cache agrees; encoders, ViT."""

import torch
from agree import agree, fill, numbers, whole
from x_transformers import (
    AutoregressiveWrapper,
    ContinuousTransformerWrapper,
    CrossAttender,
    Decoder,
    Encoder,
    TransformerWrapper,
    ViTransformerWrapper,
    XTransformer,
)

torch.manual_seed(0)
starts = torch.arange(16)[:, None]
sequences = (starts + torch.arange(24)) % 16              # each token is the one before plus one
kinds = [
    dict(rotary_pos_emb=True, ff_glu=True, use_rmsnorm=True, attn_flash=True),
    dict(alibi_pos_bias=True, attn_kv_heads=1, ff_swish=True, ff_glu=True),
    dict(rel_pos_bias=True, attn_qk_norm=True, sandwich_norm=True),
    dict(attn_num_mem_kv=2, attn_pre_talking_heads=True, residual_attn=True),
]
for kind in kinds:
    model = AutoregressiveWrapper(TransformerWrapper(
        num_tokens=16, max_seq_len=32, attn_layers=Decoder(dim=32, depth=2, heads=4, attn_dim_head=8, **kind), use_abs_pos_emb=False,
    ))
    fill(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = model(sequences)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 2 and losses[-1] < 0.3, (kind, losses)
    model.eval()
    prompt = torch.tensor([[3, 4, 5, 6], [9, 10, 11, 12]])
    with torch.no_grad():
        greedy = model.generate(prompt, 12, temperature=0.0, cache_kv=True)
        plain = model.generate(prompt, 12, temperature=0.0, cache_kv=False)
        drawn = model.generate(prompt, 12, temperature=0.1, filter_logits_fn="top_p", filter_kwargs={"thres": 0.9})
    assert torch.equal(greedy, plain), kind
    expected = (prompt[:, -1:] + 1 + torch.arange(12)) % 16
    assert (greedy == expected).float().mean() > 0.9, (kind, greedy)
    assert drawn.shape == (2, 12)
    agree(" ".join(kind), losses[:12], rtol=2e-3)

model = XTransformer(
    dim=32, enc_num_tokens=16, enc_depth=1, enc_heads=4, enc_max_seq_len=8, dec_num_tokens=16, dec_depth=1, dec_heads=4, dec_max_seq_len=8,
    tie_token_emb=True,
)
fill(model)
source = whole(16, 8, 8)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
losses = []
for _ in range(25):
    optimizer.zero_grad()
    loss = model(source, source, mask=torch.ones_like(source, dtype=torch.bool))
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
assert losses[-1] < losses[0] / 2, losses
agree("encoder and decoder", losses[:12], rtol=2e-3)
assert model.generate(source, source[:, :1], 5).shape == (8, 5)

vision = ViTransformerWrapper(image_size=16, patch_size=4, num_classes=5, attn_layers=Encoder(dim=32, depth=2, heads=4))
agree("vision", fill(vision)(numbers(2, 3, 16, 16)), atol=1e-4)
continuous = ContinuousTransformerWrapper(dim_in=6, dim_out=3, max_seq_len=9, attn_layers=Encoder(dim=32, depth=1, heads=4))
mask = torch.arange(9) < torch.tensor([[9], [5]])
agree("continuous", fill(continuous)(numbers(2, 9, 6), mask=mask)[mask], atol=1e-4)
cross = CrossAttender(dim=32, depth=1, heads=4)
agree("cross attention", fill(cross)(numbers(1, 5, 32), context=numbers(1, 7, 32, seed=1))[0, :, :3], atol=1e-4)
