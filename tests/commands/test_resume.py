from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TRAIN = Path(__file__).parents[2] / "train.py"


ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def whole(trained):
    """What the run gives when nothing comes between."""
    return trained.outcome("tiny")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_saves_and_says_how_to_go_on(project, whole, number):
    result = project.train_and_signal(number, 20, "tiny.yaml")
    assert result.status == 130
    assert result.stdout == ""
    assert result.stderr.endswith(
        "stopped at step 20; everything is saved. "
        "Continue with: python train.py --resume runs/tiny\n"
    )
    assert project.checkpoint("tiny").name == "step-00000020.safetensors"
    assert project.rows("tiny", "end") == []

    assert project.python(TRAIN, "--resume", "runs/tiny").status == 0
    assert project.outcome("tiny") == whole


@pytest.mark.parametrize("last_step", [13, 17, 18])  # within an epoch, at its end, after its start
def test_stopping_between_two_checkpoints(project, whole, last_step):
    assert project.train_and_signal(signal.SIGTERM, last_step, "tiny.yaml").status == 130
    assert project.checkpoint("tiny").name == f"step-000000{last_step}.safetensors"
    assert project.train("--resume", "runs/tiny").status == 0
    assert project.outcome("tiny") == whole


def test_a_kill_loses_what_came_after_the_last_checkpoint_and_no_more(project, whole):
    assert project.train_and_signal(signal.SIGKILL, 29, "tiny.yaml").status == -signal.SIGKILL
    assert project.checkpoint("tiny").name == "step-00000020.safetensors"
    assert project.rows("tiny")[-1]["step"] == 25
    metrics = project.path / "runs/tiny/metrics.jsonl"
    with metrics.open("a") as file:
        file.write('{"kind":"train","st')
    stray = project.path / "runs/tiny/checkpoints/.step-00000030.safetensors.1.tmp"
    stray.write_bytes(b"half a checkpoint")

    assert project.train("--resume", "runs/tiny").status == 0
    assert project.outcome("tiny") == whole
    assert not stray.exists()


def test_a_length_in_epochs_stopped_twice(project):
    epochs = ("tiny.yaml", "training.epochs=2")  # 34 steps
    assert project.train(*epochs, "name=whole").status == 0
    assert project.train_and_signal(signal.SIGINT, 5, *epochs).status == 130
    assert project.train_and_signal(signal.SIGINT, 20, "--resume", "runs/tiny").status == 130
    assert project.train("--resume", "runs/tiny").status == 0
    assert project.rows("tiny")[-1]["epoch"] == 2
    assert project.outcome("tiny") == project.outcome("whole")


def test_compiled_kernels_and_a_batch_in_shards(project):
    """Two threads add up their gradients: always in the same order."""
    pytest.importorskip("numba", reason="the compiled kernels need numba")
    large = ("model.hidden_size=64", "training.batch_size=32", "training.steps=8")
    every = ("monitor.log_every=1", "checkpoint.every=2")
    arguments = ("tiny.yaml", *large, *every, "backend.threads=2")
    assert project.train(*arguments, "name=whole").status == 0
    result = project.train_and_signal(signal.SIGKILL, 5, *arguments)
    assert "compiled kernels, 2 threads, each a shard of the batch" in result.stderr
    assert project.train("--resume", "runs/tiny").status == 0
    assert project.outcome("tiny") == project.outcome("whole")
    facts = project.outcome("tiny")["facts"]
    assert facts["backend"] == {"strategy": "fused", "threads": 2, "parts": 2}


def test_a_kill_before_the_first_checkpoint_starts_again(project, whole):
    assert project.train_and_signal(signal.SIGKILL, 7, "tiny.yaml").status == -signal.SIGKILL
    assert not (project.path / "runs/tiny/checkpoints/latest").exists()
    project.config.unlink()  # the run has its own

    result = project.train("--resume", "runs/tiny")
    assert result.status == 0
    assert "runs/tiny has no checkpoint yet: starting again from its config.yaml" in result.stderr
    assert project.outcome("tiny") == whole


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_from_outside(project, number):
    process = project.start(TRAIN, "tiny.yaml", "training.steps=1000000")
    wait_for(project.path / "runs/tiny/checkpoints/latest")
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"Continue with: python {ROOT}/train.py --resume runs/tiny".encode() in stderr
    assert b"Traceback" not in stderr


def test_kills_at_any_moment(project):
    endless = ("training.steps=1000000", "schedule.name=constant", "checkpoint.every=2")
    arguments = ["tiny.yaml", *endless]
    for seconds in (0.0, 0.013, 0.034):
        process = project.start(TRAIN, *arguments)
        wait_for(project.path / "runs/tiny/checkpoints/latest", newer=True)
        time.sleep(seconds)
        process.kill()
        process.communicate()
        arguments = ["--resume", "runs/tiny"]

    steps = int(project.checkpoint("tiny").stem.removeprefix("step-")) + 3
    assert project.train(*arguments, f"training.steps={steps}").status == 0
    whole = ("name=whole", *endless[1:], f"training.steps={steps}")
    assert project.train("tiny.yaml", *whole).status == 0
    assert project.outcome("tiny") == project.outcome("whole")


SCORING = """\
import os, signal
import trainer.training.loop as loop

score = loop.score

def score_and_signal(reader, text, streams, progress):
    def told(share):
        if share > 0.5 and not told.sent:
            told.sent = True
            os.kill(os.getpid(), signal.SIGINT)
        progress(share)
    told.sent = {first} > len(text.ids)
    return score(reader, text, streams, told)

loop.score = score_and_signal
"""


@pytest.mark.parametrize("streams", [1, 50])
def test_a_signal_while_the_test_text_is_scored(project, streams):
    """All is saved already: the scoring stops, and the resume does it again."""
    given = ("tiny.yaml", "corpus.split=[0.3, 0.1, 0.6]", f"evaluation.streams={streams}")
    assert project.train(*given, "name=whole").status == 0
    result = project.train(*given, first=SCORING.format(first=400))
    assert result.status == 130
    assert "stopping after the next piece of the test text; all is saved" in result.stderr
    assert project.rows("tiny", "test", "end") == []
    assert project.train("--resume", "runs/tiny").status == 0
    assert project.outcome("tiny") == project.outcome("whole")


def test_a_signal_while_a_validation_goes_on_waits_for_it(project):
    given = ("tiny.yaml", "corpus.split=[0.3, 0.6, 0.1]", "evaluation.streams=1")
    assert project.train(*given, "name=whole").status == 0
    result = project.train(*given, first=SCORING.format(first=400))
    assert result.status == 130
    assert "stopping after this validation, and saves; Ctrl-C again" in result.stderr
    assert project.rows("tiny", "validation") != []
    assert project.train("--resume", "runs/tiny").status == 0
    assert project.outcome("tiny") == project.outcome("whole")


def test_the_test_text_is_scored_as_far_as_is_asked(project):
    given = ("tiny.yaml", "corpus.split=[0.3, 0.1, 0.6]", "evaluation.test_characters=100")
    result = project.train(*given)
    assert "test text: " in result.stderr
    assert "(first 100 of 419)" in result.stderr


def test_a_plateau_goes_on_where_it_was(project, refused):
    given = ("schedule.name=plateau", "schedule.patience=0", "schedule.factor=0.5")
    given = ("tiny.yaml", *given, "schedule.threshold=0.5", "evaluation.every=4", "name=half")
    assert project.train(*given, "name=whole", "monitor.log_every=1").status == 0
    rates = [row["learning_rate"] for row in project.rows("whole", "train")]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.1 < rates[0]
    result = project.train_and_signal(15, 18, *given, "monitor.log_every=1")
    assert "the validation has stalled: learning rate 0.5" in result.stderr
    assert project.train("--resume", "runs/half").status == 0
    assert project.outcome("half") == project.outcome("whole")
    words = "schedule.name=plateau needs a validation text"
    refused(project.train(*given, "name=none", "corpus.split=[1, 0, 0]"), words)


def test_a_finished_run_says_so_and_nothing_is_written(trained):
    before = trained.files()
    result = trained.train("--resume", "runs/tiny")
    assert result.status == 0
    assert result.stdout == ""
    assert result.stderr == (
        "runs/tiny is finished (step 40); to go on, raise its limit: "
        "python train.py --resume runs/tiny training.steps=80\n"
    )
    assert trained.files() == before


def test_a_run_that_lost_its_patience_is_told_how_to_go_on(project):
    flat = ("optimizer.learning_rate=1e-30", "evaluation.patience=1")
    assert project.train("tiny.yaml", *flat).status == 0
    assert project.rows("tiny")[-1]["step"] == 20
    result = project.train("--resume", "runs/tiny")
    assert result.status == 0
    assert "--resume runs/tiny evaluation.patience=2" in result.stderr

    assert project.train("--resume", "runs/tiny", "evaluation.patience=2").status == 0
    assert project.rows("tiny")[-1]["step"] == 30


def test_a_longer_run_goes_on_and_a_constant_rate_makes_it_the_same(project):
    constant = ("tiny.yaml", "schedule.name=constant")
    assert project.train(*constant, "training.steps=20").status == 0
    assert len(project.rows("tiny", "test", "end")) == 2
    result = project.train("--resume", "runs/tiny", "training.steps=40")
    assert result.status == 0
    assert project.train(*constant, "name=whole").status == 0
    assert project.outcome("tiny") == project.outcome("whole")
    assert "steps: 40" in (project.path / "runs/tiny/config.yaml").read_text()


def test_a_run_killed_at_its_end_is_ended_by_a_resume(trained, project):
    shutil.copytree(trained.path / "runs", project.path / "runs")
    metrics = project.path / "runs/tiny/metrics.jsonl"
    lines = metrics.read_text().splitlines(keepends=True)
    metrics.write_text("".join(lines[:-2]))  # without the rows of the test and the end
    assert project.train("--resume", "runs/tiny").status == 0
    assert project.outcome("tiny") == trained.outcome("tiny")


def test_a_run_without_its_rows_can_go_on(trained, project):
    shutil.copytree(trained.path / "runs", project.path / "runs")
    (project.path / "runs/tiny/metrics.jsonl").unlink()
    assert project.train("--resume", "runs/tiny", "training.steps=50").status == 0
    assert [row["step"] for row in project.rows("tiny", "train")] == [45, 50]


def wait_for(pointer, newer=False):
    """Wait until a pointer exists, or, where it does already, until it moves on."""
    before = pointer.read_text() if newer and pointer.exists() else ""
    for _ in range(30_000):
        if pointer.exists() and pointer.read_text() != before:
            return
        time.sleep(0.001)
    raise TimeoutError(pointer)


@pytest.mark.parametrize("content", [None, b""])
def test_a_lost_pointer_costs_no_checkpoint(project, content):
    assert project.train("tiny.yaml", "training.steps=20").status == 0
    folder = project.path / "runs" / "tiny" / "checkpoints"
    for pointer in ("latest", "best"):
        (folder / pointer).unlink()
        if content is not None:
            (folder / pointer).write_bytes(content)
    result = project.train("--resume", "runs/tiny", "training.steps=25")
    assert result.status == 0, result.stderr
    assert "goes on after step 20" in result.stderr
    assert (folder / "step-00000020.safetensors").exists()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_stop_no_training(project, closed):
    command = f"{sys.executable} {TRAIN} tiny.yaml {closed}"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=project.path,
        env={**os.environ, **project.environment},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    assert project.rows("tiny", "end")
