"""Learning rates that change as training goes on.

A scheduler is made for an optimiser and stepped after it, once an epoch or once a batch:

    scheduler = StepLR(optimizer, step_size=30)
    for epoch in range(100):
        train(optimizer)
        scheduler.step()

Schedulers that multiply the present rate can be used together on one optimiser (chained).
"""
from pyxtorch.optim.lr_scheduler.combined import ChainedScheduler, SequentialLR
from pyxtorch.optim.lr_scheduler.cyclic import CosineAnnealingLR, CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from pyxtorch.optim.lr_scheduler.multiplying import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from pyxtorch.optim.lr_scheduler.plateau import ReduceLROnPlateau
from pyxtorch.optim.lr_scheduler.scheduler import LRScheduler, _LRScheduler

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR", "LRScheduler",
    "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip
