"""What `export` takes, gives, keeps to itself, and refuses."""
import io
import math

import pytest

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.nn import functional as F

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
onnxruntime.set_default_logger_severity(4)  # what fails here is meant to


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


def exported(function, *args, dynamic=None, **kwargs):
    return torch.onnx.export(Call(function), args, dynamic_axes=dynamic, **kwargs)


def agree(program, function, *args):
    expected = function(*[a.clone() if isinstance(a, torch.Tensor) else a for a in args])
    expected = expected if isinstance(expected, tuple) else (expected,)
    given = program(*args)
    assert len(given) == len(expected)
    for got, want in zip(given, expected):
        assert got.shape == want.shape and got.dtype == want.dtype
        assert torch.allclose(got.double(), want.double(), rtol=1e-5, atol=1e-6), (got, want)


def same_everywhere(function, example, *others, dynamic=None):
    """Exported on the example, right there and at other sizes."""
    program = exported(function, *example, dynamic=dynamic)
    for args in (example, *others):
        agree(program, function, *args)
    return program


# ---------------------------------------------------------------------------- names, files, options

def test_names_and_shapes_of_inputs_and_outputs():
    class Two(nn.Module):
        def forward(self, x, pair, *, scale=None, options=None):
            y = x * pair[0] + pair[1]
            return {"y": y if scale is None else y * scale, "rest": (y.sum(1), options["bias"] + 1)}

    x, pair = torch.randn(2, 3), (torch.randn(3), torch.randn(1))
    given = {"scale": torch.tensor(2.0), "options": {"bias": torch.ones(2, dtype=torch.int64), "name": "no tensor"}}
    program = torch.onnx.export(Two(), (x, pair), kwargs=given, dynamic_shapes={"x": {0: "batch"}}, output_names=["y"])
    graph = program.model_proto.graph
    assert [i.name for i in graph.input] == ["x", "pair_0", "pair_1", "scale", "options_bias"]
    assert [o.name for o in graph.output] == ["y", "output_1", "output_2"]
    assert [d.dim_param or d.dim_value for d in graph.output[0].type.tensor_type.shape.dim] == ["batch", 3]
    for got, want in zip(program(x, pair, **given), (Two()(x, pair, **given)["y"], *Two()(x, pair, **given)["rest"])):
        assert torch.allclose(got, want)
    named = torch.onnx.export(Two(), (x, pair), kwargs={"options": {"bias": 1}}, input_names=["image"], dynamic_axes={"image": [0]})
    assert [i.name for i in named.model_proto.graph.input] == ["image", "pair_0", "pair_1"]
    assert named.model_proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "image_dim_0"


def test_parameters_keep_their_names():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).eval()
    program = torch.onnx.export(model, (torch.randn(2, 3),))
    held = {t.name: onnx.numpy_helper.to_array(t) for t in program.model_proto.graph.initializer}
    for name, tensor in model.state_dict().items():
        if name != "1.num_batches_tracked":
            assert (held[name] == tensor.numpy()).all()


def test_files(tmp_path):
    model, x = nn.Linear(40, 30), torch.randn(2, 40)
    program = torch.onnx.export(model, (x,), tmp_path / "a.onnx")
    program.save(tmp_path / "b.onnx", external_data=True)
    assert (tmp_path / "b.onnx.data").stat().st_size >= 4 * 40 * 30
    assert (tmp_path / "b.onnx").stat().st_size < 4000
    memory = io.BytesIO()
    torch.onnx.export(model, (x,), memory)
    for file in (str(tmp_path / "a.onnx"), str(tmp_path / "b.onnx"), memory.getvalue()):
        (y,) = onnxruntime.InferenceSession(file).run(None, {"input": x.numpy()})
        assert torch.allclose(torch.from_numpy(y), model(x), atol=1e-6)
    program.save(tmp_path / "c.onnx", keep_initializers_as_inputs=True)
    assert [i.name for i in onnx.load(tmp_path / "c.onnx").graph.input] == ["input", "weight", "bias"]
    program.save(tmp_path / "d.onnx", include_initializers=False)
    assert not onnx.load(tmp_path / "d.onnx").graph.initializer
    assert program.model is program.model_proto and program.model_proto.graph.initializer and "1 nodes" not in repr(program)


def test_parameters_left_out_are_inputs():
    model, x = nn.Linear(3, 2), torch.randn(4, 3)
    program = torch.onnx.export(model, (x,), export_params=False)
    assert [i.name for i in program.model_proto.graph.input] == ["input", "weight", "bias"]
    other = nn.Linear(3, 2)
    assert torch.allclose(program(x, other.weight, other.bias)[0], other(x), atol=1e-6)


@pytest.mark.parametrize("opset", [18, 20, 22])
def test_opsets(opset):
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.GELU(), nn.GroupNorm(1, 2), nn.Upsample(scale_factor=2, mode="bilinear"), nn.AvgPool2d(3, ceil_mode=True))
    program = torch.onnx.export(model, (torch.randn(1, 1, 6, 6),), opset_version=opset, verify=True)
    assert program.model_proto.opset_import[0].version == opset


def test_opsets_that_are_not_written():
    with pytest.raises(ValueError, match="opset_version is at most"):
        torch.onnx.export(nn.ReLU(), (torch.randn(2),), opset_version=1000)
    with pytest.warns(UserWarning, match="opset_version=11 is older"):  # as old scripts ask for
        program = torch.onnx.export(nn.ReLU(), torch.randn(2), opset_version=11, operator_export_type=torch.onnx.OperatorExportTypes.ONNX)
    assert program.model_proto.opset_import[0].version == 18


def test_what_a_program_offers():
    model, x = nn.Linear(3, 2), torch.randn(4, 3)
    program = torch.onnx.export(model, (x,), dynamic_axes={"input": {0: "n"}})
    torch.onnx.testing.assert_onnx_program(program, model=model, args=(torch.randn(1, 3),))
    assert torch.allclose(program.call_reference(x)[0], model(x), atol=1e-6)
    other = nn.Linear(3, 2)
    program.apply_weights(other.state_dict())
    torch.onnx.testing.assert_onnx_program(program, model=other, args=(x,))
    with pytest.raises(AssertionError):
        torch.onnx.testing.assert_onnx_program(program, model=model, args=(x,))
    with pytest.raises(KeyError, match="no parameter 'scale'"):
        program.apply_weights({"scale": x})
    with pytest.raises(ValueError, match="is of shape"):
        program.apply_weights({"bias": x})
    program.rename_axes({"n": "batch"})
    assert [v.type.tensor_type.shape.dim[0].dim_param for v in (program.model_proto.graph.input[0], program.model_proto.graph.output[0])] == ["batch"] * 2
    with pytest.raises(ValueError, match="takes the 1 tensors"):
        program(x, x)


def test_arguments_as_older_scripts_give_them():
    class Scaled(nn.Module):
        def forward(self, x, scale=None, shift=None):
            return x * scale + shift

    x = torch.randn(2, 3)
    program = torch.onnx.export(torch.jit.trace(Scaled(), (x, x, x)), (x, {"scale": x + 1, "shift": x - 1}), input_names=["x"], output_names=["y"],
                                dynamic_axes={"x": {0: "n"}, "scale": {0: "n"}, "shift": {0: "n"}, "y": {0: "n"}}, do_constant_folding=True)  # fmt: skip
    y = torch.randn(5, 3)
    assert torch.allclose(program(y, y, y)[0], y * y + y) and [i.name for i in program.model_proto.graph.input] == ["x", "scale", "shift"]


def test_the_module_is_as_it_was():
    class Caching(nn.Module):
        def __init__(self):
            super().__init__()
            self.cache, self.drop = None, nn.Dropout(0.5)

        def forward(self, x):
            if self.cache is None or self.cache.size(0) != x.size(1):
                self.cache = torch.arange(x.size(1)).float()
            self.seen = torch.onnx.is_in_onnx_export()
            return self.drop(x) + self.cache

    model = Caching().train()
    x = torch.randn(2, 3)
    state, before = torch.get_rng_state(), x.clone()
    program = torch.onnx.export(model, (x,), dynamic_axes={"x": {1: "t"}})
    assert model.training and model.drop.training and model.cache is None and not hasattr(model, "seen")
    assert torch.equal(torch.get_rng_state(), state) and torch.equal(x, before) and not torch.onnx.is_in_onnx_export()
    assert torch.equal(program(torch.zeros(2, 5))[0], torch.arange(5.0).expand(2, 5))
    model(x)
    assert model.seen is False


def test_functions_are_exported_too():
    weight = torch.randn(3, 3)
    program = torch.onnx.export(lambda x: torch.tanh(x @ weight), (torch.randn(2, 3),), verify=True)
    assert len(program.model_proto.graph.node) == 3


def test_results_of_all_kinds():
    def several(x):
        return x, x, torch.ones(2), x.size(0), 3, None, x.shape[1] / 2

    program = exported(several, torch.randn(2, 4), dynamic={"args_0": {0: "n", 1: "c"}})
    got = program(torch.zeros(5, 6))
    assert [tuple(g.shape) for g in got] == [(5, 6), (5, 6), (2,), (), (), ()]
    assert [g.item() for g in got[3:]] == [5, 3, 3.0]


# ---------------------------------------------------------------------------- sizes

def test_sizes_that_programs_compute_with():
    def sizes(x):
        n, t = x.shape[0], x.size(1)
        half = t // 2
        y = x.reshape(n * t, -1).view(n, t, x.shape[-1])
        y = y[:, half:] * (1.0 / math.sqrt(t)) + len(x) + x.numel() / n
        y = y + torch.full((n, t - half, 1), float(t)) + torch.arange(t)[-1] + torch.tensor([n, t]).sum() + math.ceil(t / 2)
        return y * t ** -0.5, F.pad(x, (0, 0, 0, t % 4)), torch.zeros(n, 2 * t, dtype=torch.int32), x.new_ones(x.size()), torch.eye(t), x.expand(2, n, t, 3), x.repeat(1, t, 1)

    axes = {"args_0": {0: "n", 1: "t"}}
    same_everywhere(sizes, (torch.randn(2, 5, 3),), (torch.randn(4, 8, 3),), (torch.randn(1, 3, 3),), dynamic=axes)


def test_int_of_a_size_is_found_again():
    def middle(x):
        k = int(x.shape[1] / 2)
        return x[:, k], x[:, : int(x.size(1))].sum(1)

    same_everywhere(middle, (torch.randn(2, 5),), (torch.randn(2, 8),), dynamic={"args_0": {1: "t"}})


def test_a_bound_of_the_program_is_checked_in_the_model():
    def bounded(x):
        assert x.shape[1] <= 6
        return x * 2 if x.shape[1] > 2 else x * 3

    program = same_everywhere(bounded, (torch.randn(2, 4),), (torch.randn(2, 6),), (torch.randn(2, 3),), dynamic={"args_0": {1: "t"}})
    for wrong in (7, 2):
        with pytest.raises(Exception, match=r"holds only where .*args_0.shape\[1\]"):
            program(torch.randn(2, wrong))


def test_sizes_that_go_together():
    def both(x, y):
        if x.size(0) != y.size(0):
            raise ValueError("batches differ")
        return x @ y.transpose(1, 2)

    same_everywhere(both, (torch.randn(2, 3, 4), torch.randn(2, 5, 4)), (torch.randn(6, 1, 4), torch.randn(6, 2, 4)),
                    dynamic={"args_0": {0: "n", 1: "s"}, "args_1": {0: "n", 1: "t"}})  # fmt: skip


def test_a_branch_on_equal_sizes_is_checked_where_they_may_differ():
    def both(x, y):
        return x + y if x.size(0) == y.size(0) else x

    axes = {"args_0": {0: "n"}, "args_1": {0: "m"}}
    program = same_everywhere(both, (torch.randn(4, 2), torch.randn(4, 2)), (torch.randn(7, 2), torch.randn(7, 2)), dynamic=axes)
    with pytest.raises(Exception, match="holds only where"):
        program(torch.randn(4, 2), torch.randn(1, 2))

    def even(x):
        return x * 2 if x.size(0) // 2 * 2 == x.size(0) else x * 3

    program = same_everywhere(even, (torch.randn(4),), (torch.randn(10),), dynamic={"args_0": {0: "n"}})
    with pytest.raises(Exception, match="holds only where"):
        program(torch.randn(5))


def test_sizes_that_must_be_multiples():
    def patches(x):
        n, c, h, w = x.shape
        return x.reshape(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 1, 3, 5).reshape(n, -1, 16 * c)

    same_everywhere(patches, (torch.randn(1, 2, 8, 8),), (torch.randn(3, 2, 12, 20),), dynamic={"args_0": {0: "n", 2: "h", 3: "w"}})


def test_bounds_of_dimensions():
    class Dim:
        def __init__(self, name, min, max):
            self.__name__, self.min, self.max = name, min, max

    def looked_up(x):
        return torch.arange(8.0)[: x.size(0)] + x

    program = torch.onnx.export(looked_up, (torch.randn(4),), dynamic_shapes=({0: Dim("n", 2, 8)},))
    assert torch.allclose(program(torch.zeros(8))[0], torch.arange(8.0))


@pytest.mark.parametrize("function", [
    lambda x: sum(x[:, i] for i in range(x.shape[1])),
    lambda x: torch.stack([row * 2 for row in x.unbind(1)], 1),
    lambda x: x * 2 if x.shape[1] % 2 else x,
    lambda x: x * torch.from_numpy(x.detach().numpy().mean(1, keepdims=True)),
    lambda x: x + float(f"{x.shape[1]}"),
    lambda x: torch.tensor([1.0] * int(str(x.shape[1]))) + x,
])  # fmt: skip
def test_what_is_fixed_for_one_size_is_refused(function):
    with pytest.raises(torch.onnx.OnnxExporterError, match="test_export.py:"):
        exported(function, torch.randn(2, 5), dynamic={"args_0": {1: "t"}})


@pytest.mark.parametrize("function", [
    lambda x: x * 2 if x.sum() > 0 else x,
    lambda x: x * x.max().item(),
    lambda x: x[: int(x.abs().sum())],
    lambda x: x + torch.tensor(x.tolist()),
    lambda x: x + memoryview(x.contiguous()).tolist()[0][0],
    lambda x: x * torch.equal(x, x + 1),
])  # fmt: skip
def test_what_is_fixed_for_one_input_is_refused(function):
    with pytest.raises(torch.onnx.OnnxExporterError, match="depend"):
        exported(function, torch.randn(2, 5))


def test_chance_is_chance_in_the_model_too():
    program = exported(lambda x: (x + torch.randn_like(x), torch.rand(3, 4) + 0 * x.sum(), torch.bernoulli(torch.full_like(x, 0.5))), torch.zeros(50, 40))
    one, two = program(torch.zeros(50, 40)), program(torch.zeros(50, 40))
    assert not torch.equal(one[0], two[0]) and 0.9 < one[0].std() < 1.1
    assert one[1].min() >= 0 and one[1].max() < 1 and set(one[2].unique().tolist()) == {0.0, 1.0}
    with pytest.raises(torch.onnx.OnnxExporterError, match="draws by chance"):
        torch.onnx.export(Call(lambda x: F.dropout(x, 0.5, training=True)), (torch.randn(3),))


# ---------------------------------------------------------------------------- writes

def test_writes_in_place():
    def writes(x, y):
        x += 1
        a = x.clone()
        a[:, 1:3] = y
        a[0] *= 2
        a[:, -1].add_(10)
        b = a.view(-1)
        b[::2] = 0
        c = torch.zeros(x.size(0), 4)
        for i in range(4):
            c[:, i] = x[:, i] * i
        c[c > 2] = -1.0
        d = c.t()
        d.clamp_(min=-0.5)
        out = torch.empty(2, 4)
        torch.mul(x[:2], 2, out=out)
        e = F.relu(x, inplace=True)
        rows = a.chunk(2, 1)
        rows[1].zero_()
        return x, a, b, c, d, out, e, rows[0] + rows[1]

    axes = {"args_0": {0: "n"}, "args_1": {0: "n"}}
    same_everywhere(writes, (torch.randn(3, 4), torch.randn(3, 2)), (torch.randn(5, 4), torch.randn(5, 2)), dynamic=axes)


def test_constants_that_are_written_on_the_way():
    def writes(x):
        c = torch.zeros(3)
        a = x + c
        c[0:1].fill_(5.0)  # through a view that no input is part of
        b = x + c
        c.data[1] = 7.0
        d = x + c
        row = torch.arange(3.0)
        row = row.mul_(x)
        return a, b, d, row

    same_everywhere(writes, (torch.randn(3),), (torch.randn(3),))

    def hidden(x):
        c = torch.zeros(3)
        part = c[:2]
        y = part + x[:2]
        c.add_(x)
        return y, part * 2

    with pytest.raises(torch.onnx.OnnxExporterError, match="shares memory"):
        exported(hidden, torch.randn(3))


def test_writes_by_index():
    def writes(x, i, mask, v):
        a, b, c, d, e = (x.clone() for _ in range(5))
        a[i] = 1.5
        b[i, 0] = v
        c[mask] = -2.0
        d[mask] = x[mask] * 3
        e.index_put_((i,), torch.ones_like(x)[: i.size(0)], accumulate=True)
        return a, b, c, d, e, x.index_fill(0, i, 9.0), x.index_copy(0, i[:1], v[:1].unsqueeze(0).expand(1, 3)), x.masked_fill(mask, 0.0), x.masked_scatter(mask, x * 2)

    mask = torch.tensor([[True, False, True], [False, False, True], [True, True, False], [False, False, False]])
    args = torch.randn(4, 3), torch.tensor([2, 0]), mask, torch.randn(2)
    program = exported(writes, *args)
    agree(program, writes, *args)
    agree(program, writes, torch.randn(4, 3), torch.tensor([1, 3]), ~mask, torch.randn(2))


def test_what_a_module_keeps_cannot_be_exported():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("count", torch.zeros(1))

        def forward(self, x):
            self.count += 1
            return x + self.count

    with pytest.raises(torch.onnx.OnnxExporterError, match="writes into 'count'"):
        torch.onnx.export(counting := Counting(), (torch.randn(2),))
    assert counting.count.item() == 0
    with pytest.raises(torch.onnx.OnnxExporterError, match="writes into 'num_batches_tracked'"):
        torch.onnx.export(nn.BatchNorm1d(2).train(), (torch.randn(4, 2),), training=torch.onnx.TrainingMode.PRESERVE)
    with pytest.raises(torch.onnx.OnnxExporterError, match="shape of a tensor in place"):
        exported(lambda x: (x * 1).unsqueeze_(0), torch.randn(2))


# ---------------------------------------------------------------------------- indexing

def test_indices_of_all_kinds():
    def indexed(x, i, j, mask):
        n = x.size(0)
        return (x[0], x[-1], x[..., 1], x[:, None, 1:], x[i], x[:, i[:2]], x[i, j], x[i[:, None], j[None]], x[:, i, 0], x[0, :, j], x[i, :, j], x[mask], x[:, :, [0, 2]],
                x[n // 2 :], x[: n - 1], x[::2], x[[1, 0]], x[i[0]], x[torch.tensor(1)], x[..., -2:], x[mask.nonzero()[:, 0]], x[1:n, 0:2], x.flip(0), x.roll(1, 0),
                x.select(1, 1), x.narrow(0, 1, n - 1), x.take_along_dim(x.argsort(2), 2), torch.where(mask)[0])  # fmt: skip

    def given(n):
        return torch.randn(n, 3, 4), torch.tensor([1, 0, 2]), torch.tensor([2, 1, 0]), torch.arange(n) % 2 == 0

    same_everywhere(indexed, given(3), given(6), dynamic={"args_0": {0: "n"}, "args_3": {0: "n"}})


def test_as_many_as_are_found():
    def found(x):
        idx = x.nonzero()
        return idx, idx.shape[0] * 2, x[x > 0], torch.masked_select(x, x < 0), torch.unique(x.round())

    program = exported(found, torch.tensor([[1.0, 0, -2], [3, 4, 0]]))
    y = torch.tensor([[0.0, 0, -2], [0, 0, -7]])
    got = program(y)
    assert got[0].tolist() == [[0, 2], [1, 2]] and got[1].item() == 4 and got[2].numel() == 0 and got[3].tolist() == [-2, -7] and got[4].tolist() == [-7, -2, 0]
    with pytest.raises(torch.onnx.OnnxExporterError, match="came out the same for all"):
        exported(lambda x: (x * 0 + 1).nonzero(), torch.randn(3))


# ---------------------------------------------------------------------------- errors

def test_what_has_no_translation_is_named_with_its_line():
    with pytest.raises(torch.onnx.errors.UnsupportedOperatorError, match=r"torch\.fft\.rfft at .*test_export\.py:\d+ in <lambda>: there is no translation"):
        exported(lambda x: torch.fft.rfft(x).abs(), torch.randn(8))
    with pytest.raises(torch.onnx.OnnxExporterError, match="complex"):
        exported(lambda x: torch.exp(x), torch.randn(3, dtype=torch.complex64))
    exported(lambda x: (torch.linalg.svd(x), x + 1)[1], torch.randn(3, 3))  # whose result is not used


def test_arguments_that_are_wrong():
    x = torch.randn(2, 3)
    for kwargs, message in (
        ({"dynamic_axes": {"input": {2: "n"}}}, "axis 2 of input 'input' is dynamic, but it has 2"),
        ({"input_names": ["a", "b"]}, "2 input_names for the 1 input"),
        ({"output_names": ["a", "b"]}, "2 output_names for 1"),
        ({"output_names": ["input"]}, "is there twice"),
        ({"dynamic_shapes": {"y": {0: "n"}}}, "dynamic_shapes names 'y'"),
    ):
        with pytest.raises(ValueError, match=message):
            torch.onnx.export(nn.ReLU(), (x,), **kwargs)
    with pytest.raises(torch.onnx.OnnxExporterError, match="does not run at other sizes .*'n': 5.*Declare those"):
        torch.onnx.export(nn.Linear(3, 2), (torch.randn(2, 3),), dynamic_axes={"input": {0: "b", 1: "n"}})
    with pytest.raises(torch.onnx.OnnxExporterError, match="gives no tensor"):
        exported(lambda x: None, x)
    with pytest.raises(NotImplementedError, match="training mode"):
        torch.onnx.export(nn.ReLU(), (x,), training=torch.onnx.TrainingMode.TRAINING)


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install pyxtorch\[onnx\]"):
        torch.onnx.export(nn.ReLU(), (torch.randn(2),))


# ---------------------------------------------------------------------------- what programs are made of

def test_functions_and_operations_of_the_users_own():
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x ** 3

        @staticmethod
        def backward(ctx, grad_output):
            return grad_output

    @torch.library.custom_op("exported::doubled", mutates_args=())
    def doubled(x: torch.Tensor) -> torch.Tensor:
        return x * 2

    def program(x):
        y = Cube.apply(x) + doubled(x)
        return torch.utils.checkpoint.checkpoint(torch.sin, y, use_reentrant=False)

    same_everywhere(program, (torch.randn(2, 3),), (torch.randn(5, 3),), dynamic={"args_0": {0: "n"}})


def test_loops_over_tensors():
    def rows(x):
        total = torch.zeros(x.shape[1])
        for row in x:
            total = total + row * row
        a, b, c = x
        return total, torch.stack([r.sum() for r in reversed(x)]), a + b * c, torch.stack(list(x))

    same_everywhere(rows, (torch.randn(3, 4),), (torch.randn(3, 7),), dynamic={"args_0": {1: "n"}})
    with pytest.raises(torch.onnx.OnnxExporterError, match="number of (operations|arguments)|operations depend"):
        exported(lambda x: sum(row * 2 for row in x), torch.randn(3, 4), dynamic={"args_0": {0: "n"}})


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floating_dtypes(dtype):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.norm, self.b = nn.Linear(4, 8), nn.LayerNorm(8), nn.Linear(8, 2)

        def forward(self, x):
            y = self.norm(torch.relu(self.a(x)))
            y = torch.where(y > 0.1, y, y * 0.5).clamp(-1, 2)
            return self.b(y).softmax(-1), y.cumsum(1).to(torch.float32)

    model = Net().to(dtype)
    x = torch.randn(3, 4, dtype=dtype)
    program = torch.onnx.export(model, (x,), dynamic_axes={"x": {0: "n"}})
    assert [i.data_type for i in program.model_proto.graph.initializer if i.name == "a.weight"] == [{"float16": 10, "bfloat16": 16, "float64": 11}[dtype.name]]
    if dtype != torch.bfloat16:  # which onnxruntime has no products of
        for got, want in zip(program(x), model(x)):
            assert torch.allclose(got.double(), want.double(), atol=3e-3 if dtype == torch.float16 else 1e-12, rtol=3e-3)


def test_scripts_that_ask_whether_they_are_exported():
    seen = []

    def program(x):
        seen.append((torch.onnx.is_in_onnx_export(), torch.compiler.is_exporting()))
        return x + 1

    exported(program, torch.randn(2))
    assert set(seen) == {(True, True)} and not torch.compiler.is_exporting()
    with pytest.raises(ZeroDivisionError):
        exported(lambda x: 1 // 0, torch.randn(2))
    assert not torch.onnx.is_in_onnx_export()


def test_slices_as_long_as_something_saturates():
    def first(x):
        y = x[:, :6]
        return y.reshape(y.size(0) * y.size(1), 2), y + torch.arange(y.shape[1]).unsqueeze(1)

    same_everywhere(first, (torch.randn(2, 8, 2),), (torch.randn(2, 3, 2),), (torch.randn(1, 20, 2),), dynamic={"args_0": {0: "n", 1: "t"}})


def test_distributions_of_a_policy():
    from pyxtorch.distributions import Categorical, Independent, Normal

    class Policy(nn.Module):
        def __init__(self):
            super().__init__()
            self.mean, self.scale, self.logits = nn.Linear(4, 2), nn.Parameter(torch.zeros(2)), nn.Linear(4, 3)

        def forward(self, x):
            actions = Independent(Normal(self.mean(x), self.scale.exp().expand(x.size(0), 2)), 1)
            choices = Categorical(logits=self.logits(x))
            best = choices.probs.argmax(-1)
            return actions.mean, actions.log_prob(actions.mean), actions.entropy(), best, choices.log_prob(best), choices.entropy(), actions.rsample()

    model = Policy()
    program = torch.onnx.export(model, (torch.randn(3, 4),), dynamic_axes={"x": {0: "n"}})
    x = torch.randn(6, 4)
    *given, sample = program(x)
    for got, want in zip(given, model(x)):
        assert torch.allclose(got, want, atol=1e-6)
    assert sample.shape == (6, 2) and not torch.equal(sample, program(x)[-1])
    with pytest.raises(ValueError, match="to satisfy the constraint"):
        Normal(torch.zeros(2), -torch.ones(2))
