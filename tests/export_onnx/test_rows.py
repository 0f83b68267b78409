"""Every operation that has a row: the records of tests/ops, exported and run, with fixed sizes and with dynamic ones."""
import importlib.util
from pathlib import Path

import pytest

import pyxtorch as torch
from pyxtorch import nn
from pyxtorch.onnx.errors import OnnxExporterError, UnsupportedOperatorError
from pyxtorch.utils._pytree import tree_flatten, tree_unflatten

pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
runtime.set_default_logger_severity(4)

spec = importlib.util.spec_from_file_location("_every_op_for_onnx", Path(__file__).parent.parent / "test_every_op.py")
every_op = importlib.util.module_from_spec(spec)
spec.loader.exec_module(every_op)

# What the records give these operations cannot be exported: their results are Python's, or hold as many elements as are found in constants.
NOT_EXPORTED = {"equal", "allclose", "is_nonzero"}


class Call(nn.Module):
    def __init__(self, function, leaves, shape):
        super().__init__()
        self.function, self.leaves, self.shape = function, leaves, shape

    def forward(self, *tensors):
        given = iter(tensors)
        args, kwargs = tree_unflatten([next(given) if isinstance(x, torch.Tensor) else x for x in self.leaves], self.shape)
        return self.function(*args, **kwargs)


def given(op, call, dtype):
    """(module, its tensors), or None where nothing can be exported."""
    leaves, shape = tree_flatten(op.make(call, dtype))
    tensors = [x for x in leaves if isinstance(x, torch.Tensor)]
    results = tree_flatten(op.function(*op.make(call, dtype)[0], **op.make(call, dtype)[1]))[0]
    if not tensors or any(isinstance(x, torch.Tensor) and (x.dtype.is_complex or x.dtype.name.startswith("float8")) for x in tensors + results):
        return None
    return Call(op.function, leaves, shape), tensors


OPS = [op for op in every_op.OPS if op.reference and op.name not in NOT_EXPORTED]
DTYPES = (torch.float32, torch.int64, torch.bool)


def cases():
    seen = {}
    for op in OPS:
        number = seen[op.name] = seen.get(op.name, 0) + 1
        yield pytest.param(op, id=op.name if number == 1 else f"{op.name}-{number}")


@pytest.mark.parametrize("op", list(cases()))
def test_row(op):
    """Fixed sizes: what is exported is right; what is not says why. Dynamic sizes: `verify` runs it at three."""
    for dtype in [d for d in DTYPES if d in op.dtypes]:
        for call in op.samples:
            found = given(op, call, dtype)
            if found is None:
                continue
            module, tensors = found
            try:
                program = torch.onnx.export(module, tuple(tensors))
            except UnsupportedOperatorError:
                continue
            except OnnxExporterError as error:
                assert "came out the same for all" in str(error), error
                continue
            expected = [x for x in tree_flatten(module(*tensors))[0] if x is not None]
            for got, want in zip(program(*tensors), expected, strict=True):
                want = want if isinstance(want, torch.Tensor) else torch.tensor(want)
                assert got.shape == want.shape and got.dtype == want.dtype, f"{call} on {dtype}"
                scale = max(1.0, want.double().nan_to_num(0, 0, 0).abs().max().item()) if want.numel() else 1.0
                assert torch.allclose(got.double(), want.double(), rtol=1e-5, atol=1e-5 * scale, equal_nan=True), f"{call} on {dtype}: {got}, expected {want}"


UNSTABLE = {"prod", "searchsorted", "cumprod"}  # results that are not determined for other elements: whole numbers that overflow, unsorted edges


@pytest.mark.parametrize("op", list(cases()))
def test_row_at_several_sizes(op):
    if op.name in UNSTABLE:
        pytest.skip("what other elements give is not determined")
    dtype = next(d for d in op.dtypes if d in DTYPES) if any(d in DTYPES for d in op.dtypes) else None
    for call in op.samples if dtype is not None else ():
        found = given(op, call, dtype)
        if found is None:
            continue
        module, tensors = found
        axes = {f"tensors_{i}": {axis: f"n{n}" for axis, n in enumerate(t.shape) if n > 1} for i, t in enumerate(tensors)}
        try:
            torch.onnx.export(module, tuple(tensors), dynamic_axes=axes, verify=True)
        except OnnxExporterError as error:
            assert "onnxruntime" not in str(error) and "please report" not in str(error), error
