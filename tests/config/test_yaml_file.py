from __future__ import annotations

import re
from pathlib import Path

import pytest

from trainer.config import load_config
from trainer.errors import UserError

BASE = "corpus:\n  path: a.txt\ntraining:\n  steps: 5\n"  # the least a configuration needs: 4 lines


@pytest.mark.parametrize(
    ("number", "value"),
    [("1e-3", 0.001), ("1E5", 1e5), (".5", 0.5), ("1.", 1.0), ("+1.5e+1", 15.0), ("2", 2.0)],
)
def test_numbers_as_yaml_1_2_writes_them(load, number, value):
    rate = load(BASE + f"optimizer:\n  learning_rate: {number}\n").optimizer.learning_rate
    assert (rate, type(rate)) == (value, float)
    assert load(BASE, f"optimizer.learning_rate={number}").optimizer.learning_rate == value


@pytest.mark.parametrize("text", ["yes", "on", "No", "2024-01-01", "12:30:45", "1_000", "010"])
def test_text_that_yaml_1_1_reads_as_something_else(load, refusal, text):
    assert load(BASE + f"generation:\n  prompt: {text}\n").generation.prompt == text
    assert f"found '{text}' (text), expected a whole" in refusal(BASE, f"training.steps={text}")


def test_whole_numbers_fit_into_64_bits(load, refusal):
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
        ("a:\n\tb: 1\n", "x.yaml:2:1: a tab stands here, where YAML takes blanks only"),
        ("a: b\n\tc: 1\n", "x.yaml:2:1: a tab stands here, where YAML takes blanks only"),
        ("a: @b\n", "x.yaml:1:4: not valid YAML: no value can begin with '@'; in quotes it is"),
        ('a: 1\nb: "\\U99999999"\n', "x.yaml:2: not valid YAML: \\U99999999 is no character"),
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
        ("a: &a [*a]\n", "x.yaml:1: anchors (&) and what refers to them (*) are not known here"),
        ("a: 1\nb: *a\n", "x.yaml:2: anchors (&) and what refers to them (*) are not known here"),
        ("[" * 1000, "x.yaml:1: nested too deeply"),
        (b"name: a\nb: \xff\n", "x.yaml:2: not UTF-8 text; save the file as UTF-8"),
        (BASE + "name: a\nname: b\n", "x.yaml:6: name: given twice, first on line 5"),
        (BASE + "  steps: 6\n", "x.yaml:5: training.steps: given twice, first on line 4"),
    ],
)
def test_files_that_are_no_configuration(refusal, text, problem):
    assert refusal(text).startswith(problem)


def test_a_byte_order_mark_and_windows_line_ends_are_fine(load):
    assert load(b"\xef\xbb\xbf" + BASE.replace("\n", "\r\n").encode()) == load(BASE)


def test_files_that_cannot_be_read():
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


def test_a_blank_that_is_missing_after_a_colon(refusal):
    assert refusal("model:\n  bias:1\n").endswith("; is a blank missing after its colon?")
    assert refusal("model:\n  bias:1\n  x: 2\n").endswith("a blank missing after the colon above?")


def test_a_comment_is_not_put_in_quotes(refusal):
    assert refusal("name: @b # c\n").endswith('; in quotes it is text: name: "@b"')
