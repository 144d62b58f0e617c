"""How to write text: a run's configuration, and what the command line has in its place."""

from __future__ import annotations

from argparse import Namespace

from trainer.config import GenerationConfig, config_from_mapping
from trainer.errors import UserError
from trainer.runs.checkpoint import Checkpoint


def generation_options(
    checkpoint: Checkpoint, arguments: Namespace, command: str
) -> GenerationConfig:
    """Return the options of a run, each replaced by the argument of its name where there is one.

    Raises:
        UserError: an argument is impossible; the schema that checks the file checks it too.
    """
    given = {
        name: value
        for name in GenerationConfig.model_fields
        if (value := getattr(arguments, name, None)) is not None
    }
    saved = checkpoint.config.model_dump(mode="json")
    changed = {**saved, "generation": {**saved["generation"], **given}}
    options = config_from_mapping(changed, command).generation
    try:
        (options.prompt or "").encode()
    except UnicodeEncodeError as error:
        raise UserError("--prompt: what was typed is not UTF-8") from error
    return options
