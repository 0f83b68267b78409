# Written by tools/stubs.py; do not edit.
import builtins as _b
from pyxtorch.amp.grad_scaler import GradScaler as _GradScaler

class GradScaler(_GradScaler):
    def __init__(self, init_scale: _b.float = 65536.0, growth_factor: _b.float = 2.0, backoff_factor: _b.float = 0.5, growth_interval: _b.float = 2000, enabled: _b.bool = True) -> None: ...
