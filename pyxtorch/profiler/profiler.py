"""Profiles of a program's steps by a schedule, and what becomes of each (`torch.profiler.profile`)."""
import enum
import json
import os
import socket
import time
import uuid
import warnings

from pyxtorch.autograd import profiler as single

__all__ = ["ProfilerAction", "ProfilerActivity", "kineto_available", "profile", "schedule", "supported_activities", "tensorboard_trace_handler"]


class ProfilerAction(enum.Enum):
    """What a profile does in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


class ProfilerActivity(enum.Enum):
    """What may be recorded. Of a GPU it is the CPU's side: when its kernels are launched."""

    CPU = 0
    CUDA = 2


def supported_activities():
    """What can be recorded: what the CPU does."""
    return {ProfilerActivity.CPU}


def kineto_available():
    """Whether profiles can be made: they can."""
    return True


def schedule(*, wait, warmup, active, repeat=0, skip_first=0, skip_first_wait=0):
    """A schedule for `profile`: after `skip_first` steps, again and again `wait` steps of nothing, `warmup`, and `active` ones that are recorded.

    Args:
        repeat: how many times; 0: as long as the program goes on.
        skip_first_wait: not 0: the first time goes without `wait`.
    Returns:
        A function from the number of a step to a ProfilerAction.
    Raises:
        AssertionError: a number is negative, or there is no active step.
    """
    if min(wait, warmup, repeat, skip_first, skip_first_wait) < 0 or active <= 0:
        raise AssertionError(
            f"Invalid profiler schedule arguments: wait={wait}, warmup={warmup}, active={active}, repeat={repeat}, skip_first={skip_first}; "
            "none may be negative, and active must be at least 1."
        )
    if warmup == 0:
        warnings.warn("Profiler won't be using warmup, this can skew profiler results", stacklevel=2)
    cycle = wait + warmup + active

    def action(step):
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        if skip_first_wait:
            step += wait
        if repeat > 0 and step // cycle >= repeat:
            return ProfilerAction.NONE
        place = step % cycle
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if place == cycle - 1 else ProfilerAction.RECORD

    return action


def tensorboard_trace_handler(dir_name, worker_name=None, use_gzip=False):
    """For `on_trace_ready`: writes each trace to a file of its own in a folder, where TensorBoard's plugin looks for it.

    Args:
        worker_name: the file's name begins with it; by default the host's name and the process's number.
        use_gzip: whether the files are compressed.
    """

    def handler(prof):
        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        prof.export_chrome_trace(os.path.join(dir_name, f"{worker}.{time.time_ns()}.pt.trace.json{'.gz' if use_gzip else ''}"))

    return handler


def _always(step):
    return ProfilerAction.RECORD


class profile:
    """Records what this thread does between `start` and `stop`, or in a `with` block: all of it, or the steps that a schedule names.

    Args:
        activities: ProfilerActivity values; the CPU's are what is recorded.
        schedule: from the number of a step to a ProfilerAction, such as `schedule(...)` gives; `step()` begins the next one.
        on_trace_ready: called with the profile whenever a cycle of the schedule, or all of it, is recorded.
        record_shapes, profile_memory, with_stack, with_flops: what is kept of each event (`autograd.profiler.profile`).
        with_modules, experimental_config, execution_trace_observer, post_processing_timeout_s: accepted; not needed.
        acc_events: whether cycles add up. Otherwise each forgets the one before.
        custom_trace_id_callback: gives each trace its name.
    Raises:
        RuntimeError: another profile of this thread is in force.
    Example:
        >>> from pyxtorch.profiler import ProfilerActivity, profile, record_function
        >>> with profile(activities=[ProfilerActivity.CPU]) as prof:
        ...     with record_function("sum"):
        ...         total = pyxtorch.ones(3).sum()
        >>> [(average.key, average.count) for average in prof.key_averages()]
        [('sum', 1), ('aten::ones', 1), ('aten::sum', 1)]
    """

    def __init__(
        self, *, activities=None, schedule=None, on_trace_ready=None, record_shapes=False, profile_memory=False, with_stack=False, with_flops=False,
        with_modules=False, experimental_config=None, execution_trace_observer=None, acc_events=False, use_cuda=None, custom_trace_id_callback=None,
        post_processing_timeout_s=None,
    ):  # fmt: skip
        self.activities = supported_activities() if activities is None else set(activities)
        if use_cuda is not None:
            warnings.warn("`use_cuda` is deprecated, use `activities` argument instead", FutureWarning, stacklevel=2)
            (self.activities.add if use_cuda else self.activities.discard)(ProfilerActivity.CUDA)
        if not self.activities:
            raise AssertionError("No valid profiler activities found")
        self.schedule, self.record_steps = (_always, False) if schedule is None else (schedule, True)
        self.on_trace_ready, self.acc_events, self.custom_trace_id_callback = on_trace_ready, acc_events, custom_trace_id_callback
        self.record_shapes, self.profile_memory, self.with_stack, self.with_flops = record_shapes, profile_memory, with_stack, with_flops
        self.with_modules = with_modules
        self.profiler = None
        self.step_num = 0
        self.current_action = self.schedule(0)
        self._step, self._notes, self._trace_id, self._collecting = None, {}, "", False

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        self.stop()
        return False

    # ------------------------------------------------------------------------------ by the schedule

    def start(self):
        """Begin with the first step."""
        if self.current_action is not ProfilerAction.NONE:
            self.prepare_trace()
        if self._records(self.current_action):
            self.start_trace()
        self._begin_step()

    def stop(self):
        """End the last step, and what is recorded."""
        self._end_step()
        if self._collecting:
            self.stop_trace()
            self._ready()

    def step(self):
        """The next step begins."""
        self._end_step()
        before, self.step_num = self.current_action, self.step_num + 1
        self.current_action = self.schedule(self.step_num)
        if before is ProfilerAction.RECORD_AND_SAVE or (self._records(before) and not self._records(self.current_action)):
            if self._collecting:
                self.stop_trace()
                if before is ProfilerAction.RECORD_AND_SAVE:
                    self._ready()
        if self.current_action is ProfilerAction.WARMUP and before is not ProfilerAction.WARMUP:
            self.prepare_trace()
        if self._records(self.current_action) and not self._collecting:
            if before is not ProfilerAction.WARMUP:
                self.prepare_trace()
            self.start_trace()
        self._begin_step()

    @staticmethod
    def _records(action):
        return action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)

    def _begin_step(self):
        if self.record_steps and self._collecting:
            self._step = single.step_event(self.step_num)
            self._step.__enter__()

    def _end_step(self):
        if self._step is not None:
            self._step.__exit__(None, None, None)
            self._step = None

    def _ready(self):
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    # ------------------------------------------------------------------------------ one trace

    def prepare_trace(self):
        """What `start_trace` needs; it begins nothing."""
        if self.profiler is None or not self.acc_events:
            self.profiler = single.profile(
                use_device="cuda" if ProfilerActivity.CUDA in self.activities else None, record_shapes=self.record_shapes, with_flops=self.with_flops,
                profile_memory=self.profile_memory, with_stack=self.with_stack, with_modules=self.with_modules, acc_events=self.acc_events,
            )  # fmt: skip
        self.profiler.prepare()
        self._trace_id = self.custom_trace_id_callback() if self.custom_trace_id_callback is not None else uuid.uuid4().hex.upper()

    def start_trace(self):
        """Begin to record."""
        self.profiler.start()
        self._collecting = True

    def stop_trace(self):
        """End it."""
        self._collecting = False
        self.profiler.stop()

    def toggle_collection_dynamic(self, enable, activities):
        """Go on without recording, or with it again.

        Args:
            enable: which of the two.
            activities: of which activities; others than the CPU's are not recorded anyway.
        """
        if self.profiler is None or ProfilerActivity.CPU not in activities or enable is self._collecting:
            return
        if enable:
            self.profiler.acc_events = True
            self.profiler.prepare()
            self.start_trace()
        else:
            self.stop_trace()

    # ------------------------------------------------------------------------------ what was recorded

    def _recorded(self):
        if self.profiler is None:
            raise AssertionError("Profiler must be initialized before it can give what it recorded")
        return self.profiler

    def events(self):
        """The events of the last trace, an EventList."""
        return self._recorded()._done()

    def key_averages(self, group_by_input_shape=False, group_by_stack_n=0, group_by_overload_name=False):
        """One average for each name, and for each list of shapes, or the innermost `group_by_stack_n` places, if asked for."""
        return self._recorded().key_averages(group_by_input_shape, group_by_stack_n, group_by_overload_name)

    def export_chrome_trace(self, path):
        """Write the last trace to a file that chrome://tracing and Perfetto open; compressed where its name ends in ".gz"."""
        self._recorded().export_chrome_trace(path, {"trace_id": self._trace_id, **self._notes})

    def export_stacks(self, path, metric="self_cpu_time_total"):
        """Write a line for each stack and its time, for flame graphs; needs `with_stack=True`."""
        self._recorded().export_stacks(path, metric)

    def add_metadata(self, key, value):
        """Let traces have a text under a name."""
        self._notes[key] = str(value)

    def add_metadata_json(self, key, value):
        """The same of a value, which is given as JSON.

        Raises:
            ValueError: it is none.
        """
        self._notes[key] = json.loads(value)

    preset_metadata_json = add_metadata_json

    def get_trace_id(self):
        """The name of the last trace."""
        return self._trace_id

    def set_custom_trace_id_callback(self, callback):
        """Let `callback()` name the traces to come."""
        self.custom_trace_id_callback = callback
