from __future__ import annotations

import shlex
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest

from trainer.config import changed
from trainer.errors import UserError

BASE = "corpus:\n  path: a.txt\ntraining:\n  steps: 5\n"  # the least a configuration needs: 4 lines


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
def test_wrong_types_and_impossible_values(refusal, line, problem):
    key = line.split(":")[0]
    assert refusal(BASE + f"model:\n  {line}\n") == f"x.yaml:6: model.{key}: {problem}"


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("generation.seed=-1", "a whole number of at least 0"),
        (
            "training.seed=-1",
            "a whole number of at least 0 and less than 18,446,744,073,709,551,616",
        ),
        ("training.minutes=0", "a number greater than 0"),
        ("optimizer.name='adagrad'", "'sgd' or 'rmsprop' or 'adam'"),
        ("optimizer.learning_rate=0", "a number greater than 0"),
        ("optimizer.momentum=1", "a number of at least 0 and less than 1"),
        ("optimizer.weight_decay=-1", "a number of at least 0"),
        ("optimizer.clip_norm=0", "a number greater than 0"),
        (
            "schedule.name='steps'",
            "'constant' or 'linear' or 'cosine' or 'exponential' or 'step' or 'plateau'",
        ),
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
            "text that is not empty or a list of at least one; "
            "in quotes it is text: 'corpus.path=\"1984\"'",
        ),
        (
            "optimizer.betas=[0.9, 1]",
            "a list of 2 items, each a number of at least 0 and less than 1",
        ),
        ("corpus.unit='word'", "'character' or 'byte'"),
    ],
)
def test_every_rule_is_said_in_words(refusal, override, expected):
    value = override.split("=")[1]
    message = f"command line: {override}: found {value}, expected {expected}"
    assert refusal(BASE, override) == message


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("model:\n  hidden_sise: 3", "6: model.hidden_sise: {}model.hidden_size?"),
        ("modle:\n  hidden_size: 3", "5: modle: {}model?"),
        ("learning_rate: 1", "5: learning_rate: {}optimizer.learning_rate?"),
        ("model:\n  learning_rate: 1", "6: model.learning_rate: {}optimizer.learning_rate?"),
        ("model:\n  every: 1", "6: model.every: {}evaluation.every or checkpoint.every?"),
        ("model:\n  rnn_size: 1", "6: model.rnn_size: {}model.hidden_size?"),
        ("<<: {name: b}", "5: <<: unknown key; there are name, runs, corpus, model, training,"),
        (
            "backend:\n  zzz: 1",
            "6: backend.zzz: unknown key; "
            "backend has device, dtype, allow_tf32, cuda_graph, threads",
        ),
        ("model.bias: true", "5: model.bias: unknown key; write bias: indented below model:"),
    ],
)
def test_unknown_keys_name_the_nearest(refusal, text, problem):
    expected = "x.yaml:" + problem.format("unknown key; did you mean ")
    assert refusal(BASE + text + "\n").startswith(expected)


def test_unknown_keys_on_the_command_line(refusal):
    assert refusal(BASE, "modle.hidden_sise=3") == (
        "command line: modle.hidden_sise=3: unknown key; did you mean model.hidden_size?"
    )
    assert refusal(BASE, "=3").startswith("command line: =3: expected section.key=value")
    assert "model has hidden_size" in refusal(BASE, "model.=3")
    assert "unknown key" in refusal(BASE, "model.bias.x=3")


def test_several_errors_are_counted(refusal):
    text = BASE + "  seed: x\nmodel:\n  bias: 3\n  dropout: 2\n  zzz: 1\n"
    assert refusal(text) == "x.yaml:7: model.bias: found 3, expected true or false (and 3 more)"


def test_a_wrong_value_is_told_alone_though_defaults_depend_on_it(refusal):
    assert "more)" not in refusal(BASE, "optimizer.name=adagrad")


VALUES = ["[a].txt", "{a}.txt", "{a: b", "a: b", "a: b: c", "&a x", "!x y", "!a%0Ab x", "%x", "@x"]
VALUES += ["`x", "> x", "| x", "# x", "a #1", "? x", "- x", '"a" b', "'tis", ": x", ", x", "] x"]
VALUES += [
    "---",
    "--- a",
    "...",
    "\t5",
    "5\t",
    "[",
    "\x07",
    '"\\U99999999"',
    '"\\U00110000"',
    "a:\nb",
]
VALUES += ["[a]", "{a}", "1984", "true", "it's: so", '"\\q"', "a: 'b'", "[" * 1000, "a: &b [*b]"]


@pytest.mark.parametrize("value", VALUES)
def test_what_yaml_does_not_take_for_text_can_be_pasted_in_quotes(load, refusal, value):
    """On the command line; and in a file, a broken value never ends as a bug."""
    message = refusal(BASE, f"generation.prompt={value}")
    assert message.startswith("command line: generation.prompt=")
    pasted = message.rpartition("; in quotes it is text: ")[2]
    (override,) = shlex.split(pasted)
    assert load(BASE, override).generation.prompt == value
    if "\n" not in value:
        with suppress(UserError):
            load(f"{BASE}generation:\n  prompt: {value}\n")


@pytest.mark.parametrize(
    "value",
    ["[a].txt", "{a}.txt", "a: b", "&a x", "!x y", "%x", "@x", "`x", "> x", "| x", '"a" b', "*.md"],
)
def test_what_yaml_does_not_take_for_text_in_a_file(load, refusal, value):
    message = refusal(f"{BASE}generation:\n  prompt: {value}\n  length: 5\n")
    assert message.startswith("x.yaml:6")
    pasted = message.rpartition("; in quotes it is text: ")[2]
    assert load(f"{BASE}generation:\n  {pasted}\n").generation.prompt == value


@pytest.mark.parametrize("key", ['"a\\nb"', '"a\\u2028b"', '"\\r"', '"\\x85"'])
def test_line_ends_in_a_name_leave_the_message_one_line(refusal, key):
    for text in (f"{key}: 1\n", f"model:\n  {key}: 1\n", f"model:\n  {key}: 1\n  {key}: 1\n"):
        assert len(refusal(BASE + text).splitlines()) == 1


@pytest.mark.parametrize(
    "value", [{3}, float("nan"), date(2024, 1, 1), b"a", Path("a"), {(1, 2): 3}, object()]
)
def test_values_that_no_file_can_give(load, value):
    for section, key in (("generation", "top_k"), ("corpus", "path"), ("corpus", "split")):
        with pytest.raises(UserError, match=f"^here: {section}.{key}: found .*, expected"):
            changed(load(BASE), {section: {key: value}}, "here")
