"""The GPU under check, and trainings on it that are small enough to be done twice."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from trainer.backend import Array, Backend, Plan
from trainer.backend.device import Device
from trainer.config import Config
from trainer.runs.checkpoint import Arrays
from trainer.training.learner import Ids, Learner
from trainer.training.timing import SYMBOLS

if TYPE_CHECKING:
    from trainer.backend.cuda import CudaBackend

T = TypeVar("T")


class Gpu(NamedTuple):
    """The GPU that is checked.

    Attributes:
        quick: whether all sizes are to be small, to see that the checks themselves work.
    """

    device: Device
    quick: bool

    @property
    def plan(self) -> Plan:
        """A plan that computes on it."""
        return Plan("cuda", 1, 1, self.device)

    def start(self, *, allow_tf32: bool = False, cuda_graph: bool = False) -> CudaBackend:
        """Start a backend on it."""
        from trainer.backend.cuda import CudaBackend  # with CuPy, which need not be there

        return CudaBackend(self.device.index or 0, allow_tf32=allow_tf32, cuda_graph=cuda_graph)

    def size(self, full: T, quick: T) -> T:
        """Choose a size."""
        return quick if self.quick else full

    def free(self) -> None:
        """Give the memory back that nobody uses any more: CuPy keeps it for later."""
        import cupy  # type: ignore[import-not-found, import-untyped, unused-ignore]

        gc.collect()
        cupy.get_default_memory_pool().free_all_blocks()


def window(config: Config, step: int) -> tuple[Ids, Ids]:
    """Draw input and target ids (T, B), others at each step."""
    training = config.training
    shape = (2, training.sequence_length, training.batch_size)
    x, y = np.random.default_rng(step).integers(0, SYMBOLS, shape, np.int32)
    return x, y


def take_step(learner: Learner, config: Config, step: int) -> Array:
    """Train on symbols at random for a step; return its loss, good until the next."""
    x, y = window(config, step)
    rate = config.optimizer.learning_rate
    return learner.step(x, y, step=step, learning_rate=rate)[0]


def trained(backend: Backend, config: Config, steps: int) -> tuple[list[float], Arrays]:
    """Train from the start, never waiting; return all losses, and the arrays of a checkpoint."""
    learner = Learner(config, backend, SYMBOLS)
    losses = [take_step(learner, config, step).copy() for step in range(steps)]
    return [float(loss) for loss in losses], learner.arrays()


def difference(found: Any, expected: Any) -> float:
    """Return the largest error of an array, in shares of the largest number that is expected."""
    wanted = np.asarray(expected, np.float64)
    errors = np.abs(np.asarray(found, np.float64) - wanted)
    return float(errors.max() / max(np.abs(wanted).max(), 1e-30))
