"""Start a run or resume one."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path

from trainer import terminal
from trainer.backend import ONE_THREAD
from trainer.builder import build_corpus, build_same_corpus, keep_standard_input
from trainer.commands.dry_run import dry_run
from trainer.config import Config, load_config, resolve_config
from trainer.config.resume import FIXED
from trainer.errors import UserError
from trainer.hints import command, example_config, tool_command, train_command
from trainer.monitor.console import Progress
from trainer.monitor.journal import Journal
from trainer.monitor.metrics import read_metrics
from trainer.runs.checkpoint import Checkpoint
from trainer.runs.folder import RUNS, RunFolder, open_run
from trainer.training.fine_tuning import read_origin, told_origin, transfer, with_origin
from trainer.training.loop import Training
from trainer.training.resources import (
    evaluated_streams,
    new_plan,
    refuse_too_large,
    same_plan,
    told_failures,
)


def run(arguments: Namespace) -> int:
    """Train; return the exit status."""
    if arguments.resume is None and arguments.config is None:
        raise UserError(f"which configuration? {_first_command()}")
    if arguments.print_config:
        resolved = resolve_config(*_sources(arguments))
        terminal.write(resolved.to_yaml())
        return 0
    if arguments.resume is not None:
        return _resume(arguments)
    config = keep_standard_input(load_config(*_sources(arguments)))
    folder = RunFolder(RUNS / config.name)
    try:
        if not arguments.force:
            folder.refuse_if_taken()
    except UserError as error:
        if not arguments.dry_run:  # which writes nothing there
            raise
        terminal.note(str(error))
    return _start(arguments, config, folder)


def _first_command() -> str:
    """Return the command that begins; where no configuration is at hand, with one to begin with."""
    config = example_config()
    if Path(config).is_file():
        return train_command(config)
    least = "corpus: {path: my.txt}\\ntraining: {minutes: 10}\\n"
    return f"for example: printf {shlex.quote(least)} > {config} && {train_command(config)}"


def _sources(arguments: Namespace) -> tuple[Path, list[str]]:
    """Return the configuration file, a new run's or the resumed one's, and the overrides."""
    if arguments.resume is None:
        return Path(arguments.config), arguments.overrides
    # The first free argument is an override here, not a configuration.
    first = [arguments.config] if arguments.config else []
    if first and "=" not in first[0]:
        raise UserError(
            f"{first[0]}: --resume takes no configuration, the run has its own; leave it out, or "
            "change a value with section.key=value"
        )
    return open_run(arguments.resume).config, [*first, *arguments.overrides]


def _start(arguments: Namespace, config: Config, folder: RunFolder) -> int:
    origin = read_beginning(config)
    if origin is not None and folder.path.resolve() in origin.path.resolve().parents:
        raise UserError(
            f"training.init_from: {origin.path} is in the folder that the new run is to replace: "
            "give the new run another name with name=NAME"
        )
    training = new_training(config, folder, origin)
    if arguments.dry_run:
        return dry_run(training)
    with folder.locked():
        folder.create(training.config.to_yaml())  # now that all that a person gave has proven good
        return _train(training)


def read_beginning(config: Config) -> Checkpoint | None:
    """Read the checkpoint that a new run is to begin with, if there is to be one."""
    place = config.training.init_from
    return None if place is None else read_origin(Path(place), config)


def new_training(config: Config, folder: RunFolder, origin: Checkpoint | None) -> Training:
    """Make all that a new run needs; nothing is written."""
    if origin is not None:
        config = with_origin(config, origin)
    corpus = build_corpus(config.corpus)
    plan, evaluations = new_plan(config), evaluated_streams(config, corpus)
    refuse_too_large(config, len(corpus.vocabulary), plan, evaluations)
    with told_failures(config, len(corpus.vocabulary), plan, evaluations):
        training = Training(config, corpus, folder, plan)
    if plan.device.note is not None:
        terminal.note(f"computes on the CPU: {plan.device.note}")
    if origin is not None:
        symbols = transfer(origin, training.model, corpus.vocabulary)
        terminal.tell(f"begins with the parameters of {told_origin(origin)}\n{symbols.in_words()}")
    return training


def _resume(arguments: Namespace) -> int:
    folder = open_run(arguments.resume)
    config = load_config(*_sources(arguments))
    checkpoint = folder.latest()
    if checkpoint is None:
        terminal.tell(f"{folder.path} has no checkpoint yet: starting again from its config.yaml")
        return _start(arguments, config, folder)
    _refuse_changes(config, checkpoint)
    corpus = build_same_corpus(config.corpus, checkpoint, "restore the text, or start a new run")
    if not arguments.dry_run and _has_ended(folder):
        ended = Training(config, corpus, folder, ONE_THREAD, checkpoint)  # to say so takes no GPU
        if ended.finished:
            terminal.tell(
                f"{folder.path} is finished (step {ended.counters.step:,}); "
                f"to go on, raise its limit: "
                f"{train_command('--resume', folder.path, _longer(ended))}"
            )
            return 0
        del ended
    plan, moved = same_plan(config, checkpoint)
    evaluations = evaluated_streams(config, corpus)
    refuse_too_large(config, len(corpus.vocabulary), plan, evaluations)
    with told_failures(config, len(corpus.vocabulary), plan, evaluations):
        training = Training(config, corpus, folder, plan, checkpoint)
    del checkpoint  # the training has what it needs of it
    if moved is not None:
        terminal.tell(moved)
    if arguments.dry_run:
        return dry_run(training)
    with folder.locked():
        folder.write_config(config.to_yaml())
        return _train(training)


def _has_ended(folder: RunFolder) -> bool:
    """Whether a run came to its end, which may have been put off since."""
    rows = read_metrics(folder.metrics) if folder.metrics.exists() else []
    return any(row["kind"] == "end" for row in rows)


def _refuse_changes(config: Config, checkpoint: Checkpoint) -> None:
    """Refuse what would make another run of it.

    Raises:
        UserError: A key differs that may not change on resume.
    """
    saved = checkpoint.config.model_dump()
    wanted = config.model_dump()
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


def _train(training: Training) -> int:
    config, corpus, folder = training.config, training.corpus, training.folder
    terminal.tell(
        f"{corpus.source}: {len(corpus.ids):,} {config.corpus.unit}s, "
        f"{len(corpus.vocabulary.characters)} distinct; "
        f"{training.batches.windows_per_epoch:,} steps an epoch\n"
        f"model: {training.model.parameters.count:,} parameters, "
        f"{config.backend.dtype}; {training.plan.in_words()}\n"
        f"run: {folder.path}{_told_step(training)}; "
        f"see it live: {tool_command('tensorboard', '--logdir', folder.path.parent)}"
    )
    length = training.length
    progress = Progress(
        length.minutes or length.steps, "minutes" if length.minutes else "steps", training.amount
    )
    go_on = f"; go on from the last checkpoint with {train_command('--resume', folder.path)}"
    with (
        told_failures(
            config,
            len(corpus.vocabulary),
            training.plan,
            evaluated_streams(config, corpus),
            go_on,
        ),
        Journal(folder.path, folder.metrics, training.saved_step, progress) as journal,
    ):
        finished = training.train(journal)
    if not finished:
        terminal.tell(
            f"stopped at step {training.counters.step:,}; everything is saved. "
            f"Continue with: {train_command('--resume', folder.path)}"
        )
        return 130  # as a shell reports SIGINT
    counters, validation = training.counters, ""
    if counters.best_loss is not None:
        validation = f", best validation {counters.best_loss:.4f} at step {counters.best_step:,}"
    terminal.tell(f"finished at step {counters.step:,}{validation}; the best model writes:\n")
    terminal.write(f"{training.write_text()}\n")
    terminal.tell(
        f"\nwrite more:    {command('generate', folder.path, '--temperature', 0.8)}\n"
        f"look inside:   {tool_command('tensorboard', '--logdir', folder.path.parent)}\n"
        f"train longer:  {train_command('--resume', folder.path, _longer(training))}"
    )
    return 0


def _told_step(training: Training) -> str:
    step = training.counters.step
    return f", goes on after step {step:,}" if step else ""


def _longer(training: Training) -> str:
    """Suggest twice of what ended the training: its length, or its patience."""
    if training.out_of_patience:
        return f"evaluation.patience={2 * (training.config.evaluation.patience or 1)}"
    lengths = training.config.training.model_dump()
    unit = next(unit for unit in ("epochs", "steps", "minutes") if lengths[unit] is not None)
    return f"training.{unit}={2 * lengths[unit]}"
