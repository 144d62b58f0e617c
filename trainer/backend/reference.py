"""The fused point in plain array code: the oracle every other set of kernels is compared with.

B is the batch, H the hidden size, V the vocabulary. The four gates lie side by side in the last
axis of `z`, in the note's order **a | i | f | o**.
"""

from __future__ import annotations

from typing import Any

from trainer.backend.kernels import DropoutKey
from trainer.backend.random import keep_mask

Array = Any


class ReferenceKernels:
    """Kernels over any array namespace with NumPy's functions (`xp`)."""

    def __init__(self, xp: Any) -> None:
        self.xp = xp
        self._work: Array | None = None

    def product(self, a: Array, b: Array, out: Array) -> None:
        """Set out (m, n) to a (m, k) b (k, n); a and b may be transposes of contiguous arrays."""
        self.xp.dot(a, b, out=out)

    # Rows of a table, one a symbol.

    def gather_rows(self, table: Array, rows: Array, out: Array) -> None:
        """Copy ``table[rows]`` to `out`, where every row is known to exist."""
        # mode="raise" would make NumPy fill a second buffer first; the vocabulary vouches for rows.
        self.xp.take(table, rows, axis=0, out=out, mode="clip")

    def sum_rows(self, values: Array, rows: Array, out: Array) -> None:
        """Set row r of `out` to the sum of all ``values[n]`` with ``rows[n] == r``, or to 0.

        Sorted by row, the values of each are a block, and their sum a product with ones: always in
        the same order, and no matrix (n, rows of `out`) of zeros and ones is needed.

        Args:
            values: (n, K).
            rows: (n,).
            out: (R, K), overwritten.
        """
        xp = self.xp
        order = xp.argsort(rows, kind="stable")
        ones = xp.ones(len(rows), values.dtype)
        ends = xp.cumsum(xp.bincount(rows, minlength=len(out))).tolist()
        sorted_values = values[order]
        out[...] = 0
        start = 0
        for row, end in enumerate(ends):
            if end > start:
                xp.dot(ones[start:end], sorted_values[start:end], out=out[row])
            start = end

    # One time step of the cell.

    def gates_forward(
        self,
        t: int,
        z: Array,
        recurrent: Array,
        b: Array | None,
        c: Array,
        tanh_c: Array,
        h: Array,
        resets: Array | None,
    ) -> None:
        """Compute a, i, f, o, c and h of time step t (note, forward pass, equations 1 to 6).

        Args:
            z: (T, B, 4H), in step t W x on entry, the gates a | i | f | o on return.
            recurrent: (B, 4H), U h of the step before; spent.
            b: (4H,) or None.
            c: (T + 1, B, H), the cell; slot t holds that of the step before, t + 1 is written.
            tanh_c: (T, B, H), written in step t.
            h: (T + 1, B, H), slot t + 1 is written.
            resets: (T, B), where zeros stand for h and c of the step before; None for nowhere.
        """
        xp, H = self.xp, h.shape[2]
        z, c_before, c, tanh_c, h = z[t], c[t], c[t + 1], tanh_c[t], h[t + 1]
        if resets is not None:
            keep = ~resets[t][:, None]
            recurrent *= keep
            c_before = c_before * keep
        z += recurrent
        if b is not None:
            z += b
        # sigma(x) = tanh(x / 2) / 2 + 1 / 2: one tanh serves all four gates.
        sigmoids = z[:, H:]
        sigmoids *= 0.5
        xp.tanh(z, out=z)
        sigmoids *= 0.5
        sigmoids += 0.5

        a, i, f, o = z[:, :H], z[:, H : 2 * H], z[:, 2 * H : 3 * H], z[:, 3 * H :]
        xp.multiply(a, i, out=c)
        xp.multiply(c_before, f, out=tanh_c)  # tanh_c is free until the next line but one
        c += tanh_c
        xp.tanh(c, out=tanh_c)
        xp.multiply(tanh_c, o, out=h)

    def gates_backward(
        self,
        t: int,
        z: Array,
        c: Array,
        tanh_c: Array,
        dh: Array,
        dh_recurrent: Array,
        dc: Array,
        resets: Array | None,
    ) -> None:
        """Compute the gradients of time step t (note, backward pass, with its misprints mended).

        Args:
            z: (T, B, 4H), in step t the gates a | i | f | o on entry, on return the gradient of
                their pre-activations.
            c: (T + 1, B, H), tanh_c: (T, B, H), as the forward step left them.
            dh: (T, B, H), in step t the gradient of h^t from above on entry, on return the whole,
                with that from step t + 1.
            dh_recurrent: (B, H), the gradient of h^t from step t + 1, or from after the window;
                spent.
            dc: (B, H), the note's delta c: what step t + 1 left on entry, what this step leaves
                for step t - 1 on return.
            resets: (T, B), as in the forward step: nothing goes back through them. Those of step
                t + 1 are applied here; what the first step leaves is the caller's to mask.
        """
        xp, T, H = self.xp, dh.shape[0], dh.shape[2]
        z, c_before, tanh_c, dh = z[t], c[t], tanh_c[t], dh[t]
        if resets is not None:
            c_before = c_before * ~resets[t][:, None]
            if t + 1 < T:
                keep = ~resets[t + 1][:, None]
                dh_recurrent *= keep
                dc *= keep
        dh += dh_recurrent
        a, i, f, o = z[:, :H], z[:, H : 2 * H], z[:, 2 * H : 3 * H], z[:, 3 * H :]
        slope = z * (1 - z)  # of the three sigmoids, s (1 - s)
        xp.subtract(1, a * a, out=slope[:, :H])  # and of the tanh

        dc += dh * o * (1 - tanh_c * tanh_c)  # delta c^t
        do = dh * tanh_c
        di = dc * a
        da = dc * i
        df = dc * c_before
        dc *= f  # what is left for delta c^(t-1)

        a[...], i[...], f[...], o[...] = da, di, df, do
        z *= slope

    # Softmax cross-entropy.

    def softmax_forward(self, logits: Array, targets: Array, total: Array, losses: Array) -> None:
        """Compute -log softmax(logits)[target] of N predictions.

        Args:
            logits: (N, V), overwritten by exp(logits - their maximum over V).
            targets: (N,) ids.
            total: (N,), written: the sum of that over V.
            losses: (N,), written.
        """
        xp = self.xp
        logits -= logits.max(axis=1, keepdims=True)
        chosen = logits[xp.arange(len(targets)), targets]
        xp.exp(logits, out=logits)
        xp.sum(logits, axis=1, out=total)
        xp.log(total, out=losses)
        losses -= chosen

    def softmax_backward(self, p: Array, targets: Array, total: Array, predictions: int) -> None:
        """Compute the gradient of the mean loss.

        Args:
            p: (N, V), as `softmax_forward` left the logits; on return their gradient.
            targets, total: (N,), as in `softmax_forward`.
            predictions: how many the mean is over.
        """
        p *= (1 / (predictions * total))[:, None]
        p[self.xp.arange(len(targets)), targets] -= 1 / predictions

    # Dropout.

    def dropout_forward(
        self, x: Array, probability: float, key: DropoutKey, step: Array, mask: Array, y: Array
    ) -> None:
        """Set y to x * mask / (1 - p), with a mask drawn for this step.

        Args:
            x, y: of one shape.
            step: (), of int64.
            mask: of uint8 and x's shape, written: what `keep_mask` draws.
        """
        mask[...] = self.xp.asarray(
            keep_mask(x.shape, probability, **key._asdict(), step=int(step))
        )
        self.xp.multiply(x, mask, out=y)
        y *= 1 / (1 - probability)

    def dropout_backward(self, dy: Array, probability: float, mask: Array) -> None:
        """Turn dy into the gradient of x, in place."""
        dy *= mask
        dy *= 1 / (1 - probability)

    # The update of all parameters, on flat arrays. Each method is explained in `trainer.optim`.

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
        """Update p from g, which is spent, unless bad_step () says that a step went wrong.

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
        """Update p from g, which is spent, and the slots s and v; the rest as in `sgd`."""
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
        """Update p from g, which is spent, and the slots m and s; the rest as in `sgd`.

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
