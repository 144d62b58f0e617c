"""Going on from a chosen checkpoint file: in its run, in a branch, without its folder."""

from __future__ import annotations

import shutil

import pytest


@pytest.fixture
def kept(project):
    """A project with a finished run that keeps all its checkpoints."""
    assert project.train("tiny.yaml", "checkpoint.keep_last=9").status == 0
    return project


def place(step):
    return f"runs/tiny/checkpoints/step-{step:08d}.safetensors"


def test_the_newest_is_as_the_run(project):
    project.train_and_signal(15, 20, "tiny.yaml")
    assert project.train("tiny.yaml", "name=whole").status == 0
    assert project.train("--resume", place(20)).status == 0
    assert project.outcome("tiny") == project.outcome("whole")


def test_an_older_one_is_refused_with_the_ways_out(kept, refused):
    before = kept.files("runs")
    words = ("2 later checkpoints", "--resume runs/tiny", "--force", "name=NAME")
    refused(kept.train("--resume", place(20)), *words)
    assert kept.files("runs") == before


def test_back_for_good(kept):
    assert kept.train("tiny.yaml", "name=whole", "checkpoint.keep_last=9").status == 0
    result = kept.train("--resume", place(20), "--force")
    assert result.status == 0, result.stderr
    assert kept.outcome("tiny") == kept.outcome("whole")


def test_a_branch_leaves_the_run_alone(kept):
    before = kept.files("runs/tiny")
    result = kept.train("--resume", place(20), "name=branch", "optimizer.learning_rate=0.5")
    assert result.status == 0, result.stderr
    assert kept.files("runs/tiny") == before
    rows = kept.rows("branch", "train")
    assert rows[:4] == kept.rows("tiny", "train")[:4]
    assert [row["learning_rate"] for row in rows[4:]] != []
    assert all(row["learning_rate"] <= 0.5 for row in rows[4:])
    again = kept.train("--resume", place(20), "name=branch")
    assert again.status == 2
    assert "exists" in again.stderr


def test_the_file_and_the_text_are_enough(kept):
    shutil.copy(kept.path / place(20), kept.path / "step-00000020.safetensors")
    (kept.path / "runs" / "tiny").rename(kept.path / "runs" / "gone")
    result = kept.train("--resume", "step-00000020.safetensors")
    assert result.status == 0, result.stderr
    found, expected = kept.outcome("tiny"), kept.outcome("gone")
    assert found["arrays"] == expected["arrays"]
    assert found["rows"] == [
        row for row in expected["rows"] if row["step"] > 20 or row["kind"] in ("test", "end")
    ]


def test_runs_on_another_disk(project):
    assert project.train("tiny.yaml", "runs=elsewhere/runs").status == 0
    assert (project.path / "elsewhere/runs/tiny/config.yaml").is_file()
    assert not (project.path / "runs").exists()
    assert project.train("--resume", "elsewhere/runs/tiny", "training.steps=45").status == 0


def test_the_name_of_a_run_alone(trained, refused):
    refused(trained.train("--resume", "tiny"), "did you mean runs/tiny?")
    refused(trained.trainer("generate", "tiny"), "did you mean runs/tiny?")
