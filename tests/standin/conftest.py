"""Loads the stand-in GPU where PYXTORCH_CUDA_STANDIN=1; with PYXTORCH_TEST_GPU=1 the tests run on a real one.

Elsewhere they are skipped. test_standin.py is about the stand-in itself.
"""
import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
STANDIN = os.environ.get("PYXTORCH_CUDA_STANDIN") == "1"
GPU = os.environ.get("PYXTORCH_TEST_GPU") == "1"


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents and not STANDIN and (not GPU or item.path.name == "test_standin.py"):
            item.add_marker(pytest.mark.skip(reason="needs PYXTORCH_CUDA_STANDIN=1: make test-standin"))


if STANDIN:
    spec = importlib.util.spec_from_file_location("standin_build", HERE / "build.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    build.load()


def same(found, expected, tolerance):
    """Whether a result of the GPU is that of the CPU, in values, shape, dtype and kind."""
    if isinstance(expected, (tuple, list)):
        assert len(found) == len(expected)
        for f, e in zip(found, expected):
            same(f, e, tolerance)
        return
    assert found.is_cuda and found.shape == expected.shape and found.dtype == expected.dtype
    wide = np.complex128 if expected.dtype.is_complex else np.float64
    found, expected = (np.asarray((x if x.dtype.itemsize > 2 else x.float()).numpy(), wide) for x in (found.detach().cpu(), expected.detach()))
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.fixture(scope="module", autouse=True)
def compiled_together(request):
    """The kernels of the test modules' SOURCES in one program each: far quicker than one after the other at their first
    use. Processes share the programs out among themselves: what one of them is at, the others leave for last."""
    if not STANDIN or not getattr(request.module, "SOURCES", ()):
        return
    import fcntl

    from pyxtorch import _cuda, _cuda_program

    _cuda.load()
    wanted = {source for item in request.session.items for source in getattr(item.module, "SOURCES", ())}
    programs = [(source, list(dict.fromkeys(names.values()))) for source, names in _cuda.defined_kernels if source in wanted]
    folder = _cuda_program.cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for wait in (fcntl.LOCK_NB, 0):
        for source, names in programs:
            with open(folder / f"{source}.lock", "w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | wait)
                except BlockingIOError:
                    continue
                _cuda.prepare(source, names)


@pytest.fixture
def agree():
    """agree(f, *arguments): f gives the same on the GPU as on the CPU; tensors among the arguments are moved."""
    import pyxtorch as torch

    def check(f, *arguments, tolerance=1e-5):
        same(f(*[x.cuda() if isinstance(x, torch.Tensor) else x for x in arguments]), f(*arguments), tolerance)

    return check
