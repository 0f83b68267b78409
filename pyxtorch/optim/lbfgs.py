"""L-BFGS, a quasi-Newton method."""
import math

import pyxtorch
from pyxtorch.optim.optimizer import Optimizer, check_option

SUFFICIENT, CURVATURE = 1e-4, 0.9   # the constants c1 and c2 of the Wolfe conditions


def _cubic_minimum(a, b, low=None, high=None):
    """The minimum of the cubic through two points (t, value, slope), limited to [low, high] (between them unless given)."""
    if a[0] > b[0]:
        a, b = b, a
    (ta, fa, ga), (tb, fb, gb) = a, b
    low, high = (ta, tb) if low is None else (low, high)
    if ta == tb:
        return (low + high) / 2
    d1 = ga + gb - 3 * (fa - fb) / (ta - tb)
    square = d1 * d1 - ga * gb
    if not square >= 0:
        return (low + high) / 2
    d2 = math.sqrt(square)
    below = gb - ga + 2 * d2
    t = tb - (tb - ta) * ((gb + d2 - d1) / below) if below else math.nan
    return (low + high) / 2 if math.isnan(t) else min(max(t, low), high)


class _Point:
    """The function along the line: step length, value, gradient and slope there."""

    __slots__ = ("gradient", "slope", "t", "value")

    def __init__(self, t, value, gradient, direction):
        self.t, self.value, self.gradient = t, value, gradient
        self.slope = gradient.dot(direction).item()

    @property
    def cubic(self):
        return self.t, self.value, self.slope


def _lower_first(a, b):
    """Two points in the order of their values; nan comes first, so that it shows and does not pass for a minimum that was not found."""
    return [a, b] if a.value <= b.value else [b, a]


def _strong_wolfe(evaluate, start, t, length, tolerance_change, evaluations):
    """Look for a step that satisfies the strong Wolfe conditions; Nocedal and Wright, algorithms 3.5 and 3.6.

    Args:
        evaluate: t -> _Point.
        start: the _Point at 0.
        t: the first step to try.
        length: largest absolute entry of the direction.
        tolerance_change: give up where the bracket moves no entry by more.
        evaluations: at most so many after the first.
    Returns:
        The best _Point and the number of evaluations.
    """

    def too_high(point):
        return point.value > start.value + SUFFICIENT * point.t * start.slope

    def flat(point):
        return abs(point.slope) <= -CURVATURE * start.slope

    before, point = start, evaluate(t)
    count, bracket, done = 0, None, False
    while count < evaluations:      # go on until a minimum lies between two points
        if too_high(point) or (count > 1 and point.value >= before.value):
            bracket = [before, point]
            break
        if flat(point):
            return point, count + 1
        if point.slope >= 0:
            bracket = [before, point]
            break
        t = _cubic_minimum(before.cubic, point.cubic, point.t + 0.01 * (point.t - before.t), point.t * 10)
        before, point = point, evaluate(t)
        count += 1
    if bracket is None:
        bracket = [start, point]
    bracket = _lower_first(*bracket)
    stuck = False
    while not done and count < evaluations:     # narrow it
        low, high = sorted(p.t for p in bracket)
        if (high - low) * length < tolerance_change:
            break
        t = _cubic_minimum(bracket[0].cubic, bracket[1].cubic)
        margin = 0.1 * (high - low)
        # A minimum near an end twice in a row: step away from that end, or the bracket does not shrink.
        near = min(high - t, t - low) < margin
        if near and (stuck or t >= high or t <= low):
            t = high - margin if abs(t - high) < abs(t - low) else low + margin
            stuck = False
        else:
            stuck = near
        point = evaluate(t)
        count += 1
        if too_high(point) or point.value >= bracket[0].value:
            bracket = _lower_first(bracket[0], point)
            continue
        done = flat(point)
        if not done and point.slope * (bracket[1].t - bracket[0].t) >= 0:
            bracket[1] = bracket[0]
        bracket[0] = point
    return bracket[0], count + 1


class LBFGS(Optimizer):
    """Newton's method with a Hessian that is estimated from the last gradients.

    Deterministic functions only: `step` needs a closure and calls it many times. Memory: (2 history_size + 5) times the parameters.

    Args:
        params: parameters, one group.
        lr: length of a step, relative to Newton's.
        max_iter: iterations of one `step`.
        max_eval: calls of the closure in one `step`; max_iter * 5 // 4 unless given.
        tolerance_grad: stop where no entry of the gradient is larger.
        tolerance_change: stop where neither the loss nor a parameter changes more.
        history_size: gradients that are remembered.
        line_search_fn: None, or "strong_wolfe", which makes it reliable far from the minimum.
    Raises:
        ValueError: more than one group, or a negative lr. step: RuntimeError for another line search.
    Source:
        Nocedal and Wright, "Numerical optimization" (2006), algorithms 7.4, 7.5, 3.5 and 3.6.
    """

    _needs_whole = True

    def __init__(self, params, lr=1, max_iter=20, max_eval=None, tolerance_grad=1e-7, tolerance_change=1e-9, history_size=100,
                 line_search_fn=None):
        check_option("learning rate", lr)
        super().__init__(params, {
            "lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval, "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change, "history_size": history_size, "line_search_fn": line_search_fn,
        })
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _params(self):
        return self.param_groups[0]["params"]

    def _gradient(self):
        """All gradients as one real vector."""
        flat = [(pyxtorch.zeros_like(p.detach()) if p.grad is None else p.grad).reshape(-1) for p in self._params]
        return pyxtorch.cat([pyxtorch.view_as_real(x).reshape(-1) if x.is_complex() else x for x in flat])

    def _move(self, t, direction):
        """All parameters += t direction."""
        offset = 0
        for p in self._params:
            p = pyxtorch.view_as_real(p) if p.is_complex() else p
            p.add_(direction[offset : offset + p.numel()].view(p.shape), alpha=t)
            offset += p.numel()

    def _search(self, closure, loss, gradient, t, direction, evaluations, tolerance_change):
        """Line search from the present parameters, which are left as they are."""
        here = [p.clone() for p in self._params]

        def evaluate(t):
            self._move(t, direction)
            point = _Point(t, float(closure()), self._gradient(), direction)
            for p, x in zip(self._params, here):
                p.copy_(x)
            return point

        start = _Point(0, loss, gradient.clone(), direction)
        return _strong_wolfe(evaluate, start, t, direction.abs().max().item(), tolerance_change, evaluations)

    @staticmethod
    def _remember(state, gradient, history_size):
        """Add the last step and the change of the gradient along it to the history, if the curvature there is positive."""
        change, step = gradient - state["prev_flat_grad"], state["d"] * state["t"]
        curvature = change.dot(step)
        if not curvature > 1e-10:
            return
        if len(state["old_dirs"]) == history_size:
            for name in ("old_dirs", "old_stps", "ro"):
                state[name].pop(0)
        state["old_dirs"].append(change)
        state["old_stps"].append(step)
        state["ro"].append(1.0 / curvature)
        state["H_diag"] = curvature / change.dot(change)

    @staticmethod
    def _direction(state, gradient, history_size):
        """-H gradient by the two loops of algorithm 7.4, H being the inverse Hessian that the history stands for."""
        al = state.setdefault("al", [None] * history_size)
        history = list(enumerate(zip(state["old_dirs"], state["old_stps"], state["ro"])))
        d = gradient.neg()
        for i, (change, step, inverse) in reversed(history):
            al[i] = step.dot(d) * inverse
            d.add_(change, alpha=-al[i].item())
        d = d * state["H_diag"]
        for i, (change, step, inverse) in history:
            d.add_(step, alpha=(al[i] - change.dot(d) * inverse).item())
        return d

    @pyxtorch.no_grad()
    def step(self, closure):
        """Do up to max_iter iterations.

        Args:
            closure: clears the gradients, computes the loss and its gradients, and returns the loss.
        Returns:
            The loss at the beginning.
        """
        closure = pyxtorch.enable_grad()(closure)
        group = self.param_groups[0]
        lr = group["lr"].squeeze().clone() if isinstance(group["lr"], pyxtorch.Tensor) else group["lr"]
        tolerance_change, history_size = group["tolerance_change"], group["history_size"]
        searching = group["line_search_fn"] is not None
        if searching and group["line_search_fn"] != "strong_wolfe":
            raise RuntimeError(f"LBFGS: only 'strong_wolfe' is supported as line_search_fn, not {group['line_search_fn']!r}.")
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)

        first_loss = closure()
        loss, gradient, calls = float(first_loss), self._gradient(), 1
        state["func_evals"] += 1
        if gradient.abs().max() <= group["tolerance_grad"]:
            return first_loss
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            beginning = state["n_iter"] == 1
            if beginning:
                state.update(d=gradient.neg(), old_dirs=[], old_stps=[], ro=[], H_diag=1)
            else:
                self._remember(state, gradient, history_size)
                state["d"] = self._direction(state, gradient, history_size)
            direction = state["d"]
            state["prev_flat_grad"], state["prev_loss"] = gradient, loss
            t = state["t"] = min(1.0, 1.0 / gradient.abs().sum().item()) * lr if beginning else lr
            if gradient.dot(direction) > -tolerance_change:
                break
            used = 0
            if searching:
                point, used = self._search(closure, loss, gradient, float(t), direction, group["max_eval"] - calls, tolerance_change)
                loss, gradient = point.value, point.gradient
                t = state["t"] = point.t
            self._move(float(t), direction)
            if not searching and iteration != group["max_iter"]:    # the last iteration's loss is not needed
                loss, gradient, used = float(closure()), self._gradient(), 1
            calls += used
            state["func_evals"] += used
            if (calls >= group["max_eval"] or gradient.abs().max() <= group["tolerance_grad"]
                    or direction.abs().max() * abs(t) <= tolerance_change or abs(loss - state["prev_loss"]) < tolerance_change):
                break
        return first_loss
