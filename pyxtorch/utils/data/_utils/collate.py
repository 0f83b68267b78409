"""The functions that make batches, in PyTorch's place for them."""
from pyxtorch.utils.data.collate import default_collate, default_convert, np_str_obj_array_pattern

__all__ = ["default_collate", "default_convert", "np_str_obj_array_pattern"]
