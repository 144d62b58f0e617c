"""The fused point on a GPU: each kernel of the protocol is one launch, but for the norm's two."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import cupy
import numpy as np

from trainer.backend.cuda.cublas import Cublas
from trainer.backend.cuda.device_code import compile_kernels
from trainer.backend.kernels import Array, DropoutKey

WARP = 32
"""Threads that run together; a block is made of whole warps."""
SMALL_BLOCK, BLOCK, LARGEST_BLOCK = 128, 256, 1024
"""Threads of a block: where there is little to spread, as a rule, and where it works alone."""
MAX_BLOCKS = 1024
"""Blocks for flat arrays: enough for the largest GPU; beyond, a thread takes several elements."""
COLUMNS_A_LANE = 4
"""Of `sum_rows`; as rows.cu has it."""
NUMBERS_A_THREAD = 16
"""Of dropout: what one draw of Philox gives."""


class CudaKernels:
    """Kernels for CuPy arrays; nothing here allocates after its first call, and nothing waits.

    What each computes is said by `trainer.backend.reference.ReferenceKernels`, and how in the `.cu`
    files. Those of a time step are given whole arrays and its number: a view would cost the host
    as much as a launch.
    """

    def __init__(self, cublas: Cublas) -> None:
        self.product, self.step_product = cublas.product, cublas.step_product
        self._compiled = _ByType(compile_kernels)
        self._squares = _ByType(lambda letter: cupy.empty(MAX_BLOCKS, letter))
        self._ones = _ByType(lambda letter: cupy.ones((1, 0), letter))

    def gather_rows(self, table: Array, rows: Array, out: Array) -> None:
        """Copy ``table[rows]`` to `out`, where every row is known to exist."""
        columns = table.shape[1]
        threads = _threads(columns, BLOCK)
        blocks = (rows.size, -(-columns // threads))
        self._launch("gather_rows", out, blocks, (threads,), (table, rows, out, columns))

    def sum_rows(self, values: Array, rows: Array, out: Array) -> None:
        """Set each row of `out` to the sum of the values that belong to it."""
        count, (table_rows, columns) = rows.size, out.shape
        blocks = (table_rows, -(-columns // (WARP * COLUMNS_A_LANE)))
        threads = (WARP, _threads(count, BLOCK) // WARP)
        self._launch("sum_rows", out, blocks, threads, (values, rows, out, count, columns))

    def sum_columns(self, values: Array, out: Array) -> None:
        """Set out (K,) to the sums over the columns of values (n, K): by a product with ones."""
        (n, K), letter = values.shape, out.dtype.char
        if self._ones[letter].size < n:
            self._ones[letter] = cupy.ones((1, n), letter)
        self.product(self._ones[letter][:, :n], values, out.reshape(1, K))

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
        """Compute a, i, f, o, c and h of time step t."""
        _, B, H = h.shape
        arguments = (t, z, recurrent, b, c, tanh_c, h, resets, B, H)
        self._launch("gates_forward", z, (-(-B * H // SMALL_BLOCK),), (SMALL_BLOCK,), arguments)

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
        """Compute the gradients of time step t."""
        T, B, H = dh.shape
        arguments = (t, z, c, tanh_c, dh, dh_recurrent, dc, resets, T, B, H)
        self._launch("gates_backward", z, (-(-B * H // SMALL_BLOCK),), (SMALL_BLOCK,), arguments)

    def softmax_forward(self, logits: Array, targets: Array, total: Array, losses: Array) -> None:
        """Compute the cross-entropy of each prediction."""
        N, V = logits.shape
        blocks = (-(-N * WARP // BLOCK),)
        arguments = (logits, targets, total, losses, N, V)
        self._launch("softmax_forward", logits, blocks, (BLOCK,), arguments)

    def softmax_backward(self, p: Array, targets: Array, total: Array, predictions: int) -> None:
        """Turn what `softmax_forward` left into the gradient of the logits."""
        N, V = p.shape
        blocks = (-(-N * WARP // BLOCK),)
        arguments = (p, targets, total, predictions, N, V)
        self._launch("softmax_backward", p, blocks, (BLOCK,), arguments)

    def dropout_forward(
        self, x: Array, probability: float, key: DropoutKey, step: Array, mask: Array, y: Array
    ) -> None:
        """Draw the mask that `keep_mask` draws on the host, and apply it."""
        threads = _threads(-(-x.size // NUMBERS_A_THREAD), SMALL_BLOCK)
        blocks = (-(-x.size // (NUMBERS_A_THREAD * threads)),)
        seed = np.uint64(key.seed)  # which may be too large for what Python's numbers become
        threshold, scale = round(probability * 65536), 1 / (1 - probability)
        arguments = (x, mask, y, step, seed, key.layer, key.shard, threshold, scale, x.size)
        self._launch("dropout_forward", x, blocks, (threads,), arguments)

    def dropout_backward(self, dy: Array, probability: float, mask: Array) -> None:
        """Apply a mask once more."""
        self._launch_flat("dropout_backward", dy, (dy, mask, 1 / (1 - probability), dy.size))

    def sum(self, values: Array, factor: float, out: Array) -> None:
        """Set out () to factor times the sum of all values."""
        threads = _threads(values.size, LARGEST_BLOCK)
        self._launch("sum", out, (1,), (threads,), (values, float(factor), out, values.size))

    def norm(self, values: Array, out: Array) -> None:
        """Set out () to the Euclidean norm of all values."""
        squares, blocks = self._squares[out.dtype.char], _blocks(values.size)
        self._launch("sum_squares", out, (blocks,), (BLOCK,), (values, squares, values.size))
        threads = _threads(blocks, LARGEST_BLOCK)
        self._launch("root_of_sum", out, (1,), (threads,), (squares, out, blocks))

    def clip(self, g: Array, norm: Array, max_norm: float | None, max_value: float | None) -> None:
        """Limit gradients as a whole, given their norm, then each of them."""
        if max_norm is None and max_value is None:
            return
        of_norm = (None, inf) if max_norm is None else (norm, float(max_norm))
        limit = inf if max_value is None else float(max_value)
        self._launch_flat("clip", g, (g, *of_norm, limit, g.size))

    def observe(self, loss: Array, norm: Array, step: Array, bad_step: Array) -> None:
        """Note the step in `bad_step` if it is the first that went wrong."""
        self._launch("observe", loss, (1,), (1,), (loss, norm, step, bad_step))

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
        """Update parameters by gradient descent, unless a step went wrong."""
        constants = (float(momentum), int(nesterov), float(weight_decay), decayed)
        self._launch_flat("sgd", p, (p, g, v, rates, bad_step, *constants, p.size))

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
        """Update parameters by RMSProp, unless a step went wrong."""
        constants = (*map(float, (alpha, eps, momentum, weight_decay)), decayed)
        self._launch_flat("rmsprop", p, (p, g, s, v, rates, bad_step, *constants, p.size))

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
        """Update parameters by Adam, unless a step went wrong."""
        constants = (*map(float, (*betas, weight_decay)), decayed)
        self._launch_flat("adam", p, (p, g, m, s, rates, bad_step, *constants, p.size))

    def _launch_flat(self, name: str, like: Array, arguments: tuple[Any, ...]) -> None:
        """Launch a kernel over the elements of a flat array, whose number is its last argument."""
        self._launch(name, like, (_blocks(arguments[-1]),), (BLOCK,), arguments)

    def _launch(
        self,
        name: str,
        like: Array,
        blocks: tuple[int, ...],
        threads: tuple[int, ...],
        arguments: tuple[Any, ...],
    ) -> None:
        """Launch a kernel for the type of the array `like`."""
        self._compiled[like.dtype.char][name](blocks, threads, arguments)


def _threads(count: int, most: int) -> int:
    """Return the threads of a block for so many things to do."""
    return min(-(-count // WARP) * WARP, most)


def _blocks(elements: int) -> int:
    """Return the blocks for a flat array."""
    return min(-(-elements // BLOCK), MAX_BLOCKS)


class _ByType(dict[str, Any]):
    """What is made for a floating type, known by its letter, when it is first asked for."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, letter: str) -> Any:
        made = self[letter] = self._make(letter)
        return made
