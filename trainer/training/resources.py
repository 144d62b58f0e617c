"""Where a command computes: the plan, whether the memory suffices, and what to say if it fails."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from trainer.backend import Plan, make_plan
from trainer.backend.device import (
    choose_device,
    gpu_may_be_there,
    in_a_line,
    is_gpu_failure,
    is_memory_failure,
    memory,
)
from trainer.config import Config
from trainer.errors import RunFailed, UserError
from trainer.runs.checkpoint import Checkpoint
from trainer.scoring.evaluation import usable_streams
from trainer.text import Corpus
from trainer.training.memory import in_words, training_bytes

STAYS = "note: so far the run was computed on the CPU, and stays there; backend.device=gpu moves it"


def new_plan(config: Config) -> Plan:
    """Choose the device and how to compute on it.

    Raises:
        UserError: A GPU is asked for that cannot be used.
    """
    backend = config.backend
    return make_plan(
        config.training.batch_size,
        config.model.hidden_size,
        backend.threads,
        choose_device(backend.device),
        allow_tf32=backend.allow_tf32 and backend.dtype == "float32",
        cuda_graph=backend.cuda_graph,
    )


def same_plan(config: Config, checkpoint: Checkpoint) -> tuple[Plan, str | None]:
    """Return the plan of a checkpoint as far as it can be followed, and a line if it cannot.

    A run goes on where it was, unless the configuration asks for the other kind of device, or its
    GPU is gone.

    Raises:
        UserError: A GPU is asked for that cannot be used.
    """
    saved, wanted = checkpoint.plan, config.backend.device
    was_on_gpu = saved.strategy == "cuda"
    if not was_on_gpu and wanted in ("auto", "cpu"):
        plan = Plan(saved.strategy, saved.threads, saved.parts)
        may_move = wanted == "auto" and gpu_may_be_there()
        return plan, STAYS if may_move else None
    plan = new_plan(config)
    is_on_gpu = plan.device.index is not None
    if is_on_gpu == was_on_gpu:
        return plan, None
    reason = ""
    if wanted == "auto":
        reason = f": {plan.device.note or 'CuPy is not installed'}"
    before, now = ("a GPU", "the CPU") if was_on_gpu else ("the CPU", plan.device.name)
    return plan, (
        f"note: so far the run was computed on {before}, it continues on {now}{reason}; "
        "the last bits of all numbers will differ"
    )


def evaluated_streams(config: Config, corpus: Corpus) -> list[int]:
    """Return into how many streams each text is cut that a training evaluates."""
    split = corpus.split(config.corpus.split)
    validation = split.validation.predicting(config.evaluation.characters)
    test = split.test.predicting(config.evaluation.test_characters)
    lengths = [len(text.ids) for text in (validation, test)]
    return [usable_streams(n - 1, config.evaluation.streams) for n in lengths if n >= 2]


def refuse_too_large(
    config: Config, vocabulary_size: int, plan: Plan, evaluations: Collection[int] = ()
) -> None:
    """Refuse what the device cannot hold, before it is tried: it could be killed without a word.

    Args:
        evaluations: as `evaluated_streams` returns them.

    Raises:
        UserError: The arrays would take more than all memory that there is.
    """
    needed, there = _memory(config, vocabulary_size, plan, evaluations)
    if there is not None and needed > there:
        raise UserError(_told_memory(plan, needed, there, evaluations))


@contextmanager
def told_failures(
    config: Config,
    vocabulary_size: int,
    plan: Plan,
    evaluations: Collection[int] = (),
    go_on: str = "",
) -> Iterator[None]:
    """Say in one line what is needed where memory runs out, and that it was the GPU that failed.

    Args:
        evaluations: as `evaluated_streams` returns them.
        go_on: what to do then.

    Raises:
        RunFailed: in place of the error.
    """
    try:
        yield
    except Exception as error:
        if is_memory_failure(error):
            needed, there = _memory(config, vocabulary_size, plan, evaluations)
            told = _told_memory(plan, needed, there, evaluations)
            raise RunFailed(f"not enough memory ({in_a_line(error)}): {told}{go_on}") from error
        if is_gpu_failure(error):
            raise RunFailed(f"the GPU: {in_a_line(error)}{go_on}") from error
        raise


def _memory(
    config: Config, vocabulary_size: int, plan: Plan, evaluations: Collection[int]
) -> tuple[int, int | None]:
    """Return the bytes that a training needs, and those that there are, if that is known."""
    needed = sum(training_bytes(config, vocabulary_size, plan, evaluations).values())
    return needed, memory(plan.device)


def _told_memory(plan: Plan, needed: int, there: int | None, evaluations: Collection[int]) -> str:
    place = "this machine" if plan.device.index is None else plan.device.name
    told = f"the training takes {in_words(needed)} by formula"
    if there is not None:
        told += f", {place} has {in_words(there)} for it"
    others = "see what else takes it, or " if there is not None and needed <= there else ""
    settings = ["model.hidden_size", "training.batch_size", "training.sequence_length"]
    settings += ["evaluation.streams"] if evaluations else []
    return f"{told}: {others}lower {', '.join(settings[:-1])} or {settings[-1]}"
