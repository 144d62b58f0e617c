"""A latch that keeps a diverged step out of the parameters without waiting for the device."""

from __future__ import annotations

from trainer.backend import Array, Backend


class NonFiniteLatch:
    """Shuts at the first loss or gradient norm that is not finite, and stays shut.

    A shut latch suppresses every update, so the parameters stay those of the last good step. It
    lives on the device and is read only where the host waits anyway.

    Attributes:
        bad_step: () of int64, the step that shut it, counted from 0; -1 while it is open.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.bad_step: Array = backend.xp.full((), -1, "int64")

    def observe(self, step: Array, loss: Array, norm: Array) -> None:
        """Shut if the loss or the gradient norm of `step`, all of them (), is not finite."""
        self.backend.kernels.observe(loss, norm, step, self.bad_step)

    def read(self) -> int | None:
        """Fetch the step that shut it, None if it is open. Waits for the device."""
        step = int(self.bad_step)
        return None if step < 0 else step
