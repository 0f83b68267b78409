"""torch.monitor and the counter of flops: what a program tells of itself."""
import datetime
import gc

import pytest

import pyxtorch as torch
import pyxtorch.nn.functional as F
from pyxtorch import monitor, nn
from pyxtorch.monitor import Aggregation, Event, Stat
from pyxtorch.utils.flop_counter import FlopCounterMode, register_flop_formula


def test_events():
    seen = []
    handle = monitor.register_event_handler(seen.append)
    event = Event("step", datetime.datetime.now(), {"loss": 0.5, "n": 3, "ok": True, "what": "a"})
    monitor.log_event(event)
    monitor.unregister_event_handler(handle)
    monitor.unregister_event_handler(handle)
    monitor.log_event(event)
    assert seen == [event] and event.data["n"] == 3 and "step" in repr(event)
    for wrong in (lambda: Event("x", 3, {}), lambda: Event("x", datetime.datetime.now(), {"a": []}), lambda: monitor.log_event(3), lambda: monitor.register_event_handler(3)):
        with pytest.raises(TypeError, match="expected|values are"):
            wrong()


def test_statistics(monkeypatch):
    now, seen = [100.0], []
    monkeypatch.setattr(monitor.time, "time", lambda: now[0])
    handle = monitor.register_event_handler(seen.append)
    try:
        stat = Stat("loss", list(Aggregation), datetime.timedelta(seconds=10))
        assert stat.get() == dict.fromkeys(Aggregation, 0) and stat.name == "loss"
        for value in (1, 2, 6):
            stat.add(value)
        assert stat.count == 3 and stat.get()[monitor.MEAN] == 3 and not seen
        now[0] = 111.0
        stat.add(5)
        (event,) = seen
        assert event.name == "torch.monitor.Stat"
        assert event.data == {"loss.value": 6, "loss.mean": 3, "loss.count": 3, "loss.sum": 9, "loss.max": 6, "loss.min": 1} and stat.count == 1
        limited = Stat("n", [monitor.SUM], datetime.timedelta(seconds=10), 2)
        for value in (1, 2, 4, 8):
            limited.add(value)
        assert [e.data for e in seen[1:]] == [{"n.sum": 3}] and limited.count == 0          # what comes after is not counted
        del stat
        gc.collect()
        assert seen[-1].data["loss.sum"] == 5
    finally:
        monitor.unregister_event_handler(handle)
    with pytest.raises(ValueError, match="holds nothing"):
        Stat("x", [], datetime.timedelta(0))


class Writer:
    def __init__(self):
        self.scalars = []

    def add_scalar(self, name, value, walltime=None):
        self.scalars.append((name, value))


def test_statistics_for_tensorboard():
    writer = Writer()
    handler = monitor.TensorboardEventHandler(writer)
    handler(Event(monitor.STAT_EVENT, datetime.datetime.now(), {"a.sum": 1.0}))
    handler(Event("other", datetime.datetime.now(), {"b": 1.0}))
    assert writer.scalars == [("a.sum", 1.0)]


def count(f):
    with FlopCounterMode(display=False) as counter:
        f()
    return counter.get_total_flops()


def test_flops_of_known_operations():
    a, b = torch.ones(3, 4), torch.ones(4, 5)
    assert count(lambda: a @ b) == count(lambda: torch.mm(a, b)) == count(lambda: torch.addmm(torch.ones(5), a, b)) == 2 * 3 * 4 * 5
    assert count(lambda: torch.bmm(torch.ones(2, 3, 4), torch.ones(2, 4, 5))) == 2 * 2 * 3 * 4 * 5 and count(lambda: a + 1) == 0
    assert count(lambda: F.conv2d(torch.ones(2, 3, 8, 8), torch.ones(6, 3, 3, 3))) == 2 * (2 * 6 * 6 * 6) * 27
    assert count(lambda: F.conv2d(torch.ones(2, 4, 8, 8), torch.ones(6, 2, 3, 3), groups=2)) == 2 * (2 * 6 * 6 * 6) * 18
    assert count(lambda: F.conv_transpose2d(torch.ones(2, 3, 4, 4), torch.ones(3, 6, 3, 3))) == 2 * (2 * 3 * 16) * 54
    q = torch.ones(2, 4, 5, 8)
    assert count(lambda: F.scaled_dot_product_attention(q, q, q)) == 2 * 2 * (2 * 4 * 5 * 5 * 8)


def test_flops_of_a_training_step():
    model = nn.Sequential(nn.Linear(8, 16, bias=False), nn.ReLU(), nn.Linear(16, 4))
    x = torch.ones(10, 8)
    first, second = 2 * 10 * 8 * 16, 2 * 10 * 16 * 4
    with FlopCounterMode(display=False) as counter:
        model(x).sum().backward()
    assert counter.get_total_flops() == 2 * first + 3 * second          # the input's gradient is not asked for
    counts = counter.get_flop_counts()
    assert sum(counts["Sequential.0"].values()) == 2 * first and sum(counts["Sequential"].values()) == counter.get_total_flops()
    table = counter.get_table()
    assert "Sequential.2" in table and "100.00%" in table and "torch.nn.functional.linear" in table
    loss = model(x).sum()
    with FlopCounterMode(display=False) as counter:
        pass
    loss.backward()
    assert counter.get_total_flops() == 0
    conv, x = nn.Conv2d(3, 6, 3), torch.ones(2, 3, 8, 8, requires_grad=True)
    assert count(lambda: conv(x).sum().backward()) == 3 * 2 * (2 * 6 * 6 * 6) * 27
    q = torch.ones(1, 2, 4, 8, requires_grad=True)
    assert count(lambda: F.scaled_dot_product_attention(q, q, q).sum().backward()) == 7 * 2 * (2 * 4 * 4 * 8)


def test_a_formula_of_ones_own(capsys):
    def cube_flop(x_shape, out_shape=None):
        return 3 * x_shape[0]

    with FlopCounterMode(custom_mapping={torch.sin: cube_flop}) as counter:
        torch.sin(torch.ones(7))
    assert counter.get_total_flops() == 21 and "torch.sin" in capsys.readouterr().out
    from pyxtorch.utils import flop_counter

    try:
        register_flop_formula([torch.cos], get_raw=True)(lambda x, out_val=None: x.numel() + out_val.numel())
        assert count(lambda: torch.cos(torch.ones(5))) == 10
    finally:
        flop_counter._custom.clear()
    with pytest.raises(ValueError, match="operation"):
        register_flop_formula([3])(cube_flop)
