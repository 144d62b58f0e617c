"""A wheel in an environment of its own, an empty folder, a person's own file: every hint pasted."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("trainer", "pyproject.toml", "README.md", "LICENSE")
NOT_THERE = ("train.py", "configs/", "-e .", "None")
"""What an installation does not have."""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """The folder of an environment's programs, the `trainer` among them."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"  # pip writes beside the sources
    source.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = subprocess.run(
        [*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, source],
        capture_output=True,
        text=True,
    )
    if build.returncode:
        pytest.skip(f"no wheel can be built here: {build.stderr.strip().splitlines()[-1]}")
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    install = [*pip, "--python", python, "install", "--quiet", "--no-deps", wheel]
    subprocess.run(install, check=True)
    # What the wheel depends on is taken from the tests' own environment.
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True)
    Path(site.stdout.strip(), "others.pth").write_text(sysconfig.get_path("purelib"))
    tensorboard = environment / "bin" / "tensorboard"
    tensorboard.write_text(f"#!{python}\nfrom tensorboard.main import run_main\nrun_main()\n")
    tensorboard.chmod(0o755)
    return environment / "bin"


@pytest.fixture
def shell(scripts, tmp_path):
    """Run a line in an empty folder as a person pastes it; return status and all that is shown."""
    home = {"HOME": str(tmp_path / "home"), "LC_ALL": "C.UTF-8", "NUMBA_CACHE_DIR": ""}
    path = os.pathsep.join([str(scripts), "/usr/bin", "/bin"])
    folder = tmp_path / "empty"
    folder.mkdir()

    def run(line, status=0):
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=folder,
            env={**home, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=120,
        )
        assert done.returncode == status, done.stdout
        assert not [word for word in NOT_THERE if word in done.stdout], done.stdout
        return done.stdout

    run.folder, run.environment = folder, {**home, "PATH": path}
    return run


def after(mark, shown):
    """Return what is printed after these words: a command, as it is to be pasted."""
    return re.search(re.escape(mark) + r"\s*(.*)", shown)[1]


def test_every_hint_as_printed(shell):
    (shell.folder / "my.txt").write_text("the sea and the old moon sing to a hill.\n" * 100)
    (shell.folder / "trainer.py").write_text("raise SystemExit('a file of my own')\n")
    first = after("for example:", shell("trainer train", status=2))
    # Three minutes are not for a test: the line goes on as a person's could.
    small = " training.minutes=null training.steps=30 model.hidden_size=8 model.num_layers=1"
    trained = shell(first + small)
    assert "a file of my own" not in trained
    assert "the" in shell(after("write more:", trained) + " --length 300")
    assert "finished at step" in shell(after("train longer:", trained))

    (command,) = [line for line in trained.splitlines() if line.startswith("look inside:")]
    command = f"exec {after('look inside:', command)} --port 0"
    with subprocess.Popen(
        ["/bin/sh", "-c", command],
        cwd=shell.folder,
        env=shell.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as tensorboard:
        assert any("http://" in line for line in tensorboard.stdout)
        tensorboard.send_signal(signal.SIGTERM)

    taken = shell(first.partition("&& ")[2], status=2)
    shell(re.search(r"with (trainer train --resume [^\s,]+)", taken)[1])
    rates = "--steps 20 --from 0.01 --to 10 --png p.png name=rate"
    found = shell(f"trainer find-rate mine.yaml {rates} {small}")
    assert "finished" in shell(after("as the highest rate of a schedule that falls:", found))
    finished = shell("trainer train --resume runs/mine")
    assert "to go on" in finished


def test_help_names_nothing_that_is_not_there(shell):
    commands = re.findall(r"^    ([a-z-]+)\b", shell("trainer --help"), re.MULTILINE)
    assert len(commands) == 9
    for command in commands:
        assert f"trainer {command}" in shell(f"trainer {command} --help")


def test_what_is_missing_is_told_as_it_is_installed(shell):
    (shell.folder / "my.txt").write_text("the sea and the old moon sing to a hill.\n" * 100)
    (shell.folder / "mine.yaml").write_text("corpus: {path: my.txt}\ntraining: {steps: 2}\n")
    refused = shell("trainer train mine.yaml backend.device=gpu", status=2)
    assert len(refused.splitlines()) == 1
    if "pip install" in refused:
        assert "lstm-trainer[cuda" in refused
