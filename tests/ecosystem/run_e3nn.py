"""e3nn: spherical harmonics, linear layers and tensor products that turn with their input; Wigner matrices; code made and optimised by fx."""
import torch
from agree import agree, numbers
from e3nn import o3
from e3nn.nn import BatchNorm, Gate

torch.manual_seed(0)
irreps = o3.Irreps("4x0e+3x1o+2x2e")
R = o3.matrix_z(torch.tensor(0.7)) @ o3.matrix_x(torch.tensor(-1.1))
points = numbers(5, 3)
agree("harmonics", o3.spherical_harmonics(o3.Irreps("0e+1o+2e"), points, normalize=True))
D = irreps.D_from_matrix(R)
assert torch.allclose(D @ D.t(), torch.eye(irreps.dim), atol=1e-5)
for layer, others in ((o3.Linear(irreps, irreps), 0), (o3.FullyConnectedTensorProduct(irreps, "1x1o", irreps), 1), (BatchNorm(irreps).eval(), 0)):
    x, v = numbers(5, irreps.dim, seed=1).requires_grad_(), numbers(5, 3, seed=2)
    y = layer(x, v) if others else layer(x)
    turned = layer(x @ D.t(), v @ o3.Irreps("1o").D_from_matrix(R).t()) if others else layer(x @ D.t())
    assert torch.allclose(turned, y @ D.t(), atol=1e-4), type(layer)
    y.pow(2).sum().backward()
    assert x.grad.abs().sum() > 0 and all(p.grad is not None for p in layer.parameters())
gate = Gate("4x0e", [torch.tanh], "2x0e", [torch.sigmoid], "2x1o")
assert gate(numbers(5, gate.irreps_in.dim)).shape == (5, gate.irreps_out.dim)
agree("wigner 3j", o3.wigner_3j(1, 1, 2).abs().sum())
