"""torch.storage: the memory of tensors."""
from pyxtorch._core import UntypedStorage

__all__ = ["UntypedStorage"]
