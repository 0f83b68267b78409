"""Small namespaces: hub, quasirandom, accelerator, cpu, types, symbols, benchmark, and single functions beside them."""
import hashlib
import warnings

import numpy as np
import pytest
import scipy.linalg
from scipy.stats import qmc

import pyxtorch as torch
from pyxtorch import hub, nn
from pyxtorch.utils import benchmark, swap_tensors
from pyxtorch.utils.module_tracker import ModuleTracker


def test_hub_loads_from_a_folder(tmp_path, monkeypatch):
    (tmp_path / "parts.py").write_text("SCALE = 3\n")
    (tmp_path / "hubconf.py").write_text(
        "dependencies = ['numpy']\nfrom pyxtorch import nn\nfrom parts import SCALE\ndef small(size, *, bias=True):\n    'A small one.'\n"
        "    import parts\n    return nn.Linear(size, SCALE, bias=bias)\ndef _hidden():\n    pass\n")  # fmt: skip
    model = hub.load(tmp_path, "small", 2, source="local", bias=False)
    assert model.weight.shape == (3, 2) and model.bias is None and hub.list(str(tmp_path)) == ["small"] and hub.help(str(tmp_path), "small") == "A small one."
    for call, error, words in (
        (lambda: hub.load(tmp_path, "nope", source="local"), RuntimeError, "nope"),
        (lambda: hub.load(tmp_path / "x", "small", source="local"), FileNotFoundError, "hubconf.py"),
        (lambda: hub.load("owner/name:main", "small"), RuntimeError, "owner/name:main.*source='local'"),
        (lambda: hub.load(tmp_path, "small", source="web"), ValueError, "web"),
    ):
        with pytest.raises(error, match=words):
            call()
    (tmp_path / "hubconf.py").write_text("dependencies = ['no_such_package']\ndef small():\n    pass\n")
    with pytest.raises(RuntimeError, match="no_such_package"):
        hub.load(tmp_path, "small", source="local")
    monkeypatch.setattr(hub, "_folder", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    assert hub.get_dir() == str(tmp_path / "home" / "hub")


def test_hub_keeps_files(tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "_folder", None)
    hub.set_dir(tmp_path / "hub")
    torch.save({"x": torch.ones(2)}, tmp_path / "a.pt")
    digest = hashlib.sha256((tmp_path / "a.pt").read_bytes()).hexdigest()
    url = (tmp_path / f"a-{digest[:8]}.pt").as_uri()
    (tmp_path / "a.pt").rename(tmp_path / f"a-{digest[:8]}.pt")
    assert hub.load_state_dict_from_url(url, check_hash=True)["x"].tolist() == [1, 1]
    (tmp_path / f"a-{digest[:8]}.pt").unlink()
    assert torch.utils.model_zoo.load_url(url)["x"].tolist() == [1, 1]          # kept
    other = tmp_path / "b.bin"
    other.write_bytes(b"abc")
    with pytest.raises(RuntimeError, match="invalid hash value"):
        hub.download_url_to_file(other.as_uri(), tmp_path / "c.bin", "0000")
    assert not (tmp_path / "c.bin").exists() and {p.name for p in tmp_path.iterdir()} == {"b.bin", "hub"}


def test_sobol_points():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = qmc.Sobol(5, scramble=False).random(9).astype(np.float32)
    engine = torch.quasirandom.SobolEngine(5)
    first, rest = engine.draw(4), engine.draw(5)
    assert np.array_equal(torch.cat([first, rest]).numpy(), expected) and engine.num_generated == 9
    assert torch.equal(engine.reset().fast_forward(6).draw(3), rest[2:]) and engine.reset().draw(dtype=torch.float64).tolist() == [[0.0] * 5]
    out = torch.empty(0)
    assert engine.reset().draw_base2(3, out=out) is out and np.array_equal(out.numpy(), expected[:8])
    with pytest.raises(ValueError, match="power of 2"):
        engine.draw_base2(2)
    for dimension in (0, 21202):
        with pytest.raises(ValueError, match="21201"):
            torch.quasirandom.SobolEngine(dimension)
    torch.manual_seed(1)
    one = torch.quasirandom.SobolEngine(2, scramble=True).draw(64)
    torch.manual_seed(1)
    assert torch.equal(one, torch.quasirandom.SobolEngine(2, scramble=True).draw(64)) and not torch.equal(one, torch.quasirandom.SobolEngine(2, scramble=True).draw(64))
    assert (one.mean(0) - 0.5).abs().max() < 0.01 and repr(torch.quasirandom.SobolEngine(2, True, 3)) == "SobolEngine(dimension=2, scramble=True, seed=3)"


def test_lobpcg():
    rng = np.random.default_rng(0)
    a, b = (m @ m.T + 12 * np.eye(12) for m in rng.standard_normal((2, 12, 12)))
    values, vectors = scipy.linalg.eigh(a, b)
    e, x = torch.lobpcg(torch.from_numpy(a), 2, torch.from_numpy(b))
    assert np.allclose(e.numpy(), values[:-3:-1]) and np.allclose(np.abs(x.numpy()), np.abs(vectors[:, :-3:-1]))
    e, x = torch.lobpcg(torch.from_numpy(np.stack([a, b])), k=3, largest=False)
    assert np.allclose(e.numpy(), [scipy.linalg.eigvalsh(m)[:3] for m in (a, b)])
    A = torch.from_numpy(a).requires_grad_()
    e, x = torch.lobpcg(A, 1)
    e.sum().backward()
    assert torch.allclose(A.grad, x.detach() @ x.detach().mT)
    with pytest.raises(ValueError, match=r"\(=12\)"):
        torch.lobpcg(A, 5)
    with pytest.raises(ValueError, match="tracker"):
        torch.lobpcg(A, 1, tracker=print)


def test_accelerator_and_cpu():
    if not torch.cuda.is_available():
        assert not torch.accelerator.is_available() and torch.accelerator.device_count() == 0 and torch.accelerator.current_accelerator() is None
        with pytest.raises(RuntimeError, match="none is available"):
            torch.accelerator.synchronize()
        assert torch.get_device_module() is torch.cpu
    assert torch.cpu.device_count() == 1 and torch.cpu.current_device() == "cpu" and torch.cpu.Event().query()
    assert torch.get_device_module("cuda:0") is torch.cuda and all(torch.cpu.get_capabilities().values())
    with pytest.raises(RuntimeError, match="meta"):
        torch.get_device_module("meta")


def test_symbols_are_numbers():
    assert [torch.sym_int(-2.7), torch.sym_float(3), torch.sym_max(1, 2), torch.sym_min(1, 2.0), torch.sym_not(True), torch.sym_ite(True, 1, 2), torch.sym_sum([1, 2, 3])] == [
        -2, 3.0, 2, 1.0, False, 1, 6]
    assert type(torch.sym_min(1, 2.0)) is float and not isinstance(3, torch.SymInt)
    with pytest.raises(TypeError, match="SymInt"):
        torch.SymInt(3)
    x = torch.ones(1)
    assert torch.cond(torch.tensor(False), torch.add, torch.sub, (x, x)).item() == 0 and torch.cond(True, lambda: x, lambda: None) is x
    for pred in (torch.ones(2), "x"):
        with pytest.raises(RuntimeError, match="Expected pred"):
            torch.cond(pred, torch.add, torch.sub, (x, x))


def test_settings_and_facts():
    assert torch.has_lapack and not torch.has_mkl and not torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    assert torch.is_warn_always_enabled()
    torch.set_warn_always(False)
    assert torch.version.torch in torch.__config__.show() and str(torch.get_num_threads()) in torch.__config__.parallel_info()
    assert torch.version.cuda is None and torch.version.__version__ == torch.__version__
    assert torch.types.Number == int | float | bool and issubclass(torch.types.Storage, torch.UntypedStorage)
    x = torch.ones(2, 3, 4)
    assert x.dim_order() == (0, 1, 2) and x.transpose(0, 2).dim_order() == (2, 1, 0) and torch.ones(1, 3, 1, 5).dim_order() == (0, 1, 2, 3)
    assert torch.ones(2, 1, 3).expand(2, 4, 3).dim_order() == (0, 1, 2) and torch.tensor(1).dim_order() == ()
    assert x.const_data_ptr() == x.data_ptr()
    assert not (x.is_mps or x.is_xpu or x.is_ipu or x.is_xla or x.is_mkldnn)
    with pytest.raises(RuntimeError, match="unique"):
        torch.ones(2, 1, 3).dim_order(ambiguity_check=True)
    assert torch.return_types.max_out is torch.return_types.max and torch.legacy_contiguous_format is torch.contiguous_format
    y = torch.tensor([-1.0, 2.0])
    assert torch.rrelu_(y) is y and y[1] == 2 and y[0] == -(1 / 8 + 1 / 3) / 2
    torch.testing.assert_allclose(torch.ones(2), [1, 1.00001])
    with pytest.raises(AssertionError):
        torch.testing.assert_allclose(torch.ones(2), [1, 1.1])


def test_conv_tbc():
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal((5, 2, 3)), rng.standard_normal((3, 3, 4)), rng.standard_normal(4)
    padded = np.pad(x, ((1, 1), (0, 0), (0, 0)))
    expected = np.stack([sum(padded[t + k] @ w[k] for k in range(3)) + b for t in range(5)])
    assert np.allclose(torch.conv_tbc(*map(torch.from_numpy, (x, w, b)), 1).numpy(), expected)
    with pytest.raises(RuntimeError, match="channels"):
        torch.conv_tbc(torch.ones(5, 2, 2), torch.from_numpy(w), torch.from_numpy(b))


def test_swapped_tensors():
    a, b = nn.Parameter(torch.ones(2)), torch.zeros(3, dtype=torch.float64)
    a.grad, a.x = torch.full((2,), 5.0), 3
    swap_tensors(a, b)
    assert type(a) is torch.Tensor and type(b) is nn.Parameter and a.tolist() == [0, 0, 0] and b.tolist() == [1, 1] and b.x == 3 and not hasattr(a, "x")
    assert a.dtype == torch.float64 and not a.requires_grad and b.requires_grad and a.grad is None and b.grad.tolist() == [5, 5]
    with pytest.raises(RuntimeError, match="recorded"):
        swap_tensors(b * 2, a)
    with pytest.raises(RuntimeError, match="int64"):
        swap_tensors(a, torch.ones(1, dtype=torch.int64))
    import weakref
    ref = weakref.ref(a)
    with pytest.raises(RuntimeError, match="t1.*weakref"):
        swap_tensors(a, b)
    assert ref() is a


def test_benchmark_timers_and_tables():
    calls = []
    timer = benchmark.Timer("calls.append(1); x + x", "x = torch.ones(3)", globals={"calls": calls}, label="add", sub_label="three", description="now")
    measured = timer.timeit(20)
    assert len(calls) >= 20 and measured.number_per_run == 20 and len(measured.times) == 1 and 0 < measured.median < 1 and measured.label == "add"
    blocks = timer.blocked_autorange(min_run_time=0.01)
    assert sum(blocks.raw_times) >= 0.01 and blocks.mean > 0 and "three" in repr(blocks)
    made = benchmark.Measurement(10, [10.0, 20.0, 30.0, 20.0], measured.task_spec)
    assert "4 measurements, 10 runs per measurement, 1 thread" in repr(made) and "1 measurement, 20 runs" in repr(measured)
    assert made.median == 2.0 and made.mean == 2.0 and made.iqr == 0.5 and made.has_warnings and not made.meets_confidence()
    other = benchmark.Measurement(1, [1.0], benchmark.TaskSpec("y", "pass", label="add", sub_label="one", description="then", num_threads=2))
    table = benchmark.Compare([made, other])
    table.trim_significant_figures()
    text = str(table)
    assert "now" in text and "then" in text and "2 threads" in text and "three" in text and "Times are in seconds (s)" in text
    merged = benchmark.Measurement.merge([made, benchmark.Measurement(5, [5.0], made.task_spec)])
    assert len(merged) == 1 and sorted(merged[0].times) == [1, 1, 2, 2, 3]
    assert benchmark.select_unit(2e-5) == ("us", 1e-6) and benchmark.select_unit(3.0)[0] == "s" and benchmark.trim_sigfig(1234.5, 2) == 1200
    before = torch.get_num_threads()
    benchmark.Timer("n.append(torch.get_num_threads())", globals={"n": (seen := [])}, num_threads=1).timeit(1)
    assert set(seen) == {1} and torch.get_num_threads() == before
    for call in (lambda: benchmark.Timer(len), lambda: benchmark.Timer("x", language="c++"), lambda: benchmark.Compare([3])):
        with pytest.raises(ValueError):
            call()


def test_module_tracker():
    seen = []

    class Look(nn.Module):
        def forward(self, x):
            seen.append(set(tracker.parents))
            return x

    net = nn.Sequential(nn.Sequential(Look()), Look())
    with ModuleTracker() as tracker:
        net(torch.ones(1))
    assert seen == [{"Global", "Sequential", "Sequential.0", "Sequential.0.0"}, {"Global", "Sequential", "Sequential.1"}] and tracker.parents == {"Global"}
    net(torch.ones(1))
    assert len(seen) == 4 and seen[-1] == {"Global"}


def test_names_of_autograd():
    from pyxtorch.autograd.function import FunctionCtx
    from pyxtorch.autograd.grad_mode import set_multithreading_enabled

    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            assert isinstance(ctx, FunctionCtx)
            return 2 * x

        @staticmethod
        def backward(ctx, g):
            assert isinstance(ctx, FunctionCtx)
            return 2 * g

    x = torch.ones(1, requires_grad=True)
    with set_multithreading_enabled(False):
        Double.apply(x).backward()
    assert x.grad.item() == 2
    with pytest.raises(TypeError, match="str"):
        set_multithreading_enabled("no")


def test_backends_are_modules(monkeypatch):
    import pyxtorch.backends.cudnn as cudnn
    from pyxtorch.nn.common_types import _size_2_t
    from pyxtorch.utils.data._utils.collate import default_collate

    assert torch.backends.cudnn is cudnn and default_collate is torch.utils.data.default_collate and _size_2_t == int | tuple[int, int]
    with cudnn.flags(enabled=False, benchmark=True):
        assert cudnn.benchmark and not cudnn.enabled
    assert cudnn.enabled and not cudnn.benchmark and not cudnn.is_acceptable(torch.ones(1))
    torch.backends.cuda.enable_math_sdp(False)
    assert not torch.backends.cuda.math_sdp_enabled() and torch.backends.cuda.flash_sdp_enabled()
    torch.backends.cuda.enable_math_sdp(True)
    for name in ("mkl", "mkldnn", "openmp", "mps"):
        assert not getattr(torch.backends, name).is_available()


def test_functional_is_the_same_operations():
    from pyxtorch import functional

    assert all(getattr(functional, name) is getattr(torch, name) for name in functional.__all__)
