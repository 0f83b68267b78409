# Written by tools/stubs.py; do not edit.

from pyxtorch.utils.data.datapipes import datapipe as datapipe
from pyxtorch.utils.data.datapipes import iter as iter
from pyxtorch.utils.data.datapipes import map as map
