"""The fused point compiled by numba: a time step in one pass over each row.

Compiled on first use and cached on the disk, if there is a place to write. Short loops over few
arrays, because those become vector instructions. No kernel holds Python's lock, so the shards of
a batch can run side by side.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit, types
from numba.core.caching import FunctionCache
from numba.extending import overload

from trainer import terminal
from trainer.backend.kernels import Array
from trainer.backend.reference import ReferenceKernels


class _Cache(FunctionCache):  # type: ignore[misc, unused-ignore]
    """numba's cache; what it cannot read is compiled again, and what it cannot write is not kept.

    Disks get full, folders are taken away, files are damaged: none of it may end a training.
    """

    def load_overload(self, *signature: Any) -> Any:
        try:
            return super().load_overload(*signature)  # type: ignore[no-untyped-call, unused-ignore]
        except Exception:  # whatever it is, there is another way
            return None

    def save_overload(self, *compiled: Any) -> None:
        try:
            super().save_overload(*compiled)  # type: ignore[no-untyped-call, unused-ignore]
        except Exception:
            _note_once()


@lru_cache(1)  # once, not for each kernel
def _note_once() -> None:
    terminal.note(
        "the compiled kernels cannot be kept for the next start, which will take seconds longer; "
        "NUMBA_CACHE_DIR may name a folder that can be written"
    )


def _compiled(function: Callable[..., Any]) -> Any:
    """Compile on first use; from the cache where there is one."""
    dispatcher: Any = njit(nogil=True, error_model="numpy", fastmath={"contract"})(function)
    try:
        dispatcher._cache = _Cache(function)  # type: ignore[no-untyped-call, unused-ignore]
    except (RuntimeError, OSError):  # nowhere to write: a read-only installation without a home
        _note_once()
    return dispatcher


# tanh(x) = x P(x^2) / Q(x^2) for |x| <= 9.1, where float32 has reached 1: a least-squares fit, its
# relative error at most 2.3e-8, or 4e-7 with the rounding of float32.
_f = np.float32
_END, _HALF, _ONE = _f(9.1), _f(0.5), _f(1)
_P0, _P1, _P2 = _f(9.99999977e-01), _f(1.33744711e-01), _f(3.48780621e-03)
_P3, _P4 = _f(2.04811084e-05), _f(1.31774185e-08)
_Q1, _Q2 = _f(4.67077849e-01), _f(2.58473701e-02)
_Q3, _Q4 = _f(3.27291232e-04), _f(7.70400251e-07)


def _tanh(x: Any) -> Any:
    """Stand for the tanh of the type at hand; exists in compiled code alone."""
    raise RuntimeError("not compiled")


@overload(_tanh, inline="always")
def _tanh_of_type(x: Any) -> Any:
    def rational(x: Any) -> Any:
        x = _END if x > _END else (-_END if x < -_END else x)  # nan stays nan
        u = x * x
        p = (((_P4 * u + _P3) * u + _P2) * u + _P1) * u + _P0
        q = (((_Q4 * u + _Q3) * u + _Q2) * u + _Q1) * u + _ONE
        return x * p / q

    def exact(x: Any) -> Any:
        return math.tanh(x)

    return rational if x == types.float32 else exact  # float64 is for checks


@_compiled
def _add(z: Array, recurrent: Array, b: Array) -> None:
    for j in range(z.size):
        z[j] += recurrent[j] + b[j]


@_compiled
def _candidate(z: Array) -> None:
    for j in range(z.size):
        z[j] = _tanh(z[j])


@_compiled
def _sigmoids(z: Array) -> None:
    for j in range(z.size):
        z[j] = _HALF * _tanh(_HALF * z[j]) + _HALF


@_compiled
def _cell(a: Array, i: Array, f: Array, c_previous: Array, c: Array) -> None:
    for j in range(c.size):
        c[j] = a[j] * i[j] + c_previous[j] * f[j]


@_compiled
def _output(c: Array, o: Array, tanh_c: Array, h: Array) -> None:
    for j in range(c.size):
        tanh_c[j] = _tanh(c[j])
        h[j] = tanh_c[j] * o[j]


@_compiled
def _accumulate(values: Array, total: Array) -> None:
    for k in range(total.size):
        total[k] += values[k]


@_compiled
def _sum_rows(values: Array, rows: Array, out: Array) -> None:
    out[:] = 0
    for n in range(rows.size):
        _accumulate(values[n], out[rows[n]])


@_compiled
def _forward(
    t: int,
    z: Array,
    recurrent: Array,
    b: Array,
    c: Array,
    tanh_c: Array,
    h: Array,
    resets: Array,
    nothing: Array,
) -> None:
    _, B, H = h.shape
    for n in range(B):
        before = c[t, n]
        if resets.size and resets[t, n]:
            recurrent[n] = 0
            before = nothing
        gates = z[t, n]
        _add(gates, recurrent[n], b)
        a, i, f, o = gates[:H], gates[H : 2 * H], gates[2 * H : 3 * H], gates[3 * H :]
        _candidate(a)
        _sigmoids(gates[H:])
        _cell(a, i, f, before, c[t + 1, n])
        _output(c[t + 1, n], o, tanh_c[t, n], h[t + 1, n])


@_compiled
def _backward(
    t: int,
    z: Array,
    c: Array,
    tanh_c: Array,
    dh: Array,
    dh_recurrent: Array,
    dc: Array,
    resets: Array,
    nothing: Array,
) -> None:
    T, B, H = dh.shape
    for n in range(B):
        before = c[t, n]
        if resets.size:
            if resets[t, n]:
                before = nothing
            if t + 1 < T and resets[t + 1, n]:
                dh_recurrent[n] = 0
                dc[n] = 0
        gates, tanh, dh_n, dh_next, dc_n = z[t, n], tanh_c[t, n], dh[t, n], dh_recurrent[n], dc[n]
        a, i, f, o = gates[:H], gates[H : 2 * H], gates[2 * H : 3 * H], gates[3 * H :]
        for j in range(H):
            dh_n[j] += dh_next[j]
        for j in range(H):
            delta = dc_n[j] + dh_n[j] * o[j] * (_ONE - tanh[j] * tanh[j])
            da = delta * i[j] * (_ONE - a[j] * a[j])
            di = delta * a[j] * i[j] * (_ONE - i[j])
            df = delta * before[j] * f[j] * (_ONE - f[j])
            do = dh_n[j] * tanh[j] * o[j] * (_ONE - o[j])
            dc_n[j] = delta * f[j]
            a[j], i[j], f[j], o[j] = da, di, df, do


class FusedKernels(ReferenceKernels):
    """The kernels of the reference, compiled; what is not here is as good in NumPy."""

    def __init__(self, xp: Any) -> None:
        super().__init__(xp)
        # Compile, or load what was compiled, now: the first step is not to take seconds.
        z, two, one = np.zeros((1, 1, 4), _f), np.zeros((2, 1, 1), _f), np.zeros((1, 1, 1), _f)
        self.gates_forward(0, z, z[0], None, two, one, two, None)
        self.gates_backward(0, z, two, one, one, one[0], one[0], None)
        self.sum_rows(one[0], np.zeros(1, np.int32), out=one[0])

    def sum_rows(self, values: Array, rows: Array, out: Array) -> None:
        """Set each row of `out` to the sum of the values that belong to it."""
        _sum_rows(values, rows, out)

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
        """Compute a, i, f, o, c and h of time step t, as the reference does."""
        if b is None:
            b = self.xp.zeros(z.shape[2], z.dtype)
        nothing = self.xp.zeros(h.shape[2], h.dtype)
        _forward(t, z, recurrent, b, c, tanh_c, h, _or_none(resets), nothing)

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
        """Compute the gradients of time step t, as the reference does."""
        nothing = self.xp.zeros(dh.shape[2], dh.dtype)
        _backward(t, z, c, tanh_c, dh, dh_recurrent, dc, _or_none(resets), nothing)


_NO_RESETS = np.zeros((0, 0), np.bool_)


def _or_none(resets: Array | None) -> Array:
    """Stand an empty array for no resets: compiled code is made for types."""
    return _NO_RESETS if resets is None else resets
