"""Random programs of 2 to 40 operations: every gradient against finite differences, and against PyTorch where it is installed.

The programs share inputs, make views, change tensors in place, put hooks, retain gradients, differentiate inside hooks and
twice. PYXTORCH_RANDOM_GRAPHS says how many there are (each number is a seed); a failure names its seed.
"""
import importlib.util
import itertools
import os
import random

import numpy as np
import pytest

import pyxtorch
import pyxtorch.utils.checkpoint

COUNT = int(os.environ.get("PYXTORCH_RANDOM_GRAPHS", "20000"))
PIECES = 20
torch = importlib.import_module("torch") if importlib.util.find_spec("torch") else None
if torch is not None:
    importlib.import_module("torch.utils.checkpoint")
SHAPE = (2, 3)

# ------------------------------------------------------------------------------ steps: (library, draws, two tensors) to a tensor


def unary(lib, r, a, b):
    return getattr(lib, r.choice(["sin", "tanh", "neg", "sigmoid", "cos", "square"]))(a)


def binary(lib, r, a, b):
    return getattr(lib, r.choice(["add", "sub", "mul"]))(a, b)


def constant(lib, r, a, b):
    return r.choice([lambda: a * 0.5, lambda: a + 1.5, lambda: 0.7 - a, lambda: a / 2, lambda: a * 0])()


def reshaped(lib, r, a, b):
    return r.choice([lambda: a.reshape(3, 2).reshape(2, 3), lambda: a.t().reshape(2, 3), lambda: a.reshape(-1).view(2, 3), lambda: a.view(2, 3)])()


def rows(lib, r, a, b):
    return lib.stack([a[r.randrange(2)], b[r.randrange(2)]])


def columns(lib, r, a, b):
    i = r.randrange(1, 3)
    return lib.cat([a[:, :i], b[:, i:]], 1)


def reduced(lib, r, a, b):
    return a - r.choice([lambda: b.sum(), lambda: b.mean(0), lambda: b.sum(1, keepdim=True)])()


def product(lib, r, a, b):
    return a @ b.t() @ b * 0.2


def expanded(lib, r, a, b):
    return a[:, r.randrange(3)].unsqueeze(1).expand(2, 3)


def flat_zero(lib, r, a, b):
    return a * b.detach() + r.choice([lambda: a.round(), lambda: a.sign(), lambda: a.floor()])()


def chosen(lib, r, a, b):
    return lib.where(a.detach() > 0, a, b)


def in_place(lib, r, a, b):
    y = a * 1
    kind = r.randrange(8)
    if kind == 0:
        y.add_(b)
    elif kind == 1:
        y.mul_(b)
    elif kind == 2:
        y[r.randrange(2)] = b[0]
    elif kind == 3:
        y[:, r.randrange(3)].mul_(2).add_(b[:, 0])
    elif kind == 4:         # a view of a view is changed, then the view
        v = y.view(3, 2)
        v[1].copy_(b.reshape(-1)[:2])
        v.sin_()
    elif kind == 5:         # the base is changed, then its view is used
        v = y[1]
        y.tanh_()
        return y + v
    elif kind == 6:         # two views that overlap
        v, w = y[:, :2], y[:, 1:]
        v.mul_(b[:, 1:])
        w.cos_()
        return y + v.sum() - w.sum()
    else:
        y.zero_() if r.random() < 0.3 else y[0].fill_(0.5)
    return y


def several(lib, r, a, b):
    """Operations with more than one result, not all of which are used."""
    kind = r.randrange(5)
    if kind == 0:
        x, y = a.unbind(0)
        return lib.stack([y, x * b[0]])
    if kind == 1:
        x, y, z = b.split(1, 1)
        return lib.cat([z, x, x], 1) * a
    if kind == 2:
        values, places = a.sort(1)
        return values + b.gather(1, places)
    if kind == 3:
        return b * a.max(0).values
    return lib.var_mean(b, 1, keepdim=True)[1] * a


def indexed(lib, r, a, b):
    kind = r.randrange(5)
    places = lib.tensor([r.randrange(2) for _ in range(2)])
    if kind == 0:
        return a[places] + b
    if kind == 1:
        return lib.zeros_like(a).index_add(0, places, b) + a
    y = a * 1
    if kind == 2:
        y[lib.tensor([r.randrange(2)]), :] = b[:1] * 2
    elif kind == 3:
        y.masked_fill_(b.detach() > 0.3, 0.25)
    else:
        y.index_put_((lib.tensor([0, 1]), lib.tensor([r.randrange(3), 2])), b[:, 0], accumulate=True)
    return y


def own(lib, r, a, b):
    """A user's Function with two results, of which both, one or the second alone is used."""

    class Pair(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x * y, x.sin()

        @staticmethod
        def backward(ctx, g, h):
            x, y = ctx.saved_tensors
            return g * y + h * x.cos(), g * x

    x, y = Pair.apply(a, b)
    return r.choice([lambda: x + y, lambda: x, lambda: y * 2])()


def again(lib, r, a, b):
    """A checkpointed part, which may hold another."""
    def part(x, y):
        z = (x * y).sin() + x
        return z * y.tanh()

    nested = r.random() < 0.3
    checkpoint = lib.utils.checkpoint.checkpoint
    outer = (lambda x, y: checkpoint(part, x, y * 0.5, use_reentrant=False).cos()) if nested else part
    return checkpoint(outer, a, b, use_reentrant=False)


def used_then_changed(lib, r, a, b):
    """What was saved is changed: an error in backward, unless the values were not needed."""
    y = a * 1
    z = r.choice([lambda: y * b, lambda: y.sin(), lambda: y.tanh(), lambda: y + b])()
    y.mul_(0.5)
    return z + y


STEPS = [unary, unary, binary, binary, binary, binary, constant, reshaped, rows, columns, reduced, product, expanded, flat_zero, chosen, in_place, several,
         indexed, own, again]
JUMPS = (flat_zero, chosen)     # differences mean nothing there
SMOOTH = [step for step in STEPS if step not in JUMPS]
SENT = {"backward": 1, "grad": 1, "nested": 1, "twice": 2, "several": 3, "create_graph": 1}     # how often the result's gradient is sent


class Program:
    """One random program: `steps` of (step, number of its inputs, seed of its own draws, tanh, what is watched)."""

    def __init__(self, seed):
        values = np.random.default_rng(seed)
        r = random.Random(seed)
        self.leaves = [values.uniform(-1.5, 1.5, SHAPE) for _ in range(r.randint(1, 3))]
        self.directions = [values.uniform(-1, 1, SHAPE) for _ in self.leaves]
        self.weights = values.uniform(-1, 1, SHAPE)
        self.mode = r.choice(["backward", "backward", "twice", "inputs", "grad", "create_graph", "nested", "several"])
        risky = r.random() < 0.15
        self.smooth = r.random() < 0.6
        self.steps = []
        for n in range(len(self.leaves), len(self.leaves) + r.randint(2, 40)):
            step = used_then_changed if risky and r.random() < 0.1 else r.choice(SMOOTH if self.smooth else STEPS)
            a = n - 1 if r.random() < 0.4 else r.randrange(n)
            watch = r.choices(["", "retain", "hook", "double"], [85, 6, 6, 0 if self.smooth else 3])[0] if self.mode != "create_graph" else ""
            self.steps.append((step, a, r.randrange(n), r.random(), r.random() < 0.15, watch))

    def forward(self, lib, leaves, watch=None):
        made = list(leaves)
        for step, a, b, seed, bounded, watched in self.steps:
            y = step(lib, random.Random(seed), made[a], made[b])
            y = lib.tanh(y) if bounded else y
            if watched and watch is not None and y.grad_fn is not None:
                watch(y, watched, len(made))
            made.append(y)
        return (made[-1] * lib.tensor(self.weights)).sum() + (made[len(made) // 2] ** 2).sum() * 0.1

    def gradients(self, lib):
        """Every gradient that the program shows, by name; None where nothing was reached."""
        leaves = [lib.tensor(x, requires_grad=True) for x in self.leaves]
        out, kept = {}, {}

        def watch(y, how, n):
            if how == "retain":
                y.retain_grad()
                kept[n] = y
            else:
                y.register_hook((lambda g: out.__setitem__(f"hook {n}", g)) if how == "hook" else (lambda g: g * 2))

        total = self.forward(lib, leaves, watch)
        if self.mode == "create_graph":
            first = lib.autograd.grad(total, leaves, create_graph=True, allow_unused=True)
            out.update({f"first {i}": g for i, g in enumerate(first)})
            second = sum((g * g).sum() for g in first if g is not None and g.requires_grad)
            if not isinstance(second, int) and second.requires_grad:
                second.backward()
            return out | {f"leaf {i}": x.grad for i, x in enumerate(leaves)}
        if self.mode == "grad":
            return out | {f"leaf {i}": g for i, g in enumerate(lib.autograd.grad(total, leaves, allow_unused=True))}
        if self.mode == "inputs":
            total.backward(inputs=leaves[:1])
        elif self.mode == "twice":
            total.backward(retain_graph=True)
            total.backward()
        elif self.mode == "several":
            lib.autograd.backward([total, total * 2])
        elif self.mode == "nested":
            def inside(g):
                handle.remove()
                out["nested"] = lib.autograd.grad(total, leaves, retain_graph=True, allow_unused=True)[0]
            handle = total.register_hook(inside)
            total.backward(retain_graph=True)
        else:
            total.backward()
        return out | {f"leaf {i}": x.grad for i, x in enumerate(leaves)} | {f"kept {n}": y.grad for n, y in kept.items()}

    def value(self, arrays):
        """What the gradients of the leaves are the derivatives of, at `arrays`."""
        if self.mode != "create_graph":
            with pyxtorch.no_grad():
                return float(self.forward(pyxtorch, [pyxtorch.tensor(x) for x in arrays]))
        leaves = [pyxtorch.tensor(x, requires_grad=True) for x in arrays]
        first = pyxtorch.autograd.grad(self.forward(pyxtorch, leaves), leaves, allow_unused=True)
        return sum(float((g * g).sum()) for g in first if g is not None)

    def along(self, step):
        return self.value([x + step * d for x, d in zip(self.leaves, self.directions)])

    def slopes(self):
        """The derivative along `directions` by central differences of several steps: one of them must be near."""
        for step in (1e-6, 1e-5, 1e-7, 1e-8, 1e-4):
            yield (self.along(step) - self.along(-step)) / (2 * step)

    def wild(self):
        """Whether next to nothing changes the result by much (cosines of huge numbers, a jump just here): rounding decides then."""
        here = self.along(0)
        return not all(abs(self.along(step) - here) < 1e-3 * max(1, abs(here)) for step in (-1e-6, -1e-8, 1e-8, 1e-6))


def gradients(program, lib):
    """Arrays by name, and the error of a backward that was refused."""
    try:
        found = program.gradients(lib)
    except RuntimeError as error:
        if "modified by an inplace operation" not in str(error):
            raise
        return None, error
    return {name: None if g is None else g.detach().numpy() for name, g in found.items()}, None


def near(a, b):
    return abs(a - b) <= 1e-4 * max(1.0, abs(b))


def check(seed):
    program = Program(seed)
    with np.errstate(all="ignore"):
        ours, error = gradients(program, pyxtorch)
        if torch is not None:
            theirs, refused = gradients(program, torch)
            assert error is None or refused is not None, f"refused, though PyTorch does not: {error}"
            if ours is not None and theirs is not None:
                assert ours.keys() == theirs.keys()
                for name, g in theirs.items():
                    h = ours[name]
                    if g is None or h is None:      # PyTorch has None for some zeros
                        assert (g is None or not g.any()) and (h is None or not h.any()), f"{name}: {h}, PyTorch {g}"
                    elif not np.allclose(h, g, rtol=1e-7, atol=1e-8 * max(1.0, np.abs(g).max())):
                        if program.wild():
                            return False
                        np.testing.assert_allclose(h, g, rtol=1e-7, atol=1e-8 * max(1.0, np.abs(g).max()), err_msg=name)
        if ours is None or not program.smooth or program.mode not in SENT:
            return False
        along = sum(float((ours[f"leaf {i}"] * d).sum()) for i, d in enumerate(program.directions) if ours[f"leaf {i}"] is not None)
        along /= SENT[program.mode]
        if not np.isfinite(along):
            return False
        slopes = []
        for slope in program.slopes():
            slopes.append(slope)
            if near(along, slope):
                return True
        # Differences that come near to nothing themselves tell nothing (curvature, jumps).
        assert not any(near(a, b) for a, b in itertools.combinations(slopes, 2)), f"along a direction: {along}, by differences {slopes}"
    return False


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
@pytest.mark.parametrize("piece", range(PIECES))
def test_random_graphs(piece):
    seeds = range(piece, COUNT, PIECES)
    differences = 0
    for seed in seeds:
        try:
            differences += check(seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    assert differences > len(seeds) // 4, "too few programs were compared with finite differences"
