"""SparseAdam: Adam for sparse gradients."""
import pyxtorch
from pyxtorch.optim.optimizer import Optimizer, check_betas, check_options, sparse_like


class SparseAdam(Optimizer):
    """Adam that changes the rows that a sparse gradient has, their moments too, and no others.

    With g, m and v of these rows: m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2,
    p <- p - lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + eps)

    Args:
        params: strided parameters whose gradients are sparse (nn.Embedding(sparse=True)), or groups.
        lr, betas, eps, maximize: of `Adam`.
    Raises:
        ValueError: a parameter is sparse itself.
        RuntimeError, from step: a gradient is strided.
    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (2015).
    """

    _sparse = True

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, maximize=False):
        check_options(("learning rate", lr), ("epsilon value", eps))
        if lr == 0 or eps == 0:
            raise ValueError(f"Invalid {'learning rate' if lr == 0 else 'epsilon value'}: 0. It must be above 0.")
        check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        for i, group in enumerate(self.param_groups):
            for j, p in enumerate(group["params"]):
                if p.layout is not pyxtorch.strided:
                    raise ValueError(f"Sparse params at indices [[{i}, {j}]]: SparseAdam requires dense parameter tensors")

    def _start(self, p, state, group):
        state.update(step=0, exp_avg=pyxtorch.zeros_like(p.detach()), exp_avg_sq=pyxtorch.zeros_like(p.detach()))

    def _update(self, p, grad, state, group):
        if not grad.is_sparse:
            raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")
        state["step"] += 1
        grad = grad.coalesce()
        if not grad._nnz():
            return
        t, (beta1, beta2), g = int(state["step"]), map(float, group["betas"]), grad.values()
        change = {}
        for name, beta, new in ("exp_avg", beta1, g), ("exp_avg_sq", beta2, g * g):
            before = state[name].sparse_mask(grad).values()
            step = (new - before) * (1 - beta)
            state[name].add_(sparse_like(grad, step))
            change[name] = before + step
        rate = float(group["lr"]) * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
        p.add_(sparse_like(grad, change["exp_avg"] / change["exp_avg_sq"].sqrt().add_(group["eps"])), alpha=-rate)
