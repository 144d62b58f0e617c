"""Start a run or resume one."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from trainer.backend import Plan, make_plan
from trainer.builder import build_corpus, build_same_corpus
from trainer.checkpoint import Checkpoint
from trainer.config import Config, config_from_mapping, load_config
from trainer.errors import UserError
from trainer.monitor.console import Progress
from trainer.monitor.journal import Journal
from trainer.monitor.metrics import read_metrics
from trainer.run_folder import RUNS, RunFolder, open_run
from trainer.training import Training

CHANGEABLE_SECTIONS = {"name", "schedule", "evaluation", "generation", "monitor", "checkpoint"}
CHANGEABLE_KEYS = {
    "corpus": {"path", "name", "cache"},  # the text itself is compared by its SHA-256
    "training": {"epochs", "steps", "minutes"},
    "optimizer": {"learning_rate", "clip_norm", "clip_value"},
}
"""What may change on resume; anything else would make it another run."""


def run(arguments: Namespace) -> int:
    """Train; return the exit status."""
    if arguments.resume is not None:
        return _resume(arguments)
    if arguments.config is None:
        raise UserError(
            "which configuration? python train.py CONFIG, e.g. configs/shakespeare.yaml"
        )
    config = load_config(Path(arguments.config), arguments.overrides)
    folder = RunFolder(RUNS / config.name)
    if not arguments.force:
        folder.refuse_if_taken()
    return _start(config, folder)


def _start(config: Config, folder: RunFolder) -> int:
    corpus = build_corpus(config.corpus)
    plan = make_plan(config.training.batch_size, config.model.hidden_size, config.backend.threads)
    training = Training(config, corpus, folder, plan)
    folder.create(config.to_yaml())  # only now, when all that a person gave has proven good
    return _train(training)


def _resume(arguments: Namespace) -> int:
    folder = open_run(arguments.resume)
    # The first free argument is an override here, not a configuration.
    overrides = [*([arguments.config] if arguments.config else []), *arguments.overrides]
    config = load_config(folder.config, overrides)
    checkpoint = folder.latest()
    if checkpoint is None:
        _say(f"{folder.path} has no checkpoint yet: starting again from its config.yaml")
        return _start(config, folder)
    _refuse_changes(config, checkpoint)
    corpus = build_same_corpus(config.corpus, checkpoint, "restore the text, or start a new run")
    plan = Plan(*(checkpoint.facts["backend"][field] for field in Plan._fields))
    training = Training(config, corpus, folder, plan, checkpoint)
    rows = read_metrics(folder.metrics) if folder.metrics.exists() else []
    ended = any(row["kind"] == "end" for row in rows)
    if training.finished and ended:
        _say(
            f"{folder.path} is finished (step {training.counters.step:,}); "
            f"to go on, raise its limit, e.g. {_longer(training)}"
        )
        return 0
    folder.write_config(config.to_yaml())
    return _train(training)


def _refuse_changes(config: Config, checkpoint: Checkpoint) -> None:
    """Refuse what would make another run of it.

    Raises:
        UserError: A key differs that may not change on resume.
    """
    saved = config_from_mapping(checkpoint.facts["config"], str(checkpoint.path)).model_dump()
    wanted = config.model_dump()
    for section, values in wanted.items():
        if section in CHANGEABLE_SECTIONS:
            continue
        for key, value in values.items():
            if key not in CHANGEABLE_KEYS.get(section, ()) and value != saved[section][key]:
                raise UserError(
                    f"{section}.{key}: found {value}, but the run has {saved[section][key]}, which "
                    "cannot change on resume: start a new run instead"
                )


def _train(training: Training) -> int:
    config, corpus, folder = training.config, training.corpus, training.folder
    _say(
        f"{corpus.source}: {len(corpus.ids):,} characters, {len(corpus.vocabulary)} distinct; "
        f"{training.batches.windows_per_epoch:,} steps an epoch\n"
        f"model: {training.model.parameters.count:,} parameters, "
        f"{config.backend.dtype}; {_told(training.plan)}\n"
        f"run: {folder.path}; see it live: tensorboard --logdir {folder.path.parent}"
    )
    length = training.length
    progress = Progress(
        length.minutes or length.steps, "minutes" if length.minutes else "steps", training.amount
    )
    with Journal(folder.path, folder.metrics, training.saved_step, progress) as journal:
        finished = training.train(journal)
    if not finished:
        _say(
            f"stopped at step {training.counters.step:,}; everything is saved. "
            f"Continue with: python train.py --resume {folder.path}"
        )
        return 130  # as a shell reports SIGINT
    counters, validation = training.counters, ""
    if counters.best_loss is not None:
        validation = f", best validation {counters.best_loss:.4f} at step {counters.best_step:,}"
    _say(f"finished at step {counters.step:,}{validation}; the best model writes:\n")
    print(training.write_text(), flush=True)
    _say(
        f"\nwrite more:    python -m trainer generate {folder.path} --temperature 0.8\n"
        f"look inside:   tensorboard --logdir {folder.path.parent}\n"
        f"train longer:  python train.py --resume {folder.path} {_longer(training)}"
    )
    return 0


def _told(plan: Plan) -> str:
    kernels = "compiled kernels" if plan.strategy == "fused" else "NumPy"
    threads = f"{plan.threads} threads" if plan.threads > 1 else "1 thread"
    return f"{kernels}, {threads}" + (", each a part of the batch" if plan.parts > 1 else "")


def _longer(training: Training) -> str:
    """Suggest twice of what ended the training: its length, or its patience."""
    if training.out_of_patience:
        return f"evaluation.patience={2 * (training.config.evaluation.patience or 1)}"
    lengths = training.config.training.model_dump()
    unit = next(unit for unit in ("epochs", "steps", "minutes") if lengths[unit] is not None)
    return f"training.{unit}={2 * lengths[unit]}"


def _say(text: str) -> None:
    print(text, file=sys.stderr)
