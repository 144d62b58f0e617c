"""A trained model in Python."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import trainer.model
from trainer import api
from trainer.api import load
from trainer.errors import UserError
from trainer.monitor.metrics import read_metrics

ROOT = Path(__file__).resolve().parent.parent
TEXT = "the sea and old moon\n"


@pytest.fixture(scope="module")
def model(trained):
    return load(trained.path / "runs" / "tiny")


def test_it_writes_what_the_command_writes(model, trained):
    options = {"temperature": 0.8, "top_k": 5, "seed": 3}
    written = trained.trainer(
        *["generate", "runs/tiny", "--prompt", "the", "--length", 40],
        *["--temperature", 0.8, "--top-k", 5, "--seed", 3],
    ).stdout
    assert model.generate("the", 40, **options) == written.removeprefix("the").removesuffix("\n")
    assert "".join(model.stream("the", 40, **options)) == model.generate("the", 40, **options)
    assert model.step == 40


def test_it_scores_as_the_command_scores(model, trained):
    (trained.path / "letter.txt").write_text(TEXT)
    told = json.loads(
        trained.trainer("evaluate", "runs/tiny", "--text", "letter.txt", "--json").stdout
    )
    losses = model.score(TEXT)
    assert losses.shape == (len(TEXT) - 1,)
    assert losses.mean() == pytest.approx(told["nats_per_character"], abs=1e-6)


def test_what_it_reads_is_the_cell_of_the_note(model):
    """Equations 4 and 6 hold between the arrays, and the probabilities are those of scoring."""
    inside = model.read(TEXT)
    L, n, H, V = 2, len(TEXT), 8, len(model.vocabulary)
    assert all(array.shape == (L, n, H) for array in inside[:-1])
    assert inside.probabilities.shape == (n, V)
    before = np.concatenate([np.zeros((L, 1, H)), inside.cell[:, :-1]], axis=1)
    cell = inside.candidate * inside.input + before * inside.forget
    np.testing.assert_allclose(inside.cell, cell, atol=1e-6)
    np.testing.assert_allclose(inside.hidden, np.tanh(inside.cell) * inside.output, atol=1e-6)
    ids = model.vocabulary.encode(TEXT)
    losses = -np.log(inside.probabilities[np.arange(n - 1), ids[1:]])
    np.testing.assert_allclose(losses, model.score(TEXT), atol=1e-5)
    np.testing.assert_allclose(inside.probabilities.sum(axis=1), 1, atol=1e-5)


def test_reading_does_not_depend_on_the_window(model, monkeypatch):
    text = TEXT * 5
    whole = model.read(text)
    monkeypatch.setattr(trainer.model, "WINDOW", 7)
    for expected, found in zip(whole, model.read(text), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_lines_are_read_as_they_were_learnt(project):
    assert project.train("tiny.yaml", "corpus.document=line").status == 0
    model = load(project.path / "runs" / "tiny")
    two, one = model.read("a sea\nold moon"), model.read("\nold moon")
    np.testing.assert_allclose(two.cell[:, -9:], one.cell, atol=1e-6)
    assert model.generate("the", 30, seed=3) == (
        project.trainer("generate", "runs/tiny", "--prompt", "the", "--length", 30, "--seed", 3)
    ).stdout.removeprefix("the").removesuffix("\n")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda model: model.generate("?"), "unknown character '\\?'"),
        (lambda model: model.generate("the", 0), "generation.length: found 0"),
        (lambda model: model.generate("the", temperature=-1.0), "generation.temperature"),
        (lambda model: model.score("the ?"), "unknown character '\\?'.* at position 4"),
        (lambda model: model.score("t"), "at least 2"),
        (lambda model: model.read(""), "at least one"),
        (lambda model: load("nothing"), "no such run folder"),
    ],
)
def test_what_cannot_be_is_refused(model, call, words):
    with pytest.raises(UserError, match=words):
        call(model)


def test_training_in_a_few_lines(project, monkeypatch, capfd):
    monkeypatch.chdir(project.path)
    rows, given = [], {"name": "mine", "corpus": {"path": "text.txt", "cache": "cache"}}
    sizes = {"model": {"hidden_size": 8}, "training": {"batch_size": 4, "sequence_length": 8}}
    sizes["training"]["steps"] = 20
    sizes["monitor"] = {"log_every": 10}
    model = api.train({**given, **sizes}, callback=rows.append)
    assert [row["step"] for row in rows if row["kind"] == "train"] == [10, 20]
    assert rows == read_metrics(project.path / "runs/mine/metrics.jsonl")
    assert len(model.generate(length=30)) == 30
    with pytest.raises(UserError, match="exists"):
        api.train({**given, **sizes})
    with ThreadPoolExecutor(1) as pool:  # another thread than the main one
        again = pool.submit(api.train, {**given, **sizes}, force=True).result()
    assert again.generate(length=30, seed=4) == model.generate(length=30, seed=4)
    assert api.train("tiny.yaml").step == 40


def test_the_example_at_the_head_of_the_module_runs(trained):
    example = api.__doc__.split("::")[1].replace("runs/shakespeare", "runs/tiny")
    lines = [line.strip() for line in example.strip().splitlines()]
    program = "\n".join(lines).replace("ROMEO:", "the").replace("To be, or not to be", TEXT[:-1])
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=trained.path,
        env={**trained.environment, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) == 301
