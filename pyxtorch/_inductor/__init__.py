"""torch._inductor: settings of a compiler that is not there. See pyxtorch.compiler."""
from pyxtorch._inductor import config

__all__ = ["config"]
