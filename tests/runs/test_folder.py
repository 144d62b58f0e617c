from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from trainer.config import config_from_mapping
from trainer.errors import RunFailed, UserError
from trainer.runs.checkpoint import Checkpoint, SavedPlan
from trainer.runs.counters import Counters
from trainer.runs.folder import RunFolder, find_checkpoint, open_run
from trainer.text import Vocabulary


@pytest.fixture
def run(tmp_path):
    run = RunFolder(tmp_path / "runs" / "mine")
    run.create("name: mine\n")
    return run


def save(run, step, best=False):
    checkpoint = Checkpoint(
        run.checkpoint_file(step),
        {"a": np.full(3, step)},
        config_from_mapping(
            {"name": "mine", "corpus": {"path": "t"}, "training": {"steps": 9}}, ""
        ),
        Vocabulary("ab"),
        Counters(step=step),
        SavedPlan("reference", 1, 1),
        "0" * 64,
        "0" * 64,
    )
    run.save(checkpoint, best=best)


def steps(run):
    return sorted(int(path.stem[5:]) for path in run.checkpoints.glob("step-*.safetensors"))


class TestNames:
    def test_making_the_object_touches_nothing(self, tmp_path):
        RunFolder(tmp_path / "runs" / "mine")
        assert list(tmp_path.iterdir()) == []

    def test_the_files(self, run):
        names = (run.config, run.metrics, run.samples, run.checkpoints)
        assert [path.name for path in names] == [
            "config.yaml",
            "metrics.jsonl",
            "samples",
            "checkpoints",
        ]
        assert run.checkpoint_file(123).name == "step-00000123.safetensors"


class TestCreate:
    def test_a_new_folder(self, run):
        assert run.config.read_text() == "name: mine\n"
        assert run.samples.is_dir()
        assert run.checkpoints.is_dir()

    def test_it_takes_the_place_of_an_old_run(self, run):
        save(run, 1)
        run.write_sample(1, "text")
        run.metrics.write_text("{}\n")
        run.create("name: new\n")
        assert {path.name for path in run.path.rglob("*")} == {
            "config.yaml",
            "samples",
            "checkpoints",
        }
        assert run.config.read_text() == "name: new\n"

    def test_it_does_not_remove_what_is_no_run(self, tmp_path):
        (tmp_path / "novel.txt").write_text("my only copy")
        with pytest.raises(UserError, match=r"is not a run \(no config.yaml\)"):
            RunFolder(tmp_path).create("name: mine\n")
        assert (tmp_path / "novel.txt").read_text() == "my only copy"

    def test_a_link_is_removed_and_not_what_it_leads_to(self, run, tmp_path):
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "novel.txt").write_text("my only copy")
        (run.path / "link").symlink_to(tmp_path / "elsewhere")
        run.create("name: new\n")
        assert not (run.path / "link").is_symlink()
        assert (tmp_path / "elsewhere" / "novel.txt").exists()

    def test_a_file_in_its_place(self, tmp_path):
        (tmp_path / "mine").write_text("text")
        with pytest.raises(UserError, match="a file is in its place"):
            RunFolder(tmp_path / "mine").create("name: mine\n")


class TestTaken:
    def test_a_run(self, run):
        with pytest.raises(UserError, match="exists: continue it with trainer train --resume"):
            run.refuse_if_taken()

    def test_a_file(self, tmp_path):
        (tmp_path / "mine").write_text("text")
        with pytest.raises(UserError, match="a file is in the run folder's place"):
            RunFolder(tmp_path / "mine").refuse_if_taken()

    @pytest.mark.parametrize("leftover", [None, ".config.yaml.7.tmp"])
    def test_what_a_killed_start_left_is_free(self, tmp_path, leftover):
        if leftover:
            (tmp_path / leftover).touch()
        run = RunFolder(tmp_path)
        run.refuse_if_taken()
        run.create("name: mine\n")
        with pytest.raises(UserError):
            run.refuse_if_taken()


class TestRetention:
    def test_the_last_ones_are_kept(self, run):
        for step in (5, 10, 15, 20):
            save(run, step)
            run.prune(2, None)
        assert steps(run) == [15, 20]

    def test_the_best_and_multiples_are_kept_too(self, run):
        for step in range(5, 65, 5):
            save(run, step, best=step in (5, 35))
            run.prune(1, 20)
        assert steps(run) == [20, 35, 40, 60]

    def test_order_is_by_number(self, run):
        for step in (99_999_999, 100_000_000):
            save(run, step)
        run.prune(1, None)
        assert steps(run) == [100_000_000]

    def test_what_latest_names_is_never_removed(self, run):
        save(run, 10)
        save(run, 20)
        (run.checkpoints / "latest").write_text("step-00000010.safetensors\n")  # killed before it
        run.prune(1, None)
        assert steps(run) == [10, 20]

    def test_half_written_files_go(self, run):
        save(run, 10)
        stray = run.checkpoints / ".step-00000020.safetensors.99.tmp"
        stray.touch()
        run.prune(3, None)
        assert not stray.exists()
        assert steps(run) == [10]


class TestPointers:
    def test_latest_moves_and_best_where_told(self, run):
        assert run.pointer("latest") is None
        save(run, 10, best=True)
        save(run, 20)
        assert run.pointer("latest") == run.checkpoint_file(20)
        assert run.pointer("best") == run.checkpoint_file(10)
        assert (run.checkpoints / "best").read_text() == "step-00000010.safetensors\n"
        assert run.latest().counters.step == 20

    def test_best_is_found_first_then_latest(self, run):
        with pytest.raises(UserError, match="holds no checkpoint yet"):
            find_checkpoint(run.path)
        assert run.latest() is None
        save(run, 10)
        assert find_checkpoint(run.path).counters.step == 10
        save(run, 20, best=True)
        save(run, 30)
        assert find_checkpoint(run.path).counters.step == 20
        assert find_checkpoint(run.checkpoint_file(30)).counters.step == 30

    def test_nothing_there(self, tmp_path):
        with pytest.raises(UserError, match="no such run folder or checkpoint file"):
            find_checkpoint(tmp_path / "none")

    def test_a_failing_disk_leaves_the_pointers(self, run, monkeypatch):
        save(run, 10, best=True)

        def fail(descriptor):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", fail)
        with pytest.raises(RunFailed, match=r"step-00000020\.safetensors: No space left on device"):
            save(run, 20, best=True)
        assert run.latest().counters.step == 10
        assert run.pointer("best") == run.checkpoint_file(10)
        assert steps(run) == [10]


def test_samples_are_named_by_step_and_hold_any_character(run):
    run.write_sample(7, "ä🙂\n")
    assert (run.samples / "step-00000007.txt").read_text(encoding="utf-8") == "ä🙂\n"


def test_a_run_is_known_by_its_configuration(run, tmp_path, monkeypatch):
    assert open_run(run.path).path == run.path
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"other: no run folder .*; runs here: mine"):
        open_run(tmp_path / "runs" / "other")


def test_a_run_is_trained_by_one_process_at_a_time(project):
    """The lock is held by another process, and goes with it, even when it is killed."""
    assert project.train("tiny.yaml", "training.steps=10").status == 0
    program = (
        "from pathlib import Path; from trainer.runs.folder import RunFolder\n"
        "with RunFolder(Path('runs/tiny')).locked(): print('held', flush=True); input()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=project.path,
        env={**os.environ, **project.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout.readline() == b"held\n"
    before = project.files("runs")
    for command in (["--resume", "runs/tiny", "training.steps=20"], ["tiny.yaml", "--force"]):
        result = project.train(*command)
        assert result.status == 2
        assert "runs/tiny: another process is training this run" in result.stderr
    assert project.files("runs") == before
    assert project.train("--resume", "runs/tiny", "training.steps=20", "--dry-run").status == 0
    holder.kill()
    holder.communicate()
    assert project.train("--resume", "runs/tiny", "training.steps=20").status == 0
