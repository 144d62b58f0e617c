"""The process is killed before each of its file operations in turn; the run must go on."""

from __future__ import annotations

import shutil
import signal

import pytest

SHORT = ("training.steps=12", "evaluation.every=4", "checkpoint.every=4", "checkpoint.keep_last=1")

# Kills the process before its last_operation-th change to a file or folder.
KILL = """\
import itertools, os, signal, sys

changes = {{"os.mkdir", "os.remove", "os.rename", "os.rmdir"}}
operations = itertools.count(1)

def kill(event, arguments):
    writes = event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)
    if (writes or event in changes) and next(operations) == {last_operation}:
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(kill)
"""

EVERY_OPERATION = pytest.mark.parametrize(
    "operations",
    [
        pytest.param(range(1, 1000, 11), id="some"),
        pytest.param(range(1, 1000), id="all", marks=pytest.mark.slow),
    ],
)


def kill_in_turn(project, operations, prepare, *command):
    """Kill the command before each of these operations; yield each time it has been killed."""
    for last_operation in operations:
        for folder in ("runs", "cache"):
            shutil.rmtree(project.path / folder, ignore_errors=True)
        prepare()
        status = project.train(*command, first=KILL.format(last_operation=last_operation)).status
        if status != -signal.SIGKILL:
            assert last_operation > 15  # something was killed
            assert status == 0
            return
        yield
    raise AssertionError("the command never came to its end")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, trained):
    project = type(trained)(tmp_path_factory.mktemp("whole"), trained.server)
    assert project.train("tiny.yaml", *SHORT).status == 0
    return project.outcome("tiny")


def finish(project, start):
    """Go on as a person would: resume, or, where there is no run yet, start again."""
    result = project.train("--resume", "runs/tiny")
    if result.status == 2:
        assert "no run folder" in result.stderr
        result = project.train(*start)
    assert result.status == 0, result.stderr


@EVERY_OPERATION
def test_a_new_run(project, whole, operations):
    start = ("tiny.yaml", *SHORT)
    for _ in kill_in_turn(project, operations, lambda: None, *start):
        finish(project, start)
        assert project.outcome("tiny") == whole
        assert list((project.path / "runs/tiny/checkpoints").glob(".*")) == []


@EVERY_OPERATION
@pytest.mark.parametrize("last_step", [7, 3], ids=["between checkpoints", "before the first"])
def test_a_resumed_run(project, whole, operations, last_step):
    start, resume = ("tiny.yaml", *SHORT), ("--resume", "runs/tiny")

    def stop():
        result = project.train_and_signal(signal.SIGKILL, last_step, *start)
        assert result.status == -signal.SIGKILL

    for _ in kill_in_turn(project, operations, stop, *resume):
        finish(project, resume)
        assert project.outcome("tiny") == whole


@EVERY_OPERATION
def test_a_run_that_replaces_another(trained, project, whole, operations):
    def copy_another():
        shutil.copytree(trained.path / "runs", project.path / "runs")

    force = ("tiny.yaml", "--force", *SHORT)
    for _ in kill_in_turn(project, operations, copy_another, *force):
        assert project.train(*force).status == 0
        assert project.outcome("tiny") == whole
