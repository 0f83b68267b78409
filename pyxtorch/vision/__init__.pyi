# Written by tools/stubs.py; do not edit.
import builtins as _b
import typing as _t

__version__: _b.str
from pyxtorch.vision import datasets as datasets
def disable_beta_transforms_warning() -> _t.Any: ...
def get_image_backend() -> _t.Any: ...
from pyxtorch.vision import io as io
from pyxtorch.vision import models as models
from pyxtorch.vision import ops as ops
def set_image_backend(backend: _t.Any) -> None: ...
from pyxtorch.vision import transforms as transforms
from pyxtorch.vision import tv_tensors as tv_tensors
from pyxtorch.vision import utils as utils
from pyxtorch.vision import version as version
