"""Passes over graphs."""
from pyxtorch.fx.passes import shape_prop

__all__ = ["shape_prop"]
