"""A trained model in Python: let it write, score a text, look inside; all on NumPy arrays.

::

    from trainer.api import load

    model = load("runs/shakespeare")
    print(model.generate("ROMEO:", length=300, temperature=0.8))
    losses = model.score("To be, or not to be")          # (n - 1,) nats
    inside = model.read("To be, or not to be")
    inside.forget.shape                                  # (L, n, H)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trainer.builder import load_model
from trainer.config import Config, config_from_mapping
from trainer.errors import UserError
from trainer.generation.writer import generate
from trainer.nn import CharacterLSTM
from trainer.runs.folder import find_checkpoint
from trainer.scoring.evaluation import losses
from trainer.text import Span, Vocabulary, find_resets, line_borders

Floats = npt.NDArray[np.floating[Any]]

WINDOW = 256
"""Symbols read at once; what comes out does not depend on it."""


class Reading(NamedTuple):
    """What went on inside the model while it read a text of n symbols.

    Each array but the last is (L, n, H): layer, symbol, unit.

    Attributes:
        candidate: a = tanh(...), what might be written into the cell, from -1 to 1.
        input: i = sigma(...), how much of it is written, from 0 to 1.
        forget: f = sigma(...), how much of the cell is kept, from 0 to 1.
        output: o = sigma(...), how much of the cell is shown, from 0 to 1.
        cell: c, the memory after the symbol.
        hidden: h = tanh(c) o, what the layer hands on.
        probabilities: (n, V), of each symbol of the vocabulary to come next.
    """

    candidate: Floats
    input: Floats
    forget: Floats
    output: Floats
    cell: Floats
    hidden: Floats
    probabilities: Floats


class Model:
    """A trained model, read from a checkpoint.

    Attributes:
        network: the network itself, parameters by name in `network.parameters`.
        vocabulary: the symbols it knows; for a model of bytes the symbols are bytes.
        config: what it was trained with.
        step: training steps up to the checkpoint.
    """

    def __init__(
        self, network: CharacterLSTM, vocabulary: Vocabulary, config: Config, step: int
    ) -> None:
        self.network = network
        self.vocabulary = vocabulary
        self.config = config
        self.step = step

    def stream(self, prompt: str = "", length: int = 500, **options: Any) -> Iterator[str]:
        """Continue a prompt, yielding one character at a time.

        Args:
            options: temperature, top_k, top_p, until, seed, as `generate` takes them.

        Raises:
            UserError: The prompt has a character that the model does not know, or an option is
                impossible.
        """
        by_line = self.config.corpus.document == "line"
        given = {**self.config.model_dump(mode="json"), "generation": {"length": length, **options}}
        checked = config_from_mapping(given, "generate").generation.model_dump(exclude={"prompt"})
        return generate(self.network, self.vocabulary, prompt, **checked, lines=by_line)

    def generate(self, prompt: str = "", length: int = 500, **options: Any) -> str:
        """Return the text that `stream` yields; the prompt is not repeated."""
        return "".join(self.stream(prompt, length, **options))

    def score(self, text: str) -> npt.NDArray[np.float64]:
        """Return how unexpected each symbol of a text is, in nats, -ln of its probability.

        Returns:
            (n - 1,): of the second symbol to the last; nothing precedes the first.

        Raises:
            UserError: The text has a character that the model does not know, or fewer than two.
        """
        part = self._part(text)
        if len(part.ids) < 2:
            raise UserError("a text to score needs at least 2 characters, one to predict")
        return np.concatenate(list(losses(self.network, part)))

    def read(self, text: str) -> Reading:
        """Return the activations of all layers while the model reads a text from a zero state.

        Raises:
            UserError: The text has a character that the model does not know, or none at all.
        """
        ids, borders = self._part(text)
        if not len(ids):
            raise UserError("a text to read needs at least one character")
        L, n, H = self.network.num_layers, len(ids), self.network.hidden_size
        dtype = self.network.dtype
        gates, cell, hidden = (np.empty((L, n, K), dtype) for K in (4 * H, H, H))
        probabilities = np.empty((n, len(self.vocabulary)), dtype)
        state = self.network.zero_state(1)
        for start in range(0, n, WINDOW):
            window = slice(start, min(start + WINDOW, n))
            x = ids[window].astype(np.int32)[:, None]
            resets = find_resets(borders, x, np.arange(n)[window, None])
            logits, state = self.network.forward(x, state, resets=resets)
            for k, layer in enumerate(self.network.lstm.layers):
                gates[k, window] = layer.gates[:, 0]
                cell[k, window] = layer.cells[:, 0]
                hidden[k, window] = layer.outputs[:, 0]
            p = np.exp(logits[:, 0] - logits[:, 0].max(axis=1, keepdims=True))
            probabilities[window] = p / p.sum(axis=1, keepdims=True)
        a, i, f, o = np.split(gates, 4, axis=2)
        return Reading(a, i, f, o, cell, hidden, probabilities)

    def _part(self, text: str) -> Span:
        by_line = self.config.corpus.document == "line"
        borders = line_borders(self.vocabulary) if by_line else None
        return Span(self.vocabulary.encode(text), borders)


def load(path: str | Path) -> Model:
    """Load the best checkpoint of a run folder, else its latest, or a checkpoint file.

    Raises:
        UserError: There is none, or it is damaged.
    """
    checkpoint = find_checkpoint(Path(path))
    network, vocabulary = load_model(checkpoint)
    config = checkpoint.config
    return Model(network, vocabulary, config, checkpoint.counters.step)
