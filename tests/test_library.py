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


def test_operations_by_schema():
    with library.Library("tests", "FRAGMENT") as lib:
        assert lib.define("axpy(Tensor x, Tensor y, *, float a=2.0) -> Tensor") == "axpy"
        lib.impl("axpy", lambda x, y, *, a=2.0: a * x + y, "CompositeExplicitAutograd")
        op = torch.ops.tests.axpy
        x = torch.ones(2, requires_grad=True)
        assert op(x, torch.ones(2)).tolist() == [3, 3] and torch.ops.tests.axpy.default(x, x, a=1.0).tolist() == [2, 2]
        with pytest.raises(RuntimeError, match="no autograd formula"):
            op(x, x).sum().backward()
        library.register_autograd("tests::axpy", lambda ctx, g: (2 * g, g))
        op(x, torch.ones(2)).sum().backward()
        assert x.grad.tolist() == [2, 2]
        with pytest.raises(RuntimeError, match="for the device meta"):
            op(x.to("meta"), x.to("meta"))
        library.impl_abstract("tests::axpy", lambda x, y, *, a=2.0: torch.empty_like(x))
        assert op(x.to("meta"), x.to("meta")).is_meta
        assert library.get_kernel("tests::axpy", "CPU").call_boxed(None, torch.ones(1), torch.ones(1)).item() == 3
        with pytest.raises(RuntimeError, match="no function for CUDAGraph|no function for Autograd"):
            library.get_kernel("tests::axpy", "Autograd")
        with pytest.raises(RuntimeError, match="already"):
            lib.define("axpy(Tensor x) -> Tensor")
    assert "tests::axpy" not in library._operations
    with pytest.raises(RuntimeError, match="TorchFunctionMode"):
        library.Library("aten", "IMPL")
    with pytest.raises(ValueError, match="Unsupported kind"):
        library.Library("x", "NEW")


def test_functions_for_keys():
    with library.Library("tests", "DEF") as lib:
        lib.define("twice(Tensor x) -> Tensor")

        @library.impl("tests::twice", "default")
        def twice(x):
            return 2 * x

        calls = []

        class Twice(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                with torch._C._AutoDispatchBelowAutograd():
                    return torch.ops.tests.twice(x)

            @staticmethod
            def backward(ctx, g):
                calls.append(1)
                return 2 * g

        lib.impl("twice", Twice.apply, "Autograd")
        x = torch.ones(2, requires_grad=True)
        torch.ops.tests.twice(x).sum().backward()
        assert calls == [1] and x.grad.tolist() == [2, 2]
        library.define("tests::composed", "(Tensor x) -> Tensor")
        library.impl("tests::composed", "CompositeImplicitAutograd", lambda x: x * x)
        lib._made.append("tests::composed")
        torch.ops.tests.composed(x).sum().backward()
        assert x.grad.tolist() == [4, 4]                                     # recorded as what it is composed of
        lib.impl("twice", library.fallthrough_kernel, "CPU")
        assert torch.ops.tests.twice(torch.ones(1)).item() == 2
        with pytest.raises(RuntimeError, match="'Nope' is no key"):
            lib.impl("twice", twice, "Nope")
        with pytest.raises(TypeError, match="callable"):
            lib.impl("twice", 3)


def test_autocast_and_vmap_of_an_operation(scale):
    seen = []

    @library.custom_op("tests::seen", mutates_args=())
    def record(x: torch.Tensor, n: int) -> torch.Tensor:
        seen.append((x.dtype, torch.is_autocast_enabled("cpu")))
        return x * n

    library.register_autocast("tests::seen", "cpu", torch.bfloat16)
    record(torch.ones(1), 2)
    with torch.autocast("cpu"):
        assert record(torch.ones(1), 2).dtype == torch.bfloat16 and record(torch.ones(1, dtype=torch.float64), 2).dtype == torch.float64
    assert seen == [(torch.float32, False), (torch.bfloat16, False), (torch.float64, False)]
    library.register_vmap("tests::seen", lambda info, dims, x, n: (x * n, dims[0]))
    assert torch.vmap(lambda x: record(x, 3))(torch.arange(3.0)).tolist() == [0, 3, 6]
    with pytest.raises(ValueError, match="Unknown device type"):
        library.register_autocast("tests::seen", "toaster", torch.float16)

    @library.triton_op("tests::add", mutates_args={})
    def add(x: torch.Tensor) -> torch.Tensor:
        return x + 1

    assert add(torch.ones(1)).item() == 2 and library.wrap_triton(add) is add


@pytest.mark.parametrize("text", [
    "aten::add.Tensor(Tensor self, Tensor(a!) other, *, Scalar alpha=1, int[2]? k=None, str mode=\"x\") -> (Tensor(a!), int)",
    "f(Tensor x) -> Tensor", "ns::g() -> ()", "ns::h(Tensor[] xs, float e=1e-05, int[] d=[1, 2], bool flag=False) -> Tensor[]",
])  # fmt: skip
def test_schemas_are_read_and_printed(text):
    schema = torch.parse_schema(text)
    assert str(schema) == text and torch.parse_schema(str(schema)) == schema and schema.is_mutable == ("!" in text)


def test_parts_of_a_schema():
    schema = torch.parse_schema("aten::add.out(Tensor self, *, Scalar alpha=1, Tensor(a!) out) -> Tensor(a!)")
    assert schema.name == "aten::add" and schema.overload_name == "out" and [a.name for a in schema.arguments] == ["self", "alpha", "out"]
    assert schema.arguments[1].default_value == 1 and schema.arguments[1].kwarg_only and schema.arguments[2].is_write and not schema.arguments[0].has_default_value()
    for bad in ("f", "f(Tensor) ->", "a::b::c(Tensor x) -> Tensor", "f(Tensor x)) -> Tensor", "f(3x -) -> Tensor"):
        with pytest.raises(RuntimeError, match="parse_schema"):
            torch.parse_schema(bad)


@pytest.mark.parametrize("rule", [False, True])
def test_vmap_by_the_operations_rule_or_slice_by_slice(rule):
    @library.custom_op("tests::outer", mutates_args=())
    def outer(x: torch.Tensor, y: torch.Tensor, k: float = 2.0) -> tuple[torch.Tensor, torch.Tensor]:
        assert type(x.numpy()).__name__ == "ndarray"
        return k * x * y, x + y

    outer.register_autograd(lambda ctx, g, h: (2 * g * ctx.y + h, 2 * g * ctx.x + h, None),
                            setup_context=lambda ctx, inputs, output: (setattr(ctx, "x", inputs[0]), setattr(ctx, "y", inputs[1])))  # fmt: skip
    if rule:
        @outer.register_vmap
        def _(info, in_dims, x, y, k):
            x, y = (t.movedim(d, 0) if d is not None else t.expand(info.batch_size, *t.shape) for t, d in zip((x, y), in_dims))
            return outer(x, y, k), (0, 0)

    try:
        x, y = torch.randn(3, 4), torch.randn(4)
        for f in (outer, lambda x, y: outer(x, y)):
            a, b = torch.func.vmap(f, (0, None))(x, y)
            assert torch.allclose(a, 2 * x * y) and torch.allclose(b, x + y)
            a, b = torch.func.vmap(f, (1, None))(x, y[:3])
            assert torch.allclose(a, 2 * x.t() * y[:3]) and torch.allclose(b, x.t() + y[:3])
        slopes = torch.func.vmap(torch.func.grad(lambda x: outer(x, y)[0].sum()))(x)
        assert torch.allclose(slopes, (2 * y).expand(3, 4))
        w = x.clone().requires_grad_()
        torch.func.vmap(lambda row: outer(row, y)[0])(w).sum().backward()
        assert torch.allclose(w.grad, (2 * y).expand(3, 4))
    finally:
        library._operations.clear()


def test_overloads_are_attributes_of_the_operation():
    with library.Library("pyx_overloads", "DEF") as lib:
        lib.define("double(Tensor x) -> Tensor")
        lib.define("double.out(Tensor x, Tensor! out) -> ()")
        lib.define("triple.Tensor(Tensor x) -> Tensor")
        lib.impl("double", lambda x: 2 * x, "CPU")
        lib.impl("double.out", lambda x, out: (out.copy_(2 * x), None)[1], "CPU")
        torch.library.impl("pyx_overloads::triple.Tensor", "cpu", lambda x: 3 * x)
        ops, x, out = torch.ops.pyx_overloads, torch.ones(2), torch.zeros(2)
        assert ops.double(x).tolist() == ops.double.default(x).tolist() == [2, 2]
        assert ops.double.out(x, out) is None and out.tolist() == [2, 2]
        assert ops.triple(x).tolist() == [3, 3]
        with pytest.raises(AttributeError, match="has no attribute 'other'"):
            ops.double.other
        with pytest.raises(ValueError, match="namespace::name.overload"):
            torch.library.define("pyx_overloads::double.", "(Tensor x) -> Tensor")
