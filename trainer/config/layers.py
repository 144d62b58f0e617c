"""What one source of a configuration gives, and how one source lies over another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from trainer.config.messages import Place, no_section
from trainer.config.schema import SECTIONS
from trainer.errors import UserError
from trainer.yaml_text import Key


class Given(NamedTuple):
    """A value and where it was given; of a section, where it begins."""

    value: Any
    place: Place


Layer = dict[Key, Given]
"""All that a source gives, keys of sections beside the sections themselves."""


def make_layer(data: Mapping[str, Any], place_of: Callable[[Key], Place]) -> Layer:
    """Return what nested mappings give.

    Raises UserError for a section that is none: nothing could lie over its keys.
    """
    layer: Layer = {}
    for name, value in data.items():
        layer[name,] = Given(value, place_of((name,)))
        if name not in SECTIONS or value is None:  # an empty section is one without keys
            continue
        if not isinstance(value, Mapping):
            raise UserError(f"{place_of((name,))}: {no_section(name, value)}")
        for key, item in value.items():
            layer[name, key] = Given(item, place_of((name, key)))
    return layer


def lay_over(below: Layer, above: Layer) -> Layer:
    """Return both, where `above` replaces equal keys and the alternatives of its own.

    Alternatives within one layer stay, for the schema to refuse.
    """
    replaced = {
        (key[0], alternative)
        for key, given in above.items()
        if given.value is not None
        for alternative in _alternatives(key)
    }
    return {key: given for key, given in below.items() if key not in replaced} | above


def nested(layer: Layer) -> dict[str, Any]:
    """Return the values of a layer as the schema reads them, with all sections."""
    data: dict[str, Any] = {name: {} for name in SECTIONS}
    for key, given in layer.items():
        if len(key) == 2:
            data[key[0]][key[1]] = given.value
        elif key[0] not in SECTIONS:
            data[key[0]] = given.value
    return data


def _alternatives(key: Key) -> tuple[str, ...]:
    choice = SECTIONS[key[0]].exactly_one if len(key) == 2 else ()
    return choice if key[-1] in choice else ()
