"""torch.cuda.amp: older names of `amp` for one type of device. They warn; write `amp.autocast("cuda")` and so on."""
from pyxtorch.cuda.amp.autocast_mode import autocast, custom_bwd, custom_fwd
from pyxtorch.cuda.amp.common import amp_definitely_not_available
from pyxtorch.cuda.amp.grad_scaler import GradScaler

__all__ = ["GradScaler", "amp_definitely_not_available", "autocast", "custom_bwd", "custom_fwd"]
