from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from trainer.config import Config, config_from_mapping, json_schema, load_config
from trainer.errors import UserError

CONFIGS = Path(__file__).parent.parent / "configs"
BASE = "corpus:\n  path: a.txt\ntraining:\n  steps: 5\n"  # the least a configuration needs: 4 lines


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, so that messages begin with a short file name."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(text: str | bytes, *overrides: str, file: str = "x.yaml") -> Config:
    content = text.encode() if isinstance(text, str) else text
    Path(file).write_bytes(content)
    return load_config(Path(file), overrides)


def refusal(text: str | bytes, *overrides: str, file: str = "x.yaml") -> str:
    with pytest.raises(UserError) as caught:
        load(text, *overrides, file=file)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_missing_and_empty_sections_have_their_defaults() -> None:
    config = load(BASE + "model:\nschedule: {}\n")
    assert config == load(BASE)
    assert config.model.hidden_size == 128
    assert config.corpus.split == (0.9, 0.05, 0.05)
    assert config.optimizer.clip_norm == 1.0


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load(BASE).model.hidden_size = 3


def test_the_name_is_the_files_unless_given() -> None:
    assert load(BASE, file="my.run-2.yaml").name == "my.run-2"
    assert load(BASE + "name: other\n").name == "other"
    assert load(BASE + "name: other\n", "name=third").name == "third"
    rule = "expected letters, digits, '.', '_' and '-', not starting with '.' or '-'"
    assert refusal(BASE + "name: a/b\n") == f"x.yaml:5: name: found 'a/b', {rule}"
    assert refusal(BASE, "name=-x") == f"command line: name=-x: found '-x', {rule}"
    assert refusal(BASE, 'name="a\\n"') == f"command line: name=\"a\\n\": found 'a\\n', {rule}"
    assert refusal(BASE, file="my run.yaml") == (
        f"my run.yaml: name (by default the file's own): found 'my run', {rule}"
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("hidden_size: '128'", "found '128' (text), expected a whole number of at least 1"),
        ("hidden_size: true", "found true, expected a whole number of at least 1"),
        ("hidden_size: 64.0", "found 64.0, expected a whole number of at least 1"),
        ("hidden_size: 0", "found 0, expected a whole number of at least 1"),
        ("hidden_size: [1, 2]", "found [1, 2], expected a whole number of at least 1"),
        ("hidden_size: {a: 1}", 'found {"a": 1}, expected a whole number of at least 1'),
        ("hidden_size:", "found nothing, expected a whole number of at least 1"),
        ("embedding_size: -1", "found -1, expected a whole number of at least 1"),
        ("forget_bias: true", "found true, expected a number"),
        ("forget_bias: 1e999", "found Infinity, expected a finite number"),
        ("forget_bias: nan", "found 'nan' (text), expected a number"),
        ("forget_bias: .nan", "found '.nan' (text), expected a number"),
        ("forget_bias: -.inf", "found '-.inf' (text), expected a number"),
        ("dropout: 1", "found 1, expected a number of at least 0 and less than 1"),
        ("bias: 1", "found 1, expected true or false"),
        ("bias: yes", "found 'yes' (text), expected true or false"),
    ],
)
def test_wrong_types_and_impossible_values(line: str, problem: str) -> None:
    key = line.split(":")[0]
    assert refusal(BASE + f"model:\n  {line}\n") == f"x.yaml:6: model.{key}: {problem}"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("training.seed=-1", "a whole number of at least 0"),
        ("training.minutes=0", "a number greater than 0"),
        ("optimizer.name='adagrad'", "'sgd' or 'rmsprop' or 'adam'"),
        ("optimizer.learning_rate=0", "a number greater than 0"),
        ("optimizer.momentum=1", "a number of at least 0 and less than 1"),
        ("optimizer.weight_decay=-1", "a number of at least 0"),
        ("optimizer.clip_norm=0", "a number greater than 0"),
        ("schedule.name='steps'", "'constant' or 'linear' or 'cosine' or 'exponential' or 'step'"),
        ("schedule.warmup=1", "a number of at least 0 and less than 1"),
        ("schedule.end_factor=2", "a number of at least 0 and at most 1"),
        ("schedule.gamma=0", "a number greater than 0 and at most 1"),
        ("schedule.after=-1", "a whole number of at least 0"),
        ("evaluation.patience=0", "a whole number of at least 1"),
        ("generation.temperature=-1", "a number of at least 0"),
        ("generation.top_p=0", "a number greater than 0 and at most 1"),
        ("checkpoint.keep_last=0", "a whole number of at least 1"),
        ("backend.dtype='float16'", "'float32' or 'float64'"),
        ("corpus.path=''", "text that is not empty or a list of at least one"),
        (
            "corpus.path=1984",
            "text that is not empty or a list of at least one; put it in quotes to make it text",
        ),
        (
            "optimizer.betas=[0.9, 1]",
            "a list of 2 items, each a number of at least 0 and less than 1",
        ),
        ("corpus.unit='word'", "'character' or 'byte'"),
    ],
)
def test_every_rule_is_said_in_words(override: str, expected: str) -> None:
    value = override.split("=")[1]
    message = f"command line: {override}: found {value}, expected {expected}"
    assert refusal(BASE, override) == message


def test_split() -> None:
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


def test_the_text_is_given_in_exactly_one_way() -> None:
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


def test_the_length_is_given_in_exactly_one_way() -> None:
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


def test_checks_between_keys_point_to_a_key() -> None:
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


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("model:\n  hidden_sise: 3", "6: model.hidden_sise: {}model.hidden_size?"),
        ("modle:\n  hidden_size: 3", "5: modle: {}model?"),
        ("learning_rate: 1", "5: learning_rate: {}optimizer.learning_rate?"),
        ("model:\n  learning_rate: 1", "6: model.learning_rate: {}optimizer.learning_rate?"),
        ("model:\n  every: 1", "6: model.every: {}evaluation.every or checkpoint.every?"),
        ("model:\n  rnn_size: 1", "6: model.rnn_size: {}model.hidden_size?"),
        ("<<: {name: b}", "5: <<: unknown key; there are name, corpus, model, training,"),
        ("backend:\n  zzz: 1", "6: backend.zzz: unknown key; backend has device, dtype, threads"),
        ("model.bias: true", "5: model.bias: unknown key; write bias: indented below model:"),
    ],
)
def test_unknown_keys_name_the_nearest(text: str, problem: str) -> None:
    expected = "x.yaml:" + problem.format("unknown key; did you mean ")
    assert refusal(BASE + text + "\n").startswith(expected)


def test_unknown_keys_on_the_command_line() -> None:
    assert refusal(BASE, "modle.hidden_sise=3") == (
        "command line: modle.hidden_sise=3: unknown key; did you mean model.hidden_size?"
    )
    assert refusal(BASE, "=3").startswith("command line: =3: expected section.key=value")
    assert "model has hidden_size" in refusal(BASE, "model.=3")
    assert "unknown key" in refusal(BASE, "model.bias.x=3")


def test_malformed_overrides() -> None:
    example = "expected section.key=value, such as training.steps=1000"
    assert refusal(BASE, "training.steps") == f"command line: training.steps: {example}"
    assert refusal(BASE, "model=3") == (
        "command line: model=3: model is a section, set one of its keys, such as model.hidden_size"
    )
    assert refusal(BASE, "training.steps=ten") == (
        "command line: training.steps=ten: "
        "found 'ten' (text), expected a whole number of at least 1"
    )
    assert refusal(BASE, "corpus.path=a #1.txt") == (
        "command line: corpus.path=a #1.txt: '#' begins a comment here, put the value in quotes"
    )
    assert "command line: training.steps=[1: not valid YAML: " in refusal(BASE, "training.steps=[1")
    assert refusal(BASE, "generation.prompt=a:\nb").startswith("command line: ")


def test_overrides_follow_the_rules_of_yaml() -> None:
    config = load(
        BASE,
        "optimizer.learning_rate=1e-3",
        "optimizer.clip_norm=",
        'generation.prompt="a = b\\n"',
        "model.bias=false",
        "training.steps=6",
        "training.steps=7",  # the last holds
    )
    assert config.optimizer.learning_rate == 0.001
    assert config.optimizer.clip_norm is None
    assert config.generation.prompt == "a = b\n"
    assert not config.model.bias
    assert config.training.steps == 7


def test_an_override_does_not_hide_a_broken_section() -> None:
    assert refusal(BASE + "model: 3\n", "model.bias=true") == (
        "x.yaml:5: model: found 3, expected a section with keys such as hidden_size"
    )


def test_several_errors_are_counted() -> None:
    text = BASE + "  seed: x\nmodel:\n  bias: 3\n  dropout: 2\n  zzz: 1\n"
    assert refusal(text) == "x.yaml:7: model.bias: found 3, expected true or false (and 3 more)"


@pytest.mark.parametrize(
    ("number", "value"),
    [("1e-3", 0.001), ("1E5", 1e5), (".5", 0.5), ("1.", 1.0), ("+1.5e+1", 15.0), ("2", 2.0)],
)
def test_numbers_as_yaml_1_2_writes_them(number: str, value: float) -> None:
    rate = load(BASE + f"optimizer:\n  learning_rate: {number}\n").optimizer.learning_rate
    assert (rate, type(rate)) == (value, float)
    assert load(BASE, f"optimizer.learning_rate={number}").optimizer.learning_rate == value


@pytest.mark.parametrize("text", ["yes", "on", "No", "2024-01-01", "12:30:45", "1_000", "010"])
def test_text_that_yaml_1_1_reads_as_something_else(text: str) -> None:
    assert load(BASE + f"generation:\n  prompt: {text}\n").generation.prompt == text
    assert f"found '{text}' (text), expected a whole" in refusal(BASE, f"training.steps={text}")


def test_whole_numbers_fit_into_64_bits() -> None:
    assert load(BASE, "training.seed=" + "9" * 18).training.seed == 10**18 - 1
    assert "(text), expected a whole number" in refusal(BASE, "training.seed=" + "9" * 19)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "x.yaml: empty, expected sections such as corpus: and training:"),
        ("# only this\n", "x.yaml: empty, expected sections such as corpus: and training:"),
        ("- 1\n", "x.yaml: found a list, expected sections such as corpus: and training:"),
        (
            "hello\n",
            "x.yaml: found a single value, expected sections such as corpus: and training:",
        ),
        ("a: b: c\n", "x.yaml:1:5: not valid YAML: mapping values are not allowed here"),
        ("a:\n\tb: 1\n", "x.yaml:2:1: not valid YAML: while scanning for the next token, found"),
        (
            "a: 'x\nb: 2\n",
            "x.yaml:3:1: not valid YAML: while scanning a quoted scalar from line 1, found",
        ),
        ("a: 1\nb: \x07\n", "x.yaml:2: not valid YAML: special characters are not allowed"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2:1: not valid YAML: expected a single document"),
        ("? [a]\n: 1\n", "x.yaml:1: found a list or mapping as a key, expected a word"),
        ("a: !!float b\n", "x.yaml:1: cannot read 'b' as float"),
        ("a: !!set {b}\n", "x.yaml:1: the tag tag:yaml.org,2002:set is not known here"),
        ('a: "\\ud800"\n', "x.yaml:1: cannot read '\\ud800' as str"),
        ("a: &a [*a]\n", "x.yaml:1: nested too deeply"),
        ("[" * 1000, "x.yaml:1: nested too deeply"),
        (b"name: a\nb: \xff\n", "x.yaml:2: not UTF-8 text; save the file as UTF-8"),
        (BASE + "name: a\nname: b\n", "x.yaml:6: name: given twice, first on line 5"),
        (BASE + "  steps: 6\n", "x.yaml:5: training.steps: given twice, first on line 4"),
    ],
)
def test_files_that_are_no_configuration(text: str | bytes, problem: str) -> None:
    assert refusal(text).startswith(problem)


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    assert load(b"\xef\xbb\xbf" + BASE.replace("\n", "\r\n").encode()) == load(BASE)


def test_files_that_cannot_be_read(folder: Path) -> None:
    Path("configs").mkdir()
    Path("configs/shakespeare.yaml").write_text(BASE)
    nearest = "no such file; did you mean configs/shakespeare.yaml?"
    for name in ("configs/shakespear.yaml", "shakespeare.yaml", "configs/shakespeare"):
        with pytest.raises(UserError, match=re.escape(f"{name}: {nearest}")):
            load_config(Path(name))
    with pytest.raises(UserError, match=r"^nowhere/zzz.yaml: no such file$"):
        load_config(Path("nowhere/zzz.yaml"))
    with pytest.raises(UserError, match=r"^configs: is a folder, expected a YAML file"):
        load_config(Path("configs"))
    with pytest.raises(UserError, match=r"cannot be read: Not a directory$"):
        load_config(Path("configs/shakespeare.yaml/x"))


def test_a_stored_configuration_is_checked_without_lines() -> None:
    config = load(BASE)
    stored = json.loads(json.dumps(config.model_dump(mode="json")))
    assert config_from_mapping(stored, "run.safetensors") == config
    del stored["name"]
    stored["model"]["bias"] = 1
    with pytest.raises(UserError) as caught:
        config_from_mapping(stored, "run.safetensors")
    assert str(caught.value).startswith("run.safetensors: name: found nothing, expected letters")
    assert str(caught.value).endswith("(and 1 more)")
    assert "name" not in stored  # the caller's mapping is left alone


def test_a_written_configuration_reads_back_equal() -> None:
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
            "corpus": {"path": generator.choice(texts) or "a"},
            "training": {"minutes": generator.uniform(0, 1) * 10 ** generator.randrange(-300, 300)},
            "optimizer": {"learning_rate": generator.choice([1e-05, 1e22, 5e-324, 0.1, 1e16, 3])},
            "generation": {"prompt": generator.choice([*texts, random_text, random_text])},
        }
        config = config_from_mapping(data, "test")
        assert load(config.to_yaml()) == config


def test_the_written_form_is_easy_to_read() -> None:
    written = load(BASE, 'generation.prompt="é\\n"').to_yaml()
    assert written.startswith("name: x\ncorpus:\n  path: a.txt\n  name: null\n")
    assert "  split: [0.9, 0.05, 0.05]\n" in written
    assert '  prompt: "é\\n"\n' in written


def test_the_committed_json_schema_is_the_exported_one() -> None:
    committed = json.loads((CONFIGS / "schema.json").read_text(encoding="utf-8"))
    assert committed == json_schema(), (
        "write it anew: python -m trainer schema > configs/schema.json"
    )


def test_the_json_schema_describes_every_key_in_one_line() -> None:
    schema = json.loads(json.dumps(json_schema()))
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["title"]
    for section in schema["$defs"].values():
        assert section["additionalProperties"] is False
        for name, key in section["properties"].items():
            assert 10 < len(key["description"]) < 100, name
            assert "\n" not in key["description"], name
            assert "default" in key, name


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_configurations(path: Path) -> None:
    assert load_config(path).name == path.stem
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")
    assert f"python train.py configs/{path.name}\n" in text


def test_defaults_follow_the_optimizer() -> None:
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
def test_a_key_that_the_optimizer_does_not_use_is_refused(
    overrides: list[str], message: str
) -> None:
    assert message in refusal(BASE, *overrides)


def test_files_of_their_own_take_the_place_of_the_split() -> None:
    config = load(BASE, "corpus.validation=v.txt")
    assert config.corpus.split is None
    assert load(config.to_yaml()) == config
    line = refusal(BASE, "corpus.test=t.txt", "corpus.split=[0.8, 0.1, 0.1]")
    assert line.endswith("found [0.8, 0.1, 0.1] beside test, expected null")
    assert "expected fractions" in refusal(BASE, "corpus.split=null")


def test_a_wrong_value_is_told_alone_though_defaults_depend_on_it() -> None:
    assert "more)" not in refusal(BASE, "optimizer.name=adagrad")
