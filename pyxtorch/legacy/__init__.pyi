# Written by tools/stubs.py; do not edit.

from pyxtorch.legacy import nn as nn
from pyxtorch.legacy import optim as optim
