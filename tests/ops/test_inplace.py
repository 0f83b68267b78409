"""In-place forms against the functions they are named after: values, gradients, views, what was saved before."""
import numpy as np
import pytest

import pyxtorch as torch

# name of the method without its underscore, further operands (shapes to draw, or numbers)
STEPS = [
    ("sin", ()), ("exp", ()), ("tanh", ()), ("sigmoid", ()), ("square", ()), ("neg", ()), ("abs", ()), ("relu", ()), ("erf", ()), ("sinc", ()), ("ceil", ()),
    ("add", (0.5,)), ("mul", (-0.7,)), ("sub", ("same",)), ("mul", ("same",)), ("div", (1.5,)), ("atan2", ("same",)), ("hypot", ("same",)), ("pow", (2,)),
    ("clamp", (-0.8, 0.9)), ("addcmul", ("same", "same")), ("lerp", ("same", 0.3)), ("mul", ("row",)), ("sub", ("row",)), ("triu", ()),
    ("copysign", ("same",)), ("cumsum", (1,)), ("nan_to_num", ()), ("logit", (0.1,)), ("leaky", ()), ("fmod", (0.6,)), ("masked_fill", ("mask", 0.25)),
]
FORMS = {"leaky": (lambda x: torch.nn.functional.leaky_relu(x, 0.2), lambda x: torch.nn.functional.leaky_relu(x, 0.2, inplace=True))}


def apart(name, x, operands):
    if name in FORMS:
        return FORMS[name][0](x)
    function = getattr(torch.Tensor, name, None)
    return function(x, *operands)


def within(name, x, operands):
    y = FORMS[name][1](x) if name in FORMS else getattr(x, name + "_")(*operands)
    assert y is x
    return y


def program(seed, x, change):
    """A random program on x (3, 4), which `change` performs; a part of it may be changed alone, and operands be x itself."""
    rng = np.random.default_rng(seed)
    kept = []
    for _ in range(rng.integers(2, 7)):
        name, operands = STEPS[rng.integers(len(STEPS))]
        drawn = []
        for o in operands:
            if o == "same":
                drawn.append("itself" if rng.random() < 0.2 else torch.from_numpy(rng.standard_normal((3, 4))))
            elif o == "row":
                drawn.append(torch.from_numpy(rng.standard_normal(4)))
            elif o == "mask":
                drawn.append(torch.from_numpy(rng.random((3, 4)) < 0.4))
            else:
                drawn.append(o)
        x = change(name, x, drawn, rng.random() < 0.25 and name not in ("triu", "cumsum") and "row" not in operands)
        if rng.random() < 0.5:
            kept.append((x * 2).sin())        # saves what x holds now
    return x, kept


def out_of_place(name, x, operands, part):
    if not part:
        return apart(name, x, [x if isinstance(o, str) else o for o in operands])
    rows = x[1:]
    new = apart(name, rows, [rows if isinstance(o, str) else o[1:] if isinstance(o, torch.Tensor) else o for o in operands])
    return torch.cat([x[:1], new])


def in_place(name, x, operands, part):
    target = x[1:] if part else x
    within(name, target, [target if isinstance(o, str) else o[1:] if part and isinstance(o, torch.Tensor) else o for o in operands])
    return x


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("block", range(8))
def test_random_programs(block):
    for seed in range(block * 100, block * 100 + 100):
        start = torch.from_numpy(np.random.default_rng(seed).uniform(-1, 1, (3, 4)))
        results = []
        for change in (out_of_place, in_place):
            leaf = start.clone().requires_grad_()
            y, kept = program(seed, leaf * 1, change)
            g, = torch.autograd.grad(y.sum() + sum(k.sum() for k in kept), leaf)
            with torch.no_grad():
                plain, _ = program(seed, start.clone(), change)
            results.append([t.detach().numpy() for t in (y, g, plain, *kept)])
        for expected, got in zip(*results):
            assert np.allclose(got, expected, rtol=1e-12, atol=1e-12, equal_nan=True), seed
        assert np.allclose(results[1][0], results[1][2], equal_nan=True), seed


def test_nothing_is_copied_where_nothing_is_recorded():
    """The memory stays, the version counts by one, views see the change."""
    for name in ("sin", "exp", "sqrt", "neg", "abs", "floor", "sigmoid", "erf", "square", "logit", "nan_to_num", "reciprocal"):
        x = torch.rand(5) + 0.1
        view, before, version = x[1:3], x.data_ptr(), x._version
        expected = getattr(torch, name)(x)
        assert getattr(x, name + "_")() is x and x.data_ptr() == before and x._version == version + 1
        assert torch.equal(x.nan_to_num(), expected.nan_to_num()) and torch.equal(view.nan_to_num(), expected[1:3].nan_to_num())


def test_what_cannot_be_written_in_place_is_left_alone():
    leaf = torch.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        leaf.sin_()
    whole = torch.arange(3)
    with pytest.raises(RuntimeError, match="can't be cast"):
        whole.sqrt_()
    assert whole.tolist() == [0, 1, 2] and whole._version == 0
    with pytest.raises(RuntimeError, match="single memory location|more than one element"):
        torch.ones(1).expand(3).sin_()
