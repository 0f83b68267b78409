# Written by tools/stubs.py; do not edit.

from pyxtorch.distributed.run import main as main
