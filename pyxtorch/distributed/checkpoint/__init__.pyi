# Written by tools/stubs.py; do not edit.

from pyxtorch.distributed.checkpoint import state_dict as state_dict
