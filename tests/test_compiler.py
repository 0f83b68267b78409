"""Hints for a compiler: programs run as they are, and mistakes in the hints are found."""
import copy
import pickle

import pytest

import pyxtorch as torch
from pyxtorch import compiler, nn


def test_compile_runs_what_it_is_given():
    @torch.compile
    def f(x, *, k=1):
        """Doc."""
        return x.sin() * k

    @torch.compile(mode="reduce-overhead", dynamic=True)
    def g(x):
        return x + 1

    x = torch.ones(2)
    assert torch.equal(f(x, k=2), 2 * x.sin()) and f.__name__ == "f" and f.__doc__ == "Doc." and g(x).tolist() == [2, 2]
    assert torch.compile(f, disable=True) is f


def test_a_compiled_module_is_one_around_it():
    net = nn.Sequential(nn.Linear(2, 3), nn.Dropout())
    compiled = torch.compile(net)
    assert isinstance(compiled, nn.Module) and type(compiled).__name__ == "OptimizedModule" and compiled._orig_mod is net
    assert list(compiled.state_dict()) == ["_orig_mod.0.weight", "_orig_mod.0.bias"] and torch.compile(compiled) is compiled
    compiled.eval()
    assert not net[1].training and torch.equal(compiled(torch.ones(2)), net(torch.ones(2)))
    compiled.extra = 3
    assert net.extra == compiled.extra == 3
    compiled.load_state_dict({k: v * 0 for k, v in compiled.state_dict().items()})
    assert net[0].weight.abs().sum() == 0
    for other in (copy.deepcopy(compiled), pickle.loads(pickle.dumps(compiled))):
        assert list(other.state_dict()) == list(compiled.state_dict()) and other._orig_mod is not net
    with pytest.raises(AttributeError, match="nope"):
        compiled.nope
    before = net(torch.ones(2))
    net.compile(mode="default")
    assert torch.equal(net(torch.ones(2)), before)


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: torch.compile(len, mode="q"), RuntimeError, "mode=q"),
    (lambda: torch.compile(len, mode="default", options={}), RuntimeError, "Either mode or options"),
    (lambda: torch.compile(len, backend="nope"), RuntimeError, "nope"),
    (lambda: torch.compile(len, backend=lambda graph, inputs: graph), RuntimeError, "no.* is made"),
    (lambda: torch.compile(3), TypeError, "int"),
    (lambda: nn.Linear(1, 1).compile(mode="q"), RuntimeError, "mode=q"),
    (lambda: compiler.set_stance("x"), RuntimeError, "stance"),
    (lambda: compiler.disable(3), TypeError, "int"),
    (lambda: compiler.substitute_in_graph(lambda a: a)(lambda b: b), TypeError, "Signature"),
    (lambda: compiler.wrap_numpy(lambda a: a)(torch.ones(1, requires_grad=True)), RuntimeError, "detach"),
])  # fmt: skip
def test_mistakes(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_hints_give_back_what_they_mark():
    def f(x):
        return x

    assert compiler.disable(f) is compiler.disable()(f) is compiler.allow_in_graph(f) is compiler.nested_compile_region(f) is f
    assert compiler.substitute_in_graph(f)(f) is f and not compiler.is_compiling() and not compiler.is_exporting() and compiler.list_backends() == ["eager"]
    with compiler.set_stance("force_eager"):
        assert compiler._state["stance"] == "force_eager"
    assert compiler._state["stance"] == "default" and compiler.set_stance("fail_on_recompile")(f)(3) == 3 and compiler._state["stance"] == "default"
    compiler.set_default_backend("eager")
    assert compiler.get_default_backend() == "eager"
    compiler.set_default_backend(None)
    assert compiler.get_default_backend() == "inductor" and compiler.save_cache_artifacts() is None
    assert compiler.wrap_numpy(lambda a: {"s": a.sum(), "t": a * 2})(torch.ones(3))["t"].tolist() == [2, 2, 2]
