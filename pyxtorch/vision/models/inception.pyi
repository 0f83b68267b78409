# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t
from pyxtorch._types import Tensor as _Tensor
from pyxtorch.nn.modules.module import Module as _Module

def inception_v3(*args: _t.Any, weights: _t.Any = None, progress: _b.bool = True, **kwargs: _t.Any) -> _t.Any: ...
class InceptionOutputs(_t.NamedTuple):
    logits: _Tensor
    aux_logits: _Tensor
class _InceptionOutputs(_t.NamedTuple):
    logits: _Tensor
    aux_logits: _Tensor
class Inception3(_Module):
    def __init__(self, num_classes: _b.int = 1000, aux_logits: _b.bool = True, transform_input: _b.bool = False, inception_blocks: _t.Any = None, init_weights: _t.Any = None, dropout: _b.float = 0.5) -> None: ...
    def forward(self, x: _t.Any) -> _Tensor: ...
    AuxLogits: _t.Any
    Conv2d_1a_3x3: _t.Any
    Conv2d_2a_3x3: _t.Any
    Conv2d_2b_3x3: _t.Any
    Conv2d_3b_1x1: _t.Any
    Conv2d_4a_3x3: _t.Any
    Mixed_6a: _t.Any
    Mixed_7a: _t.Any
    Mixed_7b: _t.Any
    Mixed_7c: _t.Any
    aux_logits: _b.bool
    avgpool: _t.Any
    dropout: _b.float
    fc: _t.Any
    maxpool1: _t.Any
    maxpool2: _t.Any
    transform_input: _b.bool
class InceptionA(_Module):
    def __init__(self, in_channels: _b.int, pool_features: _t.Any, conv_block: _t.Any = None) -> None: ...
    def forward(self, x: _t.Any) -> _Tensor: ...
    branch1x1: _t.Any
    branch_pool: _t.Any
class InceptionAux(_Module):
    def __init__(self, in_channels: _b.int, num_classes: _b.int, conv_block: _t.Any = None) -> None: ...
    def forward(self, x: _t.Any) -> _Tensor: ...
    conv0: _t.Any
    conv1: _t.Any
    fc: _t.Any
class InceptionB(_Module):
    def __init__(self, in_channels: _b.int, conv_block: _t.Any = None) -> None: ...
    def forward(self, x: _t.Any) -> _Tensor: ...
    branch3x3: _t.Any
class InceptionC(_Module):
    def __init__(self, in_channels: _b.int, channels_7x7: _t.Any, conv_block: _t.Any = None) -> None: ...
    def forward(self, x: _t.Any) -> _Tensor: ...
    branch1x1: _t.Any
    branch_pool: _t.Any
class InceptionD(_Module):
    def __init__(self, in_channels: _b.int, conv_block: _t.Any = None) -> None: ...
    def forward(self, x: _t.Any) -> _Tensor: ...
class InceptionE(_Module):
    def __init__(self, in_channels: _b.int, conv_block: _t.Any = None) -> None: ...
    def forward(self, x: _t.Any) -> _Tensor: ...
    branch1x1: _t.Any
    branch3x3_1: _t.Any
    branch3x3_2a: _t.Any
    branch3x3_2b: _t.Any
    branch3x3dbl_3a: _t.Any
    branch3x3dbl_3b: _t.Any
    branch_pool: _t.Any
class Inception_V3_Weights:
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
