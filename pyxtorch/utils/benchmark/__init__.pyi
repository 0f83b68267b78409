# Written by tools/stubs.py; do not edit.

from pyxtorch.utils.benchmark.utils.compare import Compare as Compare
from pyxtorch.utils.benchmark.utils.counts import CopyIfCallgrind as CopyIfCallgrind
from pyxtorch.utils.benchmark.utils.counts import FunctionCount as FunctionCount
from pyxtorch.utils.benchmark.utils.counts import FunctionCounts as FunctionCounts
from pyxtorch.utils.benchmark.utils.fuzzer import FuzzedParameter as FuzzedParameter
from pyxtorch.utils.benchmark.utils.fuzzer import FuzzedTensor as FuzzedTensor
from pyxtorch.utils.benchmark.utils.fuzzer import Fuzzer as Fuzzer
from pyxtorch.utils.benchmark.utils.timer import Language as Language
from pyxtorch.utils.benchmark.utils.common import Measurement as Measurement
from pyxtorch.utils.benchmark.utils.fuzzer import ParameterAlias as ParameterAlias
from pyxtorch.utils.benchmark.utils.common import TaskSpec as TaskSpec
from pyxtorch.utils.benchmark.utils.timer import Timer as Timer
from pyxtorch.utils.benchmark.utils.common import select_unit as select_unit
from pyxtorch.utils.benchmark.utils.common import trim_sigfig as trim_sigfig
from pyxtorch.utils.benchmark.utils.common import unit_to_english as unit_to_english
from pyxtorch.utils.benchmark import utils as utils
