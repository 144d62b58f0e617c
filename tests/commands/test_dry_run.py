"""What --dry-run tells, and that it leaves everything alone."""

from __future__ import annotations

import re

import pytest

SHORT = "import trainer.commands.dry_run as command; command.SECONDS = 0.1"


@pytest.fixture
def dry(project):
    def run(*arguments):
        return project.train(*arguments, "--dry-run", first=SHORT)

    return run


def test_it_tells_what_the_training_will_be(project, dry):
    result = dry("tiny.yaml")
    assert (result.status, result.stderr) == (0, "")
    assert not (project.path / "runs").exists()
    told = result.stdout
    assert "text: text.txt: 700 characters, 20 distinct\n" in told
    assert "to train: 560; an epoch is 17 steps of 4 x 8, the last 15 characters are unused" in told
    assert "to validate: 70; to test: 70\n" in told
    assert "computed with: NumPy, 1 thread; float32\n" in told
    assert re.search(r"^lstm\.0\.W +20 x 32 +640 +2,560$", told, re.MULTILINE)
    assert re.search(r"^output\.b +20 +20 +80$", told, re.MULTILINE)
    assert re.search(r"^total +1,652 +6,608$", told, re.MULTILINE)
    assert re.search(r"^LSTM +0\.\d\d MB$", told, re.MULTILINE)
    assert re.search(r"^total by formula 0\.\d\d MB; measured 0\.\d\d MB, ", told, re.MULTILINE)
    assert re.search(r"^speed: [\d,]+ characters/s, [\d,.]+ steps/s$", told, re.MULTILINE)
    assert "\nsteps: 40, 2.4 epochs\n" in told
    assert re.search(
        r"^time: about \d\.\d s of training, .* with 4 evaluations", told, re.MULTILINE
    )


def test_memory_as_measured_is_memory_by_formula(project, dry):
    project.text.write_text(10 * project.text.read_text())
    options = ("model.hidden_size=64", "training.batch_size=16", "training.sequence_length=30")
    told = dry("tiny.yaml", *options).stdout
    share = re.search(r"([\d.]+) % of the formula", told)
    assert float(share[1]) == pytest.approx(100, abs=4)


def test_a_length_in_minutes_and_the_time_agree(dry):
    told = dry("tiny.yaml", "training.minutes=2", "corpus.split=[1,0,0]").stdout
    steps = int(re.search(r"^steps: about ([\d,]+), ", told, re.MULTILINE)[1].replace(",", ""))
    speed = re.search(r", ([\d,.]+) steps/s", told)[1]
    assert steps / float(speed.replace(",", "")) == pytest.approx(120, rel=0.01)
    assert "time: about 2 min 0 s of training; " in told


def test_a_name_that_exists_is_no_obstacle(trained):
    before = trained.files()
    result = trained.train("tiny.yaml", "--dry-run", first=SHORT)
    assert result.status == 0
    assert result.stderr.startswith("note: runs/tiny exists: ")
    assert trained.files() == before


def test_a_run_to_resume(trained):
    before = trained.files()
    result = trained.train("--resume", "runs/tiny", "training.steps=91", "--dry-run", first=SHORT)
    assert (result.status, result.stderr) == (0, "")
    assert "\nsteps: 51 more after 40, 3.0 epochs\n" in result.stdout
    assert " with 6 evaluations, and " in result.stdout
    assert trained.files() == before


def test_a_run_from_the_parameters_of_another(trained):
    before = trained.files()
    arguments = ("name=fine", "training.init_from=runs/tiny", "--dry-run")
    result = trained.train("tiny.yaml", *arguments, first=SHORT)
    assert result.status == 0
    assert "characters: 20 kept, none new, 0 left behind\n" in result.stderr
    assert trained.files() == before


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ("model.hidden_size=0", "hidden_size"),
        ("corpus.path=none.txt", "none.txt"),
        ("training.batch_size=99", "lower training.batch_size to 69"),
        ("generation.prompt=ß", "prompt"),
        ("training.init_from=none", "training.init_from: none"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_the_same_way(dry, refused, wrong, word):
    refused(dry("tiny.yaml", wrong), word)
