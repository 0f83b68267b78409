"""RMSprop."""
import pyxtorch
from pyxtorch import _gate
from pyxtorch.ops.optim import rmsprop_step
from pyxtorch.optim.optimizer import Optimizer, check_options, step_count

_gate.operations("pyxtorch.ops.optim", globals(), ("rmsprop_step",))


class RMSprop(Optimizer):
    """The gradient divided by the root of its running mean square.

    v <- alpha v + (1 - alpha) g^2,  p <- p - lr g / (sqrt(v) + eps)

    Args:
        params: parameters or groups.
        lr: learning rate.
        alpha: how much of the mean square is kept.
        eps: added to the denominator.
        weight_decay: share of the parameter added to its gradient.
        momentum: how much of the last step is kept.
        centered: subtract the squared mean gradient from v, which makes it a variance.
        maximize: ascend.
        capturable, foreach, differentiable: accepted; every step is fused unless differentiable.
    Source:
        Tieleman and Hinton, "Lecture 6.5: rmsprop", Neural Networks for Machine Learning (2012);
        Graves, "Generating sequences with recurrent neural networks" (2013) for centered.
    """

    _fused = staticmethod(rmsprop_step)

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False, capturable=False, foreach=None,
                 maximize=False, differentiable=False):
        check_options(("learning rate", lr), ("epsilon value", eps), ("momentum value", momentum),
                      ("weight_decay value", weight_decay), ("alpha value", alpha))
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered, "weight_decay": weight_decay,
            "capturable": capturable, "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
        })

    def _start(self, p, state, group):
        state["step"] = step_count()
        for name in ("square_avg", *(("momentum_buffer",) if group["momentum"] > 0 else ()), *(("grad_avg",) if group["centered"] else ())):
            state[name] = pyxtorch.zeros_like(p.detach())

    def _update(self, p, grad, state, group):
        state["step"] += 1
        alpha = group["alpha"]
        if group["weight_decay"]:
            grad = grad.add(p, alpha=group["weight_decay"])
        square = state["square_avg"]
        square.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        if group["centered"]:
            state["grad_avg"].lerp_(grad, 1 - alpha)
            square = square.addcmul(state["grad_avg"], state["grad_avg"], value=-1)
        root = square.sqrt().add_(group["eps"])
        if group["momentum"] > 0:
            buffer = state["momentum_buffer"]
            buffer.mul_(group["momentum"]).addcdiv_(grad, root)
            p.add_(buffer, alpha=-float(group["lr"]))
        else:
            p.addcdiv_(grad, root, value=-float(group["lr"]))
