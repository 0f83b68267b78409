"""torch.mtia: pyxtorch has no code for an MTIA accelerator."""
from pyxtorch._absent import namespace as _namespace

__all__, __getattr__ = _namespace("mtia", "an MTIA accelerator")
