"""Fetch a text from the web, as data: plain, compressed (.gz), or in an archive (.zip)."""

from __future__ import annotations

import difflib
import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, cast
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from trainer.errors import UserError
from trainer.files import disk_errors
from trainer.terminal import progress_bar

TIMEOUT = 30  # seconds without a byte
PIECE = 1 << 16  # bytes
LARGEST = 4 << 30  # bytes of a text: an archive of a few kilobytes can unpack to any size
# What gzip and zipfile raise for an archive that is torn, forged or locked.
BROKEN = (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error)


@contextmanager
def downloaded(address: str, directory: Path, otherwise: str) -> Iterator[Path]:
    """Download a file into a temporary folder in `directory`, which goes when the block ends.

    Raises:
        UserError: the network or the server fails: with `otherwise`, what to do instead.
        RunFailed: the disk is full or fails.
    """
    with disk_errors(directory), TemporaryDirectory(prefix=".fetch-", dir=directory) as folder:
        path = Path(folder) / "download"
        with path.open("wb") as file:
            for piece in _received(address, otherwise):
                file.write(piece)
        yield path


def text_of(download: Path, address: str, member: str | None, otherwise: str) -> Iterator[bytes]:
    """Yield the bytes of the text in what was downloaded, a piece at a time.

    An archive is read, never unpacked: the names in it are not used as paths.

    Raises:
        UserError: the archive is broken or has no such member, or the text is over 4 GiB.
    """
    size = 0
    try:
        with _opened(download, address, member, otherwise) as file:
            while piece := file.read(PIECE):
                size += len(piece)
                if size > LARGEST:
                    raise UserError(
                        f"what {address} gives is over {LARGEST:,} bytes long: fetch it "
                        "by hand, if you trust it, and name it with corpus.path=FILE"
                    )
                yield piece
    except BROKEN as error:
        kind = "a .gz file" if member is None else "a .zip archive"
        raise UserError(
            f"what {address} gave is not {kind} that can be read ({_reason(error)}): {otherwise}"
        ) from error


def _received(address: str, otherwise: str) -> Iterator[bytes]:
    """Yield what a server sends, with a progress bar."""
    request = Request(address, headers={"User-Agent": "lstm-trainer"})
    try:
        with urlopen(request, timeout=TIMEOUT) as response:
            size, received = response.length, 0
            with progress_bar(total=size, unit="B") as bar:
                while piece := response.read(PIECE):
                    yield piece
                    received += len(piece)
                    bar.update(len(piece))
            if size is not None and received < size:
                raise EOFError(f"the connection ended after {received:,} of {size:,} bytes")
    except (OSError, HTTPException, EOFError, ValueError) as error:
        if isinstance(error, HTTPError):
            error.close()
        raise UserError(f"cannot fetch {address} ({_reason(error)}): {otherwise}") from error


@contextmanager
def _opened(download: Path, address: str, member: str | None, otherwise: str) -> Iterator[BinaryIO]:
    """Open the text: the address says how it is packed."""
    if member is not None:
        with zipfile.ZipFile(download) as archive:
            if member not in archive.namelist():
                raise UserError(
                    f"the archive {address} has no member {member!r}"
                    f"{_members(archive, member)}: correct member:, or {otherwise}"
                )
            with archive.open(member) as file:
                yield cast(BinaryIO, file)
    elif urlsplit(address).path.lower().endswith(".gz"):
        with gzip.open(download) as file:
            yield cast(BinaryIO, file)
    else:
        with download.open("rb") as file:
            yield file


def _members(archive: zipfile.ZipFile, wanted: str) -> str:
    """Say which files an archive has, the nearest first."""
    names = [info.filename for info in archive.infolist() if not info.is_dir()]
    nearest = difflib.get_close_matches(wanted, names, n=5, cutoff=0.0)
    more = f" and {len(names) - len(nearest)} more" if len(names) > len(nearest) else ""
    return f"; it has {', '.join(map(repr, nearest))}{more}" if names else "; it is empty"


def _reason(error: BaseException) -> str:
    """Say on one line what went wrong."""
    if isinstance(error, HTTPError):
        return " ".join(f"HTTP status {error.code} {error.reason}".split())
    cause = getattr(error, "reason", error)  # urllib wraps what the socket raised
    if isinstance(cause, TimeoutError):
        return f"no answer for {TIMEOUT} seconds"
    return " ".join(str(getattr(cause, "strerror", None) or cause).split())
