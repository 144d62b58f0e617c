from __future__ import annotations

import hashlib
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from trainer.errors import UserError
from trainer.text import reading
from trainer.text.survey import START, survey


@pytest.mark.parametrize("piece", [1, 2, 7, reading.PIECE])
@pytest.mark.parametrize(
    "text",
    [
        "one line",
        "\n",
        "\n\n\r\n",
        "\r\n",
        "a\r\nbb\r\nccc",
        "a\rb\r\r\nc\n\r",
        "\ufeffé\n日本語\r\n🙂 e\N{COMBINING ACUTE ACCENT}\n",
        "".join(random.Random(1).choices("ab\r\nß🙂", k=300)),
    ],
)
def test_against_counting_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, piece: int
) -> None:
    monkeypatch.setattr(reading, "PIECE", piece)  # so that everything is cut everywhere
    path = tmp_path / "text"
    path.write_bytes(text.encode())
    found = survey(path)
    counts = {chr(point): int(found.counts[point]) for point in np.flatnonzero(found.counts)}
    assert counts == Counter(text)
    assert found.characters == len(text)
    assert found.size == len(text.encode())
    assert found.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert found.crlf == text.count("\r\n")
    assert found.ended == text.endswith("\n")
    lines = text.split("\n")
    lines = [line.removesuffix("\r") for line in lines[:-1]] + [lines[-1]] * (not found.ended)
    assert found.lines == len(lines)
    longest = max(lines, key=len)
    assert (found.longest, found.longest_line) == (len(longest), lines.index(longest) + 1)
    assert found.start == text


def test_only_the_beginning_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PIECE", 300)
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 2 * START)))
    (tmp_path / "text").write_bytes(text.encode())
    assert survey(tmp_path / "text").start == text[:START]


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "is empty"), (b"a\0b", "NUL at byte 1"), (b"a\xff", "not UTF-8")]
)
def test_what_is_no_text(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "text").write_bytes(content)
    with pytest.raises(UserError, match=reason):
        survey(tmp_path / "text")
