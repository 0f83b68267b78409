"""torch.distributed: processes that compute together, on one machine or several (docs/distributed.md).

Tensors of the CPU are sent by MPI, with mpi4py and MPICH, Open MPI or a cluster's own: the extra `mpi`; those of GPUs by NCCL.
A group of one process needs none of it, and a program that is written for several runs as its only one.
"""
from pyxtorch.distributed.device_mesh import DeviceMesh, init_device_mesh
from pyxtorch.distributed.distributed_c10d import *  # noqa: F403
from pyxtorch.distributed.distributed_c10d import __all__ as _listed
from pyxtorch.distributed.distributed_c10d import _get_default_group  # noqa: F401  (asked for by its private name)

__all__ = ["DeviceMesh", "breakpoint", "init_device_mesh", *_listed]


def breakpoint(rank=0, skip=0, timeout_s=3600):
    """Stop in the debugger on one rank, while the others wait for it (an hour, or `timeout_s`)."""
    import builtins
    from datetime import timedelta

    breakpoint._count = getattr(breakpoint, "_count", 0) + 1
    if breakpoint._count <= skip:
        return
    if get_rank() == rank:  # noqa: F405
        builtins.breakpoint()
    monitored_barrier(timeout=timedelta(seconds=timeout_s))  # noqa: F405


def __getattr__(name):
    if name == "GradBucket":
        from pyxtorch.nn.parallel._buckets import GradBucket

        return GradBucket
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
