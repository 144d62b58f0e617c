"""From a configuration to the things it describes."""

from __future__ import annotations

from pathlib import Path

from trainer.backend import Backend
from trainer.config import Config, CorpusConfig
from trainer.errors import UserError
from trainer.nn import CharacterLSTM, Parameters
from trainer.optim import SGD, Adam, Clipping, Optimizer, RMSProp, Schedule
from trainer.runs.checkpoint import Checkpoint
from trainer.runs.folder import RunFolder
from trainer.text import Corpus, Sources, fetch, find_files, load_corpus


def build_corpus(corpus: CorpusConfig) -> Corpus:
    """Find or fetch the text and encode it, unless that was done before.

    Raises:
        UserError, RunFailed: as `load_corpus` and `fetch` do.
    """
    cache = Path(corpus.cache)

    def files(places: str | tuple[str, ...] | None) -> list[Path]:
        return [] if places is None else find_files(places, corpus.glob, cache, corpus.exclude)

    train = [fetch(corpus.name, cache)] if corpus.name is not None else files(corpus.path)
    return load_corpus(
        Sources(train, files(corpus.validation), files(corpus.test)),
        cache,
        unit=corpus.unit,
        document=corpus.document,
        unknown=corpus.unknown,
        encoding=corpus.encoding,
    )


def build_same_corpus(corpus: CorpusConfig, checkpoint: Checkpoint, otherwise: str) -> Corpus:
    """Find the text that a checkpoint was trained on.

    Args:
        otherwise: what to do if it has changed.

    Raises:
        UserError: It has changed; and what `build_corpus` raises.
    """
    try:
        found, trained = build_corpus(_at_home(corpus, checkpoint)), checkpoint.text_sha256
    except UserError as error:
        if "no such file" not in str(error):
            raise
        raise UserError(
            f"{error}; if the text has moved, say where with corpus.path=NEW"
        ) from error
    if found.sha256 != trained:
        raise UserError(
            f"{found.source}: the text has changed since the checkpoint: its sha256 is "
            f"{found.sha256}, the checkpoint's {trained}; {otherwise}"
        )
    files_matter = corpus.split is None or corpus.document == "file"
    if files_matter and found.files_sha256 != checkpoint.files_sha256:
        raise UserError(
            f"{found.source}: the text is the same as the checkpoint's, but divided otherwise into "
            f"files, or files for training, validation and test; {otherwise}"
        )
    return found


def _at_home(corpus: CorpusConfig, checkpoint: Checkpoint) -> CorpusConfig:
    """Find texts that the run keeps, wherever its folder is now."""
    home = RunFolder(checkpoint.path.parent.parent).texts

    def find(places: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        if isinstance(places, tuple):
            return tuple(str(find(place)) for place in places)
        if places is None or Path(places).exists() or not (home / Path(places).name).is_file():
            return places
        return str(home / Path(places).name)

    found = {key: find(getattr(corpus, key)) for key in ("path", "validation", "test")}
    return corpus.model_copy(update=found)


def build_model(
    config: Config,
    backend: Backend,
    vocabulary_size: int,
    *,
    shard: int = 0,
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
        shard=shard,
        parameters=parameters,
        dtype=config.backend.dtype,
    )


def build_optimizer(config: Config, model: CharacterLSTM) -> Optimizer:
    """Make the optimizer of a model's parameters."""
    optimizer, parameters = config.optimizer, model.parameters
    weight_decay = optimizer.weight_decay
    if optimizer.name == "adam":
        return Adam(parameters, betas=optimizer.betas, eps=optimizer.eps, weight_decay=weight_decay)
    if optimizer.name == "rmsprop":
        return RMSProp(
            parameters,
            alpha=optimizer.alpha,
            eps=optimizer.eps,
            momentum=optimizer.momentum,
            weight_decay=weight_decay,
        )
    return SGD(
        parameters,
        momentum=optimizer.momentum,
        nesterov=optimizer.nesterov,
        weight_decay=weight_decay,
    )


def build_clipping(config: Config, model: CharacterLSTM) -> Clipping:
    """Make the limits of a model's gradient."""
    return Clipping(model.parameters, config.optimizer.clip_norm, config.optimizer.clip_value)


def build_schedule(config: Config) -> Schedule:
    """Make the learning-rate schedule."""
    return Schedule(**config.schedule.model_dump())
