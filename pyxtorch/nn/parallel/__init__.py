"""torch.nn.parallel: one module on several devices of this machine, or in several processes."""
from pyxtorch.nn.parallel.data_parallel import DataParallel, data_parallel
from pyxtorch.nn.parallel.parallel_apply import parallel_apply
from pyxtorch.nn.parallel.replicate import replicate
from pyxtorch.nn.parallel.scatter_gather import gather, scatter

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel", "gather", "parallel_apply", "replicate", "scatter"]


def __getattr__(name):
    if name == "DistributedDataParallel":
        from pyxtorch.nn.parallel.distributed import DistributedDataParallel

        return DistributedDataParallel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
