"""torch.utils.benchmark: how long statements take, repeated until that is known, and tables of it."""
from pyxtorch.utils.benchmark.utils.common import Measurement, TaskSpec, select_unit, trim_sigfig, unit_to_english
from pyxtorch.utils.benchmark.utils.compare import Compare
from pyxtorch.utils.benchmark.utils.counts import CopyIfCallgrind, FunctionCount, FunctionCounts
from pyxtorch.utils.benchmark.utils.fuzzer import FuzzedParameter, FuzzedTensor, Fuzzer, ParameterAlias
from pyxtorch.utils.benchmark.utils.timer import Language, Timer

__all__ = [
    "Compare", "CopyIfCallgrind", "FunctionCount", "FunctionCounts", "FuzzedParameter", "FuzzedTensor", "Fuzzer", "Language", "Measurement", "ParameterAlias",
    "TaskSpec", "Timer", "select_unit", "trim_sigfig", "unit_to_english",
]  # fmt: skip
