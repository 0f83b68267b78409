"""The profiler: which events there are and what lies in what, averages and tables, traces, schedules, threads."""
import gzip
import json
import subprocess
import sys
import threading
import time
import warnings

import pytest

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.autograd import profiler as single
from pyxtorch.autograd.profiler_util import EventList, FunctionEvent
from pyxtorch.profiler import (
    ProfilerAction,
    ProfilerActivity,
    profile,
    record_function,
    schedule,
    supported_activities,
    tensorboard_trace_handler,
)


def network():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    return net, torch.optim.SGD(net.parameters(), lr=0.1), torch.rand(3, 4)


def step(net, optimizer, x):
    optimizer.zero_grad()
    net(x).sum().backward()
    optimizer.step()


def names(events):
    return [event.name for event in events]


# --------------------------------------------------------------------------------------- events

def test_a_training_step_is_seen_in_its_order():
    net, optimizer, x = network()
    with profile() as prof:
        step(net, optimizer, x)
    events = prof.events()
    top = names(e for e in events if e.cpu_parent is None)
    node, leaf = (f"autograd::engine::evaluate_function: {name}" for name in ("{}Backward0", "torch::autograd::AccumulateGrad"))
    assert top == [
        "aten::linear", "aten::relu", "aten::linear", "aten::sum", node.format("Sum"), node.format("Linear"), leaf, leaf, node.format("Relu"),
        node.format("Linear"), leaf, leaf, "Optimizer.step#SGD.step"]  # fmt: skip
    inner = {e.name: names(e.cpu_children) for e in events if e.cpu_children}
    assert inner[node.format("Relu")] == ["ReluBackward0"] and inner[leaf] == ["torch::autograd::AccumulateGrad"]
    assert [e.id for e in events] == list(range(1, len(events) + 1))
    nodes = [e.sequence_nr for e in events if e.name.endswith("Backward0") and not e.name.startswith("autograd::")]
    assert nodes == sorted(nodes, reverse=True) and min(nodes) >= 0


def test_times_lie_within_each_other_and_add_up():
    net, optimizer, x = network()
    with profile() as prof:
        with record_function("all"):
            step(net, optimizer, x)
            with record_function("nap"):
                time.sleep(0.02)
    events = prof.events()
    for event in events:
        begin = event.time_range.start
        for child in event.cpu_children:
            assert child.cpu_parent is event and begin <= child.time_range.start <= child.time_range.end <= event.time_range.end
            begin = child.time_range.end
        assert event.self_cpu_time_total == pytest.approx(event.cpu_time_total - sum(c.cpu_time_total for c in event.cpu_children)) and event.cpu_time_total >= 0
    whole, nap = events[0], next(e for e in events if e.name == "nap")
    assert whole.name == "all" and whole.is_user_annotation and 20_000 <= nap.cpu_time_total < 2_000_000
    assert events.self_cpu_time_total == pytest.approx(whole.cpu_time_total)
    averages = {a.key: a for a in prof.key_averages()}
    assert averages["aten::linear"].count == 2 and averages["aten::linear"].cpu_time == pytest.approx(averages["aten::linear"].cpu_time_total / 2)
    assert sum(a.self_cpu_time_total for a in averages.values()) == pytest.approx(whole.cpu_time_total)
    total = events.total_average()
    assert total.key == "Total" and total.count == len(events) and total.cpu_time_total == pytest.approx(whole.cpu_time_total)


def test_operators_methods_and_functions_have_their_names():
    x = torch.ones(2, 2)
    with profile() as prof:
        x @ x
        2 - x
        x[0]
        x.eq(x), x == x
        x.add_(1)
        x += 1
        torch.linalg.norm(x)
        torch.fft.fft(x)
        torch.nn.functional.softmax(x, 0)
        bool(x[0, 0])
        x.size(), x.dim(), len(x), x.requires_grad_()
    found = [n for n in names(e for e in prof.events() if e.cpu_parent is None) if n != "aten::index"]
    assert found == [f"aten::{n}" for n in "matmul rsub eq eq add_ add_ linalg_norm fft_fft softmax is_nonzero".split()]


def test_forward_names_are_torchs():
    theirs = pytest.importorskip("torch")

    def forward(t, target):
        t.manual_seed(0)
        net = t.nn.Sequential(t.nn.Conv2d(2, 3, 3), t.nn.BatchNorm2d(3), t.nn.ReLU(), t.nn.MaxPool2d(2), t.nn.Flatten(), t.nn.Linear(27, 4), t.nn.LayerNorm(4), t.nn.GELU())
        x = t.rand(2, 2, 8, 8)
        y = net(x)
        return t.nn.functional.cross_entropy(y, target) + (y @ y.T - y.sum()).mean() + y.exp().log_softmax(1).std()

    found = []
    for t in (torch, theirs):
        target = t.tensor([0, 1])
        forward(t, target)
        with t.autograd.profiler.profile() as prof:
            loss = forward(t, target)
        assert loss.requires_grad
        found.append({e.name for e in prof.function_events if t is theirs or e.cpu_parent is None})
    ours = found[0] - {"aten::tensor"}  # what they are composed of has names of its own
    assert ours <= found[1], ours - found[1]
    assert {"aten::conv2d", "aten::linear", "aten::layer_norm", "aten::matmul", "aten::cross_entropy_loss", "aten::exp"} <= ours


def test_shapes_memory_flops_and_stacks():
    x, w = torch.ones(3, 4), torch.ones(5, 4)
    image, kernel = torch.ones(2, 3, 9, 9), torch.ones(6, 3, 3, 3)
    with profile(record_shapes=True, profile_memory=True, with_flops=True, with_stack=True) as prof:
        y = nn.functional.linear(x, w)
        torch.cat([x, x])
        torch.conv2d(image, kernel, stride=2, padding=1)
        torch.conv2d(image, kernel, None, 1, "same")
        x + 1
        del y
    linear, cat, conv, same, add = prof.events()
    assert linear.input_shapes[:2] == [[3, 4], [5, 4]] and linear.input_dtypes[0] == "float32" and linear.flops == 2 * 3 * 4 * 5
    assert cat.input_shapes[0] == [[3, 4], [3, 4]] and cat.flops == 0
    assert conv.flops == 2 * 2 * 6 * 3 * 9 * 5 * 5 and same.flops == 2 * 2 * 6 * 3 * 9 * 9 * 9 and add.flops == 12
    assert linear.cpu_memory_usage >= 3 * 5 * 4 and cat.cpu_memory_usage >= 24 * 4
    assert linear.stack[0].startswith(f"{__file__}(") and linear.stack[0].endswith("): test_shapes_memory_flops_and_stacks")
    by_shape = prof.key_averages(group_by_input_shape=True)
    assert [a.input_shapes for a in by_shape if a.key == "aten::linear"] == [linear.input_shapes]
    text = by_shape.table(sort_by="flops")
    assert "Input Shapes" in text and "Total KFLOPs" in text and "CPU Mem" in text and "[[3, 4], [5, 4]" in text
    assert "Source Location" in prof.key_averages(group_by_stack_n=2).table()


# --------------------------------------------------------------------------------------- ranges, errors, threads

def test_ranges_of_ones_own():
    @record_function("decorated")
    def work(n):
        """Works."""
        return torch.ones(n) + 1 if n < 2 else work(n - 1)

    with record_function("nobody looks"):
        pass
    with profile() as prof:
        work(2)
        with pytest.raises(ZeroDivisionError), record_function("fails"):
            1 / 0
        torch.ones(1)
    assert work.__doc__ == "Works."
    events = prof.events()
    assert names(events) == ["decorated", "decorated", "aten::ones", "aten::add", "fails", "aten::ones"]
    assert events[1].cpu_parent is events[0] and events[2].cpu_parent is events[1] and events[5].cpu_parent is None


def test_an_error_in_backward_leaves_nothing_open():
    class Fails(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            raise ZeroDivisionError

    y = Fails.apply(torch.ones(2, requires_grad=True))
    with profile() as prof:
        with pytest.raises(ZeroDivisionError):
            torch.autograd.backward(y.sum())
        with pytest.raises(ZeroDivisionError):
            Fails.apply(torch.ones(2, requires_grad=True)).sum().backward()
        with pytest.raises(RuntimeError):
            torch.ones(2) @ torch.ones(3)
        torch.ones(1)
    last = prof.events()[-1]
    assert last.name == "aten::ones" and last.cpu_parent is None
    assert "FailsBackward" in names(prof.events())


def test_profiles_are_of_their_thread():
    found, ready = {}, threading.Barrier(2)

    def work(name, operation, count):
        ready.wait(10)
        with profile() as prof:
            for _ in range(count):
                operation(torch.ones(3))
        found[name] = {a.key: a.count for a in prof.key_averages()}

    threads = [threading.Thread(target=work, args=args) for args in (("a", torch.exp, 300), ("b", torch.sin, 200))]
    with profile() as prof:
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        torch.ones(1)
    assert found == {"a": {"aten::ones": 300, "aten::exp": 300}, "b": {"aten::ones": 200, "aten::sin": 200}}
    assert names(prof.events()) == ["aten::ones"]


def test_a_profile_may_be_stopped_by_another_thread():
    prof = single.profile()
    prof.__enter__()
    torch.ones(2)
    thread = threading.Thread(target=prof.stop)
    thread.start()
    thread.join()
    torch.zeros(2)
    assert names(prof.function_events) == ["aten::ones"]
    prof._kept[0][0].stop()  # this thread lets go of it
    with single.profile() as other:
        torch.zeros(2)
    assert names(other.function_events) == ["aten::zeros"]


def test_one_profile_at_a_time():
    with profile() as prof:
        with pytest.raises(RuntimeError, match="already enabled on this thread"), profile():
            pass
        torch.ones(1)
    assert names(prof.events()) == ["aten::ones"]
    once = single.profile()
    assert repr(once) == "<unfinished torch.autograd.profile>" and once.function_events is None
    with pytest.raises(RuntimeError, match="didn't finish running"):
        once.table()
    with once:
        torch.ones(1)
    with pytest.raises(RuntimeError, match="not reentrant"), once:
        pass
    with single.profile(enabled=False) as off:
        torch.ones(1)
    assert off.function_events is None


def test_it_costs_nothing_when_it_is_off():
    code = """
import sys, pyxtorch
from pyxtorch import _gate
assert not [m for m in sys.modules if "profiler" in m or m == "pyxtorch._events"]
import pyxtorch.autograd.profiler
from pyxtorch.optim import optimizer
with pyxtorch.profiler.profile() as prof:
    assert _gate.watching() and optimizer._global_pre_hooks
    pyxtorch.ones(2) + 1
assert not _gate.watching() and not optimizer._global_pre_hooks and not optimizer._global_post_hooks
assert len(prof.events()) == 2
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
    assert not hasattr(single, "emit_itt") and not hasattr(torch.profiler, "ExecutionTraceObserver")


# --------------------------------------------------------------------------------------- tables and files

def made(*durations):
    return EventList([FunctionEvent(i + 1, name, 0.0, us) for i, (name, us) in enumerate(durations)])


def test_a_table():
    events = made(("b", 1_500_000.0), ("a", 2.5), ("a", 1_997.5), ("x" * 80, 10.0))
    averages = events.key_averages()
    lines = averages.table(sort_by="self_cpu_time_total", header="times").splitlines()
    assert lines[1] == "times" and lines[3].split("  ")[-1].strip() == "# of Calls"
    assert [line.split()[0] for line in lines[5:8]] == ["b", "a", "x" * 52 + "..."]
    assert lines[5].split() == ["b", "99.87%", "1.500s", "99.87%", "1.500s", "1.500s", "1"]
    assert lines[6].split() == ["a", "0.13%", "2.000ms", "0.13%", "2.000ms", "1.000ms", "2"]
    assert lines[-1] == "Self CPU time total: 1.502s"
    assert averages.table(sort_by="count", row_limit=1).count("\n") == 6 and "2000.000us" in averages.table(time_unit="us")
    assert averages.table(max_name_column_width=10).count("xxxxxxx...") == 1 and str(events) == events.table()
    with pytest.raises(ValueError, match="no such sort_by: 'speed'"):
        averages.table(sort_by="speed")
    with pytest.raises(ValueError, match="time_unit must be"):
        averages.table(time_unit="h")
    assert "Self CPU time total: 0.000us" in EventList().table()


@pytest.mark.parametrize("name", ["trace.json", "trace.json.gz"])
def test_a_trace_is_a_file_that_browsers_open(tmp_path, name):
    net, optimizer, x = network()
    with profile(record_shapes=True, with_stack=True, profile_memory=True) as prof:
        step(net, optimizer, x)
    prof.add_metadata("note", 3)
    prof.add_metadata_json("more", '{"a": [1]}')
    path = str(tmp_path / name)
    prof.export_chrome_trace(path)
    with gzip.open(path, "rt") if name.endswith("gz") else open(path) as file:
        trace = json.load(file)
    assert trace["schemaVersion"] == 1 and trace["displayTimeUnit"] == "ms" and trace["record_shapes"] == 1 and trace["trace_id"] == prof.get_trace_id()
    assert trace["note"] == "3" and trace["more"] == {"a": [1]}
    whole = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    assert [e["name"] for e in whole] == names(prof.events())
    assert [(e["ts"], e["dur"]) for e in whole] == [(e.time_range.start, e.cpu_time_total) for e in prof.events()]
    assert {e["cat"] for e in whole} == {"cpu_op", "user_annotation"} and len({(e["pid"], e["tid"]) for e in whole}) == 1
    assert next(e for e in whole if e["name"] == "aten::linear")["args"]["Input Dims"][0] == [3, 4]
    assert any(e["ph"] == "M" and e["name"] == "thread_name" for e in trace["traceEvents"])


def test_stacks_for_flame_graphs(tmp_path):
    def inner():
        return torch.ones(1000).exp()

    with profile(with_stack=True) as prof:
        for _ in range(50):
            inner()
    prof.export_stacks(str(tmp_path / "stacks"))
    lines = (tmp_path / "stacks").read_text().splitlines()
    assert lines and all(int(line.rpartition(" ")[2]) > 0 and "_inner" in line.rpartition(" ")[0].split(";")[-1] for line in lines)
    with pytest.raises(ValueError, match="metric should be one of"):
        prof.export_stacks(str(tmp_path / "x"), "count")
    with profile() as plain:
        torch.ones(1)
    with pytest.raises(RuntimeError, match="requires with_stack=True"):
        plain.export_stacks(str(tmp_path / "x"))


# --------------------------------------------------------------------------------------- schedules

SCHEDULES = [
    {"wait": 1, "warmup": 1, "active": 2}, {"wait": 0, "warmup": 1, "active": 1, "repeat": 2}, {"wait": 2, "warmup": 1, "active": 3, "repeat": 1, "skip_first": 4},
    {"wait": 1, "warmup": 2, "active": 1, "skip_first": 2, "skip_first_wait": 1},
]  # fmt: skip


def test_a_schedule():
    N, W, R, S = ProfilerAction.NONE, ProfilerAction.WARMUP, ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE
    assert [schedule(wait=1, warmup=1, active=2, repeat=1)(k) for k in range(6)] == [N, W, R, S, N, N]
    assert [schedule(wait=1, warmup=1, active=2, skip_first=1)(k) for k in range(9)] == [N, N, W, R, S, N, W, R, S]
    with pytest.raises(AssertionError, match="active=0"):
        schedule(wait=1, warmup=1, active=0)
    with pytest.raises(AssertionError, match="Step must be non-negative"):
        schedule(wait=1, warmup=1, active=1)(-1)
    with pytest.warns(UserWarning, match="warmup"):
        schedule(wait=1, warmup=0, active=1)


@pytest.mark.parametrize("options", SCHEDULES)
def test_schedules_are_torchs(options):
    theirs = pytest.importorskip("torch.profiler")
    ours, other = schedule(**options), theirs.schedule(**options)
    assert [ours(k).name for k in range(30)] == [other(k).name for k in range(30)]


@pytest.mark.parametrize("options", SCHEDULES)
def test_a_trace_holds_the_steps_of_its_cycle(options):
    plan, expected, cycle = schedule(**options), [], []
    for k in range(13):
        if plan(k) in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE):
            cycle.append(f"ProfilerStep#{k}")
        if plan(k) is ProfilerAction.RECORD_AND_SAVE or (k == 12 and cycle):
            expected.append((k + 1, cycle))
            cycle = []
    seen = []

    def ready(prof):
        seen.append((prof.step_num, [e.trace_name for e in prof.events() if e.name == "ProfilerStep*"]))
        counts = {a.key: a.count for a in prof.key_averages()}
        assert counts["aten::exp"] == counts["ProfilerStep*"] == len(seen[-1][1])

    with profile(schedule=plan, on_trace_ready=ready) as prof:
        for k in range(13):
            torch.ones(2).exp()
            if k < 12:
                prof.step()
        prof.step_num += 1  # as if the last step had been followed by another
    assert seen == expected


def test_cycles_forget_or_add_up(tmp_path):
    for accumulate, expected in ((False, [["ProfilerStep#1"], ["ProfilerStep#3"]]), (True, [["ProfilerStep#1"], ["ProfilerStep#1", "ProfilerStep#3"]])):
        seen = []
        with profile(
            schedule=schedule(wait=0, warmup=1, active=1, repeat=2), acc_events=accumulate,
            on_trace_ready=lambda prof, seen=seen: seen.append([e.trace_name for e in prof.events() if e.name == "ProfilerStep*"]),
        ) as prof:
            for _ in range(6):
                torch.ones(2)
                prof.step()
        assert seen == expected
    folder = tmp_path / "traces"
    with profile(schedule=schedule(wait=0, warmup=1, active=1, repeat=2), on_trace_ready=tensorboard_trace_handler(str(folder), "worker", use_gzip=True)) as prof:
        for _ in range(6):
            torch.ones(2)
            prof.step()
    files = sorted(folder.iterdir())
    assert len(files) == 2 and all(f.name.startswith("worker.") and f.name.endswith(".pt.trace.json.gz") for f in files)
    with gzip.open(files[0], "rt") as file:
        assert any(e["name"] == "ProfilerStep#1" for e in json.load(file)["traceEvents"])


def test_starting_stopping_and_pausing():
    prof = profile(custom_trace_id_callback=lambda: "mine")
    prof.start()
    torch.ones(1)
    prof.toggle_collection_dynamic(False, [ProfilerActivity.CPU])
    torch.zeros(1)
    prof.toggle_collection_dynamic(True, [ProfilerActivity.CPU])
    torch.ones(1).exp()
    prof.stop()
    assert names(prof.events()) == ["aten::ones", "aten::ones", "aten::exp"] and prof.get_trace_id() == "mine"
    assert ProfilerActivity.CPU in supported_activities() and torch.profiler.kineto_available()
    if not torch.cuda.is_available():
        with pytest.warns(UserWarning, match="CUDA is not available"), profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as prof:
            torch.ones(1)
        assert names(prof.events()) == ["aten::ones"]
    with pytest.raises(AssertionError, match="No valid profiler activities"):
        profile(activities=[])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        profile(activities=[ProfilerActivity.CPU])


def test_modes_and_regions_around_it():
    from pyxtorch.overrides import TorchFunctionMode

    class Twice(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            func(*args, **(kwargs or {}))
            return func(*args, **(kwargs or {}))

    x = torch.ones(2, 2)
    with profile(record_shapes=True) as prof, Twice(), torch.autocast("cpu"):
        y = torch.mm(x, x)
    assert y.dtype == torch.bfloat16 and names(prof.events()) == ["aten::mm", "aten::mm"]
    assert prof.events()[0].input_dtypes == ["float32", "float32"]  # what it was called with


def test_who_records_and_marks_of_other_profilers():
    with single.emit_nvtx(enabled=False):
        assert not torch.autograd._profiler_enabled()
    with single.profile():
        assert torch.autograd._profiler_enabled()
    with pytest.raises(RuntimeError if torch.cuda.is_available() else (AssertionError, RuntimeError)), single.emit_nvtx():
        pass
