"""What a catalogue says of a text, and a person's own catalogue, checked line by line."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from trainer.errors import UserError
from trainer.hints import did_you_mean
from trainer.text.wheels import Package
from trainer.yaml_text import Key, parse_file

KEYS = ("title", "licence", "source", "size", "path", "url", "sha256", "member")
NOT_STATED = "not stated"


@dataclass(frozen=True)
class Entry:
    """What a catalogue says of a text.

    Attributes:
        sha256: of the text, in hexadecimal, where it is the same everywhere.
        path, url, package: where it comes from, at most one of them; none: Python itself.
        member: the file in the .zip archive at `url` that is the text.
        place: the line of a person's own catalogue that names it; none: the trainer's own.
    """

    name: str
    title: str
    licence: str = NOT_STATED
    source: str = NOT_STATED
    size: str = NOT_STATED
    sha256: str | None = None
    path: Path | None = None
    url: str | None = None
    member: str | None = None
    package: Package | None = None
    place: str | None = None


class _Wrong(ValueError):
    """Something in a catalogue that is refused; `key` says at which line."""

    def __init__(self, key: Key, message: str) -> None:
        super().__init__(message)
        self.key = key


def read_own_catalogue(
    path: Path, taken: Collection[str]
) -> tuple[dict[str, Entry], dict[str, UserError]]:
    """Return the entries of a person's own catalogue, and what is wrong with others.

    One that is wrong blocks none but itself; what is wrong with the whole file stands under "".

    Args:
        taken: names that belong to other texts.
    """
    good, wrong = dict[str, Entry](), dict[str, UserError]()
    if not path.exists():
        return good, wrong
    try:
        data, lines = parse_file(path)
        texts = {} if data is None else _mapping(data, (), "names of texts, each with its keys")
    except UserError as error:
        return good, {"": error}
    except _Wrong as error:
        return good, {"": UserError(f"{path}: {error}")}
    for name, fields in texts.items():
        try:
            good[name] = _entry(name, fields, taken, f"{path}:{lines[name,]}")
        except _Wrong as error:
            words = (word if word.isprintable() else repr(word) for word in error.key)
            wrong[name] = UserError(f"{path}:{lines[error.key]}: {'.'.join(words)}: {error}")
    return good, wrong


def _entry(name: str, data: object, taken: Collection[str], place: str) -> Entry:
    """Check the fields of one text."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*", name):
        raise _Wrong(
            (name,), "expected a name of letters, digits, '_' and '-', not starting with '-'"
        )
    if name in taken:
        raise _Wrong((name,), "is a text of the trainer's own catalogue; choose another name")
    fields: dict[str, str] = {}
    for key, value in _mapping(data, (name,), "keys such as title: and path:").items():
        if key not in KEYS:
            hint = did_you_mean(key, KEYS) or f"there are {', '.join(KEYS)}"
            raise _Wrong((name, key), f"unknown key; {hint}")
        if not isinstance(value, str) or value.splitlines() != [value]:
            number = "; put it in quotes" if isinstance(value, (int, float)) else ""
            raise _Wrong((name, key), f"found {_found(value)}, expected a line of text{number}")
        fields[key] = value
    if "title" not in fields:
        raise _Wrong((name,), "has no title:, expected a few words that say what the text is")
    return _with_origin(name, fields, place)


def _with_origin(name: str, fields: dict[str, str], place: str) -> Entry:
    """Check where the text comes from."""
    path, url, member, sha256 = map(fields.get, ("path", "url", "member", "sha256"))
    if (path is None) == (url is None):
        found = "neither path: nor url:" if path is None else "both path: and url:"
        raise _Wrong((name,), f"has {found}, expected exactly one of them")
    if sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise _Wrong((name, "sha256"), f"found {_found(sha256)}, expected 64 hexadecimal digits")
    if path is not None and member is not None:
        raise _Wrong((name, "member"), "goes with url:, the address of a .zip archive")
    if url is not None:
        if not _is_address(url):
            expected = "an address that begins with http:// or https://"
            raise _Wrong((name, "url"), f"found {_found(url)}, expected {expected}")
        if sha256 is None:
            raise _Wrong((name, "url"), "goes with sha256:, that of the text, which is missing")
        if member is None and urlsplit(url).path.lower().endswith(".zip"):
            missing = (
                "goes with member:, the file in the archive that is the text, which is missing"
            )
            raise _Wrong((name, "url"), missing)
    return Entry(
        name=name,
        title=fields["title"],
        licence=fields.get("licence", NOT_STATED),
        source=fields.get("source") or url or str(path),
        size=fields.get("size", NOT_STATED),
        sha256=sha256.lower() if sha256 else None,
        path=Path(path) if path else None,
        url=url,
        member=member,
        place=place,
    )


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number, brackets that do not match
        return False
    return bool(known) and re.fullmatch(r"[!-~]+", url) is not None


def _mapping(value: object, key: Key, expected: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _Wrong(key, f"found {_found(value)}, expected {expected}")
    return value


def _found(value: object) -> str:
    """Show what was found, on one line and not too long."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, (dict, list)):
        return "a list" if isinstance(value, list) else "a mapping of keys"
    words = repr(value) if isinstance(value, str) else str(value).lower()
    return words if len(words) <= 80 else f"{words[:77]}..."
