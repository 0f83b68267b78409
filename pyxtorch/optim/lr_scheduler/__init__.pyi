# Written by tools/stubs.py; do not edit.

from pyxtorch.optim.lr_scheduler.combined import ChainedScheduler as ChainedScheduler
from pyxtorch.optim.lr_scheduler.multiplying import ConstantLR as ConstantLR
from pyxtorch.optim.lr_scheduler.cyclic import CosineAnnealingLR as CosineAnnealingLR
from pyxtorch.optim.lr_scheduler.cyclic import CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts
from pyxtorch.optim.lr_scheduler.cyclic import CyclicLR as CyclicLR
from pyxtorch.optim.lr_scheduler.multiplying import ExponentialLR as ExponentialLR
from pyxtorch.optim.lr_scheduler.scheduler import LRScheduler as LRScheduler
from pyxtorch.optim.lr_scheduler.multiplying import LambdaLR as LambdaLR
from pyxtorch.optim.lr_scheduler.multiplying import LinearLR as LinearLR
from pyxtorch.optim.lr_scheduler.multiplying import MultiStepLR as MultiStepLR
from pyxtorch.optim.lr_scheduler.multiplying import MultiplicativeLR as MultiplicativeLR
from pyxtorch.optim.lr_scheduler.cyclic import OneCycleLR as OneCycleLR
from pyxtorch.optim.lr_scheduler.multiplying import PolynomialLR as PolynomialLR
from pyxtorch.optim.lr_scheduler.plateau import ReduceLROnPlateau as ReduceLROnPlateau
from pyxtorch.optim.lr_scheduler.combined import SequentialLR as SequentialLR
from pyxtorch.optim.lr_scheduler.multiplying import StepLR as StepLR
from pyxtorch.optim.lr_scheduler.scheduler import _LRScheduler as _LRScheduler
from pyxtorch.optim.lr_scheduler import combined as combined
from pyxtorch.optim.lr_scheduler import cyclic as cyclic
from pyxtorch.optim.lr_scheduler import multiplying as multiplying
from pyxtorch.optim.lr_scheduler import plateau as plateau
from pyxtorch.optim.lr_scheduler import scheduler as scheduler
