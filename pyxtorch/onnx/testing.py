"""torch.onnx.testing: an exported program against what it was exported from."""
from pyxtorch import Tensor
from pyxtorch.onnx._recorder import each
from pyxtorch.testing import assert_close

__all__ = ["assert_onnx_program"]


def assert_onnx_program(program, *, model, args=(), kwargs=None, rtol=None, atol=None):
    """Compare what onnxruntime gives for a program with what `model(*args, **kwargs)` gives.

    Args:
        program: ONNXProgram.
        rtol, atol: tolerances of `assert_close`; by default its own.
    Raises:
        AssertionError: they differ.
    """
    kwargs = kwargs or {}
    expected = [x for x in each(model(*args, **kwargs)) if isinstance(x, Tensor)]
    given = program(*args, **kwargs)
    if len(given) != len(expected):
        raise AssertionError(f"assert_onnx_program: {len(given)} outputs, but the model gives {len(expected)} tensors.")
    for got, want in zip(given, expected):
        assert_close(got, want.detach(), rtol=rtol, atol=atol)
