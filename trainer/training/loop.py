"""The training loop: it wires everything else together and is meant to be read in one sitting."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from trainer.backend import Array, Plan
from trainer.builder import build_model, build_schedule
from trainer.config import Config
from trainer.errors import RunFailed, UserError
from trainer.hints import train_command
from trainer.model import Model
from trainer.monitor.journal import Journal
from trainer.monitor.statistics import gate_statistics
from trainer.optim import Plateau
from trainer.runs.checkpoint import Checkpoint, SavedPlan, read_checkpoint, unpack_parameters
from trainer.runs.counters import Counters
from trainer.runs.folder import RunFolder
from trainer.scoring.evaluation import Score, score
from trainer.terminal import note
from trainer.text import Batches, Corpus, Span
from trainer.training.interruption import StopRequest
from trainer.training.learner import Learner
from trainer.training.length import Length, is_finished, is_out_of_patience

EXPLODED = 3
"""A loss this many times the larger of the first loss and ln V has diverged (char-rnn's rule)."""


class StoppedScoring(Exception):
    """A text was not scored to its end, as a signal asked to stop."""


class Training:
    """One run, from its start or from a checkpoint to its end.

    Args:
        plan: how the work is spread; the checkpoints remember it.
        checkpoint: where to go on; None starts anew.

    Raises:
        UserError: The text is too short, or the checkpoint does not fit.
    """

    def __init__(
        self,
        config: Config,
        corpus: Corpus,
        folder: RunFolder,
        plan: Plan,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.config, self.corpus, self.folder, self.plan = config, corpus, folder, plan
        self.backend = backend = plan.start()
        split = corpus.split(config.corpus.split)
        self.validation_text, self.test_text = split.validation, split.test
        self._check_scored_texts()
        batch_size, sequence_length = config.training.batch_size, config.training.sequence_length
        self.batches = Batches(split.train, batch_size, sequence_length)
        self.length = Length(config.training, self.batches.windows_per_epoch)

        self.schedule = build_schedule(config)
        self.learner = Learner(config, backend, len(corpus.vocabulary), plan.shards, checkpoint)
        self.model = self.learner.model
        # What evaluates and writes shares the parameters and no other array: windows of other sizes
        # would move those of the training step, which a device may have recorded.
        self.reader = build_model(
            config, backend, len(corpus.vocabulary), parameters=self.model.parameters
        )
        self.writer = Model(self.reader, corpus.vocabulary, config)
        self._check_prompt()
        self.counters = replace(checkpoint.counters) if checkpoint else Counters()
        self.loss_sum = backend.asarray(self.counters.loss_sum, "float64")
        self.norm_sum = backend.asarray(self.counters.norm_sum, "float64")
        self.saved_step = None if checkpoint is None else self.counters.step
        self.learning_rate = config.optimizer.learning_rate
        self.seconds_watching = 0.0
        self.stop = StopRequest()
        self._journal: Journal | None = None
        self._refusal_is_known = False

    @property
    def journal(self) -> Journal:
        """Where the training is written down, once it runs."""
        assert self._journal is not None
        return self._journal

    @property
    def finished(self) -> bool:
        """Whether the run has its full length, or has lost its patience."""
        return is_finished(self.config, self.counters, self.length)

    @property
    def amount(self) -> float:
        """What is done, in the unit of the run's length: minutes or steps."""
        return self.counters.step if self.length.minutes is None else self.counters.seconds / 60

    def train(self, journal: Journal) -> bool:
        """Train to the end, or until a signal asks to stop; then save.

        Returns:
            Whether the run is finished.

        Raises:
            RunFailed: The loss diverged, or a file could not be written.
        """
        self._journal, config = journal, self.config
        # What overflows is told by the latch, in one line, and not by NumPy's warnings.
        with self.stop.by_signals(), np.errstate(all="ignore"):
            while not self.finished:
                self.stop.waits_for = "this step"
                self.train_step()
                improved = False
                if self._due(config.monitor.log_every):
                    self.log()
                if self._due(config.monitor.sample_every):
                    self.sample()
                if self._due(config.evaluation.every):
                    improved = self.validate()
                if improved or self._due(config.checkpoint.every):
                    self.save(best=improved)
                if self.stop.made and not self.finished:
                    if self.saved_step != self.counters.step:
                        self.save()
                    return False
            return self.finish()

    def train_step(self) -> None:
        """Learn from the next window."""
        counters, start = self.counters, time.perf_counter()
        self.seconds_watching = 0.0
        due = (counters.step + 1) % self.config.monitor.gates_every == 0
        loss, norm = self.learn(self.watch_gates if due else None)
        counters.step += 1
        self.loss_sum += loss
        self.norm_sum += norm
        counters.summed_steps += 1
        if counters.first_loss is None:
            counters.first_loss = float(loss)
        if self._host_looks():  # its wait for the device is part of the training
            self.backend.synchronize()
            self._tell_refusal()
        seconds = time.perf_counter() - start - self.seconds_watching
        counters.seconds += seconds
        counters.summed_seconds += seconds
        self.journal.progress.tick(self.amount)

    def learn(self, watch: Callable[[], None] | None = None) -> tuple[Array, Array]:
        """Learn from the next window, and count nothing; arguments and result as in the learner."""
        counters = self.counters
        epoch, window = divmod(counters.step, self.batches.windows_per_epoch)
        if window == 0:
            self.learner.reset_state()
        x, y, resets = self.batches.window(window)
        done = self.length.share_done(counters)
        share = self.schedule.share(done, epoch, counters.rate_scale)
        self.learning_rate = self.config.optimizer.learning_rate * share
        return self.learner.step(
            x,
            y,
            resets,
            step=counters.step,
            learning_rate=self.learning_rate,
            watch=watch,
        )

    def log(self) -> None:
        """Write a row of training figures, means over the steps since the last row."""
        self._refuse_divergence()
        counters = self.counters
        steps = counters.summed_steps
        loss, norm = float(self.loss_sum) / steps, float(self.norm_sum) / steps
        characters = steps * self._characters_per_step()
        speed = characters / max(counters.summed_seconds, 1e-9)
        counters.last_loss = loss
        self.loss_sum[...] = 0
        self.norm_sum[...] = 0
        counters.summed_steps, counters.summed_seconds = 0, 0.0

        self._write_row(
            "train",
            loss,
            learning_rate=self.learning_rate,
            gradient_norm=norm,
            characters_per_second=round(speed, 1),
        )
        self.journal.progress.update(self.amount, loss, speed)

        limit = EXPLODED * max(counters.first_loss or 0.0, math.log(self.model.vocabulary_size))
        if loss > limit:
            raise RunFailed(
                f"step {counters.step}: the loss has diverged: {loss:.3f} nats per "
                f"{self.config.corpus.unit} is over {limit:.3f}, {EXPLODED} times what guessing "
                f"costs; {self._advice()}"
            )

    def watch_gates(self) -> None:
        """Write the statistics of the gates, in the middle of a step."""
        self.backend.synchronize()  # what is not done yet is training, not watching
        start = time.perf_counter()
        for k, gates in enumerate(self.learner.gates()):
            self.journal.gates(k, gate_statistics(self.backend, gates), self.counters.step + 1)
        self.seconds_watching = time.perf_counter() - start

    def sample(self) -> None:
        """Let the model write, as it is now."""
        self._refuse_divergence()
        self.stop.waits_for = "this sample of text"
        text = self.write_text()
        self.folder.write_sample(self.counters.step, text)
        self.journal.sample(text, self.counters.step)

    def write_text(self) -> str:
        """Return a text as the configuration asks for it, the prompt first."""
        return (self.config.generation.prompt or "") + self.writer.generate()

    def validate(self) -> bool:
        """Score the validation text, and say whether this is the best result so far."""
        self._refuse_divergence()
        if len(self.validation_text.ids) < 2:
            return False
        counters = self.counters
        self.stop.waits_for = "this validation, and saves"
        wanted = self.config.evaluation.characters
        result = self._score("validation", self.validation_text, wanted)
        self._write_row("validation", result.nats)
        counters.validated_step = counters.step
        improved = counters.best_loss is None or result.nats < counters.best_loss
        if improved:
            counters.best_loss, counters.best_step = result.nats, counters.step
            counters.evaluations_without_improvement = 0
        else:
            counters.evaluations_without_improvement += 1
        described = self._describe(result, self.validation_text)
        best = ", the best so far" if improved else ""
        self.journal.progress.message(f"step {counters.step:,}: validation {described}{best}")
        if self.schedule.name == "plateau":
            self._follow_plateau(result.nats)
        return improved

    def _follow_plateau(self, loss: float) -> None:
        """Let the rate fall if the validation has stalled."""
        counters = self.counters
        before = Plateau(counters.plateau_best, counters.plateau_evaluations, counters.rate_scale)
        after = self.schedule.after_validation(before, loss)
        counters.plateau_best, counters.plateau_evaluations, counters.rate_scale = after
        if after.scale < before.scale:
            rate = self.config.optimizer.learning_rate * after.scale
            self.journal.progress.message(f"the validation has stalled: learning rate {rate:g}")

    def _score(self, name: str, text: Span, wanted: int | None, *, may_stop: bool = False) -> Score:
        """Score a text as far as it is wanted, and show how far that is.

        Raises:
            StoppedScoring: A stop was asked for, and this may be stopped.
        """

        def progress(share: float) -> None:
            if may_stop and self.stop.made:
                raise StoppedScoring
            self.journal.progress.watch(f"{name} {100 * share:.0f} %")

        try:
            return score(
                self.reader, text.predicting(wanted), self.config.evaluation.streams, progress
            )
        finally:
            self.journal.progress.watch("")

    def save(self, best: bool = False) -> None:
        """Save everything, and remove the checkpoints that are not kept."""
        self._refuse_divergence()
        counters, config = self.counters, self.config
        counters.loss_sum, counters.norm_sum = float(self.loss_sum), float(self.norm_sum)
        checkpoint = Checkpoint(
            self.folder.checkpoint_file(counters.step),
            self.learner.arrays(),
            config,
            self.corpus.vocabulary,
            replace(counters),
            SavedPlan(self.plan.strategy, self.plan.threads, self.plan.shards),
            self.corpus.sha256,
            self.corpus.files_sha256,
        )
        self.journal.sync()
        self.folder.save(checkpoint, best=best)
        self.folder.prune(config.checkpoint.keep_last, config.checkpoint.keep_every)
        self.saved_step = counters.step

    def finish(self) -> bool:
        """Validate and save the end; then take the best parameters and score the test text.

        Returns:
            Whether all was done: a stop leaves the scoring to the resume.
        """
        counters = self.counters
        improved = counters.validated_step != counters.step and self.validate()
        if improved or self.saved_step != counters.step:
            self.save(best=improved)
        best = self.folder.pointer("best")
        if best is not None:
            unpack_parameters(read_checkpoint(best), self.model)
        if len(self.test_text.ids) >= 2:
            self.stop.waits_for = "the next piece of the test text; all is saved"
            wanted = self.config.evaluation.test_characters
            try:
                result = self._score("test text", self.test_text, wanted, may_stop=True)
            except StoppedScoring:
                return False
            self._write_row("test", result.nats)
            described = self._describe(result, self.test_text)
            self.journal.progress.message(f"test text: {described}")
        loss = counters.best_loss if counters.best_loss is not None else counters.last_loss
        self._write_row(
            "end",
            loss,
            reason="patience" if is_out_of_patience(self.config, counters) else "length",
        )
        return True

    def _refuse_divergence(self) -> None:
        step = self.learner.latch.read()
        if step is None and not self.backend.xp.isfinite(self.model.parameters.values).all():
            step = self.counters.step - 1  # the loss was finite, its update was not
        if step is not None:
            raise RunFailed(
                f"step {step + 1}: the loss or the gradient is no longer finite; {self._advice()}"
            )

    def _advice(self) -> str:
        latest = self.folder.pointer("latest")
        lower = "lower optimizer.learning_rate or optimizer.clip_norm"
        if latest is None:
            return lower
        rate = self.config.optimizer.learning_rate / 2
        return f"{lower}; {latest} is from before: go on from there with " + train_command(
            "--resume", self.folder.path, f"optimizer.learning_rate={rate:g}"
        )

    def _write_row(self, kind: str, loss: float | None, **more: float | str) -> None:
        step = self.counters.step
        self.journal.row(
            {
                "kind": kind,
                "step": step,
                "epoch": step / self.batches.windows_per_epoch,
                "characters": step * self._characters_per_step(),
                "seconds": round(self.counters.seconds, 3),
                "loss": loss,
                **more,
            }
        )

    def _characters_per_step(self) -> int:
        training = self.config.training
        return training.batch_size * training.sequence_length

    def _tell_refusal(self) -> None:
        """Say once that steps are not recorded as CUDA graphs, although they were to be."""
        refused = self.backend.graph_refused
        if refused is not None and not self._refusal_is_known:
            self._refusal_is_known = True
            self.journal.progress.message(f"steps are not recorded as CUDA graphs: {refused}")

    def _host_looks(self) -> bool:
        """Whether results are fetched after this step."""
        config = self.config
        sections = config.evaluation, config.checkpoint
        often = config.monitor.log_every, config.monitor.sample_every, *(s.every for s in sections)
        return any(map(self._due, often))

    def _due(self, every: int) -> bool:
        return self.counters.step % every == 0

    def _describe(self, result: Score, text: Span) -> str:
        whole = len(text.ids) - 1
        part = f" (first {result.characters:,} of {whole:,})" if result.characters < whole else ""
        unit = self.config.corpus.unit
        return f"{result.nats:.4f} nats, {result.bits:.4f} bits per {unit}{part}"

    def _check_scored_texts(self) -> None:
        """Refuse what needs a validation text that is not there; say which text is too short."""
        texts = {"validation": self.validation_text, "test": self.test_text}
        for name, text in texts.items():
            if len(text.ids) == 1:
                note(
                    f"the {name} text has 1 {self.config.corpus.unit}, too few to be scored (2 are "
                    f"needed): give it more in corpus.split or corpus.{name}"
                )
        needs = {
            "evaluation.patience": self.config.evaluation.patience is not None,
            "schedule.name=plateau": self.config.schedule.name == "plateau",
        }
        for key, wanted in needs.items():
            if wanted and len(self.validation_text.ids) < 2:
                raise UserError(f"{key} needs a validation text: give it a share in corpus.split")

    def _check_prompt(self) -> None:
        """Refuse now what would be written only later."""
        try:
            self.corpus.vocabulary.encode(self.config.generation.prompt or "")
        except UserError as error:
            raise UserError(f"the prompt: {error}") from error
