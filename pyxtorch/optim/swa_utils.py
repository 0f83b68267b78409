"""Averages of a model's parameters over the course of training."""
import math
from copy import deepcopy
from itertools import chain

import pyxtorch
from pyxtorch.nn import Module
from pyxtorch.nn.modules.batchnorm import _BatchNorm
from pyxtorch.optim.lr_scheduler.scheduler import LRScheduler, one_for_each_group


def _check_decay(decay):
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def _blend(averaged, current, share):
    """averaged += share (current - averaged), for each pair; integers too."""
    for a, c in zip(averaged, current, strict=True):
        if a.is_floating_point() or a.is_complex():
            a.lerp_(c, share)
        else:
            a.copy_(a * (1 - share) + c * share)


def get_ema_multi_avg_fn(decay=0.999):
    """The function (averaged, current, n) that sets averaged <- decay averaged + (1 - decay) current in lists of tensors.

    Raises:
        ValueError: decay is not from 0 to 1.
    """
    _check_decay(decay)

    @pyxtorch.no_grad()
    def ema_update(ema_param_list, current_param_list, _):
        _blend(ema_param_list, current_param_list, 1 - decay)

    return ema_update


def get_swa_multi_avg_fn():
    """The function (averaged, current, n) that sets averaged <- averaged + (current - averaged) / (n + 1) in lists of tensors."""

    @pyxtorch.no_grad()
    def swa_update(averaged_param_list, current_param_list, num_averaged):
        _blend(averaged_param_list, current_param_list, 1 / (int(num_averaged) + 1))

    return swa_update


def get_ema_avg_fn(decay=0.999):
    """The function (averaged, current, n) that returns decay averaged + (1 - decay) current.

    Raises:
        ValueError: decay is not from 0 to 1.
    """
    _check_decay(decay)

    @pyxtorch.no_grad()
    def ema_update(ema_param, current_param, num_averaged):
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn():
    """The function (averaged, current, n) that returns averaged + (current - averaged) / (n + 1)."""

    @pyxtorch.no_grad()
    def swa_update(averaged_param, current_param, num_averaged):
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


class AveragedModel(Module):
    """A copy of a model that holds the average of its parameters; call `update_parameters` after each step or epoch.

    The first update copies. `n_averaged`, a buffer, counts the updates.

    Args:
        model: the Module, which is copied.
        device: where the copy is kept; the model's own unless given.
        avg_fn: (averaged, current, n_averaged) -> new average, for one parameter.
        multi_avg_fn: (list of averaged, list of current, n_averaged), changes the first; tensors of one dtype and device.
            With neither, all updates weigh the same.
        use_buffers: average the buffers (running statistics) too, instead of copying them.
    Raises:
        AssertionError: both functions are given.
    Source:
        Izmailov et al., "Averaging weights leads to wider optima and better generalization" (2018).
    """

    def __init__(self, model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers=False):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", pyxtorch.tensor(0, dtype=pyxtorch.int64, device=device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args, **kwargs):
        """What the averaged model gives."""
        return self.module(*args, **kwargs)

    @pyxtorch.no_grad()
    def update_parameters(self, model):
        """Take the parameters of `model`, which is built as the first one was, into the average."""
        own, new = ([p.detach() for p in self._averaged(m)] for m in (self.module, model))
        new = [c.to(a.device) for a, c in zip(own, new)]
        if self.n_averaged == 0:
            for a, c in zip(own, new):
                a.copy_(c)
        elif self.avg_fn is not None:
            for a, c in zip(own, new):
                a.copy_(self.avg_fn(a, c, self.n_averaged.to(a.device)))
        else:
            update = self.multi_avg_fn or get_swa_multi_avg_fn()
            alike = {}
            for a, c in zip(own, new):
                averaged, current = alike.setdefault((a.device, a.dtype), ([], []))
                averaged.append(a)
                current.append(c)
            for (device, _), (averaged, current) in alike.items():
                update(averaged, current, self.n_averaged.to(device))
        if not self.use_buffers:
            for a, c in zip(self.module.buffers(), model.buffers(), strict=True):
                a.copy_(c)
        self.n_averaged += 1

    def _averaged(self, model):
        return chain(model.parameters(), model.buffers()) if self.use_buffers else model.parameters()


@pyxtorch.no_grad()
def update_bn(loader, model, device=None):
    """Compute the running statistics of a model's batch norms anew, as the mean over all batches.

    An averaged model has none of its own: its activations are not those of the models it averages.

    Args:
        loader: iterable of batches; of a list or tuple, the first entry is the input.
        model: the Module, which keeps its mode (training or not).
        device: where the batches are moved before.
    """
    norms = {module: module.momentum for module in model.modules() if isinstance(module, _BatchNorm)}
    if not norms:
        return
    was_training = model.training
    model.train()
    for module in norms:
        module.reset_running_stats()
        module.momentum = None      # a plain mean
    for batch in loader:
        if isinstance(batch, (list, tuple)):
            batch = batch[0]
        model(batch if device is None else batch.to(device))
    for module, momentum in norms.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From the present rates to swa_lr in anneal_epochs steps, then constant: the phase in which one averages.

    Args:
        optimizer: whose rates change.
        swa_lr: the rate to go to, for all groups or a list of one for each.
        anneal_epochs: steps on the way.
        anneal_strategy: "cos" or "linear".
        last_epoch: see LRScheduler.
    Raises:
        ValueError: an unknown strategy, anneal_epochs that is no int from 0 on, or a list of a wrong length.
    """

    def __init__(self, optimizer, swa_lr, anneal_epochs=10, anneal_strategy="cos", last_epoch=-1):
        for rate, group in zip(one_for_each_group("swa_lr", optimizer, swa_lr), optimizer.param_groups):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy, self.anneal_epochs = anneal_strategy, anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step):
        """How much of the way is done at `step`."""
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def get_lr(self):
        """The groups' next rates; for `step` to call."""
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            rate, goal = group["lr"], group["swa_lr"]
            start = goal if before == 1 else (rate - before * goal) / (1 - before)  # what it would have come from
            rates.append(goal * now + start * (1 - now))
        return rates


__all__ = ["AveragedModel", "SWALR", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn", "update_bn"]
