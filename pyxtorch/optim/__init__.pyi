# Written by tools/stubs.py; do not edit.

from pyxtorch.optim.asgd import ASGD as ASGD
from pyxtorch.optim.adaptive import Adadelta as Adadelta
from pyxtorch.optim.adaptive import Adafactor as Adafactor
from pyxtorch.optim.adaptive import Adagrad as Adagrad
from pyxtorch.optim.adam import Adam as Adam
from pyxtorch.optim.adam import AdamW as AdamW
from pyxtorch.optim.adaptive import Adamax as Adamax
from pyxtorch.optim.lbfgs import LBFGS as LBFGS
from pyxtorch.optim.asgd import Muon as Muon
from pyxtorch.optim.adaptive import NAdam as NAdam
from pyxtorch.optim.optimizer import Optimizer as Optimizer
from pyxtorch.optim.adaptive import RAdam as RAdam
from pyxtorch.optim.rmsprop import RMSprop as RMSprop
from pyxtorch.optim.adaptive import Rprop as Rprop
from pyxtorch.optim.sgd import SGD as SGD
from pyxtorch.optim import adam as adam
from pyxtorch.optim import adamw as adamw
from pyxtorch.optim import adaptive as adaptive
from pyxtorch.optim import asgd as asgd
from pyxtorch.optim import lbfgs as lbfgs
from pyxtorch.optim import lr_scheduler as lr_scheduler
from pyxtorch.optim import optimizer as optimizer
from pyxtorch.optim import rmsprop as rmsprop
from pyxtorch.optim import sgd as sgd
from pyxtorch.optim import swa_utils as swa_utils
