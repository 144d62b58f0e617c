from __future__ import annotations

import json
import math
import shutil

import pytest


def scores(project, *arguments):
    result = project.trainer("evaluate", *arguments, "--json")
    assert result.status == 0, result.stderr
    assert result.stderr == ""
    return json.loads(result.stdout)


def test_numbers_fit_together(trained):
    found = scores(trained, "runs/tiny")
    assert found["characters"] == 69  # the last tenth of 700, but its first character
    assert found["bits_per_character"] == pytest.approx(found["nats_per_character"] / math.log(2))
    assert found["perplexity"] == pytest.approx(math.exp(found["nats_per_character"]))
    assert found["text"] == "text.txt (test)"
    assert found["checkpoint"] == f"runs/tiny/checkpoints/{trained.checkpoint('tiny', 'best').name}"


def test_for_people(trained):
    found = scores(trained, "runs/tiny")
    result = trained.trainer("evaluate", "runs/tiny")
    assert result.stdout.splitlines() == [
        "text.txt (test): 69 characters scored",
        f"{found['nats_per_character']:.4f} nats per character",
        f"{found['bits_per_character']:.4f} bits per character",
        f"{found['perplexity']:.4f} perplexity",
    ]


def test_it_finds_what_the_training_found(trained):
    """The training scores in streams, but so short a text is one stream."""
    (test,) = trained.rows("tiny", "test")
    assert scores(trained, "runs/tiny")["nats_per_character"] == pytest.approx(test["loss"])
    best = min(row["loss"] for row in trained.rows("tiny", "validation"))
    validation = scores(trained, "runs/tiny", "--split", "validation")
    assert validation["nats_per_character"] == pytest.approx(best)
    assert scores(trained, "runs/tiny", "--split", "train")["characters"] == 559


def test_without_a_test_text_the_validation_text_is_scored(project):
    assert project.train("tiny.yaml", "corpus.split=[0.9,0.1,0]").status == 0
    assert scores(project, "runs/tiny")["text"] == "text.txt (validation)"


def test_a_checkpoint_alone_scores_any_text(trained, project):
    shutil.copy(trained.checkpoint("tiny", "best"), project.path / "model.safetensors")
    parts = trained.text.read_text()
    project.text.write_text(parts[630:])
    project.config.unlink()
    found = scores(project, "model.safetensors", "--text", "text.txt")
    expected = scores(trained, "runs/tiny")
    assert found["nats_per_character"] == expected["nats_per_character"]
    assert found["text"] == "text.txt"
    assert not (project.path / "cache").exists()


def test_a_model_that_has_diverged(project):
    fast = ("optimizer.learning_rate=1e6", "optimizer.clip_norm=null", "evaluation.every=1000")
    project.train("tiny.yaml", *fast, "checkpoint.every=1")  # ends at the first row
    found = scores(project, "runs/tiny")
    assert found["nats_per_character"] > 1000
    assert found["perplexity"] is None
    assert "inf perplexity" in project.trainer("evaluate", "runs/tiny").stdout


def test_the_total_is_told_in_bytes_too(trained):
    found = scores(trained, "runs/tiny")
    assert found["bits_per_byte"] == found["bits_per_character"]  # the text is ASCII
    assert not {"bytes", "unknown_characters", "least_expected"} & found.keys()


def test_standard_input(trained):
    (trained.path / "letter.txt").write_text("the moon\nsings")
    first = "import os; os.dup2(os.open('letter.txt', os.O_RDONLY), 0)"
    result = trained.trainer("evaluate", "runs/tiny", "--text", "-", "--json", first=first)
    assert result.status == 0
    expected = scores(trained, "runs/tiny", "--text", "letter.txt")
    assert json.loads(result.stdout) == {**expected, "text": "standard input"}


def test_a_closed_pipe_ends_it_quietly(trained):
    per = ("evaluate", "runs/tiny", "--split", "train", "--per", "character")
    with trained.start("-m", "trainer", *per) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


class TestRefused:
    def test_an_unknown_character(self, trained, project, refused):
        project.text.write_text("the séa")
        result = project.trainer("evaluate", trained.checkpoint("tiny"), "--text", "text.txt")
        refused(result, "text.txt, line 1, column 6: unknown character 'é' (U+00E9) at position 5")

    def test_a_text_of_one_character(self, trained, project, refused):
        project.text.write_text("t")
        result = project.trainer("evaluate", trained.checkpoint("tiny"), "--text", "text.txt")
        refused(result, "text.txt: 1 character; at least 2 are needed")

    def test_an_empty_part(self, project, refused):
        assert project.train("tiny.yaml", "corpus.split=[1,0,0]").status == 0
        refused(project.trainer("evaluate", "runs/tiny"), "text.txt (validation): 0 characters")

    def test_a_text_that_has_changed(self, trained, project, refused):
        project.text.write_text("the moon" * 100)
        result = project.trainer("evaluate", trained.checkpoint("tiny"))
        refused(result, "the text has changed", "score it as another text with --text")

    def test_a_text_that_is_gone(self, trained, project, refused):
        project.text.unlink()
        refused(project.trainer("evaluate", trained.checkpoint("tiny")), "no such file: text.txt")

    @pytest.mark.parametrize("name", ["missing.txt", "runs"])
    def test_a_file_that_is_none(self, trained, refused, name):
        refused(trained.trainer("evaluate", "runs/tiny", "--text", name), name)

    @pytest.mark.parametrize(
        ("first", "told"),
        [
            ("", "standard input is empty"),
            ("import sys; sys.stdin = None", "standard input is closed"),
            ("import os; os.dup2(os.open('.', os.O_RDONLY), 0)", "cannot read standard input"),
            (
                "import os; r, w = os.pipe(); os.write(w, b'sea\\xff'); os.close(w); os.dup2(r, 0)",
                "standard input is not UTF-8: byte 3 is 0xFF",
            ),
        ],
    )
    def test_standard_input_that_is_no_text(self, trained, refused, first, told):
        refused(trained.trainer("evaluate", "runs/tiny", "--text", "-", first=first), told)

    def test_a_negative_number_of_characters(self, trained, refused):
        result = trained.trainer("evaluate", "runs/tiny", "--least-expected", "-1")
        refused(result, "--least-expected: found -1, expected 0 or more")

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            (("--per", "word"), "invalid choice: 'word'"),
            (("--per",), "expected one argument"),
            (("--per", "line", "--least-expected", "3"), "not allowed with argument --per"),
            (("--text", "text.txt", "--split", "test"), "not allowed with argument"),
        ],
    )
    def test_options_that_do_not_go(self, trained, options, told):
        result = trained.trainer("evaluate", "runs/tiny", *options)
        assert result.status == 2
        assert result.stdout == ""
        assert told in result.stderr

    def test_a_part_that_is_none(self, trained):
        result = trained.trainer("evaluate", "runs/tiny", "--split", "exam")
        assert result.status == 2
        assert "invalid choice: 'exam'" in result.stderr
