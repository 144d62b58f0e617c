"""A trained model: the one door to what can be done with a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from trainer.backend import create_backend
from trainer.builder import build_model, build_same_corpus
from trainer.config import Config, GenerationConfig, changed, override
from trainer.errors import UserError
from trainer.generation.writer import Writer, generate
from trainer.nn import CharacterLSTM
from trainer.runs.checkpoint import Checkpoint, unpack_parameters
from trainer.runs.folder import find_checkpoint
from trainer.scoring.evaluation import beginning, losses
from trainer.text import Corpus, Span, Vocabulary, find_resets, own_span

Floats = npt.NDArray[np.floating[Any]]

WINDOW = 256
"""Symbols read at once; what comes out does not depend on it."""
MAY_CHANGE = {
    *(("generation", key) for key in GenerationConfig.model_fields),
    *(("corpus", key) for key in ("path", "name", "glob", "exclude", "validation", "test")),
    *(("corpus", key) for key in ("cache", "encoding", "unknown")),
}
"""Section and key of what may differ from the training: how to write, where a text is, and what to
do with characters that are not known, unless one symbol stands for all of them."""


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
    """A trained model.

    Several threads may use it at once, and several streams one thread: each call computes on
    arrays of its own, and only the parameters are shared. (Whoever changes parameters while another
    thread computes gets a mixture of both.)

    Attributes:
        network: the network itself, parameters by name in `network.parameters`.
        vocabulary: the symbols it knows; for a model of bytes the symbols are bytes.
        config: what it was trained with.
        checkpoint: where it comes from, without its arrays; None for one that is in training.
    """

    def __init__(
        self,
        network: CharacterLSTM,
        vocabulary: Vocabulary,
        config: Config,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.network = network
        self.vocabulary = vocabulary
        self.config = config
        self.checkpoint = checkpoint

    @property
    def step(self) -> int:
        """Training steps up to the checkpoint."""
        return 0 if self.checkpoint is None else self.checkpoint.counters.step

    def stream(
        self, prompt: str | None = None, length: int | None = None, **options: Any
    ) -> Iterator[str]:
        """Continue a prompt, yielding one character at a time.

        Args:
            options: temperature, top_k, top_p, until, seed. What is not given, prompt and length
                too, is as the run's own configuration says in its section `generation`.

        Raises:
            UserError: The prompt has a character that the model does not know, or an option is
                impossible.
        """
        given = {"prompt": prompt, "length": length}
        known = {name: value for name, value in given.items() if value is not None}
        asked = self.generation_options({**known, **options}, "generate")
        document = self.config.corpus.document
        return generate(self._twin(), self.vocabulary, **asked.model_dump(), document=document)

    def generate(self, prompt: str | None = None, length: int | None = None, **options: Any) -> str:
        """Return the text that `stream` yields; the prompt is not repeated."""
        return "".join(self.stream(prompt, length, **options))

    def generation_options(self, given: Mapping[str, Any], source: str) -> GenerationConfig:
        """Return the run's own ways to write, with those that are given in their place.

        Raises:
            UserError: One is impossible; the schema that checks the file checks it too.
        """
        return changed(self.config, {"generation": given}, source).generation

    def writer(self, seeds: Sequence[int] = (1,)) -> Writer:
        """Begin texts side by side, one for each seed."""
        document = self.config.corpus.document
        return Writer(self._twin(), self.vocabulary, seeds, document=document)

    def score(self, text: str) -> npt.NDArray[np.float64]:
        """Return how unexpected each symbol of a text is, in nats, -ln of its probability.

        Returns:
            (n - 1,): of the second symbol to the last; nothing precedes the first.

        Raises:
            UserError: The text has a character that the model does not know, or fewer than two.
        """
        span = self.span(text)
        if len(span.ids) < 2:
            raise UserError("a text to score needs at least 2 characters, one to predict")
        return np.concatenate(list(losses(self._twin(), span)))

    def read(self, text: str) -> Reading:
        """Return the activations of all layers while the model reads a text from its beginning.

        Raises:
            UserError: The text has a character that the model does not know, or none at all.
        """
        span, network = self.span(text), self._twin()
        L, n, H = network.num_layers, len(span.ids), network.hidden_size
        if not n:
            raise UserError("a text to read needs at least one character")
        gates, cell, hidden = (np.empty((L, n, K), network.dtype) for K in (4 * H, H, H))
        probabilities = np.empty((n, len(self.vocabulary)), network.dtype)
        state = beginning(network, span)
        for start in range(0, n, WINDOW):
            window = slice(start, min(start + WINDOW, n))
            x = span.ids[window].astype(np.int32)[:, None]
            resets = find_resets(span.borders, x, np.arange(n)[window, None])
            logits, state = network.forward(x, state, resets=resets)
            for k, layer in enumerate(network.lstm.layers):
                gates[k, window] = layer.gates[:, 0]
                cell[k, window] = layer.cells[:, 0]
                hidden[k, window] = layer.outputs[:, 0]
            p = np.exp(logits[:, 0] - logits[:, 0].max(axis=1, keepdims=True))
            probabilities[window] = p / p.sum(axis=1, keepdims=True)
        a, i, f, o = np.split(gates, 4, axis=2)
        return Reading(a, i, f, o, cell, hidden, probabilities)

    def span(self, text: str) -> Span:
        """Encode a text that stands by itself.

        Raises:
            UserError: It has a character that the model does not know.
        """
        return own_span(text, self.vocabulary, self.config.corpus.document)

    def corpus(self, otherwise: str) -> Corpus:
        """Find the text that the model was trained on.

        Args:
            otherwise: what to do if it has changed.

        Raises:
            UserError: It is not there, or has changed.
        """
        assert self.checkpoint is not None
        return build_same_corpus(self.config.corpus, self.checkpoint, otherwise)

    def _twin(self) -> CharacterLSTM:
        """Make a network of the same parameters that computes on arrays of its own."""
        network = self.network
        return build_model(
            self.config,
            network.backend,
            network.vocabulary_size,
            parameters=network.parameters,
        )


def load(path: str | Path, overrides: Sequence[str] = ()) -> Model:
    """Load the best checkpoint of a run folder, else its latest, or a checkpoint file.

    Args:
        overrides: `section.key=value`, where the text of the training is now, or how to write.

    Raises:
        UserError: There is none, it is damaged, or an override is impossible.
    """
    checkpoint = find_checkpoint(Path(path).expanduser())
    config = override(checkpoint.config, overrides)
    _refuse_others(checkpoint.config, config)
    network = build_model(config, create_backend(), len(checkpoint.vocabulary))
    unpack_parameters(checkpoint, network)
    vocabulary = Vocabulary(
        checkpoint.vocabulary.characters, unit=config.corpus.unit, unknown=config.corpus.unknown
    )
    return Model(network, vocabulary, config, replace(checkpoint, arrays={}))


def _refuse_others(trained: Config, wanted: Config) -> None:
    """Refuse what would make another model of it.

    Raises:
        UserError: A key differs that may not.
    """
    before, after = trained.model_dump(), wanted.model_dump()
    symbol = "symbol" in (trained.corpus.unknown, wanted.corpus.unknown)
    for section, values in after.items():
        for key in values if isinstance(values, dict) else ():
            free = (section, key) in MAY_CHANGE and not (symbol and key == "unknown")
            if not free and values[key] != before[section][key]:
                raise UserError(
                    f"{section}.{key}: found {values[key]}, but the model was trained with "
                    f"{before[section][key]}, which cannot change any more"
                )
