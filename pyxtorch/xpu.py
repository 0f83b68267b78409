"""torch.xpu: pyxtorch has no code for one of Intel's GPUs."""
from pyxtorch._absent import namespace as _namespace

__all__, __getattr__ = _namespace("xpu", "one of Intel's GPUs")
