from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from pydantic import ValidationError

from trainer.config import config_from_mapping, json_schema, load_config

CONFIGS = Path(__file__).parents[2] / "configs"
BASE = "corpus:\n  path: a.txt\ntraining:\n  steps: 5\n"  # the least a configuration needs: 4 lines


def test_missing_and_empty_sections_have_their_defaults(load):
    config = load(BASE + "model:\nschedule: {}\n")
    assert config == load(BASE)
    assert config.model.hidden_size == 128
    assert config.corpus.split == (0.9, 0.05, 0.05)
    assert config.optimizer.clip_norm == 1.0


def test_a_configuration_cannot_be_changed(load):
    with pytest.raises(ValidationError, match="frozen"):
        load(BASE).model.hidden_size = 3


def test_split(load, refusal):
    assert load(BASE, "corpus.split=[0.8,0.1,0.1]").corpus.split == (0.8, 0.1, 0.1)
    assert load(BASE, "corpus.split=[1,0,0]").corpus.split == (1.0, 0.0, 0.0)
    text = BASE.replace("training", "  split: [0.9, 0.2, 0.1]\ntraining")
    rule = "expected three fractions with sum 1, the first greater than 0"
    assert refusal(text) == (f"x.yaml:3: corpus.split: found [0.9, 0.2, 0.1] with sum 1.2, {rule}")
    assert refusal(BASE, "corpus.split=[0,1,0]").endswith(f"[0.0, 1.0, 0.0] with sum 1, {rule}")
    rule = "expected a list of 3 items, each a number of at least 0 and at most 1"
    for value in ("[1.0, 0.0]", "[1, 0, 0, 0]", "[2, -1, 0]", '["1", "0", "0"]', "1"):
        override = f"corpus.split={value}"
        assert refusal(BASE, override) == f"command line: {override}: found {value}, {rule}"


def test_the_text_is_given_in_exactly_one_way(load, refusal):
    assert refusal("training:\n  steps: 5\n") == (
        "x.yaml: corpus: found none, expected exactly one of path, name"
    )
    assert refusal("corpus:\n  path: a\n  name: b\ntraining:\n  steps: 5\n") == (
        "x.yaml:3: corpus.name: found path and name, expected exactly one of path, name"
    )
    corpus = load(BASE, "corpus.name=shakespeare").corpus
    assert (corpus.path, corpus.name) == (None, "shakespeare")
    assert load(BASE, "corpus.name=").corpus.path == "a.txt"  # nothing replaces nothing
    assert refusal(BASE, "corpus.path=b", "corpus.name=c") == (
        "command line: corpus.name=c: found path and name, expected exactly one of path, name"
    )


def test_the_length_is_given_in_exactly_one_way(load, refusal):
    choice = "expected exactly one of epochs, steps, minutes"
    assert refusal("corpus: {name: a}\ntraining:\n  seed: 2\n") == (
        f"x.yaml:2: training: found none, {choice}"
    )
    assert refusal(BASE + "  epochs: 2\n") == (
        f"x.yaml:4: training.steps: found epochs and steps, {choice}"
    )
    training = load(BASE, "training.minutes=1.5").training
    assert (training.steps, training.minutes) == (None, 1.5)
    assert refusal(BASE, "training.steps=") == (f"x.yaml:3: training: found none, {choice}")


def test_checks_between_keys_point_to_a_key(load, refusal):
    text = BASE + "optimizer:\n  momentum: 0\n  nesterov: true\n"
    assert refusal(text) == (
        "x.yaml:7: optimizer.nesterov: found true with momentum 0, expected momentum above 0"
    )
    assert load(text, "optimizer.momentum=0.5").optimizer.nesterov
    assert refusal(BASE, "checkpoint.keep_every=1500") == (
        "command line: checkpoint.keep_every=1500: "
        "found 1500, expected a multiple of checkpoint.every (1000)"
    )
    assert load(BASE, "checkpoint.keep_every=3000").checkpoint.keep_every == 3000


def test_a_written_configuration_reads_back_equal(load):
    generator = random.Random(1)
    texts = [
        "1e3",
        "010",
        "1_0",
        "yes",
        "null",
        "~",
        "",
        " a ",
        "a\nb\n",
        "\n",
        "a: b",
        "# a",
        "- a",
    ]
    texts += [
        "é 红楼梦 😀",
        "\t",
        "\r\n",
        "\x00\x85\u2028\ufeff",
        "'\"\\",
        "a  b " * 300,
        "=",
        "<<",
    ]
    letters = "".join(texts[:-3]) + "{}[]!&*|>%@`"
    for _ in range(100):
        random_text = "".join(generator.choices(letters, k=generator.randrange(30)))
        data = {
            "name": generator.choice(["1e3", "010", "0x1F", "1.5", "on", "2024-01-01", "a.b-c_"]),
            "corpus": {"path": generator.choice(texts).replace("\0", "") or "a"},
            "training": {"minutes": generator.uniform(0, 1) * 10 ** generator.randrange(-300, 300)},
            "optimizer": {"learning_rate": generator.choice([1e-05, 1e22, 5e-324, 0.1, 1e16, 3])},
            "generation": {"prompt": generator.choice([*texts, random_text, random_text])},
        }
        config = config_from_mapping(data, "test")
        assert load(config.to_yaml()) == config


def test_the_written_form_is_easy_to_read(load):
    written = load(BASE, 'generation.prompt="é\\n"').to_yaml()
    assert written.startswith("name: x\nruns: runs\ncorpus:\n  path: a.txt\n  name: null\n")
    assert "  split: [0.9, 0.05, 0.05]\n" in written
    assert '  prompt: "é\\n"\n' in written


def test_the_committed_json_schema_is_the_exported_one():
    committed = json.loads((CONFIGS / "schema.json").read_text(encoding="utf-8"))
    assert committed == json_schema(), (
        "write it anew: python -m trainer schema > configs/schema.json"
    )


def test_the_json_schema_describes_every_key_in_one_line():
    schema = json.loads(json.dumps(json_schema()))
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["title"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["base"]["type"] == "string"
    for section in schema["$defs"].values():
        assert section["additionalProperties"] is False
        for name, key in section["properties"].items():
            assert 10 < len(key["description"]) < 100, name
            assert "\n" not in key["description"], name
            assert "default" in key, name


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_configurations(path):
    assert load_config(path).name == path.stem
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")
    assert f"python train.py configs/{path.name}\n" in text


def test_defaults_follow_the_optimizer(load):
    assert (load(BASE).optimizer.learning_rate, load(BASE).optimizer.momentum) == (1.0, 0.9)
    adam = load(BASE, "optimizer.name=adam")
    assert (adam.optimizer.learning_rate, adam.optimizer.momentum) == (0.001, 0.0)
    assert load(BASE, "optimizer.name=rmsprop").optimizer.learning_rate == 0.01
    assert load(adam.to_yaml()) == adam


@pytest.mark.parametrize(
    "overrides, message",
    [
        (["optimizer.alpha=0.5"], "sgd does not use it, only rmsprop"),
        (["optimizer.name=adam", "optimizer.momentum=0.5"], "only sgd and rmsprop"),
        (["optimizer.name=rmsprop", "optimizer.betas=[0.5, 0.5]"], "rmsprop does not use it"),
        (["optimizer.name=adam", "optimizer.nesterov=true"], "adam does not use it, only sgd"),
    ],
)
def test_a_key_that_the_optimizer_does_not_use_is_refused(refusal, overrides, message):
    assert message in refusal(BASE, *overrides)


def test_files_of_their_own_take_the_place_of_the_split(load, refusal):
    config = load(BASE, "corpus.validation=v.txt")
    assert config.corpus.split is None
    assert load(config.to_yaml()) == config
    line = refusal(BASE, "corpus.test=t.txt", "corpus.split=[0.8, 0.1, 0.1]")
    assert line.endswith("found [0.8, 0.1, 0.1] beside test, expected null")
    assert "expected fractions" in refusal(BASE, "corpus.split=null")


@pytest.mark.parametrize("device", ["auto", "cpu", "gpu", "gpu:0", "gpu:12"])
def test_devices(load, device):
    config = load(BASE, f"backend.device={device}")
    assert config.backend.device == device
    assert load(config.to_yaml()) == config


@pytest.mark.parametrize(
    ("found", "nearest"),
    [
        ("cuda", "gpu"),
        ("cuda:0", "gpu:0"),
        ("GPU", "gpu"),
        ("gpu1", "gpu:1"),
        ("0", "gpu:0"),
        ("CPU", "cpu"),
        ('"gpu:2\\n"', "gpu:2"),
        ("-1", None),
        ("tpu", None),
        ("true", None),
    ],
)
def test_a_device_that_is_called_otherwise(refusal, found, nearest):
    line = refusal(BASE, f"backend.device={found}")
    assert "expected 'auto', 'cpu', 'gpu' or, by its number from 0, 'gpu:1'" in line
    assert line.endswith(f"; did you mean {nearest}?") == (nearest is not None)
    assert ("did you mean" in line) == (nearest is not None)
