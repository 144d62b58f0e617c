from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from trainer.errors import RunFailed, UserError
from trainer.files import make_folder, whole_file


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("below", ["", "cache"])
def test_a_file_in_the_place_of_a_folder(tmp_path: Path, below: str) -> None:
    (tmp_path / "data").write_text("mine")
    with pytest.raises(UserError, match="a file is in its place"):
        make_folder(tmp_path / "data" / below)
    assert (tmp_path / "data").read_text() == "mine"


def test_the_name_appears_when_all_is_written(tmp_path: Path) -> None:
    path = tmp_path / "text"
    with whole_file(path) as file:
        file.write(b"all of it")
        assert not path.exists()
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [
        ("text", b"all of it")
    ]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), whole_file(path) as file:
        file.write(b"half of the n")
        raise KeyboardInterrupt
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("text", b"old")]


@pytest.mark.parametrize(
    ("number", "expected"),
    [(errno.ENOSPC, RunFailed), (errno.EIO, RunFailed), (errno.EACCES, UserError)],
)
def test_errors_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, expected: type[Exception]
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(expected, match="cannot write"), whole_file(tmp_path / "text") as file:
        file.write(b"text")
    assert list(tmp_path.iterdir()) == []
