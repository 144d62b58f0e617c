"""Print what a configuration file can hold: as JSON Schema, or in words."""

from __future__ import annotations

from argparse import Namespace

from trainer import terminal
from trainer.config import json_schema
from trainer.config.documentation import markdown


def run(arguments: Namespace) -> int:
    """Print the schema, as it stands in configs/schema.json, or docs/configuration.md."""
    if arguments.markdown:
        terminal.write(markdown())
    else:
        terminal.write_json(json_schema(), indent=2)
    return 0
