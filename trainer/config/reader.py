"""Read a configuration: YAML file, then the command line's changes, then the schema."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from trainer.config.messages import explain, unknown_key
from trainer.config.schema import KEYS, SECTIONS, Config
from trainer.config.yaml_text import Key, YamlError, parse, parse_value
from trainer.errors import UserError


class _Places(dict[Key, str]):
    """Where each key was given, in the words that begin a message."""

    def __init__(self, source: object) -> None:
        self.source = source

    def __missing__(self, key: Key) -> str:
        return f"{self.source}: {'.'.join(key)}"


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Return the configuration of a YAML file, changed by overrides such as `training.steps=500`.

    Raises UserError with file, line and key (or the override), what was found and expected.
    """
    data, lines = _read_file(path)
    places = _Places(path)
    places.update({key: f"{path}:{line}: {'.'.join(key)}" for key, line in lines.items()})
    sections = _with_all_sections(data)
    _override(sections, overrides, places)
    if sections.get("name") is None:
        sections["name"] = path.stem
        places["name",] = f"{path}: name (by default the file's own)"
    return _validate(sections, places)


def config_from_mapping(data: Mapping[str, Any], source: str) -> Config:
    """Return the configuration stored in a mapping, such as a checkpoint's; `source` names it.

    Raises UserError as `load_config` does, without lines.
    """
    return _validate(_with_all_sections(data), _Places(source))


def _validate(data: dict[str, Any], places: _Places) -> Config:
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise UserError(explain(error, data, places)) from None


def _with_all_sections(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy in which sections that are missing or empty are there, without keys."""
    complete = {**data, **{name: {} for name in SECTIONS if data.get(name) is None}}
    return {
        key: dict(value) if isinstance(value, dict) else value for key, value in complete.items()
    }


def _override(data: dict[str, Any], overrides: Sequence[str], places: _Places) -> None:
    """Set the keys that the command line gives; of two equal keys the last holds."""
    given = {}
    for override in overrides:
        place = "command line: " + override.replace("\n", "\\n")
        try:
            key, value = _parse_override(override)
        except ValueError as error:
            raise UserError(f"{place}: {error}") from None
        given[key] = value
        places[key] = place
    # What the file gives goes before anything is set: two alternatives here still collide.
    for key, value in given.items():
        alternatives = SECTIONS[key[0]].exactly_one if len(key) == 2 else ()
        if key[-1] in alternatives and value is not None:
            for alternative in alternatives:
                _mapping_of(key, data).pop(alternative, None)
    for key, value in given.items():
        _mapping_of(key, data)[key[-1]] = value


def _mapping_of(key: Key, data: dict[str, Any]) -> dict[str, Any]:
    """Return the mapping that holds the key; where the file has none, one that nobody reads."""
    mapping = data if len(key) == 1 else data[key[0]]
    return mapping if isinstance(mapping, dict) else {}


def _parse_override(override: str) -> tuple[Key, object]:
    """Return the key and the value of `section.key=value`; raise ValueError with what is wrong."""
    name, equals, text = override.partition("=")
    key = tuple(name.split("."))
    if not (name and equals):
        raise ValueError("expected section.key=value, such as training.steps=1000")
    if key not in KEYS:
        raise ValueError(unknown_key(key))
    if name in SECTIONS:
        example = f"{name}.{next(iter(SECTIONS[name].model_fields))}"
        raise ValueError(f"{name} is a section, set one of its keys, such as {example}")
    return key, parse_value(text)


def _read_file(path: Path) -> tuple[dict[str, Any], dict[Key, int]]:
    """Return what the file says and the line of each key."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        data, lines = parse(text)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file{_suggest(path)}") from None
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


def _suggest(path: Path) -> str:
    """Return a hint at the configuration whose name is most like the missing one's."""
    files = {
        file.stem: file
        for folder in (Path("configs"), path.parent)
        for file in folder.glob("*.yaml")
    }
    nearest = difflib.get_close_matches(path.stem, files, n=1)
    return f"; did you mean {files[nearest[0]]}?" if nearest else ""
