"""What the profiler found, as lists of events and tables (`torch.autograd.profiler_util`)."""
import collections
import enum
import math

__all__ = ["DeviceType", "EventList", "FunctionEvent", "FunctionEventAvg", "Interval"]

# Operations by PyTorch's internal names, where those are others than the public ones.
ATEN = {
    "__and__": "bitwise_and", "__or__": "bitwise_or", "__xor__": "bitwise_xor", "__invert__": "bitwise_not", "__lshift__": "bitwise_left_shift",
    "__rshift__": "bitwise_right_shift", "__eq__": "eq", "__rsub__": "rsub", "__rdiv__": "div", "__floordiv__": "floor_divide",
    "__rfloordiv__": "floor_divide", "__rmod__": "remainder", "__rpow__": "pow", "__rmatmul__": "matmul", "__getitem__": "index",
    "__setitem__": "index_put_", "__bool__": "is_nonzero", "__int__": "item", "__float__": "item", "__index__": "item", "true_divide": "div",
    "cross_entropy": "cross_entropy_loss", "multiply": "mul", "subtract": "sub", "divide": "div", "negative": "neg", "absolute": "abs",
}  # fmt: skip
# What passes the gate and computes nothing, or consists of what is shown anyway.
QUIET = frozenset("""
__contains__ __deepcopy__ __dir__ __format__ __len__ __reduce_ex__ __repr__ __delitem__ backward register_hook requires_grad_ retain_grad size dim
ndimension numel nelement stride storage_offset is_contiguous is_floating_point is_complex is_signed is_inference is_shared is_pinned
element_size data_ptr get_device type numpy tolist untyped_storage storage has_names is_same_size dim_order
""".split())


_CONV = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")


def flops_of(name, shapes, values=(), names=()):
    """Floating-point operations of a call by its arguments, 2 for each multiplication with addition; 0: not known.

    Args:
        name: of the operation, without "aten::".
        shapes: of the arguments, [] of those that are no tensors.
        values: what is not a tensor among them.
        names: of those given by name, which come last.
    """
    try:
        if name in ("mm", "bmm", "matmul"):
            return 2 * math.prod(shapes[0]) * (shapes[1][-1] if len(shapes[1]) > 1 else 1)
        if name == "linear":
            return 2 * math.prod(shapes[0]) * (shapes[1][0] if len(shapes[1]) > 1 else 1)
        if name in ("addmm", "baddbmm"):
            return 2 * math.prod(shapes[1]) * shapes[2][-1]
        if name in ("conv1d", "conv2d", "conv3d"):
            first = len(values) - len(names)
            return _conv_flops(shapes, {**dict(zip(_CONV, values[:first])), **dict(zip(names, values[first:]))})
        if name in ("add", "mul", "sub", "div"):
            return max(math.prod(shapes[0]), math.prod(shapes[1]))
    except (IndexError, TypeError, ValueError):  # arguments in another order, by other names
        pass
    return 0


def _conv_flops(shapes, given):
    x, weight = shapes[:2]
    nd = len(weight) - 2

    def each(name, default):
        value = default if given.get(name) is None else given[name]
        return [value] * nd if isinstance(value, int) else value * nd if len(value) == 1 else value

    padding = given.get("padding")
    reach = [d * (k - 1) for d, k in zip(each("dilation", 1), weight[2:], strict=True)]
    around = reach if padding == "same" else [0] * nd if padding == "valid" else [2 * p for p in each("padding", 0)]
    size = [(n + a - r - 1) // s + 1 for n, a, r, s in zip(x[-nd:], around, reach, each("stride", 1), strict=True)]
    return 2 * (x[0] if len(x) == nd + 2 else 1) * math.prod(weight) * math.prod(size)


class DeviceType(enum.Enum):
    """Where an event was."""

    CPU = 0
    CUDA = 1


class Interval:
    """From `start` to `end`, microseconds."""

    __slots__ = ("end", "start")

    def __init__(self, start, end):
        self.start, self.end = start, end

    def elapsed_us(self):
        """How long it was."""
        return self.end - self.start


def _time(us):
    return f"{us / 1e6:.3f}s" if us >= 1e6 else f"{us / 1e3:.3f}ms" if us >= 1e3 else f"{us:.3f}us"


def _memory(nbytes):
    for power, unit in ((3, "GB"), (2, "MB"), (1, "KB")):
        if abs(nbytes) >= 1024**power:
            return f"{nbytes / 1024**power:.2f} {unit}"
    return f"{nbytes} B"


class _Times:
    """What events and averages of them tell of time: microseconds."""

    device_type = DeviceType.CPU
    use_device = None
    is_async = is_remote = is_legacy = False
    node_id = -1
    overload_name = ""
    device_time_total = self_device_time_total = device_memory_usage = self_device_memory_usage = 0  # only the CPU is recorded

    @property
    def cpu_time(self):
        """The mean of the calls."""
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def device_time(self):
        return 0.0

    @property
    def cpu_time_str(self):
        return _time(self.cpu_time)

    @property
    def cpu_time_total_str(self):
        return _time(self.cpu_time_total)

    @property
    def self_cpu_time_total_str(self):
        return _time(self.self_cpu_time_total)

    @property
    def device_time_str(self):
        return _time(0.0)

    device_time_total_str = self_device_time_total_str = device_time_str


class FunctionEvent(_Times):
    """One event: an operation, a node of the graph in backward, or a range of the program's own.

    `time_range` is in microseconds from the profile's start; `cpu_children` and `cpu_parent` say what lies within what;
    `input_shapes`, `stack`, `cpu_memory_usage` (bytes in use at the end minus at the start), `flops` are there where they were asked for.
    """

    count = 1
    device_index = 0
    kernels = ()

    def __init__(self, id, name, start, end, kind="operation", thread=0, memory=0, shapes=(), dtypes=(), stack=(), sequence=-1, flops=0):
        self.id, self.kind, self.thread = id, kind, thread
        self.key = self.name = name if kind != "step" else "ProfilerStep*"  # steps are one row of a table
        self.trace_name = name
        self.time_range = Interval(start, end)
        self.cpu_parent, self.cpu_children = None, []
        self.cpu_memory_usage = memory
        self.input_shapes, self.input_dtypes, self.stack = list(shapes), list(dtypes), list(stack)
        self.sequence_nr, self.flops, self.fwd_thread = sequence, flops, thread
        self.is_user_annotation = kind in ("range", "step")
        self.scope = {"operation": 0, "node": 1, "range": 7, "step": 7}[kind]

    @property
    def cpu_time_total(self):
        return self.time_range.elapsed_us()

    @property
    def self_cpu_time_total(self):
        """Without what lies within it."""
        return self.cpu_time_total - sum(child.cpu_time_total for child in self.cpu_children)

    @property
    def self_cpu_memory_usage(self):
        """Without what lies within it."""
        return self.cpu_memory_usage - sum(child.cpu_memory_usage for child in self.cpu_children)

    def __repr__(self):
        return (
            f"<FunctionEvent id={self.id} name={self.name} device_type={self.device_type} cpu_time={self.cpu_time_str} start_us={self.time_range.start} "
            f"end_us={self.time_range.end} cpu_children={[child.id for child in self.cpu_children]} thread={self.thread} "
            f"input_shapes={self.input_shapes} cpu_memory_usage={self.cpu_memory_usage} seq_nr={self.sequence_nr}>"
        )


class FunctionEventAvg(_Times):
    """Events of one name (and shapes, or stack) together: sums, and means where nothing else is said."""

    def __init__(self):
        self.key = None
        self.count = self.cpu_time_total = self.self_cpu_time_total = self.cpu_memory_usage = self.self_cpu_memory_usage = self.flops = 0
        self.input_shapes, self.stack, self.scope, self.is_user_annotation = None, None, None, False
        self.cpu_parent, self.cpu_children = None, []

    def add(self, other):
        """Take in an event, or an average."""
        if self.key is None:
            self.key, self.input_shapes, self.stack, self.scope = other.key, other.input_shapes, other.stack, other.scope
            self.cpu_parent, self.cpu_children, self.is_user_annotation = other.cpu_parent, other.cpu_children, other.is_user_annotation
        for name in ("count", "cpu_time_total", "self_cpu_time_total", "cpu_memory_usage", "self_cpu_memory_usage", "flops"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    def __iadd__(self, other):
        return self.add(other)

    def __repr__(self):
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} cpu_time={self.cpu_time_str} "
            f"input_shapes={self.input_shapes} cpu_memory_usage={self.cpu_memory_usage}>"
        )


class EventList(list):
    """Events, or averages of them."""

    def __init__(self, *args, profile_memory=False, with_flops=False, with_shapes=False, with_stack=False, use_device=None):
        super().__init__(*args)
        self._profile_memory, self._with_flops, self._with_shapes, self._with_stack = profile_memory, with_flops, with_shapes, with_stack
        self._use_device = use_device

    def _like(self, events):
        return EventList(events, profile_memory=self._profile_memory, with_flops=self._with_flops, with_shapes=self._with_shapes, with_stack=self._with_stack)

    def __str__(self):
        return self.table()

    @property
    def self_cpu_time_total(self):
        """Microseconds of all events, none counted twice."""
        return sum(event.self_cpu_time_total for event in self)

    def key_averages(self, group_by_input_shapes=False, group_by_stack_n=0, group_by_overload_name=False):
        """One average for each name, and for each list of shapes, or the innermost `group_by_stack_n` places, if asked for."""
        found = collections.defaultdict(FunctionEventAvg)
        for event in self:
            shapes = str(event.input_shapes) if group_by_input_shapes else ""
            stack = tuple(event.stack[:group_by_stack_n])
            found[event.key, shapes, stack, event.is_user_annotation].add(event)
        for average in found.values():
            if not group_by_input_shapes:
                average.input_shapes = ""
            average.stack = average.stack[:group_by_stack_n]
        grouped = self._like(found.values())
        grouped._with_shapes, grouped._with_stack = group_by_input_shapes, group_by_stack_n > 0
        return grouped

    def total_average(self):
        """All events as one average, named "Total"; nothing within another is counted twice."""
        total = FunctionEventAvg()
        for event in self:
            total.add(event)
            total.key = None
        total.key = "Total"
        total.cpu_time_total, total.cpu_memory_usage = total.self_cpu_time_total, total.self_cpu_memory_usage
        return total

    def table(self, sort_by=None, row_limit=100, max_src_column_width=75, max_name_column_width=55, max_shapes_column_width=80, header=None,
              top_level_events_only=False, time_unit=None):  # fmt: skip
        """A table of text.

        Args:
            sort_by: "cpu_time", "cpu_time_total", "self_cpu_time_total", "cpu_memory_usage", "self_cpu_memory_usage", "count" or "flops":
                the largest first. None: as they are.
            row_limit: how many rows; -1: all.
            max_src_column_width, max_name_column_width, max_shapes_column_width: longer texts are cut.
            header: a line above.
            top_level_events_only: only what lies in nothing else.
            time_unit: "us", "ms", "s"; None: what suits each number.
        Raises:
            ValueError: an unknown `sort_by` or `time_unit`.
        """
        events = self
        if sort_by is not None:
            sort_by = sort_by.replace("cuda", "device")
            if not hasattr(FunctionEventAvg(), sort_by):
                raise ValueError(f"table: no such sort_by: {sort_by!r}. Use cpu_time_total, self_cpu_time_total, cpu_memory_usage, count ...")
            events = sorted(events, key=lambda event: getattr(event, sort_by), reverse=True)
        if top_level_events_only:
            events = [event for event in events if event.cpu_parent is None]
        if time_unit not in (None, "us", "ms", "s"):
            raise ValueError(f"table: time_unit must be 'us', 'ms', 's' or None, not {time_unit!r}.")
        scale = {"us": 1.0, "ms": 1e3, "s": 1e6}.get(time_unit)
        total = self.self_cpu_time_total

        def time(us):
            return _time(us) if scale is None else f"{us / scale:.3f}{time_unit}"

        def share(us):
            return f"{100 * us / total:.2f}%" if total else "NaN"

        def cut(text, width):
            return text if width is None or len(text) <= width else text[: max(width - 3, 0)] + "..."

        columns = [
            ("Name", lambda e: cut(e.key, max_name_column_width)), ("Self CPU %", lambda e: share(e.self_cpu_time_total)),
            ("Self CPU", lambda e: time(e.self_cpu_time_total)), ("CPU total %", lambda e: share(e.cpu_time_total)),
            ("CPU total", lambda e: time(e.cpu_time_total)), ("CPU time avg", lambda e: time(e.cpu_time)),
        ]  # fmt: skip
        if self._profile_memory:
            columns += [("CPU Mem", lambda e: _memory(e.cpu_memory_usage)), ("Self CPU Mem", lambda e: _memory(e.self_cpu_memory_usage))]
        columns.append(("# of Calls", lambda e: str(e.count)))
        if self._with_shapes:
            columns.append(("Input Shapes", lambda e: cut(str(e.input_shapes), max_shapes_column_width)))
        if self._with_stack:
            columns.append(("Source Location", lambda e: cut(e.stack[0] if e.stack else "", max_src_column_width)))
        if self._with_flops:
            most = max((e.flops for e in events), default=0)
            power, unit = next(((p, u) for p, u in ((4, "T"), (3, "G"), (2, "M"), (1, "K")) if most >= 1000**p), (0, ""))
            columns.append((f"Total {unit}FLOPs", lambda e: f"{e.flops / 1000**power:.3f}" if e.flops else "--"))
        shown = events if row_limit is None or row_limit < 0 else events[:row_limit]
        rows = [[text(event) for _, text in columns] for event in shown]
        widths = [max(12, len(title), *(len(row[i]) for row in rows)) if rows else max(12, len(title)) for i, (title, _) in enumerate(columns)]
        rule = "  ".join("-" * width for width in widths)

        def line(cells):
            return "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))

        lines = [rule, line([title for title, _ in columns]), rule, *(line(row) for row in rows), rule, f"Self CPU time total: {time(total)}", ""]
        if header is not None:
            lines[:0] = ["=" * len(rule), header]
        if top_level_events_only:
            lines.insert(0, "This report only display top-level ops statistics")
        return "\n".join(lines)

    def export_chrome_trace(self, path):
        """Write the events to a file that chrome://tracing and Perfetto open."""
        from pyxtorch.autograd.profiler import write_trace

        write_trace(path, self, {})

    def export_stacks(self, path, metric="self_cpu_time_total"):
        """Write a line for each stack, outermost first, and the sum of a metric: what flame graphs are made from.

        Raises:
            ValueError: the metric is none of "self_cpu_time_total", "self_device_time_total".
        """
        metric = metric.replace("cuda", "device")
        if metric not in ("self_cpu_time_total", "self_device_time_total"):
            raise ValueError(f"metric should be one of: ['self_cpu_time_total', 'self_device_time_total'], not {metric!r}")
        sums = collections.Counter()
        for event in self:
            if event.stack:
                place = ";".join(entry.translate({ord(c): "_" for c in " ;\t\n"}) for entry in reversed(event.stack))
                sums[place] += int(getattr(event, metric))
        with open(path, "w") as file:
            file.writelines(f"{place} {value}\n" for place, value in sums.items() if value > 0)
