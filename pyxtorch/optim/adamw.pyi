# Written by tools/stubs.py; do not edit.

from pyxtorch.optim.adam import AdamW as AdamW
