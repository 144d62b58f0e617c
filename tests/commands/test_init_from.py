"""A run that begins with another's parameters, and one whose text lacks what is met later."""

from __future__ import annotations

import json
import math
import shutil
import signal

import numpy as np
import pytest
from safetensors.numpy import load_file

from trainer.config import load_config

OLD = "runs/tiny/checkpoints/step-00000040.safetensors"
FINE = ("tiny.yaml", "name=fine", "training.init_from=runs/tiny")


@pytest.fixture
def tuning(trained, project):
    """A project with a finished run and a text that has other characters."""
    shutil.copytree(trained.path / "runs", project.path / "runs")
    assert project.checkpoint("tiny", "best").name == "step-00000040.safetensors"
    other = project.text.read_text().replace("moon", "Mööň")
    (project.path / "other.txt").write_text(other)
    return project


def test_a_new_run_on_another_text(tuning):
    result = tuning.train(*FINE, "corpus.path=other.txt", "training.steps=10")
    assert result.status == 0
    told, characters = result.stderr.splitlines()[:2]
    best = tuning.rows("tiny", "end")[0]["loss"]
    assert told == f"begins with the parameters of {OLD} (step 40, validation loss {best:.4f})"
    assert characters == (
        "characters: 19 kept, 3 new ('M' (U+004D), 'ö' (U+00F6), 'ň' (U+0148)), 1 left behind"
    )
    assert load_config(tuning.path / "runs/fine/config.yaml").training.init_from == OLD
    rows = tuning.rows("fine", "train")
    assert [row["step"] for row in rows] == [5, 10]
    # Counters, schedule and carried state begin anew; what was learnt does not.
    assert tuning.train("tiny.yaml", "name=anew", "corpus.path=other.txt").status == 0
    anew = tuning.rows("anew", "train")
    assert rows[0]["loss"] < anew[0]["loss"] - 0.1
    assert rows[0]["learning_rate"] == pytest.approx(1 - 4 / 10)


def test_on_the_same_text_only_the_parameters_are_kept(tuning):
    still = ("optimizer.learning_rate=1e-30", "schedule.name=constant", "training.steps=1")
    assert tuning.train(*FINE, *still).status == 0
    old, new = load_file(tuning.path / OLD), load_file(tuning.checkpoint("fine"))
    for name in old:
        if name.startswith("parameters."):
            np.testing.assert_array_equal(new[name], old[name])
        elif name.startswith("optimizer."):  # one gradient, not the sum of many
            assert np.linalg.norm(new[name]) < 1.001


def test_it_goes_on_without_the_old_run_once_it_has_a_checkpoint(tuning):
    assert tuning.train(*FINE).status == 0
    cut = (*FINE, "name=cut")
    assert tuning.train_and_signal(signal.SIGTERM, 15, *cut).status == 130
    shutil.rmtree(tuning.path / "runs/tiny")
    assert tuning.train("--resume", "runs/cut").status == 0
    assert tuning.outcome("cut") == tuning.outcome("fine")


def test_killed_before_its_first_checkpoint_it_starts_from_the_same_parameters(tuning):
    assert tuning.train(*FINE).status == 0
    cut = (*FINE, "name=cut")
    assert tuning.train_and_signal(signal.SIGKILL, 5, *cut).status == -signal.SIGKILL
    # The old run goes on, and has a new best.
    assert tuning.train("--resume", "runs/tiny", "training.steps=60").status == 0
    assert tuning.checkpoint("tiny", "best").name != "step-00000040.safetensors"
    assert tuning.train("--resume", "runs/cut").status == 0
    assert tuning.outcome("cut") == tuning.outcome("fine")


def test_what_is_new_after_a_small_first_loss_is_no_divergence(project):
    """Three times the first loss is soon exceeded here, three times what guessing costs is not."""
    known, new = 4 * "the sea and the moon\n", 4 * "moon and the sea the\n"
    project.text.write_text(8 * known + "\n")
    quick = ("model.num_layers=1", "model.dropout=0", "schedule.name=constant")
    quick += ("corpus.split=[1,0,0]", "monitor.sample_every=1000")
    assert project.train("tiny.yaml", *quick, "training.steps=63").status == 0
    project.text.write_text(4 * (known + new) + "\n")  # each of the four is a stream
    assert project.train(*FINE, *quick, "monitor.log_every=1").status == 0
    losses = [row["loss"] for row in project.rows("fine", "train")]
    assert 3 * losses[0] < max(losses) < 3 * math.log(11)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["training.init_from=runs/none"], ["runs/none: no such run folder or checkpoint file"]),
        (["training.init_from=runs"], ["runs: the folder holds no checkpoint yet"]),
        (["training.init_from=text.txt"], ["text.txt: no checkpoint of this program"]),
        (["training.init_from=cut.safetensors"], ["damaged or cut short"]),
        (
            ["model.hidden_size=9", "model.bias=false"],
            [
                f"{OLD} is of another model, with model.hidden_size=8 model.bias=true; "
                "the configuration has model.hidden_size=9 model.bias=false: set it as there"
            ],
        ),
        (["model.num_layers=1"], ["with model.num_layers=2"]),
        (["model.embedding_size=4"], ["with model.embedding_size=null"]),
        (
            ["corpus.unit=byte"],
            ["with corpus.unit=character; the configuration has corpus.unit=byte"],
        ),
        (["name=tiny", "--force"], ["give the new run another name with name=NAME"]),
    ],
)
def test_what_cannot_be_a_beginning(trained, refused, overrides, words):
    content = trained.checkpoint("tiny").read_bytes()
    (trained.path / "cut.safetensors").write_bytes(content[:-1])
    before = trained.files("runs")
    refused(trained.train(*FINE, *overrides), "training.init_from: ", *words)
    assert trained.files("runs") == before


def test_the_beginning_cannot_change_on_resume(tuning, refused):
    assert tuning.train(*FINE).status == 0
    for value in ("null", "runs/tiny"):
        result = tuning.train("--resume", "runs/fine", f"training.init_from={value}")
        refused(result, "training.init_from", "cannot change on resume")
    assert tuning.train("--resume", "runs/fine", "training.steps=50").status == 0
    assert tuning.rows("fine")[-1]["step"] == 50


class TestUnknown:
    TEXT = "the sea ßtrikes the moon"

    @pytest.mark.parametrize("embedding_size", ["null", "3"])
    def test_a_reserved_symbol_tells_nothing(self, project, embedding_size):
        options = ("corpus.unknown=symbol", f"model.embedding_size={embedding_size}")
        assert project.train("tiny.yaml", *options).status == 0
        arrays = load_file(project.checkpoint("tiny"))
        matrix = "embedding.W" if embedding_size == "3" else "lstm.0.W"
        rows = arrays[f"parameters.{matrix}"]
        assert rows.shape[0] == 21
        assert not rows[20].any()
        assert rows[:20].any(axis=1).all()

        prompted = project.trainer("generate", "runs/tiny", "--prompt", self.TEXT)
        assert prompted.status == 0
        assert len(prompted.stdout) > len(self.TEXT)
        (project.path / "later.txt").write_text(self.TEXT)
        scored = project.trainer("evaluate", "runs/tiny", "--text", "later.txt", "--json")
        assert scored.status == 0
        assert json.loads(scored.stdout)["characters"] == len(self.TEXT) - 1

    def test_without_one_the_place_is_told(self, trained, refused):
        words = ("unknown character 'ß' (U+00DF) at position 8", "corpus.unknown=skip")
        refused(trained.trainer("generate", "runs/tiny", "--prompt", self.TEXT), *words)
        (trained.path / "later.txt").write_text(self.TEXT)
        refused(trained.trainer("evaluate", "runs/tiny", "--text", "later.txt"), *words)
