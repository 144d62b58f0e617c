"""Optimizers, gradient clipping and learning-rate schedules."""

from trainer.optim.adam import Adam
from trainer.optim.clipping import Clipping
from trainer.optim.latch import NonFiniteLatch
from trainer.optim.optimizer import Optimizer
from trainer.optim.rmsprop import RMSProp
from trainer.optim.schedules import Plateau, Schedule
from trainer.optim.sgd import SGD

__all__ = [
    "SGD",
    "Adam",
    "Clipping",
    "NonFiniteLatch",
    "Optimizer",
    "Plateau",
    "RMSProp",
    "Schedule",
]
