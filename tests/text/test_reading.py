from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from trainer.errors import RunFailed, UserError
from trainer.text import reading
from trainer.text.reading import check_text_file, code_points, sha256_of

TEXT = "a plain start\r\n春眠不覺曉 é😀é and a plain end\n"


def read(path: Path) -> str:
    return "".join(map(chr, np.concatenate(list(code_points(path, "Reading")))))


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 64, 1 << 20])
def test_pieces_may_cut_a_character(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(reading, "PIECE", piece)
    path = tmp_path / "text"
    path.write_bytes(TEXT.encode())
    assert read(path) == TEXT


def test_line_ends_and_byte_order_mark_are_characters(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"\xef\xbb\xbfa\r\nb\rc\n")
    assert read(path) == "\ufeffa\r\nb\rc\n"


@pytest.mark.parametrize("piece", [3, 7, 1 << 20])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("12345é".encode() + b"\xe9t", "byte 7 is 0xE9"),  # Latin-1 after UTF-8
        (b"12345" + b"\xe6\x98", "byte 5 is 0xE6"),  # the end is amid a character
        (b"12345\xed\xa0\x80", "byte 5 is 0xED"),  # an encoded surrogate
        ("éé678".encode() + b"\0text", "NUL at byte 7"),
    ],
)
def test_bytes_that_are_no_text_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int, content: bytes, message: str
) -> None:
    monkeypatch.setattr(reading, "PIECE", piece)
    path = tmp_path / "text"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"{message}.*corpus.encoding"):
        read(path)


def test_what_is_not_a_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "hamlet.txt").write_text("words")
    os.mkfifo(tmp_path / "pipe")
    check_text_file(tmp_path / "hamlet.txt")
    for name, message in {
        ".": "is a folder",
        "empty.txt": "is empty",
        "pipe": "not a regular file",
        "hamelt.txt": "no such file: .*hamelt.txt .did you mean .*hamlet.txt",
        "nothing-like-it": "no such file: .*nothing-like-it$",
        "no/hamlet.txt": "no such file: .*there is no folder .*no",
        "x" * 300: "cannot read",
    }.items():
        with pytest.raises(UserError, match=message) as caught:
            check_text_file(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "expected"), [(PermissionError(13, "no"), UserError), (OSError(5, "bad"), RunFailed)]
)
def test_errors_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, expected: type[Exception]
) -> None:
    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(expected, match=r"cannot read .*text"):
        sha256_of(tmp_path / "text")


@pytest.mark.parametrize(("long", "shown"), [(20, True), (2000, False)])
def test_a_long_file_has_a_progress_bar(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    long: int,
    shown: bool,
) -> None:
    monkeypatch.setattr(reading, "LONG", long)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    path = tmp_path / "text"
    path.write_bytes(TEXT.encode())
    assert read(path) == TEXT
    output = capsys.readouterr()
    assert ("Reading text" in output.err) == shown
    assert output.out == ""
