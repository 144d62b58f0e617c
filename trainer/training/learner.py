"""One training step: forward, loss, backward, clip, update."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.backend import Array, Backend
from trainer.builder import build_clipping, build_model, build_optimizer
from trainer.config import Config
from trainer.nn import LSTMState
from trainer.optim import NonFiniteLatch
from trainer.runs.checkpoint import Arrays, Checkpoint, pack, unpack

Ids = npt.NDArray[np.integer[Any]]


class Learner:
    """A model, its optimizer and the state that it carries through the text.

    The batch can be computed in shards, each by a thread with a model of its own that shares the
    parameters: the gradient of the batch is the sum of theirs.

    Args:
        shards: how many.
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
        shards: int = 1,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.backend = backend
        self.model = build_model(config, backend, vocabulary_size)
        self.optimizer = build_optimizer(config, self.model)
        self.clipping = build_clipping(config, self.model)
        self.latch = NonFiniteLatch(backend)

        self.models = [self.model]
        for shard in range(1, shards):
            twins = self.model.parameters.with_own_gradients()
            self.models.append(
                build_model(config, backend, vocabulary_size, shard=shard, parameters=twins)
            )
        self._losses = [backend.xp.zeros((), self.model.dtype) for _ in self.models]
        # Overflow is told by the latch; NumPy's warnings are set thread by thread.
        self._threads = ThreadPoolExecutor(shards, initializer=lambda: np.seterr(all="ignore"))

        if checkpoint is None:
            generator = np.random.default_rng(config.training.seed)
            reserved = vocabulary_size - 1 if config.corpus.unknown == "symbol" else None
            self.model.initialise(generator, config.model.forget_bias, reserved)
            carried = self.model.zero_state(config.training.batch_size)
        else:
            carried = unpack(checkpoint, self.model, self.optimizer)
        # One state for each shard, at the same place in every step.
        self._states = [LSTMState(*pair) for pair in zip(*map(self._split, carried), strict=True)]

    def step(
        self,
        x: Ids,
        y: Ids,
        resets: npt.NDArray[np.bool_] | None = None,
        *,
        step: int,
        learning_rate: float,
        watch: Callable[[], None] | None = None,
    ) -> tuple[Array, Array]:
        """Learn from a window.

        Args:
            x, y: (T, B) ids: the window, and the symbol after each of its own.
            resets: (T, B), where the state is reset before x is read; None for nowhere.
            step: number of the step, from 0; keys the dropout masks.
            watch: called when the gates are computed, before the backward pass takes their place.

        Returns:
            The mean loss and the gradient's norm before clipping, scalars of the device, good
            until the next step: nothing here waits for it.
        """
        rates = np.array(self.optimizer.rates(step + 1, learning_rate), self.model.dtype)
        arrays = self.backend.upload(x, y, resets, np.array(step, np.int64), rates)
        if watch is None:
            key = self, x.shape, resets is None
            self.backend.repeat(key, lambda: self._learn(*arrays))
        else:
            self._learn(*arrays, watch=watch)
        return self._losses[0], self.clipping.found

    def _learn(
        self,
        x: Array,
        y: Array,
        resets: Array | None,
        step: Array,
        rates: Array,
        *,
        watch: Callable[[], None] | None = None,
    ) -> None:
        """Do a step on arrays of the device, all of them at the same places every time."""
        xs, ys = self._split(x), self._split(y)
        all_resets = [None] * len(xs) if resets is None else self._split(resets)

        def forward(k: int) -> None:
            model, state = self.models[k], self._states[k]
            logits, _ = model.forward(xs[k], state, step, all_resets[k], after=state)
            losses = model.loss.forward(logits, ys[k])
            self.backend.kernels.sum(losses, 1 / y.size, out=self._losses[k])

        def backward(k: int) -> None:
            model = self.models[k]
            model.backward(model.loss.backward(y.size))

        self._each(forward)
        if watch is not None:
            watch()
        self._each(backward)

        loss, gradients = self._losses[0], self.model.parameters.gradients
        for k in range(1, len(self.models)):
            loss += self._losses[k]
            gradients += self.models[k].parameters.gradients
        self.latch.observe(step, loss, self.clipping())
        self.optimizer.step(rates, self.latch)

    def gates(self) -> list[Array]:
        """Return the gates (T, B, 4H) of each layer, between a forward and its backward pass."""
        layers = zip(*(model.lstm.layers for model in self.models), strict=True)
        return [self._join([layer.gates for layer in same]) for same in layers]

    @property
    def carried(self) -> LSTMState:
        """The state (L, B, H) that the last window left."""
        return LSTMState(*(self._join(arrays) for arrays in zip(*self._states, strict=True)))

    def reset_state(self) -> None:
        """Carry nothing on: the next window begins a text."""
        for state in self._states:
            for array in state:
                array[...] = 0

    def arrays(self) -> Arrays:
        """Collect all arrays that a checkpoint needs, on the host."""
        return pack(self.model, self.optimizer, self.carried)

    def _each(self, work: Callable[[int], None]) -> None:
        """Do the work of every shard, side by side."""
        if len(self.models) == 1:
            work(0)
        else:
            list(self._threads.map(work, range(len(self.models))))  # and raise what they raise

    def _split(self, array: Array) -> list[Array]:
        """Cut an array (., B, ...) along the batch."""
        n, B = len(self.models), array.shape[1]
        if n == 1:
            return [array]
        places = [B * k // n for k in range(n + 1)]
        contiguous = self.backend.xp.ascontiguousarray
        return [contiguous(array[:, start:end]) for start, end in pairwise(places)]

    def _join(self, shards: Sequence[Array]) -> Array:
        """Undo `_split`."""
        return shards[0] if len(shards) == 1 else self.backend.xp.concatenate(shards, axis=1)
