"""Stochastic gradient descent, gradient clipping and learning-rate schedules."""

from trainer.optim.clipping import Clipping
from trainer.optim.latch import NonFiniteLatch
from trainer.optim.schedules import Schedule
from trainer.optim.sgd import SGD

__all__ = ["SGD", "Clipping", "NonFiniteLatch", "Schedule"]
