# Written by tools/stubs.py; do not edit.
import typing as _t
from pyxtorch._types import Optimizer as _Optimizer

def swap_in_optimizer_params_and_state(optimizer: _Optimizer, swapin_parameters: _t.Any, swapin_optim_state: _t.Any) -> _t.Any: ...
