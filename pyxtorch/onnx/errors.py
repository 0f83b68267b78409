"""What `pyxtorch.onnx` raises."""

__all__ = ["OnnxExporterError", "SymbolicValueError", "UnsupportedOperatorError", "need"]


class OnnxExporterError(RuntimeError):
    """A program cannot be exported as it is; the message names the operation and the line of the program."""


class UnsupportedOperatorError(OnnxExporterError):
    """An operation that the exporter has no translation of."""


class SymbolicValueError(OnnxExporterError):
    """A Python value depends on elements of inputs, or on a size in a way that cannot be written down."""


def need(name):
    """The package `onnx` (or `onnxruntime`), which is an extra.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    import importlib

    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.partition(".")[0]:
            raise
        raise ModuleNotFoundError(f"pyxtorch.onnx needs the package {error.name}: pip install pyxtorch[onnx]", name=error.name) from None
