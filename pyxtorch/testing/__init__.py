"""torch.testing: comparing results, making inputs; `operations` drives the tests of all operations."""
from pyxtorch.testing._comparison import assert_allclose, assert_close
from pyxtorch.testing._creation import make_tensor

__all__ = ["assert_allclose", "assert_close", "make_tensor"]
