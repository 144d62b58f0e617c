"""One training step: forward, loss, backward, clip, update."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trainer.backend import Array, Backend
from trainer.builder import build_clipping, build_model, build_optimizer
from trainer.checkpoint import Arrays, Checkpoint, pack, unpack
from trainer.config import Config
from trainer.optim import NonFiniteLatch


class Learner:
    """A model, its optimizer and the state that it carries through the text.

    Args:
        checkpoint: where to go on; None starts anew.

    Attributes:
        latch: shut once a step went wrong.

    Raises:
        UserError: The checkpoint does not fit the configuration.
    """

    def __init__(
        self,
        config: Config,
        backend: Backend,
        vocabulary_size: int,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.model = build_model(config, backend, vocabulary_size)
        self.optimizer = build_optimizer(config, self.model)
        self.clipping = build_clipping(config, backend)
        self.latch = NonFiniteLatch(backend)
        if checkpoint is None:
            generator = np.random.default_rng(config.training.seed)
            self.model.initialise(generator, config.model.forget_bias)
            self.carried = self.model.zero_state(config.training.batch_size)
        else:
            self.carried = unpack(checkpoint, self.model, self.optimizer)

    def step(
        self,
        x: Array,
        y: Array,
        *,
        step: int,
        learning_rate: float,
        watch: Callable[[], None],
    ) -> tuple[Array, Array]:
        """Learn from a window.

        Args:
            x, y: (T, B) ids: the window, and the symbol after each of its own.
            step: number of the step, from 0; keys the dropout masks.
            watch: called when the gates are computed, before the backward pass takes their place.

        Returns:
            The mean loss and the gradient's norm before clipping, scalars of the device: nothing
            here waits for it.
        """
        model = self.model
        logits, self.carried = model.forward(x, self.carried, step)
        loss, _ = model.loss.forward(logits, y)
        watch()
        model.backward(model.loss.backward())
        norm = self.clipping(model.parameters.gradients)
        self.latch.observe(step + 1, loss, norm)
        self.optimizer.step(learning_rate, self.latch)
        return loss, norm

    def forget(self) -> None:
        """Carry nothing on: the next window begins a text."""
        _, batch_size, _ = self.carried.h.shape
        self.carried = self.model.zero_state(batch_size)

    def arrays(self) -> Arrays:
        """Collect all arrays that a checkpoint needs, on the host."""
        return pack(self.model, self.optimizer, self.carried)
