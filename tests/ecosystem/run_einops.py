"""einops: every function and both families of layers, on tensors, against NumPy's results and through the tape."""

import numpy as np
import torch
from agree import agree, numbers
from einops import asnumpy, einsum, pack, parse_shape, rearrange, reduce, repeat, unpack
from einops._torch_specific import allow_ops_in_compiled_graph
from einops.layers.torch import EinMix, Rearrange, Reduce

tensor = numbers(2, 3, 4, 6)
array = tensor.numpy()

patterns = ["b c h w -> b h w c", "b c (h p) (w q) -> b (h w) (c p q)", "b c h w -> (b c) 1 h w", "b ... -> ... b"]
for pattern in patterns:
    axes = {name: 2 for name in "pq" if f" {name})" in pattern}
    assert np.array_equal(asnumpy(rearrange(tensor, pattern, **axes)), rearrange(array, pattern, **axes)), pattern
for operation in ["mean", "sum", "max", "min", "prod"]:
    ours = reduce(tensor, "b c (h 2) (w 3) -> b h w c", operation)
    assert np.allclose(ours, reduce(array, "b c (h 2) (w 3) -> b h w c", operation), atol=1e-5), operation
flags = tensor > 0
for operation in ["any", "all"]:
    assert np.array_equal(reduce(flags, "b c h w -> b c", operation), reduce(array > 0, "b c h w -> b c", operation))
assert np.array_equal(repeat(tensor, "b c h w -> b (h 2) (w k) c", k=3), repeat(array, "b c h w -> b (h 2) (w k) c", k=3))
assert rearrange([tensor[0], tensor[1]], "list c h w -> c (list h) w").shape == (3, 8, 6)
assert parse_shape(tensor, "b _ h w") == {"b": 2, "h": 4, "w": 6}

product = einsum(tensor, tensor, "b c h w, b d h w -> b c d")
assert np.allclose(product, np.einsum("bchw,bdhw->bcd", array, array), atol=1e-4)
packed, shapes = pack([tensor, tensor[:, :, 0, 0]], "b c *")
assert packed.shape == (2, 3, 25)
first, second = unpack(packed, shapes, "b c *")
assert torch.equal(first, tensor) and torch.equal(second, tensor[:, :, 0, 0])

leaf = tensor.clone().requires_grad_()                  # gradients pass through everything
reduce(rearrange(leaf, "b c h w -> b (c h) w"), "b x w -> b x", "max").sum().backward()
assert leaf.grad.sum().item() == 24 and set(leaf.grad.unique().tolist()) == {0.0, 1.0}

allow_ops_in_compiled_graph()
model = torch.nn.Sequential(
    Rearrange("b c (h p) (w q) -> b (h w) (c p q)", p=2, q=2),
    EinMix("b n c -> b n d", weight_shape="c d", bias_shape="d", c=12, d=5),
    torch.nn.Tanh(),
    Reduce("b n d -> b d", "mean"),
)
with torch.no_grad():
    model[1].weight.copy_(torch.linspace(-1, 1, 60).view(12, 5))
    model[1].bias.fill_(0.1)
out = model(tensor)
x = rearrange(array, "b c (h p) (w q) -> b (h w) (c p q)", p=2, q=2) @ np.linspace(-1, 1, 60).reshape(12, 5) + 0.1
assert np.allclose(out.detach(), np.tanh(x).mean(1), atol=1e-5)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
losses = []
for _ in range(30):
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(model(tensor), torch.full((2, 5), 0.5))
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
assert losses[-1] < losses[0] / 2, losses
agree("losses of EinMix", losses[::5])
try:
    rearrange(tensor, "b c h w -> b c (h w x)")
except Exception as error:
    assert "x" in str(error)
else:
    raise AssertionError("an axis without a size passed")
