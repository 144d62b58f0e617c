"""Print what a configuration file can hold: as JSON Schema, or in tables."""

from __future__ import annotations

from argparse import Namespace

from trainer import terminal
from trainer.config import json_schema
from trainer.config.documentation import markdown


def run(arguments: Namespace) -> int:
    """Print configs/schema.json, or what docs/configuration.md has between its two marks."""
    if arguments.markdown:
        terminal.write(markdown())
    else:
        terminal.write_json(json_schema(), indent=2)
    return 0
