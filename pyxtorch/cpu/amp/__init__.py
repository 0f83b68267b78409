"""torch.cpu.amp: older names of `amp` for one type of device. They warn; write `amp.autocast("cpu")` and so on."""
from pyxtorch.cpu.amp.autocast_mode import autocast
from pyxtorch.cpu.amp.grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast"]
