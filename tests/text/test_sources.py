from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from trainer.errors import UserError
from trainer.text.sources import Sources, check_and_hash, find_files, joined, keep


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two texts, one of them in a folder below, and what is not to be read."""
    for name, content in {
        "b.txt": "second\n",
        "a/one.txt": "first\n",
        "notes.md": "no text\n",
        "empty.txt": "",
        ".hidden/x.txt": "hidden\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def found(folder: Path, places: str | list[str], glob: str = "**/*.txt") -> list[str]:
    files = find_files(places, glob, folder / "cache")
    return [str(path.relative_to(folder)) for path in files]


def test_a_folder_stands_for_its_files_in_order(folder: Path) -> None:
    assert found(folder, str(folder)) == ["a/one.txt", "b.txt"]
    assert found(folder, str(folder), "*.txt") == ["b.txt"]
    assert found(folder, str(folder), "**/*") == ["a/one.txt", "b.txt", "notes.md"]


def test_a_list_keeps_its_order(folder: Path) -> None:
    places = [f"{folder}/notes.md", f"{folder}/a", f"{folder}/notes.md"]
    assert found(folder, places) == ["notes.md", "a/one.txt", "notes.md"]


@pytest.mark.parametrize("glob", ["*.tex", "/etc/*", ""])
def test_a_folder_without_a_match_is_refused(folder: Path, glob: str) -> None:
    with pytest.raises(UserError, match=r"corpus\.glob") as caught:
        find_files(str(folder), glob, folder)
    assert "\n" not in str(caught.value)


def test_a_stream_is_kept_under_the_hash_of_what_it_held(tmp_path: Path) -> None:
    path = keep(io.BytesIO(b"a text\n" * 9), tmp_path)
    name = hashlib.sha256(b"a text\n" * 9).hexdigest()[:16]
    assert path == tmp_path / f"stdin-{name}.txt"
    assert path.read_bytes() == b"a text\n" * 9
    assert keep(io.BytesIO(b"a text\n" * 9), tmp_path) == path
    assert list(tmp_path.iterdir()) == [path]


def test_a_stream_without_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="standard input is empty"):
        keep(io.BytesIO(b""), tmp_path)

    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    with pytest.raises(UserError, match="is the keyboard"):
        keep(Terminal(), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([b"a\n", b"b\n"], [(0, b"a\n"), (1, b"b\n")]),
        ([b"a", b"b", b"c"], [(0, b"a"), (0, b"\n"), (1, b"b"), (1, b"\n"), (2, b"c")]),
        ([b"a"], [(0, b"a")]),
    ],
)
def test_no_word_runs_into_the_next_file(
    texts: list[bytes], expected: list[tuple[int, bytes]]
) -> None:
    contents = {Path(str(k)): text for k, text in enumerate(texts)}
    pieces = joined(Sources([*contents]), lambda path: iter([contents[path], b""]), b"\n")
    assert list(pieces) == expected


def test_what_is_set_aside_is_as_it_was() -> None:
    sources = Sources([Path("a"), Path("b")], [Path("v")], [Path("t")])
    pieces = joined(sources, lambda path: iter([path.name.encode()]), b"\n")
    assert list(pieces) == [(0, b"a"), (0, b"\n"), (1, b"b"), (2, b"v"), (3, b"t")]


def test_the_hash_is_that_of_the_joined_text(folder: Path) -> None:
    (folder / "c.txt").write_bytes(b"open end")
    files = [folder / "c.txt", folder / "b.txt"]
    whole = b"open end\nsecond\n"
    assert check_and_hash(Sources(files)) == (hashlib.sha256(whole).hexdigest(), [9, 7])
    assert check_and_hash(Sources(files[:1]))[0] == hashlib.sha256(b"open end").hexdigest()


def test_the_title_says_how_many() -> None:
    a, b, c = map(Path, "abc")
    assert Sources([a]).title == "a"
    assert Sources([a], [b]).title == "a and 1 more file"
    assert Sources([a], [b], [c]).title == "a and 2 more files"
