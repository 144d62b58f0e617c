"""The configuration of a run: a strict schema, read from YAML and from the command line."""

from trainer.config.reader import (
    changed,
    config_from_mapping,
    load_config,
    override,
    resolve_config,
)
from trainer.config.resolved import Resolved
from trainer.config.schema import (
    BackendConfig,
    CheckpointConfig,
    Config,
    CorpusConfig,
    EvaluationConfig,
    GenerationConfig,
    ModelConfig,
    MonitorConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrainingConfig,
    json_schema,
)

__all__ = [
    "BackendConfig",
    "CheckpointConfig",
    "Config",
    "CorpusConfig",
    "EvaluationConfig",
    "GenerationConfig",
    "ModelConfig",
    "MonitorConfig",
    "OptimizerConfig",
    "Resolved",
    "ScheduleConfig",
    "TrainingConfig",
    "changed",
    "config_from_mapping",
    "json_schema",
    "load_config",
    "override",
    "resolve_config",
]
