"""Stochastic gradient descent."""
from pyxtorch import _gate
from pyxtorch.ops.optim import sgd_step
from pyxtorch.optim.optimizer import Optimizer, check_options, check_switches

_gate.operations("pyxtorch.ops.optim", globals(), ("sgd_step",))


class SGD(Optimizer):
    """p <- p - lr d, with d the gradient, or its running sum m <- momentum m + (1 - dampening) d.

    Args:
        params: parameters or groups.
        lr: learning rate.
        momentum: how much of the last direction is kept.
        dampening: how much of the gradient a kept direction loses.
        weight_decay: share of the parameter that is added to its gradient.
        nesterov: look ahead: step along d + momentum m.
        maximize: ascend.
        foreach, fused, differentiable: accepted; every step is fused unless differentiable.
    Source:
        Sutskever et al., "On the importance of initialization and momentum in deep learning" (2013).
    """

    _fused = staticmethod(sgd_step)
    _sparse = True

    def __init__(self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, *, maximize=False, foreach=None,
                 differentiable=False, fused=None):
        check_options(("learning rate", lr), ("momentum value", momentum), ("weight_decay value", weight_decay))
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov,
            "maximize": maximize, "foreach": foreach, "differentiable": differentiable, "fused": fused,
        })
        check_switches(self.defaults)

    def _update(self, p, grad, state, group):
        if group["weight_decay"]:
            grad = grad.add(p, alpha=group["weight_decay"])
        momentum = group["momentum"]
        if momentum:
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = state["momentum_buffer"] = grad.detach().clone()
            else:
                buffer.mul_(momentum).add_(grad, alpha=1 - group["dampening"])
            grad = grad.add(buffer, alpha=momentum) if group["nesterov"] else buffer
        p.add_(grad, alpha=-float(group["lr"]))
