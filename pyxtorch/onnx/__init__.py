"""torch.onnx: export to ONNX, the format that other runtimes read.

`export(model, args)` runs a module on an example and gives an ONNXProgram, which saves, runs and shows the model. docs/onnx.md tells
what can be exported and how. The package `onnx` is an extra: pip install pyxtorch[onnx].
"""
import enum

from pyxtorch.onnx import errors
from pyxtorch.onnx.errors import OnnxExporterError
from pyxtorch.onnx._exporter import export, is_in_onnx_export
from pyxtorch.onnx._program import ONNXProgram

__all__ = ["ONNXProgram", "OnnxExporterError", "TrainingMode", "errors", "export", "is_in_onnx_export"]

producer_name = "pyxtorch"


class TrainingMode(enum.IntEnum):
    """Which mode a module is in while it is exported."""

    EVAL = 0
    PRESERVE = 1
    TRAINING = 2
