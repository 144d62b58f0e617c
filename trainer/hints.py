"""Hints that a person can paste: the nearest name, and commands as this installation is called."""

from __future__ import annotations

import difflib
import os
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

_SCRIPT = "trainer"
"""The command that an installation brings along."""
_DISTRIBUTION = "lstm-trainer"


def did_you_mean(word: str, known: Iterable[object], cutoff: float = 0.6) -> str:
    """Return the question for the known name that is most like a word; "" if none is like it."""
    names = {str(name): None for name in known}
    folded = {name.lower(): name for name in names}
    close = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=cutoff)
    return f"did you mean {folded[close[0]]}?" if close else ""


def likeness(first: str, second: str) -> float:
    """Return how alike two names are, from 0 to 1, whatever their case."""
    return difflib.SequenceMatcher(None, first.lower(), second.lower()).ratio()


def command(*words: object) -> str:
    """Return a command line of this program, quoted for the shell.

    The installed script comes first: `python -m trainer` would find a person's own trainer.py.
    """
    return shlex.join([*_program(), *map(str, words)])


def train_command(*words: object) -> str:
    """Return a command line that trains: by `train.py`, if that is how this process was begun."""
    if Path(sys.argv[0]).name == "train.py":
        return shlex.join([*_python(), sys.argv[0], *map(str, words)])
    return command("train", *words)


def tool_command(name: str, *words: object) -> str:
    """Return a command line of another program that was installed with this one."""
    beside = Path(sys.executable).with_name(name)
    found = shutil.which(name)
    here = beside.is_file() and (found is None or Path(found).absolute() != beside)
    return shlex.join([_shown(beside) if here else name, *map(str, words)])


def install_command(requirement: str) -> str:
    """Return the command that installs something into this Python; quoted for the shell.

    Args:
        requirement: as pip takes it; "[cuda13]" is an extra of this program's.
    """
    if requirement.startswith("["):
        from importlib.metadata import PackageNotFoundError, distribution  # slow, and rarely needed

        try:
            distribution(_DISTRIBUTION)
            requirement = _DISTRIBUTION + requirement
        except PackageNotFoundError:  # run from its source
            return shlex.join([*_python(), "-m", "pip", "install", "-e", f".{requirement}"])
    return shlex.join([*_python(), "-m", "pip", "install", requirement])


def example_config() -> str:
    """Return the name of a configuration to show in an example: an installation has none."""
    shakespeare = Path("configs/shakespeare.yaml")
    return str(shakespeare) if shakespeare.is_file() else "mine.yaml"


def _program() -> list[str]:
    """Return the words that call this program."""
    called = Path(sys.argv[0])
    beside = Path(sys.executable).with_name(_SCRIPT + called.suffix * (called.suffix == ".exe"))
    for script in (called, beside):
        if script.stem == _SCRIPT and script.is_file():
            found = shutil.which(_SCRIPT)
            same = found is not None and Path(found).absolute() == script.absolute()
            return [_SCRIPT if same else _shown(script)]
    return [*_python(), "-m", "trainer"]


def _python() -> list[str]:
    """Return the word that calls this Python."""
    here = Path(sys.executable)
    for name in ("python", "python3"):
        found = shutil.which(name)
        if found is not None and Path(found).absolute().parent == here.parent:
            return [name]
    return [_shown(here)]


def _shown(path: Path) -> str:
    """Return a path as short as it can be called."""
    path = path.absolute()
    if not path.is_relative_to(Path.cwd()):
        return str(path)
    near = path.relative_to(Path.cwd())
    # A bare name would be looked for on PATH alone.
    return f"{os.curdir}{os.sep}{near}" if len(near.parts) == 1 else str(near)
