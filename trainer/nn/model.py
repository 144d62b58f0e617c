"""The whole network: symbols in, scores of the next symbol out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.backend import Array, Backend
from trainer.nn.dropout import Dropout
from trainer.nn.embedding import Embedding
from trainer.nn.linear import Linear
from trainer.nn.loss import SoftmaxCrossEntropy
from trainer.nn.lstm import LSTMLayer, LSTMState
from trainer.nn.parameters import Parameters
from trainer.nn.stack import LSTM

if TYPE_CHECKING:
    import numpy


class CharacterLSTM:
    """Input (one-hot or embedded), a stack of LSTM layers, dropout, linear output.

    Args:
        vocabulary_size: V.
        hidden_size: H, of every layer.
        num_layers: L.
        embedding_size: D of a dense embedding; None feeds one-hot vectors to the first layer.
        bias: whether the gates have a bias (the output always has).
        dropout: probability, between layers and before the output.
        seed, shard: key the dropout masks.
        dtype: "float32" or "float64".
        parameters: of another model of the same sizes, to be used by both; None makes new ones.

    Attributes:
        input_matrix: name of the matrix that has a row for each symbol.
    """

    def __init__(
        self,
        backend: Backend,
        vocabulary_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        embedding_size: int | None = None,
        bias: bool = True,
        dropout: float = 0.0,
        seed: int = 0,
        shard: int = 0,
        dtype: str = "float32",
        parameters: Parameters | None = None,
    ) -> None:
        V, H, L, D = vocabulary_size, hidden_size, num_layers, embedding_size
        self.backend = backend
        self.vocabulary_size, self.hidden_size, self.num_layers = V, H, L
        self.dtype = dtype

        shapes: dict[str, tuple[int, ...]] = {}
        if D is not None:
            shapes["embedding.W"] = (V, D)
        for k in range(L):
            shapes[f"lstm.{k}.W"] = (H if k > 0 else V if D is None else D, 4 * H)
            shapes[f"lstm.{k}.U"] = (H, 4 * H)
            if bias:
                shapes[f"lstm.{k}.b"] = (4 * H,)
        shapes["output.W"] = (H, V)
        shapes["output.b"] = (V,)
        self.parameters = parameters = parameters or Parameters(backend, shapes, dtype)

        def layer(k: int) -> LSTMLayer:
            takes_ids = k == 0 and D is None
            product = (Embedding if takes_ids else Linear)(backend, parameters[f"lstm.{k}.W"])
            b = parameters[f"lstm.{k}.b"] if bias else None
            return LSTMLayer(backend, product, parameters[f"lstm.{k}.U"], b)

        dropouts = [
            Dropout(backend, dropout, seed=seed, layer=k, shard=shard, dtype=dtype)
            for k in range(L)
        ]
        self.input_matrix = "lstm.0.W" if D is None else "embedding.W"
        self.embedding = Embedding(backend, parameters["embedding.W"]) if D is not None else None
        self.lstm = LSTM(backend, [layer(k) for k in range(L)], dropouts[:-1])
        self.dropout = dropouts[-1]
        self.output = Linear(backend, parameters["output.W"], parameters["output.b"])
        self.loss = SoftmaxCrossEntropy(backend, dtype)

    def initialise(
        self,
        generator: numpy.random.Generator,
        forget_bias: float = 1.0,
        unknown: int | None = None,
    ) -> None:
        """Draw all parameters from a generator of the host.

        Matrices are uniform in +-1 / sqrt(H) as in PyTorch, an embedding is standard normal. A
        one-hot vector has a single 1, so the matrix that it meets is uniform in +-1: its fan-in is
        1. Biases are 0, but the forget gate's start at `forget_bias` (Gers et al. 2000).

        Args:
            unknown: a symbol that no text has, so that nothing can be learnt of it: its row is 0,
                and when it is met later it tells the model nothing, rather than something random.
        """
        H = self.hidden_size
        for name in self.parameters:
            value = self.parameters[name].value
            if value.ndim == 1:
                value[...] = 0
                if name.startswith("lstm."):
                    value[2 * H : 3 * H] = forget_bias
                continue
            bound = 1.0 if name == self.input_matrix else H**-0.5
            for row in value:  # one at a time: the numbers are drawn in twice the memory or more
                if name == "embedding.W":
                    drawn = generator.standard_normal(row.shape)
                else:
                    drawn = generator.uniform(-bound, bound, row.shape)
                row[...] = self.backend.asarray(drawn, self.dtype)
        if unknown is not None:
            self.parameters[self.input_matrix].value[unknown] = 0

    def zero_state(self, batch_size: int) -> LSTMState:
        """Return the state before any text: h and c (L, B, H) of zeros."""
        shape = (self.num_layers, batch_size, self.hidden_size)
        return LSTMState(*(self.backend.xp.zeros(shape, self.dtype) for _ in range(2)))

    def forward(
        self,
        x: Array,
        state: LSTMState,
        step: Array | None = None,
        resets: Array | None = None,
        after: LSTMState | None = None,
    ) -> tuple[Array, LSTMState]:
        """Score the next symbol after each of a window's.

        Args:
            x: (T, B) ids, or (T, B, V) mixtures of symbols.
            state: h and c (L, B, H) before the window; not changed.
            step: () of int64, the training step, for dropout; None when not training.
            resets: (T, B) of bool, where the state is reset before x is read; None for nowhere.
            after: where to put the state after the window, may be `state`; None makes a new one.

        Returns:
            logits (T, B, V), good until the next `forward`, and the state after the window.
        """
        if self.embedding is not None:
            x = self.embedding.forward(x)
        h, state = self.lstm.forward(x, state, step, resets, after)
        return self.output.forward(self.dropout.forward(h, step)), state

    def backward(
        self, dlogits: Array, dstate: LSTMState | None = None
    ) -> tuple[Array | None, LSTMState]:
        """Write the gradients of all parameters, from the gradient of the last logits (T, B, V).

        Returns:
            The gradient of x, None for ids, and that of the state before the window; good until
            the next `backward`.

        Raises:
            RuntimeError: There was no forward pass.
        """
        dh = self.dropout.backward(self.output.backward(dlogits))
        dx, dstate = self.lstm.backward(dh, dstate)
        if self.embedding is not None:
            dx = self.embedding.backward(dx)
        return dx, dstate
