# Written by tools/stubs.py; do not edit.

from pyxtorch.fx.passes import shape_prop as shape_prop
