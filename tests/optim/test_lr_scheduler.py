"""Every scheduler against its closed form, and what all of them share."""
import copy
import math
import pickle

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.optim import lr_scheduler as schedulers

STEPS = 60
RATES = (0.1, 0.2)


def optimizer_of(kind="SGD", rates=RATES):
    groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": rate} for rate in rates]
    return torch.optim.SGD(groups, momentum=0.5) if kind == "SGD" else torch.optim.Adam(groups)


def cosine(start, end, share):
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def triangle(t, up, down):
    """Height within a cycle, and the number of the cycle from 1."""
    cycle, x = divmod(t, up + down)
    return (x / up if x <= up else (up + down - x) / down), cycle + 1


def warm_restarts(t, rate, first, times, low):
    length = first
    while t >= length:
        t, length = t - length, length * times
    return cosine(rate, low, t / length)


def one_cycle(t, top, total, rise=0.3, three=False, anneal=cosine):
    bottom, end = top / 25, total - 1
    peak = rise * total - 1
    if t <= peak:
        return anneal(bottom, top, t / peak)
    if three and t <= 2 * peak:
        return anneal(top, bottom, (t - peak) / peak)
    start, begin = (bottom, 2 * peak) if three else (top, peak)
    return anneal(start, bottom / 1e4, (t - begin) / (end - begin))


def line(start, end, share):
    return start + (end - start) * share


# name: (scheduler of an optimiser, rate of step t of a group whose rate at the beginning is r)
CASES = {
    "LambdaLR": (lambda o: schedulers.LambdaLR(o, lambda t: 0.95**t), lambda t, r: r * 0.95**t),
    "LambdaLR-each": (lambda o: schedulers.LambdaLR(o, [lambda t: 0.9**t, lambda t: 1 / (1 + t)]), lambda t, r: r * 0.9**t if r == 0.1 else r / (1 + t)),
    "MultiplicativeLR": (lambda o: schedulers.MultiplicativeLR(o, lambda t: t / (t + 1)), lambda t, r: r / (t + 1)),
    "StepLR": (lambda o: schedulers.StepLR(o, 7, 0.3), lambda t, r: r * 0.3 ** (t // 7)),
    "MultiStepLR": (lambda o: schedulers.MultiStepLR(o, [30, 3, 10, 10], 0.5), lambda t, r: r * 0.5 ** sum(t >= m for m in (3, 10, 10, 30))),
    "ConstantLR": (lambda o: schedulers.ConstantLR(o, 0.25, 9), lambda t, r: r * (0.25 if t < 9 else 1)),
    "LinearLR": (lambda o: schedulers.LinearLR(o, 0.2, 0.9, 13), lambda t, r: r * line(0.2, 0.9, min(t, 13) / 13)),
    "ExponentialLR": (lambda o: schedulers.ExponentialLR(o, 0.9), lambda t, r: r * 0.9**t),
    "PolynomialLR": (lambda o: schedulers.PolynomialLR(o, 20, 2.5), lambda t, r: r * (1 - min(t, 20) / 20) ** 2.5),
    "CosineAnnealingLR": (lambda o: schedulers.CosineAnnealingLR(o, 11, 1e-3), lambda t, r: cosine(r, 1e-3, t / 11)),
    "CosineAnnealingWarmRestarts": (lambda o: schedulers.CosineAnnealingWarmRestarts(o, 5, 2, 1e-3), lambda t, r: warm_restarts(t, r, 5, 2, 1e-3)),
    "CyclicLR": (lambda o: schedulers.CyclicLR(o, 0.01, 0.5, 5, 8), lambda t, r: 0.01 + 0.49 * triangle(t, 5, 8)[0]),
    "CyclicLR-each": (lambda o: schedulers.CyclicLR(o, list(RATES), [1.0, 2.0], 4), lambda t, r: r + 9 * r * triangle(t, 4, 4)[0]),
    "CyclicLR-triangular2": (lambda o: schedulers.CyclicLR(o, 0.01, 0.5, 5, mode="triangular2"),
                             lambda t, r: 0.01 + 0.49 * triangle(t, 5, 5)[0] / 2 ** (triangle(t, 5, 5)[1] - 1)),
    "CyclicLR-exp_range": (lambda o: schedulers.CyclicLR(o, 0.01, 0.5, 5, mode="exp_range", gamma=0.97),
                           lambda t, r: 0.01 + 0.49 * triangle(t, 5, 5)[0] * 0.97**t),
    "CyclicLR-scale_fn": (lambda o: schedulers.CyclicLR(o, 0.01, 0.5, 5, scale_fn=lambda c: 1 / c),
                          lambda t, r: 0.01 + 0.49 * triangle(t, 5, 5)[0] / triangle(t, 5, 5)[1]),
    "OneCycleLR": (lambda o: schedulers.OneCycleLR(o, 0.5, total_steps=61), lambda t, r: one_cycle(t, 0.5, 61)),
    "OneCycleLR-three": (lambda o: schedulers.OneCycleLR(o, [1.0, 2.0], epochs=5, steps_per_epoch=13, three_phase=True, anneal_strategy="linear"),
                         lambda t, r: one_cycle(t, 10 * r, 65, three=True, anneal=line)),
    "SequentialLR": (
        lambda o: schedulers.SequentialLR(o, [schedulers.LinearLR(o, 0.1, 1.0, 5), schedulers.CosineAnnealingLR(o, 20), schedulers.ExponentialLR(o, 0.9)],
                                          [5, 25]),
        lambda t, r: r * line(0.1, 1, t / 5) if t < 5 else cosine(r, 0, (t - 5) / 20) if t < 25 else r * 0.9 ** (t - 25)),
    "ChainedScheduler": (
        lambda o: schedulers.ChainedScheduler([schedulers.ConstantLR(o, 0.1, 4), schedulers.ExponentialLR(o, 0.9), schedulers.StepLR(o, 6, 0.5)]),
        lambda t, r: r * (0.1 if t < 4 else 1) * 0.9**t * 0.5 ** (t // 6)),
}  # fmt: skip


def rates(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


def advance(optimizer, scheduler):
    optimizer.step()
    scheduler.step()


@pytest.mark.parametrize("name", CASES)
def test_follows_closed_form(name):
    make, form = CASES[name]
    optimizer = optimizer_of()
    scheduler = make(optimizer)
    for t in range(STEPS):
        # A chained form that was at 0 has lost the rate's last digits.
        np.testing.assert_allclose(rates(optimizer), [form(t, r) for r in RATES], rtol=1e-9, atol=1e-15, err_msg=f"step {t}")
        assert scheduler.get_last_lr() == rates(optimizer)
        advance(optimizer, scheduler)


@pytest.mark.parametrize("name", ["StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR",
                                  "LambdaLR", "CosineAnnealingWarmRestarts"])
def test_jump_to_an_epoch(name):
    make, form = CASES[name]
    optimizer = optimizer_of()
    scheduler = make(optimizer)
    optimizer.step()
    for t in (4, 31, 12, 0):
        if name == "CosineAnnealingWarmRestarts":
            scheduler.step(t)
        else:
            with pytest.warns(UserWarning, match="epoch parameter"):
                scheduler.step(t)
        np.testing.assert_allclose(rates(optimizer), [form(t, r) for r in RATES], rtol=1e-12)


def test_warm_restarts_within_an_epoch():
    optimizer = optimizer_of()
    scheduler = schedulers.CosineAnnealingWarmRestarts(optimizer, 4)
    for t in (0.5, 3.75, 4.25, 9.0):
        scheduler.step(t)
        np.testing.assert_allclose(rates(optimizer), [cosine(r, 0, t % 4 / 4) for r in RATES])
    with pytest.raises(ValueError, match="non-negative epoch"):
        scheduler.step(-1)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("tensors", [False, True])
def test_round_trip_continues_identically(name, tensors):
    make, _ = CASES[name]
    start = [torch.tensor(r) for r in RATES] if tensors else RATES
    optimizer, other = optimizer_of(rates=start), optimizer_of(rates=[r.clone() for r in start] if tensors else start)
    scheduler, other_scheduler = make(optimizer), make(other)
    for _ in range(17):
        advance(optimizer, scheduler)
    kept = [group["lr"] for group in optimizer.param_groups]
    state = scheduler.state_dict()
    assert "optimizer" not in state
    other.load_state_dict(optimizer.state_dict())
    other_scheduler.load_state_dict(copy.deepcopy(state) if "each" in name or "scale_fn" in name else pickle.loads(pickle.dumps(state)))
    for _ in range(20):
        advance(optimizer, scheduler)
        advance(other, other_scheduler)
        assert [float(x) for x in rates(optimizer)] == [float(x) for x in rates(other)]
        assert [float(x) for x in scheduler.get_last_lr()] == [float(x) for x in rates(optimizer)]
    if tensors:     # filled, not replaced
        assert all(a is b for a, b in zip(kept, rates(optimizer)))


def test_resume_by_last_epoch():
    optimizer = optimizer_of()
    scheduler = schedulers.ExponentialLR(optimizer, 0.5)
    for _ in range(3):
        advance(optimizer, scheduler)
    resumed = schedulers.ExponentialLR(optimizer, 0.5, last_epoch=scheduler.last_epoch - 1)
    assert resumed.last_epoch == 3 and resumed.base_lrs == list(RATES)
    np.testing.assert_allclose(rates(optimizer), [r / 8 for r in RATES])
    with pytest.raises(KeyError, match="initial_lr"):
        schedulers.StepLR(optimizer_of(), 3, last_epoch=5)


class Counting:
    """A function object: its attributes go into checkpoints."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, t):
        return self.factor**t


@pytest.mark.parametrize("make", [
    lambda o, f: schedulers.LambdaLR(o, f), lambda o, f: schedulers.MultiplicativeLR(o, f), lambda o, f: schedulers.CyclicLR(o, 0.1, 0.2, scale_fn=f),
])  # fmt: skip
def test_checkpoints_hold_the_attributes_of_function_objects(make):
    scheduler, other_function = make(optimizer_of(), Counting(0.5)), Counting(0.25)
    state = scheduler.state_dict()
    before = copy.deepcopy(state)
    make(optimizer_of(), other_function).load_state_dict(state)
    assert other_function.factor == 0.5 and state == before


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("scheduler, momentum", [
    (lambda o: schedulers.CyclicLR(o, 0.01, 0.5, 5, 8), lambda t: 0.9 - 0.1 * triangle(t, 5, 8)[0]),
    (lambda o: schedulers.OneCycleLR(o, 0.5, total_steps=61), lambda t: cosine(0.95, 0.85, t / 17.3) if t <= 17.3 else cosine(0.85, 0.95, (t - 17.3) / 42.7)),
])  # fmt: skip
def test_momentum_moves_against_the_rate(kind, scheduler, momentum):
    optimizer = optimizer_of(kind)
    scheduler = scheduler(optimizer)
    for t in range(STEPS):
        for group in optimizer.param_groups:
            now = group["betas"][0] if kind == "Adam" else group["momentum"]
            np.testing.assert_allclose(now, momentum(t), rtol=1e-12)
            assert kind == "SGD" or group["betas"][1] == 0.999
        advance(optimizer, scheduler)


def test_momentum_left_alone():
    optimizer = torch.optim.Adagrad([torch.zeros(1, requires_grad=True)])
    for make in (lambda **k: schedulers.CyclicLR(optimizer, 0.1, 0.2, **k), lambda **k: schedulers.OneCycleLR(optimizer, 0.1, 10, **k)):
        with pytest.raises(ValueError, match="momentum"):
            make()
        make(cycle_momentum=False)
    assert "momentum" not in optimizer.param_groups[0] and "betas" not in optimizer.param_groups[0]


def plateau(metrics, **options):
    optimizer = optimizer_of()
    scheduler = schedulers.ReduceLROnPlateau(optimizer, **options)
    seen = []
    for metric in metrics:
        scheduler.step(metric)
        assert scheduler.get_last_lr() == rates(optimizer)
        seen.append(rates(optimizer)[0])
    return seen


@pytest.mark.parametrize("metrics, options, expected", [
    ([1, 1, 1, 1, 1], {"patience": 1, "factor": 0.5}, [0.1, 0.1, 0.05, 0.05, 0.025]),
    ([1, 2, 2, 3, 3, 3], {"patience": 1, "factor": 0.5, "mode": "max"}, [0.1, 0.1, 0.1, 0.1, 0.1, 0.05]),
    ([10, 9.5, 9.2, 9.1], {"patience": 0, "factor": 0.5, "threshold": 0.1}, [0.1, 0.05, 0.025, 0.0125]),     # better by less than a tenth
    ([10, 9.5, 9.2, 9.1], {"patience": 0, "factor": 0.5, "threshold": 0.2, "threshold_mode": "abs"}, [0.1, 0.1, 0.1, 0.05]),
    ([1, 1, 1, 1, 1, 1], {"patience": 0, "factor": 0.5, "cooldown": 2}, [0.1, 0.05, 0.05, 0.05, 0.025, 0.025]),
    ([1, 1, 1, 1], {"patience": 0, "factor": 0.5, "min_lr": [0.04, 0.0]}, [0.1, 0.05, 0.04, 0.04]),
    ([1, 1, 1], {"patience": 0, "factor": 0.5, "eps": 0.06}, [0.1, 0.1, 0.1]),
    ([1, float("nan")], {"patience": 0, "factor": 0.5}, [0.1, 0.05]),
])  # fmt: skip
def test_plateau(metrics, options, expected):
    np.testing.assert_allclose(plateau(metrics, **options), expected)
    np.testing.assert_allclose(plateau([torch.tensor(float(m)) for m in metrics], **options), expected)


def test_plateau_with_further_groups():
    optimizer = optimizer_of()
    one, each = schedulers.ReduceLROnPlateau(optimizer, patience=0), schedulers.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0, 0])
    optimizer.add_param_group({"params": [torch.zeros(1, requires_grad=True)], "lr": 1.0})
    one.step(1.0)
    one.step(1.0)
    np.testing.assert_allclose(rates(optimizer), [0.01, 0.02, 0.1])
    each.step(1.0)
    with pytest.raises(RuntimeError, match=r"\(3\) differs .* \(2\)"):
        each.step(1.0)


def test_plateau_round_trip():
    optimizer, other = optimizer_of(), optimizer_of()
    scheduler, again = schedulers.ReduceLROnPlateau(optimizer, "max", patience=2), schedulers.ReduceLROnPlateau(other, "min")
    for metric in (1.0, 0.5, 0.6):
        scheduler.step(metric)
    again.load_state_dict(pickle.loads(pickle.dumps(scheduler.state_dict())))
    for s in (scheduler, again):
        s.step(0.7)
    assert rates(optimizer) == rates(other) and again.best == 1.0 and again.mode == "max"
    np.testing.assert_allclose(rates(other), [0.01, 0.02])


# --------------------------------------------------------------------------------- wrong use


def test_warns_of_the_wrong_order():
    optimizer = optimizer_of()
    scheduler = schedulers.StepLR(optimizer, 3)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        scheduler.step()
    scheduler.step()    # once is enough
    optimizer = optimizer_of()
    scheduler = schedulers.StepLR(optimizer, 3)
    optimizer.step = lambda: None
    with pytest.warns(UserWarning, match="has been overridden"):
        scheduler.step()


@pytest.mark.parametrize("name", [n for n in CASES if n.split("-")[0] not in ("SequentialLR", "ChainedScheduler")])
def test_warns_of_get_lr(name):
    scheduler = CASES[name][0](optimizer_of())
    with pytest.warns(UserWarning, match="get_last_lr"):
        scheduler.get_lr()


def test_own_scheduler():
    class Halving(schedulers.LRScheduler):
        def get_lr(self):
            return [base / 2**self.last_epoch for base in self.base_lrs]

    optimizer = optimizer_of()
    scheduler = Halving(optimizer)
    advance(optimizer, scheduler)
    assert rates(optimizer) == [0.05, 0.1]
    with pytest.raises(NotImplementedError, match="get_lr"):
        schedulers.LRScheduler(optimizer)
    assert isinstance(scheduler, schedulers.LRScheduler) and issubclass(schedulers.ReduceLROnPlateau, schedulers.LRScheduler)


@pytest.mark.parametrize("make, error, message", [
    (lambda o: schedulers.StepLR("SGD", 3), TypeError, "str is not an Optimizer"),
    (lambda o: schedulers.ReduceLROnPlateau(None), TypeError, "NoneType is not an Optimizer"),
    (lambda o: schedulers.CyclicLR(None, 0.1, 0.2), TypeError, "is not an Optimizer"),
    (lambda o: schedulers.OneCycleLR(None, 0.1, 3), TypeError, "is not an Optimizer"),
    (lambda o: schedulers.LambdaLR(o, [lambda t: 1]), ValueError, "Expected 2 lr_lambdas, but got 1"),
    (lambda o: schedulers.MultiplicativeLR(o, 0.5), TypeError, "should be a function, but got float"),
    (lambda o: schedulers.ConstantLR(o, 1.5), ValueError, "between 0 and 1, got 1.5"),
    (lambda o: schedulers.LinearLR(o, 0.0), ValueError, "greater than 0"),
    (lambda o: schedulers.LinearLR(o, 0.5, 1.5), ValueError, "Ending"),
    (lambda o: schedulers.CosineAnnealingWarmRestarts(o, 0), ValueError, "positive integer T_0, but got 0"),
    (lambda o: schedulers.CosineAnnealingWarmRestarts(o, 3, 1.5), ValueError, "T_mult >= 1, but got 1.5"),
    (lambda o: schedulers.CosineAnnealingWarmRestarts(o, 3, 1, "0"), ValueError, "eta_min"),
    (lambda o: schedulers.CyclicLR(o, 0.1, 0.2, mode="square"), ValueError, "'square' is invalid"),
    (lambda o: schedulers.CyclicLR(o, [0.1], 0.2), ValueError, "base_lr must have the same length"),
    (lambda o: schedulers.OneCycleLR(o, 0.1), ValueError, "either total_steps OR"),
    (lambda o: schedulers.OneCycleLR(o, 0.1, total_steps=-3), ValueError, "positive integer total_steps, but got -3"),
    (lambda o: schedulers.OneCycleLR(o, 0.1, epochs=2, steps_per_epoch=1.5), ValueError, "positive integer steps_per_epoch"),
    (lambda o: schedulers.OneCycleLR(o, 0.1, 3, pct_start=2.0), ValueError, "pct_start, but got 2.0"),
    (lambda o: schedulers.OneCycleLR(o, 0.1, 3, anneal_strategy="square"), ValueError, "anneal_strategy"),
    (lambda o: schedulers.ReduceLROnPlateau(o, "most"), ValueError, "mode most is unknown"),
    (lambda o: schedulers.ReduceLROnPlateau(o, threshold_mode="some"), ValueError, "threshold mode some is unknown"),
    (lambda o: schedulers.ReduceLROnPlateau(o, factor=1.0), ValueError, "Factor should be < 1.0"),
    (lambda o: schedulers.ReduceLROnPlateau(o, min_lr=[0.1]), ValueError, "expected 2 min_lrs, got 1"),
    (lambda o: schedulers.SequentialLR(o, [], []), ValueError, "at least one scheduler"),
    (lambda o: schedulers.SequentialLR(o, [schedulers.StepLR(o, 3)], [4]), ValueError, "number of schedulers 1 and the number of milestones to be equal to 1"),
    (lambda o: schedulers.SequentialLR(o, [schedulers.StepLR(optimizer_of(), 3)], []), ValueError, "same optimizer"),
    (lambda o: schedulers.SequentialLR(o, [schedulers.ReduceLROnPlateau(o)], []), ValueError, "does not support `ReduceLROnPlateau`"),
    (lambda o: schedulers.ChainedScheduler([]), ValueError, "at least one scheduler"),
    (lambda o: schedulers.ChainedScheduler([0.5]), TypeError, "should have `optimizer`"),
])  # fmt: skip
def test_wrong_input(make, error, message):
    with pytest.raises(error, match=message):
        make(optimizer_of())


def test_one_cycle_ends():
    optimizer = optimizer_of()
    scheduler = schedulers.OneCycleLR(optimizer, 0.1, total_steps=3)
    for _ in range(3):
        advance(optimizer, scheduler)
    with pytest.raises(ValueError, match="Tried to step 4 times. The specified number of total steps is 3"):
        scheduler.step()
