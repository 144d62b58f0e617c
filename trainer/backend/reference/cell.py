"""One time step of the LSTM cell, forward and backward, in the letters of the derivation note.

B is the batch, H the hidden size. The four gates lie side by side in the last axis of `z`, in the
note's order **a | i | f | o**.
"""

from __future__ import annotations

from typing import Any

from trainer.backend.kernels import Array


class CellKernels:
    """A time step of a layer, beside its two matrix products."""

    xp: Any

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
            recurrent: (B, 4H), U h of the step before; overwritten.
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
                overwritten.
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
