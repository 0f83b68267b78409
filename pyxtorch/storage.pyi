# Written by tools/stubs.py; do not edit.

from pyxtorch._storage import UntypedStorage as UntypedStorage
