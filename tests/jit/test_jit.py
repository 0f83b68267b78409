# ruff: noqa: UP006, UP007, UP035, UP045  (the forms of types that programs of TorchScript have)
"""torch.jit: scripts and traces call, save and load; files execute nothing."""
import copy
import io
import pickle
import warnings
from typing import Dict, List, Optional

import pytest

import pyxtorch as torch
import pyxtorch.nn.functional as F
from pyxtorch import jit, nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn, self.fc = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(4 * 36, 10)
        self.classes, self.sizes = 10, [8, 8]

    def forward(self, x):
        x = F.dropout(F.relu(self.bn(self.conv(x))), 0.5, self.training)
        return self.fc(x.view(x.size(0), -1))

    @jit.export
    def features(self, x):
        return self.conv(x) * 2


class Decides(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2)

    def forward(self, x):
        return self.fc(x) if x.sum() > 0 else -x


def again(thing, **extra):
    """Saved and loaded."""
    buffer = io.BytesIO()
    jit.save(thing, buffer, **extra)
    buffer.seek(0)
    return jit.load(buffer)


def test_a_trace_holds_for_other_sizes():
    torch.manual_seed(0)
    net = Net().eval()
    traced = jit.trace(net, torch.randn(2, 1, 8, 8))
    x = torch.randn(5, 1, 8, 8)
    for made in (traced, again(traced), copy.deepcopy(traced), pickle.loads(pickle.dumps(traced)), again(again(traced))):
        assert torch.equal(made(x), net(x)) and isinstance(made, jit.ScriptModule) and made.original_name == "Net"
        assert list(made.state_dict()) == list(net.state_dict())
    assert "torch.conv2d" in traced.code and "conv2d" in str(traced.graph) and "torch.conv2d" in jit.export_opnames(traced)
    traced(x).sum().backward()
    assert net.conv.weight.grad is not None          # the trace has the module's own parameters
    with pytest.raises(NotImplementedError, match="features"):
        traced._run("features", (x,), {})


def test_a_trace_of_anything():
    def f(x, y):
        if x.size(0) > 1:
            x = x + y
        z = torch.zeros(x.shape[0], x.shape[1] * 2)
        z[:, : x.shape[1]] += x
        x.mul_(2)
        return {"a": z, "b": (x.mean(), x.shape[0] + 1)}

    traced = jit.trace(f, (torch.ones(2, 3), torch.ones(3)))
    for made in (traced, again(traced)):
        expected, result = f(torch.ones(4, 2), torch.ones(2)), made(torch.ones(4, 2), torch.ones(2))
        assert torch.equal(result["a"], expected["a"]) and torch.equal(result["b"][0], expected["b"][0]) and result["b"][1] == 5
    lstm, x = nn.LSTM(3, 5, batch_first=True), torch.randn(3, 7, 3)
    assert torch.equal(jit.trace(lstm, torch.randn(2, 4, 3))(x)[0], lstm(x)[0])
    nested = jit.trace(lambda pair, d: pair[0] * d["k"] + pair[1], ((torch.ones(2), torch.ones(2)), {"k": torch.ones(2)}))
    assert nested((torch.full((2,), 3.0), torch.ones(2)), {"k": torch.full((2,), 2.0)}).tolist() == [7, 7]
    kwargs = jit.trace(lambda a, b: a - b, example_kwarg_inputs={"b": torch.ones(1), "a": torch.ones(1)})
    assert kwargs(b=torch.ones(1), a=torch.full((1,), 5.0)).item() == 4
    with pytest.raises(TypeError, match="missing argument 'y'"):
        traced(torch.ones(2, 3))
    with pytest.raises(TypeError, match="expected 2 arguments, got 3"):
        traced(torch.ones(2, 3), torch.ones(3), 1)


def test_numbers_of_sizes_stay_open():
    def f(x):
        n = x.shape[-1]
        return x.reshape(-1, n // 2, 2).transpose(1, 2) / n + (3 - n) ** 2 + n % 3 - x.numel() * 0.5

    traced = jit.trace(f, torch.arange(8.0).view(2, 4))
    x = torch.arange(30.0).view(5, 6)
    assert torch.equal(traced(x), f(x)) and torch.equal(again(traced)(x), f(x))


def test_own_functions_within_a_trace():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    class Same(Double):
        @staticmethod
        def forward(ctx, x):
            return x

    traced = jit.trace(lambda x: Same.apply(Double.apply(x)) + 1, torch.ones(2, requires_grad=True))
    assert traced(torch.tensor([3.0, 4.0])).tolist() == [7, 9]

    @jit.script_if_tracing
    def sign(x):
        return x if x.sum() > 0 else -x

    traced = jit.trace(lambda x: sign(x) * 2, torch.ones(2))
    assert traced(torch.full((2,), -3.0)).tolist() == [6, 6]      # decided when it runs


def test_what_a_trace_says_of_itself():
    with pytest.warns(jit.TracerWarning, match="Python value"):
        jit.trace(lambda x: x * 2 if x.sum() > 0 else x, torch.ones(2))
    calls = []

    def differs(x):
        calls.append(0)
        return torch.from_numpy(x.numpy() + 1.0)

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        jit.trace(differs, torch.ones(2), check_inputs=[torch.zeros(2)])
    assert any("does not match" in str(w.message) for w in seen) and len(calls) == 2
    with pytest.raises(RuntimeError, match="requires grad"):
        weight = nn.Parameter(torch.ones(2))
        jit.trace(lambda x: x * weight, torch.ones(2))
    seen = []
    jit.trace(lambda x: (seen.append(jit.is_tracing()), x + 1)[1], torch.ones(1), check_trace=False)
    assert seen == [True] and not jit.is_tracing() and not jit.is_scripting()


def test_a_trace_in_training_leaves_the_module_as_one_run_does():
    torch.manual_seed(1)
    one, other = Net(), Net()
    other.load_state_dict(one.state_dict())
    x = torch.randn(4, 1, 8, 8)
    torch.manual_seed(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jit.trace(one, x)
    torch.manual_seed(2)
    other(x)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values()))


def test_scripts():
    torch.manual_seed(0)
    net, x = Net().eval(), torch.randn(3, 1, 8, 8)
    scripted = jit.script(net)
    assert torch.equal(scripted(x), net(x)) and isinstance(scripted, (jit.RecursiveScriptModule, Net)) and scripted.original_name == "Net"
    assert "def forward(self, x)" in scripted.code and jit.script(scripted) is scripted and scripted.classes == 10
    assert [p is q for p, q in zip(scripted.parameters(), net.parameters())] == [True] * 6 and "RecursiveScriptModule" in repr(scripted)
    scripted.train()
    assert net.training
    loaded = again(scripted)
    assert loaded.training and loaded.classes == 10 and loaded.sizes == [8, 8] and torch.equal(loaded.features(x), net.features(x))
    for mode in (True, False):
        torch.manual_seed(5)
        a = loaded.train(mode)(x)
        torch.manual_seed(5)
        assert torch.equal(a, net.train(mode)(x))
    loaded.load_state_dict({k: v + 1 for k, v in net.state_dict().items()})
    assert not torch.equal(loaded(x), net(x))
    assert torch.equal(copy.deepcopy(scripted)(x), net(x))


@jit.script
def triple(x, n: int = 3):
    if x.sum() > 0:
        return x * n
    return -x


def test_scripts_that_decide():
    assert triple(torch.ones(2)).tolist() == [3, 3] and triple.name == "triple" and "return -x" in triple.code
    assert again(triple)(torch.ones(1), n=2).item() == 2
    scripted = jit.script(Decides())
    loaded = again(scripted)
    assert type(loaded).__name__ == "RecursiveScriptModule" and loaded(-torch.ones(2)).tolist() == [1, 1] and torch.equal(loaded(torch.ones(2)), scripted(torch.ones(2)))
    straight = jit.script(lambda x, y: x @ y + 1)
    assert again(straight)(torch.eye(2), torch.eye(2)).tolist() == [[2, 1], [1, 2]] and "matmul" in str(straight.graph)
    for wrong in (3, Net, Net().forward):
        with pytest.raises(RuntimeError, match="script|nn.Module"):
            jit.script(wrong)
    with pytest.raises(RuntimeError, match="script or jit.trace"):
        jit.save(Net(), io.BytesIO())

    class Local(Decides):
        pass

    with pytest.raises(RuntimeError, match="defined within a function"):
        jit.save(jit.script(Local()), io.BytesIO())


def test_a_class_that_nobody_handed_over_is_not_loaded(monkeypatch):
    from pyxtorch.jit import _modules

    data = jit.script(Decides()).save_to_buffer(), triple.save_to_buffer()
    monkeypatch.setattr(_modules, "known_classes", known := {})
    monkeypatch.setattr("pyxtorch.jit._archive.known_classes", known)
    for one, name in zip(data, ("Decides", "triple")):
        with pytest.raises(pickle.UnpicklingError, match=f"{name}.*not.*allowed|not an allowed global"):
            jit.load(io.BytesIO(one))
    with torch.serialization.safe_globals([Decides]):
        assert jit.load(io.BytesIO(data[0]))(-torch.ones(2)).tolist() == [1, 1]


def test_files(tmp_path):
    traced = jit.trace(Net().eval(), torch.ones(1, 1, 8, 8))
    jit.save(traced, tmp_path / "net.pt", _extra_files={"note.txt": "of mine", "data": b"\x00"})
    extra = {"note.txt": "", "other": ""}
    assert jit.load(str(tmp_path / "net.pt"), map_location="cpu", _extra_files=extra).original_name == "Net" and extra == {"note.txt": b"of mine", "other": b""}
    with pytest.raises(ValueError, match="does not exist"):
        jit.load(tmp_path / "none.pt")
    torch.save({"x": 1}, tmp_path / "checkpoint.pt")
    with pytest.raises(RuntimeError, match="not written by jit.save"):
        jit.load(tmp_path / "checkpoint.pt")
    import zipfile

    with zipfile.ZipFile(tmp_path / "script.pt", "w") as z:
        z.writestr("net/data.pkl", b"")
        z.writestr("net/constants.pkl", b"")
    with pytest.raises(RuntimeError, match="TorchScript archive.*state_dict"):
        jit.load(tmp_path / "script.pt")


@pytest.mark.parametrize("node, words", [
    (["a", "call_function", "os.system", ["tuple", []], ["dict", []]], "no operation"),
    (["a", "call_function", "torch.load", ["tuple", []], ["dict", []]], "no operation"),
    (["a", "call_function", "torch.from_file", ["tuple", []], ["dict", []]], "no operation"),
    (["a", "call_function", "builtins.eval", ["tuple", []], ["dict", []]], "no operation"),
    (["a", "call_method", "__reduce__", ["tuple", []], ["dict", []]], "method"),
    (["a", "get_attr", "__class__", ["tuple", []], ["dict", []]], "attribute"),
    (["a", "get_attr", "x;import os", ["tuple", []], ["dict", []]], "attribute"),
    (["a", "placeholder", "x=print()", ["tuple", []], ["dict", []]], "damaged"),
    (["a", "call_function", "builtins.getattr", ["tuple", [["value", 1], ["value", "__class__"]]], ["dict", []]], "attribute"),
    (["a", "call_function", "torch.add", ["tuple", []], ["dict", [[["value", "a=print(), b"], ["value", 1]]]]], "damaged"),
    (["a", "call_function", "torch.add", ["node", 7], ["dict", []]], "damaged"),
    (["a", "call_function", "torch.add", ["what", 7], ["dict", []]], "damaged"),
    (3, "damaged"),
])  # fmt: skip
def test_hostile_programs(node, words):
    buffer = io.BytesIO()
    torch.save({"pyxtorch.jit": 1, "kind": "traced", "name": "x", "root": nn.Module(), "train": {"forward": [node]}, "eval": None, "extra_files": {}}, buffer)
    buffer.seek(0)
    with pytest.raises(RuntimeError, match=words):
        jit.load(buffer)


def test_frozen_modules():
    torch.manual_seed(0)
    net, x = Net(), torch.randn(2, 1, 8, 8)
    with pytest.raises(RuntimeError, match="eval"):
        jit.freeze(jit.script(net))
    with pytest.raises(RuntimeError, match="ScriptModule"):
        jit.freeze(net.eval())
    expected = net(x)
    for frozen in (jit.freeze(jit.script(net)), jit.optimize_for_inference(jit.trace(net, x)), again(jit.freeze(jit.trace(net, x)))):
        assert torch.equal(frozen(x), expected) and not list(frozen.parameters()) and not list(frozen.buffers()) and not frozen(x).requires_grad
    assert len(list(net.parameters())) == 6 and [n for n, _ in jit.freeze(jit.script(nn.Linear(2, 2).eval()), ["bias"]).named_parameters()] == ["bias"]


def test_hints_and_types():
    assert jit.isinstance([torch.ones(1)], List[torch.Tensor]) and not jit.isinstance([1], List[torch.Tensor]) and jit.isinstance({"a": [1]}, Dict[str, List[int]])
    assert jit.isinstance(None, Optional[int]) and jit.isinstance((1, "a"), (int, tuple)) and not jit.isinstance((1, 2), tuple[int, str])
    with pytest.raises(RuntimeError, match="contained type"):
        jit.isinstance([], List)
    assert jit.annotate(int, 3) == 3 and jit.Attribute(3, int).value == 3 and jit.unused(len) is len and jit.ignore(len) is len and jit.ignore(drop=True)(len) is len
    future = jit.fork(lambda a, b: a + b, 1, b=2)
    assert jit.wait(future) == 3 and isinstance(future, jit.Future)
    with pytest.raises(ZeroDivisionError):
        jit.wait(jit.fork(lambda: 1 // 0))
    before = jit.set_fusion_strategy([("DYNAMIC", 3)])
    assert jit.set_fusion_strategy(before) == [("DYNAMIC", 3)]
    jit.enable_onednn_fusion(True)
    assert jit.onednn_fusion_enabled()
    jit.enable_onednn_fusion(False)
    with pytest.warns(UserWarning, match="script mode"), jit.strict_fusion():
        pass
    unit = jit.CompilationUnit("def twice(x: Tensor):\n    return 2 * x")
    assert unit.twice(torch.ones(1)).item() == 2 and len(unit.get_functions()) == 1
    with pytest.raises(AttributeError, match="'nope'"):
        unit.nope


class Own(jit.ScriptModule):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))

    @jit.script_method
    def forward(self, x):
        return x * self.weight


def test_a_script_module_of_ones_own():
    assert again(Own())(torch.full((2,), 3.0)).tolist() == [3, 3]


class Calls:
    def __reduce__(self):
        return divmod, (7, 2)


def test_calls_of_a_file_are_refused():
    from pyxtorch.jit._archive import MARK

    file = io.BytesIO()
    torch.save({MARK: 1, "kind": "object", "extra_files": {}, "object": Calls()}, file)
    with pytest.raises(pickle.UnpicklingError, match="divmod"):
        jit.load(io.BytesIO(file.getvalue()))
