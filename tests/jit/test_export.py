"""torch.export: a module as a graph with its tensors."""
import io
from dataclasses import dataclass

import pytest

import pyxtorch as torch
from pyxtorch import export, nn
from pyxtorch.export import Dim


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 4)
        self.register_buffer("scale", torch.full((4,), 2.0))
        self.register_buffer("shift", torch.ones(4), persistent=False)

    def forward(self, x, y=None, *, z):
        return {"out": self.fc(x) * self.scale + self.shift + z, "size": x.size(0)}


def exported(**shapes):
    torch.manual_seed(0)
    net = Net()
    return net, export.export(net, (torch.ones(2, 3),), {"z": torch.ones(4)}, dynamic_shapes=shapes or None)


def test_an_exported_program():
    net, program = exported(x={0: Dim("batch", min=1, max=64)}, z=None)
    signature = program.graph_signature
    assert signature.inputs_to_parameters == {"p_fc_weight": "fc.weight", "p_fc_bias": "fc.bias"} and signature.inputs_to_buffers == {"b_scale": "scale", "b_shift": "shift"}
    assert signature.user_inputs == ("x", "z") and signature.non_persistent_buffers == ["shift"] and list(program.state_dict) == ["fc.weight", "fc.bias", "scale"]
    assert program.range_constraints == {"batch": (1, 64)} and [n for n, _ in program.named_parameters()] == ["fc.weight", "fc.bias"] and "linear" in str(program)
    x, z = torch.randn(5, 3), torch.randn(4)
    expected = net(x, z=z)
    for made in (program.module(), export.unflatten(program), again(program).module(), program.run_decompositions().module()):
        result = made(x, z=z)
        assert torch.equal(result["out"], expected["out"]) and result["size"] == 5 and made.fc.weight.shape == (4, 3)
    assert torch.equal(program.graph_module(*program.parameters(), net.scale, net.shift, x, z)[0], expected["out"])
    with pytest.raises(RuntimeError, match="Unable to call ExportedProgram directly"):
        program(x)
    with pytest.raises(AssertionError, match=r"x.size\(\)\[1\] == 3, but it is 4"):
        program.module()(torch.ones(2, 4), z=z)
    with pytest.raises(AssertionError, match="<= 64"):
        program.module()(torch.ones(65, 3), z=z)
    with pytest.raises(ValueError, match="another structure"):
        program.module()(x)


def again(program):
    buffer = io.BytesIO()
    export.save(program, buffer, extra_files={"note": "a"})
    buffer.seek(0)
    extra = {"note": ""}
    loaded = export.load(buffer, extra_files=extra)
    assert extra == {"note": "a"}
    return loaded


class Decides(nn.Module):
    def forward(self, x):
        return x * 2 if x.size(0) == 2 else x


def test_a_size_that_the_module_decides_by_is_not_open():
    with pytest.raises(RuntimeError, match="'b' is to be open, but the module decides by it"):
        export.export(Decides(), (torch.ones(2),), dynamic_shapes=({0: Dim("b")},))
    for shapes in (None, ({0: Dim.AUTO},), {"x": {0: Dim.STATIC}}):
        with pytest.raises(AssertionError, match="== 2, but it is 3"):
            export.export(Decides(), (torch.ones(2),), dynamic_shapes=shapes).module()(torch.ones(3))
    assert export.draft_export(Decides(), (torch.ones(2),), dynamic_shapes=({0: Dim.DYNAMIC},))._report
    with pytest.raises(RuntimeError, match="runs at no other"):
        export.export(nn.Linear(3, 2), (torch.ones(1, 3),), dynamic_shapes=({1: Dim.DYNAMIC},))
    auto = export.export(nn.Linear(3, 2), (torch.ones(1, 3),), dynamic_shapes=({0: Dim.AUTO, 1: Dim.AUTO},)).module()
    assert auto(torch.ones(7, 3)).shape == (7, 2)


def test_sizes_of_one_dim_are_equal():
    class Add(nn.Module):
        def forward(self, a, pair):
            return a + pair[0] + pair[1]["k"]

    b = Dim("b")
    args = torch.ones(3), [torch.ones(3), {"k": torch.ones(3)}]
    program = export.export(Add(), args, dynamic_shapes={"a": {0: b}, "pair": [{0: b}, {"k": {0: b}}]})
    assert program.module()(torch.ones(5), [torch.ones(5), {"k": torch.ones(5)}]).tolist() == [3] * 5
    with pytest.raises(AssertionError, match="are equal, but they are 5 and 1"):
        program.module()(torch.ones(5), [torch.ones(1), {"k": torch.ones(5)}])
    shapes = export.ShapesCollection()
    shapes[args[0]] = {0: b}
    shapes[args[1][0]] = shapes[args[1][1]["k"]] = (b,)
    assert export.export(Add(), args, dynamic_shapes=shapes).module()(torch.ones(2), [torch.ones(2), {"k": torch.ones(2)}]).tolist() == [3, 3]
    more = export.AdditionalInputs()
    more.add((torch.ones(3, 2),))
    program = export.export(nn.ReLU(), (torch.ones(5, 2),), dynamic_shapes=more)
    more.verify(program)
    with pytest.raises(AssertionError, match=r"\[1\] == 2"):
        program.module()(torch.ones(5, 3))


def test_what_export_refuses(tmp_path):
    with pytest.raises(ValueError, match="torch.nn.Module"):
        export.export(len, ())
    with pytest.raises(TypeError, match="tuple"):
        export.export(nn.ReLU(), torch.ones(1))
    with pytest.raises(ValueError, match="names \\['q'\\]"):
        export.export(nn.ReLU(), (torch.ones(1),), dynamic_shapes={"q": None})
    with pytest.raises(ValueError, match="expected a Dim"):
        export.export(nn.ReLU(), (torch.ones(1),), dynamic_shapes=({0: "b"},))
    with pytest.raises(AssertionError, match="inconsistent"):
        Dim("b", min=3, max=2)
    assert [d.__name__ for d in export.dims("a", "b")] == ["a", "b"]
    torch.save({"x": 1}, tmp_path / "x.pt")
    with pytest.raises(RuntimeError, match="not written by export.save"):
        export.load(tmp_path / "x.pt")
    with pytest.raises(FileNotFoundError, match="none.pt2"):
        export.load(tmp_path / "none.pt2")
    with pytest.raises(NotImplementedError, match="eval"):
        export.export(nn.ReLU(), (torch.ones(1),)).module().eval()


def test_other_operations_in_the_place_of_some():
    program = export.export(nn.Linear(3, 2), (torch.ones(4, 3),))
    target = next(node.target for node in program.graph.nodes if node.op == "call_function")
    table = export.default_decompositions()
    table[target] = lambda x, w, b=None: x @ w.t() + b
    taken_apart = program.run_decompositions(table)
    assert "linear" not in str(taken_apart.graph) and "matmul" in str(taken_apart.graph)
    x = torch.randn(4, 3)
    assert torch.allclose(taken_apart.module()(x), program.module()(x))


@dataclass
class Pair:
    a: torch.Tensor
    b: torch.Tensor


def test_dataclasses_as_arguments():
    export.register_dataclass(Pair)

    class Add(nn.Module):
        def forward(self, pair):
            return Pair(pair.a + pair.b, pair.a)

    program = export.export(Add(), (Pair(torch.ones(2), torch.ones(2)),))
    assert program.module()(Pair(torch.full((2,), 3.0), torch.ones(2))).a.tolist() == [4, 4]
    with pytest.raises(AssertionError, match="dataclasses"):
        export.register_dataclass(int)
