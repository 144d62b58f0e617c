from __future__ import annotations

from pathlib import Path

import pytest

from trainer.config import load_config, resolve_config
from trainer.config.schema import SECTIONS

TEXTS = ["", "1e3", "#", "a # b", "a\nb", "\n", "\x85", "a\u2028b ", "' \"", "é 红", "a b " * 17000]


def resolve(text, *overrides, file="x.yaml"):
    Path(file).write_text(text, encoding="utf-8")
    return resolve_config(Path(file), overrides)


def test_every_value_knows_its_origin():
    Path("base.yaml").write_text(
        "name: base\ncorpus:\n  path: a\ntraining:\n  seed: 2\n  epochs: 3\nmodel: {bias: false}\n"
    )
    config, origins = resolve(
        "base: base.yaml\ntraining:\n  steps: 4\noptimizer:\n  clip_norm: null\n  name: adam\n",
        "model.num_layers=1",
        "corpus.name=plays",
    )
    assert {key: origin for key, origin in origins.items() if origin != "default"} == {
        ("corpus", "name"): "command line",
        ("model", "bias"): "base.yaml:7",
        ("model", "num_layers"): "command line",
        ("training", "seed"): "base.yaml:5",
        ("training", "steps"): "x.yaml:3",
        ("optimizer", "name"): "x.yaml:6",
        ("optimizer", "clip_norm"): "x.yaml:5",
    }
    # All others are defaults: what an alternative removed, and what follows from another value.
    stored = config.model_dump()
    sections = {(name, key) for name in SECTIONS for key in stored[name]}
    assert origins.keys() == sections | {("name",), ("runs",)}


def test_a_name_that_is_null_is_the_files():
    least = "corpus: {path: a}\ntraining: {steps: 1}\n"
    assert resolve(least + "name:\n").origins["name",] == "default"
    assert resolve(least + "name: a\n").origins["name",] == "x.yaml:3"


def test_the_yaml_shows_the_origins_in_one_column():
    text = "corpus:\n  path: a\ntraining:\n  steps: 4\n"
    lines = resolve(text, f"generation.prompt={'long ' * 20}end").to_yaml().splitlines()
    assert lines[0] == "name: x                     # default"
    assert "  path: a                   # x.yaml:2" in lines
    assert "  split: [0.9, 0.05, 0.05]  # default" in lines
    assert f"  prompt: {'long ' * 20}end  # command line" in lines
    assert "training:" in lines


@pytest.mark.parametrize("prompt", TEXTS, ids=lambda text: ascii(text[:9]))
def test_the_yaml_reads_back_equal(prompt):
    plain = resolve("corpus:\n  path: a\ntraining:\n  minutes: 1e-3\n").config
    generation = plain.generation.model_copy(update={"prompt": prompt})
    config = plain.model_copy(update={"generation": generation})
    resolved = resolve(config.to_yaml())
    assert resolved.config == config
    assert resolve(resolved.to_yaml(), file="y.yaml").config == config


def test_a_file_name_that_no_comment_may_hold():
    Path("a\n\x07.yaml").write_text("corpus:\n  path: a\ntraining:\n  steps: 4\n")
    resolved = resolve_config(Path("a\n\x07.yaml"), ["name=x"])
    Path("y.yaml").write_text(resolved.to_yaml())
    assert "# a??.yaml:2" in resolved.to_yaml()
    assert load_config(Path("y.yaml")) == resolved.config
