"""Print the JSON Schema of configuration files."""

from __future__ import annotations

import json
from argparse import Namespace

from trainer.config import json_schema


def run(arguments: Namespace) -> int:
    """Print the schema, as it stands in configs/schema.json."""
    print(json.dumps(json_schema(), indent=2))
    return 0
