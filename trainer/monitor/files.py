"""How a failing disk is told: one clear line that names the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainer.errors import RunFailed


@contextmanager
def naming_the_file(path: Path) -> Iterator[None]:
    """Turn an OSError of the block into a RunFailed that names `path` and the reason."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise RunFailed(
            f"cannot write {path}: {reason}; once mended, the run can be continued with --resume"
        ) from error
