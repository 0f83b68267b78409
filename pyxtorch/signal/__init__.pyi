# Written by tools/stubs.py; do not edit.

from pyxtorch.signal import windows as windows
