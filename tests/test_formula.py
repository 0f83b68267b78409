"""library.register_formula: values, derivatives of any order, dtypes, shapes, and what is no formula."""
import random

import pytest

import pyxtorch as torch
from pyxtorch import library
from pyxtorch._formula import _CALLS, _OPERATIONS


@pytest.fixture(autouse=True)
def forget():
    yield
    for name in [n for n in library._operations if n.startswith("formulas::")]:
        del library._operations[name]


def test_softsign():
    f = library.register_formula("softsign2", "x / (1 + abs(x))")
    x = torch.randn(7, requires_grad=True, dtype=torch.float64)
    assert torch.allclose(f(x), torch.nn.functional.softsign(x)) and torch.ops.formulas.softsign2 is f
    assert torch.autograd.gradcheck(f, (x,)) and torch.autograd.gradgradcheck(f, (x,))
    assert "softsign2(x) = x / (1 + abs(x))" in repr(f)
    assert torch.allclose(torch.func.vmap(torch.func.grad(f))(x.detach()), (1 + x.detach().abs()) ** -2)


@pytest.mark.parametrize("name", sorted(_CALLS))
def test_each_function_is_the_operation_and_differentiates_three_times(name):
    count = _OPERATIONS[_CALLS[name]][0]
    low, high = (1.2, 2.0) if name == "acosh" else (0.2, 0.8)
    text = {1: f"{name}(x) * x", 2: f"{name}(x, y) + x", 3: "where(x < y, sin(x) * y, x ** 3)"}[count]
    f = library.register_formula("f", text)
    xs = [torch.rand(6, dtype=torch.float64).mul(high - low).add(low).requires_grad_() for _ in range(min(count, 2))]
    if count == 1:
        expected = getattr(torch, name)(xs[0]) * xs[0]
    elif count == 2:
        expected = getattr(torch, _OPERATIONS[_CALLS[name]][1])(*xs) + xs[0]
    else:
        expected = torch.where(xs[0] < xs[1], xs[0].sin() * xs[1], xs[0] ** 3)
    found = f(*xs)
    assert torch.allclose(found, expected)
    for _ in range(3):
        weights = torch.rand(6, dtype=torch.float64)
        a, b = (torch.autograd.grad((y * weights).sum(), xs[0], create_graph=True, allow_unused=True, materialize_grads=True)[0] for y in (found, expected))
        assert torch.allclose(a, b, rtol=1e-9, atol=1e-9)
        found, expected = a, b
        if not a.requires_grad or not b.requires_grad:
            break


def _random(rng, depth):
    if depth == 0:
        return rng.choice(["x", "y", str(rng.randint(1, 3)), "0.5"])
    kind = rng.randrange(5)
    inner = [_random(rng, depth - 1) for _ in range(3)]
    if kind == 0:
        return f"{rng.choice(['sin', 'tanh', 'exp', 'sigmoid', 'abs', 'atan', 'relu'])}(sin({inner[0]}))"
    if kind == 1:
        return f"({inner[0]} / (2 + sin({inner[1]})))"
    if kind == 2:
        return f"where({inner[0]} < {inner[1]}, {inner[2]}, -{inner[0]})"
    if kind == 3:
        return f"(1.5 + sin({inner[0]})) ** ({inner[1]} - 1)" if depth < 2 else f"maximum({inner[0]}, {inner[1]})"
    return f"({inner[0]} {rng.choice('+-*')} {inner[1]})"


@pytest.mark.parametrize("seed", range(40))
def test_random_formulas_agree_with_operations(seed):
    rng = random.Random(seed)
    text = "x * 0 + y * 0 + " + _random(rng, 3)
    f = library.register_formula("r", text, inputs=("x", "y"))
    names = {n: getattr(torch, n) for n in ("sin", "tanh", "exp", "sigmoid", "abs", "atan", "relu", "maximum")}

    def where(c, a, b):
        return torch.where(torch.as_tensor(c), *(torch.as_tensor(v, dtype=torch.float64) for v in (a, b)))

    def lift(fn):
        return lambda *args: fn(*(torch.as_tensor(v, dtype=torch.float64) for v in args))

    shapes = rng.choice([((5,), (5,)), ((3, 1), (4,)), ((), (2,))])
    x, y = (torch.randn(s, dtype=torch.float64, requires_grad=True) for s in shapes)
    expected = eval(text, {**{n: lift(v) for n, v in names.items()}, "where": where}, {"x": x, "y": y})
    found = f(x, y)
    assert found.shape == expected.shape and torch.allclose(found, expected)
    for a, b in zip(torch.autograd.grad(found.sum(), (x, y), create_graph=True), torch.autograd.grad(expected.sum(), (x, y), create_graph=True)):
        assert torch.allclose(a, b, rtol=1e-8, atol=1e-8)
        if a.requires_grad and b.requires_grad:
            second = [torch.autograd.grad(t.sum(), x, retain_graph=True, allow_unused=True, materialize_grads=True)[0] for t in (a, b)]
            assert torch.allclose(*second, rtol=1e-7, atol=1e-7)


def test_large_tensors_are_computed_in_blocks():
    f = library.register_formula("blocks", "x * exp(-x * x) + y")
    for shape in ((1 << 15,), ((1 << 15) + 1,), (300, 400)):
        x, y = torch.randn(shape), torch.randn(shape[-1])
        assert torch.equal(f(x, y), x * torch.exp(-x * x) + y)
        assert torch.equal(f(x.t(), y[:1]), (x * torch.exp(-x * x)).t() + y[:1])


def test_zero_gradients_stay_zero():
    f = library.register_formula("root", "where(x > 0, sqrt(x), 0)")
    x = torch.tensor([0.0, 4.0, -1.0], requires_grad=True)
    f(x).sum().backward()
    assert x.grad.tolist() == [0, 0.25, 0]
    x = torch.zeros(1, requires_grad=True)
    (library.register_formula("root2", "sqrt(x)")(x) * 0).sum().backward()
    assert x.grad.item() == 0
    x, w = torch.ones(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    (g,) = torch.autograd.grad(library.register_formula("cube", "x ** 3")(x) @ w, x, create_graph=True)
    assert torch.autograd.grad(g, w)[0].item() == 3


def test_dtypes_and_numbers():
    f = library.register_formula("f", "x * y + 1")
    assert f(torch.tensor([1, 2]), 3).tolist() == [4, 7] and f(torch.tensor([1, 2]), 3).dtype == torch.float32
    assert f(torch.ones(2, dtype=torch.float16), torch.ones(1, dtype=torch.bfloat16)).dtype == torch.float32
    half = torch.randn(20, dtype=torch.bfloat16, requires_grad=True)
    y = library.register_formula("h", "exp(x) / 3 - x")(half)
    assert torch.equal(y, (half.float().exp() / 3 - half.float()).bfloat16())
    y.sum().backward()
    assert half.grad.dtype == torch.bfloat16
    assert f(torch.ones(2, device="meta"), 2).shape == (2,)
    assert f(torch.empty(0, 3), 2).shape == (0, 3)
    for args, words in (((torch.ones(2),), "expected 2 inputs"), ((1, 2), "expected a Tensor"), ((torch.ones(2), "a"), "got str"), ((torch.ones(2), torch.ones(2) * 1j), "real")):
        with pytest.raises(TypeError, match=words):
            f(*args)
    with pytest.raises(RuntimeError, match="size|shape|broadcast"):
        f(torch.ones(2), torch.ones(3))


@pytest.mark.parametrize(("text", "words"), [
    ("", "expected a formula"), (None, "expected a formula"), ("x +", "does not parse"), ("x; y", "does not parse"), ("lambda x: x", "Lambda is not part"),
    ("x.real", "Attribute is not part"), ("x[0]", "Subscript"), ("foo(x)", "no function 'foo'"), ("__import__('os')", "no function '__import__'"), ("exp(x, x)", "takes 1 operands, got 2"),
    ("exp(x=1)", "Call is not part"), ("x < 1", "comparison stands"), ("where(x, 1, 2)", "expected a comparison"), ("where(0 < x < 1, 1, 2)", "one comparison"),
    ("x // 2", "BinOp"), ("x if x else 1", "IfExp"), ("'a'", "Constant"), ("x + 'a'", "Constant"), ("x + 1j", "Constant"), ("x + True", "Constant"), ("3 + 4", "no input"),
    ("x" + " + x" * 3000, "longer|nested|parse"), ("(" * 500 + "x" + ")" * 500, "parse"), ("x + 1" + "0" * 400, "too large|parse"), ("x and y", "BoolOp"), ("[x]", "List"),
])  # fmt: skip
def test_what_is_no_formula(text, words):
    with pytest.raises(ValueError, match=words):
        library.register_formula("bad", text)


def test_names_and_inputs():
    assert library.register_formula("f", "b - a").inputs == ["b", "a"]
    assert library.register_formula("f", "b - a", inputs=("a", "b"))(torch.ones(1), 5).item() == 4
    assert library.register_formula("mine::f", "x + e")._qualname == "mine::f"
    del library._operations["mine::f"]
    with pytest.raises(ValueError, match="'c' is not one of the inputs"):
        library.register_formula("f", "c", inputs=("a",))
    with pytest.raises(ValueError, match="different names"):
        library.register_formula("f", "a", inputs=("a", "a"))
    with pytest.raises(ValueError, match="expected a name"):
        library.register_formula("f g", "a")
