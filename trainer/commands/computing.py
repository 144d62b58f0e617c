"""Where a command computes: the plan, whether the memory suffices, and what to say if it fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from trainer.backend import Plan, make_plan
from trainer.backend.device import (
    choose_device,
    in_a_line,
    is_gpu_failure,
    is_memory_failure,
    memory,
)
from trainer.checkpoint import Checkpoint
from trainer.config import Config
from trainer.errors import RunFailed, UserError
from trainer.memory import in_words, training_bytes


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
    saved, wanted = checkpoint.facts["backend"], config.backend.device
    was_on_gpu = saved["strategy"] == "cuda"
    if not was_on_gpu and wanted in ("auto", "cpu"):
        return Plan(saved["strategy"], saved["threads"], saved["parts"]), None
    plan = new_plan(config)
    is_on_gpu = plan.device.index is not None
    if is_on_gpu == was_on_gpu:
        return plan, None
    reason = ""
    if wanted == "auto":
        reason = f": {plan.device.note or 'CuPy is not installed'}"
    before, now = ("a GPU", "the CPU") if was_on_gpu else ("the CPU", plan.device.name)
    return plan, (
        f"note: so far the run was computed on {before}, it goes on on {now}{reason}; "
        "the last bits of all numbers will differ"
    )


def refuse_too_large(config: Config, vocabulary_size: int, plan: Plan) -> None:
    """Refuse what the device cannot hold, before it is tried: it could be killed without a word.

    Raises:
        UserError: The arrays would take more than all memory that there is.
    """
    there = memory(plan.device)
    if there is not None and _needed(config, vocabulary_size, plan) > there:
        raise UserError(_told_memory(config, vocabulary_size, plan))


@contextmanager
def told_failures(
    config: Config, vocabulary_size: int, plan: Plan, go_on: str = ""
) -> Iterator[None]:
    """Say in one line what is needed where memory runs out, and that it was the GPU that failed.

    Args:
        go_on: what to do when the GPU has failed.

    Raises:
        RunFailed: in place of the error.
    """
    try:
        yield
    except Exception as error:
        if is_memory_failure(error):
            told = _told_memory(config, vocabulary_size, plan)
            raise RunFailed(f"not enough memory ({in_a_line(error)}): {told}") from error
        if is_gpu_failure(error):
            raise RunFailed(f"the GPU: {in_a_line(error)}{go_on}") from error
        raise


def _needed(config: Config, vocabulary_size: int, plan: Plan) -> int:
    return sum(training_bytes(config, vocabulary_size, plan).values())


def _told_memory(config: Config, vocabulary_size: int, plan: Plan) -> str:
    needed, there = _needed(config, vocabulary_size, plan), memory(plan.device)
    place = "this machine" if plan.device.index is None else plan.device.name
    has = "" if there is None else f", {place} has {in_words(there)} for it"
    return (
        f"the training takes {in_words(needed)} by formula{has}: lower model.hidden_size, "
        "training.batch_size or training.sequence_length"
    )
