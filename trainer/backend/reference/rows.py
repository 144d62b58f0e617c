"""Rows of a table, one a symbol."""

from __future__ import annotations

from typing import Any

from trainer.backend.kernels import Array


class RowKernels:
    """What an embedding needs."""

    xp: Any

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
