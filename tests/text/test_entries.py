from __future__ import annotations

from pathlib import Path

import pytest

from trainer.text.entries import Entry, read_own_catalogue

SHA256 = "Ab" * 32


def test_no_catalogue_and_an_empty_one(tmp_path: Path) -> None:
    assert read_own_catalogue(tmp_path / "catalogue.yaml", []) == ({}, {})
    (tmp_path / "catalogue.yaml").write_text("# nothing yet\n")
    assert read_own_catalogue(tmp_path / "catalogue.yaml", []) == ({}, {})


def test_all_that_can_be_said_of_a_text(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text(
        f"""
diary:
  title: Öffentliches Tagebuch
  path: texts/diary.txt
wiki-8:
  title: The first bytes
  licence: CC BY-SA
  source: the prize
  size: 100 MB
  url: https://example.org:8080/wiki.ZIP?version=2
  member: wiki/8
  sha256: {SHA256}
""",
        "utf-8",
    )
    assert read_own_catalogue(path, ["shakespeare"])[0] == {
        "diary": Entry(
            name="diary",
            title="Öffentliches Tagebuch",
            source="texts/diary.txt",
            path=Path("texts/diary.txt"),
            place=f"{path}:2",
        ),
        "wiki-8": Entry(
            name="wiki-8",
            title="The first bytes",
            licence="CC BY-SA",
            source="the prize",
            size="100 MB",
            sha256="ab" * 32,
            url="https://example.org:8080/wiki.ZIP?version=2",
            member="wiki/8",
            place=f"{path}:5",
        ),
    }


GOOD = {"title": "My own", "url": "http://example.org/mine.txt", "sha256": SHA256}


def entry(name: str = "mine", **changes: str | None) -> str:
    """Return an entry of three lines, changed; a key that becomes None goes."""
    lines = (f"\n  {key}: {value}" for key, value in {**GOOD, **changes}.items() if value)
    return f"{name}:{''.join(lines)}\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- title: mine", ": found a list, expected names of texts, each with its keys"),
        ("mine: text", ":1: mine: found 'text', expected keys such as title: and path:"),
        ("mine:", ":1: mine: found nothing, expected keys such as title: and path:"),
        (entry() + entry(), ":5: mine: given twice, first on line 1"),
        (entry("my text"), ":1: my text: expected a name of letters, digits, '_' and '-', not"),
        (entry("../up"), ":1: ../up: expected a name"),
        (entry(r'"a\e[31m\nb"'), r":1: 'a\x1b[31m\nb': expected a name"),
        (entry("shakespeare"), ":1: shakespeare: is a text of the trainer's own catalogue"),
        (entry(license="MIT"), ":5: mine.license: unknown key; did you mean licence?"),
        (entry(colour="red"), ":5: mine.colour: unknown key; there are title, licence, source"),
        (entry(size="1000"), ":5: mine.size: found 1000, expected a line of text; put it in"),
        (entry(title="[a]"), ":2: mine.title: found a list, expected a line of text"),
        (entry(title="''"), ":2: mine.title: found nothing, expected a line of text"),
        (entry(title=r'"a\nb"'), r":2: mine.title: found 'a\nb', expected a line of text"),
        (entry(title=None), ":1: mine: has no title:, expected a few words"),
        (entry(url=None), ":1: mine: has neither path: nor url:, expected exactly one"),
        (entry(path="a.txt"), ":1: mine: has both path: and url:, expected exactly one"),
        (entry(sha256=None), ":3: mine.url: goes with sha256:, that of the text, which is"),
        (entry(sha256="ab12"), ":4: mine.sha256: found 'ab12', expected 64 hexadecimal digits"),
        (entry(url="file:///etc/passwd"), ":3: mine.url: found 'file:///etc/passwd', expected an"),
        (entry(url="http://a b/c"), ":3: mine.url: found 'http://a b/c', expected an address"),
        (entry(url="http://a:port/"), ":3: mine.url: found 'http://a:port/', expected an address"),
        (entry(url="https:///c"), ":3: mine.url: found 'https:///c', expected an address"),
        (entry(url="http://a/b.zip"), ":3: mine.url: goes with member:, the file in the archive"),
        ("mine: {title: a, path: b, member: c}", ":1: mine.member: goes with url:"),
        ("mine: {", ":1:8: not valid YAML"),
    ],
)
def test_what_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text(content)
    good, wrong = read_own_catalogue(path, ["shakespeare"])
    (error,) = wrong.values()
    assert good == {}
    assert str(error).startswith(f"{path}{message}")
    assert "\n" not in str(error)


def test_a_wrong_entry_blocks_no_other(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text("a: {title: A, path: a}\nb: {title: B}\nc: {title: C, path: c}\n")
    good, wrong = read_own_catalogue(path, [])
    assert list(good) == ["a", "c"]
    assert list(wrong) == ["b"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    def fault(path: Path) -> str:
        return str(read_own_catalogue(path, [])[1][""])

    assert "cannot be read: Is a directory" in fault(tmp_path)
    (tmp_path / "latin").write_bytes(b"a:\n  title: \xfc\n")
    assert "latin:2: not UTF-8 text" in fault(tmp_path / "latin")
