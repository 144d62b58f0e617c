"""The training loop, run in this process."""

from __future__ import annotations

import math
import re
from contextlib import nullcontext

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import trainer.training.loop
from trainer.config import config_from_mapping
from trainer.errors import RunFailed, UserError
from trainer.monitor.console import Progress
from trainer.monitor.journal import Journal
from trainer.monitor.metrics import read_metrics
from trainer.runs.checkpoint import read_checkpoint
from trainer.runs.folder import RunFolder
from trainer.scoring.evaluation import Score
from trainer.text import Sources, load_corpus
from trainer.training.loop import Training

TINY = {
    "corpus": {"path": "text.txt", "split": [0.8, 0.1, 0.1]},
    "model": {"hidden_size": 6, "num_layers": 2},
    "training": {"batch_size": 4, "sequence_length": 8, "steps": 20},
    "evaluation": {"every": 1000},
    "generation": {"length": 20},
    "monitor": {"log_every": 1000, "gates_every": 1000, "sample_every": 1000},
    "checkpoint": {"every": 1000},
}
STILL = {"learning_rate": 1e-30, "momentum": 0.0}
FAST = {"learning_rate": 1e6, "clip_norm": None}


class Run:
    """A run in a folder of its own; `sections` change the configuration above."""

    def __init__(self, project, plan, name, sections):
        mapping = {"name": name}
        for section in TINY.keys() | sections.keys():
            mapping[section] = {**TINY.get(section, {}), **sections.get(section, {})}
        config = config_from_mapping(mapping, name)
        self.folder = RunFolder(project.path / "runs" / name)
        corpus = load_corpus(Sources([project.text]), project.path / "cache")
        self.training = Training(config, corpus, self.folder, plan)
        self.folder.create(config.to_yaml())

    def train(self):
        progress = Progress(self.training.length.steps, "steps", 0)
        with Journal(self.folder.path, self.folder.metrics, None, progress) as journal:
            assert self.training.train(journal)
        return self

    def rows(self, *kinds):
        rows = read_metrics(self.folder.metrics)
        return [row for row in rows if not kinds or row["kind"] in kinds]

    def losses(self, *kinds):
        return [row["loss"] for row in self.rows(*kinds)]

    def arrays(self):
        return read_checkpoint(self.folder.pointer("latest")).arrays


@pytest.fixture
def new_run(project, plan):
    """Make a run that is not yet trained, its sections given by name."""
    count = iter(range(100))
    return lambda **sections: Run(project, plan, f"run-{next(count)}", sections)


@pytest.fixture
def run(new_run):
    return lambda **sections: new_run(**sections).train()


def every_step(*names):
    return {f"{name}_every": 1 for name in names}


class TestRows:
    def test_a_row_is_the_mean_since_the_row_before(self, run):
        single = run(monitor={"log_every": 1}).rows("train")
        rows = run(monitor={"log_every": 6}).rows("train")
        assert [row["step"] for row in rows] == [6, 12, 18]
        for k, row in enumerate(rows):
            for name in ("loss", "gradient_norm"):
                mean = np.mean([one[name] for one in single[6 * k : 6 * k + 6]])
                assert row[name] == pytest.approx(mean, rel=1e-6)
            assert row["learning_rate"] == 1.0

    def test_the_first_loss_is_about_that_of_guessing(self, run):
        first = run(monitor={"log_every": 1}, training={"steps": 1}).losses("train")
        assert first == pytest.approx([math.log(20)], abs=0.3)

    def test_the_rates_of_the_schedule(self, run):
        rows = run(
            monitor={"log_every": 1},
            optimizer={"learning_rate": 0.5},
            schedule={"name": "linear", "warmup": 0.2, "end_factor": 0.5},
        ).rows("train")
        warm_up = [step / 4 for step in range(4)]
        decay = [1 - 0.5 * step / 16 for step in range(16)]
        expected = [0.5 * factor for factor in warm_up + decay]
        assert [row["learning_rate"] for row in rows] == pytest.approx(expected)

    def test_an_epoch_is_all_windows(self, run):
        rows = run(training={"steps": None, "epochs": 2}).rows("end")
        assert [(row["step"], row["epoch"]) for row in rows] == [(34, 2.0)]

    def test_the_end_names_the_best_validation(self, run):
        done = run(evaluation={"every": 5})
        assert done.losses("end") == [min(done.losses("validation"))]

    def test_an_end_between_evaluations_is_evaluated(self, run):
        rows = run(evaluation={"every": 15}).rows("validation")
        assert [row["step"] for row in rows] == [15, 20]


class TestState:
    """With so small a rate that nothing changes, the losses can be found by hand."""

    def test_it_is_carried_through_an_epoch_and_begins_again_with_the_next(self, new_run, host):
        run = new_run(
            optimizer=STILL, monitor={"log_every": 1}, training={"steps": None, "epochs": 2}
        )
        model, batches = run.training.model, run.training.batches
        windows = [batches.window(k) for k in range(17)]
        epoch = (np.concatenate([window[k] for window in windows]) for k in (0, 1))
        x, y = map(model.backend.asarray, epoch)
        logits, _ = model.forward(x, model.zero_state(4))  # the epoch in one long window
        losses = model.loss.forward(logits, y)
        expected = host(losses).reshape(17, 8 * 4).mean(axis=1)

        found = run.train().losses("train")
        assert found[:17] == pytest.approx(expected, rel=1e-5)
        assert found[17:] == found[:17]

    def test_dropout_draws_a_new_mask_each_step(self, run):
        losses = run(
            optimizer=STILL,
            monitor={"log_every": 1},
            model={"dropout": 0.5},
            training={"steps": None, "epochs": 2},
        ).losses("train")
        assert losses[:17] != losses[17:]


class TestOnlyWatching:
    def test_evaluation_samples_rows_and_checkpoints_leave_no_trace(self, run):
        quiet = run(model={"dropout": 0.3})
        busy = run(
            model={"dropout": 0.3},
            evaluation={"every": 1, "streams": 3},
            monitor=every_step("log", "gates", "sample"),
            checkpoint={"every": 1},
        )
        for name, array in quiet.arrays().items():
            assert np.array_equal(array, busy.arrays()[name]), name

    def test_an_evaluation_can_be_capped_and_says_so(self, run, capsys):
        capped = run(evaluation={"every": 20, "characters": 10})
        assert capped.losses("validation") != run().losses("validation")
        assert " (first 10 of 69)" in capsys.readouterr().err
        whole = run(evaluation={"every": 20, "characters": 69})
        assert whole.losses("validation") == run().losses("validation")

    def test_what_tensorboard_is_shown(self, run):
        folder = run(
            monitor={"log_every": 10, "gates_every": 10, "sample_every": 10},
            evaluation={"every": 10},
        ).folder.path
        events = EventAccumulator(str(folder)).Reload()
        tags = events.Tags()
        gates = {
            f"lstm_layer_{k}/{gate}/{number}"
            for k in range(2)
            for gate in ("candidate", "input", "forget", "output")
            for number in ("mean", "std", "low", "high")
        }
        assert set(tags["scalars"]) == gates | {
            "loss/train",
            "loss/validation",
            "optimizer/learning_rate",
            "optimizer/gradient_norm",
            "speed/characters_per_second",
        }
        assert [event.step for event in events.Scalars("loss/train")] == [10, 20]
        assert [event.step for event in events.Scalars("lstm_layer_1/forget/mean")] == [10, 20]
        assert len(tags["tensors"]) == 1
        # The forget gates start open, by their bias.
        forget, input_gate = (
            events.Scalars(f"lstm_layer_0/{gate}/mean")[0].value for gate in ("forget", "input")
        )
        assert forget > input_gate


class TestTheBest:
    def test_patience_ends_a_run_that_no_longer_improves(self, run):
        still = run(
            optimizer={"learning_rate": 1e-30},
            evaluation={"every": 3, "patience": 2},
            training={"steps": 1000},
        )
        assert [row["step"] for row in still.rows("validation")] == [3, 6, 9]
        (end,) = still.rows("end")
        assert (end["step"], end["reason"]) == (9, "patience")
        assert still.folder.pointer("best") == still.folder.checkpoint_file(3)
        assert still.folder.pointer("latest") == still.folder.checkpoint_file(9)

    def test_an_improvement_renews_the_patience(self, run, monkeypatch):
        losses = iter([3.0, 4.0, 2.0, 3.0, 2.5, 1.0])
        monkeypatch.setattr(trainer.training.loop, "score", lambda *_: Score(next(losses), 1))
        done = run(evaluation={"every": 2, "patience": 2}, corpus={"split": [0.8, 0.2, 0]})
        assert done.losses("validation") == [3.0, 4.0, 2.0, 3.0, 2.5]
        assert done.folder.pointer("best") == done.folder.checkpoint_file(6)
        assert done.rows("end")[0]["reason"] == "patience"

    def test_the_test_text_is_scored_with_the_best_parameters(self, new_run):
        run = new_run(evaluation={"every": 19})
        train_step = run.training.train_step

        def spoil_the_last_step():
            train_step()
            if run.training.counters.step == 20:
                run.training.model.parameters.values *= -3

        run.training.train_step = spoil_the_last_step
        best, last = run.train().losses("validation")
        assert last > best + 0.5
        assert run.folder.pointer("best") == run.folder.checkpoint_file(19)
        assert run.folder.pointer("latest") == run.folder.checkpoint_file(20)
        assert run.losses("test") == pytest.approx([best], abs=0.2)


class TestDivergence:
    def test_a_loss_over_three_times_that_of_guessing(self, new_run):
        run = new_run(optimizer=FAST, monitor={"log_every": 5})
        with pytest.raises(RunFailed) as caught:
            run.train()
        message = re.fullmatch(
            r"step 5: the loss has diverged: (\S+) nats per character is over (\S+), 3 times what "
            r"guessing costs; lower optimizer.learning_rate or optimizer.clip_norm",
            str(caught.value),
        )
        loss, limit = map(float, message.groups())
        assert loss > limit
        first = run.training.counters.first_loss
        assert limit == pytest.approx(3 * max(first, math.log(20)), abs=1e-3)
        assert run.rows()[-1]["loss"] == pytest.approx(loss, abs=1e-3)  # told before it fails
        assert run.folder.pointer("latest") is None

    @pytest.mark.parametrize(("first_loss", "limit"), [(2.0, 3 * math.log(20)), (5.0, 15.0)])
    @pytest.mark.parametrize("factor", [0.99, 1.01])
    def test_the_limit(self, new_run, first_loss, limit, factor):
        """The model expects a dot everywhere: each other character costs the bias of the dot."""
        training = new_run(optimizer={"learning_rate": 1e-30}).training
        training.counters.first_loss = first_loss
        dot = training.corpus.vocabulary.characters.index(".")
        wrong = np.mean([training.batches.window(k)[1] != dot for k in range(5)])
        training.model.parameters["output.W"].value[...] = 0
        training.model.parameters["output.b"].value[dot] = factor * limit / wrong

        folder = training.folder
        with Journal(folder.path, folder.metrics, None, Progress(20, "steps", 0)) as journal:
            training.journal = journal
            for _ in range(5):
                training.train_step()
            with pytest.raises(RunFailed) if factor > 1 else nullcontext():
                training.log()

    @pytest.mark.parametrize("value", [math.nan, math.inf])
    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    def test_what_is_not_finite_stops_and_is_not_saved(self, new_run, value):
        run = new_run(checkpoint={"every": 5})
        train_step = run.training.train_step

        def spoil():
            train_step()
            if run.training.counters.step == 7:
                run.training.model.parameters["lstm.0.U"].value[0, 0] = value

        run.training.train_step = spoil
        with pytest.raises(RunFailed) as caught:
            run.train()
        kept = run.folder.checkpoint_file(5)
        assert str(caught.value) == (
            "step 8: the loss or the gradient is no longer finite; lower optimizer.learning_rate "
            f"or optimizer.clip_norm; {kept} is from before: go on from there with "
            f"trainer train --resume {run.folder.path} optimizer.learning_rate=0.5"
        )
        assert run.folder.pointer("latest") == kept
        assert all(np.isfinite(array).all() for array in run.arrays().values())

    @pytest.mark.parametrize("section", ["evaluation", "checkpoint", "monitor"])
    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    def test_an_update_that_is_not_finite_is_neither_shown_nor_saved(self, new_run, section):
        """The loss of step 1 is finite, what it makes of the parameters is not."""
        every = every_step("sample") if section == "monitor" else {"every": 1}
        run = new_run(optimizer={**FAST, "learning_rate": 1e39}, **{section: every})
        with pytest.raises(RunFailed, match=r"^step 1: .* no longer finite"):
            run.train()
        assert run.folder.pointer("latest") is None
        assert list(run.folder.samples.iterdir()) == []


class TestRefused:
    def test_a_text_that_is_too_short(self, new_run):
        with pytest.raises(UserError, match="the training part has 560 characters"):
            new_run(training={"batch_size": 100})

    def test_patience_without_a_validation_text(self, new_run):
        with pytest.raises(UserError, match=r"evaluation\.patience needs a validation text"):
            new_run(corpus={"split": [1, 0, 0]}, evaluation={"patience": 1})

    def test_a_prompt_that_the_text_cannot_spell(self, new_run):
        with pytest.raises(UserError, match="the prompt: unknown character 'ß'"):
            new_run(generation={"prompt": "Straße".lower()})
