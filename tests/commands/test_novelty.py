from __future__ import annotations

import json
import random

import pytest

TRAIN, VALIDATION = slice(0, 560), slice(560, 630)  # of the 700 characters of the text


@pytest.fixture
def novelty(trained, project):
    """Run the command on the trained model, with the files of the test's own project."""
    model = trained.checkpoint("tiny")
    return lambda *words, first="": project.trainer("novelty", model, *words, first=first)


def report(result):
    assert result.status == 0, result.stderr
    assert result.stderr == ""
    return json.loads(result.stdout)


def noise(text, length):
    """The same characters, in no order."""
    return "".join(random.Random(2).choices(sorted(set(text)), k=length))


def with_passage(text, start, length):
    """300 characters of noise, and after 100 of them a passage that ends where it ends."""
    before = next(c for c in set(text) if c != text[start - 1])
    after = next(c for c in set(text) if c != text[start + length])
    around = noise(text, 300 - length)
    return f"{around[:99]}{before}{text[start : start + length]}{after}{around[101:]}"


def longest_shared(text, training):
    return max(
        end - start
        for start in range(len(text))
        for end in range(start, len(text) + 1)
        if text[start:end] in training
    )


def test_a_planted_passage(novelty, project):
    text = project.text.read_text()
    (project.path / "mine.txt").write_text(with_passage(text, 200, 80))
    found = report(novelty("--text", "mine.txt", "--json"))
    assert found["longest"] == {
        "length": 80,
        "start": 100,
        "training_start": 200,
        "passage": text[200:280],
    }
    assert (found["text"], found["length"]) == ("mine.txt", 300)
    assert (found["training_text"], found["training_length"]) == ("text.txt (train)", 560)
    assert (found["held_out_text"], found["held_out_length"]) == ("text.txt (validation)", 70)
    assert found["held_out_longest"] == longest_shared(text[VALIDATION], text[TRAIN])
    rows = {row["n"]: row for row in found["n_grams"]}
    assert rows[64]["share"] == 17 / 237
    assert rows[64]["covered"] == rows[32]["covered"] == 80 / 300
    assert rows[64]["held_out_share"] == rows[64]["held_out_covered"] == 0
    assert rows[4]["share"] < rows[4]["held_out_share"]
    assert "26.67 %" in found["finding"]
    assert "probably copied" in found["finding"]


def test_for_people(novelty, project):
    (project.path / "mine.txt").write_text(with_passage(project.text.read_text(), 200, 40))
    found = report(novelty("--text", "mine.txt", "--json"))
    lines = novelty("--text", "mine.txt").stdout.splitlines()
    assert lines[:3] == [
        "text:          mine.txt, 300 characters",
        "training text: text.txt (train), 560 characters",
        "held-out text: text.txt (validation), 70 characters",
    ]
    assert "longest passage that stands in the training text: 40 characters" in lines
    assert "  at 100 of the text and 200 of the training text, counted from 0" in lines
    assert f"  {found['longest']['passage']!r}" in lines
    table = {words[0]: words[1:] for line in lines if (words := line.replace(" %", "").split())}
    for row in found["n_grams"]:
        n, *values = row.values()
        assert table[str(n)] == ["-" if v is None else f"{100 * v:.2f}" for v in values]
    assert lines[-1] == found["finding"]


def test_an_excerpt_of_a_long_passage(novelty, project):
    (project.path / "mine.txt").write_text(project.text.read_text()[TRAIN])
    found = report(novelty("--text", "mine.txt", "--json"))
    assert len(found["longest"]["passage"]) == found["longest"]["length"] == 560
    passage = repr(found["longest"]["passage"][:160])
    assert f"  {passage} ...\n" in novelty("--text", "mine.txt").stdout


def test_held_out_text_is_no_copy(novelty, project):
    (project.path / "mine.txt").write_text(project.text.read_text()[VALIDATION])
    found = report(novelty("--text", "mine.txt", "--json"))
    assert "no more than" in found["finding"]
    assert "no sign of copying" in found["finding"]
    for row in found["n_grams"]:
        assert (row["share"], row["covered"]) == (row["held_out_share"], row["held_out_covered"])


def test_it_generates_as_generate_does(project):
    assert project.train("tiny.yaml", "generation.until=e").status == 0
    options = ("--length=300", "--prompt=the moon", "--temperature=0.8", "--seed=5")
    found = report(project.trainer("novelty", "runs/tiny", *options, "--json"))
    assert (found["text"], found["length"]) == ("generated", 300)  # whatever it is until
    config = project.path / "runs/tiny/config.yaml"
    assert "until: e" in config.read_text()
    assert project.train("tiny.yaml", "name=on").status == 0
    written = project.trainer("generate", "runs/on", *options).stdout
    (project.path / "mine.txt").write_text(written[len("the moon") : -1])
    same = report(project.trainer("novelty", "runs/tiny", "--text", "mine.txt", "--json"))
    assert same == {**found, "text": "mine.txt"}


def test_without_held_out_text(project):
    assert project.train("tiny.yaml", "corpus.split=[1,0,0]").status == 0
    (project.path / "mine.txt").write_text(project.text.read_text()[5:10])
    arguments = ("novelty", "runs/tiny", "--text", "mine.txt")
    found = report(project.trainer(*arguments, "--json"))
    assert found["held_out_text"] is None
    assert "too short to tell" in found["finding"]
    (project.path / "mine.txt").write_text(project.text.read_text()[5:60])
    longer = report(project.trainer(*arguments, "--json"))
    assert "no held-out text" in longer["finding"]
    rows = {row["n"]: row for row in found["n_grams"]}
    assert (rows[4]["share"], rows[8]["share"]) == (1, None)  # it has no 8 characters in a row
    lines = project.trainer(*arguments).stdout.splitlines()
    assert not any("held-out" in line for line in lines[:-1])
    assert lines[-3].split() == ["128", "-", "0.00", "%"]


def test_bytes(project):
    text = "«naïve café», ¿qué? 日本語 🙂\n" * 30
    project.text.write_text(text, encoding="utf-8")
    assert project.train("tiny.yaml", "corpus.unit=byte").status == 0
    (project.path / "mine.txt").write_text("🙂«naïve café🙂", encoding="utf-8")
    found = report(project.trainer("novelty", "runs/tiny", "--text", "mine.txt", "--json"))
    assert found["unit"] == "byte"
    passage = "«naïve café"
    assert found["longest"]["passage"] == passage
    assert found["longest"]["length"] == len(passage.encode())
    assert found["longest"]["start"] == 4
    found = report(project.trainer("novelty", "runs/tiny", "--length=300", "--json"))
    assert found["length"] > 300  # of as many characters


class TestRefused:
    def test_a_text_that_has_changed(self, novelty, project, refused):
        project.text.write_text("the moon" * 100)
        refused(novelty(), "the text has changed", "only the text of the training")

    def test_a_text_that_is_gone(self, novelty, project, refused):
        project.text.unlink()
        refused(novelty(), "no such file: text.txt")

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (None, "no such file: mine.txt"),
            ("", "mine.txt is empty"),
            ("the séa", "mine.txt: unknown character 'é' (U+00E9) at position 5"),
        ],
    )
    def test_texts_that_cannot_be_looked_at(self, novelty, project, refused, content, told):
        if content is not None:
            (project.path / "mine.txt").write_text(content, encoding="utf-8")
        refused(novelty("--text", "mine.txt"), told)

    @pytest.mark.parametrize("option", ["--length=0", "--temperature=-1", "--top-p=2"])
    def test_impossible_options(self, novelty, refused, option):
        name, _, value = option.partition("=")
        refused(novelty(option), f"generation.{name[2:].replace('-', '_')}", f"found {value}")

    def test_a_text_and_how_to_write_one(self, novelty, refused):
        refused(novelty("--text", "text.txt", "--top-k", "3"), "--top-k", "--text")


def test_standard_input(novelty, project):
    (project.path / "mine.txt").write_text(with_passage(project.text.read_text(), 200, 80))
    expected = report(novelty("--text", "mine.txt", "--json"))
    first = "import os; os.dup2(os.open('mine.txt', os.O_RDONLY), 0)"
    found = report(novelty("--text", "-", "--json", first=first))
    assert found == {**expected, "text": "standard input"}


def test_characters_that_the_model_does_not_know(novelty, project, refused):
    text = with_passage(project.text.read_text(), 200, 80)
    (project.path / "mine.txt").write_text(text[:50] + "é" + text[50:] + "日\n")
    refused(novelty("--text", "mine.txt"), "mine.txt: unknown character 'é'", "corpus.unknown=skip")
    skipped = report(novelty("corpus.unknown=skip", "--text", "mine.txt", "--json"))
    (project.path / "known.txt").write_text(text + "\n")
    expected = report(novelty("--text", "known.txt", "--json"))
    assert skipped == {**expected, "text": "mine.txt"}
