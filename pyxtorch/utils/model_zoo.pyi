# Written by tools/stubs.py; do not edit.

from pyxtorch.hub import load_state_dict_from_url as _load_state_dict_from_url
load_url = _load_state_dict_from_url
