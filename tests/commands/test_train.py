from __future__ import annotations

import math
import re
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

TRAIN = Path(__file__).parents[2] / "train.py"


def test_a_run_folder_has_what_it_should(trained):
    run = trained.path / "runs/tiny"
    names = sorted(path.name for path in run.iterdir())
    assert re.fullmatch(r"events\.out\.tfevents\.\d{16}", names[2])
    assert names == [
        "checkpoints",
        "config.yaml",
        names[2],
        "metrics.jsonl",
        "samples",
    ]
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == [
        "best",
        "latest",
        *(f"step-000000{step}.safetensors" for step in (20, 30, 40)),
    ]
    assert (run / "checkpoints/latest").read_text() == "step-00000040.safetensors\n"
    assert [path.name for path in sorted((run / "samples").iterdir())] == [
        "step-00000020.txt",
        "step-00000040.txt",
    ]
    assert len((run / "samples/step-00000020.txt").read_text()) == 30


def test_what_a_run_says(trained):
    lines = trained.result.stderr.splitlines()
    assert lines[0] == "text.txt: 700 characters, 20 distinct; 17 steps an epoch"
    assert "run: runs/tiny" in lines[2]
    assert "Traceback" not in trained.result.stderr
    assert "Warning" not in trained.result.stderr
    (line,) = (line for line in lines if line.startswith("finished"))
    best = min(trained.rows("tiny", "validation"), key=lambda row: row["loss"])
    assert line == (
        f"finished at step 40, best validation {best['loss']:.4f} at step {best['step']}; "
        "the best model writes:"
    )
    assert trained.checkpoint("tiny", "best").name == f"step-000000{best['step']}.safetensors"


def test_standard_output_holds_only_what_the_best_model_writes(trained):
    best = trained.trainer("generate", trained.checkpoint("tiny", "best"))
    assert trained.result.stdout == best.stdout


def test_the_rows(trained):
    rows = trained.rows("tiny")
    assert [(row["kind"], row["step"]) for row in rows] == [
        (kind, step)
        for step in range(5, 45, 5)
        for kind in (["train", "validation"] if step % 10 == 0 else ["train"])
    ] + [("test", 40), ("end", 40)]
    common = {"kind", "step", "epoch", "characters", "seconds", "loss"}
    more = {"train": {"learning_rate", "gradient_norm", "characters_per_second"}}
    for row in rows:
        assert row.keys() - {"reason"} == common | more.get(row["kind"], set())
        assert row["characters"] == row["step"] * 4 * 8
        assert row["epoch"] == row["step"] / 17
        assert 0 < row["loss"] < 1.2 * math.log(20)
    seconds = [row["seconds"] for row in rows]
    assert seconds == sorted(seconds)
    # Linear decay to 0 over 40 steps: the rate of the last step before each row.
    rates = [row["learning_rate"] for row in trained.rows("tiny", "train")]
    assert rates == pytest.approx([1 - (step - 1) / 40 for step in range(5, 45, 5)])
    assert rows[-1]["reason"] == "length"


def test_it_learns(trained):
    losses = [row["loss"] for row in trained.rows("tiny", "train")]
    assert losses[-1] < losses[0] < math.log(20) + 0.1


def test_the_configuration_of_a_run_makes_the_same_run(trained, project):
    config = (trained.path / "runs/tiny/config.yaml").read_text()
    project.config.write_text(config)
    assert project.train("tiny.yaml", "name=again").status == 0
    assert project.outcome("again") == trained.outcome("tiny")


def test_the_seed_makes_the_run(trained, project):
    assert project.python(TRAIN, "tiny.yaml", "name=same").status == 0
    assert project.outcome("same") == trained.outcome("tiny")
    assert project.train("tiny.yaml", "training.seed=2").status == 0
    same, other = (load_file(project.checkpoint(run)) for run in ("same", "tiny"))
    assert all(not np.array_equal(same[name], other[name]) for name in same)


def test_an_override_may_stand_behind_an_option(project):
    assert project.train("--force", "tiny.yaml", "training.steps=5").status == 0
    assert project.rows("tiny")[-1]["step"] == 5


def test_a_length_in_minutes(project):
    assert project.train("tiny.yaml", "training.minutes=0.001").status == 0
    end = project.rows("tiny")[-1]
    assert end["seconds"] >= 0.06
    assert project.rows("tiny", "train")[-1]["learning_rate"] < 0.5
    result = project.train("--resume", "runs/tiny")
    assert "is finished" in result.stderr


def test_a_run_without_a_validation_text(project):
    assert project.train("tiny.yaml", "corpus.split=[1,0,0]").status == 0
    assert {row["kind"] for row in project.rows("tiny")} == {"train", "end"}
    assert project.rows("tiny")[-1]["loss"] == project.rows("tiny", "train")[-1]["loss"]
    assert not (project.path / "runs/tiny/checkpoints/best").exists()
    assert project.trainer("generate", "runs/tiny").status == 0


def test_dense_embedding_no_bias_double_precision(project):
    options = ("model.embedding_size=3", "model.bias=false", "backend.dtype=float64")
    assert project.train("tiny.yaml", *options).status == 0
    arrays = load_file(project.checkpoint("tiny"))
    assert arrays["parameters.embedding.W"].shape == (20, 3)
    assert arrays["parameters.lstm.0.W"].shape == (3, 32)
    assert "parameters.lstm.0.b" not in arrays
    assert {array.dtype.name for array in arrays.values()} == {"float64"}
    assert project.trainer("evaluate", "runs/tiny").status == 0


class TestForce:
    def test_it_replaces_a_run(self, project):
        for options in ([], ["--force", "training.steps=10", "training.seed=2"]):
            assert project.train("tiny.yaml", *options).status == 0
        assert project.rows("tiny")[-1]["step"] == 10
        names = {path.name for path in (project.path / "runs/tiny").rglob("*.safetensors")}
        assert names == {"step-00000010.safetensors"}
        events = (project.path / "runs/tiny").glob("events*")
        assert [bool(path.stat().st_size) for path in sorted(events)] == [False, True]

    @pytest.mark.parametrize(
        ("wrong", "word"),
        [
            ("model.hidden_size=0", "hidden_size"),
            ("corpus.path=none.txt", "none.txt"),
            ("training.batch_size=99", "batch_size"),
            ("generation.prompt=ß", "prompt"),
        ],
    )
    def test_with_a_wrong_configuration_it_removes_nothing(self, trained, refused, wrong, word):
        before = trained.files("runs")
        refused(trained.train("tiny.yaml", "--force", wrong), word)
        assert trained.files("runs") == before

    def test_it_does_not_remove_what_is_no_run(self, project, refused):
        (project.path / "runs/tiny").mkdir(parents=True)
        (project.path / "runs/tiny/novel.txt").write_text("my only copy")
        refused(project.train("tiny.yaml", "--force"), "runs/tiny is not a run")
        assert list(project.files("runs/tiny")) == ["runs/tiny/novel.txt"]


def test_a_loss_that_explodes_leaves_the_checkpoint_before_it(project):
    assert project.train("tiny.yaml", "training.steps=20").status == 0
    before = project.checkpoint("tiny").read_bytes()
    resume = ("--resume", "runs/tiny", "training.steps=40")
    too_fast = ("optimizer.learning_rate=1e6", "optimizer.clip_norm=null")
    result = project.train(*resume, *too_fast)
    assert result.status == 1
    line = result.stderr.splitlines()[-1]
    assert line.startswith("failed: step 25: the loss has diverged: ")
    assert "lower optimizer.learning_rate" in line
    assert line.endswith(
        "runs/tiny/checkpoints/step-00000020.safetensors is from before: go on from there with "
        "python train.py --resume runs/tiny optimizer.learning_rate=500000"
    )
    assert "Traceback" not in result.stderr
    assert "Warning" not in result.stderr
    assert project.checkpoint("tiny").read_bytes() == before

    mended = ("optimizer.learning_rate=0.5", "optimizer.clip_norm=1")
    assert project.train(*resume, *mended).status == 0
    assert project.rows("tiny")[-1]["loss"] < math.log(20)


def test_a_full_disk_costs_no_checkpoint(project):
    """A limit on the size of files stands for the full disk: big enough for all but checkpoints."""
    assert project.train("tiny.yaml", "schedule.name=constant", "training.steps=20").status == 0
    before = load_file(project.checkpoint("tiny"))
    command = [sys.executable, TRAIN, "--resume", "runs/tiny", "training.steps=40"]
    result = subprocess.run(
        command,
        cwd=project.path,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
    )
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("failed: cannot write runs/tiny/checkpoints/")
    assert "File too large" in result.stderr
    assert list((project.path / "runs/tiny/checkpoints").glob(".*")) == []
    after = load_file(project.checkpoint("tiny"))
    assert all(np.array_equal(before[name], after[name]) for name in before)

    assert project.train("--resume", "runs/tiny", "training.steps=40").status == 0
    assert project.train("tiny.yaml", "schedule.name=constant", "name=whole").status == 0
    assert project.outcome("tiny") == project.outcome("whole")
