# Written by tools/stubs.py; do not edit.

from pyxtorch.utils.data.collate import default_collate as default_collate
from pyxtorch.utils.data.collate import default_convert as default_convert
