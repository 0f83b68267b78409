# Written by tools/stubs.py; do not edit.
import typing as _t

from pyxtorch.utils.data.collate import default_collate as default_collate
from pyxtorch.utils.data.collate import default_convert as default_convert
np_str_obj_array_pattern: _t.Any
