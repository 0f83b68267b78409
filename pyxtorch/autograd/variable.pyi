# Written by tools/stubs.py; do not edit.

from pyxtorch.autograd import Variable as Variable
