"""Print what a configuration file can hold: as JSON Schema, or in words."""

from __future__ import annotations

import json
from argparse import Namespace

from trainer.config import json_schema
from trainer.config.documentation import markdown


def run(arguments: Namespace) -> int:
    """Print the schema, as it stands in configs/schema.json, or docs/configuration.md."""
    if arguments.markdown:
        print(markdown(), end="")
    else:
        print(json.dumps(json_schema(), indent=2))
    return 0
