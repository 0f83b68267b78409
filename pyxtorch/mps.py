"""torch.mps: pyxtorch has no code for one of Apple's GPUs."""
from pyxtorch._absent import namespace as _namespace

__all__, __getattr__ = _namespace("mps", "one of Apple's GPUs")
