"""Schedulers made of others."""
from bisect import bisect_right

from pyxtorch.optim.lr_scheduler.plateau import ReduceLROnPlateau
from pyxtorch.optim.lr_scheduler.scheduler import LRScheduler, group_values, set_value, without


class _Combined(LRScheduler):
    """Checks the parts, and keeps their checkpoints in its own."""

    def _take(self, schedulers, optimizer):
        name = type(self).__name__
        for i, part in enumerate(schedulers):
            if not hasattr(part, "optimizer"):
                raise TypeError(f"{name} at index {i} should have `optimizer` as its attribute, but a {type(part).__name__} does not.")
            if isinstance(part, ReduceLROnPlateau):
                raise ValueError(
                    f"{name} does not support `ReduceLROnPlateau`, whose step() needs a metric, but got one at index {i} of the schedulers."
                )
            if part.optimizer is not optimizer:
                raise ValueError(
                    f"{name} expects all schedulers to belong to the same optimizer, but scheduler {type(part).__name__} at index {i} has "
                    f"{part.optimizer}, which is different from {type(optimizer).__name__}."
                )
        self._schedulers, self.optimizer = schedulers, optimizer

    def state_dict(self):
        """All attributes but the optimiser, and the parts' own state_dict() under "_schedulers"."""
        state = without(self.__dict__, "optimizer", "_schedulers")
        state["_schedulers"] = [part.state_dict() for part in self._schedulers]
        return state

    def load_state_dict(self, state_dict):
        """Continue from what `state_dict` gave."""
        self.__dict__.update(without(state_dict, "_schedulers"))
        for part, state in zip(self._schedulers, state_dict["_schedulers"]):
            part.load_state_dict(state)


class SequentialLR(_Combined):
    """One scheduler after another: the next takes over at each milestone, beginning at its own step 0.

    Args:
        optimizer: whose rates change.
        schedulers: list of schedulers of this optimiser.
        milestones: the steps at which to go on to the next; one fewer than there are schedulers.
        last_epoch: the last step that was done; -1 to begin.
    Raises:
        ValueError: no scheduler, a wrong number of milestones, a ReduceLROnPlateau, or a scheduler of another optimiser.
        TypeError: something that is no scheduler.
    """

    def __init__(self, optimizer, schedulers, milestones, last_epoch=-1):
        if len(schedulers) < 1:
            raise ValueError(f"{type(self).__name__} expects at least one scheduler, but got no scheduler.")
        self._take(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of milestone points, but got "
                f"number of schedulers {len(schedulers)} and the number of milestones to be equal to {len(milestones)}"
            )
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        # Each part made its initial step when it was constructed: take them all back, do the first one's again.
        for group in optimizer.param_groups:
            set_value(group, "lr", group["initial_lr"])
        self.recursive_undo()
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def recursive_undo(self, sched=None):
        """Set the count of steps one back, in all parts of `sched` (this one unless given)."""
        sched = self if sched is None else sched
        if hasattr(sched, "_schedulers"):
            for part in sched._schedulers:
                self.recursive_undo(part)
        elif hasattr(sched, "last_epoch"):
            sched.last_epoch -= 1

    def step(self):
        """Set the next rates."""
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Combined):
    """Several schedulers of one optimiser, all stepped together, in their order.

    Args:
        schedulers: list of schedulers of one optimiser.
        optimizer: that optimiser; the first scheduler's unless given.
    Raises:
        ValueError: no scheduler, a ReduceLROnPlateau, or schedulers of different optimisers.
        TypeError: something that is no scheduler.
    """

    def __init__(self, schedulers, optimizer=None):
        if len(schedulers) < 1:
            raise ValueError(f"{type(self).__name__} expects at least one scheduler to be chained, but got no scheduler.")
        self._take(schedulers, getattr(schedulers[0], "optimizer", None) if optimizer is None else optimizer)
        self._last_lr = group_values(self.optimizer, "lr")

    def step(self):
        """Set the next rates."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = group_values(self.optimizer, "lr")
