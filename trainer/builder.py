"""From a configuration to the things it describes."""

from __future__ import annotations

from pathlib import Path

from trainer.backend import ONE_THREAD, Backend
from trainer.checkpoint import Checkpoint, unpack_parameters
from trainer.config import Config, CorpusConfig, config_from_mapping
from trainer.errors import UserError
from trainer.nn import CharacterLSTM, Parameters
from trainer.optim import SGD, Clipping, Schedule
from trainer.text import Corpus, Vocabulary, fetch, load_corpus


def build_corpus(corpus: CorpusConfig) -> Corpus:
    """Find or fetch the text and encode it, unless that was done before.

    Raises:
        UserError, RunFailed: as `load_corpus` and `fetch` do.
    """
    cache = Path(corpus.cache)
    path = Path(corpus.path) if corpus.path is not None else fetch(corpus.name or "", cache)
    return load_corpus(path, cache)


def build_same_corpus(corpus: CorpusConfig, checkpoint: Checkpoint, otherwise: str) -> Corpus:
    """Find the text that a checkpoint was trained on.

    Args:
        otherwise: what to do if it has changed.

    Raises:
        UserError: It has changed; and what `build_corpus` raises.
    """
    found, trained = build_corpus(corpus), checkpoint.facts["text_sha256"]
    if found.sha256 != trained:
        raise UserError(
            f"{found.source}: the text has changed since the checkpoint: its sha256 is "
            f"{found.sha256}, the checkpoint's {trained}; {otherwise}"
        )
    return found


def build_model(
    config: Config,
    backend: Backend,
    vocabulary_size: int,
    *,
    part: int = 0,
    parameters: Parameters | None = None,
) -> CharacterLSTM:
    """Make the model, its parameters not yet set, or with those of another."""
    model = config.model
    return CharacterLSTM(
        backend,
        vocabulary_size,
        model.hidden_size,
        model.num_layers,
        embedding_size=model.embedding_size,
        bias=model.bias,
        dropout=model.dropout,
        seed=config.training.seed,
        part=part,
        parameters=parameters,
        dtype=config.backend.dtype,
    )


def build_optimizer(config: Config, model: CharacterLSTM) -> SGD:
    """Make the optimizer of a model's parameters."""
    optimizer = config.optimizer
    return SGD(
        model.parameters,
        momentum=optimizer.momentum,
        nesterov=optimizer.nesterov,
        weight_decay=optimizer.weight_decay,
    )


def build_clipping(config: Config, backend: Backend) -> Clipping:
    """Make the limits of the gradient."""
    return Clipping(backend, config.optimizer.clip_norm, config.optimizer.clip_value)


def build_schedule(config: Config) -> Schedule:
    """Make the learning-rate schedule."""
    return Schedule(**config.schedule.model_dump())


def load_model(checkpoint: Checkpoint) -> tuple[CharacterLSTM, Vocabulary]:
    """Make the model of a checkpoint, ready to read one sequence; no text is needed.

    Raises:
        UserError: The checkpoint does not fit together.
    """
    config = config_from_mapping(checkpoint.facts["config"], str(checkpoint.path))
    vocabulary = Vocabulary(checkpoint.facts["vocabulary"])
    model = build_model(config, ONE_THREAD.start(), len(vocabulary))
    unpack_parameters(checkpoint, model)
    return model, vocabulary
