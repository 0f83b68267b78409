# Written by tools/stubs.py; do not edit.
import typing as _t

from pyxtorch.utils import benchmark as benchmark
from pyxtorch.utils import checkpoint as checkpoint
from pyxtorch.utils import cpp_extension as cpp_extension
from pyxtorch.utils import data as data
from pyxtorch.utils import dlpack as dlpack
from pyxtorch.utils import ffi as ffi
from pyxtorch.utils import flop_counter as flop_counter
from pyxtorch.utils import hooks as hooks
from pyxtorch.utils import mobile_optimizer as mobile_optimizer
from pyxtorch.utils import model_zoo as model_zoo
from pyxtorch.utils import module_tracker as module_tracker
def set_module(obj: _t.Any, mod: _t.Any) -> None: ...
def swap_tensors(t1: _t.Any, t2: _t.Any) -> _t.Any: ...
from pyxtorch.utils import tensorboard as tensorboard
from pyxtorch.utils import throughput_benchmark as throughput_benchmark
from pyxtorch.utils import weak as weak
