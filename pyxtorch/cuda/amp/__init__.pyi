# Written by tools/stubs.py; do not edit.

from pyxtorch.cuda.amp.grad_scaler import GradScaler as GradScaler
from pyxtorch.cuda.amp.common import amp_definitely_not_available as amp_definitely_not_available
from pyxtorch.cuda.amp.autocast_mode import autocast as autocast
from pyxtorch.cuda.amp import autocast_mode as autocast_mode
from pyxtorch.cuda.amp import common as common
from pyxtorch.cuda.amp.autocast_mode import custom_bwd as custom_bwd
from pyxtorch.cuda.amp.autocast_mode import custom_fwd as custom_fwd
from pyxtorch.cuda.amp import grad_scaler as grad_scaler
