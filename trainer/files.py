"""Folders and files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from trainer.errors import RunFailed, UserError


def make_folder(path: Path) -> None:
    """Make a folder and those above it; one that exists is fine.

    Raises:
        UserError: a file is in its place, or the permission is missing.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(f"cannot make the folder {path}: a file is in its place") from error
    except OSError as error:
        raise UserError(f"cannot make the folder {path}: {error.strerror}") from error


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Say in one line why `path` could not be written.

    Raises:
        UserError: the permission is missing.
        RunFailed: the disk is full, or fails.
    """
    try:
        yield
    except PermissionError as error:
        raise UserError(f"cannot write {path}: permission denied") from error
    except OSError as error:
        raise RunFailed(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that gets its name only when all of it is on the disk.

    Until then it has a temporary name in the same folder, which is removed if anything fails.
    Raises what `disk_errors` does.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with disk_errors(path):
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            _flush_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _flush_folder(path: Path) -> None:
    """Put the folder's own entries on the disk, so that a new name survives a power cut."""
    if os.name == "posix":  # elsewhere a folder cannot be opened
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
