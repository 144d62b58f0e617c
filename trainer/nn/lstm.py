"""One LSTM layer, forward and backward, in the letters and the order of the derivation note.

docs/derivation.md sets every line here beside its equation.
"""

from __future__ import annotations

from typing import NamedTuple

from trainer.backend import Array, Backend
from trainer.nn.linear import Linear
from trainer.nn.parameters import Parameter
from trainer.nn.workspace import Workspace

GATES = ("candidate", "input", "forget", "output")
"""The note's a | i | f | o: how the four gates lie in z, W, U and b. Defined here, once."""


class LSTMState(NamedTuple):
    """What a layer (B, H) or a stack (L, B, H) carries from one window to the next."""

    h: Array
    c: Array


class LSTMLayer:
    """One layer over a window of T steps of B sequences.

    ::

        a^t = tanh(W_a x^t + U_a h^(t-1) + b_a)
        i^t = sigma(W_i x^t + U_i h^(t-1) + b_i)
        f^t = sigma(W_f x^t + U_f h^(t-1) + b_f)
        o^t = sigma(W_o x^t + U_o h^(t-1) + b_o)
        c^t = a^t * i^t + c^(t-1) * f^t
        h^t = tanh(c^t) * o^t

    Where a sequence begins anew at step t, zeros stand for h^(t-1) and c^(t-1).

    Args:
        input_product: the map W from x to the four gates, for all steps at once: a `Linear` for
            vectors, an `Embedding` for one-hot input given as ids.
        U: (H, 4H).
        b: (4H,) or None (the note has none).
    """

    def __init__(
        self, backend: Backend, input_product: Linear, U: Parameter, b: Parameter | None
    ) -> None:
        self.backend = backend
        self.input_product = input_product
        self.U = U
        self.b = b
        self._workspace = Workspace(backend, U.value.dtype)
        self._saved: tuple[Array, Array, Array, Array] | None = None  # z, h, c, tanh_c
        self._resets: Array | None = None

    def forward(
        self, x: Array, state: LSTMState, resets: Array | None = None
    ) -> tuple[Array, LSTMState]:
        """Run the layer over a window (note, equations 1 to 6).

        Args:
            x: (T, B, D), or (T, B) ids if the input product takes them.
            state: h and c (B, H) before the window.
            resets: (T, B) of bool, where a sequence begins anew; None for nowhere.

        Returns:
            h (T, B, H) and the state after the window. Both live in the layer's workspace: they
            are good until its next `forward`, which may be given this very state.
        """
        xp, kernels, work = self.backend.xp, self.backend.kernels, self._workspace
        (T, B), H = x.shape[:2], self.U.value.shape[0]
        U, b = self.U.value, None if self.b is None else self.b.value
        h, c = work("h", T + 1, B, H), work("c", T + 1, B, H)  # slot 0 is the carried state
        tanh_c, recurrent = work("tanh_c", T, B, H), work("recurrent", B, 4 * H)

        xp.copyto(h[0], state.h)
        xp.copyto(c[0], state.c)
        z = self.input_product.forward(x)  # the gates are computed in its place
        for t in range(T):
            kernels.step_product(t, h, U, out=recurrent)
            kernels.gates_forward(t, z, recurrent, b, c, tanh_c, h, resets)
        self._saved, self._resets = (z, h, c, tanh_c), resets
        return h[1:], LSTMState(h[T], c[T])

    @property
    def gates(self) -> Array:
        """The gates a | i | f | o (T, B, 4H) of the last `forward`, until its `backward`."""
        return self._forward_arrays()[0]

    @property
    def outputs(self) -> Array:
        """The outputs h^t (T, B, H) of the last `forward`."""
        return self._forward_arrays()[1][1:]

    @property
    def cells(self) -> Array:
        """The memory cells c^t (T, B, H) of the last `forward`."""
        return self._forward_arrays()[2][1:]

    def backward(
        self, dh: Array, dstate: LSTMState | None = None
    ) -> tuple[Array | None, LSTMState]:
        """Go back through the window of the last `forward`, and write the gradients of W, U, b.

        Args:
            dh: (T, B, H), the gradient of h that comes from above. On return it holds the whole
                gradient of every h^t, what came from step t + 1 included.
            dstate: the gradient of the state after the window; None where the window is the end
                of the graph, as in truncated backpropagation.

        Returns:
            The gradient of x (T, B, D), None for ids, and that of the state before the window.

        Raises:
            RuntimeError: There was no forward pass.
        """
        (z, h, c, tanh_c), resets = self._forward_arrays(), self._resets
        xp, kernels, work = self.backend.xp, self.backend.kernels, self._workspace
        T, B, H = dh.shape
        dh_recurrent, dc = work("dh_recurrent", B, H), work("dc", B, H)
        U_transposed = self.U.value.T

        xp.copyto(dh_recurrent, 0 if dstate is None else dstate.h)
        xp.copyto(dc, 0 if dstate is None else dstate.c)
        for t in reversed(range(T)):
            kernels.gates_backward(t, z, c, tanh_c, dh, dh_recurrent, dc, resets)  # z becomes dz
            kernels.step_product(t, z, U_transposed, out=dh_recurrent)
        h_previous = h[:T]
        if resets is not None:  # nothing came from before them, and nothing goes back there
            h_previous = work("h_previous", T, B, H)
            xp.copyto(h_previous, h[:T])
            xp.copyto(h_previous, 0, where=resets[:, :, None])
            xp.copyto(dh_recurrent, 0, where=resets[0][:, None])
            xp.copyto(dc, 0, where=resets[0][:, None])
        self._saved = None

        dz = z.reshape(T * B, 4 * H)
        kernels.product(h_previous.reshape(T * B, H).T, dz, out=self.U.gradient)
        if self.b is not None:
            kernels.sum_columns(dz, out=self.b.gradient)
        return self.input_product.backward(z), LSTMState(dh_recurrent, dc)

    def _forward_arrays(self) -> tuple[Array, Array, Array, Array]:
        if self._saved is None:
            raise RuntimeError("there is no forward pass to go back through")
        return self._saved
