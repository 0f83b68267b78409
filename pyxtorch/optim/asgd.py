"""Averaged stochastic gradient descent, and Muon."""
import pyxtorch
from pyxtorch.optim.optimizer import Optimizer, check_options, step_count


class ASGD(Optimizer):
    """SGD with a decaying rate that also keeps the average of the parameters (`ax` in the state) from step t0 on.

    p <- p (1 - lambd eta) - eta g,  eta = lr / (1 + lambd lr t)^alpha

    Args:
        params: parameters or groups.
        lr: learning rate.
        lambd: how fast parameters and rate decay.
        alpha: power of the rate's decay.
        t0: the step at which averaging begins.
        weight_decay: share of the parameter added to its gradient.
        maximize: ascend.
        foreach, capturable, differentiable: accepted; every step goes parameter by parameter, recorded if differentiable.
    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992).
    """

    def __init__(self, params, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0, foreach=None, maximize=False, differentiable=False,
                 capturable=False):
        check_options(("learning rate", lr), ("weight_decay value", weight_decay))
        super().__init__(params, {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "capturable": capturable,
        })

    def _start(self, p, state, group):
        state.update(step=step_count(), eta=step_count(float(group["lr"])), mu=step_count(1.0), ax=pyxtorch.zeros_like(p.detach()))

    def _update(self, p, grad, state, group):
        state["step"] += 1
        t, lr, lambd = state["step"].item(), float(group["lr"]), group["lambd"]
        if group["weight_decay"]:
            grad = grad.add(p, alpha=group["weight_decay"])
        eta, mu = state["eta"].item(), state["mu"].item()
        p.mul_(1 - lambd * eta).add_(grad, alpha=-eta)
        if mu != 1:
            state["ax"].add_(p.sub(state["ax"]).mul_(mu))
        else:
            state["ax"].copy_(p)
        state["eta"].fill_(lr / (1 + lambd * lr * t) ** group["alpha"])
        state["mu"].fill_(1 / max(1, t - group["t0"]))


def _orthogonalised(x, coefficients, steps, eps):
    """Singular values of a matrix driven towards 1 by an odd polynomial, iterated in bfloat16."""
    if steps >= 100:
        raise ValueError(f"Muon: ns_steps must be less than 100, not {steps}.")
    a, b, c = coefficients
    tall = x.shape[0] > x.shape[1]
    y = x.bfloat16()
    y = y.T if tall else y
    y = y / y.norm().clamp(min=eps)
    for _ in range(steps):
        gram = y @ y.T
        y = pyxtorch.addmm(y, pyxtorch.addmm(gram, gram, gram, beta=b, alpha=c), y, beta=a)
    return y.T if tall else y


class Muon(Optimizer):
    """Momentum whose direction is orthogonalised; for the matrices of hidden layers only.

    Biases, embeddings and the like go to another optimiser.

    Args:
        params: parameters or groups; matrices.
        lr: learning rate.
        weight_decay: the parameter shrinks by lr weight_decay.
        momentum: how much of the mean gradient is kept.
        nesterov: look ahead.
        ns_coefficients: of the odd polynomial that drives singular values towards 1.
        eps: least norm that a direction is divided by.
        ns_steps: how often the polynomial is applied, below 100.
        adjust_lr_fn: "original" (also None): lr sqrt(max(1, rows / columns)); "match_rms_adamw": 0.2 lr sqrt(max(rows, columns)).
    Raises:
        ValueError: a parameter that is no matrix, or an option out of range.
        RuntimeError: step: a complex parameter.
    Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024).
    """

    _needs_whole = True

    def __init__(self, params, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True, ns_coefficients=(3.4445, -4.775, 2.0315), eps=1e-7,
                 ns_steps=5, adjust_lr_fn=None):
        check_options(("learning rate", lr), ("momentum value", momentum), ("weight_decay value", weight_decay))
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported; use 'original' or 'match_rms_adamw'.")
        super().__init__(params, {
            "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov, "ns_coefficients": ns_coefficients,
            "eps": eps, "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn,
        })
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim != 2:
                    raise ValueError(f"Muon only supports 2D parameters whereas we found a parameter with size: {p.shape}")

    def _start(self, p, state, group):
        if p.is_complex():
            raise RuntimeError("Muon does not support complex parameters")
        state["momentum_buffer"] = pyxtorch.zeros_like(p.detach())

    def _update(self, p, grad, state, group):
        lr, momentum, buffer = group["lr"], group["momentum"], state["momentum_buffer"]
        lr = lr.squeeze() if isinstance(lr, pyxtorch.Tensor) else lr    # a tensor's products round to its own dtype
        buffer.lerp_(grad, 1 - momentum)
        update = grad.lerp(buffer, momentum) if group["nesterov"] else buffer
        update = _orthogonalised(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rows, columns = p.shape
        ratio = 0.2 * max(rows, columns) ** 0.5 if group["adjust_lr_fn"] == "match_rms_adamw" else max(1, rows / columns) ** 0.5
        p.mul_(1 - lr * group["weight_decay"])
        p.add_(update.to(p.dtype), alpha=-float(lr * ratio))
