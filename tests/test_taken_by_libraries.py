"""Modules of torch that libraries import although they are not documented, and the last of the small documented names."""
import gc
import warnings

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import _jit_internal, _tensor, _utils, jit, nn
from pyxtorch.utils import _contextlib, _python_dispatch, benchmark, hooks, mobile_optimizer, weak


def test_tensors_in_one_piece():
    parts = [torch.arange(4.0).view(2, 2), torch.ones(3), torch.zeros(2, dtype=torch.int64)]
    flat = _utils._flatten_dense_tensors(parts[:2])
    again = _utils._unflatten_dense_tensors(flat, parts[:2])
    assert flat.tolist() == [0, 1, 2, 3, 1, 1, 1] and all(torch.equal(a, b) for a, b in zip(parts, again)) and again[0].data_ptr() == flat.data_ptr()
    chunks = list(_utils._take_tensors([torch.ones(4), torch.ones(4), torch.ones(4), parts[2]], 32))
    assert [len(c) for c in chunks] == [2, 1, 1] and _utils._reorder_tensors_as([parts[2], parts[0]], [parts[1], parts[2]])[0] is parts[0]


def test_numbers_of_devices_and_names():
    assert _utils._get_device_index(3) == 3 and _utils._get_device_index("cuda:1") == 1 and _utils._get_device_index(torch.device("cpu"), allow_cpu=True) == -1
    for wrong in ("cpu", None, 1.5):
        with pytest.raises(ValueError, match="Expected a"):
            _utils._get_device_index(wrong)
    assert _utils._import_dotted_name("os.path.join") is __import__("os").path.join and _tensor.Tensor is torch.Tensor

    class A:
        @_utils.classproperty
        def name(cls):
            return cls.__name__

    assert A.name == "A"


def test_errors_that_travel():
    for kind in (ValueError, KeyError):
        try:
            raise kind("bad")
        except kind:
            wrapper = _utils.ExceptionWrapper(where="in worker 3")
        with pytest.raises(kind, match="Caught .* in worker 3"):
            wrapper.reraise()

    class Picky(Exception):
        def __init__(self, a, b):
            super().__init__(a, b)

    try:
        raise Picky(1, 2)
    except Picky:
        wrapper = _utils.ExceptionWrapper()
    with pytest.raises(RuntimeError, match="Picky"):
        wrapper.reraise()


def test_tensors_that_wrap_tensors():
    class Two(torch.Tensor):
        def __tensor_flatten__(self):
            return ["a", "b"], None

        @staticmethod
        def __tensor_unflatten__(inner, context, size, stride):
            made = inner["a"].as_subclass(Two)
            made.a, made.b = inner["a"], inner["b"]
            return made

    two = Two.__tensor_unflatten__({"a": torch.ones(2), "b": torch.zeros(2)}, None, None, None)
    assert _python_dispatch.is_traceable_wrapper_subclass(two) and not _python_dispatch.is_traceable_wrapper_subclass(torch.ones(1)) and not _python_dispatch.is_traceable_wrapper_subclass(nn.Parameter(torch.ones(1)))
    assert _python_dispatch.transform_subclass(two, lambda name, x: x + 1).b.tolist() == [1, 1]


def test_contexts_that_decorate():
    log = []

    class Noted(_contextlib._DecoratorContextManager):
        def __enter__(self):
            log.append("in")

        def __exit__(self, *error):
            log.append("out")

    @Noted()
    def f(x):
        log.append(x)
        return x

    @Noted()
    def g():
        got = yield 1
        log.append(got)

    assert f(3) == 3 and log == ["in", 3, "out"]
    log.clear()
    running = g()
    assert next(running) == 1 and log == ["in", "out"]
    with pytest.raises(StopIteration):
        running.send("sent")
    assert log == ["in", "out", "in", "sent", "out"]
    with pytest.raises(RuntimeError, match="Cannot decorate classes"):
        Noted()(int)


def test_weak_dictionaries():
    x, y = torch.ones(2), torch.ones(2)
    held = weak.WeakTensorKeyDictionary({x: 1})
    held[y] = 2
    assert held[x] == 1 and held[y] == 2 and len(held) == 2 and x in held and torch.ones(2) not in held and 3 not in held and set(map(id, held)) == {id(x), id(y)}
    ref = weak.TensorWeakRef(y)
    assert ref() is y and weak.WeakIdRef(x) == weak.WeakIdRef(x) and weak.WeakIdRef(x) != weak.WeakIdRef(y)
    del y
    gc.collect()
    assert len(held) == 1 and ref() is None
    del held[x]
    assert not held
    with pytest.raises(AssertionError, match="Tensor"):
        weak.TensorWeakRef(3)


def test_what_programs_for_scripts_take():
    either = _jit_internal.boolean_dispatch("both", 1, False, lambda x, both: (x, both), lambda x, both=False: x, "m", "either")
    assert either(1) == 1 and either(1, True) == (1, True) and either(1, both=True) == (1, True) and either.__name__ == "either"
    assert _jit_internal.BroadcastingList2[int] is int and _jit_internal._copy_to_script_wrapper(len) is len and _jit_internal.get_callable_argument_names(lambda a, b=1: 0) == ["a", "b"]


def test_modules_for_small_machines():
    net = jit.script(nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.9), nn.BatchNorm1d(3)))
    made = mobile_optimizer.optimize_for_mobile(net)
    x = torch.randn(4, 2)
    assert net.training and not list(made.parameters()) and torch.equal(made(x), made(x))
    assert {lint["name"] for lint in mobile_optimizer.generate_mobile_module_lints(net)} == {"REQUIRES_GRAD", "DROPOUT", "BATCHNORM"}
    for wrong in (lambda: mobile_optimizer.optimize_for_mobile(nn.Linear(2, 2)), lambda: mobile_optimizer.optimize_for_mobile(net, backend="vulkan"), lambda: mobile_optimizer.generate_mobile_module_lints(3)):
        with pytest.raises(TypeError):
            wrong()


def test_throughput():
    bench = torch.utils.ThroughputBenchmark(nn.Linear(2, 2))
    with pytest.raises(RuntimeError, match="add_input"):
        bench.benchmark()
    bench.add_input(torch.ones(1, 2))
    stats = bench.benchmark(num_calling_threads=2, num_warmup_iters=1, num_iters=20)
    assert stats.num_iters == 20 and stats.latency_avg_ms > 0 and stats.iters_per_second > 0 and "Average latency" in str(stats) and bench(torch.ones(1, 2)).shape == (1, 2)
    bench = torch.utils.ThroughputBenchmark(lambda: 1 // 0)
    bench.add_input()
    with pytest.raises(ZeroDivisionError):
        bench.benchmark(num_iters=2)


def test_random_arguments():
    fuzzer = benchmark.Fuzzer(
        [benchmark.FuzzedParameter("n", 1, 64, "loguniform"), benchmark.FuzzedParameter("k", distribution={2: 0.5, benchmark.ParameterAlias("n"): 0.5}), benchmark.FuzzedParameter("s", 1, 3, "uniform")],
        [benchmark.FuzzedTensor("x", ("n", 4), steps=("s", 1), max_elements=200), benchmark.FuzzedTensor("i", ("k",), dtype=torch.int64)],
        constraints=[lambda n, k, s: n > 2], seed=1)  # fmt: skip
    one, other = list(fuzzer.take(20)), list(fuzzer.take(20))
    assert [p for *_, p in one] == [p for *_, p in other] and {p["k"] == p["n"] for *_, p in one} == {True, False} and 0 < fuzzer.rejection_rate < 1
    for tensors, facts, parameters in one:
        assert tensors["x"].shape == (parameters["n"], 4) and 2 < parameters["n"] <= 50 and tensors["i"].dtype == torch.int64 and facts["x"]["steps"] == (parameters["s"], 1)
    assert {facts["x"]["is_contiguous"] for _, facts, _ in one} == {True, False}
    assert 0.5 <= benchmark.FuzzedParameter("u", 0.5, 0.75, "uniform").sample(np.random.RandomState(0)) <= 0.75
    for wrong in (lambda: benchmark.FuzzedParameter("x", 3, 2, "uniform"), lambda: benchmark.FuzzedParameter("x", 0, 2, "loguniform"), lambda: benchmark.FuzzedParameter("x", 1, 2, "odd"),
                  lambda: benchmark.FuzzedParameter("x", distribution={1: 0.5}, strict=True), lambda: benchmark.Fuzzer([benchmark.FuzzedParameter("x", 1, 2, "uniform")] * 2, [])):  # fmt: skip
        with pytest.raises(ValueError):
            wrong()


def test_counts_of_functions():
    a = benchmark.FunctionCounts((benchmark.FunctionCount(5, "f"), benchmark.FunctionCount(2, "g")), False)
    b = benchmark.FunctionCounts((benchmark.FunctionCount(1, "f"),), False)
    assert [(c.count, c.function) for c in a - b] == [(4, "f"), (2, "g")] and (a + b).sum() == 8 and len(a) == 2 and a[0].function == "f" and len(a[:1]) == 1
    assert [c.count for c in a.transform(lambda name: "h")] == [7] and [c.function for c in a.filter(lambda name: name == "g")] == ["g"] and (a * 2)[0].count == 10 and "Total: 7" in repr(a)
    assert a.denoise().sum() == 7 and benchmark.Timer("x + 1", globals={"x": benchmark.CopyIfCallgrind(3)}).timeit(1).median > 0
    with pytest.raises(AssertionError, match="inclusive"):
        a - benchmark.FunctionCounts((), True)


def test_an_optimizer_on_other_parameters():
    net = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    before = [p.detach().clone() for p in net.parameters()]
    other = {name: nn.Parameter(torch.zeros_like(p)) for name, p in net.named_parameters()}
    for p in other.values():
        p.grad = torch.ones_like(p)
    state = optimizer.state_dict()
    state["param_groups"][0]["lr"] = 1.0
    with torch.optim.swap_in_optimizer_params_and_state(optimizer, other, state):
        assert optimizer.param_groups[0]["lr"] == 1.0
        optimizer.step()
    assert torch.allclose(other["weight"], torch.full((1, 2), -1.9)) and all(torch.equal(a, b) for a, b in zip(before, net.parameters())) and optimizer.param_groups[0]["lr"] == 0.1
    assert optimizer.param_groups[0]["params"][0] is net.weight
    with pytest.raises(ValueError, match="1 tensors for 2"), torch.optim.swap_in_optimizer_params_and_state(optimizer, {"w": net.weight}, state):
        pass


def test_hooks_that_files_do_not_have():
    class Holder:
        _backward_hooks = {1: len, 2: hooks.unserializable_hook(lambda g: g)}

    with pytest.warns(UserWarning, match="len"):
        hooks.warn_if_has_hooks(Holder())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hooks.warn_if_has_hooks(torch.ones(1))


def test_numpy_without_a_tape():
    x = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        assert (x * 2).numpy().tolist() == [2, 2] and x.view(-1).numpy().tolist() == [1, 1] and np.asarray(x).tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="requires grad"):
        x.numpy()


def test_internal_operations_are_themselves_when_copied():
    import copy
    import pickle

    for op in (torch.ops.aten.mm, torch.ops.aten.mm.default, torch.ops.aten._convolution.default):
        assert copy.deepcopy({op: 1}) == {op: 1} and pickle.loads(pickle.dumps(op)) is op
    y = torch.ops.aten._convolution(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2), None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, False, False, False, False)
    assert y.tolist() == [[[[4, 4], [4, 4]]]]


def test_einsum_of_a_tuple_is_recorded_flat():
    traced = torch.fx.symbolic_trace(lambda a, b: torch.einsum("ij,jk->ik", (a, b)))
    assert [len(n.args) for n in traced.graph.nodes if n.op == "call_function"] == [3]
    a, b = torch.randn(2, 3), torch.randn(3, 4)
    torch.testing.assert_close(traced(a, b), a @ b)


def test_assert_of_a_traced_value_is_recorded():
    def f(x):
        torch._assert(x.shape[-1] == 3, "3 columns")
        return x * 2

    traced = torch.fx.symbolic_trace(f)
    assert torch._assert in [n.target for n in traced.graph.nodes] and traced(torch.ones(2, 3)).sum() == 12
    with pytest.raises(AssertionError, match="3 columns"):
        traced(torch.ones(2, 4))
