"""torch.distributed for one process: a group of one, in which every collective is checked and then has nothing to send.

So a program that is written for several processes runs as its only one, started as it is or with `WORLD_SIZE=1`. More than one
process is an error that says so.
"""
from pyxtorch.distributed.distributed_c10d import *  # noqa: F403
from pyxtorch.distributed.distributed_c10d import __all__ as _listed
from pyxtorch.distributed.distributed_c10d import _get_default_group  # noqa: F401  (asked for by its private name)

__all__ = [*_listed]
