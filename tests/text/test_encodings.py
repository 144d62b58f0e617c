"""Texts that are not UTF-8, and files that are no texts."""

from __future__ import annotations

import pytest

from trainer.text.reading import read_text

UMLAUTS = "Die Äpfel, süß und größer.\n" * 30
CHINESE = "紅樓夢第一回\n甄士隱夢幻識通靈\n" * 40


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (UMLAUTS, "cp1252"),
        (UMLAUTS, "latin-1"),
        (UMLAUTS, "utf-16"),
        (UMLAUTS, "utf-8-sig"),
        (CHINESE, "gb18030"),
        (CHINESE, "utf-16-be"),
        (CHINESE, "utf-8"),
    ],
)
@pytest.mark.parametrize("unit", ["character", "byte"])
def test_it_is_learnt_as_the_same_text_in_utf_8(project, text, encoding, unit):
    (project.path / "as-it-is.txt").write_bytes(text.encode(encoding))
    (project.path / "utf-8.txt").write_bytes(text.encode())
    assert read_text(project.path / "as-it-is.txt", encoding) == text
    shared = ("tiny.yaml", f"corpus.unit={unit}", "training.steps=10")
    given = ("corpus.path=as-it-is.txt", f"corpus.encoding={encoding}")
    result = project.train(*shared, *given, "name=other")
    assert result.status == 0, result.stderr
    assert project.train(*shared, "corpus.path=utf-8.txt", "name=plain").status == 0
    other, plain = project.outcome("other"), project.outcome("plain")
    assert other["arrays"] == plain["arrays"]
    scored = project.trainer("evaluate", "runs/other", "--text", "as-it-is.txt", "--json").stdout
    assert f'"characters": {len(text) - (unit == "character" or text == UMLAUTS)}' in scored
    again = project.trainer(
        *("evaluate", "runs/other", "corpus.encoding=utf-8", "--text", "utf-8.txt", "--json")
    ).stdout
    assert scored.replace("as-it-is", "utf-8") == again


def test_another_encoding_is_refused_with_how_to_name_it(project, refused):
    project.text.write_bytes(UMLAUTS.encode("cp1252"))
    refused(project.train("tiny.yaml"), "byte 4 is 0xC4", "corpus.encoding=")
    refused(project.train("tiny.yaml", "corpus.encoding=cp1225"), "did you mean cp1")
    refused(project.train("tiny.yaml", "corpus.encoding=base64"), "an encoding of texts")
    project.text.write_bytes(UMLAUTS.encode("utf-16"))
    refused(project.train("tiny.yaml"), "corpus.encoding=utf-16")
    project.text.write_bytes(UMLAUTS.encode("utf-16-le"))
    refused(project.train("tiny.yaml"), "corpus.encoding=utf-16")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\0", "a PDF file"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "a gzip file"),
        (b"MThd\0\0\0\x06\0\x01", "a MIDI file"),
        (b"PK\x03\x04\x14\0\0\0", "a zip archive"),
        (b"\x7fELF\x02\x01\x01\0", "a program"),
        (b"no mark, but\0NUL\0", "NUL at byte 12"),
    ],
)
def test_what_is_no_text_is_called_what_it_is(project, refused, content, word):
    project.text.write_bytes(content * 50)
    result = project.train("tiny.yaml")
    refused(result, word)
    if "NUL" not in word:
        assert "UTF-16" not in result.stderr


def test_all_that_cannot_be_read_is_named_with_a_way_to_leave_it_out(project, refused):
    folder = project.path / "texts"
    folder.mkdir()
    for k in range(8):
        (folder / f"good-{k}.txt").write_text("the sea and old moon sings\n" * 20)
        (folder / f"bad-{k}.txt").write_bytes(b"caf\xe9 \xff")
    given = ("tiny.yaml", "corpus.path=texts")
    refused(project.train(*given), "8 files", "bad-0.txt", "bad-4.txt and 3 more", "corpus.exclude")
    assert project.train(*given, "corpus.exclude=bad-*").status == 0


def test_patterns(project, refused):
    folder = project.path / "t"
    folder.mkdir()
    for name in ("a.py", "b.md", "c.txt"):
        (folder / name).write_text(f"{name}: the sea and the old moon sings\n" * 30)
    words = "corpus.path=t 'corpus.glob=*.txt'"
    refused(project.train("tiny.yaml", "corpus.path=t/*.txt"), words)
    words = """'corpus.glob=["*.py", "*.md"]'"""
    refused(project.train("tiny.yaml", "corpus.path=t/*.{py,md}"), words)
    refused(project.train("tiny.yaml", "corpus.path=t", "corpus.glob=*.{py,md}"), "give a list")
    assert project.train("tiny.yaml", "corpus.path=t", 'corpus.glob=["*.py", "*.md"]').status == 0
    (project.path / "odd*.txt").write_text("the sea and the old moon sings\n" * 30)
    assert project.train("tiny.yaml", "name=odd", "corpus.path=odd*.txt").status == 0


def test_a_byte_order_mark_is_told(project):
    (project.path / "b.txt").write_bytes(b"\xef\xbb\xbf" + project.text.read_bytes())
    given = ("corpus.path=[text.txt, b.txt]", "training.steps=3")
    result = project.train("tiny.yaml", *given)
    assert "note: b.txt: begins with a byte order mark" in result.stderr
    result = project.train("tiny.yaml", *given, "name=again", "corpus.encoding=utf-8-sig")
    assert "byte order mark" not in result.stderr


@pytest.mark.parametrize("unit", ["character", "byte"])
def test_unknown_characters_can_be_left_out_afterwards(project, refused, unit):
    assert project.train("tiny.yaml", f"corpus.unit={unit}", "training.steps=5").status == 0
    prompt = ("generate", "runs/tiny", "--length", "20", "--prompt")
    refused(project.trainer(*prompt, "the é sea"), "corpus.unknown=skip")
    result = project.trainer(*prompt, "the é sea", "corpus.unknown=skip")
    plain = project.trainer(*prompt, "the  sea").stdout
    assert result.stdout.removeprefix("the é sea") == plain.removeprefix("the  sea")
    (project.path / "odd.txt").write_text("the sea, é old moon 🙂\n")
    result = project.trainer("evaluate", "runs/tiny", "corpus.unknown=skip", "--text", "odd.txt")
    assert "3 unknown characters left out" in result.stdout
    refused(project.trainer(*prompt, "the", "corpus.unknown=symbol"), "cannot change any more")


@pytest.mark.parametrize("name", ["validation", "test"])
def test_a_text_that_is_too_short_to_score_is_told(project, name):
    split = "[0.998, 0.002, 0]" if name == "validation" else "[0.998, 0, 0.002]"
    result = project.train("tiny.yaml", f"corpus.split={split}", "training.steps=5")
    assert result.status == 0, result.stderr
    assert f"note: the {name} text has 1 character, too few to be scored" in result.stderr
