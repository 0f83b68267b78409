"""Averages of parameters and the schedule that goes with them."""
import math

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch.optim.swa_utils import (
    SWALR,
    AveragedModel,
    get_ema_avg_fn,
    get_ema_multi_avg_fn,
    get_swa_avg_fn,
    get_swa_multi_avg_fn,
    update_bn,
)


def model_of(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2).double())


def snapshots(model, averaged, count=5):
    """Change the model, update the average; what the parameters and buffers were."""
    rng = np.random.default_rng(1)
    kept = []
    for _ in range(count):
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(torch.tensor(rng.normal(size=p.shape)))
            model[1].running_mean.copy_(torch.tensor(rng.normal(size=4)))
        kept.append({name: value.numpy().astype(float) for name, value in model.state_dict().items()})
        averaged.update_parameters(model)
    return kept


def ema(values, decay):
    average = values[0]
    for value in values[1:]:
        average = decay * average + (1 - decay) * value
    return average


@pytest.mark.parametrize("options, formula", [
    ({}, lambda values: np.mean(values, 0)),
    ({"avg_fn": get_swa_avg_fn()}, lambda values: np.mean(values, 0)),
    ({"multi_avg_fn": get_swa_multi_avg_fn()}, lambda values: np.mean(values, 0)),
    ({"avg_fn": get_ema_avg_fn(0.9)}, lambda values: ema(values, 0.9)),
    ({"multi_avg_fn": get_ema_multi_avg_fn(0.75)}, lambda values: ema(values, 0.75)),
    ({"avg_fn": lambda averaged, current, n: averaged + n * current}, lambda values: values[0] + sum(n * v for n, v in enumerate(values))),
])  # fmt: skip
@pytest.mark.parametrize("use_buffers", [False, True])
def test_average(options, formula, use_buffers):
    model = model_of()
    averaged = AveragedModel(model, use_buffers=use_buffers, **options)
    kept = snapshots(model, averaged)
    assert averaged.n_averaged == 5
    buffers = {name for name, _ in model.named_buffers()}
    for name, value in averaged.module.state_dict().items():
        values = [k[name] for k in kept]
        if name == "1.num_batches_tracked":
            continue
        expected = formula(values) if use_buffers or name not in buffers else values[-1]
        np.testing.assert_allclose(value.numpy(), expected, rtol=1e-5, atol=1e-5)


def test_averaged_model_is_a_module():
    model = model_of()
    averaged = AveragedModel(model)
    assert averaged.module is not model and not any(a is b for a, b in zip(averaged.parameters(), model.parameters()))
    x = torch.ones(3, 3)
    model[2].float()
    averaged.module[2].float()
    averaged.update_parameters(model)
    np.testing.assert_array_equal(averaged(x).detach().numpy(), model(x).detach().numpy())
    other = AveragedModel(model_of(1))
    other.module[2].float()
    other.load_state_dict(averaged.state_dict())
    assert other.n_averaged == 1 and all((a == b).all() for a, b in zip(other.parameters(), averaged.parameters()))
    assert all(p.requires_grad for p in averaged.parameters())
    with pytest.raises(AssertionError, match="Only one of"):
        AveragedModel(model, avg_fn=get_swa_avg_fn(), multi_avg_fn=get_swa_multi_avg_fn())


def test_integers_are_averaged():
    averaged, current = [torch.tensor([10, 20])], [torch.tensor([20, 20])]
    get_ema_multi_avg_fn(0.5)(averaged, current, 1)
    assert averaged[0].tolist() == [15, 20]


@pytest.mark.parametrize("make", [get_ema_avg_fn, get_ema_multi_avg_fn])
@pytest.mark.parametrize("decay", [-0.1, 1.5])
def test_wrong_decay(make, decay):
    with pytest.raises(ValueError, match=f"Invalid decay value {decay}"):
        make(decay)


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: (x, None), lambda x: [x]])
def test_update_bn(wrap):
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(3, momentum=0.3), torch.nn.Dropout(0.5)).eval()
    rng = np.random.default_rng(2)
    batches = [rng.normal(2.0, 3.0, size=(8, 3)) for _ in range(4)]
    update_bn([wrap(torch.tensor(b, dtype=torch.float32)) for b in batches], model)
    norm = model[0]
    np.testing.assert_allclose(norm.running_mean.numpy(), np.mean([b.mean(0) for b in batches], 0), rtol=1e-5)
    np.testing.assert_allclose(norm.running_var.numpy(), np.mean([b.var(0, ddof=1) for b in batches], 0), rtol=1e-5)
    assert norm.momentum == 0.3 and norm.num_batches_tracked == 4 and not model.training and not norm.training


def test_update_bn_without_norms():
    def loader():
        raise AssertionError("there is nothing to compute")
        yield

    update_bn(loader(), torch.nn.Linear(2, 2))


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("length", [0, 1, 8])
def test_swalr(strategy, length):
    goals, starts = (0.05, 0.4), (0.1, 0.2)
    optimizer = torch.optim.SGD([{"params": [torch.zeros(1, requires_grad=True)], "lr": r} for r in starts])
    scheduler = SWALR(optimizer, list(goals), length, strategy)
    for t in range(20):
        share = min(1, t / length) if length else 1
        share = (1 - math.cos(math.pi * share)) / 2 if strategy == "cos" else share
        expected = [start + (goal - start) * share for start, goal in zip(starts, goals)]
        np.testing.assert_allclose(scheduler.get_last_lr(), expected, rtol=1e-9)
        optimizer.step()
        scheduler.step()


def test_swalr_round_trip_and_wrong_input():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = SWALR(optimizer, 0.5, 7, "linear")
    other = SWALR(torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1), 0.5)
    other.load_state_dict(scheduler.state_dict())
    for s in (scheduler, other):
        s.optimizer.step()
        s.step()
    assert scheduler.get_last_lr() == other.get_last_lr() and other.anneal_epochs == 7
    with pytest.raises(ValueError, match="anneal_strategy"):
        SWALR(optimizer, 0.5, anneal_strategy="square")
    with pytest.raises(ValueError, match="anneal_epochs must be equal or greater than 0, got -1"):
        SWALR(optimizer, 0.5, anneal_epochs=-1)
    with pytest.raises(ValueError, match="swa_lr must have the same length"):
        SWALR(optimizer, [0.5, 0.5])
