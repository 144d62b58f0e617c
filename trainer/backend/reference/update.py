"""What becomes of the gradients: norm, clipping, and the update of all parameters.

On flat arrays. Each method is explained in `trainer.optim`.
"""

from __future__ import annotations

from typing import Any

from trainer.backend.kernels import Array


class UpdateKernels:
    """The end of a training step."""

    xp: Any

    _work: Array | None = None

    def sum(self, values: Array, factor: float, out: Array) -> None:
        """Set out () to factor times the sum of all values."""
        out[...] = values.sum() * factor

    def norm(self, values: Array, out: Array) -> None:
        """Set out () to the Euclidean norm of flat values."""
        out[...] = self.xp.sqrt(self.xp.dot(values, values))

    def clip(self, g: Array, norm: Array, max_norm: float | None, max_value: float | None) -> None:
        """Multiply g by min(1, max_norm / (norm + 1e-6)), then clamp to [-max_value, max_value]."""
        if max_norm is not None:
            g *= self.xp.minimum(1, max_norm / (norm + 1e-6))
        if max_value is not None:
            self.xp.clip(g, -max_value, max_value, out=g)

    def observe(self, loss: Array, norm: Array, step: Array, bad_step: Array) -> None:
        """Set bad_step () to step (), of int64, if loss or norm is not finite and it is < 0."""
        xp = self.xp
        first = ~xp.isfinite(loss + norm) & (bad_step < 0)
        xp.copyto(bad_step, step, where=first)

    def sgd(
        self,
        p: Array,
        g: Array,
        v: Array | None,
        rates: Array,
        bad_step: Array,
        *,
        momentum: float,
        nesterov: bool,
        weight_decay: float,
        decayed: int,
    ) -> None:
        """Update p from g, which is overwritten, unless bad_step () says that a step went wrong.

        Args:
            v: the slot of the momentum; None without one.
            rates: the learning rate first, of p's type.
            weight_decay: times p, added to g.
            decayed: how many of the first elements decay.
        """
        xp, update = self.xp, self._decay(p, g, weight_decay, decayed)
        if v is not None:
            v *= momentum
            v += g
            if nesterov:
                xp.multiply(v, momentum, out=update)
                g += update
            else:
                g = v
        xp.multiply(g, rates[0], out=update)
        self._apply(p, update, bad_step)

    def rmsprop(
        self,
        p: Array,
        g: Array,
        s: Array,
        v: Array | None,
        rates: Array,
        bad_step: Array,
        *,
        alpha: float,
        eps: float,
        momentum: float,
        weight_decay: float,
        decayed: int,
    ) -> None:
        """Update p from g, which is overwritten, and the slots s and v; the rest as in `sgd`."""
        xp, update = self.xp, self._decay(p, g, weight_decay, decayed)
        xp.multiply(g, g, out=update)
        update *= 1 - alpha
        s *= alpha
        s += update
        xp.sqrt(s, out=update)
        update += eps
        xp.divide(g, update, out=update)
        if v is not None:
            v *= momentum
            v += update
            xp.multiply(v, rates[0], out=update)
        else:
            update *= rates[0]
        self._apply(p, update, bad_step)

    def adam(
        self,
        p: Array,
        g: Array,
        m: Array,
        s: Array,
        rates: Array,
        bad_step: Array,
        *,
        betas: tuple[float, float],
        weight_decay: float,
        decayed: int,
    ) -> None:
        """Update p from g, which is overwritten, and the slots m and s; the rest as in `sgd`.

        Args:
            rates: the learning rate and eps, both corrected for the number of the step.
        """
        xp, update = self.xp, self._decay(p, g, weight_decay, decayed)
        beta_1, beta_2 = betas
        xp.multiply(g, 1 - beta_1, out=update)
        m *= beta_1
        m += update
        g *= g
        g *= 1 - beta_2
        s *= beta_2
        s += g
        xp.sqrt(s, out=update)
        update += rates[1]
        xp.divide(m, update, out=update)
        update *= rates[0]
        self._apply(p, update, bad_step)

    def _decay(self, p: Array, g: Array, weight_decay: float, decayed: int) -> Array:
        """Add the decay to g, and return an array like p to work in."""
        if self._work is None or self._work.shape != p.shape or self._work.dtype != p.dtype:
            self._work = self.xp.empty_like(p)
        if weight_decay > 0:
            self.xp.multiply(p[:decayed], weight_decay, out=self._work[:decayed])
            g[:decayed] += self._work[:decayed]
        return self._work

    def _apply(self, p: Array, update: Array, bad_step: Array) -> None:
        self.xp.copyto(update, 0, where=bad_step >= 0)  # 0 * nan would be nan
        p -= update
