"""Texts of every kind, from the command line to the checkpoint."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parent.parent.parent
CLOCK = {"seconds", "characters_per_second"}


def losses(project, run):
    return [{k: v for k, v in row.items() if k not in CLOCK} for row in project.rows(run)]


def test_bytes_of_an_ascii_text_learn_the_same_bits_as_its_characters(project):
    for unit in ("character", "byte"):
        result = project.train("tiny.yaml", f"name={unit}", f"corpus.unit={unit}")
        assert result.status == 0, result.stderr
        assert f" {unit}s, 20 distinct" in result.stderr
    assert losses(project, "byte") == losses(project, "character")
    one, other = (load_file(project.checkpoint(unit)) for unit in ("character", "byte"))
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)
    samples = [project.path / "runs" / unit / "samples" for unit in ("character", "byte")]
    texts = [[path.read_bytes() for path in sorted(folder.iterdir())] for folder in samples]
    assert texts[0] == texts[1]


def test_files_learn_the_same_bits_as_the_text_that_they_make_up(project):
    whole = project.text.read_bytes()
    (project.path / "texts" / "more").mkdir(parents=True)
    (project.path / "texts" / "a.txt").write_bytes(whole[:200] + b"\n")
    (project.path / "texts" / "more" / "b.txt").write_bytes(whole[200:])
    project.text.write_bytes(whole[:200] + b"\n" + whole[200:])
    project.train("tiny.yaml", "name=whole")
    project.train("tiny.yaml", "name=folder", "corpus.path=texts")
    project.train("tiny.yaml", "name=list", "corpus.path=[texts/a.txt, texts/more]")
    expected = losses(project, "whole")
    assert losses(project, "folder") == expected
    # Where the files end does not matter here: the run may go on with the whole in one.
    resumed = project.train("--resume", "runs/folder", "training.steps=41", "corpus.path=text.txt")
    assert resumed.status == 0, resumed.stderr
    assert losses(project, "list") == expected


def test_standard_input_is_kept_and_can_be_resumed(project):
    def pipe(*arguments, text):
        command = [sys.executable, str(ROOT / "train.py"), *arguments]
        environment = {**project.environment, "PATH": "/usr/bin:/bin"}
        return subprocess.run(
            command, cwd=project.path, env=environment, input=text, capture_output=True, check=False
        )

    whole = project.text.read_bytes()
    project.train("tiny.yaml", "name=file")
    done = pipe("tiny.yaml", "name=pipe", "corpus.path=-", "training.steps=20", text=whole)
    assert done.returncode == 0, done.stderr
    (kept,) = (project.path / "runs/pipe/text").glob("stdin-*.txt")
    assert kept.read_bytes() == whole
    project.text.unlink()
    shutil.rmtree(project.path / "cache")  # which may be removed at any time
    (project.path / "runs/pipe").rename(project.path / "runs/moved")
    assert project.train("--resume", "runs/moved", "training.steps=22").status == 0
    (project.path / "runs/moved").rename(project.path / "runs/pipe")
    assert project.trainer("evaluate", "runs/pipe").status == 0
    assert project.train("--resume", "runs/pipe", "training.steps=25").status == 0

    empty = pipe("tiny.yaml", "name=none", "corpus.path=-", text=b"")
    assert (empty.returncode, empty.stdout) == (2, b"")
    assert empty.stderr == b"error: standard input is empty: pipe a text into it\n"
    assert not (project.path / "runs" / "none").exists()


def test_files_of_their_own_are_validated_and_tested(project):
    (project.path / "v.txt").write_text(project.text.read_text()[:100])
    (project.path / "t.txt").write_text(project.text.read_text()[100:180])
    result = project.train(
        "tiny.yaml", "corpus.validation=v.txt", "corpus.test=t.txt", "corpus.split=null"
    )
    assert result.status == 0, result.stderr
    for split, count in {"train": 700, "validation": 100, "test": 80}.items():
        scored = project.trainer("evaluate", "runs/tiny", "--split", split)
        assert f"{count - 1} characters scored" in scored.stdout


@pytest.mark.parametrize(
    ("options", "otherwise"),
    [
        (
            ["corpus.path=[a.txt, b.txt]", "corpus.validation=c.txt", "corpus.split=null"],
            ["corpus.path=a.txt", "corpus.validation=[b.txt, c.txt]"],
        ),
        (
            ["corpus.path=[a.txt, b.txt, c.txt]", "corpus.document=file"],
            ["corpus.path=[ab.txt, c.txt]"],
        ),
    ],
)
def test_the_same_text_divided_otherwise_is_refused_on_resume(project, refused, options, otherwise):
    lines = project.text.read_text().splitlines(keepends=True)
    for name, first, last in (("a", 0, 10), ("b", 10, 15), ("c", 15, 99), ("ab", 0, 15)):
        (project.path / f"{name}.txt").write_text("".join(lines[first:last]))
    assert project.train("tiny.yaml", "training.steps=10", *options).status == 0
    resumed = project.train("--resume", "runs/tiny", "training.steps=20", *otherwise)
    refused(resumed, "divided otherwise into files, or files for training")
    assert project.train("--resume", "runs/tiny", "training.steps=20").status == 0


@pytest.mark.parametrize("document", ["line", "file"])
def test_documents_train_resume_and_evaluate_alike(project, document):
    options = ["tiny.yaml", f"corpus.document={document}", "corpus.path=[text.txt, more.txt]"]
    (project.path / "more.txt").write_text(project.text.read_text()[:300])
    options.append("generation.length=300")  # some lines
    whole = project.train(*options, "name=whole")
    assert whole.status == 0
    assert project.trainer("generate", "runs/whole").stdout == whole.stdout
    assert project.train(*options, "name=cut", "training.steps=20").status == 0
    assert project.train("tiny.yaml", options[2], "name=other").status == 0
    assert losses(project, "whole") != losses(project, "other")

    project.train_and_signal(2, 20, *options, "name=parts")
    assert project.train("--resume", "runs/parts").status == 0
    assert project.outcome("parts") == project.outcome("whole")

    (best,) = (row["loss"] for row in project.rows("whole", "end"))
    scored = project.trainer("evaluate", "runs/whole", "--split", "validation", "--json")
    assert scored.status == 0
    assert f'"nats_per_character": {best:.3f}'[:-2] in scored.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["corpus.path=nothing"], ["no such file: nothing"]),
        (["corpus.path=[text.txt, nothing.txt]"], ["no such file: nothing.txt"]),
        (["corpus.path=empty"], ["empty: no file with text in it matches '**/*.txt'"]),
        (["corpus.path=[text.txt, binary.txt]"], ["binary.txt is not a text: NUL at byte 1"]),
        (["corpus.path=[text.txt, latin.txt]"], ["latin.txt is not UTF-8: byte 1 is 0xE9"]),
        (["corpus.validation=nothing", "corpus.split=null"], ["no such file: nothing"]),
        (["corpus.document=line", "corpus.path=one.txt"], ["corpus.document", "no line end"]),
        (["corpus.unit=byte", "corpus.path=latin.txt"], ["latin.txt is not UTF-8"]),
    ],
)
def test_wrong_texts_are_refused(project, refused, options, words):
    (project.path / "empty").mkdir()
    (project.path / "binary.txt").write_bytes(b"a\0b")
    (project.path / "latin.txt").write_bytes(b"a\xe9 b")
    (project.path / "one.txt").write_text("all in one line " * 50)
    refused(project.train("tiny.yaml", *options), *words)
    assert not (project.path / "runs").exists()
