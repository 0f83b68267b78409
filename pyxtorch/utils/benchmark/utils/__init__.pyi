# Written by tools/stubs.py; do not edit.

from pyxtorch.utils.benchmark.utils import common as common
from pyxtorch.utils.benchmark.utils import compare as compare
from pyxtorch.utils.benchmark.utils import counts as counts
from pyxtorch.utils.benchmark.utils import fuzzer as fuzzer
from pyxtorch.utils.benchmark.utils import timer as timer
