"""`import torch` in a process that was started by one in which pyxtorch stands in for torch (pyxtorch/_alias.py).

The folder above comes first on the path there. pyxtorch takes the place of this module while it is being imported.
An interpreter that cannot import pyxtorch was not meant: it gets the torch that it has.
"""
import importlib.util
import sys
from pathlib import Path

folder = Path(__file__).resolve().parent.parent

try:
    if importlib.util.find_spec("pyxtorch") is None:
        sys.path.append(str(folder.parent.parent))
    alias = importlib.import_module("pyxtorch._alias")
except ImportError:
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry).resolve() != folder]
    del sys.modules["torch"]
    sys.modules["torch"] = importlib.import_module("torch")
else:
    alias.install()
