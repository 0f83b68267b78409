"""The functions that make batches, in PyTorch's place for them."""
from pyxtorch.utils.data.collate import default_collate, default_convert

__all__ = ["default_collate", "default_convert"]
