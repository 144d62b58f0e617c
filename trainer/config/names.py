"""Names of folders and paths as a person writes them."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path

LONGEST = 200
"""Most characters of a name: file systems take 255, of longer names beside it too."""


def folder_name(text: str) -> str:
    """Return a name for a folder that is as like a text as ASCII allows.

    Texts of which whole letters are lost, as of Chinese ones, keep apart by a part of their hash.
    """
    plain = [c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)]
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", "".join(plain)).strip("-").lstrip(".-")[:LONGEST]
    if any(letter.isalnum() and not letter.isascii() for letter in plain):
        digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        return f"{(name or 'run')[: LONGEST - 9]}-{digest}"
    return name or "run"


def expand_home(path: str) -> str:
    """Return a path whose first `~` or `~user` is that user's home folder.

    A shell leaves `section.key=~/file` alone, and knows nothing of what a file says.

    Raises ValueError for a user that is not there, and for NUL, which no path can hold.
    """
    if "\0" in path:
        raise ValueError(f"found {path!r}, but no path can hold NUL")
    try:
        return str(Path(path).expanduser()) if path.startswith("~") else path
    except RuntimeError:
        user = path.partition("/")[0]
        raise ValueError(
            f"found {path!r}, but {user} is nobody's home folder; "
            f"if something is called so, write {'./' + path!r}"
        ) from None
