"""Mixed precision: autocast in bfloat16, and float16 with a GradScaler that meets an overflow, skips the step and goes on."""
import numpy as np
import torch
import torch.nn as nn
from same import fill, say

rng = np.random.RandomState(0)
x = torch.from_numpy(rng.randn(64, 8)).float()
y = x @ torch.from_numpy(rng.randn(8, 1)).float()


def network():
    return fill(nn.Sequential(nn.Linear(8, 32), nn.LayerNorm(32), nn.GELU(), nn.Linear(32, 1)))


model = network()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for _step in range(60):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = model(x)
        loss = nn.functional.mse_loss(out.float(), y)
    assert out.dtype == torch.bfloat16 and model[0].weight.dtype == torch.float32
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
assert loss.item() < 0.2 * y.var().item(), loss.item()

model = network()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=20)
scales, skipped = [], 0
for step in range(50):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), y)
    scaler.scale(loss).backward()
    if step == 5:
        model[0].weight.grad[0, 0] = float("inf")
    scaler.unscale_(optimizer)
    before = model[0].weight.detach().clone()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
    skipped += int(torch.equal(before, model[0].weight))
    scales.append(scaler.get_scale())
    if step == 20:
        say("loss", loss)
assert skipped == 1 and scales[4] == 2.0**10 and scales[5] == 2.0**9 and scales[-1] == 2.0**11, scales
