"""Where programs written for TorchScript take the names of types from: those of `typing`."""
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union  # noqa: F401, UP035

__all__ = ["Any", "Dict", "List", "NamedTuple", "Optional", "Tuple", "Union"]
