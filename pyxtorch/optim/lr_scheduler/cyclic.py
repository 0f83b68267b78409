"""Schedulers that go up and down."""
import math
import types

from pyxtorch.optim.lr_scheduler.scheduler import LRScheduler, check_optimizer, group_values, one_for_each_group, set_value, without


def cosine(start, end, share):
    """From start (share 0) to end (share 1) along half a cosine."""
    return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)


def linear(start, end, share):
    """From start (share 0) to end (share 1) in a straight line."""
    return (end - start) * share + start


class CosineAnnealingLR(LRScheduler):
    """Down to eta_min along half a cosine in T_max steps, up again in as many, and so on.

    lr = eta_min + (initial_lr - eta_min) (1 + cos(pi t / T_max)) / 2

    Computed from the rate before, so that it can be chained.

    Args:
        optimizer: whose rates change.
        T_max: steps of half a period.
        eta_min: the lowest rate.
        last_epoch: see LRScheduler.
    Source:
        Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017).
    """

    def __init__(self, optimizer, T_max, eta_min=0.0, last_epoch=-1):
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        """The groups' next rates; for `step` to call."""
        self._warn_outside_step()
        t, half, low = self.last_epoch, self.T_max, self.eta_min
        rates = group_values(self.optimizer, "lr")
        if self._is_initial:
            return rates
        if self._step_count == 1 and t > 0:     # the first step after another scheduler's (SequentialLR)
            return self._get_closed_form_lr()
        if (t - 1 - half) % (2 * half) == 0:    # the rate before was the lowest: nothing to multiply
            return [rate + (base - low) * (1 - math.cos(math.pi / half)) / 2 for rate, base in zip(rates, self.base_lrs, strict=True)]
        factor = (1 + math.cos(math.pi * t / half)) / (1 + math.cos(math.pi * (t - 1) / half))
        return [factor * (rate - low) + low for rate in rates]

    def _get_closed_form_lr(self):
        height = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        return [self.eta_min + (base - self.eta_min) * height / 2 for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Down to eta_min along half a cosine in T_0 steps, then again from the top, T_mult times as slowly.

    lr = eta_min + (initial_lr - eta_min) (1 + cos(pi T_cur / T_i)) / 2, with T_cur steps since the last restart

    `step(epoch)` takes fractions of an epoch too, as within one.

    Args:
        optimizer: whose rates change.
        T_0: steps until the first restart, a positive int.
        T_mult: by how much T_i grows at each restart, an int, at least 1.
        eta_min: the lowest rate.
        last_epoch: see LRScheduler.
    Raises:
        ValueError: T_0, T_mult or eta_min is out of range or of another type; step: epoch < 0.
    Source:
        Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017).
    """

    def __init__(self, optimizer, T_0, T_mult=1, eta_min=0.0, last_epoch=-1):
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0, self.T_i, self.T_mult, self.eta_min = T_0, T_0, T_mult, eta_min
        self.T_cur = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        """The groups' next rates; for `step` to call."""
        self._warn_outside_step()
        height = 1 + math.cos(math.pi * self.T_cur / self.T_i)
        return [self.eta_min + (base - self.eta_min) * height / 2 for base in self.base_lrs]

    def step(self, epoch=None):
        """Set the next rates, or those of `epoch`, which may be a fraction."""
        if epoch is None and self.last_epoch >= 0:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            epoch = 0 if epoch is None else epoch
            if epoch < 0:
                raise ValueError(f"Expected non-negative epoch, but got {epoch}")
            self._go_to(epoch)
        self.last_epoch = math.floor(epoch)
        self._set_rates(self.get_lr)

    def _go_to(self, epoch):
        """Find the restart before `epoch`; the n-th is at T_0 (1 + T_mult + ... + T_mult^(n-1))."""
        if epoch < self.T_0:
            self.T_cur, self.T_i = epoch, self.T_0
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**n


class _CyclingMomentum(LRScheduler):
    """Schedulers that move the momentum against the rate: it is "momentum" or the first of "betas", where the optimiser has those."""

    def _begin_momentum(self, cycle_momentum, base_momentum, max_momentum, beginning):
        """Check, and give the groups "base_momentum" and "max_momentum"; returns the lists of both."""
        self.cycle_momentum = cycle_momentum
        if not cycle_momentum:
            return None, None
        known = self.optimizer.defaults
        if "momentum" not in known and "betas" not in known:
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        self.use_beta1 = "betas" in known
        low = one_for_each_group("base_momentum", self.optimizer, base_momentum)
        high = one_for_each_group("max_momentum", self.optimizer, max_momentum)
        if beginning:
            for group, base, top in zip(self.optimizer.param_groups, low, high):
                self._set_momentum(group, top)
                group["max_momentum"], group["base_momentum"] = top, base
        return low, high

    def _set_momentum(self, group, value):
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value


class CyclicLR(_CyclingMomentum):
    """In straight lines from base_lr up to max_lr and down again, for each batch; the momentum goes the other way.

    lr = base_lr + (max_lr - base_lr) height scale, with height from 0 to 1 and back within a cycle

    Args:
        optimizer: whose rates change.
        base_lr, max_lr: the lowest and the highest rate, for all groups or a list of one for each.
        step_size_up, step_size_down: steps of either way; down as up unless given.
        mode: "triangular": scale 1; "triangular2": half as high with each cycle; "exp_range": gamma^t.
        gamma: for "exp_range".
        scale_fn: a function that gives the scale instead.
        scale_mode: what scale_fn takes: "cycle", the number of the cycle from 1, or "iterations", the step.
        cycle_momentum: whether the momentum moves too.
        base_momentum, max_momentum: its bounds, for all groups or a list of one for each.
        last_epoch: see LRScheduler; here the last batch.
    Raises:
        ValueError: an unknown mode, a list of a wrong length, or cycle_momentum for an optimiser without momentum.
        TypeError: `optimizer` is no Optimizer.
    Source:
        Smith, "Cyclical learning rates for training neural networks" (2017).
    """

    def __init__(self, optimizer, base_lr, max_lr, step_size_up=2000, step_size_down=None, mode="triangular", gamma=1.0, scale_fn=None,
                 scale_mode="cycle", cycle_momentum=True, base_momentum=0.8, max_momentum=0.9, last_epoch=-1):
        check_optimizer(optimizer)
        self.optimizer = optimizer
        base_lrs = one_for_each_group("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, base_lrs):
                set_value(group, "lr", rate)
        self.max_lrs = one_for_each_group("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        if scale_fn is None:
            if mode not in ("triangular", "triangular2", "exp_range"):
                raise ValueError(f"mode {mode!r} is invalid and scale_fn is None")
            scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.mode, self.gamma, self.scale_mode = mode, gamma, scale_mode
        self._scale_fn_custom = scale_fn
        self.base_momentums, self.max_momentums = self._begin_momentum(cycle_momentum, base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x):
        """The scale of cycle (or step) x."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular2":
            return 1 / 2.0 ** (x - 1)
        return self.gamma**x if self.mode == "exp_range" else 1.0

    def get_lr(self):
        """The groups' next rates; for `step` to call. Sets the momentum."""
        self._warn_outside_step()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True):
                self._set_momentum(group, high - (high - low) * height * scale)
        return [low + (high - low) * height * scale for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self):
        """All attributes but the optimiser; of scale_fn, its attributes if it is an object."""
        state = super().state_dict()
        function = self._scale_fn_custom
        state["_scale_fn_custom"] = None if function is None or isinstance(function, types.FunctionType) else function.__dict__.copy()
        return state

    def load_state_dict(self, state_dict):
        """Continue from what `state_dict` gave."""
        super().load_state_dict(without(state_dict, "_scale_fn_custom"))
        if state_dict["_scale_fn_custom"] is not None:
            self._scale_fn_custom.__dict__.update(state_dict["_scale_fn_custom"])


class OneCycleLR(_CyclingMomentum):
    """One rise from max_lr / div_factor to max_lr, then down to far below the beginning, for each batch; the momentum goes the other way.

    Args:
        optimizer: whose rates change.
        max_lr: the highest rate, for all groups or a list of one for each.
        total_steps: steps of the whole cycle; or
        epochs, steps_per_epoch: whose product is that.
        pct_start: share of the cycle that rises, a float from 0 to 1.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: whether the momentum moves too.
        base_momentum, max_momentum: its bounds, for all groups or a list of one for each.
        div_factor: max_lr over the initial rate.
        final_div_factor: the initial rate over the last.
        three_phase: go down to the initial rate as fast as up, and only then to the last.
        last_epoch: see LRScheduler; here the last batch.
    Raises:
        ValueError: an argument is out of range; step: more than total_steps.
        TypeError: `optimizer` is no Optimizer.
    Source:
        Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates" (2018).
    """

    def __init__(self, optimizer, max_lr, total_steps=None, epochs=None, steps_per_epoch=None, pct_start=0.3, anneal_strategy="cos",
                 cycle_momentum=True, base_momentum=0.85, max_momentum=0.95, div_factor=25.0, final_div_factor=1e4, three_phase=False,
                 last_epoch=-1):
        check_optimizer(optimizer)
        self.optimizer = optimizer
        if total_steps is None and (epochs is None or steps_per_epoch is None):
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        counts = {"epochs": epochs, "steps_per_epoch": steps_per_epoch} if total_steps is None else {"total_steps": total_steps}
        for name, count in counts.items():
            if not isinstance(count, int) or count <= 0:
                raise ValueError(f"Expected positive integer {name}, but got {count}")
        self.total_steps = math.prod(counts.values())
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_func_type = anneal_strategy
        end, top = self.total_steps - 1, float(pct_start * self.total_steps) - 1
        low, high, last = "initial_lr", "max_lr", "min_lr"
        slow, fast = "base_momentum", "max_momentum"
        phases = [(top, low, high, fast, slow)]
        phases += [(2 * top, high, low, slow, fast), (end, low, last, fast, fast)] if three_phase else [(end, high, last, slow, fast)]
        names = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")
        self._schedule_phases = [dict(zip(names, phase)) for phase in phases]
        tops = one_for_each_group("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, tops):
                group["initial_lr"], group["max_lr"] = rate / div_factor, rate
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self._begin_momentum(cycle_momentum, base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        """The groups' next rates; for `step` to call. Sets the momentum."""
        self._warn_outside_step()
        t = self.last_epoch
        if t > self.total_steps:
            raise ValueError(f"Tried to step {t} times. The specified number of total steps is {self.total_steps}")
        anneal = cosine if self._anneal_func_type == "cos" else linear
        start, last = 0.0, self._schedule_phases[-1]
        for phase in self._schedule_phases:
            if t <= phase["end_step"] or phase is last:
                break
            start = phase["end_step"]
        share = (t - start) / (phase["end_step"] - start)
        groups = self.optimizer.param_groups
        if self.cycle_momentum:
            for group in groups:
                self._set_momentum(group, anneal(group[phase["start_momentum"]], group[phase["end_momentum"]], share))
        return [anneal(group[phase["start_lr"]], group[phase["end_lr"]], share) for group in groups]
