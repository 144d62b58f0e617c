from __future__ import annotations

import csv
import io
import json
import math

import pytest

from trainer import terminal
from trainer.commands.score_rows import to_tsv

UNITS = ["character", "byte"]


def evaluate(project, *arguments):
    result = project.trainer("evaluate", *arguments)
    assert result.status == 0, result.stderr
    return result


def json_rows(project, per, *arguments):
    output = evaluate(project, *arguments, "--per", per, "--json").stdout
    return [json.loads(line) for line in output.split("\n")[:-1]]


def tsv_rows(project, per, *arguments):
    """Read the rows as csv does without being told more than the tabs, and most programs do."""
    output = evaluate(project, *arguments, "--per", per).stdout
    rows = list(csv.DictReader(io.StringIO(output, newline=""), delimiter="\t"))
    assert len(rows) == len(output.splitlines()) - 1
    return rows


def number(field):
    return float(field) if field else None


@pytest.mark.parametrize("unit", UNITS)
def test_lines(units, unit, odd_lines):
    asked = (f"runs/{unit}", "--text", "odd.txt")
    rows = json_rows(units, "line", *asked)
    assert [row["text"] for row in rows] == odd_lines
    assert [row["line"] for row in rows] == [1, 2, 3, 4]
    assert [row["characters"] for row in rows] == [len(odd_lines[0]) - 1, *map(len, odd_lines[1:])]
    whole = json.loads(evaluate(units, *asked, "--json").stdout)
    assert sum(row["characters"] for row in rows) == whole["characters"]
    nats = math.fsum(row["nats_per_character"] * row["characters"] for row in rows)
    assert nats / whole["characters"] == pytest.approx(whole["nats_per_character"], rel=1e-12)
    for row in rows:
        assert row["bits_per_character"] == pytest.approx(row["nats_per_character"] / math.log(2))

    table = tsv_rows(units, "line", *asked)
    assert [json.loads(f'"{row["text"]}"') for row in table] == odd_lines
    for row, found in zip(table, rows, strict=True):
        assert list(row) == list(found)
        assert float(row["nats_per_character"]) == pytest.approx(found["nats_per_character"])


@pytest.mark.parametrize("unit", UNITS)
def test_characters(units, unit, odd_lines):
    asked = (f"runs/{unit}", "--text", "odd.txt")
    rows = json_rows(units, "character", *asked)
    assert "".join(row["character"] for row in rows) == "".join(odd_lines)
    assert [row["position"] for row in rows] == list(range(len(rows)))
    places = [(n, k) for n, line in enumerate(odd_lines, 1) for k in range(1, len(line) + 1)]
    assert [(row["line"], row["column"]) for row in rows] == places
    assert rows[0]["nats"] is rows[0]["probability"] is None
    assert all(row["probability"] == pytest.approx(math.exp(-row["nats"])) for row in rows[1:])
    whole = json.loads(evaluate(units, *asked, "--json").stdout)
    mean = math.fsum(row["nats"] for row in rows[1:]) / (len(rows) - 1)
    assert mean == pytest.approx(whole["nats_per_character"], rel=1e-12)

    table = tsv_rows(units, "character", *asked)
    assert "".join(json.loads(f'"{row["character"]}"') for row in table) == "".join(odd_lines)
    for row, found in zip(table, rows, strict=True):
        assert list(row) == list(found)
        assert number(row["nats"]) == pytest.approx(found["nats"])


@pytest.mark.parametrize("per", ["line", "character"])
def test_a_text_of_ascii_has_the_same_rows_in_both_units(units, per):
    by_character, by_byte = (
        evaluate(units, f"runs/{unit}", "--split", "train", "--per", per) for unit in UNITS
    )
    assert by_character.stdout == by_byte.stdout
    assert len(by_character.stdout.splitlines()) > 10


def test_the_total_goes_to_standard_error(trained):
    result = evaluate(trained, "runs/tiny", "--per", "line")
    plain = evaluate(trained, "runs/tiny").stdout.splitlines()
    nats, bits = (line.split()[0] for line in plain[1:3])
    assert result.stderr == f"{plain[0]}; {nats} nats, {bits} bits per character\n"


def test_each_line_a_text_of_its_own(project):
    """The state is reset where a line begins, so what stands before does not matter."""
    given = ("corpus.document=line", "training.steps=20")
    assert project.train("tiny.yaml", *given).status == 0
    lines = ["the sea\n", "an old moon sings\n", "a hill\n"]

    def rows(*order):
        (project.path / "letter.txt").write_text("".join(lines[i] for i in order))
        found = json_rows(project, "line", "runs/tiny", "--text", "letter.txt")
        return {row["text"]: row["nats_per_character"] for row in found[1:]}

    first, second = rows(0, 1, 2), rows(0, 2, 1)
    assert first == pytest.approx(second, rel=1e-6)
    assert len(first) == 2


def test_numbers_that_json_does_not_have(capsysbinary):
    row = {"a": math.nan, "b": [math.inf, {"c": -math.inf, "d": 1.5}], "e": "NaN"}
    terminal.write_json(row)
    written = capsysbinary.readouterr().out
    assert written == b'{"a": null, "b": [null, {"c": null, "d": 1.5}], "e": "NaN"}\n'


def test_small_and_large_numbers():
    row = {"probability": 1e-30, "nats": 69.07755279, "none": None, "inf": math.inf, "n": 12345678}
    assert list(to_tsv(iter([row]))) == [
        "probability\tnats\tnone\tinf\tn",
        "1e-30\t69.0775528\t\tinf\t12345678",
    ]
