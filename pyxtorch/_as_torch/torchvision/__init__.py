"""`import torchvision` in a process that was started by one in which pyxtorch stands in for torch: see the package torch beside it.

With torch, torchvision becomes pyxtorch's; an interpreter that cannot import pyxtorch gets the torchvision that it has.
"""
import importlib
import sys

torch = importlib.import_module("torch")
del sys.modules["torchvision"]
sys.modules["torchvision"] = importlib.import_module("torchvision")
