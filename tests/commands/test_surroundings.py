"""The commands where encodings, names, streams and places are not what they are at home."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHINESE = "海風吹老月\n靜山唱給河聽\n" * 70
SMALL = ("training.steps=4", "evaluation.every=2", "monitor.sample_every=2", "model.num_layers=1")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_text_that_the_terminal_cannot_show(project, encoding):
    """As on Windows, by cron and in many containers."""
    (project.path / "é.txt").write_text(CHINESE, "utf-8")
    (project.path / "é.yaml").write_text(project.config.read_text(), "utf-8")
    project.environment |= {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    given = ("é.yaml", "corpus.path=é.txt", "name=tiny")
    trained = project.python(ROOT / "train.py", *given, *SMALL)
    assert trained.status == 0, trained.stderr
    assert set(trained.stdout) <= set(CHINESE)
    assert r"\xe9.txt" in trained.stderr
    options = ("--steps", "20", "--png", "é.png")
    found = project.python("-m", "trainer", "find-rate", *given, *options)
    assert (found.status, found.stderr) == (0, "picture: \\xe9.png\n")


def test_a_file_name_that_is_no_text(project):
    """The message shows it; the file is read like any other."""
    name = os.fsdecode(b"caf\xe9.txt")
    shutil.copyfile(project.text, project.path / name)
    shown = project.trainer("corpora", "show", name)
    assert (shown.status, shown.stderr) == (0, "")
    assert r"caf\udce9.txt" in shown.stdout
    (project.path / "texts").mkdir()
    shutil.copyfile(project.text, project.path / "texts" / name)
    trained = project.train("tiny.yaml", "corpus.path=texts", "corpus.glob=*.txt", *SMALL)
    assert trained.status == 0, trained.stderr
    assert r"texts/caf\udce9.txt: 700 characters" in trained.stderr
    scored = project.trainer("evaluate", "runs/tiny", "--text", name)
    assert (scored.status, scored.stderr) == (0, "")
    assert scored.stdout.startswith(r"caf\udce9.txt: 699 characters scored")


def test_who_reads_no_further_stops_no_training(project):
    """`train.py ... 2>&1 | head -n 1`."""
    command = f"{sys.executable} {ROOT / 'train.py'} tiny.yaml 2>&1 | head -n 1"
    environment = {**os.environ, **project.environment}
    subprocess.run(command, shell=True, cwd=project.path, env=environment, check=True, timeout=60)
    (end,) = project.rows("tiny", "end")
    assert end["reason"] == "length"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("delay", [0.15, 0.3, 0.45, 0.6])
def test_a_signal_while_a_training_begins(project, number, delay):
    """It ends quietly or is saved, and another start or a resume is the whole run."""
    process = project.start(ROOT / "train.py", "tiny.yaml")
    time.sleep(delay)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode in (0, 130, -number)
    assert b"Traceback" not in stderr
    begun = (project.path / "runs" / "tiny" / "config.yaml").exists()
    again = project.train(*(["--resume", "runs/tiny"] if begun else ["tiny.yaml"]))
    assert again.status == 0, again.stderr
    assert project.rows("tiny", "end")


@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_in_a_notebook(trained, monkeypatch):
    """`%run -m trainer ...`: there are no bytes to be written to, but text."""
    nbclient = pytest.importorskip("nbclient", reason="pip install -e '.[dev]'")
    nbformat = pytest.importorskip("nbformat")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    source = "%run -m trainer generate runs/tiny --prompt 'the ' --length 30"
    cells = [nbformat.v4.new_code_cell(source)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": trained.path}}
    ).execute()
    outputs = cells[0].outputs
    text = "".join(o.text for o in outputs if o.get("name") == "stdout")
    expected = trained.trainer("generate", "runs/tiny", "--prompt", "the ", "--length", "30")
    assert text == expected.stdout
    assert not [output for output in outputs if output.output_type == "error"]


@pytest.mark.slow
def test_kernels_without_a_place_for_their_cache(project):
    """A read-only installation and no home, as in a container: a note, and all commands work."""
    pytest.importorskip("numba", reason="the fused kernels need numba: pip install -e '.[fast]'")
    installed = project.path / "installed"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "trainer", installed / "trainer", ignore=ignored)
    shutil.copyfile(ROOT / "train.py", installed / "train.py")
    (installed / "trainer" / "backend" / "__pycache__").touch()
    project.environment |= {
        "PYTHONPATH": str(installed),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NUMBA_CACHE_DIR": "",
        **dict.fromkeys(("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"), "/dev/null"),
    }
    train, large = installed / "train.py", ("model.hidden_size=128", "training.batch_size=16")
    for words in (
        (train, "tiny.yaml", *SMALL, *large),
        (train, "--resume", "runs/tiny", "training.steps=8"),
        (train, "tiny.yaml", "--dry-run", *large, "name=dry"),
        ("-m", "trainer", "check-gradients", "tiny.yaml", *large),
    ):
        result = project.python(*words)
        assert result.status == 0, result.stderr
        assert "NUMBA_CACHE_DIR" in result.stderr
