"""A configuration file and its base: another file, whose keys hold where its own do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainer.config.layers import Layer, lay_over, make_layer
from trainer.config.messages import Place, found
from trainer.config.names import expand_home
from trainer.config.yaml_file import read_yaml, suggest
from trainer.errors import UserError
from trainer.yaml_text import Key


def read_layer(path: Path) -> Layer:
    """Return what a file gives, laid over what its base gives.

    Raises UserError for either file, and for a base that cannot be one.
    """
    data, lines = read_yaml(path)
    own = _layer(path, data, lines)
    if "base" not in data:
        return own
    place = own.pop(("base",)).place
    base = _find(data["base"], path, place)
    data, lines = read_yaml(base)
    if "base" in data:
        line = lines["base",]
        raise UserError(
            f"{base}:{line}: base: this file is the base of {path}, so it can have none itself"
        )
    inherited = _layer(base, data, lines)
    inherited.pop(("name",), None)  # two runs of one name would be in each other's way
    return lay_over(inherited, own)


def _layer(path: Path, data: dict[str, Any], lines: dict[Key, int]) -> Layer:
    return make_layer(data, lambda key: Place(f"{path}:{lines[key]}", ".".join(key)))


def _find(name: object, path: Path, place: Place) -> Path:
    """Return the path of the base that `path` names at `place`."""
    shown = found(name)
    if not isinstance(name, str) or not name:
        raise UserError(f"{place}: found {shown}, expected the name of a YAML file")
    try:
        name = expand_home(name)
    except ValueError as error:
        raise UserError(f"{place}: {error}") from None
    beside = path.parent / name
    try:
        base = next((file for file in (beside, Path(name)) if file.exists()), None)
        if base is None:
            where = f"beside {path.name} or in the working directory"
            raise UserError(f"{place}: no such file {where}: {shown}{suggest(beside)}")
        if base.is_dir():
            raise UserError(f"{place}: {shown} is a folder, expected a YAML file")
        if base.samefile(path):
            raise UserError(f"{place}: {shown} is this file itself, expected another one")
    except OSError as error:
        raise UserError(f"{place}: {shown} cannot be read: {error.strerror}") from None
    return base
