"""Layers of LSTM on top of each other, with dropout between them."""

from __future__ import annotations

from collections.abc import Sequence

from trainer.backend import Array, Backend
from trainer.nn.dropout import Dropout
from trainer.nn.lstm import LSTMLayer, LSTMState
from trainer.nn.workspace import Workspace


class LSTM:
    """A stack of L layers, as `torch.nn.LSTM`: dropout after each layer but the last.

    Args:
        layers: the bottom one first.
        dropouts: L - 1 of them.
    """

    def __init__(
        self, backend: Backend, layers: Sequence[LSTMLayer], dropouts: Sequence[Dropout]
    ) -> None:
        self.backend = backend
        self.layers = layers
        self.dropouts = dropouts
        self._workspace = Workspace(backend, layers[0].U.value.dtype)

    def forward(
        self,
        x: Array,
        state: LSTMState,
        step: Array | None = None,
        resets: Array | None = None,
        after: LSTMState | None = None,
    ) -> tuple[Array, LSTMState]:
        """Run all layers over a window.

        Args:
            x: (T, B, D), or (T, B) ids.
            state: h and c (L, B, H) before the window; not changed.
            step: () the training step, for dropout; None when not training.
            resets: (T, B) of bool, where the state is reset before x is read; None for nowhere.
            after: where to put the state after the window, may be `state`; None makes a new one.

        Returns:
            h of the top layer (T, B, H), good until the next `forward`, and the state after.
        """
        if after is None:
            after = LSTMState(*(self.backend.xp.empty_like(array) for array in state))
        for k, layer in enumerate(self.layers):
            if k > 0:
                x = self.dropouts[k - 1].forward(x, step)
            x, (after.h[k], after.c[k]) = layer.forward(
                x, LSTMState(state.h[k], state.c[k]), resets
            )
        return x, after

    def backward(
        self, dh: Array, dstate: LSTMState | None = None
    ) -> tuple[Array | None, LSTMState]:
        """Go back through the last `forward`.

        Args:
            dh: (T, B, H), the gradient of the top layer's h; overwritten.
            dstate: the gradient of the state after the window (L, B, H); None for zero.

        Returns:
            The gradient of x, None for ids, and that of the state before the window; all good
            until the next `backward`.

        Raises:
            RuntimeError: There was no forward pass.
        """
        L, (_, B, H), work = len(self.layers), dh.shape, self._workspace
        before = LSTMState(work("dh", L, B, H), work("dc", L, B, H))
        dx: Array | None = dh
        for k in reversed(range(L)):
            below = None if dstate is None else LSTMState(dstate.h[k], dstate.c[k])
            dx, (before.h[k], before.c[k]) = self.layers[k].backward(dx, below)
            if k > 0:
                dx = self.dropouts[k - 1].backward(dx)
        return dx, before
