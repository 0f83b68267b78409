# Written by tools/stubs.py; do not edit.
import typing as _t

from pyxtorch.distributed.distributed_c10d import Backend as Backend
from pyxtorch.distributed.distributed_c10d import GroupMember as GroupMember
from pyxtorch.distributed.distributed_c10d import HashStore as HashStore
from pyxtorch.distributed.distributed_c10d import P2POp as P2POp
from pyxtorch.distributed.distributed_c10d import ProcessGroup as ProcessGroup
from pyxtorch.distributed.distributed_c10d import ReduceOp as ReduceOp
from pyxtorch.distributed.distributed_c10d import Work as Work
from pyxtorch.distributed.distributed_c10d import all_gather as all_gather
from pyxtorch.distributed.distributed_c10d import all_gather_coalesced as all_gather_coalesced
from pyxtorch.distributed.distributed_c10d import all_gather_into_tensor as all_gather_into_tensor
from pyxtorch.distributed.distributed_c10d import all_gather_object as all_gather_object
from pyxtorch.distributed.distributed_c10d import all_reduce as all_reduce
from pyxtorch.distributed.distributed_c10d import all_reduce_coalesced as all_reduce_coalesced
from pyxtorch.distributed.distributed_c10d import all_to_all as all_to_all
from pyxtorch.distributed.distributed_c10d import all_to_all_single as all_to_all_single
from pyxtorch.distributed.distributed_c10d import barrier as barrier
from pyxtorch.distributed.distributed_c10d import batch_isend_irecv as batch_isend_irecv
from pyxtorch.distributed.distributed_c10d import broadcast as broadcast
from pyxtorch.distributed.distributed_c10d import broadcast_object_list as broadcast_object_list
default_pg_timeout: _t.Any
from pyxtorch.distributed.distributed_c10d import destroy_process_group as destroy_process_group
from pyxtorch.distributed import distributed_c10d as distributed_c10d
from pyxtorch.distributed.distributed_c10d import gather as gather
from pyxtorch.distributed.distributed_c10d import gather_object as gather_object
from pyxtorch.distributed.distributed_c10d import get_backend as get_backend
from pyxtorch.distributed.distributed_c10d import get_default_backend_for_device as get_default_backend_for_device
from pyxtorch.distributed.distributed_c10d import get_global_rank as get_global_rank
from pyxtorch.distributed.distributed_c10d import get_group_rank as get_group_rank
from pyxtorch.distributed.distributed_c10d import get_node_local_rank as get_node_local_rank
from pyxtorch.distributed.distributed_c10d import get_process_group_ranks as get_process_group_ranks
from pyxtorch.distributed.distributed_c10d import get_rank as get_rank
from pyxtorch.distributed.distributed_c10d import get_world_size as get_world_size
from pyxtorch.distributed.distributed_c10d import _World as __World
group = __World
from pyxtorch.distributed.distributed_c10d import init_process_group as init_process_group
from pyxtorch.distributed.distributed_c10d import recv as _recv
irecv = _recv
from pyxtorch.distributed.distributed_c10d import is_available as is_available
from pyxtorch.distributed.distributed_c10d import is_backend_available as is_backend_available
from pyxtorch.distributed.distributed_c10d import is_gloo_available as is_gloo_available
from pyxtorch.distributed.distributed_c10d import is_initialized as is_initialized
from pyxtorch.distributed.distributed_c10d import is_nccl_available as _is_nccl_available
is_mpi_available = _is_nccl_available
from pyxtorch.distributed.distributed_c10d import is_nccl_available as is_nccl_available
from pyxtorch.distributed.distributed_c10d import is_torchelastic_launched as is_torchelastic_launched
from pyxtorch.distributed.distributed_c10d import is_nccl_available as _is_nccl_available
is_ucc_available = _is_nccl_available
from pyxtorch.distributed.distributed_c10d import is_nccl_available as _is_nccl_available
is_xccl_available = _is_nccl_available
from pyxtorch.distributed.distributed_c10d import send as _send
isend = _send
from pyxtorch.distributed.distributed_c10d import monitored_barrier as monitored_barrier
from pyxtorch.distributed.distributed_c10d import new_group as new_group
from pyxtorch.distributed.distributed_c10d import new_subgroups as new_subgroups
from pyxtorch.distributed import nn as nn
from pyxtorch.distributed import optim as optim
from pyxtorch.distributed.distributed_c10d import recv as recv
from pyxtorch.distributed.distributed_c10d import reduce as reduce
from pyxtorch.distributed.distributed_c10d import ReduceOp as _ReduceOp
reduce_op = _ReduceOp
from pyxtorch.distributed.distributed_c10d import reduce_scatter as reduce_scatter
from pyxtorch.distributed.distributed_c10d import reduce_scatter_tensor as reduce_scatter_tensor
from pyxtorch.distributed import rpc as rpc
from pyxtorch.distributed.distributed_c10d import scatter as scatter
from pyxtorch.distributed.distributed_c10d import scatter_object_list as scatter_object_list
from pyxtorch.distributed.distributed_c10d import send as send
from pyxtorch.distributed.distributed_c10d import supports_complex as supports_complex
from pyxtorch.distributed import tensor as tensor
