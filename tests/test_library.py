"""Custom operations: schemas, kernels, gradients, the device meta."""
import pytest

import pyxtorch as torch
from pyxtorch import library


@pytest.fixture
def scale():
    @library.custom_op("tests::scale", mutates_args=())
    def scale(x: torch.Tensor, factor: float = 2.0, *, flip: bool = False) -> torch.Tensor:
        """Doc."""
        return x * (-factor if flip else factor)

    yield scale
    library._operations.clear()


def test_schemas():
    def f(x: torch.Tensor, n: int, y: torch.Tensor | None = None, *, parts: list[torch.Tensor], mode: str = "a") -> tuple[torch.Tensor, int]:
        return x, n

    assert library.infer_schema(f, mutates_args=()) == '(Tensor x, SymInt n, Tensor? y=None, *, Tensor[] parts, str mode="a") -> (Tensor, SymInt)'
    assert library.infer_schema(f, mutates_args=("x",), op_name="f").startswith("f(Tensor(a0!) x, ")
    for bad, words in ((lambda x: x, "annotation"), (lambda *x: x, "varargs")):
        with pytest.raises(ValueError, match=words):
            library.infer_schema(bad, mutates_args=())
    with pytest.raises(ValueError, match="not names"):
        library.infer_schema(f, mutates_args=("q",))
    with pytest.raises(ValueError, match="namespace::name"):
        library.custom_op("scale", f, mutates_args=())


def test_called_and_found_by_name(scale):
    x = torch.ones(2)
    assert scale(x, 3.0).tolist() == [3, 3] and torch.ops.tests.scale(x, flip=True).tolist() == [-2, -2] and scale.__doc__ == "Doc."
    for name in ("nope", "_nope"):
        with pytest.raises(AttributeError, match=name):
            getattr(torch.ops, name)
    with pytest.raises(AttributeError, match="nope"):
        torch.ops.tests.nope


def test_gradient(scale):
    x = torch.ones(3, requires_grad=True)
    y = scale(x)
    assert y.requires_grad
    with pytest.raises(RuntimeError, match="tests::scale.*register_autograd"):
        y.sum().backward()

    def setup_context(ctx, inputs, keyword_only_inputs, output):
        ctx.factor = -inputs[1] if keyword_only_inputs["flip"] else inputs[1]

    library.register_autograd("tests::scale", lambda ctx, g: (g * ctx.factor, None), setup_context=setup_context)
    assert torch.autograd.gradcheck(lambda x: scale(x, 3.0, flip=True), torch.randn(3, dtype=torch.float64, requires_grad=True))
    scale(x, 5.0).sum().backward()
    assert x.grad.tolist() == [5, 5, 5]
    with torch.no_grad():
        assert not scale(x).requires_grad
    scale.register_autograd(lambda ctx, g: g)
    with pytest.raises(RuntimeError, match="1 gradients for 2"):
        scale(x).sum().backward()
    with pytest.raises(RuntimeError, match="nope"):
        library.register_autograd("tests::nope", None)


def test_containers_and_several_results(scale):
    @library.custom_op("tests::both", mutates_args=())
    def both(xs: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        return xs[0] * xs[1], xs[0] + xs[1]

    both.register_autograd(lambda ctx, g, h: ([g * ctx.saved_tensors[1] + h, g * ctx.saved_tensors[0] + h],),
                           setup_context=lambda ctx, inputs, output: ctx.save_for_backward(*inputs[0]))  # fmt: skip
    pair = [torch.randn(2, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    assert torch.autograd.gradcheck(lambda a, b: both([a, b]), pair)


def test_devices(scale):
    with pytest.raises(RuntimeError, match="register_fake"):
        scale(torch.ones(2, device="meta"))

    @library.register_fake("tests::scale")
    def fake(x, factor=2.0, *, flip=False):
        return torch.empty_like(x)

    assert scale(torch.ones(2, device="meta")).is_meta

    @library.custom_op("tests::only", mutates_args=(), device_types="cuda")
    def only(x: torch.Tensor) -> torch.Tensor:
        return x

    with pytest.raises(RuntimeError, match="kernel for cpu"):
        only(torch.ones(1))
    only.register_kernel("cpu")(lambda x: x + 1)
    assert only(torch.ones(1)).item() == 2


def test_changed_in_place(scale):
    @library.custom_op("tests::fill", mutates_args=("x",))
    def fill(x: torch.Tensor, value: float) -> None:
        x.fill_(value)

    x = torch.zeros(2)
    fill(x, 3.0)
    assert x.tolist() == [3, 3] and fill._schema == "(Tensor(a0!) x, float value) -> ()"
    with pytest.raises(RuntimeError, match="non-functional"):
        fill.register_autograd(lambda ctx: None)
