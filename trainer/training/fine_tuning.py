"""Fine-tuning: a new run begins with the parameters of another, whatever its alphabet was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from trainer.config import Config
from trainer.errors import UserError
from trainer.nn import CharacterLSTM
from trainer.runs.checkpoint import Checkpoint
from trainer.runs.folder import find_checkpoint
from trainer.text import Vocabulary
from trainer.text.vocabulary import describe

EQUAL = (
    ("model", "hidden_size"),
    ("model", "num_layers"),
    ("model", "embedding_size"),
    ("model", "bias"),
    ("corpus", "unit"),
)
"""Section and key of what must be as it was: else the arrays do not fit, or mean nothing."""
LISTED = 20
"""New characters that are named."""


class Transfer(NamedTuple):
    """What became of the symbols.

    Attributes:
        kept: those that both texts have; they keep what was learnt of them.
        new: those of the new text alone; they begin as in any new run.
        left: those of the old text alone; nothing is kept of them.
    """

    kept: list[str]
    new: list[str]
    left: list[str]

    def describe(self) -> str:
        """Tell it in one line."""
        kept = f"{len(self.kept):,} kept" if self.kept else "none in common"
        new = f"{len(self.new):,} new" if self.new else "none new"
        if self.new:
            more = len(self.new) - LISTED
            names = ", ".join(self.new[:LISTED]) + (f" and {more:,} more" if more > 0 else "")
            new += f" ({names})"
        return f"characters: {kept}, {new}, {len(self.left):,} left behind"


def read_source(place: Path, config: Config) -> Checkpoint:
    """Read the checkpoint that a new run is to begin with.

    Args:
        place: a checkpoint file, or a run folder for its best, else latest one.
        config: of the new run.

    Raises:
        UserError: There is none, it is damaged, or it is of a model of another shape.
    """
    try:
        source = find_checkpoint(place)
    except UserError as error:
        raise UserError(f"training.init_from: {error}") from error
    old = source.config.model_dump()
    new = config.model_dump()
    differ = [(s, key) for s, key in EQUAL if old[s][key] != new[s][key]]
    if differ:
        found, expected = (
            " ".join(f"{s}.{key}={json.dumps(side[s][key])}" for s, key in differ).replace('"', "")
            for side in (new, old)
        )
        raise UserError(
            f"training.init_from: {source.path} is of another model, with {expected}; the "
            f"configuration has {found}: set it as there, or begin without training.init_from"
        )
    return source


def with_source(config: Config, source: Checkpoint) -> Config:
    """Return a configuration that names the very file, whatever becomes of its run."""
    training = config.training.model_copy(update={"init_from": str(source.path)})
    return config.model_copy(update={"training": training})


def describe_source(source: Checkpoint) -> str:
    """Return the name of a checkpoint, its step and its loss, as far as it is known."""
    counters, loss = source.counters, ""
    if counters.best_loss is not None and counters.best_step == counters.step:
        loss = f", validation loss {counters.best_loss:.4f}"
    elif counters.last_loss is not None:
        loss = f", training loss {counters.last_loss:.4f}"
    return f"{source.path} (step {counters.step:,}{loss})"


def transfer(source: Checkpoint, model: CharacterLSTM, vocabulary: Vocabulary) -> Transfer:
    """Copy the parameters of a checkpoint into a model that was initialised.

    What belongs to a symbol (a row of the input's matrix, a column of the output's, an element of
    its bias) goes to where the new vocabulary has that symbol, the reserved one for unknown
    characters included. Symbols that are new keep what was drawn for them.

    Args:
        model: of the same shape but for the size of the vocabulary.
        vocabulary: the model's.
    """
    before = source.vocabulary
    old, new = ({c: k for k, c in enumerate(v.characters)} for v in (before, vocabulary))
    kept = [character for character in new if character in old]
    there, here = [old[character] for character in kept], [new[character] for character in kept]
    if before.unknown is not None and vocabulary.unknown is not None:
        there.append(before.unknown)
        here.append(vocabulary.unknown)

    of_symbols = {model.input_matrix, "output.W", "output.b"}
    for name in model.parameters:
        value = model.parameters[name].value
        learnt = model.backend.asarray(source.arrays[f"parameters.{name}"], model.dtype)
        if name in of_symbols:  # the output's have the symbols in their last axis
            value, learnt = (a if name == model.input_matrix else a.T for a in (value, learnt))
            value[here] = learnt[there]
        else:
            value[...] = learnt

    def names(characters: list[str]) -> list[str]:
        byte = vocabulary.unit == "byte"
        return [f"0x{ord(c):02X}" if byte else describe(c) for c in characters]

    return Transfer(
        names(kept),
        names([character for character in new if character not in old]),
        names([character for character in old if character not in new]),
    )
