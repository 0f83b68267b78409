"""An optimiser on other parameters for a while."""
from collections import defaultdict
from contextlib import contextmanager

__all__ = ["swap_in_optimizer_params_and_state"]


@contextmanager
def swap_in_optimizer_params_and_state(optimizer, swapin_parameters, swapin_optim_state):
    """Within the `with` block the optimiser has these parameters and this state; afterwards its own again.

    Args:
        swapin_parameters: dict from names to tensors, in the order of the optimiser's parameters.
        swapin_optim_state: a dict as `optimizer.state_dict()` gives it. Its tensors are used as they are, so that what a step writes into
            them is seen there; other changes are not.
    Raises:
        ValueError: the numbers of parameters or groups differ.
    """
    tensors = list(swapin_parameters.values())
    groups, given = optimizer.param_groups, swapin_optim_state["param_groups"]
    if len(given) != len(groups) or [len(g["params"]) for g in given] != [len(g["params"]) for g in groups]:
        raise ValueError(
            f"swap_in_optimizer_params_and_state: groups of {[len(g['params']) for g in given]} parameters for an optimizer with {[len(g['params']) for g in groups]}."
        )
    if len(tensors) != sum(len(g["params"]) for g in groups):
        raise ValueError(f"swap_in_optimizer_params_and_state: {len(tensors)} tensors for {sum(len(g['params']) for g in groups)} parameters.")
    before = [dict(group) for group in groups], optimizer.state
    numbers = dict(zip((n for g in given for n in g["params"]), tensors))
    state = defaultdict(dict)
    for number, values in swapin_optim_state["state"].items():
        state[numbers[number]] = dict(values)
    try:
        for group, new in zip(groups, given):
            group.update({key: value for key, value in new.items() if key != "params"}, params=[numbers[n] for n in new["params"]])
        optimizer.state = state
        yield
    finally:
        for group, old in zip(groups, before[0]):
            group.clear()
            group.update(old)
        optimizer.state = before[1]
