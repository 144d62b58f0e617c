"""Read a configuration: YAML file and its base, the command line's changes, then the schema."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from trainer.config.inheritance import read_layer
from trainer.config.layers import Given, Layer, lay_over, make_layer, nested
from trainer.config.messages import COMMAND_LINE, Place, as_text, explain, unknown_key
from trainer.config.names import folder_name
from trainer.config.resolved import Resolved
from trainer.config.schema import KEYS, SECTIONS, Config
from trainer.errors import UserError
from trainer.terminal import note
from trainer.yaml_text import Key, YamlError, parse_value


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Return the configuration of a YAML file, changed by overrides such as `training.steps=500`.

    Raises UserError with file, line and key (or the override), what was found and expected.
    """
    return resolve_config(path, overrides).config


def resolve_config(path: Path, overrides: Sequence[str] = ()) -> Resolved:
    """Return what `load_config` does, with the origin of each value.

    Raises UserError as `load_config` does.
    """
    layer = lay_over(read_layer(path), _command_line(overrides))
    if ("name",) in layer and layer["name",].value is None:
        del layer["name",]
    origins = {
        key: layer[key].place.origin if key in layer else "default"
        for key in KEYS
        if ".".join(key) not in SECTIONS
    }
    name = folder_name(path.stem)
    layer.setdefault(("name",), Given(name, Place(str(path), "name (by default the file's own)")))
    config = _validate(layer, str(path))
    if origins["name",] == "default" and name != path.stem:
        note(f"the run is called {name}, as no folder should be called {path.stem!r}")
    return Resolved(config, origins)


def config_from_mapping(data: Mapping[str, Any], source: str) -> Config:
    """Return the configuration stored in a mapping, such as a checkpoint's; `source` names it.

    Raises UserError as `load_config` does, without lines.
    """
    return _validate(_layer(data, source), source)


def changed(config: Config, changes: Mapping[str, Mapping[str, Any]], source: str) -> Config:
    """Return a configuration with other values in its sections; itself if they are no others.

    Args:
        changes: section, key and value; of alternatives, the one given here counts.
        source: names what gives them.

    Raises:
        UserError: as `load_config` does, without lines.
    """
    return _with(config, _layer(changes, source), source)


def override(config: Config, overrides: Sequence[str]) -> Config:
    """Return a configuration changed by overrides; itself if they change nothing.

    Raises UserError as `load_config` does.
    """
    return _with(config, _command_line(overrides), COMMAND_LINE)


def _with(config: Config, layer: Layer, source: str) -> Config:
    below = _layer(config.model_dump(mode="json"), source)
    both = lay_over(below, layer)
    return config if nested(both) == nested(below) else _validate(both, source)


def _layer(data: Mapping[str, Any], source: str) -> Layer:
    return make_layer(data, lambda key: Place(source, ".".join(key)))


def _validate(layer: Layer, source: str) -> Config:
    data = nested(layer)
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        places = {key: given.place for key, given in layer.items()}
        raise UserError(explain(error, data, places, source)) from None


def _command_line(overrides: Sequence[str]) -> Layer:
    """Return what overrides give; of two equal keys the last holds."""
    layer: Layer = {}
    for override in overrides:
        place = Place(COMMAND_LINE, override)
        try:
            key, value = _parse_override(override)
        except YamlError as error:
            in_quotes = f"in quotes it is text: {as_text(override)}"
            raise UserError(f"{place}: {error}; {in_quotes}") from None
        except ValueError as error:
            raise UserError(f"{place}: {error}") from None
        layer[key] = Given(value, place)
    return layer


def _parse_override(override: str) -> tuple[Key, object]:
    """Return the key and the value of `section.key=value`; raise ValueError with what is wrong."""
    name, equals, text = override.partition("=")
    key = tuple(name.split("."))
    if not (name and equals):
        raise ValueError("expected section.key=value, such as training.steps=1000")
    if name == "base":
        raise ValueError(f"a base is named in the file only, by a line such as base: {text}")
    if key not in KEYS:
        raise ValueError(unknown_key(key))
    if name in SECTIONS:
        example = f"{name}.{next(iter(SECTIONS[name].model_fields))}"
        raise ValueError(f"{name} is a section, set one of its keys, such as {example}")
    if re.search("[\ud800-\udfff]", text):  # as Python keeps bytes that are no text
        raise ValueError("what was typed is not UTF-8")
    return key, parse_value(text)
