"""What all optimisers share: groups, state, hooks, checkpoints, errors."""
import copy
import pickle

import numpy as np
import pytest

import pyxtorch as torch

# SparseAdam takes no dense gradients: its tests are with those of sparse tensors.
ALL = [name for name in torch.optim.__all__ if isinstance(getattr(torch.optim, name), type) and name not in ("Optimizer", "SparseAdam")]


def closure_of(optimizer, loss):
    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    return closure


def problem(name, **options):
    """A matrix to find, an optimiser and its closure; the loss is convex, 0 at the goal."""
    rng = np.random.default_rng(4)
    goal = torch.tensor(rng.normal(size=(3, 2)))
    weights = torch.tensor(rng.uniform(0.5, 2, size=(3, 2)))
    p = torch.zeros(3, 2, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, name)([p], **options)
    return p, goal, optimizer, closure_of(optimizer, lambda: (weights * (p - goal) ** 2).sum())


RATES = {"Adadelta": 10.0, "Adagrad": 1.0, "LBFGS": 1.0, "SGD": 0.1, "ASGD": 0.1, "Adafactor": 0.1, "Rprop": 0.01, "Muon": 0.05}


@pytest.mark.parametrize("name", ALL)
def test_converges(name):
    options = {"lr": RATES.get(name, 0.05)} | ({"weight_decay": 0.0} if name in ("AdamW", "Muon") else {})
    p, goal, optimizer, closure = problem(name, **options)
    first = closure().item()
    for _ in range(200):
        optimizer.step(closure)
    assert closure().item() < 2e-3 * first


@pytest.mark.parametrize("name", ALL)
def test_state_round_trip_continues_identically(name):
    p, _, optimizer, closure = problem(name)
    q, _, other, other_closure = problem(name)
    for _ in range(5):
        optimizer.step(closure)
    saved = pickle.loads(pickle.dumps(optimizer.state_dict()))
    with torch.no_grad():
        q.copy_(p)
    other.load_state_dict(saved)
    for _ in range(5):
        optimizer.step(closure)
        other.step(other_closure)
    assert (p == q).all()
    assert set(optimizer.state[p]) == set(other.state[q])


@pytest.mark.parametrize("name", ALL)
def test_copies(name):
    p, _, optimizer, closure = problem(name)
    optimizer.step(closure)
    for other in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        (q,) = other.param_groups[0]["params"]
        assert q is not p and (q == p).all() and set(other.state[q]) == set(optimizer.state[p])
        assert repr(other) == repr(optimizer)


def test_state_dict_layout():
    p, q = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    optimizer = torch.optim.Adam([{"params": [("a", p)], "lr": 0.1}, {"params": [("b", q)]}])
    (p.sum() + q.sum()).backward()
    optimizer.step()
    state = optimizer.state_dict()
    assert set(state) == {"state", "param_groups"} and set(state["state"]) == {0, 1}
    assert {k: tuple(v.shape) for k, v in state["state"][1].items()} == {"step": (), "exp_avg": (3,), "exp_avg_sq": (3,)}
    assert state["state"][0]["step"].dtype is torch.float32 and state["state"][0]["step"].item() == 1
    assert [g["params"] for g in state["param_groups"]] == [[0], [1]] and state["param_groups"][0]["param_names"] == ["a"]
    assert state["param_groups"][0]["lr"] == 0.1 and state["param_groups"][1]["betas"] == (0.9, 0.999)


def test_load_state_dict_casts_and_checks():
    p = torch.ones(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([p], momentum=0.9)
    optimizer.load_state_dict({
        "state": {7: {"momentum_buffer": torch.ones(3)}}, "param_groups": [{**optimizer.state_dict()["param_groups"][0], "params": [7], "lr": 0.5}],
    })
    assert optimizer.state[p]["momentum_buffer"].dtype is torch.float64 and optimizer.param_groups[0]["lr"] == 0.5
    assert optimizer.param_groups[0]["params"][0] is p
    with pytest.raises(ValueError, match="different number of parameter groups"):
        optimizer.load_state_dict({"state": {}, "param_groups": []})
    with pytest.raises(ValueError, match="doesn't match the size"):
        optimizer.load_state_dict({"state": {}, "param_groups": [{"params": [0, 1]}]})


def test_state_of_a_wrong_shape_is_refused():
    """What a checkpoint says about sizes is not believed."""
    p = torch.ones(1000, requires_grad=True)
    p.grad = torch.ones(1000)
    for name, entry in (("SGD", "momentum_buffer"), ("Adam", "exp_avg"), ("RMSprop", "square_avg")):
        optimizer = getattr(torch.optim, name)([p], **({"momentum": 0.9} if name == "SGD" else {}))
        optimizer.step()
        optimizer.state[p][entry] = torch.ones(3)
        with pytest.raises(RuntimeError):
            optimizer.step()


def test_add_param_group():
    p, q = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=0.1)
    optimizer.add_param_group({"params": q, "lr": 0.5})
    for x in (p, q):
        x.grad = torch.ones(2)
    optimizer.step()
    np.testing.assert_allclose([p[0].item(), q[0].item()], [0.9, 0.5])
    r = torch.ones(2, requires_grad=True)
    for wrong, error, message in (
        ([r], TypeError, "must be a dict"),
        ({"params": {r}}, TypeError, "ordered collections"),
        ({"params": ["r"]}, TypeError, "can only optimize Tensors"),
        ({"params": [r * 2]}, ValueError, "non-leaf"),
        ({"params": [p]}, ValueError, "more than one parameter group"),
        ({"params": [("r", r)]}, ValueError, "with/without names"),
    ):
        with pytest.raises(error, match=message):
            optimizer.add_param_group(wrong)
    assert len(optimizer.param_groups) == 2
    with pytest.warns(UserWarning, match="duplicate parameters"):
        torch.optim.SGD([r, r], lr=0.1)


@pytest.mark.parametrize("name, options, message", [
    ("SGD", {"lr": -1}, "Invalid learning rate: -1"),
    ("SGD", {"momentum": -0.5}, "Invalid momentum value: -0.5"),
    ("SGD", {"nesterov": True}, "Nesterov momentum requires"),
    ("SGD", {"lr": torch.tensor([0.1, 0.2])}, "Tensor lr must be 1-element"),
    ("Adam", {"betas": (1.0, 0.5)}, "beta parameter at index 0: 1.0"),
    ("Adam", {"betas": (0.5, torch.tensor(0.9))}, "both floats or both Tensors"),
    ("Adam", {"lr": torch.tensor(0.1), "foreach": True}, "lr as a Tensor is not supported"),
    ("AdamW", {"weight_decay": -1}, "Invalid weight_decay value: -1"),
    ("Adadelta", {"rho": 1.1}, "Invalid rho value: 1.1"),
    ("Adafactor", {"d": 0.5}, "Clipping threshold d"),
    ("Adafactor", {"beta2_decay": 0.5}, "beta2_decay should be <= 0"),
    ("Rprop", {"etas": (1.5, 1.2)}, "Invalid eta values"),
    ("RMSprop", {"eps": float("nan")}, "Invalid epsilon value"),
])  # fmt: skip
def test_wrong_options(name, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(torch.optim, name)([torch.zeros(2, 2, requires_grad=True)], **options)


def test_wrong_parameters():
    with pytest.raises(TypeError, match="iterable of Tensors or dicts"):
        torch.optim.SGD(torch.zeros(2, requires_grad=True))
    with pytest.raises(ValueError, match="empty parameter list"):
        torch.optim.SGD([])
    for switch in ("foreach", "differentiable"):
        with pytest.raises(RuntimeError, match="fused"):
            torch.optim.Adam([torch.zeros(2, requires_grad=True)], fused=True, **{switch: True})
    with pytest.raises(RuntimeError, match="complex"):
        p = torch.zeros(2, dtype=torch.complex64, requires_grad=True)
        p.grad = torch.ones(2, dtype=torch.complex64)
        torch.optim.Adafactor([p]).step()


@pytest.mark.parametrize("name", ALL)
def test_tensor_rate_is_read_anew(name):
    p, _, optimizer, closure = problem(name, lr=torch.tensor(0.0))
    optimizer.param_groups[0]["weight_decay"] = 0.0
    optimizer.step(closure)
    moved = (p != 0).any()
    assert not moved or name == "Rprop"     # whose first step is the smallest allowed
    optimizer.param_groups[0]["lr"].fill_(0.1)
    for _ in range(2):
        optimizer.step(closure)
    assert (p != 0).any()


def test_zero_grad():
    p, q = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([p, q], lr=0.1)
    p.grad = torch.ones(2)
    kept = p.grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is kept and kept.tolist() == [0.0, 0.0] and q.grad is None
    optimizer.zero_grad()
    assert p.grad is None


def test_hooks_around_the_step():
    p = torch.ones(1, requires_grad=True)
    p.grad = torch.ones(1)
    optimizer = torch.optim.SGD([p], lr=0.1)
    seen = []
    handles = [
        optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("before", p.item()))),
        optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("after", round(p.item(), 6)))),
        torch.optim.optimizer.register_optimizer_step_pre_hook(lambda o, args, kwargs: seen.append("all before")),
        torch.optim.optimizer.register_optimizer_step_post_hook(lambda o, args, kwargs: seen.append("all after")),
    ]
    optimizer.step()
    assert seen == ["all before", ("before", 1.0), ("after", 0.9), "all after"]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert len(seen) == 4


def test_hooks_around_checkpoints():
    optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
    seen = []
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("save"))
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "extra": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, state: {k: v for k, v in state.items() if k != "extra"})
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
    state = optimizer.state_dict()
    assert state["extra"] == 1
    optimizer.load_state_dict(state)
    assert seen == ["save", "loaded"]


def test_own_optimizer():
    class Halving(torch.optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {"factor": 0.5})

        def step(self, closure=None):
            with torch.no_grad():
                for group in self.param_groups:
                    for p in group["params"]:
                        p.mul_(group["factor"])

    p, q = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    optimizer = Halving([{"params": [p]}, {"params": [q], "factor": 0.25}])
    calls = []
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    optimizer.step()
    assert (p.item(), q.item(), len(calls)) == (0.5, 0.25, 1)


def test_step_without_gradients_does_nothing():
    for name in ALL:
        p = torch.ones(2, 2, requires_grad=True)
        optimizer = getattr(torch.optim, name)([p])
        optimizer.step(lambda: torch.zeros(())) if name == "LBFGS" else optimizer.step()
        assert (p == 1).all()


def test_step_raises_the_version():
    """A graph that saved the parameter notices the step."""
    p = torch.ones(3, requires_grad=True)
    loss = (p * p).sum()
    p.grad = torch.ones(3)
    torch.optim.Adam([p]).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adagrad"])
def test_foreign_things_in_a_group_are_refused(name):
    optimizer = getattr(torch.optim, name)([torch.ones(2, requires_grad=True)])
    for wrong in (3, None, "p"):
        optimizer.param_groups[0]["params"] = [wrong]
        for use in (optimizer.step, optimizer.zero_grad):
            with pytest.raises((TypeError, AttributeError)):
                use()


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("LBFGS", "Muon")])
def test_a_parameter_without_elements(name):
    empty, other = torch.nn.Parameter(torch.zeros(0)), torch.nn.Parameter(torch.ones(2))
    optimizer = getattr(torch.optim, name)([empty, other])
    for _ in range(2):
        empty.grad, other.grad = torch.zeros(0), torch.ones(2)
        optimizer.step()
    assert empty.shape == (0,) and not other.isnan().any() and (other != 1).all()


def test_a_subclass_may_do_without_the_constructor():
    class Descent(torch.optim.Optimizer):
        def __init__(self, params):
            self.param_groups = [{"params": list(params)}]

        def step(self):
            for p in self.param_groups[0]["params"]:
                p.data.add_(p.grad, alpha=-1)

    p = torch.nn.Parameter(torch.ones(2))
    optimizer, calls = Descent([p]), []
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    p.sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    assert p.tolist() == [0, 0] and p.grad is None and calls == [1] and optimizer.state == {} and optimizer.defaults == {}
    assert copy.deepcopy(optimizer).param_groups[0]["params"][0].tolist() == [0, 0] and "Descent" in repr(optimizer)
    with pytest.raises(AttributeError, match="nothing"):
        optimizer.nothing
