"""The texts that come with Python itself, and need no network."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from trainer.errors import UserError


def python_docs(otherwise: str) -> Iterator[bytes]:
    """Yield the topics of Python's own help, sorted by name.

    Raises:
        UserError: this Python has none; `otherwise` says what to do instead.
    """
    try:
        from pydoc_data.topics import topics  # half a megabyte: only where it is wanted
    except ImportError as error:
        raise UserError(
            f"this Python comes without pydoc_data, the source of python-docs: {otherwise}"
        ) from error
    for topic in sorted(topics):
        yield f"{topics[topic].strip()}\n\n\n".encode()


def python_stdlib(otherwise: str) -> Iterator[bytes]:
    """Yield the modules at the top of Python's standard library, sorted by name.

    What a distribution adds to the folder (the settings of its build, say) is left out, and so is
    what no text may hold: bytes that are not UTF-8, and NUL.

    Raises:
        UserError: this Python has no sources; `otherwise` says what to do instead.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    paths = [path for path in sorted(folder.glob("*.py")) if path.stem in sys.stdlib_module_names]
    if not paths:
        raise UserError(
            "this Python comes without the sources of its standard library (no .py file in "
            f"{folder}): {otherwise}"
        )
    for path in paths:
        source = path.read_bytes()
        if _is_text(source):
            yield source.strip(b"\n") + b"\n\n\n"


def _is_text(content: bytes) -> bool:
    try:
        return "\0" not in content.decode("utf-8")
    except UnicodeDecodeError:
        return False
