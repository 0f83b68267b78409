"""torch.amp: automatic mixed precision: regions (`autocast`), and the scaling of losses that float16 asks for (`GradScaler`)."""
from pyxtorch.amp.autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from pyxtorch.amp.grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]
