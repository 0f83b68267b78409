"""The parts of pyxtorch.autograd that are plain Python.

`pyxtorch.autograd` is one compiled module; these modules are put under its name, so that
`pyxtorch.autograd.functional` and the like can be imported as in PyTorch.
"""
import sys

from pyxtorch import autograd
from pyxtorch._autograd import anomaly_mode, function, functional, gradcheck

for _module in (anomaly_mode, function, functional, gradcheck):
    _name = _module.__name__.rpartition(".")[2]
    sys.modules[f"pyxtorch.autograd.{_name}"] = _module
    setattr(autograd, _name, _module)

# As in PyTorch the function stands in front of the module of its name.
autograd.gradcheck = gradcheck.gradcheck
autograd.gradgradcheck = gradcheck.gradgradcheck
autograd.detect_anomaly = anomaly_mode.detect_anomaly
autograd.set_detect_anomaly = anomaly_mode.set_detect_anomaly
