"""The encodings of texts that Python knows."""

from __future__ import annotations

import codecs
from encodings.aliases import aliases

from trainer.hints import did_you_mean

_NO_TEXTS = {"charmap", "idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
"""What Python counts as encodings of text, but no file is written in."""


def encoding_name(name: str) -> str:
    """Return the one name of an encoding: latin-1 and L1 are both iso8859-1.

    Raises:
        ValueError: there is none of that name; the message has the nearest.
    """
    if _is_known(name):
        return codecs.lookup(name).name
    names = {*aliases, *aliases.values(), "utf-8-sig"}
    hint = did_you_mean(name.replace("-", "_"), [known for known in names if _is_known(known)])
    expected = "an encoding of texts, such as utf-8, cp1252 or utf-16"
    raise ValueError(f"found {name!r}, expected {expected}{hint and '; '}{hint}")


def _is_known(name: str) -> bool:
    try:
        "".encode(name)  # refuses what gives no text, such as base64
        return codecs.lookup(name).name.replace("_", "-") not in _NO_TEXTS
    except (LookupError, ValueError):  # UnicodeError is a ValueError
        return False
