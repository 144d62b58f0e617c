from __future__ import annotations

import shlex
import sys

import pytest

from trainer import hints


@pytest.fixture
def called(tmp_path, monkeypatch):
    """A function that has this process called by a script in a folder, in an empty folder."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    def call(folder, script, *, on_path):
        folder = tmp_path / folder
        folder.mkdir(exist_ok=True, parents=True)
        for name in ("python", *([script] if script else [])):
            (folder / name).touch(0o755)
        monkeypatch.setattr(sys, "executable", str(folder / "python"))
        monkeypatch.setattr(sys, "argv", [str(folder / (script or "__main__.py"))])
        monkeypatch.setenv("PATH", str(folder) if on_path else str(tmp_path / "none"))
        return folder

    return call


def test_the_script_where_the_shell_finds_it(called):
    called("bin", "trainer", on_path=True)
    assert hints.command("generate", "a b") == "trainer generate 'a b'"
    assert hints.train_command("x.yaml") == "trainer train x.yaml"


def test_the_script_beside_python_otherwise(called):
    folder = called("my bin", "trainer", on_path=False)
    assert shlex.split(hints.command("schema")) == [str(folder / "trainer"), "schema"]
    called("work/.venv/bin", "trainer", on_path=False)
    assert hints.command("schema") == ".venv/bin/trainer schema"


def test_a_script_in_the_working_directory_is_not_looked_for_on_the_path(called):
    called("work", "trainer", on_path=False)
    assert hints.command("schema") == "./trainer schema"


def test_the_module_where_there_is_no_script(called):
    called("bin", None, on_path=True)
    assert hints.command("schema") == "python -m trainer schema"


def test_train_py(called):
    folder = called("bin", "train.py", on_path=True)
    assert hints.train_command("x.yaml") == f"python {folder}/train.py x.yaml"


def test_what_installs_is_quoted_for_the_shell():
    for asked in ("[cuda13]", "cupy-cuda12x[ctk]"):
        *words, requirement = shlex.split(hints.install_command(asked))
        assert words[1:4] == ["-m", "pip", "install"]
        assert requirement.endswith(asked)


def test_the_nearest_name():
    assert hints.did_you_mean("GENERAT", ["generate", "train"]) == "did you mean generate?"
    assert hints.did_you_mean("zzz", ["generate"]) == ""
