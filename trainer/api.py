"""Models in Python: train one, let it write, score a text, look inside; all on NumPy arrays.

::

    from trainer.api import load

    model = load("runs/shakespeare")
    print(model.generate("ROMEO:", length=300, temperature=0.8))
    losses = model.score("To be, or not to be")          # (n - 1,) nats
    inside = model.read("To be, or not to be")
    inside.forget.shape                                  # (L, n, H)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from trainer.config import Config, config_from_mapping, load_config
from trainer.model import Model, Reading, load

__all__ = ["Model", "Reading", "load", "train"]


def train(
    config: str | Path | Mapping[str, Any] | Config,
    *,
    force: bool = False,
    callback: Callable[[Mapping[str, Any]], object] | None = None,
) -> Model:
    """Train a model in a run folder of its own, as the command does, and load the best of it.

    ::

        losses = []
        model = train(
            {"name": "mine", "corpus": {"path": "my.txt"}, "training": {"minutes": 1}},
            callback=lambda row: losses.append(row["loss"]),
        )

    Ctrl-C stops it as it stops the command, saved; `python train.py --resume` goes on with it.

    Args:
        config: a YAML file, or what stands in one.
        force: replace a run of the same name.
        callback: called with each row of metrics.jsonl, such as {"kind": "train", "step": 20,
            "loss": 2.1, ...}.

    Raises:
        UserError: The configuration or the text is not as it must be, or the name is taken.
        RunFailed: The loss diverged, or the disk is full.
        KeyboardInterrupt: It was asked to stop, and everything is saved.
    """
    from trainer.training.starting import carry_out, create, folder_of, prepare

    if isinstance(config, str | Path):
        config = load_config(Path(config))
    elif not isinstance(config, Config):
        config = config_from_mapping({"name": "run", **config}, "the configuration")
    folder = folder_of(config)
    if not force:
        folder.refuse_if_taken()
    training = prepare(config, folder)
    with folder.locked():
        create(training)
        if not carry_out(training, callback):
            raise KeyboardInterrupt
    return load(folder.path)
