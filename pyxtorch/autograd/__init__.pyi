# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from collections.abc import Sequence as _Sequence
from pyxtorch._types import Tensor as _Tensor
from pyxtorch._core import TensorBase as _TensorBase
from pyxtorch._tape.graph import Node as _Node

from pyxtorch._tape.graph import AccumulateGrad as AccumulateGrad
from pyxtorch.autograd.blaming import Blame as Blame
from pyxtorch.autograd.function import NestedIOFunction as NestedIOFunction
from pyxtorch._tape.hooks import RemovableHandle as RemovableHandle
from pyxtorch.autograd import anomaly_mode as anomaly_mode
from pyxtorch._tape.backward import backward as backward
from pyxtorch.autograd.blaming import blame as blame
from pyxtorch.autograd import blaming as blaming
from pyxtorch._tape.graph import current_task as current_task
from pyxtorch.autograd.anomaly_mode import detect_anomaly as detect_anomaly
from pyxtorch._tape.modes import enable_grad as enable_grad
from pyxtorch.autograd.grad_mode import enforce_grad_layout_policy as enforce_grad_layout_policy
from pyxtorch.autograd import forward_ad as forward_ad
from pyxtorch.autograd import function as function
from pyxtorch.autograd import functional as functional
from pyxtorch._tape.backward import grad as grad
from pyxtorch.autograd import grad_mode as grad_mode
from pyxtorch.autograd.gradcheck import gradcheck as gradcheck
from pyxtorch.autograd.gradcheck import gradgradcheck as gradgradcheck
from pyxtorch.autograd import graph as graph
from pyxtorch._tape.modes import inference_mode as inference_mode
from pyxtorch._tape.engine import is_anomaly_enabled as is_anomaly_enabled
from pyxtorch._tape.modes import is_grad_enabled as is_grad_enabled
from pyxtorch._tape.modes import is_inference_mode_enabled as is_inference_mode_enabled
from pyxtorch._tape.modes import no_grad as no_grad
from pyxtorch.autograd import profiler as profiler
from pyxtorch.autograd import profiler_util as profiler_util
from pyxtorch._tape.engine import set_anomaly as set_anomaly
from pyxtorch.autograd.anomaly_mode import set_detect_anomaly as set_detect_anomaly
from pyxtorch._tape.modes import set_grad_enabled as set_grad_enabled
from pyxtorch.autograd.grad_mode import set_multithreading_enabled as set_multithreading_enabled
from pyxtorch.autograd import variable as variable
class Function(_Node):
    def __call__(self, /, *args: _t.Any) -> _t.Any: ...
    def __init__(self, /, *args: _t.Any, **kwargs: _t.Any) -> None: ...
    @classmethod
    def apply(cls, *args: _t.Any, **kwargs: _t.Any) -> _t.Any: ...
    @staticmethod
    def backward(*args: _t.Any, **kwargs: _t.Any) -> _t.Any: ...
    @staticmethod
    def forward(*args: _t.Any, **kwargs: _t.Any) -> _t.Any: ...
    def held(self, /) -> _t.Any: ...
    @staticmethod
    def jvp(ctx: _t.Any, *grad_inputs: _t.Any) -> _t.Any: ...
    def mark_dirty(self, *tensors: _Tensor) -> None: ...
    def mark_non_differentiable(self, *tensors: _Tensor) -> None: ...
    def mark_shared_storage(self, /, *pairs: _t.Any) -> _t.Any: ...
    @property
    def needs_input_grad(self) -> _t.Any: ...
    @needs_input_grad.setter
    def needs_input_grad(self, value: _t.Any) -> None: ...
    def save_for_backward(self, *tensors: _Tensor | None) -> None: ...
    def save_for_forward(self, /, *tensors: _Tensor | _Sequence[_Tensor]) -> _t.Any: ...
    @property
    def saved_tensors(self) -> _t.Any: ...
    @saved_tensors.setter
    def saved_tensors(self, value: _t.Any) -> None: ...
    @property
    def saved_variables(self) -> _t.Any: ...
    @saved_variables.setter
    def saved_variables(self, value: _t.Any) -> None: ...
    def set_materialize_grads(self, value: _b.bool) -> None: ...
    @staticmethod
    def setup_context(*args: _t.Any, **kwargs: _t.Any) -> _t.Any: ...
class Variable(_TensorBase):
    ...
