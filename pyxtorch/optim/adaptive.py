"""Further optimisers with a step size for each element: Adagrad, Adadelta, Adamax, NAdam, RAdam, Adafactor, Rprop."""
import math

import pyxtorch
from pyxtorch.optim.optimizer import Optimizer, check_betas, check_option, check_options, check_switches, sparse_like, step_count


def _zeros(p):
    return pyxtorch.zeros_like(p.detach())


def _advance(state):
    state["step"] += 1
    return state["step"].item()


def _decayed(p, grad, group):
    return grad.add(p, alpha=group["weight_decay"]) if group["weight_decay"] else grad


class Adagrad(Optimizer):
    """The gradient divided by the root of the sum of all its squares so far.

    p <- p - lr / (1 + (t - 1) lr_decay) g / (sqrt(sum of all g^2) + eps)

    Args:
        params: parameters or groups.
        lr: learning rate.
        lr_decay: how fast the rate falls.
        weight_decay: share of the parameter added to its gradient.
        initial_accumulator_value: what the sum begins with.
        eps: added to the denominator.
        maximize: ascend.
        foreach, fused, differentiable: accepted; every step goes parameter by parameter, recorded if differentiable.
    A sparse gradient changes the rows that it has, only (without weight_decay).
    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods" (2011).
    """

    _sparse = True

    def __init__(self, params, lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10, foreach=None, *, maximize=False,
                 differentiable=False, fused=None):
        check_options(("learning rate", lr), ("lr_decay value", lr_decay), ("weight_decay value", weight_decay),
                      ("initial_accumulator_value value", initial_accumulator_value), ("epsilon value", eps))
        super().__init__(params, {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "fused": fused,
        })
        check_switches(self.defaults)
        for group in self.param_groups:
            for p in group["params"]:
                self._start(p, self.state[p], group)

    def _start(self, p, state, group):
        first = group["initial_accumulator_value"]
        state["step"] = step_count()
        state["sum"] = pyxtorch.full_like(p.detach(), complex(first, first) if p.is_complex() else first)

    def share_memory(self):
        """Accepted: memory is shared between processes by fork alone."""

    def _update(self, p, grad, state, group):
        if grad.is_sparse and group["weight_decay"]:
            raise RuntimeError("weight_decay option is not compatible with sparse gradients")
        t = _advance(state)
        grad = _decayed(p, grad, group)
        rate = float(group["lr"]) / (1 + (t - 1) * group["lr_decay"])
        if grad.is_sparse:
            grad = grad.coalesce()
            state["sum"].add_(grad.pow(2))
            root = state["sum"].sparse_mask(grad).values().sqrt_().add_(group["eps"])
            p.add_(sparse_like(grad, grad.values() / root), alpha=-rate)
            return
        state["sum"].addcmul_(grad, grad, value=1)
        p.addcdiv_(grad, state["sum"].sqrt().add_(group["eps"]), value=-rate)


class Adadelta(Optimizer):
    """Steps in the ratio of the root mean squares of past steps and of gradients.

    v <- rho v + (1 - rho) g^2,  s = sqrt(u + eps) / sqrt(v + eps) g,  u <- rho u + (1 - rho) s^2,  p <- p - lr s

    Args:
        params: parameters or groups.
        lr: factor of the step.
        rho: how much of the mean squares is kept.
        eps: added under both roots.
        weight_decay: share of the parameter added to its gradient.
        maximize: ascend.
        foreach, capturable, differentiable: accepted; every step goes parameter by parameter, recorded if differentiable.
    Source: Zeiler, "ADADELTA: an adaptive learning rate method" (2012).
    """

    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, foreach=None, *, capturable=False, maximize=False,
                 differentiable=False):
        check_options(("learning rate", lr), ("rho value", rho, 0.0, 1.0), ("epsilon value", eps),
                      ("weight_decay value", weight_decay))
        super().__init__(params, {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize, "capturable": capturable,
            "foreach": foreach, "differentiable": differentiable,
        })

    def _start(self, p, state, group):
        state.update(step=step_count(), square_avg=_zeros(p), acc_delta=_zeros(p))

    def _update(self, p, grad, state, group):
        _advance(state)
        grad, rho, eps = _decayed(p, grad, group), group["rho"], group["eps"]
        state["square_avg"].mul_(rho).addcmul_(grad, grad, value=1 - rho)
        root = state["square_avg"].add(eps).sqrt_()
        delta = state["acc_delta"].add(eps).sqrt_().div_(root).mul_(grad)
        state["acc_delta"].mul_(rho).addcmul_(delta, delta, value=1 - rho)
        p.add_(delta, alpha=-float(group["lr"]))


class Adamax(Optimizer):
    """Adam with the largest gradient (decaying by beta2) in place of the root mean square.

    m <- beta1 m + (1 - beta1) g,  u <- max(beta2 u, |g| + eps),  p <- p - lr / (1 - beta1^t) m / u

    Args:
        params: parameters or groups.
        lr: learning rate.
        betas: (beta1, beta2).
        eps: keeps u above 0.
        weight_decay: share of the parameter added to its gradient.
        maximize: ascend.
        foreach, capturable, differentiable: accepted; every step goes parameter by parameter, recorded if differentiable.
    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (2015), section 7.
    """

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, foreach=None, *, maximize=False, differentiable=False,
                 capturable=False):
        check_options(("learning rate", lr), ("epsilon value", eps), ("weight_decay value", weight_decay))
        check_betas(betas)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "capturable": capturable,
        })

    def _start(self, p, state, group):
        state.update(step=step_count(), exp_avg=_zeros(p), exp_inf=_zeros(p))

    def _update(self, p, grad, state, group):
        t = _advance(state)
        beta1, beta2 = group["betas"]
        grad = _decayed(p, grad, group)
        state["exp_avg"].lerp_(grad, 1 - beta1)
        top = state["exp_inf"]
        top.copy_(pyxtorch.maximum(top.mul_(beta2), grad.abs().add_(group["eps"])))
        p.addcdiv_(state["exp_avg"], top, value=-float(group["lr"]) / (1 - beta1**t))


class NAdam(Optimizer):
    """Adam with Nesterov's look ahead and a momentum that grows as training goes on.

    mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2),  with m and v as in Adam,  d = sqrt(v / (1 - beta2^t)) + eps,
    p <- p - lr (mu_(t+1) / (1 - prod mu up to t+1) m + (1 - mu_t) / (1 - prod mu up to t) g) / d

    Args:
        params: parameters or groups.
        lr: learning rate.
        betas: (beta1, beta2).
        eps: added to the denominator.
        weight_decay: share of the parameter added to its gradient.
        momentum_decay: how fast the momentum grows.
        decoupled_weight_decay: shrink the parameter itself instead, p <- p (1 - lr weight_decay).
        maximize: ascend.
        foreach, capturable, differentiable: accepted; every step goes parameter by parameter, recorded if differentiable.
    Source: Dozat, "Incorporating Nesterov momentum into Adam" (2016).
    """

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3, decoupled_weight_decay=False, *,
                 foreach=None, maximize=False, capturable=False, differentiable=False):
        check_options(("learning rate", lr), ("epsilon value", eps), ("weight_decay value", weight_decay),
                      ("momentum_decay value", momentum_decay))
        check_betas(betas)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, "foreach": foreach, "capturable": capturable,
            "differentiable": differentiable,
        })

    def _start(self, p, state, group):
        state.update(step=step_count(), mu_product=step_count(1.0), exp_avg=_zeros(p), exp_avg_sq=_zeros(p))

    def _update(self, p, grad, state, group):
        t, lr = _advance(state), float(group["lr"])
        beta1, beta2 = group["betas"]
        if group["decoupled_weight_decay"] and group["weight_decay"]:
            p.mul_(1 - lr * group["weight_decay"])
        else:
            grad = _decayed(p, grad, group)
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (k * group["momentum_decay"])) for k in (t, t + 1))
        state["mu_product"] *= mu
        product = state["mu_product"].item()
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        denominator = square.div(1 - beta2**t).sqrt_().add_(group["eps"])
        p.addcdiv_(grad, denominator, value=-lr * (1 - mu) / (1 - product))
        p.addcdiv_(mean, denominator, value=-lr * mu_next / (1 - product * mu_next))


class RAdam(Optimizer):
    """Adam that steps by momentum alone until the variance of its second moment is tractable.

    With r = 2 / (1 - beta2) - 1 and r_t = r - 2 t beta2^t / (1 - beta2^t): while r_t <= 5, p <- p - lr m / (1 - beta1^t);
    then Adam's step times sqrt((r_t - 4) (r_t - 2) r / ((r - 4) (r - 2) r_t)).

    Args:
        params: parameters or groups.
        lr: learning rate.
        betas: (beta1, beta2).
        eps: added to the denominator.
        weight_decay: share of the parameter added to its gradient.
        decoupled_weight_decay: shrink the parameter itself instead, p <- p (1 - lr weight_decay).
        maximize: ascend.
        foreach, capturable, differentiable: accepted; every step goes parameter by parameter, recorded if differentiable.
    Source: Liu et al., "On the variance of the adaptive learning rate and beyond" (2020).
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, decoupled_weight_decay=False, *, foreach=None,
                 maximize=False, capturable=False, differentiable=False):
        check_options(("learning rate", lr), ("epsilon value", eps), ("weight_decay value", weight_decay))
        check_betas(betas)
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay, "differentiable": differentiable,
        })

    def _start(self, p, state, group):
        state.update(step=step_count(), exp_avg=_zeros(p), exp_avg_sq=_zeros(p))

    def _update(self, p, grad, state, group):
        t, lr = _advance(state), float(group["lr"])
        beta1, beta2 = group["betas"]
        if group["decoupled_weight_decay"] and group["weight_decay"]:
            p.mul_(1 - lr * group["weight_decay"])
        else:
            grad = _decayed(p, grad, group)
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        correction2 = 1 - beta2**t
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * t * beta2**t / correction2   # of the equivalent simple average
        step = mean / (1 - beta1**t) * lr
        if length > 5:
            rectified = math.sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))
            step = step * (math.sqrt(correction2) / square.sqrt().add_(group["eps"])) * rectified
        p.sub_(step)


class Adafactor(Optimizer):
    """Second moments of matrices kept as row and column means; steps relative to the parameter's size.

    Args:
        params: parameters or groups; real ones.
        lr: upper bound of the relative step, which falls as 1 / sqrt(t).
        beta2_decay: the means keep 1 - t^beta2_decay of what they were; at most 0.
        eps: (least second moment, least size of a parameter); the first is the dtype's eps where None.
        d: a step whose root mean square is larger is scaled down to it.
        weight_decay: the parameter shrinks by lr weight_decay.
        foreach: accepted.
        maximize: ascend.
    Raises:
        RuntimeError: step: a complex parameter.
    Source: Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost" (2018).
    """

    _needs_whole = True

    def __init__(self, params, lr=1e-2, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0, *, foreach=None, maximize=False):
        check_options(("learning rate", lr), ("weight_decay value", weight_decay))
        if not d >= 1:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if beta2_decay > 0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        for i, e in enumerate(eps, 1):
            if e is not None and not e >= 0:
                raise ValueError(f"epsilon{i} should be >= 0 but is: {e}")
        super().__init__(params, {
            "lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize,
        })

    def _start(self, p, state, group):
        if p.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        state["step"] = step_count()
        shape, kind = list(p.shape), {"dtype": p.dtype, "device": p.device}
        if p.ndim > 1:
            state["row_var"] = pyxtorch.zeros([*shape[:-1], 1], **kind)
            state["col_var"] = pyxtorch.zeros([*shape[:-2], 1, shape[-1]], **kind)
        else:
            state["variance"] = _zeros(p)

    def _update(self, p, grad, state, group):
        t, lr = _advance(state), float(group["lr"])
        eps1, eps2 = group["eps"]
        if eps1 is None:
            eps1 = pyxtorch.finfo(p.dtype).eps
        share = t ** group["beta2_decay"]
        rate = max(eps2, p.norm(2).item() / max(p.numel(), 1) ** 0.5) * min(lr, 1 / t**0.5)
        if group["weight_decay"]:
            p.mul_(1 - lr * group["weight_decay"])
        squares = grad * grad
        if grad.ndim > 1:
            row, col = state["row_var"], state["col_var"]
            row.lerp_(squares.mean(-1, keepdim=True), share)
            col.lerp_(squares.mean(-2, keepdim=True), share)
            estimate = (row @ col).div_(row.mean(-2, keepdim=True).clamp_(min=eps1))
        else:
            state["variance"].lerp_(squares, share)
            estimate = state["variance"].clone()
        update = estimate.clamp_(min=eps1 * eps1).rsqrt_().mul_(grad)
        limit = max(1.0, update.norm(2).item() / (max(update.numel(), 1) ** 0.5 * group["d"]))
        p.add_(update, alpha=-rate / limit)


class Rprop(Optimizer):
    """Steps by the gradient's sign alone, of a size that grows while the sign stays.

    Where the sign changes, the size shrinks and the element does not move. For gradients of whole data sets.

    Args:
        params: parameters or groups.
        lr: the first size of a step.
        etas: (factor where the sign changes, factor where it stays), 0 < etas[0] < 1 < etas[1].
        step_sizes: (least, largest) size.
        maximize: ascend.
        foreach, capturable, differentiable: accepted; every step goes parameter by parameter, recorded if differentiable.
    Source: Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning" (1993).
    """

    def __init__(self, params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), *, capturable=False, foreach=None, maximize=False,
                 differentiable=False):
        check_option("learning rate", lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}. They must satisfy 0 < etas[0] < 1 < etas[1].")
        super().__init__(params, {
            "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
            "capturable": capturable,
        })

    def _start(self, p, state, group):
        lr = float(group["lr"])
        size = pyxtorch.full_like(p.detach(), complex(lr, lr) if p.is_complex() else lr)
        state.update(step=step_count(), prev=_zeros(p), step_size=size)

    def _update(self, p, grad, state, group):
        _advance(state)
        down, up = group["etas"]
        low, high = group["step_sizes"]
        agree = grad.mul(state["prev"]).sign()
        one = pyxtorch.ones_like(agree)
        factor = pyxtorch.where(agree > 0, one * up, pyxtorch.where(agree < 0, one * down, one))
        state["step_size"].mul_(factor).clamp_(low, high)
        grad = pyxtorch.where(agree < 0, pyxtorch.zeros_like(grad), grad)
        p.addcmul_(grad.sign(), state["step_size"], value=-1)
        state["prev"].copy_(grad)
