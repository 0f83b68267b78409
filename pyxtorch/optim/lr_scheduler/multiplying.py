"""Schedulers that multiply the rates by a factor at each step."""
import types
from bisect import bisect_right
from collections import Counter

from pyxtorch.optim.lr_scheduler.scheduler import LRScheduler, group_values, without


class _Multiplying(LRScheduler):
    """One factor for all groups: `_factor()` relates a step's rates to those before it, `_closed_form_factor()` to the initial ones."""

    def get_lr(self):
        """The groups' next rates; for `step` to call."""
        self._warn_outside_step()
        factor = self._factor()
        if factor == 1:
            return group_values(self.optimizer, "lr")
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self):
        factor = self._closed_form_factor()
        return [rate * factor for rate in self.base_lrs]


class StepLR(_Multiplying):
    """Multiply the rates by gamma every step_size steps: lr = initial_lr gamma^floor(t / step_size).

    Args:
        optimizer: whose rates change.
        step_size: steps from one change to the next.
        gamma: the factor.
        last_epoch: see LRScheduler.
    """

    def __init__(self, optimizer, step_size, gamma=0.1, last_epoch=-1):
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self):
        return self.gamma if self.last_epoch != 0 and self.last_epoch % self.step_size == 0 else 1

    def _closed_form_factor(self):
        return self.gamma ** (self.last_epoch // self.step_size)


class MultiStepLR(_Multiplying):
    """Multiply the rates by gamma at each milestone: lr = initial_lr gamma^(number of milestones <= t).

    Args:
        optimizer: whose rates change.
        milestones: the steps; one that is given twice counts twice.
        gamma: the factor.
        last_epoch: see LRScheduler.
    """

    def __init__(self, optimizer, milestones, gamma=0.1, last_epoch=-1):
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self):
        return self.gamma ** self.milestones[self.last_epoch]

    def _closed_form_factor(self):
        return self.gamma ** bisect_right(sorted(self.milestones.elements()), self.last_epoch)


class ConstantLR(_Multiplying):
    """Rates smaller by a factor for the first total_iters steps: lr = initial_lr factor, then initial_lr.

    Args:
        optimizer: whose rates change.
        factor: from 0 to 1.
        total_iters: steps until the rates are whole again.
        last_epoch: see LRScheduler.
    Raises:
        ValueError: `factor` is not from 0 to 1.
    """

    def __init__(self, optimizer, factor=1.0 / 3, total_iters=5, last_epoch=-1):
        if not 0 <= factor <= 1:
            raise ValueError(f"Constant multiplicative factor expected to be between 0 and 1, got {factor}.")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self):
        if self.last_epoch == 0:
            return self.factor
        return 1.0 / self.factor if self.last_epoch == self.total_iters else 1

    def _closed_form_factor(self):
        return self.factor + (self.last_epoch >= self.total_iters) * (1 - self.factor)


class LinearLR(_Multiplying):
    """A factor that goes in a straight line from start_factor to end_factor in total_iters steps, and stays.

    lr = initial_lr (start_factor + (end_factor - start_factor) min(t, total_iters) / total_iters)

    Args:
        optimizer: whose rates change.
        start_factor: above 0, at most 1.
        end_factor: from 0 to 1.
        total_iters: length of the way, in steps.
        last_epoch: see LRScheduler.
    Raises:
        ValueError: a factor is out of range.
    """

    def __init__(self, optimizer, start_factor=1.0 / 3, end_factor=1.0, total_iters=5, last_epoch=-1):
        if not 0 < start_factor <= 1:
            raise ValueError(f"Starting multiplicative factor expected to be greater than 0 and less or equal to 1, got {start_factor}.")
        if not 0 <= end_factor <= 1:
            raise ValueError(f"Ending multiplicative factor expected to be between 0 and 1, got {end_factor}.")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self):
        if self.last_epoch == 0:
            return self.start_factor
        if self._is_initial or self.last_epoch > self.total_iters:
            return 1
        way = self.end_factor - self.start_factor
        return 1.0 + way / (self.total_iters * self.start_factor + (self.last_epoch - 1) * way)

    def _closed_form_factor(self):
        way = self.end_factor - self.start_factor
        return self.start_factor + way * min(self.total_iters, self.last_epoch) / self.total_iters


class ExponentialLR(_Multiplying):
    """Multiply the rates by gamma at each step: lr = initial_lr gamma^t.

    Args:
        optimizer: whose rates change.
        gamma: the factor.
        last_epoch: see LRScheduler.
    """

    def __init__(self, optimizer, gamma, last_epoch=-1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self):
        return 1 if self._is_initial else self.gamma

    def _closed_form_factor(self):
        return self.gamma**self.last_epoch


class PolynomialLR(_Multiplying):
    """Down to 0 in total_iters steps: lr = initial_lr (1 - min(t, total_iters) / total_iters)^power.

    Args:
        optimizer: whose rates change.
        total_iters: steps until 0.
        power: of the polynomial.
        last_epoch: see LRScheduler.
    """

    def __init__(self, optimizer, total_iters=5, power=1.0, last_epoch=-1):
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def _factor(self):
        if self._is_initial or self.last_epoch > self.total_iters:
            return 1
        left, left_before = (1.0 - t / self.total_iters for t in (self.last_epoch, self.last_epoch - 1))
        return (left / left_before) ** self.power

    def _closed_form_factor(self):
        return (1.0 - min(self.total_iters, self.last_epoch) / self.total_iters) ** self.power


class _Lambdas(LRScheduler):
    """Schedulers whose factor is a function of the step, one for all groups or one for each.

    A checkpoint holds the attributes of callable objects, but no functions.
    """

    def __init__(self, optimizer, lr_lambda, last_epoch=-1):
        groups = len(optimizer.param_groups)
        functions = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * groups
        if len(functions) != groups:
            raise ValueError(f"Expected {groups} lr_lambdas, but got {len(functions)}")
        for function in functions:
            if not callable(function):
                raise TypeError(f"lr_lambda should be a function, but got {type(function).__name__}")
        self.lr_lambdas = functions
        super().__init__(optimizer, last_epoch)

    def state_dict(self):
        """All attributes but the optimiser; of the functions, the attributes of those that are objects."""
        state = without(self.__dict__, "optimizer", "lr_lambdas")
        state["lr_lambdas"] = [None if isinstance(f, types.FunctionType) else f.__dict__.copy() for f in self.lr_lambdas]
        return state

    def load_state_dict(self, state_dict):
        """Continue from what `state_dict` gave."""
        self.__dict__.update(without(state_dict, "lr_lambdas"))
        for function, attributes in zip(self.lr_lambdas, state_dict["lr_lambdas"]):
            if attributes is not None:
                function.__dict__.update(attributes)


class LambdaLR(_Lambdas):
    """lr = initial_lr lr_lambda(t).

    Args:
        optimizer: whose rates change.
        lr_lambda: a function of the step, or a list of one for each group.
        last_epoch: see LRScheduler.
    Raises:
        ValueError: a list of another length than there are groups.
        TypeError: something that cannot be called.
    """

    def get_lr(self):
        """The groups' next rates; for `step` to call."""
        self._warn_outside_step()
        return [rate * function(self.last_epoch) for function, rate in zip(self.lr_lambdas, self.base_lrs, strict=True)]


class MultiplicativeLR(_Lambdas):
    """Multiply the rates by lr_lambda(t) at step t, from t = 1 on.

    Arguments and errors as of LambdaLR.
    """

    def get_lr(self):
        """The groups' next rates; for `step` to call."""
        self._warn_outside_step()
        if self._is_initial:
            return group_values(self.optimizer, "lr")
        return [group["lr"] * function(self.last_epoch) for function, group in zip(self.lr_lambdas, self.optimizer.param_groups, strict=True)]
