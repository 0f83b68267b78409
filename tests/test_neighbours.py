"""Packages beside NumPy that take tensors: each with the real one where it is installed."""
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import pyxtorch as torch


def run(code, *, path=None, **environment):
    """A program in a process of its own; what it prints."""
    import os

    paths = [str(path)] if path else []
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=300,
                          env=os.environ | environment | {"PYTHONPATH": os.pathsep.join([*paths, *sys.path])})  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


# ------------------------------------------------------------------------------------ einops


@pytest.mark.parametrize("first", ["einops", "pyxtorch"])
def test_einops_is_told_whichever_is_imported_first(tmp_path, first):
    """A package in einops' place: the backend is among the subclasses of its AbstractBackend, which nobody imports for it."""
    (tmp_path / "einops").mkdir()
    (tmp_path / "einops" / "__init__.py").write_text("from . import _backends\n")
    (tmp_path / "einops" / "_backends.py").write_text("class AbstractBackend:\n    pass\n")
    second = {"einops": "pyxtorch", "pyxtorch": "einops"}[first]
    assert run(f"""
        import sys
        import {first}
        assert "pyxtorch" in sys.modules or "pyxtorch._einops" not in sys.modules
        assert ("einops" in sys.modules) == ({first!r} == "einops")
        import {second}, einops._backends as b, gc, pyxtorch as torch
        gc.collect()
        (backend,) = b.AbstractBackend.__subclasses__()
        x = torch.arange(6.0).reshape(2, 3)
        one = backend()
        assert one.is_appropriate_type(x) and not one.is_appropriate_type(3) and one.framework_name in sys.modules
        assert [one.reduce(x, name, (0, 1)).item() for name in ("min", "max", "sum", "mean", "prod")] == [0, 5, 15, 2.5, 0]
        assert one.add_axes(x, 3, {{1: 4}}).shape == (2, 4, 3) and one.concat([x, x], 1).shape == (2, 6) and one.tile(x, (2, 1)).shape == (4, 3)
        print(backend.__name__)
    """, path=tmp_path) == "PyxtorchBackend"  # fmt: skip


def test_einops():
    einops = pytest.importorskip("einops")
    a = np.arange(24, dtype="float32").reshape(2, 3, 4)
    x = torch.from_numpy(a).requires_grad_()
    for got, expected in (
        (einops.rearrange(x, "a b c -> (c a) b"), einops.rearrange(a, "a b c -> (c a) b")), (einops.reduce(x, "a b c -> b", "sum"), einops.reduce(a, "a b c -> b", "sum")),
        (einops.reduce(x, "a (b d) c -> a b", "prod", d=3), einops.reduce(a, "a (b d) c -> a b", "prod", d=3)), (einops.repeat(x, "a b c -> a 2 b c"), einops.repeat(a, "a b c -> a 2 b c")),
        (einops.reduce(x, "a b c -> a", "max"), einops.reduce(a, "a b c -> a", "max")), (einops.einsum(x, x, "a b c, a b d -> c d"), einops.einsum(a, a, "a b c, a b d -> c d")),
        (einops.rearrange([x, x], "n a b c -> a n b c"), einops.rearrange([a, a], "n a b c -> a n b c")), (einops.pack([x, x[0]], "* b c")[0], einops.pack([a, a[0]], "* b c")[0]),
    ):  # fmt: skip
        assert type(got) is torch.Tensor and got.requires_grad and np.allclose(got.detach().numpy(), expected)
    assert einops.reduce(x > 4, "a b c -> a", "any").tolist() == [True, True] and einops.parse_shape(x, "a b _") == {"a": 2, "b": 3}


# ------------------------------------------------------------------------------ SciPy, scikit-learn

SCIPY = """
    import numpy as np
    from scipy import cluster, fft, integrate, ndimage, signal, special, stats
    from scipy.cluster import vq
    from scipy.optimize import elementwise
    import pyxtorch as torch
    a, b = np.random.default_rng(0).standard_normal((2, 3, 40))
    x, y = torch.from_numpy(a), torch.from_numpy(b)
    calls = 0

    def same(function, *args, **kwargs):
        global calls
        calls += 1
        plain = [value.numpy() if isinstance(value, torch.Tensor) else value for value in args]
        got, expected = function(*args, **kwargs), function(*plain, **kwargs)
        if hasattr(got, "statistic"):
            got, expected = (got.statistic, got.pvalue), (expected.statistic, expected.pvalue)
        for one, other in zip(got, expected) if isinstance(got, tuple) else [(got, expected)]:
            assert type(one) is torch.Tensor, (function, type(one))
            np.testing.assert_allclose(one.numpy(), other, rtol=1e-6, atol=1e-9, err_msg=str(function))

    for name in ("fft", "rfft2", "dct", "dstn", "fftshift", "ihfft"):
        same(getattr(fft, name), x)
    same(fft.irfft, torch.fft.rfft(x))
    for name in ("erf", "expit", "i0", "ndtri", "logit", "gammaln"):
        same(getattr(special, name), abs(x) / 9)
    same(special.logsumexp, x, axis=0)
    same(special.softmax, x, axis=1)
    same(special.xlogy, abs(x), y)
    for name in ("zscore", "skew", "kurtosis", "variation", "moment", "sem", "normaltest", "jarque_bera"):
        same(getattr(stats, name), x, axis=1)
    same(stats.gmean, abs(x))
    same(stats.ttest_1samp, x, 0.0, axis=1)
    same(stats.ttest_ind, x, y, axis=1)
    same(stats.pearsonr, x, y, axis=1)
    for name in ("hilbert", "detrend", "medfilt"):
        same(getattr(signal, name), x)
    same(signal.fftconvolve, x, y, axes=1)
    same(signal.convolve, x[0], y[0])
    same(signal.savgol_filter, x, 5, 2)
    same(signal.sosfilt, torch.from_numpy(signal.butter(2, 0.3, output="sos")), x)
    for name, more in (("gaussian_filter", 1.0), ("uniform_filter", 3), ("median_filter", 3), ("zoom", 2.0), ("rotate", 30.0)):
        same(getattr(ndimage, name), x, more)
    same(vq.whiten, x)
    same(vq.vq, x.T.contiguous(), y.T[:3].contiguous())
    same(integrate.trapezoid, x, axis=1)
    same(integrate.cumulative_trapezoid, x, axis=1)
    root = elementwise.find_root(lambda z: z ** 3 - 2, (torch.zeros(2).double(), torch.full((2,), 3.0).double())).x
    assert type(root) is torch.Tensor and abs(root ** 3 - 2).max() < 1e-9
    print(calls)
    """


@pytest.mark.parametrize("begin", ["", "import pyxtorch; pyxtorch.as_torch()"], ids=["plain", "alias"])
def test_scipy_gives_tensors_back(begin):
    """With SCIPY_ARRAY_API=1; under the alias SciPy takes tensors for torch's and wraps them with a namespace of its own."""
    assert int(run(f"\n    {begin}{SCIPY}", SCIPY_ARRAY_API="1")) > 40
