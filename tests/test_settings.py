"""Settings of the whole process, and what computes underneath."""
import pytest

import pyxtorch as torch


def test_determinism_switches():
    assert not torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    assert torch.are_deterministic_algorithms_enabled() and torch.is_deterministic_algorithms_warn_only_enabled()
    torch.set_deterministic_debug_mode("error")
    assert torch.get_deterministic_debug_mode() == 2
    torch.use_deterministic_algorithms(False)
    assert torch.get_deterministic_debug_mode() == 0
    with pytest.raises(TypeError, match="bool"):
        torch.use_deterministic_algorithms(1)
    with pytest.raises(RuntimeError, match="expected one of"):
        torch.set_deterministic_debug_mode("loud")
    with pytest.raises(RuntimeError, match="got 3"):
        torch.set_deterministic_debug_mode(3)


def test_matmul_precision():
    assert torch.get_float32_matmul_precision() == "highest"
    torch.set_float32_matmul_precision("high")
    assert torch.get_float32_matmul_precision() == "high"
    with pytest.warns(UserWarning, match="lowest"):
        torch.set_float32_matmul_precision("lowest")
    assert torch.get_float32_matmul_precision() == "high"
    torch.set_float32_matmul_precision("highest")


def test_threads_and_denormals():
    with pytest.raises(RuntimeError, match="positive"):
        torch.set_num_interop_threads(0)
    torch.set_num_interop_threads(3)
    assert torch.get_num_interop_threads() == 3
    assert torch.set_flush_denormal(True) is False
    assert (torch.tensor(1e-40) * 1).item() > 0


def test_typename():
    assert torch.typename(torch.ones(1)) == "torch.FloatTensor"
    assert torch.typename(3) == "int"
    assert torch.typename(torch.nn.Linear(1, 1)) == "pyxtorch.nn.modules.linear.Linear"


def test_backends_say_what_is_there():
    assert torch.backends.cpu.get_cpu_capability() in ("DEFAULT", "AVX2", "AVX512")
    assert not torch.backends.cudnn.is_available() and torch.backends.cudnn.version() is None
    assert not torch.backends.mps.is_available()
    torch.backends.cudnn.benchmark = True
    assert torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = False
