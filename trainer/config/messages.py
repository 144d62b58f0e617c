"""Say in one line what is wrong in a configuration, where, and what was expected."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from trainer.config.names import folder_name
from trainer.config.schema import KEYS, SECTIONS, Config
from trainer.hints import likeness
from trainer.yaml_text import Key

# Names from other trainers that are spelled too differently to be guessed.
_FAMILIAR = {
    "rnn_size": ("model", "hidden_size"),
    "bptt": ("training", "sequence_length"),
    "lr": ("optimizer", "learning_rate"),
    "grad_clip": ("optimizer", "clip_value"),
}

_BOUNDS = {
    "minimum": "of at least",
    "exclusiveMinimum": "greater than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}


COMMAND_LINE = "command line"


class Place(NamedTuple):
    """Where a value was given: the words that begin a message."""

    origin: str
    """Such as `configs/mine.yaml:12` or `command line`."""
    given: str
    """The key, or the override as it was written."""

    def __str__(self) -> str:
        return f"{self.origin}: {self.given}"


def explain(
    error: ValidationError, data: Mapping[str, Any], places: Mapping[Key, Place], source: str
) -> str:
    """Return one line for the first of the errors, and how many more there are.

    `data` is what was validated, `places` where its keys were given; `source` lacks the others.
    """
    problems: dict[Key, str] = {}
    # A section or base that is misspelt comes first: it explains what else is missing.
    for details in sorted(error.errors(include_url=False), key=_is_no_unknown_section):
        if details["type"] == "default_factory_not_called":
            continue  # a default that depends on a value which is wrong itself
        key, message = _problem(details, data, places)
        # One message a key, however many items of it are wrong; of a choice, what is most precise.
        if key not in problems or details["type"] == "value_error":
            problems[key] = message
    key, message = next(iter(problems.items()))
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    place = places.get(key) or Place(source, ".".join(key))
    return f"{place}: {message}{more}"


def unknown_key(key: Key) -> str:
    """Return the message for a key that the schema does not have, with the nearest that it has."""
    parts = tuple(".".join(key).split("."))
    if parts in KEYS:  # the command line's way of writing, in a file
        return f"unknown key; write {parts[1]}: indented below {parts[0]}:"
    nearest = nearest_keys(key)
    if nearest:
        return "unknown key; did you mean " + " or ".join(map(".".join, nearest)) + "?"
    if key[0] in SECTIONS:
        return f"unknown key; {key[0]} has " + ", ".join(SECTIONS[key[0]].model_fields)
    return "unknown key; there are " + ", ".join((*Config.model_fields, "base"))


def no_section(name: str, value: object) -> str:
    """Return the message for a section that holds something else than keys."""
    example = next(iter(SECTIONS[name].model_fields))
    blank = (
        "; is a blank missing after its colon?" if isinstance(value, str) and ":" in value else ""
    )
    return f"found {found(value)}, expected a section with keys such as {example}{blank}"


def found(value: object) -> str:
    """Return a value as a person would write it, cut short if it is long."""
    if value is None:
        return "nothing"
    try:
        words = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):  # no value of a file's
        words = repr(value)
    return words if len(words) <= 60 else f"{words[:57]}..."


def as_text(override: str) -> str:
    """Return an override whose value is text, as it is to be written for the shell."""
    name, _, text = override.partition("=")
    return shlex.quote(f"{name}={json.dumps(text, ensure_ascii=False)}")


def describe_schema(schema: Mapping[str, Any]) -> str:
    """Return what a JSON Schema allows, so that the rules of a key need not be worded again."""
    if "anyOf" in schema:
        return " or ".join(
            describe_schema(one) for one in schema["anyOf"] if one.get("type") != "null"
        )
    if "enum" in schema or "const" in schema:
        return " or ".join(map(repr, schema.get("enum") or [schema["const"]]))
    if schema["type"] == "array":
        items = schema.get("prefixItems")
        if items is None:
            return "a list of at least one"
        return f"a list of {len(items)} items, each {describe_schema(items[0])}"
    if schema["type"] == "string":
        text = "text that is not empty" if "minLength" in schema else "text"
        return str(schema.get("patternErrorMessage", text))
    if schema["type"] == "boolean":
        return "true or false"
    kind = "a whole number" if schema["type"] == "integer" else "a number"
    known = ((words, schema[name]) for name, words in _BOUNDS.items() if name in schema)
    bounds = [f"{words} {_number(bound)}" for words, bound in known]
    return " ".join([kind, " and ".join(bounds)]).rstrip()


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _is_no_unknown_section(details: ErrorDetails) -> bool:
    return details["type"] != "extra_forbidden" or len(details["loc"]) > 1


def _problem(
    details: ErrorDetails, data: Mapping[str, Any], places: Mapping[Key, Place]
) -> tuple[Key, str]:
    """Return the key that an error of pydantic is about, and the error in our words."""
    key = tuple(map(str, details["loc"][:2]))
    kind = details["type"]
    if kind == "extra_forbidden":
        return key, unknown_key(key)
    if kind == "conflict":
        field = details["ctx"]["field"]
        return (*key, field) if field else key, details["msg"]
    if kind == "value_error":
        return key, str(details["ctx"]["error"])
    value = data.get(key[0]) if len(key) == 1 else data[key[0]].get(key[1])
    words, expected = found(value), _expected(key)
    if kind == "finite_number":
        expected = "a finite number"
    elif (
        kind == "string_type"
        and value is not None
        and not (isinstance(value, list) and "a list" in expected)
    ):
        expected += "; in quotes it is text"
        if key in places and places[key].origin == COMMAND_LINE:
            expected += f": {as_text(places[key].given)}"
    elif isinstance(value, str) and kind.endswith("_type"):
        words += " (text)"
    elif isinstance(value, str) and key == ("name",):
        expected += f"; did you mean {folder_name(value)}?"
    return key, f"found {words}, expected {expected}"


def _expected(key: Key) -> str:
    owner = SECTIONS[key[0]] if len(key) == 2 else Config
    return describe_schema(owner.model_json_schema()["properties"][key[-1]])


def nearest_keys(key: Key) -> list[Key]:
    """Return the best candidates: alike in the last part, rather in the same section than not."""
    if key[-1] in _FAMILIAR:
        return [_FAMILIAR[key[-1]]]
    scores = {}
    for candidate in (*KEYS, ("base",)):
        alike = likeness(key[-1], candidate[-1])
        if alike > 0.6:
            same_section = likeness("".join(key[:-1]), "".join(candidate[:-1])) > 0.6
            scores[candidate] = alike + 0.1 * same_section
    best = max(scores.values(), default=0)
    return [candidate for candidate, score in scores.items() if score == best]
