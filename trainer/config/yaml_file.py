"""Read the YAML file of a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainer.errors import UserError
from trainer.hints import likeness
from trainer.yaml_text import Key, parse_file


def read_yaml(path: Path) -> tuple[dict[str, Any], dict[Key, int]]:
    """Return what the file says and the line of each key.

    Raises UserError for a file that cannot be read or is no YAML mapping.
    """
    try:
        data, lines = parse_file(path)
    except UserError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise UserError(f"{path}: no such file{suggest(path)}") from None
        if isinstance(error.__cause__, IsADirectoryError):
            folder = "is a folder, expected a YAML file (--resume continues a run)"
            raise UserError(f"{path}: {folder}") from None
        raise
    if data is None:
        raise UserError(f"{path}: empty, expected sections such as corpus: and training:")
    if not isinstance(data, dict):
        kind = "a list" if isinstance(data, list) else "a single value"
        raise UserError(f"{path}: found {kind}, expected sections such as corpus: and training:")
    return data, lines


def suggest(path: Path) -> str:
    """Return a hint at the configuration whose name is most like the missing one's."""
    files = [file for folder in (Path("configs"), path.parent) for file in folder.glob("*.yaml")]
    if not files:
        return ""
    nearest = max(files, key=lambda file: likeness(file.stem, path.stem))
    return f"; did you mean {nearest}?" if likeness(nearest.stem, path.stem) >= 0.6 else ""
