# Written by tools/stubs.py; do not edit.

from pyxtorch.fx.experimental import proxy_tensor as proxy_tensor
