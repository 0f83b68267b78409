# Written by tools/stubs.py; do not edit.

from pyxtorch.autograd.profiler_util import DeviceType as DeviceType
from pyxtorch.profiler.profiler import ProfilerAction as ProfilerAction
from pyxtorch.profiler.profiler import ProfilerActivity as ProfilerActivity
from pyxtorch.profiler.profiler import kineto_available as kineto_available
from pyxtorch.profiler.profiler import profile as profile
from pyxtorch.profiler import profiler as profiler
from pyxtorch.autograd.profiler import record_function as record_function
from pyxtorch.profiler.profiler import schedule as schedule
from pyxtorch.profiler.profiler import supported_activities as supported_activities
from pyxtorch.profiler.profiler import tensorboard_trace_handler as tensorboard_trace_handler
