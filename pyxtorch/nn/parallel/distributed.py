"""A module whose gradients are averaged over processes, of which there is one."""
from contextlib import contextmanager

from pyxtorch import distributed
from pyxtorch.nn.modules.module import Module

__all__ = ["DistributedDataParallel"]


class DistributedDataParallel(Module):
    """`module` in a group of one process: its gradients are the average already. Names of parameters begin with "module.".

    Arguments say how PyTorch would send what there is no need to send.

    Raises:
        ValueError: no process group (`distributed.init_process_group`).
        RuntimeError: the module has no parameter that requires a gradient.
    """

    def __init__(self, module, device_ids=None, output_device=None, dim=0, broadcast_buffers=True, init_sync=True, process_group=None, bucket_cap_mb=None,
                 find_unused_parameters=False, check_reduction=False, gradient_as_bucket_view=False, static_graph=False,
                 delay_all_reduce_named_params=None, param_to_hook_all_reduce=None, mixed_precision=None, device_mesh=None,
                 skip_all_reduce_unused_params=False):  # fmt: skip
        super().__init__()
        self.process_group = distributed._get_default_group() if process_group is None else process_group
        if not any(p.requires_grad for p in module.parameters()):
            raise RuntimeError("DistributedDataParallel is not needed when a module doesn't have any parameter that requires a gradient.")
        self.module, self.dim, self.device_ids, self.output_device = module, dim, device_ids, output_device
        self.find_unused_parameters, self.broadcast_buffers, self.static_graph = find_unused_parameters, broadcast_buffers, static_graph
        self.require_backward_grad_sync = True

    def forward(self, *inputs, **kwargs):
        return self.module(*inputs, **kwargs)

    @contextmanager
    def no_sync(self):
        """Gradients made within are not to be averaged yet."""
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    @contextmanager
    def join(self, divide_by_initial_world_size=True, enable=True, throw_on_early_termination=False):
        """Within, processes may have different numbers of batches."""
        yield

    def register_comm_hook(self, state, hook):
        """A function that would average gradients; with one process none is called."""
        if not callable(hook):
            raise TypeError("Communication hook must be callable.")
