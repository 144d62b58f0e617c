"""Describe every option: the tables of docs/configuration.md, made from the schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainer.config.messages import describe_schema
from trainer.config.resume import may_change
from trainer.config.schema import SECTIONS, Config
from trainer.yaml_text import dump

_TABLE = "| key | default | value | meaning |\n|---|---|---|---|"


def markdown() -> str:
    """Return what may change on resume, and a table of the options of each section."""
    top = Config.model_json_schema()["properties"].items()
    lines = [*_changeable(), "", "## Options", ""]
    lines += [", ".join(f"[{name}](#{name})" for name in SECTIONS), "", _TABLE]
    lines += [_row(key, rules) for key, rules in top if key not in SECTIONS]
    for name, section in SECTIONS.items():
        lines += ["", f"### {name}", "", str(section.__doc__), "", _TABLE]
        lines += [_row(*item) for item in section.model_json_schema()["properties"].items()]
    return "\n".join(lines) + "\n"


def _row(key: str, rules: Mapping[str, Any]) -> str:
    default = ""
    if "default" in rules:
        default = f"`{dump({'': rules['default']}).partition(': ')[2].strip()}`"
    nullable = any(one.get("type") == "null" for one in rules.get("anyOf", ()))
    value = describe_schema(rules) + (", or null" if nullable else "")
    return f"| `{key}` | {default} | {value} | {rules['description']} |"


def _changeable() -> list[str]:
    """Return a list of what a resume may change."""
    lines, whole = ["- `name` and `runs` (the folder stays where it is)"], []
    for name, section in SECTIONS.items():
        keys = [f"`{key}`" for key in section.model_fields if may_change(name, key)]
        if len(keys) == len(section.model_fields):
            whole.append(f"`{name}`")
        elif keys:
            lines.append(f"- `{name}`: {', '.join(keys)}")
    return [*lines, f"- everything in {', '.join(whole)}"]
