# Written by tools/stubs.py; do not edit.

from pyxtorch.utils import checkpoint as checkpoint
from pyxtorch.utils import data as data
from pyxtorch.utils import dlpack as dlpack
from pyxtorch.utils import hooks as hooks
