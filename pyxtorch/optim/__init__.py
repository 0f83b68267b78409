"""Optimisers: they change parameters by their gradients."""
from pyxtorch.optim.adam import Adam, AdamW
from pyxtorch.optim.adaptive import Adadelta, Adafactor, Adagrad, Adamax, NAdam, RAdam, Rprop
from pyxtorch.optim.asgd import ASGD, Muon
from pyxtorch.optim.lbfgs import LBFGS
from pyxtorch.optim.optimizer import Optimizer
from pyxtorch.optim.rmsprop import RMSprop
from pyxtorch.optim.sgd import SGD
from pyxtorch.optim.sparse_adam import SparseAdam
from pyxtorch.optim.swapping import swap_in_optimizer_params_and_state
from pyxtorch.optim import lr_scheduler, swa_utils

__all__ = [
    "ASGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "LBFGS", "Muon", "NAdam", "Optimizer", "RAdam", "RMSprop",
    "Rprop", "SGD", "SparseAdam", "lr_scheduler", "swa_utils", "swap_in_optimizer_params_and_state",
]  # fmt: skip
