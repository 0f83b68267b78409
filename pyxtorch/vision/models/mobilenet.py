"""MobileNet V2 and V3 in one module, as older programs import them."""
from pyxtorch.vision.models.mobilenetv2 import *  # noqa: F403
from pyxtorch.vision.models.mobilenetv2 import __all__ as _v2
from pyxtorch.vision.models.mobilenetv3 import *  # noqa: F403
from pyxtorch.vision.models.mobilenetv3 import __all__ as _v3

__all__ = _v2 + _v3
