"""Where PyTorch keeps the parts of its loader."""
from pyxtorch.utils.data._utils import collate, worker

__all__ = ["collate", "worker"]
