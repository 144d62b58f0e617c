"""Start a run or resume one."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path

from trainer import terminal
from trainer.commands.dry_run import dry_run
from trainer.config import Config, load_config, override, resolve_config
from trainer.errors import UserError
from trainer.hints import command, example_config, tool_command, train_command
from trainer.monitor.metrics import read_metrics
from trainer.runs.checkpoint import Checkpoint, read_checkpoint
from trainer.runs.folder import RunFolder, open_run
from trainer.training.length import describe_longer
from trainer.training.loop import Training
from trainer.training.starting import (
    carry_out,
    create,
    folder_of,
    has_full_length,
    prepare,
    prepare_resume,
    refuse_changes,
)


def run(arguments: Namespace) -> int:
    """Train; return the exit status."""
    if arguments.resume is None and arguments.config is None:
        raise UserError(f"which configuration? {_first_command()}")
    if arguments.resume is not None:
        return _resume(arguments)
    if arguments.print_config:
        return _print_config(Path(arguments.config), arguments.overrides)
    config = load_config(Path(arguments.config), arguments.overrides)
    _refuse_if_taken(folder_of(config), arguments)
    return _start(arguments, config, folder_of(config))


def _first_command() -> str:
    """Return the command that begins; where no configuration is at hand, with one to begin with."""
    config = example_config()
    if Path(config).is_file():
        return train_command(config)
    least = "corpus: {path: my.txt}\\ntraining: {minutes: 10}\\n"
    return f"for example: printf {shlex.quote(least)} > {config} && {train_command(config)}"


def _print_config(path: Path, overrides: list[str]) -> int:
    terminal.write(resolve_config(path, overrides).to_yaml())
    return 0


def _refuse_if_taken(folder: RunFolder, arguments: Namespace) -> None:
    try:
        if not arguments.force:
            folder.refuse_if_taken()
    except UserError as error:
        if not arguments.dry_run:  # which writes nothing there
            raise
        terminal.note(str(error))


def _start(arguments: Namespace, config: Config, folder: RunFolder) -> int:
    training = prepare(config, folder)
    if arguments.dry_run:
        return dry_run(training)
    with folder.locked():
        create(training)
        return _train(training)


def _resume(arguments: Namespace) -> int:
    # The first free argument is an override here, not a configuration.
    first = [arguments.config] if arguments.config else []
    if first and "=" not in first[0]:
        raise UserError(
            f"{first[0]}: --resume takes no configuration, the run has its own; leave it out, or "
            "change a value with section.key=value"
        )
    overrides = [*first, *arguments.overrides]
    if arguments.resume.suffix == ".safetensors" and not arguments.resume.is_dir():
        return _resume_from(arguments, read_checkpoint(arguments.resume), overrides)
    folder = open_run(arguments.resume)
    if arguments.print_config:
        return _print_config(folder.config, overrides)
    config = load_config(folder.config, overrides)
    checkpoint = folder.latest()
    if checkpoint is None:
        terminal.tell(f"{folder.path} has no checkpoint yet: starting again from its config.yaml")
        return _start(arguments, config, folder)
    return _go_on(arguments, config, folder, checkpoint)


def _resume_from(arguments: Namespace, checkpoint: Checkpoint, overrides: list[str]) -> int:
    """Go on from a chosen checkpoint: in its run, or in a new one."""
    config = override(checkpoint.config, overrides)
    if arguments.print_config:
        terminal.write(config.to_yaml())
        return 0
    folder, step = RunFolder(checkpoint.path.parent.parent), checkpoint.counters.step
    at_home = folder.config.is_file() and folder.checkpoint_file(step) == checkpoint.path
    if at_home and config.name == checkpoint.config.name:
        later = folder.later_than(step)
        if later and not (arguments.force or arguments.dry_run):
            raise UserError(
                f"{checkpoint.path}: {folder.path} has {len(later)} later checkpoints: go on from "
                f"the newest with {train_command('--resume', folder.path)}, go back for good with "
                "--force, or branch off into another run with name=NAME"
            )
        return _go_on(arguments, config, folder, checkpoint)
    branch = folder_of(config)
    _refuse_if_taken(branch, arguments)
    training = prepare_resume(config, branch, checkpoint)
    if arguments.dry_run:
        return dry_run(training)
    with branch.locked():
        branch.create(config.to_yaml())
        branch.adopt(checkpoint)
        return _train(training)


def _go_on(arguments: Namespace, config: Config, folder: RunFolder, checkpoint: Checkpoint) -> int:
    refuse_changes(config, checkpoint)
    ended = not arguments.dry_run and _has_ended(folder)
    if ended and has_full_length(config, folder, checkpoint):  # to say so takes no model, no GPU
        step, longer = checkpoint.counters.step, describe_longer(config, checkpoint.counters)
        terminal.tell(
            f"{folder.path} is finished (step {step:,}); to go on, raise its limit: "
            f"{train_command('--resume', folder.path, longer)}"
        )
        return 0
    training = prepare_resume(config, folder, checkpoint)
    if arguments.dry_run:
        return dry_run(training)
    with folder.locked():
        folder.go_back(checkpoint)
        folder.write_config(config.to_yaml())
        del checkpoint  # the training has what it needs of it
        return _train(training)


def _has_ended(folder: RunFolder) -> bool:
    """Whether a run came to its end, which may have been put off since."""
    rows = read_metrics(folder.metrics) if folder.metrics.exists() else []
    return any(row["kind"] == "end" for row in rows)


def _train(training: Training) -> int:
    folder, counters = training.folder, training.counters
    if not carry_out(training):
        terminal.tell(
            f"stopped at step {counters.step:,}; everything is saved. "
            f"Continue with: {train_command('--resume', folder.path)}"
        )
        return 130  # as a shell reports SIGINT
    validation = ""
    if counters.best_loss is not None:
        validation = f", best validation {counters.best_loss:.4f} at step {counters.best_step:,}"
    terminal.tell(f"finished at step {counters.step:,}{validation}; the best model writes:\n")
    terminal.write(f"{training.write_text()}\n")
    longer = describe_longer(training.config, counters)
    terminal.tell(
        f"\nwrite more:    {command('generate', folder.path, '--temperature', 0.8)}\n"
        f"look inside:   {tool_command('tensorboard', '--logdir', folder.path.parent)}\n"
        f"train longer:  {train_command('--resume', folder.path, longer)}"
    )
    return 0
