"""LRScheduler, the base of all schedulers."""
import warnings

from pyxtorch import Tensor
from pyxtorch.optim.optimizer import Optimizer

EPOCH_WARNING = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please use `scheduler.step()` to "
    "step the scheduler. Until then, an epoch that is given selects the closed form of the schedule, where there is one."
)


def check_optimizer(optimizer):
    """TypeError unless `optimizer` is an Optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def group_values(optimizer, key):
    """`key` of each parameter group; tensors are copied, since `set_value` changes them in place."""
    return [v.clone() if isinstance(v, Tensor) else v for v in (group[key] for group in optimizer.param_groups)]


def set_value(group, key, value):
    """group[key] = value; a tensor keeps its identity and takes the value."""
    if isinstance(group[key], Tensor):
        group[key].fill_(float(value))
    else:
        group[key] = value


def one_for_each_group(name, optimizer, value):
    """A list with one value for each group, out of such a list or of one value for all.

    Raises:
        ValueError: a list of another length.
    """
    groups = len(optimizer.param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * groups
    if len(values) != groups:
        raise ValueError(f"{name} must have the same length as optimizer.param_groups. {name} has {len(values)} values, param_groups has {groups}.")
    return [v.clone() if isinstance(v, Tensor) else v for v in values]


def without(state, *names):
    """The dict `state` less some of its keys."""
    return {key: value for key, value in state.items() if key not in names}


class LRScheduler:
    """Base of all schedulers.

    A subclass gives `get_lr()`, the list of the groups' next rates; it reads `self.last_epoch` (the
    number of the step, from 0), `self.base_lrs` (the rates at the beginning) and the present rates
    in `self.optimizer.param_groups`. It may also give `_get_closed_form_lr()`, the rates as a
    function of `last_epoch` alone, for `step(epoch)`.

    Args:
        optimizer: the Optimizer whose rates change.
        last_epoch: the last step that was done; -1 to begin. Otherwise each group must hold
            "initial_lr", as one does that comes from a checkpoint.
    Raises:
        TypeError: `optimizer` is no Optimizer.
        KeyError: last_epoch is not -1 and "initial_lr" is missing.
    """

    _get_lr_called_within_step = False
    _is_initial = False

    def __init__(self, optimizer, last_epoch=-1):
        check_optimizer(optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                rate = group["lr"]
                group.setdefault("initial_lr", rate.clone() if isinstance(rate, Tensor) else rate)
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with last_epoch={last_epoch}. "
                    "Load the optimizer's state first, or begin with last_epoch=-1."
                )
        self.base_lrs = group_values(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        optimizer._step_seen_by_scheduler = _function(optimizer.step)
        self._initial_step()

    def _initial_step(self):
        """The step at construction, to the rates of epoch 0."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self):
        """All attributes but the optimiser, as a dict."""
        return without(self.__dict__, "optimizer")

    def load_state_dict(self, state_dict):
        """Continue from what `state_dict` gave."""
        self.__dict__.update(state_dict)

    def get_last_lr(self):
        """The rates that the last step set, one for each group."""
        return self._last_lr

    def get_lr(self):
        """The groups' next rates; for `step` to call."""
        raise NotImplementedError(f"{type(self).__name__} does not define get_lr().")

    def step(self, epoch=None):
        """Set the next rates.

        Args:
            epoch: deprecated; go to this epoch, in closed form where there is one.
        """
        if self._step_count == 1:
            self._check_order()
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_WARNING, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _check_order(self):
        seen = getattr(self.optimizer, "_step_seen_by_scheduler", None)
        if seen is not _function(self.optimizer.step):
            warnings.warn(
                "Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. Please, make sure to call "
                "`optimizer.step()` before `lr_scheduler.step()`.", UserWarning, stacklevel=3)
        elif not getattr(self.optimizer, "_opt_called", False):
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call `optimizer.step()` first; otherwise the first value "
                "of the learning rate schedule is skipped.", UserWarning, stacklevel=3)

    def _update_lr(self, epoch=None):
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        form = self.get_lr if epoch is None else getattr(self, "_get_closed_form_lr", self.get_lr)
        self._set_rates(form)

    def _set_rates(self, form):
        """Ask `form` for the rates and put them into the groups."""
        self._get_lr_called_within_step = True
        try:
            rates = form()
        finally:
            self._get_lr_called_within_step = False
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_value(group, "lr", rate)
        self._last_lr = group_values(self.optimizer, "lr")

    def _warn_outside_step(self):
        """Every get_lr calls this first."""
        if not self._get_lr_called_within_step:
            warnings.warn("To get the last learning rate computed by the scheduler, please use `get_last_lr()`.", UserWarning, stacklevel=3)


class _LRScheduler(LRScheduler):
    """The old name of LRScheduler."""


def _function(step):
    """What a bound method calls: bound methods themselves are made anew each time."""
    return getattr(step, "__func__", step)
