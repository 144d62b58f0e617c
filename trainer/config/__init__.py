"""The configuration of a run: a strict schema, read from YAML and from the command line."""

from trainer.config.reader import (
    changed,
    config_from_mapping,
    load_config,
    override,
    resolve_config,
)
from trainer.config.schema import (
    Config,
    CorpusConfig,
    GenerationConfig,
    TrainingConfig,
    json_schema,
)

__all__ = [
    "Config",
    "CorpusConfig",
    "GenerationConfig",
    "TrainingConfig",
    "changed",
    "config_from_mapping",
    "json_schema",
    "load_config",
    "override",
    "resolve_config",
]
