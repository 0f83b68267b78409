"""AdamW: see adam.py."""
from pyxtorch.optim.adam import AdamW

__all__ = ["AdamW"]
