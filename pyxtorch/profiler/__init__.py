"""torch.profiler: what a program spends its time and memory on, step by step."""
from pyxtorch.autograd.profiler import record_function
from pyxtorch.autograd.profiler_util import DeviceType
from pyxtorch.profiler.profiler import (
    ProfilerAction,
    ProfilerActivity,
    kineto_available,
    profile,
    schedule,
    supported_activities,
    tensorboard_trace_handler,
)

__all__ = [
    "DeviceType", "ProfilerAction", "ProfilerActivity", "kineto_available", "profile", "record_function", "schedule", "supported_activities",
    "tensorboard_trace_handler",
]
