"""How a training begins: from its configuration, or from a checkpoint."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from trainer import terminal
from trainer.builder import build_corpus, build_same_corpus
from trainer.config import Config
from trainer.config.resume import FIXED
from trainer.errors import UserError
from trainer.files import disk_errors, make_folder, whole_file
from trainer.hints import tool_command, train_command
from trainer.monitor.console import Progress
from trainer.monitor.journal import Journal
from trainer.runs.checkpoint import Checkpoint
from trainer.runs.folder import RunFolder
from trainer.text import STANDARD_INPUT, Batches, Corpus, find_files
from trainer.training.fine_tuning import (
    describe_source,
    read_source,
    transfer,
    with_source,
)
from trainer.training.length import Length, is_finished
from trainer.training.loop import Training
from trainer.training.resources import Workload, new_plan, same_plan

TEXTS = ("path", "validation", "test")
"""Keys of the section `corpus` that name files."""


def folder_of(config: Config) -> RunFolder:
    """Return the folder that a new run gets."""
    return RunFolder(Path(config.runs) / config.name)


def prepare(config: Config, folder: RunFolder) -> Training:
    """Make all that a new run needs; nothing is written but a text from standard input.

    Raises:
        UserError: Something that the configuration asks for cannot be.
    """
    config, source = keep_standard_input(config), None
    if config.training.init_from is not None:
        source = read_source(Path(config.training.init_from), config)
        if folder.path.resolve() in source.path.resolve().parents:
            raise UserError(
                f"training.init_from: {source.path} is in the folder that the new run is to "
                "replace: give the new run another name with name=NAME"
            )
        config = with_source(config, source)
    corpus = build_corpus(config.corpus)
    plan = new_plan(config)
    workload = Workload.of(config, corpus, plan)
    workload.refuse_too_large()
    with workload.explain_failures():
        training = Training(config, corpus, folder, plan)
    if plan.device.note is not None:
        terminal.note(f"computes on the CPU: {plan.device.note}")
    if source is not None:
        symbols = transfer(source, training.model, corpus.vocabulary)
        terminal.tell(
            f"begins with the parameters of {describe_source(source)}\n{symbols.describe()}"
        )
    return training


def prepare_resume(config: Config, folder: RunFolder, checkpoint: Checkpoint) -> Training:
    """Make all that a run needs to go on; nothing is written.

    Raises:
        UserError: The text is not there or has changed, or a key that may not change has.
    """
    refuse_changes(config, checkpoint)
    corpus = _same_corpus(config, folder, checkpoint)
    plan, moved = same_plan(config, checkpoint)
    workload = Workload.of(config, corpus, plan)
    workload.refuse_too_large()
    with workload.explain_failures():
        training = Training(config, corpus, folder, plan, checkpoint)
    if moved is not None:
        terminal.tell(moved)
    return training


def has_full_length(config: Config, folder: RunFolder, checkpoint: Checkpoint) -> bool:
    """Whether a run that goes on has nothing more to do: it takes the text, but no model."""
    corpus = _same_corpus(config, folder, checkpoint)
    batch_size, sequence_length = config.training.batch_size, config.training.sequence_length
    batches = Batches(corpus.split(config.corpus.split).train, batch_size, sequence_length)
    length = Length(config.training, batches.windows_per_epoch)
    return is_finished(config, checkpoint.counters, length)


def carry_out(
    training: Training, listener: Callable[[Mapping[str, Any]], object] | None = None
) -> bool:
    """Train to the end or until a signal asks to stop; the folder is there, and locked.

    Args:
        listener: called with each row of metrics.jsonl.

    Returns:
        Whether the run is finished.
    """
    config, corpus, folder = training.config, training.corpus, training.folder
    step, length = training.counters.step, training.length
    terminal.tell(
        f"{corpus.source}: {len(corpus.ids):,} {config.corpus.unit}s, "
        f"{len(corpus.vocabulary.characters)} distinct; "
        f"{training.batches.windows_per_epoch:,} steps an epoch\n"
        f"model: {training.model.parameters.count:,} parameters, "
        f"{config.backend.dtype}; {training.plan.describe()}\n"
        f"run: {folder.path}{f', goes on after step {step:,}' if step else ''}; "
        f"see it live: {tool_command('tensorboard', '--logdir', folder.path.parent)}"
    )
    progress = Progress(
        length.minutes or length.steps, "minutes" if length.minutes else "steps", training.amount
    )
    go_on = f"; go on from the last checkpoint with {train_command('--resume', folder.path)}"
    journal = Journal(folder.path, folder.metrics, training.saved_step, progress, listener)
    with (
        training.plan.limit_threads(),
        Workload.of(config, corpus, training.plan).explain_failures(go_on),
        closing(journal),
    ):
        return training.train(journal)


def create(training: Training) -> None:
    """Make the folder of a new run, now that all that a person gave has proven good."""
    folder, config = training.folder, training.config
    folder.create(config.to_yaml())
    cache, kept = Path(config.corpus.cache), dict[str, tuple[str, ...]]()
    for key in TEXTS:
        places = _listed(getattr(config.corpus, key))
        if any(_is_kept_in(cache, place) for place in places):
            kept[key] = tuple(
                str(_move(Path(place), folder.texts)) if _is_kept_in(cache, place) else place
                for place in places
            )
    if kept:  # the cache may be removed at any time
        training.config = _with_texts(config, kept)
        folder.write_config(training.config.to_yaml())


def keep_standard_input(config: Config) -> Config:
    """Replace "-" among the text's files by a file that holds what standard input gave.

    Raises:
        UserError, RunFailed: as `find_files` does.
    """
    corpus, kept = config.corpus, dict[str, tuple[str, ...]]()
    for key in TEXTS:
        places = _listed(getattr(corpus, key))
        if STANDARD_INPUT in places:
            files = find_files(places, corpus.glob, Path(corpus.cache), corpus.exclude)
            kept[key] = tuple(map(str, files))
    return _with_texts(config, kept) if kept else config


def refuse_changes(config: Config, checkpoint: Checkpoint) -> None:
    """Refuse what would make another run of it.

    Raises:
        UserError: A key differs that may not change on resume.
    """
    saved, wanted = checkpoint.config.model_dump(), config.model_dump()
    for section, key in FIXED:
        if wanted[section][key] != saved[section][key]:
            found, known = (
                "null" if value is None else value
                for value in (wanted[section][key], saved[section][key])
            )
            raise UserError(
                f"{section}.{key}: found {found}, but the run has {known}, which cannot change on "
                "resume: start a new run instead"
            )


def _same_corpus(config: Config, folder: RunFolder, checkpoint: Checkpoint) -> Corpus:
    otherwise = (
        "restore the text, or let a new run learn on from it, with "
        f"training.init_from={folder.path} name=NAME"
    )
    return build_same_corpus(config.corpus, checkpoint, otherwise)


def _with_texts(config: Config, texts: Mapping[str, tuple[str, ...]]) -> Config:
    return config.model_copy(update={"corpus": config.corpus.model_copy(update=dict(texts))})


def _listed(places: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (places,) if isinstance(places, str) else places or ()


def _is_kept_in(cache: Path, place: str) -> bool:
    """Whether a file is what `keep_standard_input` made."""
    return Path(place).parent == cache and Path(place).name.startswith("stdin-")


def _move(path: Path, folder: Path) -> Path:
    make_folder(folder)
    place = folder / path.name
    with disk_errors(place), path.open("rb") as content, whole_file(place) as file:
        shutil.copyfileobj(content, file)
    path.unlink(missing_ok=True)
    return place
