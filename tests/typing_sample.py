"""What a type checker must see of the package; `make lint` runs mypy on it. Nothing here is run."""
from typing import assert_type

import pyxtorch as torch
import pyxtorch.nn.functional as F
from pyxtorch import Tensor, nn


def sample() -> None:
    x = torch.randn(3, 4, dtype=torch.float32, requires_grad=True)
    assert_type(x, Tensor)
    assert_type((2 * x + 1) @ x, Tensor)
    assert_type(x == 1, Tensor)
    assert_type(x.sin(), Tensor)
    assert_type(torch.matmul(x, x), Tensor)
    assert_type(torch.allclose(x, x), bool)
    assert_type(x.requires_grad, bool)
    assert_type(x.dtype, torch.dtype)
    assert_type(x.shape, torch.Size)
    assert_type(F.relu(x), Tensor)
    assert_type(nn.Linear(3, 4), nn.Linear)
    with torch.no_grad():
        torch.linalg.svd(x)
