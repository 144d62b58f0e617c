"""The fused point: the only code that may differ from backend to backend.

What is not here is plain array code over the backend's namespace. Every set of kernels computes
the same; the reference (`trainer.backend.reference`) says what, in array code.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

Array = Any
"""An array of the backend in use: a NumPy array on the CPU, a CuPy array on a GPU."""


class DropoutKey(NamedTuple):
    """What, with the step, names the random numbers of a dropout layer, see `keep_mask`."""

    seed: int
    layer: int
    shard: int


class Kernels(Protocol):
    """What each set of kernels offers.

    All arrays are C-contiguous, but for the factors of a product, and of one floating type. Those
    called `out`, or said to be written, exist already: on a GPU nothing here allocates memory or
    makes the host wait. T is time, B batch, H hidden size, V vocabulary.
    """

    def product(self, a: Array, b: Array, out: Array) -> None:
        """Set out (m, n) to the matrix product a (m, k) b (k, n); a and b may be transposes."""

    def step_product(self, t: int, a: Array, b: Array, out: Array) -> None:
        """Set out (m, n) to the product of time step t of a (T, m, k) and b (k, n)."""

    def gather_rows(self, table: Array, rows: Array, out: Array) -> None:
        """Copy ``table[rows]`` to `out`."""

    def sum_rows(self, values: Array, rows: Array, out: Array) -> None:
        """Set each row of `out` to the sum of the values that belong to it."""

    def sum_columns(self, values: Array, out: Array) -> None:
        """Set out (K,) to the sums over the columns of values (n, K)."""

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
        """Compute time step t of the cell from its pre-activations."""

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
        """Compute the gradient of the pre-activations of time step t."""

    def softmax_forward(self, logits: Array, targets: Array, total: Array, losses: Array) -> None:
        """Compute the cross-entropy of each prediction."""

    def softmax_backward(self, p: Array, targets: Array, total: Array, predictions: int) -> None:
        """Turn what `softmax_forward` left into the gradient of the logits."""

    def dropout_forward(
        self, x: Array, probability: float, key: DropoutKey, step: Array, mask: Array, y: Array
    ) -> None:
        """Draw a mask and apply it."""

    def dropout_backward(self, dy: Array, probability: float, mask: Array) -> None:
        """Apply a mask once more."""

    def sum(self, values: Array, factor: float, out: Array) -> None:
        """Set out () to factor times the sum of all values."""

    def norm(self, values: Array, out: Array) -> None:
        """Set out () to the Euclidean norm of all values."""

    def clip(self, g: Array, norm: Array, max_norm: float | None, max_value: float | None) -> None:
        """Limit gradients as a whole, given their norm, then each of them."""

    def observe(self, loss: Array, norm: Array, step: Array, bad_step: Array) -> None:
        """Note the step in `bad_step` if it is the first that went wrong."""

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
