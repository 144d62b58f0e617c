"""Read the YAML file of a configuration."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from trainer.errors import UserError
from trainer.yaml_text import Key, YamlError, parse


def read_yaml(path: Path) -> tuple[dict[str, Any], dict[Key, int]]:
    """Return what the file says and the line of each key.

    Raises UserError for a file that cannot be read or is no YAML mapping.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        data, lines = parse(text)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file{suggest(path)}") from None
    except IsADirectoryError:
        raise UserError(
            f"{path}: is a folder, expected a YAML file (--resume continues a run)"
        ) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}:{line}: not UTF-8 text; save the file as UTF-8") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except YamlError as error:
        raise UserError(f"{path}:{error.place}: {error}") from None
    if data is None:
        raise UserError(f"{path}: empty, expected sections such as corpus: and training:")
    if not isinstance(data, dict):
        kind = "a list" if isinstance(data, list) else "a single value"
        raise UserError(f"{path}: found {kind}, expected sections such as corpus: and training:")
    return data, lines


def suggest(path: Path) -> str:
    """Return a hint at the configuration whose name is most like the missing one's."""
    files = {
        file.stem: file
        for folder in (Path("configs"), path.parent)
        for file in folder.glob("*.yaml")
    }
    nearest = difflib.get_close_matches(path.stem, files, n=1)
    return f"; did you mean {files[nearest[0]]}?" if nearest else ""
