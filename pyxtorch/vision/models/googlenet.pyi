# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Tensor as _Tensor
from pyxtorch.nn.modules.module import Module as _Module

def draw_truncated(model: _Module, name: _b.str) -> _t.Any: ...
def from_half(x: _t.Any) -> _t.Any: ...
def googlenet(*args: _t.Any, weights: _t.Any = None, progress: _b.bool = True, **kwargs: _t.Any) -> _t.Any: ...
def warn_of_init(name: _b.str) -> _t.Any: ...
class GoogLeNetOutputs(_t.NamedTuple):
    logits: _Tensor
    aux_logits2: _Tensor
    aux_logits1: _Tensor
class _GoogLeNetOutputs(_t.NamedTuple):
    logits: _Tensor
    aux_logits2: _Tensor
    aux_logits1: _Tensor
class BasicConv2d(_Module):
    def __init__(self, in_channels: _b.int, out_channels: _b.int, **kwargs: _t.Any) -> None: ...
    def forward(self, x: _t.Any) -> _Tensor: ...
    bn: _t.Any
    conv: _t.Any
class GoogLeNet(_Module):
    def __init__(self, num_classes: _b.int = 1000, aux_logits: _b.bool = True, transform_input: _b.bool = False, init_weights: _t.Any = None, blocks: _t.Any = None, dropout: _b.float = 0.2, dropout_aux: _b.float = 0.7) -> None: ...
    def forward(self, x: _t.Any) -> _Tensor: ...
    aux1: _t.Any
    aux2: _t.Any
    aux_logits: _b.bool
    avgpool: _t.Any
    conv1: _t.Any
    conv2: _t.Any
    conv3: _t.Any
    dropout: _b.float
    fc: _t.Any
    maxpool1: _t.Any
    maxpool2: _t.Any
    transform_input: _b.bool
class GoogLeNet_Weights:
    DEFAULT: _t.Any
    IMAGENET1K_V1: _t.Any
    def get_state_dict(self, progress: _b.bool = True, check_hash: _b.bool = False, **kwargs: _t.Any) -> _t.Any: ...
    @property
    def meta(self) -> _t.Any: ...
    @property
    def transforms(self) -> _t.Any: ...
    @property
    def url(self) -> _t.Any: ...
    @classmethod
    def verify(cls, obj: _t.Any) -> _t.Any: ...
    def __init__(self, *args: _t.Any, **kwargs: _t.Any) -> None: ...
class Inception(_Module):
    def __init__(self, in_channels: _b.int, ch1x1: _t.Any, ch3x3red: _t.Any, ch3x3: _t.Any, ch5x5red: _t.Any, ch5x5: _t.Any, pool_proj: _t.Any, conv_block: _t.Any = None) -> None: ...
    def forward(self, x: _t.Any) -> _Tensor: ...
    branch1: _t.Any
    branch2: _t.Any
    branch3: _t.Any
    branch4: _t.Any
class InceptionAux(_Module):
    def __init__(self, in_channels: _b.int, num_classes: _b.int, conv_block: _t.Any = None, dropout: _b.float = 0.7) -> None: ...
    def forward(self, x: _t.Any) -> _Tensor: ...
    conv: _t.Any
    dropout: _b.float
    fc1: _t.Any
    fc2: _t.Any
