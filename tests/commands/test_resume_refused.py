"""What a resume refuses: with one line, and nothing changed."""

from __future__ import annotations

import shutil

import pytest


def test_what_may_not_change(trained, refused):
    before = trained.files("runs")
    for key, value in {
        "model.hidden_size": 9,
        "training.batch_size": 2,
        "training.seed": 2,
        "training.init_from": "runs/tiny",
        "optimizer.momentum": 0.5,
        "corpus.split": "[0.7,0.2,0.1]",
        "backend.threads": 2,
    }.items():
        refused(trained.train("--resume", "runs/tiny", f"{key}={value}"), key)
    assert trained.files("runs") == before


def test_a_text_that_has_changed(trained, project, refused):
    shutil.copytree(trained.path / "runs", project.path / "runs")
    before = project.files("runs")
    project.text.write_text(project.text.read_text().replace("moon", "noon"))
    result = project.train("--resume", "runs/tiny", "training.steps=50")
    refused(result, "text.txt", "sha256")
    assert project.files("runs") == before
    for path in (project.path / "cache").glob("*.json"):
        assert path.stem in result.stderr  # the text's
    for path in (trained.path / "cache").glob("*.json"):
        assert path.stem in result.stderr  # the checkpoint's


def test_a_text_that_is_gone(trained, project, refused):
    shutil.copytree(trained.path / "runs", project.path / "runs")
    project.text.unlink()
    refused(project.train("--resume", "runs/tiny"), "no such file: text.txt")


def test_a_damaged_checkpoint(trained, project, refused):
    shutil.copytree(trained.path / "runs", project.path / "runs")
    path = project.checkpoint("tiny")
    path.write_bytes(path.read_bytes()[:-1])
    before = project.files("runs")
    advice = "to resume from an older checkpoint, write its name into runs/tiny/checkpoints/latest"
    refused(project.train("--resume", "runs/tiny"), path.name, "damaged or cut short", advice)
    assert project.files("runs") == before

    (path.parent / "latest").write_text("step-00000030.safetensors")
    assert project.train("--resume", "runs/tiny").status == 0
    assert project.outcome("tiny") == trained.outcome("tiny")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("runs", "runs here: tiny"),
        ("runs/other", "runs here: tiny"),
        ("runs/tinny", "did you mean runs/tiny?"),
        ("runs/tiny/config.yaml", "did you mean runs/tiny?"),
        ("runs/tiny/checkpoints", "did you mean runs/tiny?"),
    ],
)
def test_what_is_no_run(trained, refused, name, hint):
    result = trained.train("--resume", name)
    refused(result, f"{name}: no run folder (it has no config.yaml); {hint}")


def test_a_configuration_beside_resume(trained, refused):
    result = trained.train("tiny.yaml", "--resume", "runs/tiny")
    refused(result, "tiny.yaml: --resume takes no configuration")
