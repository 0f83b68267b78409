"""Tables of kernels, and the lists that kernels are made from."""
import ctypes
import re
from pathlib import Path

import numpy as np
import pytest

import pyxtorch as torch
from pyxtorch import _core
from pyxtorch.kernels import formulas
from pyxtorch.ops import special

ROOT = Path(__file__).resolve().parent.parent
SOURCES = list((ROOT / "pyxtorch").rglob("*.pyx"))


def test_formulas_are_data():
    found = {f.name: f for f in formulas() if not f.complex_form}
    add = found["add_scaled"]
    assert (add.text, add.operands, add.scalars, add.result) == ("x + s[0] * y", ("x", "y"), 1, "same")
    assert torch.float16 in add.dtypes and torch.complex64 in add.dtypes and torch.int32 not in add.dtypes
    assert found["where"].operands == ("m", "x", "y") and found["addcmul"].operands == ("x", "y", "z")
    assert found["eq"].result == "bool" and found["abs"].result == "real" and found["polar"].result == "complex"
    assert found["clamp_scalar"].scalars == 2 and found["bitwise_and"].dtypes == tuple(d for d in dict.fromkeys(_core.dtypes().values()) if not (d.is_floating_point or d.is_complex))
    assert {f.name for f in formulas() if f.complex_form} <= set(found)


def test_formulas_are_what_is_computed():
    """The text, read as Python, gives what the operation of that name gives."""
    x, y = np.array([0.5, -1.25, 3.0]), np.array([2.0, 0.75, -0.5])
    plain = {f.name: f.text.replace("(T)", "").replace("&", " and ") for f in formulas() if f.name in ("add_scaled", "add_scalar")}
    assert eval(plain["add_scaled"], {"x": x, "y": y, "s": [2.0]}).tolist() == torch.add(torch.tensor(x), torch.tensor(y), alpha=2).tolist()
    assert eval(plain["add_scalar"], {"x": x, "s": [1.5]}).tolist() == (torch.tensor(x) + 1.5).tolist()


@pytest.mark.skipif(not SOURCES, reason="the sources are not beside the tests")
def test_lists_in_headers_have_users():
    """Every reduction and every optimiser is asked for by an operation, and none that does not exist."""
    text = "".join(path.read_text() for path in SOURCES)
    for header, asked in (("reductions", "reduction"), ("optim_steps", "recipe")):
        listed = set(re.findall(r"^ *X\((\w+), \w+", (ROOT / "include" / "pyxtorch" / f"{header}.h").read_text(), re.M))
        used = set(re.findall(rf'\b{asked}\(b"(\w+)"', text))
        assert listed == used, header


@pytest.mark.skipif(not SOURCES, reason="the sources are not beside the tests")
def test_every_formula_is_asked_for():
    """By an operation, by name; and none that does not exist."""
    asked = set(re.findall(r'\bformula\(b"(\w+)"', "".join(path.read_text() for path in SOURCES))) | set(special.POLYNOMIALS)
    assert asked == {f.name for f in formulas()}


@pytest.mark.skipif(not SOURCES, reason="the sources are not beside the tests")
def test_a_kernel_that_a_device_lacks_is_noticed_by_whoever_calls_it():
    """Every entry is declared so, but for those that only the CPU's table is asked for. tests/standin tries it."""
    silent = set()
    for path in (ROOT / "pyxtorch" / "kernels").glob("*.pxd"):
        entries = re.findall(r"\(\*(\w+)\)\(.*?\) (noexcept|except\? NO_KERNEL) nogil", path.read_text(), re.S)
        assert entries, path
        silent |= {name for name, how in entries if how == "noexcept"}
    assert silent == {"formula", "result_dtype", "loop", "pyx_loop", "name"}


def capsule(words, name):
    """A capsule of memory that begins with these 64-bit words."""
    memory = (ctypes.c_uint64 * 8)(*words)
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return memory, new(ctypes.addressof(memory), name, None)


def test_kernels_of_another_build_are_refused():
    memory, foreign = capsule([999], b"pyxtorch.kernels")
    with pytest.raises(ImportError, match="another build"):
        _core.register_cpu_kernels(foreign)
    assert memory[0] == 999 and torch.ones(2).sum() == 2


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_layout_that_kernels_take_is_not_copied(n):
    """Means over windows of images whose channels lie next to each other: the same numbers, in the same layout."""
    pool, adaptive = (getattr(torch.nn.functional, f"{name}_pool{n}d") for name in ("avg", "adaptive_avg"))
    order = (0, n + 1, *range(1, n + 1))
    for dtype in (torch.float64, torch.float32, torch.float16):
        rows = torch.randn(2, 5, *(9, 8, 7)[:n], dtype=torch.float64).to(dtype)
        last = rows.permute(0, *range(2, n + 2), 1).contiguous().permute(*order).requires_grad_()
        for f in (lambda x: pool(x, 3, 2, 1), lambda x: pool(x, 2, count_include_pad=False, ceil_mode=True), lambda x: adaptive(x, 3)):
            y, expected = f(last), f(rows)
            torch.testing.assert_close(y, expected, check_stride=False)
            if dtype != torch.float16:  # computed in float32, whose copy is in rows
                assert y.stride(1) == 1 and (y.shape[0] == 1 or y.stride(0) == y.numel() // 2)
            (g,) = torch.autograd.grad(y.square().sum(), last)
            z = rows.clone().requires_grad_()
            torch.testing.assert_close(g, torch.autograd.grad(f(z).square().sum(), z)[0], check_stride=False)
    empty = torch.randn(0, 5, *(9, 8, 7)[:n])
    assert pool(empty, 2).shape[:2] == (0, 5)
