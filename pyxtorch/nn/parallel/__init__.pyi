# Written by tools/stubs.py; do not edit.

from pyxtorch.nn.parallel.data_parallel import DataParallel as DataParallel
from pyxtorch.nn.parallel.distributed import DistributedDataParallel as DistributedDataParallel
from pyxtorch.nn.parallel.data_parallel import data_parallel as data_parallel
from pyxtorch.nn.parallel import distributed as distributed
from pyxtorch.nn.parallel.scatter_gather import gather as gather
from pyxtorch.nn.parallel.parallel_apply import parallel_apply as parallel_apply
from pyxtorch.nn.parallel.replicate import replicate as replicate
from pyxtorch.nn.parallel.scatter_gather import scatter as scatter
from pyxtorch.nn.parallel import scatter_gather as scatter_gather
