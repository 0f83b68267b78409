"""torch.onnx: export to ONNX, the format that other runtimes read.

`export(model, args)` runs a module on an example and gives an ONNXProgram, which saves, runs and shows the model. docs/onnx.md tells
what can be exported and how. The package `onnx` is an extra: pip install pyxtorch[onnx].
"""
import enum

from pyxtorch.onnx import errors, testing
from pyxtorch.onnx.errors import OnnxExporterError
from pyxtorch.onnx._exporter import export, is_in_onnx_export
from pyxtorch.onnx._program import ONNXProgram

__all__ = ["ONNXProgram", "OnnxExporterError", "OperatorExportTypes", "TrainingMode", "errors", "export", "is_in_onnx_export", "testing"]

producer_name = "pyxtorch"


class TrainingMode(enum.IntEnum):
    """Which mode a module is in while it is exported."""

    EVAL = 0
    PRESERVE = 1
    TRAINING = 2


class OperatorExportTypes(enum.IntEnum):
    """Whose operators a model is made of; only ONNX's own are written."""

    ONNX = 0
    ONNX_ATEN = 1
    ONNX_ATEN_FALLBACK = 2
    ONNX_FALLTHROUGH = 3
