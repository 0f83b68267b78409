"""torch.distributed.checkpoint: states of modules and optimisers in one form, however many processes they are spread over."""
from pyxtorch.distributed.checkpoint import state_dict

__all__ = ["state_dict"]
