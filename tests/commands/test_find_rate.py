from __future__ import annotations

import re

import pytest
from PIL import Image


def table_of(result):
    head, *lines = result.stdout.splitlines()
    assert head.startswith("learning rate  loss")
    rows = [re.fullmatch(r" +(\d\.\d\de[+-]\d\d)  (\d+\.\d{4})", line) for line in lines]
    return [(float(row[1]), float(row[2])) for row in rows if row]


def test_a_table_a_picture_and_a_suggestion(project):
    result = project.trainer("find-rate", "tiny.yaml", "--from", "1e-3", "--to", "1e3")
    assert result.status == 0
    assert result.stderr == "picture: find-rate-tiny.png\n"
    table = table_of(result)
    assert len(table) == 24
    rates, losses = zip(*table, strict=True)
    assert rates[0] == 1e-3
    assert list(rates) == sorted(set(rates))
    assert losses[0] == pytest.approx(3, abs=0.1)  # 20 distinct characters

    lowest = re.search(r"^the loss is lowest, (\S+), at (\S+)$", result.stdout, re.MULTILINE)
    assert float(lowest[1]) <= min(losses)
    command = result.stdout.splitlines()[-1]
    rate = re.fullmatch(r"  trainer train tiny.yaml optimizer.learning_rate=(\S+)", command)[1]
    assert float(rate) == pytest.approx(float(lowest[2]) / 10, rel=0.06)  # two digits each
    assert 0.1 < float(rate) < 10

    with Image.open(project.path / "find-rate-tiny.png") as picture:
        assert picture.format == "PNG"
        assert picture.size == (800, 500)
        picture.load()
    assert not (project.path / "runs").exists()


def test_overrides_count_and_are_part_of_the_command(project):
    adam = ("name=other", "optimizer.name=adam", "optimizer.momentum=0")
    options = ("--steps", 40, "--png", "curve.png", "optimizer.learning_rate=5")
    result = project.trainer("find-rate", "tiny.yaml", *adam, *options)
    assert result.status == 0
    command = result.stdout.splitlines()[-1]
    assert re.fullmatch(
        rf"  trainer train tiny.yaml {' '.join(adam)} optimizer.learning_rate=0\.\d+", command
    )
    assert (project.path / "curve.png").exists()
    assert not (project.path / "find-rate-other.png").exists()
    assert project.train(*command.split()[2:], "training.steps=3").status == 0


def test_a_run_that_begins_with_another_is_tested_as_it_begins(project, refused):
    fine = ("name=fine", "training.init_from=runs/tiny", "--steps", 20)
    refused(project.trainer("find-rate", "tiny.yaml", *fine), "training.init_from")
    assert project.train("tiny.yaml").status == 0
    last = project.rows("tiny", "train")[-1]["loss"]
    result = project.trainer("find-rate", "tiny.yaml", *fine)
    assert result.status == 0
    assert table_of(result)[0][1] == pytest.approx(last, abs=0.1)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        ("1e-12", "1e-11", ["no suggestion: the loss never fell; raise --to"]),
        ("1e39", "1e40", ["the loss was no longer finite", "the loss never fell; lower --from"]),
        ("10", "1e6", ["of 30 steps: the loss was far above its lowest"]),
        ("0.1", "1", ["it had not risen again at the end: with a higher --to", "suggestion:"]),
    ],
)
def test_what_a_bad_range_gives_is_told(project, low, high, words):
    options = ("--from", low, "--to", high, "--steps", 30)
    result = project.trainer("find-rate", "tiny.yaml", *options)
    assert result.status == 0
    assert result.stderr == "picture: find-rate-tiny.png\n"
    for word in words:
        assert word in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.yaml"], ["none.yaml: no such file"]),
        (["tiny.yaml", "--from", "1", "--to", "1"], ["--from 1 --to 1", "from < to"]),
        (["tiny.yaml", "--from", "0"], ["--from 0"]),
        (["tiny.yaml", "--from=-1"], ["--from -1"]),
        (["tiny.yaml", "--to", "nan"], ["--to nan"]),
        (["tiny.yaml", "--steps", "19"], ["--steps 19: expected at least 20"]),
        (["tiny.yaml", "--png", "none/a.png"], ["--png none/a.png", "folder"]),
        (["tiny.yaml", "--png", "."], ["--png .", "expected a file"]),
        (["tiny.yaml", "--png", "/dev/null"], ["--png /dev/null", "expected a file"]),
        (["tiny.yaml", "optimizer.rate=1"], ["optimizer.rate"]),
        (["tiny.yaml", "training.batch_size=1000"], ["training.batch_size"]),
    ],
)
def test_bad_input(project, refused, arguments, words):
    refused(project.trainer("find-rate", *arguments), *words)
    assert not list(project.path.glob("*.png"))
