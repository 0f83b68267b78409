"""torch.distributed.nn: collectives that gradients pass. In a group of one process each gives what it was given."""
from pyxtorch.distributed.distributed_c10d import ReduceOp, _get_default_group

__all__ = ["all_gather", "all_reduce", "all_to_all", "broadcast", "gather", "reduce", "reduce_scatter", "scatter"]


def _alone(rank=0):
    _get_default_group()
    if rank != 0:
        raise ValueError(f"torch.distributed.nn: there is no process {rank} in a group of one.")


def all_reduce(tensor, op=ReduceOp.SUM, group=None):
    """The sum, or what `op` says, over the processes."""
    _alone()
    return tensor.clone()


def reduce(tensor, dst, op=ReduceOp.SUM, group=None):
    """The same, for process `dst`."""
    _alone(dst)
    return tensor.clone()


def broadcast(tensor, src, group=None):
    """The tensor of process `src`."""
    _alone(src)
    return tensor.clone()


def all_gather(tensor, group=None):
    """The tensors of all processes, a tuple."""
    _alone()
    return (tensor.clone(),)


def gather(tensor, dst=0, group=None):
    """The same, for process `dst`."""
    _alone(dst)
    return (tensor.clone(),)


def scatter(tensors, src=0, group=None):
    """This process's one of the tensors of process `src`."""
    _alone(src)
    (tensor,) = tensors
    return tensor.clone()


def reduce_scatter(output, input_list, op=ReduceOp.SUM, group=None):
    """This process's one of the sums of the processes' lists; also written into `output`."""
    _alone()
    (tensor,) = input_list
    output.data.copy_(tensor)
    return tensor.clone()


def all_to_all(output_tensor_list, input_tensor_list, group=None):
    """The tensors that the processes have for this one, a tuple; also written into the list."""
    _alone()
    (tensor,) = input_tensor_list
    output_tensor_list[0].data.copy_(tensor)
    return (tensor.clone(),)
