"""The fused point in plain array code: the oracle every other set of kernels is compared with.

One call is one time step of one layer for the whole batch. B is the batch, H the hidden size. The
four gates lie side by side in the last axis of `z`, in the note's order **a | i | f | o**.
"""

from __future__ import annotations

from typing import Any

Array = Any


class ReferenceKernels:
    """Kernels over any array namespace with NumPy's functions (`xp`)."""

    def __init__(self, xp: Any) -> None:
        self.xp = xp

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

    def gates_forward(
        self,
        z: Array,
        recurrent: Array,
        b: Array | None,
        c_previous: Array,
        c: Array,
        tanh_c: Array,
        h: Array,
    ) -> None:
        """Compute a, i, f, o, c and h of one time step (note, forward pass, equations 1 to 6).

        Args:
            z: (B, 4H), W x of the step on entry, the gates a | i | f | o on return.
            recurrent: (B, 4H), U h of the step before.
            b: (4H,) or None.
            c_previous: (B, H), the cell of the step before.
            c, tanh_c, h: (B, H), written.
        """
        xp, H = self.xp, h.shape[1]
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
        xp.multiply(c_previous, f, out=tanh_c)  # tanh_c is free until the next line but one
        c += tanh_c
        xp.tanh(c, out=tanh_c)
        xp.multiply(tanh_c, o, out=h)

    def gates_backward(
        self, z: Array, c_previous: Array, tanh_c: Array, dh: Array, dc: Array
    ) -> None:
        """Compute the gradients of one time step (note, backward pass, with its misprints mended).

        Args:
            z: (B, 4H), the gates a | i | f | o on entry, on return the gradient of their
                pre-activations.
            c_previous, tanh_c: (B, H), as in the forward step.
            dh: (B, H), the whole gradient of h^t: from above and from step t + 1.
            dc: (B, H), the note's delta c: what step t + 1 left on entry, what this step leaves
                for step t - 1 on return.
        """
        xp, H = self.xp, dh.shape[1]
        a, i, f, o = z[:, :H], z[:, H : 2 * H], z[:, 2 * H : 3 * H], z[:, 3 * H :]
        slope = z * (1 - z)  # of the three sigmoids, s (1 - s)
        xp.subtract(1, a * a, out=slope[:, :H])  # and of the tanh

        dc += dh * o * (1 - tanh_c * tanh_c)  # delta c^t
        do = dh * tanh_c
        di = dc * a
        da = dc * i
        df = dc * c_previous
        dc *= f  # what is left for delta c^(t-1)

        a[...], i[...], f[...], o[...] = da, di, df, do
        z *= slope
