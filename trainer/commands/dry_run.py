"""Tell what a training will be like: its size, memory, speed and time."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterable, Mapping

import numpy as np

from trainer import terminal
from trainer.backend.device import held
from trainer.scoring.evaluation import WARM_UP, WINDOW, predict, usable_streams
from trainer.text import Span
from trainer.training.loop import Training
from trainer.training.memory import describe_bytes
from trainer.training.resources import Workload

SECONDS = 2.0
"""How long steps are timed."""


def dry_run(training: Training) -> int:
    """Print what is known of a training, and take its first steps for the rest; write nothing.

    Returns:
        The exit status.
    """
    done = training.counters.step
    _print(_text(training))
    _print(_parameters(training))
    workload = Workload.of(training.config, training.corpus, training.plan)
    arrays = workload.bytes()
    _print(_memory(arrays))
    with (
        training.plan.limit_threads(),
        workload.explain_failures(),
        np.errstate(all="ignore"),  # as in the training itself
    ):
        formula, measured = sum(arrays.values()), _measure(training)
        ratio = f"{100 * measured / formula:.1f} % of the formula"
        words = f"measured {describe_bytes(measured)}, {ratio}"
        _print([f"total by formula {describe_bytes(formula)}; {words}"])
        per_step = _seconds_per_step(training)
        validation, test = (_seconds_to_score(training, text) for text in _scored(training))
    _print(_length(training, done, per_step, validation, test), end="\n")
    return 0


def _text(training: Training) -> Iterable[str]:
    corpus, batches, settings = training.corpus, training.batches, training.config.training
    unit = f"{corpus.vocabulary.unit}s"
    reserved = ", one reserved for unknown ones" if corpus.vocabulary.unknown is not None else ""
    yield (
        f"text: {corpus.source}: {len(corpus.ids):,} {unit}, "
        f"{len(corpus.vocabulary.characters):,} distinct{reserved}"
    )
    yield (
        f"to train: {batches.characters_per_epoch + batches.unused + 1:,}; an epoch is "
        f"{batches.windows_per_epoch:,} steps of {settings.batch_size} x "
        f"{settings.sequence_length}, the last {batches.unused:,} {unit} are unused"
    )
    yield (
        f"to validate: {len(training.validation_text.ids):,}; "
        f"to test: {len(training.test_text.ids):,}"
    )
    yield f"computed with: {training.plan.describe()}; {training.config.backend.dtype}"


def _parameters(training: Training) -> Iterable[str]:
    parameters = training.model.parameters
    values = {name: parameters[name].value for name in parameters}
    rows = [
        (name, " x ".join(map(str, value.shape)), f"{value.size:,}", f"{value.nbytes:,}")
        for name, value in values.items()
    ]
    size = sum(value.nbytes for value in values.values())
    rows.append(("total", "", f"{parameters.count:,}", f"{size:,}"))
    return terminal.table([("parameters", "shape", "numbers", "bytes"), *rows], "<>>>")


def _memory(arrays: Mapping[str, int]) -> Iterable[str]:
    rows = [(name, describe_bytes(n)) for name, n in arrays.items() if n]
    return terminal.table([("memory of arrays", ""), *rows], "<>")


def _scored(training: Training) -> list[Span]:
    """Return the texts that are evaluated, for validation and for the test, as far as they are."""
    wanted = training.config.evaluation
    return [
        training.validation_text.predicting(wanted.characters),
        training.test_text.predicting(wanted.test_characters),
    ]


def _measure(training: Training) -> int:
    """Begin evaluations and take steps; return the most bytes that arrays then took.

    On the CPU, those that were there before are counted, the others measured: NumPy reports its
    arrays.
    """
    learner, device = training.learner, training.plan.device
    if device.index is not None:
        _use_all(training)
        return held(device)
    before: int = sum(array.nbytes for array in learner.arrays().values())
    before += sum(model.parameters.gradients.nbytes for model in learner.models)
    tracemalloc.start()
    _use_all(training)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return before + most


def _use_all(training: Training) -> None:
    """Make every array that the training will need."""
    for text in _scored(training):
        if len(text.ids) >= 2:
            _begin_evaluation(training, text)
    for _ in range(2):  # in the second step, all arrays of the first are there
        _step(training)


def _seconds_per_step(training: Training) -> float:
    """Take steps for a while, the first one untimed."""
    _step(training)
    training.backend.synchronize()
    start, steps = time.perf_counter(), 0
    while steps == 0 or time.perf_counter() - start < SECONDS:
        _step(training)
        steps += 1
    training.backend.synchronize()
    return (time.perf_counter() - start) / steps


def _seconds_to_score(training: Training, text: Span) -> float:
    """Time the first window of a text, and count its windows; 0 if there is nothing to score."""
    predictions = len(text.ids) - 1
    if predictions < 1:
        return 0.0
    streams = usable_streams(predictions, training.config.evaluation.streams)
    time_steps = predictions / streams + (WARM_UP if streams > 1 else 0)
    start = time.perf_counter()
    _begin_evaluation(training, text)
    return (time.perf_counter() - start) * max(1.0, time_steps / WINDOW)


def _step(training: Training) -> None:
    training.learn()
    training.counters.step += 1


def _begin_evaluation(training: Training, text: Span) -> None:
    next(predict(training.reader, text, training.config.evaluation.streams))


def _length(
    training: Training, done: int, per_step: float, per_evaluation: float, test: float
) -> Iterable[str]:
    """Say how fast the training is, how many steps remain after `done`, and how long they take."""
    config, minutes = training.config, training.length.minutes
    characters = config.training.batch_size * config.training.sequence_length
    yield f"speed: {characters / per_step:,.0f} characters/s, {1 / per_step:,.1f} steps/s"

    steps = max(0, training.length.steps - done)
    if minutes is not None:
        steps = int(max(0.0, 60 * minutes - training.counters.seconds) / per_step)
    epochs = steps / training.batches.windows_per_epoch
    about, so_far = "" if minutes is None else "about ", f" more after {done:,}" if done else ""
    yield f"steps: {about}{steps:,}{so_far}, {epochs:,.1f} epochs"

    every, end = config.evaluation.every, done + steps
    evaluations = end // every - done // every + (end % every > 0 and steps > 0)
    told = f"time: about {_duration(steps * per_step)} of training"
    if evaluations and per_evaluation:
        total = _duration(steps * per_step + evaluations * per_evaluation)
        told += f", {total} with {evaluations:,} evaluation{'s'[: evaluations - 1]}"
    if test:
        told += f", and {_duration(test)} for the test text"
    yield f"{told}; samples and checkpoints are not counted"


def _duration(seconds: float) -> str:
    """Return a time that is known roughly, in two units at most."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes_left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _print(lines: Iterable[str], end: str = "\n\n") -> None:
    terminal.write("\n".join(lines) + end)
