"""Adam and AdamW."""
import pyxtorch
from pyxtorch import _gate
from pyxtorch.ops.optim import adam_step
from pyxtorch.optim.optimizer import Optimizer, check_betas, check_options, check_switches, step_count

_gate.operations("pyxtorch.ops.optim", globals(), ("adam_step",))


class Adam(Optimizer):
    """Steps of a size that the gradient's own first and second moments set.

    m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2,
    p <- p - lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps)

    Args:
        params: parameters or groups.
        lr: learning rate.
        betas: (beta1, beta2).
        eps: added to the denominator.
        weight_decay: share of the parameter added to its gradient.
        amsgrad: use the largest v so far.
        maximize: ascend.
        decoupled_weight_decay: shrink the parameter itself instead (AdamW).
        foreach, capturable, fused, differentiable: accepted; every step is fused unless differentiable.
    Source:
        Kingma and Ba, "Adam: a method for stochastic optimization" (2015); Reddi et al., "On the
        convergence of Adam and beyond" (2018) for amsgrad.
    """

    _fused = staticmethod(adam_step)

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, *, foreach=None, maximize=False,
                 capturable=False, differentiable=False, fused=None, decoupled_weight_decay=False):
        check_options(("learning rate", lr), ("epsilon value", eps), ("weight_decay value", weight_decay))
        check_betas(betas)
        for name, value in ("lr", lr), ("betas[0]", betas[0]), ("betas[1]", betas[1]):
            if foreach and not capturable and isinstance(value, pyxtorch.Tensor):
                raise ValueError(f"{name} as a Tensor is not supported for capturable=False and foreach=True")
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad, "maximize": maximize,
            "foreach": foreach, "capturable": capturable, "differentiable": differentiable, "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        })
        check_switches(self.defaults)

    def _start(self, p, state, group):
        state["step"] = step_count()
        for name in ("exp_avg", "exp_avg_sq", *(("max_exp_avg_sq",) if group["amsgrad"] else ())):
            state[name] = pyxtorch.zeros_like(p.detach())

    def _no_sparse(self):
        return "Adam does not support sparse gradients, please consider SparseAdam instead"

    def _update(self, p, grad, state, group):
        state["step"] += 1
        t, lr, decay = state["step"].item(), float(group["lr"]), group["weight_decay"]
        beta1, beta2 = map(float, group["betas"])
        if decay and group["decoupled_weight_decay"]:
            p.mul_(1 - lr * decay)
        elif decay:
            grad = grad.add(p, alpha=decay)
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        if group["amsgrad"]:
            top = state["max_exp_avg_sq"]
            top.copy_(pyxtorch.maximum(top, square))
            square = top
        denominator = (square.sqrt() / (1 - beta2**t) ** 0.5).add_(group["eps"])
        p.addcdiv_(mean, denominator, value=-lr / (1 - beta1**t))


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameter itself: p <- p (1 - lr weight_decay) first.

    Arguments as of `Adam`; `weight_decay` is 0.01 unless given.

    Source:
        Loshchilov and Hutter, "Decoupled weight decay regularization" (2019).
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False, *, maximize=False, foreach=None,
                 capturable=False, differentiable=False, fused=None):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, capturable=capturable,
                         differentiable=differentiable, fused=fused, decoupled_weight_decay=True)

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
