from __future__ import annotations

from pathlib import Path

import pytest

from trainer.config import load_config

BASE = """\
name: base
corpus:
  path: a.txt
model:
  hidden_size: 7
  num_layers: 1
training:
  epochs: 3
  seed: 5
"""


@pytest.fixture(autouse=True)
def base_file(folder):
    Path("base.yaml").write_text(BASE)


def test_keys_of_the_file_replace_the_bases_one_by_one(load):
    config = load("base: base.yaml\nmodel:\n  num_layers: 3\noptimizer:\n  clip_norm: null\n")
    assert (config.model.hidden_size, config.model.num_layers) == (7, 3)
    assert config.optimizer.clip_norm is None
    assert (config.training.epochs, config.training.seed) == (3, 5)
    assert load("base: base.yaml\nmodel:\n", "model.num_layers=4").model.num_layers == 4


def test_the_name_is_not_inherited(load):
    assert load("base: base.yaml\n").name == "x"
    assert load("base: base.yaml\nname: own\n").name == "own"


def test_an_alternative_replaces_the_bases(load, refusal):
    config = load("base: base.yaml\ncorpus:\n  name: plays\ntraining:\n  minutes: 2\n")
    assert (config.corpus.path, config.corpus.name) == (None, "plays")
    assert (config.training.epochs, config.training.minutes) == (None, 2)
    # Null replaces nothing, and two alternatives of one file still collide.
    assert load("base: base.yaml\ntraining:\n  steps: null\n").training.epochs == 3
    assert refusal("base: base.yaml\ntraining:\n  steps: 2\n  minutes: 2\n").startswith(
        "x.yaml:4: training.minutes: found steps and minutes, expected exactly one of"
    )
    both = load("base: base.yaml\ntraining:\n  steps: 2\n", "training.minutes=1").training
    assert (both.epochs, both.steps, both.minutes) == (None, None, 1)


def test_what_a_run_keeps_has_no_base(load):
    config = load("base: base.yaml\n")
    assert "base" not in config.to_yaml()
    assert load(config.to_yaml(), file="config.yaml") == config


def test_the_base_is_looked_for_beside_the_file_first():
    Path("near.yaml").write_text(BASE)
    for folder, size in {"one": 1, "two": 2}.items():
        Path(folder).mkdir()
        Path(folder, "near.yaml").write_text(BASE.replace("hidden_size: 7", f"hidden_size: {size}"))
        Path(folder, "mine.yaml").write_text("base: near.yaml\n")
        assert load_config(Path(folder, "mine.yaml")).model.hidden_size == size
    Path("one/mine.yaml").write_text("base: base.yaml\n")
    assert load_config(Path("one/mine.yaml")).model.hidden_size == 7
    Path("one/mine.yaml").write_text("base: ../two/near.yaml\n")
    assert load_config(Path("one/mine.yaml")).model.hidden_size == 2


@pytest.mark.parametrize(
    ("base", "own", "message"),
    [
        (
            "backend:\n  threads: 0\n",
            "backend:\n  dtype: float64\n",
            "base.yaml:11: backend.threads",
        ),
        (
            "backend:\n  threads: 1\n",
            "backend:\n  threads: 0\n",
            "x.yaml:3: backend.threads: found 0",
        ),
        ("modle: {}\n", "", "base.yaml:10: modle: unknown key; did you mean model?"),
        (
            "backend: 3\n",
            "backend:\n  threads: 1\n",
            "base.yaml:10: backend: found 3, expected a s",
        ),
        ("", "training:\n  epochs: null\n", "x.yaml:2: training: found none, expected exactly"),
        ("a: [\n", "", "base.yaml:11:1: not valid YAML: "),
        ("base: y.yaml\n", "", "base.yaml:10: base: this file is the base of x.yaml, so it can"),
    ],
)
def test_an_error_points_to_the_file_that_gave_the_value(refusal, base, own, message):
    Path("base.yaml").write_text(BASE + base)
    assert refusal("base: base.yaml\n" + own).startswith(message)


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("3", "found 3, expected the name of a YAML file"),
        ("", "found nothing, expected the name of a YAML file"),
        ("''", "found '', expected the name of a YAML file"),
        ("[base.yaml]", 'found ["base.yaml"], expected the name of a YAML file'),
        ("x.yaml", "'x.yaml' is this file itself, expected another one"),
        ("./x.yaml", "'./x.yaml' is this file itself, expected another one"),
        ("configs", "'configs' is a folder, expected a YAML file"),
        (
            "bse.yaml",
            "no such file beside x.yaml or in the working directory: 'bse.yaml'; "
            "did you mean base.yaml?",
        ),
        ('"\\0\\n"', "found '\\x00\\n', but no path can hold NUL"),
        ("z" * 300, f"'{'z' * 56}... cannot be read: File name too long"),
        ("base.yaml/z", "no such file beside x.yaml or in the working directory: 'base.yaml/z'"),
    ],
)
def test_what_cannot_be_a_base(refusal, base, message):
    Path("configs").mkdir()
    assert refusal(f"# mine\nbase: {base}\n") == f"x.yaml:2: base: {message}"


def test_a_base_that_cannot_be_read_or_is_empty(refusal):
    Path("base.yaml").write_bytes(b"\xff")
    assert refusal("base: base.yaml\n") == "base.yaml:1: not UTF-8 text; save the file as UTF-8"
    Path("base.yaml").write_text("")
    assert refusal("base: base.yaml\n").startswith("base.yaml: empty, expected sections")


def test_a_base_belongs_into_the_file(refusal):
    assert refusal(BASE, "base=base.yaml") == (
        "command line: base=base.yaml: "
        "a base is named in the file only, by a line such as base: base.yaml"
    )
    assert refusal("bsae: base.yaml\n").startswith(
        "x.yaml:1: bsae: unknown key; did you mean base?"
    )
