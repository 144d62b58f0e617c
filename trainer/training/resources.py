"""Where a command computes: the plan, whether the memory suffices, and what to say if it fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

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
from trainer.training.memory import describe_bytes, training_bytes

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


class Workload(NamedTuple):
    """All that decides what a training takes of a device.

    Attributes:
        evaluations: into how many streams each text is cut that is evaluated.
    """

    config: Config
    vocabulary_size: int
    plan: Plan
    evaluations: tuple[int, ...] = ()

    @classmethod
    def of(cls, config: Config, corpus: Corpus, plan: Plan) -> Workload:
        """Find out how a text is evaluated."""
        split, wanted = corpus.split(config.corpus.split), config.evaluation
        validation = split.validation.predicting(wanted.characters)
        test = split.test.predicting(wanted.test_characters)
        lengths = [len(text.ids) for text in (validation, test)]
        streams = (usable_streams(n - 1, wanted.streams) for n in lengths if n >= 2)
        return cls(config, len(corpus.vocabulary), plan, tuple(streams))

    def bytes(self) -> dict[str, int]:
        """Return what the arrays take, by what they are for."""
        return training_bytes(self.config, self.vocabulary_size, self.plan, self.evaluations)

    def refuse_too_large(self) -> None:
        """Refuse what the device cannot hold: it could be killed for trying, without a word.

        Raises:
            UserError: The arrays would take more than all memory that there is.
        """
        needed, there = sum(self.bytes().values()), memory(self.plan.device)
        if there is not None and needed > there:
            raise UserError(self._describe(needed, there))

    @contextmanager
    def explain_failures(self, go_on: str = "") -> Iterator[None]:
        """Say in a line what is needed where memory runs out, and that it was the GPU that failed.

        Args:
            go_on: what to do then.

        Raises:
            RunFailed: in place of the error.
        """
        try:
            yield
        except Exception as error:
            if is_memory_failure(error):
                told = self._describe(sum(self.bytes().values()), memory(self.plan.device))
                raise RunFailed(f"not enough memory ({in_a_line(error)}): {told}{go_on}") from error
            if is_gpu_failure(error):
                raise RunFailed(f"the GPU: {in_a_line(error)}{go_on}") from error
            raise

    def _describe(self, needed: int, there: int | None) -> str:
        device = self.plan.device
        place = "this machine" if device.index is None else device.name
        told = f"the training takes {describe_bytes(needed)} by formula"
        if there is not None:
            told += f", {place} has {describe_bytes(there)} for it"
        others = "see what else takes it, or " if there is not None and needed <= there else ""
        settings = ["model.hidden_size", "training.batch_size", "training.sequence_length"]
        settings += ["evaluation.streams"] if self.evaluations else []
        return f"{told}: {others}lower {', '.join(settings[:-1])} or {settings[-1]}"
