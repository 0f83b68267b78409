"""Files that pyxtorch and PyTorch itself write for each other: archives and legacy files, weights only and trusted. Needs an installed torch,
which runs in a process of its own."""
import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import pyxtorch

pytestmark = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")

# What is written, by either library under the name `torch`; `told` is what a reader finds, as JSON.
CONTENT = '''
import collections, json, sys
import numpy as np

DTYPES = "float32 float64 float16 bfloat16 int8 int16 int32 int64 uint8 bool complex64 complex128".split()
NEWER = "uint16 uint32 uint64 float8_e4m3fn float8_e5m2".split()         # PyTorch cannot read its own legacy files of these


def plain(torch, legacy):
    base = torch.arange(12.0).reshape(3, 4)
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))         # whose second module is not run: nothing here is rounded
    for i, p in enumerate(net.parameters()):
        p.data.copy_(torch.arange(p.numel()).reshape(p.shape) + i)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.25, momentum=0.5)
    net[0](torch.arange(12.0).reshape(4, 3)).pow(2).sum().backward()
    optimizer.step()
    return {
        "dtypes": {name: torch.tensor([0, 1, 1]).to(getattr(torch, name)) for name in DTYPES + NEWER * (not legacy)}, "view": base.t()[1:], "same": base, "empty": torch.empty(0, 3), "number": torch.tensor(7),
        "parameter": torch.nn.Parameter(torch.ones(2)), "grad": torch.ones(2, requires_grad=True), "net": net.state_dict(), "optimizer": optimizer.state_dict(),
        "python": [1, 2.5, "text", True, None, (1, 2), {3: b"bytes"}, 2**70, 1j], "ordered": collections.OrderedDict(b=1, a=2), "size": torch.Size([2, 3]), "dtype": torch.float16,
        "sparse": torch.sparse_coo_tensor(torch.tensor([[0, 2]]), torch.tensor([5.0, 6.0]), (4,)),
    }


def with_numpy(torch, legacy):
    return {"array": np.arange(6.0).reshape(2, 3), "scalar": np.float32(1.5), "tensor": torch.ones(2)}


def with_module(torch, legacy):
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.LSTM(2, 3))
    for i, p in enumerate(net.parameters()):
        p.data.fill_(i)
    return {"net": net, "device": torch.device("cpu")}


def told(torch, x):
    if isinstance(x, torch.nn.Module):
        return ["module", [type(m).__name__ for m in x.modules()], told(torch, x.state_dict())]
    if isinstance(x, torch.Tensor):
        if x.layout is torch.sparse_coo:
            x = x.to_dense()
        y = x.detach()
        y = torch.view_as_real(y) if y.is_complex() else y
        return [type(x).__name__, str(x.dtype).replace("torch.", ""), list(x.shape), y.to(torch.float64).tolist(), x.requires_grad, list(x.stride())]
    if isinstance(x, np.ndarray):
        return ["array", str(x.dtype), x.tolist()]
    if isinstance(x, np.generic):
        return ["scalar", str(x.dtype), x.item()]
    if isinstance(x, dict):
        return [type(x).__name__, [[told(torch, k), told(torch, v)] for k, v in x.items()]]
    if isinstance(x, (list, tuple)):
        return [type(x).__name__, [told(torch, v) for v in x]]
    return [type(x).__name__, repr(x).replace("pyxtorch.", "torch.")]
'''
PEER = CONTENT + '''
import torch
assert "pyxtorch" not in sys.modules
folder, what = sys.argv[1:]
if what == "write":
    for name in ("plain", "with_numpy", "with_module"):
        for legacy in (False, True):
            torch.save(globals()[name](torch, legacy), f"{folder}/torch_{name}_{int(legacy)}", _use_new_zipfile_serialization=not legacy)
else:
    out = {}
    for name in ("plain", "with_numpy", "with_module"):
        for legacy in (0, 1):
            for weights_only in (True, False):
                try:
                    read = torch.load(f"{folder}/pyxtorch_{name}_{legacy}", weights_only=weights_only)
                    out[f"{name}_{legacy}_{int(weights_only)}"] = told(torch, read), name != "plain" or read["same"].untyped_storage().data_ptr() == read["view"].untyped_storage().data_ptr()
                except Exception as error:
                    out[f"{name}_{legacy}_{int(weights_only)}"] = type(error).__name__, True
    print(json.dumps(out))
'''
ours = {}
exec(CONTENT, ours)


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    """The folder in which both have written, and what PyTorch has read of our files."""
    folder = tmp_path_factory.mktemp("exchange")
    for name in ("plain", "with_numpy", "with_module"):
        for legacy in (False, True):
            pyxtorch.save(ours[name](pyxtorch, legacy), f"{folder}/pyxtorch_{name}_{int(legacy)}", _use_new_zipfile_serialization=not legacy)
    environment = {**os.environ, "PYTHONPATH": ""}
    answers = [subprocess.run([sys.executable, "-W", "ignore", "-c", PEER, str(folder), what], capture_output=True, text=True, env=environment, timeout=300) for what in ("write", "read")]
    for done in answers:
        assert done.returncode == 0, done.stderr[-2000:]
    return folder, json.loads(answers[1].stdout)


def as_told(x):
    return json.loads(json.dumps(ours["told"](pyxtorch, x)))


def expected(name, legacy):
    return as_told(ours[name](pyxtorch, legacy))


@pytest.mark.unsanitized("runs PyTorch itself")
@pytest.mark.parametrize("legacy", [0, 1])
@pytest.mark.parametrize("name", ["plain", "with_numpy"])       # modules name their classes, which are torch's in a process where the alias is: test_run.py
def test_pytorch_reads_ours(exchange, name, legacy):
    _, read = exchange
    for weights_only in (1, 0):
        found, shared = read[f"{name}_{legacy}_{weights_only}"]
        if weights_only and name != "plain":
            assert found == "UnpicklingError"               # as of its own files
        else:
            assert found == expected(name, legacy) and shared


@pytest.mark.unsanitized("runs PyTorch itself")
@pytest.mark.parametrize("legacy", [0, 1])
@pytest.mark.parametrize("name", ["plain", "with_numpy", "with_module"])
def test_ours_reads_pytorchs(exchange, name, legacy):
    folder, _ = exchange
    path = f"{folder}/torch_{name}_{legacy}"
    trusted = pyxtorch.load(path, weights_only=False)
    assert as_told(trusted) == expected(name, legacy)
    if name == "with_module":
        y, x = trusted["net"], pyxtorch.ones(1, 2)
        assert np.isfinite(y(x)[0].detach().numpy()).all()
        with pytest.raises(Exception, match="add_safe_globals|weights_only"):
            pyxtorch.load(path)
    elif name == "with_numpy":
        with pyxtorch.serialization.safe_globals([np.ndarray, np.dtype, np.float32, np.float64, *safe_of_numpy()]):
            assert as_told(pyxtorch.load(path)) == expected(name, legacy)
    else:
        read = pyxtorch.load(path)
        assert as_told(read) == expected(name, legacy)
        assert read["same"].untyped_storage().data_ptr() == read["view"].untyped_storage().data_ptr()


def safe_of_numpy():
    """The functions and classes by which NumPy pickles arrays and scalars."""
    core = np._core if hasattr(np, "_core") else np.core
    return [core.multiarray._reconstruct, core.multiarray.scalar, type(np.dtype(np.float64)), type(np.dtype(np.float32))]


def test_sparse_tensors_of_legacy_files_are_checked_when_they_are_read():
    import io

    file = io.BytesIO()
    x = pyxtorch.sparse_coo_tensor(pyxtorch.tensor([[0, 2]]), pyxtorch.tensor([5.0, 6.0]), (4,))
    pyxtorch.save([x, x.to_dense().view(2, 2).to_sparse_csr()], file, _use_new_zipfile_serialization=False)
    for read in (pyxtorch.load(io.BytesIO(file.getvalue())), pyxtorch.load(io.BytesIO(file.getvalue()), weights_only=False)):
        assert read[0].to_dense().tolist() == [5, 0, 6, 0]
    bad = bytearray(file.getvalue())
    at = bad.rindex((2).to_bytes(8, "little") + (0).to_bytes(8, "little") + (2).to_bytes(8, "little")) + 16
    bad[at:at + 8] = (9).to_bytes(8, "little")
    with pytest.raises(RuntimeError, match="index 9|size is inconsistent"):
        pyxtorch.load(io.BytesIO(bytes(bad)))
