# Written by tools/stubs.py; do not edit.
import typing as _t

from pyxtorch._tape.modes import enable_grad as enable_grad
from pyxtorch._tape.modes import inference_mode as inference_mode
from pyxtorch._tape.modes import no_grad as no_grad
from pyxtorch._tape.modes import set_grad_enabled as set_grad_enabled
class set_multithreading_enabled:
    def __enter__(self) -> _t.Self: ...
    def __exit__(self, *error: _t.Any) -> None: ...
    def __init__(self, mode: _t.Any) -> None: ...
    mode: _t.Any
