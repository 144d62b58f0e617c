"""A latch that keeps a diverged step out of the parameters without waiting for the device."""

from __future__ import annotations

from trainer.backend import Array, Backend


class NonFiniteLatch:
    """Shuts at the first loss or gradient norm that is not finite, and stays shut.

    A shut latch suppresses every update, so the parameters stay those of the last good step. It
    lives on the device and is read only where the host waits anyway.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._bad_step = backend.xp.full((), -1, "int64")
        self.shut: Array = backend.xp.zeros((), "bool")

    def observe(self, step: int, loss: Array, norm: Array) -> None:
        """Shut if the loss or the gradient norm of `step` (scalars) is not finite."""
        xp = self.backend.xp
        bad = ~xp.isfinite(loss + norm)
        xp.copyto(self._bad_step, step, where=bad & ~self.shut)
        xp.copyto(self.shut, True, where=bad)

    def bad_step(self) -> int | None:
        """Fetch the first bad step, None if there was none. Waits for the device."""
        step = int(self._bad_step)
        return None if step < 0 else step
