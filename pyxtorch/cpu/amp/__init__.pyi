# Written by tools/stubs.py; do not edit.

from pyxtorch.cpu.amp.grad_scaler import GradScaler as GradScaler
from pyxtorch.cpu.amp.autocast_mode import autocast as autocast
from pyxtorch.cpu.amp import autocast_mode as autocast_mode
from pyxtorch.cpu.amp import grad_scaler as grad_scaler
