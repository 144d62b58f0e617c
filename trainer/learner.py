"""One training step: forward, loss, backward, clip, update."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import numpy as np

from trainer.backend import Array, Backend
from trainer.builder import build_clipping, build_model, build_optimizer
from trainer.checkpoint import Arrays, Checkpoint, pack, unpack
from trainer.config import Config
from trainer.nn import LSTMState
from trainer.optim import NonFiniteLatch

Result = TypeVar("Result")


class Learner:
    """A model, its optimizer and the state that it carries through the text.

    The batch can be computed in parts, each by a thread with a model of its own that shares the
    parameters: the gradient of the batch is the sum of theirs.

    Args:
        parts: how many.
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
        parts: int = 1,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.backend = backend
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

        self.models = [self.model]
        for part in range(1, parts):
            twins = self.model.parameters.with_own_gradients()
            self.models.append(
                build_model(config, backend, vocabulary_size, part=part, parameters=twins)
            )
        # Overflow is told by the latch; NumPy's warnings are set thread by thread.
        self._threads = ThreadPoolExecutor(parts, initializer=lambda: np.seterr(all="ignore"))

    def step(
        self,
        x: Array,
        y: Array,
        resets: Array | None = None,
        *,
        step: int,
        learning_rate: float,
        watch: Callable[[], None],
    ) -> tuple[Array, Array]:
        """Learn from a window.

        Args:
            x, y: (T, B) ids: the window, and the symbol after each of its own.
            resets: (T, B), where the state is reset before x is read; None for nowhere.
            step: number of the step, from 0; keys the dropout masks.
            watch: called when the gates are computed, before the backward pass takes their place.

        Returns:
            The mean loss and the gradient's norm before clipping, scalars of the device: nothing
            here waits for it.
        """
        xs, ys, h, c = (self._split(array) for array in (x, y, *self.carried))
        all_resets = [None] * len(xs) if resets is None else self._split(resets)

        def forward(k: int) -> tuple[Array, LSTMState]:
            model = self.models[k]
            logits, state = model.forward(xs[k], LSTMState(h[k], c[k]), step, all_resets[k])
            loss, _ = model.loss.forward(logits, ys[k])
            return loss * (ys[k].size / y.size), state

        def backward(k: int) -> None:
            model = self.models[k]
            model.backward(model.loss.backward(y.size))

        losses, states = zip(*self._each(forward), strict=True)
        self.carried = LSTMState(*(self._join(arrays) for arrays in zip(*states, strict=True)))
        watch()
        self._each(backward)

        gradients = self.model.parameters.gradients
        for model in self.models[1:]:
            gradients += model.parameters.gradients
        loss, norm = sum(losses), self.clipping(gradients)
        self.latch.observe(step + 1, loss, norm)
        self.optimizer.step(step + 1, learning_rate, self.latch)
        return loss, norm

    def gates(self) -> list[Array]:
        """Return the gates (T, B, 4H) of each layer, between a forward and its backward pass."""
        layers = zip(*(model.lstm.layers for model in self.models), strict=True)
        return [self._join([layer.gates for layer in same]) for same in layers]

    def forget(self) -> None:
        """Carry nothing on: the next window begins a text."""
        _, B, _ = self.carried.h.shape
        self.carried = self.model.zero_state(B)

    def arrays(self) -> Arrays:
        """Collect all arrays that a checkpoint needs, on the host."""
        return pack(self.model, self.optimizer, self.carried)

    def _each(self, work: Callable[[int], Result]) -> list[Result]:
        """Do the work of every part, side by side."""
        if len(self.models) == 1:
            return [work(0)]
        return list(self._threads.map(work, range(len(self.models))))

    def _split(self, array: Array) -> list[Array]:
        """Cut an array (., B, ...) along the batch."""
        n, B = len(self.models), array.shape[1]
        places = [B * k // n for k in range(n + 1)]
        contiguous = self.backend.xp.ascontiguousarray
        return [contiguous(array[:, start:end]) for start, end in pairwise(places)]

    def _join(self, parts: Sequence[Array]) -> Array:
        """Undo `_split`."""
        return parts[0] if len(parts) == 1 else self.backend.xp.concatenate(parts, axis=1)
