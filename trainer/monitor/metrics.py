"""The file metrics.jsonl: one JSON object a line, the same rows with or without a resume."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trainer.errors import UserError
from trainer.files import disk_errors, whole_file

# Rows that say how a run came out: a run that goes on has not come out yet.
_CLOSING_KINDS = ("test", "end")


class MetricsFile:
    """An open metrics.jsonl to which rows are appended.

    A new run (`resume_step` None) finds no rows. A resumed run first cuts what it will write again:
    rows after `resume_step`, rows of kind `test` and `end`, and a torn last line. The cut replaces
    the file at once, so that a crash leaves either the old rows or the kept ones.

    Raises UserError when a new run finds rows, RunFailed when the file cannot be read or written.
    """

    def __init__(self, path: Path, resume_step: int | None = None) -> None:
        self._path = path
        with disk_errors(path):
            if resume_step is not None:
                _cut(path, resume_step)
            elif path.exists() and path.stat().st_size > 0:
                raise UserError(
                    f"{path} already holds the rows of a run; continue that run with --resume "
                    "or choose another name"
                )
            self._file = path.open("ab")

    def write(self, row: Mapping[str, object]) -> None:
        """Append one row, keys in the order given, and hand it to the operating system.

        Raises ValueError on NaN and infinity, which JSON does not have.
        """
        line = json.dumps(row, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        with disk_errors(self._path):
            self._file.write(line.encode() + b"\n")
            # What the system holds survives the death of this process.
            self._file.flush()

    def sync(self) -> None:
        """Put all rows on the disk: a checkpoint must never be newer than its rows."""
        with disk_errors(self._path):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        with disk_errors(self._path):
            self._file.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return all whole rows of a metrics file; a torn line is left out."""
    return [row for _, row in _whole_rows(path.read_bytes())]


def _cut(path: Path, resume_step: int) -> None:
    """Keep the rows up to `resume_step`, byte for byte, and replace the file by them."""
    if not path.exists():
        return
    content = path.read_bytes()
    kept = b"".join(
        line
        for line, row in _whole_rows(content)
        if row["step"] <= resume_step and row["kind"] not in _CLOSING_KINDS
    )
    if kept == content:
        return
    with whole_file(path) as file:
        file.write(kept)


def _whole_rows(content: bytes) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Yield each line that is a row, with its newline, and the row read from it."""
    for line in content.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            continue
        try:
            row = json.loads(line)
        except ValueError:
            # After a power cut a line can be missing its end, or hold zeros.
            continue
        if isinstance(row, dict) and {"kind", "step"} <= row.keys():
            yield line, row
