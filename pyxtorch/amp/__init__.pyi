# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t

from pyxtorch.amp.grad_scaler import GradScaler as GradScaler
from pyxtorch.amp.autocast_mode import autocast as autocast
from pyxtorch.amp import autocast_mode as autocast_mode
from pyxtorch.amp.autocast_mode import custom_bwd as custom_bwd
from pyxtorch.amp.autocast_mode import custom_fwd as custom_fwd
from pyxtorch.amp import grad_scaler as grad_scaler
def is_autocast_available(device_type: _t.Any) -> _b.bool: ...
