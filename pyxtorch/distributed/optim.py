"""torch.distributed.optim: every process holds the whole state of its optimiser."""
from pyxtorch.distributed.distributed_c10d import _get_default_group
from pyxtorch.optim.optimizer import Optimizer

__all__ = ["ZeroRedundancyOptimizer"]


class ZeroRedundancyOptimizer(Optimizer):
    """`optimizer_class(params, **defaults)` as `optim`. Its state is whole in each process: all of them take the same step.

    Raises:
        ValueError: `init_process_group` has not been called.
    """

    def __init__(self, params, optimizer_class, process_group=None, parameters_as_bucket_view=False, overlap_with_ddp=False, **defaults):
        self.process_group = process_group if process_group is not None else _get_default_group()
        self.optim = None
        super().__init__(params, defaults)
        self.optim = optimizer_class(self.param_groups, **defaults)
        self.param_groups, self.state = self.optim.param_groups, self.optim.state

    def step(self, closure=None):
        """A step of `optim`."""
        return self.optim.step(closure)

    def add_param_group(self, param_group):
        """More parameters, with options of their own."""
        if self.optim is None:
            super().add_param_group(param_group)
        else:
            self.optim.add_param_group(param_group)

    def consolidate_state_dict(self, to=0):
        """Bring all parts of the state to process `to`: they are there."""
        if not 0 <= to < self.process_group.size():
            raise ValueError(f"consolidate_state_dict: there is no process {to} in a group of {self.process_group.size()}.")

    def state_dict(self):
        """The state of `optim`."""
        return self.optim.state_dict()

    def load_state_dict(self, state_dict):
        """Go on from a state."""
        self.optim.load_state_dict(state_dict)
        self.param_groups, self.state = self.optim.param_groups, self.optim.state
