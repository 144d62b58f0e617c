from __future__ import annotations

import json
import math

import pytest


def scores(project, *arguments):
    result = project.trainer("evaluate", *arguments, "--json")
    assert result.status == 0, result.stderr
    assert result.stderr == ""
    return json.loads(result.stdout)


def lines(project, *arguments):
    result = project.trainer("evaluate", *arguments)
    assert result.status == 0, result.stderr
    return result.stdout.splitlines()


def test_a_model_of_bytes_is_scored_in_both_units(units, odd_lines):
    asked = ("runs/byte", "--text", "odd.txt")
    found, written = scores(units, *asked), "".join(odd_lines)
    assert found["characters"] == len(written) - 1
    assert found["bytes"] == len(written.encode()) - 1
    nats = found["nats_per_character"] * found["characters"]
    assert nats == pytest.approx(found["nats_per_byte"] * found["bytes"])
    assert found["bits_per_byte"] == pytest.approx(found["nats_per_byte"] / math.log(2))
    assert found["perplexity"] == pytest.approx(math.exp(found["nats_per_character"]))
    assert lines(units, *asked, "--least-expected", "0") == [
        f"odd.txt: {found['characters']} characters scored, {found['bytes']} bytes; "
        "14 unknown characters read as the reserved symbol",
        f"{found['nats_per_character']:.4f} nats per character",
        f"{found['bits_per_character']:.4f} bits per character",
        f"{found['perplexity']:.4f} perplexity",
        f"{found['nats_per_byte']:.4f} nats per byte",
        f"{found['bits_per_byte']:.4f} bits per byte",
    ]


def test_a_model_of_characters_can_be_compared_with_one_of_bytes(units, odd_lines):
    found, written = scores(units, "runs/character", "--text", "odd.txt"), "".join(odd_lines)
    bits = found["bits_per_character"] * (len(written) - 1)
    assert found["bits_per_byte"] == pytest.approx(bits / (len(written.encode()) - 1))
    both = [scores(units, f"runs/{unit}") for unit in ("character", "byte")]
    for key in ("characters", "nats_per_character", "bits_per_byte", "perplexity"):
        assert both[0][key] == both[1][key]  # the text is ASCII


def test_unknown_characters_are_counted(units, trained):
    assert scores(units, "runs/character", "--text", "odd.txt")["unknown_characters"] == 14
    assert scores(units, "runs/character")["unknown_characters"] == 0
    assert "unknown_characters" not in scores(trained, "runs/tiny")


def test_the_least_expected_are_those_of_the_rows(units):
    asked = ("runs/byte", "--text", "odd.txt")
    output = units.trainer("evaluate", *asked, "--per", "character", "--json").stdout
    rows = sorted(map(json.loads, output.splitlines()), key=lambda row: -(row["nats"] or 0))
    found = scores(units, *asked, "--least-expected", "7")["least_expected"]
    assert [{key: row[key] for key in rows[0]} for row in found] == rows[:7]


@pytest.mark.parametrize("unit", ["character", "byte"])
def test_the_text_around_a_place(units, unit, odd_lines):
    written = "".join(odd_lines)
    asked = (f"runs/{unit}", "--text", "odd.txt", "--least-expected", "1000")
    found = scores(units, *asked)["least_expected"]
    assert sorted(row["position"] for row in found) == list(range(1, len(written)))
    for row in found:
        place = row["position"]
        around = written[max(0, place - 24) : place], written[place + 1 : place + 13]
        assert (row["before"], row["character"], row["after"]) == (
            around[0],
            written[place],
            around[1],
        )
        assert len(row["expected"]) == 1
        # Of bytes, the probability of all together is that of the least likely one or below.
        assert row["probability"] <= row["expected_probability"] * (1 + 1e-6)


def test_the_table(units):
    asked = ("runs/character", "--text", "odd.txt", "--least-expected", "40")
    output = lines(units, *asked)
    _, heads, *rows = output[output.index("least expected:") :]
    assert heads.split()[:3] == ["line:column", "character", "probability"]
    for row, facts in zip(rows, scores(units, *asked)["least_expected"], strict=True):
        assert row.isprintable()  # no escape reaches the terminal
        place, character = f"{facts['line']}:{facts['column']}", repr(facts["character"])
        assert row.startswith(f"  {place:13}{character}")
        assert f"  {facts['expected']!r}  " in row
        assert f"»{character[1:-1]}«".replace(r"\\", "\\") in row


def test_without_being_asked(trained):
    """Five of a text of one's own; a split is told as briefly as ever, and so is JSON."""
    own = ("runs/tiny", "--text", "text.txt")
    assert len(lines(trained, *own)) == 4 + 3 + 5
    assert lines(trained, *own)[:4] == lines(trained, *own, "--least-expected", "0")
    assert len(lines(trained, "runs/tiny")) == 4
    assert len(lines(trained, "runs/tiny", "--least-expected", "2")) == 4 + 3 + 2
    assert "least_expected" not in scores(trained, *own)
    assert scores(trained, *own, "--least-expected", "0")["least_expected"] == []
