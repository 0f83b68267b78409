"""Moving elements by index tensors, for other families: see index_plan.pxd."""
from pyxtorch.ops.index_plan cimport *
