"""The CPU kernels: open those of this machine's instruction level and hand them to the core."""
from importlib import import_module

from pyxtorch import _core

level = _core.cpu_level()
_core.register_cpu_kernels(import_module(f"pyxtorch.kernels.cpu._{level}").kernels)
