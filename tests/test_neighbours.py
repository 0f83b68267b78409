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


SKLEARN = """
    import numpy as np
    import pyxtorch as torch
    import sklearn.metrics as m
    from sklearn import config_context
    from sklearn.datasets import make_classification
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import Ridge, RidgeClassifierCV
    from sklearn.metrics import pairwise
    from sklearn.model_selection import GridSearchCV, cross_val_predict, train_test_split
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import LabelEncoder, MaxAbsScaler, MinMaxScaler, Normalizer, PolynomialFeatures, StandardScaler

    a, b = make_classification(200, 10, random_state=0)
    x, y = torch.from_numpy(a), torch.from_numpy(b)
    with config_context(array_api_dispatch=True):
        for make, name in (
            (lambda: PCA(3, svd_solver="full"), "transform"), (lambda: PCA(3, svd_solver="covariance_eigh"), "transform"), (StandardScaler, "transform"),
            (MinMaxScaler, "transform"), (MaxAbsScaler, "transform"), (Normalizer, "transform"), (PolynomialFeatures, "transform"),
            (LinearDiscriminantAnalysis, "predict_proba"), (lambda: Ridge(solver="svd"), "predict"), (RidgeClassifierCV, "predict"), (GaussianNB, "predict_proba"),
            (lambda: make_pipeline(StandardScaler(), PCA(3, svd_solver="full"), Ridge(solver="svd")), "predict"),
        ):
            ours, numpys = getattr(make().fit(x, y), name)(x), getattr(make().fit(a, b), name)(a)
            assert type(ours) is torch.Tensor
            np.testing.assert_allclose(abs(ours.numpy()), abs(numpys), rtol=1e-6, atol=1e-8)
        assert all(type(part) is torch.Tensor for part in train_test_split(x, y, random_state=0))
        assert type(cross_val_predict(LinearDiscriminantAnalysis(), x, y)) is torch.Tensor
        assert GridSearchCV(Ridge(solver="svd"), {"alpha": [0.1, 1.0]}).fit(x, y.double()).best_score_ > 0
        assert LabelEncoder().fit(y).transform(y).tolist() == b.tolist()
        p = torch.from_numpy(np.random.default_rng(0).random(200))
        for name in "accuracy_score f1_score precision_score recall_score zero_one_loss jaccard_score".split():
            assert abs(getattr(m, name)(y, (p > 0.5).long()) - getattr(m, name)(b, (p.numpy() > 0.5) * 1)) < 1e-6, name
        assert m.confusion_matrix(y, (p > 0.5).long()).tolist() == m.confusion_matrix(b, (p.numpy() > 0.5) * 1).tolist()
        for name in "mean_squared_error mean_absolute_error r2_score max_error log_loss brier_score_loss".split():
            assert abs(float(getattr(m, name)(y.double() if "error" in name or "r2" in name else y, p)) - getattr(m, name)(b, p.numpy())) < 1e-5, name
        for name in "cosine_similarity euclidean_distances rbf_kernel linear_kernel polynomial_kernel".split():
            ours = getattr(pairwise, name)(x, x[:5])
            assert type(ours) is torch.Tensor
            np.testing.assert_allclose(ours.numpy(), getattr(pairwise, name)(a, a[:5]), rtol=1e-6, atol=1e-6, err_msg=name)
    print("done")
    """


@pytest.mark.parametrize("begin", ["", "import pyxtorch; pyxtorch.as_torch()"], ids=["plain", "alias"])
def test_scikit_learn_gives_tensors_back(begin):
    """With array_api_dispatch=True."""
    pytest.importorskip("sklearn")
    assert run(f"\n    {begin}{SKLEARN}", SCIPY_ARRAY_API="1") == "done"


def test_array_api_compat():
    compat = pytest.importorskip("array_api_compat")
    x = torch.ones(2, 3)
    xp = compat.array_namespace(x, 1.0, None)
    assert xp is x.__array_namespace__() and compat.is_array_api_obj(x) and not compat.is_torch_array(x)
    assert compat.device(x) == torch.device("cpu") and compat.to_device(x, "cpu") is x and compat.size(x) == 6


UNDER_THE_ALIAS = """
    import pyxtorch
    pyxtorch.as_torch()
    import array_api_compat, numpy as np, torch
    x = torch.tensor([[3.0, 1.0, 2.0]])
    xp = array_api_compat.array_namespace(x)
    assert xp.__name__ == "array_api_compat.torch" and array_api_compat.is_torch_array(x)
    assert xp.sort(x, axis=1).tolist() == [[1, 2, 3]] and xp.max(x, axis=1, keepdims=True).shape == (1, 1) and xp.take(x, torch.tensor([2]), axis=1).item() == 2
    assert xp.add(x, torch.tensor(1.0, dtype=xp.float64)).dtype is xp.float64 and xp.astype(x, xp.int8).dtype is xp.int8 and xp.isdtype(x.dtype, "real floating")
    assert abs(xp.linalg.vector_norm(x, axis=1).item() - 14 ** 0.5) < 1e-6
    assert xp.fft.fft(x, axis=0).shape == (1, 3) and xp.__array_namespace_info__().default_dtypes()["integral"] is torch.int64
    assert xp.unique_values(x).tolist() == [1, 2, 3] and xp.cumulative_sum(x[0]).tolist() == [3, 4, 6] and xp.std(x, correction=1).item() == 1
    print("done")
    """


def test_array_api_compat_under_the_alias():
    pytest.importorskip("array_api_compat")
    assert run(UNDER_THE_ALIAS) == "done"


# --------------------------------------------------------------------- pandas, matplotlib, Pillow


def test_pandas():
    pd = pytest.importorskip("pandas")
    x, v = torch.arange(6.0).reshape(2, 3), torch.arange(3)
    frame = pd.DataFrame(x, columns=list("abc"))
    assert frame.shape == (2, 3) and set(frame.dtypes.astype(str)) == {"float32"} and frame.to_numpy().tolist() == x.tolist()
    frame = pd.DataFrame({"a": v, "b": v.double()})
    assert frame.dtypes.astype(str).tolist() == ["int64", "float64"]
    frame["c"] = v * 2
    assert frame.c.tolist() == [0, 2, 4] and frame.iloc[v[:2]].shape == (2, 3) and pd.Index(v).tolist() == pd.Series(v).tolist() == [0, 1, 2]
    assert len(pd.cut(x.reshape(-1), 3)) == 6 and torch.tensor(frame.b).dtype is torch.float64 and torch.tensor(frame.to_numpy()).shape == (3, 3)


def test_matplotlib():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    x, v = torch.arange(6.0).reshape(2, 3), torch.arange(3)
    figure, axes = plt.subplots()
    lines = axes.plot(v, x.T) + axes.plot(x)
    assert [line.get_ydata().tolist() for line in lines] == [[0, 1, 2], [3, 4, 5], [0, 3], [1, 4], [2, 5]]
    assert axes.hist(x.reshape(-1), bins=3)[0].tolist() == [2, 2, 2] and axes.scatter(v, v, c=x[0], s=v + 1).get_offsets().tolist() == [[0, 0], [1, 1], [2, 2]]
    assert axes.imshow(x).get_array().tolist() == x.tolist() and axes.bar(v, v)[2].get_height() == 2
    axes.errorbar(v, v, yerr=v)
    axes.fill_between(v, x[0], x[1])
    axes.contourf(x.expand(2, 3))
    axes.set_xlim(torch.tensor(0.0), torch.tensor(3.0))
    figure.canvas.draw()
    with pytest.raises((RuntimeError, matplotlib.units.ConversionError), match="requires.grad"):
        axes.plot(torch.ones(3, requires_grad=True))
    plt.close(figure)


def test_pillow():
    pytest.importorskip("PIL")
    from PIL import Image

    pixels = torch.arange(60, dtype=torch.uint8).reshape(5, 4, 3)
    image = Image.fromarray(np.asarray(pixels))
    assert image.size == (4, 5) and torch.equal(torch.asarray(image), pixels) and torch.equal(torch.from_numpy(np.array(image)), pixels)
    assert Image.fromarray(pixels[:, :, 0].contiguous().numpy()).mode == "L"


def test_what_scipy_and_scikit_learn_found():
    """Things that their own tests ask of torch."""
    assert torch.searchsorted(torch.tensor([1, 2, 3]), torch.tensor([2.5])).tolist() == [2] and torch.bucketize(torch.tensor(0.5), torch.arange(3.0).double()).item() == 1
    assert torch.searchsorted(torch.tensor([1, 2, 3], dtype=torch.int8), torch.tensor([300, 2])).tolist() == [3, 1]
    assert torch.searchsorted(torch.tensor([1, 2, 3], dtype=torch.int8), torch.tensor(257)).item() == 3
    z = torch.tensor([1 + 2j], dtype=torch.complex128)
    assert z.view(float).tolist() == [1, 2] and torch.ones(2).double().view(int).dtype is torch.int64
    with pytest.raises(TypeError, match="dtype"):
        z.view(str)
    assert torch.polygamma(torch.tensor(1), torch.ones(1)).item() == torch.polygamma(1, torch.ones(1)).item()
    with pytest.raises(RuntimeError, match="Expected one of cpu, cuda, .* device type at start of device string: notadevice"):
        torch.device("notadevice")
    big = torch.tensor([1, 2**64 - 1], dtype=torch.uint64)
    torch.testing.assert_close(big[:1], torch.tensor([1]), check_dtype=False)
    for other in (torch.tensor([1, -1]), torch.tensor([1, 1])):
        with pytest.raises(AssertionError):
            torch.testing.assert_close(big, other, check_dtype=False)
