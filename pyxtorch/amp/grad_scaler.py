"""Scaling of losses, so that small gradients are not lost in float16 (`GradScaler`).

Method: Micikevicius et al., 2018, "Mixed Precision Training", section 3.2: gradients are multiplied by way of the loss, and divided before
the optimiser sees them; a step whose gradients are infinite or NaN is left out and the factor made smaller.
"""
import collections
import collections.abc
import enum
import warnings

import pyxtorch

__all__ = ["GradScaler", "OptState"]


class OptState(enum.Enum):
    """How far an optimiser is in this iteration."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


def _fresh():
    return {"stage": OptState.READY, "found_inf_per_device": {}}


class GradScaler:
    """Scales losses, and finds out by which factor.

    In each iteration: `scaler.scale(loss).backward()`, perhaps `scaler.unscale_(optimizer)` where gradients are to be looked at or
    clipped, `scaler.step(optimizer)`, `scaler.update()`. A step is left out where a gradient is infinite or NaN; then `update` multiplies
    the factor by `backoff_factor`. After `growth_interval` steps in a row without that it multiplies it by `growth_factor`.

    Args:
        device: "cuda" or "cpu". Where it is "cuda" and there is none, nothing is scaled (with a warning).
        init_scale: the factor at first.
        growth_factor: > 1.
        backoff_factor: < 1.
        growth_interval: steps.
        enabled: False: `scale` gives what it gets, and `step` calls `optimizer.step()`.
    """

    def __init__(self, device="cuda", init_scale=2.0**16, growth_factor=2.0, backoff_factor=0.5, growth_interval=2000, enabled=True):
        self._device = device
        self._enabled = enabled
        if enabled and device == "cuda" and not pyxtorch.cuda.is_available():
            warnings.warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.", stacklevel=2)
            self._enabled = False
        if not self._enabled:
            return
        if growth_factor <= 1.0:
            raise AssertionError(f"The growth factor must be > 1.0, but is {growth_factor}.")
        if backoff_factor >= 1.0:
            raise AssertionError(f"The backoff factor must be < 1.0, but is {backoff_factor}.")
        self._init_scale = init_scale
        self._scale = None                  # a tensor of float32 from the first `scale` on, on the device of what that got
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._init_growth_tracker = 0
        self._growth_tracker = None         # steps in a row that were not left out: a tensor, likewise
        self._per_optimizer_states = collections.defaultdict(_fresh)

    def _check_scale_growth_tracker(self, funcname):
        if self._scale is None:
            raise AssertionError(
                f"Attempted {funcname} but _scale is None.  This may indicate your script did not use scaler.scale(loss or outputs) earlier in "
                "the iteration."
            )
        return self._scale, self._growth_tracker

    def scale(self, outputs):
        """A loss, or each in a collection of them, multiplied by the factor.

        Raises:
            ValueError: neither a tensor nor a collection.
        """
        if not self._enabled:
            return outputs
        if isinstance(outputs, pyxtorch.Tensor):
            if self._scale is None:
                self._scale = pyxtorch.full((), self._init_scale, dtype=pyxtorch.float32, device=outputs.device)
                self._growth_tracker = pyxtorch.full((), self._init_growth_tracker, dtype=pyxtorch.int32, device=outputs.device)
            return outputs * self._scale.to(outputs.device)
        if isinstance(outputs, collections.abc.Iterable):
            scaled = map(self.scale, outputs)
            return type(outputs)(scaled) if isinstance(outputs, list | tuple) else scaled
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    # ------------------------------------------------------------------------------- gradients

    def _unscale_grads_(self, optimizer, inv_scale, found_inf, allow_fp16):
        """Multiply gradients by `inv_scale`; for each device whether one was infinite or NaN (a tensor, 0 or 1)."""
        found = {}
        with pyxtorch.no_grad():
            for group in optimizer.param_groups:
                for param in group["params"]:
                    if not isinstance(param, pyxtorch.Tensor):
                        raise AssertionError(f"expected param to be torch.Tensor, got {type(param).__name__}")
                    grad = param.grad
                    if grad is None:
                        continue
                    if not allow_fp16 and grad.dtype == pyxtorch.float16:
                        raise ValueError(
                            "Attempting to unscale FP16 gradients. Keep the parameters in float32, and use autocast for what is computed in float16."
                        )
                    values = grad._values() if grad.is_sparse else grad
                    if values.device not in found:
                        found[values.device] = found_inf.to(values.device, copy=True)
                    found[values.device].copy_(pyxtorch.maximum(found[values.device], (~values.isfinite().all()).float()))
                    values.mul_(inv_scale.to(values.device))
        return found

    def unscale_(self, optimizer):
        """Divide the gradients of an optimiser's parameters by the factor, and note whether one is infinite or NaN.

        For what looks at gradients, or clips them, before `step`, which does it otherwise.

        Raises:
            RuntimeError: it was called for this optimiser since the last `update`.
            ValueError: a gradient of float16.
        """
        if not self._enabled:
            return
        self._check_scale_growth_tracker("unscale_")
        state = self._per_optimizer_states[id(optimizer)]
        if state["stage"] is OptState.UNSCALED:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        if state["stage"] is OptState.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        inv_scale = self._scale.double().reciprocal().float()
        found_inf = pyxtorch.zeros((), device=self._scale.device, dtype=pyxtorch.float32)
        state["found_inf_per_device"] = self._unscale_grads_(optimizer, inv_scale, found_inf, False)
        state["stage"] = OptState.UNSCALED

    def _check_inf_per_device(self, optimizer):
        scale, _ = self._check_scale_growth_tracker("_check_inf_per_device")
        one, none = pyxtorch.ones((), device=scale.device), pyxtorch.zeros((), device=scale.device)
        found = self._unscale_grads_(optimizer, one, none, True)
        self._per_optimizer_states[id(optimizer)]["found_inf_per_device"] = found
        return found

    def _found_inf_per_device(self, optimizer):
        return self._per_optimizer_states[id(optimizer)]["found_inf_per_device"]

    def step(self, optimizer, *args, **kwargs):
        """`optimizer.step(*args, **kwargs)` on gradients divided by the factor, unless one of them is infinite or NaN.

        An optimiser with `_step_supports_amp_scaling` gets the factor and what was found as `grad_scale` and `found_inf` instead.

        Returns:
            What the optimiser's `step` returns; None where it was left out.
        Raises:
            RuntimeError: with a closure; or `step` was called for this optimiser since the last `update`.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._check_scale_growth_tracker("step")
        state = self._per_optimizer_states[id(optimizer)]
        if state["stage"] is OptState.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        result = None
        if getattr(optimizer, "_step_supports_amp_scaling", False):
            unscaled = state["stage"] is OptState.UNSCALED
            found = state["found_inf_per_device"] if unscaled else self._check_inf_per_device(optimizer)
            before = getattr(optimizer, "grad_scale", None)
            optimizer.grad_scale = before if unscaled else self._scale * (1 if before is None else before)
            optimizer.found_inf = sum(f.to(self._scale.device) for f in found.values())
            result = optimizer.step(*args, **kwargs)
            del optimizer.grad_scale, optimizer.found_inf
        else:
            if state["stage"] is OptState.READY:
                self.unscale_(optimizer)
            if not state["found_inf_per_device"]:
                raise AssertionError("No inf checks were recorded for this optimizer.")
            if not sum(f.item() for f in state["found_inf_per_device"].values()):
                result = optimizer.step(*args, **kwargs)
        state["stage"] = OptState.STEPPED
        return result

    # -------------------------------------------------------------------------------- the factor

    def update(self, new_scale=None):
        """Make the factor smaller where a step was left out since the last call, larger after enough steps; or set it.

        Args:
            new_scale: the new factor, a float or a tensor of one element that does not require grad.
        """
        if not self._enabled:
            return
        scale, tracker = self._check_scale_growth_tracker("update")
        if new_scale is not None:
            if isinstance(new_scale, float):
                scale.fill_(new_scale)
            else:
                if new_scale.device.type != self._device or new_scale.numel() != 1 or new_scale.requires_grad:
                    raise AssertionError(
                        "new_scale should be a float or a 1-element torch.cuda.FloatTensor or torch.FloatTensor with requires_grad=False."
                    )
                scale.copy_(new_scale.reshape(()))
        else:
            found = [f for state in self._per_optimizer_states.values() for f in state["found_inf_per_device"].values()]
            if not found:
                raise AssertionError("No inf checks were recorded prior to update.")
            if any(f.item() for f in found):
                scale.mul_(self._backoff_factor)
                tracker.fill_(0)
            elif tracker.item() + 1 == self._growth_interval:
                grown = scale * self._growth_factor
                if grown.isfinite():
                    scale.copy_(grown)
                tracker.fill_(0)
            else:
                tracker.add_(1)
        self._per_optimizer_states = collections.defaultdict(_fresh)

    def _get_scale_async(self):
        return self._scale

    def get_scale(self):
        """The factor, a float; 1.0 where nothing is scaled."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else self._scale.item()

    def get_growth_factor(self):
        """By which the factor grows."""
        return self._growth_factor

    def set_growth_factor(self, new_factor):
        """Set by which the factor grows."""
        self._growth_factor = new_factor

    def get_backoff_factor(self):
        """By which the factor is multiplied after a step that was left out."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor):
        """Set by which the factor is multiplied after a step that was left out."""
        self._backoff_factor = new_factor

    def get_growth_interval(self):
        """After how many steps the factor grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval):
        """Set after how many steps the factor grows."""
        self._growth_interval = new_interval

    def _get_growth_tracker(self):
        if not self._enabled:
            return 0
        return self._init_growth_tracker if self._growth_tracker is None else self._growth_tracker.item()

    def is_enabled(self):
        """Whether it scales."""
        return self._enabled

    # ----------------------------------------------------------------------------------- state

    def state_dict(self):
        """The factor, how it changes, and the steps since it did; an empty dict where nothing is scaled. To be taken after `update`."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(), "growth_factor": self._growth_factor, "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval, "_growth_tracker": self._get_growth_tracker(),
        }  # fmt: skip

    def load_state_dict(self, state_dict):
        """Go on from what `state_dict` gave; does nothing where nothing is scaled.

        Raises:
            RuntimeError: the dict is empty.
        """
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError("The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler.")
        self._init_scale = state_dict["scale"]
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._init_growth_tracker = state_dict["_growth_tracker"]
        if self._scale is not None:
            self._scale.fill_(self._init_scale)
            self._growth_tracker.fill_(self._init_growth_tracker)

    def __getstate__(self):
        state = self.__dict__.copy()
        if self._enabled:
            if self._per_optimizer_states:
                raise AssertionError(
                    "A GradScaler instance may only be pickled at the beginning of an iteration, or at the end after scaler.update()."
                )
            state["_init_scale"] = self.get_scale()
            state["_init_growth_tracker"] = self._get_growth_tracker()
            state["_scale"] = None
            state["_growth_tracker"] = None
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
